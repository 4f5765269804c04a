# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the records that references name by their display values."""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import composed
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    DEFAULT_DISPLAY_COLUMNS,
    DISPLAY_COLUMNS,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import UNREADABLE
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.values import MAX_QUOTED

#: Maximum number of records to compare, and to name in a message.
MAX_ROWS = 20
MAX_NAMED = 5

#: The tables whose records are not used any more if ``active`` is false. Source: ServiceNow's documentation.
WITH_ACTIVE = frozenset({"sys_user", "sys_user_group"})


def find_reference(api: ServiceNowApi, column: str, table: str, text: str) -> str:
    """Return the identifier of the record with a display value.

    :param api: the API.
    :param column: the column that refers to the record, for messages.
    :param table: the table of the record.
    :param text: the display value.
    :raises ApiError: category ``configuration`` unless there is exactly one such record, and any error of a request
        that is not about the access to the table.
    """
    key = query.checked_key(column, text)
    names = display_columns(api, table)
    quoted = repr(api.excerpt(text, MAX_QUOTED))
    has_active = table in WITH_ACTIVE
    # If there are many records of a name, the active ones are on the first page.
    order = ("active", "descending") if has_active else ()
    encoded = query.in_total_order(query.any_of(names, key), *order)
    try:
        page = api.page(table, encoded, MAX_ROWS, 0, (*names, *order[:1]))
    except ApiError as failure:
        if failure.category not in UNREADABLE:
            raise
        raise configuration_error(
            f"{column} is {quoted}, but the account cannot read {table} to find it. Use its sys_id, or grant the "
            "account read access."
        ) from None
    found = _matching([row for row in page.rows if not has_active or value_of(row, "active") != "false"], names, key)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(found[:MAX_NAMED])
        raise configuration_error(
            f"{column} is {quoted}, but several records of {table} have this name: {ids}. Use the sys_id of one."
        )
    _refuse_inactive(column, table, quoted, _matching(page.rows, names, key))
    _refuse_similar(api, column, table, quoted, _similar(page.rows, names, key))
    hidden = " An access rule may hide it from the account." if not page.rows else ""
    raise configuration_error(
        f"{column} is {quoted}, but the account is not shown a record of {table} with this {' or '.join(names)}."
        f"{hidden} Correct the value, or use the sys_id."
    )


def _refuse_inactive(column: str, table: str, quoted: str, inactive: Sequence[str]) -> None:
    if inactive:
        record = "the record" if len(inactive) == 1 else "each record"
        ids = ", ".join(inactive[:MAX_NAMED])
        raise configuration_error(
            f"{column} is {quoted}, but {record} of {table} with this name is inactive: {ids}. Use an active one, "
            "or the sys_id if you need this one."
        )


def _refuse_similar(api: ServiceNowApi, column: str, table: str, quoted: str, similar: Mapping[str, str]) -> None:
    if similar:
        shown = ", ".join(
            f"{api.excerpt(name, MAX_QUOTED)!r} ({_details(sys_id, name)})"
            for sys_id, name in list(similar.items())[:MAX_NAMED]
        )
        raise configuration_error(
            f"{column} is {quoted}, but {table} only has this name in another spelling: {shown}. Use its spelling, or "
            "the sys_id."
        )


def _details(sys_id: str, name: str) -> str:
    """Return the identifier of a record, and the character of its name that users cannot see, if there is one."""
    character = query.invisible_character(name)
    return f"{sys_id}, with {character}" if character else sys_id


def _similar(rows: Sequence[Row], names: Sequence[str], key: str) -> dict[str, str]:
    """Return the names that a query does not distinguish from a display value, by the identifiers of their records."""
    wanted = query.comparable(key)
    return {
        value_of(row, "sys_id") or "": value_of(row, name) or ""
        for row in rows
        for name in reversed(names)
        if query.comparable(value_of(row, name) or "") == wanted
    }


def display_columns(api: ServiceNowApi, table: str) -> Sequence[str]:
    """Return the columns by which a record of a table is found (SN-A10).

    :param api: the API.
    :param table: the table.
    """
    if table in DISPLAY_COLUMNS:
        return DISPLAY_COLUMNS[table]
    try:
        rows = api.display_columns(table, MAX_ROWS).rows
    except ApiError as failure:
        if failure.category not in UNREADABLE:
            raise
        rows = []
    names = sorted({value_of(row, "element") or "" for row in rows if value_of(row, "name") == table} - {""})
    return names or DEFAULT_DISPLAY_COLUMNS


def _matching(rows: Sequence[Row], names: Sequence[str], key: str) -> list[str]:
    """Return the identifiers of the records with a display value; those with another case only if there is no other."""
    for is_equal in (str.__eq__, lambda one, other: _folded(one) == _folded(other)):
        found = [
            value_of(row, "sys_id") or ""
            for row in rows
            if any(is_equal((value_of(row, name) or "").strip(), key) for name in names)
        ]
        if found:
            return list(dict.fromkeys(found))
    return []


def _folded(text: str) -> str:
    """Return a text without differences of case, and of how its characters are composed."""
    return composed(text.casefold())
