# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Close incidents whose tickets were closed, with both ticketing systems."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    CHAINS,
    CLOSURE,
    EACH_SYSTEM,
    FABRIKAM,
    NORTHWIND,
    TAILSPIN,
    changed_tasks,
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


def test_ticket_is_named_by_its_sys_id(player, sandbox):
    chain = CHAINS["servicenow"]
    number = open_and_close_ticket(player, sandbox, chain)
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    played = play(player, "close_resolved", {**variables_of(chain), "closed_tickets": [ticket["id"]]})
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 closed."], played.output
    assert any(number in one["message"] for one in stored(sandbox, chain.first)["comments"])


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
def test_incidents_closed_with_their_tickets_are_left_alone(player, sandbox, chain):
    """Our own closures come back as closed tickets, from the list and by callback."""
    with_ticket = {**chain.variables, **chain.closing, **CLOSURE, **chain.first}
    if chain.system == "rezolve":
        with_ticket = {**with_ticket, "ticket_closing": "checked", "closed_status": "Resolved"}
    closed = play(player, "close_with_ticket", with_ticket)
    assert closed.code == 0, closed.output
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert ticket["closed"]
    writes, before = sandbox.journal()["writes"], stored(sandbox, chain.first)
    number = ticket["record"]["number" if chain.system == "servicenow" else "object_id"]
    for variables in ({}, {"closed_tickets": [number]}, {"closed_tickets": [number]}):
        played = play(player, "close_resolved", {**variables_of(chain), **variables})
        assert played.summaries == ["Nothing to do: no open incident has a ticket that was closed."], played.output
        assert changed_tasks(played) == 0
    assert (sandbox.journal()["writes"], stored(sandbox, chain.first)) == (writes, before)


def test_number_and_id_of_a_ticket_are_one_incident(player, sandbox):
    chain = CHAINS["servicenow"]
    number = open_and_close_ticket(player, sandbox, chain)
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    named = [f" {ticket['id'].upper()} ", number, number]
    played = play(player, "close_resolved", {**variables_of(chain), "closed_tickets": named})
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 closed."], played.output
    title = stored(sandbox, chain.first)["title"]
    assert f"closed QRadar {chain.first['incident_id']} {title} (ticket {number})" in played.words


@EACH_SYSTEM
def test_tickets_that_are_open_or_of_others_need_nothing(player, sandbox, chain):
    """A callback may report any change of any ticket."""
    assert play(player, "open_ticket", {**chain.variables, **chain.first}).code == 0
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    number, other = {
        "rezolve": (ticket["record"].get("object_id"), "CTC-0042"),
        "servicenow": (ticket["record"].get("number"), "INC0012347"),
    }[chain.system]
    sandbox.edit(other, CLOSING[chain.system])
    writes = sandbox.journal()["writes"]
    for name in (number, other):
        played = play(player, "close_resolved", {**variables_of(chain), "closed_tickets": [name]})
        assert played.summaries == ["Nothing to do: no open incident has a ticket that was closed."], played.output
    assert sandbox.journal()["writes"] == writes


@EACH_SYSTEM
def test_unknown_words_are_refused_before_any_request(player, sandbox, chain):
    wrong = {**variables_of(chain), "resolution_map": {"x": {"classification": "Flase"}}}
    refused = play(player, "close_resolved", wrong)
    assert (refused.code, sandbox.journal()["entries"]) == (2, []), refused.output
    assert "resolution_map.x.classification must be one of" in refused.words


@pytest.mark.parametrize(
    "system, name",
    [
        ("servicenow", "INC9999999"),
        ("servicenow", "0123456789abcdef0123456789abcdef"),
        ("rezolve", "CTC-9999"),
        ("rezolve", "51b101e4-e689-4b86-a0bb-d3fc8188e3b1"),
    ],
)
def test_a_ticket_that_does_not_exist_fails(player, sandbox, system, name):
    played = play(player, "close_resolved", {**variables_of(CHAINS[system]), "closed_tickets": [name]})
    assert (played.code, sandbox.journal()["writes"]) == (2, 0), played.output
    assert f"stopped Ticket {name} could not be read. " in played.words


def test_incident_without_a_status_fails(player, sandbox):
    chain = CHAINS["servicenow"]
    open_and_close_ticket(player, sandbox, chain)
    sandbox.set_faults({"operation": "v2-get-incident", "times": -1, "replace": {"data.incident.status": None}})
    played = play(player, "close_resolved", variables_of(chain))
    assert (played.code, stored(sandbox, chain.first)["status"]) == (2, "New"), played.output
    assert f"{chain.first['incident_id']}: the incident shows no status" in played.words


def test_ticket_without_a_status_category_is_not_ignored_silently(player, sandbox):
    chain = CHAINS["rezolve"]
    number = open_and_close_ticket(player, sandbox, chain)
    sandbox.set_faults({"operation": "get-ticket", "times": -1, "replace": {"ticket.status_category": None}})
    named = play(player, "close_resolved", {**variables_of(chain), "closed_tickets": [number]})
    assert (named.code, f"Ticket {number} shows no status category" in named.words) == (2, True), named.output
    listed = play(player, "close_resolved", variables_of(chain))
    assert (listed.code, "Listed tickets without a status category, which were ignored: " in listed.words) == (
        0,
        True,
    ), listed.output
    assert stored(sandbox, chain.first)["status"] == "New"


