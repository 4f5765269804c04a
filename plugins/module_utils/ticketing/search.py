# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of tickets, page after page, and the search for a ticket that is there already."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Iterator, Mapping, Protocol, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import Field
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import (
    data_of,
    home_of,
    is_deleted,
    is_done,
    object_id_of,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.schemas import LARGEST_PAGE
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.values import is_same

#: Bounds of a search: rows that are looked through, and tickets that are read in full.
MOST_ROWS = 2000
MOST_READS = 100

#: Of these, closed tickets that are read although their row says that they are closed; the rest is believed.
MOST_DONE_READS = 20

#: How many of the newest tickets are read when the search finds none.
MOST_NEWEST_READS = 20

#: The request of every list, but for what is searched for.
NEWEST_FIRST: Mapping[str, Any] = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}

Record = Mapping[str, Any]


class Page(Protocol):
    """A page of the list."""

    @property
    def rows(self) -> Sequence[Record]:
        """Tickets, which may lack anything but their display id."""

    @property
    def is_last(self) -> bool | None:
        """Whether the service says that there are no more; None if it does not say."""


class Api(Protocol):
    """What a search needs of the API."""

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """A page of the list of tickets."""

    def ticket(self, object_id: str) -> Record:
        """Read a ticket."""


@dataclass(frozen=True)
class Identity:
    """What makes a ticket the one that is wanted.

    :param team_id: the team's slug.
    :param item_type_id: the ticket type.
    :param offer_id: the offer.
    :param summary: None where the summary does not count.
    :param values: fields that count, each with its value.
    :param selected: fields with options, each with the value that it is to have. A ticket whose status is one of them
        is closed because it is asked to be, and must be found again.
    :param text: what is searched for.
    :param title: the summary of a new ticket, whether it counts or not.
    """

    team_id: str
    item_type_id: str
    offer_id: str
    summary: str | None
    values: Sequence[tuple[Field, Any]] = ()
    selected: Sequence[tuple[Field, Any]] = ()
    text: str = ""
    title: str = ""

    def passes_over(self, record: Record) -> bool:
        """Whether a ticket is closed, without having been asked to be.

        :param record: a ticket, or a row of the list, which may not show its fields.
        """
        if not is_done(record):
            return False
        status, data = str(record.get("status_type") or "").casefold(), data_of(record)
        return not any(
            status in _spellings(kind, value) and is_same(kind, data.get(kind.id, value), value)
            for kind, value in self.selected
        )

    @property
    def home(self) -> dict[str, str]:
        """Where the ticket belongs."""
        return {"team_id": self.team_id, "item_type_id": self.item_type_id, "offer_id": self.offer_id}


@dataclass
class Found:
    """What a search found.

    :param matches: open tickets with the identity, as they were read.
    :param done: display ids of those that are closed, where closed ones do not count.
    """

    matches: list[Record] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


