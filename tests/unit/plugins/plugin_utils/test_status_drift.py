# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the comparison of the statuses of incidents and tickets."""

from __future__ import annotations

from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.filter.runbook_statuses import runbook_statuses
from ansible_collections.secops.itsm.plugins.plugin_utils.report import STEPS, build_report
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import read_input
from ansible_collections.secops.itsm.plugins.plugin_utils.status_drift import (
    DRIFT,
    NO_STATUS,
    NOT_READ_AGAIN,
    SAME,
    UNKNOWN,
    UNREAD,
    pairs_to_compare,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    all_systems,
    read_table,
    with_ticket_system,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_messages

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
OPTIONS: Mapping[str, Any] = {"direction": "report", "compare_status": "auto", "classification": "TruePositive"}
ACTIVE, CLOSED = {"incident": {"status": "Active"}}, {"incident": {"status": "Closed"}}
CLOSED_AT = "2026-11-21 03:00:00"


def pair(number: int = 1, ticket: str = "", **changes: Any) -> dict[str, Any]:
    """Return an incident with its ticket."""
    identity = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": str(number)}
    return {**identity, "ticket_id": ticket or f"CTC-{number}", **changes}


def plan(
    *pairs: Mapping[str, Any], reads: Any = (ACTIVE,), direction: str = "report", **arguments: Any
) -> dict[str, Any]:
    """Return the plan for pairs."""
    compare_status = arguments.pop("compare_status", "auto")
    options = {**OPTIONS, "direction": direction, "compare_status": compare_status}
    return runbook_statuses(pairs or (pair(),), options, reads, **arguments)


def detail(**changes: Any) -> dict[str, Any]:
    """Return when and how a ticket was closed."""
    values = {
        "ticket_id": "id",
        "number": "CTC-1",
        "closed_at": CLOSED_AT,
        "closed_at_exact": True,
        "resolution": "Fixed",
    }
    return {**values, **changes}


# --- which pairs ----------------------------------------------------------------------------------------------------


def test_only_pairs_that_are_linked_are_compared():
    pairs = [pair(1), pair(2, state="absent"), pair(3, state="present"), {**pair(4, state="absent"), "ticket_id": None}]
    assert [one["incident_id"] for one in pairs_to_compare(pairs)] == ["1", "3"]


@pytest.mark.parametrize(
    "ticket, number",
    [("INC0012345", "INC0012345"), ("5b9d4e6f708192a3b4c5d6e7f8091a2b", None), ("41877", None)],
    ids=["number", "sys_id", "id"],
)
def test_ticket_named_by_its_number_has_a_number(ticket, number):
    (found,) = pairs_to_compare([pair(ticket=ticket)])
    assert found.get("ticket_number") == number
    (known,) = pairs_to_compare([pair(ticket=ticket, ticket_number="INC1")])
    assert known["ticket_number"] == "INC1"


# --- the comparison -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status, is_open", [("Active", True), ("new", True), (1, True), ("Closed", False), (3, False)])
@pytest.mark.parametrize("closed", [(), ("CTC-1",)], ids=["ticket_open", "ticket_closed"])
def test_difference_is_found_for_each_status(status, is_open, closed):
    made = plan(reads=[{"incident": {"status": status}}], closed=closed)
    expected = SAME if is_open != bool(closed) else DRIFT[0] if is_open else DRIFT[1]
    assert [one["comparison"] for one in made["results"]] == [expected]
    assert made["drifted"] == len(made["notes"]) == (expected != SAME)


@pytest.mark.parametrize(
    "read, unread, reason",
    [
        (CLOSED, {"CTC-1": "It does not exist."}, "It does not exist."),
        (ACTIVE, {"CTC-1": ""}, UNREAD),
        ({"incident": {"status": "Merged"}}, {}, NO_STATUS),
        ({"incident": {}}, {}, NO_STATUS),
    ],
    ids=["closed", "open", "merged", "no_status"],
)
def test_unread_status_is_unknown_and_fails_only_if_required(read, unread, reason):
    made = plan(reads=[read], unread=unread, closed=["CTC-1"] if not unread else [])
    (outcome,) = made["results"]
    assert (outcome["comparison"], outcome["failed"], outcome["warnings"]) == (UNKNOWN, False, [reason])
    (note,) = made["notes"]
    assert "CTC-1" in note
    for required in ({"compare_status": "always"}, {"direction": "from_ticket"}, {"direction": "from_incident"}):
        made = plan(reads=[read], unread=unread, **required)
        (outcome,) = made["results"]
        assert (outcome["failed"], outcome["msg"]) == (True, reason)
        assert (made["notes"], made["incidents"], made["tickets"], made["drifted"]) == ([], [], [], 0)


@pytest.mark.parametrize(
    "shown, system, is_other",
    [
        ("Autotask", "ServiceNow", True),
        ("ServiceNow", "ServiceNow", False),
        ("Jira", "Rezolve.ai", False),
        ("None", "ServiceNow", False),
        (None, "ServiceNow", False),
    ],
)
def test_ticket_of_another_system_is_not_compared(shown, system, is_other):
    made = plan(reads=[{**ACTIVE, "link": {"ticketing_system": shown}}], closed=["CTC-1"], system=system)
    assert [one["comparison"] for one in made["results"]] == [UNKNOWN if is_other else DRIFT[0]]


def test_incident_that_could_not_be_read_is_left_to_its_own_step():
    made = plan(reads=[{"failed": True, "msg": "403"}], closed=["CTC-1"], direction="from_ticket", details=[detail()])
    assert (made["results"], made["incidents"], made["drifted"]) == ([], [], 0)


@pytest.mark.parametrize("other", [ACTIVE, {"failed": True}, {"incident": {}}], ids=["open", "unread", "unknown"])
def test_ticket_of_several_incidents_is_open_until_all_are_closed(other):
    pairs = [pair(1, "CTC-9"), pair(2, "ctc-9")]
    made = plan(*pairs, reads=[CLOSED, other], direction="from_incident")
    assert (made["results"][0]["comparison"], made["tickets"]) == (SAME, [])
    made = plan(*pairs, reads=[CLOSED, CLOSED], direction="from_incident")
    assert [one["comparison"] for one in made["results"]] == [DRIFT[1]] * 2
    assert [one["incident_id"] for one in made["tickets"]] == ["1"], "once"


def test_ticket_of_an_incident_without_its_link_is_left_open():
    """The incident was not read, because its link could not be set, and it may be open."""
    compared, other = pair(1, "CTC-9"), pair(2, "ctc-9")
    for every, count in (([compared, other], 0), ([compared, {**other, "state": "absent"}], 1), ([compared], 1)):
        assert len(plan(compared, reads=[CLOSED], direction="from_incident", every=every)["tickets"]) == count


@pytest.mark.parametrize("shown, count", [("INC1", 0), ("INC2", 1)], ids=["same", "other"])
def test_ticket_is_known_by_its_number_and_its_id(shown, count):
    identifier = "5b9d4e6f708192a3b4c5d6e7f8091a2b"
    link = {"ticket_id": identifier, "ticket_number": shown}
    pairs, reads = [pair(1, "INC1"), pair(2, identifier)], [CLOSED, {**ACTIVE, "link": link}]
    assert len(plan(*pairs, reads=reads, direction="from_incident")["tickets"]) == count


# --- the directions -------------------------------------------------------------------------------------------------

BOTH = (pair(1), pair(2))


def both(direction: str, **arguments: Any) -> dict[str, Any]:
    """Return the plan for an open incident with a closed ticket, and a closed incident with an open one."""
    return plan(*BOTH, reads=[{**ACTIVE, "comments": []}, CLOSED], closed=["CTC-1"], direction=direction, **arguments)


def test_report_closes_nothing():
    made = both("report")
    assert (made["incidents"], made["tickets"], made["drifted"]) == ([], [], 2)
    assert made["closed_tickets"] == ["CTC-1"]
    assert made["notes"] == [
        "DefenderXDR 1: Active, but ticket CTC-1 is closed.",
        "DefenderXDR 2: Closed, but ticket CTC-2 is open.",
    ]


def test_incidents_follow_tickets_with_the_comment_of_close_resolved():
    made = both("from_ticket", details=[detail(number="ctc-1")])
    (incident,) = made["incidents"]
    assert (incident["incident_id"], incident["classification"]) == ("1", "TruePositive")
    assert incident["comment"] == "Closed with its ticket.\n\n[ticket ctc-1 closed]"
    assert "ticket_id" not in incident, "the ticket is closed already"
    assert made["tickets"] == []
    assert made["notes"] == ["DefenderXDR 2: Closed, but ticket CTC-2 is open; left unchanged."]


def test_tickets_follow_incidents():
    made = both("from_incident")
    assert made["incidents"] == []
    assert [one["ticket_id"] for one in made["tickets"]] == ["CTC-2"]
    assert made["notes"] == ["DefenderXDR 1: Active, but ticket CTC-1 is closed; left unchanged."]


@pytest.mark.parametrize(
    "comments, details, words",
    [
        ([{"isClosingComment": True, "createdTime": "2026-11-21T03:30:00Z"}], detail(), "reopened after ticket CTC-1"),
        ([{"message": "[ticket CTC-1 closed]"}], detail(closed_at_exact=False), "reopened after ticket CTC-1"),
        ([{"isClosingComment": True, "createdTime": "2020-01-01T00:00:00Z"}], None, "reopened after ticket CTC-1"),
        ([], detail(canceled=True), "ticket CTC-1 was canceled"),
    ],
    ids=["after", "marker", "time_unknown", "canceled"],
)
def test_reopened_and_canceled_are_left_unchanged(comments, details, words):
    reads = [{**ACTIVE, "comments": comments}]
    made = plan(reads=reads, closed=["CTC-1"], direction="from_ticket", details=details and [details])
    assert made["incidents"] == []
    assert [note for note in made["notes"] if words in note] == made["notes"] != []
    assert [one["failed"] for one in made["results"]] == [False]


def test_summary_of_ticket_does_not_name_another_incident():
    other = f"DefenderXDR 9 {WORKSPACE}"
    (incident,) = both("from_ticket", details=[detail(summary=other)])["incidents"]
    assert incident["incident_id"] == "1"


def test_incident_is_closed_without_details_if_it_was_never_closed():
    (incident,) = both("from_ticket", details=None)["incidents"]
    assert incident["comment"].endswith("[ticket CTC-1 closed]")


def test_pair_names_the_incident_of_its_ticket():
    shown = detail(reference="DefenderXDR 7 of another run", summary="{source} 8")
    (incident,) = both("from_ticket", details=[shown])["incidents"]
    assert incident["incident_id"] == "1"


def test_ticket_without_details_fails():
    made = both("from_ticket", details=[detail(number="CTC-7")])
    assert made["incidents"] == []
    assert [(one["failed"], one.get("msg")) for one in made["results"]] == [(True, NOT_READ_AGAIN), (False, None)]


def test_report_has_a_row_for_each_comparison():
    made = both("report")
    about = {"runbook": "r", "title": "t", "check_mode": False, "head": [], "asked": {}}
    report = build_report([{"name": "status", "result": {"results": made["results"]}}], about, BOTH)
    assert report["summary"] == (
        "Done: 2 incidents, 0 failed; 1 open with a closed ticket, 1 closed with an open ticket."
    )
    assert {SAME, UNKNOWN, *DRIFT} <= set(STEPS)
    assert (report["outcome"], report["counts"]["ok"]) == ("ok", 2)


# --- the variables --------------------------------------------------------------------------------------------------

SENTINEL = {**pair(), "source": "Sentinel", "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"}


@pytest.mark.parametrize(
    "pairs, variables, facts",
    [
        ([pair()], {}, []),
        ([pair()], {"direction": "from_ticket"}, ["'classification' is missing", "direction: from_ticket"]),
        ([pair()], {"direction": "from_ticket", "classification": "TruePositive"}, []),
        (
            [SENTINEL],
            {"direction": "from_ticket", "classification": "TruePositive"},
            ["'classification_reason' is missing", "Sentinel"],
        ),
        ([{**SENTINEL, "state": "absent"}], {"direction": "from_ticket", "classification": "TruePositive"}, []),
        (
            [SENTINEL],
            {
                "direction": "from_ticket",
                "classification": "TruePositive",
                "classification_reason": "SuspiciousActivity",
                "resolution_map": {"Fixed": {"classification": "TruePositive"}},
            },
            ["'resolution_map.Fixed.classification_reason' is missing"],
        ),
        ([pair()], {"resolution_map": {"Fixed": {"classification": "Flase"}}}, ["resolution_map.Fixed.classification"]),
        ([pair()], {"max_incidents": 0}, ["max_incidents must be at least 1"]),
        (
            [pair()],
            {"direction": "from_ticket", "classification": "TruePositive", "compare_status": "never"},
            ["'compare_status' is never", "'direction' is from_ticket"],
        ),
    ],
    ids=["report", "missing", "defender", "sentinel", "absent", "mapped", "misspelled", "limit", "never"],
)
def test_variables_of_a_direction_are_checked(pairs, variables, facts):
    found = read_input("reconcile_tickets", {"pairs": pairs, **variables}, with_ticket_system(read_table()))
    assert bool(found["problems"]) is bool(facts)
    if facts:
        assert_messages(found["problems"], facts)


@pytest.mark.parametrize("system", all_systems(), ids=lambda system: system.name)
def test_closing_tickets_requires_the_variables_of_their_system(system):
    table = with_ticket_system(read_table(), system.name)
    required = system.definition["closing"]["required_if_checked"]
    raw = {"pairs": [pair()], "direction": "from_incident"}
    found = read_input("reconcile_tickets", raw, table)
    assert [message.split("'")[1] for message in found["problems"]] == required
    assert all(system.title in message for message in found["problems"])
    given = {**raw, **dict.fromkeys(required, "x")}
    assert read_input("reconcile_tickets", given, table)["problems"] == []
