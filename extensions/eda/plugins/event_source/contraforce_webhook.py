# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source secops.itsm.contraforce_webhook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: contraforce_webhook
short_description: Receive the webhooks of ContraForce
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Listens for the webhooks of ContraForce, and gives a rulebook the event of each genuine delivery, once.
  - "A delivery is genuine if its C(X-CF-Signature) is the HMAC-SHA256 of C(X-CF-Timestamp), a dot and the body as it
    came. Two spellings are documented and taken, no others: a timestamp in Unix seconds with C(sha256=) and small
    hexadecimal digits, or in ISO 8601 with bare Base64. The key is O(secret) as text in UTF-8, which is an assumption
    (CF-A20 in the README)."
  - A timestamp that is more than 5 minutes off is refused, so the clock of this machine has to be right.
  - ContraForce delivers an event at least once. A second delivery with the same C(X-CF-Event-Id) is answered like the
    first one, and not given to the rulebook again; so is the same signature under another identifier, because that is
    not signed. The latest 10,000 events are remembered for up to 24 hours, and not beyond a restart.
  - A delivery is answered with 200 only after the rulebook has taken its event. While that is busy, up to
    O(queue_size) deliveries wait, each up to O(answer_within); all others are answered with 503 and C(Retry-After),
    which makes ContraForce deliver them again. If the rulebook was just being given an event when its time was up, the
    next try to deliver it is answered with 200. What waits when the source ends is answered with 503.
  - What the rulebook has taken and not worked off by then is lost when it ends.
  - If C(secops.itsm.contraforce_incidents) runs in another process, both may hand over an incident at the same moment.
    Its playbook then runs twice at once, which may post its comment twice and open two tickets.
options:
  host:
    description:
      - The address to listen on.
      - One that other machines can reach takes O(certfile), or else O(allow_http).
    type: str
    default: 127.0.0.1
  port:
    description: The port to listen on. V(0) takes any that is free, and the log says which.
    type: int
    required: true
  path:
    description: The path that deliveries go to, exactly. Everything else is answered with 404.
    type: str
    default: /
  secret:
    description:
      - The secret of the webhook, as ContraForce shows it. Put it into the environment rather than into the rulebook.
      - If not set, the value of the environment variable E(CONTRAFORCE_WEBHOOK_SECRET) is used.
    type: str
    required: true
  former_secret:
    description:
      - A second secret that deliveries may be signed with, for as long as the secret is being changed.
      - If not set, the value of the environment variable E(CONTRAFORCE_WEBHOOK_FORMER_SECRET) is used.
    type: str
  certfile:
    description:
      - Path of a file with the certificate (PEM) to show, followed by those between it and its CA.
      - TLS 1.2 or newer is spoken.
    type: path
  keyfile:
    description: Path of a file with the key (PEM) of O(certfile), if that does not hold it.
    type: path
  password:
    description:
      - The password of the key, if it has one.
      - If not set, the value of the environment variable E(CONTRAFORCE_WEBHOOK_PASSWORD) is used.
    type: str
  cafile:
    description:
      - Path of a file with CA certificates (PEM). If set, only clients with a certificate of one of these can connect.
    type: path
  allow_http:
    description:
      - Whether to listen without TLS on an address that other machines can reach.
      - For use behind a proxy that takes care of TLS, in a network of its own.
    type: bool
    default: false
  max_body:
    description: The most bytes that the body of a delivery may have. A longer one is answered with 413.
    type: int
    default: 1048576
  queue_size:
    description: The most deliveries that may wait for the rulebook at a time.
    type: int
    default: 100
  answer_within:
    description: Seconds that a delivery may wait for the rulebook. Below what the sender waits for an answer.
    type: float
    default: 5
  forward_tests:
    description:
      - Whether the rulebook gets test deliveries too. They are verified and answered with 200 in any case.
      - Their C(event.payload.isTest) is V(true), also where only the header C(X-CF-Test) says so.
    type: bool
    default: false
notes:
  - "The event has the shape of those of C(eda.builtin.webhook) and of the event streams of Automation
    Platform: the body in C(event.payload), the path in C(event.meta.endpoint), and of the headers C(X-CF-Event-Id),
    C(X-CF-Schema) and C(X-CF-Timestamp) in C(event.meta.headers)."
  - "Answers: 200 for what was handed over, came before or was a test; 400 for missing headers, or a body that is no
    JSON object with a C(type); 401 for the signature or the timestamp; 404 and 405 for another path or method; 408 for
    a body that takes more than 10 seconds; 413; 503."
  - A refused delivery is one line in the log, with the address that it came from, and at most one line a second.
  - At most 500 connections are open at a time, or a quarter of the files that the process may open if that is less
    (C(ulimit -n)). At the limit, a new connection replaces the one that was idle for the longest time, of the address
    that has the most. A connection on which a genuine delivery waits for its answer is kept. The log has at most one
    line a minute about this.
  - A connection that sends no request within 10 seconds is closed, and so is one that is idle for 30 seconds after an
    answer.
  - "The rule engine of ansible-rulebook loses events with some values, so these are changed: keys of more than 20,000
    characters and texts of more than 10,000,000 are cut and end with C(...), an empty key is called C((no name)),
    numbers that it cannot read become texts, and what is nested more than 50 levels deep becomes
    C((nested too deep)). If two keys would become equal, one gets a number."
  - Where the whole Internet can reach the port, put a proxy in front, which can limit connections, too.
"""

EXAMPLES = r"""
- name: React to new incidents
  hosts: localhost
  gather_facts: false
  sources:
    # The secret is in the environment variable CONTRAFORCE_WEBHOOK_SECRET.
    - name: ContraForce
      secops.itsm.contraforce_webhook:
        host: 0.0.0.0
        port: 8443
        path: /contraforce
        certfile: /etc/itsm/webhook.pem
        keyfile: /etc/itsm/webhook.key
  rules:
    - name: Tell of every new incident
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
    # ansible-rulebook sets up no loader of collections, and beside Ansible's own it could load no further plugin.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_receiver import receive


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Receive webhooks until cancelled.

    :param queue: takes the events.
    :param args: the options.
    """
    await receive(queue, args)
