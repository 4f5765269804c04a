# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be sent again, and Retry-After in all its spellings."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.retries import (
    LONGEST_WAIT_ASKED,
    is_ambiguous,
    may_send_again,
    retry_after_seconds,
    wait_before,
)

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


def test_the_wait_is_never_shorter_than_asked():
    assert wait_before(1, 20.0, lambda: 0.0) == 20.0


def test_many_clients_do_not_come_back_at_once():
    waits = {wait_before(3, None) for _each in range(20)} | {wait_before(1, 20.0) for _each in range(20)}
    assert len(waits) > 30


def test_waits_are_bounded():
    assert max(wait_before(attempt, None, lambda: 1.0) for attempt in range(1, 50)) == 15.0


@pytest.mark.parametrize("value", [f"Sat, 21 Nov {'9' * 20} 03:00:45 GMT", f"Sat, 21 Nov 2026 03:00:45 +{'9' * 20}"])
def test_a_date_beyond_every_calendar_is_none(value):
    assert retry_after_seconds(value, NOW) is None


@pytest.mark.parametrize("text, seconds", [("1000000000", 1e9), ("1000000001", 1e9), ("9" * 5000, LONGEST_WAIT_ASKED)])
def test_the_longest_number_of_seconds(text, seconds):
    assert retry_after_seconds(text) == seconds


@pytest.mark.parametrize(
    "status, retry_after, read, write, ambiguous",
    [
        (400, None, False, False, False),
        (401, None, False, False, False),
        (404, 3.0, False, False, False),
        (408, None, True, False, True),
        (409, None, False, False, False),
        (429, None, True, True, False),
        (429, 0.0, True, True, False),
        (500, None, False, False, True),
        (500, 3.0, False, False, True),
        (502, 3.0, True, False, True),
        (503, None, True, False, True),
        (503, 0.0, True, True, False),
        (503, 3.0, True, True, False),
        (504, 3.0, True, False, True),
        (599, None, False, False, True),
    ],
)
def test_the_rules_of_answers(status, retry_after, read, write, ambiguous):
    assert may_send_again(False, status, retry_after, True) is read
    assert may_send_again(True, status, retry_after, True) is write
    assert is_ambiguous(status, retry_after, True) is ambiguous


@pytest.mark.parametrize("may_be_processed", [True, False])
def test_the_rules_of_broken_connections(may_be_processed):
    assert may_send_again(False, None, None, may_be_processed)
    assert may_send_again(True, None, None, may_be_processed) is not may_be_processed
    assert is_ambiguous(None, None, may_be_processed) is may_be_processed


@pytest.mark.parametrize("attempt, longest", [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (6, 15.0), (1000, 15.0)])
def test_waits_double(attempt, longest):
    assert wait_before(attempt, None, lambda: 0.0) == longest / 2
    assert wait_before(attempt, None, lambda: 1.0) == longest


# From the 1026th doubling on, the wait would be no float any more. Retry-After: 0 leads there within minutes.
def test_there_may_be_many_tries():
    assert wait_before(1100, None, lambda: 1.0) == 15.0


def test_a_wait_of_no_time_is_a_wait_that_was_asked_for():
    assert wait_before(9, 0.0, lambda: 1.0) == 0.5
