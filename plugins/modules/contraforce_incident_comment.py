#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_comment
short_description: Post a comment on ContraForce incidents
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Posts a comment on an incident or on a list of incidents, unless the incident already has the comment. Comments that
    differ only in white space are equal.
  - With O(marker), comments are compared by the marker instead of the text. Use it for comments whose text differs from
    run to run.
  - The service account needs the scope C(incidents:comments).
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
    support: partial
    details:
      - If the service changes the text of comments, each run without O(marker) posts the comment again and warns. See
        assumption CF-A7 in the guide R(Verified and assumed,ansible_collections.secops.itsm.docsite.verified).
options:
  incidents:
    version_added: 0.7.0
    description:
      - A list of incidents to comment on, instead of O(incident_id).
      - Options that are missing or blank in an entry default to the options of the task.
      - Each entry is processed independently and has its own result in RV(results), in the same order. The task fails
        if any entry fails.
      - An incident that is listed twice is processed once. Entries with different comments for the same incident fail
        before anything is posted.
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
      comment:
        description: As O(comment), for this incident.
        type: str
      marker:
        description: As O(marker), for this incident.
        type: str
  comment:
    description:
      - Text of the comment. Leading and trailing white space is removed.
      - Required with O(incident_id). With O(incidents), the default of the entries.
    type: str
  marker:
    description:
      - A word that identifies the comment, such as the number of a job or a change. If the incident has a comment that
        contains this word, no comment is posted, regardless of its text and author.
      - If O(comment) does not contain the marker, it is appended on a new line in square brackets.
    type: str
  verify_timeout:
    description:
      - Time in seconds within which the incident must show the comment. If it does not, the task fails with
        RV(ignore:error.category=not_converged).
      - V(0) disables reading the comments back.
    type: int
    default: 30
notes:
  - This module cannot edit or delete comments.
  - Two runs at the same time may both post the comment. A warning reports duplicates, unless O(verify_timeout=0).
seealso:
  - module: secops.itsm.contraforce_incident_status
    description: Its option O(secops.itsm.contraforce_incident_status#module:comment) posts a comment with a change.
"""

EXAMPLES = r"""
- name: Post a comment on an incident
  secops.itsm.contraforce_incident_comment:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    comment: The address belongs to the VPN of the branch office.

- name: Post one comment for each job
  secops.itsm.contraforce_incident_comment:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: DefenderXDR
    incident_id: "48213"
    comment: Mailboxes searched, see the report of the job.
    marker: "job-{{ awx_job_id | default('by-hand') }}"

- name: Post a comment on several incidents
  secops.itsm.contraforce_incident_comment:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    comment: Seen by the night shift.
    marker: night-shift-2026-11-21
    incidents:
      - incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
      - incident_id: c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2
        comment: Seen by the night shift, which called the owner of the host.
"""

RETURN = r"""
comment:
  description: The comment as returned by the service, or the planned comment in check mode.
  returned: success
  type: dict
  sample:
    id: 5f9c3a70-8d21-4f0b-9a57-61e2c3b4d5f6
    message: The address belongs to the VPN of the branch office.
    createdTime: "2026-11-21T03:12:09.120Z"
    authorName: Service account
before:
  description: The text of the comment before the run, or null if the incident did not have the comment.
  returned: success
  type: dict
  sample: &before {comment: null}
after:
  description: The text of the comment after the run, or the planned text in check mode.
  returned: success
  type: dict
  sample: &after {comment: The address belongs to the VPN of the branch office.}
diff:
  description: The difference between the state before the run and the planned state.
  returned: success
  type: dict
  sample:
    before_header: incident 48213 (DefenderXDR, workspace 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60)
    after_header: incident 48213 (DefenderXDR, workspace 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60)
    before: *before
    after: *after
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - The result of each entry in list order, with the keys of a task for one incident. Failed entries have C(msg), and
      repeated entries have C(duplicate_of), the index of the first one.
  returned: with a list
  type: list
  elements: dict
  sample:
    - {workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60, source: DefenderXDR, incident_id: "48213", changed: true,
      failed: false, before: {comment: null}, after: {comment: Seen by the night shift.}, diff: {}, error: null}
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
  sample: {category: permission, code: INSUFFICIENT_WORKSPACE_ROLE, http_status: 403, method: POST,
    path: /workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/incidents/DefenderXDR/48213/comments,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: false, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_comment import (
    parse_options,
    post_comment,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import (
    incident_definition,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module

ARGUMENT_SPEC = one_or_many_spec(
    {
        "comment": {"type": "str"},
        "marker": {"type": "str"},
        "verify_timeout": {"type": "int", "default": 30},
    }
)

DEFINITION = incident_definition(ARGUMENT_SPEC, parse_options, post_comment)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
