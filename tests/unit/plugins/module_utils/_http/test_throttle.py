# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The throttle of a single worker, and that of the workers of a list."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, Callable
from unittest import mock

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
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

OK = Reply(body={"data": {}})
REFUSED = "the connection to ContraForce failed (Connection refused)"
THE_END = ApiError("The end.", "tls")
#: The attempts of a request that always fails within a retry timeout of 10 s, and the seconds that they take.
WHOLE_TIMEOUT = (6, 7.75)


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait 0.25, 0.5, 1, 2, 4, 7.5 seconds, and exactly the time that the service requests."""
    monkeypatch.setattr(throttle_module, "backoff_delay", partial(retry_policy.backoff_delay, jitter=lambda: 0.0))


class WouldWaitError(Exception):
    """A wait that only another thread can end."""


def throttle_of(
    clock: FakeClock, maximum: int = 8, retry_timeout: float = 10, *, has_responded: bool = True
) -> WorkspaceThrottle:
    """Return the throttle of a workspace whose workers all run in this thread; timed waits advance the clock.

    :param has_responded: whether a first request has succeeded.
    """
    shared = SharedThrottle(maximum, retry_timeout, clock)

    def wait(timeout: float | None = None) -> None:
        if timeout is None:
            raise WouldWaitError
        clock.sleep(timeout)

    shared.condition = mock.MagicMock(wait=wait)
    throttle = shared.workspace()
    if has_responded:
        send(throttle)
    return throttle


def failed(category: str, http_status: int | None = None, retry_after: float | None = None) -> FailedAttempt:
    """Return a failure that is retried if its category is transient."""
    decision = RetryDecision.RETRY if category in throttle_module.TRANSIENT_CATEGORIES else RetryDecision.REJECTED
    return FailedAttempt(
        category,
        REFUSED if http_status is None else f"it failed (HTTP {http_status})",
        "Check it.",
        http_status=http_status,
        retry_after=retry_after,
        decision=decision,
        retryable=decision is RetryDecision.RETRY,
    )


UNREACHABLE = failed("unavailable")
BUSY = failed("unavailable", 503)
LIMITED = failed("rate_limited", 429)
FATAL = [failed("authentication", 401), failed("tls")]
ONE_HOUR = replace(LIMITED, retry_after=3600.0)


def limited_for(seconds: float | None) -> FailedAttempt:
    return replace(LIMITED, retry_after=seconds)


def send(throttle: Any, failure: FailedAttempt | None = None, **options: bool) -> float:
    """Send a request with a result, and return the time at which it is sent."""
    sent_at: float = throttle.acquire()
    throttle.release(failure, **options)
    return sent_at


def capacity(throttle: WorkspaceThrottle) -> int:
    """Return how many requests can start now, without starting them."""
    for count in range(100):
        try:
            throttle.acquire()
        except WouldWaitError:
            for _each in range(count):
                throttle.release(None, was_sent=False)
            return count
    raise AssertionError("there is no limit")


def exhausted(throttle: Any, failure: FailedAttempt, between: Callable[[], object] = lambda: None) -> tuple[int, float]:
    """Retry a request that always fails until it is not retried, and return its attempts and the seconds.

    :param between: is called after each failure.
    """
    first = last = throttle.acquire()
    attempts = 0
    while True:
        attempts += 1
        throttle.release(failure)
        between()
        if not throttle.wait_for_retry(failure, attempts, first):
            return attempts, last - first
        last = throttle.acquire()


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call returns or raises."""
    try:
        return call()
    except ApiError as error:
        return error


def assert_aborted(throttle: WorkspaceThrottle, *facts: object) -> ApiError:
    """Assert that nothing more is sent, and that the error contains facts, and none about the request that failed."""
    with pytest.raises(ApiError) as caught:
        throttle.acquire()
    error = caught.value
    assert_message(error.message, "not sent", *facts)
    assert (error.may_have_changed, error.ambiguous, error.path, error.request_id) == (False, False, None, None)
    assert error.fields == {}
    return error


# --- number of concurrent requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("maximum", [1, 2, 8, 32])
def test_requests_in_flight_never_exceed_the_limit(clock, maximum):
    throttle = throttle_of(clock, maximum, has_responded=False)
    # The first request is sent alone.
    assert capacity(throttle) == 1
    send(throttle)
    assert capacity(throttle) == maximum
    for _each in range(maximum):
        throttle.acquire()
    assert capacity(throttle) == 0
    throttle.release(None)
    assert capacity(throttle) == 1


