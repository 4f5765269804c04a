# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check a connection, and the assumptions about the service, with read requests only."""

from __future__ import annotations

from functools import partial
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import FINAL, NO, OK, UNKNOWN, Report
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import first_violation
from ansible_collections.secops.itsm.plugins.module_utils._option_values import identifier
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import schemas
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import OTHER
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import (
    TicketType,
    id_of,
    offer_from,
    ticket_types,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    is_done,
    location_of,
    object_id_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_list import NEWEST_FIRST, list_tickets
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.connection_check import (
    READ_CHECK,
    check_read,
    check_result,
    check_search,
    refused_options_result,
)

#: Roles with write access to tickets. Source: Rezolve.ai API documentation, Create Ticket.
WRITE_ROLES = frozenset({"ticket_agent", "ticket_user", "tenant_admin"})

#: Maximum number of search results to check for a known ticket.
MAX_ROWS = 200

Record = Mapping[str, Any]


def check_connection(api: RezolveApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Read the account, the catalog, a page of the list and one ticket, and return the findings.

    :param api: the ticketing API.
    :param options: the options of the task.
    :param run: not used, because this operation only reads.
    :raises ApiError: if an option is invalid; errors of requests are findings.
    """
    del run
    named = identifier("object_id", options.get("object_id"))
    report = Report()
    user = _check_user(api, report, options)
    ticket: Record | None = None
    if not report.is_final:
        _check_catalog(api, report)
        object_ids = [named] if named else ([] if report.is_final else _check_list(api, report))
        ticket = _check_ticket(api, report, object_ids) if object_ids and not report.is_final else None
    if ticket is not None:
        _check_search(api, report, ticket)
    object_id = {"object_id": ticket["object_id"] if ticket else None}
    return check_result(report, user, object_id, api.request_ids)


def refused_options(failure: ApiError) -> OperationResult:
    """Return the result of a check that sent no request because the connection options are invalid.

    :param failure: the error of the options.
    """
    return refused_options_result(failure, ("object_id",))


def _authentication(options: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the finding about the authentication method, and the assumption behind it."""
    if options.get("api_key"):
        return "the API key is accepted", "TK-A2"
    if options.get("client_id"):
        return "a token was fetched and is accepted", "TK-A1"
    return "the access token is accepted", None


def _check_user(api: RezolveApi, report: Report, options: Mapping[str, Any]) -> Record | None:
    """Read and return the account, which also checks the address and the credentials; None on failure."""
    try:
        user = api.user_info()
    except ApiError as failure:
        # The resource is documented for the older API generation only, and may not exist any more.
        if failure.category in ("not_found", "contract"):
            report.add("who am I", NO, failure.message, "TK-A17")
            return None
        if failure.category == "permission":
            report.add("who am I", NO, failure.message)
            return None
        report.fail({**FINAL, "configuration": "tenant"}.get(failure.category, "address"), failure)
        return None
    finding, assumption = _authentication(options)
    report.add("address", OK, "the service answers")
    report.add("credentials", OK, finding, assumption)
    report.add("tenant", OK, "the credentials are for the tenant and the realm")
    name = user.get("username") or user.get("email") or "an account without a username"
    report.add("who am I", OK, str(name), "TK-A17")
    roles = user.get("roles")
    if not isinstance(roles, list):
        report.add("role", UNKNOWN, "the service does not show the roles")
    else:
        may_write = bool(WRITE_ROLES & {str(role) for role in roles})
        finding = f"{', '.join(map(str, roles)) or 'none'}; {'may' if may_write else 'may not'} write tickets"
        report.add("role", OK if may_write else NO, finding)
    return user


def _check_catalog(api: RezolveApi, report: Report) -> None:
    types = report.attempt("ticket types", lambda: list(ticket_types(api)))
    if types is not None:
        report.add("ticket types", OK if types else NO, f"{len(types)} of them", "TK-A12")
        _check_fields(report, types)
    if report.is_final:
        return
    offers = report.attempt("offers", api.offers)
    if offers is not None:
        usable = [offer_from(entry) for entry in filter(id_of, offers)]
        hidden = [offer.id for offer in usable if offer.item_type_id is None]
        finding = f"{len(usable)} of them" + (f"; without item_type: {', '.join(hidden)}" if hidden else "")
        if len(usable) < len(offers):
            finding += f"; {len(offers) - len(usable)} have no id and cannot be used"
        report.add("offers", NO if hidden or not usable else OK, finding, "TK-A12")


def _check_fields(report: Report, types: list[TicketType]) -> None:
    fields = [field for ticket_type in types for field in ticket_type.fields]
    unknown = sorted({field.type or "(none)" for field in fields if field.data_type == OTHER})
    by_options = sorted({field.type or "(none)" for field in fields if field.is_unknown_with_choices})
    findings = [f"unknown, so values are not checked: {', '.join(unknown)}"] if unknown else []
    findings += [f"unknown, so values are checked against the options: {', '.join(by_options)}"] if by_options else []
    report.add("types of fields", NO if findings else OK, "; ".join(findings) or "all known", "TK-A13")
    unnamed = [field.id for field in fields if not field.label and not field.name]
    finding = (
        f"{len(unnamed)} of {len(fields)} fields have neither a label nor a name"
        if unnamed
        else f"all {len(fields)} fields have a label or a name"
    )
    report.add("labels of fields", NO if unnamed else OK, finding)


def _check_list(api: RezolveApi, report: Report) -> list[str]:
    """Check the list of tickets, and return the display ids on the first page."""
    page = report.attempt("list of tickets", lambda: api.tickets_page({**NEWEST_FIRST, "top": 10, "offset": 0}))
    if page is None:
        return []
    reports = "does not report" if page.has_more is None and page.total is None else "reports"
    complete = sum("data" in row and "etag" in row for row in page.rows)
    finding = f"{len(page.rows)} on the first page, {complete} of them complete; it {reports} whether there are more"
    report.add("list of tickets", OK, finding, "TK-A8")
    object_ids = [name for name in map(object_id_of, page.rows) if name]
    if not object_ids:
        report.add(READ_CHECK, UNKNOWN, "the list has none to read; name one in object_id")
    return object_ids


def _check_ticket(api: RezolveApi, report: Report, object_ids: Sequence[str]) -> Record | None:
    requests = {name: partial(_complete_ticket, api, name) for name in object_ids}
    record = check_read(report, requests, lambda shown: f"{shown['object_id']} {shown.get('summary')!r}", "TK-A5")
    if record is None:
        return None
    hidden = [name for name, value in location_of(record).items() if value is None]
    finding = f"does not show {', '.join(hidden)}" if hidden else "shows the team, the ticket type and the offer"
    report.add("identity of a ticket", NO if hidden else OK, finding)
    category = record.get("status_category")
    if category is None:
        report.add("status category", NO, "not shown, so closed tickets count as open", "TK-A10")
    else:
        report.add("status category", OK, f"{category!r}, {'done' if is_done(record) else 'open'}", "TK-A10")
    return record


def _complete_ticket(api: RezolveApi, object_id: str) -> Record:
    record = api.ticket(object_id)
    violation = first_violation(schemas.TICKET_RECORD, record)
    if violation:
        raise ApiError(f"Ticket {object_id} does not match the API contract: {violation}.", "contract")
    return record


def _check_search(api: RezolveApi, report: Report, ticket: Record) -> None:
    """Check that the search finds a ticket by its summary; otherwise another run would create a duplicate."""
    summary = str(ticket.get("summary") or "")
    if not summary.strip():
        report.add("search", UNKNOWN, f"{ticket['object_id']} has no summary to search for", "TK-A9")
        return

    def is_found() -> bool:
        rows = list_tickets(api, {**NEWEST_FIRST, "search": summary})
        return any(object_id_of(row) == ticket["object_id"] for _number, row in zip(range(MAX_ROWS), rows))

    check_search(report, is_found, ticket["object_id"], "its summary", "TK-A9")
