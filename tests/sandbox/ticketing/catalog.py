# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ticket types and their fields."""

from __future__ import annotations

import copy
from typing import Any, Mapping

Field = Mapping[str, Any]

TO_DO, IN_PROGRESS, DONE = "To-do Category", "In-Progress Category", "Done Category"
CATEGORIES = {"to_do": TO_DO, "in_progress": IN_PROGRESS, "done": DONE}


class TicketType:
    """A ticket type of the seed."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.shown = {name: value for name, value in entry.items() if name != "status"}
        self.fields: dict[str, Field] = {field["id"]: field for field in entry["fields"]}
        status = entry.get("status", {})
        self.status_field: str | None = status.get("field")
        self._categories: Mapping[str, str] = status.get("categories", {"Open": "to_do"})

    def defaults(self) -> dict[str, Any]:
        """Return the default values of the fields, and the first status."""
        values = {
            identifier: copy.deepcopy(field["defaultValue"])
            for identifier, field in self.fields.items()
            if "defaultValue" in field
        }
        return {self.status_field: self.status({}), **values} if self.status_field else values

    def status(self, data: Mapping[str, Any]) -> str:
        """Return the status in the fields of a ticket."""
        given = data.get(self.status_field) if self.status_field else None
        return str(given) if given else next(iter(self._categories))

    def category(self, status: str) -> str:
        """Return the category of a status; unknown ones are to do."""
        return CATEGORIES[self._categories.get(status, "to_do")]

    def first_done(self) -> str | None:
        """Return the first status in the category "done", or None."""
        return next((status for status, category in self._categories.items() if category == "done"), None)


def option_values(field: Field) -> list[Any]:
    """Return the values of a select field, whose options are texts or have a ``value``, ``id`` or ``label``."""
    return [
        option
        if isinstance(option, str)
        else next((option[name] for name in ("value", "id", "label") if name in option), None)
        for option in field.get("options") or []
    ]
