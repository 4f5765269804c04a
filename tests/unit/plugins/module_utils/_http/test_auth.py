# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to authenticate: what each sends, what of it is a secret, and what a token says of itself."""

from __future__ import annotations

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth


def headers_of(credentials: auth.Auth, **headers: str) -> dict[str, str]:
    request = SimpleNamespace(headers=dict(headers))
    assert credentials(request) is request
    return request.headers


def refused(headers: dict[str, str]) -> Any:
    """A request that was not let in."""
    return SimpleNamespace(headers=headers)


PAIR = base64.b64encode(b"id:s3cr3t").decode()


@pytest.mark.parametrize(
    "credentials, header, value, secrets",
    [
        (auth.basic("id", "s3cr3t"), "Authorization", f"Basic {PAIR}", {"s3cr3t", PAIR}),
        (auth.bearer("t0k3n"), "Authorization", "Bearer t0k3n", {"t0k3n"}),
        (auth.api_key("k3y", "X-API-Key"), "X-API-Key", "k3y", {"k3y"}),
    ],
    ids=["basic", "bearer", "api key"],
)
def test_static_credentials_are_sent_unchanged(credentials, header, value, secrets):
    assert headers_of(credentials, Accept="x") == {"Accept": "x", header: value}
    assert set(credentials.secrets) == secrets
    assert credentials.refresh(refused({header: value})) is False
    assert headers_of(credentials) == {header: value}


def test_no_auth_sends_nothing():
    credentials = auth.NoAuth()
    assert headers_of(credentials, Accept="x") == {"Accept": "x"}
    assert (credentials.secrets, credentials.refresh(refused({}))) == ((), False)


class TokenServer:
    """Gives one thing after the other; an error is raised."""

    def __init__(self, *script: str | ApiError) -> None:
        self.script = list(script)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        entry = self.script.pop(0)
        if isinstance(entry, ApiError):
            raise entry
        return entry


def test_token_is_fetched_once_on_first_use():
    server = TokenServer("one")
    credentials = auth.ClientCredentialsAuth(server, ("s3cr3t",))
    assert (server.asked, credentials.secrets) == (0, ("s3cr3t",))
    for _each in range(3):
        assert headers_of(credentials) == {"Authorization": "Bearer one"}
    assert server.asked == 1


def test_refused_token_is_replaced_and_both_stay_secret():
    server = TokenServer("one", "two")
    credentials = auth.ClientCredentialsAuth(server, ("s3cr3t",))
    assert credentials.refresh(refused(headers_of(credentials))) is True
    assert server.asked == 1
    assert headers_of(credentials) == {"Authorization": "Bearer two"}
    assert credentials.secrets == ("s3cr3t", "one", "two")


def test_failed_fetch_is_repeated_on_next_use():
    server = TokenServer(ApiError("It is down.", "unavailable"), "two")
    credentials = auth.ClientCredentialsAuth(server, ())
    with pytest.raises(ApiError, match="It is down"):
        headers_of(credentials)
    assert credentials.secrets == ()
    assert headers_of(credentials) == {"Authorization": "Bearer two"}


def test_older_token_has_already_been_refreshed():
    server = TokenServer("one", "two", "three")
    credentials = auth.ClientCredentialsAuth(server, ())
    first = headers_of(credentials)
    assert credentials.refresh(refused(first)) is True
    second = headers_of(credentials)
    assert credentials.refresh(refused(first)) is True
    assert headers_of(credentials) == second == {"Authorization": "Bearer two"}
    assert server.asked == 2
    # Nobody has fetched another one yet: there is nothing to forget.
    credentials.refresh(refused(second))
    assert credentials.refresh(refused(second)) is True
    assert headers_of(credentials) == {"Authorization": "Bearer three"}


def test_token_used_alone_is_refreshed_once_per_request():
    credentials = auth.ClientCredentialsAuth(TokenServer("one", "two"), ())
    assert credentials.refresh(refused(headers_of(credentials))) is True
    second = headers_of(credentials)
    assert credentials.refresh(refused(second), again=True) is False
    # It is what others may still be let in with.
    assert headers_of(credentials) == second


def test_token_used_by_others_is_refreshed_again():
    credentials = auth.ClientCredentialsAuth(TokenServer("one", "two", "three"), ())
    assert credentials.refresh(refused(headers_of(credentials))) is True
    mine, _theirs = headers_of(credentials), headers_of(credentials)
    assert credentials.refresh(refused(mine), again=True) is True
    assert headers_of(credentials) == {"Authorization": "Bearer three"}


@pytest.mark.parametrize("credentials", [auth.bearer("t0k3n"), auth.NoAuth()], ids=["bearer", "none"])
def test_static_credentials_are_never_refreshed(credentials):
    assert credentials.refresh(refused({}), again=True) is False


# --- threads --------------------------------------------------------------------------------------------------------

CROWD = 8


class SlowTokenServer(TokenServer):
    """Answers once everybody who is to wait for it is there."""

    def __init__(self, *script: str | ApiError) -> None:
        super().__init__(*script)
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self) -> str:
        self.is_asked.set()
        assert self.may_answer.wait(30)
        return super().__call__()


