# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assign an incident: the options, what a read shows of its assignee, and what a run makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

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
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import raise_next

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
DUTY = {"id": "9b2f1c3d", "displayName": "D. Duty", "email": "d.duty@northwind.example"}
NIGHT = {"id": "0c1d2e3f", "displayName": "N. Night", "email": "n.night@northwind.example"}
OPTIONS = {"workspace_id": WORKSPACE, "source": "sentinel", "incident_id": INCIDENT, "email": DUTY["email"]}
BY_ID = {"email": None, "user_id": DUTY["id"]}
THING = f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})"
BROKEN = ApiError("The connection broke off.", "unavailable", ambiguous=True, retryable=True)
REFUSED = ApiError("The request was refused.", "validation", http_status=400)
UNREADABLE = ApiError("The service is not able to answer.", "unavailable", http_status=503, retryable=True)
NOBODY = {"user_id": None, "email": None}

Person = Mapping[str, Any]

#: Ways in which a service may show whom an incident is assigned to.
SHOWS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "as the list": lambda person: {"user": person, "isAssigned": person is not None},
    "user": lambda person: {"user": person},
    "email": lambda person: {"user": person and {"email": person["email"]}},
    "id": lambda person: {"user": person and {"id": person["id"], "email": None}},
    "flag": lambda person: {"isAssigned": person is not None},
    "only while assigned": lambda person: {"user": person} if person else {},
    "nothing": lambda person: {},
}
EVENT_HEADERS = ("as the list", "user", "email", "only while assigned")


@dataclass
class Service:
    """One incident.

    :param shows: one of :data:`SHOWS`.
    :param faults: for the writes in turn: None, or (error, whether it takes effect all the same).
    :param read_faults: for the reads in turn: None or an error.
    :param lag: how many reads after a write still show the state before it.
    """

    shows: str = "as the list"
    assigned: Person | None = None
    faults: list[tuple[ApiError, bool] | None] = field(default_factory=list)
    read_faults: list[ApiError | None] = field(default_factory=list)
    lag: int = 0
    ignores_writes: bool = False
    is_flat: bool = False
    writes: list[dict[str, Any]] = field(default_factory=list)
    reads: int = 0
    request_ids: list[str] = field(default_factory=lambda: ["r1"])
    _shown: Person | None = None
    _lag_left: int = 0

    def incident_data(self, key: IncidentKey) -> dict[str, Any]:
        self.reads += 1
        raise_next(self.read_faults)
        person = self.assigned
        if self._lag_left > 0:
            self._lag_left -= 1
            person = self._shown
        record = {"id": INCIDENT, "status": "New", **SHOWS[self.shows](person)}
        return record if self.is_flat else {"source": "Sentinel", "incident": record}

    def assign_incident(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        self.writes.append(dict(body))
        error, takes_effect = (self.faults.pop(0) if self.faults else None) or (None, True)
        if takes_effect and not self.ignores_writes:
            self._shown, self._lag_left = self.assigned, self.lag
            name, value = next(iter(body.items()))
            known = {"userId": "id", "email": "email"}[name]
            self.assigned = next(person for person in (DUTY, NIGHT) if person[known] == value.lower())
        raise_next([error])


def options(**changes: Any) -> dict[str, Any]:
    return {**OPTIONS, **changes}


def run(
    service: Service, check_mode: bool = False, verify_timeout: float = 30, clock: Any = None, **changes: Any
) -> OperationResult:
    return assign_incident(
        service, parse_options(options(**changes)), RunOptions(check_mode, verify_timeout, clock or FakeClock())
    )


def failure(service: Service, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(service, **changes)
    return caught.value


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"source": "Outlook"}, ["source", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"incident_id": " "}, ["incident_id", "empty"]),
        ({"incident_id": ".."}, ["incident_id", "'..'"]),
        ({"email": None}, ["email", "user_id", THING]),
        ({"email": " ", "user_id": ""}, ["email", "user_id", THING]),
        ({"user_id": "9b2f1c3d"}, ["email", "user_id", THING]),
        ({"email": "None"}, ["email", "'None'"]),
        ({"email": None, "user_id": "null"}, ["user_id", "'null'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_bad_options_are_refused_before_any_request(changes, facts, check_mode):
    service = Service()
    with pytest.raises(ApiError) as caught:
        assign_incident(service, parse_options(options(**changes)), RunOptions(check_mode, 30, FakeClock()))
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)
    assert (service.reads, service.writes) == (0, [])


@pytest.mark.parametrize(
    "changes, body",
    [
        ({}, {"email": DUTY["email"]}),
        ({"email": f" {DUTY['email']}\n", "user_id": " "}, {"email": DUTY["email"]}),
        ({"email": "D.Duty@Northwind.Example"}, {"email": "D.Duty@Northwind.Example"}),
        (BY_ID, {"userId": DUTY["id"]}),
        ({"email": "", "user_id": f" {DUTY['id']} "}, {"userId": DUTY["id"]}),
    ],
)
def test_what_is_sent(changes, body):
    service = Service()
    run(service, **changes)
    assert service.writes == [body]


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shown, state",
    [
        ({}, {}),
        ({"isAssigned": True}, {}),
        ({"isAssigned": None}, {}),
        ({"isAssigned": False}, NOBODY),
        ({"isAssigned": False, "user": None}, NOBODY),
        ({"user": None}, NOBODY),
        ({"user": None, "isAssigned": None}, NOBODY),
        ({"user": None, "isAssigned": True}, {}),
        ({"user": DUTY}, {"user_id": DUTY["id"], "email": DUTY["email"]}),
        ({"user": DUTY, "isAssigned": True}, {"user_id": DUTY["id"], "email": DUTY["email"]}),
        ({"user": {"id": "1"}}, {"user_id": "1"}),
        ({"user": {"id": "1", "email": None}}, {"user_id": "1"}),
        ({"user": {"id": None, "email": "a@b.example"}}, {"email": "a@b.example"}),
        ({"user": {}}, {}),
        ({"user": "d.duty@northwind.example"}, {}),
        ({"user": 7, "isAssigned": True}, {}),
        ({"user": {"displayName": "D. Duty"}}, {}),
    ],
)
def test_absent_is_unknown_and_nobody_is_not_set(shown, state):
    assert state_of({"incident": {"status": "New", **shown}}) == state
    assert state_of({"status": "New", **shown}) == state