@pytest.mark.parametrize("category", ["not_found", "permission", "validation", "conflict", "contract", "configuration"])
def test_response_about_the_request_raises_the_limit(clock, category):
    throttle = throttle_of(clock, has_responded=False)
    send(throttle, failed(category, 404))
    assert capacity(throttle) == 8


@pytest.mark.parametrize("failure", [*FATAL, UNREACHABLE, BUSY, failed("unavailable", 503, 1.0), LIMITED])
def test_failure_of_the_service_keeps_the_limit_at_one(clock, failure):
    throttle = throttle_of(clock, has_responded=False)
    send(throttle, failure)
    assert capacity(throttle) == 1


def test_unsent_request_has_no_effect(clock):
    throttle = throttle_of(clock, has_responded=False)
    send(throttle, was_sent=False)
    assert capacity(throttle) == 1
    send(throttle)
    send(throttle, UNREACHABLE)
    clock.time += 9
    send(throttle, was_sent=False)
    # The outage continues, with the same retry timeout.
    assert throttle.wait_for_retry(UNREACHABLE, 2, clock.time) is True
    assert throttle.wait_for_retry(UNREACHABLE, 3, clock.time) is False


# --- 429 ------------------------------------------------------------------------------------------------------------


def test_429_blocks_all_requests_and_halves_the_limit(clock):
    throttle = throttle_of(clock)
    for limit, waited in (4, 0.25), (2, 0.5), (1, 1.0), (1, 2.0):
        send(throttle, LIMITED)
        assert capacity(throttle) == limit
        # All of them waited for the same moment.
        assert clock.slept[-1] == waited
    assert clock.slept == [0.25, 0.5, 1.0, 2.0]
    send(throttle)
    send(throttle, LIMITED)
    send(throttle)
    assert clock.slept[-1] == 0.25


def test_429_of_concurrent_requests_counts_once(clock):
    throttle = throttle_of(clock)
    for sent, limit, slept in (8, 4, [0.25]), (4, 2, [0.25, 0.5]):
        for _each in range(sent):
            throttle.acquire()
        for _each in range(sent):
            throttle.release(LIMITED)
        assert capacity(throttle) == limit
        assert clock.slept == slept


@pytest.mark.parametrize(
    "requested, blocked_for",
    [([7.0], 7.0), ([3.0, 7.0, 5.0], 7.0), ([None, 7.0], 7.0), ([7.0, None], 7.0), ([None, None], 0.25)],
)
def test_longest_retry_after_sets_the_length_of_the_block(clock, requested, blocked_for):
    throttle = throttle_of(clock)
    for _each in requested:
        throttle.acquire()
    for seconds in requested:
        throttle.release(limited_for(seconds))
    throttle.acquire()
    assert sum(clock.slept) == blocked_for


def test_late_429_does_not_shorten_the_block(clock):
    throttle = throttle_of(clock)
    throttle.acquire()
    send(throttle, limited_for(10.0))
    clock.time += 4
    throttle.release(limited_for(1.0))
    throttle.acquire()
    assert clock.slept == [6.0]


@pytest.mark.parametrize(
    "has_responded, rounds",
    [(True, [(0, 4), (4, 4), (1, 5), (5, 6), (99, 8)]), (False, [(0, 1), (1, 2), (2, 2), (1, 3), (99, 8)])],
)
def test_each_round_of_successes_raises_the_limit_by_one(clock, has_responded, rounds):
    throttle = throttle_of(clock, has_responded=has_responded)
    send(throttle, LIMITED)
    for successes, limit in rounds:
        for _each in range(successes):
            send(throttle)
        assert capacity(throttle) == limit


@pytest.mark.parametrize("seconds, duration", [(None, 7.75), (5.0, 10.0), (3.0, 9.0)])
def test_permanent_429_of_one_request_ends_at_retry_timeout(clock, seconds, duration):
    """Each success of another request restarts the back-off, and the retry timeout of the workspace."""
    throttle = throttle_of(clock)
    _attempts, elapsed = exhausted(throttle, limited_for(seconds), lambda: send(throttle))
    assert duration - 2.5 < elapsed <= 10
    assert seconds is None or elapsed == duration
    assert capacity(throttle) >= 1


def test_wait_after_429_is_in_acquire_only(clock):
    throttle = throttle_of(clock)
    first = send(throttle, limited_for(5.0))
    assert throttle.wait_for_retry(limited_for(5.0), 1, first) is True
    assert clock.slept == []
    throttle.acquire()
    assert clock.slept == [5.0]


