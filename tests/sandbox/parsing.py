# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse JSON, forms, and dates and times, and refuse values that cannot be returned."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

#: The maximum nesting of lists and objects, as in the JSON parser of .NET.
MAX_DEPTH = 64

#: The magnitude from which numbers are refused, because not every JSON parser can read them.
TOO_LARGE = 2**63


def parsed_json(content: bytes) -> Any:
    """Return the value of a JSON text, or None if it is empty.

    :raises ValueError: if it is not JSON, or contains a value that cannot be returned.
    """
    try:
        value = json.loads(content) if content.strip() else None
    except RecursionError:
        raise ValueError(f"The body is nested more than {MAX_DEPTH} levels deep.") from None
    except ValueError:
        raise ValueError("The body is not JSON.") from None
    try:
        return portable(value)
    except ValueError as error:
        raise ValueError(f"The body cannot be used: {error}.") from None


def parsed_form(content: bytes) -> dict[str, str]:
    """Return the fields of an ``application/x-www-form-urlencoded`` text. Raise ValueError if it is not a form."""
    try:
        text = content.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:
        raise ValueError("The body is not a form.") from None
    if len(dict(pairs)) < len(pairs):
        raise ValueError("A field of the form occurs twice.")
    return dict(pairs)


def portable(value: Any) -> Any:
    """Return a copy of a value as JSON would transport it. Numbers without a fraction are integers, such as 1.0.

    :raises ValueError: if JSON cannot represent it, if it contains a number that is too large, or if it is nested too
        deep or contains itself.
    """
    numbered = _with_integers(value)
    try:
        text = json.dumps(numbered, ensure_ascii=False)
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it contains half a surrogate pair") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"JSON cannot represent it: {error}") from None
    return json.loads(text)


def _with_integers(value: Any, depth: int = 0) -> Any:
    if isinstance(value, (dict, list)) and depth >= MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {name: _with_integers(entry, depth + 1) for name, entry in value.items()}
    if isinstance(value, list):
        return [_with_integers(entry, depth + 1) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it contains a number that is not finite")
    if isinstance(value, (int, float)) and abs(value) >= TOO_LARGE:
        raise ValueError("it contains a number that is too large")
    return int(value) if isinstance(value, float) and value.is_integer() else value


def instant(text: str) -> datetime:
    """Return a date and time in ISO 8601, in UTC without an offset. Raise ValueError if it is not valid."""
    try:
        value = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date and time such as 2026-11-21T04:00:00Z") from None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def timestamp() -> str:
    """Return the current time in the format of the service."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
