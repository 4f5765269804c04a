# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another agent, who edits tickets while the caller works on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.contract import ticketing_contract

#: The operations that name the ticket to edit themselves.
_OF_ONE_TICKET = ("get-ticket", "update-ticket")


@dataclass
class Edit:
    """An edit of a ticket just before so many requests are handled.

    :param operation: operationId.
    :param fields: values by UUID; ``{n}`` in a text is which one of the edits it is.
    :param times: how many requests; a negative number means all.
    :param object_id: the display id of the ticket, None for the one that the request names.
    """

    operation: str
    fields: dict[str, Any]
    times: int = 1
    object_id: str | None = None
    done: int = 0

    @classmethod
    def from_json(cls, value: Any) -> Edit:
        """An edit from what was posted.

        :param value: anything that JSON can carry.
        :raises ValueError: for what is no edit, in a sentence.
        """
        known = {"operation", "times", "object_id", "fields"}
        if not isinstance(value, Mapping) or not {"operation", "fields"} <= set(value) <= known:
            raise ValueError("an edit has operation and fields, may have times and object_id, and nothing else")
        times, object_id = value.get("times", 1), value.get("object_id")
        if isinstance(times, bool) or not isinstance(times, int):
            raise ValueError("an edit's times is an integer")
        checked_edit(value, may_be_null=True)
        operations = [operation.name for operation in ticketing_contract().operations]
        if value["operation"] not in operations:
            raise ValueError(f"an edit's operation is one of {', '.join(operations)}")
        if object_id is None and value["operation"] not in _OF_ONE_TICKET:
            raise ValueError(f"an edit before {value['operation']} needs an object_id, as that names no ticket")
        return cls(value["operation"], dict(value["fields"]), times, object_id)

    def values(self) -> dict[str, Any]:
        """The values of the next edit."""
        number = str(self.done + 1)
        return {
            name: value.replace("{n}", number) if isinstance(value, str) else value
            for name, value in self.fields.items()
        }


class Edits:
    """The edits that are still to come."""

    def __init__(self) -> None:
        self._all: list[Edit] = []

    def replace(self, edits: list[Edit]) -> None:
        """Forget what was waiting and take these.

        :param edits: all of them strike that are of the operation.
        """
        self._all = list(edits)

    @property
    def waiting(self) -> int:
        """How many are still to come; one for all requests counts until it was made once."""
        return sum(edit.done == 0 if edit.times < 0 else edit.done < edit.times for edit in self._all)

    def make(self, operation: str, named: str | None, change: Callable[[str, Mapping[str, Any]], bool]) -> None:
        """Make the edits that are due.

        :param operation: the operationId of the request that is about to be handled.
        :param named: the display id that the request names.
        :param change: edits a ticket, and tells whether there is one; one that is not there yet is waited for.
        """
        for edit in self._all:
            due = edit.operation == operation and (edit.times < 0 or edit.done < edit.times)
            object_id = edit.object_id or named
            if due and object_id is not None and change(object_id, edit.values()):
                edit.done += 1


def checked_edit(value: Any, may_be_null: bool = False) -> tuple[str, Mapping[str, Any]]:
    """The ticket and the values of an edit.

    :param value: anything that JSON can carry.
    :param may_be_null: whether the ticket may be left open.
    :raises ValueError: in a sentence.
    """
    if not isinstance(value, Mapping):
        raise ValueError("an edit is an object")
    object_id, values = value.get("object_id"), value.get("fields")
    if not isinstance(object_id, str) and not (object_id is None and may_be_null):
        raise ValueError("an edit's object_id is the display id of a ticket")
    if not isinstance(values, Mapping):
        raise ValueError("an edit's fields are an object of values by UUID")
    return object_id or "", values
