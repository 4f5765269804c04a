# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of webhooks reach the rulebook once, regardless of timing. The event loop has a virtual clock."""

from __future__ import annotations

import asyncio
import random
import selectors
from contextlib import suppress
from typing import Any, Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import RefusalError
from ansible_collections.secops.itsm.plugins.plugin_utils import webhook_connections
from ansible_collections.secops.itsm.plugins.plugin_utils.webhook_dispatcher import EventDispatcher

TIMEOUT = 1.0


class InstantSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # depends on the platform
    """Advances a virtual clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Return the ready files, and advance the clock by the timeout."""
        self.now += timeout or 0
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self._virtual = InstantSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the virtual time."""
        return self._virtual.now


class Rulebook:
    """A dispatcher at work, with the queue of a busy rulebook.

    :param max_waiting: how many deliveries may wait.
    """

    def __init__(self, max_waiting: int = 100) -> None:
        self.queue: asyncio.Queue[Any] = asyncio.Queue(1)
        self.dispatcher = EventDispatcher(self.queue, max_waiting, TIMEOUT)
        self.dispatching = asyncio.ensure_future(self.dispatcher.run())

    def deliver(self, number: int, event_id: str = "", signature: str = "") -> asyncio.Task[str]:
        """Start a delivery of an event, which returns its outcome."""

        async def outcome() -> str:
            given_id, signed = event_id or f"e-{number}", signature or f"s-{number}"
            try:
                return "new" if await self.dispatcher.deliver(given_id, signed, {"n": number}) else "duplicate"
            except RefusalError as error:
                return error.reason if error.status == 503 else f"status {error.status}"

        return asyncio.ensure_future(outcome())

    async def take(self, count: int) -> list[Any]:
        """Return the next events for the rulebook."""
        return [await self.queue.get() for _each in range(count)]

    async def end(self) -> None:
        """End as the event source does."""
        self.dispatching.cancel()
        with suppress(asyncio.CancelledError):
            await self.dispatching
        self.dispatcher.close()


def play(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story in virtual time; one that does not end fails."""
    loop = VirtualTimeLoop()
    try:
        loop.run_until_complete(asyncio.wait_for(story(), 10_000))
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()


async def settled() -> None:
    """Let all tasks run that do not wait for time."""
    for _turn in range(20):
        await asyncio.sleep(0)


def test_deliveries_wait_for_the_rulebook_in_order() -> None:
    async def story() -> None:
        rulebook = Rulebook()
        waiting = [rulebook.deliver(number) for number in range(3)]
        await settled()
        assert [task.done() for task in waiting] == [True, False, False]
        assert await rulebook.take(1) == [{"n": 0}]
        await settled()
        assert [task.done() for task in waiting] == [True, True, False]
        assert await rulebook.take(2) == [{"n": 1}, {"n": 2}]
        assert [await task for task in waiting] == ["new"] * 3

    play(story)


def test_an_id_and_a_signature_count_once() -> None:
    """A signature counts for the first ID that it came with, because the ID is not signed."""

    async def story() -> None:
        rulebook = Rulebook()
        assert await rulebook.deliver(1) == "new"
        assert await rulebook.deliver(1) == "duplicate"
        assert await rulebook.deliver(1, signature="signed again") == "duplicate"
        assert await rulebook.deliver(1, event_id="e-9") == "duplicate"
        assert await rulebook.take(1) == [{"n": 1}]
        assert await rulebook.deliver(9) == "new"
        assert await rulebook.take(1) == [{"n": 9}]

    play(story)


def test_duplicates_wait_for_the_same_outcome() -> None:
    async def story() -> None:
        rulebook = Rulebook()
        await rulebook.queue.put("busy")
        tasks = [rulebook.deliver(1, signature=f"s{number}") for number in range(4)]
        tasks.append(rulebook.deliver(1, event_id="e-9", signature="s0"))
        await settled()
        assert not any(task.done() for task in tasks)
        assert await rulebook.take(2) == ["busy", {"n": 1}]
        assert [await task for task in tasks] == ["new"] + ["duplicate"] * 4

    play(story)


def test_a_withdrawn_event_is_new_and_a_dispatched_one_is_not() -> None:
    async def story() -> None:
        rulebook = Rulebook()
        await rulebook.queue.put("busy")
        dispatched, withdrawn = rulebook.deliver(1), rulebook.deliver(2)
        assert "in time" in await dispatched
        assert "in time" in await withdrawn
        assert await rulebook.take(2) == ["busy", {"n": 1}]
        await settled()
        assert rulebook.queue.empty()
        assert await rulebook.deliver(1) == "duplicate"
        assert await rulebook.deliver(2) == "new"
        # The signature of a failed attempt cannot be used with another ID either.
        assert await rulebook.deliver(2, event_id="e-9") == "duplicate"
        assert await rulebook.take(1) == [{"n": 2}]

    play(story)


