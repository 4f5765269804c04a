# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create, update and close tickets of an instance in memory. The conformance rules cover what all systems share."""

from __future__ import annotations

from typing import Any, Mapping

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    DANA,
    FABRIKAM,
    NORTHWIND,
    REFERENCE,
    RESOLVED,
    SECURITY,
    TITLE,
    Fault,
    Instance,
    MemoryServiceNow,
    broken,
    keep,
    task,
)

#: An account that only reads the table.
NO_METADATA = {"sys_dictionary", "sys_choice"}


@pytest.fixture
def instance() -> Instance:
    return Instance()


def failure(instance: Instance, options: Mapping[str, Any], **run: Any) -> ApiError:
    try:
        error = keep(instance, options, **run).failure
    except ApiError as raised:
        error = raised
    assert error is not None, "The task did not fail."
    return error


def again(instance: Instance, options: Mapping[str, Any]) -> OperationResult:
    """Run a task again, which must not write."""
    writes = instance.writes
    result = keep(instance, options)
    assert (result.changed, instance.writes) == (False, writes)
    return result


# --- results --------------------------------------------------------------------------------------------------------


def test_new_ticket_has_stored_and_display_values(instance):
    result = keep(instance, task(work_notes="Opened."))
    (record,) = instance.records["incident"].values()
    assert instance.bodies == [
        {
            "urgency": "1",
            "assignment_group": SECURITY,
            "short_description": TITLE,
            "correlation_id": REFERENCE,
            "correlation_display": "ContraForce",
            "work_notes": "Opened.",
        }
    ]
    assert result.values["ticket"] == record
    assert {type(value) for value in result.values["ticket"].values()} == {str}
    assert result.values["display_values"]["assignment_group"] == "Security Operations"
    assert "urgency" in result.values["display_values"]
    assert "description" not in result.values["display_values"]
    assert "work_notes" not in result.values["display_values"]
    assert (result.values["number"], result.values["sys_id"]) == ("INC0000001", record["sys_id"])
    assert result.values["after"] == {
        "number": "INC0000001",
        "short_description": TITLE,
        "fields": {"urgency": "1 - High", "assignment_group": "Security Operations"},
    }
    assert (result.values["unverified"], result.warnings) == ([], [])
    again(instance, task(work_notes="Opened."))


def test_check_mode_shows_the_planned_ticket_as_people_read_it(instance):
    result = keep(instance, task(work_notes="Opened."), check_mode=True)
    assert (result.values["ticket"], result.values["number"], result.values["sys_id"]) == ({}, None, None)
    assert result.values["after"] == {
        "short_description": TITLE,
        "fields": {"urgency": "1 - High", "assignment_group": "Security Operations"},
        "work_notes": "Opened.",
    }
    assert instance.writes == 0


def test_only_differing_columns_are_sent(instance):
    record = instance.add(correlation_id=REFERENCE, urgency="1", short_description=TITLE)
    result = keep(instance, task())
    assert instance.bodies == [{"assignment_group": SECURITY}]
    assert result.values["before"]["fields"] == {"urgency": "1 - High", "assignment_group": ""}
    assert record["assignment_group"] == SECURITY


def test_kept_title_is_reported(instance):
    instance.add(correlation_id=REFERENCE, short_description="Another title", urgency="1", assignment_group=SECURITY)
    assert_messages(again(instance, task()).warnings, ["INC0000001", "short_description", "'Another title'"])


def test_title_of_a_named_ticket_is_a_column(instance):
    instance.add(short_description="Old")
    options = {"number": "INC0000001", "fields": {"short_description": "New"}}
    assert keep(instance, options).values["after"]["short_description"] == "New"
    again(instance, options)


# --- identity -------------------------------------------------------------------------------------------------------


def test_new_ticket_needs_a_title(instance):
    options = {"reference": REFERENCE, "fields": {"urgency": "1"}}
    error = failure(instance, options, check_mode=True)
    assert_message(error.message, REFERENCE, "short_description")
    instance.add(correlation_id=REFERENCE)
    assert keep(instance, options).changed


def test_title_longer_than_its_column_is_refused(instance):
    assert_message(failure(instance, task(short_description="x" * 161)).message, "161", "160")
    assert keep(instance, task(short_description="x" * 160)).changed


