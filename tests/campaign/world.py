# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The records behind both APIs, with their former versions, and a journal of everything that happens to them."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Callable, Mapping, Protocol

from ansible_collections.secops.itsm.tests.campaign.behaviours import LASTING
from ansible_collections.secops.itsm.tests.campaign.clock import VirtualClock

START = datetime(2026, 11, 21, 6, 0, 0, tzinfo=timezone.utc)

#: Virtual seconds that each request takes.
REQUEST_SECONDS = 0.05

#: Which incident: workspace, source and id.
Key = tuple[str, str, str]

Values = dict[str, Any]


class Record:
    """An incident or a ticket.

    :param values: what it holds.
    :param at: since when.
    """

    def __init__(self, values: Values, at: float = float("-inf")) -> None:
        self.versions: list[tuple[float, Values]] = [(at, values)]
        #: What it would hold if only other users had changed it.
        self.others: Values = copy.deepcopy(values)
        #: Names of values, or of fields of a ticket, that the story's tasks may change.
        self.ours: set[str] = set()

    @property
    def now(self) -> Values:
        """Return what it holds; not to be changed in place."""
        return self.versions[-1][1]

    def at(self, moment: float) -> Values | None:
        """Return what it held at a moment, or None before it existed."""
        return next((values for since, values in reversed(self.versions) if since <= moment), None)


class Target(Protocol):
    """One thing that a story brings to a wanted state."""

    def is_wanted(self) -> bool:
        """Return True if it is in the wanted state now."""

    def owns(self, write: Exchange) -> bool:
        """Return True if a write is about it."""


@dataclass
class Exchange:
    """One request and the result of it.

    :param run: the run that sent it.
    :param kind: the operation, such as "create".
    :param subject: the incident's key, or the ticket's identity.
    :param is_write: whether it asks for a change.
    :param note: the faults, and what other users did just before it.
    :param applied: whether it was processed.
    :param changed: whether it changed a record.
    :param was_wanted: whether its target was in the wanted state already.
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
    answer: Any = None
    applied: bool = False
    changed: bool = False
    was_wanted: bool = False


class World:
    """The state of one story.

    :param seed: of everything random.
    :param forms: how the server answers honestly.
    :param behaviours: what it does while it is hostile.
    """

    def __init__(self, seed: int, forms: Mapping[str, str], behaviours: frozenset[str]) -> None:
        self.seed = seed
        self.forms = forms
        self.behaviours = behaviours
        self.clock = VirtualClock()
        self.incidents: dict[Key, Record] = {}
        self.tickets: dict[str, Record] = {}
        self.targets: list[Target] = []
        self.journal: list[Exchange] = []
        self.run = ""
        self.is_hostile = False
        draw = Random(f"{seed}/world")
        #: How often a fault of a single request happens.
        self.rate = draw.choice((0.15, 0.35, 0.7))
        self.lag = draw.choice((0.3, 1.5, 4.0))
        #: For which tickets another run opened the same one.
        self.twins: set[Any] = set()
        #: The identities of the story's tickets: team, type and offer, the field that counts, its value, and a tag.
        self.identities: list[tuple[tuple[str, str, str], str | None, str, str]] = []
        self.limited_workspace: str | None = None
        #: Display numbers of tickets that only the ticketing system of ContraForce knows.
        self.service_tickets: list[str] = []
        self._pending: list[tuple[float, Callable[[], None]]] = []
        self._counts: dict[str, int] = {}
        self._serial = 100

    def has(self, behaviour: str) -> bool:
        """Return True if the server shows a behaviour now."""
        return behaviour in self.behaviours and (self.is_hostile or behaviour in LASTING)

    def random(self, *purpose: object) -> Random:
        """Return the random numbers for a purpose, the same in each replay.

        :param purpose: what makes it another one than any other.
        """
        name = "/".join(str(part) for part in (self.seed, self.run, *purpose))
        self._counts[name] = self._counts.get(name, 0) + 1
        return Random(f"{name}/{self._counts[name]}")

    def emptied(self, offset: int) -> bool:
        """Return True if a page was shown empty in this run before; from now on it was."""
        key = f"{self.run}/empty/{offset}"
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key] > 1

    def begin(self, run: str, is_hostile: bool) -> None:
        """Begin a run, long after anything that went before.

        :param run: its name.
        :param is_hostile: whether the server shows its behaviours.
        """
        self.clock.sleep(15.0)
        self.settle(everything=True)
        self.run, self.is_hostile = run, is_hostile

    # --- records

    def change(self, record: Record, by_others: bool = False, **values: Any) -> bool:
        """Change a record, and return False if it was like that before.

        :param record: which.
        :param by_others: whether it was another user.
        :param values: the new ones.
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

        :param author: "us", or somebody else.
        :param text: its message.
        """
        self._serial += 1
        return {"id": self._serial, "author": author, "text": text, "created": self.clock.now(), **values}

    def add_ticket(self, values: Values, at: float | None = None) -> Record:
        """Add a ticket.

        :param at: since when it exists; always, if not given.
        :param values: C(team), C(item_type), C(offer), C(summary), C(data), C(tag), C(by) and others.
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
        """Return the tag of the identity that a new ticket has, or None for a ticket that nobody asked for.

        :param home: its team, type and offer.
        :param summary: as it was sent.
        :param fields: values by UUID, as they were sent.
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
        """Return the tickets of an identity that were not deleted."""
        return [
            record.now
            for record in list(self.tickets.values())
            if tag is not None and record.now["tag"] == tag and not record.now["deleted"]
        ]

    # --- time

    @property
    def shown_at(self) -> float:
        """Return the moment whose state reads show."""
        return self.clock.now() - (self.lag if self.has("read_lag") else 0.0)

    def timestamp(self, moment: float) -> str:
        """Return a virtual time as the server spells it."""
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

        Together with a lag of reads it must show within the shortest C(verify_timeout): a write that shows later may be
        sent twice (the README's known limits).

        :param effect: applies it.
        """
        self._pending.append((self.clock.now() + self.lag / (2 if self.has("read_lag") else 1), effect))

    def settle(self, everything: bool = False) -> None:
        """Apply the writes whose time has come.

        :param everything: wait for those whose time has not come.
        """
        due = [entry for entry in self._pending if everything or entry[0] <= self.clock.now()]
        self._pending = [entry for entry in self._pending if entry not in due]
        for moment, effect in due:
            self.clock.sleep(moment - self.clock.now())
            effect()

    def without_effect(self, handle: Callable[[], Any]) -> Any:
        """Return the answer to a write, and undo what it did.

        :param handle: handles the write.
        """
        records = [*self.incidents.values(), *self.tickets.values()]
        lengths = [len(record.versions) for record in records]
        tickets = dict(self.tickets)
        answer = handle()
        self.tickets = tickets
        for record, length in zip(records, lengths):
            del record.versions[length:]
        return answer
