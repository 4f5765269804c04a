#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ticketing_ticket
short_description: Create or update tickets of a service catalog
version_added: 0.3.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Creates or updates a ticket or a list of tickets of the ticketing platform (Rezolve.ai, API v2).
  - A ticket is identified by O(object_id), or by its team, ticket type, offer and the values that O(unique_by) names.
    It is only created if no such ticket exists.
  - A ticket is never created if the search fails or if several tickets match
    (RV(ignore:error.category=ambiguous_match)). The search skips an unreadable or incomplete ticket only if the service
    shows that it is a different one. Otherwise, the task fails and names it.
  - A create request is never repeated if it may have been processed. If it is interrupted and the ticket is not found,
    the task fails with RV(ignore:error.category=ambiguous_write).
  - Only the fields in O(fields) are compared and changed. If another user changed the same field at the same time, the
    task fails with RV(ignore:error.category=conflict).
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
      - Only the service can decide whether it accepts a new ticket. RV(unverified) names a O(team_id) that could not be
        checked.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Requires that the search of the service finds the ticket. A run that creates a ticket waits for that, up to
        O(verify_timeout), and warns if the ticket is not found.
      - A text that the service stores in different wording, such as cleaned HTML, is sent in each run, with a warning.
        Add its field to O(ignore_fields).
options:
  object_id:
    description:
      - Display ID of an existing ticket, such as V(CTC-0054). The ticket is neither searched for nor created.
      - Mutually exclusive with O(team_id), O(offer_id), O(offer), O(summary), O(attachments) and O(ticket_relation). An
        empty value counts as not set.
      - V(None) and V(null) are refused in this option, in O(team_id), O(item_type_id) and O(offer_id), and in the
        values that O(unique_by) names, because they are the result of a template with a null value.
    type: str
  team_id:
    description: Slug of the team that owns the ticket. Required without O(object_id).
    type: str
  item_type_id:
    description:
      - ID of the ticket type. The default is the ticket type of the offer.
      - With O(object_id), only needed if the ticket does not show its type.
      - M(secops.itsm.ticketing_catalog_info) lists ticket types, fields and offers.
    type: str
  item_type:
    description: Name of the ticket type, in any case, instead of O(item_type_id).
    type: str
  offer_id:
    description: ID of the offer of the service catalog. Provide O(offer_id) or O(offer), unless O(object_id) is set.
    type: str
  offer:
    description: Name of the offer, in any case, instead of O(offer_id).
    type: str
  summary:
    description:
      - Summary of the ticket in one line. Required without O(object_id).
      - Only used to find or create the ticket. The API has no documented way to change a summary.
    type: str
  fields:
    description:
      - Values of fields, by UUID, label or name, in any case. V(null) empties a field.
      - Values are checked against the ticket type before anything is written. Options are given by value or label,
        numbers and booleans also as text, and dates in ISO 8601 format.
      - A field of an unknown type that has options accepts one option or a list of options.
      - The status of a ticket is also a field.
    type: dict
  include_done:
    description:
      - Whether to also look for closed tickets. If not, a new ticket is created and a warning names the closed one.
      - If O(fields) sets a closed status, closed tickets are always included. An open ticket takes precedence.
    type: bool
    default: false
  ignore_fields:
    description: Fields in O(fields) that are only set on a new ticket and not compared afterwards.
    type: list
    elements: str
  attachments:
    description: Metadata of attachments, sent unchanged when a ticket is created.
    type: dict
  ticket_relation:
    description: Reference to a parent or related ticket, sent unchanged when a ticket is created.
    type: dict
  source:
    description: Origin of the ticket for audits and metrics, sent unchanged when a ticket is created.
    type: str
    default: api
  unique_by:
    description:
      - What identifies the ticket in addition to team, ticket type and offer. V(summary), or fields in O(fields). Use a
        field with a unique reference, such as the incident's ID. Dates and rich text are refused, because the service
        may change their spelling.
      - The service is searched for the first value, and the newest tickets are compared if the search finds nothing. If
        more than 100 tickets would have to be read, the task fails with RV(ignore:error.category=ambiguous_match).
      - If the first value has the form C(source incident workspace) with the UUID of a workspace, as the runbooks write
        it, the service is searched for the incident's ID, or for the whole value if that finds too many tickets.
      - Summaries that differ only in white space or invisible characters are equal, but an exact match takes
        precedence.
      - If a ticket only matches in a different spelling, the task fails with RV(ignore:error.category=ambiguous_match)
        and names the ticket. Spellings differ in case, white space, Unicode composition, HTML escapes, missing emoji or
        other symbols, or by being cut at 255 characters.
      - If the service stores the value of a new ticket in a different spelling, the task fails with
        RV(ignore:error.category=not_converged) and returns the ticket.
    type: list
    elements: str
    default:
      - summary
  tickets:
    version_added: 0.4.0
    description:
      - A list of tickets to create or update. Mutually exclusive with O(object_id).
      - Options that are missing or blank in an entry default to the options of the task. The fields of an entry are
        added to O(fields), and a blank value of a field is a value.
      - Each entry is processed independently and has its own result in RV(results), in the same order. The task fails
        if any entry fails.
      - A ticket that is listed twice is processed once. Entries for the same ticket with conflicting fields fail before
        anything is written.
      - The guide R(Many incidents,ansible_collections.secops.itsm.docsite.many_incidents) describes throttling,
        interruptions and failures.
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
      - Time in seconds within which the ticket must show the change, and within which the search must find a new
        ticket. If a change does not show, the task fails with RV(ignore:error.category=not_converged). If a new ticket
        is not found, the task warns.
      - The wording of a text may differ. The task fails if a number, date, boolean or option shows another value.
      - V(0) disables reading the ticket back and searching for it.
    type: int
    default: 30
