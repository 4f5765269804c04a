# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the connection check: the finding of each check, and the checks that a failure prevents."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import FINAL
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import connection_check
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import ASSUMPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection_check import (
    WRITE_ROLES,
    check_connection,
    refused_options,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    HARDWARE,
    REFERENCE,
    SUMMARY,
    Fault,
    MemoryTicketing,
)

USER = {"username": "itsm-runbook", "roles": ["ticket_agent"]}
OFFERS = [{"id": "23629", "name": "New laptop", "item_type": "16910"}]

#: The check that fails with each request.
CHECKS = {
    "ticket_types": "ticket types",
    "offers": "offers",
    "tickets_page": "list of tickets",
    "ticket": "read of a ticket",
}


def service_with_tickets(**settings: Any) -> MemoryTicketing:
    service = MemoryTicketing(**{"user": USER, "types": [HARDWARE], "catalog": OFFERS, **settings})
    service.add("Older", {REFERENCE: "SEN-1"}, item_type="16910")
    service.add(SUMMARY, {}, item_type="16910")
    return service


def error(category: str) -> ApiError:
    return ApiError(f"It failed: {category}.", category, code="CODE", http_status=418)


def failing(operation: str, category: str) -> MemoryTicketing:
    """Return a service on which an operation fails, for each of the two tickets if it reads a ticket."""
    return service_with_tickets(faults={operation: [Fault(error(category))] * (2 if operation == "ticket" else 1)})


def run(service: MemoryTicketing, **options: Any) -> OperationResult:
    result = check_connection(service, options, RunOptions(clock=service.clock))
    assert (result.changed, result.warnings, service.writes) == (False, [], 0)
    assert all(set(row) == {"check", "result", "finding", "assumption"} for row in result.values["checks"])
    assert {row["assumption"] for row in result.values["checks"]} <= {None, *ASSUMPTIONS}
    return result


def rows(result: OperationResult) -> dict[str, tuple[str, str, str | None]]:
    found = {row["check"]: (row["result"], row["finding"], row["assumption"]) for row in result.values["checks"]}
    assert len(found) == len(result.values["checks"])
    return found


def failed_checks(result: OperationResult) -> list[str]:
    return [row["check"] for row in result.values["checks"] if row["result"] == "failed"]


def assert_row(row: tuple[str, str, str | None], result: str, assumption: str | None, *facts: Any) -> None:
    """Assert the result of a check, its assumption, and the facts of its finding."""
    assert (row[0], row[2]) == (result, assumption), row
    missing = [fact for fact in facts if not has_fact(row[1], fact)]
    assert not missing, f"{missing} not in: {row[1]}"


def test_each_check_has_its_finding():
    service = service_with_tickets()
    result = run(service)
    assert result.failure is None
    found = rows(result)
    expected = {
        "address": ("ok", None, "service"),
        "credentials": ("ok", None, "access token"),
        "tenant": ("ok", None, "credentials", "tenant", "realm"),
        "who am I": ("ok", "TK-A17", "itsm-runbook"),
        "role": ("ok", None, "ticket_agent", "may write"),
        "ticket types": ("ok", "TK-A12", 1),
        "types of fields": ("ok", "TK-A13", "all"),
        "labels of fields": ("ok", None, "all", "1 fields"),
        "offers": ("ok", "TK-A12", 1),
        "list of tickets": ("ok", "TK-A8", "first page", "reports", "more"),
        "read of a ticket": ("ok", "TK-A5", "CTC-0055", repr(SUMMARY)),
        "identity of a ticket": ("ok", None, "team", "ticket type", "offer"),
        "status category": ("ok", "TK-A10", "'To-do Category'", "open"),
        "search": ("ok", "TK-A9", "finds CTC-0055", "summary"),
    }
    assert list(found) == list(expected)
    for name, row in expected.items():
        assert_row(found[name], *row)
    assert re.findall(r"\d+", found["list of tickets"][1]) == ["2", "2"]
    assert not has_fact(found["offers"][1], "no id")
    assert (result.values["user"], result.values["object_id"]) == (USER, "CTC-0055")
    assert result.values["request_ids"] == ["r1"]
    assert [body.get("search") for body in service.searches] == [None, SUMMARY]
    expected_calls = ["user_info", "ticket_types", "ticket_types", "offers", "tickets_page", "ticket", "tickets_page"]
    assert service.calls == expected_calls


def test_named_ticket_is_read_instead_of_the_list():
    result = run(service_with_tickets(), object_id=" CTC-0054 ")
    assert result.values["object_id"] == "CTC-0054"
    assert "list of tickets" not in rows(result)


