# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read one ticket, or list tickets: what the info modules of all ticketing systems share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import identifier
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import Ticket

#: Maximum number of unreadable tickets that a warning names.
MAX_NAMED = 10


def given_identifier(options: Mapping[str, Any], name: str) -> str | None:
    """Return the id of the only ticket to read, or None for a list.

    A variable that is empty by mistake must not turn one ticket into all tickets.

    :param options: values by option name.
    :param name: the option with the id.
    :raises ApiError: category ``configuration`` if it is empty.
    """
    ticket_id = identifier(name, options.get(name))
    if ticket_id is None and options.get(name) is not None:
        raise configuration_error(f"{name} is empty. Set it to the display id of a ticket, or omit it for a list.")
    return ticket_id


def check_not_for_list(options: Mapping[str, Any], names: Sequence[str], identifying: str) -> None:
    """Raise ApiError if options that only apply to a list are combined with the id of one ticket.

    :param options: values by option name.
    :param names: the options that only apply to a list.
    :param identifying: the option with the id.
    """
    misplaced = [name for name in names if options.get(name) not in (None, [], "")]
    if misplaced:
        raise configuration_error(f"{', '.join(misplaced)}: only for a list. Omit this, or omit {identifying}.")


def check_limit(limit: int | None) -> None:
    """Raise ApiError if the maximum number of tickets is not positive.

    :param limit: the value of the option.
    """
    if limit is not None and limit < 1:
        raise configuration_error("limit must be greater than 0. Omit it to list all tickets.")


def read_ticket(read: Callable[[str], Ticket], name: str) -> dict[str, Any]:
    """Return one ticket. Raise ApiError, which names the ticket, if it cannot be read.

    :param read: reads a ticket by its id.
    :param name: the id.
    """
    try:
        return dict(read(name))
    except ApiError as failure:
        raise failure.with_message(f"Ticket {name} could not be read. {failure}") from None


def read_list(
    rows: Iterator[Ticket], limit: int | None, complete: Callable[[Ticket], dict[str, Any]] = dict
) -> dict[str, Any]:
    """Return the listed tickets, and whether there are more, as the keys ``tickets`` and ``truncated``.

    :param rows: the rows of the list, read page by page.
    :param limit: the maximum number of tickets, or None.
    :param complete: returns the ticket of a row.
    :raises ApiError: if the list cannot be read up to the limit.
    """
    tickets: list[dict[str, Any]] = []
    while True:
        try:
            row = next(rows, None)
        except ApiError as failure:
            # The limit is reached, and this page was only requested to find out whether there are more tickets.
            if failure.category != "contract" or len(tickets) != limit:
                raise
            return {"tickets": tickets, "truncated": True}
        if row is None or len(tickets) == limit:
            return {"tickets": tickets, "truncated": row is not None}
        tickets.append(complete(row))


@dataclass
class TicketReader:
    """Read the tickets of a list in full. A ticket that cannot be read is returned as the list shows it.

    :param read: reads a ticket by its id.
    :param name_of: returns the id of a row, or None if the row does not contain it.
    :param title_of: returns the title of a row.
    :param unread: the reasons why tickets could not be read, by ticket.
    """

    read: Callable[[str], Ticket]
    name_of: Callable[[Ticket], str | None]
    title_of: Callable[[Ticket], Any]
    unread: dict[str, str] = field(default_factory=dict)

    def complete(self, row: Ticket) -> dict[str, Any]:
        """Return the ticket of a row.

        :param row: a row of the list.
        :raises ApiError: if other tickets cannot be read either.
        """
        name = self.name_of(row)
        if name is None:
            reason = "A ticket without a display id cannot be read."
            self.unread[f"one without a display id ({self.title_of(row)})"] = reason
            return dict(row)
        try:
            return dict(self.read(name))
        except ApiError as failure:
            if failure.category != "permission" and not failure.is_of_one_record:
                raise failure.with_message(
                    f"The list contains ticket {name}, but it could not be read. {failure}"
                ) from None
            self.unread[name] = failure.cause
            return dict(row)

    @property
    def warnings(self) -> list[str]:
        """Return a warning that names the tickets that could not be read, if any."""
        if not self.unread:
            return []
        names = ", ".join(list(self.unread)[:MAX_NAMED]) + (", ..." if len(self.unread) > MAX_NAMED else "")
        warning = (
            f"Could not read listed tickets, which are returned as the list shows them: {names}. The first error: "
            f"{next(iter(self.unread.values()))}"
        )
        return [warning]
