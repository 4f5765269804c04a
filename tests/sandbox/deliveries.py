# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliver events to the webhook at least once."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from typing import Any

from ansible_collections.secops.itsm.tests.sandbox.events import Event, renewed
from ansible_collections.secops.itsm.tests.sandbox.input_validation import check
from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.posting import HttpResponse, NoResponseError, post
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook, host_of

ANSWER_WITHIN = 10.0
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 60.0
NO_WEBHOOK = "there is no webhook"


class Deliveries:
    """The deliveries of events.

    :param first: the initial subscription.
    """

    def __init__(self, first: Webhook | None = None) -> None:
        self._first = self.webhook = first
        self.log: list[dict[str, Any]] = []
        self.given_up = 0
        self._events: list[Event] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Return the number of events that are being delivered."""
        return len(self._tasks)

    def reset(self) -> None:
        """Restore the initial subscription and stop all deliveries."""
        self._forget()
        self.webhook = self._first
        self.log.clear()
        self._events.clear()
        self.given_up = 0

    def subscribe(self, value: Any) -> None:
        """Replace the subscription.

        :param value: any JSON value; None for no webhook.
        :raises ValueError: if the value is not a subscription.
        """
        allowed = host_of(self._first.url) if self._first else None
        webhook = None if value is None else Webhook.from_json(value, allowed)
        self._forget()
        self.webhook = webhook

    def send(self, event: Event) -> None:
        """Deliver an event if there is a webhook."""
        if self.webhook is not None:
            self._events.append(event)
            task = asyncio.get_running_loop().create_task(self._deliver(self.webhook, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def send_again(self, value: Any) -> None:
        """Deliver the last event again, as a service does that lost the response.

        :param value: any JSON value; ``new_id`` gives the event a new ID.
        :raises ValueError: if the value is not valid, or there is no event.
        """
        check("again", value)
        if self.webhook is None or not self._events:
            raise ValueError("there is no event to deliver again" if self.webhook else NO_WEBHOOK)
        last = self._events[-1]
        self.send(renewed(last) if (value or {}).get("new_id") else last)

    async def _deliver(self, webhook: Webhook, event: Event) -> None:
        for _copy in range(webhook.copies):
            for attempt in range(1, webhook.attempts + 1):
                response = await self._attempt(webhook, event, attempt)
                # In Python 3.11, wait_for loses a cancellation at the moment of the response.
                if asyncio.current_task() not in self._tasks:
                    return
                if response is not None and 200 <= response.status < 300:
                    break
                if attempt == webhook.attempts:
                    self.given_up += 1
                    return
                await asyncio.sleep(_pause(webhook, response, attempt))

    async def _attempt(self, webhook: Webhook, event: Event, attempt: int) -> HttpResponse | None:
        """Deliver an event once, and return the response if there is one."""
        body = json.dumps(event.body, ensure_ascii=False).encode()
        headers = webhook.headers(event, body, datetime.now(timezone.utc))
        entry: dict[str, Any] = {
            "number": len(self.log) + 1,
            "event_id": event.id,
            "type": event.body["type"],
            "is_test": event.is_test,
            "incident_id": event.body["data"]["incidentId"],
            "attempt": attempt,
            "sent_at": timestamp(),
            "status": None,
            "answer": None,
            "error": None,
        }
        self.log.append(entry)
        try:
            response = await post(webhook.url, headers, body, ANSWER_WITHIN)
        except NoResponseError as error:
            entry["error"] = str(error)
            return None
        entry.update(status=response.status, answer=response.text)
        return response

    def _forget(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()


def _pause(webhook: Webhook, response: HttpResponse | None, attempt: int) -> float:
    """Return the seconds before the next attempt: as in Retry-After, or longer each time."""
    requested = str(response.headers.get("Retry-After", "")) if response is not None else ""
    if requested.isdecimal():
        return min(float(requested), LONGEST_RETRY_AFTER)
    return min(webhook.pause * 2.0 ** (attempt - 1), LONGEST_PAUSE)