def test_invalid_names_of_tickets_are_refused(player, sandbox):
    played = play(player, "close_resolved", {**variables_of(CHAINS["servicenow"]), "closed_tickets": ["INC1", "a^b"]})
    assert (played.code, sandbox.journal()["entries"]) == (2, []), played.output
    assert "closed_tickets contains 'a^b', which is not the number or ID of a ticket." in played.words


#: The form of ContraForce's samples. It lacks the workspace, so the company is compared, too.
CONTRAFORCE_FORM = {"reference_format": "cf|{source}|{incident_id}", "unique_by": ["company"]}


def without_workspace():
    """Return the chain whose ticket does not name the workspace."""
    chain = CHAINS["servicenow"]
    return replace(chain, variables={**chain.variables, **CONTRAFORCE_FORM})


def close_without_workspace(player, sandbox):
    """Open a ticket whose reference lacks the workspace, close it, and return its number."""
    chain = without_workspace()
    assert play(player, "open_ticket", {**chain.variables, **chain.first}).code == 0
    (row,) = [row for row in sandbox.state()["servicenow"]["incident"] if row["correlation_id"] == "cf|qradar|20931"]
    sandbox.edit(row["number"], CLOSING["servicenow"])
    return row["number"]


def test_workspace_of_a_reference_is_found_in_the_list(player, sandbox):
    number = close_without_workspace(player, sandbox)
    writes = sandbox.journal()["writes"]
    variables = {**variables_of(CHAINS["servicenow"]), "incidents_within_days": 3650}
    check_run_and_repeat(player, sandbox, "close_resolved", variables, writes)
    record = stored(sandbox, CHAINS["servicenow"].first)
    assert (record["status"], sandbox.journal()["writes"]) == ("Closed", writes + 1)
    assert [one["message"] for one in record["comments"] if number in one["message"]] != []


@pytest.mark.parametrize("problem", ["older", "twice"])
def test_incident_whose_workspace_is_not_certain_is_reported(player, sandbox, problem):
    number = close_without_workspace(player, sandbox)
    writes, variables = (
        sandbox.journal()["writes"],
        {**variables_of(CHAINS["servicenow"]), "incidents_within_days": 3650},
    )
    if problem == "twice":
        twin = {"source": "QRadar", "id": "20931", "title": "Twin", "severity": "Low", "status": "New"}
        sandbox.add_incidents({**twin, "workspaceId": NORTHWIND})
        reason = f"is ambiguous: {NORTHWIND} or {FABRIKAM}"
    else:
        variables["incidents_within_days"] = 1
        reason = "was not found in the incident list"
    played = play(player, "close_resolved", variables)
    assert (played.code, sandbox.journal()["writes"]) == (0, writes), played.output
    assert f"Ticket {number}: the workspace of incident QRadar 20931 {reason}; left unchanged." in played.words


SUMMARY = "{source} incident {incident_id} in workspace {workspace_id}: {title}"


def test_summary_identifies_the_incident_without_a_reference_field(player, sandbox):
    """The title of another incident that names this one does not close it."""
    chain = CHAINS["rezolve"]
    variables = {key: value for key, value in chain.variables.items() if key != "reference_field"}
    # The ticket type requires this field, which then contains something else.
    variables["fields"] = {**variables["fields"], "Incident Reference": "see the summary"}
    named = f"{chain.second['source']} incident {chain.second['incident_id']}"
    hostile = {
        "workspaceId": TAILSPIN,
        "source": "Sentinel",
        "id": "0d1c2b3a-4958-4766-8574-a3b2c1d0e9f8",
        "title": f"x: {named} in workspace {TAILSPIN}: {{{{ 7 * 6 }}}}",
        "severity": "Low",
        "status": "New",
    }
    sandbox.add_incidents(hostile)
    incident = {"workspace_id": TAILSPIN, "source": "Sentinel", "incident_id": hostile["id"]}
    played = play(player, "open_ticket", {**variables, "summary": SUMMARY, **incident})
    assert played.code == 0, played.output
    (row,) = [row for row in sandbox.state()["platform_tickets"] if hostile["id"] in row["summary"]]
    assert named in row["summary"]
    sandbox.edit(row["object_id"], CLOSING["rezolve"])
    writes = sandbox.journal()["writes"]
    closing = {"summary": SUMMARY, "classification": "FalsePositive", "classification_reason": "InaccurateData"}
    check_run_and_repeat(player, sandbox, "close_resolved", closing, writes)
    assert f'   summary: "{SUMMARY}"\n' in PAGE
    assert stored(sandbox, incident)["status"] == "Closed"
    assert stored(sandbox, chain.second)["status"] == "New"


def test_summary_with_a_title_before_the_identity_is_refused(player, sandbox):
    closing = {"summary": f"{{title}} - {SUMMARY}", "classification": "FalsePositive"}
    refused = play(player, "close_resolved", closing)
    assert (refused.code, sandbox.journal()["entries"]) == (2, []), refused.output
    assert "{title} precedes a part of the incident's identity" in refused.words
    missing = play(player, "close_resolved", {"classification": "FalsePositive"})
    assert (missing.code, sandbox.journal()["entries"]) == (2, []), missing.output
    assert "'reference_field' is missing." in missing.words


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
