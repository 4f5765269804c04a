# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox itself: it starts, misbehaves as told, keeps its journal, and ends."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from ansible_collections.secops.itsm.tests.sandbox import app, contraforce_service
from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.contraforce import SEED_FILE, Seed, SeedError
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

NORTHWIND, FABRIKAM = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5"
TAILSPIN, WIDE_WORLD = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "6e7f8091-a2b3-4c4d-8e5f-607182930415"
ADVENTURE, CONTOSO = "7f8091a2-b3c4-4d5e-8f60-718293041526", "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3"
INCIDENT_ID = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
INCIDENT = f"/api/v2/workspaces/{NORTHWIND}/incidents/Sentinel/{INCIDENT_ID}"
SENTINEL_CLOSED, SENTINEL_SPRAY = "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2", "0d9e8f7a-6b5c-4d3e-8f1a-2b3c4d5e6f70"
SENTINEL_DUMP = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
CLOSED = f"/api/v2/workspaces/{NORTHWIND}/incidents/Sentinel/{SENTINEL_CLOSED}"
LIST = "/api/v2/incidents/across-workspaces"
ANALYST = {
    "id": "9b2f1c3d-4e5a-4b6c-8d7e-8f9a0b1c2d3e",
    "displayName": "A. Analyst",
    "email": "analyst@northwind.example",
}
JSON_TYPE = "application/json; charset=utf-8"
DOCUMENT = contraforce_contract().document


def call(
    sandbox: SandboxProcess, method: str, path: str, body: Any = None, token: str | None = None, kind: str = JSON_TYPE
) -> tuple[int, Any]:
    token = sandbox.credentials["access_token"] if token is None else token
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", **({} if data is None else {"Content-Type": kind})}
    request = urllib.request.Request(sandbox.url + path, data, headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def read(sandbox: SandboxProcess, path: str = INCIDENT) -> dict[str, Any]:
    """The record in a read of one incident."""
    return call(sandbox, "GET", path)[1]["data"]["incident"]


def comments(sandbox: SandboxProcess, path: str = INCIDENT) -> list[dict[str, Any]]:
    return call(sandbox, "GET", f"{path}/comments")[1]["data"]


def stored(sandbox: SandboxProcess, incident_id: str = INCIDENT_ID) -> dict[str, Any]:
    return next(entry for entry in sandbox.state()["incidents"] if entry["id"] == incident_id)


def link(
    sandbox: SandboxProcess,
    ticket: str | None = "T20261121.0043",
    workspace: str = NORTHWIND,
    source: str = "Sentinel",
    incident_id: str = INCIDENT_ID,
) -> tuple[int, Any]:
    """Link a ticket to an incident, or unlink the one that it has."""
    reference = {"id": incident_id, "source": source, "workspaceId": workspace}
    path = f"/api/v2/workspaces/{workspace}/tickets"
    if ticket is None:
        return call(sandbox, "POST", f"{path}/unlink", {"incident": reference})
    return call(sandbox, "POST", f"{path}/link", {"ticketId": ticket, "incident": reference})


def pages(sandbox: SandboxProcess, **filters: Any) -> list[list[dict[str, Any]]]:
    """Every page of a list."""
    body: dict[str, Any] = {**filters, "isFirstCall": True}
    found = []
    while True:
        status, answer = call(sandbox, "POST", LIST, body)
        assert status == 200, answer
        found.append(answer["data"]["incidents"])
        tokens = answer["data"].get("workspacePageTokens")
        if not any(token for entry in tokens or [] for token in entry["sourceTokens"].values()):
            return found
        body = {**filters, "isFirstCall": False, "workspacePageTokens": tokens}


def listed(sandbox: SandboxProcess, **filters: Any) -> list[str]:
    """The ids of every incident in a list."""
    return [item["id"] for page in pages(sandbox, **filters) for item in page]


def test_ends_cleanly_on_sigterm():
    sandbox = SandboxProcess()
    sandbox.reset()
    assert sandbox.stop() == 0


def start_on(seed: Path) -> subprocess.CompletedProcess[str]:
    """What becomes of a sandbox on a seed that it cannot use."""
    return subprocess.run(
        [sys.executable, "-m", "ansible_collections.secops.itsm.tests.sandbox", "--seed", str(seed)],
        env={"PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_bad_seed_is_told_in_one_line(tmp_path):
    seed = tmp_path / "seed.yml"
    seed.write_text("incidents: []\n")
    done = start_on(seed)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "must have the keys" in done.stderr


def spoilt(**changes: Any) -> dict[str, Any]:
    """The seed with something wrong: an entry's path with underscores for dots, and its new value (DEL for none)."""
    seed = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    for path, value in changes.items():
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("__")]
        place = seed
        for part in parents:
            place = place[part]
        if value == "DEL":
            del place[last]
        else:
            place[last] = value
    return seed


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"moods": []}, "must have the keys"),
        ({"credentials": None}, "wrong at credentials"),
        ({"credentials__client_id": 42}, "wrong at credentials.client_id"),
        ({"credentials__access_token": "DEL"}, "'access_token' is a required property"),
        ({"workspaces": {}}, "wrong at workspaces"),
        ({"workspaces__0": "Northwind"}, "wrong at workspaces.0"),
        ({"workspaces__0__id": "northwind"}, "is not a 'uuid'"),
        ({"workspaces__0__ticketing_system": "Remedy"}, "'Remedy' is not one of"),
        ({"workspaces__0__ticketing_system": None}, "wrong at workspaces.0.ticketing_system"),
        ({"workspaces__1__id": NORTHWIND.upper()}, "twice among its workspaces"),
        ({"users__0__email": "DEL"}, "'email' is a required property"),
        ({"users__0__id": 7}, "wrong at users.0.id"),
        ({"users": None}, "wrong at users"),
        ({"now": 5}, "wrong at now"),
        ({"now": "yesterday"}, "'yesterday' is not an instant"),
        ({"tickets__0__id": "41877"}, "wrong at tickets.0.id"),
        ({"tickets__0__number": 1}, "wrong at tickets.0.number"),
        ({"tickets__1__id": 41877}, "Autotask 41877 twice"),
        ({"tickets__2__state": "Ajar"}, "'Ajar' is not one of"),
        ({"tickets__0__system": "None"}, "'None' is not one of"),
        ({"incidents__0__title": 42}, "42 is not of type"),
        ({"incidents__0__tittle": "x"}, "'tittle' was unexpected"),
        ({"incidents__0__status": "DEL"}, "'status' is a required property"),
        ({"incidents__0__source": "Outlook"}, "'Outlook' is not one of"),
        ({"incidents__0__createdAt": "soon"}, "'soon' is not an instant"),
        ({"incidents__0__comments": [{"isAgentComment": "no"}]}, "wrong at incidents.0.comments.0.isAgentComment"),
        ({"incidents__0__user": {"id": "1"}}, "is a required property"),
        ({"incidents__0__workspaceId": INCIDENT_ID}, "none of its workspaces"),
        ({"incidents__0__ticketId": "T0"}, "no ticket of its workspace's Autotask"),
        ({"incidents__0__ticketId": "INC0012345"}, "no ticket of its workspace's Autotask"),
        ({"incidents__1__id": INCIDENT_ID}, "twice among its incidents"),
        ({"incidents__1__id": INCIDENT_ID.upper()}, "twice among its incidents"),
        ({"incidents__0__entities": [{"score": float("nan")}]}, "JSON cannot carry it"),
    ],
    ids=str,
)
def test_seed_is_refused(tmp_path, changes, words):
    path = tmp_path / "seed.yml"
    path.write_text(yaml.safe_dump(spoilt(**changes)), encoding="utf-8")
    with pytest.raises(SeedError) as refusal:
        Seed.load(path)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"a: [", b"\xff", b"a: &a [*a]", b"a: !!python/object:x.Y {}", b'a: "\\ud800"'], ids=repr
)
def test_seed_that_is_no_mapping_is_refused(tmp_path, content):
    path = tmp_path / "seed.yml"
    path.write_bytes(content)
    with pytest.raises(SeedError):
        Seed.load(path)


