# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticketing side of the sandbox: the list of tickets, and the service catalog."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import TicketingClient

REFERENCE = "a1c0ffee-0001-4000-8000-000000000001"
STATUS = "a1c0ffee-0001-4000-8000-000000000004"
WAVE = [f"CTC-00{number}" for number in (53, 52, 51, 50, 49, 48, 47, 40, 42)]
TYPES, OFFERS = ["16910", "16920", "16931", "16932"], ["23629", "23640", "23641", "23650", "23651", "23660"]


@pytest.fixture
def client(sandbox: SandboxProcess) -> TicketingClient:
    return TicketingClient(sandbox)


def profiled(client: TicketingClient, **ticketing: Any) -> TicketingClient:
    client.sandbox.reset(ticketing=ticketing)
    return client


def listed(client: TicketingClient, *arguments: Any, **keys: Any) -> list[str]:
    """The display ids of a page."""
    answer = client.list(*arguments, **keys)
    assert answer.status == 200, answer.body
    return [row["object_id"] for row in answer.body["data"]["tickets"]]


def condition(column: str, word: str, operand: Any, **more: Any) -> dict[str, Any]:
    return {"id": "1", "column": column, "op": word, "operand": operand, **more}


def filtered(*conditions: dict[str, Any], word: str = "AND") -> dict[str, Any]:
    return {"op": word, "operand": list(conditions)}


# --- full text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "search, ids",
    [
        ("Weekly phishing wave", WAVE),
        ("  WAVE\tweekly ", WAVE),
        ("wave: customer 47-c", ["CTC-0049"]),
        ("ctc-0041", ["CTC-0041"]),
        ("SEN-6b1f0d7e", ["CTC-0041"]),
        ("sen-6b1f planned", ["CTC-0041"]),
        ("forty</b> persistence", []),
        ("minutes</b> persistence d.duty@", ["CTC-0041"]),
        ("replacement laptop <2week", ["CTC-0045"]),
        ("itsm-runbook", []),
        ("nothing of that kind", []),
    ],
)
def test_full_text(client, search, ids):
    assert listed(client, search) == ids


def test_an_empty_search_finds_everything(client):
    everything = listed(client)
    assert sorted(everything) == [f"CTC-00{number}" for number in range(40, 54)]
    assert listed(client, "  ") == everything
    keyless = client.request("POST", "/ticket/list", {"top": 100, "offset": 0})
    assert [row["object_id"] for row in keyless.body["data"]["tickets"]] == everything


def test_full_text_in_the_summary_only(client):
    profiled(client, search_fields="summary")
    assert listed(client, "SEN-6b1f0d7e") == []
    assert listed(client, "6b1f0d7e") == listed(client, "CTC-0041") == ["CTC-0041"]


def test_new_ticket_is_found_late(client):
    assert client.create({REFERENCE: "unique-1"}).status == 200
    assert listed(client, "unique-1") == ["CTC-0054"]
    profiled(client, search_lag=2)
    client.create({REFERENCE: "unique-1"})
    assert [listed(client, "unique-1") for _each in range(4)] == [[], [], ["CTC-0054"], ["CTC-0054"]]
    assert client.request("GET", "/ticket/CTC-0054").status == 200


# --- filters and order -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "conditions, ids",
    [
        ([condition("status", "EQ", "Resolved")], ["CTC-0042"]),
        ([condition("status", "NE", "Open")], ["CTC-0046", "CTC-0042"]),
        ([condition("status", "IN", ["Resolved", "In Progress"])], ["CTC-0046", "CTC-0042"]),
        ([condition("status", "LIKE", "%progress%")], ["CTC-0046"]),
        ([condition("status", "LT", "Open")], ["CTC-0046"]),
        ([condition("createdAt", "LT", "2026-11-16T07:30:00Z")], ["CTC-0042"]),
        ([condition("createdAt", "LE", "2026-11-16T08:30:00.000+01:00")], ["CTC-0040", "CTC-0042"]),
        ([condition("createdAt", "GT", "2026-11-20T08:06:00Z")], ["CTC-0041"]),
        ([condition("createdAt", "GE", "2026-11-20T08:06:00Z")], ["CTC-0041", "CTC-0053"]),
        ([condition("createdAt", "EQ", "2026-11-19T10:00:05Z")], ["CTC-0044"]),
        ([condition("createdAt", "IN", ["2026-11-19T10:00:05Z", "2026-11-19T10:00:00Z"])], ["CTC-0044", "CTC-0043"]),
        (
            [condition("status", "EQ", "Open"), condition("createdAt", "LT", "2026-11-17T00:00:00Z")],
            ["CTC-0040"],
        ),
    ],
    ids=str,
)
def test_filters(client, conditions, ids):
    assert listed(client, filter=filtered(*conditions)) == ids


def test_one_of_several_filters(client):
    either = filtered(condition("status", "EQ", "Resolved"), condition("status", "EQ", "In Progress"), word="OR")
    assert listed(client, filter=either) == ["CTC-0046", "CTC-0042"]
    assert listed(client, "phishing", filter=either) == ["CTC-0042"]
    assert listed(client, filter=filtered(word="OR")) == listed(client, filter=filtered()) == listed(client)


@pytest.mark.parametrize(
    "keys",
    [
        {"filter": filtered(condition("team", "EQ", "soc"))},
        {"filter": filtered(condition("updatedAt", "EQ", "2026-11-19T10:00:05Z"))},
        {"filter": filtered(condition("createdAt", "GT", "yesterday"))},
        {"filter": filtered(condition("createdAt", "LIKE", "2026"))},
        {"filter": filtered(condition("status", "IN", "Open"))},
        {"filter": filtered(condition("status", "EQ", 1))},
        {"sort": "summary"},
    ],
    ids=str,
)
def test_filter_that_cannot_be_used(client, keys):
    answer = client.list(**keys)
    assert (answer.status, answer.body["code"]) == (422, "INVALID_FILTER")


