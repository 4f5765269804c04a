# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Poll ContraForce for new incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: contraforce_incidents
short_description: Ask ContraForce for new incidents again and again
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - An event source for rulebooks of those who cannot take webhooks. It asks for the list of incidents, and hands each
    new incident to the rulebook once, the oldest ones first.
  - An incident is new if it was created after the source was started, or up to O(lookback) before. An older one that
    comes into the list because something happened to it is none.
  - Whatever goes wrong with the service is logged, and the source goes on with longer and longer breaks, up to 15
    minutes. It then takes up where it was, so that no incident is lost, with O(state_file) over a restart, too. This
    rests on the list having every incident of the time that is asked for (CF-A22 in the README).
  - If the service sends its time in the header C(Date), a poll fails while the clock of this machine is ahead of it. If
    not, a poll goes back behind the newest incident that was listed, so that no incident is lost while that clock is
    wrong. If it is ahead when the source is started for the first time, and the source is started again before it is
    set right, incidents of the time between can be lost.
  - A listed incident without an identifier cannot be named or remembered. It is skipped with a line in the log, and so
    are entries of the list that are not incidents. All others are handed over, also if their source is not known or
    they have no time of creation; the filter then says in C(event.refused) why they cannot be handed to a runbook.
  - The event has the shape of the webhook's. C(event.payload.type) is C(incident.listed), and C(event.payload.data) is
    the incident as M(secops.itsm.contraforce_incident_info) lists it. Use the filter
    C(secops.itsm.contraforce_incident), and a rulebook can have either source.
  - An event that the rulebook has taken and not yet worked on is lost when ansible-rulebook is killed.
  - If C(secops.itsm.contraforce_webhook) runs in another process, both may hand over an incident at the same moment.
    Its playbook then runs twice at once, which may post its comment twice and open two tickets.
requirements:
  - requests >= 2.25.0
  - jsonschema >= 4.0.0
options:
  interval:
    description: Seconds from one poll to the next, from 5 to 86400.
    type: int
    default: 60
  overlap:
    description:
      - Seconds by which each poll goes back behind the one before, up to 2592000, which is 30 days. What the list shows
        only so long after it was created is still found. Nothing is handed over twice for it.
    type: int
    default: 900
  lookback:
    description:
      - Seconds by which the very first poll goes back, up to 315360000. V(0) begins with the present; mind that the
        clock of the service may be behind.
    type: int
    default: 900
  state_file:
    description:
      - Path of a file that keeps over a restart what was handed over and up to when, for one source alone. Only its
        owner can read it; it holds identifiers of incidents, and no secret.
      - A file that holds something else is left alone, and the source does not start.
      - Without it, a restart begins anew with O(lookback).
    type: path
  remember:
    description:
      - Days, from 1 to 3650, for which an incident that was handed over is remembered. When there are more than 50000,
        the oldest ones are forgotten earlier. One that was forgotten counts as old.
    type: int
    default: 30
  statuses:
    description: Only incidents of these statuses.
    type: list
    elements: str
    choices:
      - Active
      - New
      - Closed
    default:
      - New
      - Active
  severities:
    description: Only incidents of these severities.
    type: list
    elements: str
    choices:
      - Informational
      - Low
      - Medium
      - High
  sources:
    description: Only incidents of these sources, in any case.
    type: list
    elements: str
  query:
    description: Only incidents in which the service finds this text.
    type: str
  assignee_ids:
    description: Only incidents that are assigned to these users, by their identifiers.
    type: list
    elements: str
  assignee_emails:
    description: Only incidents that are assigned to these users, by their e-mail addresses.
    type: list
    elements: str
  include_unassigned:
    description: Whether incidents that nobody is assigned to are listed beside those of the assignees.
    type: bool
  url:
    description:
      - Address of the ContraForce API, with or without C(/api/v2) at its end.
      - If not set, the value of the environment variable E(CONTRAFORCE_URL) is used.
    type: str
    default: https://portal.contraforce.com/api/v2
  client_id:
    description:
      - Client ID of a ContraForce service account. Goes together with O(client_secret).
      - Exactly one kind of credentials is needed, this one or O(access_token).
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Client secret of the service account.
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_SECRET) is used.
    type: str
  access_token:
    description:
      - Access token, sent as a Bearer token. Excludes O(client_id) and O(client_secret).
      - That the service accepts one is an assumption (CF-A1 in the README).
      - If not set, the value of the environment variable E(CONTRAFORCE_ACCESS_TOKEN) is used.
    type: str
  timeout:
    description:
      - Seconds to wait for a connection, and then for the service to send something.
      - If not set, the value of the environment variable E(CONTRAFORCE_TIMEOUT) is used.
    type: int
    default: 30
  retry_timeout:
    description:
      - Seconds after which no further try of a request begins. V(0) means one try.
      - Reads are tried again after connection errors and HTTP 408, 429, 502, 503 and 504; writes only when they cannot
        have been processed. What the service asks for in C(Retry-After) is honoured.
      - If not set, the value of the environment variable E(CONTRAFORCE_RETRY_TIMEOUT) is used.
    type: int
    default: 60
  validate_certs:
    description:
      - Whether the certificate of the service must be valid. To trust a private CA, use O(ca_path) instead.
      - If not set, the value of the environment variable E(CONTRAFORCE_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file with the CA certificates (PEM) to trust, instead of the public ones.
      - If not set, the value of the environment variable E(CONTRAFORCE_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path of a client certificate (PEM), with its key in the same file or in O(client_key).
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of the key (PEM) of O(client_cert), without a passphrase.
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for every request, such as V(http://proxy.example.com:3128).
      - Without it the usual variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are followed, but never for a
        service on this machine.
      - If not set, the value of the environment variable E(CONTRAFORCE_PROXY) is used.
    type: str
  headers:
    description:
      - Additional headers of every request, for an API gateway in front of the service.
      - Their values are treated as secrets, unless they are shorter than six characters.
      - If not set, the value of the environment variable E(CONTRAFORCE_HEADERS) is used, a JSON object.
    type: dict
  allow_http:
    description:
      - Whether O(url) may begin with C(http://) for a host other than this one. The credentials then travel in clear.
      - If not set, the value of the environment variable E(CONTRAFORCE_ALLOW_HTTP) is used.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Tell of every new incident of high severity
  hosts: localhost
  sources:
    - name: ContraForce
      secops.itsm.contraforce_incidents:
        severities: [High]
        interval: 120
        state_file: /var/lib/rulebooks/incidents.json
        # The credentials are in CONTRAFORCE_CLIENT_ID and CONTRAFORCE_CLIENT_SECRET.
      filters:
        - secops.itsm.contraforce_incident:
  rules:
    - name: Open a ticket and link it
      condition: event.entry is defined and event.incident.severity == "High"
      action:
        run_playbook:
          name: secops.itsm.open_ticket
          extra_vars:
            incidents: "{{ [event.entry] }}"
            team_id: soc
            offer: Report a security incident
"""

import sys
from pathlib import Path
from typing import Any

try:
    from ansible_collections.secops.itsm.plugins.plugin_utils.incident_poll import poll_incidents
except ImportError:
    # ansible-rulebook sets up no loader of collections, and beside Ansible's own it could load no further plugin.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.incident_poll import poll_incidents


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Run the event source; ansible-rulebook calls this once.

    :param queue: the queue for events.
    :param args: the options.
    :raises ValueError: if an option is invalid.
    """
    await poll_incidents(queue, args)
