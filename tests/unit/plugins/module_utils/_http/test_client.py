# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client against a real server: retries, errors, redirects, proxies, TLS and refused credentials."""

from __future__ import annotations

import itertools
import json
import re
import socket
import ssl
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
import trustme

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._http import auth
from ansible_collections.secops.itsm.plugins.module_utils._http.client import MAX_REFRESHES, Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, quote
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import from_response
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile
from ansible_collections.secops.itsm.plugins.module_utils._http.exception_cause import exception_chain
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import api as ticketing_api
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply, TlsFiles, failure, free_port
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._http.test_auth import jwt

OK = Reply(body={"data": {}})
DONE = Reply(204)
HTML = {"Content-Type": "text/html"}


def make(
    url: str,
    clock: FakeClock,
    credentials: Any = None,
    profile: ErrorProfile = CONTRAFORCE,
    read_only: bool = False,
    redact: Any = str,
    notice: Any = None,
    **options: Any,
) -> Client:
    """Return a client of ContraForce, or of the service with another profile."""
    transport = Transport(url, **{"timeout": 5, **options})
    credentials = credentials or auth.bearer("s3cr3t-token")
    return Client(transport, credentials, profile, read_only=read_only, redact=redact, clock=clock, notice=notice)


def desk(url: str, clock: FakeClock, credentials: Any = None, **options: Any) -> Client:
    """Return a client of the ticketing API."""
    return make(url, clock, credentials, REZOLVE, **options)


# --- retries --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [*map(Reply, (408, 429, 502, 503, 504)), Reply(drop=True), Reply(body=b'{"data": {', promise=500)],
)
def test_read_is_retried(serve, clock, reply):
    server = serve(reply, OK)
    assert make(server.url, clock).read("GET", "/x").body == {"data": {}}
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "reply, category",
    [
        *((Reply(429, headers=headers), None) for headers in ({}, {"Retry-After": "3"})),
        *((Reply(503, headers={"Retry-After": seconds}), None) for seconds in "03"),
        *((reply, "unavailable") for reply in (Reply(drop=True), Reply(body=b"{", promise=99), Reply(promise=500))),
        *((Reply(status), "unavailable") for status in (408, 500, 501, 502, 503, 504, 520, 599)),
        (Reply(body=b"<html>"), "contract"),
    ],
)
def test_write_is_retried_or_ambiguous(serve, clock, reply, category):
    server = serve(reply, DONE)
    client = make(server.url, clock)
    if category is None:
        assert client.write("PUT", "/x", {}).http_status == 204
        assert len(server.seen) == 2
    else:
        error = failure(client.write, "PUT", "/x", {})
        assert (error.category, error.ambiguous, len(server.seen)) == (category, True, 1)
        assert error.retryable == (category == "unavailable")
    assert client.may_have_changed


@pytest.mark.parametrize(
    "status, category",
    [
        (302, "configuration"),
        (400, "validation"),
        (401, "authentication"),
        (403, "permission"),
        (404, "not_found"),
        (409, "conflict"),
        (410, "contract"),
        (412, "conflict"),
        (415, "contract"),
        (422, "validation"),
    ],
)
def test_refused_request_is_neither_retried_nor_ambiguous(serve, clock, status, category):
    for method in ("read", "write"):
        server = serve(Reply(status), OK)
        client = make(server.url, clock)
        error = failure(getattr(client, method), "GET", "/x")
        assert (error.category, error.http_status, error.ambiguous) == (category, status, False)
        assert error.retryable == (category == "conflict")
        assert (len(server.seen), client.may_have_changed) == (1, False)


def test_may_have_changed_is_kept_after_a_refused_write(serve, clock):
    client = make(serve(DONE, Reply(body={"success": False}), Reply(404)).url, clock)
    assert not client.may_have_changed
    client.write("PUT", "/x", {}, is_refusal=lambda body: True)
    assert not client.may_have_changed
    client.write("PUT", "/x", {}, is_refusal=lambda body: body["success"])
    failure(client.write, "PUT", "/x", {})
    assert client.may_have_changed


@pytest.mark.parametrize("retry_timeout", [0, 10, 60])
def test_no_attempt_starts_after_the_retry_timeout(serve, clock, retry_timeout):
    server = serve(Reply(503))
    error = failure(make(server.url, clock, retry_timeout=retry_timeout).read, "GET", "/x")
    assert (error.category, error.retryable) == ("unavailable", True)
    assert_message(error.message, 503, *([len(server.seen)] if retry_timeout else []))
    # The next wait would have exceeded it.
    assert retry_timeout - 15 < clock.time <= retry_timeout
    assert all(low <= slept <= 2 * low for low, slept in zip((0.25, 0.5, 1.0, 2.0, 4.0), clock.slept))


