# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The retry rules, in one place: which failures may be sent again, and after how long."""

from __future__ import annotations

import random
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Callable

#: A read may be sent again after these; a read changes nothing.
READ_AGAIN_STATUSES = frozenset({408, 429, 502, 503, 504})

#: The first wait and the longest one, in seconds, when the service names none.
FIRST_WAIT = 0.5
LONGEST_WAIT = 15.0

#: What a service may ask to wait, in seconds; a number that is no wait at all is cut to it.
LONGEST_WAIT_ASKED = 1e9


class Clock:
    """Time as the collection uses it; tests put their own in its place."""

    def now(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        :param seconds: how long.
        """
        time.sleep(seconds)


def may_send_again(is_write: bool, http_status: int | None, retry_after: float | None, may_be_processed: bool) -> bool:
    """Whether a request that failed may be sent again unseen.

    A write only goes out again when it cannot have been processed (CF-A9, TK-A3): everything else is ambiguous, even
    a PUT, because the comment that it carries would be there twice.

    :param is_write: whether the request changes something.
    :param http_status: the status of the answer, None when the connection broke.
    :param retry_after: seconds from the answer's C(Retry-After), None when it had none.
    :param may_be_processed: for a broken connection, whether the service may have got the request.
    """
    if http_status is None:
        return not (is_write and may_be_processed)
    if is_write:
        return http_status == 429 or (http_status == 503 and retry_after is not None)
    return http_status in READ_AGAIN_STATUSES


def is_ambiguous(http_status: int | None, retry_after: float | None, may_be_processed: bool) -> bool:
    """Whether a write that failed, and is not sent again, may have taken effect all the same.

    :param http_status: the status of the answer, None when the connection broke.
    :param retry_after: seconds from the answer's C(Retry-After), None when it had none.
    :param may_be_processed: for a broken connection, whether the service may have got the request.
    """
    if http_status is None:
        return may_be_processed
    if http_status == 503 and retry_after is not None:
        return False  # CF-A9
    return http_status == 408 or http_status >= 500


def wait_before(attempt: int, retry_after: float | None, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait before the next try.

    :param attempt: how many tries have failed so far, from 1.
    :param retry_after: what the service asked for, in seconds; never undercut.
    :param jitter: gives a number from 0 to 1, so that many clients do not come back at once.
    """
    if retry_after is not None:
        return retry_after + FIRST_WAIT * jitter()
    longest = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 10))
    return longest * (0.5 + 0.5 * jitter())


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds named by a C(Retry-After) header (RFC 9110): a number or an HTTP date; None if neither.

    :param value: the header's value.
    :param now: the present, for tests.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT_ASKED)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - (now or datetime.now(timezone.utc))).total_seconds())
