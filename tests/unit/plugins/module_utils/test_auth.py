# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to authenticate: what each sends, what of it is a secret, and what a token says of itself."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import auth
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError


def headers_of(credentials: auth.Auth, **headers: str) -> dict[str, str]:
    request = SimpleNamespace(headers=dict(headers))
    assert credentials(request) is request
    return request.headers


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
def test_what_was_given_is_sent_and_stays_what_it_is(credentials, header, value, secrets):
    assert headers_of(credentials, Accept="x") == {"Accept": "x", header: value}
    assert set(credentials.secrets) == secrets
    assert credentials.renew() is False
    assert headers_of(credentials) == {header: value}


def test_no_credentials_are_none():
    credentials = auth.NoAuth()
    assert headers_of(credentials, Accept="x") == {"Accept": "x"}
    assert (credentials.secrets, credentials.renew()) == ((), False)


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


def test_a_token_is_fetched_once_and_not_before_it_is_needed():
    server = TokenServer("one")
    credentials = auth.FetchedToken(server, ("s3cr3t",))
    assert (server.asked, credentials.secrets) == (0, ("s3cr3t",))
    for _each in range(3):
        assert headers_of(credentials) == {"Authorization": "Bearer one"}
    assert server.asked == 1


def test_a_refused_token_is_fetched_anew_and_both_stay_secret():
    server = TokenServer("one", "two")
    credentials = auth.FetchedToken(server, ("s3cr3t",))
    headers_of(credentials)
    assert credentials.renew() is True
    assert server.asked == 1
    assert headers_of(credentials) == {"Authorization": "Bearer two"}
    assert credentials.secrets == ("s3cr3t", "one", "two")


def test_a_token_that_could_not_be_fetched_is_asked_for_again():
    server = TokenServer(ApiError("It is down.", "unavailable"), "two")
    credentials = auth.FetchedToken(server, ())
    with pytest.raises(ApiError, match="It is down"):
        headers_of(credentials)
    assert credentials.secrets == ()
    assert headers_of(credentials) == {"Authorization": "Bearer two"}


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


def test_claims_in_the_alphabet_of_urls():
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
def test_a_token_without_claims_has_none(token):
    assert auth.claims_of(token) == {}
