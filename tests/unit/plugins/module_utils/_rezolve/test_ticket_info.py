# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one ticket, or a list: the request, and how much of the list is read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Page
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_info import build_request, ticket_info
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    IMPACT_BUSINESS,
    REFERENCE,
    SUMMARY,
    URGENCY,
    Fault,
    MemoryTicketing,
    answered,
)

#: What the module gives the options that a task leaves out.
UNSET = {"object_id": None, "search": None, "statuses": None, "filters": None, "sort": "createdAt", "limit": None}


def read(service: MemoryTicketing, **options: Any) -> dict[str, Any]:
    result = ticket_info(service, options, RunOptions(clock=service.clock))
    assert (result.changed, result.warnings, result.failure) == (False, [], None)
    return dict(result.values)


def failure(service: MemoryTicketing, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(service, **options)
    return caught.value


@pytest.mark.parametrize("limit, count, truncated", [(None, 250, False), (100, 100, True), (250, 250, False)])
def test_truncated_is_right_although_the_service_says_that_there_are_no_more(limit, count, truncated):
    service = MemoryTicketing()
    for number in range(250):
        service.add(f"{SUMMARY}: customer {number}", {})
    right = service.tickets_page
    service.tickets_page = lambda body: Page(right(body).rows, False, 250)
    values = read(service, limit=limit)
    assert (len(values["tickets"]), values["truncated"]) == (count, truncated)


def test_list_that_cannot_be_read_to_its_end_fails_unless_the_limit_is_reached():
    service = MemoryTicketing()
    for number in range(250):
        service.add(f"{SUMMARY}: customer {number}", {})
    right = service.tickets_page
    service.tickets_page = lambda body: right({**body, "offset": 0})
    assert failure(service).category == "contract"
    values = read(service, limit=100)
    assert (len(values["tickets"]), values["truncated"]) == (100, True)


def five(**settings: Any) -> MemoryTicketing:
    service = MemoryTicketing(**settings)
    for number in range(5):
        service.add(f"{SUMMARY}: customer {number}", {REFERENCE: f"SEN-{number}"})
    return service


# --- one ticket -----------------------------------------------------------------------------------------------------


def test_a_ticket_with_its_fields_by_label():
    service = five()
    service.edit("CTC-0055", {IMPACT_BUSINESS: "none"})
    values = read(service, object_id=" CTC-0055 ")
    ticket = service.tickets["CTC-0055"]
    assert values == {
        "ticket": ticket,
        "tickets": [ticket],
        "fields": {
            "Incident Reference": "SEN-1",
            "Urgency": "medium",
            "Due Date": "",
            "Contained": False,
            f"Impact ({IMPACT_BUSINESS})": "none",
        },
        "truncated": False,
        "request_ids": ["r1"],
    }
    assert service.calls == ["ticket", "ticket_types"]


@pytest.mark.parametrize("way", ["hidden", "unknown"])
def test_a_ticket_of_an_unknown_type_has_no_labels(way):
    service = five(shows_place=way != "hidden")
    service.tickets["CTC-0055"]["lookup_props"]["itemTypeId"] = "16999"
    values = read(service, object_id="CTC-0055")
    assert (values["fields"], values["ticket"]["object_id"]) == ({}, "CTC-0055")


@pytest.mark.parametrize("blank", ["", " "], ids=repr)
def test_an_empty_id_is_not_taken_for_a_list(blank):
    service = five()
    error = failure(service, object_id=blank)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, "object_id", "empty", "list")


@pytest.mark.parametrize("text", ["None", " null "], ids=repr)
def test_object_id_that_is_the_text_of_a_null_is_refused(text):
    service = five()
    error = failure(service, object_id=text)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, "object_id", repr(text.strip()))


