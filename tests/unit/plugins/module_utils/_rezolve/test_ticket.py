# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keep a ticket: the plan, what a run makes of it, and that nothing is doubled or lost."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import from_invalid_body
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import REZOLVE
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    ResolvedTicket,
    parse_options,
    resolve_new,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket import (
    MAX_CONFLICTS,
    EnsureTicket,
    display_values,
    may_be_stale,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_plan import (
    NO_HISTORY,
    History,
    pending_changes,
    plan,
)
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
DONE = {"status_type": "Resolved", "status_category": "Done Category"}
HTML_502 = answered(502, html=True, is_write=True)

#: How a request that may have taken effect fails.
BREAKS = [
    pytest.param(broken(), id="connection"),
    pytest.param(answered(500, is_write=True), id="500"),
    pytest.param(HTML_502, id="502 with HTML"),
    pytest.param(ApiError("The answer has no ticket.", "contract", http_status=200, ambiguous=True), id="odd answer"),
]


def failure(service: MemoryTicketing, options: Mapping[str, Any], **run: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        keep(service, options, **run)
    return caught.value


def blames_somebody(text: str) -> bool:
    """Whether a message says that somebody else changed the ticket."""
    return bool(re.search("(somebody else|another user) changed", text.lower()))


def ended(service: MemoryTicketing, options: Mapping[str, Any]) -> ApiError | None:
    """Run a task that may fail; give the failure."""
    try:
        keep(service, options)
    except ApiError as error:
        return error
    return None


def with_ticket(**settings: Any) -> MemoryTicketing:
    """A service with the ticket that the task is about, CTC-0054, of low urgency."""
    service = MemoryTicketing(**settings)
    service.add(SUMMARY, {**MINE, URGENCY: "low"})
    return service


def once(operation: str, edit: Callable[[], None]) -> Callable[[int, str], None]:
    """An editor who does one thing, just before the first request of an operation."""
    waiting = [edit]

    def editor(number: int, called: str) -> None:
        if called == operation and waiting:
            waiting.pop()()

    return editor


def four_runs(service: MemoryTicketing, options: Mapping[str, Any]) -> list[tuple[bool, int]]:
    """Check, run, check, run: whether each reports a change, and how many writes there are after it."""
    seen = []
    for check_mode in (True, False, True, False):
        seen.append((keep(service, options, check_mode=check_mode).changed, service.writes))
    return seen


# --- the plan -------------------------------------------------------------------------------------------------------

KIND = kind_of()
RECORD = {"object_id": "CTC-0054", "etag": "e1", "summary": "a", "data": {URGENCY: "low", HOSTS: 1, ROOT_CAUSE: "x"}}


def resolved(values: Mapping[str, Any], ignored: frozenset[str] = frozenset()) -> ResolvedTicket:
    return ResolvedTicket(KIND, values, ignored)


def test_a_ticket_that_is_not_there_is_created_with_one_request_that_is_sent_once():
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


def test_an_update_holds_what_departs_and_nothing_else():
    made = plan(RECORD, resolved({URGENCY: "high", HOSTS: "1", ROOT_CAUSE: None}))
    (write,) = made.writes
    assert (write.action, write.is_additive, write.never_resend) == ("update", False, False)
    assert write.body == {"etag": "e1", "ticketUpdate": {URGENCY: "high", ROOT_CAUSE: None}}
    assert made.after == {**RECORD, "data": {URGENCY: "high", HOSTS: 1, ROOT_CAUSE: None}}


@pytest.mark.parametrize("values", [{}, {URGENCY: "low"}, {HOSTS: "1.0"}, {DUE: None}], ids=repr)
def test_what_is_as_it_should_be_plans_nothing(values):
    made = plan(RECORD, resolved(values))
    assert made.is_done
    assert made.after is RECORD


def test_ignored_fields_are_not_compared():
    assert plan(RECORD, resolved({URGENCY: "high"}, frozenset({URGENCY}))).is_done
    assert pending_changes(RECORD, resolved({URGENCY: "high", HOSTS: 2}, frozenset({URGENCY}))) == {HOSTS: 2}


def test_a_ticket_that_no_field_is_wanted_of_has_no_departures():
    assert pending_changes(RECORD, ResolvedTicket()) == {}


@pytest.mark.parametrize(
    "now, first, accepted, left, is_conflict",
    [
        ("low", None, False, True, False),
        ("low", "low", False, True, False),
        ("medium", "low", False, True, True),
        ("high", "low", False, False, False),
        # Accepted from this run: another option is not what was asked for; as before is not done yet.
        ("medium", "low", True, True, True),
        ("low", "low", True, True, False),
        ("high", "low", True, False, False),
    ],
)
def test_the_history_of_a_field(now, first, accepted, left, is_conflict):
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
        # Another etag, or none: it may be late, or somebody else put it back.
        (ROOT_CAUSE, "e0", False),
        (ROOT_CAUSE, None, False),
        # Only text can be cleaned until it is the old one again.
        (RESPONDER, "e1", False),
        (HOSTS, "e1", False),
        (STATUS, "e1", False),
        (DUE, "e1", False),
    ],
)
def test_a_field_that_still_shows_its_first_value_is_kept_if_the_etag_says_so(name, etag, is_kept):
    history = History({}, frozenset({name}), etag)
    assert (pending_changes({**RECORD, "data": {}}, resolved({name: "5"}), history) == {}) is is_kept
    # A field that the service did not take from this run is not as wanted, whatever the etag.
    assert pending_changes({**RECORD, "data": {}}, resolved({name: "5"}), History({}, frozenset(), etag)) == {name: "5"}


def test_one_field_that_somebody_touched_stops_all():
    history = History({URGENCY: "low", HOSTS: 1})
    record = {**RECORD, "data": {URGENCY: "medium", HOSTS: 1}}
    made = plan(record, resolved({URGENCY: "high", HOSTS: 2}), history)
    assert made.writes == ()
    assert made.conflict is not None
    assert made.conflict.category == "conflict"
    assert made.conflict.retryable
    assert_message(made.conflict.message, "CTC-0054", "'Urgency'", "'medium'", "Run the task again")
    assert blames_somebody(made.conflict.message)
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
def test_a_plan_never_holds_an_empty_update_and_leads_to_what_is_wanted(current, wanted, ignored, first, took):
    history = History(first, frozenset(wanted) if took else frozenset())
    record = {**RECORD, "data": current}
    made = plan(record, resolved(wanted, ignored), history)
    assert record["data"] is current
    for write in made.writes:
        assert write.body["ticketUpdate"]
        assert set(write.body["ticketUpdate"]) <= set(wanted) - ignored
        # What it does not set stays.
        after = made.after or {}
        assert {name: after["data"].get(name) for name in current if name not in wanted} == {
            name: value for name, value in current.items() if name not in wanted
        }
        assert pending_changes(after, resolved(wanted, ignored), history) == {}
    assert not (made.writes and made.conflict)


# --- whether a refusal is about the etag ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 405, 409, 410, 412, 422, 428, 499])
def test_a_refusal_that_may_be_about_the_etag(status):
    assert may_be_stale(answered(status, is_write=True))


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503, 302, 200])
def test_a_failure_that_has_nothing_to_do_with_the_etag(status):
    assert not may_be_stale(answered(status, is_write=True))


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_validation_failure_has_nothing_to_do_with_the_etag(status):
    assert not may_be_stale(answered(status, fields={URGENCY: ["is wrong"]}, is_write=True))


def test_a_connection_that_broke_has_nothing_to_do_with_the_etag():
    assert not may_be_stale(broken())


# --- create, find, update: four runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("page_size, says_end", [(100, True), (1, False)])
@pytest.mark.parametrize(
    "unique_by", [["summary"], ["Incident Reference"], ["incident_reference", "summary"]], ids=repr
)
@pytest.mark.parametrize("tells_etag", [True, False])
def test_four_runs_create_one_ticket(rows, page_size, says_end, unique_by, tells_etag):
    service = MemoryTicketing(rows=rows, page_size=page_size, says_end=says_end, tells_etag=tells_etag)
    service.add(SUMMARY + ": another customer", {REFERENCE: "SEN-7c2a1e8f-2"})
    options = task(unique_by=unique_by)
    assert four_runs(service, options) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert service.count("create_ticket") == 1
    assert len(service.tickets) == 2


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_four_runs_change_a_ticket_that_is_there(rows):
    service = with_ticket(rows=rows)
    assert four_runs(service, task()) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert service.bodies == [{"etag": "etag-1", "ticketUpdate": {URGENCY: "high"}}]
    assert service.value("CTC-0054", URGENCY) == "high"


def test_four_runs_change_a_ticket_that_is_named():
    service = with_ticket()
    options = named("CTC-0054", fields={"Urgency": "High", "Affected Hosts": "2"})
    assert four_runs(service, options) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert service.count("tickets_page") == 0


