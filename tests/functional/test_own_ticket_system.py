# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ticketing system that the collection does not ship, by the path of its directory: the examples in docs/tickets."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.conftest import Player
from ansible_collections.secops.itsm.tests.functional.own_systems import (
    FIRST_ID,
    FIRST_NUMBER,
    PASSWORD,
    USER,
    ConnectWise,
    Jira,
    Reply,
    Service,
    serve,
)
from ansible_collections.secops.itsm.tests.functional.runbooks import (
    CLOSURE,
    DUMPING,
    FORWARDING,
    MARKS,
    TAILSPIN,
    changed_tasks,
    play,
    stored,
)
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SEED_FILE, SandboxProcess

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "tickets"

#: The directory with the collection community.general, which "make functional" unpacks.
COMMUNITY = os.environ.get("SECOPS_ITSM_COMMUNITY", "")

NEEDS_COMMUNITY = pytest.mark.skipif(not COMMUNITY, reason="make functional unpacks community.general")

#: The variables of the examples.
VARIABLES: Mapping[str, Mapping[str, Any]] = {
    "jira": {"jira_project": "SOC", "fields": {"priority": {"name": "High"}, "labels": ["soc"]}},
    "connectwise": {"company": "Tailspin", "board": "Security", "fields": {"initialDescription": "{title}"}},
}
#: An incident in the format of a seed, besides its identity and title.
RAISED: Mapping[str, Any] = {
    "workspaceId": TAILSPIN,
    "source": "DefenderXDR",
    "severity": "High",
    "status": "New",
    "createdAt": "2026-11-20T22:41:07.113Z",
    "updatedAt": "2026-11-20T22:41:07.113Z",
}
#: The requests that create a ticket.
CREATIONS = {"jira": "POST /rest/api/2/issue/", "connectwise": "POST /service/tickets"}
#: What another agent sets to close or cancel a ticket, and the requests that list closed tickets.
CLOSED: Mapping[str, Mapping[str, Any]] = {
    "jira": {"resolution": {"name": "Fixed"}},
    "connectwise": {"status": ">Closed"},
}
CANCELED: Mapping[str, Mapping[str, Any]] = {
    "jira": {"resolution": {"name": "Won't Do"}},
    "connectwise": {"status": ">Canceled"},
}
SEARCHES = {"jira": "GET /rest/api/2/search", "connectwise": "GET /service/tickets"}
OF_BOTH = pytest.mark.parametrize(
    "service, name",
    [pytest.param("jira", "jira", marks=NEEDS_COMMUNITY), ("connectwise", "connectwise")],
    indirect=["service"],
)
SERVICES: Mapping[str, type[Service]] = {"jira": Jira, "connectwise": ConnectWise}


