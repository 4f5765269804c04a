# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An in-memory ServiceNow instance for tests of operations without HTTP."""

from __future__ import annotations

import copy
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Callable, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, excerpt
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import from_response
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import OptionNames
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import validate_request
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import schemas
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import SERVICENOW, Page, Row, ServiceNowApi
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.backend import ensure_ticket
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import parse_options
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock

#: The names of the connection options in messages.
NAMES = OptionNames("SERVICENOW", address="https://fabrikam.service-now.com/api/now/v2")

REFERENCE = "contraforce:8c9d0e1f:Sentinel:incident-20940"
TITLE = "Ransomware note on a file server"

#: A task that opens a ticket for an incident.
TASK: Mapping[str, Any] = {
    "reference": REFERENCE,
    "reference_display": "ContraForce",
    "short_description": TITLE,
    "fields": {"urgency": "1 - High", "assignment_group": "Security Operations"},
}

#: What a resolved incident needs.
RESOLVED: Mapping[str, Any] = {"state": "Resolved", "close_code": "Solution provided", "close_notes": "Reimaged."}

SECURITY, NETWORK, FIRST_DESK, SECOND_DESK = (f"9a0b{number:028d}" for number in range(1, 5))
DANA, ROBIN = (f"05e4{number:028d}" for number in range(1, 3))
FABRIKAM, NORTHWIND = (f"c0a8{number:028d}" for number in range(1, 3))

#: The types of columns, with the table of a reference, by table.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "task": {
        "number": "string",
        "short_description": "string",
        "description": "string",
        "state": "integer",
        "impact": "integer",
        "urgency": "integer",
        "priority": "integer",
        "active": "boolean",
        "company": "reference core_company",
        "assignment_group": "reference sys_user_group",
        "assigned_to": "reference sys_user",
        "parent": "reference task",
        "watch_list": "glide_list sys_user",
        "due_date": "glide_date_time",
        "close_notes": "string",
        "comments": "journal_input",
        "work_notes": "journal_input",
        "correlation_id": "string",
        "correlation_display": "string",
        "sys_id": "GUID",
        "sys_mod_count": "integer",
        "sys_updated_on": "glide_date_time",
        "sys_created_on": "glide_date_time",
    },
    "incident": {
        "caller_id": "reference sys_user",
        "category": "string",
        "close_code": "string",
        "u_contained": "boolean",
        "u_hosts": "integer",
        "u_offering": "reference service_offering",
        "approval_history": "journal",
    },
}
LENGTHS: Mapping[str, int] = {"short_description": 160, "correlation_id": 100, "close_notes": 4000, "description": 4000}

#: The labels of choices by value, by table and column.
CHOICES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "task": {
        "state": {"1": "Open", "3": "Closed Complete"},
        "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
        "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    },
    "incident": {
        "state": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
        "close_code": {"Solution provided": "Solution provided", "Duplicate": "Duplicate"},
    },
}
NAMED: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "sys_user_group": {
        SECURITY: {"name": "Security Operations"},
        NETWORK: {"name": "Network"},
        FIRST_DESK: {"name": "Service Desk"},
        SECOND_DESK: {"name": "Service Desk"},
    },
    "sys_user": {
        DANA: {"name": "Dana Duty", "user_name": "d.duty", "email": "d.duty@fabrikam.example"},
        ROBIN: {"name": "Robin Ward", "user_name": "r.ward", "email": "r.ward@fabrikam.example"},
    },
    "core_company": {FABRIKAM: {"name": "Fabrikam Hospital"}, NORTHWIND: {"name": "Northwind Traders"}},
    "service_offering": {f"5e4f{1:028d}": {"u_title": "Gold"}},
}

#: The values of a new incident.
DEFAULTS: Mapping[str, str] = {
    **{name: "" for table in ("task", "incident") for name in COLUMNS[table]},
    "state": "1",
    "impact": "3",
    "urgency": "3",
    "priority": "5",
    "active": "true",
    "category": "inquiry",
    "sys_mod_count": "0",
}


def broken(*, is_write: bool = True) -> ApiError:
    """Return the failure that the client raises for a broken connection."""
    return ApiError("The connection broke off.", "unavailable", ambiguous=is_write, retryable=True)


def answered(http_status: int, text: str = "", *, is_write: bool = False) -> ApiError:
    """Return the failure that the client raises for an HTTP error."""
    failure = from_response(SERVICENOW, http_status, ErrorBody(None, text or None), None, None, is_write, str, None)
    return failure.with_option_names(NAMES).to_api_error("PATCH" if is_write else "GET", "/table/incident", 1)


