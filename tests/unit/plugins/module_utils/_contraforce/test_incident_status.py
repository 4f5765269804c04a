# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setting an incident's status: options, differences, comments and results. Interruptions are in test_convergence."""

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
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    BROKEN,
    INCIDENT,
    LABEL,
    UNREADABLE,
    MemoryApi,
    Task,
)

CLOSE = {
    "status": "Closed",
    "classification": "FalsePositive",
    "classification_reason": "IncorrectAlertLogic",
    "comment": "Tuned the rule.",
}
NEW = {"status": "New", "classification": None, "classificationReason": None}
CLOSED = {"status": "Closed", "classification": "FalsePositive", "classificationReason": "IncorrectAlertLogic"}
NO_CLASSIFICATION = {"classification": None, "classification_reason": None}
TICKET = {"update_ticket": True, "ticket_id": "T1"}


def api(record: Any = None, **settings: Any) -> MemoryApi:
    return MemoryApi({**NEW, **(record or {})}, **settings)


TASK = Task(parse_options, set_incident_status, CLOSE)
parsed, run, failure = TASK.parsed, TASK.run, TASK.failure


# --- options --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"source": "Outlook"}, ["source", "'Outlook'"]),
        ({"classification": None}, ["classification", LABEL]),
        ({"classification_reason": None}, ["classification_reason", LABEL]),
        (NO_CLASSIFICATION, ["classification and classification_reason", LABEL]),
        ({"update_ticket": True, "ticket_id": " "}, ["update_ticket", "ticket_id", LABEL]),
        ({"update_ticket": True, "ticket_id": "None"}, ["ticket_id", "'None'"]),
        ({"verify_timeout": -1}, ["verify_timeout", 0]),
    ],
)
def test_invalid_option_is_rejected(changes, facts):
    TASK.assert_rejected(changes, facts)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("status", STATUSES)
def test_only_sentinel_requires_a_classification_to_close(source, status):
    options = {"source": source, "status": status, **NO_CLASSIFICATION}
    if (source, status) == ("Sentinel", "Closed"):
        with pytest.raises(ApiError):
            parsed(**options)
    else:
        assert parsed(**options).status == status


# --- reading and planning -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record, state",
    [
        ({"status": "CLOSED"}, {"status": "Closed"}),
        ({"status": 3}, {"status": "Closed"}),
        ({"status": "1"}, {"status": "Active"}),
        ({"status": None, "classification": None}, {"status": None, "classification": None}),
        ({"status": 2, "classification": 2}, {"status": "New", "classification": "FalsePositive"}),
        ({"status": "New", "classification": "falsepositive"}, {"status": "New", "classification": "FalsePositive"}),
        ({"status": "New", "classification": "Novel"}, {"status": "New", "classification": "Novel"}),
        ({"status": 3, "classification": 11, "classificationReason": 7}, {"status": "Closed"}),
    ],
)
def test_state_has_canonical_values_and_omits_unknown_ones(record, state):
    assert state_of(record) == state


@pytest.mark.parametrize("shown", ["Resolved", 7, 0])
def test_unknown_status_prevents_any_write(shown):
    service = api({"status": shown})
    error = failure(service)
    assert (error.category, service.writes) == ("contract", [])
    assert_message(error.message, INCIDENT, repr(shown))


def bodies(record: dict[str, Any], **changes: Any) -> list[Any]:
    return [dict(write.body) for write in plan(state_of(record), parsed(**changes)).writes]


@pytest.mark.parametrize(
    "shown, changes",
    [
        ({}, {}),
        ({}, TICKET),
        ({"classificationReason": None}, {}),
        ({"classificationReason": "Other"}, {}),
        ({"classification": None, "classificationReason": None}, {}),
        ({"status": 3, "classification": 2}, {}),
        ({}, {"source": "QRadar", **NO_CLASSIFICATION}),
        ({"classification": "Undetermined"}, {"classification": "Suspicious"}),
        ({"classification": "Unknown"}, {"source": "DefenderXDR", "classification": "BenignPositive"}),
        *[({"classification": "QradarFalsePositive"}, {"source": source}) for source in SOURCES[2:]],
    ],
)
def test_state_that_an_own_write_may_have_left_is_the_wanted_one(shown, changes):
    assert bodies({**CLOSED, **shown}, **changes) == []


