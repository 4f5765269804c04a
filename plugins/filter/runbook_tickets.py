# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the tickets of incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_tickets
short_description: "[INTERNAL] Build the tickets of incidents for ticketing_ticket"
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Builds the summary and the fields of a ticket for each incident, from templates and the incident's record.
  - In the summary and the fields, C({source}), C({incident_id}), C({workspace_id}), C({title}) and C({severity}) are
    replaced with the values of the incident, and C({title_html}) with its title for a rich text field. Any other word
    in braces is an error.
  - The summary is one line of at most 255 characters. The title is shortened as far as necessary, and control and
    formatting characters in it are replaced.
options:
  _input:
    description:
      - The incidents, each with C(workspace_id), C(source) and C(incident_id). Keys such as C(summary) and C(fields)
        override those in O(values).
      - C(record) is the C(incident) that M(secops.itsm.contraforce_incident_info) returns.
    type: list
    elements: dict
    required: true
  values:
    description: Values for all tickets, such as C(team_id), C(offer), C(summary), C(fields) and C(reference_field).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Open a ticket for each incident
  secops.itsm.ticketing_ticket:
    tickets: "{{ incidents | secops.itsm.runbook_tickets(for_all) }}"
    unique_by: [summary]
  vars:
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
        record: {title: Ransomware behaviour on a file server, severity: High}
    for_all:
      team_id: soc
      offer: Report a security incident
      fields: {Incident Reference: "{source} {incident_id}", Urgency: High}
"""

RETURN = r"""
_value:
  description: The entries of C(tickets), in the same order.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible.errors import AnsibleFilterError

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import build_ticket, unknown_placeholders


def runbook_tickets(incidents: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of ``tickets`` of the module ticketing_ticket.

    :param incidents: the entries of the runbook, with their records.
    :param values: the values of the runbook's variables.
    :raises AnsibleFilterError: if a placeholder is unknown.
    """
    problems = unknown_placeholders(incidents, values)
    if problems:
        raise AnsibleFilterError(" ".join(problems))
    return [build_ticket(incident, values) for incident in incidents]


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_tickets": runbook_tickets}
