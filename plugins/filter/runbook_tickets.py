# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the tickets of incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_tickets
short_description: Build the tickets of incidents for a ticketing system
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - For the files of a ticketing system, see
    R(Use a ticketing system of your own,ansible_collections.secops.itsm.docsite.own_ticket_system).
  - Builds the summary and the fields of a ticket for each incident, from templates and the incident's record.
  - In the summary and the fields, C({source}), C({incident_id}), C({workspace_id}), C({title}), C({severity}),
    C({priority}), C({description}), C({alerts}), C({entities}), C({owner}), C({number}), C({created_at}),
    C({source_name}) and C({portal_url}) are replaced with the values of the incident. Any other word in braces is an
    error.
  - In a text with HTML, all values are escaped. C({title_html}), C({description_html}), C({alerts_html}),
    C({entities_html}), C({owner_html}) and C({source_name_html}) are always escaped.
  - A field with a detail, from C({description}) to C({portal_url}), is only set in a new ticket.
  - The summary is one line that the ticketing system accepts. The title is shortened as far as necessary, and control
    and formatting characters in it are replaced.
options:
  _input:
    description:
      - The incidents, each with C(workspace_id), C(source) and C(incident_id). Keys such as C(summary) and C(fields)
        override those in O(values).
      - C(record) is the C(incident) that M(secops.itsm.contraforce_incident_info) returns. C(runbook_details) adds the
        details to it.
    type: list
    elements: dict
    required: true
  values:
    description: Values for all tickets, the variables of the ticketing system, such as C(summary) and C(fields).
    type: dict
    required: true
  ticket:
    description:
      - The form of a ticket, C(ticket) in the C(system.yml) of the ticketing system. By default, that of the default
        system of the runbooks.
    type: dict
    version_added: 0.7.0
"""

EXAMPLES = r"""
- name: Show the tickets of incidents
  ansible.builtin.debug:
    msg: "{{ incidents | secops.itsm.runbook_tickets(for_all) }}"
  vars:
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
        record: {title: Ransomware behaviour on a file server, severity: High}
    for_all:
      summary: "{source} {incident_id} of {workspace_id}"
      fields: {Urgency: High, Description: "{title}"}
"""

RETURN = r"""
_value:
  description: The entries of C(tickets), in the same order.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import build_ticket, template_problems
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import default_system, find_system


def runbook_tickets(
    incidents: Sequence[Mapping[str, Any]], values: Mapping[str, Any], ticket: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the entries of ``tickets`` of the module of a ticketing system.

    :param incidents: the entries of the runbook, with their records.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system; by default that of the default system.
    :raises AnsibleFilterError: if a placeholder is unknown, or ``priority_map`` is invalid.
    """
    problems = template_problems(incidents, values)
    if problems:
        raise AnsibleFilterError(" ".join(problems))
    form = find_system(default_system()).definition["ticket"] if ticket is None else ticket
    # Titles are not templates, also if a task loops over the entries.
    return [wrap_var(build_ticket(incident, values, form)) for incident in incidents]


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_tickets": runbook_tickets}