def listed(api: Api, request: Mapping[str, Any]) -> Iterator[Record]:
    """The rows of the list, page after page, each once although pages may shift while tickets come in.

    :param api: the ticketing API.
    :param request: the list's request without C(top) and C(offset).
    :raises ApiError: when a page cannot be read.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        try:
            page = api.tickets_page({**request, "top": LARGEST_PAGE, "offset": offset})
        except ApiError as failure:
            raise failure.retold(f"The list of tickets could not be read. {failure}") from None
        news = [row for row in page.rows if object_id_of(row) not in seen]
        seen.update(object_id_of(row) or "" for row in news)
        yield from news
        offset += len(page.rows)
        # A page that is not full may still not be the last one: only one without anything new is.
        if page.is_last or not news:
            return


def equivalents(api: Api, wanted: Identity, include_done: bool) -> Found:
    """The tickets that are what is wanted, by what they hold and not by what the search makes of it.

    :param api: the ticketing API.
    :param wanted: the identity.
    :param include_done: whether closed tickets count.
    :raises ApiError: C(ambiguous_match) when there is too much to look through, or a ticket was moved to another team;
        C(contract) when a ticket does not show what it is; and whatever reading raises.
    """
    found = Found()
    reads = 0
    for number, row in enumerate(listed(api, {**NEWEST_FIRST, "search": wanted.text}), 1):
        if number > MOST_ROWS or reads >= MOST_READS:
            raise _too_much(wanted)
        if _is_another(row, wanted):
            continue
        # A row may be late to say that a ticket was reopened, but of many closed ones not all can be read.
        if wanted.passes_over(row) and not include_done and len(found.done) >= MOST_DONE_READS:
            found.done.append(object_id_of(row) or "")
            continue
        reads += 1
        _judge(api, row, wanted, include_done, found)
    return found


def among_newest(api: Api, wanted: Identity, include_done: bool) -> Found:
    """The tickets among the newest that are what is wanted, for when the search finds none.

    What was created a moment ago may not be in the index of the search yet, and a summary may hold what the search
    takes for an operator. A list without a search needs neither.

    :param api: the ticketing API.
    :param wanted: the identity.
    :param include_done: whether closed tickets count.
    :raises ApiError: as :func:`equivalents` does.
    """
    found = Found()
    alike = (row for row in islice(listed(api, NEWEST_FIRST), LARGEST_PAGE) if not _is_another(row, wanted))
    # Where the rows do not show what counts, the newest of the newest are read.
    for row in islice(alike, MOST_NEWEST_READS):
        try:
            _judge(api, row, wanted, include_done, found)
        except ApiError as failure:
            # These are anybody's tickets, and what the account may not read it has not created. One that is not there
            # yet may be the wanted one, if its summary does not say otherwise.
            shown = row.get("summary")
            is_other = isinstance(shown, str) and not _may_be_summary(shown, wanted.title)
            if failure.http_status != 403 and not (failure.http_status == 404 and is_other):
                raise
    return found


def _judge(api: Api, row: Record, wanted: Identity, include_done: bool, found: Found) -> None:
    """Add the ticket of a row if it is the wanted one. What a list shows may lag, so the ticket itself decides."""
    record = _read(api, object_id_of(row) or "")
    if not _has_identity(record, wanted):
        return
    if wanted.passes_over(record) and not include_done:
        if home_of(record)["team_id"] in (None, wanted.team_id):
            found.done.append(str(record["object_id"]))
    elif _is_at_home(record, wanted):
        found.matches.append(record)


def _read(api: Api, object_id: str) -> Record:
    try:
        return api.ticket(object_id)
    except ApiError as failure:
        raise failure.retold(
            f"The list names ticket {object_id}, but it could not be read, so it may be the one. {failure}"
        ) from None


def _is_another(row: Record, wanted: Identity) -> bool:
    """Whether what a row shows proves that it is another ticket. Its team does not: it may have been moved."""
    home = home_of(row)
    if is_deleted(row) or any(home[name] not in (None, wanted.home[name]) for name in ("item_type_id", "offer_id")):
        return True
    summary = row.get("summary")
    if wanted.summary is not None and isinstance(summary, str) and not _may_be_summary(summary, wanted.summary):
        return True
    data = data_of(row)
    return any(kind.id in data and not is_same(kind, data[kind.id], value) for kind, value in wanted.values)


def _may_be_summary(shown: str, summary: str) -> bool:
    """Whether a row's summary may be that of a ticket: rows may mark what was searched for, and cut what is long."""
    plain, whole = _plain(shown), _plain(summary)
    start = re.sub(r"(\.\.\.|\u2026)$", "", plain)
    return plain == whole or (start != plain and whole.startswith(start.rstrip()))


def _plain(text: str) -> str:
    """A text without markup, and with every run of white space as one blank."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", text)).split())


def _has_identity(record: Record, wanted: Identity) -> bool:
    """Whether a ticket that was read in full is the wanted one, wherever it is."""
    if is_deleted(record) or _is_another(record, wanted):
        return False
    if wanted.summary is not None and str(record.get("summary") or "").strip() != wanted.summary.strip():
        return False
    return all(is_same(kind, data_of(record).get(kind.id), value) for kind, value in wanted.values)


def _is_at_home(record: Record, wanted: Identity) -> bool:
    """Whether a ticket belongs to the wanted team, ticket type and offer.

    :raises ApiError: when it does not show it, or was moved to another team.
    """
    home = home_of(record)
    hidden = [name for name in home if home[name] is None]
    if hidden:
        raise ApiError(
            f"Ticket {record['object_id']} may be the one that is wanted, but does not show its {', '.join(hidden)}. "
            "Name it by object_id.",
            "contract",
        )
    if home["team_id"] == wanted.team_id:
        return True
    if record.get("moved_to"):
        raise ApiError(
            f"Ticket {record['object_id']} is the one that is wanted, but was moved to team {home['team_id']}. Name it "
            "by object_id, or give that team.",
            "ambiguous_match",
        )
    return False


def _spellings(kind: Field, value: Any) -> set[str]:
    """What a value of a field with options may be called, in small letters."""
    known = [word for choice in kind.choices if str(choice.value) == str(value) for word in choice.spellings]
    return {word.casefold() for word in [*known, str(value)]}


def the_only(matches: Sequence[Record], thing: str) -> Record | None:
    """The one ticket among the matches, or None if there is none.

    :param matches: what a search found.
    :param thing: what was looked for, for the message.
    :raises ApiError: C(ambiguous_match) for more than one; it names them.
    """
    if len(matches) > 1:
        ids = ", ".join(sorted(str(record["object_id"]) for record in matches))
        raise ApiError(
            f"{thing[:1].upper()}{thing[1:]}: {len(matches)} match, {ids}. Name one by object_id, or choose "
            "unique_by so that there is only one.",
            "ambiguous_match",
        )
    return matches[0] if matches else None


def _too_much(wanted: Identity) -> ApiError:
    return ApiError(
        f"The search for {wanted.text!r} brings more tickets than can be looked through, so it is not known whether "
        "the one that is wanted is there. Choose unique_by so that its first entry is rare, such as a field with a "
        "reference.",
        "ambiguous_match",
    )
