# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbooks open_ticket and close_with_ticket."""

from __future__ import annotations

import json

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CLOSURE,
    DUMPING,
    FORWARDING,
    TAILSPIN,
    TICKETS,
    check_run_and_repeat,
    play,
    stored,
)

REFERENCE = "a1c0ffee-0001-4000-8000-000000000001"
FIELDS = {**TICKETS, "fields": {"Urgency": "High", "Description": "<p>{title}</p>"}}
NO_RETRY = {"CONTRAFORCE_RETRY_TIMEOUT": "0", "TICKETING_RETRY_TIMEOUT": "0"}


def opened(sandbox):
    """Return the tickets opened since the reset, by the ID of their incident."""
    found = {}
    for ticket in sandbox.state()["platform_tickets"]:
        reference = ticket["data"].get(REFERENCE, "")
        if TAILSPIN in reference:
            found.setdefault(reference.split()[1], []).append(ticket)
    return found


def test_tickets_are_opened_once_and_linked(player, sandbox):
    variables = {**FIELDS, "incidents": [{**DUMPING, "source": "sentinel"}, FORWARDING]}
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 would be linked.",
        "Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked.",
        "Done: 2 incidents, 0 failed; 2 tickets known already; 2 linked already.",
    ]
    tickets = opened(sandbox)
    assert {len(found) for found in tickets.values()} == {1}
    assert set(tickets) == {DUMPING["incident_id"], FORWARDING["incident_id"]}
    (ticket,) = tickets[DUMPING["incident_id"]]
    # The source has the spelling of the service, because the ticket is found again by this text.
    assert ticket["data"][REFERENCE] == f"Sentinel {DUMPING['incident_id']} {TAILSPIN}"
    assert ticket["summary"] == f"Sentinel incident {DUMPING['incident_id']}: Credential dumping on SRV-DC02"
    assert "<p>Credential dumping on SRV-DC02</p>" in ticket["data"].values()
    assert stored(sandbox, DUMPING)["ticketId"] == str(ticket["id_serial"])


def test_the_ticket_of_an_interrupted_run_is_found_again(player, sandbox):
    sandbox.set_faults({"operation": "v2-link-ticket", "status": 500, "times": -1})
    variables = {**FIELDS, **DUMPING}
    assert play(player, "open_ticket", {**variables, "verify_timeout": 1}, environment=NO_RETRY).code == 2
    assert stored(sandbox, DUMPING)["ticketId"] is None
    sandbox.set_faults()
    again = play(player, "open_ticket", variables)
    assert again.code == 0, again.output
    assert again.summaries == ["Done: 1 incident, 0 failed; 1 ticket found; 1 linked."]
    assert {name: len(found) for name, found in opened(sandbox).items()} == {DUMPING["incident_id"]: 1}
    assert stored(sandbox, DUMPING)["ticketId"] is not None


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


def test_an_incident_without_a_ticket_is_not_closed(player, sandbox):
    sandbox.set_faults({"operation": "list-tickets", "status": 500, "times": 1})
    incidents = [DUMPING, {**FORWARDING, "classification_reason": "Malware"}]
    # Sequential, so that the search for the first one fails.
    variables = {**FIELDS, **CLOSURE, "incidents": incidents, "concurrency": 1}
    played = play(player, "close_with_ticket", variables, environment=NO_RETRY)
    assert (played.code, played.summaries) == (
        2,
        ["Failed: 1 of 2 incidents failed; 1 ticket opened; 1 linked; 1 closed."],
    )
    assert [stored(sandbox, incident)["status"] for incident in incidents] == ["New", "Closed"]
    again = play(player, "close_with_ticket", variables)
    assert again.code == 0, again.output
    tickets = opened(sandbox)
    assert sorted(len(found) for found in tickets.values()) == [1, 1]
    assert all(found[0]["status_category"].startswith("Done") for found in tickets.values())
    assert {stored(sandbox, incident)["status"] for incident in incidents} == {"Closed"}


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
            played = play(player, "open_ticket", {**variables, "link": "no", "incidents": incidents})
            assert played.code == 0, played.output
            assert played.summaries == [f"Done: 5 incidents, 0 failed; 5 tickets {result}."]
            assert sandbox.journal()["writes"] == writes
    summaries = [ticket["summary"] for ticket in sandbox.state()["platform_tickets"]]
    assert [sum(name in text for text in summaries) for name in HOSTILE] == [2] * 5
    assert "DefenderXDR incident 71005: {{ 7 * 7 }} {incident_id} {titel} {% raw %}" in summaries
    assert any(text.endswith(f"\u2026 (High), DefenderXDR incident 71002 of {TAILSPIN}") for text in summaries)