def test_seed_of_a_user(tmp_path):
    """Without users and now; with unquoted instants, and an incident that is linked from the start."""
    seed = spoilt(users="DEL", now="DEL", incidents__1__ticketId="T20261121.0043")
    path = tmp_path / "seed.yml"
    text = yaml.safe_dump(seed).replace("'2026-11-20T22:41:07.113Z'", "2026-11-20T22:41:07.113Z")
    path.write_text(text, encoding="utf-8")
    with SandboxProcess(path) as sandbox:
        assert read(sandbox)["createdAt"] == "2026-11-20T22:41:07.113Z"
        assert read(sandbox, CLOSED)["ticketId"] == 41878
        assert comments(sandbox, CLOSED)[0]["ticketId"] == 41878
        assert stored(sandbox, SENTINEL_CLOSED)["ticketId"] == 41878
        assert call(sandbox, "PUT", f"{INCIDENT}/assignee", {"email": "nobody@northwind.example"})[0] == 400
        status, _answer = call(sandbox, "POST", LIST, {"timeFilterSelection": {"type": "ThreeHours"}})
        assert status == 200


def test_status_is_stored(sandbox):
    body = {
        "status": "Closed",
        "classification": "FalsePositive",
        "classificationReason": "InaccurateData",
        "comment": "x",
    }
    assert call(sandbox, "PUT", f"{INCIDENT}/status", body) == (204, None)
    record = call(sandbox, "GET", INCIDENT)[1]["data"]["incident"]
    assert (record["status"], record["classification"]) == ("Closed", "FalsePositive")
    assert [entry["message"] for entry in call(sandbox, "GET", f"{INCIDENT}/comments")[1]["data"]] == ["x"]


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, ""),
        ({"status": "Resolved"}, "status"),
        ({"status": "Closed"}, "classification"),
        ({"status": "New", "updateTicket": True}, "ticketId"),
        ({"status": "New", "updateTicket": "yes"}, "updateTicket"),
    ],
)
def test_wrong_request_is_refused(sandbox, body, field):
    status, problem = call(sandbox, "PUT", f"{INCIDENT}/status", body)
    assert (status, problem["code"]) == (400, "VALIDATION_ERROR")
    assert field in problem["errors"]
    assert sandbox.journal()["writes_in_effect"] == 0


def test_workspace_must_be_a_uuid(sandbox):
    status, problem = call(sandbox, "GET", "/api/v2/workspaces/northwind/incidents/Sentinel/1")
    assert status == 400
    assert "workspaceId" in problem["errors"]


