# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox serves the ticketing API, and lets another agent edit tickets."""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

from ansible_collections.secops.itsm.tests.sandbox.contract import ticketing_contract
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import ClientResponse, TicketingClient

LAPTOP = ticketing_contract().document["paths"]["/api/v2/ticketing/ticket/create/{teamId}/{itemTypeId}"]["post"]
#: The request and the response of the vendor's page.
REQUEST = LAPTOP["requestBody"]["content"]["application/json"]["example"]
RESPONSE = LAPTOP["responses"]["200"]["content"]["application/json"]["example"]
REFERENCE, DESCRIPTION, URGENCY, STATUS, HOSTS, DETECTED, DUE, CONTAINED, TACTICS, RESPONDER = (
    f"a1c0ffee-0001-4000-8000-0000000000{number:02}" for number in range(1, 11)
)
ROOT_CAUSE, WHERE = "a1c0ffee-0001-4000-8000-000000000013", "a1c0ffee-0001-4000-8000-000000000014"
HARDWARE_STATUS = "c0ffee00-0001-4000-8000-000000016910"
FABRIKAM_TENANT = "5b7c2f90-3d14-4a6e-9c08-2e1f0a9b8c7d"
FABRIKAM = {"client_id": "itsm-fabrikam", "client_secret": "fabrikam+secret/0123456789"}
WAVE = [f"CTC-00{number}" for number in (53, 52, 51, 50, 49, 48, 47, 40, 42)]
TYPES, OFFERS = ["16910", "16920", "16931", "16932"], ["23629", "23640", "23641", "23650", "23651", "23660"]


@pytest.fixture
def client(sandbox: SandboxProcess) -> TicketingClient:
    return TicketingClient(sandbox)


def profiled(client: TicketingClient, **ticketing: Any) -> TicketingClient:
    client.sandbox.reset(ticketing=ticketing)
    return client


def get(client: TicketingClient, object_id: str = "CTC-0041") -> dict[str, Any]:
    response = client.request("GET", f"/ticket/{object_id}")
    assert response.status == 200, response.body
    return response.body["ticket"]


def listed(client: TicketingClient, *arguments: Any, **keys: Any) -> list[str]:
    """Return the display IDs of a page."""
    response = client.list(*arguments, **keys)
    assert response.status == 200, response.body
    return [row["object_id"] for row in response.body["data"]["tickets"]]


def reasons(response: ClientResponse) -> dict[str, list[str]]:
    """Return the messages of a failed validation by field."""
    body = response.body
    assert (response.status, body["error"], body["code"]) == (400, True, "INPUT_VALIDATION_FAILURE")
    assert (body["message"], body["status"]) == ("There occured an error during ticket data validation", 400)
    assert body["validationResult"]["result"] is False
    return body["validationResult"]["reason"]


def fetched(client: TicketingClient, **fields: str | None) -> TicketingClient:
    """Return a client with a token of its own."""
    response = client.fetch_token(**fields)
    assert response.status == 200, response.body
    return TicketingClient(client.sandbox, {"Authorization": f"Bearer {response.body['access_token']}"})


# --- credentials -----------------------------------------------------------------------------------------------------


def test_token_is_fetched(client):
    known = client.sandbox.ticketing
    tokens = set()
    for scope in ("tickets:write", None):
        response = client.fetch_token(scope=scope).body
        tokens.add(response["access_token"])
        assert (response["token_type"], response["expires_in"], response["scope"]) == ("Bearer", 300, "tickets:write")
        payload = response["access_token"].split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        assert (claims["tenant_id"], claims["scope"]) == (known["tenant_id"], "tickets:write")
        assert claims["realm_access"] == {"roles": ["ticket_agent"]}
    assert len(tokens) == 2
    assert fetched(client).request("GET", "/user/userinfo").body["data"] == {
        "username": "itsm-runbook@northwind.example",
        "tenantId": known["tenant_id"],
        "teams": ["soc", "james"],
        "roles": ["ticket_agent"],
        "permissions": ["tickets:write"],
    }


