# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Decide whether a ticket, or its row in the list, is the wanted ticket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Record
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import OTHER, TEXT
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Field
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import is_same
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    data_of,
    is_deleted,
    is_done,
    location_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import (
    WORD,
    has_digit,
    is_same_in_any_spelling,
    is_same_summary,
    may_show,
)

#: The slug of a team. The name of a team may be any text.
_SLUG = re.compile(r"[a-z0-9._-]+")


@dataclass(frozen=True)
class Identity:
    """The properties that identify the wanted ticket.

    :param team_id: the team's slug.
    :param item_type_id: the ticket type.
    :param offer_id: the offer.
    :param summary: None if the summary is not part of the identity.
    :param values: the fields that are part of the identity, each with its value.
    :param selected: the fields with options, each with its wanted value. A ticket whose status is one of these values
        was closed on request, and must be found again.
    :param text: the search text.
    :param title: the summary of a new ticket, whether or not it is part of the identity.
    :param full_text: the search text to use if ``text`` is too common.
    """

    team_id: str
    item_type_id: str
    offer_id: str
    summary: str | None
    values: Sequence[tuple[Field, Any]] = ()
    selected: Sequence[tuple[Field, Any]] = ()
    text: str = ""
    title: str = ""
    full_text: str = ""

    @property
    def location(self) -> dict[str, str]:
        """Return the team, ticket type and offer of the ticket."""
        return {"team_id": self.team_id, "item_type_id": self.item_type_id, "offer_id": self.offer_id}

    def counts_as_done(self, record: Record) -> bool:
        """Return True if a ticket is closed, but not because the task requests that status.

        :param record: a ticket, or a row of the list, which may lack its fields.
        """
        if not is_done(record):
            return False
        status, data = str(record.get("status_type") or "").casefold(), data_of(record)
        return not any(
            status in _option_names(field, value) and is_same(field, data.get(field.id, value), value)
            for field, value in self.selected
        )


def _option_names(field: Field, value: Any) -> set[str]:
    """Return the names of an option of a field, in lower case."""
    known = [word for choice in field.choices if str(choice.value) == str(value) for word in choice.spellings]
    return {word.casefold() for word in [*known, str(value)]}


def match_rank(row: Record, wanted: Identity) -> tuple[bool, bool, bool]:
    """Return a sort key that puts likely rows first: with the identity, not deleted, open.

    :param row: a row of the list.
    :param wanted: the identity.
    """
    data = data_of(row)
    shows_summary = wanted.summary is None or is_same_summary(str(row.get("summary") or ""), wanted.summary)
    shows_identity = shows_summary and all(is_same(field, data.get(field.id), value) for field, value in wanted.values)
    return not shows_identity, is_deleted(row), wanted.counts_as_done(row)


def shows_another_ticket(row: Record, wanted: Identity) -> bool:
    """Return True if a row certainly belongs to another ticket.

    Another team is not proof, because the ticket may have been moved. Neither is an empty value, a deletion, or a name
    instead of an id.

    :param row: a row of the list.
    :param wanted: the identity.
    """
    location = location_of(row)
    if any(_is_other_id(location[name], wanted.location[name]) for name in ("item_type_id", "offer_id")):
        return True
    if wanted.summary is not None and not may_show(row.get("summary"), wanted.summary):
        return True
    data = data_of(row)
    return any(not _may_hold(field, data.get(field.id), value) for field, value in wanted.values)


def _is_other_id(shown: str | None, wanted: str) -> bool:
    return shown is not None and shown.isdigit() and wanted.isdigit() and shown != wanted


def _may_hold(field: Field, shown: Any, value: Any) -> bool:
    """Return True if a field may have a value although a row shows another one.

    An incomplete reference, or words without a digit, may be an earlier value of the field.
    """
    if is_same(field, shown, value) or may_show(shown, str(value)):
        return True
    held, wanted = WORD.findall(str(shown)), WORD.findall(str(value))
    return len(held) < len(wanted) or (any(map(has_digit, wanted)) and not any(map(has_digit, held)))


def belongs_to_another_team(row: Record, wanted: Identity) -> bool:
    """Return True if a row proves that its ticket was created in another team.

    A row that does not show whether the ticket was moved is proof only if it does not show the identity.

    :param row: a row of the list.
    :param wanted: the identity.
    """
    team = location_of(row)["team_id"]
    if team is None or not _SLUG.fullmatch(team) or team == wanted.team_id.casefold() or row.get("moved_to"):
        return False
    data = data_of(row)
    shows_identity = (wanted.summary is not None and bool(row.get("summary"))) or any(
        field.id in data for field, _value in wanted.values
    )
    return "moved_to" in row or not shows_identity


