# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both execution modes of a module have the same results."""

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

from ansible_collections.secops.itsm.plugins.module_utils._engine import run_limits
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import Counts
from ansible_collections.secops.itsm.plugins.module_utils._engine.execution import TRACEBACK
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import CONTROLLER_PID, DEADLINE, TIME_LEFT
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import MASK
from ansible_collections.secops.itsm.plugins.plugin_utils import in_process
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import (
    ENVIRONMENT,
    PROGRESS_VARIABLE,
    VARIABLE,
    InProcessAction,
    is_other_python,
    report_progress,
    run_in_process,
)
from ansible_collections.secops.itsm.tests.unit.loopback import Reply
from ansible_collections.secops.itsm.tests.unit.plugins.plugin_utils import definitions
from ansible_collections.secops.itsm.tests.unit.plugins.plugin_utils.definitions import SECRET

ACCOUNT: Mapping[str, Any] = {"client_id": "closer", "client_secret": SECRET}
WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"


# --- both ways ------------------------------------------------------------------------------------------------------


@pytest.fixture
def connections():
    """Connections that end with the test."""
    connections = ConnectionPool()
    yield connections
    connections.close()


@pytest.fixture
def here(connections) -> Callable[..., dict[str, Any]]:
    """Run a module in this process."""

    def run(
        name: str, arguments: Mapping[str, Any], check_mode: bool = False, diff: bool = False, verbosity: int = 0
    ) -> dict[str, Any]:
        settings = {"check_mode": check_mode, "diff_mode": diff, "connections": connections, "verbosity": verbosity}
        return run_in_process(
            definitions.DEFINITIONS[name], definitions.NAME, json.loads(json.dumps(arguments)), settings
        )

    return run


@pytest.fixture(scope="module")
def modules() -> Iterator[subprocess.Popen[str]]:
    """A process that runs modules."""
    root = str(Path(in_process.__file__).parents[5])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}
    process = subprocess.Popen(
        [sys.executable, definitions.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    with process:
        yield process
        process.kill()


@pytest.fixture
def as_module(modules) -> Callable[..., dict[str, Any]]:
    """Run a module as an ordinary module, and return what it prints."""

    def run(
        name: str, arguments: Mapping[str, Any], check_mode: bool = False, diff: bool = False, verbosity: int = 0
    ) -> dict[str, Any]:
        case = {"name": name, "arguments": arguments, "check_mode": check_mode, "diff": diff, "verbosity": verbosity}
        modules.stdin.write(json.dumps({**case, "environment": dict(os.environ)}) + "\n")
        modules.stdin.flush()
        return json.loads(modules.stdout.readline())

    return run


@pytest.fixture
def both(here, as_module) -> Callable[..., dict[str, Any]]:
    """Run a module in both modes, and return the result if it is the same."""

    def run(name: str, arguments: Mapping[str, Any], **how: Any) -> dict[str, Any]:
        inside, outside = here(name, arguments, **how), as_module(name, arguments, **how)
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
def test_success_is_the_same_in_both_modes(both, check_mode):
    result = both("small", {**ACCOUNT, "name": "x", "size": "7"}, check_mode=check_mode)
    assert (result["changed"], result["check_mode"], result["size"]) == (not check_mode, check_mode, 7)
    assert result["warnings"] == [f"Mind {MASK}.", "Mind the gap."]
    assert result["record"] == {MASK: [MASK]}
    # The collection's own keys stay.
    assert result["diff"] == {"before": {"changed": "old"}, "after": {"changed": MASK}}
    assert result["invocation"]["module_args"]["client_secret"] == MASK
    assert result["invocation"]["module_args"]["url"].startswith("https://")


def test_unprocessable_result_is_the_same_in_both_modes(both):
    result = both("small", {**ACCOUNT, "name": "deep"})
    assert (result["error"]["category"], result["changed"]) == ("internal", True)


@pytest.mark.parametrize("name, category", [("refused", "validation"), ("half", "not_converged"), ("bug", "internal")])
def test_failure_is_the_same_in_both_modes(both, name, category):
    result = both("small", {**ACCOUNT, "name": name})
    assert result["error"]["category"] == category
    assert result["changed"] is (name == "half")
    assert SECRET not in json.dumps(result)


@pytest.mark.parametrize("arguments", [{"name": "bug"}, {"things": [{"name": "bug"}]}], ids=["one", "list"])
@pytest.mark.parametrize("verbosity", [0, 2, 3, 4])
def test_traceback_of_a_bug_is_the_same_in_both_modes(here, as_module, arguments, verbosity):
    results = [run("small", {**ACCOUNT, **arguments}, verbosity=verbosity) for run in (here, as_module)]
    for result in results:
        assert SECRET not in json.dumps(result)
        assert (TRACEBACK in result) is (verbosity >= 3)
        assert result["error"]["category"] == "internal"
    if verbosity >= 3:
        inside, outside = (result[TRACEBACK].splitlines() for result in results)
        assert inside[-1] == outside[-1] == f"KeyError: '{MASK}'"
        assert "in operation" in results[0][TRACEBACK]


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "one of the following is required: name, things"),
        ({"name": "x", "things": []}, "parameters are mutually exclusive: name|things"),
        ({"name": "x", "size": "many"}, "argument 'size' is of type"),
        ({"name": "x", "size": float("inf")}, "argument 'size' is of type"),
        ({"name": "x", "size": float("nan")}, "argument 'size' is of type"),
        ({"name": "x", "size": "inf"}, "argument 'size' is of type"),
        ({"name": "x", "timeout": float("inf"), "client_secret": SECRET}, "argument 'timeout' is of type"),
        ({"things": [{"name": "x", "size": float("inf")}]}, "argument '"),
        ({"name": "x", "level": "middle"}, "value of level must be one of: low, high, got: middle"),
        (
            {"name": "x", "sise": 1},
            f"Unsupported parameters for ({definitions.NAME}) module: sise. Supported parameters include",
        ),
        (
            {"things": [{"name": "x", "sise": 1}]},
            f"Unsupported parameters for ({definitions.NAME}) module: things.sise.",
        ),
        ({"things": [{"size": 1}]}, "missing required arguments: name found in things"),
        ({"things": [1]}, "things"),
        ({"name": "x", "sise": SECRET}, f"Unsupported parameters for ({definitions.NAME}) module: sise."),
        ({"name": "x", "level": SECRET}, f"must be one of: low, high, got: {MASK}"),
        ({"name": "x", "level": SECRET, "sise": 1}, "level"),
        ({"name": "x", "timeout": "long"}, "timeout"),
        ({"name": "x", "url": "https://me:p4ss@portal.example", "sise": 1}, "sise"),
    ],
    ids=str,
)
def test_invalid_arguments_are_the_same_in_both_modes(both, arguments, words):
    result = both("small", {**ACCOUNT, **arguments})
    assert words in result["msg"]
    assert (result["changed"], result["error"]["category"]) == (False, "configuration")
    assert SECRET not in json.dumps(result)
    assert "p4ss" not in json.dumps(result)


