# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create and update tickets: the plan, the choice of the ticket, concurrent changes, results and warnings.

Interrupted and delayed requests are tested for all operations together, and in any order in test_ticket_machine.py.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.backend import may_be_stale
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    ResolvedTicket,
    parse_options,
    resolve_new,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ensure_ticket import MAX_CONFLICTS, display_values
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_plan import History, pending_changes, plan
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    CONTAINED,
    DESCRIPTION,
    DETECTED,
    DUE,
    HOSTS,
    IMPACT_BUSINESS,
    INCIDENT,
    NEVER,
    REFERENCE,
    RESPONDER,
    ROOT_CAUSE,
    STATUS,
    SUMMARY,
    TACTICS,
    URGENCY,
    WHERE,
    EnsureTicket,
    Fault,
    MemoryTicketing,
    answered,
    broken,
    invalid,
    keep,
    kind_of,
    named,
    task,
    without_tags,
)

MINE = {REFERENCE: "SEN-7c2a1e8f", URGENCY: "high"}
CLOSED = {"status_type": "Resolved", "status_category": "Done Category"}
KIND = kind_of()

#: The results of a dry run, a run, and both again: whether each reports a change, and the number of writes after it.
CONVERGED = [(True, 0), (True, 1), (False, 1), (False, 1)]


