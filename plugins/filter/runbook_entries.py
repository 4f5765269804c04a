# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the incidents of a runbook to the entries of a module."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_entries
short_description: Convert the incidents of a runbook to entries of a module's incidents option
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Returns an entry for each incident, with the keys that identify it, and with O(keys) if the incident has them.
options:
  _input:
    description:
      - The incidents, each with C(workspace_id), C(source) and C(incident_id), or with the keys that O(keys) maps to
        these.
    type: list
    elements: dict
    required: true
  keys:
    description: A mapping of the module's options to the keys of an incident.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Assign each incident to its own user
  secops.itsm.contraforce_incident_assignee:
    incidents: "{{ incidents | secops.itsm.runbook_entries({'email': 'assignee_email'}) }}"
    email: d.duty@northwind.example
  vars:
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
        assignee_email: analyst@northwind.example
        comment: Not passed on.

- name: List new incidents of high severity
  secops.itsm.contraforce_incident_info:
    severities: [High]
    statuses: [New]
  register: severe

- name: Comment on all of them in one task
  secops.itsm.contraforce_incident_comment:
    incidents: "{{ severe.incidents | secops.itsm.runbook_entries(names) }}"
    comment: Seen by the night shift.
  vars:
    names: {workspace_id: workspaceId, incident_id: id}
"""

RETURN = r"""
_value:
  description: The entries of C(incidents), in the same order.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY_KEYS


def runbook_entries(
    incidents: Sequence[Mapping[str, Any]], keys: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the entry of a module for each incident.

    :param incidents: the incidents of a runbook.
    :param keys: further keys of an incident, by the module's option.
    """
    names = {**{name: name for name in IDENTITY_KEYS}, **(keys or {})}
    return [{option: entry[name] for option, name in names.items() if name in entry} for entry in incidents]


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_entries": runbook_entries}
