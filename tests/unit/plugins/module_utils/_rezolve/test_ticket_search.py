# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tickets are taken for the wanted one."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import ticket_list, ticket_search
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Choice, Field
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options, resolve_new
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import search_text
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_list import list_tickets
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import Identity
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_search import (
    SearchResult,
    find_among_newest,
    find_matches,
    prefer_exact,
    single_match,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    REFERENCE,
    STATUS,
    SUMMARY,
    Fault,
    MemoryTicketing,
    answered,
    crowd,
    field_of,
    keep,
    task,
)

BY_SUMMARY = Identity("soc", "16920", "23640", SUMMARY, text=SUMMARY)
BY_REFERENCE = Identity("soc", "16920", "23640", None, ((field_of(REFERENCE), "SEN-1"),), text="SEN-1")
MINE = {REFERENCE: "SEN-1"}
REQUEST = {"search": "", "sort": "createdAt"}
DONE = {"status_type": "Resolved", "status_category": "Done Category"}


def ids(found: SearchResult) -> list[str]:
    return [str(record["object_id"]) for record in found.matches]


def failure(service: MemoryTicketing, wanted: Identity = BY_SUMMARY, include_done: bool = False) -> ApiError:
    with pytest.raises(ApiError) as caught:
        find_matches(service, wanted, include_done)
    return caught.value


# --- the wanted ticket ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("wanted", [BY_SUMMARY, BY_REFERENCE], ids=["summary", "reference"])
def test_the_ticket_is_found_on_the_second_page(rows, wanted):
    service = MemoryTicketing(rows=rows, page_size=3, says_end=False)
    service.add(SUMMARY, MINE)
    crowd(service, 3)
    found = find_matches(service, wanted, False)
    assert ids(found) == ["CTC-0054"]
    assert found.done == []
    assert found.matches[0]["etag"] == service.tickets["CTC-0054"]["etag"]
    assert service.searches[1]["offset"] == 2


@pytest.mark.parametrize("rows, reads", [("fat", 1), ("thin", 1)])
def test_a_row_that_shows_another_summary_is_not_read(rows, reads):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    crowd(service, 4)
    find_matches(service, BY_SUMMARY, False)
    assert service.count("ticket") == reads


@pytest.mark.parametrize("rows, reads", [("fat", 1), ("thin", 5)])
def test_a_row_without_data_is_read(rows, reads):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    crowd(service, 4)
    assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]
    assert service.count("ticket") == reads


def test_what_is_asked_for():
    service = MemoryTicketing()
    find_matches(service, BY_SUMMARY, False)
    find_matches(service, BY_REFERENCE, True)
    common = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": [], "top": 100, "offset": 0}
    assert service.searches == [{"search": SUMMARY, **common}, {"search": "SEN-1", **common}]


def test_the_first_entry_of_unique_by_is_searched_for():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    wanted = parse_options(
        {
            "team_id": "soc",
            "offer_id": "23640",
            "summary": SUMMARY,
            "fields": {"Incident Reference": "SEN-1"},
            "unique_by": ["Incident Reference", "summary"],
        }
    )
    identity = resolve_new(service, wanted).identity
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
    found = find_matches(service, wanted, True)
    assert (found.matches, found.done) == ([], [])
    assert [record["summary"] for record in found.similar] == [
        text for text in [change.get("summary")] if text == SUMMARY.upper()
    ]


@pytest.mark.parametrize("text", [SUMMARY, f" {SUMMARY}\n"], ids=["same", "white space at the ends"])
def test_a_ticket_that_is_the_wanted_one(text):
    service = MemoryTicketing()
    service.add(text, {**MINE, "offerId": 23640})
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


#: What is sent, and how the service stores it.
SPELLINGS = {
    "trimmed": ("Phishing 7c2a1e8f ", "Phishing 7c2a1e8f"),
    "collapsed": ("Phishing  7c2a1e8f", "Phishing 7c2a1e8f"),
    "composed": ("Re\u0301union 7c2a1e8f", "R\u00e9union 7c2a1e8f"),
    "escaped": ("R&D <b> 7c2a1e8f", "R&amp;D &lt;b&gt; 7c2a1e8f"),
    "escaped twice": ("R&D 7c2a1e8f", "R&amp;amp;D 7c2a1e8f"),
    "cut": (f"7c2a1e8f {'x' * 300}", f"7c2a1e8f {'x' * 300}"[:255]),
    "cut bytes": ("7c2a1e8f " + "\u00e9" * 300, "7c2a1e8f " + "\u00e9" * 123),
    "cut escape": (f"7c2a1e8f {'x' * 242}&&", f"7c2a1e8f {'x' * 242}&amp;"[:255]),
    "without emoji": ("7c2a1e8f \U0001f525 fire", "7c2a1e8f  fire"),
    "emoji at the end": ("7c2a1e8f fire \U0001f525", "7c2a1e8f fire"),
    "without signs": ("\u26a0\ufe0f \U0001f468\u200d\U0001f4bb 7c2a1e8f fire \u2705", "7c2a1e8f fire"),
    "without some signs": ("\u26a0\ufe0f \U0001f468\u200d\U0001f4bb 7c2a1e8f", "\u26a0\ufe0f \u200d 7c2a1e8f"),
    "without emoji that Python does not know": ("\U000e0067\U0001ffff 7c2a1e8f fire", " 7c2a1e8f fire"),
    "cut within signs": (
        f"7c2a1e8f {'x' * 240} \U0001f525\U0001f525\U0001f525",
        f"7c2a1e8f {'x' * 240} \U0001f525\ufffd",
    ),
    "lower case": ("Phishing 7C2A1E8F", "phishing 7c2a1e8f"),
}


