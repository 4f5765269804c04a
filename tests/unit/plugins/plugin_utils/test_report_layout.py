# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how a report is arranged: groups, their order, and values that are shown once."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils.report import TICKET_UNTOUCHED, build_report
from ansible_collections.secops.itsm.plugins.plugin_utils.report_layout import (
    MAX_OPEN_DETAILS,
    MAX_OPEN_FAILURES,
    MAX_OPEN_ROWS,
    Layout,
    Note,
    abbreviated,
    arrange,
    shared_comment,
    shares,
)

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"


def outcome(number: int, **values: Any) -> dict[str, Any]:
    """Return the outcome of a step for an incident."""
    return {"workspace_id": WORKSPACE, "source": "Splunk", "incident_id": f"event-{number}", "changed": False, **values}


def closed(number: int, comment: str = "Known.", status: str = "New", **values: Any) -> dict[str, Any]:
    """Return the outcome of an incident that was closed."""
    diff = {"before": {"status": status}, "after": {"status": "Closed", "comment": comment}}
    return outcome(number, changed=True, diff=diff, **values)


def failed(number: int, msg: str = "It broke.", category: str = "conflict", **values: Any) -> dict[str, Any]:
    """Return the outcome of an incident that failed."""
    error = {"category": category, "request_id": f"request-{number}"}
    return outcome(number, failed=True, msg=msg, error=error, **values)


def layout(*outcomes: dict[str, Any], step: str = "close", **about: Any) -> Layout:
    """Return the arranged report of a run with one step for each of the outcomes' incidents."""
    keys = ("workspace_id", "source", "incident_id", "incident_number", "ticket_id")
    incidents = [{key: each[key] for key in keys if key in each} for each in outcomes]
    run = {"runbook": "r", "title": "T", "check_mode": False, "head": [["Runbook", "r"]], "asked": {}, **about}
    steps = [{"name": step, "result": {"results": [each for each in outcomes if "reached" not in each]}}]
    return arrange(build_report(steps, run, incidents))


def names(incidents: Any) -> list[str]:
    """Return the identifiers of incidents."""
    return [incident.incident_id for incident in incidents]


# --- groups and their order -----------------------------------------------------------------------------------------


def test_groups_are_in_the_order_of_outcomes_and_sizes():
    made = layout(outcome(1), closed(2), failed(3, category="tls"), failed(4), outcome(5, reached=False), failed(6))
    found = [(group.outcome, group.result, names(group.incidents)) for group in made.groups]
    assert found == [
        ("failed", "Close failed (conflict)", ["event-4", "event-6"]),
        ("failed", "Close failed (tls)", ["event-3"]),
        ("not_reached", "no step was run", ["event-5"]),
        ("changed", "closed", ["event-2"]),
        ("ok", "closed already", ["event-1"]),
    ]


def test_every_incident_is_in_one_group_with_an_anchor_of_its_own():
    made = layout(*map(closed, range(20)), *map(failed, range(20, 30)), *map(outcome, range(30, 40)))
    listed = [incident for group in made.groups for incident in group.incidents]
    assert sorted(names(listed)) == sorted(f"event-{number}" for number in range(40))
    assert len({incident.anchor for incident in listed} | {group.anchor for group in made.groups}) == 40 + 3


def test_group_shows_what_its_incidents_share_once():
    notes = {"warnings": ["Mind."]}
    made = layout(closed(1, request_ids=["a"], **notes), closed(2, status="Active", request_ids=["b"], **notes))
    (group,) = made.groups
    (shared,) = group.steps
    assert [(change.key, change.is_shared_comment) for change in shared.changes] == [("comment", True)]
    assert shared.notes == (Note("Mind.", False),)
    steps = [incident.steps[0] for incident in group.incidents]
    assert [[(change.key, change.before) for change in step.changes] for step in steps] == [
        [("status", "New")],
        [("status", "Active")],
    ]
    assert [(step.notes, step.request_ids) for step in steps] == [((), ("a",)), ((), ("b",))]


def test_single_incident_keeps_its_details():
    (group,) = layout(closed(1)).groups
    assert group.steps == []
    assert [change.key for change in group.incidents[0].steps[0].changes] == ["status", "comment"]


def test_large_groups_are_closed_at_first():
    made = layout(*map(closed, range(MAX_OPEN_ROWS)), failed(1000), outcome(1001))
    found = [(group.outcome, group.is_open) for group in made.groups]
    assert found == [("failed", True), ("changed", False), ("ok", True)]
    assert layout(*map(closed, range(MAX_OPEN_ROWS))).groups[0].is_open
    assert layout(*map(closed, range(MAX_OPEN_DETAILS))).opens_details
    assert not layout(*map(closed, range(MAX_OPEN_DETAILS + 1))).opens_details


# --- failures -------------------------------------------------------------------------------------------------------


def test_identical_failures_are_one_group_with_the_largest_first():
    made = layout(failed(1, "Other."), failed(2), failed(3), failed(4, category="tls"))
    found = [(group.failure.msg, group.failure.category, names(group.incidents)) for group in made.failures]
    assert found == [
        ("It broke.", "conflict", ["event-2", "event-3"]),
        ("Other.", "conflict", ["event-1"]),
        ("It broke.", "tls", ["event-4"]),
    ]
    assert all(group.is_exact for group in made.failures)


def test_failures_that_differ_in_own_identifiers_are_one_group():
    texts = [
        "Splunk event-{0} (ticket T-{0}, request-{0}) is gone.",
        "SPLUNK EVENT-{0} (ticket T-{0}, request-{0}) is gone.",
    ]
    first, second = (failed(number, text.format(number), ticket_id=f"T-{number}") for number, text in enumerate(texts))
    (group,) = layout(first, second).failures
    assert (names(group.incidents), group.is_exact) == (["event-0", "event-1"], False)
    assert group.failure.msg == "Splunk event-0 (ticket T-0, request-0) is gone."


