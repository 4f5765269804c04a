# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records of the instance."""

from __future__ import annotations

import re
import uuid
from typing import Any, Iterable, Iterator, Mapping

from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import user_id
from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Record, Values, fixed_id, now
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Table, Tables

#: How another product spells the states of an incident.
STATES = {"1": "New", "2": "InProgress", "3": "OnHold", "6": "Resolved", "7": "Closed", "8": "Canceled"}
URGENCIES = {"1": "High", "2": "Medium", "3": "Low"}
SYSTEM = "ServiceNow"
_SEEDED_BY = "admin"
_RELEASED = "2020-01-01 00:00:00"


class Store:
    """All records of the instance.

    :param seed: ``accounts``, ``tables`` and ``records``.
    :param tickets: tickets of other products, which are incidents of the instance.
    """

    def __init__(self, tables: Tables, seed: Mapping[str, Any], tickets: Iterable[Mapping[str, Any]]) -> None:
        self.tables = tables
        self._records: dict[str, dict[str, Record]] = {name: {} for name in tables.by_name}
        for account in seed.get("accounts", []):
            values = {name: str(account[name]) for name in ("user_name", "name", "email") if name in account}
            self._seeded("sys_user", {"sys_id": user_id(account), **values})
            for role in account["roles"]:
                self._describe("sys_user_role", role, name=role)
                identity, role_id = f"{account['user_name']} {role}", fixed_id(f"sys_user_role {role}")
                self._describe("sys_user_has_role", identity, user=user_id(account), role=role_id)
        for name, entries in seed.get("records", {}).items():
            for entry in entries:
                self._seeded(name, entry)
        for ticket in tickets:
            self._seeded("incident", _as_incident(ticket))
        self._add_metadata()

    def _seeded(self, name: str, entry: Mapping[str, str]) -> None:
        table, position = self.tables.by_name[name], len(self._records[name]) + 1
        dates = entry.get("sys_created_on") or entry.get("opened_at") or now()
        values = {
            **table.defaults,
            "sys_id": fixed_id(f"{name} {entry.get('number') or entry.get('name') or position}"),
            "sys_created_on": dates,
            "sys_updated_on": dates,
            "sys_created_by": _SEEDED_BY,
            "sys_updated_by": _SEEDED_BY,
            "sys_mod_count": "0",
            **entry,
            "sys_class_name": name,
        }
        if table.is_a("task"):
            values.setdefault("opened_at", dates)
            closed = values["state"] in table.setting("closed_states")
            values.update(opened_at=values["opened_at"] or dates, active="false" if closed else "true")
            if "incident_state" in table.columns:
                values["incident_state"] = values["state"]
        for column in table.columns.values():
            if column.is_journal and values.get(column.name):
                self.add_journal(table.name, values["sys_id"], column.name, values.pop(column.name), _SEEDED_BY, dates)
        if not values.get("number") and table.setting("prefix"):
            values["number"] = self.next_number(table)
        self.add(Record(table, values))

    # --- reading -----------------------------------------------------------------------------------------------------

    def rows(self, table: Table) -> Iterator[Record]:
        """Yield the records of a table and of those that extend it."""
        for name, records in self._records.items():
            if self.tables.by_name[name].is_a(table.name):
                yield from records.values()

    def find(self, table: str, wanted: str) -> Record | None:
        """Return the record of a table with a sys_id or a number, or None."""
        for record in self.rows(self.tables.by_name[table]):
            if wanted in (record.sys_id, record.values.get("number")):
                return record
        return None

    def lookup(self, record: Record, path: str) -> str:
        """Return the value of a record at the path of a column, such as ``caller_id.name``."""
        first, _dot, rest = path.partition(".")
        value = record.values.get(first, "")
        if not rest:
            return value
        target = self.target(record.table, first, value)
        return self.lookup(target, rest) if target else ""

    def target(self, table: Table, column: str, sys_id: str) -> Record | None:
        """Return the record that a reference points to, or None."""
        known = table.columns.get(column)
        if known is None or known.reference not in self.tables.by_name or not sys_id:
            return None
        rows = self.rows(self.tables.by_name[known.reference])
        return next((record for record in rows if record.sys_id == sys_id), None)

    def display(self, record: Record | None) -> str:
        """Return the display value of a record."""
        return record.values.get(record.table.setting("display", "sys_id"), "") if record else ""

    def journal(self, record: Record, column: str) -> list[Values]:
        """Return the entries of a journal column, newest first."""
        place = (record.sys_id, column)
        entries = [row.values for row in reversed(self._records["sys_journal_field"].values())]
        return [entry for entry in entries if (entry["element_id"], entry["element"]) == place]

    # --- writing -----------------------------------------------------------------------------------------------------

    def add(self, record: Record) -> Record:
        """Store a record."""
        self._records[record.table.name][record.sys_id] = record
        return record

    def next_number(self, table: Table) -> str:
        """Return the number of the next record of a table."""
        prefix = table.setting("prefix")
        found = [re.fullmatch(rf"{prefix}([0-9]+)", row.values.get("number", "")) for row in self.rows(table)]
        return f"{prefix}{max((int(match[1]) for match in found if match), default=10000) + 1:07}"

    def add_journal(self, table: str, sys_id: str, column: str, text: str, author: str, when: str) -> None:
        """Add an entry to a journal column of a record."""
        entry = {
            "sys_id": uuid.uuid4().hex,
            "name": table,
            "element_id": sys_id,
            "element": column,
            "value": text,
            "sys_created_on": when,
            "sys_created_by": author,
            "sys_updated_on": when,
            "sys_updated_by": author,
            "sys_mod_count": "0",
            "sys_class_name": "sys_journal_field",
        }
        self.add(Record(self.tables.by_name["sys_journal_field"], entry))

    # --- metadata ----------------------------------------------------------------------------------------------------

    def _add_metadata(self) -> None:
        for table in self.tables.by_name.values():
            parent = fixed_id(f"sys_db_object {table.parent.name}") if table.parent else ""
            label = table.definition["label"]
            name = table.name
            self._describe("sys_db_object", name, name=name, label=label, super_class=parent)
            self._describe("sys_dictionary", name, name=name, column_label=label, internal_type="collection")
            for column in {**({} if table.parent else table.system), **table.own}.values():
                self._describe(
                    "sys_dictionary",
                    f"{table.name}.{column.name}",
                    name=table.name,
                    element=column.name,
                    column_label=column.label,
                    internal_type=column.type,
                    reference=column.reference,
                    max_length=str(column.max_length),
                    read_only=str(column.read_only).lower(),
                    choice="1" if table.choices(column.name) else "0",
                    default_value=column.default,
                    display=str(table.definition.get("display") == column.name).lower(),
                )
            for column_name, labels in table.own_choices.items():
                for position, (value, text) in enumerate(labels.items(), 1):
                    self._describe(
                        "sys_choice",
                        f"{table.name}.{column_name}.{value}",
                        name=table.name,
                        element=column_name,
                        value=value,
                        label=text,
                        sequence=str(position),
                    )

    def _describe(self, metadata: str, identity: str, **values: str) -> None:
        self._seeded(metadata, {"sys_id": fixed_id(f"{metadata} {identity}"), "sys_created_on": _RELEASED, **values})

    # --- as another product knows them -------------------------------------------------------------------------------

    def known_elsewhere(self) -> list[dict[str, Any]]:
        """Return the incidents as another product knows them."""
        return [self._ticket(record) for record in self.rows(self.tables.by_name["incident"])]

    def _ticket(self, record: Record) -> dict[str, Any]:
        values = record.values
        return {
            "id": record.sys_id,
            "number": values["number"],
            "system": SYSTEM,
            "state": STATES.get(values["state"], "OnHold"),
            "title": values.get("short_description") or None,
            "description": values.get("description") or None,
            "urgency": URGENCIES.get(values["urgency"], "Low"),
            "journal": [entry for column in ("comments", "work_notes") for entry in self.journal(record, column)],
        }


def _as_incident(ticket: Mapping[str, Any]) -> Values:
    states = {word: value for value, word in STATES.items()}
    values = {"sys_id": ticket["id"], "number": ticket["number"], "state": states[ticket["state"]]}
    texts = {"short_description": ticket.get("title") or "", "comments": ticket.get("comments") or ""}
    return {**values, "urgency": "2", **texts}


def seeded_tickets(seed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the identities of the incidents of a seed as another product knows them.

    :param seed: the part of the instance.
    """
    incidents = Store(Tables(seed.get("tables", {})), seed, []).known_elsewhere() if seed else []
    return [{name: ticket[name] for name in ("id", "number", "system")} for ticket in incidents]
