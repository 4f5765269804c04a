# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Signals that end the process are deferred while something must not be left half done."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Callable

#: Ctrl-C, the signal of a job's controller, and the one of a closed terminal. One of them may be followed by another.
DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Seconds in which a repeated signal is the same interruption: Ansible cleans up twice, and sends the signal each time.
REPEAT_INTERVAL = 0.3


class DeferredSignals:
    """A context in which each signal is deferred once; a repeated signal ends the process immediately.

    The first deferred signal is sent again at the end of the context.

    :param finish: starts to end the work in progress; called once for each kind of signal.
    """

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._former: dict[int, Any] = {}
        self._received: dict[int, float] = {}

    def __enter__(self) -> DeferredSignals:
        # Only the main thread can set handlers, and receives signals.
        if threading.current_thread() is threading.main_thread():
            for number in DEFERRED:
                # An ignored signal stays ignored; a handler that was not set from Python could not be restored.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._former[number] = signal.signal(number, self._defer)
        return self

    def _defer(self, number: int, frame: Any) -> None:
        del frame
        now = time.monotonic()
        if number not in self._received:
            self._received[number] = now
            self._finish()
        elif now - self._received[number] >= REPEAT_INTERVAL:
            # Not the former handler: if it raises an exception, that would still wait for the workers.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def __exit__(self, *_exc: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        if self._received:
            os.kill(os.getpid(), next(iter(self._received)))
