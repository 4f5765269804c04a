# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be written to a ticket: pure functions of the ticket, of what is wanted of it, and of the run so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Plan, Write
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import OTHER, TEXT
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import Field
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.fields import by_title
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.goal import Goal, needed
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import data_of
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.values import is_same

CREATE, UPDATE = "create", "update"

Record = Mapping[str, Any]

#: A ticket as the service gave it, or None where there is none.
State = Optional[Record]


@dataclass(frozen=True)
class History:
    """What this run knows of a ticket besides how it is now.

    :param first: values by UUID when the run read it first; None before that.
    :param accepted: UUIDs of the fields that the service took from this run.
    :param etag: of the ticket as this run's last update left it, if the answer told it.
    """

    first: Mapping[str, Any] | None = None
    accepted: frozenset[str] = frozenset()
    etag: str | None = None


NO_HISTORY = History()


def plan(current: State, goal: Goal, history: History = NO_HISTORY) -> Plan[State]:
    """The write that brings a ticket to what is wanted, and the ticket after it. A pure function.

    :param current: the ticket as read.
    :param goal: what is wanted of it.
    :param history: what this run knows of it besides.
    """
    if current is None:
        return Plan(_planned(goal), (Write(CREATE, goal.body, adds=True, only_once=True, done="created"),))
    left = departures(current, goal, history)
    if not left:
        return Plan(current)
    touched = [name for name in left if not _is_as_first(current, goal, history, name)]
    if touched:
        return Plan(current, conflict=_touched(current, goal, touched))
    after = {**current, "data": {**data_of(current), **left}}
    return Plan(after, (Write(UPDATE, {"etag": str(current["etag"]), "ticketUpdate": left}),))


def _planned(goal: Goal) -> Record:
    """The ticket as the service is expected to store it."""
    identity = needed(goal.identity)
    return {
        "summary": goal.body["summary"],
        "lookup_props": {"teamId": identity.team_id, "itemTypeId": identity.item_type_id},
        "data": goal.body["ticketBody"],
    }


def departures(current: Record, goal: Goal, history: History = NO_HISTORY) -> dict[str, Any]:
    """The wanted values, by UUID, that a ticket does not hold.

    A field that the service took from this run and keeps in other words is as wanted as it gets.

    :param current: the ticket.
    :param goal: what is wanted of it.
    :param history: what this run knows of it besides.
    """
    left = differing(current, goal)
    return {name: value for name, value in left.items() if not _is_kept(current, goal, history, name)}


def _is_kept(current: Record, goal: Goal, history: History, name: str) -> bool:
    """Whether a field shows what the service made of this run's value.

    One that shows what stood there before may be late, or was not changed at all. Only the etag can tell that a text
    was cleaned until it was the old one again.
    """
    if name not in history.accepted:
        return False
    if not _is_as_first(current, goal, history, name):
        return True
    return history.etag == str(current.get("etag")) and _kind(goal, name).kind in (TEXT, OTHER)


def differing(current: Record, goal: Goal) -> dict[str, Any]:
    """The wanted values, by UUID, that a ticket holds in other words or not at all.

    :param current: the ticket.
    :param goal: what is wanted of it.
    """
    data = data_of(current)
    return {
        name: value
        for name, value in goal.values.items()
        if name not in goal.ignored and not is_same(_kind(goal, name), data.get(name), value)
    }


def _kind(goal: Goal, name: str) -> Field:
    """The field of a UUID among the wanted values, which the ticket type has."""
    return next(entry for entry in needed(goal.kind).fields if entry.id == name)


def _is_as_first(current: Record, goal: Goal, history: History, name: str) -> bool:
    """Whether a field holds what it held when this run read it first."""
    if history.first is None:
        return True
    return is_same(_kind(goal, name), data_of(current).get(name), history.first.get(name))


def _touched(current: Record, goal: Goal, names: list[str]) -> ApiError:
    shown = by_title(goal.kind, {name: data_of(current).get(name) for name in names})
    told = ", ".join(f"{title!r} is now {value!r}" for title, value in shown.items())
    return ApiError(
        f"Somebody else changed what this task was to change in ticket {current['object_id']}: {told}. Run the task "
        "again if its values are still right.",
        "conflict",
        retryable=True,
    )
