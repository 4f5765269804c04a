# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Parse the options of a ticket, and resolve the names in them through the service catalog."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any, Mapping, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import check_verify_timeout
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import check_not_null
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import DATE, OTHER, SELECT
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import (
    TicketType,
    find_offer,
    find_ticket_type,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import is_empty
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import (
    check_complete,
    check_serializable,
    find_field,
    resolve_values,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import OFFER_KEY, location_of
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import full_search_text, search_text
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import Identity

SUMMARY = "summary"

Part = TypeVar("Part")

#: Types of fields whose text the service may rewrite (TK-A13).
REWRITTEN = frozenset({"richtext", "html"})

#: Unicode categories of characters that end a line, control a terminal, or cannot be sent.
CONTROL_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})

#: Options that are texts, which AWX may leave empty. All but the identifiers may be any text.
IDENTIFIERS = ("object_id", "team_id", "item_type_id", "offer_id")
TEXTS = (*IDENTIFIERS, "item_type", "offer", "summary")

#: Options that apply only to a new ticket or the search for one.
FOR_NEW = ("team_id", "offer_id", "offer", "summary")
SENT_AS_IS = ("attachments", "ticket_relation")


@dataclass(frozen=True)
class Wanted:
    """The parsed options of a task, before the catalog is read.

    :param object_id: the ticket's display id; without it, the other options identify the ticket.
    :param fields: values by UUID, label or name.
    :param unique_by: ``summary`` or fields, which make a ticket the wanted one.
    :param include_done: whether a closed ticket may be the wanted one.
    :param ignore_fields: fields that are only set in a new ticket.
    :param attachments: sent unchanged when a ticket is created.
    :param ticket_relation: sent unchanged when a ticket is created.
    :param source: sent unchanged when a ticket is created.
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
class ResolvedTicket:
    """The wanted ticket with the service's own ids.

    :param ticket_type: the ticket type; None if no field is set.
    :param values: values by UUID.
    :param ignored: UUIDs of the fields that are only set in a new ticket.
    :param identity: what makes a ticket the wanted one; None for a ticket that object_id names.
    :param body: the request that creates the ticket.
    """

    ticket_type: TicketType | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    identity: Identity | None = None
    body: Mapping[str, Any] = field(default_factory=dict)


def require(part: Part | None) -> Part:
    """Return a part of a resolved ticket or its history, which must exist at this point.

    :param part: the part.
    :raises ValueError: if it is None, which is a bug.
    """
    if part is None:
        raise ValueError("a part of the resolved ticket is missing")
    return part


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one ticket.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    check_verify_timeout(options)
    texts = {name: (options.get(name) or "").strip() or None for name in TEXTS}
    unique_by = _names(options, "unique_by") or (SUMMARY,)
    for name in IDENTIFIERS:
        check_not_null(name, texts[name])
    if SUMMARY in unique_by:
        check_not_null(SUMMARY, texts[SUMMARY])
    wanted = Wanted(
        **texts,
        fields=options.get("fields") or {},
        unique_by=unique_by,
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
        check_serializable(name, options.get(name))
    if wanted.object_id:
        _check_named(texts, options)
    else:
        _check_new(wanted)
    return wanted


def _names(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of names without the entries that a survey leaves empty."""
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
    wrong = next((letter for letter in summary if unicodedata.category(letter) in CONTROL_CATEGORIES), None)
    if wrong is not None:
        raise configuration_error(
            f"summary holds the control character U+{ord(wrong):04X}; it must be one line of text without any."
        )


def resolve_new(api: RezolveApi, wanted: Wanted) -> ResolvedTicket:
    """Resolve a ticket that is to be found or created.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :raises ApiError: category ``configuration`` for a name that is not in the catalog, and any error of reading that.
    """
    ticket_type = find_ticket_type(api, wanted.item_type_id, wanted.item_type) if _names_type(wanted) else None
    offer = find_offer(api, wanted.offer_id, wanted.offer, ticket_type.id if ticket_type else None)
    if ticket_type is None:
        if offer.item_type_id is None:
            raise configuration_error(f"Offer {offer.id} does not say its ticket type: add item_type_id.")
        ticket_type = find_ticket_type(api, offer.item_type_id, None)
    values = resolve_values(ticket_type, wanted.fields)
    check_complete(ticket_type, values)
    team_id, summary = wanted.team_id or "", wanted.summary or ""
    unique = {name: _unique_value(ticket_type, name, values) for name in wanted.unique_by if name != SUMMARY}
    searched = summary if wanted.unique_by[0] == SUMMARY else str(unique[wanted.unique_by[0]][1])
    identity = Identity(
        team_id=team_id,
        item_type_id=ticket_type.id,
        offer_id=offer.id,
        summary=summary if SUMMARY in wanted.unique_by else None,
        values=tuple(unique.values()),
        selected=tuple(
            (entry, values[entry.id])
            for entry in ticket_type.fields
            if entry.data_type in (SELECT, OTHER) and entry.id in values
        ),
        text=search_text(searched),
        title=summary,
        full_text=full_search_text(searched),
    )
    body = {
        "source": wanted.source,
        "summary": summary,
        "ticketBody": {OFFER_KEY: offer.id, **values},
        "attachments": dict(wanted.attachments),
        "ticketRelation": None if wanted.ticket_relation is None else dict(wanted.ticket_relation),
    }
    return ResolvedTicket(ticket_type, values, _ignored_fields(ticket_type, wanted), identity, body)


def _names_type(wanted: Wanted) -> bool:
    return bool(wanted.item_type_id or wanted.item_type)


def _unique_value(ticket_type: TicketType, name: str, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return a field that makes a ticket the wanted one, with its value."""
    found = find_field(ticket_type, name, "unique_by")
    value = values.get(found.id)
    if is_empty(value):
        raise configuration_error(f"unique_by names {found.title!r}, so fields must hold a value for it.")
    check_not_null(f"fields: {found.title!r}", value)
    if found.type_key in REWRITTEN or found.data_type == DATE:
        raise configuration_error(
            f"unique_by names {found.title!r}, which the service may spell otherwise, so that the search would not "
            "find it again."
        )
    if isinstance(value, (list, dict, bool)):
        raise configuration_error(f"unique_by names {found.title!r}, but only a text or a number can be searched for.")
    return found, value


def _ignored_fields(ticket_type: TicketType, wanted: Wanted) -> frozenset[str]:
    return frozenset(find_field(ticket_type, name, "ignore_fields").id for name in wanted.ignore_fields)


def resolve_existing(api: RezolveApi, wanted: Wanted, record: Mapping[str, Any]) -> ResolvedTicket:
    """Resolve a ticket that object_id names.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :param record: the ticket.
    :raises ApiError: category ``configuration`` for a name that is not in the catalog, and any error of reading that.
    """
    if not wanted.fields:
        return ResolvedTicket()
    shown = location_of(record)["item_type_id"]
    if shown is None and not _names_type(wanted):
        raise ApiError(
            f"Ticket {wanted.object_id} does not show its ticket type, by which fields are found: add item_type_id.",
            "contract",
        )
    given = wanted.item_type_id if _names_type(wanted) else shown
    ticket_type = find_ticket_type(api, given, wanted.item_type)
    if shown not in (None, ticket_type.id):
        raise configuration_error(
            f"Ticket {wanted.object_id} is of type {shown}, not {ticket_type.id} ({ticket_type.name})."
        )
    return ResolvedTicket(ticket_type, resolve_values(ticket_type, wanted.fields), _ignored_fields(ticket_type, wanted))
