# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ContraForce API: credentials, response envelope and errors."""

from __future__ import annotations

import base64
import secrets
import uuid
from typing import Any, Collection, Mapping

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.contraforce import ContraForce
from ansible_collections.secops.itsm.tests.sandbox.operations import Operation
from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, RefusedError
from ansible_collections.secops.itsm.tests.sandbox.service import Handler, Reply

PROBLEM = "application/problem+json"


class ContraForceService:
    """The service. ``Service`` describes its members."""

    error_schema = "ApiProblemDetails"
    reads_by_post: Collection[str] = frozenset({"v2-list-incidents-across-workspaces"})
    unrecorded: Collection[str] = frozenset()

    def __init__(self, state: ContraForce) -> None:
        self.state = state
        self.contract = contraforce_contract()

    def owns(self, raw_path: str) -> bool:
        """Return True: paths of no service are refused by this one."""
        return True

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by operationId."""
        return self.state.handlers()

    def authenticate(self, operation: Operation, headers: Mapping[str, str]) -> None:
        """Raise RefusedError if the credentials are wrong."""
        scheme, _space, value = headers.get("Authorization", "").partition(" ")
        known = self.state.seed.credentials
        pair = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode("ascii")
        expected = {"basic": pair, "bearer": known["access_token"]}.get(scheme.lower(), "")
        if not expected or not secrets.compare_digest(value.encode(), expected.encode()):
            raise RefusedError(401, "UNAUTHORIZED", "The credentials are missing or invalid.")

    def reply(self, operation: Operation, answer: Answer) -> Reply:
        """Return a success in the envelope of the service."""
        meta = {"requestId": _request_id(), "timestamp": timestamp()}
        shown = None if answer.status == 204 else {"data": answer.data, "meta": meta}
        return Reply(answer.status, shown, headers={"X-Request-Id": meta["requestId"]})

    def refusal(self, operation: Operation | None, refusal: RefusedError) -> Reply:
        """Return an error in the format of RFC 9457."""
        code = refusal.code or f"SANDBOX_{refusal.status}"
        return Reply(refusal.status, problem(refusal.status, code, refusal.detail, refusal.errors), PROBLEM)

    def old_error(self, status: int, code: str, message: str) -> Reply:
        """Return an error in the format of version 1 of the API."""
        error: dict[str, Any] = {"code": code or f"SANDBOX_{status}", "message": message, "target": None, "details": []}
        return Reply(status, {"error": error, "meta": {}})


def problem(status: int, code: str, detail: str, errors: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """Return ``ApiProblemDetails``.

    :param errors: messages by field.
    """
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


def _request_id() -> str:
    return f"0H{uuid.uuid4().hex[:11].upper()}:00000001"
