# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real HTTP server on loopback that follows a script, and a clock that does not wait."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock


@dataclass
class Reply:
    """One answer of the script.

    :param drop: close the connection instead of answering.
    :param promise: the Content-Length to claim, when it is not the body's own.
    :param delay: seconds to wait first.
    """

    status: int = 200
    body: bytes | Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    promise: int | None = None
    delay: float = 0.0

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    peer: tuple[str, int]


class LoopbackServer:
    """Answers requests from a script, the last reply again and again, and remembers them.

    :param replies: the script.
    :param context: TLS, when it is to be spoken.
    """

    def __init__(self, *replies: Reply, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.script = list(replies) or [Reply(body={})]
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Otherwise the end of each answer waits for the client's acknowledgement of its beginning.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.seen.append(Seen(self.command, self.path, headers, body, self.client_address))
                server.answer(self)

            do_GET = do_PUT = do_POST = do_PATCH = do_CONNECT = handle_any  # noqa: N815 - http.server's own names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.scheme = "https" if context else "http"
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.001}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def next_reply(self, handler: BaseHTTPRequestHandler) -> Reply:
        """Return the next reply of the script.

        :param handler: of the request.
        """
        del handler
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Play the next reply."""
        reply = self.next_reply(handler)
        time.sleep(reply.delay)
        if reply.drop:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        content = reply.content
        # Without the present time and the name of the server, which the reply may have of its own.
        handler.send_response_only(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.status != 204:
            handler.send_header("Content-Length", str(len(content) if reply.promise is None else reply.promise))
        handler.end_headers()
        # A client that gave up in the meantime, as some tests want it to, is no failure of the server.
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(content)
        if reply.promise is not None:
            handler.close_connection = True

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class FakeClock(Clock):
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """The time so far."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.time += seconds


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
