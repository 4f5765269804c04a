# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list in one task: the result of each item and of the task, the workers, and interruptions."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any, Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._engine import worker_pool
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import (
    CONCURRENCY_SPEC,
    BulkDefinition,
    parse_items,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import MAX_WARNINGS, Counts, Progress
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._engine.worker_pool import Schedule, workspace_queues
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import FailedAttempt
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import RetryDecision
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact

RUN = RunOptions(verify_timeout=7)


@dataclass
class Api:
    """The API for one item."""

    number: int = 0
    may_have_changed: bool = False


@dataclass
class Things:
    """The things of a list, and how they are handled.

    :param outcomes: by the name of a thing, what its operation returns or raises, or a function that returns it.
    """

    outcomes: Mapping[str, Any] = field(default_factory=dict)
    handled: list[str] = field(default_factory=list)
    apis: list[Api] = field(default_factory=list)
    runs: list[RunOptions] = field(default_factory=list)

    def parse(self, options: Mapping[str, Any]) -> tuple[str, str]:
        if "/" in options["name"]:
            raise configuration_error(f"{options['name']} is not a valid name.")
        return options["name"].lower(), options.get("end") or "done"

    def operation(self, api: Api, wanted: tuple[str, str], run: RunOptions) -> OperationResult:
        name = wanted[0]
        self.handled.append(name)
        self.apis.append(api)
        self.runs.append(run)
        outcome = self.outcomes.get(name, changed(name))
        outcome = outcome() if callable(outcome) else outcome
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    @property
    def bulk(self) -> BulkDefinition[Any]:
        return BulkDefinition(
            "things",
            "thing",
            lambda api, items: parse_items(items, ("name",), self.parse, lambda wanted: wanted[0]),
            self.operation,
        )

    def run(self, *items: Any, concurrency: int = 4, **settings: Any) -> OperationResult:
        """Handle a list; an item is a name, or a dict of options."""
        numbers = itertools.count()
        return run_list(self.bulk, items, concurrency, lambda _throttle: Api(next(numbers)), **settings)


def run_list(
    bulk: BulkDefinition[Any],
    items: Sequence[Any],
    concurrency: int,
    new_api: Callable[[Any], Any],
    throttle: SharedThrottle | None = None,
    run: RunOptions = RUN,
    **settings: Any,
) -> OperationResult:
    options = {
        "things": [{"name": item} if isinstance(item, str) else item for item in items],
        "concurrency": concurrency,
    }
    throttle = throttle or SharedThrottle(concurrency, 60, Clock())
    return run_bulk(bulk, options, run, new_api, throttle, bug_of, **settings)


def bug_of(error: Exception, options: Mapping[str, Any]) -> ApiError:
    return ApiError(f"A bug with {options['name']}.", "internal")


def changed(name: str, **values: Any) -> OperationResult:
    return OperationResult(
        True, {"before": {"is": "old"}, "after": {"is": "new"}, "diff": {"before_header": name}, **values}
    )


def ok(**values: Any) -> OperationResult:
    return OperationResult(False, {"before": {"is": "new"}, "after": {"is": "new"}, "diff": {"before": 1}, **values})


def refused(name: str, **facts: Any) -> ApiError:
    return ApiError(f"{name} was refused.", "validation", http_status=400, **facts)


def column(result: OperationResult, name: str) -> list[Any]:
    """Return the values of one key of all items."""
    return [item.get(name) for item in result.values["results"]]


# --- results --------------------------------------------------------------------------------------------------------

#: The outcomes of things, by the first word of their names.
KINDS: Mapping[str, Callable[[str], Any]] = {
    "changed": changed,
    "ok": lambda name: ok(),
    "refused": refused,
    "retryable": lambda name: refused(name, retryable=True),
    "written": lambda name: refused(name, may_have_changed=True),
    "partial": lambda name: OperationResult(True, {"after": 1, "diff": 2}, failure=refused(name)),
    "bug": lambda name: KeyError("s3cr3t"),
}
NAMES = st.builds("{}-{}".format, st.sampled_from(sorted(KINDS)), st.integers(1, 2))


@settings(max_examples=60)
@given(st.lists(NAMES, max_size=8), st.integers(1, 4), st.booleans(), st.booleans())
def test_task_sums_up_its_items(names, concurrency, with_diff, check_mode):
    unique = list(dict.fromkeys(names))
    kinds = [name.partition("-")[0] for name in unique]
    things = Things({name: KINDS[kind](name) for name, kind in zip(unique, kinds)})
    result = things.run(*names, concurrency=concurrency, with_diff=with_diff, run=RunOptions(check_mode))
    assert sorted(things.handled) == sorted(unique)
    assert column(result, "name") == names

    failed = [name for name, kind in zip(unique, kinds) if kind not in ("changed", "ok")]
    duplicates = len(names) - len(unique)
    changes, oks = kinds.count("changed"), kinds.count("ok")
    assert result.values["summary"] == {
        "total": len(unique),
        "changed": changes,
        "ok": oks,
        "failed": len(failed),
        "duplicates": duplicates,
    }
    counts = f"{changes} {'would change' if check_mode else 'changed'}, {oks} ok, {len(failed)} failed"
    counts += f" ({duplicates} duplicate{'s' * (duplicates > 1)})" if duplicates else ""
    assert result.values["msg"] == counts

    assert column(result, "failed") == [name in failed for name in names]
    has_changed = [name.startswith(("changed", "written", "partial")) for name in names]
    firsts = [names.index(name) for name in names]
    assert column(result, "changed") == [has_changed[index] and first == index for index, first in enumerate(firsts)]
    assert column(result, "duplicate_of") == [None if first == index else first for index, first in enumerate(firsts)]
    assert result.changed is any(has_changed)
    if with_diff:
        shown = [
            KINDS[kind](name).values["diff"] for name, kind in zip(unique, kinds) if kind in ("changed", "partial")
        ]
        assert result.values["diff"] == shown
    else:
        assert "diff" not in result.values

    if failed:
        assert result.failure is not None
        first = f"A bug with {failed[0]}." if failed[0].startswith("bug") else f"{failed[0]} was refused."
        assert result.failure.message.startswith(f"{counts}: {first}")
        assert has_fact(result.failure.message, f"{len(failed) - 1} more failed") is (len(failed) > 1)
        assert result.failure.category == ("internal" if failed[0].startswith("bug") else "validation")
        assert result.failure.retryable is all(name.startswith("retryable") for name in failed)
    else:
        assert result.failure is None


def test_item_result_omits_records_of_the_service():
    records = {"incident": {"id": 1}, "ticket": {"id": 2}}
    things = Things({"a": changed("a", **records, etag="x")})
    shown = {"name": "a", "etag": "x", "changed": True, "failed": False, "error": None}
    states = {"before": {"is": "old"}, "after": {"is": "new"}, "diff": {"before_header": "a"}}
    assert things.run("a").values["results"] == [{**shown, **states}]


def test_item_result_of_a_read_only_module_has_only_the_records():
    records = {"incident": {"id": 1}}
    things = Things({"a": OperationResult(False, records)})
    bulk = replace(things.bulk, read_only=True)
    result = run_list(bulk, ["a", "a"], 1, Api, with_diff=True)
    shown = {"name": "a", **records, "changed": False, "failed": False, "error": None}
    assert result.values["results"] == [shown, {**shown, "duplicate_of": 0}]
    assert "diff" not in result.values


def test_values_of_the_operation_override_identifiers():
    assert column(Things({"a": ok(name="A")}).run("a"), "name") == ["A"]


def test_failed_item_has_every_key_of_a_success():
    failure = refused("b", code="NO", request_id="r2", method="PUT", path="/b", fields={"end": ["is wrong"]})
    assert Things({"b": failure}).run("a", "b").values["results"][1] == {
        "name": "b",
        "before": None,
        "after": None,
        "diff": None,
        "changed": False,
        "failed": True,
        "error": failure.as_dict(),
        "msg": "b was refused.",
    }


def test_failure_with_values_keeps_the_values():
    failure = ApiError("It was created, but not filled.", "not_converged", may_have_changed=True)
    partial = OperationResult(True, {"after": {"is": "half"}, "object_id": "T-1"}, ["Check it."], failure)
    result = Things({"a": partial}).run("a", "b")
    shown = result.values["results"][0]
    assert (shown["object_id"], shown["after"], shown["warnings"]) == ("T-1", {"is": "half"}, ["Check it."])
    assert (shown["msg"], result.warnings) == (failure.message, ["Check it."])


def test_duplicate_has_its_own_identifiers_and_no_change():
    result = Things({"a": changed("a")}).run("a", "A")
    first, second = result.values["results"]
    assert (first["name"], second["name"]) == ("a", "A")
    # For the duplicate, the change already existed.
    assert (second["failed"], second["error"], second["diff"]) == (False, None, None)
    assert second["before"] == second["after"] == first["after"]


def test_each_item_has_its_own_api_and_the_run_options():
    things = Things()
    things.run("a", "b", "c", concurrency=2)
    assert len({api.number for api in things.apis}) == 3
    assert things.runs == [RUN] * 3


def test_write_before_the_failure_of_an_item_is_a_change():
    things = Things({"a": refused("a")})
    result = run_list(things.bulk, ["a"], 1, lambda _throttle: Api(may_have_changed=True))
    assert (column(result, "changed"), result.changed, result.values["summary"]["changed"]) == ([True], True, 0)


# --- invalid items --------------------------------------------------------------------------------------------------


def test_invalid_items_fail_without_requests():
    things = Things()
    items = ["a/b", "", "c", {"name": "d", "end": "x"}, {"name": "D", "end": "y"}]
    result = things.run(*items)
    assert things.handled == ["c"]
    messages = column(result, "msg")
    assert (messages[0], messages[2]) == ("a/b is not a valid name.", None)
    assert_messages([messages[1], *messages[3:]], ["Entry 2", "lacks name"], *[["Entries 4, 5", "d"]] * 2)
    assert column(result, "changed") == [False, False, True, False, False]
    assert result.values["summary"] == {"total": 5, "changed": 1, "ok": 0, "failed": 4, "duplicates": 0}


def test_error_of_the_item_check_ends_the_task():
    def parse(api: Any, items: Any) -> Any:
        raise ApiError("The catalog could not be read.", "unavailable")

    things = Things()
    with pytest.raises(ApiError, match="catalog could not be read"):
        run_list(replace(things.bulk, parse_items=parse), ["a"], 1, Api)
    assert things.handled == []


# --- warnings -------------------------------------------------------------------------------------------------------


def test_task_repeats_each_warning_once():
    outcomes = {name: OperationResult(False, {}, ["All.", f"Only {name}."]) for name in "ab"}
    result = Things(outcomes).run("a", "b", "c", "a")
    assert column(result, "warnings") == [["All.", "Only a."], ["All.", "Only b."], None, ["All.", "Only a."]]
    assert result.warnings == ["All.", "Only a.", "Only b."]


@pytest.mark.parametrize("count, more", [(10, None), (11, 1), (17, 7)])
def test_task_repeats_a_limited_number_of_warnings(count, more):
    names = [f"n{number:02d}" for number in range(count)]
    result = Things({name: OperationResult(False, {}, [f"About {name}."]) for name in names}).run(*names)
    assert result.warnings[:10] == [f"About {name}." for name in names[:MAX_WARNINGS]]
    assert_messages(result.warnings[10:], *([[f"{more} more warnings", "results"]] if more else []))


# --- workers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [0, -1, 33, 1000])
def test_concurrency_out_of_range_is_rejected(concurrency):
    things = Things()
    with pytest.raises(ApiError) as caught:
        things.run("a", concurrency=concurrency)
    assert_message(caught.value.message, "concurrency", "from 1 to 32")
    assert (caught.value.category, things.handled) == ("configuration", [])


@pytest.mark.parametrize("concurrency", [1, 2, 32])
def test_concurrency_is_the_number_of_workers(concurrency):
    together = threading.Barrier(concurrency)
    names = [f"n{number}" for number in range(concurrency * 2)]
    things = Things({name: lambda: together.wait(30) is None or ok() for name in names})
    assert things.run(*names, concurrency=concurrency).values["summary"]["ok"] == len(names)


def test_limits_are_as_documented():
    assert (worker_pool.CHECK_INTERVAL, worker_pool.INTERRUPT_TIMEOUT) == (0.5, 60.0)
    assert Things().bulk.records == {"incident", "ticket"}
    assert CONCURRENCY_SPEC == {"concurrency": {"type": "int", "default": 8}}


def test_no_more_threads_than_items():
    seen: list[threading.Thread] = []
    things = Things({"a": lambda: seen.append(threading.current_thread()) or ok()})
    before = threading.active_count()
    things.run("a", "a", "a", concurrency=32)
    assert [thread.daemon for thread in seen] == [True]
    assert threading.active_count() == before


def fail_to_start(monkeypatch: pytest.MonkeyPatch, error: Exception, started: int) -> None:
    """Let some threads start, and then none."""
    start = threading.Thread.start
    left = [None] * started

    def start_or_fail(thread: threading.Thread) -> None:
        if not left:
            raise error
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)


