#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_ticket_info
short_description: Read a ticket, or list tickets
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads one ticket of the ticketing platform (Rezolve.ai, API v2), with its fields by label, or lists tickets.
  - A list is complete or the task fails. It is never cut short but by O(limit), and RV(truncated) says so.
  - A list counts as complete if all that its pages say agrees. Otherwise the task fails
    (RV(ignore:error.category=contract)).
  - A ticket that cannot be found is a failure (RV(ignore:error.category=not_found)), as one of another tenant looks the
    same.
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
    description: Display id of the ticket, such as V(CTC-0054). Without it, tickets are listed.
    type: str
  search:
    description: Full text that the listed tickets have.
    type: str
  statuses:
    description: Statuses of the listed tickets, as the tenant calls them.
    type: list
    elements: str
  created_from:
    description: Point in time (ISO 8601; UTC where it names no zone) from which on the listed tickets were created.
    type: str
  created_to:
    description: Point in time up to which the listed tickets were created.
    type: str
  filters:
    description:
      - Further filters, all of which the listed tickets pass. The vendor's pages show the columns C(createdAt) and
        C(status) only.
    type: list
    elements: dict
    suboptions:
      column:
        description: Name of the column.
        type: str
        required: true
      op:
        description: How the column is compared.
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
        description: What it is compared with.
        type: raw
        required: true
  sort:
    description: Column that the list is sorted by.
    type: str
    default: createdAt
  order:
    description: Direction that the list is sorted in.
    type: str
    choices:
      - descending
      - ascending
    default: descending
  limit:
    description: How many tickets are listed at the most. Without it, all of them.
    type: int
  complete:
    description:
      - Whether each listed ticket is read by itself, which takes a request each. The rows of a list may lack anything.
      - A ticket that cannot be read is shown as the list has it, and a warning names it. The task fails if none can be
        read, such as with wrong credentials.
    type: bool
    default: false
notes:
  - What is assumed about the service is in the README, TK-A1 to TK-A19.
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
seealso:
  - module: secops.itsm.ticketing_ticket
"""

EXAMPLES = r"""
- name: Read a ticket
  secops.itsm.ticketing_ticket_info:
    object_id: CTC-0041
  register: read

- name: Show the urgency
  ansible.builtin.debug:
    msg: "{{ read.fields['Urgency'] }}"

- name: List the open tickets of this week about phishing, with all their fields
  secops.itsm.ticketing_ticket_info:
    search: phishing
    statuses:
      - Open
      - In Progress
    created_from: "2026-11-16T00:00:00Z"
    complete: true
    limit: 50

- name: List what was created before this year
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
  description: The ticket as the service gave it.
  returned: success, with O(object_id)
  type: dict
  sample:
    object_id: CTC-0041
    status_type: Open
    status_category: To-do Category
fields:
  description: The values of its fields, by label; with the UUID behind it where two fields share a label.
  returned: success, with O(object_id)
  type: dict
  sample:
    Urgency: high
tickets:
  description: The tickets, each as the service gave it, the one of O(object_id) included.
  returned: success
  type: list
  elements: dict
truncated:
  description: Whether there are more tickets than O(limit).
  returned: success
  type: bool
  sample: false
request_ids:
  description: The service's identifiers of the requests of this run, for its support.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
error:
  description: What went wrong, for a C(rescue) to branch on.
  returned: failure
  type: dict
  contains:
    category:
      description:
        - One of V(configuration), V(authentication), V(permission), V(not_found), V(validation), V(conflict),
          V(ambiguous_match), V(rate_limited), V(unavailable), V(ambiguous_write), V(contract), V(not_converged), V(tls)
          and V(internal).
      returned: always
      type: str
      sample: not_found
    code:
      description: The service's own word for it, if it gave one.
      returned: always
      type: str
      sample: INSUFFICIENT_WORKSPACE_ROLE
    http_status:
      description: The status of the answer, if there was one.
      returned: always
      type: int
      sample: 403
    method:
      description: The HTTP method of the request that failed.
      returned: always
      type: str
      sample: PUT
    path:
      description: The path of that request, below O(url).
      returned: always
      type: str
    request_id:
      description: The service's identifier of that request.
      returned: always
      type: str
    retryable:
      description: Whether the same task may succeed when it is run again.
      returned: always
      type: bool
    fields:
      description: Messages by field, when the service refused values.
      returned: always
      type: dict
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
