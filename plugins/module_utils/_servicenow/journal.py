# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the journal of a ticket, and recognize a text that was posted before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import spelling_key
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import UNREADABLE
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import read_all

#: The line above each entry in the display value of a journal column: time, author and column.
_ENTRY_HEADER = re.compile(r"^.+ - .+ \(.+\)\s*$", re.MULTILINE)

#: The keys of an entry in results, by the columns of its row.
ENTRY_KEYS: Mapping[str, str] = {
    "element": "element",
    "value": "value",
    "sys_created_on": "created_on",
    "sys_created_by": "created_by",
}


@dataclass(frozen=True)
class Journal:
    """The journal of a ticket, as far as the account may read it.

    :param entries: the texts by column.
    :param is_readable: whether the account is shown all entries, so that a missing text was not posted (SN-A14).
    :param hidden: columns whose entries are nevertheless hidden.
    """

    entries: Mapping[str, Sequence[str]]
    is_readable: bool
    hidden: frozenset[str] = frozenset()

    def shows(self, columns: Iterable[str]) -> bool:
        """Return whether a text that is missing in one of some columns was not posted.

        :param columns: the journal columns.
        """
        return self.is_readable and self.hidden.isdisjoint(columns)

    def has(self, column: str, text: str) -> bool:
        """Return whether a text was posted.

        :param column: the journal column.
        :param text: the text.
        """
        wanted = spelling_key(text)
        return any(spelling_key(entry) == wanted for entry in self.entries.get(column, ()))


def journal_rows(api: ServiceNowApi, table: str, sys_id: str) -> list[Row] | None:
    """Return the rows of the journal of a ticket, or None if the account may not read it.

    :param api: the API.
    :param table: the table of the ticket.
    :param sys_id: the identifier of the ticket.
    :raises ApiError: for any failure that is not about the access to the journal.
    """
    try:
        rows, hidden = read_all(lambda limit, offset: api.journal(table, sys_id, limit, offset))
    except ApiError as failure:
        if failure.category not in UNREADABLE:
            raise
        return None
    own = [row for row in rows if (value_of(row, "element_id") or "").lower() == sys_id.lower()]
    return None if hidden and not own else own


def shows_journals(api: ServiceNowApi, table: str) -> bool:
    """Return whether the account is shown the journal of any ticket of a table (SN-A14).

    :param api: the API.
    :param table: the table.
    :raises ApiError: for any failure that is not about the access to the journal.
    """
    try:
        return bool(api.journal(table, None, 1).rows)
    except ApiError as failure:
        if failure.category not in UNREADABLE:
            raise
        return False


def journal_of(rows: Sequence[Row] | None, shown: Mapping[str, str | None], is_shown_elsewhere: bool) -> Journal:
    """Return the journal of a ticket.

    :param rows: its rows; None if the account may not read them.
    :param shown: the display values of the journal columns of the ticket, by column.
    :param is_shown_elsewhere: whether the account is shown the journal of another ticket.
    """
    entries: dict[str, list[str]] = {column: list(_shown_entries(text or "")) for column, text in shown.items()}
    for row in rows or ():
        entries.setdefault(value_of(row, "element") or "", []).append(value_of(row, "value") or "")
    has_rows = bool(rows) or (rows is not None and is_shown_elsewhere)
    # Without rows, only the columns of the ticket itself show entries, and an access rule may hide one of them.
    hidden = frozenset() if has_rows else frozenset(column for column, text in shown.items() if text is None)
    return Journal(entries, has_rows or any(shown.values()), hidden)


def _shown_entries(text: str) -> Iterator[str]:
    """Yield the texts in the display value of a journal column."""
    if text.strip():
        yield from filter(str.strip, _ENTRY_HEADER.split(text))


def entry_values(row: Row) -> dict[str, Any]:
    """Return an entry of the journal for the result of a task.

    :param row: the row of the entry.
    """
    return {key: value_of(row, column) for column, key in ENTRY_KEYS.items()}
