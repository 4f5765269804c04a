# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The definitions of columns: types, choices and referenced tables, as far as the account may read them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import whole_number
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Row, ServiceNowApi, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    KNOWN_CHOICES,
    KNOWN_REFERENCES,
    KNOWN_TYPES,
    MAX_LENGTHS,
    TASK,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.record_list import ReadPage, read_all

#: Columns of every ticket. If the dictionary does not show one of them, the account may not read the dictionary.
PROBE = "short_description"

#: The values of ``choice`` of a column that only accepts values of its list. Source: ServiceNow's documentation.
CLOSED_LISTS = frozenset({"1", "3"})

#: Categories of failures that mean that the account may not read a table.
UNREADABLE = frozenset({"permission", "not_found", "configuration", "validation"})

#: The largest number of similar names that a message contains.
MAX_SIMILAR = 3


@dataclass(frozen=True)
class Choice:
    """A choice of a column.

    :param value: the value that the service stores.
    :param label: the name that users see.
    :param dependent_value: the value of another column for which the choice applies; empty for any.
    """

    value: str
    label: str
    dependent_value: str = ""


@dataclass(frozen=True)
class Column:
    """The definition of a column.

    :param name: the name of the column.
    :param type: its type; empty if the account may not read it.
    :param reference: the table to which it refers.
    :param max_length: the maximum length of a text.
    :param choices: its choices; empty if it has none, or if the account may not read them.
    :param is_open: whether it also accepts other values than its choices.
    """

    name: str
    type: str = ""
    reference: str | None = None
    max_length: int | None = None
    choices: tuple[Choice, ...] = ()
    is_open: bool = False


@dataclass(frozen=True)
class TableColumns:
    """The definitions of the columns that a task sets.

    :param table: the table.
    :param columns: the definitions by name; every column of the task has one.
    :param untyped: the columns whose existence and type could not be checked.
    :param without_choices: the columns with choices that the account may not read.
    :param is_dictionary_readable: whether the account may read the dictionary.
    """

    table: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    untyped: tuple[str, ...] = ()
    without_choices: tuple[str, ...] = ()
    is_dictionary_readable: bool = True

    def __getitem__(self, name: str) -> Column:
        return self.columns.get(name) or Column(name, max_length=MAX_LENGTHS.get(name))

    @property
    def unchecked(self) -> tuple[str, ...]:
        """Return sentences about what could not be checked, because the account may not read it."""
        sentences = []
        if self.untyped:
            sentences.append(
                f"The account cannot read sys_dictionary, so these columns of {self.table} and their values were not "
                f"checked: {', '.join(self.untyped)}."
            )
        if self.without_choices:
            sentences.append(
                f"The account cannot read the choices of {', '.join(self.without_choices)} in sys_choice, so their "
                "values were not checked."
            )
        return tuple(sentences)


def read_columns(api: ServiceNowApi, table: str, names: Iterable[str]) -> TableColumns:
    """Return the definitions of columns.

    :param api: the API.
    :param table: the table.
    :param names: the names of the columns.
    :raises ApiError: category ``configuration`` if the table does not have one of the columns, and any error of a
        request that is not about the access to the definitions.
    """
    wanted = sorted(set(names))
    if not wanted:
        return TableColumns(table)
    tables = list(dict.fromkeys((table, TASK)))
    with_probe = sorted({*wanted, PROBE})
    rows = _readable(lambda limit, offset: api.dictionary(tables, with_probe, limit, offset))
    definitions = _nearest(rows, tables)
    is_readable = PROBE in definitions
    unknown = [name for name in wanted if name not in definitions] if is_readable else []
    if unknown:
        raise _unknown_column(api, table, tables, unknown[0])
    with_choices = [name for name in wanted if name != PROBE]
    rows = _readable(lambda limit, offset: api.choices(tables, with_choices, limit, offset)) if with_choices else []
    choices = _choices(rows, tables)
    columns = {name: _column(table, name, definitions.get(name), choices.get(name, ())) for name in wanted}
    untyped = tuple(name for name, column in columns.items() if not column.type and not choices.get(name))
    hidden = tuple(name for name in wanted if _hides_choices(name, columns[name], definitions, choices))
    return TableColumns(table, columns, untyped, hidden, is_readable)


