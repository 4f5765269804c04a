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


def extra(**variables: object) -> tuple[str, str]:
    return "-e", json.dumps({name: value for name, value in variables.items() if value is not None})


def test_check_run_check_run(player, sandbox):
    reports = []
    for arguments in (("--check", "--diff"), (), ("--check",), ()):
        played = player.play(RUNBOOK, "-e", f"@{DEMO}", *arguments)
        assert played.code == 0, played.output
        reports.append((played.output.split('"msg": "')[1].split('"')[0], sandbox.journal()["writes"]))
    linked = "linked to their tickets"
    left = " Not looked at, because their incidents are closed already: tickets T20261121.0042."
    assert reports == [
        (f"Rehearsed: 3 incidents, 0 failed, 1 would be {linked}, 3 would be closed, 0 closed already.", 0),
        (f"Done: 3 incidents, 0 failed, 1 {linked}, 3 closed, 0 closed already.", 4),
        (f"Rehearsed: 3 incidents, 0 failed, 0 would be {linked}, 0 would be closed, 3 closed already.{left}", 4),
        (f"Done: 3 incidents, 0 failed, 0 {linked}, 0 closed, 3 closed already.{left}", 4),
    ]
    state = sandbox.state()
    assert state["tickets"][0]["state"] == "Closed"
    assert [entry["ticketId"] for entry in state["incidents"] if entry["id"] == "48213"] == [41877]


def test_the_ticket_is_linked_before_anything_is_closed(player, sandbox):
    played = player.play(RUNBOOK, "-e", f"@{DEMO}")
    assert played.code == 0, played.output
    writes = [entry for entry in sandbox.journal()["entries"] if entry["write"]]
    assert [entry["operation"] for entry in writes] == ["v2-link-ticket"] + ["v2-update-incident-status"] * 3
    # The number stands in the variables; the status is told the identifier that the link gave.
    assert [entry["body"].get("ticketId") for entry in writes] == ["T20261121.0042", None, "41877", None]


def test_an_incident_whose_ticket_is_not_linked_stays_open_and_the_others_close(player, sandbox):
    """The second one has another ticket already."""
    busy = {"workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "source": "DefenderXDR", "incident_id": "50377"}
    incidents = [ENTRY, {**busy, "ticket_id": "SOC-311"}]
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents}))
    assert played.code != 0
    assert "DefenderXDR 50377: The incident 50377" in played.output
    assert "is linked to ticket 10043 / SOC-312, not to SOC-311" in " ".join(played.output.split())
    assert "2 incidents, 1 failed, 0 linked to their tickets, 1 closed, 0 closed already." in played.output
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
    for report in ("1 linked to their tickets, 1 closed, 0 closed", "1 linked to their tickets, 0 closed, 1 closed"):
        played = player.play(RUNBOOK, *extra(**one))
        assert played.code == 0, played.output
        assert report in played.output
    assert [entry["state"] for entry in sandbox.state()["tickets"] if entry["id"] == 41878] == ["Closed"]


def test_one_incident_in_three_variables(player, sandbox):
    played = player.play(RUNBOOK, *extra(**ONE))
    assert played.code == 0, played.output
    assert "1 closed, 0 closed already" in played.output
    assert sandbox.journal()["entries"][1]["body"]["comment"] == "Closed by a test."


def test_incidents_as_a_text_from_a_survey(player):
    incidents = json.dumps([{name: ONE[name] for name in ("workspace_id", "source", "incident_id")}])
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents}))
    assert played.code == 0, played.output
    assert "1 closed, 0 closed already" in played.output


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"comment": None}, ": comment."),
        ({"classification": "", "comment": None}, ": classification, comment."),
        ({"classification_reason": None}, ": classification_reason."),
        ({"incident_id": None}, "(without an id): incident_id."),
        ({**ALONE, "incidents": "northwind"}, "'incidents' must be a list of mappings"),
        ({**ALONE, "incidents": {"a": 1}}, "'incidents' must be a list of mappings"),
        ({**ALONE, "incidents": [ENTRY, {"source": "Splunk"}]}, "incident 2 of 2"),
        ({**ALONE, "incidents": [ENTRY, {**ONE, "source": "Sentinel"}]}, "names an incident twice"),
        ({**ALONE, "incidents": [{**ENTRY, "ticketId": 7}]}, "): ticketId. An entry of 'incidents' may have"),
        ({"incidents": [ENTRY]}, "Both 'incidents' and workspace_id, source, incident_id are set"),
        ({"comment": "  "}, ": comment."),
    ],
)
def test_what_is_missing_is_said_before_anything_is_written(player, sandbox, changes, words):
    played = player.play(RUNBOOK, *extra(**{**ONE, **changes}))
    assert played.code != 0
    assert words in played.output
    assert sandbox.journal()["entries"] == []


def test_fields_left_empty_in_a_survey(player):
    empty = {"ticket_id": None, "verify_timeout": "", "incidents": ""}
    played = player.play(RUNBOOK, "-e", json.dumps({**ONE, **empty}))
    assert played.code == 0, played.output
    assert "1 closed, 0 closed already" in played.output


def test_nothing_to_close(player, sandbox):
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": []}))
    assert played.code == 0, played.output
    assert "0 incidents" in played.output
    assert sandbox.journal()["entries"] == []


def test_nothing_given_at_all(player):
    played = player.play(RUNBOOK)
    assert ": workspace_id, source, incident_id, classification, comment." in played.output


def test_one_failure_does_not_stop_the_others(player, sandbox):
    incidents = [{**ENTRY, "incident_id": "gone"}, ENTRY]
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents}))
    assert played.code != 0
    assert "2 incidents, 1 failed, 0 linked to their tickets, 1 closed, 0 closed already." in played.output
    assert "sentinel gone: Incident gone (Sentinel" in played.output
    assert sandbox.journal()["writes_in_effect"] == 1


def test_a_failure_that_is_no_answer_of_the_service_names_its_incident_too(player, sandbox):
    incidents = [ENTRY, {**ENTRY, "incident_id": "2", "classification": "Nonsense"}]
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": incidents}))
    assert played.code != 0
    assert "sentinel 2: value of classification must be one of" in played.output
    assert sandbox.journal()["writes_in_effect"] == 1


def test_the_ticket_of_an_incident_that_is_closed_already_is_named(player, sandbox):
    """It is classified anew, which closes no ticket."""
    closed = {**ENTRY, "incident_id": "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2", "ticket_id": "41877"}
    played = player.play(RUNBOOK, *extra(**{**ONE, **ALONE, "incidents": [closed]}))
    assert played.code == 0, played.output
    assert "0 closed already. Not looked at, because their incidents are closed already: tickets 41877." in (
        played.output
    )
    assert sandbox.state()["tickets"][0]["state"] == "Open"


def test_what_is_no_truth_value_is_refused(player, sandbox):
    played = player.play(RUNBOOK, *extra(**{**ONE, "ticket_id": "41877", "replace": "perhaps"}))
    assert played.code != 0
    assert "'replace' must be true or false" in played.output
    assert sandbox.journal()["entries"] == []
