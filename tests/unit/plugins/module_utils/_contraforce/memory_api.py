# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In-memory ContraForce APIs, for tests of operations without HTTP."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import IncidentPage
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import validate_request
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
LABEL = f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})"
KEY_OPTIONS: Mapping[str, Any] = {"workspace_id": WORKSPACE, "source": "sentinel", "incident_id": INCIDENT}

BROKEN = ApiError("The connection broke off.", "unavailable", ambiguous=True, retryable=True)
INVALID_RESPONSE = ApiError("The response does not fit the contract.", "contract", http_status=201, ambiguous=True)
REFUSED = ApiError("The request was refused.", "validation", http_status=400)
CONFLICT = ApiError("It was changed at the same time.", "conflict", http_status=409, retryable=True)
NOT_FOUND = ApiError("It was not found.", "not_found", code="NOT_FOUND", http_status=404)
UNREADABLE = ApiError("The service is not able to answer.", "unavailable", http_status=503, retryable=True)
#: More failures than any run reads.
ALWAYS_UNREADABLE = [UNREADABLE] * 50

#: The tickets of each ticketing system, by identifier and display number.
TICKETS: Mapping[str, list[tuple[Any, str]]] = {
    "Autotask": [(41877, "T20261121.0042"), (41878, "T20261121.0043")],
    "ServiceNow": [("1d5f0a2b3c4d5e6f708192a3b4c5d6e7", "INC0012345"), ("2" * 32, "INC0012346")],
    "Jira": [("10042", "SOC-311"), ("10043", "SOC-312")],
    "Zendesk": [(9001, "9001"), (9002, "9002")],
    "None": [],
}
TICKET_MEMBERS = {"Autotask": "autotaskTicket", "ServiceNow": "serviceNowTicket", "Jira": "jiraTicket"}

DUTY = {"id": "9b2f1c3d", "displayName": "D. Duty", "email": "d.duty@northwind.example"}
NIGHT = {"id": "0c1d2e3f", "displayName": "N. Night", "email": "n.night@northwind.example"}

#: How a read of the incident may show its assignee.
ASSIGNEE_VIEWS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "as the list": lambda user: {"user": user, "isAssigned": user is not None},
    "user": lambda user: {"user": user},
    "email": lambda user: {"user": user and {"email": user["email"]}},
    "id": lambda user: {"user": user and {"id": user["id"], "email": None}},
    "flag": lambda user: {"isAssigned": user is not None},
    "only while assigned": lambda user: {"user": user} if user else {},
    "nothing": lambda user: {},
}


class Killed(BaseException):
    """The end of a run by a signal."""


KILLED = Killed()


@dataclass(frozen=True)
class Task:
    """A task on one incident.

    :param parse: parses the options.
    :param execute: the operation.
    :param options: the options, without those that identify the incident.
    """

    parse: Callable[[Mapping[str, Any]], Any]
    execute: Callable[..., OperationResult]
    options: Mapping[str, Any]

    def parsed(self, **changes: Any) -> Any:
        """Return the parsed options with changes."""
        return self.parse({**KEY_OPTIONS, **self.options, **changes})

    def run(self, api: Any, check_mode: bool = False, verify_timeout: float = 30, **changes: Any) -> OperationResult:
        """Run the task with changed options, and return its result."""
        return self.execute(api, self.parsed(**changes), RunOptions(check_mode, verify_timeout, api.clock))

    def failure(self, api: Any, **changes: Any) -> ApiError:
        """Run the task, and return its failure."""
        with pytest.raises(ApiError) as caught:
            self.run(api, **changes)
        return caught.value

    def assert_rejected(self, changes: Mapping[str, Any], facts: Sequence[Any]) -> None:
        """Assert that changed options are rejected with these facts."""
        with pytest.raises(ApiError) as caught:
            self.parsed(**changes)
        assert caught.value.category == "configuration"
        assert_message(caught.value.message, *facts)


