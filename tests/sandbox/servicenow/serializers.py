# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serialize records as the parameters of a request ask."""

from __future__ import annotations

from typing import Any, Collection, Mapping

from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Record, shifted
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import Store
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Column

PREFIX = "/api/now/v2/table"


class RecordSerializer:
    """Serialize records for a request.

    :param query: the parameters of the request.
    """

    def __init__(self, store: Store, query: Mapping[str, Any], caller: Caller) -> None:
        self._store, self._caller = store, caller
        self._fields: str | None = query.get("sysparm_fields")
        self._display = query.get("sysparm_display_value", "false")
        self._links = not query.get("sysparm_exclude_reference_link", False)

    def record(self, record: Record, hidden: Collection[str]) -> dict[str, Any]:
        """Return a record without hidden columns."""
        wanted = [name.strip() for name in self._fields.split(",")] if self._fields else list(record.table.columns)
        shown: dict[str, Any] = {}
        for path in wanted:
            column = self._store.tables.column(record.table, path)
            if column is not None and path.partition(".")[0] not in hidden:
                shown[path] = self._value(record, path, column)
        return shown

    def _value(self, record: Record, path: str, column: Column) -> Any:
        value = "" if column.is_journal else self._store.lookup(record, path)
        text = self._display_value(record, path, column)
        link = self._link(column, value)
        if self._display == "all":
            return {"display_value": text, "value": value, **link}
        shown = text if self._display == "true" else value
        name = "display_value" if self._display == "true" else "value"
        return {name: shown, **link} if link else shown

    def _link(self, column: Column, value: str) -> dict[str, str]:
        if not (self._links and column.is_reference and value):
            return {}
        return {"link": f"{self._caller.origin}{PREFIX}/{column.reference}/{value}"}

    def _display_value(self, record: Record, path: str, column: Column) -> str:
        outer, _dot, name = path.rpartition(".")
        owner: Record | None = record
        for part in outer.split(".") if outer else []:
            owner = self._store.target(owner.table, part, owner.values.get(part, "")) if owner else None
        if owner is None:
            return ""
        value = owner.values.get(name, "")
        if column.is_journal:
            return "".join(self._entry(column, entry) for entry in self._store.journal(owner, name))
        if column.is_reference:
            return self._store.display(self._store.target(owner.table, name, value)) if value else ""
        if column.is_date:
            return shifted(value, self._caller.utc_offset)
        if column.type == "sys_class_name" and value in self._store.tables.by_name:
            return str(self._store.tables.by_name[value].definition["label"])
        return owner.table.choices(name).get(value, value)

    def _entry(self, column: Column, entry: Mapping[str, str]) -> str:
        """Return an entry of a journal as the form shows it."""
        when = shifted(entry["sys_created_on"], self._caller.utc_offset)
        users = self._store.rows(self._store.tables.by_name["sys_user"])
        names = {user.values["user_name"]: user.values["name"] for user in users}
        author = names.get(entry["sys_created_by"]) or entry["sys_created_by"]
        return f"{when} - {author} ({column.label})\n{entry['value']}\n\n"
