# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Medians with their spread, and ratios of them: the only form in which speed is told."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Iterable


@dataclass(frozen=True)
class Spread:
    """A median, and the least and the most around it.

    :param middle: the median.
    :param least: the least that was measured, or can follow from what was measured.
    :param most: the most.
    """

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of measured values.

        :param values: one for each round.
        """
        known = list(values)
        return cls(statistics.median(known), min(known), max(known))

    def over(self, other: Spread) -> Spread:
        """How many times the other one this is. The spread is the widest that the rounds allow: the least of the one
        over the most of the other, and the other way round.

        :param other: the rival.
        """
        return Spread(self.middle / other.middle, self.least / other.most, self.most / other.least)

    def by(self, number: float) -> Spread:
        """A share.

        :param number: of how many.
        """
        return Spread(self.middle / number, self.least / number, self.most / number)

    def told(self, unit: str = "") -> str:
        """For a table.

        :param unit: after the median.
        """
        return f"{short(self.middle)}{unit} ({short(self.least)} to {short(self.most)})"


def short(value: float) -> str:
    """A number in about three digits.

    :param value: any.
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
