# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the tests that run ansible-playbook against the sandbox."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest
import yaml

from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import bulk_incident_id
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"
HERE = Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration" / "targets"
ACTION_PLUGINS = (HERE / "action_plugins", INTEGRATION / "setup_sandbox" / "action_plugins")

#: Environment that makes every task run its module as an ordinary module.
AS_MODULES = {"SECOPS_ITSM_IN_PROCESS": "false"}

#: Parametrize a test with both execution modes.
BOTH_MODES = pytest.mark.parametrize("mode", [{}, AS_MODULES], ids=["in-process", "module"])

#: The workspace of the sandbox's bulk incidents.
BULK_WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"

#: Where play_cases registers a result. A task that uses its own result, such as with until, refers to it by this name.
REGISTERED = "kept_result"


def tarball(folder: Path) -> Path:
    """Return the tarball from which the collection was installed, or build one if the tests run in a checkout.

    :param folder: a directory for the tarball.
    """
    if name := os.environ.get("SECOPS_ITSM_TARBALL"):
        return Path(name)
    command = [str(PLAYBOOK_COMMAND.with_name("ansible-galaxy")), "collection", "build", "--output-path", str(folder)]
    subprocess.run(command, cwd=HERE.parents[1], check=True, stdout=subprocess.DEVNULL)
    (built,) = folder.glob("secops-itsm-*.tar.gz")
    return built


@dataclass(frozen=True)
class Case:
    """One of several tasks that share a playbook, as starting ansible-playbook takes the most time.

    :param name: the name by which its result is found.
    :param task: the task, as in a playbook.
    :param faults: faults of the sandbox, which is reset before each case.
    :param crowd: the number of bulk incidents in the sandbox.
    """

    name: str
    task: dict[str, Any]
    faults: list[dict[str, Any]] = field(default_factory=list)
    crowd: int = 0


