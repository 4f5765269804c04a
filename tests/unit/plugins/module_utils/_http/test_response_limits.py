# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses that take too long or are too large."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from typing import Any, Iterator
from unittest import mock

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._http import auth, response_limits
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.tests.unit.loopback import Reply, TlsFiles, failure
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"data": {"text": "' + b"x" * 400 + b'"}}'
LARGE = json.dumps({"data": "x" * 300_000}).encode()

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 300
WITH_LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
WITHOUT_LENGTH = HEAD + b"Connection: close\r\n\r\n" + BODY


def client(url: str, clock: object, **options: Any) -> Client:
    transport = Transport(url, **{"timeout": 0.1, "retry_timeout": 0, **options})
    return Client(transport, auth.bearer("s3cr3t"), CONTRAFORCE, clock=clock)  # type: ignore[arg-type]  # a fake one


# --- duration -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "response, at_once",
    [(WITH_LENGTH, 90), (CHUNKED, 90), (WITHOUT_LENGTH, 90), (WITH_LENGTH, 0), (HEAD + b"X-Long: " + b"x" * 300, 60)],
    ids=["body", "chunks", "body without length", "status line", "header"],
)
def test_slow_response_counts_as_interrupted(serve, clock, response, at_once):
    server = serve(Reply(body=response, slow_after=at_once))
    started = time.monotonic()
    error = failure(client(server.url, clock).read, "GET", "/x")
    assert time.monotonic() - started < 4
    assert (error.category, error.retryable, error.ambiguous) == ("unavailable", True, False)
    assert_message(error.message, server.url, "response timed out")


def test_slow_response_over_tls_and_proxy_is_interrupted(serve, clock, tmp_path):
    tls = TlsFiles(tmp_path)
    url = serve(Reply(body=WITH_LENGTH, slow_after=90), context=tls.context).url
    error = failure(client(url, clock, verify=tls.bundle, timeout=0.2).read, "GET", "/x")
    assert_message(error.message, url, "response timed out")
    proxy = serve(Reply(body=WITH_LENGTH, slow_after=90)).url
    error = failure(client("http://service.example", clock, proxy=proxy).read, "GET", "/x")
    assert_message(error.message, "http://service.example", "response timed out")


def test_length_with_thousands_of_digits_is_ignored(serve, clock):
    server = serve(Reply(body=BODY, promise="9" * 5000))
    assert client(server.url, clock, timeout=5).read("GET", "/x").body["data"]["text"] == "x" * 400


def test_deadline_is_four_timeouts_for_each_response(serve, clock):
    server = serve(Reply(body=WITH_LENGTH, slow_after=len(WITH_LENGTH) - 9))
    service = client(server.url, clock, timeout=0.15)
    # Each response takes longer than one timeout, and all of them take longer than the deadline.
    for _each in range(3):
        assert service.read("GET", "/x").body["data"]["text"] == "x" * 400
    assert len({seen.peer for seen in server.seen}) == 1
    assert response_limits.TIMEOUTS_PER_RESPONSE == 4


def test_tls_connection_broken_in_a_response_is_a_tls_error(clock, tmp_path):
    """requests before 2.28 raises an exception of urllib3."""
    tls = TlsFiles(tmp_path)
    is_done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            raw = connection.dup()
            with tls.context.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(65536)
                encrypted.sendall(WITH_LENGTH[:90])
                raw.sendall(b"unencrypted " * 10)
                raw.close()
                is_done.wait(30)

        threading.Thread(target=serve, daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        error = failure(client(url, clock, verify=tls.bundle, timeout=5).read, "GET", "/x")
        is_done.set()
    assert error.category == "tls"


# --- size -----------------------------------------------------------------------------------------------------------


def encoded(encoding: str) -> Reply:
    """Return the large response in an encoding."""
    body = {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[encoding](LARGE)
    return Reply(body=body, headers={"Content-Encoding": encoding} if encoding else {})


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("method", ["read", "write"])
def test_too_large_response_counts_as_interrupted(serve, clock, monkeypatch, encoding, method):
    monkeypatch.setattr(response_limits, "MAX_RESPONSE_SIZE", 200_000)
    server = serve(encoded(encoding), Reply(body={}), Reply(body={}))
    service = client(server.url, clock, timeout=5, retry_timeout=60)
    error = failure(getattr(service, method), "PUT", "/x")
    assert (error.category, error.ambiguous, error.retryable) == ("unavailable", method == "write", False)
    assert_message(error.message, "ContraForce", server.url, "larger")
    # It is not requested again, and a connection with unread data is closed.
    assert len(server.seen) == 1
    for _each in range(2):
        service.read("GET", "/x")
    first, second, third = (seen.peer for seen in server.seen)
    assert second == third
    assert encoding or first != second


@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_response_within_the_limits_is_read(serve, clock, encoding):
    server = serve(encoded(encoding))
    assert len(client(server.url, clock, timeout=5).read("GET", "/x").body["data"]) == 300_000
    assert server.seen[0].headers["accept-encoding"] == "gzip, deflate"
    assert response_limits.MAX_RESPONSE_SIZE == 64 * 1024 * 1024


def test_too_large_response_is_not_decompressed_completely(monkeypatch):
    """379 KiB of gzip can be 1.1 GiB of text."""
    monkeypatch.setattr(response_limits, "MAX_RESPONSE_SIZE", 200_000)
    read: list[bytes] = []

    def endless(size: int) -> Iterator[bytes]:
        while True:
            read.append(b"x" * size)
            yield read[-1]

    response = mock.MagicMock(headers={}, iter_content=endless)
    with pytest.raises(response_limits.TooLargeError):
        response_limits.read_body(response)
    assert sum(map(len, read)) < 200_000 + response_limits.CHUNK_SIZE
    assert response_limits.CHUNK_SIZE <= 16 * 1024


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip,deflate", "compress", "made-up"])
@pytest.mark.parametrize("status", [200, 500])
def test_unrequested_encoding_is_refused(serve, clock, encoding, status):
    server = serve(Reply(status, body=gzip.compress(LARGE), headers={"Content-Encoding": encoding}))
    error = failure(client(server.url, clock, timeout=5).read, "GET", "/x")
    assert (error.category, error.http_status) == ("contract", status)
    facts = "ContraForce", "Content-Encoding", f"HTTP {status}", server.url, "url (CONTRAFORCE_URL)"
    assert_message(error.message, *facts)
