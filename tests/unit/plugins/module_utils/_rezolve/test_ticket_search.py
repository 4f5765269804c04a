# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide which tickets match: by search and list, by rows and reads, within limits."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Callable, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import ticket_list, ticket_search
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Choice, Field
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.text_matching import is_other_title, search_text
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import (
    Identity,
    prefer_exact,
    respelled_values,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_search import (
    SearchResult,
    find_among_newest,
    find_matches,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    REFERENCE,
    STATUS,
    SUMMARY,
    URGENCY,
    Fault,
    MemoryTicketing,
    answered,
    crowd,
    field_of,
    keep,
    single_match,
    task,
)

BY_SUMMARY = Identity("soc", "16920", "23640", SUMMARY, text=SUMMARY)
BY_REFERENCE = Identity("soc", "16920", "23640", None, ((field_of(REFERENCE), "SEN-1"),), text="SEN-1", title=SUMMARY)
MINE = {REFERENCE: "SEN-1"}
CLOSED = {"status_type": "Resolved", "status_category": "Done Category"}
SEARCHES = pytest.mark.parametrize("search", [find_matches, find_among_newest])
PRINTER = "Printer on floor 3 is out of toner"


def ids(found: SearchResult) -> list[str]:
    return [str(record["object_id"]) for record in found.matches]


def similar(found: SearchResult) -> list[str]:
    return [str(record["object_id"]) for record in found.similar]


def failure(
    service: MemoryTicketing, wanted: Identity = BY_SUMMARY, search: Callable[..., SearchResult] = find_matches
) -> ApiError:
    with pytest.raises(ApiError) as caught:
        search(service, wanted, False)
    return caught.value


def with_ticket(summary: str = SUMMARY, data: Mapping[str, Any] | None = None, **options: Any) -> MemoryTicketing:
    """Return a service with one ticket, CTC-0054."""
    service = MemoryTicketing(**options)
    service.add(summary, MINE if data is None else data)
    return service


def find_all(service: MemoryTicketing) -> MemoryTicketing:
    """Let any search return all tickets."""
    service._is_found = lambda record, text: True
    return service


def change_rows(service: MemoryTicketing, **changes: Any) -> MemoryTicketing:
    """Change what the rows of the list show; ``...`` removes a key."""
    whole = service._row
    service._row = lambda record, text=None: {
        name: value for name, value in {**whole(record), **changes}.items() if value is not ...
    }
    return service


# --- identity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("wanted", [BY_SUMMARY, BY_REFERENCE], ids=["summary", "reference"])
def test_ticket_is_found_on_the_second_page(rows, wanted):
    service = with_ticket(f" {SUMMARY}\n", {**MINE, "offerId": 23640}, rows=rows, page_size=3, says_end=False)
    crowd(service, 3)
    found = find_matches(service, wanted, False)
    assert (ids(found), found.done) == (["CTC-0054"], [])
    assert found.matches[0]["etag"] == service.tickets["CTC-0054"]["etag"]
    assert service.searches[1]["offset"] == 2
    common = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": [], "top": 100}
    assert service.searches[0] == {"search": wanted.text, "offset": 0, **common}


@pytest.mark.parametrize("is_closed", [False, True])
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
def test_ticket_with_another_property_does_not_match(rows, change, is_closed):
    service = find_all(MemoryTicketing(rows=rows))
    data = {REFERENCE: change.get("reference", "SEN-1"), "offerId": change.get("offer", "23640")}
    service.add(SUMMARY, data, team=change.get("team", "soc"), item_type=change.get("item_type", "16920"))
    service.tickets["CTC-0054"].update({name: change[name] for name in ("summary", "deleted_seq") if name in change})
    service.tickets["CTC-0054"].update(CLOSED if is_closed else {})
    found = find_matches(service, replace(BY_SUMMARY, values=BY_REFERENCE.values), False)
    near = ["CTC-0054"] if change.get("summary") == SUMMARY.upper() else []
    assert (found.matches, found.done, similar(found)) == ([], *((near, []) if is_closed else ([], near)))
    assert not (service.count("ticket") and rows == "fat" and {"item_type", "offer"} & set(change))


#: Texts as they are sent, and as the service stores them.
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
def test_text_in_another_spelling_is_similar(sent, stored, by_field):
    service = with_ticket("Any" if by_field else stored, {REFERENCE: stored})
    by_text = replace(BY_REFERENCE, values=((field_of(REFERENCE), sent),))
    wanted = by_text if by_field else replace(BY_SUMMARY, summary=sent)
    found = find_matches(service, replace(wanted, text="7c2a1e8f"), False)
    # Earlier versions of the collection did not collapse white space.
    is_exact = not by_field and one_line(sent) == one_line(stored)
    assert (ids(found), similar(found)) == ((["CTC-0054"], []) if is_exact else ([], ["CTC-0054"]))


def test_another_option_is_not_another_spelling():
    record = {"data": {REFERENCE: "sen-1", URGENCY: "low"}}
    wanted = replace(BY_REFERENCE, values=(*BY_REFERENCE.values, (field_of(URGENCY), "high")))
    assert respelled_values(record, wanted) == {"Incident Reference": ("sen-1", "SEN-1")}


@pytest.mark.parametrize("stored", ["SEN-1 a", "SEN-10", "", None, 1, f"SEN-1 {'x' * 300}"], ids=repr)
def test_another_text_is_not_similar(stored):
    service = find_all(with_ticket("Any", {REFERENCE: stored}, rows="ids"))
    for text in ("SEN-1", "file", "\U0001f525"):
        wanted = replace(BY_REFERENCE, values=((field_of(REFERENCE), text),))
        assert find_matches(service, wanted, False) == SearchResult()


@pytest.mark.parametrize(
    "stored, wanted",
    [("\U0001f7e2 HOST-7", "\U0001f534 HOST-7"), ("\u2b50 HOST-7", "\U0001f534 HOST-7"), (True, "true")],
)
def test_summary_with_another_emoji_or_type_is_not_similar(stored, wanted):
    service = with_ticket(rows="ids")
    service.tickets["CTC-0054"]["summary"] = stored
    assert find_among_newest(service, replace(BY_SUMMARY, summary=wanted), False) == SearchResult()


@pytest.mark.parametrize(
    "start, fill",
    [("&", "a"), ("", "."), ("", "\ufffd"), ("S", " "), ("S&", "a"), ("S", "."), ("S", "\u26a0")],
    ids=ascii,
)
def test_truncated_text_without_content_is_not_similar(start, fill):
    """An attacker may choose the title of an alert."""
    stored = start + fill * 254
    service = with_ticket(stored, {REFERENCE: stored}, rows="ids")
    for wanted in (BY_SUMMARY, BY_REFERENCE):
        assert find_among_newest(service, wanted, False) == SearchResult()


def test_long_titles_are_compared_in_linear_time():
    title = "\u0323\u0300" * 20000
    start = time.process_time()
    assert not is_other_title(title, f"{title}x")
    assert time.process_time() - start < 1


WORKSPACE = "3f2b8c1e-1111-4222-8333-44445555000a"


@pytest.mark.parametrize(
    "text, expected",
    [
        (f"Sentinel 4711 {WORKSPACE}", "4711"),
        (f"Splunk notable/7 #1 {WORKSPACE}", "notable/7"),
        (f"Splunk first {WORKSPACE} more", "first"),
        (f"Sentinel incident 4711 in workspace {WORKSPACE}", "4711"),
        ("Sentinel incident 4711: phishing", "Sentinel incident 4711: phishing"),
        (f"Sentinel {WORKSPACE}", f"Sentinel {WORKSPACE}"),
        (f"Sentinel incident 4711: CVE-2021-44228 on {WORKSPACE}", "4711"),
        ("R&D 4711 \U0001f525", "4711"),
        ("Re\u0301union 4711 \u26a0\ufe0f", "4711"),
        ("R&D", "R&D"),
        (f"4711 {'x' * 300}", "4711"),
    ],
)
def test_search_text_contains_words_that_find_the_ticket(text, expected):
    assert search_text(text) == expected


@pytest.mark.parametrize(
    "rows, finds, limit, is_found",
    [("fat", any, 160, True), ("fat", all, 100, True), ("thin", all, 160, True), ("thin", any, 160, False)],
)
def test_incident_with_a_common_id_is_found_by_all_words(rows, finds, limit, is_found, monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_ROWS", limit)
    service = MemoryTicketing(rows=rows)

    def matches(record: Mapping[str, Any], text: str | None) -> bool:
        words = f"{record['summary']} {record['data'][REFERENCE]}".split()
        return not text or finds(word in words for word in text.split())

    service._is_found = matches
    for number in range(150):
        service.add("12 hosts", {REFERENCE: f"QRadar {number} {WORKSPACE.replace('a', 'b')}"})
    service.tickets["CTC-0054"]["data"][REFERENCE] = f"QRadar 12 {WORKSPACE}"
    options = task(fields={"Incident Reference": f"QRadar 12 {WORKSPACE}"})
    if is_found:
        assert keep(service, options).values["object_id"] == "CTC-0054"
    else:
        with pytest.raises(ApiError):
            keep(service, options)
    assert service.count("create_ticket") == 0


def test_all_words_are_not_searched_for_if_one_is_enough():
    service = with_ticket(rows="ids")
    assert ids(find_matches(service, replace(BY_REFERENCE, full_text="SEN-1 and more"), False)) == ["CTC-0054"]
    assert service.count("tickets_page") == 1


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
    ids=["characters", "blanks", "shortened", "unchanged"],
)
def test_ticket_is_found_by_the_summary_of_earlier_versions(rows, stored, wanted):
    service = with_ticket(stored, rows=rows, searched="summary", list_lag=60)
    service.hide_as_new("CTC-0054")
    result = keep(service, task(summary=wanted, fields={"Incident Reference": "SEN-1"}, unique_by=["summary"]))
    assert (result.values["object_id"], result.values["created"], service.writes) == ("CTC-0054", False, 1)


@pytest.mark.parametrize("stored", [f"{HEAD}{'x' * 300}", f"{HEAD}{'y' * 300}", f"{HEAD}x", f"{HEAD}\u2026"])
def test_shortened_summary_is_not_a_prefix(stored):
    service = with_ticket(stored)
    for wanted in (f"{HEAD}\u2026", f"{HEAD}{'x' * 301}", f"{HEAD}{'x' * 20}\u2026"):
        found = find_matches(service, replace(BY_SUMMARY, summary=wanted, text="Sentinel"), False)
        assert ids(found) == (["CTC-0054"] if stored == wanted else [])


def test_exact_summary_takes_precedence_if_it_counts():
    service = MemoryTicketing()
    for summary in (SUMMARY.replace(" ", "  "), SUMMARY, SUMMARY.replace(" ", "   ")):
        service.add(summary, MINE)
    matches = find_matches(service, BY_SUMMARY, False).matches
    assert len(matches) == 3
    assert [record["summary"] for record in prefer_exact(matches, BY_SUMMARY)] == [SUMMARY]
    assert prefer_exact(matches, BY_REFERENCE) == matches


def test_several_matches_are_ambiguous():
    service = with_ticket(page_size=1)
    service.add(SUMMARY, MINE)
    found = find_matches(service, BY_SUMMARY, False)
    assert ids(found) == ["CTC-0055", "CTC-0054"]
    with pytest.raises(ApiError) as caught:
        single_match(found.matches, "ticket 'a'")
    assert caught.value.category == "ambiguous_match"
    assert_message(caught.value.message, "'a'", 2, "CTC-0054", "CTC-0055", "object_id", "unique_by")
    assert single_match(found.matches[:1], "ticket 'a'") is found.matches[0]
    assert single_match([], "ticket 'a'") is None


# --- closed tickets -------------------------------------------------------------------------------------------------


@SEARCHES
@pytest.mark.parametrize("include_done", [False, True])
def test_closed_ticket_matches_only_with_include_done(search, include_done):
    service = with_ticket()
    service.tickets["CTC-0054"].update(CLOSED)
    found = search(service, BY_SUMMARY, include_done)
    assert (ids(found), found.done) == ((["CTC-0054"], []) if include_done else ([], ["CTC-0054"]))
    # The ticket is read, because it may have been reopened.
    assert service.count("ticket") == 1


@pytest.mark.parametrize("rows, include_done, reads", [("fat", False, 3), ("fat", True, 5), ("thin", False, 5)])
def test_reads_of_closed_tickets_are_limited(monkeypatch, rows, include_done, reads):
    monkeypatch.setattr(ticket_search, "MAX_DONE_READS", 3)
    service = MemoryTicketing(rows=rows)
    for _number in range(5):
        service.add(SUMMARY, MINE, **CLOSED)
    found = find_matches(service, BY_SUMMARY, include_done)
    assert [*ids(found), *found.done] == ["CTC-0058", "CTC-0057", "CTC-0056", "CTC-0055", "CTC-0054"]
    assert bool(found.done) != include_done
    assert service.count("ticket") == reads


#: A status whose options have an id, a value and a label.
STATUSES = Field(
    STATUS,
    "status",
    "Status",
    "select",
    choices=(Choice("r", ("r", "7", "Resolved")), Choice("c", ("c", "8", "Closed"))),
)


@pytest.mark.parametrize("rows", ["fat", "ids"])
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
        # The field differs from the status.
        (STATUSES, "r", "c", False),
        (Field("f9", "", "State", "workflow"), "resolved", "Open", True),
        (Field("f9", "", "State", "workflow"), "closed", "closed", False),
    ],
)
def test_closed_ticket_matches_if_its_status_is_requested(rows, kind, value, stored, is_wanted):
    service = with_ticket(rows=rows)
    service.tickets["CTC-0054"].update(CLOSED)
    service.tickets["CTC-0054"]["data"][STATUS] = stored
    found = find_matches(service, replace(BY_SUMMARY, selected=((kind, value),)), False)
    assert (ids(found), found.done) == ((["CTC-0054"], []) if is_wanted else ([], ["CTC-0054"]))