def test_invalid_options_fail_without_a_request():
    result = refused_options(error("configuration"))
    assert failed_checks(result) == ["address"]
    assert result.failure is not None
    assert (result.values["user"], result.values["object_id"], result.values["request_ids"]) == ({}, None, [])


# --- findings -------------------------------------------------------------------------------------------------------

FIELDS = [
    {"id": "f1", "type": "geo", "label": "Where"},
    {"id": "f2", "type": "", "name": "what"},
    {"id": "f3", "type": "geo"},
    {"id": "f4", "type": "text", "label": "", "name": None},
    {"id": "f5", "type": "priority", "label": "Priority", "options": ["High"]},
    {"id": "f6", "type": "", "label": "Color", "options": ["Red"]},
]


@pytest.mark.parametrize(
    "settings, check, row",
    [
        ({"user": {"username": "a", "email": "b"}}, "who am I", ("ok", "TK-A17", "a")),
        ({"user": {"email": "b"}}, "who am I", ("ok", "TK-A17", "b")),
        ({"user": {"username": 7}}, "who am I", ("ok", "TK-A17", 7)),
        ({"user": {}}, "who am I", ("ok", "TK-A17", "without a username")),
        ({"user": {}}, "role", ("unknown", None, "roles")),
        ({"user": {"roles": "ticket_agent"}}, "role", ("unknown", None, "roles")),
        ({"user": {"roles": []}}, "role", ("no", None, "none", "may not write")),
        ({"user": {"roles": ["viewer"]}}, "role", ("no", None, "viewer", "may not write")),
        *(
            ({"user": {"roles": ["viewer", role]}}, "role", ("ok", None, f"viewer, {role}", "may write"))
            for role in sorted(WRITE_ROLES)
        ),
        ({"types": []}, "ticket types", ("no", "TK-A12", 0)),
        (
            {"types": [{"id": "16910", "fields": FIELDS}]},
            "types of fields",
            ("no", "TK-A13", "not checked: (none), geo", "against the options: (none), priority"),
        ),
        ({"types": [{"id": "16910", "fields": FIELDS}]}, "labels of fields", ("no", None, "2 of 6")),
        ({"catalog": []}, "offers", ("no", "TK-A12", 0)),
        (
            {"catalog": [*OFFERS, {"id": "7"}, {"id": "8", "item_type": None}]},
            "offers",
            ("no", "TK-A12", 3, "without item_type: 7, 8"),
        ),
        ({"catalog": [*OFFERS, {"id": None}, None]}, "offers", ("ok", "TK-A12", 1, "2 have no id")),
        ({"rows": "thin", "says_end": False}, "list of tickets", ("ok", "TK-A8", 2, "0 of them", "does not report")),
        ({"rows": "thin", "says_end": False}, "search", ("ok", "TK-A9", "CTC-0055")),
    ],
)
def test_finding(settings, check, row):
    assert_row(rows(run(service_with_tickets(**settings)))[check], *row)


@pytest.mark.parametrize(
    "options, assumption, fact",
    [
        ({"api_key": "k"}, "TK-A2", "API key"),
        ({"client_id": "c"}, "TK-A1", "token was fetched"),
        ({"access_token": "t"}, None, "access token"),
    ],
    ids=repr,
)
def test_finding_names_the_authentication_method(options, assumption, fact):
    assert_row(rows(run(service_with_tickets(), **options))["credentials"], "ok", assumption, fact, "accepted")


def test_tenant_without_tickets_needs_an_object_id():
    service = MemoryTicketing(user=USER, types=[HARDWARE], catalog=OFFERS)
    result = run(service)
    assert_row(rows(result)["read of a ticket"], "unknown", None, "none", "object_id")
    assert (result.values["object_id"], service.count("ticket")) == (None, 0)


def test_ticket_without_its_location_and_category_is_a_finding():
    service = service_with_tickets(shows_place=False)
    del service.tickets["CTC-0055"]["status_category"]
    found = rows(run(service))
    assert_row(found["identity of a ticket"], "no", None, "team_id", "item_type_id")
    assert not has_fact(found["identity of a ticket"][1], "offer_id")
    assert_row(found["status category"], "no", "TK-A10", "closed tickets", "open")
    service.tickets["CTC-0055"]["status_category"] = "Done Category"
    assert_row(rows(run(service))["status category"], "ok", "TK-A10", "'Done Category'", "done")


@pytest.mark.parametrize("summary", [None, "", " "], ids=repr)
def test_ticket_without_a_summary_is_not_searched_for(summary):
    service = service_with_tickets()
    service.tickets["CTC-0055"]["summary"] = summary
    assert_row(rows(run(service))["search"], "unknown", "TK-A9", "CTC-0055", "summary")
    assert service.count("tickets_page") == 1