@pytest.mark.parametrize(
    "fields, status, word",
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 401, "invalid_client"),
        (FABRIKAM, 401, "invalid_client"),
        ({"realm": "fabrikam"}, 401, "invalid_client"),
        ({"scope": "tickets:write tickets:delete"}, 400, "invalid_scope"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"audience": "x"}, 400, "invalid_request"),
        ({"kind": "application/json"}, 400, "invalid_request"),
    ],
    ids=str,
)
def test_token_is_refused(client, fields, status, word):
    response = client.fetch_token(**fields)
    assert (response.status, response.body["error"]) == (status, word)
    assert response.body["error_description"]


def test_invalid_form_is_refused(client):
    known = client.sandbox.ticketing
    path = f"/auth/realms/{known['realm']}/protocol/openid-connect/token"
    pairs = [(name, known[name]) for name in ("client_id", "client_secret", "scope", "scope")]
    twice = urlencode([("grant_type", "client_credentials"), *pairs]).encode()
    for form in (b"", b"client_id", b"\xff", twice):
        response = client.send("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
        assert (response.status, response.body["error"]) == (400, "invalid_request")
    assert response.body["error_description"] == "A field of the form occurs twice."


def test_journal_contains_no_credentials(client):
    fetched(client).request("GET", "/user/userinfo")
    client.fetch_token(client_secret="another-secret")
    journal = client.sandbox.journal()
    assert [entry["operation"] for entry in journal["entries"]] == ["fetch-token", "get-user-info", "fetch-token"]
    assert (journal["reads"], journal["writes"]) == (3, 0)
    for secret in (client.sandbox.ticketing["client_secret"], "another-secret", "Bearer"):
        assert secret not in json.dumps(journal)


def test_credentials_are_checked(client):
    known = client.sandbox.ticketing
    assert TicketingClient(client.sandbox, {"Authorization": None, "x-api-key": known["api_key"]}).list().status == 200
    for headers in (
        {"Authorization": None},
        {"Authorization": f"Basic {known['access_token']}"},
        {"Authorization": None, "X-API-Key": "wrong"},
        {"Authorization": "Bearer wrong", "X-API-Key": known["api_key"]},
    ):
        response = TicketingClient(client.sandbox, headers).list()
        assert (response.status, response.body["error"], response.body["code"]) == (401, True, "UNAUTHORIZED")


def test_token_expires(client):
    own = fetched(client)
    client.sandbox.reset(ticketing={"token_uses": 2})
    response = own.request("GET", "/user/userinfo")
    assert (response.status, response.body["code"]) == (401, "TOKEN_EXPIRED")
    own = fetched(client)
    assert [own.request("GET", "/user/userinfo").status for _each in range(4)] == [200, 200, 401, 401]
    assert own.request("GET", "/user/userinfo").body["code"] == "TOKEN_EXPIRED"
    assert [client.request("GET", "/user/userinfo").status for _each in range(3)] == [200] * 3


def test_tenants_are_separate(client):
    known = client.sandbox.ticketing
    right = {
        "x-tenantid": None,
        "realmname": None,
        "X-TenantId": known["tenant_id"].upper(),
        "RealmName": known["realm"],
    }
    assert TicketingClient(client.sandbox, right).list().status == 200
    for headers in ({"x-tenantid": FABRIKAM_TENANT}, {"x-tenantid": "x"}, {"realmname": "fabrikam"}):
        response = TicketingClient(client.sandbox, headers).list()
        assert (response.status, response.body["success"]) == (404, False)
        assert response.body["error"]["message"] == "Tenant not found"
    token = client.fetch_token(realm="fabrikam", **FABRIKAM).body["access_token"]
    headers = {"Authorization": f"Bearer {token}", "x-tenantid": FABRIKAM_TENANT, "realmname": "fabrikam"}
    other = TicketingClient(client.sandbox, headers)
    assert listed(other) == ["REQ-0008", "REQ-0007"]
    assert other.request("GET", "/ticket/CTC-0041").status == client.request("GET", "/ticket/REQ-0007").status == 404
    assert [entry["id"] for entry in other.request("GET", "/tenant/sc/offers").body["data"]["offers"]] == ["30110"]
    created = other.create({}, "helpdesk", "20110", "30110")
    assert (created.body["objectId"], created.body["ticket"]["tenant_id"]) == ("REQ-0009", FABRIKAM_TENANT)


def test_roles_limit_what_a_client_can_do(client):
    known = client.sandbox.ticketing
    reader = fetched(client, **known["read_only"], scope=None)
    assert len(listed(reader)) == len(listed(client)) > 10
    for response, action in (
        (reader.create({REFERENCE: "x"}), "create ticket"),
        (reader.update("CTC-0041", {REFERENCE: "x"}), "update ticket"),
    ):
        message = f"You do not have the required permissions to {action}"
        body = {"error": True, "code": "USER_PERMISSION_FAILURE", "message": message, "status": 401}
        assert (response.status, response.body) == (401, body)
    own = fetched(client, **known["own_only"], scope=None)
    assert listed(own) == ["CTC-0053"]
    assert [own.request("GET", f"/ticket/CTC-00{number}").status for number in (53, 52)] == [200, 404]
    assert own.update("CTC-0052", {REFERENCE: "x"}).status == 404
    assert client.sandbox.journal()["writes_in_effect"] == 0
    assert own.create({REFERENCE: "x"}).body["ticket"]["data"]["submittedBy"] == "itsm-self@northwind.example"
    assert listed(own) == ["CTC-0054", "CTC-0053"]


# --- requests that break the contract --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_, headers, fields",
    [
        (("GET", "/ticket/CTC-0041", None, ""), {}, ["type", "module"]),
        (("GET", "/ticket/CTC-0041", None, "type=person&module=ticketing&page=2"), {}, ["type", "page"]),
        (("GET", "/ticket-type", None, "type=template&module=ticketing&$top=0"), {}, ["$top"]),
        (("GET", "/ticket-type", None, "type=template&module=ticketing&$skip=two"), {}, ["$skip"]),
        (("GET", "/ticket-type"), {"x-tenantid": None}, ["x-tenantid"]),
        (("GET", "/ticket-type"), {"realmname": None}, ["realmname"]),
        (("GET", "/ticket-type"), {"issupportrequest": "maybe"}, ["issupportrequest"]),
        (("GET", "/ticket-type"), {"issupportrequest": "TRUE", "X-Other": "x"}, []),
        (("POST", "/ticket/list", {"top": 1}), {}, ["body"]),
        (("POST", "/ticket/list", {"top": 101, "offset": 0, "query": "x"}), {}, ["query", "top"]),
        (("POST", "/ticket/list", {"top": 1, "offset": 0}), {"Content-Type": "text/plain"}, ["body"]),
        (("PATCH", "/ticket/CTC-0041/update", {"etag": "x", "ticketUpdate": {}}), {}, ["etag", "ticketUpdate"]),
        (("PATCH", "/ticket/CTC-0041/update", b"{"), {}, ["body"]),
        (("POST", "/ticket/create/soc/16920", {**REQUEST, "ticketBody": {}}), {}, ["ticketBody"]),
    ],
    ids=str,
)
def test_request_that_breaks_the_contract_is_refused(client, request_, headers, fields):
    response = TicketingClient(client.sandbox, headers).request(*request_)
    if fields:
        assert sorted(reasons(response)) == sorted(fields)
    else:
        assert response.status == 200


