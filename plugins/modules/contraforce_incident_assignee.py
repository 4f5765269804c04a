#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_assignee
short_description: Assign a ContraForce incident, or a list of them, to a person
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
  - secops.itsm.contraforce.incident_or_list
  - secops.itsm.attributes
  - secops.itsm.attributes.list
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
  incidents:
    version_added: 0.7.0
    description:
      - A list of incidents, instead of the one that O(incident_id) names.
      - Each has an outcome of its own in RV(results), in the same order. One that fails does not stop the others; the
        task fails in the end. Refused credentials, and a service that cannot be reached any more, end the whole list.
      - Options that are missing or blank in an entry default to the options of the task.
      - An incident that is there twice is handled once. If its entries ask for different things, none of them is.
      - No further entry starts once the run is over, which is after Ctrl-C, when the job is cancelled or killed, and
        when the C(timeout) of the task expires. Running entries are finished, unless a second Ctrl-C or a SIGKILL ends
        their process, too.
    type: list
    elements: dict
    suboptions:
      workspace_id:
        description: UUID of the workspace that the incident belongs to.
        type: str
      source:
        description: The product that raised the incident.
        type: str
      incident_id:
        description: Identifier of the incident in its source.
        type: str
        required: true
      email:
        description: As O(email), for this incident. Takes the place of O(user_id), too.
        type: str
      user_id:
        description: As O(user_id), for this incident. Takes the place of O(email), too.
        type: str
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

- name: Assign many incidents, but for one to the same person
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
unverified:
  description: Sentences about what the prediction of check mode could not verify. Empty in a run.
  returned: success
  type: list
  elements: str
  sample: ["email 'analyst@northwind.example' cannot be checked: the service does not show who can be assigned."]
request_ids:
  description: The service's identifiers of the requests of this run, for its support.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - What came of each entry of the list, in its order. Besides the keys below, each has those that a run for one
      incident returns, but not the record of the incident, which would make the result of a long list too large.
  returned: with a list
  type: list
  elements: dict
  contains:
    workspace_id:
      description: The workspace of the incident.
      returned: always
      type: str
    source:
      description: The source of the incident.
      returned: always
      type: str
    incident_id:
      description: The incident.
      returned: always
      type: str
    title:
      description: The incident's title as the service shows it, so that a report can be read by people.
      returned: if the incident was read and has one, whether the entry failed or not
      type: str
      sample: Credential dumping on SRV-DC02
    changed:
      description: Whether this entry changed something. V(false) for one that only repeats another.
      returned: always
      type: bool
    failed:
      description: Whether this entry failed.
      returned: always
      type: bool
    before:
      description: The state before the run, or null if it was not read.
      returned: always
      type: dict
    after:
      description: The state after the run, or null if it was not read.
      returned: always
      type: dict
    diff:
      description: As RV(diff), or null if nothing is known.
      returned: always
      type: dict
    error:
      description: As RV(error), or null if the entry did not fail.
      returned: always
      type: dict
    msg:
      description: What went wrong with this entry, and what to do.
      returned: if the entry failed
      type: str
    warnings:
      description: What the user should know about this entry.
      returned: if there are any
      type: list
      elements: str
    duplicate_of:
      description: The place in the list, from 0, of the entry that this one repeats.
      returned: if it repeats one
      type: int
summary:
  description: How many there are of each outcome, every incident counted once.
  returned: with a list
  type: dict
  contains:
    total:
      description: How many different ones the list has.
      returned: always
      type: int
    changed:
      description: How many were changed.
      returned: always
      type: int
    ok:
      description: How many were as wanted already.
      returned: always
      type: int
    failed:
      description: How many failed.
      returned: always
      type: int
    duplicates:
      description: How many entries only repeat another one.
      returned: always
      type: int
  sample: {changed: 37, duplicates: 0, failed: 1, ok: 2, total: 40}
msg:
  description:
    - For a list, the outcome in a line; check mode counts what C(would change). For a failure, what happened, to what,
      and what to do.
  returned: with a list, and on failure
  type: str
  sample: 37 changed, 2 ok, 0 failed
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
