# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hostile ticketing API, written from the API contract independently of the sandbox."""

from __future__ import annotations

import re
from typing import Any, Mapping, Sequence
from urllib.parse import unquote

from ansible_collections.secops.itsm.tests.campaign import catalog
from ansible_collections.secops.itsm.tests.campaign.faults import FAILURE_FLAGS, Handle, Response
from ansible_collections.secops.itsm.tests.campaign.paging import page_of
from ansible_collections.secops.itsm.tests.campaign.spelling import identity_in_row, stored, words_of
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Record, Values, World


def route(world: World, exchange: Exchange, path: str, query: Mapping[str, str]) -> Handle:
    """Return the handler of a request, and record its kind and its ticket in the exchange.

    :param world: the state of the server.
    :param exchange: the request.
    :param path: the path without the prefix of the API.
    :param query: the query parameters.
    """
    path = path[len("/ticketing") :]
    plain = {
        ("GET", "/ticket-type"): ("types", lambda: _types(world, query)),
        ("GET", "/tenant/sc/offers"): ("offers", lambda: _offers(world)),
        ("GET", "/user/userinfo"): ("userinfo", lambda: Response(200, {"data": _user(world)})),
        ("POST", "/ticket/list"): ("rows", lambda: _list(world, exchange)),
    }
    if (exchange.method, path) in plain:
        exchange.kind, handle = plain[exchange.method, path]
        return handle
    created = re.fullmatch(r"/ticket/create/([^/]+)/([^/]+)", path)
    if created and exchange.method == "POST":
        exchange.kind, exchange.is_write = "create", True
        home = (unquote(created[1]), unquote(created[2]), exchange.body["ticketBody"].get("offerId"))
        exchange.subject = world.identity_of(home, exchange.body["summary"], exchange.body["ticketBody"])
        return lambda: _create(world, exchange, *home)
    named = re.fullmatch(r"/ticket/([^/]+)(/update)?", path)
    if not named or exchange.method != ("PATCH" if named[2] else "GET"):
        return lambda: refusal(world, 404, "NOT_FOUND", "No such resource")
    record = _find(world, unquote(named[1]))
    exchange.subject = record.now["tag"] if record else None
    exchange.kind, exchange.is_write = ("update", True) if named[2] else ("ticket", False)
    return lambda: _update(world, exchange, record) if named[2] else _read(world, record)


def refusal(world: World, status: int, code: str, message: str, reason: Any = None) -> Response:
    """Return an error response.

    :param world: the state of the server, which defines the format.
    :param status: the HTTP status.
    :param code: the error code.
    :param message: the error message.
    :param reason: error messages by field.
    """
    documented = {"error": True, "code": code, "message": message, "status": status}
    if reason:
        return Response(status, {**documented, "validationResult": {"result": False, "reason": reason}})
    forms: Mapping[str, Any] = {
        "documented": documented,
        "old": {"success": False, "error": {"code": code, "message": message}},
        "html": f"<html>{message}</html>",
        "empty": None,
    }
    return Response(status, forms[world.forms["refusals"]])


def _placed(place: str, value: Any) -> Any:
    """Return a body with a value at a path such as data.ticket."""
    for name in reversed([] if place == "body" else place.split(".")):
        value = {name: value}
    return value


def _find(world: World, object_id: str) -> Record | None:
    return next((world.tickets[name] for name in world.tickets if name.lower() == object_id.lower()), None)


# --- the catalog and the user


def _fails(world: World, behaviour: str, path: str) -> Response | None:
    """Return a response that reports a failure by a flag, or None if the fault is not drawn."""
    random = world.random(path, behaviour)
    if not world.has(behaviour) or random.random() >= world.rate:
        return None
    empty: Sequence[Values] = ({"data": []}, {"data": {"tickets": []}}, {"data": {"rows": []}, "count": 0})
    rest = random.choice(empty)
    return Response(200, random.choice(FAILURE_FLAGS)(rest))


def _types(world: World, query: Mapping[str, str]) -> Response:
    entries = catalog.ticket_types(world)
    skip = int(query.get("$skip", 0))
    shown = entries[skip : skip + (1 if world.forms["page_cap"] == "2" else len(entries))]
    failed = _fails(world, "catalog_reports_failure", "types")
    return failed or Response(200, _placed(world.forms["types_place"], shown))


def _offers(world: World) -> Response:
    failed = _fails(world, "catalog_reports_failure", "offers")
    return failed or Response(200, _placed(world.forms["offers_place"], catalog.offers(world)))


def _user(world: World) -> Values:
    teams = [catalog.OTHER_TEAM] if world.has("team_unknown") else [catalog.TEAM, catalog.OTHER_TEAM]
    return {"email": "bot@soc.example", "teams": teams, "roles": ["ticket_agent"], "permissions": []}


# --- tickets


def _shown(world: World, values: Values) -> Values:
    spell = int if world.forms["ids"] == "integer" else str
    label = catalog.label_of(world, catalog.STATUS, values["data"].get(catalog.STATUS))
    status = label if label in ("In Progress", "Closed", "Pending") else "Open"
    return {
        "id": values["serial"],
        "object_id": values["object_id"],
        "etag": values["etag"],
        "summary": values["summary"],
        "data": {
            **{name: catalog.shown_value(world, name, value) for name, value in values["data"].items()},
            "offerId": spell(values["offer"]),
            "ccWatchers": [],
        },
        "lookup_props": {"teamId": values["team"], "itemTypeId": spell(values["item_type"])},
        "moved_to": None,
        "deleted_seq": 7 if values["deleted"] else -1,
        "status_type": status,
        "status_category": {"Open": "To-do Category", "Closed": "Done Category"}.get(status, "In-Progress Category"),
        "created_at": world.timestamp(values["created"]),
        "updated_at": world.timestamp(values["updated"]),
    }


