#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: servicenow_connection_info
short_description: Check the connection to ServiceNow
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Checks the URL, the credentials, and the access of the account to a table, to the definitions of its columns and to
    the journal, validates responses against the API contract, and shows which assumptions of the collection hold for
    this instance. See R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
  - Reads one page of the list of tickets and one ticket, and searches for that ticket. By default, this is the first
    ticket of the list.
  - The task fails if a check fails. Its result contains RV(checks) nevertheless.
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
    description: Table to check.
    type: str
    default: incident
  number:
    description: Number of the ticket to read, such as V(INC0010023), or its C(sys_id).
    type: str
seealso:
  - module: secops.itsm.servicenow_ticket
"""

EXAMPLES = r"""
- name: Check the connection with the first ticket of the list
  secops.itsm.servicenow_connection_info:

- name: Check the connection with a specific ticket
  secops.itsm.servicenow_connection_info:
    number: INC0012347
  register: connection

- name: Print the results of the checks
  ansible.builtin.debug:
    msg: "{{ connection.checks }}"
"""

RETURN = r"""
checks:
  description: The checks in the order in which they were made.
  returned: when Ansible accepts the options
  type: list
  elements: dict
  contains:
    check:
      description: The name of the check.
      returned: always
      type: str
      sample: hidden rows
    result:
      description:
        - V(ok), V(failed), V(no) if the service lacks something that the collection does not require, or V(unknown) if
          the check was not possible.
      returned: always
      type: str
      sample: ok
    finding:
      description: The finding, and what to do if the check failed.
      returned: always
      type: str
      sample: the account is shown each record of the first page
    assumption:
      description: The ID of the assumption that this check confirms or refutes, or null.
      returned: always
      type: str
      sample: SN-A6
user:
  description: The account of O(username) with its roles, as far as it may read them, or an empty dictionary.
  returned: when Ansible accepts the options
  type: dict
  sample: {user_name: itsm.runbook, name: Runbook Automation, roles: [itil]}
number:
  description: The number of the ticket that was read, or null.
  returned: when Ansible accepts the options
  type: str
  sample: INC0012347
sys_id:
  description: The identifier of the ticket that was read, or null.
  returned: when Ansible accepts the options
  type: str
  sample: 3f7b2c4d5e6f708192a3b4c5d6e7f809
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
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection_check import (
    check_connection,
    refused_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.service import SERVICENOW_SERVICE

ARGUMENT_SPEC = {
    "table": {"type": "str", "default": "incident"},
    "number": {"type": "str"},
}

DEFINITION = ModuleDefinition(SERVICENOW_SERVICE, ARGUMENT_SPEC, check_connection, refused_options=refused_options)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
