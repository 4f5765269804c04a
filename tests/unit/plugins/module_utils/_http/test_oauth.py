# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OAuth 2.0 client credentials against a real token server, alone and on the way to the ticketing API."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import parse_qsl

import pytest
import trustme

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import ClientCredentials, fetch_token, parse_error
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import ticketing_connection
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, LoopbackServer, Reply, free_port
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._http.test_auth import jwt

SECRET = "S3cr3t &=+/%é"
TENANT = "820188ff-2036-4924-b80f-d11610735d86"
OTHER_TENANT = "11111111-2036-4924-b80f-d11610735d86"
PATH = "/auth/realms/northwind/protocol/openid-connect/token"
GIVEN = Reply(body={"access_token": "t0k3n-1", "token_type": "Bearer", "expires_in": 300})


def fetched(server: LoopbackServer, clock: FakeClock | None = None, **options: Any) -> str:
    scope = options.pop("scope", None)
    transport = Transport(server.url, **{"timeout": 5, "retry_timeout": 0, **options})
    credentials = ClientCredentials(transport, PATH, "cl&ient", SECRET, scope)
    return fetch_token(credentials, "secops.itsm/9", clock or FakeClock())


def failure(server: LoopbackServer, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        fetched(server, **options)
    error = caught.value
    assert_message(error.message, "access token")
    assert SECRET not in error.message + repr(error.as_dict())
    assert (error.ambiguous, error.may_have_changed) == (False, False)
    return error


# --- what is asked --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [None, "", "tickets:write tickets:read"])
def test_token_request_is_a_form(serve, scope):
    server = serve(GIVEN)
    assert fetched(server, scope=scope) == "t0k3n-1"
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", PATH)
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (seen.headers["accept"], seen.headers["user-agent"]) == ("application/json", "secops.itsm/9")
    assert "authorization" not in seen.headers
    form = {"grant_type": "client_credentials", "client_id": "cl&ient", "client_secret": SECRET}
    assert dict(parse_qsl(seen.body.decode("ascii"), keep_blank_values=True)) == (
        {**form, "scope": scope} if scope else form
    )


def test_netrc_is_not_used(serve, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(GIVEN)
    fetched(server)
    assert "authorization" not in server.seen[0].headers


def test_repr_does_not_contain_the_secret():
    assert SECRET not in repr(ClientCredentials(Transport("https://x"), "/token", "id", SECRET))


def test_token_request_is_retried_like_a_read(serve, clock):
    server = serve(Reply(503), Reply(429, headers={"Retry-After": "7"}), Reply(drop=True), GIVEN)
    assert fetched(server, clock, retry_timeout=60) == "t0k3n-1"
    assert len(server.seen) == 4
    assert 7 <= clock.slept[1] < 8


@pytest.mark.parametrize("body", [{"access_token": "a"}, {"access_token": "a.b-c_d~+/=", "token_type": 7, "more": []}])
def test_only_the_token_is_required(serve, body):
    assert fetched(serve(Reply(body=body))) == body["access_token"]


@pytest.mark.parametrize("status", [200, 500])
def test_connection_is_closed_after_the_request(serve, monkeypatch, status):
    closed: list[Client] = []

    def close(client: Client) -> None:
        closed.append(client)

    monkeypatch.setattr(Client, "close", close)
    server = serve(Reply(status, {"access_token": "t0k3n-1"}))
    if status == 200:
        fetched(server)
    else:
        failure(server)
    assert len(closed) == 1


# --- what goes wrong ------------------------------------------------------------------------------------------------


CREDENTIALS = ["client_id (TICKETING_CLIENT_ID)", "client_secret (TICKETING_CLIENT_SECRET)"]
SERVER = ["token_url (TICKETING_TOKEN_URL)", "scope (TICKETING_SCOPE)"]


@pytest.mark.parametrize(
    "status, code, category, facts",
    [
        (400, "invalid_client", "authentication", CREDENTIALS),
        (401, "invalid_client", "authentication", CREDENTIALS),
        (400, "invalid_grant", "authentication", CREDENTIALS),
        (400, "unauthorized_client", "authentication", CREDENTIALS),
        (400, "invalid_scope", "permission", ["scope (TICKETING_SCOPE)"]),
        (400, "invalid_request", "validation", SERVER),
        (400, "unsupported_grant_type", "validation", SERVER),
        (400, "brand_new", "validation", SERVER),
        (404, "not_found", "not_found", ["token_url (TICKETING_TOKEN_URL)"]),
        (405, "", "contract", ["token_url (TICKETING_TOKEN_URL)"]),
        (500, "server_error", "unavailable", []),
    ],
)
def test_errors_of_the_rfc(serve, status, code, category, facts):
    error = failure(serve(Reply(status, {"error": code, "error_description": "It is odd."})))
    assert (error.category, error.http_status, error.code) == (category, status, code or None)
    assert (error.method, error.path) == ("POST", PATH)
    assert_message(error.message, f"HTTP {status}", code, "It is odd", *facts)


@pytest.mark.parametrize("body", [{}, [], "text", 7, None, {"error": 5}, {"error": {"code": "x"}}, {"error": None}])
def test_error_body_in_any_format(serve, body):
    error = failure(serve(Reply(400, body)))
    assert (error.category, error.code) == ("validation", None)


@pytest.mark.parametrize("text", [None, 7, [], {}])
def test_description_other_than_text_is_ignored(text):
    problem = parse_error({"error": "invalid_scope", "error_description": text})
    assert (problem.code, problem.text) == ("invalid_scope", None)


@pytest.mark.parametrize("status, category", [(400, "validation"), (401, "authentication"), (404, "not_found")])
def test_html_error(serve, status, category):
    error = failure(serve(Reply(status, b"<html><h1>No</h1>", {"Content-Type": "text/html"})))
    assert error.category == category
    assert_message(error.message, f"HTTP {status}", "HTML")
    assert "<h1>" not in error.message


@pytest.mark.parametrize(
    "reply, facts",
    [
        (Reply(body=b"<html>Sign in"), ["HTML"]),
        (Reply(body=b""), ["empty"]),
        (Reply(204), ["empty"]),
        (Reply(body=b"access_token=t0k3n"), ["JSON"]),
        (Reply(body=[]), ["top level", "type", "'object'"]),
        (Reply(body=None), ["empty"]),
        (Reply(body={}), ["access_token", "missing"]),
        (Reply(body={"token": "t0k3n-1"}), ["access_token", "missing"]),
        (Reply(body={"access_token": None}), ["access_token", "type", "'string'"]),
        (Reply(body={"access_token": 7}), ["access_token", "type", "'string'"]),
        (Reply(body={"access_token": ""}), ["access_token", "pattern"]),
        (Reply(body={"access_token": "t0k3n\r\nX-Evil: 1"}), ["access_token", "pattern"]),
        (Reply(body={"access_token": "t0k3n 1"}), ["access_token", "pattern"]),
        (Reply(body={"access_token": "t0k3né"}), ["access_token", "pattern"]),
        (Reply(body={"access_token": "\x7f"}), ["access_token", "pattern"]),
    ],
)
def test_success_without_a_token_is_a_contract_error(serve, reply, facts):
    error = failure(serve(reply))
    assert error.category == "contract"
    assert_message(error.message, *facts)
    assert "t0k3n" not in error.message


# In Python's regular expressions $ also stands before a line break at the end.
def test_token_with_a_trailing_line_break_is_refused(serve):
    error = failure(serve(Reply(body={"access_token": "t0k3n\n"})))
    assert error.category == "contract"
    assert_message(error.message, "access_token", "pattern")


@pytest.mark.parametrize("reply", [Reply(body=b"<html>Sign in"), Reply(body={})], ids=["a page", "no token"])
def test_success_without_a_token_names_token_url(serve, reply):
    assert_message(failure(serve(reply)).message, "token_url (TICKETING_TOKEN_URL)")


def test_response_timeout(serve):
    server = serve(Reply(delay=1.0))
    error = failure(server, timeout=0.2)
    assert (error.category, error.retryable) == ("unavailable", True)
    assert_message(error.message, "token server", server.url, "no answer")


def test_refused_connection():
    credentials = ClientCredentials(Transport(f"http://127.0.0.1:{free_port()}", retry_timeout=0), PATH, "id", SECRET)
    with pytest.raises(ApiError) as caught:
        fetch_token(credentials, "x", FakeClock())
    assert_message(caught.value.message, "access token", "token server", "Connection refused")
    assert (caught.value.category, caught.value.ambiguous) == ("unavailable", False)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secret_is_not_sent_to_a_redirect(serve, status):
    server = serve(Reply(status, headers={"Location": "/other"}), GIVEN)
    error = failure(server)
    assert (error.category, len(server.seen)) == ("configuration", 1)
    assert_message(error.message, "redirect", f"HTTP {status}", "token_url (TICKETING_TOKEN_URL)", server.url)


ECHOES = {
    "as it is": SECRET,
    "in a form": "S3cr3t+%26%3D%2B%2F%25%C3%A9",
    "in a path": "S3cr3t%20%26%3D%2B%2F%25%C3%A9",
    "cut": "x" * 280 + SECRET,
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_echoed_secret_is_redacted(serve, echo):
    error = failure(serve(Reply(400, {"error": "invalid_client", "error_description": f"You sent {echo}"})))
    assert "S3cr3t" not in error.message


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_secret_echoed_as_code_is_redacted(serve, echo):
    credentials = ClientCredentials(Transport(serve(Reply(400, {"error": f"You sent {echo}"})).url), PATH, "id", SECRET)
    with pytest.raises(ApiError) as caught:
        fetch_token(credentials, "x", FakeClock())
    assert "S3cr3t" not in caught.value.message


# --- on the way to the ticketing API --------------------------------------------------------------------------------


class Desk:
    """The ticketing API and its token server, with a client of the one."""

    def __init__(self, serve: Any, tokens: list[Reply], answers: list[Reply], **options: Any) -> None:
        self.sts, self.api = serve(*tokens), serve(*answers)
        options = {
            "url": self.api.url,
            "tenant_id": TENANT,
            "realm": "northwind",
            "client_id": "id",
            "client_secret": SECRET,
            "token_url": self.sts.url + PATH,
            "timeout": 5,
            "retry_timeout": 0,
            **options,
        }
        connection = ticketing_connection(options, "secops.itsm/9")
        self.auth = connection.auth
        self.client = Client(connection.transport, connection.auth, REZOLVE, clock=FakeClock())

    def failure(self) -> ApiError:
        with pytest.raises(ApiError) as caught:
            self.client.write("POST", "/x", {})
        return caught.value

    @property
    def tokens(self) -> list[str]:
        """What the API was sent."""
        return [seen.headers["authorization"] for seen in self.api.seen]


def token(text: str) -> Reply:
    return Reply(body={"access_token": text})


OK = Reply(body={})
EXPIRED = Reply(401, {"error": True, "code": "TOKEN_EXPIRED", "message": "Expired.", "status": 401})


def test_one_token_for_many_requests(serve):
    desk = Desk(serve, [token("t0k3n-1")], [OK])
    assert desk.sts.seen == []
    for _each in range(3):
        desk.client.read("GET", "/x")
    desk.client.write("POST", "/x", {})
    assert (len(desk.sts.seen), desk.tokens) == (1, ["Bearer t0k3n-1"] * 4)
    assert desk.auth.secrets == (SECRET, "t0k3n-1")
    assert desk.sts.seen[0].headers["user-agent"] == "secops.itsm/9"


def test_expired_token_is_fetched_again(serve):
    desk = Desk(serve, [token("t0k3n-1"), token("t0k3n-2")], [OK, EXPIRED, OK])
    for _each in range(3):
        desk.client.write("POST", "/x", {"a": 1})
    assert desk.tokens == ["Bearer t0k3n-1", "Bearer t0k3n-1", "Bearer t0k3n-2", "Bearer t0k3n-2"]
    assert {seen.body for seen in desk.api.seen} == {b'{"a": 1}'}
    assert desk.auth.secrets == (SECRET, "t0k3n-1", "t0k3n-2")


def test_failed_refresh_is_reported(serve):
    desk = Desk(serve, [token("t0k3n-1"), Reply(401, {"error": "invalid_client"})], [EXPIRED])
    error = desk.failure()
    assert (error.category, error.path, error.ambiguous) == ("authentication", PATH, False)
    assert_message(error.message, "access token", "HTTP 401", "invalid_client")
    assert len(desk.api.seen) == 1


def test_nothing_is_sent_without_a_token(serve):
    desk = Desk(serve, [Reply(503)], [OK])
    error = desk.failure()
    assert (error.category, error.retryable, error.ambiguous) == ("unavailable", True, False)
    assert desk.api.seen == []


def test_token_of_another_tenant_is_not_sent(serve):
    desk = Desk(serve, [token(jwt({"tenant_id": OTHER_TENANT}))], [OK])
    error = desk.failure()
    assert (error.category, error.http_status) == ("configuration", None)
    assert_message(error.message, "tenant_id (TICKETING_TENANT_ID)", TENANT, OTHER_TENANT)
    assert desk.api.seen == []


def test_token_of_the_tenant_is_accepted(serve):
    desk = Desk(serve, [token(jwt({"tenant_id": TENANT.upper()}))], [OK])
    assert desk.client.read("GET", "/x").http_status == 200


def test_identity_headers_are_not_sent_to_the_token_server(serve):
    desk = Desk(serve, [token("t0k3n-1")], [OK], headers={"X-Gateway-Key": "gateway-key"}, is_support_request=True)
    desk.client.read("GET", "/x")
    (asked,), (sent,) = desk.sts.seen, desk.api.seen
    assert (sent.headers["x-tenantid"], sent.headers["realmname"]) == (TENANT, "northwind")
    assert sent.headers["issupportrequest"] == "true"
    assert not {"x-tenantid", "realmname", "issupportrequest", "authorization"} & set(asked.headers)
    # The two are on ports of their own here, so the gateway of the one has nothing to do with the other.
    assert ("x-gateway-key" in asked.headers, sent.headers["x-gateway-key"]) == (False, "gateway-key")


def test_gateway_key_is_sent_by_both_requests(serve):
    gateway = serve(token("t0k3n-1"), OK)
    headers = {"X-Gateway-Key": "gateway-key"}
    desk = Desk(serve, [OK], [OK], url=gateway.url, token_url=gateway.url + PATH, headers=headers)
    desk.client.read("GET", "/x")
    assert [seen.headers["x-gateway-key"] for seen in gateway.seen] == ["gateway-key"] * 2
    assert "x-tenantid" not in gateway.seen[0].headers


def test_token_request_uses_the_proxy(serve):
    proxy = serve(token("t0k3n-1"), OK)
    desk = Desk(
        serve,
        [OK],
        [OK],
        url="http://ticketing.example",
        token_url=f"http://sts.example{PATH}",
        allow_http=True,
        proxy=proxy.url,
    )
    desk.client.read("GET", "/x")
    assert [seen.target for seen in proxy.seen] == [
        f"http://sts.example{PATH}",
        "http://ticketing.example/api/v2/ticketing/x",
    ]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_refusal_of_the_token_request_is_final(serve, scheme):
    proxy = serve(Reply(407))
    token_url = f"{scheme}://sts.example{PATH}"
    desk = Desk(serve, [OK], [OK], token_url=token_url, allow_http=True, proxy=proxy.url)
    with pytest.raises(ApiError) as caught:
        desk.client.read("GET", "/x")
    assert (caught.value.category, caught.value.of_proxy, caught.value.retryable) == ("authentication", True, False)
    assert_message(caught.value.message, "access token", "proxy", "credentials", "HTTP 407")
    assert len(proxy.seen) == 1


def test_long_retries_of_the_token_request_are_reported():
    told: list[str] = []
    url = f"http://127.0.0.1:{free_port()}"
    credentials = ClientCredentials(Transport(url, timeout=5), PATH, "client", SECRET)
    with pytest.raises(ApiError):
        fetch_token(credentials, "secops.itsm/9", FakeClock(), told.append)
    assert told
    assert_message(told[0], "token server", url, "Connection refused", "retried")


def test_loopback_token_server_is_reached_without_proxy(serve, monkeypatch):
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", proxy.url)
    desk = Desk(serve, [token("t0k3n-1")], [OK], url="http://ticketing.example", allow_http=True)
    desk.client.read("GET", "/x")
    assert len(desk.sts.seen) == 1
    assert [seen.target for seen in proxy.seen] == ["http://ticketing.example/api/v2/ticketing/x"]


def test_tls_options_apply_to_the_token_server(serve, tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    bundle, pair = tmp_path / "ca.pem", tmp_path / "client.pem"
    authority.cert_pem.write_to_path(str(bundle))
    authority.issue_cert("client@example.com").private_key_and_cert_chain_pem.write_to_path(str(pair))
    sts = serve(token("t0k3n-1"), context=context)
    files = {"ca_path": str(bundle), "client_cert": str(pair)}
    Desk(serve, [OK], [OK], token_url=sts.url + PATH, **files).client.read("GET", "/x")
    assert len(sts.seen) == 1
    error = Desk(serve, [OK], [OK], token_url=sts.url + PATH).failure()
    assert error.category == "tls"
    assert_message(error.message, "access token", "certificate", "token server", sts.url)


# There are token servers that only know the address with the slash at its end.
def test_token_path_is_requested_unchanged(serve):
    desk = Desk(serve, [token("t0k3n-1")], [OK])
    given = Desk(serve, [token("t0k3n-1")], [OK], token_url=f"{desk.sts.url}/o/token/")
    given.client.read("GET", "/x")
    assert desk.sts.seen[0].target == "/o/token/"


@pytest.mark.parametrize("path, asked", [("", "/"), ("/", "/"), ("/a%20b/token", "/a%20b/token")])
def test_token_path(serve, path, asked):
    sts = serve(token("t0k3n-1"))
    Desk(serve, [OK], [OK], token_url=sts.url + path).client.read("GET", "/x")
    assert sts.seen[0].target == asked
