# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth 2.0 client credentials: the token server alone, and together with the ticketing API."""

from __future__ import annotations

from typing import Any
from unittest import mock
from urllib.parse import parse_qsl

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import ClientCredentials, fetch_token, parse_error
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import ticketing_connection
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply, free_port
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SECRET = "S3cr3t &=+/%é"
TENANT = "820188ff-2036-4924-b80f-d11610735d86"
PATH = "/auth/realms/northwind/protocol/openid-connect/token"
TOKEN_URL = "token_url (TICKETING_TOKEN_URL)"
SCOPE = "scope (TICKETING_SCOPE)"
CREDENTIALS = ["client_id (TICKETING_CLIENT_ID)", "client_secret (TICKETING_CLIENT_SECRET)", TOKEN_URL]


def token(text: Any) -> Reply:
    return Reply(body={"access_token": text})


# --- the token server -----------------------------------------------------------------------------------------------


def fetched(url: str, clock: FakeClock | None = None, notice: Any = None, **options: Any) -> str:
    scope = options.pop("scope", None)
    transport = Transport(url, **{"timeout": 5, "retry_timeout": 0, **options})
    credentials = ClientCredentials(transport, PATH, "cl&ient", SECRET, scope)
    assert SECRET not in repr(credentials)
    return fetch_token(credentials, "secops.itsm/9", clock or FakeClock(), notice)


