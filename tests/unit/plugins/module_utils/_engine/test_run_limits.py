# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run is over at the task's deadline, or when ansible-playbook has ended."""

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
    """A process that waits until its standard input is closed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        yield child
        child.kill()


def test_run_without_limits_is_never_over():
    assert over_when(never_over, None)() is False
    assert over_from_environment({"PATH": "/bin"})() is False


def test_run_is_over_when_the_controller_has_ended(clock):
    ended: list[int] = []
    is_over = over_when(lambda: bool(ended), 1005.0)
    assert is_over() is False
    ended.append(1)
    assert is_over() is True


@pytest.mark.parametrize("variable, value", [(DEADLINE, "1005.0"), (TIME_LEFT, "5.0")])
def test_run_is_over_from_its_deadline_on(clock, variable, value):
    is_over = over_from_environment({variable: value})
    seen = []
    for clock.now in (1000.0, 1004.9, 1005.0, 1006.0):
        seen.append(is_over())
    assert seen == [False, False, True, True]


@pytest.mark.parametrize("handle", ["available", "missing", "forbidden"])
def test_module_watches_the_process_of_the_environment(monkeypatch, process, handle):
    def forbid(pid: int) -> int:
        raise OSError("not allowed")

    if handle == "missing":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif handle == "forbidden":
        monkeypatch.setattr(os, "pidfd_open", forbid, raising=False)
    is_over = over_from_environment({CONTROLLER_PID: str(process.pid)})
    assert is_over() is False
    process.kill()
    process.wait()
    assert is_over() is True
    assert end_of_process(process.pid)() is True


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_process_whose_exit_status_is_pending_has_ended(process):
    """Some containers and shell scripts never collect the exit status."""
    has_ended = end_of_process(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert has_ended() is True
    assert end_of_process(process.pid)() is True


def test_process_of_another_user_has_not_ended(monkeypatch):
    def kill(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(os, "kill", kill)
    assert end_of_process(4711)() is False
