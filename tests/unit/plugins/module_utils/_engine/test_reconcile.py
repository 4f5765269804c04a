# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of the reconcile loop, with a minimal operation."""

from __future__ import annotations

from typing import Any, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    DEFAULT_RECOVERY_TIMEOUT,
    SELF_EXPLANATORY,
    TRANSIENT,
    Operation,
    RunOptions,
    Write,
    check_verify_timeout,
    difference,
    poll,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.shelf import Shelf, raise_if_given

BROKEN = ApiError("It broke off.", "unavailable", ambiguous=True, retryable=True, http_status=502)
REFUSED = ApiError("It was refused.", "permission", http_status=403)
UNAVAILABLE = ApiError("It is down.", "unavailable", http_status=503, retryable=True)


def outcome_of(shelf: Shelf, check_mode: bool = False, verify_timeout: float = 30.0) -> Any:
    """Return the result of a run, or its failure."""
    try:
        return reconcile(shelf, RunOptions(check_mode, verify_timeout, shelf.clock))
    except ApiError as failure:
        return failure


def failure_of(shelf: Shelf, **options: Any) -> ApiError:
    failure = outcome_of(shelf, **options)
    assert isinstance(failure, ApiError)
    return failure


# --- writes ---------------------------------------------------------------------------------------------------------


def expected_writes(replies: Sequence[tuple[ApiError | None, bool]], is_dark: bool) -> tuple[list[str], bool]:
    """Return the writes of a run, and whether it succeeds, derived from the rules for each thing."""
    sent: list[str] = []
    left: Iterator[tuple[ApiError | None, bool]] = iter(replies)
    for thing in ("book", "vase"):
        for _attempt in range(2):
            sent.append(thing)
            failure, takes_effect = next(left, (None, True))
            if failure is None or (takes_effect and not is_dark):
                break
        else:
            return sent, False
    return sent, True


REPLIES = st.lists(st.sampled_from([(None, True), (BROKEN, True), (BROKEN, False)]), max_size=4)


@given(REPLIES, st.booleans())
def test_interrupted_write_is_sent_again_once(replies, is_dark):
    shelf = Shelf(*replies, is_dark=is_dark)
    outcome = outcome_of(shelf)
    sent, succeeds = expected_writes(replies, is_dark)
    assert shelf.sent == sent
    if succeeds:
        assert outcome.changed
        assert outcome.after == shelf.held.keys() == {"book", "vase"}
    else:
        assert (outcome.category, outcome.may_have_changed) == (
            "ambiguous_write" if is_dark else "unavailable",
            True,
        )
    assert not (is_dark and shelf.clock.slept)


@pytest.mark.parametrize(
    "replies, extent, may_have_changed",
    [
        ([(REFUSED, False)], "was not changed", False),
        ([(None, True), (REFUSED, False)], "was only partly changed", True),
        ([(BROKEN, False), (REFUSED, False)], "may have been changed", True),
    ],
)
def test_rejected_write_reports_what_was_changed(replies, extent, may_have_changed):
    failure = failure_of(Shelf(*replies))
    assert_message(failure.message, f"Shelf 7 {extent}", REFUSED.message)
    assert (failure.category, failure.may_have_changed) == ("permission", may_have_changed)


def test_failure_that_reports_a_change_keeps_its_message():
    failure = failure_of(Shelf((ApiError("The lamp is there.", "not_converged", may_have_changed=True), False)))
    assert (failure.message, failure.may_have_changed) == ("The lamp is there.", True)


@pytest.mark.parametrize("is_additive", [False, True])
def test_additive_write_warns_of_duplicates(is_additive):
    failure = failure_of(Shelf((None, False), (None, False), is_additive=is_additive))
    assert (failure.category, failure.may_have_changed) == ("not_converged", True)
    assert has_fact(failure.message, "twice") == is_additive


def test_write_is_read_back_within_the_timeout():
    for lag, verify_timeout, is_late in [(7.0, 7.0, False), (7.1, 7.0, True), (7.1, 0.0, False)]:
        outcome = outcome_of(Shelf(lag=lag), verify_timeout=verify_timeout)
        assert isinstance(outcome, ApiError) is is_late


def test_interrupted_write_is_read_back_without_verify_timeout():
    shelf = Shelf((BROKEN, True), lag=3.0)
    assert outcome_of(shelf, verify_timeout=0).changed
    assert shelf.sent == ["book", "vase"]


def test_check_mode_sends_nothing():
    shelf = Shelf()
    outcome = outcome_of(shelf, check_mode=True)
    assert (outcome.changed, outcome.before, outcome.after) == (True, frozenset(), {"book", "vase"})
    assert (shelf.sent, shelf.read_count) == ([], 1)


class PartialShelf(Shelf):
    """A shelf on which interrupted writes leave a part, which may be unreadable."""

    unreadable: ApiError | None = None

    def drop_delivered_parts(self, write: Write) -> Write:
        raise_if_given(self.unreadable)
        return Write("rest", {})


