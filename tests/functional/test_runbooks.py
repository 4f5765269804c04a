# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other runbooks, called by their FQCN, and the report that each of them ends in."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import bulk_incident_entries

NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
TAILSPIN = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SIGN_IN = {"workspace_id": NORTHWIND, "source": "sentinel", "incident_id": "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"}
CLOSED = {"workspace_id": NORTHWIND, "source": "Sentinel", "incident_id": "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"}
DUMPING = {"workspace_id": TAILSPIN, "source": "Sentinel", "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"}
FORWARDING = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "61024"}
#: Linked to SOC-312.
BUSY = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "50377"}
SELECTION = {
    "title_pattern": "crowd",
    "classification_reason": "InaccurateData",
    "comment": "The rule counted the test network. Rule tuned in change 4711.",
    "time_range": "FourtyEightHours",
}
WITH_REPORT = {"report", "report_dir"}
CLOSURE = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "Tuned."}
TICKETS = {"team_id": "soc", "offer": "Report a security incident", "reference_field": "Incident Reference"}


def play(player, runbook, variables, *arguments, **kwargs):
    """Run a runbook; without its report, unless the variables say what becomes of it."""
    given = variables if WITH_REPORT & set(variables) else {"report": False, **variables}
    return player.play(f"secops.itsm.{runbook}", "-e", json.dumps(given), *arguments, **kwargs)


def changed(played) -> int:
    return int(re.findall(r"changed=(\d+)", played.output)[-1])


def stored(sandbox, incident):
    return next(entry for entry in sandbox.state()["incidents"] if entry["id"] == incident["incident_id"])


def rehearsed_run_and_again(player, sandbox, runbook, variables):
    """A runbook in check mode, for real, and once more; what it said each time."""
    foretold = play(player, runbook, variables, "--check", "--diff")
    assert (foretold.code, sandbox.journal()["writes"]) == (0, 0), foretold.output
    done = play(player, runbook, variables)
    assert done.code == 0, done.output
    assert changed(done) == changed(foretold) > 0
    writes = sandbox.journal()["writes"]
    again = play(player, runbook, variables)
    assert (again.code, changed(again), sandbox.journal()["writes"]) == (0, 0, writes), again.output
    return [played.summaries[0] for played in (foretold, done, again)]


def test_false_positives_of_all_workspaces_are_closed_and_nothing_else(player, sandbox):
    sandbox.reset(crowd=3)
    said = rehearsed_run_and_again(player, sandbox, "close_false_positives", SELECTION)
    assert said == [
        "Check mode: 3 incidents, 0 failed; 3 would be closed.",
        "Done: 3 incidents, 0 failed; 3 closed.",
        "Nothing to do: no incident matches.",
    ]
    closed = {entry["title"] for entry in sandbox.state()["incidents"] if entry["status"] == "Closed"}
    assert {title for title in closed if "crowd" in title.lower()} | {stored(sandbox, CLOSED)["title"]} == closed
    assert sandbox.journal()["writes"] == 3


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"max_incidents": 2}, "3 incidents match, and max_incidents allows 2. Nothing was written"),
        ({"max_incidents": "2", "workspace_ids": f"{NORTHWIND}, {TAILSPIN}"}, "max_incidents allows 2"),
    ],
)
def test_more_than_allowed_are_refused(player, sandbox, changes, words):
    sandbox.reset(crowd=3)
    for arguments in ((), ("--check",)):
        played = play(player, "close_false_positives", {**SELECTION, **changes}, *arguments)
        assert played.code != 0
        assert words in played.words
        assert sandbox.journal()["writes"] == 0


