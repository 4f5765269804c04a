# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Sanitize values for the rule engine of ansible-rulebook.

The rule engine drops an event with a number, key or text that it cannot read, and stops accepting events after one with
an empty key. Anyone who can raise an incident controls parts of its event, so events are sanitized before they are
dispatched.
"""

from __future__ import annotations

import math
from itertools import count
from typing import Any, Iterator, Mapping

#: The maximum nesting of lists and mappings; events of the service have a few levels.
MAX_DEPTH = 50

TOO_DEEP = "(nested too deep)"
EMPTY_KEY_NAME = "(no name)"
ELLIPSIS = "..."

#: The largest integer that every JSON parser accepts.
MAX_INTEGER = 2**63 - 1

#: Maximum characters of a key and a text. The rule engine accepts 50,000 and 20,000,000, and counts some twice.
MAX_KEY_LENGTH = 20_000
MAX_TEXT_LENGTH = 10_000_000


def sanitize(value: Any, depth: int = 0) -> Any:
    """Return a value without anything that the rule engine cannot read; never raise.

    :param value: a value of JSON.
    :param depth: how many lists and mappings contain it.
    """
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict):
        names = _replacement_keys(value)
        return {names.get(key, key): sanitize(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [sanitize(item, depth + 1) for item in value]
    if isinstance(value, str):
        return _truncate(value, MAX_TEXT_LENGTH)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return _integer_text(value)
    return value


def _replacement_keys(value: Mapping[str, Any]) -> dict[str, str]:
    """Return unique replacements for the keys that the rule engine cannot read."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in value:
        if not isinstance(key, str) or 0 < len(key) <= MAX_KEY_LENGTH:
            continue
        taken = taken or set(value)
        # Leave room for the number, so that a name is never truncated again.
        name = _truncate(key, MAX_KEY_LENGTH - 10) or EMPTY_KEY_NAME
        free = next(each for each in _numbered(name) if each not in taken)
        taken.add(free)
        names[key] = free
    return names


def _numbered(name: str) -> Iterator[str]:
    """Yield a name, and then the same name with a number."""
    yield name
    yield from (f"{name} {number}" for number in count(2))


def _truncate(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else text[: max_length - len(ELLIPSIS)] + ELLIPSIS


def _integer_text(number: int) -> str:
    """Return an integer as a text; Python cannot convert the largest ones."""
    try:
        return str(number)
    except ValueError:
        return "(a number with too many digits)"
