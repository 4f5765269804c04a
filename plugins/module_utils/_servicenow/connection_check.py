# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check a connection, and the assumptions about the instance, with read requests only."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import NO, OK, UNKNOWN, Report
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._option_values import identifier
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Page, Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import REFERENCE, RESOLUTION
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import PROBE, UNREADABLE, read_columns
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.journal import journal_rows, shows_journals
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.records import FORMAT, ticket_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_search import find_by_number, search_key
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.connection_check import (
    READ_CHECK,
    check_read,
    check_result,
    check_search,
    refused_options_result,
)

#: Number of rows of the list that is checked.
ROWS = 10

#: Columns that closing a ticket needs, and those that the collection reads.
STATE_COLUMNS = ("state", RESOLUTION[0])
NEEDED = ("number", "state", "active", REFERENCE, "sys_mod_count", "sys_created_on")


def check_connection(api: ServiceNowApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Read a page of the list, one ticket, and the definitions of columns, and return the findings.

    :param api: the API.
    :param options: the options of the task.
    :param run: not used, because this operation only reads.
    :raises ApiError: if an option is invalid; errors of requests are findings.
    """
    del run
    table = query.checked_name("table", options.get("table") or "incident", "incident")
    number = identifier("number", options.get("number"))
    number = query.checked_key("number", number) if number else None
    report = Report()
    page = report.attempt("table", lambda: _first_page(api, table), "table")
    user: dict[str, Any] = {}
    ticket: Row | None = None
    if page is not None:
        _report_access(report, table, page, options)
        user = _check_account(api, report, options)
        ticket = _check_ticket(api, report, table, page, number)
        if not report.is_final:
            _check_columns(api, report, table)
        if ticket is not None and not report.is_final:
            _check_journal(api, report, table, ticket)
            _check_search(api, report, table, ticket)
    record = ticket_of(table, ticket) if ticket else None
    ids = (FORMAT.name_of(record), FORMAT.id_of(record)) if record else (None, None)
    return check_result(report, user, dict(zip(("number", "sys_id"), ids)), api.request_ids)


def refused_options(failure: ApiError) -> OperationResult:
    """Return the result of a check that sent no request because the connection options are invalid.

    :param failure: the error of the options.
    """
    return refused_options_result(failure, ("number", "sys_id"))


def _first_page(api: ServiceNowApi, table: str) -> Page:
    """Return the first page of the list of tickets. Raise ApiError if it cannot be read."""
    try:
        return api.page(table, query.in_total_order(""), ROWS)
    except ApiError as failure:
        # A missing table is a finding about the table, not about the address.
        is_missing = failure.category == "configuration" and failure.http_status == 400
        raise failure.with_message(failure.message, check="table" if is_missing else None) from None


def _report_access(report: Report, table: str, page: Page, options: Mapping[str, Any]) -> None:
    report.add("address", OK, "the service answers")
    if options.get("client_id"):
        report.add("credentials", OK, "a token was fetched and is accepted", "SN-A1")
    else:
        name = next((name for name in ("api_key", "access_token") if options.get(name)), "password")
        report.add("credentials", OK, f"the {name.replace('_', ' ')} is accepted")
    total = "an unknown number" if page.total is None else page.total
    report.add("table", OK, f"{table} is readable; {total} of records, {len(page.rows)} on the first page")
    expected = ROWS if page.total is None else min(ROWS, page.total)
    hidden = expected - len(page.rows)
    if page.total is None:
        report.add("hidden rows", UNKNOWN, "the service does not report the number of records", "SN-A6")
    elif hidden > 0:
        finding = f"access rules hide {hidden} of the first {expected} records, so a ticket may not be found"
        report.add("hidden rows", NO, finding, "SN-A6")
    else:
        report.add("hidden rows", OK, "the account is shown each record of the first page", "SN-A6")


def _optional(request: Callable[[], Page]) -> Page:
    """Return a page, or an empty one if the account may not read it."""
    try:
        return request()
    except ApiError as failure:
        if failure.category not in UNREADABLE:
            raise
        return Page(())


def _check_account(api: ServiceNowApi, report: Report, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account and its roles, as far as they are shown."""
    name = str(options.get("username") or "").strip()
    if not name or not options.get("password"):
        report.add("who am I", UNKNOWN, "only a user name identifies the account; set username to see its roles")
        report.add("role", UNKNOWN, "the account is not known")
        return {}
    try:
        key = query.checked_key("username", name)
        encoded = query.in_total_order(query.equals("user_name", key))
        users = _optional(lambda: api.page("sys_user", encoded, 1, 0, ("user_name", "name")))
        encoded = query.in_total_order(query.equals("user.user_name", key))
        rows = _optional(lambda: api.page("sys_user_has_role", encoded, 200, 0, ("user", "role", "role.name"))).rows
    except ApiError as failure:
        report.fail("who am I", failure)
        return {}
    # If the service ignores a condition, it returns other accounts.
    own = [row for row in users.rows if (value_of(row, "user_name") or "").casefold() == name.casefold()]
    user = {column: value_of(row, column) for row in own[:1] for column in ("user_name", "name")}
    ids = {value_of(row, "sys_id") for row in own}
    roles = sorted({value_of(row, "role.name") or "" for row in rows if value_of(row, "user") in ids} - {""})
    finding = user.get("name") or f"{name}; the account may not read its own record"
    report.add("who am I", OK, str(finding))
    report.add("role", OK if roles else UNKNOWN, ", ".join(roles) or "the service does not show the roles")
    return {**user, "roles": roles} if user else {}


def _check_ticket(api: ServiceNowApi, report: Report, table: str, page: Page, number: str | None) -> Row | None:
    if number:
        sys_id = report.attempt(READ_CHECK, lambda: find_by_number(api, table, number))
        ids = [sys_id] if sys_id else []
    else:
        ids = [value_of(row, "sys_id") or "" for row in page.rows]
        if not ids:
            report.add(READ_CHECK, UNKNOWN, f"the account is shown no record of {table}; create one, or set number")
    if not ids:
        return None

    def describe(row: Row) -> str:
        record = ticket_of(table, row)
        state = "closed" if FORMAT.is_closed(record) else "open"
        return f"{FORMAT.name_of(record)} ({state}) {value_of(row, PROBE)!r}"

    requests = {sys_id: partial(api.record, table, sys_id) for sys_id in ids}
    row = check_read(report, requests, describe, "SN-A11")
    if row is not None:
        hidden = [name for name in NEEDED if name not in row]
        finding = f"not shown: {', '.join(hidden)}" if hidden else "the columns that the collection needs are shown"
        report.add("columns of a ticket", NO if hidden else OK, finding, "SN-A16")
    return row


def _check_columns(api: ServiceNowApi, report: Report, table: str) -> None:
    """Check the access to the dictionary and to the choices."""
    try:
        known = read_columns(api, table, STATE_COLUMNS)
    except ApiError as failure:
        report.fail("dictionary", failure)
        return
    is_readable = known.is_dictionary_readable
    finding = "readable" if is_readable else "not readable, so the names and the types of columns are not checked"
    report.add("dictionary", OK if is_readable else NO, finding, "SN-A9")
    hidden = [name for name in STATE_COLUMNS if name in known.without_choices or not known[name].choices]
    finding = f"not shown for {', '.join(hidden)}; use their values" if hidden else "shown, so labels can be used"
    report.add("choices", NO if hidden else OK, finding, "SN-A9")


def _check_journal(api: ServiceNowApi, report: Report, table: str, ticket: Row) -> None:
    try:
        rows = journal_rows(api, table, value_of(ticket, "sys_id") or "")
        is_readable = bool(rows) or (rows is not None and shows_journals(api, table))
    except ApiError as failure:
        report.fail("journal", failure)
        return
    finding = "readable" if is_readable else "not shown, so a text is only posted together with a change"
    report.add("journal", OK if is_readable else NO, finding, "SN-A14")


def _check_search(api: ServiceNowApi, report: Report, table: str, ticket: Row) -> None:
    """Check that an exact query finds a ticket; otherwise another run would create a duplicate."""
    reference, number = (value_of(ticket, name) for name in (REFERENCE, "number"))
    column = REFERENCE if reference else "number"
    key = reference or number
    if not key:
        report.add("search", UNKNOWN, "the ticket has neither a reference nor a number to search for", "SN-A7")
        return

    def is_found() -> bool:
        found = search_key(api, table, column, query.checked_key(column, key), {}, ())
        return any(value_of(row, "sys_id") == value_of(ticket, "sys_id") for row in found.exact)

    check_search(report, is_found, number or value_of(ticket, "sys_id") or "", column, "SN-A7")
