#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_status
short_description: Set the status of ContraForce incidents
version_added: 0.1.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Sets the status of an incident or of a list of incidents, with a classification, a reason and a comment, and can
    close the service ticket.
  - An incident that already has the status and the classification is not changed, and no comment is posted.
  - The incident is read back after a change. The task fails if the service accepts the request but the status does not
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
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  incidents:
    version_added: 0.4.0
    description:
      - A list of incidents to change, instead of O(incident_id).
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
      status:
        description: As O(status), for this incident.
        type: str
        choices: &statuses
          - Active
          - New
          - Closed
      classification:
        description: As O(classification), for this incident.
        type: str
        choices: &classifications
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
        choices: &reasons
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
    description:
      - Status to set. V(Closed) closes the incident, V(Active) and V(New) open it again.
    type: str
    required: true
    choices: *statuses
  classification:
    description:
      - Classification of the incident. Required to close a Sentinel incident.
      - The vendor's documentation does not show which source accepts which values.
      - If a Sentinel or Defender XDR incident already has the status but another classification, the classification is
        changed. If the service does not show the classification or may have replaced it, the incident is not changed
        and RV(unverified) names the option.
    type: str
    choices: *classifications
  classification_reason:
    description:
      - Reason for the classification. Required to close a Sentinel incident.
      - Only sent with a change of the status or the classification. If only the reason differs, the incident is not
        changed and the task warns, because the service may replace reasons.
    type: str
    choices: *reasons
  comment:
    description:
      - Comment to post with the change. Without a change, no comment is posted.
      - Two runs that change the same incident at the same time may both post the comment, without a warning.
    type: str
  update_ticket:
    description:
      - Whether to also close the service ticket O(ticket_id) with the change of the status.
      - The service does not show whether a ticket is closed. If the incident already has the status, the ticket is not
        changed.
    type: bool
    default: false
  ticket_id:
    description: ID of the service ticket. Required with, and only used with, O(update_ticket=true).
    type: str
  verify_timeout:
    description:
      - Time in seconds within which the incident must show the change. If it does not, the task fails with
        RV(ignore:error.category=not_converged). Do not run the task again before the incident shows the change, because
        that would post the comment again.
      - V(0) disables reading the incident back, and RV(after) is the planned state. The result of an interrupted write
        is still checked for up to 30 seconds.
    type: int
    default: 30
notes:
  - If the service does not show the classification of an incident, only the status is compared. See assumptions CF-A3
    and CF-A5 in the guide R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.contraforce_incident_info
  - module: secops.itsm.contraforce_ticket_link
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

- name: Close several incidents, up to eight at a time
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

- name: Set the connection options once for several tasks
  module_defaults:
    group/secops.itsm.contraforce:
      client_id: "{{ lookup('ansible.builtin.env', 'CONTRAFORCE_CLIENT_ID') }}"
      client_secret: "{{ lookup('ansible.builtin.env', 'CONTRAFORCE_CLIENT_SECRET') }}"
      timeout: 60
  block:
    - name: Set an incident to Active
      secops.itsm.contraforce_incident_status:
        workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: crowdstrike
        incident_id: inc:8a0c5f2e9d7b4c31:f1e2d3c4b5a69788
        status: Active

- name: Handle errors by category
  block:
    - name: Close an incident that may not exist
      secops.itsm.contraforce_incident_status:
        workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: Splunk
        incident_id: NOTABLE-0000
        status: Closed
      register: closure
  rescue:
    - name: Fail unless the incident does not exist
      ansible.builtin.assert:
        that: closure.error.category == 'not_found'
        fail_msg: "{{ closure.msg }}"
"""

RETURN = r"""
incident:
  description:
    - The incident's record when it was last read. In check mode and with O(verify_timeout=0), before the change.
  returned: success
  type: dict
  sample: {id: "48213", title: Mass download by one user, severity: Medium, status: Closed}
before:
  description: The state before the run. Keys that the service does not show are missing.
  returned: success
  type: dict
  sample: &before {status: New, classification: null, classification_reason: null}
after:
  description: The state that was read back, or the planned state in check mode and with O(verify_timeout=0).
  returned: success
  type: dict
  sample: &after {status: Closed, classification: FalsePositive, classification_reason: NotMalicious}
diff:
  description: The difference between the state before the run and the planned state, with the comment and the ticket.
  returned: success
  type: dict
  sample:
    before_header: incident 48213 (DefenderXDR, workspace 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60)
    after_header: incident 48213 (DefenderXDR, workspace 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60)
    before: *before
    after: *after
unverified:
  description:
    - The options whose values could not be verified, because the service does not show them or may have replaced them.
    - V(update_ticket) is always included if it is set. V(comment) is included if the write with the comment was
      interrupted.
  returned: success
  type: list
  elements: str
  sample: [classification, classification_reason]
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
      title: Mass download by one user, changed: true, failed: false, before: {status: New}, after: {status: Closed},
      diff: {}, unverified: [], error: null}
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
    path: /workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/incidents/DefenderXDR/48213/status,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: false, fields: {}}
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
