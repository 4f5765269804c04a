# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a connection: which finding is told of which check, and what is not tried any more."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.diagnostics import FINAL
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import connection_check
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import ASSUMPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection_check import check_connection
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
TO_THE_END = [
    "address",
    "credentials",
    "tenant",
    "who am I",
    "role",
    "ticket types",
    "types of fields",
    "labels of fields",
    "offers",
    "list of tickets",
    "read of a ticket",
    "identity of a ticket",
    "status category",
    "search",
]


def service_with_ticket(**settings: Any) -> MemoryTicketing:
    made: dict[str, Any] = {"user": USER, "types": [HARDWARE], "catalog": OFFERS, **settings}
    service = MemoryTicketing(**made)
    service.add("Older", {REFERENCE: "SEN-1"}, item_type="16910")
    service.add(SUMMARY, {}, item_type="16910")
    return service


def error(category: str) -> ApiError:
    return ApiError(f"It failed: {category}.", category, code="CODE", http_status=418)


def failing(operation: str, category: str) -> MemoryTicketing:
    """A service of which an operation fails; a read of a ticket does for each that is listed."""
    return service_with_ticket(faults={operation: [Fault(error(category))] * (2 if operation == "ticket" else 1)})


def run(service: MemoryTicketing, **options: Any) -> OperationResult:
    result = check_connection(service, options, RunOptions(clock=service.clock))
    assert (result.changed, result.warnings) == (False, [])
    assert all(set(row) == {"check", "result", "finding", "assumption"} for row in result.values["checks"])
    assert {row["assumption"] for row in result.values["checks"]} <= {None, *ASSUMPTIONS}
    return result


def rows(result: OperationResult) -> dict[str, tuple[str, str, str | None]]:
    found = {row["check"]: (row["result"], row["finding"], row["assumption"]) for row in result.values["checks"]}
    assert len(found) == len(result.values["checks"])
    return found


def assert_row(row: tuple[str, str, str | None], result: str, assumption: str | None, *facts: Any) -> None:
    """Assert what a check came to, its assumption, and the facts of its finding."""
    assert (row[0], row[2]) == (result, assumption), row
    missing = [fact for fact in facts if not has_fact(row[1], fact)]
    assert not missing, f"{missing} not in: {row[1]}"


# --- all is well ----------------------------------------------------------------------------------------------------


def test_every_check_and_its_finding():
    service = service_with_ticket()
    result = run(service)
    assert result.failure is None
    found = rows(result)
    assert_row(found["address"], "ok", None, "service")
    assert_row(found["credentials"], "ok", None, "access token")
    assert_row(found["tenant"], "ok", None, "credentials", "tenant", "realm")
    assert_row(found["who am I"], "ok", "TK-A17", "itsm-runbook")
    assert_row(found["role"], "ok", None, "ticket_agent", "may write")
    assert_row(found["ticket types"], "ok", "TK-A12", 1)
    assert_row(found["types of fields"], "ok", "TK-A13", "all")
    assert_row(found["labels of fields"], "ok", None, "all", "1 fields")
    assert_row(found["offers"], "ok", "TK-A12", 1)
    assert_row(found["list of tickets"], "ok", "TK-A8", "first page", "more")
    assert re.findall(r"\d+", found["list of tickets"][1]) == ["2", "2"]
    assert_row(found["read of a ticket"], "ok", "TK-A5", "CTC-0055", repr(SUMMARY))
    assert_row(found["identity of a ticket"], "ok", None, "team", "ticket type", "offer")
    assert_row(found["status category"], "ok", "TK-A10", "'To-do Category'", "open")
    assert_row(found["search"], "ok", "TK-A9", "CTC-0055", "summary")
    assert list(found) == TO_THE_END
    assert [row["check"] for row in result.values["checks"]] == TO_THE_END
    assert (result.values["user"], result.values["object_id"]) == (USER, "CTC-0055")
    assert result.values["request_ids"] == ["r1"]
    assert service.writes == 0
    assert [body.get("search") for body in service.searches] == [None, SUMMARY]
    assert service.calls == [
        *["user_info", "ticket_types", "ticket_types", "offers"],
        *["tickets_page", "ticket", "tickets_page"],
    ]


def test_a_named_ticket_is_read_instead_of_the_list():
    service = service_with_ticket()
    result = run(service, object_id=" CTC-0054 ")
    assert result.values["object_id"] == "CTC-0054"
    assert [name for name in TO_THE_END if name not in rows(result)] == ["list of tickets"]


@pytest.mark.parametrize(
    "options, fact, assumption",
    [
        ({"api_key": "k"}, "API key", "TK-A2"),
        ({"client_id": "c"}, "token was fetched", "TK-A1"),
        ({"access_token": "t"}, "access token", None),
    ],
    ids=repr,
)
def test_the_way_of_the_credentials(options, fact, assumption):
    assert_row(rows(run(service_with_ticket(), **options))["credentials"], "ok", assumption, fact, "accepted")


