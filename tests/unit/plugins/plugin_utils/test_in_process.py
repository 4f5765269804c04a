# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job inside the controller's process ends as the module of the same job does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Iterator, Mapping

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.many import Counts
from ansible_collections.secops.itsm.plugins.module_utils.redact import MASK
from ansible_collections.secops.itsm.plugins.plugin_utils import in_process
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import (
    ENVIRONMENT,
    PROGRESS_VARIABLE,
    VARIABLE,
    InProcessAction,
    names_another_python,
    run_here,
    tell,
)
from ansible_collections.secops.itsm.tests.unit.loopback import Reply
from ansible_collections.secops.itsm.tests.unit.plugins.plugin_utils import jobs
from ansible_collections.secops.itsm.tests.unit.plugins.plugin_utils.jobs import SECRET

ACCOUNT: Mapping[str, Any] = {"client_id": "closer", "client_secret": SECRET}
WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"


# --- both ways ------------------------------------------------------------------------------------------------------


@pytest.fixture
def lines():
    """Connections that end with the test."""
    lines = Lines()
    yield lines
    lines.close()


@pytest.fixture
def here(lines) -> Callable[..., dict[str, Any]]:
    """Run a job in this process."""

    def run(job: str, arguments: Mapping[str, Any], check_mode: bool = False, diff: bool = False) -> dict[str, Any]:
        settings = {"check_mode": check_mode, "diff_mode": diff, "lines": lines}
        return run_here(jobs.JOBS[job], jobs.NAME, json.loads(json.dumps(arguments)), settings)

    return run


