# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs, faults, delays and another user in any order create one ticket per request, and lose no change."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, Callable, Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    DETECTED,
    HOSTS,
    IMPACT_BUSINESS,
    REFERENCE,
    ROOT_CAUSE,
    STATUS,
    TACTICS,
    URGENCY,
    WHERE,
    Event,
    Fault,
    MemoryTicketing,
    answered,
    broken,
    invalid,
    keep,
    named,
    task,
)


class Killed(BaseException):
    """A run is killed."""


#: Fields that no task sets, and the values that another user sets.
OTHERS: Mapping[str, list[Any]] = {
    IMPACT_BUSINESS: ["none", "outage", None],
    DETECTED: ["2026-11-21T02:40:00Z", None],
    TACTICS: [["Impact"], ["Execution", "Impact"], []],
    STATUS: ["Open", "In Progress", "Resolved"],
    WHERE: [{"lat": 1}, None],
}

#: Fields that tasks set, too. The other user never restores an old value, which a run could not notice.
SHARED: Mapping[str, Callable[[int], Any]] = {
    HOSTS: lambda number: 100 + number,
    ROOT_CAUSE: lambda number: f"edited {number}",
}

#: The options of a task for the ticket of an incident, by the name of the goal.
GOALS: Mapping[str, Mapping[str, Any]] = {
    "opens": {},
    "counts hosts": {"fields": {"Affected Hosts": "2"}},
    "lowers": {
        "fields": {"Urgency": "low", "Root Cause": "by the task"},
        "unique_by": ["Incident Reference", "summary"],
    },
    "empties": {"fields": {"Root Cause": None, "Affected Hosts": 3}, "ignore_fields": ["Urgency"]},
    "by summary": {"fields": {"Root Cause": "wave"}, "unique_by": ["summary"]},
    "is named": {"fields": {"Affected Hosts": 5, "Urgency": "medium"}},
}

WRITE_BREAKS = [
    Fault(error, takes_effect)
    for error in (broken(), answered(500, is_write=True), answered(502, html=True, is_write=True))
    for takes_effect in (False, True)
]
REFUSALS = [Fault(answered(status, is_write=True)) for status in (400, 403, 409, 412, 429)]
INVALID = Fault(invalid({HOSTS: ["is wrong"]}))
KILLED = [Fault(Killed(), False), Fault(Killed(), True)]
READ_BREAKS = [Fault(error) for error in (broken(is_write=False), answered(503), answered(404, html=True))]


def in_turn(successes: int, *faults: Fault) -> st.SearchStrategy[list[Fault | None]]:
    """Return the results of some requests: first successes, then at least one failure."""
    before = st.lists(st.sampled_from([None, None, *faults]), max_size=2)
    return st.builds(lambda some, last: [*[None] * successes, *some, last], before, st.sampled_from(faults))


#: Faults by operation. The first search and read may succeed, because nothing is written otherwise.
BY_OPERATION: Mapping[str, st.SearchStrategy[list[Fault | None]]] = {
    "create_ticket": in_turn(0, *WRITE_BREAKS, *REFUSALS, INVALID, *KILLED),
    "update_ticket": in_turn(0, *WRITE_BREAKS, *REFUSALS, INVALID, *KILLED),
    "tickets_page": st.one_of(in_turn(0, *READ_BREAKS), in_turn(1, *READ_BREAKS), in_turn(2, *READ_BREAKS)),
    "ticket": st.one_of(in_turn(0, *READ_BREAKS), in_turn(1, *READ_BREAKS), in_turn(2, *READ_BREAKS)),
}

#: Faults of one operation, or of several.
FAULTS = st.one_of(
    *(st.fixed_dictionaries({name: faults}) for name, faults in BY_OPERATION.items()),
    st.fixed_dictionaries({}, optional=dict(BY_OPERATION)),
)

#: The incident and the goal of a task.
TASKS = st.tuples(st.integers(1, 3), st.sampled_from(sorted(GOALS)))

#: The request before which another user edits a field: by its number within an operation, or among all requests.
MOMENTS = st.one_of(
    st.tuples(st.just("update_ticket"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["ticket", "any"]), st.integers(1, 8)),
)
EDITS = st.dictionaries(
    MOMENTS, st.one_of(st.sampled_from(sorted(OTHERS)), st.sampled_from(sorted(SHARED))), max_size=3
)

