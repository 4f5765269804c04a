# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Link and unlink a ticket: the options, the plan, and what a run makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import Link, Ticket
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.ticket_link import (
    UNSEEN,
    WEAK_EVIDENCE,
    Wanted,
    change_ticket_link,
    parse_options,
    plan,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import raise_next

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
OPTIONS = {"workspace_id": WORKSPACE, "source": "sentinel", "incident_id": INCIDENT, "ticket_id": "41877"}
KEY = incident_key(WORKSPACE, "Sentinel", INCIDENT)
BROKEN = ApiError("The connection broke off.", "unavailable", ambiguous=True, retryable=True)
REFUSED = ApiError("The request was refused.", "validation", http_status=400)
UNREADABLE = ApiError("The service is not able to answer.", "unavailable", http_status=503)
CONFLICT = ApiError("It was refused because of a conflict.", "conflict", http_status=409, retryable=True)
NOT_SET = {"ticketingSystemType": "Autotask", "isTicketSet": False}
TICKET_MEMBERS = {"Autotask": "autotaskTicket", "ServiceNow": "serviceNowTicket", "Jira": "jiraTicket"}

#: Tickets by id and number, and the system that has them.
TICKETS = {
    "Autotask": [(41877, "T20261121.0042"), (41878, "T20261121.0043")],
    "ServiceNow": [("1d5f0a2b3c4d5e6f708192a3b4c5d6e7", "INC0012345"), ("2" * 32, "INC0012346")],
    "Jira": [("10042", "SOC-311"), ("10043", "SOC-312")],
    "Zendesk": [(9001, "9001"), (9002, "9002")],
    "None": [],
}


@dataclass
class Service:
    """One incident and the tickets of one system.

    :param shows: ``object``, ``id``, ``omitted`` (only while linked), ``unnamed`` (that there is a ticket, and not
        which), ``comments`` or ``hidden``.
    :param faults: for the writes in turn: None, or (error, whether it takes effect all the same).
    """

    shows: str = "object"
    system: str = "Autotask"
    linked: Any = None
    lag: int = 0
    faults: list[tuple[ApiError, bool] | None] = field(default_factory=list)
    read_faults: list[ApiError | None] = field(default_factory=list)
    comments_fault: ApiError | None = None
    ignores_writes: bool = False
    sets_no_ticket: bool = False
    refuses_relink: bool = False
    not_linked: bool | ApiError = False
    answers: Any = None
    ids_as_text: bool = False
    writes: list[str] = field(default_factory=list)
    comments_ticket: Any = None
    reads: int = 0
    comment_reads: int = 0
    numbers: list[Any] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    _shown: Any = None
    _lag_left: int = 0

    def incident_data(self, key: IncidentKey) -> dict[str, Any]:
        self.reads += 1
        raise_next(self.read_faults)
        ticket = self.linked
        if self._lag_left > 0:
            self._lag_left -= 1
            ticket = self._shown
        record: dict[str, Any] = {"id": INCIDENT, "status": "New"}
        if self.shows in ("object", "id") or (self.shows == "omitted" and ticket):
            record["ticketId"] = self._id(ticket) if ticket else None
        if self.shows == "unnamed":
            record["ticket"] = {"isTicketSet": ticket is not None, "ticketingSystemType": self.system}
        if self.shows == "object":
            record["ticket"] = self._dto(ticket) if ticket else None
        return {"source": "Sentinel", "incident": record}

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        self.comment_reads += 1
        if self.comments_fault:
            raise self.comments_fault
        return [{"message": "one", "ticketId": self.comments_ticket}]

    def link_ticket(self, key: IncidentKey, ticket_id: str, number: str | None) -> dict[str, Any]:
        self.numbers.append(number)
        ticket = next((entry for entry in TICKETS[self.system] if ticket_id in map(str, entry)), None)
        if self.refuses_relink and self.linked not in (None, ticket):
            self.writes.append("link")
            raise ApiError("It was changed at the same time.", "conflict", http_status=409, retryable=True)
        if ticket is None and self.system != "None" and not self.sets_no_ticket:
            self.writes.append("link")
            raise ApiError("It was not found.", "not_found", code="NOT_FOUND", http_status=404)
        self._apply("link", ticket)
        if self.shows == "comments":
            self.comments_ticket = self._id(ticket)
        if self.answers is not None:
            return self.answers
        if self.sets_no_ticket or self.system == "None":
            return {"ticketingSystemType": self.system, "isTicketSet": False}
        return self._dto(ticket)

    def unlink_ticket(self, key: IncidentKey, number: str | None) -> bool:
        self.numbers.append(number)
        was_linked = self.linked is not None
        self._apply("unlink", None)
        if not was_linked and isinstance(self.not_linked, ApiError):
            raise self.not_linked
        return was_linked

    def _apply(self, action: str, ticket: Any) -> None:
        self.writes.append(action)
        fault = self.faults.pop(0) if self.faults else None
        if (fault is None or fault[1]) and not self.ignores_writes:
            self._shown, self._lag_left, self.linked = self.linked, self.lag, ticket
        if fault:
            raise fault[0]

    def _id(self, ticket: Any) -> Any:
        return str(ticket[0]) if self.ids_as_text else ticket[0]

    def _dto(self, ticket: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {"ticketingSystemType": self.system, "isTicketSet": True}
        if self.system in TICKET_MEMBERS:
            answer[TICKET_MEMBERS[self.system]] = {"id": self._id(ticket), "number": ticket[1]}
        return answer


def first(system: str = "Autotask") -> Any:
    return TICKETS[system][0]


def second(system: str = "Autotask") -> Any:
    return TICKETS[system][1]


def run(service: Service, check_mode: bool = False, verify_timeout: float = 30, **changes: Any) -> OperationResult:
    clock = FakeClock()
    result = change_ticket_link(
        service, parse_options({**OPTIONS, **changes}), RunOptions(check_mode, verify_timeout, clock)
    )
    result.values["slept"] = clock.slept  # type: ignore[index]  # for the tests alone
    return result


def failure(service: Service, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(service, **changes)
    return caught.value


def four_runs(service: Service, **changes: Any) -> list[tuple[bool, int]]:
    """Check, run, check, run: whether each reports a change, and how many writes there are after it."""
    seen = []
    for check_mode in (True, False, True, False):
        changed = run(service, check_mode, **changes).changed
        seen.append((changed, len(service.writes)))
    return seen


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"source": "Outlook"}, ["source", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"incident_id": ""}, ["incident_id", "empty"]),
        ({"ticket_id": None}, ["ticket_id", "missing"]),
        ({"ticket_id": " "}, ["ticket_id", "missing"]),
        ({"ticket_id": "None"}, ["ticket_id", "'None'"]),
        ({"ticket_id": " null "}, ["ticket_id", "'null'"]),
        ({"incident_number": "None"}, ["incident_number", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_bad_options_are_refused_before_any_request(changes, facts, check_mode):
    service = Service()
    with pytest.raises(ApiError) as caught:
        change_ticket_link(service, parse_options({**OPTIONS, **changes}), RunOptions(check_mode, clock=FakeClock()))
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)
    assert (service.reads, service.writes) == (0, [])


def test_unlink_needs_no_ticket():
    assert parse_options({**OPTIONS, "state": "absent", "ticket_id": None}).names == ()


def test_incident_number_is_passed_on():
    service = Service(linked=second())
    run(service, incident_number=" 3107 ", replace=True)
    assert service.numbers == ["3107", "3107"]


# --- the plan, a pure function ----------------------------------------------------------------------------------------

LINKS = [
    Link("linked", "incident", Ticket("41877", "T20261121.0042", "Autotask")),
    Link("linked", "incident", Ticket("41878", "T20261121.0043", "Autotask")),
    Link("linked", "incident", Ticket("41878")),
    Link("linked", "incident", Ticket(system="Zendesk")),
    Link("linked", "response", Ticket("41877", "T20261121.0042", "Autotask")),
    Link("unlinked", "incident"),
    Link("unlinked", "response"),
    Link("likely", "comments", Ticket("41877")),
    Link("likely", "comments", Ticket("41878")),
    Link("unknown", "none"),
]
WANTED = [
    Wanted(KEY, present, ticket_id, replace)
    for present in (True, False)
    for ticket_id in ("41877", "T20261121.0042", None)
    for replace in (True, False)
    if ticket_id or not present
]


@given(st.sampled_from(LINKS), st.sampled_from(WANTED))
def test_a_plan_says_what_it_does_and_nothing_twice(current, wanted):
    found = plan(current, wanted)
    actions = [write.action for write in found.writes]
    assert actions in ([], ["link"], ["unlink"], ["unlink", "link"])
    assert not (found.conflict and actions)
    if found.conflict:
        assert found.conflict.category == "conflict"
        assert str(current.ticket) in found.conflict.message
        assert str(wanted.ticket_id) in found.conflict.message
    if actions:
        assert found.after.status == ("linked" if wanted.present else "unlinked")
    else:
        assert found.after == current


@given(st.sampled_from(LINKS), st.sampled_from(WANTED))
def test_ok_is_never_said_on_weak_evidence(current, wanted):
    if plan(current, wanted).is_done:
        assert current.evidence in ("incident", "response")
        assert current.status == ("linked" if wanted.present else "unlinked")


@given(st.sampled_from(LINKS), st.sampled_from([wanted for wanted in WANTED if not wanted.replace]))
def test_a_link_that_is_shown_is_never_replaced_unasked(current, wanted):
    if current.is_conclusive and current.status == "linked" and plan(current, wanted).writes:
        assert not wanted.present
        assert plan(current, wanted).writes[0].action == "unlink"


# --- four runs, in both profiles, for every system --------------------------------------------------------------------


@pytest.mark.parametrize("ids_as_text", [True, False])
@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("system", ["Autotask", "ServiceNow", "Jira"])
def test_link_where_the_incident_shows_its_ticket(system, name, ids_as_text):
    service = Service(system=system, ids_as_text=ids_as_text)
    ticket_id = str(first(system)[name])
    assert four_runs(service, ticket_id=ticket_id) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert service.linked == first(system)
    result = run(service, ticket_id=ticket_id)
    assert result.values["link"] == {
        "before": "linked",
        "after": "linked",
        "evidence": "incident",
        "ticket_id": str(first(system)[0]),
        "ticket_number": first(system)[1],
        "ticketing_system": system,
    }
    assert result.values["ticket"]["isTicketSet"] is True


@pytest.mark.parametrize("shows", ["id", "omitted"])
def test_link_by_id_where_the_incident_shows_only_that(shows):
    service = Service(shows=shows)
    assert four_runs(service) == [(True, 0), (True, 1), (False, 1), (False, 1)]


@pytest.mark.parametrize("again", [False, True])
def test_link_by_number_where_the_incident_shows_only_the_id(again):
    """The answer of link names both; a later run knows only one, and does not guess, nor replace on a guess."""
    service = Service(shows="id")
    result = run(service, ticket_id="T20261121.0042")
    assert result.values["link"]["ticket_id"] == "41877"
    assert result.values["link"]["ticket_number"] == "T20261121.0042"
    assert result.values["link"]["evidence"] == "incident"
    error = failure(service, ticket_id="T20261121.0042", replace=again)
    assert error.category == "conflict"
    assert_message(error.message, "41877", "cannot be compared", "T20261121.0042", "only the identifier", "ticket_id")
    assert service.writes == ["link"]


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("system", ["Autotask", "ServiceNow", "Jira"])
def test_link_where_only_comments_name_the_ticket(system, name):
    """Each run sends the write; the second one knows from the comments, and the answer, that nothing changed."""
    service = Service(shows="comments", system=system)
    assert run(service, ticket_id=str(first(system)[name])).changed
    result = run(service, ticket_id=str(first(system)[name]))
    assert (result.changed, service.writes) == (False, ["link", "link"])
    assert result.values["link"]["before"] == "likely"
    assert result.values["link"]["after"] == "linked"
    assert result.values["link"]["evidence"] == "response"
    assert result.values["diff"]["before"] == result.values["diff"]["after"]


@pytest.mark.parametrize("system", ["Autotask", "ServiceNow", "Jira", "Zendesk"])
def test_link_where_nothing_shows_it(system):
    service = Service(shows="hidden", system=system)
    ticket_id = str(first(system)[0])
    assert four_runs(service, ticket_id=ticket_id) == [(True, 0), (True, 1), (True, 1), (True, 2)]
    result = run(service, ticket_id=ticket_id)
    assert (result.values["link"]["before"], result.values["link"]["after"]) == ("unknown", "linked")
    assert result.values["link"]["ticketing_system"] == system
    assert result.values["link"]["ticket_id"] == ticket_id


def test_an_incident_that_shows_that_it_has_a_ticket_and_not_which():
    """As Zendesk might: each run writes, and none is ok, because the ticket may be another one."""
    service = Service(shows="unnamed", system="Zendesk")
    assert run(service, ticket_id="9001").values["link"]["before"] == "unlinked"
    result = run(service, ticket_id="9001")
    assert (result.values["link"]["before"], result.values["link"]["after"]) == ("linked", "linked")
    assert (result.changed, service.writes, service.linked) == (True, ["link", "link"], first("Zendesk"))
    assert [run(service, state="absent", ticket_id=None).changed for _each in range(2)] == [True, False]


@pytest.mark.parametrize("shows", ["object", "id", "omitted"])
def test_unlink_where_the_incident_shows_its_ticket(shows):
    service = Service(shows=shows, linked=first())
    seen = four_runs(service, state="absent", ticket_id=None)
    assert seen[:2] == [(True, 0), (True, 1)]
    assert service.linked is None
    if shows != "omitted":
        assert seen[2:] == [(False, 1), (False, 1)]
    else:
        assert seen[3] == (False, 2)


@pytest.mark.parametrize("shows", ["comments", "hidden"])
def test_unlink_where_only_the_answer_tells(shows):
    service = Service(shows=shows, linked=first(), comments_ticket=41877)
    assert [run(service, state="absent", ticket_id=None).changed for _each in range(2)] == [True, False]
    assert service.writes == ["unlink", "unlink"]
    result = run(service, state="absent", ticket_id=None)
    assert (result.values["link"]["after"], result.values["link"]["evidence"]) == ("unlinked", "response")
    assert result.values["diff"]["before"] == result.values["diff"]["after"]


# --- another ticket ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("check_mode", [True, False])
def test_another_ticket_is_a_conflict_that_names_both(check_mode, name):
    service = Service(linked=second())
    error = failure(service, check_mode=check_mode, ticket_id=str(first()[name]))
    assert (error.category, error.may_have_changed, error.retryable) == ("conflict", False, False)
    facts = "41878", "T20261121.0043", str(first()[name]), "replace", "Nothing was written"
    assert_message(error.message, *facts)
    assert service.writes == []


def test_another_ticket_is_replaced_on_demand():
    service = Service(linked=second())
    assert four_runs(service, replace=True) == [(True, 0), (True, 2), (False, 2), (False, 2)]
    assert service.writes == ["unlink", "link"]
    assert service.linked == first()


def test_a_replacement_cut_off_in_between_is_finished_by_the_next_run():
    service = Service(linked=second(), faults=[None, (REFUSED, False)])
    error = failure(service, replace=True)
    assert (error.category, error.may_have_changed) == ("validation", True)
    facts = "unlinked from 41878 / T20261121.0043", "not known to be linked to 41877", f"Incident {INCIDENT}"
    assert_message(error.message, *facts, "only in part", "Ticket 41877")
    assert service.linked is None
    result = run(service, replace=True)
    assert (result.changed, service.linked) == (True, first())
    assert service.writes == ["unlink", "link", "link"]


@pytest.mark.parametrize("ticket_id", ["41878", "T20261121.0043"])
def test_the_safeguard_of_unlink(ticket_id):
    service = Service(linked=first())
    error = failure(service, state="absent", ticket_id=ticket_id)
    assert error.category == "conflict"
    assert_message(error.message, "41877 / T20261121.0042", "Nothing was written")
    assert service.writes == []


def test_unlink_of_the_named_ticket():
    service = Service(linked=first())
    result = run(service, state="absent", ticket_id="t20261121.0042")
    assert (result.changed, service.linked) == (True, None)
    assert result.values["link"]["ticket_id"] == "41877"


def test_the_safeguard_of_unlink_holds_for_likely_links_too():
    service = Service(shows="comments", linked=second(), comments_ticket=41878)
    error = failure(service, state="absent")
    assert (error.category, service.writes) == ("conflict", [])
    assert_message(error.message, INCIDENT, "comments", "41878", "Nothing was written")


def test_a_likely_link_to_another_ticket_does_not_stop_a_link_and_is_told():
    """Comments are stale after an unlink; only the write makes the state true."""
    service = Service(shows="comments", comments_ticket=41878)
    foretold = run(service, check_mode=True)
    assert foretold.changed
    assert WEAK_EVIDENCE in foretold.warnings
    result = run(service)
    assert (result.changed, service.writes) == (True, ["link"])
    for warnings in (result.warnings, foretold.warnings):
        assert any(has_fact(text, "41878") and has_fact(text, "not of 41877") for text in warnings), warnings


def test_a_likely_link_to_another_ticket_is_replaced_on_demand():
    service = Service(shows="comments", linked=second(), comments_ticket=41878)
    result = run(service, replace=True)
    assert (result.changed, service.writes, service.linked) == (True, ["link"], first())


def test_a_likely_link_is_unlinked_first_only_where_the_service_demands_it():
    service = Service(shows="comments", linked=second(), comments_ticket=41878, refuses_relink=True)
    error = failure(service)
    assert (error.category, service.linked, service.writes) == ("conflict", second(), ["link"])
    result = run(service, replace=True)
    assert (result.changed, service.linked) == (True, first())
    assert service.writes == ["link", "link", "unlink", "link"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_service_that_refuses_to_replace_a_link_that_nothing_shows(replace):
    """The refusal may be about anything: nothing is unlinked on a guess, and the service's words are told."""
    service = Service(shows="hidden", linked=second(), refuses_relink=True)
    error = failure(service, replace=replace)
    assert (error.category, error.http_status, error.retryable, error.may_have_changed) == (
        "conflict",
        409,
        False,
        False,
    )
    assert_message(error.message, "Ticket 41877", "It was changed at the same time.", "another ticket", "unlink")
    assert (service.linked, service.writes) == (second(), ["link"])


def test_a_refusal_where_the_incident_shows_no_ticket_is_not_blamed_on_one():
    error = failure(Service(faults=[(CONFLICT, False)]))
    assert error.category == "conflict"
    assert "another ticket" not in error.message


@pytest.mark.parametrize(
    "changes, category",
    [({"faults": [None, (REFUSED, False)]}, "validation"), ({"answers": NOT_SET}, "not_converged")],
)
def test_a_replacement_that_fails_half_way_names_the_former_ticket(changes, category):
    service = Service(shows="comments", linked=second(), comments_ticket=41878, refuses_relink=True, **changes)
    error = failure(service, replace=True)
    assert (error.category, error.may_have_changed) == (category, True)
    assert_message(error.message, "unlinked from 41878", "not known to be linked to 41877")


@pytest.mark.parametrize(
    "faults",
    [
        [None, (BROKEN, False), (BROKEN, False)],
        [(BROKEN, True), (REFUSED, False)],
    ],
)
def test_a_replacement_that_breaks_off_half_way_names_the_former_ticket(faults):
    error = failure(Service(linked=second(), faults=faults), replace=True, verify_timeout=1)
    assert error.may_have_changed
    assert_message(error.message, "unlinked from 41878 / T20261121.0043", "not known to be linked to 41877")


def test_a_link_that_keeps_breaking_off_ends():
    """Where what is shown stays behind, unlink and link must not take turns for ever."""
    service = Service(linked=second(), ignores_writes=True, faults=[None, (BROKEN, False)] * 20)
    error = failure(service, replace=True)
    assert (error.category, error.may_have_changed) == ("unavailable", True)
    assert service.writes == ["unlink", "link", "unlink", "link"]


# --- evidence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shows", ["comments", "hidden"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_check_mode_says_that_it_rests_on_weak_evidence_once(shows, state):
    service = Service(shows=shows, linked=first(), comments_ticket=41877 if shows == "comments" else None)
    ticket_id = "41877" if state == "present" else None
    assert run(service, check_mode=True, state=state, ticket_id=ticket_id).warnings == [WEAK_EVIDENCE]
    unseen = [UNSEEN] if shows == "hidden" and state == "present" else []
    assert run(service, state=state, ticket_id=ticket_id).warnings == unseen


@pytest.mark.parametrize("replace, warnings", [(False, [UNSEEN]), (True, [])])
def test_a_link_that_nothing_showed_may_have_replaced_another(replace, warnings):
    assert run(Service(shows="hidden", linked=second()), replace=replace).warnings == warnings


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_safeguard_that_nothing_can_check_is_told(check_mode):
    service = Service(shows="hidden", linked=first())
    result = run(service, check_mode=check_mode, state="absent", ticket_id="41878")
    assert_message(result.warnings[-1], "Nothing shows", "ticket_id 41878", "safeguard")


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_safeguard_that_a_comment_confirms_may_be_stale(check_mode):
    service = Service(shows="comments", linked=second(), comments_ticket=41877)
    result = run(service, check_mode=check_mode, state="absent", ticket_id="41877")
    assert_message(result.warnings[-1], "Only a comment shows", "ticket_id 41877", "safeguard")


def test_a_safeguard_that_cannot_be_compared_is_kept():
    service = Service(shows="comments", linked=second(), comments_ticket=41878)
    error = failure(service, state="absent", ticket_id="T20261121.0042")
    assert (error.category, service.writes) == ("conflict", [])
    assert_message(error.message, "comments", "41878", "cannot be compared")


@pytest.mark.parametrize("shows", ["object", "id"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_full_evidence_needs_no_warning_and_no_comments(shows, state):
    service = Service(shows=shows, linked=None if state == "present" else first())
    assert run(service, check_mode=True, state=state).warnings == []
    assert run(service, state=state).warnings == []
    assert service.comment_reads == 0


@pytest.mark.parametrize("category", ["permission", "not_found"])
def test_an_account_that_may_not_read_comments_goes_without_them(category):
    service = Service(shows="hidden", comments_fault=ApiError("No.", category))
    assert run(service).changed
    assert run(service, check_mode=True).values["link"]["evidence"] == "none"


def test_comments_that_cannot_be_read_for_another_reason_stop_the_run():
    service = Service(shows="hidden", comments_fault=UNREADABLE)
    assert_message(failure(service).message, INCIDENT, "nothing was written")
    assert service.writes == []


def test_a_link_costs_one_read_one_write_one_read_back():
    service = Service()
    run(service)
    assert (service.reads, service.writes, service.comment_reads) == (2, ["link"], 0)
    run(service)
    assert (service.reads, service.writes) == (3, ["link"])


@pytest.mark.parametrize("name", ["41877", "T20261121.0042"])
def test_a_ticket_that_is_only_foretold_is_named_as_what_it_is(name):
    result = run(Service(), check_mode=True, ticket_id=name)
    shown = result.values["link"]
    assert (shown["ticket_id"], shown["ticket_number"]) == ((name, None) if name == "41877" else (None, name))
    assert result.values["ticket"] is None


def test_a_replacement_that_is_only_foretold_shows_no_ticket():
    assert run(Service(linked=second()), check_mode=True, replace=True).values["ticket"] is None


def test_without_read_back_the_answer_counts():
    service = Service()
    result = run(service, verify_timeout=0)
    assert service.reads == 1
    assert result.values["after"] == {
        "link": "linked",
        "evidence": "response",
        "ticket_id": "41877",
        "ticket_number": "T20261121.0042",
        "ticketing_system": "Autotask",
    }


def test_lag_is_waited_for():
    service = Service(lag=2)
    assert run(service).values["link"]["evidence"] == "incident"
    assert service.writes == ["link"]


# --- what a 200 does not mean -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shows", ["object", "hidden"])
def test_no_ticketing_system(shows):
    error = failure(Service(shows=shows, system="None"))
    assert (error.category, error.may_have_changed) == ("not_converged", False)
    assert_message(error.message, "workspace", "no ticketing system", "Connect one")


@pytest.mark.parametrize("shows", ["object", "hidden"])
def test_no_ticket_set(shows):
    error = failure(Service(shows=shows, sets_no_ticket=True, system="Jira"), ticket_id="SOC-999")
    assert error.category == "not_converged"
    assert_message(error.message, "Jira", "ticket SOC-999")


def test_another_ticket_linked_than_asked_for():
    other = {
        "ticketingSystemType": "Autotask",
        "isTicketSet": True,
        "autotaskTicket": {"id": 7, "number": "T20260101.0001"},
    }
    error = failure(Service(shows="hidden", answers=other))
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert_message(error.message, "7 / T20260101.0001", "Autotask", "instead of 41877")


def test_a_ticket_that_is_not_there():
    error = failure(Service(), ticket_id="41879")
    assert (error.category, error.may_have_changed) == ("not_found", False)
    assert_message(error.message, INCIDENT, "not changed", "Ticket 41879", "not found")


def test_the_ticket_is_in_the_result_while_it_is_linked():
    service = Service()
    assert run(service).values["ticket"]["isTicketSet"] is True
    assert run(service, state="absent", check_mode=True).values["ticket"] is None
    assert run(service, state="absent").values["ticket"] is None


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_service_that_ignores_the_write_is_no_success(state):
    service = Service(ignores_writes=True, linked=None if state == "present" else first())
    error = failure(service, state=state)
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert not has_fact(error.message, "unlinked from")


# --- not linked -------------------------------------------------------------------------------------------------------

GONE = ApiError("It was not found.", "not_found", code="NOT_FOUND", http_status=404)
NO_SUCH_ROUTE = ApiError("It was not found.", "not_found", http_status=404)


def test_404_on_unlink_of_an_incident_that_was_read_is_ok():
    service = Service(shows="hidden", not_linked=GONE)
    result = run(service, state="absent", ticket_id=None)
    assert (result.changed, result.values["link"]["after"]) == (False, "unlinked")


def test_404_without_the_services_code_is_the_address_and_no_ok():
    error = failure(Service(shows="hidden", not_linked=NO_SUCH_ROUTE), state="absent")
    assert error.category == "not_found"


def test_404_on_unlink_while_the_incident_shows_a_ticket_is_no_ok():
    service = Service(linked=first(), faults=[(GONE, False)])
    error = failure(service, state="absent", verify_timeout=1)
    assert error.category == "not_converged"
    assert service.linked == first()


def test_an_incident_that_is_not_there_is_not_found():
    service = Service(read_faults=[GONE])
    error = failure(service, state="absent")
    assert (error.category, service.writes) == ("not_found", [])


def test_somebody_else_unlinked_it_meanwhile():
    service = Service(linked=first())
    unlink = service.unlink_ticket

    def beaten(key: IncidentKey, number: str | None) -> bool:
        service.linked = None
        return unlink(key, number)

    service.unlink_ticket = beaten  # type: ignore[method-assign]  # somebody else is quicker
    assert run(service, state="absent").changed is False


# --- writes that break off --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_broken_where_the_incident_shows_it(state, effect):
    service = Service(linked=None if state == "present" else first(), faults=[(BROKEN, effect)])
    assert run(service, state=state).changed
    assert len(service.writes) == (1 if effect else 2)
    assert service.linked == (first() if state == "present" else None)


@pytest.mark.parametrize("effect", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_broken_where_nothing_shows_it(state, effect):
    """It is sent once more, at once; what the first one did, nobody can tell, so it is a change."""
    service = Service(shows="hidden", linked=None if state == "present" else first(), faults=[(BROKEN, effect)])
    result = run(service, state=state)
    assert (result.changed, result.values["slept"], len(service.writes)) == (True, [], 2)
    assert service.linked == (first() if state == "present" else None)


def test_broken_twice_where_nothing_shows_it_is_ambiguous():
    service = Service(shows="hidden", faults=[(BROKEN, False), (BROKEN, True)])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.writes)) == ("ambiguous_write", True, 2)


def test_broken_and_unreadable_is_ambiguous():
    service = Service(faults=[(BROKEN, True)], read_faults=[None, *[UNREADABLE] * 50])
    error = failure(service)
    assert (error.category, error.may_have_changed) == ("ambiguous_write", True)
    service.read_faults = []
    assert run(service).changed is False
    assert service.writes == ["link"]


@pytest.mark.parametrize("shows", ["object", "comments"])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("effect", [True, False])
def test_a_replacement_that_breaks_off_ends_right(shows, which, effect):
    faults: list[Any] = [None, None]
    faults[which] = (BROKEN, effect)
    service = Service(shows=shows, linked=second(), comments_ticket=41878, faults=faults)
    assert run(service, replace=True).changed
    assert service.linked == first()
    assert len(service.writes) <= 3
