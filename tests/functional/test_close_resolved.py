# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Close incidents whose tickets were closed, with both ticketing systems."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    CHAINS,
    EACH_SYSTEM,
    check_run_and_repeat,
    play,
    stored,
)

ROOT = Path(__file__).resolve().parents[2]
STATUS_FIELD = "a1c0ffee-0001-4000-8000-000000000004"
CLOSING = {
    "rezolve": {STATUS_FIELD: "Resolved"},
    "servicenow": {"state": "6", "close_code": "Solution provided", "close_notes": "Done."},
}
PAGE = (ROOT / "docs" / "docsite" / "rst" / "runbook_close_resolved.rst").read_text(encoding="utf-8")


def variables_of(chain):
    """Return the variables on the page of the runbook for a ticketing system."""
    shown = re.findall(r"^\.\. code-block:: yaml\n   :caption: .*\n\n((?:   .*\n|\n)+)", PAGE, re.MULTILINE)
    files = [yaml.safe_load(re.sub("^   ", "", code, flags=re.MULTILINE)) for code in shown]
    (found,) = [variables for variables in files if variables.get("ticket_system", "rezolve") == chain.system]
    return found


def open_and_close_ticket(player, sandbox, chain):
    """Open the ticket of the chain's first incident, close it in its system, and return its number."""
    played = play(player, "open_ticket", {**chain.variables, **chain.first})
    assert played.code == 0, played.output
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    number = ticket["record"]["number" if chain.system == "servicenow" else "object_id"]
    sandbox.edit(number, CLOSING[chain.system])
    return number


@EACH_SYSTEM
def test_incidents_of_closed_tickets_are_closed_once(player, sandbox, chain):
    number = open_and_close_ticket(player, sandbox, chain)
    writes = sandbox.journal()["writes"]
    summaries = check_run_and_repeat(player, sandbox, "close_resolved", variables_of(chain), writes)
    assert summaries == re.findall(r"^   ((?:Check mode|Done|Nothing to do): .*)$", PAGE, re.MULTILINE)
    assert len(summaries) == 3
    record = stored(sandbox, chain.first)
    assert (record["status"], record["classification"]) == ("Closed", "TruePositive")
    assert [one["message"] for one in record["comments"] if number in one["message"]] != []


@EACH_SYSTEM
def test_a_reopened_incident_is_left_alone(player, sandbox, chain):
    number = open_and_close_ticket(player, sandbox, chain)
    named = {**variables_of(chain), "closed_tickets": [number]}
    closed = play(player, "close_resolved", named)
    assert closed.summaries == ["Done: 1 incident, 0 failed; 1 closed."], closed.output
    assert play(player, "reopen_incident", {**chain.first, "comment": "Not finished."}).code == 0
    again = play(player, "close_resolved", named)
    assert (again.code, stored(sandbox, chain.first)["status"]) == (0, "Active"), again.output
    assert f"reopened after ticket {number} was closed" in again.words


def test_incident_of_canceled_ticket_is_left_unchanged(player, sandbox):
    chain = CHAINS["servicenow"]
    assert play(player, "open_ticket", {**chain.variables, **chain.first}).code == 0
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    sandbox.edit(ticket["record"]["number"], {"state": "8"})
    played = play(player, "close_resolved", variables_of(chain))
    assert (played.code, stored(sandbox, chain.first)["status"]) == (0, "New"), played.output
    assert f"ticket {ticket['record']['number']} was canceled; left unchanged." in played.words


@EACH_SYSTEM
def test_unknown_words_are_refused_before_any_request(player, sandbox, chain):
    wrong = {**variables_of(chain), "resolution_map": {"x": {"classification": "Flase"}}}
    refused = play(player, "close_resolved", wrong)
    assert (refused.code, sandbox.journal()["entries"]) == (2, []), refused.output
    assert "resolution_map.x.classification must be one of" in refused.words


@pytest.mark.parametrize("number", ["INC9999999"])
def test_a_ticket_that_does_not_exist_fails(player, sandbox, number):
    played = play(player, "close_resolved", {**variables_of(CHAINS["servicenow"]), "closed_tickets": [number]})
    assert (played.code, sandbox.journal()["writes"]) == (2, 0), played.output
    assert number in played.words


def open_and_close_two(player, sandbox, chain):
    """Open the tickets of the chain's incidents, and close them in their system."""
    played = play(player, "open_ticket", {**chain.variables, "incidents": [chain.first, chain.second]})
    assert played.code == 0, played.output
    for (ticket,) in chain.tickets(sandbox).values():
        sandbox.edit(ticket["record"]["number" if chain.system == "servicenow" else "object_id"], CLOSING[chain.system])


@EACH_SYSTEM
def test_limit_of_listed_tickets_is_reported(player, sandbox, chain):
    open_and_close_two(player, sandbox, chain)
    played = play(player, "close_resolved", {**variables_of(chain), "max_tickets": 1})
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 closed."], played.output
    assert "Only the newest ticket was listed" in played.words


def test_too_many_incidents_close_none(player, sandbox):
    chain = CHAINS["servicenow"]
    open_and_close_two(player, sandbox, chain)
    writes = sandbox.journal()["writes"]
    stopped = play(player, "close_resolved", {**variables_of(chain), "max_incidents": 1})
    assert (stopped.code, sandbox.journal()["writes"]) == (2, writes), stopped.output
    assert "2 incidents match, and max_incidents allows 1." in stopped.words
