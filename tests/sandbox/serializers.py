# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serialize stored incidents, comments and tickets as the service returns them."""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.profile import Profile
from ansible_collections.secops.itsm.tests.sandbox.tickets import shown_ticket

STATUS_INTEGERS = {"Active": 1, "New": 2, "Closed": 3}
CLASSIFICATION_INTEGERS = {"BenignPositive": 1, "FalsePositive": 2, "TruePositive": 3, "Undetermined": 4}
SOURCE_INTEGERS = {
    "Sentinel": 1,
    "DefenderXDR": 2,
    "QRadar": 3,
    "Splunk": 4,
    "CrowdStrike": 5,
    "SentinelOne": 6,
}
_READ = ("id", "title", "severity", "workspaceId", "createdAt", "updatedAt")
_LISTED = (
    "id",
    "title",
    "description",
    "number",
    "type",
    "severity",
    "comment",
    "classificationComment",
    "productId",
)


class IncidentSerializer:
    """Serialize records as a profile defines."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def record(
        self, record: Mapping[str, Any], ticket: Mapping[str, Any] | None, comments: Iterable[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Return a record with the fields that reading one incident returns.

        :param ticket: the linked one.
        """
        shown = {name: record.get(name) for name in _READ}
        shown.update(self._enum_values(record))
        if self.profile.ticket in ("object", "id"):
            shown["ticketId"] = self.ticket_id(record["ticketId"])
        if self.profile.ticket == "object":
            shown["ticket"] = None if ticket is None else self.ticket(ticket, comments)
        if self.profile.assignee == "shown":
            shown.update(user=record["user"], isAssigned=record["user"] is not None)
        return shown

    def item(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record with the fields that the list returns."""
        updated, name = record.get("updatedAt"), record.get("name") or record["id"]
        shown = {
            **{field: record.get(field) for field in _LISTED},
            **{field: record.get(field) or [] for field in ("tactics", "ruleIds", "alertProductNames", "entities")},
            **self._enum_values(record),
            "source": self.source(record["source"]),
            "name": name,
            "displayId": display_id(record),
            "sourceDisplayName": record.get("sourceDisplayName") or record["source"],
            "creationTime": record.get("createdAt"),
            "lastModificationTime": updated,
            "lastActivityTime": record.get("lastActivityTime") or updated,
            "user": record["user"],
            "isAssigned": record["user"] is not None,
            "alertsCount": record.get("alertsCount", len(record.get("alerts", []))),
        }
        return {**shown, "workspaceId": record["workspaceId"]} if self.profile.list_workspace == "shown" else shown

    def source(self, word: str) -> str | int | None:
        """Return a source as the service returns it."""
        return self._enum_value(word, SOURCE_INTEGERS)

    def comment(self, comment: Mapping[str, Any]) -> dict[str, Any]:
        """Return a comment as the service returns it."""
        if self.profile.ticket == "hidden":
            return {**comment, "ticketId": None, "ticketNoteId": None}
        return {**comment, "ticketId": self.ticket_id(comment.get("ticketId"))}

    def ticket(self, ticket: Mapping[str, Any], comments: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a linked ticket with the comments of its incident."""
        mirrored = [comment for comment in comments if comment.get("ticketId") == ticket["id"]]
        return shown_ticket(ticket, self.ticket_id(ticket["id"]), mirrored)

    def ticket_id(self, identifier: Any) -> Any:
        """Return the ID of a ticket, as a string if the profile defines it; None for no ticket."""
        return str(identifier) if identifier is not None and self.profile.ids == "string" else identifier

    def _enum_values(self, record: Mapping[str, Any]) -> dict[str, Any]:
        shown = {"status": self._enum_value(record["status"], STATUS_INTEGERS)}
        if self.profile.classification != "hidden":
            shown["classification"] = self._enum_value(record.get("classification"), CLASSIFICATION_INTEGERS)
            shown["classificationReason"] = self._enum_value(record.get("classificationReason"), {})
        return shown

    def _enum_value(self, word: str | None, integers: Mapping[str, int]) -> str | int | None:
        if word is None:
            return None
        if self.profile.spelling == "integer":
            return integers.get(word, word)
        return {"pascal": word, "lower": word.lower(), "upper": word.upper()}[self.profile.spelling]


def display_id(record: Mapping[str, Any]) -> str:
    """Return the display ID of an incident: its own, its number, or its ID."""
    number = record.get("number")
    return str(record.get("displayId") or (record["id"] if number is None else number))