def test_choices_are_not_case_sensitive(both):
    result = both("small", {**ACCOUNT, "things": [{"name": "x", "level": "Low"}], "level": "HIGH"})
    assert result["invocation"]["module_args"]["things"][0]["level"] == "low"
    assert result["invocation"]["module_args"]["level"] == "high"


def test_invalid_environment_variable_is_rejected(both, monkeypatch):
    monkeypatch.setenv("CONTRAFORCE_TIMEOUT", "inf")
    result = both("small", {**ACCOUNT, "name": "x"})
    assert result["error"]["category"] == "configuration"
    assert "'timeout'" in result["msg"]


@pytest.mark.parametrize(
    "arguments",
    [{"client_secret": None}, {"url": "https://me:p4ss@portal.example"}, {"proxy": "proxy.example"}],
    ids=str,
)
def test_invalid_connection_is_the_same_in_both_modes(both, arguments):
    result = both("small", {**ACCOUNT, "name": "x", **arguments})
    assert result["error"]["category"] == "configuration"
    assert "p4ss" not in json.dumps(result)


def test_option_with_its_alias_warns_in_both_modes(both):
    result = both("small", {**ACCOUNT, "name": "x", "title": "y"})
    assert "Both option name and its alias title are set." in result["warnings"]


def test_result_without_warnings_has_no_key_for_them(both):
    assert set(both("quiet", {**ACCOUNT, "name": "x"})) == {"changed", "invocation"}


def test_alias_sets_the_option(both):
    assert both("small", {**ACCOUNT, "title": "x"})["invocation"]["module_args"]["name"] == "x"


def test_deprecations_are_the_same_in_both_modes(both):
    result = both("aging", {**ACCOUNT, "heading": "x", "old": "1", "older": "2"})
    told = {(entry["msg"].split(".")[0], entry.get("version"), entry.get("date")) for entry in result["deprecations"]}
    assert told == {
        ("Alias 'heading' is deprecated", "9.0.0", None),
        ("Param 'old' is deprecated", "9.0.0", None),
        ("Param 'older' is deprecated", None, "2030-01-01"),
    }
    assert {entry["collection_name"] for entry in result["deprecations"]} == {"secops.itsm"}


