# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time in the spellings of APIs."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

MOMENT = datetime(2026, 11, 21, 3, 2, 11, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T03:02:11Z",
        "2026-11-21T03:02:11.0000000Z",
        "2026-11-21T03:02:11.000+00:00",
        "2026-11-21T04:02:11+01:00",
        "2026-11-21T03:02:11",
        " 2026-11-21 03:02:11z ",
        "2026-11-21t03:02:11z",
        "2026-11-21T03:02:11+0000",
        "2026-11-21T03:02:11+00",
        "2026-11-21T03:02:11.0-00:00",
        "2026-11-20T21:32:11-0530",
        "2026-11-21 03:02:11 +0000",
    ],
)
def test_formats_of_the_same_moment(text):
    assert instant(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        None,
        1795257877,
        "20261121",
        "20261121T030211Z",
        "2026-W47-6",
        "2026-11",
        "2026-11-21T",
        "2026-11-21Z",
        "2026-11-21x03:02:11Z",
        "2026-13-01T00:00:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T03:02:11.Z",
        "2026-11-21T03:02:11+24:00",
        "2026-11-21T03:02:11+00:60",
        "2026-11-21T03:02:11+000",
        "\uff12\uff10\uff12\uff16-11-21",
    ],
    ids=ascii,
)
def test_invalid_timestamps(text):
    assert instant(text) is None


@pytest.mark.parametrize("text", ["2026-11-21", "2026-11-21T00", "2026-11-21T00:00Z"])
def test_missing_parts_are_zero(text):
    assert instant(text) == datetime(2026, 11, 21, tzinfo=timezone.utc)


@pytest.mark.parametrize("digits", range(1, 13))
def test_fractions_of_any_length(digits):
    fraction = "123456789012"[:digits]
    expected = MOMENT.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    assert instant(f"2026-11-21T03:02:11.{fraction}+0000") == expected
