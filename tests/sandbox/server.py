# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the sandbox until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from typing import Callable, Iterator

import uvicorn

from ansible_collections.secops.itsm.tests.sandbox.app import create_app
from ansible_collections.secops.itsm.tests.sandbox.connection_faults import AbortableProtocol
from ansible_collections.secops.itsm.tests.sandbox.seed import Seed
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook


class Server(uvicorn.Server):
    """A server that exits with code 0 on SIGTERM and SIGINT. That of uvicorn is killed by the signal.

    :param ready: called as soon as signals are handled.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop the server on either signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        self._ready()
        yield

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raise OSError if that is not possible.

    :param host: an address or a name; the IPv4 address of a name is preferred.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, address = min(((entry[0], entry[4]) for entry in found), key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.create_server(address, family=family)
    # Responses are sent in two parts. Without this option, the second one is delayed by 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(seed: Seed, listener: socket.socket, ready: Callable[[], None], webhook: Webhook | None = None) -> None:
    """Serve until a signal ends it.

    :param ready: called when requests are accepted and signals are handled.
    :param webhook: the initial subscription to events.
    """
    config = uvicorn.Config(
        create_app(seed, webhook),
        http=AbortableProtocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    asyncio.run(Server(config, ready).serve(sockets=[listener]))
