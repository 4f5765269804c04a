# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories about incidents: their status, ticket, comments and assignee, one by one and in lists."""

from __future__ import annotations

from random import Random
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.modules import (
    contraforce_incident_assignee,
    contraforce_incident_comment,
    contraforce_incident_status,
    contraforce_ticket_link,
)
from ansible_collections.secops.itsm.tests.campaign.contraforce import PLAIN_SOURCES, USERS, ticket_id
from ansible_collections.secops.itsm.tests.campaign.story import Story, list_waits, task_of, waits
from ansible_collections.secops.itsm.tests.campaign.targets import (
    AssigneeTarget,
    CommentTarget,
    LinkTarget,
    StatusTarget,
)
from ansible_collections.secops.itsm.tests.campaign.world import Key, Values, World

WORKSPACES = ("5f0c8f9e-1111-4222-8333-44445555000a", "5f0c8f9e-1111-4222-8333-44445555000b")

#: Incidents by source; the ids are what these products give.
IDS: Mapping[str, Sequence[str]] = {
    "Sentinel": ("2f6f1b1e-7d7c-4d0a-9b57-0d3a5f1c9e01", "2f6f1b1e-7d7c-4d0a-9b57-0d3a5f1c9e02"),
    "DefenderXDR": ("4711", "4712"),
    "Splunk": ("notable/7 #1", "a%2Fb"),
    "QRadar": ("881", "Ré:42?"),
}

#: Reasons that go with a classification, by source.
CLASSIFICATIONS: Mapping[str, tuple[str, str]] = {
    "Sentinel": ("TruePositive", "SuspiciousActivity"),
    "DefenderXDR": ("FalsePositive", "NotMalicious"),
    "Splunk": ("TruePositive", "Other"),
    "QRadar": ("QradarFalsePositive", "Other"),
}


def some_keys(random: Random, count: int) -> list[Key]:
    possible = [
        (workspace, source, name) for source, names in IDS.items() for name in names for workspace in WORKSPACES
    ]
    return random.sample(possible, count)


def named(key: Key) -> Values:
    return dict(zip(("workspace_id", "source", "incident_id"), key))


def add_incidents(world: World, random: Random, count: int, **decoy: Any) -> list[Key]:
    """Add some incidents, and others with the same ids in the other workspace, which are as wanted already."""
    keys = some_keys(random, count)
    for key in keys:
        other = (next(name for name in WORKSPACES if name != key[0]), key[1], key[2])
        for each, values in ((key, {}), (other, decoy)):
            if each not in world.incidents:
                world.add_incident(each, **values)
    for key in keys:
        # One may be the other's decoy.
        world.add_incident(key)
    world.limited_workspace = keys[0][0]
    return keys


def _status_of(world: World, random: Random, key: Key) -> tuple[Values, StatusTarget]:
    classification, reason = CLASSIFICATIONS[key[1]]
    wanted: Values = {"status": random.choice(("Closed", "Closed", "Active"))}
    if wanted["status"] == "Closed":
        wanted.update(classification=classification, classification_reason=reason)
    if random.random() < 0.7:
        wanted["comment"] = random.choice(("Closing", "Closed by the runbook:\nno further action"))
    record = world.incidents[key]
    record.ours = {"status", "classification", "reason"}
    if random.random() < 0.2:
        kept = classification if wanted["status"] == "Closed" and key[1] not in PLAIN_SOURCES else None
        world.change(record, status=wanted["status"], classification=kept)
    kept = wanted.get("classification") if key[1] in ("Sentinel", "DefenderXDR") else None
    return wanted, StatusTarget(world, key, status=wanted["status"], classification=kept, comment=wanted.get("comment"))


def status(world: World, random: Random) -> Story:
    """Set the status of one incident."""
    (key,) = add_incidents(world, random, 1, status="Closed", classification="TruePositive")
    wanted, target = _status_of(world, random, key)
    return Story([task_of(contraforce_incident_status, {**named(key), **wanted, **waits(random)}, [target])])


def status_list(world: World, random: Random) -> Story:
    """Set the statuses of some incidents."""
    keys = add_incidents(world, random, random.choice((2, 3, 5)), status="Closed", classification="TruePositive")
    entries, targets = zip(*(_status_of(world, random, key) for key in keys))
    listed = [{**named(key), **entry} for key, entry in zip(keys, entries)]
    arguments = {"incidents": listed, "status": "Closed", **list_waits(random)}
    return Story([task_of(contraforce_incident_status, arguments, targets, is_list=True)])


