# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of single requests, which replace the normal handling of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.tests.campaign.world import Exchange, World

HTML = "<html><body><h1>Gateway</h1></body></html>"

#: Statuses of temporary errors of a gateway or the service.
TROUBLE = (500, 502, 503, 504)


@dataclass
class Response:
    """A response, or the end of the connection.

    :param drop: whether to close the connection without a response.
    :param cut: whether to send only a part of the body.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False


Handle = Callable[[], Response]
Fault = Callable[[World, Exchange, Handle], Response]


def _drop_before(world: World, exchange: Exchange, handle: Handle) -> Response:
    return Response(drop=True)


def _drop_after(world: World, exchange: Exchange, handle: Handle) -> Response:
    handle()
    return Response(drop=True)


def _cut_answer(world: World, exchange: Exchange, handle: Handle) -> Response:
    response = handle()
    return (
        Response(drop=True)
        if response.body is None
        else Response(response.status, response.body, response.headers, cut=True)
    )


def _late_effect(world: World, exchange: Exchange, handle: Handle) -> Response:
    if exchange.is_write:
        world.later(lambda: (handle(), None)[1])
    return Response(drop=True)


def _trouble(world: World, exchange: Exchange, statuses: tuple[int, ...] = TROUBLE) -> Response:
    random = world.random(exchange.method, exchange.path, "trouble")
    status = random.choice(statuses)
    body = random.choice((HTML, "", {"error": {"code": "X", "message": "Trouble"}}, {"title": "Trouble"}))
    return Response(status, body)


def _error_before(world: World, exchange: Exchange, handle: Handle) -> Response:
    response = _trouble(world, exchange)
    if response.status == 503 and world.random(exchange.path, "busy").random() < 0.5:
        response.headers["Retry-After"] = "2"
    return response


def _error_after(world: World, exchange: Exchange, handle: Handle) -> Response:
    handle()
    return _trouble(world, exchange)


def _draw_for_kind(world: World, exchange: Exchange, purpose: str) -> float:
    """Return a random number that is the same for all requests of a kind."""
    return Random(f"{world.seed}/{exchange.kind}/{purpose}").random()


def _kinds_down(world: World, exchange: Exchange, handle: Handle) -> Response:
    if _draw_for_kind(world, exchange, "effect") < 0.5:
        handle()
    return _trouble(world, exchange)


def _html_answer(world: World, exchange: Exchange, handle: Handle) -> Response:
    if world.random(exchange.path, "html").random() < 0.5:
        handle()
    return Response(200, HTML)


def _limit_one(world: World, exchange: Exchange, handle: Handle) -> Response:
    if world.limited_workspace and f"/workspaces/{world.limited_workspace}/" not in exchange.path:
        return handle()
    headers = world.random(exchange.path, "limit").choice(({}, {"Retry-After": "1"}, {"X-RateLimit-Reset": "3"}))
    return Response(429, {"error": {"code": "TOO_MANY", "message": "Too many requests"}}, dict(headers))


def _write_ignored(world: World, exchange: Exchange, handle: Handle) -> Response:
    response: Response = world.without_effect(handle)
    exchange.applied = exchange.changed = False
    return response


def _write_reports_failure(world: World, exchange: Exchange, handle: Handle) -> Response:
    random = world.random(exchange.path, "flag")
    if random.random() < 0.5:
        handle()
    return Response(200, random.choice(FAILURE_FLAGS)({}))


def _write_refused(world: World, exchange: Exchange, handle: Handle) -> Response:
    message = "Transition is not allowed"
    return Response(400, {"code": "NOT_ALLOWED", "detail": message, "message": message, "error": True})


def _partial_status(world: World, exchange: Exchange, handle: Handle) -> Response:
    body = exchange.body
    for name in [name for name in body if name not in ("status", "comment")]:
        del body[name]
    body["status"] = None
    handle()
    return Response(500)


def _redirect(world: World, exchange: Exchange, handle: Handle) -> Response:
    # Redirect each request once, or the client would detect a loop.
    if "redirected" in exchange.path:
        return handle()
    joint = "&" if "?" in exchange.path else "?"
    return Response(307, None, {"Location": f"{exchange.prefix}{exchange.path}{joint}redirected=1"})


#: Bodies with which the service reports a failure in spite of status 200.
FAILURE_FLAGS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    lambda rest: {"success": False, "error": {"code": "INDEX_DOWN", "message": "The index is down"}, **rest},
    lambda rest: {"success": False, "message": "The index is down", **rest},
    lambda rest: {"error": True, "code": "INDEX_DOWN", "message": "The index is down", "status": 500, **rest},
)

#: The faults by behaviour. The first one that is drawn for a request applies.
FAULTS: Mapping[str, Fault] = {
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "cut_answer": _cut_answer,
    "late_effect": _late_effect,
    "error_before": _error_before,
    "error_after": _error_after,
    "kinds_down": _kinds_down,
    "html_answer": _html_answer,
    "limit_one": _limit_one,
    "write_ignored": _write_ignored,
    "write_reports_failure": _write_reports_failure,
    "write_refused": _write_refused,
    "partial_status": _partial_status,
    "partial_in_second": _partial_status,
    "redirect": _redirect,
}
ONLY_WRITES = frozenset({"late_effect", "write_ignored", "write_refused"})


def _concerns(name: str, exchange: Exchange) -> bool:
    if name in ONLY_WRITES:
        return exchange.is_write
    if name == "write_reports_failure":
        return exchange.kind in ("create", "update")
    if name in ("partial_status", "partial_in_second"):
        return exchange.kind == "status"
    return name != "redirect" or exchange.method == "GET"


def with_fault(world: World, exchange: Exchange, handle: Handle) -> Response:
    """Return the response to a request, or that of a fault.

    :param world: the state of the server.
    :param exchange: the request.
    :param handle: handles the request, and returns the response.
    """
    random = world.random(exchange.method, exchange.path, "fault")
    for name, fault in FAULTS.items():
        chance = _draw_for_kind(world, exchange, "down") if name == "kinds_down" else random.random()
        if world.has(name) and _concerns(name, exchange) and chance < world.rate:
            exchange.note.append(name)
            return fault(world, exchange, handle)
    return handle()