@pytest.mark.parametrize("category, is_done", [("Done Category", True), ("To-do Category", False), (None, False)])
def test_closed_row_counts_as_closed_unless_its_status_is_wanted(category, is_done):
    record = {"status_category": category, "status_type": "Resolved"}
    requested = replace(BY_SUMMARY, selected=((STATUSES, "r"),))
    assert BY_SUMMARY.counts_as_done(record) is is_done
    assert requested.counts_as_done({**record, "status_type": None}) is is_done
    # A row that does not show its fields is judged by its status.
    assert not requested.counts_as_done(record)


# --- hidden and moved tickets ---------------------------------------------------------------------------------------


@SEARCHES
@pytest.mark.parametrize(
    "wanted, change, hidden",
    [
        (BY_SUMMARY, {"lookup_props": None}, {"team_id", "item_type_id"}),
        # A name does not prove that the ticket type is another one.
        (BY_SUMMARY, {"lookup_props": {"teamId": "soc", "itemTypeId": "Security Incident"}}, {"item_type_id"}),
        (BY_SUMMARY, {"data": {REFERENCE: "SEN-1"}}, {"offer_id"}),
        (BY_SUMMARY, {"data": None}, {"offer_id"}),
        (BY_SUMMARY, {"summary": ...}, {"summary"}),
    ],
    ids=["location", "ticket type", "offer", "fields", "summary"],
)
def test_ticket_that_hides_its_identity_stops_the_search(search, wanted, change, hidden):
    service = with_ticket(rows="ids")
    record = {**service.tickets["CTC-0054"], **change}
    service.tickets["CTC-0054"] = {name: value for name, value in record.items() if value is not ...}
    error = failure(find_all(service), wanted, search)
    assert error.category == "contract"
    assert_message(error.message, "CTC-0054", "may be the requested one", "object_id", *hidden)
    others = {"team_id", "item_type_id", "offer_id", "summary"} - hidden
    assert not any(has_fact(error.message, name) for name in others)


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_ticket_moved_to_another_team_is_ambiguous(rows):
    service = with_ticket(rows=rows)
    service.tickets["CTC-0054"].update(
        moved_to="Network team", lookup_props={"teamId": "network", "itemTypeId": "16920"}
    )
    error = failure(service)
    assert error.category == "ambiguous_match"
    assert_message(error.message, "CTC-0054", "moved", "team network", "object_id")
    assert similar(find_matches(service, replace(BY_SUMMARY, summary=SUMMARY.upper()), False)) == ["CTC-0054"]
    assert ids(find_matches(service, replace(BY_SUMMARY, team_id="network"), False)) == ["CTC-0054"]
    service.tickets["CTC-0054"].update(CLOSED)
    assert find_matches(service, BY_SUMMARY, False) == SearchResult()
    service.tickets["CTC-0054"].update(lookup_props=None)
    assert find_matches(service, BY_SUMMARY, False) == SearchResult([], ["CTC-0054"])


