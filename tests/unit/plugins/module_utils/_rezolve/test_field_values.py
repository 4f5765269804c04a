# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether two values of a field are the same, and what a value is read as."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import DATA_TYPES
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Choice, Field
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.field_values import (
    MAX_NUMBER_DIGITS,
    as_boolean,
    as_number,
    choice_of,
    is_empty,
    is_same,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import coerce
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    INCIDENT,
    field_of,
    kind_of,
)

FIELDS = kind_of().fields
#: One word for each kind of field.
TYPES = [*{kind: word for word, kind in DATA_TYPES.items()}.values(), "geo"]
TEXT, NUMBER, DATE, BOOLEAN, OTHER = (
    field_of(name) for name in ("incident_reference", "affected_hosts", "detected_at", "contained", "where")
)
SELECT, MULTISELECT = field_of("urgency"), field_of("tactics")
UNKNOWN_WITH_OPTIONS = Field(
    "f1", "priority", "Priority", "priority", choices=(Choice("3", ("3", "High")), Choice("1", ("1", "Low")))
)

fields = st.sampled_from(FIELDS)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["0", "false", "no", "1", "1.0", "true", "High", "high", "low", "Impact", "2026-11-21", "nan", "1e3"]
    ),
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(st.sampled_from(["id", "value", "label", "name"]), scalars, max_size=3),
)


def typed(kind: str, *choices: Choice) -> Field:
    return Field("f1", "name", "Label", kind, choices=choices)


# --- what is the same -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, one, other",
    [
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21T03:40:00+01:00"),
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21T02:40:00.000Z"),
        (DATE, "2026-11-21", "2026-11-21T00:00:00Z"),
        (DATE, "2026-11-21T02:40:00", "2026-11-21T02:40:00Z"),
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21t02:40:00+0000"),
        (DATE, "some day", "some day"),
        (NUMBER, 2, "2"),
        (NUMBER, "02", 2),
        (NUMBER, 2.0, 2),
        (NUMBER, "2.50", 2.5),
        (NUMBER, " 2 ", 2),
        (NUMBER, "9007199254740993", 9007199254740993),
        (TEXT, "42", 42),
        (TEXT, "4.5", 4.5),
        (OTHER, 42, "42"),
        (OTHER, "2026-11-21T02:40:00Z", "2026-11-21T03:40:00+01:00"),
        (OTHER, {"a": [1]}, {"a": [1]}),
        (UNKNOWN_WITH_OPTIONS, "High", "3"),
        (UNKNOWN_WITH_OPTIONS, "3", 3),
        (UNKNOWN_WITH_OPTIONS, ["High", "Low"], ["1", "3"]),
        (UNKNOWN_WITH_OPTIONS, "High", ["3"]),
        (BOOLEAN, True, "true"),
        (BOOLEAN, False, "No"),
        (BOOLEAN, "yes", "TRUE"),
        (SELECT, "High", "high"),
        (SELECT, "1", "high"),
        (SELECT, 1, "HIGH"),
        (SELECT, {"id": "1", "label": "whatever"}, "high"),
        (SELECT, "unknown", "unknown"),
        (MULTISELECT, ["Impact", "Execution"], ["execution", "impact"]),
        (MULTISELECT, "Impact", ["Impact"]),
        (MULTISELECT, ["Impact", "Impact"], ["Impact"]),
        (MULTISELECT, [{"label": "Impact"}], ["Impact"]),
    ],
)
def test_the_same_however_it_is_spelled(field, one, other):
    for pair in ((one, other), (other, one)):
        assert is_same(field, *pair)


