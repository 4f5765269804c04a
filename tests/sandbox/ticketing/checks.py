# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the values of a ticket's fields."""

from __future__ import annotations

import unicodedata
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import instant
from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import Field, TicketType, option_values

_EMPTY: tuple[Any, ...] = ("", [], None)

#: The maximum length of a summary in UTF-16 code units, as in JavaScript and many databases.
_LONGEST_SUMMARY = 255

#: Unicode categories of characters that a strict service refuses.
_NOT_PLAIN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def creation_faults(ticket_type: TicketType, body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the errors in the values of a new ticket, by field."""
    values = {**ticket_type.defaults(), **body}
    lacking = {
        identifier: [_required(field)]
        for identifier, field in ticket_type.fields.items()
        if field.get("required") is True and values.get(identifier) in _EMPTY
    }
    return {**_value_faults(ticket_type, body), **lacking}


def update_faults(ticket_type: TicketType, changes: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the errors in changed values, by field. None clears a field."""
    cleared = {
        identifier: [_required(field)]
        for identifier, field in ticket_type.fields.items()
        if identifier in changes
        and changes[identifier] in _EMPTY
        and (field.get("required") is True or identifier == ticket_type.status_field)
    }
    return {**_value_faults(ticket_type, changes), **cleared}


def plain_text_faults(values: Mapping[str, Any], summary: str = "") -> dict[str, list[str]]:
    """Return the errors of a service that only accepts plain text, by field.

    :param values: the values of the fields.
    """
    # Several lines are plain text in a field, but not in a summary.
    lines = str.maketrans("\t\r\n", "   ")
    texts = {name: value.translate(lines) for name, value in values.items() if isinstance(value, str)}
    faults = {
        name: ["The text contains a control character"]
        for name, text in {**texts, "summary": summary}.items()
        if any(unicodedata.category(letter) in _NOT_PLAIN for letter in text)
    }
    if len(summary.encode("utf-16-le", "surrogatepass")) > 2 * _LONGEST_SUMMARY:
        faults["summary"] = [f"The summary is longer than {_LONGEST_SUMMARY} characters"]
    return faults


def joined(faults: Mapping[str, list[str]]) -> str:
    """Return all errors in one line."""
    return "; ".join(message for messages in faults.values() for message in messages)


def _value_faults(ticket_type: TicketType, values: Mapping[str, Any]) -> dict[str, list[str]]:
    faults = {}
    for identifier, value in values.items():
        field = ticket_type.fields.get(identifier)
        if field is None:
            faults[identifier] = [f"Field {identifier} does not exist in the ticket type"]
        elif value is not None and not _is_right(field, value):
            faults[identifier] = [_wrong(field)]
    return faults


def _is_right(field: Field, value: Any) -> bool:
    right = _RIGHT.get(field["type"])
    return right is None or right(field, value)


def _is_instant(_field: Field, value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(instant(value))
    except ValueError:
        return False


def _are_options(field: Field, value: Any) -> bool:
    return isinstance(value, list) and all(entry in option_values(field) for entry in value)


#: The values that each type of field allows; other types allow any value.
_RIGHT: Mapping[str, Callable[[Field, Any], bool]] = {
    "text": lambda _field, value: isinstance(value, str),
    "richtext": lambda _field, value: isinstance(value, str),
    "number": lambda _field, value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda _field, value: isinstance(value, bool),
    "date": _is_instant,
    "datetime": _is_instant,
    "select": lambda field, value: isinstance(value, str) and value in option_values(field),
    "multiselect": _are_options,
    "user": lambda _field, value: isinstance(value, (str, dict)),
}
_EXPECTED = {
    "date": "date",
    "datetime": "date",
    "number": "number",
    "boolean": "boolean",
    "text": "string",
    "richtext": "string",
}


def _label(field: Field) -> str:
    return str(field.get("label") or field.get("name") or field["id"])


def _required(field: Field) -> str:
    return f"Field {_label(field)} is required"


def _wrong(field: Field) -> str:
    kind = field["type"]
    if kind in ("date", "datetime"):
        return f"You have entered an invalid date value for {_label(field)}, expects a proper date string"
    if kind in ("select", "multiselect"):
        options = ", ".join(str(option) for option in option_values(field))
        return f"You have entered an invalid value for {_label(field)}, expects one of {options}"
    expected = _EXPECTED.get(kind, kind)
    return f"You have entered an invalid {expected} value for {_label(field)}, expects a proper {expected}"
