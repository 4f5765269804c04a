# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serves the sandbox until a signal ends it."""

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
    """A server that ends with exit code 0 on SIGTERM and SIGINT; uvicorn's own would die of the signal.

    :param config: as uvicorn takes it.
    :param ready: called once signals are heeded.
    """

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ask the server to stop on either signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        self._ready()
        yield

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections, which are answered when the sandbox is served on it.

    :param host: the address to listen on.
    :param port: 0 takes a free one.
    :raises OSError: when it cannot.
    """
    listener = socket.create_server((host, port))
    # An answer goes out in two parts, of which the second would wait for the other side, 40 ms each time.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(seed: Seed, listener: socket.socket, ready: Callable[[], None], webhook: Webhook | None = None) -> None:
    """Serve until told to stop.

    :param seed: what the sandbox begins with.
    :param listener: as ``listen`` gives it.
    :param ready: called once requests are answered or wait for it, and a signal ends the sandbox cleanly.
    :param webhook: where events are delivered to from the beginning.
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
