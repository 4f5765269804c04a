# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.auth import NoAuth
from ansible_collections.secops.itsm.plugins.module_utils.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils.contract import violation
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.failures import Problem, Vendor
from ansible_collections.secops.itsm.plugins.module_utils.redact import Redactor
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock

#: RFC 6749, section 5.1; the rest of the answer is not needed.
TOKEN_ANSWER: Mapping[str, Any] = {
    "type": "object",
    "required": ["access_token"],
    "properties": {"access_token": {"type": "string", "pattern": r"^[!-~]+(?!\s)$"}},
}

#: RFC 6749, section 5.2: all of these come with 400, whatever they are about.
CATEGORIES: Mapping[str, str] = {
    "invalid_client": "authentication",
    "invalid_grant": "authentication",
    "unauthorized_client": "authentication",
    "invalid_scope": "permission",
}


@dataclass(frozen=True)
class ClientCredentials:
    """Where to fetch a token, and with what.

    :param transport: how to reach the token server.
    :param path: the path of the token endpoint there.
    :param client_id: of the account.
    :param client_secret: of the account.
    :param scope: what the token is to be good for; None leaves that to the server.
    """

    transport: Transport
    path: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None

    @property
    def form(self) -> dict[str, str]:
        """What is sent."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        return {**form, "scope": self.scope} if self.scope else form


def problem_of(body: Any) -> Problem:
    """Read an error body (RFC 6749, section 5.2).

    :param body: the parsed JSON, of any shape.
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("error"), str):
        return Problem()
    text = body.get("error_description")
    return Problem(body["error"], text if isinstance(text, str) else None)


def _category_of(http_status: int, problem: Problem) -> str | None:
    del http_status
    return CATEGORIES.get(problem.code or "")


def _request_id_of(body: Any, headers: Mapping[str, str]) -> str | None:
    del body, headers
    return None


TOKEN_SERVER = Vendor(
    "the token server",
    problem_of,
    _request_id_of,
    _category_of,
    next_steps={
        "authentication": "Check client_id and client_secret, and that they belong to token_url.",
        "permission": "Check scope: the account must have it.",
        "not_found": "Check token_url.",
        "validation": "Check token_url and scope.",
        "contract": "Check token_url.",
        "configuration": "Set token_url to the address that the token server has now.",
    },
)


def fetch_token(credentials: ClientCredentials, user_agent: str, clock: Clock | None = None) -> str:
    """Fetch an access token.

    :param credentials: where, and with what.
    :param user_agent: the C(User-Agent) header.
    :param clock: where time comes from.
    :raises ApiError: when none can be had; it says that it was the token that failed.
    """
    redact = Redactor([credentials.client_secret]).text
    client = Client(credentials.transport, NoAuth(), TOKEN_SERVER, user_agent=user_agent, redact=redact, clock=clock)
    try:
        # A token that was lost on its way hurts nobody, so this counts as a read.
        answer = client.read("POST", credentials.path, form=credentials.form)
        found = violation(TOKEN_ANSWER, answer.body)
        if found:
            raise ApiError(
                f"The answer of the token server cannot be used: {found}. Check token_url.",
                "contract",
                method="POST",
                path=credentials.path,
                http_status=answer.http_status,
            )
    except ApiError as failure:
        raise failure.retold(f"No access token could be fetched. {failure}") from None
    finally:
        client.close()
    return str(answer.body["access_token"])
