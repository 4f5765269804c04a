# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution of a task against a real server: for one incident, and for a list."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Mapping

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
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
SECRET = "s3cr3t-of-closer"
DEFINITION = ModuleDefinition(
    CONTRAFORCE_SERVICE, {}, set_incident_status, incidents(parse_options, set_incident_status), parse=parse_options
)


class Incidents(LoopbackServer):
    """Incidents that have a status, and identifiers of requests that tell which incident they were about."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__()
        self.first = list(replies)
        self.status: dict[tuple[str, str], str] = {}

    def answer(self, handler: Any) -> None:
        reply = self.first.pop(0) if self.first else self._reply(handler)
        self.script = [reply]
        super().answer(handler)

    def _reply(self, handler: Any) -> Reply:
        workspace, incident = re.findall(r"/workspaces/([^/]+)/incidents/Splunk/([^/?]+)", handler.path)[0]
        request_id = f"{incident}-{handler.command}"
        key = workspace.lower(), incident
        if handler.command == "PUT":
            body = next(seen.body for seen in reversed(self.seen) if seen.target == handler.path)
            self.status[key] = json.loads(body)["status"]
            return Reply(204, headers={"X-Request-Id": request_id})
        record = {"id": incident, "status": self.status.get(key, "New"), "classification": None}
        return Reply(body={"data": record, "meta": {"requestId": request_id}})

    @property
    def writes(self) -> int:
        """How many there were."""
        return sum(seen.method != "GET" for seen in self.seen)


@pytest.fixture
def server():
    """A server that ends with the test."""
    server = Incidents()
    yield server
    server.close()


@pytest.fixture
def connections():
    """Connections that end with the test."""
    connections = ConnectionPool()
    yield connections
    connections.close()


def options_of(server: LoopbackServer, *incident_ids: str, **more: Any) -> dict[str, Any]:
    """The options of a task for one incident, or a list of more or fewer."""
    given = {
        **{name: option.default for name, option in CONTRAFORCE_SERVICE.connection_options.items()},
        "url": server.url,
        "client_id": "closer",
        "client_secret": SECRET,
        "retry_timeout": 5,
        "workspace_id": WORKSPACE,
        "source": "Splunk",
        "status": "Active",
        "verify_timeout": 5,
        "concurrency": 4,
    }
    if len(incident_ids) == 1:
        return {**given, "incident_id": incident_ids[0], **more}
    return {**given, "incidents": [{"incident_id": incident_id} for incident_id in incident_ids], **more}


def context(connections: ConnectionPool, options: Mapping[str, Any], **settings: Any) -> ExecutionContext:
    secrets = SecretRegistry(CONTRAFORCE_SERVICE.connection_options, lambda: options)
    return ExecutionContext(
        **{"check_mode": False, "diff_mode": False, "secrets": secrets, "connections": connections, **settings}
    )


def run(
    connections: ConnectionPool,
    options: Mapping[str, Any],
    definition: ModuleDefinition[Any] = DEFINITION,
    **settings: Any,
) -> Any:
    return execute(definition, options, context(connections, options, **settings))


# --- one thing ------------------------------------------------------------------------------------------------------


def test_task_for_one_incident(server, connections):
    first, second = (run(connections, options_of(server, "42")) for _each in range(2))
    assert (first.changed, second.changed) == (True, False)
    assert [seen.method for seen in server.seen] == ["GET", "PUT", "GET", "GET"]
    assert first.values["request_ids"] == ["42-GET", "42-PUT"]
    assert second.values["request_ids"] == ["42-GET"]
    assert server.seen[0].headers["user-agent"] == f"secops.itsm/{VERSION}"
    # The session goes on to the next item of a loop.
    assert len({seen.peer for seen in server.seen}) == 1


def test_check_mode_never_writes(server, connections):
    result = run(connections, options_of(server, "42"), check_mode=True)
    assert (result.changed, server.writes) == (True, 0)

    def careless(api: Any, wanted: Any, how: Any) -> OperationResult:
        api.update_incident_status(wanted.key, {"status": "Active"})
        raise AssertionError("it was written")

    error = run(connections, options_of(server, "42"), replace(DEFINITION, operation=careless), check_mode=True)
    assert_message(error.message, "check mode")
    assert server.writes == 0


def test_error_of_the_service_is_returned(server, connections):
    server.first = [Reply(404)]
    error = run(connections, options_of(server, "42"))
    assert (error.category, server.writes) == ("not_found", 0)


def test_invalid_options_are_returned_as_errors(server, connections):
    assert run(connections, options_of(server, "42", client_secret=None)).category == "configuration"
    assert run(connections, options_of(server, "42", workspace_id="x")).category == "configuration"
    assert server.seen == []


def test_encoded_credentials_are_redacted(server, connections):
    options = options_of(server, "42")
    here = context(connections, options)
    execute(DEFINITION, options, here)
    pair = server.seen[0].headers["authorization"].split()[1]
    assert here.secrets.text(f"x {pair} {SECRET}") == f"x {MASK} {MASK}"


def test_messages_are_redacted_before_they_are_cut(server, connections):
    text = "x" * 290 + SECRET + "y" * 50
    server.first = [Reply(400, {"error": {"code": "BAD", "message": text}})]
    error = run(connections, options_of(server, "42"))
    assert SECRET[:6] not in error.message


@pytest.mark.parametrize("verify_timeout, expected", [(None, 0), (0, 0), (7, 7)])
def test_run_options_are_those_of_the_task(server, connections, verify_timeout, expected):
    seen: list[Any] = []
    definition = replace(
        DEFINITION, parse=dict, operation=lambda api, wanted, how: seen.append(how) or OperationResult(False, {})
    )
    options = options_of(server, "42")
    options["verify_timeout"] = verify_timeout
    run(connections, options, definition, check_mode=True)
    del options["verify_timeout"]
    run(connections, options, definition)
    assert [(how.check_mode, how.verify_timeout) for how in seen] == [(True, expected), (False, 0)]


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize("incident_ids", [("42",), ("42", "43")])
def test_waits_use_the_clock_of_the_context(server, connections, clock, status, incident_ids):
    server.first = [Reply(status, headers={"Retry-After": "3"})]
    clock.wait = lambda _condition, seconds: clock.sleep(seconds)
    run(connections, options_of(server, *incident_ids), clock=clock)
    assert 3 <= clock.time < 5


def test_definition_without_bulk_ignores_lists(server, connections):
    definition = ModuleDefinition(
        CONTRAFORCE_SERVICE, {}, lambda api, options, how: OperationResult(False, {"alone": True})
    )
    assert run(connections, options_of(server, "1", "2"), definition).values == {"alone": True}


def test_task_of_a_run_that_is_over_sends_nothing(server, connections):
    for names in (["42"], ["42", "43"]):
        error = run(connections, options_of(server, *names), is_over=lambda: True)
        assert_message(error.message, "run ended", "nothing was sent")
        assert (error.category, error.retryable, error.may_have_changed) == ("unavailable", True, False)
    assert server.seen == []


def test_list_ends_when_the_run_is_over(server, connections):
    result = run(connections, options_of(server, *"123", concurrency=1), is_over=lambda: server.writes > 0)
    assert [entry["failed"] for entry in result.values["results"]] == [False, True, True]
    # The entry in flight was read back.
    assert [seen.method for seen in server.seen] == ["GET", "PUT", "GET"]


# --- bugs -----------------------------------------------------------------------------------------------------------


def buggy(*_arguments: Any) -> OperationResult:
    raise KeyError(SECRET)


def test_bug_is_reported_with_its_place(server, connections):
    error = run(connections, options_of(server, "42"), replace(DEFINITION, operation=buggy))
    line = buggy.__code__.co_firstlineno + 1
    assert_message(
        error.message, f"secops.itsm {VERSION}", "bug", f"KeyError at test_execution.py:{line}", "incident 42", "report"
    )
    assert SECRET not in error.message
    assert (error.category, error.retryable) == ("internal", False)


def known_secret(*_arguments: Any) -> OperationResult:
    local = "a private value"
    raise KeyError(f"{SECRET} and {local[:1]}", "x" * 2 * MAX_MESSAGE)


@pytest.mark.parametrize("verbosity", range(5))
def test_traceback_is_redacted_and_shown_from_vvv_on(server, connections, verbosity):
    options = options_of(server, "42")
    definition = replace(DEFINITION, operation=known_secret)
    result = execute_redacted(definition, options, context(connections, options, verbosity=verbosity))
    assert (TRACEBACK in result.values) is (verbosity >= 3)
    assert SECRET not in str(result.values)
    assert "a private value" not in str(result.values)
    if verbosity >= 3:
        lines = result.values[TRACEBACK].splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert "in known_secret" in result.values[TRACEBACK]
        assert lines[-1].startswith(f"KeyError: ('{MASK} and a', 'xxx")
        assert len(lines[-1]) == len("KeyError: ") + MAX_MESSAGE


class UnprintableError(Exception):
    """An exception whose message cannot be built."""

    def __str__(self) -> str:
        raise ValueError


def test_traceback_of_an_exception_that_cannot_be_printed(server, connections):
    def operation(*_arguments: Any) -> OperationResult:
        raise UnprintableError

    options = options_of(server, "42")
    definition = replace(DEFINITION, operation=operation)
    result = execute_redacted(definition, options, context(connections, options, verbosity=3))
    assert result.values[TRACEBACK].endswith("UnprintableError: the message cannot be shown")


def test_list_shows_each_traceback_once_up_to_a_limit(server, connections):
    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        raise KeyError(f"{SECRET} {int(wanted.key.incident_id) // 2}")

    options = options_of(server, *map(str, range(12)), concurrency=1)
    definition = replace(DEFINITION, bulk=incidents(parse_options, operation))
    result = execute_redacted(definition, options, context(connections, options, verbosity=3))
    ends = [line for line in result.values[TRACEBACK].splitlines() if line.startswith("KeyError")]
    assert ends == [f"KeyError: '{MASK} {number}'" for number in range(MAX_TRACEBACKS)]


def test_traceback_of_a_result_that_cannot_be_processed(server, connections):
    nested: Any = SECRET
    for _level in range(5000):
        nested = [nested]
    options = options_of(server, "42")
    definition = replace(DEFINITION, operation=lambda api, options, how: OperationResult(True, {"x": nested}))
    result = execute_redacted(definition, options, context(connections, options, verbosity=3))
    assert "RecursionError: " in result.values[TRACEBACK]
    assert SECRET not in result.values[TRACEBACK]


def write_and_raise(error: Exception) -> ModuleDefinition[Any]:
    """Return a definition that sets the status and then raises an error."""

    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        api.update_incident_status(wanted.key, {"status": "Active"})
        raise error

    return replace(DEFINITION, operation=operation)


@pytest.mark.parametrize(
    "error", [KeyError(SECRET), RecursionError(), ApiError("Odd.", "contract")], ids=lambda error: type(error).__name__
)
def test_any_failure_after_a_write_reports_a_change(server, connections, error):
    end = run(connections, options_of(server, "42"), write_and_raise(error))
    assert (end.may_have_changed, task_result(end).values["changed"], server.writes) == (True, True, 1)


@pytest.mark.parametrize(
    "reply, changed",
    [
        (Reply(400), False),
        (Reply(409), False),
        (Reply(500), True),
        (Reply(drop=True), True),
        (Reply(body=b"{"), True),
    ],
    ids=["400", "409", "500", "dropped", "unreadable"],
)
def test_write_counts_unless_it_was_rejected(server, connections, reply, changed):
    server.first = [reply]

    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        with pytest.raises(ApiError):
            api.update_incident_status(wanted.key, {"status": "Active"})
        raise KeyError

    assert (
        run(connections, options_of(server, "42"), replace(DEFINITION, operation=operation)).may_have_changed is changed
    )


def test_rejection_does_not_hide_an_earlier_write(server, connections):
    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        api.update_incident_status(wanted.key, {"status": "Active"})
        server.first = [Reply(400)]
        api.update_incident_status(wanted.key, {"status": "Closed"})
        raise AssertionError

    error = run(connections, options_of(server, "42"), replace(DEFINITION, operation=operation))
    assert (error.category, error.may_have_changed) == ("validation", True)


def test_failed_result_after_a_write_reports_a_change(server, connections):
    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        api.update_incident_status(wanted.key, {"status": "Active"})
        return OperationResult(False, {}, failure=ApiError("Odd.", "contract"))

    assert run(connections, options_of(server, "42"), replace(DEFINITION, operation=operation)).changed


@pytest.mark.parametrize("action, data", [("link", {"isTicketSet": False}), ("unlink", False)])
def test_response_without_a_change_is_not_a_write(server, connections, action, data):
    server.first = [Reply(body={"data": data})]

    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        key = wanted.key
        api.link_ticket(key, "41877") if action == "link" else api.unlink_ticket(key)
        raise KeyError

    error = run(connections, options_of(server, "42"), replace(DEFINITION, operation=operation))
    assert (error.category, error.may_have_changed, server.writes) == ("internal", False, 1)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("changed", [False, True])
def test_unprocessable_result_reports_its_change(server, connections, changed, check_mode):
    nested: Any = "x"
    for _level in range(5000):
        nested = [nested]
    options = options_of(server, "42")
    definition = replace(DEFINITION, operation=lambda api, options, how: OperationResult(changed, {"x": nested}))
    end = execute_redacted(definition, options, context(connections, options, check_mode=check_mode))
    assert (end.failed, end.values["changed"]) == (True, changed and not check_mode)
    assert end.values["error"]["category"] == "internal"
    assert_message(end.values["msg"], "bug", "RecursionError at redactor.py")


@pytest.mark.parametrize("levels, category", [(95, None), (99, "contract"), (5000, "contract")])
def test_deeply_nested_response_after_a_write(server, connections, levels, category):
    nested = '{"data": {"id": "42", "status": "Active", "x": ' + "[" * levels + "]" * levels + "}}"
    before = Reply(body={"data": {"id": "42", "status": "New"}})
    server.first = [before, Reply(204), *[Reply(body=nested.encode()) for _each in range(9)]]
    options = options_of(server, "42", verify_timeout=1)
    end = execute_redacted(DEFINITION, options, context(connections, options))
    assert (end.failed, end.values["changed"]) == (category is not None, True)
    if category:
        assert end.values["error"]["category"] == category
        assert_message(end.values["msg"], "ContraForce", "JSON", "too deep")


def test_bug_in_a_library_names_the_place_in_the_collection():
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    error = internal_error(caught.value, ("incident", "incident_id"), {"incident_id": None})
    assert "ValueError" not in error.message
    assert_message(error.message, "bug", "JSONDecodeError at test_execution.py", "what the task was about")


def test_passthrough_exceptions_are_not_caught(server, connections):
    class OutOfTimeError(Exception):
        """A task's time is over."""

    def slow(*_arguments: Any) -> OperationResult:
        raise OutOfTimeError

    definition = replace(DEFINITION, operation=slow)
    with pytest.raises(OutOfTimeError):
        run(connections, options_of(server, "42"), definition, passthrough_exceptions=(OutOfTimeError,))
    assert run(connections, options_of(server, "42"), definition).category == "internal"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_exceptions_that_end_the_process_are_not_caught(server, connections, kind):
    def ended(*_arguments: Any) -> OperationResult:
        raise kind

    with pytest.raises(kind):
        run(connections, options_of(server, "42"), replace(DEFINITION, operation=ended))


