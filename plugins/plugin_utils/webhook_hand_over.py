# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hands the events of webhooks to a rulebook, each once, and tells their senders when it has them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.webhooks import Memory, RefusalError

#: How many events are remembered, and for how many seconds, so that a second delivery of one is known.
REMEMBERED = 10_000
REMEMBERED_SECONDS = 24 * 3600.0


class _Waiting:
    """An event on its way to the rulebook.

    :param event: what the rulebook gets.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        #: How many requests wait for the outcome.
        self.requests = 0
        #: Whether the rulebook is being given it; from then on nobody can say that it will not get it.
        self.is_going = False
        #: None when the rulebook has it, or why not.
        self.outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()


class HandOver:
    """Hands events to the rulebook one after the other, each once.

    Nothing that is under way is ever cancelled while the source runs, so a delivery that was answered with 503 is in
    one of two states. Either its event had not begun its way: it is dropped and forgotten, and the next try is a new
    one. Or the rulebook was just being given it: then it stays known, and the next try gets the answer that this one
    did not wait for. So no event gets lost or doubled if the sender tries again, and none is doubled if it does not.

    :param queue: the rulebook's.
    :param most: how many deliveries may wait.
    :param seconds: how long each of them may.
    """

    def __init__(self, queue: Any, most: int, seconds: float) -> None:
        self._queue = queue
        self._most = most
        self._seconds = seconds
        self._taken = Memory(REMEMBERED, REMEMBERED_SECONDS, time.monotonic)
        self._signed = Memory(REMEMBERED, REMEMBERED_SECONDS, time.monotonic)
        self._line: deque[str] = deque()
        self._by_id: dict[str, _Waiting] = {}
        self._requests = 0
        self._filled = asyncio.Event()
        self._is_closed = False

    async def deliver(self, event_id: str, signature: str, event: Mapping[str, Any]) -> bool:
        """Wait until the rulebook has an event; False if it had it before.

        :param event_id: which is not signed, so that one signature counts for the first identifier that it came with.
        :param signature: of this delivery.
        :param event: what the rulebook gets.
        :raises RefusalError: when the rulebook has not taken it in time.
        """
        event_id = self._signed.keep(signature, event_id)
        if event_id in self._taken:
            return False
        if self._is_closed:
            raise RefusalError(503, "the source ends")
        if self._requests >= self._most:
            raise RefusalError(503, f"{self._requests} deliveries wait for the rulebook already")
        is_first = event_id not in self._by_id
        if is_first:
            self._by_id[event_id] = _Waiting(event)
            self._line.append(event_id)
            self._filled.set()
        await self._outcome(event_id, self._by_id[event_id])
        return is_first

    def forgo(self, event_id: str, signature: str) -> None:
        """Never hand over what was signed so; a delivery of the same event that was signed anew is another one.

        :param event_id: that it came with.
        :param signature: of the delivery.
        """
        self._taken.keep(self._signed.keep(signature, f"test {event_id}"))

    async def _outcome(self, event_id: str, waiting: _Waiting) -> None:
        self._requests += 1
        waiting.requests += 1
        try:
            await asyncio.wait({waiting.outcome}, timeout=self._seconds)
        finally:
            self._requests -= 1
            waiting.requests -= 1
            if not (waiting.requests or waiting.is_going or waiting.outcome.done()):
                self._line.remove(event_id)
                del self._by_id[event_id]
        failure = waiting.outcome.result() if waiting.outcome.done() else "the rulebook has not taken it in time"
        if failure is not None:
            raise RefusalError(503, failure)

    async def carry(self) -> None:
        """Hand over whatever comes, until cancelled."""
        while True:
            while not self._line:
                self._filled.clear()
                await self._filled.wait()
            event_id = self._line.popleft()
            waiting = self._by_id[event_id]
            waiting.is_going = True
            try:
                await self._queue.put(waiting.event)
            except Exception as error:  # whatever a filter of the rulebook raises
                self._settle(event_id, f"a filter of the rulebook failed with {type(error).__name__}")
            else:
                self._taken.keep(event_id)
                self._settle(event_id, None)

    def _settle(self, event_id: str, failure: str | None) -> None:
        self._by_id.pop(event_id).outcome.set_result(failure)

    def close(self) -> None:
        """Take nothing more, and refuse what waits; whatever carried the events must have ended."""
        self._is_closed = True
        self._line.clear()
        for event_id in list(self._by_id):
            self._settle(event_id, "the source ends")
