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
from ansible_collections.secops.itsm.tests.sandbox.asking import PREFIX, Asking
from ansible_collections.secops.itsm.tests.sandbox.contract import ticketing_contract
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed

FIELD = "a1c0ffee-0001-4000-8000-0000000000"
REFERENCE, DESCRIPTION, HOSTS, DETECTED, DUE = (FIELD + number for number in ("01", "02", "05", "06", "07"))


@pytest.fixture
def asking(sandbox: SandboxProcess) -> Asking:
    return Asking(sandbox)


def profiled(asking: Asking, **ticketing: Any) -> Asking:
    asking.sandbox.reset(ticketing=ticketing)
    return asking


def get(asking: Asking, object_id: str = "CTC-0041") -> dict[str, Any]:
    answer = asking.ask("GET", f"/ticket/{object_id}")
    assert answer.status == 200, answer.body
    return answer.body["ticket"]


@pytest.mark.parametrize("envelope", ["ticket", "data.ticket", "data", "body"])
def test_envelopes(asking, envelope):
    body = profiled(asking, envelope=envelope).ask("GET", "/ticket/CTC-0041").body
    for name in [] if envelope == "body" else envelope.split("."):
        body = body[name]
    assert body["object_id"] == "CTC-0041"
    assert asking.create({REFERENCE: "x"}).body["ticket"]["object_id"] == "CTC-0054"


def test_update_that_answers_with_the_etag_alone(asking):
    body = profiled(asking, update_answer="etag").update("CTC-0041", {HOSTS: 4}).body
    assert "ticket" not in body
    assert body["etag"] == get(asking)["etag"]


@pytest.mark.parametrize("answered", ["full", "etag"])
def test_update_without_an_effect(asking, answered):
    profiled(asking, writes="ignored", update_answer=answered)
    before = get(asking)
    answer = asking.update("CTC-0041", {HOSTS: 9})
    record = answer.body.get("ticket", answer.body)
    assert (answer.status, record["etag"] != before["etag"]) == (200, True)
    assert answered == "etag" or record["data"][HOSTS] == 9
    assert get(asking) == before
    assert asking.sandbox.journal()["writes_in_effect"] == 0
    assert asking.create({REFERENCE: "x"}).status == 200
    assert asking.stored("CTC-0054")["object_id"] == "CTC-0054"


def test_reads_lag(asking):
    profiled(asking, lag_reads=2)
    before = get(asking)
    after = asking.update("CTC-0041", {HOSTS: 4}).body["ticket"]
    assert asking.update("CTC-0041", {HOSTS: 5}, before["etag"]).status == 409
    assert [get(asking) for _each in range(3)] == [before, before, after]


HTML = '<p  class="x">Seen <b>twice</b>.</p>\n<script type="text/javascript">alert(1)</script> <br/>'


def test_values_come_back_otherwise(asking):
    sent = {DESCRIPTION: HTML, HOSTS: 3, DETECTED: "2026-11-21T05:00:00+01:00", DUE: "2026-11-24", REFERENCE: HTML}
    kept = asking.create(sent).body["ticket"]["data"]
    assert {name: kept[name] for name in sent} == sent
    profiled(asking, html="cleaned", numbers="text", dates="utc")
    asking.create(sent)
    changed = {
        **sent,
        DESCRIPTION: "<p>Seen <b>twice</b>.</p> <br/>",
        HOSTS: "3",
        DETECTED: "2026-11-21T04:00:00.000Z",
        DUE: "2026-11-24T00:00:00.000Z",
    }
    row = asking.list().body["data"]["tickets"][0]
    for record in (get(asking, "CTC-0054"), asking.update("CTC-0054", sent).body["ticket"], row):
        assert {name: record["data"][name] for name in sent} == changed
    assert get(asking, "CTC-0043")["data"][DUE] == ""


def test_lookup_is_hidden(asking):
    assert get(asking)["lookup_props"] == {"teamId": "soc", "itemTypeId": "16920"}
    profiled(asking, lookup="hidden")
    assert "lookup_props" not in get(asking)
    assert not any("lookup_props" in row for row in asking.list().body["data"]["tickets"])


def test_categories_are_short(asking):
    profiled(asking, category="short")
    assert [get(asking, name)["status_category"] for name in ("CTC-0041", "CTC-0042", "CTC-0046")] == [
        "To-do",
        "Done",
        "In-Progress",
    ]


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

    answer = asyncio.run(sandbox.serving.serve(app.Request(scope, receive)))
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
def test_faults_have_the_shape_of_the_service(asking, fault, wanted):
    asking.sandbox.set_faults({"operation": "get-ticket", **fault})
    answer = asking.ask("GET", "/ticket/CTC-0041")
    assert (answer.status, {name: answer.body.get(name) for name in wanted}) == (fault["status"], wanted)
    if "success" in wanted:
        assert answer.body["error"]["code"] == "X"
    assert asking.ask("GET", "/ticket/CTC-0041").status == 200


def test_fault_of_the_token_endpoint(asking):
    asking.sandbox.set_faults({"operation": "fetch-token", "status": 503}, {"status": 401, "content": "echo"})
    assert asking.fetch_token().body == {
        "error": "temporarily_unavailable",
        "error_description": "The sandbox was told to fail.",
    }
    answer = asking.fetch_token(client_secret="a-secret-to-scrub")
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert "a-secret-to-scrub" in answer.body["error_description"]
    assert "content-type" in answer.body["error_description"]


@pytest.mark.parametrize("when, effect", [("before", 0), ("after", 1)])
def test_creation_that_breaks_off(asking, when, effect):
    asking.sandbox.set_faults({"operation": "create-ticket", "status": 504, "when": when, "content": "html"})
    answer = asking.create({REFERENCE: "x"})
    assert (answer.status, answer.kind) == (504, "text/html")
    assert asking.sandbox.journal()["writes_in_effect"] == effect
    assert asking.list("CTC-0054").body["data"]["pagination"]["total"] == effect