@pytest.mark.parametrize("started", [0, 1])
def test_list_continues_if_threads_cannot_start(monkeypatch, started):
    """A container may limit the number of threads."""
    fail_to_start(monkeypatch, RuntimeError("can't start new thread"), started)
    assert Things().run(*"abcd", concurrency=4).values["summary"]["changed"] == 4


def test_waiting_for_workers_does_not_poll_often(monkeypatch):
    checks: list[float] = []
    monkeypatch.setattr(Progress, "is_due", lambda progress, seconds: checks.append(seconds))
    Things({"a": lambda: time.sleep(0.05) or ok()}).run("a", progress=Progress(1.0, lambda *_counts: None))
    assert 0 < len(checks) < 10


# --- requests of workers --------------------------------------------------------------------------------------------


class FastClock(Clock):
    """A clock on which time passes 40 times faster."""

    FACTOR = 40

    def now(self) -> float:
        return super().now() * self.FACTOR

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / self.FACTOR)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        super().wait(condition, seconds / self.FACTOR)


class ThingServer(LoopbackServer):
    """A server with a script for each thing, whose last reply is repeated.

    :param scripts: by the name of a thing; requests for all others succeed.
    """

    def __init__(self, scripts: Mapping[str, list[Reply]]) -> None:
        super().__init__()
        self.scripts = scripts

    def next_reply(self, handler: Any) -> Reply:
        script = self.scripts.get(handler.path.rsplit("/", 1)[-1], [Reply(body={})])
        return script.pop(0) if len(script) > 1 else script[0]

    @property
    def sent(self) -> list[str]:
        """Return the things of all requests."""
        return [seen.target.rsplit("/", 1)[-1] for seen in self.seen]


