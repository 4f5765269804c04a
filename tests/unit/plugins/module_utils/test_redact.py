# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No form of a secret gets through."""

from __future__ import annotations

import base64
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils.redact import MASK, Redactor

SECRET = 'pä$$ w/rd"+=\\'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        repr(SECRET)[1:-1],
    ],
)
def test_every_form_is_masked(form):
    text = Redactor([SECRET]).text(f"before {form} after")
    assert text == f"before {MASK} after"


@given(st.text(max_size=9), st.text(min_size=9, max_size=40), st.text(max_size=9))
def test_secret_inside_base64(before, secret, after):
    encoded = base64.b64encode(f"{before}{secret}{after}".encode("utf-8", "surrogatepass")).decode()
    text = Redactor([secret]).text(encoded)
    # At most the characters that the secret shares with its neighbours are left of it.
    assert text == encoded or MASK in text
    if secret.isascii():
        assert MASK in text


def test_data_of_every_kind():
    data = {"a secret": ["x secret y", ("secret",), {"b": "secret"}], "n": 1, "t": True, "none": None}
    assert Redactor(["secret"]).data(data) == {
        f"a {MASK}": [f"x {MASK} y", [MASK], {"b": MASK}],
        "n": 1,
        "t": True,
        "none": None,
    }


def test_numbers_that_are_a_secret_or_hold_one():
    redactor = Redactor(["123456789", "True", "1.5"])
    data = {"n": 123456789, "in": [7123456789, 1.5, 2.5], "own": 12, "truth": True, 123456789: 1}
    assert redactor.data(data) == {"n": MASK, "in": [f"7{MASK}", MASK, 2.5], "own": 12, "truth": True, MASK: 1}


PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
DATA = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(DATA)
def test_what_holds_no_secret_stays_as_it_is_but_is_another_thing(data):
    redactor = Redactor(["\U0001f511 no text of hypothesis holds this"])
    found = redactor.data(data)
    assert found == data
    assert found is not data or not isinstance(data, (list, dict))


@given(st.lists(st.sampled_from(["x", "secret", "a secret of mine", 7, None, ("secret",), {"secret": "x"}])))
def test_looking_at_all_at_once_finds_what_looking_at_each_does(data):
    redactor = Redactor(["secret"])
    assert redactor.finds_nothing(data) is ("secret" not in str(data))
    assert "secret" not in str(redactor.data(data))


def test_a_secret_is_not_found_across_two_texts():
    assert Redactor(["ab"]).data(["a", "b"]) == ["a", "b"]


def test_percent_encoding_in_lower_case():
    assert Redactor(["a/b+c=d"]).text("a%2fb%2bc%3dd") == MASK


def test_half_a_surrogate_pair_becomes_something_that_can_be_printed():
    assert Redactor().data({"title": "cut \ud83d"}) == {"title": "cut ?"}


def test_nothing_to_hide():
    assert Redactor(["", ""]).text("text") == "text"


def test_a_part_does_not_spoil_the_whole():
    assert Redactor(["token", "token-and-more"]).text("token-and-more") == MASK


def test_added_later():
    redactor = Redactor(["first"])
    redactor.add("second")
    assert redactor.text("first second") == f"{MASK} {MASK}"
