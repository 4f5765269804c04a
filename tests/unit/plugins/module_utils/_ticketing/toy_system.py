# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small ticketing system in memory, and the defects that a conformance rule detects."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any, Callable, ClassVar, Collection, Hashable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import excerpt
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    Answer,
    Capabilities,
    Found,
    ReadBudget,
    StaleMarkerError,
    State,
    TargetTicket,
    Ticket,
    TicketBackend,
    TicketFormat,
    TicketOptions,
    TicketUpdate,
    Updated,
    WantedTicket,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.bulk_tickets import TicketBulk
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.response_cache import ResponseCache
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing import conformance
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing.conformance import (
    CREATE,
    READ,
    SEARCH,
    SECRET,
    UPDATE,
)

LEVELS = ("low", "medium", "high")

#: The defects, each with a rule that it breaks.
DEFECTS: Mapping[str, str] = {
    "sends an interrupted creation again": "creates_once",
    "calls an interrupted creation refused": "creates_once",
    "returns another ticket after the creation": "reports_a_new_ticket",
    "compares the notation of values": "converges",
    "creates a draft to check the options": "check_mode_writes_nothing",
    "reads one page": "finds_the_second_page",
    "accepts near matches": "near_matches_are_other_tickets",
    "returns the first match": "several_matches_are_ambiguous",
    "takes a failed search for an empty one": "failed_search_creates_nothing",
    "does not count rows": "inconsistent_pages_create_nothing",
    "does not check the marker": "foreign_edits_are_kept",
    "reports an outdated marker as a refusal": "edits_of_other_fields_do_not_disturb",
    "calls an interrupted update refused": "interrupted_updates_are_completed",
    "accepts any stored value": "unstored_values_fail",
    "accepts no stored value": "rewritten_texts_are_accepted",
    "counts closed tickets as open": "closed_tickets_are_not_used",
    "forgets what the task closed": "ticket_closed_by_the_task_is_found_again",
    "reads the first ticket": "named_tickets_are_read_by_their_id",
    "takes each item for another ticket": "lists_create_each_ticket_once",
    "groups by the exact reference": "lists_group_what_a_search_finds",
    "quotes values": "secrets_are_not_quoted",
    "remembers its first search": "slow_searches_are_awaited",
    "adds notes in every run": "notes_are_added_once",
    "forgets notes": "notes_are_added_once",
    "returns nothing after the creation": "capabilities_are_true",
}


