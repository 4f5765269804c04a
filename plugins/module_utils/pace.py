# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When requests go out: how long one that failed waits, and how many workers go at the same time."""

from __future__ import annotations

import threading
from typing import Protocol

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.failures import Failure
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock, wait_before

#: Failures that are the service's own, and not about what was asked.
TROUBLE = frozenset({"unavailable", "rate_limited"})

#: Failures that every further request would meet, too.
FATAL = frozenset({"authentication", "tls"})

#: How often one request of a list is sent while others get through and it is refused for too many requests.
MOST_REFUSALS = 20


class Pace(Protocol):
    """What a client asks before and after each try of a request."""

    def begin(self) -> float:
        """Wait for one's turn, and give the moment at which the try begins, in the clock's seconds.

        :raises ApiError: when nothing may be sent any more.
        """

    def end(self, failure: Failure | None, answered: bool = True) -> None:
        """Take in how the try went.

        :param failure: None if it was answered well.
        :param answered: whether anything was sent at all.
        """

    def give_up(self, failure: ApiError) -> None:
        """Let nothing be sent any more.

        :param failure: why; everybody who is to send something gets it.
        """

    def wait(self, failure: Failure, tries: int, began: float) -> bool:
        """Wait for the next try, and tell whether there is one.

        :param failure: what the last try ended with.
        :param tries: how many there were.
        :param began: the moment at which the first of them began.
        """


class Alone:
    """The pace of one worker: each request may be tried for a while.

    :param patience: seconds after which no further try of a request begins.
    :param clock: where time comes from.
    """

    def __init__(self, patience: float, clock: Clock) -> None:
        self._patience = patience
        self._clock = clock

    def begin(self) -> float:
        """It is always its turn."""
        return self._clock.now()

    def end(self, failure: Failure | None, answered: bool = True) -> None:
        """Nobody else needs to know."""

    def give_up(self, failure: ApiError) -> None:
        """Who is alone hears of it by itself, and may ask again."""

    def wait(self, failure: Failure, tries: int, began: float) -> bool:
        """Wait as the service asks, or longer each time."""
        seconds = wait_before(tries, failure.retry_after)
        if not failure.send_again or self._clock.now() + seconds > began + self._patience:
            return False
        self._clock.sleep(seconds)
        return True


class Together:
    """The pace of all workers of a list.

    - The first request goes alone, so that credentials that are refused are refused once.
    - A refusal for too many requests (429) holds all of them back, and halves how many go at the same time; each answer
      after that lets a bit more through again.
    - A service that is away is waited for once, and not anew for each entry of the list: patience counts from the first
      failure after the last answer. A wait that the service asked for is granted once besides.

    :param most: how many requests may be under way at the same time.
    :param patience: seconds after which no further try begins while the service answers nothing.
    :param clock: where time comes from.
    """

    def __init__(self, most: int, patience: float, clock: Clock) -> None:
        self._most = float(most)
        self._patience = patience
        self._clock = clock
        self._turn = threading.Condition()
        self._allowed = 1.0
        self._has_answered = False
        self._under_way = 0
        self._held_until = 0.0
        self._refusals = 0
        self._failing_since: float | None = None
        self._granted = 0.0
        self._in_a_hurry = False
        self._in_doubt: int | None = None
        self._over: ApiError | None = None

    def give_up(self, failure: ApiError) -> None:
        """Let nothing be sent any more."""
        with self._turn:
            self._over = self._over or failure
            self._turn.notify_all()

    def hurry(self) -> None:
        """Let what is under way end without further tries."""
        with self._turn:
            self._in_a_hurry = True
            self._turn.notify_all()

    def begin(self) -> float:
        """Wait until the hold is over, and fewer are under way than may be."""
        with self._turn:
            while True:
                if self._over is not None:
                    # A new one each time: thousands of entries would hang their tracebacks on the same.
                    raise self._over.retold(self._over.message)
                now = self._clock.now()
                # Who is interrupted does not wait: each worker has one request left at the most.
                if now < self._held_until and not self._in_a_hurry:
                    self._turn.wait(self._held_until - now)
                elif self._under_way >= int(self._allowed) or self._in_doubt not in (None, threading.get_ident()):
                    self._turn.wait()
                else:
                    self._in_doubt = None
                    self._under_way += 1
                    return now

    def end(self, failure: Failure | None, answered: bool = True) -> None:
        """Let more through after an answer, and fewer after a refusal for too many requests."""
        with self._turn:
            self._under_way -= 1
            category = failure.category if failure else None
            if category in FATAL:
                # Nobody else is to be refused for the same, until its thread has tried another token, or given up.
                self._in_doubt = threading.get_ident()
            if answered and category not in TROUBLE | FATAL:
                self._failing_since, self._refusals, self._granted = None, 0, 0.0
                # All of them after the first answer; after a refusal, one more for each round of answers.
                step = 1.0 / self._allowed if self._has_answered else self._most
                self._allowed = min(self._most, self._allowed + step)
                self._has_answered = True
            elif failure and category in TROUBLE:
                if self._failing_since is None:
                    self._failing_since = self._clock.now()
                if failure.http_status == 429:
                    self._hold(failure)
            self._turn.notify_all()

    def _hold(self, failure: Failure) -> None:
        """Hold everybody back. What was under way when the hold began belongs to the same refusal."""
        now = self._clock.now()
        is_first_of_hold = now >= self._held_until
        if is_first_of_hold:
            self._refusals += 1
            self._allowed = max(1.0, self._allowed / 2)
            self._has_answered = True
        seconds = wait_before(max(1, self._refusals), failure.retry_after)
        if is_first_of_hold or failure.retry_after is not None:
            self._held_until = max(self._held_until, now + seconds)
        if failure.retry_after is not None and self._refusals <= 1 and failure.retry_after <= self._patience:
            self._granted = max(self._granted, seconds)

    def wait(self, failure: Failure, tries: int, began: float) -> bool:
        """Wait for the next try, unless it took too long already, or nothing was answered for too long."""
        if failure.category in FATAL:
            self.give_up(_not_tried(failure))
        if not failure.send_again:
            return False
        is_refusal = failure.http_status == 429
        # A hold is waited for by everybody who is to send something.
        seconds = 0.0 if is_refusal else wait_before(tries, failure.retry_after)
        with self._turn:
            now = self._clock.now()
            if self._in_a_hurry or self._over is not None:
                return False
            since = now if self._failing_since is None else self._failing_since
            if max(now + seconds, self._held_until) > since + self._patience + self._granted:
                # An error that the service answers may be about one entry alone.
                if failure.http_status in (None, 429):
                    self.give_up(_not_tried(failure))
                return False
            if (tries >= MOST_REFUSALS) if is_refusal else (now + seconds > began + self._patience):
                return False
            until = now + seconds
            while now < until and not self._in_a_hurry and self._over is None:
                self._turn.wait(until - now)
                now = self._clock.now()
            return not self._in_a_hurry and self._over is None


def _not_tried(failure: Failure) -> ApiError:
    """Why nothing more is sent, without a word of the entry that found out."""
    asked = f"; it asks to wait {failure.retry_after:.0f} s" if failure.retry_after else ""
    return ApiError(
        f"This was not tried any more: {failure.text}{asked}. {failure.next_step}",
        failure.category,
        http_status=failure.http_status,
        retryable=failure.retryable,
    )