@pytest.mark.parametrize("diff", [False, True])
def test_list_is_the_same_in_both_modes(both, diff):
    spec = {**ACCOUNT, "things": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}
    result = both("small", spec, diff=diff)
    assert [entry["name"] for entry in result["results"]] == ["a", "b", "a"]
    assert ("diff" in result) is diff
    assert SECRET not in json.dumps(result)


def test_blank_values_of_a_list_are_not_set(both):
    """Ansible alone would refuse them where an option has choices, or is not a text."""
    cells = [{"name": " ", "level": "", "size": " ", "facts": ""}, {"name": "b", "facts": {"a": " "}, "level": "high"}]
    result = both("small", {**ACCOUNT, "level": "low", "things": cells})
    assert [entry.get("msg", "") for entry in result["results"]] == [
        "Entry 1 of the list lacks name. Add what is missing to the entry, or to the task for all entries.",
        "",
    ]
    given = result["invocation"]["module_args"]["things"]
    assert given == [
        {"name": " ", "level": None, "size": None, "facts": None},
        {"name": "b", "level": "high", "size": None, "facts": {"a": " "}},
    ]


def test_blank_entry_of_a_list_is_rejected(both):
    assert both("small", {**ACCOUNT, "things": ["", {"name": "a"}]})["error"]["category"] == "configuration"


def test_list_with_failures_is_the_same_in_both_modes(both):
    things = [{"name": name} for name in ("a", "refused", "half", "b")]
    result = both("small", {**ACCOUNT, "things": things})
    assert [entry["failed"] for entry in result["results"]] == [False, True, True, False]
    assert result["msg"].startswith("2 changed, 0 ok, 2 failed: ")
    assert SECRET not in json.dumps(result)


def test_environment_defaults_apply_in_both_modes(both, monkeypatch):
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
def test_module_sends_the_same_requests_in_both_modes(here, as_module, serve, name, diff):
    inside_server, outside_server = serve(*SCRIPTS[name]), serve(*SCRIPTS[name])
    inside = here("status", arguments(inside_server.url), diff=diff)
    outside = as_module("status", arguments(outside_server.url), diff=diff)
    # Failures name the address.
    outside = json.loads(json.dumps(outside).replace(outside_server.url, inside_server.url))
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


@pytest.mark.parametrize("variable", [DEADLINE, TIME_LEFT])
def test_ordinary_module_reads_limits_from_the_environment(as_module, serve, monkeypatch, variable):
    server = serve(incident("New"))
    monkeypatch.setenv(variable, "0.0")
    result = as_module("status", arguments(server.url))
    assert result["msg"].startswith("The run ended before this task started")
    assert (result["changed"], result["error"]["retryable"], server.seen) == (False, True, [])


# --- the environment ------------------------------------------------------------------------------------------------


def test_environment_of_the_task_is_set_and_restored(monkeypatch):
    monkeypatch.setenv("ITSM_OLD", "before")
    monkeypatch.delenv("ITSM_NEW", raising=False)
    before = dict(os.environ)
    with in_process._temporary_environment({"ITSM_OLD": "during", "ITSM_NEW": "during"}):
        assert (os.environ["ITSM_OLD"], os.environ["ITSM_NEW"]) == ("during", "during")
    assert dict(os.environ) == before


def test_environment_is_restored_after_an_exception(monkeypatch):
    before = dict(os.environ)
    with pytest.raises(KeyError), in_process._temporary_environment({"ITSM_NEW": "during"}):
        raise KeyError
    assert dict(os.environ) == before


def test_environment_is_restored_if_it_cannot_be_set():
    before = dict(os.environ)
    with (
        pytest.raises(ValueError, match="null"),
        in_process._temporary_environment({"ITSM_NEW": "1", "ITSM_ODD": "a\0b"}),
    ):
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
def test_other_python_is_distinguished_from_a_link(machine, asked, own, is_another):
    path = f"{machine}/{asked.strip()}"
    spaces = asked.replace(asked.strip(), path)
    assert is_other_python(spaces, f"{machine}/{own}") is is_another


@pytest.mark.parametrize("asked", ["", " ", "auto", "auto_legacy", "auto_silent", "auto_legacy_silent", " auto "])
def test_automatic_interpreter_is_not_another_python(asked):
    assert is_other_python(asked, sys.executable) is False


