# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client against a real server: every fault, every retry rule."""

from __future__ import annotations

import base64
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
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth, throttle
from ansible_collections.secops.itsm.plugins.module_utils._http.client import MAX_REFRESHES, Client, Transport
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import (
    ErrorProfile,
    no_category,
    retry_after_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import api as ticketing_api
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock, Reply, free_port
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._http.test_auth import jwt

OK = Reply(body={"data": {}})
DONE = Reply(204)


def make(
    url: str,
    clock: FakeClock,
    read_only: bool = False,
    credentials: Any = None,
    profile: ErrorProfile = CONTRAFORCE,
    notice: Any = None,
    **options: Any,
) -> Client:
    options.setdefault("timeout", 5)
    credentials = credentials or auth.bearer("s3cr3t-token")
    return Client(Transport(url, **options), credentials, profile, read_only=read_only, clock=clock, notice=notice)


def failure(call: Any, *arguments: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value


# --- what may be sent again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_read_is_retried(serve, clock, status):
    server = serve(Reply(status), OK)
    assert make(server.url, clock).read("GET", "/x").body == {"data": {}}
    assert len(server.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 500, 501])
def test_read_is_not_retried(serve, clock, status):
    server = serve(Reply(status))
    assert failure(make(server.url, clock).read, "GET", "/x").http_status == status
    assert len(server.seen) == 1


def test_read_is_retried_after_a_dropped_connection(serve, clock):
    server = serve(Reply(drop=True), OK)
    assert make(server.url, clock).read("GET", "/x").http_status == 200


def test_write_without_its_response_body_is_ambiguous(serve, clock):
    server = serve(Reply(promise=500))
    assert failure(make(server.url, clock).write, "PUT", "/x", {}).ambiguous


@pytest.mark.parametrize("length", ["²", "x"])
def test_invalid_content_length_is_ignored(serve, clock, length):
    server = serve(Reply(body={"data": {}}, headers={"Connection": "close"}, promise=length))  # type: ignore[arg-type]
    assert make(server.url, clock).read("GET", "/x").body == {"data": {}}


def test_read_is_retried_after_a_truncated_body(serve, clock):
    server = serve(Reply(body=b'{"data": {', promise=500), OK)
    assert make(server.url, clock).read("GET", "/x").body == {"data": {}}


@pytest.mark.parametrize("retry_timeout", [10, 60])
def test_no_attempt_starts_after_the_retry_timeout(serve, clock, retry_timeout):
    server = serve(Reply(503))
    error = failure(make(server.url, clock, retry_timeout=retry_timeout).read, "GET", "/x")
    assert (error.category, error.retryable) == ("unavailable", True)
    assert_message(error.message, 503, len(server.seen))
    # A further wait of the next length would have gone beyond it.
    assert retry_timeout - 15 < clock.time <= retry_timeout


@pytest.mark.parametrize("wait, tries", [(10.0, 2), (10.1, 1)])
def test_attempt_may_start_exactly_at_the_retry_timeout(serve, clock, monkeypatch, wait, tries):
    monkeypatch.setattr(throttle, "backoff_delay", lambda attempt, retry_after: wait)
    server = serve(Reply(503))
    failure(make(server.url, clock, retry_timeout=10).read, "GET", "/x")
    assert len(server.seen) == tries


def test_each_request_has_its_own_retry_timeout(serve, clock):
    server = serve()
    client = make(server.url, clock, retry_timeout=10)
    for moment in (5000.0, 9000.0):
        clock.time = moment
        server.script = [Reply(503), Reply(503), OK]
        client.read("GET", "/x")
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429),
        Reply(429, headers={"Retry-After": "3"}),
        Reply(503, headers={"Retry-After": "3"}),
        Reply(503, headers={"Retry-After": "0"}),
    ],
)
def test_unprocessed_write_is_retried(serve, clock, reply):
    server = serve(reply, DONE)
    assert make(server.url, clock).write("PUT", "/x", {}).http_status == 204
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "reply",
    [Reply(500), Reply(502), Reply(503), Reply(504), Reply(408), Reply(drop=True), Reply(body=b"{", promise=99)],
    ids=["500", "502", "503 without Retry-After", "504", "408", "dropped", "cut short"],
)
def test_interrupted_write_is_ambiguous_and_not_retried(serve, clock, reply):
    server = serve(reply, DONE)
    error = failure(make(server.url, clock).write, "PUT", "/x", {})
    assert error.ambiguous
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_refused_write_is_not_ambiguous(serve, clock, status):
    server = serve(Reply(status))
    assert not failure(make(server.url, clock).write, "PUT", "/x", {}).ambiguous


@pytest.mark.parametrize("status", [429, 503])
def test_write_with_too_long_retry_after_fails_unambiguously(serve, clock, status):
    server = serve(Reply(status, headers={"Retry-After": "3600"}))
    error = failure(make(server.url, clock).write, "PUT", "/x", {})
    assert (error.ambiguous, error.retryable, len(server.seen), clock.slept) == (False, True, 1, [])


@pytest.mark.parametrize("status", [501, 520, 599])
def test_other_server_errors_of_a_write_are_ambiguous(serve, clock, status):
    assert failure(make(serve(Reply(status)).url, clock).write, "PUT", "/x", {}).ambiguous


def test_write_that_times_out_is_ambiguous(serve, clock):
    server = serve(Reply(204, delay=1.0), DONE)
    error = failure(make(server.url, clock, timeout=0.2).write, "PUT", "/x", {})
    assert error.ambiguous
    assert error.category == "unavailable"
    assert_message(error.message, "ContraForce", server.url)


@pytest.mark.parametrize("method", ["read", "write"])
def test_refused_connection_is_retried_and_not_ambiguous(clock, method):
    client = make(f"http://127.0.0.1:{free_port()}", clock)
    error = failure(getattr(client, method), "GET", "/x")
    assert (error.category, error.ambiguous) == ("unavailable", False)
    assert len(clock.slept) > 3
    assert_message(error.message, "127.0.0.1", "Connection refused")


