# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values as ansible-rulebook can carry them.

It loses an event with a number that its rule engine cannot read, and for good stops taking events at one with an empty
key. So what an event holds is made fit before it is handed over: anybody who can raise an incident writes into events.
"""

from __future__ import annotations

import math
from typing import Any

#: How many lists and mappings may stand in each other; the events of a service have a handful.
DEEPEST = 50

TOO_DEEP = "(nested too deep)"
NO_NAME = "(no name)"

#: The whole numbers that every reader of JSON takes.
LARGEST_NUMBER = 2**63 - 1


def for_rules(value: Any, depth: int = 0) -> Any:
    """A value in which nothing is left that a rulebook would stumble over; never raises.

    :param value: what JSON can carry.
    :param depth: how many lists and mappings it stands in.
    """
    if isinstance(value, (dict, list)) and depth >= DEEPEST:
        return TOO_DEEP
    if isinstance(value, dict):
        return {key or NO_NAME: for_rules(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [for_rules(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return _digits(value)
    return value


def _digits(number: int) -> str:
    """A whole number as a text; Python refuses to spell the longest ones."""
    try:
        return str(number)
    except ValueError:
        return "(a number of too many digits)"
