# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock for client and server that skips every wait, so that delays take no time."""

from __future__ import annotations

import threading

from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock


class VirtualClock(Clock):
    """A clock that only advances when a thread waits or the server handles a request."""

    def __init__(self) -> None:
        self._time = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the virtual time in seconds."""
        return self._time

    def sleep(self, seconds: float) -> None:
        """Advance the time.

        :param seconds: the number of seconds.
        """
        with self._lock:
            self._time += max(0.0, seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Advance the time instead of waiting for a notification.

        :param condition: the condition, which the caller holds.
        :param seconds: the number of seconds.
        """
        del condition
        self.sleep(seconds)
