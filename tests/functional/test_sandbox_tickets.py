# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticketing side of the sandbox: tickets are created and changed as the vendor's page shows it."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.sandbox.contract import ticketing_contract
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import ClientResponse, TicketingClient

LAPTOP = ticketing_contract().document["paths"]["/api/v2/ticketing/ticket/create/{teamId}/{itemTypeId}"]["post"]
#: The request and the answer of the vendor's page.
REQUEST = LAPTOP["requestBody"]["content"]["application/json"]["example"]
ANSWER = LAPTOP["responses"]["200"]["content"]["application/json"]["example"]


def field(number: int) -> str:
    """A field of a security incident."""
    return f"a1c0ffee-0001-4000-8000-0000000000{number:02}"


REFERENCE, DESCRIPTION, URGENCY, STATUS, HOSTS, DETECTED, DUE, CONTAINED, TACTICS, RESPONDER = map(field, range(1, 11))
ROOT_CAUSE, WHERE = field(13), field(14)
HARDWARE_STATUS = "c0ffee00-0001-4000-8000-000000016910"


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


def reasons(answer: ClientResponse) -> dict[str, list[str]]:
    """What a failure of validation says, in the shape of the vendor's page."""
    body = answer.body
    assert (answer.status, body["error"], body["code"]) == (400, True, "INPUT_VALIDATION_FAILURE")
    assert (body["message"], body["status"]) == ("There occured an error during ticket data validation", 400)
    assert body["validationResult"]["result"] is False
    return body["validationResult"]["reason"]


# --- create ----------------------------------------------------------------------------------------------------------


def test_the_ticket_of_the_vendors_page(client):
    answer = client.request("POST", "/ticket/create/james/16910", REQUEST)
    ticket, shown = answer.body["ticket"], ANSWER["ticket"]
    assert (answer.status, list(answer.body), list(ticket)) == (200, list(ANSWER), list(shown))
    generated = {"id", "etag", "created_at", "updated_at"}
    for name in set(shown) - generated - {"data"}:
        assert ticket[name] == shown[name], name
    for name in ("success", "message", "status", "objectId"):
        assert answer.body[name] == ANSWER[name]
    for name in ("id", "etag"):
        assert str(uuid.UUID(ticket[name])) == ticket[name]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", ticket["created_at"])
    assert ticket["created_at"] == ticket["updated_at"]
    person = {"lastName": "Automation", "username": "itsm-runbook@northwind.example", "firstName": "Runbook"}
    assert ticket["data"] == {
        **shown["data"],
        HARDWARE_STATUS: "Open",
        "submittedBy": person["username"],
        "lastUpdatedBy": person,
    }
    assert get(client, "CTC-0054") == ticket == client.stored("CTC-0054")
    journal = client.sandbox.journal()
    assert (journal["writes"], journal["writes_in_effect"]) == (1, 1)
    assert journal["entries"][0]["body"] == REQUEST


def test_tickets_count_up(client):
    first, second = (client.create({REFERENCE: "same"}).body["ticket"] for _each in range(2))
    assert [ticket["object_id"] for ticket in (first, second)] == ["CTC-0054", "CTC-0055"]
    assert [ticket["id_serial"] for ticket in (first, second)] == [1458684, 1458685]
    assert first["etag"] != second["etag"]


def test_default_values(client):
    data = client.create({REFERENCE: "x", CONTAINED: True, DESCRIPTION: None}).body["ticket"]["data"]
    system = {"offerId", "ccWatchers", "toWatchers", "submittedBy", "lastUpdatedBy"}
    assert {name: value for name, value in data.items() if name not in system} == {
        REFERENCE: "x",
        DESCRIPTION: None,
        URGENCY: "medium",
        STATUS: "Open",
        DUE: "",
        CONTAINED: True,
    }


def test_status_of_a_new_ticket(client):
    for status, category in (("In Progress", "In-Progress Category"), ("Resolved", "Done Category")):
        ticket = client.create({REFERENCE: "x", STATUS: status}).body["ticket"]
        assert (ticket["status_type"], ticket["status_category"]) == (status, category)
    plain = client.create({}, item_type="16931", offer="23650").body["ticket"]
    assert (plain["status_type"], plain["status_category"]) == ("Open", "To-do Category")