@pytest.mark.parametrize(
    "stored, given_as",
    [
        ({DETECTED: "2026-11-21T02:40:00.000Z"}, {"Detected At": "2026-11-21T03:40:00+01:00"}),
        ({HOSTS: "2"}, {"Affected Hosts": 2}),
        ({HOSTS: 2}, {"Affected Hosts": "2"}),
        ({TACTICS: ["Impact", "Execution"]}, {"Tactics": ["execution", "Impact"]}),
        ({URGENCY: {"id": "1", "label": "High"}}, {"Urgency": "high"}),
        ({DUE: ""}, {"Due Date": None}),
    ],
    ids=repr,
)
def test_the_same_in_other_words_changes_nothing(stored, given_as):
    service = with_ticket()
    service.edit("CTC-0054", stored)
    result = keep(service, named("CTC-0054", fields=given_as))
    assert (result.changed, service.writes) == (False, 0)


def test_what_a_new_ticket_gives():
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


def test_what_a_ticket_that_changed_gives():
    service = with_ticket()
    result = keep(service, named("CTC-0054", fields={"Urgency": "High"}))
    before, after = result.values["before"], result.values["after"]
    assert (before["fields"], after["fields"]) == ({"Urgency": "low"}, {"Urgency": "high"})
    assert {**before, "fields": 0} == {**after, "fields": 0}
    assert before["object_id"] == "CTC-0054"
    assert result.values["diff"]["before"] == before
    assert result.values["diff"]["after"] == after
    assert result.values["diff"]["before_header"] == "ticket CTC-0054"
    assert (result.values["created"], result.values["etag"]) == (False, "etag-2")
    assert result.values["ticket"] == service.tickets["CTC-0054"]


@pytest.mark.parametrize("there", [False, True])
def test_a_check_foretells_the_run(there):
    service = with_ticket() if there else MemoryTicketing()
    foretold = keep(service, task(), check_mode=True)
    assert (service.writes, len(service.tickets)) == (0, int(there))
    done = keep(service, task())
    assert (foretold.changed, foretold.values["diff"]) == (done.changed, done.values["diff"])
    assert foretold.values["created"] == done.values["created"] == (not there)
    assert foretold.values["object_id"] == ("CTC-0054" if there else None)
    assert foretold.values["ticket"].get("etag") == ("etag-1" if there else None)
    assert foretold.values["etag"] == ("etag-1" if there else None)


def test_ignored_fields_are_given_to_a_new_ticket_only():
    service = MemoryTicketing(cleans=without_tags)
    options = task(fields={"Description": "<p> a </p>"}, ignore_fields=["Description"])
    created = keep(service, options)
    assert created.values["after"]["fields"]["Description"] == "<p> a </p>"
    assert service.value("CTC-0054", DESCRIPTION) == "<p> a </p>"
    service.edit("CTC-0054", {DESCRIPTION: "<p>by hand</p>"})
    again = keep(service, options)
    assert (again.changed, service.writes) == (False, 1)
    assert "Description" not in again.values["after"]["fields"]


def test_a_status_is_a_field_and_the_closed_ticket_is_found_again():
    service = with_ticket()
    options = task(fields={"Status": "resolved"})
    assert four_runs(service, options) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert service.tickets["CTC-0054"]["status_category"] == "Done Category"


def test_a_ticket_that_is_created_closed_is_found_again():
    service = MemoryTicketing()
    assert four_runs(service, task(fields={"Status": "Resolved"})) == [(True, 0), (True, 1), (False, 1), (False, 1)]


@pytest.mark.parametrize(
    "option",
    [{"value": "resolved", "label": "Resolved"}, {"id": "3", "name": "Resolved"}, {"value": 3, "label": "RESOLVED"}],
    ids=["value", "id", "number"],
)
def test_a_ticket_that_is_created_closed_is_found_again_by_the_label_of_its_status(option):
    fields = [{**entry, "options": [option]} if entry["id"] == STATUS else entry for entry in INCIDENT["fields"]]
    service = MemoryTicketing(types=[{**INCIDENT, "fields": fields}])
    service._store = lambda record, data, store=service._store: [
        store(record, {**data, STATUS: "Resolved"}),
        record["data"].update(data),
    ]
    options = task(fields={"Status": "Resolved"})
    assert four_runs(service, options) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert len(service.tickets) == 1


def test_a_text_that_is_the_word_of_a_status_does_not_make_closed_tickets_count():
    service = MemoryTicketing()
    service.add(SUMMARY, {**MINE, ROOT_CAUSE: "Resolved"}, **DONE)
    result = keep(service, task(fields={"Root Cause": "Resolved"}))
    assert (result.values["object_id"], result.values["created"]) == ("CTC-0055", True)
    (warning,) = result.warnings
    assert_message(warning, repr(SUMMARY), "CTC-0054", "done", "include_done")


CLOSED = {**MINE, STATUS: "Resolved"}


def test_an_open_ticket_goes_before_those_that_are_closed_as_asked_for():
    service = with_ticket()
    service.add(SUMMARY, CLOSED)
    result = keep(service, task(fields={"Status": "Resolved"}))
    assert (result.changed, result.values["object_id"], service.count("create_ticket")) == (True, "CTC-0054", 0)
    assert service.value("CTC-0054", STATUS) == "Resolved"


def test_of_several_closed_as_asked_for_the_newest_is_the_one_that_was_meant():
    service = MemoryTicketing()
    for minute in (1, 9, 5):
        service.add(SUMMARY, CLOSED, created_at=f"2026-11-21T04:0{minute}:00.000Z")
    result = keep(service, task(fields={"Status": "Resolved"}))
    assert (result.changed, result.values["object_id"], service.writes) == (False, "CTC-0055", 0)


@pytest.mark.parametrize(
    "options",
    [task(fields={"Status": "Resolved", "Affected Hosts": 2}), task(include_done=True)],
    ids=["fields", "all"],
)
def test_of_several_closed_none_is_guessed_if_it_would_be_changed_or_all_count(options):
    service = MemoryTicketing()
    for _number in range(2):
        service.add(SUMMARY, CLOSED)
    assert failure(service, options).category == "ambiguous_match"
    assert service.writes == 0


# --- how many requests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_named_ticket_without_fields_takes_one_read(check_mode):
    service = with_ticket()
    result = keep(service, named("CTC-0054"), check_mode=check_mode)
    assert (result.changed, service.calls) == (False, ["ticket"])
    assert result.values["before"] == result.values["after"]
    assert result.values["ticket"]["summary"] == SUMMARY


def test_a_named_ticket_that_is_as_wanted_takes_a_read_and_its_type():
    service = with_ticket()
    keep(service, named("CTC-0054", fields={"Urgency": "low"}))
    assert service.calls == ["ticket", "ticket_types"]


def test_an_update_of_a_named_ticket_takes_two_reads():
    service = with_ticket()
    keep(service, named("CTC-0054", fields={"Urgency": "high"}))
    assert service.calls == ["ticket", "ticket_types", "update_ticket", "ticket"]


def test_a_new_ticket_is_searched_for_created_read_and_found():
    service = MemoryTicketing()
    keep(service, task(item_type=None))
    assert service.calls == [
        *["offers", "ticket_types", "tickets_page", "tickets_page", "create_ticket"],
        *["ticket", "tickets_page", "ticket"],
    ]
    assert ["search" in body for body in service.searches] == [True, False, True]
    assert service.clock.slept == []


def test_a_ticket_that_is_there_takes_one_search_and_one_read():
    service = with_ticket()
    keep(service, task(item_type=None, fields={"Urgency": "low"}))
    assert service.calls == ["offers", "ticket_types", "tickets_page", "ticket"]


@pytest.mark.parametrize("there", [False, True])
def test_nothing_is_read_back_with_a_verify_timeout_of_0(there):
    service = with_ticket() if there else MemoryTicketing()
    result = keep(service, task(item_type=None), verify_timeout=0)
    reads = ["ticket"] if there else []
    write = "update_ticket" if there else "create_ticket"
    searches = ["tickets_page"] if there else ["tickets_page", "tickets_page"]
    assert service.calls == ["offers", "ticket_types", *searches, *reads, write]
    assert (result.changed, result.warnings) == (True, [])
    assert result.values["object_id"] == "CTC-0054"
    assert result.values["etag"] == service.tickets["CTC-0054"]["etag"]
    assert result.values["ticket"]["data"][URGENCY] == "high"
    assert result.values["after"]["fields"]["Urgency"] == "high"


def test_an_etag_that_nobody_tells_is_not_known():
    result = keep(with_ticket(tells_etag=False), task(), verify_timeout=0)
    assert result.values["etag"] is None


@pytest.mark.parametrize("way", ["broke off", "somebody else was quicker"])
def test_an_old_etag_is_not_given_as_the_new_one(way):
    service = with_ticket()
    if way == "broke off":
        service.faults["update_ticket"] = [Fault(broken(), takes_effect=True)]
    else:
        service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "high"}))
    result = keep(service, named("CTC-0054", fields={"Urgency": "high"}), verify_timeout=0)
    assert result.values["etag"] in (None, service.tickets["CTC-0054"]["etag"])


def test_the_display_id_is_given_as_the_service_spells_it():
    service = with_ticket()
    read = service.ticket
    service.ticket = lambda object_id: read(object_id.upper())
    assert keep(service, named("ctc-0054")).values["object_id"] == "CTC-0054"


