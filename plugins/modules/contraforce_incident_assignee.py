#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_assignee
short_description: Assign a ContraForce incident to a person
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Assigns an incident to a person, by the e-mail address or the user ID. Exactly one of O(email) and O(user_id) is
    needed.
  - The read of one incident is documented without its assignee. Where it shows the assignee all the same, that decides,
    and an incident that is assigned to the person is V(ok) without a write (CF-A15 in the README).
  - Where it does not, the request is sent in each run, because only that makes the state true, and the task reports a
    change.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.incident
  - secops.itsm.attributes
  - secops.itsm.attributes.actiongroup_contraforce
attributes:
  check_mode:
    support: full
    details:
      - Where the read of the incident does not show its assignee, a warning says that the prediction rests on nothing.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Full where the read of the incident shows its assignee. Elsewhere each run sends the request and reports a
        change.
options:
  email:
    description: E-mail address of the person, in any case.
    type: str
  user_id:
    description: Identifier of the person in ContraForce.
    type: str
  verify_timeout:
    description:
      - Seconds within which the incident must show its assignee after it was written. The task fails otherwise, with
        RV(ignore:error.category=not_converged).
      - V(0) means that it is not read back.
    type: int
    default: 30
notes:
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
"""

EXAMPLES = r"""
- name: Hand an incident to the analyst on duty
  secops.itsm.contraforce_incident_assignee:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    email: d.duty@northwind.example

- name: Assign by the identifier of the user
  secops.itsm.contraforce_incident_assignee:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: DefenderXDR
    incident_id: "48213"
    user_id: 9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e
"""

RETURN = r"""
incident:
  description: The incident's record as the service gave it when it was last read.
  returned: success
  type: dict
before:
  description: The assignee before the run. A key that the service does not show is absent.
  returned: success
  type: dict
  contains: &state
    user_id:
      description: Identifier of the person, or null when nobody is assigned.
      returned: when the service shows it
      type: str
      sample: 9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e
    email:
      description: E-mail address of the person, or null when nobody is assigned.
      returned: when the service shows it
      type: str
      sample: analyst@northwind.example
after:
  description: The assignee after the run; the planned one in check mode.
  returned: success
  type: dict
  contains: *state
diff:
  description: The assignee before against the planned one.
  returned: success
  type: dict
  contains:
    before_header:
      description: Which incident.
      returned: always
      type: str
    after_header:
      description: Which incident.
      returned: always
      type: str
    before:
      description: The state before the run.
      returned: always
      type: dict
    after:
      description: The state that is planned.
      returned: always
      type: dict
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

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_assignee import assign_incident
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import CONTRAFORCE_SERVICE, INCIDENT_SPEC
from ansible_collections.secops.itsm.plugins.module_utils.job import Job
from ansible_collections.secops.itsm.plugins.module_utils.runner import run_module

ARGUMENT_SPEC = {
    **INCIDENT_SPEC,
    "email": {"type": "str"},
    "user_id": {"type": "str"},
    "verify_timeout": {"type": "int", "default": 30},
}

JOB = Job(CONTRAFORCE_SERVICE, ARGUMENT_SPEC, assign_incident)


def main() -> None:
    """Run the module."""
    run_module(JOB)


if __name__ == "__main__":
    main()