def test_the_selection_narrows(player, sandbox):
    sandbox.reset(crowd=3)
    runbook = {"import_playbook": "secops.itsm.close_false_positives"}
    narrowed = ({"workspace_ids": [TAILSPIN]}, {"older_than_hours": 999_999}, {"severities": "High"})
    path = player.folder / "site.yml"
    path.write_text(json.dumps([{**runbook, "vars": {"report": False, **SELECTION, **each}} for each in narrowed]))
    played = player.play(path)
    assert (played.code, played.summaries) == (0, ["Nothing to do: no incident matches."] * 3), played.output
    assert sandbox.journal()["writes"] == 0


@pytest.mark.parametrize(
    "runbook, variables, words",
    [
        ("close_false_positives", {**SELECTION, "title_pattern": ""}, "missing required arguments: title_pattern"),
        ("close_false_positives", {**SELECTION, "title_pattern": "("}, "title_pattern is no regular expression"),
        ("close_false_positives", {**SELECTION, "severites": ["Low"]}, "Did you mean severities?"),
        ("verify_connection", {"object_di": "1"}, "Did you mean object_id?"),
        ("close_incident", {}, "No incidents were given."),
        ("reconcile_tickets", {"pairs": []}, "There is nothing to compare, because pairs is empty."),
        ("reopen_incident", {**CLOSED, "comment": "Why", "status": "Closed"}, "value of status must be one of"),
        ("reconcile_tickets", {"pairs_file": "nowhere.csv"}, "'pairs_file' cannot be read: nowhere.csv: No such file"),
    ],
)
def test_what_is_wrong_is_said_before_any_request(player, sandbox, runbook, variables, words):
    played = play(player, runbook, variables)
    assert played.code != 0
    assert words in played.words
    assert sandbox.journal()["entries"] == []
    assert not (player.folder / "itsm-reports").exists()


def test_near_misses_of_an_inventory_and_a_playbook_are_refused(player, sandbox):
    """And what itsm_ignored_variables names is not, nor are the extra variables of the other runbook of a playbook."""
    inventory = player.folder / "inventory.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": None}, "vars": {"severites": ["Low"]}}}))
    played = play(player, "close_false_positives", SELECTION, "-i", str(inventory))
    assert (played.code, sandbox.journal()["entries"]) == (2, [])
    assert "severites, set by the inventory or the playbook, is not a variable of close_false_positives" in played.words

    both = player.folder / "both.yml"
    vars_of_both = ({"stauts": "New"}, {"older_than_hours": 999_999, "status": "x"})
    imports = [
        {"import_playbook": f"secops.itsm.{name}", "vars": variables}
        for name, variables in zip(("verify_connection", "close_false_positives"), vars_of_both)
    ]
    both.write_text(json.dumps(imports))
    extra = {**SELECTION, "report": False, "itsm_ignored_variables": "change_number, status", "change_number": 1}
    played = player.play(both, "-e", json.dumps({**extra, "itsm_ignored_variables": "change_number"}))
    assert "status, set by the inventory or the playbook" in played.words
    played = player.play(both, "-e", json.dumps(extra))
    assert (played.code, played.summaries) == (0, ["Nothing to do: no incident matches."]), played.output


def test_an_empty_list_is_nothing_to_do(player, sandbox):
    for runbook, variables in (
        ("close_incident", {"incidents": []}),
        ("reconcile_tickets", {"pairs": [], "allow_empty": True}),
    ):
        played = play(player, runbook, variables)
        (name,) = [name for name in variables if name in ("incidents", "pairs")]
        assert (played.code, played.summaries) == (0, [f"Nothing to do: {name} is empty."]), played.output
    assert sandbox.journal()["entries"] == []


