# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that take too long or are too large."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
import zlib
from typing import Iterator

import pytest
import trustme

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import auth, response_limits
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Transport
from ansible_collections.secops.itsm.tests.unit.loopback import Reply
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BODY = b'{"data": {"text": "' + b"x" * 400 + b'"}}'


class Trickle:
    """A server that sends an answer byte by byte.

    :param answer: all of it, with its head.
    :param begin: bytes that it sends at once.
    :param pause: seconds between two of the others.
    :param context: TLS, when it is to be spoken.
    """

    def __init__(self, answer: bytes, begin: int, pause: float, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answer, self._begin, self._pause, self._context = answer, begin, pause, context
        self.requests = 0
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        # It ends when the listener is closed.
        with contextlib.suppress(OSError):
            while True:
                connection, _address = self._listener.accept()
                threading.Thread(target=self._answer_to, args=(connection,), daemon=True).start()

    def _answer_to(self, connection: socket.socket) -> None:
        # The client hangs up.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._context:
                connection = stack.enter_context(self._context.wrap_socket(connection, server_side=True))
            while connection.recv(65536):
                self.requests += 1
                connection.sendall(self._answer[: self._begin])
                for byte in self._answer[self._begin :]:
                    time.sleep(self._pause)
                    connection.sendall(bytes([byte]))

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def trickle() -> Iterator[object]:
    servers: list[Trickle] = []

    def start(answer: bytes, begin: int, pause: float = 0.1, context: ssl.SSLContext | None = None) -> Trickle:
        servers.append(Trickle(answer, begin, pause, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def client(url: str, clock: object, **options: object) -> Client:
    transport = Transport(url, **{"timeout": 0.5, "retry_timeout": 0, **options})  # type: ignore[arg-type]  # by test
    return Client(transport, auth.bearer("s3cr3t"), CONTRAFORCE, clock=clock)  # type: ignore[arg-type]  # a fake one


def failure(call: object, *arguments: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*arguments)  # type: ignore[operator]  # a method of the client
    return caught.value


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 300
WITH_LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
TO_THE_END = HEAD + b"Connection: close\r\n\r\n" + BODY


@pytest.mark.parametrize(
    "answer, begin",
    [(WITH_LENGTH, 90), (CHUNKED, 90), (TO_THE_END, 90), (WITH_LENGTH, 0), (HEAD + b"X-Long: " + b"x" * 300, 60)],
    ids=["body", "chunks", "body to the end", "status line", "header"],
)
def test_slow_response_counts_as_interrupted(trickle, clock, answer, begin):
    server = trickle(answer, begin)
    began = time.monotonic()
    read = failure(client(f"http://{server.address}", clock).read, "GET", "/x")
    assert 1.8 < time.monotonic() - began < 4
    assert (read.category, read.retryable, read.ambiguous) == ("unavailable", True, False)
    assert_message(read.message, server.address, "no answer")


def test_write_with_a_slow_response_is_ambiguous(trickle, clock):
    server = trickle(WITH_LENGTH, 90)
    failed = failure(client(f"http://{server.address}", clock).write, "PUT", "/x", {})
    assert (failed.category, failed.ambiguous) == ("unavailable", True)
    assert server.requests == 1


def test_slow_response_over_tls_and_proxy_is_interrupted(trickle, clock, tmp_path):
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = trickle(WITH_LENGTH, 90, context=context)
    failed = failure(client(f"https://{server.address}", clock, verify=str(bundle)).read, "GET", "/x")
    assert_message(failed.message, server.address, "no answer")
    proxy = trickle(WITH_LENGTH, 90)
    through = client("http://service.example", clock, proxy=f"http://{proxy.address}")
    assert_message(failure(through.read, "GET", "/x").message, "http://service.example", "no answer")


def test_slow_response_within_the_deadline_is_read(trickle, clock):
    server = trickle(WITH_LENGTH, len(WITH_LENGTH) - 10, pause=0.05)
    assert client(f"http://{server.address}", clock).read("GET", "/x").body["data"]["text"] == "x" * 400


def test_deadline_restarts_for_each_response(trickle, clock):
    server = trickle(WITH_LENGTH, len(WITH_LENGTH) - 3, pause=0.3)
    service = client(f"http://{server.address}", clock)
    # Longer together than one answer may take.
    for _each in range(3):
        service.read("GET", "/x")
    assert server.requests == 3


def test_tls_connection_broken_in_a_response_is_a_tls_error(clock, tmp_path):
    """requests before 2.28 lets urllib3's own exception through."""
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            raw = connection.dup()
            with context.wrap_socket(connection, server_side=True) as speaking:
                speaking.recv(65536)
                speaking.sendall(WITH_LENGTH[:90])
                raw.sendall(b"in clear " * 10)
                raw.close()
                time.sleep(0.2)

        threading.Thread(target=serve, daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        failed = failure(client(url, clock, verify=str(bundle)).read, "GET", "/x")
    assert failed.category == "tls"


def test_connection_of_a_too_large_response_is_closed(serve, clock, monkeypatch):
    monkeypatch.setattr(response_limits, "MAX_RESPONSE_SIZE", 200_000)
    server = serve(Reply(body=LARGE), Reply(body={"data": {}}), Reply(body={"data": {}}))
    service = client(server.url, clock)
    failure(service.read, "GET", "/x")
    for _each in range(2):
        assert service.read("GET", "/x").body == {"data": {}}
    first, second, third = (seen.peer for seen in server.seen)
    assert first != second == third


def test_default_limits():
    assert (response_limits.TIMEOUTS_PER_RESPONSE, response_limits.MAX_RESPONSE_SIZE) == (4, 64 * 1024 * 1024)


LARGE = json.dumps({"data": "x" * 300_000}).encode()


def compressed(coding: str) -> bytes:
    return {"gzip": gzip.compress, "deflate": zlib.compress, "": bytes}[coding](LARGE)


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("method", ["read", "write"])
def test_too_large_response_counts_as_interrupted(serve, clock, monkeypatch, coding, method):
    monkeypatch.setattr(response_limits, "MAX_RESPONSE_SIZE", 200_000)
    headers = {"Content-Encoding": coding} if coding else {}
    server = serve(Reply(body=compressed(coding), headers=headers))
    failed = failure(getattr(client(server.url, clock, retry_timeout=60), method), "PUT", "/x")
    assert (failed.category, failed.ambiguous, failed.retryable) == ("unavailable", method == "write", False)
    assert_message(failed.message, "ContraForce", server.url, "larger")
    # It would be as large again.
    assert len(server.seen) == 1


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_response_within_the_limits_is_read(serve, clock, coding):
    server = serve(Reply(body=compressed(coding), headers={"Content-Encoding": coding} if coding else {}))
    assert len(client(server.url, clock).read("GET", "/x").body["data"]) == 300_000
    assert server.seen[0].headers["accept-encoding"] == "gzip, deflate"


def test_large_response_needs_little_memory(serve, clock, monkeypatch):
    """379 KiB of gzip can be 1.1 GiB of text."""
    monkeypatch.setattr(response_limits, "MAX_RESPONSE_SIZE", 2 * 1024 * 1024)
    most = 0
    real = response_limits.read_body

    def watched(response):
        nonlocal most
        pieces = response.iter_content

        def counted(size):
            nonlocal most
            for piece in pieces(size):
                most += len(piece)
                yield piece

        response.iter_content = counted
        return real(response)

    monkeypatch.setattr("ansible_collections.secops.itsm.plugins.module_utils._http.client.read_body", watched)
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    server = serve(Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    failure(client(server.url, clock).read, "GET", "/x")
    # One piece more than is allowed, and a piece becomes a thousand times as many.
    assert most < 20 * 1024 * 1024


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip,deflate", "compress", "made-up"])
@pytest.mark.parametrize("status", [200, 500])
def test_unrequested_encoding_is_refused(serve, clock, coding, status):
    server = serve(Reply(status, body=gzip.compress(LARGE), headers={"Content-Encoding": coding}))
    failed = failure(client(server.url, clock).read, "GET", "/x")
    assert (failed.category, failed.http_status) == ("contract", status)
    assert_message(failed.message, "ContraForce", "Content-Encoding", server.url, "url (CONTRAFORCE_URL)")
