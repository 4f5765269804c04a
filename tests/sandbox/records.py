# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is called, answered, refused and stored."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp


def is_uuid(value: Any) -> bool:
    """Return whether a value is a UUID with hyphens, in any case.

    :param value: anything.
    """
    try:
        return str(uuid.UUID(str(value))) == str(value).lower()
    except ValueError:
        return False


def incident_key(workspace: str, source: str, identifier: str) -> tuple[str, str, str]:
    """Return what tells incidents apart: UUIDs of workspaces and of Sentinel's incidents count in any case (CF-A19).

    :param workspace: the workspace's UUID.
    :param source: as the service spells it.
    :param identifier: of the incident.
    """
    is_any_case = source == "Sentinel" and is_uuid(identifier)
    return workspace.lower(), source, identifier.lower() if is_any_case else identifier


@dataclass(frozen=True)
class Call:
    """A request that keeps the contract.

    :param path: the values in its path.
    :param query: the values in its query.
    :param body: the parsed body, None without one.
    :param caller: who calls, as the service knows it.
    """

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    caller: Any = None


@dataclass(frozen=True)
class Answer:
    """A success.

    :param status: the HTTP status.
    :param data: what is answered, if the status has a body.
    :param effect: whether a write changed anything that is stored.
    """

    status: int
    data: Any = None
    effect: bool = True


class RefusedError(Exception):
    """An answer of the service that is not a success.

    :param status: the HTTP status.
    :param code: the service's word for it.
    :param detail: a sentence.
    :param errors: messages by field.
    """

    def __init__(self, status: int, code: str, detail: str, errors: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors


def invalid(errors: Mapping[str, str]) -> RefusedError:
    """The refusal of a request with wrong values.

    :param errors: a message for each field.
    """
    messages = {name: [message] for name, message in errors.items()}
    return RefusedError(400, "VALIDATION_ERROR", "One or more validation errors occurred.", messages)


@dataclass
class Incident:
    """An incident as the service stores it, and what it shows while a write has not come through.

    :param record: its fields.
    :param comments: oldest first.
    """

    record: dict[str, Any]
    comments: list[dict[str, Any]] = field(default_factory=list)
    _old: dict[str, Any] = field(default_factory=dict)
    _lag: int = 0
    _unseen: dict[str, int] = field(default_factory=dict)

    def read(self) -> dict[str, Any]:
        """The record as a read sees it, which uses up the lag."""
        if self._lag > 0:
            self._lag -= 1
            return self._old
        return self.record

    def change(self, values: Mapping[str, Any], lag: int) -> None:
        """Store values.

        :param values: by field.
        :param lag: how many reads still see what they saw before.
        """
        if self._lag == 0:
            self._old = copy.deepcopy(self.record)
        self._lag = lag
        self.record.update(values, updatedAt=timestamp())

    def read_comments(self) -> list[dict[str, Any]]:
        """The comments as a read sees them, which uses up their lag."""
        seen = [comment for comment in self.comments if comment.get("id") not in self._unseen]
        self._unseen = {name: reads - 1 for name, reads in self._unseen.items() if reads > 1}
        return seen

    def add_comment(self, comment: dict[str, Any], lag: int) -> None:
        """Store a comment, and mirror it to the ticket if one is linked.

        :param comment: as :func:`new_comment` makes it.
        :param lag: how many reads do not see it yet.
        """
        self.comments.append(comment)
        if lag:
            self._unseen[comment["id"]] = lag
        if self.record["ticketId"] is not None:
            self.mirror()

    def mirror(self) -> None:
        """Mirror every comment to the linked ticket; what another ticket had is mirrored anew."""
        for number, comment in enumerate(self.comments, 1):
            if comment.get("ticketId") != self.record["ticketId"]:
                comment.update(ticketId=self.record["ticketId"], ticketNoteId=str(number))


def new_comment(message: str, closes: bool) -> dict[str, Any]:
    """A comment of the service account.

    :param message: its text.
    :param closes: whether it came with the closing of the incident.
    """
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
