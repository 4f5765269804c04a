# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things that stories bring to a wanted state, judged by what the server holds and not by what it shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.campaign.catalog import is_same_value
from ansible_collections.secops.itsm.tests.campaign.contraforce import PLAIN_SOURCES
from ansible_collections.secops.itsm.tests.campaign.ticketing import is_closed
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Key, Record, Values, World

#: What a task reports of a thing: its own result, or an entry of its list.
Reported = Mapping[str, Any]


@dataclass
class IncidentTarget(ABC):
    """A property of an incident.

    :param key: which incident.
    :param kinds: the writes that are about the property.
    :param is_shown: whether reads show it, so that "changed" can be exact.
    """

    world: World
    key: Key
    kinds: frozenset[str] = frozenset()
    is_shown: bool = True

    @property
    def record(self) -> Record:
        """Return the incident."""
        return self.world.incidents[self.key]

    def owns(self, write: Exchange) -> bool:
        """Return True if a write is about the property."""
        return write.kind in self.kinds and write.subject == self.key

    @abstractmethod
    def is_wanted(self) -> bool:
        """Return True if the property is as wanted."""

    @abstractmethod
    def disagrees(self, reported: Reported) -> str | None:
        """Return how a good result contradicts the server, if it does."""

    def surplus(self) -> str | None:
        """Return what is there more than once because of us."""
        return None


def _number_of_ours(record: Record, text: str) -> int:
    return sum(entry["author"] == "us" and text.split() == entry["text"].split() for entry in record.now["comments"])


@dataclass
class StatusTarget(IncidentTarget):
    """The status of an incident.

    :param status: the wanted one.
    :param classification: that goes with it.
    :param comment: that goes with the change.
    """

    kinds: frozenset[str] = frozenset({"status"})
    status: str = "Closed"
    classification: str | None = None
    comment: str | None = None

    def is_wanted(self) -> bool:
        """Return True if the status is as wanted."""
        now = self.record.now
        keeps = self.key[1] not in PLAIN_SOURCES and self.classification is not None
        return bool(
            now["status"] == self.status and (not keeps or now["classification"] in (None, self.classification))
        )

    def disagrees(self, reported: Reported) -> str | None:
        """Return how a good result contradicts the server, if it does."""
        shown = (reported.get("after") or {}).get("status")
        return None if shown == self.status else f"after.status is {shown!r}"

    def surplus(self) -> str | None:
        """Return what is there more than once because of us.

        A run cannot know whether an earlier run left a comment without its status (the README's known limits).
        """
        passed = {entry["partial_in"] for entry in self.record.now["comments"] if entry.get("partial_in")}
        passed.discard(self.world.run)
        count = _number_of_ours(self.record, self.comment) - len(passed) if self.comment else 0
        return f"the comment of incident {self.key[2]} is there {count} times" if count > 1 else None


@dataclass
class LinkTarget(IncidentTarget):
    """The ticket of an incident.

    :param number: display number of the wanted one, or None for none.
    :param tag: identity of the wanted one, instead of its number.
    """

    kinds: frozenset[str] = frozenset({"link", "unlink"})
    number: str | None = None
    tag: str | None = None

    def is_wanted(self) -> bool:
        """Return True if the link is as wanted."""
        wanted = [values["object_id"] for values in self.world.tagged(self.tag)] if self.tag else [self.number]
        return self.record.now["ticket"] in wanted

    def disagrees(self, reported: Reported) -> str | None:
        """Return how a good result contradicts the server, if it does."""
        shown = (reported.get("link") or {}).get("after")
        return None if shown == ("linked" if self.number or self.tag else "unlinked") else f"link.after is {shown!r}"


@dataclass
class CommentTarget(IncidentTarget):
    """A comment on an incident.

    :param text: as it is stored.
    """

    kinds: frozenset[str] = frozenset({"add_comment"})
    text: str = ""

    def is_wanted(self) -> bool:
        """Return True if the comment is there, no matter who posted it."""
        wanted = self.text.split()
        return any(entry["text"].split() == wanted for entry in self.record.now["comments"])

    def disagrees(self, reported: Reported) -> str | None:
        """Return how a good result contradicts the server, if it does."""
        shown = (reported.get("comment") or {}).get("message") or ""
        return None if shown.split() == self.text.split() else f"comment.message is {shown!r}"

    def surplus(self) -> str | None:
        """Return what is there more than once because of us."""
        count = _number_of_ours(self.record, self.text)
        return f"the comment on incident {self.key[2]} is there {count} times" if count > 1 else None


@dataclass
class AssigneeTarget(IncidentTarget):
    """The assignee of an incident.

    :param email: of the wanted one.
    """

    kinds: frozenset[str] = frozenset({"assign"})
    email: str = ""

    def is_wanted(self) -> bool:
        """Return True if the assignee is as wanted."""
        return bool(self.record.now["user"] == self.email)

    def disagrees(self, reported: Reported) -> str | None:
        """Return how a good result contradicts the server, if it does."""
        return None if reported.get("after") else "after is empty"


@dataclass
class TicketTarget:
    """A ticket that is found by its identity or opened, and its fields.

    :param tag: of its identity.
    :param fields: the wanted values as they are stored, by UUID.
    :param includes_done: whether a closed ticket counts.
    :param is_shown: whether reads show it, so that "changed" can be exact.
    """

    world: World
    tag: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    includes_done: bool = False
    is_shown: bool = True

    def owns(self, write: Exchange) -> bool:
        """Return True if a write is about the ticket."""
        return write.kind in ("create", "update") and write.subject == self.tag

    @property
    def there(self) -> list[Values]:
        """Return the tickets that count."""
        return [
            values
            for values in self.world.tagged(self.tag)
            if self.includes_done or not is_closed(self.world, values) or values["by"] == "us"
        ]

    def is_wanted(self) -> bool:
        """Return True if one of the tickets is as wanted."""
        return any(
            all(is_same_value(name, values["data"].get(name), value) for name, value in self.fields.items())
            for values in self.there
        )

    def disagrees(self, reported: Reported) -> str | None:
        """Return how a good result contradicts the server, if it does."""
        known = [values["object_id"] for values in self.there]
        shown = reported.get("object_id")
        return None if shown in known else f"object_id is {shown!r}, and the server has {known}"

    def surplus(self) -> str | None:
        """Return what is there more than once because of us."""
        ours = [values["object_id"] for values in self.there if values["by"] == "us"]
        allowed = 0 if any(values["by"] == "others" for values in self.there) else 1
        return f"{', '.join(ours)} were opened for {self.tag}" if len(ours) > allowed else None
