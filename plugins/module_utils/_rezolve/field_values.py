# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Convert field values, and compare them independently of their notation."""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Hashable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._plain_text import spelling_key
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import (
    BOOLEAN,
    DATE,
    MULTISELECT,
    NUMBER,
    OPTION_NAME_KEYS,
    OPTION_VALUE_KEYS,
    OTHER,
    SELECT,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Field
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)

#: Maximum number of digits. Longer numbers are identifiers, and Python refuses to convert them.
MAX_NUMBER_DIGITS = 300

_WORDS: Mapping[str, bool] = {"true": True, "yes": True, "false": False, "no": False}


def is_empty(value: Any) -> bool:
    """Return whether a value is null, or an empty text, list or object.

    :param value: any value.
    """
    return value is None or value in ("", [], {})


def as_number(value: Any) -> int | float | None:
    """Return a number, or a text of digits converted to a number; None for any other value.

    :param value: any value.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < 10**MAX_NUMBER_DIGITS else None
    text = value.strip()
    if not _NUMBER.fullmatch(text) or len(text) > MAX_NUMBER_DIGITS:
        return None
    if "." not in text:
        return int(text)
    # Reject a text that a float cannot represent exactly.
    return float(text) if Decimal(repr(float(text))) == Decimal(text) else None


def as_boolean(value: Any) -> bool | None:
    """Return a boolean, or a word such as yes converted to a boolean; None for any other value.

    :param value: any value.
    """
    if isinstance(value, bool):
        return value
    return _WORDS.get(value.strip().lower()) if isinstance(value, str) else None


def choice_of(field: Field, value: Any) -> Any:
    """Return the stored value of an option (TK-A14), or the given value if it does not match an option.

    :param field: the field with its options.
    :param value: a name of the option, ignoring case, or the option as an object.
    """
    if isinstance(value, Mapping):
        parts = [value[key] for key in (*OPTION_VALUE_KEYS, *OPTION_NAME_KEYS) if value.get(key) is not None]
        return next((choice for part in parts for choice in _choices(field, str(part))), value)
    return next(iter(_choices(field, str(value))), value) if isinstance(value, (str, int, float)) else value


def _choices(field: Field, spelling: str) -> list[Any]:
    """Return the stored values of the options with a name: exact matches, or else matches ignoring case."""
    exact = [
        choice.value
        for position in range(len(OPTION_VALUE_KEYS) + len(OPTION_NAME_KEYS))
        for choice in field.choices
        if choice.spellings[position : position + 1] == (spelling,)
    ]
    folded = spelling.strip().casefold()
    return exact or [
        choice.value for choice in field.choices if folded in [known.casefold() for known in choice.spellings]
    ]


def is_same(field: Field, one: Any, other: Any) -> bool:
    """Return whether two values of a field are equal.

    Dates are compared as points in time, numbers by all their digits, options by their stored values, and lists of
    options regardless of order. Texts must be identical, even if the service may reformat them, such as HTML.

    :param field: the field.
    :param one: a value.
    :param other: a value.
    """
    if is_empty(one) or is_empty(other):
        return is_empty(one) and is_empty(other)
    # In Python, True equals 1.
    if one == other and type(one) is type(other):
        return True
    data_type = field.data_type_for(one, other)
    if data_type == DATE:
        return _same_instant(one, other)
    if data_type == NUMBER:
        return _same_number(one, other)
    if data_type == BOOLEAN:
        return as_boolean(one) is not None and as_boolean(one) == as_boolean(other)
    if data_type == SELECT:
        return str(choice_of(field, one)) == str(choice_of(field, other))
    if data_type == MULTISELECT:
        return _stored(field, one) == _stored(field, other)
    if data_type == OTHER and _same_instant(one, other):
        return True
    return _is_number(one) != _is_number(other) and _same_number(one, other)


def comparison_key(value: Any) -> Hashable:
    """Return a key that is equal for values that are equal in :func:`is_same`, and for spellings of the same text.

    Values with equal keys may still differ.

    :param value: a text or a number.
    """
    moment = instant(value)
    if moment is not None:
        return moment
    text = spelling_key(str(value))
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    return number if number.is_finite() else text


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _same_instant(one: Any, other: Any) -> bool:
    first, second = instant(one), instant(other)
    return first is not None and first == second


def _same_number(one: Any, other: Any) -> bool:
    """Return whether two numbers are equal in all their digits, which floats would not preserve."""
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except (InvalidOperation, ValueError):
        return str(one).strip() == str(other).strip()


def _stored(field: Field, value: Any) -> set[str]:
    entries = value if isinstance(value, list) else [value]
    return {str(choice_of(field, entry)) for entry in entries}
