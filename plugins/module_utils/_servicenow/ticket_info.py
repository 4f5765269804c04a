# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read one ticket with its journal, or list tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    QUERY_MARGIN,
    REFERENCE,
    UPDATED,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.journal import entry_values, journal_rows
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import Listing
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.records import (
    FORMAT,
    display_values,
    plain_values,
    ticket_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import IDENTIFIERS, given_identity
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_search import (
    check_shown,
    find_by_number,
    hidden_match,
    search_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import Ticket
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_info import (
    check_limit,
    check_not_for_list,
    given_identifier,
    read_list,
)
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc, utc_option

#: Options that only apply to the list.
FOR_LIST = ("query", "updated_since", "columns", "order_by", "limit")

#: Returned when the pages of a list have been read.
Result = Mapping[str, Any]


def ticket_info(api: ServiceNowApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Return the ticket that the options name, or else the list of tickets.

    :param api: the API.
    :param options: the options of the task.
    :param run: not used, because this operation only reads.
    :raises ApiError: category ``configuration`` for mutually exclusive options, and any error of a request.
    """
    del run
    table = query.checked_name("table", options.get("table") or "incident", "incident")
    named = [name for name in IDENTIFIERS if given_identifier(options, name)]
    warnings: list[str] = []
    if named:
        check_not_for_list(options, FOR_LIST, named[0])
        values = _one(api, table, options, warnings)
    else:
        check_not_for_list({"journal": options.get("journal") or None}, ("journal",), "journal")
        values = _list(api, table, options, warnings)
    return OperationResult(changed=False, values={**values, "request_ids": api.request_ids}, warnings=warnings)


def _one(api: ServiceNowApi, table: str, options: Mapping[str, Any], warnings: list[str]) -> Result:
    (name, key), *_none = given_identity(options).items()
    try:
        sys_id = _sys_id(api, table, name, key)
        record = ticket_of(table, api.record(table, sys_id))
    except ApiError as failure:
        raise failure.with_message(f"Ticket {key} could not be read. {failure}") from None
    values = {**_shown(record), "tickets": [plain_values(record)], "truncated": False}
    if options.get("journal"):
        rows = journal_rows(api, table, sys_id)
        values["journal"] = [entry_values(row) for row in rows or ()]
        if rows is None:
            warnings.append(f"The account cannot read the journal of ticket {FORMAT.name_of(record)}.")
    return values


def _shown(record: Ticket) -> dict[str, Any]:
    return {
        "ticket": plain_values(record),
        "display_values": display_values(record),
        "number": FORMAT.name_of(record),
        "sys_id": FORMAT.id_of(record),
        "closed": FORMAT.is_closed(record),
    }


def _sys_id(api: ServiceNowApi, table: str, name: str, key: str) -> str:
    """Return the identifier of the ticket that an option identifies."""
    if name == "sys_id":
        return key
    if name == "number":
        return find_by_number(api, table, key)
    found = search_key(api, table, REFERENCE, key, {}, ())
    rows = found.exact or found.similar
    if len(rows) > 1 or (rows and not found.exact):
        numbers = ", ".join(sorted(value_of(row, "number") or value_of(row, "sys_id") or "" for row in rows))
        spelling = "" if found.exact else " in another spelling"
        raise ApiError(
            f"Table {table} has tickets with this reference{spelling}: {numbers}. Set number to one of them.",
            "ambiguous_match",
        )
    if rows:
        return value_of(rows[0], "sys_id") or ""
    if found.hidden:
        raise hidden_match(table, REFERENCE, key, found.hidden)
    check_shown(api, table, {REFERENCE: "reference"})
    raise ApiError(f"Table {table} does not have a ticket with this reference. Check reference.", "not_found")


def _list(api: ServiceNowApi, table: str, options: Mapping[str, Any], warnings: list[str]) -> Result:
    limit = options.get("limit")
    check_limit(limit)
    since = utc_option("updated_since", options.get("updated_since"))
    encoded = query.in_total_order(
        query.all_of(_since_query(since), query.checked_query("query", options.get("query") or "")),
        options.get("order_by") or "sys_created_on",
        options.get("order") or "descending",
    )
    columns = [query.checked_name("columns", name) for name in options.get("columns") or [] if name.strip()]
    shown = ("number", *columns, *([UPDATED] if since else [])) if columns else ()
    listing = Listing(lambda size, offset: api.page(table, encoded, size, offset, shown))

    def rows() -> Iterator[Ticket]:
        for row in listing.rows():
            if since is None or _is_since(row, since):
                yield plain_values(ticket_of(table, row))

    try:
        found = read_list(rows(), limit)
    except ApiError as failure:
        raise failure.with_message(f"The list of {table} could not be read. {failure}") from None
    if not found["truncated"] and listing.hidden:
        hidden = "a matching record" if listing.hidden == 1 else f"{listing.hidden} matching records"
        warnings.append(f"Access rules hide {hidden} of {table} from the account, so the list is not complete.")
    return found


def _since_query(since: datetime | None) -> str:
    """Return the condition for the tickets that changed since a time, in the time zone of any account (SN-A20)."""
    if since is None:
        return ""
    try:
        return f"{UPDATED}>={(since - QUERY_MARGIN).isoformat(' ', 'seconds')[:19]}"
    except OverflowError:
        raise configuration_error(
            f"updated_since is before the first day of the calendar: {spelled_utc(since, 'seconds')}. Use a later time."
        ) from None


def _is_since(row: Row, since: datetime) -> bool:
    """Return whether a ticket changed since a time. One that does not show its time may have."""
    updated = instant(value_of(row, UPDATED))
    return updated is None or updated >= since
