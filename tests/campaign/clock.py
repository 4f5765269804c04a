# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock for client and server that jumps over every wait, so that a lag of seconds costs no time."""

from __future__ import annotations

import threading

from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock


class VirtualClock(Clock):
    """Time that passes only when somebody waits or a request is handled."""

    def __init__(self) -> None:
        self._time = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the virtual time in seconds."""
        return self._time

    def sleep(self, seconds: float) -> None:
        """Advance the time.

        :param seconds: by how much.
        """
        with self._lock:
            self._time += max(0.0, seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Advance the time instead of waiting for a notification.

        :param condition: held by the caller.
        :param seconds: by how much.
        """
        del condition
        self.sleep(seconds)
