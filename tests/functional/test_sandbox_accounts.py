# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticketing side of the sandbox: tokens, tenants and roles, and requests that do not keep the contract."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import PREFIX, TicketingClient

REFERENCE = "a1c0ffee-0001-4000-8000-000000000001"
PERMISSION = "You do not have the required permissions to "


@pytest.fixture
def client(sandbox: SandboxProcess) -> TicketingClient:
    return TicketingClient(sandbox)


def fetched(client: TicketingClient, **fields: str | None) -> TicketingClient:
    """A caller with a token of its own."""
    answer = client.fetch_token(**fields)
    assert answer.status == 200, answer.body
    return TicketingClient(client.sandbox, {"Authorization": f"Bearer {answer.body['access_token']}"})


def as_client(client: TicketingClient, name: str) -> TicketingClient:
    """One of the seed's other clients."""
    return fetched(client, **client.sandbox.ticketing[name], scope=None)


def claims(token: str) -> dict[str, Any]:
    header, payload, signature = token.split(".")
    assert header
    assert signature
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_token_is_fetched(client):
    known = client.sandbox.ticketing
    answers = [client.fetch_token(scope=scope).body for scope in ("tickets:write", None)]
    assert answers[0]["access_token"] != answers[1]["access_token"]
    for answer in answers:
        assert {name: answer[name] for name in ("token_type", "expires_in", "scope")} == {
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "tickets:write",
        }
        said = claims(answer["access_token"])
        assert (said["tenant_id"], said["scope"]) == (known["tenant_id"], "tickets:write")
        assert said["realm_access"] == {"roles": ["ticket_agent"]}
        assert said["sub"]
    assert claims(known["access_token"])["tenant_id"] == known["tenant_id"]
    assert fetched(client).request("GET", "/user/userinfo").status == 200


@pytest.mark.parametrize(
    "fields, status, word",
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "itsm-fabrikam", "client_secret": "fabrikam+secret/0123456789"}, 401, "invalid_client"),
        ({"realm": "fabrikam"}, 401, "invalid_client"),
        ({"realm": "nowhere"}, 401, "invalid_client"),
        ({"scope": "tickets:write tickets:delete"}, 400, "invalid_scope"),
        ({"client_secret": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "invalid_request"),
        ({"audience": "x"}, 400, "invalid_request"),
        ({"kind": "application/json"}, 400, "invalid_request"),
    ],
    ids=str,
)
def test_token_is_refused(client, fields, status, word):
    answer = client.fetch_token(**fields)
    assert (answer.status, answer.body["error"]) == (status, word)
    assert answer.body["error_description"]


