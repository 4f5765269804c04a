# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options and checks of the items of a list, and items that repeat or contradict each other."""

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
    adds = replace(DEFINITION, merged_options=frozenset({"fields"}))
    options = {
        "things": [{"fields": {"b": 2, "c": None}, "more": {"y": 1}}, {"fields": None}, {}, {"fields": {}}],
        "fields": {"a": 1, "b": 1},
        "more": {"x": 1},
    }
    assert item_options(adds, options) == [
        {"fields": {"a": 1, "b": 2, "c": None}, "more": {"y": 1}},
        {"fields": {"a": 1, "b": 1}, "more": {"x": 1}},
        {"fields": {"a": 1, "b": 1}, "more": {"x": 1}},
        {"fields": {"a": 1, "b": 1}, "more": {"x": 1}},
    ]
    assert options["fields"] == {"a": 1, "b": 1}


def test_merged_option_may_be_missing_in_the_task():
    adds = replace(DEFINITION, merged_options=frozenset({"fields"}))
    assert item_options(adds, {"things": [{"fields": {"b": 2}}], "fields": None}) == [{"fields": {"b": 2}}]


def test_option_of_an_item_displaces_options_of_the_task():
    displacing = replace(DEFINITION, displaces={"id": ("name", "place"), "name": ("id",)})
    entries = [{"id": 1}, {"name": "x"}, {"id": 1, "name": "y"}, {"id": "  "}, {}]
    assert item_options(displacing, {"things": entries, "id": 7, "name": "task", "place": "p", "end": "e"}) == [
        {"id": 1, "name": None, "place": None, "end": "e"},
        {"id": None, "name": "x", "place": "p", "end": "e"},
        {"id": 1, "name": "y", "place": None, "end": "e"},
        {"id": 7, "name": "task", "place": "p", "end": "e"},
        {"id": 7, "name": "task", "place": "p", "end": "e"},
    ]


# --- the check of entries -------------------------------------------------------------------------------------------


def wanted_from(options: Mapping[str, Any]) -> tuple[str, str]:
    if "/" in options["name"]:
        raise configuration_error(f"{options['name']} was refused.")
    return options["name"], options.get("end") or "done"


def check(*entries: Mapping[str, Any]) -> list[BulkItem]:
    return parse_items(entries, ("name", "place"), wanted_from, lambda wanted: wanted[0].lower())


def test_valid_item_has_key_label_and_wanted_state():
    options = {"name": "A", "place": "x", "end": "y"}
    assert check(options) == [BulkItem({"name": "A", "place": "x"}, options, "a", ("A", "y"), label="a")]


@pytest.mark.parametrize(
    "entry, facts",
    [
        ({"name": "a"}, ["(name a)", "lacks place"]),
        ({"name": "a", "place": ""}, ["(name a)", "lacks place"]),
        ({"name": "a", "place": " "}, ["(name a)", "lacks place"]),
        ({"name": None, "place": "x"}, ["(place x)", "lacks name"]),
        ({}, ["lacks name and place"]),
    ],
    ids=str,
)
def test_item_without_an_identifier_fails(entry, facts):
    good = {"name": "b", "place": "x"}
    first, second = check(good, entry)
    assert first.failure is None
    assert second.failure is not None
    assert second.failure.category == "configuration"
    assert_message(second.failure.message, "Entry 2", *facts, "task")
    assert second.identifiers == {"name": entry.get("name"), "place": entry.get("place")}
    assert second.options == entry


def test_invalid_item_carries_its_failure():
    entry = check({"name": "a/b", "place": "x"})[0]
    assert str(entry.failure) == "a/b was refused."
    assert (entry.key, entry.wanted) == (None, None)


# --- entries of the same thing --------------------------------------------------------------------------------------


def entry(thing: Any, wanted: Any = "x", failure: ApiError | None = None) -> BulkItem:
    return BulkItem({"name": thing}, {"name": thing}, thing, wanted, failure, f"thing {thing}")


def test_duplicates_refer_to_the_first_item():
    entries = [entry("a"), entry("b"), entry("a"), entry("a")]
    assert resolve_duplicates(entries) == (entries, [0, 1, 0, 0])


def test_contradicting_items_all_fail():
    entries = [entry("a"), entry("b"), entry("a", "y"), entry("c"), entry("a")]
    judged, leaders = resolve_duplicates(entries)
    assert leaders == [0, 1, 2, 3, 4]
    assert [found.failure is not None for found in judged] == [True, False, True, False, True]
    assert [judged[place] for place in (1, 3)] == [entries[place] for place in (1, 3)]
    failure = judged[4].failure
    assert failure is not None
    assert failure.category == "configuration"
    assert_message(failure.message, "Entries 1, 3, 5", "different", "thing a", "Nothing was written")
    assert (judged[2].identifiers, judged[2].options) == (entries[2].identifiers, entries[2].options)


def test_invalid_items_are_not_duplicates():
    broken = entry(None, None, configuration_error("x was refused."))
    judged, leaders = resolve_duplicates([broken, broken, entry("a"), broken])
    assert leaders == [0, 1, 2, 3]
    assert [found.failure for found in judged] == [broken.failure, broken.failure, None, broken.failure]


def test_message_names_a_limited_number_of_items():
    judged, _leaders = resolve_duplicates([entry("a", number) for number in range(11)])
    assert_message(str(judged[10].failure), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...", "thing a")
    judged, _leaders = resolve_duplicates([entry("a", number) for number in range(10)])
    assert_message(str(judged[0].failure), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10", "thing a")
    assert "..." not in str(judged[0].failure)


def naive(entries: Sequence[BulkItem]) -> list[tuple[str, int]]:
    """What is to become of each entry, by comparing each with each."""
    reports = []
    for place, one in enumerate(entries):
        alike = [other for other, two in enumerate(entries) if not two.failure and two.key == one.key]
        if one.failure:
            reports.append(("failed before", place))
        elif any(entries[other].wanted != one.wanted for other in alike):
            reports.append((f"at odds {[other + 1 for other in alike]}", place))
        else:
            reports.append(("fine", alike[0]))
    return reports


FAILED = st.just(entry(None, None, configuration_error("x was refused.")))
ENTRIES = st.one_of(st.builds(entry, st.sampled_from("abcd"), st.sampled_from("xxxy")), FAILED)


@given(st.lists(ENTRIES, max_size=10))
def test_duplicates_are_as_by_pairwise_comparison(entries):
    judged, leaders = resolve_duplicates(entries)
    reports = []
    for given_entry, found, leader in zip(entries, judged, leaders):
        if given_entry.failure:
            reports.append(("failed before", leader))
        elif found.failure:
            numbers = [int(number) for number in re.findall(r"\d+", str(found.failure))]
            reports.append((f"at odds {numbers}", leader))
        else:
            reports.append(("fine", leader))
    assert reports == naive(entries)
