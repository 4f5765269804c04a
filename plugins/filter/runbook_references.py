# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the comments that name the tickets of incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_references
short_description: "[INTERNAL] Build the comments that name the tickets of incidents"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Returns an entry of C(incidents) of M(secops.itsm.contraforce_incident_comment) for each incident, with a marker
    that contains the number of its ticket.
options:
  _input:
    description: The incidents, each with its C(ticket_number).
    type: list
    elements: dict
    required: true
  reference:
    description: The facts about the reference of an incident to its ticket, with the C(title) of the ticketing system.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Name the ticket in a comment
  secops.itsm.contraforce_incident_comment:
    incidents: "{{ incidents | secops.itsm.runbook_references({'title': 'Service desk'}) }}"
  vars:
    incidents:
      - workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: DefenderXDR
        incident_id: "48213"
        ticket_number: CTC-0042
"""

RETURN = r"""
_value:
  description: The entries of C(incidents), in the order of the input.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY_KEYS
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import reference_comment


def runbook_references(incidents: Sequence[Mapping[str, Any]], reference: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return an entry for the module of comments for each incident.

    :param incidents: the incidents with their tickets.
    :param reference: the facts about the reference.
    """
    return [
        {
            **{name: incident[name] for name in IDENTITY_KEYS},
            **reference_comment(incident["ticket_number"], reference["title"]),
        }
        for incident in incidents
    ]


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_references": runbook_references}