def test_interpreter_below_the_home_directory(machine, monkeypatch):
    monkeypatch.setenv("HOME", str(machine))
    assert is_other_python("~/usr/python3", f"{machine}/usr/python3") is False
    assert is_other_python("~/other/python3", f"{machine}/usr/python3") is True


# --- when the task stays in the process -----------------------------------------------------------------------------


class Templar:
    """Gives what it is given."""

    def template(self, value: Any) -> Any:
        return value


def action(**task: Any) -> InProcessAction:
    """The action plugin of a task, with as much of Ansible as the decision needs."""
    made = InProcessAction.__new__(InProcessAction)
    plain = {"async_val": 0, "delegate_to": None, "check_mode": False, "diff": False, "timeout": 0, "environment": []}
    made._task = SimpleNamespace(**{**plain, **task})
    shell = SimpleNamespace(env_prefix=lambda **given: " ".join(f"{name}={value}" for name, value in given.items()))
    made._connection = SimpleNamespace(transport="local", become=None, _shell=shell)
    made._templar = Templar()
    return made


@pytest.fixture(autouse=True)
def _not_switched(monkeypatch):
    monkeypatch.delenv(ENVIRONMENT, raising=False)


OWN = {"ansible_python_interpreter": sys.executable}


def test_local_task_runs_in_process():
    assert action()._can_run_in_process(OWN, {}) is True


def test_task_that_needs_another_process_does_not_run_here():
    assert action(async_val=10)._can_run_in_process(OWN, {}) is False
    elsewhere, somebody = action(), action()
    elsewhere._connection.transport = "ssh"
    somebody._connection.become = object()
    assert elsewhere._can_run_in_process(OWN, {}) is somebody._can_run_in_process(OWN, {}) is False
    assert action()._can_run_in_process({"ansible_python_interpreter": "/other/python"}, {}) is False
    assert action()._can_run_in_process(OWN, {"PYTHONPATH": "/x"}) is False
    assert action()._can_run_in_process(OWN, {"LD_PRELOAD": "/x"}) is False
    assert action()._can_run_in_process(OWN, {"HTTPS_PROXY": "http://proxy"}) is True


def test_delegated_task_uses_the_interpreter_of_its_host():
    delegated = {"ansible_delegated_vars": {"desk": {"ansible_python_interpreter": "/other/python"}}}
    assert action(delegate_to="desk")._can_run_in_process({**OWN, **delegated}, {}) is False
    own = {"ansible_delegated_vars": {"desk": OWN}, "ansible_python_interpreter": "/other/python"}
    assert action(delegate_to="desk")._can_run_in_process(own, {}) is True


def test_task_with_a_missing_library_does_not_run_here(monkeypatch):
    monkeypatch.setattr(in_process, "missing_library", lambda: "Install requests.")
    assert action()._can_run_in_process(OWN, {}) is False


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
def test_in_process_mode_can_be_disabled(monkeypatch, variable, environment, is_wanted):
    if environment is not None:
        monkeypatch.setenv(ENVIRONMENT, environment)
    variables = OWN if variable is None else {**OWN, VARIABLE: variable}
    assert action()._can_run_in_process(variables, {}) is is_wanted


def test_invalid_switch_is_rejected(monkeypatch):
    with pytest.raises(AnsibleActionFail, match=f"^{VARIABLE} must be true or false"):
        action()._can_run_in_process({VARIABLE: "perhaps"}, {})
    monkeypatch.setenv(ENVIRONMENT, "perhaps")
    with pytest.raises(AnsibleActionFail, match=f"^{ENVIRONMENT} must be true or false"):
        action()._can_run_in_process(OWN, {})


# --- settings and progress ------------------------------------------------------------------------------------------


def test_context_settings_of_the_task():
    settings = action(check_mode=True, diff=True)._context_settings({PROGRESS_VARIABLE: "2.5"})
    assert (settings["check_mode"], settings["diff_mode"], settings["connections"]) == (
        True,
        True,
        in_process.CONNECTIONS,
    )
    assert (settings["progress"].interval, settings["progress"].report) == (2.5, report_progress)
    assert action()._context_settings({})["progress"].interval == 5.0


@pytest.mark.parametrize("value", ["often", None, [1]], ids=repr)
def test_invalid_progress_interval_is_rejected(value):
    with pytest.raises(AnsibleActionFail, match=f"^{PROGRESS_VARIABLE} must be a number of seconds, or 0 for never"):
        action()._context_settings({PROGRESS_VARIABLE: value})


