# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options and checks of the items of a list, duplicates, and contradictions."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import (
    BulkDefinition,
    BulkItem,
    item_options,
    parse_items,
    resolve_duplicates,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

DEFINITION: BulkDefinition[Any] = BulkDefinition(
    "things", "thing", lambda api, items: [], lambda api, wanted, run: OperationResult(False, {})
)


# --- options --------------------------------------------------------------------------------------------------------


def test_item_options_override_those_of_the_task():
    options = {"things": [{"name": "a", "end": "x"}, {"name": "b", "end": None}], "end": "task", "other": 1}
    assert item_options(DEFINITION, options) == [
        {"name": "a", "end": "x", "other": 1},
        {"name": "b", "end": "task", "other": 1},
    ]


@pytest.mark.parametrize("value", [False, 0, [], {}, ["", "a"], {"a": " "}], ids=repr)
def test_falsy_value_of_an_item_is_kept(value):
    assert item_options(DEFINITION, {"things": [{"end": value}], "end": "task"}) == [{"end": value}]


@pytest.mark.parametrize("value", [None, "", "  ", "\n\t", [""], [" ", None]], ids=repr)
def test_blank_value_of_an_item_defaults_to_the_task(value):
    assert item_options(DEFINITION, {"things": [{"end": value}], "end": "task"}) == [{"end": "task"}]


def test_merged_options_extend_those_of_the_task():
    definition = replace(DEFINITION, merged_options=frozenset({"fields"}))
    items = [{"fields": {"b": 2, "c": None}, "more": {"y": 1}}, {"fields": None}, {"fields": {}}]
    options = {"things": items, "fields": {"a": 1, "b": 1}, "more": {"x": 1}}
    unchanged = {"fields": {"a": 1, "b": 1}, "more": {"x": 1}}
    merged = {"fields": {"a": 1, "b": 2, "c": None}, "more": {"y": 1}}
    assert item_options(definition, options) == [merged, unchanged, unchanged]
    assert options["fields"] == {"a": 1, "b": 1}
    assert item_options(definition, {"things": [{"fields": {"b": 2}}], "fields": None}) == [{"fields": {"b": 2}}]


def test_option_of_an_item_displaces_options_of_the_task():
    definition = replace(DEFINITION, displaces={"id": ("name", "place"), "name": ("id",)})
    items = [{"id": 1}, {"name": "x"}, {"id": 1, "name": "y"}, {"id": "  "}, {}]
    shared = {"id": 7, "name": "task", "place": "p"}
    assert item_options(definition, {"things": items, **shared}) == [
        {"id": 1, "name": None, "place": None},
        {"id": None, "name": "x", "place": "p"},
        {"id": 1, "name": "y", "place": None},
        shared,
        shared,
    ]


def test_scope_is_not_case_sensitive():
    item = BulkItem({}, {"tenant": " A1 ", "other": None})
    scopes = [replace(DEFINITION, scope=scope).scope_of(item) for scope in ("tenant", "other", None)]
    assert scopes == ["a1", "", ""]


# --- checks ---------------------------------------------------------------------------------------------------------


def parse(options: Mapping[str, Any]) -> tuple[str, str]:
    if "/" in options["name"]:
        raise configuration_error(f"{options['name']} was refused.")
    return options["name"], options.get("end") or "done"


def check(*items: Mapping[str, Any]) -> list[BulkItem]:
    return parse_items(items, ("name", "place"), parse, lambda wanted: wanted[0].lower())


def test_valid_item_has_key_label_and_wanted_state():
    options = {"name": "A", "place": "x", "end": "y"}
    assert check(options) == [BulkItem({"name": "A", "place": "x"}, options, "a", ("A", "y"), label="a")]


@pytest.mark.parametrize("blank", [None, "", " "])
@pytest.mark.parametrize(
    "given, facts",
    [({"name": "a"}, "(name a) lacks place"), ({"place": "x"}, "(place x) lacks name"), ({}, "lacks name and place")],
)
def test_item_without_an_identifier_fails(given, facts, blank):
    options = {"name": blank, "place": blank, **given}
    first, second = check({"name": "b", "place": "x"}, options)
    assert first.failure is None
    assert second.failure is not None
    assert second.failure.category == "configuration"
    assert_message(second.failure.message, "Entry 2 of the list", facts, "task")
    assert second.identifiers == second.options == options


def test_invalid_item_carries_its_failure():
    item = check({"name": "a/b", "place": "x"})[0]
    assert (str(item.failure), item.key, item.wanted) == ("a/b was refused.", None, None)


# --- duplicates and contradictions ----------------------------------------------------------------------------------


def item_of(key: Any, wanted: Any = "x", failure: ApiError | None = None) -> BulkItem:
    return BulkItem({"name": key}, {"name": key}, key, wanted, failure, f"thing {key}")


INVALID = item_of(None, None, configuration_error("x was refused."))


def expected_items(items: Sequence[BulkItem]) -> list[tuple[Any, int]]:
    """Return the failure, or the numbers of contradicting items, and the first index, by pairwise comparison."""
    expected: list[tuple[Any, int]] = []
    for index, item in enumerate(items):
        same = [other for other, found in enumerate(items) if not found.failure and found.key == item.key]
        if item.failure:
            expected.append((item.failure, index))
        elif any(items[other].wanted != item.wanted for other in same):
            expected.append(([other + 1 for other in same], index))
        else:
            expected.append((None, same[0]))
    return expected


@given(st.lists(st.builds(item_of, st.sampled_from("abcd"), st.sampled_from("xxxy")) | st.just(INVALID), max_size=10))
def test_duplicates_are_as_by_pairwise_comparison(items):
    found = []
    for item, resolved, first in zip(items, *resolve_duplicates(items)):
        failure: Any = resolved.failure
        if failure and not item.failure:
            assert failure.category == "configuration"
            assert_message(str(failure), f"thing {item.key}", "Nothing was written")
            failure = [int(number) for number in re.findall(r"\d+", str(failure))]
        found.append((failure, first))
        assert replace(resolved, failure=item.failure) == item
    assert found == expected_items(items)


@pytest.mark.parametrize("count", [10, 11])
def test_message_names_a_limited_number_of_items(count):
    items, _first_indexes = resolve_duplicates([item_of("a", number) for number in range(count)])
    assert_message(str(items[-1].failure), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10", "thing a")
    assert ("10, ..." in str(items[-1].failure)) is (count > 10)
