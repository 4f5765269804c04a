# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution of a task for one incident and for a list, against a real server."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Callable, Iterator

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_status import (
    parse_options,
    set_incident_status,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import (
    CONTRAFORCE_SERVICE,
    incidents,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine import bulk, worker_pool
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import Progress
from ansible_collections.secops.itsm.plugins.module_utils._engine.execution import (
    MAX_MESSAGE,
    MAX_TRACEBACKS,
    TRACEBACK,
    ExecutionContext,
    TaskResult,
    execute,
    execute_redacted,
    internal_error,
    task_result,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import VERSION, ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import SecretRegistry
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
SECRET = "s3cr3t-of-closer"


def definition_of(operation: Callable[..., OperationResult]) -> ModuleDefinition[Any]:
    """Return a module with an operation, for one incident or a list."""
    return ModuleDefinition(
        CONTRAFORCE_SERVICE, {}, operation, incidents(parse_options, operation), parse=parse_options
    )


DEFINITION = definition_of(set_incident_status)


class IncidentServer(LoopbackServer):
    """A server of incidents with a status, whose request IDs name the incident."""

    def __init__(self) -> None:
        super().__init__()
        self.first: list[Reply] = []
        self.status: dict[str, str] = {}

    def next_reply(self, handler: Any) -> Reply:
        if self.first:
            return self.first.pop(0)
        incident = re.findall(r"/incidents/Splunk/([^/?]+)", handler.path)[0]
        request_id = f"{incident}-{handler.command}"
        if handler.command == "PUT":
            body = next(seen.body for seen in reversed(self.seen) if seen.target == handler.path)
            self.status[incident] = json.loads(body)["status"]
            return Reply(204, headers={"X-Request-Id": request_id})
        record = {"id": incident, "status": self.status.get(incident, "New"), "classification": None}
        return Reply(body={"data": record, "meta": {"requestId": request_id}})

    @property
    def methods(self) -> list[str]:
        return [seen.method for seen in self.seen]


class Tasks:
    """Execute tasks against a server."""

    def __init__(self, server: IncidentServer, connections: ConnectionPool) -> None:
        self.server = server
        self.connections = connections

    def options(self, *incident_ids: str, **more: Any) -> dict[str, Any]:
        """Return the options of a task for one incident, or for a list."""
        ids = [{"incident_id": incident_id} for incident_id in incident_ids]
        return {
            **{name: option.default for name, option in CONTRAFORCE_SERVICE.connection_options.items()},
            "url": self.server.url,
            "client_id": "closer",
            "client_secret": SECRET,
            "retry_timeout": 5,
            "workspace_id": WORKSPACE,
            "source": "Splunk",
            "status": "Active",
            "verify_timeout": 5,
            "concurrency": 4,
            **(ids[0] if len(ids) == 1 else {"incidents": ids}),
            **more,
        }

    def context(self, options: dict[str, Any], **settings: Any) -> ExecutionContext:
        secrets = SecretRegistry(CONTRAFORCE_SERVICE.connection_options, lambda: options)
        given = {"check_mode": False, "diff_mode": False, "secrets": secrets, "connections": self.connections}
        return ExecutionContext(**{**given, **settings})

    def execute(
        self, *incident_ids: str, definition: ModuleDefinition[Any] = DEFINITION, more: Any = None, **settings: Any
    ) -> Any:
        options = self.options(*incident_ids, **(more or {}))
        return execute(definition, options, self.context(options, **settings))

    def redacted(
        self, *incident_ids: str, definition: ModuleDefinition[Any] = DEFINITION, **settings: Any
    ) -> TaskResult:
        options = self.options(*incident_ids, concurrency=1)
        return execute_redacted(definition, options, self.context(options, **settings))


@pytest.fixture
def server() -> Iterator[IncidentServer]:
    server = IncidentServer()
    yield server
    server.close()


@pytest.fixture
def tasks(server: IncidentServer) -> Iterator[Tasks]:
    connections = ConnectionPool()
    yield Tasks(server, connections)
    connections.close()


# --- one incident ---------------------------------------------------------------------------------------------------


def test_task_for_one_incident(server, tasks):
    first, second = (tasks.execute("42") for _each in range(2))
    assert (first.changed, second.changed) == (True, False)
    assert server.methods == ["GET", "PUT", "GET", "GET"]
    assert first.values["request_ids"] == ["42-GET", "42-PUT"]
    assert server.seen[0].headers["user-agent"] == f"secops.itsm/{VERSION}"
    # The next item of a loop uses the same connection.
    assert len({seen.peer for seen in server.seen}) == 1


def test_check_mode_never_writes(server, tasks):
    assert tasks.execute("42", check_mode=True).changed

    def write(api: Any, wanted: Any, run: Any) -> OperationResult:
        api.update_incident_status(wanted.key, {"status": "Active"})
        raise AssertionError("it was written")

    error = tasks.execute("42", definition=definition_of(write), check_mode=True)
    assert_message(error.message, "check mode")
    assert server.methods == ["GET"]


@pytest.mark.parametrize("more", [{"client_secret": None}, {"workspace_id": "x"}])
def test_invalid_options_are_returned_as_errors(server, tasks, more):
    assert (tasks.execute("42", more=more).category, server.seen) == ("configuration", [])


def test_refused_options_may_have_a_result(tasks):
    definition = replace(DEFINITION, refused_options=lambda error: OperationResult(False, {"checks": error.category}))
    assert tasks.execute("42", definition=definition, more={"client_id": None}).values == {"checks": "configuration"}


def test_encoded_credentials_are_redacted(server, tasks):
    options = tasks.options("42")
    context = tasks.context(options)
    execute(DEFINITION, options, context)
    pair = server.seen[0].headers["authorization"].split()[1]
    assert context.secrets.text(f"x {pair} {SECRET}") == f"x {MASK} {MASK}"


def test_messages_are_redacted_before_they_are_truncated(server, tasks):
    server.first = [Reply(400, {"error": {"code": "BAD", "message": "x" * 290 + SECRET + "y" * 50}})]
    assert SECRET[:6] not in tasks.execute("42").message


@pytest.mark.parametrize("verify_timeout, expected", [(None, 0), (0, 0), (7, 7)])
def test_run_options_are_those_of_the_task(tasks, clock, verify_timeout, expected):
    seen: list[Any] = []
    definition = definition_of(lambda api, wanted, run: seen.append(run) or OperationResult(False, {}))
    definition = replace(definition, parse=dict)
    tasks.execute("42", definition=definition, more={"verify_timeout": verify_timeout}, check_mode=True, clock=clock)
    assert [(run.check_mode, run.verify_timeout, run.clock) for run in seen] == [(True, expected, clock)]


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize("incident_ids", [("42",), ("42", "43", "44")])
def test_waits_use_the_clock_of_the_context(server, tasks, clock, status, incident_ids):
    server.first = [Reply(status, headers={"Retry-After": "3"})]
    clock.wait = lambda _condition, seconds: clock.sleep(seconds)
    outcome = tasks.execute(*incident_ids, clock=clock)
    assert (outcome.changed, getattr(outcome, "failure", None)) == (True, None)
    assert 3 <= clock.time < 5
    assert len(server.seen) == 1 + 3 * len(incident_ids)


def test_definition_without_bulk_ignores_lists(tasks):
    definition = ModuleDefinition(CONTRAFORCE_SERVICE, {}, lambda api, options, run: OperationResult(False, {"x": 1}))
    assert tasks.execute("1", "2", definition=definition).values == {"x": 1}


@pytest.mark.parametrize("incident_ids", [("42",), ("42", "43")])
def test_task_of_a_run_that_is_over_sends_nothing(server, tasks, incident_ids):
    error = tasks.execute(*incident_ids, is_over=lambda: True)
    assert_message(error.message, "run ended", "nothing was sent")
    assert (error.category, error.retryable, error.may_have_changed) == ("unavailable", True, False)
    assert server.seen == []


def test_list_ends_when_the_run_is_over(server, tasks):
    result = tasks.execute(*"123", more={"concurrency": 1}, is_over=lambda: "PUT" in server.methods)
    assert [item["failed"] for item in result.values["results"]] == [False, True, True]
    # The running item is read back.
    assert server.methods == ["GET", "PUT", "GET"]


# --- bugs -----------------------------------------------------------------------------------------------------------


def fail_with_a_bug(*_arguments: Any) -> OperationResult:
    local = "a private value"
    raise KeyError(f"{SECRET} and {local[:1]}", "x" * 2 * MAX_MESSAGE)


BUGGY = definition_of(fail_with_a_bug)


def test_bug_is_reported_with_its_place(tasks):
    error = tasks.execute("42", definition=BUGGY)
    place = f"KeyError at test_execution.py:{fail_with_a_bug.__code__.co_firstlineno + 2}"
    assert_message(error.message, f"secops.itsm {VERSION}", "bug", place, "incident 42", "report")
    assert SECRET not in error.message
    assert (error.category, error.retryable) == ("internal", False)


def test_bug_in_a_library_names_the_place_in_the_collection():
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    error = internal_error(caught.value, ("incident", "incident_id"), {"incident_id": None})
    assert_message(error.message, "bug", "JSONDecodeError at test_execution.py", "the task")


@pytest.mark.parametrize("verbosity", range(5))
def test_traceback_is_redacted_and_shown_from_vvv_on(tasks, verbosity):
    result = tasks.redacted("42", definition=BUGGY, verbosity=verbosity)
    assert (TRACEBACK in result.values) is (verbosity >= 3)
    assert SECRET not in str(result.values)
    assert "a private value" not in str(result.values)
    if verbosity >= 3:
        lines = result.values[TRACEBACK].splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert "in fail_with_a_bug" in result.values[TRACEBACK]
        assert lines[-1].startswith(f"KeyError: ('{MASK} and a', 'xxx")
        assert len(lines[-1]) == len("KeyError: ") + MAX_MESSAGE


class UnprintableError(Exception):
    """An exception whose message cannot be built."""

    def __str__(self) -> str:
        raise ValueError


def raising(error: BaseException) -> ModuleDefinition[Any]:
    """Return a module that raises an exception."""

    def operation(*_arguments: Any) -> OperationResult:
        raise error

    return definition_of(operation)


def test_traceback_of_an_exception_that_cannot_be_printed(tasks):
    result = tasks.redacted("42", definition=raising(UnprintableError()), verbosity=3)
    assert result.values[TRACEBACK].endswith("UnprintableError: the message cannot be shown")


def test_list_shows_each_traceback_once_up_to_a_limit(tasks):
    def operation(api: Any, wanted: Any, run: Any) -> OperationResult:
        raise KeyError(f"{SECRET} {int(wanted.key.incident_id) // 2}")

    result = tasks.redacted(*map(str, range(12)), definition=definition_of(operation), verbosity=3)
    ends = [line for line in result.values[TRACEBACK].splitlines() if line.startswith("KeyError")]
    assert ends == [f"KeyError: '{MASK} {number}'" for number in range(MAX_TRACEBACKS)]


@pytest.mark.parametrize("error", [ConnectionAbortedError(), KeyboardInterrupt(), SystemExit()], ids=repr)
def test_passthrough_exceptions_are_not_caught(tasks, error):
    with pytest.raises(type(error)):
        tasks.execute("42", definition=raising(error), passthrough_exceptions=(ConnectionAbortedError,))


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("changed", [False, True])
def test_unprocessable_result_reports_its_change(tasks, changed, check_mode):
    nested: Any = SECRET
    for _level in range(5000):
        nested = [nested]
    definition = definition_of(lambda api, wanted, run: OperationResult(changed, {"x": nested}))
    result = tasks.redacted("42", definition=definition, check_mode=check_mode, verbosity=3)
    assert (result.failed, result.values["changed"]) == (True, changed and not check_mode)
    assert result.values["error"]["category"] == "internal"
    assert_message(result.values["msg"], "bug", "RecursionError at redactor.py")
    assert "RecursionError: " in result.values[TRACEBACK]
    assert SECRET not in result.values[TRACEBACK]


# --- failures after a write -----------------------------------------------------------------------------------------


def writing(then: Callable[[Any, Any], OperationResult]) -> ModuleDefinition[Any]:
    """Return a module that sets the status, and then calls a function with the API and the incident."""

    def operation(api: Any, wanted: Any, run: Any) -> OperationResult:
        try:
            api.update_incident_status(wanted.key, {"status": "Active"})
        except ApiError:
            raise KeyError from None
        return then(api, wanted.key)

    return definition_of(operation)


def test_rejection_does_not_hide_an_earlier_write(server, tasks):
    def reject(api: Any, key: Any) -> OperationResult:
        server.first = [Reply(400)]
        api.update_incident_status(key, {"status": "Closed"})
        raise AssertionError

    error = tasks.execute("42", definition=writing(reject))
    assert (error.category, error.may_have_changed) == ("validation", True)
    assert task_result(error).values["changed"]


def test_failed_result_after_a_write_reports_a_change(tasks):
    failed = OperationResult(False, {}, failure=ApiError("Odd.", "contract"))
    assert tasks.execute("42", definition=writing(lambda api, key: failed)).changed


@pytest.mark.parametrize(
    "reply, changed",
    [(400, False), (409, False), (500, True), (Reply(drop=True), True), (Reply(body=b"{"), True)],
    ids=["400", "409", "500", "dropped", "unreadable"],
)
def test_write_counts_unless_it_was_rejected(server, tasks, reply, changed):
    server.first = [Reply(reply) if isinstance(reply, int) else reply]
    assert tasks.execute("42", definition=writing(fail_with_a_bug)).may_have_changed is changed


@pytest.mark.parametrize("action, data", [("link", {"isTicketSet": False}), ("unlink", False)])
def test_response_without_a_change_is_not_a_write(server, tasks, action, data):
    server.first = [Reply(body={"data": data})]

    def operation(api: Any, wanted: Any, run: Any) -> OperationResult:
        api.link_ticket(wanted.key, "41877") if action == "link" else api.unlink_ticket(wanted.key)
        raise KeyError

    error = tasks.execute("42", definition=definition_of(operation))
    assert (error.category, error.may_have_changed, len(server.seen)) == ("internal", False, 1)


@pytest.mark.parametrize("levels, category", [(95, None), (99, "contract"), (5000, "contract")])
def test_deeply_nested_response_after_a_write(server, tasks, clock, levels, category):
    nested = '{"data": {"id": "42", "status": "Active", "x": ' + "[" * levels + "]" * levels + "}}"
    before = Reply(body={"data": {"id": "42", "status": "New"}})
    server.first = [before, Reply(204), *[Reply(body=nested.encode()) for _each in range(9)]]
    result = tasks.redacted("42", clock=clock)
    assert (result.failed, result.values["changed"]) == (category is not None, True)
    if category:
        assert result.values["error"]["category"] == category
        assert_message(result.values["msg"], "ContraForce", "JSON", "too deeply")


# --- a list ---------------------------------------------------------------------------------------------------------


def test_task_for_a_list(server, tasks):
    names = [str(number) for number in range(10)]
    first = tasks.execute(*names)
    assert first.values["summary"] == {"total": 10, "changed": 10, "ok": 0, "failed": 0, "duplicates": 0}
    for name, item in zip(names, first.values["results"]):
        assert (item["incident_id"], item["workspace_id"]) == (name, WORKSPACE)
        assert item["request_ids"] == [f"{name}-GET", f"{name}-PUT"]
    assert len(server.seen) == 30
    assert len({seen.peer for seen in server.seen}) <= 4
    server.seen.clear()
    assert tasks.execute(*names).values["summary"]["ok"] == 10
    assert server.methods == ["GET"] * 10


@pytest.mark.parametrize("category", [None, "unavailable"])
def test_connections_are_closed_after_the_list(tasks, category):
    """Also if its items cannot be parsed."""

    def parse_items(api: Any, items: Any) -> Any:
        api.incident(parse_options(items[0]).key)
        raise ApiError("The catalog could not be read.", "unavailable")

    assert DEFINITION.bulk is not None
    broken = replace(DEFINITION, bulk=replace(DEFINITION.bulk, parse_items=parse_items))
    outcome = tasks.execute("1", "2", definition=broken if category else DEFINITION)
    assert getattr(outcome, "category", None) == category
    assert tasks.connections.open(CONTRAFORCE_SERVICE, tasks.options("1", "2"), "").sessions._opened == []
    # The next item of a loop can use the connection.
    assert tasks.execute("1", "2").failure is None


def test_empty_list_sends_nothing(server, tasks):
    result = tasks.execute()
    assert (result.changed, result.values["results"], server.seen) == (False, [], [])


@pytest.mark.parametrize("diff_mode", [False, True])
def test_list_in_check_mode_never_writes(server, tasks, diff_mode):
    result = tasks.execute("1", "2", check_mode=True, diff_mode=diff_mode)
    assert (result.values["summary"]["changed"], server.methods) == (2, ["GET"] * 2)
    assert ("diff" in result.values) is diff_mode


def test_progress_is_reported(server, tasks, monkeypatch):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.005)
    server.first = [Reply(401, delay=0.05)]
    reports: list[str] = []
    progress = Progress(0.001, lambda noun, counts, seconds: reports.append(f"{noun} {counts.done}/{counts.total}"))
    tasks.execute("1", "2", progress=progress)
    assert reports
    assert set(reports) <= {"incident 0/2", "incident 1/2"}


def test_retry_after_beyond_the_timeout_gets_one_request(server, tasks):
    server.first = [Reply(429, headers={"Retry-After": "3600"})]
    result = tasks.execute(*"123456789")
    assert {item["error"]["category"] for item in result.values["results"]} == {"rate_limited"}
    assert result.failure.retryable
    assert len(server.seen) == 1


def test_bug_in_one_item_names_that_item(tasks):
    def operation(api: Any, wanted: Any, run: Any) -> OperationResult:
        if wanted.key.incident_id == "1":
            return OperationResult(False, {})
        if wanted.key.incident_id == "3":
            api.update_incident_status(wanted.key, {"status": "Active"})
        raise KeyError(SECRET)

    result = tasks.execute("1", "2", "3", definition=definition_of(operation))
    assert [item["failed"] for item in result.values["results"]] == [False, True, True]
    assert [item["changed"] for item in result.values["results"]] == [False, False, True]
    assert_message(result.values["results"][1]["msg"], "KeyError at test_execution.py", "incident 2")
    assert task_result(result).values["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_bug_after_all_items_reports_their_changes(tasks, monkeypatch, check_mode):
    monkeypatch.setattr(bulk, "summarize", fail_with_a_bug)
    error = tasks.execute("1", "2", check_mode=check_mode)
    assert (error.category, error.may_have_changed) == ("internal", not check_mode)


# --- results and definitions ----------------------------------------------------------------------------------------


def test_task_result():
    failure = ApiError("No.", "not_converged", may_have_changed=True)
    failed = {"msg": "No.", "error": failure.as_dict()}
    assert task_result(OperationResult(True, {"a": 1}, ["w"])) == TaskResult(False, {"a": 1, "changed": True}, ["w"])
    assert task_result(failure) == TaskResult(True, {**failed, "changed": True}, ())
    assert task_result(ApiError("No.", "not_converged")) == TaskResult(True, {**failed, "changed": False}, ())
    partial = OperationResult(False, {"a": 1, "msg": "sum"}, ["w"], failure)
    assert task_result(partial) == TaskResult(True, {"a": 1, **failed, "changed": False}, ["w"])


def test_spec_of_a_module_that_takes_lists():
    options = {
        "status": {"type": "str", "required": True, "choices": ["A"], "default": "A"},
        "tags": {"type": "list", "elements": "str"},
        "verify_timeout": {"type": "int", "default": 30},
    }
    spec = one_or_many_spec(options)
    item = spec["incidents"]["options"]
    assert set(item) == {"workspace_id", "source", "incident_id", "status", "tags"}
    # An item may omit what the task sets, and its defaults must not override the task's options.
    assert (item["status"], item["tags"]) == ({"type": "str", "choices": ["A"]}, options["tags"])
    assert (item["incident_id"]["required"], item["workspace_id"].get("required", False)) == (True, False)
    assert (spec["status"]["required"], spec["verify_timeout"]["default"]) == (True, 30)
