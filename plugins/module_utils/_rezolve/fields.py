# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the fields of a ticket by UUID, label or name, and convert and validate their values."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import wrong_properties
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import (
    BOOLEAN,
    DATE,
    MULTISELECT,
    NUMBER,
    SELECT,
    TEXT,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Field, TicketType, nearest
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import (
    as_boolean,
    as_number,
    choice_of,
    is_empty,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import OFFER_KEY
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

#: Maximum length of a value in a message.
MAX_VALUE_LENGTH = 60

#: Redacts a text, and cuts it to a maximum length, such as :meth:`RezolveApi.excerpt`.
Excerpt = Callable[[str, int], str]


def find_field(ticket_type: TicketType, key: str, option: str) -> Field:
    """Return the field with a UUID, a label or a name.

    :param ticket_type: the ticket type.
    :param key: the UUID, label or name, ignoring case; an exact match takes precedence.
    :param option: the option that contains the key, for messages.
    :raises ApiError: category ``configuration`` if there is not exactly one match.
    """
    if key == OFFER_KEY:
        raise configuration_error(f"{option} must not contain {OFFER_KEY}. Use the options offer_id or offer instead.")
    if not key.strip():
        raise configuration_error(f"{option} contains an empty name. Use the label of a field instead.")
    by_id = [field for field in ticket_type.fields if field.id.lower() == key.lower()]
    exact = [field for field in ticket_type.fields if key in (field.label, field.name)]
    folded = key.strip().casefold()
    similar = [
        field for field in ticket_type.fields if folded in map(str.casefold, (field.label.strip(), field.name.strip()))
    ]
    found = by_id or exact or similar
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{field.name or field.label} ({field.id})" for field in found)
        raise configuration_error(
            f"{option}: {key!r} is the label of {len(found)} fields. Use the name or the UUID of one of {ids}."
        )
    if folded in map(str.casefold, ticket_type.without_id):
        raise configuration_error(
            f"{option}: {key!r} cannot be used because the service returns no id of this field. Remove it."
        )
    titles = [name for field in ticket_type.fields for name in (field.label, field.name)]
    raise configuration_error(
        f"{option}: {key!r} is not a field of ticket type {ticket_type.name or ticket_type.id}.{nearest(key, titles)}"
    )


def resolve_values(ticket_type: TicketType, given: Mapping[str, Any], excerpt: Excerpt) -> dict[str, Any]:
    """Return values by field UUID, in the format of the service.

    :param ticket_type: the ticket type.
    :param given: values by UUID, label or name.
    :param excerpt: redacts and cuts an invalid value for the message.
    :raises ApiError: category ``configuration`` for an unknown or duplicate field, and for an invalid value.
    """
    values: dict[str, Any] = {}
    for key, value in given.items():
        field = find_field(ticket_type, str(key), "fields")
        if field.id in values:
            raise configuration_error(f"fields contains {field.title!r} twice, by different names. Remove one of them.")
        check_serializable(f"fields: {field.title!r}", value)
        values[field.id] = coerce(field, value)
    _check(ticket_type, values, excerpt)
    return values


def check_serializable(option: str, value: Any) -> None:
    """Raise ApiError if JSON cannot represent a value, such as infinity or an unpaired surrogate.

    :param option: the option that contains the value, for messages.
    :param value: any value.
    :raises ApiError: category ``configuration``.
    """
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise configuration_error(
            f"{option} contains a number or a text that JSON cannot represent. Correct the value."
        ) from None


def coerce(field: Field, value: Any) -> Any:
    """Return a value converted to the type of its field.

    YAML and Jinja turn numbers into texts, and users select options by their labels.

    :param field: the field.
    :param value: the value of the task; a value that cannot be converted is returned unchanged and fails validation.
    """
    if value is None:
        return None
    data_type = field.data_type_for(value)
    if data_type == TEXT and not isinstance(value, str) and as_number(value) is not None:
        return str(value)
    if data_type == NUMBER:
        number = as_number(value)
        return value if number is None else number
    if data_type == BOOLEAN:
        boolean = as_boolean(value)
        return value if boolean is None else boolean
    if data_type == SELECT:
        return choice_of(field, value)
    if data_type == MULTISELECT:
        return [choice_of(field, entry) for entry in (value if isinstance(value, list) else [value])]
    return value


#: JSON Schemas of values, by data type of the field.
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    TEXT: {"type": "string"},
    NUMBER: {"type": "number"},
    DATE: {"type": "string", "format": "instant"},
    BOOLEAN: {"type": "boolean"},
}


def _schema(field: Field) -> Mapping[str, Any]:
    options = {"enum": [choice.value for choice in field.choices]} if field.choices else {}
    several = {"type": "array", "items": options}
    if field.is_unknown_with_choices:
        return {"anyOf": [options, several]}
    if field.data_type == MULTISELECT:
        return several
    return options if field.data_type == SELECT else _SCHEMAS.get(field.data_type, {})


def schema_of(ticket_type: TicketType) -> dict[str, Any]:
    """Return the JSON Schema of the fields of a ticket. Null clears a field that is not required (TK-A16).

    :param ticket_type: the ticket type.
    """
    properties = {}
    for field in ticket_type.fields:
        schema = _schema(field)
        properties[field.id] = schema if field.is_required else {"anyOf": [{"type": "null"}, schema]}
    return {"type": "object", "properties": properties}


def _check(ticket_type: TicketType, values: Mapping[str, Any], excerpt: Excerpt) -> None:
    wrong = wrong_properties(schema_of(ticket_type), values, {"instant": lambda text: instant(text) is not None})
    for field in ticket_type.fields:
        value = values.get(field.id)
        if field.id in wrong or (field.data_type == NUMBER and value is not None and as_number(value) is None):
            shown = excerpt(repr(value), MAX_VALUE_LENGTH)
            raise configuration_error(f"fields: {field.title!r} must be {_expected_value(field)}, not {shown}.")
        if field.is_required and field.id in values and is_empty(value):
            raise configuration_error(f"fields: {field.title!r} is required and must not be empty.")


def check_complete(ticket_type: TicketType, values: Mapping[str, Any]) -> None:
    """Raise ApiError if a new ticket has no value for a required field without a default.

    :param ticket_type: the ticket type.
    :param values: values by UUID.
    :raises ApiError: category ``configuration``.
    """
    missing = [
        field.title
        for field in ticket_type.fields
        if field.is_required and is_empty(field.default) and is_empty(values.get(field.id))
    ]
    if missing:
        raise configuration_error(
            f"fields is missing {', '.join(map(repr, missing))}, required by ticket type "
            f"{ticket_type.name or ticket_type.id}. Add a value for each."
        )


def _expected_value(field: Field) -> str:
    """Return a description of the valid values of a field."""
    words = {
        TEXT: "a text",
        NUMBER: "a number",
        DATE: "a date in ISO 8601, such as 2026-11-21T06:00:00Z",
        BOOLEAN: "true or false",
    }
    if field.data_type in words:
        return words[field.data_type]
    choices = [repr(choice.spellings[-1]) for choice in field.choices]
    more = f" and {len(choices) - 20} more" if len(choices) > 20 else ""
    listed = ", or a list of them" if field.is_unknown_with_choices else ""
    return f"{'a list of' if field.data_type == MULTISELECT else 'one of'} {', '.join(choices[:20])}{more}{listed}"


def add_labels(ticket_type: TicketType, text: str) -> str:
    """Return a text in which the label precedes each UUID of a field.

    :param ticket_type: the ticket type.
    :param text: any text, such as an error message of the service.
    """
    for field in ticket_type.fields:
        if field.id in text and field.title != field.id:
            text = text.replace(field.id, f"{field.title} ({field.id})")
    return text


def by_title(ticket_type: TicketType | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by label. Labels that several fields share are followed by the UUID.

    :param ticket_type: the ticket type, or None if it is unknown.
    :param values: values by UUID.
    """
    titles = {field.id: field.title for field in ticket_type.fields} if ticket_type else {}
    ambiguous = {title for title in titles.values() if list(titles.values()).count(title) > 1}
    named: dict[str, Any] = {}
    for key, value in values.items():
        title = titles.get(key, key)
        named[f"{title} ({key})" if title in ambiguous else title] = value
    return named