def failure(service: MemoryTicketing, options: Mapping[str, Any], **run: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        keep(service, options, **run)
    return caught.value


def blames_another_user(text: str) -> bool:
    return bool(re.search("another user changed", text.lower()))


def with_ticket(**options: Any) -> MemoryTicketing:
    """Return a service with the task's ticket, CTC-0054, of low urgency."""
    service = MemoryTicketing(**options)
    service.add(SUMMARY, {**MINE, URGENCY: "low"})
    return service


def with_faults(**faults: list[Fault | None]) -> MemoryTicketing:
    return MemoryTicketing(faults=faults)


def once(operation: str, edit: Callable[[], None]) -> Callable[[int, str], None]:
    """Return an editor that acts once, just before the first request of an operation."""
    waiting = [edit]

    def editor(number: int, called: str) -> None:
        if called == operation and waiting:
            waiting.pop()()

    return editor


def four_runs(service: MemoryTicketing, options: Mapping[str, Any]) -> list[tuple[bool, int]]:
    seen = []
    for check_mode in (True, False, True, False):
        seen.append((keep(service, options, check_mode=check_mode).changed, service.writes))
    return seen


# --- the plan -------------------------------------------------------------------------------------------------------

RECORD = {"object_id": "CTC-0054", "etag": "e1", "summary": "a", "data": {URGENCY: "low", HOSTS: 1, ROOT_CAUSE: "x"}}


def resolved(values: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> ResolvedTicket:
    return ResolvedTicket(KIND, values, ignored)


def test_missing_ticket_is_created_by_one_request_never_resent():
    wanted = resolve_new(MemoryTicketing(), parse_options(task()))
    made = plan(None, wanted)
    (write,) = made.writes
    assert (write.action, write.body, write.is_additive, write.never_resend) == ("create", wanted.body, True, True)
    assert write.done == "created"
    assert made.after == {
        "summary": SUMMARY,
        "lookup_props": {"teamId": "soc", "itemTypeId": "16920"},
        "data": {"offerId": "23640", **MINE},
    }
    assert made.conflict is None


def test_update_contains_only_differing_fields():
    made = plan(RECORD, resolved({URGENCY: "high", HOSTS: "1", ROOT_CAUSE: None}))
    (write,) = made.writes
    assert (write.action, write.is_additive, write.never_resend) == ("update", False, False)
    assert write.body == {"etag": "e1", "ticketUpdate": {URGENCY: "high", ROOT_CAUSE: None}}
    assert made.after == {**RECORD, "data": {URGENCY: "high", HOSTS: 1, ROOT_CAUSE: None}}


@pytest.mark.parametrize("values", [{}, {URGENCY: "low"}, {HOSTS: "1.0"}, {DUE: None}], ids=repr)
def test_plan_is_empty_if_values_match(values):
    made = plan(RECORD, resolved(values))
    assert made.is_done
    assert made.after is RECORD
    assert pending_changes(RECORD, ResolvedTicket()) == {}


@pytest.mark.parametrize(
    "now, first, accepted, left, is_conflict",
    [
        ("low", None, False, True, False),
        ("low", "low", False, True, False),
        ("medium", "low", False, True, True),
        ("high", "low", False, False, False),
        # Accepted from this run: another option is not the wanted one; the first value means that it is not done yet.
        ("medium", "low", True, True, True),
        ("low", "low", True, True, False),
        ("high", "low", True, False, False),
    ],
)
def test_plan_depends_on_the_history_of_a_field(now, first, accepted, left, is_conflict):
    history = History(None if first is None else {URGENCY: first}, frozenset({URGENCY} if accepted else ()))
    record = {**RECORD, "data": {URGENCY: now}}
    wanted = resolved({URGENCY: "high"})
    assert bool(pending_changes(record, wanted, history)) == left
    made = plan(record, wanted, history)
    assert bool(made.conflict) == is_conflict
    assert bool(made.writes) == (left and not is_conflict)


@pytest.mark.parametrize(
    "name, etag, is_kept",
    [
        (ROOT_CAUSE, "e1", True),
        (DESCRIPTION, "e1", True),
        # Another etag, or none: the update may be delayed, or another user restored the value.
        (ROOT_CAUSE, "e0", False),
        (ROOT_CAUSE, None, False),
        # Only a text can be sanitized until it is the old one again.
        (RESPONDER, "e1", False),
        (HOSTS, "e1", False),
        (STATUS, "e1", False),
        (DUE, "e1", False),
    ],
)
def test_first_value_is_accepted_only_for_texts_with_same_etag(name, etag, is_kept):
    record, wanted = {**RECORD, "data": {}}, resolved({name: "5"})
    assert (pending_changes(record, wanted, History({}, frozenset({name}), etag)) == {}) is is_kept
    # A field that the service did not accept from this run always differs.
    assert pending_changes(record, wanted, History({}, frozenset(), etag)) == {name: "5"}


def test_one_field_changed_by_another_user_stops_the_update():
    history = History({URGENCY: "low", HOSTS: 1})
    record = {**RECORD, "data": {URGENCY: "medium", HOSTS: 1}}
    made = plan(record, resolved({URGENCY: "high", HOSTS: 2}), history)
    assert made.writes == ()
    assert made.conflict is not None
    assert (made.conflict.category, made.conflict.retryable) == ("conflict", True)
    assert_message(made.conflict.message, "CTC-0054", "'Urgency'", "'medium'", "Run the task again")
    assert blames_another_user(made.conflict.message)
    assert not has_fact(made.conflict.message, "Affected Hosts")


values = st.fixed_dictionaries(
    {},
    optional={
        URGENCY: st.sampled_from(["high", "low", None]),
        HOSTS: st.sampled_from([1, "1", 2, 0, None, ""]),
        ROOT_CAUSE: st.sampled_from(["a", "b", "", None]),
        TACTICS: st.sampled_from([["Impact"], ["Execution", "Impact"], ["Impact", "Execution"], [], None]),
    },
)


@given(values, values, st.frozensets(st.sampled_from([URGENCY, HOSTS])), st.none() | values, st.booleans())
def test_planned_update_is_not_empty_and_reaches_the_values(current, wanted, ignored, first, is_accepted):
    history = History(first, frozenset(wanted) if is_accepted else frozenset())
    record = {**RECORD, "data": current}
    made = plan(record, resolved(wanted, ignored), history)
    assert record["data"] is current
    for write in made.writes:
        assert write.body["ticketUpdate"]
        assert set(write.body["ticketUpdate"]) <= set(wanted) - ignored
        after = made.after or {}
        others = {name: value for name, value in current.items() if name not in wanted}
        assert {name: after["data"].get(name) for name in others} == others
        assert pending_changes(after, resolved(wanted, ignored), history) == {}
    assert not (made.writes and made.conflict)


def test_refusal_may_be_about_the_etag_by_its_status():
    statuses = {status for status in range(200, 600) if may_be_stale(answered(status, is_write=True))}
    assert statuses == set(range(400, 500)) - {401, 403, 404, 408, 429}
    assert not may_be_stale(invalid({URGENCY: ["is wrong"]}))
    assert not may_be_stale(broken())


#: Values that the service may return in another notation, and a field of an unknown type with options.
NOTATIONS = {"Affected Hosts": 2, "Detected At": "2026-11-21T03:40:00+01:00"}
PRIORITY = {"id": "p1", "label": "Priority", "type": "priority", "options": [{"value": "3", "label": "High"}, "1"]}

# --- four runs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [task(), named("CTC-0054", fields={"Urgency": "High"})], ids=["found", "object_id"])
def test_four_runs_update_an_existing_ticket_once(options):
    service = with_ticket()
    assert four_runs(service, options) == CONVERGED
    assert service.bodies == [{"etag": "etag-1", "ticketUpdate": {URGENCY: "high"}}]
    assert service.value("CTC-0054", URGENCY) == "high"
    assert bool(service.count("tickets_page")) is ("object_id" not in options)


@pytest.mark.parametrize(
    "types, keeps, fields",
    [
        ([INCIDENT], {HOSTS: str, DETECTED: lambda _text: "2026-11-21T02:40:00.000Z"}, NOTATIONS),
        ([{**INCIDENT, "fields": [*INCIDENT["fields"], PRIORITY]}], {"p1": sorted}, {"Priority": ["High", 1]}),
    ],
    ids=["notations", "unknown field type"],
)
def test_four_runs_accept_another_notation_of_a_value(types, keeps, fields):
    assert four_runs(MemoryTicketing(types=types, keeps=keeps), task(fields=fields)) == CONVERGED


def test_result_of_a_new_ticket():
    service = MemoryTicketing()
    result = keep(service, task())
    ticket = service.tickets["CTC-0054"]
    assert (result.changed, result.warnings, result.failure) == (True, [], None)
    state = {"summary": SUMMARY, "team_id": "soc", "item_type_id": "16920", "offer_id": "23640"}
    fields = {"Incident Reference": "SEN-7c2a1e8f", "Urgency": "high"}
    header = f"ticket {SUMMARY!r} (team soc)"
    assert result.values == {
        "ticket": ticket,
        "object_id": "CTC-0054",
        "etag": ticket["etag"],
        "created": True,
        "before": {},
        "after": {"object_id": "CTC-0054", **state, "fields": fields},
        "diff": {
            "before_header": header,
            "after_header": header,
            "before": {},
            "after": {**state, "fields": fields},
        },
        "unverified": [],
        "request_ids": ["r1"],
    }


def test_result_of_an_updated_ticket():
    service = with_ticket()
    result = keep(service, named("CTC-0054", fields={"Urgency": "High"}))
    before, after = result.values["before"], result.values["after"]
    assert (before["fields"], after["fields"]) == ({"Urgency": "low"}, {"Urgency": "high"})
    assert {**before, "fields": 0} == {**after, "fields": 0}
    assert before["object_id"] == "CTC-0054"
    assert (result.values["diff"]["before"], result.values["diff"]["after"]) == (before, after)
    assert result.values["diff"]["before_header"] == "ticket CTC-0054"
    assert (result.values["created"], result.values["etag"]) == (False, "etag-2")
    assert result.values["ticket"] == service.tickets["CTC-0054"]


@pytest.mark.parametrize("exists", [False, True])
def test_check_mode_predicts_the_run(exists):
    service = with_ticket() if exists else MemoryTicketing()
    predicted = keep(service, task(), check_mode=True)
    assert (service.writes, len(service.tickets)) == (0, int(exists))
    done = keep(service, task())
    assert (predicted.changed, predicted.values["diff"]) == (done.changed, done.values["diff"])
    assert predicted.values["created"] == done.values["created"] == (not exists)
    assert predicted.values["object_id"] == ("CTC-0054" if exists else None)
    assert predicted.values["ticket"].get("etag") == predicted.values["etag"] == ("etag-1" if exists else None)


def test_ignored_fields_are_only_set_in_a_new_ticket():
    service = MemoryTicketing(cleans=without_tags)
    options = task(fields={"Description": "<p> a </p>"}, ignore_fields=["Description"])
    created = keep(service, options)
    assert created.values["after"]["fields"]["Description"] == "<p> a </p>"
    assert service.value("CTC-0054", DESCRIPTION) == "<p> a </p>"
    service.edit("CTC-0054", {DESCRIPTION: "<p>by hand</p>"})
    again = keep(service, options)
    assert (again.changed, service.writes) == (False, 1)
    assert "Description" not in again.values["after"]["fields"]


# --- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exists, options, calls",
    [
        (True, named("CTC-0054"), ["ticket"]),
        (True, named("CTC-0054", fields={"Urgency": "low"}), ["ticket", "ticket_types"]),
        (
            True,
            named("CTC-0054", fields={"Urgency": "high"}),
            ["ticket", "ticket_types", "update_ticket", "ticket"],
        ),
        (
            True,
            task(item_type=None, fields={"Urgency": "low"}),
            ["offers", "ticket_types", "tickets_page", "ticket"],
        ),
        (
            False,
            task(item_type=None),
            [
                *["offers", "ticket_types", "tickets_page", "tickets_page", "create_ticket"],
                *["ticket", "tickets_page", "ticket"],
            ],
        ),
    ],
    ids=["named", "named with fields", "named update", "found", "new"],
)
def test_run_sends_no_more_requests_than_needed(exists, options, calls):
    service = with_ticket() if exists else MemoryTicketing()
    keep(service, options)
    assert service.calls == calls
    assert service.clock.slept == []
    assert ["search" in body for body in service.searches] == [True, False, True][: calls.count("tickets_page")]


@pytest.mark.parametrize("exists", [False, True])
def test_verify_timeout_of_zero_reads_nothing_back(exists):
    service = with_ticket() if exists else MemoryTicketing()
    result = keep(service, task(item_type=None), verify_timeout=0)
    requests = ["tickets_page", "ticket", "update_ticket"] if exists else [*["tickets_page"] * 2, "create_ticket"]
    assert service.calls == ["offers", "ticket_types", *requests]
    assert (result.changed, result.warnings) == (True, [])
    assert result.values["object_id"] == "CTC-0054"
    assert result.values["etag"] == service.tickets["CTC-0054"]["etag"]
    assert result.values["ticket"]["data"][URGENCY] == "high"
    assert result.values["after"]["fields"]["Urgency"] == "high"


@pytest.mark.parametrize("way", ["not returned", "interrupted", "changed by another user"])
def test_outdated_etag_is_not_returned(way):
    service = with_ticket(tells_etag=way != "not returned")
    if way == "interrupted":
        service.faults["update_ticket"] = [Fault(broken(), takes_effect=True)]
    elif way == "changed by another user":
        service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "high"}))
    result = keep(service, named("CTC-0054", fields={"Urgency": "high"}), verify_timeout=0)
    expected = [None] if way == "not returned" else [None, service.tickets["CTC-0054"]["etag"]]
    assert result.values["etag"] in expected