@pytest.mark.parametrize(
    "path, status, code",
    [
        (INCIDENT + "x", 404, "NOT_FOUND"),
        (INCIDENT.replace("3f2b8c1e", "00000000"), 404, "NOT_FOUND"),
        (
            f"/api/v2/workspaces/{CONTOSO}/incidents/Splunk/1",
            403,
            "INSUFFICIENT_WORKSPACE_ROLE",
        ),
        ("/api/v2/somewhere", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there(sandbox, path, status, code):
    got, problem = call(sandbox, "GET", path)
    assert (got, problem["code"]) == (status, code)


@pytest.mark.parametrize(
    "workspace, incident_id",
    [(NORTHWIND.upper(), INCIDENT_ID), (NORTHWIND, INCIDENT_ID.upper()), (NORTHWIND.upper(), INCIDENT_ID.upper())],
)
def test_uuids_of_workspaces_and_of_sentinels_incidents_count_in_any_case(sandbox, workspace, incident_id):
    path = f"/api/v2/workspaces/{workspace}/incidents/Sentinel/{incident_id}"
    assert call(sandbox, "PUT", f"{path}/status", {"status": "Active"})[0] == 204
    assert call(sandbox, "POST", f"{path}/comments", {"content": "x"})[0] == 201
    assert call(sandbox, "PUT", f"{path}/assignee", {"email": ANALYST["email"].upper()})[0] == 204
    assert link(sandbox, workspace=workspace, incident_id=incident_id)[0] == 200
    assert [entry["message"] for entry in comments(sandbox, path)] == ["x"]
    # It is one incident, which is shown as it was stored.
    assert read(sandbox, path) == read(sandbox)
    shown = stored(sandbox)
    assert (shown["id"], shown["workspaceId"], shown["status"]) == (INCIDENT_ID, NORTHWIND, "Active")
    assert (shown["user"], shown["ticketId"]) == (ANALYST, 41878)
    assert listed(sandbox, query=incident_id) == [INCIDENT_ID]
    assert link(sandbox, None, workspace, incident_id=incident_id)[1]["data"] is True
    assert stored(sandbox)["ticketId"] is None


def test_tokens_of_a_list_take_a_workspace_in_any_case(sandbox):
    sandbox.reset(profile={"page_size": 1})
    token = call(sandbox, "POST", LIST, {"isFirstCall": True})[1]["data"]["workspacePageTokens"]
    upper = [{**entry, "workspaceId": entry["workspaceId"].upper()} for entry in token]
    body = {"isFirstCall": False, "workspacePageTokens": upper}
    assert call(sandbox, "POST", LIST, body)[1]["data"]["incidents"][0]["id"] == SENTINEL_CLOSED


def test_other_identifiers_count_as_they_are(sandbox):
    """Also where they look like a UUID, and also in the seed."""
    value = "ABCDEF00-52c3-4a8e-9f11-0c2d3e4f5a61"
    common = {"workspaceId": NORTHWIND, "title": "x", "severity": "Low", "status": "New"}
    sandbox.add_incidents(
        {**common, "source": "CrowdStrike", "id": value},
        {**common, "source": "CrowdStrike", "id": value.lower(), "title": "y"},
        {**common, "source": "Sentinel", "id": "Named"},
        {**common, "source": "Sentinel", "id": value},
    )
    base = f"/api/v2/workspaces/{NORTHWIND}/incidents"
    assert read(sandbox, f"{base}/CrowdStrike/{value}")["title"] == "x"
    assert read(sandbox, f"{base}/CrowdStrike/{value.lower()}")["title"] == "y"
    assert call(sandbox, "GET", f"{base}/CrowdStrike/{value.title()}")[0] == 404
    assert call(sandbox, "GET", f"{base}/Sentinel/named")[0] == 404
    # One that was stored in upper case is found in lower case, too, and cannot be there twice.
    assert read(sandbox, f"{base}/Sentinel/{value.lower()}")["id"] == value
    status, answer = call(
        sandbox, "POST", "/_sandbox/incidents", [{**common, "source": "Sentinel", "id": value.lower()}]
    )
    assert status == 400
    assert "twice among its incidents" in answer["error"]


def test_wrong_token(sandbox):
    assert call(sandbox, "GET", INCIDENT, token="wrong")[0] == 401
    assert call(sandbox, "GET", INCIDENT, token="")[0] == 401


def test_ticket_is_closed_with_the_incident(sandbox):
    path = INCIDENT.replace("Sentinel/6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61", "DefenderXDR/48213")
    body = {"status": "Closed", "updateTicket": True, "ticketId": "T20261121.0042"}
    assert call(sandbox, "PUT", f"{path}/status", body)[0] == 204
    assert sandbox.state()["tickets"][0]["state"] == "Closed"


def test_journal_counts(sandbox):
    call(sandbox, "GET", INCIDENT)
    call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active"})
    call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Nonsense"})
    journal = sandbox.journal()
    assert (journal["reads"], journal["writes"], journal["writes_in_effect"]) == (1, 2, 1)
    assert "Authorization" not in json.dumps(journal)


@pytest.mark.parametrize("when, effect", [("before", 0), ("after", 1)])
def test_dropped_connection(sandbox, when, effect):
    sandbox.set_faults({"drop": True, "when": when, "operation": "*update*"})
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, urllib.error.URLError)):
        call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active"})
    assert sandbox.journal()["writes_in_effect"] == effect


def test_faults_strike_in_turn_and_end(sandbox):
    sandbox.set_faults({"status": 503}, {"status": 429, "content": "old"})
    assert [call(sandbox, "GET", INCIDENT)[0] for _each in range(3)] == [503, 429, 200]


def test_faults_let_requests_go_by(sandbox):
    """One that lets a request go by leaves it to the next one in the list."""
    sandbox.set_faults({"status": 503, "skip": 2}, {"status": 429, "content": "old", "skip": 1, "times": 2})
    assert [call(sandbox, "GET", INCIDENT)[0] for _each in range(5)] == [200, 429, 503, 429, 200]
    assert sandbox.journal()["faults_waiting"] == 0


@pytest.mark.parametrize("when, effect", [("before", 0), ("after", 1)])
def test_held_request_is_never_answered(sandbox, when, effect):
    """And where nothing had happened yet, nothing happens when its client is gone."""
    sandbox.set_faults({"hold": True, "when": when, "skip": 1})
    assert call(sandbox, "GET", INCIDENT)[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]), timeout=0.3)
    token = f"Bearer {sandbox.credentials['access_token']}"
    headers = {"Authorization": token, "Content-Type": "application/json"}
    connection.request("PUT", f"{INCIDENT}/status", json.dumps({"status": "Active"}), headers)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    # Others are answered, while it waits and after.
    assert read(sandbox)["status"] == ("Active" if effect else "New")
    first, held, _later = sandbox.journal()["entries"]
    assert [entry["held"] for entry in (first, held)] == [False, True]
    assert (held["status"], held["took_effect"]) == (None, bool(effect))
    assert sandbox.journal()["writes_in_effect"] == effect


