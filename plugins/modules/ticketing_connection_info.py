#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_connection_info
short_description: Check the connection to the ticketing API, and what the service shows
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Says whether the address, the credentials, the tenant and the roles work, whether the service's answers fit the
    contract that this collection is built on, and which of its assumptions hold in this tenant. Only reads.
  - Reads who the credentials are for, the service catalog, a page of the list of tickets, and one ticket, which it then
    searches for. That is the ticket that is named, or else the first one of the list.
  - The task fails when something does not work; RV(checks) is in its result all the same.
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
    description: Display id of a ticket to read, such as V(CTC-0054).
    type: str
notes:
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
seealso:
  - module: secops.itsm.ticketing_catalog_info
  - module: secops.itsm.ticketing_ticket
"""

EXAMPLES = r"""
- name: Check the connection with the first ticket that is listed
  secops.itsm.ticketing_connection_info:

- name: Check it with a ticket that is known
  secops.itsm.ticketing_connection_info:
    object_id: CTC-0041
  register: connection

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ connection.checks }}"
"""

RETURN = r"""
checks:
  description: What was checked, in turn.
  returned: when Ansible accepts the options
  type: list
  elements: dict
  contains:
    check:
      description: What was checked.
      returned: always
      type: str
      sample: search
    result:
      description:
        - V(ok), V(failed), V(no) for something that is not there and that the collection works without, or V(unknown)
          if it could not be seen.
      returned: always
      type: str
      sample: ok
    finding:
      description: What was found.
      returned: always
      type: str
      sample: finds CTC-0041 by its summary
    assumption:
      description: The assumption in the README that this confirms or refutes, or null.
      returned: always
      type: str
      sample: TK-A9
user:
  description: Who the credentials are for, as the service gave it; empty if it did not.
  returned: when Ansible accepts the options
  type: dict
  sample:
    username: itsm-runbook@northwind.example
    roles: [ticket_agent]
object_id:
  description: The ticket that was read, or null.
  returned: when Ansible accepts the options
  type: str
  sample: CTC-0041
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
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection_check import (
    check_connection,
    refused_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC, REZOLVE_SERVICE

ARGUMENT_SPEC = {
    "object_id": {"type": "str"},
    **CATALOG_SPEC,
}

DEFINITION = ModuleDefinition(REZOLVE_SERVICE, ARGUMENT_SPEC, check_connection, refused_options=refused_options)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
