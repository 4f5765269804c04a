# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list page after page, and which tickets are taken for the wanted one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing import search
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import Choice, Field
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.goal import goal_for_new, wanted_from
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.search import (
    Found,
    Identity,
    among_newest,
    equivalents,
    listed,
    the_only,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils.ticketing.memory_api import (
    REFERENCE,
    STATUS,
    SUMMARY,
    Fault,
    MemoryTicketing,
    answered,
    field_of,
)

BY_SUMMARY = Identity("soc", "16920", "23640", SUMMARY, text=SUMMARY)
BY_REFERENCE = Identity("soc", "16920", "23640", None, ((field_of(REFERENCE), "SEN-1"),), text="SEN-1")
MINE = {REFERENCE: "SEN-1"}
REQUEST = {"search": "", "sort": "createdAt"}
DONE = {"status_type": "Resolved", "status_category": "Done Category"}


def ids(found: Found) -> list[str]:
    return [str(record["object_id"]) for record in found.matches]


def failure(service: MemoryTicketing, wanted: Identity = BY_SUMMARY, include_done: bool = False) -> ApiError:
    with pytest.raises(ApiError) as caught:
        equivalents(service, wanted, include_done)
    return caught.value


def crowd(service: MemoryTicketing, count: int) -> None:
    for number in range(count):
        service.add(f"{SUMMARY}: customer {number}", {REFERENCE: f"SEN-1{number}"})


# --- pages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("says_end", [True, False])
@pytest.mark.parametrize("page_size, pages", [(1, 5), (2, 3), (4, 2), (5, 1), (100, 1)])
def test_every_row_is_given_once(page_size, pages, says_end):
    service = MemoryTicketing(page_size=page_size, says_end=says_end)
    crowd(service, 5)
    assert [row["object_id"] for row in listed(service, REQUEST)] == list(reversed(service.tickets))
    # A service that does not say that it is over has to show it, with a page without news.
    assert service.count("tickets_page") == (pages if says_end else pages + 1)
    assert {body["top"] for body in service.searches} == {100}
    assert [body["offset"] for body in service.searches] == [
        min(n * page_size, 5) for n in range(len(service.searches))
    ]


def test_no_more_pages_are_read_than_rows_are_asked_for():
    service = MemoryTicketing(page_size=2)
    crowd(service, 5)
    rows = listed(service, REQUEST)
    assert [next(rows)["object_id"], next(rows)["object_id"]] == ["CTC-0058", "CTC-0057"]
    assert service.count("tickets_page") == 1


def test_a_ticket_that_comes_in_between_two_pages_shifts_rows_and_doubles_none():
    service = MemoryTicketing(page_size=2)
    crowd(service, 4)
    service.editor = lambda number, operation: service.add("New", {}) if number == 2 else None
    seen = [row["object_id"] for row in listed(service, REQUEST)]
    assert seen == ["CTC-0057", "CTC-0056", "CTC-0055", "CTC-0054"]


def test_a_service_that_repeats_its_page_comes_to_an_end():
    service = MemoryTicketing(says_end=False)
    crowd(service, 2)
    once = service.tickets_page({"search": "", "top": 100, "offset": 0})
    service.tickets_page = lambda body: once
    assert len(list(listed(service, REQUEST))) == 2


def test_a_page_that_cannot_be_read_says_so():
    service = MemoryTicketing(page_size=2, faults={"tickets_page": [None, Fault(answered(503))]})
    crowd(service, 5)
    with pytest.raises(ApiError) as caught:
        list(listed(service, REQUEST))
    assert caught.value.message.startswith("The list of tickets could not be read. The service is not able to answer")
    assert caught.value.category == "unavailable"


# --- the wanted ticket ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("wanted", [BY_SUMMARY, BY_REFERENCE], ids=["summary", "reference"])
def test_the_ticket_is_found_on_the_second_page(rows, wanted):
    service = MemoryTicketing(rows=rows, page_size=3, says_end=False)
    service.add(SUMMARY, MINE)
    crowd(service, 3)
    found = equivalents(service, wanted, False)
    assert ids(found) == ["CTC-0054"]
    assert found.done == []
    assert found.matches[0]["etag"] == service.tickets["CTC-0054"]["etag"]
    assert service.searches[1]["offset"] == 3


@pytest.mark.parametrize("rows, reads", [("fat", 1), ("thin", 1)])
def test_a_row_that_shows_another_summary_is_not_read(rows, reads):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    crowd(service, 4)
    equivalents(service, BY_SUMMARY, False)
    assert service.count("ticket") == reads


@pytest.mark.parametrize("rows, reads", [("fat", 1), ("thin", 5)])
def test_a_row_without_data_is_read(rows, reads):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    crowd(service, 4)
    assert ids(equivalents(service, BY_REFERENCE, False)) == ["CTC-0054"]
    assert service.count("ticket") == reads


def test_what_is_asked_for():
    service = MemoryTicketing()
    equivalents(service, BY_SUMMARY, False)
    equivalents(service, BY_REFERENCE, True)
    common = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": [], "top": 100, "offset": 0}
    assert service.searches == [{"search": SUMMARY, **common}, {"search": "SEN-1", **common}]


def test_the_first_entry_of_unique_by_is_searched_for():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    wanted = wanted_from(
        {
            "team_id": "soc",
            "offer_id": "23640",
            "summary": SUMMARY,
            "fields": {"Incident Reference": "SEN-1"},
            "unique_by": ["Incident Reference", "summary"],
        }
    )
    identity = goal_for_new(service, wanted).identity
    assert identity is not None
    assert identity.text == "SEN-1"


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize(
    "change",
    [
        {"summary": SUMMARY.upper()},
        {"summary": SUMMARY + "."},
        {"summary": None},
        {"item_type": "16910"},
        {"team": "james"},
        {"offer": "23641"},
        {"deleted_seq": 4},
        {"reference": "SEN-2"},
        {"reference": None},
    ],
    ids=repr,
)
def test_a_ticket_that_is_another_one(rows, change):
    service = MemoryTicketing(rows=rows)
    wanted = replace(BY_SUMMARY, values=BY_REFERENCE.values)
    data = {REFERENCE: change.get("reference", "SEN-1"), "offerId": change.get("offer", "23640")}
    service.add(SUMMARY, data, team=change.get("team", "soc"), item_type=change.get("item_type", "16920"))
    service.tickets["CTC-0054"].update({name: change[name] for name in ("summary", "deleted_seq") if name in change})
    service.searched = "all"
    service._is_found = lambda record, text: True
    assert equivalents(service, wanted, True) == Found()


@pytest.mark.parametrize("text", [SUMMARY, f" {SUMMARY}\n"], ids=["same", "white space at the ends"])
def test_a_ticket_that_is_the_wanted_one(text):
    service = MemoryTicketing()
    service.add(text, {**MINE, "offerId": 23640})
    assert ids(equivalents(service, BY_SUMMARY, False)) == ["CTC-0054"]


def test_all_that_match_are_given_and_the_only_one_is_none_of_them():
    service = MemoryTicketing(page_size=1)
    for _number in range(2):
        service.add(SUMMARY, MINE)
    found = equivalents(service, BY_SUMMARY, False)
    assert ids(found) == ["CTC-0055", "CTC-0054"]
    with pytest.raises(ApiError) as caught:
        the_only(found.matches, "ticket 'a'")
    assert caught.value.category == "ambiguous_match"
    assert caught.value.message.startswith("Ticket 'a': 2 match, CTC-0054, CTC-0055. Name one by object_id")


def test_the_only_one():
    assert the_only([{"object_id": "a"}], "it") == {"object_id": "a"}
    assert the_only([], "it") is None


# --- closed tickets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_does_not_count_and_is_named(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, **DONE)
    found = equivalents(service, BY_SUMMARY, False)
    assert (ids(found), found.done) == ([], ["CTC-0054"])
    # What the row says of it is not enough, as it may have been opened again since.
    assert service.count("ticket") == 1


@pytest.mark.parametrize("rows, include_done, reads", [("fat", False, 3), ("fat", True, 5), ("thin", False, 5)])
def test_of_many_done_tickets_not_all_are_read(monkeypatch, rows, include_done, reads):
    monkeypatch.setattr(search, "MOST_DONE_READS", 3)
    service = MemoryTicketing(rows=rows)
    for _number in range(5):
        service.add(SUMMARY, MINE, **DONE)
    found = equivalents(service, BY_SUMMARY, include_done)
    assert [*ids(found), *found.done] == ["CTC-0058", "CTC-0057", "CTC-0056", "CTC-0055", "CTC-0054"]
    assert bool(found.done) != include_done
    assert service.count("ticket") == reads


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_counts_if_asked_for(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, **DONE)
    found = equivalents(service, BY_SUMMARY, True)
    assert (ids(found), found.done) == (["CTC-0054"], [])


#: A status whose options have an id, a value and a label.
STATUSES = Field(
    STATUS,
    "status",
    "Status",
    "select",
    choices=(Choice("r", ("r", "7", "Resolved")), Choice("c", ("c", "8", "Closed"))),
)


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
@pytest.mark.parametrize(
    "kind, value, stored, is_wanted",
    [
        (field_of(STATUS), "Resolved", "Resolved", True),
        (field_of(STATUS), "Resolved", None, False),
        (field_of(STATUS), "Open", "Open", False),
        # The ticket shows the label, and stores the value.
        (STATUSES, "r", "r", True),
        (STATUSES, "r", "RESOLVED", True),
        (STATUSES, "c", "c", False),
        # Its own field says another one than its status.
        (STATUSES, "r", "c", False),
        (Field("f9", "", "State", "workflow"), "resolved", "Open", True),
        (Field("f9", "", "State", "workflow"), "closed", "closed", False),
    ],
)
def test_a_done_ticket_counts_if_it_is_to_be_done(rows, kind, value, stored, is_wanted):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, **DONE)["data"][STATUS] = stored
    found = equivalents(service, replace(BY_SUMMARY, selected=((kind, value),)), False)
    assert (ids(found), found.done) == ((["CTC-0054"], []) if is_wanted else ([], ["CTC-0054"]))


