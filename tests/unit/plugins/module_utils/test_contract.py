# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Contract checks name places and rules, and never a value."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils import contract
from ansible_collections.secops.itsm.plugins.module_utils.contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError


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