@pytest.mark.parametrize("seconds", [7, 30])
@pytest.mark.parametrize("is_date", [False, True])
def test_retry_after_is_honoured(serve, clock, seconds, is_date):
    """A date is compared with the time of the service."""
    headers = {"Retry-After": str(seconds)}
    if is_date:
        headers = {"Date": "Sat, 21 Nov 2026 03:00:00 GMT", "Retry-After": f"Sat, 21 Nov 2026 03:00:{seconds:02} GMT"}
    make(serve(Reply(429, headers=headers), OK).url, clock).read("GET", "/x")
    assert seconds <= clock.slept[0] < seconds + 1


@pytest.mark.parametrize("method", ["read", "write"])
@pytest.mark.parametrize("status, category", [(429, "rate_limited"), (503, "unavailable")])
def test_retry_after_beyond_the_timeout_fails_at_once(serve, clock, method, status, category):
    server = serve(Reply(status, headers={"Retry-After": "3600"}), OK)
    error = failure(getattr(make(server.url, clock), method), "GET", "/x")
    assert (error.category, error.ambiguous, error.retryable) == (category, False, True)
    assert (len(server.seen), clock.slept) == (1, [])
    assert_message(error.message, f"HTTP {status}", "3600 s")


def test_write_that_times_out_is_ambiguous(serve, clock):
    server = serve(Reply(204, delay=0.1), DONE)
    error = failure(make(server.url, clock, timeout=0.03).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous) == ("unavailable", True)
    assert_message(error.message, "ContraForce", server.url)


@pytest.mark.parametrize("method", ["read", "write"])
def test_refused_connection_is_retried_and_not_ambiguous(clock, method):
    client = make(f"http://127.0.0.1:{free_port()}", clock)
    error = failure(getattr(client, method), "GET", "/x")
    assert (error.category, error.ambiguous) == ("unavailable", False)
    assert len(clock.slept) > 3
    assert_message(error.message, "127.0.0.1", "Connection refused")