@pytest.mark.parametrize("email", ["d.duty@northwind.example", "D.Duty@Northwind.Example"])
def test_an_email_address_in_any_case_is_the_same(email):
    assert not run(Service(assigned=DUTY), email=email).changed
    assert not run(Service(assigned={**DUTY, "email": email})).changed


def test_a_user_id_in_any_case_is_the_same():
    assert not run(Service(assigned=DUTY), email=None, user_id="9B2F1C3D").changed


def test_a_name_is_not_found_in_a_longer_one():
    assert run(Service(assigned={**DUTY, "email": f"x{DUTY['email']}"})).changed


people = st.fixed_dictionaries({}, optional={"id": st.sampled_from(["9b2f1c3d", "0c1d2e3f", None]), "email": st.none()})
records = st.fixed_dictionaries(
    {}, optional={"user": st.none() | people | st.just(DUTY), "isAssigned": st.none() | st.booleans()}
)


@given(records, st.sampled_from([{}, BY_ID]))
def test_planning_from_the_planned_state_is_empty(record, changes):
    wanted = parse_options(options(**changes))
    first = plan(state_of({"incident": record}), wanted)
    assert plan(first.after, wanted).is_done


# --- where the assignee is shown ------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{}, BY_ID, {"email": "D.DUTY@northwind.example"}])
@pytest.mark.parametrize("assigned", [None, NIGHT])
@pytest.mark.parametrize("is_flat", [True, False])
def test_check_run_check_run(changes, assigned, is_flat):
    service = Service(assigned=assigned, is_flat=is_flat)
    rehearsal = run(service, check_mode=True, **changes)
    assert service.writes == []
    first = run(service, **changes)
    assert (rehearsal.changed, first.changed, service.assigned) == (True, True, DUTY)
    assert (first.values["diff"], first.values["before"]) == (rehearsal.values["diff"], rehearsal.values["before"])
    for check_mode in (True, False):
        again = run(service, check_mode=check_mode, **changes)
        assert not again.changed
        assert again.values["diff"]["before"] == again.values["diff"]["after"]
    assert len(service.writes) == 1


@pytest.mark.parametrize("shows", EVENT_HEADERS)
@pytest.mark.parametrize("assigned", [None, NIGHT])
@pytest.mark.parametrize("lag", [0, 2])
def test_the_second_run_is_ok_wherever_the_assignee_is_shown(shows, assigned, lag):
    service = Service(shows, assigned, lag=lag)
    assert run(service).changed
    service._lag_left = 0
    assert not run(service).changed
    assert len(service.writes) == 1


def test_an_ok_costs_one_read():
    service = Service(assigned=DUTY)
    result = run(service)
    assert (result.changed, service.reads, service.writes, result.warnings) == (False, 1, [], [])
    assert result.values["before"] == result.values["after"] == {"user_id": DUTY["id"], "email": DUTY["email"]}


