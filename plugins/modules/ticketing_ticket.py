#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_ticket
short_description: Create or update a ticket of a service catalog, once
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Brings a ticket of the ticketing platform (Rezolve.ai, API v2) to the wanted state. It is named by O(object_id), or
    else by what it is. The task then looks for it, and creates it only if it is not there.
  - The service has no idempotency key and does not notice duplicates. So a create request is sent once in a run, and
    again only if it was turned away unprocessed, by a limit of the rate or for a token that had expired. If it breaks
    off, the ticket is looked for, and the task fails with RV(ignore:error.category=ambiguous_write) if it is not found.
  - If the search fails, nothing is created. Neither is it if more than one ticket is the wanted one
    (RV(ignore:error.category=ambiguous_match)).
  - A ticket that cannot be read, or does not show what it is, is left aside only if the list or its own record proves
    that it is another one, such as that of another team. The task fails otherwise, and names it.
  - Only the fields in O(fields) are compared and changed. An update names the version of the ticket that it is based
    on, so it cannot undo what somebody else changed in between. If they changed other fields, the update is made on
    top; if they changed the same ones, the task fails with RV(ignore:error.category=conflict).
extends_documentation_fragment:
  - secops.itsm.ticketing
  - secops.itsm.ticketing.catalog
  - secops.itsm.attributes
  - secops.itsm.attributes.list
  - secops.itsm.attributes.actiongroup_ticketing
attributes:
  check_mode:
    support: full
    details:
      - The service alone decides whether it accepts a new ticket. RV(unverified) names a O(team_id) that could not be
        checked.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Full, as long as the service's search finds the ticket. A run that creates one waits until it does, up to
        O(verify_timeout), and warns if it does not.
      - A text that the service stores in another wording, such as cleaned HTML, is sent again by each run; a warning
        says so. Put it into O(ignore_fields).
options:
  object_id:
    description:
      - Display id of the ticket, such as V(CTC-0054). It is then read, never searched for, and never created.
      - Excludes O(team_id), O(offer_id), O(offer), O(summary), O(attachments) and O(ticket_relation). An empty text
        counts as not given.
      - The texts V(None) and V(null), which a template makes of a null, are refused here, in O(team_id),
        O(item_type_id) and O(offer_id), and in the values that O(unique_by) names.
    type: str
  team_id:
    description: Slug of the team that owns the ticket. Needed without O(object_id).
    type: str
  item_type_id:
    description:
      - Identifier of the ticket type. Without it, and without O(item_type), it is the ticket type of the offer.
      - With O(object_id) it is only needed if the ticket does not show its type.
      - M(secops.itsm.ticketing_catalog_info) lists the ticket types, the fields, and the offers.
    type: str
  item_type:
    description: Name of the ticket type, in any case, instead of O(item_type_id).
    type: str
  offer_id:
    description: Identifier of the offer of the service catalog. This or O(offer) is needed without O(object_id).
    type: str
  offer:
    description: Name of the offer, in any case, instead of O(offer_id).
    type: str
  summary:
    description:
      - One line that says what the ticket is about. Needed without O(object_id).
      - Only a new ticket gets it; no way to change it later is documented.
    type: str
  fields:
    description:
      - Values of fields, each by the field's UUID, its label or its name, in any case. V(null) empties a field.
      - They are checked against the ticket type before anything is written. Options may be given by value or label,
        numbers and truth values as texts, dates in ISO 8601.
      - A field of an unknown type that has options takes one of them, or a list of them.
      - The status of a ticket is a field, too.
    type: dict
  include_done:
    description:
      - Whether a closed ticket can be the wanted one. If not, another one is created, and a warning names the closed
        one.
      - A ticket that is closed because O(fields) asks for its status is found again in any case. An open one goes
        before it.
    type: bool
    default: false
  ignore_fields:
    description: Fields of O(fields) that only a new ticket gets, and that are not compared.
    type: list
    elements: str
  attachments:
    description: Metadata of attachments, sent as it is when a ticket is created.
    type: dict
  ticket_relation:
    description: Reference to a parent or related ticket, sent as it is when a ticket is created.
    type: dict
  source:
    description: Where the ticket comes from, for audits and metrics; sent as it is when a ticket is created.
    type: str
    default: api
  unique_by:
    description:
      - What makes a ticket the wanted one, besides team, ticket type and offer. V(summary), and fields of O(fields).
      - The first one is what is searched for; if that finds nothing, the newest tickets are looked through. A field
        that holds a unique reference, such as the incident's identifier, is the only strong one. Dates and rich text
        are refused, because the service may spell them otherwise.
      - If the first one has the form C(source incident workspace) with the UUID of a workspace, as the runbooks write
        it, only the incident's id is searched for, or the whole text if that brings too many tickets. The whole text is
        compared afterwards.
      - A listed ticket is read unless its row shows another identity in full. If more than 100 would have to be read
        and none of them is the wanted one, the task fails (RV(ignore:error.category=ambiguous_match)) and creates
        nothing.
      - Summaries that differ only in white space or in characters that cannot be seen count as the same, unless a
        ticket has exactly the wanted summary.
      - If no ticket has the identity as it is given, but one has it in another spelling, the task fails
        (RV(ignore:error.category=ambiguous_match)), names that ticket and creates nothing. Other spellings differ in
        case, white space, Unicode composition, HTML escapes, emoji or other signs that were dropped, or are cut at 255
        characters.
      - If the service stores the identity of a new ticket in another spelling, the task fails
        (RV(ignore:error.category=not_converged)) at once, and returns the ticket.
    type: list
    elements: str
    default:
      - summary
  tickets:
    version_added: 0.4.0
    description:
      - A list of tickets, instead of one. Excludes O(object_id).
      - Each has an outcome of its own in RV(results), in the same order. One that fails does not stop the others; the
        task fails in the end. Refused credentials, and a service that cannot be reached any more, end the whole list.
      - Options that are missing or blank in an entry default to the options of the task. The fields of an entry are
        added to O(fields); a blank value of a field is a value.
      - A ticket that is there twice is handled once. Entries that would find or open the same ticket, but give it
        different fields, fail before anything is written.
      - The catalog is read once.
      - No further entry starts once the run is over, which is after Ctrl-C, when the job is cancelled or killed, and
        when the C(timeout) of the task expires. Running entries are finished, unless a second Ctrl-C or a SIGKILL ends
        their process, too.
    type: list
    elements: dict
    suboptions:
      object_id:
        description: As O(object_id), for this ticket.
        type: str
      team_id:
        description: As O(team_id), for this ticket.
        type: str
      item_type_id:
        description: As O(item_type_id), for this ticket.
        type: str
      item_type:
        description: As O(item_type), for this ticket.
        type: str
      offer_id:
        description: As O(offer_id), for this ticket.
        type: str
      offer:
        description: As O(offer), for this ticket.
        type: str
      summary:
        description: As O(summary), for this ticket.
        type: str
      fields:
        description: Added to O(fields), for this ticket.
        type: dict
      include_done:
        description: As O(include_done), for this ticket.
        type: bool
      ignore_fields:
        description: As O(ignore_fields), for this ticket.
        type: list
        elements: str
      attachments:
        description: As O(attachments), for this ticket.
        type: dict
      ticket_relation:
        description: As O(ticket_relation), for this ticket.
        type: dict
      source:
        description: As O(source), for this ticket.
        type: str
  verify_timeout:
    description:
      - Seconds within which the ticket must show the change after it was written, and a new one must be found by the
        search. The task fails if a change does not show (RV(ignore:error.category=not_converged)), and warns if a new
        ticket is not found.
      - A text may show in another wording. A number, date, boolean or option that shows another value fails the task.
      - V(0) means that nothing is read back, and not looked whether a further run would find a new ticket.
    type: int
    default: 30