# --- a list ---------------------------------------------------------------------------------------------------------


def test_task_for_a_list(server, connections):
    names = [str(number) for number in range(10)]
    first = run(connections, options_of(server, *names))
    assert first.failure is None
    assert all(has_fact(first.values["msg"], fact) for fact in ("10 changed", "0 ok", "0 failed"))
    assert [entry["incident_id"] for entry in first.values["results"]] == names
    assert {entry["workspace_id"] for entry in first.values["results"]} == {WORKSPACE}
    # Each entry tells its own requests.
    for name, entry in zip(names, first.values["results"]):
        assert entry["request_ids"] == [f"{name}-GET", f"{name}-PUT"]
        assert "incident" not in entry
    assert len(server.seen) == 30
    assert len({seen.peer for seen in server.seen}) <= 4
    server.seen.clear()
    second = run(connections, options_of(server, *names))
    assert all(has_fact(second.values["msg"], fact) for fact in ("0 changed", "10 ok", "0 failed"))
    assert [seen.method for seen in server.seen] == ["GET"] * 10


def test_connections_are_closed_after_the_list(server, connections):
    options = options_of(server, "1", "2", "3")
    run(connections, options)
    sessions = connections.open(CONTRAFORCE_SERVICE, options, "").sessions
    assert sessions._opened == []
    # The line stays, with its credentials, for the next item of a loop.
    assert run(connections, options).failure is None


