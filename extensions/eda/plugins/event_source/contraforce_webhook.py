# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Receive the webhooks of ContraForce."""

from __future__ import annotations

DOCUMENTATION = r"""
name: contraforce_webhook
short_description: Receive webhooks from ContraForce
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Listens for webhooks from ContraForce and sends the event of each genuine delivery to the rulebook once.
  - "A delivery is genuine if its C(X-CF-Signature) is the HMAC-SHA256 of C(X-CF-Timestamp), a dot and the unchanged
    body. Only the two documented formats are accepted: a timestamp in Unix seconds with C(sha256=) and lower-case
    hexadecimal digits, or a timestamp in ISO 8601 with plain Base64. The key is O(secret) in UTF-8, see assumption
    CF-A20 in R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified)."
  - The body of C(agent.investigation.completed.v1) is not documented. If it does not contain a C(type), the header
    C(X-CF-Schema) provides it.
  - A timestamp that differs by more than 5 minutes is refused, so the clock of this machine must be correct.
  - ContraForce delivers an event at least once. A repeated delivery with the same C(X-CF-Event-Id) gets the same
    response, but is not sent to the rulebook again. The same applies to the same signature with another ID, because the
    ID is not signed. The last 10,000 events are kept for up to 24 hours, but not after a restart.
  - A delivery is answered with 200 only after the rulebook has accepted its event. While the rulebook is busy, up to
    O(queue_size) deliveries wait, each up to O(answer_within) seconds. All others are answered with 503 and
    C(Retry-After), so that ContraForce delivers them again. If the event was being passed to the rulebook when the time
    expired, the next delivery is answered with 200. Deliveries that wait when the source ends are answered with 503.
  - Events that the rulebook has accepted but not processed are lost when it ends.
  - If C(secops.itsm.contraforce_incidents) runs in another process, both may send the same incident at the same time.
    Its playbook then runs twice in parallel, which may post its comment twice and open two tickets.
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
    description: Exact path of deliveries. Requests to other paths are answered with 404.
    type: str
    default: /
  secret:
    description:
      - Secret of the webhook as shown by ContraForce. Provide it in the environment instead of the rulebook.
      - If a signing token override was set for the webhook, together with bearer credentials, ContraForce signs with
        this token. Then use the token instead of the secret. The credentials in C(Authorization) are not checked.
      - If not set, the value of the environment variable E(CONTRAFORCE_WEBHOOK_SECRET) is used.
    type: str
    required: true
  former_secret:
    description:
      - Second secret that deliveries may be signed with, while the secret is being changed, or if a second webhook with
        another secret sends to the same address, such as that of C(agent.investigation.completed.v1).
      - If not set, the value of the environment variable E(CONTRAFORCE_WEBHOOK_FORMER_SECRET) is used.
    type: str
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
      - If not set, the value of the environment variable E(CONTRAFORCE_WEBHOOK_PASSWORD) is used.
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
    description: Maximum size of the body of a delivery in bytes. Larger ones are answered with 413.
    type: int
    default: 1048576
  queue_size:
    description: Maximum number of deliveries that wait for the rulebook.
    type: int
    default: 100
  answer_within:
    description: Maximum seconds that a delivery waits for the rulebook. Must be less than the timeout of the sender.
    type: float
    default: 5
  forward_tests:
    description:
      - Whether to send test deliveries to the rulebook. They are always verified and answered with 200.
      - Their C(event.payload.isTest) is V(true), even if only the header C(X-CF-Test) marks them.
    type: bool
    default: false
notes:
  - "The event has the format of C(eda.builtin.webhook) and of the event streams of Automation Platform: the body in
    C(event.payload), the path in C(event.meta.endpoint), and the headers C(X-CF-Event-Id), C(X-CF-Schema) and
    C(X-CF-Timestamp) in C(event.meta.headers)."
  - "Responses: 200 for accepted, repeated and test deliveries; 400 for missing headers, or a body that is not a JSON
    object with a C(type); 401 for an invalid signature or timestamp; 404 and 405 for another path or method; 408 for a
    body that takes more than 10 seconds; 413 for a body that is too large; 503 if the rulebook is busy."
  - Refused deliveries are logged with the address of the sender, at most one message per second.
  - At most 500 connections are open at a time, or a quarter of the process's limit of open files (C(ulimit -n)) if that
    is less. At the limit, a new connection replaces the one that has been idle for the longest time, of the address
    with the most connections. A connection with a genuine delivery that waits for its response is kept. This is logged
    at most once per minute.
  - A connection is closed if it sends no request within 10 seconds, or if it is idle for 30 seconds after a response.
  - "The rule engine of ansible-rulebook loses events with some values, so these are changed: keys of more than 20,000
    characters and strings of more than 10,000,000 characters are truncated and end with C(...), an empty key becomes
    C((no name)), numbers that it cannot read become strings, and values that are nested more than 50 levels deep become
    C((nested too deep)). If two keys would become equal, a number is added to one of them."
  - If the port can be reached from the Internet, use a proxy in front of it that also limits connections.
"""

EXAMPLES = r"""
- name: React to new incidents
  hosts: localhost
  gather_facts: false
  sources:
    # The secret comes from the environment variable CONTRAFORCE_WEBHOOK_SECRET.
    - name: ContraForce
      secops.itsm.contraforce_webhook:
        host: 0.0.0.0
        port: 8443
        path: /contraforce
        certfile: /etc/itsm/webhook.pem
        keyfile: /etc/itsm/webhook.key
  rules:
    - name: Print every new incident
      condition: event.payload.type == "incident.created.v1"
      action:
        print_event:
          pretty: true
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

try:
    from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_receiver import receive
except ImportError:
    # ansible-rulebook sets up no collection loader. Ansible's loader would prevent it from loading other plugins.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_receiver import receive


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Run the event source until cancelled; ansible-rulebook calls this once.

    :param queue: the queue for events.
    :param args: the options.
    :raises ValueError: if an option is invalid.
    """
    await receive(queue, args)
