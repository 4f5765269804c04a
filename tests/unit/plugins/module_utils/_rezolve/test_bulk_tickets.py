# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of tickets: which entries are about the same one, and what is read for all of them together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkItem, resolve_duplicates
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import bulk_tickets
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.bulk_tickets import (
    KEY_LENGTH,
    TICKETS,
    group_by_ticket,
    parse_items,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog_cache import CatalogCache
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options, resolve_new
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_search import find_among_newest, find_matches
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    HOSTS,
    OFFERS,
    REFERENCE,
    SUMMARY,
    Fault,
    MemoryTicketing,
    answered,
    broken,
    named,
    task,
)

BY_SUMMARY = {"unique_by": ["summary"]}
BY_REFERENCE = {"unique_by": ["Incident Reference"]}
BY_HOSTS = {"unique_by": ["Affected Hosts"]}


def incident(reference: str = "SEN-1", **changes: Any) -> dict[str, Any]:
    fields = {"Incident Reference": reference, **(changes.pop("fields", None) or {})}
    return task(fields=fields, **changes)


def hosts(count: Any, **changes: Any) -> dict[str, Any]:
    """The ticket of so many hosts, whatever else it says."""
    return incident(**{**BY_HOSTS, "fields": {"Affected Hosts": count}, **changes})


def names(*options: Mapping[str, Any]) -> list[Any]:
    """What the ticket of each entry is called, and that no entry was refused."""
    entries = parse_items(MemoryTicketing(), options)
    assert [str(entry.failure) for entry in entries] == ["None"] * len(options)
    return [entry.key for entry in entries]


def are_same(*options: Mapping[str, Any]) -> bool:
    """Whether all entries are about one ticket; if not, each must be about one of its own."""
    count = len(set(names(*options)))
    assert count in (1, len(options))
    return count == 1


# --- which entries are about the same ticket ------------------------------------------------------------------------


def test_by_id_and_by_name_it_is_the_same_ticket_with_the_same_end():
    by_id = task(item_type=None, item_type_id="16920", offer=None, offer_id="23640")
    with_uuid = {**task(), "fields": {REFERENCE: "SEN-7c2a1e8f", "urgency": "high"}}
    entries = parse_items(MemoryTicketing(), [task(), by_id, with_uuid, task(item_type=None)])
    judged, leaders = resolve_duplicates(entries)
    assert leaders == [0, 0, 0, 0]
    assert [entry.failure for entry in judged] == [None] * 4


@pytest.mark.parametrize(
    "change",
    [
        {"team_id": "james"},
        {"offer": "Security review"},
        {"offer": "Anything else"},
        {"summary": "Another"},
    ],
    ids=str,
)
def test_another_place_or_summary_is_another_ticket(change):
    assert not are_same(task(**BY_SUMMARY), task(**BY_SUMMARY, **change))


def test_blanks_around_a_summary_do_not_count():
    assert are_same(task(**BY_SUMMARY), task(**BY_SUMMARY, summary=f" {SUMMARY}\t"))


@pytest.mark.parametrize("options", [{}, BY_SUMMARY], ids=["field", "summary"])
def test_spellings_of_one_identity_create_no_two_tickets(options):
    spellings = (
        "R\u00e9 1",
        "Re\u0301 1",
        "R\u00e9 1 ",
        " R\u00e9 1",
        "R&eacute; 1",
        "r\u00c9 1",
        "R\u00e9  1 \U0001f525",
    )
    entries = parse_items(
        MemoryTicketing(), [incident(text, summary=text.strip() if options else "Any", **options) for text in spellings]
    )
    assert len({entry.key for entry in entries}) == 1
    judged, _leaders = resolve_duplicates(entries)
    assert all(entry.failure for entry in judged)


def test_summaries_that_begin_alike_are_not_each_compared_with_each(monkeypatch):
    compared: list[str] = []
    is_same = bulk_tickets.is_same_summary
    monkeypatch.setattr(
        bulk_tickets, "is_same_summary", lambda shown, wanted: compared.append(shown) or is_same(shown, wanted)
    )
    assert not are_same(*(incident(summary=f"{'x' * KEY_LENGTH} {number}", **BY_SUMMARY) for number in range(50)))
    assert len(compared) == 50


