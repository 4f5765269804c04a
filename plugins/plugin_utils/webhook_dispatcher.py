# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Dispatch the events of webhooks to a rulebook, each once, and confirm them to their senders."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import ExpiringCache, RefusalError

#: Maximum number of events to remember, and the seconds to remember them, to recognize repeated deliveries.
MAX_REMEMBERED = 10_000
REMEMBERED_SECONDS = 24 * 3600.0

SHUTTING_DOWN = "the source is shutting down"


class _PendingEvent:
    """An event that is not dispatched yet.

    :param event: the event for the rulebook.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        #: The number of requests that wait for the outcome.
        self.waiting_requests = 0
        #: True once the event is being dispatched and can no longer be withdrawn.
        self.is_dispatching = False
        #: None if the rulebook accepted the event, or the reason if it did not.
        self.outcome: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()


class EventDispatcher:
    """Dispatch events to the rulebook one after the other, each once.

    While the source runs, an event that is being dispatched is never cancelled. After a delivery got the response 503,
    its event is in one of two states. If its dispatch had not started, the event is dropped, and the next delivery is a
    new one. If its dispatch had started, the event stays known, and the next delivery gets its outcome. So an event is
    neither lost nor duplicated if the sender tries again, and it is not duplicated if the sender does not.

    :param queue: the queue of the rulebook.
    :param max_waiting: the maximum number of waiting deliveries.
    :param timeout: the maximum seconds that each of them waits.
    """

    def __init__(self, queue: Any, max_waiting: int, timeout: float) -> None:
        self._queue = queue
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._delivered = ExpiringCache(MAX_REMEMBERED, REMEMBERED_SECONDS, time.monotonic)
        self._ids_by_signature = ExpiringCache(MAX_REMEMBERED, REMEMBERED_SECONDS, time.monotonic)
        self._pending_ids: deque[str] = deque()
        self._by_id: dict[str, _PendingEvent] = {}
        self._waiting_requests = 0
        self._has_pending = asyncio.Event()
        self._is_closed = False

    async def deliver(self, event_id: str, signature: str, event: Mapping[str, Any]) -> bool:
        """Wait until the rulebook accepts an event. Return False if it had already accepted it.

        :param event_id: the id of the event. It is not signed, so the first id received with a signature counts.
        :param signature: the signature of the delivery.
        :param event: the event for the rulebook.
        :raises RefusalError: if the rulebook does not accept it in time.
        """
        event_id = self._ids_by_signature.setdefault(signature, event_id)
        if event_id in self._delivered:
            return False
        if self._is_closed:
            raise RefusalError(503, SHUTTING_DOWN)
        if self._waiting_requests >= self._max_waiting:
            raise RefusalError(503, f"{self._waiting_requests} deliveries already wait for the rulebook")
        is_first = event_id not in self._by_id
        if is_first:
            self._by_id[event_id] = _PendingEvent(event)
            self._pending_ids.append(event_id)
            self._has_pending.set()
        await self._wait_for_outcome(event_id, self._by_id[event_id])
        return is_first

    def has_delivered(self, event_id: str) -> bool:
        """Return whether the rulebook has accepted an event.

        :param event_id: the id of the event.
        """
        return event_id in self._delivered

    def discard(self, event_id: str, signature: str) -> None:
        """Never dispatch a delivery with this signature. The same event with another signature is another delivery.

        :param event_id: the id of the delivery.
        :param signature: the signature of the delivery.
        """
        self._delivered.setdefault(self._ids_by_signature.setdefault(signature, f"test {event_id}"))

    async def _wait_for_outcome(self, event_id: str, pending: _PendingEvent) -> None:
        self._waiting_requests += 1
        pending.waiting_requests += 1
        try:
            await asyncio.wait({pending.outcome}, timeout=self._timeout)
        finally:
            self._waiting_requests -= 1
            pending.waiting_requests -= 1
            if not (pending.waiting_requests or pending.is_dispatching or pending.outcome.done()):
                self._pending_ids.remove(event_id)
                del self._by_id[event_id]
        failure = pending.outcome.result() if pending.outcome.done() else "the rulebook did not accept it in time"
        if failure is not None:
            raise RefusalError(503, failure)

    async def run(self) -> None:
        """Dispatch events until cancelled."""
        while True:
            while not self._pending_ids:
                self._has_pending.clear()
                await self._has_pending.wait()
            event_id = self._pending_ids.popleft()
            pending = self._by_id[event_id]
            pending.is_dispatching = True
            try:
                await self._queue.put(pending.event)
            except Exception as error:  # a filter of the rulebook may raise anything
                self._finish(event_id, f"a filter of the rulebook failed with {type(error).__name__}")
            else:
                self._delivered.setdefault(event_id)
                self._finish(event_id, None)

    def _finish(self, event_id: str, failure: str | None) -> None:
        self._by_id.pop(event_id).outcome.set_result(failure)

    def close(self) -> None:
        """Refuse waiting and further events. :meth:`run` must have ended."""
        self._is_closed = True
        self._pending_ids.clear()
        for event_id in list(self._by_id):
            self._finish(event_id, SHUTTING_DOWN)
