# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A story in which a ticket is created, linked to an incident, and closed with it."""

from __future__ import annotations

from random import Random
from typing import Sequence

from ansible_collections.secops.itsm.plugins.modules import (
    contraforce_incident_status,
    contraforce_ticket_link,
    ticketing_ticket,
)
from ansible_collections.secops.itsm.tests.campaign import catalog
from ansible_collections.secops.itsm.tests.campaign.incident_stories import (
    CLASSIFICATIONS,
    add_incidents,
    incident_options,
)
from ansible_collections.secops.itsm.tests.campaign.story import Story, Task, task_of, waits
from ansible_collections.secops.itsm.tests.campaign.targets import LinkTarget, StatusTarget, TicketTarget
from ansible_collections.secops.itsm.tests.campaign.ticket_stories import (
    WantedTicket,
    ambiguous,
    ticket_arguments,
    want_ticket,
)
from ansible_collections.secops.itsm.tests.campaign.world import Values, World

COMMENT = "Closed with its ticket"

#: The id that runbooks use in check mode for a ticket that does not exist yet.
NEW = "(new)"


def chain(world: World, random: Random) -> Story:
    """Create a ticket, link it to an incident, and close both."""
    (key,) = add_incidents(world, random, 1, status="Closed", classification="TruePositive")
    wanted = want_ticket(world, random, 1)
    wanted.target.includes_done = True
    opening = {**ticket_arguments(world, random, wanted), "include_done": True}
    world.incidents[key].ours = {"ticket", "status", "classification", "reason"}
    limits, closes_with = waits(random), random.choice(("neither", "update_ticket", "ticketing_ticket"))

    def linking(results: Sequence[Values]) -> Values:
        return {**incident_options(key), "ticket_id": results[0].get("object_id") or NEW, **limits}

    def closing(results: Sequence[Values]) -> Values:
        classification, reason = CLASSIFICATIONS[key[1]]
        closed: Values = {"status": "Closed", "classification": classification, "classification_reason": reason}
        if closes_with == "update_ticket":
            closed.update(update_ticket=True, ticket_id=results[0].get("object_id") or NEW)
        return {**incident_options(key), **closed, "comment": COMMENT, **limits}

    is_shown = world.forms["link"] not in ("hidden", "comments")
    kept = CLASSIFICATIONS[key[1]][0] if key[1] in ("Sentinel", "DefenderXDR") else None
    tasks = [
        task_of(ticketing_ticket, opening, [wanted.target]),
        task_of(contraforce_ticket_link, linking, [LinkTarget(world, key, is_shown=is_shown, tag=wanted.target.tag)]),
        task_of(contraforce_incident_status, closing, [StatusTarget(world, key, classification=kept, comment=COMMENT)]),
    ]
    if closes_with == "ticketing_ticket":
        tasks.append(_closing_of(world, wanted))
    return Story(tasks, stops=True, may_end_in=ambiguous([wanted]))


def _closing_of(world: World, wanted: WantedTicket) -> Task:
    """Return the task that closes the ticket of the chain."""
    closed = TicketTarget(world, wanted.target.tag, catalog.closed_values(world), includes_done=True)

    def closing(results: Sequence[Values]) -> Values | None:
        object_id = results[0].get("object_id")
        # In check mode, a new ticket does not exist.
        return {"object_id": object_id, "fields": {"Status": "Closed"}, "verify_timeout": 10} if object_id else None

    return task_of(ticketing_ticket, closing, [closed])
