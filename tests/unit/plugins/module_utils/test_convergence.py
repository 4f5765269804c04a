# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convergence of all operations: delayed reads, interrupted writes and interrupted runs duplicate and lose nothing."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import (
    incident_assignee,
    incident_comment,
    incident_status,
    ticket_link,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import desired_ticket
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.backend import ensure_ticket
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    BROKEN,
    DUTY,
    INVALID_RESPONSE,
    KEY_OPTIONS,
    KILLED,
    LABEL,
    NIGHT,
    REFUSED,
    TICKETS,
    UNREADABLE,
    Killed,
    MemoryApi,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    REFERENCE,
    SUMMARY,
    TASK,
    URGENCY,
    Fault,
    MemoryTicketing,
)

FIRST, SECOND = TICKETS["Autotask"]
READS = ("ticket", "tickets_page", "ticket_types", "offers", "user_info")


@dataclass(frozen=True)
class Case:
    """An operation on an incident that is not in the wanted state yet.

    :param name: the test id.
    :param operation: the module's function that parses the options, and the operation.
    :param options: the options of the task.
    :param wanted: the stored values after the task, by attribute of the service.
    :param actions: the writes of a run, in order.
    :param settings: the settings of the service.
    :param facts: what messages name.
    :param is_visible: whether a read shows what the operation changes.
    :param is_resent: whether an interrupted write without effect is sent again by the same run.
    """

    name: str
    operation: tuple[Callable[..., Any], Callable[..., OperationResult]]
    options: Mapping[str, Any]
    wanted: Any
    actions: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: tuple[str, ...] = (LABEL.partition(" ")[2],)
    is_visible: bool = True
    is_resent: bool = True

    def start(self, *faults: Any, **behavior: Any) -> Any:
        """Return a service.

        :param faults: the faults of the writes in turn: None, or (exception, whether the write takes effect).
        :param behavior: ``lag``, ``failures_after_write`` or ``ignores_writes`` of :class:`MemoryApi`.
        """
        return MemoryApi(write_faults=list(faults), **self.settings, **behavior)

    def run(self, service: Any, check_mode: bool = False, verify_timeout: float = 30) -> OperationResult:
        """Run the task, and return its result; raise its failure."""
        parse, execute = self.operation
        wanted = parse({**self.options, "verify_timeout": verify_timeout})
        result = execute(service, wanted, RunOptions(check_mode, verify_timeout, service.clock))
        if result.failure:
            raise result.failure
        return result

    def state(self, service: Any) -> Any:
        """Return the stored values that the operation changes."""
        return {name: getattr(service, name) for name in self.wanted}

    def writes(self, service: Any) -> list[str]:
        """Return the writes that the service received."""
        return service.writes

    def failure(self, service: Any, **run: Any) -> ApiError:
        """Run the task, and return its failure."""
        with pytest.raises(ApiError) as caught:
            self.run(service, **run)
        return caught.value

    def settle(self, service: Any) -> None:
        """Let all reads succeed and show the current state."""
        service.catch_up()

    def finish(self, service: Any) -> OperationResult:
        """Settle the service, run the task again, check the stored state, and return the result."""
        self.settle(service)
        result = self.run(service)
        assert self.state(service) == self.wanted
        return result


class TicketCase(Case):
    """An operation on a ticket: a new one, or CTC-0054 of low urgency. The lag of a search is in seconds."""

    def start(
        self, *faults: Any, lag: int = 0, failures_after_write: int = 0, ignores_writes: bool = False
    ) -> MemoryTicketing:
        (action,) = self.actions
        waiting = [fault and Fault(*fault) for fault in faults]
        service = MemoryTicketing(get_lag=lag, search_lag=lag, ignores_updates=ignores_writes, faults={action: waiting})
        if action == "update_ticket":
            service.add(SUMMARY, {REFERENCE: "SEN-7c2a1e8f", URGENCY: "low"})
        left = list(range(failures_after_write))

        def fail(_number: int, called: str) -> None:
            if service.writes and called in READS and left:
                left.pop()
                raise UNREADABLE

        service.editor = fail
        return service

    def settle(self, service: MemoryTicketing) -> None:
        service.editor = None
        service.clock.sleep(service.search_lag)
        super().settle(service)

    def state(self, service: MemoryTicketing) -> Any:
        return [ticket["data"][URGENCY] for ticket in service.tickets.values()]

    def writes(self, service: MemoryTicketing) -> list[str]:
        return [action for action in service.calls if action not in READS]


