# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the ticketing part of a seed holds together; its shape is seed.schema.yml's to check."""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import instant
from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import TicketType, option_values
from ansible_collections.secops.itsm.tests.sandbox.ticketing.checks import creation_faults, told


def check_ticketing(seed: Mapping[str, Any]) -> None:
    """Identifiers that stand twice, names of nothing, and values that no ticket can have.

    :param seed: ``clients`` and ``tenants``.
    :raises ValueError: for the first thing that is wrong.
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
            raise ValueError(f"has client {client['id']} in {client['tenant']}, which is none of its tenants")
    for tenant in tenants:
        _check_tenant(tenant)


def once(what: str, names: Iterable[str]) -> None:
    """Refuse a name that stands twice.

    :param what: what they are names of, in the plural.
    :param names: all of them.
    :raises ValueError: for the first.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"has {name} twice among its {what}")
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
            raise ValueError(f"has offer {offer} for {item_type}, which is no ticket type of its tenant")
    for ticket in tenant["tickets"]:
        _check_ticket(ticket, tenant, types, offers)


def _check_status(entry: Mapping[str, Any], ticket_type: TicketType) -> None:
    """The options of the field that is the status are the statuses that have a category."""
    if "status" in entry:
        field = ticket_type.fields.get(entry["status"]["field"], {})
        if sorted(option_values(field)) != sorted(entry["status"]["categories"]):
            raise ValueError(f"has other categories than options of the status in ticket type {entry['id']}")


def _check_ticket(
    ticket: Mapping[str, Any], tenant: Mapping[str, Any], types: Mapping[str, TicketType], offers: Mapping[str, str]
) -> None:
    name = ticket["object_id"]
    if not re.fullmatch(re.escape(tenant["prefix"]) + "[0-9]{4,}", name):
        raise ValueError(f"has ticket {name}, which is not {tenant['prefix']} and four digits")
    if ticket["team"] not in tenant["teams"]:
        raise ValueError(f"has ticket {name} in {ticket['team']}, which is no team of its tenant")
    if offers.get(ticket["offer"]) != ticket["item_type"]:
        raise ValueError(f"has ticket {name} with offer {ticket['offer']}, which is none of its type")
    faults = creation_faults(types[ticket["item_type"]], ticket.get("fields", {}))
    if faults:
        raise ValueError(f"has ticket {name} with wrong fields: {told(faults)}")
    for field in ("created_at", "updated_at"):
        if field in ticket:
            instant(ticket[field])
