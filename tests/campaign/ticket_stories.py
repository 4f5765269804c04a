# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories about one or several tickets, which are found by their identity or created, or named by their display id."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.modules import ticketing_ticket
from ansible_collections.secops.itsm.tests.campaign import catalog
from ansible_collections.secops.itsm.tests.campaign.incident_stories import WORKSPACES
from ansible_collections.secops.itsm.tests.campaign.story import Story, list_waits, task_of, waits
from ansible_collections.secops.itsm.tests.campaign.targets import TicketTarget
from ansible_collections.secops.itsm.tests.campaign.world import Values, World

HOME: Values = {"team": catalog.TEAM, "item_type": catalog.ITEM_TYPE, "offer": catalog.OFFER}

#: Parts of a summary or a reference that services may store in another form.
DECORATIONS: Sequence[str] = (
    "",
    "",
    "Re\u0301union",
    "R\u00e9union",
    "two  blanks",
    "R&D <b>lab</b>",
    "\U0001f525 fire",
    "long " + "x" * 260,
    "MiXed CaSe",
)

#: Decorations that the behaviour changes.
NEEDED_DECORATION: Mapping[str, str] = {
    "store_collapsed": "two  blanks",
    "store_composed": "Re\u0301union",
    "store_escaped": "R&D <b>lab</b>",
    "store_cut": "long " + "x" * 260,
    "store_without_emoji": "\U0001f525 fire",
    "store_lower_case": "MiXed CaSe",
    "row_identity_escaped": "R&D <b>lab</b>",
}


@dataclass
class WantedTicket:
    """A wanted ticket."""

    arguments: Values
    target: TicketTarget
    text: str
    unique: str | None


def _values_of(world: World, random: Random) -> tuple[Values, Values]:
    """Return fields as options of a task by label, and their stored values by UUID."""
    urgency, tactics = random.choice(("Low", "High")), random.sample(("Execution", "Impact", "Discovery"), 2)
    possible: Mapping[str, tuple[Any, Any]] = {
        catalog.ROOT_CAUSE: ("Phishing & co",) * 2,
        catalog.URGENCY: (urgency, catalog.value_of(world, catalog.URGENCY, urgency)),
        catalog.HOSTS: (random.choice((3, "3")), 3),
        catalog.DETECTED: ("2026-11-21T02:40:00Z",) * 2,
        catalog.VIP: (random.choice((True, "yes")), True),
        catalog.TACTICS: (tactics, [catalog.value_of(world, catalog.TACTICS, label) for label in tactics]),
    }
    chosen = random.sample(sorted(possible), random.choice((0, 1, 2, 4)))
    for name, field_type in (
        ("choice_replaced", catalog.URGENCY),
        ("type_unknown", catalog.URGENCY),
        ("number_replaced", catalog.HOSTS),
        ("boolean_replaced", catalog.VIP),
        ("date_without_colon", catalog.DETECTED),
    ):
        if name in world.behaviours:
            chosen = [*chosen, field_type]
    given = {catalog.FIELDS[name].label: possible[name][0] for name in chosen}
    return given, {name: possible[name][1] for name in chosen}


def want_ticket(world: World, random: Random, number: int) -> WantedTicket:
    """Add similar tickets to the world, and possibly the wanted one, open or closed; return the wanted ticket."""
    needed = [text for name, text in NEEDED_DECORATION.items() if name in world.behaviours]
    decoration = needed[0] if needed else random.choice(DECORATIONS)
    reference = f"Sentinel {4700 + number} {WORKSPACES[0]} {decoration}".strip()
    summary = f"Sentinel incident {4700 + number}: {decoration}".strip()
    by_field = random.random() < 0.5
    if any(name.startswith("row_identity") for name in world.behaviours) or "search_any_word" in world.behaviours:
        by_field = True
    if any(name.startswith("row_summary") for name in world.behaviours):
        by_field = False
    if "store_trimmed" in world.behaviours:
        by_field, reference = True, f"{reference} "
    given, stored = _values_of(world, random)
    if by_field:
        given["Incident Reference"] = reference
        stored[catalog.REFERENCE] = reference
    home = (catalog.TEAM, catalog.ITEM_TYPE, catalog.OFFER)
    tag, unique = f"ticket {number}", catalog.REFERENCE if by_field else None
    text = reference if by_field else summary
    world.identities.append((home, unique, text, tag))
    arguments: Values = {
        "team_id": catalog.TEAM,
        "item_type": "Incident",
        "offer": "Security incident",
        "summary": summary,
        "fields": given,
    }
    includes_done = random.random() < 0.3
    target = TicketTarget(world, tag, {name: value for name, value in stored.items() if name != unique}, includes_done)
    _add_likes(world, random, summary, {catalog.REFERENCE: reference} if by_field else {}, tag)
    return WantedTicket({**arguments, "include_done": includes_done}, target, text, unique)


