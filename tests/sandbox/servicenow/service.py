# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ServiceNow Table API: credentials, response envelope and errors."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Collection, Mapping

from ansible_collections.secops.itsm.tests.sandbox.contract import servicenow_contract
from ansible_collections.secops.itsm.tests.sandbox.edits import Edits
from ansible_collections.secops.itsm.tests.sandbox.operations import Operation
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call, RefusedError
from ansible_collections.secops.itsm.tests.sandbox.service import Handler, Reply
from ansible_collections.secops.itsm.tests.sandbox.servicenow import refusals
from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.servicenow.state import ServiceNow

_TOKEN = "fetch-oauth-token"
_INVALID = ("VALIDATION_ERROR", "BAD_REQUEST", "UNSUPPORTED_MEDIA_TYPE")
_TOKEN_WORDS = {400: "invalid_request", 401: "invalid_client", 415: "invalid_request"}


class ServiceNowService:
    """The service. ``Service`` describes its members.

    :param edits: the edits of another user.
    """

    error_schema = "ErrorResponse"
    reads_by_post: Collection[str] = frozenset({_TOKEN})
    unrecorded: Collection[str] = frozenset({_TOKEN})

    def __init__(self, state: ServiceNow, edits: Edits) -> None:
        self.state, self.edits = state, edits
        self.contract = servicenow_contract()

    def owns(self, raw_path: str) -> bool:
        """Return whether a path is one of the instance."""
        return raw_path.startswith(("/api/now/", "/oauth_token.do"))

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by operationId, each with the edits of another user before it."""
        return {name: partial(self._handle, name, handler) for name, handler in self.state.handlers().items()}

    def _handle(self, name: str, handler: Handler, call: Call) -> Answer:
        try:
            self.edits.make(name, call.path.get("sys_id"), self.state.edit)
        except ValueError as error:
            raise RefusedError(500, "SANDBOX_CANNOT_EDIT", str(error)) from None
        return handler(call)

    def authenticate(self, operation: Operation, headers: Mapping[str, str]) -> Caller | None:
        """Return the account of a request.

        :raises RefusedError: if the instance hibernates, credentials are missing or wrong, the client accepts no JSON,
            or too many requests were sent.
        """
        profile = self.state.profile
        if profile.instance == "hibernating":
            raise refusals.ReadyRefusalError(200, refusals.HIBERNATING, refusals.HTML)
        if operation.is_open:
            return None
        caller = self.state.accounts.caller(headers, profile.basic, profile.token_uses)
        accepted = headers.get("Accept", "")
        if not any(kind in accepted for kind in ("application/json", "*/*")):
            raise refusals.refused(400, "Requested URI does not represent any resource", "Accept must be JSON")
        self.state.count_request()
        return caller

    def reply(self, operation: Operation, answer: Answer) -> Reply:
        """Return a success in the envelope of the service."""
        data = answer.data if operation.name == _TOKEN else {"result": answer.data}
        return Reply(answer.status, data, headers={**answer.headers, **_transaction()})

    def refusal(self, operation: Operation | None, refusal: RefusedError) -> Reply:
        """Return an error in the documented format."""
        if isinstance(refusal, refusals.ReadyRefusalError):
            return Reply(refusal.status, refusal.body, refusal.kind, {**refusal.headers, **_transaction()})
        if operation is not None and operation.name == _TOKEN:
            return _token_refusal(refusal)
        status = 400 if refusal.code in _INVALID else refusal.status
        message = refusal.detail if not refusal.errors else "Invalid request"
        body = refusals.error_body(message, _details(refusal) or refusal.code or None)
        return Reply(status, body, headers=_transaction())

    def old_error(self, status: int, code: str, message: str) -> Reply:
        """Return an error in the only format of the service."""
        return Reply(status, refusals.error_body(message, code or None))


def _transaction() -> dict[str, str]:
    """Return the header with the ID of a request."""
    return {"X-Transaction-ID": uuid.uuid4().hex[:12]}


def _details(refusal: RefusedError) -> str:
    """Return the errors by field in one line."""
    return "; ".join(f"{name}: {' '.join(messages)}" for name, messages in (refusal.errors or {}).items())


def _token_refusal(refusal: RefusedError) -> Reply:
    """Return an error of the token endpoint."""
    status = 400 if refusal.code in _INVALID else refusal.status
    word = _TOKEN_WORDS.get(status) or refusal.code.lower() or "temporarily_unavailable"
    return Reply(status, {"error": word, "error_description": _details(refusal) or refusal.detail})
