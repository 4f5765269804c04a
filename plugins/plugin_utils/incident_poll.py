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
import json
import logging
import math
import os
import random
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any, Awaitable, Callable, Iterable, Mapping, Protocol, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_list import FILTER_SPEC, list_incidents
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import SOURCES, IncidentKey, spelled
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.module_utils.job import Job, Shell, perform
from ansible_collections.secops.itsm.plugins.module_utils.lines import Lines
from ansible_collections.secops.itsm.plugins.module_utils.runner import connection_spec, missing_library
from ansible_collections.secops.itsm.plugins.module_utils.secrecy import Secrecy
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import checked_options
from ansible_collections.secops.itsm.plugins.plugin_utils.event_values import for_rules
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import LISTED
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

#: How many incidents are remembered, and more only while the list may show them again.
MOST_KNOWN = 50_000

#: The longest wait after failures, in seconds, unless the interval is longer.
LONGEST_WAIT = 900

#: Seconds by which this machine's clock may be ahead of the service's, however short the overlap is.
LEAST_LEAD = 30

#: After how many seconds what was handed over so far is written down, although the batch goes on.
WRITE_EVERY = 5.0

STATE_VERSION = 1
SECOND = timedelta(seconds=1)

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


@dataclass
class Memory:
    """What was handed over, and from when on to ask.

    :param floor: an incident that was created before is none of ours, or was forgotten.
    :param cursor: when the last listing began of which everything was handed over.
    :param overlap: how long the list may take to show an incident.
    :param remember: how long an incident is remembered.
    :param known: the incidents that were handed over, each with a time, in seconds, by which it was created.
    """

    floor: datetime
    cursor: datetime
    overlap: timedelta
    remember: timedelta
    known: dict[str, int] = field(default_factory=dict)

    @classmethod
    def anew(cls, options: Mapping[str, Any], now: datetime) -> Memory:
        """The memory of a source that never ran.

        :param options: checked.
        :param now: the present.
        """
        begin = now - timedelta(seconds=options["lookback"])
        return cls(begin, begin, *_spans(options))

    @classmethod
    def from_text(cls, text: str, options: Mapping[str, Any]) -> Memory:
        """What an earlier run wrote down.

        :param text: the content of the file.
        :param options: checked.
        :raises ValueError: when it is none of ours.
        """
        try:
            state = json.loads(text)
            known = {str(name): int(moment) for name, moment in state["known"].items()}
            floor, cursor = (_plausible(instant(state[name])) for name in ("floor", "cursor"))
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError):
            raise ValueError("it does not hold what this source writes") from None
        if state.get("version") != STATE_VERSION:
            raise ValueError(f"it is not of version {STATE_VERSION}")
        return cls(floor, cursor, *_spans(options), known)

    def as_text(self) -> str:
        """The content of the file."""
        moments = {name: spelled_utc(getattr(self, name), "microseconds") for name in ("floor", "cursor")}
        return json.dumps({"version": STATE_VERSION, **moments, "known": self.known})

    def begin(self, now: datetime) -> datetime:
        """From when on to ask for incidents.

        :param now: the present.
        """
        if self.cursor > now:  # the clock was set back; what is remembered keeps all from being handed over again
            self.cursor, self.floor = now, min(self.floor, now - self.overlap)
        return min(max(self.floor, self.cursor - self.overlap), now - SECOND)

    def news(self, records: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """The incidents that have to be handed over, by what they are remembered by, the oldest ones first.

        One that was created before the floor is none of them although the list has it, because it was active of late:
        an analyst may just have reopened it, and no rulebook should close it under his hands.

        :param records: as the service listed them.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for record in sorted(records, key=lambda record: created(record) or self.floor):
            name, moment = identity(record), created(record)
            if name not in self.known and (moment is None or moment >= self.floor):
                found[name] = record
        return found

    def handed(self, name: str, record: Mapping[str, Any], now: datetime) -> None:
        """Remember an incident that was handed over.

        :param name: what it is remembered by.
        :param record: as the service listed it.
        :param now: the present.
        """
        # The clock of the service may be ahead of ours.
        latest = min(max(created(record) or now, now), now + timedelta(days=1))
        self.known[name] = math.ceil(latest.timestamp())

    def done(self, began: datetime) -> None:
        """Move on, for all of a listing was handed over, and forget what no later listing can bring again.

        :param began: when the listing began.
        """
        self.cursor = began
        self._forget(began - max(self.remember, self.overlap))
        if len(self.known) > MOST_KNOWN:
            latest = sorted(self.known.values())[len(self.known) - MOST_KNOWN - 1]
            self._forget(min(datetime.fromtimestamp(latest + 1, timezone.utc), began - self.overlap))

    def _forget(self, limit: datetime) -> None:
        """Forget what was created before a point in time, and take nothing of that time for new again."""
        self.floor = max(self.floor, limit)
        self.known = {name: moment for name, moment in self.known.items() if moment >= limit.timestamp()}


def _plausible(moment: datetime | None) -> datetime:
    """A point in time from which one can count.

    :raises ValueError: when it is none.
    """
    if moment is None or not 1971 <= moment.year < 9000:
        raise ValueError("no point in time")
    return moment.astimezone(timezone.utc)


def _spans(options: Mapping[str, Any]) -> tuple[timedelta, timedelta]:
    return timedelta(seconds=options["overlap"]), timedelta(days=options["remember"])


def created(record: Mapping[str, Any]) -> datetime | None:
    """When an incident was created, if that is shown.

    :param record: as the service listed it.
    """
    return instant(record.get(CREATED))


def identity(record: Mapping[str, Any]) -> str:
    """What an incident is remembered by.

    Without its workspace (CF-A17) one of another workspace may have the same id, but hardly from the same moment.

    :param record: as the service listed it.
    """
    workspace, source = str(record.get(LISTED_WORKSPACE_KEY) or ""), str(record.get("source") or "")
    key = IncidentKey(workspace, spelled(source, SOURCES) or source.lower(), str(record.get("id")))
    return json.dumps([*key.identity, *([] if workspace else [record.get(CREATED)])])


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


class StateFile:
    """Where the memory is kept over a restart.

    :param path: of the file, or None to keep nothing.
    """

    def __init__(self, path: str | None) -> None:
        # What a link leads to is replaced, and not the link.
        self._path = Path(os.path.realpath(path)) if path else None

    def memory(self, options: Mapping[str, Any], now: datetime) -> Memory:
        """What an earlier run wrote down, or else a new memory, which is written down.

        :param options: checked.
        :param now: the present.
        :raises ValueError: when it cannot be written, or holds something else, which is not to be lost.
        """
        memory = self._read(options) or Memory.anew(options, now)
        try:
            self.write(memory)
        except OSError as error:
            raise ValueError(f"state_file cannot be written: {self._path}: {error.strerror}.") from None
        return memory

    def _read(self, options: Mapping[str, Any]) -> Memory | None:
        try:
            text = self._path.read_text(encoding="utf-8") if self._path else ""
            # An empty file was put there for us.
            return Memory.from_text(text, options) if text.strip() else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            if isinstance(error, UnicodeDecodeError):
                reason = "it is no text in UTF-8"
            raise ValueError(
                f"state_file cannot be used: {self._path}: {reason}. Name another file, or remove this one, and the "
                "source begins anew."
            ) from None

    def write(self, memory: Memory) -> None:
        """Replace the file as a whole; only its owner may read it.

        :param memory: what to keep.
        :raises OSError: when it cannot be written.
        """
        if not self._path:
            return
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(memory.as_text())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            os.unlink(name)
            raise


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