# --- who one is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user, name",
    [
        ({"username": "a", "email": "b"}, "a"),
        ({"email": "b"}, "b"),
        ({}, "username"),
        ({"username": 7}, "7"),
    ],
    ids=repr,
)
def test_the_name_of_the_account(user, name):
    assert has_fact(rows(run(service_with_ticket(user=user)))["who am I"][1], name)


@pytest.mark.parametrize(
    "roles, result, facts",
    [
        (None, "unknown", ["roles"]),
        ("ticket_agent", "unknown", ["roles"]),
        ([], "no", ["none", "may not write"]),
        (["viewer"], "no", ["viewer", "may not write"]),
        (["viewer", "ticket_user"], "ok", ["viewer, ticket_user", "may write"]),
        (["tenant_admin"], "ok", ["tenant_admin", "may write"]),
    ],
    ids=repr,
)
def test_the_role_of_the_account(roles, result, facts):
    assert_row(rows(run(service_with_ticket(user={"roles": roles})))["role"], result, None, *facts)


@pytest.mark.parametrize("category", ["not_found", "contract"])
def test_an_account_that_is_not_shown_stops_nothing(category):
    result = run(failing("user_info", category))
    assert result.failure is None
    assert rows(result)["who am I"] == ("no", f"It failed: {category}.", "TK-A17")
    assert "search" in rows(result)
    assert result.values["user"] == {}


def test_an_account_that_may_not_see_itself_stops_nothing():
    result = run(failing("user_info", "permission"))
    assert result.failure is None
    assert rows(result)["who am I"] == ("no", "It failed: permission.", None)
    assert "search" in rows(result)


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
def test_what_the_first_request_shows_to_be_wrong_ends_the_check(category, check):
    service = failing("user_info", category)
    result = run(service)
    assert rows(result) == {check: ("failed", f"It failed: {category}.", None)}
    assert result.failure is not None
    assert result.failure.category == category
    assert service.calls == ["user_info"]
    assert (result.values["object_id"], result.values["user"]) == (None, {})


# --- later failures -------------------------------------------------------------------------------------------------

LATER = {
    "ticket_types": "ticket types",
    "offers": "offers",
    "tickets_page": "list of tickets",
    "ticket": "read of a ticket",
}


def told(result: OperationResult) -> list[tuple[str, str]]:
    return [(row["check"], row["finding"]) for row in result.values["checks"] if row["result"] == "failed"]


@pytest.mark.parametrize("operation, check", LATER.items())
@pytest.mark.parametrize("category", [name for name in CATEGORIES if name not in FINAL and name != "permission"])
def test_a_later_failure_is_a_finding(category, operation, check):
    result = run(failing(operation, category))
    assert result.failure is not None
    assert result.failure.category == category
    ((failed, finding),) = told(result)
    assert failed == check
    assert finding.endswith(f"It failed: {category}.")
    # Without a ticket, there is nothing to search for.
    assert ("search" in rows(result)) == (operation in ("ticket_types", "offers"))


@pytest.mark.parametrize("category", ["not_found", "contract", "permission"])
def test_listed_ticket_that_cannot_be_read_stops_nothing(category):
    result = run(service_with_ticket(faults={"ticket": [Fault(error(category))]}))
    assert (result.failure, result.values["object_id"]) == (None, "CTC-0054")
    assert_row(rows(result)["read of a ticket"], "no", "TK-A5", "CTC-0054 'Older'", "not be read: CTC-0055")
    assert "search" in rows(result)


@pytest.mark.parametrize("change", [{"etag": None}, {"data": None}], ids=repr)
def test_odd_listed_ticket_stops_nothing(change):
    service = service_with_ticket()
    service.tickets["CTC-0055"].update(change)
    found = rows(run(service))
    assert_row(found["read of a ticket"], "no", "TK-A5", "CTC-0054 'Older'", "not be read: CTC-0055")


def test_odd_ticket_that_is_named_is_a_failure():
    service = service_with_ticket()
    service.tickets["CTC-0055"]["etag"] = None
    result = run(service, object_id="CTC-0055")
    assert result.failure is not None
    assert result.failure.category == "contract"
    assert_message(rows(result)["read of a ticket"][1], "CTC-0055", "API contract", "etag")


def test_only_so_many_listed_tickets_are_tried():
    service = service_with_ticket(faults={"ticket": [Fault(error("not_found"))] * 20})
    for number in range(9):
        service.add(f"Ticket {number}", {}, item_type="16910")
    assert rows(run(service))["read of a ticket"][0] == "failed"
    assert service.count("ticket") == 5


@pytest.mark.parametrize("operation, check", LATER.items())
def test_a_later_lack_of_permission_is_a_finding_of_its_check(operation, check):
    result = run(failing(operation, "permission"))
    assert [failed for failed, _finding in told(result)] == [check]


@pytest.mark.parametrize("operation", ["tickets_page", "ticket"])
@pytest.mark.parametrize("category", FINAL)
def test_a_later_failure_that_is_final_ends_the_check(category, operation):
    service = failing(operation, category)
    result = run(service)
    assert [failed for failed, _finding in told(result)] == [FINAL[category]]
    assert service.calls[-1] == operation