def test_media_types_are_part_of_the_contract():
    contract = ticketing_contract()
    create = next(operation for operation in contract.operations if operation.name == "create-ticket")
    assert contract.answer_faults(create, 404, "<html></html>", "text/html") == []
    assert contract.answer_faults(create, 404, {"error": True, "message": "x", "status": 404}) == []
    assert contract.answer_faults(create, 404, {"html": "x"})
    assert contract.answer_faults(create, 400, "<html></html>", "text/html")


@pytest.mark.parametrize(
    "fault, expected",
    [
        ({"status": 503}, {"error": True, "code": "SANDBOX_503", "status": 503}),
        ({"status": 429, "code": "RATE_LIMITED"}, {"error": True, "code": "RATE_LIMITED", "status": 429}),
        ({"status": 403}, {"error": True, "code": None, "status": 403}),
    ],
    ids=str,
)
def test_fault_has_the_error_format_of_the_service(client, fault, expected):
    old = {"status": 500, "content": "old", "code": "X"}
    client.sandbox.set_faults({"operation": "get-ticket", **fault}, {"operation": "get-ticket", **old})
    response = client.request("GET", "/ticket/CTC-0041")
    assert (response.status, {name: response.body.get(name) for name in expected}) == (fault["status"], expected)
    body = client.request("GET", "/ticket/CTC-0041").body
    assert (body["success"], body["error"]["code"]) == (False, "X")