def test_connection_timeout(clock):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        port = busy.getsockname()[1]
        waiting = [socket.socket() for _each in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        error = failure(make(f"http://127.0.0.1:{port}", clock, timeout=0.3, retry_timeout=0).write, "PUT", "/x")
        for each in waiting:
            each.close()
    assert (error.category, error.ambiguous) == ("unavailable", False)
    assert_message(error.message, f"http://127.0.0.1:{port}", "no connection")


def test_unknown_host_is_reported(clock):
    error = failure(make("http://no-such-host.invalid", clock, retry_timeout=0).write, "PUT", "/x")
    assert (error.category, error.ambiguous) == ("unavailable", False)


def test_retry_timeout_of_zero_means_one_attempt(serve, clock):
    server = serve(Reply(503), OK)
    failure(make(server.url, clock, retry_timeout=0).read, "GET", "/x")
    assert len(server.seen) == 1


# --- Retry-After ----------------------------------------------------------------------------------------------------


def test_retry_after_in_seconds_is_honoured(serve, clock):
    server = serve(Reply(429, headers={"Retry-After": "17"}), OK)
    make(server.url, clock).read("GET", "/x")
    assert 17 <= clock.slept[0] < 18


def test_retry_after_as_a_date_is_honoured(serve, clock):
    moment = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    server = serve(Reply(429, headers={"Retry-After": moment}), OK)
    make(server.url, clock).read("GET", "/x")
    assert 25 <= clock.slept[0] <= 31


def test_retry_after_beyond_the_timeout_fails_at_once(serve, clock):
    server = serve(Reply(429, headers={"Retry-After": "3600"}), OK)
    error = failure(make(server.url, clock).read, "GET", "/x")
    assert (error.category, clock.slept) == ("rate_limited", [])
    assert_message(error.message, "HTTP 429", "3600 s")


def test_backoff_grows(serve, clock):
    failure(make(serve(Reply(502)).url, clock).read, "GET", "/x")
    lower = [0.25, 0.5, 1.0, 2.0, 4.0]
    assert all(low <= slept <= 2 * low for low, slept in zip(lower, clock.slept))


# --- what goes wrong is told cleanly --------------------------------------------------------------------------------

PROBLEM = {
    "title": "Bad Request",
    "status": "400",
    "detail": "One or more validation errors occurred.",
    "code": "VALIDATION_ERROR",
    "requestId": "0HABC:1",
    "errors": {"status": ["Not a status."], "": ["The request is odd."]},
}
OLD = {
    "error": {
        "code": "BadRequest",
        "message": "It is odd.",
        "details": [{"target": "status", "message": "Not a status."}],
    },
    "meta": {"requestId": "0HOLD:1"},
}


def test_problem_details(serve, clock):
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
        "fields": {"status": ["Not a status."], "": ["The request is odd."]},
    }
    assert_message(error.message, "HTTP 400", "VALIDATION_ERROR", PROBLEM["detail"], "status: Not a status.")


def test_older_error_format(serve, clock):
    error = failure(make(serve(Reply(400, OLD)).url, clock).read, "GET", "/x")
    assert (error.code, error.request_id, error.fields) == ("BadRequest", "0HOLD:1", {"status": ["Not a status."]})


@pytest.mark.parametrize(
    "body", [[], 7, "text", {"error": True}, {"errors": 3}, {"errors": {"a": 1}}, {"code": 5}, None]
)
def test_error_body_in_any_format(serve, clock, body):
    assert failure(make(serve(Reply(500, body)).url, clock).read, "GET", "/x").category == "unavailable"


