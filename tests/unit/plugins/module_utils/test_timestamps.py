# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time in the formats of the APIs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS)

INVALID = """
    soon 20261121 20261121T030211Z 2026-W47-6 2026-11 2026-11-21T 2026-11-21Z 2026-11-21x03:02:11Z 2026-13-01T00:00:00Z
    2026-11-21T25:00:00Z 2026-11-21T03:02:11.Z 2026-11-21T03:02:11+24:00 2026-11-21T03:02:11+00:60
    2026-11-21T03:02:11+000 \uff12\uff10\uff12\uff16-11-21
"""


@given(MOMENTS, st.sampled_from(" Tt"), st.sampled_from(".,"), st.text("0123456789", max_size=6), st.booleans())
def test_timestamps_are_parsed_with_offset_and_fraction(moment, separator, point, more_digits, has_colon):
    text = moment.isoformat(separator, "microseconds")
    sign = text.rfind("+") if "+" in text[19:] else text.rfind("-")
    clock, offset = text[:sign].replace(".", point), text[sign:]
    assert instant(f" {clock}{more_digits}{offset if has_colon else offset.replace(':', '')} ") == moment


@pytest.mark.parametrize("zone", ["Z", "z", "", "+00:00", "-0000", "+00", " +0000"])
@pytest.mark.parametrize("clock", ["", "T00", "T00:00", "t00:00:00", " 00:00:00.000"])
def test_missing_parts_are_zero(clock, zone):
    text = f"2026-11-21{clock}{zone if clock else ''}"
    assert instant(text) == datetime(2026, 11, 21, tzinfo=timezone.utc)


@pytest.mark.parametrize("digits", range(1, 8))
def test_fractions_of_any_length(digits):
    microsecond = int("1234567"[:digits][:6].ljust(6, "0"))
    expected = datetime(2026, 11, 21, 3, 2, 11, microsecond, timezone.utc)
    assert instant(f"2026-11-21T03:02:11.{'1234567'[:digits]}Z") == expected
    assert spelled_utc(expected, "microseconds") == f"2026-11-21T03:02:11.{microsecond:06}Z"


@pytest.mark.parametrize("text", [None, "", 1795257877, *INVALID.split()], ids=ascii)
def test_invalid_timestamps(text):
    assert instant(text) is None
