# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what an answer is about in the envelopes that it may come in, and reads a ticket's record."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import (
    DONE_CATEGORY,
    NOT_DELETED,
    ROW_ID_KEYS,
    TICKET_PATHS,
)

#: The key under which a ticket's data holds its offer. Source: seed 004.
OFFER_KEY = "offerId"


def at(body: Any, path: Sequence[str]) -> Any:
    """What stands at a path; None where it leads nowhere.

    :param body: the parsed JSON, of any shape.
    :param path: keys, from the outside in.
    """
    for key in path:
        body = body.get(key) if isinstance(body, Mapping) else None
    return body


def record_in(body: Any) -> Mapping[str, Any] | None:
    """The ticket in an answer: the first place that has an C(object_id) (TK-A5).

    :param body: the parsed JSON, of any shape.
    """
    found = (at(body, path) for path in TICKET_PATHS)
    return next((entry for entry in found if isinstance(entry, Mapping) and entry.get("object_id")), None)


def list_in(body: Any, paths: Sequence[Sequence[str]]) -> list[Any] | None:
    """The list in an answer, at the first of some places that has one.

    :param body: the parsed JSON, of any shape.
    :param paths: where it may stand.
    """
    found = (at(body, path) for path in paths)
    return next((entry for entry in found if isinstance(entry, list)), None)


def object_id_of(row: Mapping[str, Any]) -> str | None:
    """The display id of a listed ticket (TK-A8).

    :param row: a row of the list.
    """
    return next((str(row[key]) for key in ROW_ID_KEYS if row.get(key)), None)


def data_of(record: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The values of a ticket's fields, by UUID.

    :param record: a ticket, or None for one that is not there.
    """
    data = record.get("data") if record else None
    return data if isinstance(data, Mapping) else {}


def home_of(record: Mapping[str, Any]) -> dict[str, str | None]:
    """A ticket's team, item type and offer; None for what is not shown.

    :param record: a ticket, or a row of the list.
    """
    shown = {
        "team_id": at(record, ("lookup_props", "teamId")),
        "item_type_id": at(record, ("lookup_props", "itemTypeId")),
        "offer_id": data_of(record).get(OFFER_KEY),
    }
    # Ids are digits: one API spells them as a string, another as a number.
    return {name: None if value in (None, "") else str(value) for name, value in shown.items()}


def is_done(record: Mapping[str, Any]) -> bool:
    """Whether a ticket is closed (TK-A10). One that does not show it counts as open, as that cannot double it.

    :param record: a ticket, or a row of the list.
    """
    return str(record.get("status_category") or "").strip().lower().startswith(DONE_CATEGORY)


def is_deleted(record: Mapping[str, Any]) -> bool:
    """Whether a ticket was deleted (TK-A11).

    :param record: a ticket, or a row of the list.
    """
    return record.get("deleted_seq") not in (None, NOT_DELETED, str(NOT_DELETED))