def failure(url: str, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        fetched(url, **options)
    error = caught.value
    assert_message(error.message, "access token")
    assert SECRET not in error.message + repr(error.as_dict())
    assert (error.ambiguous, error.may_have_changed) == (False, False)
    return error


@pytest.mark.parametrize("scope", [None, "", "tickets:write tickets:read"])
def test_token_request_is_a_form_without_authorization(serve, tmp_path, monkeypatch, scope):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = serve(token("a.b-c_d~+/="))
    assert fetched(server.url, scope=scope) == "a.b-c_d~+/="
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", PATH)
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (seen.headers["accept"], seen.headers["user-agent"]) == ("application/json", "secops.itsm/9")
    assert "authorization" not in seen.headers
    form = {"grant_type": "client_credentials", "client_id": "cl&ient", "client_secret": SECRET}
    expected = {**form, "scope": scope} if scope else form
    assert dict(parse_qsl(seen.body.decode("ascii"), keep_blank_values=True)) == expected


def test_token_request_is_retried_like_a_read(serve, clock):
    server = serve(Reply(503), Reply(429, headers={"Retry-After": "7"}), Reply(drop=True), token("t0k3n"))
    assert fetched(server.url, clock, retry_timeout=60) == "t0k3n"
    assert len(server.seen) == 4
    assert 7 <= clock.slept[1] < 8


@pytest.mark.parametrize("status", [200, 500])
def test_connection_is_closed_after_the_request(serve, monkeypatch, status):
    close = mock.Mock()
    monkeypatch.setattr(Client, "close", close)
    server = serve(Reply(status, {"access_token": "t0k3n"}))
    if status == 200:
        fetched(server.url)
    else:
        failure(server.url)
    close.assert_called_once_with()


@pytest.mark.parametrize(
    "status, code, category, facts",
    [
        (400, "invalid_client", "authentication", CREDENTIALS),
        (401, "invalid_client", "authentication", CREDENTIALS),
        (400, "invalid_grant", "authentication", CREDENTIALS),
        (400, "unauthorized_client", "authentication", CREDENTIALS),
        (400, "invalid_scope", "permission", [SCOPE]),
        (400, "invalid_request", "validation", [TOKEN_URL, SCOPE]),
        (400, "brand_new", "validation", [TOKEN_URL, SCOPE]),
        (404, "not_found", "not_found", [TOKEN_URL]),
        (405, "", "contract", [TOKEN_URL]),
        (500, "server_error", "unavailable", []),
    ],
)
def test_errors_of_the_rfc(serve, status, code, category, facts):
    error = failure(serve(Reply(status, {"error": code, "error_description": "It is odd."})).url)
    assert (error.category, error.http_status, error.code) == (category, status, code or None)
    assert (error.method, error.path) == ("POST", PATH)
    assert_message(error.message, f"HTTP {status}", code, "It is odd", *facts)


def test_error_body_in_another_format_is_ignored():
    for body in ({}, [], "text", 7, None, {"error": 5}, {"error": {"code": "x"}}, {"error": None}):
        assert parse_error(body) == ErrorBody()
    for text in (None, 7, [], {}):
        assert parse_error({"error": "invalid_scope", "error_description": text}) == ErrorBody("invalid_scope")


@pytest.mark.parametrize(
    "reply, facts",
    [
        (Reply(body=b"<html>Sign in"), ["HTML", "HTTP 200"]),
        (Reply(204), ["empty", "HTTP 204"]),
        (Reply(body=[]), ["top level", "type", "'object'"]),
        (Reply(body={"token": "t0k3n-1"}), ["access_token", "missing"]),
        (token(None), ["access_token", "type", "'string'"]),
        *(
            (token(text), ["access_token", "pattern"])
            for text in ("", "t0k3n\r\nX-Evil: 1", "t0k3n 1", "t0k3né", "t0k3n\n", "\x7f")
        ),
    ],
)
def test_success_without_a_token_is_a_contract_error(serve, reply, facts):
    error = failure(serve(reply).url)
    assert error.category == "contract"
    assert_message(error.message, *facts, TOKEN_URL)
    assert "t0k3n" not in error.message


def test_refused_connection_is_reported(clock):
    notices: list[str] = []
    url = f"http://127.0.0.1:{free_port()}"
    error = failure(url, clock=clock, notice=notices.append, retry_timeout=60)
    assert_message(error.message, "token server", url, "Connection refused")
    assert (error.category, error.retryable) == ("unavailable", True)
    assert_message(notices[0], "token server", url, "Connection refused", "retried")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secret_is_not_sent_to_a_redirect(serve, status):
    server = serve(Reply(status, headers={"Location": "/other"}), token("t0k3n"))
    error = failure(server.url)
    assert (error.category, len(server.seen)) == ("configuration", 1)
    assert_message(error.message, "redirect", f"HTTP {status}", TOKEN_URL, server.url)


@pytest.mark.parametrize(
    "echo",
    [SECRET, "S3cr3t+%26%3D%2B%2F%25%C3%A9", "S3cr3t%20%26%3D%2B%2F%25%C3%A9", "x" * 280 + SECRET],
    ids=["plain", "form", "path", "cut"],
)
def test_echoed_secret_is_redacted(serve, echo):
    for body in ({"error": "invalid_client", "error_description": f"You sent {echo}"}, {"error": f"You sent {echo}"}):
        assert "S3cr3t" not in failure(serve(Reply(400, body)).url).message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_refusal_of_the_token_request_is_final(serve, scheme):
    proxy = serve(Reply(407))
    error = failure(f"{scheme}://sts.example", proxy=proxy.url, retry_timeout=60)
    assert (error.category, error.of_proxy, error.retryable) == ("authentication", True, False)
    assert_message(error.message, "proxy", "credentials", "HTTP 407")
    assert len(proxy.seen) == 1


# --- together with the ticketing API --------------------------------------------------------------------------------


def test_token_is_shared_by_requests_and_replaced_when_expired(serve):
    expired = Reply(401, {"error": True, "code": "TOKEN_EXPIRED", "message": "Expired.", "status": 401})
    sts, api = serve(token("t0k3n-1"), token("t0k3n-2")), serve(Reply(body={}), expired, Reply(body={}))
    where = {"url": api.url, "tenant_id": TENANT, "realm": "northwind", "timeout": 5, "retry_timeout": 0}
    account = {"client_id": "id", "client_secret": SECRET, "token_url": sts.url + PATH}
    connection = ticketing_connection({**where, **account}, "secops.itsm/9")
    client = Client(connection.transport, connection.auth, REZOLVE, clock=FakeClock())
    assert sts.seen == []
    for _each in range(3):
        client.write("POST", "/x", {"a": 1})
    first, second = "Bearer t0k3n-1", "Bearer t0k3n-2"
    assert [seen.headers["authorization"] for seen in api.seen] == [first, first, second, second]
    assert {seen.body for seen in api.seen} == {b'{"a": 1}'}
    assert connection.auth.secrets == (SECRET, "t0k3n-1", "t0k3n-2")
    assert [seen.headers["user-agent"] for seen in sts.seen] == ["secops.itsm/9"] * 2
