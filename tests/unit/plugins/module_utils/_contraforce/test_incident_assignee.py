# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assigning an incident: options, evidence of the assignee and results. Interruptions are in test_convergence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_assignee import (
    WEAK_EVIDENCE,
    assign_incident,
    parse_options,
    plan,
    state_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    ASSIGNEE_VIEWS,
    DUTY,
    LABEL,
    NIGHT,
    MemoryApi,
    Task,
)

BY_ID = {"email": None, "user_id": DUTY["id"]}
UNASSIGNED = {"user_id": None, "email": None}
#: Views and options with which the wanted value is not shown.
HIDDEN = [("nothing", {}), ("nothing", BY_ID), ("id", {}), ("email", BY_ID), ("flag", {})]


TASK = Task(parse_options, assign_incident, {"email": DUTY["email"]})
parsed, run = TASK.parsed, TASK.run


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"incident_id": ".."}, ["incident_id", "'..'"]),
        ({"email": None}, ["email", "user_id", LABEL]),
        ({"email": " ", "user_id": ""}, ["email", "user_id", LABEL]),
        ({"user_id": "9b2f1c3d"}, ["email", "user_id", LABEL]),
        ({"email": "None"}, ["email", "'None'"]),
        ({"email": None, "user_id": "null"}, ["user_id", "'null'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
def test_invalid_option_is_rejected(changes, facts):
    TASK.assert_rejected(changes, facts)


@pytest.mark.parametrize(
    "changes, body",
    [
        ({"email": f" {DUTY['email']}\n", "user_id": " "}, {"email": DUTY["email"]}),
        ({"email": "D.Duty@Northwind.Example"}, {"email": "D.Duty@Northwind.Example"}),
        ({"email": "", "user_id": f" {DUTY['id']} "}, {"userId": DUTY["id"]}),
    ],
)
def test_request_contains_the_given_value(changes, body):
    service = MemoryApi()
    run(service, **changes)
    assert service.bodies == [body]


@pytest.mark.parametrize(
    "shown, state",
    [
        ({}, {}),
        ({"isAssigned": True}, {}),
        ({"isAssigned": None}, {}),
        ({"isAssigned": False}, UNASSIGNED),
        ({"isAssigned": False, "user": None}, UNASSIGNED),
        ({"user": None}, UNASSIGNED),
        ({"user": None, "isAssigned": None}, UNASSIGNED),
        ({"user": None, "isAssigned": True}, {}),
        ({"user": DUTY}, {"user_id": DUTY["id"], "email": DUTY["email"]}),
        ({"user": {"id": "1", "email": None}}, {"user_id": "1"}),
        ({"user": {"id": None, "email": "a@b.example"}}, {"email": "a@b.example"}),
        ({"user": "d.duty@northwind.example"}, {}),
        ({"user": 7, "isAssigned": True}, {}),
        ({"user": {"displayName": "D. Duty"}}, {}),
    ],
)
def test_state_distinguishes_unknown_from_unassigned(shown, state):
    assert state_of({"incident": {"status": "New", **shown}}) == state_of({"status": "New", **shown}) == state


@pytest.mark.parametrize(
    "changes, assigned, changed",
    [
        ({"email": "D.Duty@Northwind.Example"}, DUTY, False),
        ({}, {**DUTY, "email": "D.Duty@Northwind.Example"}, False),
        ({"email": None, "user_id": "9B2F1C3D"}, DUTY, False),
        ({}, {**DUTY, "email": f"x{DUTY['email']}"}, True),
    ],
)
def test_whole_values_are_compared_in_any_case(changes, assigned, changed):
    assert run(MemoryApi(assigned=assigned), **changes).changed is changed


users = st.fixed_dictionaries({}, optional={"id": st.sampled_from([DUTY["id"], NIGHT["id"], None]), "email": st.none()})
records = st.fixed_dictionaries(
    {}, optional={"user": st.none() | users | st.just(DUTY), "isAssigned": st.none() | st.booleans()}
)


@given(records, st.sampled_from([{}, BY_ID]))
def test_planned_state_needs_no_further_write(record, changes):
    wanted = parsed(**changes)
    first = plan(state_of({"incident": record}), wanted)
    assert plan(first.after, wanted).is_done


@given(
    st.sampled_from(sorted(ASSIGNEE_VIEWS)),
    st.sampled_from([None, DUTY, NIGHT]),
    st.booleans(),
    st.sampled_from([{}, BY_ID, {"email": "D.DUTY@northwind.example"}]),
)
def test_check_mode_predicts_the_run(shows, assigned, is_flat, changes):
    service = MemoryApi(shows_assignee=shows, assigned=assigned, is_flat=is_flat)
    for _run in range(2):
        predicted, result = (run(service, check_mode, **changes) for check_mode in (True, False))
        assert (result.changed, result.values["diff"]) == (predicted.changed, predicted.values["diff"])
        assert result.values["before"] == predicted.values["before"]
        assert result.warnings == []
    assert service.assigned == DUTY


def test_assignment_reads_twice_and_writes_once():
    service = MemoryApi(assigned=NIGHT)
    result = run(service)
    assert (service.reads, service.writes, result.warnings) == (2, ["assign"], [])
    assert result.values["before"] == {"user_id": NIGHT["id"], "email": NIGHT["email"]}
    assert result.values["after"] == {"user_id": DUTY["id"], "email": DUTY["email"]}
    assert result.values["incident"]["user"] == DUTY
    assert result.values["request_ids"] == ["r1"]
    assert result.values["diff"] == {
        "before_header": LABEL,
        "after_header": LABEL,
        "before": {"email": NIGHT["email"]},
        "after": {"email": DUTY["email"]},
    }


def test_run_without_a_change_reads_once():
    service = MemoryApi(assigned=DUTY)
    result = run(service)
    assert (result.changed, service.reads, service.writes, result.warnings) == (False, 1, [], [])
    assert result.values["before"] == result.values["after"] == {"user_id": DUTY["id"], "email": DUTY["email"]}


@pytest.mark.parametrize("shows", ["as the list", "user", "flag"])
def test_unassigned_incident_is_reliable_evidence(shows):
    service = MemoryApi(shows_assignee=shows)
    result = run(service, check_mode=True)
    assert (result.changed, result.warnings, result.values["before"]) == (True, [], UNASSIGNED)
    assert (result.values["after"], service.reads, service.writes) == ({"email": DUTY["email"]}, 1, [])


@pytest.mark.parametrize("changes, value", [({}, f"email {DUTY['email']!r}"), (BY_ID, f"user_id {DUTY['id']!r}")])
def test_check_mode_reports_an_assignee_that_it_cannot_verify(changes, value):
    service = MemoryApi()
    (unverified,) = run(service, check_mode=True, **changes).values["unverified"]
    assert_message(unverified, value)
    assert run(service, **changes).values["unverified"] == []
    assert run(service, check_mode=True, **changes).values["unverified"] == []


@pytest.mark.parametrize(
    "assigned, changes, shown",
    [(NIGHT, {}, f"email {NIGHT['email']}"), (NIGHT, BY_ID, f"user_id {NIGHT['id']}"), (None, {}, "email not set")],
)
def test_ignored_assignment_reports_the_assignee(assigned, changes, shown):
    with pytest.raises(ApiError) as caught:
        run(MemoryApi(assigned=assigned, ignores_writes=True), **changes)
    assert caught.value.category == "not_converged"
    assert_message(caught.value.message, shown)


@pytest.mark.parametrize("shows, changes", HIDDEN)
@pytest.mark.parametrize("assigned", [DUTY, NIGHT])
def test_hidden_assignee_is_always_written(shows, changes, assigned):
    service = MemoryApi(shows_assignee=shows, assigned=assigned, lag=5)
    for count in range(2):
        predicted = run(service, check_mode=True, **changes)
        assert (predicted.changed, predicted.warnings, len(service.writes)) == (True, [WEAK_EVIDENCE], count)
        result = run(service, **changes)
        assert (result.changed, result.warnings, len(service.writes)) == (True, [], count + 1)
        ((name, value),) = result.values["after"].items()
        assert value == (DUTY["email"] if name == "email" else DUTY["id"])
    assert service.clock.slept == []
