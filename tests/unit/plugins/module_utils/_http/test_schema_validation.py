# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contract checks name places and rules, and never a value."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http import schema_validation
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import schemas as ticketing_schemas
from ansible_collections.secops.itsm.tests.unit.messages import assert_message


@pytest.mark.parametrize(
    "body, facts",
    [
        ({"status": "Closed", "note": "x"}, ["note", "unknown", "top level"]),
        ({"comment": "x"}, ["status", "missing", "top level"]),
        ({"status": "Resolved"}, ["status", "enum"]),
        ({"status": "Closed", "comment": 7}, ["comment", "type"]),
        ({"status": "Closed", "classification": None}, ["classification", "enum"]),
        ([], ["top level", "type"]),
    ],
)
def test_invalid_request_is_refused(body, facts):
    with pytest.raises(ApiError) as caught:
        schema_validation.validate_request(schemas.STATUS_REQUEST, body)
    assert caught.value.category == "contract"
    assert_message(caught.value.message, *facts)


def test_valid_request_is_accepted():
    schema_validation.validate_request(
        schemas.STATUS_REQUEST, {"status": "Closed", "updateTicket": True, "ticketId": "T1"}
    )


@pytest.mark.parametrize(
    "schema, body, facts",
    [
        (schemas.INCIDENT_ANSWER, {}, ["data", "missing"]),
        (schemas.INCIDENT_ANSWER, {"data": [1]}, ["data", "type"]),
        (schemas.INCIDENT_ANSWER, None, ["top level", "type"]),
        (schemas.INCIDENT_RECORD, {"id": "1"}, ["status", "missing"]),
        (schemas.INCIDENT_RECORD, {"status": {"s3cr3t": 1}}, ["status", "type"]),
        (schemas.COMMENTS_ANSWER, {"data": ["1"]}, ["data.0", "type"]),
    ],
)
def test_invalid_response_is_refused(schema, body, facts):
    with pytest.raises(ApiError) as caught:
        schema_validation.validate_response(schema, body, "url", method="GET", path="/x", http_status=200)
    assert (caught.value.category, caught.value.path) == ("contract", "/x")
    assert_message(caught.value.message, *facts)
    assert "s3cr3t" not in caught.value.message


def test_unknown_property_of_a_response_is_accepted():
    schema_validation.validate_response(schemas.INCIDENT_RECORD, {"status": "New", "brandNew": {"a": 1}}, "url")


def test_other_rules_are_named():
    assert schema_validation.first_violation({"minLength": 3}, "a") == "the top level breaks the rule 'minLength'"


@pytest.mark.parametrize(
    "schema, body, facts",
    [
        ("CREATE_REQUEST", {}, ["source, summary, ticketBody, attachments, ticketRelation", "missing", "top level"]),
        ("CREATE_REQUEST", {"ticketBody": {}}, ["source, summary, attachments, ticketRelation", "missing"]),
        ("UPDATE_REQUEST", {"etag": "e", "ticketUpdate": {}}, ["ticketUpdate", "rule", "'minProperties'"]),
        ("UPDATE_REQUEST", {"etag": "", "ticketUpdate": {"a": 1}}, ["etag", "rule", "'minLength'"]),
        ("UPDATE_REQUEST", {"etag": None, "ticketUpdate": {"a": 1}}, ["etag", "type", "'string'"]),
        ("LIST_REQUEST", {"top": 101, "offset": 0}, ["top", "rule", "'maximum'"]),
        ("LIST_REQUEST", {"top": 0, "offset": 0}, ["top", "rule", "'minimum'"]),
        ("LIST_REQUEST", {"top": 1, "offset": -1}, ["offset", "rule", "'minimum'"]),
        ("LIST_REQUEST", {"top": True, "offset": 0}, ["top", "type", "'integer'"]),
        ("LIST_REQUEST", {"top": 1, "offset": 0, "searchOrder": "asc"}, ["searchOrder", "enum"]),
        (
            "LIST_REQUEST",
            {"top": 1, "offset": 0, "filter": {"op": "AND", "operand": [{"op": "IS", "column": "a", "operand": 1}]}},
            ["filter.operand.0.op", "enum"],
        ),
    ],
)
def test_invalid_ticketing_request_is_refused(schema, body, facts):
    with pytest.raises(ApiError) as caught:
        schema_validation.validate_request(getattr(ticketing_schemas, schema), body)
    assert (caught.value.category, caught.value.ambiguous) == ("contract", False)
    assert_message(caught.value.message, *facts)


def test_invalid_response_to_a_write_is_ambiguous():
    with pytest.raises(ApiError) as caught:
        schema_validation.validate_response(
            {"type": "object"}, [], "url", method="POST", path="/x", request_id="r1", ambiguous=True
        )
    found = caught.value
    assert (found.ambiguous, found.method, found.request_id, found.retryable) == (True, "POST", "r1", False)


# --- the properties of an object that depart from a schema ----------------------------------------------------------

SCHEMA = {
    "type": "object",
    "required": ["text"],
    "properties": {
        "text": {"type": "string"},
        "number": {"type": ["number", "null"]},
        "word": {"enum": ["a", "b", 1]},
        "even": {"type": ["string", "number"], "format": "even"},
        "list": {"type": "array", "items": {"enum": ["a", "b"]}},
    },
}


@pytest.mark.parametrize(
    "value, wrong",
    [
        ({"text": "a", "number": 1.5, "word": 1, "even": "ab", "list": ["a", "b"]}, set()),
        ({"text": "a", "number": None, "even": 7, "unknown": object()}, set()),
        # An object as a whole is not a property of its own.
        ({}, set()),
        ({"text": None}, {"text"}),
        ({"text": "a", "number": True}, {"number"}),
        ({"text": "a", "word": True}, {"word"}),
        ({"text": "a", "word": "1"}, {"word"}),
        ({"text": "a", "even": "abc"}, {"even"}),
        ({"text": "a", "even": None}, {"even"}),
        ({"text": "a", "list": ["a", "c", "d"]}, {"list"}),
        ({"text": 1, "number": "1", "word": "c", "even": [], "list": "a"}, {"text", "number", "word", "even", "list"}),
    ],
)
def test_wrong_properties(value, wrong):
    assert schema_validation.wrong_properties(SCHEMA, value, {"even": lambda text: len(text) % 2 == 0}) == wrong


def test_each_format_has_its_own_check():
    schema = {"properties": {"a": {"format": "upper"}, "b": {"format": "lower"}, "c": {"format": "date"}}}
    formats: Any = {"upper": str.isupper, "lower": str.islower}
    # A format that nobody knows here is not checked, whatever the library knows.
    assert schema_validation.wrong_properties(schema, {"a": "A", "b": "b", "c": "soon"}, formats) == set()
    assert schema_validation.wrong_properties(schema, {"a": "a", "b": "B", "c": "soon"}, formats) == {"a", "b"}
    assert schema_validation.wrong_properties(schema, {"a": "a"}, {}) == set()
