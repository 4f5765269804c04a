# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds and ends the processes of a playbook, wherever they are; its workers may lead sessions of their own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Callable

#: Long enough for a machine that is busy; nothing that waits for it measures how quick something is.
LONGEST = 60


def eventually(is_so: Callable[[], Any], what: str) -> Any:
    """Wait until something is so, and give it.

    :param is_so: whether it is.
    :param what: how it is called if it does not come about.
    """
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come about within {LONGEST} s")


def processes_of(home: Path) -> dict[int, str]:
    """Every process of a playbook, with its command line.

    :param home: the home of the playbook, by which its processes are known, because all have it in their environment.
    """
    found = {}
    wanted = f"HOME={home}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
    return {number: command for number, command in found.items() if command}


def kill(number: int) -> None:
    """End a process by SIGKILL, if it is there.

    :param number: its id.
    """
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return
