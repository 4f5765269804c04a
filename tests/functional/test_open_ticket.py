# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbooks open_ticket and close_with_ticket."""

from __future__ import annotations

import json

import pytest

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CHAINS,
    CLOSURE,
    DENIES,
    DUMPING,
    EACH_SYSTEM,
    FORWARDING,
    TAILSPIN,
    TICKETS,
    check_run_and_repeat,
    play,
    stored,
)

FIELDS = CHAINS["rezolve"].variables
NO_RETRY = {"CONTRAFORCE_RETRY_TIMEOUT": "0", "TICKETING_RETRY_TIMEOUT": "0", "SERVICENOW_RETRY_TIMEOUT": "0"}


def opened(sandbox):
    """Return the tickets of the default system by the ID of their incident."""
    return {name: [ticket["record"] for ticket in found] for name, found in CHAINS["rezolve"].tickets(sandbox).items()}


@EACH_SYSTEM
def test_tickets_are_opened_once_and_linked(player, sandbox, chain):
    typed = {**chain.first, "source": chain.first["source"].lower()}
    variables = {**chain.variables, "incidents": [typed, chain.second]}
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 would be linked.",
        "Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked.",
        "Done: 2 incidents, 0 failed; 2 tickets known already; 2 linked already.",
    ]
    # The source has the spelling of the service, because the ticket is found again by this text.
    tickets = chain.tickets(sandbox)
    assert {name: len(found) for name, found in tickets.items()} == {
        incident["incident_id"]: 1 for incident in (chain.first, chain.second)
    }
    for incident in (chain.first, chain.second):
        (ticket,) = tickets[incident["incident_id"]]
        assert str(stored(sandbox, incident)["ticketId"]) == ticket["id"]


def test_a_ticket_has_the_texts_of_its_incident(player, sandbox):
    assert play(player, "open_ticket", {**FIELDS, **DUMPING}).code == 0
    (ticket,) = opened(sandbox)[DUMPING["incident_id"]]
    assert ticket["summary"] == f"Sentinel incident {DUMPING['incident_id']}: Credential dumping on SRV-DC02"
    assert "<p>Credential dumping on SRV-DC02</p>" in ticket["data"].values()


def test_a_ticket_of_servicenow_has_the_columns_of_the_variables(player, sandbox):
    chain = CHAINS["servicenow"]
    played = play(
        player,
        "open_ticket",
        {**chain.variables, **DENIES, "fields": {**chain.variables["fields"], "caller_id": "r.ward"}},
    )
    assert played.code == 0, played.output
    (ticket,) = chain.tickets(sandbox)[DENIES["incident_id"]]
    record = ticket["record"]
    assert record["short_description"] == "QRadar incident 20931: Excessive firewall denies from one host"
    assert record["description"] == "Excessive firewall denies from one host (Low)"
    assert (record["urgency"], record["impact"]) == ("1", "2")
    assert record["assignment_group"] == "9a0b0001000000000000000000000001"
    # A column in fields takes precedence over the variable for it.
    assert record["caller_id"] == "05e40001000000000000000000000002"
    assert (record["company"], record["correlation_display"]) == ("c0a80001000000000000000000000001", "ContraForce")


def test_the_reference_of_contraforces_samples_can_be_chosen(player, sandbox):
    variables = {**CHAINS["servicenow"].variables, **DENIES, "reference_format": "cf|{source}|{incident_id}"}
    refused = play(player, "open_ticket", variables)
    assert refused.code == 2
    assert "unique_by" in refused.words
    for summary in ("1 ticket opened; 1 linked", "1 ticket known already; 1 linked already"):
        played = play(player, "open_ticket", {**variables, "unique_by": "company"})
        assert played.summaries == [f"Done: 1 incident, 0 failed; {summary}."], played.output
    references = [row["correlation_id"] for row in sandbox.state()["servicenow"]["incident"]]
    assert references.count("cf|qradar|20931") == 1


@EACH_SYSTEM
def test_the_ticket_of_an_interrupted_run_is_found_again(player, sandbox, chain):
    sandbox.set_faults({"operation": "v2-link-ticket", "status": 500, "times": -1})
    variables = {**chain.variables, **chain.first}
    assert play(player, "open_ticket", {**variables, "verify_timeout": 1}, environment=NO_RETRY).code == 2
    assert stored(sandbox, chain.first).get("ticketId") is None
    sandbox.set_faults()
    again = play(player, "open_ticket", variables)
    assert again.code == 0, again.output
    assert again.summaries == ["Done: 1 incident, 0 failed; 1 ticket found; 1 linked."]
    assert {name: len(found) for name, found in chain.tickets(sandbox).items()} == {chain.first["incident_id"]: 1}
    assert stored(sandbox, chain.first)["ticketId"] is not None


