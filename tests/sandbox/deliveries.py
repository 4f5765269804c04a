# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivers events to the webhook, at least once: what is not taken is delivered again."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timezone
from typing import Any

from ansible_collections.secops.itsm.tests.sandbox.events import Event, told_anew
from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.posting import Answered, UnansweredError, post
from ansible_collections.secops.itsm.tests.sandbox.webhook import Webhook, host_of

ANSWER_WITHIN = 10.0
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 60.0
NO_WEBHOOK = "there is no webhook to deliver to"


class Deliveries:
    """What is delivered, and what came of it.

    :param first: the subscription that there is from the beginning.
    """

    def __init__(self, first: Webhook | None = None) -> None:
        self._first = self.webhook = first
        self.log: list[dict[str, Any]] = []
        self.given_up = 0
        self._events: list[Event] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many events are on their way."""
        return len(self._tasks)

    def reset(self) -> None:
        """Begin again: what is on its way is forgotten."""
        self._forget()
        self.webhook = self._first
        self.log.clear()
        self._events.clear()
        self.given_up = 0

    def subscribe(self, value: Any) -> None:
        """Deliver what happens from now on to another webhook.

        :param value: as it was posted; None for no webhook.
        :raises ValueError: for what is none, in a sentence.
        """
        allowed = host_of(self._first.url) if self._first else None
        webhook = None if value is None else Webhook.from_json(value, allowed)
        self._forget()
        self.webhook = webhook

    def send(self, event: Event) -> None:
        """Deliver an event, if there is a webhook.

        :param event: what happened.
        """
        if self.webhook is not None:
            self._events.append(event)
            task = asyncio.get_running_loop().create_task(self._deliver(self.webhook, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def send_again(self, value: Any) -> None:
        """Deliver the last event once more, as a service does that did not notice that it was taken.

        :param value: ``new_id``: whether as another event, which no receiver can know again.
        :raises ValueError: for what is no such thing, or nothing to deliver, in a sentence.
        """
        value = {} if value is None else value
        if not isinstance(value, dict) or set(value) - {"new_id"} or not isinstance(value.get("new_id", False), bool):
            raise ValueError("again takes new_id, true or false, and nothing else")
        if self.webhook is None or not self._events:
            raise ValueError("nothing was delivered yet" if self.webhook else NO_WEBHOOK)
        last = self._events[-1]
        self.send(told_anew(last) if value.get("new_id") else last)

    async def _deliver(self, webhook: Webhook, event: Event) -> None:
        for _copy in range(webhook.copies):
            for attempt in range(1, webhook.attempts + 1):
                answer = await self._attempt(webhook, event, attempt)
                # Python 3.11's wait_for loses a cancellation that comes at the same moment as the answer.
                if asyncio.current_task() not in self._tasks:
                    return
                if answer is not None and 200 <= answer.status < 300:
                    break
                if attempt == webhook.attempts:
                    self.given_up += 1
                    return
                await asyncio.sleep(_pause(webhook, answer, attempt))

    async def _attempt(self, webhook: Webhook, event: Event, attempt: int) -> Answered | None:
        """Deliver once; what came back, if anything did."""
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
            answer = await post(webhook.url, headers, body, ANSWER_WITHIN)
        except UnansweredError as error:
            entry["error"] = str(error)
            return None
        entry.update(status=answer.status, answer=answer.text)
        return answer

    def _forget(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()


def _pause(webhook: Webhook, answer: Answered | None, attempt: int) -> float:
    """How long to wait before the next try: as long as the receiver asks for, or longer each time."""
    asked = str(answer.headers.get("Retry-After", "")) if answer is not None else ""
    if asked.isdecimal():
        return min(float(asked), LONGEST_RETRY_AFTER)
    return min(webhook.pause * 2.0 ** (attempt - 1), LONGEST_PAUSE)
