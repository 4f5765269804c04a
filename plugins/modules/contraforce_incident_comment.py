#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_incident_comment
short_description: Post a comment on a ContraForce incident, or on a list of them, once
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
      - Full where the service keeps the comment word for word (CF-A7 in the README), and with O(marker). Where it keeps
        other words, each run posts the comment again, and a warning says so.
options:
  incidents:
    version_added: 0.7.0
    description:
      - A list of incidents, instead of the one that O(incident_id) names.
      - Each has an outcome of its own in RV(results), in the same order. One that fails does not stop the others; the
        task fails in the end. Refused credentials, and a service that cannot be reached any more, end the whole list.
      - Options that are missing or blank in an entry default to the options of the task.
      - An incident that is there twice is handled once. If its entries ask for different comments, none of them is
        posted.
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
      comment:
        description: As O(comment), for this incident.
        type: str
      marker:
        description: As O(marker), for this incident.
        type: str
  comment:
    description:
      - The comment. White space at its ends is not posted.
      - Required with O(incident_id). With O(incidents), that of every entry without one.
    type: str
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
  - Two runs at the same moment may both post the comment. A warning reports that it is there more than once, unless
    O(verify_timeout=0).
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

- name: Note on each of many incidents what was found out about it, once
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
results:
  description:
    - What came of each entry of the list, in its order. Besides the keys below, each has those that a run for one
      incident returns.
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
