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
    """A refusal with a body and a media type of its own."""

    def __init__(self, status: int, body: Any, kind: str = JSON) -> None:
        super().__init__(status, "", "")
        self.body, self.kind = body, kind


def error_body(status: int, code: str, message: str, reasons: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """Return ``ErrorResponse``.

    :param code: the error code, or an empty string.
    :param reasons: messages by field, for a failed validation.
    """
    body = {"error": True, **({"code": code} if code else {}), "message": message, "status": status}
    return {**body, "validationResult": {"result": False, "reason": reasons}} if reasons else body


def older_body(code: str, message: str) -> dict[str, Any]:
    """Return ``OlderErrorResponse``."""
    return {"success": False, "error": {"code": code, "message": message, "details": None}}


def token_error(status: int, word: str, description: str) -> ReadyRefusalError:
    """Return the refusal of a token (RFC 6749, section 5.2)."""
    return ReadyRefusalError(status, {"error": word, "error_description": description})


def unauthorized(code: str) -> RefusedError:
    """Return the refusal of credentials, with the code TOKEN_EXPIRED or UNAUTHORIZED."""
    message = "The token has expired" if code == "TOKEN_EXPIRED" else "The credentials are missing or invalid"
    return RefusedError(401, code, message)


def not_permitted(deed: str) -> RefusedError:
    """Return the refusal of a caller without a role for an action, such as ``create ticket``."""
    return RefusedError(401, "USER_PERMISSION_FAILURE", f"You do not have the required permissions to {deed}")


def tenant_not_found() -> RefusedError:
    """Return the refusal of a tenant or realm that is not the token's."""
    return ReadyRefusalError(404, older_body("NOT_FOUND", "Tenant not found"))


def page_not_found() -> RefusedError:
    """Return the web server's own 404."""
    title = "404 Not Found"
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return ReadyRefusalError(404, page, HTML)


def invalid_fields(reasons: Mapping[str, list[str]]) -> RefusedError:
    """Return the refusal of a ticket with invalid values."""
    return RefusedError(400, INVALID, INVALID_MESSAGE, reasons)


def invalid_filter(message: str) -> RefusedError:
    """Return the refusal of a list."""
    return RefusedError(422, "INVALID_FILTER", message)