@pytest.mark.parametrize(
    "status, category",
    [
        (302, "configuration"),
        (400, "validation"),
        (401, "authentication"),
        (403, "permission"),
        (404, "not_found"),
        (408, "unavailable"),
        (409, "conflict"),
        (410, "contract"),
        (412, "conflict"),
        (415, "contract"),
        (422, "validation"),
        (429, "rate_limited"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
def test_category_of_a_status(serve, clock, status, category):
    error = failure(make(serve(Reply(status)).url, clock, retry_timeout=0).write, "PUT", "/x", {})
    assert (error.category, error.http_status) == (category, status)
    assert error.retryable == (category in ("conflict", "rate_limited", "unavailable"))


def test_html_error(serve, clock):
    server = serve(Reply(502, b"<html><h1>Bad gateway</h1></html>", {"Content-Type": "text/html"}))
    error = failure(make(server.url, clock, retry_timeout=0).read, "GET", "/x")
    assert_message(error.message, "HTTP 502", "HTML")
    assert "<h1>" not in error.message


@pytest.mark.parametrize(
    "reply, fact",
    [
        (Reply(body=b"<!doctype html><title>Sign in</title>"), "HTML"),
        (Reply(body=b""), "empty"),
        (Reply(body=b'{"data": {"inc', headers={"Content-Type": "application/json"}), "JSON"),
        (Reply(body=b"\xff\xfe\x00nonsense"), "JSON"),
    ],
)
def test_success_without_json_is_a_contract_error(serve, clock, reply, fact):
    error = failure(make(serve(reply).url, clock).read, "GET", "/x")
    assert error.category == "contract"
    assert_message(error.message, "ContraForce", fact, "url (CONTRAFORCE_URL)")


def test_write_with_a_sign_in_page_as_response_is_ambiguous(serve, clock):
    error = failure(make(serve(Reply(body=b"<html>")).url, clock).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous) == ("contract", True)


@pytest.mark.parametrize(
    "secret, detail",
    [
        ("S3cr3t/Key+Value=0123456789abcdef", "x" * 270 + " {}"),
        ("two  spaces", "You sent {}"),
        ("S3cr3t/Key+Value~0123456789abcdef", "x" * 270 + " S3cr3t%2FKey\\u002BValue%7E0123456789abcdef"),
    ],
    ids=["cut", "folded", "encoded"],
)
def test_secrets_are_redacted_before_text_is_shortened(serve, clock, secret, detail):
    server = serve(Reply(400, {"detail": detail.format(secret)}))
    client = Client(Transport(server.url), auth.bearer("x"), CONTRAFORCE, redact=Redactor([secret]).text, clock=clock)
    message = failure(client.read, "GET", "/x").message
    assert "********" in message
    assert "S3cr3t" not in message
    assert "two spaces" not in message


@pytest.mark.parametrize("length, is_cut", [(100, False), (101, True), (5000, True)])
def test_long_error_code_is_shortened(serve, clock, length, is_cut):
    error = failure(make(serve(Reply(400, {"code": "X" * length})).url, clock, profile=REZOLVE).read, "GET", "/x")
    assert error.code == ("X" * 97 + "..." if is_cut else "X" * length)
    assert f"(HTTP 400, {error.code})" in error.message


def test_error_code_is_put_on_one_line(serve, clock):
    error = failure(make(serve(Reply(400, {"code": " a\n\tb "})).url, clock, profile=REZOLVE).read, "GET", "/x")
    assert error.code == "a b"


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(403, {"message": "No."}), Reply(body=b"<html>"), Reply(429, headers={"Retry-After": "99"})],
    ids=["503", "403", "HTML", "429"],
)
def test_cause_is_separate_from_the_remedy(serve, clock, reply):
    error = failure(make(serve(reply).url, clock, profile=REZOLVE, retry_timeout=0).read, "GET", "/x")
    assert error.message.startswith(f"{error.cause} ")
    assert error.cause.endswith(".")
    assert not any(word in error.cause for word in ("Check ", "Run ", "Give "))


def test_long_error_text_is_shortened(serve, clock):
    message = failure(make(serve(Reply(400, {"detail": "x" * 5000})).url, clock).read, "GET", "/x").message
    assert f"{'x' * 297}." in message
    assert "x" * 298 not in message
    assert len(message) < 500


def test_proxy_of_the_environment_is_used(serve, clock, monkeypatch):
    proxy = serve(OK)
    monkeypatch.setenv("http_proxy", proxy.url)
    make("http://service.example", clock).read("GET", "/x")
    assert proxy.seen[0].target == "http://service.example/x"


def test_deeply_nested_json(serve, clock):
    server = serve(Reply(body=b"[" * 200_000, headers={"Content-Type": "application/json"}))
    assert failure(make(server.url, clock).read, "GET", "/x").category == "contract"


@pytest.mark.parametrize("location", ["http://h:99999/", "http://[bad/", ""])
def test_invalid_redirect_is_an_error(serve, clock, location):
    server = serve(Reply(302, headers={"Location": location}))
    assert failure(make(server.url, clock).read, "GET", "/x").category == "configuration"


@pytest.mark.parametrize("options", [{"proxy": "http://a..b:3128"}, {"headers": {"X-Price": "5 €"}}])
def test_unsendable_request_is_a_configuration_error(serve, clock, options):
    error = failure(make(serve(OK).url, clock, **options).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous) == ("configuration", False)


@pytest.mark.parametrize("seconds", [-7200, 0, 7200])
def test_clock_lead_is_measured(serve, clock, seconds):
    date = format_datetime(datetime.now(timezone.utc) - timedelta(seconds=seconds), usegmt=True)
    client = make(serve(Reply(body={}, headers={"Date": date})).url, clock)
    client.read("GET", "/x")
    assert client.clock_lead == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize("date", ["", "soon", "Sun, 99 Nov 2026 06:08:49 GMT"])
def test_invalid_date_is_ignored(serve, clock, date):
    client = make(serve(Reply(body={}, headers={"Date": date})).url, clock)
    client.read("GET", "/x")
    assert client.clock_lead is None


def test_request_ids_are_collected(serve, clock):
    server = serve(
        Reply(body={"meta": {"requestId": "a"}}), Reply(204, headers={"X-Request-Id": "b"}), Reply(404, PROBLEM)
    )
    client = make(server.url, clock)
    client.read("GET", "/x")
    client.write("PUT", "/x", {})
    failure(client.read, "GET", "/x")
    assert client.request_ids == ["a", "b", "0HABC:1"]


def test_errors_contain_no_headers_or_bodies(serve, clock):
    echo = Reply(500, {"detail": "no"}, {"X-Echo": "s3cr3t-token"})
    client = make(serve(echo).url, clock, headers={"X-Key": "gateway-key"})
    error = failure(client.write, "PUT", "/x", {"comment": "private words"})
    for text in (str(error), repr(error.as_dict())):
        assert not any(secret in text for secret in ("s3cr3t-token", "gateway-key", "private words"))


# --- redirects ------------------------------------------------------------------------------------------------------


def test_read_follows_a_redirect_on_the_same_host(serve, clock):
    server = serve(Reply(307, headers={"Location": "/v3/x/a%2fb%3A?a=b"}), OK)
    make(server.url + "/v2", clock).read("GET", "/x/a%2Fb:", {"c": "d"})
    assert [seen.target for seen in server.seen] == ["/v2/x/a%2Fb:?c=d", "/v3/x/a%2Fb%3A?a=b"]


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
    client = Client(
        Transport(server.url + "/v2"),
        auth.bearer("t"),
        CONTRAFORCE,
        clock=clock,
        redact=lambda text: text.replace("s3cr3t-token", "***"),
    )
    error = failure(client.read, "GET", "/x/A")
    assert (error.category, error.http_status, error.path, len(server.seen)) == ("contract", 302, "/x/A", 1)
    assert_message(error.message, "HTTP 302", f"{server.url}/v2", "url (CONTRAFORCE_URL)")
    # Not more of it than that, so that nothing secret is shown.
    assert f" {path}, " in error.message


def test_read_sends_no_credentials_to_another_host(serve, clock):
    other = serve(OK)
    server = serve(Reply(302, headers={"Location": other.url.replace("127.0.0.1", "localhost")}))
    error = failure(make(server.url, clock).read, "GET", "/x")
    assert (error.category, other.seen) == ("configuration", [])


@pytest.mark.parametrize(
    "location, category",
    [("http://localhost:{port}/moved", "configuration"), ("https://127.0.0.1:{free}/x", "unavailable")],
)
def test_read_follows_redirects_to_the_same_host_only(serve, clock, location, category):
    """Another port of the same host will do if TLS is spoken there; here nobody listens on it."""
    server = serve(Reply(302), OK)
    server.script[0].headers["Location"] = location.format(port=server.port, free=free_port())
    error = failure(make(server.url, clock, retry_timeout=0).read, "GET", "/x")
    assert (error.category, len(server.seen)) == (category, 1)


def test_read_does_not_follow_from_https_to_http(serve, clock, tls, authority, tmp_path):
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    server = serve(Reply(302), OK, context=tls)
    server.script[0].headers["Location"] = server.url.replace("https:", "http:")
    error = failure(make(server.url, clock, verify=str(bundle), retry_timeout=0).read, "GET", "/x")
    assert error.category == "configuration"


def test_read_by_post_does_not_follow_redirects(serve, clock):
    server = serve(Reply(307, headers={"Location": "/moved"}), OK)
    assert failure(make(server.url, clock).read, "POST", "/x").category == "configuration"
    assert len(server.seen) == 1


def test_read_follows_a_limited_number_of_redirects(serve, clock):
    server = serve(Reply(302, headers={"Location": "/x"}))
    assert failure(make(server.url, clock).read, "GET", "/x").category == "configuration"
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_write_does_not_follow_redirects(serve, clock, status):
    server = serve(Reply(status, headers={"Location": "/moved"}), DONE)
    error = failure(make(server.url, clock).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous, len(server.seen)) == ("configuration", False, 1)


# --- transport ------------------------------------------------------------------------------------------------------


def test_connection_is_kept_open(serve, clock):
    server = serve(OK)
    client = make(server.url, clock)
    for _each in range(3):
        client.read("GET", "/x")
    assert len({seen.peer for seen in server.seen}) == 1


def test_headers_and_query_are_sent(serve, clock):
    server = serve(OK)
    client = make(server.url, clock, headers={"X-Gateway-Key": "abc"})
    client.read("GET", "/x/a%2Fb%20c", {"withDetails": "false"})
    seen = server.seen[0]
    assert seen.target == "/x/a%2Fb%20c?withDetails=false"
    assert (seen.headers["x-gateway-key"], seen.headers["authorization"]) == ("abc", "Bearer s3cr3t-token")


def test_basic_credentials_in_utf_8(serve, clock):
    server = serve(OK)
    make(server.url, clock, credentials=auth.basic("id", "pässwörd")).read("GET", "/x")
    expected = base64.b64encode("id:pässwörd".encode()).decode()
    assert server.seen[0].headers["authorization"] == f"Basic {expected}"


def test_netrc_is_not_used(serve, clock, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(OK)
    make(server.url, clock).read("GET", "/x")
    assert server.seen[0].headers["authorization"] == "Bearer s3cr3t-token"


def test_proxy_gets_the_request(serve, clock):
    proxy = serve(OK)
    make("http://service.example", clock, proxy=proxy.url).read("GET", "/x")
    assert proxy.seen[0].target == "http://service.example/x"


def test_direct_transport_ignores_the_proxy_of_the_environment(serve, clock, monkeypatch):
    server, proxy = serve(OK), serve(Reply(502))
    monkeypatch.setenv("http_proxy", proxy.url)
    make(server.url, clock, direct=True).read("GET", "/x")
    assert (len(server.seen), proxy.seen) == (1, [])
    failure(make(server.url, clock, retry_timeout=0).read, "GET", "/x")
    assert len(proxy.seen) == 1


def test_unreachable_proxy_is_named(clock):
    client = make(
        "http://service.example", clock, proxy=f"http://user:pr0xyp4ss@127.0.0.1:{free_port()}", retry_timeout=0
    )
    error = failure(client.write, "PUT", "/x", {})
    assert_message(error.message, "proxy", "Connection refused")
    assert re.search(r"\b127\.0\.0\.1:\d+\b", error.message)
    assert "pr0xyp4ss" not in error.message
    assert not error.ambiguous


def test_proxy_of_the_environment_is_named_by_its_variable(serve, clock, monkeypatch):
    monkeypatch.setenv("https_proxy", serve(Reply(407)).url)
    error = failure(make("https://service.example", clock).read, "GET", "/x")
    assert_message(error.message, "proxy", "HTTP 407", "HTTPS_PROXY", "user name", "password")
    # A proxy that does not speak TLS, although its address says so.
    monkeypatch.setenv("https_proxy", serve(OK).url.replace("http:", "https:"))
    error = failure(make("https://service.example", clock).read, "GET", "/x")
    assert_message(error.message, "proxy", "TLS", "HTTPS_PROXY", "http://")
    assert re.search(r"\b127\.0\.0\.1:\d+\b", error.message)


@pytest.mark.parametrize("method", ["read", "write"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_credentials_refused_by_a_proxy_are_sent_once(serve, clock, method, scheme):
    """Further logins could lock the account."""
    proxy = serve(*[Reply(407)] * 3)
    client = make(f"{scheme}://service.example", clock, proxy=proxy.url)
    error = failure(getattr(client, method), "GET", "/x")
    assert (error.category, error.ambiguous, error.retryable) == ("authentication", False, False)
    assert (error.of_proxy, error.check, error.http_status) == (True, "address", 407)
    assert_message(error.message, "proxy", "credentials", "HTTP 407", "proxy (CONTRAFORCE_PROXY)")
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    "status, category, is_final",
    [
        (403, "permission", True),
        (405, "configuration", True),
        (404, "configuration", True),
        (502, "unavailable", False),
    ],
)
def test_proxy_that_does_not_connect(serve, clock, status, category, is_final):
    proxy = serve(Reply(status))
    client = make("https://service.example", clock, proxy=proxy.url, retry_timeout=2)
    error = failure(client.read, "GET", "/x")
    assert error.category == category
    assert_message(error.message, "proxy", status)
    assert (len(proxy.seen) == 1) is is_final


def test_unknown_host_is_tried_twice(clock, monkeypatch):
    asked: list[str] = []

    def unknown(host: str, *_arguments: Any, **_settings: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(make("https://service.invalid", clock).read, "GET", "/x")
    assert (asked, error.category, error.retryable) == (["service.invalid"] * 2, "unavailable", True)


def test_unavailable_name_server_is_retried(clock, monkeypatch):
    asked: list[str] = []

    def silent(host: str, *_arguments: Any, **_settings: Any) -> Any:
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    error = failure(make("https://service.example", clock, retry_timeout=60).read, "GET", "/x")
    assert (error.category, error.retryable) == ("unavailable", True)
    assert len(asked) > 5


def test_long_connection_retries_are_reported(clock):
    told: list[str] = []
    url = f"http://127.0.0.1:{free_port()}"
    failure(make(url, clock, retry_timeout=2, notice=told.append).read, "GET", "/x")
    assert told == []
    failure(make(url, clock, retry_timeout=60, notice=told.append).read, "GET", "/x")
    reason = f"The connection to ContraForce at {url} could not be made (Connection refused)"
    assert set(told) == {f"{reason}. The request is being retried."}


def test_retried_error_responses_are_not_reported(serve, clock):
    told: list[str] = []
    failure(make(serve(Reply(503)).url, clock, notice=told.append).read, "GET", "/x")
    assert told == []


def test_read_only_client_sends_no_writes(serve, clock):
    server = serve(DONE)
    assert failure(make(server.url, clock, read_only=True).write, "PUT", "/x", {}).category == "internal"
    assert server.seen == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_untrusted_certificate(serve, clock, tls):
    error = failure(make(serve(OK, context=tls).url, clock).write, "PUT", "/x", {})
    assert (error.category, error.ambiguous, error.retryable) == ("tls", False, False)
    assert_message(error.message, "ContraForce", "certificate", "ca_path (CONTRAFORCE_CA_PATH)")


def test_private_ca(serve, clock, tls, authority, tmp_path):
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    assert make(serve(OK, context=tls).url, clock, verify=str(bundle)).read("GET", "/x").http_status == 200


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # it is what this test asks for
def test_disabled_validation_overrides_the_environment(serve, clock, tls, authority, tmp_path, monkeypatch):
    bundle = tmp_path / "other-ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    assert make(serve(OK, context=tls).url, clock, verify=False).read("GET", "/x").http_status == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_unreadable_ca_file_of_the_environment(serve, clock, tls, tmp_path, monkeypatch, variable, content):
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, str(bundle))
    error = failure(make(serve(OK, context=tls).url, clock).read, "GET", "/x")
    assert error.category == "configuration"
    assert_message(error.message, variable, bundle)


def test_ca_file_without_a_certificate(serve, clock, tls):
    error = failure(make(serve(OK, context=tls).url, clock, verify=__file__).read, "GET", "/x")
    assert_message(error.message, __file__, "ca_path (CONTRAFORCE_CA_PATH)", "CA certificates", "PEM")


@pytest.mark.parametrize("apart", [False, True])
def test_client_certificate(serve, clock, tls, authority, tmp_path, apart):
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    bundle, pair, key = tmp_path / "ca.pem", tmp_path / "client.pem", tmp_path / "key.pem"
    authority.cert_pem.write_to_path(str(bundle))
    client_cert = authority.issue_cert("client@example.com")
    blob = client_cert.cert_chain_pems[0] if apart else client_cert.private_key_and_cert_chain_pem
    blob.write_to_path(str(pair))
    client_cert.private_key_pem.write_to_path(str(key))
    server = serve(OK, context=tls)
    options = {"verify": str(bundle), "client_cert": str(pair), "client_key": str(key) if apart else None}
    assert make(server.url, clock, **options).read("GET", "/x").http_status == 200


@pytest.mark.parametrize("method", ["read", "write"])
def test_tls_to_a_plain_http_server(serve, clock, method):
    server = serve(OK)
    client = make(server.url.replace("http:", "https:"), clock, retry_timeout=0)
    error = failure(getattr(client, method), "PUT", "/x")
    facts = f"127.0.0.1:{server.port}", "TLS", "host", "port", "url (CONTRAFORCE_URL)", "http://"
    assert_message(error.message, *facts)
    # A TLS error can also come in the middle of a request, so a write is never said to be undone.
    assert (error.category, error.ambiguous) == ("tls", method == "write")


# --- credentials that are refused ---------------------------------------------------------------------------------


def test_error_for_refused_credentials_names_the_address(serve, clock):
    server = serve(Reply(401))
    assert_message(
        failure(make(server.url, clock).read, "GET", "/x").message,
        "credentials",
        "HTTP 401",
        "client_id (CONTRAFORCE_CLIENT_ID)",
        "client_secret (CONTRAFORCE_CLIENT_SECRET)",
        "access_token (CONTRAFORCE_ACCESS_TOKEN)",
        server.url,
    )


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
    """By the clock of the service, if it says its time."""
    reply = Reply(401, headers={"Date": date} if date else {})
    token = auth.bearer(jwt(claims))
    message = failure(make(serve(reply).url, clock, credentials=token).read, "GET", "/x").message
    moment = "1970-01-01 00:00:01" if claims.get("exp") == 1 else "2026-11-21 12:00:00"
    assert_message(message, "HTTP 401", "access_token (CONTRAFORCE_ACCESS_TOKEN)")
    assert (has_fact(message, f"{moment} UTC"), has_fact(message, "expired")) == (is_expired, is_expired)


# --- credentials that can be renewed --------------------------------------------------------------------------------


def desk(url: str, clock: FakeClock, credentials: Any = None, **options: Any) -> Client:
    """A client of the ticketing API."""
    return make(url, clock, credentials=credentials, profile=REZOLVE, **options)


def refused(status: int, code: str | None = None, message: str | None = None, **more: Any) -> Reply:
    """An error as the ticketing API documents it."""
    return Reply(status, {"error": True, "code": code, "message": message, "status": status, **more})


EXPIRED = refused(401, "TOKEN_EXPIRED", "The token has expired.")
NO_ROLE = refused(401, ticketing_api.PERMISSION_FAILURE, "You do not have the required permissions to create ticket")


class Tokens:
    """Numbered tokens."""

    def __init__(self) -> None:
        self.count = 0
        self.auth = auth.ClientCredentialsAuth(self.fetch, ("s3cr3t",))

    def fetch(self) -> str:
        self.count += 1
        return f"t0k3n-{self.count}"


def sent_tokens(server: Any) -> list[str]:
    return [seen.headers["authorization"].removeprefix("Bearer ") for seen in server.seen]


@pytest.mark.parametrize("status", [401, 403])
def test_static_credentials_are_not_refreshed(serve, clock, status):
    server = serve(Reply(status), OK)
    error = failure(desk(server.url, clock).write, "POST", "/x", {})
    assert (len(server.seen), error.http_status) == (1, status)


@pytest.mark.parametrize("reply", [EXPIRED, Reply(401), Reply(401, b"<html>"), Reply(401, {"error": {"code": "x"}})])
@pytest.mark.parametrize("method", ["read", "write"])
def test_refused_token_is_refreshed_and_the_request_retried(serve, clock, reply, method):
    server, tokens = serve(reply, OK), Tokens()
    client = desk(server.url, clock, tokens.auth, retry_timeout=0)
    answer = client.read("GET", "/x") if method == "read" else client.write("POST", "/x", {"a": 1}, {"type": "agent"})
    assert answer.http_status == 200
    assert sent_tokens(server) == ["t0k3n-1", "t0k3n-2"]
    assert (server.seen[0].target, server.seen[0].body) == (server.seen[1].target, server.seen[1].body)
    assert clock.slept == []


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_write_of_any_method_is_retried_with_the_new_token(serve, clock, method):
    server, tokens = serve(EXPIRED, OK), Tokens()
    assert desk(server.url, clock, tokens.auth).write(method, "/x", {"a": 1}).body == OK.body
    assert [(seen.method, seen.body) for seen in server.seen] == [(method, b'{"a": 1}')] * 2
    assert sent_tokens(server) == ["t0k3n-1", "t0k3n-2"]


def test_second_refusal_is_an_authentication_error(serve, clock):
    server, tokens = serve(EXPIRED), Tokens()
    error = failure(desk(server.url, clock, tokens.auth).write, "POST", "/x", {})
    assert (error.category, error.code, error.ambiguous) == ("authentication", "TOKEN_EXPIRED", False)
    assert_message(error.message, "HTTP 401", "TOKEN_EXPIRED", 2)
    assert sent_tokens(server) == ["t0k3n-1", "t0k3n-2"]


def test_token_used_by_others_is_refreshed_several_times(serve, clock):
    server, tokens = serve(EXPIRED), Tokens()
    tokens.auth._uses = dict.fromkeys((f"Bearer t0k3n-{number}" for number in range(1, 20)), 7)
    error = failure(desk(server.url, clock, tokens.auth).write, "POST", "/x", {})
    assert error.category == "authentication"
    assert MAX_REFRESHES == 5
    assert sent_tokens(server) == [f"t0k3n-{number}" for number in range(1, MAX_REFRESHES + 2)]


def test_each_request_may_refresh_the_token_once(serve, clock):
    server, tokens = serve(EXPIRED, OK, EXPIRED, OK), Tokens()
    client = desk(server.url, clock, tokens.auth)
    client.read("GET", "/x")
    client.write("POST", "/x", {})
    assert sent_tokens(server) == ["t0k3n-1", "t0k3n-2", "t0k3n-2", "t0k3n-3"]


def test_token_refused_between_other_failures_is_refreshed(serve, clock):
    server, tokens = serve(Reply(503), EXPIRED, Reply(502), OK), Tokens()
    assert desk(server.url, clock, tokens.auth).read("GET", "/x").http_status == 200
    assert sent_tokens(server) == ["t0k3n-1", "t0k3n-1", "t0k3n-2", "t0k3n-2"]


def test_missing_role_does_not_refresh_the_token(serve, clock):
    server, tokens = serve(NO_ROLE), Tokens()
    error = failure(desk(server.url, clock, tokens.auth).write, "POST", "/x", {})
    assert (error.category, error.code, error.ambiguous) == ("permission", "USER_PERMISSION_FAILURE", False)
    assert_message(error.message, "HTTP 401", "USER_PERMISSION_FAILURE", "tickets:write")
    assert sent_tokens(server) == ["t0k3n-1"]


def test_write_after_a_token_refresh_can_be_ambiguous(serve, clock):
    server, tokens = serve(EXPIRED, Reply(502)), Tokens()
    error = failure(desk(server.url, clock, tokens.auth).write, "POST", "/x", {})
    assert (error.category, error.ambiguous, len(server.seen)) == ("unavailable", True, 2)


def test_redirect_keeps_the_token(serve, clock):
    server, tokens = serve(Reply(302, headers={"Location": "/v2/x"}), OK), Tokens()
    desk(server.url, clock, tokens.auth).read("GET", "/x")
    assert sent_tokens(server) == ["t0k3n-1", "t0k3n-1"]


# --- the ticketing API's own words ----------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3"}, {"Retry-After": "0"}])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_write_with_503_is_ambiguous_without_a_promise(serve, clock, status, headers):
    """TK-A3: what 503 with Retry-After promises elsewhere is not relied on here, as a second ticket pages somebody."""
    server = serve(Reply(status, headers=headers), OK)
    error = failure(desk(server.url, clock).write, "POST", "/x", {})
    assert (error.ambiguous, error.retryable, len(server.seen)) == (True, True, 1)
    assert has_fact(error.message, "3 s") == (headers.get("Retry-After") == "3")


def test_read_with_503_waits_for_retry_after(serve, clock):
    server = serve(Reply(503, headers={"Retry-After": "9"}), OK)
    desk(server.url, clock).read("GET", "/x")
    assert 9 <= clock.slept[0] < 10


@pytest.mark.parametrize(
    "headers, low, high",
    [
        ({"X-RateLimit-Reset": "7"}, 7, 8),
        ({"X-RateLimit-Reset": " 7 "}, 7, 8),
        ({"X-RateLimit-Reset": "0"}, 0, 0.5),
        ({"Retry-After": "3", "X-RateLimit-Reset": "50"}, 3, 4),
        ({"Retry-After": "50", "X-RateLimit-Reset": "3"}, 50, 51),
        ({"Retry-After": "0", "X-RateLimit-Reset": "50"}, 0, 0.5),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "5"}, 5, 6),
        ({"X-RateLimit-Reset": "1000000000"}, 0, 0.5),
        ({"X-RateLimit-Reset": "soon"}, 0.25, 0.5),
        ({"X-RateLimit-Reset": "-5"}, 0.25, 0.5),
        ({"X-RateLimit-Reset": "\u00b2"}, 0.25, 0.5),
        ({"X-RateLimit-Reset": ""}, 0.25, 0.5),
        ({"X-RateLimit-Remaining": "7"}, 0.25, 0.5),
    ],
)
@pytest.mark.parametrize("method", ["read", "write"])
def test_rate_limit_reset_is_honoured(serve, clock, method, headers, low, high):
    server = serve(Reply(429, headers=headers), OK)
    assert getattr(desk(server.url, clock), method)("POST", "/x").http_status == 200
    (slept,) = clock.slept
    assert low <= slept <= high


def test_rate_limit_reset_may_be_a_point_in_time(serve, clock, monkeypatch):
    monkeypatch.setattr(ticketing_api.time, "time", lambda: 1_795_000_000.25)
    server = serve(Reply(429, headers={"X-RateLimit-Reset": "1795000042"}), OK)
    desk(server.url, clock).write("POST", "/x", {})
    assert 41.75 <= clock.slept[0] < 42.26
    assert ticketing_api.wait_of(429, {"X-RateLimit-Reset": "1794999999"}) == 0


@pytest.mark.parametrize("reset, wait", [("10000000", 10_000_000.0), ("10000001", 0.0)])
def test_large_rate_limit_reset_is_a_point_in_time(reset, wait):
    assert ticketing_api.wait_of(429, {"X-RateLimit-Reset": reset}) == wait


@pytest.mark.parametrize("status", [200, 401, 503])
def test_rate_limit_reset_only_applies_to_429(status):
    assert ticketing_api.wait_of(status, {"X-RateLimit-Reset": "7"}) is None
    assert ticketing_api.wait_of(status, {"X-RateLimit-Reset": "7", "Retry-After": "2"}) == 2


# A number may be too long for a float, or for Python to read.
@pytest.mark.parametrize("digits", [400, 5000])
def test_invalid_rate_limit_reset_is_ignored(serve, clock, digits):
    error = failure(desk(serve(Reply(429, headers={"X-RateLimit-Reset": "9" * digits})).url, clock).read, "GET", "/x")
    assert error.category == "rate_limited"


def test_too_long_rate_limit_is_reported(serve, clock):
    server = serve(Reply(429, headers={"X-RateLimit-Reset": "3600"}))
    error = failure(desk(server.url, clock).write, "POST", "/x", {})
    assert (error.category, error.ambiguous, error.retryable) == ("rate_limited", False, True)
    assert_message(error.message, "HTTP 429", "3600 s")
    assert (len(server.seen), clock.slept) == (1, [])


@pytest.mark.parametrize("message", ["Tenant not found", "tenant not found.", "Error: Tenant Not Found for x"])
@pytest.mark.parametrize("is_old", [False, True])
def test_wrong_tenant_is_not_a_missing_ticket(serve, clock, message, is_old):
    old = Reply(404, {"success": False, "error": {"message": message}})
    error = failure(desk(serve(old if is_old else refused(404, None, message)).url, clock).read, "GET", "/x")
    assert (error.category, error.http_status) == ("configuration", 404)
    assert_message(error.message, "tenant", "HTTP 404", "tenant_id (TICKETING_TENANT_ID)", "realm (TICKETING_REALM)")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, b"<!doctype html><h1>Tenant not found</h1>", {"Content-Type": "text/html"}),
        Reply(404),
        refused(404, "NOT_FOUND", "No such ticket."),
        Reply(404, ["Tenant not found"]),
    ],
    ids=["HTML", "empty", "JSON", "list"],
)
def test_missing_ticket_is_not_found(serve, clock, reply):
    error = failure(desk(serve(reply).url, clock).read, "GET", "/x")
    assert error.category == "not_found"
    assert_message(error.message, "HTTP 404", "another tenant", "url (TICKETING_URL)")
    assert "<h1>" not in error.message


