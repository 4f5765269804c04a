# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test reading one ticket or a list. test_ticket_list.py covers how pages are put together."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_info import (
    FOR_LIST,
    build_request,
    ticket_info,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    IMPACT_BUSINESS,
    REFERENCE,
    SUMMARY,
    Fault,
    MemoryTicketing,
    answered,
)


def service_with(count: int = 5, **settings: Any) -> MemoryTicketing:
    service = MemoryTicketing(**settings)
    for number in range(count):
        service.add(f"{SUMMARY}: customer {number}", {REFERENCE: f"SEN-{number}"})
    return service


def run(service: MemoryTicketing, **options: Any) -> OperationResult:
    result = ticket_info(service, options, RunOptions(clock=service.clock))
    assert (result.changed, result.failure) == (False, None)
    return result


def read(service: MemoryTicketing, **options: Any) -> dict[str, Any]:
    result = run(service, **options)
    assert result.warnings == []
    return dict(result.values)


def failure(service: MemoryTicketing, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(service, **options)
    return caught.value


# --- one ticket -----------------------------------------------------------------------------------------------------


def test_ticket_is_returned_with_its_fields_by_label():
    service = service_with()
    service.edit("CTC-0055", {IMPACT_BUSINESS: "none"})
    # Options with a default do not conflict with object_id.
    options = {"sort": "createdAt", "order": "descending", "complete": False, "search": "", "statuses": []}
    values = read(service, object_id=" CTC-0055 ", **options)
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


@pytest.mark.parametrize("change", [{"lookup_props": None}, {"lookup_props": {"itemTypeId": "16999"}}], ids=repr)
def test_ticket_of_an_unknown_type_has_no_labels(change):
    service = service_with()
    service.tickets["CTC-0055"].update(change)
    values = read(service, object_id="CTC-0055")
    assert (values["fields"], values["ticket"]["object_id"]) == ({}, "CTC-0055")


@pytest.mark.parametrize(
    "object_id, facts", [("", ["empty", "list"]), (" ", ["empty", "list"]), (" null ", ["'null'"])], ids=repr
)
def test_empty_object_id_is_refused(object_id, facts):
    service = service_with()
    error = failure(service, object_id=object_id)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, "object_id", *facts)


@pytest.mark.parametrize(
    "options",
    [
        {"search": "a", "limit": 0},
        {"statuses": ["Open"]},
        {"created_from": "2026-11-21"},
        {"created_to": "2026-11-21"},
        {"filters": [{}]},
    ],
    ids=repr,
)
def test_options_of_a_list_are_refused_for_one_ticket(options):
    service = service_with()
    error = failure(service, object_id="CTC-0055", **options)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, ", ".join(options), "list", "object_id")
    assert not any(has_fact(error.message, other) for other in set(FOR_LIST) - set(options))


def test_missing_ticket_fails():
    service = service_with()
    error = failure(service, object_id="CTC-9999")
    assert (error.category, service.calls) == ("not_found", ["ticket"])
    assert_message(error.message, "CTC-9999", "read", "not found", "HTTP 404")


# --- the list -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit, page_size, says_end, count, requests",
    [
        (None, 100, True, 5, 1),
        (None, 2, False, 5, 5),
        (1, 2, True, 1, 1),
        (4, 2, True, 4, 4),
        (5, 2, True, 5, 4),
        (6, 2, True, 5, 4),
    ],
)
def test_list_ends_with_its_last_ticket_or_at_the_limit(limit, page_size, says_end, count, requests):
    service = service_with(page_size=page_size, says_end=says_end)
    values = read(service, object_id=None, search=None, statuses=None, filters=None, sort="createdAt", limit=limit)
    assert [row["object_id"] for row in values["tickets"]] == [f"CTC-{n:04d}" for n in range(58, 58 - count, -1)]
    assert (set(values), values["truncated"]) == ({"tickets", "truncated", "request_ids"}, count < 5)
    assert service.calls == ["tickets_page"] * requests


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one_is_refused(limit):
    service = service_with()
    error = failure(service, limit=limit)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, "limit", 0)


def test_endless_list_fails_unless_the_limit_is_reached():
    service = service_with(250)
    read_page = service.tickets_page
    service.tickets_page = lambda body: read_page({**body, "offset": 0})
    assert failure(service).category == "contract"
    assert failure(service, limit=101).category == "contract"
    values = read(service, limit=100)
    assert (len(values["tickets"]), values["truncated"]) == (100, True)


