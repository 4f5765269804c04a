# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Plan the writes to a ticket, as pure functions of the ticket, the wanted values and what the run has learned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import Plan, Write
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Record
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import OTHER, TEXT
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Field
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import ResolvedTicket, require
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import is_empty, is_same
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import by_title
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import data_of

CREATE, UPDATE = "create", "update"

#: A ticket as the service returned it, or None if there is none.
State = Optional[Record]


@dataclass(frozen=True)
class History:
    """What a run has learned about its ticket so far.

    :param first: values by UUID when the run first read the ticket; None before that.
    :param accepted: UUIDs of the fields that the service accepted from this run.
    :param etag: the ticket's etag after this run's last update, if the response shows it.
    :param object_id: the ticket's display id, as soon as it is known.
    :param created: whether this run created the ticket, or sent a request to that was interrupted.
    :param response: what the service returned for the last write.
    :param last_read: the ticket as it was last read.
    :param unexplained: how many updates in a row were refused although only the etag had changed.
    :param rejected: keys of the tickets that were read before the creation, and are not the wanted one.
    :param done: display ids of closed tickets that the search found and that do not count.
    """

    first: Mapping[str, Any] | None = None
    accepted: frozenset[str] = frozenset()
    etag: str | None = None
    object_id: str | None = None
    created: bool = False
    response: Record = field(default_factory=dict)
    last_read: State = None
    unexplained: int = 0
    rejected: frozenset[str] = frozenset()
    done: tuple[str, ...] = ()


NO_HISTORY = History()


def plan(current: State, resolved: ResolvedTicket, history: History = NO_HISTORY) -> Plan[State]:
    """Return the write that leads to the wanted ticket, and the ticket after it. A pure function.

    :param current: the ticket as read.
    :param resolved: the wanted ticket.
    :param history: what the run has learned so far.
    """
    if current is None:
        create = Write(CREATE, resolved.body, is_additive=True, never_resend=True, done="created")
        return Plan(_expected_ticket(resolved), (create,))
    left = pending_changes(current, resolved, history)
    if not left:
        return Plan(current)
    changed = [name for name in left if not _is_unchanged(current, resolved, history, name)]
    changed_by_others = [name for name in changed if name not in history.accepted]
    if changed_by_others:
        return Plan(current, conflict=_changed_by_others(current, resolved, changed_by_others))
    if changed:
        return Plan(current, conflict=_stored_differently(current, resolved, changed))
    if not current.get("etag"):
        return Plan(current, conflict=_without_etag(current))
    after = {**current, "data": {**data_of(current), **left}}
    return Plan(after, (Write(UPDATE, {"etag": str(current["etag"]), "ticketUpdate": left}),))


def _expected_ticket(resolved: ResolvedTicket) -> Record:
    """Return the ticket as the service is expected to store it."""
    identity = require(resolved.identity)
    return {
        "summary": resolved.body["summary"],
        "lookup_props": {"teamId": identity.team_id, "itemTypeId": identity.item_type_id},
        "data": resolved.body["ticketBody"],
    }


def pending_changes(current: Record, resolved: ResolvedTicket, history: History = NO_HISTORY) -> dict[str, Any]:
    """Return the wanted values, by UUID, that a ticket does not hold.

    A text that the service accepted from this run and stores in another wording counts as wanted.

    :param current: the ticket.
    :param resolved: the wanted ticket.
    :param history: what the run has learned so far.
    """
    left = differing_fields(current, resolved)
    return {name: value for name, value in left.items() if not _is_accepted_as_stored(current, resolved, history, name)}


def _is_accepted_as_stored(current: Record, resolved: ResolvedTicket, history: History, name: str) -> bool:
    """Return whether a field shows what the service made of this run's value.

    If it shows its first value, the change may be late or lost. Only the etag shows whether the service changed the new
    text until it was the old one again.
    """
    if name not in history.accepted or not _may_be_stored_as(
        _field_of(resolved, name), resolved.values[name], data_of(current).get(name)
    ):
        return False
    return not _is_unchanged(current, resolved, history, name) or history.etag == str(current.get("etag"))


def _may_be_stored_as(kind: Field, given: Any, stored: Any) -> bool:
    """Return whether a service that accepted a value may show another one for it.

    It may clean a text, and complete a value of an unknown type, such as the name of a user. Another option, number,
    date or truth value is never the wanted one.
    """
    if kind.data_type == TEXT:
        return not is_empty(given)
    if kind.data_type != OTHER or not isinstance(stored, Mapping):
        return False
    if isinstance(given, Mapping):
        return all(name in stored and stored[name] == value for name, value in given.items())
    return given in stored.values()


def differing_fields(current: Record, resolved: ResolvedTicket) -> dict[str, Any]:
    """Return the wanted values, by UUID, that a ticket holds in another wording or not at all.

    :param current: the ticket.
    :param resolved: the wanted ticket.
    """
    data = data_of(current)
    return {
        name: value
        for name, value in resolved.values.items()
        if name not in resolved.ignored and not is_same(_field_of(resolved, name), data.get(name), value)
    }


def _field_of(resolved: ResolvedTicket, name: str) -> Field:
    """Return the field of a UUID among the wanted values."""
    return next(entry for entry in require(resolved.ticket_type).fields if entry.id == name)


def _is_unchanged(current: Record, resolved: ResolvedTicket, history: History, name: str) -> bool:
    """Return whether a field holds the value that this run read first."""
    if history.first is None:
        return True
    return is_same(_field_of(resolved, name), data_of(current).get(name), history.first.get(name))


def _without_etag(current: Record) -> ApiError:
    return ApiError(
        f"Ticket {current['object_id']} does not show its etag, so it cannot be updated. Look at it in the portal, or "
        "choose another ticket.",
        "contract",
    )


def _changed_by_others(current: Record, resolved: ResolvedTicket, names: list[str]) -> ApiError:
    shown = by_title(resolved.ticket_type, {name: data_of(current).get(name) for name in names})
    changed = ", ".join(f"{title!r} is now {value!r}" for title, value in shown.items())
    return ApiError(
        f"Somebody else changed what this task was to change in ticket {current['object_id']}: {changed}. Run the task "
        "again if its values are still right.",
        "conflict",
        retryable=True,
    )


def _stored_differently(current: Record, resolved: ResolvedTicket, names: list[str]) -> ApiError:
    stored = by_title(resolved.ticket_type, {name: data_of(current).get(name) for name in names})
    wanted = by_title(resolved.ticket_type, {name: resolved.values[name] for name in names})
    shown = ", ".join(f"{title!r} is {value!r} instead of {wanted[title]!r}" for title, value in stored.items())
    return ApiError(
        f"Ticket {current['object_id']} does not hold what this task wrote and the service accepted: {shown}. Check "
        "in the portal if a rule of the service or another user set it, and give a value that the ticket can have.",
        "not_converged",
    )
