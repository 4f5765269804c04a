# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The things that stories change, with checks of the stored state, which may differ from what the server shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.campaign.catalog import is_same_value
from ansible_collections.secops.itsm.tests.campaign.contraforce import PLAIN_SOURCES
from ansible_collections.secops.itsm.tests.campaign.ticketing import is_closed
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Key, Record, Values, World

#: The result of a task, or an entry of its list.
Reported = Mapping[str, Any]


@dataclass
class IncidentTarget(ABC):
    """A property of an incident.

    :param world: the state of the server.
    :param key: the incident.
    :param kinds: the kinds of writes that change the property.
    :param is_shown: whether reads show the property, so that the task can report changed exactly.
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
        """Return whether a write changes the property."""
        return write.kind in self.kinds and write.subject == self.key

    @abstractmethod
    def is_wanted(self) -> bool:
        """Return whether the property has the wanted value."""

    @abstractmethod
    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""

    def surplus(self) -> str | None:
        """Return what the runs created more than once, or None."""
        return None


def _own_comments(record: Record, text: str) -> int:
    return sum(entry["author"] == "us" and text.split() == entry["text"].split() for entry in record.now["comments"])


@dataclass
class StatusTarget(IncidentTarget):
    """The status of an incident.

    :param status: the wanted status.
    :param classification: the wanted classification, or None.
    :param comment: the comment of the change, or None.
    """

    kinds: frozenset[str] = frozenset({"status"})
    status: str = "Closed"
    classification: str | None = None
    comment: str | None = None

    def is_wanted(self) -> bool:
        """Return whether the incident has the wanted status and classification."""
        now = self.record.now
        keeps = self.key[1] not in PLAIN_SOURCES and self.classification is not None
        return bool(
            now["status"] == self.status and (not keeps or now["classification"] in (None, self.classification))
        )

    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""
        shown = (reported.get("after") or {}).get("status")
        return None if shown == self.status else f"after.status is {shown!r}"

    def surplus(self) -> str | None:
        """Return what the runs created more than once, or None.

        A run cannot detect that an earlier run left a comment without its status, which is a documented limit.
        """
        earlier = {entry["partial_in"] for entry in self.record.now["comments"] if entry.get("partial_in")}
        earlier.discard(self.world.run)
        count = _own_comments(self.record, self.comment) - len(earlier) if self.comment else 0
        return f"the comment of incident {self.key[2]} exists {count} times" if count > 1 else None


@dataclass
class LinkTarget(IncidentTarget):
    """The ticket of an incident.

    :param number: the display number of the wanted ticket, or None for no ticket.
    :param tag: the identity of the wanted ticket, which replaces its number.
    """

    kinds: frozenset[str] = frozenset({"link", "unlink"})
    number: str | None = None
    tag: str | None = None

    def is_wanted(self) -> bool:
        """Return whether the incident has the wanted link."""
        wanted = [values["object_id"] for values in self.world.tagged(self.tag)] if self.tag else [self.number]
        return self.record.now["ticket"] in wanted

    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""
        shown = (reported.get("link") or {}).get("after")
        return None if shown == ("linked" if self.number or self.tag else "unlinked") else f"link.after is {shown!r}"


@dataclass
class CommentTarget(IncidentTarget):
    """A comment on an incident.

    :param text: the stored text.
    """

    kinds: frozenset[str] = frozenset({"add_comment"})
    text: str = ""

    def is_wanted(self) -> bool:
        """Return whether the comment exists, regardless of its author."""
        wanted = self.text.split()
        return any(entry["text"].split() == wanted for entry in self.record.now["comments"])

    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""
        shown = (reported.get("comment") or {}).get("message") or ""
        return None if shown.split() == self.text.split() else f"comment.message is {shown!r}"

    def surplus(self) -> str | None:
        """Return what the runs created more than once, or None."""
        count = _own_comments(self.record, self.text)
        return f"the comment on incident {self.key[2]} exists {count} times" if count > 1 else None


@dataclass
class AssigneeTarget(IncidentTarget):
    """The assignee of an incident.

    :param email: the email of the wanted assignee.
    """

    kinds: frozenset[str] = frozenset({"assign"})
    email: str = ""

    def is_wanted(self) -> bool:
        """Return whether the incident has the wanted assignee."""
        return bool(self.record.now["user"] == self.email)

    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""
        return None if reported.get("after") else "after is empty"


@dataclass
class TicketTarget:
    """A ticket with its fields, which a task finds by its identity or creates.

    :param world: the state of the server.
    :param tag: the name of the identity.
    :param fields: the wanted values as stored, by UUID.
    :param includes_done: whether a closed ticket counts.
    :param is_shown: whether reads show the ticket, so that the task can report changed exactly.
    """

    world: World
    tag: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    includes_done: bool = False
    is_shown: bool = True

    def owns(self, write: Exchange) -> bool:
        """Return whether a write creates or changes the ticket."""
        return write.kind in ("create", "update") and write.subject == self.tag

    @property
    def matches(self) -> list[Values]:
        """Return the tickets with the identity that count."""
        return [
            values
            for values in self.world.tagged(self.tag)
            if self.includes_done or not is_closed(self.world, values) or values["by"] == "us"
        ]

    def is_wanted(self) -> bool:
        """Return whether one of the tickets has the wanted values."""
        return any(
            all(is_same_value(name, values["data"].get(name), value) for name, value in self.fields.items())
            for values in self.matches
        )

    def contradiction(self, reported: Reported) -> str | None:
        """Return how a successful result contradicts the stored state, or None."""
        known = [values["object_id"] for values in self.matches]
        shown = reported.get("object_id")
        return None if shown in known else f"object_id is {shown!r}, but the server has {known}"

    def surplus(self) -> str | None:
        """Return what the runs created more than once, or None."""
        ours = [values["object_id"] for values in self.matches if values["by"] == "us"]
        allowed = 0 if any(values["by"] == "others" for values in self.matches) else 1
        return f"{', '.join(ours)} were created for {self.tag}" if len(ours) > allowed else None
