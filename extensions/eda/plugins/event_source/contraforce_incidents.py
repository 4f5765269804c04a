# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Poll ContraForce for new incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: contraforce_incidents
short_description: Poll ContraForce for new incidents
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - An event source for rulebooks that cannot receive webhooks. It polls the list of incidents and sends each new
    incident to the rulebook once, the oldest ones first.
  - An incident is new if it was created after the source was started, or up to O(lookback) seconds before. An older
    incident that is listed because it was updated is not new.
  - Errors of the service are logged. The source then polls less and less often, at least every 15 minutes, and
    continues where it stopped, so that no incident is lost. With O(state_file), this includes restarts. It relies on
    the list containing all incidents of the requested time range, see assumption CF-A22 in
    R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
  - If the service sends the C(Date) header, polls fail while the clock of this machine is ahead of it. Otherwise, each
    poll starts before the newest listed incident, so that no incident is lost while the clock is wrong. Incidents can
    only be lost if the clock is ahead at the first start of the source and the source is started again before the clock
    is corrected.
  - A listed incident without an ID is skipped with a message in the log, and so are entries that are not incidents. All
    others are sent to the rulebook, even with an unknown source or without a creation time. For these, the filter sets
    C(event.refused) to the reason why they cannot be passed to a runbook.
  - The event has the format of the webhook's events. C(event.payload.type) is C(incident.listed), and
    C(event.payload.data) is the incident as M(secops.itsm.contraforce_incident_info) lists it. With the filter
    C(secops.itsm.contraforce_incident), a rulebook works with either source.
  - Events that the rulebook has accepted but not processed are lost when ansible-rulebook is killed.
  - If C(secops.itsm.contraforce_webhook) runs in another process, both may send the same incident at the same time. Its
    playbook then runs twice in parallel, which may post its comment twice and open two tickets.
requirements:
  - requests >= 2.25.0
  - jsonschema >= 4.0.0
options:
  interval:
    description: Seconds between polls, from 5 to 86400.
    type: int
    default: 60
  overlap:
    description:
      - Seconds by which each poll overlaps the previous one, up to 2592000, which is 30 days. Incidents that are
        listed up to this long after their creation are still found. No incident is sent twice because of the overlap.
    type: int
    default: 900
  lookback:
    description:
      - Seconds before the start of the source that the first poll includes, up to 315360000. With V(0), incidents may
        be missed if the clock of the service is behind.
    type: int
    default: 900
  state_file:
    description:
      - Path of a file that stores the time of the last poll and the IDs of the incidents that were sent, so that a
        restart continues there. Each source needs a file of its own. Only its owner can read it. It contains no
        secrets.
      - A file with other content is not changed, and the source does not start.
      - Without it, a restart polls as at the first start, with O(lookback).
    type: path
  remember:
    description:
      - Days, from 1 to 3650, for which the IDs of sent incidents are kept. If there are more than 50000, the oldest
        ones are removed earlier. An incident whose ID was removed counts as old.
    type: int
    default: 30
  statuses:
    description: Only incidents with these statuses.
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
    description: Only incidents with these severities.
    type: list
    elements: str
    choices:
      - Informational
      - Low
      - Medium
      - High
  sources:
    description: Only incidents from these sources, in any case.
    type: list
    elements: str
  query:
    description: Only incidents that match this full-text search of the service.
    type: str
  assignee_ids:
    description: Only incidents that are assigned to these users, by ID.
    type: list
    elements: str
  assignee_emails:
    description: Only incidents that are assigned to these users, by e-mail address.
    type: list
    elements: str
  include_unassigned:
    description: Whether to also list unassigned incidents if assignees are given.
    type: bool
  url:
    description:
      - URL of the ContraForce API, with or without C(/api/v2) at its end.
      - If not set, the value of the environment variable E(CONTRAFORCE_URL) is used.
    type: str
    default: https://portal.contraforce.com/api/v2
  client_id:
    description:
      - Client ID of a ContraForce service account. Requires O(client_secret).
      - Provide either O(client_id) and O(client_secret), or O(access_token).
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - Client secret of the service account.
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_SECRET) is used.
    type: str
  access_token:
    description:
      - Access token, sent as a Bearer token. Mutually exclusive with O(client_id) and O(client_secret).
      - The vendor's documentation does not show whether the service accepts a token, see assumption CF-A1 in
        R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
      - If not set, the value of the environment variable E(CONTRAFORCE_ACCESS_TOKEN) is used.
    type: str
  timeout:
    description:
      - Time in seconds to wait for a connection, and for each part of a response. A complete response may take up to
        four times as long.
      - If not set, the value of the environment variable E(CONTRAFORCE_TIMEOUT) is used.
    type: int
    default: 30
  retry_timeout:
    description:
      - Maximum time in seconds to keep retrying a request. V(0) disables retries.
      - Requests are retried after connection errors and HTTP 408, 429, 502, 503 and 504. The C(Retry-After) header is
        honored unless it exceeds this time.
      - If not set, the value of the environment variable E(CONTRAFORCE_RETRY_TIMEOUT) is used.
    type: int
    default: 60
  validate_certs:
    description:
      - Whether to validate the certificate of the service. To trust a private CA, use O(ca_path) instead of disabling
        this option.
      - If not set, the value of the environment variable E(CONTRAFORCE_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - Path of a file with the CA certificates (PEM) to trust instead of the public ones.
      - If not set, the value of the environment variable E(CONTRAFORCE_CA_PATH) is used.
    type: path
  client_cert:
    description:
      - Path of a client certificate (PEM). Its key is in the same file or in O(client_key).
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_CERT) is used.
    type: path
  client_key:
    description:
      - Path of the key (PEM) of O(client_cert), without a passphrase.
      - If not set, the value of the environment variable E(CONTRAFORCE_CLIENT_KEY) is used.
    type: path
  proxy:
    description:
      - URL of a proxy for all requests, such as V(http://proxy.example.com:3128).
      - Without this option, the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) are used, except
        for a service on this machine.
      - If not set, the value of the environment variable E(CONTRAFORCE_PROXY) is used.
    type: str
  headers:
    description:
      - Additional headers for all requests, for example for an API gateway.
      - Their values are treated as secrets unless they are shorter than six characters.
      - If not set, the value of the environment variable E(CONTRAFORCE_HEADERS) is used, which must be a JSON object.
    type: dict
  allow_http:
    description:
      - Whether O(url) may begin with C(http://) for a host other than this machine. The credentials are then sent
        unencrypted.
      - If not set, the value of the environment variable E(CONTRAFORCE_ALLOW_HTTP) is used.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Open tickets for new incidents of high severity
  hosts: localhost
  sources:
    - name: ContraForce
      secops.itsm.contraforce_incidents:
        severities: [High]
        interval: 120
        state_file: /var/lib/rulebooks/incidents.json
        # The credentials come from CONTRAFORCE_CLIENT_ID and CONTRAFORCE_CLIENT_SECRET.
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
    # ansible-rulebook sets up no collection loader. Ansible's loader would prevent it from loading other plugins.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.incident_poll import poll_incidents


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Run the event source; ansible-rulebook calls this once.

    :param queue: the queue for events.
    :param args: the options.
    :raises ValueError: if an option is invalid.
    """
    await poll_incidents(queue, args)