def test_connection_timeout_is_not_ambiguous(clock):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        port = busy.getsockname()[1]
        waiting = [socket.socket() for _each in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        error = failure(make(f"http://127.0.0.1:{port}", clock, timeout=0.05, retry_timeout=0).write, "PUT", "/x")
        for each in waiting:
            each.close()
    assert (error.category, error.ambiguous) == ("unavailable", False)
    assert_message(error.message, f"http://127.0.0.1:{port}", "connection timed out")


@pytest.mark.parametrize("number, fewest, most", [(socket.EAI_NONAME, 2, 2), (socket.EAI_AGAIN, 6, 99)])
def test_unknown_host_is_tried_twice(clock, monkeypatch, number, fewest, most):
    """A name server that does not respond may respond later, so it is retried like any other connection failure."""
    names: list[str] = []

    def fail(host: str, *_arguments: Any, **_options: Any) -> Any:
        names.append(host)
        raise socket.gaierror(number, "failed")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    error = failure(make("https://service.invalid", clock).write, "PUT", "/x")
    assert (error.category, error.retryable, error.ambiguous) == ("unavailable", True, False)
    assert set(names) == {"service.invalid"}
    assert fewest <= len(names) <= most


def test_long_connection_retries_are_reported(serve, clock):
    notices: list[str] = []
    url = f"http://127.0.0.1:{free_port()}"
    failure(make(url, clock, retry_timeout=2, notice=notices.append).read, "GET", "/x")
    failure(make(serve(Reply(503)).url, clock, notice=notices.append).read, "GET", "/x")
    assert notices == []
    failure(make(url, clock, retry_timeout=60, notice=notices.append).read, "GET", "/x")
    reason = f"The connection to ContraForce at {url} failed (Connection refused)"
    assert set(notices) == {f"{reason}. The request is being retried."}


def test_read_only_client_sends_no_writes(serve, clock):
    server = serve(DONE)
    error = failure(make(server.url, clock, read_only=True).write, "PUT", "/x", {})
    assert error.category == "internal"
    assert_message(error.message, "PUT /x")
    assert server.seen == []


# --- error responses ------------------------------------------------------------------------------------------------

PROBLEM = {
    "detail": "One or more validation errors occurred.",
    "code": "VALIDATION_ERROR",
    "requestId": "0HABC:1",
    "errors": {"status": ["Not a status.", "Be brief."], "": ["The request is odd."]},
}
OLD = {
    "error": {"code": "BadRequest", "message": "It is odd.", "details": [{"target": "status", "message": "No."}]},
    "meta": {"requestId": "0HOLD:1"},
}


def test_problem_details_become_an_error(serve, clock):
    server = serve(Reply(400, PROBLEM, {"Content-Type": "application/problem+json"}))
    error = failure(make(server.url, clock).write, "PUT", "/x", {})
    assert error.as_dict() == {
        "category": "validation",
        "code": "VALIDATION_ERROR",
        "http_status": 400,
        "method": "PUT",
        "path": "/x",
        "request_id": "0HABC:1",
        "retryable": False,
        "fields": PROBLEM["errors"],
    }
    quoted = "One or more validation errors occurred; status: Not a status; status: Be brief; The request is odd"
    assert_message(error.message, "HTTP 400", "VALIDATION_ERROR", quoted)
    assert not error.message.endswith("..")


@pytest.mark.parametrize(
    "body, details",
    [
        (OLD, ErrorBody("BadRequest", "It is odd.", "0HOLD:1", {"status": ["No."]})),
        *((body, ErrorBody()) for body in ([], 7, "text", {"error": True}, {"errors": 3}, {"code": 5}, None)),
    ],
)
def test_error_body_in_any_format_is_read(body, details):
    assert CONTRAFORCE.parse_error(body) == details


@pytest.mark.parametrize(
    "reply, fact",
    [
        (Reply(200, b"<!doctype html><title>s3cr3t</title>"), "HTML page instead of JSON"),
        (Reply(502, b"<html><h1>s3cr3t</h1></html>", HTML), "HTML page instead of JSON"),
        (Reply(404, b"s3cr3t", HTML), "HTML page instead of JSON"),
        (Reply(200, b""), "empty"),
        (Reply(200, b'{"data": {"s3cr3t', {"Content-Type": "application/json"}), "invalid JSON"),
        (Reply(200, b"\xff\xfe\x00s3cr3t"), "text instead of JSON"),
        (Reply(200, b"[" * 200_000), "nested too deeply"),
        (Reply(200, b"[" * 101 + b"]" * 101), "nested too deeply"),
    ],
)
def test_body_other_than_json_is_described_with_its_status(serve, clock, reply, fact):
    client = make(serve(reply).url, clock, retry_timeout=0)
    error = failure(client.read, "GET", "/x")
    assert_message(error.message, fact, f"HTTP {reply.status}")
    assert "s3cr3t" not in error.message
    if reply.status == 200:
        assert error.category == "contract"
        assert_message(error.message, "ContraForce", "url (CONTRAFORCE_URL)")


def test_nested_json_within_the_limit_is_accepted(serve, clock):
    assert make(serve(Reply(200, b"[" * 100 + b"]" * 100)).url, clock).read("GET", "/x").http_status == 200


@pytest.mark.parametrize(
    "secret, detail",
    [
        ("S3cr3t/Key+Value=0123456789abcdef", "x" * 270 + " {}"),
        ("two  spaces", "You sent {}"),
        ("S3cr3t/Key+Value~0123456789abcdef", "x" * 270 + " S3cr3t%2FKey\\u002BValue%7E0123456789abcdef"),
        ("S3cr3t.", "You sent {}"),
    ],
    ids=["cut", "folded", "encoded", "full stop"],
)
def test_secrets_are_redacted_before_text_is_shortened(serve, clock, secret, detail):
    redact = Redactor([secret]).text
    text = detail.format(secret)
    message = failure(make(serve(Reply(400, {"detail": text})).url, clock, redact=redact).read, "GET", "/x").message
    for found in (message, quote(ErrorBody(fields={"field": [text]}), None, redact)):
        assert "********" in found
        assert "S3cr3t" not in found
        assert "two spaces" not in found


@pytest.mark.parametrize(
    "code, shortened",
    [("X" * 100, "X" * 100), ("X" * 101, "X" * 97 + "..."), ("X" * 5000, "X" * 97 + "..."), (" a\n\tb ", "a b")],
)
def test_error_code_is_short_and_on_one_line(code, shortened):
    failed = from_response(CONTRAFORCE, 400, ErrorBody(code, "x" * 5000), None, None, False, str, None)
    error = failed.to_api_error("GET", "/x", 1)
    assert error.code == shortened
    assert f"(HTTP 400, {shortened}): {'x' * 297}." in error.message
    assert len(error.message) < 600


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(403, {"message": "No."}), Reply(body=b"<html>"), Reply(429, headers={"Retry-After": "99"})],
    ids=["503", "403", "HTML", "429"],
)
def test_cause_is_separate_from_the_remedy(serve, clock, reply):
    error = failure(make(serve(reply).url, clock, retry_timeout=0).read, "GET", "/x")
    assert error.message.startswith(f"{error.cause} ")
    assert error.cause.endswith(".")
    assert not any(word in error.cause for word in ("Check ", "Run ", "Grant "))


def test_errors_contain_no_headers_or_bodies(serve, clock):
    echo = Reply(500, {"detail": "no"}, {"X-Echo": "s3cr3t-token"})
    client = make(serve(echo).url, clock, headers={"X-Key": "gateway-key"})
    error = failure(client.write, "PUT", "/x", {"comment": "private words"})
    for text in (str(error), repr(error.as_dict())):
        assert not any(secret in text for secret in ("s3cr3t-token", "gateway-key", "private words"))