@pytest.mark.parametrize(
    "team, item_type, status, kind",
    [
        ("nowhere", "16920", 404, "text/html"),
        ("soc", "99999", 404, "text/html"),
        ("helpdesk", "16920", 404, "text/html"),
        ("soc", "20110", 404, "text/html"),
        ("network", "16920", 403, "application/json"),
    ],
)
def test_places_where_no_ticket_can_be_created(client, team, item_type, status, kind):
    answer = client.create({REFERENCE: "x"}, team, item_type)
    assert (answer.status, answer.kind) == (status, kind)
    if status == 403:
        assert (answer.body["error"], set(answer.body)) == (True, {"error", "message", "status"})
    else:
        assert answer.body.startswith("<!DOCTYPE html>")
    assert client.sandbox.journal()["writes_in_effect"] == 0


@pytest.mark.parametrize("key", ["source", "summary", "ticketBody", "attachments", "ticketRelation"])
def test_every_key_is_needed(client, key):
    body = {name: value for name, value in REQUEST.items() if name != key}
    assert reasons(client.request("POST", "/ticket/create/james/16910", body)) == {
        "body": [f"'{key}' is a required property"]
    }


def test_offer_is_needed(client):
    body = {**REQUEST, "ticketBody": {}}
    assert list(reasons(client.request("POST", "/ticket/create/james/16910", body))) == ["ticketBody"]
    body = {**REQUEST, "ticketBody": {"offerId": 23629}}
    assert list(reasons(client.request("POST", "/ticket/create/james/16910", body))) == ["ticketBody.offerId"]


@pytest.mark.parametrize("offer", ["23629", "99999", "30110"])
def test_offer_must_be_of_the_ticket_type(client, offer):
    assert list(reasons(client.create({REFERENCE: "x"}, offer=offer))) == ["offerId"]


NO_DATE = "You have entered an invalid date value for {}, expects a proper date string"
WRONG_VALUES = [
    (REFERENCE, 42, "You have entered an invalid string value for Incident Reference, expects a proper string"),
    (DESCRIPTION, ["x"], "You have entered an invalid string value for Description, expects a proper string"),
    (URGENCY, "High", "You have entered an invalid value for Urgency, expects one of high, medium, low"),
    (URGENCY, "1", "You have entered an invalid value for Urgency, expects one of high, medium, low"),
    (STATUS, "Done", "You have entered an invalid value for Status, expects one of Open, In Progress, Resolved"),
    (HOSTS, "3", "You have entered an invalid number value for Affected Hosts, expects a proper number"),
    (HOSTS, True, "You have entered an invalid number value for Affected Hosts, expects a proper number"),
    (CONTAINED, "true", "You have entered an invalid boolean value for Contained, expects a proper boolean"),
    (DETECTED, "", NO_DATE.format("Detected At")),
    (DETECTED, "21.11.2026 04:00", NO_DATE.format("Detected At")),
    (DETECTED, 1795282665, NO_DATE.format("Detected At")),
    (DUE, "", NO_DATE.format("Due Date")),
    (DUE, "tomorrow", NO_DATE.format("Due Date")),
    (TACTICS, "Impact", None),
    (TACTICS, ["Impact", "Exfiltration"], None),
    (RESPONDER, 7, None),
    ("00000000-0000-4000-8000-000000000000", "x", None),
    ("ccWatchers", [], None),
]


@pytest.mark.parametrize("identifier, value, message", WRONG_VALUES, ids=str)
def test_wrong_value(client, identifier, value, message):
    created = reasons(client.create({REFERENCE: "x", identifier: value}))
    updated = reasons(client.update("CTC-0041", {identifier: value}))
    assert created == updated
    assert list(created) == [identifier]
    assert message is None or created[identifier] == [message]
    assert client.sandbox.journal()["writes_in_effect"] == 0