@pytest.fixture
def fast_checks(monkeypatch):
    """Check the workers every 10 ms."""
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.01)


@pytest.fixture
def serve_things(fast_checks):
    """Start a server that stops at the end of the test."""
    servers: list[ThingServer] = []

    def start(**scripts: list[Reply]) -> ThingServer:
        servers.append(ThingServer(scripts))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def send_all(
    server: ThingServer, names: Sequence[str], concurrency: int = 1, retry_timeout: float = 60, writes: int = 0
) -> OperationResult:
    """Handle things with one read each, after a write that is tried several times.

    The first letter of a thing is its workspace.
    """
    clock = FastClock()
    throttle = SharedThrottle(concurrency, retry_timeout, clock)
    credentials = auth.bearer("s3cr3t-token")

    def operation(api: Client, wanted: tuple[str, str], run: RunOptions) -> OperationResult:
        for attempt in range(writes):
            try:
                api.write("PUT", f"/{wanted[0]}")
                break
            except ApiError:
                if attempt == writes - 1:
                    raise
        api.read("GET", f"/{wanted[0]}")
        return ok()

    return run_list(
        replace(Things().bulk, operation=operation, scope="home"),
        [{"name": name, "home": name[0]} for name in names],
        concurrency,
        lambda item_throttle: Client(
            Transport(server.url, timeout=5), credentials, CONTRAFORCE, throttle=item_throttle, clock=clock
        ),
        throttle,
    )


