# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test what is returned from the service catalog. test_catalog.py covers parsing and finding its entries."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.catalog_info import catalog_info
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    CONTAINED,
    OFFERS,
    URGENCY,
    Fault,
    MemoryTicketing,
    answered,
)

USER = {"username": "itsm-runbook@northwind.example", "roles": ["ticket_agent"]}


def read(service: MemoryTicketing, **options: Any) -> dict[str, Any]:
    result = catalog_info(service, options, RunOptions())
    assert (result.changed, result.warnings, result.failure) == (False, [], None)
    return dict(result.values)


def failure(service: MemoryTicketing, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(service, **options)
    return caught.value


@pytest.mark.parametrize("blank", [None, "", " "], ids=repr)
def test_whole_catalog_is_read_with_each_request_once(blank):
    service = MemoryTicketing(user=USER)
    values = read(service, item_type=blank, item_type_id=blank)
    assert [entry["id"] for entry in values["ticket_types"]] == ["16910", "16920", "16931", "16932"]
    assert [offer["id"] for offer in values["offers"]] == [entry["id"] for entry in OFFERS]
    assert (values["user"], values["request_ids"]) == (USER, ["r1"])
    assert service.calls == ["ticket_types", "ticket_types", "user_info", "offers"]


@pytest.mark.parametrize("options", [{"item_type_id": " 16920 "}, {"item_type": " security incident"}], ids=repr)
def test_one_ticket_type_is_returned_with_its_offers(options):
    values = read(MemoryTicketing(), **options)
    assert [entry["name"] for entry in values["ticket_types"]] == ["Security Incident"]
    assert [offer["id"] for offer in values["offers"]] == ["23640", "23641"]


def test_field_is_returned_with_its_options():
    fields = {field["id"]: field for field in read(MemoryTicketing())["ticket_types"][1]["fields"]}
    assert len(fields) == 14
    assert fields[URGENCY] == {
        "id": URGENCY,
        "name": "urgency",
        "label": "Urgency",
        "type": "select",
        "holds": "select",
        "required": True,
        "default": "medium",
        "options": [
            {"value": "high", "label": "High"},
            {"value": "medium", "label": "Medium"},
            {"value": "low", "label": "Low"},
        ],
    }
    assert (fields[CONTAINED]["default"], fields[CONTAINED]["options"]) == (False, [])


def test_entries_without_an_id_are_omitted():
    types = [{"id": None, "name": "Draft"}, {"id": "1", "fields": [{"label": "Section"}, {"id": "f1"}]}]
    offers = [{"id": None, "name": "Draft"}, {"id": 1, "name": "A", "item_type": 2, "status": "inactive"}, {"id": "3"}]
    values = read(MemoryTicketing(types=types, catalog=offers))
    assert [entry["id"] for entry in values["ticket_types"]] == ["1"]
    assert [field["id"] for field in values["ticket_types"][0]["fields"]] == ["f1"]
    assert values["offers"] == [
        {"id": "1", "name": "A", "item_type_id": "2", "status": "inactive"},
        {"id": "3", "name": "", "item_type_id": None, "status": None},
    ]


@pytest.mark.parametrize(
    "options, facts",
    [
        ({"item_type_id": "16920", "item_type": "Security Incident"}, ["item_type", "item_type_id", "exclusive"]),
        ({"item_type_id": "1"}, ["item_type_id", "'1'"]),
    ],
    ids=repr,
)
def test_invalid_ticket_type_is_refused(options, facts):
    error = failure(MemoryTicketing(), **options)
    assert error.category == "configuration"
    assert_message(error.message, *facts)


@pytest.mark.parametrize(
    "error",
    [answered(403), answered(401, "USER_PERMISSION_FAILURE"), answered(404, html=True), answered(500)],
    ids=["403", "401", "404", "500"],
)
def test_account_that_is_not_shown_is_a_warning(error):
    service = MemoryTicketing(user=USER, faults={"user_info": [Fault(error)]})
    result = catalog_info(service, {}, RunOptions())
    assert (result.values["user"], len(result.values["offers"])) == ({}, len(OFFERS))
    assert_messages(result.warnings, ["credentials", error.cause])


@pytest.mark.parametrize(
    "operation, noun", [("user_info", "catalog"), ("offers", "catalog"), ("ticket_types", "types")]
)
def test_failing_request_fails_the_task(operation, noun):
    error = failure(MemoryTicketing(faults={operation: [Fault(answered(503))]}))
    assert error.category == "unavailable"
    assert_message(error.message, noun, "read", "HTTP 503")
