# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The state of the polling event source: which incidents it dispatched. It can be kept in a file across restarts."""

from __future__ import annotations

import json
import math
import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import SOURCES
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, canonical_source
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_events import parse_identifier
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import CREATED_FIELD

#: Maximum number of incidents to remember, except those that the list may return again.
MAX_KNOWN = 50_000

#: How far this machine's clock may be behind without an incident being dispatched again once it is corrected.
MAX_CLOCK_LAG = timedelta(days=366)

STATE_VERSION = 1
SECOND = timedelta(seconds=1)


@dataclass
class PollState:
    """The dispatched incidents, and the start of the next poll.

    :param floor: incidents created earlier are ignored, or were removed from the state.
    :param cursor: the start of the last poll whose incidents were all dispatched.
    :param overlap: how long it may take until the list contains an incident.
    :param remember: how long an incident is remembered.
    :param known: the dispatched incidents, each with a Unix time by which it was created.
    """

    floor: datetime
    cursor: datetime
    overlap: timedelta
    remember: timedelta
    known: dict[str, int] = field(default_factory=dict)

    @classmethod
    def initial(cls, options: Mapping[str, Any], now: datetime) -> PollState:
        """Return the state of a source that has not run before.

        :param options: the validated options.
        :param now: the current time.
        """
        begin = now - timedelta(seconds=options["lookback"])
        return cls(begin, begin, *_durations(options))

    @classmethod
    def from_text(cls, text: str, options: Mapping[str, Any]) -> PollState:
        """Return the state that an earlier run wrote.

        :param text: the content of the file.
        :param options: the validated options.
        :raises ValueError: if it is not a state of this source.
        """
        try:
            state = json.loads(text)
            known = {str(name): int(moment) for name, moment in state["known"].items()}
            floor, cursor = (_valid_time(instant(state[name])) for name in ("floor", "cursor"))
        except (LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError):
            raise ValueError("it was not written by this source") from None
        if state.get("version") != STATE_VERSION:
            raise ValueError(f"its version is not {STATE_VERSION}")
        return cls(floor, cursor, *_durations(options), known)

    def as_text(self) -> str:
        """Return the content of the file."""
        moments = {name: spelled_utc(getattr(self, name), "microseconds") for name in ("floor", "cursor")}
        return json.dumps({"version": STATE_VERSION, **moments, "known": self.known})

    def start_time(self, now: datetime, running: timedelta = timedelta(0)) -> datetime:
        """Return the point in time from which to list incidents.

        :param now: the current time.
        :param running: how long the source has been running, by a monotonic clock.
        """
        if self.cursor > now:
            # The clock was set back, so any incident since the start of the source may be new, as long as incidents
            # are remembered. Known incidents are not dispatched again.
            self.cursor = now - min(running, self.remember)
            self.floor = min(self.floor, self.cursor, now - self.overlap)
        return min(max(self.floor, self.cursor - self.overlap), now - SECOND)

    def new_incidents(self, records: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Return the new incidents by identity, the oldest first.

        An incident created before the floor is not new, even if the list contains it because of recent activity. An
        analyst may just have reopened it, and a rulebook must not close it again.

        :param records: the incidents as the service listed them.
        """
        found: dict[str, Mapping[str, Any]] = {}
        for record in sorted(records, key=lambda record: creation_time(record) or self.floor):
            name, moment = incident_identity(record), creation_time(record)
            if name not in self.known and (moment is None or moment >= self.floor):
                found[name] = record
        return found

    def mark_delivered(self, name: str, record: Mapping[str, Any], now: datetime) -> None:
        """Record that an incident was dispatched.

        :param name: its identity.
        :param record: the incident as the service listed it.
        :param now: the current time.
        """
        # The clock of the service may be ahead of this machine's.
        latest = min(max(creation_time(record) or now, now), now + MAX_CLOCK_LAG)
        self.known[name] = math.ceil(latest.timestamp())

    def complete_poll(self, began: datetime) -> None:
        """Advance the cursor after all incidents were dispatched, and remove those that no later poll can return.

        :param began: the start of the poll, or an earlier time if the clock may be wrong.
        """
        self.cursor = began
        self._forget(began - max(self.remember, self.overlap))
        if len(self.known) > MAX_KNOWN:
            latest = sorted(self.known.values())[len(self.known) - MAX_KNOWN - 1]
            self._forget(min(datetime.fromtimestamp(latest + 1, timezone.utc), began - self.overlap))

    def _forget(self, limit: datetime) -> None:
        """Remove incidents created before a point in time. From then on, older incidents never count as new."""
        self.floor = max(self.floor, limit)
        self.known = {name: moment for name, moment in self.known.items() if moment >= limit.timestamp()}


def _valid_time(moment: datetime | None) -> datetime:
    """Return a point in time in UTC.

    :raises ValueError: if it is missing or not usable in calculations.
    """
    if moment is None or not 1971 <= moment.year < 9000:
        raise ValueError("the point in time is not usable")
    return moment.astimezone(timezone.utc)


def _durations(options: Mapping[str, Any]) -> tuple[timedelta, timedelta]:
    return timedelta(seconds=options["overlap"]), timedelta(days=options["remember"])


def creation_time(record: Mapping[str, Any]) -> datetime | None:
    """Return the time of creation of an incident, or None if it is not shown.

    :param record: the incident as the service listed it.
    """
    return instant(record.get(CREATED_FIELD))


def confirmed_time(records: Iterable[Mapping[str, Any]], cursor: datetime, now: datetime) -> datetime:
    """Return the latest time that the service is known to have reached, from the incidents that it lists.

    Incidents that the list adds later were created at most the overlap before that time.

    :param records: the incidents as the service listed them.
    :param cursor: a time that the service had reached before.
    :param now: the time of this machine's clock, which may be ahead.
    """
    shown = [moment for moment in map(creation_time, records) if moment and cursor <= moment <= now]
    return max(shown, default=min(cursor, now)).astimezone(timezone.utc)


def incident_identity(record: Mapping[str, Any]) -> str:
    """Return the identity of an incident in the state.

    Without a workspace (CF-A17), the identity includes the time of creation, because incidents of several workspaces
    may share an id. Without an id, it includes the time of creation and the title.

    :param record: the incident as the service listed it.
    """
    workspace, source = str(record.get(LISTED_WORKSPACE_KEY) or ""), canonical_source(record.get("source")) or ""
    key = IncidentKey(workspace, source if source in SOURCES else source.lower(), str(record.get("id")))
    if parse_identifier(record.get("id")) is None:
        return json.dumps([*key.identity, record.get(CREATED_FIELD), title_of(record)])
    return json.dumps([*key.identity, *([] if workspace else [record.get(CREATED_FIELD)])])


class StateFile:
    """The file that keeps the state across restarts.

    :param path: the path of the file, or None to keep nothing.
    """

    def __init__(self, path: str | None) -> None:
        # Replace the target of a link, not the link.
        self._path = Path(os.path.realpath(path)) if path else None

    def load(self, options: Mapping[str, Any], now: datetime) -> PollState:
        """Return the state of an earlier run, or write and return a new one.

        :param options: the validated options.
        :param now: the current time.
        :raises ValueError: if the file cannot be written, or is not a state file, in which case it is kept.
        """
        state = self._read(options) or PollState.initial(options, now)
        try:
            self.write(state)
        except OSError as error:
            raise ValueError(f"state_file cannot be written: {self._path}: {error.strerror}.") from None
        return state

    def _read(self, options: Mapping[str, Any]) -> PollState | None:
        try:
            text = self._path.read_text(encoding="utf-8") if self._path else ""
            # An empty file counts as a missing one.
            return PollState.from_text(text, options) if text.strip() else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            if isinstance(error, UnicodeDecodeError):
                reason = "it is not UTF-8 text"
            raise ValueError(
                f"state_file cannot be used: {self._path}: {reason}. Set another file, or remove this one to start "
                "with a new state."
            ) from None

    def write(self, state: PollState) -> None:
        """Replace the file atomically; only its owner can read it.

        :param state: the state to write.
        :raises OSError: if the file cannot be written.
        """
        if not self._path:
            return
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(state.as_text())
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            os.unlink(name)
            raise
