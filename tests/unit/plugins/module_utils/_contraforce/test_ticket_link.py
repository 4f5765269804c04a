# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linking and unlinking tickets: options, plans, evidence, conflicts. Interruptions are in test_convergence."""

from __future__ import annotations

from typing import Any

import pytest

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
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    BROKEN,
    CONFLICT,
    INCIDENT,
    LABEL,
    NOT_FOUND,
    REFUSED,
    TICKETS,
    UNREADABLE,
    WORKSPACE,
    MemoryApi,
    Task,
)

KEY = incident_key(WORKSPACE, "Sentinel", INCIDENT)
FIRST, SECOND = TICKETS["Autotask"]
UNLINK = {"state": "absent", "ticket_id": None}
#: A service whose comments name the second ticket, which is linked.
COMMENTED = {"shows_ticket": "comments", "linked": SECOND, "comments_ticket": 41878}


TASK = Task(parse_options, change_ticket_link, {"ticket_id": "41877"})
parsed, run, failure = TASK.parsed, TASK.run, TASK.failure


def four_runs(service: MemoryApi, **changes: Any) -> list[tuple[bool, int]]:
    """Return whether check, run, check and run report a change, and the number of writes after each."""
    return [
        (run(service, check_mode, **changes).changed, len(service.writes)) for check_mode in (True, False, True, False)
    ]