def test_a_second_attempt_keeps_the_place_of_the_first() -> None:
    async def story() -> None:
        rulebook = Rulebook()
        await rulebook.queue.put("busy")
        blocking, first = rulebook.deliver(1), rulebook.deliver(2)
        await asyncio.sleep(TIMEOUT / 2)
        second, later = rulebook.deliver(2), rulebook.deliver(3)
        assert "in time" in await first
        assert "in time" in await blocking
        assert await rulebook.take(4) == ["busy", {"n": 1}, {"n": 2}, {"n": 3}]
        assert (await second, await later) == ("duplicate", "new")

    play(story)


def test_the_number_of_waiting_deliveries_is_limited() -> None:
    async def story() -> None:
        rulebook = Rulebook(max_waiting=2)
        assert await rulebook.deliver(1) == "new"
        waiting = [rulebook.deliver(2), rulebook.deliver(3)]
        await settled()
        assert "2 deliveries" in await rulebook.deliver(4)
        # A known event does not wait.
        assert await rulebook.deliver(1) == "duplicate"
        await rulebook.take(3)
        assert [await task for task in waiting] == ["new", "new"]
        assert await rulebook.deliver(4) == "new"

    play(story)


def test_a_failed_filter_refuses_the_event_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        rulebook = Rulebook()
        put = rulebook.queue.put

        async def failing(event: Any) -> None:
            if event == {"n": 1}:
                raise KeyError("confidential")
            await put(event)

        monkeypatch.setattr(rulebook.queue, "put", failing)
        for _attempt in range(2):
            reason = await rulebook.deliver(1)
            assert "KeyError" in reason
            assert "confidential" not in reason
        assert await rulebook.deliver(2) == "new"

    play(story)


def test_a_discarded_signature_is_never_dispatched() -> None:
    async def story() -> None:
        rulebook = Rulebook()
        rulebook.dispatcher.discard("e-1", "s-1")
        assert await rulebook.deliver(1) == "duplicate"
        assert await rulebook.deliver(1, signature="signed again") == "new"

    play(story)


@given(st.integers(0, 40), st.integers(1, 4))
def test_an_end_at_any_moment_answers_for_each_event(turns: int, count: int) -> None:
    """An event was taken exactly if its delivery was accepted; nothing is accepted after the end."""

    async def story() -> None:
        rulebook = Rulebook()
        await rulebook.queue.put("busy")
        waiting = [rulebook.deliver(number) for number in range(count)]
        await settled()
        await rulebook.take(1)
        for _turn in range(turns):
            await asyncio.sleep(0)
        await rulebook.end()
        outcomes = [await task for task in waiting]
        assert all(outcome == "new" or "source" in outcome for outcome in outcomes)
        assert outcomes.count("new") == rulebook.queue.qsize()
        assert "source" in await rulebook.deliver(9)

    play(story)


@settings(max_examples=60)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32))
def test_no_event_is_lost_or_doubled(count: int, max_waiting: int, seed: int) -> None:
    """Senders repeat a delivery until it is accepted, some of them twice at a time, and the rulebook is slow."""
    numbers, chance = range(count), random.Random(seed)
    pauses = [0, 0.3, 1.0, 2.5]

    async def story() -> None:
        rulebook = Rulebook(max_waiting)
        taken: list[int] = []

        async def work() -> None:
            while True:
                taken.append((await rulebook.queue.get())["n"])
                await asyncio.sleep(chance.choice(pauses))

        async def send(number: int) -> None:
            while True:
                copies = chance.choice((1, 2))
                outcomes = await asyncio.gather(*[rulebook.deliver(number) for _each in range(copies)])
                if {"new", "duplicate"} & set(outcomes):
                    return
                await asyncio.sleep(0.2 + chance.choice(pauses))

        working = asyncio.ensure_future(work())
        await asyncio.gather(*map(send, numbers))
        while not rulebook.queue.empty():
            await asyncio.sleep(1)
        working.cancel()
        assert sorted(taken) == list(numbers)

    play(story)


@pytest.mark.parametrize("files, limit", [(64, 16), (1024, 256), (10**6, 500), (3, 1), (-1, 500)])
def test_connection_limit_follows_the_file_limit(monkeypatch: pytest.MonkeyPatch, files: int, limit: int) -> None:
    resource = webhook_connections.resource
    monkeypatch.setattr(resource, "RLIM_INFINITY", -1)
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (files, -1))
    assert webhook_connections.connection_limit() == limit
