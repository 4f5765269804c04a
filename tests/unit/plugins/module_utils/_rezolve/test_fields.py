# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields by UUID, label or name, and the values that are let through to the service."""

from __future__ import annotations

import re
from typing import Any, Mapping

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
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
    CONTAINED,
    DETECTED,
    DUE,
    HARDWARE,
    HOSTS,
    IMPACT_BUSINESS,
    IMPACT_TECHNICAL,
    REFERENCE,
    RESPONDER,
    ROOT_CAUSE,
    STATUS,
    TACTICS,
    URGENCY,
    WHERE,
    kind_of,
    uuid,
)

KIND = kind_of()


def refusal(given_fields: Mapping[str, Any], kind: TicketType = KIND) -> str:
    with pytest.raises(ApiError) as caught:
        resolve_values(kind, given_fields)
    assert caught.value.category == "configuration"
    return caught.value.message


def with_unknown_type(options: list[Any], type_name: str = "priority") -> TicketType:
    """A ticket type with a field p1, required, whose type is not known and has options."""
    field = {"id": "p1", "label": "Priority", "type": type_name, "required": True, "options": options}
    return kind_of({"id": "1", "name": "Change", "fields": [field]})


PRIORITIES = [{"value": "3", "label": "High"}, {"value": "1", "label": "Low"}]


@pytest.mark.parametrize("type_name", ["priority", ""])
@pytest.mark.parametrize(
    "given_value, sent", [("High", "3"), ("3", "3"), (3, "3"), (["low", "High"], ["1", "3"])], ids=repr
)
def test_options_of_an_unknown_type_are_used(given_value, sent, type_name):
    assert resolve_values(with_unknown_type(PRIORITIES, type_name), {"Priority": given_value}) == {"p1": sent}


@pytest.mark.parametrize(
    "value, shown", [("Hihg", "'Hihg'"), (["High", "Hihg"], "['3', 'Hihg']"), ({"id": "9"}, "{'id': '9'}")], ids=repr
)
def test_unknown_option_of_an_unknown_type_is_refused(value, shown):
    message = refusal({"Priority": value}, with_unknown_type(PRIORITIES))
    assert_message(message, "fields", "'Priority'", "'High', 'Low'", "list", shown)


def test_list_for_a_select_is_refused():
    assert_message(refusal({"Urgency": ["High"]}), "fields", "'Urgency'", "'High', 'Medium', 'Low'", "['High']")


def not_found(key: str, kind: TicketType = KIND, option: str = "fields") -> str:
    with pytest.raises(ApiError) as caught:
        find_field(kind, key, option)
    assert caught.value.category == "configuration"
    return caught.value.message


# --- which field is meant -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        REFERENCE,
        REFERENCE.upper(),
        "Incident Reference",
        "incident_reference",
        "incident reference",
        " INCIDENT REFERENCE ",
        "Incident_Reference",
    ],
)
def test_a_field_by_uuid_label_or_name(key):
    assert find_field(KIND, key, "fields").id == REFERENCE


def test_a_label_of_two_fields_is_refused_with_their_names_and_uuids():
    both = [f"impact_business ({IMPACT_BUSINESS})", f"impact_technical ({IMPACT_TECHNICAL})"]
    assert_message(not_found("Impact"), "fields", "'Impact'", 2, *both)
    assert find_field(KIND, "impact_technical", "fields").id == IMPACT_TECHNICAL


def test_an_unknown_label_is_refused_with_the_nearest():
    message = not_found("Urgancy", option="unique_by")
    assert_message(message, "unique_by", "'Urgancy'", "Security Incident")
    # By its label, which people know.
    assert re.findall("'(.*?)'", message)[:2] == ["Urgancy", "Urgency"]


def test_an_unknown_label_that_is_like_no_other_is_refused_with_all_that_there_are():
    assert_message(not_found("qqq", kind_of(HARDWARE)), "fields", "'qqq'", "Hardware Request", "'Model'")


def test_a_type_without_a_name_is_called_by_its_id():
    assert_message(not_found("Model", TicketType("16999", "")), "fields", "'Model'", 16999)


def test_an_exact_spelling_goes_before_a_similar_one():
    kind = TicketType("1", "", (Field("f1", "", "host", "text"), Field("f2", "", "Host", "text")))
    assert find_field(kind, "Host", "fields").id == "f2"
    assert find_field(kind, "host", "fields").id == "f1"
    assert_message(not_found("HOST", kind), "fields", "'HOST'", 2, "host (f1)", "Host (f2)")


def test_a_uuid_goes_before_a_label():
    kind = TicketType("1", "", (Field("f1", "f2", "f2", "text"), Field("f2", "", "Host", "text")))
    assert find_field(kind, "f2", "fields").id == "f2"


@pytest.mark.parametrize("key", ["Section", " SECTION "])
def test_field_without_id_is_refused_by_its_label(key):
    kind = TicketType("1", "", (Field("f1", "", "Host", "text"),), without_id=("Section",))
    assert_message(not_found(key, kind), "fields", repr(key), "no id")


