# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set an incident's status: the options, the plan, and what a run makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    SOURCES,
    STATUSES,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_status import (
    parse_options,
    plan,
    set_incident_status,
    state_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    ALWAYS_UNREADABLE,
    BROKEN,
    REFUSED,
    UNREADABLE,
    MemoryApi,
)

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
INCIDENT = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
CLOSE = {
    "workspace_id": WORKSPACE,
    "source": "sentinel",
    "incident_id": INCIDENT,
    "status": "Closed",
    "classification": "FalsePositive",
    "classification_reason": "IncorrectAlertLogic",
    "comment": "Tuned the rule.",
}
NEW = {"id": INCIDENT, "status": "New", "classification": None, "classificationReason": None}


def options(**changes: Any) -> dict[str, Any]:
    return {**CLOSE, **changes}


def api(**changes: Any) -> MemoryApi:
    record = {**NEW, **changes.pop("record", {})}
    return MemoryApi(record, **changes)


def run(service: MemoryApi, check_mode: bool = False, verify_timeout: float = 30, **changes: Any) -> OperationResult:
    return set_incident_status(
        service, parse_options(options(**changes)), RunOptions(check_mode, verify_timeout, FakeClock())
    )


def failure(service: MemoryApi, **changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        run(service, **changes)
    return caught.value


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"workspace_id": WORKSPACE + "0"}, ["workspace_id", "UUID", WORKSPACE + "0"]),
        ({"source": "Outlook"}, ["source", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"incident_id": " "}, ["incident_id", "empty"]),
        ({"incident_id": ".."}, ["incident_id", "'..'"]),
        ({"incident_id": "."}, ["incident_id", "'.'"]),
        ({"classification": None}, ["classification"]),
        ({"classification_reason": None}, ["classification_reason"]),
        ({"classification": None, "classification_reason": None}, ["classification and classification_reason"]),
        ({"update_ticket": True}, ["update_ticket", "ticket_id"]),
        ({"update_ticket": True, "ticket_id": " "}, ["update_ticket", "ticket_id"]),
        ({"update_ticket": True, "ticket_id": "None"}, ["ticket_id", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_bad_options_are_refused_before_any_request(changes, facts, check_mode):
    service = api()
    with pytest.raises(ApiError) as caught:
        set_incident_status(service, parse_options(options(**changes)), RunOptions(check_mode, 30, FakeClock()))
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)
    assert (service.reads, service.writes) == (0, [])


@pytest.mark.parametrize("source", ["sentinel", "SENTINEL", "Sentinel", " sentinel "])
def test_source_in_any_case(source):
    assert parse_options(options(source=source)).key.source == "Sentinel"


@pytest.mark.parametrize("status", ["New", "Active"])
def test_sentinel_needs_a_classification_only_to_close(status):
    assert parse_options(options(status=status, classification=None, classification_reason=None))


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "Sentinel"])
def test_other_sources_close_without_a_classification(source):
    assert parse_options(options(source=source, classification=None, classification_reason=None))


# --- reading --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shown, status", [("closed", "Closed"), ("CLOSED", "Closed"), (3, "Closed"), ("1", "Active"), (2, "New")]
)
def test_status_in_every_spelling(shown, status):
    assert state_of({"status": shown}) == {"status": status}


def test_absent_is_unknown_and_null_is_not_set():
    assert state_of({"status": "New"}) == {"status": "New"}
    assert state_of({"status": None, "classification": None}) == {"status": None, "classification": None}


@pytest.mark.parametrize("shown", ["Resolved", 7, 0])
def test_a_status_that_is_none_stops_the_run(shown):
    service = api(record={"status": shown})
    error = failure(service)
    assert error.category == "contract"
    assert_message(error.message, INCIDENT, "nothing was written")
    assert service.writes == []


def test_integer_and_lower_case_classifications():
    assert state_of({"status": 3, "classification": 2})["classification"] == "FalsePositive"
    assert state_of({"status": 3, "classification": "falsepositive"})["classification"] == "FalsePositive"
    assert state_of({"status": 3, "classification": "Novel"})["classification"] == "Novel"


# --- what is a difference -------------------------------------------------------------------------------------------


def writes(record: dict[str, Any], **changes: Any) -> list[Any]:
    wanted = parse_options(options(**changes))
    return [dict(write.body) for write in plan(state_of(record), wanted).writes]


CLOSED = {"status": "Closed", "classification": "FalsePositive", "classificationReason": "IncorrectAlertLogic"}


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {"classificationReason": None},
        {"classificationReason": "Other"},
        {"classificationReason": "InaccurateData"},
        {"classification": None, "classificationReason": None},
        {"status": 3, "classification": 2},
    ],
)
def test_what_our_own_write_may_have_left_is_the_wanted_state(shown):
    assert writes({**CLOSED, **shown}) == []


