# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receive the callbacks of a ticketing system."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ticket_webhook
short_description: Receive callbacks from a ticketing system
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Listens for the callbacks that a ticketing system sends when a ticket changes, such as the REST message of a
    business rule in ServiceNow, and sends an event for each of them to the rulebook.
  - A callback is genuine if the header O(secret_header) contains O(secret). The comparison takes the same time for all
    values. Other requests are answered with 401 without reading their bodies.
  - The secret protects neither the body nor the time of a callback, and anyone who reads a callback knows it. Therefore
    use TLS, and let the playbook read the ticket instead of relying on the body.
  - C(event.ticket_event) contains C(ticket_system), C(ticket_number) and C(ticket_id) if the body contains them, and
    C(received_at), the time at which the callback was received, in UTC. Its values are validated and safe to pass to a
    playbook.
  - C(event.ticket_payload) is the body, for conditions. Never pass it to a playbook, because Ansible templates the
    variables of a playbook, and anyone who can write a ticket may choose its texts. Occurrences of the secret are
    replaced with asterisks.
  - If the ticketing system sends an ID with each callback, set O(id_header). A repeated ID is answered with 200, but is
    not sent to the rulebook again. The last 10,000 IDs are kept for up to 24 hours, but not after a restart.
  - Without an ID, callbacks with the same body may be repetitions, or may announce different changes of the ticket.
    Therefore O(repeat_interval) limits how often they become an event, without losing the last one.
  - A callback is answered with 200 only after the rulebook has accepted its event. While the rulebook is busy, up to
    O(queue_size) callbacks wait, each up to O(answer_within) seconds. All others are answered with 503 and
    C(Retry-After). Many ticketing systems do not send a callback again, so a schedule should read the closed tickets as
    well.
options:
  host:
    description:
      - Address to listen on.
      - An address that other machines can reach requires O(certfile) or O(allow_http).
    type: str
    default: 127.0.0.1
  port:
    description: Port to listen on. With V(0), any free port is used, which is written to the log.
    type: int
    required: true
  path:
    description: Exact path of callbacks. Requests to other paths are answered with 404.
    type: str
    default: /
  secret:
    description:
      - Secret that each callback contains. It must have at least 16 ASCII characters, and must not be the secret of
        ContraForce's webhook. Provide it in the environment instead of the rulebook.
      - If not set, the value of the environment variable E(TICKET_WEBHOOK_SECRET) is used.
    type: str
    required: true
  former_secret:
    description:
      - Second secret that is accepted while the secret is being changed.
      - If not set, the value of the environment variable E(TICKET_WEBHOOK_FORMER_SECRET) is used.
    type: str
  secret_header:
    description:
      - Name of the header with the secret. Headers that HTTP clients or proxies set are refused.
      - In V(Authorization), the secret must follow the word C(Bearer).
    type: str
    default: X-Webhook-Secret
  ticket_system:
    description: Name of the ticketing system for C(event.ticket_event.ticket_system), such as V(servicenow).
    type: str
    required: true
  number_keys:
    description:
      - Keys of the ticket's number in the body. The first one with a value is used. A dot separates the keys of nested
        objects.
    type: list
    elements: str
    default: [number, object_id, objectId, ticket_number, key, issue.key]
  id_keys:
    description:
      - Keys of the ticket's identifier in the body, like O(number_keys). A callback without number and identifier is
        answered with 400.
    type: list
    elements: str
    default: [sys_id, ticket_id, ObjectID, id, issue.id]
  id_header:
    description: Name of a header with the ID of the callback. It is then required, and shown in C(event.meta.headers).
    type: str
  repeat_interval:
    description:
      - Length in seconds of the intervals in which callbacks with the same body become one event. If their event was
        already accepted in the current interval, a callback waits for the next one. At most 60.
      - With V(0), each callback becomes an event. Not used with O(id_header).
    type: float
    default: 2
  certfile:
    description:
      - Path of a file with the server certificate (PEM), followed by the intermediate certificates.
      - Requires TLS 1.2 or later.
    type: path
  keyfile:
    description: Path of a file with the key (PEM) of O(certfile), if that file does not contain it.
    type: path
  password:
    description:
      - Password of the key, if it has one.
      - If not set, the value of the environment variable E(TICKET_WEBHOOK_PASSWORD) is used.
    type: str
  cafile:
    description:
      - Path of a file with CA certificates (PEM). If set, clients must have a certificate of one of these CAs.
    type: path
  allow_http:
    description:
      - Whether to listen without TLS on an address that other machines can reach.
      - For use behind a proxy that terminates TLS, in a separate network.
    type: bool
    default: false
  max_body:
    description: Maximum size of the body of a callback in bytes. Larger ones are answered with 413.
    type: int
    default: 1048576
  queue_size:
    description: Maximum number of callbacks that wait for the rulebook.
    type: int
    default: 100
  answer_within:
    description: Maximum seconds that a callback waits for the rulebook. Must be less than the timeout of the sender.
    type: float
    default: 5
notes:
  - "Responses: 200 for accepted and repeated callbacks; 400 for a body that is not a JSON object, or that contains no
    usable number or identifier; 401 for a missing or wrong secret; 404 and 405 for another path or method; 408 for a
    body that takes more than 10 seconds; 413 for a body that is too large; 503 if the rulebook is busy."
  - Refused callbacks are logged with the address of the sender, at most one message per second.
  - Limits of connections, and values that are changed for the rule engine, are the same as those of
    C(secops.itsm.contraforce_webhook).
  - If the port can be reached from the Internet, use a proxy in front of it that also limits connections.
"""

EXAMPLES = r"""
- name: React to callbacks of ServiceNow
  hosts: localhost
  gather_facts: false
  sources:
    # The secret comes from the environment variable TICKET_WEBHOOK_SECRET.
    - name: ServiceNow
      secops.itsm.ticket_webhook:
        host: 0.0.0.0
        port: 8444
        path: /tickets
        certfile: /etc/itsm/webhook.pem
        keyfile: /etc/itsm/webhook.key
        ticket_system: servicenow
  rules:
    - name: Print every ticket that changed
      condition: event.ticket_event is defined
      action:
        debug:
          msg: "{{ event.ticket_event }}"
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

try:
    from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_receiver import receive_callbacks
except ImportError:
    # ansible-rulebook sets up no collection loader. Ansible's loader would prevent it from loading other plugins.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_receiver import receive_callbacks


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Run the event source until cancelled; ansible-rulebook calls this once.

    :param queue: the queue for events.
    :param args: the options.
    :raises ValueError: if an option is invalid.
    """
    await receive_callbacks(queue, args)
