# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how fields are found by UUID, label or name, and how their values are converted and validated."""

from __future__ import annotations

import re
from typing import Any, Callable

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import excerpt
from ansible_collections.secops.itsm.plugins.module_utils._redaction.redactor import Redactor
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog import Choice, Field, TicketType
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import (
    add_labels,
    by_title,
    check_complete,
    find_field,
    resolve_values,
    schema_of,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    DUE,
    HARDWARE,
    IMPACT_BUSINESS,
    IMPACT_TECHNICAL,
    REFERENCE,
    RESPONDER,
    ROOT_CAUSE,
    STATUS,
    URGENCY,
    kind_of,
    uuid,
)

INCIDENT = kind_of()
#: A ticket type with a required field of an unknown type that has options.
UNKNOWN = kind_of(
    {
        "id": "1",
        "name": "Change",
        "fields": [
            {
                "id": "p1",
                "label": "Priority",
                "type": "priority",
                "required": True,
                "options": [{"value": "3", "label": "High"}, {"value": "1", "label": "Low"}],
            }
        ],
    }
)


def type_with(*fields: Field, without_id: tuple[str, ...] = ()) -> TicketType:
    return TicketType("16999", "", fields, without_id)


def resolve(given_values: dict[Any, Any], ticket_type: TicketType = INCIDENT, *secrets: str) -> dict[str, Any]:
    redact = Redactor(secrets).text
    return resolve_values(ticket_type, given_values, lambda text, length: excerpt(text, redact, length))


def refusal(call: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(ApiError) as caught:
        call(*arguments)
    assert caught.value.category == "configuration"
    return caught.value.message


# --- finding fields -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [REFERENCE.upper(), "Incident Reference", " INCIDENT REFERENCE ", "Incident_Reference"])
def test_field_is_found_by_uuid_label_or_name(key):
    assert find_field(INCIDENT, key, "fields").id == REFERENCE


def test_exact_match_precedes_a_match_ignoring_case():
    ticket_type = type_with(Field("f1", "", "host", "text"), Field("f2", "", "Host", "text"))
    assert find_field(ticket_type, "Host", "fields").id == "f2"
    assert find_field(ticket_type, "host", "fields").id == "f1"


def test_uuid_precedes_a_label():
    ticket_type = type_with(Field("f1", "f2", "f2", "text"), Field("f2", "", "Host", "text"))
    assert find_field(ticket_type, "f2", "fields").id == "f2"


ONE_FIELD = type_with(Field("f1", "", "Host", "text"), Field("f2", "user", "User", "text"), without_id=("Section",))


@pytest.mark.parametrize(
    "ticket_type, key, facts",
    [
        (INCIDENT, "Impact", [2, f"impact_business ({IMPACT_BUSINESS}), impact_technical ({IMPACT_TECHNICAL})"]),
        # The nearest is suggested by its label, which users know, not by its name.
        (INCIDENT, "Urgancy", ["'Urgancy'", "Security Incident", "Nearest: 'Urgency'"]),
        (kind_of(HARDWARE), "qqq", ["'qqq'", "Hardware Request", "Known: 'Model'"]),
        (type_with(), "Model", ["'Model'", 16999]),
        (ONE_FIELD, " SECTION ", ["' SECTION '", "no id"]),
        (ONE_FIELD, "offerId", ["offerId", "offer_id", "offer"]),
        # An empty key would match a field without a label or a name.
        (ONE_FIELD, "", ["empty"]),
        (ONE_FIELD, " ", ["empty"]),
    ],
)
def test_unknown_or_ambiguous_field_is_refused(ticket_type, key, facts):
    assert_message(refusal(find_field, ticket_type, key, "unique_by"), "unique_by", *facts)


names = st.text("aAbBcC1", min_size=1, max_size=3)


@given(st.lists(names, min_size=1, max_size=6), names, st.sampled_from([str, str.upper, str.lower, " {} ".format]))
def test_key_finds_its_only_match_or_names_all_matches(labels, key, spell):
    ticket_type = type_with(*(Field(uuid(n), "", label, "text") for n, label in enumerate(labels)))
    key = spell(key)
    exact = [n for n, label in enumerate(labels) if label == key]
    matches = exact or [n for n, label in enumerate(labels) if label.casefold() == key.strip().casefold()]
    if len(matches) == 1:
        assert find_field(ticket_type, key, "fields").id == uuid(matches[0])
    else:
        message = refusal(find_field, ticket_type, key, "fields")
        assert_message(message, "fields", repr(key), *([len(matches)] if matches else []))
        assert [n for n in range(len(labels)) if uuid(n) in message] == matches
    assert find_field(ticket_type, uuid(0), "fields").id == uuid(0)


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ticket_type, key, value, converted",
    [
        (INCIDENT, "Incident Reference", 42, "42"),
        (INCIDENT, "urgency", 1, "high"),
        (INCIDENT, "Affected Hosts", "3", 3),
        (INCIDENT, "Affected Hosts", "2.5", 2.5),
        (INCIDENT, "Detected At", "2026-11-21T02:40:00+01:00", "2026-11-21T02:40:00+01:00"),
        (INCIDENT, "Due Date", None, None),
        (INCIDENT, "Contained", "yes", True),
        (INCIDENT, "Contained", "False", False),
        (INCIDENT, "Tactics", "impact", ["Impact"]),
        (INCIDENT, "Tactics", ["impact", "Execution"], ["Impact", "Execution"]),
        (INCIDENT, "Tactics", [], []),
        (INCIDENT, "Responder", {"username": "a"}, {"username": "a"}),
        (INCIDENT, "Where", [1, 2], [1, 2]),
        (INCIDENT, "root_cause", "", ""),
        (UNKNOWN, "Priority", 3, "3"),
        (UNKNOWN, "Priority", ["low", "High"], ["1", "3"]),
        (type_with(Field("f1", "", "Place", "select")), "Place", "elsewhere", "elsewhere"),
        (type_with(Field("f1", "", "Place", "multiselect")), "Place", "elsewhere", ["elsewhere"]),
        (type_with(Field("f1", "", "2026", "text")), 2026, "a", "a"),
    ],
)
def test_valid_value_is_converted(ticket_type, key, value, converted):
    found = next(iter(resolve({key: value}, ticket_type).values()))
    assert found == converted
    assert type(found) is type(converted)


