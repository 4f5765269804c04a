# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the sandbox: C(python -m ansible_collections.secops.itsm.tests.sandbox)."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path
from typing import Iterator

import uvicorn

from ansible_collections.secops.itsm.tests.sandbox.app import create_app
from ansible_collections.secops.itsm.tests.sandbox.contraforce import SEED_FILE, Seed, SeedError
from ansible_collections.secops.itsm.tests.sandbox.dropping import DroppingProtocol


class Server(uvicorn.Server):
    """A server that ends with exit code 0 on SIGTERM and SIGINT; uvicorn's own would die of the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ask the server to stop on either signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


def arguments(argv: list[str]) -> argparse.Namespace:
    """Parse the command line.

    :param argv: the words after the program's name.
    """
    parser = argparse.ArgumentParser(
        prog="sandbox", description="A stand-in for the ContraForce API and the ticketing API."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one (default)")
    parser.add_argument(
        "--seed", type=Path, default=SEED_FILE, help="YAML file with the incidents and tickets to begin with"
    )
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Serve until told to stop.

    :param argv: the words after the program's name.
    """
    options = arguments(argv)
    try:
        app = create_app(Seed.load(options.seed))
    except SeedError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    try:
        listener = socket.create_server((options.host, options.port))
        # An answer goes out in two parts, of which the second would wait for the other side, 40 ms each time.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        print(f"sandbox: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        app,
        http=DroppingProtocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=2,
    )
    host, port = listener.getsockname()[:2]
    print(f"Sandbox listening on http://{host}:{port}", flush=True)
    asyncio.run(Server(config).serve(sockets=[listener]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