# --- which ticket ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_match_on_the_second_page_is_not_created_again(rows, check_mode):
    service = MemoryTicketing(rows=rows, page_size=3, says_end=False)
    service.add(SUMMARY, MINE)
    for number in range(4):
        service.add(f"{SUMMARY}: customer {number}", {REFERENCE: f"SEN-7c2a1e8f-{number}"})
    result = keep(service, task(), check_mode=check_mode)
    assert (result.changed, result.values["object_id"], service.writes) == (False, "CTC-0054", 0)


@pytest.mark.parametrize("check_mode", [False, True])
def test_two_matches_are_named_and_nothing_is_written(check_mode):
    service = MemoryTicketing(page_size=1)
    service.add(SUMMARY, MINE)
    service.add(SUMMARY, MINE)
    error = failure(service, task(), check_mode=check_mode)
    assert error.category == "ambiguous_match"
    facts = [repr(SUMMARY), "team soc", 2, "CTC-0054", "CTC-0055", "object_id", "unique_by", "written"]
    assert_message(error.message, *facts)
    assert service.writes == 0


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_done_ticket_with_the_same_summary_does_not_count(rows):
    service = MemoryTicketing(rows=rows)
    service.add(SUMMARY, MINE, **DONE)
    options = task(unique_by=["summary"])
    foretold = keep(service, options, check_mode=True)
    facts = [repr(SUMMARY), "team soc", "CTC-0054", "done", "include_done"]
    assert_messages(foretold.warnings, facts)
    result = keep(service, options)
    assert (result.values["object_id"], result.values["created"]) == ("CTC-0055", True)
    assert_messages(result.warnings, facts)
    assert [has_fact(warning, "would") for warning in (*foretold.warnings, *result.warnings)] == [True, False]
    # From then on there is an open one, and nothing to warn of.
    again = keep(service, options)
    assert (again.changed, again.warnings) == (False, [])


def test_a_done_ticket_counts_if_asked_for():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE, **DONE)
    result = keep(service, task(include_done=True))
    assert (result.changed, result.warnings, result.values["object_id"]) == (False, [], "CTC-0054")


def test_a_done_ticket_that_only_the_list_shows_is_named_once():
    service = MemoryTicketing(search_lag=NEVER)
    service.add(SUMMARY, MINE, **DONE)
    service.add(SUMMARY, MINE, **DONE)
    service.hide_as_new("CTC-0055")
    (warning,) = keep(service, task(), check_mode=True).warnings
    assert_message(warning, "done", "include_done")
    assert [warning.count(name) for name in ("CTC-0054", "CTC-0055")] == [1, 1]


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_a_ticket_that_was_opened_again_is_found_although_its_row_still_says_done(rows):
    service = with_ticket(rows=rows)
    row = service._row
    service._row = lambda record, text=None: {**row(record, text), **DONE}
    assert four_runs(service, task()) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert list(service.tickets) == ["CTC-0054"]


@pytest.mark.parametrize("rows", ["fat", "thin", "ids"])
def test_a_new_ticket_that_is_listed_but_not_there_yet_is_not_created_again(rows):
    service = MemoryTicketing(rows=rows, search_lag=60, create_lag=1)
    keep(service, task(), verify_timeout=0)
    assert failure(service, task(), verify_timeout=0).category == "not_found"
    assert not keep(service, task(), verify_timeout=0).changed
    assert list(service.tickets) == ["CTC-0054"]


@pytest.mark.parametrize("unique_by", [["summary"], ["Incident Reference"]], ids=repr)
@pytest.mark.parametrize("rows", ["marked", "cut", "ids"])
def test_a_ticket_whose_row_shows_its_summary_otherwise_or_not_is_found(rows, unique_by):
    service = MemoryTicketing(rows=rows)
    service.add(f"{SUMMARY}: another", {REFERENCE: "SEN-7c2a1e8f-2"})
    assert four_runs(service, task(unique_by=unique_by)) == [(True, 0), (True, 1), (False, 1), (False, 1)]


@pytest.mark.parametrize("rows", ["fat", "thin", "marked", "cut", "ids"])
@pytest.mark.parametrize("verify_timeout", [0, 30])
def test_a_ticket_that_the_search_never_shows_is_found_among_the_newest(verify_timeout, rows):
    service = MemoryTicketing(rows=rows, search_lag=NEVER)
    service.add("Another", {REFERENCE: "SEN-8"})
    assert keep(service, task(), verify_timeout=verify_timeout).values["object_id"] == "CTC-0055"
    again = keep(service, task(), verify_timeout=verify_timeout)
    assert (again.changed, again.values["object_id"], len(service.tickets)) == (False, "CTC-0055", 2)


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("rows", ["fat", "ids"])
def test_two_among_the_newest_are_named_and_nothing_is_written(rows, check_mode):
    service = MemoryTicketing(rows=rows, search_lag=NEVER)
    for _number in range(2):
        service.hide_as_new(service.add(SUMMARY, MINE)["object_id"])
    error = failure(service, task(), check_mode=check_mode)
    assert (error.category, service.writes) == ("ambiguous_match", 0)
    assert_message(error.message, 2, "CTC-0054", "CTC-0055")


def test_nothing_is_created_while_the_newest_cannot_be_read():
    service = MemoryTicketing(faults={"tickets_page": [None, Fault(answered(503))]})
    assert (failure(service, task()).category, service.writes) == ("unavailable", 0)


@pytest.mark.parametrize("fields", [None, {"Urgency": "low"}], ids=repr)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_named_ticket_that_was_deleted_is_not_there(check_mode, fields):
    service = with_ticket()
    service.tickets["CTC-0054"]["deleted_seq"] = 3
    error = failure(service, named("CTC-0054", fields=fields), check_mode=check_mode)
    assert (error.category, service.writes) == ("not_found", 0)
    assert_message(error.message, "CTC-0054", "deleted", "written")


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "down",
    [answered(503), answered(500, html=True), broken(is_write=False), answered(422, "INVALID_FILTER"), answered(403)],
    ids=["503", "500 with HTML", "connection", "422", "403"],
)
@pytest.mark.parametrize("operation", ["tickets_page", "offers", "ticket_types"])
def test_nothing_is_created_while_a_read_fails(operation, down, check_mode):
    service = MemoryTicketing(faults={operation: [Fault(down)]})
    error = failure(service, task(), check_mode=check_mode)
    assert (error.category, error.http_status) == (down.category, down.http_status)
    assert_message(error.message, repr(SUMMARY), "team soc", "read", "written", down.cause)
    assert (service.writes, error.may_have_changed) == (0, False)


def test_nothing_is_created_while_a_later_page_of_the_search_fails():
    service = MemoryTicketing(page_size=1, faults={"tickets_page": [None, Fault(answered(503))]})
    service.add(SUMMARY, {REFERENCE: "SEN-7c2a1e8f-2"})
    service.add(SUMMARY, {REFERENCE: "SEN-7c2a1e8f-3"})
    assert failure(service, task()).category == "unavailable"
    assert service.writes == 0


def test_a_wrong_tenant_is_not_taken_for_an_absent_ticket():
    service = MemoryTicketing(faults={"tickets_page": [Fault(answered(404, text="Tenant not found"))]})
    error = failure(service, task())
    assert (error.category, service.writes) == ("configuration", 0)


@pytest.mark.parametrize("options", [named("CTC-9999"), named("CTC-9999", fields={"Urgency": "low"})], ids=repr)
def test_a_named_ticket_that_is_not_there_is_never_created(options):
    service = with_ticket()
    error = failure(service, options)
    assert error.category == "not_found"
    assert_message(error.message, "CTC-9999", "read", "not found", 404, "written")
    assert service.calls == ["ticket"]


@pytest.mark.parametrize("etag", [None, "", ...], ids=repr)
@pytest.mark.parametrize("options", [task(), named("CTC-0054", fields={"Urgency": "high"})], ids=["found", "named"])
def test_ticket_without_etag_is_updated_by_no_run(options, etag):
    service = with_ticket()
    service.tickets["CTC-0054"]["etag"] = etag
    if etag is ...:
        del service.tickets["CTC-0054"]["etag"]
    error = failure(service, options)
    assert (error.category, service.writes) == ("contract", 0)
    assert_message(error.message, "CTC-0054", "etag", "updated", "written")


def test_ticket_without_etag_that_is_as_wanted_is_ok():
    service = with_ticket()
    del service.tickets["CTC-0054"]["etag"]
    result = keep(service, task(fields={"Urgency": "low"}))
    assert (result.changed, result.values["etag"], service.writes) == (False, None, 0)


@pytest.mark.parametrize("data", [None, [], "x"], ids=repr)
def test_named_ticket_that_does_not_show_its_fields_is_a_failure(data):
    service = with_ticket()
    service.tickets["CTC-0054"]["data"] = data
    error = failure(service, named("CTC-0054", fields={"Urgency": "high"}))
    assert (error.category, service.writes) == ("contract", 0)
    assert_message(error.message, "CTC-0054", "fields", "written")


def test_conflict_with_a_ticket_that_lost_its_etag_is_told_as_it_was():
    service = with_ticket(faults={"update_ticket": [Fault(answered(409, is_write=True))]})
    service.editor = lambda number, operation: operation == "update_ticket" and service.tickets["CTC-0054"].pop("etag")
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == ("conflict", 409)


