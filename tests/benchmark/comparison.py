# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A measured ratio to a reference, with its limit."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.secops.itsm.tests.benchmark.figures import Spread


@dataclass(frozen=True)
class Comparison:
    """A ratio to a reference in the same run.

    :param aim: the goal, as a text for a table.
    :param ratio: the ratio to the reference.
    :param most: its upper limit.
    """

    aim: str
    ratio: Spread
    most: float

    @property
    def is_reached(self) -> bool:
        """Return whether the ratio is within the limit."""
        return self.ratio.middle <= self.most