def label_of(incident: Mapping[str, str]) -> str:
    """Return the label of an incident's issue."""
    return "_".join(["contraforce", *(incident[name] for name in ("source", "incident_id", "workspace_id"))])


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Start a sandbox that knows the issues which the service will create."""
    content = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    content["tickets"] += [
        {"id": str(FIRST_ID + n), "number": f"SOC-{FIRST_NUMBER + n}", "system": "Jira", "state": "Open"}
        for n in range(4)
    ]
    seed = tmp_path_factory.mktemp("seed") / "seed.yml"
    seed.write_text(yaml.safe_dump(content), encoding="utf-8")
    with SandboxProcess(seed) as process:
        yield process


@pytest.fixture(name="service")
def fixture_service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """Serve the ticketing system of an example, by default Jira."""
    yield from serve(SERVICES[getattr(request, "param", "jira")]())


@pytest.fixture(name="player")
def fixture_player(tmp_path: Path, sandbox: SandboxProcess, service: Service) -> Player:
    """Return a player whose playbooks reach both services."""
    sandbox.reset()
    prefix = "JIRA" if isinstance(service, Jira) else "CONNECTWISE"
    environment = {
        **sandbox.environment(),
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(filter(None, [str(COLLECTIONS), COMMUNITY])),
        f"{prefix}_URL": service.url,
        f"{prefix}_USERNAME": USER,
        f"{prefix}_PASSWORD": PASSWORD,
        f"{prefix}_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
    }
    return Player(tmp_path, environment)


def check_run_again(player, service, runbook, variables, *arguments):
    """Run a runbook in check mode, for real, and again. Return the summaries."""
    before = len(service.writes)
    predicted = play(player, runbook, variables, "--check", *arguments)
    assert (predicted.code, len(service.writes)) == (0, before), predicted.output
    done = play(player, runbook, variables, *arguments)
    assert done.code == 0, done.output
    writes = len(service.writes)
    again = play(player, runbook, variables, *arguments)
    assert (again.code, changed_tasks(again), len(service.writes)) == (0, 0, writes), again.output
    return [played.summaries[0] for played in (predicted, done, again)]


@NEEDS_COMMUNITY
def test_issues_of_jira_are_opened_once_and_linked(player, sandbox, service):
    variables = {"ticket_system": str(EXAMPLES / "jira"), **VARIABLES["jira"], "incidents": [DUMPING, FORWARDING]}
    assert check_run_again(player, service, "open_ticket", variables) == [
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 would be linked.",
        "Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked.",
        "Done: 2 incidents, 0 failed; 2 tickets known already; 2 linked already.",
    ]
    issues = list(service.tickets.values())
    assert [issue["fields"]["labels"] for issue in issues] == [
        ["soc", label_of(DUMPING)],
        ["soc", label_of(FORWARDING)],
    ]
    assert issues[0]["fields"]["summary"] == (
        f"Sentinel incident {DUMPING['incident_id']}: Credential dumping on SRV-DC02"
    )
    assert issues[0]["fields"]["priority"] == {"name": "High"}
    assert stored(sandbox, DUMPING)["ticketId"] == issues[0]["id"]


@NEEDS_COMMUNITY
def test_issues_of_jira_are_closed_with_their_incidents(player, sandbox, service):
    variables = {
        "ticket_system": str(EXAMPLES / "jira"),
        **VARIABLES["jira"],
        **CLOSURE,
        "jira_resolution": "Fixed",
        "incidents": [DUMPING, FORWARDING],
    }
    predicted, done, again = check_run_again(player, service, "close_with_ticket", variables)
    assert predicted.startswith("Check mode: 2 incidents, 0 failed; 2 tickets would be opened")
    assert "2 tickets opened; 2 linked; 2 closed" in done
    assert again.startswith("Done: 2 incidents, 0 failed;")
    for issue in service.tickets.values():
        assert issue["fields"]["status"]["name"] == "Done"
        assert issue["fields"]["resolution"] == {"name": "Fixed"}
        assert issue["comments"] == [CLOSURE["comment"]]
    # Another agent reopens an issue.
    first = service.tickets[str(FIRST_ID)]
    first["fields"]["status"] = {"name": "To Do", "statusCategory": {"key": "new"}}
    predicted, done, again = check_run_again(player, service, "close_with_ticket", variables)
    assert ("1 ticket would be closed" in predicted, "1 ticket closed" in done) == (True, True), (predicted, done)
    assert service.writes[-1] == "POST /rest/api/2/issue/SOC-401/transitions"


@OF_BOTH
def test_odd_identities_and_titles_are_only_text(player, sandbox, service, name):
    odd = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": 'a/b "c\\d'}
    title = "{{ 7 * 7 }} {% raw %} {'a': 1}"
    sandbox.add_incidents({**RAISED, "id": odd["incident_id"], "title": title})
    variables = {"ticket_system": str(EXAMPLES / name), **VARIABLES[name], **odd, "ticket_reference": "none"}
    for changes in (1, 0):
        played = play(player, "open_ticket", variables)
        assert (played.code, changed_tasks(played), len(service.tickets)) == (0, changes, 1), played.output
    ticket = service.tickets[str(FIRST_ID)]
    assert ticket.get("fields", ticket)["summary"] == f"DefenderXDR incident {odd['incident_id']}: {title}"
    if name == "connectwise":
        assert ticket["initialDescription"] == title
        assert ticket["externalXRef"] == f"DefenderXDR a/b %22c%5Cd {TAILSPIN}"
    else:
        assert ticket["fields"]["labels"] == ["soc", f"contraforce_DefenderXDR_a/b_%22c%5Cd_{TAILSPIN}"]


@NEEDS_COMMUNITY
def test_an_issue_is_found_by_its_label(player, service):
    variables = {"ticket_system": str(EXAMPLES / "jira"), **VARIABLES["jira"], **DUMPING, "ticket_reference": "none"}
    assert play(player, "open_ticket", variables).code == 0
    found = play(player, "open_ticket", variables)
    assert (changed_tasks(found), len(service.tickets)) == (0, 1), found.output
    # Two issues with the label are not guessed between.
    twin = {**service.tickets[str(FIRST_ID)], "id": "999", "key": "SOC-999"}
    service.tickets["999"] = twin
    refused = play(player, "open_ticket", variables)
    assert refused.code == 2
    assert (
        f"The issues SOC-401, SOC-999 have the label {label_of(DUMPING)}. Remove it from all but one." in refused.words
    )


@NEEDS_COMMUNITY
@pytest.mark.parametrize("request_line", ["GET /rest/api/2/search", "POST /rest/api/2/issue/"])
def test_a_failure_of_jira_is_reported_for_its_incident(player, service, request_line):
    service.refusals[request_line] = Reply(400, {"errorMessages": ["The board is on fire."]})
    variables = {"ticket_system": str(EXAMPLES / "jira"), **VARIABLES["jira"], "incidents": [DUMPING, FORWARDING]}
    failed = play(player, "open_ticket", variables)
    assert failed.code == 2
    assert failed.summaries == ["Failed: 1 of 2 incidents failed; 1 ticket opened; 1 linked."]
    assert "The board is on fire." in failed.words
    assert len(service.tickets) == 1
    again = play(player, "open_ticket", variables)
    assert (again.code, len(service.tickets)) == (0, 2), again.output


#: Responses to a search that do not show that the ticket is missing, and words of the messages.
OTHERS = {
    "jira": {"issues": [{"id": str(n), "key": f"SOC-{n}", "fields": {"labels": ["other"]}} for n in range(10)]},
    "connectwise": [{"id": n, "externalXRef": "other"} for n in range(10)],
}
NO_LIST = {"jira": [{}, []], "connectwise": [{}, "text", None]}


@OF_BOTH
def test_no_ticket_is_created_after_an_odd_search(player, service, name):
    variables = {"ticket_system": str(EXAMPLES / name), **VARIABLES[name], **DUMPING, "ticket_reference": "none"}
    for body in (*NO_LIST[name], OTHERS[name]):
        service.refusals[SEARCHES[name]] = Reply(200, body)
        failed = play(player, "open_ticket", variables)
        assert (failed.code, service.writes) == (2, []), failed.output
        words = "returned other" if body is OTHERS[name] else "contains no list"
        assert words in failed.words, failed.output


@OF_BOTH
def test_messages_of_a_service_are_only_text(player, service, name):
    text = "The board is on fire: {{ 7 * 7 }} {% raw %}"
    variables = {"ticket_system": str(EXAMPLES / name), **VARIABLES[name], **DUMPING, "ticket_reference": "none"}
    for request in (SEARCHES[name], CREATIONS[name]):
        service.refusals[request] = Reply(400, {"errorMessages": [text], "message": text})
        failed = play(player, "open_ticket", variables)
        assert (failed.code, text in failed.words, service.tickets) == (2, True, {}), failed.output


@NEEDS_COMMUNITY
def test_connection_to_jira_is_checked(player, service):
    variables = {"ticket_system": str(EXAMPLES / "jira")}
    played = play(player, "verify_connection", variables)
    assert played.code == 0, played.output
    assert "The account can see no issue." in played.words
    missing = play(player, "open_ticket", {**variables, **VARIABLES["jira"], **DUMPING}, environment={"JIRA_URL": ""})
    assert missing.code == 2
    assert "To connect to Jira, set jira_url (or the environment variable JIRA_URL)." in missing.words
    assert service.writes == []


@OF_BOTH
def test_an_interrupted_creation_is_found_again(player, service, name):
    variables = {"ticket_system": str(EXAMPLES / name), **VARIABLES[name], **DUMPING, "ticket_reference": "none"}
    service.lost.add(CREATIONS[name])
    failed = play(player, "open_ticket", variables, "-vvv")
    assert (failed.code, len(service.tickets)) == (2, 1), failed.output
    assert "Bad gateway." in failed.words
    secrets = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
    assert not any(secret in failed.output for secret in secrets)
    found = play(player, "open_ticket", variables)
    assert (found.code, changed_tasks(found), len(service.tickets)) == (0, 0, 1), found.output


@OF_BOTH
def test_incidents_of_closed_tickets_are_closed_once(player, sandbox, service, name):
    # The ID of the second one has special characters.
    incidents = [DUMPING, MARKS, FORWARDING]
    opening = {"ticket_system": str(EXAMPLES / name), **VARIABLES[name], "ticket_reference": "none"}
    opened = play(player, "open_ticket", {**opening, "incidents": incidents})
    assert opened.code == 0, opened.output
    first, second, third = service.tickets
    service.close(first, **CLOSED[name])
    service.close(second, **CANCELED[name])
    closing = {
        **{key: value for key, value in opening.items() if key not in ("fields", "ticket_reference")},
        **CLOSURE,
        "resolution_map": {
            word: {"classification": "TruePositive", "classification_reason": "SuspiciousActivity"}
            for word in ("fixed", ">closed")
        },
    }
    refusal = "No {{ 7 * 7 }}."
    service.refusals[SEARCHES[name]] = Reply(403, {"errorMessages": [refusal], "message": refusal})
    failed = play(player, "close_resolved", closing)
    assert (failed.code, refusal in failed.words) == (2, True), failed.output
    assert check_run_again(player, service, "close_resolved", closing) == [
        "Check mode: 1 incident, 0 failed; 1 would be closed.",
        "Done: 1 incident, 0 failed; 1 closed.",
        "Nothing to do: no open incident has a ticket that was closed.",
    ]
    assert [stored(sandbox, one)["status"] for one in incidents] == ["Closed", "New", "New"]
    record = stored(sandbox, DUMPING)
    assert record["classification"] == "TruePositive"
    number = service.tickets[first].get("key", first)
    assert sum(f"[ticket {number} closed]" in one["message"] for one in record["comments"]) == 1
    # The tickets by number: that of the incident with special characters, an open one, and one that does not exist.
    service.close(second, **CLOSED[name])
    limited = play(player, "close_resolved", {**closing, "max_tickets": 1}, "--check")
    assert (limited.code, "Only the newest ticket was listed" in limited.words) == (0, True), limited.output
    number, missing = service.tickets[second].get("key", second), "SOC-9" if name == "jira" else "9"
    named = play(player, "close_resolved", {**closing, "closed_tickets": [number, third, missing]})
    assert (named.code, f"{missing}: " in named.words) == (2, True), named.output
    assert [stored(sandbox, one)["status"] for one in incidents] == ["Closed", "Closed", "New"]


def test_a_directory_without_resolved_only_fails_to_close_resolved(player, sandbox, service, tmp_path):
    folder = Path(shutil.copytree(EXAMPLES / "jira", tmp_path / "mine"))
    (folder / "resolved.yml").unlink()
    before = sandbox.journal()
    variables = {"ticket_system": "./mine", "jira_project": "SOC", "classification": "FalsePositive"}
    refused = play(player, "close_resolved", variables)
    assert (refused.code, f"{folder}/resolved.yml is missing" in refused.words) == (2, True), refused.output
    assert (sandbox.journal(), service.writes) == (before, [])
    accepted = play(player, "close_incident", {**variables, **CLOSURE, **DUMPING}, "--check")
    assert accepted.code == 0, accepted.output


OF_CONNECTWISE = pytest.mark.parametrize("service", ["connectwise"], indirect=True)


@OF_CONNECTWISE
def test_tickets_of_connectwise_are_opened_once(player, service):
    variables = {
        "ticket_system": str(EXAMPLES / "connectwise"),
        **VARIABLES["connectwise"],
        "ticket_reference": "none",
        "incidents": [DUMPING, FORWARDING],
    }
    assert check_run_again(player, service, "open_ticket", variables) == [
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened.",
        "Done: 2 incidents, 0 failed; 2 tickets opened.",
        "Done: 2 incidents, 0 failed; 2 tickets found.",
    ]
    ticket = service.tickets[str(FIRST_ID)]
    assert ticket["externalXRef"] == " ".join(DUMPING[name] for name in ("source", "incident_id", "workspace_id"))
    assert (ticket["company"], ticket["board"]) == ({"identifier": "Tailspin"}, {"name": "Security"})
    assert ticket["initialDescription"] == "Credential dumping on SRV-DC02"
    service.refusals["GET /service/tickets"] = Reply(403, {"code": "Forbidden", "message": "No access to this board."})
    failed = play(player, "open_ticket", variables)
    assert failed.summaries == ["Failed: 1 of 2 incidents failed; 1 ticket found."]
    assert "No access to this board." in failed.words
    assert len(service.tickets) == 2


@OF_CONNECTWISE
def test_tickets_of_connectwise_are_closed_with_their_incidents(player, sandbox, service):
    variables = {
        "ticket_system": str(EXAMPLES / "connectwise"),
        **VARIABLES["connectwise"],
        **CLOSURE,
        "incidents": [DUMPING, FORWARDING],
    }
    _predicted, done, _again = check_run_again(player, service, "close_with_ticket", variables)
    assert "2 tickets opened; 2 tickets named in a comment; 2 closed; 2 tickets closed" in done
    assert stored(sandbox, DUMPING)["status"] == "Closed"
    assert all(ticket["closedFlag"] for ticket in service.tickets.values())
    # Another agent reopens a ticket, and its board has another status for closed ones.
    service.tickets[str(FIRST_ID)].update(status={"name": "New"}, closedFlag=False)
    failed = play(player, "close_with_ticket", {**variables, "closed_status": "Resolved"})
    assert failed.code == 2
    assert "The status Resolved does not close the ticket. Set closed_status to one that does." in failed.words
    predicted, done, _again = check_run_again(player, service, "close_with_ticket", variables)
    assert ("1 ticket would be closed" in predicted, "1 ticket closed" in done) == (True, True), (predicted, done)


@OF_CONNECTWISE
def test_connection_to_connectwise_is_checked(player, service):
    played = play(player, "verify_connection", {"ticket_system": str(EXAMPLES / "connectwise")})
    assert (played.code, "The account can see no ticket." in played.words) == (0, True), played.output
    refused = play(
        player,
        "verify_connection",
        {"ticket_system": str(EXAMPLES / "connectwise"), "connectwise_password": "wrong"},
    )
    assert (refused.code, "Not authenticated." in refused.words) == (2, True), refused.output
    assert service.writes == []


def test_an_invalid_directory_is_refused_before_any_request(player, sandbox, service, tmp_path):
    shutil.copytree(EXAMPLES / "jira", tmp_path / "site" / "mine")
    file = tmp_path / "site" / "mine" / "system.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("title: Jira", "titel: Jira"), encoding="utf-8")
    before = sandbox.journal()
    # The working directory of the player.
    for path, message in {
        "site/mine": f"{tmp_path}/site/mine/system.yml: 'title' is missing.",
        "./mine": "'ticket_system' is the path './mine', but there is no such directory. Searched: ",
    }.items():
        played = play(player, "close_with_ticket", {"ticket_system": path, **VARIABLES["jira"], **CLOSURE, **DUMPING})
        assert (played.code, message in played.words) == (2, True), played.output
        checked = play(player, "verify_connection", {"ticket_system": path})
        assert (checked.code, message in checked.words) == (2, True), checked.output
    assert (sandbox.journal(), service.writes) == (before, [])


def test_other_runbooks_accept_the_variables_of_the_same_file(player, service):
    # A team has one file of variables for all runbooks.
    variables = {"ticket_system": str(EXAMPLES / "jira"), **VARIABLES["jira"], "jira_token": "x"}
    played = play(player, "close_incident", {**variables, **CLOSURE, **DUMPING}, "--check")
    assert played.code == 0, played.output
    refused = play(player, "close_incident", {**variables, "jira_tokn": "x", **CLOSURE, **DUMPING}, "--check")
    assert (refused.code, "Did you mean jira_token?" in refused.words) == (2, True), refused.output
    assert service.writes == []