# The newer ticket is found first, so one row is not enough for the older one.
@pytest.mark.parametrize("max_rows, result", [(1, "no"), (2, "ok")])
def test_search_checks_a_limited_number_of_rows(monkeypatch, max_rows, result):
    service = service_with_tickets()
    service.add(f"{SUMMARY} again", {}, item_type="16910")
    monkeypatch.setattr(connection_check, "MAX_ROWS", max_rows)
    row = rows(run(service, object_id="CTC-0055"))["search"]
    assert_row(row, result, "TK-A9", "does not find CTC-0055" if result == "no" else "finds CTC-0055", "summary")


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "category, assumption", [("not_found", "TK-A17"), ("contract", "TK-A17"), ("permission", None)]
)
def test_account_that_is_not_shown_does_not_end_the_check(category, assumption):
    result = run(failing("user_info", category))
    found = rows(result)
    assert (result.failure, result.values["user"]) == (None, {})
    assert found["who am I"] == ("no", f"It failed: {category}.", assumption)
    assert "search" in found


@pytest.mark.parametrize(
    "category, check",
    [
        ("authentication", "credentials"),
        ("configuration", "tenant"),
        ("unavailable", "address"),
        ("tls", "address"),
        ("rate_limited", "address"),
    ],
)
def test_failure_of_the_first_request_ends_the_check(category, check):
    service = failing("user_info", category)
    result = run(service)
    assert rows(result) == {check: ("failed", f"It failed: {category}.", None)}
    assert result.failure is not None
    assert (result.failure.category, service.calls) == (category, ["user_info"])
    assert (result.values["object_id"], result.values["user"]) == (None, {})


@pytest.mark.parametrize("operation, check", CHECKS.items())
@pytest.mark.parametrize("category", CATEGORIES)
def test_failure_of_a_later_request(category, operation, check):
    service = failing(operation, category)
    result = run(service)
    assert result.failure is not None
    assert result.failure.category == category
    assert failed_checks(result) == [FINAL.get(category, check)]
    (finding,) = [row["finding"] for row in result.values["checks"] if row["result"] == "failed"]
    assert finding.endswith(f"It failed: {category}.")
    if category in FINAL:
        # Every other request would fail, too.
        assert service.calls[-1] == operation
    else:
        # Without a ticket, there is nothing to search for.
        assert ("search" in rows(result)) == (operation in ("ticket_types", "offers"))


def test_first_failure_is_the_failure_of_the_task():
    result = run(
        service_with_tickets(faults={"offers": [Fault(error("contract"))], "ticket": [Fault(error("not_found"))] * 2})
    )
    assert result.failure is not None
    assert result.failure.category == "contract"
    assert failed_checks(result) == ["offers", "read of a ticket"]


@pytest.mark.parametrize("category", ["not_found", "contract", "permission"])
def test_unreadable_listed_ticket_does_not_end_the_check(category):
    result = run(service_with_tickets(faults={"ticket": [Fault(error(category))]}))
    assert (result.failure, result.values["object_id"]) == (None, "CTC-0054")
    assert_row(rows(result)["read of a ticket"], "no", "TK-A5", "CTC-0054 'Older'", "not read CTC-0055")
    assert "search" in rows(result)


@pytest.mark.parametrize("change", [{"etag": None}, {"data": None}], ids=repr)
def test_incomplete_ticket_counts_as_unreadable(change):
    service = service_with_tickets()
    service.tickets["CTC-0055"].update(change)
    assert_row(rows(run(service))["read of a ticket"], "no", "TK-A5", "CTC-0054 'Older'", "not read CTC-0055")
    result = run(service, object_id="CTC-0055")
    assert result.failure is not None
    assert result.failure.category == "contract"
    assert_message(rows(result)["read of a ticket"][1], "CTC-0055", "API contract", *change)


def test_at_most_five_listed_tickets_are_read():
    service = service_with_tickets(faults={"ticket": [Fault(error("not_found"))] * 20})
    for number in range(9):
        service.add(f"Ticket {number}", {}, item_type="16910")
    assert rows(run(service))["read of a ticket"][0] == "failed"
    assert (service.count("ticket"), service.searches[0]["top"]) == (5, 10)


def test_failing_search_is_a_finding():
    result = run(service_with_tickets(faults={"tickets_page": [None, Fault(error("not_found"))]}))
    assert failed_checks(result) == ["search"]
    assert result.values["object_id"] == "CTC-0055"