@pytest.mark.parametrize(
    "category, is_passed_over", [("Done Category", True), ("To-do Category", False), (None, False)]
)
def test_only_a_done_ticket_is_passed_over(category, is_passed_over):
    record = {"status_category": category, "status_type": "Resolved"}
    assert BY_SUMMARY.passes_over(record) is is_passed_over
    # A row that does not show its fields is judged by its status.
    assert not replace(BY_SUMMARY, selected=((STATUSES, "r"),)).passes_over(record)


def test_a_done_ticket_without_a_status_is_passed_over():
    record = {"status_category": "Done Category", "status_type": None}
    assert replace(BY_SUMMARY, selected=((STATUSES, "r"),)).passes_over(record)


@pytest.mark.parametrize("change", [{"team": "james"}, {"item_type": "16910"}, {"summary": "Another"}], ids=repr)
def test_a_done_ticket_that_is_another_one_is_not_named(change):
    service = MemoryTicketing(rows="thin")
    service.add(SUMMARY, MINE, team=change.get("team", "soc"), item_type=change.get("item_type", "16920"), **DONE)
    service.tickets["CTC-0054"]["summary"] = change.get("summary", SUMMARY)
    service._is_found = lambda record, text: True
    assert equivalents(service, BY_SUMMARY, False) == Found()


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
def test_a_done_ticket_of_another_team_is_not_named(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, team="james", **DONE)
    assert equivalents(service, BY_SUMMARY, False).done == []