@dataclass(frozen=True)
class Fault:
    """The failure of one request.

    :param error: the exception to raise.
    :param takes_effect: whether a write is executed before.
    """

    error: BaseException
    takes_effect: bool = False


@dataclass
class Instance:
    """The state and the behavior of the instance.

    :param page_size: maximum number of rows of a page.
    :param counts: whether a page shows the total.
    :param links: whether a page names the next one.
    :param unreadable: tables that the account may not read: their rows are hidden, or the request is refused.
    :param refuses: whether a request for such a table is refused with 403.
    :param hidden_rows: identifiers of records that are hidden.
    :param hidden_columns: columns that are left out.
    :param drops_conditions: columns whose conditions are dropped, so that each record matches.
    :param empties_queries: columns whose conditions no record meets.
    :param ignores_writes: accept writes without storing anything.
    :param keeps: functions that change the values of columns before they are stored.
    :param double_updates: whether a business rule updates a record once more.
    :param shows_display_entries: whether journal columns show their entries although the journal is not readable.
    :param query_offset: the minutes by which the time zone of points in time in queries is ahead of UTC.
    :param names: the values of named records by table and identifier.
    :param faults: by operation, the failures of its next requests; None for a request that succeeds.
    :param editor: called before each request with its number, from 1, and its operation.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    page_size: int = 100
    counts: bool = True
    links: bool = True
    unreadable: set[str] = field(default_factory=set)
    refuses: bool = False
    hidden_rows: set[str] = field(default_factory=set)
    hidden_columns: set[str] = field(default_factory=set)
    drops_conditions: set[str] = field(default_factory=set)
    empties_queries: set[str] = field(default_factory=set)
    ignores_writes: bool = False
    keeps: dict[str, Callable[[str], str]] = field(default_factory=dict)
    double_updates: bool = False
    query_offset: int = 0
    names: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=lambda: NAMED)
    faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    shows_display_entries: bool = False
    editor: Callable[[int, str], None] | None = None
    records: dict[str, dict[str, dict[str, str]]] = field(default_factory=lambda: {"incident": {}, "task": {}})
    entries: list[dict[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, str]] = field(default_factory=list)

    # --- state ---

    def add(self, table: str = "incident", **values: str) -> dict[str, str]:
        """Add a ticket, and return it."""
        rows = self.records.setdefault(table, {})
        number = len(rows) + 1
        record = {
            **DEFAULTS,
            "sys_id": f"{len(table)}f7b{number:028d}",
            "number": f"INC{number:07d}",
            "sys_created_on": f"2026-11-21 03:{number:02d}:00",
            "sys_updated_on": "2026-11-21 04:00:00",
        }
        rows[record["sys_id"]] = record
        self.store(record, values)
        record["sys_mod_count"] = "0"
        return record

    def store(self, record: dict[str, str], values: Mapping[str, str]) -> None:
        """Store values of a ticket as the service does."""
        for name, text in values.items():
            kept = self.keeps[name](text) if name in self.keeps else text
            if name in ("work_notes", "comments"):
                if kept:
                    self.post(record, name, kept)
            elif name in record:
                record[name] = kept
        record["active"] = "false" if record["state"] in ("7", "8") else "true"
        record["sys_mod_count"] = str(int(record["sys_mod_count"]) + (2 if self.double_updates else 1))

    def post(self, record: Mapping[str, str], column: str, text: str) -> None:
        """Add an entry to the journal of a ticket."""
        entry = {"sys_id": f"e0{len(self.entries):030d}", "name": "incident", "element_id": record["sys_id"]}
        created = {"sys_created_on": f"2026-11-21 05:{len(self.entries):02d}:00", "sys_created_by": "d.duty"}
        self.entries.append({**entry, **created, "element": column, "value": text})

    def edit(self, number: str, **values: str) -> None:
        """Change a ticket as another user."""
        record = self.ticket(number)
        self.store(record, values)

    def ticket(self, number: str) -> dict[str, str]:
        """Return a ticket by its number."""
        rows = (record for table in self.records.values() for record in table.values())
        return next(record for record in rows if record["number"] == number)

    def notes(self, number: str) -> list[str]:
        """Return the texts in the journal of a ticket."""
        return [entry["value"] for entry in self.entries if entry["element_id"] == self.ticket(number)["sys_id"]]

    def count(self, *operations: str) -> int:
        """Return the number of requests of some operations."""
        return sum(call in operations for call in self.calls)

    @property
    def writes(self) -> int:
        """Return the number of write requests."""
        return self.count("create", "update")

    # --- metadata ---

    def rows_of(self, table: str) -> list[dict[str, str]]:
        """Return all records of a table."""
        if table == "sys_journal_field":
            return self.entries
        if table == "sys_dictionary":
            return [
                {
                    "sys_id": f"d1{number:030d}",
                    "name": owner,
                    "element": column,
                    "column_label": column.replace("_", " ").capitalize(),
                    "internal_type": kind.split()[0],
                    "reference": kind.partition(" ")[2],
                    "max_length": str(LENGTHS.get(column, 40)),
                    "choice": "1" if column in CHOICES.get(owner, {}) else "0",
                    "display": "false",
                }
                for number, (owner, column, kind) in enumerate(_all_columns())
            ]
        if table == "sys_choice":
            return [
                {
                    "sys_id": f"c1{number:030d}",
                    "name": owner,
                    "element": column,
                    "value": value,
                    "label": label,
                    "inactive": "false",
                    "dependent_value": "",
                    "language": "en",
                }
                for number, (owner, column, value, label) in enumerate(_all_choices())
            ]
        if table in self.names:
            return [{"sys_id": sys_id, **values} for sys_id, values in self.names[table].items()]
        return list(self.records.get(table, {}).values())


def _all_columns() -> Iterable[tuple[str, str, str]]:
    for owner, columns in COLUMNS.items():
        for column, kind in columns.items():
            yield owner, column, kind
    yield "service_offering", "u_title", "string"


def _all_choices() -> Iterable[tuple[str, str, str, str]]:
    for owner, columns in CHOICES.items():
        for column, labels in columns.items():
            for value, label in labels.items():
                yield owner, column, value, label


class MemoryServiceNow(ServiceNowApi):
    """The requests for an instance in memory."""

    def __init__(self, instance: Instance | None = None) -> None:
        self.instance = instance or Instance()

    @property
    def request_ids(self) -> list[str]:
        return ["r1"]

    @property
    def may_have_changed(self) -> bool:
        return False

    def excerpt(self, text: str, max_length: int) -> str:
        return excerpt(text, str, max_length)

    def page(self, table: str, encoded_query: str, limit: int, offset: int = 0, columns: Iterable[str] = ()) -> Page:
        instance = self.instance
        instance.queries.append(f"{table}: {encoded_query}")
        self._begin("page" if table in instance.records else table)
        if table in instance.unreadable and instance.refuses:
            raise answered(403, "User Not Authorized")
        if table not in instance.records and not instance.rows_of(table):
            if table in ("sys_journal_field", *NAMED):
                return Page([], 0)
            raise answered(400, f"Invalid table {table}")
        read = _in_utc(encoded_query, instance.query_offset)
        found = [row for row in instance.rows_of(table) if _matches(row, read, instance.drops_conditions)]
        if any(f"{column}=" in encoded_query for column in instance.empties_queries):
            found = []
        found = _in_order(found, encoded_query)
        end = offset + min(limit, instance.page_size)
        shown = [row for row in found[offset:end] if self._is_shown(table, row)]
        rows = [self._row(table, row, ("sys_id", *columns) if columns else ()) for row in shown]
        following = end if instance.links and end < len(found) else None
        return Page(rows, len(found) if instance.counts else None, following)

    def record(self, table: str, sys_id: str) -> Row:
        self._begin("record")
        row = self.instance.records.get(table, {}).get(sys_id)
        if row is None or not self._is_shown(table, row):
            raise answered(404, "No Record found: Record doesn't exist or ACL restricts the record retrieval")
        return self._row(table, row, ())

    def create(self, table: str, values: Mapping[str, str]) -> Row:
        validate_request(schemas.WRITE_REQUEST, values)
        self.instance.bodies.append(dict(values))
        return self._write("create", table, lambda: self.instance.add(table, **values))

    def update(self, table: str, sys_id: str, changes: Mapping[str, str]) -> Row:
        validate_request(schemas.WRITE_REQUEST, changes)
        self.instance.bodies.append(dict(changes))
        row = self.instance.records[table][sys_id]

        def execute() -> dict[str, str]:
            if not self.instance.ignores_writes:
                self.instance.store(row, changes)
            return row

        return self._write("update", table, execute)

    # --- internals ---

    def _write(self, operation: str, table: str, execute: Callable[[], dict[str, str]]) -> Row:
        fault = self._next_fault(operation)
        if fault and not fault.takes_effect:
            raise fault.error
        row = execute()
        if fault:
            raise fault.error
        return self._row(table, row, ())

    def _begin(self, operation: str) -> None:
        fault = self._next_fault(operation)
        if fault:
            raise fault.error

    def _next_fault(self, operation: str) -> Fault | None:
        self.instance.calls.append(operation)
        if self.instance.editor:
            self.instance.editor(len(self.instance.calls), operation)
        waiting = self.instance.faults.get(operation)
        return waiting.pop(0) if waiting else None

    def _is_shown(self, table: str, row: Mapping[str, str]) -> bool:
        return table not in self.instance.unreadable and row["sys_id"] not in self.instance.hidden_rows

    def _row(self, table: str, row: Mapping[str, str], columns: Iterable[str]) -> dict[str, Any]:
        names = [name for name in (columns or row) if name in row and name not in self.instance.hidden_columns]
        return copy.deepcopy({name: {"value": row[name], "display_value": self._display(row, name)} for name in names})

    def _display(self, row: Mapping[str, str], name: str) -> str:
        if "sys_mod_count" not in row:
            return row[name]
        is_readable = "sys_journal_field" not in self.instance.unreadable or self.instance.shows_display_entries
        if name in ("work_notes", "comments") and is_readable:
            own = [entry for entry in self.instance.entries if entry["element_id"] == row["sys_id"]]
            return "".join(
                f"2026-11-21 06:00:00 - Dana Duty (Work notes)\n{entry['value']}\n\n"
                for entry in own
                if entry["element"] == name
            )
        labels = CHOICES["incident"].get(name) or CHOICES["task"].get(name) or {}
        kind = {**COLUMNS["task"], **COLUMNS["incident"]}.get(name, "")
        target = NAMED.get(kind.partition(" ")[2], {}).get(row[name], {})
        return labels.get(row[name]) or target.get("name") or row[name]


def _in_utc(encoded_query: str, offset: int) -> str:
    """Return a query with its points in time moved to UTC."""

    def move(found: re.Match[str]) -> str:
        return str(datetime.fromisoformat(found[0]) - timedelta(minutes=offset))

    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", move, encoded_query)


def _matches(row: Mapping[str, str], encoded_query: str, dropped: set[str]) -> bool:
    """Return whether a row matches the conditions of a query; those with an unknown column are dropped."""
    met = True
    for part in encoded_query.split("^"):
        if part.startswith("ORDERBY") or not part:
            continue
        is_alternative = part.startswith("OR")
        result = _holds(row, part[2:] if is_alternative else part, dropped)
        met = (met or result) if is_alternative else (met and result)
    return met


def _holds(row: Mapping[str, str], condition: str, dropped: set[str]) -> bool:
    if condition.endswith("ISNOTEMPTY"):
        return bool(row.get(condition[: -len("ISNOTEMPTY")]))
    column, separator, value = condition.partition(">=")
    if separator:
        return column in dropped or row[column] >= value
    column, separator, value = condition.partition("=")
    if separator and (column in dropped or column not in row):
        return True
    if separator:
        return _folded(row[column]) == _folded(value)
    column, _separator, names = condition.partition("IN")
    return row.get(column) in names.split(",")


def _folded(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _in_order(rows: list[dict[str, str]], encoded_query: str) -> list[dict[str, str]]:
    for part in reversed([part for part in encoded_query.split("^") if part.startswith("ORDERBY")]):
        descending = part.startswith("ORDERBYDESC")
        column = part[len("ORDERBYDESC" if descending else "ORDERBY") :]
        rows = sorted(rows, key=lambda row, name=column: row.get(name, ""), reverse=descending)  # type: ignore[misc]
    return rows


def task(**changes: Any) -> dict[str, Any]:
    """Return the options of the task with changes; ``fields`` are added to its own."""
    fields = {**TASK["fields"], **(changes.pop("fields", None) or {})}
    return {**TASK, "fields": fields, **changes}


def keep(
    instance: Instance, options: Mapping[str, Any], *, check_mode: bool = False, verify_timeout: float = 30
) -> OperationResult:
    """Run a task."""
    wanted = parse_options({"verify_timeout": verify_timeout, **options})
    return ensure_ticket(MemoryServiceNow(instance), wanted, RunOptions(check_mode, verify_timeout, instance.clock))