@pytest.mark.parametrize("form", [b"", b"client_id", b"scope=a&scope=b", b"\xff"], ids=repr)
def test_form_that_is_none(client, form):
    path = f"/auth/realms/{client.sandbox.ticketing['realm']}/protocol/openid-connect/token"
    answer = client.send("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    assert (answer.status, answer.body["error"]) == (400, "invalid_request")


def test_form_with_a_field_twice(client):
    assert client.fetch_token(scope="tickets:write").status == 200
    known = client.sandbox.ticketing
    pairs = [(name, known[name]) for name in ("client_id", "client_secret", "scope", "scope")]
    form = urlencode([("grant_type", "client_credentials"), *pairs]).encode()
    path = f"/auth/realms/{known['realm']}/protocol/openid-connect/token"
    answer = client.send("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status, answer.body["error_description"]) == (400, "The form has a field twice.")


def test_journal_holds_no_credentials(client):
    fetched(client).request("GET", "/user/userinfo")
    client.fetch_token(client_secret="another-secret")
    client.fetch_token(kind="application/json")
    journal = client.sandbox.journal()
    assert [entry["operation"] for entry in journal["entries"]] == [
        "fetch-token",
        "get-user-info",
        *["fetch-token"] * 2,
    ]
    assert (journal["reads"], journal["writes"]) == (4, 0)
    text = json.dumps(journal)
    for secret in (client.sandbox.ticketing["client_secret"], "another-secret", "Bearer"):
        assert secret not in text
    assert {entry["body"] for entry in journal["entries"]} == {None}


def test_ways_to_authenticate(client):
    known = client.sandbox.ticketing
    assert TicketingClient(client.sandbox, {"Authorization": None, "x-api-key": known["api_key"]}).list().status == 200
    for headers in (
        {"Authorization": None},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {known['access_token']}"},
        {"Authorization": None, "X-API-Key": "wrong"},
        {"Authorization": "Bearer wrong", "X-API-Key": known["api_key"]},
    ):
        answer = TicketingClient(client.sandbox, headers).list()
        assert (answer.status, answer.body["error"], answer.body["code"]) == (401, True, "UNAUTHORIZED")


def test_token_expires(client):
    mine = fetched(client)
    client.sandbox.reset(ticketing={"token_uses": 2})
    answer = mine.request("GET", "/user/userinfo")
    assert (answer.status, answer.body["code"]) == (401, "TOKEN_EXPIRED")
    mine = fetched(client)
    assert [mine.request("GET", "/user/userinfo").status for _each in range(4)] == [200, 200, 401, 401]
    assert mine.request("GET", "/user/userinfo").body["code"] == "TOKEN_EXPIRED"
    assert [client.request("GET", "/user/userinfo").status for _each in range(3)] == [200] * 3


def test_tenant_must_be_that_of_the_token(client):
    known = client.sandbox.ticketing
    assert TicketingClient(client.sandbox, {"x-tenantid": known["tenant_id"].upper()}).list().status == 200
    for headers in (
        {"x-tenantid": "5b7c2f90-3d14-4a6e-9c08-2e1f0a9b8c7d"},
        {"x-tenantid": "x"},
        {"realmname": "fabrikam"},
    ):
        answer = TicketingClient(client.sandbox, headers).list()
        assert (answer.status, answer.body["success"]) == (404, False)
        assert answer.body["error"]["message"] == "Tenant not found"


def test_tenants_do_not_see_each_other(client):
    form = {"client_id": "itsm-fabrikam", "client_secret": "fabrikam+secret/0123456789"}
    token = client.fetch_token(realm="fabrikam", **form).body["access_token"]
    tenant = "5b7c2f90-3d14-4a6e-9c08-2e1f0a9b8c7d"
    other = TicketingClient(
        client.sandbox, {"Authorization": f"Bearer {token}", "x-tenantid": tenant, "realmname": "fabrikam"}
    )
    assert [row["object_id"] for row in other.list().body["data"]["tickets"]] == ["REQ-0008", "REQ-0007"]
    assert other.request("GET", "/ticket/CTC-0041").status == client.request("GET", "/ticket/REQ-0007").status == 404
    assert [entry["id"] for entry in other.request("GET", "/tenant/sc/offers").body["data"]["offers"]] == ["30110"]
    created = other.create({}, "helpdesk", "20110", "30110")
    assert (created.body["objectId"], created.body["ticket"]["tenant_id"]) == ("REQ-0009", tenant)


def test_who_am_i(client):
    assert client.request("GET", "/user/userinfo").body["data"] == {
        "username": "itsm-runbook@northwind.example",
        "tenantId": client.sandbox.ticketing["tenant_id"],
        "teams": ["soc", "james"],
        "roles": ["ticket_agent"],
        "permissions": ["tickets:write"],
    }


def test_writes_need_a_role(client):
    reader = as_client(client, "read_only")
    assert len(reader.list().body["data"]["tickets"]) == len(client.list().body["data"]["tickets"]) > 10
    for answer, deed in (
        (reader.create({REFERENCE: "x"}), "create ticket"),
        (reader.update("CTC-0041", {REFERENCE: "x"}), "update ticket"),
    ):
        wanted = {"error": True, "code": "USER_PERMISSION_FAILURE", "message": PERMISSION + deed, "status": 401}
        assert (answer.status, answer.body) == (401, wanted)
    assert client.sandbox.journal()["writes_in_effect"] == 0


def test_own_tickets_only(client):
    mine = as_client(client, "own_only")
    assert [row["object_id"] for row in mine.list().body["data"]["tickets"]] == ["CTC-0053"]
    assert mine.request("GET", "/ticket/CTC-0053").status == 200
    assert mine.request("GET", "/ticket/CTC-0052").status == 404
    assert mine.update("CTC-0052", {REFERENCE: "x"}).status == 404
    assert mine.create({REFERENCE: "x"}).body["ticket"]["data"]["submittedBy"] == "itsm-self@northwind.example"
    assert [row["object_id"] for row in mine.list().body["data"]["tickets"]] == ["CTC-0054", "CTC-0053"]


def test_writes_need_a_scope(tmp_path):
    """On a seed of a user, with a client that may ask for less."""
    seed = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    seed["ticketing"]["clients"][0].update(scope="tickets:read tickets:write")
    path = tmp_path / "seed.yml"
    path.write_text(yaml.safe_dump(seed), encoding="utf-8")
    with SandboxProcess(path) as sandbox:
        client = TicketingClient(sandbox)
        mine = fetched(client, scope="tickets:read")
        assert mine.request("GET", "/user/userinfo").body["data"]["permissions"] == ["tickets:read"]
        assert mine.create({REFERENCE: "x"}).body["code"] == "USER_PERMISSION_FAILURE"
        assert fetched(client, scope="tickets:write").create({REFERENCE: "x"}).status == 200


def test_seed_without_ticketing(tmp_path):
    seed = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    del seed["ticketing"]
    for workspace in seed["workspaces"]:
        workspace.pop("tickets_from", None)
    path = tmp_path / "seed.yml"
    path.write_text(yaml.safe_dump(seed), encoding="utf-8")
    with SandboxProcess(path) as sandbox:
        assert sandbox.ticketing == {}
        assert [name for name in sandbox.environment() if name.startswith("TICKETING")] == []
        assert sandbox.state()["platform_tickets"] == []


def test_environment(sandbox):
    known, environment = sandbox.ticketing, sandbox.environment()
    names = ("url", "token_url", "client_id", "client_secret", "scope", "tenant_id", "realm")
    assert {name: environment[f"TICKETING_{name.upper()}"] for name in names} == {name: known[name] for name in names}
    assert known["url"] == environment["CONTRAFORCE_URL"]
    assert known["token_url"] == f"{known['url']}/auth/realms/northwind/protocol/openid-connect/token"
    assert (known["read_only"]["client_id"], known["own_only"]["client_id"]) == ("itsm-reader", "itsm-self")


# --- requests that do not keep the contract --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, fields",
    [
        ("", ["type", "module"]),
        ("type=template", ["module"]),
        ("type=person&module=ticketing", ["type"]),
        ("type=agent&module=incidents", ["module"]),
        ("type=user&module=ticketing&page=2", ["page"]),
        ("type=user&type=agent&module=ticketing", ["type"]),
    ],
)
def test_query_that_the_contract_does_not_know(client, query, fields):
    answer = client.request("GET", "/ticket/CTC-0041", query=query)
    assert (answer.status, answer.body["code"]) == (400, "INPUT_VALIDATION_FAILURE")
    assert list(answer.body["validationResult"]["reason"]) == fields


@pytest.mark.parametrize(
    "query, status", [("$top=2&$skip=1", 200), ("%24top=2", 200), ("$top=0", 400), ("$top=two", 400), ("$skip=-1", 400)]
)
def test_integers_in_the_query(client, query, status):
    answer = client.request("GET", "/ticket-type", query=f"type=template&module=ticketing&{query}")
    assert answer.status == status
    assert status == 400 or len(answer.body["data"]["value"]) == 2


@pytest.mark.parametrize(
    "headers, fields",
    [
        ({"x-tenantid": None}, ["x-tenantid"]),
        ({"realmname": None}, ["realmname"]),
        ({"issupportrequest": "maybe"}, ["issupportrequest"]),
        ({"issupportrequest": None, "X-Whatever": "x"}, []),
        ({"issupportrequest": "TRUE"}, []),
    ],
    ids=str,
)
def test_headers(client, headers, fields):
    answer = TicketingClient(client.sandbox, headers).list()
    assert answer.status == (400 if fields else 200)
    assert list(answer.body.get("validationResult", {}).get("reason", [])) == fields


def test_names_of_headers_in_any_case(client):
    known = client.sandbox.ticketing
    headers = {"x-tenantid": None, "realmname": None, "X-TenantId": known["tenant_id"], "RealmName": known["realm"]}
    assert TicketingClient(client.sandbox, headers).list().status == 200


@pytest.mark.parametrize(
    "path, method, body, fields",
    [
        ("/ticket/list", "POST", {"top": 1}, ["body"]),
        ("/ticket/list", "POST", {"top": 101, "offset": 0}, ["top"]),
        ("/ticket/list", "POST", {"top": 1, "offset": 0, "query": "x"}, ["query"]),
        ("/ticket/CTC-0041/update", "PATCH", {"etag": "x", "ticketUpdate": {"a": 1}}, ["etag"]),
        ("/ticket/CTC-0041/update", "PATCH", {"etag": REFERENCE, "ticketUpdate": {}}, ["ticketUpdate"]),
        (
            "/ticket/CTC-0041/update",
            "PATCH",
            {"etag": REFERENCE, "ticketUpdate": {"a": 1}, "summary": "x"},
            ["summary"],
        ),
        ("/ticket/CTC-0041/update", "PATCH", b"{", ["body"]),
        ("/ticket/CTC-0041/update", "PATCH", None, ["body"]),
    ],
    ids=str,
)
def test_body_that_the_contract_does_not_know(client, path, method, body, fields):
    answer = client.request(method, path, body)
    assert (answer.status, answer.body["code"]) == (400, "INPUT_VALIDATION_FAILURE")
    assert list(answer.body["validationResult"]["reason"]) == fields


def test_body_of_another_type(client):
    answer = TicketingClient(client.sandbox, {"Content-Type": "text/plain"}).list()
    assert (answer.status, answer.body["code"]) == (400, "INPUT_VALIDATION_FAILURE")


def test_what_is_not_served(client):
    for method, path in (
        ("GET", f"{PREFIX}/comments"),
        ("DELETE", f"{PREFIX}/ticket/CTC-0041"),
        ("GET", "/auth/realms"),
    ):
        answer = client.send(method, path, None, client.headers)
        assert (answer.status, answer.body["error"], answer.body["code"]) == (404, True, "NOT_FOUND")
