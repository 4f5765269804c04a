# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers as they go over the wire, and those that a fault gives in place of the true one."""

from __future__ import annotations

from typing import Callable

from starlette.responses import JSONResponse, Response

from ansible_collections.secops.itsm.tests.sandbox.faults import Fault
from ansible_collections.secops.itsm.tests.sandbox.operations import Operation
from ansible_collections.secops.itsm.tests.sandbox.records import RefusedError
from ansible_collections.secops.itsm.tests.sandbox.service import Reply, Service

HTML = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
WITHOUT_BODY = (204, 304)


def as_response(reply: Reply) -> Response:
    """An answer for Starlette.

    :param reply: what goes over the wire.
    """
    headers = dict(reply.headers)
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    if reply.kind.startswith("text/"):
        return Response(reply.body, reply.status, headers, media_type=reply.kind)
    return JSONResponse(reply.body, reply.status, headers, media_type=reply.kind)


def false_answer(service: Service, operation: Operation, fault: Fault, seen: str, true: Response | None) -> Response:
    """The answer that a fault gives in place of the true one, which it may have let happen.

    :param service: whose errors it takes the shape of.
    :param operation: what was called.
    :param fault: what to answer.
    :param seen: what an answer that repeats the request says of it.
    :param true: the true answer, if there is one.
    """
    status, code, told = fault.status or 500, fault.code or "", "The sandbox was told to fail."

    def error(text: str = told) -> Response:
        return as_response(service.refusal(operation, RefusedError(status, code, text)))

    answers: dict[str, Callable[[], Response]] = {
        "true": lambda: true or error(),
        "problem": error,
        "old": lambda: as_response(service.old_error(status, code, told)),
        "html": lambda: Response(HTML, media_type="text/html"),
        "text": lambda: Response("upstream connect error", media_type="text/plain"),
        "empty": lambda: Response(b""),
        "echo": lambda: error(f"You sent {seen}"),
    }
    response = Response() if status in WITHOUT_BODY else answers[fault.content]()
    response.status_code = status
    response.headers.update(fault.headers)
    return response
