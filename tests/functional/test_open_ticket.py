# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The runbooks open_ticket and close_with_ticket, called by their FQCN."""

from __future__ import annotations

import json

import pytest

OPEN, CLOSE = "secops.itsm.open_ticket", "secops.itsm.close_with_ticket"
TAILSPIN = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SENTINEL = {
    "workspace_id": TAILSPIN,
    "source": "sentinel",
    "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72",
}
DEFENDER = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "61024"}
#: Linked to SOC-312 already.
BUSY = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "50377"}
REFERENCE = "a1c0ffee-0001-4000-8000-000000000001"
TICKETS = {
    "team_id": "soc",
    "offer": "Report a security incident",
    "reference_field": "Incident Reference",
    "fields": {"Urgency": "High", "Description": "<p>{title}</p>"},
}
CLOSURE = {
    "classification": "TruePositive",
    "classification_reason": "SuspiciousActivity",
    "comment": "Contained.",
}
NOT_AGAIN = {"CONTRAFORCE_RETRY_TIMEOUT": "0", "TICKETING_RETRY_TIMEOUT": "0"}


def play(player, runbook, variables, *arguments, **kwargs):
    return player.play(runbook, "-e", json.dumps({"report": False, **variables}), *arguments, **kwargs)


def opened(sandbox):
    """Tickets that were opened since the reset, by the incident that they refer to."""
    found = {}
    for ticket in sandbox.state()["platform_tickets"]:
        reference = ticket["data"].get(REFERENCE, "")
        if TAILSPIN in reference:
            found.setdefault(reference.split()[1], []).append(ticket)
    return found


def linked(sandbox):
    return {entry["id"]: entry["ticketId"] for entry in sandbox.state()["incidents"]}


def test_open_check_run_run(player, sandbox):
    seen = []
    for arguments in (("--check", "--diff"), (), ()):
        played = play(player, OPEN, {**TICKETS, "incidents": [SENTINEL, DEFENDER]}, *arguments)
        assert played.code == 0, played.output
        seen.append((played.summaries, sandbox.journal()["writes"]))
    assert seen == [
        (["Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 would be linked."], 0),
        (["Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked."], 4),
        (["Done: 2 incidents, 0 failed; 2 tickets known already; 2 linked already."], 4),
    ]
    tickets = opened(sandbox)
    assert {name: len(found) for name, found in tickets.items()} == {
        SENTINEL["incident_id"]: 1,
        DEFENDER["incident_id"]: 1,
    }
    ticket = tickets[SENTINEL["incident_id"]][0]
    # Sources are spelled as the service does, however the task does it: by this a ticket is found again.
    assert ticket["data"][REFERENCE] == f"Sentinel {SENTINEL['incident_id']} {TAILSPIN}"
    assert ticket["summary"] == f"Sentinel incident {SENTINEL['incident_id']}: Credential dumping on SRV-DC02"
    assert "<p>Credential dumping on SRV-DC02</p>" in ticket["data"].values()
    assert linked(sandbox)[SENTINEL["incident_id"]] == str(ticket["id_serial"])


def test_a_run_that_broke_off_before_the_link_finds_the_ticket_again(player, sandbox):
    sandbox.set_faults({"operation": "v2-link-ticket", "status": 500, "times": -1})
    variables = {**TICKETS, **SENTINEL, "verify_timeout": 1}
    broken = play(player, OPEN, variables, environment=NOT_AGAIN)
    assert broken.code != 0
    assert linked(sandbox)[SENTINEL["incident_id"]] is None
    sandbox.set_faults()
    again = play(player, OPEN, variables)
    assert again.code == 0, again.output
    assert "Done: 1 incident, 0 failed; 1 ticket found; 1 linked." in again.summaries
    assert {name: len(found) for name, found in opened(sandbox).items()} == {SENTINEL["incident_id"]: 1}
    assert linked(sandbox)[SENTINEL["incident_id"]] is not None


def test_without_a_reference_field_the_summary_is_what_a_ticket_is_found_by(player, sandbox):
    """And where nothing shows the link, only the search tells that the ticket is there."""
    sandbox.reset({"ticket": "hidden"})
    variables = {"team_id": "soc", "offer_id": 23640, "fields": json.dumps({"Incident Reference": "of a test"})}
    first = play(player, OPEN, {**variables, **DEFENDER, "link": False})
    assert first.code == 0, first.output
    assert first.summaries == ["Done: 1 incident, 0 failed; 1 ticket opened."]
    again = play(player, OPEN, {**variables, **DEFENDER, "source": "defenderxdr", "link": "no"})
    assert again.code == 0, again.output
    assert again.summaries == ["Done: 1 incident, 0 failed; 1 ticket found."]
    summary = f"DefenderXDR incident 61024 in workspace {TAILSPIN}"
    assert [ticket["summary"] for ticket in sandbox.state()["platform_tickets"]].count(summary) == 1
    assert sandbox.journal()["writes"] == 1


def test_one_that_has_a_ticket_gets_none_and_one_that_fails_stops_no_other(player, sandbox):
    wrong = {**DEFENDER, "offer": "Report a securty incident"}
    missing = {**SENTINEL, "incident_id": "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"}
    # A blank is no part of a source, and an offer by id goes before one by name.
    by_id = {**SENTINEL, "source": "sentinel ", "offer_id": 23640}
    played = play(player, OPEN, {**TICKETS, "incidents": [BUSY, wrong, missing, by_id]})
    assert played.code != 0
    assert played.summaries == [
        "Failed: 2 of 4 incidents failed; 1 ticket opened, 1 ticket known already; 1 linked, 1 linked already.",
    ]
    output = " ".join(played.output.split())
    assert "DefenderXDR 61024: offer 'Report a securty incident' is no offer. Nearest:" in output
    assert f"Sentinel {missing['incident_id']}: The incident {missing['incident_id']}" in output
    assert list(opened(sandbox)) == [SENTINEL["incident_id"]]
    assert linked(sandbox)["50377"] == "10043"


