# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks for the list of incidents again and again, and hands each new incident to a rulebook once.

No incident is lost that comes up while the service cannot be reached or the rulebook is down: what was asked for last
moves on only when all of it was handed over (CF-A22 in the README).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
from datetime import datetime, timezone
from functools import partial
from typing import Any, Awaitable, Callable, Mapping, Protocol, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_list import FILTER_SPEC, list_incidents
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.instants import spelled_utc
from ansible_collections.secops.itsm.plugins.module_utils.job import Job, Shell, perform
from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.runner import connection_spec, missing_library
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import checked_options
from ansible_collections.secops.itsm.plugins.plugin_utils.event_values import for_rules
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import LISTED
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_poll_memory import Memory, StateFile
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import CREATED

LOGGER = logging.getLogger("secops.itsm.contraforce_incidents")

#: The options besides those of the connection. The time filters of the list are missing: the time is what moves.
POLL_SPEC: Mapping[str, Mapping[str, Any]] = {
    **{name: option for name, option in FILTER_SPEC.items() if not name.startswith("time_")},
    "statuses": {**FILTER_SPEC["statuses"], "default": ["New", "Active"]},
    "interval": {"type": "int", "default": 60},
    "overlap": {"type": "int", "default": 900},
    "lookback": {"type": "int", "default": 900},
    "state_file": {"type": "path"},
    "remember": {"type": "int", "default": 30},
}

#: The least and the most of each number, and what it counts.
RANGES: Mapping[str, tuple[int, int, str]] = {
    "interval": (5, 86_400, "seconds"),
    "overlap": (0, 2_592_000, "seconds"),
    "lookback": (0, 315_360_000, "seconds"),
    "remember": (1, 3_650, "days"),
}

#: The longest wait after failures, in seconds, unless the interval is longer.
LONGEST_WAIT = 900

#: Seconds by which this machine's clock may be ahead of the service's, however short the overlap is.
LEAST_LEAD = 30

#: After how many seconds what was handed over so far is written down, although the batch goes on.
WRITE_EVERY = 5.0

Value = TypeVar("Value")


class Queue(Protocol):
    """What ansible-rulebook gives a source."""

    async def put(self, event: Any) -> Any:
        """Hand an event over; waits while the rulebook is slow."""


def poll_spec() -> dict[str, Any]:
    """The argument spec of the source."""
    return {**connection_spec(CONTRAFORCE_OPTIONS), **POLL_SPEC}


def poll_options(args: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the source, checked as far as that can be done without asking the service.

    :param args: what ansible-rulebook gives.
    :raises ValueError: with one sentence, which holds no secret.
    """
    options = checked_options(poll_spec(), args)
    for name, (least, most, unit) in RANGES.items():
        if not least <= options[name] <= most:
            raise ValueError(f"{name} must be a number of {unit} from {least} to {most}.")
    return options


def event_of(record: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A listed incident as an event, of the shape of the webhook's.

    :param record: as the service listed it.
    :param now: the present.
    """
    listed, moment = spelled_utc(now, "seconds"), record.get(CREATED)
    payload = {
        "type": LISTED,
        "timestamp": listed,
        "isTest": False,
        "occurredAt": moment if isinstance(moment, str) else listed,
        "data": for_rules(dict(record)),
    }
    return {"payload": payload, "meta": {"endpoint": "incidents/across-workspaces", "headers": {}}}


def incidents_since(options: Mapping[str, Any], begin: datetime) -> list[dict[str, Any]]:
    """The incidents that were created since a point in time, without any secret of ours.

    Each list has a connection of its own: until the next one, a service closes it anyhow.

    :param options: checked.
    :param begin: in UTC.
    :raises ApiError: whatever reading raises; its message is one line without a secret.
    """
    wanted = {**options, "time_from": spelled_utc(begin, "seconds")}
    secrecy, lines = Secrecy(CONTRAFORCE_OPTIONS, lambda: wanted), Lines()

    def read(api: ContraForceApi, filters: Mapping[str, Any], _run: Run) -> Result:
        incidents = list_incidents(api, filters)[0]
        check_clock(api.clock_lead, options["overlap"])
        return Result(changed=False, values=secrecy.values({"incidents": incidents}))

    try:
        shell = Shell(check_mode=False, diff_mode=False, secrecy=secrecy, lines=lines)
        end = perform(Job(CONTRAFORCE_SERVICE, {}, read), wanted, shell)
    finally:
        lines.close()
    if isinstance(end, ApiError):
        raise end.retold(_one_line(secrecy.text(str(end))))
    return list(end.values["incidents"])


def check_clock(lead: float | None, overlap: int) -> None:
    """Refuse to go on with a clock that is ahead of the service's: what is raised in between would never be asked for.

    :param lead: of this machine's clock, in seconds, if the service told its time.
    :param overlap: how far back each poll looks, in seconds.
    :raises ApiError: C(unavailable), so that the poll counts as failed, and nothing moves on.
    """
    if lead is not None and lead > max(overlap / 2, LEAST_LEAD):
        raise ApiError(
            f"The clock of this machine is {lead:.0f} seconds ahead of the service's; set it right, for incidents are "
            "asked for by their time.",
            "unavailable",
            retryable=True,
        )


def _one_line(text: str) -> str:
    """A text as a line of a log, whatever a service has said."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


async def in_thread(work: Callable[[], Value]) -> Value:
    """Wait for what blocks, without holding up the rulebook. When it is cancelled, nobody waits for the thread.

    asyncio's own threads would be waited for at the end of the process, and a request may hang for long.

    :param work: done in a thread.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Value] = loop.create_future()

    def give(settle: Callable[[], None]) -> None:
        if not future.done():
            settle()

    def run() -> None:
        try:
            settle = partial(future.set_result, work())
        except BaseException as error:
            settle = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(give, settle)

    threading.Thread(target=run, daemon=True, name="contraforce_incidents").start()
    return await future


