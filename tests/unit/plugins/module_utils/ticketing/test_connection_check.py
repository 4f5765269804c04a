# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a connection: which finding is told of which check, and what is not tried any more."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.checks import FINAL
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing import connection_check
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import ASSUMPTIONS
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.connection_check import check_connection
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils.ticketing.memory_api import (
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
    return service_with_ticket(faults={operation: [Fault(error(category))]})


def run(service: MemoryTicketing, **options: Any) -> Result:
    result = check_connection(service, options, Run(clock=service.clock))
    assert (result.changed, result.warnings) == (False, [])
    assert all(set(row) == {"check", "result", "finding", "assumption"} for row in result.values["checks"])
    assert {row["assumption"] for row in result.values["checks"]} <= {None, *ASSUMPTIONS}
    return result


def rows(result: Result) -> dict[str, tuple[str, str, str | None]]:
    found = {row["check"]: (row["result"], row["finding"], row["assumption"]) for row in result.values["checks"]}
    assert len(found) == len(result.values["checks"])
    return found


# --- all is well ----------------------------------------------------------------------------------------------------


def test_every_check_and_its_finding():
    service = service_with_ticket()
    result = run(service)
    assert result.failure is None
    assert rows(result) == {
        "address": ("ok", "the service answers", None),
        "credentials": ("ok", "the access token is accepted", None),
        "tenant": ("ok", "the credentials are for the tenant and the realm", None),
        "who am I": ("ok", "itsm-runbook", "TK-A17"),
        "role": ("ok", "ticket_agent; may write tickets", None),
        "ticket types": ("ok", "1 of them", "TK-A12"),
        "types of fields": ("ok", "all are known", "TK-A13"),
        "labels of fields": ("ok", "all 1 fields have one", None),
        "offers": ("ok", "1 of them", "TK-A12"),
        "list of tickets": ("ok", "2 on the first page, 2 of them whole; it says whether there are more", "TK-A8"),
        "read of a ticket": ("ok", f"CTC-0055 {SUMMARY!r}", "TK-A5"),
        "identity of a ticket": ("ok", "shows its team, ticket type and offer", None),
        "status category": ("ok", "'To-do Category', open", "TK-A10"),
        "search": ("ok", "finds CTC-0055 by its summary", "TK-A9"),
    }
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
    "options, finding, assumption",
    [
        ({"api_key": "k"}, "the API key is accepted", "TK-A2"),
        ({"client_id": "c"}, "a token was fetched and is accepted", "TK-A1"),
        ({"access_token": "t"}, "the access token is accepted", None),
    ],
    ids=repr,
)
def test_the_way_of_the_credentials(options, finding, assumption):
    assert rows(run(service_with_ticket(), **options))["credentials"] == ("ok", finding, assumption)


# --- who one is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "user, name",
    [
        ({"username": "a", "email": "b"}, "a"),
        ({"email": "b"}, "b"),
        ({}, "somebody without a username"),
        ({"username": 7}, "7"),
    ],
    ids=repr,
)
def test_the_name_of_the_account(user, name):
    assert rows(run(service_with_ticket(user=user)))["who am I"][1] == name


@pytest.mark.parametrize(
    "roles, row",
    [
        (None, ("unknown", "the service does not show the roles", None)),
        ("ticket_agent", ("unknown", "the service does not show the roles", None)),
        ([], ("no", "none; may not write tickets", None)),
        (["viewer"], ("no", "viewer; may not write tickets", None)),
        (["viewer", "ticket_user"], ("ok", "viewer, ticket_user; may write tickets", None)),
        (["tenant_admin"], ("ok", "tenant_admin; may write tickets", None)),
    ],
    ids=repr,
)
def test_the_role_of_the_account(roles, row):
    assert rows(run(service_with_ticket(user={"roles": roles})))["role"] == row


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


def told(result: Result) -> list[tuple[str, str]]:
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
    service = service_with_ticket(faults={"offers": [Fault(error("contract"))], "ticket": [Fault(error("not_found"))]})
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
    assert found["ticket types"] == ("no", "0 of them", "TK-A12")
    assert found["offers"] == ("no", "0 of them", "TK-A12")


def test_fields_that_are_not_known_or_have_no_label():
    fields = [
        {"id": "f1", "type": "geo", "label": "Where"},
        {"id": "f2", "type": "", "name": "what"},
        {"id": "f3", "type": "geo"},
        {"id": "f4", "type": "text", "label": "", "name": None},
    ]
    found = rows(run(service_with_ticket(types=[{"id": "16910", "fields": fields}])))
    assert found["types of fields"] == ("no", "not known, and so not checked: (none), geo", "TK-A13")
    assert found["labels of fields"] == ("no", "2 of 4 fields have neither", None)


def test_offers_that_do_not_say_their_type():
    found = rows(run(service_with_ticket(catalog=[*OFFERS, {"id": "7"}, {"id": "8", "item_type": None}])))
    assert found["offers"] == ("no", "3 of them; without item_type: 7, 8", "TK-A12")


def test_a_list_of_thin_rows_that_does_not_say_its_end():
    found = rows(run(service_with_ticket(rows="thin", says_end=False)))
    assert found["list of tickets"] == (
        "ok",
        "2 on the first page, 0 of them whole; it does not say whether there are more",
        "TK-A8",
    )
    assert found["search"][0] == "ok"


def test_a_tenant_without_tickets():
    service = MemoryTicketing(user=USER, types=[HARDWARE], catalog=OFFERS)
    result = run(service)
    assert rows(result)["read of a ticket"] == ("unknown", "there is none to read; name one in object_id", None)
    assert (result.values["object_id"], service.count("ticket")) == (None, 0)


def test_a_ticket_that_hides_what_it_is():
    service = service_with_ticket(shows_place=False)
    del service.tickets["CTC-0055"]["status_category"]
    found = rows(run(service))
    assert found["identity of a ticket"] == ("no", "does not show its team_id, item_type_id", None)
    assert found["status category"] == ("no", "not shown, so closed tickets count as open", "TK-A10")


def test_a_ticket_that_is_done():
    service = service_with_ticket()
    service.tickets["CTC-0055"]["status_category"] = "Done Category"
    assert rows(run(service))["status category"] == ("ok", "'Done Category', done", "TK-A10")


@pytest.mark.parametrize("summary", [None, "", " "], ids=repr)
def test_a_ticket_without_a_summary_cannot_be_searched_for(summary):
    service = service_with_ticket()
    service.tickets["CTC-0055"]["summary"] = summary
    assert rows(run(service))["search"] == ("unknown", "CTC-0055 has no summary to search for", "TK-A9")
    assert service.count("tickets_page") == 1


def test_a_search_that_does_not_find():
    service = service_with_ticket()
    found = service._is_found
    service._is_found = lambda record, text: not text and found(record, text)
    assert rows(run(service))["search"] == ("no", "does not find CTC-0055 by its summary", "TK-A9")


@pytest.mark.parametrize("most, found", [(1, "no"), (2, "ok")])
def test_only_so_many_rows_of_the_search_are_looked_at(monkeypatch, most, found):
    service = service_with_ticket()
    service.add(f"{SUMMARY} again", {}, item_type="16910")
    monkeypatch.setattr(connection_check, "MOST_ROWS", most)
    assert rows(run(service, object_id="CTC-0055"))["search"][0] == found
