# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The requests for tickets of Rezolve.ai, for the operations of any ticketing system."""

from __future__ import annotations

from typing import Any, Collection

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import ticket_search
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    ResolvedTicket,
    Wanted,
    resolve_existing,
    resolve_new,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import RezolveFormat, is_deleted
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.teams import unverified_team
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import shows_fields
from ansible_collections.secops.itsm.plugins.module_utils._ticketing import ensure_ticket as operation
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    Answer,
    Capabilities,
    Found,
    ReadBudget,
    StaleMarkerError,
    Ticket,
    TicketBackend,
    TicketOptions,
    TicketUpdate,
    Updated,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_plan import require

#: HTTP status codes of refusals that are not caused by a stale etag.
NOT_STALE = frozenset({401, 403, 404, 408, 429})


class RezolveBackend(TicketBackend[Wanted, ResolvedTicket]):
    """The requests for one ticket.

    :param api: the ticketing API.
    """

    capabilities = Capabilities(
        is_linkable=Answer.UNKNOWN,
        create_returns_ticket=True,
        is_search_immediate=False,
        can_read_notes=Answer.NO,
    )
    format = RezolveFormat()
    options = TicketOptions("object_id", "include_done", "unique_by", "summary")
    volatile_keys = frozenset({"etag"})

    def __init__(self, api: RezolveApi) -> None:
        self._api = api

    @property
    def request_ids(self) -> list[str]:
        """Return the ids of the requests sent so far."""
        return self._api.request_ids

    def resolve_new(self, wanted: Wanted) -> ResolvedTicket:
        """Resolve the options of a ticket to find or create."""
        return resolve_new(self._api, wanted)

    def resolve_existing(self, wanted: Wanted, record: Ticket) -> ResolvedTicket:
        """Resolve the fields of a ticket with object_id."""
        return resolve_existing(self._api, wanted, record)

    def read_budget(self, rejected: Collection[str]) -> ReadBudget:
        """Return the number of tickets to read: a search only returns candidates."""
        return ReadBudget(set(rejected), ticket_search.MAX_READS)

    def find(self, target: ResolvedTicket, accepts_closed: bool, budget: ReadBudget) -> Found:
        """Search for the ticket with the full-text search."""
        identity = require(target.identity)
        found = ticket_search.find_matches(self._api, identity, accepts_closed, budget)
        return Found(found.matches, found.done, found.similar)

    def find_among_newest(self, target: ResolvedTicket, accepts_closed: bool, budget: ReadBudget) -> Found:
        """Return the newest tickets that match, which the search index may not contain yet."""
        identity = require(target.identity)
        found = ticket_search.find_among_newest(self._api, identity, accepts_closed, budget)
        return Found(found.matches, found.done, found.similar)

    def get(self, ticket_id: str, wanted: Wanted, *, is_new: bool = False) -> Ticket:
        """Return a ticket."""
        del wanted
        record = self._api.ticket(ticket_id)
        if is_deleted(record) and not is_new:
            raise ApiError(f"Ticket {ticket_id} was deleted.", "not_found")
        if not shows_fields(record):
            raise ApiError(
                f"The service does not return the fields of ticket {ticket_id}. Check the ticket in the portal.",
                "contract",
            )
        return record

    def create(self, target: ResolvedTicket) -> Ticket:
        """Create the ticket."""
        identity = require(target.identity)
        return self._api.create_ticket(identity.team_id, identity.item_type_id, target.body)

    def update(self, ticket_id: str, update: TicketUpdate, target: ResolvedTicket) -> Updated:
        """Update fields of a ticket, unless its etag changed."""
        del target
        try:
            etag = self._api.update_ticket(ticket_id, require(update.marker), update.changes)
        except ApiError as failure:
            if may_be_stale(failure):
                raise StaleMarkerError(failure) from None
            raise
        return Updated({"etag": etag}, etag)

    def result_values(self, ticket: Ticket, ticket_id: str | None) -> dict[str, Any]:
        """Return the display id and the etag."""
        return {"object_id": ticket_id, "etag": ticket.get("etag")}

    def unverified(
        self, wanted: Wanted, target: ResolvedTicket, *, created: bool, check_mode: bool, noted: Collection[str]
    ) -> list[str]:
        """Return the reason why the team of a new ticket could not be verified, in check mode."""
        del target, noted
        return unverified_team(self._api, wanted.team_id or "") if check_mode and created else []


def may_be_stale(failure: ApiError) -> bool:
    """Return True if an update may have been refused because of a stale etag (TK-A7).

    :param failure: the failure of the update.
    """
    status = failure.http_status or 0
    return 400 <= status < 500 and status not in NOT_STALE and not failure.fields


def ensure_ticket(api: RezolveApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Create the wanted ticket if it does not exist, update its fields otherwise, and return the result.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    return operation.ensure_ticket(RezolveBackend(api), wanted, run)
