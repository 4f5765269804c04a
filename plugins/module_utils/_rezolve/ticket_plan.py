# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Plan the writes to a ticket with pure functions of the ticket, the wanted values and the history of the run."""

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

#: A ticket as the service returned it, or None if it does not exist.
State = Optional[Record]


@dataclass(frozen=True)
class History:
    """The facts that a run has learned about its ticket so far.

    :param first: values by UUID when the run first read the ticket; None before that.
    :param accepted: UUIDs of the fields that the service accepted from this run.
    :param etag: the ticket's etag after this run's last update, if the response contains it.
    :param object_id: the ticket's display id, once it is known.
    :param created: True if this run created the ticket, or sent a create request that was interrupted.
    :param response: the response to the last write.
    :param last_read: the ticket as it was last read.
    :param unexplained: number of consecutive refused updates between which only the etag changed.
    :param rejected: keys of the tickets that were read before the creation and are not the wanted one.
    :param done: display ids of closed tickets that the search found and the task does not accept.
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
    """Return the plan with the write to make, if any, and the ticket after it. A pure function.

    :param current: the ticket as read.
    :param resolved: the wanted ticket.
    :param history: the history of the run.
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
    """Return the wanted values, by UUID, that still have to be sent.

    A text that the service accepted from this run and stores differently does not have to be sent again.

    :param current: the ticket.
    :param resolved: the wanted ticket.
    :param history: the history of the run.
    """
    left = differing_fields(current, resolved)
    return {name: value for name, value in left.items() if not _is_accepted_as_stored(current, resolved, history, name)}


def _is_accepted_as_stored(current: Record, resolved: ResolvedTicket, history: History, name: str) -> bool:
    """Return True if the service accepted this run's value, and stores the field's current value for it.

    If a field has its first value, the change may be delayed or lost. Only an unchanged etag proves that the service
    itself turned the new text into the old one.
    """
    if name not in history.accepted or not _may_be_stored_as(
        _field_of(resolved, name), resolved.values[name], data_of(current).get(name)
    ):
        return False
    return not _is_unchanged(current, resolved, history, name) or history.etag == str(current.get("etag"))


def _may_be_stored_as(kind: Field, given: Any, stored: Any) -> bool:
    """Return True if a service that accepted a value may store it as the other one.

    The service may sanitize a text, and extend a value of an unknown type, such as a user name. A different option,
    number, date or boolean is never the wanted one.
    """
    if kind.data_type == TEXT:
        return not is_empty(given)
    if kind.data_type != OTHER or not isinstance(stored, Mapping):
        return False
    if isinstance(given, Mapping):
        return all(name in stored and stored[name] == value for name, value in given.items())
    return given in stored.values()


def differing_fields(current: Record, resolved: ResolvedTicket) -> dict[str, Any]:
    """Return the wanted values, by UUID, that differ from those of a ticket.

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
    """Return the field with a UUID."""
    return next(entry for entry in require(resolved.ticket_type).fields if entry.id == name)


def _is_unchanged(current: Record, resolved: ResolvedTicket, history: History, name: str) -> bool:
    """Return True if a field has the value that this run read first."""
    if history.first is None:
        return True
    return is_same(_field_of(resolved, name), data_of(current).get(name), history.first.get(name))


def _without_etag(current: Record) -> ApiError:
    return ApiError(
        f"The service does not return the etag of ticket {current['object_id']}, so it cannot be updated. Check the "
        "ticket in the portal.",
        "contract",
    )


def _changed_by_others(current: Record, resolved: ResolvedTicket, names: list[str]) -> ApiError:
    shown = by_title(resolved.ticket_type, {name: data_of(current).get(name) for name in names})
    changed = ", ".join(f"{title!r} is now {value!r}" for title, value in shown.items())
    return ApiError(
        f"Another user changed fields of ticket {current['object_id']} that this task sets: {changed}. Run the task "
        "again if its values are still correct.",
        "conflict",
        retryable=True,
    )


def _stored_differently(current: Record, resolved: ResolvedTicket, names: list[str]) -> ApiError:
    stored = by_title(resolved.ticket_type, {name: data_of(current).get(name) for name in names})
    wanted = by_title(resolved.ticket_type, {name: resolved.values[name] for name in names})
    shown = ", ".join(f"{title!r} is {value!r} instead of {wanted[title]!r}" for title, value in stored.items())
    return ApiError(
        f"Ticket {current['object_id']} does not have the values that the service accepted from this task: {shown}. "
        "Check in the portal whether a rule or another user set them, and use values that the ticket can have.",
        "not_converged",
    )