def test_classification_that_is_not_shown_is_not_a_difference():
    assert bodies({"status": "Closed"}) == []


def test_other_classification_is_written_without_the_ticket():
    assert bodies({**CLOSED, "classification": "TruePositive"}, **TICKET) == [
        {
            "status": "Closed",
            "classification": "FalsePositive",
            "classificationReason": "IncorrectAlertLogic",
            "comment": "Tuned the rule.",
        }
    ]


def test_status_change_closes_the_ticket_only_on_request():
    (closing,) = bodies(NEW, **TICKET)
    assert (closing["updateTicket"], closing["ticketId"]) == (True, "T1")
    (other,) = bodies({"status": None}, ticket_id="T1")
    assert not {"updateTicket", "ticketId"} & set(other)


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
def test_planned_state_needs_no_further_write(record, changes):
    wanted, state = parsed(**changes), state_of(record)
    copy = dict(state)
    first = plan(state, wanted)
    assert plan(first.after, wanted).writes == ()
    assert state == copy


@given(records, wanted_options, words(["kept", "dropped", "hidden", "replaced"]), st.integers(0, 3))
def test_check_mode_predicts_the_run_and_the_next_run_is_ok(record, changes, keeps, lag):
    service = MemoryApi(dict(record), keeps=keeps, lag=lag)
    predicted, first = (run(service, check_mode, **changes) for check_mode in (True, False))
    assert first.changed is predicted.changed
    assert first.values["diff"] == predicted.values["diff"]
    assert first.values["before"] == predicted.values["before"]
    for check_mode in (True, False):
        again = run(service, check_mode, **changes)
        assert not again.changed
        assert again.values["before"] == again.values["after"]
    assert len(service.writes) == int(first.changed)
    assert len(service.stored) == int(first.changed and bool(changes["comment"]))


# --- comments of interrupted writes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("record", [{}, {"updatedAt": "2026-11-20T08:00:00Z"}])
@pytest.mark.parametrize("lags_in_status_only", [False, True])
def test_comment_that_arrived_is_not_posted_again(record, lags_in_status_only):
    """The comment arrived, but the status does not show the change in time."""
    lags_in_status_only = lags_in_status_only and bool(record)
    service = api(record, write_faults=[(BROKEN, True)], lag=50, lags_in_status_only=lags_in_status_only)
    failure(service, verify_timeout=5)
    assert (len(service.writes), service.texts) == (2, ["Tuned the rule."])
    assert "comment" not in service.bodies[1]


@pytest.mark.parametrize(
    "updated, created, text, posted",
    [
        ("2026-11-20T08:00:00.1234567Z", "2026-11-19T08:00:00Z", "Tuned the rule.", True),
        ("2026-11-20T08:00:00.1234567Z", "2026-11-20T08:00:00.1234567Z", "Tuned the rule.", True),
        # In whole seconds, the comment may be the one of this run.
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z", "Tuned the rule.", False),
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00:01Z", "Tuned\r\nthe  rule.", False),
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00:01Z", "Tuned another rule.", True),
        (None, None, "Tuned the rule.", False),
    ],
)
def test_older_comment_with_the_same_text_does_not_match(updated, created, text, posted):
    service = api({"updatedAt": updated}, write_faults=[(BROKEN, False)], messages=[text], comment_times=[created])
    result = run(service)
    assert len(service.stored) == 1 + posted
    assert result.values["unverified"] == ([] if posted else ["comment"])


@pytest.mark.parametrize("comment, category", [("Tuned the rule.", "ambiguous_write"), (None, None)])
def test_unreadable_comments_matter_only_to_a_comment(comment, category):
    service = api(write_faults=[(BROKEN, False)], comments_fault=UNREADABLE)
    if category:
        assert failure(service).category == category
        assert len(service.writes) == 1
    else:
        assert run(service, comment=comment).changed