DATE = ["ISO 8601", "2026-11-21T06:00:00Z"]
URGENCIES = ["one of", "'High', 'Medium', 'Low'"]


@pytest.mark.parametrize(
    "ticket_type, key, value, facts",
    [
        (INCIDENT, "Incident Reference", True, ["text", True]),
        (INCIDENT, "Incident Reference", None, ["text", None]),
        (INCIDENT, "Incident Reference", "", ["required", "empty"]),
        (INCIDENT, "Urgency", "urgent", [*URGENCIES, "'urgent'"]),
        (INCIDENT, "Urgency", None, [*URGENCIES, None]),
        (INCIDENT, "Urgency", ["High"], [*URGENCIES, "['High']"]),
        (INCIDENT, "Affected Hosts", "many", ["number", "'many'"]),
        (INCIDENT, "Affected Hosts", True, ["number", True]),
        (INCIDENT, "Affected Hosts", 10**300, ["number"]),
        (INCIDENT, "Detected At", 20261121, [*DATE, 20261121]),
        (INCIDENT, "Due Date", " ", [*DATE, "' '"]),
        (INCIDENT, "Due Date", "21.11.2026", [*DATE, "'21.11.2026'"]),
        (INCIDENT, "Contained", 1, ["true", "false", 1]),
        (INCIDENT, "Tactics", ["Magic"], ["a list of", "'Execution', 'Persistence', 'Initial Access', 'Impact'"]),
        (INCIDENT, "Root Cause", ["x" * 100], ["text", f"['{'x' * 55}..."]),
        (INCIDENT, "Where", float("nan"), ["JSON"]),
        (INCIDENT, "Responder", {"a": ["\ud800"]}, ["JSON"]),
        (UNKNOWN, "Priority", "Hihg", ["'High', 'Low'", "list", "'Hihg'"]),
        (UNKNOWN, "Priority", ["High", "Hihg"], ["'High', 'Low'", "list", "['3', 'Hihg']"]),
        (UNKNOWN, "Priority", {"id": "9"}, ["'High', 'Low'", "list", "{'id': '9'}"]),
        (type_with(Field("f1", "", "Place", "select", is_required=True)), "Place", None, ["required", "empty"]),
    ],
)
def test_invalid_value_is_refused(ticket_type, key, value, facts):
    assert_message(refusal(resolve, {key: value}, ticket_type), "fields", repr(key), *facts)