notes:
  - An account with only the role C(ticket_user) does not see the tickets of other users, and creates duplicates of
    them. Use an account that sees all tickets of the team.
  - Two runs at the same time may both create the ticket. A warning names the other ticket.
  - The module relies on assumptions TK-A1 to TK-A19 in the guide R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.ticketing_catalog_info
  - module: secops.itsm.ticketing_ticket_info
  - module: secops.itsm.contraforce_ticket_link
"""

EXAMPLES = r"""
- name: Create a ticket for an incident, unless it exists
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

- name: Create tickets for several incidents
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

- name: Update the status and the responder of a ticket
  secops.itsm.ticketing_ticket:
    object_id: CTC-0041
    fields:
      Status: In Progress
      responder: analyst@northwind.example

- name: Create a ticket by IDs, without comparing the description
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

- name: Handle errors by category
  block:
    - name: Set the urgency of a ticket that may have duplicates
      secops.itsm.ticketing_ticket:
        team_id: soc
        offer: Report a security incident
        summary: Duplicate alert on HOST-7
        fields:
          Incident Reference: DUP-7
          Urgency: low
      register: ticket
  rescue:
    - name: Fail unless the ticket has duplicates
      ansible.builtin.assert:
        that: ticket.error.category == 'ambiguous_match'
        fail_msg: "{{ ticket.msg }}"
"""

RETURN = r"""
ticket:
  description: The ticket when it was last read. Empty in check mode if the ticket would be created.
  returned: success
  type: dict
object_id:
  description: Display ID of the ticket. Null in check mode if the ticket would be created.
  returned: success, and if the task failed after it created the ticket
  type: str
  sample: CTC-0054
etag:
  description: Version of the ticket. Null if the ticket was not read back and the response did not contain the version.
  returned: success
  type: str
created:
  description: Whether the run created the ticket, or would create it in check mode.
  returned: success, and if the task failed after it created the ticket
  type: bool
before:
  description: The ticket before the run, with the fields in O(fields) by label, or empty if it did not exist.
  returned: success
  type: dict
after:
  description: The ticket after the run, or the planned ticket in check mode. Contains only keys that the service shows.
  returned: success
  type: dict
  sample: &after {object_id: CTC-0054, summary: Credential dumping on SRV-DC02, team_id: soc, fields: {Urgency: high}}
diff:
  description: The difference between the ticket before the run and the planned ticket.
  returned: success
  type: dict
  sample: {before_header: ticket CTC-0054, after_header: ticket CTC-0054, before: {}, after: *after}
unverified:
  description: Sentences about what check mode could not verify, such as O(team_id). Empty outside of check mode.
  returned: success
  type: list
  elements: str
request_ids:
  description: The service's IDs of the requests in this run, for support requests.
  returned: success
  type: list
  elements: str
  sample: ["0HN8K2V4Q1A3B:00000004"]
results:
  description:
    - The result of each entry in list order, with the keys of a task for one ticket except RV(ticket). Failed entries
      have C(msg), and repeated entries have C(duplicate_of), the index of the first one.
  returned: with a list
  type: list
  elements: dict
  sample:
    - {object_id: CTC-0054, team_id: soc, summary: Credential dumping on SRV-DC02, changed: true, failed: false,
      before: {}, after: {object_id: CTC-0054}, diff: {}, error: null}
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
  sample: {category: unavailable, code: null, http_status: 503, method: GET, path: /ticket/CTC-0054,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: true, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import CONCURRENCY_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.backend import ensure_ticket
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC, REZOLVE_SERVICE

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
