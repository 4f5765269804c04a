# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox serves the ContraForce API, injects faults, and keeps a journal."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from typing import Any, Callable
from urllib.parse import urlsplit

import pytest

from ansible_collections.secops.itsm.tests.sandbox import app
from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import bulk_incident_id
from ansible_collections.secops.itsm.tests.sandbox.client_environment import shell_exports
from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE, Seed
from ansible_collections.secops.itsm.tests.sandbox.ticketing_client import TicketingClient

NORTHWIND, FABRIKAM = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5"
TAILSPIN, WIDE_WORLD = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "6e7f8091-a2b3-4c4d-8e5f-607182930415"
ADVENTURE, CONTOSO = "7f8091a2-b3c4-4d5e-8f60-718293041526", "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3"
INCIDENT_ID, CLOSED_ID = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61", "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"
SPRAY_ID, DUMP_ID = "0d9e8f7a-6b5c-4d3e-8f1a-2b3c4d5e6f70", "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
ANALYST_ID, ANALYST_EMAIL = "9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e", "analyst@northwind.example"
ANALYST = {"id": ANALYST_ID, "displayName": "A. Analyst", "email": ANALYST_EMAIL}
WORKSPACES = "/api/v2/workspaces"
INCIDENTS = f"{WORKSPACES}/{NORTHWIND}/incidents"
INCIDENT, CLOSED = f"{INCIDENTS}/Sentinel/{INCIDENT_ID}", f"{INCIDENTS}/Sentinel/{CLOSED_ID}"
TICKETS = f"{WORKSPACES}/{NORTHWIND}/tickets"
LIST = "/api/v2/incidents/across-workspaces"
ACTIVE = {"status": "Active"}
SCHEMAS = contraforce_contract().document["components"]["schemas"]


class Caller:
    """A client of the ContraForce API that keeps its connection."""

    def __init__(self, sandbox: SandboxProcess, timeout: float = 10) -> None:
        self.token = f"Bearer {sandbox.credentials['access_token']}"
        self.connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=timeout)

    def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": "application/json; charset=utf-8"}
        self.connection.request(method, path, content, {"Authorization": self.token, **kind, **headers})
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()