# --- retry timeout --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure, retry_timeout, result",
    [
        (UNREACHABLE, 10, WHOLE_TIMEOUT),
        (replace(UNREACHABLE, max_attempts=2), 60, (2, 0.25)),
        (LIMITED, 10, WHOLE_TIMEOUT),
        (limited_for(0.0), 10, WHOLE_TIMEOUT),
        (limited_for(4.0), 10, (3, 8.0)),
        (limited_for(5.0), 10, (3, 10.0)),
        (limited_for(10.0), 10, (2, 10.0)),
        (limited_for(11.0), 10, (1, 0.0)),
        (ONE_HOUR, 60, (1, 0.0)),
        (LIMITED, 0, (1, 0.0)),
        (UNREACHABLE, 0.25, (2, 0.25)),
    ],
)
@pytest.mark.parametrize("has_responded", [False, True])
def test_exhausted_retries_abort_the_workspace(clock, failure, retry_timeout, result, has_responded):
    throttle = throttle_of(clock, retry_timeout=retry_timeout, has_responded=has_responded)
    clock.time = 1000.0
    assert exhausted(throttle, failure) == result
    requested = [f"{failure.retry_after:.0f} s"] if failure.retry_after else []
    error = assert_aborted(throttle, failure.text, *requested, "Check it")
    assert (error.category, error.http_status) == (failure.category, failure.http_status)
    assert error.retryable


@pytest.mark.parametrize("failure", FATAL, ids=["401", "TLS"])
def test_fatal_failure_aborts_unless_requests_have_succeeded(clock, failure):
    """A single failed handshake must not abort the other items; three in a row are not accidental."""
    throttle = throttle_of(clock, has_responded=False)
    assert exhausted(throttle, replace(failure, request_id="r1", fields={"x": ["y"]})) == (1, 0.0)
    error = assert_aborted(throttle, failure.text, "Check it")
    assert (error.category, error.retryable) == (failure.category, False)
    throttle = throttle_of(clock)
    for _each in range(5):
        for _failure in range(MAX_FATAL_FAILURES - 1):
            assert exhausted(throttle, failure) == (1, 0.0)
        send(throttle)
    for _failure in range(MAX_FATAL_FAILURES):
        assert exhausted(throttle, failure) == (1, 0.0)
    assert_aborted(throttle, failure.text)


def test_refusal_by_the_proxy_aborts_the_list_at_once(clock):
    """Repeated logins can lock an account."""
    throttle = throttle_of(clock)
    assert exhausted(throttle, from_proxy_refusal(407)) == (1, 0.0)
    assert assert_aborted(throttle, "the proxy refused the credentials").of_proxy


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_error_responses_share_one_retry_timeout(clock, status):
    """They may concern a single item, so the others are still tried once."""
    throttle = throttle_of(clock)
    failure = failed("unavailable", status)
    assert exhausted(throttle, failure) == WHOLE_TIMEOUT
    for _each in range(4):
        exhausted(throttle, failure)
    assert [exhausted(throttle, failure) for _each in range(3)] == [(1, 0.0)] * 3
    assert clock.time <= 10
    assert capacity(throttle) == 8
    # The next success ends it.
    send(throttle)
    assert exhausted(throttle, failure) == WHOLE_TIMEOUT


def test_request_has_its_own_timeout_while_others_succeed(clock):
    throttle = throttle_of(clock)
    assert exhausted(throttle, BUSY, lambda: send(throttle)) == WHOLE_TIMEOUT
    assert exhausted(throttle, failed("unavailable", 503, 3600.0)) == (1, 0.0)
    assert capacity(throttle) == 8


def test_retry_after_the_timeout_is_not_permitted(clock):
    throttle = throttle_of(clock)
    clock.time = 10.5
    with pytest.raises(RetryTimeoutError):
        throttle.acquire(0.0)
    assert throttle.acquire(0.5) == 10.5
    assert capacity(throttle) == 7


# --- workspaces -----------------------------------------------------------------------------------------------------


def two_workspaces(clock: FakeClock) -> tuple[WorkspaceThrottle, WorkspaceThrottle]:
    """Return the throttles of two workspaces, with a successful request each."""
    first = throttle_of(clock)
    other = first._shared.workspace("other")
    assert first._shared.workspace("other") is other
    send(other)
    return first, other