def test_fault_has_the_error_format_of_the_token_endpoint(client):
    client.sandbox.set_faults({"status": 503}, {"status": 401, "content": "echo"})
    assert client.fetch_token().body["error"] == "temporarily_unavailable"
    body = client.fetch_token(client_secret="a-secret-to-redact").body
    assert body["error"] == "invalid_client"
    assert "a-secret-to-redact" in body["error_description"]
    assert "content-type" in body["error_description"]


# --- tickets ---------------------------------------------------------------------------------------------------------


def test_request_of_the_vendors_page_has_its_response(client):
    response = client.request("POST", "/ticket/create/james/16910", REQUEST)
    ticket, shown = response.body["ticket"], RESPONSE["ticket"]
    assert (response.status, list(response.body), list(ticket)) == (200, list(RESPONSE), list(shown))
    for name in set(shown) - {"id", "etag", "created_at", "updated_at", "data"}:
        assert ticket[name] == shown[name], name
    for name in ("success", "message", "status", "objectId"):
        assert response.body[name] == RESPONSE[name]
    assert all(str(uuid.UUID(ticket[name])) == ticket[name] for name in ("id", "etag"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ticket["created_at"])
    assert ticket["created_at"] == ticket["updated_at"]
    person = {"lastName": "Automation", "username": "itsm-runbook@northwind.example", "firstName": "Runbook"}
    own = {HARDWARE_STATUS: "Open", "submittedBy": person["username"], "lastUpdatedBy": person}
    assert ticket["data"] == {**shown["data"], **own}
    assert get(client, "CTC-0054") == ticket == client.stored("CTC-0054")
    journal = client.sandbox.journal()
    assert (journal["writes"], journal["writes_in_effect"], journal["entries"][0]["body"]) == (1, 1, REQUEST)
    second = client.create({REFERENCE: "x"}).body["ticket"]
    assert (second["object_id"], second["id_serial"]) == ("CTC-0055", ticket["id_serial"] + 1)


def test_new_ticket_has_default_values_and_a_status(client):
    data = client.create({REFERENCE: "x", CONTAINED: True, DESCRIPTION: None}).body["ticket"]["data"]
    system = {"offerId", "ccWatchers", "toWatchers", "submittedBy", "lastUpdatedBy"}
    defaults = {URGENCY: "medium", STATUS: "Open", DUE: ""}
    sent = {REFERENCE: "x", DESCRIPTION: None, CONTAINED: True}
    assert {name: value for name, value in data.items() if name not in system} == {**sent, **defaults}
    for status, category in (("In Progress", "In-Progress Category"), ("Resolved", "Done Category")):
        ticket = client.create({REFERENCE: "x", STATUS: status}).body["ticket"]
        assert (ticket["status_type"], ticket["status_category"]) == (status, category)
    plain = client.create({}, item_type="16931", offer="23650").body["ticket"]
    assert (plain["status_type"], plain["status_category"]) == ("Open", "To-do Category")


def test_ticket_needs_a_known_team_type_and_offer(client):
    for team, item_type in (("nowhere", "16920"), ("soc", "99999"), ("helpdesk", "16920"), ("soc", "20110")):
        response = client.create({REFERENCE: "x"}, team, item_type)
        assert (response.status, response.kind) == (404, "text/html")
        assert response.body.startswith("<!DOCTYPE html>")
    response = client.create({REFERENCE: "x"}, "network")
    assert (response.status, set(response.body)) == (403, {"error", "message", "status"})
    for offer in ("23629", "99999", "30110"):
        assert list(reasons(client.create({REFERENCE: "x"}, offer=offer))) == ["offerId"]
    assert client.sandbox.journal()["writes_in_effect"] == 0


INVALID = "You have entered an invalid {0} value for {1}, expects a proper {2}"
WRONG_VALUES = [
    (REFERENCE, 42, INVALID.format("string", "Incident Reference", "string")),
    (DESCRIPTION, ["x"], INVALID.format("string", "Description", "string")),
    (URGENCY, "1", "You have entered an invalid value for Urgency, expects one of high, medium, low"),
    (STATUS, "Done", "You have entered an invalid value for Status, expects one of Open, In Progress, Resolved"),
    (HOSTS, "3", INVALID.format("number", "Affected Hosts", "number")),
    (HOSTS, True, INVALID.format("number", "Affected Hosts", "number")),
    (CONTAINED, "true", INVALID.format("boolean", "Contained", "boolean")),
    (DETECTED, "21.11.2026 04:00", INVALID.format("date", "Detected At", "date string")),
    (DUE, "", INVALID.format("date", "Due Date", "date string")),
    (TACTICS, "Impact", None),
    (TACTICS, ["Impact", "Exfiltration"], None),
    (RESPONDER, 7, None),
    ("00000000-0000-4000-8000-000000000000", "x", None),
]


@pytest.mark.parametrize("identifier, value, message", WRONG_VALUES, ids=str)
def test_wrong_value_is_refused(client, identifier, value, message):
    created = reasons(client.create({REFERENCE: "x", identifier: value}))
    assert created == reasons(client.update("CTC-0041", {identifier: value}))
    assert list(created) == [identifier]
    assert message is None or created[identifier] == [message]
    assert client.sandbox.journal()["writes_in_effect"] == 0


@pytest.mark.parametrize("value", [None, ""])
def test_required_field_must_not_be_empty(client, value):
    expected = {REFERENCE: ["Field Incident Reference is required"]}
    assert reasons(client.create({})) == expected
    assert reasons(client.create({REFERENCE: value})) == expected
    assert reasons(client.update("CTC-0041", {REFERENCE: value})) == expected
    assert reasons(client.create({REFERENCE: "x", URGENCY: None})) == {URGENCY: ["Field Urgency is required"]}
    assert reasons(client.update("CTC-0041", {STATUS: value}))[STATUS] == ["Field Status is required"]
    assert client.create({REFERENCE: "x", STATUS: "Resolved"}).status == 200, "a condition is not enforced"


@pytest.mark.parametrize("stale, status", [({}, 409), ({"stale": "412"}, 412), ({"stale": 400}, 400)], ids=str)
def test_outdated_etag_is_refused(client, stale, status):
    profiled(client, **stale)
    etag = get(client)["etag"]
    assert client.update("CTC-0041", {HOSTS: 4}, etag.upper()).status == 200
    response = client.update("CTC-0041", {HOSTS: 5}, etag)
    assert (response.status, response.body["error"], response.body["status"]) == (status, True, status)
    assert "validationResult" not in response.body
    assert response.body["code"] != "INPUT_VALIDATION_FAILURE"
    assert get(client)["data"][HOSTS] == 4
    assert client.sandbox.journal()["writes_in_effect"] == 1


# --- profiles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "profile, path, place, found",
    [
        ({"envelope": "ticket"}, "/ticket/CTC-0041", ("ticket",), "CTC-0041"),
        ({"envelope": "data.ticket"}, "/ticket/CTC-0041", ("data", "ticket"), "CTC-0041"),
        ({"envelope": "data"}, "/ticket/CTC-0041", ("data",), "CTC-0041"),
        ({"envelope": "body"}, "/ticket/CTC-0041", (), "CTC-0041"),
        ({"catalog": "value"}, "/ticket-type", ("data", "value"), TYPES),
        ({"catalog": "data"}, "/ticket-type", ("data",), TYPES),
        ({"catalog": "bare"}, "/ticket-type", (), TYPES),
        ({"catalog": "top"}, "/ticket-type", ("value",), TYPES),
        ({"catalog": "value"}, "/tenant/sc/offers", ("data", "offers"), OFFERS),
        ({"catalog": "top"}, "/tenant/sc/offers", ("offers",), OFFERS),
    ],
)
def test_profile_changes_the_place_of_records(client, profile, path, place, found):
    body = profiled(client, **profile).request("GET", path).body
    for name in place:
        body = body[name]
    assert (body["object_id"] if isinstance(body, dict) else [entry["id"] for entry in body]) == found