def test_display_id_is_returned_in_the_spelling_of_the_service():
    service = with_ticket()
    read = service.ticket
    service.ticket = lambda object_id: read(object_id.upper())
    assert keep(service, named("ctc-0054")).values["object_id"] == "CTC-0054"


# --- closed tickets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exists", [False, True])
def test_ticket_closed_by_the_task_is_found_again(exists):
    service = with_ticket() if exists else MemoryTicketing()
    assert four_runs(service, task(fields={"Status": "resolved"})) == CONVERGED
    assert service.tickets["CTC-0054"]["status_category"] == "Done Category"


def test_open_ticket_takes_precedence_over_closed_ones():
    service = with_ticket()
    service.add(SUMMARY, {**MINE, STATUS: "Resolved"})
    result = keep(service, task(fields={"Status": "Resolved"}))
    assert (result.changed, result.values["object_id"], service.count("create_ticket")) == (True, "CTC-0054", 0)
    assert service.value("CTC-0054", STATUS) == "Resolved"


def test_newest_of_several_closed_tickets_is_used():
    service = MemoryTicketing()
    for minute in (1, 9, 5):
        service.add(SUMMARY, {**MINE, STATUS: "Resolved"}, created_at=f"2026-11-21T04:0{minute}:00.000Z")
    result = keep(service, task(fields={"Status": "Resolved"}))
    assert (result.changed, result.values["object_id"], service.writes) == (False, "CTC-0055", 0)


@pytest.mark.parametrize(
    "options",
    [task(fields={"Status": "Resolved", "Affected Hosts": 2}), task(include_done=True)],
    ids=["change", "include_done"],
)
def test_several_closed_tickets_are_ambiguous_for_a_change(options):
    service = MemoryTicketing()
    for _number in range(2):
        service.add(SUMMARY, {**MINE, STATUS: "Resolved"})
    assert failure(service, options).category == "ambiguous_match"
    assert service.writes == 0


def test_closed_ticket_with_the_identity_is_not_used():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE, **CLOSED)
    options = task(unique_by=["summary"])
    predicted = keep(service, options, check_mode=True)
    facts = [repr(SUMMARY), "team soc", "CTC-0054", "closed", "include_done"]
    assert_messages(predicted.warnings, facts)
    result = keep(service, options)
    assert (result.values["object_id"], result.values["created"]) == ("CTC-0055", True)
    assert_messages(result.warnings, facts)
    assert [has_fact(warning, "would") for warning in (*predicted.warnings, *result.warnings)] == [True, False]
    again = keep(service, options)
    assert (again.changed, again.warnings) == (False, [])


