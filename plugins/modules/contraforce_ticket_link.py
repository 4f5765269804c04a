#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: contraforce_ticket_link
short_description: Link a service ticket to a ContraForce incident, or unlink it
version_added: 0.2.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Brings the link between an incident and a ticket of the workspace's ticketing system to the wanted state.
  - No read of the link is documented. Where the read of the incident shows its ticket all the same, that decides, and
    an incident that has the wanted ticket is V(ok) without a write.
  - Where it does not, the request is sent in each run, because only that makes the state true, and RV(ignore:changed)
    follows what else is known. It is never V(ok) only because something is not shown. Run
    P(secops.itsm.contraforce_connection_info#module) to see which evidence a tenant offers.
  - An incident that shows that it is linked to another ticket is left alone, and the task fails with both tickets
    named, unless O(replace=true). Where nothing shows it, that link may be replaced, and a warning says so.
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
      - Where the read of the incident does not show its ticket, the prediction rests on weak evidence, and a warning
        says so.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Full where the read of the incident shows its ticket. Elsewhere a further run sends the request again, which
        changes nothing. A link is then reported as a change unless the incident's comments name the ticket; unlinking
        is not, because the answer tells whether there was a link.
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
      incident_number:
        description: As O(incident_number), for this incident.
        type: str
      ticket_id:
        description: As O(ticket_id), for this incident.
        type: str
      state:
        description: As O(state), for this incident.
        type: str
        choices:
          - present
          - absent
      replace:
        description: As O(replace), for this incident.
        type: bool
  incident_number:
    description: Number of the incident, passed on to the ticketing system. Only needed if the service asks for it.
    type: str
  ticket_id:
    description:
      - The ticket, by its identifier in the ticketing system or by its display number, such as V(41877) or
        V(T20261121.0042) for Autotask, V(INC0012345) for ServiceNow, V(SOC-311) for Jira.
      - The texts V(None) and V(null), which a template makes of a null, are refused.
      - Required with O(state=present). With O(state=absent) it is a safeguard, so that an incident which is linked to
        another ticket is not unlinked. Where the read of the incident does not show which ticket that is, a warning
        says that it is no sure one.
      - Use the identifier where the service shows only that. A display number can then not be compared with it, and the
        task fails with V(conflict) on an incident that is linked already, with O(replace=true), too.
    type: str
  state:
    description: Whether the incident is to be linked to the ticket, or to none.
    type: str
    choices:
      - present
      - absent
    default: present
  replace:
    description:
      - Whether a link to another ticket is replaced. That ticket is unlinked first, then the wanted one is linked; a
        run that was cut off in between is finished by the next. If the wanted one cannot be linked, the incident has
        none in the end, and the failure names the former one.
      - Where only a comment names the other ticket, it is unlinked only if the service refuses the link.
    type: bool
    default: false
  verify_timeout:
    description:
      - Seconds within which the incident must show the change after it was written. The task fails otherwise, with
        RV(ignore:error.category=not_converged).
      - V(0) means that it is not read back. The service's answer is what counts then.
    type: int
    default: 30
notes:
  - What is assumed about links is in the README, CF-A10 to CF-A14.
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
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

- name: Move it to the ticket in which the case goes on
  secops.itsm.contraforce_ticket_link:
    workspace_id: 8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5
    source: qradar
    incident_id: "20931"
    ticket_id: INC0012345
    replace: true

- name: Unlink a ticket that was linked by mistake, if it is that one
  secops.itsm.contraforce_ticket_link:
    workspace_id: 8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5
    source: SentinelOne
    incident_id: "1987654321098765432"
    ticket_id: INC0012346
    state: absent

- name: Branch on what went wrong
  block:
    - name: Link a ticket to an incident that may have another
      secops.itsm.contraforce_ticket_link:
        workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "50377"
        ticket_id: SOC-311
      register: linked
  rescue:
    - name: Go on when there is another, stop on anything else
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
  description: What is known of the link, in short.
  returned: success
  type: dict
  contains:
    before:
      description:
        - The link before the run. V(linked) and V(unlinked) only where the read of the incident shows it; V(likely)
          where only a comment names a ticket; V(unknown) otherwise.
        - It is V(linked) to the wanted ticket in a run without a change, and to another one that is replaced.
      returned: always
      type: str
      sample: unlinked
    after:
      description: The link after the run; the planned one in check mode.
      returned: always
      type: str
      sample: linked
    evidence:
      description:
        - What RV(link.after) rests on. V(incident) is the read of the incident, V(comments) a comment that was mirrored
          to the ticket, V(response) what the service answered to this run's request, V(none) nothing.
        - In check mode it is what the prediction rests on.
      returned: always
      type: str
      sample: incident
    ticket_id:
      description:
        - The ticket's identifier, as far as it is known. With O(state=absent) it is the ticket that was linked.
        - In check mode either this or RV(link.ticket_number), as O(ticket_id) names the ticket.
      returned: always
      type: str
      sample: "41877"
    ticket_number:
      description: The ticket's display number, as far as it is known.
      returned: always
      type: str
      sample: T20261121.0042
    ticketing_system:
      description: V(Autotask), V(ServiceNow), V(Jira) or V(Zendesk), as far as it is known.
      returned: always
      type: str
      sample: Autotask
ticket:
  description:
    - The linked ticket as the service gave it, when this run linked it or the read of the incident shows it. Null
      otherwise, and when the incident is linked to none in the end.
  returned: success
  type: dict
  sample:
    ticketingSystemType: Autotask
    isTicketSet: true
    autotaskTicket:
      id: 41877
      number: T20261121.0042
incident:
  description: The incident's record as the service gave it when it was last read.
  returned: success
  type: dict
before:
  description: The link before the run, with what it rests on and the ticket.
  returned: success
  type: dict
  contains: &state
    link:
      description: V(linked), V(unlinked), V(likely) or V(unknown).
      returned: always
      type: str
      sample: linked
    evidence:
      description: V(incident), V(comments), V(response) or V(none).
      returned: always
      type: str
      sample: incident
    ticket_id:
      description: The ticket's identifier, as far as it is known.
      returned: always
      type: str
      sample: "41877"
    ticket_number:
      description: The ticket's display number, as far as it is known.
      returned: always
      type: str
      sample: T20261121.0042
    ticketing_system:
      description: The ticketing system, as far as it is known.
      returned: always
      type: str
      sample: Autotask
after:
  description: The link after the run; the planned one in check mode.
  returned: success
  type: dict
  contains: *state
diff:
  description: The link before against the planned one.
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
