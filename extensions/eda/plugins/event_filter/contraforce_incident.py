# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the incident of an event for conditions and runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: contraforce_incident
short_description: Add the incident of an event for conditions and runbooks
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - An event filter for events about ContraForce incidents, from C(secops.itsm.contraforce_webhook),
    C(secops.itsm.contraforce_incidents) or an event stream of Ansible Automation Platform. All other events are left
    unchanged.
  - Adds C(event.incident) for conditions, with C(source) in the API's spelling and C(incident_id), and, if the event
    contains them, C(workspace_id), C(incident_number), C(title), C(severity), C(status), C(classification),
    C(classification_reason), C(created_at), C(account_id) and C(account_name). All values are strings.
  - The body of C(agent.investigation.completed.v1) is not documented. The filter reads what it shows, in C(data), in
    C(data.incident) or next to them, see assumption CF-A25.
  - "Adds C(event.entry), an entry for the runbooks' variable C(incidents): C({{ [event.entry] }}). It contains
    C(source), C(incident_id), C(incident_number) if it is known, and C(workspace_id). Webhook events do not contain the
    workspace. Without O(workspaces), the entry contains C(created_at) and C(title_sha256), the SHA-256 digest of the
    title, instead, and the runbook uses them to find the incident in the list, see assumptions CF-A21 and CF-A22 in
    R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified). It also contains C(account_id) if that is
    a UUID."
  - If an incident cannot be identified, and for test deliveries, there is no C(event.entry), and C(event.refused)
    contains the reason.
  - Attackers can choose the titles of incidents, and Ansible templates the variables of a playbook. Therefore pass only
    C(event.entry), which contains no free text, to playbooks.
  - The filter never fails because of the content of an event. Invalid options make it fail at the first event.
options:
  workspaces:
    description:
      - The workspace UUIDs of accounts, by C(accountId) in any case. Only for accounts with a single workspace.
      - C(accountName) is not used, because several accounts can have the same name.
      - Write the values in the rulebook, because ansible-rulebook does not replace variables in the options of filters.
      - Not needed for events that contain their workspace.
    type: dict
"""

EXAMPLES = r"""
- name: Close known false positives
  hosts: localhost
  sources:
    - name: ContraForce
      secops.itsm.contraforce_webhook:
        port: 5000
      filters:
        - secops.itsm.contraforce_incident:
            workspaces:
              9f1c2d3e-4a5b-4c6d-8e7f-0a1b2c3d4e5f: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
  rules:
    - name: Sign-ins of the backup account
      condition: event.entry is defined and event.incident.title is search("backup account", ignorecase=true)
      action:
        run_playbook:
          name: secops.itsm.close_incident
          extra_vars:
            incidents: "{{ [event.entry] }}"
            classification: FalsePositive
            classification_reason: InaccurateData
            comment: Sign-ins of the backup account are expected.
"""

import sys
from pathlib import Path
from typing import Any

try:
    from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import AccountWorkspaces, add_incident
except ImportError:
    # ansible-rulebook sets up no collection loader. Ansible's loader would prevent it from loading other plugins.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import AccountWorkspaces, add_incident


def main(event: Any, workspaces: Any = None) -> Any:
    """Return an event with its incident; ansible-rulebook calls this for each event.

    :param event: the event from the source or the previous filter.
    :param workspaces: workspace UUIDs by account id.
    :raises ValueError: if an option is invalid.
    """
    return add_incident(event, AccountWorkspaces.from_option(workspaces))
