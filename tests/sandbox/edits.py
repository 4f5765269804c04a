# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edits of tickets by another agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Mapping

#: The operations whose path names a ticket.
_OF_ONE_TICKET = ("get-ticket", "update-ticket", "get-record", "update-record")


@dataclass
class Edit:
    """An edit of a ticket just before some of the next requests. control.schema.yml describes its fields."""

    operation: str
    fields: dict[str, Any]
    times: int = 1
    object_id: str | None = None
    done: int = field(default=0, init=False)

    def check(self, operations: Collection[str]) -> None:
        """Check what the schema of an edit cannot express.

        :param operations: the operationIds of the services whose tickets can be edited.
        :raises ValueError: if its operation is unknown, or neither it nor the edit names a ticket.
        """
        if self.operation not in operations:
            raise ValueError(f"edits.operation is {self.operation}, but must be one of {', '.join(operations)}")
        if self.object_id is None and self.operation not in _OF_ONE_TICKET:
            raise ValueError(f"edits lacks required keys: object_id, because {self.operation} names no ticket")

    def values(self) -> dict[str, Any]:
        """Return the values of the next edit."""
        number = str(self.done + 1)
        return {
            name: value.replace("{n}", number) if isinstance(value, str) else value
            for name, value in self.fields.items()
        }


class Edits:
    """The edits that are still to be made."""

    def __init__(self) -> None:
        self._all: list[Edit] = []

    def replace(self, edits: list[Edit]) -> None:
        """Replace the edits. All edits of an operation are made before each of its requests."""
        self._all = list(edits)

    @property
    def waiting(self) -> int:
        """Return the number of edits still to be made; one for all requests counts until it was made once."""
        return sum(edit.done == 0 if edit.times < 0 else edit.done < edit.times for edit in self._all)

    def make(self, operation: str, named: str | None, change: Callable[[str, Mapping[str, Any]], bool]) -> None:
        """Make the edits that are due.

        :param operation: the operationId of the request that is about to be handled.
        :param named: the ID in its path.
        :param change: edits a ticket and returns whether it exists; otherwise, the edit stays due.
        """
        for edit in self._all:
            due = edit.operation == operation and (edit.times < 0 or edit.done < edit.times)
            object_id = edit.object_id or named
            if due and object_id is not None and change(object_id, edit.values()):
                edit.done += 1
