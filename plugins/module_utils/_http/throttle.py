# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Decide when requests are sent: how long a failed one waits, and how many run at the same time."""

from __future__ import annotations

import contextlib
import threading
from typing import Callable, Hashable, Iterator, Protocol

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import FailedAttempt
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import RetryDecision, backoff_delay

#: Categories of failures that are caused by the service, not by the request.
TRANSIENT_CATEGORIES = frozenset({"unavailable", "rate_limited"})

#: Categories of failures that every further request would cause as well.
FATAL_CATEGORIES = frozenset({"authentication", "tls"})

#: How many fatal failures in a row abort a list although requests have succeeded before: one may be an accident.
MAX_FATAL_FAILURES = 3

#: How many items of a workspace in a row may fail to write before nothing more is sent to the workspace.
MAX_FAILED_ITEMS = 5


class RetryTimeoutError(Exception):
    """A request has waited so long for its permission to be sent that it must not be retried any more."""


class Throttle(Protocol):
    """Control when a client sends its requests."""

    def acquire(self, first_sent_at: float | None = None) -> float:
        """Wait until a request may be sent, and return the time of the clock at which it is sent.

        :param first_sent_at: for a retry, the time of the first attempt.
        :raises ApiError: if nothing may be sent any more.
        :raises RetryTimeoutError: if it is too late for a retry.
        """

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Record the result of an attempt.

        :param failure: None if the attempt succeeded.
        :param was_sent: whether anything was sent.
        :param is_write: whether the request changes something.
        """

    def abort(self, error: ApiError) -> None:
        """Record that an attempt could not be sent because there are no credentials.

        :param error: the reason.
        """

    def wait_for_retry(self, failure: FailedAttempt, attempts: int, first_sent_at: float) -> bool:
        """Wait until a request may be retried, and return whether it may.

        :param failure: the result of the last attempt.
        :param attempts: the number of attempts so far.
        :param first_sent_at: the time of the first attempt.
        """


class SingleWorkerThrottle:
    """Throttle one worker: each request has a retry timeout of its own.

    :param retry_timeout: seconds after which a request is not retried any more.
    :param clock: the source of time.
    """

    def __init__(self, retry_timeout: float, clock: Clock) -> None:
        self._retry_timeout = retry_timeout
        self._clock = clock

    def acquire(self, first_sent_at: float | None = None) -> float:
        """Return the time of the clock; a single worker can always send."""
        del first_sent_at
        return self._clock.now()

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Do nothing; there are no other workers."""

    def abort(self, error: ApiError) -> None:
        """Do nothing; the worker gets the error itself, and may fetch credentials again."""

    def wait_for_retry(self, failure: FailedAttempt, attempts: int, first_sent_at: float) -> bool:
        """Wait as long as the service requests, or longer after each attempt."""
        seconds = backoff_delay(attempts, failure.retry_after)
        ends_at = first_sent_at + self._retry_timeout
        if not failure.may_retry(attempts) or self._clock.now() + seconds > ends_at:
            return False
        self._clock.sleep(seconds)
        return True


#: Is called with True when a worker starts to wait because its workspace is blocked, and with False when it goes on.
OnBlocked = Callable[[bool], None]


