# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contract checks name places and rules, and never a value."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import contract
from ansible_collections.secops.itsm.plugins.module_utils.contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing import schemas as ticketing_schemas


@pytest.mark.parametrize(
    "body, words",
    [
        ({"status": "Closed", "note": "x"}, "note is unknown at the top level"),
        ({"comment": "x"}, "status is missing at the top level"),
        ({"status": "Resolved"}, "status is not of the enum"),
        ({"status": "Closed", "comment": 7}, "comment is not of the type"),
        ({"status": "Closed", "classification": None}, "classification is not of the enum"),
        ([], "the top level is not of the type"),
    ],
)
def test_wrong_request_never_leaves(body, words):
    with pytest.raises(ApiError) as caught:
        contract.check_request(schemas.STATUS_REQUEST, body)
    assert caught.value.category == "contract"
    assert words in caught.value.message


def test_right_request_passes():
    contract.check_request(schemas.STATUS_REQUEST, {"status": "Closed", "updateTicket": True, "ticketId": "T1"})


@pytest.mark.parametrize(
    "schema, body, words",
    [
        (schemas.INCIDENT_ANSWER, {}, "data is missing"),
        (schemas.INCIDENT_ANSWER, {"data": [1]}, "data is not of the type"),
        (schemas.INCIDENT_ANSWER, None, "the top level is not of the type"),
        (schemas.INCIDENT_RECORD, {"id": "1"}, "status is missing"),
        (schemas.INCIDENT_RECORD, {"status": {"s3cr3t": 1}}, "status is not of the type"),
        (schemas.COMMENTS_ANSWER, {"data": [{"id": "1"}]}, "message is missing at data.0"),
    ],
)
def test_wrong_answer_is_refused(schema, body, words):
    with pytest.raises(ApiError) as caught:
        contract.check_answer(schema, body, method="GET", path="/x", http_status=200)
    assert (caught.value.category, caught.value.path) == ("contract", "/x")
    assert words in caught.value.message
    assert "s3cr3t" not in caught.value.message


def test_unknown_property_in_an_answer_is_fine():
    contract.check_answer(schemas.INCIDENT_RECORD, {"status": "New", "brandNew": {"a": 1}})


def test_other_rules_have_words_too():
    assert contract.violation({"minLength": 3}, "a") == "the top level breaks the rule 'minLength'"


@pytest.mark.parametrize(
    "schema, body, words",
    [
        ("CREATE_REQUEST", {}, "source, summary, ticketBody, attachments, ticketRelation is missing at the top level"),
        ("CREATE_REQUEST", {"ticketBody": {}}, "is missing at"),
        ("UPDATE_REQUEST", {"etag": "e", "ticketUpdate": {}}, "ticketUpdate breaks the rule"),
        ("UPDATE_REQUEST", {"etag": "", "ticketUpdate": {"a": 1}}, "etag breaks the rule"),
        ("UPDATE_REQUEST", {"etag": None, "ticketUpdate": {"a": 1}}, "etag is not of the type 'string'"),
        ("LIST_REQUEST", {"top": 101, "offset": 0}, "top breaks the rule 'maximum'"),
        ("LIST_REQUEST", {"top": 0, "offset": 0}, "top breaks the rule 'minimum'"),
        ("LIST_REQUEST", {"top": 1, "offset": -1}, "offset breaks the rule 'minimum'"),
        ("LIST_REQUEST", {"top": True, "offset": 0}, "top is not of the type 'integer'"),
        ("LIST_REQUEST", {"top": 1, "offset": 0, "searchOrder": "asc"}, "searchOrder is not of the enum"),
        (
            "LIST_REQUEST",
            {"top": 1, "offset": 0, "filter": {"op": "AND", "operand": [{"op": "IS", "column": "a", "operand": 1}]}},
            "filter.operand.0.op is not of the enum",
        ),
    ],
)
def test_wrong_request_to_the_ticketing_api_never_leaves(schema, body, words):
    with pytest.raises(ApiError) as caught:
        contract.check_request(getattr(ticketing_schemas, schema), body)
    assert (caught.value.category, caught.value.ambiguous) == ("contract", False)
    assert words in caught.value.message


def test_an_answer_to_a_write_may_leave_it_in_doubt():
    with pytest.raises(ApiError) as caught:
        contract.check_answer({"type": "object"}, [], method="POST", path="/x", request_id="r1", ambiguous=True)
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
    assert contract.wrong_properties(SCHEMA, value, {"even": lambda text: len(text) % 2 == 0}) == wrong


def test_each_format_is_checked_by_its_own_function():
    schema = {"properties": {"a": {"format": "upper"}, "b": {"format": "lower"}, "c": {"format": "date"}}}
    formats: Any = {"upper": str.isupper, "lower": str.islower}
    # A format that nobody knows here is not checked, whatever the library knows.
    assert contract.wrong_properties(schema, {"a": "A", "b": "b", "c": "soon"}, formats) == set()
    assert contract.wrong_properties(schema, {"a": "a", "b": "B", "c": "soon"}, formats) == {"a", "b"}
    assert contract.wrong_properties(schema, {"a": "a"}, {}) == set()