# --- options and plans ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"incident_id": ""}, ["incident_id", "empty"]),
        ({"ticket_id": " "}, ["ticket_id", "missing", LABEL]),
        ({"ticket_id": " null "}, ["ticket_id", "'null'"]),
        ({"incident_number": "None"}, ["incident_number", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
def test_invalid_option_is_rejected(changes, facts):
    TASK.assert_rejected(changes, facts)


def test_requests_contain_the_ticket_and_the_incident_number():
    service = MemoryApi(linked=SECOND)
    run(service, incident_number=" 3107 ", ticket_id=" 41877 ", replace=True)
    assert service.bodies == [{"number": "3107"}, {"ticketId": "41877", "number": "3107"}]


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


@pytest.mark.parametrize("current", LINKS, ids=str)
@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_plan_is_safe(current, wanted):
    found = plan(current, wanted)
    actions = [write.action for write in found.writes]
    assert actions in ([], ["link"], ["unlink"], ["unlink", "link"])
    if found.conflict:
        assert (found.conflict.category, actions, found.after) == ("conflict", [], current)
        assert str(current.ticket) in found.conflict.message
        assert str(wanted.ticket_id) in found.conflict.message
    elif actions:
        assert found.after.status == ("linked" if wanted.present else "unlinked")
    else:
        assert (found.after, current.status) == (current, "linked" if wanted.present else "unlinked")
        assert current.evidence in ("incident", "response")
    if current.is_conclusive and current.status == "linked" and actions and not wanted.replace:
        assert (wanted.present, actions) == (False, ["unlink"])


# --- with a link that the incident shows ----------------------------------------------------------------------------


@pytest.mark.parametrize("ids_as_text", [True, False])
@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("system", ["Autotask", "ServiceNow", "Jira"])
def test_shown_link_is_reported_completely(system, name, ids_as_text):
    service = MemoryApi(system=system, ids_as_text=ids_as_text)
    ticket = TICKETS[system][0]
    assert four_runs(service, ticket_id=str(ticket[name])) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    result = run(service, ticket_id=str(ticket[name]))
    assert (service.linked, service.comment_reads, result.warnings) == (ticket, 0, [])
    assert result.values["link"] == {
        "before": "linked",
        "after": "linked",
        "evidence": "incident",
        "ticket_id": str(ticket[0]),
        "ticket_number": ticket[1],
        "ticketing_system": system,
    }
    assert result.values["ticket"]["isTicketSet"] is True


@pytest.mark.parametrize("shows", ["id", "omitted"])
def test_shown_identifier_is_sufficient(shows):
    assert four_runs(MemoryApi(shows_ticket=shows)) == [(True, 0), (True, 1), (False, 1), (False, 1)]


@pytest.mark.parametrize("replace", [False, True])
def test_number_cannot_be_compared_with_a_shown_identifier(replace):
    """The run that links knows both from the response; a later run must not guess."""
    service = MemoryApi(shows_ticket="id")
    shown = run(service, ticket_id="T20261121.0042").values["link"]
    assert (shown["ticket_id"], shown["ticket_number"], shown["evidence"]) == ("41877", "T20261121.0042", "incident")
    error = failure(service, ticket_id="T20261121.0042", replace=replace)
    assert (error.category, service.writes) == ("conflict", ["link"])
    assert_message(error.message, LABEL, "41877", "T20261121.0042", "identifier", "ticket_id")


def test_shown_link_without_a_name_is_written_again():
    service = MemoryApi(shows_ticket="unnamed", system="Zendesk")
    for before in ("unlinked", "linked"):
        result = run(service, ticket_id="9001")
        assert (result.changed, result.values["link"]["before"]) == (True, before)
    assert service.writes == ["link", "link"]
    assert [run(service, **UNLINK).changed for _run in range(2)] == [True, False]


@pytest.mark.parametrize("shows, last", [("object", (False, 1)), ("id", (False, 1)), ("omitted", (False, 2))])
def test_shown_link_is_removed_once(shows, last):
    service = MemoryApi(shows_ticket=shows, linked=FIRST)
    runs = four_runs(service, **UNLINK)
    assert (runs[:2], runs[3]) == ([(True, 0), (True, 1)], last)
    assert service.linked is None


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("check_mode", [True, False])
def test_other_ticket_is_a_conflict(check_mode, name):
    service = MemoryApi(linked=SECOND)
    error = failure(service, check_mode=check_mode, ticket_id=str(FIRST[name]))
    assert (error.category, error.may_have_changed, error.retryable) == ("conflict", False, False)
    assert_message(error.message, LABEL, "41878 / T20261121.0043", str(FIRST[name]), "replace")
    assert service.writes == []


@pytest.mark.parametrize("ticket_id", ["41878", "T20261121.0043"])
def test_ticket_id_is_a_safeguard_of_unlink(ticket_id):
    service = MemoryApi(linked=FIRST)
    error = failure(service, state="absent", ticket_id=ticket_id)
    assert (error.category, service.writes) == ("conflict", [])
    assert_message(error.message, "41877 / T20261121.0042", ticket_id)
    result = run(service, state="absent", ticket_id="t20261121.0042")
    assert (result.changed, service.linked, result.values["link"]["ticket_id"]) == (True, None, "41877")


def test_link_reads_twice_and_writes_once():
    service = MemoryApi()
    result = run(service)
    assert (service.reads, service.writes, result.values["request_ids"]) == (2, ["link"], ["r1"])
    assert result.values["incident"]["ticketId"] == 41877
    assert result.values["diff"] == {
        "before_header": LABEL,
        "after_header": LABEL,
        "before": {"link": "unlinked", "ticket": None},
        "after": {"link": "linked", "ticket": "41877"},
    }
    assert run(service, **UNLINK, check_mode=True).values["ticket"] is None
    assert run(service, **UNLINK).values["ticket"] is None


@pytest.mark.parametrize("name, shown", [("41877", ("41877", None)), ("T20261121.0042", (None, "T20261121.0042"))])
@pytest.mark.parametrize("linked", [None, SECOND])
def test_check_mode_predicts_the_name_but_not_the_ticket(name, shown, linked):
    values = run(MemoryApi(linked=linked), check_mode=True, ticket_id=name, replace=True).values
    assert ((values["link"]["ticket_id"], values["link"]["ticket_number"]), values["ticket"]) == (shown, None)


def test_without_read_back_the_response_is_the_result():
    service = MemoryApi()
    assert run(service, verify_timeout=0).values["after"] == {
        "link": "linked",
        "evidence": "response",
        "ticket_id": "41877",
        "ticket_number": "T20261121.0042",
        "ticketing_system": "Autotask",
    }
    assert service.reads == 1


@pytest.mark.parametrize("state, linked, shown", [("present", None, "unlinked"), ("absent", FIRST, "linked 41877")])
def test_ignored_write_reports_the_shown_link(state, linked, shown):
    error = failure(MemoryApi(ignores_writes=True, linked=linked), state=state)
    assert error.category == "not_converged"
    assert_message(error.message, shown)
    assert not has_fact(error.message, "unlinked from")


# --- replacement ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings, category",
    [
        ({"write_faults": [None, (REFUSED, False)]}, "validation"),
        ({"write_faults": [(BROKEN, True), (REFUSED, False)]}, "validation"),
        ({"write_faults": [None, (BROKEN, False), (BROKEN, False)]}, "unavailable"),
    ],
)
def test_incomplete_replacement_names_the_former_ticket(settings, category):
    service = MemoryApi(linked=SECOND, **settings)
    error = failure(service, replace=True)
    assert (error.category, error.may_have_changed, service.linked) == (category, True, None)
    assert_message(error.message, LABEL, "41878 / T20261121.0043", "41877")
    assert (run(service, replace=True).changed, service.linked) == (True, FIRST)


def test_replacement_without_progress_ends():
    """Unlink and link must not alternate forever if the incident keeps showing the former ticket."""
    service = MemoryApi(linked=SECOND, ignores_writes=True, write_faults=[None, (BROKEN, False)] * 20)
    error = failure(service, replace=True)
    assert (error.category, error.may_have_changed) == ("unavailable", True)
    assert service.writes == ["unlink", "link", "unlink", "link"]


# --- with weak or no evidence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [0, 1])
@pytest.mark.parametrize("system", ["Autotask", "ServiceNow", "Jira"])
def test_link_in_comments_is_written_again_without_a_change(system, name):
    service = MemoryApi(shows_ticket="comments", system=system)
    changed = [run(service, ticket_id=str(TICKETS[system][0][name])).changed for _run in range(2)]
    assert (changed, service.writes) == ([True, False], ["link", "link"])
    values = run(service, ticket_id=str(TICKETS[system][0][name])).values
    assert (values["link"]["before"], values["link"]["after"]) == ("likely", "linked")
    assert values["link"]["evidence"] == "response"
    assert values["diff"]["before"] == values["diff"]["after"]


@pytest.mark.parametrize("system", ["Autotask", "ServiceNow", "Jira", "Zendesk"])
def test_hidden_link_is_always_written(system):
    service = MemoryApi(shows_ticket="hidden", system=system)
    ticket_id = str(TICKETS[system][0][0])
    assert four_runs(service, ticket_id=ticket_id) == [(True, 0), (True, 1), (True, 1), (True, 2)]
    link = run(service, ticket_id=ticket_id).values["link"]
    assert (link["before"], link["after"], link["evidence"]) == ("unknown", "linked", "response")
    assert (link["ticketing_system"], link["ticket_id"]) == (system, ticket_id)


@pytest.mark.parametrize("shows", ["comments", "hidden"])
def test_response_shows_whether_unlink_changed_anything(shows):
    service = MemoryApi(shows_ticket=shows, linked=FIRST, comments_ticket=41877 if shows == "comments" else None)
    results = [run(service, **UNLINK) for _run in range(2)]
    assert ([result.changed for result in results], service.writes) == ([True, False], ["unlink", "unlink"])
    values = results[1].values
    assert (values["link"]["after"], values["link"]["evidence"]) == ("unlinked", "response")
    assert values["diff"]["before"] == values["diff"]["after"]


@pytest.mark.parametrize(
    "settings, changes, predicted, reported",
    [
        ({"shows_ticket": "hidden"}, {}, [[WEAK_EVIDENCE]], [[UNSEEN]]),
        ({"shows_ticket": "hidden"}, {"replace": True}, [[WEAK_EVIDENCE]], []),
        ({"shows_ticket": "hidden"}, UNLINK, [[WEAK_EVIDENCE]], []),
        ({**COMMENTED, "linked": FIRST, "comments_ticket": 41877}, {}, [[WEAK_EVIDENCE]], []),
        (COMMENTED, UNLINK, [[WEAK_EVIDENCE]], []),
        (
            COMMENTED,
            {},
            [[WEAK_EVIDENCE], [LABEL, "ticket 41878", "41877", "will"]],
            [[LABEL, "41878", "41877", "has"]],
        ),
        (COMMENTED, {"replace": True}, [[WEAK_EVIDENCE], [LABEL, "41878", "41877"]], [[LABEL, "41878", "41877"]]),
        (
            {"shows_ticket": "hidden", "linked": FIRST},
            {"state": "absent", "ticket_id": "41878"},
            [[WEAK_EVIDENCE], ["Nothing shows", LABEL, "ticket_id 41878", "will"]],
            [["Nothing shows", LABEL, "ticket_id 41878", "has"]],
        ),
        (
            {**COMMENTED, "comments_ticket": 41877},
            {"state": "absent"},
            [[WEAK_EVIDENCE], ["Only a comment shows", LABEL, "ticket_id 41877", "will"]],
            [["Only a comment shows", LABEL, "ticket_id 41877", "has"]],
        ),
        ({"linked": FIRST}, {"state": "absent"}, [], []),
        ({"shows_ticket": "id"}, {}, [], []),
    ],
)
def test_weak_evidence_is_reported(settings, changes, predicted, reported):
    service = MemoryApi(**settings)
    for check_mode, messages in ((True, predicted), (False, reported)):
        assert_messages(run(service, check_mode, **changes).warnings, *messages)


@pytest.mark.parametrize("ticket_id, fact", [("41877", "41878"), ("T20261121.0042", "identifier")])
def test_comment_about_another_ticket_prevents_unlink(ticket_id, fact):
    service = MemoryApi(**COMMENTED)
    error = failure(service, state="absent", ticket_id=ticket_id)
    assert (error.category, service.writes) == ("conflict", [])
    assert_message(error.message, LABEL, "comments", "41878", ticket_id, fact)


def test_likely_link_is_unlinked_only_if_the_service_requires_it():
    service = MemoryApi(**COMMENTED, refuses_relink=True)
    error = failure(service)
    assert (error.category, service.linked, service.writes) == ("conflict", SECOND, ["link"])
    assert (run(service, replace=True).changed, service.linked) == (True, FIRST)
    assert service.writes == ["link", "link", "unlink", "link"]


@pytest.mark.parametrize(
    "settings, category",
    [
        ({"write_faults": [None, (REFUSED, False)]}, "validation"),
        ({"response": {"ticketingSystemType": "Autotask", "isTicketSet": False}}, "not_converged"),
    ],
)
def test_incomplete_likely_replacement_names_the_former_ticket(settings, category):
    error = failure(MemoryApi(**COMMENTED, refuses_relink=True, **settings), replace=True)
    assert (error.category, error.may_have_changed) == (category, True)
    assert_message(error.message, LABEL, "41878", "41877")


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("effect", [True, False])
def test_interrupted_replacement_of_a_likely_link_is_completed(which, effect):
    service = MemoryApi(**COMMENTED, write_faults=[*[None] * which, (BROKEN, effect)])
    assert (run(service, replace=True).changed, service.linked) == (True, FIRST)
    assert len(service.writes) <= 3


@pytest.mark.parametrize("replace", [False, True])
def test_refused_link_does_not_unlink_an_unknown_ticket(replace):
    service = MemoryApi(shows_ticket="hidden", linked=SECOND, refuses_relink=True)
    error = failure(service, replace=replace)
    assert (error.category, error.http_status, error.retryable) == ("conflict", 409, False)
    assert_message(error.message, "41877", CONFLICT.message, "another ticket", "unlink")
    assert (error.may_have_changed, service.linked, service.writes) == (False, SECOND, ["link"])


def test_refused_link_of_an_unlinked_incident_blames_no_ticket():
    error = failure(MemoryApi(write_faults=[(CONFLICT, False)]))
    assert (error.category, error.retryable) == ("conflict", False)
    assert "another ticket" not in error.message


@pytest.mark.parametrize("category", ["permission", "not_found"])
def test_comments_are_optional_without_permission(category):
    service = MemoryApi(shows_ticket="hidden", comments_fault=ApiError("No.", category))
    assert run(service).changed
    assert run(service, check_mode=True).values["link"]["evidence"] == "none"


def test_unreadable_comments_prevent_any_write():
    service = MemoryApi(shows_ticket="hidden", comments_fault=UNREADABLE)
    assert_message(failure(service).message, INCIDENT, UNREADABLE.message)
    assert service.writes == []


# --- responses ------------------------------------------------------------------------------------------------------

OTHER = {"ticketingSystemType": "Autotask", "isTicketSet": True, "autotaskTicket": {"id": 7, "number": "T1"}}


@pytest.mark.parametrize("shows", ["object", "hidden"])
@pytest.mark.parametrize(
    "settings, ticket_id, facts, may_have_changed",
    [
        ({"system": "None"}, "41877", ["workspace", "workspace_id"], False),
        ({"sets_no_ticket": True, "system": "Jira"}, "SOC-999", ["Jira", "ticket SOC-999"], False),
        ({"response": OTHER}, "41877", ["7 / T1", "Autotask", "41877"], True),
    ],
)
def test_success_without_the_wanted_ticket_is_a_failure(shows, settings, ticket_id, facts, may_have_changed):
    error = failure(MemoryApi(shows_ticket=shows, **settings), ticket_id=ticket_id)
    assert (error.category, error.may_have_changed) == ("not_converged", may_have_changed)
    assert_message(error.message, *facts)


def test_unknown_ticket_is_not_found():
    error = failure(MemoryApi(), ticket_id="41879")
    assert (error.category, error.may_have_changed) == ("not_found", False)
    assert_message(error.message, INCIDENT, "Ticket 41879", NOT_FOUND.message)


def test_unlink_of_an_unlinked_incident_may_return_404():
    result = run(MemoryApi(shows_ticket="hidden", not_linked=NOT_FOUND), **UNLINK)
    assert (result.changed, result.values["link"]["after"]) == (False, "unlinked")
    without_code = ApiError("It was not found.", "not_found", http_status=404)
    assert failure(MemoryApi(shows_ticket="hidden", not_linked=without_code), **UNLINK).category == "not_found"


def test_unlink_with_404_that_removes_nothing_is_not_converged():
    service = MemoryApi(linked=FIRST, write_faults=[(NOT_FOUND, False)])
    assert (failure(service, **UNLINK).category, service.linked) == ("not_converged", FIRST)


def test_unlink_by_another_user_at_the_same_time_is_not_a_change():
    class Contested(MemoryApi):
        def unlink_ticket(self, key: IncidentKey, number: str | None) -> bool:
            self.linked = None
            return super().unlink_ticket(key, number)

    assert not run(Contested(linked=FIRST), state="absent").changed