def raw(sandbox: SandboxProcess, path: str, authorization: str | None = None) -> tuple[int, dict[str, str], bytes]:
    """A request whose answer may be anything."""
    value = authorization or f"Bearer {sandbox.credentials['access_token']}"
    connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rsplit(":", 1)[1]), timeout=10)
    connection.request("GET", path, headers={"Authorization": value})
    answer = connection.getresponse()
    try:
        return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()
    finally:
        connection.close()


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
def test_contents_of_faults(sandbox, content, kind, start):
    sandbox.set_faults({"status": 503, "content": content, "headers": {"Retry-After": "7"}})
    status, headers, body = raw(sandbox, INCIDENT)
    assert (status, headers.get("content-type"), headers["retry-after"]) == (503, kind, "7")
    assert body.startswith(start)
    assert bool(body) == (content != "empty")


def test_fault_of_one_path_edits_its_answer(sandbox):
    edits = {"replace": {"data.incident.title": None}, "remove": ["data.incident.status"]}
    sandbox.set_faults({"path": "*/comments", "status": 500}, {"path": INCIDENT, **edits})
    record = read(sandbox)
    assert (record["title"], "status" in record) == (None, False)
    assert read(sandbox, CLOSED)["status"] == "Closed"
    assert call(sandbox, "GET", f"{INCIDENT}/comments")[0] == 500
    assert read(sandbox)["title"] is not None


def test_truncated_json(sandbox):
    sandbox.set_faults({"truncate": True})
    status, headers, body = raw(sandbox, INCIDENT)
    assert (status, int(headers["content-length"])) == (200, len(body))
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)


def test_latency(sandbox):
    sandbox.set_faults({"latency": 0.4})
    begin = time.monotonic()
    assert call(sandbox, "GET", INCIDENT)[0] == 200
    assert time.monotonic() - begin >= 0.4


def test_basic_credentials(sandbox):
    known = sandbox.credentials
    pair = base64.b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
    assert raw(sandbox, INCIDENT, f"Basic {pair}")[0] == 200
    assert raw(sandbox, INCIDENT, "Basic d3Jvbmc6d3Jvbmc=")[0] == 401


@pytest.mark.parametrize("wrong", [{"title": 42}, {"status": "New"}])
def test_an_answer_that_breaks_the_contract_is_not_given(monkeypatch, wrong):
    """The sandbox judges its successes and its errors by docs/contracts."""
    sandbox = app.Sandbox(Seed.load(SEED_FILE))
    if "title" in wrong:
        next(iter(sandbox.contraforce.incidents.values())).record.update(wrong)
    else:
        sandbox.contraforce.incidents.clear()
        monkeypatch.setattr(
            contraforce_service, "problem", lambda status, code, *_facts: {"status": f"not {status}", "code": code}
        )
    token = sandbox.contraforce.seed.credentials["access_token"]
    scope = {
        "type": "http",
        "method": "GET",
        "path": INCIDENT,
        "raw_path": INCIDENT.encode(),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    answer = asyncio.run(sandbox.dispatcher.dispatch(app.Request(scope, receive)))
    assert (answer.status_code, json.loads(answer.body)["code"]) == (500, "SANDBOX_BROKE_THE_CONTRACT")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"moods": 1},
        {"profile": None},
        {"profile": {"moods": 1}},
        {"profile": {"writes": "lost"}},
        {"profile": {"writes": ["applied"]}},
        {"profile": {"missing_ticket": 404}},
        {"profile": {"page_size": 0}},
        {"profile": {"page_size": True}},
        {"profile": {"lag_reads": -1}},
        {"profile": {"comment_lag": "2"}},
        {"profile": {"CHOICES": {}}},
        {"faults": None},
        {"faults": {"status": 500}},
        {"faults": [None]},
        {"faults": [{"when": "never"}]},
        {"faults": [{"mood": "bad"}]},
        {"faults": [{"operation": "v2-update-incident-statuss"}]},
        {"faults": [{"operation": 7}]},
        {"faults": [{"times": "1"}]},
        {"faults": [{"times": True}]},
        {"faults": [{"latency": "1s"}]},
        {"faults": [{"latency": -1}]},
        {"faults": [{"drop": 1}]},
        {"faults": [{"hold": 1}]},
        {"faults": [{"skip": -1}]},
        {"faults": [{"skip": "1"}]},
        {"faults": [{"status": "503"}]},
        {"faults": [{"status": 99}]},
        {"faults": [{"headers": ["Retry-After"]}]},
        {"faults": [{"headers": {"Retry-After": 7}}]},
        {"faults": [{"headers": {"Retry After": "7"}}]},
        {"faults": [{"headers": {"X-Split": "a\r\nb: c"}}]},
        {"faults": [{"headers": {"Content-Length": "7"}}]},
        {"faults": [{"content": ["html"]}]},
        {"faults": [{"truncate": "yes"}]},
        {"faults": [{"code": 5}]},
        {"faults": [{"path": 7}]},
        {"faults": [{"replace": ["data"]}]},
        {"faults": [{"remove": "data"}]},
        b"{",
        b'{"profile": {"page_size": NaN}}',
        b"[" * 100000,
        b'{"faults": [{"code": "\\ud800"}]}',
    ],
    ids=lambda body: str(body)[:60],
)
def test_unknown_misbehaviour_is_refused(sandbox, body):
    status, answer = call(sandbox, "POST", "/_sandbox/reset", body)
    assert status == 400
    assert answer["error"]


def test_a_refused_reset_changes_nothing(sandbox):
    link(sandbox)
    call(sandbox, "POST", "/_sandbox/reset", {"profile": {"page_size": 0}})
    assert stored(sandbox)["ticketId"] == 41878
    assert call(sandbox, "PUT", "/_sandbox/faults", {"status": 500})[0] == 400


def test_status_without_a_body_has_none(sandbox):
    sandbox.set_faults({"status": 204}, {"status": 204, "when": "after", "content": "true"})
    for _each in range(2):
        assert raw(sandbox, INCIDENT)[::2] == (204, b"")


