# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other users of both services, who change other values between two requests of a run."""

from __future__ import annotations

from random import Random
from typing import Callable, Mapping, Optional

from ansible_collections.secops.itsm.tests.campaign.catalog import NOTES
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Record, World

#: Probability of each edit before a request.
RATE = 0.3

Edit = Callable[[World, Exchange, Random], Optional[str]]


def _some(random: Random, records: list[Record]) -> Record | None:
    return random.choice(records) if records else None


def _edit_ticket(world: World, exchange: Exchange, random: Random) -> str | None:
    record = _some(random, [entry for entry in world.tickets.values() if entry.now["tag"] is not None])
    if record is None:
        return None
    data = {**record.now["data"], NOTES: f"note {random.randrange(1000)}"}
    record.others["data"] = {**record.others["data"], NOTES: data[NOTES]}
    world.change(record, data=data, etag=world.uuid("edit"))
    return f"another user edits {record.now['object_id']}"


def _edit_incident(world: World, exchange: Exchange, random: Random) -> str | None:
    record = _some(random, [entry for entry in world.incidents.values() if entry.ours])
    if record is None:
        return None
    name, value = random.choice((("title", f"Edited {random.randrange(1000)}"), ("severity", "High")))
    world.change(record, by_others=True, **{name: value})
    return f"another user sets {name} of incident {record.now['number']}"


def _comment(world: World, exchange: Exchange, random: Random) -> str | None:
    record = _some(random, [entry for entry in world.incidents.values() if entry.ours])
    if record is None:
        return None
    text = random.choice(("Looked into it: CHG-12", "CHG-1-b is another change", "Closing", "+1"))
    entry = world.comment("others", text)
    record.others["comments"] = [*record.others["comments"], entry]
    world.change(record, comments=[*record.now["comments"], entry])
    return f"another user comments on incident {record.now['number']}"


def _edit_foreign(world: World, exchange: Exchange, random: Random) -> str | None:
    if random.random() < 0.5:
        record = _some(random, [entry for entry in world.incidents.values() if not entry.ours])
        if record is None:
            return None
        world.change(record, by_others=True, severity=random.choice(("Low", "High")))
        return f"another user changes foreign incident {record.now['number']}"
    home = {"team": "other-team", "item_type": "16910", "offer": "23629"}
    values = {**home, "summary": f"Printer {random.randrange(1000)}", "data": {}}
    ticket = world.add_ticket(values, world.clock.now())
    return f"another user opens {ticket.now['object_id']}"


#: The note of a request that another run preceded with the same comment.
TWIN_COMMENT = "another run posts the same comment"

EDITS: Mapping[str, Edit] = {
    "editor_ticket": _edit_ticket,
    "editor_incident": _edit_incident,
    "editor_comments": _comment,
    "editor_foreign": _edit_foreign,
}


def _twin(world: World, exchange: Exchange) -> str | None:
    """Let another run write the same ticket or comment first, once; return a note if it did."""
    if exchange.subject in world.twins or exchange.subject is None:
        return None
    if world.has("twin_ticket") and exchange.kind == "create" and not world.tagged(exchange.subject):
        world.twins.add(exchange.subject)
        body = exchange.body
        _ticketing, _ticket, _create, team, item_type = exchange.path.split("?")[0].strip("/").split("/")
        data = {name: value for name, value in body["ticketBody"].items() if name != "offerId"}
        home = {"team": team, "item_type": item_type, "offer": body["ticketBody"]["offerId"]}
        values = {**home, "summary": body["summary"], "data": data, "tag": exchange.subject, "by": "twin"}
        record = world.add_ticket(values, world.clock.now())
        return f"another run opens {record.now['object_id']}"
    if world.has("twin_comment") and exchange.kind == "add_comment":
        world.twins.add(exchange.subject)
        record = world.incidents[exchange.subject]
        entry = world.comment("twin", exchange.body["content"])
        record.others["comments"] = [*record.others["comments"], entry]
        world.change(record, comments=[*record.now["comments"], entry])
        return TWIN_COMMENT
    return None


def let_others_act(world: World, exchange: Exchange) -> list[str]:
    """Let other users act before a request is handled, and return notes of what they did.

    :param world: the state of the server.
    :param exchange: the request.
    """
    done = [_twin(world, exchange)]
    if world.has("partial_in_second") and exchange.kind == "incident":
        done.append(_edit_incident(world, exchange, world.random(exchange.path, "second")))
    for name, edit in EDITS.items():
        if world.has(name):
            random = world.random(exchange.method, exchange.path, name)
            if random.random() < RATE:
                done.append(edit(world, exchange, random))
    return [text for text in done if text]
