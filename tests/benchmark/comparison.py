# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One thing measured against a rival in the same run, with what was to be reached."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.secops.itsm.tests.benchmark.figures import Spread


@dataclass(frozen=True)
class Comparison:
    """A ratio.

    :param aim: for a table: what is compared with what, and the bound.
    :param ratio: how many times the rival it takes.
    :param most: the bound.
    """

    aim: str
    ratio: Spread
    most: float

    @property
    def is_reached(self) -> bool:
        """Whether it is within the bound."""
        return self.ratio.middle <= self.most
