# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The content of an error response, and its text for a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping


@dataclass(frozen=True)
class ErrorBody:
    """The content of an error response, in any vendor's format.

    :param code: the error code.
    :param text: the service's message.
    :param request_id: the request ID.
    :param fields: the service's messages by field; those of the whole request have an empty name.
    """

    code: str | None = None
    text: str | None = None
    request_id: str | None = None
    fields: Mapping[str, list[str]] = field(default_factory=dict)


def text_or_none(value: Any) -> str | None:
    """Return a value if it is a non-empty string, else None.

    :param value: from parsed JSON.
    """
    return value if isinstance(value, str) and value else None


def quote(details: ErrorBody, content: str | None, redact: Callable[[str], str]) -> str:
    """Return the service's messages, short and on one line, after a colon; an empty text if there are none.

    :param details: the content of the response.
    :param content: a description of the body if it is not JSON.
    :param redact: removes secrets from the service's text.
    """
    if content:
        return f": the response is {content}"
    messages = [("", details.text)] if details.text else []
    messages += [(name, text) for name, texts in details.fields.items() for text in texts]
    if not messages:
        return ""
    quoted = [redact(f"{name}: {text}" if name else text).rstrip(".") for name, text in messages]
    return ": " + excerpt("; ".join(quoted), str, 300).rstrip(".")


def excerpt(text: str, redact: Callable[[str], str], max_length: int) -> str:
    """Return the start of a text on one line. Secrets are removed first, while they are still complete.

    :param text: from a service.
    :param redact: removes secrets from it.
    :param max_length: the maximum number of characters.
    """
    text = " ".join(redact(text).split())
    return text if len(text) <= max_length else text[: max_length - 3] + "..."
