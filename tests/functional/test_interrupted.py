# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interrupted job leaves each incident of a list closed or untouched, and the next run closes the others.

One job has a host for each execution mode, so that an interruption reaches both.
"""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
import threading
import time
from typing import Any, Iterator, Mapping

import pytest

from ansible_collections.secops.itsm.tests.functional.bulk_job import LIST, MODES, SLOW, STATUS, WORKERS, BulkJob
from ansible_collections.secops.itsm.tests.functional.processes import LONGEST, eventually, kill

#: Number of incidents of each host.
SHARE = 40
UNTOUCHED, CLOSED = ("New", 0), ("Closed", 1)


class Terminal:
    """ansible-playbook in a terminal of its own.

    :param job: the job.
    """

    def __init__(self, job: BulkJob) -> None:
        self.job = job
        self._keyboard, screen = pty.openpty()
        self.process = subprocess.Popen(
            job.command,
            cwd=job.player.folder,
            env=job.player.variables(),
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
        except OSError:  # the last process in the terminal has ended
            return

    @property
    def output(self) -> str:
        """Return the content of the screen."""
        return b"".join(self._shown).decode(errors="replace")

    def press_ctrl_c(self) -> None:
        """Let the terminal send SIGINT to all processes in the foreground."""
        os.write(self._keyboard, b"\x03")

    def wait(self) -> int:
        """Wait for the end of ansible-playbook and return its exit code."""
        return self.process.wait(LONGEST)

    def wait_for_all(self) -> None:
        """Wait for the end of all processes."""
        eventually(lambda: not self.job.processes(), f"the end of {self.job.processes()}")

    def close(self) -> None:
        """Kill all processes."""
        self.job.close()
        self.wait()
        self._reader.join(LONGEST)
        os.close(self._keyboard)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def begin(player, sandbox) -> Iterator[Any]:
    """Return a function that starts a job and returns it when each host has sent some writes."""
    terminals = []

    def begun(
        hosts: Mapping[str, Any],
        fault: Mapping[str, Any] | None = None,
        writes: int = 2,
        task: Mapping[str, Any] | None = None,
    ) -> Terminal:
        job = BulkJob(player, sandbox, hosts, SHARE)
        job.write_playbook([dict(task or LIST)], "linear")
        sandbox.set_faults(dict(fault or SLOW))
        terminal = Terminal(job)
        terminals.append(terminal)
        eventually(lambda: terminal.process.poll() is not None or min(job.written()) >= writes, "some writes")
        assert terminal.process.poll() is None, terminal.output
        return terminal

    yield begun
    for terminal in terminals:
        terminal.close()


def is_quiet(sandbox):
    """Return whether no request is in progress."""
    before = sandbox.journal()["entries"]
    time.sleep(2 * SLOW["latency"])
    return before == sandbox.journal()["entries"]


def assert_next_run_closes_the_others(job: BulkJob) -> None:
    """Run the job again and check that it only writes to untouched incidents."""
    untouched = sum(state == UNTOUCHED for of_host in job.states().values() for state in of_host.values())
    job.sandbox.set_faults()
    before = job.sandbox.journal()["writes"]
    played = job.player.play("project/playbook.yml", "-i", "inventory")
    assert played.code == 0, played.output
    assert job.sandbox.journal()["writes"] - before == untouched
    assert {state for of_host in job.states().values() for state in of_host.values()} == {CLOSED}


def interrupt_by_ctrl_c(terminal: Terminal) -> None:
    """Interrupt the job as a user does."""
    terminal.press_ctrl_c()


def interrupt_by_sigterm(terminal: Terminal) -> None:
    """Interrupt the job as the controller of a job does."""
    terminal.process.terminate()


@pytest.mark.parametrize("interrupt", [interrupt_by_ctrl_c, interrupt_by_sigterm], ids=["ctrl-c", "sigterm"])
def test_interrupted_list_leaves_whole_incidents(begin, interrupt):
    terminal = begin(MODES)
    interrupt(terminal)
    assert terminal.wait() != 0
    terminal.wait_for_all()
    assert "Traceback" not in terminal.output
    requests = terminal.job.requests()
    for host, states in terminal.job.states().items():
        assert set(states.values()) == {UNTOUCHED, CLOSED}, host
        # Each incident in progress was written to and read back.
        assert set(requests[host].values()) <= {"RWR", "R"}
        assert {name for name, sent in requests[host].items() if "W" in sent} == {
            name for name, state in states.items() if state == CLOSED
        }
    assert_next_run_closes_the_others(terminal.job)


def test_second_ctrl_c_ends_at_once(begin, sandbox):
    """The job does not wait for writes in progress, each of which takes effect completely or not at all."""
    terminal = begin(MODES, {"operation": "v2-update-incident-status", "latency": 8, "times": -1}, writes=WORKERS)
    terminal.press_ctrl_c()
    eventually(lambda: "interrupted" in terminal.output or terminal.process.poll() is not None, "an interruption")
    terminal.press_ctrl_c()
    terminal.wait()
    statuses = [entry["status"] for entry in sandbox.journal()["entries"] if entry["write"]]
    assert statuses == [None] * WORKERS * len(MODES)
    terminal.wait_for_all()
    eventually(lambda: is_quiet(sandbox), "the end of all requests")
    for states in terminal.job.states().values():
        assert set(states.values()) <= {UNTOUCHED, CLOSED}
    assert_next_run_closes_the_others(terminal.job)


@pytest.mark.parametrize("mode", MODES)
def test_next_run_completes_list_of_killed_worker(begin, sandbox, mode):
    terminal = begin({mode: MODES[mode]})
    for number, command in terminal.job.processes().items():
        is_module = "/bin/sh" not in command and "AnsiballZ_" in command
        if number != terminal.process.pid and (mode == "here" or is_module):
            kill(number)
    assert terminal.wait() != 0
    terminal.wait_for_all()
    eventually(lambda: is_quiet(sandbox), "the end of all requests")
    assert set(terminal.job.states()[mode].values()) == {UNTOUCHED, CLOSED}
    assert_next_run_closes_the_others(terminal.job)


def test_retry_after_of_minutes_does_not_delay_interruption(begin, sandbox):
    # Incidents in progress are read back until verify_timeout.
    patient = {**LIST, STATUS: {**LIST[STATUS], "retry_timeout": 600, "verify_timeout": 3}}
    terminal = begin({"here": MODES["here"]}, task=patient)
    sandbox.set_faults({"status": 429, "headers": {"Retry-After": "300"}, "times": -1})
    eventually(lambda: any(entry["status"] == 429 for entry in sandbox.journal()["entries"]), "a refusal")
    terminal.press_ctrl_c()
    assert terminal.wait() != 0
    terminal.wait_for_all()
    assert set(terminal.job.states()["here"].values()) == {UNTOUCHED, CLOSED}
