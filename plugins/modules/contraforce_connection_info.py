#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_connection_info
short_description: Check the connection to ContraForce, and what the service shows
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Says whether the address, the credentials and the role on a workspace work, whether the service's answers fit the
    contract that this collection is built on, and which of its assumptions hold in this tenant. Only reads.
  - Reads a page of the list of incidents, and one incident with its comments. That is the incident that is named, or
    else the first one of the list.
  - The task fails when something does not work; RV(checks) is in its result all the same.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.attributes
  - secops.itsm.attributes.actiongroup_contraforce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
  idempotent:
    support: full
options:
  workspace_id:
    description: UUID of the workspace that the incident belongs to.
    type: str
  source:
    description: The product that raised the incident, in any case.
    type: str
  incident_id:
    description: Identifier of the incident in its source. One that has a ticket and a comment tells most.
    type: str
notes:
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
seealso:
  - module: secops.itsm.contraforce_ticket_link
"""

EXAMPLES = r"""
- name: Check the connection with the first incident that is listed
  secops.itsm.contraforce_connection_info:

- name: Check it with an incident that has a ticket
  secops.itsm.contraforce_connection_info:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
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
      sample: ticket link
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
      sample: "the read of one incident shows it: 10043 / SOC-312"
    assumption:
      description: The assumption in the README that this confirms or refutes, or null.
      returned: always
      type: str
      sample: CF-A10
link_evidence:
  description:
    - The evidence of a link to a ticket that the incident offers, V(incident), V(comments) or V(none).
    - V(unknown) if no incident could be read, or the one that was read has no ticket although the service speaks of
      tickets.
  returned: when Ansible accepts the options
  type: str
  sample: incident
incident_id:
  description: The incident that was read, or null.
  returned: when Ansible accepts the options
  type: str
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

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection_check import (
    check_connection,
    refused_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition

ARGUMENT_SPEC = {
    "workspace_id": {"type": "str"},
    "source": {"type": "str"},
    "incident_id": {"type": "str"},
}

DEFINITION = ModuleDefinition(CONTRAFORCE_SERVICE, ARGUMENT_SPEC, check_connection, refused_options=refused_options)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
