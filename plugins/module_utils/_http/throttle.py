# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Control when requests are sent: the wait before a retry, and the number of concurrent requests."""

from __future__ import annotations

import contextlib
import threading
from typing import Callable, Hashable, Iterator, Protocol

from ansible_collections.secops.itsm.plugins.module_utils._errors import NOT_SENT, ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import FailedAttempt
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import RetryDecision, backoff_delay

#: Categories of failures whose cause is the service, not the request.
TRANSIENT_CATEGORIES = frozenset({"unavailable", "rate_limited"})

#: Categories of failures that would repeat for every other request.
FATAL_CATEGORIES = frozenset({"authentication", "tls"})

#: How many fatal failures in a row abort a list after requests have succeeded; a single one may be accidental.
MAX_FATAL_FAILURES = 3

#: How many items of a workspace in a row may fail to write before the workspace is aborted.
MAX_FAILED_ITEMS = 5


class RetryTimeoutError(Exception):
    """A retry has waited for its turn until the retry timeout passed."""


class Throttle(Protocol):
    """Control when a client sends its requests."""

    def acquire(self, first_sent_at: float | None = None) -> float:
        """Wait until a request may be sent, and return the time of the clock.

        :param first_sent_at: for a retry, the time of the first attempt.
        :raises ApiError: if the workspace or the list is aborted.
        :raises RetryTimeoutError: if the retry timeout has passed.
        """

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Record the result of an attempt.

        :param failure: None if the attempt succeeded.
        :param was_sent: whether the request was sent.
        :param is_write: whether the request changes something.
        """

    def abort(self, error: ApiError) -> None:
        """Record that an attempt could not be sent, because its credentials could not be fetched.

        :param error: the reason.
        """

    def wait_for_retry(self, failure: FailedAttempt, attempts: int, first_sent_at: float) -> bool:
        """Wait for the retry of a request, and return whether it may be sent.

        :param failure: the result of the last attempt.
        :param attempts: the number of attempts so far.
        :param first_sent_at: the time of the first attempt.
        """


class SingleWorkerThrottle:
    """Throttle a single worker. Each request has its own retry timeout.

    :param retry_timeout: maximum time in seconds to keep retrying a request.
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
        """Do nothing; the caller handles the error, and may fetch credentials again."""

    def wait_for_retry(self, failure: FailedAttempt, attempts: int, first_sent_at: float) -> bool:
        """Wait for the back-off, or as long as the service requests."""
        seconds = backoff_delay(attempts, failure.retry_after)
        ends_at = first_sent_at + self._retry_timeout
        if not failure.may_retry(attempts) or self._clock.now() + seconds > ends_at:
            return False
        self._clock.sleep(seconds)
        return True


#: Called with True when a worker starts to wait for its blocked workspace, and with False when it continues.
OnBlocked = Callable[[bool], None]