@pytest.mark.parametrize(
    "field, one, other",
    [
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21T02:40:00+01:00"),
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21T02:40:00.001Z"),
        (DATE, "some day", "another day"),
        (DATE, 1, "1"),
        (NUMBER, 2, 3),
        (NUMBER, 1, True),
        (NUMBER, "two", "three"),
        (NUMBER, "9007199254740993", "9007199254740992"),
        (NUMBER, "sNaN", "1"),
        (TEXT, "a", "A"),
        (TEXT, "a", "a "),
        (TEXT, "1", "1.0"),
        (TEXT, "2026-11-21T02:40:00Z", "2026-11-21T03:40:00+01:00"),
        (TEXT, "<p>a</p>", "<p>a</p>\n"),
        (TEXT, True, "True"),
        (TEXT, 1, True),
        (OTHER, 1, True),
        (OTHER, 0, False),
        (OTHER, "a", {"username": "a"}),
        (OTHER, "1", "1.0"),
        # Without options, the order may be what a list is about, such as a latitude and a longitude.
        (OTHER, [1, 2], [2, 1]),
        (UNKNOWN_WITH_OPTIONS, "High", "1"),
        (UNKNOWN_WITH_OPTIONS, ["High"], ["1", "3"]),
        (BOOLEAN, True, 1),
        (BOOLEAN, False, 0),
        (BOOLEAN, "maybe", "perhaps"),
        (BOOLEAN, True, "maybe"),
        (SELECT, "high", "low"),
        (SELECT, "unknown", "high"),
        (MULTISELECT, ["Impact"], ["Impact", "Execution"]),
        (MULTISELECT, ["Impact"], ["Execution"]),
    ],
)
def test_not_the_same(field, one, other):
    for pair in ((one, other), (other, one)):
        assert not is_same(field, *pair)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("one", [None, "", [], {}], ids=repr)
@pytest.mark.parametrize("other", [None, "", [], {}], ids=repr)
def test_nothing_is_the_same_as_nothing(kind, one, other):
    assert is_same(typed(kind), one, other)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("nothing", [None, "", [], {}], ids=repr)
@pytest.mark.parametrize("something", [0, False, 0.0, "0", "false", " ", [None], [0]], ids=repr)
def test_nothing_is_never_taken_for_zero_or_no(kind, nothing, something):
    assert not is_same(typed(kind), nothing, something)
    assert not is_same(typed(kind), something, nothing)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("zero, no", [(0, False), (1, True), (0.0, False), ("0", False), ("1", True)], ids=repr)
def test_a_number_is_never_taken_for_a_truth_value(kind, zero, no):
    assert not is_same(typed(kind), zero, no)
    assert not is_same(typed(kind), no, zero)


@given(fields, values, values)
def test_being_the_same_goes_both_ways(field, one, other):
    forth, back = (is_same(field, *pair) for pair in ((one, other), (other, one)))
    assert forth == back


@given(fields, values)
@example(OTHER, {"a": 1})
def test_a_value_is_the_same_as_itself_and_as_what_is_sent_for_it(field, value):
    fitted = coerce(field, value)
    assert is_same(field, fitted, fitted)
    assert is_same(field, value, value)
    # An empty text is no list of options; the check of the values refuses it.
    assume(field.data_type != "multiselect" or not is_empty(value))
    assert is_same(field, value, fitted)


@given(fields, values)
def test_making_a_value_fit_twice_changes_nothing_more(field, value):
    fitted = coerce(field, value)
    assert coerce(field, fitted) == fitted


instants = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=timezone.utc)
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(instants, zones, zones)
def test_an_instant_is_the_same_in_every_zone(moment, zone, other_zone):
    one, other = moment.astimezone(zone).isoformat(), moment.astimezone(other_zone).isoformat()
    assert is_same(DATE, one, other)
    assert is_same(OTHER, one, other)


@given(instants, instants, zones, zones)
def test_two_instants_are_never_the_same(moment, later, zone, other_zone):
    assume(moment != later)
    assert not is_same(DATE, moment.astimezone(zone).isoformat(), later.astimezone(other_zone).isoformat())


@given(st.integers(), st.sampled_from([TEXT, NUMBER, OTHER]))
def test_a_number_is_the_same_as_its_digits(number, field):
    assert is_same(field, number, str(number))
    assert not is_same(field, number, str(number + 1))


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30))
def test_two_numbers_are_the_same_only_if_they_are_equal(one, other):
    assert is_same(NUMBER, str(one), other) == (one == other)


