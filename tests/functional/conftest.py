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
from ansible_collections.secops.itsm.tests.tools import golden

PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"
HERE = Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration" / "targets"
ACTION_PLUGINS = (HERE / "action_plugins", INTEGRATION / "setup_sandbox" / "action_plugins")

#: Makes every task an ordinary run of its module.
AS_MODULES = {"SECOPS_ITSM_IN_PROCESS": "false"}

#: Where the sandbox's crowd of incidents is.
BULK_WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"


@dataclass(frozen=True)
class Case:
    """One of several tasks that share a playbook, because starting one takes the longest.

    :param name: what it shows.
    :param task: as in a playbook.
    :param faults: what goes wrong from here on; the sandbox begins anew before each case.
    :param crowd: how many incidents the sandbox has besides.
    """

    name: str
    task: dict[str, Any]
    faults: list[dict[str, Any]] = field(default_factory=list)
    crowd: int = 0


@dataclass
class Played:
    """What a playbook did.

    :param code: the exit code.
    :param output: everything that it printed, errors too.
    :param result: the last task's registered result, if C(tasks) were played.
    :param results: those of C(cases), by name.
    """

    code: int
    output: str
    result: dict[str, Any] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The output as one line, because Ansible folds its messages."""
        return " ".join(self.output.split())

    @property
    def summaries(self) -> list[str]:
        """What the runbooks said in the end, in a line each."""
        labels = "Done|Check mode|Failed(?: in check mode)?|Nothing to do"
        return re.findall(rf'^ +"((?:{labels}): .*)",?$', self.output, re.MULTILINE)

    def ran_as_module(self, name: str) -> bool:
        """Whether a task was an ordinary run: at -vvv that shows how its module is carried over and started.

        :param name: of the task; it must be there once.
        """
        parts = re.split(r"^TASK \[(.*)\] \**\n", self.output, flags=re.MULTILINE)
        found = [text for title, text in zip(parts[1::2], parts[2::2]) if title == name]
        assert len(found) == 1, f"{len(found)} tasks are called {name}"
        return bool(re.search(r"^<[^>]+> (EXEC|PUT) ", found[0], re.MULTILINE))


class Player:
    """Runs playbooks in an environment that holds nothing of the machine's user.

    :param folder: for what it writes.
    :param environment: the variables that it sets.
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
            "ANSIBLE_CALLBACKS_ENABLED": "note_results",
            "SECOPS_ITSM_RESULTS_FILE": str(folder / "results.jsonl"),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            # From ansible-core 2.21 on, results show what a module was called with only if asked for it.
            "ANSIBLE_INJECT_INVOCATION": "true",
            **environment,
        }

    def play(self, playbook: str | Path, *arguments: str, environment: dict[str, str] | None = None) -> Played:
        """Run a playbook.

        :param playbook: a path, or an FQCN.
        :param arguments: further words of the command.
        :param environment: further variables; an empty text takes one away.
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
        """The environment of a playbook.

        :param further: variables besides; an empty text takes one away.
        """
        return {name: value for name, value in {**self.environment, **(further or {})}.items() if value != ""}

    def play_tasks(self, tasks: list[dict[str, Any]], *arguments: str, **kwargs: Any) -> Played:
        """Run tasks; the last one's result is given back, whether it failed or not.

        :param tasks: as in a playbook.
        :param arguments: further words of the command.
        :param kwargs: as for :meth:`play`.
        """
        *before, last = tasks
        played = self.play(self.write([*before, self._kept(last, 0)]), *arguments, **kwargs)
        played.result = self._result(0)
        return played

    def play_cases(
        self, sandbox: SandboxProcess, cases: Sequence[Case], *arguments: str, anew: bool = True, **kwargs: Any
    ) -> Played:
        """Run cases one after another, each with a sandbox that begins anew; their results are given back by name.

        :param sandbox: which one.
        :param cases: of different names; one that fails does not stop the others.
        :param arguments: further words of the command.
        :param anew: false leaves the sandbox as it is, so that its journal has the requests of all cases.
        :param kwargs: as for :meth:`play`.
        """
        url = f"{sandbox.url}/_sandbox/reset"
        resets = [{"url": url, "body": {"faults": case.faults, "crowd": case.crowd}} for case in cases if anew]
        tasks: list[dict[str, Any]] = [
            {"name": "Begin", "control_sandbox": {**reset, "method": "POST"}, "no_log": True} for reset in resets[:1]
        ]
        for number, case in enumerate(cases):
            following = resets[number + 1] if number + 1 < len(resets) else None
            tasks.append({**self._kept(case.task, number, following), "ignore_errors": True})
        played = self.play(self.write(tasks), *arguments, **kwargs)
        played.results = {case.name: self._result(number) for number, case in enumerate(cases)}
        return played

    def _kept(self, task: dict[str, Any], number: int, reset: dict[str, Any] | None = None) -> dict[str, Any]:
        """A task whose result is kept, whether it fails or not; then the sandbox begins anew, if asked for."""
        end = self._end(number)
        end.unlink(missing_ok=True)
        keep = {
            "name": "Keep the result",
            "keep_result": {"content": "{{ kept_result | to_json | string }}", "dest": str(end), "reset": reset},
            "no_log": True,
        }
        return {"block": [{**task, "register": "kept_result"}], "always": [keep]}

    def differences_from_golden(self, name: str) -> list[str]:
        """Return how the results of the modules that were run differ from those that were recorded.

        :param name: of the recorded file.
        """
        lines = (self.folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
        notes = map(json.loads, lines)
        return golden.compare(name, [{"module": note["module"], **note["result"]} for note in notes])

    def _end(self, number: int) -> Path:
        return self.folder / f"result{number}.json"

    def _result(self, number: int) -> dict[str, Any]:
        end = self._end(number)
        return dict(json.loads(end.read_text(encoding="utf-8"))) if end.exists() else {}

    def write(self, tasks: list[dict[str, Any]]) -> Path:
        """A playbook of tasks.

        :param tasks: as in a playbook.
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
    """One sandbox for all tests."""
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    """The sandbox, as new."""
    sandbox_process.reset()
    return sandbox_process


def bulk_incident_entries(count: int) -> list[dict[str, str]]:
    """Incidents of the sandbox's crowd, as entries of a list.

    :param count: how many.
    """
    named = {"workspace_id": BULK_WORKSPACE, "source": "Sentinel"}
    return [{**named, "incident_id": bulk_incident_id(number)} for number in range(1, count + 1)]


@pytest.fixture
def player(tmp_path: Path, sandbox: SandboxProcess) -> Player:
    """Runs playbooks that reach the sandbox."""
    return Player(tmp_path, sandbox.environment())
