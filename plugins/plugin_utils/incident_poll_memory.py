# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the polling event source remembers, in a file if it is to outlive a restart: which incidents it handed over."""

from __future__ import annotations

import json
import math
import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import SOURCES, IncidentKey, spelled
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import CREATED

#: How many incidents are remembered, and more only while the list may show them again.
MOST_KNOWN = 50_000

STATE_VERSION = 1
SECOND = timedelta(seconds=1)


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