def _link_of(world: World, random: Random, key: Key) -> tuple[Values, LinkTarget]:
    if not world.service_tickets:
        world.service_tickets = ["CTC-0001", "CTC-0002", "CTC-0003"]
    number = random.choice(world.service_tickets)
    shows_number = world.forms["link"] in ("ticket", "serviceTicket")
    name = number if shows_number and random.random() < 0.5 else ticket_id(world, number)
    record = world.incidents[key]
    record.ours = {"ticket"}
    is_shown = world.forms["link"] not in ("hidden", "comments") and not (
        world.forms["system"] == "Zendesk" and world.forms["link"] == "ticketId"
    )
    start = random.choice(("none", "none", "same", "another"))
    if start == "same" or (start == "another" and is_shown):
        linked = number if start == "same" else next(other for other in world.service_tickets if other != number)
        world.change(record, ticket=linked)
    if random.random() < 0.25:
        return {"state": "absent"}, LinkTarget(world, key, is_shown=is_shown, number=None)
    wanted = {"ticket_id": name, "replace": start == "another"}
    return wanted, LinkTarget(world, key, is_shown=is_shown, number=number)


def link(world: World, random: Random) -> Story:
    """Link a ticket to one incident, or unlink it."""
    (key,) = add_incidents(world, random, 1, ticket="CTC-0001")
    wanted, target = _link_of(world, random, key)
    return Story([task_of(contraforce_ticket_link, {**named(key), **wanted, **waits(random)}, [target])])


def link_list(world: World, random: Random) -> Story:
    """Link tickets to some incidents, or unlink them."""
    keys = add_incidents(world, random, random.choice((2, 3, 5)), ticket="CTC-0001")
    entries, targets = zip(*(_link_of(world, random, key) for key in keys))
    listed = [{**named(key), **entry} for key, entry in zip(keys, entries)]
    return Story([task_of(contraforce_ticket_link, {"incidents": listed, **list_waits(random)}, targets, is_list=True)])


def _comment_on(world: World, random: Random, key: Key) -> tuple[Values, CommentTarget]:
    wanted: Values = {"comment": random.choice(("Closing the incident", "Seen.\n\n  By the  night shift", "CHG-1"))}
    text = wanted["comment"]
    if random.random() < 0.5:
        wanted["marker"] = random.choice(("CHG-1", "run 7"))
        text = text if text == wanted["marker"] else f"{text}\n\n[{wanted['marker']}]"
    record = world.incidents[key]
    record.ours = {"comments"}
    if random.random() < 0.2:
        entry = world.comment("others", text)
        record.others["comments"] = [entry]
        world.change(record, comments=[entry])
    return wanted, CommentTarget(world, key, text=text)


def comment(world: World, random: Random) -> Story:
    """Post a comment on one incident."""
    (key,) = add_incidents(world, random, 1)
    wanted, target = _comment_on(world, random, key)
    return Story([task_of(contraforce_incident_comment, {**named(key), **wanted, **waits(random)}, [target])])


def comment_list(world: World, random: Random) -> Story:
    """Post comments on some incidents."""
    keys = add_incidents(world, random, random.choice((2, 3, 5)))
    entries, targets = zip(*(_comment_on(world, random, key) for key in keys))
    listed = [{**named(key), **entry} for key, entry in zip(keys, entries)]
    arguments = {"incidents": listed, **list_waits(random)}
    return Story([task_of(contraforce_incident_comment, arguments, targets, is_list=True)])


def _assign(world: World, random: Random, key: Key) -> tuple[Values, AssigneeTarget]:
    email = random.choice(sorted(USERS))
    wanted = {"email": email} if random.random() < 0.6 else {"user_id": USERS[email]}
    record = world.incidents[key]
    record.ours = {"user"}
    start = random.choice((None, None, email, next(other for other in USERS if other != email)))
    world.change(record, user=start)
    return wanted, AssigneeTarget(world, key, is_shown=world.forms["assignee"] != "hidden", email=email)


def assignee(world: World, random: Random) -> Story:
    """Assign one incident."""
    (key,) = add_incidents(world, random, 1, user="day@soc.example")
    wanted, target = _assign(world, random, key)
    if "assignee_unknown" in world.behaviours:
        wanted, target = {"email": "nobody@soc.example"}, AssigneeTarget(world, key, email="nobody@soc.example")
    return Story([task_of(contraforce_incident_assignee, {**named(key), **wanted, **waits(random)}, [target])])


def assignee_list(world: World, random: Random) -> Story:
    """Assign some incidents."""
    keys = add_incidents(world, random, random.choice((2, 3, 5)), user="day@soc.example")
    entries, targets = zip(*(_assign(world, random, key) for key in keys))
    listed = [{**named(key), **entry} for key, entry in zip(keys, entries)]
    # The entry's own takes the place of the task's, in whichever way each names the person.
    arguments = {"incidents": listed, "email": "nobody@soc.example", **list_waits(random)}
    return Story([task_of(contraforce_incident_assignee, arguments, targets, is_list=True)])
