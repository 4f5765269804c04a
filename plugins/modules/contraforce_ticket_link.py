#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_ticket_link
short_description: Link service tickets to ContraForce incidents
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Links a ticket of the workspace's ticketing system to an incident, or unlinks it. Also processes a list of
    incidents.
  - If the service shows the ticket of the incident, the incident is only changed if the ticket differs. The vendor's
    documentation does not show the ticket, see assumptions CF-A10 to CF-A14 in the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
  - Otherwise, the request is sent in each run, and RV(ignore:changed) depends on the remaining evidence. Use
    M(secops.itsm.contraforce_connection_info) to find out which evidence a tenant provides.
  - If the incident is linked to another ticket, the task fails and names both tickets, unless O(replace=true). If the
    service does not show the other ticket, its link may be replaced, and the task warns.
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
      - If the service does not show the ticket of the incident, a warning states that the prediction is uncertain.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - If the service does not show the ticket of the incident, each run sends the request, which has no further
        effect. Linking is then reported as a change unless a comment of the incident names the ticket. Unlinking is
        reported correctly.
options:
  incidents:
    version_added: 0.4.0
    description:
      - A list of incidents to link or unlink, instead of O(incident_id).
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
      incident_number:
        description: As O(incident_number), for this incident.
        type: str
      ticket_id:
        description: As O(ticket_id), for this incident.
        type: str
      state:
        description: As O(state), for this incident.
        type: str
        choices: &states
          - present
          - absent
      replace:
        description: As O(replace), for this incident.
        type: bool
  incident_number:
    description:
      - Number of the incident, which is passed to the ticketing system. Only needed if the service requires it.
    type: str
  ticket_id:
    description:
      - ID or display number of the ticket, such as V(41877) or V(T20261121.0042) for Autotask, V(INC0012345) for
        ServiceNow, or V(SOC-311) for Jira.
      - Required with O(state=present). With O(state=absent), the link is only removed if the incident is linked to this
        ticket. If the service does not show the ticket, a warning states that this could not be checked.
      - If the service only shows the ID of tickets, use the ID. A display number cannot be compared with it, so the
        task fails with V(conflict) if the incident is already linked, even with O(replace=true).
      - V(None) and V(null) are refused, because they are the result of a template with a null value.
    type: str
  state:
    description:
      - V(present) links the ticket to the incident.
      - V(absent) unlinks the ticket, or any ticket if O(ticket_id) is not set.
    type: str
    choices: *states
    default: present
  replace:
    description:
      - Whether to replace a link to another ticket. The other ticket is unlinked before O(ticket_id) is linked. If
        O(ticket_id) cannot be linked, the incident has no ticket, and the message names the former one.
      - If only a comment names the other ticket, it is unlinked only if the service refuses the new link.
      - A run that was interrupted between the two requests is completed by the next run.
    type: bool
    default: false
  verify_timeout:
    description:
      - Time in seconds within which the incident must show the change. If it does not, the task fails with
        RV(ignore:error.category=not_converged).
      - V(0) disables reading the incident back, and the response of the service determines the result.
    type: int
    default: 30
seealso:
  - module: secops.itsm.contraforce_incident_status
  - module: secops.itsm.contraforce_incident_info
"""

EXAMPLES = r"""
- name: Link an incident to its ticket
  secops.itsm.contraforce_ticket_link:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
    ticket_id: T20261121.0042

- name: Replace the ticket of an incident
  secops.itsm.contraforce_ticket_link:
    workspace_id: 8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5
    source: qradar
    incident_id: "20931"
    ticket_id: INC0012345
    replace: true

- name: Unlink a specific ticket from an incident
  secops.itsm.contraforce_ticket_link:
    workspace_id: 8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5
    source: SentinelOne
    incident_id: "1987654321098765432"
    ticket_id: INC0012346
    state: absent

- name: Handle errors by category
  block:
    - name: Link a ticket to an incident that may have another ticket
      secops.itsm.contraforce_ticket_link:
        workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "50377"
        ticket_id: SOC-311
      register: linked
  rescue:
    - name: Fail unless the incident has another ticket
      ansible.builtin.assert:
        that: linked.error.category == 'conflict'
        fail_msg: "{{ linked.msg }}"

- name: Link several incidents of one workspace to the same ticket
  secops.itsm.contraforce_ticket_link:
    workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
    source: Sentinel
    ticket_id: "41877"
    incidents:
      - incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61
      - incident_id: c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2
"""

RETURN = r"""
link:
  description:
    - The link before and after the run. V(linked) or V(unlinked) if the service shows it, V(likely) if only a comment
      names a ticket, and V(unknown) otherwise. In check mode, C(after) is the planned link.
    - C(evidence) is the basis of C(after), V(incident) for the record of the incident, V(comments) for a comment that
      was mirrored to the ticket, V(response) for the response to this run's request, or V(none).
    - The ticket, as far as it is known. With O(state=absent), this is the ticket that was linked.
  returned: success
  type: dict
  sample: {before: unlinked, after: linked, evidence: incident, ticket_id: "41877", ticket_number: T20261121.0042,
    ticketing_system: Autotask}
ticket:
  description: The linked ticket as returned by the service, or null if the service did not show it.
  returned: success
  type: dict
  sample: {ticketingSystemType: Autotask, isTicketSet: true, autotaskTicket: {id: 41877, number: T20261121.0042}}
incident:
  description: The incident's record when it was last read.
  returned: success
  type: dict
before:
  description: The link, its evidence and its ticket before the run. The values are as in RV(link).
  returned: success
  type: dict
  sample: {link: unlinked, evidence: incident, ticket_id: null, ticket_number: null, ticketing_system: null}
after:
  description: The link, its evidence and its ticket after the run, or the planned link in check mode.
  returned: success
  type: dict
  sample: {link: linked, evidence: incident, ticket_id: "41877", ticket_number: T20261121.0042,
    ticketing_system: Autotask}
diff:
  description: The difference between the link before the run and the planned link.
  returned: success
  type: dict
  sample: {before: {link: unlinked, ticket: null}, after: {link: linked, ticket: T20261121.0042}}
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
      changed: true, failed: false, before: {link: unlinked}, after: {link: linked}, diff: {}, error: null}
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
    path: /workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/tickets/link,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: false, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import (
    incident_definition,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.ticket_link import (
    STATES,
    change_ticket_link,
    parse_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module

ARGUMENT_SPEC = one_or_many_spec(
    {
        "incident_number": {"type": "str"},
        "ticket_id": {"type": "str"},
        "state": {"type": "str", "choices": list(STATES), "default": "present"},
        "replace": {"type": "bool", "default": False},
        "verify_timeout": {"type": "int", "default": 30},
    }
)

DEFINITION = incident_definition(ARGUMENT_SPEC, parse_options, change_ticket_link)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