def test_closed_tickets_of_search_and_list_are_reported_once():
    service = MemoryTicketing(search_lag=NEVER)
    service.add(SUMMARY, MINE, **CLOSED)
    service.add(SUMMARY, MINE, **CLOSED)
    service.hide_as_new("CTC-0055")
    (warning,) = keep(service, task(), check_mode=True).warnings
    assert_message(warning, "closed", "include_done")
    assert [warning.count(name) for name in ("CTC-0054", "CTC-0055")] == [1, 1]


def test_closed_ticket_is_not_reported_as_a_duplicate():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE, status_type="Closed", status_category="Done Category")
    result = keep(service, task(fields={"Status": "Resolved"}))
    assert result.values["object_id"] == "CTC-0055"
    assert_messages(result.warnings, [repr(SUMMARY), "CTC-0054", "closed", "include_done"])
    assert not has_fact(result.warnings[0], "another user")


def test_new_ticket_that_the_service_closes_is_found():
    service = MemoryTicketing()
    store = service._store
    service._store = lambda record, data: store(record, {**data, STATUS: "Resolved"})
    result = keep(service, task())
    assert (result.warnings, service.clock.slept) == ([], [])


# --- the choice of the ticket ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("search_lag", [0, NEVER])
def test_two_matches_are_ambiguous_and_write_nothing(search_lag, check_mode):
    service = MemoryTicketing(page_size=1, search_lag=search_lag)
    for _number in range(2):
        service.hide_as_new(service.add(SUMMARY, MINE)["object_id"])
    error = failure(service, task(), check_mode=check_mode)
    assert (error.category, service.writes) == ("ambiguous_match", 0)
    facts = [repr(SUMMARY), "team soc", 2, "CTC-0054", "CTC-0055", "object_id", "unique_by", "written"]
    assert_message(error.message, *facts)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "operation, successes", [("tickets_page", 0), ("tickets_page", 1), ("offers", 0), ("ticket_types", 0)]
)
@pytest.mark.parametrize(
    "error",
    [answered(500, html=True), broken(is_write=False), answered(422, "INVALID_FILTER"), answered(403)],
    ids=["500 with HTML", "connection", "422", "403"],
)
def test_nothing_is_created_if_a_read_fails(error, operation, successes, check_mode):
    service = with_faults(**{operation: [*[None] * successes, Fault(error)]})
    raised = failure(service, task(), check_mode=check_mode)
    assert (raised.category, raised.http_status) == (error.category, error.http_status)
    assert_message(raised.message, repr(SUMMARY), "team soc", "read", "written", error.cause)
    assert (service.writes, raised.may_have_changed) == (0, False)


@pytest.mark.parametrize("fields", [None, {"Urgency": "low"}], ids=repr)
@pytest.mark.parametrize(
    "change, category, facts",
    [
        ({"object_id": "CTC-0055"}, "not_found", ["read", "not found", 404]),
        ({"deleted_seq": 3}, "not_found", ["deleted"]),
        ({"data": None}, "contract", ["fields"]),
        ({"data": []}, "contract", ["fields"]),
    ],
    ids=repr,
)
def test_unusable_ticket_with_object_id_fails(change, category, facts, fields):
    service = with_ticket()
    service.tickets["CTC-0054"].update(change)
    service.tickets = {record["object_id"]: record for record in service.tickets.values()}
    error = failure(service, named("CTC-0054", fields=fields))
    assert error.category == category
    assert_message(error.message, "CTC-0054", *facts, "written")
    assert service.calls == ["ticket"]


@pytest.mark.parametrize("etag", [None, "", ...], ids=repr)
def test_ticket_without_etag_is_not_updated(etag):
    service = with_ticket()
    service.tickets["CTC-0054"]["etag"] = etag
    if etag is ...:
        del service.tickets["CTC-0054"]["etag"]
    error = failure(service, task())
    assert (error.category, service.writes) == ("contract", 0)
    assert_message(error.message, "CTC-0054", "etag", "updated", "written")
    assert keep(service, task(fields={"Urgency": "low"})).changed is False


def test_different_summary_is_kept_with_a_warning():
    service = with_ticket()
    service.tickets["CTC-0054"]["summary"] = f" {SUMMARY} "
    assert keep(service, task(fields={"Urgency": "low"})).warnings == []
    service.tickets["CTC-0054"]["summary"] = "Handled by night shift"
    result = keep(service, task(fields={"Urgency": "low"}))
    assert (result.changed, service.writes) == (False, 0)
    assert_messages(result.warnings, ["CTC-0054", "summary", "'Handled by night shift'", "new ticket"])


@pytest.mark.parametrize("check_mode", [False, True])
def test_invalid_input_is_refused_before_tickets_are_read(check_mode):
    service = with_ticket()
    error = failure(service, task(fields={"Urgency": "urgent"}), check_mode=check_mode)
    assert error.category == "configuration"
    assert_message(error.message, "fields", "'Urgency'", "'High', 'Medium', 'Low'", "'urgent'", "written")
    assert set(service.calls) == {"ticket_types", "offers"}
    service.calls.clear()
    assert failure(service, task(team_id=None), check_mode=check_mode).category == "configuration"
    assert failure(service, task(), check_mode=check_mode, verify_timeout=-1).category == "configuration"
    assert service.calls == []


# --- identities in another spelling ---------------------------------------------------------------------------------

BY_FIELD = {"fields": {"Incident Reference": "Re\u0301f-1"}, "unique_by": ["Incident Reference"]}


@pytest.mark.parametrize("check_mode", [True, False])
def test_another_spelling_is_ambiguous_and_creates_nothing(check_mode):
    service = MemoryTicketing()
    service.add("Any", {**MINE, REFERENCE: "R\u00e9f-1"})
    raised = failure(service, task(**BY_FIELD), check_mode=check_mode)
    assert (raised.category, service.writes) == ("ambiguous_match", 0)
    facts = ["'Incident Reference'", "spelling", "'R\u00e9f-1'", "'Re\u0301f-1'", "object_id", "written"]
    assert_message(raised.message, repr(SUMMARY), "team soc", "CTC-0054", *facts)