def test_a_ticket_that_was_opened_again_is_found_although_its_row_still_says_done():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), **DONE}
    assert ids(equivalents(service, BY_SUMMARY, False)) == ["CTC-0054"]


# --- tickets that hide what they are, or were moved -----------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_ticket_that_hides_where_it_belongs_is_not_guessed(rows):
    service = MemoryTicketing(rows=rows, shows_place=False)
    service.add(SUMMARY, MINE)
    error = failure(service)
    assert error.category == "contract"
    assert error.message == (
        "Ticket CTC-0054 may be the one that is wanted, but does not show its team_id, item_type_id. Name it by "
        "object_id."
    )


def test_a_ticket_that_hides_its_offer_is_not_guessed():
    service = MemoryTicketing()
    del service.add(SUMMARY, MINE)["data"]["offerId"]
    assert "does not show its offer_id. " in failure(service).message


def test_what_is_hidden_does_not_matter_of_another_ticket():
    service = MemoryTicketing(shows_place=False, rows="thin")
    service.add(SUMMARY, {REFERENCE: "SEN-1 and more"})
    assert equivalents(service, BY_REFERENCE, False) == Found()


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_ticket_that_was_moved_is_not_guessed(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, team="network", moved_to="Network team")
    error = failure(service)
    assert error.category == "ambiguous_match"
    assert error.message == (
        "Ticket CTC-0054 is the one that is wanted, but was moved to team network. Name it by object_id, or give that "
        "team."
    )
    wanted = replace(BY_SUMMARY, team_id="network")
    assert ids(equivalents(service, wanted, False)) == ["CTC-0054"]


