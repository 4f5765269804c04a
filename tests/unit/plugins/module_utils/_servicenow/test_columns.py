# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definitions of columns, references by display value, and what the account may not read."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import Choice, read_columns
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.references import find_reference
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    DANA,
    FIRST_DESK,
    SECOND_DESK,
    SECURITY,
    Fault,
    Instance,
    MemoryServiceNow,
    answered,
    broken,
)

METADATA = ("sys_dictionary", "sys_choice")


def api_of(**behavior: object) -> MemoryServiceNow:
    return MemoryServiceNow(Instance(**behavior))  # type: ignore[arg-type]  # any attribute of the instance


# --- definitions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_definitions_of_the_table_take_precedence_over_those_of_task(page_size):
    known = read_columns(api_of(page_size=page_size), "incident", ["state", "urgency", "caller_id", "u_hosts"])
    assert Choice("6", "Resolved") in known["state"].choices
    assert Choice("1", "Open") not in known["state"].choices
    assert Choice("1", "1 - High") in known["urgency"].choices
    assert (known["caller_id"].type, known["caller_id"].reference) == ("reference", "sys_user")
    assert known["u_hosts"].type == "integer"
    assert (known.untyped, known.without_choices, known.unchecked) == ((), (), ())


def test_definitions_of_another_table_come_from_task():
    known = read_columns(api_of(), "sc_task", ["state"])
    assert Choice("3", "Closed Complete") in known["state"].choices


@pytest.mark.parametrize(
    "name, facts",
    [("urgncy", ["urgncy", "urgency", "incident"]), ("assignmentgroup", ["assignment_group"]), ("zzz", ["zzz"])],
)
def test_unknown_column_is_refused_with_similar_names(name, facts):
    with pytest.raises(ApiError) as caught:
        read_columns(api_of(), "incident", [name, "state"])
    assert caught.value.category == "configuration"
    assert facts[0] in caught.value.message
    for fact in facts:
        assert fact in caught.value.message


@pytest.mark.parametrize("refuses", [False, True])
def test_unreadable_dictionary_is_reported(refuses):
    known = read_columns(
        api_of(unreadable=set(METADATA), refuses=refuses), "incident", ["u_hosts", "state", "assignment_group"]
    )
    assert (known.untyped, known.without_choices, known.is_dictionary_readable) == (
        ("state", "u_hosts"),
        ("state",),
        False,
    )
    assert (known["assignment_group"].type, known["assignment_group"].reference) == ("reference", "sys_user_group")
    assert Choice("6", "Resolved") in known["state"].choices
    first, second = known.unchecked
    assert_message(first, "sys_dictionary", "u_hosts")
    assert_message(second, "sys_choice", "state")


def test_unreadable_choices_are_reported():
    known = read_columns(api_of(unreadable={"sys_choice"}), "incident", ["close_code", "u_hosts"])
    assert (known["close_code"].choices, known.untyped, known.without_choices) == ((), (), ("close_code",))
    (sentence,) = known.unchecked
    assert_message(sentence, "close_code", "sys_choice")


def test_column_without_a_closed_list_accepts_other_values(monkeypatch):
    instance = Instance()
    rows = [{**row, "choice": "0"} for row in instance.rows_of("sys_dictionary")]
    known = instance.rows_of
    monkeypatch.setattr(instance, "rows_of", lambda name: rows if name == "sys_dictionary" else known(name))
    column = read_columns(MemoryServiceNow(instance), "incident", ["close_code"])["close_code"]
    assert (bool(column.choices), column.is_open) == (True, True)
    assert not read_columns(api_of(), "incident", ["close_code"])["close_code"].is_open


def test_length_with_thousands_of_digits_is_ignored(monkeypatch):
    instance = Instance()
    rows = [{**row, "max_length": "9" * 5000} for row in instance.rows_of("sys_dictionary")]
    known = instance.rows_of
    monkeypatch.setattr(instance, "rows_of", lambda name: rows if name == "sys_dictionary" else known(name))
    columns = read_columns(MemoryServiceNow(instance), "incident", ["close_notes", "short_description"])
    assert [columns[name].max_length for name in ("close_notes", "short_description")] == [None, 160]


def test_choices_are_known_without_dictionary():
    known = read_columns(api_of(unreadable={"sys_dictionary"}), "incident", ["close_code"])
    assert Choice("Duplicate", "Duplicate") in known["close_code"].choices
    assert known.unchecked == ()


@pytest.mark.parametrize("table", METADATA)
def test_other_failures_are_not_taken_for_missing_access(table):
    instance = Instance(faults={table: [Fault(broken(is_write=False))]})
    with pytest.raises(ApiError) as caught:
        read_columns(MemoryServiceNow(instance), "incident", ["state"])
    assert caught.value.category == "unavailable"