STATUS = (incident_status.parse_options, incident_status.set_incident_status)
COMMENT = (incident_comment.parse_options, incident_comment.post_comment)
ASSIGN = (incident_assignee.parse_options, incident_assignee.assign_incident)
LINK = (ticket_link.parse_options, ticket_link.change_ticket_link)
TICKET = (desired_ticket.parse_options, ensure_ticket)
CLOSE = {
    **KEY_OPTIONS,
    "status": "Closed",
    "classification": "FalsePositive",
    "classification_reason": "IncorrectAlertLogic",
    "comment": "Tuned the rule.",
}
POST = {**KEY_OPTIONS, "comment": "Tuned the rule."}
MARKED = {**POST, "marker": "CHG-1"}
LINKED = {**KEY_OPTIONS, "ticket_id": "41877"}
UNLINKED = {**KEY_OPTIONS, "state": "absent"}
BY_EMAIL = {**KEY_OPTIONS, "email": DUTY["email"]}
NAMED = {"object_id": "CTC-0054", "fields": {"Urgency": "High"}}
POSTED = {"texts": ["Tuned the rule."]}
HIDDEN = {"shows_ticket": "hidden"}

CASES: Sequence[Case] = (
    Case("status", STATUS, CLOSE, {"status": "Closed", **POSTED}, ("status",)),
    Case("hidden classification", STATUS, CLOSE, {"status": "Closed", **POSTED}, ("status",), {"keeps": "hidden"}),
    Case("comment", COMMENT, POST, {"texts": ["First.", "Tuned the rule."]}, ("comment",), {"messages": ["First."]}),
    Case("marked comment", COMMENT, MARKED, {"texts": ["Tuned the rule.\n\n[CHG-1]"]}, ("comment",)),
    Case("link", LINK, LINKED, {"linked": FIRST}, ("link",)),
    Case("unlink", LINK, UNLINKED, {"linked": None}, ("unlink",), {"linked": FIRST}),
    Case("relink", LINK, {**LINKED, "replace": True}, {"linked": FIRST}, ("unlink", "link"), {"linked": SECOND}),
    Case("hidden link", LINK, LINKED, {"linked": FIRST}, ("link",), HIDDEN, is_visible=False),
    Case("hidden unlink", LINK, UNLINKED, {"linked": None}, ("unlink",), {**HIDDEN, "linked": FIRST}, is_visible=False),
    Case("assignee", ASSIGN, BY_EMAIL, {"assigned": DUTY}, ("assign",), {"assigned": NIGHT}),
    Case(
        "hidden assignee",
        ASSIGN,
        BY_EMAIL,
        {"assigned": DUTY},
        ("assign",),
        {"shows_assignee": "nothing"},
        is_visible=False,
    ),
    TicketCase("found ticket", TICKET, TASK, ["high"], ("update_ticket",), facts=("CTC-0054",)),
    TicketCase("named ticket", TICKET, NAMED, ["high"], ("update_ticket",), facts=("CTC-0054",)),
    TicketCase(
        "new ticket", TICKET, TASK, ["high"], ("create_ticket",), facts=(repr(SUMMARY), "team soc"), is_resent=False
    ),
)
VISIBLE = [case for case in CASES if case.is_visible]
RESENT = [case for case in CASES if case.is_resent]


def each(cases: Sequence[Case]) -> Any:
    """Run a test for each of these cases."""
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def each_write(cases: Sequence[Case]) -> Any:
    """Run a test for each write of each case; ``before`` contains one None for each write before that."""
    rows = [
        pytest.param(case, [None] * place, id=f"{case.name}-{action}")
        for case in cases
        for place, action in enumerate(case.actions)
    ]
    return pytest.mark.parametrize("case, before", rows)


# --- without interruptions --------------------------------------------------------------------------------------------