@pytest.mark.parametrize("seconds", [-7200, 7200])
def test_clock_lead_is_measured(serve, clock, seconds):
    date = format_datetime(datetime.now(timezone.utc) - timedelta(seconds=seconds), usegmt=True)
    client = make(serve(Reply(body={}, headers={"Date": date}), Reply(body={}, headers={"Date": "soon"})).url, clock)
    client.read("GET", "/x")
    assert client.clock_lead == pytest.approx(seconds, abs=5)
    client.read("GET", "/x")
    assert client.clock_lead is None


def test_request_ids_are_collected(serve, clock):
    replies = (Reply(body={"meta": {"requestId": "a"}}), Reply(204, headers={"X-Request-Id": "b"}))
    client = make(serve(*replies, Reply(404, PROBLEM)).url, clock)
    assert client.read("GET", "/x").request_id == "a"
    client.write("PUT", "/x", {})
    for _each in range(2):
        failure(client.read, "GET", "/x")
    assert client.request_ids == ["a", "b", "0HABC:1"]


def test_exception_chain_may_contain_a_cycle():
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__context__ = second, first
    assert list(exception_chain(first)) == [first, second]


# --- redirects ------------------------------------------------------------------------------------------------------

REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
def test_read_follows_a_redirect_on_the_same_host(serve, clock, status):
    server = serve(Reply(status, headers={"Location": "/v3/x/a%2fb%3A?a=b"}), OK)
    make(server.url + "/v2", clock).read("GET", "/x/a%2Fb:", {"c": "d"})
    assert [seen.target for seen in server.seen] == ["/v2/x/a%2Fb:?c=d", "/v3/x/a%2Fb%3A?a=b"]
    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer s3cr3t-token"}


@pytest.mark.parametrize(
    "location, path",
    [
        ("/v2/x/B", "/v2/x/B"),
        ("/v2/x/A/B", "/v2/x/A/B"),
        ("B", "/v2/x/B"),
        ("/v2/yx/A", "/v2/yx/A"),
        ("/v2/x/a", "/v2/x/a"),
        ("/v2/x%2FA", "/v2/x%2FA"),
        ("/v2/x/A/../B", "/v2/x/B"),
        ("/login/s3cr3t-token?returnUrl=/v2/x/A#s3cr3t", "/login/***"),
        ("//user:pass@127.0.0.1:{port}/", "/"),
        ("/" + "long/" * 100, "/" + "long/" * 59 + "l..."),
    ],
)
def test_read_does_not_follow_a_redirect_to_another_path(serve, clock, location, path):
    server = serve(Reply(302), OK)
    server.script[0].headers["Location"] = location.format(port=server.port)
    client = make(server.url + "/v2", clock, redact=lambda text: text.replace("s3cr3t-token", "***"))
    error = failure(client.read, "GET", "/x/A")
    assert (error.category, error.http_status, error.path, len(server.seen)) == ("contract", 302, "/x/A", 1)
    assert_message(error.message, "HTTP 302", f"{server.url}/v2", "url (CONTRAFORCE_URL)")
    # The rest of the URL may be a secret.
    assert f" {path}, " in error.message


@pytest.mark.parametrize(
    "location, category",
    [
        ("http://localhost:{port}/x", "configuration"),
        ("http://127.0.0.1:{free}/x", "configuration"),
        # Another port of the same host is followed if it uses TLS; here, nothing listens on it.
        ("https://127.0.0.1:{free}/x", "unavailable"),
        *((location, "configuration") for location in ("http://h:99999/", "http://[bad/", "", "ftp://127.0.0.1/x")),
    ],
)
def test_read_follows_redirects_to_the_same_host_only(serve, clock, location, category):
    server = serve(Reply(302), OK)
    server.script[0].headers["Location"] = location.format(port=server.port, free=free_port())
    error = failure(make(server.url, clock, retry_timeout=0).read, "GET", "/x")
    assert (error.category, len(server.seen)) == (category, 1)


def test_read_does_not_follow_from_https_to_http(serve, clock, tls):
    server = serve(Reply(302), OK, context=tls.context)
    server.script[0].headers["Location"] = server.url.replace("https:", "http:") + "/x"
    error = failure(make(server.url, clock, verify=tls.bundle, retry_timeout=0).read, "GET", "/x")
    assert error.category == "configuration"


def test_read_follows_at_most_three_redirects(serve, clock):
    server = serve(Reply(302, headers={"Location": "/x"}))
    assert failure(make(server.url, clock).read, "GET", "/x").category == "configuration"
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("method, verb", [("write", "PUT"), ("write", "GET"), ("read", "POST")])
def test_other_requests_do_not_follow_redirects(serve, clock, status, method, verb):
    server = serve(Reply(status, headers={"Location": "/x"}), OK)
    error = failure(getattr(make(server.url, clock), method), verb, "/x")
    assert (error.category, error.ambiguous, len(server.seen)) == ("configuration", False, 1)