@pytest.mark.parametrize("returned", ["full", "etag"])
def test_ignored_update_has_no_effect(client, returned):
    profiled(client, writes="ignored", update_answer=returned)
    before = get(client)
    response = client.update("CTC-0041", {HOSTS: 9})
    record = response.body.get("ticket", response.body)
    assert (response.status, record["etag"] != before["etag"]) == (200, True)
    assert ("ticket" in response.body) == (returned == "full")
    assert returned == "etag" or record["data"][HOSTS] == 9
    assert get(client) == before
    assert client.sandbox.journal()["writes_in_effect"] == 0
    assert client.create({REFERENCE: "x"}).status == 200


def test_reads_lag_behind_updates(client):
    profiled(client, lag_reads=2)
    before = get(client)
    after = client.update("CTC-0041", {HOSTS: 4}).body["ticket"]
    assert client.update("CTC-0041", {HOSTS: 5}, before["etag"]).status == 409
    assert [get(client) for _each in range(3)] == [before, before, after]


HTML = '<p  class="x">Seen <b>twice</b>.</p>\n<script type="text/javascript">alert(1)</script> <br/>'


def test_profile_changes_how_values_are_returned(client):
    sent = {DESCRIPTION: HTML, HOSTS: 3, DETECTED: "2026-11-21T05:00:00+01:00", DUE: "2026-11-24", REFERENCE: HTML}
    kept = client.create(sent).body["ticket"]["data"]
    assert {name: kept[name] for name in sent} == sent
    profiled(client, html="cleaned", numbers="text", dates="utc", category="short", lookup="hidden")
    client.create(sent)
    changed = {
        **sent,
        DESCRIPTION: "<p>Seen <b>twice</b>.</p> <br/>",
        HOSTS: "3",
        DETECTED: "2026-11-21T04:00:00.000Z",
        DUE: "2026-11-24T00:00:00.000Z",
    }
    updated = client.update("CTC-0054", sent).body["ticket"]
    row = client.list().body["data"]["tickets"][0]
    for record in (get(client, "CTC-0054"), updated, row):
        assert {name: record["data"][name] for name in sent} == changed
        assert record["status_category"] == "To-do"
    assert ("lookup_props" in get(client), "lookup_props" in row) == (False, False)
    assert get(client, "CTC-0043")["data"][DUE] == ""


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
def test_profile_refuses_texts_that_are_not_plain(client, summary, text, refused):
    profiled(client, texts="plain")
    response = client.create({REFERENCE: f"x{text}"}, summary=summary)
    assert response.status == (400 if refused else 200)
    assert set(response.body.get("validationResult", {}).get("reason", {})) == set(refused)
    assert client.update("CTC-0041", {REFERENCE: f"x{text}"}).status == (400 if REFERENCE in refused else 200)
    profiled(client)
    assert client.create({REFERENCE: f"x{text}"}, summary=summary).status == 200