class CountingLock:
    """A lock that tells how many threads are at it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.came = 0
        self.changed = threading.Condition()

    def __enter__(self) -> None:
        with self.changed:
            self.came += 1
            self.changed.notify_all()
        self.lock.acquire()

    def __exit__(self, *_exc: object) -> None:
        self.lock.release()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.came >= count, 30)


def asked_by_a_crowd(credentials: auth.ClientCredentialsAuth, server: SlowTokenServer) -> list[str | Exception]:
    """What each of many threads sends, or gets raised, that all ask while the first fetch is under way."""
    lock = CountingLock()
    credentials._lock = lock  # type: ignore[assignment]  # a lock as far as a with statement goes

    def ask() -> str | Exception:
        try:
            return headers_of(credentials)["Authorization"]
        except (ApiError, RuntimeError) as failure:
            return failure

    with ThreadPoolExecutor(CROWD) as pool:
        asking = [pool.submit(ask) for _each in range(CROWD)]
        try:
            assert server.is_asked.wait(30)
            lock.wait_for(CROWD)
        finally:
            server.may_answer.set()
        return [future.result(30) for future in asking]


def test_concurrent_threads_share_one_fetch():
    server = SlowTokenServer("one")
    credentials = auth.ClientCredentialsAuth(server, ("s3cr3t",))
    assert asked_by_a_crowd(credentials, server) == ["Bearer one"] * CROWD
    assert (server.asked, credentials.secrets) == (1, ("s3cr3t", "one"))


def test_waiting_threads_do_not_repeat_a_failed_fetch():
    failure = ApiError("The credentials were refused.", "authentication")
    server = SlowTokenServer(failure, "two")
    credentials = auth.ClientCredentialsAuth(server, ())
    assert asked_by_a_crowd(credentials, server) == [failure] * CROWD
    assert server.asked == 1
    # Who comes later has not waited.
    assert headers_of(credentials) == {"Authorization": "Bearer two"}


def test_failed_fetch_is_forgotten_after_another_one():
    first, second = ApiError("It is down.", "unavailable"), ApiError("It is still down.", "unavailable")
    server = SlowTokenServer(first, second)
    credentials = auth.ClientCredentialsAuth(server, ())
    asked_by_a_crowd(credentials, server)
    server.is_asked.clear()
    server.may_answer.clear()
    assert asked_by_a_crowd(credentials, server) == [second] * CROWD
    assert server.asked == 2


def test_many_refused_requests_refresh_the_token_once():
    server = SlowTokenServer("one", "two", "three")
    credentials = auth.ClientCredentialsAuth(server, ())
    server.may_answer.set()
    sent = [headers_of(credentials) for _each in range(CROWD)]
    server.may_answer.clear()
    server.is_asked.clear()
    with ThreadPoolExecutor(CROWD) as pool:
        assert all(pool.map(lambda headers: credentials.refresh(refused(headers)), sent))
    assert asked_by_a_crowd(credentials, server) == ["Bearer two"] * CROWD
    # One of them comes late with the refusal of the former token.
    credentials.refresh(refused(sent[0]))
    assert headers_of(credentials) == {"Authorization": "Bearer two"}
    assert server.asked == 2


def test_other_exceptions_of_a_fetch_are_not_remembered():
    def fetch() -> str:
        raise KeyError("x")

    credentials = auth.ClientCredentialsAuth(fetch, ())
    for _each in range(2):
        with pytest.raises(KeyError):
            headers_of(credentials)
    assert credentials.secrets == ()


def test_waiting_threads_do_not_get_an_earlier_error():
    class Buggy(SlowTokenServer):
        def __call__(self) -> str:
            if self.asked:
                self.is_asked.set()
                assert self.may_answer.wait(30)
                raise RuntimeError("a bug")
            return super().__call__()

    server = Buggy(ApiError("It is down.", "unavailable"))
    credentials = auth.ClientCredentialsAuth(server, ())
    server.may_answer.set()
    with pytest.raises(ApiError):
        headers_of(credentials)
    server.may_answer.clear()
    server.is_asked.clear()
    assert [str(raised) for raised in asked_by_a_crowd(credentials, server)] == ["a bug"] * CROWD


# --- claims ---------------------------------------------------------------------------------------------------------


def jwt(claims: Any, *, padded: bool = False) -> str:
    """A token whose signature nobody checks."""
    raw = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    middle = base64.urlsafe_b64encode(raw).decode()
    return ".".join(("eyJhbGciOiJub25lIn0", middle if padded else middle.rstrip("="), "c2lnbmF0dXJl"))


@pytest.mark.parametrize("filling", ["", "x", "xy", "xyz"], ids=len)
@pytest.mark.parametrize("padded", [False, True])
def test_claims(filling, padded):
    claims = {"tenant_id": "820188ff", "name": f"Jörg ?>~{filling}"}
    assert auth.claims_of(jwt(claims, padded=padded)) == claims


def test_claims_in_base64url():
    claims = {"a": "\u00bf\u00bf\u00be>>>???"}
    token = jwt(json.dumps(claims, ensure_ascii=False).encode())
    assert "-" in token or "_" in token
    assert auth.claims_of(token) == claims


@pytest.mark.parametrize(
    "token",
    [
        "",
        "0p4qu3",
        "a.b",
        "a.b.c.d.e",
        jwt({"tenant_id": "820188ff"}) + ".d.e",
        "..",
        "a.!!!.c",
        "a.é.c",
        "a.A.c",
        jwt(b"\xff\xfe"),
        jwt(b"{"),
        jwt(b""),
        jwt([1]),
        jwt("text"),
        jwt(7),
        jwt(None),
        jwt(b"[" * 100_000),
        jwt(b'{"a":' * 100_000),
        jwt(b"9" * 5000),
    ],
    ids=[
        "nothing",
        "opaque",
        "two parts",
        "five parts",
        "encrypted",
        "empty parts",
        "no base64",
        "not ASCII",
        "cut base64",
        "no UTF-8",
        "no JSON",
        "empty",
        "list",
        "text",
        "number",
        "null",
        "deep lists",
        "deep objects",
        "long number",
    ],
)
def test_token_without_claims(token):
    assert auth.claims_of(token) == {}