@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_odd_tickets_of_others_keep_no_ticket_from_being_opened(rows):
    """Another team's among the newest: one without etag, one without fields, and one that answers 500."""
    service = MemoryTicketing(rows=rows)
    service.add("Phishing wave", {}, team="james")["etag"] = None
    service.add("Phishing wave", {}, team="james")["data"] = None
    service.add("Phishing wave", {}, team="james")
    readable = service.ticket
    service.ticket = lambda name: answered_500() if name == "CTC-0056" else readable(name)

    def answered_500() -> Any:
        raise answered(500)

    result = keep(service, task())
    assert (result.values["created"], result.values["object_id"], result.warnings) == (True, "CTC-0057", [])
    assert keep(service, task()).changed is False


def test_a_ticket_that_was_moved_is_neither_created_again_nor_changed():
    service = MemoryTicketing()
    service.add(SUMMARY, {**MINE, URGENCY: "low"}, team="network", moved_to="Network team")
    error = failure(service, task())
    assert error.category == "ambiguous_match"
    assert_message(error.message, "CTC-0054", "moved", "team network", "object_id", "written")
    assert service.writes == 0


def test_a_ticket_that_hides_its_place_is_not_guessed():
    service = with_ticket(shows_place=False)
    error = failure(service, task())
    assert (error.category, service.writes) == ("contract", 0)
    assert_message(error.message, "CTC-0054", "team_id", "item_type_id", "object_id")


def test_white_space_around_a_summary_makes_no_other_one():
    service = with_ticket()
    service.tickets["CTC-0054"]["summary"] = f" {SUMMARY} "
    assert keep(service, task(fields={"Urgency": "low"})).warnings == []


def test_another_summary_is_kept_and_told():
    service = with_ticket()
    service.tickets["CTC-0054"]["summary"] = "Handled by night shift"
    result = keep(service, task(fields={"Urgency": "low"}))
    assert (result.changed, service.writes) == (False, 0)
    assert_messages(result.warnings, ["CTC-0054", "summary", "'Handled by night shift'", "new ticket"])


# --- what is refused before anything is sent ------------------------------------------------------------------------


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "fields, facts",
    [
        ({"Due Date": ""}, ["'Due Date'", "ISO 8601", "2026-11-21T06:00:00Z", "''"]),
        ({"Urgency": "urgent"}, ["'Urgency'", "'High', 'Medium', 'Low'", "'urgent'"]),
        ({"Urgancy": "high"}, ["'Urgancy'", "Security Incident", "'Urgency'"]),
        ({"Impact": "high"}, ["'Impact'", 2, f"impact_business ({IMPACT_BUSINESS})", "impact_technical"]),
    ],
    ids=repr,
)
def test_wrong_fields_are_refused_after_no_more_than_reads_of_the_catalog(fields, facts, check_mode):
    service = with_ticket()
    error = failure(service, task(fields=fields), check_mode=check_mode)
    assert error.category == "configuration"
    assert_message(error.message, *facts, "fields", "written")
    assert set(service.calls) == {"ticket_types", "offers"}


@pytest.mark.parametrize(
    "options",
    [task(verify_timeout=-1), task(summary="a\nb"), task(object_id="CTC-1"), task(team_id=None)],
    ids=["verify_timeout", "summary", "object_id", "team_id"],
)
def test_wrong_options_are_refused_without_a_request(options):
    service = MemoryTicketing()
    assert failure(service, options).category == "configuration"
    assert service.calls == []


def test_an_empty_date_of_a_named_ticket_is_refused_before_it_is_sent():
    service = with_ticket()
    assert failure(service, named("CTC-0054", fields={"Due Date": ""})).category == "configuration"
    assert service.writes == 0


# --- a create that fails --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("search_lag", [0, 6])
@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize("error", BREAKS)
def test_a_create_that_breaks_off_after_it_took_effect_is_found(error, verify_timeout, search_lag, rows):
    service = MemoryTicketing(rows=rows, search_lag=search_lag, faults={"create_ticket": [Fault(error, True)]})
    result = keep(service, task(), verify_timeout=verify_timeout)
    assert (result.changed, result.values["object_id"], result.values["created"]) == (True, "CTC-0054", True)
    assert result.warnings == []
    assert service.count("create_ticket") == 1
    assert not keep(service, task()).changed
    assert (service.count("create_ticket"), len(service.tickets)) == (1, 1)


@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize("error", BREAKS)
def test_a_create_that_breaks_off_before_it_took_effect_is_not_sent_again_by_this_run(error, verify_timeout):
    service = MemoryTicketing(faults={"create_ticket": [Fault(error)]})
    raised = failure(service, task(), verify_timeout=verify_timeout)
    assert (raised.category, raised.may_have_changed, raised.retryable) == ("ambiguous_write", True, False)
    facts = [repr(SUMMARY), "team soc", "30 s", str(error).partition(".")[0], "portal", "a further run", "second"]
    assert_message(raised.message, *facts)
    assert (service.count("create_ticket"), len(service.tickets)) == (1, 0)
    assert service.clock.time == 30
    assert keep(service, task()).changed
    assert (service.count("create_ticket"), len(service.tickets)) == (2, 1)


#: How many requests of an operation a run makes before it creates a ticket.
BEFORE_CREATE = [("tickets_page", 2), ("ticket", 0)]

#: Answers to a read that say nothing of what is there.
ODD_READS = [
    pytest.param(answered(500), id="500"),
    pytest.param(answered(503, html=True), id="503 with HTML"),
    pytest.param(
        from_invalid_body(REZOLVE, 200, "an empty body", False, "r2").to_api_error("GET", "/ticket", 1),
        id="empty 200",
    ),
    pytest.param(
        from_invalid_body(REZOLVE, 200, "an HTML page", False, "r2").to_api_error("GET", "/ticket", 1), id="HTML 200"
    ),
    pytest.param(answered(429), id="429"),
    pytest.param(broken(is_write=False), id="connection"),
]


@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize("operation, before", BEFORE_CREATE)
@pytest.mark.parametrize("look", ODD_READS)
@pytest.mark.parametrize("error", BREAKS)
def test_a_create_that_breaks_off_and_one_look_that_fails_end_well(error, look, operation, before, verify_timeout):
    service = MemoryTicketing(faults={"create_ticket": [Fault(error, True)]})
    service.faults[operation] = [*[None] * before, Fault(look)]
    result = keep(service, task(), verify_timeout=verify_timeout)
    assert (result.values["object_id"], result.failure, result.warnings) == ("CTC-0054", None, [])
    assert not keep(service, task()).changed
    assert (service.count("create_ticket"), len(service.tickets)) == (1, 1)


@pytest.mark.parametrize("operation, before", BEFORE_CREATE)
@pytest.mark.parametrize(
    "look, seconds", [(answered(503), 30), (answered(403), 0), (answered(401), 0)], ids=["503", "403", "401"]
)
@pytest.mark.parametrize("error", BREAKS)
def test_a_create_that_breaks_off_while_nothing_can_be_read_is_found_by_the_next_run(
    error, look, seconds, operation, before
):
    service = MemoryTicketing(faults={"create_ticket": [Fault(error, True)]})
    service.faults[operation] = [*[None] * before, *[Fault(look)] * 50]
    raised = failure(service, task())
    assert (raised.category, raised.may_have_changed, raised.retryable) == ("ambiguous_write", True, False)
    assert_message(raised.message, repr(SUMMARY), "team soc", str(error).partition(".")[0], "a further run")
    assert raised.message.count("portal") == 1
    assert service.clock.time == seconds
    service.faults = {}
    assert not keep(service, task()).changed
    assert (service.count("create_ticket"), len(service.tickets)) == (1, 1)


def test_a_create_that_breaks_off_and_is_found_twice_names_both():
    service = MemoryTicketing(faults={"create_ticket": [Fault(broken(), True)]})
    service.editor = once("create_ticket", lambda: service.add(SUMMARY, MINE))
    raised = failure(service, task())
    assert raised.category == "ambiguous_write"
    assert_message(raised.message, 2, "CTC-0054", "CTC-0055")
    assert not raised.retryable
    assert service.count("create_ticket") == 1


def test_a_create_that_breaks_off_while_somebody_else_creates_the_ticket_takes_theirs():
    service = MemoryTicketing(faults={"create_ticket": [Fault(broken())]})
    service.editor = once("create_ticket", lambda: service.add(SUMMARY, MINE))
    result = keep(service, task())
    assert (result.values["object_id"], len(service.tickets)) == ("CTC-0054", 1)


@pytest.mark.parametrize("rows", ["fat", "ids"])
def test_a_create_that_breaks_off_and_that_the_search_never_shows_is_found_among_the_newest(rows):
    service = MemoryTicketing(rows=rows, search_lag=NEVER, faults={"create_ticket": [Fault(broken(), True)]})
    assert keep(service, task()).values["object_id"] == "CTC-0054"
    assert (service.count("create_ticket"), service.clock.time) == (1, 30)


def test_a_create_that_breaks_off_and_is_never_shown_says_what_a_further_run_would_do():
    faults: dict[str, list[Fault | None]] = {"create_ticket": [Fault(broken(), True)]}
    service = MemoryTicketing(search_lag=NEVER, list_lag=NEVER, faults=faults)
    raised = failure(service, task())
    assert (raised.category, raised.retryable) == ("ambiguous_write", False)
    assert_message(raised.message, repr(SUMMARY), "team soc", "portal", "a further run", "second")
    assert service.count("create_ticket") == 1