def test_hidden_classification_is_no_difference():
    assert writes({"status": "Closed"}) == []


def test_another_classification_is_a_difference():
    assert writes({**CLOSED, "classification": "TruePositive"}) == [
        {
            "status": "Closed",
            "classification": "FalsePositive",
            "classificationReason": "IncorrectAlertLogic",
            "comment": "Tuned the rule.",
        }
    ]


def test_a_classification_not_asked_for_is_no_difference():
    assert writes(CLOSED, source="QRadar", classification=None, classification_reason=None) == []


def test_a_classification_that_the_source_does_not_keep_is_no_difference():
    assert writes({**CLOSED, "classification": "Undetermined"}, classification="Suspicious") == []
    assert writes({**CLOSED, "classification": "Unknown"}, source="DefenderXDR", classification="BenignPositive") == []


@pytest.mark.parametrize("source", ["QRadar", "Splunk", "CrowdStrike", "SentinelOne"])
def test_sources_of_which_nothing_is_known_may_map_a_classification(source):
    assert writes({**CLOSED, "classification": "QradarFalsePositive"}, source=source) == []


def test_an_unknown_integer_says_nothing():
    assert state_of({"status": 3, "classification": 11, "classificationReason": 7}) == {"status": "Closed"}


def test_ticket_travels_with_a_status_change_only():
    ticket = {"update_ticket": True, "ticket_id": "T1"}
    (closing,) = writes({**NEW}, **ticket)
    assert (closing["updateTicket"], closing["ticketId"]) == (True, "T1")
    (reclassifying,) = writes({**CLOSED, "classification": "TruePositive"}, **ticket)
    assert "updateTicket" not in reclassifying
    assert "ticketId" not in reclassifying
    assert writes(CLOSED, **ticket) == []


def test_ticket_id_alone_is_not_sent():
    (body,) = writes({**NEW}, ticket_id="T1")
    assert "ticketId" not in body


def test_null_status_is_not_the_wanted_one():
    assert len(writes({"status": None})) == 1


words = st.sampled_from
records = st.fixed_dictionaries(
    {"status": words([*STATUSES, None, 1, 2, 3, "closed"])},
    optional={
        "classification": words([*CLASSIFICATIONS, None, 1, 4, "novel"]),
        "classificationReason": words([*CLASSIFICATION_REASONS, None]),
    },
)
wanted_options = st.fixed_dictionaries(
    {
        "source": words(SOURCES),
        "status": words(STATUSES),
        "classification": words(CLASSIFICATIONS),
        "classification_reason": words(CLASSIFICATION_REASONS),
        "comment": words([None, "", "Because."]),
    }
)


@given(records, wanted_options)
def test_planning_from_the_planned_state_is_empty(record, changes):
    wanted = parse_options(options(**changes))
    first = plan(state_of(record), wanted)
    assert plan(first.after, wanted).writes == ()


@given(records, wanted_options)
def test_plan_changes_nothing_that_it_was_given(record, changes):
    state = state_of(record)
    copy = dict(state)
    plan(state, parse_options(options(**changes)))
    assert state == copy


@given(records, wanted_options, words(["kept", "dropped", "hidden", "replaced"]), st.integers(0, 3))
def test_check_run_check_run(record, changes, keeps, lag):
    """Check mode predicts the run, whatever the service keeps, hides, replaces or delays; the second run is ok."""
    service = MemoryApi(dict(record), keeps=keeps, lag=lag)
    rehearsal = run(service, check_mode=True, **changes)
    assert service.writes == []
    first = run(service, **changes)
    assert (first.changed, first.values["diff"], first.values["before"]) == (
        rehearsal.changed,
        rehearsal.values["diff"],
        rehearsal.values["before"],
    )
    assert len(service.writes) == int(first.changed)
    sent = len(service.writes)
    for check_mode in (True, False):
        again = run(service, check_mode=check_mode, **changes)
        assert not again.changed
        assert again.values["before"] == again.values["after"]
    assert len(service.writes) == sent
    assert len(service.stored_comments) == int(first.changed and bool(changes["comment"]))


@given(
    records,
    wanted_options,
    st.lists(words([None, (BROKEN, False), (BROKEN, True)]), max_size=3),
    st.integers(0, 3),
)
def test_breaks_double_nothing(record, changes, faults, lag):
    """However often writes break off, a re-run gets there, and the comment is there once at the most."""
    service = MemoryApi(dict(record), lag=lag, write_faults=list(faults))
    categories = set()
    for _attempt in range(3):
        try:
            run(service, **changes)
            break
        except ApiError as error:
            categories.add(error.category)
    assert categories <= {"unavailable"}
    assert not run(service, **changes).changed
    assert len(service.stored_comments) <= 1


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_closure_costs_one_read_one_write_one_read():
    service = api()
    result = run(service)
    assert (service.reads, len(service.writes)) == (2, 1)
    assert result.values["before"] == {"status": "New", "classification": None, "classification_reason": None}
    assert result.values["after"]["status"] == "Closed"
    assert result.values["incident"]["status"] == "Closed"