def raw(sandbox: SandboxProcess, *request: Any, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send a request on a connection of its own, and return any response."""
    caller = Caller(sandbox)
    try:
        return caller.send(*request, **headers)
    finally:
        caller.connection.close()


def call(sandbox: SandboxProcess, *request: Any, **headers: str) -> tuple[int, Any]:
    status, _headers, content = raw(sandbox, *request, **headers)
    return status, json.loads(content) if content else None


def read(sandbox: SandboxProcess, path: str = INCIDENT) -> dict[str, Any]:
    return call(sandbox, "GET", path)[1]["data"]["incident"]


def comments(sandbox: SandboxProcess, path: str = INCIDENT) -> list[dict[str, Any]]:
    return call(sandbox, "GET", f"{path}/comments")[1]["data"]


def stored(sandbox: SandboxProcess, incident_id: str = INCIDENT_ID) -> dict[str, Any]:
    return next(entry for entry in sandbox.state()["incidents"] if entry["id"] == incident_id)


def set_status(sandbox: SandboxProcess, status: str = "Active", path: str = INCIDENT, **more: Any) -> tuple[int, Any]:
    return call(sandbox, "PUT", f"{path}/status", {"status": status, **more})


def link(
    sandbox: SandboxProcess,
    ticket: str | None = "T20261121.0043",
    workspace: str = NORTHWIND,
    source: str = "Sentinel",
    incident_id: str = INCIDENT_ID,
) -> tuple[int, Any]:
    """Link a ticket to an incident, or unlink its ticket."""
    body = {"incident": {"id": incident_id, "source": source, "workspaceId": workspace}}
    path = f"{WORKSPACES}/{workspace}/tickets"
    if ticket is None:
        return call(sandbox, "POST", f"{path}/unlink", body)
    return call(sandbox, "POST", f"{path}/link", {"ticketId": ticket, **body})


def pages(sandbox: SandboxProcess, **filters: Any) -> list[list[dict[str, Any]]]:
    """Return every page of a list."""
    body: dict[str, Any] = {**filters, "isFirstCall": True}
    found = []
    while True:
        status, response = call(sandbox, "POST", LIST, body)
        assert status == 200, response
        found.append(response["data"]["incidents"])
        tokens = response["data"].get("workspacePageTokens")
        if not any(token for entry in tokens or [] for token in entry["sourceTokens"].values()):
            return found
        body = {**filters, "isFirstCall": False, "workspacePageTokens": tokens}


def listed(sandbox: SandboxProcess, **filters: Any) -> list[str]:
    """Return the ID of every incident in a list."""
    return [item["id"] for page in pages(sandbox, **filters) for item in page]


def times(kind: str, **bounds: str) -> dict[str, Any]:
    return {"timeFilterSelection": {"type": kind, **bounds}}


def tokens(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"isFirstCall": False, "workspacePageTokens": entries}


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path, body, fields",
    [
        ("PUT", f"{INCIDENT}/status", {}, [""]),
        ("PUT", f"{INCIDENT}/status", {"status": "Resolved"}, ["status"]),
        ("PUT", f"{INCIDENT}/status", {"status": "Closed"}, ["classification", "classificationReason"]),
        ("PUT", f"{INCIDENT}/status", {"status": "New", "updateTicket": True}, ["ticketId"]),
        ("PUT", f"{INCIDENT}/status", {"status": "New", "coment": "x"}, ["coment"]),
        ("POST", f"{INCIDENT}/comments", {"content": " \n"}, ["content"]),
        ("POST", LIST, {"timeFilterSelection": {"type": "Custom", "from": "x"}}, ["timeFilterSelection.from"]),
        ("POST", LIST, {"timeFilterSelection": {}}, ["timeFilterSelection.type"]),
        ("POST", LIST, {"timeFilterSelection": {"type": "Custom"}}, ["timeFilterSelection.customStartUtc"]),
        ("POST", LIST, times("Custom", customEndUtc="noon"), ["timeFilterSelection.customEndUtc"]),
        ("POST", LIST, tokens(), ["workspacePageTokens"]),
        ("POST", LIST, tokens({"workspaceId": NORTHWIND, "sourceTokens": None}), ["workspacePageTokens"]),
        ("POST", LIST, tokens({"workspaceId": NORTHWIND, "sourceTokens": {"Splunk": "x"}}), ["workspacePageTokens"]),
        ("POST", LIST, tokens({"sourceTokens": {"Sentinel": "x"}}), ["workspacePageTokens"]),
        ("POST", f"{TICKETS}/unlink", {"ticketId": "1"}, ["ticketId"]),
        ("POST", f"{TICKETS}/link", {}, ["incident.id", "incident.source", "incident.workspaceId", "ticketId"]),
        ("POST", f"{TICKETS}/link", None, [""]),
        ("GET", f"{WORKSPACES}/northwind/incidents/Sentinel/1", None, ["workspaceId"]),
        ("GET", f"{INCIDENT}?withDetails=yes", None, ["withDetails"]),
        ("GET", f"{INCIDENT}?withDetails=true&withDetails=true", None, ["withDetails"]),
        ("GET", f"{INCIDENT}?withDetails=true&page=2", None, ["page"]),
    ],
)
def test_request_that_breaks_the_contract_is_refused(sandbox, method, path, body, fields):
    status, problem = call(sandbox, method, path, body)
    assert (status, problem["code"], sorted(problem["errors"])) == (400, "VALIDATION_ERROR", fields)
    assert sandbox.journal()["writes_in_effect"] == 0


def test_body_that_is_not_valid_is_refused(sandbox):
    for kind in ("application/x-www-form-urlencoded", "application/jsonp", ""):
        status, problem = call(sandbox, "PUT", f"{INCIDENT}/status", ACTIVE, **{"Content-Type": kind})
        assert (status, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    for body in (b"{", b'{"content": "\\ud800"}', b'{"content": NaN}', b"[" * 100000, b"\xff"):
        status, problem = call(sandbox, "POST", f"{INCIDENT}/comments", body)
        assert (status, problem["code"]) == (400, "BAD_REQUEST")
        status, refusal = call(sandbox, "POST", "/_sandbox/reset", body)
        assert (status, refusal["error"]) == (400, problem["detail"])
    assert {entry["body"] for entry in sandbox.journal()["entries"]} == {None}
    refusal = {"error": 'faults is {"status": 500}, but must be a list'}
    assert call(sandbox, "PUT", "/_sandbox/faults", {"status": 500}) == (400, refusal)


def test_unusual_numbers_and_nesting_are_refused(sandbox):
    ticketing = TicketingClient(sandbox)
    for text in (b"1.5", b"1e300", b"-1e19", b"9" * 30, b"9" * 5000, b"NaN", b"1e400", b"[" * 65 + b"]" * 65):
        status, problem = call(sandbox, "PUT", f"{INCIDENT}/status", b'{"status": ' + text + b"}")
        assert (status, problem["status"]) == (400, 400)
        assert call(sandbox, "POST", "/_sandbox/reset", b'{"crowd": ' + text + b"}")[0] == 400
        for name, other in ((b"top", b"offset"), (b"offset", b"top")):
            listing = ticketing.request("POST", "/ticket/list", b'{"%s": %s, "%s": 1}' % (name, text, other))
            assert (listing.status, listing.body["error"]) == (400, True), text
    assert [entry["status"] for entry in sandbox.journal()["entries"]] == [400] * 24


def test_numbers_without_a_fraction_are_integers(sandbox):
    assert call(sandbox, "POST", "/_sandbox/reset", b'{"crowd": 2.0, "profile": {"page_size": 1e0}}')[0] == 200
    assert [len(page) for page in pages(sandbox)][:2] == [1, 1]
    assert stored(sandbox, bulk_incident_id(2))["status"] == "New"
    for body in (b'{"top": 1.0, "offset": 0.0}', b'{"top": 10E-1, "offset": -0.0}'):
        response = TicketingClient(sandbox).request("POST", "/ticket/list", body)
        assert (response.status, len(response.body["data"]["tickets"])) == (200, 1)


@pytest.mark.parametrize("path", ["/api/v2/x%0Ay", "/%0A", f"{INCIDENT}%0A", f"{TICKETS}/link%0A", "/%ff%00"])
def test_path_with_unusual_characters_is_answered_as_others(sandbox, path):
    status, headers, content = raw(sandbox, "GET", path)
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(content)["code"] == "NOT_FOUND"
    (entry,) = sandbox.journal()["entries"]
    assert (entry["path"], entry["status"]) == (path, 404)


def test_sandbox_listens_on_an_ipv6_address():
    with SandboxProcess(SEED_FILE, "--host", "::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert read(sandbox)["id"] == INCIDENT_ID
        exported = shell_exports(sandbox.environment(), "::1")
        assert f"export CONTRAFORCE_URL='{sandbox.url}'" in exported
        sandbox.set_faults({"drop": True})
        with pytest.raises(http.client.RemoteDisconnected):
            read(sandbox)


def test_credentials_and_paths_are_checked(sandbox):
    known = sandbox.credentials
    pair = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
    assert raw(sandbox, "GET", INCIDENT, Authorization=f"Basic {pair}")[0] == 200
    for wrong in ("Basic d3Jvbmc6d3Jvbmc=", "Bearer wrong", "Bearer ", f"Basic {known['access_token']}"):
        assert raw(sandbox, "GET", INCIDENT, Authorization=wrong)[0] == 401
    assert call(sandbox, "GET", "/api/v2/unknown")[1]["code"] == "NOT_FOUND"
    assert known["access_token"] not in json.dumps(sandbox.journal())


def test_uuids_are_not_case_sensitive(sandbox):
    workspace, incident_id = NORTHWIND.upper(), INCIDENT_ID.upper()
    path = f"{WORKSPACES}/{workspace}/incidents/Sentinel/{incident_id}"
    assert set_status(sandbox, path=path)[0] == 204
    assert call(sandbox, "PUT", f"{path}/assignee", {"email": ANALYST_EMAIL.upper()})[0] == 204
    assert link(sandbox, workspace=workspace, incident_id=incident_id)[0] == 200
    assert read(sandbox, path) == read(sandbox)
    shown = stored(sandbox)
    assert (shown["id"], shown["workspaceId"], shown["status"]) == (INCIDENT_ID, NORTHWIND, "Active")
    assert (shown["user"], shown["ticketId"]) == (ANALYST, 41878)
    assert listed(sandbox, query=incident_id) == [INCIDENT_ID]
    assert link(sandbox, None, workspace, incident_id=incident_id)[1]["data"] is True
    tokens = call(sandbox, "POST", LIST, {"isFirstCall": True})[1]["data"]["workspacePageTokens"]
    upper = [{**entry, "workspaceId": entry["workspaceId"].upper()} for entry in tokens]
    assert call(sandbox, "POST", LIST, {"isFirstCall": False, "workspacePageTokens": upper})[0] == 200


def test_other_identifiers_are_case_sensitive(sandbox):
    value = "ABCDEF00-52c3-4a8e-9f11-0c2d3e4f5a61"
    common = {"workspaceId": NORTHWIND, "status": "New"}
    upper, lower = ({**common, "source": "CrowdStrike", "id": one, "title": one} for one in (value, value.lower()))
    sandbox.add_incidents(upper, lower, {**common, "source": "Sentinel", "id": "Named", "number": 777})
    assert read(sandbox, f"{INCIDENTS}/CrowdStrike/{value}")["title"] == value
    assert read(sandbox, f"{INCIDENTS}/CrowdStrike/{value.lower()}")["title"] == value.lower()
    assert call(sandbox, "GET", f"{INCIDENTS}/Sentinel/named")[0] == 404
    assert listed(sandbox, query="777") == ["Named"]


def test_journal_counts_requests_and_connections(sandbox):
    sandbox.reset(crowd=2)
    first, second = Caller(sandbox), Caller(sandbox)
    path = f"{INCIDENTS}/Sentinel/{bulk_incident_id(2)}"
    first.send("GET", path)
    second.send("PUT", f"{path}/status", ACTIVE)
    first.send("PUT", f"{path}/status", {"status": "Nonsense"})
    for caller in (first, second):
        caller.connection.close()
    journal = sandbox.journal()
    one, two, three = (entry["connection"] for entry in journal["entries"])
    assert one == three != two
    assert (journal["reads"], journal["writes"], journal["writes_in_effect"], journal["connections"]) == (1, 2, 1, 2)
    third = Caller(sandbox)
    third.connection.connect()
    assert sandbox.journal()["connections"] == 2
    third.send("GET", path)
    third.connection.close()
    assert sandbox.journal()["connections"] == 3


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when, effect", [("before", 0), ("after", 1)])
def test_fault_holds_a_request_without_a_response(sandbox, when, effect):
    sandbox.set_faults({"hold": True, "when": when, "skip": 1})
    assert call(sandbox, "GET", INCIDENT)[0] == 200
    caller = Caller(sandbox, timeout=0.05)
    with pytest.raises(TimeoutError):
        caller.send("PUT", f"{INCIDENT}/status", ACTIVE)
    assert read(sandbox)["status"] == ("Active" if effect else "New")
    caller.connection.close()
    assert read(sandbox)["status"] == ("Active" if effect else "New")
    first, held, *_later = sandbox.journal()["entries"]
    assert [entry["held"] for entry in (first, held)] == [False, True]
    assert (held["status"], held["took_effect"]) == (None, bool(effect))


def test_faults_occur_in_order_and_skip_requests(sandbox):
    sandbox.set_faults({"status": 503, "skip": 2}, {"status": 429, "content": "old", "skip": 1, "times": 2})
    assert [call(sandbox, "GET", INCIDENT)[0] for _each in range(5)] == [200, 429, 503, 429, 200]
    assert sandbox.journal()["faults_waiting"] == 0


@pytest.mark.parametrize(
    "content, kind, start",
    [
        ("problem", "application/problem+json", b'{"type"'),
        ("old", "application/json", b'{"error":{'),
        ("html", "text/html; charset=utf-8", b"<!DOCTYPE html>"),
        ("text", "text/plain; charset=utf-8", b"upstream"),
        ("empty", None, b""),
    ],
)
def test_fault_returns_its_content_and_headers(sandbox, content, kind, start):
    sandbox.set_faults({"status": 503, "content": content, "headers": {"Retry-After": "7"}})
    status, headers, body = raw(sandbox, "GET", INCIDENT)
    assert (status, headers["content-type"], headers["retry-after"]) == (503, kind, "7")
    assert body.startswith(start)
    assert bool(body) == (content != "empty")


def test_fault_with_status_204_has_no_body(sandbox):
    sandbox.set_faults({"status": 204}, {"status": 204, "when": "after", "content": "true"})
    for _each in range(2):
        assert raw(sandbox, "GET", INCIDENT)[::2] == (204, b"")


def test_fault_of_one_path_edits_its_response(sandbox):
    edits = {"replace": {"data.incident.title": None, "data.no.0": 1}, "remove": ["data.incident.status"]}
    sandbox.set_faults({"path": "*/comments", "status": 500}, {"path": INCIDENT, **edits})
    record = read(sandbox)
    assert (record["title"], "status" in record) == (None, False)
    assert read(sandbox, CLOSED)["status"] == "Closed"
    assert call(sandbox, "GET", f"{INCIDENT}/comments")[0] == 500


def test_fault_truncates_and_delays_responses(sandbox):
    sandbox.set_faults({"truncate": True, "latency": 0.03}, {"latency": 0.03})
    status, headers, body = raw(sandbox, "GET", INCIDENT)
    assert (status, int(headers["content-length"])) == (200, len(body))
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    read(sandbox)
    first, second = sandbox.journal()["entries"]
    assert second["seconds"] - first["seconds"] >= 0.03


@pytest.mark.parametrize(
    "changes, code",
    [({"title": 42}, "SANDBOX_BROKE_THE_CONTRACT"), ({"status": []}, "SANDBOX_FAILED")],
    ids=["contract", "bug"],
)
def test_bug_of_the_sandbox_is_answered_and_logged(caplog, changes, code):
    sandbox = app.Sandbox(Seed.load(SEED_FILE))
    sandbox.contraforce.reset(Profile(spelling="upper"))
    next(iter(sandbox.contraforce.incidents.values())).record.update(changes)
    token = sandbox.contraforce.seed.credentials["access_token"]
    headers = [(b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": "GET", "path": INCIDENT, "raw_path": INCIDENT.encode(), "headers": headers}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    request = app.Request({**scope, "query_string": b""}, receive)
    response = asyncio.run(sandbox.dispatcher.dispatch(request))
    assert (response.status_code, json.loads(response.body)["code"]) == (500, code)
    assert sandbox.dispatcher.journal[0]["status"] == 500
    assert ("Traceback" in caplog.text) == (code == "SANDBOX_FAILED")


# --- one incident ----------------------------------------------------------------------------------------------------


def test_profile_changes_how_an_incident_is_returned(sandbox):
    for spelling, word in (("lower", "new"), ("upper", "NEW"), ("pascal", "New"), ("integer", 2)):
        sandbox.reset({"spelling": spelling})
        assert read(sandbox)["status"] == word
        assert str(call(sandbox, "GET", INCIDENT)[1]["data"]["source"]).lower() in ("sentinel", "1")
    sandbox.reset({"record": "flat"})
    assert call(sandbox, "GET", INCIDENT)[1]["data"]["status"] == "New"
    sandbox.reset({"classification": "hidden", "assignee": "hidden"})
    hidden = {"classification", "classificationReason"}
    assert not {*hidden, "user", "isAssigned"} & set(read(sandbox, CLOSED))
    assert not hidden & set(pages(sandbox)[0][0])
    assert pages(sandbox, query="scheduled task")[0][0]["user"] == ANALYST
    sandbox.reset({"spelling": "integer", "list_workspace": "hidden"})
    item = pages(sandbox, query="scheduled task")[0][0]
    assert (item["source"], item["status"], item["classification"], "workspaceId" in item) == (1, 3, 1, False)


@pytest.mark.parametrize(
    "profile, expected",
    [
        ({}, ("FalsePositive", "InaccurateData")),
        ({"classification": "dropped"}, (None, None)),
        ({"reason": "dropped"}, ("FalsePositive", None)),
        ({"reason": "replaced"}, ("FalsePositive", "Other")),
    ],
    ids=str,
)
def test_status_and_classification_are_stored(sandbox, profile, expected):
    sandbox.reset(profile)
    classification = {"classification": "FalsePositive", "classificationReason": "InaccurateData"}
    assert set_status(sandbox, "Closed", **classification, comment="x") == (204, None)
    record = read(sandbox)
    assert (record["status"], record["classification"], record["classificationReason"]) == ("Closed", *expected)
    assert [(entry["message"], entry["isClosingComment"]) for entry in comments(sandbox)] == [("x", True)]
    crowdstrike = f"{INCIDENTS}/CrowdStrike/inc:8a0c5f2e9d7b4c31:f1e2d3c4b5a69788"
    assert set_status(sandbox, "Closed", crowdstrike, **classification)[0] == 204
    assert read(sandbox, crowdstrike)["classification"] is None


def test_comment_is_stored(sandbox):
    status, response = call(sandbox, "POST", f"{INCIDENT}/comments", {"content": " Seen.\n"})
    assert (status, response["data"]["message"], response["data"]["isClosingComment"]) == (201, " Seen.\n", False)
    assert comments(sandbox) == [response["data"]]
    assert sandbox.journal()["writes_in_effect"] == 1
    sandbox.reset({"comment_lag": 2, "comment_text": "wrapped"})
    call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})
    assert [len(comments(sandbox)) for _each in range(4)] == [0, 0, 1, 1]
    set_status(sandbox, comment="y")
    assert [len(comments(sandbox)) for _each in range(3)] == [1, 1, 2]
    assert [comment["message"] for comment in stored(sandbox)["comments"]] == ["<p>x</p>", "<p>y</p>"]


def test_ignored_writes_have_no_effect(sandbox):
    sandbox.reset({"writes": "ignored"})
    before = sandbox.state()
    responses = [
        set_status(sandbox, comment="x"),
        call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"}),
        call(sandbox, "PUT", f"{INCIDENT}/assignee", {"userId": ANALYST_ID}),
        link(sandbox),
        link(sandbox, None),
    ]
    assert [status for status, _body in responses] == [204, 201, 204, 200, 200]
    assert responses[1][1]["data"]["message"] == "x"
    assert responses[3][1]["data"]["isTicketSet"] is True
    assert sandbox.state() == before
    assert (sandbox.journal()["writes"], sandbox.journal()["writes_in_effect"]) == (5, 0)


def test_reads_lag_behind_every_write(sandbox):
    sandbox.reset({"lag_reads": 1})
    steps: list[tuple[str, Callable[[], Any], Any]] = [
        ("status", lambda: set_status(sandbox), "Active"),
        ("user", lambda: call(sandbox, "PUT", f"{INCIDENT}/assignee", {"userId": ANALYST_ID}), ANALYST),
        ("ticketId", lambda: link(sandbox), 41878),
        ("ticketId", lambda: link(sandbox, None), None),
    ]
    for field, write, after in steps:
        before = read(sandbox)[field]
        write()
        assert [read(sandbox)[field] for _each in range(2)] == [before, after]


# --- links of tickets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place, ticket, member, identifier",
    [
        ((NORTHWIND, "Sentinel", INCIDENT_ID), "T20261121.0043", "autotaskTicket", 41878),
        ((NORTHWIND, "Sentinel", INCIDENT_ID), "41878", "autotaskTicket", 41878),
        ((FABRIKAM, "QRadar", "20931"), "INC0012345", "serviceNowTicket", "1d5f0a2b3c4d5e6f708192a3b4c5d6e7"),
        ((TAILSPIN, "QRadar", "31007"), "SOC-311", "jiraTicket", "10042"),
        ((WIDE_WORLD, "DefenderXDR", "50211"), "9001", None, 9001),
    ],
)
def test_ticket_is_linked(sandbox, place, ticket, member, identifier):
    workspace, source, incident_id = place
    path = f"{WORKSPACES}/{workspace}/incidents/{source}/{incident_id}"
    assert [read(sandbox, path)[name] for name in ("ticketId", "ticket")] == [None, None]
    status, response = link(sandbox, ticket, *place)
    assert (status, response["data"]["isTicketSet"]) == (200, True)
    assert set(response["data"]) == {"ticketingSystemType", "isTicketSet", *([member] if member else [])}
    if member:
        schema = SCHEMAS[f"{member[0].upper()}{member[1:]}Dto"]
        assert set(response["data"][member]) == set(schema["properties"])
        assert response["data"][member]["id"] == identifier
        assert ticket in (str(identifier), response["data"][member]["number"])
    assert read(sandbox, path)["ticketId"] == stored(sandbox, incident_id)["ticketId"] == identifier
    assert read(sandbox, path)["ticket"] == response["data"]
    assert link(sandbox, ticket, *place)[0] == 200
    assert sandbox.journal()["writes_in_effect"] == 1


@pytest.mark.parametrize("ticket", ["INC0012345", "10042", "T20261121.9999"])
def test_ticket_of_another_system_is_not_linked(sandbox, ticket):
    status, problem = link(sandbox, ticket)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert set_status(sandbox, updateTicket=True, ticketId=ticket)[0] == 404
    sandbox.reset({"missing_ticket": "unset"})
    assert link(sandbox, ticket)[1]["data"] == {"ticketingSystemType": "Autotask", "isTicketSet": False}
    assert link(sandbox, "41877", ADVENTURE, "Sentinel", SPRAY_ID)[1]["data"]["isTicketSet"] is False
    assert stored(sandbox)["ticketId"] is None
    assert sandbox.journal()["writes_in_effect"] == 0


@pytest.mark.parametrize("ticket", ["41878", None])
def test_link_with_a_wrong_incident_is_refused(sandbox, ticket):
    for name, value in (("id", None), ("id", " "), ("workspaceId", ""), ("workspaceId", FABRIKAM)):
        reference = {"id": INCIDENT_ID, "source": "Sentinel", "workspaceId": NORTHWIND, name: value}
        body = {"incident": reference, **({"ticketId": ticket} if ticket else {})}
        status, problem = call(sandbox, "POST", f"{TICKETS}/{'link' if ticket else 'unlink'}", body)
        assert (status, list(problem["errors"])) == (400, [f"incident.{name}"])
    assert link(sandbox, ticket, incident_id="1")[0] == 404
    assert link(sandbox, ticket, workspace=INCIDENT_ID)[0] == 404
    assert link(sandbox, ticket, workspace=CONTOSO)[1]["code"] == "INSUFFICIENT_WORKSPACE_ROLE"


def test_link_is_replaced_or_refused(sandbox):
    link(sandbox, "41877")
    assert link(sandbox, "41878")[0] == 200
    assert stored(sandbox)["ticketId"] == 41878
    sandbox.reset({"relink": "refused"})
    link(sandbox, "41877")
    status, problem = link(sandbox, "41878")
    assert (status, problem["code"], stored(sandbox)["ticketId"]) == (409, "CONFLICT", 41877)
    assert link(sandbox, "T20261121.0042")[0] == 200


def test_incident_without_a_ticket_is_unlinked(sandbox):
    link(sandbox)
    assert [link(sandbox, None)[1]["data"] for _each in range(2)] == [True, False]
    assert sandbox.journal()["writes_in_effect"] == 2
    sandbox.reset({"unlink_unlinked": "404"})
    link(sandbox)
    assert [link(sandbox, None)[0] for _each in range(2)] == [200, 404]


@pytest.mark.parametrize(
    "profile, fields, mirrored",
    [
        ({"ticket": "object"}, ["ticket", "ticketId"], 41878),
        ({"ticket": "id"}, ["ticketId"], 41878),
        ({"ticket": "comments"}, [], 41878),
        ({"ticket": "hidden"}, [], None),
        ({"ids": "string"}, ["ticket", "ticketId"], "41878"),
    ],
    ids=str,
)
def test_profile_changes_what_shows_a_link(sandbox, profile, fields, mirrored):
    sandbox.reset(profile)
    assert str(link(sandbox)[1]["data"]["autotaskTicket"]["id"]) == "41878"
    response = call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})[1]["data"]
    record = read(sandbox)
    assert sorted({"ticketId", "ticket"} & set(record)) == fields
    assert record.get("ticketId", mirrored) == response["ticketId"] == comments(sandbox)[0]["ticketId"] == mirrored
    assert stored(sandbox)["ticketId"] == 41878


@pytest.mark.parametrize("ticket", ["CTC-0041", "1458671"])
def test_ticket_of_the_platform_is_linked_and_closed(sandbox, ticket):
    def platform(object_id: str) -> dict[str, Any]:
        return next(entry for entry in sandbox.state()["platform_tickets"] if entry["object_id"] == object_id)

    place = (TAILSPIN, "Sentinel", DUMP_ID)
    path = f"{WORKSPACES}/{TAILSPIN}/incidents/Sentinel/{DUMP_ID}"
    before, closed = platform("CTC-0041"), platform("CTC-0042")
    jira = link(sandbox, ticket, *place)[1]["data"]["jiraTicket"]
    assert (jira["id"], jira["number"], jira["currentStatus"]["name"]) == ("1458671", "CTC-0041", "Open")
    assert platform("CTC-0041") == before
    for name in (ticket, "CTC-0042"):
        assert set_status(sandbox, path=path, updateTicket=True, ticketId=name)[0] == 204
    after = platform("CTC-0041")
    assert (after["status_type"], after["status_category"]) == ("Resolved", "Done Category")
    assert (after["version"], after["etag"] != before["etag"]) == (before["version"] + 1, True)
    assert read(sandbox, path)["ticket"]["jiraTicket"]["currentStatus"]["name"] == "Resolved"
    assert platform("CTC-0042") == closed
    assert link(sandbox, "REQ-0007", *place)[0] == 404
    sandbox.reset({"writes": "ignored"})
    assert set_status(sandbox, path=path, updateTicket=True, ticketId=ticket)[0] == 204
    assert platform("CTC-0041") == before


# --- the list across workspaces --------------------------------------------------------------------------------------


def test_pages_contain_every_incident_once(sandbox):
    found = pages(sandbox)
    assert [len(page) for page in found] == [5, 5, 4]
    ids = [item["id"] for page in found for item in page]
    assert ids == [entry["id"] for entry in sandbox.state()["incidents"] if entry["workspaceId"] != CONTOSO]
    assert set(found[0][0]) == set(SCHEMAS["IncidentListItem"]["properties"])
    assert sandbox.journal()["writes"] == 0
    sandbox.reset({"page_size": 100})
    assert [len(page) for page in pages(sandbox)] == [14]


def test_pages_are_stable_when_incidents_change(sandbox):
    sandbox.reset({"page_size": 2})
    first = call(sandbox, "POST", LIST, {"statuses": ["New"], "isFirstCall": True})[1]["data"]
    everything = listed(sandbox, statuses=["New"])
    set_status(sandbox)
    body = {"statuses": ["New"], "isFirstCall": False, "workspacePageTokens": first["workspacePageTokens"]}
    for _again in range(2):
        second = call(sandbox, "POST", LIST, body)[1]["data"]
        assert [item["id"] for item in second["incidents"]] == everything[2:4]


def test_tokens_continue_in_their_workspace_and_list_only(sandbox):
    tokens = call(sandbox, "POST", LIST, {"isFirstCall": True})[1]["data"]["workspacePageTokens"]
    body = {"isFirstCall": False, "workspacePageTokens": tokens}
    assert call(sandbox, "POST", LIST, {**body, "query": "x"})[0] == 400
    assert call(sandbox, "POST", LIST, {**body, "severities": []})[0] == 200
    moved = [{**tokens[0], "workspaceId": NORTHWIND}]
    assert call(sandbox, "POST", LIST, {**body, "workspacePageTokens": moved})[0] == 400
    own = [entry for entry in tokens if entry["workspaceId"] == TAILSPIN]
    assert set(own[0]["sourceTokens"]) == {"QRadar", "DefenderXDR", "Sentinel"}
    own[0]["sourceTokens"].update(QRadar=None, Sentinel=None)
    page = call(sandbox, "POST", LIST, {**body, "workspacePageTokens": own})[1]["data"]
    assert [item["id"] for item in page["incidents"]] == ["50377", "61024"]


@pytest.mark.parametrize("last", ["empty", "nulls", "absent"])
def test_profile_changes_the_tokens_of_the_last_page(sandbox, last):
    sandbox.reset({"last_page": last})
    data = call(sandbox, "POST", LIST, {"isFirstCall": True, "sources": ["QRadar"]})[1]["data"]
    tokens = data.get("workspacePageTokens", "absent")
    if last == "nulls":
        assert {token for entry in tokens for token in entry["sourceTokens"].values()} == {None}
    else:
        assert tokens == {"empty": [], "absent": "absent"}[last]


@pytest.mark.parametrize(
    "filters, ids",
    [
        ({"severities": ["Informational"]}, ["a/b c?d#%2F"]),
        ({"statuses": ["Closed"]}, [CLOSED_ID]),
        ({"sources": ["QRadar"], "severities": None, "statuses": []}, ["20931", "31007"]),
        ({"assigneeIds": [ANALYST_ID]}, [CLOSED_ID]),
        ({"assigneeIds": [ANALYST_ID], "assigneeEmails": ["D.DUTY@northwind.example"]}, [CLOSED_ID, "50377"]),
        (
            {"assigneeIds": [ANALYST_ID], "includeUnassigned": True, "sources": ["Sentinel"]},
            [INCIDENT_ID, CLOSED_ID, SPRAY_ID, DUMP_ID],
        ),
        ({"includeUnassigned": True, "statuses": ["Closed"]}, [CLOSED_ID]),
        ({"query": "PHISHING"}, ["48213"]),
        ({"query": "forty minutes"}, [INCIDENT_ID]),
        ({"query": "3107"}, [INCIDENT_ID]),
        ({"query": "C4A7E0B2"}, [CLOSED_ID]),
        ({"query": "must not see"}, []),
        (
            {**times("ThreeHours"), "severities": ["High"]},
            ["48213", "inc:8a0c5f2e9d7b4c31:f1e2d3c4b5a69788", "50211"],
        ),
        ({**times("FourtyEightHours"), "sources": ["Sentinel"]}, [INCIDENT_ID, SPRAY_ID]),
        (times("Custom", customEndUtc="2026-11-19"), [CLOSED_ID, DUMP_ID, "61024"]),
        (
            times("Custom", customStartUtc="2026-11-20T12:12:13+01:00", customEndUtc="2026-11-20T18:20:00Z"),
            ["20931", "50377"],
        ),
    ],
    ids=str,
)
def test_list_is_filtered(sandbox, filters, ids):
    assert listed(sandbox, **filters) == ids