options = st.lists(st.sampled_from([choice.value for choice in MULTISELECT.choices]), min_size=1, unique=True)


@given(options, st.randoms(use_true_random=False))
def test_the_order_of_options_does_not_count(chosen, random):
    shuffled = [entry.upper() for entry in chosen]
    random.shuffle(shuffled)
    assert is_same(MULTISELECT, chosen, shuffled)
    assert not is_same(MULTISELECT, chosen, shuffled[1:])


# --- what a value is read as ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, number",
    [
        (3, 3),
        (2.5, 2.5),
        ("3", 3),
        (" -3 ", -3),
        ("+2.50", 2.5),
        ("9007199254740993", 9007199254740993),
        (True, None),
        (None, None),
        ("", None),
        ("3a", None),
        ("3.", None),
        (".5", None),
        ("1e3", None),
        ("٣", None),
        ([3], None),
        (float("nan"), None),
        (float("inf"), None),
        ("0.1", 0.1),
        ("1234567.25", 1234567.25),
        # A float would make another number of these.
        ("0.1111111111111111111", None),
        ("9007199254740993.0", None),
        ("9" * 290 + ".25", None),
    ],
)
def test_numbers(value, number):
    assert as_number(value) == number
    assert type(as_number(value)) is type(number)


@pytest.mark.parametrize(
    "value, boolean",
    [
        (True, True),
        (False, False),
        ("True", True),
        (" yes ", True),
        ("false", False),
        ("NO", False),
        (1, None),
        (0, None),
        ("on", None),
        ("", None),
        (None, None),
    ],
)
def test_truth_values(value, boolean):
    assert as_boolean(value) is boolean


@pytest.mark.parametrize("value", [None, "", [], {}], ids=repr)
def test_empty(value):
    assert is_empty(value)


@pytest.mark.parametrize("value", [0, 0.0, False, " ", "0", [None], {"a": None}], ids=repr)
def test_not_empty(value):
    assert not is_empty(value)


CROSSED = typed("select", Choice("a", ("a", "b")), Choice("b", ("b", "a")), Choice(3, ("3", "Three")))


@pytest.mark.parametrize(
    "value, stored",
    [
        ("a", "a"),
        ("b", "b"),
        ("B", "a"),
        ("three", 3),
        (3, 3),
        ("3", 3),
        (" THREE ", 3),
        ({"label": "Three"}, 3),
        ({"value": "b", "label": "a"}, "b"),
        ({"id": None, "name": "three"}, 3),
        ({"other": "a"}, {"other": "a"}),
        ("c", "c"),
        (None, None),
        (["a"], ["a"]),
    ],
    ids=repr,
)
def test_an_option_by_any_of_its_spellings(value: Any, stored: Any):
    assert choice_of(CROSSED, value) == stored


def test_an_option_that_is_a_truth_value_is_found_by_its_word():
    field = typed("select", Choice(True, ("True",)), Choice(False, ("False",)))
    assert [choice_of(field, word) for word in ("true", "FALSE", True, False)] == [True, False, True, False]


def test_every_type_of_the_sandbox_is_of_some_kind():
    assert {entry["type"]: field.data_type for entry, field in zip(INCIDENT["fields"], FIELDS)} == {
        "text": "text",
        "richtext": "text",
        "select": "select",
        "number": "number",
        "datetime": "date",
        "date": "date",
        "boolean": "boolean",
        "multiselect": "multiselect",
        "user": "other",
        "geo": "other",
    }


@pytest.mark.parametrize("digits", [301, 400, 5000])
def test_a_number_of_absurd_length_is_none(digits):
    assert as_number("9" * digits) is None


def test_a_number_of_the_greatest_length_is_one():
    assert MAX_NUMBER_DIGITS == 300
    assert as_number("9" * 300) == int("9" * 300)


@pytest.mark.parametrize("one, other", [("20261121", "2026-11-21"), ("2026-W47-6", "2026-11-21")])
def test_a_reference_that_reads_like_a_date_is_none(one, other):
    for pair in ((one, other), (other, one)):
        assert not is_same(OTHER, *pair)
