# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Detect the end of a run whose task was not stopped: ansible-playbook has ended, or the task's timeout has expired.

Ansible ends neither the workers of an ansible-playbook that was killed nor an ordinary module whose task timed out, so
both have to check for themselves.
"""

from __future__ import annotations

import os
import select
import time
from typing import Callable, Mapping

#: Environment variables in which the action plugin passes the limits on to an ordinary module; they are not options.
#: The process ID of ansible-playbook, for a module on the same machine.
CONTROLLER_PID = "SECOPS_ITSM_CONTROLLER_PID"
#: The end of the task's timeout as a value of time.monotonic(), for a module on the same machine.
DEADLINE = "SECOPS_ITSM_DEADLINE"
#: The seconds that are left of the task's timeout, for a module on another machine.
TIME_LEFT = "SECOPS_ITSM_TIME_LEFT"

#: Returns whether a run is over.
IsOver = Callable[[], bool]


def never_over() -> bool:
    """Return False, for a run without limits."""
    return False


def over_when(controller_has_ended: Callable[[], bool], deadline: float | None) -> IsOver:
    """Return the check for a run.

    :param controller_has_ended: returns whether ansible-playbook has ended.
    :param deadline: the value of time.monotonic() at which the task's timeout ends, None for a task without one.
    """
    return lambda: (deadline is not None and time.monotonic() >= deadline) or controller_has_ended()


def over_from_environment(environment: Mapping[str, str]) -> IsOver:
    """Return the check for an ordinary module's run.

    :param environment: the module's, with the limits that the action plugin passes on.
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

    Linux offers a handle of the process. It is the safer way: it does not mistake a later process with the same ID, or
    one that has ended and was not waited for, for the process.

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