def test_only_404_means_a_wrong_tenant(serve, clock):
    error = failure(desk(serve(refused(400, None, "Tenant not found")).url, clock).read, "GET", "/x")
    assert error.category == "validation"


def test_redirect_does_not_mean_a_wrong_tenant(serve, clock):
    server = serve(Reply(302))
    error = failure(desk(server.url, clock).read, "GET", "/x")
    assert error.category == "configuration"
    assert_message(error.message, "redirect", "HTTP 302", "url (TICKETING_URL)", server.url)


def test_validation_error_names_its_fields(serve, clock):
    reasons = {"93aabbc9": ["Field Number is required", "Be brief"], "5b53c791": "A text.", "7": [3]}
    reply = refused(
        400, "INPUT_VALIDATION_FAILURE", "There occured an error", validationResult={"result": False, "reason": reasons}
    )
    error = failure(desk(serve(reply).url, clock).write, "POST", "/x", {})
    assert error.fields == {"93aabbc9": ["Field Number is required", "Be brief"], "5b53c791": ["A text."], "7": ["3"]}
    assert (error.category, error.code, error.ambiguous) == ("validation", "INPUT_VALIDATION_FAILURE", False)
    facts = "HTTP 400", "INPUT_VALIDATION_FAILURE", "There occured an error", "93aabbc9: Field Number is required"
    assert_message(error.message, *facts)