@each(CASES)
@pytest.mark.parametrize("lag", [0, 2])
def test_second_run_changes_nothing(case, lag):
    service = case.start(lag=lag)
    initial = case.state(service)
    predicted = case.run(service, check_mode=True)
    assert (case.state(service), case.writes(service)) == (initial, [])
    first = case.run(service)
    assert (predicted.changed, first.changed) == (True, True)
    for name in ("before", "diff"):
        assert first.values[name] == predicted.values[name]
    assert (case.state(service), case.writes(service)) == (case.wanted, list(case.actions))
    assert bool(service.clock.slept) is (lag > 0 and case.is_visible)
    for check_mode in (True, False) if case.is_visible else ():
        again = case.run(service, check_mode=check_mode)
        assert not again.changed
        assert again.values["diff"]["before"] == again.values["diff"]["after"]
    case.finish(service)
    assert len(case.writes(service)) == len(case.actions) * (1 if case.is_visible else 2)


@each(CASES)
def test_run_without_read_back_reads_once(case):
    service = case.start(lag=9)
    assert case.run(service, verify_timeout=0).changed
    assert (case.state(service), case.writes(service)) == (case.wanted, list(case.actions))
    assert service.clock.slept == []
    assert getattr(service, "reads", 1) <= 1


@each([case for case in VISIBLE if case.is_resent])
def test_ignored_write_is_not_converged(case):
    service = case.start(ignores_writes=True)
    error = case.failure(service)
    assert (error.category, error.retryable, error.may_have_changed) == ("not_converged", False, True)
    assert_message(error.message, *case.facts, "30 s")
    assert (case.writes(service), service.clock.time) == (list(case.actions), 30)


@each(CASES)
def test_unreadable_state_prevents_any_write(case):
    service = case.start()
    if isinstance(service, MemoryApi):
        service.read_faults = [UNREADABLE]
    else:
        service.faults = {name: [Fault(UNREADABLE)] for name in READS}
    error = case.failure(service)
    assert (error.category, error.may_have_changed, case.writes(service)) == ("unavailable", False, [])


@each(CASES)
def test_refused_write_changes_nothing(case):
    service = case.start((REFUSED, False))
    initial = case.state(service)
    error = case.failure(service)
    assert (error.category, error.may_have_changed, len(case.writes(service))) == ("validation", False, 1)
    assert_message(error.message, *case.facts, "changed" if case.is_resent else "created")
    assert case.state(service) == initial
    assert case.finish(service).changed


@each([case for case in CASES if case.is_resent])
def test_failed_read_back_reports_uncertainty(case):
    service = case.start(failures_after_write=50)
    error = case.failure(service)
    assert (error.category, error.may_have_changed, service.clock.time) == ("unavailable", True, 30)
    assert_message(error.message, *case.facts)
    case.finish(service)
    assert len(case.writes(service)) == len(case.actions) * (1 if case.is_visible else 2)


@each(CASES)
def test_read_back_is_repeated_after_a_failure(case):
    service = case.start(failures_after_write=1)
    assert case.run(service).changed
    assert (case.state(service), case.writes(service)) == (case.wanted, list(case.actions))
    assert service.clock.slept == [0.5]


# --- interrupted writes -----------------------------------------------------------------------------------------------


@each_write(CASES)
@pytest.mark.parametrize("error, verify_timeout, lag", [(BROKEN, 30, 0), (BROKEN, 0, 4), (INVALID_RESPONSE, 30, 4)])
def test_write_interrupted_after_its_effect_is_found(case, before, error, verify_timeout, lag):
    service = case.start(*before, (error, True), lag=lag)
    assert case.run(service, verify_timeout=verify_timeout).changed
    assert (case.state(service), len(case.writes(service))) == (case.wanted, len(case.actions) + (not case.is_visible))
    assert case.is_visible or service.clock.slept == []
    again = case.finish(service)
    assert not (case.is_visible and again.changed)


