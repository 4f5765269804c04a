# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the hostile server: the records of both APIs with their earlier versions, and a journal of requests."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Callable, Mapping, Protocol, Sequence

from ansible_collections.secops.itsm.tests.campaign.behaviours import LASTING
from ansible_collections.secops.itsm.tests.campaign.clock import VirtualClock

START = datetime(2026, 11, 21, 6, 0, 0, tzinfo=timezone.utc)

#: Duration of each request in virtual seconds.
REQUEST_SECONDS = 0.05

#: Workspace, source and id of an incident.
Key = tuple[str, str, str]

Values = dict[str, Any]


class Record:
    """An incident or a ticket.

    :param values: the values.
    :param at: the time of creation.
    """

    def __init__(self, values: Values, at: float = float("-inf")) -> None:
        self.versions: list[tuple[float, Values]] = [(at, values)]
        #: The values if only other users had changed the record.
        self.others: Values = copy.deepcopy(values)
        #: The values, or fields of a ticket, that the tasks of the story may change.
        self.ours: set[str] = set()

    @property
    def now(self) -> Values:
        """Return the current values, which must not be changed in place."""
        return self.versions[-1][1]

    def at(self, moment: float) -> Values | None:
        """Return the values at a point in time, or None before the record existed."""
        return next((values for since, values in reversed(self.versions) if since <= moment), None)


class Target(Protocol):
    """A thing that a story changes."""

    def is_wanted(self) -> bool:
        """Return whether it has the wanted state."""

    def owns(self, write: Exchange) -> bool:
        """Return whether a write changes it."""


@dataclass
class Exchange:
    """A request with its response.

    :param run: the name of the run that sent the request.
    :param kind: the operation, such as "create".
    :param subject: the key of the incident, or the identity of the ticket.
    :param is_write: whether the request is a write.
    :param note: the faults, and what other users did right before the request.
    :param applied: whether the write was processed.
    :param changed: whether the write changed a record.
    :param was_wanted: whether the target already had the wanted state.
    :param prefix: the prefix of the API, which the path does not contain.
    """

    run: str
    time: float
    method: str
    path: str
    body: Any
    kind: str = ""
    subject: Any = None
    is_write: bool = False
    note: list[str] = field(default_factory=list)
    status: int = 0
    response: Any = None
    applied: bool = False
    changed: bool = False
    was_wanted: bool = False
    prefix: str = "/api/v2"


