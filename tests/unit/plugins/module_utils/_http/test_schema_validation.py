# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schema validation names places and rules, but no values."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import (
    first_violation,
    validate_request,
    validate_response,
    wrong_properties,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import schemas as ticketing_schemas
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

STATUS, INCIDENT = schemas.STATUS_REQUEST, schemas.INCIDENT_RECORD
CREATE, UPDATE = ticketing_schemas.CREATE_REQUEST, ticketing_schemas.UPDATE_REQUEST
SEARCH = ticketing_schemas.LIST_REQUEST
FILTER = {"op": "AND", "operand": [{"op": "IS", "column": "a", "operand": 1}]}


@pytest.mark.parametrize(
    "schema, body, facts",
    [
        (STATUS, {"status": "Closed", "note": "s3cr3t"}, ["note", "unknown", "top level"]),
        (STATUS, {"comment": "s3cr3t"}, ["status", "missing", "top level"]),
        (STATUS, {"status": "s3cr3t"}, ["status", "enum"]),
        (STATUS, {"status": "Closed", "comment": 7}, ["comment", "type"]),
        (STATUS, [], ["top level", "type"]),
        (CREATE, {"ticketBody": {}}, ["source, summary, attachments, ticketRelation", "missing"]),
        (UPDATE, {"etag": "e", "ticketUpdate": {}}, ["ticketUpdate", "rule", "'minProperties'"]),
        (UPDATE, {"etag": "", "ticketUpdate": {"a": 1}}, ["etag", "rule", "'minLength'"]),
        (UPDATE, {"etag": None, "ticketUpdate": {"a": 1}}, ["etag", "type", "'string'"]),
        (SEARCH, {"top": 101, "offset": 0}, ["top", "rule", "'maximum'"]),
        (SEARCH, {"top": 0, "offset": 0}, ["top", "rule", "'minimum'"]),
        (SEARCH, {"top": 1, "offset": -1}, ["offset", "rule", "'minimum'"]),
        (SEARCH, {"top": True, "offset": 0}, ["top", "type", "'integer'"]),
        (SEARCH, {"top": 1, "offset": 0, "searchOrder": "s3cr3t"}, ["searchOrder", "enum"]),
        (SEARCH, {"top": 1, "offset": 0, "filter": FILTER}, ["filter.operand.0.op", "enum"]),
        (INCIDENT, {"status": {"s3cr3t": 1}}, ["status", "type"]),
        (schemas.COMMENTS_RESPONSE, {"data": ["1"]}, ["data.0", "type"]),
    ],
)
def test_violation_names_place_and_rule(schema, body, facts):
    with pytest.raises(ApiError) as caught:
        validate_request(schema, body)
    assert (caught.value.category, caught.value.ambiguous) == ("contract", False)
    with pytest.raises(ApiError) as caught_in_response:
        validate_response(schema, body, "url (X_URL)")
    assert_message(caught_in_response.value.message, *facts, "url (X_URL)")
    assert_message(caught.value.message, *facts)
    assert "s3cr3t" not in caught.value.message + caught_in_response.value.message


def test_valid_request_and_response_are_accepted():
    validate_request(STATUS, {"status": "Closed", "updateTicket": True, "ticketId": "T1"})
    validate_response(INCIDENT, {"status": "New", "brandNew": {"a": 1}}, "url")
    assert first_violation({"minLength": 3}, "abc") is None


def test_invalid_response_keeps_the_facts_of_its_request():
    facts: dict[str, Any] = {"method": "POST", "path": "/x", "http_status": 200, "request_id": "r1", "ambiguous": True}
    with pytest.raises(ApiError) as caught:
        validate_response({"type": "object"}, [], "url", **facts)
    assert {name: getattr(caught.value, name) for name in facts} == facts
    assert (caught.value.category, caught.value.retryable) == ("contract", False)


# --- properties of an object that violate a schema ------------------------------------------------------------------

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
        # A missing property is a violation of the object, not of one of its properties.
        ({}, set()),
        (
            {"text": None, "number": True, "word": True, "even": "abc", "list": ["a", "c", "d"]},
            set(SCHEMA["properties"]),
        ),
        ({"text": 1, "number": "1", "word": "1", "even": [], "list": "a"}, set(SCHEMA["properties"])),
        ({"text": "a", "even": None}, {"even"}),
    ],
)
def test_wrong_properties_are_found(value, wrong):
    assert wrong_properties(SCHEMA, value, {"even": lambda text: len(text) % 2 == 0}) == wrong


def test_each_format_has_its_own_check():
    schema = {"properties": {"a": {"format": "upper"}, "b": {"format": "lower"}, "c": {"format": "date"}}}
    formats: Any = {"upper": str.isupper, "lower": str.islower}
    # Formats without a function are not checked, even if jsonschema supports them.
    assert wrong_properties(schema, {"a": "A", "b": "b", "c": "soon"}, formats) == set()
    assert wrong_properties(schema, {"a": "a", "b": "B", "c": "soon"}, formats) == {"a", "b"}
    assert wrong_properties(schema, {"a": "a"}, {}) == set()
