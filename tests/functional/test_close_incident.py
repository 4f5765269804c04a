# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbook close_incident."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CLOSED,
    CLOSURE,
    GONE,
    SIGN_IN,
    check_run_and_repeat,
    play,
    stored,
)

DEMO = yaml.safe_load(
    (Path(__file__).resolve().parents[1] / "sandbox" / "demo" / "incidents.yml").read_text(encoding="utf-8")
)
RUNBOOK = "close_incident"
NOT_CHECKED = "tickets not checked, because their incidents were closed already: T20261121.0042."


def test_incidents_are_closed_after_their_tickets_are_linked(player, sandbox):
    assert check_run_and_repeat(player, sandbox, RUNBOOK, DEMO) == [
        "Check mode: 3 incidents, 0 failed; 1 would be linked; 3 would be closed.",
        "Done: 3 incidents, 0 failed; 1 linked; 3 closed.",
        f"Done: 3 incidents, 0 failed; 1 linked already; 3 closed already; {NOT_CHECKED}",
    ]
    assert sandbox.state()["tickets"][0]["state"] == "Closed"
    assert stored(sandbox, {"incident_id": "48213"})["ticketId"] == 41877
    writes = [entry for entry in sandbox.journal()["entries"] if entry["write"]]
    assert [entry["operation"] for entry in writes] == ["v2-link-ticket"] + ["v2-update-incident-status"] * 3
    # The variables contain the display number; the closure uses the ID that the link returned.
    assert writes[0]["body"]["ticketId"] == "T20261121.0042"
    assert sorted((entry["body"].get("ticketId") for entry in writes[1:]), key=str) == ["41877", None, None]


def test_a_failed_incident_stays_open_and_others_are_closed(player, sandbox):
    """One is linked to another ticket, and one does not exist."""
    variables = {**CLOSURE, "incidents": [SIGN_IN, {**BUSY, "ticket_id": "SOC-311"}, GONE]}
    played = play(player, RUNBOOK, variables)
    assert (played.code, played.summaries) == (2, ["Failed: 2 of 3 incidents failed; 1 closed."])
    assert '"failed DefenderXDR 50377 ' in played.words
    assert '" The incident 50377 (DefenderXDR' in played.words
    assert "is linked to ticket 10043 / SOC-312, not to SOC-311" in played.words
    assert f'"failed Sentinel 9d0e1f2a", " Incident {GONE["incident_id"]} (Sentinel' in played.words
    assert [stored(sandbox, incident)["status"] for incident in (SIGN_IN, BUSY)] == ["Closed", "Active"]
    assert sandbox.journal()["writes_in_effect"] == 1
    replaced = play(player, RUNBOOK, {**variables, "incidents": variables["incidents"][:2], "replace": "yes"})
    assert replaced.code == 0, replaced.output
    assert (stored(sandbox, BUSY)["status"], stored(sandbox, BUSY)["ticketId"]) == ("Closed", "10042")


def test_a_link_that_nothing_shows_is_written_in_each_run(player, sandbox):
    sandbox.reset({"ticket": "hidden"})
    for report in ("1 linked; 1 closed.", "1 linked; 1 closed already;"):
        played = play(player, RUNBOOK, {**SIGN_IN, **CLOSURE, "ticket_id": "41878"})
        assert played.code == 0, played.output
        assert report in played.summaries[0]
    assert [entry["state"] for entry in sandbox.state()["tickets"] if entry["id"] == 41878] == ["Closed"]


def test_a_single_incident_is_closed_from_survey_answers(player, sandbox):
    answers = {**SIGN_IN, **CLOSURE, "verify_timeout": "", "incidents": "", "report": "no"}
    played = play(player, RUNBOOK, answers)
    assert (played.code, played.summaries) == (0, ["Done: 1 incident, 0 failed; 1 closed."]), played.output
    write = next(entry for entry in sandbox.journal()["entries"] if entry["write"])
    assert write["body"]["comment"] == "Closed by a test."


def test_an_incident_that_cannot_be_closed_is_not_linked(player, sandbox):
    sandbox.set_faults({"operation": "v2-get-incident", "status": 403, "times": 1})
    played = play(player, RUNBOOK, {**SIGN_IN, **CLOSURE, "ticket_id": "41877"})
    assert (played.code, played.summaries) == (2, ["Failed: 1 of 1 incident failed."])
    assert sandbox.journal()["writes"] == 0


def test_all_or_nothing_closes_none_if_one_fails(player, sandbox):
    variables = {**CLOSURE, "all_or_nothing": "yes"}
    played = play(player, RUNBOOK, {**variables, "incidents": [GONE, SIGN_IN]})
    assert (played.code, played.summaries) == (
        2,
        ["Failed: 1 of 2 incidents failed, 1 not reached; the run was stopped."],
    )
    assert f'"failed Sentinel 9d0e1f2a", " Incident {GONE["incident_id"]} (Sentinel' in played.words
    assert '"not reached Sentinel 6b1f0d7e ' in played.words
    assert sandbox.journal()["writes"] == 0
    played = play(player, RUNBOOK, {**variables, "incidents": [SIGN_IN]})
    assert (played.code, played.summaries) == (0, ["Done: 1 incident, 0 failed; 1 closed."])


def test_the_ticket_of_a_closed_incident_stays_open(player, sandbox):
    """The incident gets another classification, which does not close the ticket."""
    played = play(player, RUNBOOK, {**CLOSURE, "incidents": [{**CLOSED, "ticket_id": "41877"}]})
    assert played.code == 0, played.output
    assert played.summaries == [f"Done: 1 incident, 0 failed; 1 linked; 1 closed; {NOT_CHECKED}"]
    assert sandbox.state()["tickets"][0]["state"] == "Open"