def series(letter: str, count: int) -> list[str]:
    return [f"{letter}{number}" for number in range(count)]


@pytest.mark.parametrize(
    "statuses, failed, requests",
    [
        ({"a": 401}, [True] * 4, 1),
        ({"b": 401}, [False, True, False, False], 4),
        *(({"b": status}, [False, True, False, False], 4) for status in (403, 404, 409, 422, 500, 300)),
    ],
)
def test_failed_item_ends_the_list_only_if_credentials_fail(serve_things, statuses, failed, requests):
    server = serve_things(**{name: [Reply(status)] for name, status in statuses.items()})
    result = send_all(server, "abcd", retry_timeout=0)
    assert column(result, "failed") == failed
    assert len(server.sent) == requests


def test_parked_workers_are_replaced(serve_things):
    """All workers handle items of one workspace when it is throttled."""
    throttled, healthy = series("t", 8), series("h", 20)
    script = [Reply(429, headers={"Retry-After": "10"}), Reply(body={})]
    server = serve_things(**{name: list(script) for name in throttled[1:5]})
    result = send_all(server, throttled + healthy, 4)
    assert not any(column(result, "failed"))
    order = "".join(name[0] for name in server.sent)
    # The other workspace is complete before the throttled one may continue.
    assert order.rindex("h") < order.rindex("t")
    assert order.index("h") <= 1 + 4