def _ticket(world: World, values: Values) -> Response:
    body = _placed(world.forms["ticket_place"], _shown(world, values))
    return Response(200, {"success": True, "status": 200, **body} if "object_id" not in body else body)


def is_closed(world: World, values: Values) -> bool:
    """Return whether a ticket is closed."""
    return bool(values["data"].get(catalog.STATUS) == catalog.value_of(world, catalog.STATUS, "Closed"))


def _read(world: World, record: Record | None) -> Response:
    if record and world.has("etag_unstable"):
        world.change(record, by_others=True, etag=world.uuid("read"))
    values = record.at(world.shown_at) if record else None
    return _ticket(world, values) if values else refusal(world, 404, "NOT_FOUND", "No such ticket")


def _create(world: World, exchange: Exchange, team: str, item_type: str, offer: str) -> Response:
    body: Values = exchange.body
    if set(body) != {"source", "summary", "ticketBody", "attachments", "ticketRelation"}:
        return refusal(world, 400, "INPUT_VALIDATION_FAILURE", "A key is missing")
    if (team, item_type, offer) != (catalog.TEAM, catalog.ITEM_TYPE, catalog.OFFER) or world.has("team_unknown"):
        return refusal(world, 403, "", "The team, type or offer cannot be used")
    data = {name: value for name, value in body["ticketBody"].items() if name != "offerId"}
    reason = catalog.refusals(world, data)
    if reason:
        return refusal(world, 400, "INPUT_VALIDATION_FAILURE", "Fields are not valid", reason)
    exchange.was_wanted = _is_wanted(world, exchange)
    values: Values = {
        "team": team,
        "item_type": item_type,
        "offer": offer,
        "summary": stored(world, body["summary"]),
        "data": {name: catalog.stored_value(world, name, value) for name, value in data.items()},
        "tag": exchange.subject,
        "by": "us",
    }
    record = world.add_ticket(values, world.clock.now())
    exchange.applied = exchange.changed = True
    return _ticket(world, record.now)


def _is_wanted(world: World, exchange: Exchange) -> bool:
    return any(target.owns(exchange) and target.is_wanted() for target in world.targets)


def _update(world: World, exchange: Exchange, record: Record | None) -> Response:
    if record is None or record.now["deleted"]:
        return refusal(world, 404, "NOT_FOUND", "No such ticket")
    if world.has("etag_unstable"):
        return Response(400, {"error": True, "code": "NOT_ALLOWED", "message": "Transition is not allowed"})
    if exchange.body["etag"] != record.now["etag"]:
        return refusal(world, int(world.forms["stale"]), "STALE", "The ticket has changed")
    changes = exchange.body["ticketUpdate"]
    reason = catalog.refusals(world, changes)
    if reason:
        return refusal(world, 400, "INPUT_VALIDATION_FAILURE", "Fields are not valid", reason)
    exchange.was_wanted = _is_wanted(world, exchange)
    values = {name: catalog.stored_value(world, name, value) for name, value in changes.items()}
    exchange.applied = True
    exchange.changed = world.change(record, data={**record.now["data"], **values})
    world.change(record, etag=world.uuid("update"))
    form, etag = world.forms["update"], record.now["etag"]
    if form == "ticket":
        return _ticket(world, record.now)
    return Response(
        200, {"success": True, "etag": etag} if form == "etag" else {"success": True, "data": {"etag": etag}}
    )


# --- the list


def _list(world: World, exchange: Exchange) -> Response:
    if world.has("search_down"):
        return refusal(world, 503, "INDEX_DOWN", "The index is down")
    failed = _fails(world, "search_reports_failure", "rows")
    if failed:
        exchange.note.append("search_reports_failure")
        return failed
    body: Values = exchange.body
    search = words_of(body.get("search", ""))
    found = []
    for record in list(world.tickets.values()):
        values = record.at(world.shown_at)
        if values is None:
            continue
        if search and world.has("search_lag") and values["created"] > world.clock.now() - world.lag:
            continue
        if not search or _is_found(world, values, search):
            found.append(values)
    found.sort(key=lambda values: (values["created"], values["serial"]), reverse=body.get("searchOrder") == "DESC")
    page = page_of(world, found, int(body["top"]), int(body["offset"]))
    rows = [_row(world, values) for values in page.rows]
    place = world.forms["rows_place"]
    response = _placed(place, rows)
    if place.startswith("data."):
        response["data"].update(page.signals)
    elif place != "data":
        response.update(page.signals)
    return Response(200, response)


def _is_found(world: World, values: Values, search: set[str]) -> bool:
    texts = [values["summary"], *(value for value in values["data"].values() if isinstance(value, str))]
    words = words_of(" ".join(str(text) for text in texts))
    return bool(search & words) if world.has("search_any_word") else search <= words


def _row(world: World, values: Values) -> Values:
    row = _shown(world, values)
    form = world.forms["rows"]
    if form == "id only":
        return {"object_id": row["object_id"]}
    if world.has("row_summary_empty"):
        row["summary"] = ""
    if world.has("row_summary_cut"):
        row["summary"] = row["summary"][:10]
    if world.has("row_type_by_name"):
        row["lookup_props"] = {**row["lookup_props"], "itemTypeId": "Incident"}
    if world.has("row_deleted_zero"):
        row["deleted_seq"] = 0
    row["data"] = {**row["data"]}
    if catalog.REFERENCE in row["data"]:
        row["data"][catalog.REFERENCE] = identity_in_row(world, row["data"][catalog.REFERENCE])
    if form in ("without data", "camel case"):
        del row["data"], row["etag"]
    if form == "camel case":
        row["objectId"] = row.pop("object_id")
    return row
