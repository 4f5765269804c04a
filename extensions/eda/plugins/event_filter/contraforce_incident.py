# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the incident of an event for conditions and runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: contraforce_incident
short_description: Name the incident of an event as conditions and runbooks take it
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - An event filter for events about ContraForce incidents, from C(secops.itsm.contraforce_webhook),
    C(secops.itsm.contraforce_incidents) or an event stream of Ansible Automation Platform. Every other event is left as
    it is.
  - Adds C(event.incident), for conditions, with C(source) in the API's spelling and C(incident_id), and, as far as the
    event shows them, C(workspace_id), C(incident_number), C(title), C(severity), C(status), C(created_at),
    C(account_id) and C(account_name). Each of them is a text.
  - "Adds C(event.entry), an entry of the runbooks' variable C(incidents): C({{ [event.entry] }}). It holds
    C(source), C(incident_id), C(incident_number) if that is known, and C(workspace_id). The webhook's events name no
    workspace; unless O(workspaces) does, C(created_at) and C(title_sha256), the SHA-256 digest of the title, stand for
    it, and the runbook finds the incident by them in the list (CF-A21 and CF-A22 in the README)."
  - Where an incident cannot be named, and for test deliveries, there is no C(event.entry), and C(event.refused) says
    why.
  - An incident's title can be written by an attacker, and Ansible templates the variables of a playbook. So give
    playbooks C(event.entry), which holds no free text, and nothing else of an event.
  - Nothing that an event holds makes this filter fail. Options that are wrong do, at the first event.
options:
  workspaces:
    description:
      - The UUID of the workspace by an account's C(accountId), in any case. Only for an account that has one workspace.
      - An C(accountName) does not count, for a customer may call his own account like that of another one.
      - It has to be written out in the rulebook, for ansible-rulebook puts no variables into a filter's options.
      - An event that names its workspace itself needs none of this.
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
              acc-northwind-health: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
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
    # ansible-rulebook sets up no loader of collections, and beside Ansible's own it could load no further plugin.
    sys.path.append(str(Path(__file__).absolute().parents[7]))
    from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import AccountWorkspaces, add_incident


def main(event: Any, workspaces: Any = None) -> Any:
    """Return an event with its incident; ansible-rulebook calls this for each event.

    :param event: the event from the source or the previous filter.
    :param workspaces: workspace UUIDs by account id.
    :raises ValueError: if an option is invalid.
    """
    return add_incident(event, AccountWorkspaces.from_option(workspaces))