@pytest.mark.parametrize("counts", [True, False])
def test_hidden_ticket_is_never_created_again(instance, counts):
    record = instance.add(correlation_id=REFERENCE)
    instance.hidden_rows, instance.counts = {record["sys_id"]}, counts
    if not counts:
        # Without a total, nothing reveals the hidden ticket (SN-A6).
        assert keep(instance, task()).values["created"]
        return
    error = failure(instance, task())
    assert (error.category, instance.writes) == ("permission", 0)
    assert_message(error.message, "access rule", REFERENCE)


def test_hidden_ticket_does_not_prevent_an_update_of_another_one(instance):
    hidden = instance.add(correlation_id=REFERENCE, state="7")
    instance.hidden_rows = {hidden["sys_id"]}
    instance.add(correlation_id=REFERENCE)
    assert keep(instance, task()).values["number"] == "INC0000002"


def test_closed_ticket_does_not_hide_a_hidden_one(instance):
    hidden = instance.add(correlation_id=REFERENCE)
    instance.add(correlation_id=REFERENCE, state="7")
    instance.hidden_rows = {hidden["sys_id"]}
    assert failure(instance, task()).category == "permission"


@pytest.mark.parametrize("column", ["correlation_id", "company"])
def test_ticket_that_does_not_show_its_identity_is_not_replaced(instance, column):
    instance.add(correlation_id=REFERENCE, company=FABRIKAM)
    instance.hidden_columns = {column}
    options = task(unique_by=["company"], fields={"company": "Fabrikam Hospital"})
    error = failure(instance, options)
    assert (error.category, instance.writes) == ("permission", 0)
    assert_message(error.message, "INC0000001", column)


