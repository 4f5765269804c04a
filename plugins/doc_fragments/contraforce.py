# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of everything that talks to ContraForce. Kept in step with connection.py by a test."""

from __future__ import annotations

import re

from ansible_collections.secops.itsm.plugins.doc_fragments._transport import transport_documentation


class ModuleDocFragment:
    """Options of the connection to ContraForce, and of an incident there."""

    DOCUMENTATION: str = r"""
options:
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
""" + transport_documentation("CONTRAFORCE")

    #: For plugins that read their options as Ansible does, and not by an argument spec.
    PLUGINS: str = "options:\n" + "".join(
        f"  {name}:\n    env:\n      - name: CONTRAFORCE_{name.upper()}\n"
        for name in re.findall(r"^  (\w+):", DOCUMENTATION, re.MULTILINE)
    )

    INCIDENT_OR_LIST = r"""
options:
  workspace_id:
    description:
      - UUID of the workspace that the incident belongs to. Required with O(incident_id).
      - With O(incidents), that of every entry without one.
    type: str
  source:
    description:
      - The product that raised the incident, in any case, as webhooks carry it in lower case. Required with
        O(incident_id). With O(incidents), that of every entry without one.
      - One of V(Sentinel), V(DefenderXDR), V(QRadar), V(Splunk), V(CrowdStrike) and V(SentinelOne).
    type: str
  incident_id:
    description:
      - Identifier of the incident in its source. Any text but V(None) and V(null), which a template makes of a null. Of
        an incident of Sentinel it is a UUID, and not the number that the portal shows.
      - Exactly one of this and O(incidents) is needed.
    type: str
"""

    INCIDENT_FILTERS = r"""
options:
  severities:
    description: Only incidents of these severities, in any case.
    type: list
    elements: str
    choices:
      - Informational
      - Low
      - Medium
      - High
  statuses:
    description: Only incidents of these statuses, in any case.
    type: list
    elements: str
    choices:
      - Active
      - New
      - Closed
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
  time_range:
    description:
      - Only incidents of the last hours, in any case. The words are the API's own, and so is the spelling of
        V(FourtyEightHours). V(FortyEightHours) is accepted, too.
      - Without it and without O(time_from) the service decides which time the list covers.
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
      - Only incidents from this point in time on (ISO 8601, UTC unless it names a zone). Excludes O(time_range).
    type: str
  time_to:
    description: The end of the time that begins with O(time_from); the present if it is left out.
    type: str
"""
