# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that every service, terminal and reader accepts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    one_line,
    shortened,
    spelling_key,
    symbols_of,
    utf16_length,
    visible_text,
)


def test_white_space_becomes_blanks():
    text = "a\r\n\tb\u00a0\u2028c\x85"
    assert visible_text(text) == "a \n b  c "
    assert one_line(text) == "a b c"


@given(st.text("ab \U0001f525", max_size=6), st.integers(0, 8))
def test_text_is_shortened_as_little_as_possible(text, max_length):
    short = shortened(text, max_length)
    if utf16_length(text) <= max_length:
        assert short == text
    else:
        starts = [text[:count] for count in range(len(text)) if utf16_length(text[:count]) < max_length]
        assert short == (f"{starts[-1].rstrip()}\u2026" if starts else "")


def test_letters_are_not_symbols():
    text = "R\u00e9union \u2013 90\u00b0 \u4e2d\u6587 \U0001f525&#x26A0;\ufe0f\u200d"
    assert symbols_of(text) == "\U0001f525\u26a0\ufe0f\ufffd"
    assert spelling_key("\U0001f525") == "\U0001f525"