def test_connections_are_closed_if_the_list_does_not_start(server, connections):
    def broken(api: Any, entries: Any) -> Any:
        api.incident(parse_options(entries[0]).key)
        raise ApiError("The catalog could not be read.", "unavailable")

    assert DEFINITION.bulk is not None
    options = options_of(server, "1", "2")
    error = run(connections, options, replace(DEFINITION, bulk=replace(DEFINITION.bulk, parse_items=broken)))
    assert str(error) == "The catalog could not be read."
    assert connections.open(CONTRAFORCE_SERVICE, options, "").sessions._opened == []


def test_empty_list_sends_nothing(server, connections):
    result = run(connections, options_of(server))
    assert (result.changed, result.values["results"], server.seen) == (False, [], [])


def test_list_in_check_mode_never_writes(server, connections):
    result = run(connections, options_of(server, "1", "2"), check_mode=True)
    assert (result.values["summary"]["changed"], server.writes) == (2, 0)
    assert all(has_fact(result.values["msg"], fact) for fact in ("2 would change", "0 ok", "0 failed"))


@pytest.mark.parametrize("diff_mode", [False, True])
def test_diff_only_in_diff_mode(server, connections, diff_mode):
    result = run(connections, options_of(server, "1", "2"), diff_mode=diff_mode)
    assert ("diff" in result.values) is diff_mode


