# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Process a list of tickets: read the catalog once, and group the items that would find or create the same ticket.

Otherwise, two workers that search for the same ticket at the same time would both find nothing and create it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Hashable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition, BulkItem
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    SELF_EXPLANATORY,
    OperationResult,
    RunOptions,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import spelling_key
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog_cache import CatalogCache
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    FOR_NEW,
    SENT_AS_IS,
    SUMMARY,
    ResolvedTicket,
    Wanted,
    parse_options,
    require,
    resolve_new,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import comparison_key
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import (
    is_same_in_any_spelling,
    is_same_summary,
    may_be_cut,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket import ensure_ticket
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import is_same_value_in_any_spelling

#: The options that identify an item in the results.
IDENTIFIERS = ("object_id", "team_id", SUMMARY)

#: Number of characters of a long summary in an index key, because a service may truncate the rest.
KEY_LENGTH = 100

#: The properties that a search compares: whether the summary does, and the UUIDs of the fields.
Signature = tuple[bool, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class TicketItem:
    """One item of the list. Two items are equal if they request the same changes.

    :param wanted: the parsed options of the item.
    :param resolved: the options with the service's own ids; None for a ticket with object_id.
    :param catalog: the shared cache of the catalog.
    """

    wanted: Wanted
    resolved: ResolvedTicket | None
    catalog: CatalogCache

    @property
    def object_id(self) -> str:
        """Return the ticket's display id, which is not case-sensitive."""
        return (self.wanted.object_id or "").casefold()

    def _changes(self) -> tuple[Any, ...]:
        """Return the requested changes, which do not depend on whether names or ids are used."""
        if self.resolved is None:
            return (replace(self.wanted, object_id=self.object_id),)
        return self.resolved, self.wanted.include_done

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TicketItem) and self._changes() == other._changes()

    def __hash__(self) -> int:
        return hash((self.object_id, self.wanted.team_id))


def parse_items(api: RezolveApi, items: Sequence[Mapping[str, Any]]) -> list[BulkItem]:
    """Check the items of a list, and return them with equal keys for items of the same ticket.

    :param api: the ticketing API; only its catalog is read.
    :param items: the options of each item.
    :raises ApiError: if the catalog cannot be read.
    """
    catalog = CatalogCache()
    cached = catalog.wrap(api)
    parsed = [_parse_item(cached, options, catalog) for options in items]
    keys = group_by_ticket([item.wanted.resolved if item.wanted else None for item in parsed])
    return [replace(item, key=key or item.key) for item, key in zip(parsed, keys)]


def _parse_item(api: RezolveApi, options: Mapping[str, Any], catalog: CatalogCache) -> BulkItem:
    named = {name: options.get(name) for name in IDENTIFIERS}
    try:
        wanted = parse_options(options)
        resolved = None if wanted.object_id else resolve_new(api, wanted)
    except ApiError as failure:
        # An entry that is missing in the catalog, or is malformed there, fails this item. A catalog that cannot be read
        # fails the task.
        if failure.category not in (*SELF_EXPLANATORY, "contract") or failure.http_status is not None:
            raise
        return BulkItem(named, options, failure=failure.with_message(f"{failure} Nothing was written."))
    item = TicketItem(wanted, resolved, catalog)
    return BulkItem(named, options, ("object_id", item.object_id), item, label=str(wanted))


def group_by_ticket(tickets: Sequence[ResolvedTicket | None]) -> list[Hashable]:
    """Return a key for each ticket. Two keys are equal if a search for either ticket finds the other one once created.

    The relation is not transitive and depends on what each search compares, so it cannot be computed from one ticket:
    the number 5 matches the texts 5 and 5.0, which do not match each other, so the three form a group.

    :param tickets: None for an item that does not create a ticket; its key is None.
    """
    known = {place: ticket for place, ticket in enumerate(tickets) if ticket is not None}
    groups = {place: [place] for place in known}
    for one, other in _matching_pairs(known):
        small, large = sorted((groups[one], groups[other]), key=len)
        if small is not large:
            large += small
            groups.update(dict.fromkeys(small, large))
    return [("ticket", groups[place][0]) if place in known else None for place in range(len(tickets))]


def _matching_pairs(tickets: Mapping[int, ResolvedTicket]) -> Iterator[tuple[int, int]]:
    """Yield enough matching pairs to connect each group, without comparing every pair of tickets."""
    index: dict[Hashable, list[int]] = {}
    for place, ticket in tickets.items():
        signature = _signature(ticket)
        matching = index.setdefault(_index_key(ticket, signature), [])
        if not any(_would_find(tickets[other], ticket) for other in matching):
            matching.append(place)
            index.setdefault(_index_key(ticket, signature, KEY_LENGTH), []).append(place)
    signatures = sorted({_signature(ticket) for ticket in tickets.values()})
    for place, ticket in tickets.items():
        # A service may truncate the summary of either ticket.
        length = KEY_LENGTH if may_be_cut(require(ticket.identity).title) else None
        for signature in signatures:
            for other in index.get(_index_key(ticket, signature, length), ()):
                if _would_find(tickets[other], ticket):
                    yield place, other


def _signature(ticket: ResolvedTicket) -> Signature:
    identity = require(ticket.identity)
    return identity.summary is not None, tuple(sorted(field.id for field, _value in identity.values))


def _index_key(ticket: ResolvedTicket, signature: Signature, length: int | None = None) -> Hashable:
    """Return a key that is equal for all tickets that a search may find for each other.

    :param ticket: the ticket.
    :param signature: the properties that the search compares.
    :param length: number of characters of the summary to use; all by default.
    """
    identity, (with_summary, names) = require(ticket.identity), signature
    summary = spelling_key(identity.title)[:length] if with_summary else None
    return (
        length,
        *identity.location.values(),
        summary,
        names,
        tuple(comparison_key(ticket.values.get(name)) for name in names),
    )


def _would_find(searching: ResolvedTicket, created: ResolvedTicket) -> bool:
    """Return True if a search for one ticket finds the other one, in any spelling, once it is created."""
    wanted, existing = require(searching.identity), require(created.identity)
    if wanted.location != existing.location:
        return False
    if wanted.summary is not None and not (
        is_same_summary(existing.title, wanted.summary) or is_same_in_any_spelling(existing.title, wanted.summary)
    ):
        return False
    return all(
        is_same_value_in_any_spelling(field, created.values.get(field.id), value) for field, value in wanted.values
    )


def ensure_listed_ticket(api: RezolveApi, item: TicketItem, run: RunOptions) -> OperationResult:
    """Create or update one ticket of a list, and return the result.

    :param api: the ticketing API.
    :param item: the parsed item.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    return ensure_ticket(item.catalog.wrap(api), item.wanted, run, item.resolved)


#: Options of the task that do not apply to an item with a certain option, which identifies the same thing.
DISPLACES: Mapping[str, Sequence[str]] = {
    "object_id": (*FOR_NEW, *SENT_AS_IS),
    "offer_id": ("offer",),
    "offer": ("offer_id",),
    "item_type_id": ("item_type",),
    "item_type": ("item_type_id",),
}

TICKETS: BulkDefinition[RezolveApi] = BulkDefinition(
    "tickets", "ticket", parse_items, ensure_listed_ticket, merged_options=frozenset({"fields"}), displaces=DISPLACES
)