def test_profiles(sandbox):
    sandbox.reset({"spelling": "integer", "record": "flat"})
    assert call(sandbox, "GET", INCIDENT)[1]["data"]["status"] == 2
    for spelling, word in (("lower", "new"), ("upper", "NEW"), ("pascal", "New")):
        sandbox.reset({"spelling": spelling})
        assert call(sandbox, "GET", INCIDENT)[1]["data"]["incident"]["status"] == word
    sandbox.reset({"classification": "hidden"})
    assert "classification" not in call(sandbox, "GET", INCIDENT)[1]["data"]["incident"]
    sandbox.reset({"lag_reads": 1})
    call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active"})
    seen = [call(sandbox, "GET", INCIDENT)[1]["data"]["incident"]["status"] for _each in range(2)]
    assert seen == ["New", "Active"]


# --- requests that do not keep the contract --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query, field",
    [
        ("?withDetails=yes", "withDetails"),
        ("?withDetails=true&withDetails=true", "withDetails"),
        ("?withdetails=true", "withdetails"),
        ("?withDetails=true&page=2", "page"),
    ],
)
def test_query_that_the_contract_does_not_know(sandbox, query, field):
    status, problem = call(sandbox, "GET", INCIDENT + query)
    assert (status, problem["code"], list(problem["errors"])) == (400, "VALIDATION_ERROR", [field])


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "application/jsonp", ""])
def test_body_that_is_not_called_json(sandbox, kind):
    status, problem = call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active"}, kind=kind)
    assert (status, problem["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert sandbox.journal()["writes_in_effect"] == 0


@pytest.mark.parametrize(
    "body", [b"{", b'{"content": "\\ud800"}', b'{"content": NaN}', b"[" * 100000, b"\xff"], ids=len
)
def test_body_that_is_not_json(sandbox, body):
    status, problem = call(sandbox, "POST", f"{INCIDENT}/comments", body)
    assert (status, problem["code"]) == (400, "BAD_REQUEST")
    assert sandbox.journal()["entries"][0]["body"] is None


@pytest.mark.parametrize(
    "method, path, body, field",
    [
        ("PUT", f"{INCIDENT}/status", {"status": "New", "coment": "x"}, "coment"),
        ("POST", f"{INCIDENT}/comments", {"content": "x", "message": "x"}, "message"),
        ("PUT", f"{INCIDENT}/assignee", {"email": "x", "user": "x"}, "user"),
        ("POST", LIST, {"isFirstCall": True, "severity": ["Low"]}, "severity"),
        ("POST", LIST, {"timeFilterSelection": {"type": "Custom", "from": "x"}}, "timeFilterSelection.from"),
        ("POST", LIST, {"workspacePageTokens": [{"token": "x"}]}, "workspacePageTokens.0.token"),
        (
            "POST",
            f"/api/v2/workspaces/{NORTHWIND}/tickets/link",
            {"ticketId": "1", "incident": {"incidentId": "1"}},
            "incident.incidentId",
        ),
        ("POST", f"/api/v2/workspaces/{NORTHWIND}/tickets/unlink", {"ticketId": "1"}, "ticketId"),
    ],
    ids=str,
)
def test_misspelt_property_is_refused(sandbox, method, path, body, field):
    status, problem = call(sandbox, method, path, body)
    assert (status, problem["code"], list(problem["errors"])) == (400, "VALIDATION_ERROR", [field])


# --- one incident ----------------------------------------------------------------------------------------------------


def test_details(sandbox):
    plain = call(sandbox, "GET", f"{INCIDENT}?withDetails=false")[1]["data"]
    assert set(plain) == {"source", "incident"}
    data = call(sandbox, "GET", f"{INCIDENT}?withDetails=True")[1]["data"]
    assert set(data) == {"source", "incident", "investigationDetails", "evidence", "gamebookCatalog"}
    assert [len(data["investigationDetails"][name]) for name in ("entities", "alerts")] == [2, 1]
    assert sandbox.journal()["entries"][1]["query"] == "withDetails=True"


def test_comment_is_stored(sandbox):
    status, answer = call(sandbox, "POST", f"{INCIDENT}/comments", {"content": " Seen.\n"})
    assert (status, answer["data"]["message"], answer["data"]["isClosingComment"]) == (201, " Seen.\n", False)
    assert comments(sandbox) == [answer["data"]]
    assert sandbox.journal()["writes_in_effect"] == 1


@pytest.mark.parametrize("body, field", [({"content": " \n"}, "content"), ({}, ""), ({"content": None}, "content")])
def test_comment_must_not_be_blank(sandbox, body, field):
    status, problem = call(sandbox, "POST", f"{INCIDENT}/comments", body)
    assert (status, list(problem["errors"])) == (400, [field])


def test_comment_lags(sandbox):
    sandbox.reset({"comment_lag": 2})
    call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})
    assert [len(comments(sandbox)) for _each in range(4)] == [0, 0, 1, 1]
    call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active", "comment": "y"})
    assert [len(comments(sandbox)) for _each in range(3)] == [1, 1, 2]


def test_comment_is_wrapped(sandbox):
    sandbox.reset({"comment_text": "wrapped"})
    assert call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})[1]["data"]["message"] == "<p>x</p>"
    assert stored(sandbox)["comments"][0]["message"] == "<p>x</p>"


@pytest.mark.parametrize(
    "body",
    [
        {"email": "Analyst@Northwind.example"},
        {"userId": ANALYST["id"]},
        {"userId": ANALYST["id"], "email": ANALYST["email"]},
        {"userId": None, "email": ANALYST["email"]},
    ],
    ids=str,
)
def test_assignee_is_stored(sandbox, body):
    before = read(sandbox)
    assert (before["user"], before["isAssigned"]) == (None, False)
    assert call(sandbox, "PUT", f"{INCIDENT}/assignee", body) == (204, None)
    after = read(sandbox)
    assert (after["user"], after["isAssigned"], stored(sandbox)["user"]) == (ANALYST, True, ANALYST)
    call(sandbox, "PUT", f"{INCIDENT}/assignee", body)
    assert sandbox.journal()["writes_in_effect"] == 1


