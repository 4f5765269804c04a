# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signals that end a process, put off for as long as something must not be left half done."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Callable

#: Ctrl-C, what a job's controller sends, and what comes when the terminal is gone. One of them may bring another one.
PUT_OFF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Seconds within which the same signal again is the same interruption: Ansible cleans up twice, and sends it each time.
ECHO = 0.3


class Interrupts:
    """While it is entered, each of the signals is put off once; the same one again ends the process at once.

    :param finish: brings what is under way to its end; called for the first one of each kind, so it may be called more
        than once.
    """

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._former: dict[int, Any] = {}
        self._came: dict[int, float] = {}

    def __enter__(self) -> Interrupts:
        # Only the main thread may; elsewhere nobody sends us signals.
        if threading.current_thread() is threading.main_thread():
            for number in PUT_OFF:
                # What the process ignores stays ignored; a handler that was not set from Python could not be set again.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._former[number] = signal.signal(number, self._put_off)
        return self

    def _put_off(self, number: int, frame: Any) -> None:
        del frame
        now = time.monotonic()
        if number not in self._came:
            self._came[number] = now
            self._finish()
        elif now - self._came[number] >= ECHO:
            # Not the former handler: one that raises would still wait for the workers.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def __exit__(self, *_exc: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        if self._came:
            os.kill(os.getpid(), next(iter(self._came)))
