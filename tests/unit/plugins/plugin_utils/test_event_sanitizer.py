# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that sanitized events contain nothing that the rule engine of ansible-rulebook cannot read."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils import event_sanitizer
from ansible_collections.secops.itsm.plugins.plugin_utils.event_sanitizer import MAX_DEPTH, TOO_DEEP, sanitize

LEAVES = st.none() | st.booleans() | st.integers() | st.integers(2**62, 2**65) | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner), max_leaves=10
)

#: The limits of the rule engine's JSON parser, Jackson, in UTF-16 code units.
ENGINE_KEY_LIMIT, ENGINE_TEXT_LIMIT = 50_000, 20_000_000


def nested(depth: int) -> Any:
    """Return lists and mappings nested to a depth."""
    value: Any = "inside"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def is_readable(value: Any) -> bool:
    """Return whether the rule engine can read a value."""
    if isinstance(value, dict):
        return all(key and is_readable(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_readable, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or abs(value) < 2**63


@settings(max_examples=40)
@given(VALUES)
def test_sanitized_values_are_readable(value):
    sanitized = sanitize(value)
    assert is_readable(sanitized)
    json.dumps(sanitized, allow_nan=False)
    assert sanitize(sanitized) == sanitized
    if is_readable(value):
        assert sanitized == value


@pytest.mark.parametrize(
    "text, expected",
    [
        ('{"a": [{"": 1}]}', {"a": [{"(no name)": 1}]}),
        ('{"": 1, "(no name)": 2, "(no name) 2": 3}', {"(no name) 3": 1, "(no name)": 2, "(no name) 2": 3}),
        ("[1e999, -1e999]", ["inf", "-inf"]),
        (f"[{2**63 - 1}, {2**63}]", [2**63 - 1, str(2**63)]),
        ("9" * 1500, "9" * 1500),
        ("true", True),
    ],
    ids=range(6),
)
def test_unreadable_values_are_replaced(text, expected):
    assert sanitize(json.loads(text)) == expected


@pytest.mark.parametrize("letter", ["k", "\u4eac", "\U0001f407"])
@pytest.mark.parametrize("depth", [0, 1, 20])
def test_long_keys_are_truncated_at_any_depth(letter, depth):
    value: Any = {letter * 50_001: "inside"}
    for _level in range(depth):
        value = [{"a": value}]
    sanitized = sanitize(value)
    for _level in range(depth):
        sanitized = sanitized[0]["a"]
    ((name, inside),) = sanitized.items()
    assert (inside, name[:19_000], name[-3:]) == ("inside", letter * 19_000, "...")
    assert len(name.encode("utf-16-le")) // 2 <= ENGINE_KEY_LIMIT


def test_truncated_keys_are_unique():
    long = "k" * 60_000
    first = next(iter(sanitize({long: 1})))
    sanitized = sanitize({long + "1": 1, first: 2, long + "2": 3, long: 4})
    assert sorted(sanitized.values()) == [1, 2, 3, 4]
    assert sanitized[first] == 2
    assert sanitize(sanitized) == sanitized


def test_supported_keys_are_kept():
    keys = dict.fromkeys(["k" * 20_000, "a.b", "a[0]", " ", "\0"], 1)
    assert sanitize(keys) == keys


def test_long_texts_are_truncated(monkeypatch):
    assert 2 * event_sanitizer.MAX_TEXT_LENGTH <= ENGINE_TEXT_LIMIT
    monkeypatch.setattr(event_sanitizer, "MAX_TEXT_LENGTH", 100)
    assert sanitize(["x" * 100, {"a": "x" * 101}]) == ["x" * 100, {"a": "x" * 97 + "..."}]


def test_number_with_too_many_digits_for_python_is_replaced():
    assert sanitize(10**5000) == "(a number with too many digits)"


def test_nesting_is_limited():
    assert sanitize(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert sanitize(nested(MAX_DEPTH + 1)) != nested(MAX_DEPTH + 1)
    assert TOO_DEEP in json.dumps(sanitize(nested(900)))
