# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find tickets by an exact value, without trusting the condition of the query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import spelling_key
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import Listing

#: Maximum number of tickets with the same key.
MAX_MATCHES = 100


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
    if spelling_key(value) != spelling_key(key):
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


def find_by_number(api: ServiceNowApi, table: str, number: str) -> str:
    """Return the identifier of the ticket with a number.

    :param api: the API.
    :param table: the table.
    :param number: from :func:`query.checked_key`.
    :raises ApiError: ``not_found``, ``permission`` if an access rule hides the ticket, or ``ambiguous_match``.
    """
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