@pytest.mark.parametrize(
    "options, name",
    [
        ({"search": "a"}, "search"),
        ({"statuses": ["Open"]}, "statuses"),
        ({"created_from": "2026-11-21"}, "created_from"),
        ({"created_to": "2026-11-21"}, "created_to"),
        ({"filters": [{}]}, "filters"),
        ({"search": "a", "limit": 0}, "search, limit"),
        ({"limit": 5}, "limit"),
    ],
    ids=repr,
)
def test_one_ticket_takes_no_option_of_a_list(options, name):
    service = five()
    error = failure(service, object_id="CTC-0055", **options)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, name, "list", "object_id")
    others = {"search", "statuses", "created_from", "created_to", "filters", "limit"} - set(options)
    assert not any(has_fact(error.message, other) for other in others)


def test_what_a_list_has_a_default_for_is_passed_over():
    options = {"sort": "createdAt", "order": "descending", "complete": False}
    assert read(five(), object_id="CTC-0055", **options)["ticket"]


@pytest.mark.parametrize("empty", [None, "", []], ids=repr)
def test_an_option_of_a_list_that_is_empty_is_not_given(empty):
    assert read(five(), object_id="CTC-0055", search=empty, statuses=empty, limit=None)["ticket"]


def test_a_ticket_that_is_not_there():
    service = five()
    error = failure(service, object_id="CTC-9999")
    assert error.category == "not_found"
    assert_message(error.message, "CTC-9999", "read", "not found", "HTTP 404")
    assert service.calls == ["ticket"]


# --- the list -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page_size, says_end, requests", [(100, True, 1), (100, False, 2), (2, True, 4), (2, False, 5)]
)
def test_the_whole_list(page_size, says_end, requests):
    service = five(page_size=page_size, says_end=says_end)
    values = read(service, **UNSET)
    assert [row["object_id"] for row in values["tickets"]] == [f"CTC-{n:04d}" for n in range(58, 53, -1)]
    assert values["truncated"] is False
    assert set(values) == {"tickets", "truncated", "request_ids"}
    assert service.calls == ["tickets_page"] * requests


@pytest.mark.parametrize(
    "limit, truncated, requests", [(1, True, 1), (2, True, 2), (4, True, 4), (5, False, 4), (6, False, 4)]
)
def test_no_more_than_the_limit(limit, truncated, requests):
    service = five(page_size=2)
    values = read(service, limit=limit)
    assert (len(values["tickets"]), values["truncated"]) == (min(limit, 5), truncated)
    assert service.count("tickets_page") == requests


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_none_is_refused(limit):
    service = five()
    error = failure(service, limit=limit)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, "limit", "number", 0)


@pytest.mark.parametrize("complete, reads", [(True, 2), (False, 0), (None, 0)])
def test_listed_tickets_may_be_read_one_by_one(complete, reads):
    service = five(rows="thin")
    values = read(service, complete=complete, limit=2)
    assert service.count("ticket") == reads
    assert ("etag" in values["tickets"][0]) == bool(complete)
    if complete:
        assert values["tickets"] == [service.tickets["CTC-0058"], service.tickets["CTC-0057"]]


@pytest.mark.parametrize("error", [answered(404, html=True), answered(403), answered(500)], ids=["404", "403", "500"])
def test_listed_ticket_that_cannot_be_read_is_shown_as_the_list_has_it(error):
    service = five(rows="thin", faults={"ticket": [None, Fault(error)]})
    result = ticket_info(service, {"complete": True}, RunOptions(clock=service.clock))
    assert ["etag" in ticket for ticket in result.values["tickets"]] == [True, False, True, True, True]
    assert_messages(result.warnings, ["list", "CTC-0057", error.cause])
    assert not any(has_fact(result.warnings[0], f"CTC-{number:04d}") for number in (54, 55, 56, 58))


def test_warning_names_only_so_many_tickets():
    service = five(faults={"ticket": [Fault(answered(404))] * 12})
    for number in range(7):
        service.add(f"Ticket {number}", {})
    (warning,) = ticket_info(service, {"complete": True}, RunOptions(clock=service.clock)).warnings
    assert_message(warning, "list", answered(404).cause)
    # That there are more is told, too.
    assert re.findall(r"CTC-\d+|\.\.\.", warning) == [f"CTC-{number:04d}" for number in range(65, 55, -1)] + ["..."]