def test_slow_items_are_replaced(serve_things, monkeypatch):
    monkeypatch.setattr(worker_pool, "SLOW_ITEM", 0.03)
    slow, healthy = series("x", 4), series("h", 20)
    server = serve_things(**{name: [Reply(body={}, delay=0.15)] for name in slow})
    result = send_all(server, [*healthy[:1], *slow, *healthy[1:]], 2)
    assert not any(column(result, "failed"))
    order = "".join(name[0] for name in server.sent)
    assert order.index("hhh") < order.rindex("h") < order.rindex("x")


def test_only_running_items_are_slow_after_some_time(monkeypatch):
    monkeypatch.setattr(worker_pool, "time", SimpleNamespace(monotonic=lambda: 100.0))
    queues = workspace_queues([(0, "x"), (1, "h")], SharedThrottle(2, 60, Clock()))
    limit = 100.0 - worker_pool.SLOW_ITEM
    schedule = Schedule(queues, Counts(3), 2, outcomes={2: ok()}, slow={7}, current={10: 0, 11: 1, 12: 2})
    schedule.started = {0: (limit - 0.1, queues[0]), 1: (limit, queues[1]), 2: (0.0, queues[1])}
    queues[1].has_slow = True
    schedule.update_slow()
    assert schedule.slow == {0}
    assert [queue.has_slow for queue in queues] == [True, False]


@pytest.mark.parametrize(
    "state, expected",
    [
        ({}, True),
        ({"stopped_at": 1.0}, False),
        ({"workers": 2}, False),
        ({"workers": 2, "parked": {7}}, True),
        ({"workers": 3, "parked": {7}, "slow": {7, 8}}, True),
        ({"workers": 15, "parked": set(range(14))}, True),
        ({"workers": 16, "parked": set(range(15))}, False),
    ],
    ids=str,
)
def test_worker_starts_if_others_wait_and_items_are_left(state, expected):
    queues = workspace_queues([(0, "a"), (1, "b")], SharedThrottle(8, 60, Clock()))
    schedule = Schedule(queues, Counts(2), 2, **state)
    assert schedule.needs_worker() is expected
    # No other worker could send a request to these workspaces.
    queues[0].workers, queues[1].has_slow = 1, True
    assert [queue.rank for queue in queues] == [(2, 0), (1, 0)]
    assert schedule.needs_worker() is False


def test_workspace_with_repeatedly_failed_writes_is_aborted(serve_things):
    failing, healthy = series("b", 20), series("h", 5)
    server = serve_things(**{name: [Reply(500)] for name in failing})
    result = send_all(server, failing + healthy, 2, writes=2)
    assert column(result, "failed") == [True] * 20 + [False] * 5
    assert sum(name[0] == "b" for name in server.sent) <= 2 * (5 + 2)
    aborted = [text for text in column(result, "msg") if text and has_fact(text, "5 entries in a row")]
    assert len(aborted) >= 20 - 5 - 2


def test_all_items_are_handled_while_workers_come_and_go(serve_things):
    random = Random(17)
    names = [f"{random.choice('abcdefg')}{number}" for number in range(60)]
    busy = [Reply(429, headers={"Retry-After": "0"})]
    scripts = {name: [*busy * random.randrange(3), Reply(body={})] for name in names if name[0] in "abc"}
    assert send_all(serve_things(**scripts), names, 3).values["summary"]["ok"] == 60


