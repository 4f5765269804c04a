# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a runbook as data, and which incidents a step left in play."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.filter.runbook_entries import runbook_entries
from ansible_collections.secops.itsm.plugins.filter.runbook_left import runbook_left
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import VERSION
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.plugins.plugin_utils.report import (
    DEFAULT_NEXT_STEP,
    NEXT_STEPS,
    STEPS,
    build_report,
    changes,
)

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
UUID = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
ABOUT = {"runbook": "close_incident", "title": "Close incidents", "rehearsed": False, "head": [], "asked": {}}


def named(number: Any = 1, **values: Any) -> dict[str, Any]:
    """An incident as a runbook is given it."""
    return {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": str(number), **values}


def ok(number: Any = 1, changed: bool = False, **values: Any) -> dict[str, Any]:
    """An outcome in a list."""
    return {**named(number), "changed": changed, "failed": False, "error": None, **values}


def failed(number: Any = 1, msg: str = "It broke.", category: str | None = "conflict", **values: Any) -> dict[str, Any]:
    """A failure in a list."""
    error = {"category": category, "request_id": "r-1"}
    return {**named(number), "changed": False, "failed": True, "msg": msg, "error": error, **values}


def looped(outcome: dict[str, Any]) -> dict[str, Any]:
    """The same as the outcome of an item."""
    rest = {key: value for key, value in outcome.items() if key not in named()}
    return {"item": {key: outcome[key] for key in named()}, "ansible_loop_var": "item", **rest}


def step(name: str, *outcomes: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A step of a runbook."""
    is_failed = any(outcome.get("failed") for outcome in outcomes)
    return {"name": name, "result": {"results": list(outcomes), "failed": is_failed}, **values}


def report(*steps: dict[str, Any], incidents: Any = None, **about: Any) -> dict[str, Any]:
    """The report of a run."""
    return build_report(steps, {**ABOUT, **about}, [named()] if incidents is None else incidents)


def row(*steps: dict[str, Any], **about: Any) -> dict[str, Any]:
    """What it says of the one incident."""
    (found,) = report(*steps, **about)["incidents"]
    return found


# --- outcomes and sums ----------------------------------------------------------------------------------------------


def test_a_run_without_incidents_says_why_unless_a_step_failed():
    made = report(incidents=[], nothing_to_do="incidents is empty")
    assert (made["summary"], made["outcome"]) == ("Nothing to do: incidents is empty.", "ok")
    broken = report(step("find", failed()), incidents=[], nothing_to_do="no incident matches")
    assert "Nothing to do" not in broken["summary"]


def test_a_run_with_each_outcome():
    incidents = [named(1), named(2), named(3), named(4)]
    made = report(step("close", ok(1, True), ok(2), failed(3)), incidents=incidents)
    assert [entry["outcome"] for entry in made["incidents"]] == ["changed", "ok", "failed", "not_reached"]
    assert made["counts"] == {"incidents": 4, "changed": 1, "ok": 1, "failed": 1, "not_reached": 1}
    assert made["outcome"] == "failed"
    assert made["summary"] == "Failed: 1 of 4 incidents failed, 1 not reached; 1 closed, 1 closed already."
    assert made["made_by"] == f"secops.itsm {VERSION}"
    assert [failure["incident_id"] for failure in made["failures"]] == ["3"]


@pytest.mark.parametrize(
    "outcomes, outcome, summary",
    [
        ([ok(1, True)], "changed", "Done: 1 incident, 0 failed; 1 closed."),
        ([ok(1)], "ok", "Done: 1 incident, 0 failed; 1 closed already."),
        ([failed(1)], "failed", "Failed: 1 of 1 incident failed."),
        ([], "failed", "Failed: 1 of 1 incident not reached."),
        ([ok(1, True), failed(2)], "failed", "Failed: 1 of 2 incidents failed; 1 closed."),
    ],
)
def test_the_outcome_of_a_run(outcomes, outcome, summary):
    made = report(step("close", *outcomes))
    assert (made["outcome"], made["summary"]) == (outcome, summary)


def test_a_run_without_incidents():
    made = report({"name": "close", "result": {}}, {"name": "link", "result": {"skipped": True}}, incidents=[])
    assert (made["outcome"], made["summary"], made["incidents"]) == ("ok", "Done: 0 incidents, 0 failed.", [])


def test_lines_name_failures_and_problems():
    made = report(step("close", failed(1), ok(2)), stopped="Stop.", incidents=[named(1), named(2)])
    assert made["lines"] == ["DefenderXDR 1: It broke.", "Stop."]


def test_lines_are_few_however_many_incidents_failed():
    numbers = range(1, 2001)
    made = report(step("close", *map(failed, numbers)), incidents=[*map(named, numbers)])
    assert len(made["failures"]) == 2000
    assert made["lines"] == [
        *(f"DefenderXDR {number}: It broke." for number in range(1, 11)),
        "There are 1,990 more failures. The files of the report, and itsm_report, list all of them.",
    ]


def test_incidents_that_no_step_was_run_for_are_counted_in_the_lines():
    made = report({"name": "link", "result": {"skipped": True}}, incidents=[named(1), named(2)])
    assert (made["outcome"], made["lines"]) == ("failed", ["No step was run for 2 incidents."])
    assert report(step("close", ok(1)))["lines"] == []


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


def test_a_failure_in_check_mode_is_not_a_prediction():
    made = report(step("close", ok(1, True), failed(2)), rehearsed=True)
    assert made["summary"] == "Failed in check mode: 1 of 2 incidents failed; 1 would be closed."


def test_a_rehearsal_tells_what_would_be():
    made = report(step("link", ok(1, True)), step("close", ok(1, True)), rehearsed=True)
    assert made["summary"] == "Check mode: 1 incident, 0 failed; 1 would be linked; 1 would be closed."
    assert made["outcome"] == "changed"


def test_one_that_failed_at_a_step_is_failed_whatever_came_before():
    found = row(step("link", ok(1, True)), step("close", failed(1)))
    assert found["outcome"] == "failed"
    assert [(told["title"], told["outcome_text"]) for told in found["steps"]] == [
        ("Link", "linked"),
        ("Close", "failed"),
    ]


def test_the_order_is_that_of_the_incidents():
    made = report(step("close", ok(2), ok(1)), incidents=[named(1), named(2)])
    assert [entry["incident_id"] for entry in made["incidents"]] == ["1", "2"]


def test_an_outcome_finds_its_incident_however_it_is_typed():
    incident = {"workspace_id": WORKSPACE.upper(), "source": "Sentinel", "incident_id": UUID}
    outcome = {**ok(), "workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": UUID.upper()}
    made = report(step("close", outcome), incidents=[incident])
    assert made["counts"]["incidents"] == 1
    assert made["outcome"] == "ok"


def test_an_incident_that_is_there_twice_is_one_row():
    made = report(step("close", ok(1, True), ok(1, duplicate_of=0)), incidents=[named(1), named(1)])
    assert made["counts"]["incidents"] == 1
    assert made["incidents"][0]["outcome"] == "changed"


def test_an_outcome_that_nobody_named_is_not_lost():
    made = report(step("close", failed(9)), incidents=[])
    assert made["counts"] == {"incidents": 1, "changed": 0, "ok": 0, "failed": 1, "not_reached": 0}


def test_what_was_not_asked_for_stays_as_it_was():
    steps, incidents = [step("close", ok(1, True))], [named()]
    before = json.dumps([steps, incidents])
    report(*steps, incidents=incidents)
    assert json.dumps([steps, incidents]) == before


def test_it_can_be_handed_on_as_json():
    made = report(step("close", ok(1, True, diff={"before": {"a": [1]}, "after": {"a": None}}), failed(2)))
    assert json.loads(json.dumps(made)) == made


# --- steps ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in STEPS if name not in ("find", "read", "verify", "opened", "known")])
def test_each_step_is_told(name):
    words = STEPS[name]
    assert row(step(name, ok(1, True)))["steps"][0]["outcome_text"] == words.done
    assert row(step(name, ok(1, True)), rehearsed=True)["steps"][0]["outcome_text"] == words.predicted
    assert row(step(name, ok(1)))["steps"][0]["outcome_text"] == words.unchanged
    assert row(step(name, failed(1)))["steps"][0]["outcome_text"] == "failed"


@pytest.mark.parametrize("as_outcome", [lambda outcome: outcome, looped])
def test_lists_and_loops_tell_the_same(as_outcome):
    made = report(step("comment", as_outcome(ok(1, True)), as_outcome(failed(2))), incidents=[named(1), named(2)])
    assert made["summary"] == "Failed: 1 of 2 incidents failed; 1 commented."
    assert made["failures"][0]["incident_id"] == "2"


def test_items_that_were_skipped_are_no_step():
    skipped = {**looped(ok(2)), "skipped": True, "skip_reason": "Conditional result was False"}
    made = report(
        step("assign", looped(ok(1, True)), skipped), step("comment", looped(ok(2))), incidents=[named(1), named(2)]
    )
    assert [[told["name"] for told in entry["steps"]] for entry in made["incidents"]] == [["assign"], ["comment"]]


def test_outcomes_without_a_name_are_told_by_their_place():
    outcomes = [{"changed": True, "created": True, "object_id": "CTC-1"}, {"failed": True, "msg": "No.", "error": {}}]
    made = report(step("ticket", *outcomes, incidents=[named(2), named(1)]), incidents=[named(1), named(2)])
    assert [(entry["incident_id"], entry["outcome"], entry["ticket"]) for entry in made["incidents"]] == [
        ("1", "failed", None),
        ("2", "changed", "CTC-1"),
    ]


def test_a_rehearsal_before_the_work_is_shown_only_if_it_failed():
    made = report(step("verify", ok(1), failed(2)), step("close", ok(1, True)), incidents=[named(1), named(2)])
    assert [[told["name"] for told in entry["steps"]] for entry in made["incidents"]] == [["close"], ["verify"]]
    assert made["failures"][0]["step"] == "Check"
    assert "can be changed" not in made["summary"]


def test_one_that_was_only_rehearsed_was_not_reached():
    assert row(step("verify", ok(1)))["outcome"] == "not_reached"


def test_requests_are_kept():
    assert row(step("close", ok(1, request_ids=["a", "b"])))["steps"][0]["request_ids"] == ["a", "b"]
    assert row(step("close", ok(1, request_ids=None)))["steps"][0]["request_ids"] == []


# --- tickets --------------------------------------------------------------------------------------------------------

LINKED = {"link": "linked", "evidence": "incident", "ticket_id": "41877", "ticket_number": "T20261121.0042"}
UNLINKED = {"link": "unlinked", "evidence": "incident", "ticket_id": None, "ticket_number": None}


def test_a_ticket_that_is_known_already():
    found = row(step("read", looped(ok(1, link=LINKED))))
    assert (found["ticket"], found["outcome"], found["steps"][0]["outcome_text"]) == (
        "T20261121.0042",
        "ok",
        "ticket known already",
    )


@pytest.mark.parametrize("link", [UNLINKED, {**UNLINKED, "link": "unknown"}, {**LINKED, "link": "likely"}, None])
def test_a_read_that_shows_no_link_for_sure_is_no_step(link):
    assert row(step("read", looped(ok(1, link=link))))["steps"] == []


def test_a_read_that_failed_is_one():
    found = row(step("read", looped(failed(1))))
    assert (found["outcome"], found["steps"][0]["title"]) == ("failed", "Read")


@pytest.mark.parametrize(
    "outcome, rehearsed, ticket, said",
    [
        ({"changed": True, "created": True, "object_id": "CTC-1"}, False, "CTC-1", "ticket opened"),
        ({"changed": True, "created": True, "object_id": None}, True, "(new)", "ticket would be opened"),
        ({"changed": False, "created": False, "object_id": "CTC-1"}, False, "CTC-1", "ticket found"),
        ({"changed": True, "created": False, "object_id": "CTC-1"}, False, "CTC-1", "ticket brought up to date"),
        ({"failed": True, "created": True, "object_id": "CTC-1", "msg": "m"}, False, "CTC-1", "failed"),
    ],
)
def test_a_ticket_that_is_opened_or_found(outcome, rehearsed, ticket, said):
    found = row(step("ticket", outcome, incidents=[named()]), rehearsed=rehearsed)
    assert (found["ticket"], found["steps"][0]["outcome_text"]) == (ticket, said)


def test_tickets_are_counted_as_tickets():
    opened = {"changed": True, "created": True, "object_id": "C"}
    made = report(step("ticket", opened, opened, incidents=[named(1), named(2)]), incidents=[named(1), named(2)])
    assert made["summary"] == "Done: 2 incidents, 0 failed; 2 tickets opened."
    made = report(
        step("ticket", opened, incidents=[named(1)]),
        step("read", looped(ok(2, link=LINKED))),
        incidents=[named(1), named(2)],
    )
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
def test_the_ticket_of_a_link(link, ticket):
    made = report(step("link", ok(1, True, link=link)), incidents=[named(ticket_id="given")])
    assert made["incidents"][0]["ticket"] == ticket


# --- titles, changes and notes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values, title",
    [
        ({"title": "t"}, "t"),
        ({"incident": {"title": "t", "severity": "High"}}, "t"),
        ({"incident": {"name": "n"}}, "n"),
        ({}, None),
    ],
)
def test_a_title(values, title):
    assert row(step("close", ok(1, **values)))["title"] == title


def test_the_first_title_is_kept():
    made = report(step("close", ok(1, title="later")), incidents=[named(title="first", severity="Low")])
    assert (made["incidents"][0]["title"], made["incidents"][0]["severity"]) == ("first", "Low")


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
def test_changes(before, after, expected):
    found = changes({"before": before, "after": after, "before_header": "x"})
    assert [(entry["key"], entry["before"], entry["after"]) for entry in found] == expected


@pytest.mark.parametrize(
    "diff", [None, {}, [], [{"before": {}, "after": {"a": 1}}], {"before": "", "after": "text"}, {"after": {}}]
)
def test_no_changes(diff):
    assert changes(diff) == []


def test_only_a_change_shows_changes():
    diff = {"before": {"a": 1}, "after": {"a": 2}}
    assert row(step("close", ok(1, True, diff=diff)))["steps"][0]["changes"] == [
        {"key": "a", "before": "1", "after": "2"}
    ]
    assert row(step("close", ok(1, diff=diff)))["steps"][0]["changes"] == []


def test_notes():
    told = ok(
        1,
        True,
        warnings=["Mind."],
        unverified=["update_ticket", "comment"],
        diff={"before": {}, "after": {"closed_ticket": "1"}},
    )
    assert row(step("close", told))["steps"][0]["notes"] == [
        "Mind.",
        "The service was told to close the ticket; it does not show whether it did.",
        "The service does not show comment.",
    ]
    assert row(step("close", told), rehearsed=True)["steps"][0]["notes"][1] == (
        "The service would be told to close the ticket; it does not show whether it does."
    )


def test_unverified_sentences_are_notes():
    told = ok(1, True, unverified=["team_id 'sco' cannot be checked: it is not shown."])
    assert row(step("ticket", told), rehearsed=True)["steps"][0]["notes"] == [
        "team_id 'sco' cannot be checked: it is not shown."
    ]


def test_a_ticket_that_was_not_touched_is_in_the_summary():
    untouched = ok(1, unverified=["update_ticket"], diff=None)
    made = report(step("close", untouched), incidents=[named(ticket_id="41877")])
    assert made["summary"] == (
        "Done: 1 incident, 0 failed; 1 closed already; "
        "tickets not looked at, because their incidents were closed already: 41877."
    )


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_category_has_a_next_step(category):
    made = report(step("close", failed(1, category=category)))
    (failure,) = made["failures"]
    assert failure["next_step"] == NEXT_STEPS[category]
    assert failure == {
        **named(),
        "title": None,
        "step": "Close",
        "msg": "It broke.",
        "category": category,
        "request_id": "r-1",
        "next_step": NEXT_STEPS[category],
        "line": "DefenderXDR 1: It broke.",
    }


@pytest.mark.parametrize("values", [{"error": None}, {"error": {}}, {"msg": None}])
def test_a_failure_that_says_little(values):
    (failure,) = report(step("close", {**failed(1), **values}))["failures"]
    assert failure["next_step"] == (NEXT_STEPS["conflict"] if "msg" in values else DEFAULT_NEXT_STEP)
    assert failure["msg"] == ("The task failed." if "msg" in values else "It broke.")


def test_a_step_that_failed_as_a_whole():
    result = {"failed": True, "msg": "The client secret is wrong.", "error": {"category": "authentication"}}
    made = report({"name": "link", "result": result}, incidents=[named(1), named(2)])
    assert made["outcome"] == "failed"
    assert made["summary"] == "Failed: 2 of 2 incidents not reached; a step failed."
    (problem,) = made["problems"]
    assert (problem["step"], problem["msg"]) == ("Link", "The client secret is wrong.")
    assert problem["next_step"] == NEXT_STEPS["authentication"]


def test_a_list_that_failed_as_a_whole_with_no_outcome():
    made = report({"name": "close", "result": {"failed": True, "msg": "m", "results": []}})
    assert [problem["msg"] for problem in made["problems"]] == ["m"]


def test_a_run_that_was_stopped():
    made = report(step("verify", ok(1), failed(2)), incidents=[named(1), named(2)], stopped="Nothing was written.")
    assert (made["outcome"], made["counts"]["not_reached"]) == ("failed", 1)
    assert made["summary"] == "Failed: 1 of 2 incidents failed, 1 not reached; it was stopped."
    assert [problem["msg"] for problem in made["problems"]] == ["Nothing was written."]


@pytest.mark.parametrize("stopped", ["", None])
def test_a_run_that_was_not_stopped(stopped):
    assert report(step("close", ok()), stopped=stopped)["problems"] == []


def test_nothing_of_a_result_gets_in_but_what_is_meant_to():
    """No header, no argument and no token that a result may have."""
    hidden = {"invocation": {"module_args": {"client_secret": "s3cret"}}, "stdout": "s3cret", "exception": "s3cret"}
    broken = {"failed": True, "msg": "m", "error": {"category": "tls", "headers": "s3cret"}, **hidden}
    made = report(
        step("link", ok(1, True, **hidden)),
        step("close", failed(1, **hidden)),
        {"name": "comment", "result": broken},
    )
    assert "s3cret" not in json.dumps(made)
    assert made["problems"]


# --- which incidents are left ---------------------------------------------------------------------------------------


def left(*args: Any) -> list[Any]:
    """Identifiers and tickets of what is left."""
    return [(entry["incident_id"], entry.get("ticket_id")) for entry in runbook_left(*args)]


def test_those_that_failed_are_left_out():
    incidents = [named(1), named(2), named(3)]
    assert left(incidents, {"results": [ok(1), failed(2), ok(3)]}) == [("1", None), ("3", None)]
    assert left(incidents, {"results": [looped(ok(1)), looped(failed(2))]}) == [("1", None), ("3", None)]


@pytest.mark.parametrize("result", [{}, {"skipped": True}, {"results": []}, {"changed": False}])
def test_a_step_that_did_nothing_leaves_all(result):
    assert left([named(1)], result) == [("1", None)]


def test_a_step_that_failed_as_a_whole_leaves_none():
    assert left([named(1)], {"failed": True, "msg": "m"}) == []


def test_a_step_that_failed_as_a_whole_leaves_those_that_it_was_not_about():
    incidents = [named(1), named(2, ticket_id="T-1")]
    assert left(incidents, {"failed": True, "msg": "m"}, [named(1)]) == [("2", "T-1")]


def test_a_ticket_that_is_learnt():
    opened = {"changed": True, "created": True, "object_id": "CTC-1"}
    assert left([named(1), named(2)], {"results": [opened]}, [named(2)]) == [("1", None), ("2", "CTC-1")]
    assert left([named(1)], {"results": [{**opened, "object_id": None}]}, [named(1)]) == [("1", "(new)")]
    assert left([named(1)], {"results": [looped(ok(1, link=LINKED))]}) == [("1", "T20261121.0042")]
    assert left([named(1)], {"results": [looped(ok(1, link=UNLINKED))]}) == [("1", None)]


def test_a_link_tells_the_identifier_of_a_ticket():
    link = {"before": "unlinked", "after": "linked", "ticket_id": "41877", "ticket_number": "T1"}
    assert left([named(1, ticket_id="T1")], {"results": [ok(1, True, link=link)]}) == [("1", "41877")]
    assert left([named(1, ticket_id="T1")], {"results": [ok(1, True, link={**link, "ticket_id": None})]}) == [
        ("1", "T1")
    ]


def test_a_read_changes_no_ticket_that_was_named():
    """Or the ticket of a link that is to be replaced would be closed instead."""
    assert left([named(1, ticket_id="mine")], {"results": [looped(ok(1, link=LINKED))]}) == [("1", "mine")]


def test_a_record_is_learnt():
    """As far as a ticket needs it; the rest would be looked through by each further task."""
    record = {"title": "t", "name": "n", "severity": "High", "alerts": ["a"] * 1000}
    (entry,) = runbook_left([named(1)], {"results": [ok(1, incident=record)]})
    assert entry["record"] == {"title": "t", "name": "n", "severity": "High"}


def test_a_module_gets_what_it_takes_of_each_incident():
    incidents = [named(1, assignee_id="u-7", assignee_email="a@b.example", comment="Seen."), named(2)]
    assert runbook_entries(incidents, {"user_id": "assignee_id", "comment": "comment"}) == [
        named(1, user_id="u-7", comment="Seen."),
        named(2),
    ]
    assert runbook_entries(incidents) == [named(1), named(2)]
