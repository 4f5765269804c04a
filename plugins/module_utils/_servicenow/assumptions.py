# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Facts about the Table API of ServiceNow that are not documented, or that only users and other clients report.

If an instance behaves differently, this is the file to correct. The documentation site lists the assumptions. Each text
begins with its source: *Seen* is the behavior of a maintained client or a report of its users; *Assumed* is the rest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Mapping

from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption

ASSUMPTIONS: Mapping[str, Assumption] = {
    "SN-A1": Assumption(
        "Seen: a token is issued for OAuth 2.0 client credentials at ``/oauth_token.do``, with ``client_id`` and "
        "``client_secret`` in the form.",
        "No token is issued, or it is refused. Use a user name and a password, an access token or an API key.",
    ),
    "SN-A2": Assumption(
        "Assumed: a write that is answered with 429 was not processed. One that is answered with any 5xx may have "
        "been.",
        "A create request that was answered with 429 may have created a ticket, and is sent again.",
    ),
    "SN-A3": Assumption(
        "Assumed: ``X-RateLimit-Reset`` of a 429 response without ``Retry-After`` is a Unix timestamp.",
        "The delay after a 429 response is too short or too long.",
    ),
    "SN-A4": Assumption(
        "Assumed: the identifier of a request is in the header ``X-Transaction-ID``.",
        "``request_ids`` is empty.",
    ),
    "SN-A5": Assumption(
        "Seen: a hibernating instance answers with a page and the status 200.",
        "A page that a gateway returns is reported as an instance that hibernates.",
    ),
    "SN-A6": Assumption(
        "Assumed: ``X-Total-Count`` also counts the records that an access rule hides.",
        "A ticket that the account cannot read is not noticed, and is created again.",
    ),
    "SN-A7": Assumption(
        "Documented: queries ignore case and accents by default. Assumed: a search finds a ticket immediately, and "
        "ignores at most these differences, and those of white space and symbols.",
        "Another run creates the ticket again. A run that creates a ticket searches for it, and warns.",
    ),
    "SN-A8": Assumption(
        "Seen: ``correlation_id`` holds 100 characters and ``short_description`` 160, unless the dictionary shows "
        "another length. Assumed: ``correlation_display`` holds 100.",
        "A longer value that the instance would store is refused, or the instance cuts one.",
    ),
    "SN-A9": Assumption(
        "Assumed: columns and choices of a table are defined for the table itself or for ``task``. If the table has "
        "choices for a column, those of ``task`` do not apply.",
        "A choice by label or a reference by display value is not resolved, and is sent as it is.",
    ),
    "SN-A10": Assumption(
        "Assumed: a reference is identified by the display column of its table, which is ``number`` for tasks and "
        "``name`` for other tables, unless the dictionary shows another one. A user may also be identified by user "
        "name or e-mail address.",
        "A reference by display value is refused. Use its ``sys_id``.",
    ),
    "SN-A11": Assumption(
        "Seen: in ``incident``, the states 6, 7 and 8 (Resolved, Closed and Canceled) are closed, and in "
        "``sn_si_incident``, 3, 7 and 8 are. Assumed: in any table, a ticket with ``active`` false is closed.",
        "A closed ticket counts as open, or an open one as closed.",
    ),
    "SN-A12": Assumption(
        "Seen: Resolved and Closed of ``incident`` require ``close_code`` and ``close_notes``, and so does "
        "Closed of ``sn_si_incident``.",
        "A change of the state that the instance would accept is refused, or the instance refuses it.",
    ),
    "SN-A13": Assumption(
        "Assumed: journal texts are stored as they are sent, with both values of ``sysparm_input_display_value``, and "
        "line breaks may change.",
        "A text is posted again in each run, if the account can read the journal.",
    ),
    "SN-A14": Assumption(
        "Seen: an account that may not read ``sys_journal_field`` receives an empty list. Assumed: one that is shown "
        "an entry of any ticket of the table is shown all entries of this ticket.",
        "A text is posted again, or is not posted without another change.",
    ),
    "SN-A15": Assumption(
        "Assumed: each update increases ``sys_mod_count`` by one.",
        "A warning about a simultaneous change is missing, or is shown without one.",
    ),
    "SN-A16": Assumption(
        "Assumed: a column that the response of a read does not contain is hidden by an access rule, or does not "
        "exist.",
        "A column that exists and is empty is reported as hidden.",
    ),
    "SN-A17": Assumption(
        "Assumed: if the instance does not show them, the choices of ``state``, ``impact`` and ``urgency`` of "
        "``incident`` are those of a new instance, and the types of the columns that every task has are those of the "
        "base system.",
        "A choice by label is stored with another meaning. Grant read access to ``sys_choice``.",
    ),
    "SN-A18": Assumption(
        "Seen: rows are not repeated or missing if the pages of a list are ordered by ``sys_id`` at last. Assumed: "
        "``ORDERBY`` at the end of a query with ``^NQ`` applies to all of its parts.",
        "A ticket is missing in a list, or the order is another one.",
    ),
    "SN-A19": Assumption(
        "Assumed: ContraForce identifies a ticket by its ``sys_id``.",
        "Linking the ticket to an incident fails. Link it by its number.",
    ),
    "SN-A20": Assumption(
        "Documented: the stored value of a point in time is in UTC. Assumed: a query compares it with one in UTC or in "
        "the time zone of the account, which is at most 12 hours behind UTC.",
        "A list of the tickets that changed since a time lacks some of them.",
    ),
}

