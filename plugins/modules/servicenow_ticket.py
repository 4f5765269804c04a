#!/usr/bin/python
# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: servicenow_ticket
short_description: Create, update or close tickets of ServiceNow
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Creates, updates or closes a ticket or a list of tickets of ServiceNow, such as incidents, security incidents or
    other tasks (Table API, v2).
  - A ticket is identified by O(number) or O(sys_id), or by O(reference), a value of your own that is stored in
    C(correlation_id). With O(reference), the ticket is created if it does not exist.
  - A ticket is never created if the search fails, if several tickets match
    (RV(ignore:error.category=ambiguous_match)), or if an access rule hides a matching ticket or the column with the
    reference (RV(ignore:error.category=permission)).
  - A create request is never repeated if it may have been processed. If it is interrupted, the ticket is looked for by
    its reference. If it is not found, the task fails with RV(ignore:error.category=ambiguous_write).
  - Only the columns in O(fields) are compared and changed. The ticket is read again just before it is changed, and if
    another user changed the same column in the meantime, the task fails with RV(ignore:error.category=conflict).
  - The ticket is read back. If a business rule silently refuses or replaces a value, the task fails with
    RV(ignore:error.category=not_converged).
extends_documentation_fragment:
  - secops.itsm.servicenow
  - secops.itsm.attributes
  - secops.itsm.attributes.list
  - secops.itsm.attributes.actiongroup_servicenow
attributes:
  check_mode:
    support: full
    details:
      - Only the service can decide whether its business rules and data policies accept a change. RV(unverified) names
        columns and choices that the account may not read, so that they could not be checked.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - A text that the service stores in different wording is sent in each run, with a warning. Add its column to
        O(ignore_fields).
      - If the account cannot read the journal, O(work_notes) and O(comments) are only posted together with a change of
        the ticket. RV(unverified) names a text that was not posted.
