# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox as more than one caller sees it: another agent's edits, and ContraForce with the platform's tickets."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed, SeedError
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import ClientResponse, TicketingClient

REFERENCE, STATUS, HOSTS, ROOT_CAUSE = (
    f"a1c0ffee-0001-4000-8000-0000000000{number}" for number in ("01", "04", "05", "13")
)
TAILSPIN, FABRIKAM = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5"
DUMP = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
INCIDENT = f"/api/v2/workspaces/{TAILSPIN}/incidents/Sentinel/{DUMP}"
CLOSED = {"status": "Closed", "classification": "TruePositive", "classificationReason": "SuspiciousActivity"}


@pytest.fixture
def client(sandbox: SandboxProcess) -> TicketingClient:
    return TicketingClient(sandbox)


def get(client: TicketingClient, object_id: str = "CTC-0041") -> dict[str, Any]:
    return client.request("GET", f"/ticket/{object_id}").body["ticket"]


def edit(operation: str = "update-ticket", object_id: str | None = None, **more: Any) -> dict[str, Any]:
    """An edit that really changes something each time."""
    return {"operation": operation, "object_id": object_id, "fields": {ROOT_CAUSE: "Edit {n}"}, **more}


def contraforce(client: TicketingClient, method: str, path: str, body: Any = None) -> ClientResponse:
    token = client.sandbox.credentials["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return client.send(method, path, None if body is None else json.dumps(body).encode(), headers)


def link(
    client: TicketingClient, ticket: str, workspace: str = TAILSPIN, source: str = "Sentinel", incident: str = DUMP
) -> ClientResponse:
    reference = {"id": incident, "source": source, "workspaceId": workspace}
    body = {"ticketId": ticket, "incident": reference}
    return contraforce(client, "POST", f"/api/v2/workspaces/{workspace}/tickets/link", body)


# --- another agent ---------------------------------------------------------------------------------------------------


def test_another_agent_edits_now(client):
    before = get(client)
    client.sandbox.edit("CTC-0041", {STATUS: "In Progress", HOSTS: 9})
    after = get(client)
    assert (after["version"], after["etag"] != before["etag"]) == (before["version"] + 1, True)
    assert (after["data"][HOSTS], after["status_type"], after["status_category"]) == (
        9,
        "In Progress",
        "In-Progress Category",
    )
    assert after["data"]["lastUpdatedBy"]["username"] == "other.agent@sandbox.example"
    assert client.update("CTC-0041", {HOSTS: 4}, before["etag"]).status == 409
    assert get(client) == after
    assert len(client.sandbox.journal()["entries"]) == 4


def test_an_edit_slips_in_between(client):
    client.sandbox.set_edits(edit(times=2))
    assert client.sandbox.journal()["edits_waiting"] == 1
    statuses = []
    for expected in ("Edit 1", "Edit 2"):
        statuses.append(client.update("CTC-0041", {HOSTS: 4}).status)
        assert get(client)["data"][ROOT_CAUSE] == expected
    statuses.append(client.update("CTC-0041", {HOSTS: 4}).status)
    assert statuses == [409, 409, 200]
    assert client.sandbox.journal()["edits_waiting"] == 0
    assert get(client)["data"][ROOT_CAUSE] == "Edit 2"


def test_an_edit_before_another_operation(client):
    client.sandbox.reset(edits=[edit("list-tickets", "CTC-0043"), edit("get-ticket", times=-1)])
    assert client.stored("CTC-0043")["version"] == 2
    assert client.list("Edit 1").body["data"]["tickets"][0]["object_id"] == "CTC-0043"
    assert [get(client, "CTC-0044")["data"][ROOT_CAUSE] for _each in range(3)] == ["Edit 1", "Edit 2", "Edit 3"]
    assert client.sandbox.journal()["edits_waiting"] == 0
    client.sandbox.reset()
    assert get(client, "CTC-0044")["version"] == 2


def test_an_edit_waits_for_its_ticket(client):
    client.sandbox.set_edits(edit("get-ticket", "CTC-0054"))
    get(client)
    assert client.sandbox.journal()["edits_waiting"] == 1
    client.create({REFERENCE: "x"})
    get(client)
    assert (client.stored("CTC-0054")["version"], client.sandbox.journal()["edits_waiting"]) == (3, 0)


def test_requests_that_are_not_handled_wait_for_no_edit(client):
    client.sandbox.reset(edits=[edit()], faults=[{"operation": "update-ticket", "status": 503}])
    assert client.update("CTC-0041", {HOSTS: 4}).status == 503
    assert TicketingClient(client.sandbox, {"Authorization": None}).update("CTC-0041", {HOSTS: 4}).status == 401
    assert client.stored("CTC-0041")["version"] == 2
    assert client.update("CTC-0041", {HOSTS: 4}).status == 409


def test_an_edit_that_the_ticket_refuses_is_noticed(client):
    client.sandbox.set_edits({"operation": "get-ticket", "fields": {HOSTS: "many"}})
    answer = client.request("GET", "/ticket/CTC-0041")
    assert (answer.status, answer.body["code"]) == (500, "SANDBOX_CANNOT_EDIT")


def control(sandbox: SandboxProcess, method: str, name: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(f"{sandbox.url}/_sandbox/{name}", json.dumps(body).encode(), method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"object_id": None, "fields": {HOSTS: 1}},
        {"object_id": "CTC-9999", "fields": {HOSTS: 1}},
        {"object_id": "CTC-0041", "fields": [HOSTS]},
        {"object_id": "CTC-0041", "fields": {"a1c0ffee": 1}},
        {"object_id": "CTC-0041", "fields": {HOSTS: "many"}},
        {"object_id": "CTC-0041", "fields": {STATUS: "Gone"}},
    ],
    ids=str,
)
def test_edit_that_is_refused(client, body):
    status, answer = control(client.sandbox, "POST", "edit", body)
    assert (status, bool(answer["error"])) == (400, True)
    assert client.stored("CTC-0041")["version"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "update-tickets"},
        {"operation": "v2-link-ticket", "object_id": "CTC-0041"},
        {"operation": "list-tickets"},
        {"operation": "create-ticket"},
        {"times": "2"},
        {"times": True},
        {"object_id": 41},
        {"fields": None},
        {"mood": "bad"},
    ],
    ids=str,
)
def test_edit_to_come_that_is_refused(client, change):
    for method, name, body in (("PUT", "edits", [edit(**change)]), ("POST", "reset", {"edits": [edit(**change)]})):
        status, answer = control(client.sandbox, method, name, body)
        assert (status, bool(answer["error"])) == (400, True)
    assert client.sandbox.journal()["edits_waiting"] == 0


