# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox itself: it starts, misbehaves as told, keeps its journal, and ends."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
import yaml

from ansible_collections.secops.itsm.tests.sandbox.contraforce import SEED_FILE
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

INCIDENT = (
    "/api/v2/workspaces/3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60/incidents/Sentinel/6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
)


def call(
    sandbox: SandboxProcess, method: str, path: str, body: Any = None, token: str | None = None
) -> tuple[int, Any]:
    token = sandbox.credentials["access_token"] if token is None else token
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(sandbox.url + path, data, {"Authorization": f"Bearer {token}"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def test_ends_cleanly_on_sigterm():
    sandbox = SandboxProcess()
    sandbox.reset()
    assert sandbox.stop() == 0


def test_bad_seed_is_told_in_one_line(tmp_path):
    seed = tmp_path / "seed.yml"
    seed.write_text("incidents: []\n")
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.secops.itsm.tests.sandbox", "--seed", str(seed)],
        env={"PYTHONPATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "must have the keys" in done.stderr


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
            "/api/v2/workspaces/0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3/incidents/Splunk/1",
            403,
            "INSUFFICIENT_WORKSPACE_ROLE",
        ),
        ("/api/v2/somewhere", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there(sandbox, path, status, code):
    got, problem = call(sandbox, "GET", path)
    assert (got, problem["code"]) == (status, code)


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


def test_an_answer_that_breaks_the_contract_is_not_given(tmp_path):
    """The sandbox judges itself by docs/contracts: a seed with a title that is none makes an answer that it refuses."""
    seed = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    seed["incidents"][0]["title"] = 42
    path = tmp_path / "seed.yml"
    path.write_text(yaml.safe_dump(seed), encoding="utf-8")
    with SandboxProcess(path) as sandbox:
        status, problem = call(sandbox, "GET", INCIDENT)
    assert (status, problem["code"]) == (500, "SANDBOX_BROKE_THE_CONTRACT")


@pytest.mark.parametrize(
    "body", [{"profile": {"moods": 1}}, {"profile": {"writes": "lost"}}, {"faults": [{"when": "never"}]}]
)
def test_unknown_misbehaviour_is_refused(sandbox, body):
    assert call(sandbox, "POST", "/_sandbox/reset", body)[0] == 400


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