# --- rows -----------------------------------------------------------------------------------------------------------

LONG = "Sentinel incident 7c2a1e8f: <script> seen on SRV-DC02, 50 % of CPU"


@pytest.mark.parametrize(
    "shown",
    [
        LONG,
        f" {LONG}\n",
        "<em>Sentinel</em> <em>incident</em> 7c2a1e8f: <script> seen on SRV-DC02, 50 % of CPU",
        "Sentinel incident 7c2a1e8f:  seen on SRV-DC02, 50 % of CPU",
        "<mark>Sentinel</mark> incident ...",
        "...",
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
def test_row_that_may_show_the_summary_is_read(shown):
    service = change_rows(with_ticket(LONG), summary=shown)
    assert ids(find_matches(service, replace(BY_SUMMARY, summary=LONG, text="Sentinel"), False)) == ["CTC-0054"]


@pytest.mark.parametrize(
    "shown",
    ["Sentinel incident 8...", f"{LONG} and more...", "<em>Sentinel</em> incident 7c2a1e8f: another", 7],
    ids=repr,
)
def test_row_that_shows_another_summary_is_not_read(shown):
    service = change_rows(with_ticket(LONG), summary=shown)
    assert find_matches(service, replace(BY_SUMMARY, summary=LONG, text="Sentinel"), False) == SearchResult()
    assert service.count("ticket") == 0


@pytest.mark.parametrize("rows", ["marked", "cut", "ids"])
@SEARCHES
def test_read_decides_between_similar_rows(search, rows):
    service = with_ticket(rows=rows)
    service.add(f"<em>{SUMMARY}</em>", MINE)
    service.add(f"{SUMMARY} ...", MINE)
    assert ids(search(service, BY_SUMMARY, False)) == ["CTC-0054"]


REFERENCE_TEXT = "AT&T-7c2a1e8f 3f2b8c1e"


@pytest.mark.parametrize(
    "change, is_read",
    [
        *(
            ({"data": {REFERENCE: shown}}, True)
            for shown in (
                *(None, "", ["x"], "AT&T-7c2a", "AT&T-7c2a...", "AT&amp;T-7c2a1e8f 3f2b8c1e"),
                *("AT&T-<em>7c2a1e8f</em> 3f2b8c1e", "to follow", "to be filled in by the analyst", "AT&T-8d3b..."),
            )
        ),
        ({"data": {"offerId": 23640}}, True),
        ({"lookup_props": {"teamId": "soc", "itemTypeId": "Security Incident"}}, True),
        ({"deleted_seq": 0}, True),
        ({"data": {REFERENCE: "AT&T-8d3b2f90 3f2b8c1e"}}, False),
        ({"data": {REFERENCE: f"{REFERENCE_TEXT}1"}}, False),
    ],
    ids=repr,
)
def test_row_is_read_unless_it_shows_another_reference(change, is_read):
    service = change_rows(with_ticket(data={REFERENCE: REFERENCE_TEXT}, list_lag=60), **change)
    service.hide_as_new("CTC-0054")
    wanted = replace(BY_REFERENCE, values=((field_of(REFERENCE), REFERENCE_TEXT),), text="7c2a1e8f")
    assert len(ids(find_matches(service, wanted, False))) == service.count("ticket") == int(is_read)


def test_row_with_another_reference_without_digits_is_not_read():
    service = find_all(with_ticket(data={REFERENCE: "gamma delta"}))
    wanted = replace(BY_REFERENCE, values=((field_of(REFERENCE), "alpha beta"),))
    assert find_matches(service, wanted, False) == SearchResult()
    assert service.count("ticket") == 0


# --- the newest tickets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
@pytest.mark.parametrize("wanted", [BY_SUMMARY, BY_REFERENCE], ids=["summary", "reference"])
def test_ticket_missing_in_the_search_is_among_the_newest(rows, wanted):
    service = with_ticket(rows=rows, search_lag=60)
    crowd(service, 2)
    service.hide_as_new("CTC-0054")
    assert find_matches(service, wanted, False) == SearchResult()
    assert ids(find_among_newest(service, wanted, False)) == ["CTC-0054"]
    order = {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}
    assert service.searches[-1] == {**order, "top": 100, "offset": 0}


@pytest.mark.parametrize("page_size", [1, 3, 100])
@pytest.mark.parametrize("others, is_found", [(4, True), (5, False)])
def test_number_of_newest_rows_is_limited(monkeypatch, others, is_found, page_size):
    for module in (ticket_list, ticket_search):
        monkeypatch.setattr(module, "MAX_PAGE_SIZE", 5)
    service = with_ticket(page_size=page_size)
    crowd(service, others)
    assert ids(find_among_newest(service, BY_SUMMARY, False)) == (["CTC-0054"] if is_found else [])
    # Rows that show another identity do not count as reads.
    assert service.count("ticket") == int(is_found)


@pytest.mark.parametrize("others, is_found", [(2, True), (3, False)])
def test_number_of_newest_reads_is_limited(monkeypatch, others, is_found):
    monkeypatch.setattr(ticket_search, "MAX_NEWEST_READS", 3)
    service = with_ticket(rows="ids")
    crowd(service, others)
    assert ids(find_among_newest(service, BY_REFERENCE, False)) == (["CTC-0054"] if is_found else [])
    assert service.count("ticket") == 3


def test_newest_ticket_that_the_account_may_not_read_is_skipped():
    service = with_ticket(faults={"ticket": [Fault(answered(403))]}, rows="ids")
    service.add("Another", {})
    assert ids(find_among_newest(service, BY_SUMMARY, False)) == ["CTC-0054"]
    assert service.count("ticket") == 2


@SEARCHES
@pytest.mark.parametrize(
    "error",
    # A new ticket may be listed before it can be read.
    [answered(404, html=True), answered(401), answered(503), answered(404, text="Tenant not found")],
    ids=["404", "401", "503", "tenant"],
)
def test_unreadable_candidate_stops_the_search(search, error):
    raised = failure(find_all(with_ticket(faults={"ticket": [Fault(error)]}, rows="ids")), BY_SUMMARY, search)
    assert raised.category == error.category
    assert_message(raised.message, "CTC-0054", "read", "may be the requested one", error.http_status)


# --- unreadable and odd tickets -------------------------------------------------------------------------------------

#: Failures of a read that affect one ticket.
SINGLE_TICKET_FAILURES = {
    "500": answered(500),
    "403": answered(403),
    "404": answered(404, html=True),
    "no record": ApiError("The response does not fit the API contract.", "contract", http_status=200),
}


def with_unreadable_ticket(error: ApiError) -> MemoryTicketing:
    """Return a service with the wanted ticket, and the same one in another team, CTC-0055, which cannot be read."""
    service = with_ticket()
    service.add(SUMMARY, MINE, team="james")
    read = service.ticket

    def ticket(object_id: str) -> dict[str, Any]:
        if object_id == "CTC-0055":
            raise error
        return read(object_id)

    service.ticket = ticket
    return service


@SEARCHES
@pytest.mark.parametrize("error", SINGLE_TICKET_FAILURES.values(), ids=SINGLE_TICKET_FAILURES)
def test_unreadable_ticket_of_another_team_is_skipped(search, error):
    service = with_unreadable_ticket(error)
    assert ids(search(service, BY_SUMMARY, False)) == ["CTC-0054"]
    # The team is enough if the row shows nothing else.
    service._row = lambda record, text=None: {
        "object_id": record["object_id"],
        "lookup_props": {"teamId": record["lookup_props"]["teamId"]},
    }
    assert ids(search(service, BY_SUMMARY, False)) == ["CTC-0054"]


@pytest.mark.parametrize(
    "row",
    [
        {"moved_to": "james"},
        {"lookup_props": None},
        {"lookup_props": {"teamId": "", "itemTypeId": "16920"}},
        {"lookup_props": {"teamId": "SOC", "itemTypeId": "16920"}},
        # A name, which may be that of the wanted team.
        {"lookup_props": {"teamId": "Security Operations", "itemTypeId": "16920"}},
        # The row shows the wanted summary, but not whether the ticket was moved.
        {"moved_to": ...},
    ],
    ids=repr,
)
def test_unreadable_ticket_that_may_match_stops_the_search(row):
    error = failure(change_rows(with_unreadable_ticket(answered(500)), **row))
    assert error.category == "unavailable"
    assert_message(error.message, "CTC-0055", "read", "may be the requested one", 500)


@pytest.mark.parametrize("error", [answered(401), answered(404, text="Tenant not found"), answered(429)])
def test_failure_that_affects_every_read_stops_the_search(error):
    assert failure(with_unreadable_ticket(error)).http_status == error.http_status


def test_deleted_row_whose_ticket_is_not_found_is_skipped():
    service = with_unreadable_ticket(answered(404, html=True))
    service.tickets["CTC-0055"].update(deleted_seq=3, lookup_props={"teamId": "soc", "itemTypeId": "16920"})
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]
    service.tickets["CTC-0055"].update(deleted_seq=-1)
    assert failure(service).category == "not_found"


@pytest.mark.parametrize(
    "change", [{"etag": None}, {"data": None}, {"data": []}, {"lookup_props": {"teamId": "james"}}], ids=repr
)
def test_incomplete_ticket_of_another_team_is_skipped(change):
    service = find_all(with_ticket(rows="ids"))
    service.add(SUMMARY, MINE, team="james").update(change)
    service.add("Another", {})["data"] = None
    assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


def hide_display_ids(service: MemoryTicketing, *object_ids: str) -> None:
    whole = service._row
    service._row = lambda record, text=None: {
        name: value
        for name, value in whole(record).items()
        if name not in ("object_id", "objectId") or value not in object_ids
    }


@SEARCHES
def test_row_of_another_ticket_without_display_id_is_skipped(search):
    service = with_ticket()
    service.add(f"{SUMMARY}: customer 1", MINE)
    service.add(SUMMARY, MINE, team="james")
    hide_display_ids(service, "CTC-0055", "CTC-0056")
    assert ids(search(service, BY_SUMMARY, False)) == ["CTC-0054"]


@SEARCHES
@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_row_without_display_id_that_may_match_stops_the_search(search, rows):
    service = with_ticket(rows=rows)
    hide_display_ids(service, "CTC-0054")
    error = failure(service, BY_SUMMARY, search)
    assert error.category == "contract"
    assert_message(error.message, repr(SUMMARY), "display id", "may be the requested one", "portal", "object_id")


@pytest.mark.parametrize("error", [answered(500), answered(404, html=True), SINGLE_TICKET_FAILURES["no record"], None])
@pytest.mark.parametrize(
    "title, is_other",
    [
        (PRINTER, True),
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
def test_newest_ticket_without_fields_is_judged_by_its_title(error, title, is_other):
    """Either the read fails, or it does not show the fields."""
    service = MemoryTicketing(rows="thin", faults={"ticket": [Fault(error)] if error else []})
    service.add("x", {}).update(summary=title, **({} if error else {"data": None}))
    if is_other:
        assert find_among_newest(service, BY_REFERENCE, False) == SearchResult()
    else:
        raised = failure(service, BY_REFERENCE, find_among_newest)
        assert raised.category == (error.category if error else "contract")
        assert_message(raised.message, "CTC-0054", "may be the requested one")


@pytest.mark.parametrize("error", [answered(503), answered(401), None], ids=["503", "401", "hidden location"])
def test_title_does_not_count_for_general_failures_and_matches(error):
    service = with_ticket(PRINTER, rows="thin", shows_place=False, faults={"ticket": [Fault(error)] if error else []})
    raised = failure(service, BY_REFERENCE, find_among_newest)
    assert raised.category == (error.category if error else "contract")
    assert_message(raised.message, "CTC-0054", "may be the requested one")


# --- limits ---------------------------------------------------------------------------------------------------------


def test_likely_tickets_are_read_first_and_a_match_is_enough(monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_READS", 3)
    service = find_all(with_ticket())
    for _number in range(9):
        service.add(SUMMARY, {REFERENCE: None})
    assert ids(find_matches(service, BY_REFERENCE, False)) == ["CTC-0054"]
    assert service.count("ticket") == 3
    del service.tickets["CTC-0054"]
    assert failure(service, BY_REFERENCE).category == "ambiguous_match"


@pytest.mark.parametrize("change", [{"data": {"offerId": "23640"}}, {"deleted_seq": 0}], ids=["not shown", "deleted"])
def test_open_tickets_are_read_first(change):
    service = find_all(with_ticket(list_lag=60))
    for _number in range(ticket_search.MAX_READS):
        service.add(SUMMARY, {REFERENCE: None}, **CLOSED)
    assert ids(find_matches(change_rows(service, **change), BY_REFERENCE, False)) == ["CTC-0054"]


def test_search_and_list_share_the_limit_of_reads(monkeypatch):
    monkeypatch.setattr(ticket_search, "MAX_READS", 3)
    service = MemoryTicketing(rows="ids")
    for number in range(4):
        service.add(f"Another {number}", {REFERENCE: f"SEN-{number + 2}"})
    found = service._is_found
    service._is_found = lambda record, text: record["object_id"] < "CTC-0056" if text else found(record, text)
    with pytest.raises(ApiError) as caught:
        keep(service, task(fields={"Incident Reference": "SEN-1"}))
    assert (caught.value.category, service.writes, service.count("ticket")) == ("ambiguous_match", 0, 3)


@pytest.mark.parametrize("limit, is_exceeded", [(8, False), (7, True)])
def test_number_of_search_rows_is_limited(monkeypatch, limit, is_exceeded):
    service = with_ticket(page_size=3)
    crowd(service, 7)
    monkeypatch.setattr(ticket_search, "MAX_ROWS", limit)
    # A match is enough.
    assert ids(find_matches(service, replace(BY_SUMMARY, summary=f"{SUMMARY}: customer 6"), False)) == ["CTC-0061"]
    if is_exceeded:
        error = failure(service)
        assert error.category == "ambiguous_match"
        assert_message(error.message, repr(SUMMARY), "more tickets")
    else:
        assert ids(find_matches(service, BY_SUMMARY, False)) == ["CTC-0054"]


def test_default_limits():
    assert (ticket_search.MAX_ROWS, ticket_search.MAX_READS) == (2000, 100)
    assert (ticket_search.MAX_DONE_READS, ticket_search.MAX_NEWEST_READS, ticket_search.MAX_PAGE_SIZE) == (20, 20, 100)
