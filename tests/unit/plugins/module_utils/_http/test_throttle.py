# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The throttle of one worker, and that of several."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Callable

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth, retry_policy
from ansible_collections.secops.itsm.plugins.module_utils._http import throttle as throttle_module
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import FailedAttempt, from_proxy_refusal
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import RetryDecision
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import (
    MAX_FAILED_ITEMS,
    MAX_FATAL_FAILURES,
    ItemThrottle,
    RetryTimeoutError,
    SharedThrottle,
    SingleWorkerThrottle,
    WorkspaceThrottle,
)
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply, free_port
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

OK = Reply(body={"data": {}})
GONE = "the connection to ContraForce could not be made (Connection refused)"


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of 0.25, 0.5, 1, 2, 4, 7.5 seconds, and exactly those that the service asks for."""
    monkeypatch.setattr(throttle_module, "backoff_delay", partial(retry_policy.backoff_delay, jitter=lambda: 0.0))


class WouldWaitError(Exception):
    """Only another thread could end this wait."""


class FakeCondition:
    """The condition of all workers; where it waits for a time, that time passes at once.

    :param clock: whose time passes.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def __enter__(self) -> None:
        """Nobody else is there."""

    def __exit__(self, *_exc: object) -> None:
        """Nobody else is there."""

    def wait(self, timeout: float | None = None) -> None:
        if timeout is None:
            raise WouldWaitError
        self.clock.sleep(timeout)

    def notify_all(self) -> None:
        """Nobody else is there."""

    def acquire(self, blocking: bool) -> bool:
        """Nobody else is there."""
        return not blocking

    def release(self) -> None:
        """Nobody else is there."""


def shared_throttle(
    clock: FakeClock, most: int = 8, retry_timeout: float = 60, *, has_answered: bool = True
) -> WorkspaceThrottle:
    """The throttle of the workers of one workspace, all of which this thread plays.

    :param has_answered: whether a first request was answered already.
    """
    shared = SharedThrottle(most, retry_timeout, clock)
    shared.condition = FakeCondition(clock)  # type: ignore[assignment]  # what of a condition is used
    throttle = shared.workspace()
    if has_answered:
        throttle.acquire()
        throttle.release(None)
    return throttle


def refusal(retry_after: float | None = None) -> FailedAttempt:
    """Too many requests."""
    text = "the service allows no more requests for now (HTTP 429)"
    return FailedAttempt(
        "rate_limited",
        text,
        "Come later.",
        http_status=429,
        retry_after=retry_after,
        decision=RetryDecision.RETRY,
        retryable=True,
    )


def trouble(http_status: int | None = None, retry_after: float | None = None) -> FailedAttempt:
    """A service that is away, or says so itself."""
    text = GONE if http_status is None else f"the service is not able to answer (HTTP {http_status})"
    return FailedAttempt(
        "unavailable",
        text,
        "Look.",
        http_status=http_status,
        retry_after=retry_after,
        decision=RetryDecision.RETRY,
        retryable=True,
    )


def acquired(throttle: WorkspaceThrottle) -> int:
    """How many more requests may begin now; they all do."""
    for count in range(100):
        try:
            throttle.acquire()
        except WouldWaitError:
            return count
    raise AssertionError("there is no bound")


def tried_out(throttle: WorkspaceThrottle, clock: FakeClock, failure: FailedAttempt) -> tuple[int, float]:
    """How often a request that always fails is tried, and the seconds until it ends."""
    start = first = throttle.acquire()
    tries = 0
    while True:
        tries += 1
        throttle.release(failure)
        if not throttle.wait_for_retry(failure, tries, first):
            return tries, clock.time - start
        throttle.acquire()


# --- how many at the same time --------------------------------------------------------------------------------------


def test_first_request_is_sent_alone(clock):
    throttle = shared_throttle(clock, has_answered=False)
    assert acquired(throttle) == 1
    throttle.release(None)
    assert acquired(throttle) == 8


@pytest.mark.parametrize("most", [1, 2, 8, 32])
def test_requests_in_flight_never_exceed_the_limit(clock, most):
    throttle = shared_throttle(clock, most)
    assert acquired(throttle) == most
    for _each in range(3):
        throttle.release(None)
    assert acquired(throttle) == min(3, most + 2)


@pytest.mark.parametrize("category", ["not_found", "permission", "validation", "conflict", "contract", "configuration"])
def test_any_answer_about_the_request_raises_the_limit(clock, category):
    throttle = shared_throttle(clock, has_answered=False)
    throttle.acquire()
    throttle.release(FailedAttempt(category, "x", "y", http_status=404))
    assert acquired(throttle) == 8


