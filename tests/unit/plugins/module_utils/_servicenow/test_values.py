# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of columns: how they are stored, and when they are equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import excerpt
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import Choice, Column
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.values import (
    Lookup,
    StoredValue,
    is_same,
    may_be_stored_as,
    resolve_value,
    shown_value,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

GROUP, OTHER_GROUP = "9a0b" + "0" * 28, "9a0c" + "0" * 28
STATE = Column("state", "integer", choices=(Choice("6", "Resolved"), Choice("7", "Closed"), Choice("7", "Geschlossen")))
CODE = Column(
    "close_code",
    "string",
    choices=(*(Choice(f"c{number}", f"C{number}") for number in range(20)), Choice("solved", "Gelöst durch Anrufer")),
)
TEXT = Column("description", "string", max_length=10)
DUE = Column("due_date", "glide_date_time")
DAY = Column("u_day", "glide_date")
HOSTS = Column("u_hosts", "integer")
RATE = Column("u_rate", "decimal")
FLAG = Column("u_flag", "boolean")
REFERENCE = Column("assignment_group", "reference", "sys_user_group")
WATCHERS = Column("watch_list", "glide_list", "sys_user")
UNKNOWN = Column("u_any")
SUGGESTED = Column("u_vendor", "string", choices=(Choice("1", "Acme"),), is_open=True)


def _find(column: str, table: str, text: str) -> str:
    if text == "SOC":
        return GROUP
    raise configuration_error(f"{column}: {table} has no {text}.")


LOOKUP = Lookup(_find, lambda text, length: excerpt(text, str, length))


def resolved(column: Column, value: Any) -> str:
    return resolve_value(column, value, LOOKUP)


@pytest.mark.parametrize(
    "column, value, stored",
    [
        (STATE, "6", "6"),
        (STATE, 6, "6"),
        (STATE, "resolved", "6"),
        (STATE, " CLOSED ", "7"),
        (STATE, "geschlossen", "7"),
        (CODE, "gelo\u0308st  durch\u00a0Anrufer", "solved"),
        (STATE, None, ""),
        (SUGGESTED, "acme", "1"),
        (SUGGESTED, "Another", "Another"),
        (TEXT, "a\r\nb", "a\nb"),
        (TEXT, " a ", " a "),
        (TEXT, "", ""),
        (TEXT, "  ", ""),
        (TEXT, 7, "7"),
        (DUE, "2026-11-22T09:00:00+01:00", "2026-11-22 08:00:00"),
        (DUE, "2026-11-22 09:00:00", "2026-11-22 09:00:00"),
        (DUE, "2026-11-22", "2026-11-22 00:00:00"),
        (DAY, "2026-11-22", "2026-11-22"),
        (HOSTS, "12", "12"),
        (HOSTS, 3.0, "3"),
        (HOSTS, " +3 ", "3"),
        (RATE, "1.50", "1.5"),
        (RATE, "100", "100"),
        (FLAG, True, "true"),
        (FLAG, "No", "false"),
        (REFERENCE, "SOC", GROUP),
        (REFERENCE, GROUP.upper(), GROUP),
        (WATCHERS, ["SOC", "a@fabrikam.example"], f"{GROUP},a@fabrikam.example"),
        (WATCHERS, f"SOC, {OTHER_GROUP}", f"{GROUP},{OTHER_GROUP}"),
        (UNKNOWN, "Any text", "Any text"),
        (UNKNOWN, False, "false"),
        (UNKNOWN, ["a", "b"], "a,b"),
    ],
)
def test_value_is_stored(column, value, stored):
    assert resolved(column, value) == stored
    assert is_same(column, stored, resolved(column, value))


@pytest.mark.parametrize(
    "column, value, facts",
    [
        (STATE, "Done", ["state", "'Done'", "'Resolved' (6)"]),
        (STATE, True, ["state", "'true'"]),
        (
            CODE,
            "Gelost durch Anrufer",
            ["close_code", "'Gelost durch Anrufer'", "'Gelöst durch Anrufer' (solved)", "spelling"],
        ),
        (TEXT, "x" * 11, ["description", "11", "10"]),
        (TEXT, {"a": 1}, ["description"]),
        (TEXT, ["a"], ["description", "one value"]),
        (DUE, "tomorrow", ["due_date", "'tomorrow'"]),
        (HOSTS, "3.5", ["u_hosts", "whole number"]),
        (HOSTS, "many", ["u_hosts", "'many'"]),
        (RATE, "NaN", ["u_rate", "number"]),
        (FLAG, "maybe", ["u_flag", "true or false"]),
        (REFERENCE, "Nobody's", ["assignment_group", "sys_user_group"]),
        (Column("work_notes", "journal_input"), "a", ["option work_notes"]),
        (Column("approval_history", "journal"), "a", ["approval_history"]),
    ],
)
def test_invalid_value_is_refused(column, value, facts):
    with pytest.raises(ApiError) as caught:
        resolved(column, value)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)


