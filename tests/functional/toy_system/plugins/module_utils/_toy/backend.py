# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The toy system as a ticketing system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Hashable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import OK, Report
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._ticketing import ensure_ticket as operation
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    Answer,
    Capabilities,
    Found,
    ReadBudget,
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
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.connection_check import (
    check_result,
    refused_options_result,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.response_cache import ResponseCache
from ansible_collections.secops.itsm.plugins.module_utils._toy.api import ToyApi
from ansible_collections.secops.itsm.plugins.module_utils._toy.assumptions import MAX_TITLE_LENGTH


@dataclass(frozen=True)
class Wanted(WantedTicket):
    """The parsed options of a task."""

    name: str | None
    reference: str | None
    given_title: str | None
    values: Mapping[str, Any]
    include_closed: bool

    @property
    def ticket_id(self) -> str | None:
        """Return the name that the task gives."""
        return self.name

    @property
    def title(self) -> str | None:
        """Return the title of a new ticket."""
        return self.given_title

    @property
    def accepts_closed(self) -> bool:
        """Return whether a closed ticket is used."""
        return self.include_closed

    def __str__(self) -> str:
        return f"ticket {self.name or self.reference}"


class Format(TicketFormat):
    """Read the record of a ticket."""

    def id_of(self, record: Ticket) -> str:
        """Return its name."""
        return str(record["name"])

    name_of = id_of

    def title_of(self, record: Ticket) -> str | None:
        """Return its title."""
        return record.get("title")

    def data_of(self, record: State) -> Mapping[str, Any]:
        """Return its values."""
        return {"closed": record["closed"]} if record else {}

    def marker_of(self, record: Ticket) -> str | None:
        """Return its version."""
        return str(record["version"])

    def is_closed(self, record: Ticket) -> bool:
        """Return whether it is closed."""
        return bool(record["closed"])

    def created_at(self, record: Ticket) -> str:
        """Return its name, which ascends."""
        return self.id_of(record)


FORMAT = Format()


@dataclass(frozen=True)
class Target(TargetTicket):
    """The wanted ticket."""

    reference: str
    values: Mapping[str, Any]
    body: Mapping[str, Any]
    ignored: frozenset[str] = field(default=frozenset())

    format = FORMAT

    def is_same(self, name: str, one: Any, other: Any) -> bool:
        """Return whether two values are equal."""
        return bool(one == other)

    def may_be_stored_as(self, name: str, given: Any, stored: Any) -> bool:
        """Return False: the file stores each value as it is."""
        return False

    def by_title(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by the names that people read."""
        return dict(values)

    def display(self, record: Ticket, names: Sequence[str]) -> dict[str, Any]:
        """Return a ticket for people."""
        return {name: record.get(name) for name in ("name", "title", "reference", *names)}

    def expected(self) -> Ticket:
        """Return the ticket after its creation."""
        return {"closed": False, **self.body}

    def update_request(
        self, marker: str | None, changes: Mapping[str, Any], notes: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Return the body of an update."""
        return changes

    def after_update(self, record: Ticket, changes: Mapping[str, Any], notes: Mapping[str, str]) -> Ticket:
        """Return a ticket after an update."""
        return {**record, **changes}

    def filed_keys(self, signature: Hashable) -> Sequence[Hashable]:
        """Return the reference."""
        return [self.reference]

    def would_find(self, created: Target) -> bool:
        """Return whether both have the same reference."""
        return self.reference == created.reference


class Backend(TicketBackend[Wanted, Target]):
    """The requests for one ticket."""

    capabilities = Capabilities(Answer.NO, True, True, Answer.NO)
    format = FORMAT
    options = TicketOptions("name", "include_closed", "reference", "title")
    volatile_keys = frozenset({"version"})

    def __init__(self, api: ToyApi, _cache: Any = None) -> None:
        self._api = api

    @property
    def request_ids(self) -> list[str]:
        """Return nothing: no requests are sent."""
        return []

    def resolve_new(self, wanted: Wanted) -> Target:
        """Return the wanted ticket."""
        body = {"reference": wanted.reference, "title": wanted.title, **wanted.values}
        return Target(str(wanted.reference), wanted.values, body)

    def resolve_existing(self, wanted: Wanted, record: Ticket) -> Target:
        """Return the wanted ticket for an existing one."""
        return Target(record["reference"], wanted.values, wanted.values)

    def find(self, target: Target, accepts_closed: bool, budget: ReadBudget) -> Found:
        """Return the tickets with the reference."""
        matches = [record for record in self._api.tickets() if record["reference"] == target.reference]
        used = [record for record in matches if accepts_closed or not record["closed"]]
        return Found(used, [record["name"] for record in matches if record not in used])

    def get(self, ticket_id: str, wanted: Wanted, *, is_new: bool = False) -> Ticket:
        """Return a ticket."""
        return self._api.ticket(ticket_id)

    def create(self, target: Target) -> State:
        """Create a ticket."""
        return self._api.create(target.body)

    def update(self, ticket_id: str, update: TicketUpdate, target: Target) -> Updated:
        """Change a ticket."""
        record = self._api.update(ticket_id, update.changes)
        return Updated(record, FORMAT.marker_of(record))

    def result_values(self, ticket: Ticket, ticket_id: str | None) -> dict[str, Any]:
        """Return the ticket for the result."""
        return {"name": ticket_id}


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Return the parsed options of one ticket.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    name, reference, title = (options.get(key) or None for key in ("name", "reference", "title"))
    if bool(name) == bool(reference):
        raise configuration_error("Set one of name and reference.")
    if len(title or "") > MAX_TITLE_LENGTH:
        raise configuration_error(f"title has more than {MAX_TITLE_LENGTH} characters. Shorten it.")
    values = {} if options.get("closed") is None else {"closed": options["closed"]}
    return Wanted(name, reference, title, values, bool(options.get("include_closed")))


def ensure_ticket(api: ToyApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Create or change a ticket, and return the result.

    :param api: the API.
    :param wanted: the parsed options.
    :param run: the run options.
    """
    return operation.ensure_ticket(Backend(api), wanted, run)


TICKETS = TicketBulk(Backend, ResponseCache, parse_options, ("name", "reference")).definition(
    {"name": ("reference", "title"), "reference": ("name",)}
)


def check_connection(api: ToyApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Read the tickets, and return the findings.

    :param api: the API.
    :param options: the options of the task.
    :param run: the run options.
    """
    del options, run
    report = Report()
    report.add("address", OK, f"{len(api.tickets())} tickets")
    return check_result(report, None, {"name": None})


def refused_options(failure: ApiError) -> OperationResult:
    """Return the result for invalid connection options.

    :param failure: the error of the options.
    """
    return refused_options_result(failure, ("name",))