# --- requests and proxies -------------------------------------------------------------------------------------------


def test_headers_query_and_credentials_are_sent(serve, clock, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = serve(OK)
    client = make(server.url, clock, headers={"X-Gateway-Key": "abc"})
    for _each in range(3):
        client.read("GET", "/x/a%2Fb%20c", {"withDetails": "false"})
    seen = server.seen[0]
    assert (seen.target, seen.body) == ("/x/a%2Fb%20c?withDetails=false", b"")
    assert "content-type" not in seen.headers
    assert (seen.headers["x-gateway-key"], seen.headers["authorization"]) == ("abc", "Bearer s3cr3t-token")
    assert len({seen.peer for seen in server.seen}) == 1


def test_bodies_are_sent_as_json(serve, clock):
    server = serve(Reply(429), OK)
    client = make(server.url, clock)
    client.write("POST", "/x", {"a": None, "b": "ä"}, {"type": "template", "module": "a b&c"})
    client.read("POST", "/x", body={"a": 1})
    assert [seen.target for seen in server.seen[:2]] == ["/x?type=template&module=a+b%26c"] * 2
    assert [json.loads(seen.body) for seen in server.seen[:3]] == [
        {"a": None, "b": "ä"},
        {"a": None, "b": "ä"},
        {"a": 1},
    ]
    assert {seen.headers["content-type"] for seen in server.seen[:3]} == {"application/json"}


@pytest.mark.parametrize("length", ["²", "x"])
def test_invalid_content_length_is_ignored(serve, clock, length):
    server = serve(Reply(body={"data": {}}, headers={"Connection": "close"}, promise=length))  # type: ignore[arg-type]
    assert make(server.url, clock).read("GET", "/x").body == {"data": {}}


@pytest.mark.parametrize("options", [{"proxy": "http://a..b:3128"}, {"headers": {"X-Price": "5 €"}}])
def test_unsendable_request_is_a_configuration_error(serve, clock, options):
    error = failure(make(serve(OK).url, clock, **options).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous) == ("configuration", False)


def test_proxy_of_the_option_or_the_environment_is_used(serve, clock, monkeypatch):
    server, proxy = serve(OK), serve(OK)
    make("http://service.example", clock, proxy=proxy.url).read("GET", "/x")
    monkeypatch.setenv("http_proxy", proxy.url)
    make("http://service.example", clock).read("GET", "/x")
    assert [seen.target for seen in proxy.seen] == ["http://service.example/x"] * 2
    make(server.url, clock, direct=True).read("GET", "/x")
    assert (len(server.seen), len(proxy.seen)) == (1, 2)


def test_unreachable_proxy_is_named(clock):
    url = f"http://user:pr0xyp4ss@127.0.0.1:{free_port()}"
    error = failure(make("http://service.example", clock, proxy=url, retry_timeout=0).write, "PUT", "/x", {})
    assert_message(error.message, "proxy", url.rpartition("@")[2], "Connection refused")
    assert "pr0xyp4ss" not in error.message
    assert not error.ambiguous


def test_proxy_of_the_environment_is_named_by_its_variable(serve, clock, monkeypatch):
    monkeypatch.setenv("https_proxy", serve(Reply(407)).url)
    error = failure(make("https://service.example", clock).read, "GET", "/x")
    assert_message(error.message, "proxy", "HTTP 407", "HTTPS_PROXY", "user name", "password")
    # A proxy without TLS at an address with https.
    monkeypatch.setenv("https_proxy", serve(OK).url.replace("http:", "https:"))
    error = failure(make("https://service.example", clock).read, "GET", "/x")
    assert_message(error.message, "proxy", "TLS", "HTTPS_PROXY", "http://")
    assert re.search(r"\b127\.0\.0\.1:\d+\b", error.message)


@pytest.mark.parametrize("method", ["read", "write"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_credentials_refused_by_a_proxy_are_sent_once(serve, clock, method, scheme):
    """Repeated logins could lock the account."""
    proxy = serve(*[Reply(407)] * 3)
    client = make(f"{scheme}://service.example", clock, proxy=proxy.url)
    error = failure(getattr(client, method), "GET", "/x")
    assert (error.category, error.ambiguous, error.retryable) == ("authentication", False, False)
    assert (error.of_proxy, error.check, error.http_status) == (True, "address", 407)
    assert_message(error.message, "proxy", "credentials", "HTTP 407", "proxy (CONTRAFORCE_PROXY)")
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    "status, category, attempts",
    [(403, "permission", 1), (405, "configuration", 1), (499, "configuration", 1), (500, "unavailable", 3)],
)
def test_refusal_of_a_proxy_is_final_below_500(serve, clock, status, category, attempts):
    proxy = serve(Reply(status))
    client = make("https://service.example", clock, proxy=proxy.url, retry_timeout=2)
    error = failure(client.write, "PUT", "/x")
    assert (error.category, error.ambiguous) == (category, False)
    assert_message(error.message, "proxy", status)
    assert min(len(proxy.seen), 3) == attempts


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path) -> TlsFiles:
    return TlsFiles(tmp_path)


def test_untrusted_certificate_is_refused(serve, clock, tls):
    error = failure(make(serve(OK, context=tls.context).url, clock).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous, error.retryable) == ("tls", False, False)
    assert_message(error.message, "ContraForce", "certificate", "ca_path (CONTRAFORCE_CA_PATH)")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_disabled_validation_overrides_the_environment(serve, clock, tls, tmp_path, monkeypatch):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other-ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other-ca.pem"))
    assert make(serve(OK, context=tls.context).url, clock, verify=False).read("GET", "/x").http_status == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_invalid_ca_file_of_the_environment_is_named(serve, clock, tls, tmp_path, monkeypatch, variable, content):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(path))
    error = failure(make(serve(OK, context=tls.context).url, clock).read, "GET", "/x")
    assert error.category == "configuration"
    assert_message(error.message, variable, path)


