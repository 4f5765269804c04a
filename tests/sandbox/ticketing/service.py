# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticketing API: credentials and errors."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Collection, Mapping

from ansible_collections.secops.itsm.tests.sandbox.contract import ticketing_contract
from ansible_collections.secops.itsm.tests.sandbox.operations import Operation
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call, RefusedError
from ansible_collections.secops.itsm.tests.sandbox.service import Handler, Reply
from ansible_collections.secops.itsm.tests.sandbox.ticketing import refusals
from ansible_collections.secops.itsm.tests.sandbox.ticketing.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.ticketing.state import Ticketing

_TOKEN = "fetch-token"
_WRITES = {"create-ticket": "create ticket", "update-ticket": "update ticket"}
_INVALID = ("VALIDATION_ERROR", "BAD_REQUEST", "UNSUPPORTED_MEDIA_TYPE")
_TOKEN_WORDS = {400: "invalid_request", 401: "invalid_client", 415: "invalid_request"}
#: Errors that the documentation says have no code.
_WITHOUT_CODE = (403, 500)


class TicketingService:
    """The service. ``Service`` describes its members."""

    error_schema = "AnyError"
    reads_by_post: Collection[str] = frozenset({"list-tickets", _TOKEN})
    unrecorded: Collection[str] = frozenset({_TOKEN})

    def __init__(self, state: Ticketing) -> None:
        self.state = state
        self.contract = ticketing_contract()

    def owns(self, raw_path: str) -> bool:
        """Return whether a path is one of the API or close to the token endpoint."""
        return raw_path.startswith(("/api/v2/ticketing/", "/auth/"))

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by operationId, each with the edits of another agent before it."""
        return {name: partial(self._handle, name, handler) for name, handler in self.state.handlers().items()}

    def _handle(self, name: str, handler: Handler, call: Call) -> Answer:
        try:
            self.state.edits.make(name, call.path.get("objectId"), self.state.edit_if_there)
        except ValueError as error:
            raise RefusedError(500, "SANDBOX_CANNOT_EDIT", str(error)) from None
        return handler(call)

    def authenticate(self, operation: Operation, headers: Mapping[str, str]) -> Caller | None:
        """Return the client, if its tenant, realm and role match the request.

        :raises RefusedError: if credentials are missing, wrong or not sufficient.
        """
        if operation.is_open:
            return None
        caller = self.state.accounts.caller(headers, self.state.profile.token_uses)
        realm = self.state.accounts.realms[caller.tenant_id]
        # Missing headers are reported when the request is validated.
        tenant_is_right = headers.get("x-tenantid", caller.tenant_id).lower() == caller.tenant_id
        if not tenant_is_right or headers.get("realmname", realm) != realm:
            raise refusals.tenant_not_found()
        if operation.name in _WRITES and not caller.may_write:
            raise refusals.not_permitted(_WRITES[operation.name])
        return caller

    def reply(self, operation: Operation, answer: Answer) -> Reply:
        """Return a success, which has its envelope already."""
        return Reply(answer.status, answer.data, headers={"X-Request-Id": f"req-{uuid.uuid4()}-1"})

    def refusal(self, operation: Operation | None, refusal: RefusedError) -> Reply:
        """Return an error in the documented format."""
        if isinstance(refusal, refusals.ReadyRefusalError):
            return Reply(refusal.status, refusal.body, refusal.kind)
        if operation is not None and operation.name == _TOKEN:
            return _token_refusal(refusal)
        if refusal.code in _INVALID:
            reasons = {name or "body": texts for name, texts in (refusal.errors or {"": [refusal.detail]}).items()}
            return Reply(400, refusals.error_body(400, refusals.INVALID, refusals.INVALID_MESSAGE, reasons))
        code = refusal.code or ("" if refusal.status in _WITHOUT_CODE else f"SANDBOX_{refusal.status}")
        return Reply(refusal.status, refusals.error_body(refusal.status, code, refusal.detail, refusal.errors))

    def old_error(self, status: int, code: str, message: str) -> Reply:
        """Return an error in the format of the older pages."""
        return Reply(status, refusals.older_body(code or f"SANDBOX_{status}", message))


def _token_refusal(refusal: RefusedError) -> Reply:
    """Return an error of the token endpoint."""
    status = 400 if refusal.code in _INVALID else refusal.status
    description = refusal.detail
    if refusal.errors:
        description = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in refusal.errors.items())
    word = _TOKEN_WORDS.get(status) or refusal.code.lower() or "temporarily_unavailable"
    return Reply(status, {"error": word, "error_description": description})