notes:
  - An account that is only a C(ticket_user) sees its own tickets alone, and so creates a second one of what somebody
    else has opened. Use an account that sees those of the whole team.
  - Two runs at the same moment may both create the ticket. A warning names the other one.
  - What is assumed about the service is in the README, TK-A1 to TK-A19.
  - Secrets belong into the environment of the job or into C(module_defaults). With C(environment) on a task, Ansible
    itself prints them at C(-vvv).
seealso:
  - module: secops.itsm.ticketing_catalog_info
  - module: secops.itsm.ticketing_ticket_info
  - module: secops.itsm.contraforce_ticket_link
"""

EXAMPLES = r"""
- name: Open a ticket for an incident, or find the one that is there
  secops.itsm.ticketing_ticket:
    team_id: soc
    item_type: Security Incident
    offer: Report a security incident
    summary: "Sentinel incident 7c2a1e8f: credential dumping on SRV-DC02"
    fields:
      Incident Reference: SEN-7c2a1e8f
      Urgency: High
      Affected Hosts: 2
      Detected At: "2026-11-21T02:40:00Z"
    unique_by:
      - Incident Reference
  register: opened

- name: Open one ticket for each of several incidents
  secops.itsm.ticketing_ticket:
    team_id: soc
    item_type: Security Incident
    offer: Report a security incident
    unique_by:
      - Incident Reference
    fields:
      Urgency: High
    tickets:
      - summary: "Sentinel incident 7c2a1e8f: credential dumping on SRV-DC02"
        fields:
          Incident Reference: SEN-7c2a1e8f
      - summary: "Defender XDR incident 61024: mass download from the finance site"
        fields:
          Incident Reference: XDR-61024
          Urgency: Medium

- name: Note on it who takes care
  secops.itsm.ticketing_ticket:
    object_id: CTC-0041
    fields:
      Status: In Progress
      responder: analyst@northwind.example

