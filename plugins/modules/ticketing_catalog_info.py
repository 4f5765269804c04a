#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_catalog_info
short_description: Retrieve the service catalog
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Reads ticket types with their fields, offers, and the account of the credentials from the ticketing platform
    (Rezolve.ai, API v2).
  - Use the IDs, names and labels in the result as options of M(secops.itsm.ticketing_ticket).
  - Ticket types, fields and offers without an ID, such as drafts, are not included.
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
    description: Only return the ticket type with this ID and its offers.
    type: str
  item_type:
    description: Only return the ticket type with this name, in any case, and its offers.
    type: str
notes:
  - The module relies on assumptions TK-A1 to TK-A19 in the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.ticketing_ticket
  - module: secops.itsm.ticketing_connection_info
"""

EXAMPLES = r"""
- name: Read the whole catalog
  secops.itsm.ticketing_catalog_info:
  register: catalog

- name: Print the account of the credentials
  ansible.builtin.debug:
    msg: "{{ catalog.user }}"

- name: Read one ticket type and its offers
  secops.itsm.ticketing_catalog_info:
    item_type: security incident
  register: incidents

- name: Print the labels and data types of its fields
  ansible.builtin.debug:
    msg: "{{ incidents.ticket_types[0].fields | items2dict(key_name='label', value_name='holds') }}"
"""

RETURN = r"""
ticket_types:
  description:
    - The ticket types. C(id) is a value for O(secops.itsm.ticketing_ticket#module:item_type_id), and C(name) for
      O(secops.itsm.ticketing_ticket#module:item_type).
    - Each field has the UUID C(id), the technical C(name) and the C(label), which are all keys for
      O(secops.itsm.ticketing_ticket#module:fields), and the C(type), C(required) and C(default) of the service.
    - C(holds) is the data type of a field, which is V(text), V(number), V(date), V(boolean), V(select), V(multiselect)
      or V(other). Values of V(other) are not checked.
    - C(options) contains the values that a field accepts with their labels. It is empty if any value is accepted.
  returned: success
  type: list
  elements: dict
  sample:
    - id: "16920"
      name: Security Incident
      fields:
        - id: a1c0ffee-0001-4000-8000-000000000003
          name: urgency
          label: Urgency
          type: select
          holds: select
          required: true
          default: null
          options:
            - value: high
              label: High
offers:
  description:
    - The offers of the service catalog. C(id) is a value for O(secops.itsm.ticketing_ticket#module:offer_id), and
      C(name) for O(secops.itsm.ticketing_ticket#module:offer). C(item_type_id) is the ticket type of the offer.
  returned: success
  type: list
  elements: dict
  sample:
    - id: "23640"
      name: Report a security incident
      item_type_id: "16920"
      status: active
user:
  description:
    - The account of the credentials as returned by the service. Empty, with a warning, if the account is not allowed to
      read it.
  returned: success
  type: dict
  sample:
    username: itsm-runbook@northwind.example
    teams: [soc, james]
    roles: [ticket_agent]
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
  sample: {category: unavailable, code: null, http_status: 503, method: GET, path: /ticket-type,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: true, fields: {}}
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