def test_an_incident_is_escalated_once(player, sandbox):
    variables = {
        **TICKETS,
        **FORWARDING,
        "comment": "Taken over by the second line.",
        "assignee_email": "d.duty@northwind.example",
        "marker": "SHIFT-311",
    }
    said = rehearsed_run_and_again(player, sandbox, "escalate_incident", variables)
    assert said == [
        (
            "Check mode: 1 incident, 0 failed; 1 ticket would be opened; 1 would be linked; 1 would be set to Active; "
            "1 would be assigned; 1 would be commented."
        ),
        "Done: 1 incident, 0 failed; 1 ticket opened; 1 linked; 1 set to Active; 1 assigned; 1 commented.",
        (
            "Done: 1 incident, 0 failed; 1 ticket known already; 1 linked already; 1 Active already; "
            "1 assigned already; 1 commented already."
        ),
    ]
    incident = stored(sandbox, FORWARDING)
    assert (incident["status"], incident["user"]["email"]) == ("Active", "d.duty@northwind.example")
    assert incident["ticketId"]
    assert [comment["message"] for comment in incident["comments"]] == ["Taken over by the second line.\n\n[SHIFT-311]"]


def test_one_that_fails_at_a_step_is_left_out_of_the_next_ones(player, sandbox):
    """Its assignee is nobody; the other one has an assignee of its own."""
    incidents = [{**FORWARDING, "assignee_email": "nobody@northwind.example"}, DUMPING]
    variables = {
        **TICKETS,
        "incidents": incidents,
        "comment": "Look at it.",
        "assignee_email": "analyst@northwind.example",
    }
    played = play(player, "escalate_incident", variables)
    assert played.code != 0
    assert played.summaries == [
        "Failed: 1 of 2 incidents failed; 2 tickets opened; 2 linked; 2 set to Active; 1 assigned; 1 commented."
    ]
    assert [len(stored(sandbox, incident)["comments"]) for incident in (FORWARDING, DUMPING)] == [0, 1]


def test_only_incidents_with_an_assignee_or_a_comment_get_one(player, sandbox):
    """An identifier goes before an address; each step is one task for all incidents."""
    person = {"assignee_id": "2c3d4e5f-6a7b-4c8d-9e0f-1a2b3c4d5e6f", "assignee_email": "analyst@northwind.example"}
    incidents = [{**FORWARDING, **person}, {**DUMPING, "comment": "Look at it."}]
    played = play(player, "escalate_incident", {**TICKETS, "incidents": incidents})
    assert (played.code, played.summaries) == (
        0,
        ["Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked; 2 set to Active; 1 assigned; 1 commented."],
    ), played.output
    assert [(stored(sandbox, incident)["user"] or {}).get("email") for incident in incidents] == [
        "d.duty@northwind.example",
        None,
    ]
    assert [len(stored(sandbox, incident)["comments"]) for incident in incidents] == [0, 1]
    # For all of them, and with another one for one of them.
    mixed = {**TICKETS, "incidents": [{**FORWARDING, "assignee_email": "analyst@northwind.example"}, DUMPING]}
    played = play(player, "escalate_incident", {**mixed, "assignee_id": person["assignee_id"], "comment": "For all."})
    assert played.code == 0, played.output
    assert [stored(sandbox, incident)["user"]["email"] for incident in incidents] == [
        "analyst@northwind.example",
        "d.duty@northwind.example",
    ]


def test_an_incident_that_cannot_be_read_is_left_out_and_named(player, sandbox):
    gone = "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"
    played = play(player, "open_ticket", {**TICKETS, "incidents": [{**DUMPING, "incident_id": gone}, FORWARDING]})
    assert played.code != 0
    assert played.summaries == ["Failed: 1 of 2 incidents failed; 1 ticket opened; 1 linked."]
    assert f"Sentinel {gone}: The incident {gone} (Sentinel, " in played.words


def test_incidents_are_reopened_with_a_reason(player, sandbox):
    variables = {"incidents": [CLOSED, SIGN_IN], "status": "New", "comment": "Seen again on a second host."}
    said = rehearsed_run_and_again(player, sandbox, "reopen_incident", variables)
    assert said == [
        "Check mode: 2 incidents, 0 failed; 1 would be reopened, 1 open already.",
        "Done: 2 incidents, 0 failed; 1 reopened, 1 open already.",
        "Done: 2 incidents, 0 failed; 2 open already.",
    ]
    assert stored(sandbox, CLOSED)["status"] == "New"


