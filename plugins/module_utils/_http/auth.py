# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Authenticate requests. Sessions of requests call the instances, which are their ``auth``."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from typing import Any, Callable, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

#: Called with a sentence for the user if an operation takes long.
Notice = Callable[[str], None]


class Auth(Protocol):
    """Authentication as the client uses it.

    :param notice: called with a sentence for the user if fetching credentials takes long.
    """

    notice: Notice | None

    @property
    def expires_at(self) -> float | None:
        """Return the expiry of the access token in seconds since 1970, or None if it is unknown."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets known so far."""

    def refresh(self, refused: Any, again: bool = False) -> bool:
        """Discard refused credentials, and return whether the request can be sent with other ones.

        :param refused: the request that was refused.
        :param again: whether the credentials of this request have been refreshed before.
        """

    def __call__(self, request: Any) -> Any:
        """Add the credentials to a request."""


class HeaderAuth:
    """Send a fixed header.

    :param value: the header's value.
    :param secrets: the secrets in the value.
    :param header: the header's name.
    :param expires_at: the expiry in seconds since 1970, if it is known.
    """

    notice: Notice | None = None

    def __init__(
        self, value: str, secrets: tuple[str, ...], header: str = "Authorization", expires_at: float | None = None
    ) -> None:
        self.expires_at = expires_at
        self._value = value
        self._header = header
        self.secrets = secrets

    def refresh(self, refused: Any, again: bool = False) -> bool:
        """Return False; there are no other credentials."""
        del refused, again
        return False

    def __call__(self, request: Any) -> Any:
        request.headers[self._header] = self._value
        return request


class ClientCredentialsAuth:
    """Send a bearer token. It is fetched before the first request, and again after a refusal.

    All threads share the token, and wait while one of them fetches it.

    :param fetch: returns a new token, or raises ApiError.
    :param secrets: the secrets besides the tokens.
    """

    notice: Notice | None = None
    expires_at: float | None = None

    def __init__(self, fetch: Callable[[], str], secrets: tuple[str, ...]) -> None:
        self._fetch = fetch
        self._token: str | None = None
        self._error: ApiError | None = None
        self._fetches = 0
        self._uses: dict[str, int] = {}
        self._lock = threading.Lock()
        self.secrets = secrets

    def notify(self, text: str) -> None:
        """Show the user a sentence, if ``notice`` is set.

        :param text: a sentence.
        """
        if self.notice:
            self.notice(text)

    def refresh(self, refused: Any, again: bool = False) -> bool:
        """Discard the token, unless another thread has already done so, and return whether to try another one.

        A request tries a third token only if other threads used the second one, too: a token may be valid for a limited
        number of requests.
        """
        sent = refused.headers.get("Authorization")
        with self._lock:
            if again and self._uses.get(sent, 0) <= 1:
                return False
            if self._token and sent == _bearer(self._token):
                self._token = None
        return True

    def __call__(self, request: Any) -> Any:
        sent = _bearer(self._current_token())
        with self._lock:
            self._uses[sent] = self._uses.get(sent, 0) + 1
        request.headers["Authorization"] = sent
        return request

    def _current_token(self) -> str:
        fetches_before = self._fetches
        with self._lock:
            if self._token is not None:
                return self._token
            # A thread that waited for a failed fetch does not fetch again, as that could lock the account.
            if self._error is not None and self._fetches > fetches_before:
                raise self._error
            self._error = None
            try:
                token = self._fetch()
            except ApiError as error:
                self._error = error
                raise
            finally:
                self._fetches += 1
            self._token = token
            self.secrets += (token,)
            return token


def _bearer(token: str) -> str:
    return f"Bearer {token}"


class NoAuth(HeaderAuth):
    """Send no credentials. Without it, requests would use those of a .netrc file."""

    def __init__(self) -> None:
        super().__init__("", ())

    def __call__(self, request: Any) -> Any:
        return request


def basic(client_id: str, client_secret: str) -> HeaderAuth:
    """Return HTTP Basic authentication (RFC 7617) in UTF-8, as requests supports only Latin-1."""
    pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
    return HeaderAuth(f"Basic {pair}", (client_secret, pair))


def bearer(access_token: str) -> HeaderAuth:
    """Return authentication with a bearer token (RFC 6750)."""
    expiry = claims_of(access_token).get("exp")
    is_number = isinstance(expiry, (int, float)) and not isinstance(expiry, bool)
    return HeaderAuth(_bearer(access_token), (access_token,), expires_at=expiry if is_number else None)


def api_key(key: str, header: str) -> HeaderAuth:
    """Return authentication with a key in a header."""
    return HeaderAuth(key, (key,), header)


def claims_of(token: str) -> Mapping[str, Any]:
    """Return the claims of a token, or an empty mapping if it is not a JWT (RFC 7519). The signature is not checked.

    :param token: in any format.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, Mapping) else {}
