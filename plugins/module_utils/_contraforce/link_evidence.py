# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Determine which ticket an incident is linked to, and how reliable the evidence is.

The API reference documents no request that reads the link. The incident itself is reliable evidence (CF-A10), a comment
is weak evidence (CF-A11), and the response to a link or unlink request is valid for the run that sent it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from functools import reduce
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    TICKET_ID_KEYS,
    TICKET_ID_PATTERN,
    TICKET_KEYS,
    TICKET_NUMBER_KEYS,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import TICKETING_SYSTEMS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of
from ansible_collections.secops.itsm.plugins.module_utils._option_values import spelled
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

LINKED, UNLINKED, LIKELY, UNKNOWN = "linked", "unlinked", "likely", "unknown"
INCIDENT, COMMENTS, RESPONSE, NONE = "incident", "comments", "response", "none"

#: The member of a ``ServiceTicketDto`` that contains the ticket; Zendesk has none.
#: Source: ContraForce API reference, Link ticket.
TICKET_MEMBERS: Mapping[str, str] = {
    "Autotask": "autotaskTicket",
    "ServiceNow": "serviceNowTicket",
    "Jira": "jiraTicket",
}


class Unrecognized(Enum):
    """A value that the service shows in an unknown form."""

    UNRECOGNIZED = "unrecognized"


UNRECOGNIZED = Unrecognized.UNRECOGNIZED

_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Ticket:
    """A service ticket, as far as it is known.

    :param id: the ticketing system's identifier as text.
    :param number: the display number.
    :param system: one of :data:`TICKETING_SYSTEMS`.
    """

    id: str | None = None
    number: str | None = None
    system: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the known names of the ticket."""
        return tuple(name for name in (self.id, self.number) if name)

    def merged_with(self, other: Ticket) -> Ticket:
        """Return this ticket with the values that another record of it adds."""
        return Ticket(self.id or other.id, self.number or other.number, self.system or other.system)

    def __str__(self) -> str:
        return " / ".join(dict.fromkeys(self.names)) or "an unnamed ticket"


@dataclass(frozen=True)
class Link:
    """What is known about an incident's link to a ticket.

    :param status: ``linked``, ``unlinked``, ``likely`` or ``unknown``.
    :param evidence: the source of the status: ``incident``, ``comments``, ``response`` or ``none``.
    :param ticket: the linked ticket, or the one that is likely to be linked.
    """

    status: str
    evidence: str
    ticket: Ticket = Ticket()

    @property
    def is_conclusive(self) -> bool:
        """Return whether the incident itself shows the status, and names the ticket if there is one."""
        return self.evidence == INCIDENT and (self.status == UNLINKED or bool(self.ticket.names))

    def as_dict(self) -> dict[str, Any]:
        """Return the link as a part of a result."""
        return {
            "link": self.status,
            "evidence": self.evidence,
            "ticket_id": self.ticket.id,
            "ticket_number": self.ticket.number,
            "ticketing_system": self.ticket.system,
        }


def ticket_from_name(name: str) -> Ticket:
    """Return the ticket that an option names (CF-A14).

    :param name: the ticket's identifier or display number.
    """
    return Ticket(id=name) if _is_id(_normalized(name)) else Ticket(number=name)


def link_in_incident(data: Mapping[str, Any]) -> Link | None:
    """Return the link that an incident shows, or None if it shows nothing that is recognized (CF-A10).

    :param data: ``data`` of the response.
    """
    shown = [
        (key, _parse_ticket(key, place[key]))
        for place in (record_of(data), data)
        for key in (*TICKET_KEYS, *TICKET_ID_KEYS, *TICKET_NUMBER_KEYS)
        if key in place
    ]
    tickets = [ticket for _key, ticket in shown if isinstance(ticket, Ticket)]
    if tickets:
        return Link(LINKED, INCIDENT, reduce(Ticket.merged_with, tickets))
    # A ticket may exist without a number.
    empty = [key for key, ticket in shown if ticket is None and key not in TICKET_NUMBER_KEYS]
    unrecognized = [key for key, ticket in shown if ticket is UNRECOGNIZED]
    return Link(UNLINKED, INCIDENT) if empty and not unrecognized else None


def ticket_in_incident(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the ticket's record, or None if the incident does not show it (CF-A10).

    :param data: ``data`` of the response.
    """
    values = [place.get(key) for place in (record_of(data), data) for key in TICKET_KEYS]
    return next((dict(value) for value in values if isinstance(value, Mapping)), None)


def link_in_comments(comments: Sequence[Mapping[str, Any]]) -> Link:
    """Return the likely link: the newest comment that was copied to a ticket names that ticket (CF-A11).

    :param comments: the comments in the service's order.
    """
    copied = [
        (instant(entry.get("createdTime")) or _EARLIEST, place, ticket_id)
        for place, entry in enumerate(comments)
        if (ticket_id := _text(entry.get("ticketId")))
    ]
    return Link(LIKELY, COMMENTS, Ticket(id=max(copied)[2])) if copied else Link(UNKNOWN, NONE)


def ticket_in_response(ticket: Mapping[str, Any]) -> Ticket:
    """Return the ticket of a ``ServiceTicketDto``. Source: ContraForce API reference, Link ticket.

    :param ticket: ``data`` of the response to a link request.
    """
    system = spelled(str(ticket.get("ticketingSystemType") or ""), TICKETING_SYSTEMS)
    keys = [TICKET_MEMBERS[system]] if system and system in TICKET_MEMBERS else list(TICKET_MEMBERS.values())
    members = [ticket[key] for key in keys if isinstance(ticket.get(key), Mapping)]
    member = members[0] if members else {}
    return Ticket(_text(member.get("id")), _text(member.get("number")), system)


def is_same(names: Iterable[str], ticket: Ticket) -> bool | None:
    """Return whether a ticket has one of these names, or None if they cannot be compared.

    A name may be an id or a display number, which cannot be compared with each other (CF-A14).

    :param names: ids or display numbers.
    :param ticket: the ticket to compare.
    """
    wanted, shown = {_normalized(name) for name in names}, {_normalized(name) for name in ticket.names}
    if wanted & shown:
        return True
    both_known = bool(ticket.id and ticket.number)
    comparable = {_is_id(name) for name in wanted} & {_is_id(name) for name in shown}
    return False if both_known or comparable else None


def _parse_ticket(key: str, value: Any) -> Ticket | Unrecognized | None:
    """Return the ticket that a value shows, or None if the value shows that there is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if key in TICKET_KEYS:
        return _parse_ticket_object(value) if isinstance(value, Mapping) else UNRECOGNIZED
    name = _text(value)
    # 0 may stand for an integer that is not set.
    if name is None or name == "0":
        return UNRECOGNIZED
    return Ticket(id=name) if key in TICKET_ID_KEYS else Ticket(number=name)


def _parse_ticket_object(value: Mapping[str, Any]) -> Ticket | Unrecognized | None:
    if value.get("isTicketSet") is False:
        return None
    ticket = ticket_in_response(value).merged_with(Ticket(_text(value.get("id")), _text(value.get("number"))))
    return ticket if ticket.names or value.get("isTicketSet") is True else UNRECOGNIZED


def _text(value: Any) -> str | None:
    """Return an identifier as text; those of Autotask are integers."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def _normalized(name: str) -> str:
    return name.strip().lower()


def _is_id(name: str) -> bool:
    return bool(re.fullmatch(TICKET_ID_PATTERN, name))
