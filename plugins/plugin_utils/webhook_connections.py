# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Accept the connections of the webhook source, and limit how many are open at a time.

asyncio's own server accepts connections until the process runs out of file descriptors, and then logs each connection
that it cannot accept. It also hides a connection until its TLS handshake is done. Connections are therefore accepted
here.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

#: Maximum number of open connections, unless the process may open only a few files.
MAX_CONNECTIONS = 500

#: The file limit of the process per connection; the rulebook and its playbooks use the remaining files.
FILES_PER_CONNECTION = 4

#: Seconds in which a new connection must send the headers of a request, including the TLS handshake.
HEADER_TIMEOUT = 10.0

#: How many connections may wait to be accepted.
BACKLOG = 1024

#: Seconds to wait after a connection could not be accepted, if another one was closed instead, and if none could be.
CLOSE_PAUSE, ACCEPT_PAUSE = 0.01, 1.0

#: Seconds between two log messages about connections.
LOG_INTERVAL = 60.0


def connection_limit() -> int:
    """Return how many connections may be open at a time in this process."""
    files, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, files // FILES_PER_CONNECTION))


@dataclass
class _Connection:
    """An open connection.

    :param accepted: its socket, which its protocol closes.
    :param remote: its remote address.
    :param since: when it was accepted.
    :param has_request: whether it has sent the headers of a request.
    :param is_protected: whether a genuine delivery waits for its response on it.
    """

    accepted: socket.socket
    remote: str
    since: float
    has_request: bool = False
    is_protected: bool = False


@dataclass
class Connections:
    """The open connections, ordered by their last use.

    At the limit, a new connection replaces the least recently used connection of the address with the most
    connections. A client that holds connections open thus closes its own, and deliveries of others still arrive. A
    connection on which a genuine delivery waits for its response is never closed.

    :param log: logs a message.
    :param limit: the maximum number of open connections.
    """

    log: Callable[[str], None]
    limit: int = field(default_factory=connection_limit)
    _open: dict[Any, _Connection] = field(default_factory=dict)
    _listeners: list[socket.socket] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _next_log_time: float = 0.0
    _unreported: int = 0

    async def listen(
        self, serve: Callable[[], Any], host: str, port: int, tls: ssl.SSLContext | None
    ) -> list[tuple[Any, ...]]:
        """Accept connections until closed, and return the addresses of the listening sockets.

        :param serve: returns the protocol of a connection.
        :param host: an address or a name.
        :param port: a port, or 0 for any free port.
        :param tls: the TLS context, or None for no encryption.
        :raises OSError: if the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        # asyncio's server binds each address of a host.
        server = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
        self._listeners = [bound.dup() for bound in server.sockets]
        server.close()
        for listener in self._listeners:
            listener.setblocking(False)
            listener.listen(BACKLOG)
            self._start(self._accept(listener, serve, tls))
        self._start(self._close_late_connections())
        return [listener.getsockname() for listener in self._listeners]

    async def close(self) -> None:
        """Stop accepting connections; open ones stay open."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for listener in self._listeners:
            listener.close()

    def mark_request(self, protocol: Any) -> None:
        """Record that a connection has sent the headers of a request.

        :param protocol: the protocol of the connection.
        """
        connection = self._open.pop(protocol, None)
        if connection is not None:
            connection.has_request = True
            self._open[protocol] = connection

    @contextlib.contextmanager
    def protect(self, protocol: Any) -> Iterator[None]:
        """Keep a connection open while a genuine delivery waits for its response.

        :param protocol: the protocol of the connection.
        """
        connection = self._open.get(protocol)
        if connection is None:
            yield
            return
        connection.is_protected = True
        try:
            yield
        finally:
            connection.is_protected = False

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket, serve: Callable[[], Any], tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Give other tasks a turn, even if many connections are waiting.
            await asyncio.sleep(0)
            try:
                accepted, address = await loop.sock_accept(listener)
            except ConnectionError:
                continue
            except OSError as error:
                self._report(f"A connection could not be accepted: {error.strerror}")
                await asyncio.sleep(CLOSE_PAUSE if self._close_one() else ACCEPT_PAUSE)
                continue
            self._drop_closed()
            if len(self._open) >= self.limit:
                self._report(f"More than {self.limit} connections were open, and one without a delivery was closed")
                if not self._close_one():
                    accepted.close()
                    continue
            protocol = serve()
            self._open[protocol] = _Connection(accepted, address[0], loop.time())
            self._start(_serve(protocol, accepted, tls))

    async def _close_late_connections(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(1.0, HEADER_TIMEOUT))
            self._drop_closed()
            begin = loop.time() - HEADER_TIMEOUT
            late = [each for each, state in self._open.items() if not state.has_request and state.since <= begin]
            for protocol in late:
                self._close(protocol)

    def _drop_closed(self) -> None:
        self._open = {each: state for each, state in self._open.items() if state.accepted.fileno() >= 0}

    def _close_one(self) -> bool:
        """Close a connection that may be closed, and return whether there was one."""
        shares = Counter(state.remote for state in self._open.values())
        candidates = [each for each, state in self._open.items() if not state.is_protected]
        if not candidates:
            return False
        self._close(max(candidates, key=lambda each: shares[self._open[each].remote]))
        return True

    def _close(self, protocol: Any) -> None:
        connection = self._open.pop(protocol)
        if protocol.transport is not None:
            protocol.transport.abort()
        else:
            # The TLS handshake is still in progress, and fails.
            with contextlib.suppress(OSError):
                connection.accepted.shutdown(socket.SHUT_RDWR)

    def _report(self, text: str) -> None:
        self._unreported += 1
        now = asyncio.get_running_loop().time()
        if now < self._next_log_time:
            return
        self._next_log_time = now + LOG_INTERVAL
        more = f" ({self._unreported - 1} more since the last message)" if self._unreported > 1 else ""
        self.log(f"{text}.{more}")
        self._unreported = 0


async def _serve(protocol: Any, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
    """Let a protocol serve a connection."""
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted, ssl=tls)
    except Exception:  # a TLS handshake may raise anything; asyncio's own server does not log it either
        accepted.close()
