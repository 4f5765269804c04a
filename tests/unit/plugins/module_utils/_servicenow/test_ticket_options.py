# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a ticket: what is accepted, and what is refused before any request."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import Wanted, parse_options
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

SYS_ID = "3F7B2C4D5E6F708192A3B4C5D6E7F809"
UUID = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"
NEW = {"reference": "SEN-1", "short_description": "A ticket"}


def refusal(options: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse_options(options)
    assert caught.value.category == "configuration"
    return caught.value


@pytest.mark.parametrize(
    "options, facts",
    [
        ({}, ["number, sys_id and reference"]),
        ({"number": " ", "reference": ""}, ["number, sys_id and reference"]),
        ({"number": "INC1", "sys_id": SYS_ID}, ["number and sys_id", "mutually exclusive"]),
        ({"number": "None"}, ["number", "null"]),
        ({"reference": "null"}, ["reference", "null"]),
        ({"number": "INC1^x"}, ["number", "'^'"]),
        ({"reference": "a\nb"}, ["reference", "line break"]),
        ({"reference": "javascript:x"}, ["reference"]),
        ({"reference": "x" * 101}, ["reference", "101", "100"]),
        ({"sys_id": "123"}, ["sys_id", "32"]),
        ({**NEW, "table": "a b"}, ["table"]),
        ({"number": "INC1", "short_description": "x"}, ["short_description", "number"]),
        ({**NEW, "short_description": "a\tb"}, ["short_description", "U+0009"]),
        ({**NEW, "fields": {"short_description": "x"}}, ["short_description", "fields.short_description"]),
        ({**NEW, "fields": {"work_notes": "x"}}, ["option work_notes"]),
        ({**NEW, "fields": {"COMMENTS": "x"}}, ["option comments"]),
        ({**NEW, "fields": {"priority": "1"}}, ["priority", "impact and urgency"]),
        ({**NEW, "fields": {"incident_state": "1"}}, ["incident_state", "state"]),
        ({**NEW, "fields": {"sys_created_by": "x"}}, ["sys_created_by"]),
        ({**NEW, "fields": {"correlation_id": "x"}}, ["correlation_id", "option reference"]),
        ({**NEW, "fields": {"number": "x"}}, ["number"]),
        ({**NEW, "fields": {"Assignment group": "x"}}, ["fields"]),
        ({**NEW, "fields": {"state": "1", "STATE": "2"}}, ["state", "twice"]),
        ({**NEW, "unique_by": ["company"]}, ["unique_by", "company", "fields"]),
        ({**NEW, "unique_by": ["company"], "fields": {"company": ["a"]}}, ["unique_by", "company"]),
        ({**NEW, "unique_by": ["company"], "fields": {"company": "None"}}, ["company", "null"]),
        ({**NEW, "work_notes": "null"}, ["work_notes", "null"]),
        ({**NEW, "reference_display": "x" * 101}, ["reference_display", "100"]),
        ({**NEW, "verify_timeout": -1}, ["verify_timeout"]),
    ],
)
def test_invalid_options_are_refused(options, facts):
    assert_message(refusal(options).message, *facts)


@pytest.mark.parametrize("reference", ["cf|sentinel", "cf||1", "CF|a|b|c", "cf|sentinel| "])
def test_reference_that_only_begins_like_that_of_contraforce_is_refused(reference):
    assert_message(refusal({**NEW, "reference": reference}).message, "cf|source|incident id")


def test_reference_without_workspace_needs_a_column_of_the_customer():
    given = {**NEW, "reference": "cf|sentinel|20940"}
    assert_message(refusal(given).message, "20940", "company or assignment_group", "unique_by")
    assert_message(refusal({**given, "unique_by": ["category"], "fields": {"category": "x"}}).message, "company")
    for column in ("company", "assignment_group"):
        wanted = parse_options({**given, "unique_by": [column], "fields": {column: "Fabrikam"}})
        assert wanted.unique_by == (column,)


@pytest.mark.parametrize("reference", [f"cf|sentinel|{UUID}", f"CF|Sentinel|{UUID.upper()}", "cf", "cfx|1", "a|b|c"])
def test_other_references_identify_a_ticket_alone(reference):
    assert parse_options({**NEW, "reference": reference}).reference == reference


def test_options_are_normalized():
    wanted = parse_options(
        {
            "table": " SN_SI_Incident ",
            "reference": " SEN-1 ",
            "reference_display": " ContraForce ",
            "short_description": " A ticket ",
            "fields": {"Category ": "x"},
            "unique_by": ["category", "", "CATEGORY"],
            "ignore_fields": ["Description"],
            "include_closed": True,
            "work_notes": " a\r\nb ",
            "comments": " ",
        }
    )
    assert wanted == Wanted(
        "sn_si_incident",
        reference="SEN-1",
        reference_display="ContraForce",
        short_description="A ticket",
        fields={"category": "x"},
        unique_by=("category",),
        ignore_fields=frozenset({"description"}),
        include_closed=True,
        notes={"work_notes": "a\nb"},
    )


def test_security_incident_may_set_its_priority():
    wanted = parse_options({"table": "sn_si_incident", "number": "SIR1", "fields": {"priority": "1"}})
    assert wanted.fields == {"priority": "1"}


def test_names_of_one_ticket_are_equal():
    assert parse_options({"sys_id": SYS_ID}).ticket_id == SYS_ID.lower()
    one, other = (parse_options({"number": number}) for number in ("inc1", "INC1"))
    assert one != other
    assert one.normalized() == other.normalized()


@pytest.mark.parametrize(
    "options, name",
    [
        ({"number": "INC1"}, "ticket INC1 (table incident)"),
        (NEW, "ticket 'SEN-1' (table incident)"),
    ],
)
def test_ticket_has_a_name_for_messages(options, name):
    assert str(parse_options(options)) == name
