# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Parse the options of a ticket."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import check_verify_timeout
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import check_not_null, identifier, is_uuid
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    COMPUTED_OF_INCIDENT,
    JOURNAL_COLUMNS,
    MAX_LENGTHS,
    NOT_SETTABLE,
    REFERENCE,
    REFERENCE_DISPLAY,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.query import (
    CONTROL_CATEGORIES,
    checked_key,
    checked_name,
    is_sys_id,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import WantedTicket

TITLE = "short_description"

#: The options that identify a ticket.
IDENTIFIERS = ("number", "sys_id", "reference")

#: The start of a reference in the form of ContraForce's public samples, and the columns that distinguish its customers.
CONTRAFORCE_FORM = "cf"
CUSTOMER_COLUMNS = ("company", "assignment_group")


@dataclass(frozen=True)
class Wanted(WantedTicket):
    """The parsed options of a task, before the instance is asked.

    :param table: the table of the ticket.
    :param number: the number of an existing ticket.
    :param sys_id: the identifier of an existing ticket.
    :param reference: the value that identifies a ticket to find or create.
    :param reference_display: the source of the reference, stored in a new ticket.
    :param short_description: the title of a new ticket.
    :param fields: values by column.
    :param unique_by: further columns that identify the ticket.
    :param ignore_fields: columns that are only set in a new ticket.
    :param include_closed: whether closed tickets are accepted.
    :param notes: the texts to post once, by journal column.
    """

    table: str = "incident"
    number: str | None = None
    sys_id: str | None = None
    reference: str | None = None
    reference_display: str = ""
    short_description: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    unique_by: tuple[str, ...] = ()
    ignore_fields: frozenset[str] = frozenset()
    include_closed: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def ticket_id(self) -> str | None:
        """Return the number or the identifier that the task gives, or None to search or create."""
        return self.number or self.sys_id

    @property
    def title(self) -> str | None:
        """Return the title of a new ticket, or None."""
        return self.short_description

    @property
    def accepts_closed(self) -> bool:
        """Return whether a closed ticket with the reference is used."""
        return self.include_closed

    def __str__(self) -> str:
        return f"ticket {self.ticket_id or repr(self.reference)} (table {self.table})"

    def normalized(self) -> Wanted:
        """Return a copy whose number has one spelling."""
        return replace(self, number=self.number.upper() if self.number else None)


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one ticket, and return the wanted ticket.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    check_verify_timeout(options)
    table = checked_name("table", options.get("table") or "incident", "incident")
    given = given_identity(options)
    fields = _fields(options, table)
    unique_by = tuple(_names(options, "unique_by"))
    title = (options.get(TITLE) or "").strip() or None
    if "reference" in given:
        _check_customer(given["reference"], unique_by)
        _check_unique(unique_by, fields)
    elif title:
        raise configuration_error(
            f"{TITLE} cannot be combined with {next(iter(given))}, because it is only set in a new ticket. Remove it, "
            f"or set fields.{TITLE} to change it."
        )
    if title and TITLE in fields:
        raise configuration_error(f"{TITLE} and fields.{TITLE} are mutually exclusive. Set only one of them.")
    if title:
        check_title(title)
    return Wanted(
        table,
        **given,
        reference_display=_reference_display(options),
        short_description=title,
        fields=fields,
        unique_by=unique_by,
        ignore_fields=frozenset(_names(options, "ignore_fields")),
        include_closed=bool(options.get("include_closed")),
        notes=_notes(options),
    )


def given_identity(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the only option that identifies the ticket, with its value.

    :param options: values by option name.
    :raises ApiError: category ``configuration`` unless exactly one is set.
    """
    given = {name: text for name in IDENTIFIERS if (text := identifier(name, options.get(name)))}
    if len(given) != 1:
        problem = f"{' and '.join(given)} are mutually exclusive" if given else "The ticket is not identified"
        raise configuration_error(f"{problem}. Set one of number, sys_id and reference.")
    (name, text), *_none = given.items()
    if name == "sys_id" and not is_sys_id(text):
        raise configuration_error(
            f"sys_id must consist of 32 hexadecimal digits, not {text!r}. Correct it, or set number."
        )
    key = checked_key(name, text, MAX_LENGTHS[REFERENCE] if name == "reference" else None)
    # Results name a ticket without a number by its sys_id, also where they name others by their numbers.
    is_id = name == "sys_id" or (name == "number" and is_sys_id(key))
    return {"sys_id": key.lower()} if is_id else {name: key}


def _check_customer(reference: str, unique_by: tuple[str, ...]) -> None:
    """Raise ApiError if a reference in the form of ContraForce's samples may belong to several customers."""
    form, *parts = (part.strip() for part in reference.split("|"))
    if form.lower() != CONTRAFORCE_FORM or not parts:
        return
    if len(parts) != 2 or not all(parts):
        raise configuration_error(
            f"reference {reference!r} must have the form cf|source|incident id, as it begins with cf|. Correct it."
        )
    if not is_uuid(parts[1]) and not set(CUSTOMER_COLUMNS) & set(unique_by):
        raise configuration_error(
            f"reference {reference!r} does not contain the workspace, and {parts[1]!r} is not a UUID, so incidents of "
            f"two customers may have the same one. Add {' or '.join(CUSTOMER_COLUMNS)} to unique_by and to fields."
        )


def _check_unique(unique_by: tuple[str, ...], fields: Mapping[str, Any]) -> None:
    for name in unique_by:
        value = fields.get(name)
        if value is None or not str(value).strip():
            raise configuration_error(f"unique_by contains {name}, so fields must contain a value for it. Add it.")
        check_not_null(f"fields: {name}", value)
        if isinstance(value, (list, dict, bool)):
            raise configuration_error(
                f"unique_by contains {name}, but a search needs a text or a number. Choose another column."
            )


def _fields(options: Mapping[str, Any], table: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    refused = {**NOT_SETTABLE, **(COMPUTED_OF_INCIDENT if table == "incident" else {})}
    for given, value in (options.get("fields") or {}).items():
        name = checked_name("Each key of fields", str(given))
        if name in fields:
            raise configuration_error(f"fields contains {name} twice. Remove one of them.")
        if name in refused or name.startswith("sys_"):
            reason = refused.get(name, "the service generates it")
            raise configuration_error(f"fields contains {name}, but {reason}. Remove it from fields.")
        fields[name] = value
    for name in set(JOURNAL_COLUMNS) & set(fields):
        raise configuration_error(
            f"fields contains {name}, to which each run would add the text again. Use the option {name}, which posts "
            "it once."
        )
    return fields


def _names(options: Mapping[str, Any], option: str) -> list[str]:
    """Return a list of columns without duplicates and the empty entries of a survey."""
    given = (str(entry) for entry in options.get(option) or [])
    return list(dict.fromkeys(checked_name(option, entry) for entry in given if entry.strip()))


def _notes(options: Mapping[str, Any]) -> dict[str, str]:
    notes = {}
    for name in JOURNAL_COLUMNS:
        text = (options.get(name) or "").strip()
        check_not_null(name, text)
        if text:
            notes[name] = text.replace("\r\n", "\n")
    return notes


def _reference_display(options: Mapping[str, Any]) -> str:
    text = (options.get("reference_display") or "").strip()
    if len(text) > MAX_LENGTHS[REFERENCE_DISPLAY] or not text.isprintable():
        raise configuration_error(
            f"reference_display must be one line of at most {MAX_LENGTHS[REFERENCE_DISPLAY]} characters. Shorten it."
        )
    return text


def check_title(title: str, max_length: int | None = None) -> None:
    """Raise ApiError if a title is not one line, or too long.

    :param title: the title.
    :param max_length: the maximum length that the column stores.
    :raises ApiError: category ``configuration``.
    """
    wrong = next((letter for letter in title if unicodedata.category(letter) in CONTROL_CATEGORIES), None)
    if wrong is not None:
        raise configuration_error(
            f"{TITLE} contains the control character U+{ord(wrong):04X}. Remove it; it must be one line of text."
        )
    if max_length is not None and len(title) > max_length:
        raise configuration_error(
            f"{TITLE} has {len(title)} characters, but the column stores {max_length}. Shorten it."
        )