# Nothing else can fare better.
@pytest.mark.parametrize("operation", ["ticket_types", "offers"])
@pytest.mark.parametrize("category", FINAL)
def test_a_failure_of_the_catalog_that_is_final_ends_the_check(category, operation):
    service = failing(operation, category)
    run(service)
    assert service.calls[-1] == operation


def test_the_first_failure_is_the_one_that_is_raised():
    service = service_with_ticket(
        faults={"offers": [Fault(error("contract"))], "ticket": [Fault(error("not_found"))] * 2}
    )
    result = run(service)
    assert result.failure is not None
    assert result.failure.category == "contract"
    assert [row["check"] for row in result.values["checks"] if row["result"] == "failed"] == [
        "offers",
        "read of a ticket",
    ]


def test_a_search_that_fails_is_a_finding():
    result = run(service_with_ticket(faults={"tickets_page": [None, Fault(error("not_found"))]}))
    assert rows(result)["search"][0] == "failed"
    assert result.values["object_id"] == "CTC-0055"


# --- findings -------------------------------------------------------------------------------------------------------


def test_a_catalog_with_nothing_in_it():
    found = rows(run(service_with_ticket(types=[], catalog=[])))
    assert_row(found["ticket types"], "no", "TK-A12", 0)
    assert_row(found["offers"], "no", "TK-A12", 0)


def test_fields_that_are_not_known_or_have_no_label():
    fields = [
        {"id": "f1", "type": "geo", "label": "Where"},
        {"id": "f2", "type": "", "name": "what"},
        {"id": "f3", "type": "geo"},
        {"id": "f4", "type": "text", "label": "", "name": None},
        {"id": "f5", "type": "priority", "label": "Priority", "options": ["High"]},
    ]
    found = rows(run(service_with_ticket(types=[{"id": "16910", "fields": fields}])))
    assert_row(found["types of fields"], "no", "TK-A13", "not checked: (none), geo", "by their options: priority")
    assert_row(found["labels of fields"], "no", None, "2 of 5")


def test_offers_that_do_not_say_their_type():
    found = rows(run(service_with_ticket(catalog=[*OFFERS, {"id": "7"}, {"id": "8", "item_type": None}])))
    assert_row(found["offers"], "no", "TK-A12", 3, "without item_type: 7, 8")


def test_offers_without_an_id_are_told():
    found = rows(run(service_with_ticket(catalog=[*OFFERS, {"id": None}, None])))
    assert_row(found["offers"], "ok", "TK-A12", 1, 2, "no id")


def test_a_list_of_thin_rows_that_does_not_say_its_end():
    found = rows(run(service_with_ticket(rows="thin", says_end=False)))
    assert_row(found["list of tickets"], "ok", "TK-A8", "first page", "does not say", "more")
    assert re.findall(r"\d+", found["list of tickets"][1]) == ["2", "0"]
    assert found["search"][0] == "ok"


def test_a_tenant_without_tickets():
    service = MemoryTicketing(user=USER, types=[HARDWARE], catalog=OFFERS)
    result = run(service)
    assert_row(rows(result)["read of a ticket"], "unknown", None, "none", "object_id")
    assert (result.values["object_id"], service.count("ticket")) == (None, 0)


def test_a_ticket_that_hides_what_it_is():
    service = service_with_ticket(shows_place=False)
    del service.tickets["CTC-0055"]["status_category"]
    found = rows(run(service))
    assert_row(found["identity of a ticket"], "no", None, "team_id", "item_type_id")
    assert not has_fact(found["identity of a ticket"][1], "offer_id")
    assert_row(found["status category"], "no", "TK-A10", "closed tickets", "open")


def test_a_ticket_that_is_done():
    service = service_with_ticket()
    service.tickets["CTC-0055"]["status_category"] = "Done Category"
    assert_row(rows(run(service))["status category"], "ok", "TK-A10", "'Done Category'", "done")


@pytest.mark.parametrize("summary", [None, "", " "], ids=repr)
def test_a_ticket_without_a_summary_cannot_be_searched_for(summary):
    service = service_with_ticket()
    service.tickets["CTC-0055"]["summary"] = summary
    assert_row(rows(run(service))["search"], "unknown", "TK-A9", "CTC-0055", "summary")
    assert service.count("tickets_page") == 1


def test_a_search_that_does_not_find():
    service = service_with_ticket()
    found = service._is_found
    service._is_found = lambda record, text: not text and found(record, text)
    assert_row(rows(run(service))["search"], "no", "TK-A9", "CTC-0055", "summary")


@pytest.mark.parametrize("most, found", [(1, "no"), (2, "ok")])
def test_only_so_many_rows_of_the_search_are_looked_at(monkeypatch, most, found):
    service = service_with_ticket()
    service.add(f"{SUMMARY} again", {}, item_type="16910")
    monkeypatch.setattr(connection_check, "MAX_ROWS", most)
    assert rows(run(service, object_id="CTC-0055"))["search"][0] == found
