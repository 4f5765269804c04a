# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a variant once, measure it, and fail if it did not do exactly its work."""

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
#: The time limit of a run in seconds, for a slow variant on a slow machine.
_RUN_TIMEOUT = 1800


class WrongRunError(Exception):
    """A run did not do exactly its work."""


@dataclass(frozen=True)
class Run:
    """The measurements of a run.

    :param wall: the seconds of the whole run.
    :param tasks: the seconds of its tasks, or of the script without start and imports.
    :param requests: the number of requests by operation.
    :param connections: the number of connections.
    :param main_mb: the peak memory of its main process in megabytes.
    :param worker_mb: the peak memory of its child processes in megabytes; None for the script.
    """

    wall: float
    tasks: float
    requests: dict[str, int]
    connections: int
    main_mb: float
    worker_mb: float | None


class Bench:
    """Run variants against a sandbox.

    :param sandbox: the sandbox.
    :param folder: the directory for temporary files.
    """

    def __init__(self, sandbox: SandboxProcess, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self._seen = 0
        sandbox.reset(crowd=1)
        stored = sandbox.state()["incidents"]
        self._workspace = next(str(each["workspaceId"]) for each in stored if each["id"] == bulk_incident_id(1))

    def start(self) -> Run:
        """Run the empty play."""
        return self._timed(EMPTY, 0)

    def close(self, variant: Variant, number: int, latency: float = 0.0) -> Run:
        """Close open incidents with a variant.

        :param variant: the variant.
        :param number: the number of incidents.
        :param latency: the seconds by which the sandbox delays each response.
        :raises WrongRunError: if the run closed other incidents, or sent other requests than expected.
        """
        faults = [{"operation": "*", "times": -1, "latency": latency}] if latency else []
        self.sandbox.reset(crowd=number, faults=faults)
        self._seen = 0
        run = self._timed(variant, number)
        self._check(variant, number, run, variant.requests_to_close(number))
        return run

    def again(self, variant: Variant, number: int) -> Run:
        """Run a variant for incidents that are already closed, which takes one read for each.

        :param variant: the variant.
        :param number: the number of incidents.
        :raises WrongRunError: if the run sent other requests than expected.
        """
        run = self._timed(variant, number)
        self._check(variant, number, run, {READ: number})
        return run

    def _timed(self, variant: Variant, number: int) -> Run:
        variables = self._variables(variant, number)
        times, output = self.folder / "times.json", self.folder / "output.txt"
        times.unlink(missing_ok=True)
        if variant.playbook is None:
            command = [sys.executable, str(HERE / "floor.py"), str(variables)]
        else:
            command = [str(ANSIBLE_PLAYBOOK), str(HERE / "playbooks" / variant.playbook), "-e", f"@{variables}"]
        with output.open("w", encoding="utf-8") as stream:
            started = time.monotonic()
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=timing_environment(self.sandbox, self.folder, times),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
            code = _wait_for(process)
            wall = time.monotonic() - started
        text = output.read_text(encoding="utf-8")
        if code != 0:
            raise WrongRunError(f"{variant.label} ended with exit code {code}:\n{text[-3000:]}")
        measured = json.loads(times.read_text(encoding="utf-8") if variant.playbook else text.splitlines()[-1])
        entries = self.sandbox.journal()["entries"][self._seen :]
        self._seen += len(entries)
        refused = [entry for entry in entries if entry["status"] not in (200, 204)]
        if refused:
            raise WrongRunError(f"{variant.label} had {len(refused)} refused requests, the first: {refused[0]}")
        return Run(
            wall=wall,
            tasks=sum(task["seconds"] for task in measured["tasks"]),
            requests=dict(Counter(entry["operation"] for entry in entries)),
            connections=len({entry["connection"] for entry in entries}),
            main_mb=_megabytes(measured["main_kib"]),
            worker_mb=_megabytes(measured["worker_kib"]) if "worker_kib" in measured else None,
        )

    def _variables(self, variant: Variant, number: int) -> Path:
        """Write the variables of a run, and return their file."""
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
        """Raise WrongRunError unless all incidents are closed, each with one comment, and nothing else was sent."""
        expected = {bulk_incident_id(each) for each in range(1, number + 1)}
        closed = {
            incident["id"]
            for incident in self.sandbox.state()["incidents"]
            if incident["id"] in expected
            and incident["status"] == CLOSURE["status"]
            and incident["classification"] == CLOSURE["classification"]
            and incident["classificationReason"] == CLOSURE["classification_reason"]
            and [comment["message"] for comment in incident["comments"]] == [CLOSURE["comment"]]
        }
        if closed != expected:
            raise WrongRunError(f"{variant.label} closed {len(closed)} of {number} incidents correctly")
        if run.requests != requests:
            raise WrongRunError(f"{variant.label} sent {run.requests} instead of {requests}")
        most = variant.most_connections
        if most is not None and run.connections > most:
            raise WrongRunError(f"{variant.label} opened {run.connections} connections instead of at most {most}")


def clean_environment(sandbox: SandboxProcess, folder: Path) -> dict[str, str]:
    """Return an environment with the defaults of Ansible, and without settings of the user.

    :param sandbox: the sandbox.
    :param folder: the home directory.
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
    """Return a clean environment in which the callback plugin writes the times of tasks to a file.

    :param sandbox: the sandbox.
    :param folder: the home directory.
    :param times: the file.
    """
    return {
        **clean_environment(sandbox, folder),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times",
        "SECOPS_ITSM_TASK_TIMES": str(times),
    }


def _wait_for(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process, and return its exit code. If the benchmark is interrupted, interrupt the process, too.

    The signal lets ansible-playbook stop its worker.
    """
    try:
        return process.wait(timeout=_RUN_TIMEOUT)
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _megabytes(kibibytes: int) -> float:
    """Return kibibytes, the unit of the kernel, in megabytes."""
    return kibibytes * 1024 / 1_000_000
