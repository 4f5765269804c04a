# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hostile ContraForce API, written from the API contract independently of the sandbox."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Mapping
from urllib.parse import quote, unquote

from ansible_collections.secops.itsm.tests.campaign.catalog import closed_values
from ansible_collections.secops.itsm.tests.campaign.faults import Handle, Response
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Key, Record, Values, World

#: The ids of the users, by email.
USERS: Mapping[str, str] = {
    "day@soc.example": "0a6d0f5e-0000-4000-8000-000000000001",
    "night@soc.example": "0a6d0f5e-0000-4000-8000-000000000002",
}

#: Sources that do not store a classification.
PLAIN_SOURCES = frozenset({"Splunk", "CrowdStrike"})

STATUS_NUMBERS = {"Active": 1, "New": 2, "Closed": 3}
CLASSIFICATION_NUMBERS = {"BenignPositive": 1, "FalsePositive": 2, "TruePositive": 3, "Undetermined": 4}
TICKET_MEMBERS = {"Autotask": "autotaskTicket", "ServiceNow": "serviceNowTicket", "Jira": "jiraTicket"}

#: Number of incidents of each workspace on a page of the list.
PAGE = 2


def ticket_id(world: World, number: str) -> str:
    """Return the internal id of a ticket in the ticketing system.

    :param world: the state of the server, which defines the ticketing system.
    :param number: the display number, such as CTC-0101.
    """
    digest = hashlib.sha256(number.encode()).hexdigest()
    return str(int(digest[:7], 16)) if world.forms["system"] == "Autotask" else digest[:32]


def route(world: World, exchange: Exchange, path: str, query: Mapping[str, str]) -> Handle:
    """Return the handler of a request, and record its kind and its incident in the exchange.

    :param world: the state of the server.
    :param exchange: the request.
    :param path: the path without the prefix of the API.
    :param query: the query parameters.
    """
    if (exchange.method, path) == ("POST", "/incidents/across-workspaces"):
        exchange.kind = "list"
        return lambda: _list(world, exchange.body)
    link = re.fullmatch(r"/workspaces/([^/]+)/tickets/(link|unlink)", path)
    if link and exchange.method == "POST":
        incident = exchange.body["incident"]
        exchange.kind, exchange.is_write = link[2], True
        exchange.subject = (unquote(link[1]), incident["source"], incident["id"])
        return _writing(world, exchange, _link if link[2] == "link" else _unlink)
    found = re.fullmatch(r"/workspaces/([^/]+)/incidents/([^/]+)/([^/]+)(/status|/comments|/assignee)?", path)
    if not found:
        return lambda: problem(world, 404, "NOT_FOUND", "No such resource")
    exchange.subject = (unquote(found[1]), unquote(found[2]), unquote(found[3]))
    part = found[4] or ""
    if (exchange.method, part) == ("GET", ""):
        exchange.kind = "incident"
        return lambda: _read(world, exchange)
    if (exchange.method, part) == ("GET", "/comments"):
        exchange.kind = "comments"
        return lambda: _comments(world, exchange)
    writes = {
        ("PUT", "/status"): ("status", _set_status),
        ("PUT", "/assignee"): ("assign", _assign),
        ("POST", "/comments"): ("add_comment", _add_comment),
    }
    if (exchange.method, part) not in writes:
        return lambda: problem(world, 405, "METHOD_NOT_ALLOWED", "Not allowed")
    exchange.kind, handle = writes[exchange.method, part]
    exchange.is_write = True
    return _writing(world, exchange, handle)


def _writing(world: World, exchange: Exchange, handle: Any) -> Handle:
    """Return the handler of a write, which records whether the write was needed and whether it changed anything."""

    def write() -> Response:
        record = world.incidents.get(exchange.subject)
        if record is None:
            return problem(world, 404, "NOT_FOUND", "No such incident")
        exchange.was_wanted = any(target.owns(exchange) and target.is_wanted() for target in world.targets)
        before = len(record.versions)
        response: Response = handle(world, exchange, record)
        exchange.applied = response.status < 300
        exchange.changed = len(record.versions) > before
        return response

    return write


def problem(world: World, status: int, code: str, message: str) -> Response:
    """Return an error response.

    :param world: the state of the server, which defines the format.
    :param status: the HTTP status.
    :param code: the error code.
    :param message: the error message.
    """
    forms: Mapping[str, Any] = {
        "problem": {"type": "about:blank", "title": code, "status": str(status), "detail": message, "code": code},
        "old": {"error": {"code": code, "message": message, "details": []}, "meta": {}},
        "html": f"<html>{message}</html>",
        "empty": None,
    }
    # Only a code can distinguish a missing link from a missing incident.
    form = "problem" if code == "NOT_LINKED" else world.forms["problems"]
    body = forms[form]
    if code == "NOT_LINKED":
        body = {**body, "code": "NOT_FOUND"}
    return Response(status, body)


