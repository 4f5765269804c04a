# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An incident refers to its ticket by a link, by a comment, or not at all."""

from __future__ import annotations

import json
from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CHAINS,
    CLOSURE,
    EACH_SYSTEM,
    FABRIKAM,
    TAILSPIN,
    Chain,
    check_run_and_repeat,
    play,
    stored,
)
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

#: The variables that closing a ticket in its own system requires.
OWN_CLOSING: Mapping[str, Mapping[str, Any]] = {
    "rezolve": {"closed_status": "Resolved"},
    "servicenow": {"close_code": "Solution provided"},
}
#: The key of a ticket's number in its record.
NUMBER = {"rezolve": "object_id", "servicenow": "number"}
TITLES = {"rezolve": "Rezolve.ai", "servicenow": "ServiceNow"}


def variables_of(chain: Chain, way: str, *incidents: Mapping[str, Any], **variables: Any) -> dict[str, Any]:
    """Return the variables of a run for incidents, by default the first one of a chain."""
    return {
        **chain.variables,
        "ticket_reference": way,
        "incidents": list(incidents) or [chain.first],
        **variables,
    }


def closing(chain: Chain, way: str, *incidents: Mapping[str, Any], **variables: Any) -> dict[str, Any]:
    """Return the variables of a run that closes incidents with their tickets."""
    return {**variables_of(chain, way, *incidents), **CLOSURE, **OWN_CLOSING[chain.system], **variables}


def comments_of(sandbox: SandboxProcess, incident: Mapping[str, Any]) -> list[str]:
    """Return the texts of the comments of an incident."""
    return [comment["message"] for comment in stored(sandbox, incident)["comments"]]


def names_of(chain: Chain, sandbox: SandboxProcess) -> dict[str, list[str]]:
    """Return the numbers of the tickets that were opened, by the ID of the incident."""
    return {
        identifier: [ticket["record"][NUMBER[chain.system]] for ticket in found]
        for identifier, found in chain.tickets(sandbox).items()
    }


def sent(sandbox: SandboxProcess) -> list[str]:
    """Return the operations of the writes of ContraForce that the sandbox received."""
    writes = [entry["operation"] for entry in sandbox.journal()["entries"] if entry["write"]]
    return [name for name in writes if name.startswith("v2-")]


@EACH_SYSTEM
def test_tickets_are_named_in_one_comment(player, sandbox, chain):
    variables = variables_of(chain, "comment", chain.first, chain.second)
    assert check_run_and_repeat(player, sandbox, "open_ticket", variables) == [
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 tickets would be named in a comment.",
        "Done: 2 incidents, 0 failed; 2 tickets opened; 2 tickets named in a comment.",
        "Done: 2 incidents, 0 failed; 2 tickets found; 2 tickets named in a comment already.",
    ]
    for incident in (chain.first, chain.second):
        (number,) = names_of(chain, sandbox)[incident["incident_id"]]
        (text,) = [text for text in comments_of(sandbox, incident) if number in text]
        assert (
            text == f"The ticket of this incident in {TITLES[chain.system]} is {number}.\n\n[service ticket {number}]"
        )
        assert stored(sandbox, incident)["ticketId"] is None
    assert set(sent(sandbox)) == {"v2-add-incident-comment"}


@pytest.mark.parametrize("way", ["comment", "none"])
@EACH_SYSTEM
def test_tickets_that_are_not_linked_are_closed_in_their_system(player, sandbox, chain, way):
    named = {"comment": [f"; 1 ticket {text} in a comment" for text in ("would be named", "named", "named")]}
    named = named.get(way, ["", "", ""])
    already = " already" if way == "comment" else ""
    assert check_run_and_repeat(player, sandbox, "close_with_ticket", closing(chain, way)) == [
        (
            f"Check mode: 1 incident, 0 failed; 1 ticket would be opened{named[0]}; 1 would be closed; "
            "1 ticket would be closed."
        ),
        f"Done: 1 incident, 0 failed; 1 ticket opened{named[1]}; 1 closed; 1 ticket closed.",
        f"Done: 1 incident, 0 failed; 1 ticket found{named[2]}{already}; 1 closed already; 1 ticket found closed.",
    ]
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert ticket["closed"]
    assert sent(sandbox) == [*(["v2-add-incident-comment"] if way == "comment" else []), "v2-update-incident-status"]


