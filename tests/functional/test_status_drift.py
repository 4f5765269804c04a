# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the statuses of incidents and tickets with reconcile_tickets, and close what is still open."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CHAINS,
    CLOSURE,
    EACH_SYSTEM,
    check_run_and_repeat,
    play,
    stored,
)
from ansible_collections.secops.itsm.tests.functional.test_close_resolved import CLOSING

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
    failed = play(player, "reconcile_tickets", pairs.variables(fail_on_drift=True), "--check")
    assert (failed.code, sandbox.journal()["writes"]) == (2, pairs.writes)
    assert "0 of 2 links and 2 of 2 statuses had drifted, and fail_on_drift is set." in failed.words


@EACH_SYSTEM
def test_incidents_follow_their_tickets(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    assert check_run_and_repeat(player, sandbox, "reconcile_tickets", pairs.variables(**OF_INCIDENTS), pairs.writes) == [
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
    played = play(player, "reconcile_tickets", pairs.variables(**OF_INCIDENTS))
    assert (played.code, pairs.states()) == (0, AT_FIRST), played.output
    assert f"ticket {pairs.number(chain.first)} was canceled; left unchanged." in played.words


def test_resolution_chooses_the_classification(player, sandbox):
    chain = CHAINS["servicenow"]
    pairs = Pairs(player, sandbox, chain)
    mapped = {"solution provided": {"classification": "TruePositive", "classification_reason": "SuspiciousActivity"}}
    played = play(player, "reconcile_tickets", pairs.variables(**OF_INCIDENTS, resolution_map=mapped))
    assert (played.code, stored(sandbox, chain.first)["classification"]) == (0, "TruePositive"), played.output


@EACH_SYSTEM
@pytest.mark.parametrize("direction", ["report", "always", "from_ticket", "from_incident"])
def test_unreadable_ticket_counts_as_unknown(player, sandbox, chain, direction):
    pairs = Pairs(player, sandbox, chain)
    wanted = {
        "report": {},
        "always": {"compare_status": "always"},
        "from_ticket": OF_INCIDENTS,
        "from_incident": OF_TICKETS[chain.system],
    }[direction]
    broken = {"TICKETING_URL": "http://127.0.0.1:9", "SERVICENOW_URL": "http://127.0.0.1:9", **NO_RETRY}
    played = play(player, "reconcile_tickets", pairs.variables(**wanted), environment=broken)
    assert (pairs.states(), sandbox.journal()["writes"]) == (AT_FIRST, pairs.writes), played.output
    if direction == "report":
        assert played.code == 0, played.output
        assert played.summaries == ["Done: 2 incidents, 0 failed; 2 correct already; 2 with an unknown status."]
        names = ", ".join(pairs.number(one) for one in (chain.first, chain.second))
        assert f"The statuses of incidents with these tickets are unknown: {names}." in played.words
    else:
        assert played.code == 2, played.output
        assert played.summaries == ["Failed: 2 of 2 incidents failed; 2 correct already."]
        assert "127.0.0.1" in played.words


@EACH_SYSTEM
@pytest.mark.parametrize("variables", [{}, {"compare_status": "never"}], ids=["no_address", "never"])
def test_links_are_compared_without_the_ticketing_system(player, sandbox, chain, variables):
    pairs = Pairs(player, sandbox, chain)
    before = len(sandbox.journal()["entries"])
    address = {} if variables else {"TICKETING_URL": "", "SERVICENOW_URL": ""}
    changes = {**variables, "report": True, "fail_on_drift": True}
    played = play(player, "reconcile_tickets", pairs.variables(**changes), environment=address)
    assert played.code == 0, played.output
    assert played.summaries == ["Done: 2 incidents, 0 failed; 2 correct already."]
    sent = sandbox.journal()["entries"][before:]
    assert sent and all(entry["operation"].endswith(("incident", "ticket", "token")) for entry in sent), sent
    (report,) = (player.folder / "itsm-reports").glob("*.md")
    assert "not compared, because" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("direction", ["from_ticket", "from_incident"])
def test_too_many_differences_close_none(player, sandbox, direction):
    chain = CHAINS["servicenow"]
    pairs = Pairs(player, sandbox, chain)
    if direction == "from_ticket":
        sandbox.edit(pairs.number(chain.second), CLOSING["servicenow"])
        assert play(player, "reopen_incident", {**chain.second, "comment": "Not finished."}).code == 0
        wanted = OF_INCIDENTS
    else:
        sandbox.edit(pairs.number(chain.first), {"state": "2"})
        assert play(player, "close_incident", {**chain.first, **CLOSURE}, "--tags", "close").code == 0
        wanted = OF_TICKETS["servicenow"]
    before, writes = pairs.states(), sandbox.journal()["writes"]
    played = play(player, "reconcile_tickets", pairs.variables(**wanted, max_incidents=1))
    assert (played.code, pairs.states(), sandbox.journal()["writes"]) == (2, before, writes), played.output
    noun = "incidents" if direction == "from_ticket" else "tickets"
    assert f"2 {noun} are to be closed, and max_incidents allows 1. None was closed;" in played.words


@pytest.mark.parametrize(
    "system, variables, words",
    [
        ("rezolve", {"direction": "from_ticket"}, "'classification' is missing."),
        ("rezolve", {"direction": "from_incident"}, "'closed_status' is missing. Set it to close tickets of Rezolve.ai"),
        ("servicenow", {"direction": "from_incident"}, "'close_code' is missing. Set it to close tickets of ServiceNow"),
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


@EACH_SYSTEM
def test_statuses_alone_are_compared_by_tag(player, sandbox, chain):
    pairs = Pairs(player, sandbox, chain)
    played = play(player, "reconcile_tickets", pairs.variables(), "--tags", "status")
    assert played.summaries == [f"Done: 2 incidents, 0 failed; 1 {MARKED}, 1 {REVERSED}."], played.output


def test_interrupted_closing_ends_in_the_same_state(player, sandbox):
    chain = CHAINS["servicenow"]
    pairs = Pairs(player, sandbox, chain)
    variables = pairs.variables(**OF_INCIDENTS)
    lost = [{"operation": "update-status", "times": 1, "drop": "after"}]
    sandbox.faults(lost) if hasattr(sandbox, "faults") else None
    for _run in range(2):
        assert play(player, "reconcile_tickets", variables).code == 0
    assert pairs.states() == [True, True, True, False]
    assert len(stored(sandbox, chain.first)["comments"]) == 1, json.dumps(stored(sandbox, chain.first))
