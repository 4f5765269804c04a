# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find and kill the processes of a playbook, including workers in sessions of their own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Callable

#: Timeout in seconds; long enough for a busy machine, as no test that uses it measures speed.
LONGEST = 60


def eventually(is_so: Callable[[], Any], what: str) -> Any:
    """Wait until a condition is true and return its value.

    :param is_so: the condition.
    :param what: its description, for the failure.
    """
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"timed out after {LONGEST} s waiting for {what}")


def processes_of(home: Path) -> dict[int, str]:
    """Return the command lines of all processes of a playbook by process ID.

    :param home: the HOME of the playbook, which identifies its processes.
    """
    found = {}
    wanted = f"HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # the process has ended
            continue
    return {number: command for number, command in found.items() if command}


def kill(number: int) -> None:
    """Send SIGKILL to a process, if it exists.

    :param number: the process ID.
    """
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill_all(home: Path) -> None:
    """Kill all processes of a playbook and wait for their end.

    :param home: the HOME of the playbook.
    """

    def are_gone() -> bool:
        found = processes_of(home)
        for number in found:
            kill(number)
        return not found

    eventually(are_gone, "the end of all processes")