@pytest.mark.parametrize("missing, kind", [("html", "text/html"), ("json", "application/json")])
def test_missing_ticket_is_not_found(client, missing, kind):
    profiled(client, missing=missing)
    for response in (
        client.request("GET", "/ticket/CTC-9999"),
        client.update("CTC-9999", {HOSTS: 1}, RESPONSE["ticket"]["etag"]),
    ):
        assert (response.status, response.kind) == (404, kind)


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "search, ids",
    [
        ("  WAVE\tphishing ", WAVE),
        ("wave: customer 47-c", ["CTC-0049"]),
        ("ctc-0041", ["CTC-0041"]),
        ("sen-6b1f planned", ["CTC-0041"]),
        ("forty</b> persistence", []),
        ("minutes</b> persistence d.duty@", ["CTC-0041"]),
        ("itsm-runbook", []),
        ("  ", [*WAVE, "CTC-0041", "CTC-0043", "CTC-0044", "CTC-0045", "CTC-0046"]),
    ],
)
def test_full_text_search(client, search, ids):
    assert sorted(listed(client, search)) == sorted(ids)


def test_profile_limits_the_full_text_search(client):
    profiled(client, search_fields="summary", search_lag=2)
    assert listed(client, "SEN-6b1f0d7e") == []
    assert listed(client, "6b1f0d7e") == listed(client, "CTC-0041") == ["CTC-0041"]
    client.create({REFERENCE: "x"}, summary="unique-1")
    assert [listed(client, "unique-1") for _each in range(4)] == [[], [], ["CTC-0054"], ["CTC-0054"]]
    profiled(client).create({REFERENCE: "x"}, summary="unique-1")
    assert listed(client, "unique-1") == ["CTC-0054"]


