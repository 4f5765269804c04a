# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one ticket, or list tickets."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.instants import spelled_utc, utc_option
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import ticket_types
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.fields import by_title
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import data_of, home_of, object_id_of
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.schemas import FILTER_OPERATORS
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.search import Page, listed

#: Options that only a list has.
FOR_LIST = ("search", "statuses", "created_from", "created_to", "filters", "limit")

#: Orders of a list, and what they are called in the request.
ORDERS: Mapping[str, str] = {"descending": "DESC", "ascending": "ASC"}

#: Keys of an entry of C(filters).
FILTER_KEYS = frozenset({"column", "op", "operand"})

Record = Mapping[str, Any]


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def ticket(self, object_id: str) -> Record:
        """Read a ticket."""

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """A page of the list of tickets."""

    def ticket_types(self, top: int, skip: int) -> list[Record]:
        """A page of the ticket types."""

    def offers(self) -> list[Record]:
        """The offers of the service catalog."""


def ticket_info(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Read one ticket, if it is named, or else the list.

    :param api: the ticketing API.
    :param options: the task's options.
    :param run: not used, as this only reads.
    :raises ApiError: C(configuration) for options that do not go together, and whatever reading raises.
    """
    del run
    object_id = options.get("object_id")
    if object_id is not None and not object_id.strip():
        # A variable that is empty by mistake must not turn one ticket into all of them.
        raise configuration_error("object_id is given, but empty: name the ticket, or leave it out for a list.")
    values = _one(api, options, object_id.strip()) if object_id else _list(api, options)
    return Result(changed=False, values={**values, "request_ids": api.request_ids})


def _one(api: Api, options: Mapping[str, Any], object_id: str) -> dict[str, Any]:
    misplaced = [name for name in FOR_LIST if options.get(name) not in (None, [], "")]
    if misplaced:
        raise configuration_error(f"{', '.join(misplaced)}: only for a list. Leave it out, or object_id.")
    try:
        record = api.ticket(object_id)
    except ApiError as failure:
        raise failure.retold(f"Ticket {object_id} could not be read. {failure}") from None
    return {
        "ticket": dict(record),
        "tickets": [dict(record)],
        "fields": _labelled(api, record),
        "truncated": False,
    }


def _labelled(api: Api, record: Record) -> dict[str, Any]:
    """The values of the fields that the ticket's type has, by label."""
    wanted = home_of(record)["item_type_id"]
    kind = next((entry for entry in ticket_types(api) if entry.id == wanted), None)
    data = data_of(record)
    own = [entry.id for entry in kind.fields if entry.id in data] if kind else []
    return by_title(kind, {name: data[name] for name in own})


def _list(api: Api, options: Mapping[str, Any]) -> dict[str, Any]:
    limit = options.get("limit")
    if limit is not None and limit < 1:
        raise configuration_error("limit must be a number of tickets above 0; leave it out for all of them.")
    tickets: list[dict[str, Any]] = []
    for row in listed(api, request_from(options)):
        if len(tickets) == limit:
            return {"tickets": tickets, "truncated": True}
        tickets.append(_complete(api, row) if options.get("complete") else dict(row))
    return {"tickets": tickets, "truncated": False}


def _complete(api: Api, row: Record) -> dict[str, Any]:
    """A listed ticket as it is when it is read by itself."""
    object_id = object_id_of(row) or ""
    try:
        return dict(api.ticket(object_id))
    except ApiError as failure:
        raise failure.retold(f"The list names ticket {object_id}, but it could not be read. {failure}") from None


def request_from(options: Mapping[str, Any]) -> dict[str, Any]:
    """The list's request without C(top) and C(offset); what is not asked for is not sent.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    search = (options.get("search") or "").strip()
    request: dict[str, Any] = {
        **({"search": search} if search else {}),
        "sort": (options.get("sort") or "").strip() or "createdAt",
        "searchOrder": ORDERS[options.get("order") or "descending"],
        "sortOrder": [],
    }
    operands = [
        {"id": str(number), **entry} for number, entry in enumerate([*_own_filters(options), *_raw(options)], 1)
    ]
    return {**request, "filter": {"op": "AND", "operand": operands}} if operands else request


def _own_filters(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The filters on the columns that the pages show."""
    statuses = [entry for entry in options.get("statuses") or [] if entry.strip()]
    found: list[dict[str, Any]] = [{"op": "IN", "column": "status", "operand": statuses}] if statuses else []
    for name, operator in (("created_from", "GE"), ("created_to", "LE")):
        moment = utc_option(name, options.get(name))
        if moment:
            operand = spelled_utc(moment, "milliseconds")
            found.append({"op": operator, "column": "createdAt", "operand": operand})
    return found


def _raw(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The filters that the user spelled out."""
    found = []
    for entry in options.get("filters") or []:
        if set(entry) != FILTER_KEYS or not str(entry["column"]).strip() or entry["op"] not in FILTER_OPERATORS:
            raise configuration_error(
                f"Each of filters has a column, an op of {', '.join(FILTER_OPERATORS)}, an operand, and nothing else."
            )
        found.append({name: entry[name] for name in ("op", "column", "operand")})
    return found
