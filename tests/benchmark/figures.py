# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Medians with their spread, and their ratios, which are the only form of speed in the report."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Iterable


@dataclass(frozen=True)
class Spread:
    """A median with its range.

    :param middle: the median.
    :param least: the minimum, measured or derived from measured values.
    :param most: the maximum.
    """

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the spread of measured values.

        :param values: a value for each round.
        """
        known = list(values)
        return cls(statistics.median(known), min(known), max(known))

    def over(self, other: Spread) -> Spread:
        """Return the ratio to another spread, with the widest range that both allow.

        :param other: the reference.
        """
        return Spread(self.middle / other.middle, self.least / other.most, self.most / other.least)

    def by(self, number: float) -> Spread:
        """Return the spread divided by a number.

        :param number: the divisor.
        """
        return Spread(self.middle / number, self.least / number, self.most / number)

    def formatted(self, unit: str = "") -> str:
        """Return the spread as text for a table.

        :param unit: text after the median.
        """
        return f"{short(self.middle)}{unit} ({short(self.least)} to {short(self.most)})"


def short(value: float) -> str:
    """Return a number with about three digits.

    :param value: the number.
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
