# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the details to incidents that the texts of their tickets use."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_details
short_description: "[INTERNAL] Add the details to incidents that the texts of their tickets use"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Finds out which details, such as the description, the summaries and the fields of tickets contain, and what must be
    read for them. Adds them to the incidents once it was read.
options:
  _input:
    description: The incidents, each with C(workspace_id), C(source) and C(incident_id). Those with a C(ticket_id) do
      not need details.
    type: list
    elements: dict
    required: true
  options:
    description: The options of the runbook.
    type: dict
    required: true
  read:
    description: The registered result of reading the incidents.
    type: dict
    default: {}
  listed:
    description: Incidents as the service listed them.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show what must be read for the tickets of incidents
  ansible.builtin.debug:
    msg: "{{ incidents | secops.itsm.runbook_details(options) }}"
  vars:
    options: {fields: {Description: "{alerts}"}}
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
"""

RETURN = r"""
_value:
  description: C(used), the names of the details; C(investigation), whether the incidents must be read with their
    investigation details; C(window), the options for listing incidents, or nothing; C(incidents), with the details in
    C(record); C(unlisted), the number of incidents that the list lacks; and C(notes), a sentence for each set of
    details that the service does not show.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.incident_details import add_details


def runbook_details(
    incidents: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    read: Mapping[str, Any] | None = None,
    listed: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what is needed for the details of incidents, and the incidents with them.

    :param incidents: the entries of the incidents.
    :param options: the options of the runbook.
    :param read: the registered result of reading the incidents.
    :param listed: incidents as the service listed them.
    """
    return add_details(incidents, options, read, listed)


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_details": runbook_details}