@pytest.mark.parametrize("failure", [LIMITED, ONE_HOUR, BUSY], ids=["429", "one hour", "503"])
def test_failing_workspace_does_not_affect_others(clock, failure):
    failing, other = two_workspaces(clock)

    def check() -> None:
        before = clock.time
        assert capacity(other) == 8
        assert clock.time == before
        assert failing.is_failing
        assert not other.is_failing

    exhausted(failing, failure, check)
    assert capacity(other) == 8


@pytest.mark.parametrize("failure, reports", [(UNREACHABLE, 0), (BUSY, 1), (LIMITED, 1)])
def test_worker_is_reported_as_blocked_only_by_its_workspace(clock, failure, reports):
    throttle = throttle_of(clock, 1)
    blocked: list[bool] = []
    throttle._shared.on_blocked = blocked.append
    first = send(throttle, failure)
    assert throttle.wait_for_retry(failure, 1, first)
    throttle.acquire()
    assert blocked == [True, False] * reports
    with pytest.raises(WouldWaitError):
        throttle.acquire()
    assert blocked == [True, False] * (reports + 1)


@pytest.mark.parametrize("other_succeeds", [False, True])
def test_outage_aborts_workspaces_without_success(clock, other_succeeds):
    first, other = two_workspaces(clock)
    assert exhausted(first, UNREACHABLE, lambda: other_succeeds and send(other)) == WHOLE_TIMEOUT
    assert_aborted(first, REFUSED)
    if other_succeeds:
        assert capacity(other) == 8
    else:
        assert_aborted(other, REFUSED)


def test_first_workspace_tests_the_credentials_for_all(clock):
    first = throttle_of(clock, has_responded=False)
    other = first._shared.workspace("other")
    first.acquire()
    assert capacity(other) == 0
    first.release(ONE_HOUR)
    # A blocked workspace does not delay the others.
    send(other)
    assert capacity(other) == 8


def finish_item(workspace: WorkspaceThrottle, *writes: FailedAttempt | None) -> None:
    """Process an item with some writes, each of which is followed by a successful read."""
    item = ItemThrottle(workspace)
    for failure in writes:
        send(item, failure, is_write=True)
        send(item)
    item.finish()


def test_workspace_with_failing_writes_is_aborted(clock):
    first, other = two_workspaces(clock)
    failure = failed("unavailable", 500)
    for number in range(MAX_FAILED_ITEMS):
        # Reads and items without a write do not count.
        send(first)
        finish_item(first)
        assert first.is_failing is (number > 0)
        finish_item(first, failure, failure)
    error = assert_aborted(first, MAX_FAILED_ITEMS, "in a row", failure.text, "Check it")
    assert (error.category, error.retryable) == ("unavailable", True)
    assert not first.is_failing
    assert capacity(other) == 8


@pytest.mark.parametrize("writes, is_aborted", [([None], False), ([], True), ([BUSY], True), ([BUSY, None], False)])
def test_successful_write_resets_the_count_of_failed_items(clock, writes, is_aborted):
    workspace = throttle_of(clock)
    for _each in range(MAX_FAILED_ITEMS - 1):
        finish_item(workspace, BUSY, BUSY)
    finish_item(workspace, *writes)
    finish_item(workspace, BUSY, BUSY)
    assert isinstance(outcome(workspace.acquire), ApiError) is is_aborted


# --- end of a list --------------------------------------------------------------------------------------------------


def test_stop_ends_all_requests_and_waits(clock):
    throttle = throttle_of(clock)
    first = send(throttle, BUSY)
    throttle._shared.stop(THE_END)
    throttle._shared.stop(ApiError("Another.", "authentication"))
    assert throttle.wait_for_retry(BUSY, 1, first) is False
    with pytest.raises(ApiError, match=r"The end\.") as caught:
        throttle.acquire()
    assert caught.value is not THE_END
    assert clock.slept == []


@pytest.mark.parametrize("of_proxy, refusals", [(False, MAX_FATAL_FAILURES), (True, 1)])
def test_refused_token_request_counts_once_for_all_waiting(clock, of_proxy, refusals):
    throttle = throttle_of(clock)
    for number in range(refusals):
        error = ApiError(f"Refused {number}.", "authentication", of_proxy=of_proxy)
        throttle.acquire()
        for _each in range(8):
            throttle.abort(error)
        throttle.release(None, was_sent=False)
        assert isinstance(throttle._shared.abort_error, ApiError) is (number == refusals - 1)