def _add_likes(world: World, random: Random, summary: str, data: Values, tag: str) -> None:
    """Add tickets that are like the wanted one but are not it, and perhaps the wanted one itself."""
    opened = {catalog.STATUS: catalog.value_of(world, catalog.STATUS, "Open")}
    likes: Sequence[Values] = (
        {**HOME, "team": catalog.OTHER_TEAM, "summary": summary, "data": {**opened, **data}},
        {**HOME, "offer": catalog.OTHER_OFFER, "item_type": catalog.OTHER_TYPE, "summary": summary, "data": data},
        {**HOME, "summary": summary, "data": {**opened, **data}, "deleted": True},
    )
    is_paged = any(name in world.behaviours for name in PAGING) or random.random() < 0.1
    for like in [*random.sample(likes, random.choice((0, 1, 3))), *([likes[0]] * (4 if is_paged else 0))]:
        world.add_ticket(like)
    if "search_any_word" in world.behaviours:
        for other in range(110):
            words = f"Sentinel {9000 + other} {WORKSPACES[0]}"
            summary_of = f"Sentinel incident {9000 + other}"
            world.add_ticket({**HOME, "summary": summary_of, "data": {catalog.REFERENCE: words}})
    start = random.choice(("none", "none", "open", "open", "done"))
    if start != "none":
        state = {catalog.STATUS: catalog.value_of(world, catalog.STATUS, "Open" if start == "open" else "Closed")}
        values = {**state, **data, catalog.NOTES: "kept"}
        world.add_ticket({**HOME, "summary": summary, "data": values, "tag": tag})
    for _other in range(4 if is_paged else 0):
        world.add_ticket(likes[0])


#: Behaviours that only affect lists of several pages.
PAGING = frozenset(
    {
        "rows_overlap",
        "more_denied",
        "offset_ignored",
        "offset_is_page",
        "total_of_page",
        "page_empty_once",
        "row_leaves",
    }
)


def ambiguous(wanted: Sequence[WantedTicket]) -> Callable[[World], set[str]]:
    """Return a function that returns the allowed failures, for tickets that exist twice or in another form."""

    def categories(world: World) -> set[str]:
        for each in wanted:
            found = each.target.matches
            texts = [values["summary"] if each.unique is None else values["data"].get(each.unique) for values in found]
            if len(found) > 1 or any(text != each.text for text in texts):
                return {"ambiguous_match"}
        return set()

    return categories


def ticket_arguments(world: World, random: Random, wanted: WantedTicket) -> Values:
    return {**wanted.arguments, "unique_by": ["Incident Reference" if wanted.unique else "summary"], **waits(random)}


def ticket(world: World, random: Random) -> Story:
    """Find or create one ticket, and set its fields."""
    wanted = want_ticket(world, random, 1)
    arguments = ticket_arguments(world, random, wanted)
    return Story([task_of(ticketing_ticket, arguments, [wanted.target])], may_end_in=ambiguous([wanted]))


def ticket_list(world: World, random: Random) -> Story:
    """Find or create several tickets."""
    wanted = [want_ticket(world, random, number) for number in range(1, random.choice((3, 4)))]
    by_field = wanted[0].unique is not None
    wanted = [each for each in wanted if (each.unique is not None) == by_field]
    includes_done = wanted[0].target.includes_done
    for each in wanted:
        each.target.includes_done = includes_done
    arguments = {
        "tickets": [{k: v for k, v in each.arguments.items() if k != "include_done"} for each in wanted],
        "include_done": includes_done,
        "unique_by": ["Incident Reference" if by_field else "summary"],
        **list_waits(random),
    }
    targets = [each.target for each in wanted]
    return Story([task_of(ticketing_ticket, arguments, targets, is_list=True)], may_end_in=ambiguous(wanted))


def ticket_update(world: World, random: Random) -> Story:
    """Set fields of a ticket with a display id."""
    given, stored = _values_of(world, random)
    if random.random() < 0.5 or not given:
        given["Status"], stored[catalog.STATUS] = "Closed", catalog.value_of(world, catalog.STATUS, "Closed")
    data = {catalog.STATUS: catalog.value_of(world, catalog.STATUS, "Open"), catalog.NOTES: "kept", catalog.HOSTS: 1}
    record = world.add_ticket({**HOME, "summary": "Sentinel incident 4711", "data": data, "tag": "the ticket"})
    target = TicketTarget(world, "the ticket", stored, includes_done=True)
    name = record.now["object_id"]
    arguments = {"object_id": random.choice((name, name.lower())), "fields": given, **waits(random)}
    return Story([task_of(ticketing_ticket, arguments, [target])])
