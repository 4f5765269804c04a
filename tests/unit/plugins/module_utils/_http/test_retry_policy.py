# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retry decision, back-off, and the formats of Retry-After."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import (
    BACKOFF_CAP,
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
        ("1000000000", 1e9),
        ("1000000001", 1e9),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("Sat, 21 Nov 2026 03:00:45 GMT", 45),
        ("Sat, 21 Nov 2026 03:00:45 -0000", 45),
        ("Sat, 21 Nov 2026 02:00:00 GMT", 0),
        (f"Sat, 21 Nov {'9' * 20} 03:00:45 GMT", None),
        (f"Sat, 21 Nov 2026 03:00:45 +{'9' * 20}", None),
        *((text, None) for text in ("soon", "-5", "1.5", "\u00b2", "")),
    ],
)
def test_retry_after_in_any_format(value, seconds):
    assert retry_after_seconds(value, NOW) == seconds


@pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 429, 500, 501, 502, 503, 504, 599])
@pytest.mark.parametrize("retry_after", [None, 0.0, 3.0])
def test_decision_after_an_error_response(status, retry_after):
    read = RETRY if status in (408, 429, 502, 503, 504) else REJECTED
    write = UNCERTAIN if status == 408 or status >= 500 else REJECTED
    write = RETRY if status == 429 else write
    promised = RETRY if status == 503 and retry_after is not None else write
    for is_promised in (True, False):
        options = {"retry_after_means_unprocessed": is_promised}
        assert decide_retry(False, status, retry_after, **options) is read
        assert decide_retry(True, status, retry_after, **options) is (promised if is_promised else write)


def test_decision_without_a_status():
    for may_be_processed in (True, False):
        assert decide_retry(False, may_be_processed=may_be_processed) is RETRY
    assert decide_retry(True, may_be_processed=True) is UNCERTAIN
    assert decide_retry(True, may_be_processed=False) is RETRY
    assert decide_retry(False, is_permanent=True) is REJECTED
    assert decide_retry(True, is_permanent=True) is UNCERTAIN


# From the 1026th doubling on, the delay would exceed the range of a float.
@pytest.mark.parametrize("attempts, longest", [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 15.0), (1100, 15.0)])
def test_delay_doubles_up_to_the_cap(attempts, longest):
    assert backoff_delay(attempts, None, lambda: 0.0) == longest / 2
    assert backoff_delay(attempts, None, lambda: 1.0) == longest


@given(st.integers(1, 2000), st.floats(0, MAX_RETRY_AFTER), st.floats(0, 1))
def test_delay_honours_backoff_and_retry_after(attempts, retry_after, jitter):
    back_off = backoff_delay(attempts, None, lambda: jitter)
    assert 0.25 <= back_off <= BACKOFF_CAP
    assert backoff_delay(attempts, retry_after, lambda: jitter) == max(back_off, retry_after + 0.5 * jitter)


def test_delay_has_jitter():
    delays = {backoff_delay(3, None) for _each in range(20)} | {backoff_delay(1, 20.0) for _each in range(20)}
    assert len(delays) > 30