@pytest.fixture(scope="module")
def modules() -> Iterator[subprocess.Popen[str]]:
    """A process that runs modules."""
    root = str(Path(in_process.__file__).parents[5])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}
    process = subprocess.Popen(
        [sys.executable, jobs.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    with process:
        yield process
        process.kill()


@pytest.fixture
def as_module(modules) -> Callable[..., dict[str, Any]]:
    """Run a job as Ansible's ordinary module, up to what it prints."""

    def run(job: str, arguments: Mapping[str, Any], check_mode: bool = False, diff: bool = False) -> dict[str, Any]:
        case = {"job": job, "arguments": arguments, "check_mode": check_mode, "diff": diff}
        modules.stdin.write(json.dumps({**case, "environment": dict(os.environ)}) + "\n")
        modules.stdin.flush()
        return json.loads(modules.stdout.readline())

    return run


@pytest.fixture
def both(here, as_module) -> Callable[..., dict[str, Any]]:
    """Run a job both ways, and give the result if it is the same."""

    def run(job: str, arguments: Mapping[str, Any], **how: bool) -> dict[str, Any]:
        inside, outside = here(job, arguments, **how), as_module(job, arguments, **how)
        assert inside.pop("failed") is outside.pop("failed", False)
        # Newer versions of Ansible keep private things beside a module's result.
        outside = {name: value for name, value in outside.items() if not name.startswith("_ansible_")}
        # Ansible adds it to any result without one.
        outside.setdefault("changed", False)
        assert without_kinds(inside) == without_kinds(outside)
        return inside

    return run


def words_of(entry: Any) -> str:
    """What a warning or deprecation says, however this version of Ansible wraps it."""
    return entry if isinstance(entry, str) else str(entry["event"]["msg"] if "event" in entry else entry["msg"])


def without_kinds(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result as JSON, with what every version of Ansible tells of its warnings and deprecations."""
    plain = json.loads(json.dumps(result))
    if "warnings" in plain:
        plain["warnings"] = [words_of(entry) for entry in plain["warnings"]]
    if "deprecations" in plain:
        plain["deprecations"] = [
            (words_of(entry), entry.get("version"), entry.get("date")) for entry in plain["deprecations"]
        ]
    return plain


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_success_is_the_same(both, check_mode):
    result = both("small", {**ACCOUNT, "name": "x", "size": "7"}, check_mode=check_mode)
    assert (result["changed"], result["check_mode"], result["size"]) == (not check_mode, check_mode, 7)
    assert result["warnings"] == [f"Mind {MASK}.", "Mind the gap."]
    assert result["record"] == {MASK: [MASK]}
    # The collection's own keys stay.
    assert result["diff"] == {"before": {"changed": "old"}, "after": {"changed": MASK}}
    assert result["invocation"]["module_args"]["client_secret"] == MASK
    assert result["invocation"]["module_args"]["url"].startswith("https://")


@pytest.mark.parametrize("name, category", [("refused", "validation"), ("half", "not_converged"), ("bug", "internal")])
def test_a_failure_is_the_same(both, name, category):
    result = both("small", {**ACCOUNT, "name": name})
    assert result["error"]["category"] == category
    assert result["changed"] is (name == "half")
    assert SECRET not in json.dumps(result)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "one of the following is required: name, things"),
        ({"name": "x", "things": []}, "parameters are mutually exclusive: name|things"),
        ({"name": "x", "size": "many"}, "argument 'size' is of type"),
        ({"name": "x", "level": "middle"}, "value of level must be one of: low, high, got: middle"),
        (
            {"name": "x", "sise": 1},
            f"Unsupported parameters for ({jobs.NAME}) module: sise. Supported parameters include",
        ),
        ({"things": [{"name": "x", "sise": 1}]}, f"Unsupported parameters for ({jobs.NAME}) module: things.sise."),
        ({"things": [{"size": 1}]}, "missing required arguments: name found in things"),
        ({"things": [1]}, "things"),
        ({"name": "x", "sise": SECRET}, f"Unsupported parameters for ({jobs.NAME}) module: sise."),
        ({"name": "x", "level": SECRET}, f"must be one of: low, high, got: {MASK}"),
        ({"name": "x", "level": SECRET, "sise": 1}, "level"),
        ({"name": "x", "timeout": "long"}, "timeout"),
        ({"name": "x", "url": "https://me:p4ss@portal.example", "sise": 1}, "sise"),
    ],
    ids=str,
)
def test_arguments_that_are_refused_are_told_the_same(both, arguments, words):
    result = both("small", {**ACCOUNT, **arguments})
    assert words in result["msg"]
    assert (result["changed"], result["error"]["category"]) == (False, "configuration")
    assert SECRET not in json.dumps(result)
    assert "p4ss" not in json.dumps(result)


@pytest.mark.parametrize(
    "arguments",
    [{"client_secret": None}, {"url": "https://me:p4ss@portal.example"}, {"proxy": "proxy.example"}],
    ids=str,
)
def test_a_connection_that_is_refused_is_told_the_same(both, arguments):
    result = both("small", {**ACCOUNT, "name": "x", **arguments})
    assert result["error"]["category"] == "configuration"
    assert "p4ss" not in json.dumps(result)


def test_an_option_and_its_alias_are_warned_of_the_same(both):
    result = both("small", {**ACCOUNT, "name": "x", "title": "y"})
    assert "Both option name and its alias title are set." in result["warnings"]


def test_without_anything_to_warn_of_there_are_no_warnings(both):
    assert set(both("quiet", {**ACCOUNT, "name": "x"})) == {"changed", "invocation"}


def test_an_alias_is_as_good_as_the_option(both):
    assert both("small", {**ACCOUNT, "title": "x"})["invocation"]["module_args"]["name"] == "x"


def test_deprecations_are_told_the_same(both):
    result = both("aging", {**ACCOUNT, "heading": "x", "old": "1", "older": "2"})
    told = {(entry["msg"].split(".")[0], entry.get("version"), entry.get("date")) for entry in result["deprecations"]}
    assert told == {
        ("Alias 'heading' is deprecated", "9.0.0", None),
        ("Param 'old' is deprecated", "9.0.0", None),
        ("Param 'older' is deprecated", None, "2030-01-01"),
    }
    assert {entry["collection_name"] for entry in result["deprecations"]} == {"secops.itsm"}


@pytest.mark.parametrize("diff", [False, True])
def test_a_list_is_the_same(both, diff):
    spec = {**ACCOUNT, "things": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}
    result = both("small", spec, diff=diff)
    assert [entry["name"] for entry in result["results"]] == ["a", "b", "a"]
    assert ("diff" in result) is diff
    assert SECRET not in json.dumps(result)


def test_a_list_with_failures_is_the_same(both):
    things = [{"name": name} for name in ("a", "refused", "half", "b")]
    result = both("small", {**ACCOUNT, "things": things})
    assert [entry["failed"] for entry in result["results"]] == [False, True, True, False]
    assert result["msg"].startswith("2 changed, 0 ok, 2 failed: ")
    assert SECRET not in json.dumps(result)


def test_defaults_of_the_environment_are_taken_by_both(both, monkeypatch):
    monkeypatch.setenv("CONTRAFORCE_CLIENT_ID", "closer")
    monkeypatch.setenv("CONTRAFORCE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("CONTRAFORCE_URL", "")
    result = both("small", {"name": "x"})
    assert result["invocation"]["module_args"]["client_id"] == "closer"
    assert result["invocation"]["module_args"]["url"].startswith("https://portal.contraforce.com")
    assert SECRET not in json.dumps(result)


# --- a real module against a server ---------------------------------------------------------------------------------


def incident(status: str) -> Reply:
    record = {"id": "1", "status": status, "classification": None}
    return Reply(body={"data": record, "meta": {"requestId": f"r-{status}"}})


def arguments(url: str, **more: Any) -> dict[str, Any]:
    named = {"workspace_id": WORKSPACE, "source": "Splunk", "incident_id": "1", "status": "Active"}
    return {"url": url, **ACCOUNT, **named, **more}


SCRIPTS: Mapping[str, list[Reply]] = {
    "ok": [incident("Active")],
    "changed": [incident("New"), Reply(204), incident("Active")],
    "not found": [Reply(404, {"error": {"code": "NOT_FOUND", "message": f"No incident of {SECRET}"}})],
    "refused": [Reply(401)],
    "odd": [Reply(200, b"<html>")],
}


@pytest.mark.parametrize("diff", [False, True])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_module_does_the_same(here, as_module, serve, name, diff):
    inside_server, outside_server = serve(*SCRIPTS[name]), serve(*SCRIPTS[name])
    inside = here("status", arguments(inside_server.url), diff=diff)
    outside = as_module("status", arguments(outside_server.url), diff=diff)
    outside = {name: value for name, value in outside.items() if not name.startswith("_ansible_")}
    assert inside.pop("failed") is outside.pop("failed", False)
    for result in (inside, outside):
        assert result["invocation"]["module_args"].pop("url")
    assert inside == outside
    assert SECRET not in json.dumps(inside)
    assert [(seen.method, seen.target) for seen in inside_server.seen] == [
        (seen.method, seen.target) for seen in outside_server.seen
    ]
    assert inside_server.seen[0].headers == {**outside_server.seen[0].headers, "host": inside_server.url[7:]}


def test_check_mode_writes_nothing(here, serve):
    server = serve(incident("New"))
    result = here("status", arguments(server.url), check_mode=True)
    assert (result["changed"], [seen.method for seen in server.seen]) == (True, ["GET"])


def test_items_of_a_loop_share_one_connection(here, serve):
    server = serve(incident("Active"))
    for number in range(3):
        assert here("status", arguments(server.url, incident_id=str(number)))["changed"] is False
    assert len({seen.peer for seen in server.seen}) == 1
    here("status", arguments(server.url, client_secret="another-secret"))
    assert len({seen.peer for seen in server.seen}) == 2
    assert server.seen[-1].headers["authorization"] != server.seen[0].headers["authorization"]


# --- the environment ------------------------------------------------------------------------------------------------


def test_the_environment_of_the_task_is_there_and_gone_afterwards(monkeypatch):
    monkeypatch.setenv("ITSM_OLD", "before")
    monkeypatch.delenv("ITSM_NEW", raising=False)
    before = dict(os.environ)
    with in_process._within({"ITSM_OLD": "during", "ITSM_NEW": "during"}):
        assert (os.environ["ITSM_OLD"], os.environ["ITSM_NEW"]) == ("during", "during")
    assert dict(os.environ) == before


def test_the_environment_is_as_before_after_an_exception(monkeypatch):
    before = dict(os.environ)
    with pytest.raises(KeyError), in_process._within({"ITSM_NEW": "during"}):
        raise KeyError
    assert dict(os.environ) == before


def test_an_environment_that_cannot_be_set_leaves_nothing_behind():
    before = dict(os.environ)
    with pytest.raises(ValueError, match="null"), in_process._within({"ITSM_NEW": "1", "ITSM_ODD": "a\0b"}):
        pass
    assert dict(os.environ) == before


# --- the interpreter ------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A Python with its links, a virtual environment of it, and another one."""
    for folder in ("usr", "venv", "other"):
        (tmp_path / folder).mkdir()
    (tmp_path / "usr/python3.11").touch()
    (tmp_path / "other/python3").touch()
    (tmp_path / "usr/python3").symlink_to("python3.11")
    (tmp_path / "usr/python").symlink_to("python3")
    (tmp_path / "venv/python3").symlink_to(tmp_path / "usr/python3.11")
    (tmp_path / "venv/python").symlink_to("python3")
    return tmp_path


@pytest.mark.parametrize(
    "asked, own, is_another",
    [
        ("usr/python3.11", "usr/python3.11", False),
        ("usr/python", "usr/python3.11", False),
        ("usr/python3.11", "usr/python", False),
        (" usr/python3 ", "usr/python", False),
        ("usr/../usr/python3", "usr/python3", False),
        ("venv/python", "venv/python3", False),
        # Without the packages of the virtual environment.
        ("usr/python3.11", "venv/python3", True),
        ("venv/python3", "usr/python3.11", True),
        ("other/python3", "usr/python3", True),
        ("usr/python2", "usr/python3", True),
    ],
)
def test_another_python_is_told_from_a_link_to_this_one(machine, asked, own, is_another):
    path = f"{machine}/{asked.strip()}"
    spaces = asked.replace(asked.strip(), path)
    assert names_another_python(spaces, f"{machine}/{own}") is is_another


@pytest.mark.parametrize("asked", ["", " ", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent", " auto "])
def test_no_choice_is_no_other_python(asked):
    assert names_another_python(asked, sys.executable) is False


def test_a_python_below_the_home_folder(machine, monkeypatch):
    monkeypatch.setenv("HOME", str(machine))
    assert names_another_python("~/usr/python3", f"{machine}/usr/python3") is False
    assert names_another_python("~/other/python3", f"{machine}/usr/python3") is True


# --- when the task stays in the process -----------------------------------------------------------------------------


class Templar:
    """Gives what it is given."""

    def template(self, value: Any) -> Any:
        return value


def action(**task: Any) -> InProcessAction:
    """The action plugin of a task, with as much of Ansible as the decision needs."""
    made = InProcessAction.__new__(InProcessAction)
    made._task = SimpleNamespace(**{"async_val": 0, "delegate_to": None, "check_mode": False, "diff": False, **task})
    made._connection = SimpleNamespace(transport="local", become=None)
    made._templar = Templar()
    return made


@pytest.fixture(autouse=True)
def _not_switched(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)


OWN = {"ansible_python_interpreter": sys.executable}


def test_an_ordinary_local_task_stays():
    assert action()._may_stay(OWN, {}) is True


def test_a_task_that_needs_another_process_does_not():
    assert action(async_val=10)._may_stay(OWN, {}) is False
    elsewhere, somebody = action(), action()
    elsewhere._connection.transport = "ssh"
    somebody._connection.become = object()
    assert elsewhere._may_stay(OWN, {}) is somebody._may_stay(OWN, {}) is False
    assert action()._may_stay({"ansible_python_interpreter": "/other/python"}, {}) is False
    assert action()._may_stay(OWN, {"PYTHONPATH": "/x"}) is False
    assert action()._may_stay(OWN, {"LD_PRELOAD": "/x"}) is False
    assert action()._may_stay(OWN, {"HTTPS_PROXY": "http://proxy"}) is True


def test_a_delegated_task_has_the_python_of_its_host():
    delegated = {"ansible_delegated_vars": {"desk": {"ansible_python_interpreter": "/other/python"}}}
    assert action(delegate_to="desk")._may_stay({**OWN, **delegated}, {}) is False
    own = {"ansible_delegated_vars": {"desk": OWN}, "ansible_python_interpreter": "/other/python"}
    assert action(delegate_to="desk")._may_stay(own, {}) is True


def test_where_a_library_is_missing_the_module_tells_it(monkeypatch):
    monkeypatch.setattr(in_process, "missing_library", lambda: "Install requests.")
    assert action()._may_stay(OWN, {}) is False


@pytest.mark.parametrize(
    "variable, environment, is_wanted",
    [
        (None, None, True),
        (False, None, False),
        ("no", None, False),
        (None, "false", False),
        (None, "", True),
        (None, "true", True),
        (True, "false", True),
        (False, "true", False),
    ],
)
def test_it_can_be_switched_off(monkeypatch, variable, environment, is_wanted):
    if environment is not None:
        monkeypatch.setenv(ENVIRONMENT, environment)
    variables = OWN if variable is None else {**OWN, VARIABLE: variable}
    assert action()._may_stay(variables, {}) is is_wanted


def test_a_wrong_switch_is_one_sentence(monkeypatch):
    with pytest.raises(AnsibleActionFail, match=f"^{VARIABLE} must be true or false"):
        action()._may_stay({VARIABLE: "perhaps"}, {})
    monkeypatch.setenv(ENVIRONMENT, "perhaps")
    with pytest.raises(AnsibleActionFail, match=f"^{ENVIRONMENT} must be true or false"):
        action()._may_stay(OWN, {})


# --- settings and progress ------------------------------------------------------------------------------------------


def test_the_settings_of_the_task():
    settings = action(check_mode=True, diff=True)._shell_settings({PROGRESS_VARIABLE: "2.5"})
    assert (settings["check_mode"], settings["diff_mode"], settings["lines"]) == (True, True, in_process.LINES)
    assert (settings["progress"].every, settings["progress"].tell) == (2.5, tell)
    assert action()._shell_settings({})["progress"].every == 5.0


@pytest.mark.parametrize("value", ["often", None, [1]], ids=repr)
def test_wrong_seconds_are_one_sentence(value):
    with pytest.raises(AnsibleActionFail, match=f"^{PROGRESS_VARIABLE} must be a number of seconds, or 0 for never"):
        action()._shell_settings({PROGRESS_VARIABLE: value})


def test_progress_is_a_line_on_the_terminal(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(in_process, "display", SimpleNamespace(display=lambda text, **how: shown.append(text)))
    tell("incident", Counts(40, changed=7, ok=2, failed=1), 12.4)
    assert shown == ["secops.itsm: 10 of 40 incidents after 12 s: 7 changed, 2 ok, 1 failed"]


def test_arguments_go_through_json_as_those_of_a_module():
    assert action(args={"a": ("x", 1), "b": None})._arguments() == {"a": ["x", 1], "b": None}
