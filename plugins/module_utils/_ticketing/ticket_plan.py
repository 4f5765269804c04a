# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Plan the writes to a ticket with pure functions of the ticket, the target and the history of the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import Plan, Write
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    State,
    TargetTicket,
    Ticket,
    TicketUpdate,
)

CREATE, UPDATE = "create", "update"

Part = TypeVar("Part")


@dataclass(frozen=True)
class History:
    """The facts that a run has learned about its ticket so far.

    :param first: values by field when the run first read the ticket; None before that.
    :param accepted: the fields whose values the service accepted from this run.
    :param marker: the ticket's change marker after this run's last update, if the response contains it.
    :param ticket_id: the ticket's id for requests, once it is known; before the first read, as the task gives it.
    :param name: the ticket's id for messages, as ``ticket_id``.
    :param created: True if this run created the ticket, or sent a create request that was interrupted.
    :param response: the response to the last write.
    :param last_read: the ticket as it was last read.
    :param unexplained: number of consecutive refused updates between which only the change marker changed.
    :param rejected: keys of the tickets that were read before the creation and are not the wanted one.
    :param closed: display ids of closed tickets that the search found and the task does not accept.
    :param noted: the fields of the notes that this run delivered.
    :param warnings: warnings about the updates of this run.
    """

    first: Mapping[str, Any] | None = None
    accepted: frozenset[str] = frozenset()
    marker: str | None = None
    ticket_id: str | None = None
    name: str | None = None
    created: bool = False
    response: Ticket = field(default_factory=dict)
    last_read: State = None
    unexplained: int = 0
    rejected: frozenset[str] = frozenset()
    closed: tuple[str, ...] = ()
    noted: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


NO_HISTORY = History()


def require(part: Part | None) -> Part:
    """Return a part of a target or a history that must exist.

    :param part: the part.
    :raises ValueError: if it is None, which is a bug.
    """
    if part is None:
        raise ValueError("a part of the ticket or of its history is missing")
    return part


def plan(current: State, target: TargetTicket, history: History = NO_HISTORY) -> Plan[State]:
    """Return the plan with the write to make, if any, and the ticket after it. A pure function.

    :param current: the ticket as read.
    :param target: the wanted ticket.
    :param history: the history of the run.
    """
    if current is None:
        refusal = target.refusal(None, {})
        if refusal:
            return Plan(None, conflict=refusal)
        create = Write(CREATE, target.body, is_additive=True, never_resend=True, done="created")
        return Plan(target.expected(), (create,))
    left = pending_changes(current, target, history)
    notes = {name: text for name, text in target.pending_notes(current, left).items() if name not in history.noted}
    if not left and not notes:
        return Plan(current)
    changed = [name for name in left if not _is_unchanged(current, target, history, name)]
    changed_by_others = [name for name in changed if name not in history.accepted]
    if changed_by_others:
        return Plan(current, conflict=_changed_by_others(current, target, changed_by_others))
    if changed:
        return Plan(current, conflict=_stored_differently(current, target, changed))
    refusal = target.refusal(current, left)
    if refusal:
        return Plan(current, conflict=refusal)
    marker = target.format.marker_of(current)
    body = target.update_request(marker, left, notes)
    write = TicketUpdate(UPDATE, body, is_additive=bool(notes), marker=marker, changes=left, notes=notes)
    return Plan(target.after_update(current, left, notes), (write,))


def pending_changes(current: Ticket, target: TargetTicket, history: History = NO_HISTORY) -> dict[str, Any]:
    """Return the wanted values, by field, that still have to be sent.

    A text that the service accepted from this run and stores differently does not have to be sent again.

    :param current: the ticket.
    :param target: the wanted ticket.
    :param history: the history of the run.
    """
    left = differing_fields(current, target)
    return {name: value for name, value in left.items() if not _is_accepted_as_stored(current, target, history, name)}


def _is_accepted_as_stored(current: Ticket, target: TargetTicket, history: History, name: str) -> bool:
    """Return True if the service accepted this run's value, and stores the field's current value for it.

    If a field has its first value, the change may be delayed or lost. Only an unchanged marker proves that the service
    itself turned the new text into the old one.
    """
    stored = target.format.data_of(current).get(name)
    if name not in history.accepted or not target.may_be_stored_as(name, target.values[name], stored):
        return False
    is_same_version = history.marker is not None and history.marker == target.format.marker_of(current)
    return not _is_unchanged(current, target, history, name) or is_same_version


def differing_fields(current: Ticket, target: TargetTicket) -> dict[str, Any]:
    """Return the wanted values, by field, that differ from those of a ticket.

    :param current: the ticket.
    :param target: the wanted ticket.
    """
    data = target.format.data_of(current)
    return {
        name: value
        for name, value in target.values.items()
        if name not in target.ignored and not target.is_same(name, data.get(name), value)
    }


def refused_values(target: TargetTicket, history: History) -> ApiError | None:
    """Return the failure if the response to the last write shows other values than the accepted ones, or else None.

    A response that does not show a field is not evidence, and a text may be stored in other words.

    :param target: the wanted ticket.
    :param history: the history of the run.
    """
    data = target.format.data_of(history.response)
    names = [
        name
        for name, value in target.values.items()
        if name in history.accepted
        and name not in target.ignored
        and name in data
        and not target.is_same(name, data[name], value)
        and not target.may_be_stored_as(name, value, data[name])
    ]
    return _stored_differently(history.response, target, names) if names else None


def _is_unchanged(current: Ticket, target: TargetTicket, history: History, name: str) -> bool:
    """Return True if a field has the value that this run read first."""
    if history.first is None:
        return True
    return target.is_same(name, target.format.data_of(current).get(name), history.first.get(name))


def _changed_by_others(current: Ticket, target: TargetTicket, names: list[str]) -> ApiError:
    data = target.format.data_of(current)
    shown = target.by_title({name: data.get(name) for name in names})
    changed = ", ".join(f"{title!r} is now {value!r}" for title, value in shown.items())
    return ApiError(
        f"Another user changed fields of ticket {target.format.name_of(current)} that this task sets: {changed}. Run "
        "the task again if its values are still correct.",
        "conflict",
        retryable=True,
    )


def _stored_differently(current: Ticket, target: TargetTicket, names: list[str]) -> ApiError:
    data = target.format.data_of(current)
    stored = target.by_title({name: data.get(name) for name in names})
    wanted = target.by_title({name: target.values[name] for name in names})
    shown = ", ".join(f"{title!r} is {value!r} instead of {wanted[title]!r}" for title, value in stored.items())
    return ApiError(
        f"Ticket {target.format.name_of(current)} does not have the values that the service accepted from this task: "
        f"{shown}. Check in the portal whether a rule or another user set them, and use values that the ticket can "
        "have.",
        "not_converged",
    )
