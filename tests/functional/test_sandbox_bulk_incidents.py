# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox holds thousands of incidents on demand, and tells on how many connections its requests came."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import bulk_incident_id
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
CLOSURE = {"status": "Closed", "classification": "FalsePositive", "classificationReason": "IncorrectAlertLogic"}


class Caller:
    """A client that keeps its connection."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.token = sandbox.credentials["access_token"]
        self.connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)

    def call(self, method: str, number: int, rest: str = "", body: Any = None) -> tuple[int, Any]:
        path = f"/api/v2/workspaces/{NORTHWIND}/incidents/Sentinel/{bulk_incident_id(number)}{rest}"
        kind = {} if body is None else {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        self.connection.request(method, path, content, {"Authorization": f"Bearer {self.token}", **kind})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


def post(sandbox: SandboxProcess, body: dict[str, Any]) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=30)
    connection.request("POST", "/_sandbox/reset", json.dumps(body))
    try:
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def test_crowd_is_read_and_closed(sandbox):
    sandbox.reset(crowd=3)
    caller = Caller(sandbox)
    assert caller.call("GET", 3)[1]["data"]["incident"]["status"] == "New"
    assert caller.call("PUT", 3, "/status", CLOSURE)[0] == 204
    assert caller.call("GET", 3)[1]["data"]["incident"]["status"] == "Closed"
    assert [caller.call("GET", number)[0] for number in (1, 2, 4)] == [200, 200, 404]
    caller.connection.close()


def test_crowd_is_there_until_the_next_reset(sandbox):
    before = len(sandbox.state()["incidents"])
    sandbox.reset(crowd=10_000)
    assert len(sandbox.state()["incidents"]) == before + 10_000
    sandbox.reset()
    assert len(sandbox.state()["incidents"]) == before


@pytest.mark.parametrize("size", [-1, True, "3", 1.5, None, 100_001])
def test_crowd_that_is_no_number_is_refused(sandbox, size):
    status, answer = post(sandbox, {"crowd": size, "profile": {"spelling": "lower"}})
    assert (status, answer) == (400, {"error": "a crowd is a number of incidents, up to 100000"})


def test_latency_for_a_crowd_is_that_of_each_request(sandbox):
    sandbox.reset(crowd=2, faults=[{"operation": "*", "times": -1, "latency": 0.1}])
    caller = Caller(sandbox)
    begin = time.monotonic()
    assert [caller.call("GET", number)[0] for number in (1, 2)] == [200, 200]
    assert time.monotonic() - begin >= 0.2
    caller.connection.close()


def test_connections_are_told_apart(sandbox):
    sandbox.reset(crowd=2)
    first, second = Caller(sandbox), Caller(sandbox)
    for caller, number in ((first, 1), (second, 2), (first, 2)):
        caller.call("GET", number)
    journal = sandbox.journal()
    one, two, three = (entry["connection"] for entry in journal["entries"])
    assert one == three != two
    assert journal["connections"] == 2
    first.connection.close()
    second.connection.close()
    third = Caller(sandbox)
    third.call("GET", 1)
    third.connection.close()
    assert sandbox.journal()["connections"] == 3


def test_no_connection_without_a_request(sandbox):
    """Neither a client that says nothing, nor the steering of the sandbox itself."""
    silent = Caller(sandbox)
    silent.connection.connect()
    assert sandbox.journal()["connections"] == 0
    silent.connection.close()