def test_invalid_files_of_the_options_are_named(serve, clock, tls):
    url = serve(OK, context=tls.context).url
    error = failure(make(url, clock, verify=__file__).read, "GET", "/x")
    assert_message(error.message, __file__, "ca_path (CONTRAFORCE_CA_PATH)", "CA certificates", "PEM")
    error = failure(make(url, clock, verify=tls.bundle, client_cert="/no/such/file").read, "GET", "/x")
    assert error.category == "configuration"
    assert_message(error.message, "client_cert (CONTRAFORCE_CLIENT_CERT)", "client_key (CONTRAFORCE_CLIENT_KEY)")


@pytest.mark.parametrize("has_key_file", [False, True])
def test_client_certificate_is_sent(serve, clock, tls, tmp_path, has_key_file):
    tls.context.verify_mode = ssl.CERT_REQUIRED
    tls.authority.configure_trust(tls.context)
    pair, key = str(tmp_path / "client.pem"), str(tmp_path / "key.pem")
    client_cert = tls.authority.issue_cert("client@example.com")
    blob = client_cert.cert_chain_pems[0] if has_key_file else client_cert.private_key_and_cert_chain_pem
    blob.write_to_path(pair)
    client_cert.private_key_pem.write_to_path(key)
    options = {"verify": tls.bundle, "client_cert": pair, "client_key": key if has_key_file else None}
    assert make(serve(OK, context=tls.context).url, clock, **options).read("GET", "/x").http_status == 200


@pytest.mark.parametrize("method", ["read", "write"])
def test_tls_to_a_plain_http_server_is_reported(serve, clock, method):
    server = serve(OK)
    client = make(server.url.replace("http:", "https:"), clock, retry_timeout=0)
    error = failure(getattr(client, method), "PUT", "/x")
    facts = f"127.0.0.1:{server.port}", "TLS", "host", "port", "url (CONTRAFORCE_URL)", "http://"
    assert_message(error.message, *facts)
    # TLS errors can also occur during a request, so a write is always ambiguous.
    assert (error.category, error.ambiguous) == ("tls", method == "write")


# --- refused credentials --------------------------------------------------------------------------------------------

NOON = 1795262400  # 2026-11-21 12:00:00 UTC


@pytest.mark.parametrize(
    "claims, date, is_expired",
    [
        ({"exp": NOON}, "Sat, 21 Nov 2026 12:00:00 GMT", True),
        ({"exp": NOON + 0.5}, "Sat, 21 Nov 2026 12:00:01 GMT", True),
        ({"exp": NOON}, "Sat, 21 Nov 2026 11:59:58 GMT", False),
        ({"exp": 1}, None, True),
        *(({"exp": exp}, None, False) for exp in (True, "1", None, -1, 0, float("nan"), float("inf"), 10**30, 1e300)),
        ({}, None, False),
    ],
)
def test_error_for_an_expired_token_names_its_expiry(serve, clock, claims, date, is_expired):
    """The expiry is compared with the time of the service, if its response contains that."""
    server = serve(Reply(401, headers={"Date": date} if date else {}))
    token = auth.bearer(jwt(claims))
    message = failure(make(server.url, clock, credentials=token).read, "GET", "/x").message
    moment = "1970-01-01 00:00:01" if claims.get("exp") == 1 else "2026-11-21 12:00:00"
    assert_message(message, "credentials", "HTTP 401", "access_token (CONTRAFORCE_ACCESS_TOKEN)")
    assert (has_fact(message, f"{moment} UTC"), has_fact(message, "expired")) == (is_expired, is_expired)
    assert has_fact(message, server.url) is not is_expired


def refused(status: int, code: str | None = None, message: str | None = None, **more: Any) -> Reply:
    """Return an error of the ticketing API in its documented format."""
    return Reply(status, {"error": True, "code": code, "message": message, "status": status, **more})


