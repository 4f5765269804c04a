# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An in-memory ticketing API for tests of operations without HTTP."""

from __future__ import annotations

import copy
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkItem
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import (
    ErrorBody,
    OptionNames,
    excerpt,
    from_response,
)
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import validate_request
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import schemas
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE, VALIDATION_FAILURE, Page
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.backend import RezolveBackend, ensure_ticket
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Field, TicketType, ticket_type_from
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    ResolvedTicket,
    Wanted,
    parse_options,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing import ensure_ticket as operation
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock

#: The names of the connection options in messages.
NAMES = OptionNames("TICKETING", address="https://ticketing.example.com")

#: The lag of a search that never finds a new ticket.
NEVER = float("inf")


def uuid(number: int) -> str:
    """Return the UUID of a field by its number."""
    return f"a1c0ffee-0001-4000-8000-{number:012d}"


REFERENCE, DESCRIPTION, URGENCY, STATUS, HOSTS, DETECTED, DUE, CONTAINED = map(uuid, range(1, 9))
TACTICS, RESPONDER, IMPACT_BUSINESS, IMPACT_TECHNICAL, ROOT_CAUSE, WHERE = map(uuid, range(9, 15))


def _field(number: int, label: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": uuid(number), "label": label, "name": label.lower().replace(" ", "_"), "type": kind, **more}


INCIDENT: Mapping[str, Any] = {
    "id": "16920",
    "name": "Security Incident",
    "fields": [
        _field(1, "Incident Reference", "text", required=True),
        _field(2, "Description", "richtext"),
        _field(
            3,
            "Urgency",
            "select",
            required=True,
            defaultValue="medium",
            options=[
                {"id": "1", "value": "high", "label": "High"},
                {"value": "medium", "label": "Medium"},
                {"value": "low", "label": "Low"},
            ],
        ),
        _field(4, "Status", "select", options=["Open", "In Progress", "Resolved"]),
        _field(5, "Affected Hosts", "number"),
        _field(6, "Detected At", "datetime"),
        _field(7, "Due Date", "date", defaultValue=""),
        _field(8, "Contained", "boolean", defaultValue=False),
        _field(9, "Tactics", "multiselect", options=["Execution", "Persistence", "Initial Access", "Impact"]),
        _field(10, "Responder", "user"),
        _field(11, "Impact", "text") | {"name": "impact_business"},
        _field(12, "Impact", "text") | {"name": "impact_technical"},
        _field(13, "Root Cause", "text", required={"when": {"field": uuid(4), "is": "Resolved"}}),
        _field(14, "Where", "geo"),
    ],
}
HARDWARE: Mapping[str, Any] = {"id": "16910", "name": "Hardware Request", "fields": [_field(40, "Model", "text")]}
ACCESS: Mapping[str, Any] = {"id": "16931", "name": "Access Request", "fields": [_field(50, "Reason", "text")]}
OTHER_ACCESS: Mapping[str, Any] = {**ACCESS, "id": "16932"}

OFFERS: tuple[Mapping[str, Any], ...] = (
    {"id": "23629", "name": "New laptop", "item_type": "16910", "status": "active"},
    {"id": "23640", "name": "Report a security incident", "item_type": "16920", "status": "active"},
    {"id": "23641", "name": "Security review", "item_type": "16920", "status": "active"},
    {"id": "23650", "name": "Access", "item_type": "16931", "status": "active"},
    {"id": "23651", "name": "Access", "item_type": "16932", "status": "active"},
    {"id": "23660", "name": "Anything else", "status": "active"},
)

CATEGORIES = {"Open": "To-do Category", "In Progress": "In-Progress Category", "Resolved": "Done Category"}

SUMMARY = "Sentinel incident 7c2a1e8f: credential dumping on SRV-DC02"

#: A task that opens a ticket for an incident.
TASK: Mapping[str, Any] = {
    "team_id": "soc",
    "item_type": "Security Incident",
    "offer": "Report a security incident",
    "summary": SUMMARY,
    "fields": {"Incident Reference": "SEN-7c2a1e8f", "Urgency": "High"},
    "unique_by": ["Incident Reference"],
}


def kind_of(entry: Mapping[str, Any] | None = None) -> TicketType:
    """Return a parsed ticket type; that of incidents by default."""
    return ticket_type_from(INCIDENT if entry is None else entry)


def field_of(name: str, entry: Mapping[str, Any] | None = None) -> Field:
    """Return a parsed field by its UUID or technical name."""
    return next(found for found in kind_of(entry).fields if name in (found.id, found.name))


def broken(*, is_write: bool = True) -> ApiError:
    """Return the failure that the client raises for a broken connection."""
    return ApiError("The connection broke off.", "unavailable", ambiguous=is_write, retryable=True)


def answered(
    http_status: int,
    code: str | None = None,
    text: str | None = None,
    fields: Mapping[str, list[str]] | None = None,
    *,
    html: bool = False,
    is_write: bool = False,
) -> ApiError:
    """Return the failure that the client raises for an HTTP error."""
    oddity = "an HTML page" if html else None
    problem = ErrorBody(code, text, None, fields or {})
    failure = from_response(REZOLVE, http_status, problem, oddity, None, is_write, str, None)
    return failure.with_option_names(NAMES).to_api_error("POST" if is_write else "GET", "/ticket", 1)


def invalid(fields: Mapping[str, list[str]]) -> ApiError:
    """Return the failure that the client raises for invalid field values."""
    text = "There occured an error during ticket data validation"
    return answered(400, VALIDATION_FAILURE, text, fields, is_write=True)


@dataclass(frozen=True)
class Fault:
    """The failure of one request.

    :param error: the exception to raise.
    :param takes_effect: whether a write is executed before.
    """

    error: BaseException
    takes_effect: bool = False


@dataclass(frozen=True)
class Event:
    """A read or change of a ticket.

    :param kind: ``create``, ``update``, ``edit`` or ``get``.
    :param version: the version of the ticket after the event; for ``get``, the version that was returned.
    """

    kind: str
    object_id: str
    version: int
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class MemoryTicketing:
    """The tickets of one tenant.

    :param rows: ``fat``; ``thin``: without data, etag, category and location; ``ids``: only the display id;
        ``marked``: with the search words marked in the summary; ``cut``: with the beginning of the summary.
    :param page_size: maximum number of rows of a page.
    :param says_end: whether a page shows if it is the last one.
    :param searched: ``all``, or ``summary`` if a search ignores the fields.
    :param search_lag: seconds until a search finds a new ticket.
    :param searches_before: number of searches after the creation that do not find a new ticket.
    :param list_lag: seconds until the list without a search text shows a new ticket.
    :param get_lag: number of reads after an update that return the old ticket.
    :param create_lag: number of reads of a new ticket that do not find it.
    :param stale: the HTTP status code for a stale etag.
    :param cleans: changes rich text before it is stored.
    :param keeps: functions that change the values of fields before they are stored, by UUID.
    :param ignores_updates: accept updates without storing anything.
    :param shows_place: whether tickets have lookup_props.
    :param tells_etag: whether the response to an update contains the new etag.
    :param faults: by operation, the failures of its next requests; None for a request that succeeds.
    :param editor: called before each request with its number, from 1, and its operation.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    types: list[Mapping[str, Any]] = field(default_factory=lambda: [HARDWARE, INCIDENT, ACCESS, OTHER_ACCESS])
    catalog: list[Mapping[str, Any]] = field(default_factory=lambda: list(OFFERS))
    user: Mapping[str, Any] = field(default_factory=dict)
    rows: str = "fat"
    page_size: int = 100
    type_page: int = 100
    says_end: bool = True
    searched: str = "all"
    search_lag: float = 0
    searches_before: int = 0
    list_lag: float = 0
    get_lag: int = 0
    create_lag: int = 0
    stale: int = 409
    cleans: Callable[[str], str] = str
    keeps: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    ignores_updates: bool = False
    shows_place: bool = True
    tells_etag: bool = True
    faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    editor: Callable[[int, str], None] | None = None
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    searches: list[Mapping[str, Any]] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=lambda: ["r1"])
    may_have_changed: bool = False

    def __post_init__(self) -> None:
        self._etags = 0
        self._created_at: dict[str, float] = {}
        self._searches_at: dict[str, int] = {}
        self._older: dict[str, deque[dict[str, Any] | None]] = {}

    # --- requests ---

    def excerpt(self, text: str, max_length: int) -> str:
        return excerpt(text, str, max_length)

    def ticket_types(self, top: int, skip: int) -> list[Mapping[str, Any]]:
        self._begin("ticket_types")
        return copy.deepcopy(self.types[skip : skip + min(top, self.type_page)])

    def offers(self) -> list[Mapping[str, Any]]:
        self._begin("offers")
        return copy.deepcopy(self.catalog)

    def user_info(self) -> Mapping[str, Any]:
        self._begin("user_info")
        return dict(self.user)

    def ticket(self, object_id: str) -> dict[str, Any]:
        self._begin("ticket")
        older = self._older.get(object_id)
        record = older.popleft() if older else self.tickets.get(object_id)
        if record is None:
            raise answered(404, html=True)
        self.events.append(Event("get", object_id, record["version"]))
        return self._shown(record)

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        validate_request(schemas.LIST_REQUEST, body)
        self.searches.append(copy.deepcopy(body))
        self._begin("tickets_page")
        found = [record for record in reversed(self.tickets.values()) if self._is_found(record, body.get("search"))]
        end = body["offset"] + min(body["top"], self.page_size)
        rows = [self._row(record, body.get("search")) for record in found[body["offset"] : end]]
        return Page(rows, end < len(found), len(found)) if self.says_end else Page(rows)

    def create_ticket(self, team_id: str, item_type_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        validate_request(schemas.CREATE_REQUEST, body)
        self.bodies.append(copy.deepcopy(body))
        fault = self._begin_write("create_ticket")
        if fault is None or fault.takes_effect:
            self._validate(item_type_id, body["ticketBody"], is_new=True)
            record = self.add(body["summary"], body["ticketBody"], team=team_id, item_type=item_type_id)
            self.hide_as_new(record["object_id"])
            self._older[record["object_id"]] = deque([None] * self.create_lag)
            self.events.append(Event("create", record["object_id"], 2, dict(body["ticketBody"])))
        if fault:
            raise fault.error
        return self._shown(record)

    def update_ticket(self, object_id: str, etag: str, changes: Mapping[str, Any]) -> str | None:
        validate_request(schemas.UPDATE_REQUEST, {"etag": etag, "ticketUpdate": changes})
        self.bodies.append({"etag": etag, "ticketUpdate": dict(changes)})
        fault = self._begin_write("update_ticket")
        if fault and not fault.takes_effect:
            raise fault.error
        record = self.tickets.get(object_id)
        if record is None:
            raise answered(404, html=True, is_write=True)
        if record["etag"] != etag:
            raise answered(self.stale, "ETAG_MISMATCH", "The ticket was changed", is_write=True)
        self._validate(record["lookup_props"]["itemTypeId"], changes)
        if not self.ignores_updates:
            self.show_as_it_is(object_id, self.get_lag)
            self._store(record, changes)
            self.events.append(Event("update", object_id, record["version"], dict(changes)))
        if fault:
            raise fault.error
        return record["etag"] if self.tells_etag else None

    # --- state ---

    def add(
        self, summary: str, data: Mapping[str, Any], *, team: str = "soc", item_type: str = "16920", **more: Any
    ) -> dict[str, Any]:
        """Add a ticket with the defaults of its type, and return it."""
        object_id = f"CTC-{len(self.tickets) + 54:04d}"
        fields = next((entry["fields"] for entry in self.types if entry["id"] == item_type), [])
        defaults = {entry["id"]: entry["defaultValue"] for entry in fields if entry.get("defaultValue") is not None}
        record = {
            "object_id": object_id,
            "summary": summary,
            "data": {"offerId": "23640", **defaults},
            "lookup_props": {"teamId": team, "itemTypeId": item_type},
            "moved_to": None,
            "deleted_seq": -1,
            "version": 1,
            "status_type": "Open",
            "status_category": CATEGORIES["Open"],
            "created_at": f"2026-11-21T03:{len(self.tickets):02d}:00.000Z",
        }
        self._store(record, data)
        record.update(more)
        self.tickets[object_id] = record
        return record

    def edit(self, object_id: str, values: Mapping[str, Any]) -> None:
        """Change a ticket as another user."""
        record = self.tickets[object_id]
        self._store(record, values)
        self.events.append(Event("edit", object_id, record["version"], dict(values)))

    def show_as_it_is(self, object_id: str, reads: int) -> None:
        """Return the current state of a ticket for a number of reads, even if it changes."""
        self._older.setdefault(object_id, deque()).extend([copy.deepcopy(self.tickets[object_id])] * reads)

    def hide_as_new(self, object_id: str) -> None:
        """Let a ticket appear in the search and the list as if it was created now."""
        self._created_at[object_id] = self.clock.now()
        self._searches_at[object_id] = self._searched

    def catch_up(self) -> None:
        """Return the current state in every read."""
        self._older.clear()

    def value(self, object_id: str, name: str) -> Any:
        """Return the value of a field."""
        return self.tickets[object_id]["data"].get(name)

    def count(self, operation: str) -> int:
        """Return the number of requests of an operation."""
        return self.calls.count(operation)

    @property
    def writes(self) -> int:
        """Return the number of write requests."""
        return self.count("create_ticket") + self.count("update_ticket")

    @property
    def _searched(self) -> int:
        return sum("search" in body for body in self.searches)

    # --- internals ---

    def _begin_write(self, operation: str) -> Fault | None:
        self.calls.append(operation)
        if self.editor:
            self.editor(len(self.calls), operation)
        waiting = self.faults.get(operation)
        return waiting.pop(0) if waiting else None

    def _begin(self, operation: str) -> None:
        fault = self._begin_write(operation)
        if fault:
            raise fault.error

    def _store(self, record: dict[str, Any], values: Mapping[str, Any]) -> None:
        self._etags += 1
        kinds = {entry["id"]: entry["type"] for kind in self.types for entry in kind["fields"]}
        for name, value in values.items():
            if kinds.get(name) == "richtext" and isinstance(value, str):
                value = self.cleans(value)
            record["data"][name] = self.keeps[name](value) if name in self.keeps else value
        record["etag"] = f"etag-{self._etags}"
        record["version"] += 1
        status = values.get(STATUS)
        if status:
            record.update(status_type=status, status_category=CATEGORIES[status])

    def _validate(self, item_type: str, values: Mapping[str, Any], *, is_new: bool = False) -> None:
        fields = {entry["id"]: entry for kind in self.types if kind["id"] == item_type for entry in kind["fields"]}
        wrong = {name: [f"{name} is unknown"] for name in values if name not in fields and name != "offerId"}
        for name, entry in fields.items():
            value = values.get(name)
            if is_new and entry.get("required") is True and value is None and entry.get("defaultValue") is None:
                wrong[name] = ["is required"]
            if entry["type"] in ("date", "datetime") and value is not None and instant(value) is None:
                wrong[name] = ["is no proper date string"]
        if wrong:
            raise invalid(wrong)

    def _shown(self, record: Mapping[str, Any]) -> dict[str, Any]:
        shown = copy.deepcopy(dict(record))
        if not self.shows_place:
            del shown["lookup_props"]
        return shown

    def _row(self, record: Mapping[str, Any], text: str | None = None) -> dict[str, Any]:
        if self.rows == "fat":
            return self._shown(record)
        if self.rows == "marked":
            words = "|".join(map(re.escape, (text or "").split()))
            marked = re.sub(f"({words})", r"<em>\1</em>", record["summary"]) if words else record["summary"]
            return {**self._shown(record), "summary": marked}
        if self.rows == "cut":
            return {**self._shown(record), "summary": f"{record['summary'][:9]} ..."}
        if self.rows == "ids":
            return {"objectId": record["object_id"]}
        return {
            "objectId": record["object_id"],
            "summary": record["summary"],
            "status_type": record["status_type"],
            "created_at": record["created_at"],
        }

    def _is_found(self, record: Mapping[str, Any], text: str | None) -> bool:
        name, lag = record["object_id"], self.list_lag if text is None else self.search_lag
        if name in self._created_at and self._created_at[name] + lag > self.clock.now():
            return False
        if text is None:
            return True
        if name in self._searches_at and self._searched - self._searches_at[name] <= self.searches_before:
            return False
        fields: Iterable[Any] = (record["data"] or {}).values() if self.searched == "all" else ()
        content = " ".join(str(part) for part in (record["summary"], record["object_id"], *fields)).lower()
        return all(word in content for word in text.lower().split())


def without_tags(text: str) -> str:
    """Sanitize rich text as a service may do."""
    return " ".join(re.sub("<script>.*?</script>", "", text).split())


def task(**changes: Any) -> dict[str, Any]:
    """Return the options of the task with changes; ``fields`` are added to its own."""
    fields = {**TASK["fields"], **(changes.pop("fields", None) or {})}
    return {**TASK, "fields": fields, **changes}


def named(object_id: str, **options: Any) -> dict[str, Any]:
    """Return the options of a task for a ticket with object_id."""
    return {"object_id": object_id, **options}


def keep(
    service: MemoryTicketing, options: Mapping[str, Any], *, check_mode: bool = False, verify_timeout: float = 30
) -> OperationResult:
    """Run a task."""
    return ensure_ticket(
        service,
        parse_options({"verify_timeout": verify_timeout, **options}),
        RunOptions(check_mode, verify_timeout, service.clock),
    )


class EnsureTicket(operation.EnsureTicket[Wanted, ResolvedTicket]):
    """The operation on one ticket of the in-memory service."""

    def __init__(self, service: Any, wanted: Wanted) -> None:
        super().__init__(RezolveBackend(service), wanted)


def single_match(matches: Sequence[Mapping[str, Any]], label: str) -> Mapping[str, Any] | None:
    """Return the only match."""
    return operation.single_match(matches, label, RezolveBackend)


def parse_items(service: Any, items: Sequence[Mapping[str, Any]]) -> Sequence[BulkItem]:
    """Parse the items of a list."""
    return TICKETS.parse_items(service, items)


def crowd(service: MemoryTicketing, count: int) -> None:
    """Add tickets that resemble the wanted one."""
    for number in range(count):
        service.add(f"{SUMMARY}: customer {number}", {REFERENCE: f"SEN-1{number}"})
