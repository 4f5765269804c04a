# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of tickets: the catalog is read once, and entries that would find or open the same ticket are found first.

Two workers that look for the same ticket at the same moment find none, and open two.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Hashable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import EXPLAINED, Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.many import Entry, Many
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.goal import (
    FOR_NEW,
    SENT_AS_IS,
    SUMMARY,
    Goal,
    Wanted,
    goal_for_new,
    needed,
    wanted_from,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.search import Page
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.ticket import Api, bring_ticket
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.values import is_same, likeness

#: The keys by which an entry's result names it, besides the object_id that it has in the end.
IDENTIFIERS = ("object_id", "team_id", SUMMARY)

#: What makes a ticket the wanted one, in kind: whether the summary does, and the UUIDs of the fields that do.
Signature = tuple[bool, tuple[str, ...]]


@dataclass
class Remembered:
    """What was read of the catalog, for all workers of a list."""

    answers: dict[Hashable, Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, read: Callable[[], Any]) -> Any:
        """An answer that was had before, good or bad, or a new one.

        :param key: what is asked for.
        :param read: asks the service; raises ApiError.
        """
        with self.lock:
            if key not in self.answers:
                try:
                    self.answers[key] = read()
                except ApiError as failure:
                    # It would fail for every other entry, too, and each would wait for it.
                    self.answers[key] = failure
            answer = self.answers[key]
        if isinstance(answer, ApiError):
            raise answer.retold(str(answer))
        return answer


@dataclass(frozen=True)
class WithMemory:
    """An API that asks for the catalog once.

    :param api: the ticketing API.
    :param memory: shared by all workers.
    """

    api: Api
    memory: Remembered

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""
        return self.api.request_ids

    def ticket(self, object_id: str) -> Mapping[str, Any]:
        """Read a ticket."""
        return self.api.ticket(object_id)

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """A page of the list of tickets."""
        return self.api.tickets_page(body)

    def ticket_types(self, top: int, skip: int) -> list[Mapping[str, Any]]:
        """A page of the ticket types."""
        return list(self.memory.get(("types", top, skip), lambda: self.api.ticket_types(top, skip)))

    def offers(self) -> list[Mapping[str, Any]]:
        """The offers of the service catalog."""
        return list(self.memory.get("offers", self.api.offers))

    def create_ticket(self, team_id: str, item_type_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a ticket."""
        return self.api.create_ticket(team_id, item_type_id, body)

    def update_ticket(self, object_id: str, etag: str, changes: Mapping[str, Any]) -> str | None:
        """Change fields of a ticket."""
        return self.api.update_ticket(object_id, etag, changes)


@dataclass(frozen=True, eq=False)
class Order:
    """What an entry asks for.

    :param wanted: the entry's options, checked.
    :param goal: in the service's own ids; None for a ticket that is named by its display id.
    :param memory: of the catalog.
    """

    wanted: Wanted
    goal: Goal | None
    memory: Remembered

    @property
    def object_id(self) -> str:
        """The ticket's display id, which counts in any case."""
        return (self.wanted.object_id or "").casefold()

    def _end(self) -> tuple[Any, ...]:
        """What becomes of the ticket: the same offer may have been named by its name, or by its id."""
        if self.goal is None:
            return (replace(self.wanted, object_id=self.object_id),)
        return self.goal, self.wanted.include_done

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and self._end() == other._end()

    def __hash__(self) -> int:
        return hash((self.object_id, self.wanted.team_id))


def ticket_entries(api: Api, entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """Check the entries of a list, and tell which of them are about the same ticket.

    :param api: the ticketing API; only its catalog is read.
    :param entries: the options of each.
    :raises ApiError: when the catalog cannot be read.
    """
    memory = Remembered()
    checked = [_entry(WithMemory(api, memory), options, memory) for options in entries]
    things = same_tickets([_goal_of(entry) for entry in checked])
    return [replace(entry, thing=thing or entry.thing) for entry, thing in zip(checked, things)]


def _entry(api: WithMemory, options: Mapping[str, Any], memory: Remembered) -> Entry:
    named = {name: options.get(name) for name in IDENTIFIERS}
    try:
        wanted = wanted_from(options)
        goal = None if wanted.object_id else goal_for_new(api, wanted)
    except ApiError as failure:
        # What the catalog does not have is the entry's mistake; a catalog that cannot be read stops the task.
        if failure.category not in EXPLAINED or failure.http_status is not None:
            raise
        return Entry(named, options, failure=failure.retold(f"{failure} Nothing was written."))
    order = Order(wanted, goal, memory)
    return Entry(named, options, ("object_id", order.object_id), order, called=str(wanted))


def _goal_of(entry: Entry) -> Goal | None:
    return entry.wanted.goal if entry.wanted else None


def same_tickets(goals: Sequence[Goal | None]) -> list[Hashable]:
    """For each goal a name of its ticket; two goals share it if a ticket made for one would be found for the other.

    :param goals: None where there is nothing to find or open; that has no name.
    """
    known = {place: goal for place, goal in enumerate(goals) if goal is not None}
    leader = {place: place for place in known}

    def root(place: int) -> int:
        while leader[place] != place:
            place = leader[place]
        return place

    for one, other in _same_pairs(known):
        low, high = sorted((root(one), root(other)))
        leader[high] = low
    return [("ticket", root(place)) if place in known else None for place in range(len(goals))]


def _same_pairs(goals: Mapping[int, Goal]) -> Iterator[tuple[int, int]]:
    """Pairs of goals of the same ticket, enough of them to tell which all are, without comparing each with each."""
    searched: dict[Hashable, list[int]] = {}
    for place, goal in goals.items():
        alike = searched.setdefault(_likeness(goal, _signature(goal)), [])
        if not any(_finds(goals[other], goal) for other in alike):
            alike.append(place)
    signatures = sorted({_signature(goal) for goal in goals.values()})
    for place, goal in goals.items():
        for signature in signatures:
            for other in searched.get(_likeness(goal, signature), []):
                if _finds(goals[other], goal):
                    yield place, other


def _signature(goal: Goal) -> Signature:
    identity = needed(goal.identity)
    return identity.summary is not None, tuple(sorted(kind.id for kind, _value in identity.values))


def _likeness(goal: Goal, signature: Signature) -> Hashable:
    """What tickets have in common of which a search of a signature may take one for the other."""
    identity, (with_summary, names) = needed(goal.identity), signature
    summary = identity.title.strip() if with_summary else None
    return (*identity.home.values(), summary, names, tuple(likeness(goal.values.get(name)) for name in names))


def _finds(searching: Goal, made: Goal) -> bool:
    """Whether the search for one goal finds the ticket that is made for another."""
    wanted, there = needed(searching.identity), needed(made.identity)
    if wanted.home != there.home or (wanted.summary is not None and wanted.summary.strip() != there.title.strip()):
        return False
    return all(is_same(kind, made.values.get(kind.id), value) for kind, value in wanted.values)


def bring_listed(api: Api, order: Order, run: Run) -> Result:
    """Bring one ticket of a list to what is wanted.

    :param api: the ticketing API.
    :param order: what the entry asks for.
    :param run: how the run is to go.
    :raises ApiError: as :func:`desired_state.reach` says.
    """
    return bring_ticket(WithMemory(api, order.memory), order.wanted, run, order.goal)


#: An entry that names its ticket, its offer or its type in one way is not held to what the task says in another one.
DISPLACES: Mapping[str, Sequence[str]] = {
    "object_id": (*FOR_NEW, *SENT_AS_IS),
    "offer_id": ("offer",),
    "offer": ("offer_id",),
    "item_type_id": ("item_type",),
    "item_type": ("item_type_id",),
}

TICKETS: Many[Any] = Many(
    "tickets", "ticket", ticket_entries, bring_listed, added_up=frozenset({"fields"}), displaces=DISPLACES
)
