# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the conversion and the comparison of field values."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

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
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import field_of, kind_of

FIELDS = kind_of().fields
TEXT, NUMBER, DATE, BOOLEAN, OTHER = (
    field_of(name) for name in ("incident_reference", "affected_hosts", "detected_at", "contained", "where")
)
SELECT, MULTISELECT = field_of("urgency"), field_of("tactics")
UNKNOWN_WITH_OPTIONS = Field(
    "f1", "priority", "Priority", "priority", choices=(Choice("3", ("3", "High")), Choice("1", ("1", "Low")))
)

any_field = st.sampled_from([*FIELDS, UNKNOWN_WITH_OPTIONS, *(Field("f1", "", "", word) for word in DATA_TYPES)])
any_number = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
any_scalar = st.one_of(
    st.none(),
    st.booleans(),
    any_number,
    st.text("aA01 .-:Z", max_size=8),
    st.sampled_from(["false", "no", "1.0", "true", "High", "high", "low", "Impact", "2026-11-21", "nan", "1e3"]),
)
any_value = st.one_of(
    any_scalar,
    st.lists(any_scalar, max_size=3),
    st.dictionaries(st.sampled_from(["id", "value", "label", "name"]), any_scalar, max_size=3),
)


# --- comparison -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, one, other",
    [
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21T02:40:00.000Z"),
        (DATE, "2026-11-21", "2026-11-21T00:00:00Z"),
        (DATE, "2026-11-21T02:40:00", "2026-11-21t02:40:00+0000"),
        (DATE, "some day", "some day"),
        (NUMBER, "02", 2),
        (NUMBER, 2.0, 2),
        (NUMBER, " 2.50 ", 2.5),
        (NUMBER, "two ", "two"),
        (TEXT, "4.5", 4.5),
        (OTHER, {"a": [1]}, {"a": [1]}),
        (UNKNOWN_WITH_OPTIONS, "High", 3),
        (UNKNOWN_WITH_OPTIONS, ["High", "Low"], ["1", "3"]),
        (UNKNOWN_WITH_OPTIONS, "High", ["3"]),
        (BOOLEAN, False, "No"),
        (BOOLEAN, "yes", "TRUE"),
        (SELECT, 1, "HIGH"),
        (SELECT, {"id": "1", "label": "any"}, "high"),
        (SELECT, "unknown", "unknown"),
        (MULTISELECT, "Impact", ["Impact"]),
        (MULTISELECT, ["Impact", "Impact"], ["Impact"]),
        (MULTISELECT, [{"label": "Impact"}], ["Impact"]),
    ],
)
def test_same_value_in_another_notation(field, one, other):
    for pair in ((one, other), (other, one)):
        assert is_same(field, *pair)


@pytest.mark.parametrize(
    "field, one, other",
    [
        (DATE, "2026-11-21T02:40:00Z", "2026-11-21T02:40:00.001Z"),
        (DATE, "some day", "another day"),
        (DATE, 1, "1"),
        (NUMBER, "two", "three"),
        (NUMBER, "sNaN", "1"),
        (TEXT, "a", "A"),
        (TEXT, "a", "a "),
        (TEXT, "1", "1.0"),
        (TEXT, "2026-11-21T02:40:00Z", "2026-11-21T03:40:00+01:00"),
        (TEXT, True, "True"),
        (OTHER, "a", {"username": "a"}),
        (OTHER, "1", "1.0"),
        # A number and a week are references, not dates.
        (OTHER, "20261121", "2026-11-21"),
        (OTHER, "2026-W47-6", "2026-11-21"),
        # Without options, the order may matter, such as for a latitude and a longitude.
        (OTHER, [1, 2], [2, 1]),
        (UNKNOWN_WITH_OPTIONS, "High", "1"),
        (UNKNOWN_WITH_OPTIONS, ["High"], ["1", "3"]),
        (BOOLEAN, "maybe", "perhaps"),
        (BOOLEAN, True, "maybe"),
        (SELECT, "unknown", "high"),
        (MULTISELECT, ["Impact"], ["Execution"]),
    ],
)
def test_different_values(field, one, other):
    for pair in ((one, other), (other, one)):
        assert not is_same(field, *pair)


@given(any_field, any_value, any_value)
def test_comparison_is_symmetric(field, one, other):
    assert len({is_same(field, *pair) for pair in ((one, other), (other, one))}) == 1


@given(any_field, any_value, st.sampled_from([None, "", [], {}]))
@example(NUMBER, 0, None)
@example(BOOLEAN, False, "")
@example(TEXT, " ", "")
@example(MULTISELECT, [None], [])
def test_empty_value_is_only_the_same_as_an_empty_one(field, value, empty):
    is_blank = isinstance(value, (str, list, dict)) and not value
    assert is_empty(value) == (value is None or is_blank)
    assert is_same(field, value, empty) == is_same(field, empty, value) == is_empty(value)