def test_a_ticket_that_was_moved_back_is_the_wanted_one():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE, moved_to="soc")
    assert ids(equivalents(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_that_was_moved_stops_nothing(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, team="network", moved_to="Network team", **DONE)
    assert equivalents(service, BY_SUMMARY, False) == Found()


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_that_hides_where_it_belongs_stops_nothing(rows):
    service = MemoryTicketing(rows=rows, shows_place=False)
    service.add(SUMMARY, MINE, **DONE)
    assert equivalents(service, BY_SUMMARY, False) == Found([], ["CTC-0054"])


# --- what a row shows -----------------------------------------------------------------------------------------------

LONG = "Sentinel incident 7c2a1e8f: <script> seen on SRV-DC02, 50 % of CPU"


@pytest.mark.parametrize(
    "shown",
    [
        LONG,
        f" {LONG}\n",
        "<em>Sentinel</em> <em>incident</em> 7c2a1e8f: <script> seen on SRV-DC02, 50 % of CPU",
        "Sentinel incident 7c2a1e8f:  seen on SRV-DC02, 50 % of CPU",
        "Sentinel incident 7c2...",
        "Sentinel incident \u2026",
        "<mark>Sentinel</mark> incident ...",
        "...",
        None,
        7,
    ],
    ids=repr,
)
def test_a_row_whose_summary_may_be_the_wanted_one_is_read(shown):
    service = MemoryTicketing()
    service.add(LONG, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), "summary": shown}
    assert ids(equivalents(service, replace(BY_SUMMARY, summary=LONG, text="Sentinel"), False)) == ["CTC-0054"]


@pytest.mark.parametrize(
    "shown",
    [
        "Sentinel incident 7c2a1e8f",
        "Sentinel incident 8...",
        "sentinel incident 7c2...",
        f"{LONG} and more",
        f"{LONG} and more...",
        "<em>Sentinel</em> incident 7c2a1e8f: another",
        "",
    ],
    ids=repr,
)
def test_a_row_whose_summary_cannot_be_the_wanted_one_is_not_read(shown):
    service = MemoryTicketing()
    service.add(LONG, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), "summary": shown}
    assert equivalents(service, replace(BY_SUMMARY, summary=LONG, text="Sentinel"), False) == Found()
    assert service.count("ticket") == 0


@pytest.mark.parametrize("rows", ["marked", "cut", "ids"])
@pytest.mark.parametrize("look", [equivalents, among_newest])
def test_a_ticket_that_only_looks_alike_in_its_row_is_another_one(look, rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    service.add(f"<em>{SUMMARY}</em>", MINE)
    service.add(f"{SUMMARY} ...", MINE)
    assert ids(look(service, BY_SUMMARY, False)) == ["CTC-0054"]


def test_a_row_without_the_field_that_counts_is_read():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), "data": {"offerId": 23640}}
    assert ids(equivalents(service, BY_REFERENCE, False)) == ["CTC-0054"]


# --- the newest, where the search finds none ------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
@pytest.mark.parametrize("wanted", [BY_SUMMARY, BY_REFERENCE], ids=["summary", "reference"])
def test_a_ticket_that_the_search_does_not_show_yet_is_among_the_newest(rows, wanted):
    service = MemoryTicketing(rows=rows, search_lag=60)
    service.add(SUMMARY, MINE)
    crowd(service, 2)
    service.hide_as_new("CTC-0054")
    assert equivalents(service, wanted, False) == Found()
    assert ids(among_newest(service, wanted, False)) == ["CTC-0054"]
    order = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}
    assert service.searches[-1] == {**order, "top": 100, "offset": 0}


@pytest.mark.parametrize("page_size", [1, 3, 100])
@pytest.mark.parametrize("others, is_found", [(4, True), (5, False)])
def test_only_so_many_of_the_newest_are_looked_at(monkeypatch, others, is_found, page_size):
    monkeypatch.setattr(search, "LARGEST_PAGE", 5)
    service = MemoryTicketing(page_size=page_size)
    service.add(SUMMARY, MINE)
    crowd(service, others)
    assert ids(among_newest(service, BY_SUMMARY, False)) == (["CTC-0054"] if is_found else [])
    assert service.count("ticket") == int(is_found)


@pytest.mark.parametrize("others, is_found", [(2, True), (3, False)])
def test_only_so_many_of_the_newest_are_read(monkeypatch, others, is_found):
    monkeypatch.setattr(search, "MOST_NEWEST_READS", 3)
    service = MemoryTicketing(rows="ids")
    service.add(SUMMARY, MINE)
    crowd(service, others)
    assert ids(among_newest(service, BY_REFERENCE, False)) == (["CTC-0054"] if is_found else [])
    assert service.count("ticket") == 3


