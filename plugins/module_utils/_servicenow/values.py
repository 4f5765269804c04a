# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Convert the values of a task to those that the service stores, and compare them with those of a ticket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, Callable

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import composed
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    JOURNAL_COLUMNS,
    JOURNAL_TYPES,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import Choice, Column
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.query import comparable, is_sys_id
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

#: Types of columns, by what their values are. All other types are texts. Source: ServiceNow's documentation.
DATE_TIMES = frozenset({"glide_date_time", "due_date", "datetime", "calendar_date_time"})
DATES = frozenset({"glide_date", "date"})
NUMBERS = frozenset({"integer", "longint", "float", "decimal", "auto_increment", "percent_complete", "order_index"})
BOOLEANS = frozenset({"boolean"})
REFERENCES = frozenset({"reference", "domain_id"})
LISTS = frozenset({"glide_list"})

#: The words of a boolean, by the value that the service stores.
WORDS = {**dict.fromkeys(("true", "yes", "on", "1"), "true"), **dict.fromkeys(("false", "no", "off", "0"), "false")}

#: The largest number of choices that a message lists.
MAX_LISTED = 15

#: The largest number of characters of a value that a message contains.
MAX_QUOTED = 60


@dataclass(frozen=True)
class Lookup:
    """What the conversion of a value needs from the instance.

    :param find_reference: returns the identifier of a record; takes the column, the table and the display value.
    :param excerpt: returns the start of a text with secrets redacted; takes the maximum number of characters.
    """

    find_reference: Callable[[str, str, str], str]
    excerpt: Callable[[str, int], str]

    def quoted(self, value: Any) -> str:
        """Return a value for a message."""
        return repr(self.excerpt(str(value), MAX_QUOTED))


class StoredValue(str):
    """A value of a ticket as the service stores it, with its display value.

    :param display: the display value; None if it is not shown.
    """

    display: str | None = None

    @classmethod
    def of(cls, value: str, display: str | None) -> StoredValue:
        """Return a value with its display value.

        :param value: the value.
        :param display: the display value.
        """
        stored = cls(value)
        stored.display = display
        return stored


def resolve_value(column: Column, value: Any, lookup: Lookup) -> str:
    """Return a value as the service stores it.

    :param column: the column.
    :param value: the value of the task.
    :param lookup: what it needs from the instance.
    :raises ApiError: category ``configuration`` for a value that the column cannot hold.
    """
    if column.name in JOURNAL_COLUMNS or column.type in JOURNAL_TYPES:
        raise _journal_column(column.name)
    if isinstance(value, dict):
        raise _invalid(column, lookup.quoted(value), "a text, a number, a boolean or null")
    if isinstance(value, (list, tuple)):
        if column.type not in LISTS and column.type:
            raise _invalid(column, lookup.quoted(value), "one value")
        return ",".join(_resolve_entry(column, str(entry).strip(), lookup) for entry in value)
    text = _text_of(value)
    return _resolve_text(column, text, lookup) if text.strip() else ""


def _resolve_text(column: Column, text: str, lookup: Lookup) -> str:
    """Return a text that is not blank as the service stores it."""
    if column.choices:
        return _resolve_choice(column, text.strip(), lookup)
    if column.type in LISTS:
        entries = [entry.strip() for entry in text.split(",")]
        return ",".join(_resolve_entry(column, entry, lookup) for entry in entries if entry)
    if column.type in REFERENCES:
        return _resolve_entry(column, text.strip(), lookup)
    parse = next((parse for types, parse in _PARSERS if column.type in types), _checked_length)
    return parse(column, text, lookup)


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\r\n", "\n")


def _resolve_entry(column: Column, text: str, lookup: Lookup) -> str:
    """Return the identifier of a record; in a list, an e-mail address is also a value."""
    if is_sys_id(text):
        return text.lower()
    if column.reference is None or (column.type in LISTS and "@" in text):
        return text
    return lookup.find_reference(column.name, column.reference, text)


def _resolve_choice(column: Column, text: str, lookup: Lookup) -> str:
    """Return the value of the choice with a value or a label."""
    if any(choice.value == text for choice in column.choices):
        return text
    wanted = _folded(text)
    found = {choice.value: choice for choice in column.choices if _folded(choice.label) == wanted}
    if not found:
        found = {choice.value: choice for choice in column.choices if _folded(choice.value) == wanted}
    if len(found) > 1:
        values = ", ".join(map(repr, sorted(found)))
        raise configuration_error(
            f"The choice {lookup.quoted(text)} of {column.name} has several values: {values}. Use one of the values."
        )
    if found:
        return next(iter(found))
    if column.is_open:
        return text
    similar = tuple(
        choice for choice in column.choices if comparable(text) in map(comparable, (choice.label, choice.value))
    )
    if similar:
        raise configuration_error(
            f"{column.name} does not have a choice {lookup.quoted(text)}, only one in another spelling. Use "
            f"{_listed(similar)}."
        )
    raise configuration_error(
        f"{column.name} does not have a choice {lookup.quoted(text)}. Use one of {_listed(column.choices)}."
    )


def _folded(text: str) -> str:
    """Return the name of a choice without differences of case, of white space, and of how characters are composed."""
    return " ".join(composed(text.casefold()).split())


def _listed(choices: tuple[Choice, ...]) -> str:
    shown = {
        choice.value: repr(choice.value) if choice.label == choice.value else f"{choice.label!r} ({choice.value})"
        for choice in choices
    }
    return ", ".join(list(shown.values())[:MAX_LISTED]) + (", ..." if len(shown) > MAX_LISTED else "")