def test_the_summary_counts_only_where_it_is_asked_for():
    assert are_same(incident(summary="One"), incident(summary="Two"))
    assert not are_same(incident("SEN-1"), incident("SEN-2"))
    assert are_same(incident("SEN-1", **BY_SUMMARY), incident("SEN-2", **BY_SUMMARY))
    both = {"unique_by": ["Incident Reference", "summary"]}
    assert are_same(incident(**both), incident(**both))
    assert not are_same(incident(**both), incident(summary="Two", **both))
    assert not are_same(incident("SEN-1", **both), incident("SEN-2", **both))


def test_one_search_that_finds_what_is_made_for_the_other_is_enough():
    """The first one looks for its reference, which the second one's ticket would have; that one looks for a summary."""
    first, second = incident("SEN-1", summary="One"), incident("SEN-1", summary="Two", **BY_SUMMARY)
    assert are_same(first, second)
    assert are_same(second, first)
    # Here, neither search would find the other's ticket.
    assert not are_same(first, incident("SEN-2", summary="Two", **BY_SUMMARY))


@pytest.mark.parametrize("first, second", [("One  \u200d", "One \ufffd"), ("x" * 300, "x" * 254 + "\u2026")], ids=ascii)
def test_summary_is_the_same_in_a_former_spelling(first, second):
    former = incident("SEN-1", summary=first)
    assert are_same(former, incident("SEN-2", summary=second, **BY_SUMMARY))
    assert not are_same(former, incident("SEN-2", summary=f"{second}.", **BY_SUMMARY))


def test_three_may_be_one_ticket_because_of_the_one_in_between():
    first = incident("SEN-1", summary="One")
    between = incident("SEN-1", summary="Two")
    last = incident("SEN-9", summary="Two", **BY_SUMMARY)
    assert not are_same(first, last)
    assert are_same(first, last, between)
    assert are_same(between, last, first)


@pytest.mark.parametrize("first, second", [(5, "5"), (5, 5.0), ("5", "5.0"), ("5.0", 5), (0, "0")], ids=repr)
def test_a_number_is_the_same_in_any_spelling(first, second):
    assert are_same(hosts(first), hosts(second))
    assert are_same(hosts(first, **BY_SUMMARY), hosts(second))


def test_long_numbers_are_compared_with_all_their_digits():
    assert not are_same(hosts(9007199254740992), hosts(9007199254740993))
    assert are_same(hosts(9007199254740993), hosts("9007199254740993"))


@pytest.mark.parametrize("first, second", [(5, "5"), (-7, "-7")], ids=repr)
def test_a_number_for_a_text_is_that_text(first, second):
    assert are_same(incident(first), incident(second))


@pytest.mark.parametrize("first, second", [("5", "5.0"), ("SEN-1", "SEN1"), ("05", "5")], ids=repr)
def test_texts_are_compared_as_texts(first, second):
    assert not are_same(incident(first), incident(second))


@pytest.mark.parametrize(
    "first, second, same",
    [
        (5, "5", True),
        (5, 5, True),
        ("2026-11-21T02:40:00Z", "2026-11-21T02:40:00.000Z", True),
        ("2026-11-21T02:40:00Z", "2026-11-21T03:40:00+01:00", True),
        ("2026-11-21T02:40:00Z", "2026-11-21T02:40:01Z", False),
        (10**400, 10**400, True),
        (10**400, 10**400 + 1, False),
        (10**400, "x", False),
        ("a", "b", False),
    ],
    ids=lambda value: str(value)[:24],
)
def test_values_of_a_field_of_an_unknown_type_are_compared_as_the_search_does(first, second, same):
    where = {"unique_by": ["Where"]}
    assert are_same(task(fields={"Where": first}, **where), task(fields={"Where": second}, **where)) is same


def test_spellings_that_only_a_third_one_has_in_common():
    where = {"unique_by": ["Where"]}
    texts = [task(fields={"Where": text}, **where) for text in ("5", "5.0")]
    assert not are_same(*texts)
    assert are_same(*texts, task(fields={"Where": 5}, **where))
    assert are_same(task(fields={"Where": 5}, **where), *texts)


def test_an_option_is_the_same_by_label_and_value():
    high, again, low = (
        {**task(unique_by=["Urgency"]), "fields": {"Incident Reference": "SEN-1", name: value}}
        for name, value in (("Urgency", "High"), ("urgency", "1"), ("Urgency", "low"))
    )
    assert are_same(high, again)
    assert not are_same(high, low)