@pytest.mark.parametrize(
    "failure",
    [
        FailedAttempt("authentication", "x", "y", http_status=401),
        FailedAttempt("tls", "x", "y"),
        trouble(),
        trouble(503),
        trouble(503, 1.0),
        refusal(),
    ],
    ids=["401", "tls", "away", "503", "503 with Retry-After", "429"],
)
def test_shared_failure_keeps_the_limit_at_one(clock, failure):
    throttle = shared_throttle(clock, has_answered=False)
    throttle.acquire()
    throttle.release(failure)
    assert acquired(throttle) == 1


def test_unsent_request_frees_its_slot_without_other_effect(clock):
    throttle = shared_throttle(clock, has_answered=False)
    throttle.acquire()
    throttle.release(None, was_sent=False)
    assert acquired(throttle) == 1
    throttle.release(None)
    assert acquired(throttle) == 8


def test_unsent_request_does_not_end_an_outage(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    throttle.acquire()
    throttle.release(trouble())
    clock.time += 9
    throttle.acquire()
    throttle.release(None, was_sent=False)
    assert throttle.wait_for_retry(trouble(), 2, clock.time) is True
    assert throttle.wait_for_retry(trouble(), 3, clock.time) is False


# --- 429 ------------------------------------------------------------------------------------------------------------


def test_429_blocks_all_requests_and_halves_the_limit(clock):
    throttle = shared_throttle(clock)
    for left in (4, 2, 1, 1):
        before, waited = clock.time, len(clock.slept)
        throttle.acquire()
        throttle.release(refusal())
        assert acquired(throttle) == left
        assert clock.time > before
        # All of them waited for the same moment.
        assert len(clock.slept) == waited + 1
        for _each in range(left):
            throttle.release(trouble(503))


def test_backoff_grows_with_each_429_and_resets_after_success(clock):
    throttle = shared_throttle(clock)
    for _each in range(4):
        throttle.acquire()
        throttle.release(refusal())
    throttle.acquire()
    throttle.release(None)
    throttle.acquire()
    throttle.release(refusal())
    throttle.acquire()
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 0.25]


def test_429_of_requests_in_flight_together_counts_once(clock):
    throttle = shared_throttle(clock)
    assert acquired(throttle) == 8
    for _each in range(8):
        throttle.release(refusal())
    assert acquired(throttle) == 4
    assert clock.slept == [0.25]
    # Those that were sent after the block were refused again.
    for _each in range(4):
        throttle.release(refusal())
    assert acquired(throttle) == 2
    assert clock.slept == [0.25, 0.5]


def test_retry_after_sets_the_length_of_the_block(clock):
    throttle = shared_throttle(clock)
    throttle.acquire()
    throttle.release(refusal(7.0))
    throttle.acquire()
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    "asked, blocked_for",
    [([3.0, 7.0, 5.0], 7.0), ([None, 7.0], 7.0), ([7.0, None], 7.0), ([None, None], 0.25)],
    ids=str,
)
def test_longest_retry_after_wins(clock, asked, blocked_for):
    throttle = shared_throttle(clock)
    for _each in asked:
        throttle.acquire()
    for seconds in asked:
        throttle.release(refusal(seconds))
    throttle.acquire()
    assert sum(clock.slept) == blocked_for


def test_late_429_does_not_shorten_the_block(clock):
    throttle = shared_throttle(clock)
    assert acquired(throttle) == 8
    throttle.release(refusal(10.0))
    clock.time += 4
    throttle.release(refusal(1.0))
    for _each in range(6):
        throttle.release(None, was_sent=False)
    throttle.acquire()
    assert clock.slept == [6.0]


def test_each_round_of_successes_raises_the_limit_by_one(clock):
    throttle = shared_throttle(clock)
    throttle.acquire()
    throttle.release(refusal())
    for answers, allowed in ((0, 4), (4, 4), (1, 5), (5, 6)):
        for _each in range(answers):
            throttle.acquire()
            throttle.release(None)
        assert acquired(throttle) == allowed
        # They end without a word of the service's state.
        for _each in range(allowed):
            throttle.release(None, was_sent=False)


def test_limit_never_exceeds_the_maximum(clock):
    throttle = shared_throttle(clock, 4)
    throttle.acquire()
    throttle.release(refusal())
    for _each in range(100):
        throttle.acquire()
        throttle.release(None)
    assert acquired(throttle) == 4


def test_limit_rises_slowly_after_an_initial_429(clock):
    throttle = shared_throttle(clock, has_answered=False)
    throttle.acquire()
    throttle.release(refusal())
    throttle.acquire()
    assert clock.slept == [0.25]
    throttle.release(None)
    assert acquired(throttle) == 2


