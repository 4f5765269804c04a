# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the plan for the incidents of closed tickets."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils.resolved_tickets import (
    parse_reference,
    plan_closures,
    resolution_problems,
)

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SINCE = "2026-11-21T00:00:00Z"
CLOSED_AT = "2026-11-21 03:00:00"


def ticket(reference=f"DefenderXDR 61024 {WORKSPACE}", **changes):
    """Return a closed ticket."""
    values = {"ticket_id": "1", "number": "INC1", "reference": reference, "closed_at": CLOSED_AT, "resolution": "Fixed"}
    return {**values, **changes}


def read(*comments, status="Active"):
    """Return the result of reading an incident."""
    return {"incident": {"status": status, "title": "Beaconing", "severity": "High"}, "comments": list(comments)}


def plan(*tickets, options=None, listed=(), reads=()):
    """Return the plan with a default classification."""
    return plan_closures(tickets, {"classification": "TruePositive", **(options or {})}, SINCE, listed, reads)


def test_both_forms_of_a_reference_are_understood():
    assert parse_reference(f"splunk a/b c?d#%2F {WORKSPACE.upper()}") == {
        "source": "Splunk",
        "incident_id": "a/b c?d#%2F",
        "workspace_id": WORKSPACE,
    }
    assert parse_reference(" cf|sentinel|a|b ") == {"source": "Sentinel", "incident_id": "a|b"}


@pytest.mark.parametrize("text", [None, "", "REV-2026-47", "cf|nothing|1", "cf|sentinel|", "Sentinel 1 workspace"])
def test_other_references_are_ignored(text):
    assert parse_reference(text) is None
    assert plan(ticket(text)) == {"incidents": [], "sources": [], "open": [], "notes": [], "unknown": []}


def test_tickets_closed_before_are_ignored_unless_named():
    old = ticket(closed_at="2026-11-20 23:59:59")
    assert plan(old)["incidents"] == []
    assert len(plan(old, options={"closed_tickets": ["INC1"]})["incidents"]) == 1


def test_resolution_chooses_the_classification():
    mapped = {"resolution_map": {" FIXED ": {"classification": "falsepositive"}}}
    (entry,) = plan(ticket(), options=mapped)["incidents"]
    assert entry["classification"] == "FalsePositive"
    (entry,) = plan(ticket(resolution="Other"), options=mapped)["incidents"]
    assert entry["classification"] == "TruePositive"
    assert entry["comment"] == "Closed with its ticket.\n\n[ticket INC1 closed]"


def test_workspace_is_found_in_the_list_only_if_unique():
    listed = [{"workspaceId": WORKSPACE, "source": "DefenderXDR", "id": "61024"}]
    without = ticket("cf|defenderxdr|61024")
    found = plan(without, listed=listed)
    assert (found["sources"], found["incidents"][0]["workspace_id"]) == (["DefenderXDR"], WORKSPACE)
    twice = plan(without, listed=[*listed, {**listed[0], "workspaceId": WORKSPACE.replace("5", "6")}])
    assert (twice["incidents"], "ambiguous" in twice["notes"][0]) == ([], True)
    assert "was not found" in plan(without)["notes"][0]


def test_listed_source_may_be_an_integer_of_the_older_api():
    found = plan(ticket("cf|defenderxdr|61024"), listed=[{"workspaceId": WORKSPACE, "source": 2, "id": "61024"}])
    assert [entry["workspace_id"] for entry in found["incidents"]] == [WORKSPACE]


def test_ticket_without_workspace_that_is_named_twice_has_one_note():
    assert len(plan(ticket("cf|defenderxdr|61024"), ticket("cf|defenderxdr|61024"))["notes"]) == 1


def test_only_open_incidents_that_were_read_are_closed():
    (entry,) = plan(ticket(), reads=[read()])["open"]
    assert (entry["title"], entry["severity"], entry["ticket_number"]) == ("Beaconing", "High", "INC1")
    for result in (read(status="Closed"), read(status=3), {"failed": True, "msg": "x"}, {}):
        assert plan(ticket(), reads=[result])["open"] == []


@pytest.mark.parametrize("status", [None, ""])
def test_incident_without_a_status_is_reported(status):
    made = plan(ticket(), reads=[read(status=status)])
    assert (made["open"], made["notes"]) == ([], [])
    assert ["DefenderXDR 61024" in line for line in made["unknown"]] == [True]
    assert plan(ticket(), reads=[read(status="Closed")])["unknown"] == []


