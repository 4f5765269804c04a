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
from ansible_collections.secops.itsm.tests.unit.plugins.plugin_utils import definitions
from ansible_collections.secops.itsm.tests.unit.plugins.plugin_utils.definitions import NAME, SECRET

ACCOUNT: Mapping[str, Any] = {"client_id": "closer", "client_secret": SECRET}
SETTINGS = {"check_mode": False, "diff_mode": False, "verbosity": 0}

#: Runs a module by its name in tests with arguments, and returns its result.
Run = Callable[..., "dict[str, Any]"]


# --- both modes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def in_this_process() -> Iterator[Run]:
    """Run a module in this process."""
    connections = ConnectionPool()

    def run(name: str, arguments: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
        definition, copied = definitions.DEFINITIONS[name], json.loads(json.dumps(arguments))
        return in_process.run_in_process(definition, NAME, copied, {**SETTINGS, "connections": connections, **settings})

    yield run
    connections.close()


@pytest.fixture(scope="module")
def module_process() -> Iterator[subprocess.Popen[str]]:
    """A process that runs ordinary modules."""
    root = str(Path(in_process.__file__).parents[5])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}
    command = [sys.executable, definitions.__file__]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    with process:
        yield process
        process.kill()


@pytest.fixture
def as_module(module_process) -> Run:
    """Run a module as an ordinary module, and return the result that it prints."""

    def run(name: str, arguments: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
        case = {"name": name, "arguments": arguments, "environment": dict(os.environ), **SETTINGS, **settings}
        module_process.stdin.write(json.dumps(case) + "\n")
        module_process.stdin.flush()
        result = json.loads(module_process.stdout.readline())
        # Ansible adds these to any result, depending on its version.
        return {"failed": False, "changed": False, **{k: v for k, v in result.items() if not k.startswith("_ansible_")}}

    return run


@pytest.fixture
def both(in_this_process, as_module) -> Run:
    """Run a module in both modes, and return the result if it is the same and contains no secret."""

    def run(name: str, arguments: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
        result = in_this_process(name, arguments, **settings)
        assert normalized(result) == normalized(as_module(name, arguments, **settings))
        assert SECRET not in json.dumps(result)
        return result

    return run


def message_of(entry: Any) -> str:
    """Return the text of a warning or deprecation in any version of Ansible."""
    return entry if isinstance(entry, str) else str(entry["event"]["msg"] if "event" in entry else entry["msg"])


def normalized(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result as JSON values, with what all versions of Ansible show of warnings and deprecations."""
    plain = json.loads(json.dumps(result))
    if "warnings" in plain:
        plain["warnings"] = [message_of(entry) for entry in plain["warnings"]]
    if "deprecations" in plain:
        plain["deprecations"] = [
            (message_of(entry), entry.get("version"), entry.get("date")) for entry in plain["deprecations"]
        ]
    return plain


@pytest.mark.parametrize("check_mode", [False, True])
def test_success_is_the_same_in_both_modes(both, check_mode):
    result = both("small", {**ACCOUNT, "title": "x", "size": "7"}, check_mode=check_mode)
    assert (result["changed"], result["check_mode"], result["size"]) == (not check_mode, check_mode, 7)
    assert result["warnings"] == [f"Mind {MASK}.", "Mind the gap."]
    assert result["record"] == {MASK: [MASK]}
    # The collection's own keys are kept.
    assert result["diff"] == {"before": {"changed": "old"}, "after": {"changed": MASK}}
    shown = result["invocation"]["module_args"]
    assert (shown["name"], shown["client_secret"], shown["url"][:8]) == ("x", MASK, "https://")


@pytest.mark.parametrize(
    "name, category", [("refused", "validation"), ("half", "not_converged"), ("bug", "internal"), ("deep", "internal")]
)
def test_failure_is_the_same_in_both_modes(both, name, category):
    result = both("small", {**ACCOUNT, "name": name})
    assert (result["failed"], result["error"]["category"]) == (True, category)
    assert result["changed"] is (name in ("half", "deep"))


@pytest.mark.parametrize("arguments", [{"name": "bug"}, {"things": [{"name": "bug"}]}], ids=["one", "list"])
@pytest.mark.parametrize("verbosity", [2, 3])
def test_traceback_of_a_bug_is_the_same_in_both_modes(in_this_process, as_module, arguments, verbosity):
    for run in (in_this_process, as_module):
        result = run("small", {**ACCOUNT, **arguments}, verbosity=verbosity)
        assert SECRET not in json.dumps(result)
        assert (TRACEBACK in result) is (verbosity >= 3)
        if verbosity >= 3:
            assert "in operation" in result[TRACEBACK]
            assert result[TRACEBACK].splitlines()[-1] == f"KeyError: '{MASK}'"


UNSUPPORTED = f"Unsupported parameters for ({NAME}) module: "


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "one of the following is required: name, things"),
        ({"name": "x", "things": []}, "parameters are mutually exclusive: name|things"),
        ({"name": "x", "size": float("inf")}, "argument 'size' is of type"),
        ({"name": "x", "size": float("nan")}, "argument 'size' is of type"),
        ({"name": "x", "timeout": float("inf")}, "argument 'timeout' is of type"),
        ({"name": "x", "timeout": "long"}, "Check timeout (CONTRAFORCE_TIMEOUT)."),
        ({"things": [{"name": "x", "size": float("inf")}]}, "argument '"),
        ({"name": "x", "level": SECRET}, f"value of level must be one of: low, high, got: {MASK}"),
        ({"name": "x", "level": SECRET, "sise": 1}, "level"),
        ({"name": "x", "sise": SECRET}, f"{UNSUPPORTED}sise. Supported parameters include"),
        ({"things": [{"name": "x", "sise": 1}]}, f"{UNSUPPORTED}things.sise."),
        ({"things": [{"size": 1}]}, "missing required arguments: name found in things"),
        ({"things": ["", {"name": "a"}]}, "dict"),
        ({"name": "x", "client_secret": None}, "client_secret (CONTRAFORCE_CLIENT_SECRET)"),
        ({"name": "x", "url": "https://me:p4ss@portal.example"}, "url (CONTRAFORCE_URL)"),
        ({"name": "x", "url": "https://me:p4ss@portal.example", "sise": 1}, "sise"),
    ],
    ids=str,
)
def test_invalid_arguments_are_the_same_in_both_modes(both, arguments, words):
    result = both("small", {**ACCOUNT, **arguments})
    assert words in result["msg"]
    assert (result["failed"], result["changed"], result["error"]["category"]) == (True, False, "configuration")
    assert "p4ss" not in json.dumps(result)


def test_invalid_environment_variable_is_rejected(both, monkeypatch):
    monkeypatch.setenv("CONTRAFORCE_TIMEOUT", "inf")
    result = both("small", {**ACCOUNT, "name": "x"})
    assert result["error"]["category"] == "configuration"
    assert "'timeout'" in result["msg"]


def test_environment_defaults_apply_in_both_modes(both, monkeypatch):
    monkeypatch.setenv("CONTRAFORCE_CLIENT_ID", "closer")
    monkeypatch.setenv("CONTRAFORCE_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("CONTRAFORCE_URL", "")
    shown = both("small", {"name": "x"})["invocation"]["module_args"]
    assert (shown["client_id"], shown["url"][:30]) == ("closer", "https://portal.contraforce.com")


def test_option_with_its_alias_warns_in_both_modes(both):
    result = both("small", {**ACCOUNT, "name": "x", "title": "y"})
    assert "Both option name and its alias title are set." in result["warnings"]


def test_result_without_warnings_has_no_key_for_them(both):
    assert set(both("quiet", {**ACCOUNT, "name": "x"})) == {"changed", "failed", "invocation"}


def test_deprecations_are_the_same_in_both_modes(both):
    result = both("aging", {**ACCOUNT, "heading": "x", "old": "1", "older": "2"})
    found = [(entry["msg"].split(".")[0], entry.get("version"), entry.get("date")) for entry in result["deprecations"]]
    assert sorted(found, key=str) == [
        ("Alias 'heading' is deprecated", "9.0.0", None),
        ("Param 'old' is deprecated", "9.0.0", None),
        ("Param 'older' is deprecated", None, "2030-01-01"),
    ]
    assert {entry["collection_name"] for entry in result["deprecations"]} == {"secops.itsm"}


@pytest.mark.parametrize("diff_mode", [False, True])
def test_list_is_the_same_in_both_modes(both, diff_mode):
    things = [{"name": name, "level": "Low"} for name in ("a", "refused", "half", "b", "a")]
    result = both("small", {**ACCOUNT, "things": things, "level": "HIGH"}, diff_mode=diff_mode)
    # Choices are not case-sensitive.
    shown = result["invocation"]["module_args"]
    assert (shown["things"][0]["level"], shown["level"]) == ("low", "high")
    assert [item["failed"] for item in result["results"]] == [False, True, True, False, False]
    assert result["msg"].startswith("2 changed, 0 ok, 2 failed (1 duplicate): ")
    assert ("diff" in result) is diff_mode


def test_blank_values_of_a_list_are_not_set(both):
    """Ansible would reject them for options with choices or of another type than text."""
    blank = {"name": " ", "level": "", "size": " ", "facts": ""}
    things = [blank, {"name": "b", "facts": {"a": " "}, "level": "high"}]
    result = both("small", {**ACCOUNT, "level": "low", "things": things})
    assert [item["failed"] for item in result["results"]] == [True, False]
    assert result["invocation"]["module_args"]["things"] == [
        {"name": " ", "level": None, "size": None, "facts": None},
        {"name": "b", "level": "high", "size": None, "facts": {"a": " "}},
    ]


@pytest.mark.parametrize("variable", [DEADLINE, TIME_LEFT])
def test_ordinary_module_reads_limits_from_the_environment(as_module, monkeypatch, variable):
    monkeypatch.setenv(variable, "0.0")
    result = as_module("small", {**ACCOUNT, "name": "x"})
    assert result["msg"].startswith("The run ended before this task started")
    assert (result["changed"], result["error"]["retryable"]) == (False, True)


# --- the environment ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value, error", [("during", KeyError), ("a\0b", ValueError)])
def test_environment_of_the_task_is_restored(monkeypatch, value, error):
    monkeypatch.setenv("ITSM_OLD", "before")
    before = dict(os.environ)

    def work() -> None:
        with in_process._temporary_environment({"ITSM_OLD": "during", "ITSM_NEW": value}):
            assert (os.environ["ITSM_OLD"], os.environ["ITSM_NEW"]) == ("during", "during")
            raise KeyError

    with pytest.raises(error):
        work()
    assert dict(os.environ) == before


# --- the interpreter ------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with a Python and its links, a virtual environment of it, and another Python."""
    for directory in ("usr", "venv", "other"):
        (tmp_path / directory).mkdir()
    (tmp_path / "usr/python3.11").touch()
    (tmp_path / "other/python3").touch()
    (tmp_path / "usr/python3").symlink_to("python3.11")
    (tmp_path / "usr/python").symlink_to("python3")
    (tmp_path / "venv/python3").symlink_to(tmp_path / "usr/python3.11")
    (tmp_path / "venv/python").symlink_to("python3")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "configured, own, is_other",
    [
        ("~/usr/python3.11", "usr/python3.11", False),
        ("~/usr/python", "usr/python3.11", False),
        ("~/usr/python3.11", "usr/python", False),
        (" ~/usr/python3 ", "usr/python", False),
        ("~/usr/../usr/python3", "usr/python3", False),
        ("~/venv/python", "venv/python3", False),
        # Without the packages of the virtual environment.
        ("~/usr/python3.11", "venv/python3", True),
        ("~/venv/python3", "usr/python3.11", True),
        ("~/other/python3", "usr/python3", True),
        ("~/usr/python2", "usr/python3", True),
        *((auto, "usr/python3", False) for auto in ("", " auto ", "auto_legacy", "auto_silent", "auto_legacy_silent")),
    ],
)
def test_other_python_is_distinguished_from_a_link(machine, configured, own, is_other):
    assert in_process.is_other_python(configured, f"{machine}/{own}") is is_other
    assert in_process.is_other_python(configured.replace("~", str(machine)), f"{machine}/{own}") is is_other


# --- the choice of the mode -----------------------------------------------------------------------------------------


def action(transport: str = "local", become: Any = None, **task: Any) -> in_process.InProcessAction:
    """Return the action plugin of a task, with a minimal Ansible around it."""
    plugin = in_process.InProcessAction.__new__(in_process.InProcessAction)
    plain = {"async_val": 0, "delegate_to": None, "check_mode": False, "diff": False, "timeout": 0, "environment": []}
    plugin._task = SimpleNamespace(**{**plain, **task})
    shell = SimpleNamespace(env_prefix=lambda **given: " ".join(f"{name}={value}" for name, value in given.items()))
    plugin._connection = SimpleNamespace(transport=transport, become=become, _shell=shell)
    plugin._templar = SimpleNamespace(template=lambda value: value)
    return plugin


@pytest.fixture(autouse=True)
def _without_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(in_process.ENVIRONMENT, raising=False)


OWN = {"ansible_python_interpreter": sys.executable}
OTHER = {"ansible_python_interpreter": "/other/python"}


@pytest.mark.parametrize(
    "task, variables, environment, expected",
    [
        ({}, OWN, {}, True),
        ({}, OWN, {"HTTPS_PROXY": "http://proxy"}, True),
        ({"async_val": 10}, OWN, {}, False),
        ({"transport": "ssh"}, OWN, {}, False),
        ({"become": "sudo"}, OWN, {}, False),
        ({}, OTHER, {}, False),
        ({}, OWN, {"PYTHONPATH": "/x"}, False),
        ({}, OWN, {"LD_PRELOAD": "/x"}, False),
        ({"delegate_to": "desk"}, {**OWN, "ansible_delegated_vars": {"desk": OTHER}}, {}, False),
        ({"delegate_to": "desk"}, {**OTHER, "ansible_delegated_vars": {"desk": OWN}}, {}, True),
    ],
    ids=str,
)
def test_task_runs_in_process_unless_it_needs_another(task, variables, environment, expected):
    assert action(**task)._can_run_in_process(variables, environment) is expected


def test_task_with_a_missing_library_does_not_run_here(monkeypatch):
    monkeypatch.setattr(in_process, "missing_library", lambda: "Install requests.")
    assert action()._can_run_in_process(OWN, {}) is False


@pytest.mark.parametrize(
    "variable, environment, expected",
    [
        (None, None, True),
        (None, "", True),
        (None, "true", True),
        (None, "false", False),
        (True, "false", True),
        (False, "true", False),
        ("no", None, False),
        ("perhaps", "true", in_process.VARIABLE),
        (None, "perhaps", in_process.ENVIRONMENT),
    ],
)
def test_in_process_mode_can_be_disabled(monkeypatch, variable, environment, expected):
    if environment is not None:
        monkeypatch.setenv(in_process.ENVIRONMENT, environment)
    variables = OWN if variable is None else {**OWN, in_process.VARIABLE: variable}
    if isinstance(expected, bool):
        assert action()._can_run_in_process(variables, {}) is expected
    else:
        with pytest.raises(AnsibleActionFail, match=f"^{expected} must be true or false"):
            action()._can_run_in_process(variables, {})


# --- settings and output --------------------------------------------------------------------------------------------


def test_context_settings_of_the_task():
    settings = action(check_mode=True, diff=True)._context_settings({in_process.PROGRESS_VARIABLE: "2.5"})
    assert (settings["check_mode"], settings["diff_mode"]) == (True, True)
    assert settings["connections"] is in_process.CONNECTIONS
    assert (settings["progress"].interval, settings["progress"].report) == (2.5, in_process.report_progress)
    settings = action()._context_settings({})
    assert (settings["check_mode"], settings["diff_mode"], settings["progress"].interval) == (False, False, 5.0)


@pytest.mark.parametrize("value", ["often", None, [1]], ids=repr)
def test_invalid_progress_interval_is_rejected(value):
    with pytest.raises(AnsibleActionFail, match=f"^{in_process.PROGRESS_VARIABLE} must be a number of seconds"):
        action()._context_settings({in_process.PROGRESS_VARIABLE: value})


def test_progress_is_shown_on_stderr(monkeypatch):
    shown: list[Any] = []
    display = SimpleNamespace(display=lambda text, **options: shown.append((text, options)))
    monkeypatch.setattr(in_process, "display", display)
    in_process.report_progress("incident", Counts(40, changed=7, ok=2, failed=1), 12.4)
    text = "secops.itsm: 10 of 40 incidents after 12 s: 7 changed, 2 ok, 1 failed"
    assert shown == [(text, {"stderr": True})]


def test_notice_is_shown_once():
    shown: list[str] = []
    notify = in_process.once(shown.append)
    notify("first")
    notify("second")
    assert shown == ["first"]


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
    """Make this process look like a worker of ansible-playbook, whose parent the test sets."""
    worker = SimpleNamespace(parent=CONTROLLER)
    monkeypatch.setattr(in_process.multiprocessing, "parent_process", lambda: SimpleNamespace(pid=CONTROLLER))
    monkeypatch.setattr(in_process.os, "getppid", lambda: worker.parent)
    monkeypatch.setattr(in_process, "time", SimpleNamespace(monotonic=lambda: 100.0))
    return worker


def running(result: Callable[[], dict[str, Any]], transport: str = "local", **task: Any) -> in_process.InProcessAction:
    """Return the action plugin of a task that a function runs."""
    plugin = action(transport, **task)
    plugin._run_task = lambda tmp, task_vars: result()
    return plugin


def test_task_runs_while_its_controller_runs(worker):
    assert running(lambda: {"changed": True}).run() == {"changed": True}


@pytest.mark.parametrize("parents, ran", [([1, 1], []), ([CONTROLLER, 815], [1])])
@pytest.mark.parametrize("error", [None, TimeoutError])
def test_orphaned_worker_ends(worker, parents, ran, error):
    """Before the task, or after it, however it ends. Orphans may get another parent than the first process."""
    started: list[int] = []

    def run_task() -> dict[str, Any]:
        started.append(1)
        worker.parent = parents[1]
        if error:
            raise error
        return {}

    worker.parent = parents[0]
    with pytest.raises(SystemExit):
        running(run_task).run()
    assert started == ran


def test_in_process_task_gets_the_limits_of_the_run(worker, monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(run_limits, "time", SimpleNamespace(monotonic=lambda: clock.now))
    plugin = running(lambda: plugin._context_settings({}), timeout=3)
    is_over = plugin.run()["is_over"]
    seen = []
    for clock.now in (100.0, 102.9, 103.0):
        seen.append(is_over())
    assert seen == [False, False, True]
    plugin = running(lambda: plugin._context_settings({}))
    is_over = plugin.run()["is_over"]
    assert is_over() is False
    worker.parent = 1
    assert is_over() is True


@pytest.mark.parametrize(
    "task, limits",
    [
        ({}, {CONTROLLER_PID: "4711"}),
        ({"timeout": 3}, {CONTROLLER_PID: "4711", DEADLINE: "103.0"}),
        ({"transport": "ssh"}, {}),
        ({"transport": "ssh", "timeout": 3}, {TIME_LEFT: "3.0"}),
        # A module with async outlives its task, and even ansible-playbook.
        ({"async_val": 60, "timeout": 3}, {}),
    ],
    ids=str,
)
def test_ordinary_module_gets_the_limits_of_the_run(worker, task, limits):
    given: dict[str, str] = {}
    plugin = running(lambda: {"command": plugin._compute_environment_string(given)}, environment=[{"A": "b"}], **task)
    command = plugin.run()["command"]
    expected = {"A": "b", **limits}
    assert (given, command) == (expected, " ".join(f"{name}={value}" for name, value in expected.items()))
    # A task in this process gets them in its settings instead.
    assert plugin._environment() == {"A": "b"}
