# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dispatch requests to the services, validate them, apply faults, and keep the journal."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from typing import Any, Sequence

from starlette.requests import Request
from starlette.responses import Response

from ansible_collections.secops.itsm.tests.sandbox.connection_faults import abort_connection, connection_number
from ansible_collections.secops.itsm.tests.sandbox.fault_responses import (
    as_response,
    fault_response,
    kept_headers,
    with_edits,
)
from ansible_collections.secops.itsm.tests.sandbox.faults import BEFORE, Fault, Faults
from ansible_collections.secops.itsm.tests.sandbox.operations import FORM, JSON, Operation
from ansible_collections.secops.itsm.tests.sandbox.parsing import parsed_form, parsed_json
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call, RefusedError
from ansible_collections.secops.itsm.tests.sandbox.service import Reply, Service

logger = logging.getLogger(__name__)

_BODY_TYPES = {
    JSON: re.compile(r"(application|text)/([\w.-]+\+)?json\s*(;.*)?", re.IGNORECASE),
    FORM: re.compile(rf"{FORM}\s*(;.*)?", re.IGNORECASE),
}


class NoResponse(Response):
    """The response on a connection that was closed: nothing is sent."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send nothing, and let the server notice that the connection is gone."""
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Exchange:
    """A request to a known operation.

    :param path: the values in its path.
    :param content: its body.
    :param entry: its entry in the journal.
    """

    request: Request
    service: Service
    operation: Operation
    path: dict[str, str]
    content: bytes
    entry: dict[str, Any]


class RequestDispatcher:
    """The services behind one address.

    :param services: the first one that owns a path answers it.
    """

    def __init__(self, services: Sequence[Service]) -> None:
        self.services = services
        self.faults = Faults()
        self.journal: list[dict[str, Any]] = []

    @property
    def operations(self) -> list[str]:
        """Return every operationId."""
        return [operation.name for service in self.services for operation in service.contract.operations]

    async def dispatch(self, request: Request) -> Response:
        """Answer a request to a service."""
        raw_path = request.scope["raw_path"].decode("ascii")
        service, found = self._find(request.method, raw_path)
        entry: dict[str, Any] = {
            "number": len(self.journal) + 1,
            "connection": connection_number(request.scope),
            "method": request.method,
            "path": raw_path,
            "query": request.url.query,
            "operation": found[0].name if found else None,
            "write": request.method != "GET" and not (found and found[0].name in service.reads_by_post),
            "took_effect": False,
            "held": False,
            "body": None,
            "status": None,
            "seconds": None,
        }
        self.journal.append(entry)
        if found is None or found[0].name not in service.handlers():
            return _record_response(entry, _unknown_operation(service))
        operation, path = found
        fault = self.faults.take(operation.name, raw_path)
        if fault and fault.latency:
            await asyncio.sleep(fault.latency)
        exchange = Exchange(request, service, operation, path, await request.body(), entry)
        if fault and fault.when == BEFORE and fault.hold:
            return await _hold(exchange)
        if fault and fault.when == BEFORE and (fault.drop or fault.status):
            return _apply_fault(exchange, fault, None)
        response = _regular_response(exchange)
        if fault and fault.hold:
            return await _hold(exchange)
        if fault and (fault.drop or fault.status or fault.truncate):
            return _apply_fault(exchange, fault, response)
        return _record_response(entry, with_edits(response, fault) if fault else response)

    def _find(self, method: str, raw_path: str) -> tuple[Service, tuple[Operation, dict[str, str]] | None]:
        for service in self.services:
            found = service.contract.find(method, raw_path)
            if found:
                return service, found
        return next(service for service in self.services if service.owns(raw_path)), None


def _regular_response(exchange: Exchange) -> Response:
    service, operation, entry = exchange.service, exchange.operation, exchange.entry
    try:
        answer = _handle(exchange)
    except RefusedError as refusal:
        return _validated(service, operation, service.refusal(operation, refusal))
    except Exception as error:
        # A bug of the sandbox: the client gets a response, and the log shows the place.
        logger.exception("%s failed", operation.name)
        failure = RefusedError(500, "SANDBOX_FAILED", f"The sandbox failed with {type(error).__name__}.")
        return as_response(service.refusal(operation, failure))
    entry["took_effect"] = entry["write"] and answer.effect
    return _validated(service, operation, service.reply(operation, answer))


def _handle(exchange: Exchange) -> Answer:
    """Return the answer of the service's handler.

    :raises RefusedError: if the service refuses the request.
    """
    request, service, operation = exchange.request, exchange.service, exchange.operation
    caller = service.authenticate(operation, request.headers)
    body = _body(exchange)
    if operation.name not in service.unrecorded:
        exchange.entry["body"] = body
    query = request.query_params.multi_items()
    wrong = service.contract.request_faults(operation, exchange.path, query, request.headers, body)
    if wrong:
        raise RefusedError(400, "VALIDATION_ERROR", "One or more validation errors occurred.", wrong)
    call = Call(exchange.path, service.contract.query(operation, query), body, caller)
    return service.handlers()[operation.name](call)


def _body(exchange: Exchange) -> Any:
    """Return the parsed body.

    :raises RefusedError: if the content type is wrong, or the body cannot be parsed.
    """
    expected = exchange.operation.body_type
    if expected is None:
        return None
    kind = exchange.request.headers.get("Content-Type", "")
    if exchange.content and not _BODY_TYPES[expected].fullmatch(kind.strip()):
        named = "JSON" if expected == JSON else expected
        raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE", f"The Content-Type of the body must be that of {named}.")
    try:
        return parsed_json(exchange.content) if expected == JSON else parsed_form(exchange.content)
    except ValueError as error:
        raise RefusedError(400, "BAD_REQUEST", str(error)) from None


def _unknown_operation(service: Service) -> Response:
    reply = service.refusal(None, RefusedError(404, "NOT_FOUND", "The sandbox serves no such operation."))
    return _contract_checked(service, None, reply, service.contract.schema_faults(service.error_schema, reply.body))


def _validated(service: Service, operation: Operation, reply: Reply) -> Response:
    broken = service.contract.answer_faults(operation, reply.status, reply.body, reply.kind)
    return _contract_checked(service, operation, reply, broken)


def _contract_checked(service: Service, operation: Operation | None, reply: Reply, broken: list[str]) -> Response:
    """Return the reply, or an error if it breaks the contract."""
    if broken:
        reply = service.refusal(operation, RefusedError(500, "SANDBOX_BROKE_THE_CONTRACT", "; ".join(broken)))
    return as_response(reply)


async def _hold(exchange: Exchange) -> Response:
    """Leave a request unanswered until its client disconnects."""
    exchange.entry["held"] = True
    while (await exchange.request.receive())["type"] != "http.disconnect":
        continue
    return NoResponse()


def _apply_fault(exchange: Exchange, fault: Fault, true: Response | None) -> Response:
    if fault.drop:
        abort_connection(exchange.request.scope)
        return NoResponse()
    if true is not None and fault.truncate:
        half = bytes(true.body)[: len(bytes(true.body)) // 2]
        return _record_response(exchange.entry, Response(half, true.status_code, kept_headers(true), JSON))
    seen = f"{dict(exchange.request.headers)}"
    if exchange.operation.body_type == FORM:
        seen += f" and {exchange.content.decode('utf-8', 'replace')}"
    response = fault_response(exchange.service, exchange.operation, fault, seen, true)
    return _record_response(exchange.entry, response)


def _record_response(entry: dict[str, Any], response: Response) -> Response:
    entry["status"] = response.status_code
    entry["seconds"] = time.monotonic()
    return response