@pytest.mark.parametrize("field, value, empty", [("Affected Hosts", 5, None), ("impact_business", "x", "")])
def test_a_ticket_without_the_value_that_is_searched_for_is_another_one(field, value, empty):
    searched = task(summary="One", fields={field: value}, unique_by=[field])
    without = task(summary="Two", fields={"Incident Reference": "SEN-2", field: empty})
    assert not are_same(searched, without)
    # Two without it are not the same for that.
    assert not are_same(without, task(summary="Three", fields={"Incident Reference": "x", field: empty}), searched)


def test_where_the_other_does_not_name_the_field_nothing_is_found():
    assert not are_same(hosts(5, summary="One"), incident("SEN-9", summary="Two"))


def test_named_tickets_are_the_same_by_their_display_id_in_any_case():
    assert names(named("CTC-0054"), named("CTC-0055"), named(" ctc-0054 "))[0] != names(named("CTC-0055"))[0]
    first, other, again = names(named("CTC-0054"), named("CTC-0055"), named(" ctc-0054 "))
    assert first == again != other


def test_a_named_ticket_and_one_to_be_found_are_not_known_to_be_the_same():
    assert not are_same(named("CTC-0054"), task())


@pytest.mark.parametrize(
    "options, changes",
    [
        (task(), {"fields": {**task()["fields"], "Urgency": "low"}}),
        (task(), {"summary": "Another"}),
        (task(), {"include_done": True}),
        (task(), {"ignore_fields": ["Urgency"]}),
        (task(), {"unique_by": ["Incident Reference", "summary"]}),
        (task(), {"source": "soar"}),
        (task(), {"attachments": {"a": 1}}),
        (task(), {"ticket_relation": {"a": 1}}),
        (named("CTC-0054", fields={"Urgency": "low"}), {"fields": {"Urgency": "high"}}),
        (named("CTC-0054", fields={"Urgency": "low"}), {"object_id": "ctc-0054", "fields": {"Urgency": "high"}}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_different_ends_of_the_same_ticket_are_at_odds(options, changes):
    entries = parse_items(MemoryTicketing(), [options, {**options, **changes}, options])
    judged, leaders = resolve_duplicates(entries)
    assert len({entry.key for entry in entries}) == 1
    called = "ticket CTC-0054" if "object_id" in options else f"ticket {options['summary']!r} (team soc)"
    assert [f"ask for different ends of {called}. " in str(entry.failure) for entry in judged] == [True] * 3
    assert leaders == [0, 1, 2]


def test_the_same_named_ticket_is_handled_once():
    first = named("CTC-0054", fields={"Urgency": "low"})
    _judged, leaders = resolve_duplicates(parse_items(MemoryTicketing(), [first, {**first, "object_id": "ctc-0054"}]))
    assert leaders == [0, 0]


def test_orders_of_the_same_end_are_the_same_and_have_the_same_hash():
    one, two, other = (
        entry.wanted for entry in parse_items(MemoryTicketing(), [named("CTC-1"), named("ctc-1"), named("CTC-2")])
    )
    assert (one == two, hash(one) == hash(two)) == (True, True)
    assert one != other
    assert one != "CTC-1"


def test_the_order_of_the_list_makes_no_difference():
    options = [
        incident("SEN-1", summary="One"),
        incident("SEN-2", summary="Two"),
        incident("SEN-1", summary="Three"),
        incident("SEN-9", summary="Two", **BY_SUMMARY),
    ]
    first, second, third, fourth = names(*options)
    assert (first == third, second == fourth, first == second) == (True, True, False)
    fourth, third, second, first = names(*reversed(options))
    assert (first == third, second == fourth, first == second) == (True, True, False)


def test_what_has_no_goal_has_no_name():
    resolved = resolve_new(MemoryTicketing(), parse_options(task()))
    assert group_by_ticket([]) == []
    first, none, second = group_by_ticket([resolved, None, resolved])
    assert none is None
    assert first is not None
    assert first == second


def found_for(tickets: Sequence[Any]) -> list[int]:
    """For each goal the first of its ticket, by making each ticket and searching it for each goal."""
    leaders = list(range(len(tickets)))
    for made, resolved in enumerate(tickets):
        service = MemoryTicketing()
        location = resolved.identity.location
        service.add(
            resolved.identity.title, resolved.values, team=location["team_id"], item_type=location["item_type_id"]
        )
        for record in service.tickets.values():
            record["data"]["offerId"] = location["offer_id"]
        for searching, other in enumerate(tickets):
            # As the operation does: what the search does not show is looked for among the newest.
            found, newest = (find(service, other.identity, True) for find in (find_matches, find_among_newest))
            if found.matches or newest.matches or found.similar or newest.similar:
                low, high = sorted((leaders[made], leaders[searching]))
                leaders = [low if leader == high else leader for leader in leaders]
    return leaders


TASKS = st.builds(
    lambda place, summary, reference, count, where, unique_by: {
        **place,
        "item_type": "Security Incident",
        "summary": summary,
        "fields": {"Incident Reference": reference, "Urgency": "high", "Affected Hosts": count, "Where": where},
        "unique_by": unique_by,
    },
    st.sampled_from(
        [
            {"team_id": "soc", "offer": "Report a security incident"},
            {"team_id": "soc", "offer_id": "23640"},
            {"team_id": "soc", "offer": "Security review"},
            {"team_id": "james", "offer_id": "23640"},
        ]
    ),
    st.sampled_from(["One", "Two", "One \ufffd", "One  \u200d", "x" * 300, "x" * 254 + "\u2026"]),
    st.sampled_from(["a", "b", 5]),
    st.sampled_from([5, "5", "5.0", 6]),
    st.sampled_from([5, "5", "5.0", "2026-11-21T02:40:00Z", "2026-11-21T02:40:00.000Z"]),
    st.lists(
        st.sampled_from(["summary", "Incident Reference", "Affected Hosts", "Where"]),
        min_size=1,
        max_size=2,
        unique=True,
    ),
)


@settings(max_examples=40)
@given(st.lists(TASKS, min_size=2, max_size=5))
def test_entries_share_a_ticket_if_one_search_finds_what_the_other_made(options):
    catalog = MemoryTicketing()
    tickets = [resolve_new(catalog, parse_options(entry)) for entry in options]
    shared = group_by_ticket(tickets)
    assert [shared.index(name) for name in shared] == found_for(tickets)


# --- the check of the list ------------------------------------------------------------------------------------------


def test_an_entry_is_named_by_its_identifiers():
    entries = parse_items(MemoryTicketing(), [task(), named("CTC-0054"), {}])
    assert [entry.identifiers for entry in entries] == [
        {"object_id": None, "team_id": "soc", "summary": SUMMARY},
        {"object_id": "CTC-0054", "team_id": None, "summary": None},
        {"object_id": None, "team_id": None, "summary": None},
    ]


@pytest.mark.parametrize(
    "wrong, facts",
    [
        (
            {"offer": "Report a security incidence"},
            ["offer", "'Report a security incidence'", "'Report a security incident'"],
        ),
        ({"offer": None, "offer_id": "1"}, ["offer_id", "'1'"]),
        ({"item_type": "Incident"}, ["item_type", "'Incident'", "'Security Incident'"]),
        ({"fields": {"Incident Reference": "x", "Urgency": "none"}}, ["fields", "'Urgency'", "'none'"]),
        ({"summary": None}, ["add summary", "object_id"]),
        ({"unique_by": ["Detected At"]}, ["unique_by", "'Detected At'", "fields", "value"]),
    ],
    ids=str,
)
def test_what_the_catalog_does_not_have_fails_its_entry_only(wrong, facts):
    entries = parse_items(MemoryTicketing(), [task(), {**task(), **wrong}, named("CTC-0054")])
    assert [entry.failure is not None for entry in entries] == [False, True, False]
    failure = entries[1].failure
    assert failure is not None
    assert_message(failure.message, *facts, "written")
    assert failure.category == "configuration"
    assert entries[1].wanted is None


def test_odd_offer_fails_the_entry_that_uses_it():
    service = MemoryTicketing(catalog=[*OFFERS, {"id": "1", "name": "Odd", "item_type": {"id": "16920"}}])
    entries = parse_items(service, [task(), {**task(), "offer": "Odd"}])
    assert [entry.failure and entry.failure.category for entry in entries] == [None, "contract"]


@pytest.mark.parametrize("operation", ["offers", "ticket_types"])
@pytest.mark.parametrize(
    "error", [answered(503), answered(401), answered(403), broken(is_write=False), answered(400)], ids=str
)
def test_a_catalog_that_cannot_be_read_stops_the_task(operation, error):
    service = MemoryTicketing(faults={operation: [Fault(error)]})
    with pytest.raises(ApiError) as caught:
        parse_items(service, [task(), named("CTC-0054")])
    assert caught.value.category == error.category
    assert_message(caught.value.message, operation.replace("_", " "), "read", error.cause)
    assert service.count("tickets_page") == service.writes == 0


def test_a_refusal_by_the_service_is_not_the_entrys_mistake():
    """A redirect counts as a configuration error, too."""
    service = MemoryTicketing(faults={"offers": [Fault(answered(301))]})
    with pytest.raises(ApiError) as caught:
        parse_items(service, [task()])
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "offers", "read", 301)


def test_the_catalog_is_read_once_for_the_whole_list():
    service = MemoryTicketing()
    parse_items(service, [incident(f"SEN-{number}") for number in range(20)])
    once = MemoryTicketing()
    parse_items(once, [task()])
    assert service.calls == once.calls
    assert service.count("offers") == 1


def test_for_named_tickets_alone_no_catalog_is_read():
    service = MemoryTicketing()
    parse_items(service, [named("CTC-0054"), named("CTC-0055", fields={"Urgency": "low"})])
    assert service.calls == []


def test_a_list_may_mix_named_tickets_with_new_ones():
    service = MemoryTicketing()
    service.add("Old", {REFERENCE: "SEN-0"})
    result = keep_all(
        service,
        {"object_id": "CTC-0054", "fields": {"Affected Hosts": 7}},
        {"summary": "New", "fields": {"Incident Reference": "SEN-1"}},
        {"summary": "By id", "offer_id": "23640", "item_type_id": "16920", "fields": {"Incident Reference": "SEN-2"}},
        **{**task(), "fields": {}, "attachments": {"a": 1}},
    )
    messages = [entry.get("msg", "") for entry in result.values["results"]]
    # Neither an option of a new ticket with object_id, nor a name with its id.
    names = ("object_id", "offer", "offer_id", "item_type", "item_type_id")
    assert not any(has_fact(message, name) for message in messages for name in names)
    assert result.values["results"][0]["object_id"] == "CTC-0054"
    assert service.value("CTC-0054", HOSTS) == 7


# --- the memory of the catalog --------------------------------------------------------------------------------------


def test_many_threads_read_the_catalog_once():
    class Slow(MemoryTicketing):
        def offers(self) -> list[Mapping[str, Any]]:
            asked.set()
            assert may_answer.wait(30)
            return super().offers()

    asked, may_answer = threading.Event(), threading.Event()
    service, cache = Slow(), CatalogCache()
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(cache.wrap(service).offers) for _each in range(8)]
        assert asked.wait(30)
        may_answer.set()
        offers = [future.result(30) for future in reading]
    assert service.count("offers") == 1
    assert all(each == offers[0] for each in offers)


def test_pages_of_the_catalog_are_remembered_each():
    service = MemoryTicketing(type_page=2)
    api = CatalogCache().wrap(service)
    pages = [[entry["id"] for entry in api.ticket_types(2, skip)] for skip in (0, 2, 0, 2)]
    assert pages[:2] == pages[2:]
    assert pages[0] != pages[1]
    assert [len(api.ticket_types(top, 0)) for top in (1, 2)] == [1, 2]
    assert service.count("ticket_types") == 3


def test_what_could_not_be_read_is_not_asked_for_again():
    """Every other entry would wait for it anew."""
    service = MemoryTicketing(faults={"offers": [Fault(answered(503))]})
    api = CatalogCache().wrap(service)
    failures = []
    for _each in range(3):
        with pytest.raises(ApiError, match="HTTP 503") as caught:
            api.offers()
        failures.append(caught.value)
    assert [failure.as_dict() for failure in failures] == [answered(503).as_dict()] * 3
    # Each of them is its own, as threads add to what they raise.
    assert len({id(failure) for failure in failures}) == 3
    assert service.count("offers") == 1
    assert len(api.ticket_types(100, 0)) == 4


def test_nobody_changes_what_others_remember():
    api = CatalogCache().wrap(MemoryTicketing())
    api.offers().clear()
    api.ticket_types(100, 0).clear()
    assert len(api.offers()) == 6
    assert len(api.ticket_types(100, 0)) == 4


def test_all_but_the_catalog_goes_to_the_service():
    service = MemoryTicketing()
    record = service.add(SUMMARY, {REFERENCE: "SEN-1"})
    api = CatalogCache().wrap(service)
    assert api.request_ids is service.request_ids
    for _each in range(2):
        assert api.ticket("CTC-0054")["object_id"] == "CTC-0054"
        assert len(api.tickets_page({"top": 1, "offset": 0}).rows) == 1
    assert api.update_ticket("CTC-0054", record["etag"], {HOSTS: 7}) == service.tickets["CTC-0054"]["etag"]
    created = api.create_ticket("soc", "16920", resolve_new(service, parse_options(task())).body)
    assert created["object_id"] == "CTC-0055"
    assert (service.count("ticket"), service.count("tickets_page"), service.writes) == (2, 2, 2)


# --- the whole list -------------------------------------------------------------------------------------------------


class Locked:
    """A service that one thread at a time may talk to, as the memory's state is not made for more."""

    def __init__(self, service: MemoryTicketing) -> None:
        self._service = service
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._service, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            with self._lock:
                return found(*arguments)

        return call


def keep_all(
    service: MemoryTicketing, *entries: Mapping[str, Any], check_mode: bool = False, **shared: Any
) -> OperationResult:
    """Run a task with a list."""
    options = {**shared, "tickets": list(entries), "concurrency": 4}
    api = Locked(service)
    run = RunOptions(check_mode, 30, FakeClock())

    def bug(error: Exception, entry: Mapping[str, Any]) -> ApiError:
        raise AssertionError("a bug") from error

    return run_bulk(TICKETS, options, run, lambda _turns: api, SharedThrottle(4, 60, Clock()), bug)


def test_a_list_opens_each_ticket_once_and_a_second_run_none():
    service = MemoryTicketing()
    entries = [{"summary": f"Incident {number}", "fields": {"Incident Reference": f"SEN-{number}"}} for number in "123"]
    entries.append({"summary": "Incident 1", "offer": None, "fields": {REFERENCE: "SEN-1"}})
    shared = {**task(), "fields": {"Urgency": "high"}}
    first = keep_all(service, *entries, **shared)
    assert first.failure is None
    assert first.values["summary"] == {"total": 3, "changed": 3, "ok": 0, "failed": 0, "duplicates": 1}
    assert len(service.tickets) == 3
    assert {service.tickets[entry["object_id"]]["summary"] for entry in first.values["results"]} == {
        "Incident 1",
        "Incident 2",
        "Incident 3",
    }
    assert first.values["results"][3]["object_id"] == first.values["results"][0]["object_id"]
    assert all("ticket" not in entry for entry in first.values["results"])
    assert service.count("offers") == 1
    second = keep_all(service, *entries, **shared)
    assert second.values["summary"] == {"total": 3, "changed": 0, "ok": 3, "failed": 0, "duplicates": 1}
    assert len(service.tickets) == 3


def test_check_mode_writes_nothing():
    service = MemoryTicketing()
    result = keep_all(service, {"summary": "One"}, {"summary": "Two"}, check_mode=True, **incident(**BY_SUMMARY))
    assert result.values["summary"]["changed"] == 2
    assert service.writes == 0


def test_entries_that_contradict_each_other_open_no_ticket():
    service = MemoryTicketing()
    result = keep_all(
        service,
        {"fields": {"Urgency": "high"}},
        {"summary": "Another", "fields": {"Incident Reference": "SEN-2"}},
        {"fields": {"Urgency": "low"}},
        **incident(),
    )
    assert [entry["failed"] for entry in result.values["results"]] == [True, False, True]
    assert [record["summary"] for record in service.tickets.values()] == ["Another"]


def test_entry_types_are_what_a_list_wants():
    assert all(isinstance(entry, BulkItem) for entry in parse_items(MemoryTicketing(), [task(), {}]))
    assert (TICKETS.option, TICKETS.noun, TICKETS.merged_options) == ("tickets", "ticket", {"fields"})
