#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: servicenow_ticket_info
short_description: Retrieve tickets of ServiceNow
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads one ticket of ServiceNow, or lists the tickets of a table (Table API, v2).
  - The list is always complete, unless O(limit) is set. If access rules hide matching tickets from the account, a
    warning contains their number.
  - If the ticket does not exist or an access rule hides it, the task fails with RV(ignore:error.category=not_found) or
    RV(ignore:error.category=permission).
extends_documentation_fragment:
  - secops.itsm.servicenow
  - secops.itsm.attributes
  - secops.itsm.attributes.actiongroup_servicenow
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
options:
  table:
    description: Table of the tickets.
    type: str
    default: incident
  number:
    description:
      - Number of the ticket, such as V(INC0010023), or its C(sys_id).
      - Set at most one of O(number), O(sys_id) and O(reference). By default, tickets are listed.
    type: str
  sys_id:
    description: Identifier of the ticket.
    type: str
  reference:
    description: Reference of the ticket in C(correlation_id), as M(secops.itsm.servicenow_ticket) stores it.
    type: str
  journal:
    description: Whether to also return the journal of the ticket. Not allowed for a list.
    type: bool
    default: false
  query:
    description:
      - Encoded query of the tickets to list, such as V(active=true^assignment_group.name=Security Operations).
      - The service ignores a condition that it does not understand, so that all tickets match. Line breaks and
        V(javascript:) are refused.
    type: str
  updated_since:
    description:
      - Only list the tickets that were changed at or after this point in time, in ISO 8601 format, in UTC unless it
        contains another time zone. The time zone of the account does not matter, unlike for a time in O(query).
    type: str
  columns:
    description:
      - Columns to return for each listed ticket, in addition to C(sys_id) and C(number), and to C(sys_updated_on) with
        O(updated_since). All by default.
    type: list
    elements: str
  order_by:
    description: Column to sort the list by. The default is V(sys_created_on).
    type: str
  order:
    description: Sort order of the list.
    type: str
    choices:
      - descending
      - ascending
    default: descending
  limit:
    description: Maximum number of tickets to list. RV(truncated) shows whether there are more. Unlimited by default.
    type: int
notes:
  - The module relies on assumptions SN-A1 to SN-A20 in R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.servicenow_ticket
"""

EXAMPLES = r"""
- name: Read a ticket with its journal
  secops.itsm.servicenow_ticket_info:
    number: INC0012347
    journal: true
  register: read

- name: Print its state
  ansible.builtin.debug:
    msg: "{{ read.display_values.state | default(read.ticket.state) }}"

- name: List the open tickets of a group
  secops.itsm.servicenow_ticket_info:
    query: active=true^assignment_group.name=Security Operations
    columns:
      - short_description
      - state
    order_by: opened_at
    order: ascending
    limit: 50

- name: List the tickets that were changed during the night
  secops.itsm.servicenow_ticket_info:
    query: correlation_idISNOTEMPTY
    updated_since: "2026-11-20T20:00:00+01:00"

- name: Read the security incident for a reference
  secops.itsm.servicenow_ticket_info:
    table: sn_si_incident
    reference: cf|sentinel|2b8c3d4e-5f60-4172-8cbd-2e3f4a5b6c7d
"""

RETURN = r"""
ticket:
  description: Stored values of the ticket by column.
  returned: success, with O(number), O(sys_id) or O(reference)
  type: dict
  sample: {number: INC0010023, state: "6", assignment_group: 9a0b0001000000000000000000000001}
display_values:
  description: Display values by column, where they differ from the stored values.
  returned: success, with O(number), O(sys_id) or O(reference)
  type: dict
  sample: {state: Resolved, assignment_group: Security Operations}
number:
  description: Number of the ticket, or its C(sys_id) if the table has no numbers.
  returned: success, with O(number), O(sys_id) or O(reference)
  type: str
  sample: INC0010023
sys_id:
  description: Identifier of the ticket.
  returned: success, with O(number), O(sys_id) or O(reference)
  type: str
  sample: 3f7b2c4d5e6f708192a3b4c5d6e7f809
closed:
  description: Whether the ticket is resolved, closed or canceled.
  returned: success, with O(number), O(sys_id) or O(reference)
  type: bool
  sample: true
journal:
  description: The journal of the ticket, oldest entry first. Empty, with a warning, if the account cannot read it.
  returned: success, with O(journal)
  type: list
  elements: dict
  sample:
    - {element: work_notes, value: Isolated the host., created_on: "2026-11-21 03:12:44", created_by: d.duty}
tickets:
  description: Stored values of each ticket by column, also for one ticket.
  returned: success
  type: list
  elements: dict
truncated:
  description: Whether there are more tickets than O(limit).
  returned: success
  type: bool
  sample: false
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
error:
  description: The cause of the failure. See the guide
    R(When something fails,ansible_collections.secops.itsm.docsite.errors).
  returned: failure
  type: dict
  sample: {category: unavailable, code: null, http_status: 503, method: GET,
    path: /table/incident,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: true, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.service import SERVICENOW_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_info import ticket_info
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import IDENTIFIERS

ARGUMENT_SPEC = {
    "table": {"type": "str", "default": "incident"},
    "number": {"type": "str"},
    "sys_id": {"type": "str"},
    "reference": {"type": "str"},
    "journal": {"type": "bool", "default": False},
    "query": {"type": "str"},
    "updated_since": {"type": "str"},
    "columns": {"type": "list", "elements": "str"},
    "order_by": {"type": "str"},
    "order": {"type": "str", "choices": ["descending", "ascending"], "default": "descending"},
    "limit": {"type": "int"},
}

DEFINITION = ModuleDefinition(
    SERVICENOW_SERVICE, ARGUMENT_SPEC, ticket_info, rules={"mutually_exclusive": [tuple(IDENTIFIERS)]}
)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