@pytest.mark.parametrize("by_field", [False, True], ids=["summary", "field"])
@pytest.mark.parametrize("sent, stored", SPELLINGS.values(), ids=SPELLINGS)
def test_other_spelling_is_near(sent, stored, by_field):
    service = MemoryTicketing()
    service.add("Any" if by_field else stored, {REFERENCE: stored})
    wanted = (
        replace(BY_REFERENCE, values=((field_of(REFERENCE), sent),)) if by_field else replace(BY_SUMMARY, summary=sent)
    )
    found = find_matches(service, replace(wanted, text="7c2a1e8f"), False)
    similar = [record["object_id"] for record in found.similar]
    # A former version of this collection wrote summaries with other white space.
    is_former = not by_field and one_line(sent) == one_line(stored)
    assert (ids(found), similar) == ((["CTC-0054"], []) if is_former else ([], ["CTC-0054"]))


@pytest.mark.parametrize("stored", ["SEN-1 a", "SEN-10", "", None, 1, f"SEN-1 {'x' * 300}"], ids=repr)
def test_other_text_is_not_near(stored):
    service = MemoryTicketing(rows="ids")
    service._is_found = lambda record, text: True
    service.add("Any", {REFERENCE: stored})
    for text in ("SEN-1", "file", "\U0001f525"):
        wanted = replace(BY_REFERENCE, values=((field_of(REFERENCE), text),))
        assert find_matches(service, wanted, False) == SearchResult()


@pytest.mark.parametrize(
    "stored",
    [
        f"&{'a' * 254}",
        "." * 255,
        "\ufffd" * 255,
        f"S{' ' * 254}",
        f"S&{'a' * 253}",
        f"S{'.' * 254}",
        "S" + "\u26a0" * 85,
    ],
    ids=lambda text: ascii(text)[1:9],
)
def test_text_of_which_a_cut_leaves_nothing_is_another_one(stored):
    """Whoever causes an alert may choose its title."""
    service = MemoryTicketing(rows="ids")
    service.add(stored, {REFERENCE: stored})
    assert (
        find_among_newest(service, BY_SUMMARY, False)
        == find_among_newest(service, BY_REFERENCE, False)
        == SearchResult()
    )


def test_text_with_another_emoji_is_not_near():
    service = MemoryTicketing()
    service.add("\U0001f7e2 HOST-7", MINE)
    service.add("\u2b50 HOST-7", MINE)
    wanted = replace(BY_SUMMARY, summary="\U0001f534 HOST-7", text="HOST-7")
    assert find_matches(service, wanted, False) == SearchResult()


def test_summary_that_is_no_text_is_not_near():
    service = MemoryTicketing(rows="ids")
    service.add(SUMMARY, MINE)["summary"] = True
    assert find_among_newest(service, replace(BY_SUMMARY, summary="true", text="true"), False) == SearchResult()


def test_near_ticket_of_another_team_is_not_the_wanted_one():
    service = MemoryTicketing()
    service.add(SUMMARY.upper(), MINE, team="james")
    assert find_matches(service, BY_SUMMARY, False) == SearchResult()
    service.tickets["CTC-0054"]["moved_to"] = "james"
    assert [record["object_id"] for record in find_matches(service, BY_SUMMARY, False).similar] == ["CTC-0054"]


WORKSPACE = "3f2b8c1e-1111-4222-8333-44445555000a"


@pytest.mark.parametrize(
    "text, searched",
    [
        (f"Sentinel 4711 {WORKSPACE}", "4711"),
        (f"Sentinel 7c2a1e8f-2222-4222-8333-44445555000b {WORKSPACE}", "7c2a1e8f-2222-4222-8333-44445555000b"),
        (f"Splunk notable/7 #1 {WORKSPACE}", "notable/7"),
        (f"Splunk first {WORKSPACE} more", "first"),
        (f"Sentinel incident 4711 in workspace {WORKSPACE}", "4711"),
        ("Sentinel incident 4711: phishing", "Sentinel incident 4711: phishing"),
        (f"Sentinel {WORKSPACE}", f"Sentinel {WORKSPACE}"),
        (f"Sentinel incident 4711: CVE-2021-44228 on {WORKSPACE}", "4711"),
        (f"CrowdStrike ldt:7c2a:1e8f {WORKSPACE}", "ldt:7c2a:1e8f"),
        ("R&D 4711 \U0001f525", "4711"),
        ("Re\u0301union 4711 \u26a0\ufe0f", "4711"),
        ("R&D", "R&D"),
        (f"4711 {'x' * 300}", "4711"),
    ],
)
def test_search_uses_the_words_that_find_the_ticket(text, searched):
    assert search_text(text) == searched
    fields = {"Incident Reference": text}
    for options in (task(fields=fields, unique_by=["Incident Reference"]), task(summary=text, unique_by=["summary"])):
        identity = resolve_new(MemoryTicketing(), parse_options(options)).identity
        assert identity is not None
        assert identity.text == searched


