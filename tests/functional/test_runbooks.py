# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The other runbooks, and the reports. test_runbook_input.py and test_unknown_variables.py cover their input."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import bulk_incident_entries
from ansible_collections.secops.itsm.tests.functional.runbooks import (
    BUSY,
    CLOSED,
    CLOSURE,
    DUMPING,
    FORWARDING,
    GONE,
    NORTHWIND,
    SIGN_IN,
    TAILSPIN,
    TICKETS,
    check_run_and_repeat,
    play,
    stored,
)

SELECTION = {
    "title_pattern": "crowd",
    "classification_reason": "InaccurateData",
    "comment": "The rule counted the test network. Rule tuned in change 4711.",
    "time_range": "FourtyEightHours",
}


def test_only_false_positives_of_all_workspaces_are_closed(player, sandbox):
    sandbox.reset(crowd=3)
    assert check_run_and_repeat(player, sandbox, "close_false_positives", SELECTION) == [
        "Check mode: 3 incidents, 0 failed; 3 would be closed.",
        "Done: 3 incidents, 0 failed; 3 closed.",
        "Nothing to do: no incident matches.",
    ]
    closed = {entry["title"] for entry in sandbox.state()["incidents"] if entry["status"] == "Closed"}
    assert {title for title in closed if "crowd" in title.lower()} | {stored(sandbox, CLOSED)["title"]} == closed
    assert sandbox.journal()["writes"] == 3


@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_more_incidents_than_max_incidents_are_refused(player, sandbox, arguments):
    sandbox.reset(crowd=3)
    variables = {**SELECTION, "max_incidents": "2", "workspace_ids": f"{NORTHWIND}, {TAILSPIN}"}
    played = play(player, "close_false_positives", variables, *arguments)
    assert played.code == 2
    assert "3 incidents match, and max_incidents allows 2. Nothing was written" in played.words
    assert sandbox.journal()["writes"] == 0


def test_filters_narrow_the_selection(player, sandbox):
    sandbox.reset(crowd=3)
    runbook = {"import_playbook": "secops.itsm.close_false_positives"}
    narrowed = ({"workspace_ids": [TAILSPIN]}, {"older_than_hours": 999_999}, {"severities": "High"})
    path = player.folder / "site.yml"
    path.write_text(json.dumps([{**runbook, "vars": {"report": False, **SELECTION, **each}} for each in narrowed]))
    played = player.play(path)
    assert (played.code, played.summaries) == (0, ["Nothing to do: no incident matches."] * 3), played.output
    assert sandbox.journal()["writes"] == 0


@pytest.mark.parametrize(
    "runbook, variables, facts",
    [
        (
            "close_false_positives",
            {**SELECTION, "title_pattern": "(", "severites": ["Low"]},
            ["title_pattern", "severites is not a variable", "severities?"],
        ),
        ("verify_connection", {"object_di": "1", "apis": "pager"}, ["object_id?", "apis", "pager"]),
        ("close_incident", {}, ["No incidents", "'classification'"]),
        (
            "close_with_ticket",
            {**TICKETS, **CLOSURE, **SIGN_IN, "summary": "{titel}", "offer": ""},
            ["{titel}", "'offer'"],
        ),
        ("reconcile_tickets", {"pairs_file": "nowhere.csv"}, ["'pairs_file' cannot be read", "nowhere.csv"]),
    ],
)
def test_invalid_input_is_refused_before_any_request(player, sandbox, runbook, variables, facts):
    played = play(player, runbook, {**variables, "report": True})
    assert played.code == 2
    assert [fact for fact in facts if fact not in played.words] == [], played.output
    assert sandbox.journal()["entries"] == []
    assert not (player.folder / "itsm-reports").exists()


def test_misspelled_inventory_and_playbook_variables_are_refused(player, sandbox):
    """Unless itsm_ignored_variables names them, or another runbook of the playbook takes them as extra variables."""
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