@pytest.mark.parametrize("result", [None, 7, [], {}, {"reason": None}, {"reason": ["x"]}, {"reason": "x"}])
def test_validation_result_in_any_format(serve, clock, result):
    error = failure(desk(serve(refused(400, "X", "No.", validationResult=result)).url, clock).read, "GET", "/x")
    assert (error.category, error.fields) == ("validation", {})


@pytest.mark.parametrize(
    "body, code, text",
    [
        ({"success": False, "error": {"code": "INVALID_FILTER", "message": "No such column."}}, "INVALID_FILTER", True),
        ({"success": False, "error": {"code": 7, "message": "No such column."}}, None, True),
        ({"success": False, "error": {}}, None, False),
        ({"error": {"code": "", "message": None, "details": [1]}}, None, False),
        ({"error": "No such column."}, None, True),
        ({"code": "INVALID_FILTER"}, "INVALID_FILTER", False),
        ({"message": "No such column."}, None, True),
        ([], None, False),
        (7, None, False),
        ("No such column.", None, False),
    ],
)
def test_error_bodies_of_both_api_generations(serve, clock, body, code, text):
    error = failure(desk(serve(Reply(422, body)).url, clock).read, "POST", "/x")
    assert (error.category, error.code) == ("validation", code)
    assert ("No such column." in error.message) == text


