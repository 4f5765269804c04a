# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retry-After in all its spellings."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.retries import retry_after_seconds, wait_before

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