@pytest.mark.parametrize(
    "error",
    [
        invalid({REFERENCE: ["is taken"]}),
        answered(401, "USER_PERMISSION_FAILURE", is_write=True),
        answered(403, is_write=True),
        answered(404, html=True, is_write=True),
        answered(429, is_write=True),
    ],
    ids=["400", "401", "403", "404", "429"],
)
def test_a_create_that_is_refused_is_not_looked_for(error):
    service = MemoryTicketing(faults={"create_ticket": [Fault(error)]})
    raised = failure(service, task())
    assert (raised.category, raised.http_status, raised.may_have_changed) == (error.category, error.http_status, False)
    assert_message(raised.message, repr(SUMMARY), "team soc", "not created", error.http_status)
    assert service.calls[-1] == "create_ticket"
    assert service.count("create_ticket") == 1
    assert raised.fields == error.fields


def test_what_the_service_says_of_fields_has_their_labels():
    service = MemoryTicketing(faults={"create_ticket": [Fault(invalid({DUE: ["Due Date is in the past"]}))]})
    raised = failure(service, task())
    assert f"Due Date ({DUE}): Due Date is in the past" in raised.message
    assert raised.fields == {DUE: ["Due Date is in the past"]}
    service = with_ticket(faults={"update_ticket": [Fault(invalid({URGENCY: ["not now"]}))]})
    assert f"Urgency ({URGENCY}): not now" in failure(service, task()).message


def test_a_break_whose_message_gets_labels_is_still_one():
    error = ApiError(f"It broke at {DUE}.", "unavailable", ambiguous=True)
    service = MemoryTicketing(faults={"create_ticket": [Fault(error, True)]})
    assert keep(service, task()).values["object_id"] == "CTC-0054"


def updated_after_a_broken_create(gone_for: int) -> tuple[MemoryTicketing, OperationResult, ApiError]:
    """The create breaks off and is found, but a field was not kept; its update breaks off, and then the ticket is gone.

    :param gone_for: how many reads after the update do not find it.
    """
    service = MemoryTicketing(keeps={HOSTS: lambda value: None})
    service.faults = {
        "create_ticket": [Fault(broken(), takes_effect=True)],
        "update_ticket": [Fault(broken())],
        "ticket": [None, *[Fault(answered(404, html=True))] * gone_for],
    }
    result = keep(service, task(fields={"Affected Hosts": 2}))
    assert service.count("create_ticket") == 1
    assert (result.values["object_id"], result.values["created"]) == ("CTC-0054", True)
    assert result.failure is not None
    assert result.failure.may_have_changed
    return service, result, result.failure


def test_no_second_create_although_a_new_ticket_is_gone_for_a_moment():
    service, _result, raised = updated_after_a_broken_create(1)
    assert (raised.category, service.count("update_ticket")) == ("not_converged", 2)
    assert_message(raised.message, "CTC-0054", "Affected Hosts", None)


def test_no_second_create_although_a_new_ticket_is_gone_for_good():
    service, result, raised = updated_after_a_broken_create(1000)
    assert (raised.category, raised.retryable, service.count("update_ticket")) == ("ambiguous_write", False, 1)
    assert_message(raised.message, "CTC-0054", SUMMARY, "30 s", str(broken()).partition(".")[0], "portal")
    assert len(result.warnings) == 1


# --- identities in another spelling ---------------------------------------------------------------------------------

BY_FIELD = {"fields": {"Incident Reference": "Re\u0301f-1"}, "unique_by": ["Incident Reference"]}


def test_other_spelling_is_ambiguous_and_creates_nothing():
    service = MemoryTicketing()
    service.add("Any", {**MINE, REFERENCE: "R\u00e9f-1"})
    for check_mode in (True, False):
        raised = failure(service, task(**BY_FIELD), check_mode=check_mode)
        assert (raised.category, service.writes) == ("ambiguous_match", 0)
        facts = ["'Incident Reference'", "spelling", "'R\u00e9f-1'", "'Re\u0301f-1'", "object_id", "written"]
        assert_message(raised.message, repr(SUMMARY), "team soc", "CTC-0054", *facts)


def test_exact_match_goes_before_other_spellings():
    service = MemoryTicketing()
    for reference in ("R\u00e9f-1", "Re\u0301f-1", "R\u00e9f-1 "):
        service.add("Any", {**MINE, REFERENCE: reference})
    assert keep(service, task(**BY_FIELD)).values["object_id"] == "CTC-0055"


def test_exact_match_among_the_newest_goes_before_other_spellings():
    service = MemoryTicketing(search_lag=60)
    service.add("Any", {**MINE, REFERENCE: "re\u0301f-1"})
    service.add(SUMMARY, {**MINE, REFERENCE: "Re\u0301f-1"})
    service.hide_as_new("CTC-0055")
    assert keep(service, task(**BY_FIELD)).values["object_id"] == "CTC-0055"


@pytest.mark.parametrize("verify_timeout", [0, 30])
def test_new_ticket_with_another_spelling_is_reported_at_once(verify_timeout):
    service = MemoryTicketing(keeps={REFERENCE: lambda text: unicodedata.normalize("NFC", text)})
    result = keep(service, task(**BY_FIELD), verify_timeout=verify_timeout)
    assert result.failure is not None
    assert (result.failure.category, result.failure.retryable, result.failure.may_have_changed) == (
        "not_converged",
        False,
        True,
    )
    facts = ["CTC-0054", "created", "'Incident Reference'", "'R\u00e9f-1'", "'Re\u0301f-1'", "object_id"]
    assert_message(result.failure.message, *facts, "a further run")
    assert (result.changed, result.values["object_id"], result.values["created"]) == (True, "CTC-0054", True)
    assert (service.clock.time, service.count("create_ticket"), result.warnings) == (0, 1, [])
    assert failure(service, task(**BY_FIELD)).category == "ambiguous_match"
    assert service.count("create_ticket") == 1


def test_spelling_that_only_a_read_shows_is_reported_at_once():
    service = MemoryTicketing()
    right = service.ticket
    service.ticket = lambda object_id: {**right(object_id), "summary": SUMMARY.upper()}
    result = keep(service, task(unique_by=["summary"]))
    assert result.failure is not None
    assert (result.failure.category, service.clock.time, service.count("create_ticket")) == ("not_converged", 0, 1)
    assert failure(service, task(unique_by=["summary"])).category == "ambiguous_match"


@pytest.mark.parametrize("error", BREAKS)
def test_broken_create_with_another_spelling_creates_no_second_ticket(error):
    service = MemoryTicketing(
        keeps={REFERENCE: lambda text: unicodedata.normalize("NFC", text)},
        faults={"create_ticket": [Fault(error, takes_effect=True)]},
    )
    assert_message(failure(service, task(**BY_FIELD)).message, "CTC-0054", "'Incident Reference'", "spelling")
    assert len(service.tickets) == 1


# --- a search that lags ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", [{}, {"create_ticket": [Fault(broken(), takes_effect=True)]}], ids=["", "broken"])
def test_other_tickets_are_not_read_again_while_the_new_one_is_looked_for(faults):
    service = MemoryTicketing(rows="thin", search_lag=20, list_lag=20, faults=faults)
    for number in range(90):
        service.add(f"SEN-7c2a1e8f is like SEN-{number}", {REFERENCE: f"SEN-{number}"})
    result = keep(service, task())
    assert (result.values["object_id"], result.warnings) == ("CTC-0144", [])
    assert service.count("ticket") < 100


def test_done_ticket_is_named_although_the_create_broke_off():
    service = MemoryTicketing(faults={"create_ticket": [Fault(broken(), takes_effect=True)]})
    service.add(SUMMARY, {REFERENCE: "SEN-7c2a1e8f", STATUS: "Resolved"})
    result = keep(service, task())
    assert result.values["object_id"] == "CTC-0055"
    assert_message(result.warnings[0], "CTC-0054", "done", "include_done")


@pytest.mark.parametrize("search_lag", [0.1, 3, 29, 30])
def test_a_run_waits_until_the_search_shows_the_new_ticket(search_lag):
    service = MemoryTicketing(search_lag=search_lag)
    result = keep(service, task())
    assert (result.changed, result.warnings) == (True, [])
    assert service.clock.time >= search_lag
    again = keep(service, task())
    assert (again.changed, len(service.tickets)) == (False, 1)


@pytest.mark.parametrize("search_lag", [31, NEVER])
def test_a_ticket_that_the_search_does_not_show_in_time_is_named(search_lag):
    service = MemoryTicketing(search_lag=search_lag)
    result = keep(service, task())
    (warning,) = result.warnings
    assert_message(warning, "CTC-0054", SUMMARY, "created", "search", "30 s", "object_id")
    assert (result.values["object_id"], service.clock.time) == ("CTC-0054", 30)
    assert not keep(service, named("CTC-0054", fields={"Urgency": "High"})).changed
    # As long as it is among the newest, it is found all the same.
    assert (keep(service, task()).changed, len(service.tickets)) == (False, 1)


def test_one_search_that_fails_after_the_create_is_nothing_to_warn_of():
    service = MemoryTicketing(faults={"tickets_page": [None, None, Fault(answered(503))]})
    assert (keep(service, task()).warnings, service.clock.slept) == ([], [0.5])