@EACH_SYSTEM
def test_given_ticket_is_named_and_closed(player, sandbox, chain):
    """Its number and its ID are accepted, and ContraForce is not asked to close it."""
    assert play(player, "open_ticket", variables_of(chain, "none", chain.first, chain.second)).code == 0
    entries = []
    for incident, key in ((chain.first, NUMBER[chain.system]), (chain.second, "sys_id")):
        (ticket,) = chain.tickets(sandbox)[incident["incident_id"]]
        entries.append({**incident, "ticket_id": ticket["record"].get(key) or ticket["record"]["object_id"]})
    entries[1]["classification_reason"] = "Malware"
    writes = sandbox.journal()["writes"]
    assert check_run_and_repeat(player, sandbox, "close_with_ticket", closing(chain, "comment", *entries), writes) == [
        (
            "Check mode: 2 incidents, 0 failed; 2 tickets would be named in a comment; 2 would be closed; "
            "2 tickets would be closed."
        ),
        "Done: 2 incidents, 0 failed; 2 tickets named in a comment; 2 closed; 2 tickets closed.",
        "Done: 2 incidents, 0 failed; 2 tickets named in a comment already; 2 closed already; 2 tickets found closed.",
    ]
    assert {found[0]["closed"] for found in chain.tickets(sandbox).values()} == {True}
    entries_sent = sandbox.journal()["entries"]
    bodies = [entry["body"] for entry in entries_sent if entry["operation"] == "v2-update-incident-status"]
    assert len(bodies) == 2
    assert not any({"updateTicket", "ticketId"} & set(body) for body in bodies)
    for entry in entries:
        marker = f"[service ticket {entry['ticket_id']}]"
        assert sum(marker in text for text in comments_of(sandbox, entry)) == 1


@EACH_SYSTEM
def test_single_steps_use_the_ticket_of_the_user(player, sandbox, chain):
    assert play(player, "open_ticket", variables_of(chain, "none", chain.first)).code == 0
    (number,) = names_of(chain, sandbox)[chain.first["incident_id"]]
    variables = closing(chain, "comment", {**chain.first, "ticket_id": number})
    named = play(player, "close_with_ticket", variables, "--tags", "link")
    assert named.summaries == ["Done: 1 incident, 0 failed; 1 ticket named in a comment."], named.output
    closed = play(player, "close_with_ticket", variables, "--tags", "close_tickets")
    assert closed.summaries == ["Done: 1 incident, 0 failed; 1 ticket closed."], closed.output
    assert (len(comments_of(sandbox, chain.first)), stored(sandbox, chain.first)["status"]) == (1, "New")


def test_ticket_of_the_user_is_closed_although_another_one_is_shown(player, sandbox):
    """The incident is linked to the first ticket, and the user names the second one."""
    chain = CHAINS["servicenow"]
    assert play(player, "open_ticket", variables_of(chain, "link", chain.first)).code == 0
    assert play(player, "open_ticket", variables_of(chain, "none", chain.second)).code == 0
    (number,) = names_of(chain, sandbox)[chain.second["incident_id"]]
    variables = closing(chain, "comment", {**chain.first, "ticket_id": number})
    played = play(player, "close_with_ticket", variables)
    assert played.code == 0, played.output
    assert [[one["closed"] for one in found] for found in chain.tickets(sandbox).values()] == [[False], [True]]
    assert f"[service ticket {number}]" in comments_of(sandbox, chain.first)[0]


@EACH_SYSTEM
def test_next_job_names_the_ticket_in_the_same_way(player, sandbox, chain):
    shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "true"}
    played = play(player, "open_ticket", variables_of(chain, "comment"), environment=shown)
    (number,) = names_of(chain, sandbox)[chain.first["incident_id"]]
    (passed,) = json.JSONDecoder().raw_decode(played.output[played.output.index('"incidents": ') + 13 :])[0]
    assert passed["ticket_id"] == number
    played = play(player, "close_with_ticket", closing(chain, "comment", passed))
    assert played.summaries == [
        "Done: 1 incident, 0 failed; 1 ticket named in a comment already; 1 closed; 1 ticket closed."
    ], played.output


@EACH_SYSTEM
def test_changed_ticket_is_named_in_another_comment(player, sandbox, chain):
    """The number of the one is a part of the number of the other."""
    for number in ("T10", "T1", "T10", "T1"):
        played = play(player, "open_ticket", variables_of(chain, "comment", {**chain.first, "ticket_id": number}))
        assert played.code == 0, played.output
    texts = comments_of(sandbox, chain.first)
    assert [sum(f"[service ticket {number}]" in text for text in texts) for number in ("T1", "T10")] == [1, 1]


