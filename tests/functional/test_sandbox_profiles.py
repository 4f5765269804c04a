# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticketing side of the sandbox: how it can be told to differ and to misbehave."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.sandbox import app
from ansible_collections.secops.itsm.tests.sandbox.contract import ticketing_contract
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import PREFIX, TicketingClient

FIELD = "a1c0ffee-0001-4000-8000-0000000000"
REFERENCE, DESCRIPTION, HOSTS, DETECTED, DUE = (FIELD + number for number in ("01", "02", "05", "06", "07"))


@pytest.fixture
def client(sandbox: SandboxProcess) -> TicketingClient:
    return TicketingClient(sandbox)


def profiled(client: TicketingClient, **ticketing: Any) -> TicketingClient:
    client.sandbox.reset(ticketing=ticketing)
    return client


def get(client: TicketingClient, object_id: str = "CTC-0041") -> dict[str, Any]:
    answer = client.request("GET", f"/ticket/{object_id}")
    assert answer.status == 200, answer.body
    return answer.body["ticket"]


@pytest.mark.parametrize("envelope", ["ticket", "data.ticket", "data", "body"])
def test_envelopes(client, envelope):
    body = profiled(client, envelope=envelope).request("GET", "/ticket/CTC-0041").body
    for name in [] if envelope == "body" else envelope.split("."):
        body = body[name]
    assert body["object_id"] == "CTC-0041"
    assert client.create({REFERENCE: "x"}).body["ticket"]["object_id"] == "CTC-0054"


def test_update_that_answers_with_the_etag_alone(client):
    body = profiled(client, update_answer="etag").update("CTC-0041", {HOSTS: 4}).body
    assert "ticket" not in body
    assert body["etag"] == get(client)["etag"]


@pytest.mark.parametrize("answered", ["full", "etag"])
def test_update_without_an_effect(client, answered):
    profiled(client, writes="ignored", update_answer=answered)
    before = get(client)
    answer = client.update("CTC-0041", {HOSTS: 9})
    record = answer.body.get("ticket", answer.body)
    assert (answer.status, record["etag"] != before["etag"]) == (200, True)
    assert answered == "etag" or record["data"][HOSTS] == 9
    assert get(client) == before
    assert client.sandbox.journal()["writes_in_effect"] == 0
    assert client.create({REFERENCE: "x"}).status == 200
    assert client.stored("CTC-0054")["object_id"] == "CTC-0054"


def test_reads_lag(client):
    profiled(client, lag_reads=2)
    before = get(client)
    after = client.update("CTC-0041", {HOSTS: 4}).body["ticket"]
    assert client.update("CTC-0041", {HOSTS: 5}, before["etag"]).status == 409
    assert [get(client) for _each in range(3)] == [before, before, after]


HTML = '<p  class="x">Seen <b>twice</b>.</p>\n<script type="text/javascript">alert(1)</script> <br/>'


def test_values_come_back_otherwise(client):
    sent = {DESCRIPTION: HTML, HOSTS: 3, DETECTED: "2026-11-21T05:00:00+01:00", DUE: "2026-11-24", REFERENCE: HTML}
    kept = client.create(sent).body["ticket"]["data"]
    assert {name: kept[name] for name in sent} == sent
    profiled(client, html="cleaned", numbers="text", dates="utc")
    client.create(sent)
    changed = {
        **sent,
        DESCRIPTION: "<p>Seen <b>twice</b>.</p> <br/>",
        HOSTS: "3",
        DETECTED: "2026-11-21T04:00:00.000Z",
        DUE: "2026-11-24T00:00:00.000Z",
    }
    row = client.list().body["data"]["tickets"][0]
    for record in (get(client, "CTC-0054"), client.update("CTC-0054", sent).body["ticket"], row):
        assert {name: record["data"][name] for name in sent} == changed
    assert get(client, "CTC-0043")["data"][DUE] == ""


def test_lookup_is_hidden(client):
    assert get(client)["lookup_props"] == {"teamId": "soc", "itemTypeId": "16920"}
    profiled(client, lookup="hidden")
    assert "lookup_props" not in get(client)
    assert not any("lookup_props" in row for row in client.list().body["data"]["tickets"])


def test_categories_are_short(client):
    profiled(client, category="short")
    assert [get(client, name)["status_category"] for name in ("CTC-0041", "CTC-0042", "CTC-0046")] == [
        "To-do",
        "Done",
        "In-Progress",
    ]


