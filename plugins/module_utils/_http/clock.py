# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The source of time."""

from __future__ import annotations

import threading
import time


class Clock:
    """Read the time and wait; tests replace it."""

    def now(self) -> float:
        """Return the seconds of a monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        :param seconds: the duration.
        """
        time.sleep(seconds)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait until a condition is notified or some seconds have passed.

        :param condition: a condition whose lock the calling thread holds.
        :param seconds: the maximum duration.
        """
        condition.wait(seconds)
