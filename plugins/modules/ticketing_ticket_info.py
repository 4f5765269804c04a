#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_ticket_info
short_description: Retrieve tickets
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads one ticket of the ticketing platform (Rezolve.ai, API v2) with its fields by label, or lists tickets.
  - The list is always complete, unless O(limit) is set. If its pages are inconsistent, the task fails with
    RV(ignore:error.category=contract).
  - If the ticket does not exist or belongs to another tenant, the task fails with RV(ignore:error.category=not_found).
extends_documentation_fragment:
  - secops.itsm.ticketing
  - secops.itsm.ticketing.catalog
  - secops.itsm.attributes
  - secops.itsm.attributes.actiongroup_ticketing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
options:
  object_id:
    description: Display ID of the ticket, such as V(CTC-0054). By default, tickets are listed.
    type: str
  search:
    description: Only list tickets that match this full-text search.
    type: str
  statuses:
    description: Only list tickets with these statuses, in the tenant's spelling.
    type: list
    elements: str
  created_from:
    description: Only list tickets created at or after this time, in ISO 8601 format. UTC is the default time zone.
    type: str
  created_to:
    description: Only list tickets created at or before this time, in ISO 8601 format. UTC is the default time zone.
    type: str
  filters:
    description:
      - Only list tickets that match all of these filters. The vendor's documentation only shows the columns
        C(createdAt) and C(status).
    type: list
    elements: dict
    suboptions:
      column:
        description: Name of the column.
        type: str
        required: true
      op:
        description:
          - Operator of the comparison, such as V(EQ) for equal, V(NE) for not equal, V(GE) for greater than or equal,
            and V(IN) for a list of values.
        type: str
        choices:
          - EQ
          - NE
          - GT
          - GE
          - LT
          - LE
          - LIKE
          - IN
        required: true
      operand:
        description: Value to compare the column with.
        type: raw
        required: true
  sort:
    description: Column to sort the list by.
    type: str
    default: createdAt
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
  complete:
    description:
      - Whether to read each listed ticket with a separate request, because the list may not contain all properties.
      - If a ticket cannot be read, the result contains the list's version, and a warning names the ticket. The task
        fails if no ticket can be read.
    type: bool
    default: false
notes:
  - The module relies on assumptions TK-A1 to TK-A19 in the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.ticketing_ticket
"""

EXAMPLES = r"""
- name: Read a ticket
  secops.itsm.ticketing_ticket_info:
    object_id: CTC-0041
  register: read

- name: Print its urgency
  ansible.builtin.debug:
    msg: "{{ read.fields['Urgency'] }}"

- name: List open tickets about phishing with all their fields
  secops.itsm.ticketing_ticket_info:
    search: phishing
    statuses:
      - Open
      - In Progress
    created_from: "2026-11-16T00:00:00Z"
    complete: true
    limit: 50

- name: List the five oldest tickets created before 2026
  secops.itsm.ticketing_ticket_info:
    filters:
      - column: createdAt
        op: LT
        operand: "2026-01-01T00:00:00Z"
    order: ascending
    limit: 5
"""

RETURN = r"""
ticket:
  description: The ticket as returned by the service.
  returned: success, with O(object_id)
  type: dict
  sample:
    object_id: CTC-0041
    status_type: Open
    status_category: To-do Category
fields:
  description: The values of its fields by label. If two fields have the same label, the UUID is appended.
  returned: success, with O(object_id)
  type: dict
  sample:
    Urgency: high
tickets:
  description: The tickets as returned by the service, also with O(object_id).
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
  sample: {category: unavailable, code: null, http_status: 503, method: GET, path: /ticket/CTC-0054,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: true, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.schemas import FILTER_OPERATORS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC, REZOLVE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_info import ORDERS, ticket_info

FILTER_SPEC = {
    "column": {"type": "str", "required": True},
    "op": {"type": "str", "choices": list(FILTER_OPERATORS), "required": True},
    "operand": {"type": "raw", "required": True},
}

ARGUMENT_SPEC = {
    "object_id": {"type": "str"},
    "search": {"type": "str"},
    "statuses": {"type": "list", "elements": "str"},
    "created_from": {"type": "str"},
    "created_to": {"type": "str"},
    "filters": {"type": "list", "elements": "dict", "options": FILTER_SPEC},
    "sort": {"type": "str", "default": "createdAt"},
    "order": {"type": "str", "choices": list(ORDERS), "default": "descending"},
    "limit": {"type": "int"},
    "complete": {"type": "bool", "default": False},
    **CATALOG_SPEC,
}

DEFINITION = ModuleDefinition(REZOLVE_SERVICE, ARGUMENT_SPEC, ticket_info)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
