# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the references in the ticketing part of a seed; seed.schema.yml describes its format."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import TicketType, option_values
from ansible_collections.secops.itsm.tests.sandbox.ticketing.checks import creation_faults, joined


def check_ticketing(seed: Mapping[str, Any]) -> None:
    """Check for duplicate IDs, references to something that does not exist, and invalid field values.

    :param seed: ``clients`` and ``tenants``.
    :raises ValueError: for the first error.
    """
    clients, tenants = seed["clients"], seed["tenants"]
    once("tenants", (entry["id"].lower() for entry in tenants))
    once("prefixes", (entry["prefix"] for entry in tenants))
    once("clients", (entry["id"] for entry in clients))
    for name in ("access_token", "api_key"):
        once(f"{name}s", (entry[name] for entry in clients if name in entry))
    known = {entry["id"].lower() for entry in tenants}
    for client in clients:
        if client["tenant"].lower() not in known:
            raise ValueError(f"client {client['id']} names the unknown tenant {client['tenant']}")
    for tenant in tenants:
        _check_tenant(tenant)


def once(what: str, names: Iterable[str]) -> None:
    """Check that no name is used twice.

    :param what: the named things, in the plural.
    :raises ValueError: for the first duplicate.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name} occurs twice in {what}")
        seen.add(name)


def _check_tenant(tenant: Mapping[str, Any]) -> None:
    once("ticket types", (entry["id"] for entry in tenant["ticket_types"]))
    once("offers", (entry["id"] for entry in tenant["offers"]))
    once("platform tickets", (entry["object_id"] for entry in tenant["tickets"]))
    types = {entry["id"]: TicketType(entry) for entry in tenant["ticket_types"]}
    for entry in tenant["ticket_types"]:
        _check_status(entry, types[entry["id"]])
    offers = {entry["id"]: entry["item_type"] for entry in tenant["offers"]}
    for offer, item_type in offers.items():
        if item_type not in types:
            raise ValueError(f"offer {offer} names the unknown ticket type {item_type}")
    for ticket in tenant["tickets"]:
        _check_ticket(ticket, tenant, types, offers)


def _check_status(entry: Mapping[str, Any], ticket_type: TicketType) -> None:
    """Check that exactly the options of the status field have a category."""
    if "status" in entry:
        field = ticket_type.fields.get(entry["status"]["field"], {})
        if sorted(option_values(field)) != sorted(entry["status"]["categories"]):
            raise ValueError(f"the status options and categories of ticket type {entry['id']} differ")


def _check_ticket(
    ticket: Mapping[str, Any], tenant: Mapping[str, Any], types: Mapping[str, TicketType], offers: Mapping[str, str]
) -> None:
    name = ticket["object_id"]
    if not re.fullmatch(re.escape(tenant["prefix"]) + "[0-9]{4,}", name):
        raise ValueError(f"ticket {name} is not named {tenant['prefix']} and at least four digits")
    if ticket["team"] not in tenant["teams"]:
        raise ValueError(f"ticket {name} names the unknown team {ticket['team']}")
    if offers.get(ticket["offer"]) != ticket["item_type"]:
        raise ValueError(f"ticket {name} has offer {ticket['offer']}, which is not one of its ticket type")
    faults = creation_faults(types[ticket["item_type"]], ticket.get("fields", {}))
    if faults:
        raise ValueError(f"ticket {name} has invalid fields: {joined(faults)}")