def test_exact_match_in_the_list_takes_precedence_over_spellings():
    service = MemoryTicketing(search_lag=60)
    service.add("Any", {**MINE, REFERENCE: "re\u0301f-1"})
    service.add(SUMMARY, {**MINE, REFERENCE: "Re\u0301f-1"})
    service.hide_as_new("CTC-0055")
    assert keep(service, task(**BY_FIELD)).values["object_id"] == "CTC-0055"


@pytest.mark.parametrize("verify_timeout", [0, 30])
def test_new_ticket_stored_in_another_spelling_fails_at_once(verify_timeout):
    service = MemoryTicketing(keeps={REFERENCE: lambda text: unicodedata.normalize("NFC", text)})
    result = keep(service, task(**BY_FIELD), verify_timeout=verify_timeout)
    raised = result.failure
    assert raised is not None
    assert (raised.category, raised.retryable, raised.may_have_changed) == ("not_converged", False, True)
    facts = ["CTC-0054", "created", "'Incident Reference'", "'R\u00e9f-1'", "'Re\u0301f-1'", "object_id"]
    assert_message(raised.message, *facts, "a further run")
    assert (result.changed, result.values["object_id"], result.values["created"]) == (True, "CTC-0054", True)
    assert (service.clock.time, service.count("create_ticket"), result.warnings) == (0, 1, [])
    assert failure(service, task(**BY_FIELD)).category == "ambiguous_match"
    assert service.count("create_ticket") == 1


@pytest.mark.parametrize("urgency, seconds", [("high", 0), ("low", 30)])
def test_spelling_that_only_the_read_shows_fails(urgency, seconds):
    service = MemoryTicketing(keeps={URGENCY: lambda _value: urgency})
    right = service.ticket
    service.ticket = lambda object_id: {**right(object_id), "summary": SUMMARY.upper()}
    result = keep(service, task(unique_by=["summary"]))
    assert result.failure is not None
    assert (result.failure.category, service.clock.time) == ("not_converged", seconds)
    assert_message(result.failure.message, "CTC-0054", "'summary'", repr(SUMMARY.upper()), "object_id")
    assert failure(service, task(unique_by=["summary"])).category == "ambiguous_match"
    assert service.count("create_ticket") == 1


# --- a create that fails --------------------------------------------------------------------------------------------


def test_interrupted_create_that_is_found_twice_names_both():
    service = with_faults(create_ticket=[Fault(broken(), True)])
    service.editor = once("create_ticket", lambda: service.add(SUMMARY, MINE))
    raised = failure(service, task())
    assert (raised.category, raised.retryable) == ("ambiguous_write", False)
    assert_message(raised.message, 2, "CTC-0054", "CTC-0055")
    assert service.count("create_ticket") == 1


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize(
    "error",
    [invalid({URGENCY: ["is not allowed"]}), *(answered(status, is_write=True) for status in (401, 403, 404, 429))],
    ids=["validation", "401", "403", "404", "429"],
)
def test_refused_write_is_not_repeated(error, exists):
    operation = "update_ticket" if exists else "create_ticket"
    service = (with_ticket if exists else MemoryTicketing)(faults={operation: [Fault(error)]})
    raised = failure(service, task())
    assert (raised.category, raised.http_status, raised.may_have_changed) == (error.category, error.http_status, False)
    refused = "not changed" if exists else "not created"
    assert_message(raised.message, "CTC-0054" if exists else repr(SUMMARY), refused, error.http_status)
    assert (service.calls[-1], service.writes, raised.fields) == (operation, 1, error.fields)


def test_messages_about_fields_contain_their_labels():
    service = with_faults(create_ticket=[Fault(invalid({DUE: ["Due Date is in the past"]}))])
    raised = failure(service, task())
    assert f"Due Date ({DUE}): Due Date is in the past" in raised.message
    assert raised.fields == {DUE: ["Due Date is in the past"]}
    service = with_ticket(faults={"update_ticket": [Fault(invalid({URGENCY: ["not now"]}))]})
    assert f"Urgency ({URGENCY}): not now" in failure(service, task()).message


@pytest.mark.parametrize(
    "missing_reads, updates, category", [(1, 2, "not_converged"), (1000, 1, "ambiguous_write")], ids=["once", "always"]
)
def test_new_ticket_that_disappears_is_not_created_again(missing_reads, updates, category):
    """The interrupted create dropped a field, its update is interrupted, too, and then the ticket is not found."""
    service = with_faults(
        create_ticket=[Fault(broken(), takes_effect=True)],
        update_ticket=[Fault(broken())],
        ticket=[None, *[Fault(answered(404, html=True))] * missing_reads],
    )
    service.keeps = {HOSTS: lambda value: None}
    result = keep(service, task(fields={"Affected Hosts": 2}))
    assert (service.count("create_ticket"), service.count("update_ticket")) == (1, updates)
    assert (result.values["object_id"], result.values["created"]) == ("CTC-0054", True)
    assert result.failure is not None
    assert (result.failure.category, result.failure.may_have_changed) == (category, True)
    if category == "not_converged":
        assert_message(result.failure.message, "CTC-0054", "Affected Hosts", None)
    else:
        assert_message(result.failure.message, "CTC-0054", SUMMARY, "30 s", "broke off", "portal")
        assert (result.failure.retryable, len(result.warnings)) == (False, 1)


def test_verify_timeout_of_zero_searches_no_failed_ticket():
    service = with_faults(
        create_ticket=[Fault(broken(), takes_effect=True)], update_ticket=[Fault(answered(403, is_write=True))]
    )
    service.keeps = {HOSTS: lambda value: None}
    result = keep(service, task(fields={"Affected Hosts": 2}), verify_timeout=0)
    assert result.failure is not None
    assert (result.failure.category, result.values["object_id"]) == ("permission", "CTC-0054")
    assert service.calls[-1] == "update_ticket"


# --- a new ticket that cannot be read or found ----------------------------------------------------------------------


