#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_status
short_description: Set the status of a ContraForce incident
version_added: 0.1.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Brings an incident to a status, with the classification, reason and comment that explain it, and closes its service
    ticket if asked to.
  - The current state decides. An incident that has the status already, and shows no other classification than the one
    wanted, is V(ok), and nothing is written, the comment not either.
  - After a write the incident is read back until it shows the change. A service that accepts the request without moving
    the incident makes the task fail.
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.incident_or_list
  - secops.itsm.attributes
  - secops.itsm.attributes.list
  - secops.itsm.attributes.actiongroup_contraforce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  incidents:
    version_added: 0.4.0
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
      status:
        description: As O(status), for this incident.
        type: str
        choices:
          - Active
          - New
          - Closed
      classification:
        description: As O(classification), for this incident.
        type: str
        choices:
          - BenignPositive
          - FalsePositive
          - TruePositive
          - Undetermined
          - InformationalExpectedActivity
          - Unknown
          - NonIssue
          - PolicyViolation
          - QradarFalsePositive
          - Undefined
          - Suspicious
      classification_reason:
        description: As O(classification_reason), for this incident.
        type: str
        choices:
          - InaccurateData
          - IncorrectAlertLogic
          - SuspiciousActivity
          - SuspiciousButExpected
          - Unknown
          - Apt
          - Malware
          - SecurityPersonnel
          - SecurityTesting
          - UnwantedSoftware
          - Other
          - MultistagedAttack
          - CompromisedUser
          - Phishing
          - MaliciousUserActivity
          - NotMalicious
          - NoEnoughDataToValidate
          - ConfirmedUserActivity
          - LineOfBusinessApplication
      comment:
        description: As O(comment), for this incident.
        type: str
      update_ticket:
        description: As O(update_ticket), for this incident.
        type: bool
      ticket_id:
        description: As O(ticket_id), for this incident.
        type: str
  status:
    description: The status that the incident is to have.
    type: str
    required: true
    choices:
      - Active
      - New
      - Closed
  classification:
    description:
      - What the incident turned out to be. Required to close an incident of Sentinel.
      - An incident of Sentinel or Defender XDR that has the status already, but shows another classification than one
        that its source keeps, is written again. Where the service may have put the classification there itself, shows
        none, or hides it, the incident is left as it is (see RV(unverified)).
    type: str
    choices:
      - BenignPositive
      - FalsePositive
      - TruePositive
      - Undetermined
      - InformationalExpectedActivity
      - Unknown
      - NonIssue
      - PolicyViolation
      - QradarFalsePositive
      - Undefined
      - Suspicious
  classification_reason:
    description:
      - Why it is classified so. Required to close an incident of Sentinel.
      - Sent with a change of the status or the classification. A reason that differs alone is not written again,
        because the service may replace a reason that the source does not know; the task warns then.
    type: str
    choices:
      - InaccurateData
      - IncorrectAlertLogic
      - SuspiciousActivity
      - SuspiciousButExpected
      - Unknown
      - Apt
      - Malware
      - SecurityPersonnel
      - SecurityTesting
      - UnwantedSoftware
      - Other
      - MultistagedAttack
      - CompromisedUser
      - Phishing
      - MaliciousUserActivity
      - NotMalicious
      - NoEnoughDataToValidate
      - ConfirmedUserActivity
      - LineOfBusinessApplication
  comment:
    description:
      - A comment on the change. Posted once, with the change that it explains, and never without one.
      - Two runs that change the same incident at the same moment may both post it, and no warning reports that.
    type: str
  update_ticket:
    description:
      - Whether the change of the status also closes the service ticket O(ticket_id).
      - The service does not show whether a ticket is closed. On an incident that has the status already, the ticket
        stays as it is.
    type: bool
    default: false
  ticket_id:
    description: Identifier of the service ticket. Needed, and only used, with O(update_ticket=true).
    type: str
  verify_timeout:
    description:
      - Seconds within which the incident must show the change after it was written. It fails otherwise, with
        RV(ignore:error.category=not_converged). Do not run the task again before the incident shows the change, because
        that would write it, and post the comment, again.
      - V(0) means that it is not read back; RV(after) is then the planned state. A write that breaks off is still
        looked for, for up to 30 seconds.
    type: int
    default: 30
