# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job makes of a task, against a real server: one thing, and a list of them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import job as job_module
from ansible_collections.secops.itsm.plugins.module_utils import many as many_module
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_status import (
    bring_to_status,
    set_incident_status,
    wanted_from,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import (
    CONTRAFORCE_SERVICE,
    incidents,
    one_or_many_spec,
)
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.job import (
    VERSION,
    Ending,
    Job,
    Shell,
    ending,
    internal_error,
    perform,
)
from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.many import Progress
from ansible_collections.secops.itsm.plugins.module_utils.redact import MASK
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
SECRET = "s3cr3t-of-closer"
JOB = Job(CONTRAFORCE_SERVICE, {}, set_incident_status, incidents(wanted_from, bring_to_status))


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
def lines():
    """Connections that end with the test."""
    lines = Lines()
    yield lines
    lines.close()


def options_of(server: LoopbackServer, *incident_ids: str, **more: Any) -> dict[str, Any]:
    """The options of a task for one incident, or a list of more or fewer."""
    given = {
        **{name: option.default for name, option in CONTRAFORCE_SERVICE.table.items()},
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


def shell(lines: Lines, options: Mapping[str, Any], **settings: Any) -> Shell:
    secrecy = Secrecy(CONTRAFORCE_SERVICE.table, lambda: options)
    return Shell(**{"check_mode": False, "diff_mode": False, "secrecy": secrecy, "lines": lines, **settings})


def run(lines: Lines, options: Mapping[str, Any], job: Job[Any] = JOB, **settings: Any) -> Any:
    return perform(job, options, shell(lines, options, **settings))


# --- one thing ------------------------------------------------------------------------------------------------------


def test_one_thing(server, lines):
    first, second = (run(lines, options_of(server, "42")) for _each in range(2))
    assert (first.changed, second.changed) == (True, False)
    assert [seen.method for seen in server.seen] == ["GET", "PUT", "GET", "GET"]
    assert first.values["request_ids"] == ["42-GET", "42-PUT"]
    assert second.values["request_ids"] == ["42-GET"]
    assert server.seen[0].headers["user-agent"] == f"secops.itsm/{VERSION}"
    # The session goes on to the next item of a loop.
    assert len({seen.peer for seen in server.seen}) == 1


def test_check_mode_never_writes(server, lines):
    result = run(lines, options_of(server, "42"), check_mode=True)
    assert (result.changed, server.writes) == (True, 0)

    def careless(api: Any, options: Mapping[str, Any], how: Any) -> Result:
        api.update_incident_status(wanted_from(options).key, {"status": "Active"})
        raise AssertionError("it was written")

    error = run(lines, options_of(server, "42"), replace(JOB, operation=careless), check_mode=True)
    assert "check mode only reads" in error.message
    assert server.writes == 0


def test_a_refusal_comes_back_as_what_it_is(server, lines):
    server.first = [Reply(404)]
    error = run(lines, options_of(server, "42"))
    assert (error.category, server.writes) == ("not_found", 0)


def test_wrong_options_come_back_as_what_they_are(server, lines):
    assert run(lines, options_of(server, "42", client_secret=None)).category == "configuration"
    assert run(lines, options_of(server, "42", workspace_id="x")).category == "configuration"
    assert server.seen == []


def test_what_is_sent_for_the_credentials_is_known_as_a_secret(server, lines):
    options = options_of(server, "42")
    here = shell(lines, options)
    perform(JOB, options, here)
    pair = server.seen[0].headers["authorization"].split()[1]
    assert here.secrecy.text(f"x {pair} {SECRET}") == f"x {MASK} {MASK}"


def test_words_of_the_service_are_masked_before_they_are_cut(server, lines):
    text = "x" * 290 + SECRET + "y" * 50
    server.first = [Reply(400, {"error": {"code": "BAD", "message": text}})]
    error = run(lines, options_of(server, "42"))
    assert SECRET[:6] not in error.message


@pytest.mark.parametrize("verify_timeout, expected", [(None, 0), (0, 0), (7, 7)])
def test_how_the_run_is_to_go(server, lines, verify_timeout, expected):
    seen: list[Any] = []
    job = replace(JOB, operation=lambda api, options, how: seen.append(how) or Result(False, {}))
    options = options_of(server, "42")
    options["verify_timeout"] = verify_timeout
    run(lines, options, job, check_mode=True)
    del options["verify_timeout"]
    run(lines, options, job)
    assert [(how.check_mode, how.verify_timeout) for how in seen] == [(True, expected), (False, 0)]


def test_a_job_without_lists_takes_none(server, lines):
    job = replace(JOB, many=None, operation=lambda api, options, how: Result(False, {"alone": True}))
    assert run(lines, options_of(server, "1", "2"), job).values == {"alone": True}


# --- bugs -----------------------------------------------------------------------------------------------------------


def buggy(*_arguments: Any) -> Result:
    raise KeyError(SECRET)


def test_a_bug_is_one_sentence_with_its_place(server, lines):
    error = run(lines, options_of(server, "42"), replace(JOB, operation=buggy))
    line = buggy.__code__.co_firstlineno + 1
    assert error.message == (
        f"secops.itsm {VERSION} has a bug: KeyError at test_job.py:{line}. Look at incident 42 before you run the task "
        "again, and report this line to the maintainers."
    )
    assert (error.category, error.retryable) == ("internal", False)


def test_a_bug_below_is_told_with_the_place_in_the_collection():
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    error = internal_error(caught.value, ("incident", "incident_id"), {"incident_id": None})
    assert "ValueError" not in error.message
    assert "JSONDecodeError at test_job.py:" in error.message
    assert "Look at what the task was about before" in error.message


def test_what_the_shell_raises_for_itself_passes(server, lines):
    class OutOfTimeError(Exception):
        """A task's time is over."""

    def slow(*_arguments: Any) -> Result:
        raise OutOfTimeError

    job = replace(JOB, operation=slow)
    with pytest.raises(OutOfTimeError):
        run(lines, options_of(server, "42"), job, passing=(OutOfTimeError,))
    assert run(lines, options_of(server, "42"), job).category == "internal"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_passes(server, lines, kind):
    def ended(*_arguments: Any) -> Result:
        raise kind

    with pytest.raises(kind):
        run(lines, options_of(server, "42"), replace(JOB, operation=ended))


# --- a list ---------------------------------------------------------------------------------------------------------


def test_a_list(server, lines):
    names = [str(number) for number in range(10)]
    first = run(lines, options_of(server, *names))
    assert first.failure is None
    assert first.values["msg"] == "10 changed, 0 ok, 0 failed"
    assert [entry["incident_id"] for entry in first.values["results"]] == names
    assert {entry["workspace_id"] for entry in first.values["results"]} == {WORKSPACE}
    # Each entry tells its own requests.
    for name, entry in zip(names, first.values["results"]):
        assert entry["request_ids"] == [f"{name}-GET", f"{name}-PUT"]
        assert "incident" not in entry
    assert len(server.seen) == 30
    assert len({seen.peer for seen in server.seen}) <= 4
    server.seen.clear()
    second = run(lines, options_of(server, *names))
    assert second.values["msg"] == "0 changed, 10 ok, 0 failed"
    assert [seen.method for seen in server.seen] == ["GET"] * 10


def test_connections_of_the_workers_end_with_the_list(server, lines):
    options = options_of(server, "1", "2", "3")
    run(lines, options)
    sessions = lines.open(CONTRAFORCE_SERVICE, options, "").sessions
    assert sessions._opened == []
    # The line stays, with its credentials, for the next item of a loop.
    assert run(lines, options).failure is None


def test_connections_end_also_if_the_list_does_not_begin(server, lines):
    def broken(api: Any, entries: Any) -> Any:
        api.incident(wanted_from(entries[0]).key)
        raise ApiError("The catalog could not be read.", "unavailable")

    assert JOB.many is not None
    options = options_of(server, "1", "2")
    error = run(lines, options, replace(JOB, many=replace(JOB.many, entries=broken)))
    assert str(error) == "The catalog could not be read."
    assert lines.open(CONTRAFORCE_SERVICE, options, "").sessions._opened == []


def test_a_list_without_entries_sends_nothing(server, lines):
    result = run(lines, options_of(server))
    assert (result.changed, result.values["results"], server.seen) == (False, [], [])


def test_a_list_in_check_mode_never_writes(server, lines):
    result = run(lines, options_of(server, "1", "2"), check_mode=True)
    assert (result.values["summary"]["changed"], server.writes) == (2, 0)


@pytest.mark.parametrize("diff_mode", [False, True])
def test_differences_only_if_they_are_asked_for(server, lines, diff_mode):
    result = run(lines, options_of(server, "1", "2"), diff_mode=diff_mode)
    assert ("diff" in result.values) is diff_mode


def test_progress_reaches_who_wants_to_know(server, lines, monkeypatch):
    monkeypatch.setattr(many_module, "LONGEST_SILENCE", 0.005)
    server.first = [Reply(401, delay=0.1)]
    told: list[str] = []
    progress = Progress(0.001, lambda noun, counts, seconds: told.append(f"{noun} {counts.done}/{counts.total}"))
    run(lines, options_of(server, "1", "2"), progress=progress)
    assert told
    assert set(told) <= {"incident 0/2", "incident 1/2"}


@pytest.mark.parametrize("concurrency", [0, 33])
def test_concurrency_has_bounds(server, lines, concurrency):
    error = run(lines, options_of(server, "1", "2", concurrency=concurrency))
    assert (error.category, server.seen) == ("configuration", [])


def test_a_refusal_for_too_many_requests_holds_the_whole_list(server, lines):
    server.first = [Reply(429, headers={"Retry-After": "0"}) for _each in range(2)]
    result = run(lines, options_of(server, "1", "2", "3"))
    assert result.values["msg"] == "3 changed, 0 ok, 0 failed"
    assert len(server.seen) == 11


def test_a_service_that_asks_for_more_time_than_there_is_gets_one_request(server, lines):
    server.first = [Reply(429, headers={"Retry-After": "3600"})]
    result = run(lines, options_of(server, *"123456789"))
    assert result.values["summary"]["failed"] == 9
    assert {entry["error"]["category"] for entry in result.values["results"]} == {"rate_limited"}
    assert result.failure.retryable
    assert len(server.seen) == 1


def test_a_bug_in_one_entry_names_that_entry(server, lines):
    def sometimes(api: Any, wanted: Any, how: Any) -> Result:
        if wanted.key.incident_id == "2":
            raise KeyError(SECRET)
        return Result(False, {})

    result = run(lines, options_of(server, "1", "2", "3"), replace(JOB, many=incidents(wanted_from, sometimes)))
    assert [entry["failed"] for entry in result.values["results"]] == [False, True, False]
    assert "KeyError at test_job.py" in result.values["results"][1]["msg"]
    assert "Look at incident 2 before" in result.values["results"][1]["msg"]


def test_entries_go_before_the_task(server, lines):
    other = "5f0c8f9e-1111-4222-8333-444455556666"
    entries = [
        {"incident_id": "1", "status": "Closed", "source": ""},
        {"incident_id": "2", "workspace_id": other},
        {"incident_id": "1", "workspace_id": other.upper(), "source": "splunk"},
        {"incident_id": "2", "workspace_id": other.upper(), "source": "splunk"},
    ]
    result = run(lines, {**options_of(server), "incidents": entries})
    assert result.values["summary"] == {"total": 3, "changed": 3, "ok": 0, "failed": 0, "duplicates": 1}
    assert result.values["results"][3]["duplicate_of"] == 1
    puts = {(seen.target, json.loads(seen.body)["status"]) for seen in server.seen if seen.method == "PUT"}
    assert len(puts) == 3
    assert [status for target, status in puts if f"/{WORKSPACE}/" in target] == ["Closed"]


# --- the end of a task ----------------------------------------------------------------------------------------------


def test_how_a_task_ends():
    failure = ApiError("No.", "not_converged", wrote=True)
    assert ending(Result(True, {"a": 1}, ["w"])) == Ending(False, {"a": 1, "changed": True}, ["w"])
    assert ending(Result(False, {})) == Ending(False, {"changed": False}, [])
    told = {"msg": "No.", "error": failure.as_dict()}
    assert ending(failure) == Ending(True, {**told, "changed": True}, ())
    assert ending(ApiError("No.", "not_converged")) == Ending(True, {**told, "changed": False}, ())
    partly = Result(False, {"a": 1, "msg": "sum"}, ["w"], failure)
    assert ending(partly) == Ending(True, {"a": 1, **told, "changed": False}, ["w"])


def test_the_version_is_that_of_the_collection():
    assert job_module.VERSION.count(".") == 2


def test_options_of_a_module_that_takes_lists():
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