def test_progress_is_shown_on_the_terminal(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(in_process, "display", SimpleNamespace(display=lambda text, **how: shown.append(text)))
    report_progress("incident", Counts(40, changed=7, ok=2, failed=1), 12.4)
    assert shown == ["secops.itsm: 10 of 40 incidents after 12 s: 7 changed, 2 ok, 1 failed"]


def test_traceback_is_shown_at_vvv_and_not_in_the_result(monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(in_process, "display", SimpleNamespace(vvv=shown.append, verbosity=3))
    assert action()._context_settings({})["verbosity"] == 3
    assert running(lambda: {"failed": True, TRACEBACK: "Traceback ..."}).run() == {"failed": True}
    assert running(lambda: {"failed": False}).run() == {"failed": False}
    assert shown == ["secops.itsm: Traceback ..."]


def test_arguments_are_converted_through_json():
    assert action(args={"a": ("x", 1), "b": None})._arguments() == {"a": ["x", 1], "b": None}


# --- the limits of the run ------------------------------------------------------------------------------------------

CONTROLLER = 4711


@pytest.fixture
def worker(monkeypatch) -> SimpleNamespace:
    """A worker of an ansible-playbook, as far as can be seen, and its parent."""
    worker = SimpleNamespace(parent=CONTROLLER)
    controller = SimpleNamespace(pid=CONTROLLER)
    monkeypatch.setattr(in_process.multiprocessing, "parent_process", lambda: controller)
    monkeypatch.setattr(in_process.os, "getppid", lambda: worker.parent)
    monkeypatch.setattr(in_process, "time", SimpleNamespace(monotonic=lambda: 100.0))
    return worker


def running(result: Callable[[], dict[str, Any]], **task: Any) -> InProcessAction:
    """The action plugin of a task that is run by a function."""
    made = action(**task)
    made._run_task = lambda tmp, task_vars: result()
    return made


def test_task_of_a_worker_with_its_controller_runs(worker):
    assert running(lambda: {"changed": True}).run() == {"changed": True}


def test_task_outside_a_worker_runs():
    assert running(lambda: {"changed": True}).run() == {"changed": True}


def test_orphaned_worker_ends_before_the_task(worker):
    ran: list[int] = []
    worker.parent = 1
    with pytest.raises(SystemExit):
        running(lambda: ran.append(1)).run()
    assert ran == []


@pytest.mark.parametrize("end", [None, TimeoutError])
def test_worker_that_is_orphaned_during_the_task_ends(worker, end):
    def result() -> dict[str, Any]:
        # Another process than the first one may take care of orphans.
        worker.parent = 815
        if end:
            raise end
        return {}

    with pytest.raises(SystemExit):
        running(result).run()


def test_in_process_task_gets_the_limits_of_the_run(worker, monkeypatch):
    seen: list[bool] = []
    now = SimpleNamespace(monotonic=lambda: 100.0 + len(seen))
    monkeypatch.setattr(run_limits, "time", now)

    def settings() -> dict[str, Any]:
        is_over = made._context_settings({})["is_over"]
        while len(seen) < 4:
            seen.append(is_over())
        return {}

    made = running(settings, timeout=3)
    made.run()
    assert seen == [False, False, False, True]
    seen.clear()
    made = running(lambda: made._context_settings({}))
    is_over = made.run()["is_over"]
    assert is_over() is False
    worker.parent = 1
    assert is_over() is True


@pytest.mark.parametrize(
    "transport, task, limits",
    [
        ("local", {}, {CONTROLLER_PID: "4711"}),
        ("local", {"timeout": 3}, {CONTROLLER_PID: "4711", DEADLINE: "103.0"}),
        ("ssh", {}, {}),
        ("ssh", {"timeout": 3}, {TIME_LEFT: "3.0"}),
        # Such a module goes on when its task, and even its run, has ended.
        ("local", {"async_val": 60, "timeout": 3}, {}),
    ],
    ids=str,
)
def test_ordinary_module_gets_the_limits_of_the_run(worker, transport, task, limits):
    given: dict[str, str] = {}
    command: list[str] = []

    def run_module() -> dict[str, Any]:
        command.append(made._compute_environment_string(given))
        return {}

    made = running(run_module, environment=[{"A": "b"}], **task)
    made._connection.transport = transport
    made.run()
    expected = {"A": "b", **limits}
    assert (given, command) == (expected, [" ".join(f"{name}={value}" for name, value in expected.items())])
    # A task in the process gets them in another way.
    assert made._environment() == {"A": "b"}
