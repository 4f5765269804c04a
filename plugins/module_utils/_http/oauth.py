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
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import ErrorBody, ErrorProfile
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import first_violation
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor

#: RFC 6749, section 5.1; the rest of the response is not needed.
TOKEN_RESPONSE: Mapping[str, Any] = {
    "type": "object",
    "required": ["access_token"],
    "properties": {"access_token": {"type": "string", "pattern": r"^[!-~]+(?!\s)$"}},
}

#: RFC 6749, section 5.2: all of these errors may have the status 400, whose category would be misleading.
CATEGORIES: Mapping[str, str] = {
    "invalid_client": "authentication",
    "invalid_grant": "authentication",
    "unauthorized_client": "authentication",
    "invalid_scope": "permission",
}


@dataclass(frozen=True)
class ClientCredentials:
    """Where and how to fetch a token.

    :param transport: how to reach the token server.
    :param path: the path of the token endpoint there.
    :param client_id: of the account.
    :param client_secret: of the account.
    :param scope: the scope of the token; None for the server's default.
    """

    transport: Transport
    path: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None

    @property
    def form(self) -> dict[str, str]:
        """Return the form to send."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return {**form, "scope": self.scope} if self.scope else form


def parse_error(body: Any) -> ErrorBody:
    """Return the content of an error response (RFC 6749, section 5.2).

    :param body: the parsed JSON, of any shape.
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
        "authentication": "Check {client_id} and {client_secret}, and that they are for {token_url}.",
        "permission": "Check {scope}: the account must have it.",
        "not_found": "Check {token_url}.",
        "validation": "Check {token_url} and {scope}.",
        "contract": "Check {token_url}.",
        "configuration": "Set {token_url} to the address that the token server has now, instead of {address}.",
    },
)


def fetch_token(
    credentials: ClientCredentials, user_agent: str, clock: Clock | None = None, notice: Notice | None = None
) -> str:
    """Return a new access token.

    :param credentials: where and how to fetch it.
    :param user_agent: the value of the ``User-Agent`` header.
    :param clock: the source of time.
    :param notice: is called with a sentence for the user if a connection is retried for some seconds.
    :raises ApiError: if it cannot be fetched; the message says that the request for a token failed.
    """
    redact = Redactor([credentials.client_secret]).text
    client = Client(
        credentials.transport,
        NoAuth(),
        TOKEN_SERVER,
        user_agent=user_agent,
        redact=redact,
        clock=clock,
        notice=notice,
    )
    try:
        # A read, because a token that is lost on its way does no harm.
        response = client.read("POST", credentials.path, form=credentials.form)
        violation = first_violation(TOKEN_RESPONSE, response.body)
        if violation:
            raise ApiError(
                f"The answer of the token server cannot be used: {violation}. Check {TOKEN_SERVER.label('token_url')}.",
                "contract",
                method="POST",
                path=credentials.path,
                http_status=response.http_status,
            )
    except ApiError as failure:
        raise failure.with_message(f"No access token could be fetched. {failure}") from None
    finally:
        client.close()
    return str(response.body["access_token"])
