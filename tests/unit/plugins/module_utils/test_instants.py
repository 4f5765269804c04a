# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time in the spellings of APIs."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.instants import instant

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
    ],
)
def test_the_same_moment(text):
    assert instant(text) == MOMENT


@pytest.mark.parametrize("text", ["", "soon", None, 1795257877, "2026-13-01T00:00:00Z"])
def test_no_moment(text):
    assert instant(text) is None


def test_fractions_of_any_length():
    assert instant("2026-11-21T03:02:11.5Z") == instant("2026-11-21T03:02:11.5000001Z")
