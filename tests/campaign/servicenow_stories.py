# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A story about a ticket of ServiceNow, which is found by its reference or created, and perhaps closed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Mapping

from ansible_collections.secops.itsm.plugins.modules import servicenow_ticket
from ansible_collections.secops.itsm.tests.campaign.incident_stories import WORKSPACES
from ansible_collections.secops.itsm.tests.campaign.servicenow import HOME, REFERENCE, is_closed
from ansible_collections.secops.itsm.tests.campaign.story import Story, task_of, waits
from ansible_collections.secops.itsm.tests.campaign.targets import Reported, TicketTarget
from ansible_collections.secops.itsm.tests.campaign.world import Values, World

CLOSING: Mapping[str, str] = {"state": "Resolved", "close_code": "Solution provided", "close_notes": "Reimaged."}
OTHER: Values = {"team": HOME[0], "item_type": HOME[1], "offer": HOME[2], "summary": "Printer", "by": "others"}


@dataclass
class ServiceNowTarget(TicketTarget):
    """A ticket of ServiceNow with its columns and a work note.

    :param note: the work note that must exist once, or None.
    """

    note: str | None = None

    @property
    def matches(self) -> list[Values]:
        """Return the tickets with the reference that count."""
        found = self.world.tagged(self.tag)
        return [each for each in found if self.includes_done or not is_closed(each) or each["by"] == "us"]

    def _notes(self, values: Values) -> int:
        return sum(entry["text"] == self.note for entry in values.get("journal", ()))

    def is_wanted(self) -> bool:
        """Return whether one of the tickets has the wanted values and the note."""
        return any(
            all(values["data"].get(name) == value for name, value in self.fields.items())
            and (self.note is None or self._notes(values) > 0)
            for values in self.matches
        )

    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""
        known = [values["object_id"] for values in self.matches]
        shown = reported.get("number")
        return None if shown in known else f"number is {shown!r}, but the server has {known}"

    def surplus(self) -> str | None:
        """Return what the runs created more than once, or None."""
        count = sum(map(self._notes, self.matches))
        return super().surplus() or (f"the note of {self.tag} exists {count} times" if count > 1 else None)


def servicenow_ticket_story(world: World, random: Random) -> Story:
    """Find or create one ticket, set its columns, and post a note."""
    reference = f"Sentinel 4711 {WORKSPACES[0]}"
    world.identities.append((HOME, REFERENCE, reference, "the ticket"))
    urgency, stored = random.choice((("High", "1"), ("2", "2")))
    given: Values = random.choice(({}, {"urgency": urgency}, {"urgency": urgency, "description": "Two  hosts & more"}))
    wanted = {name: stored if name == "urgency" else value for name, value in given.items()}
    closes = random.random() < 0.4
    if closes:
        given, wanted = {**given, **CLOSING}, {**wanted, **CLOSING, "state": "6"}
    includes_closed = random.random() < 0.3
    note = random.choice((None, "Opened by the night shift."))
    # The journal of another ticket shows that the account may read journals.
    other = {"short_description": "Printer", REFERENCE: f"{reference}0", "state": "1"}
    world.add_ticket({**OTHER, "data": other, "journal": [{"column": "comments", "text": "Paper?", "by": "others"}]})
    start = random.choice(("none", "none", "open", "open") if closes else ("none", "none", "open", "open", "closed"))
    if start != "none":
        data = {"short_description": "Sign-in", REFERENCE: reference, "state": "7" if start == "closed" else "1"}
        world.add_ticket({**OTHER, "summary": "Sign-in", "data": data, "journal": [], "tag": "the ticket"})
    target = ServiceNowTarget(world, "the ticket", wanted, includes_done=includes_closed or closes, note=note)
    arguments = {
        "reference": reference,
        "short_description": "Sign-in",
        "fields": given,
        "include_closed": includes_closed,
        **({"work_notes": note} if note else {}),
        **waits(random),
    }
    return Story([task_of(servicenow_ticket, arguments, [target])])
