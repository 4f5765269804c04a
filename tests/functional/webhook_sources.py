# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run an event source that receives webhooks, and send requests to it."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, AsyncIterator, TypeVar
from urllib.parse import urlsplit

import aiohttp
import anyio
import pytest

SOURCES = Path(__file__).resolve().parents[2] / "extensions/eda/plugins/event_source"


class RunningSource:
    """A running event source.

    :param url: its address.
    :param queue: the queue of the rulebook.
    :param task: the task that runs it.
    """

    def __init__(self, url: str, queue: asyncio.Queue[Any], task: asyncio.Task[None]) -> None:
        self.url = url
        self.queue = queue
        self.task = task
        self.session = aiohttp.ClientSession()

    async def request(self, method: str = "POST", path: str = "/cf", **more: Any) -> tuple[int, str]:
        """Return the HTTP status and the status word of the response."""
        more.setdefault("skip_auto_headers", ["User-Agent"])
        async with self.session.request(method, self.url + path, **more) as response:
            text = await response.text()
            assert "Server" not in response.headers
            assert response.headers["Content-Type"] == "application/json; charset=utf-8"
            assert response.headers.get("Retry-After") == ("10" if response.status == 503 else None)
            word = json.loads(text)["status"] if text else ""
            assert text in ("", json.dumps({"status": word}))
            return response.status, word

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        parts = urlsplit(self.url)
        return await asyncio.open_connection(parts.hostname, parts.port)

    async def raw(self, *pieces: bytes, pause: float = 0.0) -> str:
        """Return the response to bytes that no HTTP client would send."""
        reader, writer = await self.connect()
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause)
        response = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return response.decode()

    def events(self) -> list[Any]:
        """Remove and return the events in the queue."""
        return [self.queue.get_nowait() for _each in range(self.queue.qsize())]

    async def end(self) -> None:
        """End it as ansible-rulebook does."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


AnySource = TypeVar("AnySource", bound=RunningSource)


@asynccontextmanager
async def run_source(
    kind: type[AnySource],
    name: str,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    queue: asyncio.Queue[Any],
) -> AsyncIterator[AnySource]:
    """Run a source for the duration of a with statement.

    :param kind: the class of the result.
    :param name: the name of the source.
    :param options: its options; those with None are not set.
    :param queue: the queue of the rulebook.
    """
    main = runpy.run_path(str(SOURCES / f"{name}.py"))["main"]
    caplog.clear()
    args = {key: value for key, value in options.items() if value is not None}
    task = asyncio.create_task(main(queue, args))
    while not (found := re.search(rf"Listening on (\S+){options['path']}\n", f"{caplog.text}\n")):
        assert not task.done(), task
        await asyncio.sleep(0.01)
    source = kind(found[1], queue, task)
    try:
        with anyio.fail_after(60):
            yield source
    finally:
        await source.session.close()
        await source.end()
