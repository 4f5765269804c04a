# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as a web application: the service under its own paths, and C(/_sandbox) to steer and watch it."""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
import uuid
from typing import Any, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ansible_collections.secops.itsm.tests.sandbox.contract import Operation, contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.contraforce import ContraForce
from ansible_collections.secops.itsm.tests.sandbox.dropping import drop
from ansible_collections.secops.itsm.tests.sandbox.faults import BEFORE, Fault, Faults
from ansible_collections.secops.itsm.tests.sandbox.parsing import parsed_json, timestamp
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile
from ansible_collections.secops.itsm.tests.sandbox.records import Call, RefusedError
from ansible_collections.secops.itsm.tests.sandbox.seed import Seed

HTML = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
READS_BY_POST = frozenset({"v2-list-incidents-across-workspaces"})
JSON_TYPE = re.compile(r"(application|text)/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE)
PROBLEM_TYPE = "application/problem+json"
WITHOUT_BODY = (204, 304)


class NoResponse(Response):
    """For a connection that was cut: there is nobody to answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send nothing, and let the server notice that the connection is gone."""
        await asyncio.sleep(0)


class Sandbox:
    """One service with its contract, faults and journal.

    :param seed: what it begins with.
    """

    def __init__(self, seed: Seed) -> None:
        self.service = ContraForce(seed)
        self.contract = contraforce_contract()
        self.faults = Faults()
        self.journal: list[dict[str, Any]] = []

    async def serve(self, request: Request) -> Response:
        """Answer a request to the service."""
        raw_path = request.scope["raw_path"].decode("ascii")
        found = self.contract.find(request.method, raw_path)
        entry: dict[str, Any] = {
            "number": len(self.journal) + 1,
            "method": request.method,
            "path": raw_path,
            "query": request.url.query,
            "operation": found[0].name if found else None,
            "write": request.method != "GET" and not (found and found[0].name in READS_BY_POST),
            "took_effect": False,
            "body": None,
            "status": None,
        }
        self.journal.append(entry)
        if found is None or found[0].name not in self.service.handlers():
            return _answered(entry, self._refusal(None, 404, "NOT_FOUND", "The sandbox serves no such operation."))
        operation, path = found
        fault = self.faults.take(operation.name)
        if fault and fault.latency:
            await asyncio.sleep(fault.latency)
        content = await request.body()
        if fault and fault.when == BEFORE and (fault.drop or fault.status):
            return self._strike(request, entry, fault, None)
        response = self._true_answer(request, operation, path, content, entry)
        if fault and (fault.drop or fault.status or fault.truncate):
            return self._strike(request, entry, fault, response)
        return _answered(entry, response)

    def _true_answer(
        self, request: Request, operation: Operation, path: dict[str, str], content: bytes, entry: dict[str, Any]
    ) -> Response:
        try:
            self._check_access(request, operation, content)
            query = request.query_params.multi_items()
            entry["body"] = body = self._body(operation, content)
            wrong = self.contract.request_faults(operation, path, query, body)
            if wrong:
                raise RefusedError(400, "VALIDATION_ERROR", "One or more validation errors occurred.", wrong)
            call = Call(path, self.contract.query(operation, query), body)
            answer = self.service.handlers()[operation.name](call)
        except RefusedError as refusal:
            return self._refusal(operation, refusal.status, refusal.code, refusal.detail, refusal.errors)
        entry["took_effect"] = entry["write"] and answer.effect and self.service.profile.writes == "applied"
        meta = {"requestId": _request_id(), "timestamp": timestamp()}
        shown = None if answer.status == 204 else {"data": answer.data, "meta": meta}
        broken = self.contract.answer_faults(operation, answer.status, shown)
        if broken:
            return _problem(500, "SANDBOX_BROKE_THE_CONTRACT", "; ".join(broken))
        headers = {"X-Request-Id": meta["requestId"]}
        if shown is None:
            return Response(status_code=204, headers=headers)
        return JSONResponse(shown, answer.status, headers)

    def _check_access(self, request: Request, operation: Operation, content: bytes) -> None:
        """Credentials, and the type of a body.

        :raises RefusedError: as the service refuses it.
        """
        if not self._authenticated(request):
            raise RefusedError(401, "UNAUTHORIZED", "The credentials are missing or invalid.")
        kind = request.headers.get("Content-Type", "")
        if content and "requestBody" in operation.definition and not JSON_TYPE.fullmatch(kind.strip()):
            raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE", "The body's Content-Type is not that of JSON.")

    @staticmethod
    def _body(operation: Operation, content: bytes) -> Any:
        if "requestBody" not in operation.definition:
            return None
        try:
            return parsed_json(content)
        except ValueError as error:
            raise RefusedError(400, "BAD_REQUEST", str(error)) from None

    def _refusal(
        self, operation: Operation | None, status: int, code: str, detail: str, errors: Any = None
    ) -> Response:
        """An error of the service, which the contract must know as any other answer."""
        body = _problem_body(status, code, detail, errors)
        if operation is None:
            broken = self.contract.schema_faults("ApiProblemDetails", body)
        else:
            broken = self.contract.answer_faults(operation, status, body)
        if broken:
            return _problem(500, "SANDBOX_BROKE_THE_CONTRACT", "; ".join(broken))
        return JSONResponse(body, status, media_type=PROBLEM_TYPE)

    def _strike(self, request: Request, entry: dict[str, Any], fault: Fault, true: Response | None) -> Response:
        if fault.drop:
            drop(request.scope)
            return NoResponse()
        if true is not None and fault.truncate:
            body = bytes(true.body)
            return _answered(entry, Response(body[: len(body) // 2], true.status_code, media_type="application/json"))
        return _answered(entry, _false_answer(request, fault, true))

    def _authenticated(self, request: Request) -> bool:
        scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
        known = self.service.seed.credentials
        pair = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode("ascii")
        expected = {"basic": pair, "bearer": known["access_token"]}.get(scheme.lower(), "")
        return bool(expected) and secrets.compare_digest(value.encode(), expected.encode())

    async def reset(self, request: Request) -> Response:
        """Begin again: state from the seed, an empty journal, and the profile and faults that the body names."""
        try:
            body = parsed_json(await request.body())
            body = {} if body is None else body
            if not isinstance(body, dict) or set(body) - {"profile", "faults"}:
                raise ValueError("reset takes a profile and faults, and nothing else")
            profile = Profile.from_json(body.get("profile", {}))
            faults = self._faults(body.get("faults", []))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        self.service.reset(profile)
        self.faults.replace(faults)
        self.journal.clear()
        return JSONResponse({"reset": True})

    async def set_faults(self, request: Request) -> Response:
        """Take new faults, and leave everything else as it is."""
        try:
            self.faults.replace(self._faults(parsed_json(await request.body())))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"faults": True})

    def _faults(self, value: Any) -> list[Fault]:
        if not isinstance(value, list):
            raise ValueError("faults are a list")
        names = [operation.name for operation in self.contract.operations]
        return [Fault.from_json(entry, names) for entry in value]

    async def show_journal(self, _request: Request) -> Response:
        """The requests so far, and how many of them were meant to change something, and did."""
        return JSONResponse(
            {
                "entries": self.journal,
                "reads": sum(not entry["write"] for entry in self.journal),
                "writes": sum(entry["write"] for entry in self.journal),
                "faults_waiting": self.faults.waiting,
                "writes_in_effect": sum(entry["took_effect"] for entry in self.journal),
            }
        )

    async def show_state(self, _request: Request) -> Response:
        """Incidents with their comments, assignee and the id of their ticket, and tickets, as they are stored."""
        incidents = [{**entry.record, "comments": entry.comments} for entry in self.service.incidents.values()]
        return JSONResponse({"incidents": incidents, "tickets": self.service.tickets})


def create_app(seed: Seed) -> Starlette:
    """The application.

    :param seed: what the sandbox begins with.
    """
    sandbox = Sandbox(seed)
    methods = ["GET", "PUT", "POST", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/_sandbox/reset", sandbox.reset, methods=["POST"]),
            Route("/_sandbox/faults", sandbox.set_faults, methods=["PUT"]),
            Route("/_sandbox/journal", sandbox.show_journal, methods=["GET"]),
            Route("/_sandbox/state", sandbox.show_state, methods=["GET"]),
            Route("/{path:path}", sandbox.serve, methods=methods),
        ]
    )


def _request_id() -> str:
    return f"0H{uuid.uuid4().hex[:11].upper()}:00000001"


def _problem_body(status: int, code: str, detail: str, errors: Any = None) -> dict[str, Any]:
    body = {
        "type": f"https://httpstatuses.io/{status}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": _request_id(),
        "timestamp": timestamp(),
    }
    return {**body, "errors": errors} if errors else body


def _problem(status: int, code: str, detail: str) -> Response:
    return JSONResponse(_problem_body(status, code, detail), status, media_type=PROBLEM_TYPE)


def _false_answer(request: Request, fault: Fault, true: Response | None) -> Response:
    """The answer that a fault gives in place of the true one, which it may have let happen."""
    status = fault.status or 500
    code = fault.code or f"SANDBOX_{status}"
    told = "The sandbox was told to fail."
    old: dict[str, Any] = {"error": {"code": code, "message": told, "target": None, "details": []}, "meta": {}}
    answers: dict[str, Callable[[], Response]] = {
        "true": lambda: true or _problem(status, code, told),
        "problem": lambda: _problem(status, code, told),
        "old": lambda: JSONResponse(old),
        "html": lambda: Response(HTML, media_type="text/html"),
        "text": lambda: Response("upstream connect error", media_type="text/plain"),
        "empty": lambda: Response(b""),
        "echo": lambda: _problem(status, code, f"You sent {dict(request.headers)}"),
    }
    response = Response() if status in WITHOUT_BODY else answers[fault.content]()
    response.status_code = status
    response.headers.update(fault.headers)
    return response


def _answered(entry: dict[str, Any], response: Response) -> Response:
    entry["status"] = response.status_code
    return response
