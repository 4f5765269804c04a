# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that every service, terminal and reader can take."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    one_line,
    shortened,
    spelling_key,
    symbols_of,
    visible_text,
)


def test_white_space_becomes_blanks():
    text = "a\r\n\tb\u00a0\u2028c\x85"
    assert visible_text(text) == "a \n b  c "
    assert one_line(text) == "a b c"


@pytest.mark.parametrize(
    "text, most, expected",
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab\u2026"),
        ("ab cd", 4, "ab\u2026"),
        ("\U0001f525", 2, "\U0001f525"),
        ("\U0001f525b", 2, "\u2026"),
        ("a\U0001f525b", 3, "a\u2026"),
        ("a\U0001f525b", 4, "a\U0001f525b"),
        ("abc", 1, "\u2026"),
        ("abc", 0, ""),
    ],
)
def test_shortened(text, most, expected):
    assert shortened(text, most) == expected


def test_letters_are_not_symbols():
    assert (
        symbols_of("R\u00e9union \u2013 90\u00b0 \u4e2d\u6587 \U0001f525&#x26A0;\ufe0f\u200d")
        == "\U0001f525\u26a0\ufe0f\ufffd"
    )
    assert spelling_key("\U0001f525") == "\U0001f525"