def test_an_assignment_costs_one_read_one_write_one_read():
    service = Service(assigned=NIGHT)
    result = run(service)
    assert (service.reads, len(service.writes), result.warnings) == (2, 1, [])
    assert result.values["before"] == {"user_id": NIGHT["id"], "email": NIGHT["email"]}
    assert result.values["after"] == {"user_id": DUTY["id"], "email": DUTY["email"]}
    assert result.values["incident"]["user"] == DUTY
    assert result.values["request_ids"] == ["r1"]


def test_diff_shows_who_loses_it_and_who_gets_it():
    assert run(Service(assigned=NIGHT)).values["diff"] == {
        "before_header": THING,
        "after_header": THING,
        "before": {"email": NIGHT["email"]},
        "after": {"email": DUTY["email"]},
    }


@pytest.mark.parametrize("shows", ["as the list", "user", "flag"])
def test_an_incident_that_is_shown_as_nobodys_is_firm(shows):
    result = run(Service(shows), check_mode=True)
    assert (result.changed, result.warnings, result.values["before"]) == (True, [], NOBODY)


def test_check_mode_only_reads():
    service = Service(assigned=NIGHT)
    result = run(service, check_mode=True)
    assert (result.changed, service.reads, service.writes, result.warnings) == (True, 1, [], [])
    assert result.values["after"] == {"email": DUTY["email"]}
    assert result.values["incident"]["user"] == NIGHT


@pytest.mark.parametrize("changes", [{}, {"email": None, "user_id": DUTY["id"]}])
def test_check_mode_names_an_assignee_that_it_cannot_verify(changes):
    service = Service()
    predicted = run(service, check_mode=True, **changes)
    name, value = ("user_id", DUTY["id"]) if changes else ("email", options()["email"])
    assert predicted.values["unverified"] == [
        f"{name} {value!r} cannot be checked: the service does not show who can be assigned."
    ]
    assert run(service, **changes).values["unverified"] == []
    assert run(service, check_mode=True, **changes).values["unverified"] == []


def test_lag_is_waited_for():
    service, clock = Service(assigned=NIGHT, lag=3), FakeClock()
    assert run(service, clock=clock).values["after"]["email"] == DUTY["email"]
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    "assigned, changes, shown",
    [
        (NIGHT, {}, f"email {NIGHT['email']}"),
        (NIGHT, BY_ID, f"user_id {NIGHT['id']}"),
        (None, {}, "email not set"),
    ],
)
def test_a_service_that_does_not_move(assigned, changes, shown):
    service = Service(assigned=assigned, ignores_writes=True)
    error = failure(service, verify_timeout=5, **changes)
    assert (error.category, error.retryable, error.may_have_changed) == ("not_converged", False, True)
    assert_message(error.message, INCIDENT, "5 s", shown, "verify_timeout")
    assert "twice" not in error.message
    assert len(service.writes) == 1


def test_no_read_back_when_not_wanted():
    service = Service(assigned=NIGHT, lag=100)
    result = run(service, verify_timeout=0)
    assert (result.changed, service.reads, len(service.writes)) == (True, 1, 1)
    assert result.values["after"] == {"email": DUTY["email"]}


def test_a_refused_write():
    error = failure(Service(faults=[(REFUSED, False)]))
    assert (error.category, error.may_have_changed) == ("validation", False)
    assert_message(error.message, f"I{THING[1:]}", "not changed")


def test_an_unreadable_incident():
    service = Service(read_faults=[UNREADABLE])
    error = failure(service)
    assert (error.category, error.may_have_changed, service.writes) == ("unavailable", False, [])
    assert_message(error.message, f"I{THING[1:]}", "nothing was written")


@pytest.mark.parametrize("lag", [0, 3])
def test_break_after_the_effect_is_a_success(lag):
    service = Service(assigned=NIGHT, faults=[(BROKEN, True)], lag=lag)
    assert run(service).changed
    assert (len(service.writes), service.assigned) == (1, DUTY)


def test_break_after_the_effect_is_looked_for_although_there_is_no_read_back():
    service = Service(assigned=NIGHT, faults=[(BROKEN, True)], lag=3)
    assert run(service, verify_timeout=0).changed
    assert len(service.writes) == 1


def test_break_before_the_effect_is_sent_once_more():
    service = Service(assigned=NIGHT, faults=[(BROKEN, False)])
    assert run(service).changed
    assert (len(service.writes), service.assigned) == (2, DUTY)


def test_two_breaks_are_one_too_many():
    service = Service(assigned=NIGHT, faults=[(BROKEN, False), (BROKEN, False)])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.writes)) == ("unavailable", True, 2)
    assert_message(error.message, f"I{THING[1:]}", "does not show", "twice")


