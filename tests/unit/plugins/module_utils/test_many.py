# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of things in one task: an outcome of its own for each, and a sum for the task."""

from __future__ import annotations

import itertools
import os
import re
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils import auth, many
from ansible_collections.secops.itsm.plugins.module_utils.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.failures import Failure
from ansible_collections.secops.itsm.plugins.module_utils.many import (
    CONCURRENCY_SPEC,
    LEFT_OUT,
    LONGEST_SILENCE,
    MOST_WARNINGS,
    MOST_WORKERS,
    Counts,
    Entry,
    Many,
    Progress,
    checked,
    handle,
    options_of,
    without_contradictions,
)
from ansible_collections.secops.itsm.plugins.module_utils.pace import Together
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply

RUN = Run(check_mode=True, verify_timeout=7)
PLACES = itertools.count()


@dataclass(frozen=True)
class Wanted:
    """What is to become of a thing; small letters are the same thing as capitals."""

    name: str
    end: str = "done"

    @property
    def key(self) -> str:
        return self.name.lower()


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    if "/" in options["name"]:
        raise configuration_error(f"{options['name']} is no name.")
    return Wanted(options["name"], options.get("end") or "done")


@dataclass
class Api:
    """The API that one entry is handled with."""

    number: int = 0
    request_ids: list[str] = field(default_factory=list)


@dataclass
class Things:
    """How things are handled in these tests.

    :param outcomes: by the name of the thing: what its operation gives, or raises; it may be a function.
    """

    outcomes: Mapping[str, Any] = field(default_factory=dict)
    handled: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    apis: list[Api] = field(default_factory=list)

    def operation(self, api: Api, wanted: Wanted, run: Run) -> Result:
        self.handled.append(wanted.name)
        self.runs.append(run)
        self.apis.append(api)
        outcome = self.outcomes.get(wanted.name, changed(wanted.name))
        if callable(outcome):
            outcome = outcome()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    @property
    def many(self) -> Many[Api]:
        return Many(
            "things",
            "thing",
            lambda api, entries: checked(entries, ("name",), wanted_from, lambda wanted: wanted.key),
            self.operation,
        )

    def handle(self, *names: Any, concurrency: int = 4, pace: Together | None = None, **settings: Any) -> Result:
        """Handle a list; an entry is a name, or the options of one."""
        entries = [{"name": entry} if isinstance(entry, str) else entry for entry in names]
        options = {"things": entries, "concurrency": concurrency}
        pace = pace or Together(concurrency, 60, Clock())
        return handle(self.many, options, RUN, Api, pace, bug_of, **settings)


def bug_of(error: Exception, options: Mapping[str, Any]) -> ApiError:
    return ApiError(f"A bug with {options['name']}.", "internal")


def changed(name: str, **values: Any) -> Result:
    return Result(True, {"before": {"is": "old"}, "after": {"is": "new"}, "diff": {"before_header": name}, **values})


def ok(**values: Any) -> Result:
    return Result(False, {"before": {"is": "new"}, "after": {"is": "new"}, "diff": {"before": 1}, **values})


def refused(name: str, **facts: Any) -> ApiError:
    return ApiError(f"{name} was refused.", "validation", http_status=400, **facts)


def column(result: Result, name: str) -> list[Any]:
    """One key of all entries of a result."""
    return [entry.get(name) for entry in result.values["results"]]


# --- options --------------------------------------------------------------------------------------------------------


def test_an_entry_goes_before_the_task_and_the_list_is_no_option_of_it():
    options = {"things": [{"name": "a", "end": "x"}, {"name": "b", "end": None}], "end": "task", "other": 1}
    assert options_of(Things().many, options) == [
        {"name": "a", "end": "x", "other": 1},
        {"name": "b", "end": "task", "other": 1},
    ]


@pytest.mark.parametrize("value", [False, 0, [], {}, " "], ids=repr)
def test_only_what_is_not_given_is_taken_from_the_task(value):
    assert options_of(Things().many, {"things": [{"end": value}], "end": "task"}) == [{"end": value}]


@pytest.mark.parametrize("value", [None, ""], ids=repr)
def test_an_empty_text_counts_as_not_given(value):
    assert options_of(Things().many, {"things": [{"end": value}], "end": "task"}) == [{"end": "task"}]


def test_dicts_that_add_up_do_and_others_do_not():
    adds = replace(Things().many, added_up=frozenset({"fields"}))
    options = {
        "things": [{"fields": {"b": 2, "c": None}, "more": {"y": 1}}, {"fields": None}, {}, {"fields": {}}],
        "fields": {"a": 1, "b": 1},
        "more": {"x": 1},
    }
    assert options_of(adds, options) == [
        {"fields": {"a": 1, "b": 2, "c": None}, "more": {"y": 1}},
        {"fields": {"a": 1, "b": 1}, "more": {"x": 1}},
        {"fields": {"a": 1, "b": 1}, "more": {"x": 1}},
        {"fields": {"a": 1, "b": 1}, "more": {"x": 1}},
    ]
    assert options["fields"] == {"a": 1, "b": 1}