def test_comment_is_not_taken_for_the_one_of_a_closed_ticket(player, sandbox):
    """The runbook close_resolved recognizes its comments by a similar text."""
    chain = CHAINS["servicenow"]
    assert play(player, "open_ticket", variables_of(chain, "comment")).code == 0
    (number,) = names_of(chain, sandbox)[chain.first["incident_id"]]
    sandbox.edit(number, {"state": "6", "close_code": "Solution provided", "close_notes": "Done."})
    variables = {"ticket_system": "servicenow", "classification": "TruePositive", "closed_tickets": [number]}
    played = play(player, "close_resolved", variables)
    assert played.code == 0, played.output
    assert stored(sandbox, chain.first)["status"] == "Closed"
    texts = comments_of(sandbox, chain.first)
    assert [sum(text in comment for comment in texts) for text in ("[service ticket ", "[ticket ")] == [1, 1]


@EACH_SYSTEM
def test_lost_response_to_the_comment_leaves_one_comment(player, sandbox, chain):
    sandbox.set_faults({"operation": "v2-add-incident-comment", "drop": True, "when": "after", "times": 1})
    played = play(player, "open_ticket", variables_of(chain, "comment"))
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 ticket opened; 1 ticket named in a comment."]
    assert sum("[service ticket " in text for text in comments_of(sandbox, chain.first)) == 1


@EACH_SYSTEM
def test_incident_whose_ticket_cannot_be_named_is_not_closed(player, sandbox, chain):
    sandbox.set_faults({"operation": "v2-add-incident-comment", "status": 403, "times": -1})
    before = stored(sandbox, chain.first)["status"]
    played = play(player, "close_with_ticket", closing(chain, "comment"))
    assert (played.code, played.summaries) == (2, ["Failed: 1 of 1 incident failed; 1 ticket opened."])
    assert stored(sandbox, chain.first)["status"] == before
    (ticket,) = chain.tickets(sandbox)[chain.first["incident_id"]]
    assert not ticket["closed"]


@EACH_SYSTEM
def test_escalation_names_the_ticket_besides_its_own_comment(player, sandbox, chain):
    variables = variables_of(chain, "comment", comment="Handed over.")
    summaries = check_run_and_repeat(player, sandbox, "escalate_incident", variables)
    assert "1 ticket opened; 1 ticket named in a comment" in summaries[1]
    assert "1 commented." in summaries[1]
    texts = comments_of(sandbox, chain.first)
    assert [sum(text in comment for comment in texts) for text in ("[service ticket ", "Handed over.")] == [1, 1]


# --- links of ContraForce -------------------------------------------------------------------------------------------


def test_link_to_another_system_fails_and_names_the_variable(player, sandbox):
    """The workspace is connected to another system, and one of its tickets has the given number."""
    chain = CHAINS["servicenow"]
    incident = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "61024", "ticket_id": "SOC-311"}
    variables = closing(chain, "auto", incident, classification_reason="Malware", verify_timeout=2)
    played = play(player, "close_with_ticket", variables)
    assert played.code == 2
    assert "shows SOC-311 as a ticket of Jira, not of ServiceNow" in played.words
    assert "set 'ticket_reference' to comment" in played.words
    assert stored(sandbox, incident)["status"] != "Closed"
    assert sent(sandbox) == ["v2-link-ticket"]


@pytest.mark.parametrize("arguments", [["--check"], []], ids=["check", "run"])
def test_known_ticket_of_another_system_is_refused_by_a_link(player, sandbox, arguments):
    variables = variables_of(CHAINS["servicenow"], "link", BUSY)
    played = play(player, "open_ticket", variables, *arguments)
    assert played.code == 2
    assert "shows SOC-312 as a ticket of Jira, not of ServiceNow" in played.words
    assert sandbox.journal()["writes"] == 0


@pytest.mark.parametrize("system", ["rezolve", "servicenow"])
def test_known_ticket_of_another_system_is_ignored_by_a_comment(player, sandbox, system):
    """ContraForce is connected to Jira, and shows the issue that it linked."""
    variables = variables_of(CHAINS[system], "comment", BUSY)
    played = play(player, "open_ticket", variables)
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 ticket opened; 1 ticket named in a comment."], (
        played.output
    )
    assert stored(sandbox, BUSY)["ticketId"] == "10043"
    assert not any("SOC-312" in text for text in comments_of(sandbox, BUSY))


@EACH_SYSTEM
def test_link_that_is_not_set_names_the_variable(player, sandbox, chain):
    sandbox.reset(profile={"missing_ticket": "unset"})
    incident = {**chain.first, "ticket_id": "X-999"}
    played = play(player, "open_ticket", variables_of(chain, "link", incident))
    assert played.code == 2
    assert "reports that no ticket is set" in played.words
    assert f"cannot link tickets of {TITLES[chain.system]}, set 'ticket_reference' to comment" in played.words