# --- progress -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interval, moments, reports",
    [
        (5.0, [0.5, 4.9, 5.0, 5.5, 9.9, 10.0], [5.0, 10.0]),
        (5.0, [7.0, 11.0, 12.0], [7.0, 12.0]),
        (0.0, [1.0, 100.0], []),
        (-1.0, [1.0, 100.0], []),
    ],
)
def test_progress_is_due_once_per_interval(interval, moments, reports):
    progress = Progress(interval, lambda noun, counts, seconds: None)
    assert [moment for moment in moments if progress.is_due(moment)] == reports


def test_counts_start_at_zero():
    assert Counts(3).as_dict() == {"total": 3, "changed": 0, "ok": 0, "failed": 0, "duplicates": 0}


def test_progress_is_reported_until_the_list_is_complete(fast_checks):
    reports: list[tuple[str, int, int, str, float]] = []
    is_reported = threading.Event()

    def report(noun: str, counts: Counts, seconds: float) -> None:
        reports.append((noun, counts.done, counts.total, str(counts), seconds))
        if counts.done == 2:
            is_reported.set()

    progress = Progress(0.001, report)
    things = Things({"b": ok(), "c": lambda: is_reported.wait(30) and refused("c")})
    things.run("a", "b", "c", "a", concurrency=1, progress=progress)
    assert ("thing", 2, 3, "1 changed, 1 ok, 0 failed") in [entry[:4] for entry in reports]
    assert all(done < total for _noun, done, total, _text, _seconds in reports)
    seconds = [entry[4] for entry in reports]
    assert seconds == sorted(seconds)
    assert 0 <= seconds[0] < seconds[-1] + 1 < 60
    reports.clear()
    progress.update("thing", Counts(3, ok=3), seconds=100.0)
    assert reports == []


# --- interruptions --------------------------------------------------------------------------------------------------