def test_failed_incidents_do_not_stop_others(player, sandbox):
    """One has a ticket, one has an unknown offer, one does not exist. An offer by ID takes precedence over a name."""
    wrong = {**FORWARDING, "offer": "Report a securty incident"}
    missing = {**DUMPING, "incident_id": "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"}
    by_id = {**DUMPING, "source": "sentinel ", "offer_id": 23640}
    played = play(player, "open_ticket", {**FIELDS, "incidents": [BUSY, wrong, missing, by_id]})
    assert (played.code, played.summaries) == (
        2,
        ["Failed: 2 of 4 incidents failed; 1 ticket opened, 1 ticket known already; 1 linked, 1 linked already."],
    )
    assert '"failed DefenderXDR 61024 ' in played.words
    assert "'Report a securty incident'" in played.words
    assert f'"failed Sentinel 9d0e1f2a", " The incident {missing["incident_id"]}' in played.words
    assert list(opened(sandbox)) == [DUMPING["incident_id"]]
    assert stored(sandbox, BUSY)["ticketId"] == "10043"


@EACH_SYSTEM
def test_an_incident_without_a_ticket_is_not_closed(player, sandbox, chain):
    sandbox.set_faults({**chain.search, "status": 500, "times": 1})
    incidents = [chain.first, {**chain.second, "classification_reason": "Malware"}]
    before = [stored(sandbox, incident)["status"] for incident in incidents]
    # Sequential, so that the search for the first one fails.
    variables = {**chain.variables, **CLOSURE, **chain.closing, "incidents": incidents, "concurrency": 1}
    played = play(player, "close_with_ticket", variables, environment=NO_RETRY)
    assert played.code == 2
    assert played.summaries[0].startswith("Failed: 1 of 2 incidents failed; 1 ticket opened; 1 linked; 1 closed"), (
        played.output
    )
    assert [stored(sandbox, incident)["status"] for incident in incidents] == [before[0], "Closed"]
    again = play(player, "close_with_ticket", variables)
    assert again.code == 0, again.output
    tickets = chain.tickets(sandbox)
    assert sorted(len(found) for found in tickets.values()) == [1, 1]
    assert all(found[0]["closed"] for found in tickets.values())
    assert {stored(sandbox, incident)["status"] for incident in incidents} == {"Closed"}


CLOSED_WITH = {
    ("rezolve", "contraforce"): [
        "",
        "",
        "; tickets not checked, because their incidents were closed already: CTC-0054",
    ],
    ("rezolve", "checked"): ["", "; 1 ticket found closed", "; 1 ticket found closed"],
    ("servicenow", "contraforce"): [
        "",
        "",
        "; tickets not checked, because their incidents were closed already: INC0012351",
    ],
    ("servicenow", "checked"): ["", "; 1 ticket found closed", "; 1 ticket found closed"],
}


@pytest.mark.parametrize("way", ["contraforce", "checked"])
@EACH_SYSTEM
def test_incidents_are_closed_with_their_tickets(player, sandbox, chain, way):
    variables = {**chain.variables, **CLOSURE, **chain.closing, **chain.first, "ticket_closing": way}
    if chain.system == "rezolve" and way == "checked":
        variables["closed_status"] = "Resolved"
    ends = CLOSED_WITH[chain.system, way]
    assert check_run_and_repeat(player, sandbox, "close_with_ticket", variables) == [
        f"Check mode: 1 incident, 0 failed; 1 ticket would be opened; 1 would be linked; 1 would be closed{ends[0]}.",
        f"Done: 1 incident, 0 failed; 1 ticket opened; 1 linked; 1 closed{ends[1]}.",
        f"Done: 1 incident, 0 failed; 1 ticket known already; 1 linked already; 1 closed already{ends[2]}.",
    ]
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert ticket["closed"]


def test_check_mode_assumes_that_contraforce_closes_tickets(player, sandbox):
    chain = CHAINS["servicenow"]
    assert play(player, "open_ticket", {**chain.variables, **chain.first}).code == 0
    variables = {**chain.variables, **CLOSURE, **chain.closing, **chain.first}
    known = "1 ticket known already; 1 linked already"
    assert check_run_and_repeat(player, sandbox, "close_with_ticket", variables, sandbox.journal()["writes"]) == [
        f"Check mode: 1 incident, 0 failed; {known}; 1 would be closed.",
        f"Done: 1 incident, 0 failed; {known}; 1 closed; 1 ticket found closed.",
        f"Done: 1 incident, 0 failed; {known}; 1 closed already; 1 ticket found closed.",
    ]