@pytest.mark.parametrize(
    "body, field",
    [
        ({}, "userId"),
        ({"email": " "}, "userId"),
        ({"email": "analyst"}, "email"),
        ({"userId": "9b2f1c3d"}, "userId"),
        ({"userId": ANALYST["id"], "email": "d.duty@northwind.example"}, "email"),
        ({"email": ["analyst@northwind.example"]}, "email"),
    ],
    ids=str,
)
def test_assignee_must_be_a_user(sandbox, body, field):
    status, problem = call(sandbox, "PUT", f"{INCIDENT}/assignee", body)
    assert (status, problem["code"]) == (400, "VALIDATION_ERROR")
    assert field in problem["errors"]
    assert stored(sandbox)["user"] is None


def test_assignee_is_hidden(sandbox):
    sandbox.reset({"assignee": "hidden"})
    assert not {"user", "isAssigned"} & set(read(sandbox, CLOSED))
    assert pages(sandbox, query="scheduled task")[0][0]["user"] == ANALYST


# --- links of tickets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place, ticket, member, identifier",
    [
        ((NORTHWIND, "Sentinel", INCIDENT_ID), "T20261121.0043", "autotaskTicket", 41878),
        ((NORTHWIND, "Sentinel", INCIDENT_ID), "41878", "autotaskTicket", 41878),
        ((FABRIKAM, "QRadar", "20931"), "INC0012345", "serviceNowTicket", "1d5f0a2b3c4d5e6f708192a3b4c5d6e7"),
        ((TAILSPIN, "QRadar", "31007"), "SOC-311", "jiraTicket", "10042"),
        ((TAILSPIN, "QRadar", "31007"), "10042", "jiraTicket", "10042"),
        ((WIDE_WORLD, "DefenderXDR", "50211"), "9001", None, 9001),
    ],
    ids=str,
)
def test_ticket_is_linked(sandbox, place, ticket, member, identifier):
    workspace, source, incident_id = place
    path = f"/api/v2/workspaces/{workspace}/incidents/{source}/{incident_id}"
    assert [read(sandbox, path)[name] for name in ("ticketId", "ticket")] == [None, None]
    status, answer = link(sandbox, ticket, *place)
    assert (status, answer["data"]["isTicketSet"]) == (200, True)
    assert set(answer["data"]) == {"ticketingSystemType", "isTicketSet", *([member] if member else [])}
    if member:
        schema = DOCUMENT["components"]["schemas"][f"{member[0].upper()}{member[1:]}Dto"]
        assert set(answer["data"][member]) == set(schema["properties"])
        assert answer["data"][member]["id"] == identifier
        assert ticket in (str(identifier), answer["data"][member]["number"])
    assert read(sandbox, path)["ticketId"] == stored(sandbox, incident_id)["ticketId"] == identifier
    assert read(sandbox, path)["ticket"] == answer["data"]
    assert link(sandbox, ticket, *place)[0] == 200
    assert sandbox.journal()["writes_in_effect"] == 1


def test_workspace_without_a_ticketing_system(sandbox):
    status, answer = link(sandbox, "41877", ADVENTURE, "Sentinel", SENTINEL_SPRAY)
    assert (status, answer["data"]) == (200, {"ticketingSystemType": "None", "isTicketSet": False})
    assert sandbox.journal()["writes_in_effect"] == 0


@pytest.mark.parametrize("ticket", ["INC0012345", "10042", "T20261121.9999"])
def test_ticket_of_another_system_is_not_there(sandbox, ticket):
    status, problem = link(sandbox, ticket)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    body = {"status": "Active", "updateTicket": True, "ticketId": ticket}
    assert call(sandbox, "PUT", f"{INCIDENT}/status", body)[0] == 404
    sandbox.reset({"missing_ticket": "unset"})
    assert link(sandbox, ticket)[1]["data"] == {"ticketingSystemType": "Autotask", "isTicketSet": False}
    assert stored(sandbox)["ticketId"] is None


@pytest.mark.parametrize("ticket", ["41878", None])
@pytest.mark.parametrize("name, value", [("id", None), ("id", " "), ("workspaceId", ""), ("workspaceId", FABRIKAM)])
def test_incomplete_reference(sandbox, name, value, ticket):
    reference = {"id": INCIDENT_ID, "source": "Sentinel", "workspaceId": NORTHWIND, "number": "3107", name: value}
    path = f"/api/v2/workspaces/{NORTHWIND}/tickets/{'link' if ticket else 'unlink'}"
    body = {"incident": reference, **({"ticketId": ticket} if ticket else {})}
    status, problem = call(sandbox, "POST", path, body)
    assert (status, problem["code"], list(problem["errors"])) == (400, "VALIDATION_ERROR", [f"incident.{name}"])


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, ["incident.id", "incident.source", "incident.workspaceId", "ticketId"]),
        ({"ticketId": "", "incident": {"id": "1", "source": "Splunk", "workspaceId": NORTHWIND}}, ["ticketId"]),
        ({"ticketId": 41877}, ["ticketId"]),
        ({"ticketId": "1", "incident": None}, ["incident"]),
        (None, [""]),
    ],
    ids=str,
)
def test_incomplete_link(sandbox, body, fields):
    status, problem = call(sandbox, "POST", f"/api/v2/workspaces/{NORTHWIND}/tickets/link", body)
    assert (status, sorted(problem["errors"])) == (400, fields)


@pytest.mark.parametrize("ticket", ["41878", None])
def test_link_of_what_is_not_there(sandbox, ticket):
    assert link(sandbox, ticket, incident_id="1")[0] == 404
    assert link(sandbox, ticket, workspace=INCIDENT_ID)[0] == 404
    assert link(sandbox, ticket, workspace=CONTOSO)[1]["code"] == "INSUFFICIENT_WORKSPACE_ROLE"


