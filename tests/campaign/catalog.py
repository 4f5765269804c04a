# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Define the service catalog of the hostile ticketing API, and how it stores and shows field values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.campaign.spelling import stored
from ansible_collections.secops.itsm.tests.campaign.world import World

REFERENCE, ROOT_CAUSE, URGENCY, STATUS, HOSTS, DETECTED, VIP, TACTICS, NOTES = (
    f"0b0c0d0e-0000-4000-8000-00000000000{digit}" for digit in "123456789"
)

TEAM, OTHER_TEAM = "soc", "other-team"
ITEM_TYPE, OTHER_TYPE = "16910", "16911"
OFFER, OTHER_OFFER = "23629", "23630"


@dataclass(frozen=True)
class FieldType:
    """A field of the ticket type.

    :param label: the displayed name.
    :param type: the type, as the service names it.
    :param choices: the labels of the options, whose values are "1", "2", ...
    """

    label: str
    type: str
    choices: tuple[str, ...] = ()


FIELDS: Mapping[str, FieldType] = {
    REFERENCE: FieldType("Incident Reference", "text"),
    ROOT_CAUSE: FieldType("Root Cause", "textarea"),
    URGENCY: FieldType("Urgency", "select", ("Low", "Medium", "High")),
    STATUS: FieldType("Status", "dropdown", ("Open", "In Progress", "Closed", "Pending")),
    HOSTS: FieldType("Affected Hosts", "number"),
    DETECTED: FieldType("Detected", "datetime"),
    VIP: FieldType("VIP", "checkbox"),
    TACTICS: FieldType("Tactics", "multiselect", ("Execution", "Impact", "Discovery")),
    NOTES: FieldType("Notes", "text"),
}


def value_of(world: World, field: str, label: str) -> str:
    """Return the stored value of an option.

    :param world: the state of the server.
    :param field: the UUID of the field.
    :param label: the label of the option.
    """
    return label if world.forms["options"] == "text" else str(FIELDS[field].choices.index(label) + 1)


def label_of(world: World, field: str, value: Any) -> str:
    """Return the label of an option.

    :param world: the state of the server.
    :param field: the UUID of the field.
    :param value: the stored value.
    """
    return next((label for label in FIELDS[field].choices if value_of(world, field, label) == value), str(value))


def closed_values(world: World) -> dict[str, Any]:
    """Return the field values that close a ticket."""
    return {STATUS: value_of(world, STATUS, "Closed")}


def ticket_types(world: World) -> list[dict[str, Any]]:
    """Return the ticket types as the catalog lists them."""
    spell = int if world.forms["ids"] == "integer" else str
    return [
        {"id": spell(OTHER_TYPE), "name": "Request", "fields": []},
        {"id": spell(ITEM_TYPE), "name": "Incident", "fields": [_field(world, name) for name in FIELDS]},
    ]


def offers(world: World) -> list[dict[str, Any]]:
    """Return the offers as the catalog lists them."""
    spell = int if world.forms["ids"] == "integer" else str
    return [
        {"id": spell(OTHER_OFFER), "item_type": spell(OTHER_TYPE), "name": "Hardware"},
        {"id": spell(OFFER), "item_type": spell(ITEM_TYPE), "name": "Security incident"},
    ]


def _field(world: World, name: str) -> dict[str, Any]:
    field = FIELDS[name]
    is_unknown = world.has("type_unknown") and field.type in ("select", "dropdown")
    shown: dict[str, Any] = {
        "id": name,
        "name": field.label.lower().replace(" ", "_"),
        "label": field.label,
        "type": "picklist-v3" if is_unknown else field.type,
        "required": False,
    }
    return {**shown, "options": [_option(world, name, label) for label in field.choices]} if field.choices else shown


def _option(world: World, name: str, label: str) -> Any:
    value = value_of(world, name, label)
    if world.forms["options"] == "text":
        return value
    return (
        {"value": value, "label": label}
        if world.forms["options"] == "value and label"
        else {"id": value, "name": label}
    )


def refusals(world: World, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the reasons why values are invalid, by UUID.

    :param world: the state of the server.
    :param values: the values by UUID.
    """
    return {name: ["is not valid"] for name, value in values.items() if not _is_valid(world, name, value)}


def _is_valid(world: World, name: str, value: Any) -> bool:
    field = FIELDS.get(name)
    if field is None or value is None:
        return field is not None
    if field.type == "multiselect":
        known = [value_of(world, name, label) for label in field.choices]
        return isinstance(value, list) and all(entry in known for entry in value)
    if field.choices:
        # A select field of an unknown type accepts any value.
        return world.has("type_unknown") or value in [value_of(world, name, label) for label in field.choices]
    kinds: Mapping[str, type | tuple[type, ...]] = {"number": (int, float), "checkbox": bool}
    return isinstance(value, kinds.get(field.type, str))


def stored_value(world: World, name: str, value: Any) -> Any:
    """Return a value as the server stores it.

    :param world: the state of the server.
    :param name: the UUID of the field.
    :param value: the value that was sent.
    """
    kind = FIELDS[name].type
    if kind in ("select", "dropdown") and world.has("choice_replaced") and value is not None:
        return value_of(world, name, "Medium" if kind == "select" else "Pending")
    if kind == "number" and world.has("number_replaced") and value is not None:
        return value + 1
    if kind == "checkbox" and world.has("boolean_replaced"):
        return not value
    return stored(world, value) if name == REFERENCE else value


def shown_value(world: World, name: str, value: Any) -> Any:
    """Return a value as the server shows it.

    :param world: the state of the server.
    :param name: the UUID of the field.
    :param value: the stored value.
    """
    kind = FIELDS[name].type if name in FIELDS else ""
    if value is None:
        return None
    if kind == "datetime":
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        if world.has("date_without_colon"):
            return moment.strftime("%Y-%m-%dT%H:%M:%S%z")
        form = world.forms["dates"]
        text = moment.isoformat(timespec="milliseconds")
        return value if form == "sent" else text if form == "offset" else text.replace("+00:00", "Z")
    if kind == "number" and world.forms["numbers"] == "digits":
        return str(value)
    if kind == "checkbox" and world.forms["booleans"] == "word":
        return str(value).lower()
    if kind in ("select", "dropdown") and world.forms["selects"] == "object" and world.forms["options"] != "text":
        return {"value": value, "label": label_of(world, name, value)}
    if kind == "multiselect" and world.forms["lists"] == "reversed":
        return value[::-1]
    return value


def is_same_value(name: str, one: Any, other: Any) -> bool:
    """Return whether two stored values are equal.

    :param name: the UUID of the field.
    :param one: a stored value.
    :param other: another stored value.
    """
    if FIELDS[name].type == "multiselect":
        return sorted(one or []) == sorted(other or [])
    if FIELDS[name].type == "datetime" and one and other:
        first, second = (datetime.fromisoformat(value.replace("Z", "+00:00")) for value in (one, other))
        return first == second
    return bool(one == other)