def test_the_offer_is_no_field():
    assert_message(not_found("offerId"), "fields", "offerId", "offer_id", "offer")


names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)


@given(st.lists(names, min_size=1, max_size=6, unique_by=str.casefold), st.data())
def test_every_field_is_found_by_its_label_in_any_case(labels, data):
    kind = TicketType("1", "", tuple(Field(uuid(n), "", label, "text") for n, label in enumerate(labels)))
    place = data.draw(st.integers(0, len(labels) - 1))
    for key in (labels[place], labels[place].upper(), labels[place].lower(), f" {labels[place]} ", uuid(place)):
        assert find_field(kind, key, "fields").id == uuid(place)


@given(st.lists(names, min_size=1, max_size=6), names)
def test_a_key_finds_the_only_field_that_it_can_mean_or_none(labels, key):
    kind = TicketType("1", "", tuple(Field(uuid(n), "", label, "text") for n, label in enumerate(labels)))
    exact = [n for n, label in enumerate(labels) if label == key]
    alike = exact or [n for n, label in enumerate(labels) if label.casefold() == key.casefold()]
    if len(alike) == 1:
        assert find_field(kind, key, "fields").id == uuid(alike[0])
    else:
        message = not_found(key, kind)
        assert_message(message, "fields", repr(key), *([len(alike)] if alike else []))
        # Those that are meant by their UUIDs, and those that are only like it by their labels.
        assert [n for n in range(len(labels)) if uuid(n) in message] == alike


# Otherwise it would be that of the only field that has no name, or no label.
@pytest.mark.parametrize("key", ["", " "])
def test_an_empty_key_is_no_field(key):
    kind = TicketType("1", "", (Field("f1", "", "Host", "text"), Field("f2", "user", "User", "text")))
    assert_message(not_found(key, kind), "fields", "empty name")


# --- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key, value, sent",
    [
        ("Incident Reference", 42, "42"),
        ("Incident Reference", 4.5, "4.5"),
        ("urgency", "High", "high"),
        ("urgency", "1", "high"),
        ("urgency", 1, "high"),
        ("Affected Hosts", "3", 3),
        ("Affected Hosts", "2.5", 2.5),
        ("Detected At", "2026-11-21T02:40:00+01:00", "2026-11-21T02:40:00+01:00"),
        ("Due Date", "2026-11-21", "2026-11-21"),
        ("Due Date", None, None),
        ("Contained", "yes", True),
        ("Contained", "False", False),
        ("Contained", None, None),
        ("Tactics", "impact", ["Impact"]),
        ("Tactics", ["impact", "Execution"], ["Impact", "Execution"]),
        ("Tactics", [], []),
        ("Tactics", None, None),
        ("Responder", {"username": "a"}, {"username": "a"}),
        ("Responder", 7, 7),
        ("Where", [1, 2], [1, 2]),
        ("root_cause", "", ""),
        ("Root Cause", None, None),
    ],
    ids=repr,
)
def test_a_value_that_fits(key, value, sent):
    found = list(resolve_values(KIND, {key: value}).values())
    assert found == [sent]
    assert type(found[0]) is type(sent)