def test_links_are_audited_and_reconciled(player, sandbox):
    rows = [
        "workspace_id,source,incident_id,ticket_id,state",
        f"{NORTHWIND},sentinel,{SIGN_IN['incident_id']},41878,present",
        f"{TAILSPIN},DefenderXDR,50377,SOC-311,",
        f"{TAILSPIN},DefenderXDR,61024,,absent",
    ]
    (player.folder / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    variables = {"pairs_file": "pairs.csv", "fail_on_drift": True}
    audit = play(player, "reconcile_tickets", variables, "--check")
    assert audit.code != 0
    assert audit.summaries == ["Check mode: 3 incidents, 0 failed; 2 drifted, 1 as wanted."]
    assert "2 of 3 links had drifted, and fail_on_drift is set." in audit.words
    assert sandbox.journal()["writes"] == 0
    said = rehearsed_run_and_again(player, sandbox, "reconcile_tickets", {**variables, "fail_on_drift": False})
    assert said[1:] == [
        "Done: 3 incidents, 0 failed; 2 drifted and mended, 1 as wanted.",
        "Done: 3 incidents, 0 failed; 3 as wanted.",
    ]
    assert play(player, "reconcile_tickets", variables, "--check").code == 0
    assert [stored(sandbox, incident)["ticketId"] for incident in (SIGN_IN, BUSY)] == [41878, "10042"]


def test_the_report_and_what_the_next_job_gets(player, sandbox):
    """One incident is linked, the other one has another ticket already."""
    incidents = [{**SIGN_IN, "ticket_id": "T20261121.0042"}, {**BUSY, "ticket_id": "SOC-311"}]
    variables = {
        "incidents": incidents,
        "requested_by": "Night shift <script>alert(1)</script>",
        "reference": "CHG-4711",
        "report_dir": "kept/here",
    }
    played = play(player, "link_ticket", variables, environment={"ANSIBLE_SHOW_CUSTOM_STATS": "true"})
    assert played.code != 0
    stats = json.loads(re.search(r"CUSTOM STATS: \**\s*RUN: (\{.*\})", played.output, re.DOTALL).group(1))
    report = stats["itsm_report"]
    assert (report["runbook"], report["outcome"], report["rehearsed"]) == ("link_ticket", "failed", False)
    assert report["counts"] == {"incidents": 2, "changed": 1, "ok": 0, "failed": 1, "not_reached": 0}
    assert [failure["category"] for failure in report["failures"]] == ["conflict"]
    assert stats["incidents"] == [{**SIGN_IN, "source": "Sentinel", "ticket_id": "41877"}]
    texts = {}
    for path in (player.folder / "kept" / "here").iterdir():
        assert path.stat().st_mode & 0o077 == 0
        texts[path.suffix] = path.read_text(encoding="utf-8")
    assert sorted(report["files"]) == sorted(map(str, (player.folder / "kept" / "here").iterdir()))
    for text in texts.values():
        for words in ("Sign-in from an unusual location", SIGN_IN["incident_id"], "50377", "CHG-4711", "Night shift"):
            assert words in text
        assert "<script>" not in text
        assert "Next step:" in text
        for name, value in sandbox.environment().items():
            if "SECRET" in name:
                assert value not in text + played.output
    assert all(re.search(r"\b0H[0-9A-F]+:[0-9]{8}\b", text) for text in texts.values())
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", texts[".html"])


def test_no_report_on_demand_and_one_in_check_mode(player, sandbox):
    assert play(player, "unlink_ticket", {**BUSY, "report": "no"}).code == 0
    assert not (player.folder / "itsm-reports").exists()
    predicted = play(player, "unlink_ticket", {**BUSY, "report": ""}, "--check")
    assert predicted.code == 0, predicted.output
    texts = [path.read_text(encoding="utf-8") for path in (player.folder / "itsm-reports").iterdir()]
    assert len(texts) == 2
    assert all("check mode" in text.lower() for text in texts)


def test_runs_in_the_same_second_keep_both_reports(player, sandbox):
    """In any second from now on, another run has written its report."""
    folder = player.folder / "itsm-reports"
    folder.mkdir()
    now = datetime.now(timezone.utc)
    others = {f"unlink_ticket-{now + timedelta(seconds=ahead):%Y%m%dT%H%M%SZ}.md" for ahead in range(300)}
    for name in others:
        (folder / name).write_text("of another run")
    played = play(player, "unlink_ticket", {**BUSY, "report": ""})
    assert played.code == 0, played.output
    assert {(folder / name).read_text(encoding="utf-8") for name in others} == {"of another run"}
    own = sorted(path.name for path in folder.iterdir() if path.name not in others)
    assert [path.partition("Z")[2] for path in own] == ["_2.html", "_2.md"]
    assert all(f"/itsm-reports/{name}" in played.output for name in own)


def test_a_folder_that_cannot_be_written_to_stops_the_run_before_any_request(player, sandbox):
    (player.folder / "taken").write_text("a file")
    played = play(player, "unlink_ticket", {**BUSY, "report_dir": "taken"})
    assert played.code != 0
    assert "report_dir must be a folder that can be made and written to; taken cannot: " in played.words
    assert sandbox.journal()["entries"] == []


@pytest.mark.parametrize(
    "runbook, variables, tags",
    [
        ("close_incident", {**SIGN_IN, **CLOSURE}, "verify, link, close"),
        ("close_false_positives", SELECTION, "find, close"),
        ("reconcile_tickets", {"pairs": [{**SIGN_IN, "ticket_id": "1"}]}, "link"),
    ],
)
def test_tags_that_select_no_step_are_refused(player, sandbox, runbook, variables, tags):
    played = play(player, runbook, variables, "--tags", "cloze")
    assert played.code != 0
    sentence = f"No step was run, because of --tags cloze. The tags of {runbook} are {tags}."
    assert sentence in played.words
    assert sandbox.journal()["entries"] == []


def test_output_is_short_when_many_incidents_fail(player, sandbox):
    """At most ten examples of what failed, and no result of a whole list."""
    sandbox.reset(crowd=10)
    incidents = bulk_incident_entries(100)
    wrong = [{**entry, "ticket_id": "nowhere"} for entry in incidents]
    ticket = {**TICKETS, "summary": "{title}"}
    for runbook, variables, most in (
        ("close_incident", {"incidents": incidents, **CLOSURE}, 15_000),
        ("close_incident", {"incidents": incidents, "classification": "TruePositive"}, 5_000),
        ("reopen_incident", {"incidents": incidents, "comment": "Seen again."}, 15_000),
        ("link_ticket", {"incidents": wrong}, 15_000),
        ("unlink_ticket", {"incidents": incidents}, 15_000),
        ("reconcile_tickets", {"pairs": wrong}, 15_000),
        ("open_ticket", {"incidents": incidents, **ticket}, 15_000),
    ):
        played = play(player, runbook, variables)
        assert played.code != 0
        assert len(played.output) < most, f"{runbook}: {len(played.output)} characters"
        assert max(map(len, played.output.splitlines())) < 5_000


def test_a_step_alone_by_its_tag(player, sandbox):
    variables = {
        **SIGN_IN,
        "ticket_id": "41877",
        "classification": "FalsePositive",
        "classification_reason": "InaccurateData",
        "comment": "Not yet.",
    }
    played = play(player, "close_incident", variables, "--tags", "link")
    assert (played.code, played.summaries) == (0, ["Done: 1 incident, 0 failed; 1 linked."]), played.output
    assert stored(sandbox, SIGN_IN)["status"] == "New"