def _readable(read: ReadPage) -> list[Row]:
    """Return all rows of a list, or none if the account may not read it."""
    try:
        return read_all(read)[0]
    except ApiError as failure:
        if failure.category not in UNREADABLE:
            raise
        return []


def _nearest(rows: Sequence[Row], tables: Sequence[str]) -> dict[str, Row]:
    """Return the definition of each column: that of the table itself, or else that of its parent."""
    found: dict[str, Row] = {}
    for table in reversed(tables):
        found.update({value_of(row, "element") or "": row for row in rows if value_of(row, "name") == table})
    return found


def _choices(rows: Sequence[Row], tables: Sequence[str]) -> dict[str, tuple[Choice, ...]]:
    """Return the active choices of each column, in any language: those of the table itself, or else of its parent."""
    found: dict[str, tuple[Choice, ...]] = {}
    for table in reversed(tables):
        own: dict[str, list[Choice]] = {}
        for row in rows:
            value, label = value_of(row, "value"), value_of(row, "label")
            is_active = value_of(row, "inactive") not in ("true", "1")
            if value_of(row, "name") == table and value and is_active:
                choice = Choice(value, label or value, value_of(row, "dependent_value") or "")
                own.setdefault(value_of(row, "element") or "", []).append(choice)
        found.update({name: tuple(dict.fromkeys(entries)) for name, entries in own.items()})
    return found


def _column(table: str, name: str, definition: Row | None, choices: tuple[Choice, ...]) -> Column:
    if not choices and table == "incident" and name in KNOWN_CHOICES:
        choices = tuple(Choice(value, label) for label, value in KNOWN_CHOICES[name].items())
    if definition is None:
        kind, table_of_reference = KNOWN_TYPES.get(name, ""), KNOWN_REFERENCES.get(name)
        return Column(name, kind, table_of_reference, MAX_LENGTHS.get(name), choices, is_open=not choices)
    length = whole_number(value_of(definition, "max_length") or "")
    return Column(
        name,
        value_of(definition, "internal_type") or "",
        value_of(definition, "reference") or KNOWN_REFERENCES.get(name),
        length or MAX_LENGTHS.get(name),
        choices,
        # Other columns only suggest values, or have choices that are not used any more.
        is_open="choice" in definition and value_of(definition, "choice") not in CLOSED_LISTS,
    )


def _hides_choices(
    name: str, column: Column, definitions: Mapping[str, Row], choices: Mapping[str, tuple[Choice, ...]]
) -> bool:
    """Return whether a column has choices that the account may not read."""
    if name in choices:
        return False
    if name in definitions:
        return value_of(definitions[name], "choice") in CLOSED_LISTS
    # Choices of a new instance are used instead (SN-A17).
    return bool(column.choices)


def _unknown_column(api: ServiceNowApi, table: str, tables: Sequence[str], name: str) -> ApiError:
    similar: list[str] = []
    try:
        rows = read_all(lambda limit, offset: api.all_columns(tables, limit, offset))[0]
    except ApiError:
        rows = []
    names = sorted({value_of(row, "element") or "" for row in rows} - {""})
    labels = {(value_of(row, "column_label") or "").casefold(): value_of(row, "element") or "" for row in rows}
    if name.replace("_", " ") in labels:
        similar = [labels[name.replace("_", " ")]]
    similar += [entry for entry in difflib.get_close_matches(name, names, MAX_SIMILAR) if entry not in similar]
    hint = f" Did you mean {' or '.join(similar[:MAX_SIMILAR])}?" if similar else ""
    return configuration_error(
        f"Table {table} does not have a column {name!r}, according to sys_dictionary. Use the name of a column, not "
        f"its label.{hint}"
    )
