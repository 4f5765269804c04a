# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hostile Table API of ServiceNow, written from the API contract independently of the sandbox."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.tests.campaign.faults import Handle, Response
from ansible_collections.secops.itsm.tests.campaign.world import START, Exchange, Record, Values, World

PREFIX = "/api/now/v2"
TABLE, REFERENCE = "incident", "correlation_id"
HOME = ("servicenow", TABLE, "")
CLOSED_STATES = ("6", "7", "8")
JOURNALS = ("work_notes", "comments")

#: The types of columns, and the labels of their choices by value.
COLUMNS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "short_description": ("string", {}),
    "description": ("string", {}),
    "close_notes": ("string", {}),
    "close_code": ("string", {"Solution provided": "Solution provided"}),
    "urgency": ("integer", {"1": "High", "2": "Medium", "3": "Low"}),
    "state": ("integer", {"1": "New", "2": "In Progress", "6": "Resolved", "7": "Closed"}),
}


def is_closed(values: Values) -> bool:
    """Return whether a ticket is closed."""
    return values["data"].get("state") in CLOSED_STATES


def route(world: World, exchange: Exchange, path: str, query: Mapping[str, str]) -> Handle:
    """Return the handler of a request, and record its kind and its ticket in the exchange.

    :param world: the state of the server.
    :param exchange: the request.
    :param path: the path without the prefix of the API.
    :param query: the query parameters.
    """
    lists = {
        "/table/sys_dictionary": ("types", lambda: _definitions(query)),
        "/table/sys_choice": ("choices", lambda: _choices(query)),
        "/table/sys_journal_field": ("journal", lambda: _journal(world, query)),
        f"/table/{TABLE}": ("rows", lambda: _list(world, query)),
    }
    if exchange.method == "GET" and path in lists:
        exchange.kind, handle = lists[path]
        return handle
    if exchange.method == "POST" and path == f"/table/{TABLE}":
        exchange.kind, exchange.is_write = "create", True
        exchange.subject = world.identity_of(HOME, "", exchange.body)
        return lambda: _create(world, exchange)
    named = re.fullmatch(rf"/table/{TABLE}/([0-9a-f]{{32}})", path)
    record = next((each for each in world.tickets.values() if named and _sys_id(each.now) == named[1]), None)
    exchange.subject = record.now["tag"] if record else None
    if record is None:
        return lambda: Response(404, {"error": {"message": "No Record found", "detail": None}, "status": "failure"})
    exchange.kind, exchange.is_write = ("update", True) if exchange.method == "PATCH" else ("ticket", False)
    return lambda: _update(world, exchange, record) if exchange.is_write else _result(_row(world, record))


def _sys_id(values: Values) -> str:
    return f"{values['serial']:032x}"


def _cell(value: Any, label: str | None = None) -> Values:
    return {"value": str(value), "display_value": str(value) if label is None else label}


def _result(row: Values, status: int = 200) -> Response:
    return Response(status, {"result": row})


def _row(world: World, record: Record) -> Values:
    """Return a ticket as the service shows it. Its journal is only shown in its own table."""
    values = record.now
    data = {name: _cell(value, COLUMNS.get(name, ("", {}))[1].get(value)) for name, value in values["data"].items()}
    moment = (START + timedelta(seconds=values["updated"])).strftime("%Y-%m-%d %H:%M:%S")
    return {
        **{name: _cell("") for name in (*COLUMNS, *JOURNALS, REFERENCE)},
        **data,
        "sys_id": _cell(_sys_id(values)),
        "number": _cell(values["object_id"]),
        "sys_mod_count": _cell(len(record.versions)),
        "sys_updated_on": _cell(moment),
        "sys_created_on": _cell((START + timedelta(seconds=values["created"])).strftime("%Y-%m-%d %H:%M:%S")),
    }


# --- lists


