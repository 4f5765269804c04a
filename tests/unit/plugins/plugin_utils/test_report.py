# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the report of a runbook as data, and the incidents that remain after a step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.filter.runbook_entries import runbook_entries
from ansible_collections.secops.itsm.plugins.filter.runbook_left import runbook_left
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import VERSION
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.plugins.plugin_utils import step_results
from ansible_collections.secops.itsm.plugins.plugin_utils.report import (
    DEFAULT_NEXT_STEP,
    NEXT_STEPS,
    STEPS,
    TICKET_CLOSED,
    TICKET_WOULD_BE_CLOSED,
    build_report,
    changes,
)

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
UUID = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
ABOUT = {"runbook": "close_incident", "title": "Close incidents", "check_mode": False, "head": [], "asked": {}}
SKIPPED = {"name": "link", "result": {"skipped": True}}


def named(number: Any = 1, **values: Any) -> dict[str, Any]:
    """Return an incident of a runbook's list."""
    return {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": str(number), **values}


BOTH = [named(1), named(2)]


def ok(number: Any = 1, changed: bool = False, **values: Any) -> dict[str, Any]:
    """Return a successful outcome in a list."""
    return {**named(number), "changed": changed, "failed": False, "error": None, **values}


def failed(number: Any = 1, msg: str = "It broke.", category: str | None = "conflict", **values: Any) -> dict[str, Any]:
    """Return a failed outcome in a list."""
    error = {"category": category, "request_id": "r-1"}
    return {**named(number), "changed": False, "failed": True, "msg": msg, "error": error, **values}


def looped(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return an outcome as that of a loop's item."""
    rest = {key: value for key, value in outcome.items() if key not in named()}
    return {"item": {key: outcome[key] for key in named()}, "ansible_loop_var": "item", **rest}


def step(name: str, *outcomes: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Return a step of a runbook with its outcomes."""
    is_failed = any(outcome.get("failed") for outcome in outcomes)
    return {"name": name, "result": {"results": list(outcomes), "failed": is_failed}, **values}


def report(*steps: dict[str, Any], incidents: Any = None, **about: Any) -> dict[str, Any]:
    """Return the report of a run, which must not change its input and must be JSON."""
    listed = [named()] if incidents is None else incidents
    before = json.dumps([steps, about, listed])
    made = build_report(steps, {**ABOUT, **about}, listed)
    assert json.dumps([steps, about, listed]) == before
    assert json.loads(json.dumps(made)) == made
    return made


def row(*steps: dict[str, Any], **about: Any) -> dict[str, Any]:
    """Return the report's only incident."""
    (found,) = report(*steps, **about)["incidents"]
    return found


def only_step(name: str, outcome: dict[str, Any], **about: Any) -> dict[str, Any]:
    """Return the report's only step."""
    (found,) = row(step(name, outcome), **about)["steps"]
    return found


# --- outcome and summary --------------------------------------------------------------------------------------------


def summary(*steps: dict[str, Any], **kwargs: Any) -> tuple[str, str]:
    """Return the outcome and the summary of a run."""
    made = report(*steps, **kwargs)
    return made["outcome"], made["summary"]


def test_summary_counts_the_results():
    assert summary(step("close", ok(1, True))) == ("changed", "Done: 1 incident, 0 failed; 1 closed.")
    assert summary(step("close", ok(1))) == ("ok", "Done: 1 incident, 0 failed; 1 closed already.")
    assert summary(step("close", failed(1))) == ("failed", "Failed: 1 of 1 incident failed.")
    assert summary(step("close")) == ("failed", "Failed: 1 of 1 incident not reached.")
    closing = step("close", ok(1, True), ok(2), failed(3))
    text = "Failed: 1 of 4 incidents failed, 1 not reached; 1 closed, 1 closed already."
    assert summary(closing, incidents=[*BOTH, named(3), named(4)]) == ("failed", text)


def test_summary_of_a_run_that_ended_early_has_the_reason():
    text = "Failed: 1 of 2 incidents failed, 1 not reached; the run was stopped."
    assert summary(step("verify", ok(1), failed(2)), incidents=BOTH, stopped="Stop.") == ("failed", text)
    broken = {"name": "link", "result": {"failed": True, "msg": "m"}}
    assert summary(broken, incidents=BOTH) == ("failed", "Failed: 2 of 2 incidents not reached; a step failed.")


def test_summary_without_incidents_has_the_reason():
    nothing = {"incidents": [], "nothing_to_do": "incidents is empty"}
    assert summary(**nothing) == ("ok", "Nothing to do: incidents is empty.")
    assert summary(step("find", failed()), **nothing) == ("failed", "Failed: 1 of 1 incident failed.")
    steps = [{"name": "close", "result": {}}, SKIPPED]
    assert summary(*steps, incidents=[]) == ("ok", "Done: 0 incidents, 0 failed.")


def test_summary_of_check_mode_is_a_prediction_unless_it_failed():
    steps = [step("link", ok(1, True)), step("close", ok(1, True))]
    text = "Check mode: 1 incident, 0 failed; 1 would be linked; 1 would be closed."
    assert summary(*steps, check_mode=True) == ("changed", text)
    text = "Failed in check mode: 1 of 2 incidents failed; 1 would be closed."
    assert summary(step("close", ok(1, True), failed(2)), incidents=BOTH, check_mode=True) == ("failed", text)


def test_summary_lists_tickets_that_were_not_checked():
    closing = step("close", ok(1, unverified=["update_ticket"], diff=None))
    unchecked = "tickets not checked, because their incidents were closed already: 41877."
    text = f"Done: 1 incident, 0 failed; 1 closed already; {unchecked}"
    assert summary(closing, incidents=[named(ticket_id="41877")]) == ("ok", text)


def test_summary_lists_only_some_of_many_tickets():
    closing = step("close", *(ok(number, unverified=["update_ticket"], diff=None) for number in range(12)))
    text = summary(closing, incidents=[named(number, ticket_id=f"T-{number}") for number in range(12)])[1]
    assert text.endswith("T-8, T-9 and 2 more.")


def test_report_counts_incidents_by_outcome():
    made = report(step("close", ok(1, True), ok(2), failed(3)), incidents=[*BOTH, named(3), named(4)])
    assert [entry["outcome"] for entry in made["incidents"]] == ["changed", "ok", "failed", "not_reached"]
    assert made["counts"] == {"incidents": 4, "changed": 1, "ok": 1, "failed": 1, "not_reached": 1}
    assert made["made_by"] == f"secops.itsm {VERSION}"
    assert [failure["incident_id"] for failure in made["failures"]] == ["3"]


def test_requester_and_reference_are_always_in_the_head():
    assert report()["head"] == [["Requested by", None], ["Reference", None]]
    head = [["Runbook", "r"], ["Began", "now"], ["Requested by", "anna"]]
    made = report(head=head)["head"]
    assert made == [["Runbook", "r"], ["Requested by", "anna"], ["Reference", None], ["Began", "now"]]


def test_number_that_the_portal_shows_is_reported():
    for record, number in (({"number": 7, "displayId": "I-7"}, "I-7"), ({"number": 7}, "7"), ({"number": True}, None)):
        assert row(step("close", ok(1, incident=record)))["number"] == number
        listed = {"id": "1", "workspaceId": WORKSPACE, "source": "DefenderXDR", **record}
        find = {"name": "find", "result": {"incidents": [listed, {"id": "9"}]}}
        assert row(find, step("close", ok(1)))["number"] == number
    made = report(step("close", ok(1, incident={"number": 7})), incidents=[named(incident_number=8)])
    assert made["incidents"][0]["number"] == "8"


def test_incident_is_linked_to_the_portal():
    assert row(step("close", ok(1)))["portal_url"] is None
    url = "https://portal.example/{workspace_id}/{source}/{incident_id}"
    assert (
        row(step("close", ok(1)), portal_url=url)["portal_url"] == f"https://portal.example/{WORKSPACE}/DefenderXDR/1"
    )


@pytest.mark.parametrize("about", [{"check_mode": True}, {"rehearsed": True}, {"check_mode": False, "rehearsed": True}])
def test_check_mode_is_reported_under_its_former_name_too(about):
    given = {name: value for name, value in ABOUT.items() if name != "check_mode"}
    made = build_report([step("close", ok(1, True))], {**given, **about}, [named()])
    expected = about.get("check_mode", True)
    assert (made["check_mode"], made["rehearsed"]) == (expected, expected)
    assert made["summary"].startswith("Check mode") is expected


def test_lines_contain_failures_and_problems():
    made = report(step("close", failed(1), ok(2)), stopped="Stop.", incidents=BOTH)
    assert made["lines"] == ["DefenderXDR 1: It broke.", "Stop."]
    assert report(SKIPPED, incidents=BOTH)["lines"] == ["No step was run for 2 incidents."]
    assert report(step("close", ok(1)))["lines"] == []
    numbers = range(1, 2001)
    made = report(step("close", *map(failed, numbers)), incidents=[*map(named, numbers)])
    assert len(made["failures"]) == 2000
    assert made["lines"][:10] == [f"DefenderXDR {number}: It broke." for number in range(1, 11)]
    assert made["lines"][10:] == ["There are 1,990 more failures. The report files and itsm_report list all of them."]


@pytest.mark.parametrize(
    "run, skipped, words",
    [
        (["cloze", "x"], [], "--tags cloze,x"),
        ([], ["link"], "--skip-tags link"),
        (["a"], ["b"], "--tags a and --skip-tags b"),
    ],
)
@pytest.mark.parametrize("incidents", [[], [named()]])
def test_tags_that_select_no_step_fail(run, skipped, words, incidents):
    tags = {"run": run, "skipped": skipped, "known": ["verify", "close"]}
    steps = [{"name": "verify", "result": {}}, {"name": "close", "result": {}}]
    made = report(*steps, incidents=incidents, tags=tags)
    sentence = f"No step was run, because of {words}. The tags of close_incident are verify, close."
    assert (made["outcome"], made["lines"]) == ("failed", [sentence])
    assert report(step("close", ok(1)), steps[0], tags=tags)["outcome"] == "ok"
    assert report(*steps, incidents=[], tags=tags, nothing_to_do="incidents is empty")["outcome"] == "ok"


def test_rows_have_the_order_of_the_incidents():
    made = report(step("close", ok(2), ok(1)), incidents=BOTH)
    assert [entry["incident_id"] for entry in made["incidents"]] == ["1", "2"]


def test_outcomes_of_one_incident_are_one_row():
    incident = {"workspace_id": WORKSPACE.upper(), "source": "Sentinel", "incident_id": UUID}
    outcome = {**ok(), "workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": UUID.upper()}
    assert report(step("close", outcome), incidents=[incident])["counts"]["incidents"] == 1
    made = report(step("close", ok(1, True), ok(1, duplicate_of=0)), incidents=[named(1), named(1)])
    assert (made["counts"]["incidents"], made["incidents"][0]["outcome"]) == (1, "changed")
    assert report(step("close", failed(9)), incidents=[])["counts"]["failed"] == 1


# --- steps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in STEPS if name not in ("find", "read", "verify", "opened", "known")])
def test_each_step_has_its_wording(name):
    wording = STEPS[name]
    assert only_step(name, ok(1, True))["outcome_text"] == wording.done
    assert only_step(name, ok(1, True), check_mode=True)["outcome_text"] == wording.predicted
    assert only_step(name, ok(1))["outcome_text"] == wording.unchanged
    assert only_step(name, failed(1))["outcome_text"] == "failed"


def test_incident_that_failed_in_a_later_step_is_failed():
    found = row(step("link", ok(1, True)), step("close", failed(1)))
    steps = [(done["title"], done["outcome_text"]) for done in found["steps"]]
    assert (found["outcome"], steps) == ("failed", [("Link", "linked"), ("Close", "failed")])


@pytest.mark.parametrize("as_outcome", [dict, looped])
def test_lists_and_loops_have_the_same_report(as_outcome):
    skipped = {**looped(ok(2)), "skipped": True, "skip_reason": "Conditional result was False"}
    made = report(
        step("assign", as_outcome(ok(1, True)), skipped),
        step("comment", as_outcome(ok(1, True)), as_outcome(failed(2))),
        incidents=BOTH,
    )
    assert made["summary"] == "Failed: 1 of 2 incidents failed; 1 assigned; 1 commented."
    names = [[done["name"] for done in entry["steps"]] for entry in made["incidents"]]
    assert names == [["assign", "comment"], ["comment"]]


def test_outcomes_without_identities_are_matched_by_position():
    outcomes = [{"changed": True, "created": True, "object_id": "CTC-1"}, {"failed": True, "msg": "No.", "error": {}}]
    made = report(step("ticket", *outcomes, incidents=[named(2), named(1)], ticket_key="object_id"), incidents=BOTH)
    found = [(entry["incident_id"], entry["outcome"], entry["ticket"]) for entry in made["incidents"]]
    assert found == [("1", "failed", None), ("2", "changed", "CTC-1")]


def test_preliminary_check_is_shown_only_if_it_failed():
    made = report(step("verify", ok(1), failed(2)), step("close", ok(1, True)), incidents=BOTH)
    assert [[done["name"] for done in entry["steps"]] for entry in made["incidents"]] == [["close"], ["verify"]]
    assert made["failures"][0]["step"] == "Check"
    assert "can be changed" not in made["summary"]
    assert row(step("verify", ok(1)))["outcome"] == "not_reached"


# --- tickets --------------------------------------------------------------------------------------------------------

LINKED = {"link": "linked", "evidence": "incident", "ticket_id": "41877", "ticket_number": "T20261121.0042"}
UNLINKED = {"link": "unlinked", "evidence": "incident", "ticket_id": None, "ticket_number": None}
OPENED = {"changed": True, "created": True, "object_id": "CTC-1"}


def test_read_is_a_step_if_it_shows_a_link_or_failed():
    found = row(step("read", looped(ok(1, link=LINKED))))
    assert (found["ticket"], found["outcome"]) == ("T20261121.0042", "ok")
    assert found["steps"][0]["outcome_text"] == "ticket known already"
    for link in (UNLINKED, {**UNLINKED, "link": "unknown"}, {**LINKED, "link": "likely"}, None):
        assert row(step("read", looped(ok(1, link=link))))["steps"] == []
    found = row(step("read", looped(failed(1))))
    assert (found["outcome"], found["steps"][0]["title"]) == ("failed", "Read")


@pytest.mark.parametrize(
    "outcome, check_mode, ticket, text",
    [
        (OPENED, False, "CTC-1", "ticket opened"),
        ({**OPENED, "object_id": None}, True, "(new)", "ticket would be opened"),
        ({"changed": False, "created": False, "object_id": "CTC-1"}, False, "CTC-1", "ticket found"),
        ({"changed": True, "created": False, "object_id": "CTC-1"}, False, "CTC-1", "ticket updated"),
        ({**OPENED, "failed": True, "msg": "m"}, False, "CTC-1", "failed"),
    ],
)
def test_opened_ticket_is_distinguished_from_a_found_one(outcome, check_mode, ticket, text):
    found = row(step("ticket", outcome, incidents=[named()], ticket_key="object_id"), check_mode=check_mode)
    assert (found["ticket"], found["steps"][0]["outcome_text"]) == (ticket, text)


@pytest.mark.parametrize("name", ["found_closed", "close_ticket"])
def test_ticket_that_was_checked_is_not_called_unchecked(name):
    asked = ok(1, True, unverified=["update_ticket"], diff={"before": {}, "after": {"closed_ticket": "1"}})
    of_closure = step("close", asked)
    assert row(of_closure)["steps"][0]["notes"] == [TICKET_CLOSED]
    assert row(of_closure, step(name, ok(1)))["steps"][0]["notes"] == []
    assert row(of_closure, step("close_ticket", failed(1)))["steps"][0]["notes"] == [TICKET_CLOSED]


def test_tickets_are_counted_in_the_summary():
    made = report(step("ticket", OPENED, OPENED, incidents=BOTH), incidents=BOTH)
    assert made["summary"] == "Done: 2 incidents, 0 failed; 2 tickets opened."
    known = step("read", looped(ok(2, link=LINKED)))
    made = report(step("ticket", OPENED, incidents=[named(1)]), known, incidents=BOTH)
    assert made["summary"] == "Done: 2 incidents, 0 failed; 1 ticket opened, 1 ticket known already."


@pytest.mark.parametrize(
    "link, ticket",
    [
        ({"before": "unlinked", "after": "linked", "ticket_id": "41877", "ticket_number": "T1"}, "T1"),
        ({"before": "unlinked", "after": "linked", "ticket_id": "41877", "ticket_number": None}, "41877"),
        ({"before": "linked", "after": "unlinked", "ticket_id": "41877", "ticket_number": "T1"}, "given"),
        ({"before": "unknown", "after": "unknown", "ticket_id": "41877", "ticket_number": "T1"}, "given"),
    ],
)
def test_ticket_of_a_link_is_reported(link, ticket):
    made = report(step("link", ok(1, True, link=link)), incidents=[named(ticket_id="given")])
    assert made["incidents"][0]["ticket"] == ticket


# --- titles, changes and notes --------------------------------------------------------------------------------------


def test_first_known_title_is_reported():
    for values, title in (({"title": "t"}, "t"), ({"incident": {"name": "n"}}, "n"), ({}, None)):
        assert row(step("close", ok(1, **values)))["title"] == title
    record = {"title": "later", "severity": "High"}
    for incident, expected in (({}, ("later", "High")), ({"title": "first", "severity": "Low"}, ("first", "Low"))):
        made = row(step("close", ok(1, incident=record)), incidents=[named(**incident)])
        assert (made["title"], made["severity"]) == expected


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ({"a": 1}, {"a": 1}, []),
        ({"status": "New"}, {"status": "Closed"}, [("status", "New", "Closed")]),
        ({}, {"comment": "c"}, [("comment", None, "c")]),
        ({"a": "x", "b": 1}, {"b": 1}, [("a", "x", None)]),
        ({"a": None}, {"a": ["x", "\xe4"]}, [("a", None, '["x", "\xe4"]')]),
        ({"a": False}, {"a": True}, [("a", "false", "true")]),
        ({"fields": {"Urgency": "low"}}, {"fields": {"Urgency": "high", "Team": None}}, [("Urgency", "low", "high")]),
        ({}, {"fields": {"Urgency": "high"}, "team_id": "soc"}, [("Urgency", None, "high"), ("team_id", None, "soc")]),
    ],
)
def test_changes_are_listed_by_key(before, after, expected):
    diff = {"before": before, "after": after, "before_header": "x"}
    found = changes(diff)
    assert [(entry["key"], entry["before"], entry["after"]) for entry in found] == expected
    assert only_step("close", ok(1, True, diff=diff))["changes"] == found
    assert only_step("close", ok(1, diff=diff))["changes"] == []


@pytest.mark.parametrize(
    "diff", [None, {}, [], [{"before": {}, "after": {"a": 1}}], {"before": "", "after": "text"}, {"after": {}}]
)
def test_other_diffs_have_no_changes(diff):
    assert changes(diff) == []


def test_notes_contain_warnings_and_unverified_values():
    sentence = "team_id 'sco' cannot be checked, because it is not shown."
    diff = {"before": {}, "after": {"closed_ticket": "1"}}
    unverified = ["update_ticket", "comment", sentence]
    outcome = ok(1, True, warnings=["Mind."], unverified=unverified, diff=diff, request_ids=["a", "b"])
    for check_mode, of_closure in ((False, TICKET_CLOSED), (True, TICKET_WOULD_BE_CLOSED)):
        found = only_step("close", outcome, check_mode=check_mode)
        assert found["notes"] == ["Mind.", of_closure, sentence, "The service does not show comment."]
        assert found["request_ids"] == ["a", "b"]
    assert only_step("close", ok(1, request_ids=None))["request_ids"] == []


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_failure_has_a_next_step(category):
    made = report(step("close", failed(1, category=category)))
    failure = {"msg": "It broke.", "category": category, "request_id": "r-1", "next_step": NEXT_STEPS[category]}
    assert made["failures"] == [
        {**named(), "title": None, "step": "Close", **failure, "line": "DefenderXDR 1: It broke."}
    ]
    result = {"failed": True, "msg": "It broke.", "error": {"category": category, "request_id": "r-1"}, "results": []}
    assert report({"name": "link", "result": result})["problems"] == [{"step": "Link", **failure}]


@pytest.mark.parametrize("values", [{"error": None}, {"error": {}}, {"msg": None}])
def test_failure_without_details_has_defaults(values):
    (failure,) = report(step("close", {**failed(1), **values}))["failures"]
    assert failure["next_step"] == (NEXT_STEPS["conflict"] if "msg" in values else DEFAULT_NEXT_STEP)
    assert failure["msg"] == ("The task failed." if "msg" in values else "It broke.")


def test_stopped_run_has_a_problem():
    made = report(step("verify", ok(1)), stopped="Nothing was written.")
    assert [problem["msg"] for problem in made["problems"]] == ["Nothing was written."]
    for blank in ("", None):
        assert report(step("close", ok()), stopped=blank)["problems"] == []


def test_other_keys_of_results_are_not_reported():
    hidden = {"invocation": {"module_args": {"client_secret": "s3cret"}}, "stdout": "s3cret", "exception": "s3cret"}
    broken = {"failed": True, "msg": "m", "error": {"category": "tls", "headers": "s3cret"}, **hidden}
    steps = [step("link", ok(1, True, **hidden)), step("close", failed(1, **hidden))]
    made = report(*steps, {"name": "comment", "result": broken})
    assert "s3cret" not in json.dumps(made)
    assert made["problems"]


# --- remaining incidents --------------------------------------------------------------------------------------------


RESULT = {"id": "object_id", "number": "object_id"}


def left(*args: Any) -> list[Any]:
    """Return the identifiers and tickets of the remaining incidents."""
    return [(entry["incident_id"], entry.get("ticket_id")) for entry in runbook_left(*args, ticket_keys=RESULT)]


def test_failed_incidents_are_removed():
    for as_outcome in (dict, looped):
        results = [as_outcome(outcome) for outcome in (ok(1), failed(2), ok(3))]
        assert left([*BOTH, named(3)], {"results": results}) == [("1", None), ("3", None)]
    for result in ({}, {"skipped": True}, {"results": []}, {"changed": False}):
        assert left([named(1)], result) == [("1", None)]
    assert left([named(1)], {"failed": True, "msg": "m"}) == []
    assert left([named(1), named(2, ticket_id="T-1")], {"failed": True, "msg": "m"}, [named(1)]) == [("2", "T-1")]


LINK = {"before": "unlinked", "after": "linked", "ticket_id": "41877", "ticket_number": "T1"}


@pytest.mark.parametrize(
    "incident, outcome, ticket",
    [
        ({}, OPENED, "CTC-1"),
        ({}, {**OPENED, "object_id": None}, "(new)"),
        ({}, {"link": LINKED}, "T20261121.0042"),
        ({}, {"link": UNLINKED}, None),
        # The ticket that the user set is closed, not the one of a link that is replaced.
        ({"ticket_id": "mine"}, {"link": LINKED}, "mine"),
        ({"ticket_id": "T1"}, {"link": LINK}, "41877"),
        ({"ticket_id": "T1"}, {"link": {**LINK, "ticket_id": None}}, "T1"),
    ],
)
def test_remaining_incident_has_its_ticket(incident, outcome, ticket):
    incidents = [named(1), named(2, **incident)]
    assert left(incidents, {"results": [outcome]}, [incidents[1]]) == [("1", None), ("2", ticket)]


def test_remaining_incident_keeps_the_number_of_its_ticket():
    """A ticketing system may know a ticket by its number only, and ContraForce by its identifier only."""
    opened = {"changed": True, "created": True, "sys_id": "a1", "number": "INC1"}
    keys = {"id": "sys_id", "number": "number"}
    (entry,) = runbook_left([named(1)], {"results": [opened]}, [named(1)], ticket_keys=keys)
    assert (entry["ticket_id"], entry["ticket_number"]) == ("a1", "INC1")
    linked = {"results": [ok(1, link={**LINK, "ticket_number": None})]}
    (after,) = runbook_left([entry], linked)
    assert (after["ticket_id"], after["ticket_number"]) == ("41877", "INC1")


def test_remaining_incident_has_the_record_that_a_ticket_needs():
    record = {"title": "t", "name": "n", "severity": "High", "alerts": ["a"] * 1000}
    (entry,) = runbook_left([named(1)], {"results": [ok(1, incident=record)]})
    assert entry["record"] == {"title": "t", "name": "n", "severity": "High"}


def test_entries_of_a_module_have_the_requested_keys():
    incidents = [named(1, assignee_id="u-7", assignee_email="a@b.example", comment="Seen."), named(2)]
    expected = [named(1, user_id="u-7", comment="Seen."), named(2)]
    assert runbook_entries(incidents, {"user_id": "assignee_id", "comment": "comment"}) == expected
    assert runbook_entries(incidents) == BOTH


def test_entries_of_a_module_keep_the_order_of_the_incidents():
    """A ticket adds options to its entry, and an ID of a user takes precedence over an e-mail address."""
    incidents = [named(1), named(2, ticket_id="T1"), named(3, assignee_email="a@b.example", assignee_id="u-7")]
    closing = runbook_entries(incidents, {"ticket_id": "ticket_id"}, with_ticket={"update_ticket": True})
    assert closing == [named(1), named(2, ticket_id="T1", update_ticket=True), named(3)]
    keys, one_of = {"user_id": "assignee_id", "email": "assignee_email"}, ["user_id", "email"]
    assert runbook_entries(incidents, keys, one_of=one_of) == [named(1), named(2), named(3, user_id="u-7")]
    assert runbook_entries(incidents, keys, one_of=one_of, requires_one=True) == [named(3, user_id="u-7")]


@pytest.mark.parametrize(
    "result, has_failed",
    [
        ({"failed": False, "failed_when_result": False, "msg": "Down."}, True),
        ({"failed": False, "failed_when_result": False, "msg": "Crashed.", "exception": "..."}, True),
        ({"failed": False, "failed_when_result": False, "results": [{"failed": True}]}, False),
        ({"failed": False, "failed_when_result": False, "incidents": []}, False),
        ({"skipped": True, "failed_when_result": False}, False),
        ({"failed": True}, True),
        ({}, False),
    ],
    ids=["error", "crash", "part", "list", "skipped", "failed", "none"],
)
def test_failure_of_a_whole_step_is_recognized(result, has_failed):
    """The tasks of the runbooks do not fail, so that Ansible does not print their results."""
    assert step_results.has_failed(result) is has_failed
    assert bool(report({"name": "close", "result": result})["problems"]) is has_failed
    assert (left([named(1)], result) == []) is has_failed