def test_failing_page_fails_the_task():
    service = service_with(page_size=2, faults={"tickets_page": [None, Fault(answered(503))]})
    error = failure(service, limit=3)
    assert error.category == "unavailable"
    assert_message(error.message, "list of tickets", "read", "HTTP 503")


@pytest.mark.parametrize("complete, reads", [(True, 2), (False, 0), (None, 0)])
def test_listed_tickets_are_read_if_complete_is_set(complete, reads):
    service = service_with(rows="thin")
    values = read(service, complete=complete, limit=2)
    assert service.count("ticket") == reads
    assert ["etag" in ticket for ticket in values["tickets"]] == [bool(complete)] * 2
    if complete:
        assert values["tickets"] == [service.tickets["CTC-0058"], service.tickets["CTC-0057"]]


@pytest.mark.parametrize("error", [answered(404, html=True), answered(403), answered(500)], ids=["404", "403", "500"])
def test_row_is_returned_if_its_ticket_cannot_be_read(error):
    service = service_with(rows="thin", faults={"ticket": [None, Fault(error)]})
    result = run(service, complete=True)
    assert ["etag" in ticket for ticket in result.values["tickets"]] == [True, False, True, True, True]
    assert_messages(result.warnings, ["list", "CTC-0057", error.cause])
    assert not any(has_fact(result.warnings[0], f"CTC-{number:04d}") for number in (54, 55, 56, 58))


@pytest.mark.parametrize("unread, more", [(10, []), (12, ["..."])])
def test_warning_names_at_most_ten_tickets(unread, more):
    service = service_with(12, faults={"ticket": [Fault(answered(404))] * unread})
    (warning,) = run(service, complete=True).warnings
    assert_message(warning, "list", answered(404).cause)
    assert re.findall(r"CTC-\d+|\.\.\.", warning) == [f"CTC-{number:04d}" for number in range(65, 55, -1)] + more


def test_failure_that_concerns_all_tickets_fails_the_task():
    error = failure(service_with(faults={"ticket": [None, Fault(answered(503))]}), complete=True)
    assert error.category == "unavailable"
    assert_message(error.message, "list", "CTC-0057", "read", "HTTP 503")


@pytest.mark.parametrize("complete", [True, False])
def test_row_without_a_display_id_is_returned(complete):
    service = service_with(rows="thin")
    whole = service._row
    service._row = lambda record, text=None: {**whole(record), "objectId": None}
    result = run(service, complete=complete, limit=4)
    assert [row["objectId"] for row in result.values["tickets"]] == [None] * 4
    named = [f"{SUMMARY}: customer {number}" for number in (4, 3, 2, 1)]
    assert_messages(result.warnings, *([["list", "display id", *named]] if complete else []))


# --- the request ----------------------------------------------------------------------------------------------------


def test_request_without_options():
    assert build_request({}) == {"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}
    blank = {"search": " ", "statuses": ["", " "], "created_from": "", "created_to": " ", "filters": [], "sort": ""}
    assert build_request(blank) == build_request({})


def test_request_with_all_options():
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


def test_request_is_sent_for_each_page():
    service = service_with(page_size=2)
    read(service, search="customer", statuses=["Open"])
    common = build_request({"search": "customer", "statuses": ["Open"]})
    assert service.searches == [{**common, "top": 100, "offset": offset} for offset in (0, 1, 2, 3)]


@pytest.mark.parametrize(
    "options, facts",
    [
        ({"created_from": "yesterday"}, ["created_from", "point in time", "2026-11-21T06:00:00Z", "'yesterday'"]),
        ({"created_to": "9999-12-31T23:59:59-14:00"}, ["created_to", "point in time", "2026-11-21T06:00:00Z"]),
        *(
            ({"filters": [entry]}, ["filters", "column", "op", "EQ, NE, GT, GE, LT, LE, LIKE, IN", "operand"])
            for entry in (
                {},
                {"column": "status", "op": "EQ"},
                {"column": " ", "op": "EQ", "operand": 1},
                {"column": "status", "op": "eq", "operand": 1},
                {"column": "status", "op": "EQ", "operand": 1, "id": "7"},
            )
        ),
    ],
    ids=repr,
)
def test_invalid_filter_is_refused(options, facts):
    service = service_with()
    error = failure(service, **options)
    assert (error.category, service.calls) == ("configuration", [])
    assert_message(error.message, *facts)