@pytest.mark.parametrize(
    "ticketing",
    [
        None,
        [],
        {"moods": 1},
        {"envelope": "data.tickets"},
        {"rows": "medium"},
        {"row_id": "id"},
        {"stale": 404},
        {"stale": True},
        {"stale": ["409"]},
        {"page_size": 0},
        {"type_page": 0},
        {"search_lag": -1},
        {"lag_reads": "1"},
        {"token_uses": True},
        {"CHOICES": {}},
    ],
    ids=str,
)
def test_profile_that_is_refused(client, ticketing):
    status, answer = control(client.sandbox, "POST", "reset", {"ticketing": ticketing})
    assert (status, bool(answer["error"])) == (400, True)
    assert control(client.sandbox, "PUT", "edits", {})[0] == 400


# --- ContraForce with the platform's tickets -------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["CTC-0041", "1458671"])
def test_ticket_of_the_platform_is_linked_and_closed(client, wanted):
    before = get(client)
    answer = link(client, wanted)
    jira = answer.body["data"]["jiraTicket"]
    assert (answer.status, jira["id"], jira["number"]) == (200, "1458671", "CTC-0041")
    assert (jira["summary"], jira["currentStatus"]["name"]) == (before["summary"], "Open")
    read = contraforce(client, "GET", INCIDENT).body["data"]["incident"]
    assert (read["ticketId"], read["ticket"]["jiraTicket"]["number"]) == ("1458671", "CTC-0041")
    assert get(client) == before
    body = {**CLOSED, "updateTicket": True, "ticketId": wanted}
    assert contraforce(client, "PUT", f"{INCIDENT}/status", body).status == 204
    after = get(client)
    assert (after["status_type"], after["status_category"]) == ("Resolved", "Done Category")
    assert (after["data"][STATUS], after["version"]) == ("Resolved", before["version"] + 1)
    assert after["etag"] != before["etag"]
    read = contraforce(client, "GET", INCIDENT).body["data"]["incident"]
    assert read["ticket"]["jiraTicket"]["currentStatus"]["name"] == "Resolved"


def test_chain_from_a_new_ticket(client):
    number = client.create({REFERENCE: DUMP}, summary="Credential dumping on SRV-DC02").body["objectId"]
    assert link(client, number).body["data"]["jiraTicket"]["id"] == "1458684"
    assert link(client, "CTC-0041", source="DefenderXDR", incident="61024").status == 200
    body = {**CLOSED, "updateTicket": True, "ticketId": number}
    assert contraforce(client, "PUT", f"{INCIDENT}/status", body).status == 204
    assert client.stored(number)["status_type"] == "Resolved"
    assert client.stored("CTC-0041")["status_type"] == "Open"