def test_another_ticket(sandbox):
    link(sandbox, "41877")
    assert link(sandbox, "41878")[0] == 200
    assert stored(sandbox)["ticketId"] == 41878
    sandbox.reset({"relink": "refused"})
    link(sandbox, "41877")
    status, problem = link(sandbox, "41878")
    assert (status, problem["code"], stored(sandbox)["ticketId"]) == (409, "CONFLICT", 41877)
    assert link(sandbox, "T20261121.0042")[0] == 200


def test_unlink(sandbox):
    link(sandbox)
    assert [link(sandbox, None)[1]["data"] for _each in range(2)] == [True, False]
    assert [read(sandbox)[name] for name in ("ticketId", "ticket")] == [None, None]
    assert sandbox.journal()["writes_in_effect"] == 2
    sandbox.reset({"unlink_unlinked": "404"})
    status, problem = link(sandbox, None)
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    link(sandbox)
    assert link(sandbox, None)[1]["data"] is True


def test_comments_are_mirrored(sandbox):
    def shown() -> list[Any]:
        return [comment["ticketId"] for comment in comments(sandbox)]

    call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})
    assert shown() == [None]
    notes = link(sandbox)[1]["data"]["autotaskTicket"]["notes"]
    assert [note["description"] for note in notes] == ["x"]
    assert call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "y"})[1]["data"]["ticketId"] == 41878
    call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active", "comment": "z"})
    assert shown() == [41878] * 3
    link(sandbox, None)
    call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "after"})
    assert shown() == [41878, 41878, 41878, None]
    link(sandbox, "41877")
    assert shown() == [41877] * 4


@pytest.mark.parametrize(
    "ticket, fields, mirrored",
    [
        ("object", {"ticketId", "ticket"}, 41878),
        ("id", {"ticketId"}, 41878),
        ("comments", set(), 41878),
        ("hidden", set(), None),
    ],
)
def test_what_shows_a_link(sandbox, ticket, fields, mirrored):
    sandbox.reset({"ticket": ticket})
    link(sandbox)
    answer = call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})[1]["data"]
    assert {"ticketId", "ticket"} & set(read(sandbox)) == fields
    assert answer["ticketId"] == comments(sandbox)[0]["ticketId"] == mirrored
    assert stored(sandbox)["ticketId"] == 41878


def test_ids_as_strings(sandbox):
    sandbox.reset({"ids": "string"})
    call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"})
    assert link(sandbox)[1]["data"]["autotaskTicket"]["id"] == "41878"
    assert read(sandbox)["ticketId"] == comments(sandbox)[0]["ticketId"] == "41878"


def writes(sandbox: SandboxProcess) -> list[tuple[int, Any]]:
    """Every write there is."""
    return [
        call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active", "comment": "x"}),
        call(sandbox, "POST", f"{INCIDENT}/comments", {"content": "x"}),
        call(sandbox, "PUT", f"{INCIDENT}/assignee", {"userId": ANALYST["id"]}),
        link(sandbox),
        link(sandbox, None),
    ]


def test_writes_without_effect(sandbox):
    sandbox.reset({"writes": "ignored"})
    before = sandbox.state()
    answers = writes(sandbox)
    assert [status for status, _answer in answers] == [204, 201, 204, 200, 200]
    assert answers[1][1]["data"]["message"] == "x"
    assert answers[3][1]["data"]["isTicketSet"] is True
    assert sandbox.state() == before
    assert (sandbox.journal()["writes"], sandbox.journal()["writes_in_effect"]) == (5, 0)


def test_every_write_that_a_read_shows_lags(sandbox):
    sandbox.reset({"lag_reads": 1})
    steps: list[tuple[str, Callable[[], Any], Any]] = [
        ("user", lambda: call(sandbox, "PUT", f"{INCIDENT}/assignee", {"userId": ANALYST["id"]}), ANALYST),
        ("ticketId", lambda: link(sandbox), 41878),
        ("ticketId", lambda: link(sandbox, None), None),
    ]
    for field, write, after in steps:
        before = read(sandbox)[field]
        write()
        assert [read(sandbox)[field] for _each in range(2)] == [before, after]


# --- the list across workspaces --------------------------------------------------------------------------------------


def test_pages(sandbox):
    found = pages(sandbox)
    assert [len(page) for page in found] == [5, 5, 4]
    ids = [item["id"] for page in found for item in page]
    assert ids == [entry["id"] for entry in sandbox.state()["incidents"] if entry["workspaceId"] != CONTOSO]
    schema = DOCUMENT["components"]["schemas"]["IncidentListItem"]
    assert set(found[0][0]) == set(schema["properties"])
    assert sandbox.journal()["writes"] == 0
    sandbox.reset({"page_size": 100})
    assert [len(page) for page in pages(sandbox)] == [14]


def test_pages_do_not_move_when_incidents_change(sandbox):
    sandbox.reset({"page_size": 2})
    body = {"statuses": ["New"], "isFirstCall": True}
    first = call(sandbox, "POST", LIST, body)[1]["data"]
    everything = listed(sandbox, statuses=["New"])
    call(sandbox, "PUT", f"{INCIDENT}/status", {"status": "Active"})
    body = {"statuses": ["New"], "isFirstCall": False, "workspacePageTokens": first["workspacePageTokens"]}
    for _again in range(2):
        second = call(sandbox, "POST", LIST, body)[1]["data"]
        assert [item["id"] for item in second["incidents"]] == everything[2:4]


def test_tokens_of_some_workspaces_go_on_there_only(sandbox):
    first = call(sandbox, "POST", LIST, {"isFirstCall": True})[1]["data"]
    tokens = [entry for entry in first["workspacePageTokens"] if entry["workspaceId"] == TAILSPIN]
    assert set(tokens[0]["sourceTokens"]) == {"QRadar", "DefenderXDR", "Sentinel"}
    tokens[0]["sourceTokens"].update(QRadar=None, Sentinel=None)
    page = call(sandbox, "POST", LIST, {"isFirstCall": False, "workspacePageTokens": tokens})[1]["data"]
    assert [item["id"] for item in page["incidents"]] == ["50377", "61024"]


