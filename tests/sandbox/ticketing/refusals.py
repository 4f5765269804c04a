# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of the ticketing service."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.operations import JSON
from ansible_collections.secops.itsm.tests.sandbox.records import RefusedError

INVALID = "INPUT_VALIDATION_FAILURE"
INVALID_MESSAGE = "There occured an error during ticket data validation"
HTML = "text/html"


class ReadyRefusalError(RefusedError):
    """A refusal whose body is not that of most errors.

    :param status: the HTTP status.
    :param body: what is sent.
    :param kind: its media type.
    """

    def __init__(self, status: int, body: Any, kind: str = JSON) -> None:
        super().__init__(status, "", "")
        self.body, self.kind = body, kind


def error_answer(
    status: int, code: str, message: str, reasons: Mapping[str, list[str]] | None = None
) -> dict[str, Any]:
    """``ErrorAnswer``.

    :param status: the HTTP status.
    :param code: the service's word for it; of nothing for an error that has none.
    :param message: a sentence.
    :param reasons: messages by field, for a failure of validation.
    """
    answer = {"error": True, **({"code": code} if code else {}), "message": message, "status": status}
    return {**answer, "validationResult": {"result": False, "reason": reasons}} if reasons else answer


def older_answer(code: str, message: str) -> dict[str, Any]:
    """``OlderErrorAnswer``.

    :param code: the service's word for it.
    :param message: a sentence.
    """
    return {"success": False, "error": {"code": code, "message": message, "details": None}}


def token_error(status: int, word: str, description: str) -> ReadyRefusalError:
    """The refusal of a token (RFC 6749, section 5.2).

    :param status: the HTTP status.
    :param word: such as ``invalid_client``.
    :param description: a sentence.
    """
    return ReadyRefusalError(status, {"error": word, "error_description": description})


def unauthorized(code: str) -> RefusedError:
    """The refusal of credentials.

    :param code: ``TOKEN_EXPIRED`` or ``UNAUTHORIZED``.
    """
    told = "The token has expired" if code == "TOKEN_EXPIRED" else "The credentials are missing or invalid"
    return RefusedError(401, code, told)


def not_permitted(deed: str) -> RefusedError:
    """The refusal of a caller without a role for it.

    :param deed: such as ``create ticket``.
    """
    return RefusedError(401, "USER_PERMISSION_FAILURE", f"You do not have the required permissions to {deed}")


def tenant_not_found() -> RefusedError:
    """The refusal of a tenant or realm that is not the token's."""
    return ReadyRefusalError(404, older_answer("NOT_FOUND", "Tenant not found"))


def page_not_found() -> RefusedError:
    """The web server's own 404."""
    title = "404 Not Found"
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return ReadyRefusalError(404, page, HTML)


def invalid_fields(reasons: Mapping[str, list[str]]) -> RefusedError:
    """The refusal of a ticket with wrong values.

    :param reasons: messages by field.
    """
    return RefusedError(400, INVALID, INVALID_MESSAGE, reasons)


def invalid_filter(message: str) -> RefusedError:
    """The refusal of a list.

    :param message: a sentence.
    """
    return RefusedError(422, "INVALID_FILTER", message)
