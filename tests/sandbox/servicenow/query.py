# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encoded queries. A part that is not valid is dropped, as the service documents."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Callable, Collection, Sequence

from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Record, shifted
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Column, Table, Tables

#: Returns the value of a record at the path of a column.
Lookup = Callable[[Record, str], str]
Test = Callable[[Record], bool]

_CONDITION = re.compile(
    r"([a-z0-9_.]+)"
    r"(ISNOTEMPTY|ISEMPTY|NOT IN|IN|NOT LIKE|LIKE|STARTSWITH|ENDSWITH|BETWEEN|!=|>=|<=|=|>|<)"
    r"(.*)",
    re.DOTALL,
)
_ORDER = re.compile(r"ORDERBY(DESC)?([a-z0-9_.]+)")
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "IN": lambda value, wanted: value in wanted.split(","),
    "NOT IN": lambda value, wanted: value not in wanted.split(","),
    "LIKE": lambda value, wanted: wanted in value,
    "NOT LIKE": lambda value, wanted: wanted not in value,
    "STARTSWITH": lambda value, wanted: value.startswith(wanted),
    "ENDSWITH": lambda value, wanted: value.endswith(wanted),
    "ISEMPTY": lambda value, _wanted: not value,
    "ISNOTEMPTY": lambda value, _wanted: bool(value),
}
_COMPARISONS: dict[str, Callable[[str | int, str | int], bool]] = {
    ">": lambda value, wanted: value > wanted,  # type: ignore[operator]  # both are of the same type
    ">=": lambda value, wanted: value >= wanted,  # type: ignore[operator]  # as above
    "<": lambda value, wanted: value < wanted,  # type: ignore[operator]  # as above
    "<=": lambda value, wanted: value <= wanted,  # type: ignore[operator]  # as above
}


@dataclass
class Query:
    """A parsed query.

    :param columns: the paths of the columns that it names.
    :param invalid: the parts that were dropped.
    """

    columns: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    _sets: list[list[list[Test]]] = field(default_factory=lambda: [[]])
    _order: list[tuple[str, bool]] = field(default_factory=list)

    def matches(self, record: Record) -> bool:
        """Return whether a record matches. Without a valid part, every record does."""
        return any(all(any(test(record) for test in tests) for tests in conditions) for conditions in self._sets)

    def add_condition(self, column: str, test: Test, is_alternative: bool) -> None:
        """Add a condition, or an alternative to the previous one."""
        self.columns.append(column)
        if is_alternative and self._sets[-1]:
            self._sets[-1][-1].append(test)
        else:
            self._sets[-1].append([test])

    def begin_set(self) -> None:
        """Begin a set of conditions that is an alternative to those before."""
        self._sets.append([])

    def add_order(self, column: str, descending: bool) -> None:
        """Sort by a column, after those added before."""
        self.columns.append(column)
        self._order.append((column, descending))

    def sorted(self, records: Sequence[Record], lookup: Lookup) -> list[Record]:
        """Return records in the order of the query."""
        found = list(records)
        for column, descending in reversed(self._order):
            found.sort(key=lambda record, path=column: lookup(record, path), reverse=descending)  # type: ignore[misc]
        return found


class Parser:
    """Parse the queries of a table.

    :param is_exact: whether texts are compared with their case and accents.
    :param utc_offset: the offset of the time zone of points in time in minutes.
    :param denied: columns of the table that the account may not read, so that conditions on them are not valid.
    """

    def __init__(
        self,
        table: Table,
        tables: Tables,
        lookup: Lookup,
        is_exact: bool,
        utc_offset: int = 0,
        denied: Collection[str] = (),
    ) -> None:
        self._table, self._tables, self._lookup, self._is_exact = table, tables, lookup, is_exact
        self._utc_offset, self._denied = utc_offset, denied

    def parse(self, text: str) -> Query:
        """Return the query that a text describes."""
        query = Query()
        for part in text.split("^"):
            if part.startswith("ORDERBY"):
                self._add_order(query, part)
            elif part.startswith("NQ"):
                query.begin_set()
                self._add_condition(query, part[2:], False)
            elif part.startswith("OR"):
                self._add_condition(query, part[2:], True)
            elif part not in ("", "EQ"):
                self._add_condition(query, part, False)
        return query

    def _add_order(self, query: Query, part: str) -> None:
        found = _ORDER.fullmatch(part)
        if found and self._column(found[2]):
            query.add_order(found[2], bool(found[1]))
        else:
            query.invalid.append(part)

    def _add_condition(self, query: Query, part: str, is_alternative: bool) -> None:
        found = _CONDITION.fullmatch(part)
        column = self._column(found[1]) if found else None
        # The service would run a script; here it is an invalid value.
        is_script = found is not None and found[3].lower().startswith("javascript:")
        test = self._test(column, *found.groups()) if found and column and not is_script else None
        if found is None or test is None:
            query.invalid.append(part)
        else:
            query.add_condition(found[1], test, is_alternative)

    def _column(self, path: str) -> Column | None:
        """Return the column at a path, or None if there is none that the account may read."""
        return None if path.partition(".")[0] in self._denied else self._tables.column(self._table, path)

    def _test(self, column: Column, path: str, word: str, operand: str) -> Test | None:
        """Return the test of a condition, or None if its value is not valid."""
        moments = operand.split("@") if column.is_date else [operand]
        wanted = self._folded("@".join(shifted(text, -self._utc_offset) for text in moments))
        if word in _TESTS:
            matches = _TESTS[word]
            return lambda record: matches(self._folded(self._lookup(record, path)), wanted)
        kind = _number if column.type == "integer" else str
        bounds = [kind(bound) for bound in (wanted.split("@") if word == "BETWEEN" else [wanted])]
        if None in bounds or len(bounds) != (2 if word == "BETWEEN" else 1):
            return None

        def compared(record: Record) -> bool:
            value = kind(self._folded(self._lookup(record, path)))
            if value in (None, ""):
                return False
            if word == "BETWEEN":
                return bool(bounds[0] <= value <= bounds[1])  # type: ignore[operator]  # they are of the same type
            return _COMPARISONS[word](value, bounds[0])  # type: ignore[arg-type]  # neither is None

        return compared

    def _folded(self, text: str) -> str:
        """Return a text as queries compare it."""
        if self._is_exact:
            return text
        letters = unicodedata.normalize("NFD", text.casefold())
        return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None