options:
  table:
    description:
      - Table of the ticket, such as V(incident), or V(sn_si_incident) of Security Incident Response.
    type: str
    default: incident
  number:
    description:
      - Number of an existing ticket, such as V(INC0010023), or its C(sys_id).
      - Set exactly one of O(number), O(sys_id) and O(reference). An empty value counts as not set, and V(None) and
        V(null) are refused, because they are the result of a template with a null value.
    type: str
  sys_id:
    description: Identifier of an existing ticket.
    type: str
  reference:
    description:
      - Value that identifies the ticket, such as the ID of an incident in its source. At most 100 characters, without
        V(^), line breaks, and V(javascript:) at its start.
      - The search compares each returned ticket exactly. If a ticket has the reference in another spelling, such as
        another case or with accents, the task fails with RV(ignore:error.category=ambiguous_match).
      - The form C(cf|source|incident ID) of ContraForce's samples does not contain the workspace. If the incident ID is
        not a UUID, C(company) or C(assignment_group) must be in O(unique_by).
    type: str
  reference_display:
    description: Name of the system that the reference belongs to, stored in C(correlation_display) of a new ticket.
    type: str
    default: ContraForce
  short_description:
    description:
      - Title of a new ticket in one line of at most 160 characters. Required if the ticket does not exist.
      - If an existing ticket has another title, it is kept, with a warning.
      - Mutually exclusive with O(number) and O(sys_id). To change the title, set it in O(fields).
    type: str
  fields:
    description:
      - Values of columns, by the name of the column. V(null) clears a column.
      - A choice is given by value or label, such as V(6) or V(Resolved). A reference, such as C(assignment_group), is
        given by the C(sys_id) or the display value of the record, and a user also by user name or e-mail address.
        Inactive users and groups are only accepted by C(sys_id).
      - Dates are given in ISO 8601 format, in UTC unless they contain another time zone.
      - Values are checked before anything is written, as far as the account may read C(sys_dictionary) and
        C(sys_choice).
      - The states Resolved and Closed of an incident, and Closed of a security incident, require C(close_code) and
        C(close_notes) in O(fields) or in the ticket. Closed is also accepted if Resolved is requested.
      - The columns C(number), C(sys_id), C(correlation_id), C(correlation_display), C(incident_state), and C(priority)
        of an incident cannot be set, because the service or other options set them.
    type: dict
  ignore_fields:
    description: Columns in O(fields) that are only set in a new ticket and not compared afterwards.
    type: list
    elements: str
  include_closed:
    description:
      - Whether to also look for closed tickets with the reference. If not, a new ticket is created, and a warning names
        the closed one.
      - If O(fields) sets a closed state, closed tickets are always included. An open ticket takes precedence. In a
        table whose closed states are not known (SN-A11), only tickets that were closed in that state are included.
    type: bool
    default: false
  work_notes:
    description:
      - Text to post once in the journal, for agents only.
      - If the journal contains it already, it is not posted again. If the account cannot read the journal, it is only
        posted with the creation or with a change of the ticket. It is never sent again by itself.
      - The text is sent as it is. ServiceNow interprets HTML between C([code]) and C([/code]), so replace these tags in
        text that you do not trust. The runbooks of this collection post no texts in the journal.
    type: str
  comments:
    description: As O(work_notes), but also visible to the caller of the ticket.
    type: str
  unique_by:
    description:
      - Further columns in O(fields) that identify the ticket together with O(reference), such as V(company). Dates are
        refused, because their spelling depends on the time zone. As for O(reference), a text in another spelling is
        ambiguous.
    type: list
    elements: str
    default: []
  tickets:
    description:
      - A list of tickets to create or update. Mutually exclusive with O(number), O(sys_id) and O(reference).
      - Options that are missing or blank in an entry default to the options of the task. The fields of an entry are
        added to O(fields), and a blank value of a field is a value.
      - Each entry is processed independently and has its own result in RV(results), in the same order. The task fails
        if any entry fails.
      - A ticket that is listed twice, also once by number and once by C(sys_id), is processed once. Entries for the
        same ticket with conflicting fields fail before anything is written.
      - R(Many incidents,ansible_collections.secops.itsm.docsite.many_incidents) describes throttling, interruptions and
        failures.
    type: list
    elements: dict
    suboptions:
      table:
        description: As O(table), for this ticket.
        type: str
      number:
        description: As O(number), for this ticket.
        type: str
      sys_id:
        description: As O(sys_id), for this ticket.
        type: str
      reference:
        description: As O(reference), for this ticket.
        type: str
      reference_display:
        description: As O(reference_display), for this ticket.
        type: str
      short_description:
        description: As O(short_description), for this ticket.
        type: str
      fields:
        description: Added to O(fields), for this ticket.
        type: dict
      ignore_fields:
        description: As O(ignore_fields), for this ticket.
        type: list
        elements: str
      include_closed:
        description: As O(include_closed), for this ticket.
        type: bool
      work_notes:
        description: As O(work_notes), for this ticket.
        type: str
      comments:
        description: As O(comments), for this ticket.
        type: str
  verify_timeout:
    description:
      - Time in seconds within which the ticket must show the change, and within which the search must find a new
        ticket. If a change does not show, the task fails with RV(ignore:error.category=not_converged). If a new ticket
        is not found, the task warns.
      - V(0) disables reading the ticket back and searching for it. If the response to the change shows another value,
        such as a state that a rule kept, the task fails nevertheless.
    type: int
    default: 30
notes:
  - The account needs a role that may read and write the table, such as C(itil) for incidents or C(sn_si.analyst) for
    security incidents. To use labels and display values, it must also be able to read C(sys_choice), C(sys_dictionary)
    and the referenced tables.
  - Two runs at the same time may both create the ticket. A warning names the other ticket.
  - The Table API does not have a documented version check. A warning names a ticket that was changed more than once
    during an update (C(sys_mod_count)).
  - The module relies on assumptions SN-A1 to SN-A20 in R(Verified and
    assumed,ansible_collections.secops.itsm.docsite.verified).
seealso:
  - module: secops.itsm.servicenow_ticket_info
  - module: secops.itsm.servicenow_connection_info
  - module: secops.itsm.contraforce_ticket_link
"""

EXAMPLES = r"""
- name: Create a ticket for an incident, unless it exists
  secops.itsm.servicenow_ticket:
    reference: "Sentinel 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
    short_description: "Sentinel incident: credential dumping on SRV-DC02"
    fields:
      category: security
      impact: 1 - High
      urgency: 1 - High
      assignment_group: Security Operations
    work_notes: Opened by the runbook for credential dumping.
  register: opened

