# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the workspaces of incidents from events."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_workspaces
short_description: "[INTERNAL] Find the workspaces of incidents from events"
version_added: 0.6.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - An event does not contain the workspace of its incident. This filter finds it among the incidents that
    M(secops.itsm.contraforce_incident_info) lists, by source, identifier, title and time of creation (CF-A21 in the
    guide R(Verified and assumed, ansible_collections.secops.itsm.docsite.verified)).
options:
  _input:
    description:
      - The incidents, as entries of the runbooks' C(incidents). An entry with a C(workspace_id) is not changed.
      - Other entries have C(source), C(incident_id), C(created_at), and C(title_sha256), the digest of the title.
    type: list
    elements: dict
    required: true
  listed:
    description: The listed incidents.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: List incidents of the last two days
  secops.itsm.contraforce_incident_info:
    sources: [DefenderXDR]
    time_range: FourtyEightHours
  register: candidates

- name: Show the workspace of the incident
  ansible.builtin.debug:
    msg: "{{ incidents | secops.itsm.runbook_workspaces(candidates.incidents) }}"
  vars:
    incidents:
      - source: DefenderXDR
        incident_id: "48213"
        created_at: "2026-11-21T02:41:00Z"
        title_sha256: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
"""

RETURN = r"""
_value:
  description: C(incidents) with their C(workspace_id), and C(problems), a message for each incident whose workspace was
    not found or is ambiguous.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.incident_workspaces import add_workspaces


def runbook_workspaces(
    incidents: Sequence[Mapping[str, Any]], listed: Sequence[Mapping[str, Any]]
) -> dict[str, list[Any]]:
    """Return the incidents with their workspaces.

    :param incidents: entries of a runbook's list.
    :param listed: incidents as the service listed them.
    """
    return add_workspaces(incidents, listed)


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_workspaces": runbook_workspaces}
