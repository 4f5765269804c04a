# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the instance: columns, choices and roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator, Mapping

import yaml

_FILE = Path(__file__).resolve().parent / "tables.yml"


@dataclass(frozen=True)
class Column:
    """A column.

    :param type: the internal type, as in the dictionary.
    :param reference: the table that a reference points to.
    """

    name: str
    label: str
    type: str = "string"
    max_length: int = 40
    reference: str = ""
    default: str = ""
    read_only: bool = False

    @property
    def is_journal(self) -> bool:
        """Return whether each write adds an entry instead of replacing the value."""
        return self.type == "journal_input"

    @property
    def is_reference(self) -> bool:
        """Return whether the value is the sys_id of another record."""
        return self.type == "reference"

    @property
    def is_date(self) -> bool:
        """Return whether the value is a date and time in UTC."""
        return self.type == "glide_date_time"


@dataclass(frozen=True)
class Table:
    """A table.

    :param parent: the table that it extends.
    :param own: the columns that it adds to those of its parent.
    :param definition: its other keys in tables.yml or the seed.
    """

    name: str
    parent: Table | None
    own: Mapping[str, Column]
    definition: Mapping[str, Any]
    system: Mapping[str, Column]
    _choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def lineage(self) -> Iterator[Table]:
        """Yield the table and the tables that it extends, nearest first."""
        table: Table | None = self
        while table is not None:
            yield table
            table = table.parent

    def is_a(self, name: str) -> bool:
        """Return whether its records are in a table as well."""
        return any(table.name == name for table in self.lineage)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Return all columns by name."""
        columns = dict(self.system)
        for table in reversed(list(self.lineage)):
            columns.update(table.own)
        return columns

    @property
    def own_choices(self) -> Mapping[str, Mapping[str, str]]:
        """Return the choices that the table itself defines: labels by value, by column."""
        return self._choices

    def choices(self, column: str) -> Mapping[str, str]:
        """Return the labels of a column's choices by value; empty for a column without choices."""
        return next((table.own_choices[column] for table in self.lineage if column in table.own_choices), {})

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a key of the definition, or of the nearest table that has it."""
        return next((table.definition[name] for table in self.lineage if name in table.definition), default)

    @cached_property
    def defaults(self) -> dict[str, str]:
        """Return the values of a new record."""
        values = {name: column.default for name, column in self.columns.items() if name not in self.system}
        return {**values, **self.setting("defaults", {})}


class Tables:
    """All tables of an instance.

    :param added: tables, columns and choices of the seed.
    :param older: whether incidents have the choices of an older instance.
    """

    def __init__(self, added: Mapping[str, Any], older: bool = False) -> None:
        content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
        self.system = _columns(content["system_columns"])
        definitions = {name: dict(entry) for name, entry in content["tables"].items()}
        for name, entry in added.items():
            known = definitions.setdefault(name, {"label": name, "extends": "task"})
            for key, value in entry.items():
                known[key] = {**known.get(key, {}), **value} if key in ("columns", "choices") else value
        self.by_name: dict[str, Table] = {}
        for name in definitions:
            self._add(name, definitions, older, ())

    def _add(self, name: str, definitions: Mapping[str, Any], older: bool, extending: tuple[str, ...]) -> Table:
        """Add a table after the one that it extends, and return it.

        :param extending: the tables that extend it.
        """
        if name in self.by_name:
            return self.by_name[name]
        entry, further = definitions[name], (*extending, name)
        if entry.get("extends", "task") not in definitions:
            raise ValueError(f"table {name} extends the unknown table {entry['extends']}")
        if entry.get("extends") in further:
            raise ValueError(f"table {name} extends itself")
        parent = self._add(entry["extends"], definitions, older, further) if "extends" in entry else None
        choices = {**entry.get("choices", {}), **(entry.get("older_choices", {}) if older else {})}
        table = Table(name, parent, _columns(entry.get("columns", {})), entry, self.system, choices)
        self.by_name[name] = table
        return table

    def column(self, table: Table, path: str) -> Column | None:
        """Return the column at a path such as ``caller_id.name``, or None if there is none."""
        first, _dot, rest = path.partition(".")
        column = table.columns.get(first)
        if column is None or not rest:
            return column
        target = self.by_name.get(column.reference)
        return self.column(target, rest) if target else None


def _columns(entries: Mapping[str, Any]) -> dict[str, Column]:
    return {name: Column(name, **entry) for name, entry in entries.items()}
