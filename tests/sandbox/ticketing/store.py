# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tenants of the ticketing platform, with their catalogs and tickets."""

from __future__ import annotations

import uuid
from typing import Any, Iterator, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.ticketing.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import DONE, TicketType
from ansible_collections.secops.itsm.tests.sandbox.ticketing.records import ANOTHER_AGENT, Ticket, new_record


class Tenant:
    """A tenant of the seed."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.id: str = entry["id"]
        self.prefix: str = entry["prefix"]
        self.teams: list[str] = entry["teams"]
        self.offers: list[dict[str, Any]] = entry["offers"]
        self.types = {item["id"]: TicketType(item) for item in entry["ticket_types"]}
        self.tickets = {item["object_id"]: self._seeded(item) for item in entry["tickets"]}

    def _seeded(self, item: Mapping[str, Any]) -> Ticket:
        ticket_type = self.types[item["item_type"]]
        person = {"lastName": "Reporter", "username": item["submitted_by"], "firstName": "Seeded"}
        fields = {**ticket_type.defaults(), **item.get("fields", {})}
        data = _data(fields, item["offer"], item["submitted_by"], person)
        place = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, item["object_id"])),
            "etag": str(uuid.uuid5(uuid.NAMESPACE_OID, item["object_id"])),
            "tenant_id": self.id,
            "moved_to": None,
            **item,
        }
        dates = {"created_at": item["created_at"], "updated_at": item.get("updated_at", item["created_at"])}
        return Ticket(new_record(ticket_type, place, data, dates), ticket_type)

    def create(self, caller: Caller, team: str, ticket_type: TicketType, body: Mapping[str, Any]) -> Ticket:
        """Create and return a ticket.

        :param body: a valid ``CreateTicketRequest``.
        """
        sent = {name: value for name, value in body["ticketBody"].items() if name != "offerId"}
        fields = {**sent, **{name: value for name, value in ticket_type.defaults().items() if name not in sent}}
        place = {
            "id": str(uuid.uuid4()),
            "tenant_id": self.id,
            "object_id": self._next_id(),
            "etag": str(uuid.uuid4()),
            "summary": body["summary"],
            "team": team,
            "moved_to": None,
            "id_serial": max((entry.record["id_serial"] for entry in self.tickets.values()), default=0) + 1,
        }
        data = _data(fields, body["ticketBody"]["offerId"], caller.username, caller.person)
        now = timestamp()
        record = new_record(ticket_type, place, data, {"created_at": now, "updated_at": now})
        ticket = self.tickets[record["object_id"]] = Ticket(record, ticket_type)
        return ticket

    def _next_id(self) -> str:
        numbers = [int(name[len(self.prefix) :]) for name in self.tickets]
        return f"{self.prefix}{max(numbers, default=0) + 1:04}"


class Store:
    """All records of the platform, from the tenants of a seed."""

    def __init__(self, tenants: list[dict[str, Any]]) -> None:
        self.tenants = {entry["id"].lower(): Tenant(entry) for entry in tenants}

    def all_tickets(self) -> Iterator[Ticket]:
        """Yield every ticket of every tenant."""
        for tenant in self.tenants.values():
            yield from tenant.tickets.values()

    def find(self, object_id: str) -> Ticket | None:
        """Return the ticket of any tenant with a display ID, or None."""
        return next((entry for entry in self.all_tickets() if entry.record["object_id"] == object_id), None)

    def known_elsewhere(self, tenant: str, system: str) -> list[dict[str, Any]]:
        """Return the tickets of a tenant as another product knows them.

        :param system: the name of the platform in that product.
        """
        return [
            {
                "id": str(record["id_serial"]),
                "number": record["object_id"],
                "system": system,
                "state": record["status_type"],
                "title": record["summary"],
            }
            for record in (ticket.record for ticket in self.tenants[tenant.lower()].tickets.values())
        ]

    def close(self, object_id: str) -> None:
        """Let another product close a ticket, if it is open: give it the first status in the category "done"."""
        ticket = self.find(object_id)
        done = ticket.type.first_done() if ticket else None
        if ticket and ticket.type.status_field and done and ticket.record["status_category"] != DONE:
            ticket.replace(ticket.edited({ticket.type.status_field: done}, ANOTHER_AGENT))


def _data(fields: Mapping[str, Any], offer: str, submitter: str, person: Mapping[str, str]) -> dict[str, Any]:
    system = {"offerId": offer, "ccWatchers": [], "toWatchers": [], "submittedBy": submitter, "lastUpdatedBy": person}
    return {**fields, **system}
