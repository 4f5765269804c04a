# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read one ticket, or list tickets."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import ticket_types
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import by_title
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    data_of,
    location_of,
    object_id_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.schemas import FILTER_OPERATORS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_list import list_tickets
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_info import (
    TicketReader,
    check_limit,
    check_not_for_list,
    given_identifier,
    read_list,
    read_ticket,
)
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import spelled_utc, utc_option

#: Options that only apply to the list.
FOR_LIST = ("search", "statuses", "created_from", "created_to", "filters", "limit")

#: The sort directions of a request, by the choices of the option ``order``.
ORDERS: Mapping[str, str] = {"descending": "DESC", "ascending": "ASC"}

#: The keys of an entry of the option ``filters``.
FILTER_KEYS = frozenset({"column", "op", "operand"})

Record = Mapping[str, Any]


def ticket_info(api: RezolveApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Return the ticket that the options name, or else the list of tickets.

    :param api: the ticketing API.
    :param options: the options of the task.
    :param run: not used, because this operation only reads.
    :raises ApiError: category ``configuration`` for mutually exclusive options, and any error of a request.
    """
    del run
    reader = TicketReader(api.ticket, object_id_of, lambda row: row.get("summary"))
    object_id = given_identifier(options, "object_id")
    values = _one(api, options, object_id) if object_id else _list(api, options, reader)
    return OperationResult(changed=False, values={**values, "request_ids": api.request_ids}, warnings=reader.warnings)


def _one(api: RezolveApi, options: Mapping[str, Any], object_id: str) -> dict[str, Any]:
    check_not_for_list(options, FOR_LIST, "object_id")
    record = read_ticket(api.ticket, object_id)
    return {"ticket": record, "tickets": [dict(record)], "fields": _labelled_values(api, record), "truncated": False}


def _labelled_values(api: RezolveApi, record: Record) -> dict[str, Any]:
    """Return the values of the fields of a ticket, by label."""
    item_type_id = location_of(record)["item_type_id"]
    ticket_type = next((entry for entry in ticket_types(api) if entry.id == item_type_id), None)
    data = data_of(record)
    own = [entry.id for entry in ticket_type.fields if entry.id in data] if ticket_type else []
    return by_title(ticket_type, {name: data[name] for name in own})


def _list(api: RezolveApi, options: Mapping[str, Any], reader: TicketReader) -> dict[str, Any]:
    limit = options.get("limit")
    check_limit(limit)
    rows = list_tickets(api, build_request(options))
    return read_list(rows, limit, reader.complete) if options.get("complete") else read_list(rows, limit)


def build_request(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the list request, without ``top`` and ``offset``. Options that are not set are omitted.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    search = (options.get("search") or "").strip()
    request: dict[str, Any] = {
        **({"search": search} if search else {}),
        "sort": (options.get("sort") or "").strip() or "createdAt",
        "searchOrder": ORDERS[options.get("order") or "descending"],
        "sortOrder": [],
    }
    operands = [
        {"id": str(number), **entry}
        for number, entry in enumerate([*_option_filters(options), *_custom_filters(options)], 1)
    ]
    return {**request, "filter": {"op": "AND", "operand": operands}} if operands else request


def _option_filters(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the filters for the options ``statuses``, ``created_from`` and ``created_to``."""
    statuses = [entry for entry in options.get("statuses") or [] if entry.strip()]
    found: list[dict[str, Any]] = [{"op": "IN", "column": "status", "operand": statuses}] if statuses else []
    for name, operator in (("created_from", "GE"), ("created_to", "LE")):
        moment = utc_option(name, options.get(name))
        if moment:
            operand = spelled_utc(moment, "milliseconds")
            found.append({"op": operator, "column": "createdAt", "operand": operand})
    return found


def _custom_filters(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the filters for the option ``filters``."""
    found = []
    for entry in options.get("filters") or []:
        if set(entry) != FILTER_KEYS or not str(entry["column"]).strip() or entry["op"] not in FILTER_OPERATORS:
            raise configuration_error(
                f"Each entry of filters needs exactly the keys column, op and operand, with an op of "
                f"{', '.join(FILTER_OPERATORS)}."
            )
        found.append({name: entry[name] for name in ("op", "column", "operand")})
    return found