class SharedThrottle:
    """Keep the state that the workspaces of a list share: credentials, reachability of the service, and the abort.

    - The first request is sent alone, so that wrong credentials are refused only once.
    - The retry timeout of an unreachable service applies once to the list, not to each item.

    :class:`WorkspaceThrottle` calls the methods from :meth:`is_free` on while it holds the lock of the condition.

    :param max_concurrency: the maximum number of concurrent requests to a workspace.
    :param retry_timeout: maximum time in seconds to keep retrying a request.
    :param clock: the source of time.
    """

    def __init__(self, max_concurrency: int, retry_timeout: float, clock: Clock) -> None:
        self.max_concurrency = max_concurrency
        self.retry_timeout = retry_timeout
        self.clock = clock
        self.condition = threading.Condition()
        self.has_responded = False
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
        """Return the throttle of a workspace or tenant, which is created on first use.

        :param name: the workspace or tenant.
        """
        with self.condition:
            return self._workspaces.setdefault(name, WorkspaceThrottle(self))

    def stop_waiting(self) -> None:
        """Let the requests in flight finish without retries.

        Signal handlers call this in a thread that may hold a lock for which the owner of the condition waits, so it
        does not wait for the condition. If the condition is locked, only the next call wakes waiting threads.
        """
        self.draining = True
        if self.condition.acquire(blocking=False):
            self.condition.notify_all()
            self.condition.release()

    def stop(self, error: ApiError) -> None:
        """Abort the list.

        :param error: the reason, which is raised in all threads that try to send a request.
        """
        with self.condition:
            self.abort_error = self.abort_error or error
            self.condition.notify_all()

    def is_free(self) -> bool:
        """Return whether the state of all workspaces permits a request."""
        is_probing = self._probing_thread not in (None, threading.get_ident())
        return not is_probing and (self.has_responded or not self._in_flight)

    def record_start(self) -> None:
        """Record the start of a request."""
        self._probing_thread = None
        self._in_flight += 1

    def end_probe(self) -> None:
        """Unblock the other threads if this one, whose credentials were refused, cannot try other credentials now."""
        if self._probing_thread == threading.get_ident():
            self._probing_thread = None
            self.condition.notify_all()

    def record_result(self, failure: FailedAttempt | None, was_sent: bool) -> None:
        """Record the result of a request."""
        self._in_flight -= 1
        if failure and failure.category in FATAL_CATEGORIES:
            # Other requests wait until this thread has tried another token or failed, as they would be refused, too.
            self._probing_thread = threading.get_ident()
        elif was_sent and not (failure and failure.category in TRANSIENT_CATEGORIES):
            self.has_responded, self._fatal_failures = True, 0
        if failure and failure.http_status is None and failure.category in TRANSIENT_CATEGORIES:
            self._unreachable_since = self.clock.now() if self._unreachable_since is None else self._unreachable_since
        elif was_sent:
            self._unreachable_since = None

    def record_fatal_error(self, error: ApiError) -> None:
        """Record a failure of credentials or TLS. Abort the list if no request has succeeded, or if it is repeated."""
        self._probing_thread = None
        # If a token cannot be fetched, all threads that wait for it raise the same error.
        self._fatal_failures += error is not self._last_fatal_error
        self._last_fatal_error = error
        if not self.has_responded or self._fatal_failures >= MAX_FATAL_FAILURES:
            self.abort_error = self.abort_error or error
        self.condition.notify_all()

    def is_unreachable_at(self, moment: float) -> bool:
        """Return whether the service will have been unreachable for longer than the retry timeout.

        :param moment: a time of the clock.
        """
        return self._unreachable_since is not None and moment > self._unreachable_since + self.retry_timeout


