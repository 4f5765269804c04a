#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_comment
short_description: Post a comment on a ContraForce incident, once
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Posts a comment on an incident, unless it is there already. Texts that differ only in white space are the same.
  - With O(marker), the marker decides instead of the text, so that a comment whose text differs from run to run is
    posted once all the same.
  - The service account needs the scope C(incidents:comments).
extends_documentation_fragment:
  - secops.itsm.contraforce
  - secops.itsm.contraforce.incident
  - secops.itsm.attributes
  - secops.itsm.attributes.actiongroup_contraforce
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Full where the service keeps the comment word for word (CF-A7 in the README), and with O(marker). Where it keeps
        other words, each run posts the comment again, and a warning says so.
options:
  comment:
    description:
      - The comment. White space at its ends is not posted.
    type: str
    required: true
  marker:
    description:
      - A word that marks the comment, such as the number of a job or of a change. A comment that holds it as a word of
        its own is taken for this comment, whatever else it says and whoever wrote it.
      - A O(comment) that does not hold it gets it in square brackets, on a line of its own at its end.
    type: str
  verify_timeout:
    description:
      - Seconds within which the comment must be among those of the incident after it was posted. The task fails
        otherwise, with RV(ignore:error.category=not_converged).
      - V(0) means that it is not read back.
    type: int
    default: 30
notes:
  - A comment that was posted cannot be changed or taken back by this collection.
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
seealso:
  - module: secops.itsm.contraforce_incident_status
    description: Its O(secops.itsm.contraforce_incident_status#module:comment) goes with a change of the status.
"""

EXAMPLES = r"""
- name: Note what was found out
  secops.itsm.contraforce_incident_comment:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    comment: The address belongs to the VPN of the branch office.

- name: Note each run of a job once
  secops.itsm.contraforce_incident_comment:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: DefenderXDR
    incident_id: "48213"
    comment: Mailboxes searched, see the report of the job.
    marker: "job-{{ awx_job_id | default('by-hand') }}"
"""

RETURN = r"""
comment:
  description: The comment as the service gave it; what would be posted in check mode.
  returned: success
  type: dict
  sample:
    id: 5f9c3a70-8d21-4f0b-9a57-61e2c3b4d5f6
    message: The address belongs to the VPN of the branch office.
    createdTime: "2026-11-21T03:12:09.120Z"
    authorName: Service account
before:
  description: The state before the run.
  returned: success
  type: dict
  contains: &state
    comment:
      description: The comment's text, or null when it is not there.
      returned: always
      type: str
      sample: The address belongs to the VPN of the branch office.
after:
  description: The state after the run; the planned one in check mode.
  returned: success
  type: dict
  contains: *state
diff:
  description: The state before against the planned one.
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

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_comment import post_comment
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import CONTRAFORCE_SERVICE, INCIDENT_SPEC
from ansible_collections.secops.itsm.plugins.module_utils.job import Job
from ansible_collections.secops.itsm.plugins.module_utils.runner import run_module

ARGUMENT_SPEC = {
    **INCIDENT_SPEC,
    "comment": {"type": "str", "required": True},
    "marker": {"type": "str"},
    "verify_timeout": {"type": "int", "default": 30},
}

JOB = Job(CONTRAFORCE_SERVICE, ARGUMENT_SPEC, post_comment)


def main() -> None:
    """Run the module."""
    run_module(JOB)


if __name__ == "__main__":
    main()
