# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse JSON, forms, and dates and times, and refuse values that cannot be returned."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl


def parsed_json(content: bytes) -> Any:
    """Return the value of a JSON text, or None if it is empty. Raise ValueError if it is not JSON."""
    try:
        return portable(json.loads(content)) if content.strip() else None
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON.") from None


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
    """Return a copy of a value as JSON would transport it.

    :raises ValueError: if JSON cannot represent it: NaN, half a surrogate pair, or a value that contains itself.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"JSON cannot represent it: {error}") from None


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
