# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service catalog: ticket types with their fields, and offers, found by id or by name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Protocol, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import (
    KINDS,
    OPTION_NAME_KEYS,
    OPTION_VALUE_KEYS,
    OTHER,
)

#: How many ticket types are asked for at once, and how many pages of them are read at the most.
TYPES_PER_PAGE = 100
MOST_PAGES = 100


@dataclass(frozen=True)
class Choice:
    """One of the values that a field may have (TK-A14).

    :param value: what a ticket stores.
    :param spellings: what it may be called, the value first.
    """

    value: Any
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A field of a ticket type.

    :param id: its UUID.
    :param name: its technical name.
    :param label: what people see.
    :param type: as the service calls it.
    :param is_required: whether it must be filled, whatever the others hold (TK-A15).
    :param default: its default value.
    :param choices: the values that it may have; empty where any will do.
    """

    id: str
    name: str
    label: str
    type: str
    is_required: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()

    @property
    def word(self) -> str:
        """Its type in small letters, however it is spelled."""
        return "".join(letter for letter in self.type.lower() if letter.isalnum())

    @property
    def kind(self) -> str:
        """What it holds (TK-A13)."""
        return KINDS.get(self.word, OTHER)

    @property
    def title(self) -> str:
        """What it is called in a result: its label, or else its name, or else its UUID."""
        return self.label or self.name or self.id


@dataclass(frozen=True)
class TicketType:
    """A ticket type.

    :param id: digits.
    :param name: what people see.
    :param fields: in the order of the service.
    """

    id: str
    name: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Offer:
    """An offer of the service catalog.

    :param id: digits.
    :param name: what people see.
    :param item_type_id: the ticket type that it opens tickets of, if it is shown.
    """

    id: str
    name: str
    item_type_id: str | None = None


class Api(Protocol):
    """What the catalog is read from."""

    def ticket_types(self, top: int, skip: int) -> list[Mapping[str, Any]]:
        """A page of the ticket types."""

    def offers(self) -> list[Mapping[str, Any]]:
        """The offers of the service catalog."""


def ticket_type_from(entry: Mapping[str, Any]) -> TicketType:
    """A ticket type as the service lists it.

    :param entry: as :data:`schemas.TICKET_TYPES` says.
    """
    fields = tuple(_field_from(field) for field in entry.get("fields") or [])
    return TicketType(str(entry["id"]), str(entry.get("name") or ""), fields)


def _field_from(entry: Mapping[str, Any]) -> Field:
    return Field(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        label=str(entry.get("label") or ""),
        type=str(entry.get("type") or ""),
        is_required=entry.get("required") is True,
        default=entry.get("defaultValue"),
        choices=tuple(choice for option in entry.get("options") or [] for choice in _choices_from(option)),
    )


def _choices_from(option: Any) -> Iterator[Choice]:
    """One choice, or none where the option cannot be read."""
    if not isinstance(option, Mapping):
        if option is not None:
            yield Choice(option, (str(option),))
        return
    given = [option[key] for key in (*OPTION_VALUE_KEYS, *OPTION_NAME_KEYS) if option.get(key) is not None]
    if given:
        yield Choice(given[0], tuple(dict.fromkeys(str(spelling) for spelling in given)))


def offer_from(entry: Mapping[str, Any]) -> Offer:
    """An offer as the service lists it.

    :param entry: as :data:`schemas.OFFERS` says.
    """
    item_type = entry.get("item_type")
    return Offer(str(entry["id"]), str(entry.get("name") or ""), None if item_type is None else str(item_type))


def ticket_types(api: Api) -> Iterator[TicketType]:
    """The ticket types, page after page, each once.

    :param api: the ticketing API.
    :raises ApiError: when they cannot be read, or do not end.
    """
    for entry in ticket_type_entries(api):
        yield ticket_type_from(entry)


def ticket_type_entries(api: Api) -> Iterator[Mapping[str, Any]]:
    """The ticket types as the service lists them, page after page, each once.

    A page that is not full may still not be the last one, as the service may hold fewer than were asked for: only one
    without anything new is.

    :param api: the ticketing API.
    :raises ApiError: when they cannot be read, or do not end.
    """
    seen: set[str] = set()
    read = 0
    for _page in range(MOST_PAGES):
        entries = _told("ticket types", lambda skip=read: api.ticket_types(TYPES_PER_PAGE, skip))
        news = [entry for entry in entries if str(entry["id"]) not in seen]
        if not news:
            return
        seen.update(str(entry["id"]) for entry in news)
        read += len(entries)
        yield from news
    raise ApiError(
        "The list of ticket types does not end. Report this to the maintainers of this collection.", "contract"
    )


def offers(api: Api) -> list[Offer]:
    """The offers of the service catalog.

    :param api: the ticketing API.
    :raises ApiError: when they cannot be read.
    """
    return [offer_from(entry) for entry in _told("offers of the service catalog", api.offers)]


def _told(what: str, read: Any) -> list[Mapping[str, Any]]:
    try:
        return list(read())
    except ApiError as failure:
        raise failure.retold(f"The {what} could not be read. {failure}") from None


def find_ticket_type(api: Api, item_type_id: str | None, item_type: str | None) -> TicketType:
    """The ticket type of an id or a name.

    :param api: the ticketing API.
    :param item_type_id: its id; goes before the name.
    :param item_type: its name.
    :raises ApiError: C(configuration) when there is none, or more than one.
    """
    if item_type_id is None:
        return _named("item_type", "ticket type", item_type or "", list(ticket_types(api)))
    known = []
    for entry in ticket_types(api):
        if entry.id == item_type_id:
            return entry
        known.append(entry.id)
    raise configuration_error(
        f"item_type_id {item_type_id!r} is none of the ticket types.{nearest(item_type_id, known)}"
    )


def find_offer(api: Api, offer_id: str | None, offer: str | None, item_type_id: str | None) -> Offer:
    """The offer of an id or a name. Its ticket type must be that of the ticket (seed 004, note 2).

    :param api: the ticketing API.
    :param offer_id: its id; goes before the name.
    :param offer: its name.
    :param item_type_id: the ticket type, if it is known; of several offers of one name, it tells which is meant.
    :raises ApiError: C(configuration) when there is none, more than one, or one of another ticket type.
    """
    known = offers(api)
    if offer_id is not None:
        found = next((entry for entry in known if entry.id == offer_id), None)
        if found is None:
            suggestion = nearest(offer_id, [entry.id for entry in known])
            raise configuration_error(f"offer_id {offer_id!r} is none of the offers.{suggestion}")
    else:
        named = [entry for entry in known if entry.item_type_id in (item_type_id, None)] if item_type_id else []
        fitting = [entry for entry in named if _same_name(entry.name, offer or "")]
        found = _named("offer", "offer", offer or "", fitting or known)
    if item_type_id and found.item_type_id and found.item_type_id != item_type_id:
        raise configuration_error(
            f"Offer {found.id} ({found.name}) opens tickets of type {found.item_type_id}, not {item_type_id}: the "
            "offer and the ticket type must belong together."
        )
    return found


Entry = TypeVar("Entry", TicketType, Offer)


def _same_name(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _named(option: str, what: str, name: str, known: Sequence[Entry]) -> Entry:
    """The one entry of a name, in any case; an exact spelling goes first."""
    exact = [entry for entry in known if entry.name == name]
    found = exact or [entry for entry in known if _same_name(entry.name, name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(entry.id for entry in found)
        raise configuration_error(f"{option} {name!r} is the name of {len(found)} {what}s: give {option}_id, of {ids}.")
    raise configuration_error(f"{option} {name!r} is no {what}.{nearest(name, [entry.name for entry in known])}")


def nearest(wanted: str, known: Iterable[str]) -> str:
    """A suggestion, as a sentence to put behind another; empty where there is nothing to suggest.

    :param wanted: what was given.
    :param known: what it might have been meant to be.
    """
    by_folded: dict[str, str] = {}
    for name in known:
        # The first one is the label, which people know, and the technical name is often the same in small letters.
        by_folded.setdefault(name.casefold(), name)
    by_folded.pop("", None)
    close = difflib.get_close_matches(wanted.casefold(), list(by_folded), n=3, cutoff=0.5)
    names = [by_folded[name] for name in close] or sorted(by_folded.values())[:10]
    if not names:
        return ""
    return f" {'Nearest' if close else 'Known'}: {', '.join(repr(name) for name in names)}."
