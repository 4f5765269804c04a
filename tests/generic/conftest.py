# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures of the tests that run ansible-playbook against the sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

PLAYBOOK_COMMAND = Path(sys.executable).parent / "ansible-playbook"


@dataclass
class Played:
    """What a playbook did.

    :param code: the exit code.
    :param output: everything that it printed, errors too.
    :param result: the last task's registered result, if C(tasks) were played.
    """

    code: int
    output: str
    result: dict[str, Any] | None = None


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
            "ANSIBLE_ACTION_PLUGINS": str(Path(__file__).parent / "action_plugins"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            **environment,
        }

    def play(self, playbook: str | Path, *arguments: str, environment: dict[str, str] | None = None) -> Played:
        """Run a playbook.

        :param playbook: a path, or an FQCN.
        :param arguments: further words of the command.
        :param environment: further variables; an empty text takes one away.
        """
        variables = {**self.environment, **(environment or {})}
        done = subprocess.run(
            [str(PLAYBOOK_COMMAND), str(playbook), *arguments],
            cwd=self.folder,
            env={name: value for name, value in variables.items() if value != ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        return Played(done.returncode, done.stdout)

    def play_tasks(self, tasks: list[dict[str, Any]], *arguments: str, **kwargs: Any) -> Played:
        """Run tasks; the last one's result is given back, whether it failed or not.

        :param tasks: as in a playbook.
        :param arguments: further words of the command.
        :param kwargs: as for :meth:`play`.
        """
        end = self.folder / "result.json"
        end.unlink(missing_ok=True)
        *before, last = tasks
        keep = {
            "name": "Keep the result",
            "keep_result": {"content": "{{ kept_result | to_json | string }}", "dest": str(end)},
            "no_log": True,
        }
        guarded = {"block": [{**last, "register": "kept_result"}], "always": [keep]}
        played = self.play(self.write([*before, guarded]), *arguments, **kwargs)
        if end.exists():
            played.result = json.loads(end.read_text(encoding="utf-8"))
        return played

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


@pytest.fixture
def player(tmp_path: Path, sandbox: SandboxProcess) -> Player:
    """Runs playbooks that reach the sandbox."""
    return Player(tmp_path, sandbox.environment())
