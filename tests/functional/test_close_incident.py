# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbook close_incident, called by its FQCN."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[1] / "sandbox" / "demo" / "incidents.yml"
RUNBOOK = "secops.itsm.close_incident"
ONE = {
    "workspace_id": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60",
    "source": "sentinel",
    "incident_id": "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61",
    "classification": "FalsePositive",
    "classification_reason": "InaccurateData",
    "comment": "Closed by a test.",
}


ALONE = {"workspace_id": None, "source": None, "incident_id": None}
ENTRY = {name: ONE[name] for name in ALONE}
#: An incident that is not there.
GONE = "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"


def extra(**variables: object) -> tuple[str, str]:
    """Variables of the runbook; test_runbooks.py has what its report shows."""
    given = {"report": False, **variables}
    return "-e", json.dumps({name: value for name, value in given.items() if value is not None})


def test_check_run_check_run(player, sandbox):
    reports = []
    for arguments in (("--check", "--diff"), (), ("--check",), ()):
        played = player.play(RUNBOOK, "-e", f"@{DEMO}", *extra(), *arguments)
        assert played.code == 0, played.output
        reports.append((played.summaries, sandbox.journal()["writes"]))
    left = "tickets not looked at, because their incidents were closed already: T20261121.0042."
    assert reports == [
        (["Check mode: 3 incidents, 0 failed; 1 would be linked; 3 would be closed."], 0),
        (["Done: 3 incidents, 0 failed; 1 linked; 3 closed."], 4),
        ([f"Check mode: 3 incidents, 0 failed; 1 linked already; 3 closed already; {left}"], 4),
        ([f"Done: 3 incidents, 0 failed; 1 linked already; 3 closed already; {left}"], 4),
    ]
    state = sandbox.state()
    assert state["tickets"][0]["state"] == "Closed"
    assert [entry["ticketId"] for entry in state["incidents"] if entry["id"] == "48213"] == [41877]


def test_the_ticket_is_linked_before_anything_is_closed(player, sandbox):
    played = player.play(RUNBOOK, "-e", f"@{DEMO}", *extra())
    assert played.code == 0, played.output
    writes = [entry for entry in sandbox.journal()["entries"] if entry["write"]]
    assert [entry["operation"] for entry in writes] == ["v2-link-ticket"] + ["v2-update-incident-status"] * 3
    # The number stands in the variables; the status is told the identifier that the link gave.
    told = {entry["path"].split("/")[-2]: entry["body"].get("ticketId") for entry in writes[1:]}
    assert writes[0]["body"]["ticketId"] == "T20261121.0042"
    assert sorted(told.values(), key=str) == ["41877", None, None]


def test_an_incident_whose_ticket_is_not_linked_stays_open_and_the_others_close(player, sandbox):
    """The second one has another ticket already."""
    busy = {"workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "source": "DefenderXDR", "incident_id": "50377"}
    incidents = [ENTRY, {**busy, "ticket_id": "SOC-311"}]
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents}))
    assert played.code != 0
    assert "DefenderXDR 50377: The incident 50377" in played.output
    assert "is linked to ticket 10043 / SOC-312, not to SOC-311" in " ".join(played.output.split())
    assert "Failed: 1 of 2 incidents failed; 1 closed." in played.summaries
    stored = {entry["id"]: entry for entry in sandbox.state()["incidents"]}
    assert [stored[ONE["incident_id"]]["status"], stored["50377"]["status"]] == ["Closed", "Active"]
    again = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents, "replace": True}))
    assert again.code == 0, again.output
    stored = {entry["id"]: entry for entry in sandbox.state()["incidents"]}
    assert (stored["50377"]["status"], stored["50377"]["ticketId"]) == ("Closed", "10042")


def test_a_ticket_where_nothing_shows_it(player, sandbox):
    """The link is written in each run, and reported as changed; the closure is not."""
    sandbox.reset({"ticket": "hidden"})
    one = {**ONE, "ticket_id": "41878"}
    for report in ("1 linked; 1 closed.", "1 linked; 1 closed already;"):
        played = player.play(RUNBOOK, *extra(**one))
        assert played.code == 0, played.output
        assert report in played.summaries[0]
    assert [entry["state"] for entry in sandbox.state()["tickets"] if entry["id"] == 41878] == ["Closed"]


