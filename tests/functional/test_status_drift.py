# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the statuses of incidents and tickets with reconcile_tickets, and close what is still open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CHAINS,
    CLOSURE,
    EACH_SYSTEM,
    FORWARDING,
    check_run_and_repeat,
    play,
    stored,
)
from ansible_collections.secops.itsm.tests.functional.test_close_resolved import CLOSING, STATUS_FIELD
from ansible_collections.secops.itsm.tests.functional.test_docs import blocks

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "runbook_reconcile_tickets.rst").read_text(
    encoding="utf-8"
)

#: The variables that closing incidents or tickets requires.
OF_INCIDENTS = {"direction": "from_ticket", **CLOSURE}
OF_TICKETS = {
    "rezolve": {"direction": "from_incident", "closed_status": "Resolved"},
    "servicenow": {"direction": "from_incident", "close_code": "Solution provided", "close_notes": "Done."},
}
NO_RETRY = {"CONTRAFORCE_RETRY_TIMEOUT": "0", "TICKETING_RETRY_TIMEOUT": "0", "SERVICENOW_RETRY_TIMEOUT": "0"}
MARKED = "open with a closed ticket"
REVERSED = "closed with an open ticket"


class Pairs:
    """The two incidents of a chain with their linked tickets: the first ticket is closed, and the second incident.

    :param player: the player.
    :param sandbox: the sandbox.
    :param chain: the chain.
    """

    def __init__(self, player, sandbox, chain):
        self.sandbox, self.chain = sandbox, chain
        opened = play(player, "open_ticket", {**chain.variables, "incidents": [chain.first, chain.second]})
        assert opened.code == 0, opened.output
        sandbox.edit(self.number(chain.first), CLOSING[chain.system])
        closed = play(player, "close_incident", {**chain.second, **CLOSURE}, "--tags", "close")
        assert closed.code == 0, closed.output
        self.writes = sandbox.journal()["writes"]

    def number(self, incident):
        """Return the display number of the ticket of an incident."""
        (ticket,) = self.chain.tickets(self.sandbox)[incident["incident_id"]]
        return ticket["record"]["number" if self.chain.system == "servicenow" else "object_id"]

    def variables(self, **changes):
        """Return the variables of the runbook."""
        pairs = [{**one, "ticket_id": self.number(one)} for one in (self.chain.first, self.chain.second)]
        return {"pairs": pairs, "ticket_system": self.chain.system, **changes}

    def states(self):
        """Return whether the first incident, its ticket, the second incident, and its ticket are closed."""
        return [
            state
            for one in (self.chain.first, self.chain.second)
            for state in (
                stored(self.sandbox, one)["status"] == "Closed",
                self.chain.tickets(self.sandbox)[one["incident_id"]][0]["closed"],
            )
        ]


#: The states of the incidents and tickets of Pairs at first.
AT_FIRST = [False, True, True, False]


