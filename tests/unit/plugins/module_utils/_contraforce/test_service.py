# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of incidents: the title of the incident in each result."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import incident_status, ticket_link
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.service import incidents
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._contraforce.memory_api import (
    BROKEN,
    KEY_OPTIONS,
    REFUSED,
    UNREADABLE,
    MemoryApi,
)

OPTIONS = {**KEY_OPTIONS, "status": "Active", "ticket_id": "41877"}
#: Operations that read the record of the incident, and the data beside it.
OPERATIONS = {
    "status": (incident_status.parse_options, incident_status.set_incident_status),
    "link": (ticket_link.parse_options, ticket_link.change_ticket_link),
}


def handle(name: str, service: MemoryApi) -> OperationResult:
    """Handle an incident as an item of a list."""
    bulk: Any = incidents(*OPERATIONS[name])
    (item,) = bulk.parse_items(service, [OPTIONS])
    return bulk.operation(service, item.wanted, RunOptions(clock=service.clock))


@pytest.mark.parametrize(
    "record, title",
    [
        ({"title": "Phishing wave", "name": "7c2a1e8f"}, "Phishing wave"),
        ({"title": " ", "name": " Two\n lines"}, " Two\n lines"),
        ({"title": 7, "name": ["x"]}, None),
        ({"title": "", "name": None}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("name", OPERATIONS)
def test_result_contains_the_title_of_its_incident(name, record, title):
    assert title_of(record) == title
    result = handle(name, MemoryApi(record))
    assert (result.changed, result.failure) == (True, None)
    assert result.values.get("title") == title
    assert ("title" in result.values) is (title is not None)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("faults, changed", [([(REFUSED, False)], False), ([(BROKEN, False), (REFUSED, False)], True)])
def test_failure_contains_the_title_of_its_incident(name, faults, changed):
    service = MemoryApi({"title": "First"}, write_faults=faults)
    result = handle(name, service)
    assert result.values == {"title": "First"}
    assert result.failure is not None
    assert result.changed is changed


@pytest.mark.parametrize("name", OPERATIONS)
def test_failure_before_the_first_read_has_no_title(name):
    result = handle(name, MemoryApi({"title": "First"}, read_faults=[UNREADABLE]))
    assert (result.changed, result.values) == (False, {})
    assert result.failure is not None


def test_options_of_the_task_are_checked_once():
    checked = []
    bulk: Any = incidents(*OPERATIONS["status"], check=checked.append)
    assert len(bulk.parse_items(None, [OPTIONS, {**OPTIONS, "status": "New"}])) == 2
    assert bulk.parse_items(None, []) == []
    assert checked == [OPTIONS]
