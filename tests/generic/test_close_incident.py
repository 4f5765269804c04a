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


def extra(**variables: object) -> tuple[str, str]:
    return "-e", json.dumps({name: value for name, value in variables.items() if value is not None})


def test_check_run_check_run(player, sandbox):
    reports = []
    for arguments in (("--check", "--diff"), (), ("--check",), ()):
        played = player.play(RUNBOOK, "-e", f"@{DEMO}", *arguments)
        assert played.code == 0, played.output
        reports.append((played.output.split('"msg": "')[1].split('"')[0], sandbox.journal()["writes"]))
    assert reports == [
        ("Rehearsed: 3 incidents, 0 failed, 3 would be closed, 0 closed already.", 0),
        ("Done: 3 incidents, 0 failed, 3 closed, 0 closed already.", 3),
        ("Rehearsed: 3 incidents, 0 failed, 0 would be closed, 3 closed already.", 3),
        ("Done: 3 incidents, 0 failed, 0 closed, 3 closed already.", 3),
    ]
    assert sandbox.state()["tickets"][0]["state"] == "Closed"


def test_one_incident_in_three_variables(player, sandbox):
    played = player.play(RUNBOOK, *extra(**ONE))
    assert played.code == 0, played.output
    assert "1 closed, 0 closed already" in played.output
    assert sandbox.journal()["entries"][1]["body"]["comment"] == "Closed by a test."


def test_incidents_as_a_text_from_a_survey(player):
    incidents = json.dumps([{name: ONE[name] for name in ("workspace_id", "source", "incident_id")}])
    variables = {**ONE, "workspace_id": None, "source": None, "incident_id": None}
    played = player.play(RUNBOOK, *extra(**{**variables, "incidents": incidents}))
    assert played.code == 0, played.output
    assert "1 closed, 0 closed already" in played.output


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"comment": None}, ": comment."),
        ({"classification": "", "comment": None}, ": classification, comment."),
        ({"classification_reason": None}, ": classification_reason."),
        ({"incident_id": None}, "(without an id): incident_id."),
        ({"incidents": "northwind"}, "'incidents' must be a list of mappings"),
        ({"incidents": {"a": 1}}, "'incidents' must be a list of mappings"),
        ({"incidents": [ONE, {"source": "Splunk"}]}, "incident 2 of 2"),
        ({"incidents": [ONE, {**ONE, "source": "Sentinel", "comment": "Other."}]}, "names an incident twice"),
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
    played = player.play(RUNBOOK, "-e", json.dumps({**ONE, "incidents": []}))
    assert played.code == 0, played.output
    assert "0 incidents" in played.output
    assert sandbox.journal()["entries"] == []


def test_nothing_given_at_all(player):
    played = player.play(RUNBOOK)
    assert ": workspace_id, source, incident_id, classification, comment." in played.output


def test_one_failure_does_not_stop_the_others(player, sandbox):
    there = {name: ONE[name] for name in ("workspace_id", "source", "incident_id")}
    played = player.play(RUNBOOK, *extra(**{**ONE, "incidents": [{**there, "incident_id": "gone"}, there]}))
    assert played.code != 0
    assert "Done: 2 incidents, 1 failed, 1 closed, 0 closed already." in played.output
    assert "Incident gone (Sentinel" in played.output
    assert sandbox.journal()["writes_in_effect"] == 1