@dataclass
class Played:
    """The outcome of a playbook run.

    :param code: the exit code.
    :param output: standard output and standard error.
    :param result: the registered result of the last task, after ``play_tasks``.
    :param results: the registered results by the names of the cases, after ``play_cases``.
    """

    code: int
    output: str
    result: dict[str, Any] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Return the output as a single line, because Ansible wraps messages."""
        return " ".join(self.output.split())

    @property
    def summaries(self) -> list[str]:
        """Return the summary lines of the runbooks."""
        labels = "Done|Check mode|Failed(?: in check mode)?|Nothing to do"
        return re.findall(rf'^(?: +")?((?:{labels}): .*?)(?:",?)?$', self.output, re.MULTILINE)

    def sections(self) -> dict[str, str]:
        """Return the output of each task by its name; names must be unique."""
        parts = re.split(r"^TASK \[(.*)\] \**\n", self.output, flags=re.MULTILINE)
        assert len(set(parts[1::2])) == len(parts[1::2]), "several tasks have the same name"
        return dict(zip(parts[1::2], parts[2::2]))

    def ran_as_module(self, name: str) -> bool:
        """Return whether a task ran as an ordinary module; -vvv shows how modules are transferred and executed.

        :param name: the unique name of the task.
        """
        return bool(re.search(r"^<[^>]+> (EXEC|PUT) ", self.sections()[name], re.MULTILINE))


class Player:
    """Run playbooks in an environment that contains nothing of the user's own.

    :param folder: the working directory, which is also HOME.
    :param environment: additional environment variables.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{PLAYBOOK_COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_ACTION_PLUGINS": os.pathsep.join(map(str, ACTION_PLUGINS)),
            "ANSIBLE_BECOME_PLUGINS": str(HERE / "become_plugins"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "send_requests",
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            # Since ansible-core 2.21, results contain the invocation only on request.
            "ANSIBLE_INJECT_INVOCATION": "true",
            **environment,
        }

    def play(self, playbook: str | Path, *arguments: str, environment: dict[str, str] | None = None) -> Played:
        """Run a playbook and return its outcome.

        :param playbook: a path or FQCN.
        :param arguments: additional arguments.
        :param environment: as for :meth:`variables`.
        """
        done = subprocess.run(
            [str(PLAYBOOK_COMMAND), str(playbook), *arguments],
            cwd=self.folder,
            env=self.variables(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Played(done.returncode, done.stdout)

    def variables(self, further: dict[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a playbook.

        :param further: additional variables; an empty string removes a variable.
        """
        return {name: value for name, value in {**self.environment, **(further or {})}.items() if value != ""}

    def play_tasks(self, tasks: list[dict[str, Any]], *arguments: str, **kwargs: Any) -> Played:
        """Run tasks and return the outcome with the last one's result, even if it failed.

        :param tasks: tasks as in a playbook.
        :param arguments: additional arguments.
        :param kwargs: as for :meth:`play`.
        """
        *before, last = tasks
        keep = self._keep_results([REGISTERED])
        block = {"block": [{**last, "register": REGISTERED}], "always": [keep]}
        played = self.play(self.write([*before, block]), *arguments, **kwargs)
        (played.result,) = self._kept_results() or [{}]
        return played

    def play_cases(
        self, sandbox: SandboxProcess, cases: Sequence[Case], *arguments: str, reset: bool = True, **kwargs: Any
    ) -> Played:
        """Run cases one after another and return the outcome with their results by name.

        :param sandbox: the sandbox, which is reset before each case.
        :param cases: cases with unique names; one that fails does not stop the others.
        :param arguments: additional arguments.
        :param reset: False keeps the sandbox's state and the journal of all cases.
        :param kwargs: as for :meth:`play`.
        """
        tasks, registered = [], [f"{REGISTERED}_{number}" for number in range(len(cases))]
        for case, name in zip(cases, registered):
            own = {
                keyword: value.replace(REGISTERED, name) if isinstance(value, str) and keyword != "name" else value
                for keyword, value in case.task.items()
            }
            task = {**own, "register": name, "ignore_errors": True}
            if reset:
                body = {"faults": case.faults, "crowd": case.crowd}
                begin = {"url": f"{sandbox.url}/_sandbox/reset", "body": body}
                task["vars"] = {**own.get("vars", {}), "request_before_task": begin}
            tasks.append(task)
        played = self.play(self.write([*tasks, self._keep_results(registered)]), *arguments, **kwargs)
        results = self._kept_results() or [{}] * len(cases)
        played.results = {case.name: result for case, result in zip(cases, results)}
        return played

    def _keep_results(self, registered: list[str]) -> dict[str, Any]:
        """Return a task that writes registered results into a file."""
        self._results.unlink(missing_ok=True)
        listed = ", ".join(f"{name} | default({{}})" for name in registered)
        content = f"{{{{ [{listed}] | to_json | string }}}}"
        return {
            "name": "Keep the results",
            "keep_result": {"content": content, "dest": str(self._results)},
            "no_log": True,
        }

    def _kept_results(self) -> list[dict[str, Any]]:
        return list(json.loads(self._results.read_text(encoding="utf-8"))) if self._results.exists() else []

    @property
    def _results(self) -> Path:
        return self.folder / "kept_results.json"

    def write(self, tasks: list[dict[str, Any]]) -> Path:
        """Write a playbook and return its path.

        :param tasks: tasks as in a playbook.
        """
        play = {
            "name": "Tasks of a test",
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": tasks,
        }
        path = self.folder / "playbook.yml"
        path.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        return path


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    """Start one sandbox for all tests."""
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    """Return the sandbox in its initial state."""
    sandbox_process.reset()
    return sandbox_process


def bulk_incident_entries(count: int) -> list[dict[str, str]]:
    """Return list entries of the sandbox's first bulk incidents.

    :param count: the number of incidents.
    """
    named = {"workspace_id": BULK_WORKSPACE, "source": "Sentinel"}
    return [{**named, "incident_id": bulk_incident_id(number)} for number in range(1, count + 1)]


@pytest.fixture
def player(tmp_path: Path, sandbox: SandboxProcess) -> Player:
    """Return a player whose playbooks reach the sandbox."""
    return Player(tmp_path, sandbox.environment())
