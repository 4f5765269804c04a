# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Check identifiers and words in options, such as the ID of a ticket."""

from __future__ import annotations

import re
from typing import Any, Iterable

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error

#: The texts to which a template may render null: in Python, and in JSON and YAML.
NULL_TEXTS = ("None", "null")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_blank(value: Any) -> bool:
    """Return whether a value counts as not set: null, blank text, or a list of such values.

    An empty list is a value, and so is a mapping, where a blank value clears a field.

    :param value: the value of an option.
    """
    if isinstance(value, list):
        return bool(value) and all(map(is_blank, value))
    return value is None or (isinstance(value, str) and not value.strip())


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID with hyphens.

    :param text: the text, in upper or lower case.
    """
    return bool(_UUID.fullmatch(text))


def identifier(name: str, value: str | None) -> str | None:
    """Return an identifier without surrounding white space, or None if it is blank.

    :param name: the name of the option, for the message.
    :param value: the value of the option.
    :raises ApiError: category ``configuration``, if it is the text of null.
    """
    text = (value or "").strip()
    check_not_null(name, text)
    return text or None


def check_not_null(name: str, value: Any) -> None:
    """Raise ApiError if a value is the text of null.

    :param name: the name of the option, for the message.
    :param value: the value of the option.
    :raises ApiError: category ``configuration``.
    """
    if isinstance(value, str) and value.strip() in NULL_TEXTS:
        raise configuration_error(
            f"{name} is the text {value.strip()!r}, to which a template renders null. Set a value, or omit the option."
        )


def spelled(word: str, words: Iterable[str]) -> str | None:
    """Return the word of a list that equals another word except for its case, or None.

    :param word: the other word.
    :param words: the list.
    """
    return next((known for known in words if known.lower() == word.strip().lower()), None)
