# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the service catalog: ticket types with their fields, and offers, by id or name."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import first_violation
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import schemas
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import (
    DATA_TYPES,
    MULTISELECT,
    OPTION_NAME_KEYS,
    OPTION_VALUE_KEYS,
    OTHER,
    SELECT,
)

#: Number of ticket types to request per page, and maximum number of pages.
TYPES_PER_PAGE = 100
MAX_PAGES = 100


@dataclass(frozen=True)
class Choice:
    """An option of a field (TK-A14).

    :param value: the value that a ticket stores.
    :param spellings: the accepted names, starting with the value.
    """

    value: Any
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A field of a ticket type.

    :param id: the UUID.
    :param name: the technical name.
    :param label: the displayed name.
    :param type: the type, as the service names it.
    :param is_required: whether the field always needs a value, independently of other fields (TK-A15).
    :param default: the default value.
    :param choices: the valid options; empty if any value is valid.
    """

    id: str
    name: str
    label: str
    type: str
    is_required: bool = False
    default: Any = None
    choices: tuple[Choice, ...] = ()

    @property
    def type_key(self) -> str:
        """Return the type in lower case, without punctuation."""
        return "".join(letter for letter in self.type.lower() if letter.isalnum())

    @property
    def is_unknown_with_choices(self) -> bool:
        """Return whether the type is unknown and the field has options, which then define its values."""
        return self.type_key not in DATA_TYPES and bool(self.choices)

    @property
    def data_type(self) -> str:
        """Return the data type of the values (TK-A13)."""
        return SELECT if self.is_unknown_with_choices else DATA_TYPES.get(self.type_key, OTHER)

    def data_type_for(self, *values: Any) -> str:
        """Return the data type to use for the given values.

        If the type is unknown, a list is a selection of several options.

        :param values: any values.
        """
        has_list = any(isinstance(value, list) for value in values)
        return MULTISELECT if has_list and self.is_unknown_with_choices else self.data_type

    @property
    def title(self) -> str:
        """Return the name for results: the label, the technical name or the UUID, in this order."""
        return self.label or self.name or self.id


@dataclass(frozen=True)
class TicketType:
    """A ticket type.

    :param id: the id, a text of digits.
    :param name: the displayed name.
    :param fields: the fields, in the order of the service.
    :param without_id: titles of fields that cannot be used because the service does not return their id.
    """

    id: str
    name: str
    fields: tuple[Field, ...] = ()
    without_id: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """An offer of the service catalog.

    :param id: the id, a text of digits.
    :param name: the displayed name.
    :param item_type_id: the ticket type of the offer, or None if the service does not return it.
    """

    id: str
    name: str
    item_type_id: str | None = None


def id_of(entry: Any) -> str:
    """Return the id of an entry of the catalog, or an empty text if the entry has no id and cannot be used.

    :param entry: the entry as the service lists it; a draft may have no id.
    """
    value = entry.get("id") if isinstance(entry, Mapping) else None
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def ticket_type_from(entry: Mapping[str, Any]) -> TicketType:
    """Parse and return a ticket type.

    :param entry: the entry as the service lists it; only its id has been validated.
    """
    listed = entry.get("fields")
    fields = [field for field in listed if isinstance(field, Mapping)] if isinstance(listed, list) else []
    usable = [field for field in fields if isinstance(field.get("id"), str) and id_of(field)]
    titles = [str(field.get("label") or field.get("name") or "") for field in fields if field not in usable]
    return TicketType(
        id_of(entry),
        str(entry.get("name") or ""),
        tuple(_field_from(field) for field in usable),
        tuple(title for title in titles if title),
    )


def _field_from(entry: Mapping[str, Any]) -> Field:
    options = entry.get("options")
    return Field(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        label=str(entry.get("label") or ""),
        type=str(entry.get("type") or ""),
        is_required=entry.get("required") is True,
        default=entry.get("defaultValue"),
        choices=tuple(
            choice for option in (options if isinstance(options, list) else []) for choice in _choices_from(option)
        ),
    )


def _choices_from(option: Any) -> Iterator[Choice]:
    """Yield the choice for an option; nothing if the option is malformed."""
    if not isinstance(option, Mapping):
        if option is not None:
            yield Choice(option, (str(option),))
        return
    given = [option[key] for key in (*OPTION_VALUE_KEYS, *OPTION_NAME_KEYS) if option.get(key) is not None]
    if given:
        yield Choice(given[0], tuple(dict.fromkeys(str(spelling) for spelling in given)))


def offer_from(entry: Mapping[str, Any]) -> Offer:
    """Parse and return an offer.

    :param entry: the entry as the service lists it; only its id has been validated.
    """
    item_type = entry.get("item_type")
    return Offer(id_of(entry), str(entry.get("name") or ""), None if item_type is None else str(item_type))


def ticket_types(api: RezolveApi) -> Iterator[TicketType]:
    """Yield the ticket types that have an id, without duplicates.

    :param api: the ticketing API.
    :raises ApiError: if the list cannot be read, or does not end.
    """
    for entry in ticket_type_entries(api):
        yield ticket_type_from(entry)


def ticket_type_entries(api: RezolveApi) -> Iterator[Mapping[str, Any]]:
    """Yield the ticket types that have an id, as the service lists them, without duplicates.

    The service may return smaller pages than requested, so the list only ends with a page without new entries.

    :param api: the ticketing API.
    :raises ApiError: if the list cannot be read, or does not end.
    """
    seen: set[str] = set()
    read = 0
    for _page in range(MAX_PAGES):
        entries = _read_list("ticket types", lambda skip=read: api.ticket_types(TYPES_PER_PAGE, skip))
        new = [entry for entry in entries if _entry_key(entry) not in seen]
        if not new:
            return
        seen.update(map(_entry_key, new))
        read += len(entries)
        yield from filter(id_of, new)
    raise ApiError(
        f"The list of ticket types does not end after {MAX_PAGES} pages. Report this to the maintainers of this "
        "collection.",
        "contract",
    )


def _entry_key(entry: Any) -> str:
    return id_of(entry) or json.dumps(entry, sort_keys=True)


def offers(api: RezolveApi) -> list[Offer]:
    """Return the offers of the service catalog that have an id.

    :param api: the ticketing API.
    :raises ApiError: if the offers cannot be read.
    """
    return [offer_from(entry) for entry in filter(id_of, _list_offers(api))]


def _list_offers(api: RezolveApi) -> list[Any]:
    return _read_list("offers of the service catalog", api.offers)


def _read_list(noun: str, read: Any) -> list[Any]:
    try:
        return list(read())
    except ApiError as failure:
        raise failure.with_message(f"The {noun} could not be read. {failure}") from None


def find_ticket_type(api: RezolveApi, item_type_id: str | None, item_type: str | None) -> TicketType:
    """Return the ticket type with an id or a name.

    :param api: the ticketing API.
    :param item_type_id: the id, which takes precedence.
    :param item_type: the name.
    :raises ApiError: category ``configuration`` if there is not exactly one match, ``contract`` if the match is
        malformed.
    """
    entries: dict[str, Any] = {}
    for entry in ticket_type_entries(api):
        entries[id_of(entry)] = entry
        if id_of(entry) == item_type_id:
            break
    if item_type_id is None:
        found = _find_by_name(
            "item_type", "ticket type", item_type or "", list(map(ticket_type_from, entries.values()))
        )
    elif item_type_id in entries:
        found = ticket_type_from(entries[item_type_id])
    else:
        raise configuration_error(
            f"The ticket type with item_type_id {item_type_id!r} does not exist.{nearest(item_type_id, entries)}"
        )
    _check_usable(f"Ticket type {found.id} ({found.name})", schemas.TICKET_TYPE, entries[found.id])
    return found


def _check_usable(label: str, schema: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Raise ApiError if an entry does not match the contract."""
    violation = first_violation(schema, entry)
    if violation:
        raise ApiError(
            f"{label} does not match the API contract: {violation}. Use another one, or report this to the maintainers "
            "of this collection.",
            "contract",
        )


