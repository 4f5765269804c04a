# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cuts connections without an answer, as a failing network does."""

from __future__ import annotations

import asyncio
from typing import Any, Mapping

from uvicorn.protocols.http.h11_impl import H11Protocol

_OPEN: dict[tuple[str, int], asyncio.Transport] = {}


class DroppingProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which remembers the connection of each client so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn types it
        """Remember a new connection."""
        super().connection_made(transport)
        _OPEN[_peer(transport)] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that ended."""
        _OPEN.pop(_peer(self.transport), None)
        super().connection_lost(exc)


def drop(scope: Mapping[str, Any]) -> None:
    """Cut the connection that a request came in on.

    :param scope: the ASGI scope of the request.
    """
    _OPEN[tuple(scope["client"][:2])].abort()


def _peer(transport: asyncio.Transport) -> tuple[str, int]:
    host, port = transport.get_extra_info("peername")[:2]
    return host, port