def test_progress_is_reported(server, connections, monkeypatch):
    monkeypatch.setattr(worker_pool, "CHECK_INTERVAL", 0.005)
    server.first = [Reply(401, delay=0.1)]
    told: list[str] = []
    progress = Progress(0.001, lambda noun, counts, seconds: told.append(f"{noun} {counts.done}/{counts.total}"))
    run(connections, options_of(server, "1", "2"), progress=progress)
    assert told
    assert set(told) <= {"incident 0/2", "incident 1/2"}


@pytest.mark.parametrize("concurrency", [0, 33])
def test_concurrency_out_of_range_is_rejected(server, connections, concurrency):
    error = run(connections, options_of(server, "1", "2", concurrency=concurrency))
    assert (error.category, server.seen) == ("configuration", [])


def test_429_holds_the_whole_list(server, connections):
    server.first = [Reply(429, headers={"Retry-After": "0"}) for _each in range(2)]
    result = run(connections, options_of(server, "1", "2", "3"))
    assert all(has_fact(result.values["msg"], fact) for fact in ("3 changed", "0 ok", "0 failed"))
    assert len(server.seen) == 11


def test_retry_after_beyond_the_timeout_gets_one_request(server, connections):
    server.first = [Reply(429, headers={"Retry-After": "3600"})]
    result = run(connections, options_of(server, *"123456789"))
    assert result.values["summary"]["failed"] == 9
    assert {entry["error"]["category"] for entry in result.values["results"]} == {"rate_limited"}
    assert result.failure.retryable
    assert len(server.seen) == 1


