#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_catalog_info
short_description: Read the service catalog, to find ids and labels
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads the ticket types with their fields, the offers, and who the credentials are for, of the ticketing platform
    (Rezolve.ai, API v2).
  - It is how one finds what to give to M(secops.itsm.ticketing_ticket), and a check of the connection besides.
  - Ticket types, fields and offers without an identifier, such as drafts, cannot be used and are left out.
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
  item_type_id:
    description: Only the ticket type with this identifier, and its offers.
    type: str
  item_type:
    description: Only the ticket type of this name, in any case, and its offers.
    type: str
notes:
  - What is assumed about the service is in the README, TK-A1 to TK-A19.
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
seealso:
  - module: secops.itsm.ticketing_ticket
  - module: secops.itsm.ticketing_connection_info
"""

EXAMPLES = r"""
- name: Read the whole catalog
  secops.itsm.ticketing_catalog_info:
  register: catalog

- name: Show who we are
  ansible.builtin.debug:
    msg: "{{ catalog.user }}"

- name: Read one ticket type and its offers
  secops.itsm.ticketing_catalog_info:
    item_type: security incident
  register: incidents

- name: Show the labels of its fields, and what they hold
  ansible.builtin.debug:
    msg: "{{ incidents.ticket_types[0].fields | items2dict(key_name='label', value_name='holds') }}"
"""

RETURN = r"""
ticket_types:
  description: The ticket types.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What O(secops.itsm.ticketing_ticket#module:item_type_id) takes.
      returned: always
      type: str
      sample: "16920"
    name:
      description: What O(secops.itsm.ticketing_ticket#module:item_type) takes.
      returned: always
      type: str
      sample: Security Incident
    fields:
      description: Its fields.
      returned: always
      type: list
      elements: dict
      contains:
        id:
          description:
            - The UUID. It, the label and the name are what O(secops.itsm.ticketing_ticket#module:fields) takes.
          returned: always
          type: str
          sample: a1c0ffee-0001-4000-8000-000000000003
        name:
          description: The technical name.
          returned: always
          type: str
          sample: urgency
        label:
          description: What people see.
          returned: always
          type: str
          sample: Urgency
        type:
          description: Its type, as the service calls it.
          returned: always
          type: str
          sample: select
        holds:
          description:
            - What it holds, as far as this collection knows the type. V(text), V(number), V(date), V(boolean),
              V(select), V(multiselect) or V(other); values of the last are not checked.
            - An unknown type that has options is V(select), and a list of them is accepted, too.
          returned: always
          type: str
          sample: select
        required:
          description: Whether it must be filled, whatever the others hold.
          returned: always
          type: bool
        default:
          description: The default value.
          returned: always
          type: raw
        options:
          description: The values that it may have, each with its label; empty where any will do.
          returned: always
          type: list
          elements: dict
          sample:
            - value: high
              label: High
offers:
  description: The offers of the service catalog.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What O(secops.itsm.ticketing_ticket#module:offer_id) takes.
      returned: always
      type: str
      sample: "23640"
    name:
      description: What O(secops.itsm.ticketing_ticket#module:offer) takes.
      returned: always
      type: str
      sample: Report a security incident
    item_type_id:
      description: The ticket type that it opens tickets of.
      returned: always
      type: str
      sample: "16920"
    status:
      description: Its status, as the service calls it.
      returned: always
      type: str
      sample: active
user:
  description:
    - Who the credentials are for, as the service gave it. Empty, with a warning, if the account may not see that.
  returned: success
  type: dict
  sample:
    username: itsm-runbook@northwind.example
    teams: [soc, james]
    roles: [ticket_agent]
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
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog_info import catalog_info
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC, REZOLVE_SERVICE

ARGUMENT_SPEC = {
    "item_type_id": {"type": "str"},
    "item_type": {"type": "str"},
    **CATALOG_SPEC,
}

DEFINITION = ModuleDefinition(REZOLVE_SERVICE, ARGUMENT_SPEC, catalog_info)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
