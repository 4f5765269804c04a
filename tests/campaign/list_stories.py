# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories about reading lists."""

from __future__ import annotations

from random import Random
from typing import Callable

from ansible_collections.secops.itsm.plugins.modules import contraforce_incident_info, ticketing_ticket_info
from ansible_collections.secops.itsm.tests.campaign.incident_stories import random_keys
from ansible_collections.secops.itsm.tests.campaign.story import Check, Story, task_of
from ansible_collections.secops.itsm.tests.campaign.ticket_stories import HOME, want_ticket
from ansible_collections.secops.itsm.tests.campaign.world import Values, World


def _complete(names: Callable[[], set[str]], shown: Callable[[Values], set[str]]) -> Check:
    """Return a check that a list contains every record that existed all the time."""
    before = names()

    def check(result: Values) -> str | None:
        missing = sorted((before & names()) - shown(result))
        is_partial = bool(missing) and not result.get("truncated")
        return f"the list lacks {', '.join(missing)} with truncated: false" if is_partial else None

    return check


def incident_info(world: World, random: Random) -> Story:
    """List the incidents of all workspaces."""
    for key in random_keys(random, random.choice((3, 8, 14))):
        world.add_incident(key, status=random.choice(("New", "Active", "Closed")))
    world.limited_workspace = next(iter(world.incidents))[0]
    statuses = ["New", "Active"] if random.random() < 0.5 else None

    def names() -> set[str]:
        return {
            "/".join(key)
            for key, record in world.incidents.items()
            if statuses is None or record.now["status"] in statuses
        }

    def shown(result: Values) -> set[str]:
        return {f"{entry['workspaceId']}/{entry['source']}/{entry['id']}" for entry in result["incidents"]}

    task = task_of(contraforce_incident_info, {"statuses": statuses, "retry_timeout": 60} if statuses else {}, [])
    task.listed = _complete(names, shown)
    return Story([task])


def ticket_info(world: World, random: Random) -> Story:
    """List tickets."""
    want_ticket(world, random, 1)
    for number in range(random.choice((0, 7, 12))):
        world.add_ticket({**HOME, "summary": f"Host {number}", "data": {}})
    task = task_of(ticketing_ticket_info, {"complete": random.random() < 0.2, "retry_timeout": 60}, [])
    task.listed = _complete(
        lambda: set(world.tickets),
        lambda result: {str(row.get("object_id") or row.get("objectId")) for row in result["tickets"]},
    )
    return Story([task])