def test_what_adds_up_may_be_missing_in_the_task():
    adds = replace(Things().many, added_up=frozenset({"fields"}))
    assert options_of(adds, {"things": [{"fields": {"b": 2}}], "fields": None}) == [{"fields": {"b": 2}}]


def test_an_option_of_an_entry_displaces_what_makes_no_sense_beside_it():
    displacing = replace(Things().many, displaces={"id": ("name", "place"), "name": ("id",)})
    entries = [{"id": 1}, {"name": "x"}, {"id": 1, "name": "y"}, {"id": ""}, {}]
    assert options_of(displacing, {"things": entries, "id": 7, "name": "task", "place": "p", "end": "e"}) == [
        {"id": 1, "name": None, "place": None, "end": "e"},
        {"id": None, "name": "x", "place": "p", "end": "e"},
        {"id": 1, "name": "y", "place": None, "end": "e"},
        {"id": 7, "name": "task", "place": "p", "end": "e"},
        {"id": 7, "name": "task", "place": "p", "end": "e"},
    ]


# --- the check of entries -------------------------------------------------------------------------------------------


def check(*entries: Mapping[str, Any]) -> list[Entry]:
    return checked(entries, ("name", "place"), wanted_from, lambda wanted: wanted.key)


def test_entries_that_are_right_have_a_thing_and_what_is_wanted():
    options = {"name": "A", "place": "x", "end": "y"}
    assert check(options) == [Entry({"name": "A", "place": "x"}, options, "a", Wanted("A", "y"), called="a")]


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"name": "a"}, " (name a) lacks place"),
        ({"name": "a", "place": ""}, " (name a) lacks place"),
        ({"name": "a", "place": " "}, " (name a) lacks place"),
        ({"name": None, "place": "x"}, " (place x) lacks name"),
        ({}, " lacks name and place"),
    ],
    ids=str,
)
def test_an_entry_without_what_it_needs_fails_alone(entry, words):
    good = {"name": "b", "place": "x"}
    first, second = check(good, entry)
    assert first.failure is None
    assert second.failure is not None
    assert (second.failure.message, second.failure.category) == (
        f"Entry 2 of the list{words}. Add what is missing to the entry, or to the task for all entries.",
        "configuration",
    )
    assert second.named == {"name": entry.get("name"), "place": entry.get("place")}
    assert second.options == entry


def test_an_entry_that_is_refused_carries_why():
    entry = check({"name": "a/b", "place": "x"})[0]
    assert str(entry.failure) == "a/b is no name."
    assert (entry.thing, entry.wanted) == (None, None)


# --- entries of the same thing --------------------------------------------------------------------------------------


def entry(thing: Any, wanted: Any = "x", failure: ApiError | None = None) -> Entry:
    return Entry({"name": thing}, {"name": thing}, thing, wanted, failure, f"thing {thing}")


def test_what_is_there_twice_follows_the_first():
    entries = [entry("a"), entry("b"), entry("a"), entry("a")]
    assert without_contradictions(entries) == (entries, [0, 1, 0, 0])


def test_different_ends_of_the_same_thing_fail_all_that_ask_for_one():
    entries = [entry("a"), entry("b"), entry("a", "y"), entry("c"), entry("a")]
    judged, leaders = without_contradictions(entries)
    assert leaders == [0, 1, 2, 3, 4]
    assert [found.failure is not None for found in judged] == [True, False, True, False, True]
    assert [judged[place] for place in (1, 3)] == [entries[place] for place in (1, 3)]
    failure = judged[4].failure
    assert failure is not None
    assert failure.category == "configuration"
    assert failure.message == (
        "Entries 1, 3, 5 of the list ask for different ends of thing a. Nothing was written for them; leave one of "
        "them in the list."
    )
    assert (judged[2].named, judged[2].options) == (entries[2].named, entries[2].options)


def test_entries_that_failed_already_are_neither_the_same_nor_at_odds():
    broken = entry(None, None, refused("x"))
    judged, leaders = without_contradictions([broken, broken, entry("a"), broken])
    assert leaders == [0, 1, 2, 3]
    assert [found.failure for found in judged] == [broken.failure, broken.failure, None, broken.failure]


def test_only_the_first_of_many_contradictions_are_named():
    judged, _leaders = without_contradictions([entry("a", number) for number in range(11)])
    assert "Entries 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... of the list" in str(judged[10].failure)
    judged, _leaders = without_contradictions([entry("a", number) for number in range(10)])
    assert "8, 9, 10 of the list" in str(judged[0].failure)