def has_identity(record: Record, wanted: Identity, *, in_any_spelling: bool = False) -> bool:
    """Return True if the properties that a ticket shows match the identity, in any team.

    :param record: the ticket, as read.
    :param wanted: the identity.
    :param in_any_spelling: accept texts in another spelling.
    """
    location = location_of(record)
    is_elsewhere = any(
        location[name] != wanted.location[name] and _is_comparable(location[name], wanted.location[name])
        for name in ("item_type_id", "offer_id")
    )
    if is_deleted(record) or is_elsewhere:
        return False
    if wanted.summary is not None and "summary" in record:
        summary = str(record["summary"] or "")
        is_similar = in_any_spelling and is_same_in_any_spelling(record["summary"], wanted.summary)
        if not is_similar and not is_same_summary(summary, wanted.summary):
            return False
    if not shows_fields(record):
        return True
    is_equal = is_same_value_in_any_spelling if in_any_spelling else is_same
    return all(is_equal(field, data_of(record).get(field.id), value) for field, value in wanted.values)


def _is_comparable(shown: str | None, wanted: str) -> bool:
    """Return True if a value is an id that can be compared, not a name."""
    return shown is not None and shown.isdigit() == wanted.isdigit()


def shows_fields(record: Record) -> bool:
    """Return True if a ticket shows its fields.

    :param record: the ticket.
    """
    return isinstance(record.get("data"), Mapping)


def is_in_wanted_location(record: Record, wanted: Identity) -> bool:
    """Return True if a ticket with the identity belongs to the wanted team, ticket type and offer.

    :param record: the ticket.
    :param wanted: the identity.
    :raises ApiError: if the ticket does not show these, or was moved to another team.
    """
    location = location_of(record)
    if location["team_id"] not in (None, wanted.team_id) and not record.get("moved_to"):
        return False
    hidden = [name for name, value in location.items() if value is None]
    hidden += [
        name
        for name in ("item_type_id", "offer_id")
        if location[name] is not None and not _is_comparable(location[name], wanted.location[name])
    ]
    if wanted.summary is not None and "summary" not in record:
        hidden.append("summary")
    if hidden:
        raise ApiError(
            f"Ticket {record['object_id']} may be the requested one, but the service does not return its "
            f"{', '.join(hidden)}. Set object_id to use the ticket.",
            "contract",
        )
    if location["team_id"] == wanted.team_id:
        return True
    raise ApiError(
        f"Ticket {record['object_id']} is the requested one, but was moved to team {location['team_id']}. Set "
        "object_id, or set team_id to that team.",
        "ambiguous_match",
    )


def is_same_value_in_any_spelling(field: Field, shown: Any, wanted: Any) -> bool:
    """Return True if a field has a value, or a text in another spelling of it.

    :param field: the field.
    :param shown: the field's value in a ticket.
    :param wanted: the value.
    """
    return is_same(field, shown, wanted) or (
        field.data_type in (TEXT, OTHER) and is_same_in_any_spelling(shown, wanted)
    )


def respelled_values(record: Record, wanted: Identity) -> dict[str, tuple[str, str]]:
    """Return the differing texts of the identity by title: as the ticket shows them, and as wanted.

    :param record: the ticket, which may be incomplete.
    :param wanted: the identity.
    """
    summary, data = record.get("summary"), data_of(record)
    changed = {
        field.title: (data[field.id], str(value))
        for field, value in wanted.values
        if field.data_type in (TEXT, OTHER)
        and isinstance(data.get(field.id), str)
        and not is_same(field, data[field.id], value)
    }
    if wanted.summary is not None and isinstance(summary, str) and not is_same_summary(summary, wanted.summary):
        changed["summary"] = (summary, wanted.summary)
    return changed


def prefer_exact(matches: Sequence[Record], wanted: Identity) -> Sequence[Record]:
    """Return the matches with exactly the wanted summary, or all if none has it or it is not part of the identity.

    :param matches: the matches of a search.
    :param wanted: the identity.
    """
    if wanted.summary is None:
        return matches
    summary = wanted.summary.strip()
    return [record for record in matches if str(record.get("summary") or "").strip() == summary] or matches