@dataclass
class ToyService:
    """The tickets of the service, by display id. Requests also accept the id.

    :param hides_notes: whether reads show no notes.
    """

    page_size: int = 100
    clock: FakeClock = field(default_factory=FakeClock)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: dict[str, list[tuple[BaseException, bool]]] = field(default_factory=dict)
    hidden_rows: int = 0
    stored: dict[str, str] = field(default_factory=dict)
    ignores_updates: bool = False
    hides_notes: bool = False
    search_lag: float = 0
    may_have_changed: bool = False

    def search(self, reference: str, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return a page of the tickets whose references contain a text, and the number of all of them."""
        self._begin(SEARCH)
        visible_until = self.clock.now() - self.search_lag
        return self._page(
            [
                record
                for record in self.tickets.values()
                if reference.lower() in record["reference"].lower() and record["created"] <= visible_until
            ],
            offset,
        )

    def newest(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Return a page of all tickets, and the number of all of them."""
        self._begin(SEARCH)
        return self._page(list(reversed(self.tickets.values())), offset)

    def _page(self, records: list[dict[str, Any]], offset: int) -> tuple[list[dict[str, Any]], int]:
        shown = records[: len(records) - self.hidden_rows] if self.hidden_rows else records
        return copy.deepcopy(shown[offset : offset + self.page_size]), len(records)

    def read(self, ticket_id: str) -> dict[str, Any]:
        """Return a ticket."""
        self._begin(READ)
        record = copy.deepcopy(self._ticket(ticket_id))
        return {**record, "notes": []} if self.hides_notes else record

    def _ticket(self, ticket_id: str) -> dict[str, Any]:
        for name, record in self.tickets.items():
            if ticket_id in (name, record["id"]):
                return record
        raise ApiError(f"Ticket {ticket_id} does not exist.", "not_found", http_status=404)

    def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a ticket."""
        return self._write(CREATE, lambda: self.add(body))

    def update(self, ticket_id: str, version: int | None, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change a ticket if it has the version, or in any case without one."""
        if version is not None and self._ticket(ticket_id)["version"] != version:
            self.requests.append(UPDATE)
            raise ApiError("The version is outdated.", "conflict", http_status=409)
        return self._write(UPDATE, lambda: self.store(ticket_id, {} if self.ignores_updates else body))

    def add(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store a new ticket."""
        name = f"T-{len(self.tickets) + 1:03d}"
        empty = {"id": f"id of {name}", "name": name, "text": None, "status": "open", "version": 0, "notes": []}
        self.tickets[name] = {**empty, "created": self.clock.now(), "reference": body["reference"], "level": "low"}
        return self.store(name, body)

    def store(self, ticket_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Store values of a ticket."""
        record = self._ticket(ticket_id)
        values = {name: value for name, value in body.items() if name != "note"}
        record.update({name: self.stored.get(name, value) for name, value in values.items()})
        record["notes"] += [body["note"]] if body.get("note") else []
        record["version"] += 1
        return copy.deepcopy(record)

    def _begin(self, request: str) -> bool:
        """Record a request. Raise its failure, or return True if it fails after it took effect."""
        self.requests.append(request)
        waiting = self.faults.get(request)
        if waiting and not waiting[0][1]:
            raise waiting.pop(0)[0]
        return bool(waiting)

    def _write(self, request: str, execute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        fails = self._begin(request)
        record = execute()
        if fails:
            raise self.faults[request].pop(0)[0]
        return record


@dataclass(frozen=True)
class ToyWanted(WantedTicket):
    """The parsed options of a task."""

    name: str | None = None
    reference: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    include_closed: bool = False
    note: str | None = None

    @property
    def ticket_id(self) -> str | None:
        return self.name

    @property
    def title(self) -> str | None:
        return None

    @property
    def accepts_closed(self) -> bool:
        return self.include_closed

    def __str__(self) -> str:
        return f"ticket {self.name or self.reference}"


class ToyFormat(TicketFormat):
    """Read the record of a ticket."""

    def id_of(self, record: Ticket) -> str:
        return str(record["id"])

    def name_of(self, record: Ticket) -> str:
        return str(record["name"])

    def title_of(self, record: Ticket) -> str | None:
        return record.get("reference")

    def data_of(self, record: State) -> Mapping[str, Any]:
        return {name: record[name] for name in ("level", "text", "status") if name in record} if record else {}

    def marker_of(self, record: Ticket) -> str | None:
        return str(record["version"]) if record.get("version") else None

    def is_closed(self, record: Ticket) -> bool:
        return bool(record["status"] == "closed")

    def created_at(self, record: Ticket) -> str:
        return f"{record['created']:020.6f}"


@dataclass(frozen=True)
class ToyTarget(TargetTicket):
    """The wanted ticket."""

    reference: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None
    can_read_notes: bool = True
    defects: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()

    format = ToyFormat()

    @property
    def body(self) -> Mapping[str, Any]:  # type: ignore[override]
        return {"reference": self.reference, **self.values, "note": self.note}

    def is_same(self, name: str, one: Any, other: Any) -> bool:
        if name == "level" and "compares the notation of values" not in self.defects:
            return str(one).lower() == str(other).lower()
        return bool(one == other)

    def may_be_stored_as(self, name: str, given: Any, stored: Any) -> bool:
        if "accepts any stored value" in self.defects:
            return True
        return name == "text" and "accepts no stored value" not in self.defects

    def by_title(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name.capitalize(): value for name, value in values.items()}

    def display(self, record: Ticket, names: Sequence[str]) -> dict[str, Any]:
        return {name: record.get(name) for name in ("reference", *names)}

    def expected(self) -> Ticket:
        return {"level": "low", "status": "open", **self.body}

    def update_request(
        self, marker: str | None, changes: Mapping[str, Any], notes: Mapping[str, str]
    ) -> Mapping[str, Any]:
        return {**changes, **notes}

    def after_update(self, record: Ticket, changes: Mapping[str, Any], notes: Mapping[str, str]) -> Ticket:
        return {**record, **changes}

    @property
    def notes(self) -> Mapping[str, str]:
        return {"note": self.note} if self.note else {}

    def pending_notes(self, record: Ticket, changes: Mapping[str, Any]) -> Mapping[str, str]:
        if "forgets notes" in self.defects:
            return {}
        if "adds notes in every run" in self.defects:
            return self.notes
        if not self.can_read_notes:
            return self.notes if changes else {}
        return {} if self.note in record["notes"] else self.notes

    def counts_as_closed(self, record: Ticket) -> bool:
        if "counts closed tickets as open" in self.defects:
            return False
        is_wanted = self.values.get("status") == "closed" and "forgets what the task closed" not in self.defects
        return self.format.is_closed(record) and not is_wanted

    def respelled(self, record: Ticket) -> Mapping[str, tuple[str, str]]:
        stored = record.get("reference", self.reference)
        return {} if stored == self.reference else {"reference": (stored, self.reference)}

    def filed_keys(self, signature: Hashable) -> Sequence[Hashable]:
        return [self.reference.lower()]

    def would_find(self, created: ToyTarget) -> bool:
        if "takes each item for another ticket" in self.defects:
            return False
        if "groups by the exact reference" in self.defects:
            return self.reference == created.reference
        return self.reference.lower() == created.reference.lower()


class ToyBackend(TicketBackend[ToyWanted, ToyTarget]):
    """The requests for one ticket."""

    capabilities = Capabilities(Answer.YES, True, False, Answer.YES)
    format = ToyFormat()
    options = TicketOptions("name", "include_closed", "reference", "title")
    volatile_keys = frozenset({"version"})

    def __init__(self, service: ToyService, defects: frozenset[str] = frozenset()) -> None:
        self.service = service
        self.defects = defects
        self.searches: dict[str, list[Ticket]] = {}

    @property
    def request_ids(self) -> list[str]:
        return [f"r{number}" for number in range(len(self.service.requests))]

    def resolve_new(self, wanted: ToyWanted) -> ToyTarget:
        if "creates a draft to check the options" in self.defects:
            self.service.add({"reference": "draft"})
        level = str(wanted.values.get("level") or "low").lower()
        if level not in LEVELS:
            shown = excerpt(level, lambda text: text.replace(SECRET, "***"), 60)
            quoted = level[:60] if "quotes values" in self.defects else shown
            raise configuration_error(f"level must be one of {', '.join(LEVELS)}, not {quoted}.")
        can_read = self.capabilities.can_read_notes is Answer.YES
        values = {**wanted.values, **({"level": level} if "level" in wanted.values else {})}
        if "compares the notation of values" in self.defects:
            values = dict(wanted.values)
        return ToyTarget(str(wanted.reference), values, wanted.note, can_read, self.defects)

    def resolve_existing(self, wanted: ToyWanted, record: Ticket) -> ToyTarget:
        return self.resolve_new(replace(wanted, reference=record["reference"]))

    def find(self, target: ToyTarget, accepts_closed: bool, budget: ReadBudget) -> Found:
        return self._judge(target, accepts_closed, lambda offset: self.service.search(target.reference, offset))

    def find_among_newest(self, target: ToyTarget, accepts_closed: bool, budget: ReadBudget) -> Found:
        return self._judge(target, accepts_closed, self.service.newest)

    def _judge(self, target: ToyTarget, accepts_closed: bool, page: Callable[[int], Any]) -> Found:
        found = Found()
        for row in self._rows(target.reference, page):
            is_match = row["reference"] == target.reference or (
                "accepts near matches" in self.defects and target.reference[:-1] in row["reference"]
            )
            is_similar = row["reference"].lower() == target.reference.lower()
            if not is_match and not is_similar:
                continue
            if target.counts_as_closed(row) and not accepts_closed:
                found.closed.append(row["name"])
            elif is_match:
                found.matches.append(row)
            else:
                found.similar.append(row)
        if "returns the first match" in self.defects:
            del found.matches[1:]
        return found

    def _rows(self, reference: str, page: Callable[[int], Any]) -> list[Ticket]:
        if reference in self.searches:
            return self.searches[reference]
        rows: list[Ticket] = []
        total = 1
        while len(rows) < total:
            try:
                shown, total = page(len(rows))
            except ApiError:
                if "takes a failed search for an empty one" not in self.defects:
                    raise
                return rows
            rows += shown
            if "reads one page" in self.defects or (not shown and "does not count rows" in self.defects):
                break
            if not shown and len(rows) < total:
                raise ApiError(f"The list counts {total} tickets but shows {len(rows)}.", "contract")
        if "remembers its first search" in self.defects:
            self.searches[reference] = rows
        return rows

    def get(self, ticket_id: str, wanted: ToyWanted, *, is_new: bool = False) -> Ticket:
        first = next(iter(self.service.tickets), ticket_id)
        record = self.service.read(first if "reads the first ticket" in self.defects else ticket_id)
        return record if self.capabilities.can_read_notes is Answer.YES else {**record, "notes": None}

    def create(self, target: ToyTarget) -> State:
        try:
            record = self.service.create(target.body)
        except ApiError as failure:
            if "sends an interrupted creation again" in self.defects:
                return self.service.create(target.body)
            raise self._as_refused(failure, "calls an interrupted creation refused") from None
        if "returns another ticket after the creation" in self.defects:
            return self.service.add({"reference": target.reference})
        if "returns nothing after the creation" in self.defects or not self.capabilities.create_returns_ticket:
            return None
        return record

    def update(self, ticket_id: str, update: TicketUpdate, target: ToyTarget) -> Updated:
        checked = None if "does not check the marker" in self.defects else int(str(update.marker))
        try:
            record = self.service.update(ticket_id, checked, update.body)
        except ApiError as failure:
            if failure.http_status == 409 and "reports an outdated marker as a refusal" not in self.defects:
                raise StaleMarkerError(failure) from None
            raise self._as_refused(failure, "calls an interrupted update refused") from None
        return Updated(record, self.format.marker_of(record))

    def _as_refused(self, failure: ApiError, defect: str) -> ApiError:
        return ApiError(failure.message, failure.category) if defect in self.defects else failure

    def result_values(self, ticket: Ticket, ticket_id: str | None) -> dict[str, Any]:
        return {"id": ticket_id, "name": ticket.get("name")}


class ToyBackendWithoutRecords(ToyBackend):
    """A service that answers writes without the ticket, shows no notes, and searches immediately."""

    capabilities = Capabilities(Answer.NO, False, True, Answer.NO)

    def delivered_notes(self, ticket_id: str, interrupted: TicketUpdate) -> Collection[str]:
        is_unchanged = self.format.marker_of(self.service.read(ticket_id)) == interrupted.marker
        return () if is_unchanged else interrupted.notes


class ToyUnderTest(conformance.SystemUnderTest):
    """The toy system for the conformance rules."""

    has_notes: ClassVar[bool] = True
    rewrites_texts: ClassVar[bool] = True
    defects: ClassVar[frozenset[str]] = frozenset()
    backend_class: ClassVar[type[ToyBackend]] = ToyBackend

    def __init__(self, page_size: int = 100) -> None:
        self.service = ToyService(page_size)
        self.clock = self.service.clock

    def options(self, reference: str | None, **more: Any) -> dict[str, Any]:
        return {"reference": reference, **more}

    def parse(self, options: Mapping[str, Any]) -> ToyWanted:
        values = {name: options[name] for name in ("level", "text") if options.get(name) is not None}
        if options.get("closed"):
            values["status"] = "closed"
        return ToyWanted(
            options.get("name"),
            options.get("reference"),
            values,
            bool(options.get("include_closed")),
            options.get("note"),
        )

    def backend(self) -> ToyBackend:
        return self.backend_class(self.service, self.defects)

    def bulk(self) -> tuple[BulkDefinition[Any], Any]:
        bulk = TicketBulk(lambda _api, _cache: self.backend(), ResponseCache, self.parse, ("name", "reference"))
        return bulk.definition({}), self.service

    def add(self, reference: str, level: str = "low", *, closed: bool = False) -> str:
        status = "closed" if closed else "open"
        return str(self.service.add({"reference": reference, "level": level, "status": status})["name"])

    def edit(self, name: str, **values: Any) -> None:
        self.service.store(name, values)

    def tickets(self) -> dict[str, conformance.Stored]:
        return {
            name: conformance.Stored(
                record["reference"],
                record["level"],
                record["text"],
                record["status"] == "closed",
                tuple(record["notes"]),
            )
            for name, record in self.service.tickets.items()
        }

    def near(self, reference: str) -> Sequence[str]:
        return [f"{reference}0", reference[:-1], f"A {reference}", reference.swapcase()]

    @property
    def writes(self) -> list[str]:
        return [request for request in self.service.requests if request in (CREATE, UPDATE)]

    def fail(self, request: str, error: BaseException, *, takes_effect: bool = False, times: int = 1) -> None:
        self.service.faults[request] = [(error, takes_effect)] * times

    def hide_rows(self) -> None:
        self.service.hidden_rows = 1

    def ignore_updates(self) -> None:
        self.service.ignores_updates = True

    def replace_level(self, level: str) -> None:
        self.service.stored["level"] = level

    def rewrite_text(self, text: str) -> None:
        self.service.stored["text"] = text

    def delay_search(self, seconds: float) -> None:
        self.service.search_lag = seconds


class ToyWithoutRecords(ToyUnderTest):
    """The toy system whose responses to writes are empty."""

    backend_class: ClassVar[type[ToyBackend]] = ToyBackendWithoutRecords
