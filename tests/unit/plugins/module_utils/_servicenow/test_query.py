# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encoded queries: which values they can contain, and their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query
from ansible_collections.secops.itsm.tests.unit.messages import assert_message


@pytest.mark.parametrize(
    "value, fact",
    [
        ("", "empty"),
        (" ", "empty"),
        (None, "empty"),
        ("a^b", "'^'"),
        ("a\nb", "line break"),
        ("a\u2028b", "line break"),
        ("a\x00b", "control"),
        ("a\u00a0b", "U+00A0 NO-BREAK SPACE"),
        ("a\u200bb", "U+200B ZERO WIDTH SPACE"),
        ("a\ue000b", "U+E000"),
        ("javascript:gs.getUserID()", "javascript:"),
        ("  JavaScript:x", "javascript:"),
        ("None", "null"),
        ("x" * 101, "101"),
    ],
)
def test_key_that_would_change_the_query_is_refused(value, fact):
    with pytest.raises(ApiError) as caught:
        query.checked_key("reference", value, 100)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "reference")
    assert fact in caught.value.message


@pytest.mark.parametrize("value", ["cf|sentinel|1", " SEN-1 ", "a=b", "a,b", "x" * 100, "not javascript:", "Größe", 7])
def test_valid_key_is_trimmed(value):
    assert query.checked_key("reference", value, 100) == str(value).strip()


@given(st.text(max_size=120))
def test_accepted_key_is_one_condition(value):
    try:
        key = query.checked_key("reference", value)
    except ApiError:
        return
    assert query.all_of(query.equals("a", key), "b=1").split("^") == [f"a={key}", "b=1"]
    assert key.strip() == key != ""


@pytest.mark.parametrize("text", ["active=true\nstate=1", "opened_at>javascript:gs.daysAgo(1)", "a=JavaScript:x"])
def test_query_of_the_user_that_runs_code_is_refused(text):
    with pytest.raises(ApiError) as caught:
        query.checked_query("query", text)
    assert_message(caught.value.message, "query")


def test_query_of_the_user_is_kept():
    assert query.checked_query("query", " active=true^ORstate=1^NQpriority=1 ") == "active=true^ORstate=1^NQpriority=1"


@pytest.mark.parametrize("name", ["", "a b", "incident/x", "a^b", "1a", "a.b", "Größe", "null"])
def test_invalid_name_is_refused(name):
    with pytest.raises(ApiError) as caught:
        query.checked_name("table", name)
    assert_message(caught.value.message, "table")


def test_name_is_normalized():
    assert query.checked_name("table", " SN_SI_Incident ") == "sn_si_incident"


@pytest.mark.parametrize(
    "column, order, expected",
    [
        ("", "ascending", "a=1^ORDERBYsys_id"),
        ("opened_at", "ascending", "a=1^ORDERBYopened_at^ORDERBYsys_id"),
        ("caller_id.name", "descending", "a=1^ORDERBYDESCcaller_id.name^ORDERBYsys_id"),
        ("sys_id", "descending", "a=1^ORDERBYDESCsys_id"),
    ],
)
def test_order_is_total(column, order, expected):
    assert query.in_total_order("a=1", column, order) == expected


@pytest.mark.parametrize("column", ["a^b", "a b", "a..b", ".a"])
def test_invalid_column_to_sort_by_is_refused(column):
    with pytest.raises(ApiError) as caught:
        query.in_total_order("", column)
    assert_message(caught.value.message, "order_by")


def test_conditions_are_combined():
    assert query.all_of("", query.any_of(("name", "email"), "x"), query.is_one_of("element", ["a", "b"])) == (
        "name=x^ORemail=x^elementINa,b"
    )


@pytest.mark.parametrize("text, expected", [("0" * 32, True), ("aF" * 16, True), ("0" * 31, False), ("g" * 32, False)])
def test_sys_id_has_32_hexadecimal_digits(text, expected):
    assert query.is_sys_id(text) is expected