def test_invalid_value_is_redacted_before_it_is_cut():
    secret = "s3cr3t-of-a-customer"
    message = refusal(resolve, {"Root Cause": ["x" * 45 + secret]}, INCIDENT, secret)
    assert_message(message, "'Root Cause'", "text")
    assert "s3cr3t" not in message


@pytest.mark.parametrize("count, more", [(20, []), (23, ["3 more"])])
def test_refusal_names_at_most_twenty_options(count, more):
    choices = tuple(Choice(f"o{n}", (f"o{n}",)) for n in range(count))
    message = refusal(resolve, {"Place": "elsewhere"}, type_with(Field("f1", "", "Place", "select", choices=choices)))
    assert_message(message, "fields", "'Place'", "'elsewhere'", *more)
    assert re.findall("'(o.*?)'", message) == [f"o{n}" for n in range(20)]
    assert has_fact(message, "more") == bool(more)


def test_field_given_by_two_names_is_refused():
    assert_message(refusal(resolve, {"Urgency": "High", URGENCY: "low"}), "fields", "'Urgency'", "twice")


def test_values_keep_the_order_of_the_task():
    assert list(resolve({"Status": "open", "urgency": "low"}).items()) == [(STATUS, "Open"), (URGENCY, "low")]


def test_schema_is_valid_and_covers_all_fields():
    schema = schema_of(INCIDENT)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {field.id for field in INCIDENT.fields}
    assert schema["properties"][REFERENCE] == {"type": "string"}
    assert schema["properties"][DUE] == {"anyOf": [{"type": "null"}, {"type": "string", "format": "instant"}]}


# --- required fields ------------------------------------------------------------------------------------------------


def test_only_required_fields_without_a_default_must_be_set():
    message = refusal(check_complete, INCIDENT, {})
    assert_message(message, "fields", "Security Incident")
    assert re.findall("'(.*?)'", message) == ["Incident Reference"]
    check_complete(INCIDENT, {REFERENCE: "SEN-1"})


@pytest.mark.parametrize("default, missing", [(None, True), ("", True), ([], True), (False, False), (0, False)])
def test_empty_default_does_not_count(default, missing):
    ticket_type = type_with(Field("f1", "", "Host", "text", True, default), Field("f2", "", "User", "text", True))
    message = refusal(check_complete, ticket_type, {})
    assert_message(message, "fields", 16999, "'Host', 'User'" if missing else "'User'")
    assert has_fact(message, "'Host'") == missing


# --- labels ---------------------------------------------------------------------------------------------------------


def test_labels_are_added_to_uuids_in_a_text():
    text = f"{REFERENCE}: is required; {DUE}: is not a date; 0000: unknown"
    assert add_labels(INCIDENT, text) == (
        f"Incident Reference ({REFERENCE}): is required; Due Date ({DUE}): is not a date; 0000: unknown"
    )
    ticket_type = type_with(Field("f1", "", "", "text"), Field("f2", "user", "", "text"))
    assert add_labels(ticket_type, "f1 and f2") == "f1 and user (f2)"


def test_shared_labels_are_followed_by_the_uuid():
    values = {URGENCY: "high", IMPACT_BUSINESS: "none", "offerId": "1", RESPONDER: None, ROOT_CAUSE: ""}
    assert by_title(INCIDENT, values) == {
        "Urgency": "high",
        f"Impact ({IMPACT_BUSINESS})": "none",
        "offerId": "1",
        "Responder": None,
        "Root Cause": "",
    }
    assert by_title(None, values) == values