@pytest.mark.parametrize("error, seconds", [(answered(503), 30), (answered(403), 0)], ids=["503", "403"])
def test_a_search_that_fails_after_the_create_is_a_warning(error, seconds):
    service = MemoryTicketing(faults={"tickets_page": [None, None, *[Fault(error)] * 50]})
    (warning,) = keep(service, task()).warnings
    assert service.clock.time == seconds
    assert_message(warning, "CTC-0054", SUMMARY, "created", "a further run", "list", error.http_status)


def test_a_ticket_that_somebody_else_created_at_the_same_moment_is_named():
    service = MemoryTicketing()
    service.editor = once("create_ticket", lambda: service.add(SUMMARY, MINE))
    (warning,) = keep(service, task()).warnings
    assert_message(warning, "CTC-0055", SUMMARY, "created", "CTC-0054", "somebody else", "Close one")


def test_a_ticket_that_the_service_makes_as_a_closed_one_is_found():
    """Its status was not asked for, so only a search for closed ones finds it."""
    service = MemoryTicketing()
    store = service._store
    service._store = lambda record, data: store(record, {**data, STATUS: "Resolved"})
    result = keep(service, task())
    assert (result.warnings, service.clock.slept) == ([], [])


def test_a_closed_ticket_is_not_told_as_one_that_was_opened_at_the_same_moment():
    service = MemoryTicketing()
    service.add(SUMMARY, MINE, status_type="Closed", status_category="Done Category")
    result = keep(service, task(fields={"Status": "Resolved"}))
    assert result.values["object_id"] == "CTC-0055"
    (warning,) = result.warnings
    assert_message(warning, repr(SUMMARY), "CTC-0054", "done", "include_done")
    assert not has_fact(warning, "somebody else")


@pytest.mark.parametrize("create_lag", [1, 3])
def test_a_new_ticket_that_is_not_there_yet_is_waited_for(create_lag):
    service = MemoryTicketing(create_lag=create_lag)
    result = keep(service, task())
    assert (result.values["object_id"], service.count("create_ticket")) == ("CTC-0054", 1)
    assert service.clock.slept


def test_a_new_ticket_that_never_is_there_is_no_success():
    service = MemoryTicketing(create_lag=1000)
    result = keep(service, task())
    raised = created_but(result, service)
    assert (raised.category, raised.retryable) == ("not_converged", False)
    assert_message(raised.message, "CTC-0054", SUMMARY, "30 s", "no such ticket")
    assert_messages(result.warnings, ["CTC-0054", SUMMARY, "created", "a further run", "list"])
    assert service.count("create_ticket") == 1


def created_but(result: OperationResult, service: MemoryTicketing) -> ApiError:
    """The failure after a create that was answered; what a playbook needs of the ticket is there all the same."""
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


#: How often a run looks within its verify_timeout of 30 s.
LOOKS = 10


@pytest.mark.parametrize("more, retryable, warned", [(0, True, 0), (LOOKS, False, 1)], ids=["it finds", "it fails"])
def test_a_new_ticket_that_cannot_be_read_is_only_to_be_tried_again_if_the_search_finds_it(more, retryable, warned):
    service = MemoryTicketing(faults={"ticket": [Fault(answered(503))] * (LOOKS + more)})
    result = keep(service, task())
    raised = created_but(result, service)
    assert (raised.category, raised.retryable, len(result.warnings)) == ("unavailable", retryable, warned)
    assert_message(raised.message, "CTC-0054", SUMMARY, "written", "read back", 503)
    assert service.faults["ticket"] == []
    assert not keep(service, task()).changed
    assert len(service.tickets) == 1


@pytest.mark.parametrize("search_lag, retryable", [(59, True), (NEVER, False)])
def test_a_new_ticket_that_the_search_does_not_find_either_is_not_to_be_tried_again(search_lag, retryable):
    service = MemoryTicketing(search_lag=search_lag, faults={"ticket": [Fault(answered(503))] * LOOKS})
    result = keep(service, task())
    assert created_but(result, service).retryable is retryable
    assert_messages(result.warnings, *([] if retryable else [["CTC-0054", SUMMARY, "object_id"]]))
    # Whoever reads the message alone must not be sent into a second ticket by what it says of any unavailable service.
    message = created_but(result, service).message
    assert has_fact(message, "do not run it again") is not retryable
    assert all(warning in message for warning in result.warnings)


@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize("look", [*ODD_READS, pytest.param(answered(400), id="400")])
def test_one_read_that_fails_after_the_create_makes_no_second_ticket(look, verify_timeout):
    """The search shows the ticket only at the sixth look, and the list without a search never does."""
    service = MemoryTicketing(searches_before=5, list_lag=NEVER, faults={"ticket": [Fault(look)]})
    result = keep(service, task(), verify_timeout=verify_timeout)
    assert (result.values["object_id"], result.values["created"]) == ("CTC-0054", True)
    if verify_timeout and look.category == "validation":
        assert not created_but(result, service).retryable
    else:
        assert result.failure is None
    assert result.warnings == []
    if not verify_timeout:
        # Nothing waited for the search here.
        service.searches *= 6
        service.faults = {}
    again = keep(service, task())
    assert (again.changed, again.values["object_id"], len(service.tickets)) == (False, "CTC-0054", 1)


# --- an update that fails -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify_timeout", [0, 30])
@pytest.mark.parametrize("get_lag", [0, 2])
@pytest.mark.parametrize("error", BREAKS)
def test_an_update_that_breaks_off_after_it_took_effect_is_seen(error, get_lag, verify_timeout):
    service = with_ticket(get_lag=get_lag, faults={"update_ticket": [Fault(error, True)]})
    result = keep(service, task(), verify_timeout=verify_timeout)
    assert (result.changed, service.count("update_ticket")) == (True, 1)
    assert service.value("CTC-0054", URGENCY) == "high"


@pytest.mark.parametrize("error", BREAKS)
def test_an_update_that_breaks_off_before_it_took_effect_is_sent_once_more(error):
    service = with_ticket(faults={"update_ticket": [Fault(error)]})
    assert keep(service, task()).changed
    assert service.count("update_ticket") == 2
    assert service.value("CTC-0054", URGENCY) == "high"


def test_an_update_that_breaks_off_twice_is_given_up():
    service = with_ticket(faults={"update_ticket": [Fault(broken()), Fault(broken())]})
    raised = failure(service, task())
    assert (raised.category, raised.may_have_changed) == ("unavailable", True)
    assert_message(raised.message, "CTC-0054", SUMMARY, "broke off", "twice")
    assert service.count("update_ticket") == 2


@pytest.mark.parametrize(
    "error",
    [
        answered(401, "USER_PERMISSION_FAILURE", is_write=True),
        answered(403, is_write=True),
        answered(404, html=True, is_write=True),
        answered(429, is_write=True),
        invalid({URGENCY: ["is not allowed"]}),
    ],
    ids=["401", "403", "404", "429", "validation"],
)
def test_an_update_that_is_refused_for_another_reason_is_not_tried_again(error):
    service = with_ticket(faults={"update_ticket": [Fault(error)]})
    raised = failure(service, named("CTC-0054", fields={"Urgency": "high"}))
    assert (raised.category, raised.http_status) == (error.category, error.http_status)
    assert_message(raised.message, "CTC-0054", "not changed", error.http_status)
    assert service.calls == ["ticket", "ticket_types", "update_ticket"]


@pytest.mark.parametrize("status", [400, 409, 412, 422])
def test_a_refusal_of_a_ticket_that_nobody_changed_is_not_taken_for_a_stale_etag(status):
    error = answered(status, "WHATEVER", is_write=True)
    service = with_ticket(faults={"update_ticket": [Fault(error)] * 9})
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == (error.category, status)
    assert service.calls[-2:] == ["update_ticket", "ticket"]
    assert service.count("update_ticket") == 1


def test_a_refusal_after_which_the_ticket_cannot_be_read_is_told_as_it_was():
    service = with_ticket(faults={"update_ticket": [Fault(answered(409, is_write=True))]})
    service.faults["ticket"] = [None, Fault(answered(503))]
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == ("conflict", 409)
    assert service.count("update_ticket") == 1


def test_an_update_that_the_service_accepts_and_ignores_is_no_success():
    service = with_ticket(ignores_updates=True)
    raised = failure(service, task())
    assert (raised.category, raised.may_have_changed) == ("not_converged", True)
    assert_message(raised.message, "CTC-0054", SUMMARY, "30 s", "Urgency", "'low'")
    assert (service.count("update_ticket"), service.clock.time) == (1, 30)


@pytest.mark.parametrize("get_lag", [1, 3])
def test_an_update_that_shows_late_is_waited_for(get_lag):
    service = with_ticket(get_lag=get_lag)
    result = keep(service, task())
    assert (result.changed, service.count("update_ticket"), result.values["etag"]) == (True, 1, "etag-2")
    assert len(service.clock.slept) == get_lag