def _data(world: World, data: Any, status: int = 200) -> Response:
    meta = {"meta": {"requestId": world.uuid("request")}} if world.forms["meta"] == "present" else {}
    return Response(status, {"data": data, **meta})


def _done(world: World) -> Response:
    return Response(204) if world.forms["no_content"] == "204" else _data(world, None)


# --- reads


def _word(world: World, word: str | None, numbers: Mapping[str, int]) -> Any:
    if word is None or world.forms["words"] == "documented":
        return word
    return word.lower() if world.forms["words"] == "lower case" else numbers.get(word, word)


def _read(world: World, exchange: Exchange) -> Response:
    key: Key = exchange.subject
    random = world.random(exchange.path, "other")
    if world.has("redirect_other") and random.random() < world.rate:
        exchange.note.append("redirect_other")
        return _elsewhere(world, exchange)
    if world.has("read_other") and random.random() < world.rate:
        others = sorted(other for other in world.incidents if other != key)
        key = random.choice(others)
        exchange.note.append(f"read_other: {key}")
    record = world.incidents.get(key)
    values = record.at(world.shown_at) if record else None
    if values is None:
        return problem(world, 404, "NOT_FOUND", "No such incident")
    shown = _shown(world, key, values)
    if world.forms["incident_place"] == "data":
        return _data(world, shown)
    return _data(world, {"source": key[1], "incident": shown, "evidence": None})


def _elsewhere(world: World, exchange: Exchange) -> Response:
    others = sorted({workspace for workspace, _source, _id in world.incidents if workspace != exchange.subject[0]})
    path = exchange.path.replace(quote(exchange.subject[0], safe=""), others[0])
    return Response(307, None, {"Location": f"/api/v2{path}"})


def _shown(world: World, key: Key, values: Values) -> Values:
    shown: Values = {
        "id": key[2],
        "workspaceId": key[0],
        "source": key[1],
        "title": values["title"],
        "severity": values["severity"],
        "number": str(values["number"]),
        "status": _word(world, values["status"], STATUS_NUMBERS),
        "classification": _word(world, values["classification"], CLASSIFICATION_NUMBERS),
        "classificationReason": values["reason"],
        "createdAt": world.timestamp(values["created"]),
        "updatedAt": world.timestamp(values["updated"]),
    }
    return {**shown, **_user_shown(world, values["user"]), **_link_shown(world, values["ticket"])}


def _user_shown(world: World, email: str | None) -> Values:
    form = world.forms["assignee"]
    if form == "hidden":
        return {}
    user = {"user": {"id": USERS[email], "email": email.upper(), "displayName": "Analyst"}} if email else {}
    if form == "user":
        return user or {"user": None}
    return {**user, "isAssigned": bool(email)}


def _link_shown(world: World, number: str | None) -> Values:
    form = world.forms["link"]
    if form in ("hidden", "comments"):
        return {}
    if form == "ticketId":
        return {"ticketId": ticket_id(world, number) if number else None}
    return {form: {"id": ticket_id(world, number), "number": number} if number else None}


def _comments(world: World, exchange: Exchange) -> Response:
    if world.has("redirect_other") and world.random(exchange.path, "other").random() < world.rate:
        exchange.note.append("redirect_other")
        return _elsewhere(world, exchange)
    record = world.incidents.get(exchange.subject)
    values = record.at(world.shown_at) if record else None
    if values is None:
        return problem(world, 404, "NOT_FOUND", "No such incident")
    return _data(world, [_comment_shown(world, entry) for entry in values["comments"]])


def _comment_shown(world: World, entry: Values) -> Values:
    text = " ".join(entry["text"].split()) if world.forms["comment_space"] == "folded" else entry["text"]
    shown = {
        "message": text,
        "createdTime": world.timestamp(entry["created"]),
        "authorEmail": f"{entry['author']}@soc.example",
        "ticketId": entry.get("ticket_id"),
    }
    form = world.forms["comment_ids"]
    return shown if form == "none" else {"id": entry["id"] if form == "integer" else f"c{entry['id']}", **shown}


# --- writes


def _set_status(world: World, exchange: Exchange, record: Record) -> Response:
    body: Values = exchange.body
    if body["status"] == "Closed" and exchange.subject[1] == "Sentinel" and not body.get("classification"):
        return problem(world, 400, "VALIDATION_ERROR", "Sentinel needs a classification")
    values: Values = {"status": body["status"] or record.now["status"]}
    if body.get("classification"):
        values["classification"] = None if exchange.subject[1] in PLAIN_SOURCES else body["classification"]
        reason = body.get("classificationReason")
        values["reason"] = {"kept": reason, "dropped": None, "replaced": "Other"}[world.forms["reasons"]]
    if body.get("comment"):
        entry = world.comment("us", body["comment"], partial_in=None if body["status"] else world.run)
        values["comments"] = [*record.now["comments"], entry]
    if body.get("updateTicket"):
        _close_ticket(world, body["ticketId"])
    world.change(record, **values)
    return _done(world)


