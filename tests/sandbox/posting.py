# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send an HTTP request that can be canceled at any time, so that the sandbox ends at once."""

from __future__ import annotations

import asyncio
import http.client
import io
import ssl
from dataclasses import dataclass
from email.message import Message
from typing import Mapping
from urllib.parse import urlsplit

_MOST = 10_000


@dataclass(frozen=True)
class HttpResponse:
    """A response.

    :param text: the beginning of the body.
    """

    status: int
    headers: Message
    text: str


class NoResponseError(Exception):
    """A request has no response. The message is one sentence."""


async def post(url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> HttpResponse:
    """Send a request without a proxy and without following redirects. Certificates are verified.

    :param seconds: the timeout.
    :raises NoResponseError: if there is no response.
    """
    try:
        return await asyncio.wait_for(_posted(url, headers, body), seconds)
    except asyncio.TimeoutError:
        raise NoResponseError(f"no response within {seconds:g} seconds") from None
    except (OSError, EOFError, ValueError, http.client.HTTPException) as error:
        raise NoResponseError(str(error) or type(error).__name__) from None


async def _posted(url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        always = {"Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {text}" for name, text in {**always, **headers}.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await writer.drain()
        return await _response(reader)
    finally:
        writer.close()


async def _response(reader: asyncio.StreamReader) -> HttpResponse:
    first = (await reader.readline()).split(None, 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        raise ValueError("the connection was closed without a response" if not first else "the response is not HTTP")
    rest = await reader.readuntil(b"\r\n\r\n")
    return HttpResponse(int(first[1]), http.client.parse_headers(io.BytesIO(rest)), await _text(reader))


async def _text(reader: asyncio.StreamReader) -> str:
    """Return the beginning of the text until the end of the connection."""
    parts = [b""]
    while sum(map(len, parts)) < _MOST and (part := await reader.read(_MOST)):
        parts.append(part)
    return b"".join(parts)[:_MOST].decode("utf-8", "replace")