def test_any_word_search_finds_an_incident_among_many():
    service = MemoryTicketing(rows="thin")
    service._is_found = lambda record, text: (
        not text or bool(set(text.split()) & set(str(record["data"][REFERENCE]).split()))
    )
    for number in range(150):
        service.add(SUMMARY, {REFERENCE: f"Sentinel {4000 + number} {WORKSPACE}"})
    options = task(fields={"Incident Reference": f"Sentinel 4007 {WORKSPACE}"}, unique_by=["Incident Reference"])
    assert keep(service, options).values["object_id"] == "CTC-0061"


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("finds", [all, any])
def test_incident_whose_id_is_a_common_word_is_found(finds, rows, monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_ROWS", 160)
    service = MemoryTicketing(rows=rows)

    def is_found(record: Mapping[str, Any], text: str | None) -> bool:
        words = f"{record['summary']} {record['data'][REFERENCE]}".split()
        return not text or finds(word in words for word in text.split())

    service._is_found = is_found
    for number in range(150):
        service.add("12 hosts", {REFERENCE: f"QRadar {number} {WORKSPACE.replace('a', 'b')}"})
    service.tickets["CTC-0054"]["data"][REFERENCE] = f"QRadar 12 {WORKSPACE}"
    options = task(fields={"Incident Reference": f"QRadar 12 {WORKSPACE}"})
    # Only a service that needs all of the words tells the one from the others, if its rows do not.
    if finds is all or rows == "fat":
        assert keep(service, options).values["object_id"] == "CTC-0054"
    else:
        with pytest.raises(ApiError):
            keep(service, options)
    assert service.count("create_ticket") == 0


HEAD = "Sentinel incident 7c2a1e8f in 3f2b8c1e: "


@pytest.mark.parametrize("rows", ["fat", "thin", "marked", "cut", "ids"])
@pytest.mark.parametrize(
    "stored, wanted",
    [
        (f"{HEAD}a\u200db \u202ec", f"{HEAD}a\ufffdb \ufffdc"),
        (f"{HEAD} two  blanks\u00a0", f"{HEAD}two blanks"),
        (f"{HEAD}{'<b> long' * 100}", f"{HEAD}{'<b> long' * 100}"[:254] + "\u2026"),
        (f"{HEAD}{'<b> long' * 100}", f"{HEAD}{'<b> long' * 100}"),
    ],
    ids=["characters", "blanks", "shortened", "as it was"],
)
def test_ticket_is_found_by_a_former_spelling(rows, stored, wanted):
    """An earlier version of the runbooks did not replace or shorten anything."""
    service = MemoryTicketing(rows=rows, searched="summary", list_lag=60)
    service.add(stored, MINE)
    service.hide_as_new("CTC-0054")
    result = keep(service, task(summary=wanted, fields={"Incident Reference": "SEN-1"}, unique_by=["summary"]))
    assert (result.values["object_id"], result.values["created"], service.writes) == ("CTC-0054", False, 1)


@pytest.mark.parametrize("stored", [f"{HEAD}{'x' * 300}", f"{HEAD}{'y' * 300}", f"{HEAD}x", f"{HEAD}\u2026"])
def test_shortened_summary_is_not_a_prefix(stored):
    service = MemoryTicketing()
    service.add(stored, MINE)
    for wanted in (f"{HEAD}\u2026", f"{HEAD}{'x' * 301}", f"{HEAD}{'x' * 20}\u2026"):
        found = find_matches(service, replace(BY_SUMMARY, summary=wanted, text="Sentinel"), False)
        assert ids(found) == (["CTC-0054"] if stored == wanted else [])


@pytest.mark.parametrize("first", [SUMMARY, SUMMARY.replace(" ", "  ")])
def test_exact_summary_goes_first(first):
    service = MemoryTicketing()
    for summary in {first: 1, SUMMARY: 2, SUMMARY.replace(" ", "  "): 3}:
        service.add(summary, MINE)
    result = keep(service, task(fields={"Incident Reference": "SEN-1"}, unique_by=["summary"]))
    assert service.tickets[result.values["object_id"]]["summary"] == SUMMARY
    assert result.values["created"] is False


def test_summary_that_does_not_count_does_not_go_first():
    service = MemoryTicketing()
    for summary in (SUMMARY, "Another"):
        service.add(summary, MINE)
    assert len(prefer_exact(find_matches(service, BY_REFERENCE, False).matches, BY_REFERENCE)) == 2


def test_all_that_match_are_given_and_the_only_one_is_none_of_them():
    service = MemoryTicketing(page_size=1)
    for _number in range(2):
        service.add(SUMMARY, MINE)
    found = find_matches(service, BY_SUMMARY, False)
    assert ids(found) == ["CTC-0055", "CTC-0054"]
    with pytest.raises(ApiError) as caught:
        single_match(found.matches, "ticket 'a'")
    assert caught.value.category == "ambiguous_match"
    assert_message(caught.value.message, "'a'", 2, "CTC-0054", "CTC-0055", "object_id", "unique_by")


def test_the_only_one():
    assert single_match([{"object_id": "a"}], "it") == {"object_id": "a"}
    assert single_match([], "it") is None


# --- closed tickets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_does_not_count_and_is_named(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, **DONE)
    found = find_matches(service, BY_SUMMARY, False)
    assert (ids(found), found.done) == ([], ["CTC-0054"])
    # What the row says of it is not enough, as it may have been opened again since.
    assert service.count("ticket") == 1


@pytest.mark.parametrize("rows, include_done, reads", [("fat", False, 3), ("fat", True, 5), ("thin", False, 5)])
def test_of_many_done_tickets_not_all_are_read(monkeypatch, rows, include_done, reads):
    monkeypatch.setattr(ticket_search, "MAX_DONE_READS", 3)
    service = MemoryTicketing(rows=rows)
    for _number in range(5):
        service.add(SUMMARY, MINE, **DONE)
    found = find_matches(service, BY_SUMMARY, include_done)
    assert [*ids(found), *found.done] == ["CTC-0058", "CTC-0057", "CTC-0056", "CTC-0055", "CTC-0054"]
    assert bool(found.done) != include_done
    assert service.count("ticket") == reads


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_counts_if_asked_for(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, **DONE)
    found = find_matches(service, BY_SUMMARY, True)
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
    found = find_matches(service, replace(BY_SUMMARY, selected=((kind, value),)), False)
    assert (ids(found), found.done) == ((["CTC-0054"], []) if is_wanted else ([], ["CTC-0054"]))


@pytest.mark.parametrize(
    "category, is_passed_over", [("Done Category", True), ("To-do Category", False), (None, False)]
)
def test_only_a_done_ticket_is_passed_over(category, is_passed_over):
    record = {"status_category": category, "status_type": "Resolved"}
    assert BY_SUMMARY.counts_as_done(record) is is_passed_over
    # A row that does not show its fields is judged by its status.
    assert not replace(BY_SUMMARY, selected=((STATUSES, "r"),)).counts_as_done(record)


def test_a_done_ticket_without_a_status_is_passed_over():
    record = {"status_category": "Done Category", "status_type": None}
    assert replace(BY_SUMMARY, selected=((STATUSES, "r"),)).counts_as_done(record)


@pytest.mark.parametrize("change", [{"team": "james"}, {"item_type": "16910"}, {"summary": "Another"}], ids=repr)
def test_a_done_ticket_that_is_another_one_is_not_named(change):
    service = MemoryTicketing(rows="thin")
    service.add(SUMMARY, MINE, team=change.get("team", "soc"), item_type=change.get("item_type", "16920"), **DONE)
    service.tickets["CTC-0054"]["summary"] = change.get("summary", SUMMARY)
    service._is_found = lambda record, text: True
    assert find_matches(service, BY_SUMMARY, False) == SearchResult()


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
def test_a_done_ticket_of_another_team_is_not_named(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, team="james", **DONE)
    assert find_matches(service, BY_SUMMARY, False).done == []


def test_a_ticket_that_was_opened_again_is_found_although_its_row_still_says_done():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), **DONE}
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