def test_one_incident_in_three_variables(player, sandbox):
    played = player.play(RUNBOOK, *extra(**ONE))
    assert played.code == 0, played.output
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 closed."]
    write = next(entry for entry in sandbox.journal()["entries"] if entry["write"])
    assert write["body"]["comment"] == "Closed by a test."


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"classification": "", "comment": None}, "classification and comment are missing for incident 1 of 1"),
        ({**ALONE, "incidents": "northwind"}, "'incidents' must be a list of mappings"),
        ({**ALONE, "incidents": [ENTRY, {**ONE, "source": "Sentinel"}]}, "names an incident twice"),
        ({"incidents": [ENTRY]}, "Both 'incidents' and workspace_id, source, incident_id are set"),
        ({"verify_timeout": "soon"}, "argument 'verify_timeout'"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_written(player, sandbox, changes, words):
    """Some of it; the unit tests of runbook_input have the rest."""
    played = player.play(RUNBOOK, *extra(**{**ONE, **changes}))
    assert played.code != 0
    assert words in played.words
    assert sandbox.journal()["entries"] == []


def test_fields_left_empty_in_a_survey(player):
    empty = {"ticket_id": None, "verify_timeout": "", "incidents": ""}
    played = player.play(RUNBOOK, "-e", json.dumps({**ONE, **empty, "report": "no"}))
    assert played.code == 0, played.output
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 closed."]


def test_nothing_to_close(player, sandbox):
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": []}))
    assert played.code == 0, played.output
    assert played.summaries == ["Nothing to do: incidents is empty."]
    assert sandbox.journal()["entries"] == []


def test_one_failure_does_not_stop_the_others(player, sandbox):
    incidents = [{**ENTRY, "incident_id": GONE}, ENTRY]
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents}))
    assert played.code != 0
    assert played.summaries == ["Failed: 1 of 2 incidents failed; 1 closed."]
    assert f"Sentinel {GONE}: Incident {GONE} (Sentinel" in played.output
    assert sandbox.journal()["writes_in_effect"] == 1


def test_an_incident_that_could_not_be_closed_is_not_linked(player, sandbox):
    """Its workspace has no role for the account; the ticket would be left at an incident that stays open."""
    sandbox.set_faults({"operation": "v2-get-incident", "status": 403, "times": 1})
    played = player.play(RUNBOOK, *extra(**{**ONE, "ticket_id": "41877"}))
    assert played.code != 0
    assert played.summaries == ["Failed: 1 of 1 incident failed."]
    assert sandbox.journal()["writes"] == 0


def test_all_or_nothing(player, sandbox):
    incidents = [{**ENTRY, "incident_id": GONE}, ENTRY]
    variables = {**ONE, **ALONE, "incidents": incidents, "all_or_nothing": "yes"}
    for label, *arguments in (("Failed",), ("Failed in check mode", "--check")):
        played = player.play(RUNBOOK, *extra(**variables), *arguments)
        assert played.code != 0
        assert f"Sentinel {GONE}: Incident {GONE} (Sentinel" in played.output
        assert f"1 of 2 failed. The first: Incident {GONE}" in played.words
        assert played.summaries == [f"{label}: 1 of 2 incidents failed, 1 not reached; it was stopped."]
        assert sandbox.journal()["writes"] == 0
    variables["incidents"] = [ENTRY]
    played = player.play(RUNBOOK, *extra(**variables))
    assert (played.code, played.summaries) == (0, ["Done: 1 incident, 0 failed; 1 closed."])


def test_the_ticket_of_an_incident_that_is_closed_already_is_named(player, sandbox):
    """It is classified anew, which closes no ticket."""
    closed = {**ENTRY, "incident_id": "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2", "ticket_id": "41877"}
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": [closed]}))
    assert played.code == 0, played.output
    left = "tickets not looked at, because their incidents were closed already: T20261121.0042."
    assert played.summaries == [f"Done: 1 incident, 0 failed; 1 linked; 1 closed; {left}"]
    assert sandbox.state()["tickets"][0]["state"] == "Open"
