# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Process a list of tickets: resolve the items once, and group those that would find or create the same ticket.

Otherwise, two workers that search for the same ticket at the same time would both find nothing and create it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable, Collection, Generic, Hashable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition, BulkItem
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    SELF_EXPLANATORY,
    OperationResult,
    RunOptions,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import Api
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    TargetTicket,
    TicketBackend,
    WantedTicket,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ensure_ticket import ensure_ticket
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.response_cache import ResponseCache


@dataclass(frozen=True, eq=False)
class TicketItem:
    """One item of the list. Two items are equal if they request the same changes.

    :param wanted: the parsed options of the item.
    :param resolved: the options with the service's own ids; None for a ticket that the item names.
    :param cache: the responses that all items share.
    :param normalized: the options with the only spelling of the ticket's identifier; None for a new ticket.
    """

    wanted: WantedTicket
    resolved: TargetTicket | None
    cache: ResponseCache
    normalized: WantedTicket | None = None

    def _changes(self) -> tuple[Any, ...]:
        """Return the requested changes, which do not depend on whether names or ids are used."""
        if self.resolved is None:
            return (self.normalized,)
        return self.resolved, self.wanted.accepts_closed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TicketItem) and self._changes() == other._changes()

    def __hash__(self) -> int:
        return hash(self.normalized.ticket_id if self.normalized else None)


@dataclass(frozen=True)
class TicketBulk(Generic[Api]):
    """How the module of a ticketing system handles a list.

    :param backend: returns the backend for one item; takes the API of the item and the cache that all items share.
    :param new_cache: returns a cache for the responses that do not depend on the item.
    :param parse_options: parses the options of one item.
    :param identifiers: the options that identify an item in the results.
    """

    backend: Callable[[Api, Any], TicketBackend[Any, Any]]
    new_cache: Callable[[], ResponseCache]
    parse_options: Callable[[Mapping[str, Any]], WantedTicket]
    identifiers: Sequence[str]

    def parse_items(self, api: Api, items: Sequence[Mapping[str, Any]]) -> list[BulkItem]:
        """Check the items of a list, and return them with equal keys for items of the same ticket.

        :param api: the API; at most, the identifiers of tickets are read.
        :param items: the options of each item.
        :raises ApiError: if the catalog, the schema or the identifiers cannot be read.
        """
        cache = self.new_cache()
        backend = self.backend(api, cache)
        parsed = [self._parse_item(backend, options, cache) for options in items]
        named = [place for place, item in enumerate(parsed) if item.wanted and item.wanted.resolved is None]
        normalized = backend.normalize_items([parsed[place].wanted.wanted for place in named])
        for place, wanted in zip(named, normalized):
            item = replace(parsed[place].wanted, normalized=wanted)
            parsed[place] = replace(parsed[place], key=("id", wanted.ticket_id), wanted=item)
        keys = group_by_ticket([item.wanted.resolved if item.wanted else None for item in parsed])
        return [replace(item, key=key or item.key) for item, key in zip(parsed, keys)]

    def _parse_item(
        self, backend: TicketBackend[Any, Any], options: Mapping[str, Any], cache: ResponseCache
    ) -> BulkItem:
        named = {name: options.get(name) for name in self.identifiers}
        try:
            wanted = self.parse_options(options)
            resolved = None if wanted.ticket_id else backend.resolve_new(wanted)
        except ApiError as failure:
            # An entry that is missing in the catalog, or is malformed there, fails this item. A catalog that cannot be
            # read fails the task.
            if failure.category not in (*SELF_EXPLANATORY, "contract") or failure.http_status is not None:
                raise
            return BulkItem(named, options, failure=failure.with_message(f"{failure} Nothing was written."))
        return BulkItem(named, options, None, TicketItem(wanted, resolved, cache), label=str(wanted))

    def ensure_listed_ticket(self, api: Api, item: TicketItem, run: RunOptions) -> OperationResult:
        """Create or update one ticket of a list, and return the result.

        :param api: the API.
        :param item: the parsed item.
        :param run: the run options.
        :raises ApiError: as :func:`reconcile.reconcile` does.
        """
        return ensure_ticket(self.backend(api, item.cache), item.wanted, run, item.resolved)

    def definition(self, displaces: Mapping[str, Collection[str]]) -> BulkDefinition[Api]:
        """Return the definition of the option ``tickets``.

        :param displaces: as for :class:`BulkDefinition`.
        """
        return BulkDefinition(
            "tickets",
            "ticket",
            self.parse_items,
            self.ensure_listed_ticket,
            merged_options=frozenset({"fields"}),
            displaces=displaces,
        )


def group_by_ticket(tickets: Sequence[TargetTicket | None]) -> list[Hashable]:
    """Return a key for each ticket. Two keys are equal if a search for either ticket finds the other one once created.

    The relation is not transitive and depends on what each search compares, so it cannot be computed from one ticket:
    if the number 5 matches the texts 5 and 5.0, which do not match each other, the three form a group.

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


def _matching_pairs(tickets: Mapping[int, TargetTicket]) -> Iterator[tuple[int, int]]:
    """Yield enough matching pairs to connect each group, without comparing every pair of tickets."""
    index: dict[Hashable, list[int]] = {}
    for place, ticket in tickets.items():
        first, *others = ticket.filed_keys(ticket.signature())
        matching = index.setdefault(first, [])
        if not any(tickets[other].would_find(ticket) for other in matching):
            matching.append(place)
            for key in others:
                index.setdefault(key, []).append(place)
    signatures = list(dict.fromkeys(ticket.signature() for ticket in tickets.values()))
    for place, ticket in tickets.items():
        for signature in signatures:
            for other in index.get(ticket.lookup_key(signature), ()):
                if tickets[other].would_find(ticket):
                    yield place, other
