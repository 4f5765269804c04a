# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text that every service, terminal and reader accepts."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import (
    composed,
    one_line,
    shortened,
    spelling_key,
    symbols_of,
    utf16_length,
    visible_text,
    whole_number,
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


def test_key_of_a_text_takes_linear_time():
    seconds = {}
    for count in (2_000, 200_000):
        text = "a" + "\u0301\u0316" * count
        begin = time.process_time()
        spelling_key(text)
        seconds[count] = time.process_time() - begin
    # In quadratic time, a text that is 100 times as long takes 10,000 times as long.
    assert seconds[200_000] < 1000 * max(seconds[2_000], 0.001)


@given(st.text("ae\u00e9\u0301\u0316\u0327", max_size=20))
def test_short_runs_of_combining_characters_are_kept(text):
    assert composed(text) == unicodedata.normalize("NFC", text)
    assert composed(text, "NFD") == unicodedata.normalize("NFD", text)


def test_reference_with_thousands_of_digits_is_kept_as_text():
    text = f"&#{'1' * 5000};"
    assert spelling_key(text) == text
    assert spelling_key("&#0065;") == "a"


@pytest.mark.parametrize(
    "text, number",
    [
        ("0", 0),
        ("007", 7),
        ("9" * 15, 10**15 - 1),
        ("9" * 16, None),
        ("9" * 5000, None),
        ("", None),
        ("-1", None),
        ("1.0", None),
        ("\u0663", None),
        ("\u00b2", None),
    ],
)
def test_whole_number_is_read_from_ascii_digits(text, number):
    assert whole_number(text) == number