RIGHT_VALUES = [
    (DESCRIPTION, ""),
    (URGENCY, "high"),
    (HOSTS, 0),
    (HOSTS, 2.5),
    (CONTAINED, False),
    (DETECTED, "2025-07-10T12:34:56.789Z"),
    (DETECTED, "2026-11-21T05:00:00+01:00"),
    (DUE, "2026-11-24"),
    (TACTICS, ["Initial Access", "Impact"]),
    (TACTICS, []),
    (RESPONDER, "d.duty@northwind.example"),
    (RESPONDER, {"username": "d.duty@northwind.example"}),
    (WHERE, {"lat": 52.5, "lon": 13.4}),
    (ROOT_CAUSE, None),
]


@pytest.mark.parametrize("identifier, value", RIGHT_VALUES, ids=str)
def test_right_value(client, identifier, value):
    created = client.create({REFERENCE: "x", identifier: value})
    assert created.status == 200, created.body
    assert created.body["ticket"]["data"][identifier] == value
    assert client.update("CTC-0041", {identifier: value}).status == 200
    assert get(client)["data"][identifier] == value


@pytest.mark.parametrize("value", [None, ""])
def test_required_fields(client, value):
    """A default value makes up for one that is not sent, and nothing does for one that is sent empty."""
    wanted = {REFERENCE: ["Field Incident Reference is required"]}
    assert reasons(client.create({})) == wanted
    assert reasons(client.create({REFERENCE: value})) == wanted
    assert reasons(client.update("CTC-0041", {REFERENCE: value})) == wanted
    assert reasons(client.create({REFERENCE: "x", URGENCY: None})) == {URGENCY: ["Field Urgency is required"]}
    assert client.create({REFERENCE: "x", STATUS: "Resolved"}).status == 200, "a condition is not enforced"


# --- update ----------------------------------------------------------------------------------------------------------


def test_update(client):
    before = get(client)
    answer = client.update("CTC-0041", {HOSTS: 4, DESCRIPTION: None})
    assert (answer.status, answer.body["message"]) == (200, "ticket updated successfully")
    after = get(client)
    assert answer.body["ticket"] == after
    assert list(answer.body) == list(ANSWER)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"data", "etag", "version", "updated_at"}
    assert (after["version"], after["data"][HOSTS], after["data"][DESCRIPTION]) == (3, 4, None)
    assert after["data"]["lastUpdatedBy"]["username"] == "itsm-runbook@northwind.example"
    assert before["data"]["lastUpdatedBy"] != after["data"]["lastUpdatedBy"]
    assert after["updated_at"] > before["updated_at"]
    assert {**before["data"], **{name: after["data"][name] for name in (HOSTS, DESCRIPTION, "lastUpdatedBy")}} == (
        after["data"]
    )


def test_status_is_changed(client):
    for status, category in (
        ("In Progress", "In-Progress Category"),
        ("Resolved", "Done Category"),
        ("Open", "To-do Category"),
    ):
        ticket = client.update("CTC-0041", {STATUS: status}).body["ticket"]
        assert (ticket["status_type"], ticket["status_category"]) == (status, category)
    assert reasons(client.update("CTC-0041", {STATUS: None})) == {STATUS: ["Field Status is required"]}


@pytest.mark.parametrize("stale, status", [({}, 409), ({"stale": "412"}, 412), ({"stale": 400}, 400)], ids=str)
def test_stale_etag(client, stale, status):
    profiled(client, **stale)
    etag = get(client)["etag"]
    assert client.update("CTC-0041", {HOSTS: 4}, etag.upper()).status == 200
    answer = client.update("CTC-0041", {HOSTS: 5}, etag)
    assert (answer.status, answer.body["error"], answer.body["status"]) == (status, True, status)
    assert "validationResult" not in answer.body
    assert answer.body["code"] != "INPUT_VALIDATION_FAILURE"
    assert get(client)["data"][HOSTS] == 4
    assert client.sandbox.journal()["writes_in_effect"] == 1


@pytest.mark.parametrize("missing, kind", [("html", "text/html"), ("json", "application/json")])
def test_ticket_that_is_not_there(client, missing, kind):
    profiled(client, missing=missing)
    for answer in (
        client.request("GET", "/ticket/CTC-9999"),
        client.update("CTC-9999", {HOSTS: 1}, ANSWER["ticket"]["etag"]),
    ):
        assert (answer.status, answer.kind) == (404, kind)