def test_interrupted_write_is_sent_again_without_delivered_parts():
    shelf = PartialShelf((BROKEN, False), wanted=["book"])
    outcome_of(shelf, verify_timeout=0)
    assert shelf.sent == ["book", "rest"]


def test_unknown_delivered_parts_are_ambiguous():
    shelf = PartialShelf((BROKEN, False))
    shelf.unreadable = REFUSED
    failure = failure_of(shelf)
    assert (failure.category, failure.may_have_changed, shelf.sent) == ("ambiguous_write", True, ["book"])
    assert_message(failure.message, "shelf 7", BROKEN.message, REFUSED.message)


# --- conflicts ------------------------------------------------------------------------------------------------------

CONFLICT = ApiError("The shelf is full.", "conflict")


@pytest.mark.parametrize("check_mode", [False, True])
def test_conflict_prevents_any_write(check_mode):
    shelf = Shelf(conflict=CONFLICT)
    failure = failure_of(shelf, check_mode=check_mode)
    assert (failure.category, failure.may_have_changed, shelf.sent) == ("conflict", False, [])


def test_conflict_after_an_interruption_ends_the_run():
    shelf = Shelf((BROKEN, False), conflict=CONFLICT, conflict_after=1)
    failure = failure_of(shelf)
    assert (failure.category, failure.may_have_changed, shelf.sent) == ("conflict", True, ["book"])
    assert_message(failure.message, CONFLICT.message, "interrupted", BROKEN.message)


@pytest.mark.parametrize("conflict", [CONFLICT, ApiError("It fell off.", "not_converged")], ids=str)
def test_conflict_after_the_write_is_a_failure(conflict):
    shelf = Shelf(conflict=conflict, conflict_after=2)
    failure = failure_of(shelf)
    assert (failure.category, failure.may_have_changed) == ("not_converged", True)
    assert (failure.message == conflict.message) is (conflict.category == "not_converged")


# --- writes that are never sent again -------------------------------------------------------------------------------


def creation(*replies: Any, wanted: Sequence[str] = ("create",), **options: Any) -> Shelf:
    return Shelf(*replies, wanted=wanted, once={"create"}, done="created", **options)


def assert_unknown_creation(failure: ApiError) -> None:
    assert (failure.category, failure.may_have_changed, failure.retryable) == ("ambiguous_write", True, False)
    assert_message(failure.message, "not known", "shelf 7", BROKEN.message, "portal", "second one")


@given(st.floats(0, 40), st.sampled_from([0.0, 7.0, 30.0]), st.booleans())
def test_interrupted_creation_is_found_or_ambiguous(lag, verify_timeout, takes_effect):
    shelf = creation((BROKEN, takes_effect), lag=lag)
    outcome = outcome_of(shelf, verify_timeout=verify_timeout)
    timeout = verify_timeout or DEFAULT_RECOVERY_TIMEOUT
    assert shelf.sent == ["create"]
    if takes_effect and lag <= timeout:
        assert (outcome.changed, outcome.after) == (True, {"create"})
    else:
        assert_unknown_creation(outcome)
        assert_message(outcome.message, f"{timeout:g} s")
        assert (outcome.http_status, shelf.clock.time) == (502, timeout)


@pytest.mark.parametrize("verify_timeout", [0.0, 7.0])
@pytest.mark.parametrize("category", CATEGORIES)
def test_creation_that_cannot_be_read_is_ambiguous(category, verify_timeout):
    unreadable = ApiError("It cannot be seen. Open the lid.", category, cause="It cannot be seen.")
    shelf = creation((BROKEN, True), reads=[None, unreadable])
    failure = failure_of(shelf, verify_timeout=verify_timeout)
    assert_unknown_creation(failure)
    assert_message(failure.message, "It cannot be seen.")
    # The remedy for the failed read does not help here.
    assert "Open the lid." not in failure.message
    assert shelf.clock.time == ((verify_timeout or DEFAULT_RECOVERY_TIMEOUT) if category in TRANSIENT else 0)


def test_interrupted_creation_is_found_after_failed_reads():
    shelf = creation((BROKEN, True), reads=[None, UNAVAILABLE, UNAVAILABLE, None], wanted=["create", "update"])
    assert outcome_of(shelf).after == {"create", "update"}
    assert shelf.sent == ["create", "update"]


def test_rejected_creation_reports_no_change():
    shelf = creation((REFUSED, False))
    failure = failure_of(shelf)
    assert (failure.category, failure.may_have_changed, shelf.sent) == ("permission", False, ["create"])
    assert_message(failure.message, "Shelf 7", "not created", REFUSED.message)
    assert shelf.read_count == 1


