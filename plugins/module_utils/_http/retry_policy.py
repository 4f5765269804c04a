# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Decide which failed requests are retried, and when."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Callable

#: Statuses after which a read is retried.
RETRYABLE_STATUSES = frozenset({408, 429, 502, 503, 504})

#: The shortest and the longest back-off, in seconds.
BACKOFF_BASE = 0.5
BACKOFF_CAP = 15.0

#: The longest wait that a service can request, in seconds; longer ones are reduced to it.
MAX_RETRY_AFTER = 1e9


class RetryDecision(Enum):
    """Whether a request can be retried after a failed attempt."""

    #: The request can be retried: it changes nothing, or it cannot have been processed.
    RETRY = "retry"
    #: The write may have been processed: the state must be read before anything is sent again.
    UNCERTAIN = "uncertain"
    #: The request changed nothing, and a retry would fail, too.
    REJECTED = "rejected"


def decide_retry(
    is_write: bool,
    http_status: int | None = None,
    retry_after: float | None = None,
    *,
    may_be_processed: bool = True,
    is_permanent: bool = False,
    retry_after_means_unprocessed: bool = True,
) -> RetryDecision:
    """Return whether a request can be retried after a failed attempt.

    A write is only retried if it cannot have been processed (CF-A9, TK-A3). Any other failed write is uncertain, even a
    PUT, because its comment would be added twice.

    :param is_write: whether the request changes something.
    :param http_status: the status of the response; None if there is no response.
    :param retry_after: the seconds of its ``Retry-After`` header; None if it has none.
    :param may_be_processed: whether the service may have received the request; only used without a response.
    :param is_permanent: whether every attempt would fail in this way, even if the service processed the request.
    :param retry_after_means_unprocessed: whether the service promises that it did not process a write to which it
        responds with 503 and ``Retry-After``.
    """
    if is_permanent:
        return RetryDecision.UNCERTAIN if is_write else RetryDecision.REJECTED
    if http_status is None:
        return RetryDecision.UNCERTAIN if is_write and may_be_processed else RetryDecision.RETRY
    if not is_write:
        return RetryDecision.RETRY if http_status in RETRYABLE_STATUSES else RetryDecision.REJECTED
    is_unprocessed = http_status == 503 and retry_after is not None and retry_after_means_unprocessed
    if http_status == 429 or is_unprocessed:
        return RetryDecision.RETRY
    return RetryDecision.UNCERTAIN if http_status == 408 or http_status >= 500 else RetryDecision.REJECTED


def backoff_delay(attempts: int, retry_after: float | None, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds to wait before the next attempt: at least the back-off and the wait that the service requests.

    :param attempts: the number of failed attempts, at least 1.
    :param retry_after: the wait that the service requests, in seconds.
    :param jitter: returns a number from 0 to 1, so that not all clients retry at the same time.
    """
    longest = min(BACKOFF_CAP, BACKOFF_BASE * 2.0 ** min(attempts - 1, 10))
    back_off = longest * (0.5 + 0.5 * jitter())
    return back_off if retry_after is None else max(back_off, retry_after + BACKOFF_BASE * jitter())


def http_date(value: str | None) -> datetime | None:
    """Return the point in time of an HTTP date, or None.

    :param value: the value of a header such as ``Date``.
    """
    try:
        moment = parsedate_to_datetime(value or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def retry_after_seconds(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` header (RFC 9110), a number or an HTTP date, or None.

    :param value: the header's value.
    :param now: the time of the service from its response; by default, the time of this machine.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_RETRY_AFTER)
    moment = http_date(text)
    if moment is None:
        return None
    return max(0.0, (moment - (now or datetime.now(timezone.utc))).total_seconds())
