# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Search for an existing ticket. A search only returns candidates; reading a ticket decides whether it matches."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Record, RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    is_deleted,
    location_of,
    object_id_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.schemas import MAX_PAGE_SIZE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import is_other_title
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_list import (
    NEWEST_FIRST,
    list_tickets,
    row_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import (
    Identity,
    belongs_to_another_team,
    has_identity,
    is_in_wanted_location,
    match_rank,
    shows_another_ticket,
    shows_fields,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import ReadBudget

#: Limits of a search: rows to check, and tickets to read in full.
MAX_ROWS = 2000
MAX_READS = 100

#: Maximum number of reads of tickets whose rows are closed. Further closed tickets are not read.
MAX_DONE_READS = 20

#: Maximum number of the newest tickets to read if the search finds none.
MAX_NEWEST_READS = 20

#: Categories of failures that may affect a single ticket, so that its row may be used instead.
SINGLE_TICKET_FAILURES = frozenset({"unavailable", "permission", "not_found", "contract"})


@dataclass
class SearchResult:
    """The tickets that a search found.

    :param matches: tickets with the identity, as read.
    :param done: display ids of closed tickets with the identity, if the task does not accept closed ones.
    :param similar: tickets with the identity in another spelling, as read.
    """

    matches: list[Record] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    similar: list[Record] = field(default_factory=list)


def find_matches(
    api: RezolveApi, wanted: Identity, include_done: bool, budget: ReadBudget | None = None
) -> SearchResult:
    """Search for the wanted ticket, and return the tickets that match.

    :param api: the ticketing API.
    :param wanted: the identity.
    :param include_done: whether closed tickets are accepted.
    :param budget: limits the number of tickets that are read.
    :raises ApiError: category ``ambiguous_match`` if there are too many results, or a ticket was moved to another team;
        ``contract`` if a ticket does not show its identity; and any error of a request.
    """
    found, budget = SearchResult(), budget or ReadBudget(set(), MAX_READS)
    rows, is_complete = _candidates(api, wanted, wanted.text, budget)
    if wanted.full_text not in ("", wanted.text) and (not is_complete or len(rows) > budget.remaining):
        # A service that requires all words to match returns fewer rows.
        narrower, is_narrower_complete = _candidates(api, wanted, wanted.full_text, budget)
        if is_narrower_complete and (not is_complete or len(narrower) < len(rows)):
            rows, is_complete = narrower, True
    for row in rows:
        # A row may be older than a reopened ticket, but there may be too many closed tickets to read.
        if wanted.counts_as_done(row) and not include_done and len(found.done) >= MAX_DONE_READS:
            found.done.append(object_id_of(row) or "a ticket without a display id")
            continue
        if found.matches and budget.remaining < 1:
            # A match is enough: nothing will be created.
            break
        _read_and_judge(api, row, wanted, include_done, found, budget)
    if not is_complete and not found.matches:
        raise _too_many_results(wanted)
    return found


def _candidates(api: RezolveApi, wanted: Identity, text: str, budget: ReadBudget) -> tuple[list[Record], bool]:
    """Return the rows of a search that may be the wanted ticket, likely ones first, and True if these are all."""
    rows = list(islice(list_tickets(api, {**NEWEST_FIRST, "search": text}), MAX_ROWS + 1))
    left = (
        row for row in rows[:MAX_ROWS] if row_key(row) not in budget.rejected and not shows_another_ticket(row, wanted)
    )
    return sorted(left, key=lambda row: match_rank(row, wanted)), len(rows) <= MAX_ROWS


def find_among_newest(
    api: RezolveApi, wanted: Identity, include_done: bool, budget: ReadBudget | None = None
) -> SearchResult:
    """Return the newest tickets that match. Used if the search finds none.

    The search index may not contain a new ticket yet, and a summary may contain a search operator. A list without a
    search text avoids both problems.

    :param api: the ticketing API.
    :param wanted: the identity.
    :param include_done: whether closed tickets are accepted.
    :param budget: limits the number of tickets that are read.
    :raises ApiError: as :func:`find_matches` does.
    """
    found, budget = SearchResult(), budget or ReadBudget(set(), MAX_READS)
    newest = islice(list_tickets(api, NEWEST_FIRST), MAX_PAGE_SIZE)
    candidates = (
        row for row in newest if row_key(row) not in budget.rejected and not shows_another_ticket(row, wanted)
    )
    # Rows that do not show the identity remain candidates, so limit the reads.
    for row in islice(candidates, MAX_NEWEST_READS):
        _read_and_judge(api, row, wanted, include_done, found, budget, is_newest=True)
    return found


def _read_and_judge(
    api: RezolveApi,
    row: Record,
    wanted: Identity,
    include_done: bool,
    found: SearchResult,
    budget: ReadBudget,
    *,
    is_newest: bool = False,
) -> None:
    """Read the ticket of a row, and add it to the result if it matches.

    :raises ApiError: category ``ambiguous_match`` if the budget is exhausted.
    """
    if budget.remaining < 1:
        raise _too_many_results(wanted)
    budget.remaining -= 1
    before = len(found.matches)
    _judge(api, row, wanted, include_done, found, is_newest=is_newest)
    if len(found.matches) == before:
        budget.rejected.add(row_key(row))


def _judge(
    api: RezolveApi, row: Record, wanted: Identity, include_done: bool, found: SearchResult, *, is_newest: bool = False
) -> None:
    """Add the ticket of a row to the result if it matches, as decided by the ticket because its row may be outdated.

    If the ticket cannot be read, its row may prove that it is another one. Among the newest tickets, the wanted one was
    just created by this account, with the task's summary.
    """
    try:
        record = _read(api, row)
    except ApiError as failure:
        if failure.category in SINGLE_TICKET_FAILURES and belongs_to_another_team(row, wanted):
            return
        if failure.category == "not_found" and is_deleted(row):
            return
        has_other_title = failure.is_of_one_record and is_other_title(row.get("summary"), wanted.title)
        if is_newest and (failure.http_status == 403 or has_other_title):
            return
        raise
    if not has_identity(record, wanted):
        _judge_respelled(record, wanted, include_done, found)
        return
    if is_newest and not shows_fields(record) and is_other_title(record.get("summary"), wanted.title):
        return
    if wanted.counts_as_done(record) and not include_done:
        if location_of(record)["team_id"] in (None, wanted.team_id):
            found.done.append(str(record["object_id"]))
    elif is_in_wanted_location(record, wanted):
        found.matches.append(record)


def _judge_respelled(record: Record, wanted: Identity, include_done: bool, found: SearchResult) -> None:
    """Add a ticket to the result if it has the identity in another spelling."""
    may_be_in_team = location_of(record)["team_id"] in (None, wanted.team_id) or bool(record.get("moved_to"))
    if not may_be_in_team or not has_identity(record, wanted, in_any_spelling=True):
        return
    if wanted.counts_as_done(record) and not include_done:
        found.done.append(str(record["object_id"]))
    else:
        found.similar.append(record)


def _read(api: RezolveApi, row: Record) -> Record:
    object_id = object_id_of(row)
    if object_id is None:
        raise ApiError(
            f"The list contains a ticket without a display id, {row.get('summary')!r}, which cannot be read and may be "
            "the requested one. Find the ticket in the portal and set object_id.",
            "contract",
        )
    try:
        return api.ticket(object_id)
    except ApiError as failure:
        raise failure.with_message(
            f"Ticket {object_id} is listed but could not be read, so it may be the requested one. {failure}"
        ) from None


def _too_many_results(wanted: Identity) -> ApiError:
    return ApiError(
        f"The search for {wanted.text!r} returns more tickets than can be checked, so it is not known whether the "
        "requested one exists. Choose a field with a rare value, such as a reference, as the first entry of unique_by, "
        "or set object_id.",
        "ambiguous_match",
    )