@pytest.mark.parametrize("faults", [{}, {"create_ticket": [Fault(broken(), takes_effect=True)]}], ids=["", "broken"])
def test_rejected_tickets_are_not_read_again_after_the_create(faults):
    service = MemoryTicketing(rows="thin", search_lag=20, list_lag=20, faults=faults)
    for number in range(90):
        service.add(f"SEN-7c2a1e8f is like SEN-{number}", {REFERENCE: f"SEN-{number}"})
    result = keep(service, task())
    assert (result.values["object_id"], result.warnings) == ("CTC-0144", [])
    assert service.count("ticket") < 100


@pytest.mark.parametrize("search_lag, is_found", [(30, True), (31, False)])
def test_run_waits_until_the_search_finds_the_new_ticket(search_lag, is_found):
    service = MemoryTicketing(search_lag=search_lag)
    result = keep(service, task())
    assert (result.values["object_id"], service.clock.time) == ("CTC-0054", 30)
    facts = ["CTC-0054", SUMMARY, "created", "search", "30 s", "object_id"]
    assert_messages(result.warnings, *([] if is_found else [facts]))
    assert not keep(service, named("CTC-0054", fields={"Urgency": "High"})).changed
    # It is among the newest tickets, so a further run finds it even if the search does not.
    assert (keep(service, task()).changed, len(service.tickets)) == (False, 1)


@pytest.mark.parametrize(
    "errors, seconds", [([503], 0.5), ([503] * 50, 30), ([403], 0)], ids=["503 once", "503", "403"]
)
def test_search_that_fails_after_the_create_is_a_warning(errors, seconds):
    faults = [Fault(answered(status)) for status in errors]
    service = with_faults(tickets_page=[None, None, *faults])
    warnings = keep(service, task()).warnings
    assert service.clock.time == seconds
    facts = ["CTC-0054", SUMMARY, "created", "a further run", "list", errors[0]]
    assert_messages(warnings, *([] if seconds == 0.5 else [facts]))


def test_duplicate_of_another_user_is_reported():
    service = MemoryTicketing()
    service.editor = once("create_ticket", lambda: service.add(SUMMARY, MINE))
    warnings = keep(service, task()).warnings
    assert_messages(warnings, ["CTC-0055", SUMMARY, "created", "CTC-0054", "another user", "Close one"])


def assert_created_but_failed(result: OperationResult, service: MemoryTicketing) -> ApiError:
    """Assert that a failed result contains the new ticket, and return the failure."""
    assert result.failure is not None
    assert (result.changed, result.failure.may_have_changed) == (True, True)
    ticket = service.tickets["CTC-0054"]
    state = {"summary": SUMMARY, "team_id": "soc", "item_type_id": "16920", "offer_id": "23640"}
    fields = {"Incident Reference": "SEN-7c2a1e8f", "Urgency": "high"}
    assert result.values == {
        "ticket": ticket,
        "object_id": "CTC-0054",
        "etag": ticket["etag"],
        "created": True,
        "before": {},
        "after": {"object_id": "CTC-0054", **state, "fields": fields},
        "request_ids": ["r1"],
    }
    return result.failure


def test_new_ticket_that_is_never_readable_fails():
    service = MemoryTicketing(create_lag=1000)
    result = keep(service, task())
    raised = assert_created_but_failed(result, service)
    assert (raised.category, raised.retryable) == ("not_converged", False)
    assert_message(raised.message, "CTC-0054", SUMMARY, "30 s", "no such ticket")
    assert_messages(result.warnings, ["CTC-0054", SUMMARY, "created", "a further run", "search"])
    assert service.count("create_ticket") == 1


#: Number of reads within the verify_timeout of 30 s.
READS = 10


@pytest.mark.parametrize("search_lag, unreadable", [(0, 0), (59, 0), (0, READS), (NEVER, 0)])
def test_unreadable_new_ticket_is_retryable_if_the_search_finds_it(search_lag, unreadable):
    service = MemoryTicketing(search_lag=search_lag, faults={"ticket": [Fault(answered(503))] * (READS + unreadable)})
    result = keep(service, task())
    raised, is_found = assert_created_but_failed(result, service), search_lag != NEVER and not unreadable
    assert (raised.category, raised.retryable, len(result.warnings)) == ("unavailable", is_found, int(not is_found))
    assert_message(raised.message, "CTC-0054", SUMMARY, "written", "read back", 503)
    # The message itself must not suggest a run that may create a second ticket.
    assert has_fact(raised.message, "Do not run the task again") is not is_found
    assert all(warning in raised.message for warning in result.warnings)
    assert not keep(service, task()).changed
    assert len(service.tickets) == 1


@pytest.mark.parametrize("error", [answered(500), answered(400)], ids=["500", "400"])
def test_failed_read_after_the_create_is_not_a_second_create(error):
    """The search finds the ticket only the sixth time, and the list without a search text never does."""
    service = MemoryTicketing(searches_before=5, list_lag=NEVER, faults={"ticket": [Fault(error)]})
    result = keep(service, task())
    assert (result.values["object_id"], result.values["created"], result.warnings) == ("CTC-0054", True, [])
    if error.category == "validation":
        assert not assert_created_but_failed(result, service).retryable
    else:
        assert result.failure is None
    again = keep(service, task())
    assert (again.changed, again.values["object_id"], len(service.tickets)) == (False, "CTC-0054", 1)


# --- an update that is refused or not stored ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409])
def test_refusal_of_an_unchanged_ticket_is_not_about_the_etag(status):
    error = answered(status, "ANY", is_write=True)
    service = with_ticket(faults={"update_ticket": [Fault(error)] * 9})
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == (error.category, status)
    assert service.calls[-2:] == ["update_ticket", "ticket"]
    assert service.count("update_ticket") == 1


@pytest.mark.parametrize("case", ["unreadable", "no etag"])
def test_refusal_is_reported_if_the_etag_cannot_be_compared(case):
    service = with_ticket(faults={"update_ticket": [Fault(answered(409, is_write=True))]})
    if case == "unreadable":
        service.faults["ticket"] = [None, Fault(answered(503))]
    else:
        service.editor = once("update_ticket", lambda: service.tickets["CTC-0054"].pop("etag"))
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == ("conflict", 409)
    assert service.count("update_ticket") == 1


