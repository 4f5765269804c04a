# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the data in a response, and parse the record of a ticket."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import (
    DONE_CATEGORY,
    NOT_DELETED,
    ROW_ID_KEYS,
    TICKET_PATHS,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import State, Ticket, TicketFormat

#: The key of the offer in the data of a ticket. Source: Rezolve.ai API documentation, Create Ticket.
OFFER_KEY = "offerId"


def value_at(body: Any, path: Sequence[str]) -> Any:
    """Return the value at a path, or None if the path does not exist.

    :param body: the parsed JSON, of any shape.
    :param path: keys, outermost first.
    """
    for key in path:
        body = body.get(key) if isinstance(body, Mapping) else None
    return body


def find_record(body: Any) -> Mapping[str, Any] | None:
    """Return the ticket in a response, or None: the first path with an ``object_id`` (TK-A5).

    :param body: the parsed JSON, of any shape.
    """
    found = (value_at(body, path) for path in TICKET_PATHS)
    return next((entry for entry in found if isinstance(entry, Mapping) and entry.get("object_id")), None)


def find_list(body: Any, paths: Sequence[Sequence[str]]) -> list[Any] | None:
    """Return the list at the first path that has one, or None.

    :param body: the parsed JSON, of any shape.
    :param paths: the possible paths.
    """
    found = (value_at(body, path) for path in paths)
    return next((entry for entry in found if isinstance(entry, list)), None)


def object_id_of(row: Mapping[str, Any]) -> str | None:
    """Return the display id of a listed ticket (TK-A8), or None if the row does not contain it.

    :param row: a row of the list.
    """
    shown = (row.get(key) for key in ROW_ID_KEYS)
    return next((str(value) for value in shown if value and isinstance(value, (str, int))), None)


def data_of(record: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the field values of a ticket, by UUID.

    :param record: a ticket, or None.
    """
    data = record.get("data") if record else None
    return data if isinstance(data, Mapping) else {}


def location_of(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the team, ticket type and offer of a ticket; None for each that the record does not contain.

    :param record: a ticket, or a row of the list.
    """
    shown = {
        "team_id": value_at(record, ("lookup_props", "teamId")),
        "item_type_id": value_at(record, ("lookup_props", "itemTypeId")),
        "offer_id": data_of(record).get(OFFER_KEY),
    }
    # The service may return ids as texts or numbers.
    return {name: None if value in (None, "") else str(value) for name, value in shown.items()}


def is_done(record: Mapping[str, Any]) -> bool:
    """Return whether a ticket is closed (TK-A10). Without a status category it counts as open, so that it is found.

    :param record: a ticket, or a row of the list.
    """
    return str(record.get("status_category") or "").strip().lower().startswith(DONE_CATEGORY)


def is_deleted(record: Mapping[str, Any]) -> bool:
    """Return whether a ticket was deleted (TK-A11).

    :param record: a ticket, or a row of the list.
    """
    return record.get("deleted_seq") not in (None, NOT_DELETED, str(NOT_DELETED))


class RezolveFormat(TicketFormat):
    """Read the record of a ticket. Requests and people use the same id."""

    def id_of(self, record: Ticket) -> str:
        """Return the display id."""
        return str(record["object_id"])

    def name_of(self, record: Ticket) -> str:
        """Return the display id."""
        return str(record["object_id"])

    def title_of(self, record: Ticket) -> str | None:
        """Return the summary."""
        return record.get("summary")

    def data_of(self, record: State) -> Mapping[str, Any]:
        """Return the field values by UUID."""
        return data_of(record)

    def marker_of(self, record: Ticket) -> str | None:
        """Return the etag."""
        return str(record["etag"]) if record.get("etag") else None

    def is_closed(self, record: Ticket) -> bool:
        """Return whether the status category is Done."""
        return is_done(record)

    def created_at(self, record: Ticket) -> str:
        """Return the time of creation."""
        return str(record.get("created_at"))
