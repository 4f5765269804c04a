# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two values of a field are the same, however they are spelled."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Hashable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.instants import instant
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import (
    BOOLEAN,
    DATE,
    MULTISELECT,
    NUMBER,
    OPTION_NAME_KEYS,
    OPTION_VALUE_KEYS,
    OTHER,
    SELECT,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import Field

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].+)?", re.ASCII)

#: Digits of a number; longer ones are identifiers, and Python would refuse to read them.
LONGEST_NUMBER = 300

_WORDS: Mapping[str, bool] = {"true": True, "yes": True, "false": False, "no": False}


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing: null, an empty text, list or object.

    :param value: of any kind.
    """
    return value is None or value in ("", [], {})


def as_number(value: Any) -> int | float | None:
    """The number that a value is, or that its digits say; None if it is none.

    :param value: of any kind.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < 10**LONGEST_NUMBER else None
    text = value.strip()
    if not _NUMBER.fullmatch(text) or len(text) > LONGEST_NUMBER:
        return None
    if "." not in text:
        return int(text)
    # Digits that a float cannot hold would become another number on their way.
    return float(text) if Decimal(repr(float(text))) == Decimal(text) else None


def as_boolean(value: Any) -> bool | None:
    """The truth value that a value is, or that its word says; None if it is none.

    :param value: of any kind.
    """
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None


def choice_of(field: Field, value: Any) -> Any:
    """What a ticket stores for an option (TK-A14), whichever of its spellings is given, in any case.

    :param field: the field with its options.
    :param value: a spelling, or the option itself as an object; what is none of the options stays as it is.
    """
    if isinstance(value, Mapping):
        parts = [value[key] for key in (*OPTION_VALUE_KEYS, *OPTION_NAME_KEYS) if value.get(key) is not None]
        return next((choice for part in parts for choice in _choices(field, str(part))), value)
    return next(iter(_choices(field, str(value))), value) if isinstance(value, (str, int, float)) else value


def _choices(field: Field, spelling: str) -> list[Any]:
    """What the options of a spelling store: an exact one first, the value before the label."""
    exact = [
        choice.value
        for place in range(len(OPTION_VALUE_KEYS) + len(OPTION_NAME_KEYS))
        for choice in field.choices
        if choice.spellings[place : place + 1] == (spelling,)
    ]
    folded = spelling.strip().casefold()
    return exact or [
        choice.value for choice in field.choices if folded in [known.casefold() for known in choice.spellings]
    ]


def is_same(field: Field, one: Any, other: Any) -> bool:
    """Whether two values of a field are the same.

    Points in time are compared as such, numbers with their digits, options by what they store, lists of options
    whatever their order. A value that the service would clean, such as HTML, is another one.

    :param field: the field.
    :param one: a value.
    :param other: a value.
    """
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    if one == other and type(one) is type(other):  # True is 1 in Python, and is not here
        return True
    if field.kind == DATE:
        return _same_instant(one, other)
    if field.kind == NUMBER:
        return _same_number(one, other)
    if field.kind == BOOLEAN:
        return as_boolean(one) is not None and as_boolean(one) == as_boolean(other)
    if field.kind == SELECT:
        return str(choice_of(field, one)) == str(choice_of(field, other))
    if field.kind == MULTISELECT:
        return _stored(field, one) == _stored(field, other)
    if field.kind == OTHER and _same_instant(one, other):
        return True
    return _is_number(one) != _is_number(other) and _same_number(one, other)


def likeness(value: Any) -> Hashable:
    """What values that are the same (:func:`is_same`) have in common; those that have it in common need not be.

    :param value: a text or a number.
    """
    moment = moment_of(value)
    if moment is not None:
        return moment
    text = str(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def moment_of(value: Any) -> datetime | None:
    """The point in time that a value names in ISO 8601, as the service's pages spell it; None if it names none.

    :param value: of any kind.
    """
    return instant(value) if isinstance(value, str) and _DATE.fullmatch(value.strip()) else None


def _same_instant(one: Any, other: Any) -> bool:
    first, second = moment_of(one), moment_of(other)
    return first is not None and first == second


def _same_number(one: Any, other: Any) -> bool:
    """Digits are compared as such: as floats, two long ones would be the same."""
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    try:
        return Decimal(str(one).strip()) == Decimal(str(other).strip())
    except (InvalidOperation, ValueError):
        return str(one).strip() == str(other).strip()


def _stored(field: Field, value: Any) -> set[str]:
    entries = value if isinstance(value, list) else [value]
    return {str(choice_of(field, entry)) for entry in entries}