# --- tickets that hide what they are, or were moved -----------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_ticket_that_hides_where_it_belongs_is_not_guessed(rows):
    service = MemoryTicketing(rows=rows, shows_place=False)
    service.add(SUMMARY, MINE)
    error = failure(service)
    assert error.category == "contract"
    assert_message(error.message, "CTC-0054", "team_id", "item_type_id", "object_id")
    assert not has_fact(error.message, "offer_id")


def test_a_ticket_that_was_read_with_a_name_for_its_type_is_not_guessed():
    """A name proves nothing: the ticket is neither taken nor created again."""
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)["lookup_props"]["itemTypeId"] = "Security Incident"
    message = failure(service).message
    assert_message(message, "CTC-0054", "item_type_id", "object_id")
    assert not any(has_fact(message, name) for name in ("team_id", "offer_id"))


def test_a_ticket_that_hides_its_offer_is_not_guessed():
    service = MemoryTicketing()
    del service.add(SUMMARY, MINE)["data"]["offerId"]
    message = failure(service).message
    assert_message(message, "CTC-0054", "offer_id", "object_id")
    assert not any(has_fact(message, name) for name in ("team_id", "item_type_id"))


def test_what_is_hidden_does_not_matter_of_another_ticket():
    service = MemoryTicketing(shows_place=False, rows="thin")
    service.add(SUMMARY, {REFERENCE: "SEN-1 and more"})
    assert find_matches(service, BY_REFERENCE, False) == SearchResult()


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_ticket_that_was_moved_is_not_guessed(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, team="network", moved_to="Network team")
    error = failure(service)
    assert error.category == "ambiguous_match"
    assert_message(error.message, "CTC-0054", "moved", "team network", "object_id")
    wanted = replace(BY_SUMMARY, team_id="network")
    assert ids(find_matches(service, wanted, False)) == ["CTC-0054"]