@pytest.mark.parametrize("asked, last", [(None, 10.0), (5.0, 10.0), (3.0, 9.0)])
def test_permanent_429_of_one_request_ends_at_retry_timeout(clock, asked, last):
    throttle = shared_throttle(clock, retry_timeout=10)
    first = moment = throttle.acquire()
    tries = 0
    while True:
        tries += 1
        throttle.release(refusal(asked))
        if not throttle.wait_for_retry(refusal(asked), tries, first):
            break
        # Another worker gets an answer.
        throttle.acquire()
        throttle.release(None)
        moment = throttle.acquire()
    assert last - 0.5 < moment <= last
    # It was about this one only.
    assert acquired(throttle) >= 1


def test_block_after_429_is_waited_for_once(clock):
    """It is waited for in acquire(), as by all other requests."""
    throttle = shared_throttle(clock)
    first = throttle.acquire()
    throttle.release(refusal(5.0))
    assert throttle.wait_for_retry(refusal(5.0), 1, first) is True
    assert clock.slept == []
    throttle.acquire()
    assert clock.slept == [5.0]


# --- retry timeout --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [refusal(), trouble(), trouble(503)], ids=["429", "away", "503"])
def test_final_failure_is_not_retried(clock, failure):
    throttle = shared_throttle(clock)
    first = throttle.acquire()
    failure = FailedAttempt(failure.category, "x", "y", http_status=failure.http_status)
    throttle.release(failure)
    assert throttle.wait_for_retry(failure, 1, first) is False
    assert clock.slept == []


