# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of tickets: which items belong to the same ticket, the cache of the catalog, and whole runs."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import resolve_duplicates
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import ticket_grouping as bulk_tickets
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog_cache import CatalogCache
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import parse_options, resolve_new
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_grouping import KEY_LENGTH
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_search import find_among_newest, find_matches
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.bulk_tickets import group_by_ticket
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
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
    parse_items,
    task,
)

BY_SUMMARY = {"unique_by": ["summary"]}


def incident(reference: Any = "SEN-1", **changes: Any) -> dict[str, Any]:
    return task(fields={"Incident Reference": reference, **changes.pop("fields", {})}, **changes)


def keys(*options: Mapping[str, Any]) -> list[Any]:
    items = parse_items(MemoryTicketing(), options)
    assert [str(item.failure) for item in items] == ["None"] * len(options)
    return [item.key for item in items]


def are_same(*options: Mapping[str, Any]) -> bool:
    """Return True if all items belong to one ticket; otherwise, each must belong to its own."""
    count = len(set(keys(*options)))
    assert count in (1, len(options))
    return count == 1


# --- items of the same ticket ---------------------------------------------------------------------------------------


def test_ids_and_names_request_the_same_changes():
    by_id = task(item_type=None, item_type_id="16920", offer=None, offer_id="23640")
    with_uuid = {**task(), "fields": {REFERENCE: "SEN-7c2a1e8f", "urgency": "high"}}
    items = parse_items(MemoryTicketing(), [task(), by_id, with_uuid, task(item_type=None)])
    judged, leaders = resolve_duplicates(items)
    assert leaders == [0, 0, 0, 0]
    assert [item.failure for item in judged] == [None] * 4


def test_long_summaries_are_not_compared_pairwise(monkeypatch):
    compared: list[str] = []
    is_same = bulk_tickets.is_same_summary
    monkeypatch.setattr(
        bulk_tickets, "is_same_summary", lambda shown, wanted: compared.append(shown) or is_same(shown, wanted)
    )
    assert not are_same(*(incident(summary=f"{'x' * KEY_LENGTH} {number}", **BY_SUMMARY) for number in range(50)))
    assert len(compared) == 50


def test_display_ids_are_not_case_sensitive():
    first, other, again, found = keys(named("CTC-0054"), named("CTC-0055"), named(" ctc-0054 "), task())
    assert first == again
    assert len({first, other, found}) == 3
    one, same, another = (
        item.wanted for item in parse_items(MemoryTicketing(), map(named, ("CTC-1", "ctc-1", "CTC-2")))
    )
    assert (one == same, hash(one) == hash(same), one == another, one == "CTC-1") == (True, True, False, False)


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
        (named("CTC-0054", fields={"Urgency": "low"}), {"object_id": "ctc-0054", "fields": {"Urgency": "high"}}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_conflicting_changes_of_one_ticket_fail(options, changes):
    items = parse_items(MemoryTicketing(), [options, {**options, **changes}, options])
    judged, leaders = resolve_duplicates(items)
    assert len({item.key for item in items}) == 1
    label = "ticket CTC-0054" if "object_id" in options else f"ticket {options['summary']!r} (team soc)"
    assert all(item.failure and label in item.failure.message for item in judged)
    assert leaders == [0, 1, 2]


def test_items_that_create_no_ticket_have_no_key():
    resolved = resolve_new(MemoryTicketing(), parse_options(task()))
    assert group_by_ticket([]) == []
    first, none, second = group_by_ticket([resolved, None, resolved])
    assert none is None
    assert first is not None
    assert first == second


def leaders_by_search(tickets: Sequence[Any]) -> list[int]:
    """Return the first ticket of each group, by creating each ticket and searching for every other one."""
    leaders = list(range(len(tickets)))
    for created, resolved in enumerate(tickets):
        service = MemoryTicketing()
        location = resolved.identity.location
        service.add(
            resolved.identity.title,
            {**resolved.values, "offerId": location["offer_id"]},
            team=location["team_id"],
            item_type=location["item_type_id"],
        )
        for searching, other in enumerate(tickets):
            results = (find(service, other.identity, True) for find in (find_matches, find_among_newest))
            if any(found.matches or found.similar for found in results):
                low, high = sorted((leaders[created], leaders[searching]))
                leaders = [low if leader == high else leader for leader in leaders]
    return leaders


LOCATIONS = [
    {"team_id": "soc", "offer": "Report a security incident"},
    {"team_id": "soc", "offer_id": "23640"},
    {"team_id": "soc", "offer": "Security review"},
    {"team_id": "james", "offer_id": "23640"},
]

#: Values by field, in equal and different notations.
VALUES: dict[str, list[Any]] = {
    "Incident Reference": ["a", "A ", "5", 5, "5.0"],
    "Affected Hosts": [5, "5", "5.0", 9007199254740992, "9007199254740993", None],
    "Urgency": ["High", "1", "low"],
    "Where": [5, "5", "5.0", "2026-11-21T02:40:00Z", "2026-11-21T03:40:00+01:00", 10**400, 10**400 + 1],
}

TASKS = st.builds(
    lambda location, summary, fields, unique_by: {
        **location,
        "item_type": "Security Incident",
        "summary": summary,
        "fields": fields,
        # A ticket without a value cannot be searched by it.
        "unique_by": [name for name in unique_by if fields.get(name, "") is not None] or ["summary"],
    },
    st.sampled_from(LOCATIONS),
    st.sampled_from(["One", " One\t", "Two", "One \ufffd", "One  \u200d", "x" * 300, "x" * 254 + "\u2026"]),
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}),
    st.lists(st.sampled_from(["summary", *VALUES]), min_size=1, max_size=2, unique=True),
)


