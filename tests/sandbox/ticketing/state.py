# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the ticketing side of the sandbox, and its operations."""

from __future__ import annotations

import copy
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.edits import Edit, Edits
from ansible_collections.secops.itsm.tests.sandbox.profile import TicketingProfile
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call, RefusedError
from ansible_collections.secops.itsm.tests.sandbox.ticketing import listing
from ansible_collections.secops.itsm.tests.sandbox.ticketing.accounts import Accounts, Caller
from ansible_collections.secops.itsm.tests.sandbox.ticketing.checks import (
    creation_faults,
    joined,
    plain_text_faults,
    update_faults,
)
from ansible_collections.secops.itsm.tests.sandbox.ticketing.records import ANOTHER_AGENT, Ticket
from ansible_collections.secops.itsm.tests.sandbox.ticketing.refusals import invalid_fields, page_not_found
from ansible_collections.secops.itsm.tests.sandbox.ticketing.serializers import TicketSerializer
from ansible_collections.secops.itsm.tests.sandbox.ticketing.store import Store, Tenant


class Ticketing:
    """The platform, with a method for each operation.

    :param seed: ``clients`` and ``tenants``.
    """

    def __init__(self, seed: Mapping[str, Any]) -> None:
        self._seed = seed
        realms = {tenant["id"].lower(): tenant["realm"] for tenant in seed["tenants"]}
        self.accounts = Accounts(seed["clients"], realms)
        self.edits = Edits()
        self.reset(TicketingProfile(), [])

    def reset(self, profile: TicketingProfile, edits: list[Edit]) -> None:
        """Restore the initial state. Fetched tokens expire."""
        self.profile, self.serializer = profile, TicketSerializer(profile)
        self.store = Store(copy.deepcopy(self._seed["tenants"]))
        self.accounts.reset()
        self.edits.replace(edits)

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the handlers by operationId."""
        return {
            "create-ticket": self.create,
            "update-ticket": self.update,
            "get-ticket": self.get,
            "list-tickets": self.list,
            "list-ticket-types": self.list_types,
            "list-offers": self.list_offers,
            "get-user-info": self.who_am_i,
            "fetch-token": self.fetch_token,
        }

    # --- another agent -----------------------------------------------------------------------------------------------

    def edit_if_there(self, object_id: str, values: Mapping[str, Any]) -> bool:
        """Let another agent edit a ticket, and return whether it exists.

        :param values: by field UUID.
        :raises ValueError: if the ticket cannot have the values.
        """
        ticket = self.store.find(object_id)
        if ticket is None:
            return False
        faults = update_faults(ticket.type, values)
        if faults:
            raise ValueError(f"edit.fields cannot be set in ticket {object_id}: {joined(faults)}")
        ticket.replace(ticket.edited(values, ANOTHER_AGENT))
        return True

    # --- finding -----------------------------------------------------------------------------------------------------

    def _tenant(self, call: Call) -> Tenant:
        return self.store.tenants[call.caller.tenant_id]

    def _visible(self, call: Call) -> dict[str, Ticket]:
        """Return the tickets that the caller may see, by display ID."""
        caller: Caller = call.caller
        return {
            name: ticket
            for name, ticket in self._tenant(call).tickets.items()
            if not caller.sees_only_own or ticket.record["data"]["submittedBy"] == caller.username
        }

    def _in_path(self, call: Call) -> Ticket:
        ticket = self._visible(call).get(call.path["objectId"])
        if ticket is not None:
            return ticket
        if self.profile.missing == "html":
            raise page_not_found()
        raise RefusedError(404, "NOT_FOUND", "Ticket not found")

    # --- tickets -----------------------------------------------------------------------------------------------------

    def get(self, call: Call) -> Answer:
        """Return a ticket."""
        ticket = self._in_path(call)
        return Answer(200, self.serializer.read(ticket, ticket.read()))

    def create(self, call: Call) -> Answer:
        """Create a ticket."""
        tenant, team = self._tenant(call), call.path["teamId"]
        ticket_type = tenant.types.get(call.path["itemTypeId"])
        if team not in tenant.teams or ticket_type is None:
            raise page_not_found()
        if team not in call.caller.client["teams"]:
            raise RefusedError(403, "", "You cannot create tickets for this team")
        values = dict(call.body["ticketBody"])
        offer = values.pop("offerId")
        faults = creation_faults(ticket_type, values)
        if not any(entry["id"] == offer and entry["item_type"] == call.path["itemTypeId"] for entry in tenant.offers):
            faults["offerId"] = ["The offer does not exist, or is for tickets of another type"]
        if self.profile.texts == "plain":
            faults.update(plain_text_faults(values, call.body["summary"]))
        if faults:
            raise invalid_fields(faults)
        ticket = tenant.create(call.caller, team, ticket_type, call.body)
        ticket.unlisted = self.profile.search_lag
        return Answer(200, self.serializer.written(ticket, ticket.record, "created"))

    def update(self, call: Call) -> Answer:
        """Change the fields of a ticket."""
        ticket, changes = self._in_path(call), call.body["ticketUpdate"]
        if call.body["etag"].lower() != ticket.record["etag"]:
            raise RefusedError(int(self.profile.stale), "ETAG_MISMATCH", "The ticket was changed by another user")
        faults = update_faults(ticket.type, changes)
        if self.profile.texts == "plain":
            faults.update(plain_text_faults(changes))
        if faults:
            raise invalid_fields(faults)
        record = ticket.edited(changes, call.caller.person)
        applies = self.profile.writes == "applied"
        if applies:
            ticket.replace(record, self.profile.lag_reads)
        return Answer(200, self.serializer.updated(ticket, record), effect=applies)

    def list(self, call: Call) -> Answer:
        """Return a page of tickets."""
        visible = self._visible(call).values()
        tickets = listing.found(
            (ticket for ticket in visible if not ticket.unlisted), call.body, self.profile.search_fields == "all"
        )
        for ticket in visible:
            ticket.unlisted -= 1 if ticket.unlisted else 0
        return Answer(200, self.serializer.page(tickets, call.body["top"], call.body["offset"]))

    # --- catalog and accounts ----------------------------------------------------------------------------------------

    def list_types(self, call: Call) -> Answer:
        """Return a page of ticket types; ``$select`` is ignored."""
        first = call.query.get("$skip", 0)
        size = min(call.query.get("$top", self.profile.type_page), self.profile.type_page)
        entries = [entry.shown for entry in self._tenant(call).types.values()][first : first + size]
        return Answer(200, self.serializer.catalog("value", entries))

    def list_offers(self, call: Call) -> Answer:
        """Return the offers of the service catalog."""
        return Answer(200, self.serializer.catalog("offers", self._tenant(call).offers))

    def who_am_i(self, call: Call) -> Answer:
        """Return the caller."""
        caller: Caller = call.caller
        known = {
            "username": caller.username,
            "tenantId": self._tenant(call).id,
            "teams": caller.client["teams"],
            "roles": caller.client["roles"],
            "permissions": caller.scope.split(),
        }
        return Answer(200, {"success": True, "data": known})

    def fetch_token(self, call: Call) -> Answer:
        """Return an access token."""
        return Answer(200, self.accounts.fetch(call.path["realm"], call.body))