def test_incidents_of_a_group_keep_messages_that_differ():
    (group,) = layout(failed(1, "First."), failed(2, "Second.")).groups
    assert group.steps == []
    assert [incident.steps[0].failure.msg for incident in group.incidents] == ["First.", "Second."]


def test_requests_that_were_not_sent_are_grouped_with_their_cause():
    cause = "The credentials are refused."
    (group,) = layout(failed(1, cause), failed(2, f"The request was not sent: {cause}")).failures
    assert (group.failure.msg, len(group.incidents)) == (cause, 2)


def test_workspaces_of_a_failure_are_counted():
    other = WORKSPACE.replace("5", "6", 1)
    made = (
        failed(number, f"No role on {name}.", workspace_id=name)
        for number, name in enumerate((WORKSPACE, other, other))
    )
    (group,) = layout(*made).failures
    assert group.workspaces == {"5d6e7f80": 1, "6d6e7f80": 2}


def test_failures_that_name_other_values_are_separate():
    assert len(layout(failed(1, "event-12 is locked."), failed(2, "event-13 is locked.")).failures) == 2


def test_identifier_of_a_failed_request_is_kept_for_each_incident():
    made = layout(failed(1, request_ids=["a"]), failed(2, request_ids=["request-2"]))
    (group,) = made.groups
    assert (group.steps[0].failure.msg, group.steps[0].failure.request_id) == ("It broke.", None)
    assert [incident.steps[0].failure for incident in group.incidents] == [None, None]
    ids = [incident.steps[0].request_ids for incident in group.incidents]
    assert ids == [("a", "request-1"), ("request-2",)]


def test_many_reasons_are_closed_at_first():
    made = layout(*(failed(number, f"Reason {chr(65 + number)}.") for number in range(MAX_OPEN_FAILURES + 3)))
    assert (len(made.first_failures), len(made.other_failures), len(made.groups)) == (MAX_OPEN_FAILURES, 3, 1)


def test_only_open_issues_need_attention():
    assert not layout(closed(1), outcome(2)).needs_attention
    assert layout(failed(1)).needs_attention
    assert names(layout(outcome(1, reached=False)).not_reached) == ["event-1"]
    assert layout(stopped="Stop.").needs_attention
    made = layout(outcome(1, unverified=["update_ticket"], ticket_id="T-1"), outcome(2))
    assert names(made.unchecked) == ["event-1"]
    assert made.groups[0].incidents[0].steps[0].notes == (Note(TICKET_UNTOUCHED, True),)


# --- values that are shown once -------------------------------------------------------------------------------------


def test_comment_of_all_incidents_is_shown_once():
    made = layout(closed(1), closed(2), outcome(3), asked={"comment": " Known. ", "replace": True})
    assert (made.comment, dict(made.variables)) == ("Known.", {"replace": True})
    made = layout(closed(1), closed(2), asked={"comment": "For the others."})
    assert (made.comment, dict(made.variables)) == ("Known.", {"comment": "For the others."})


@pytest.mark.parametrize(
    "outcomes", [[closed(1)], [closed(1), closed(2, "Other.")], [outcome(1), outcome(2)]], ids=["one", "two", "none"]
)
def test_other_comments_are_shown_for_each_incident(outcomes):
    made = layout(*outcomes, asked={"comment": "Known."})
    assert (made.comment, dict(made.variables)) == ("", {"comment": "Known."})


def test_replaced_comment_is_not_shared():
    change = {"key": "comment", "before": "Old.", "after": "New."}
    assert shared_comment([{"steps": [{"changes": [change]}]}] * 2) == ""


def test_columns_are_shown_only_if_they_differ():
    made = layout(outcome(1), outcome(2))
    assert (made.has_tickets, made.has_workspaces, made.has_links) == (False, False, False)
    assert not made.has_severities
    assert layout(outcome(1, incident={"severity": "High"})).has_severities
    assert ("Workspace", WORKSPACE) in made.facts
    made = layout(outcome(1, ticket_id="T-1"), outcome(2, workspace_id=WORKSPACE.replace("5", "6")))
    assert (made.has_tickets, made.has_workspaces) == (True, True)
    assert "Workspace" not in dict(made.facts)
    assert layout(outcome(1), portal_url="https://portal.example/{incident_id}").has_links


def test_incident_is_named_by_its_number_or_the_beginning_of_its_id():
    uuid = "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"
    made = layout(outcome(1, incident_number="4711"), outcome(2), outcome(3, incident_id=uuid))
    listed = made.groups[0].incidents
    assert [incident.name for incident in listed] == ["Splunk 4711", "Splunk event-2", "Splunk 7c2a1e8f"]
    assert [incident.full_name for incident in listed][::2] == ["Splunk event-1", f"Splunk {uuid}"]


def test_abbreviations_are_unique():
    first, second, third = (f"{digit}000-4000-8000-{digit:012}" for digit in (1, 2, 3))
    first, second, third = f"00000000-{first}", f"00000000-{second}", f"1111111a-{third}"
    assert abbreviated([first, second, third, third.upper(), "48213"]) == {
        first: "00000000-1000",
        second: "00000000-2000",
        third: "1111111a",
        third.upper(): "1111111a",
        "48213": "48213",
    }


# --- summary --------------------------------------------------------------------------------------------------------


def test_bar_shows_only_outcomes_that_occur():
    found = [
        (share.outcome, share.count, share.start, share.width) for share in shares({"failed": 0, "changed": 1, "ok": 3})
    ]
    assert found == [("changed", 1, 0, 250), ("ok", 3, 250, 750)]
    assert shares({"failed": 0}) == []