def condition(column: str, operator: str, operand: Any) -> dict[str, Any]:
    return {"id": "1", "column": column, "op": operator, "operand": operand}


def filtered(*conditions: dict[str, Any], operator: str = "AND") -> dict[str, Any]:
    return {"op": operator, "operand": list(conditions)}


@pytest.mark.parametrize(
    "column, operator, operand, ids",
    [
        ("status", "EQ", "Resolved", ["CTC-0042"]),
        ("status", "NE", "Open", ["CTC-0046", "CTC-0042"]),
        ("status", "IN", ["Resolved", "In Progress"], ["CTC-0046", "CTC-0042"]),
        ("status", "LIKE", "%progress%", ["CTC-0046"]),
        ("status", "LT", "Open", ["CTC-0046"]),
        ("createdAt", "LT", "2026-11-16T07:30:00Z", ["CTC-0042"]),
        ("createdAt", "LE", "2026-11-16T08:30:00.000+01:00", ["CTC-0040", "CTC-0042"]),
        ("createdAt", "GT", "2026-11-20T08:06:00Z", ["CTC-0041"]),
        ("createdAt", "GE", "2026-11-20T08:06:00Z", ["CTC-0041", "CTC-0053"]),
        ("createdAt", "IN", ["2026-11-19T10:00:05Z", "2026-11-19T10:00:00Z"], ["CTC-0044", "CTC-0043"]),
    ],
)
def test_list_is_filtered(client, column, operator, operand, ids):
    assert listed(client, filter=filtered(condition(column, operator, operand))) == ids


def test_filters_are_combined(client):
    resolved, begun = condition("status", "EQ", "Resolved"), condition("status", "EQ", "In Progress")
    assert listed(client, filter=filtered(resolved, begun, operator="OR")) == ["CTC-0046", "CTC-0042"]
    assert listed(client, filter=filtered(resolved, begun)) == []
    assert listed(client, "phishing", filter=filtered(resolved, begun, operator="OR")) == ["CTC-0042"]
    assert listed(client, filter=filtered(operator="OR")) == listed(client, filter=filtered()) == listed(client)


@pytest.mark.parametrize(
    "keys",
    [
        {"filter": filtered(condition("team", "EQ", "soc"))},
        {"filter": filtered(condition("createdAt", "GT", "yesterday"))},
        {"filter": filtered(condition("createdAt", "LIKE", "2026"))},
        {"filter": filtered(condition("status", "IN", "Open"))},
        {"filter": filtered(condition("status", "EQ", 1))},
        {"sort": "summary"},
    ],
    ids=str,
)
def test_unusable_filter_is_refused(client, keys):
    response = client.list(**keys)
    assert (response.status, response.body["code"]) == (422, "INVALID_FILTER")


@pytest.mark.parametrize(
    "keys, ids",
    [
        ({}, ["CTC-0041", "CTC-0053"]),
        ({"searchOrder": "ASC"}, ["CTC-0042", "CTC-0040"]),
        ({"sort": "updatedAt"}, ["CTC-0041", "CTC-0046"]),
        ({"sort": "status"}, ["CTC-0042", "CTC-0040"]),
        ({"sort": "status", "searchOrder": "ASC"}, ["CTC-0046", "CTC-0040"]),
    ],
    ids=str,
)
def test_list_is_sorted(client, keys, ids):
    assert listed(client, top=2, **keys) == ids


