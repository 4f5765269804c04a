# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job that is interrupted in the middle of a list leaves whole incidents, and the next run does the rest."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
import threading
import time
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import (
    AS_MODULES,
    PLAYBOOK_COMMAND,
    bulk_incident_entries,
)
from ansible_collections.secops.itsm.tests.functional.processes import LONGEST, eventually, kill, processes_of

CROWD = 40
BOTH = pytest.mark.parametrize("way", [{}, AS_MODULES], ids=["here", "module"])
CLOSE_ALL = {
    "name": "Close all",
    "secops.itsm.contraforce_incident_status": {
        "incidents": bulk_incident_entries(CROWD),
        "status": "Closed",
        "classification": "FalsePositive",
        "classification_reason": "InaccurateData",
        "comment": "Closed in a list.",
        "concurrency": 4,
    },
}
SLOW = {"latency": 0.15, "times": -1}


class Job:
    """ansible-playbook on a terminal of its own.

    :param player: for its environment and its folder.
    :param way: further variables.
    """

    def __init__(self, player: Any, way: dict[str, str]) -> None:
        playbook = player.write([CLOSE_ALL])
        self._home = player.folder
        self._keyboard, screen = pty.openpty()
        self.process = subprocess.Popen(
            [str(PLAYBOOK_COMMAND), str(playbook)],
            cwd=player.folder,
            env=player.variables(way),
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(screen)
        self._shown: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while data := os.read(self._keyboard, 4096):
                self._shown.append(data)
        except OSError:  # the last process that had the terminal is gone
            return

    @property
    def output(self) -> str:
        """What is on the screen."""
        return b"".join(self._shown).decode(errors="replace")

    def press_ctrl_c(self) -> None:
        """The terminal sends SIGINT to everything in the foreground."""
        os.write(self._keyboard, b"\x03")

    def processes(self) -> dict[int, str]:
        """Every process that belongs to the job, wherever it is, with its command line."""
        return processes_of(self._home)

    def wait(self) -> int:
        """Wait for its end, and give its exit code."""
        return self.process.wait(LONGEST)

    def wait_for_all(self) -> None:
        """Wait until none of its processes is left."""
        eventually(lambda: not self.processes(), f"the end of {self.processes()}")

    def close(self) -> None:
        """End whatever is left."""
        for number in self.processes():
            kill(number)
        self.wait()
        self._reader.join(LONGEST)
        os.close(self._keyboard)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def begin(player, sandbox):
    """Begins a job, and gives it back when it is in the middle of its list."""
    jobs = []

    def begun(way: dict[str, str], fault: dict[str, Any] | None = None, writes: int = 6) -> Job:
        sandbox.reset(crowd=CROWD, faults=[fault or SLOW])
        job = Job(player, way)
        jobs.append(job)
        eventually(lambda: job.process.poll() is not None or sandbox.journal()["writes"] >= writes, "the middle")
        assert job.process.poll() is None, job.output
        return job

    yield begun
    for job in jobs:
        job.close()


def crowd_of(sandbox):
    """Status and number of comments by incident."""
    known = {entry["id"]: (entry["status"], len(entry["comments"])) for entry in sandbox.state()["incidents"]}
    return {incident["incident_id"]: known[incident["incident_id"]] for incident in bulk_incident_entries(CROWD)}


def requests_of(sandbox):
    """The requests about each incident that was begun, as R and W."""
    found: dict[str, str] = {}
    for entry in sandbox.journal()["entries"]:
        name = entry["path"].split("/Sentinel/")[1].split("/")[0]
        found[name] = found.get(name, "") + ("W" if entry["write"] else "R")
    return found


def is_quiet(sandbox):
    """Whether the sandbox has answered, or dealt with, all that it was asked."""
    before = sandbox.journal()["entries"]
    time.sleep(4 * SLOW["latency"])
    return before == sandbox.journal()["entries"]


def assert_second_run_does_the_rest(player, sandbox, way):
    """With nothing doubled, and nothing written where all is done."""
    closed = sum(status == "Closed" for status, _comments in crowd_of(sandbox).values())
    sandbox.set_faults()
    played = player.play_tasks([CLOSE_ALL], environment=way)
    assert played.code == 0, played.output
    assert played.result["msg"] == f"{CROWD - closed} changed, {closed} ok, 0 failed"
    assert set(crowd_of(sandbox).values()) == {("Closed", 1)}


def interrupt_by_ctrl_c(job: Job) -> None:
    """As a user does."""
    job.press_ctrl_c()


def interrupt_by_sigterm(job: Job) -> None:
    """As the controller of a job does."""
    job.process.terminate()


@BOTH
@pytest.mark.parametrize("interrupt", [interrupt_by_ctrl_c, interrupt_by_sigterm], ids=["ctrl-c", "sigterm"])
def test_interrupted_list_leaves_whole_incidents(begin, player, sandbox, way, interrupt):
    job = begin(way)
    interrupt(job)
    assert job.wait() != 0
    job.wait_for_all()
    assert "Traceback" not in job.output
    crowd = crowd_of(sandbox)
    assert ("New", 0) in crowd.values(), "the job was not interrupted"
    assert set(crowd.values()) <= {("New", 0), ("Closed", 1)}
    # What was begun was brought to its end, and read back.
    assert set(requests_of(sandbox).values()) <= {"RWR", "R"}
    assert all(crowd[name] == ("Closed", 1) for name, sent in requests_of(sandbox).items() if "W" in sent)
    assert_second_run_does_the_rest(player, sandbox, way)


@BOTH
def test_second_ctrl_c_ends_at_once(begin, player, sandbox, way):
    """The job does not wait for the writes that are under way, which take effect or not, but never by half."""
    job = begin(way, {"operation": "v2-update-incident-status", "latency": 8, "times": -1}, writes=4)
    job.press_ctrl_c()
    eventually(lambda: "interrupted" in job.output or job.process.poll() is not None, "a word of the interruption")
    job.press_ctrl_c()
    job.wait()
    assert [entry["status"] for entry in sandbox.journal()["entries"] if entry["write"]] == [None] * 4
    job.wait_for_all()
    eventually(lambda: is_quiet(sandbox), "quiet")
    assert set(crowd_of(sandbox).values()) <= {("New", 0), ("Closed", 1)}
    assert_second_run_does_the_rest(player, sandbox, way)


@BOTH
def test_killed_worker(begin, player, sandbox, way):
    """SIGKILL leaves time for nothing, and the next run starts from what it finds."""
    job = begin(way)
    for number, command in job.processes().items():
        if number != job.process.pid and (not way or ("/bin/sh" not in command and "AnsiballZ_" in command)):
            kill(number)
    assert job.wait() != 0
    job.wait_for_all()
    eventually(lambda: is_quiet(sandbox), "quiet")
    crowd = crowd_of(sandbox)
    assert {("New", 0), ("Closed", 1)} == set(crowd.values())
    assert_second_run_does_the_rest(player, sandbox, way)


def test_hold_of_the_service_does_not_outlive_an_interruption(begin, player, sandbox):
    """A service that asks for a wait of minutes cannot keep a job that is to end."""
    job = begin({"CONTRAFORCE_RETRY_TIMEOUT": "600"})
    sandbox.set_faults({"status": 429, "headers": {"Retry-After": "300"}, "times": -1})
    eventually(lambda: any(entry["status"] == 429 for entry in sandbox.journal()["entries"]), "a refusal")
    job.press_ctrl_c()
    assert job.wait() != 0
    job.wait_for_all()
    assert {("New", 0), ("Closed", 1)} == set(crowd_of(sandbox).values())
    assert_second_run_does_the_rest(player, sandbox, {})