@EACH_SYSTEM
def test_a_ticket_that_was_reopened_is_closed_again(player, sandbox, chain):
    """The incident is closed already, so ContraForce is not asked to close the ticket."""
    variables = {**chain.variables, **CLOSURE, **chain.closing, **chain.first, "ticket_closing": "checked"}
    variables |= {"closed_status": "Resolved"} if chain.system == "rezolve" else {}
    assert play(player, "close_with_ticket", variables).code == 0
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    sandbox.edit(ticket["record"]["number" if chain.system == "servicenow" else "object_id"], chain.reopening)
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert not ticket["closed"]
    known = "1 ticket known already; 1 linked already; 1 closed already"
    assert check_run_and_repeat(
        player, sandbox, "close_with_ticket", variables, writes=sandbox.journal()["writes"]
    ) == [
        f"Check mode: 1 incident, 0 failed; {known}; 1 ticket would be closed.",
        f"Done: 1 incident, 0 failed; {known}; 1 ticket closed.",
        f"Done: 1 incident, 0 failed; {known}; 1 ticket found closed.",
    ]
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert ticket["closed"]


@pytest.mark.parametrize("verify_timeout", [0, 1])
def test_a_ticket_that_a_rule_keeps_open_is_not_reported_as_closed(player, sandbox, verify_timeout):
    chain = CHAINS["servicenow"]
    sandbox.reset(
        servicenow={"rules": [{"table": "incident", "on": "update", "when": "state=6", "set": {"state": "2"}}]}
    )
    variables = {**chain.variables, **CLOSURE, **chain.closing, **chain.first, "verify_timeout": verify_timeout}
    assert play(player, "close_with_ticket", variables).code == 0
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    sandbox.edit(ticket["record"]["number"], chain.reopening)
    played = play(player, "close_with_ticket", variables)
    assert played.code == 2, played.output
    assert "'In Progress'" in played.words
    (summary,) = played.summaries
    assert "1 of 1 incident failed" in summary
    assert "ticket closed" not in summary
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert not ticket["closed"]


@EACH_SYSTEM
def test_values_for_closing_are_required_before_any_request(player, sandbox, chain):
    variables = {**chain.variables, **CLOSURE, **chain.first, "ticket_closing": "checked"}
    refused = play(player, "close_with_ticket", variables)
    assert refused.code == 2
    name = {"rezolve": "closed_status", "servicenow": "close_code"}[chain.system]
    assert f"'{name}' is missing." in refused.words
    assert sandbox.journal()["entries"] == []


def test_a_runbook_does_not_affect_the_next_one_of_a_play(player, sandbox):
    """The second runbook must not close the incident of the first one."""
    plays = [
        {"import_playbook": f"secops.itsm.{name}", "vars": {**FIELDS, "report": False, **variables}}
        for name, variables in (
            ("open_ticket", {"incidents": [DUMPING]}),
            ("close_with_ticket", {**CLOSURE, "incidents": [FORWARDING]}),
        )
    ]
    path = player.folder / "site.yml"
    path.write_text(json.dumps(plays))
    played = player.play(path)
    assert played.code == 0, played.output
    assert played.summaries[-1] == "Done: 1 incident, 0 failed; 1 ticket opened; 1 linked; 1 closed."
    assert [stored(sandbox, incident)["status"] for incident in (DUMPING, FORWARDING)] == ["New", "Closed"]


#: Titles by incident ID with which an attacker may try to prevent a ticket.
HOSTILE = {
    "71001": "\x1b]0;owned\x07 \x1b[2J\x00\x85\x9b31m \u202egnp.exe\u2066",
    "71002": "\U0001f525 long " * 100,
    "71003": None,
    "71004": " \t ",
    "71005": "{{ 7 * 7 }} {incident_id} {titel} {% raw %}",
}


def test_hostile_titles_do_not_prevent_tickets(player, sandbox):
    """Nothing shows the links, so the second run must find each ticket by its reference or its summary."""
    sandbox.reset({"ticket": "hidden"}, ticketing={"texts": "plain"})
    incidents = [{**FORWARDING, "incident_id": name} for name in HOSTILE]
    place = {"workspaceId": TAILSPIN, "source": "DefenderXDR", "number": 1, "status": "New", "severity": "High"}
    sandbox.add_incidents(*({**place, "id": name, "title": title} for name, title in HOSTILE.items()))
    by_summary = {
        "team_id": "soc",
        "offer": TICKETS["offer"],
        "summary": "{title} ({severity}), {source} incident {incident_id} of {workspace_id}",
        "include_done": False,
        "fields": {"Incident Reference": "{title}"},
    }
    for variables, writes in ((FIELDS, 5), (by_summary, 10)):
        for result in ("opened", "found"):
            played = play(player, "open_ticket", {**variables, "ticket_reference": "none", "incidents": incidents})
            assert played.code == 0, played.output
            assert played.summaries == [f"Done: 5 incidents, 0 failed; 5 tickets {result}."]
            assert sandbox.journal()["writes"] == writes
    summaries = [ticket["summary"] for ticket in sandbox.state()["platform_tickets"]]
    assert [sum(name in text for text in summaries) for name in HOSTILE] == [2] * 5
    assert "DefenderXDR incident 71005: {{ 7 * 7 }} {incident_id} {titel} {% raw %}" in summaries
    assert any(text.endswith(f"\u2026 (High), DefenderXDR incident 71002 of {TAILSPIN}") for text in summaries)
