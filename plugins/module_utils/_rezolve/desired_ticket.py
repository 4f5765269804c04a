# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Parse the options of a ticket, and resolve the names in them through the service catalog."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any, Hashable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import check_verify_timeout
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import check_not_null
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import DATE, OTHER, SELECT, TEXT
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import (
    Field,
    TicketType,
    find_offer,
    find_ticket_type,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import is_empty, is_same
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import (
    add_labels,
    by_title,
    check_complete,
    check_serializable,
    find_field,
    resolve_values,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    OFFER_KEY,
    RezolveFormat,
    data_of,
    location_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import (
    full_search_text,
    may_be_cut,
    search_text,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_grouping import (
    KEY_LENGTH,
    index_key,
    signature_of,
    would_find,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import (
    Identity,
    prefer_exact,
    respelled_values,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    State,
    TargetTicket,
    Ticket,
    WantedTicket,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_plan import require

SUMMARY = "summary"

#: Types of fields whose text the service may rewrite (TK-A13).
REWRITTEN = frozenset({"richtext", "html"})

#: Unicode categories of characters that end a line, control a terminal, or cannot be sent.
CONTROL_CATEGORIES = frozenset({"Cc", "Zl", "Zp", "Cs"})

#: Text options, which AWX may leave empty. All except the identifiers accept any text.
IDENTIFIERS = ("object_id", "team_id", "item_type_id", "offer_id")
TEXTS = (*IDENTIFIERS, "item_type", "offer", "summary")

#: Options that only apply if a ticket is searched for or created.
FOR_NEW = ("team_id", "offer_id", "offer", "summary")
SENT_AS_IS = ("attachments", "ticket_relation")


@dataclass(frozen=True)
class Wanted(WantedTicket):
    """The parsed options of a task, before the catalog is read.

    :param object_id: the ticket's display id; without it, the other options identify the ticket.
    :param fields: values by UUID, label or name.
    :param unique_by: ``summary`` or fields that identify the ticket.
    :param include_done: whether closed tickets are accepted.
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

    @property
    def ticket_id(self) -> str | None:
        """Return the display id."""
        return self.object_id

    @property
    def title(self) -> str | None:
        """Return the summary of a new ticket."""
        return self.summary

    @property
    def accepts_closed(self) -> bool:
        """Return whether closed tickets are accepted."""
        return self.include_done

    def normalized(self) -> Wanted:
        """Return a copy with the display id in lower case, because it is not case-sensitive."""
        return replace(self, object_id=self.object_id.casefold()) if self.object_id else self


@dataclass(frozen=True)
class ResolvedTicket(TargetTicket):
    """The wanted ticket with the service's own ids.

    :param ticket_type: the ticket type; None if no field is set.
    :param values: values by UUID.
    :param ignored: UUIDs of the fields that are only set in a new ticket.
    :param identity: the properties that identify the ticket; None for a ticket with object_id.
    :param body: the request that creates the ticket.
    """

    ticket_type: TicketType | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    identity: Identity | None = None
    body: Mapping[str, Any] = field(default_factory=dict)

    format = RezolveFormat()

    def field_of(self, name: str) -> Field:
        """Return the field with a UUID.

        :param name: the UUID.
        """
        return next(entry for entry in require(self.ticket_type).fields if entry.id == name)

    def is_same(self, name: str, one: Any, other: Any) -> bool:
        """Return whether two values of a field are equal, in any notation."""
        return is_same(self.field_of(name), one, other)

    def may_be_stored_as(self, name: str, given: Any, stored: Any) -> bool:
        """Return whether a service that accepted a value may store it as the other one.

        The service may sanitize a text, and extend a value of an unknown type, such as a user name. A different option,
        number, date or boolean is never the wanted one.
        """
        kind = self.field_of(name).data_type
        if kind == TEXT:
            return not is_empty(given)
        if kind != OTHER or not isinstance(stored, Mapping):
            return False
        if isinstance(given, Mapping):
            return all(key in stored and stored[key] == value for key, value in given.items())
        return given in stored.values()

    def by_title(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by label."""
        return by_title(self.ticket_type, values)

    def display(self, record: Ticket, names: Sequence[str]) -> dict[str, Any]:
        """Return the ids, the summary, the location and the fields of a ticket."""
        named = {"object_id": record.get("object_id"), "summary": record.get("summary"), **location_of(record)}
        values = {name: data_of(record).get(name) for name in names}
        return {**{name: value for name, value in named.items() if value is not None}, "fields": self.by_title(values)}

    def expected(self) -> Ticket:
        """Return the new ticket as the service is expected to store it."""
        identity = require(self.identity)
        return {
            "summary": self.body["summary"],
            "lookup_props": {"teamId": identity.team_id, "itemTypeId": identity.item_type_id},
            "data": self.body["ticketBody"],
        }

    def update_request(
        self, marker: str | None, changes: Mapping[str, Any], notes: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Return the body of an update."""
        del notes
        return {"etag": marker, "ticketUpdate": changes}

    def after_update(self, record: Ticket, changes: Mapping[str, Any], notes: Mapping[str, str]) -> Ticket:
        """Return a ticket with changed fields."""
        del notes
        return {**record, "data": {**data_of(record), **changes}}

    def refusal(self, record: State, changes: Mapping[str, Any]) -> ApiError | None:
        """Return an error for a ticket without etag, which cannot be updated."""
        del changes
        if record is None or record.get("etag"):
            return None
        return ApiError(
            f"The service does not return the etag of ticket {record['object_id']}, so it cannot be updated. Check the "
            "ticket in the portal.",
            "contract",
        )

    def explain(self, failure: ApiError) -> ApiError:
        """Return the failure with the labels of fields next to their UUIDs in its message."""
        if self.ticket_type is None:
            return failure
        return failure.with_message(add_labels(self.ticket_type, failure.message))

    def counts_as_closed(self, record: Ticket) -> bool:
        """Return whether a ticket is closed, but not because the task requests that status."""
        return require(self.identity).counts_as_done(record)

    def respelled(self, record: Ticket) -> Mapping[str, tuple[str, str]]:
        """Return the parts of the identity that a ticket stores in another spelling."""
        return respelled_values(record, self.identity) if self.identity else {}

    def prefer(self, matches: Sequence[Ticket]) -> Sequence[Ticket]:
        """Return the matches with exactly the wanted summary, if any."""
        return prefer_exact(matches, require(self.identity))

    def signature(self) -> Hashable:
        """Return the properties that a search compares."""
        return signature_of(require(self.identity))

    def filed_keys(self, signature: Any) -> Sequence[Hashable]:
        """Return the key with the whole summary, and the one with its beginning."""
        identity = require(self.identity)
        return [index_key(identity, self.values, signature, length) for length in (None, KEY_LENGTH)]

    def lookup_key(self, signature: Any) -> Hashable:
        """Return the key with the beginning of the summary if a service may truncate it."""
        identity = require(self.identity)
        return index_key(identity, self.values, signature, KEY_LENGTH if may_be_cut(identity.title) else None)

    def would_find(self, created: ResolvedTicket) -> bool:
        """Return whether a search for this ticket finds the other one, in any spelling, once it is created."""
        return would_find(require(self.identity), require(created.identity), created.values)


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one ticket, and return the wanted ticket.

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
            raise configuration_error(f"{name} and {name}_id are mutually exclusive. Set only one of them.")
    for name in SENT_AS_IS:
        check_serializable(name, options.get(name))
    if wanted.object_id:
        _check_named(texts, options)
    else:
        _check_new(wanted)
    return wanted


def _names(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a list of names without duplicates and the empty entries of a survey."""
    return tuple(dict.fromkeys(entry.strip() for entry in options.get(name) or [] if entry.strip()))


def _check_named(texts: Mapping[str, str | None], options: Mapping[str, Any]) -> None:
    misplaced = [name for name in FOR_NEW if texts[name]] + [name for name in SENT_AS_IS if options.get(name)]
    if misplaced:
        raise configuration_error(
            f"{', '.join(misplaced)} cannot be combined with object_id, because they only apply to a search or a new "
            "ticket. Remove them, or object_id."
        )


def _check_new(wanted: Wanted) -> None:
    missing = [name for name in ("team_id", "summary") if not getattr(wanted, name)]
    if not wanted.offer_id and not wanted.offer:
        missing.append("offer_id (or offer)")
    if missing:
        raise configuration_error(
            f"A ticket is identified by object_id, or by its team, offer and summary. Add {', '.join(missing)}, or "
            "object_id."
        )
    summary = wanted.summary or ""
    wrong = next((letter for letter in summary if unicodedata.category(letter) in CONTROL_CATEGORIES), None)
    if wrong is not None:
        raise configuration_error(
            f"summary contains the control character U+{ord(wrong):04X}. Remove it; summary must be one line of text."
        )


def resolve_new(api: RezolveApi, wanted: Wanted) -> ResolvedTicket:
    """Resolve the options of a ticket to find or create, and return them with the service's own ids.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :raises ApiError: category ``configuration`` for a name that is not in the catalog, and any error of a request.
    """
    ticket_type = find_ticket_type(api, wanted.item_type_id, wanted.item_type) if _names_type(wanted) else None
    offer = find_offer(api, wanted.offer_id, wanted.offer, ticket_type.id if ticket_type else None)
    if ticket_type is None:
        if offer.item_type_id is None:
            raise configuration_error(f"Offer {offer.id} does not have a ticket type. Set item_type_id.")
        ticket_type = find_ticket_type(api, offer.item_type_id, None)
    values = resolve_values(ticket_type, wanted.fields, api.excerpt)
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
    """Return a field of unique_by, with its value."""
    found = find_field(ticket_type, name, "unique_by")
    value = values.get(found.id)
    if is_empty(value):
        raise configuration_error(f"unique_by contains {found.title!r}, so fields must contain a value for it.")
    check_not_null(f"fields: {found.title!r}", value)
    if found.type_key in REWRITTEN or found.data_type == DATE:
        raise configuration_error(
            f"unique_by contains {found.title!r}, whose spelling the service may change, so that a search would not "
            "find the ticket again. Choose another field."
        )
    if isinstance(value, (list, dict, bool)):
        raise configuration_error(
            f"unique_by contains {found.title!r}, but a search needs a text or a number. Choose another field."
        )
    return found, value


def _ignored_fields(ticket_type: TicketType, wanted: Wanted) -> frozenset[str]:
    return frozenset(find_field(ticket_type, name, "ignore_fields").id for name in wanted.ignore_fields)


def resolve_existing(api: RezolveApi, wanted: Wanted, record: Mapping[str, Any]) -> ResolvedTicket:
    """Resolve the fields of a ticket with object_id, and return them with the service's own ids.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :param record: the ticket.
    :raises ApiError: category ``configuration`` for a name that is not in the catalog, and any error of a request.
    """
    if not wanted.fields:
        return ResolvedTicket()
    shown = location_of(record)["item_type_id"]
    if shown is None and not _names_type(wanted):
        raise ApiError(
            f"The service does not return the ticket type of ticket {wanted.object_id}, which defines its fields. Set "
            "item_type_id.",
            "contract",
        )
    given = wanted.item_type_id if _names_type(wanted) else shown
    ticket_type = find_ticket_type(api, given, wanted.item_type)
    if shown not in (None, ticket_type.id):
        raise configuration_error(
            f"Ticket {wanted.object_id} has ticket type {shown}, not {ticket_type.id} ({ticket_type.name}). Correct "
            "item_type or item_type_id."
        )
    values = resolve_values(ticket_type, wanted.fields, api.excerpt)
    return ResolvedTicket(ticket_type, values, _ignored_fields(ticket_type, wanted))