def test_an_ok_costs_one_read():
    service = api(record=CLOSED)
    result = run(service)
    assert (result.changed, service.reads, service.writes) == (False, 1, [])


def test_check_mode_only_reads():
    service = api()
    result = run(service, check_mode=True)
    assert (result.changed, service.reads, service.writes) == (True, 1, [])
    assert result.values["incident"]["status"] == "New"
    assert result.values["after"]["status"] == "Closed"


def test_diff():
    difference = run(api(), update_ticket=True, ticket_id="T1").values["diff"]
    assert (
        difference["before_header"]
        == f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})"
        == difference["after_header"]
    )
    assert difference["after"] == {
        "status": "Closed",
        "classification": "FalsePositive",
        "classification_reason": "IncorrectAlertLogic",
        "comment": "Tuned the rule.",
        "closed_ticket": "T1",
    }


def test_lag_is_waited_for():
    service = api(lag=3)
    assert run(service).values["after"]["status"] == "Closed"
    assert service.reads == 5


def test_an_incident_that_is_slow_is_asked_ever_more_rarely():
    service, clock = api(lag=5), FakeClock()
    set_incident_status(service, parse_options(options()), RunOptions(False, 30, clock))
    assert clock.slept == [0.5, 1.0, 2.0, 4.0, 5.0]


def test_the_last_look_is_at_the_end_of_the_time_given():
    clock = FakeClock()
    with pytest.raises(ApiError):
        set_incident_status(api(ignores_writes=True), parse_options(options()), RunOptions(False, 3, clock))
    assert clock.slept == [0.5, 1.0, 1.5]


def test_no_read_back_when_not_wanted():
    service = api()
    result = run(service, verify_timeout=0)
    assert (service.reads, result.values["after"]["status"]) == (1, "Closed")


def test_a_service_that_does_not_move():
    service = api(ignores_writes=True)
    error = failure(service)
    assert (error.category, error.retryable, error.may_have_changed) == ("not_converged", False, True)
    assert_message(error.message, f"Incident {INCIDENT} (Sentinel, workspace {WORKSPACE})", "30 s", "status New")
    assert len(service.writes) == 1


def test_a_refused_write():
    error = failure(api(write_faults=[(REFUSED, False)]))
    assert (error.category, error.may_have_changed) == ("validation", False)
    assert_message(error.message, f"Incident {INCIDENT} (Sentinel, workspace {WORKSPACE})", "not changed")


def test_an_unreadable_incident():
    error = failure(api(read_faults=[UNREADABLE]))
    assert (error.category, error.may_have_changed) == ("unavailable", False)
    assert_message(error.message, f"Incident {INCIDENT} (Sentinel, workspace {WORKSPACE})", "not be read")


def test_written_but_not_read_back():
    error = failure(api(read_faults=[None, *ALWAYS_UNREADABLE]))
    assert (error.category, error.may_have_changed) == ("unavailable", True)
    assert_message(error.message, INCIDENT, "was written", "not be read back")


def test_written_and_read_back_at_the_second_look():
    service = api(read_faults=[None, UNREADABLE])
    assert run(service).changed
    assert (len(service.writes), service.reads) == (1, 3)


# --- writes that break off ------------------------------------------------------------------------------------------


def test_break_after_the_effect_is_a_success():
    service = api(write_faults=[(BROKEN, True)])
    assert run(service).changed
    assert (len(service.writes), service.stored_comments) == (1, ["Tuned the rule."])


def test_break_before_the_effect_is_sent_again():
    service = api(write_faults=[(BROKEN, False)])
    assert run(service).changed
    assert (len(service.writes), service.stored_comments) == (2, ["Tuned the rule."])


def test_break_with_a_lag_longer_than_the_wait_posts_the_comment_once():
    service = api(write_faults=[(BROKEN, True)], lag=50)
    failure(service, verify_timeout=5)
    assert (len(service.writes), service.stored_comments) == (2, ["Tuned the rule."])
    assert "comment" not in service.writes[1]


def test_an_older_comment_of_the_same_words_is_not_taken_for_ours():
    service = api(
        record={"updatedAt": "2026-11-20T08:00:00.1234567Z"},
        write_faults=[(BROKEN, False)],
        stored_comments=["Tuned the rule."],
        comment_times=["2026-11-19T08:00:00Z"],
    )
    assert run(service).changed
    assert service.stored_comments == ["Tuned the rule."] * 2