def test_listed_ticket_that_cannot_be_read_because_nothing_can_be_is_a_failure():
    service = five(faults={"ticket": [None, Fault(answered(503))]})
    error = failure(service, complete=True)
    assert error.category == "unavailable"
    assert_message(error.message, "list", "CTC-0057", "read", "HTTP 503")


@pytest.mark.parametrize("complete", [True, False])
def test_row_without_display_id_is_shown_as_the_list_has_it(complete):
    service = five(rows="thin")
    whole = service._row
    service._row = lambda record, text=None: {**whole(record), "objectId": None}
    result = ticket_info(service, {"complete": complete, "limit": 4}, RunOptions(clock=service.clock))
    assert [row["objectId"] for row in result.values["tickets"]] == [None] * 4
    named = [f"{SUMMARY}: customer {number}" for number in (4, 3, 2, 1)]
    assert_messages(result.warnings, *([["list", "display id", *named]] if complete else []))


@pytest.mark.parametrize("change", [{"etag": None}, {"data": None}], ids=repr)
def test_odd_ticket_is_shown_as_it_is(change):
    service = five()
    service.tickets["CTC-0055"].update(change)
    values = read(service, object_id="CTC-0055")
    assert values["ticket"] == service.tickets["CTC-0055"]


def test_a_list_that_cannot_be_read():
    service = five(page_size=2, faults={"tickets_page": [None, Fault(answered(503))]})
    error = failure(service)
    assert error.category == "unavailable"
    assert_message(error.message, "list of tickets", "read", "HTTP 503")


# --- the request ----------------------------------------------------------------------------------------------------


def test_the_request_of_nothing():
    assert build_request({}) == {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}
    blank = {"search": " ", "statuses": ["", " "], "created_from": "", "created_to": " ", "filters": [], "sort": ""}
    assert build_request(blank) == build_request({})


def test_the_request_of_everything():
    request = build_request(
        {
            "search": " phishing wave ",
            "statuses": ["Open", "", "In Progress"],
            "created_from": "2026-11-21T03:40:00+01:00",
            "created_to": "2026-11-22",
            "filters": [{"column": "createdAt", "op": "NE", "operand": 5}],
            "sort": " updatedAt ",
            "order": "ascending",
        }
    )
    assert request == {
        "search": "phishing wave",
        "sort": "updatedAt",
        "searchOrder": "ASC",
        "sortOrder": [],
        "filter": {
            "op": "AND",
            "operand": [
                {"id": "1", "op": "IN", "column": "status", "operand": ["Open", "In Progress"]},
                {"id": "2", "op": "GE", "column": "createdAt", "operand": "2026-11-21T02:40:00.000Z"},
                {"id": "3", "op": "LE", "column": "createdAt", "operand": "2026-11-22T00:00:00.000Z"},
                {"id": "4", "op": "NE", "column": "createdAt", "operand": 5},
            ],
        },
    }


def test_the_request_is_what_is_sent():
    service = five(page_size=2)
    read(service, search="customer", statuses=["Open"])
    common = build_request({"search": "customer", "statuses": ["Open"]})
    assert service.searches == [{**common, "top": 100, "offset": offset} for offset in (0, 1, 2, 3)]


@pytest.mark.parametrize("name", ["created_from", "created_to"])
@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_point_in_time_that_is_none(name, text):
    with pytest.raises(ApiError) as caught:
        build_request({name: text})
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, name, "point in time", "2026-11-21T06:00:00Z", repr(text))


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"column": "status", "op": "EQ"},
        {"column": " ", "op": "EQ", "operand": 1},
        {"column": "status", "op": "eq", "operand": 1},
        {"column": "status", "op": "EQ", "operand": 1, "id": "7"},
    ],
    ids=repr,
)
def test_a_filter_that_is_none(entry):
    service = five()
    error = failure(service, filters=[entry])
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, "filters", "column", "op", "EQ, NE, GT, GE, LT, LE, LIKE, IN", "operand")


def test_the_urgency_of_the_tests_is_a_default():
    assert five().value("CTC-0054", URGENCY) == "medium"
