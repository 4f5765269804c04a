# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Build encoded queries. The service drops an invalid part of a query, and every record then matches, so each value is
checked here, and every returned row is compared again by its reader.

Source: ServiceNow's documentation of encoded queries.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import check_not_null
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import composed, spelling_key

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_DOTTED_NAME = re.compile(rf"{_NAME.pattern}(?:\.{_NAME.pattern})*", re.ASCII)
_SYS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII | re.IGNORECASE)

#: Unicode categories of characters that end a line, control a terminal, or cannot be sent.
CONTROL_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})

#: The start of a value that the service would execute.
SCRIPT = "javascript:"

#: The sort directions of a query, by the choices of the option ``order``.
ORDERS: Mapping[str, str] = {"ascending": "ORDERBY", "descending": "ORDERBYDESC"}


def is_sys_id(text: str) -> bool:
    """Return whether a text has the form of a record's identifier.

    :param text: the text.
    """
    return bool(_SYS_ID.fullmatch(text))


def comparable(text: str) -> str:
    """Return a text as queries compare it at most: without regard to case, accents and white space (SN-A7).

    :param text: a stored value, or one that was searched for.
    """
    letters = composed(spelling_key(text), "NFD")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def checked_name(option: str, name: str, example: str = "assignment_group") -> str:
    """Return the name of a table or column in lower case.

    :param option: the option that holds the name, for the message.
    :param name: the name.
    :param example: a valid name, for the message.
    :raises ApiError: category ``configuration``, if it is not a name.
    """
    text = name.strip()
    check_not_null(option, text)
    if not _NAME.fullmatch(text):
        raise configuration_error(
            f"{option} must be a name of letters, digits and underscores, such as {example}, not {text!r}."
        )
    return text.lower()


def checked_key(option: str, value: Any, max_length: int | None = None) -> str:
    """Return a value that identifies a record, if an exact query can contain it.

    :param option: the option that holds the value, for the message.
    :param value: the value.
    :param max_length: the maximum length that the service stores.
    :raises ApiError: category ``configuration``, if the value is empty, too long, or would change the query.
    """
    text = str(value).strip() if value is not None else ""
    check_not_null(option, text)
    if not text:
        raise configuration_error(f"{option} is empty, and an empty value would match unrelated records. Set a value.")
    reason = _invalid_part(text)
    if reason:
        raise configuration_error(f"{option} contains {reason}, which would change the query. Remove it.")
    _check_visible(option, text)
    if max_length is not None and len(text) > max_length:
        raise configuration_error(
            f"{option} has {len(text)} characters, but the service stores {max_length}, so it would not be found "
            "again. Shorten it."
        )
    return text


def _invalid_part(text: str) -> str | None:
    """Return the part of a value that would change a query, or None."""
    if "^" in text:
        return "'^'"
    if any(unicodedata.category(letter) in CONTROL_CATEGORIES for letter in text):
        return "a line break or another control character"
    return f"{SCRIPT!r} at its start" if text.lower().startswith(SCRIPT) else None


def invisible_character(text: str) -> str:
    """Return the code and the name of the first character that cannot be distinguished from a blank, or be seen.

    :param text: one line of text.
    :returns: such as ``U+00A0 NO-BREAK SPACE``; empty if there is none.
    """
    letter = next((letter for letter in text if not letter.isprintable()), "")
    return f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".rstrip() if letter else ""


def _check_visible(option: str, text: str) -> None:
    """Raise ApiError if a text contains a character that users cannot see, which a search would not find."""
    character = invisible_character(text)
    if character:
        raise configuration_error(
            f"{option} contains the character {character}, which looks like a blank or is invisible, so that a search "
            "may not find the text. Replace it."
        )


def checked_query(option: str, query: str) -> str:
    """Return an encoded query of the user, unless the service would execute a part of it.

    :param option: the option that holds the query, for the message.
    :param query: the query.
    :raises ApiError: category ``configuration``.
    """
    text = query.strip()
    if any(unicodedata.category(letter) in CONTROL_CATEGORIES for letter in text):
        raise configuration_error(f"{option} contains a line break or another control character. Remove it.")
    _check_visible(option, text)
    if SCRIPT in text.lower():
        raise configuration_error(f"{option} contains {SCRIPT!r}, which the service would execute. Use fixed values.")
    return text


def equals(column: str, value: str) -> str:
    """Return the condition that a column equals a checked value.

    :param column: the column.
    :param value: from :func:`checked_key`.
    """
    return f"{column}={value}"


def is_one_of(column: str, names: Iterable[str]) -> str:
    """Return the condition that a column equals one of several names of tables or columns.

    :param column: the column.
    :param names: names that :func:`checked_name` accepts.
    """
    return f"{column}IN{','.join(names)}"


def all_of(*conditions: str) -> str:
    """Return the query for records that meet all conditions.

    :param conditions: the conditions.
    """
    return "^".join(filter(None, conditions))


def any_of(columns: Iterable[str], value: str) -> str:
    """Return the condition that one of several columns equals a checked value.

    :param columns: the columns.
    :param value: from :func:`checked_key`.
    """
    return "^OR".join(equals(column, value) for column in columns)


def in_total_order(query: str, column: str = "", order: str = "ascending") -> str:
    """Return a query whose order is the same for each page (SN-A18).

    :param query: the query.
    :param column: the column to sort by, with a dot for a column of a reference.
    :param order: one of :data:`ORDERS`.
    :raises ApiError: category ``configuration``, if the column is not a name.
    """
    name = column.strip()
    if name and not _DOTTED_NAME.fullmatch(name):
        raise configuration_error(f"order_by must be the name of a column, such as opened_at, not {name!r}.")
    by_column = f"{ORDERS[order]}{name}" if name and name != "sys_id" else ""
    own = f"{ORDERS[order] if name == 'sys_id' else ORDERS['ascending']}sys_id"
    return all_of(query, by_column, own)
