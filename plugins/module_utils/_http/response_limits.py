# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Limit the duration and the size of responses, as requests and urllib3 do not."""

from __future__ import annotations

import http.client
import io
import socket
import time
from functools import cache
from typing import Any

try:
    from requests.adapters import HTTPAdapter
except ImportError:
    HTTPAdapter = object  # type: ignore[assignment,misc]  # nothing is sent without requests

#: The time limit for a whole response, as a multiple of the timeout for each part of it.
TIMEOUTS_PER_RESPONSE = 4

#: The maximum size of a decompressed response, in bytes.
MAX_RESPONSE_SIZE = 64 * 1024 * 1024

#: Bytes to decompress at a time; the result can be a thousand times as large.
CHUNK_SIZE = 16 * 1024

#: The encodings that are requested. Others, and combinations, are decompressed without a limit.
ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")


class TooLargeError(Exception):
    """A response is larger than MAX_RESPONSE_SIZE."""


class UnknownEncodingError(Exception):
    """A response has a ``Content-Encoding`` that was not requested."""


class _TimedBody(io.RawIOBase):
    """Read the bytes of a connection until a deadline.

    :param raw: the unbuffered stream.
    :param sock: the socket of the stream.
    """

    def __init__(self, raw: Any, sock: Any) -> None:
        super().__init__()
        self._raw, self._sock = raw, sock
        self._timeout = sock.gettimeout()
        self._deadline = time.monotonic() + TIMEOUTS_PER_RESPONSE * (self._timeout or 0.0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read some bytes.

        :raises socket.timeout: if the deadline has passed.
        """
        if self._timeout is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise socket.timeout("The response took too long.")
            self._sock.settimeout(min(self._timeout, left))
        return self._raw.readinto(buffer)  # type: ignore[no-any-return]  # any stream

    def close(self) -> None:
        """Close the stream."""
        self._raw.close()
        super().close()


class _TimedResponse(http.client.HTTPResponse):
    """A response that must be complete, including its headers, before a deadline."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedBody(self.fp.detach(), sock))


@cache
def _timed(pool: Any) -> Any:
    """Return a subclass of a connection pool class whose responses have a deadline."""
    original = pool.ConnectionCls
    if issubclass(original.response_class, _TimedResponse):
        return pool
    connection = type(original.__name__, (original,), {"response_class": _TimedResponse})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def _set_timed(manager: Any) -> None:
    """Make a pool manager use connection pools whose responses have a deadline."""
    manager.pool_classes_by_scheme = {name: _timed(pool) for name, pool in manager.pool_classes_by_scheme.items()}


class LimitedAdapter(HTTPAdapter):  # type: ignore[misc,valid-type]  # a plain object without requests
    """An adapter of requests whose responses have a deadline, with and without a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pool manager."""
        super().init_poolmanager(*args, **kwargs)
        _set_timed(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Return the pool manager for a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _set_timed(manager)
        return manager


def read_body(response: Any) -> bytes:
    """Return the body of a response that was requested with ``stream``, and release its connection.

    :param response: a response of requests.
    :raises TooLargeError: if it is longer than MAX_RESPONSE_SIZE.
    :raises UnknownEncodingError: if its encoding was not requested.
    """
    with response:
        if response.headers.get("Content-Encoding", "").strip().lower() not in ENCODINGS:
            raise UnknownEncodingError
        chunks, size = [], 0
        for chunk in response.iter_content(CHUNK_SIZE):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_RESPONSE_SIZE:
                raise TooLargeError
        return b"".join(chunks)