@pytest.mark.parametrize(
    "key, value, facts",
    [
        ("Incident Reference", True, ["text", True]),
        ("Incident Reference", ["a"], ["text", "['a']"]),
        ("Incident Reference", None, ["text", None]),
        ("Incident Reference", "", ["required", "empty"]),
        ("urgency", "urgent", ["one of", "'High', 'Medium', 'Low'", "'urgent'"]),
        ("urgency", None, ["one of", "'High', 'Medium', 'Low'", None]),
        ("urgency", "", ["one of", "'High', 'Medium', 'Low'", "''"]),
        ("Status", ["Open"], ["one of", "'Open', 'In Progress', 'Resolved'", "['Open']"]),
        ("Affected Hosts", "many", ["number", "'many'"]),
        ("Affected Hosts", True, ["number", True]),
        ("Affected Hosts", "", ["number", "''"]),
        ("Detected At", "yesterday", ["ISO 8601", "2026-11-21T06:00:00Z", "'yesterday'"]),
        ("Detected At", 20261121, ["ISO 8601", "2026-11-21T06:00:00Z", 20261121]),
        ("Due Date", "", ["ISO 8601", "2026-11-21T06:00:00Z", "''"]),
        ("Due Date", " ", ["ISO 8601", "2026-11-21T06:00:00Z", "' '"]),
        ("Due Date", "21.11.2026", ["ISO 8601", "2026-11-21T06:00:00Z", "'21.11.2026'"]),
        ("Contained", "maybe", ["true", "false", "'maybe'"]),
        ("Contained", 1, ["true", "false", 1]),
        ("Tactics", ["Impact", "Magic"], ["list", "'Execution', 'Persistence', 'Initial Access', 'Impact'"]),
        ("Root Cause", ["x" * 100], ["text", f"['{'x' * 55}..."]),
    ],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_refused(key, value, facts):
    assert_message(refusal({key: value}), "fields", repr(find_field(KIND, key, "fields").title), *facts)


def test_only_the_first_twenty_options_are_named():
    choices = tuple(Choice(f"o{n}", (f"o{n}",)) for n in range(23))
    kind = TicketType("1", "", (Field("f1", "", "Place", "select", choices=choices),))
    message = refusal({"Place": "elsewhere"}, kind)
    assert_message(message, "fields", "'Place'", "3 more", "'elsewhere'")
    assert re.findall("'(o.*?)'", message) == [f"o{n}" for n in range(20)]


def test_exactly_twenty_options_are_all_named():
    choices = tuple(Choice(f"o{n}", (f"o{n}",)) for n in range(20))
    kind = TicketType("1", "", (Field("f1", "", "Place", "select", choices=choices),))
    message = refusal({"Place": "elsewhere"}, kind)
    assert_message(message, "fields", "'Place'", "'elsewhere'")
    assert re.findall("'(o.*?)'", message) == [f"o{n}" for n in range(20)]
    assert not has_fact(message, "more")


@pytest.mark.parametrize("kind", ["select", "multiselect"])
def test_where_no_options_are_known_any_will_do(kind):
    found = TicketType("1", "", (Field("f1", "", "Place", kind),))
    assert resolve_values(found, {"Place": "elsewhere"})["f1"] in ("elsewhere", ["elsewhere"])


def test_a_required_field_without_known_options_must_not_be_empty():
    found = TicketType("1", "", (Field("f1", "", "Place", "select", is_required=True),))
    assert_message(refusal({"Place": None}, found), "fields", "'Place'", "required", "empty")


def test_a_field_must_not_be_named_twice():
    message = refusal({"Urgency": "High", URGENCY: "low"})
    assert_message(message, "fields", "'Urgency'", "twice")


def test_values_are_given_by_uuid_in_the_order_of_the_task():
    assert list(resolve_values(KIND, {"Status": "open", "urgency": "low"}).items()) == [
        (STATUS, "Open"),
        (URGENCY, "low"),
    ]


def test_a_number_as_a_key_is_taken_for_its_digits():
    kind = TicketType("1", "", (Field("f1", "", "2026", "text"),))
    assert resolve_values(kind, {2026: "a"}) == {"f1": "a"}


def test_the_schema_is_one_and_says_what_is_required():
    schema = schema_of(KIND)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == {field.id for field in KIND.fields}
    assert schema["properties"][REFERENCE] == {"type": "string"}
    assert schema["properties"][HOSTS] == {"anyOf": [{"type": "null"}, {"type": "number"}]}
    assert schema["properties"][TACTICS]["anyOf"][1]["type"] == "array"
    assert schema["properties"][WHERE] == {"anyOf": [{"type": "null"}, {}]}
    assert schema["properties"][CONTAINED] == {"anyOf": [{"type": "null"}, {"type": "boolean"}]}
    assert schema["properties"][DETECTED]["anyOf"][1] == {"type": "string", "format": "instant"}


# --- what a new ticket must have ------------------------------------------------------------------------------------


def test_a_required_field_without_a_default_must_be_given():
    with pytest.raises(ApiError) as caught:
        check_complete(KIND, {})
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "fields", "'Incident Reference'", "Security Incident")
    assert re.findall("'(.*?)'", caught.value.message) == ["Incident Reference"]


def test_what_has_a_default_or_is_required_on_a_condition_may_be_left_out():
    check_complete(KIND, {REFERENCE: "SEN-1"})


@pytest.mark.parametrize("default, is_complete", [(None, False), ("", False), ([], False), (False, True), (0, True)])
def test_a_default_that_is_empty_is_none(default, is_complete):
    kind = TicketType("1", "", (Field("f1", "", "Host", "text", True, default), Field("f2", "", "User", "text", True)))
    with pytest.raises(ApiError) as caught:
        check_complete(kind, {})
    assert_message(caught.value.message, "fields", 1, "'User'" if is_complete else "'Host', 'User'")
    assert has_fact(caught.value.message, "'Host'") != is_complete


# --- labels for people ----------------------------------------------------------------------------------------------


def test_uuids_in_a_text_get_their_labels():
    text = f"{REFERENCE}: is required; {DUE}: is no date; 0000: what is this"
    assert add_labels(KIND, text) == (
        f"Incident Reference ({REFERENCE}): is required; Due Date ({DUE}): is no date; 0000: what is this"
    )


def test_a_field_without_label_and_name_stays_its_uuid():
    kind = TicketType("1", "", (Field("f1", "", "", "text"), Field("f2", "user", "", "text")))
    assert add_labels(kind, "f1 and f2") == "f1 and user (f2)"


def test_values_by_label_tell_fields_of_one_label_apart():
    values = {URGENCY: "high", IMPACT_BUSINESS: "none", "offerId": "1", RESPONDER: None, ROOT_CAUSE: ""}
    assert by_title(KIND, values) == {
        "Urgency": "high",
        f"Impact ({IMPACT_BUSINESS})": "none",
        "offerId": "1",
        "Responder": None,
        "Root Cause": "",
    }
    assert by_title(None, values) == values