@pytest.mark.parametrize(
    "summary, text, refused",
    [
        ("x" * 255, "a\r\n\tb \u00fc", []),
        ("x" * 256, "", ["summary"]),
        ("\U0001f525" * 128, "", ["summary"]),
        ("a\nb", "", ["summary"]),
        ("a\u202eb", "\x1b[31m", ["summary", REFERENCE]),
        ("a", "\x00", [REFERENCE]),
    ],
    ids=["fits", "long", "long in UTF-16", "two lines", "bidi and ESC", "NUL"],
)
def test_plain_texts(client, summary, text, refused):
    profiled(client, texts="plain")
    answer = client.create({REFERENCE: f"x{text}"}, summary=summary)
    assert answer.status == (400 if refused else 200)
    assert set(answer.body.get("validationResult", {}).get("reason", {})) == set(refused)
    assert client.update("CTC-0041", {REFERENCE: f"x{text}"}).status == (400 if REFERENCE in refused else 200)
    profiled(client)
    assert client.create({REFERENCE: f"x{text}"}, summary=summary).status == 200


# --- answers are judged, and faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"etag": "1"}, {"object_id": 41}])
def test_an_answer_that_breaks_the_contract_is_not_given(wrong):
    sandbox = app.Sandbox(Seed.load(SEED_FILE))
    tenant = next(iter(sandbox.ticketing.store.tenants.values()))
    tenant.tickets["CTC-0041"].record.update(wrong)
    client = sandbox.ticketing._seed["clients"][0]
    headers = {"authorization": f"Bearer {client['access_token']}", "x-tenantid": tenant.id, "realmname": "northwind"}
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"{PREFIX}/ticket/CTC-0041",
        "raw_path": f"{PREFIX}/ticket/CTC-0041".encode(),
        "query_string": b"type=template&module=ticketing",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    answer = asyncio.run(sandbox.dispatcher.dispatch(app.Request(scope, receive)))
    body = json.loads(answer.body)
    assert (answer.status_code, body["code"], body["error"]) == (500, "SANDBOX_BROKE_THE_CONTRACT", True)


def test_media_types_are_judged():
    contract = ticketing_contract()
    create = next(operation for operation in contract.operations if operation.name == "create-ticket")
    assert contract.answer_faults(create, 404, "<html></html>", "text/html") == []
    assert contract.answer_faults(create, 404, {"error": True, "message": "x", "status": 404}) == []
    assert contract.answer_faults(create, 404, {"html": "x"})
    assert contract.answer_faults(create, 400, "<html></html>", "text/html") == [
        "400 of create-ticket is application/json, not text/html"
    ]


@pytest.mark.parametrize(
    "fault, wanted",
    [
        ({"status": 503}, {"error": True, "code": "SANDBOX_503", "status": 503}),
        ({"status": 429, "code": "RATE_LIMITED"}, {"error": True, "code": "RATE_LIMITED", "status": 429}),
        ({"status": 403}, {"error": True, "code": None, "status": 403}),
        ({"status": 500}, {"error": True, "code": None, "status": 500}),
        ({"status": 500, "content": "old", "code": "X"}, {"success": False}),
    ],
    ids=str,
)
def test_faults_have_the_shape_of_the_service(client, fault, wanted):
    client.sandbox.set_faults({"operation": "get-ticket", **fault})
    answer = client.request("GET", "/ticket/CTC-0041")
    assert (answer.status, {name: answer.body.get(name) for name in wanted}) == (fault["status"], wanted)
    if "success" in wanted:
        assert answer.body["error"]["code"] == "X"
    assert client.request("GET", "/ticket/CTC-0041").status == 200


def test_fault_of_the_token_endpoint(client):
    client.sandbox.set_faults({"operation": "fetch-token", "status": 503}, {"status": 401, "content": "echo"})
    assert client.fetch_token().body == {
        "error": "temporarily_unavailable",
        "error_description": "The sandbox was told to fail.",
    }
    answer = client.fetch_token(client_secret="a-secret-to-scrub")
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert "a-secret-to-scrub" in answer.body["error_description"]
    assert "content-type" in answer.body["error_description"]


@pytest.mark.parametrize("when, effect", [("before", 0), ("after", 1)])
def test_creation_that_breaks_off(client, when, effect):
    client.sandbox.set_faults({"operation": "create-ticket", "status": 504, "when": when, "content": "html"})
    answer = client.create({REFERENCE: "x"})
    assert (answer.status, answer.kind) == (504, "text/html")
    assert client.sandbox.journal()["writes_in_effect"] == effect
    assert client.list("CTC-0054").body["data"]["pagination"]["total"] == effect