@pytest.mark.parametrize(
    "headers, request_id",
    [
        ({"X-Request-Id": "a"}, "a"),
        ({"request-id": "b"}, "b"),
        ({"X-Request-Id": "a", "Request-Id": "b"}, "a"),
        ({"X-Request-Id": "", "Request-Id": "b"}, "b"),
        ({}, None),
    ],
)
def test_request_ids_of_the_ticketing_api(serve, clock, headers, request_id):
    server = serve(Reply(404, {"requestId": "not looked at"}, headers), Reply(body={}, headers=headers))
    client = desk(server.url, clock)
    assert failure(client.read, "GET", "/x").request_id == request_id
    assert client.read("GET", "/x").request_id == request_id
    assert client.request_ids == ([request_id] if request_id else [])


@pytest.mark.parametrize(
    "status, facts",
    [
        (401, ["access_token (TICKETING_ACCESS_TOKEN)", "client_id (TICKETING_CLIENT_ID)", "client_secret"]),
        (403, ["ticket_agent", "ticket_user", "tenant_admin"]),
        (404, ["url (TICKETING_URL)", "another tenant"]),
    ],
)
def test_ticketing_api_has_its_own_remedies(serve, clock, status, facts):
    message = failure(desk(serve(Reply(status)).url, clock).read, "GET", "/x").message
    assert_message(message, f"HTTP {status}", *facts)


