# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.auth import NoAuth, Notice
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import first_violation
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor

#: RFC 6749, section 5.1; other properties of the response are not used.
TOKEN_RESPONSE: Mapping[str, Any] = {
    "type": "object",
    "required": ["access_token"],
    "properties": {"access_token": {"type": "string", "pattern": r"^[!-~]+(?!\s)$"}},
}

#: Categories of errors (RFC 6749, section 5.2) that may have the status 400, whose category would be misleading.
CATEGORIES: Mapping[str, str] = {
    "invalid_client": "authentication",
    "invalid_grant": "authentication",
    "unauthorized_client": "authentication",
    "invalid_scope": "permission",
}


def parse_error(body: Any) -> ErrorBody:
    """Return the content of an error response (RFC 6749, section 5.2).

    :param body: the parsed JSON.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), str):
        return ErrorBody()
    text = body.get("error_description")
    return ErrorBody(body["error"], text if isinstance(text, str) else None)


def _category_of(http_status: int, details: ErrorBody) -> str | None:
    del http_status
    return CATEGORIES.get(details.code or "")


def _no_request_id(body: Any, headers: Mapping[str, str]) -> str | None:
    del body, headers
    return None


TOKEN_SERVER = ErrorProfile(
    "the token server",
    "TICKETING",
    parse_error,
    _no_request_id,
    _category_of,
    remedies={
        "authentication": "Check that {client_id} and {client_secret} are valid for {token_url}.",
        "permission": "Check that the client is allowed to request {scope}.",
        "not_found": "Check {token_url}.",
        "validation": "Check {token_url} and {scope}.",
        "contract": "Check {token_url}.",
        "configuration": "Set {token_url} to the current address of the token server instead of {address}.",
    },
)


@dataclass(frozen=True)
class ClientCredentials:
    """Credentials of a client, and the server that issues its tokens.

    :param transport: how to reach the token server.
    :param path: the path of the token endpoint.
    :param client_id: the ID of the client.
    :param client_secret: its secret.
    :param scope: the scope of the token; None for the server's default.
    :param errors: how the server reports errors.
    """

    transport: Transport
    path: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    errors: ErrorProfile = TOKEN_SERVER

    @property
    def form(self) -> dict[str, str]:
        """Return the form of a token request (RFC 6749, section 4.4.2)."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return {**form, "scope": self.scope} if self.scope else form


def fetch_token(
    credentials: ClientCredentials, user_agent: str, clock: Clock | None = None, notice: Notice | None = None
) -> str:
    """Return a new access token.

    :param credentials: the credentials, and the server that issues the token.
    :param user_agent: the value of the ``User-Agent`` header.
    :param clock: the source of time.
    :param notice: called with a sentence for the user if a connection is retried for some seconds.
    :raises ApiError: if the token cannot be fetched.
    """
    redact = Redactor([credentials.client_secret]).text
    client = Client(
        credentials.transport,
        NoAuth(),
        credentials.errors,
        user_agent=user_agent,
        redact=redact,
        clock=clock,
        notice=notice,
    )
    try:
        # Sent as a read, because a lost token does no harm.
        response = client.read("POST", credentials.path, form=credentials.form)
        violation = first_violation(TOKEN_RESPONSE, response.body)
        if violation:
            raise ApiError(
                f"The response of the token server is not valid: {violation}. Check "
                f"{credentials.errors.label('token_url')}.",
                "contract",
                method="POST",
                path=credentials.path,
                http_status=response.http_status,
            )
    except ApiError as failure:
        reason = f"{failure.message[0].lower()}{failure.message[1:]}"
        raise failure.with_message(f"No access token could be fetched: {reason}") from None
    finally:
        client.close()
    return str(response.body["access_token"])