@settings(max_examples=100)
@given(st.lists(TASKS, min_size=2, max_size=4))
def test_items_share_a_ticket_if_a_search_finds_the_other(options):
    catalog = MemoryTicketing()
    tickets = [resolve_new(catalog, parse_options(item)) for item in options]
    shared = group_by_ticket(tickets)
    assert [shared.index(name) for name in shared] == leaders_by_search(tickets)


# --- parsing --------------------------------------------------------------------------------------------------------


def test_items_are_identified_by_their_options():
    items = parse_items(MemoryTicketing(), [task(), named("CTC-0054"), {}])
    assert [item.identifiers for item in items] == [
        {"object_id": None, "team_id": "soc", "summary": SUMMARY},
        {"object_id": "CTC-0054", "team_id": None, "summary": None},
        {"object_id": None, "team_id": None, "summary": None},
    ]


@pytest.mark.parametrize(
    "wrong, category, facts",
    [
        ({"offer": "Report a security incidence"}, "configuration", ["offer", "'Report a security incident'"]),
        (
            {"fields": {"Incident Reference": "x", "Urgency": "none"}},
            "configuration",
            ["fields", "'Urgency'", "'none'"],
        ),
        ({"summary": None}, "configuration", ["Add summary", "object_id"]),
        ({"unique_by": ["Detected At"]}, "configuration", ["unique_by", "'Detected At'", "fields"]),
        ({"offer": "Odd"}, "contract", ["Odd"]),
    ],
    ids=str,
)
def test_item_that_does_not_fit_the_catalog_fails_alone(wrong, category, facts):
    service = MemoryTicketing(catalog=[*OFFERS, {"id": "1", "name": "Odd", "item_type": {"id": "16920"}}])
    items = parse_items(service, [task(), {**task(), **wrong}, named("CTC-0054")])
    assert [item.failure is not None for item in items] == [False, True, False]
    failure = items[1].failure
    assert failure is not None
    assert_message(failure.message, *facts, "written")
    assert (failure.category, items[1].wanted) == (category, None)


@pytest.mark.parametrize("operation", ["offers", "ticket_types"])
@pytest.mark.parametrize(
    # A redirect is a configuration error, too, but not one of the item.
    "error",
    [answered(503), answered(301), answered(403), broken(is_write=False), answered(400)],
    ids=str,
)
def test_unreadable_catalog_fails_the_task(operation, error):
    service = MemoryTicketing(faults={operation: [Fault(error)]})
    with pytest.raises(ApiError) as caught:
        parse_items(service, [task(), named("CTC-0054")])
    assert caught.value.category == error.category
    assert_message(caught.value.message, operation.replace("_", " "), "read", error.cause)
    assert service.count("tickets_page") == service.writes == 0


def test_catalog_is_read_once_and_only_for_new_tickets():
    service, single = MemoryTicketing(), MemoryTicketing()
    parse_items(service, [named("CTC-0054"), named("CTC-0055", fields={"Urgency": "low"})])
    assert service.calls == []
    parse_items(service, [incident(f"SEN-{number}") for number in range(20)])
    parse_items(single, [task()])
    assert service.calls == single.calls
    assert service.count("offers") == 1


# --- the cache of the catalog ---------------------------------------------------------------------------------------


def test_concurrent_threads_read_the_catalog_once():
    class Slow(MemoryTicketing):
        def offers(self) -> list[Mapping[str, Any]]:
            requested.set()
            assert may_respond.wait(30)
            return super().offers()

    requested, may_respond = threading.Event(), threading.Event()
    service, cache = Slow(), CatalogCache()
    with ThreadPoolExecutor(8) as pool:
        reading = [pool.submit(cache.wrap(service).offers) for _each in range(8)]
        assert requested.wait(30)
        may_respond.set()
        offers = [future.result(30) for future in reading]
    assert service.count("offers") == 1
    assert all(each == offers[0] for each in offers)