def test_ticket_that_is_done_stays_as_it_is(client):
    before = get(client, "CTC-0042")
    body = {**CLOSED, "updateTicket": True, "ticketId": "CTC-0042"}
    assert contraforce(client, "PUT", f"{INCIDENT}/status", body).status == 204
    assert get(client, "CTC-0042") == before


def test_ticket_is_not_closed_where_writes_are_ignored(client):
    client.sandbox.reset({"writes": "ignored"})
    before = client.sandbox.state()
    body = {**CLOSED, "updateTicket": True, "ticketId": "CTC-0041"}
    assert contraforce(client, "PUT", f"{INCIDENT}/status", body).status == 204
    assert client.sandbox.state() == before


def test_tickets_of_the_platform_are_known_in_one_workspace(client):
    assert link(client, "REQ-0007").status == 404
    assert link(client, "CTC-0041", FABRIKAM, "QRadar", "20931").status == 404
    assert [entry["number"] for entry in client.sandbox.state()["tickets"] if entry["number"].startswith("CTC")] == []
    assert link(client, "SOC-311").body["data"]["jiraTicket"]["id"] == "10042"


# --- the seed --------------------------------------------------------------------------------------------------------

TENANT = "ticketing__tenants__0__"
NOBODY = "00000000-0000-4000-8000-000000000000"


def spoilt(path: str, value: Any) -> dict[str, Any]:
    """The seed with another value at a path."""
    seed = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("__")]
    place = seed
    for part in parents:
        place = place[part]
    place[last] = value
    return seed


@pytest.mark.parametrize(
    "path, value, words",
    [
        ("ticketing", None, "wrong at ticketing"),
        ("ticketing__moods", [], "'moods' was unexpected"),
        ("workspaces__3__tickets_from", NOBODY, "no tenant of its ticketing"),
        ("workspaces__3__tickets_from", "northwind", "is not a 'uuid'"),
        ("ticketing__clients__0__tenant", NOBODY, "none of its tenants"),
        ("ticketing__clients__1__id", "itsm-runbook", "itsm-runbook twice among its clients"),
        ("ticketing__clients__1__api_key", "sandbox+api/key=0123456789", "twice among its api_keys"),
        ("ticketing__clients__0__roles", "ticket_agent", "wrong at ticketing.clients.0.roles"),
        ("ticketing__tenants__1__id", "820188FF-2036-4924-B80F-D11610735D86", "twice among its tenants"),
        ("ticketing__tenants__1__prefix", "CTC-", "CTC- twice among its prefixes"),
        (TENANT + "ticket_types__1__id", "16910", "16910 twice among its ticket types"),
        (TENANT + "ticket_types__1__status__field", NOBODY, "other categories than options"),
        (TENANT + "ticket_types__1__status__categories", {"Open": "to_do"}, "other categories than options"),
        (TENANT + "ticket_types__1__status__categories__Open", "begun", "'begun' is not one of"),
        (TENANT + "ticket_types__1__fields__0__id", "1", "is not a 'uuid'"),
        (TENANT + "offers__0__item_type", "16999", "no ticket type of its tenant"),
        (TENANT + "offers__1__id", "23629", "23629 twice among its offers"),
        (TENANT + "tickets__1__object_id", "CTC-0040", "CTC-0040 twice among its platform tickets"),
        (TENANT + "tickets__0__object_id", "REQ-0040", "not CTC- and four digits"),
        (TENANT + "tickets__0__team", "nowhere", "no team of its tenant"),
        (TENANT + "tickets__0__offer", "23629", "none of its type"),
        (TENANT + "tickets__0__fields", {}, "Field Incident Reference is required"),
        (TENANT + "tickets__0__fields__" + STATUS, "Gone", "invalid value for Status"),
        (TENANT + "tickets__0__created_at", "soon", "'soon' is not an instant"),
        ("incidents__13__ticketId", "CTC-9999", "no ticket of its workspace's Jira"),
    ],
)
def test_seed_is_refused(tmp_path, path, value, words):
    file = tmp_path / "seed.yml"
    file.write_text(yaml.safe_dump(spoilt(path, value)), encoding="utf-8")
    with pytest.raises(SeedError) as refusal:
        Seed.load(file)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_seed_with_an_incident_that_is_linked_to_the_platform(tmp_path):
    file = tmp_path / "seed.yml"
    file.write_text(yaml.safe_dump(spoilt("incidents__13__ticketId", "CTC-0041")), encoding="utf-8")
    with SandboxProcess(file) as sandbox:
        read = contraforce(TicketingClient(sandbox), "GET", INCIDENT).body["data"]["incident"]
        assert (read["id"], read["ticketId"]) == (DUMP, "1458671")