class SharedThrottle:
    """Keep what the workspaces of a list share: the credentials, the connection to the service, and the abort.

    - The first request is sent alone, so that wrong credentials are refused only once.
    - A service that cannot be reached is waited for once, not again for each item of the list.

    The methods from :meth:`is_free` on are for :class:`WorkspaceThrottle`, which holds the lock of the condition.

    :param max_concurrency: how many requests to a workspace may be in flight at the same time.
    :param retry_timeout: seconds after which a request is not retried any more.
    :param clock: the source of time.
    """

    def __init__(self, max_concurrency: int, retry_timeout: float, clock: Clock) -> None:
        self.max_concurrency = max_concurrency
        self.retry_timeout = retry_timeout
        self.clock = clock
        self.condition = threading.Condition()
        self.has_answered = False
        self.draining = False
        self.abort_error: ApiError | None = None
        self.on_blocked: OnBlocked = lambda _is_blocked: None
        self._in_flight = 0
        self._fatal_failures = 0
        self._last_fatal_error: ApiError | None = None
        self._unreachable_since: float | None = None
        self._probing_thread: int | None = None
        self._workspaces: dict[Hashable, WorkspaceThrottle] = {}

    def workspace(self, name: Hashable = None) -> WorkspaceThrottle:
        """Return the throttle of a workspace or tenant, the same one each time.

        :param name: the workspace or tenant.
        """
        with self.condition:
            return self._workspaces.setdefault(name, WorkspaceThrottle(self))

    def stop_waiting(self) -> None:
        """Let the requests in flight finish without retries.

        A signal handler calls this in a thread that may hold a lock for which the owner of the condition waits, so it
        does not wait for the condition. A waiting thread can miss it then, until it is called again.
        """
        self.draining = True
        if self.condition.acquire(blocking=False):
            self.condition.notify_all()
            self.condition.release()

    def stop(self, error: ApiError) -> None:
        """Send nothing any more.

        :param error: the reason, which is raised in every thread that wants to send something.
        """
        with self.condition:
            self.abort_error = self.abort_error or error
            self.condition.notify_all()

    def is_free(self) -> bool:
        """Return whether a request may be sent as far as all workspaces are concerned."""
        is_probing = self._probing_thread not in (None, threading.get_ident())
        return not is_probing and (self.has_answered or not self._in_flight)

    def record_start(self) -> None:
        """Record that a request is sent."""
        self._probing_thread = None
        self._in_flight += 1

    def end_probe(self) -> None:
        """Let the others go on if this thread, whose credentials were refused, cannot try others now."""
        if self._probing_thread == threading.get_ident():
            self._probing_thread = None
            self.condition.notify_all()

    def record_result(self, failure: FailedAttempt | None, was_sent: bool) -> None:
        """Record the result of a request."""
        self._in_flight -= 1
        if failure and failure.category in FATAL_CATEGORIES:
            # No other request may be refused for the same reason until this thread has tried another token or failed.
            self._probing_thread = threading.get_ident()
        elif was_sent and not (failure and failure.category in TRANSIENT_CATEGORIES):
            self.has_answered, self._fatal_failures = True, 0
        if failure and failure.http_status is None and failure.category in TRANSIENT_CATEGORIES:
            self._unreachable_since = self.clock.now() if self._unreachable_since is None else self._unreachable_since
        elif was_sent:
            self._unreachable_since = None

    def record_fatal_error(self, error: ApiError) -> None:
        """Record that credentials or TLS failed: aborts the list, unless it is rare and requests have succeeded."""
        self._probing_thread = None
        # All threads that wait for a token get the same error if it cannot be fetched.
        self._fatal_failures += error is not self._last_fatal_error
        self._last_fatal_error = error
        if not self.has_answered or self._fatal_failures >= MAX_FATAL_FAILURES:
            self.abort_error = self.abort_error or error
        self.condition.notify_all()

    def is_unreachable_at(self, moment: float) -> bool:
        """Return whether the service will have been unreachable for longer than the retry timeout.

        :param moment: a time of the clock.
        """
        return self._unreachable_since is not None and moment > self._unreachable_since + self.retry_timeout