@pytest.fixture
def signals(fast_checks):
    """Collect the signals that end the process after the list."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = {number: signal.signal(number, lambda got, frame: received.append(got)) for number in numbers}
    yield received
    for number, handler in former.items():
        signal.signal(number, handler)


def assert_not_started(result: OperationResult, names: str) -> None:
    """Assert that the last items were not started."""
    failures = result.values["results"][-len(names) :]
    assert_messages([item["msg"] for item in failures], *(["interrupted", f"before {name}"] for name in names))
    for item in failures:
        assert item["error"] == {**ApiError("x", "unavailable").as_dict(), "retryable": True}


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is met, up to 30 s."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)


def interrupt(throttle: SharedThrottle, number: int = signal.SIGINT) -> OperationResult:
    """Send a signal, and return once the list has received it."""
    os.kill(os.getpid(), number)
    wait_until(lambda: throttle.draining)
    return ok()


def test_signal_lets_running_items_finish(signals):
    throttle = SharedThrottle(2, 60, Clock())
    running = threading.Barrier(2)

    def finish() -> OperationResult:
        running.wait(30)
        wait_until(lambda: throttle.draining)
        return ok()

    things = Things({"a": lambda: running.wait(30) >= 0 and interrupt(throttle, signal.SIGTERM), "b": finish})
    result = things.run(*"abcd", "c", concurrency=2, throttle=throttle)
    assert sorted(things.handled) == ["a", "b"]
    assert column(result, "failed") == [False, False, True, True, True]
    assert_not_started(result, "cdc")
    assert result.values["summary"] == {"total": 4, "changed": 0, "ok": 2, "failed": 2, "duplicates": 1}
    assert result.failure is not None
    assert result.failure.retryable
    assert signals == [signal.SIGTERM]


def test_interrupted_list_keeps_the_failure_of_invalid_items(signals):
    throttle = SharedThrottle(1, 60, Clock())
    things = Things({"a": lambda: interrupt(throttle)})
    result = things.run("a", "b/c", "d", concurrency=1, throttle=throttle)
    assert column(result, "msg")[:2] == [None, "b/c is not a valid name."]
    assert_not_started(result, "d")
    assert result.failure is not None
    assert not result.failure.retryable


@pytest.mark.parametrize("handled", ["", "ab"])
def test_list_starts_no_item_once_the_run_is_over(handled):
    things = Things()
    result = things.run(*"abcd", concurrency=1, is_over=lambda: len(things.handled) == len(handled))
    assert things.handled == list(handled)
    assert column(result, "failed") == [name not in handled for name in "abcd"]
    assert_not_started(result, "cd")
    assert result.failure is not None
    assert (result.failure.category, result.failure.retryable) == ("unavailable", True)


#: A failure after which the service asks to wait for an hour.
BUSY = FailedAttempt("unavailable", "busy", "Wait.", http_status=503, retry_after=3600.0, decision=RetryDecision.RETRY)


@pytest.mark.parametrize("by_signal", [True, False])
def test_end_of_the_run_ends_the_wait_for_a_retry(signals, by_signal):
    """A worker does not check for the end while it waits, so the main thread has to."""
    over: list[int] = []
    throttle = SharedThrottle(1, 7200, Clock())

    def wait() -> OperationResult:
        item_throttle = throttle.workspace()
        first = item_throttle.acquire()
        item_throttle.release(BUSY)
        os.kill(os.getpid(), signal.SIGINT) if by_signal else over.append(1)
        assert item_throttle.wait_for_retry(BUSY, 1, first) is False
        raise refused("a")

    result = Things({"a": wait}).run("a", "b", concurrency=1, throttle=throttle, is_over=lambda: bool(over))
    assert column(result, "msg")[0] == "a was refused."
    assert_not_started(result, "b")


def test_stop_does_not_wait_for_the_lock():
    """Ctrl-C in a terminal makes Ansible send another signal immediately, to the same thread."""
    schedule = Schedule([], Counts(1), concurrency=1)
    stopping = threading.Thread(target=schedule.stop, daemon=True)
    with schedule.lock:
        stopping.start()
        stopping.join(30)
        assert not stopping.is_alive()
    assert schedule.next_item() is None


def test_signal_that_raises_lets_running_items_finish():
    """Ansible raises an exception when the timeout of a task ends."""
    finished: list[str] = []

    def raise_timeout(number: int, frame: Any) -> None:
        raise TimeoutError

    def run() -> OperationResult:
        time.sleep(0.05)  # until the main thread waits
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        time.sleep(0.05)
        finished.append("a")
        return ok()

    former = signal.signal(signal.SIGALRM, raise_timeout)
    try:
        with pytest.raises(TimeoutError):
            Things({"a": run}).run("a", "b", concurrency=1)
    finally:
        signal.signal(signal.SIGALRM, former)
    assert finished == ["a"]


def test_exception_while_workers_start_ends_the_list(monkeypatch):
    """A signal may raise one at any moment."""
    throttle = SharedThrottle(2, 60, Clock())
    fail_to_start(monkeypatch, TimeoutError(), started=1)
    things = Things({"a": lambda: wait_until(lambda: throttle.draining) or ok()})
    with pytest.raises(TimeoutError):
        things.run(*"abcdefgh", concurrency=2, throttle=throttle)
    assert things.handled == ["a"]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_interrupted_list_does_not_wait_forever(signals, monkeypatch, concurrency):
    monkeypatch.setattr(worker_pool, "INTERRUPT_TIMEOUT", 0.05)
    throttle = SharedThrottle(concurrency, 60, Clock())
    is_over = threading.Event()
    sent: list[Any] = []

    def hang() -> OperationResult:
        os.kill(os.getpid(), signal.SIGTERM)
        is_over.wait(30)
        try:
            sent.append(throttle.workspace().acquire())
        except ApiError as failure:
            sent.append(failure)
        return changed("a")

    result = Things({"a": hang}).run("a", "a", *"bcdefgh", concurrency=concurrency, throttle=throttle)
    first, repeated = result.values["results"][:2]
    assert (first["error"]["category"], first["error"]["retryable"]) == ("ambiguous_write", True)
    assert_message(first["msg"], "interrupted", "while a", "not known")
    assert (first["changed"], first["failed"]) == (True, True)
    assert (repeated["changed"], repeated["failed"], repeated["duplicate_of"]) == (False, True, 0)
    assert result.changed
    assert result.values["summary"]["failed"] + result.values["summary"]["changed"] == 8
    if concurrency == 1:
        assert_not_started(result, "bcdefgh")
    assert signals == [signal.SIGTERM]
    # The hanging item is not in the result, so it must not send anything later.
    is_over.set()
    wait_until(lambda: bool(sent))
    assert isinstance(sent[0], ApiError)


def test_exception_that_ends_a_worker_ends_the_list():
    things = Things({"a": SystemExit("stop")})
    with pytest.raises(SystemExit, match="stop"):
        things.run(*"abc", concurrency=1)
    assert things.handled == ["a"]