SCRIPTED = "<p>a</p><script>b</script>"


def test_sanitized_rich_text_is_a_warning():
    service = with_ticket(cleans=without_tags)
    options = task(fields={"Description": SCRIPTED})
    result = keep(service, options)
    assert result.changed
    assert_messages(result.warnings, ["'Description'", "CTC-0054", SUMMARY, "further run", "ignore_fields"])
    assert service.value("CTC-0054", DESCRIPTION) == "<p>a</p>"
    assert (len(service.tickets), service.clock.slept) == (1, [])
    for remedy in ({"fields": {"Description": "<p>a</p>"}}, {"ignore_fields": ["Description"]}):
        again = keep(service, {**options, **task(**remedy)})
        assert (again.changed, again.warnings) == (False, [])


@pytest.mark.parametrize(
    "name, value, stored",
    [
        pytest.param(DESCRIPTION, SCRIPTED, without_tags, id="HTML"),
        pytest.param(ROOT_CAUSE, "phishing\n", str.strip, id="white space at the end"),
        pytest.param(RESPONDER, "analyst@northwind.example", lambda name: {"username": name}, id="user"),
        pytest.param(IMPACT_BUSINESS, "<b>high</b>", lambda value: "high", id="markup"),
        pytest.param(WHERE, {"lat": 1}, lambda value: {**value, "precision": 9}, id="unknown type"),
    ],
)
def test_value_stored_differently_is_sent_again_with_a_warning(name, value, stored):
    service = MemoryTicketing(keeps={name: stored})
    options = task(fields={name: value})
    first = keep(service, options)
    assert (first.changed, len(first.warnings)) == (True, 1)
    second = keep(service, options)
    assert (second.changed, second.warnings) == (True, first.warnings)
    title = next(field.title for field in KIND.fields if field.id == name)
    assert_message(second.warnings[0], title, "CTC-0054", SUMMARY, "further run", "ignore_fields")
    assert service.clock.slept == []
    # Without an etag in the response, an unchanged value cannot be attributed to the service.
    service.tells_etag = False
    assert failure(service, options).category == "not_converged"


#: Fields with their wanted value, the value before an update, and the value that the service stores.
ANOTHER_VALUE: list[tuple[str, Any, Any, Any]] = [
    (STATUS, "Resolved", "Open", "In Progress"),
    (TACTICS, ["Execution", "Impact"], ["Persistence"], ["Impact"]),
    (HOSTS, 12, 1, 10),
    (CONTAINED, True, None, False),
    (DUE, "2026-11-21", "2026-01-01", "2026-11-20"),
    (RESPONDER, "analyst", "dispatcher", "queue"),
]
OLD_VALUE: list[tuple[str, Any, Any, Any]] = [
    (URGENCY, "high", "low", "low"),
    (HOSTS, 2, None, None),
    (ROOT_CAUSE, None, "phishing", "phishing"),
]


@pytest.mark.parametrize(
    "write, name, value, before, stored",
    [
        *(("update", *case) for case in (*ANOTHER_VALUE, *OLD_VALUE)),
        *(("create", *case) for case in ANOTHER_VALUE),
        # A ticket that seems to be closed is not found again.
        *(("interrupted create", *case) for case in ANOTHER_VALUE if case[0] != STATUS),
    ],
)
def test_another_stored_value_fails(write, name, value, before, stored):
    service = with_ticket() if write == "update" else MemoryTicketing()
    if write == "update":
        service.edit("CTC-0054", {name: before})
    elif write == "interrupted create":
        service.faults = {"create_ticket": [Fault(broken(), takes_effect=True)]}
    service.keeps = {name: lambda _value: stored}
    title = next(field.title for field in KIND.fields if field.id == name)
    options = task(fields={title: value})
    raised = failure(service, options) if write == "update" else keep(service, options).failure
    assert raised is not None
    assert (raised.category, raised.may_have_changed) == ("not_converged", True)
    # A different value after an interrupted create is a failure at once.
    assert service.clock.time == (0 if write == "interrupted create" else 30)
    assert_message(raised.message, "CTC-0054", title, repr(stored))
    assert has_fact(raised.message, repr(value)) or stored == before
    assert not blames_another_user(raised.message)
    assert service.writes == 1


# --- concurrent changes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stale", [409, 412, 400])
def test_changes_of_both_users_are_kept(stale):
    service = with_ticket(stale=stale)
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {ROOT_CAUSE: "phishing", DUE: None}))
    result = keep(service, task())
    assert (result.changed, result.warnings) == (True, [])
    assert (service.value("CTC-0054", ROOT_CAUSE), service.value("CTC-0054", URGENCY)) == ("phishing", "high")
    assert service.count("update_ticket") == 2
    assert service.bodies[-1] == {"etag": "etag-2", "ticketUpdate": {URGENCY: "high"}}
    assert result.values["ticket"]["data"][ROOT_CAUSE] == "phishing"
    assert not keep(service, task()).changed


@pytest.mark.parametrize("stale", [409, 412, 400])
@pytest.mark.parametrize("fields", [{"Urgency": "high"}, {"Urgency": "high", "Affected Hosts": 2}], ids=["one", "two"])
def test_change_of_the_same_field_is_a_conflict(fields, stale):
    service = with_ticket(stale=stale)
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "medium"}))
    raised = failure(service, named("CTC-0054", fields=fields))
    assert (raised.category, raised.retryable, raised.may_have_changed) == ("conflict", True, False)
    assert_message(raised.message, "CTC-0054", "not changed", "'Urgency'", "'medium'", "Run the task again")
    assert blames_another_user(raised.message)
    assert (service.value("CTC-0054", URGENCY), service.value("CTC-0054", HOSTS)) == ("medium", None)
    # A further run reads the change first, so it may overwrite it.
    assert keep(service, task()).changed
    assert service.value("CTC-0054", URGENCY) == "high"