class WorkspaceThrottle:
    """Throttle the workers of one workspace or tenant, independently of the others.

    - A refusal for too many requests (429) blocks all of them, and halves the number of concurrent requests; each
      success after that raises it a bit. Meanwhile, blocked workers make room for those of other workspaces.
    - A workspace that does not answer is waited for once: the retry timeout starts with the first failure after the
      last success.
    - After MAX_FAILED_ITEMS items in a row whose writes failed repeatedly, nothing more is sent.

    :param shared: the state that it shares with the others.
    """

    def __init__(self, shared: SharedThrottle) -> None:
        self._shared = shared
        self._limit = 1.0
        self._has_answered = False
        self._in_flight = 0
        self._blocked_until = 0.0
        self._refusals = 0
        self._failing_since: float | None = None
        self._last_write_failed = False
        self._failed_items = 0
        self._abort_error: ApiError | None = None

    @property
    def is_failing(self) -> bool:
        """Return whether items of other workspaces should be started first."""
        has_failures = self._failing_since is not None or self._last_write_failed or self._failed_items > 0
        return has_failures and self._abort_error is None

    @property
    def limit(self) -> int:
        """Return how many requests may be in flight at the same time; one until the first answer."""
        return int(self._limit)

    def acquire(self, first_sent_at: float | None = None) -> float:
        """Wait until the workspace is not blocked, and fewer requests than the limit are in flight."""
        shared = self._shared
        with shared.condition:
            while True:
                error = shared.abort_error or self._abort_error
                now = shared.clock.now()
                is_late = first_sent_at is not None and now > first_sent_at + shared.retry_timeout
                has_capacity = self._has_capacity()
                if error is None and not is_late and has_capacity and shared.is_free():
                    shared.record_start()
                    self._in_flight += 1
                    return now
                shared.end_probe()
                if error is not None:
                    # A new one each time: thousands of items would add their tracebacks to the same exception.
                    raise error.with_message(error.message)
                if is_late:
                    raise RetryTimeoutError
                if has_capacity:
                    shared.condition.wait()
                else:
                    with self._reported_as_blocked():
                        self._wait_for_capacity()

    def _is_blocked(self) -> bool:
        """Return whether the workspace is blocked. While draining it is not: each worker has at most one request."""
        return self._shared.clock.now() < self._blocked_until and not self._shared.draining

    def _has_capacity(self) -> bool:
        """Return whether a request may be sent as far as this workspace is concerned."""
        return self._in_flight < self.limit and not self._is_blocked()

    def _wait_for_capacity(self) -> None:
        shared = self._shared
        while not self._has_capacity() and shared.abort_error is None and self._abort_error is None:
            if self._is_blocked():
                shared.clock.wait(shared.condition, self._blocked_until - shared.clock.now())
            else:
                shared.condition.wait()

    @contextlib.contextmanager
    def _reported_as_blocked(self) -> Iterator[None]:
        """Let a worker of another workspace run meanwhile."""
        self._shared.on_blocked(True)
        try:
            yield
        finally:
            self._shared.on_blocked(False)

    @property
    def _is_ending(self) -> bool:
        """Return whether there are no retries any more."""
        return self._shared.draining or self._shared.abort_error is not None or self._abort_error is not None

    def _wait_until(self, moment: float) -> None:
        """Wait until a time of the clock, unless retries end before."""
        shared = self._shared
        now = shared.clock.now()
        while now < moment and not self._is_ending:
            shared.clock.wait(shared.condition, moment - now)
            now = shared.clock.now()

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Raise the limit after a success, and lower it after a refusal for too many requests."""
        with self._shared.condition:
            self._in_flight -= 1
            self._shared.record_result(failure, was_sent)
            category = failure.category if failure else None
            if is_write and was_sent:
                self._last_write_failed = category in TRANSIENT_CATEGORIES
            if was_sent and category not in TRANSIENT_CATEGORIES | FATAL_CATEGORIES:
                self._failing_since, self._refusals = None, 0
                # To the maximum after the first success; after a refusal, by one for each round of successes.
                step = 1.0 / self._limit if self._has_answered else float(self._shared.max_concurrency)
                self._limit = min(float(self._shared.max_concurrency), self._limit + step)
                self._has_answered = True
            elif failure and category in TRANSIENT_CATEGORIES:
                if self._failing_since is None:
                    self._failing_since = self._shared.clock.now()
                if failure.http_status == 429:
                    self._block(failure)
            self._shared.condition.notify_all()

    def _block(self, failure: FailedAttempt) -> None:
        """Block the workspace. Refusals of requests that were already in flight belong to the same block."""
        now = self._shared.clock.now()
        is_new = now >= self._blocked_until
        if is_new:
            self._refusals += 1
            self._limit = max(1.0, self._limit / 2)
            self._has_answered = True
        if is_new or failure.retry_after is not None:
            seconds = backoff_delay(max(1, self._refusals), failure.retry_after)
            self._blocked_until = max(self._blocked_until, now + seconds)

    def abort(self, error: ApiError) -> None:
        """Send nothing any more if there are no credentials."""
        with self._shared.condition:
            if error.category in FATAL_CATEGORIES and not error.of_proxy:
                self._shared.record_fatal_error(error)
                return
        self._shared.stop(error)

    def wait_for_retry(self, failure: FailedAttempt, attempts: int, first_sent_at: float) -> bool:
        """Wait for the retry, unless the request or the workspace has exceeded the retry timeout."""
        shared = self._shared
        with shared.condition:
            if failure.of_proxy:
                shared.abort_error = shared.abort_error or _not_sent(failure)
                shared.condition.notify_all()
            elif failure.category in FATAL_CATEGORIES:
                shared.record_fatal_error(_not_sent(failure))
            if shared.draining or shared.abort_error is not None or failure.decision is not RetryDecision.RETRY:
                return False
            is_refusal = failure.http_status == 429
            now = shared.clock.now()
            # A blocked workspace is waited for in acquire(), by every request.
            until = now if is_refusal else now + backoff_delay(attempts, failure.retry_after)
            resumes_at = max(until, self._blocked_until)
            if not failure.may_retry(attempts) or shared.is_unreachable_at(resumes_at):
                shared.abort_error = _not_sent(failure)
                shared.condition.notify_all()
                return False
            since = now if self._failing_since is None else self._failing_since
            if resumes_at > since + shared.retry_timeout:
                # An error that the service reports may concern one item alone.
                if failure.http_status in (None, 429):
                    self._stop(_not_sent(failure))
                return False
            if resumes_at > first_sent_at + shared.retry_timeout:
                return False
            if failure.http_status is None:
                # The other workspaces would not reach the service either.
                self._wait_until(until)
            elif until > now:
                with self._reported_as_blocked():
                    self._wait_until(until)
            return not self._is_ending

    def record_item(self, failure: FailedAttempt | None) -> None:
        """Record whether an item could be written.

        :param failure: of its last write; None for an item whose write succeeded.
        """
        with self._shared.condition:
            self._failed_items = self._failed_items + 1 if failure else 0
            if failure and self._failed_items >= MAX_FAILED_ITEMS:
                reason = f"the writes of {MAX_FAILED_ITEMS} entries in a row failed, the last with: "
                self._stop(_not_sent(failure, reason))

    def _stop(self, error: ApiError) -> None:
        self._abort_error = self._abort_error or error
        self._shared.condition.notify_all()


class ItemThrottle:
    """Throttle the requests of one item of a list, and record whether it could be written.

    :param workspace: the throttle of the item's workspace.
    """

    def __init__(self, workspace: WorkspaceThrottle) -> None:
        self._workspace = workspace
        self._failed_writes = 0
        self._last_failure: FailedAttempt | None = None
        self._has_written = False
        # An item waits as its workspace does.
        self.acquire, self.abort, self.wait_for_retry = workspace.acquire, workspace.abort, workspace.wait_for_retry

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Count the failed writes."""
        if is_write and failure and failure.category in TRANSIENT_CATEGORIES:
            self._failed_writes, self._last_failure = self._failed_writes + 1, failure
        self._has_written = self._has_written or (is_write and was_sent and failure is None)
        self._workspace.release(failure, was_sent, is_write)

    def finish(self) -> None:
        """Record that the item is done."""
        if self._has_written:
            self._workspace.record_item(None)
        elif self._last_failure and self._failed_writes > 1:
            self._workspace.record_item(self._last_failure)


def _not_sent(failure: FailedAttempt, reason: str = "") -> ApiError:
    """Return the error for requests that are not sent, without details of the item that failed.

    :param failure: the last one.
    :param reason: what it is an example of, and a colon.
    """
    asked = f"; it asks to wait {failure.retry_after:.0f} s" if failure.retry_after else ""
    return ApiError(
        f"This was not tried any more: {reason}{failure.text}{asked}. {failure.remedy}",
        failure.category,
        http_status=failure.http_status,
        retryable=failure.retryable,
        of_proxy=failure.of_proxy,
    )