def _page(rows: Sequence[Values], query: Mapping[str, str], total: int | None = None) -> Response:
    offset, limit = int(query["sysparm_offset"]), int(query["sysparm_limit"])
    count = len(rows) if total is None else total
    return Response(200, {"result": list(rows[offset : offset + limit])}, {"X-Total-Count": str(count)})


def _condition(query: Mapping[str, str], column: str) -> str | None:
    """Return the value that a query requires of a column, or None."""
    parts = query["sysparm_query"].split("^")
    return next((part[len(column) + 1 :] for part in parts if part.startswith(f"{column}=")), None)


def _definitions(query: Mapping[str, str]) -> Response:
    shown = [
        {"name": "task", "element": name, "internal_type": kind, "choice": "1" if choices else "", "max_length": "4000"}
        for name, (kind, choices) in COLUMNS.items()
    ]
    return _rows_of_system(shown, query)


def _choices(query: Mapping[str, str]) -> Response:
    shown = [
        {"name": TABLE, "element": name, "value": value, "label": label, "inactive": "false"}
        for name, (_kind, choices) in COLUMNS.items()
        for value, label in choices.items()
    ]
    return _rows_of_system(shown, query)


def _rows_of_system(shown: Sequence[Mapping[str, str]], query: Mapping[str, str]) -> Response:
    rows = [
        {"sys_id": _cell(f"{number:032x}"), **{name: _cell(value) for name, value in row.items()}}
        for number, row in enumerate(shown, 1)
    ]
    return _page(rows, query)


def _journal(world: World, query: Mapping[str, str]) -> Response:
    wanted = _condition(query, "element_id")
    rows = [
        {
            "sys_id": _cell(f"{number:016x}{record.now['serial']:016x}"),
            "name": _cell(TABLE),
            "element_id": _cell(_sys_id(record.now)),
            "element": _cell(entry["column"]),
            "value": _cell(entry["text"]),
        }
        for record in world.tickets.values()
        if wanted in (None, _sys_id(record.now))
        for number, entry in enumerate(record.now.get("journal", ()), 1)
    ]
    return _page(rows, query)


def _list(world: World, query: Mapping[str, str]) -> Response:
    reference = _condition(query, REFERENCE)
    if world.has("condition_ignored"):
        reference = None
    found = [
        record
        for record in world.tickets.values()
        # The comparison of the service ignores case.
        if reference is None or record.now["data"].get(REFERENCE, "").casefold() == reference.casefold()
    ]
    shown = [] if world.has("rows_hidden") else found
    return _page([_row(world, record) for record in shown], query, len(found))


# --- writes


def _is_wanted(world: World, exchange: Exchange) -> bool:
    return any(target.owns(exchange) and target.is_wanted() for target in world.targets)


def _split(body: Mapping[str, str]) -> tuple[Values, list[Values]]:
    """Return the columns of a request, and its journal entries."""
    entries = [{"column": name, "text": body[name], "by": "us"} for name in JOURNALS if body.get(name)]
    return {name: value for name, value in body.items() if name not in JOURNALS}, entries


def _create(world: World, exchange: Exchange) -> Response:
    exchange.was_wanted = _is_wanted(world, exchange)
    data, entries = _split(exchange.body)
    values: Values = {
        "team": HOME[0],
        "item_type": TABLE,
        "offer": "",
        "summary": data.get("short_description", ""),
        "data": {"state": "1", **data},
        "journal": entries,
        "tag": exchange.subject,
        "by": "us",
    }
    record = world.add_ticket(values, world.clock.now())
    exchange.applied = exchange.changed = True
    return _result(_row(world, record), 201)


def _update(world: World, exchange: Exchange, record: Record) -> Response:
    exchange.was_wanted = _is_wanted(world, exchange)
    changes, entries = _split(exchange.body)
    exchange.applied = True
    exchange.changed = world.change(
        record, data={**record.now["data"], **changes}, journal=[*record.now.get("journal", []), *entries]
    )
    return _result(_row(world, record))
