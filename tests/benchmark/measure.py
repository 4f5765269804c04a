# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a way to close incidents once, times it, and refuses the result if it did not do exactly its work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.secops.itsm.tests.benchmark.variants import (
    CLOSURE,
    CONCURRENCY,
    EMPTY,
    READ,
    Variant,
)
from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import SOURCE, bulk_incident_id
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

HERE = Path(__file__).resolve().parent
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
#: Also long enough for a slow way on a slow machine; what hangs must end.
_LONGEST = 1800


class WrongRunError(Exception):
    """A run that did not do what is measured, told in a sentence."""


@dataclass(frozen=True)
class Run:
    """What one run took.

    :param wall: seconds from its start to its end.
    :param tasks: seconds of its tasks alone, or of the script without start and imports.
    :param requests: how many of each operation it sent.
    :param connections: how many connections it opened for them.
    :param main_mb: the most memory of its main process, in megabytes.
    :param worker_mb: the most memory of a process that it started, such as the worker; None for the script.
    """

    wall: float
    tasks: float
    requests: dict[str, int]
    connections: int
    main_mb: float
    worker_mb: float | None


class Bench:
    """Runs everything against one sandbox.

    :param sandbox: which one.
    :param folder: for what is written on the way.
    """

    def __init__(self, sandbox: SandboxProcess, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self._seen = 0
        sandbox.reset(crowd=1)
        stored = sandbox.state()["incidents"]
        self._workspace = next(str(each["workspaceId"]) for each in stored if each["id"] == bulk_incident_id(1))

    def start(self) -> Run:
        """The empty play."""
        return self._timed(EMPTY, 0)

    def close(self, variant: Variant, number: int, latency: float = 0.0) -> Run:
        """Let a variant close open incidents.

        :param variant: which one.
        :param number: of incidents.
        :param latency: seconds by which the sandbox delays each answer.
        :raises WrongRunError: if it closed others, or sent what it should not.
        """
        faults = [{"operation": "*", "times": -1, "latency": latency}] if latency else []
        self.sandbox.reset(crowd=number, faults=faults)
        self._seen = 0
        run = self._timed(variant, number)
        self._check(variant, number, run, variant.requests_to_close(number))
        return run

    def again(self, variant: Variant, number: int) -> Run:
        """Let a variant go over incidents that C(close) closed just before, by whatever variant: one read each.

        :param variant: which one.
        :param number: of incidents.
        :raises WrongRunError: if it sent what it should not.
        """
        run = self._timed(variant, number)
        self._check(variant, number, run, {READ: number})
        return run

    def _timed(self, variant: Variant, number: int) -> Run:
        given = self._given(variant, number)
        times, output = self.folder / "times.json", self.folder / "output.txt"
        times.unlink(missing_ok=True)
        if variant.playbook is None:
            command = [sys.executable, str(HERE / "floor.py"), str(given)]
        else:
            command = [str(ANSIBLE_PLAYBOOK), str(HERE / "playbooks" / variant.playbook), "-e", f"@{given}"]
        with output.open("w", encoding="utf-8") as stream:
            begun = time.monotonic()
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=timing_environment(self.sandbox, self.folder, times),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            code = _end_of(process)
            wall = time.monotonic() - begun
        said = output.read_text(encoding="utf-8")
        if code != 0:
            raise WrongRunError(f"{variant.label} ended with exit code {code}:\n{said[-3000:]}")
        told = json.loads(times.read_text(encoding="utf-8") if variant.playbook else said.splitlines()[-1])
        entries = self.sandbox.journal()["entries"][self._seen :]
        self._seen += len(entries)
        refused = [entry for entry in entries if entry["status"] not in (200, 204)]
        if refused:
            raise WrongRunError(f"{variant.label} had {len(refused)} requests refused, the first: {refused[0]}")
        return Run(
            wall=wall,
            tasks=sum(task["seconds"] for task in told["tasks"]),
            requests=dict(Counter(entry["operation"] for entry in entries)),
            connections=len({entry["connection"] for entry in entries}),
            main_mb=_megabytes(told["main_kib"]),
            worker_mb=_megabytes(told["worker_kib"]) if "worker_kib" in told else None,
        )

    def _given(self, variant: Variant, number: int) -> Path:
        """The file with the variables of a run."""
        incident = {"workspace_id": self._workspace, "source": SOURCE}
        path = self.folder / "variables.json"
        variables: dict[str, Any] = {
            "base_url": f"{self.sandbox.url}/api/v2",
            "concurrency": CONCURRENCY,
            "closure": CLOSURE,
            "incidents": [{**incident, "incident_id": bulk_incident_id(each)} for each in range(1, number + 1)],
            **variant.variables,
        }
        path.write_text(json.dumps(variables), encoding="utf-8")
        return path

    def _check(self, variant: Variant, number: int, run: Run, requests: dict[str, int]) -> None:
        """Every incident is closed as it should be, with its comment, once, and nothing else was sent."""
        wanted = {bulk_incident_id(each) for each in range(1, number + 1)}
        right = {
            incident["id"]
            for incident in self.sandbox.state()["incidents"]
            if incident["id"] in wanted
            and incident["status"] == CLOSURE["status"]
            and incident["classification"] == CLOSURE["classification"]
            and incident["classificationReason"] == CLOSURE["classification_reason"]
            and [comment["message"] for comment in incident["comments"]] == [CLOSURE["comment"]]
        }
        if right != wanted:
            raise WrongRunError(f"{variant.label} closed {len(right)} of {number} incidents as it should")

        if run.requests != requests:
            raise WrongRunError(f"{variant.label} sent {run.requests} where it should send {requests}")
        most = variant.most_connections
        if most is not None and run.connections > most:
            raise WrongRunError(f"{variant.label} opened {run.connections} connections instead of {most} at most")


def clean_environment(sandbox: SandboxProcess, folder: Path) -> dict[str, str]:
    """Return an environment with Ansible's own defaults, and nothing that the user of the machine set.

    :param sandbox: that tasks reach.
    :param folder: that takes the place of the user's own.
    """
    return {
        "PATH": f"{ANSIBLE_PLAYBOOK.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        **sandbox.environment(),
    }


def timing_environment(sandbox: SandboxProcess, folder: Path, times: Path) -> dict[str, str]:
    """Return a clean environment in which the times of tasks are written to a file.

    :param sandbox: that tasks reach.
    :param folder: that takes the place of the user's own.
    :param times: the file.
    """
    return {
        **clean_environment(sandbox, folder),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times",
        "SECOPS_ITSM_TASK_TIMES": str(times),
    }


def _end_of(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, and give its exit code. If the benchmark is stopped, so is the process, in the way that lets
    ansible-playbook stop its worker, which would go on alone."""
    try:
        return process.wait(timeout=_LONGEST)
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _megabytes(kibibytes: int) -> float:
    """Memory as people count it, from memory as the kernel counts it."""
    return kibibytes * 1024 / 1_000_000