def test_an_update_of_a_ticket_that_was_read_too_old_is_refused_and_overwrites_nothing():
    service = with_ticket()
    service.show_as_it_is("CTC-0054", reads=9)
    service.edit("CTC-0054", {URGENCY: "medium"})
    raised = failure(service, named("CTC-0054", fields={"Urgency": "high"}))
    assert (raised.category, raised.http_status) == ("conflict", 409)
    assert service.value("CTC-0054", URGENCY) == "medium"


# --- rich text that the service cleans ------------------------------------------------------------------------------


SCRIPTED = "<p>a</p><script>b</script>"


@pytest.mark.parametrize("there", [False, True])
def test_rich_text_that_the_service_cleans_is_told(there):
    service = with_ticket(cleans=without_tags) if there else MemoryTicketing(cleans=without_tags)
    options = task(fields={"Description": SCRIPTED})
    result = keep(service, options)
    assert result.changed
    assert_messages(result.warnings, ["'Description'", "CTC-0054", SUMMARY, "further run", "ignore_fields"])
    assert service.value("CTC-0054", DESCRIPTION) == "<p>a</p>"
    assert (len(service.tickets), service.clock.slept) == (1, [])
    for remedy in ({"fields": {"Description": "<p>a</p>"}}, {"ignore_fields": ["Description"]}):
        again = keep(service, {**options, **task(**remedy)})
        assert (again.changed, again.warnings) == (False, [])


#: A field, what it is given, and what the service makes of that.
REWORDED = [
    pytest.param(DESCRIPTION, SCRIPTED, without_tags, id="HTML"),
    pytest.param(ROOT_CAUSE, "phishing\n", str.strip, id="white space at the end"),
    pytest.param(RESPONDER, "analyst@northwind.example", lambda name: {"username": name}, id="user"),
    pytest.param(IMPACT_BUSINESS, "<b>high</b>", lambda value: "high", id="markup"),
    pytest.param(WHERE, {"lat": 1}, lambda value: {**value, "precision": 9}, id="a type that is not known"),
]


@pytest.mark.parametrize("name, value, kept", REWORDED)
def test_what_the_service_keeps_in_other_words_is_sent_again_by_a_further_run_and_told(name, value, kept):
    service = MemoryTicketing(keeps={name: kept})
    options = task(fields={name: value})
    first = keep(service, options)
    assert (first.changed, len(first.warnings)) == (True, 1)
    second = keep(service, options)
    assert (second.changed, second.warnings) == (True, first.warnings)
    title = next(field.title for field in KIND.fields if field.id == name)
    assert has_fact(second.warnings[0], title)
    assert_message(second.warnings[0], "CTC-0054", SUMMARY, "further run", "ignore_fields")
    assert service.clock.slept == []


@pytest.mark.parametrize("name, value, kept", REWORDED)
def test_without_an_etag_nobody_knows_whether_a_value_was_taken(name, value, kept):
    service = MemoryTicketing(keeps={name: kept}, tells_etag=False)
    keep(service, task(fields={name: value}))
    assert failure(service, task(fields={name: value})).category == "not_converged"


def test_an_option_that_still_shows_its_first_value_is_no_success():
    service = with_ticket(keeps={URGENCY: lambda value: "low"})
    assert failure(service, task()).category == "not_converged"


#: A field, the value that is asked for, its value before, and the value that the service stores instead.
STORED_OTHERWISE = [
    pytest.param(STATUS, "Resolved", "Open", "In Progress", id="select"),
    pytest.param(TACTICS, ["Execution", "Impact"], ["Persistence"], ["Impact"], id="multiselect"),
    pytest.param(HOSTS, 12, 1, 10, id="number"),
    pytest.param(CONTAINED, True, None, False, id="boolean"),
    pytest.param(DUE, "2026-11-21", "2026-01-01", "2026-11-20", id="date"),
    pytest.param(RESPONDER, "analyst", "dispatcher", "queue", id="unknown type"),
]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("name, value, before, stored", STORED_OTHERWISE)
def test_a_value_that_the_service_stores_differently_fails(name, value, before, stored, there):
    service = with_ticket() if there else MemoryTicketing()
    if there:
        service.edit("CTC-0054", {name: before})
    service.keeps = {name: lambda _value: stored}
    options = task(fields={name: value})
    result = keep(service, options) if not there else None
    raised = result.failure if result else failure(service, options)
    assert raised is not None
    assert (raised.category, raised.may_have_changed, service.clock.time) == ("not_converged", True, 30)
    title = next(field.title for field in KIND.fields if field.id == name)
    assert_message(raised.message, "CTC-0054", repr(title), repr(stored), repr(value))
    assert not blames_somebody(raised.message)
    assert (service.writes, service.count("update_ticket")) == (1, int(there))


def test_a_create_that_broke_off_and_is_stored_differently_fails():
    service = MemoryTicketing(keeps={URGENCY: lambda _value: "low"})
    service.faults = {"create_ticket": [Fault(broken(), takes_effect=True)]}
    result = keep(service, task())
    assert result.failure is not None
    assert (result.failure.category, result.failure.may_have_changed) == ("not_converged", True)
    assert_message(result.failure.message, "CTC-0054", "'Urgency'", "'low'", "'high'")
    assert service.writes == 1


def test_a_text_that_stays_although_it_was_to_be_emptied_fails():
    service = with_ticket()
    service.edit("CTC-0054", {ROOT_CAUSE: "phishing"})
    service.keeps = {ROOT_CAUSE: lambda _value: "phishing"}
    assert failure(service, task(fields={"Root Cause": None})).category == "not_converged"


def before_reading_back(service: MemoryTicketing, edit: Mapping[str, Any]) -> Callable[[int, str], None]:
    """An editor who changes the ticket between the update and the read after it."""

    def editor(number: int, called: str) -> None:
        if called == "ticket" and service.calls[-2] == "update_ticket":
            service.edit("CTC-0054", edit)

    return editor


def test_what_somebody_else_wrote_over_the_task_is_not_blamed_on_the_service():
    service = with_ticket()
    service.editor = before_reading_back(service, {ROOT_CAUSE: "theirs"})
    result = keep(service, task(fields={"Root Cause": "ours"}))
    assert result.changed
    assert_messages(result.warnings, ["'Root Cause'", "CTC-0054", SUMMARY, "further run"])
    assert blames_somebody(result.warnings[0])


def test_what_somebody_else_put_back_is_no_success():
    service = with_ticket()
    service.editor = before_reading_back(service, {ROOT_CAUSE: None})
    raised = failure(service, task(fields={"Root Cause": "ours"}))
    assert (raised.category, raised.may_have_changed) == ("not_converged", True)


def test_options_of_an_unknown_type_converge():
    priority = {"id": "p1", "label": "Priority", "type": "priority", "options": [{"value": "3", "label": "High"}, "1"]}
    changed_type = {**INCIDENT, "fields": [*INCIDENT["fields"], priority]}
    service = MemoryTicketing(types=[changed_type], keeps={"p1": sorted})
    assert four_runs(service, task(fields={"Priority": ["High", 1]})) == [(True, 0), (True, 1), (False, 1), (False, 1)]
    assert service.value("CTC-0054", "p1") == ["1", "3"]


def test_a_service_that_spells_numbers_and_dates_in_its_own_way_changes_nothing():
    keeps: dict[str, Callable[[Any], Any]] = {HOSTS: str, DETECTED: lambda _text: "2026-11-21T02:40:00.000Z"}
    service = MemoryTicketing(keeps=keeps)
    options = task(fields={"Affected Hosts": 2, "Detected At": "2026-11-21T03:40:00+01:00"})
    assert four_runs(service, options) == [(True, 0), (True, 1), (False, 1), (False, 1)]


def test_a_field_that_the_service_empties_is_no_success():
    service = with_ticket(keeps={HOSTS: lambda value: None})
    raised = failure(service, task(fields={"Affected Hosts": 2}))
    assert raised.category == "not_converged"
    assert_message(raised.message, "CTC-0054", SUMMARY, "Affected Hosts", None)


def test_a_field_that_the_service_empties_is_told_whatever_stood_there():
    service = with_ticket(keeps={ROOT_CAUSE: lambda value: None})
    service.tickets["CTC-0054"]["data"][ROOT_CAUSE] = "phishing"
    raised, options = None, task(fields={"Root Cause": "malware"})
    warnings: list[str] = []
    try:
        warnings = keep(service, options).warnings
    except ApiError as error:
        raised = error
    assert raised or warnings


# --- somebody else edits the ticket ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stale", [409, 412, 400])
@pytest.mark.parametrize("rows", ["fat", "thin"])
def test_both_changes_are_in_the_ticket(rows, stale):
    service = with_ticket(rows=rows, stale=stale)
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {ROOT_CAUSE: "phishing", DUE: None}))
    result = keep(service, task())
    assert (result.changed, result.warnings) == (True, [])
    assert service.value("CTC-0054", ROOT_CAUSE) == "phishing"
    assert service.value("CTC-0054", URGENCY) == "high"
    assert service.count("update_ticket") == 2
    assert service.bodies[-1] == {"etag": "etag-2", "ticketUpdate": {URGENCY: "high"}}
    assert result.values["ticket"]["data"][ROOT_CAUSE] == "phishing"
    assert not keep(service, task()).changed