@pytest.mark.parametrize("shows", ["as the list", "nothing"])
def test_break_and_unreadable_is_ambiguous(shows):
    service = Service(shows, faults=[(BROKEN, True)], read_faults=[None, *[UNREADABLE] * 50])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.writes)) == ("ambiguous_write", True, 1)
    assert_message(error.message, "not known", THING)


@pytest.mark.parametrize("takes_effect", [True, False])
def test_break_and_one_look_that_fails_ends_well(takes_effect):
    service = Service(faults=[(BROKEN, takes_effect)], read_faults=[None, UNREADABLE])
    assert run(service).changed
    assert (service.assigned, len(service.writes)) == (DUTY, 1 if takes_effect else 2)


@given(
    st.sampled_from(sorted(SHOWS)),
    st.sampled_from([None, DUTY, NIGHT]),
    st.lists(st.sampled_from([None, (BROKEN, False), (BROKEN, True)]), max_size=4),
    st.integers(0, 3),
    st.sampled_from([{}, BY_ID]),
)
def test_breaks_lose_nothing(shows, assigned, faults, lag, changes):
    """However often writes break off and whatever is shown, a re-run gets there."""
    service = Service(shows, assigned, faults=list(faults), lag=lag)
    for _attempt in range(3):
        try:
            run(service, **changes)
            break
        except ApiError as error:
            assert error.category in ("unavailable", "ambiguous_write")  # noqa: PT017 - not every attempt fails
    assert service.assigned == DUTY


# --- where it is not ------------------------------------------------------------------------------------------------

HIDDEN = [("nothing", {}), ("nothing", BY_ID), ("id", {}), ("email", BY_ID), ("flag", {})]


@pytest.mark.parametrize("shows, changes", HIDDEN)
@pytest.mark.parametrize("assigned", [DUTY, NIGHT])
def test_each_run_sends_the_write_and_says_so_beforehand(shows, changes, assigned):
    service = Service(shows, assigned)
    for time in range(2):
        rehearsal = run(service, check_mode=True, **changes)
        assert (rehearsal.changed, rehearsal.warnings, len(service.writes)) == (True, [WEAK_EVIDENCE], time)
        result = run(service, **changes)
        assert (result.changed, result.warnings, len(service.writes)) == (True, [], time + 1)
        assert result.values["diff"] == rehearsal.values["diff"]
    assert service.assigned == DUTY


def test_what_the_service_accepted_holds_for_the_run():
    service, clock = Service("nothing"), FakeClock()
    result = run(service, clock=clock)
    assert (result.values["before"], result.values["after"]) == ({}, {"email": DUTY["email"]})
    assert clock.slept == []


@pytest.mark.parametrize("lag", [0, 5])
def test_what_the_service_accepted_is_not_mixed_with_what_may_be_another_person(lag):
    result = run(Service("id", NIGHT, lag=lag))
    assert result.values["after"] == {"email": DUTY["email"]}


def test_an_accepted_write_outweighs_nothing_that_is_shown():
    """It is taken for true only where the incident does not show the assignee."""
    assert failure(Service(ignores_writes=True)).category == "not_converged"


def test_a_name_that_is_not_shown_does_not_hide_the_other():
    result = run(Service("id", NIGHT), check_mode=True)
    assert (result.values["before"], result.values["after"]) == ({"user_id": NIGHT["id"]}, {"email": DUTY["email"]})


@pytest.mark.parametrize("shows, changes", HIDDEN)
@pytest.mark.parametrize("takes_effect", [True, False])
def test_a_hidden_write_that_broke_off_is_sent_once_more_at_once(shows, changes, takes_effect):
    service, clock = Service(shows, NIGHT, faults=[(BROKEN, takes_effect)]), FakeClock()
    assert run(service, clock=clock, **changes).changed
    assert (len(service.writes), service.assigned, clock.slept) == (2, DUTY, [])


@pytest.mark.parametrize("shows, changes", HIDDEN)
@pytest.mark.parametrize("takes_effect", [True, False])
def test_a_hidden_write_that_breaks_off_twice_is_ambiguous(shows, changes, takes_effect):
    service, clock = Service(shows, NIGHT, faults=[(BROKEN, takes_effect)] * 2), FakeClock()
    error = failure(service, clock=clock, **changes)
    assert (error.category, error.may_have_changed, len(service.writes), clock.slept) == (
        "ambiguous_write",
        True,
        2,
        [],
    )
    assert_message(error.message, "not known", THING, "does not show")


def test_a_hidden_write_that_is_refused_after_a_break_is_not_told_as_unchanged():
    error = failure(Service("nothing", faults=[(BROKEN, True), (REFUSED, False)]))
    assert (error.category, error.may_have_changed) == ("validation", True)
    assert_message(error.message, f"I{THING[1:]}", "may have")