@given(any_field, any_number | st.integers(0, 1) | st.sampled_from(["0", "1"]), st.booleans())
def test_number_is_never_the_same_as_a_boolean(field, number, boolean):
    assert not is_same(field, number, boolean)
    assert not is_same(field, boolean, number)


@given(any_field, any_value)
@example(OTHER, {"a": 1})
def test_value_is_the_same_as_its_conversion(field, value):
    converted = coerce(field, value)
    assert coerce(field, converted) == converted
    assert is_same(field, converted, converted)
    assert is_same(field, value, value)
    # An empty text is not a list of options, and its validation fails.
    assume(field.data_type != "multiselect" or not is_empty(value))
    assert is_same(field, value, converted)


any_instant = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=timezone.utc)
)
any_zone = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(any_instant, st.just(0) | st.integers(-90_000, 90_000), any_zone, any_zone)
def test_dates_are_compared_as_points_in_time(moment, seconds, zone, other_zone):
    one, other = moment.astimezone(zone), (moment + timedelta(seconds=seconds)).astimezone(other_zone)
    for field in (DATE, OTHER):
        assert is_same(field, one.isoformat(), other.isoformat()) == (seconds == 0)


@given(st.integers(-(10**30), 10**30), st.integers(-1, 1), st.sampled_from([TEXT, NUMBER, OTHER]))
@example(9007199254740992, 1, NUMBER)
def test_numbers_are_compared_by_all_digits(number, difference, field):
    assert is_same(field, number, str(number + difference)) == (difference == 0)
    assert is_same(NUMBER, str(number), str(number + difference)) == (difference == 0)


any_options = st.lists(st.sampled_from([choice.value for choice in MULTISELECT.choices]), min_size=1, unique=True)


@given(any_options, st.randoms(use_true_random=False))
def test_options_are_compared_regardless_of_order_and_case(chosen, random):
    shuffled = [entry.upper() for entry in chosen]
    random.shuffle(shuffled)
    assert is_same(MULTISELECT, chosen, shuffled)
    assert not is_same(MULTISELECT, chosen, shuffled[1:])


# --- conversion -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, number",
    [
        (3, 3),
        (2.5, 2.5),
        (" -3 ", -3),
        ("+2.50", 2.5),
        ("9007199254740993", 9007199254740993),
        ("1234567.25", 1234567.25),
        ("9" * MAX_NUMBER_DIGITS, int("9" * MAX_NUMBER_DIGITS)),
        *((value, None) for value in (True, None, "", "3a", "3.", ".5", "1e3", "٣", [3], float("nan"), float("inf"))),
        # A float cannot represent these.
        *((value, None) for value in ("0.1111111111111111111", "9007199254740993.0", "9" * 290 + ".25")),
        *(("9" * digits, None) for digits in (MAX_NUMBER_DIGITS + 1, 5000)),
        (10**MAX_NUMBER_DIGITS, None),
    ],
)
def test_conversion_to_a_number(value, number):
    assert as_number(value) == number
    assert type(as_number(value)) is type(number)


@pytest.mark.parametrize(
    "value, boolean",
    [
        *((value, True) for value in (True, "True", " yes ")),
        *((value, False) for value in (False, "false", "NO")),
        *((value, None) for value in (1, 0, "on", "", None)),
    ],
)
def test_conversion_to_a_boolean(value, boolean):
    assert as_boolean(value) is boolean


CROSSED = Field(
    "f1", "", "", "select", choices=(Choice("a", ("a", "b")), Choice("b", ("b", "a")), Choice(3, ("3", "Three")))
)
BOOLEANS = Field("f1", "", "", "select", choices=(Choice(True, ("True",)), Choice(False, ("False",))))


@pytest.mark.parametrize(
    "field, value, stored",
    [
        (CROSSED, "a", "a"),
        (CROSSED, "b", "b"),
        (CROSSED, "B", "a"),
        (CROSSED, " THREE ", 3),
        (CROSSED, 3, 3),
        (CROSSED, {"label": "Three"}, 3),
        (CROSSED, {"value": "b", "label": "a"}, "b"),
        (CROSSED, {"id": None, "name": "three"}, 3),
        (CROSSED, {"other": "a"}, {"other": "a"}),
        (CROSSED, "c", "c"),
        (CROSSED, None, None),
        (CROSSED, ["a"], ["a"]),
        (BOOLEANS, "FALSE", False),
        (BOOLEANS, True, True),
    ],
)
def test_option_is_found_by_any_of_its_names(field, value, stored):
    assert choice_of(field, value) == stored