@pytest.mark.parametrize("time, posted", [("2026-11-20T08:00:00Z", 1), ("2026-11-20T08:00:00.1234567Z", 2)])
def test_a_comment_as_old_as_the_change_before(time, posted):
    """In whole seconds it may be this run's; a finer time is that of the change before."""
    service = api(
        record={"updatedAt": time},
        write_faults=[(BROKEN, False)],
        stored_comments=["Tuned the rule."],
        comment_times=[time],
    )
    result = run(service)
    assert service.stored_comments == ["Tuned the rule."] * posted
    assert result.values["unverified"] == (["comment"] if posted == 1 else [])


def test_our_own_comment_is_known_although_the_incident_was_updated_after_it():
    """The comment arrived and moved updatedAt, but the status does not show it in time."""
    service = api(record={"updatedAt": "2026-11-20T08:00:00Z"}, write_faults=[(BROKEN, True)], lag=50)
    service.record_lags_in_status_only = True
    failure(service, verify_timeout=5)
    assert service.stored_comments == ["Tuned the rule."]


@pytest.mark.parametrize("effect, unverified", [(True, ["comment"]), (False, [])])
def test_a_comment_that_travelled_with_a_break_is_unverified(effect, unverified):
    assert run(api(write_faults=[(BROKEN, effect)])).values["unverified"] == unverified


def test_refused_after_a_break_is_not_told_as_unchanged():
    error = failure(api(write_faults=[(BROKEN, False), (REFUSED, False)]))
    assert_message(error.message, INCIDENT, "may have")


def test_the_services_own_line_breaks_do_not_hide_a_comment():
    service = api(write_faults=[(BROKEN, False)], stored_comments=["Tuned\r\nthe  rule."])
    run(service)
    assert "comment" not in service.writes[1]


def test_two_breaks_are_one_too_many():
    service = api(write_faults=[(BROKEN, False), (BROKEN, False)])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.writes)) == ("unavailable", True, 2)
    assert_message(error.message, INCIDENT, "twice")


def test_break_and_unreadable_is_ambiguous():
    service = api(write_faults=[(BROKEN, True)], read_faults=[None, *ALWAYS_UNREADABLE])
    error = failure(service)
    assert (error.category, error.may_have_changed, len(service.writes)) == ("ambiguous_write", True, 1)
    assert_message(error.message, "not known", f"incident {INCIDENT} (Sentinel, workspace {WORKSPACE})")


def test_break_and_unreadable_comments_is_ambiguous():
    service = api(write_faults=[(BROKEN, False)], comments_fault=UNREADABLE)
    error = failure(service)
    assert (error.category, len(service.writes)) == ("ambiguous_write", 1)


def test_break_without_a_comment_needs_no_comments():
    service = api(write_faults=[(BROKEN, False)], comments_fault=UNREADABLE)
    assert run(service, comment=None).changed


# --- what the user is told ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", ["dropped", "hidden"])
def test_what_the_service_does_not_show_is_unverified(keeps):
    service = api(keeps=keeps)
    for result in (run(service), run(service)):
        assert result.values["unverified"] == ["classification", "classification_reason"]
        assert result.warnings == []


def test_what_the_service_shows_is_verified():
    service = api()
    assert run(service, check_mode=True).values["unverified"] == []
    assert run(service).values["unverified"] == run(service).values["unverified"] == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_without_a_read_back_nothing_is_verified(check_mode):
    result = run(api(), check_mode=check_mode, verify_timeout=0)
    assert result.values["unverified"] == ["status", "classification", "classification_reason"]


def test_replaced_reason_is_warned_about():
    service = api(keeps="replaced")
    assert any("recorded the classification_reason Other" in text for text in run(service).warnings)
    assert any("shows the classification_reason Other" in text for text in run(service).warnings)


@pytest.mark.parametrize("record", [NEW, CLOSED])
def test_a_closed_ticket_is_never_verified(record):
    result = run(api(record=record), update_ticket=True, ticket_id="T1")
    assert result.values["unverified"] == ["update_ticket"]


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"classification_reason": "Phishing"}, ["Sentinel", "reason Phishing"]),
        ({"classification": "Suspicious"}, ["Sentinel", "classification Suspicious"]),
        ({"source": "defenderxdr"}, ["DefenderXDR", "reason IncorrectAlertLogic"]),
        (
            {"status": "Active", "update_ticket": True, "ticket_id": "T1"},
            ["update_ticket", "ticket T1", INCIDENT, "Active"],
        ),
    ],
)
def test_odd_requests_are_sent_with_a_warning(changes, facts):
    warnings = run(api(), check_mode=True, **changes).warnings
    assert any(all(has_fact(text, fact) for fact in facts) for text in warnings), warnings


@pytest.mark.parametrize(
    "changes", [{}, {"source": "QRadar"}, {"classification": "Undetermined", "classification_reason": "InaccurateData"}]
)
def test_usual_requests_have_no_warning(changes):
    assert run(api(), **changes).warnings == []