@each_write(RESENT)
@pytest.mark.parametrize("verify_timeout, failed_reads", [(30, 0), (0, 1)])
def test_write_interrupted_before_its_effect_is_sent_again(case, before, verify_timeout, failed_reads):
    service = case.start(*before, (BROKEN, False), failures_after_write=failed_reads)
    assert case.run(service, verify_timeout=verify_timeout).changed
    assert (case.state(service), len(case.writes(service))) == (case.wanted, len(case.actions) + 1)
    assert case.is_visible or service.clock.slept == [0.5] * failed_reads


@pytest.mark.parametrize("verify_timeout", [0, 30])
@each([case for case in CASES if not case.is_resent])
def test_interrupted_creation_is_not_sent_again_by_the_same_run(case, verify_timeout):
    service = case.start((BROKEN, False))
    error = case.failure(service, verify_timeout=verify_timeout)
    assert (error.category, error.may_have_changed, error.retryable) == ("ambiguous_write", True, False)
    assert_message(error.message, *case.facts, "30 s")
    assert (len(case.writes(service)), service.clock.time) == (1, 30)
    assert case.finish(service).changed


@each_write(CASES)
def test_interrupted_write_is_found_after_a_failed_read(case, before):
    service = case.start(*before, (BROKEN, True), failures_after_write=1)
    assert case.run(service).changed
    assert (case.state(service), len(case.writes(service))) == (case.wanted, len(case.actions) + (not case.is_visible))


@each(CASES)
@pytest.mark.parametrize("takes_effect", [True, False])
def test_interrupted_write_without_a_read_back_is_ambiguous(case, takes_effect):
    service = case.start((BROKEN, takes_effect), failures_after_write=50)
    error = case.failure(service)
    assert (error.category, error.may_have_changed, len(case.writes(service))) == ("ambiguous_write", True, 1)
    assert_message(error.message, *case.facts)
    again = case.finish(service)
    if case.is_visible and len(case.actions) == 1:
        assert again.changed is not takes_effect


@each_write(RESENT)
def test_write_interrupted_twice_is_not_sent_a_third_time(case, before):
    service = case.start(*before, (BROKEN, False), (BROKEN, False))
    error = case.failure(service)
    assert error.category == ("unavailable" if case.is_visible else "ambiguous_write")
    assert (error.may_have_changed, len(case.writes(service))) == (True, len(before) + 2)
    assert_message(error.message, *case.facts)
    again = case.finish(service)
    assert again.changed or not case.is_visible


@each(RESENT)
def test_refused_repetition_reports_uncertainty(case):
    service = case.start((BROKEN, False), (REFUSED, False))
    error = case.failure(service)
    assert (error.category, error.may_have_changed, len(case.writes(service))) == ("validation", True, 2)
    assert_message(error.message, *case.facts)
    case.finish(service)


# --- interrupted runs -------------------------------------------------------------------------------------------------


@each_write(CASES)
@pytest.mark.parametrize("effects", list(itertools.product([True, False], repeat=2)), ids=str)
def test_killed_runs_duplicate_nothing(case, before, effects):
    service = case.start(*before, *[(KILLED, takes_effect) for takes_effect in effects])
    for _run in effects:
        try:
            case.run(service)
        except Killed:
            case.settle(service)
    case.finish(service)
    if case.is_visible:
        assert not case.run(service).changed


@each(CASES)
@given(
    faults=st.lists(
        st.none() | st.tuples(st.sampled_from([BROKEN, INVALID_RESPONSE, REFUSED, KILLED]), st.booleans()), max_size=5
    ),
    lag=st.integers(0, 6),
    failures_after_write=st.integers(0, 3),
    verify_timeout=st.sampled_from([0, 5, 30]),
)
@settings(max_examples=25)
def test_runs_converge_after_any_interruptions(case, faults, lag, failures_after_write, verify_timeout):
    """No sequence of faults duplicates anything, and the first run without a fault reaches the wanted state."""
    faults = [(fault[0], fault[1] and fault[0] is not REFUSED) if fault else None for fault in faults]
    service = case.start(*faults, lag=lag, failures_after_write=failures_after_write)
    for _fault in faults:
        with contextlib.suppress(ApiError, Killed):
            case.run(service, verify_timeout=verify_timeout)
        case.settle(service)
    case.finish(service)
