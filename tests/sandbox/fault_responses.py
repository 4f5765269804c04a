# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build responses, and those that a fault returns instead of the regular one."""

from __future__ import annotations

import contextlib
import json
from typing import Callable

from starlette.responses import JSONResponse, Response

from ansible_collections.secops.itsm.tests.sandbox.faults import Fault
from ansible_collections.secops.itsm.tests.sandbox.operations import JSON, Operation
from ansible_collections.secops.itsm.tests.sandbox.records import RefusedError
from ansible_collections.secops.itsm.tests.sandbox.service import Reply, Service

HTML = "<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
WITHOUT_BODY = (204, 304)


def as_response(reply: Reply) -> Response:
    """Return a reply as a Starlette response."""
    headers = dict(reply.headers)
    if reply.body is None:
        return Response(status_code=reply.status, headers=headers)
    if reply.kind.startswith("text/"):
        return Response(reply.body, reply.status, headers, media_type=reply.kind)
    return JSONResponse(reply.body, reply.status, headers, media_type=reply.kind)


def with_edits(true: Response, fault: Fault) -> Response:
    """Return the regular JSON response with the values replaced or removed that a fault names."""
    if not fault.replace and not fault.remove:
        return true
    body = json.loads(bytes(true.body))
    for place in (*fault.replace, *fault.remove):
        *outer, last = [int(key) if key.isdigit() else key for key in place.split(".")]
        inner = body
        with contextlib.suppress(LookupError):
            for key in outer:
                inner = inner[key]
            if place in fault.replace:
                inner[last] = fault.replace[place]
            else:
                del inner[last]
    return JSONResponse(body, true.status_code, kept_headers(true), media_type=true.media_type)


def kept_headers(true: Response) -> dict[str, str]:
    """Return the headers of a response without those of its body."""
    return {name: text for name, text in true.headers.items() if not name.startswith("content-")}


def fault_response(service: Service, operation: Operation, fault: Fault, seen: str, true: Response | None) -> Response:
    """Return the response that a fault causes instead of the regular one.

    :param service: the service whose error format is used.
    :param seen: the part of the request that an ``echo`` repeats.
    :param true: the regular response, if there is one.
    """
    status, code, message = fault.status or 500, fault.code or "", "The sandbox is set to fail this request."

    def error(text: str = message) -> Response:
        return as_response(service.refusal(operation, RefusedError(status, code, text)))

    answers: dict[str, Callable[[], Response]] = {
        "true": lambda: true or error(),
        "problem": error,
        "old": lambda: as_response(service.old_error(status, code, message)),
        "html": lambda: Response(HTML, media_type="text/html"),
        "text": lambda: Response("upstream connect error", media_type="text/plain"),
        "canceled": lambda: _canceled(true or error()),
        "empty": lambda: Response(b""),
        "echo": lambda: error(f"You sent {seen}"),
    }
    response = Response() if status in WITHOUT_BODY else answers[fault.content]()
    response.status_code = status
    response.headers.update(fault.headers)
    return response


def _canceled(true: Response) -> Response:
    """Return the body of a transaction that ServiceNow canceled while it was sent."""
    message = "Transaction cancelled: maximum execution time exceeded"
    error = {"error": {"message": message, "detail": "maximum execution time exceeded"}, "status": "failure"}
    half = bytes(true.body)[: len(bytes(true.body)) // 2]
    return Response(half + json.dumps(error).encode(), headers=kept_headers(true), media_type=JSON)