- name: Create tickets for the incidents of several customers
  secops.itsm.servicenow_ticket:
    unique_by:
      - company
    fields:
      assignment_group: Security Operations
    tickets:
      - reference: cf|sentinel|20940
        short_description: Mass download from the finance site
        fields:
          company: Fabrikam Hospital
      - reference: cf|sentinel|20940
        short_description: Impossible travel of a service account
        fields:
          company: Northwind Traders

- name: Assign a ticket
  secops.itsm.servicenow_ticket:
    number: INC0012347
    fields:
      state: On Hold
      hold_reason: Awaiting Vendor
      assigned_to: r.ward

- name: Close a ticket
  secops.itsm.servicenow_ticket:
    number: INC0012348
    fields:
      state: Resolved
      close_code: Solution provided
      close_notes: The account was disabled, and its password was reset.
    work_notes: Closed by the runbook with the incident.

- name: Update a security incident
  secops.itsm.servicenow_ticket:
    table: sn_si_incident
    number: SIR0010001
    fields:
      severity: 1 - High
"""

RETURN = r"""
ticket:
  description: Stored values of the ticket by column. Empty in check mode if the ticket would be created.
  returned: success
  type: dict
  sample: {number: INC0010023, state: "6", assignment_group: 9a0b0001000000000000000000000001}
display_values:
  description: Display values by column, where they differ from the stored values.
  returned: success
  type: dict
  sample: {state: Resolved, assignment_group: Security Operations}
number:
  description: Number of the ticket. Null in check mode if the ticket would be created.
  returned: success, and if the task failed after it created the ticket
  type: str
sys_id:
  description: Identifier of the ticket. Null in check mode if the ticket would be created.
  returned: success, and if the task failed after it created the ticket
  type: str
created:
  description: Whether the run created the ticket, or would create it in check mode.
  returned: success, and if the task failed after it created the ticket
  type: bool
before:
  description: The ticket before the run, with the columns in O(fields) as people read them. Empty if it did not exist.
  returned: success
  type: dict
after:
  description: The ticket after the run, or the planned ticket in check mode.
  returned: success
  type: dict
  sample: {number: INC0010023, short_description: Credential dumping, fields: {state: Resolved}}
diff:
  description: The difference between the ticket before the run and the planned ticket.
  returned: success
  type: dict
unverified:
  description: Sentences about what could not be checked, and about texts that were not posted.
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
  description: The result of each entry, as for one ticket without RV(ticket) and RV(display_values).
  returned: with a list
  type: list
  elements: dict
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
  sample: {category: unavailable, code: null, http_status: 503, method: GET,
    path: /table/incident/3f7b2c4d5e6f708192a3b4c5d6e7f809,
    request_id: "0HN8K2V4Q1A3B:00000004", retryable: true, fields: {}}
"""

from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import run_module
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import CONCURRENCY_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.backend import ensure_ticket
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.service import SERVICENOW_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import IDENTIFIERS, parse_options

TICKET_SPEC = {
    "table": {"type": "str"},
    "number": {"type": "str"},
    "sys_id": {"type": "str"},
    "reference": {"type": "str"},
    "reference_display": {"type": "str"},
    "short_description": {"type": "str"},
    "fields": {"type": "dict"},
    "ignore_fields": {"type": "list", "elements": "str"},
    "include_closed": {"type": "bool"},
    "work_notes": {"type": "str"},
    "comments": {"type": "str"},
}

ARGUMENT_SPEC = {
    **TICKET_SPEC,
    "table": {"type": "str", "default": "incident"},
    "reference_display": {"type": "str", "default": "ContraForce"},
    "include_closed": {"type": "bool", "default": False},
    "unique_by": {"type": "list", "elements": "str", "default": []},
    "tickets": {"type": "list", "elements": "dict", "options": TICKET_SPEC},
    "verify_timeout": {"type": "int", "default": 30},
    **CONCURRENCY_SPEC,
}

DEFINITION = ModuleDefinition(
    SERVICENOW_SERVICE,
    ARGUMENT_SPEC,
    ensure_ticket,
    TICKETS,
    {"mutually_exclusive": [(*IDENTIFIERS, "tickets")]},
    parse=parse_options,
)


def main() -> None:
    """Run the module."""
    run_module(DEFINITION)


if __name__ == "__main__":
    main()
