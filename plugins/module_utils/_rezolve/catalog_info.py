# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the service catalog, so that users can look up ids and labels."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import (
    Field,
    find_ticket_type,
    id_of,
    offer_from,
    ticket_type_entries,
    ticket_type_from,
)

Record = Mapping[str, Any]


def catalog_info(api: RezolveApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Return the ticket types with their fields, the offers, and the account that the credentials belong to.

    :param api: the ticketing API.
    :param options: the options of the task.
    :param run: not used, because this operation only reads.
    :raises ApiError: category ``configuration`` if the ticket type does not exist, and any error of a request.
    """
    del run
    item_type_id, item_type = ((options.get(name) or "").strip() or None for name in ("item_type_id", "item_type"))
    if item_type_id and item_type:
        raise configuration_error("item_type and item_type_id are mutually exclusive. Set only one of them.")
    only = find_ticket_type(api, item_type_id, item_type).id if item_type_id or item_type else None
    types = [entry for entry in ticket_type_entries(api) if only in (None, id_of(entry))]
    try:
        user, warnings = _user(api)
        offers = [entry for entry in filter(id_of, api.offers()) if only in (None, offer_from(entry).item_type_id)]
    except ApiError as failure:
        raise failure.with_message(f"The service catalog could not be read. {failure}") from None
    values = {
        "ticket_types": [_ticket_type_result(entry) for entry in types],
        "offers": [_offer_result(entry) for entry in offers],
        "user": user,
        "request_ids": api.request_ids,
    }
    return OperationResult(changed=False, values=values, warnings=warnings)


def _user(api: RezolveApi) -> tuple[dict[str, Any], list[str]]:
    """Return the account, or an empty dict and a warning if the service does not return it."""
    try:
        return dict(api.user_info()), []
    except ApiError as failure:
        if failure.category != "permission" and not failure.is_of_one_record:
            raise
        return {}, [f"The service does not return the account that the credentials belong to. {failure.cause}"]


def _ticket_type_result(entry: Record) -> dict[str, Any]:
    ticket_type = ticket_type_from(entry)
    fields = [_field_result(field) for field in ticket_type.fields]
    return {"id": ticket_type.id, "name": ticket_type.name, "fields": fields}


def _field_result(field: Field) -> dict[str, Any]:
    return {
        "id": field.id,
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "holds": field.data_type,
        "required": field.is_required,
        "default": field.default,
        "options": [{"value": choice.value, "label": choice.spellings[-1]} for choice in field.choices],
    }


def _offer_result(entry: Record) -> dict[str, Any]:
    offer = offer_from(entry)
    return {
        "id": offer.id,
        "name": offer.name,
        "item_type_id": offer.item_type_id,
        "status": entry.get("status"),
    }
