# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the incidents that a runbook continues with after a step."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_left
short_description: "[INTERNAL] Find the incidents that a runbook continues with"
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Removes the incidents for which a step failed, and adds C(ticket_id) and C(record) to the others if the step
    returned them.
options:
  _input:
    description: The incidents before the step.
    type: list
    elements: dict
    required: true
  result:
    description: The registered result of the step, which handled a list in one task or in a loop.
    type: dict
    required: true
  of:
    description: The incidents of the step in the order of its outcomes, if these do not identify their incidents.
    type: list
    elements: dict
  ticket_keys:
    description: The keys of a ticket's C(id) and C(number) in an outcome, if the step opens tickets.
    type: dict
    version_added: 0.7.0
  reference:
    description: The facts about the reference of an incident to its ticket, if the step depends on it.
    type: dict
    version_added: 0.7.0
"""

EXAMPLES = r"""
- name: Link the tickets
  secops.itsm.contraforce_ticket_link:
    incidents: "{{ incidents }}"
  register: links
  ignore_errors: true
  vars:
    incidents: &incidents
      - workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: DefenderXDR
        incident_id: "48213"
        ticket_id: T20261121.0042

- name: Show the linked incidents
  ansible.builtin.debug:
    msg: "{{ incidents | secops.itsm.runbook_left(links) | map(attribute='incident_id') }}"
  vars:
    incidents: *incidents
"""

RETURN = r"""
_value:
  description: The incidents that did not fail in the step.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.remaining_incidents import remaining_incidents


def runbook_left(
    incidents: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any],
    of: Sequence[Mapping[str, Any]] | None = None,
    ticket_keys: Mapping[str, str] | None = None,
    reference: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the incidents that did not fail in a step.

    :param incidents: the incidents before the step.
    :param result: the registered result of the step.
    :param of: the incidents of the step, if its outcomes do not identify their incidents.
    :param ticket_keys: the keys of a ticket's ``id`` and ``number`` in an outcome, if the step opens tickets.
    :param reference: the facts about the reference of an incident to its ticket, if the step depends on it.
    """
    return remaining_incidents(incidents, result, of, ticket_keys, reference)


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_left": runbook_left}