def test_identity_is_read_in_the_summary_if_the_ticket_has_no_reference():
    template = "{source} incident {incident_id} in workspace {workspace_id}: {title}"
    summary = f"DefenderXDR incident 61024 in workspace {WORKSPACE.upper()}: Beaconing"
    without = {key: value for key, value in ticket(summary=summary).items() if key != "reference"}
    (entry,) = plan(without, options={"summary": template})["incidents"]
    assert (entry["source"], entry["incident_id"], entry["workspace_id"]) == ("DefenderXDR", "61024", WORKSPACE)
    for other in (f"RE: {summary}", None, summary.replace("61024", "..")):
        assert plan({**without, "summary": other}, options={"summary": template})["incidents"] == []


#: A system whose reference is a field, as in its ``system.yml``.
OF_FIELD = {"reference": {"field": "key_field"}}


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, ("'key_field' is missing", "set 'summary'")),
        ({"key_field": "x"}, None),
        ({"key_field": "x", "summary": "{title}"}, None),
        ({"summary": "{source} {incident_id} {workspace_id}"}, None),
        ({"summary": "{title}: {source} {incident_id} {workspace_id}"}, ("{title} precedes", "set 'key_field'")),
        ({"summary": "{source} {incident_id} {workspace}"}, ("{workspace}", "not a placeholder")),
    ],
    ids=["nothing", "field", "both", "summary", "title-first", "unknown"],
)
def test_tickets_must_show_their_incidents(options, words):
    problems = resolution_problems(options, OF_FIELD)
    assert bool(problems) is bool(words)
    assert all(word in problems[0] for word in words or ())


def test_tickets_with_a_reference_option_need_no_variable():
    assert resolution_problems({}, {"reference": {"option": "key"}}) == []


@pytest.mark.parametrize(
    "at, closing, is_reopened",
    [
        ("2026-11-21T03:00:01Z", True, True),
        ("2026-11-21T02:56:00Z", True, True),
        ("2026-11-21T02:54:59Z", True, False),
        ("2026-11-21T03:00:01Z", False, False),
    ],
)
def test_newer_closing_comment_means_reopened(at, closing, is_reopened):
    found = plan(ticket(), reads=[read({"message": "x", "createdTime": at, "isClosingComment": closing})])
    assert (len(found["open"]), len(found["notes"])) == ((0, 1) if is_reopened else (1, 0))


def test_earlier_closing_for_the_ticket_counts_if_its_time_is_not_exact():
    earlier = {"message": "x\n[ticket INC1 closed]", "createdTime": "2026-11-20T00:00:00Z", "isClosingComment": True}
    assert plan(ticket(closed_at_exact=False), reads=[read(earlier)])["open"] == []
    assert len(plan(ticket(), reads=[read(earlier)])["open"]) == 1


def test_incident_of_canceled_ticket_is_left_unchanged():
    found = plan(ticket(canceled=True), reads=[read()])
    assert (found["open"], found["notes"]) == (
        [],
        ["DefenderXDR 61024: ticket INC1 was canceled; left unchanged. Check the incident."],
    )
    assert plan(ticket(canceled=True), reads=[read(status="Closed")])["notes"] == []


def test_of_two_tickets_the_one_closed_last_counts():
    later = ticket(number="INC2", closed_at="2026-11-21 04:00:00")
    assert [entry["ticket_number"] for entry in plan(ticket(), later)["incidents"]] == ["INC2"]


@pytest.mark.parametrize(
    "options, word",
    [
        ({"closed_since": "yesterday"}, "closed_since"),
        ({"closed_within_hours": 0.0}, "closed_within_hours"),
        ({"closed_within_hours": float("nan")}, "closed_within_hours"),
        ({"incidents_within_days": 5000}, "incidents_within_days"),
        ({"max_tickets": 0}, "max_tickets"),
        ({"closed_tickets": ["INC1", "{{ 7 * 6 }}"]}, "closed_tickets contains '{{ 7 * 6 }}'"),
        ({"closed_tickets": [" "]}, "closed_tickets"),
        ({"closed_tickets": ["None"]}, "closed_tickets"),
        ({"resolution_map": {"x": "TruePositive"}}, "resolution_map.x"),
        ({"resolution_map": {"x": {"classification": "Flase"}}}, "resolution_map.x.classification"),
        ({"resolution_map": {"x": {"classification": "Unknown", "reason": "Other"}}}, "unknown keys: reason"),
        ({"resolution_map": {word: {"classification": "Unknown"} for word in ("a", "A")}}, "several spellings"),
    ],
)
def test_invalid_options_are_refused(options, word):
    (problem,) = resolution_problems(options)
    assert word in problem