def _resolve_date(column: Column, text: str, lookup: Lookup) -> str:
    parsed = _utc(text)
    if parsed is None:
        raise _invalid(column, lookup.quoted(text), "a point in time such as 2026-11-21T06:00:00Z")
    return _spelled(parsed, column.type in DATES)


def _utc(text: str) -> datetime | None:
    moment = instant(text)
    try:
        return moment.astimezone(timezone.utc) if moment else None
    except OverflowError:
        return None


def _spelled(moment: datetime, is_date: bool) -> str:
    """Return a point in time as the service stores it."""
    return f"{moment:%Y-%m-%d}" if is_date else f"{moment:%Y-%m-%d %H:%M:%S}"


def _resolve_number(column: Column, text: str, lookup: Lookup) -> str:
    number = _number(text)
    if number is None or (column.type in ("integer", "longint") and number != number.to_integral_value()):
        raise _invalid(
            column, lookup.quoted(text), "a whole number" if column.type in ("integer", "longint") else "a number"
        )
    return str(int(number)) if number == number.to_integral_value() else format(number.normalize(), "f")


def _number(text: str) -> Decimal | None:
    """Return the number that a text spells, or None."""
    if not re.fullmatch(r"\s*[+-]?\d{1,30}(\.\d{0,30})?\s*", text, re.ASCII):
        return None
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        return None


def _resolve_boolean(column: Column, text: str, lookup: Lookup) -> str:
    stored = WORDS.get(text.strip().lower())
    if stored is None:
        raise _invalid(column, lookup.quoted(text), "true or false")
    return stored


def _checked_length(column: Column, text: str, lookup: Lookup) -> str:
    del lookup
    if column.max_length is not None and len(text) > column.max_length:
        raise configuration_error(
            f"The value of {column.name} has {len(text)} characters, but the column stores {column.max_length}. "
            "Shorten it."
        )
    return text


#: The functions that check a text and return it as the service stores it, by the types of columns.
_PARSERS: tuple[tuple[frozenset[str], Callable[[Column, str, Lookup], str]], ...] = (
    (DATE_TIMES | DATES, _resolve_date),
    (NUMBERS, _resolve_number),
    (BOOLEANS, _resolve_boolean),
)


def _invalid(column: Column, quoted: str, wanted: str) -> ApiError:
    return configuration_error(f"{column.name} must be {wanted}, not {quoted}.")


def _journal_column(name: str) -> ApiError:
    if name in JOURNAL_COLUMNS:
        return configuration_error(
            f"fields contains {name}, to which each run would add the text again. Use the option {name}, which posts "
            "it once."
        )
    return configuration_error(
        f"fields contains {name}, to which each run would add the value again. Remove it; the options work_notes and "
        "comments post a text once."
    )


def is_same(column: Column, one: str | None, other: str | None) -> bool:
    """Return whether two values of a column are equal for the service.

    :param column: the column.
    :param one: a value, stored or wanted; None if the ticket does not show the column.
    :param other: a value.
    """
    if one is None or other is None:
        return one is other
    if _plain(one) == _plain(other):
        return True
    if column.type in DATE_TIMES | DATES:
        moments = [_utc(text) for text in (one, other)]
        return None not in moments and moments[0] == moments[1]
    if column.type in NUMBERS:
        numbers = [_number(text) for text in (one, other)]
        return None not in numbers and numbers[0] == numbers[1]
    if column.type in BOOLEANS:
        # An empty boolean counts as false.
        words = [WORDS.get(text.strip().lower(), text) if text.strip() else "false" for text in (one, other)]
        return words[0] == words[1]
    if column.type in REFERENCES or is_sys_id(one):
        return one.lower() == other.lower() or _shows(column, one, other)
    if column.type in LISTS:
        return set(_entries(one)) == set(_entries(other))
    return _shows(column, one, other) or _shows(column, other, one)


def _plain(text: str) -> str:
    """Return a text without differences in line ends, which the service may change."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _entries(text: str) -> list[str]:
    return [entry.strip().lower() for entry in text.split(",") if entry.strip()]


def _shows(column: Column, stored: str, wanted: str) -> bool:
    """Return whether a column whose values could not be resolved shows the wanted one.

    :param column: the column; only one without a known type and choices.
    :param stored: a value of a ticket.
    :param wanted: the wanted value.
    """
    display = getattr(stored, "display", None)
    return not column.type and not column.choices and bool(display) and str(display).strip() == wanted.strip()


def may_be_stored_as(column: Column, given: str, stored: str | None) -> bool:
    """Return whether a service that accepted a text may store it in other words.

    Another choice, reference, number, date or boolean is always a different value. One of an unknown type may be.

    :param column: the column.
    :param given: the wanted value.
    :param stored: the value that the ticket shows.
    """
    special = DATE_TIMES | DATES | NUMBERS | BOOLEANS | REFERENCES | LISTS
    is_text = bool(column.type) and column.type not in special and not column.choices
    return is_text and stored is not None and bool(given.strip()) and bool(stored.strip())


def shown_value(column: Column, value: Any) -> Any:
    """Return a value as people read it: the label of a choice, or the display value of a reference.

    :param column: the column.
    :param value: a value, stored or wanted; None if the ticket does not show the column.
    """
    if value is None:
        return None
    text = str(value)
    display = getattr(value, "display", None)
    if display and (column.choices or column.type in REFERENCES):
        return str(display)
    return next((choice.label for choice in column.choices if choice.value == text), text)
