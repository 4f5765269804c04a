# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ticket an incident is linked to, and how well that is known.

No read of the link is documented. What the read of an incident shows decides (CF-A10); what its comments show is
likely (CF-A11); what link and unlink answer holds for the run that asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from functools import reduce
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import (
    TICKET_ID_KEYS,
    TICKET_ID_PATTERN,
    TICKET_KEYS,
    TICKET_NUMBER_KEYS,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import record_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import TICKETING_SYSTEMS, spelled
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant

LINKED, UNLINKED, LIKELY, UNKNOWN = "linked", "unlinked", "likely", "unknown"
INCIDENT, COMMENTS, RESPONSE, NONE = "incident", "comments", "response", "none"

#: Where the answer of link holds the ticket. Source: C(ServiceTicketDto) of seed 000; Zendesk has no member there.
MEMBERS: Mapping[str, str] = {"Autotask": "autotaskTicket", "ServiceNow": "serviceNowTicket", "Jira": "jiraTicket"}


class Unclear(Enum):
    """What is shown, but cannot be understood."""

    UNCLEAR = "unclear"


UNCLEAR = Unclear.UNCLEAR

_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Ticket:
    """A service ticket, as far as it is known.

    :param id: the ticketing system's identifier; Autotask's integers as text.
    :param number: the display number.
    :param system: one of :data:`TICKETING_SYSTEMS`.
    """

    id: str | None = None
    number: str | None = None
    system: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called by."""
        return tuple(name for name in (self.id, self.number) if name)

    def completed_by(self, other: Ticket) -> Ticket:
        """This ticket, with what another description of the same one adds."""
        return Ticket(self.id or other.id, self.number or other.number, self.system or other.system)

    def __str__(self) -> str:
        return " / ".join(dict.fromkeys(self.names)) or "a ticket that is not named"


@dataclass(frozen=True)
class Link:
    """What is known of an incident's ticket.

    :param status: C(linked), C(unlinked), C(likely) or C(unknown).
    :param evidence: what that rests on: C(incident), C(comments), C(response) or C(none).
    :param ticket: the ticket that is linked, or likely is.
    """

    status: str
    evidence: str
    ticket: Ticket = Ticket()

    @property
    def is_firm(self) -> bool:
        """Whether the read of the incident itself says so, and names the ticket if there is one."""
        return self.evidence == INCIDENT and (self.status == UNLINKED or bool(self.ticket.names))

    def as_dict(self) -> dict[str, Any]:
        """As results show it."""
        return {
            "link": self.status,
            "evidence": self.evidence,
            "ticket_id": self.ticket.id,
            "ticket_number": self.ticket.number,
            "ticketing_system": self.ticket.system,
        }


def ticket_named(name: str) -> Ticket:
    """A ticket of which only what the user calls it is known (CF-A14).

    :param name: its identifier or its display number.
    """
    return Ticket(id=name) if _is_id(_plain(name)) else Ticket(number=name)


def link_shown(data: Mapping[str, Any]) -> Link | None:
    """The link as the read of an incident shows it, None when it shows nothing, or nothing that is understood (CF-A10).

    :param data: C(data) of the answer.
    """
    shown = [
        (key, _ticket_in(key, place[key]))
        for place in (record_of(data), data)
        for key in (*TICKET_KEYS, *TICKET_ID_KEYS, *TICKET_NUMBER_KEYS)
        if key in place
    ]
    tickets = [ticket for _key, ticket in shown if isinstance(ticket, Ticket)]
    if tickets:
        return Link(LINKED, INCIDENT, reduce(Ticket.completed_by, tickets))
    # A number alone may be missing of a ticket that is there.
    says_none = [key for key, ticket in shown if ticket is None and key not in TICKET_NUMBER_KEYS]
    not_understood = [key for key, ticket in shown if ticket is UNCLEAR]
    return Link(UNLINKED, INCIDENT) if says_none and not not_understood else None


def ticket_shown(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The ticket itself, if the read of an incident shows one (CF-A10).

    :param data: C(data) of the answer.
    """
    values = [place.get(key) for place in (record_of(data), data) for key in TICKET_KEYS]
    return next((dict(value) for value in values if isinstance(value, Mapping)), None)


def link_in_comments(comments: Sequence[Mapping[str, Any]]) -> Link:
    """What the comments make likely: the newest one that was mirrored to a ticket names it (CF-A11).

    :param comments: as the service lists them.
    """
    mirrored = [
        (instant(entry.get("createdTime")) or _LONG_AGO, place, ticket_id)
        for place, entry in enumerate(comments)
        if (ticket_id := _text(entry.get("ticketId")))
    ]
    return Link(LIKELY, COMMENTS, Ticket(id=max(mirrored)[2])) if mirrored else Link(UNKNOWN, NONE)


def ticket_in_answer(ticket: Mapping[str, Any]) -> Ticket:
    """The ticket in a C(ServiceTicketDto): its id and number as texts. Source: seed 000.

    :param ticket: C(data) of the answer of link.
    """
    system = spelled(str(ticket.get("ticketingSystemType") or ""), TICKETING_SYSTEMS)
    keys = [MEMBERS[system]] if system and system in MEMBERS else list(MEMBERS.values())
    members = [ticket[key] for key in keys if isinstance(ticket.get(key), Mapping)]
    member = members[0] if members else {}
    return Ticket(_text(member.get("id")), _text(member.get("number")), system)


def is_same(names: Iterable[str], ticket: Ticket) -> bool | None:
    """Whether a ticket is the one that goes by these names; None when that cannot be told.

    A name may be an id or a display number. Where only the other of the two is known, they cannot be compared (CF-A14).

    :param names: any of which may be the ticket's id or number.
    :param ticket: the one that is shown.
    """
    wanted, shown = {_plain(name) for name in names}, {_plain(name) for name in ticket.names}
    if wanted & shown:
        return True
    both_known = bool(ticket.id and ticket.number)
    comparable = {_is_id(name) for name in wanted} & {_is_id(name) for name in shown}
    return False if both_known or comparable else None


def _ticket_in(key: str, value: Any) -> Ticket | Unclear | None:
    """The ticket that a value shows, None where it says that there is none."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if key in TICKET_KEYS:
        return _ticket_in_object(value) if isinstance(value, Mapping) else UNCLEAR
    name = _text(value)
    # 0 is what a service may write for an integer that is not set.
    if name is None or name == "0":
        return UNCLEAR
    return Ticket(id=name) if key in TICKET_ID_KEYS else Ticket(number=name)


def _ticket_in_object(value: Mapping[str, Any]) -> Ticket | Unclear | None:
    if value.get("isTicketSet") is False:
        return None
    ticket = ticket_in_answer(value).completed_by(Ticket(_text(value.get("id")), _text(value.get("number"))))
    return ticket if ticket.names or value.get("isTicketSet") is True else UNCLEAR


def _text(value: Any) -> str | None:
    """An identifier as text; Autotask's are integers."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def _plain(name: str) -> str:
    return name.strip().lower()


def _is_id(name: str) -> bool:
    return bool(re.fullmatch(TICKET_ID_PATTERN, name))
