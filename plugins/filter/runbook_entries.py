# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the incidents of a runbook to the entries of a module."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_entries
short_description: Convert incidents to entries of a module's incidents option
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
  with_ticket:
    description: Options to add to the entries that have a ticket.
    type: dict
    default: {}
  one_of:
    description: Mutually exclusive options of O(keys). Only the first one that an incident has is added to its entry.
    type: list
    elements: str
    default: []
  requires_one:
    description: Whether to omit the incidents that have none of the options in O(one_of).
    type: bool
    default: false
  identity:
    description: Whether the entries contain the keys that identify the incident. V(false) is for modules of tickets.
    type: bool
    default: true
    version_added: 0.7.0
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
  description: The entries of C(incidents), in the order of the input.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY_KEYS


def runbook_entries(
    incidents: Sequence[Mapping[str, Any]],
    keys: Mapping[str, str] | None = None,
    with_ticket: Mapping[str, Any] | None = None,
    one_of: Sequence[str] = (),
    requires_one: bool = False,
    identity: bool = True,
) -> list[dict[str, Any]]:
    """Return the entry of a module for each incident, in the order of the incidents.

    :param incidents: the incidents of a runbook.
    :param keys: further keys of an incident, by the module's option.
    :param with_ticket: options to add to the entries that have a ticket.
    :param one_of: mutually exclusive options, of which only the first one is used.
    :param requires_one: whether to omit the incidents that have none of these.
    :param identity: whether the entries contain the keys that identify the incident.
    """
    names = {**{name: name for name in IDENTITY_KEYS if identity}, **(keys or {})}
    entries = []
    for incident in incidents:
        entry = {option: incident[name] for option, name in names.items() if name in incident}
        chosen = [option for option in one_of if option in entry]
        for option in chosen[1:]:
            del entry[option]
        if chosen or not requires_one:
            entries.append({**entry, **((with_ticket or {}) if "ticket_id" in entry else {})})
    return entries


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_entries": runbook_entries}
