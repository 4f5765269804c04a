# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts of the instance and their tokens."""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import fixed_id
from ansible_collections.secops.itsm.tests.sandbox.servicenow.refusals import token_error, unauthorized

API_KEY_HEADER = "x-sn-apikey"
_SECONDS = 1800
_SCOPE = "useraccount"


@dataclass(frozen=True)
class Caller:
    """An account that sends a request.

    :param account: its entry in the seed.
    :param origin: the address to which the request was sent.
    """

    account: Mapping[str, Any]
    origin: str = ""

    @property
    def user_name(self) -> str:
        """Return its user ID."""
        return str(self.account["user_name"])

    @property
    def sys_id(self) -> str:
        """Return the ID of its user."""
        return user_id(self.account)

    @property
    def utc_offset(self) -> int:
        """Return the offset of its time zone in minutes."""
        return int(self.account.get("utc_offset", 0))

    def has_role(self, roles: list[str]) -> bool:
        """Return whether it has one of the roles."""
        return not set(roles).isdisjoint(self.account["roles"])


@dataclass
class _Token:
    account: Mapping[str, Any]
    expires: float
    uses: int = 0


class Accounts:
    """The accounts and their tokens.

    :param accounts: as in the seed.
    """

    def __init__(self, accounts: list[dict[str, Any]]) -> None:
        self.all = accounts
        self._tokens: dict[str, _Token] = {}

    def reset(self) -> None:
        """Let every fetched token expire."""
        self._tokens.clear()

    def fetch(self, form: Mapping[str, str], enabled: bool) -> dict[str, Any]:
        """Return the current or a new token for a ``TokenRequest``.

        :param enabled: whether the instance allows client credentials.
        :raises RefusedError: as RFC 6749 defines.
        """
        account = self._found("client_id", form["client_id"])
        if account is None or not _equal(account["client_secret"], form["client_secret"]):
            raise token_error(401, "invalid_client", "access_denied")
        if not enabled:
            raise token_error(400, "unsupported_grant_type", "The client_credentials grant is not enabled")
        now = time.monotonic()
        current = [name for name, token in self._tokens.items() if token.account is account and token.expires > now]
        name = current[0] if current else secrets.token_urlsafe(64)
        token = self._tokens.setdefault(name, _Token(account, now + _SECONDS))
        seconds = int(token.expires - now)
        return {"access_token": name, "token_type": "Bearer", "expires_in": seconds, "scope": _SCOPE}

    def caller(self, headers: Mapping[str, str], basic: str, uses: int) -> Caller:
        """Return the caller of a request.

        :param basic: ``accepted``, ``refused`` or ``mfa``, for user names and passwords.
        :param uses: the number of requests for which a fetched token is valid; 0 for any number.
        :raises RefusedError: if credentials are missing, wrong or expired.
        """
        scheme, _space, value = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            account = self._found("access_token", value) or self._used(value, uses)
        elif scheme.lower() == "basic":
            account = self._with_password(value) if basic != "refused" else None
            if account is not None and basic == "mfa":
                raise unauthorized(with_mfa=True)
        else:
            account = self._found("api_key", headers.get(API_KEY_HEADER, ""))
        if account is None:
            raise unauthorized()
        return Caller(account, f"http://{headers.get('Host', 'localhost')}")

    def _found(self, name: str, value: str) -> Mapping[str, Any] | None:
        return next((account for account in self.all if name in account and _equal(account[name], value)), None)

    def _with_password(self, value: str) -> Mapping[str, Any] | None:
        try:
            name, _colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        account = self._found("user_name", name)
        known = account.get("password") if account else None
        return account if known is not None and _equal(known, password) else None

    def _used(self, name: str, uses: int) -> Mapping[str, Any] | None:
        token = self._tokens.get(name)
        if token is None:
            return None
        token.uses += 1
        if token.expires <= time.monotonic() or (uses and token.uses > uses):
            del self._tokens[name]
            return None
        return token.account


def user_id(account: Mapping[str, Any]) -> str:
    """Return the ID of an account's user."""
    return fixed_id(f"sys_user {account['user_name']}")


def _equal(known: str, given: str) -> bool:
    return secrets.compare_digest(known.encode(), given.encode("utf-8", "surrogateescape"))