@dataclass
class MemoryApi:
    """One incident with its comments, its ticket and its assignee.

    :param keeps: how the service stores a classification and its reason: ``kept``, ``dropped``, ``hidden`` or
        ``replaced``.
    :param rewrites: returns the text that the service stores for a posted comment.
    :param shows_ticket: how a read shows the ticket: ``object``, ``id``, ``omitted`` (an id while there is a ticket),
        ``unnamed`` (only whether there is a ticket), ``comments`` or ``hidden``.
    :param shows_assignee: one of :data:`ASSIGNEE_VIEWS`.
    :param is_flat: whether the record is in ``data`` itself.
    :param lag: the number of reads after a write that still show the state before it.
    :param write_faults: for each write in turn: None, or (exception, whether the write takes effect).
    :param read_faults: for each read in turn: None or an error.
    :param failures_after_write: the number of reads after the first write that fail.
    :param response: the response to a link or comment request, instead of the usual one.
    :param not_linked: the error that an unlink request without a link causes.
    """

    record: dict[str, Any] = field(default_factory=dict)
    keeps: str = "kept"
    messages: list[Any] = field(default_factory=list)
    comment_times: list[str] = field(default_factory=list)
    comment_time: str = "2026-11-21T03:00:00Z"
    update_time: str = "2026-11-21T03:00:01Z"
    rewrites: Callable[[str], Any] = str
    shows_ids: bool = True
    system: str = "Autotask"
    linked: Any = None
    shows_ticket: str = "object"
    comments_ticket: Any = None
    ids_as_text: bool = False
    sets_no_ticket: bool = False
    refuses_relink: bool = False
    not_linked: ApiError | None = None
    assigned: Mapping[str, Any] | None = None
    shows_assignee: str = "as the list"
    is_flat: bool = False
    lag: int = 0
    lags_in_status_only: bool = False
    write_faults: list[tuple[BaseException, bool] | None] = field(default_factory=list)
    read_faults: list[ApiError | None] = field(default_factory=list)
    comments_fault: ApiError | None = None
    failures_after_write: int = 0
    ignores_writes: bool = False
    response: Any = None
    clock: FakeClock = field(default_factory=FakeClock)
    writes: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    reads: int = 0
    comment_reads: int = 0
    request_ids: list[str] = field(default_factory=lambda: ["r1"])

    def __post_init__(self) -> None:
        self.write_faults, self.read_faults = list(self.write_faults), list(self.read_faults)
        self.record = {"id": INCIDENT, "status": "New", **self.record}
        self.stored = [self._comment(place, message) for place, message in enumerate(self.messages)]
        for entry, time in zip(self.stored, self.comment_times):
            entry["createdTime"] = time
        self._older: dict[str, Any] = {}
        self._lag_left = 0
        self._hidden_for: dict[str, int] = {}

    @property
    def status(self) -> Any:
        return self.record["status"]

    @property
    def texts(self) -> list[Any]:
        return [entry["message"] for entry in self.stored]

    def catch_up(self) -> None:
        """Let all reads succeed and show the current state."""
        self._lag_left = self.failures_after_write = 0
        self._hidden_for = {}
        self.read_faults = []

    # --- the requests -----------------------------------------------------------------------------------------------

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        self.reads += 1
        self._begin_read()
        record = self._shown()
        if self._lag_left > 0:
            self._lag_left -= 1
            newer = {"updatedAt": self.record["updatedAt"]} if self.lags_in_status_only else {}
            record = {**self._older, **newer}
        return record if self.is_flat else {"source": "Sentinel", "incident": record}

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        return record_of(self.incident_data(key))

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        self.comment_reads += 1
        self._begin_read()
        if self.comments_fault:
            raise self.comments_fault
        shown = [dict(entry) for entry in self.stored if not self._hidden_for.get(entry["id"])]
        self._hidden_for = {name: max(0, left - 1) for name, left in self._hidden_for.items()}
        if self.comments_ticket:
            shown.append({"message": "Copied to the ticket.", "ticketId": self.comments_ticket})
        return shown if self.shows_ids else [{"message": entry["message"]} for entry in shown]

    def update_incident_status(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        self._write("status", body, lambda: self._store_status(body))

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        entry = self._comment(len(self.stored), self.rewrites(text))

        def store() -> None:
            self.stored.append(entry)
            self._hidden_for[entry["id"]] = self.lag

        self._write("comment", {"content": text}, store)
        return dict(entry) if self.response is None else self.response

    def assign_incident(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        ((name, value),) = body.items()
        known = {"userId": "id", "email": "email"}[name]

        def store() -> None:
            self.assigned = next(user for user in (DUTY, NIGHT) if user[known] == value.lower())

        self._write("assign", body, store)

    def link_ticket(self, key: IncidentKey, ticket_id: str, number: str | None) -> dict[str, Any]:
        body = {"ticketId": ticket_id, "number": number}
        ticket = next((entry for entry in TICKETS[self.system] if ticket_id in map(str, entry)), None)
        if self.refuses_relink and self.linked not in (None, ticket):
            self.write_faults.insert(0, (CONFLICT, False))
        elif ticket is None and self.system != "None" and not self.sets_no_ticket:
            self.write_faults.insert(0, (NOT_FOUND, False))

        def store() -> None:
            self.linked = ticket
            if self.shows_ticket == "comments":
                self.comments_ticket = self._ticket_id(ticket)

        self._write("link", body, store)
        if self.response is not None:
            return self.response
        if self.sets_no_ticket or self.system == "None":
            return {"ticketingSystemType": self.system, "isTicketSet": False}
        return self._ticket_record(ticket)

    def unlink_ticket(self, key: IncidentKey, number: str | None) -> bool:
        was_linked = self.linked is not None

        def store() -> None:
            self.linked = None

        self._write("unlink", {"number": number}, store)
        if self.not_linked and not was_linked:
            raise self.not_linked
        return was_linked

    # --- the service ------------------------------------------------------------------------------------------------

    def _begin_read(self) -> None:
        if self.writes and self.failures_after_write:
            self.failures_after_write -= 1
            raise UNREADABLE
        faults, self.read_faults = self.read_faults[:1], self.read_faults[1:]
        for error in faults:
            if error is not None:
                raise error

    def _write(self, action: str, body: Mapping[str, Any], store: Callable[[], None]) -> None:
        self.writes.append(action)
        self.bodies.append(dict(body))
        fault = self.write_faults.pop(0) if self.write_faults else None
        if (fault is None or fault[1]) and not self.ignores_writes:
            if not self._lag_left:
                self._older = copy.deepcopy(self._shown())
            self._lag_left = self.lag
            store()
        if fault:
            raise fault[0]

    def _shown(self) -> dict[str, Any]:
        record = {**self.record, **ASSIGNEE_VIEWS[self.shows_assignee](self.assigned)}
        if self.shows_ticket in ("object", "id") or (self.shows_ticket == "omitted" and self.linked):
            record["ticketId"] = self._ticket_id(self.linked) if self.linked else None
        if self.shows_ticket == "unnamed":
            record["ticket"] = {"isTicketSet": self.linked is not None, "ticketingSystemType": self.system}
        if self.shows_ticket == "object":
            record["ticket"] = self._ticket_record(self.linked) if self.linked else None
        return record

    def _ticket_id(self, ticket: Any) -> Any:
        return str(ticket[0]) if self.ids_as_text else ticket[0]

    def _ticket_record(self, ticket: Any) -> dict[str, Any]:
        record: dict[str, Any] = {"ticketingSystemType": self.system, "isTicketSet": True}
        if self.system in TICKET_MEMBERS:
            record[TICKET_MEMBERS[self.system]] = {"id": self._ticket_id(ticket), "number": ticket[1]}
        return record

    @staticmethod
    def _comment(place: int, message: Any) -> dict[str, Any]:
        return {"id": f"c{place}", "message": message, "authorName": "runbook"}

    def _store_status(self, body: Mapping[str, Any]) -> None:
        self.record["status"] = body["status"]
        for name in ("classification", "classificationReason"):
            if self.keeps == "hidden":
                self.record.pop(name, None)
            elif body.get(name):
                replaced = "Other" if name == "classificationReason" else body[name]
                self.record[name] = {"kept": body[name], "dropped": None, "replaced": replaced}[self.keeps]
        if body.get("comment"):
            comment = self._comment(len(self.stored), body["comment"])
            self.stored.append({**comment, "createdTime": self.comment_time})
        self.record["updatedAt"] = self.update_time


@dataclass
class CannedApi:
    """A read-only API with canned responses; each of them may be an error instead.

    :param pages: the pages of the list, with the last one repeated.
    :param data: the incident.
    :param entries: the comments.
    :param malformed_entries: the number of malformed entries on each page.
    """

    pages: list[Any] = field(default_factory=list)
    data: Any = field(default_factory=dict)
    entries: Any = field(default_factory=list)
    malformed_entries: int = 0
    calls: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=lambda: ["r1"])

    def incidents_page(self, body: Mapping[str, Any]) -> IncidentPage:
        validate_request(schemas.LIST_REQUEST, body)
        self.bodies.append(copy.deepcopy(dict(body)))
        page = self._respond("page", self.pages.pop(0) if len(self.pages) > 1 else self.pages[0])
        return IncidentPage(page["incidents"], page.get("workspacePageTokens"), self.malformed_entries)

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        details = " with details" if with_details else ""
        return self._respond(f"incident {key.source} {key.incident_id} of {key.workspace_id}{details}", self.data)

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        return self._respond(f"comments of {key.incident_id}", self.entries)

    def _respond(self, call: str, response: Any) -> Any:
        assert len(self.calls) < 1000, "the list does not end"
        self.calls.append(call)
        if isinstance(response, ApiError):
            raise response
        return copy.deepcopy(response)