@pytest.mark.parametrize("last", ["empty", "nulls", "absent"])
def test_last_page(sandbox, last):
    sandbox.reset({"last_page": last})
    data = call(sandbox, "POST", LIST, {"isFirstCall": True, "sources": ["QRadar"]})[1]["data"]
    assert len(data["incidents"]) == 2
    tokens = data.get("workspacePageTokens", "absent")
    if last == "nulls":
        assert {token for entry in tokens for token in entry["sourceTokens"].values()} == {None}
    else:
        assert tokens == {"empty": [], "absent": "absent"}[last]


@pytest.mark.parametrize(
    "tokens",
    [
        None,
        [],
        [{}],
        [{"workspaceId": NORTHWIND, "sourceTokens": None}],
        [{"workspaceId": NORTHWIND, "sourceTokens": {"Sentinel": None}}],
        [{"workspaceId": NORTHWIND, "sourceTokens": {"Sentinel": "x"}}],
        [{"sourceTokens": {"Sentinel": "x"}}],
        [{"workspaceId": "northwind", "sourceTokens": {}}],
    ],
    ids=str,
)
def test_no_usable_token(sandbox, tokens):
    status, problem = call(sandbox, "POST", LIST, {"isFirstCall": False, "workspacePageTokens": tokens})
    assert (status, problem["code"]) == (400, "VALIDATION_ERROR")
    assert next(iter(problem["errors"])).startswith("workspacePageTokens")


def test_token_of_another_place_or_list(sandbox):
    tokens = call(sandbox, "POST", LIST, {"isFirstCall": True})[1]["data"]["workspacePageTokens"]
    body = {"isFirstCall": False, "workspacePageTokens": tokens}
    assert call(sandbox, "POST", LIST, {**body, "query": "x"})[0] == 400
    assert call(sandbox, "POST", LIST, {**body, "severities": []})[0] == 200
    moved = [{**tokens[0], "workspaceId": NORTHWIND}]
    assert call(sandbox, "POST", LIST, {**body, "workspacePageTokens": moved})[0] == 400


@pytest.mark.parametrize(
    "filters, ids",
    [
        ({"severities": ["Informational"]}, ["a/b c?d#%2F"]),
        ({"statuses": ["Closed"]}, [SENTINEL_CLOSED]),
        ({"sources": ["QRadar"], "severities": ["Low", "Medium"]}, ["20931", "31007"]),
        ({"sources": ["QRadar"], "severities": None, "statuses": []}, ["20931", "31007"]),
        ({"assigneeIds": [ANALYST["id"]]}, [SENTINEL_CLOSED]),
        ({"assigneeEmails": ["ANALYST@northwind.example"]}, [SENTINEL_CLOSED]),
        (
            {"assigneeIds": [ANALYST["id"]], "assigneeEmails": ["d.duty@northwind.example"]},
            [SENTINEL_CLOSED, "50377"],
        ),
        (
            {"assigneeIds": [ANALYST["id"]], "includeUnassigned": True, "sources": ["Sentinel"]},
            [INCIDENT_ID, SENTINEL_CLOSED, SENTINEL_SPRAY, SENTINEL_DUMP],
        ),
        ({"includeUnassigned": True, "statuses": ["Closed"]}, [SENTINEL_CLOSED]),
        ({"query": "PHISHING"}, ["48213"]),
        ({"query": "forty minutes"}, [INCIDENT_ID]),
        ({"query": "3107"}, [INCIDENT_ID]),
        ({"query": "C4A7E0B2"}, [SENTINEL_CLOSED]),
        ({"query": "must not see"}, []),
        (
            {"timeFilterSelection": {"type": "ThreeHours"}, "severities": ["High"]},
            ["48213", "inc:8a0c5f2e9d7b4c31:f1e2d3c4b5a69788", "50211"],
        ),
        (
            {"timeFilterSelection": {"type": "FourtyEightHours"}, "sources": ["Sentinel"]},
            [INCIDENT_ID, SENTINEL_SPRAY],
        ),
        (
            {"timeFilterSelection": {"type": "Custom", "customEndUtc": "2026-11-19"}},
            [SENTINEL_CLOSED, SENTINEL_DUMP, "61024"],
        ),
        (
            {
                "timeFilterSelection": {
                    "type": "Custom",
                    "customStartUtc": "2026-11-20T12:12:13+01:00",
                    "customEndUtc": "2026-11-20T18:20:00Z",
                }
            },
            ["20931", "50377"],
        ),
    ],
    ids=str,
)
def test_filters(sandbox, filters, ids):
    assert listed(sandbox, **filters) == ids


@pytest.mark.parametrize(
    "selection, field",
    [
        ({}, "timeFilterSelection.type"),
        ({"type": "OneHour"}, "timeFilterSelection.type"),
        ({"type": "Custom"}, "timeFilterSelection.customStartUtc"),
        ({"type": "Custom", "customEndUtc": "noon"}, "timeFilterSelection.customEndUtc"),
        (None, "timeFilterSelection"),
    ],
    ids=str,
)
def test_time_filter_that_is_none(sandbox, selection, field):
    status, problem = call(sandbox, "POST", LIST, {"isFirstCall": True, "timeFilterSelection": selection})
    assert (status, list(problem["errors"])) == (400, [field])


def test_list_is_spelled_as_the_read_is(sandbox):
    sandbox.reset({"spelling": "integer", "list_workspace": "hidden"})
    item = pages(sandbox, query="scheduled task")[0][0]
    assert (item["status"], item["classification"], item["isAssigned"]) == (3, 1, True)
    assert "workspaceId" not in item
    sandbox.reset({"classification": "hidden"})
    assert not {"classification", "classificationReason"} & set(pages(sandbox)[0][0])
