# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Poll the list of incidents, and dispatch each new incident to a rulebook once.

Incidents that are raised while the service is unreachable or the rulebook is down are not lost, because the cursor
advances only after all listed incidents were dispatched (CF-A22).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any, Awaitable, Callable, Mapping, Protocol, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import (
    FILTER_SPEC,
    list_incidents,
    malformed_entries_message,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import CONTRAFORCE_SERVICE
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.webhooks import log_safe
from ansible_collections.secops.itsm.plugins.module_utils._engine.ansible_module import connection_spec, missing_library
from ansible_collections.secops.itsm.plugins.module_utils._engine.execution import ExecutionContext, execute
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.module_utils._redaction.secret_registry import SecretRegistry
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.event_options import validate_options
from ansible_collections.secops.itsm.plugins.plugin_utils.event_sanitizer import sanitize
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import LISTED_EVENT, parse_identifier
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import CREATED_FIELD
from ansible_collections.secops.itsm.plugins.plugin_utils.poll_state import (
    PollState,
    StateFile,
    confirmed_time,
)

LOGGER = logging.getLogger("secops.itsm.contraforce_incidents")

#: The options besides those of the connection. The list's time filters are left out, because polling sets the time.
POLL_SPEC: Mapping[str, Mapping[str, Any]] = {
    **{name: option for name, option in FILTER_SPEC.items() if not name.startswith("time_")},
    "statuses": {**FILTER_SPEC["statuses"], "default": ["New", "Active"]},
    "interval": {"type": "int", "default": 60},
    "overlap": {"type": "int", "default": 900},
    "lookback": {"type": "int", "default": 900},
    "state_file": {"type": "path"},
    "remember": {"type": "int", "default": 30},
}

#: The minimum, maximum and unit of each number.
OPTION_RANGES: Mapping[str, tuple[int, int, str]] = {
    "interval": (5, 86_400, "seconds"),
    "overlap": (0, 2_592_000, "seconds"),
    "lookback": (0, 315_360_000, "seconds"),
    "remember": (1, 3_650, "days"),
}

#: Maximum seconds to wait after failures, unless the interval is longer.
BACKOFF_CAP = 900

#: Seconds that this machine's clock may be ahead of the service's, however short the overlap is.
MIN_CLOCK_LEAD = 30

#: Seconds after which the state is written while a batch is still being dispatched.
WRITE_INTERVAL = 5.0

Value = TypeVar("Value")


class Queue(Protocol):
    """The queue that ansible-rulebook passes to a source."""

    async def put(self, event: Any) -> Any:
        """Add an event; wait while the queue is full."""


def poll_spec() -> dict[str, Any]:
    """Return the argument spec of the source."""
    return {**connection_spec(CONTRAFORCE_OPTIONS), **POLL_SPEC}


def poll_options(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the source, validated as far as possible without a request.

    :param args: the options as ansible-rulebook passes them.
    :raises ValueError: if an option is invalid; the message contains no secret.
    """
    options = validate_options(poll_spec(), args)
    for name, (minimum, maximum, unit) in OPTION_RANGES.items():
        if not minimum <= options[name] <= maximum:
            raise ValueError(f"{name} must be a number of {unit} from {minimum} to {maximum}.")
    return options


def listed_event(record: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return a listed incident as an event in the format of a webhook's event.

    :param record: the incident as the service listed it.
    :param now: the current time.
    """
    listed, moment = spelled_utc(now, "seconds"), record.get(CREATED_FIELD)
    payload = {
        "type": LISTED_EVENT,
        "timestamp": listed,
        "isTest": False,
        "occurredAt": moment if isinstance(moment, str) else listed,
        "data": sanitize(dict(record)),
    }
    return {"payload": payload, "meta": {"endpoint": "incidents/across-workspaces", "headers": {}}}


@dataclass(frozen=True)
class PollResult:
    """The result of one poll.

    :param incidents: the incidents as the service listed them.
    :param is_clock_checked: whether the service reported its time, and this machine's clock is right.
    :param odd_entries: the number of further entries that are not incidents.
    """

    incidents: list[dict[str, Any]]
    is_clock_checked: bool = True
    odd_entries: int = 0


def list_since(options: Mapping[str, Any], begin: datetime) -> PollResult:
    """Return the incidents that were created since a point in time, with secrets redacted.

    Each poll opens a connection, because the service would close an idle one until the next poll.

    :param options: the validated options.
    :param begin: the point in time, in UTC.
    :raises ApiError: if the list cannot be read; the message is one line without a secret.
    """
    requested = {**options, "time_from": spelled_utc(begin, "seconds")}
    secrets, connections = SecretRegistry(CONTRAFORCE_OPTIONS, lambda: requested), ConnectionPool()

    def read(api: ContraForceApi, filters: Mapping[str, Any], _run: RunOptions) -> OperationResult:
        listing = list_incidents(api, filters)
        lead = api.clock_lead
        check_clock(lead, options["overlap"])
        shown = {
            "incidents": listing.incidents,
            "is_clock_checked": lead is not None,
            "odd_entries": listing.malformed_entries,
        }
        return OperationResult(changed=False, values=secrets.values(shown))

    try:
        context = ExecutionContext(check_mode=False, diff_mode=False, secrets=secrets, connections=connections)
        result = execute(ModuleDefinition(CONTRAFORCE_SERVICE, {}, read), requested, context)
    finally:
        connections.close()
    if isinstance(result, ApiError):
        raise result.with_message(_one_line(secrets.text(str(result))))
    return PollResult(**result.values)


def check_clock(lead: float | None, overlap: int) -> None:
    """Raise ApiError if this machine's clock is ahead: incidents created in between would never be listed.

    :param lead: seconds that this machine's clock is ahead, or None if the service did not report its time.
    :param overlap: seconds that each poll goes back.
    :raises ApiError: ``unavailable``, so that the poll counts as failed and is repeated.
    """
    if lead is not None and lead > max(overlap / 2, MIN_CLOCK_LEAD):
        raise ApiError(
            f"The clock of this machine is {lead:.0f} seconds ahead of the service's clock. Correct it, because polls "
            "request incidents by time.",
            "unavailable",
            retryable=True,
        )


def _described(record: Mapping[str, Any]) -> str:
    """Return the properties of an incident without a usable id for a log message."""
    shown = {name: record.get(name) for name in ("workspaceId", "source", "number", CREATED_FIELD)}
    shown["title"] = title_of(record)
    return ", ".join(f"{name} {log_safe(str(value))}" for name, value in shown.items() if value is not None)


def _one_line(text: str) -> str:
    """Return a text as one line without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


async def run_in_thread(work: Callable[[], Value]) -> Value:
    """Return the result of a blocking function, run in a thread that is abandoned on cancellation.

    At the end of the process, asyncio would wait for its own threads, and a request may hang for a long time.

    :param work: the blocking function.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Value] = loop.create_future()

    def settle_future(settle: Callable[[], None]) -> None:
        if not future.done():
            settle()

    def run() -> None:
        try:
            settle = partial(future.set_result, work())
        except BaseException as error:
            settle = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle_future, settle)

    threading.Thread(target=run, daemon=True, name="contraforce_incidents").start()
    return await future