#: The incident and the goal of a task.
Task = tuple[int, str]

#: Names of fields by the moment at which they are edited.
Edits = dict[tuple[str, int], str]


class Tickets(RuleBasedStateMachine):
    """A tenant, a runbook that runs repeatedly, and another user who edits the same tickets."""

    @initialize(
        rows=st.sampled_from(["fat", "thin", "ids", "marked", "cut"]),
        page_size=st.sampled_from([1, 2, 100]),
        says_end=st.booleans(),
        stale=st.sampled_from([409, 412, 400]),
        search_lag=st.sampled_from([0, 3, 20]),
        list_lag=st.sampled_from([0, 0, 5, 20]),
        get_lag=st.integers(0, 2),
        create_lag=st.integers(0, 1),
        tells_etag=st.booleans(),
    )
    def start(self, **settings: Any) -> None:
        self.service = MemoryTicketing(**settings)
        # A search finds both, but they are other tickets.
        self.service.add("Incident 1: customer A", {REFERENCE: "SEN-12"})
        self.service.add("Incident 2", {REFERENCE: "SEN-22"}, team="james")
        self.edits = 0
        self.edited: dict[tuple[str, str], Any] = {}

    # --- rules ---

    @rule(task_of=TASKS, faults=FAULTS, check=st.booleans(), reads_back=st.booleans())
    def run_with_faults(
        self, task_of: Task, faults: dict[str, list[Fault | None]], check: bool, reads_back: bool
    ) -> None:
        """Requests fail."""
        self.service.faults = {name: list(given) for name, given in faults.items()}
        self._run(task_of, check, reads_back)
        self.service.faults = {}

    @rule(task_of=TASKS, edits=EDITS, reads_back=st.booleans())
    def run_beside_an_editor(self, task_of: Task, edits: Edits, reads_back: bool) -> None:
        """Another user edits the ticket at the same time."""

        def editor(number: int, called: str) -> None:
            for moment in ((called, self.service.count(called)), ("any", number)):
                if moment in edits:
                    self._edit(edits[moment], self._ticket_of(task_of))

        self.service.editor = editor
        self._run(task_of, reads_back=reads_back)
        self.service.editor = None

    @rule(task_of=TASKS, faults=FAULTS, edits=EDITS, reads_back=st.booleans())
    def run_with_everything(
        self, task_of: Task, faults: dict[str, list[Fault | None]], edits: Edits, reads_back: bool
    ) -> None:
        """Requests fail, and another user edits the ticket."""
        self.service.faults = {name: list(given) for name, given in faults.items()}
        self.run_beside_an_editor(task_of, edits, reads_back)
        self.service.faults = {}

    @rule(task_of=TASKS, create=st.sampled_from([None, *KILLED]), reads_back=st.booleans())
    def run_again_at_once(self, task_of: Task, create: Fault | None, reads_back: bool) -> None:
        """The second run starts before searches and reads show the result of the first one."""
        self.service.faults = {"create_ticket": [create]}
        self._run(task_of, reads_back=reads_back)
        self.service.faults = {}
        self._run(task_of, reads_back=reads_back)

    @rule(task_of=TASKS)
    def check_and_run(self, task_of: Task) -> None:
        """Without faults, check mode predicts the run."""
        self.service.catch_up()
        predicted, done = self._run(task_of, check=True), self._run(task_of)
        assert (predicted is None) == (done is None)
        if predicted and done:
            assert predicted.changed == done.changed
            assert predicted.values["diff"] == done.values["diff"]
            assert predicted.values["created"] == done.values["created"]

    @rule(task_of=TASKS)
    def settle(self, task_of: Task) -> None:
        """Without faults, a run succeeds and the next one changes nothing."""
        self.service.catch_up()
        self.service.clock.time += 1000
        first = self._run(task_of)
        if self._options(task_of) is None:
            return
        assert first is not None
        assert first.warnings == []
        assert first.values["ticket"] == self.service.tickets[first.values["object_id"]]
        second = self._run(task_of)
        assert second is not None
        assert (second.changed, self.service.writes) == (False, 0)
        assert second.values["ticket"] == first.values["ticket"]

    @rule(name=st.sampled_from([*OTHERS, *SHARED]), ticket=st.integers(0, 5))
    def edit(self, name: str, ticket: int) -> None:
        """Another user edits a ticket between two runs."""
        self._edit(name, self._any(ticket))

    @rule(urgency=st.sampled_from(["high", "medium", "low"]), ticket=st.integers(0, 5))
    def escalate(self, urgency: str, ticket: int) -> None:
        """Another user sets a field between two runs, possibly to the value that a task wants."""
        self.service.edit(self._any(ticket), {URGENCY: urgency})

    # --- invariants ---

    @invariant()
    def one_ticket_for_a_request(self) -> None:
        references = Counter(record["data"][REFERENCE] for record in self.service.tickets.values())
        assert set(references.values()) <= {1}

    @invariant()
    def no_edit_of_another_field_is_lost(self) -> None:
        for (object_id, name), value in self.edited.items():
            assert self.service.value(object_id, name) == value

    # --- helpers ---

    def _options(self, task_of: Task) -> Mapping[str, Any] | None:
        """Return the options of a task; None if it needs an object_id and no ticket was created."""
        incident, goal = task_of
        if goal == "is named":
            created = [event.object_id for event in self.service.events if event.kind == "create"]
            return named(created[incident % len(created)], **GOALS[goal]) if created else None
        options = {"include_done": True, "summary": f"Incident {incident}", **GOALS[goal]}
        fields = {"Incident Reference": f"SEN-{incident}", **GOALS[goal].get("fields", {})}
        return task(**{**options, "fields": fields})

    def _any(self, number: int) -> str:
        return list(self.service.tickets)[number % len(self.service.tickets)]

    def _ticket_of(self, task_of: Task) -> str:
        """Return the ticket of a task, or any ticket if it does not exist."""
        options = self._options(task_of) or {}
        wanted = options.get("fields", {}).get("Incident Reference")
        mine = [name for name in self.service.tickets if self.service.value(name, REFERENCE) == wanted]
        return str(options.get("object_id") or [*mine, self._any(task_of[0])][0])

    def _edit(self, name: str, object_id: str) -> None:
        self.edits += 1
        value = SHARED[name](self.edits) if name in SHARED else OTHERS[name][self.edits % len(OTHERS[name])]
        self.service.edit(object_id, {name: value})
        if name in OTHERS:
            self.edited[object_id, name] = value

    def _run(self, task_of: Task, check: bool = False, reads_back: bool = True) -> OperationResult | None:
        """Run a task, and return its result, or None if it failed."""
        options = self._options(task_of)
        if options is None:
            return None
        # Without a read-back, a run does not wait for the search or the list.
        lag = min(self.service.search_lag, self.service.list_lag)
        verify_timeout = 30 if reads_back or lag else 0
        self.service.calls.clear()
        start = len(self.service.events)
        result = None
        with suppress(ApiError, Killed):
            result = keep(self.service, options, check_mode=check, verify_timeout=verify_timeout)
        assert self.service.count("create_ticket") <= (0 if check else 1)
        assert not (check and self.service.writes)
        self._check_overwriting(start)
        if result is None or result.failure or result.warnings:
            # After a failure or a warning, the next run starts when the search or the list is up to date.
            self.service.clock.time += lag
        if result is not None and result.failure:
            # A failed run must report the ticket that it created.
            assert result.values["created"]
            assert result.values["object_id"] in self.service.tickets
            return None
        return result

    def _check_overwriting(self, start: int) -> None:
        """Assert that a run overwrites only edits that it read before."""
        first_read: dict[str, int] = {}
        for place, event in enumerate(self.service.events[start:], start):
            if event.kind == "get":
                first_read.setdefault(event.object_id, event.version)
            if event.kind == "update":
                assert event.values
                for name in event.values:
                    assert self._last_edit(event.object_id, name, place) <= first_read.get(event.object_id, 2)

    def _last_edit(self, object_id: str, name: str, place: int) -> int:
        edits: list[Event] = [
            event
            for event in self.service.events[:place]
            if event.kind == "edit" and event.object_id == object_id and name in event.values
        ]
        return edits[-1].version if edits else 0


TestTickets = Tickets.TestCase
TestTickets.settings = settings(max_examples=80, stateful_step_count=20)
