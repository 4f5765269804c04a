# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients of the ticketing service and their tokens."""

from __future__ import annotations

import base64
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.ticketing.refusals import token_error, unauthorized

WRITING_SCOPE = "tickets:write"
WRITING_ROLES = frozenset({"ticket_agent", "ticket_user", "tenant_admin"})
_SEES_ONLY_OWN = frozenset({"ticket_user"})
_SECONDS = 300


@dataclass(frozen=True)
class Caller:
    """A client as its token describes it.

    :param client: its entry in the seed.
    """

    client: Mapping[str, Any]
    scope: str

    @property
    def tenant_id(self) -> str:
        """Return the ID of its tenant in lower case."""
        return str(self.client["tenant"]).lower()

    @property
    def username(self) -> str:
        """Return its name."""
        return str(self.client["username"])

    @property
    def person(self) -> dict[str, str]:
        """Return the person that a ticket shows."""
        return {
            "lastName": self.client["last_name"],
            "username": self.username,
            "firstName": self.client["first_name"],
        }

    @property
    def may_write(self) -> bool:
        """Return whether both its scope and one of its roles permit writes."""
        return WRITING_SCOPE in self.scope.split() and not WRITING_ROLES.isdisjoint(self.client["roles"])

    @property
    def sees_only_own(self) -> bool:
        """Return whether it can only see the tickets that it submitted."""
        return WRITING_ROLES.intersection(self.client["roles"]) == _SEES_ONLY_OWN


class Accounts:
    """The clients and their tokens.

    :param clients: as in the seed.
    :param realms: the realm of each tenant, by its ID in lower case.
    """

    def __init__(self, clients: list[dict[str, Any]], realms: Mapping[str, str]) -> None:
        self.realms = realms
        self._clients = {client["id"]: client for client in clients}
        self._fixed = {client["access_token"]: client for client in clients if "access_token" in client}
        self._keys = {client["api_key"]: client for client in clients if "api_key" in client}
        self._fetched: dict[str, Caller] = {}
        self._uses: dict[str, int] = {}
        self._expired: set[str] = set()

    def reset(self) -> None:
        """Let every fetched token expire."""
        self._expired.update(self._fetched)
        self._fetched.clear()
        self._uses.clear()

    def fetch(self, realm: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return a token for the credentials in a ``TokenRequest``. Raise RefusedError as RFC 6749 defines."""
        client = self._clients.get(form["client_id"])
        right = client is not None and secrets.compare_digest(client["secret"].encode(), form["client_secret"].encode())
        if client is None or not right or self.realms[client["tenant"].lower()] != realm:
            raise token_error(401, "invalid_client", "Invalid client or Invalid client credentials")
        scope = form.get("scope") or client["scope"]
        if not set(scope.split()) <= set(client["scope"].split()):
            raise token_error(400, "invalid_scope", "Invalid scopes")
        token = _token(client, scope)
        self._fetched[token] = Caller(client, scope)
        return {"access_token": token, "token_type": "Bearer", "expires_in": _SECONDS, "scope": scope}

    def caller(self, headers: Mapping[str, str], uses: int) -> Caller:
        """Return the caller of a request.

        :param uses: the number of requests for which a fetched token is valid; 0 for any number.
        :raises RefusedError: if credentials are missing, wrong or expired.
        """
        scheme, _space, token = headers.get("Authorization", "").partition(" ")
        if not scheme:
            client = self._keys.get(headers.get("X-API-Key", ""))
        else:
            client = self._fixed.get(token) if scheme.lower() == "bearer" else None
        if client is not None:
            return Caller(client, client["scope"])
        if scheme.lower() == "bearer" and token in self._fetched:
            return self._used(token, uses)
        raise unauthorized("TOKEN_EXPIRED" if token in self._expired else "UNAUTHORIZED")

    def _used(self, token: str, uses: int) -> Caller:
        self._uses[token] = self._uses.get(token, 0) + 1
        if uses and self._uses[token] > uses:
            del self._fetched[token]
            self._expired.add(token)
            raise unauthorized("TOKEN_EXPIRED")
        return self._fetched[token]


def _token(client: Mapping[str, Any], scope: str) -> str:
    """Return a token in the format of a JWT, with a random signature."""
    now = int(time.time())
    claims = {
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + _SECONDS,
        "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, client["id"])),
        "tenant_id": client["tenant"],
        "preferred_username": client["username"],
        "scope": scope,
        "realm_access": {"roles": client["roles"]},
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    encoded = [base64.urlsafe_b64encode(part).decode("ascii").rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(32)])
