# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields by UUID, label or name, and the values that are let through to the service."""

from __future__ import annotations

from typing import Any, Mapping

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog import Choice, Field, TicketType
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.fields import (
    by_title,
    check_complete,
    find_field,
    resolved,
    schema_of,
    told_with_labels,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils.ticketing.memory_api import (
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
        resolved(kind, given_fields)
    assert caught.value.category == "configuration"
    return caught.value.message


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
    assert not_found("Impact") == (
        f"fields: 'Impact' is the label of 2 fields; give one of impact_business ({IMPACT_BUSINESS}), "
        f"impact_technical ({IMPACT_TECHNICAL})."
    )
    assert find_field(KIND, "impact_technical", "fields").id == IMPACT_TECHNICAL


def test_an_unknown_label_is_refused_with_the_nearest():
    message = not_found("Urgancy", option="unique_by")
    assert message.startswith("unique_by: 'Urgancy' is no field of ticket type Security Incident. Nearest: '")
    # By its label, which people know.
    assert message.split("Nearest: ")[1].startswith("'Urgency'")


def test_an_unknown_label_that_is_like_no_other_is_refused_with_all_that_there_are():
    assert not_found("qqq", kind_of(HARDWARE)).endswith("no field of ticket type Hardware Request. Known: 'Model'.")


def test_a_type_without_a_name_is_called_by_its_id():
    assert "ticket type 16999." in not_found("Model", TicketType("16999", ""))


def test_an_exact_spelling_goes_before_a_similar_one():
    kind = TicketType("1", "", (Field("f1", "", "host", "text"), Field("f2", "", "Host", "text")))
    assert find_field(kind, "Host", "fields").id == "f2"
    assert find_field(kind, "host", "fields").id == "f1"
    assert "is the label of 2 fields" in not_found("HOST", kind)


def test_a_uuid_goes_before_a_label():
    kind = TicketType("1", "", (Field("f1", "f2", "f2", "text"), Field("f2", "", "Host", "text")))
    assert find_field(kind, "f2", "fields").id == "f2"


def test_the_offer_is_no_field():
    assert not_found("offerId") == "fields must not hold offerId: the options offer_id and offer say it."


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
        assert ("is the label of" in message) == bool(alike)
        assert all(uuid(n) in message for n in alike)


# Otherwise it would be that of the only field that has no name, or no label.
@pytest.mark.parametrize("key", ["", " "])
def test_an_empty_key_is_no_field(key):
    kind = TicketType("1", "", (Field("f1", "", "Host", "text"), Field("f2", "user", "User", "text")))
    assert not_found(key, kind) == "fields holds an empty name, which is that of no field."


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
    found = list(resolved(KIND, {key: value}).values())
    assert found == [sent]
    assert type(found[0]) is type(sent)


@pytest.mark.parametrize(
    "key, value, words",
    [
        ("Incident Reference", True, "'Incident Reference' must be a text, not True."),
        ("Incident Reference", ["a"], "must be a text, not ['a']."),
        ("Incident Reference", None, "'Incident Reference' must be a text, not None."),
        ("Incident Reference", "", "'Incident Reference' is required, and must not be empty."),
        ("urgency", "urgent", "'Urgency' must be one of 'High', 'Medium', 'Low', not 'urgent'."),
        ("urgency", None, "'Urgency' must be one of 'High', 'Medium', 'Low', not None."),
        ("urgency", "", "'Urgency' must be one of 'High', 'Medium', 'Low', not ''."),
        ("Status", ["Open"], "must be one of 'Open', 'In Progress', 'Resolved', not ['Open']."),
        ("Affected Hosts", "many", "'Affected Hosts' must be a number, not 'many'."),
        ("Affected Hosts", True, "must be a number, not True."),
        ("Affected Hosts", "", "must be a number, not ''."),
        ("Detected At", "yesterday", "must be a date in ISO 8601, such as 2026-11-21T06:00:00Z, not 'yesterday'."),
        ("Detected At", 20261121, "must be a date in ISO 8601, such as 2026-11-21T06:00:00Z, not 20261121."),
        ("Due Date", "", "'Due Date' must be a date in ISO 8601, such as 2026-11-21T06:00:00Z, not ''."),
        ("Due Date", " ", "must be a date in ISO 8601, such as 2026-11-21T06:00:00Z, not ' '."),
        ("Due Date", "21.11.2026", "must be a date in ISO 8601, such as 2026-11-21T06:00:00Z, not '21.11.2026'."),
        ("Contained", "maybe", "'Contained' must be true or false, not 'maybe'."),
        ("Contained", 1, "must be true or false, not 1."),
        ("Tactics", ["Impact", "Magic"], "must be a list of 'Execution', 'Persistence', 'Initial Access', 'Impact', "),
        ("Root Cause", ["x" * 100], f"must be a text, not ['{'x' * 55}...."),
    ],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_refused(key, value, words):
    message = refusal({key: value})
    assert message.startswith("fields: ")
    assert words in message


def test_only_the_first_twenty_options_are_named():
    choices = tuple(Choice(f"o{n}", (f"o{n}",)) for n in range(23))
    kind = TicketType("1", "", (Field("f1", "", "Place", "select", choices=choices),))
    message = refusal({"Place": "elsewhere"}, kind)
    assert "'o0', 'o1', " in message
    assert message.endswith("'o19' and 3 more, not 'elsewhere'.")


def test_exactly_twenty_options_are_all_named():
    choices = tuple(Choice(f"o{n}", (f"o{n}",)) for n in range(20))
    kind = TicketType("1", "", (Field("f1", "", "Place", "select", choices=choices),))
    assert refusal({"Place": "elsewhere"}, kind).endswith("'o19', not 'elsewhere'.")


@pytest.mark.parametrize("kind", ["select", "multiselect"])
def test_where_no_options_are_known_any_will_do(kind):
    found = TicketType("1", "", (Field("f1", "", "Place", kind),))
    assert resolved(found, {"Place": "elsewhere"})["f1"] in ("elsewhere", ["elsewhere"])


def test_a_required_field_without_known_options_must_not_be_empty():
    found = TicketType("1", "", (Field("f1", "", "Place", "select", is_required=True),))
    assert refusal({"Place": None}, found) == "fields: 'Place' is required, and must not be empty."


def test_a_field_must_not_be_named_twice():
    message = refusal({"Urgency": "High", URGENCY: "low"})
    assert message == "fields names 'Urgency' twice, by different names."


def test_values_are_given_by_uuid_in_the_order_of_the_task():
    assert list(resolved(KIND, {"Status": "open", "urgency": "low"}).items()) == [(STATUS, "Open"), (URGENCY, "low")]


def test_a_number_as_a_key_is_taken_for_its_digits():
    kind = TicketType("1", "", (Field("f1", "", "2026", "text"),))
    assert resolved(kind, {2026: "a"}) == {"f1": "a"}


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
    assert caught.value.message == (
        "fields lacks 'Incident Reference', which a ticket of type Security Incident must have."
    )


def test_what_has_a_default_or_is_required_on_a_condition_may_be_left_out():
    check_complete(KIND, {REFERENCE: "SEN-1"})


@pytest.mark.parametrize("default, is_complete", [(None, False), ("", False), ([], False), (False, True), (0, True)])
def test_a_default_that_is_empty_is_none(default, is_complete):
    kind = TicketType("1", "", (Field("f1", "", "Host", "text", True, default), Field("f2", "", "User", "text", True)))
    with pytest.raises(ApiError) as caught:
        check_complete(kind, {})
    assert ("'Host', 'User'" in caught.value.message) != is_complete


# --- labels for people ----------------------------------------------------------------------------------------------


def test_uuids_in_a_text_get_their_labels():
    text = f"{REFERENCE}: is required; {DUE}: is no date; 0000: what is this"
    assert told_with_labels(KIND, text) == (
        f"Incident Reference ({REFERENCE}): is required; Due Date ({DUE}): is no date; 0000: what is this"
    )


def test_a_field_without_label_and_name_stays_its_uuid():
    kind = TicketType("1", "", (Field("f1", "", "", "text"), Field("f2", "user", "", "text")))
    assert told_with_labels(kind, "f1 and f2") == "f1 and user (f2)"


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
