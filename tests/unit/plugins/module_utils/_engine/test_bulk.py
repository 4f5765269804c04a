# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list in one task: a result for each item, a result for the task, and the workers."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Mapping, Sequence

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._engine import worker_pool
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import (
    CONCURRENCY_SPEC,
    MAX_CONCURRENCY,
    BulkDefinition,
    BulkItem,
    parse_items,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import MAX_WARNINGS, Counts, Progress
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._engine.worker_pool import (
    CHECK_INTERVAL,
    Schedule,
    WorkerPool,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import FailedAttempt
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import RetryDecision
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact

RUN = RunOptions(check_mode=False, verify_timeout=7)
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
    may_have_changed: bool = False


@dataclass
class Things:
    """How things are handled in these tests.

    :param outcomes: by the name of the thing: what its operation gives, or raises; it may be a function.
    """

    outcomes: Mapping[str, Any] = field(default_factory=dict)
    handled: list[str] = field(default_factory=list)
    runs: list[RunOptions] = field(default_factory=list)
    apis: list[Api] = field(default_factory=list)

    def operation(self, api: Api, wanted: Wanted, run: RunOptions) -> OperationResult:
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
    def bulk(self) -> BulkDefinition[Api]:
        return BulkDefinition(
            "things",
            "thing",
            lambda api, entries: parse_items(entries, ("name",), wanted_from, lambda wanted: wanted.key),
            self.operation,
        )

    def run_bulk(
        self, *names: Any, concurrency: int = 4, throttle: SharedThrottle | None = None, **settings: Any
    ) -> OperationResult:
        """Handle a list; an entry is a name, or the options of one."""
        entries = [{"name": entry} if isinstance(entry, str) else entry for entry in names]
        options = {"things": entries, "concurrency": concurrency}
        throttle = throttle or SharedThrottle(concurrency, 60, Clock())
        return run_bulk(self.bulk, options, RUN, lambda _throttle: Api(), throttle, on_exception, **settings)


def on_exception(error: Exception, options: Mapping[str, Any]) -> ApiError:
    return ApiError(f"A bug with {options['name']}.", "internal")


def changed(name: str, **values: Any) -> OperationResult:
    return OperationResult(
        True, {"before": {"is": "old"}, "after": {"is": "new"}, "diff": {"before_header": name}, **values}
    )


def ok(**values: Any) -> OperationResult:
    return OperationResult(False, {"before": {"is": "new"}, "after": {"is": "new"}, "diff": {"before": 1}, **values})


def refused(name: str, **facts: Any) -> ApiError:
    return ApiError(f"{name} was refused.", "validation", http_status=400, **facts)


def assert_counts(text: str, *facts: str) -> None:
    """The summary is no sentence."""
    assert [fact for fact in facts if not has_fact(text, fact)] == [], text
    assert "\n" not in text


def column(result: OperationResult, name: str) -> list[Any]:
    """One key of all entries of a result."""
    return [entry.get(name) for entry in result.values["results"]]


# --- results --------------------------------------------------------------------------------------------------------


def test_results_keep_the_order_of_the_list():
    last_done = threading.Event()
    things = Things({"a": lambda: last_done.wait(30) and changed("a"), "d": lambda: last_done.set() or ok()})
    result = things.run_bulk("a", "b", "c", "d")
    assert column(result, "name") == ["a", "b", "c", "d"]
    assert column(result, "changed") == [True, True, True, False]
    assert column(result, "failed") == [False] * 4
    assert result.values["summary"] == {"total": 4, "changed": 3, "ok": 1, "failed": 0, "duplicates": 0}
    assert (result.changed, result.failure) == (True, None)
    assert_counts(result.values["msg"], "3 changed", "1 ok", "0 failed")


def test_item_result_omits_records_of_the_service():
    things = Things({"a": changed("a", incident={"id": 1}, ticket={"id": 2}, etag="x", request_ids=["r1"])})
    assert things.run_bulk("a").values["results"] == [
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


def test_values_of_the_operation_override_identifiers():
    assert column(Things({"a": ok(name="A")}).run_bulk("a"), "name") == ["A"]


def test_failed_item_has_every_key_of_a_success():
    failure = refused("b", code="NO", request_id="r2", method="PUT", path="/b", fields={"end": ["is wrong"]})
    result = Things({"b": failure}).run_bulk("a", "b")
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


def test_failed_item_does_not_stop_the_others():
    things = Things({name: refused(name) for name in "bdf"})
    result = things.run_bulk(*"abcdefg", concurrency=1)
    assert things.handled == list("abcdefg")
    assert column(result, "failed") == [False, True, False, True, False, True, False]
    assert result.values["summary"] == {"total": 7, "changed": 4, "ok": 0, "failed": 3, "duplicates": 0}
    assert result.failure is not None
    counts = "4 changed", "0 ok", "3 failed"
    assert_message(result.failure.message, *counts, "b was refused.", "2 more", "results")
    assert (result.failure.category, result.failure.http_status) == ("validation", 400)
    assert result.changed
    assert_counts(result.values["msg"], *counts)


def test_message_of_a_single_failure_mentions_no_others():
    result = Things({"a": refused("a")}).run_bulk("a")
    assert_message(str(result.failure), "0 changed", "0 ok", "1 failed", "a was refused.")
    assert "more" not in str(result.failure)
    assert not result.changed


def test_failure_with_values_keeps_the_values():
    failure = ApiError("It was created, but not filled.", "not_converged", may_have_changed=True)
    found = OperationResult(True, {"after": {"is": "half"}, "object_id": "T-1"}, ["Look."], failure)
    result = Things({"a": found}).run_bulk("a", "b")
    shown = result.values["results"][0]
    assert (shown["object_id"], shown["after"], shown["warnings"]) == ("T-1", {"is": "half"}, ["Look."])
    assert (shown["changed"], shown["failed"], shown["msg"]) == (True, True, failure.message)
    assert result.values["summary"]["failed"] == 1
    assert result.values["summary"]["changed"] == 1
    assert result.warnings == ["Look."]


def test_write_before_a_failure_is_a_change_of_the_task():
    result = Things({"a": ApiError("It broke off.", "ambiguous_write", may_have_changed=True)}).run_bulk("a")
    assert column(result, "changed") == [True]
    assert result.changed
    assert result.values["summary"]["changed"] == 0


@pytest.mark.parametrize(
    "again, all_of_them", [([True, True], True), ([True, False], False), ([False, True], False)], ids=str
)
def test_task_is_retryable_if_every_failure_is(again, all_of_them):
    outcomes = {name: refused(name, retryable=retryable) for name, retryable in zip("ab", again)}
    failure = Things(outcomes).run_bulk("a", "b", "c").failure
    assert failure is not None
    assert failure.retryable is all_of_them


def test_exception_in_one_item_does_not_stop_the_others():
    things = Things({"b": KeyError("s3cr3t")})
    result = things.run_bulk("a", "b", "c", concurrency=1)
    assert things.handled == ["a", "b", "c"]
    assert column(result, "failed") == [False, True, False]
    assert column(result, "msg") == [None, "A bug with b.", None]
    assert result.values["results"][1]["error"]["category"] == "internal"


def test_empty_list_is_ok():
    result = Things().run_bulk()
    assert result == OperationResult(
        False,
        {
            "results": [],
            "summary": {"total": 0, "changed": 0, "ok": 0, "failed": 0, "duplicates": 0},
            "msg": "0 changed, 0 ok, 0 failed",
        },
    )


def test_each_item_has_its_own_api():
    things = Things({name: lambda: changed("x") for name in "abc"})
    numbers = itertools.count()
    run_bulk(
        things.bulk,
        {"things": [{"name": name} for name in "abc"], "concurrency": 2},
        RUN,
        lambda _throttle: Api(next(numbers)),
        SharedThrottle(2, 60, Clock()),
        on_exception,
    )
    assert len({api.number for api in things.apis}) == 3
    assert things.runs == [RUN] * 3


# --- duplicates and contradictions ----------------------------------------------------------------------------------


def test_duplicate_items_are_handled_once():
    things = Things({"a": changed("a", warnings=None)})
    result = things.run_bulk("a", "b", "a", "a")
    assert sorted(things.handled) == ["a", "b"]
    assert result.values["summary"] == {"total": 2, "changed": 2, "ok": 0, "failed": 0, "duplicates": 2}
    assert_counts(result.values["msg"], "2 changed", "0 ok", "0 failed", "2 of the list", "twice")
    first, _other, second, third = result.values["results"]
    assert "duplicate_of" not in first
    assert (second["duplicate_of"], third["duplicate_of"]) == (0, 0)
    # For the second one, the change was there already.
    assert (second["changed"], second["failed"], second["error"], second["diff"]) == (False, False, None, None)
    assert second["before"] == second["after"] == first["after"]
    assert first["changed"] is True


def test_duplicate_keeps_its_own_identifiers():
    many_things = replace(
        Things().bulk,
        parse_items=lambda api, entries: [
            BulkItem({"name": options["name"]}, options, options["name"].lower(), "x") for options in entries
        ],
        operation=lambda api, wanted, run: ok(),
    )
    options = {"things": [{"name": "a"}, {"name": "A"}], "concurrency": 1}
    result = run_bulk(many_things, options, RUN, Api, SharedThrottle(1, 60, Clock()), on_exception)
    assert column(result, "name") == ["a", "A"]


def test_duplicate_of_a_failure_fails_and_is_counted_once():
    result = Things({"a": refused("a")}).run_bulk("a", "a")
    assert column(result, "failed") == [True, True]
    assert column(result, "msg") == ["a was refused."] * 2
    assert result.values["summary"] == {"total": 1, "changed": 0, "ok": 0, "failed": 1, "duplicates": 1}
    facts = "0 changed", "0 ok", "1 failed", "1 of the list", "twice", "a was refused."
    assert_message(str(result.failure), *facts)


def test_contradicting_items_fail_without_requests():
    things = Things()
    result = things.run_bulk({"name": "a", "end": "x"}, "b", {"name": "A", "end": "y"})
    assert things.handled == ["b"]
    assert column(result, "failed") == [True, False, True]
    assert column(result, "changed") == [False, True, False]
    assert_message(result.values["results"][0]["msg"], "Entries 1, 3", "different", "a")
    assert result.values["summary"] == {"total": 3, "changed": 1, "ok": 0, "failed": 2, "duplicates": 0}


def test_invalid_items_are_not_started():
    things = Things()
    result = things.run_bulk("a/b", "", "c")
    assert things.handled == ["c"]
    first, second, third = column(result, "msg")
    assert (first, third) == ("a/b is no name.", None)
    assert_message(second, "Entry 2", "lacks name")
    assert result.values["summary"] == {"total": 3, "changed": 1, "ok": 0, "failed": 2, "duplicates": 0}


def test_error_of_the_item_check_ends_the_task():
    def raising(api: Api, entries: Sequence[Mapping[str, Any]]) -> list[BulkItem]:
        raise ApiError("The catalog could not be read.", "unavailable")

    things = Things()
    broken = replace(things.bulk, parse_items=raising)
    with pytest.raises(ApiError, match="catalog could not be read"):
        run_bulk(
            broken,
            {"things": [{"name": "a"}], "concurrency": 1},
            RUN,
            Api,
            SharedThrottle(1, 60, Clock()),
            on_exception,
        )
    assert things.handled == []


# --- differences and warnings ---------------------------------------------------------------------------------------


def test_diff_lists_all_changes_if_requested():
    things = Things({"b": ok(), "c": refused("c"), "e": changed("e", diff=None)})
    result = things.run_bulk("a", "b", "c", "d", "a", "e", with_diff=True)
    assert result.values["diff"] == [{"before_header": "a"}, {"before_header": "d"}]
    assert "diff" not in things.run_bulk("a", "b").values


def test_task_repeats_each_warning_once():
    outcomes = {name: OperationResult(False, {}, ["Everybody.", f"Only {name}."]) for name in "ab"}
    result = Things(outcomes).run_bulk("a", "b", "c", "a")
    everybody = [["Everybody.", "Only a."], ["Everybody.", "Only b."], None, ["Everybody.", "Only a."]]
    assert column(result, "warnings") == everybody
    assert result.warnings == ["Everybody.", "Only a.", "Only b."]


@pytest.mark.parametrize("count, more", [(MAX_WARNINGS, None), (MAX_WARNINGS + 1, 1), (MAX_WARNINGS + 7, 7)])
def test_task_repeats_a_limited_number_of_warnings(count, more):
    names = [f"n{number:02d}" for number in range(count)]
    result = Things({name: OperationResult(False, {}, [f"About {name}."]) for name in names}).run_bulk(*names)
    assert result.warnings[:MAX_WARNINGS] == [f"About {name}." for name in names[:MAX_WARNINGS]]
    assert_messages(result.warnings[MAX_WARNINGS:], *([[f"{more} more warnings", "results"]] if more else []))


# --- how many at the same time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [0, -1, 33, 1000])
def test_concurrency_out_of_range_is_rejected(concurrency):
    things = Things()
    with pytest.raises(ApiError) as caught:
        things.run_bulk("a", concurrency=concurrency)
    assert_message(caught.value.message, "concurrency", "from 1 to 32")
    assert caught.value.category == "configuration"
    assert things.handled == []


@pytest.mark.parametrize("concurrency", [1, 2, 32])
def test_concurrency_is_the_number_of_workers(concurrency):
    together = threading.Barrier(concurrency)
    names = [f"n{number}" for number in range(concurrency * 2)]
    result = Things({name: lambda: together.wait(30) is None or ok() for name in names}).run_bulk(
        *names, concurrency=concurrency
    )
    assert result.failure is None
    assert result.values["summary"]["ok"] == len(names)


def test_limits_are_as_documented():
    assert (MAX_CONCURRENCY, MAX_WARNINGS) == (32, 10)
    assert (CHECK_INTERVAL, worker_pool.INTERRUPT_TIMEOUT) == (0.5, 60.0)
    assert Things().bulk.records == {"incident", "ticket"}
    assert CONCURRENCY_SPEC == {"concurrency": {"type": "int", "default": 8}}


def test_no_more_threads_than_items():
    seen = set()
    things = Things({"a": lambda: seen.add(threading.get_ident()) or ok()})
    before = threading.active_count()
    things.run_bulk("a", "a", "a", concurrency=32)
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

    def next_reply(self, handler: Any) -> Reply:
        script = self.scripts.get(handler.path.rsplit("/", 1)[-1], [Reply(body={})])
        return script.pop(0) if len(script) > 1 else script[0]

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


def sending(
    url: str, names: str, concurrency: int = 1, credentials: Any = None, writes: bool = False
) -> OperationResult:
    """Handle things whose operation is one request, or a write and a read; it names its thing in what it raises."""
    throttle = SharedThrottle(concurrency, 60, Clock())
    credentials = credentials or auth.bearer("s3cr3t-token")

    def operation(api: Client, wanted: Wanted, run: RunOptions) -> OperationResult:
        try:
            if writes:
                api.write("PUT", f"/write/{wanted.name}")
            api.read("GET", f"/read/{wanted.name}")
        except ApiError as failure:
            wrote = failure.may_have_changed or (writes and failure.method == "GET")
            raise failure.with_message(f"Thing {wanted.name} failed. {failure}", may_have_changed=wrote) from None
        return ok()

    return run_bulk(
        replace(Things().bulk, operation=operation),
        {"things": [{"name": name} for name in names], "concurrency": concurrency},
        RUN,
        lambda item_throttle: Client(Transport(url, timeout=5), credentials, CONTRAFORCE, throttle=item_throttle),
        throttle,
        on_exception,
    )


def test_refused_credentials_end_the_list(by_path):
    server = by_path(a=[Reply(401)])
    result = sending(server.url, "abcd")
    assert server.sent == ["a"]
    assert column(result, "failed") == [True] * 4
    assert {entry["error"]["category"] for entry in result.values["results"]} == {"authentication"}
    assert result.values["summary"] == {"total": 4, "changed": 0, "ok": 0, "failed": 4, "duplicates": 0}


def test_single_401_after_a_success_fails_one_item(by_path):
    server = by_path(b=[Reply(401)], d=[Reply(401)])
    assert column(sending(server.url, "abcde"), "failed") == [False, True, False, True, False]


def test_repeated_401_after_a_success_ends_the_list(by_path):
    server = by_path(**{name: [Reply(401)] for name in "bcdefgh"})
    assert column(sending(server.url, "abcdefgh"), "failed") == [False] + [True] * 7
    assert server.sent == ["a", "b", "c", "d"]


@pytest.mark.parametrize("status", [403, 404, 409, 422, 500, 300])
def test_error_status_of_one_item_fails_that_item_only(by_path, status):
    server = by_path(b=[Reply(status)])
    assert column(sending(server.url, "abcd"), "failed") == [False, True, False, False]
    assert server.sent == list("abcd")


# Each entry belongs to the scope of its first letter.


def scoped(
    url: str, names: Sequence[str], concurrency: int, *, retry_timeout: float = 60, writes: bool = False
) -> OperationResult:
    """Handle things of several scopes."""
    throttle = SharedThrottle(concurrency, retry_timeout, Clock())
    credentials = auth.bearer("s3cr3t-token")

    def operation(api: Client, wanted: Wanted, run: RunOptions) -> OperationResult:
        if writes:
            try:
                api.write("PUT", f"/{wanted.name}")
            except ApiError:
                api.write("PUT", f"/{wanted.name}")
        api.read("GET", f"/{wanted.name}")
        return ok()

    return run_bulk(
        replace(Things().bulk, operation=operation, scope="home"),
        {"things": [{"name": name, "home": name[0]} for name in names], "concurrency": concurrency},
        RUN,
        lambda item_throttle: Client(Transport(url, timeout=5), credentials, CONTRAFORCE, throttle=item_throttle),
        throttle,
        on_exception,
    )


def named(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


def failed_of(result: OperationResult, names: Sequence[str]) -> dict[str, int]:
    """How many failed, by scope."""
    counts: dict[str, int] = {}
    for name, failed in zip(names, column(result, "failed")):
        counts[name[0]] = counts.get(name[0], 0) + failed
    return counts


@pytest.mark.parametrize("concurrency", [1, 2, 8])
@pytest.mark.parametrize("order", ["first", "mixed", "last"])
def test_throttled_scope_does_not_stop_others(by_path, concurrency, order):
    throttled, healthy = named("t", 6), named("h", 30)
    names = {"first": throttled + healthy, "last": healthy + throttled, "mixed": sorted(throttled + healthy, key=hash)}
    server = by_path(**{name: [Reply(429, headers={"Retry-After": "1"})] * 9 for name in throttled})
    began = time.monotonic()
    result = scoped(server.url, names[order], concurrency, retry_timeout=2)
    assert failed_of(result, names[order]) == {"t": 6, "h": 0}
    assert result.failure is not None
    assert result.failure.category == "rate_limited"
    # Nobody asks more than the service allows, and the end comes with retry_timeout.
    assert sum(name[0] == "t" for name in server.sent) <= 3 * concurrency
    assert time.monotonic() - began < 8


def test_parked_workers_are_replaced(by_path):
    """All workers are in a scope when it is throttled; the entries of another one must not wait for it."""
    throttled, healthy = named("t", 8), named("h", 20)
    script = [Reply(429, headers={"Retry-After": "1"}), Reply(body={})]
    server = by_path(**{name: list(script) for name in throttled[1:]})
    began = time.monotonic()
    result = scoped(server.url, throttled + healthy, 4)
    assert column(result, "failed") == [False] * 28
    order = [name[0] for name in server.sent]
    # The healthy ones are through before the hold of the others is over.
    assert "".join(order).rindex("h") < "".join(order).rindex("t")
    assert order.index("h") <= 1 + 4
    assert time.monotonic() - began >= 1


def test_slow_items_are_replaced(by_path, monkeypatch):
    monkeypatch.setattr(worker_pool, "SLOW_ITEM", 0.3)
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.05)
    hanging, healthy = named("x", 4), named("h", 20)
    server = by_path(**{name: [Reply(body={}, delay=2.0)] for name in hanging})
    result = scoped(server.url, [*healthy[:1], *hanging, *healthy[1:]], 2)
    assert not any(column(result, "failed"))
    order = "".join(name[0] for name in server.sent)
    assert order.rindex("h") < order.rindex("x")
    assert order.index("hhh") < order.rindex("x")


def test_scope_with_repeatedly_lost_writes_gets_no_requests(by_path):
    broken, healthy = named("b", 30), named("h", 10)
    server = by_path(**{name: [Reply(500)] for name in broken})
    names = broken + healthy
    result = scoped(server.url, names, 2, writes=True)
    assert failed_of(result, names) == {"b": 30, "h": 0}
    assert sum(name[0] == "b" for name in server.sent) <= 2 * (5 + 2)
    stopped = [text for text in column(result, "msg") if text and has_fact(text, "5 entries in a row")]
    assert len(stopped) >= 30 - 5 - 2


def test_all_items_are_handled_while_workers_come_and_go(by_path):
    random = Random(17)
    names = [f"{random.choice('abcdefg')}{number}" for number in range(60)]
    busy = [Reply(429, headers={"Retry-After": "0"})]
    script = {name: [*busy * random.randrange(3), Reply(body={})] for name in names if name[0] in "abc"}
    result = scoped(by_path(**script).url, names, 3)
    assert not any(column(result, "failed"))
    assert result.values["summary"]["ok"] == 60


def test_message_of_an_ended_list_names_no_other_item(by_path):
    server = by_path(a=[Reply(204), Reply(401)], b=[Reply(401)], c=[Reply(401)])
    result = sending(server.url, "abcde", writes=True)
    assert server.sent == ["a", "a", "b", "c"]
    # Something may have come of the first one; nothing was sent for the last ones.
    assert column(result, "changed") == [True, False, False, False, False]
    for name, entry in zip("de", result.values["results"][3:]):
        assert_message(entry["msg"], f"Thing {name} failed.", "not tried", "credentials", "HTTP 401")
        assert "Thing a" not in entry["msg"]
        assert (entry["error"]["path"], entry["error"]["request_id"]) == (None, None)


def test_failed_token_fetch_is_not_repeated(by_path):
    fetches: list[int] = []

    def fetch() -> str:
        fetches.append(1)
        raise ApiError("No access token could be fetched. It is down.", "unavailable", retryable=True)

    server = by_path()
    result = sending(server.url, "abcdefghijklmnopqrstuvwxyz", 4, auth.ClientCredentialsAuth(fetch, ()))
    assert result.values["summary"]["failed"] == 26
    assert {entry["error"]["category"] for entry in result.values["results"]} == {"unavailable"}
    assert result.failure is not None
    assert result.failure.retryable
    assert server.sent == []
    # Who waits for a turn may get it before the first one has told the others.
    assert len(fetches) <= 4


def test_wrong_credentials_are_sent_at_most_once_per_worker(by_path):
    server = by_path(**{name: [Reply(401)] for name in "abcdefghijklmnopqrstuvwxyz"})
    result = sending(server.url, "abcdefghijklmnopqrstuvwxyz", 8)
    assert result.values["summary"]["failed"] == 26
    # Who waits for a turn may get it before the first one has told the others.
    assert len(server.seen) <= 8
    assert not result.changed


# --- progress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "every, moments, reports",
    [
        (5.0, [0.5, 4.9, 5.0, 5.5, 9.9, 10.0], [5.0, 10.0]),
        (5.0, [7.0, 11.0, 12.0], [7.0, 12.0]),
        (0.0, [1.0, 100.0], []),
        (-1.0, [1.0, 100.0], []),
    ],
    ids=str,
)
def test_progress_is_due_once_per_interval(every, moments, reports):
    progress = Progress(every, lambda noun, counts, seconds: None)
    assert [moment for moment in moments if progress.is_due(moment)] == reports


def test_progress_is_reported(monkeypatch):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    reports: list[tuple[str, int, int, str, float]] = []
    is_told = threading.Event()

    def tell(noun: str, counts: Counts, seconds: float) -> None:
        reports.append((noun, counts.done, counts.total, str(counts), seconds))
        if counts.done == 2:
            is_told.set()

    things = Things({"b": ok(), "c": lambda: is_told.wait(30) and refused("c")})
    result = things.run_bulk("a", "b", "c", "a", concurrency=1, progress=Progress(0.001, tell))
    assert ("thing", 2, 3, "1 changed, 1 ok, 0 failed") in [entry[:4] for entry in reports]
    # The end is told by the result.
    assert all(done < total for _noun, done, total, _text, _seconds in reports)
    assert [entry[4] for entry in reports] == sorted(entry[4] for entry in reports)
    assert_counts(result.values["msg"], "1 changed", "1 ok", "1 failed")
    assert "progress" not in str(result.values)


def test_complete_list_is_not_reported():
    reports: list[int] = []
    progress = Progress(1.0, lambda noun, counts, seconds: reports.append(counts.done))
    for done in (0, 2, 3):
        progress.update("thing", Counts(3, ok=done), seconds=10.0 * (done + 1))
    assert reports == [0, 2]


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


def not_begun(name: str) -> list[str]:
    """The facts of the message of an entry that was not begun."""
    return ["interrupted", f"before {name}"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_lets_running_items_finish(signals, monkeypatch, number):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    begun = threading.Barrier(2)

    def interrupted() -> OperationResult:
        begun.wait(30)
        if threading.get_ident() == first[0]:
            os.kill(os.getpid(), number)
        # The signal is there before anybody goes on.
        while not throttle.draining:
            time.sleep(0.001)
        return ok()

    first: list[int] = []
    throttle = SharedThrottle(2, 60, Clock())
    things = Things({name: lambda: first.append(threading.get_ident()) or interrupted() for name in "ab"})
    result = things.run_bulk(*"abcd", "c", concurrency=2, throttle=throttle)
    assert sorted(things.handled) == ["a", "b"]
    assert column(result, "failed") == [False, False, True, True, True]
    assert_messages(column(result, "msg")[2:], *map(not_begun, "cdc"))
    assert result.values["results"][2]["error"] == {
        **ApiError("x", "unavailable").as_dict(),
        "retryable": True,
    }
    assert result.values["summary"] == {"total": 4, "changed": 0, "ok": 2, "failed": 2, "duplicates": 1}
    assert result.failure is not None
    assert result.failure.retryable
    # Once all is done, the process gets it after all, once.
    assert signals == [number]


def test_signal_ends_the_wait_for_a_retry(signals, monkeypatch):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    throttle = SharedThrottle(1, 7200, Clock())
    failure = ApiError("It is busy.", "unavailable", http_status=503)
    busy = FailedAttempt(
        "unavailable", "busy", "Wait.", http_status=503, retry_after=3600.0, decision=RetryDecision.RETRY
    )

    def waiting() -> OperationResult:
        item_throttle = throttle.workspace()
        first = item_throttle.acquire()
        item_throttle.release(busy)
        os.kill(os.getpid(), signal.SIGINT)
        assert item_throttle.wait_for_retry(busy, 1, first) is False
        raise failure

    result = Things({"a": waiting}).run_bulk("a", "b", concurrency=1, throttle=throttle)
    first, second = column(result, "msg")
    assert first == "It is busy."
    assert_message(second, *not_begun("b"))


def test_list_starts_no_item_once_the_run_is_over():
    over: list[str] = []

    def last() -> OperationResult:
        over.append("b")
        return ok()

    result = Things({"b": last}).run_bulk(*"abcd", concurrency=1, is_over=lambda: bool(over))
    assert column(result, "msg")[:2] == [None, None]
    assert_messages(column(result, "msg")[2:], *map(not_begun, "cd"))
    assert column(result, "failed") == [False, False, True, True]
    assert result.failure is not None
    assert (result.failure.category, result.failure.retryable) == ("unavailable", True)


def test_list_of_a_run_that_is_over_starts_nothing():
    things = Things()
    result = things.run_bulk(*"ab", is_over=lambda: True)
    assert things.handled == []
    assert_messages(column(result, "msg"), *map(not_begun, "ab"))


def test_end_of_the_run_ends_the_wait_for_a_retry(monkeypatch):
    """A worker does not check for it while it waits, so the main thread has to."""
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    over: list[int] = []
    throttle = SharedThrottle(1, 60, Clock())
    busy = FailedAttempt(
        "unavailable", "busy", "Wait.", http_status=503, retry_after=20.0, decision=RetryDecision.RETRY
    )

    def waiting() -> OperationResult:
        item_throttle = throttle.workspace()
        first = item_throttle.acquire()
        item_throttle.release(busy)
        over.append(1)
        assert item_throttle.wait_for_retry(busy, 1, first) is False
        raise ApiError("It is busy.", "unavailable", http_status=503)

    result = Things({"a": waiting}).run_bulk("a", "b", concurrency=1, throttle=throttle, is_over=lambda: bool(over))
    first, second = column(result, "msg")
    assert first == "It is busy."
    assert_message(second, *not_begun("b"))


def test_interrupted_list_keeps_the_failure_of_invalid_items(signals, monkeypatch):
    """Running the task again would not mend an entry that was refused."""
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)

    def interrupting() -> OperationResult:
        os.kill(os.getpid(), signal.SIGINT)
        while not throttle.draining:
            time.sleep(0.001)
        return ok()

    throttle = SharedThrottle(1, 60, Clock())
    result = Things({"a": interrupting}).run_bulk("a", "b/c", "d", concurrency=1, throttle=throttle)
    assert column(result, "msg")[:2] == [None, "b/c is no name."]
    assert_message(column(result, "msg")[2], *not_begun("d"))
    assert result.failure is not None
    assert not result.failure.retryable


def test_stop_does_not_wait_for_the_lock():
    """A terminal's Ctrl-C makes Ansible send the other signal moments later, to the same thread."""
    work = Schedule([], Counts(1), concurrency=1)
    stopping = threading.Thread(target=work.stop, daemon=True)
    with work.lock:
        stopping.start()
        stopping.join(30)
        assert not stopping.is_alive()
    assert work.next_item() is None


def test_signal_that_raises_lets_running_items_finish():
    """As the end of a task's timeout does."""
    ended: list[str] = []

    def raise_timeout(number: int, frame: Any) -> None:
        raise TimeoutError

    def running() -> OperationResult:
        time.sleep(0.1)  # until the main thread waits for this one
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        time.sleep(0.3)
        ended.append("a")
        return ok()

    former = signal.signal(signal.SIGALRM, raise_timeout)
    try:
        with pytest.raises(TimeoutError):
            Things({"a": running}).run_bulk("a", "b", concurrency=1)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert ended == ["a"]


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


def test_exception_while_workers_start_ends_the_list(monkeypatch):
    """Such as a signal's, which may come at any moment."""

    def until_it_stops() -> OperationResult:
        deadline = time.monotonic() + 5
        while not throttle.draining and time.monotonic() < deadline:
            time.sleep(0.001)
        return ok()

    throttle = SharedThrottle(2, 60, Clock())
    started_with(monkeypatch, TimeoutError())
    things = Things({"a": until_it_stops})
    with pytest.raises(TimeoutError):
        things.run_bulk(*"abcdefgh", concurrency=2, throttle=throttle)
    assert things.handled == ["a"]


def test_list_continues_if_threads_cannot_start(monkeypatch):
    """A container may have a limit of its threads."""
    started_with(monkeypatch, RuntimeError("can't start new thread"))
    result = Things().run_bulk(*"abcd", concurrency=4)
    assert result.values["summary"]["changed"] == 4


def test_list_runs_in_the_main_thread_without_workers(monkeypatch):
    def failing(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", failing)
    assert Things().run_bulk(*"abcd", concurrency=4).values["summary"]["changed"] == 4


@pytest.mark.parametrize("concurrency", [1, 3])
def test_interrupted_list_does_not_wait_forever(signals, monkeypatch, concurrency):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    monkeypatch.setattr(worker_pool, "INTERRUPT_TIMEOUT", 0.2)
    hangs = threading.Event()
    sent: list[Any] = []

    def hanging() -> OperationResult:
        os.kill(os.getpid(), signal.SIGTERM)
        hangs.wait(30)
        # What it would send after that.
        try:
            sent.append(throttle.workspace().acquire())
        except ApiError as refusal:
            sent.append(refusal)
        return changed("a")

    throttle = SharedThrottle(concurrency, 60, Clock())
    result = Things({"a": hanging}).run_bulk("a", "a", *"bcdefgh", concurrency=concurrency, throttle=throttle)
    first, repeated = result.values["results"][:2]
    assert (first["error"]["category"], first["error"]["retryable"]) == ("ambiguous_write", True)
    assert_message(first["msg"], "interrupted", "while a", "not known")
    assert (first["changed"], first["failed"]) == (True, True)
    assert (repeated["changed"], repeated["failed"], repeated["duplicate_of"]) == (False, True, 0)
    assert result.changed
    assert result.values["summary"]["failed"] + result.values["summary"]["changed"] == 8
    if concurrency == 1:
        assert_messages(column(result, "msg")[2:], *map(not_begun, "bcdefgh"))
    assert signals == [signal.SIGTERM]
    # What comes of it later is in no result, and nothing may be sent for it any more.
    hangs.set()
    deadline = time.monotonic() + 30
    while not sent and time.monotonic() < deadline:
        time.sleep(0.001)
    assert isinstance(sent[0], ApiError)


def test_waiting_for_workers_does_not_poll_often(monkeypatch):
    looks: list[float] = []
    monkeypatch.setattr(Progress, "is_due", lambda progress, seconds: looks.append(seconds))
    Things({"a": lambda: time.sleep(0.2) or ok()}).run_bulk("a", progress=Progress(1.0, lambda *_told: None))
    assert 0 < len(looks) < 20


def test_workers_are_daemon_threads():
    daemons: list[bool] = []
    Things({"a": lambda: daemons.append(threading.current_thread().daemon) or ok()}).run_bulk("a")
    assert daemons == [True]


def test_exception_that_ends_a_worker_ends_the_list():
    """A bug could not: this is what ends a process."""
    things = Things({"a": SystemExit("stop")})
    with pytest.raises(SystemExit, match="stop"):
        things.run_bulk(*"abc", concurrency=1)
    assert things.handled == ["a"]


def test_exception_of_the_report_lets_running_items_finish(monkeypatch):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    is_told = threading.Event()

    def tell(noun: str, counts: Counts, seconds: float) -> None:
        is_told.set()
        raise BrokenPipeError

    whole: list[str] = []
    things = Things({"a": lambda: is_told.wait(30) and (whole.append("a") or ok())})
    with pytest.raises(BrokenPipeError):
        things.run_bulk(*"abc", concurrency=1, progress=Progress(0.001, tell))
    assert whole == ["a"]


def test_signal_while_the_lock_is_held_does_not_deadlock(signals, monkeypatch):
    """A worker that gives its place to another one holds the turn, and waits for that lock."""
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)
    parking = threading.Event()
    took_in = WorkerPool.set_parked
    update_slow = Schedule.update_slow

    def take_in(crew: Any, is_parked: bool) -> None:
        parking.set()
        took_in(crew, is_parked)

    def interrupted(work: Any) -> None:
        update_slow(work)
        if not signals_sent:
            with work.lock:
                assert started.wait(30)
                go_on.set()
                assert parking.wait(30)
                signals_sent.append(1)
                os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(WorkerPool, "set_parked", take_in)
    monkeypatch.setattr(Schedule, "update_slow", interrupted)
    started, go_on = threading.Event(), threading.Event()
    signals_sent: list[int] = []
    throttle = SharedThrottle(1, 7200, Clock())
    busy = FailedAttempt(
        "rate_limited", "busy", "Wait.", http_status=429, retry_after=3600.0, decision=RetryDecision.RETRY
    )

    def held() -> OperationResult:
        item_throttle = throttle.workspace()
        item_throttle.acquire()
        item_throttle.release(busy)
        started.set()
        assert go_on.wait(30)
        item_throttle.acquire()
        item_throttle.release(None)
        return ok()

    result = Things({"a": held}).run_bulk("a", "b", concurrency=1, throttle=throttle)
    first, second = column(result, "msg")
    assert first is None
    assert_message(second, *not_begun("b"))
    assert signals == [signal.SIGINT]