def test_connection_error_names_the_right_service(serve, clock):
    error = failure(desk(serve(Reply(drop=True)).url, clock, retry_timeout=0).read, "GET", "/x")
    assert_message(error.message, "ticketing API", "http://127.0.0.1")


# --- forms and queries ----------------------------------------------------------------------------------------------


def test_form_is_sent_as_form(serve, clock):
    server = serve(OK)
    make(server.url, clock).read("POST", "/x", form={"a": "1 & 2=ä", "b": ""})
    (seen,) = server.seen
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.body == b"a=1+%26+2%3D%C3%A4&b="


@pytest.mark.parametrize("method", ["read", "write"])
def test_body_is_sent_as_json(serve, clock, method):
    server = serve(OK)
    getattr(make(server.url, clock), method)("POST", "/x", body={"a": None, "b": "ä"})
    assert server.seen[0].headers["content-type"] == "application/json"
    assert json.loads(server.seen[0].body) == {"a": None, "b": "ä"}


def test_request_without_a_body_has_none(serve, clock):
    server = serve(OK)
    make(server.url, clock).read("GET", "/x")
    assert (server.seen[0].body, "content-type" in server.seen[0].headers) == (b"", False)


def test_write_may_have_a_query(serve, clock):
    server = serve(Reply(429, headers={"Retry-After": "1"}), OK)
    make(server.url, clock).write("POST", "/x", {}, {"type": "template", "module": "a b&c"})
    assert [seen.target for seen in server.seen] == ["/x?type=template&module=a+b%26c"] * 2


def test_profile_defaults_rely_on_the_status(serve, clock):
    profile = ErrorProfile("the service", "SERVICE", CONTRAFORCE.parse_error, lambda body, headers: None)
    server = serve(Reply(503, headers={"Retry-After": "2"}), OK)
    assert make(server.url, clock, profile=profile).write("POST", "/x").http_status == 200
    assert 2 <= clock.slept[0] < 3
    assert (profile.category_of, profile.retry_after) == (no_category, retry_after_of)
