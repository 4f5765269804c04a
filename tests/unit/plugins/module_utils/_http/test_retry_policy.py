# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The retry decision, the back-off, and Retry-After in all its formats."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import (
    MAX_RETRY_AFTER,
    RetryDecision,
    backoff_delay,
    decide_retry,
    retry_after_seconds,
)

RETRY, UNCERTAIN, REJECTED = RetryDecision.RETRY, RetryDecision.UNCERTAIN, RetryDecision.REJECTED

NOW = datetime(2026, 11, 21, 3, 0, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "value, seconds",
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("Sat, 21 Nov 2026 03:00:45 GMT", 45),
        ("Sat, 21 Nov 2026 03:00:45 -0000", 45),
        ("Sat, 21 Nov 2026 02:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u00b2", None),
        ("", None),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after_seconds(value, NOW) == seconds


def test_delay_is_never_shorter_than_retry_after():
    assert backoff_delay(1, 20.0, lambda: 0.0) == 20.0


def test_delay_has_jitter():
    waits = {backoff_delay(3, None) for _each in range(20)} | {backoff_delay(1, 20.0) for _each in range(20)}
    assert len(waits) > 30


def test_delay_is_capped():
    assert max(backoff_delay(attempt, None, lambda: 1.0) for attempt in range(1, 50)) == 15.0


@pytest.mark.parametrize("value", [f"Sat, 21 Nov {'9' * 20} 03:00:45 GMT", f"Sat, 21 Nov 2026 03:00:45 +{'9' * 20}"])
def test_date_out_of_range_is_ignored(value):
    assert retry_after_seconds(value, NOW) is None


@pytest.mark.parametrize("text, seconds", [("1000000000", 1e9), ("1000000001", 1e9), ("9" * 5000, MAX_RETRY_AFTER)])
def test_retry_after_is_capped(text, seconds):
    assert retry_after_seconds(text) == seconds


@pytest.mark.parametrize(
    "status, retry_after, read, write",
    [
        (400, None, REJECTED, REJECTED),
        (401, None, REJECTED, REJECTED),
        (404, 3.0, REJECTED, REJECTED),
        (408, None, RETRY, UNCERTAIN),
        (409, None, REJECTED, REJECTED),
        (429, None, RETRY, RETRY),
        (429, 0.0, RETRY, RETRY),
        (500, None, REJECTED, UNCERTAIN),
        (500, 3.0, REJECTED, UNCERTAIN),
        (502, 3.0, RETRY, UNCERTAIN),
        (503, None, RETRY, UNCERTAIN),
        (503, 0.0, RETRY, RETRY),
        (503, 3.0, RETRY, RETRY),
        (504, 3.0, RETRY, UNCERTAIN),
        (599, None, REJECTED, UNCERTAIN),
    ],
)
def test_decision_after_an_error_response(status, retry_after, read, write):
    assert decide_retry(False, status, retry_after) is read
    assert decide_retry(True, status, retry_after) is write
    # Without the promise, only 429 means that a write was not processed.
    unpromised = UNCERTAIN if status == 503 else write
    assert decide_retry(True, status, retry_after, retry_after_means_unprocessed=False) is unpromised
    assert decide_retry(False, status, retry_after, retry_after_means_unprocessed=False) is read


def test_decision_without_a_response():
    assert decide_retry(False, may_be_processed=True) is RETRY
    assert decide_retry(False, may_be_processed=False) is RETRY
    assert decide_retry(True, may_be_processed=True) is UNCERTAIN
    assert decide_retry(True, may_be_processed=False) is RETRY


def test_decision_after_a_permanent_failure():
    assert decide_retry(False, is_permanent=True) is REJECTED
    assert decide_retry(True, is_permanent=True) is UNCERTAIN


@pytest.mark.parametrize("attempt, longest", [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 15.0), (1000, 15.0)])
def test_delay_doubles(attempt, longest):
    assert backoff_delay(attempt, None, lambda: 0.0) == longest / 2
    assert backoff_delay(attempt, None, lambda: 1.0) == longest


# From the 1026th doubling on, the delay would not be a float any more.
def test_delay_of_many_attempts():
    assert backoff_delay(1100, None, lambda: 1.0) == 15.0


@pytest.mark.parametrize("attempt, asked, wait", [(1, 0.0, 0.5), (9, 0.0, 15.0), (9, 20.0, 20.5), (1, 3.0, 3.5)])
def test_delay_undercuts_neither_backoff_nor_retry_after(attempt, asked, wait):
    assert backoff_delay(attempt, asked, lambda: 1.0) == wait
    assert backoff_delay(attempt, asked, lambda: 0.0) >= asked
