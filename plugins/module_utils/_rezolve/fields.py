# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the fields of a ticket by UUID, label or name, and convert and check their values."""

from __future__ import annotations

import json
from typing import Any, Mapping

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


def find_field(ticket_type: TicketType, key: str, option: str) -> Field:
    """Return the field with a UUID, a label or a name.

    :param ticket_type: the ticket type.
    :param key: the UUID, label or name in any case; an exact match takes precedence.
    :param option: the option that contains it, for messages.
    :raises ApiError: category ``configuration`` for none or more than one.
    """
    if key == OFFER_KEY:
        raise configuration_error(f"{option} must not hold {OFFER_KEY}: the options offer_id and offer say it.")
    if not key.strip():
        raise configuration_error(f"{option} holds an empty name, which is that of no field.")
    by_id = [field for field in ticket_type.fields if field.id.lower() == key.lower()]
    exact = [field for field in ticket_type.fields if key in (field.label, field.name)]
    folded = key.strip().casefold()
    alike = [
        field for field in ticket_type.fields if folded in map(str.casefold, (field.label.strip(), field.name.strip()))
    ]
    found = by_id or exact or alike
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{field.name or field.label} ({field.id})" for field in found)
        raise configuration_error(f"{option}: {key!r} is the label of {len(found)} fields; give one of {ids}.")
    if folded in map(str.casefold, ticket_type.without_id):
        raise configuration_error(f"{option}: the service shows no id of the field {key!r}, so it cannot be used.")
    titles = [name for field in ticket_type.fields for name in (field.label, field.name)]
    raise configuration_error(
        f"{option}: {key!r} is no field of ticket type {ticket_type.name or ticket_type.id}.{nearest(key, titles)}"
    )


def resolve_values(ticket_type: TicketType, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the field's UUID, in the format of the service.

    :param ticket_type: the ticket type.
    :param given: values by UUID, label or name.
    :raises ApiError: category ``configuration`` for an unknown or duplicate field, and for an invalid value.
    """
    check_serializable("fields", given)
    values: dict[str, Any] = {}
    for key, value in given.items():
        field = find_field(ticket_type, str(key), "fields")
        if field.id in values:
            raise configuration_error(f"fields names {field.title!r} twice, by different names.")
        values[field.id] = coerce(field, value)
    _check(ticket_type, values)
    return values


def check_serializable(option: str, value: Any) -> None:
    """Raise ApiError for a value that JSON cannot represent, such as infinity or an unpaired surrogate.

    :param option: the option that contains it, for messages.
    :param value: any value.
    :raises ApiError: category ``configuration``.
    """
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise configuration_error(f"{option} holds a number or a text that JSON cannot carry.") from None


def coerce(field: Field, value: Any) -> Any:
    """Convert a value to the type of its field: YAML and Jinja turn numbers into texts, users name options by label.

    :param field: the field.
    :param value: the user's value; if it cannot be converted, it is returned as it is, and the check refuses it.
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


#: Schemas of values, by the data type of their field; options are added to them.
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
    """Return the JSON Schema of a ticket's fields; null clears any but a required one (TK-A16).

    :param ticket_type: the ticket type.
    """
    properties = {}
    for field in ticket_type.fields:
        schema = _schema(field)
        properties[field.id] = schema if field.is_required else {"anyOf": [{"type": "null"}, schema]}
    return {"type": "object", "properties": properties}


def _check(ticket_type: TicketType, values: Mapping[str, Any]) -> None:
    wrong = wrong_properties(schema_of(ticket_type), values, {"instant": lambda text: instant(text) is not None})
    for field in ticket_type.fields:
        value = values.get(field.id)
        if field.id in wrong or (field.data_type == NUMBER and value is not None and as_number(value) is None):
            shown = _shown(value)
            raise configuration_error(f"fields: {field.title!r} must be {_expected_value(field)}, not {shown}.")
        if field.is_required and field.id in values and is_empty(value):
            raise configuration_error(f"fields: {field.title!r} is required, and must not be empty.")


def check_complete(ticket_type: TicketType, values: Mapping[str, Any]) -> None:
    """Raise ApiError if a new ticket lacks a required field without a default.

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
            f"fields lacks {', '.join(map(repr, missing))}, which a ticket of type "
            f"{ticket_type.name or ticket_type.id} must have."
        )


def _expected_value(field: Field) -> str:
    """Return the valid values of a field, in words."""
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


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def add_labels(ticket_type: TicketType, text: str) -> str:
    """Return a text with the label of a field before its UUID.

    :param ticket_type: the ticket type.
    :param text: a text such as a message of the service.
    """
    for field in ticket_type.fields:
        if field.id in text and field.title != field.id:
            text = text.replace(field.id, f"{field.title} ({field.id})")
    return text


def by_title(ticket_type: TicketType | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by label; if two fields have the same one, their UUIDs follow it.

    :param ticket_type: the ticket type, if it is known.
    :param values: values by UUID.
    """
    titles = {field.id: field.title for field in ticket_type.fields} if ticket_type else {}
    shared = {title for title in titles.values() if list(titles.values()).count(title) > 1}
    named: dict[str, Any] = {}
    for key, value in values.items():
        title = titles.get(key, key)
        named[f"{title} ({key})" if title in shared else title] = value
    return named