- name: Order a laptop, by ids only, with a description that the service may tidy up
  secops.itsm.ticketing_ticket:
    team_id: james
    item_type_id: "16910"
    offer_id: "23629"
    summary: Hardware request - laptop for the new analyst
    fields:
      ab13e5d1-9b9d-4c3e-8fc4-e86912c8cb53: Need a laptop
      7f111983-1013-41be-a056-989fff018bb5: <p>Starts on Monday.</p>
      711ea9e6-1b73-4070-9eb2-941803f7f5d4: <2week
    ignore_fields:
      - Description

- name: Branch on what went wrong
  block:
    - name: Set the urgency of the ticket of an alert
      secops.itsm.ticketing_ticket:
        team_id: soc
        offer: Report a security incident
        summary: Duplicate alert on HOST-7
        fields:
          Incident Reference: DUP-7
          Urgency: low
      register: ticket
  rescue:
    - name: Go on when there are two, stop on anything else
      ansible.builtin.assert:
        that: ticket.error.category == 'ambiguous_match'
        fail_msg: "{{ ticket.msg }}"
"""

RETURN = r"""
ticket:
  description:
    - The ticket as the service gave it when it was last read. Empty in check mode if it is to be created.
  returned: success
  type: dict
  sample:
    object_id: CTC-0054
    etag: f9d8ad0b-6e4f-45a8-bc14-a11362dc61bd
    summary: "Sentinel incident 7c2a1e8f: credential dumping on SRV-DC02"
    status_type: Open
object_id:
  description: The ticket's display id. Null in check mode if it is to be created.
  returned: success, and when the task failed after it had created the ticket
  type: str
  sample: CTC-0054
etag:
  description: The version of the ticket; null where a write was not read back and the answer did not tell it.
  returned: success
  type: str
  sample: f9d8ad0b-6e4f-45a8-bc14-a11362dc61bd
created:
  description: Whether this run created the ticket, or would have.
  returned: success, and when the task failed after it had created the ticket
  type: bool
  sample: true
before:
  description: The ticket before the run; empty if it was not there.
  returned: success
  type: dict
  contains: &state
    object_id:
      description: The ticket's display id.
      returned: if the ticket was there
      type: str
      sample: CTC-0054
    summary:
      description: The ticket's summary.
      returned: always
      type: str
    team_id:
      description: The team that owns it.
      returned: if it is shown
      type: str
      sample: soc
    item_type_id:
      description: Its ticket type.
      returned: if it is shown
      type: str
      sample: "16920"
    offer_id:
      description: The offer that it was created from.
      returned: if it is shown
      type: str
      sample: "23640"
    fields:
      description: Values of the fields in O(fields), by label.
      returned: always
      type: dict
      sample:
        Urgency: high
after:
  description: The ticket after the run; the planned one in check mode.
  returned: success
  type: dict
  contains: *state
diff:
  description: The ticket before against the planned one.
  returned: success
  type: dict
  contains:
    before_header:
      description: Which ticket.
      returned: always
      type: str
    after_header:
      description: Which ticket.
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
  sample: ["team_id 'sco' is not among the teams that the service shows. Nearest: 'soc'."]
request_ids:
  description: The service's identifiers of the requests of this run, for its support.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - What came of each entry of the list, in its order. Besides the keys below, each has those that a run for one
      ticket returns, but not the record of the ticket, which would make the result of a long list too large.
  returned: with a list
  type: list
  elements: dict
  contains:
    object_id:
      description: Display id of the ticket, or null if it is not known.
      returned: always
      type: str
    team_id:
      description: The team of the entry.
      returned: always
      type: str
    summary:
      description: The summary of the entry.
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
  description: How many there are of each outcome, every ticket counted once.
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

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import CONCURRENCY_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC, REZOLVE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket import ensure_ticket

TICKET_SPEC = {
    "object_id": {"type": "str"},
    "team_id": {"type": "str"},
    "item_type_id": {"type": "str"},
    "item_type": {"type": "str"},
    "offer_id": {"type": "str"},
    "offer": {"type": "str"},
    "summary": {"type": "str"},
    "fields": {"type": "dict"},
    "include_done": {"type": "bool"},
    "ignore_fields": {"type": "list", "elements": "str"},
    "attachments": {"type": "dict"},
    "ticket_relation": {"type": "dict"},
    "source": {"type": "str"},
}

ARGUMENT_SPEC = {
    **TICKET_SPEC,
    "unique_by": {"type": "list", "elements": "str", "default": ["summary"]},
    "include_done": {"type": "bool", "default": False},
    "source": {"type": "str", "default": "api"},
    "tickets": {"type": "list", "elements": "dict", "options": TICKET_SPEC},
    "verify_timeout": {"type": "int", "default": 30},
    **CONCURRENCY_SPEC,
    **CATALOG_SPEC,
}

DEFINITION = ModuleDefinition(
    REZOLVE_SERVICE,
    ARGUMENT_SPEC,
    ensure_ticket,
    TICKETS,
    {"mutually_exclusive": [("object_id", "tickets")]},
    parse=parse_options,
)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