def test_draining_ends_retries_and_blocks_but_not_requests(clock):
    throttle = throttle_of(clock)
    first = throttle.acquire()
    throttle._shared.stop_waiting()
    for failure in (BUSY, UNREACHABLE, LIMITED):
        throttle.release(failure)
        assert throttle.wait_for_retry(failure, 1, first) is False
        throttle.acquire()
    assert clock.slept == []


# --- threads --------------------------------------------------------------------------------------------------------


class FastClock(Clock):
    """A clock that runs 500 times as fast as the real one."""

    def now(self) -> float:
        return time.monotonic() * 500

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        condition.wait(seconds / 500)


@pytest.fixture
def threads():
    """Run functions in threads that end with the test."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


def shared_by_threads(maximum: int = 8) -> tuple[WorkspaceThrottle, WorkspaceThrottle, threading.Event]:
    """Return the throttles of two workspaces, and an event that is set when a thread waits for their condition."""
    shared = SharedThrottle(maximum, 7200, Clock())
    waiting = threading.Event()
    wait = shared.condition.wait

    def recording_wait(timeout: float | None = None) -> bool:
        waiting.set()
        return wait(timeout)

    shared.condition.wait = recording_wait  # type: ignore[method-assign]  # it also waits
    first, other = shared.workspace(), shared.workspace("other")
    send(first)
    return first, other, waiting


@pytest.mark.parametrize("maximum", [1, 3, 8])
def test_threads_never_exceed_the_limit(threads, maximum):
    throttle = SharedThrottle(maximum, 60, FastClock()).workspace()
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
            throttle.release(limited_for(0.0) if number % 20 == 19 else None)

    for future in [threads.submit(work) for _each in range(16)]:
        future.result(60)
    assert count.most <= maximum
    assert count.done == 16 * 50


def test_success_wakes_waiting_threads(threads):
    throttle, _other, waiting = shared_by_threads(1)
    throttle.acquire()
    thread = threads.submit(throttle.acquire)
    assert waiting.wait(30)
    assert not thread.done()
    throttle.release(None)
    assert thread.result(30) > 0


def test_stop_waiting_does_not_block_on_the_condition(threads):
    shared = SharedThrottle(2, 60, Clock())
    with shared.condition:
        threads.submit(shared.stop_waiting).result(5)
    assert shared.draining


@pytest.mark.parametrize("is_draining", [True, False])
@pytest.mark.parametrize("is_retry", [True, False])
def test_end_of_a_list_wakes_waiting_threads(threads, is_draining, is_retry):
    throttle, _other, waiting = shared_by_threads()
    failure = failed("unavailable", 503, 3600.0) if is_retry else ONE_HOUR
    first = send(throttle, failure)
    retry = partial(throttle.wait_for_retry, failure, 1, first)
    thread = threads.submit(outcome, retry if is_retry else throttle.acquire)
    assert waiting.wait(30)
    if is_draining:
        throttle._shared.stop_waiting()
    else:
        throttle._shared.stop(THE_END)
    result = thread.result(30)
    if is_retry:
        assert result is False
    else:
        assert result > 0 if is_draining else str(result) == "The end."


@pytest.mark.parametrize("is_aborted", [True, False])
def test_refused_thread_unblocks_others_if_it_cannot_continue(threads, is_aborted):
    """While a thread fetches another token, no other request is sent."""
    throttle, other, waiting = shared_by_threads(2)
    throttle.acquire()
    is_refused, may_continue = threading.Event(), threading.Event()

    def work() -> Any:
        send(throttle, FATAL[0])
        is_refused.set()
        assert may_continue.wait(30)
        return outcome(throttle.acquire)

    thread: Future[Any] = threads.submit(work)
    assert is_refused.wait(30)
    assert not throttle._shared.is_free()
    if is_aborted:
        with throttle._shared.condition:
            throttle._stop(ApiError("It is over.", "unavailable"))
    else:
        throttle.release(ONE_HOUR)
    may_continue.set()
    assert is_aborted or waiting.wait(30)
    try:
        assert threads.submit(other.acquire).result(5) > 0
    finally:
        throttle._shared.stop(THE_END)
    assert str(thread.result(30)) == ("It is over." if is_aborted else "The end.")


def test_other_workspaces_do_not_wake_a_blocked_worker(threads):
    """Otherwise each request would replace a worker, and open a connection."""
    throttle, other, waiting = shared_by_threads()
    send(throttle, ONE_HOUR)
    blocked: list[bool] = []
    throttle._shared.on_blocked = blocked.append
    thread = threads.submit(outcome, throttle.acquire)
    for _each in range(20):
        assert waiting.wait(30)
        waiting.clear()
        send(other)
    throttle._shared.stop(THE_END)
    thread.result(30)
    assert blocked == [True, False]


def test_outage_ends_all_waiting_threads(threads):
    throttle, _other, waiting = shared_by_threads(1)
    first = throttle.acquire()
    thread = threads.submit(outcome, throttle.acquire)
    assert waiting.wait(30)
    throttle._in_flight = 5  # so that no other request starts
    throttle.release(UNREACHABLE)
    throttle._shared._unreachable_since = -7200.0
    assert throttle.wait_for_retry(UNREACHABLE, 1, first) is False
    assert isinstance(thread.result(30), ApiError)


# --- clients --------------------------------------------------------------------------------------------------------


def client(url: str, throttle: Any, fetch: Callable[[], str] | None = None) -> Client:
    credentials = auth.ClientCredentialsAuth(fetch, ()) if fetch else auth.bearer("s3cr3t-token")
    return Client(Transport(url, timeout=5), credentials, CONTRAFORCE, throttle=throttle)


def test_client_retries_by_the_rules_of_its_throttle(serve, clock):
    server = serve(Reply(429, headers={"Retry-After": "5"}), Reply(503), OK)
    throttle = throttle_of(clock, has_responded=False)
    assert client(server.url, throttle).read("GET", "/x").http_status == 200
    assert clock.slept == [5.0, 0.5]


def test_client_does_not_retry_after_the_timeout(serve, clock):
    server = serve(Reply(503), OK)
    throttle = throttle_of(clock)
    wait_for_retry = throttle.wait_for_retry

    def late_retry(*arguments: Any) -> bool:
        may_retry = wait_for_retry(*arguments)
        clock.time += 60
        return may_retry

    throttle.wait_for_retry = late_retry  # type: ignore[method-assign]  # another item takes its turn
    error = outcome(lambda: client(server.url, throttle).read("GET", "/x"))
    assert (error.category, error.http_status, len(server.seen)) == ("unavailable", 503, 1)
    assert capacity(throttle) == 8


def test_failed_token_request_aborts_the_list(serve, clock):
    calls: list[int] = []
    failure = ApiError("No access token could be fetched.", "unavailable", retryable=True)

    def fetch() -> str:
        calls.append(1)
        raise failure

    server = serve(OK)
    throttle = throttle_of(clock, has_responded=False)
    for _each in range(3):
        error = outcome(lambda: client(server.url, throttle, fetch).read("GET", "/x"))
        assert (error.message, error.category) == (failure.message, failure.category)
    assert (server.seen, calls, throttle._in_flight) == ([], [1], 0)
    # A single worker fetches a token again.
    single = client(server.url, SingleWorkerThrottle(10, clock), fetch)
    for _each in range(2):
        outcome(lambda: single.read("GET", "/x"))
    assert calls == [1, 1, 1]


@pytest.mark.parametrize("bug", [KeyError("x"), KeyboardInterrupt()], ids=["bug", "interrupt"])
def test_any_exception_releases_the_throttle(serve, clock, bug):
    def fetch() -> str:
        raise bug

    throttle = throttle_of(clock, has_responded=False)
    with pytest.raises(type(bug)):
        client(serve(OK).url, throttle, fetch).read("GET", "/x")
    assert capacity(throttle) == 1


def test_refreshed_token_is_sent_by_a_separate_attempt(serve, clock):
    server = serve(Reply(401), OK)
    throttle = throttle_of(clock, has_responded=False)
    tokens = iter(["one", "two"])
    client(server.url, throttle, lambda: next(tokens)).read("GET", "/x")
    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]
    assert capacity(throttle) == 8


# --- single worker --------------------------------------------------------------------------------------------------


def test_single_worker_is_never_blocked(clock):
    throttle = SingleWorkerThrottle(10, clock)
    clock.time = 7.0
    assert send(throttle, limited_for(100.0)) == throttle.acquire(0.0) == 7.0
    assert clock.slept == []


@pytest.mark.parametrize(
    "failure, result", [(LIMITED, WHOLE_TIMEOUT), (UNREACHABLE, WHOLE_TIMEOUT), (limited_for(10.0), (2, 10.0))]
)
def test_single_worker_has_a_timeout_for_each_request(clock, failure, result):
    throttle = SingleWorkerThrottle(10, clock)
    for moment in (100.0, 200.0):
        clock.time = moment
        assert exhausted(throttle, failure) == result