def test_unreachable_service_is_waited_for_once_per_list(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    assert tried_out(throttle, clock, trouble()) == (6, 7.75)
    with pytest.raises(ApiError) as caught:
        throttle.acquire()
    error = caught.value
    assert (error.category, error.retryable, error.http_status) == ("unavailable", True, None)
    assert_message(error.message, "not tried", GONE, "Look")
    assert (error.may_have_changed, error.ambiguous, error.path, error.request_id) == (False, False, None, None)


@pytest.mark.parametrize("category", ["authentication", "tls"])
def test_fatal_failure_aborts_the_list_at_once(clock, category):
    throttle = shared_throttle(clock, has_answered=False)
    failure = FailedAttempt(
        category, "it was refused", "Look.", request_id="r1", decision=RetryDecision.UNCERTAIN, fields={"x": ["y"]}
    )
    assert tried_out(throttle, clock, failure) == (1, 0.0)
    with pytest.raises(ApiError) as caught:
        throttle.acquire()
    error = caught.value
    assert_message(error.message, "not tried", "it was refused", "Look")
    assert (error.category, error.retryable) == (category, False)
    assert (error.may_have_changed, error.ambiguous, error.path, error.request_id, error.fields) == (
        False,
        False,
        None,
        None,
        {},
    )


@pytest.mark.parametrize("category", ["authentication", "tls"])
def test_single_fatal_failure_after_success_does_not_abort(clock, category):
    """One broken handshake must not abort the other items; three in a row are no accident."""
    throttle = shared_throttle(clock)
    failure = FailedAttempt(category, "it was refused", "Look.")
    for _each in range(5):
        assert [tried_out(throttle, clock, failure) for _each in range(MAX_FATAL_FAILURES - 1)] == [(1, 0.0)] * (
            MAX_FATAL_FAILURES - 1
        )
        throttle.acquire()
        throttle.release(None)
    for _each in range(MAX_FATAL_FAILURES):
        assert tried_out(throttle, clock, failure) == (1, 0.0)
    with pytest.raises(ApiError, match="not tried any more: it was refused"):
        throttle.acquire()


def test_refusal_by_the_proxy_aborts_the_list_at_once(clock):
    """Repeated logins can lock an account."""
    throttle = shared_throttle(clock)
    assert tried_out(throttle, clock, from_proxy_refusal(407)) == (1, 0.0)
    with pytest.raises(ApiError, match="not tried any more: the proxy refused the credentials"):
        throttle.acquire()


def test_unknown_host_is_retried_once_and_aborts_the_list(clock):
    throttle = shared_throttle(clock)
    failure = replace(trouble(), max_attempts=2)
    assert tried_out(throttle, clock, failure)[0] == 2
    with pytest.raises(ApiError, match="not tried any more"):
        throttle.acquire()


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_error_responses_share_one_retry_timeout(clock, status):
    """They may be about one entry alone, so that the others are still tried: once."""
    throttle = shared_throttle(clock, retry_timeout=10)
    assert tried_out(throttle, clock, trouble(status)) == (6, 7.75)
    for _each in range(4):
        tried_out(throttle, clock, trouble(status))
    assert [tried_out(throttle, clock, trouble(status)) for _each in range(3)] == [(1, 0.0)] * 3
    assert clock.time <= 10
    assert acquired(throttle) == 8


def test_retry_timeout_restarts_after_a_success(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    for _each in range(3):
        assert tried_out(throttle, clock, trouble(503))[0] == 6
        throttle.acquire()
        throttle.release(None)


def test_retry_timeout_starts_with_the_first_failure(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    clock.time += 1000
    assert tried_out(throttle, clock, trouble())[0] == 6


def test_busy_path_has_its_own_timeout_while_others_succeed(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    first, tries = throttle.acquire(), 0
    while True:
        tries += 1
        throttle.release(trouble(503))
        if not throttle.wait_for_retry(trouble(503), tries, first):
            break
        throttle.acquire()
        # Another worker gets an answer.
        throttle.acquire()
        throttle.release(None)
    assert (tries, clock.time) == (6, 7.75)
    assert acquired(throttle) == 8


def test_wait_that_ends_exactly_at_the_timeout_is_allowed(clock):
    throttle = shared_throttle(clock, retry_timeout=0.25)
    assert tried_out(throttle, clock, trouble()) == (2, 0.25)


@pytest.mark.parametrize("has_answered", [False, True])
def test_retry_timeout_of_zero_means_one_attempt(clock, has_answered):
    throttle = shared_throttle(clock, retry_timeout=0, has_answered=has_answered)
    assert tried_out(throttle, clock, trouble(503)) == (1, 0.0)
    assert tried_out(throttle, clock, refusal()) == (1, 0.0)


def test_429_with_too_long_retry_after_aborts_the_workspace(clock):
    throttle = shared_throttle(clock)
    assert tried_out(throttle, clock, refusal(3600.0)) == (1, 0.0)
    with pytest.raises(ApiError) as caught:
        throttle.acquire()
    assert_message(caught.value.message, "not tried", "HTTP 429", "3600 s", "Come later")
    assert (caught.value.category, caught.value.http_status, caught.value.retryable) == ("rate_limited", 429, True)
    assert clock.slept == []


def test_503_with_too_long_retry_after_fails_one_request(clock):
    throttle = shared_throttle(clock)
    assert tried_out(throttle, clock, trouble(503, 3600.0)) == (1, 0.0)
    assert acquired(throttle) == 8


@pytest.mark.parametrize("asked, tries", [(10.0, 2), (5.0, 3), (4.0, 3), (11.0, 1)])
def test_no_attempt_starts_after_the_retry_timeout(clock, asked, tries):
    throttle = shared_throttle(clock, retry_timeout=10)
    assert tried_out(throttle, clock, refusal(asked))[0] == tries
    assert clock.time <= 10
    with pytest.raises(ApiError, match="not tried any more"):
        throttle.acquire()


def test_retry_after_of_zero_does_not_undercut_the_backoff(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    assert tried_out(throttle, clock, refusal(0.0)) == (6, 7.75)


@pytest.mark.parametrize("has_answered", [False, True])
def test_permanent_429_aborts_at_the_retry_timeout(clock, has_answered):
    throttle = shared_throttle(clock, retry_timeout=10, has_answered=has_answered)
    assert tried_out(throttle, clock, refusal()) == (6, 7.75)
    with pytest.raises(ApiError, match=r"HTTP 429\)\. Come"):
        throttle.acquire()


# --- workspaces -------------------------------------------------------------------------------------------------------


def two_workspaces(clock: FakeClock, retry_timeout: float = 10) -> tuple[WorkspaceThrottle, WorkspaceThrottle]:
    """The throttles of two workspaces, whose workers this thread plays."""
    first = shared_throttle(clock, retry_timeout=retry_timeout)
    other = first._shared.workspace("other")
    other.acquire()
    other.release(None)
    return first, other


@pytest.mark.parametrize("failure", [refusal(), refusal(3600.0), trouble(503)], ids=["429", "an hour", "503"])
def test_failing_workspace_does_not_affect_others(clock, failure):
    throttled, other = two_workspaces(clock)
    first, tries = throttled.acquire(), 1
    throttled.release(failure)
    before = clock.time
    assert acquired(other) == 8
    assert clock.time == before
    while throttled.wait_for_retry(failure, tries, first):
        throttled.acquire()
        throttled.release(failure)
        tries += 1
    for _each in range(8):
        other.release(None)
    assert acquired(other) == 8


@pytest.mark.parametrize(
    "failure, reports", [(trouble(), 0), (trouble(503), 1), (refusal(), 1)], ids=["away", "503", "429"]
)
def test_worker_is_reported_as_blocked_only_by_its_workspace(clock, failure, reports):
    workspace = shared_throttle(clock)
    blocked: list[bool] = []
    workspace._shared.on_blocked = blocked.append
    first = workspace.acquire()
    workspace.release(failure)
    assert workspace.wait_for_retry(failure, 1, first)
    workspace.acquire()
    assert blocked == [True, False] * reports


def test_all_workspaces_wait_once_for_an_outage(clock):
    first, other = two_workspaces(clock)
    assert tried_out(first, clock, trouble()) == (6, 7.75)
    with pytest.raises(ApiError, match="not tried any more"):
        other.acquire()


def test_workspace_without_answers_is_aborted_alone(clock):
    hanging, other = two_workspaces(clock)
    first, tries = hanging.acquire(), 1
    while True:
        hanging.release(trouble())
        other.acquire()
        other.release(None)
        if not hanging.wait_for_retry(trouble(), tries, first):
            break
        hanging.acquire()
        tries += 1
    with pytest.raises(ApiError, match="not tried any more"):
        hanging.acquire()
    assert acquired(other) == 8


def test_one_request_probes_the_credentials_for_all(clock):
    first = shared_throttle(clock, has_answered=False)
    other = first._shared.workspace("other")
    first.acquire()
    with pytest.raises(WouldWaitError):
        other.acquire()
    first.release(None)
    assert (acquired(first), acquired(other)) == (8, 1)


def test_failing_first_workspace_does_not_delay_others(clock):
    first = shared_throttle(clock, has_answered=False)
    first.acquire()
    first.release(refusal(3600.0))
    other = first._shared.workspace("other")
    other.acquire()
    other.release(None)
    assert acquired(other) == 8


def fail_item(workspace: WorkspaceThrottle, times: int = 2) -> None:
    """An entry whose write fails some times."""
    item = ItemThrottle(workspace)
    for _each in range(times):
        item.acquire()
        item.release(trouble(500), is_write=True)
        item.acquire()
        item.release(None)
    item.finish()


def succeed_item(workspace: WorkspaceThrottle, is_write: bool) -> None:
    """An entry that is answered well."""
    item = ItemThrottle(workspace)
    item.acquire()
    item.release(None, is_write=is_write)
    item.finish()


def test_workspace_with_failing_writes_is_aborted(clock):
    first, other = two_workspaces(clock)
    for _each in range(MAX_FAILED_ITEMS):
        assert first.acquire() >= 0
        first.release(None)
        fail_item(first)
        # It needed no write, so it says nothing of them.
        assert not first._abort_error or _each == MAX_FAILED_ITEMS - 1
    with pytest.raises(ApiError) as caught:
        first.acquire()
    assert_message(caught.value.message, "not tried", MAX_FAILED_ITEMS, "in a row", "HTTP 500", "Look")
    assert (caught.value.category, caught.value.may_have_changed, caught.value.retryable) == (
        "unavailable",
        False,
        True,
    )
    assert acquired(other) == 8


@pytest.mark.parametrize(
    "interlude, goes_on",
    [
        (lambda workspace: succeed_item(workspace, is_write=True), True),
        (lambda workspace: succeed_item(workspace, is_write=False), False),
        (lambda workspace: fail_item(workspace, times=1), False),
    ],
    ids=["a write succeeds", "nothing was to be written", "a write failed once"],
)
def test_successful_write_resets_the_count_of_failed_items(clock, interlude, goes_on):
    workspace = shared_throttle(clock)
    for _each in range(MAX_FAILED_ITEMS - 1):
        fail_item(workspace)
    interlude(workspace)
    fail_item(workspace)
    got = outcome(workspace.acquire)
    if goes_on:
        assert got == clock.time
    else:
        assert_message(str(got), "not tried", MAX_FAILED_ITEMS)


# --- the end --------------------------------------------------------------------------------------------------------


def test_stop_ends_all_requests_and_waits(clock):
    throttle = shared_throttle(clock)
    first = throttle.acquire()
    throttle.release(trouble(503))
    throttle._shared.stop(ApiError("The credentials were refused.", "authentication"))
    throttle._shared.stop(ApiError("Another.", "tls"))
    assert throttle.wait_for_retry(trouble(503), 1, first) is False
    with pytest.raises(ApiError, match="credentials were refused"):
        throttle.acquire()
    assert clock.slept == []


def test_retry_after_the_timeout_is_not_permitted(clock):
    throttle = shared_throttle(clock, retry_timeout=10)
    clock.time = 10.5
    with pytest.raises(RetryTimeoutError):
        throttle.acquire(0.0)
    assert throttle.acquire(0.5) == 10.5
    assert acquired(throttle) == 7


def test_refused_token_request_counts_once_for_all_waiting(clock):
    throttle = shared_throttle(clock)
    failures = [ApiError("No access token could be fetched.", "authentication") for _each in range(MAX_FATAL_FAILURES)]
    for failure in failures:
        assert throttle.acquire() >= 0
        for _each in range(8):
            throttle.abort(failure)
        throttle.release(None, was_sent=False)
    with pytest.raises(ApiError, match="No access token"):
        throttle.acquire()


def test_worker_without_capacity_is_reported_as_blocked(clock):
    throttle = shared_throttle(clock, 2)
    throttle.acquire()
    throttle.release(refusal())
    blocked: list[bool] = []
    throttle.acquire()
    throttle._shared.on_blocked = blocked.append
    with pytest.raises(WouldWaitError):
        throttle.acquire()
    assert blocked == [True, False]


def test_draining_ends_retries_and_blocks_but_not_requests(clock):
    throttle = shared_throttle(clock)
    first = throttle.acquire()
    throttle._shared.stop_waiting()
    for failure in (trouble(503), trouble(), refusal()):
        throttle.release(failure)
        assert throttle.wait_for_retry(failure, 1, first) is False
        throttle.acquire()
    assert clock.slept == []


# --- threads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def threads():
    """Run something in threads that end with the test."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


def waits(throttle: WorkspaceThrottle) -> threading.Event:
    """An event that is set once a thread waits for the condition."""
    waiting = threading.Event()
    wait = throttle._shared.condition.wait

    def recorded(timeout: float | None = None) -> bool:
        waiting.set()
        return wait(timeout)

    throttle._shared.condition.wait = recorded  # type: ignore[method-assign]  # it records the call, and waits as before
    return waiting


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives or raises."""
    try:
        return call()
    except ApiError as error:
        return error


@pytest.mark.parametrize("most", [1, 3, 8])
def test_many_threads_keep_to_the_limit(threads, most):
    throttle = SharedThrottle(most, 60, Clock()).workspace()
    count = SimpleNamespace(lock=threading.Lock(), now=0, most=0, done=0)

    def work() -> None:
        for number in range(50):
            throttle.acquire()
            with count.lock:
                count.now += 1
                count.most = max(count.most, count.now)
                assert count.now == 1 or count.done
            with count.lock:
                count.now -= 1
                count.done += 1
            throttle.release(refusal(0.0) if number % 20 == 19 else None)

    for future in [threads.submit(work) for _each in range(16)]:
        future.result(60)
    assert count.most <= most
    assert count.done == 16 * 50


def test_success_wakes_waiting_threads(threads):
    throttle = SharedThrottle(2, 60, Clock()).workspace()
    throttle.acquire()
    waiting = waits(throttle)
    other = threads.submit(throttle.acquire)
    assert waiting.wait(30)
    assert not other.done()
    throttle.release(None)
    assert other.result(30) > 0


def test_stop_waiting_does_not_block_on_the_condition(threads):
    """A signal handler calls it in a thread that may hold a lock for which the owner of the condition waits."""
    shared = SharedThrottle(2, 60, Clock())
    with shared.condition:
        threads.submit(shared.stop_waiting).result(5)
    assert shared.draining


def refused_for_a_token(
    threads: ThreadPoolExecutor, workspace: WorkspaceThrottle, then: Callable[[], None]
) -> Future[Any]:
    """A thread of its own that is refused, and begins again with another token after something has happened."""

    def work() -> Any:
        workspace.acquire()
        workspace.release(FailedAttempt("authentication", "x", "y", http_status=401))
        then()
        return outcome(workspace.acquire)

    return threads.submit(work)


def starts_at_once(workspace: WorkspaceThrottle) -> None:
    """Check that a new thread may send a request, and end the list, so that no thread is left behind."""
    with ThreadPoolExecutor(1) as pool:
        try:
            assert pool.submit(workspace.acquire).result(5) > 0
        finally:
            workspace._shared.stop(ApiError("The end.", "tls"))


def test_aborted_workspace_ends_its_token_probe(threads):
    throttle = SharedThrottle(2, 60, Clock()).workspace()
    other = throttle._shared.workspace("other")
    throttle.acquire()
    throttle.release(None)

    def stop() -> None:
        with throttle._shared.condition:
            throttle._stop(ApiError("It is over.", "unavailable"))

    assert str(refused_for_a_token(threads, throttle, stop).result(30)) == "It is over."
    starts_at_once(other)


def test_blocked_workspace_ends_its_token_probe(threads):
    throttle = SharedThrottle(2, 7200, Clock()).workspace()
    other = throttle._shared.workspace("other")
    throttle.acquire()
    throttle.release(None)
    throttle.acquire()
    waiting = waits(throttle)
    refused = refused_for_a_token(threads, throttle, lambda: throttle.release(refusal(3600.0)))
    assert waiting.wait(30)
    starts_at_once(other)
    assert str(refused.result(30)) == "The end."


def test_other_workspaces_do_not_wake_a_blocked_worker(threads):
    """Each time, another worker would end, and a new one begin with a connection of its own."""
    throttle = SharedThrottle(8, 7200, Clock()).workspace()
    other = throttle._shared.workspace("other")
    throttle.acquire()
    throttle.release(None)
    throttle.acquire()
    throttle.release(refusal(3600.0))
    blocked: list[bool] = []
    throttle._shared.on_blocked = blocked.append
    waiting = waits(throttle)
    waiting_thread = threads.submit(outcome, throttle.acquire)
    assert waiting.wait(30)
    for _each in range(20):
        other.acquire()
        waiting.clear()
        other.release(None)
        assert waiting.wait(30)
    throttle._shared.stop(ApiError("The end.", "tls"))
    waiting_thread.result(30)
    assert blocked == [True, False]


def test_draining_wakes_threads_of_a_blocked_workspace(threads):
    throttle = SharedThrottle(8, 7200, Clock()).workspace()
    throttle.acquire()
    throttle.release(refusal(3600.0))
    waiting = waits(throttle)
    other = threads.submit(throttle.acquire)
    assert waiting.wait(30)
    throttle._shared.stop_waiting()
    assert other.result(30) > 0


def test_stop_wakes_threads_of_a_blocked_workspace(threads):
    throttle = SharedThrottle(8, 7200, Clock()).workspace()
    throttle.acquire()
    throttle.release(refusal(3600.0))
    waiting = waits(throttle)
    other = threads.submit(outcome, throttle.acquire)
    assert waiting.wait(30)
    error = ApiError("x", "authentication")
    throttle._shared.stop(error)
    assert str(other.result(30)) == str(error)


@pytest.mark.parametrize(
    "finish",
    [SharedThrottle.stop_waiting, lambda shared: shared.stop(ApiError("x", "tls"))],
    ids=["stop_waiting", "stop"],
)
def test_thread_waiting_for_a_retry_is_woken_without_retry(threads, finish):
    throttle = SharedThrottle(8, 7200, Clock()).workspace()
    first = throttle.acquire()
    throttle.release(trouble(503, 3600.0))
    waiting = waits(throttle)
    other = threads.submit(throttle.wait_for_retry, trouble(503, 3600.0), 1, first)
    assert waiting.wait(30)
    finish(throttle._shared)
    assert other.result(30) is False


def test_outage_ends_all_waiting_threads(threads):
    throttle = SharedThrottle(1, 1, Clock()).workspace()
    first = throttle.acquire()
    waiting = waits(throttle)
    other = threads.submit(outcome, throttle.acquire)
    assert waiting.wait(30)
    throttle._in_flight = 5  # so that nobody else begins
    throttle.release(trouble())
    throttle._shared._unreachable_since = -10.0
    assert throttle.wait_for_retry(trouble(), 1, first) is False
    assert isinstance(other.result(30), ApiError)


# --- one client of several ------------------------------------------------------------------------------------------


def client(
    url: str, throttle: WorkspaceThrottle | SingleWorkerThrottle, credentials: Any = None, **options: Any
) -> Client:
    credentials = credentials or auth.bearer("s3cr3t-token")
    return Client(Transport(url, timeout=5, **options), credentials, CONTRAFORCE, throttle=throttle)


def test_client_retries_by_the_rules_of_its_throttle(serve, clock):
    server = serve(Reply(429, headers={"Retry-After": "5"}), Reply(503), OK)
    throttle = shared_throttle(clock, has_answered=False)
    assert client(server.url, throttle).read("GET", "/x").http_status == 200
    assert clock.slept == [5.0, 0.5]
    assert acquired(throttle) > 1


def test_client_does_not_retry_after_the_timeout(serve, threads):
    server = serve(Reply(503), OK)
    throttle = SharedThrottle(1, 1, Clock()).workspace()
    throttle.acquire()
    throttle.release(None)
    reading = threads.submit(outcome, lambda: client(server.url, throttle).read("GET", "/x"))
    while not (server.seen and throttle.is_failing):
        time.sleep(0.01)
    # Another item of the workspace takes the only slot.
    throttle.acquire()
    time.sleep(1.2)
    throttle.release(None)
    failed = reading.result(30)
    assert (failed.category, failed.http_status) == ("unavailable", 503)
    assert len(server.seen) == 1
    assert free_slots(throttle) == 1


def free_slots(throttle: WorkspaceThrottle) -> int:
    """How many requests may still begin."""
    return throttle.limit - throttle._in_flight


def test_clients_wait_once_for_an_unreachable_service(clock):
    throttle = shared_throttle(clock, retry_timeout=10, has_answered=False)
    url = f"http://127.0.0.1:{free_port()}"
    messages = []
    for number in range(3):
        with pytest.raises(ApiError) as caught:
            client(url, throttle).read("GET", f"/{number}")
        messages.append(caught.value.message)
    assert clock.time <= 10
    assert_message(messages[0], "ContraForce", url, 6)
    assert_message(messages[1], "not tried", "ContraForce", url)
    assert messages[1] == messages[2]


def test_failed_token_request_aborts_the_list(serve, clock):
    asked: list[int] = []
    failure = ApiError("No access token could be fetched.", "unavailable", retryable=True)

    def fetch() -> str:
        asked.append(1)
        raise failure

    server = serve(OK)
    throttle = shared_throttle(clock, has_answered=False)
    for _each in range(3):
        with pytest.raises(ApiError) as caught:
            client(server.url, throttle, auth.ClientCredentialsAuth(fetch, ())).read("GET", "/x")
        assert (caught.value.message, caught.value.category) == (failure.message, failure.category)
    assert (server.seen, asked) == ([], [1])
    assert throttle._in_flight == 0


def test_single_worker_fetches_a_token_again(serve, clock):
    script: list[str | ApiError] = [ApiError("It is down.", "unavailable"), "t0k3n"]

    def fetch() -> str:
        entry = script.pop(0)
        if isinstance(entry, ApiError):
            raise entry
        return entry

    alone = client(serve(OK).url, SingleWorkerThrottle(10, clock), auth.ClientCredentialsAuth(fetch, ()))
    with pytest.raises(ApiError, match="It is down"):
        alone.read("GET", "/x")
    assert alone.read("GET", "/x").http_status == 200


@pytest.mark.parametrize("bug", [KeyError("x"), KeyboardInterrupt()], ids=["bug", "interrupt"])
def test_any_exception_releases_the_throttle(serve, clock, bug):
    def fetch() -> str:
        raise bug

    throttle = shared_throttle(clock, has_answered=False)
    with pytest.raises(type(bug)):
        client(serve(OK).url, throttle, auth.ClientCredentialsAuth(fetch, ())).read("GET", "/x")
    assert acquired(throttle) == 1


def test_refreshed_token_is_sent_by_a_separate_attempt(serve, clock):
    server = serve(Reply(401), OK)
    throttle = shared_throttle(clock, has_answered=False)
    tokens = iter(["one", "two"])
    client(server.url, throttle, auth.ClientCredentialsAuth(lambda: next(tokens), ())).read("GET", "/x")
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]
    assert acquired(throttle) == 8


def test_wrong_credentials_are_sent_once(serve, clock):
    server = serve(Reply(401))
    throttle = shared_throttle(clock, has_answered=False)
    with pytest.raises(ApiError, match="credentials were refused"):
        client(server.url, throttle).read("GET", "/x")
    with pytest.raises(ApiError, match="not tried any more: the credentials were refused"):
        client(server.url, throttle).read("GET", "/y")
    assert len(server.seen) == 1


# --- alone ----------------------------------------------------------------------------------------------------------


def test_single_worker_can_always_send(clock):
    throttle = SingleWorkerThrottle(10, clock)
    clock.time = 7.0
    assert throttle.acquire() == throttle.acquire() == 7.0
    throttle.release(refusal(100.0))
    assert throttle.acquire() == 7.0
    assert clock.slept == []


@pytest.mark.parametrize("failure", [refusal(), trouble(), trouble(503)], ids=["429", "away", "503"])
def test_single_worker_has_a_timeout_for_each_request(clock, failure):
    throttle = SingleWorkerThrottle(10, clock)
    clock.time = 100.0
    first, tries = throttle.acquire(), 1
    while throttle.wait_for_retry(failure, tries, first):
        tries += 1
    assert (tries, clock.time) == (6, 107.75)


def test_single_worker_honours_retry_after(clock):
    throttle = SingleWorkerThrottle(10, clock)
    assert throttle.wait_for_retry(refusal(10.0), 1, 0.0) is True
    assert throttle.wait_for_retry(refusal(10.0), 2, 0.0) is False
    assert clock.slept == [10.0]