def backoff_delay(failures: int, interval: int, share: float) -> float:
    """Return the seconds to wait after consecutive failures.

    :param failures: the number of failures.
    :param interval: seconds between successful polls.
    :param share: a random number from 0 to 1, so that many sources do not retry at the same time.
    """
    cap = max(interval, BACKOFF_CAP)
    return min(interval * 2.0 ** min(failures, 20), cap) * (0.75 + 0.25 * share)


class Poller:
    """Poll the list of incidents until cancelled.

    :param queue: the queue of the rulebook.
    :param options: the validated options.
    :param since: returns the incidents created since a point in time.
    :param sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        queue: Queue,
        options: Mapping[str, Any],
        since: Callable[[datetime], PollResult],
        sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._queue = queue
        self._options = options
        self._list_since = since
        self._sleep = sleep
        self._state_file = StateFile(options["state_file"])
        self._failures = 0
        self._has_polled = False
        self._odd_entries = 0
        self._started = self._written = time.monotonic()

    async def run(self) -> None:
        """Poll until the task is cancelled.

        :raises ValueError: if the first poll shows that options are invalid, or the file cannot be written.
        """
        state = self._state_file.load(self._options, _now())
        while True:
            await self._sleep(await self.poll(state))

    async def poll(self, state: PollState) -> float:
        """Poll once, and dispatch the new incidents.

        :param state: the state of the source.
        :returns: seconds until the next poll.
        """
        now, started = _now(), time.monotonic()
        begin = state.start_time(now, timedelta(seconds=started - self._started))
        try:
            listed = await run_in_thread(lambda: self._list_since(begin))
        except ApiError as failure:
            return self._poll_failed(failure)
        self._poll_succeeded(listed)
        for name, record in state.new_incidents(listed.incidents).items():
            if parse_identifier(record.get("id")) is None:
                LOGGER.warning("An incident without a usable id was skipped: %s.", _described(record))
            else:
                await self._queue.put(listed_event(record, _now()))
            state.mark_delivered(name, record, _now())
            if time.monotonic() - self._written > WRITE_INTERVAL:
                self._write(state)
        # If the clock may be ahead, do not advance beyond what the service has listed.
        state.complete_poll(now if listed.is_clock_checked else confirmed_time(listed.incidents, state.cursor, now))
        self._write(state)
        return max(0.0, float(self._options["interval"]) - (time.monotonic() - started))

    def _poll_failed(self, failure: ApiError) -> float:
        if failure.category == "configuration" and not self._has_polled:
            raise ValueError(failure.message)
        self._failures += 1
        wait = backoff_delay(self._failures, self._options["interval"], random.random())
        LOGGER.warning("%s The next poll starts in %.0f seconds; no incidents are lost.", failure.message, wait)
        return wait

    def _poll_succeeded(self, listed: PollResult) -> None:
        if self._failures:
            LOGGER.warning("The list of incidents can be read again. Number of failed polls: %d.", self._failures)
        if listed.odd_entries not in (0, self._odd_entries):
            LOGGER.warning("%s They were skipped.", malformed_entries_message(listed.odd_entries))
        self._failures, self._has_polled, self._odd_entries = 0, True, listed.odd_entries

    def _write(self, state: PollState) -> None:
        self._written = time.monotonic()
        try:
            self._state_file.write(state)
        except OSError as error:
            LOGGER.warning("state_file could not be written: %s. The next poll tries again.", error.strerror)


async def poll_incidents(queue: Queue, args: Mapping[str, Any]) -> None:
    """Run the event source.

    :param queue: the queue of the rulebook.
    :param args: the options as ansible-rulebook passes them.
    :raises ValueError: if an option is invalid; the message contains no secret.
    """
    options = poll_options(args)
    missing = missing_library()
    if missing:
        raise ValueError(missing)
    await Poller(queue, options, partial(list_since, options)).run()


def _now() -> datetime:
    return datetime.now(timezone.utc)