def find_offer(api: RezolveApi, offer_id: str | None, offer: str | None, item_type_id: str | None) -> Offer:
    """Return the offer with an id or a name. It must have the ticket type of the ticket.

    Source: Rezolve.ai API documentation, Create Ticket.

    :param api: the ticketing API.
    :param offer_id: the id, which takes precedence.
    :param offer: the name.
    :param item_type_id: the ticket type, if known; it can distinguish offers with the same name.
    :raises ApiError: category ``configuration`` if there is not exactly one match, or it has another ticket type;
        ``contract`` if the match is malformed.
    """
    listed = _list_offers(api)
    entries = {id_of(entry): entry for entry in filter(id_of, listed)}
    known = [offer_from(entry) for entry in entries.values()]
    if offer_id is not None:
        found = next((entry for entry in known if entry.id == offer_id), None)
        if found is None:
            suggestion = nearest(offer_id, [entry.id for entry in known])
            raise configuration_error(f"The offer with offer_id {offer_id!r} does not exist.{suggestion}")
    else:
        named = [entry for entry in known if entry.item_type_id in (item_type_id, None)] if item_type_id else []
        fitting = [entry for entry in named if _same_name(entry.name, offer or "")]
        found = _find_by_name("offer", "offer", offer or "", fitting or known, _names_without_id(listed))
    _check_usable(f"Offer {found.id} ({found.name})", schemas.OFFER, entries[found.id])
    if item_type_id and found.item_type_id and found.item_type_id != item_type_id:
        raise configuration_error(
            f"Offer {found.id} ({found.name}) opens tickets of type {found.item_type_id}, not {item_type_id}. Use an "
            "offer of the ticket type, or omit the ticket type."
        )
    return found