def test_list_has_pages(client):
    first, last = (client.list("wave", 5, offset).body["data"] for offset in (0, 5))
    assert [row["object_id"] for row in [*first["tickets"], *last["tickets"]]] == WAVE
    assert first["pagination"] == {"total": 9, "top": 5, "offset": 0, "hasMore": True}
    assert last["pagination"] == {"total": 9, "top": 5, "offset": 5, "hasMore": False}
    assert client.sandbox.journal()["writes"] == 0
    data = profiled(client, page_size=3).list("wave", 100, 3).body["data"]
    assert [row["object_id"] for row in data["tickets"]] == WAVE[3:6]
    assert data["pagination"] == {"total": 9, "top": 3, "offset": 3, "hasMore": True}
    data = profiled(client, list_shape="rows").list("wave", 2).body["data"]
    assert ([row["object_id"] for row in data.pop("rows")], data) == (WAVE[:2], {"count": 9})
    record = get(client)
    assert profiled(client).list("CTC-0041").body["data"]["tickets"] == [record]
    thin = {"objectId": "CTC-0041", **{name: record[name] for name in ("summary", "status_type", "created_at")}}
    assert profiled(client, rows="thin", row_id="objectId").list("CTC-0041").body["data"]["tickets"] == [thin]


def test_ticket_types_have_pages(client):
    def ids(query: str) -> list[str]:
        response = client.request("GET", "/ticket-type", query=f"type=template&module=ticketing{query}")
        return [entry["id"] for entry in response.body["data"]["value"]]

    assert ids("&$top=3") == ids("&%24top=3") == TYPES[:3]
    assert ids("&$top=3&$skip=3&$select=id,name") == TYPES[3:]
    profiled(client, type_page=2)
    assert [ids("&$top=100"), ids("&$skip=2"), ids("&$skip=4"), ids("&$top=1")] == [TYPES[:2], TYPES[2:], [], TYPES[:1]]


# --- another agent ---------------------------------------------------------------------------------------------------


def edit(operation: str = "update-ticket", object_id: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an edit that changes the ticket each time."""
    return {"operation": operation, "object_id": object_id, "fields": {ROOT_CAUSE: "Edit {n}"}, **more}


def test_ticket_is_edited_now(client):
    before = get(client)
    client.sandbox.edit("CTC-0041", {STATUS: "In Progress", HOSTS: 9})
    after = get(client)
    assert (after["version"], after["etag"] != before["etag"]) == (before["version"] + 1, True)
    assert (after["data"][HOSTS], after["status_type"]) == (9, "In Progress")
    assert after["data"]["lastUpdatedBy"]["username"] == "other.agent@sandbox.example"
    assert client.update("CTC-0041", {HOSTS: 4}, before["etag"]).status == 409
    assert get(client) == after
    assert len(client.sandbox.journal()["entries"]) == 4


def test_ticket_is_edited_before_requests_that_are_handled(client):
    client.sandbox.reset(edits=[edit(times=2)], faults=[{"operation": "update-ticket", "status": 503}])
    assert client.update("CTC-0041", {HOSTS: 4}).status == 503
    assert TicketingClient(client.sandbox, {"Authorization": None}).update("CTC-0041", {HOSTS: 4}).status == 401
    assert client.sandbox.journal()["edits_waiting"] == 1
    for expected in ("Edit 1", "Edit 2"):
        assert client.update("CTC-0041", {HOSTS: 4}).status == 409
        assert get(client)["data"][ROOT_CAUSE] == expected
    assert client.sandbox.journal()["edits_waiting"] == 0
    assert client.update("CTC-0041", {HOSTS: 4}).status == 200


def test_ticket_is_edited_before_other_operations(client):
    client.sandbox.reset(edits=[edit("list-tickets", "CTC-0043"), edit("get-ticket", times=-1)])
    assert client.stored("CTC-0043")["version"] == 2
    assert listed(client, "Edit 1") == ["CTC-0043"]
    assert [get(client, "CTC-0044")["data"][ROOT_CAUSE] for _each in range(3)] == ["Edit 1", "Edit 2", "Edit 3"]
    assert client.sandbox.journal()["edits_waiting"] == 0
    client.sandbox.set_edits(edit("get-ticket", "CTC-0054"))
    get(client)
    assert client.sandbox.journal()["edits_waiting"] == 1
    client.create({REFERENCE: "x"})
    get(client)
    assert (client.stored("CTC-0054")["version"], client.sandbox.journal()["edits_waiting"]) == (3, 0)
    client.sandbox.set_edits({"operation": "get-ticket", "fields": {HOSTS: "many"}})
    response = client.request("GET", "/ticket/CTC-0041")
    assert (response.status, response.body["code"]) == (500, "SANDBOX_CANNOT_EDIT")
