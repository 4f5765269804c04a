# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incidents come up in the sandbox while it runs, and it tells so by webhook, as ContraForce does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

NORTHWIND, CONTOSO = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "0a1b2c3d-4e5f-4a6b-8c7d-8e9fa0b1c2d3"


def steer(sandbox: SandboxProcess, method: str, name: str, body: Any) -> tuple[int, Any]:
    """Tell the sandbox something; the status and the body of its answer."""
    request = urllib.request.Request(f"{sandbox.url}/_sandbox/{name}", json.dumps(body).encode(), method=method)
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def incident(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A new incident; a change to None takes a field away."""
    made = {
        "workspaceId": NORTHWIND,
        "source": "Sentinel",
        "id": f"00000000-0000-4000-9000-{number:012}",
        "number": 5000 + number,
        "title": f"Sign-in from the office, {number}",
        "severity": "Low",
        "status": "New",
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def stored(sandbox: SandboxProcess) -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in sandbox.state()["incidents"]}


def test_incidents_come_up(sandbox):
    before = len(stored(sandbox))
    sandbox.add_incidents(incident(1), incident(2, createdAt="2026-11-21T03:00:00Z", ticketId="T20261121.0042"))
    now = stored(sandbox)
    assert len(now) == before + 2
    first, second = now[incident(1)["id"]], now[incident(2)["id"]]
    assert first["createdAt"] == first["updatedAt"] > "2026-11-22"
    assert (first["ticketId"], first["user"], first["comments"]) == (None, None, [])
    assert (second["createdAt"], second["ticketId"]) == ("2026-11-21T03:00:00Z", 41877)
    sandbox.reset()
    assert len(stored(sandbox)) == before


@pytest.mark.parametrize(
    "body, told",
    [
        (None, "incidents are a list, as a seed has them; wrong is all of it: None is not of type 'array'"),
        ([incident(status=None)], "incidents are a list, as a seed has them; wrong is 0: 'status' is a required"),
        ([incident(colour="red")], "incidents are a list, as a seed has them; wrong is 0: Additional properties"),
        ([incident(severity="Loud")], "incidents are a list, as a seed has them; wrong is 0.severity: 'Loud' is not"),
        ([incident(), incident()], "with these, the sandbox has"),
        ([incident(id="6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61")], "with these, the sandbox has"),
        ([incident(ticketId="T0")], "with these, the sandbox links incident"),
        ([incident(createdAt="yesterday")], "'yesterday' is not an instant"),
        ([incident(workspaceId=NORTHWIND[:-1] + "1")], "which is none of its workspaces"),
        ([incident(5), incident(6, ticketId="T0")], "with these, the sandbox links incident"),
    ],
    ids=range(10),
)
def test_what_is_no_incident_is_refused(sandbox, body, told):
    before = stored(sandbox)
    status, answer = steer(sandbox, "POST", "incidents", body)
    assert (status, list(answer)) == (400, ["error"])
    assert told in answer["error"]
    assert stored(sandbox) == before