def _close_ticket(world: World, name: str) -> None:
    for record in world.tickets.values():
        if name.lower() in (record.now["object_id"].lower(), ticket_id(world, record.now["object_id"])):
            world.change(record, data={**record.now["data"], **closed_values(world)}, etag=world.uuid("close"))


def _add_comment(world: World, exchange: Exchange, record: Record) -> Response:
    entry = world.comment("us", exchange.body["content"])
    world.change(record, comments=[*record.now["comments"], entry])
    return _data(world, _comment_shown(world, entry), 201)


def _assign(world: World, exchange: Exchange, record: Record) -> Response:
    wanted = exchange.body.get("email") or exchange.body.get("userId")
    email = next((email for email, name in USERS.items() if wanted.lower() in (email, name)), None)
    if email is None:
        return problem(world, 400, "VALIDATION_ERROR", f"{wanted} is not a user of this account")
    world.change(record, user=email)
    return _done(world)


def _link(world: World, exchange: Exchange, record: Record) -> Response:
    name = exchange.body["ticketId"].strip().lower()
    known = [*world.service_tickets, *world.tickets]
    number = next((known for known in known if name in (known.lower(), ticket_id(world, known))), None)
    system = world.forms["system"]
    if number is None:
        return _data(world, {"isTicketSet": False, "ticketingSystemType": system})
    if record.now["ticket"] not in (None, number) and world.forms["relink"] == "refuse":
        return problem(world, 409, "CONFLICT", f"Linked to {record.now['ticket']}")
    values: Values = {"ticket": number}
    if world.forms["link"] == "comments" and record.now["ticket"] != number:
        entry = world.comment("system", "Mirrored to the ticket", ticket_id=ticket_id(world, number))
        values["comments"] = [*record.now["comments"], entry]
    world.change(record, **values)
    member = TICKET_MEMBERS.get(system)
    shown_id: Any = ticket_id(world, number)
    ticket = {"id": int(shown_id) if system == "Autotask" else shown_id, "number": number}
    # The keys of the other systems exist, too, and are null.
    members = {name: ticket if name == member else None for name in TICKET_MEMBERS.values()}
    return _data(world, {**members, "ticketingSystemType": system, "isTicketSet": True})


def _unlink(world: World, exchange: Exchange, record: Record) -> Response:
    if record.now["ticket"] is None:
        if world.forms["unlink_none"] == "404":
            return problem(world, 404, "NOT_LINKED", "No ticket is linked")
        return _data(world, False)
    world.change(record, ticket=None)
    return _data(world, True)


# --- the list


def _list(world: World, body: Mapping[str, Any]) -> Response:
    statuses = body.get("statuses")
    workspaces: dict[str, list[Values]] = {}
    for key, record in world.incidents.items():
        values = record.at(world.shown_at)
        if values is not None and (not statuses or values["status"] in statuses):
            workspaces.setdefault(key[0], []).append(_shown(world, key, values))
    offsets = dict.fromkeys(workspaces, 0)
    if not body["isFirstCall"]:
        offsets = {entry["workspaceId"]: _offset_in(entry) for entry in body["workspacePageTokens"]}
    overlap = 1 if world.has("incidents_overlap") and not body["isFirstCall"] else 0
    is_empty = world.has("incidents_empty") and world.random("page", sorted(offsets.items())).random() < world.rate
    shown, tokens = [], []
    for workspace, offset in offsets.items():
        listed = workspaces.get(workspace, [])
        begin, end = max(0, offset - overlap), offset + (0 if is_empty else PAGE)
        shown += listed[begin:end]
        if end < len(listed):
            tokens.append(_token(world, workspace, end))
    return _data(world, {"incidents": shown, "workspacePageTokens": tokens or None})


def _token(world: World, workspace: str, offset: int) -> Values:
    # The token after an empty page must be new.
    text = f"after-{offset}-{world.uuid('token')[:6]}"
    if world.has("tokens_in_list"):
        return {"workspaceId": workspace, "sourceTokens": [{"source": "Sentinel", "token": text}]}
    if world.has("tokens_as_text"):
        return {"workspaceId": workspace, "sourceTokens": text}
    if world.has("token_elsewhere"):
        return {"workspaceId": workspace, "nextToken": text}
    return {"workspaceId": workspace, "sourceTokens": {"Sentinel": text, "Splunk": None}}


def _offset_in(entry: Mapping[str, Any]) -> int:
    found = re.search(r"after-(\d+)", str(entry))
    return int(found[1]) if found else 0
