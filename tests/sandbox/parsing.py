# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes in JSON and instants from outside, and refuses what could not be given out again."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl


def parsed_json(content: bytes) -> Any:
    """The value of a JSON text.

    :param content: the text; an empty one is None.
    :raises ValueError: told in a sentence.
    """
    try:
        return portable(json.loads(content)) if content.strip() else None
    except (ValueError, RecursionError):
        raise ValueError("The body is not JSON.") from None


def parsed_form(content: bytes) -> dict[str, str]:
    """The fields of a form, as ``application/x-www-form-urlencoded`` writes them.

    :param content: the text; an empty one has none.
    :raises ValueError: told in a sentence.
    """
    try:
        text = content.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), errors="strict")
    except ValueError:
        raise ValueError("The body is not a form.") from None
    if len(dict(pairs)) < len(pairs):
        raise ValueError("The form has a field twice.")
    return dict(pairs)


def portable(value: Any) -> Any:
    """A copy of a value as JSON carries it, with each part in it once.

    :param value: of lists, mappings and plain values.
    :raises ValueError: for what JSON cannot carry: NaN, half a surrogate pair, a value that holds itself.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"JSON cannot carry it: {error}") from None


def instant(text: str) -> datetime:
    """An instant of ISO 8601; without an offset it is UTC.

    :param text: such as ``2026-11-21T04:00:00Z``.
    :raises ValueError: when it is none.
    """
    try:
        value = datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in ("Z", "z") else text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant, as 2026-11-21T04:00:00Z is one") from None
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def timestamp() -> str:
    """The present, as the service writes it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
