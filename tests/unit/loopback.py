# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An HTTP server with scripted responses, and a clock that does not wait."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import pytest
import trustme

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock

#: Seconds between two bytes of a slow response.
SLOW_PAUSE = 0.03


@dataclass
class Reply:
    """A response of the script.

    :param drop: close the connection without a response.
    :param promise: the value of ``Content-Length``, if it differs from the length of the body.
    :param delay: the seconds to wait before the response.
    :param slow_after: send the body as the whole response, and byte by byte after this number of bytes.
    """

    status: int = 200
    body: bytes | Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    promise: int | str | None = None
    delay: float = 0.0
    slow_after: int | None = None

    @property
    def content(self) -> bytes:
        """Return the body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


class LoopbackServer:
    """Respond to requests by a script, whose last reply is repeated, and record them.

    :param replies: the script.
    :param context: the TLS context, if the server uses TLS.
    """

    def __init__(self, *replies: Reply, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.script = list(replies) or [Reply(body={})]
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Without it, the end of a response waits until the client acknowledges its start.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.seen.append(Seen(self.command, self.path, headers, body, self.client_address))
                server.answer(self)

            do_GET = do_PUT = do_POST = do_PATCH = do_CONNECT = handle_any  # noqa: N815 - names of http.server

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of http.server
                """Do nothing."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.001}, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def next_reply(self, handler: BaseHTTPRequestHandler) -> Reply:
        """Return the next reply of the script.

        :param handler: the handler of the request.
        """
        del handler
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Send the next reply."""
        reply = self.next_reply(handler)
        time.sleep(reply.delay)
        if reply.drop:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        content = reply.content
        if reply.slow_after is not None:
            _send_slowly(handler, content, reply.slow_after)
            return
        # Without the headers Date and Server, which the reply may contain.
        handler.send_response_only(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.status != 204:
            handler.send_header("Content-Length", str(len(content) if reply.promise is None else reply.promise))
        handler.end_headers()
        # The client may have closed the connection.
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(content)
        if reply.promise is not None:
            handler.close_connection = True

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    # With the default backlog of 5, simultaneous connections may wait a second for another SYN.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do nothing; clients may close their connections at any time."""


def _send_slowly(handler: BaseHTTPRequestHandler, content: bytes, at_once: int) -> None:
    handler.wfile.write(content[:at_once])
    with contextlib.suppress(OSError):
        for byte in content[at_once:]:
            time.sleep(SLOW_PAUSE)
            handler.wfile.write(bytes([byte]))


class TlsFiles:
    """The TLS context of a server, its CA, and the path of the CA certificate.

    :param directory: the directory for the CA certificate.
    """

    def __init__(self, directory: Path) -> None:
        self.authority = trustme.CA()
        self.bundle = str(directory / "server-ca.pem")
        self.authority.cert_pem.write_to_path(self.bundle)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("127.0.0.1").configure_cert(self.context)


class FakeClock(Clock):
    """A clock whose time passes only during waits."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Return the time so far."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Advance the time."""
        self.slept.append(seconds)
        self.time += seconds


def failure(call: Callable[..., Any], *arguments: Any) -> ApiError:
    """Return the ApiError that a call raises."""
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    return caught.value


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
