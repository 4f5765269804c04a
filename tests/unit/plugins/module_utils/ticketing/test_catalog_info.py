# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the service catalog: what is shown, and of which ticket types."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.catalog_info import catalog_info
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils.ticketing.memory_api import (
    CONTAINED,
    OFFERS,
    URGENCY,
    Fault,
    MemoryTicketing,
    answered,
)

USER = {"username": "itsm-runbook@northwind.example", "roles": ["ticket_agent"]}


def read(service: MemoryTicketing | None = None, **options: Any) -> dict[str, Any]:
    result = catalog_info(service or MemoryTicketing(user=USER), options, Run())
    assert (result.changed, result.warnings, result.failure) == (False, [], None)
    return dict(result.values)


def failure(service: MemoryTicketing, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(service, **options)
    return caught.value


@pytest.mark.parametrize("blank", [None, "", " "], ids=repr)
def test_the_whole_catalog(blank):
    values = read(item_type=blank, item_type_id=blank)
    assert [kind["id"] for kind in values["ticket_types"]] == ["16910", "16920", "16931", "16932"]
    assert [offer["id"] for offer in values["offers"]] == [entry["id"] for entry in OFFERS]
    assert (values["user"], values["request_ids"]) == (USER, ["r1"])


def test_each_request_is_sent_once():
    service = MemoryTicketing()
    read(service)
    assert service.calls == ["ticket_types", "ticket_types", "user_info", "offers"]


@pytest.mark.parametrize(
    "options", [{"item_type_id": " 16920 "}, {"item_type": "security incident"}, {"item_type": "Security Incident"}]
)
def test_one_ticket_type_and_its_offers(options):
    values = read(**options)
    assert [kind["name"] for kind in values["ticket_types"]] == ["Security Incident"]
    assert [offer["id"] for offer in values["offers"]] == ["23640", "23641"]


def test_what_is_shown_of_a_field():
    fields = {field["id"]: field for field in read(item_type_id="16920")["ticket_types"][0]["fields"]}
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
    assert [field["required"] for field in fields.values()].count(True) == 2


def test_what_is_shown_of_an_offer():
    offers = read(MemoryTicketing(catalog=[{"id": 1, "name": "A", "item_type": 2, "status": "inactive"}, {"id": "3"}]))
    assert offers["offers"] == [
        {"id": "1", "name": "A", "item_type_id": "2", "status": "inactive"},
        {"id": "3", "name": "", "item_type_id": None, "status": None},
    ]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"item_type_id": "16920", "item_type": "Security Incident"}, "item_type and item_type_id are both given"),
        ({"item_type_id": "1"}, "item_type_id '1' is none of the ticket types."),
        ({"item_type": "Security Incidnt"}, "is no ticket type. Nearest: 'Security Incident'"),
        ({"item_type": "Access Request"}, "is the name of 2 ticket types: give item_type_id, of 16931, 16932."),
    ],
    ids=repr,
)
def test_a_ticket_type_that_is_not_there(options, words):
    error = failure(MemoryTicketing(), **options)
    assert error.category == "configuration"
    assert words in error.message


@pytest.mark.parametrize("operation", ["user_info", "offers"])
def test_what_cannot_be_read_says_so(operation):
    error = failure(MemoryTicketing(faults={operation: [Fault(answered(503))]}))
    assert error.category == "unavailable"
    assert error.message.startswith("The service catalog could not be read. The service is not able to answer")


def test_types_that_cannot_be_read_say_so():
    error = failure(MemoryTicketing(faults={"ticket_types": [Fault(answered(403))]}))
    assert error.category == "permission"
    assert error.message.startswith("The ticket types could not be read. ")
