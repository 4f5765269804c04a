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

from ansible_collections.secops.itsm.plugins.plugin_utils.event_values import DEEPEST, TOO_DEEP, for_rules

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
    return ["too deep"] if depth > DEEPEST else []


@given(VALUES)
def test_nothing_is_left_to_stumble_over(value):
    assert trouble(for_rules(value)) == []
    json.dumps(for_rules(value), allow_nan=False)


@given(VALUES)
def test_what_is_fit_stays_as_it_is(value):
    if not trouble(value):
        assert for_rules(value) == value
    assert for_rules(for_rules(value)) == for_rules(value)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ('{"a": [{"": 1}]}', {"a": [{"(no name)": 1}]}),
        ("[1e999, -1e999]", ["inf", "-inf"]),
        (f"[{2**63 - 1}, {2**63}]", [2**63 - 1, str(2**63)]),
        ("9" * 1500, "9" * 1500),
        ("true", True),
        ("0.1", 0.1),
    ],
    ids=str,
)
def test_examples(text, wanted):
    assert for_rules(json.loads(text)) == wanted


def test_a_number_that_python_does_not_spell():
    assert for_rules(10**5000) == "(a number of too many digits)"


def test_depth():
    assert for_rules(nested(DEEPEST)) == nested(DEEPEST)
    assert for_rules(nested(DEEPEST + 1)) != nested(DEEPEST + 1)
    assert TOO_DEEP in json.dumps(for_rules(nested(900)))