def test_workspace_without_ticketing_system_names_the_variable(player, sandbox):
    chain = CHAINS["servicenow"]
    incident = next(
        {
            "workspace_id": one["workspaceId"],
            "source": one["source"],
            "incident_id": one["id"],
            "ticket_id": "INC0012345",
        }
        for one in sandbox.state()["incidents"]
        if one["workspaceId"] == "7f8091a2-b3c4-4d5e-8f60-718293041526"
    )
    played = play(player, "open_ticket", variables_of(chain, "link", incident))
    assert played.code == 2
    assert "The workspace has no ticketing system" in played.words
    assert "set 'ticket_reference' to comment" in played.words


# --- the report -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "way, text", [("auto", "link (auto)"), ("link", "link"), ("comment", "comment"), ("none", "none")]
)
def test_report_shows_the_way(player, sandbox, way, text):
    variables = {**variables_of(CHAINS["servicenow"], way), "report_dir": "reports"}
    played = play(player, "open_ticket", variables, "--check")
    assert played.code == 0, played.output
    (report,) = (player.folder / "reports").glob("*.md")
    content = report.read_text(encoding="utf-8")
    assert f"Ticket reference | {text} |" in content
    assert ("Not checked: whether ContraForce can link tickets of ServiceNow." in content) is (way in ("auto", "link"))


# --- input ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables, text",
    [
        ({"ticket_reference": "comments"}, "ticket_reference"),
        ({"ticket_reference": "link", "link": False}, "'link' is false, but 'ticket_reference' is link."),
        ({"ticket_reference": "comment", "link": "yes"}, "'link' is true, but 'ticket_reference' is comment."),
    ],
    ids=["unknown", "not linked", "linked"],
)
def test_contradicting_variables_are_refused(player, sandbox, variables, text):
    chain = CHAINS["servicenow"]
    refused = play(player, "open_ticket", {**chain.variables, **chain.first, **variables})
    assert refused.code == 2
    assert text in refused.words
    assert sandbox.journal()["entries"] == []


@EACH_SYSTEM
def test_contraforce_cannot_be_asked_to_close_tickets_without_links(player, sandbox, chain):
    variables = closing(chain, "comment", ticket_closing="contraforce")
    refused = play(player, "close_with_ticket", variables)
    assert refused.code == 2
    assert "ContraForce only closes linked tickets" in refused.words
    assert sandbox.journal()["entries"] == []


@pytest.mark.parametrize(
    "former, summary",
    [
        (False, "Done: 1 incident, 0 failed; 1 ticket opened."),
        (True, "Done: 1 incident, 0 failed; 1 ticket opened; 1 linked."),
    ],
    ids=["false", "true"],
)
@EACH_SYSTEM
def test_deprecated_variable_works(player, sandbox, chain, former, summary):
    played = play(player, "open_ticket", variables_of(chain, "", link=former))
    assert played.summaries == [summary], played.output
    assert "'link' is deprecated and will be removed in 1.0." in played.words


@EACH_SYSTEM
def test_default_depends_on_the_system(player, sandbox, chain):
    played = play(player, "open_ticket", variables_of(chain, ""))
    named = "linked" if chain.system == "servicenow" else "ticket named in a comment"
    assert played.summaries == [f"Done: 1 incident, 0 failed; 1 ticket opened; 1 {named}."], played.output
    assert (stored(sandbox, chain.first)["ticketId"] is None) is (chain.system == "rezolve")


def test_missing_status_names_both_ways_out(player, sandbox):
    chain = CHAINS["rezolve"]
    variables = {**closing(chain, "auto"), "closed_status": ""}
    refused = play(player, "close_with_ticket", variables)
    assert refused.code == 2
    assert "'closed_status' is missing. Set it to close tickets of Rezolve.ai, or set 'ticket_reference' to link" in (
        refused.words
    )
    assert sandbox.journal()["entries"] == []
    linked = play(player, "close_with_ticket", {**variables, "ticket_reference": "link"})
    assert linked.summaries[0].startswith("Done: 1 incident, 0 failed; 1 ticket opened; 1 linked; 1 closed"), (
        linked.output
    )


def test_workspace_of_the_chain_is_connected_to_the_system():
    """Otherwise, the tests of links would fail for another reason."""
    assert CHAINS["servicenow"].first["workspace_id"] == FABRIKAM
    assert CHAINS["rezolve"].first["workspace_id"] == TAILSPIN
