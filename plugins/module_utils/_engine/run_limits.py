# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Detect that a run is over: ansible-playbook has ended, or the task's timeout has expired.

Ansible stops neither the workers of an ansible-playbook that was killed nor an ordinary module whose task timed out, so
both have to check this themselves.
"""

from __future__ import annotations

import os
import select
import time
from typing import Callable, Mapping

#: Environment variables with which the action plugin passes the limits to an ordinary module. They are not options.
#: The process ID of ansible-playbook, for a module on the same machine.
CONTROLLER_PID = "SECOPS_ITSM_CONTROLLER_PID"
#: The end of the task's timeout as a value of time.monotonic(), for a module on the same machine.
DEADLINE = "SECOPS_ITSM_DEADLINE"
#: The remaining seconds of the task's timeout, for a module on another machine.
TIME_LEFT = "SECOPS_ITSM_TIME_LEFT"

#: Returns whether a run is over.
IsOver = Callable[[], bool]


def never_over() -> bool:
    """Return False, for a run without limits."""
    return False


def over_when(controller_has_ended: Callable[[], bool], deadline: float | None) -> IsOver:
    """Return the function that checks whether a run is over.

    :param controller_has_ended: returns whether ansible-playbook has ended.
    :param deadline: the end of the task's timeout as a value of time.monotonic(); None for a task without timeout.
    """
    return lambda: (deadline is not None and time.monotonic() >= deadline) or controller_has_ended()


def over_from_environment(environment: Mapping[str, str]) -> IsOver:
    """Return the function that checks whether the run of an ordinary module is over.

    :param environment: the module's environment, with the limits from the action plugin.
    """
    deadline = None
    if DEADLINE in environment:
        deadline = float(environment[DEADLINE])
    elif TIME_LEFT in environment:
        deadline = time.monotonic() + float(environment[TIME_LEFT])
    pid = environment.get(CONTROLLER_PID)
    return over_when(end_of_process(int(pid)) if pid else never_over, deadline)


def end_of_process(pid: int) -> Callable[[], bool]:
    """Return a function that returns whether a process has ended.

    On Linux, this uses a file descriptor of the process: a process ID may be reused, and exists until the parent has
    collected the exit status.

    :param pid: the process ID.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return lambda: True
    except (AttributeError, OSError):  # not Linux, an old kernel, or a container that forbids it
        return lambda: not _exists(pid)
    return lambda: bool(select.select([handle], [], [], 0)[0])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # a process of another user
        return True
    return True
