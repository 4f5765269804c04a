# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbooks link_ticket and unlink_ticket, called by their FQCN."""

from __future__ import annotations

import json

import pytest

LINK, UNLINK = "secops.itsm.link_ticket", "secops.itsm.unlink_ticket"
NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
SENTINEL = {
    "workspace_id": NORTHWIND,
    "source": "sentinel",
    "incident_id": "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61",
    "ticket_id": "T20261121.0042",
}
DEFENDER = {"workspace_id": NORTHWIND, "source": "DefenderXDR", "incident_id": "48213", "ticket_id": 41878}
BUSY = {"workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "source": "DefenderXDR", "incident_id": "50377"}


def play(player, runbook, variables, *arguments):
    return player.play(runbook, "-e", json.dumps({"report": False, **variables}), *arguments)


def linked(sandbox):
    return {entry["id"]: entry["ticketId"] for entry in sandbox.state()["incidents"]}


def test_link_check_run_check_run(player, sandbox):
    """The incidents as a text, as from a survey."""
    variables = {"incidents": json.dumps([SENTINEL])}
    reports = []
    for arguments in (("--check", "--diff"), (), ("--check",), ()):
        played = play(player, LINK, variables, *arguments)
        assert played.code == 0, played.output
        reports.append((played.summaries[0], sandbox.journal()["writes"]))
    assert reports == [
        ("Check mode: 1 incident, 0 failed; 1 would be linked.", 0),
        ("Done: 1 incident, 0 failed; 1 linked.", 1),
        ("Check mode: 1 incident, 0 failed; 1 linked already.", 1),
        ("Done: 1 incident, 0 failed; 1 linked already.", 1),
    ]
    assert linked(sandbox)[SENTINEL["incident_id"]] == 41877


def test_unlink_check_run_check_run(player, sandbox):
    reports = []
    for arguments in (("--check", "--diff"), (), ("--check",), ()):
        played = play(player, UNLINK, BUSY, *arguments)
        assert played.code == 0, played.output
        reports.append((played.summaries[0], sandbox.journal()["writes"]))
    assert reports == [
        ("Check mode: 1 incident, 0 failed; 1 would be unlinked.", 0),
        ("Done: 1 incident, 0 failed; 1 unlinked.", 1),
        ("Check mode: 1 incident, 0 failed; 1 without a ticket already.", 1),
        ("Done: 1 incident, 0 failed; 1 without a ticket already.", 1),
    ]
    assert linked(sandbox)["50377"] is None


def test_one_failure_does_not_stop_the_others(player, sandbox):
    played = play(player, LINK, {"incidents": [{**BUSY, "ticket_id": "SOC-311"}, DEFENDER]})
    assert played.code != 0
    assert "Failed: 1 of 2 incidents failed; 1 linked." in played.summaries
    assert "DefenderXDR 50377: The incident 50377" in played.output
    assert "is linked to ticket 10043 / SOC-312, not to SOC-311" in " ".join(played.output.split())
    assert (linked(sandbox)["50377"], linked(sandbox)["48213"]) == ("10043", 41878)


def test_another_ticket_is_replaced_on_demand(player, sandbox):
    played = play(player, LINK, {**BUSY, "ticket_id": "SOC-311", "replace": "yes"})
    assert played.code == 0, played.output
    assert linked(sandbox)["50377"] == "10042"


def test_the_safeguard_of_unlink(player, sandbox):
    played = play(player, UNLINK, {**BUSY, "ticket_id": "SOC-311"})
    assert played.code != 0
    assert "leave ticket_id out to unlink whichever is linked" in " ".join(played.output.split())
    assert linked(sandbox)["50377"] == "10043"


@pytest.mark.parametrize(
    "runbook, variables, words",
    [
        (LINK, {**BUSY, "ticket_id": " "}, "ticket_id is missing for incident 1 of 1 (50377)."),
        (
            UNLINK,
            {"incidents": [{**BUSY, "ticketId": "SOC-1"}]},
            "ticketId is unknown for incident 1 of 1 (50377). An entry of 'incidents' may have",
        ),
    ],
)
def test_what_is_missing_is_said_before_anything_is_written(player, sandbox, runbook, variables, words):
    played = play(player, runbook, variables)
    assert played.code != 0
    assert words in played.words
    assert sandbox.journal()["entries"] == []
