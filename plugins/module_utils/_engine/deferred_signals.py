# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Defer signals that end the process while work must not be left unfinished."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Callable

#: The signals of Ctrl-C, of a job's controller and of a closed terminal. One kind may follow another.
DEFERRED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Seconds within which a repeated signal is the same interruption: Ansible cleans up twice, with a signal each time.
REPEAT_INTERVAL = 0.3


class DeferredSignals:
    """A context in which each signal is deferred once; a repeated signal ends the process immediately.

    The first deferred signal is sent again at the end of the context.

    :param finish: asks the work in progress to end; called once for each kind of signal.
    """

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish = finish
        self._former: dict[int, Any] = {}
        self._received: dict[int, float] = {}

    def __enter__(self) -> DeferredSignals:
        # Only the main thread can set handlers and receives signals.
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
            # Not the former handler: an exception that it raises would still wait for the workers.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def __exit__(self, *_exc: object) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)
        if self._received:
            os.kill(os.getpid(), next(iter(self._received)))
