# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of authentication: what they send, their secrets, and the claims of tokens."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth

PAIR = base64.b64encode("id:pässwörd".encode()).decode()


def headers_of(credentials: auth.Auth, **headers: str) -> dict[str, str]:
    """Return the headers of a request with credentials."""
    request = SimpleNamespace(headers=dict(headers))
    assert credentials(request) is request
    return request.headers


def refused(headers: dict[str, str]) -> Any:
    """Return a request that was refused."""
    return SimpleNamespace(headers=headers)


@pytest.mark.parametrize(
    "credentials, headers, secrets",
    [
        (auth.basic("id", "pässwörd"), {"Authorization": f"Basic {PAIR}"}, ("pässwörd", PAIR)),
        (auth.bearer("t0k3n"), {"Authorization": "Bearer t0k3n"}, ("t0k3n",)),
        (auth.api_key("k3y", "X-API-Key"), {"X-API-Key": "k3y"}, ("k3y",)),
        (auth.NoAuth(), {}, ()),
    ],
    ids=["basic", "bearer", "API key", "none"],
)
def test_static_credentials_are_sent_and_never_refreshed(credentials, headers, secrets):
    assert headers_of(credentials, Accept="x") == {"Accept": "x", **headers}
    assert credentials.secrets == secrets
    assert credentials.refresh(refused(headers)) is False
    assert credentials.refresh(refused(headers), again=True) is False
    assert headers_of(credentials) == headers


# --- fetched tokens -------------------------------------------------------------------------------------------------

THREADS = 8
DOWN = ApiError("It is down.", "unavailable")


class TokenServer:
    """Return or raise scripted results. While it is held, calls wait.

    :param script: tokens to return, and exceptions to raise.
    """

    def __init__(self, *script: str | Exception) -> None:
        self.script = list(script)
        self.calls = 0
        self.is_called = threading.Event()
        self.may_respond = threading.Event()
        self.may_respond.set()

    def hold(self) -> None:
        self.is_called.clear()
        self.may_respond.clear()

    def __call__(self) -> str:
        self.is_called.set()
        assert self.may_respond.wait(30)
        self.calls += 1
        entry = self.script.pop(0)
        if isinstance(entry, Exception):
            raise entry
        return entry


def credentials_of(*script: str | Exception) -> tuple[auth.ClientCredentialsAuth, TokenServer]:
    server = TokenServer(*script)
    return auth.ClientCredentialsAuth(server, ("s3cr3t",)), server


def test_refused_token_is_replaced_and_both_stay_secret():
    credentials, server = credentials_of("one", "two", "three")
    assert (server.calls, credentials.secrets) == (0, ("s3cr3t",))
    first = headers_of(credentials)
    assert headers_of(credentials) == first == {"Authorization": "Bearer one"}
    assert credentials.refresh(refused(first)) is True
    assert server.calls == 1
    second = headers_of(credentials)
    assert second == {"Authorization": "Bearer two"}
    assert credentials.secrets == ("s3cr3t", "one", "two")
    # A late refusal of the first token does not discard the second one.
    assert credentials.refresh(refused(first)) is True
    assert headers_of(credentials) == second
    # Two refusals of the same token discard it once.
    credentials.refresh(refused(second))
    assert credentials.refresh(refused(second)) is True
    assert headers_of(credentials) == {"Authorization": "Bearer three"}


@pytest.mark.parametrize("uses, is_refreshed", [(1, False), (2, True)])
def test_second_refresh_needs_a_token_that_others_used(uses, is_refreshed):
    credentials, _server = credentials_of("one", "two", "three")
    assert credentials.refresh(refused(headers_of(credentials))) is True
    second = headers_of(credentials)
    for _each in range(uses - 1):
        headers_of(credentials)
    assert credentials.refresh(refused(second), again=True) is is_refreshed
    # Otherwise the token is kept for other requests.
    assert headers_of(credentials) == ({"Authorization": "Bearer three"} if is_refreshed else second)


class CountingLock:
    """A lock that counts the threads that have tried to acquire it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.arrived = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.arrived.release()
        self.lock.acquire()

    def __exit__(self, *_exc: object) -> None:
        self.lock.release()


def used_concurrently(credentials: auth.ClientCredentialsAuth, server: TokenServer) -> list[str | Exception]:
    """Return what threads send or raise that all need a token while the first one fetches it."""
    lock = CountingLock()
    credentials._lock = lock  # type: ignore[assignment]  # used only in with statements
    server.hold()

    def use() -> str | Exception:
        try:
            return headers_of(credentials)["Authorization"]
        except (ApiError, RuntimeError) as failure:
            return failure

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(use) for _each in range(THREADS)]
        try:
            assert server.is_called.wait(30)
            assert all(lock.arrived.acquire(timeout=30) for _each in range(THREADS))
        finally:
            server.may_respond.set()
        return [future.result(30) for future in futures]


def test_concurrent_threads_share_one_fetch():
    credentials, server = credentials_of("one")
    assert used_concurrently(credentials, server) == ["Bearer one"] * THREADS
    assert (server.calls, credentials.secrets) == (1, ("s3cr3t", "one"))


def test_waiting_threads_do_not_repeat_a_failed_fetch():
    second = ApiError("It is still down.", "unavailable")
    credentials, server = credentials_of(DOWN, second, "three")
    assert used_concurrently(credentials, server) == [DOWN] * THREADS
    assert used_concurrently(credentials, server) == [second] * THREADS
    assert (server.calls, credentials.secrets) == (2, ("s3cr3t",))
    assert headers_of(credentials) == {"Authorization": "Bearer three"}


def test_other_exceptions_of_a_fetch_are_not_shared():
    bugs = [RuntimeError(str(number)) for number in range(THREADS)]
    credentials, server = credentials_of(DOWN, *bugs)
    with pytest.raises(ApiError):
        headers_of(credentials)
    assert set(used_concurrently(credentials, server)) == set(bugs)
    assert credentials.secrets == ("s3cr3t",)


# --- claims ---------------------------------------------------------------------------------------------------------


def jwt(claims: Any, *, padded: bool = False) -> str:
    """Return a token with claims, or with bytes in their place, and an invalid signature."""
    raw = claims if isinstance(claims, bytes) else json.dumps(claims, ensure_ascii=False).encode()
    middle = base64.urlsafe_b64encode(raw).decode()
    return ".".join(("eyJhbGciOiJub25lIn0", middle if padded else middle.rstrip("="), "c2lnbmF0dXJl"))


#: Characters that need all of base64url, with and without padding.
TEXTS = st.text("aZ0é?>~\u00bf漢\n")


@settings(max_examples=25)
@given(st.dictionaries(TEXTS, TEXTS | st.integers(-(2**53), 2**53) | st.booleans()), st.booleans())
def test_claims_of_any_jwt(claims, padded):
    assert auth.claims_of(jwt(claims, padded=padded)) == claims


@pytest.mark.parametrize(
    "token",
    [
        *("", "0p4qu3", "a.b", "a.b.c.d.e", "..", "a.!!!.c", "a.é.c", "a.A.c"),
        jwt({"tenant_id": "820188ff"}) + ".d.e",
        *map(jwt, (b"\xff\xfe", b"{", b"", [1], "text", 7, None)),
        *map(jwt, (b"[" * 100_000, b'{"a":' * 100_000, b"9" * 5000)),
    ],
    ids=lambda token: token[:40] or "empty",
)
def test_other_tokens_have_no_claims(token):
    assert auth.claims_of(token) == {}