def wait_after(failures: int, interval: int, share: float) -> float:
    """How long to wait after failures in a row, in seconds.

    :param failures: how many.
    :param interval: between polls that go well, in seconds.
    :param share: from 0 to 1, by chance, so that many sources do not come back together.
    """
    longest = max(interval, LONGEST_WAIT)
    return min(interval * 2.0 ** min(failures, 20), longest) * (0.75 + 0.25 * share)


class Poller:
    """Polls for ever.

    :param queue: of the rulebook.
    :param options: checked.
    :param since: gives the incidents that were created since a point in time.
    :param sleep: waits for seconds.
    """

    def __init__(
        self,
        queue: Queue,
        options: Mapping[str, Any],
        since: Callable[[datetime], list[dict[str, Any]]],
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._queue = queue
        self._options = options
        self._since = since
        self._sleep = sleep
        self._file = StateFile(options["state_file"])
        self._failures = 0
        self._has_polled = False
        self._written = time.monotonic()

    async def run(self) -> None:
        """Poll until the task is cancelled.

        :raises ValueError: for options that turn out to be wrong at the first poll, and a file that cannot be written.
        """
        memory = self._file.memory(self._options, _now())
        while True:
            await self._sleep(await self.poll(memory))

    async def poll(self, memory: Memory) -> float:
        """Ask once, and hand over what is new.

        :param memory: of what was handed over.
        :returns: after how many seconds to ask again.
        """
        now, started = _now(), time.monotonic()
        begin = memory.begin(now)
        try:
            records = await in_thread(lambda: self._since(begin))
        except ApiError as failure:
            return self._failed(failure)
        self._succeeded()
        for name, record in memory.news(records).items():
            await self._queue.put(event_of(record, _now()))
            memory.handed(name, record, _now())
            if time.monotonic() - self._written > WRITE_EVERY:
                self._write(memory)
        memory.done(now)
        self._write(memory)
        return max(0.0, float(self._options["interval"]) - (time.monotonic() - started))

    def _failed(self, failure: ApiError) -> float:
        if failure.category == "configuration" and not self._has_polled:
            raise ValueError(failure.message)
        self._failures += 1
        wait = wait_after(self._failures, self._options["interval"], random.random())
        LOGGER.warning("%s The next poll is in %.0f seconds; no incident is lost.", failure.message, wait)
        return wait

    def _succeeded(self) -> None:
        if self._failures:
            LOGGER.warning("The list of incidents can be read again; polls that failed: %d.", self._failures)
        self._failures, self._has_polled = 0, True

    def _write(self, memory: Memory) -> None:
        self._written = time.monotonic()
        try:
            self._file.write(memory)
        except OSError as error:
            LOGGER.warning("state_file could not be written this time: %s.", error.strerror)


async def poll_incidents(queue: Queue, args: Mapping[str, Any]) -> None:
    """The source.

    :param queue: of the rulebook.
    :param args: what ansible-rulebook gives.
    :raises ValueError: for what is wrong with the options, in a sentence without a secret.
    """
    options = poll_options(args)
    missing = missing_library()
    if missing:
        raise ValueError(missing)
    await Poller(queue, options, partial(incidents_since, options)).run()


def _now() -> datetime:
    return datetime.now(timezone.utc)