@EACH_SYSTEM
def test_audit_reports_both_differences_and_writes_nothing(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    for arguments, label in ((["--check"], "Check mode"), ([], "Done")):
        played = play(player, "reconcile_tickets", pairs.variables(), *arguments)
        assert (played.code, pairs.states(), sandbox.journal()["writes"]) == (0, AT_FIRST, pairs.writes), played.output
        assert played.summaries == [f"{label}: 2 incidents, 0 failed; 2 correct already; 1 {MARKED}, 1 {REVERSED}."]
        first, second = ([one["source"], one["incident_id"]] for one in (chain.first, chain.second))
        assert f"{' '.join(first)}: New, but ticket {pairs.number(chain.first)} is closed." in played.words
        assert f"{' '.join(second)}: Closed, but ticket {pairs.number(chain.second)} is open." in played.words
    # Without the step of the links, the tickets are those of the variables.
    alone = play(player, "reconcile_tickets", pairs.variables(fail_on_drift=True), "--tags", "status")
    assert alone.summaries == [f"Done: 2 incidents, 0 failed; 1 {MARKED}, 1 {REVERSED}."], alone.output
    assert (alone.code, sandbox.journal()["writes"]) == (2, pairs.writes)
    assert "2 of 2 statuses had drifted, and fail_on_drift is set." in alone.words


@EACH_SYSTEM
def test_incidents_follow_their_tickets(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    assert check_run_and_repeat(
        player, sandbox, "reconcile_tickets", pairs.variables(**OF_INCIDENTS), pairs.writes
    ) == [
        f"Check mode: 2 incidents, 0 failed; 2 correct already; 1 {MARKED}, 1 {REVERSED}; 1 would be closed.",
        f"Done: 2 incidents, 0 failed; 2 correct already; 1 {MARKED}, 1 {REVERSED}; 1 closed.",
        f"Done: 2 incidents, 0 failed; 2 correct already; 1 with the same status, 1 {REVERSED}.",
    ]
    assert pairs.states() == [True, True, True, False]
    record = stored(sandbox, chain.first)
    assert record["classification"] == CLOSURE["classification"]
    marker = f"[ticket {pairs.number(chain.first)} closed]"
    assert [one["message"] for one in record["comments"]] == [f"{CLOSURE['comment']}\n\n{marker}"]
    # Neither runbook closes it again.
    resolved = {**CLOSURE, "reference_field": "Incident Reference", "ticket_system": chain.system}
    played = play(player, "close_resolved", resolved)
    assert played.summaries == ["Nothing to do: no open incident has a ticket that was closed."], played.output


@EACH_SYSTEM
def test_tickets_follow_their_incidents(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    variables = pairs.variables(**OF_TICKETS[chain.system])
    assert check_run_and_repeat(player, sandbox, "reconcile_tickets", variables, pairs.writes) == [
        f"Check mode: 2 incidents, 0 failed; 2 correct already; 1 {MARKED}, 1 {REVERSED}; 1 ticket would be closed.",
        f"Done: 2 incidents, 0 failed; 2 correct already; 1 {MARKED}, 1 {REVERSED}; 1 ticket closed.",
        f"Done: 2 incidents, 0 failed; 2 correct already; 1 with the same status, 1 {MARKED}.",
    ]
    assert pairs.states() == [False, True, True, True]


@EACH_SYSTEM
def test_reopened_incident_is_left_open(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    variables = pairs.variables(**OF_INCIDENTS)
    assert play(player, "reconcile_tickets", variables).code == 0
    assert play(player, "reopen_incident", {**chain.first, "comment": "Not finished."}).code == 0
    played = play(player, "reconcile_tickets", variables)
    assert (played.code, stored(sandbox, chain.first)["status"]) == (0, "Active"), played.output
    assert f"reopened after ticket {pairs.number(chain.first)} was closed; left unchanged." in played.words


def test_incident_of_canceled_ticket_is_left_open(player, sandbox):
    chain = CHAINS["servicenow"]
    pairs = Pairs(player, sandbox, chain)
    sandbox.edit(pairs.number(chain.first), {"state": "8"})
    variables = pairs.variables(**OF_INCIDENTS)
    played = play(player, "reconcile_tickets", variables)
    assert (played.code, stored(sandbox, chain.first)["status"]) == (0, "New"), played.output
    assert f"ticket {pairs.number(chain.first)} was canceled; left unchanged." in played.words
    # The resolution of a ticket that was not canceled chooses the classification.
    sandbox.edit(pairs.number(chain.first), CLOSING["servicenow"])
    mapped = {"solution provided": {"classification": "TruePositive", "classification_reason": "SuspiciousActivity"}}
    played = play(player, "reconcile_tickets", {**variables, "resolution_map": mapped})
    assert (played.code, stored(sandbox, chain.first)["classification"]) == (0, "TruePositive"), played.output


@EACH_SYSTEM
def test_unreadable_tickets_have_an_unknown_status(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    broken = {"TICKETING_URL": "http://127.0.0.1:9", "SERVICENOW_URL": "http://127.0.0.1:9", **NO_RETRY}
    played = play(player, "reconcile_tickets", pairs.variables(), environment=broken)
    assert played.code == 0, played.output
    assert played.summaries == ["Done: 2 incidents, 0 failed; 2 correct already; 2 with an unknown status."]
    names = ", ".join(pairs.number(one) for one in (chain.first, chain.second))
    assert f"The statuses of incidents with these tickets are unknown: {names}." in played.words
    for wanted in ({"compare_status": "always"}, OF_INCIDENTS, OF_TICKETS[chain.system]):
        played = play(player, "reconcile_tickets", pairs.variables(**wanted), environment=broken)
        assert played.code == 2, played.output
        assert played.summaries == ["Failed: 2 of 2 incidents failed; 2 correct already."]
        assert "127.0.0.1" in played.words
    assert (pairs.states(), sandbox.journal()["writes"]) == (AT_FIRST, pairs.writes)


def test_ticket_without_a_status_category_has_an_unknown_status(player, sandbox):
    pairs = Pairs(player, sandbox, CHAINS["rezolve"])
    sandbox.set_faults({"operation": "get-ticket", "times": -1, "replace": {"ticket.status_category": None}})
    played = play(player, "reconcile_tickets", pairs.variables(compare_status="always"))
    assert played.code == 2, played.output
    assert played.summaries == ["Failed: 2 of 2 incidents failed; 2 correct already."]


def test_links_are_compared_without_the_ticketing_system(player, sandbox):
    pairs = Pairs(player, sandbox, CHAINS["servicenow"])
    before, no_address = len(sandbox.journal()["entries"]), {"TICKETING_URL": "", "SERVICENOW_URL": ""}
    for number, (variables, environment, reason) in enumerate(
        [
            ({}, no_address, "the address of ServiceNow is not set"),
            ({"compare_status": "never"}, {}, "compare_status is never"),
        ]
    ):
        changes = {**variables, "report_dir": str(number), "fail_on_drift": True}
        played = play(player, "reconcile_tickets", pairs.variables(**changes), environment=environment)
        assert played.code == 0, played.output
        assert played.summaries == ["Done: 2 incidents, 0 failed; 2 correct already."]
        (report,) = (player.folder / str(number)).glob("*.md")
        assert f"not compared, because {reason}" in report.read_text(encoding="utf-8")
    sent = sandbox.journal()["entries"][before:]
    assert {entry["operation"] for entry in sent} <= {"token", "v2-get-incident"}, sent


def test_too_many_differences_close_none(player, sandbox):
    chain = CHAINS["servicenow"]
    pairs = Pairs(player, sandbox, chain)
    sandbox.edit(pairs.number(chain.first), {"state": "2"})
    assert play(player, "close_incident", {**chain.first, **CLOSURE}, "--tags", "close").code == 0
    writes, limited = sandbox.journal()["writes"], {**OF_TICKETS["servicenow"], "max_incidents": 1}
    played = play(player, "reconcile_tickets", pairs.variables(**limited))
    assert (played.code, pairs.states(), sandbox.journal()["writes"]) == (2, [True, False] * 2, writes), played.output
    assert "2 tickets are to be closed, and max_incidents allows 1. None was closed;" in played.words


@pytest.mark.parametrize(
    "system, variables, words",
    [
        ("rezolve", {"direction": "from_ticket"}, "'classification' is missing."),
        (
            "rezolve",
            {"direction": "from_incident"},
            "'closed_status' is missing. Set it to close tickets of Rezolve.ai",
        ),
        (
            "servicenow",
            {"direction": "from_incident"},
            "'close_code' is missing. Set it to close tickets of ServiceNow",
        ),
        ("rezolve", {"direction": "both"}, "value of direction must be one of: report, from_ticket, from_incident"),
        ("rezolve", {**OF_INCIDENTS, "compare_status": "never"}, "'compare_status' is never, but 'direction' is from"),
    ],
    ids=["classification", "status", "code", "direction", "never"],
)
def test_missing_variables_are_reported_before_any_request(player, sandbox, system, variables, words):
    pairs = {"pairs": [{**BUSY, "ticket_id": "SOC-312"}], "ticket_system": system}
    played = play(player, "reconcile_tickets", {**pairs, **variables})
    assert (played.code, sandbox.journal()["entries"]) == (2, []), played.output
    assert words in played.words


def test_interrupted_closings_are_completed_by_another_run(player, sandbox):
    chain = CHAINS["servicenow"]
    pairs = Pairs(player, sandbox, chain)
    lost = {"when": "after", "drop": True, "times": -1}
    for variables, fault in (
        (OF_INCIDENTS, {"operation": "v2-update-incident-status", **lost}),
        (OF_TICKETS["servicenow"], {"operation": "update-record", **lost}),
    ):
        sandbox.set_faults(fault)
        broken = play(player, "reconcile_tickets", pairs.variables(**variables, verify_timeout=1), environment=NO_RETRY)
        assert broken.code in (0, 2), broken.output
        sandbox.set_faults()
        again = play(player, "reconcile_tickets", pairs.variables(**variables), "--tags", "status")
        assert again.code == 0, again.output
    assert pairs.states() == [True, True, True, True]
    assert len(stored(sandbox, chain.first)["comments"]) == 1


@pytest.mark.parametrize("direction", ["from_ticket", "from_incident"])
def test_commands_of_the_guide_close_what_they_say(player, sandbox, direction):
    """The first example of the page leaves an open incident with a closed ticket."""
    (variables,) = blocks(PAGE, "yaml")
    (player.folder / "pairs.yml").write_text(variables, encoding="utf-8")
    commands = [code.replace("\\\n", " ") for code in blocks(PAGE, "shell")]
    (command,) = [code for code in commands if f"direction={direction}" in code]
    (summary,) = re.findall(rf"``(Done: .*; 1 {'closed' if direction == 'from_ticket' else 'ticket closed'}\.)``", PAGE)
    assert player.play("secops.itsm.reconcile_tickets", "-e", "@pairs.yml").code == 0
    if direction == "from_incident":
        sandbox.edit("CTC-0042", {STATUS_FIELD: "Open"})
        assert play(player, "close_incident", {**FORWARDING, **CLOSURE}, "--tags", "close").code == 0
    _ansible_playbook, *words = command.split()
    assert words[:2] == ["-i", "localhost,"]
    played = player.play(*words[2:])
    assert (played.code, played.summaries) == (0, [summary]), played.output
    assert stored(sandbox, FORWARDING)["status"] == "Closed"
