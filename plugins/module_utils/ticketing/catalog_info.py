# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the service catalog: how a user finds ids and labels."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import (
    Field,
    find_ticket_type,
    offer_from,
    ticket_type_entries,
    ticket_type_from,
)

Record = Mapping[str, Any]


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def ticket_types(self, top: int, skip: int) -> list[Record]:
        """A page of the ticket types."""

    def offers(self) -> list[Record]:
        """The offers of the service catalog."""

    def user_info(self) -> Record:
        """Who the credentials are for."""


def catalog_info(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Read ticket types with their fields, offers, and who the credentials are for.

    :param api: the ticketing API.
    :param options: the task's options.
    :param run: not used, as this only reads.
    :raises ApiError: C(configuration) for a ticket type that is not there, and whatever reading raises.
    """
    del run
    item_type_id, item_type = ((options.get(name) or "").strip() or None for name in ("item_type_id", "item_type"))
    if item_type_id and item_type:
        raise configuration_error("item_type and item_type_id are both given: one of them says it.")
    only = find_ticket_type(api, item_type_id, item_type).id if item_type_id or item_type else None
    types = [entry for entry in ticket_type_entries(api) if only in (None, str(entry["id"]))]
    try:
        user = dict(api.user_info())
        offers = [entry for entry in api.offers() if only in (None, offer_from(entry).item_type_id)]
    except ApiError as failure:
        raise failure.retold(f"The service catalog could not be read. {failure}") from None
    values = {
        "ticket_types": [_shown_type(entry) for entry in types],
        "offers": [_shown_offer(entry) for entry in offers],
        "user": user,
        "request_ids": api.request_ids,
    }
    return Result(changed=False, values=values)


def _shown_type(entry: Record) -> dict[str, Any]:
    kind = ticket_type_from(entry)
    return {"id": kind.id, "name": kind.name, "fields": [_shown_field(field) for field in kind.fields]}


def _shown_field(field: Field) -> dict[str, Any]:
    return {
        "id": field.id,
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "holds": field.kind,
        "required": field.is_required,
        "default": field.default,
        "options": [{"value": choice.value, "label": choice.spellings[-1]} for choice in field.choices],
    }


def _shown_offer(entry: Record) -> dict[str, Any]:
    offer = offer_from(entry)
    return {
        "id": offer.id,
        "name": offer.name,
        "item_type_id": offer.item_type_id,
        "status": entry.get("status"),
    }
