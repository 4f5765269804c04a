# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories about the status, the ticket, the comments and the assignee of one or several incidents."""

from __future__ import annotations

from random import Random
from typing import Any, Callable, Mapping, Sequence

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
    IncidentTarget,
    LinkTarget,
    StatusTarget,
)
from ansible_collections.secops.itsm.tests.campaign.world import Key, Values, World

WORKSPACES = ("5f0c8f9e-1111-4222-8333-44445555000a", "5f0c8f9e-1111-4222-8333-44445555000b")

#: Ids of incidents by source, in the format of the product.
IDS: Mapping[str, Sequence[str]] = {
    "Sentinel": ("2f6f1b1e-7d7c-4d0a-9b57-0d3a5f1c9e01", "2f6f1b1e-7d7c-4d0a-9b57-0d3a5f1c9e02"),
    "DefenderXDR": ("4711", "4712"),
    "Splunk": ("notable/7 #1", "a%2Fb"),
    "QRadar": ("881", "Ré:42?"),
}

#: A classification and its reason, by source.
CLASSIFICATIONS: Mapping[str, tuple[str, str]] = {
    "Sentinel": ("TruePositive", "SuspiciousActivity"),
    "DefenderXDR": ("FalsePositive", "NotMalicious"),
    "Splunk": ("TruePositive", "Other"),
    "QRadar": ("QradarFalsePositive", "Other"),
}


#: A user who does not exist.
UNKNOWN_USER = "nobody@soc.example"

Builder = Callable[[World, Random], Story]
Prepare = Callable[[World, Random, Key], tuple[Values, IncidentTarget]]


def random_keys(random: Random, count: int) -> list[Key]:
    possible = [
        (workspace, source, name) for source, names in IDS.items() for name in names for workspace in WORKSPACES
    ]
    return random.sample(possible, count)


def incident_options(key: Key) -> Values:
    return dict(zip(("workspace_id", "source", "incident_id"), key))


def add_incidents(world: World, random: Random, count: int, **decoy: Any) -> list[Key]:
    """Add some incidents, and decoys with the same ids in the other workspace, which already have the wanted state."""
    keys = random_keys(random, count)
    for key in keys:
        other = (next(name for name in WORKSPACES if name != key[0]), key[1], key[2])
        for each, values in ((key, {}), (other, decoy)):
            if each not in world.incidents:
                world.add_incident(each, **values)
    for key in keys:
        # An incident may be the decoy of another one.
        world.add_incident(key)
    world.limited_workspace = keys[0][0]
    return keys


def _set_status(world: World, random: Random, key: Key) -> tuple[Values, StatusTarget]:
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


def _link(world: World, random: Random, key: Key) -> tuple[Values, LinkTarget]:
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


def _comment(world: World, random: Random, key: Key) -> tuple[Values, CommentTarget]:
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


def _assign(world: World, random: Random, key: Key) -> tuple[Values, AssigneeTarget]:
    email = random.choice(sorted(USERS))
    wanted = {"email": email} if random.random() < 0.6 else {"user_id": USERS[email]}
    record = world.incidents[key]
    record.ours = {"user"}
    start = random.choice((None, None, email, next(other for other in USERS if other != email)))
    world.change(record, user=start)
    if "assignee_unknown" in world.behaviours:
        return {"email": UNKNOWN_USER}, AssigneeTarget(world, key, email=UNKNOWN_USER)
    return wanted, AssigneeTarget(world, key, is_shown=world.forms["assignee"] != "hidden", email=email)


def _single(module: Any, prepare: Prepare, **decoy: Any) -> Builder:
    """Return the builder of a story about one incident.

    :param module: the Python module of the Ansible module.
    :param prepare: prepares an incident, and returns the options of the task and the target.
    :param decoy: the values of an incident with the same id in another workspace.
    """

    def build(world: World, random: Random) -> Story:
        (key,) = add_incidents(world, random, 1, **decoy)
        wanted, target = prepare(world, random, key)
        return Story([task_of(module, {**incident_options(key), **wanted, **waits(random)}, [target])])

    return build


def _list_of(module: Any, prepare: Prepare, options: Values, **decoy: Any) -> Builder:
    """Return the builder of a story about a list of incidents.

    :param module: the Python module of the Ansible module.
    :param prepare: prepares an incident, and returns the options of its entry and the target.
    :param options: options of the task, which are the defaults of the entries.
    :param decoy: the values of incidents with the same ids in another workspace.
    """

    def build(world: World, random: Random) -> Story:
        keys = add_incidents(world, random, random.choice((2, 3, 5)), **decoy)
        entries, targets = zip(*(prepare(world, random, key) for key in keys))
        listed = [{**incident_options(key), **entry} for key, entry in zip(keys, entries)]
        arguments = {"incidents": listed, **options, **list_waits(random)}
        return Story([task_of(module, arguments, targets, is_list=True)])

    return build


_CLOSED: Values = {"status": "Closed", "classification": "TruePositive"}
_LINKED: Values = {"ticket": "CTC-0001"}
_ASSIGNED: Values = {"user": "day@soc.example"}

#: The builders by name of the story.
INCIDENT_BUILDERS: Mapping[str, Builder] = {
    "status": _single(contraforce_incident_status, _set_status, **_CLOSED),
    "status_list": _list_of(contraforce_incident_status, _set_status, {"status": "Closed"}, **_CLOSED),
    "link": _single(contraforce_ticket_link, _link, **_LINKED),
    "link_list": _list_of(contraforce_ticket_link, _link, {}, **_LINKED),
    "comment": _single(contraforce_incident_comment, _comment),
    "comment_list": _list_of(contraforce_incident_comment, _comment, {}),
    "assignee": _single(contraforce_incident_assignee, _assign, **_ASSIGNED),
    # Each entry names its user, so the default must not be used.
    "assignee_list": _list_of(contraforce_incident_assignee, _assign, {"email": UNKNOWN_USER}, **_ASSIGNED),
}
