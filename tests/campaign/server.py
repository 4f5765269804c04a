# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hostile server of all APIs on one loopback port, whose state is replaced for each story."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.secops.itsm.tests.campaign import contraforce, servicenow, ticketing
from ansible_collections.secops.itsm.tests.campaign.editor import let_others_act
from ansible_collections.secops.itsm.tests.campaign.faults import Response, with_fault
from ansible_collections.secops.itsm.tests.campaign.world import REQUEST_SECONDS, Exchange, World

PREFIX = "/api/v2"

#: Levels of the deeply nested value: few enough for the JSON parser, too many for a recursive function.
DEEP_LEVELS = 900


class HostileServer:
    """An HTTP server that handles requests with the state of a world."""

    def __init__(self) -> None:
        self.world = World(0, {}, frozenset())
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Otherwise the end of each response waits for the client to acknowledge its beginning.
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                response = server.respond(self.command, self.path, body)
                with contextlib.suppress(ConnectionError):
                    self._send(response)

            do_GET = do_PUT = do_POST = do_PATCH = handle_any  # noqa: N815 - http.server's own names

            def _send(self, response: Response) -> None:
                if response.drop:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                is_text = isinstance(response.body, str)
                text = response.body if is_text else "" if response.body is None else json.dumps(response.body)
                content = text.encode()
                self.send_response_only(response.status)
                self.send_header("Content-Type", "text/html" if is_text else "application/json; charset=utf-8")
                for name, value in response.headers.items():
                    self.send_header(name, value)
                if response.status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if response.cut else content)
                self.close_connection = self.close_connection or response.cut

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's own name
                """Do not log requests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def respond(self, method: str, target: str, content: bytes) -> Response:
        """Return the response to a request, and record both in the journal of the world.

        :param method: the HTTP method.
        :param target: the path and the query.
        :param content: the body.
        """
        with self._lock:
            world = self.world
            world.clock.sleep(REQUEST_SECONDS)
            prefix = servicenow.PREFIX if target.startswith(servicenow.PREFIX) else PREFIX
            path = urlsplit(target).path[len(prefix) :]
            query = dict(parse_qsl(urlsplit(target).query))
            body = json.loads(content) if content else None
            exchange = Exchange(world.run, world.clock.now(), method, target[len(prefix) :], body, prefix=prefix)
            handle = _api_of(prefix, path).route(world, exchange, path, query)
            exchange.note += let_others_act(world, exchange)
            world.settle()
            world.journal.append(exchange)
            response = with_fault(world, exchange, handle)
            if world.has("deep_answer") and isinstance(response.body, dict):
                response.body = {**response.body, **_deep(response.body)}
            exchange.status, exchange.response = (
                (0, "connection closed") if response.drop else (response.status, response.body)
            )
            return response


def _api_of(prefix: str, path: str) -> Any:
    """Return the module of the API that a path belongs to."""
    if prefix == servicenow.PREFIX:
        return servicenow
    return ticketing if path.startswith("/ticketing/") else contraforce


def _deep(body: dict[str, Any]) -> dict[str, Any]:
    """Return the records of the body with a deeply nested value in each."""
    value: Any = 1
    for _level in range(DEEP_LEVELS):
        value = [value]
    return {
        name: {**part, "extra": value}
        for name, part in body.items()
        if name in ("data", "ticket") and isinstance(part, dict)
    } or {"extra": value}
