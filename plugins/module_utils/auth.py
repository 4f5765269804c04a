# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to authenticate. Each is a callable that a requests session takes as its C(auth)."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from typing import Any, Callable, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError


class Auth(Protocol):
    """What a client needs to authenticate."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must never be shown, as far as they are known by now."""

    def renew(self, refused: Any, again: bool = False) -> bool:
        """Forget what was refused, and tell whether something else can be sent instead.

        :param refused: the request that was not let in.
        :param again: whether it had something else sent before.
        """

    def __call__(self, request: Any) -> Any:
        """Put the credentials into a request."""


class HeaderAuth:
    """Sends a fixed header and knows which secrets are in it.

    :param value: the header's value.
    :param secrets: the texts that must never be shown.
    :param header: the header's name.
    """

    def __init__(self, value: str, secrets: tuple[str, ...], header: str = "Authorization") -> None:
        self._value = value
        self._header = header
        self.secrets = secrets

    def renew(self, refused: Any, again: bool = False) -> bool:
        """What was given stays what it is."""
        del refused, again
        return False

    def __call__(self, request: Any) -> Any:
        request.headers[self._header] = self._value
        return request


class FetchedToken:
    """Sends a bearer token that is fetched before the first request, and again when it was refused.

    All threads share one token, and wait while one of them fetches it.

    :param fetch: fetches a token; raises ApiError.
    :param secrets: the texts that must never be shown, besides each token.
    """

    def __init__(self, fetch: Callable[[], str], secrets: tuple[str, ...]) -> None:
        self._fetch = fetch
        self._token: str | None = None
        self._failure: ApiError | None = None
        self._fetches = 0
        self._uses: dict[str, int] = {}
        self._lock = threading.Lock()
        self.secrets = secrets

    def renew(self, refused: Any, again: bool = False) -> bool:
        """Have another token fetched, unless another thread had that done already.

        A second time only if other threads used the token, too, and so may have used it up.
        """
        sent = refused.headers.get("Authorization")
        with self._lock:
            if again and self._uses.get(sent, 0) <= 1:
                return False
            if self._token and sent == _bearer(self._token):
                self._token = None
        return True

    def __call__(self, request: Any) -> Any:
        sent = _bearer(self._current())
        with self._lock:
            self._uses[sent] = self._uses.get(sent, 0) + 1
        request.headers["Authorization"] = sent
        return request

    def _current(self) -> str:
        asked = self._fetches
        with self._lock:
            if self._token is not None:
                return self._token
            # Who waited for a fetch that failed does not try again at once: credentials may get locked.
            if self._failure is not None and self._fetches > asked:
                raise self._failure
            self._failure = None
            try:
                token = self._fetch()
            except ApiError as failure:
                self._failure = failure
                raise
            finally:
                self._fetches += 1
            self._token = token
            self.secrets += (token,)
            return token


def _bearer(token: str) -> str:
    return f"Bearer {token}"


class NoAuth(HeaderAuth):
    """Sends nothing, and keeps requests from taking credentials out of a .netrc file."""

    def __init__(self) -> None:
        super().__init__("", ())

    def __call__(self, request: Any) -> Any:
        return request


def basic(client_id: str, client_secret: str) -> HeaderAuth:
    """HTTP Basic (RFC 7617) in UTF-8; requests' own helper would refuse what is not Latin-1."""
    pair = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
    return HeaderAuth(f"Basic {pair}", (client_secret, pair))


def bearer(access_token: str) -> HeaderAuth:
    """A bearer token (RFC 6750)."""
    return HeaderAuth(_bearer(access_token), (access_token,))


def api_key(key: str, header: str) -> HeaderAuth:
    """A key in a header of its own."""
    return HeaderAuth(key, (key,), header)


def claims_of(token: str) -> Mapping[str, Any]:
    """What a token says of itself, if it is a JWT (RFC 7519); its signature is not checked.

    :param token: of any shape.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, Mapping) else {}
