# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-rulebook would stumble over does not get to it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.plugin_utils import event_sanitizer
from ansible_collections.secops.itsm.plugins.plugin_utils.event_sanitizer import MAX_DEPTH, TOO_DEEP, sanitize

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner), max_leaves=30
)


def nested(depth: int) -> Any:
    value: Any = "inside"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def trouble(value: Any, depth: int = 0) -> list[str]:
    """What a rulebook would stumble over."""
    if isinstance(value, dict):
        names = ["a key without a name" for key in value if not key]
        return names + [found for item in value.values() for found in trouble(item, depth + 1)]
    if isinstance(value, list):
        return [found for item in value for found in trouble(item, depth + 1)]
    if isinstance(value, float) and not math.isfinite(value):
        return ["no number"]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return ["a number that is too large"]
    return ["too deep"] if depth > MAX_DEPTH else []


@given(VALUES)
def test_nothing_is_left_to_stumble_over(value):
    assert trouble(sanitize(value)) == []
    json.dumps(sanitize(value), allow_nan=False)


@given(VALUES)
def test_what_is_fit_stays_as_it_is(value):
    if not trouble(value):
        assert sanitize(value) == value
    assert sanitize(sanitize(value)) == sanitize(value)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ('{"a": [{"": 1}]}', {"a": [{"(no name)": 1}]}),
        ('{"": 1, "(no name)": 2, "(no name) 2": 3}', {"(no name) 3": 1, "(no name)": 2, "(no name) 2": 3}),
        ("[1e999, -1e999]", ["inf", "-inf"]),
        (f"[{2**63 - 1}, {2**63}]", [2**63 - 1, str(2**63)]),
        ("9" * 1500, "9" * 1500),
        ("true", True),
        ("0.1", 0.1),
    ],
    ids=str,
)
def test_examples(text, wanted):
    assert sanitize(json.loads(text)) == wanted


#: What the rule engine itself takes: Jackson's limits, in units of UTF-16.
MOST_OF_A_KEY, MOST_OF_A_TEXT = 50_000, 20_000_000


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def innermost(key: str, depth: int) -> Any:
    return {key: "inside"} if depth == 0 else [{"a": innermost(key, depth - 1)}]


@pytest.mark.parametrize("letter", ["k", "\u4eac", "\U0001f407"])
@pytest.mark.parametrize("depth", [0, 1, 20])
def test_long_keys_are_cut_at_every_depth(letter, depth):
    fit = sanitize(innermost(letter * 50_001, depth))
    for _level in range(depth):
        fit = fit[0]["a"]
    ((name, value),) = fit.items()
    assert value == "inside"
    assert name.startswith(letter * 19_000)
    assert name.endswith("...")
    assert units(name) <= MOST_OF_A_KEY


def test_cut_keys_stay_apart():
    long = "k" * 60_000
    first = next(iter(sanitize({long: 1})))
    fit = sanitize({long + "1": 1, first: 2, long + "2": 3, long: 4})
    assert sorted(fit.values()) == [1, 2, 3, 4]
    assert fit[first] == 2
    assert all(units(name) <= MOST_OF_A_KEY for name in fit)
    assert sanitize(fit) == fit


def test_keys_that_the_rule_engine_takes_stay():
    keys = dict.fromkeys(["k" * 20_000, "a.b", "a[0]", " ", "\0"], 1)
    assert sanitize(keys) == keys


def test_long_texts_are_cut(monkeypatch):
    assert 2 * event_sanitizer.MAX_TEXT_LENGTH <= MOST_OF_A_TEXT
    monkeypatch.setattr(event_sanitizer, "MAX_TEXT_LENGTH", 100)
    assert sanitize(["x" * 100, {"a": "x" * 101}]) == ["x" * 100, {"a": "x" * 97 + "..."}]


def test_a_number_that_python_does_not_spell():
    assert sanitize(10**5000) == "(a number of too many digits)"


def test_depth():
    assert sanitize(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert sanitize(nested(MAX_DEPTH + 1)) != nested(MAX_DEPTH + 1)
    assert TOO_DEEP in json.dumps(sanitize(nested(900)))
