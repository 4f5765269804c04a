# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find tickets by an exact value, without trusting the condition of the query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Page, Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import UNREADABLE
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import PAGE_SIZE, Listing, read_all

#: Maximum number of tickets with the same key.
MAX_MATCHES = 100

#: Number of the newest tickets that are checked for a column.
MAX_PROBED = 10


@dataclass
class KeySearch:
    """The rows that a search for a key found.

    :param exact: the rows with exactly this key.
    :param similar: the rows with the key in another spelling.
    :param hidden: number of matching records that the account is not shown.
    """

    exact: list[Row] = field(default_factory=list)
    similar: list[Row] = field(default_factory=list)
    hidden: int = 0


def search_key(
    api: ServiceNowApi, table: str, column: str, key: str, others: Mapping[str, str], columns: Iterable[str]
) -> KeySearch:
    """Return the rows of a table whose column has a value.

    :param api: the API.
    :param table: the table.
    :param column: the column with the key.
    :param key: from :func:`query.checked_key`.
    :param others: further conditions, which the caller compares in the rows.
    :param columns: the columns to return.
    :raises ApiError: category ``contract`` if a row does not show the key, or has another one, as then the service
        ignored the condition; ``ambiguous_match`` if there are too many rows.
    """
    conditions = [query.equals(name, value) for name, value in others.items()]
    encoded = query.in_total_order(query.all_of(query.equals(column, key), *conditions))
    shown = ("number", column, *others, *columns)
    listing = Listing(lambda limit, offset: api.page(table, encoded, limit, offset, shown))
    found = KeySearch()
    for row in listing.rows():
        _check_row(row, table, column, key)
        (found.exact if value_of(row, column) == key else found.similar).append(row)
        if len(found.exact) + len(found.similar) > MAX_MATCHES:
            raise ApiError(
                f"More than {MAX_MATCHES} tickets of {table} have {column} {key!r}. Set number to one of them.",
                "ambiguous_match",
            )
    found.hidden = listing.hidden
    return found


def _check_row(row: Row, table: str, column: str, key: str) -> None:
    value, name = value_of(row, column), value_of(row, "number") or value_of(row, "sys_id")
    if value is None:
        raise ApiError(
            f"Ticket {name} of {table} may be the requested one, but the service does not return its {column}. Grant "
            "the account read access to the column, or set number to use the ticket.",
            "permission",
        )
    if query.comparable(value) != query.comparable(key):
        raise ApiError(
            f"The service ignored the condition {column}={key}: it returned ticket {name} of {table}, which has "
            f"{value!r}. Check that the column exists and that the account may read it.",
            "contract",
        )


def hidden_match(table: str, column: str, key: str, hidden: int) -> ApiError:
    """Return the error for matching tickets that the account is not shown.

    :param table: the table.
    :param column: the column with the key.
    :param key: the key.
    :param hidden: the number of these tickets.
    """
    number = "a ticket" if hidden == 1 else f"{hidden} tickets"
    return ApiError(
        f"Table {table} has {number} with {column} {key!r} that an access rule hides from the account, so a new one "
        "would be a duplicate. Grant the account read access to it.",
        "permission",
    )


def check_shown(api: ServiceNowApi, table: str, columns: Mapping[str, str]) -> None:
    """Raise ApiError if no ticket shows a column, after a search for its value found none.

    An instance may answer a query for a column that is missing, or hidden from the account, with an empty list.

    :param api: the API.
    :param table: the table.
    :param columns: the options whose values the columns hold, by column.
    :raises ApiError: category ``permission``, or any error of the request.
    """
    encoded = query.in_total_order("", "sys_created_on", "descending")
    rows = api.page(table, encoded, MAX_PROBED, 0, tuple(columns)).rows
    hidden = [name for name in columns if rows and not any(name in row for row in rows)]
    if hidden:
        name = hidden[0]
        raise ApiError(
            f"No ticket of {table} shows the column {name}, so a search by {columns[name]} cannot find the ticket: the "
            "table does not have the column, or an access rule hides it. Grant the account read access to it, or set "
            "number to use an existing ticket.",
            "permission",
        )


def find_by_number(api: ServiceNowApi, table: str, number: str) -> str:
    """Return the identifier of the ticket with a number, which may be that of a ticket without one.

    :param api: the API.
    :param table: the table.
    :param number: the number or the ``sys_id``, from :func:`query.checked_key`.
    :raises ApiError: ``not_found``, ``permission`` if an access rule hides the ticket, or ``ambiguous_match``.
    """
    if query.is_sys_id(number):
        return number.lower()
    found = search_key(api, table, "number", number, {}, ())
    rows = found.exact or found.similar
    if len(rows) == 1:
        return value_of(rows[0], "sys_id") or ""
    if rows:
        ids = ", ".join(sorted(value_of(row, "sys_id") or "" for row in rows))
        raise ApiError(f"Several tickets of {table} have number {number}: {ids}. Set sys_id to one.", "ambiguous_match")
    if found.hidden:
        raise ApiError(
            f"An access rule hides ticket {number} of {table} from the account. Grant it read access.", "permission"
        )
    message = f"Table {table} does not have a ticket {number} that the account may read. Check number."
    raise ApiError(message, "not_found")


def numbers_of(api: ServiceNowApi, table: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the identifiers of tickets by their numbers in upper case, as far as the account may read them.

    :param api: the API.
    :param table: the table.
    :param ids: the identifiers of the tickets.
    :raises ApiError: for any failure that is not about the access to the tickets.
    """
    found: dict[str, str] = {}
    for start in range(0, len(ids), PAGE_SIZE):
        some = ids[start : start + PAGE_SIZE]
        encoded = query.in_total_order(query.is_one_of("sys_id", some))

        def read(limit: int, offset: int, wanted: str = encoded) -> Page:
            return api.page(table, wanted, limit, offset, ("number",))

        try:
            rows = read_all(read)[0]
        except ApiError as failure:
            if failure.category not in UNREADABLE:
                raise
            continue
        for row in rows:
            sys_id, number = ((value_of(row, name) or "") for name in ("sys_id", "number"))
            if number and sys_id.lower() in some:
                found[number.upper()] = sys_id.lower()
    return found
