# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of a ticket by UUID, label or name, and the values that they may have."""

from __future__ import annotations

import json
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contract import wrong_properties
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import (
    BOOLEAN,
    DATE,
    MULTISELECT,
    NUMBER,
    SELECT,
    TEXT,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import Field, TicketType, nearest
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import OFFER_KEY
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.values import (
    as_boolean,
    as_number,
    choice_of,
    is_empty,
    moment_of,
)


def find_field(kind: TicketType, key: str, option: str) -> Field:
    """The field that a UUID, a label or a name stands for.

    :param kind: the ticket type.
    :param key: what the user gave; labels and names in any case, an exact spelling goes first.
    :param option: where it was given, for messages.
    :raises ApiError: C(configuration) when there is none, or more than one.
    """
    if key == OFFER_KEY:
        raise configuration_error(f"{option} must not hold {OFFER_KEY}: the options offer_id and offer say it.")
    if not key.strip():
        raise configuration_error(f"{option} holds an empty name, which is that of no field.")
    by_id = [field for field in kind.fields if field.id.lower() == key.lower()]
    exact = [field for field in kind.fields if key in (field.label, field.name)]
    folded = key.strip().casefold()
    alike = [field for field in kind.fields if folded in map(str.casefold, (field.label.strip(), field.name.strip()))]
    found = by_id or exact or alike
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{field.name or field.label} ({field.id})" for field in found)
        raise configuration_error(f"{option}: {key!r} is the label of {len(found)} fields; give one of {ids}.")
    titles = [name for field in kind.fields for name in (field.label, field.name)]
    raise configuration_error(
        f"{option}: {key!r} is no field of ticket type {kind.name or kind.id}.{nearest(key, titles)}"
    )


def resolved(kind: TicketType, given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the field's UUID, as the service wants to have them.

    :param kind: the ticket type.
    :param given: values by UUID, label or name.
    :raises ApiError: C(configuration) for what is no field, for a field that is named twice, and for values that it
        cannot have.
    """
    check_carried("fields", given)
    values: dict[str, Any] = {}
    for key, value in given.items():
        field = find_field(kind, str(key), "fields")
        if field.id in values:
            raise configuration_error(f"fields names {field.title!r} twice, by different names.")
        values[field.id] = made_to_fit(field, value)
    _check(kind, values)
    return values


def check_carried(option: str, value: Any) -> None:
    """Refuse what JSON cannot carry: a number that is none, or half a surrogate pair.

    :param option: where it was given.
    :param value: of any kind.
    :raises ApiError: category C(configuration).
    """
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        raise configuration_error(f"{option} holds a number or a text that JSON cannot carry.") from None


def made_to_fit(field: Field, value: Any) -> Any:
    """A value in the type of its field: YAML and Jinja make texts of numbers, and users give labels of options.

    :param field: the field.
    :param value: as the user gave it; what does not fit stays as it is, for the check to refuse.
    """
    if value is None:
        return None
    if field.kind == TEXT and not isinstance(value, str) and as_number(value) is not None:
        return str(value)
    if field.kind == NUMBER:
        number = as_number(value)
        return value if number is None else number
    if field.kind == BOOLEAN:
        boolean = as_boolean(value)
        return value if boolean is None else boolean
    if field.kind == SELECT:
        return choice_of(field, value)
    if field.kind == MULTISELECT:
        return [choice_of(field, entry) for entry in (value if isinstance(value, list) else [value])]
    return value


#: What a value must be, by the kind of its field; options come on top.
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    TEXT: {"type": "string"},
    NUMBER: {"type": "number"},
    DATE: {"type": "string", "format": "instant"},
    BOOLEAN: {"type": "boolean"},
}


def _schema(field: Field) -> Mapping[str, Any]:
    options = {"enum": [choice.value for choice in field.choices]} if field.choices else {}
    if field.kind == MULTISELECT:
        return {"type": "array", "items": options}
    return options if field.kind == SELECT else _SCHEMAS.get(field.kind, {})


def schema_of(kind: TicketType) -> dict[str, Any]:
    """What the fields of a ticket may hold, as a JSON Schema; null empties any but a required one (TK-A16).

    :param kind: the ticket type.
    """
    properties = {}
    for field in kind.fields:
        schema = _schema(field)
        properties[field.id] = schema if field.is_required else {"anyOf": [{"type": "null"}, schema]}
    return {"type": "object", "properties": properties}


def _check(kind: TicketType, values: Mapping[str, Any]) -> None:
    wrong = wrong_properties(schema_of(kind), values, {"instant": lambda text: moment_of(text) is not None})
    for field in kind.fields:
        value = values.get(field.id)
        if field.id in wrong or (field.kind == NUMBER and value is not None and as_number(value) is None):
            told = _shown(value)
            raise configuration_error(f"fields: {field.title!r} must be {_wanted(field)}, not {told}.")
        if field.is_required and field.id in values and is_empty(value):
            raise configuration_error(f"fields: {field.title!r} is required, and must not be empty.")


def check_complete(kind: TicketType, values: Mapping[str, Any]) -> None:
    """Refuse a new ticket without a field that it must have and that has no default.

    :param kind: the ticket type.
    :param values: by UUID.
    :raises ApiError: category C(configuration).
    """
    missing = [
        field.title
        for field in kind.fields
        if field.is_required and is_empty(field.default) and is_empty(values.get(field.id))
    ]
    if missing:
        raise configuration_error(
            f"fields lacks {', '.join(map(repr, missing))}, which a ticket of type {kind.name or kind.id} must have."
        )


def _wanted(field: Field) -> str:
    """What a field may hold, in words."""
    words = {
        TEXT: "a text",
        NUMBER: "a number",
        DATE: "a date in ISO 8601, such as 2026-11-21T06:00:00Z",
        BOOLEAN: "true or false",
    }
    if field.kind in words:
        return words[field.kind]
    choices = [repr(choice.spellings[-1]) for choice in field.choices]
    more = f" and {len(choices) - 20} more" if len(choices) > 20 else ""
    return f"{'a list of' if field.kind == MULTISELECT else 'one of'} {', '.join(choices[:20])}{more}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def told_with_labels(kind: TicketType, text: str) -> str:
    """A text in which each UUID of a field has the field's label beside it.

    :param kind: the ticket type.
    :param text: such as what the service said.
    """
    for field in kind.fields:
        if field.id in text and field.title != field.id:
            text = text.replace(field.id, f"{field.title} ({field.id})")
    return text


def by_title(kind: TicketType | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by label, for people; where two fields share one, the UUID stands behind it.

    :param kind: the ticket type, if it is known.
    :param values: by UUID.
    """
    titles = {field.id: field.title for field in kind.fields} if kind else {}
    shared = {title for title in titles.values() if list(titles.values()).count(title) > 1}
    named: dict[str, Any] = {}
    for key, value in values.items():
        title = titles.get(key, key)
        named[f"{title} ({key})" if title in shared else title] = value
    return named