def test_close_leaves_open_what_has_no_ticket(player, sandbox):
    sandbox.set_faults({"operation": "list-tickets", "status": 500, "times": 1})
    incidents = [SENTINEL, {**DEFENDER, "classification_reason": "Malware"}]
    # One after the other, so that it is the first one whose search fails.
    variables = {**TICKETS, **CLOSURE, "incidents": incidents, "concurrency": 1}
    played = play(player, CLOSE, variables, environment=NOT_AGAIN)
    assert played.code != 0
    assert played.summaries == [
        "Failed: 1 of 2 incidents failed; 1 ticket opened; 1 linked; 1 closed.",
    ]
    stored = {entry["id"]: entry["status"] for entry in sandbox.state()["incidents"]}
    assert (stored[SENTINEL["incident_id"]], stored[DEFENDER["incident_id"]]) == ("New", "Closed")
    again = play(player, CLOSE, variables)
    assert again.code == 0, again.output
    tickets = opened(sandbox)
    assert sorted(len(found) for found in tickets.values()) == [1, 1]
    assert all(found[0]["status_category"].startswith("Done") for found in tickets.values())
    assert {entry["status"] for entry in sandbox.state()["incidents"] if entry["id"] in tickets} == {"Closed"}


def test_a_runbook_leaves_nothing_behind_for_the_next_one_of_a_play(player, sandbox):
    """What the first one opened must not be closed by the second one, which is about another incident."""
    plays = [
        {"import_playbook": OPEN, "vars": {**TICKETS, "report": False, "incidents": [SENTINEL]}},
        {"import_playbook": CLOSE, "vars": {**TICKETS, **CLOSURE, "report": False, "incidents": [DEFENDER]}},
    ]
    path = player.folder / "site.yml"
    path.write_text(json.dumps(plays))
    played = player.play(path)
    assert played.code == 0, played.output
    assert played.summaries[-1] == "Done: 1 incident, 0 failed; 1 ticket opened; 1 linked; 1 closed."
    stored = {entry["id"]: entry["status"] for entry in sandbox.state()["incidents"]}
    assert (stored[SENTINEL["incident_id"]], stored[DEFENDER["incident_id"]]) == ("New", "Closed")


#: By the identifiers of their incidents, titles that someone may have written to keep an incident from its ticket.
HOSTILE = {
    "71001": "\x1b]0;owned\x07 \x1b[2J\x00\x85\x9b31m \u202egnp.exe\u2066",
    "71002": "\U0001f525 long " * 100,
    "71003": None,
    "71004": " \t ",
    "71005": "{{ 7 * 7 }} {incident_id} {titel} {% raw %}",
}


def test_hostile_titles_do_not_prevent_tickets(player, sandbox):
    """Nothing shows the links, so that the second run must find each ticket by its reference or its summary."""
    sandbox.reset({"ticket": "hidden"}, ticketing={"texts": "plain"})
    named = [{**DEFENDER, "incident_id": name} for name in HOSTILE]
    place = {"workspaceId": TAILSPIN, "source": "DefenderXDR", "number": 1, "status": "New", "severity": "High"}
    sandbox.add_incidents(*({**place, "id": name, "title": title} for name, title in HOSTILE.items()))
    summary = "{title} ({severity}), {source} incident {incident_id} of {workspace_id}"
    by_summary = {"team_id": "soc", "offer": TICKETS["offer"], "summary": summary, "include_done": False}
    without_reference = {**by_summary, "fields": {"Incident Reference": "{title}"}}
    for variables, writes in (({**TICKETS, "link": False}, 5), ({**without_reference, "link": False}, 10)):
        for said in ("opened", "found"):
            played = play(player, OPEN, {**variables, "incidents": named})
            assert played.code == 0, played.output
            assert played.summaries == [f"Done: 5 incidents, 0 failed; 5 tickets {said}."]
            assert sandbox.journal()["writes"] == writes
    summaries = [ticket["summary"] for ticket in sandbox.state()["platform_tickets"]]
    assert [sum(name in text for text in summaries) for name in HOSTILE] == [2] * 5
    assert "DefenderXDR incident 71005: {{ 7 * 7 }} {incident_id} {titel} {% raw %}" in summaries
    assert any(text.endswith(f"\u2026 (High), DefenderXDR incident 71002 of {TAILSPIN}") for text in summaries)


@pytest.mark.parametrize(
    "runbook, changes, words",
    [
        (OPEN, {"offer": None}, "set 'team_id' and 'offer' (or 'offer_id')"),
        (OPEN, {"fields": "just a text"}, "argument 'fields'"),
        (CLOSE, {"comment": ""}, "comment"),
        (
            OPEN,
            {"summary": "{incident_id} {titel}", "offer": None},
            "contains {titel}, which is not a placeholder. Did",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_said_before_any_request(player, sandbox, runbook, changes, words):
    variables = {**TICKETS, **(CLOSURE if runbook == CLOSE else {}), "incidents": [SENTINEL], **changes}
    played = play(player, runbook, {name: value for name, value in variables.items() if value is not None})
    assert played.code != 0
    assert words in " ".join(played.output.split())
    assert sandbox.journal()["entries"] == []