def test_a_ticket_that_was_moved_back_is_the_wanted_one():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE, moved_to="soc")
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_that_was_moved_stops_nothing(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, team="network", moved_to="Network team", **DONE)
    assert find_matches(service, BY_SUMMARY, False) == SearchResult()


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_that_hides_where_it_belongs_stops_nothing(rows):
    service = MemoryTicketing(rows=rows, shows_place=False)
    service.add(SUMMARY, MINE, **DONE)
    assert find_matches(service, BY_SUMMARY, False) == SearchResult([], ["CTC-0054"])


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
        "Sentinel incident 7c2a1e8f",
        "sentinel incident 7c2...",
        "Sentinel incident 7c2a1e8f: &lt;script&gt; seen on SRV-DC02, 50 % of CPU",
        "Sentinel incident 7c2a1e8f: &lt;scr",
        "Sentinel incident 7c2a1e8f: &l",
        "... seen on <em>SRV-DC02</em> ...",
        "",
        None,
    ],
    ids=repr,
)
def test_a_row_whose_summary_may_be_the_wanted_one_is_read(shown):
    service = MemoryTicketing()
    service.add(LONG, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), "summary": shown}
    assert ids(find_matches(service, replace(BY_SUMMARY, summary=LONG, text="Sentinel"), False)) == ["CTC-0054"]


@pytest.mark.parametrize(
    "shown",
    [
        "Sentinel incident 8...",
        f"{LONG} and more",
        f"{LONG} and more...",
        "<em>Sentinel</em> incident 7c2a1e8f: another",
        7,
    ],
    ids=repr,
)
def test_a_row_whose_summary_cannot_be_the_wanted_one_is_not_read(shown):
    service = MemoryTicketing()
    service.add(LONG, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), "summary": shown}
    assert find_matches(service, replace(BY_SUMMARY, summary=LONG, text="Sentinel"), False) == SearchResult()
    assert service.count("ticket") == 0


@pytest.mark.parametrize("rows", ["marked", "cut", "ids"])
@pytest.mark.parametrize("look", [find_matches, find_among_newest])
def test_a_ticket_that_only_looks_alike_in_its_row_is_another_one(look, rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    service.add(f"<em>{SUMMARY}</em>", MINE)
    service.add(f"{SUMMARY} ...", MINE)
    assert ids(look(service, BY_SUMMARY, False)) == ["CTC-0054"]


REFERENCE_TEXT = "AT&T-7c2a1e8f 3f2b8c1e"
BY_TEXT = replace(BY_REFERENCE, values=((field_of(REFERENCE), REFERENCE_TEXT),), text="7c2a1e8f")


@pytest.mark.parametrize(
    "change",
    [
        {"data": {REFERENCE: None}},
        {"data": {REFERENCE: ""}},
        {"data": {REFERENCE: "AT&T-7c2a"}},
        {"data": {REFERENCE: "AT&amp;T-7c2a1e8f 3f2b8c1e"}},
        {"data": {REFERENCE: "AT&T-<em>7c2a1e8f</em> 3f2b8c1e"}},
        {"data": {REFERENCE: "to follow"}},
        {"data": {REFERENCE: "to be filled in by whoever takes it"}},
        {"data": {REFERENCE: ["x"]}},
        {"lookup_props": {"teamId": "soc", "itemTypeId": "Security Incident"}},
        {"deleted_seq": 0},
    ],
    ids=repr,
)
def test_row_that_does_not_show_its_identity_in_full_is_read(change):
    service = MemoryTicketing(search_lag=0, list_lag=60)
    service.add(SUMMARY, {REFERENCE: REFERENCE_TEXT})
    service.hide_as_new("CTC-0054")
    whole = service._row
    service._row = lambda record, text=None: {**whole(record), **change}
    assert ids(find_matches(service, BY_TEXT, False)) == ["CTC-0054"]


@pytest.mark.parametrize("shown", ["AT&T-8d3b2f90 3f2b8c1e", "AT&T-8d3b...", f"{REFERENCE_TEXT}1"])
def test_row_that_shows_another_reference_is_not_read(shown):
    service = MemoryTicketing()
    service.add(SUMMARY, {REFERENCE: REFERENCE_TEXT})
    whole = service._row
    service._row = lambda record, text=None: {**whole(record), "data": {REFERENCE: f"{shown}"}}
    reads = 1 if shown.endswith("...") else 0
    assert len(ids(find_matches(service, BY_TEXT, False))) == service.count("ticket") == reads


def test_deleted_row_whose_ticket_is_not_found_is_left_aside():
    service = unreadable(answered(404, html=True))
    service.tickets["CTC-0055"].update(deleted_seq=3, lookup_props={"teamId": "soc", "itemTypeId": "16920"})
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]
    service.tickets["CTC-0055"].update(deleted_seq=-1)
    assert failure(service).category == "not_found"


def test_likely_tickets_are_read_first_and_a_match_needs_no_more_than_the_bound(monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_READS", 3)
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    for _number in range(9):
        service.add(SUMMARY, {REFERENCE: None})
    service._is_found = lambda record, text: True
    assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]
    assert service.count("ticket") == 3
    del service.tickets["CTC-0054"]
    assert failure(service, BY_REFERENCE).category == "ambiguous_match"


@pytest.mark.parametrize("change", [{"data": {"offerId": "23640"}}, {"deleted_seq": 0}], ids=["not shown", "deleted"])
def test_open_tickets_and_those_with_the_identity_are_read_first(change):
    service = MemoryTicketing(list_lag=60)
    service.add(SUMMARY, MINE)
    for _number in range(ticket_search.MAX_READS):
        service.add(SUMMARY, {REFERENCE: None}, **DONE)
    whole = service._row
    service._row = lambda record, text=None: {**whole(record), **change}
    service._is_found = lambda record, text: True
    assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]


