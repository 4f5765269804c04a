# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls, answers, refusals and stored incidents."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp


def is_uuid(value: Any) -> bool:
    """Return whether a value is a UUID with hyphens, in any case."""
    try:
        return str(uuid.UUID(str(value))) == str(value).lower()
    except ValueError:
        return False


def incident_key(workspace: str, source: str, identifier: str) -> tuple[str, str, str]:
    """Return the key of an incident. UUIDs of workspaces and of Sentinel incidents are not case-sensitive (CF-A19)."""
    is_any_case = source == "Sentinel" and is_uuid(identifier)
    return workspace.lower(), source, identifier.lower() if is_any_case else identifier


@dataclass(frozen=True)
class Call:
    """A request that complies with the contract.

    :param path: the values in the path.
    :param query: the values in the query.
    :param body: the parsed body, or None.
    :param caller: the caller as the service knows it.
    """

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    caller: Any = None


@dataclass(frozen=True)
class Answer:
    """A success.

    :param effect: whether a write changed anything.
    """

    status: int
    data: Any = None
    effect: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)


class RefusedError(Exception):
    """An error that the service returns.

    :param code: the error code of the service.
    :param errors: messages by field.
    """

    def __init__(self, status: int, code: str, detail: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors


def invalid(errors: Mapping[str, str]) -> RefusedError:
    """Return the refusal of a request with invalid fields."""
    messages = {name: [message] for name, message in errors.items()}
    return RefusedError(400, "VALIDATION_ERROR", "One or more validation errors occurred.", messages)


@dataclass
class Incident:
    """A stored incident, and the old state that reads return after a write.

    :param comments: oldest first.
    """

    record: dict[str, Any]
    comments: list[dict[str, Any]] = field(default_factory=list)
    _old: dict[str, Any] = field(default_factory=dict)
    _lag: int = 0
    _unseen: dict[str, int] = field(default_factory=dict)

    def read(self) -> dict[str, Any]:
        """Return the record as a read returns it, and count the read."""
        if self._lag > 0:
            self._lag -= 1
            return self._old
        return self.record

    def change(self, values: Mapping[str, Any], lag: int) -> None:
        """Store values.

        :param lag: the number of reads that still return the old state.
        """
        if self._lag == 0:
            self._old = copy.deepcopy(self.record)
        self._lag = lag
        self.record.update(values, updatedAt=timestamp())

    def read_comments(self) -> list[dict[str, Any]]:
        """Return the comments as a read returns them, and count the read."""
        seen = [comment for comment in self.comments if comment.get("id") not in self._unseen]
        self._unseen = {name: reads - 1 for name, reads in self._unseen.items() if reads > 1}
        return seen

    def add_comment(self, comment: dict[str, Any], lag: int) -> None:
        """Store a comment, and mirror it to the linked ticket.

        :param lag: the number of reads that do not return the comment yet.
        """
        self.comments.append(comment)
        if lag:
            self._unseen[comment["id"]] = lag
        if self.record["ticketId"] is not None:
            self.mirror()

    def mirror(self) -> None:
        """Mirror every comment to the linked ticket, including those that were mirrored to another one."""
        for number, comment in enumerate(self.comments, 1):
            if comment.get("ticketId") != self.record["ticketId"]:
                comment.update(ticketId=self.record["ticketId"], ticketNoteId=str(number))


def new_comment(message: str, closes: bool) -> dict[str, Any]:
    """Return a comment of the service account."""
    return {
        "id": str(uuid.uuid4()),
        "message": message,
        "createdTime": timestamp(),
        "authorEmail": None,
        "authorName": "Sandbox service account",
        "isActivityComment": False,
        "isAgentComment": False,
        "agentName": None,
        "isClosingComment": closes,
        "ticketNoteId": None,
        "ticketId": None,
    }