class World:
    """The state of one story.

    :param seed: the seed of all random numbers.
    :param forms: the formats of valid responses.
    :param behaviours: the behaviours of the server while it is hostile.
    """

    def __init__(self, seed: int, forms: Mapping[str, str], behaviours: frozenset[str]) -> None:
        self.seed = seed
        self.forms = forms
        self.behaviours = behaviours
        self.clock = VirtualClock()
        self.incidents: dict[Key, Record] = {}
        self.tickets: dict[str, Record] = {}
        #: The targets of the current task.
        self.targets: Sequence[Target] = ()
        self.journal: list[Exchange] = []
        self.run = ""
        self.is_hostile = False
        draw = Random(f"{seed}/world")
        #: Probability of a fault of a single request.
        self.rate = draw.choice((0.15, 0.35, 0.7))
        self.lag = draw.choice((0.3, 1.5, 4.0))
        #: Subjects that another run has already written.
        self.twins: set[Any] = set()
        #: Identities of the tickets of the story: team, type and offer, the identifying field, its value, and a tag.
        self.identities: list[tuple[tuple[str, str, str], str | None, str, str]] = []
        self.limited_workspace: str | None = None
        #: Display numbers of tickets that only exist in the ticketing system of ContraForce.
        self.service_tickets: list[str] = []
        self._pending: list[tuple[float, Callable[[], None]]] = []
        self._counts: dict[str, int] = {}
        self._serial = 100

    def has(self, behaviour: str) -> bool:
        """Return whether the server currently shows a behaviour."""
        return behaviour in self.behaviours and (self.is_hostile or behaviour in LASTING)

    def random(self, *purpose: object) -> Random:
        """Return a random generator for a purpose, the same in each replay.

        :param purpose: identifies the purpose; each call with the same purpose returns another generator.
        """
        name = "/".join(str(part) for part in (self.seed, self.run, *purpose))
        self._counts[name] = self._counts.get(name, 0) + 1
        return Random(f"{name}/{self._counts[name]}")

    def emptied(self, offset: int) -> bool:
        """Return whether a page was already returned empty in this run, and record that it was."""
        key = f"{self.run}/empty/{offset}"
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] > 1

    def begin(self, run: str, is_hostile: bool) -> None:
        """Start a run, long after all earlier events.

        :param run: the name of the run.
        :param is_hostile: whether the server shows its behaviours.
        """
        self.clock.sleep(15.0)
        self.settle(everything=True)
        self.run, self.is_hostile = run, is_hostile

    # --- records

    def change(self, record: Record, by_others: bool = False, **values: Any) -> bool:
        """Change a record, and return whether its values are different from before.

        :param record: the record.
        :param by_others: whether another user changes it.
        :param values: the new values.
        """
        if by_others:
            record.others.update(copy.deepcopy(values))
        if all(record.now.get(name) == value for name, value in values.items()):
            return False
        record.versions.append((self.clock.now(), {**record.now, **values, "updated": self.clock.now()}))
        return True

    def add_incident(self, key: Key, **values: Any) -> Record:
        """Add an incident."""
        number = 1000 + len(self.incidents)
        defaults: Values = {
            "number": number,
            "title": f"Suspicious sign-in {number}",
            "severity": "Medium",
            "status": "New",
            "classification": None,
            "reason": None,
            "user": None,
            "ticket": None,
            "comments": [],
            "created": self.clock.now() - 3600.0,
            "updated": self.clock.now() - 3600.0,
        }
        self.incidents[key] = Record({**defaults, **values})
        return self.incidents[key]

    def comment(self, author: str, text: str, **values: Any) -> Values:
        """Return a new comment.

        :param author: "us" or another author.
        :param text: the message.
        :param values: other values.
        """
        self._serial += 1
        return {"id": self._serial, "author": author, "text": text, "created": self.clock.now(), **values}

    def add_ticket(self, values: Values, at: float | None = None) -> Record:
        """Add a ticket, and return its record.

        :param values: ``team``, ``item_type``, ``offer``, ``summary``, ``data``, ``tag``, ``by`` and others.
        :param at: the time of creation; by default, long ago.
        """
        self._serial += 1
        defaults: Values = {
            "object_id": f"CTC-{self._serial:04}",
            "serial": self._serial,
            "etag": self.uuid("etag"),
            "deleted": False,
            "by": "others",
            "tag": None,
            "created": self.clock.now() if at is not None else self.clock.now() - 100_000.0 + self._serial,
        }
        record = Record({**defaults, "updated": defaults["created"], **values}, float("-inf") if at is None else at)
        self.tickets[record.now["object_id"]] = record
        return record

    def uuid(self, *purpose: object) -> str:
        """Return a new UUID."""
        return str(uuid.UUID(int=self.random("uuid", *purpose).getrandbits(128), version=4))

    def identity_of(self, home: tuple[str, ...], summary: str, fields: Mapping[str, Any]) -> str | None:
        """Return the tag of the identity of a new ticket, or None if the story does not contain such a ticket.

        :param home: the team, the type and the offer.
        :param summary: the summary that was sent.
        :param fields: the field values that were sent, by UUID.
        """
        return next(
            (
                tag
                for wanted_home, field, value, tag in self.identities
                if home == wanted_home and (summary if field is None else fields.get(field)) == value
            ),
            None,
        )

    def tagged(self, tag: Any) -> list[Values]:
        """Return the tickets of an identity that are not deleted."""
        return [
            record.now
            for record in list(self.tickets.values())
            if tag is not None and record.now["tag"] == tag and not record.now["deleted"]
        ]

    # --- time

    @property
    def shown_at(self) -> float:
        """Return the time of the state that reads show."""
        return self.clock.now() - (self.lag if self.has("read_lag") else 0.0)

    def timestamp(self, moment: float) -> str:
        """Return a virtual time in the format of the server."""
        when = START + timedelta(seconds=moment)
        form = self.forms["times"]
        if form == "seconds":
            return when.strftime("%Y-%m-%dT%H:%M:%SZ")
        if form == "seven digits":
            return when.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        milliseconds = when.isoformat(timespec="milliseconds")
        return milliseconds if form == "offset" else milliseconds.replace("+00:00", "Z")

    def later(self, effect: Callable[[], None]) -> None:
        """Let a write take effect some seconds later.

        Even with delayed reads, it must be visible within the shortest ``verify_timeout``. A write that becomes visible
        later may be sent twice, which is a documented limit.

        :param effect: applies the write.
        """
        self._pending.append((self.clock.now() + self.lag / (2 if self.has("read_lag") else 1), effect))

    def settle(self, everything: bool = False) -> None:
        """Apply the delayed writes that are due.

        :param everything: whether to wait for the others, too.
        """
        due = [entry for entry in self._pending if everything or entry[0] <= self.clock.now()]
        self._pending = [entry for entry in self._pending if entry not in due]
        for moment, effect in due:
            self.clock.sleep(moment - self.clock.now())
            effect()

    def without_effect(self, handle: Callable[[], Any]) -> Any:
        """Return the response to a write, and undo its effect.

        :param handle: handles the write.
        """
        records = [*self.incidents.values(), *self.tickets.values()]
        lengths = [len(record.versions) for record in records]
        tickets = dict(self.tickets)
        response = handle()
        self.tickets = tickets
        for record, length in zip(records, lengths):
            del record.versions[length:]
        return response