def test_search_and_newest_share_the_bound_of_reads(monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_READS", 3)
    service = MemoryTicketing(rows="ids")
    for number in range(4):
        service.add(f"Another {number}", {REFERENCE: f"SEN-{number + 2}"})
    found = service._is_found
    service._is_found = lambda record, text: record["object_id"] < "CTC-0056" if text else found(record, text)
    with pytest.raises(ApiError) as caught:
        keep(service, task(fields={"Incident Reference": "SEN-1"}))
    assert (caught.value.category, service.writes, service.count("ticket")) == ("ambiguous_match", 0, 3)


def test_a_row_without_the_field_that_counts_is_read():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    row = service._row
    service._row = lambda record, text=None: {**row(record), "data": {"offerId": 23640}}
    assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]


# --- the newest, where the search finds none ------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
@pytest.mark.parametrize("wanted", [BY_SUMMARY, BY_REFERENCE], ids=["summary", "reference"])
def test_a_ticket_that_the_search_does_not_show_yet_is_among_the_newest(rows, wanted):
    service = MemoryTicketing(rows=rows, search_lag=60)
    service.add(SUMMARY, MINE)
    crowd(service, 2)
    service.hide_as_new("CTC-0054")
    assert find_matches(service, wanted, False) == SearchResult()
    assert ids(find_among_newest(service, wanted, False)) == ["CTC-0054"]
    order = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}
    assert service.searches[-1] == {**order, "top": 100, "offset": 0}


@pytest.mark.parametrize("page_size", [1, 3, 100])
@pytest.mark.parametrize("others, is_found", [(4, True), (5, False)])
def test_only_so_many_of_the_newest_are_looked_at(monkeypatch, others, is_found, page_size):
    for module in (ticket_list, ticket_search):
        monkeypatch.setattr(module, "MAX_PAGE_SIZE", 5)
    service = MemoryTicketing(page_size=page_size)
    service.add(SUMMARY, MINE)
    crowd(service, others)
    assert ids(find_among_newest(service, BY_SUMMARY, False)) == (["CTC-0054"] if is_found else [])
    assert service.count("ticket") == int(is_found)


@pytest.mark.parametrize("others, is_found", [(2, True), (3, False)])
def test_only_so_many_of_the_newest_are_read(monkeypatch, others, is_found):
    monkeypatch.setattr(ticket_search, "MAX_NEWEST_READS", 3)
    service = MemoryTicketing(rows="ids")
    service.add(SUMMARY, MINE)
    crowd(service, others)
    assert ids(find_among_newest(service, BY_REFERENCE, False)) == (["CTC-0054"] if is_found else [])
    assert service.count("ticket") == 3