def test_pages_are_cached_separately_and_returned_as_copies():
    service = MemoryTicketing(type_page=2)
    api = CatalogCache().wrap(service)
    pages = [[entry["id"] for entry in api.ticket_types(2, skip)] for skip in (0, 2, 0, 2)]
    assert pages[:2] == pages[2:]
    assert pages[0] != pages[1]
    assert [len(api.ticket_types(top, 0)) for top in (1, 2)] == [1, 2]
    assert service.count("ticket_types") == 3
    api.ticket_types(2, 0).clear()
    api.offers().clear()
    assert (len(api.ticket_types(2, 0)), len(api.offers())) == (2, 6)


def test_failure_is_cached_and_raised_as_a_new_exception():
    service = MemoryTicketing(faults={"offers": [Fault(answered(503))]})
    api = CatalogCache().wrap(service)
    failures = []
    for _each in range(3):
        with pytest.raises(ApiError, match="HTTP 503") as caught:
            api.offers()
        failures.append(caught.value)
    assert [failure.as_dict() for failure in failures] == [answered(503).as_dict()] * 3
    assert len({id(failure) for failure in failures}) == 3
    assert service.count("offers") == 1
    assert len(api.ticket_types(100, 0)) == 4


def test_other_requests_are_not_cached():
    service = MemoryTicketing()
    record = service.add(SUMMARY, {REFERENCE: "SEN-1"})
    api = CatalogCache().wrap(service)
    assert api.request_ids is service.request_ids
    for _each in range(2):
        assert api.ticket("CTC-0054")["object_id"] == "CTC-0054"
        assert len(api.tickets_page({"top": 1, "offset": 0}).rows) == 1
    assert api.update_ticket("CTC-0054", record["etag"], {HOSTS: 7}) == service.tickets["CTC-0054"]["etag"]
    assert (service.count("ticket"), service.count("tickets_page"), service.writes) == (2, 2, 1)


# --- whole runs -----------------------------------------------------------------------------------------------------


def run_list(
    service: MemoryTicketing, *items: Mapping[str, Any], check_mode: bool = False, **shared: Any
) -> OperationResult:
    options = {**shared, "tickets": list(items), "concurrency": 1}

    def on_exception(error: Exception, item: Mapping[str, Any]) -> ApiError:
        raise AssertionError("a bug") from error

    run = RunOptions(check_mode, 30, FakeClock())
    return run_bulk(TICKETS, options, run, lambda _turns: service, SharedThrottle(4, 60, Clock()), on_exception)


def test_second_run_of_a_list_creates_no_ticket():
    service = MemoryTicketing()
    items = [{"summary": f"Incident {number}", "fields": {"Incident Reference": f"SEN-{number}"}} for number in "123"]
    items.append({"summary": "Incident 1", "offer": None, "fields": {REFERENCE: "SEN-1"}})
    shared = {**task(), "fields": {"Urgency": "high"}}
    predicted = run_list(service, *items, check_mode=True, **shared)
    assert (predicted.values["summary"]["changed"], service.writes) == (3, 0)
    first = run_list(service, *items, **shared)
    assert first.failure is None
    assert first.values["summary"] == {"total": 3, "changed": 3, "ok": 0, "failed": 0, "duplicates": 1}
    results = first.values["results"]
    assert {service.tickets[entry["object_id"]]["summary"] for entry in results} == {
        "Incident 1",
        "Incident 2",
        "Incident 3",
    }
    assert results[3]["object_id"] == results[0]["object_id"]
    assert all("ticket" not in entry for entry in results)
    second = run_list(service, *items, **shared)
    assert second.values["summary"] == {"total": 3, "changed": 0, "ok": 3, "failed": 0, "duplicates": 1}
    # Each run reads the catalog once.
    assert (len(service.tickets), service.count("offers")) == (3, 3)


def test_conflicting_items_create_no_ticket():
    service = MemoryTicketing()
    result = run_list(
        service,
        {"fields": {"Urgency": "high"}},
        {"summary": "Another", "fields": {"Incident Reference": "SEN-2"}},
        {"fields": {"Urgency": "low"}},
        **incident(),
    )
    assert [entry["failed"] for entry in result.values["results"]] == [True, False, True]
    assert [record["summary"] for record in service.tickets.values()] == ["Another"]


def test_items_may_replace_the_identification_of_the_task():
    service = MemoryTicketing()
    service.add("Old", {REFERENCE: "SEN-0"})
    result = run_list(
        service,
        {"object_id": "CTC-0054", "fields": {"Affected Hosts": 7}},
        {"summary": "New", "fields": {"Incident Reference": "SEN-1", "Urgency": "high"}},
        {
            "summary": "By id",
            "offer_id": "23640",
            "item_type_id": "16920",
            "fields": {"Incident Reference": "SEN-2", "Urgency": "high"},
        },
        **{**task(), "fields": {}, "attachments": {"a": 1}},
    )
    assert [entry["failed"] for entry in result.values["results"]] == [False, False, False]
    assert result.values["results"][0]["object_id"] == "CTC-0054"
    assert service.value("CTC-0054", HOSTS) == 7