@pytest.mark.parametrize("column", ["correlation_id", "company"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_column_of_the_identity_that_the_service_hides_prevents_a_creation(instance, column, check_mode):
    instance.add(correlation_id=REFERENCE, company=FABRIKAM)
    instance.hidden_columns = instance.empties_queries = {column}
    options = task(unique_by=["company"], fields={"company": "Fabrikam Hospital"})
    error = failure(instance, options, check_mode=check_mode)
    assert (error.category, instance.writes) == ("permission", 0)
    assert_message(error.message, "incident", column, "reference" if column == "correlation_id" else "unique_by")


def test_hidden_column_of_an_empty_table_lets_one_ticket_be_created(instance):
    instance.hidden_columns = instance.empties_queries = {"correlation_id"}
    assert_messages(keep(instance, task()).warnings, ["INC0000001", "search"])
    assert failure(instance, task()).category == "permission"
    assert instance.count("create") == 1


def test_column_that_some_tickets_hide_does_not_prevent_a_creation(instance, monkeypatch):
    for _number in range(3):
        instance.add(correlation_id="another")
    hidden = next(iter(instance.records["incident"]))
    shown = MemoryServiceNow._row  # pylint: disable=protected-access

    def row(api, table, record, columns):
        values = shown(api, table, record, columns)
        return {name: value for name, value in values.items() if record["sys_id"] != hidden or name == "sys_id"}

    monkeypatch.setattr(MemoryServiceNow, "_row", row)
    assert keep(instance, task()).values["created"]


def test_dropped_condition_is_detected(instance):
    instance.add(correlation_id="another")
    instance.drops_conditions = {"correlation_id"}
    error = failure(instance, task())
    assert (error.category, instance.writes) == ("contract", 0)
    assert_message(error.message, "INC0000001", "correlation_id")


def test_ticket_that_lost_the_reference_after_the_search_is_not_used(instance):
    instance.add(correlation_id=REFERENCE)

    def edit(_number: int, operation: str) -> None:
        if operation == "record":
            instance.editor = None
            instance.edit("INC0000001", correlation_id="another")

    instance.editor = edit
    assert keep(instance, task()).values["number"] == "INC0000002"


@pytest.mark.parametrize("stored", [REFERENCE.upper(), REFERENCE.replace("incident", "incidént")])
def test_reference_in_another_spelling_is_ambiguous(instance, stored):
    instance.add(correlation_id=stored)
    error = failure(instance, task())
    assert (error.category, instance.writes) == ("ambiguous_match", 0)
    assert_message(error.message, "INC0000001", "number", repr(stored))


def test_reference_that_the_service_changes_is_reported(instance):
    instance.keeps["correlation_id"] = str.upper
    error = failure(instance, task())
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert_message(error.message, "INC0000001", "reference", REFERENCE.upper())


def test_ticket_of_another_customer_is_another_ticket(instance):
    options = task(reference="cf|sentinel|1", unique_by=["company"])
    for company in ("Fabrikam Hospital", NORTHWIND):
        assert keep(instance, {**options, "fields": {"company": company}}).values["created"]
    companies = [record["company"] for record in instance.records["incident"].values()]
    assert companies == [FABRIKAM, NORTHWIND]
    again(instance, {**options, "fields": {"company": "Northwind Traders"}})


def test_identifying_column_in_another_case_is_ambiguous(instance):
    options = task(unique_by=["description"], fields={"description": "Fabrikam"})
    keep(instance, options)
    error = failure(instance, {**options, "fields": {"description": "FABRIKAM"}})
    assert (error.category, len(instance.records["incident"])) == ("ambiguous_match", 1)
    assert_message(error.message, "INC0000001", "'description'", "'Fabrikam'", "'FABRIKAM'")
    again(instance, options)


def test_identifying_column_that_the_service_respells_is_reported(instance):
    instance.keeps["description"] = str.upper
    error = failure(instance, task(unique_by=["description"], fields={"description": "Fabrikam"}))
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert_message(error.message, "INC0000001", "'description'", "'FABRIKAM'")


def test_reference_whose_spelling_is_corrected_after_the_search_is_used(instance):
    instance.add(correlation_id=REFERENCE.upper())

    def edit(_number: int, operation: str) -> None:
        if operation == "record":
            instance.editor = None
            instance.edit("INC0000001", correlation_id=REFERENCE)

    instance.editor = edit
    assert keep(instance, task()).values["number"] == "INC0000001"


def test_dates_cannot_identify_a_ticket(instance):
    error = failure(instance, task(unique_by=["due_date"], fields={"due_date": "2026-11-22"}))
    assert_message(error.message, "unique_by", "due_date")


@pytest.mark.parametrize("number, category", [("INC0000009", "not_found"), ("INC0000001", "permission")])
def test_named_ticket_that_is_not_shown_is_reported(instance, number, category):
    record = instance.add()
    instance.hidden_rows = {record["sys_id"]}
    error = failure(instance, {"number": number, "fields": {"urgency": "1"}})
    assert error.category == category
    assert_message(error.message, number)


def test_number_of_several_tickets_is_ambiguous(instance):
    first, second = instance.add(), instance.add(number="INC0000001")
    second["number"] = "INC0000001"
    error = failure(instance, {"number": "INC0000001", "fields": {"urgency": "1"}})
    assert error.category == "ambiguous_match"
    assert_message(error.message, first["sys_id"], second["sys_id"], "sys_id")


def test_ticket_without_columns_is_not_changed(instance):
    record = instance.add()
    instance.hidden_columns = set(record) - {"sys_id"}
    error = failure(instance, {"sys_id": record["sys_id"], "fields": {"urgency": "1"}})
    assert error.category == "permission"


# --- closing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["close_code", "close_notes"])
def test_closing_without_resolution_is_refused(instance, missing):
    instance.add(correlation_id=REFERENCE)
    fields = {name: value for name, value in RESOLVED.items() if name != missing}
    for options in (task(fields=fields), {"number": "INC0000001", "fields": {**fields, missing: ""}}):
        error = failure(instance, options, check_mode=True)
        assert (error.category, instance.writes) == ("configuration", 0)
        assert_message(error.message, "'Resolved'", "close_code and close_notes", missing)


def test_resolution_of_the_ticket_is_enough(instance):
    instance.add(correlation_id=REFERENCE, close_code="Duplicate", close_notes="Done.")
    assert keep(instance, {"reference": REFERENCE, "fields": {"state": "6"}}).changed


def test_new_ticket_that_is_resolved_needs_a_resolution(instance):
    assert failure(instance, task(fields={"state": "Closed"})).category == "configuration"
    assert instance.writes == 0


def test_canceling_needs_no_resolution(instance):
    instance.add()
    assert keep(instance, {"number": "INC0000001", "fields": {"state": "Canceled"}}).changed


def test_closed_ticket_is_accepted_as_resolved(instance):
    instance.add(correlation_id=REFERENCE, state="7", close_code="Duplicate", close_notes="x")
    again(instance, {"reference": REFERENCE, "fields": {"state": "Resolved"}})


def test_ticket_that_the_task_resolved_is_found_beside_one_that_another_user_closed(instance):
    for number in (1, 2):
        instance.add(correlation_id=REFERENCE, close_code="Duplicate")
        if number == 1:
            instance.edit("INC0000001", state="7")
    options = {"reference": REFERENCE, "fields": dict(RESOLVED)}
    assert keep(instance, options).values["number"] == "INC0000002"
    assert again(instance, options).values["number"] == "INC0000002"
    instance.edit("INC0000002", close_notes="Another text.")
    assert failure(instance, options).category == "ambiguous_match"


def test_resolved_ticket_is_not_closed_yet(instance):
    instance.add(state="6", close_code="Duplicate", close_notes="x")
    assert keep(instance, {"number": "INC0000001", "fields": {"state": "Closed"}}).changed
    assert instance.ticket("INC0000001")["state"] == "7"


def test_rule_that_silently_refuses_the_state_is_reported(instance):
    instance.add(correlation_id=REFERENCE)
    instance.keeps["state"] = lambda _state: "2"
    error = failure(instance, {"reference": REFERENCE, "fields": dict(RESOLVED)})
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert_message(error.message, "INC0000001", "state", "'In Progress'", "'Resolved'")


def test_ticket_that_the_task_closed_is_found_in_a_table_whose_closed_states_are_not_known(instance):
    instance.records["sc_task"], instance.unreadable = {}, NO_METADATA
    options = {**task(fields={"state": "7"}), "table": "sc_task"}
    assert keep(instance, options).values["created"]
    assert instance.ticket("INC0000001")["active"] == "false"
    again(instance, options)
    # A ticket that was closed in another state is another occurrence.
    assert keep(instance, {**options, "fields": {**options["fields"], "state": "1"}}).values["created"]
    instance.edit("INC0000002", state="7")
    assert again(instance, options).values["number"] == "INC0000002"


@pytest.mark.parametrize("kept", ["1", "2"])
@pytest.mark.parametrize("exists", [True, False])
def test_state_that_the_response_does_not_show_fails_without_a_read_back(instance, exists, kept):
    if exists:
        instance.add(correlation_id=REFERENCE)
    instance.keeps["state"] = lambda _state: kept
    error = failure(instance, task(fields=dict(RESOLVED)), verify_timeout=0)
    assert (error.category, error.may_have_changed) == ("not_converged", True)
    assert_message(error.message, "INC0000001", "'state'", "'In Progress'" if kept == "2" else "'New'", "'Resolved'")
    if not exists:
        result = keep(Instance(keeps=instance.keeps), task(fields=dict(RESOLVED)), verify_timeout=0)
        assert (result.changed, result.values["number"], result.values["created"]) == (True, "INC0000001", True)


def test_response_without_the_state_is_no_failure(instance):
    instance.add()

    def hide(_number: int, operation: str) -> None:
        instance.hidden_columns = {"state"} if operation == "update" else set()

    instance.editor = hide
    assert keep(instance, {"number": "INC0000001", "fields": dict(RESOLVED)}, verify_timeout=0).changed


def test_text_that_the_response_shows_in_other_words_is_a_warning(instance):
    instance.add()
    instance.keeps["description"] = str.upper
    result = keep(instance, {"number": "INC0000001", "fields": {"description": "Text"}}, verify_timeout=0)
    assert_messages(result.warnings, ["INC0000001", "'description'", "ignore_fields"])


# --- concurrent changes ---------------------------------------------------------------------------------------------


def test_ticket_is_read_just_before_it_is_changed(instance):
    instance.add()
    keep(instance, {"number": "INC0000001", "fields": {"urgency": "1"}}, verify_timeout=0)
    assert instance.calls[-2:] == ["record", "update"]


def test_change_by_a_second_writer_is_a_warning(instance):
    instance.add()
    instance.double_updates = True
    result = keep(instance, {"number": "INC0000001", "fields": {"urgency": "1"}})
    assert_messages(result.warnings, ["INC0000001", "sys_mod_count", "0", "2"])


def test_modification_count_with_thousands_of_digits_is_ignored(instance):
    instance.add()["sys_mod_count"] = "1" * 5000

    def edit(_number: int, operation: str) -> None:
        if operation == "update":
            instance.ticket("INC0000001")["sys_mod_count"] = "5"

    instance.editor = edit
    assert keep(instance, {"number": "INC0000001", "fields": {"urgency": "1"}}).warnings == []


def test_hidden_modification_count_is_replaced_by_the_values(instance):
    instance.add()
    instance.hidden_columns = {"sys_mod_count", "sys_updated_on"}

    def edit(_number: int, _operation: str) -> None:
        if instance.count("record") == 2:
            instance.editor = None
            instance.edit("INC0000001", urgency="2")

    instance.editor = edit
    error = failure(instance, {"number": "INC0000001", "fields": {"urgency": "1"}})
    assert (error.category, instance.writes) == ("conflict", 0)


# --- journal --------------------------------------------------------------------------------------------------------

NOTE = {"number": "INC0000001", "work_notes": "Closed by the runbook."}


def test_text_is_posted_by_itself_if_the_journal_is_readable(instance):
    instance.add()
    instance.post(instance.add(), "work_notes", "Of another ticket.")
    assert keep(instance, NOTE).changed
    assert (instance.bodies, instance.notes("INC0000001")) == (
        [{"work_notes": "Closed by the runbook."}],
        ["Closed by the runbook."],
    )
    again(instance, NOTE)


def test_text_in_a_hidden_column_is_not_posted_by_itself(instance):
    instance.post(instance.add(), "comments", "Visible.")
    instance.post(instance.add(), "comments", "Hidden.")
    instance.unreadable, instance.hidden_columns = {"sys_journal_field"}, {"work_notes"}
    instance.shows_display_entries = True
    result = again(instance, NOTE)
    (reported,) = result.values["unverified"]
    assert_message(reported, "INC0000001", "work_notes", "not posted")
    options = {"number": "INC0000001", "comments": "Of the runbook."}
    assert keep(instance, options).values["unverified"] == []
    again(instance, options)
    assert instance.notes("INC0000001") == ["Visible.", "Of the runbook."]


def test_text_that_the_service_drops_is_a_warning(instance):
    instance.post(instance.add(), "comments", "Visible.")
    instance.ignores_writes = True
    result = keep(instance, NOTE)
    assert_messages(result.warnings, ["INC0000001", "work_notes", "journal"])
    assert keep(instance, NOTE, verify_timeout=0).warnings == []


@pytest.mark.parametrize("readable", [True, False])
def test_text_of_a_new_ticket_that_the_service_drops_is_a_warning(instance, readable):
    instance.post(instance.add(), "work_notes", "Visible.")
    instance.unreadable = set() if readable else {"sys_journal_field"}
    instance.keeps["comments"] = lambda _text: ""
    options = task(work_notes="Opened.", comments="We are on it.")
    result = keep(instance, options)
    assert (result.values["created"], instance.notes("INC0000002")) == (True, ["Opened."])
    assert_messages(result.warnings, *([["INC0000002", "comments", "journal"]] if readable else []))


def test_text_of_another_user_is_not_posted_again(instance):
    instance.post(instance.add(), "work_notes", "Closed  by the\nrunbook.")
    again(instance, NOTE)


def test_text_in_another_column_is_posted(instance):
    instance.post(instance.add(), "comments", "Closed by the runbook.")
    assert keep(instance, NOTE).changed


@pytest.mark.parametrize("refuses", [False, True])
def test_text_needs_a_change_if_the_journal_is_not_readable(instance, refuses):
    instance.add()
    instance.unreadable, instance.refuses = {"sys_journal_field"}, refuses
    (predicted,) = keep(instance, NOTE, check_mode=True).values["unverified"]
    assert_message(predicted, "INC0000001", "work_notes", "journal")
    (reported,) = again(instance, NOTE).values["unverified"]
    assert_message(reported, "INC0000001", "work_notes", "not posted")
    options = {**NOTE, "fields": {"urgency": "1"}}
    result = keep(instance, options)
    assert (result.changed, result.values["unverified"]) == (True, [])
    assert instance.notes("INC0000001") == ["Closed by the runbook."]
    again(instance, options)


def test_empty_journal_of_all_tickets_is_not_evidence(instance):
    instance.add()
    assert not keep(instance, NOTE).changed
    assert instance.writes == 0


@pytest.mark.parametrize("takes_effect", [False, True])
def test_interrupted_text_is_never_sent_again_by_itself(instance, takes_effect):
    instance.add()
    instance.post(instance.add(), "work_notes", "Of another ticket.")
    instance.faults["update"] = [Fault(broken(), takes_effect)]
    if takes_effect:
        assert keep(instance, NOTE).changed
    else:
        error = failure(instance, NOTE)
        assert (error.category, error.may_have_changed) == ("ambiguous_write", True)
        assert_message(error.message, "INC0000001", "work_notes")
    assert instance.count("update") == 1
    keep(instance, NOTE)
    assert instance.notes("INC0000001") == ["Closed by the runbook."]


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("takes_effect", [False, True])
def test_interrupted_text_with_a_change_is_posted_once(instance, takes_effect, readable):
    instance.add()
    instance.unreadable = set() if readable else {"sys_journal_field"}
    instance.faults["update"] = [Fault(broken(), takes_effect)]
    assert keep(instance, {**NOTE, "fields": {"urgency": "1"}}).changed
    assert instance.notes("INC0000001") == ["Closed by the runbook."]


def test_text_is_uncertain_if_a_rule_drops_the_change_of_an_interrupted_update(instance):
    instance.add()
    instance.unreadable = {"sys_journal_field"}
    instance.keeps["urgency"] = lambda _value: "3"
    instance.faults["update"] = [Fault(broken(), takes_effect=True)]
    error = failure(instance, {**NOTE, "fields": {"urgency": "1"}})
    assert (error.category, instance.count("update")) == ("ambiguous_write", 1)


# --- what the account may not read ----------------------------------------------------------------------------------


def test_unchecked_columns_are_named_in_check_mode_only(instance):
    instance.unreadable = NO_METADATA
    options = task(fields={"urgency": "High", "u_hosts": "3"})
    predicted = keep(instance, options, check_mode=True).values["unverified"]
    assert_messages(predicted, ["sys_dictionary", "u_hosts"], ["sys_choice", "urgency"])
    result = keep(instance, options)
    assert result.values["unverified"] == []
    assert instance.bodies[0]["urgency"] == "1"
    again(instance, options)


def test_unchecked_value_that_is_not_stored_is_explained(instance):
    instance.unreadable = NO_METADATA
    instance.keeps["close_code"] = lambda _value: ""
    error = failure(instance, task(fields={"close_code": "Solution"}))
    assert error.category == "not_converged"
    assert_message(error.message, "close_code", "sys_dictionary")


def test_display_value_of_an_unchecked_column_is_recognized(instance):
    instance.unreadable = NO_METADATA
    instance.add(u_offering=f"5e4f{1:028d}", close_code="Duplicate")
    again(instance, {"number": "INC0000001", "fields": {"close_code": "Duplicate"}})


def test_column_that_the_ticket_does_not_show_is_not_changed(instance):
    instance.add()
    instance.hidden_columns = {"u_hosts"}
    error = failure(instance, {"number": "INC0000001", "fields": {"u_hosts": 3}})
    assert (error.category, instance.writes) == ("permission", 0)
    assert_message(error.message, "INC0000001", "u_hosts")


# --- fields ---------------------------------------------------------------------------------------------------------


def test_ignored_columns_are_only_set_in_a_new_ticket(instance):
    options = task(fields={"description": "First"}, ignore_fields=["description"])
    keep(instance, options)
    instance.edit("INC0000001", description="Edited")
    again(instance, options)


def test_cleared_column_is_sent_as_an_empty_text(instance):
    keep(instance, task(fields={"category": None}))
    assert instance.bodies[0]["category"] == ""
    assert instance.ticket("INC0000001")["category"] == ""


def test_references_are_found_by_any_name(instance):
    instance.add()
    for name in ("Dana Duty", "D.DUTY", "d.duty@fabrikam.example", DANA):
        keep(instance, {"number": "INC0000001", "fields": {"assigned_to": name}})
    assert (instance.writes, instance.ticket("INC0000001")["assigned_to"]) == (1, DANA)


def test_request_for_a_named_ticket_without_fields_only_reads(instance):
    instance.add()
    again(instance, {"number": "INC0000001"})
    assert instance.calls == ["page", "record"]