def test_those_of_the_newest_that_are_others_by_their_rows_are_not_counted(monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_NEWEST_READS", 1)
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    crowd(service, 9)
    assert ids(find_among_newest(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("include_done", [False, True])
def test_a_done_one_among_the_newest_is_named(include_done):
    service = MemoryTicketing(rows="thin")
    service.add(SUMMARY, MINE, **DONE)
    service.add(SUMMARY, MINE, team="james")
    found = find_among_newest(service, BY_SUMMARY, include_done)
    assert (ids(found), found.done) == ((["CTC-0054"], []) if include_done else ([], ["CTC-0054"]))


def test_one_of_the_newest_that_the_account_may_not_read_is_passed_over():
    """They are anybody's, and it is not what this account created."""
    service = MemoryTicketing(faults={"ticket": [Fault(answered(403))]}, rows="ids")
    service.add(SUMMARY, MINE)
    service.add("Another", {})
    assert ids(find_among_newest(service, BY_SUMMARY, False)) == ["CTC-0054"]
    assert service.count("ticket") == 2


def test_one_of_the_newest_that_hides_where_it_belongs_stops_the_search():
    service = MemoryTicketing(shows_place=False)
    service.add(SUMMARY, MINE)
    with pytest.raises(ApiError) as caught:
        find_among_newest(service, BY_SUMMARY, False)
    assert_message(caught.value.message, "CTC-0054", "team_id", "item_type_id", "object_id")


@pytest.mark.parametrize(
    "error",
    # A ticket that was created a moment ago may be listed, and not be there yet.
    [answered(404, html=True), answered(401), answered(503), answered(404, text="Tenant not found")],
    ids=["404", "401", "503", "tenant"],
)
def test_one_of_the_newest_that_is_not_there_yet_stops_the_search(error):
    service = MemoryTicketing(faults={"ticket": [Fault(error)]}, rows="ids")
    service.add("Another", {})
    with pytest.raises(ApiError) as caught:
        find_among_newest(service, BY_SUMMARY, False)
    assert caught.value.category == error.category
    assert_message(caught.value.message, "CTC-0054", "read", "may be the one", error.http_status)


# --- records that cannot be used ------------------------------------------------------------------------------------

#: How the read of a ticket may fail for that ticket alone.
SINGLE_TICKET_FAILURES = {
    "500": answered(500),
    "403": answered(403),
    "404": answered(404, html=True),
    "no record": ApiError("The answer does not fit the API contract.", "contract", http_status=200),
}


def unreadable(error: ApiError, **changes: Any) -> MemoryTicketing:
    """A service with the wanted ticket and one of another team that looks alike, whose read fails each time."""
    service = MemoryTicketing(**changes)
    service.add(SUMMARY, MINE)
    service.add(SUMMARY, MINE, team="james")
    readable = service.ticket

    def ticket(object_id: str) -> dict[str, Any]:
        if object_id == "CTC-0055":
            raise error
        return readable(object_id)

    service.ticket = ticket
    return service


@pytest.mark.parametrize("error", SINGLE_TICKET_FAILURES.values(), ids=SINGLE_TICKET_FAILURES)
@pytest.mark.parametrize("look", [find_matches, find_among_newest])
def test_unreadable_ticket_of_another_team_is_left_aside(look, error):
    assert ids(look(unreadable(error), BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize(
    "row",
    [
        {"moved_to": "james"},
        {"lookup_props": None},
        {"lookup_props": {"teamId": "", "itemTypeId": "16920"}},
        {"lookup_props": {"teamId": "SOC", "itemTypeId": "16920"}},
        # A name, which may be that of the wanted team.
        {"lookup_props": {"teamId": "Security Operations", "itemTypeId": "16920"}},
        # Whether it was moved is not shown, and its summary is the wanted one.
        {"moved_to": ...},
    ],
    ids=repr,
)
def test_unreadable_ticket_that_may_be_the_wanted_one_stops_the_search(row):
    service = unreadable(answered(500))
    whole = service._row
    service._row = lambda record, text=None: {
        name: value for name, value in {**whole(record), **row}.items() if value is not ...
    }
    error = failure(service)
    assert error.category == "unavailable"
    assert_message(error.message, "CTC-0055", "read", "may be the one", 500)


def test_another_team_is_enough_where_the_row_shows_nothing_else():
    service = unreadable(answered(500))
    service._row = lambda record, text=None: {
        "object_id": record["object_id"],
        "lookup_props": {"teamId": record["lookup_props"]["teamId"]},
    }
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("error", [answered(401), answered(404, text="Tenant not found"), answered(429)])
def test_failure_that_every_read_has_stops_the_search(error):
    assert failure(unreadable(error)).http_status == error.http_status


OF_JAMES = {"lookup_props": {"teamId": "james"}}


@pytest.mark.parametrize("change", [{"etag": None}, {"data": None}, {"data": []}, OF_JAMES], ids=repr)
def test_odd_record_of_another_team_is_left_aside(change):
    service = MemoryTicketing(rows="ids")
    service.add(SUMMARY, MINE)
    service.add(SUMMARY, MINE, team="james").update(change)
    service._is_found = lambda record, text: True
    assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]


@pytest.mark.parametrize(
    "wanted, change, hidden",
    [
        (BY_REFERENCE, {"data": None}, "offer_id"),
        (BY_SUMMARY, {"data": None}, "offer_id"),
        (BY_SUMMARY, {"summary": ...}, "summary"),
    ],
    ids=["fields by reference", "fields by summary", "summary"],
)
def test_read_ticket_that_does_not_show_its_identity_stops_the_search(wanted, change, hidden):
    service = MemoryTicketing(rows="ids")
    service.add(SUMMARY, MINE).update(change)
    service.tickets["CTC-0054"] = {k: v for k, v in service.tickets["CTC-0054"].items() if v is not ...}
    service._is_found = lambda record, text: True
    error = failure(service, wanted)
    assert error.category == "contract"
    assert_message(error.message, "CTC-0054", "may be the one", hidden, "object_id")


def test_odd_record_with_another_summary_is_another_ticket():
    service = MemoryTicketing(rows="ids")
    service.add(SUMMARY, MINE)
    service.add("Another", {})["data"] = None
    service._is_found = lambda record, text: True
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


def nameless(service: MemoryTicketing, object_id: str) -> None:
    """Let the row of a ticket show no display id."""
    whole = service._row
    service._row = lambda record, text=None: {
        name: value
        for name, value in whole(record).items()
        if name not in ("object_id", "objectId") or value != object_id
    }


@pytest.mark.parametrize("look", [find_matches, find_among_newest])
def test_row_of_another_ticket_without_display_id_is_left_aside(look):
    service = MemoryTicketing()
    service.add(SUMMARY, MINE)
    service.add(f"{SUMMARY}: customer 1", MINE)
    service.add(SUMMARY, MINE, team="james")
    nameless(service, "CTC-0055")
    nameless(service, "CTC-0056")
    assert ids(look(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("look", [find_matches, find_among_newest])
def test_row_without_display_id_that_may_be_the_wanted_one_stops_the_search(look, rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE)
    nameless(service, "CTC-0054")
    with pytest.raises(ApiError) as caught:
        look(service, BY_SUMMARY, False)
    assert caught.value.category == "contract"
    assert_message(caught.value.message, repr(SUMMARY), "display id", "may be the one", "portal", "object_id")


def test_rows_without_display_id_are_listed_once():
    service = MemoryTicketing(page_size=2, says_end=False)
    crowd(service, 3)
    nameless(service, "CTC-0054")
    nameless(service, "CTC-0055")
    assert [row.get("object_id") for row in islice(list_tickets(service, REQUEST), 9)] == ["CTC-0056", None, None]


@pytest.mark.parametrize("error", [answered(500), answered(404, html=True), SINGLE_TICKET_FAILURES["no record"]])
@pytest.mark.parametrize(
    "title, is_other",
    [
        ("Printer on floor 3 is out of toner", True),
        (SUMMARY, False),
        (SUMMARY.upper(), False),
        (SUMMARY[:20], False),
        (f"{SUMMARY} \N{POLICE CARS REVOLVING LIGHT}", False),
        (f"<em>{SUMMARY}</em>", False),
        ("", False),
        (None, False),
    ],
    ids=ascii,
)
def test_unreadable_ticket_among_the_newest_is_judged_by_its_title(error, title, is_other):
    """The newest are looked through for what was created a moment ago, with the title that the task gives."""
    service = MemoryTicketing(rows="thin", faults={"ticket": [Fault(error)]})
    service.add("x", {})["summary"] = title
    wanted = replace(BY_REFERENCE, title=SUMMARY)
    if is_other:
        assert find_among_newest(service, wanted, False) == SearchResult()
    else:
        with pytest.raises(ApiError) as caught:
            find_among_newest(service, wanted, False)
        assert caught.value.category == error.category
        assert_message(caught.value.message, "CTC-0054", "may be the one")


@pytest.mark.parametrize(
    "title, is_other", [("Printer on floor 3 is out of toner", True), (SUMMARY, False), (None, False)], ids=ascii
)
def test_ticket_without_fields_among_the_newest_is_judged_by_its_title(title, is_other):
    service = MemoryTicketing(rows="ids")
    service.add("x", {}).update(summary=title, data=None)
    wanted = replace(BY_REFERENCE, title=SUMMARY)
    if is_other:
        assert find_among_newest(service, wanted, False) == SearchResult()
    else:
        with pytest.raises(ApiError) as caught:
            find_among_newest(service, wanted, False)
        assert_message(caught.value.message, "CTC-0054", "may be the one")


def test_ticket_with_the_wanted_reference_is_not_judged_by_its_title():
    service = MemoryTicketing(rows="thin", shows_place=False)
    service.add("Printer on floor 3 is out of toner", MINE)
    with pytest.raises(ApiError) as caught:
        find_among_newest(service, replace(BY_REFERENCE, title=SUMMARY), False)
    assert_message(caught.value.message, "CTC-0054", "may be the one")


@pytest.mark.parametrize("error", [answered(503), answered(401)], ids=["503", "401"])
def test_failure_that_others_may_have_stops_the_newest_whatever_the_title(error):
    service = MemoryTicketing(rows="thin", faults={"ticket": [Fault(error)]})
    service.add("Printer on floor 3 is out of toner", {})
    with pytest.raises(ApiError) as caught:
        find_among_newest(service, replace(BY_REFERENCE, title=SUMMARY), False)
    assert caught.value.category == error.category
    assert_message(caught.value.message, "CTC-0054", "may be the one", error.http_status)


# --- bounds and failures --------------------------------------------------------------------------------------------


def test_a_candidate_that_cannot_be_read_stops_the_search():
    service = MemoryTicketing(faults={"ticket": [Fault(answered(404, html=True))]})
    service.add(SUMMARY, MINE)
    error = failure(service)
    assert error.category == "not_found"
    assert_message(error.message, "CTC-0054", "read", "may be the one", "not found", 404)


@pytest.mark.parametrize("spare, is_too_much", [(0, False), (-1, True)])
def test_no_more_rows_than_the_bound_are_looked_through(monkeypatch, spare, is_too_much):
    service = MemoryTicketing(page_size=3)
    service.add(SUMMARY, MINE)
    crowd(service, 7)
    monkeypatch.setattr(ticket_search, "MAX_ROWS", 8 + spare)
    # What is found needs no further look.
    assert ids(find_matches(service, replace(BY_SUMMARY, summary=f"{SUMMARY}: customer 6"), False)) == ["CTC-0061"]
    if is_too_much:
        error = failure(service)
        assert error.category == "ambiguous_match"
        assert_message(error.message, repr(SUMMARY), "more tickets")
    else:
        assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize("most, is_too_much", [(8, False), (7, True)])
def test_no_more_tickets_than_the_bound_are_read(monkeypatch, most, is_too_much):
    service = MemoryTicketing(rows="thin")
    service.add(SUMMARY, MINE)
    crowd(service, 7)
    monkeypatch.setattr(ticket_search, "MAX_READS", most)
    if is_too_much:
        assert failure(service, BY_REFERENCE).category == "ambiguous_match"
        assert service.count("ticket") == most
    else:
        assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]


def test_the_bounds_hold_without_a_change():
    assert (ticket_search.MAX_ROWS, ticket_search.MAX_READS) == (2000, 100)
    assert (ticket_search.MAX_DONE_READS, ticket_search.MAX_NEWEST_READS, ticket_search.MAX_PAGE_SIZE) == (20, 20, 100)


def test_a_row_with_nothing_but_its_id_is_read():
    service = MemoryTicketing(rows="ids")
    record: dict[str, Any] = service.add(SUMMARY, MINE)
    assert find_matches(service, BY_REFERENCE, False).matches[0]["etag"] == record["etag"]