#: SN-A2: which columns hold the reference of a ticket. Documented: both columns belong to ``task``.
REFERENCE, REFERENCE_DISPLAY = "correlation_id", "correlation_display"

#: SN-A4.
REQUEST_ID_HEADER = "X-Transaction-ID"

#: SN-A5: the end of a sentence, and what the user can do.
HIBERNATING = (
    ", as a hibernating instance does",
    "Open {address} in a browser; if the instance hibernates, wake it, and run the task again. Otherwise check {url}.",
)

#: SN-A8: the maximum lengths of columns that the collection sets itself.
MAX_LENGTHS: Mapping[str, int] = {REFERENCE: 100, REFERENCE_DISPLAY: 100, "short_description": 160}

#: SN-A9: the table that the tables of tickets extend.
TASK = "task"

#: SN-A10: the columns by which a record of a table is found, and those of all other tables. Documented: the columns
#: exist.
DISPLAY_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "sys_user": ("name", "user_name", "email"),
    **dict.fromkeys(("sys_user_group", "core_company", "cmdb_ci", "cmn_location"), ("name",)),
    **dict.fromkeys((TASK, "incident", "problem", "change_request", "sn_si_incident"), ("number",)),
}
DEFAULT_DISPLAY_COLUMNS = ("name",)

#: SN-A11: the values of ``state`` of closed tickets, by table.
CLOSED_STATES: Mapping[str, frozenset[str]] = {
    "incident": frozenset({"6", "7", "8"}),
    "sn_si_incident": frozenset({"3", "7", "8"}),
}

#: SN-A12: the states that need a resolution, and the columns that hold it.
RESOLVED_STATES: Mapping[str, frozenset[str]] = {
    "incident": frozenset({"6", "7"}),
    "sn_si_incident": frozenset({"3"}),
}
RESOLUTION = ("close_code", "close_notes")

#: Values that count as another one, by table, column and wanted value. Documented: a resolved incident closes itself.
LATER_VALUES: Mapping[tuple[str, str, str], frozenset[str]] = {("incident", "state", "6"): frozenset({"7"})}

#: SN-A20: the column with the time of the last change, and how much earlier a list by this time begins.
UPDATED, QUERY_MARGIN = "sys_updated_on", timedelta(hours=12)

#: SN-A17: the choices of ``incident``, by column and label. Seen in maintained clients.
KNOWN_CHOICES: Mapping[str, Mapping[str, str]] = {
    "state": {"New": "1", "In Progress": "2", "On Hold": "3", "Resolved": "6", "Closed": "7", "Canceled": "8"},
    "impact": {"1 - High": "1", "2 - Medium": "2", "3 - Low": "3", "High": "1", "Medium": "2", "Low": "3"},
    "urgency": {"1 - High": "1", "2 - Medium": "2", "3 - Low": "3", "High": "1", "Medium": "2", "Low": "3"},
}

#: SN-A17: the tables of references, by column.
KNOWN_REFERENCES: Mapping[str, str] = {
    "affected_user": "sys_user",
    "assigned_to": "sys_user",
    "assignment_group": "sys_user_group",
    "business_service": "cmdb_ci_service",
    "caller": "sys_user",
    "caller_id": "sys_user",
    "cmdb_ci": "cmdb_ci",
    "company": "core_company",
    "location": "cmn_location",
    "opened_by": "sys_user",
    "parent": TASK,
    "problem_id": "problem",
    "resolved_by": "sys_user",
}

#: SN-A17: the types of other columns. Documented for ``task`` and ``incident``.
KNOWN_TYPES: Mapping[str, str] = {
    **dict.fromkeys(KNOWN_REFERENCES, "reference"),
    **dict.fromkeys(
        ("closed_at", "due_date", "expected_start", "follow_up", "opened_at", "resolved_at", "work_end", "work_start"),
        "glide_date_time",
    ),
    **dict.fromkeys(("close_notes", "description", "short_description"), "string"),
}

#: Columns that the service sets, with what to do instead. Documented, except for the last two: seen.
NOT_SETTABLE: Mapping[str, str] = {
    "number": "the service generates it",
    "sys_id": "the service generates it; set the option sys_id to update a ticket",
    REFERENCE: "the option reference sets it",
    REFERENCE_DISPLAY: "the option reference_display sets it",
    "incident_state": "rules of the service keep it equal to state, so set state",
}
COMPUTED_OF_INCIDENT: Mapping[str, str] = {"priority": "the service computes it, so set impact and urgency"}

#: The columns of journal texts, with the options that set them. Documented.
JOURNAL_COLUMNS = ("work_notes", "comments")

#: The types of columns whose values are added to earlier ones. Documented.
JOURNAL_TYPES = frozenset({"journal", "journal_input", "journal_list"})