Entry = TypeVar("Entry", TicketType, Offer)


def _same_name(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _names_without_id(listed: Iterable[Any]) -> list[str]:
    nameless = (entry for entry in listed if isinstance(entry, Mapping) and not id_of(entry))
    return [str(entry.get("name") or "") for entry in nameless]


def _find_by_name(option: str, noun: str, name: str, known: Sequence[Entry], without_id: Sequence[str] = ()) -> Entry:
    """Return the entry with a name, ignoring case; an exact match takes precedence."""
    exact = [entry for entry in known if entry.name == name]
    found = exact or [entry for entry in known if _same_name(entry.name, name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(entry.id for entry in found)
        raise configuration_error(
            f"{option} {name!r} is the name of {len(found)} {noun}s. Set {option}_id to one of {ids}."
        )
    for draft in without_id:
        if _same_name(draft, name):
            raise configuration_error(
                f"{noun.capitalize()} {draft!r} has no id, possibly because it is a draft. Publish it, or use another "
                f"{noun}."
            )
    suggestion = nearest(name, [entry.name for entry in known])
    raise configuration_error(f"{option} {name!r} does not match any {noun}.{suggestion}")


def nearest(unknown: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests similar values, or else known ones; an empty text if there are none.

    :param unknown: the value without a match.
    :param known: the known values.
    """
    by_folded: dict[str, str] = {}
    for name in known:
        # Keep the label, which comes first, as the technical name is often the same in lower case.
        by_folded.setdefault(name.casefold(), name)
    by_folded.pop("", None)
    close = difflib.get_close_matches(unknown.casefold(), list(by_folded), n=3, cutoff=0.5)
    names = [by_folded[name] for name in close] or sorted(by_folded.values())[:10]
    if not names:
        return ""
    return f" {'Nearest' if close else 'Known'}: {', '.join(repr(name) for name in names)}."
