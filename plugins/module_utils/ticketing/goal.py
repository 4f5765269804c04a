# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a ticket is to be: a task's options, checked, and resolved through the service catalog."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any, Mapping, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import check_verify_timeout
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import DATE, OTHER, SELECT
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import (
    Api,
    TicketType,
    find_offer,
    find_ticket_type,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.fields import (
    check_carried,
    check_complete,
    find_field,
    resolved,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import OFFER_KEY, home_of
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.search import Identity
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.values import is_empty

SUMMARY = "summary"

Part = TypeVar("Part")

#: Types of fields whose text the service may clean (TK-A13).
REWRITTEN = frozenset({"richtext", "html"})

#: Unicode categories of what ends a line, controls a terminal, or cannot be sent.
NOT_IN_A_LINE = frozenset({"Cc", "Zl", "Zp", "Cs"})

#: Options that are texts, and that AWX may leave empty.
TEXTS = ("object_id", "team_id", "item_type_id", "item_type", "offer_id", "offer", "summary")

#: Options that only a new ticket, or the search for it, can have.
FOR_NEW = ("team_id", "offer_id", "offer", "summary")
SENT_AS_IS = ("attachments", "ticket_relation")


@dataclass(frozen=True)
class Wanted:
    """What the user asked for, before the catalog is looked at.

    :param object_id: the ticket's display id; without it, the rest says which ticket is meant.
    :param fields: values by UUID, label or name.
    :param unique_by: C(summary) or fields, which make a ticket the wanted one.
    :param include_done: whether closed tickets count as the wanted one.
    :param ignore_fields: fields that only a new ticket gets.
    :param attachments: sent as they are when a ticket is created.
    :param ticket_relation: sent as it is when a ticket is created.
    :param source: sent as it is when a ticket is created.
    """

    object_id: str | None = None
    team_id: str | None = None
    item_type_id: str | None = None
    item_type: str | None = None
    offer_id: str | None = None
    offer: str | None = None
    summary: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    unique_by: tuple[str, ...] = (SUMMARY,)
    include_done: bool = False
    ignore_fields: tuple[str, ...] = ()
    attachments: Mapping[str, Any] = field(default_factory=dict)
    ticket_relation: Mapping[str, Any] | None = None
    source: str = "api"

    def __str__(self) -> str:
        if self.object_id:
            return f"ticket {self.object_id}"
        return f"ticket {self.summary!r} (team {self.team_id})"


@dataclass(frozen=True)
class Goal:
    """What the user asked for, in the service's own ids.

    :param kind: the ticket type; None where no field is asked for.
    :param values: values by UUID.
    :param ignored: UUIDs of those that only a new ticket gets.
    :param identity: what makes a ticket the wanted one; None for a ticket named by its display id.
    :param body: the request that creates the ticket.
    """

    kind: TicketType | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    identity: Identity | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


def needed(part: Part | None) -> Part:
    """A part of a goal, or of what is known of its ticket, that must be there by now.

    :param part: None would be a bug.
    :raises ValueError: when it is not there.
    """
    if part is None:
        raise ValueError("a part of the goal is missing")
    return part


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """Check a task's options.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    check_verify_timeout(options)
    texts = {name: (options.get(name) or "").strip() or None for name in TEXTS}
    wanted = Wanted(
        **texts,
        fields=options.get("fields") or {},
        unique_by=_names(options, "unique_by") or (SUMMARY,),
        include_done=bool(options.get("include_done")),
        ignore_fields=_names(options, "ignore_fields"),
        attachments=options.get("attachments") or {},
        ticket_relation=options.get("ticket_relation") or None,
        source=(options.get("source") or "").strip() or "api",
    )
    for name in ("item_type", "offer"):
        if texts[name] and texts[f"{name}_id"]:
            raise configuration_error(f"{name} and {name}_id are both given: one of them says it.")
    for name in SENT_AS_IS:
        check_carried(name, options.get(name))
    if wanted.object_id:
        _check_named(texts, options)
    else:
        _check_new(wanted)
    return wanted


def _names(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list of names without what a survey leaves empty."""
    return tuple(dict.fromkeys(entry.strip() for entry in options.get(name) or [] if entry.strip()))


def _check_named(texts: Mapping[str, str | None], options: Mapping[str, Any]) -> None:
    misplaced = [name for name in FOR_NEW if texts[name]] + [name for name in SENT_AS_IS if options.get(name)]
    if misplaced:
        raise configuration_error(
            f"{', '.join(misplaced)}: only for a ticket that is to be found or created, and object_id names one."
        )


def _check_new(wanted: Wanted) -> None:
    missing = [name for name in ("team_id", "summary") if not getattr(wanted, name)]
    if not wanted.offer_id and not wanted.offer:
        missing.append("offer_id (or offer)")
    if missing:
        raise configuration_error(
            f"A ticket is named by object_id, or else by what it is: add {', '.join(missing)}, or object_id."
        )
    summary = wanted.summary or ""
    wrong = next((letter for letter in summary if unicodedata.category(letter) in NOT_IN_A_LINE), None)
    if wrong is not None:
        raise configuration_error(
            f"summary holds the control character U+{ord(wrong):04X}; it must be one line of text without any."
        )


def goal_for_new(api: Api, wanted: Wanted) -> Goal:
    """The goal for a ticket that is to be found or created.

    :param api: the service catalog.
    :param wanted: what the user asked for.
    :raises ApiError: C(configuration) for what the catalog does not have, and whatever reading it raises.
    """
    kind = find_ticket_type(api, wanted.item_type_id, wanted.item_type) if _names_type(wanted) else None
    offer = find_offer(api, wanted.offer_id, wanted.offer, kind.id if kind else None)
    if kind is None:
        if offer.item_type_id is None:
            raise configuration_error(f"Offer {offer.id} does not say its ticket type: add item_type_id.")
        kind = find_ticket_type(api, offer.item_type_id, None)
    values = resolved(kind, wanted.fields)
    check_complete(kind, values)
    team_id, summary = wanted.team_id or "", wanted.summary or ""
    unique = {name: _unique(kind, name, values) for name in wanted.unique_by if name != SUMMARY}
    identity = Identity(
        team_id=team_id,
        item_type_id=kind.id,
        offer_id=offer.id,
        summary=summary if SUMMARY in wanted.unique_by else None,
        values=tuple(unique.values()),
        selected=tuple(
            (entry, values[entry.id]) for entry in kind.fields if entry.kind in (SELECT, OTHER) and entry.id in values
        ),
        text=summary if wanted.unique_by[0] == SUMMARY else str(unique[wanted.unique_by[0]][1]),
        title=summary,
    )
    body = {
        "source": wanted.source,
        "summary": summary,
        "ticketBody": {OFFER_KEY: offer.id, **values},
        "attachments": dict(wanted.attachments),
        "ticketRelation": None if wanted.ticket_relation is None else dict(wanted.ticket_relation),
    }
    return Goal(kind, values, _ignored(kind, wanted), identity, body)


def _names_type(wanted: Wanted) -> bool:
    return bool(wanted.item_type_id or wanted.item_type)


def _unique(kind: TicketType, name: str, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """A field that makes a ticket the wanted one, with its value."""
    found = find_field(kind, name, "unique_by")
    value = values.get(found.id)
    if is_empty(value):
        raise configuration_error(f"unique_by names {found.title!r}, so fields must hold a value for it.")
    if found.word in REWRITTEN or found.kind == DATE:
        raise configuration_error(
            f"unique_by names {found.title!r}, which the service may spell otherwise, so that the search would not "
            "find it again."
        )
    if isinstance(value, (list, dict, bool)):
        raise configuration_error(f"unique_by names {found.title!r}, but only a text or a number can be searched for.")
    return found, value


def _ignored(kind: TicketType, wanted: Wanted) -> frozenset[str]:
    return frozenset(find_field(kind, name, "ignore_fields").id for name in wanted.ignore_fields)


def goal_for_named(api: Api, wanted: Wanted, record: Mapping[str, Any]) -> Goal:
    """The goal for a ticket that is named by its display id.

    :param api: the service catalog.
    :param wanted: what the user asked for.
    :param record: the ticket.
    :raises ApiError: C(configuration) for what the catalog does not have, and whatever reading it raises.
    """
    if not wanted.fields:
        return Goal()
    shown = home_of(record)["item_type_id"]
    if shown is None and not _names_type(wanted):
        raise ApiError(
            f"Ticket {wanted.object_id} does not show its ticket type, by which fields are found: add item_type_id.",
            "contract",
        )
    given = wanted.item_type_id if wanted.item_type_id or wanted.item_type else shown
    kind = find_ticket_type(api, given, wanted.item_type)
    if shown not in (None, kind.id):
        raise configuration_error(f"Ticket {wanted.object_id} is of type {shown}, not {kind.id} ({kind.name}).")
    return Goal(kind, resolved(kind, wanted.fields), _ignored(kind, wanted))