@pytest.mark.parametrize("reply", [(None, True), (BROKEN, True)])
def test_creation_is_not_repeated_by_a_new_plan(reply):
    """The service shows the object once, and not any more after the next write."""
    shelf = creation(reply, (BROKEN, True), wanted=["create", "update", "label"])
    read = shelf.read
    shelf.read = lambda: read() - ({"create"} if shelf.sent[-1:] == ["update"] else set())  # type: ignore[method-assign]  # for one test
    assert_unknown_creation(failure_of(shelf))
    assert shelf.sent == ["create", "update"]


@pytest.mark.parametrize("takes_effect", [False, True])
def test_creation_follows_an_interrupted_write(takes_effect):
    shelf = creation((BROKEN, takes_effect), wanted=["prepare", "create"])
    assert outcome_of(shelf).after == {"prepare", "create"}
    assert shelf.sent == (["prepare", "create"] if takes_effect else ["prepare", "prepare", "create"])


# --- reads that fail ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("http_status", [None, 404])
@pytest.mark.parametrize("category", CATEGORIES)
def test_failure_of_the_first_read_ends_the_run(category, http_status):
    shelf = Shelf(reads=[ApiError("There are two.", category, http_status=http_status)])
    failure = failure_of(shelf)
    assert (failure.category, failure.http_status, failure.may_have_changed) == (category, http_status, False)
    assert_message(failure.message, "There are two.", "written")
    names_the_object = category not in SELF_EXPLANATORY or http_status is not None
    assert has_fact(failure.message, "Shelf 7 could not be read") == names_the_object
    assert shelf.sent == []


def test_failed_read_back_is_repeated():
    shelf = Shelf(reads=[None, UNAVAILABLE, None])
    assert outcome_of(shelf).changed
    assert (shelf.sent, shelf.clock.slept) == (["book", "vase"], [0.5])


def test_final_failure_of_the_read_back_reports_a_change():
    failure = failure_of(Shelf(reads=[None, REFUSED]))
    assert (failure.category, failure.may_have_changed) == ("permission", True)


# --- poll -----------------------------------------------------------------------------------------------------------


def polled(states: Sequence[Any], timeout: float = 20.0) -> tuple[Any, list[float]]:
    """Poll until the state is ``new``, and return the last state or failure, and the times of the reads."""
    clock, times = FakeClock(), []

    def read() -> str:
        times.append(clock.now())
        state = states[min(len(times), len(states)) - 1]
        raise_if_given(state if isinstance(state, ApiError) else None)
        return state

    try:
        return poll(read, lambda state: state == "new", timeout, clock), times
    except ApiError as failure:
        return failure, times


SCHEDULE = [0.0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 20.0]


@given(st.integers(0, 12), st.sampled_from(["old", UNAVAILABLE]), st.floats(-1.0, 20.0))
def test_poll_backs_off_until_the_state_or_the_deadline(reads, state, timeout):
    found, times = polled([state] * reads + ["new"], timeout)
    ends = [moment for moment in SCHEDULE if moment < timeout] + [max(timeout, 0.0)]
    assert times == pytest.approx(ends[: reads + 1])
    assert found == ("new" if reads < len(ends) else state)


@pytest.mark.parametrize("category", CATEGORIES)
def test_poll_repeats_reads_after_transient_failures_only(category):
    failure = ApiError("No.", category)
    found, times = polled([failure, "old", failure, "new"])
    is_transient = category in ("unavailable", "rate_limited", "contract")
    assert (found, times) == (("new", [0.0, 0.5, 1.5, 3.5]) if is_transient else (failure, [0.0]))


def test_poll_raises_the_failure_of_the_last_read():
    assert polled(["old"] * (len(SCHEDULE) - 1) + [UNAVAILABLE])[0] is UNAVAILABLE


def test_poll_counts_the_time_of_reads():
    clock = FakeClock()
    poll(lambda: clock.sleep(6.0), lambda state: False, 10.0, clock)
    assert clock.slept == [6.0, 0.5, 6.0]


# --- options and differences ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify_timeout, recovery_timeout", [(0, 30.0), (0.5, 0.5), (90, 90)])
def test_recovery_timeout_is_verify_timeout_unless_zero(verify_timeout, recovery_timeout):
    assert RunOptions(verify_timeout=verify_timeout).recovery_timeout == recovery_timeout


def test_only_a_negative_verify_timeout_is_rejected():
    for valid in ({}, {"verify_timeout": 0}, {"verify_timeout": 30}):
        check_verify_timeout(valid)
    with pytest.raises(ApiError) as caught:
        check_verify_timeout({"verify_timeout": -1})
    assert caught.value.category == "configuration"


def test_difference_copies_both_states():
    before, after = {"a": 1}, {"a": 2}
    found = difference("ticket 7", before, after)
    assert found == {"before_header": "ticket 7", "after_header": "ticket 7", "before": {"a": 1}, "after": {"a": 2}}
    assert found["before"] is not before


def test_operation_shows_its_writes_by_default():
    assert Operation.can_observe(Shelf(is_dark=True), frozenset())
    write = Write("book", {})
    assert Operation.drop_delivered_parts(Shelf(), write) is write
