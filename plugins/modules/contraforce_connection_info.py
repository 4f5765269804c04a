#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_connection_info
short_description: Check the connection to ContraForce
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Checks the URL, the credentials and the workspace role, validates responses against the API contract, and shows
    which assumptions of the collection hold for this tenant. See the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
  - Reads one page of the list of incidents, and one incident with its comments. By default, this is the first incident
    of the list.
  - The task fails if a check fails. Its result contains RV(checks) nevertheless.
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
    description: UUID of the incident's workspace. Required with O(incident_id).
    type: str
  source:
    description: Product that raised the incident, in any case. Required with O(incident_id).
    type: str
  incident_id:
    description: ID of the incident to read. Use an incident with a ticket and a comment for the most complete check.
    type: str
seealso:
  - module: secops.itsm.contraforce_ticket_link
"""

EXAMPLES = r"""
- name: Check the connection with the first incident of the list
  secops.itsm.contraforce_connection_info:

- name: Check the connection with an incident that has a ticket
  secops.itsm.contraforce_connection_info:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
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
      sample: ticket link
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
      sample: "the read of one incident shows it: 10043 / SOC-312"
    assumption:
      description: The ID of the assumption that this check confirms or refutes, or null.
      returned: always
      type: str
      sample: CF-A10
link_evidence:
  description:
    - The evidence of a link to a ticket that the incident provides, V(incident), V(comments) or V(none).
    - V(unknown) if no incident could be read, or if the incident has no ticket although the service shows tickets.
  returned: when Ansible accepts the options
  type: str
  sample: incident
incident_id:
  description: The ID of the incident that was read, or null.
  returned: when Ansible accepts the options
  type: str
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
  sample: {category: permission, code: INSUFFICIENT_WORKSPACE_ROLE, http_status: 403, method: GET,
    path: /workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/incidents/DefenderXDR/48213,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: false, fields: {}}
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