@pytest.mark.parametrize("op", ["BETWEEN", None])
def test_filter_that_is_none(client, op):
    answer = client.list(filter=filtered({**condition("status", "EQ", "Open"), "op": op}))
    assert (answer.status, answer.body["code"]) == (400, "INPUT_VALIDATION_FAILURE")


@pytest.mark.parametrize(
    "keys, ids",
    [
        ({}, ["CTC-0041", "CTC-0053"]),
        ({"sort": "createdAt", "searchOrder": "DESC", "sortOrder": []}, ["CTC-0041", "CTC-0053"]),
        ({"searchOrder": "ASC"}, ["CTC-0042", "CTC-0040"]),
        ({"sort": "updatedAt", "searchOrder": "ASC"}, ["CTC-0042", "CTC-0040"]),
        ({"sort": "updatedAt"}, ["CTC-0041", "CTC-0046"]),
        ({"sort": "status"}, ["CTC-0042", "CTC-0040"]),
        ({"sort": "status", "searchOrder": "ASC"}, ["CTC-0046", "CTC-0040"]),
    ],
    ids=str,
)
def test_order(client, keys, ids):
    assert listed(client, top=2, **keys) == ids


def test_order_by_the_last_change(client):
    client.update("CTC-0043", {STATUS: "In Progress"})
    assert listed(client, top=1, sort="updatedAt") == ["CTC-0043"]


# --- pages and rows --------------------------------------------------------------------------------------------------


def test_pages(client):
    first, last = (client.list("wave", 5, offset).body["data"] for offset in (0, 5))
    assert [row["object_id"] for row in [*first["tickets"], *last["tickets"]]] == WAVE
    assert first["pagination"] == {"total": 9, "top": 5, "offset": 0, "hasMore": True}
    assert last["pagination"] == {"total": 9, "top": 5, "offset": 5, "hasMore": False}
    assert client.list("wave", 5, 9).body["data"]["tickets"] == []
    assert client.sandbox.journal()["writes"] == 0


def test_pages_are_smaller_than_asked_for(client):
    profiled(client, page_size=3)
    data = client.list("wave", 100, 3).body["data"]
    assert [row["object_id"] for row in data["tickets"]] == WAVE[3:6]
    assert data["pagination"] == {"total": 9, "top": 3, "offset": 3, "hasMore": True}
    assert client.list("weekly phishing wave", 2).body["data"]["pagination"]["top"] == 2


def test_rows_and_a_count(client):
    data = profiled(client, list_shape="rows").list("wave", 2).body["data"]
    assert [row["object_id"] for row in data["rows"]] == WAVE[:2]
    assert (set(data), data["count"]) == ({"rows", "count"}, 9)


def test_fat_and_thin_rows(client):
    record = client.request("GET", "/ticket/CTC-0041").body["ticket"]
    assert client.list("CTC-0041").body["data"]["tickets"] == [record]
    profiled(client, rows="thin", row_id="objectId")
    thin = {name: record[name] for name in ("summary", "status_type", "created_at")}
    assert client.list("CTC-0041").body["data"]["tickets"] == [{"objectId": "CTC-0041", **thin}]


# --- the service catalog ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "catalog, types, offers",
    [
        ("value", ("data", "value"), ("data", "offers")),
        ("data", ("data",), ("data",)),
        ("bare", (), ()),
        ("top", ("value",), ("offers",)),
    ],
)
def test_where_the_catalog_stands(client, catalog, types, offers):
    profiled(client, catalog=catalog)
    for path, keys, ids in (("/ticket-type", types, TYPES), ("/tenant/sc/offers", offers, OFFERS)):
        body = client.request("GET", path).body
        for key in keys:
            body = body[key]
        assert [entry["id"] for entry in body] == ids


def test_ticket_types(client):
    types = {entry["id"]: entry for entry in client.request("GET", "/ticket-type").body["data"]["value"]}
    incident = types["16920"]
    assert set(incident) == {"id", "name", "fields"}
    known = {entry["label"]: entry for entry in incident["fields"]}
    assert len(incident["fields"]) == 14
    assert known["Incident Reference"] == {
        "id": REFERENCE,
        "label": "Incident Reference",
        "name": "incident_reference",
        "type": "text",
        "required": True,
    }
    assert known["Urgency"]["options"][0] == {"id": "1", "value": "high", "label": "High"}
    assert known["Due Date"]["defaultValue"] == ""
    assert known["Root Cause"]["required"] == {"when": {"field": STATUS, "is": "Resolved"}}
    assert [types[name]["name"] for name in ("16931", "16932")] == ["Access Request"] * 2


def test_offers(client):
    offers = client.request("GET", "/tenant/sc/offers").body["data"]["offers"]
    assert offers[0] == {"id": "23629", "name": "New laptop", "item_type": "16910", "status": "active"}
    assert [entry["id"] for entry in offers if entry["status"] != "active"] == ["23660"]


def test_pages_of_ticket_types(client):
    def ids(query: str) -> list[str]:
        answer = client.request("GET", "/ticket-type", query=f"type=template&module=ticketing{query}")
        return [entry["id"] for entry in answer.body["data"]["value"]]

    assert ids("&$top=3") == TYPES[:3]
    assert ids("&$top=3&$skip=3&$select=id,name") == TYPES[3:]
    profiled(client, type_page=2)
    assert [ids("&$top=100"), ids("&$skip=2"), ids("&$skip=4")] == [TYPES[:2], TYPES[2:], []]
    assert ids("&$top=1") == TYPES[:1]