def test_bug_in_one_item_names_that_item(server, connections):
    def sometimes(api: Any, wanted: Any, how: Any) -> OperationResult:
        if wanted.key.incident_id == "2":
            raise KeyError(SECRET)
        return OperationResult(False, {})

    result = run(
        connections, options_of(server, "1", "2", "3"), replace(DEFINITION, bulk=incidents(parse_options, sometimes))
    )
    assert [entry["failed"] for entry in result.values["results"]] == [False, True, False]
    assert_message(result.values["results"][1]["msg"], "KeyError at test_execution.py", "incident 2")
    assert not result.changed


def test_bug_after_the_write_of_an_item_reports_a_change(server, connections):
    def operation(api: Any, wanted: Any, how: Any) -> OperationResult:
        if wanted.key.incident_id == "2":
            api.update_incident_status(wanted.key, {"status": "Active"})
        raise KeyError(SECRET)

    result = run(
        connections, options_of(server, "1", "2", "3"), replace(DEFINITION, bulk=incidents(parse_options, operation))
    )
    assert [entry["changed"] for entry in result.values["results"]] == [False, True, False]
    assert task_result(result).values["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_bug_after_all_items_reports_their_changes(server, connections, monkeypatch, check_mode):
    monkeypatch.setattr(bulk, "summarize", buggy)
    error = run(connections, options_of(server, "1", "2"), check_mode=check_mode)
    assert (error.category, error.may_have_changed) == ("internal", not check_mode)


def test_item_options_override_those_of_the_task(server, connections):
    other = "5f0c8f9e-1111-4222-8333-444455556666"
    entries = [
        {"incident_id": "1", "status": "Closed", "source": ""},
        {"incident_id": "2", "workspace_id": other},
        {"incident_id": "1", "workspace_id": other.upper(), "source": "splunk"},
        {"incident_id": "2", "workspace_id": other.upper(), "source": "splunk"},
    ]
    result = run(connections, {**options_of(server), "incidents": entries})
    assert result.values["summary"] == {"total": 3, "changed": 3, "ok": 0, "failed": 0, "duplicates": 1}
    assert result.values["results"][3]["duplicate_of"] == 1
    puts = {(seen.target, json.loads(seen.body)["status"]) for seen in server.seen if seen.method == "PUT"}
    assert len(puts) == 3
    assert [status for target, status in puts if f"/{WORKSPACE}/" in target] == ["Closed"]


# --- the end of a task ----------------------------------------------------------------------------------------------


def test_task_result():
    failure = ApiError("No.", "not_converged", may_have_changed=True)
    assert task_result(OperationResult(True, {"a": 1}, ["w"])) == TaskResult(False, {"a": 1, "changed": True}, ["w"])
    assert task_result(OperationResult(False, {})) == TaskResult(False, {"changed": False}, [])
    told = {"msg": "No.", "error": failure.as_dict()}
    assert task_result(failure) == TaskResult(True, {**told, "changed": True}, ())
    assert task_result(ApiError("No.", "not_converged")) == TaskResult(True, {**told, "changed": False}, ())
    partly = OperationResult(False, {"a": 1, "msg": "sum"}, ["w"], failure)
    assert task_result(partly) == TaskResult(True, {"a": 1, **told, "changed": False}, ["w"])


def test_version_has_three_parts():
    assert VERSION.count(".") == 2


def test_spec_of_a_module_that_takes_lists():
    spec = one_or_many_spec(
        {
            "status": {"type": "str", "required": True, "choices": ["A"], "default": "A"},
            "tags": {"type": "list", "elements": "str"},
            "verify_timeout": {"type": "int", "default": 30},
        }
    )
    entry = spec["incidents"]["options"]
    assert set(entry) == {"workspace_id", "source", "incident_id", "status", "tags"}
    # What the task gives must not be asked for again, nor be put back by a default.
    assert entry["status"] == {"type": "str", "choices": ["A"]}
    assert entry["tags"] == {"type": "list", "elements": "str"}
    assert entry["incident_id"]["required"] is True
    assert not entry["workspace_id"].get("required")
    assert spec["status"]["required"] is True
    assert (spec["concurrency"]["default"], spec["verify_timeout"]["default"]) == (8, 30)