notes:
  - The read of a single incident is documented without a classification. Where the service does not show one, a run can
    only compare the status (CF-A3 and CF-A5 in the README).
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
"""

EXAMPLES = r"""
- name: Close a Sentinel incident as a false positive
  secops.itsm.contraforce_incident_status:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    status: Closed
    classification: FalsePositive
    classification_reason: IncorrectAlertLogic
    comment: The rule matched the backup account. Rule tuned in change 4711.

- name: Close an incident and its service ticket
  secops.itsm.contraforce_incident_status:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: DefenderXDR
    incident_id: "48213"
    status: Closed
    classification: TruePositive
    classification_reason: Phishing
    comment: Mailbox cleaned and password reset.
    update_ticket: true
    ticket_id: T20261121.0042

- name: Close many incidents in one task, eight at a time
  secops.itsm.contraforce_incident_status:
    status: Closed
    classification: FalsePositive
    classification_reason: IncorrectAlertLogic
    comment: The rule matched the backup account. Rule tuned in change 4711.
    incidents:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: Sentinel
        incident_id: 7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "61024"
        classification: BenignPositive
        classification_reason: SuspiciousButExpected
        comment: A penetration test, announced as change 4712.

- name: Connection options once for all tasks
  module_defaults:
    group/secops.itsm.contraforce:
      client_id: "{{ lookup('ansible.builtin.env', 'CONTRAFORCE_CLIENT_ID') }}"
      client_secret: "{{ lookup('ansible.builtin.env', 'CONTRAFORCE_CLIENT_SECRET') }}"
      timeout: 60
  block:
    - name: Take an incident up
      secops.itsm.contraforce_incident_status:
        workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: crowdstrike
        incident_id: inc:8a0c5f2e9d7b4c31:f1e2d3c4b5a69788
        status: Active

- name: Branch on what went wrong
  block:
    - name: Close an incident that may not be there
      secops.itsm.contraforce_incident_status:
        workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: Splunk
        incident_id: NOTABLE-0000
        status: Closed
      register: closure
  rescue:
    - name: Go on when it is gone, stop on anything else
      ansible.builtin.assert:
        that: closure.error.category == 'not_found'
        fail_msg: "{{ closure.msg }}"
"""

RETURN = r"""
incident:
  description:
    - The incident's record as the service gave it when it was last read. That is after the change, but before it in
      check mode and with O(verify_timeout=0).
  returned: success
  type: dict
  sample:
    id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    title: Sign-in from an unusual location
    severity: Medium
    status: Closed
    workspaceId: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
before:
  description:
    - The state before the run. A key that the service does not show is absent.
  returned: success
  type: dict
  contains: &state
    status:
      description: The status, in the API's spelling.
      returned: always
      type: str
      sample: New
    classification:
      description: The classification, or null when none is set.
      returned: when the service shows it
      type: str
      sample: FalsePositive
    classification_reason:
      description: The reason, or null when none is set.
      returned: when the service shows it
      type: str
      sample: IncorrectAlertLogic
after:
  description: The state read back after the run. The planned one in check mode, and with O(verify_timeout=0).
  returned: success
  type: dict
  contains: *state
diff:
  description: The state before against the planned one, with the comment and the ticket that go with the change.
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
  description:
    - Options whose values the incident does not show in the end, because the service does not show them at all, or
      shows something that it may have put there itself.
    - V(update_ticket) is always among them when it is set, as the service does not show whether a ticket is closed.
    - V(comment) is among them when the write that carried it broke off.
  returned: success
  type: list
  elements: str
  sample: [classification, classification_reason]
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

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    STATUSES,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_status import (
    parse_options,
    set_incident_status,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import (
    incident_definition,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module

ARGUMENT_SPEC = one_or_many_spec(
    {
        "status": {"type": "str", "required": True, "choices": list(STATUSES)},
        "classification": {"type": "str", "choices": list(CLASSIFICATIONS)},
        "classification_reason": {"type": "str", "choices": list(CLASSIFICATION_REASONS)},
        "comment": {"type": "str"},
        "update_ticket": {"type": "bool", "default": False},
        "ticket_id": {"type": "str"},
        "verify_timeout": {"type": "int", "default": 30},
    }
)

DEFINITION = incident_definition(ARGUMENT_SPEC, parse_options, set_incident_status)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