@pytest.mark.parametrize(
    "runbook, variables, name",
    [
        ("close_incident", {"incidents": []}, "incidents"),
        ("reconcile_tickets", {"pairs": [], "allow_empty": True}, "pairs"),
    ],
)
def test_an_empty_list_is_nothing_to_do(player, sandbox, runbook, variables, name):
    played = play(player, runbook, variables)
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
    assert check_run_and_repeat(player, sandbox, "escalate_incident", variables) == [
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


def test_a_failed_incident_skips_the_following_steps(player, sandbox):
    """The assignee of one incident does not exist; the other one uses the runbook's assignee."""
    incidents = [{**FORWARDING, "assignee_email": "nobody@northwind.example"}, DUMPING]
    common = {"comment": "Look at it.", "assignee_email": "analyst@northwind.example"}
    played = play(player, "escalate_incident", {**TICKETS, **common, "incidents": incidents})
    assert (played.code, played.summaries) == (
        2,
        ["Failed: 1 of 2 incidents failed; 2 tickets opened; 2 linked; 2 set to Active; 1 assigned; 1 commented."],
    )
    assert [len(stored(sandbox, incident)["comments"]) for incident in (FORWARDING, DUMPING)] == [0, 1]


def test_entries_override_assignee_and_comment(player, sandbox):
    """assignee_id takes precedence over assignee_email."""
    duty = "2c3d4e5f-6a7b-4c8d-9e0f-1a2b3c4d5e6f"
    incidents = [
        {**FORWARDING, "assignee_id": duty, "assignee_email": "analyst@northwind.example"},
        {**DUMPING, "comment": "Look at it."},
    ]
    played = play(player, "escalate_incident", {**TICKETS, "incidents": incidents})
    assert (played.code, played.summaries) == (
        0,
        ["Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked; 2 set to Active; 1 assigned; 1 commented."],
    ), played.output
    users = [(stored(sandbox, incident)["user"] or {}).get("email") for incident in incidents]
    assert users == ["d.duty@northwind.example", None]
    assert [len(stored(sandbox, incident)["comments"]) for incident in incidents] == [0, 1]
    mixed = {**TICKETS, "incidents": [{**FORWARDING, "assignee_email": "analyst@northwind.example"}, DUMPING]}
    played = play(player, "escalate_incident", {**mixed, "assignee_id": duty, "comment": "For all."})
    assert played.code == 0, played.output
    users = [stored(sandbox, incident)["user"]["email"] for incident in incidents]
    assert users == ["analyst@northwind.example", "d.duty@northwind.example"]


def test_incidents_are_reopened_with_a_comment(player, sandbox):
    variables = {"incidents": [CLOSED, SIGN_IN], "status": "New", "comment": "Seen again on a second host."}
    assert check_run_and_repeat(player, sandbox, "reopen_incident", variables) == [
        "Check mode: 2 incidents, 0 failed; 1 would be reopened, 1 open already.",
        "Done: 2 incidents, 0 failed; 1 reopened, 1 open already.",
        "Done: 2 incidents, 0 failed; 2 open already.",
    ]
    assert stored(sandbox, CLOSED)["status"] == "New"


def test_incidents_are_linked_to_their_tickets(player, sandbox):
    """The list is a string, as from a survey."""
    variables = {"incidents": json.dumps([{**SIGN_IN, "ticket_id": "T20261121.0042"}])}
    assert check_run_and_repeat(player, sandbox, "link_ticket", variables) == [
        "Check mode: 1 incident, 0 failed; 1 would be linked.",
        "Done: 1 incident, 0 failed; 1 linked.",
        "Done: 1 incident, 0 failed; 1 linked already.",
    ]
    assert stored(sandbox, SIGN_IN)["ticketId"] == 41877


def test_tickets_are_unlinked_unless_another_is_linked(player, sandbox):
    refused = play(player, "unlink_ticket", {**BUSY, "ticket_id": "SOC-311"})
    assert refused.code == 2
    assert "leave ticket_id out" in refused.words
    assert stored(sandbox, BUSY)["ticketId"] == "10043"
    assert check_run_and_repeat(player, sandbox, "unlink_ticket", BUSY) == [
        "Check mode: 1 incident, 0 failed; 1 would be unlinked.",
        "Done: 1 incident, 0 failed; 1 unlinked.",
        "Done: 1 incident, 0 failed; 1 without a ticket already.",
    ]
    assert stored(sandbox, BUSY)["ticketId"] is None


def test_links_are_audited_and_reconciled(player, sandbox):
    rows = [
        "workspace_id,source,incident_id,ticket_id,state",
        f"{NORTHWIND},sentinel,{SIGN_IN['incident_id']},41878,present",
        f"{TAILSPIN},DefenderXDR,50377,SOC-311,",
        f"{TAILSPIN},DefenderXDR,61024,,absent",
    ]
    (player.folder / "pairs.csv").write_text("\n".join(rows), encoding="utf-8")
    variables = {"pairs_file": "pairs.csv"}
    audit = play(player, "reconcile_tickets", {**variables, "fail_on_drift": True}, "--check")
    assert audit.code == 2
    assert "2 of 3 links had drifted" in audit.words
    assert sandbox.journal()["writes"] == 0
    assert check_run_and_repeat(player, sandbox, "reconcile_tickets", variables) == [
        # The tickets are not those of the ticketing system.
        "Check mode: 3 incidents, 0 failed; 2 would be corrected, 1 correct already; 2 with an unknown status.",
        "Done: 3 incidents, 0 failed; 2 corrected, 1 correct already; 2 with an unknown status.",
        "Done: 3 incidents, 0 failed; 3 correct already; 2 with an unknown status.",
    ]
    assert play(player, "reconcile_tickets", {**variables, "fail_on_drift": True}, "--check").code == 0
    assert [stored(sandbox, incident)["ticketId"] for incident in (SIGN_IN, BUSY)] == [41878, "10042"]


def test_report_and_custom_stats_of_a_failed_run(player, sandbox):
    """One incident is linked, and one already has another ticket."""
    incidents = [{**SIGN_IN, "ticket_id": "T20261121.0042"}, {**BUSY, "ticket_id": "SOC-311"}]
    variables = {
        "incidents": incidents,
        "requested_by": "Night shift <script>alert(1)</script>",
        "reference": "CHG-4711",
        "report_dir": "kept/here",
        "portal_url": "https://portal.example/{workspace_id}/{incident_id}",
    }
    played = play(player, "link_ticket", variables, environment={"ANSIBLE_SHOW_CUSTOM_STATS": "true"})
    assert played.code == 2
    stats = json.loads(re.search(r"CUSTOM STATS: \**\s*RUN: (\{.*\})", played.output, re.DOTALL).group(1))
    report = stats["itsm_report"]
    assert (report["runbook"], report["outcome"], report["check_mode"]) == ("link_ticket", "failed", False)
    assert report["counts"] == {"incidents": 2, "changed": 1, "ok": 0, "failed": 1, "not_reached": 0}
    assert [failure["category"] for failure in report["failures"]] == ["conflict"]
    assert stats["incidents"] == [{**SIGN_IN, "source": "Sentinel", "ticket_id": "41877"}]
    folder = player.folder / "kept" / "here"
    assert sorted(report["files"]) == sorted(map(str, folder.iterdir()))
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    texts = {path.suffix: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    secrets = [value for name, value in sandbox.environment().items() if "SECRET" in name]
    for text in texts.values():
        for words in ("Sign-in from an unusual location", SIGN_IN["incident_id"], "50377", "CHG-4711", "Night shift"):
            assert words in text
        assert "<script>alert" not in text
        assert "Next step:" in text
        assert not [secret for secret in secrets if secret in text + played.output]
        assert re.search(r"\b0H[0-9A-F]+:[0-9]{8}\b", text), "the ID of a request"
        assert f"https://portal.example/{SIGN_IN['workspace_id']}/{SIGN_IN['incident_id']}" in text
    assert not re.search(r"""src\s*=|href="(?!#|https://portal\.example/)|url\(|@import""", texts[".html"])


def test_reports_are_optional_and_written_in_check_mode(player, sandbox):
    assert play(player, "unlink_ticket", {**BUSY, "report": "no"}).code == 0
    assert not (player.folder / "itsm-reports").exists()
    predicted = play(player, "unlink_ticket", {**BUSY, "report": ""}, "--check")
    assert predicted.code == 0, predicted.output
    texts = [path.read_text(encoding="utf-8") for path in (player.folder / "itsm-reports").iterdir()]
    assert len(texts) == 2
    assert all("check mode" in text.lower() for text in texts)


def test_runs_in_the_same_second_keep_both_reports(player, sandbox):
    """Another run has written its report in each of the next 300 seconds."""
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
    assert f"/itsm-reports/{own[0]}" in played.output


def test_an_unwritable_report_dir_stops_before_any_request(player, sandbox):
    (player.folder / "taken").write_text("a file")
    played = play(player, "unlink_ticket", {**BUSY, "report_dir": "taken"})
    assert played.code == 2
    assert "report_dir" in played.words
    message = "The reports cannot be written to report_dir 'taken' (file exists): set another directory."
    assert f'"msg": "{message}"' in played.words
    assert sandbox.journal()["entries"] == []


def test_tags_select_single_steps(player, sandbox):
    variables = {**SIGN_IN, **CLOSURE, "ticket_id": "41877"}
    refused = play(player, "close_incident", variables, "--tags", "cloze")
    assert refused.code == 2
    assert "No step was run, because of --tags cloze." in refused.words
    assert "close_incident are verify, link, close." in refused.words
    assert sandbox.journal()["entries"] == []
    played = play(player, "close_incident", variables, "--tags", "link")
    assert (played.code, played.summaries) == (0, ["Done: 1 incident, 0 failed; 1 linked."]), played.output
    assert stored(sandbox, SIGN_IN)["status"] == "New"


@pytest.mark.parametrize("runbook, variables", [("close_incident", CLOSURE), ("open_ticket", TICKETS)])
def test_output_is_short_when_many_incidents_fail(player, sandbox, runbook, variables):
    """At most 20 incidents are shown, and no result of a whole list. test_runbooks.py in unit checks all list tasks."""
    sandbox.reset(crowd=2)
    incidents = bulk_incident_entries(30)
    played = play(player, runbook, {**variables, "incidents": incidents})
    assert played.code == 2
    shown = [entry["incident_id"] for entry in incidents if entry["incident_id"] in played.output]
    assert 0 < len(shown) <= 20
    assert '"... and 10 more"' in played.output
    assert 1 <= played.output.count("HTTP 404") <= 2, "each cause once"
    assert max(map(len, played.output.splitlines())) < 5_000


def test_last_lines_are_visible_with_any_setting(player, sandbox):
    """They are the message of a task, or printed by themselves if the callback plugin hides it."""
    expected = ["closed  Sentinel 6b1f0d7e  Sign-in from an unusual location", "Done: 1 incident, 0 failed; 1 closed."]
    hidden = {"ANSIBLE_DISPLAY_OK_HOSTS": "false", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"}
    for settings, marks in (
        ({}, ('        "', '"')),
        (hidden, ("", "")),
        ({**hidden, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}, ("", "")),
        ({"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}, ("    - ", "")),
    ):
        sandbox.reset()
        played = play(player, "close_incident", {**SIGN_IN, **CLOSURE}, environment=settings)
        assert played.code == 0
        lines = [line.rstrip(",").replace("'", "") for line in played.output.splitlines()]
        assert [lines.count(f"{marks[0]}{line}{marks[1]}") for line in expected] == [1, 1], played.output
        assert len(re.findall(r"^TASK ", played.output, re.MULTILINE)) == (
            1 if settings.get("ANSIBLE_DISPLAY_OK_HOSTS") else 16
        )


def test_excerpt_of_failed_run_contains_no_comment(player, sandbox):
    """Since ansible-core 2.19, an error shows some lines of the runbook."""
    for variables in (
        {**GONE, **CLOSURE},
        {**SIGN_IN, **CLOSURE, "comentt": "a"},
        {**SIGN_IN, **CLOSURE, "reference": "{{ 1 / 0 }}"},
    ):
        played = play(player, "close_incident", variables)
        assert played.code == 2
        assert re.findall(r"^\d+ +#.*$", played.output, re.MULTILINE) == []