EXPIRED = refused(401, "TOKEN_EXPIRED", "The token has expired.")
NO_ROLE = refused(401, ticketing_api.PERMISSION_FAILURE, "You do not have the required permissions to create ticket")


def numbered_tokens() -> auth.ClientCredentialsAuth:
    numbers = itertools.count(1)
    return auth.ClientCredentialsAuth(lambda: f"t0k3n-{next(numbers)}", ("s3cr3t",))


def sent_tokens(server: Any) -> list[int]:
    """Return the numbers of the tokens that were sent."""
    return [int(seen.headers["authorization"].removeprefix("Bearer t0k3n-")) for seen in server.seen]


@pytest.mark.parametrize("reply", [EXPIRED, Reply(401), Reply(401, b"<html>"), Reply(401, {"error": {"code": "x"}})])
@pytest.mark.parametrize("verb", ["GET", "PATCH", "PUT", "POST"])
def test_refused_token_is_refreshed_and_the_request_retried(serve, clock, reply, verb):
    server = serve(reply, OK)
    client = desk(server.url, clock, numbered_tokens(), retry_timeout=0)
    response = client.read(verb, "/x") if verb == "GET" else client.write(verb, "/x", {"a": 1}, {"type": "agent"})
    assert (response.http_status, sent_tokens(server), clock.slept) == (200, [1, 2], [])
    first, second = ((seen.method, seen.target, seen.body) for seen in server.seen)
    assert first == second


@pytest.mark.parametrize(
    "replies, tokens, category",
    [
        ([EXPIRED], [1, 2], "authentication"),
        ([Reply(503, headers={"Retry-After": "0"}), EXPIRED, Reply(502)], [1], "unavailable"),
        ([EXPIRED, Reply(502)], [1, 2], "unavailable"),
        ([NO_ROLE], [1], "permission"),
        ([Reply(403)], [1], "permission"),
    ],
    ids=["refused twice", "503", "502 with the new token", "missing role", "403"],
)
def test_failed_write_with_fetched_tokens(serve, clock, replies, tokens, category):
    server = serve(*replies)
    error = failure(desk(server.url, clock, numbered_tokens()).write, "POST", "/x", {})
    assert (error.category, error.ambiguous) == (category, category == "unavailable")
    assert sent_tokens(server) == tokens


def test_token_refused_between_other_failures_is_refreshed(serve, clock):
    server = serve(Reply(503), EXPIRED, Reply(502), OK, EXPIRED, OK)
    client = desk(server.url, clock, numbered_tokens())
    client.read("GET", "/x")
    client.write("POST", "/x", {})
    assert sent_tokens(server) == [1, 1, 2, 2, 2, 3]


def test_token_used_by_others_is_refreshed_several_times(serve, clock):
    server, tokens = serve(EXPIRED), numbered_tokens()
    tokens._uses = dict.fromkeys((f"Bearer t0k3n-{number}" for number in range(1, 20)), 7)
    assert failure(desk(server.url, clock, tokens).write, "POST", "/x", {}).category == "authentication"
    assert MAX_REFRESHES == 5
    assert sent_tokens(server) == [1, 2, 3, 4, 5, 6]


# --- errors of the ticketing API ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [None, "3", "0"])
def test_write_with_503_is_ambiguous_without_a_promise(serve, clock, seconds):
    """TK-A3: a second ticket could alert a person."""
    server = serve(Reply(503, headers={"Retry-After": seconds} if seconds else {}), OK)
    error = failure(desk(server.url, clock).write, "POST", "/x", {})
    assert (error.ambiguous, error.retryable, len(server.seen)) == (True, True, 1)
    assert has_fact(error.message, "3 s") == (seconds == "3")
    server.script = [Reply(503, headers={"Retry-After": "9"}), OK]
    desk(server.url, clock).read("GET", "/x")
    assert 9 <= clock.slept[0] < 10


@pytest.mark.parametrize(
    "headers, wait",
    [
        ({"X-RateLimit-Reset": "7"}, 7),
        ({"X-RateLimit-Reset": " 7 "}, 7),
        ({"X-RateLimit-Reset": "0"}, 0),
        ({"Retry-After": "3", "X-RateLimit-Reset": "50"}, 3),
        ({"Retry-After": "50", "X-RateLimit-Reset": "3"}, 50),
        ({"Retry-After": "0", "X-RateLimit-Reset": "50"}, 0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "5"}, 5),
        # Larger numbers are points in time.
        ({"X-RateLimit-Reset": "10000000"}, 10_000_000),
        ({"X-RateLimit-Reset": "10000001"}, 0),
        ({"X-RateLimit-Reset": "1795000042"}, 41.75),
        ({"X-RateLimit-Reset": "1794999999"}, 0),
        ({"X-RateLimit-Reset": "9" * 400}, 1e9),
        *(({"X-RateLimit-Reset": text}, None) for text in ("soon", "-5", "\u00b2", "")),
        ({"X-RateLimit-Remaining": "7"}, None),
    ],
)
def test_rate_limit_reset_is_honoured(monkeypatch, headers, wait):
    monkeypatch.setattr(ticketing_api.time, "time", lambda: 1_795_000_000.25)
    assert REZOLVE.retry_after(429, headers) == wait
    without_429 = float(headers["Retry-After"]) if headers.get("Retry-After", "soon") != "soon" else None
    assert REZOLVE.retry_after(503, headers) == without_429