@pytest.mark.parametrize("stale", [409, 412, 400])
@pytest.mark.parametrize("hosts", [None, 2])
def test_the_same_field_is_a_conflict_and_nothing_is_overwritten(stale, hosts):
    service = with_ticket(stale=stale)
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "medium"}))
    fields = {"Urgency": "high", **({"Affected Hosts": hosts} if hosts else {})}
    raised = failure(service, named("CTC-0054", fields=fields))
    assert (raised.category, raised.retryable, raised.may_have_changed) == ("conflict", True, False)
    assert_message(raised.message, "CTC-0054", "not changed", "'Urgency'", "'medium'", "Run the task again")
    assert blames_somebody(raised.message)
    assert (service.value("CTC-0054", URGENCY), service.value("CTC-0054", HOSTS)) == ("medium", None)
    # A further run read it first, and so may overwrite it.
    assert keep(service, task()).changed
    assert service.value("CTC-0054", URGENCY) == "high"


def test_somebody_else_who_makes_the_same_change_leaves_nothing_to_write():
    service = with_ticket()
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "high"}))
    result = keep(service, task())
    assert service.count("update_ticket") == 1
    assert [event.kind for event in service.events if event.kind != "get"] == ["edit"]
    assert result.values["after"]["fields"]["Urgency"] == "high"


def test_somebody_else_who_makes_one_of_two_changes_leaves_the_other_one():
    service = with_ticket()
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {URGENCY: "high"}))
    keep(service, task(fields={"Affected Hosts": 2}))
    assert service.bodies[-1]["ticketUpdate"] == {HOSTS: 2}


def endless(service: MemoryTicketing, most: int) -> Callable[[int, str], None]:
    """An editor who is quicker than the task, so many times."""
    edits = iter(range(most))

    def editor(number: int, called: str) -> None:
        if called == "update_ticket":
            for edit in edits:
                service.edit("CTC-0054", {ROOT_CAUSE: f"note {edit}"})
                break

    return editor


ETAG_REFUSAL = answered(409, "ETAG_MISMATCH", "The ticket was changed", is_write=True).message
NOT_ALLOWED = "transition not allowed"


@pytest.mark.parametrize("status", [400, 422, 409])
def test_refusal_is_quoted_although_each_read_changes_the_etag(status):
    refusal = answered(status, None, NOT_ALLOWED, is_write=True)
    service = with_ticket(faults={"update_ticket": [Fault(refusal)] * 9})
    service.editor = lambda number, called: called == "ticket" and service.edit("CTC-0054", {})
    raised = failure(service, task())
    assert (raised.category, raised.http_status) == (refusal.category, status)
    assert refusal.message in raised.message
    assert not blames_somebody(raised.message)
    assert service.count("update_ticket") == 2


def test_an_invisible_edit_before_an_update_is_overcome():
    service = with_ticket(stale=400)
    service.editor = once("update_ticket", lambda: service.edit("CTC-0054", {}))
    assert keep(service, task()).changed
    assert service.value("CTC-0054", URGENCY) == "high"


def test_a_task_that_somebody_else_is_quicker_than_gives_up():
    service = with_ticket()
    service.editor = endless(service, 1000)
    raised = failure(service, named("CTC-0054", fields={"Urgency": "high"}))
    assert MAX_CONFLICTS == 5
    assert (raised.category, raised.retryable, raised.may_have_changed) == ("conflict", True, False)
    assert (raised.http_status, raised.code) == (409, "ETAG_MISMATCH")
    assert_message(raised.message, "CTC-0054", "not changed", 5, "run the task again", ETAG_REFUSAL)
    assert blames_somebody(raised.message)
    assert service.count("update_ticket") == 5
    assert (service.value("CTC-0054", ROOT_CAUSE), service.value("CTC-0054", URGENCY)) == ("note 4", "low")


def test_a_task_is_through_if_somebody_else_is_quicker_one_time_less():
    service = with_ticket()
    service.editor = endless(service, 4)
    assert keep(service, task()).changed
    assert service.count("update_ticket") == 5
    assert (service.value("CTC-0054", ROOT_CAUSE), service.value("CTC-0054", URGENCY)) == ("note 3", "high")


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize("same_field", [False, True])
def test_an_update_that_breaks_off_while_somebody_else_edits(same_field, takes_effect):
    service = with_ticket(faults={"update_ticket": [Fault(broken(), takes_effect)]})
    edit = {URGENCY: "medium"} if same_field else {ROOT_CAUSE: "phishing"}
    calls: list[str] = []

    def editor(number: int, called: str) -> None:
        if called == "ticket" and calls[-1:] == ["update_ticket"]:
            service.edit("CTC-0054", edit)
        calls.append(called)

    service.editor = editor
    if same_field:
        raised = failure(service, task())
        assert (raised.category, raised.may_have_changed) == ("conflict", True)
        assert_message(raised.message, "CTC-0054", "'Urgency'", "'medium'", "broke off")
        assert service.value("CTC-0054", URGENCY) == "medium"
    else:
        assert keep(service, task()).changed
        assert (service.value("CTC-0054", URGENCY), service.value("CTC-0054", ROOT_CAUSE)) == ("high", "phishing")


#: A run that creates and one that updates make no more requests than these.
@pytest.mark.parametrize("place", range(1, 11))
@pytest.mark.parametrize("rows", ["fat", "thin"])
@pytest.mark.parametrize("same_field", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_an_edit_between_any_two_requests_is_not_lost(there, same_field, rows, place):
    service = with_ticket(rows=rows) if there else MemoryTicketing(rows=rows)
    edit = {IMPACT_BUSINESS if not same_field else URGENCY: "medium"}
    read_before_it: list[int] = []

    def editor(number: int, called: str) -> None:
        if number == place and "CTC-0054" in service.tickets:
            read_before_it.append(sum(event.kind == "get" for event in service.events))
            service.edit("CTC-0054", edit)

    service.editor = editor
    raised = ended(service, task())
    assert raised is None or (same_field and raised.category in ("conflict", "not_converged"))
    (name,) = edit
    edited = [place for place, event in enumerate(service.events) if event.kind == "edit"]
    if not same_field:
        assert not edited or service.value("CTC-0054", name) == "medium"
    for moment in edited:
        overwritten = any(event.kind == "update" and name in event.values for event in service.events[moment:])
        # Only an edit that this run has seen, and nothing older, may be overwritten.
        assert not overwritten or read_before_it == [0]
    service.editor = None
    keep(service, task())
    assert service.value("CTC-0054", URGENCY) == "high"
    assert len(service.tickets) == 1


# --- what check mode cannot verify ---------------------------------------------------------------------------------


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
def test_check_mode_names_a_team_that_it_cannot_verify(teams, team_id, unverified):
    service = MemoryTicketing(user={"teams": teams})
    predicted = keep(service, task(team_id=team_id), check_mode=True)
    assert (predicted.changed, service.writes) == (True, 0)
    assert_messages(predicted.values["unverified"], *unverified)
    result = keep(service, task(team_id=team_id))
    assert (result.values["unverified"], service.count("user_info")) == ([], 1)
    assert keep(service, task(team_id=team_id), check_mode=True).values["unverified"] == []


def test_check_mode_does_not_fail_if_the_account_is_not_shown():
    service = MemoryTicketing(faults={"user_info": [Fault(answered(404, html=True))]})
    assert_messages(keep(service, task(), check_mode=True).values["unverified"], *TEAMS_NOT_SHOWN)


# --- words ----------------------------------------------------------------------------------------------------------


def test_what_a_ticket_is_called():
    service = with_ticket()
    operation = EnsureTicket(service, parse_options(task()))
    assert operation.label == f"ticket {SUMMARY!r} (team soc)"
    operation.read()
    assert operation.label == f"ticket CTC-0054 ({SUMMARY})"
    assert EnsureTicket(service, parse_options(named("CTC-0054"))).label == "ticket CTC-0054"


def test_what_is_not_as_it_should_be():
    service = with_ticket()
    operation = EnsureTicket(service, parse_options(task(fields={"Affected Hosts": 2})))
    state = operation.read()
    assert operation.describe(state) == "Urgency 'low', Affected Hosts None"
    assert operation.describe(None) == "no such ticket"
    assert operation.can_observe(None)
    (write,) = operation.plan(state).writes
    assert operation.drop_delivered_parts(write) is write


def test_nothing_is_shown_of_a_ticket_that_is_not_there():
    assert display_values(None, ResolvedTicket(), False) == {}


def test_what_is_shown_of_a_ticket():
    wanted = resolved({URGENCY: "high", HOSTS: 1}, frozenset({HOSTS}))
    assert display_values(RECORD, wanted, False) == {
        "object_id": "CTC-0054",
        "summary": "a",
        "fields": {"Urgency": "low"},
    }
    assert display_values(RECORD, wanted, True)["fields"] == {"Urgency": "low", "Affected Hosts": 1}


def test_a_history_of_nothing():
    assert (NO_HISTORY.first, NO_HISTORY.accepted, NO_HISTORY.etag) == (None, frozenset(), None)


def test_a_result_that_did_not_change_says_the_ticket_as_it_was_read():
    service = with_ticket()
    result: OperationResult = keep(service, task(fields={"Urgency": "low"}))
    assert result.values["ticket"] == service.tickets["CTC-0054"]
    assert result.values["diff"]["before"] == result.values["diff"]["after"] == result.values["after"]
