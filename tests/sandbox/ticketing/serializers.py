# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Serialize stored tickets and catalog entries as a profile defines."""

from __future__ import annotations

import re
from datetime import timezone
from typing import Any, Callable, Sequence

from ansible_collections.secops.itsm.tests.sandbox.parsing import instant
from ansible_collections.secops.itsm.tests.sandbox.profile import TicketingProfile
from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import Field
from ansible_collections.secops.itsm.tests.sandbox.ticketing.records import Record, Ticket

_THIN = ("object_id", "summary", "status_type", "created_at")


class TicketSerializer:
    """Serialize tickets as a profile defines."""

    def __init__(self, profile: TicketingProfile) -> None:
        self.profile = profile
        shown: dict[str, Callable[[Any], Any]] = {}
        if profile.html == "cleaned":
            shown["richtext"] = _cleaned
        if profile.numbers == "text":
            shown["number"] = str
        if profile.dates == "utc":
            shown.update(date=_in_utc, datetime=_in_utc)
        self._values = shown

    def record(self, ticket: Ticket, record: Record) -> Record:
        """Return a complete record; ``record`` is the state to show."""
        data = {name: self._value(ticket.type.fields.get(name, {}), value) for name, value in record["data"].items()}
        category = record["status_category"]
        if self.profile.category == "short":
            category = category.removesuffix(" Category")
        return {**record, "data": data, "status_category": category}

    def _value(self, field: Field, value: Any) -> Any:
        show = self._values.get(field.get("type", ""))
        return value if show is None or value in (None, "") else show(value)

    def read(self, ticket: Ticket, record: Record) -> Any:
        """Return the response to reading one ticket."""
        shown = self._without_lookup(self.record(ticket, record))
        return {
            "ticket": {"success": True, "status": 200, "ticket": shown},
            "data.ticket": {"success": True, "data": {"ticket": shown}},
            "data": {"success": True, "data": shown},
            "body": shown,
        }[self.profile.envelope]

    def _without_lookup(self, shown: Record) -> Record:
        hidden = ("lookup_props",) if self.profile.lookup == "hidden" else ()
        return {name: value for name, value in shown.items() if name not in hidden}

    def written(self, ticket: Ticket, record: Record, verb: str) -> dict[str, Any]:
        """Return the response with the whole ticket after a write.

        :param verb: ``created`` or ``updated``.
        """
        base = {"success": True, "message": f"ticket {verb} successfully", "status": 200}
        return {**base, "objectId": record["object_id"], "ticket": self.record(ticket, record)}

    def updated(self, ticket: Ticket, record: Record) -> dict[str, Any]:
        """Return the response to an update."""
        response = self.written(ticket, record, "updated")
        if self.profile.update_answer == "etag":
            del response["ticket"]
            response["etag"] = record["etag"]
        return response

    def page(self, tickets: Sequence[Ticket], top: int, offset: int) -> dict[str, Any]:
        """Return the response to a list request.

        :param tickets: all that match.
        :param top: the number of requested tickets.
        """
        size = min(top, self.profile.page_size)
        rows = [self._row(ticket) for ticket in tickets[offset : offset + size]]
        total = len(tickets)
        if self.profile.list_shape == "rows":
            return {"success": True, "data": {"rows": rows, "count": total}}
        more = offset + len(rows) < total
        pagination = {"total": total, "top": size, "offset": offset, "hasMore": more}
        return {"success": True, "data": {"tickets": rows, "pagination": pagination}}

    def _row(self, ticket: Ticket) -> Record:
        shown = self._without_lookup(self.record(ticket, ticket.record))
        if self.profile.rows == "thin":
            shown = {name: shown[name] for name in _THIN}
        return {self.profile.row_id if name == "object_id" else name: value for name, value in shown.items()}

    def catalog(self, name: str, entries: Sequence[Any]) -> Any:
        """Return the response to a list of ticket types (``value``) or offers (``offers``)."""
        return {
            "value": {"success": True, "data": {name: entries}},
            "data": {"success": True, "data": entries},
            "bare": entries,
            "top": {name: entries},
        }[self.profile.catalog]


def _cleaned(text: str) -> str:
    """Return HTML without scripts and attributes, and with single spaces."""
    without_scripts = re.sub(r"<script\b.*?</script\s*>", "", text, flags=re.IGNORECASE | re.DOTALL)
    without_attributes = re.sub(r"<(\w+)\s[^>]*?(/?)>", r"<\1\2>", without_scripts)
    return re.sub(r"\s+", " ", without_attributes).strip()


def _in_utc(text: str) -> str:
    return instant(text).astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