# --- results --------------------------------------------------------------------------------------------------------


def test_closure_reads_twice_and_writes_once():
    service = api()
    result = run(service, **TICKET)
    assert (service.reads, service.writes, result.warnings) == (2, ["status"], [])
    assert result.values["before"] == {"status": "New", **NO_CLASSIFICATION}
    assert result.values["after"]["status"] == result.values["incident"]["status"] == "Closed"
    assert result.values["request_ids"] == ["r1"]
    assert result.values["diff"] == {
        "before_header": LABEL,
        "after_header": LABEL,
        "before": {"status": "New", **NO_CLASSIFICATION},
        "after": {
            "status": "Closed",
            "classification": "FalsePositive",
            "classification_reason": "IncorrectAlertLogic",
            "comment": "Tuned the rule.",
            "closed_ticket": "T1",
        },
    }


@pytest.mark.parametrize("record, check_mode, changed", [(CLOSED, False, False), (NEW, True, True)])
def test_run_without_a_write_reads_once(record, check_mode, changed):
    service = api(record)
    result = run(service, check_mode)
    assert (result.changed, service.reads, service.writes) == (changed, 1, [])
    assert (result.values["incident"]["status"], result.values["after"]["status"]) == (record["status"], "Closed")


@pytest.mark.parametrize("keeps, unverified", [("kept", []), ("dropped", None), ("hidden", None), ("replaced", None)])
def test_options_that_are_not_shown_are_unverified(keeps, unverified):
    service = api(keeps=keeps)
    names = ["classification", "classification_reason"] if unverified is None else unverified
    for result in (run(service), run(service)):
        assert result.values["unverified"] == (names[1:] if keeps == "replaced" else names)
        assert len(result.warnings) == (keeps == "replaced")


@pytest.mark.parametrize("check_mode", [True, False])
def test_without_read_back_only_check_mode_and_ok_are_verified(check_mode):
    result = run(api(), check_mode, verify_timeout=0)
    assert result.values["unverified"] == ["status", "classification", "classification_reason"]
    assert run(api(CLOSED), check_mode, verify_timeout=0).values["unverified"] == []


@pytest.mark.parametrize("record", [NEW, CLOSED])
def test_closed_ticket_is_always_unverified(record):
    assert run(api(record), **TICKET).values["unverified"] == ["update_ticket"]


@pytest.mark.parametrize("effect, unverified", [(True, ["comment"]), (False, [])])
def test_comment_of_an_interrupted_write_is_unverified(effect, unverified):
    assert run(api(write_faults=[(BROKEN, effect)])).values["unverified"] == unverified


@pytest.mark.parametrize(
    "record, changes, facts",
    [
        (NEW, {"classification_reason": "Phishing"}, ["Sentinel", "Phishing", "FalsePositive"]),
        (NEW, {"classification": "Suspicious"}, ["Sentinel", "Suspicious"]),
        (NEW, {"source": "defenderxdr"}, ["DefenderXDR", "IncorrectAlertLogic"]),
        (NEW, {"status": "Active", **TICKET}, ["update_ticket", "T1", "Active"]),
        ({**CLOSED, "classificationReason": "Other"}, {}, ["classification_reason", "Other", "IncorrectAlertLogic"]),
    ],
)
def test_questionable_request_is_reported(record, changes, facts):
    for check_mode in (True, False):
        warnings = run(api(record), check_mode, **changes).warnings
        assert any(all(has_fact(text, fact) for fact in (INCIDENT, *facts)) for text in warnings), warnings


def test_replaced_value_is_reported():
    (warning,) = run(api(keeps="replaced")).warnings
    assert_message(warning, LABEL, "classification_reason", "Other", "IncorrectAlertLogic")


@pytest.mark.parametrize(
    "changes", [{}, {"source": "QRadar"}, {"classification": "Undetermined", "classification_reason": "InaccurateData"}]
)
def test_usual_request_causes_no_warning(changes):
    assert run(api(), **changes).warnings == []