def test_without_columns_nothing_is_read():
    instance = Instance()
    read_columns(MemoryServiceNow(instance), "incident", [])
    assert instance.calls == []


# --- references -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table, text, sys_id",
    [
        ("sys_user_group", "Security Operations", SECURITY),
        ("sys_user_group", "security operations", SECURITY),
        ("sys_user", "Dana Duty", DANA),
        ("sys_user", "d.duty", DANA),
        ("sys_user", "d.duty@fabrikam.example", DANA),
        ("service_offering", "Gold", f"5e4f{1:028d}"),
    ],
)
def test_record_is_found_by_its_display_value(table, text, sys_id, monkeypatch):
    instance = Instance()
    rows = instance.rows_of("sys_dictionary")
    for row in rows:
        row["display"] = "true" if row["element"] == "u_title" else "false"
    known = instance.rows_of
    monkeypatch.setattr(instance, "rows_of", lambda name: rows if name == "sys_dictionary" else known(name))
    assert find_reference(MemoryServiceNow(instance), "assigned_to", table, text) == sys_id


@pytest.mark.parametrize(
    "text, facts",
    [
        ("Service Desk", ["Service Desk", FIRST_DESK, SECOND_DESK, "sys_id"]),
        ("Unknown", ["Unknown", "sys_user_group", "access rule"]),
        ("a^b", ["assignment_group", "'^'"]),
        ("javascript:x", ["assignment_group"]),
    ],
)
def test_reference_without_a_single_record_is_refused(text, facts):
    with pytest.raises(ApiError) as caught:
        find_reference(api_of(), "assignment_group", "sys_user_group", text)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)


@pytest.mark.parametrize(
    "stored, given, facts",
    [
        ("José Duty", "Jose Duty", ["'José Duty'", "'Jose Duty'"]),
        ("Jose\u00a0Duty", "Jose Duty", ["U+00A0 NO-BREAK SPACE"]),
        ("Jose  Duty", "Jose Duty", []),
    ],
)
def test_name_in_another_spelling_is_shown(stored, given, facts):
    instance = Instance(names={"sys_user": {DANA: {"name": stored, "user_name": "d.duty", "email": ""}}})
    instance.drops_conditions = {"name"}
    with pytest.raises(ApiError) as caught:
        find_reference(MemoryServiceNow(instance), "caller_id", "sys_user", given)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "caller_id", "sys_user", DANA, "spelling", *facts)


def test_name_whose_characters_are_composed_differently_is_found():
    instance = Instance(names={"sys_user": {DANA: {"name": "Jose\u0301 Duty", "user_name": "d.duty", "email": ""}}})
    assert find_reference(MemoryServiceNow(instance), "caller_id", "sys_user", "José Duty") == DANA


def users(*active: str) -> Instance:
    """Return an instance with users of one name."""
    rows = {f"{number:032x}": {"name": "Dana Duty", "active": text} for number, text in enumerate(active)}
    return Instance(names={"sys_user": rows, "core_company": rows}, page_size=20)


@pytest.mark.parametrize("others", [1, 40])
def test_active_user_is_preferred(others):
    instance = users(*["false"] * others, "true")
    assert find_reference(MemoryServiceNow(instance), "caller_id", "sys_user", "dana duty") == f"{others:032x}"


@pytest.mark.parametrize("count, word", [(1, "the record"), (2, "each record")])
def test_inactive_user_is_refused(count, word):
    with pytest.raises(ApiError) as caught:
        find_reference(MemoryServiceNow(users(*["false"] * count)), "caller_id", "sys_user", "Dana Duty")
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "caller_id", "'Dana Duty'", "inactive", f"{0:032x}", word, "sys_id")


def test_several_active_users_are_ambiguous():
    with pytest.raises(ApiError) as caught:
        find_reference(MemoryServiceNow(users("true", "false", "true")), "caller_id", "sys_user", "Dana Duty")
    assert_message(caught.value.message, f"{0:032x}, {2:032x}")


def test_record_of_another_table_may_be_inactive():
    assert find_reference(MemoryServiceNow(users("false")), "company", "core_company", "Dana Duty") == f"{0:032x}"


def test_dropped_condition_does_not_select_a_record():
    with pytest.raises(ApiError) as caught:
        find_reference(api_of(drops_conditions={"name"}), "assignment_group", "sys_user_group", "Unknown")
    assert caught.value.category == "configuration"


def test_unreadable_table_of_a_reference_is_reported():
    instance = Instance(faults={"sys_user_group": [Fault(answered(403))]})
    with pytest.raises(ApiError) as caught:
        find_reference(MemoryServiceNow(instance), "assignment_group", "sys_user_group", "SOC")
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "assignment_group", "sys_user_group", "sys_id")
