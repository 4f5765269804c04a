# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the values of their customers to incidents whose workspaces were looked up."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_customers
short_description: "[INTERNAL] Add the values of their customers to incidents"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Adds the values of a customer's tickets, such as a company or a team, to the incidents of the customer's workspaces.
    A value that an incident sets itself takes precedence.
  - Used for incidents from events, once P(secops.itsm.runbook_workspaces#filter) found their workspaces. For all
    others, P(secops.itsm.runbook_input#filter) adds them.
options:
  _input:
    description: The incidents, each with its workspace.
    type: list
    elements: dict
    required: true
  customers:
    description: The values by the ID of a workspace or an account in lower case. If it is null, nothing is added.
    type: dict
    required: true
  values:
    description: Values for all tickets, the variables of the runbook.
    type: dict
    required: true
  ticket:
    description: The form of a ticket, C(ticket) in the C(system.yml) of the ticketing system.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the company of an incident
  ansible.builtin.debug:
    msg: "{{ (incidents | secops.itsm.runbook_customers(customers, {}, ticket)).incidents[0].company }}"
  vars:
    incidents:
      - workspace_id: 8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5
        source: QRadar
        incident_id: "20931"
    customers:
      8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5: {company: Fabrikam Hospital}
    ticket:
      summary: {option: short_description, max_length: 160}
      fields: {option: fields}
      reference: {option: reference, max_length: 100}
      values:
        - {names: [company], field: company}
"""

RETURN = r"""
_value:
  description: C(incidents) with the values of their customers, and C(problems), messages about workspaces without a
    customer and about incidents that cannot get a ticket.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.customers import CustomerInput, with_customers


def runbook_customers(
    incidents: Sequence[Mapping[str, Any]],
    customers: Mapping[str, Mapping[str, Any]] | None,
    values: Mapping[str, Any],
    ticket: Mapping[str, Any],
) -> dict[str, list[Any]]:
    """Return the incidents with the values of their customers.

    :param incidents: the incidents, each with its workspace.
    :param customers: the map of customers, or None.
    :param values: the values of the runbook's variables.
    :param ticket: ``ticket`` of the system.
    """
    if customers is None:
        return {"incidents": list(incidents), "problems": []}
    variable = "customers_file" if values.get("customers_file") else "customers"
    merged, problems = with_customers(incidents, CustomerInput(variable, customers), values, ticket)
    return {"incidents": merged, "problems": problems}


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_customers": runbook_customers}
