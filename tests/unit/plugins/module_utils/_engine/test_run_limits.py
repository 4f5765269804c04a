# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is over at the task's deadline, and when ansible-playbook has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Iterator

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine import run_limits
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import (
    CONTROLLER_PID,
    DEADLINE,
    TIME_LEFT,
    end_of_process,
    never_over,
    over_from_environment,
    over_when,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that a test sets."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(run_limits, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for its standard input to be closed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        yield child
        child.kill()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, and wait until it has ended, but leave it to others to collect its exit code."""
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_run_without_limits_is_never_over():
    assert over_when(never_over, None)() is False
    assert over_from_environment({"PATH": "/bin"})() is False


def test_run_is_over_from_its_deadline_on(clock):
    is_over = over_when(never_over, 1005.0)
    seen = []
    for clock.now in (1000.0, 1004.9, 1005.0, 1006.0):
        seen.append(is_over())
    assert seen == [False, False, True, True]


def test_run_is_over_when_the_controller_has_ended(clock):
    ended: list[int] = []
    is_over = over_when(lambda: bool(ended), 1005.0)
    assert is_over() is False
    ended.append(1)
    assert is_over() is True


@pytest.mark.parametrize("variable, value", [(DEADLINE, "1005.0"), (TIME_LEFT, "5.0")])
def test_module_reads_its_deadline_from_the_environment(clock, variable, value):
    is_over = over_from_environment({variable: value})
    clock.now = 1004.9
    assert is_over() is False
    clock.now = 1005.0
    assert is_over() is True


def test_module_watches_the_process_of_the_environment(process):
    is_over = over_from_environment({CONTROLLER_PID: str(process.pid)})
    assert is_over() is False
    process.kill()
    process.wait()
    assert is_over() is True


def test_process_that_was_not_waited_for_has_ended(process):
    """Such as that of a shell script or a container whose first process does not care."""
    has_ended = end_of_process(process.pid)
    end(process)
    assert has_ended() is True
    assert end_of_process(process.pid)() is True


def test_process_that_had_ended_before_has_ended(process):
    process.kill()
    process.wait()
    assert end_of_process(process.pid)() is True


@pytest.mark.parametrize("how", ["missing", "refused"])
def test_process_is_watched_without_a_handle_of_it(monkeypatch, process, how):
    def refuse(pid: int) -> int:
        raise OSError("not allowed")

    if how == "missing":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    else:
        monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    has_ended = end_of_process(process.pid)
    assert has_ended() is False
    process.kill()
    process.wait()
    assert has_ended() is True


def test_process_of_another_user_has_not_ended(monkeypatch):
    def kill(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(os, "kill", kill)
    assert end_of_process(4711)() is False