@pytest.mark.parametrize("message", ["Tenant not found", "tenant not found.", "Error: Tenant Not Found for x"])
def test_wrong_tenant_is_not_a_missing_ticket(serve, clock, message):
    for reply in (refused(404, None, message), Reply(404, {"success": False, "error": {"message": message}})):
        error = failure(desk(serve(reply).url, clock).read, "GET", "/x")
        assert (error.category, error.http_status) == ("configuration", 404)
        assert_message(error.message, "HTTP 404", "tenant_id (TICKETING_TENANT_ID)", "realm (TICKETING_REALM)")
    assert REZOLVE.category_of(400, ErrorBody(text=message)) is None


@pytest.mark.parametrize(
    "reply, facts",
    [
        (Reply(401), [f"{name} (TICKETING_{name.upper()})" for name in ("access_token", "client_id", "client_secret")]),
        (Reply(403), ["ticket_agent", "ticket_user", "tenant_admin"]),
        (NO_ROLE, ["USER_PERMISSION_FAILURE", "tickets:write"]),
        (Reply(404), ["other tenants", "url (TICKETING_URL)"]),
        (Reply(404, b"<!doctype html><h1>Tenant not found</h1>", HTML), ["other tenants"]),
        (Reply(404, ["Tenant not found"]), ["other tenants"]),
        (Reply(302), ["redirect", "url (TICKETING_URL)"]),
        (Reply(drop=True), ["ticketing API", "http://127.0.0.1"]),
    ],
)
def test_ticketing_api_has_its_own_remedies(serve, clock, reply, facts):
    message = failure(desk(serve(reply).url, clock, retry_timeout=0).read, "GET", "/x").message
    assert_message(message, *facts, *([] if reply.drop else [f"HTTP {reply.status}"]))
    assert "<h1>" not in message


def test_validation_error_names_its_fields(serve, clock):
    reasons = {"93aabbc9": ["Field Number is required", "Be brief"], "5b53c791": "A text.", "7": [3]}
    result = {"result": False, "reason": reasons}
    reply = refused(400, "INPUT_VALIDATION_FAILURE", "There occured an error", validationResult=result)
    error = failure(desk(serve(reply).url, clock).write, "POST", "/x", {})
    assert error.fields == {"93aabbc9": ["Field Number is required", "Be brief"], "5b53c791": ["A text."], "7": ["3"]}
    assert (error.category, error.code, error.ambiguous) == ("validation", "INPUT_VALIDATION_FAILURE", False)
    facts = "HTTP 400", "INPUT_VALIDATION_FAILURE", "There occured an error; 93aabbc9: Field Number is required"
    assert_message(error.message, *facts)


@pytest.mark.parametrize(
    "body, code, text",
    [
        *(
            ({"message": "No.", "validationResult": result}, None, "No.")
            for result in (None, 7, [], {}, {"reason": None}, {"reason": ["x"]}, {"reason": "x"})
        ),
        ({"success": False, "error": {"code": "INVALID_FILTER", "message": "No."}}, "INVALID_FILTER", "No."),
        ({"success": False, "error": {"code": 7, "message": "No."}}, None, "No."),
        ({"success": False, "error": {}}, None, None),
        ({"error": {"code": "", "message": None, "details": [1]}}, None, None),
        ({"error": "No."}, None, "No."),
        ({"code": "INVALID_FILTER"}, "INVALID_FILTER", None),
        *((body, None, None) for body in ([], 7, "No.")),
    ],
)
def test_error_bodies_of_both_api_generations(body, code, text):
    assert REZOLVE.parse_error(body) == ErrorBody(code, text)


def test_request_ids_of_the_ticketing_api(serve, clock):
    for headers, request_id in (
        ({"X-Request-Id": "a"}, "a"),
        ({"request-id": "b"}, "b"),
        ({"X-Request-Id": "a", "Request-Id": "b"}, "a"),
        ({"X-Request-Id": "", "Request-Id": "b"}, "b"),
        ({}, None),
    ):
        client = desk(serve(Reply(404, {"requestId": "not used"}, headers)).url, clock)
        assert failure(client.read, "GET", "/x").request_id == request_id
        assert client.request_ids == ([request_id] if request_id else [])
