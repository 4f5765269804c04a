#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_assignee
short_description: Assign ContraForce incidents to a user
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Assigns an incident or a list of incidents to a user, who is identified by O(email) or O(user_id).
  - If the service shows the assignee of the incident, the incident is only assigned if the assignee differs. The
    vendor's documentation does not show the assignee, see assumption CF-A15 in the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
  - Otherwise, the request is sent in each run and the task reports a change.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.incident_or_list
  - secops.itsm.attributes
  - secops.itsm.attributes.list
  - secops.itsm.attributes.actiongroup_contraforce
attributes:
  check_mode:
    support: full
    details:
      - If the service does not show the assignee, a warning states that the prediction is uncertain.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - If the service does not show the assignee, each run sends the request and reports a change.
options:
  incidents:
    version_added: 0.7.0
    description:
      - A list of incidents to assign, instead of O(incident_id).
      - Options that are missing or blank in an entry default to the options of the task.
      - Each entry is processed independently and has its own result in RV(results), in the same order. The task fails
        if any entry fails.
      - An incident that is listed twice is processed once. Entries that request conflicting changes for the same
        incident fail before anything is written.
      - The guide R(Many incidents,ansible_collections.secops.itsm.docsite.many_incidents) describes throttling,
        interruptions and failures.
    type: list
    elements: dict
    suboptions:
      workspace_id:
        description: UUID of the incident's workspace.
        type: str
      source:
        description: Product that raised the incident.
        type: str
      incident_id:
        description: ID of the incident in its source.
        type: str
        required: true
      email:
        description: As O(email), for this incident. Also replaces O(user_id) of the task.
        type: str
      user_id:
        description: As O(user_id), for this incident. Also replaces O(email) of the task.
        type: str
  email:
    description: E-mail address of the user, in any case. Mutually exclusive with O(user_id).
    type: str
  user_id:
    description: ID of the user in ContraForce. Mutually exclusive with O(email).
    type: str
  verify_timeout:
    description:
      - Time in seconds within which the incident must show its new assignee. If it does not, the task fails with
        RV(ignore:error.category=not_converged).
      - V(0) disables reading the incident back.
    type: int
    default: 30
seealso:
  - module: secops.itsm.contraforce_incident_info
"""

EXAMPLES = r"""
- name: Assign an incident to the analyst on duty
  secops.itsm.contraforce_incident_assignee:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    email: d.duty@northwind.example

- name: Assign an incident by user ID
  secops.itsm.contraforce_incident_assignee:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: DefenderXDR
    incident_id: "48213"
    user_id: 9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e

- name: Assign several incidents, one of them to a different user
  secops.itsm.contraforce_incident_assignee:
    workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
    email: d.duty@northwind.example
    incidents:
      - source: Sentinel
        incident_id: 7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72
      - source: DefenderXDR
        incident_id: "61024"
        email: analyst@northwind.example
"""

RETURN = r"""
incident:
  description: The incident's record when it was last read.
  returned: success
  type: dict
before:
  description: The assignee before the run. Contains only keys that the service shows, with null for no assignee.
  returned: success
  type: dict
  sample: {user_id: null, email: null}
after:
  description: The assignee after the run, or the planned assignee in check mode. Has the same keys as RV(before).
  returned: success
  type: dict
  sample: &after {user_id: 9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e, email: analyst@northwind.example}
diff:
  description: The difference between the assignee before the run and the planned assignee.
  returned: success
  type: dict
  sample:
    before_header: incident 48213 (DefenderXDR, workspace 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60)
    after_header: incident 48213 (DefenderXDR, workspace 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60)
    before: {user_id: null, email: null}
    after: *after
unverified:
  description: Sentences about what check mode could not verify. Empty outside of check mode.
  returned: success
  type: list
  elements: str
  sample: ["email 'analyst@northwind.example' cannot be checked: the service does not show who can be assigned."]
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - The result of each entry in list order, with the keys of a task for one incident except RV(incident). Failed
      entries have C(msg), and repeated entries have C(duplicate_of), the index of the first one.
  returned: with a list
  type: list
  elements: dict
  sample:
    - {workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60, source: DefenderXDR, incident_id: "48213",
      title: Mass download by one user, changed: true, failed: false, before: {email: null},
      after: {email: analyst@northwind.example}, diff: {}, error: null}
summary:
  description: The number of entries by outcome. C(total) does not include C(duplicates).
  returned: with a list
  type: dict
  sample: {changed: 37, duplicates: 0, failed: 1, ok: 2, total: 40}
msg:
  description: For a list, the outcome in one line. For a failure, what happened and what to do.
  returned: with a list, and on failure
  type: str
  sample: 37 changed, 2 ok, 0 failed
error:
  description: The cause of the failure. See the guide
    R(When something fails,ansible_collections.secops.itsm.docsite.errors).
  returned: failure
  type: dict
  sample: {category: permission, code: INSUFFICIENT_WORKSPACE_ROLE, http_status: 403, method: PUT,
    path: /workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/incidents/DefenderXDR/48213/assignee,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: false, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_assignee import (
    assign_incident,
    parse_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import (
    incident_definition,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module

ARGUMENT_SPEC = one_or_many_spec(
    {
        "email": {"type": "str"},
        "user_id": {"type": "str"},
        "verify_timeout": {"type": "int", "default": 30},
    }
)

# An entry names its own assignee in either way.
DEFINITION = incident_definition(
    ARGUMENT_SPEC, parse_options, assign_incident, displaces={"email": ["user_id"], "user_id": ["email"]}
)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