def naive(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    """What is to become of each entry, by comparing each with each."""
    told = []
    for place, one in enumerate(entries):
        alike = [other for other, two in enumerate(entries) if not two.failure and two.thing == one.thing]
        if one.failure:
            told.append(("failed before", place))
        elif any(entries[other].wanted != one.wanted for other in alike):
            told.append((f"at odds {[other + 1 for other in alike]}", place))
        else:
            told.append(("fine", alike[0]))
    return told


FAILED = st.just(entry(None, None, refused("x")))
ENTRIES = st.one_of(st.builds(entry, st.sampled_from("abcd"), st.sampled_from("xxxy")), FAILED)


@given(st.lists(ENTRIES, max_size=10))
def test_each_entry_is_judged_as_by_comparing_each_with_each(entries):
    judged, leaders = without_contradictions(entries)
    told = []
    for given_entry, found, leader in zip(entries, judged, leaders):
        if given_entry.failure:
            told.append(("failed before", leader))
        elif found.failure:
            numbers = [int(number) for number in re.findall(r"\d+", str(found.failure))]
            told.append((f"at odds {numbers}", leader))
        else:
            told.append(("fine", leader))
    assert told == naive(entries)


# --- results --------------------------------------------------------------------------------------------------------


def test_results_are_in_the_order_of_the_list_whoever_ends_first():
    last_done = threading.Event()
    things = Things({"a": lambda: last_done.wait(30) and changed("a"), "d": lambda: last_done.set() or ok()})
    result = things.handle("a", "b", "c", "d")
    assert column(result, "name") == ["a", "b", "c", "d"]
    assert column(result, "changed") == [True, True, True, False]
    assert column(result, "failed") == [False] * 4
    assert result.values["summary"] == {"total": 4, "changed": 3, "ok": 1, "failed": 0, "duplicates": 0}
    assert (result.values["msg"], result.changed, result.failure) == ("3 changed, 1 ok, 0 failed", True, None)


def test_an_entry_shows_all_but_the_record_of_the_service():
    things = Things({"a": changed("a", incident={"id": 1}, ticket={"id": 2}, etag="x", request_ids=["r1"])})
    assert things.handle("a").values["results"] == [
        {
            "name": "a",
            "before": {"is": "old"},
            "after": {"is": "new"},
            "diff": {"before_header": "a"},
            "etag": "x",
            "request_ids": ["r1"],
            "changed": True,
            "failed": False,
            "error": None,
        }
    ]


def test_what_an_operation_finds_out_goes_before_what_was_given():
    assert column(Things({"a": ok(name="A")}).handle("a"), "name") == ["A"]


def test_a_failure_has_every_key_that_a_success_has():
    failure = refused("b", code="NO", request_id="r2", method="PUT", path="/b", fields={"end": ["is wrong"]})
    result = Things({"b": failure}).handle("a", "b")
    assert result.values["results"][1] == {
        "name": "b",
        "before": None,
        "after": None,
        "diff": None,
        "changed": False,
        "failed": True,
        "error": failure.as_dict(),
        "msg": "b was refused.",
    }


def test_one_failure_never_stops_the_others():
    things = Things({name: refused(name) for name in "bdf"})
    result = things.handle(*"abcdefg", concurrency=1)
    assert things.handled == list("abcdefg")
    assert column(result, "failed") == [False, True, False, True, False, True, False]
    assert result.values["summary"] == {"total": 7, "changed": 4, "ok": 0, "failed": 3, "duplicates": 0}
    assert result.failure is not None
    assert result.failure.message == (
        "4 changed, 0 ok, 3 failed: b was refused. 2 more failed, each with its reason in results."
    )
    assert (result.failure.category, result.failure.http_status) == ("validation", 400)
    assert result.changed
    assert result.values["msg"] == "4 changed, 0 ok, 3 failed"


def test_a_single_failure_is_told_without_others():
    result = Things({"a": refused("a")}).handle("a")
    assert str(result.failure) == "0 changed, 0 ok, 1 failed: a was refused."
    assert not result.changed


def test_a_failure_that_an_operation_gives_with_a_result_keeps_what_it_found():
    failure = ApiError("It was created, but not filled.", "not_converged", wrote=True)
    found = Result(True, {"after": {"is": "half"}, "object_id": "T-1"}, ["Look."], failure)
    result = Things({"a": found}).handle("a", "b")
    shown = result.values["results"][0]
    assert (shown["object_id"], shown["after"], shown["warnings"]) == ("T-1", {"is": "half"}, ["Look."])
    assert (shown["changed"], shown["failed"], shown["msg"]) == (True, True, failure.message)
    assert result.values["summary"]["failed"] == 1
    assert result.values["summary"]["changed"] == 1
    assert result.warnings == ["Look."]


def test_a_write_before_a_failure_is_a_change_of_the_task():
    result = Things({"a": ApiError("It broke off.", "ambiguous_write", wrote=True)}).handle("a")
    assert column(result, "changed") == [True]
    assert result.changed
    assert result.values["summary"]["changed"] == 0


@pytest.mark.parametrize(
    "again, all_of_them", [([True, True], True), ([True, False], False), ([False, True], False)], ids=str
)
def test_the_task_may_be_run_again_if_that_holds_for_every_failure(again, all_of_them):
    outcomes = {name: refused(name, retryable=retryable) for name, retryable in zip("ab", again)}
    failure = Things(outcomes).handle("a", "b", "c").failure
    assert failure is not None
    assert failure.retryable is all_of_them


def test_a_bug_in_one_entry_is_one_sentence_and_stops_nobody():
    things = Things({"b": KeyError("s3cr3t")})
    result = things.handle("a", "b", "c", concurrency=1)
    assert things.handled == ["a", "b", "c"]
    assert column(result, "failed") == [False, True, False]
    assert column(result, "msg") == [None, "A bug with b.", None]
    assert result.values["results"][1]["error"]["category"] == "internal"


def test_a_list_without_entries_is_ok():
    result = Things().handle()
    assert result == Result(
        False,
        {
            "results": [],
            "summary": {"total": 0, "changed": 0, "ok": 0, "failed": 0, "duplicates": 0},
            "msg": "0 changed, 0 ok, 0 failed",
        },
    )


def test_each_entry_has_an_api_of_its_own():
    things = Things({name: lambda: changed("x") for name in "abc"})
    numbers = itertools.count()
    handle(
        things.many,
        {"things": [{"name": name} for name in "abc"], "concurrency": 2},
        RUN,
        lambda: Api(next(numbers)),
        Together(2, 60, Clock()),
        bug_of,
    )
    assert len({api.number for api in things.apis}) == 3
    assert things.runs == [RUN] * 3


# --- duplicates and contradictions ----------------------------------------------------------------------------------


def test_what_is_there_twice_is_handled_once():
    things = Things({"a": changed("a", warnings=None)})
    result = things.handle("a", "b", "a", "a")
    assert sorted(things.handled) == ["a", "b"]
    assert result.values["summary"] == {"total": 2, "changed": 2, "ok": 0, "failed": 0, "duplicates": 2}
    assert result.values["msg"] == "2 changed, 0 ok, 0 failed (2 of the list were there twice)"
    first, _other, second, third = result.values["results"]
    assert "duplicate_of" not in first
    assert (second["duplicate_of"], third["duplicate_of"]) == (0, 0)
    # For the second one, the change was there already.
    assert (second["changed"], second["failed"], second["error"], second["diff"]) == (False, False, None, None)
    assert second["before"] == second["after"] == first["after"]
    assert first["changed"] is True


def test_a_duplicate_is_named_as_it_was_given():
    many_things = replace(
        Things().many,
        entries=lambda api, entries: [
            Entry({"name": options["name"]}, options, options["name"].lower(), "x") for options in entries
        ],
        operation=lambda api, wanted, run: ok(),
    )
    options = {"things": [{"name": "a"}, {"name": "A"}], "concurrency": 1}
    result = handle(many_things, options, RUN, Api, Together(1, 60, Clock()), bug_of)
    assert column(result, "name") == ["a", "A"]


def test_a_duplicate_of_a_failure_fails_too_and_is_counted_once():
    result = Things({"a": refused("a")}).handle("a", "a")
    assert column(result, "failed") == [True, True]
    assert column(result, "msg") == ["a was refused."] * 2
    assert result.values["summary"] == {"total": 1, "changed": 0, "ok": 0, "failed": 1, "duplicates": 1}
    assert str(result.failure) == "0 changed, 0 ok, 1 failed (1 of the list were there twice): a was refused."


def test_contradictions_fail_and_nothing_is_sent_for_them():
    things = Things()
    result = things.handle({"name": "a", "end": "x"}, "b", {"name": "A", "end": "y"})
    assert things.handled == ["b"]
    assert column(result, "failed") == [True, False, True]
    assert column(result, "changed") == [False, True, False]
    assert "Entries 1, 3 of the list ask for different ends of a." in result.values["results"][0]["msg"]
    assert result.values["summary"] == {"total": 3, "changed": 1, "ok": 0, "failed": 2, "duplicates": 0}


def test_entries_that_were_refused_are_never_begun():
    things = Things()
    result = things.handle("a/b", "", "c")
    assert things.handled == ["c"]
    first, second, third = column(result, "msg")
    assert (first, third) == ("a/b is no name.", None)
    assert second.startswith("Entry 2 of the list lacks name. ")
    assert result.values["summary"] == {"total": 3, "changed": 1, "ok": 0, "failed": 2, "duplicates": 0}


def test_what_the_check_of_the_list_raises_ends_the_task():
    def raising(api: Api, entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
        raise ApiError("The catalog could not be read.", "unavailable")

    things = Things()
    broken = replace(things.many, entries=raising)
    with pytest.raises(ApiError, match="catalog could not be read"):
        handle(broken, {"things": [{"name": "a"}], "concurrency": 1}, RUN, Api, Together(1, 60, Clock()), bug_of)
    assert things.handled == []


# --- differences and warnings ---------------------------------------------------------------------------------------


def test_differences_of_all_that_changed_are_in_one_list_if_they_are_asked_for():
    things = Things({"b": ok(), "c": refused("c"), "e": changed("e", diff=None)})
    result = things.handle("a", "b", "c", "d", "a", "e", shows_diff=True)
    assert result.values["diff"] == [{"before_header": "a"}, {"before_header": "d"}]
    assert "diff" not in things.handle("a", "b").values


def test_warnings_are_in_the_entries_and_in_the_task_each_once():
    outcomes = {name: Result(False, {}, ["Everybody.", f"Only {name}."]) for name in "ab"}
    result = Things(outcomes).handle("a", "b", "c", "a")
    everybody = [["Everybody.", "Only a."], ["Everybody.", "Only b."], None, ["Everybody.", "Only a."]]
    assert column(result, "warnings") == everybody
    assert result.warnings == ["Everybody.", "Only a.", "Only b."]


@pytest.mark.parametrize("count, more", [(MOST_WARNINGS, None), (MOST_WARNINGS + 1, 1), (MOST_WARNINGS + 7, 7)])
def test_only_so_many_warnings_are_repeated_by_the_task(count, more):
    names = [f"n{number:02d}" for number in range(count)]
    result = Things({name: Result(False, {}, [f"About {name}."]) for name in names}).handle(*names)
    told = [f"About {name}." for name in names[:MOST_WARNINGS]]
    if more:
        told.append(f"{more} more warnings are in the results of the entries.")
    assert result.warnings == told


# --- how many at the same time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [0, -1, 33, 1000])
def test_concurrency_has_bounds(concurrency):
    things = Things()
    with pytest.raises(ApiError, match=r"concurrency must be a number from 1 to 32\.") as caught:
        things.handle("a", concurrency=concurrency)
    assert caught.value.category == "configuration"
    assert things.handled == []


@pytest.mark.parametrize("concurrency", [1, 2, 32])
def test_so_many_are_handled_at_the_same_time(concurrency):
    together = threading.Barrier(concurrency)
    names = [f"n{number}" for number in range(concurrency * 2)]
    result = Things({name: lambda: together.wait(30) is None or ok() for name in names}).handle(
        *names, concurrency=concurrency
    )
    assert result.failure is None
    assert result.values["summary"]["ok"] == len(names)


def test_the_bounds_hold_without_a_change():
    assert (MOST_WORKERS, MOST_WARNINGS) == (32, 10)
    assert (LONGEST_SILENCE, many.LONGEST_FINISH) == (0.5, 60.0)
    assert {"incident", "ticket"} == LEFT_OUT
    assert CONCURRENCY_SPEC == {"concurrency": {"type": "int", "default": 8}}


def test_no_more_threads_than_there_are_things():
    seen = set()
    things = Things({"a": lambda: seen.add(threading.get_ident()) or ok()})
    before = threading.active_count()
    things.handle("a", "a", "a", concurrency=32)
    assert len(seen) == 1
    assert threading.active_count() == before


# --- what ends the list ---------------------------------------------------------------------------------------------


class ByPath(LoopbackServer):
    """Answers each path from a script of its own, the last reply again and again.

    :param scripts: by the path's last segment; all others are answered well.
    """

    def __init__(self, scripts: Mapping[str, list[Reply]]) -> None:
        super().__init__()
        self.scripts = scripts

    def answer(self, handler: Any) -> None:
        script = self.scripts.get(handler.path.rsplit("/", 1)[-1], [Reply(body={})])
        self.script = [script.pop(0) if len(script) > 1 else script[0]]
        super().answer(handler)

    @property
    def sent(self) -> list[str]:
        """The things that were asked for."""
        return [seen.target.rsplit("/", 1)[-1] for seen in self.seen]


@pytest.fixture
def by_path():
    """Start a server that ends with the test."""
    servers: list[ByPath] = []

    def start(**scripts: list[Reply]) -> ByPath:
        servers.append(ByPath(scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def sending(url: str, names: str, concurrency: int = 1, credentials: Any = None, writes: bool = False) -> Result:
    """Handle things whose operation is one request, or a write and a read; it names its thing in what it raises."""
    pace = Together(concurrency, 60, Clock())
    credentials = credentials or auth.bearer("s3cr3t-token")

    def operation(api: Client, wanted: Wanted, run: Run) -> Result:
        try:
            if writes:
                api.write("PUT", f"/write/{wanted.name}")
            api.read("GET", f"/read/{wanted.name}")
        except ApiError as failure:
            wrote = failure.wrote or (writes and failure.method == "GET")
            raise failure.retold(f"Thing {wanted.name} failed. {failure}", wrote=wrote) from None
        return ok()

    return handle(
        replace(Things().many, operation=operation),
        {"things": [{"name": name} for name in names], "concurrency": concurrency},
        RUN,
        lambda: Client(Transport(url, timeout=5), credentials, CONTRAFORCE, pace=pace),
        pace,
        bug_of,
    )


def test_refused_credentials_stop_the_rest_without_sending(by_path):
    server = by_path(b=[Reply(401)])
    result = sending(server.url, "abcd")
    assert server.sent == ["a", "b"]
    assert column(result, "failed") == [False, True, True, True]
    assert {entry["error"]["category"] for entry in result.values["results"][1:]} == {"authentication"}
    assert result.values["summary"] == {"total": 4, "changed": 0, "ok": 1, "failed": 3, "duplicates": 0}


@pytest.mark.parametrize("status", [403, 404, 409, 422, 500, 300])
def test_what_may_be_about_one_entry_stops_no_other(by_path, status):
    server = by_path(b=[Reply(status)])
    assert column(sending(server.url, "abcd"), "failed") == [False, True, False, False]
    assert server.sent == list("abcd")


def test_what_ends_the_list_is_not_told_as_if_it_were_about_another_entry(by_path):
    server = by_path(a=[Reply(204), Reply(401)])
    result = sending(server.url, "abc", writes=True)
    assert server.sent == ["a", "a"]
    # Something may have come of the first one; nothing was sent for the others.
    assert column(result, "changed") == [True, False, False]
    for name, entry in zip("bc", result.values["results"][1:]):
        assert entry["msg"].startswith(
            f"Thing {name} failed. This was not tried any more: the credentials were refused"
        )
        assert "Thing a" not in entry["msg"]
        assert (entry["error"]["path"], entry["error"]["request_id"]) == (None, None)


def test_a_token_that_cannot_be_fetched_is_asked_for_once(by_path):
    fetches: list[int] = []

    def fetch() -> str:
        fetches.append(1)
        raise ApiError("No access token could be fetched. It is down.", "unavailable", retryable=True)

    server = by_path()
    result = sending(server.url, "abcdefghijklmnopqrstuvwxyz", 4, auth.FetchedToken(fetch, ()))
    assert result.values["summary"]["failed"] == 26
    assert {entry["error"]["category"] for entry in result.values["results"]} == {"unavailable"}
    assert result.failure is not None
    assert result.failure.retryable
    assert server.sent == []
    # Who waits for a turn may get it before the first one has told the others.
    assert len(fetches) <= 4


def test_wrong_credentials_are_hardly_sent_more_than_once_for_the_whole_list(by_path):
    server = by_path(**{name: [Reply(401)] for name in "abcdefghijklmnopqrstuvwxyz"})
    result = sending(server.url, "abcdefghijklmnopqrstuvwxyz", 8)
    assert result.values["summary"]["failed"] == 26
    # Who waits for a turn may get it before the first one has told the others.
    assert len(server.seen) <= 8
    assert not result.changed


# --- progress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "every, moments, told",
    [
        (5.0, [0.5, 4.9, 5.0, 5.5, 9.9, 10.0], [5.0, 10.0]),
        (5.0, [7.0, 11.0, 12.0], [7.0, 12.0]),
        (0.0, [1.0, 100.0], []),
        (-1.0, [1.0, 100.0], []),
    ],
    ids=str,
)
def test_it_is_time_to_tell_every_so_many_seconds(every, moments, told):
    progress = Progress(every, lambda noun, counts, seconds: None)
    assert [moment for moment in moments if progress.is_due(moment)] == told


def test_who_wants_to_know_is_told_how_far_it_is(monkeypatch):
    monkeypatch.setattr(many, "LONGEST_SILENCE", 0.01)
    told: list[tuple[str, int, int, str, float]] = []
    is_told = threading.Event()

    def tell(noun: str, counts: Counts, seconds: float) -> None:
        told.append((noun, counts.done, counts.total, str(counts), seconds))
        if counts.done == 2:
            is_told.set()

    things = Things({"b": ok(), "c": lambda: is_told.wait(30) and refused("c")})
    result = things.handle("a", "b", "c", "a", concurrency=1, progress=Progress(0.001, tell))
    assert ("thing", 2, 3, "1 changed, 1 ok, 0 failed") in [entry[:4] for entry in told]
    # The end is told by the result.
    assert all(done < total for _noun, done, total, _text, _seconds in told)
    assert [entry[4] for entry in told] == sorted(entry[4] for entry in told)
    assert result.values["msg"].startswith("1 changed, 1 ok, 1 failed")
    assert "progress" not in str(result.values)


def test_the_end_is_not_told():
    told: list[int] = []
    progress = Progress(1.0, lambda noun, counts, seconds: told.append(counts.done))
    for done in (0, 2, 3):
        many._tell(Things().many, Counts(3, ok=done), progress, seconds=10.0 * (done + 1))
    many._tell(Things().many, Counts(3), None, seconds=100.0)
    assert told == [0, 2]


def test_counts():
    assert Counts(3).as_dict() == {"total": 3, "changed": 0, "ok": 0, "failed": 0, "duplicates": 0}
    counts = Counts(7, changed=1, ok=2, failed=3, duplicates=4)
    assert counts.done == 6
    assert str(counts) == "1 changed, 2 ok, 3 failed"
    assert counts.as_dict() == {"total": 7, "changed": 1, "ok": 2, "failed": 3, "duplicates": 4}


# --- interruption ---------------------------------------------------------------------------------------------------


@pytest.fixture
def signals():
    """What the process gets of the signals that are sent to it; nobody is killed."""
    came: list[int] = []
    former = {
        number: signal.signal(number, lambda got, frame: came.append(got)) for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield came
    for number, handler in former.items():
        signal.signal(number, handler)


def not_begun(name: str) -> str:
    return f"The run was interrupted before {name} was begun. Run the task again."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_interrupts_a_list_gets_whole_entries(signals, monkeypatch, number):
    monkeypatch.setattr(many, "LONGEST_SILENCE", 0.01)
    begun = threading.Barrier(2)

    def interrupted() -> Result:
        begun.wait(30)
        if threading.get_ident() == first[0]:
            os.kill(os.getpid(), number)
        # The signal is there before anybody goes on.
        while not pace._in_a_hurry:
            time.sleep(0.001)
        return ok()

    first: list[int] = []
    pace = Together(2, 60, Clock())
    things = Things({name: lambda: first.append(threading.get_ident()) or interrupted() for name in "ab"})
    result = things.handle(*"abcd", "c", concurrency=2, pace=pace)
    assert sorted(things.handled) == ["a", "b"]
    assert column(result, "failed") == [False, False, True, True, True]
    assert column(result, "msg")[2:] == [not_begun(name) for name in "cdc"]
    assert result.values["results"][2]["error"] == {
        **ApiError("x", "unavailable").as_dict(),
        "retryable": True,
    }
    assert result.values["summary"] == {"total": 4, "changed": 0, "ok": 2, "failed": 2, "duplicates": 1}
    assert result.failure is not None
    assert result.failure.retryable
    # Once all is done, the process gets it after all, once.
    assert signals == [number]


def test_an_interrupted_wait_for_a_further_try_ends_at_once(signals, monkeypatch):
    monkeypatch.setattr(many, "LONGEST_SILENCE", 0.01)
    pace = Together(1, 7200, Clock())
    failure = ApiError("It is busy.", "unavailable", http_status=503)
    busy = Failure("unavailable", "busy", "Wait.", http_status=503, retry_after=3600.0, send_again=True)

    def waiting() -> Result:
        first = pace.begin()
        pace.end(busy)
        os.kill(os.getpid(), signal.SIGINT)
        assert pace.wait(busy, 1, first) is False
        raise failure

    result = Things({"a": waiting}).handle("a", "b", concurrency=1, pace=pace)
    assert column(result, "msg") == ["It is busy.", not_begun("b")]


def test_an_interrupted_list_says_of_each_entry_what_is_wrong_with_it(signals, monkeypatch):
    """Running the task again would not mend an entry that was refused."""
    monkeypatch.setattr(many, "LONGEST_SILENCE", 0.01)

    def interrupting() -> Result:
        os.kill(os.getpid(), signal.SIGINT)
        while not pace._in_a_hurry:
            time.sleep(0.001)
        return ok()

    pace = Together(1, 60, Clock())
    result = Things({"a": interrupting}).handle("a", "b/c", "d", concurrency=1, pace=pace)
    assert column(result, "msg") == [None, "b/c is no name.", not_begun("d")]
    assert result.failure is not None
    assert not result.failure.retryable


def test_a_signal_within_a_signal_does_not_wait_for_itself():
    """A terminal's Ctrl-C makes Ansible send the other signal moments later, to the same thread."""
    work = many._Work(iter([1]), {}, Counts(1))
    stopping = threading.Thread(target=work.stop, daemon=True)
    with work.lock:
        stopping.start()
        stopping.join(30)
        assert not stopping.is_alive()
    assert work.next() is None


def started_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the first worker start, and none after it."""
    start = threading.Thread.start
    started: list[Any] = []

    def failing(thread: threading.Thread) -> None:
        if started:
            raise error
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", failing)


def test_an_exception_before_all_workers_were_sent_off_stops_the_list(monkeypatch):
    """Such as a signal's, which may come at any moment."""

    def until_it_stops() -> Result:
        deadline = time.monotonic() + 5
        while not pace._in_a_hurry and time.monotonic() < deadline:
            time.sleep(0.001)
        return ok()

    pace = Together(2, 60, Clock())
    started_with(monkeypatch, TimeoutError())
    things = Things({"a": until_it_stops})
    with pytest.raises(TimeoutError):
        things.handle(*"abcdefgh", concurrency=2, pace=pace)
    assert things.handled == ["a"]


def test_workers_that_cannot_be_started_leave_the_work_to_the_others(monkeypatch):
    """A container may have a limit of its threads."""
    started_with(monkeypatch, RuntimeError("can't start new thread"))
    result = Things().handle(*"abcd", concurrency=4)
    assert result.values["summary"]["changed"] == 4


def test_without_any_worker_the_work_is_done_all_the_same(monkeypatch):
    def failing(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", failing)
    assert Things().handle(*"abcd", concurrency=4).values["summary"]["changed"] == 4


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_entry_that_hangs_does_not_keep_an_interrupted_list_for_ever(signals, monkeypatch, concurrency):
    monkeypatch.setattr(many, "LONGEST_SILENCE", 0.01)
    monkeypatch.setattr(many, "LONGEST_FINISH", 0.2)
    hangs = threading.Event()
    sent: list[Any] = []

    def hanging() -> Result:
        os.kill(os.getpid(), signal.SIGTERM)
        hangs.wait(30)
        # What it would send after that.
        try:
            sent.append(pace.begin())
        except ApiError as refusal:
            sent.append(refusal)
        return changed("a")

    pace = Together(concurrency, 60, Clock())
    result = Things({"a": hanging}).handle("a", "a", *"bcdefgh", concurrency=concurrency, pace=pace)
    first, repeated = result.values["results"][:2]
    assert (first["error"]["category"], first["error"]["retryable"]) == ("ambiguous_write", True)
    assert first["msg"] == (
        "The run was interrupted while a was handled, so it is not known what became of it. Run the task again."
    )
    assert (first["changed"], first["failed"]) == (True, True)
    assert (repeated["changed"], repeated["failed"], repeated["duplicate_of"]) == (False, True, 0)
    assert result.changed
    assert result.values["summary"]["failed"] + result.values["summary"]["changed"] == 8
    if concurrency == 1:
        assert column(result, "msg")[2:] == [not_begun(name) for name in "bcdefgh"]
    assert signals == [signal.SIGTERM]
    # What comes of it later is in no result, and nothing may be sent for it any more.
    hangs.set()
    deadline = time.monotonic() + 30
    while not sent and time.monotonic() < deadline:
        time.sleep(0.001)
    assert isinstance(sent[0], ApiError)


def test_waiting_for_the_workers_costs_nothing(monkeypatch):
    looks: list[float] = []
    monkeypatch.setattr(Progress, "is_due", lambda progress, seconds: looks.append(seconds))
    Things({"a": lambda: time.sleep(0.2) or ok()}).handle("a", progress=Progress(1.0, lambda *_told: None))
    assert 0 < len(looks) < 20


def test_workers_end_with_the_process():
    daemons: list[bool] = []
    Things({"a": lambda: daemons.append(threading.current_thread().daemon) or ok()}).handle("a")
    assert daemons == [True]


def test_the_interruption_of_a_thread_of_ours_stops_the_others():
    """A bug could not: this is what ends a process."""
    things = Things({"a": SystemExit("stop")})
    with pytest.raises(SystemExit, match="stop"):
        things.handle(*"abc", concurrency=1)
    assert things.handled == ["a"]


def test_an_exception_of_who_is_told_stops_the_list_with_whole_entries(monkeypatch):
    monkeypatch.setattr(many, "LONGEST_SILENCE", 0.01)
    is_told = threading.Event()

    def tell(noun: str, counts: Counts, seconds: float) -> None:
        is_told.set()
        raise BrokenPipeError

    whole: list[str] = []
    things = Things({"a": lambda: is_told.wait(30) and (whole.append("a") or ok())})
    with pytest.raises(BrokenPipeError):
        things.handle(*"abc", concurrency=1, progress=Progress(0.001, tell))
    assert whole == ["a"]