def test_those_of_the_newest_that_are_others_by_their_rows_are_not_counted(monkeypatch):
    monkeypatch.setattr(search, "MOST_NEWEST_READS", 1)
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    crowd(service, 9)
    assert ids(among_newest(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("include_done", [False, True])
def test_a_done_one_among_the_newest_is_named(include_done):
    service = MemoryTicketing(rows="thin")
    service.add(SUMMARY, MINE, **DONE)
    service.add(SUMMARY, MINE, team="james")
    found = among_newest(service, BY_SUMMARY, include_done)
    assert (ids(found), found.done) == ((["CTC-0054"], []) if include_done else ([], ["CTC-0054"]))


def test_one_of_the_newest_that_the_account_may_not_read_is_passed_over():
    """They are anybody's, and it is not what this account created."""
    service = MemoryTicketing(faults={"ticket": [Fault(answered(403))]}, rows="ids")
    service.add(SUMMARY, MINE)
    service.add("Another", {})
    assert ids(among_newest(service, BY_SUMMARY, False)) == ["CTC-0054"]
    assert service.count("ticket") == 2


def test_one_of_the_newest_that_hides_where_it_belongs_stops_the_search():
    service = MemoryTicketing(shows_place=False)
    service.add(SUMMARY, MINE)
    with pytest.raises(ApiError, match="does not show its team_id"):
        among_newest(service, BY_SUMMARY, False)


@pytest.mark.parametrize(
    "error",
    # A ticket that was created a moment ago may be listed, and not be there yet.
    [answered(404, html=True), answered(401), answered(503), answered(404, text="Tenant not found")],
    ids=["404", "401", "503", "tenant"],
)
def test_one_of_the_newest_that_is_not_there_yet_stops_the_search(error):
    service = MemoryTicketing(faults={"ticket": [Fault(error)]}, rows="ids")
    service.add("Another", {})
    with pytest.raises(ApiError, match=r"^The list names ticket CTC-0054, but it could not be read, so it may be the"):
        among_newest(service, BY_SUMMARY, False)


# --- bounds and failures --------------------------------------------------------------------------------------------


def test_a_candidate_that_cannot_be_read_stops_the_search():
    service = MemoryTicketing(faults={"ticket": [Fault(answered(404, html=True))]})
    service.add(SUMMARY, MINE)
    error = failure(service)
    assert error.category == "not_found"
    assert error.message.startswith(
        "The list names ticket CTC-0054, but it could not be read, so it may be the one. It was not found (HTTP 404)"
    )


@pytest.mark.parametrize("spare, is_too_much", [(0, False), (-1, True)])
def test_no_more_rows_than_the_bound_are_looked_through(monkeypatch, spare, is_too_much):
    service = MemoryTicketing(page_size=3)
    service.add(SUMMARY, MINE)
    crowd(service, 7)
    monkeypatch.setattr(search, "MOST_ROWS", 8 + spare)
    if is_too_much:
        error = failure(service)
        assert error.category == "ambiguous_match"
        assert error.message.startswith(f"The search for {SUMMARY!r} brings more tickets than can be looked through")
    else:
        assert ids(equivalents(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("most, is_too_much", [(8, False), (7, True)])
def test_no_more_tickets_than_the_bound_are_read(monkeypatch, most, is_too_much):
    service = MemoryTicketing(rows="thin")
    service.add(SUMMARY, MINE)
    crowd(service, 7)
    monkeypatch.setattr(search, "MOST_READS", most)
    if is_too_much:
        assert failure(service, BY_REFERENCE).category == "ambiguous_match"
        assert service.count("ticket") == most
    else:
        assert ids(equivalents(service, BY_REFERENCE, False)) == ["CTC-0054"]


def test_the_bounds_hold_without_a_change():
    assert (search.MOST_ROWS, search.MOST_READS) == (2000, 100)
    assert (search.MOST_DONE_READS, search.MOST_NEWEST_READS, search.LARGEST_PAGE) == (20, 20, 100)


def test_a_row_with_nothing_but_its_id_is_read():
    service = MemoryTicketing(rows="ids")
    record: dict[str, Any] = service.add(SUMMARY, MINE)
    assert equivalents(service, BY_REFERENCE, False).matches[0]["etag"] == record["etag"]
