# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that the plugins for ContraForce share. A test compares it with their specs."""

from __future__ import annotations

import re

from ansible_collections.secops.itsm.plugins.doc_fragments._transport import transport_documentation


class ModuleDocFragment:
    """Options for the connection to ContraForce and for incidents."""

    DOCUMENTATION: str = r"""
options:
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
      - The vendor's documentation does not show whether the service accepts a token, see assumption CF-A1 in the guide
        R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
      - If not set, the value of the environment variable E(CONTRAFORCE_ACCESS_TOKEN) is used.
    type: str
""" + transport_documentation("CONTRAFORCE")

    #: For plugins whose options Ansible reads, instead of an argument spec.
    PLUGINS: str = "options:\n" + "".join(
        f"  {name}:\n    env:\n      - name: CONTRAFORCE_{name.upper()}\n"
        for name in re.findall(r"^  (\w+):", DOCUMENTATION, re.MULTILINE)
    )

    INCIDENT_OR_LIST = r"""
options:
  workspace_id:
    description:
      - UUID of the incident's workspace. Required with O(incident_id).
      - The default of the entries in O(incidents).
    type: str
  source:
    description:
      - Product that raised the incident, in any case. Required with O(incident_id).
      - One of V(Sentinel), V(DefenderXDR), V(QRadar), V(Splunk), V(CrowdStrike) and V(SentinelOne).
      - The default of the entries in O(incidents).
    type: str
  incident_id:
    description:
      - ID of the incident in its source. For a Sentinel incident, this is a UUID and not the number in the portal.
      - V(None) and V(null) are refused, because they are the result of a template with a null value.
      - Provide either O(incident_id) or O(incidents).
    type: str
"""

    INCIDENT_FILTERS = r"""
options:
  severities:
    description: Only list incidents with these severities, in any case.
    type: list
    elements: str
    choices:
      - Informational
      - Low
      - Medium
      - High
  statuses:
    description: Only list incidents with these statuses, in any case.
    type: list
    elements: str
    choices:
      - Active
      - New
      - Closed
  sources:
    description:
      - Only list incidents from these sources, in any case, such as V(Sentinel), V(DefenderXDR), V(QRadar), V(Splunk),
        V(CrowdStrike) and V(SentinelOne).
    type: list
    elements: str
  query:
    description: Only list incidents in which the service finds this text.
    type: str
  assignee_ids:
    description: Only list incidents that are assigned to the users with these IDs.
    type: list
    elements: str
  assignee_emails:
    description: Only list incidents that are assigned to the users with these e-mail addresses.
    type: list
    elements: str
  include_unassigned:
    description: Whether to list unassigned incidents in addition to those of the assignees.
    type: bool
  time_range:
    description:
      - Only list incidents from this period before the present, in any case. V(FourtyEightHours) is the API's spelling;
        V(FortyEightHours) is also accepted.
      - Without this option and O(time_from), the service determines the period.
    type: str
    choices:
      - ThreeHours
      - SixHours
      - TwelveHours
      - TwentyFourHours
      - FourtyEightHours
      - FortyEightHours
  time_from:
    description:
      - Only list incidents created at or after this time, in ISO 8601 format. UTC is the default time zone.
      - Mutually exclusive with O(time_range).
    type: str
  time_to:
    description: End of the period that begins with O(time_from). The default is the present.
    type: str
"""