class WorkspaceThrottle:
    """Throttle the workers of one workspace or tenant, independently of the others.

    - A response with the status 429 blocks all requests, and halves the number of concurrent ones; each success after
      that raises it slightly. Meanwhile, blocked workers make room for those of other workspaces.
    - The retry timeout of an unresponsive workspace starts with the first failure after the last success.
    - After MAX_FAILED_ITEMS items in a row whose writes failed repeatedly, the workspace is aborted.

    :param shared: the state that the workspaces share.
    """

    def __init__(self, shared: SharedThrottle) -> None:
        self._shared = shared
        self._limit = 1.0
        self._has_responded = False
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
        """Return the maximum number of concurrent requests, which is one until the first response."""
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
                    # A copy, as thousands of items would otherwise add their tracebacks to the same exception.
                    raise error.with_message(error.message)
                if is_late:
                    raise RetryTimeoutError
                if has_capacity:
                    shared.condition.wait()
                else:
                    with self._reported_as_blocked():
                        self._wait_for_capacity()

    def _is_blocked(self) -> bool:
        """Return whether the workspace is blocked. Draining ends blocks: each worker has at most one request left."""
        return self._shared.clock.now() < self._blocked_until and not self._shared.draining

    def _has_capacity(self) -> bool:
        """Return whether the state of this workspace permits a request."""
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
        """Report a worker as blocked, so that one of another workspace can run."""
        self._shared.on_blocked(True)
        try:
            yield
        finally:
            self._shared.on_blocked(False)

    @property
    def _is_ending(self) -> bool:
        """Return whether retries have ended."""
        return self._shared.draining or self._shared.abort_error is not None or self._abort_error is not None

    def _wait_until(self, moment: float) -> None:
        """Wait until a time of the clock, or until retries end."""
        shared = self._shared
        now = shared.clock.now()
        while now < moment and not self._is_ending:
            shared.clock.wait(shared.condition, moment - now)
            now = shared.clock.now()

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Record the result of an attempt. Raise the limit after a success, and lower it after a 429."""
        with self._shared.condition:
            self._in_flight -= 1
            self._shared.record_result(failure, was_sent)
            category = failure.category if failure else None
            if is_write and was_sent:
                self._last_write_failed = category in TRANSIENT_CATEGORIES
            if was_sent and category not in TRANSIENT_CATEGORIES | FATAL_CATEGORIES:
                self._failing_since, self._refusals = None, 0
                # To the maximum after the first success; after a 429, by one for each round of successes.
                step = 1.0 / self._limit if self._has_responded else float(self._shared.max_concurrency)
                self._limit = min(float(self._shared.max_concurrency), self._limit + step)
                self._has_responded = True
            elif failure and category in TRANSIENT_CATEGORIES:
                if self._failing_since is None:
                    self._failing_since = self._shared.clock.now()
                if failure.http_status == 429:
                    self._block(failure)
            self._shared.condition.notify_all()

    def _block(self, failure: FailedAttempt) -> None:
        """Block the workspace. Refusals of requests that were already in flight count as the same block."""
        now = self._shared.clock.now()
        is_new = now >= self._blocked_until
        if is_new:
            self._refusals += 1
            self._limit = max(1.0, self._limit / 2)
            self._has_responded = True
        if is_new or failure.retry_after is not None:
            seconds = backoff_delay(max(1, self._refusals), failure.retry_after)
            self._blocked_until = max(self._blocked_until, now + seconds)

    def abort(self, error: ApiError) -> None:
        """Abort the list, or if credentials were refused, record a fatal error."""
        with self._shared.condition:
            if error.category in FATAL_CATEGORIES and not error.of_proxy:
                self._shared.record_fatal_error(error)
                return
        self._shared.stop(error)

    def wait_for_retry(self, failure: FailedAttempt, attempts: int, first_sent_at: float) -> bool:
        """Wait for the retry, unless it would exceed the retry timeout of the request or the workspace."""
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
            # All requests wait for a blocked workspace in acquire().
            until = now if is_refusal else now + backoff_delay(attempts, failure.retry_after)
            resumes_at = max(until, self._blocked_until)
            if not failure.may_retry(attempts) or shared.is_unreachable_at(resumes_at):
                shared.abort_error = _not_sent(failure)
                shared.condition.notify_all()
                return False
            since = now if self._failing_since is None else self._failing_since
            if resumes_at > since + shared.retry_timeout:
                # An error that the service reports may concern a single item.
                if failure.http_status in (None, 429):
                    self._stop(_not_sent(failure))
                return False
            if resumes_at > first_sent_at + shared.retry_timeout:
                return False
            if failure.http_status is None:
                # The other workspaces cannot reach the service either.
                self._wait_until(until)
            elif until > now:
                with self._reported_as_blocked():
                    self._wait_until(until)
            return not self._is_ending

    def record_item(self, failure: FailedAttempt | None) -> None:
        """Record whether an item could be written.

        :param failure: the failure of its last write; None if a write succeeded.
        """
        with self._shared.condition:
            self._failed_items = self._failed_items + 1 if failure else 0
            if failure and self._failed_items >= MAX_FAILED_ITEMS:
                reason = f"the writes of {MAX_FAILED_ITEMS} entries in a row failed; the last error: "
                self._stop(_not_sent(failure, reason))

    def _stop(self, error: ApiError) -> None:
        self._abort_error = self._abort_error or error
        self._shared.condition.notify_all()


class ItemThrottle:
    """Throttle the requests of a list item, and record whether it could be written.

    :param workspace: the throttle of the item's workspace.
    """

    def __init__(self, workspace: WorkspaceThrottle) -> None:
        self._workspace = workspace
        self._failed_writes = 0
        self._last_failure: FailedAttempt | None = None
        self._has_written = False
        # These have no state of the item.
        self.acquire, self.abort, self.wait_for_retry = workspace.acquire, workspace.abort, workspace.wait_for_retry

    def release(self, failure: FailedAttempt | None, was_sent: bool = True, is_write: bool = False) -> None:
        """Count failed writes."""
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

    :param failure: the last failure.
    :param reason: text to put before it.
    """
    return ApiError(
        f"{NOT_SENT}{reason}{failure.text}{failure.requested_wait}. {failure.remedy}",
        failure.category,
        http_status=failure.http_status,
        retryable=failure.retryable,
        of_proxy=failure.of_proxy,
    )
