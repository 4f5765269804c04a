# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a connection by reading: what works, and which assumptions about the service hold in this tenant."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.checks import FAILED, NO, OK, UNKNOWN, Report
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import OTHER
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import (
    TicketType,
    offer_from,
    ticket_types,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import home_of, is_done, object_id_of
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.search import NEWEST_FIRST, Page, listed

#: Roles with which tickets can be written. Source: seed 004.
WRITE_ROLES = frozenset({"ticket_agent", "ticket_user", "tenant_admin"})

#: How many rows of the search for a known ticket are looked at.
MOST_ROWS = 200

Record = Mapping[str, Any]


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def ticket(self, object_id: str) -> Record:
        """Read a ticket."""

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """A page of the list of tickets."""

    def ticket_types(self, top: int, skip: int) -> list[Record]:
        """A page of the ticket types."""

    def offers(self) -> list[Record]:
        """The offers of the service catalog."""

    def user_info(self) -> Record:
        """Who the credentials are for."""


def check_connection(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Read the account, the catalog, a page of the list and one ticket, and say what that shows.

    :param api: the ticketing API.
    :param options: the task's options.
    :param run: not used, as this only reads.
    :raises ApiError: never for what the service answers: that is a finding.
    """
    del run
    report = Report()
    user = _check_user(api, report, options)
    ticket: Record | None = None
    if not report.is_final:
        _check_catalog(api, report)
        object_id = (options.get("object_id") or "").strip()
        if not report.is_final:
            object_id = object_id or _check_list(api, report) or ""
        ticket = _check_ticket(api, report, object_id) if object_id and not report.is_final else None
    if ticket is not None:
        _check_search(api, report, ticket)
    values = {
        "checks": report.checks,
        "user": dict(user or {}),
        "object_id": ticket["object_id"] if ticket else None,
        "request_ids": api.request_ids,
    }
    return Result(changed=False, values=values, failure=report.failure)


def _way(options: Mapping[str, Any]) -> tuple[str, str | None]:
    """How the task authenticates, and the assumption behind it."""
    if options.get("api_key"):
        return "the API key is accepted", "TK-A2"
    if options.get("client_id"):
        return "a token was fetched and is accepted", "TK-A1"
    return "the access token is accepted", None


def _check_user(api: Api, report: Report, options: Mapping[str, Any]) -> Record | None:
    """The first request tells of the address and the credentials, whatever comes of it."""
    try:
        user = api.user_info()
    except ApiError as failure:
        # The older generation's page may be about something that is not there any more.
        if failure.category in ("not_found", "contract"):
            report.add("who am I", NO, failure.message, "TK-A17")
            return None
        if failure.category == "permission":
            report.add("who am I", NO, failure.message)
            return None
        report.failure = failure
        blamed = {"authentication": "credentials", "configuration": "tenant"}
        report.add(blamed.get(failure.category, "address"), FAILED, failure.message)
        return None
    finding, assumption = _way(options)
    report.add("address", OK, "the service answers")
    report.add("credentials", OK, finding, assumption)
    report.add("tenant", OK, "the credentials are for the tenant and the realm")
    name = user.get("username") or user.get("email") or "somebody without a username"
    report.add("who am I", OK, str(name), "TK-A17")
    roles = user.get("roles")
    if not isinstance(roles, list):
        report.add("role", UNKNOWN, "the service does not show the roles")
    else:
        may_write = bool(WRITE_ROLES & {str(role) for role in roles})
        finding = f"{', '.join(map(str, roles)) or 'none'}; {'may' if may_write else 'may not'} write tickets"
        report.add("role", OK if may_write else NO, finding)
    return user


def _check_catalog(api: Api, report: Report) -> None:
    types = report.attempt("ticket types", lambda: list(ticket_types(api)))
    if types is not None:
        report.add("ticket types", OK if types else NO, f"{len(types)} of them", "TK-A12")
        _check_fields(report, types)
    if report.is_final:
        return
    offers = report.attempt("offers", api.offers)
    if offers is not None:
        hidden = [offer.id for offer in map(offer_from, offers) if offer.item_type_id is None]
        finding = f"{len(offers)} of them" + (f"; without item_type: {', '.join(hidden)}" if hidden else "")
        report.add("offers", NO if hidden or not offers else OK, finding, "TK-A12")


def _check_fields(report: Report, types: list[TicketType]) -> None:
    fields = [field for kind in types for field in kind.fields]
    unknown = sorted({field.type or "(none)" for field in fields if field.kind == OTHER})
    finding = f"not known, and so not checked: {', '.join(unknown)}" if unknown else "all are known"
    report.add("types of fields", NO if unknown else OK, finding, "TK-A13")
    unnamed = [field.id for field in fields if not field.label and not field.name]
    finding = (
        f"{len(unnamed)} of {len(fields)} fields have neither" if unnamed else f"all {len(fields)} fields have one"
    )
    report.add("labels of fields", NO if unnamed else OK, finding)


def _check_list(api: Api, report: Report) -> str | None:
    """The list of tickets; give the display id of its first one."""
    page = report.attempt("list of tickets", lambda: api.tickets_page({**NEWEST_FIRST, "top": 10, "offset": 0}))
    if page is None:
        return None
    ends = "says" if page.is_last is not None else "does not say"
    whole = sum("data" in row and "etag" in row for row in page.rows)
    finding = f"{len(page.rows)} on the first page, {whole} of them whole; it {ends} whether there are more"
    report.add("list of tickets", OK, finding, "TK-A8")
    if not page.rows:
        report.add("read of a ticket", UNKNOWN, "there is none to read; name one in object_id")
        return None
    return object_id_of(page.rows[0])


def _check_ticket(api: Api, report: Report, object_id: str) -> Record | None:
    record = report.attempt("read of a ticket", lambda: api.ticket(object_id))
    if record is None:
        return None
    report.add("read of a ticket", OK, f"{object_id} {record.get('summary')!r}", "TK-A5")
    hidden = [name for name, value in home_of(record).items() if value is None]
    finding = f"does not show its {', '.join(hidden)}" if hidden else "shows its team, ticket type and offer"
    report.add("identity of a ticket", NO if hidden else OK, finding)
    category = record.get("status_category")
    if category is None:
        report.add("status category", NO, "not shown, so closed tickets count as open", "TK-A10")
    else:
        report.add("status category", OK, f"{category!r}, {'done' if is_done(record) else 'open'}", "TK-A10")
    return record


def _check_search(api: Api, report: Report, ticket: Record) -> None:
    """Whether the search finds a ticket by its summary, without which a further run would create it again."""
    summary = str(ticket.get("summary") or "")
    if not summary.strip():
        report.add("search", UNKNOWN, f"{ticket['object_id']} has no summary to search for", "TK-A9")
        return

    def is_found() -> bool:
        rows = listed(api, {**NEWEST_FIRST, "search": summary})
        return any(object_id_of(row) == ticket["object_id"] for _number, row in zip(range(MOST_ROWS), rows))

    found = report.attempt("search", is_found)
    if found is not None:
        finding = f"{'finds' if found else 'does not find'} {ticket['object_id']} by its summary"
        report.add("search", OK if found else NO, finding, "TK-A9")