def test_label_with_several_values_is_refused():
    choices = (Choice("1", "Mail", "a"), Choice("2", "Mail", "b"))
    with pytest.raises(ApiError) as caught:
        resolved(Column("subcategory", "string", choices=choices), "mail")
    assert_message(caught.value.message, "subcategory", "'1', '2'")


@pytest.mark.parametrize(
    "column, one, other, expected",
    [
        (TEXT, "a\r\nb ", "a\nb", True),
        (TEXT, "a", "A", False),
        (TEXT, None, "", False),
        (TEXT, None, None, True),
        (DUE, "2026-11-22 08:00:00", "2026-11-22T08:00:00Z", True),
        (DUE, "2026-11-22 08:00:00", "2026-11-22 08:00:01", False),
        (DUE, "", "2026-11-22 08:00:01", False),
        (HOSTS, "3", "3.0", True),
        (HOSTS, "3", "4", False),
        (HOSTS, "", "0", False),
        (FLAG, "", "false", True),
        (FLAG, "1", "true", True),
        (FLAG, "", "true", False),
        (REFERENCE, GROUP, GROUP.upper(), True),
        (REFERENCE, GROUP, OTHER_GROUP, False),
        (WATCHERS, f"{GROUP},{OTHER_GROUP}", f"{OTHER_GROUP}, {GROUP}", True),
        (WATCHERS, GROUP, f"{GROUP},{OTHER_GROUP}", False),
        (STATE, "6", "7", False),
        # The display value counts only if the column is not known.
        (UNKNOWN, StoredValue.of(GROUP, "SOC"), "SOC", True),
        (UNKNOWN, StoredValue.of("6", "Resolved"), "Closed", False),
        (TEXT, StoredValue.of("a", "b"), "b", False),
    ],
)
def test_values_are_compared(column, one, other, expected):
    for pair in ((one, other), (other, one)):
        assert is_same(column, *pair) is expected


@given(st.text(), st.text())
def test_texts_are_equal_only_without_differences_in_content(one, other):
    assert is_same(TEXT, one, one)
    if is_same(TEXT, one, other):
        assert one.split() == other.split()


@pytest.mark.parametrize(
    "column, given_value, stored, expected",
    [
        (TEXT, "<b>a</b>", "a", True),
        (TEXT, "a", "", False),
        (TEXT, "", "a", False),
        (TEXT, "a", None, False),
        (STATE, "6", "2", False),
        (DUE, "2026-11-22 08:00:00", "2026-11-22 09:00:00", False),
        (HOSTS, "3", "4", False),
        (REFERENCE, GROUP, OTHER_GROUP, False),
        (UNKNOWN, "a", "b", False),
    ],
)
def test_only_texts_may_be_stored_in_other_words(column, given_value, stored, expected):
    assert may_be_stored_as(column, given_value, stored) is expected


@pytest.mark.parametrize(
    "column, value, shown",
    [
        (STATE, "6", "Resolved"),
        (STATE, StoredValue.of("6", "Gelöst"), "Gelöst"),
        (STATE, "99", "99"),
        (REFERENCE, StoredValue.of(GROUP, "SOC"), "SOC"),
        (REFERENCE, GROUP, GROUP),
        (DUE, StoredValue.of("2026-11-22 08:00:00", "2026-11-22 09:00:00"), "2026-11-22 08:00:00"),
        (TEXT, None, None),
    ],
)
def test_values_are_shown_as_people_read_them(column, value, shown):
    result = shown_value(column, value)
    assert result == shown
    assert result is None or result.__class__ is str