def test_equal_change_of_another_user_is_not_sent_again():
    service = with_ticket()
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "high"}))
    result = keep(service, task())
    assert service.count("update_ticket") == 1
    assert [event.kind for event in service.events if event.kind != "get"] == ["edit"]
    assert result.values["after"]["fields"]["Urgency"] == "high"
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {ROOT_CAUSE: "theirs"}))
    keep(service, task(fields={"Root Cause": "theirs", "Affected Hosts": 2}))
    assert service.bodies[-1]["ticketUpdate"] == {HOSTS: 2}


@pytest.mark.parametrize("conflicts", [MAX_CONFLICTS - 1, MAX_CONFLICTS])
def test_update_is_repeated_for_a_limited_number_of_conflicts(conflicts):
    service = with_ticket()
    edits = iter(range(conflicts))

    def editor(number: int, called: str) -> None:
        edit = next(edits, None) if called == "update_ticket" else None
        if edit is not None:
            service.edit("CTC-0054", {ROOT_CAUSE: f"note {edit}"})

    service.editor = editor
    if conflicts < 5:
        assert keep(service, task()).changed
    else:
        raised = failure(service, named("CTC-0054", fields={"Urgency": "high"}))
        assert (raised.category, raised.retryable, raised.may_have_changed) == ("conflict", True, False)
        assert (raised.http_status, raised.code) == (409, "ETAG_MISMATCH")
        refusal = answered(409, "ETAG_MISMATCH", "The ticket was changed", is_write=True).message
        assert_message(raised.message, "CTC-0054", "not changed", 5, "run the task again", refusal)
        assert blames_another_user(raised.message)
    assert service.count("update_ticket") == 5
    assert service.value("CTC-0054", ROOT_CAUSE) == f"note {conflicts - 1}"
    assert service.value("CTC-0054", URGENCY) == ("high" if conflicts < 5 else "low")


@pytest.mark.parametrize("status", [400, 422, 409])
def test_refusal_is_quoted_if_each_read_changes_the_etag(status):
    refusal = answered(status, None, "transition not allowed", is_write=True)
    service = with_ticket(faults={"update_ticket": [Fault(refusal)] * 9})
    service.editor = lambda number, called: called == "ticket" and service.edit("CTC-0054", {})
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == (refusal.category, status)
    assert refusal.message in raised.message
    assert not blames_another_user(raised.message)
    assert service.count("update_ticket") == 2


def test_update_succeeds_after_an_invisible_change():
    service = with_ticket(stale=400)
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {}))
    assert keep(service, task()).changed
    assert service.value("CTC-0054", URGENCY) == "high"


def after_update(service: MemoryTicketing, edit: Mapping[str, Any]) -> Callable[[int, str], None]:
    """Return an editor that changes the ticket between the update and the next read."""

    def editor(number: int, called: str) -> None:
        if called == "ticket" and service.calls[-2] == "update_ticket":
            service.edit("CTC-0054", edit)

    return editor


def test_change_after_the_update_is_attributed_to_another_user():
    service = with_ticket()
    service.editor = after_update(service, {ROOT_CAUSE: "theirs"})
    result = keep(service, task(fields={"Root Cause": "ours"}))
    assert result.changed
    assert_messages(result.warnings, ["'Root Cause'", "CTC-0054", SUMMARY, "further run"])
    assert blames_another_user(result.warnings[0])


def test_change_that_another_user_reverts_fails():
    service = with_ticket()
    service.editor = after_update(service, {ROOT_CAUSE: None})
    raised = failure(service, task(fields={"Root Cause": "ours"}))
    assert (raised.category, raised.may_have_changed) == ("not_converged", True)


# --- texts ----------------------------------------------------------------------------------------------------------

#: The facts of the only message if no teams are shown.
TEAMS_NOT_SHOWN = [["team_id", "'soc'", "checked", "teams"]]


@pytest.mark.parametrize(
    "teams, team_id, unverified",
    [
        (["soc", "james"], "soc", []),
        ([{"id": 7, "slug": "soc"}], "soc", []),
        (["soc", "james"], "sco", [["team_id", "'sco'", "teams", "'soc'"]]),
        (None, "soc", TEAMS_NOT_SHOWN),
        ([], "soc", TEAMS_NOT_SHOWN),
        ([{"id": None}, 0.5], "soc", TEAMS_NOT_SHOWN),
    ],
)
def test_check_mode_reports_a_team_that_it_cannot_verify(teams, team_id, unverified):
    service = MemoryTicketing(user={"teams": teams})
    predicted = keep(service, task(team_id=team_id), check_mode=True)
    assert (predicted.changed, service.writes) == (True, 0)
    assert_messages(predicted.values["unverified"], *unverified)
    result = keep(service, task(team_id=team_id))
    assert (result.values["unverified"], service.count("user_info")) == ([], 1)
    assert keep(service, task(team_id=team_id), check_mode=True).values["unverified"] == []


def test_check_mode_succeeds_if_the_account_cannot_be_read():
    service = with_faults(user_info=[Fault(answered(404, html=True))])
    assert_messages(keep(service, task(), check_mode=True).values["unverified"], *TEAMS_NOT_SHOWN)


def test_messages_name_the_ticket_and_its_differences():
    service = with_ticket()
    operation = EnsureTicket(service, parse_options(task(fields={"Affected Hosts": 2})))
    assert operation.label == f"ticket {SUMMARY!r} (team soc)"
    state = operation.read()
    assert operation.label == f"ticket CTC-0054 ({SUMMARY})"
    assert EnsureTicket(service, parse_options(named("CTC-0054"))).label == "ticket CTC-0054"
    assert operation.describe(state) == "Urgency 'low', Affected Hosts None"
    assert operation.describe(None) == "no such ticket"


def test_displayed_values_are_those_that_the_run_sets():
    wanted = resolved({URGENCY: "high", HOSTS: 1}, frozenset({HOSTS}))
    assert display_values(RECORD, wanted, False) == {
        "object_id": "CTC-0054",
        "summary": "a",
        "fields": {"Urgency": "low"},
    }
    assert display_values(RECORD, wanted, True)["fields"] == {"Urgency": "low", "Affected Hosts": 1}
    assert display_values(None, wanted, False) == {}
