# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Number connections, and abort them without a response, as a failing network does."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any, Mapping

from uvicorn.protocols.http.h11_impl import H11Protocol


@dataclass(frozen=True)
class Connection:
    """A connection that a client opened.

    :param number: unique, unlike a port.
    :param transport: to abort it.
    """

    number: int
    transport: asyncio.Transport


_OPEN: dict[tuple[str, int], Connection] = {}
_NUMBERS = itertools.count(1)


class AbortableProtocol(H11Protocol):
    """uvicorn's HTTP protocol with a register of connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        """Register a new connection."""
        super().connection_made(transport)
        _OPEN[_peer(transport)] = Connection(next(_NUMBERS), transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove a connection that ended."""
        _OPEN.pop(_peer(self.transport), None)
        super().connection_lost(exc)


def abort_connection(scope: Mapping[str, Any]) -> None:
    """Abort the connection of a request, given its ASGI scope."""
    _OPEN[tuple(scope["client"][:2])].transport.abort()


def connection_number(scope: Mapping[str, Any]) -> int | None:
    """Return the number of the connection of a request, or None without a server."""
    found = _OPEN.get(tuple(scope.get("client") or ())[:2])
    return found.number if found else None


def _peer(transport: asyncio.Transport) -> tuple[str, int]:
    host, port = transport.get_extra_info("peername")[:2]
    return host, port
