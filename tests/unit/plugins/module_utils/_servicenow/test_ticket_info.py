# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one ticket with its journal, and list tickets."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_info import ticket_info
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, assert_messages
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    REFERENCE,
    SECURITY,
    Instance,
    MemoryServiceNow,
)


@pytest.fixture
def instance() -> Instance:
    return Instance()


def info(instance: Instance, **options: Any) -> OperationResult:
    result = ticket_info(MemoryServiceNow(instance), options, RunOptions())
    assert (result.changed, instance.writes) == (False, 0)
    return result


def failure(instance: Instance, **options: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        info(instance, **options)
    return caught.value


# --- one ticket -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["number", "sys_id", "number with sys_id", "reference"])
def test_ticket_is_read_by_any_identifier(instance, name):
    record = instance.add(correlation_id=REFERENCE, state="6", assignment_group=SECURITY)
    instance.add(correlation_id="another")
    sys_id = record["sys_id"].upper()
    keys = {"number": record["number"], "sys_id": sys_id, "number with sys_id": sys_id, "reference": REFERENCE}
    values = info(instance, **{name.split()[0]: keys[name]}).values
    assert values["ticket"] == record
    assert values["tickets"] == [record]
    assert (values["number"], values["sys_id"], values["closed"]) == (record["number"], record["sys_id"], True)
    assert values["display_values"]["assignment_group"] == "Security Operations"
    assert (values["truncated"], values["request_ids"]) == (False, ["r1"])
    assert "journal" not in values


@pytest.mark.parametrize(
    "table, state, active, closed",
    [
        ("incident", "1", "true", False),
        ("incident", "6", "true", True),
        ("incident", "2", "false", True),
        ("sn_si_incident", "16", "true", False),
        ("sn_si_incident", "6", "true", False),
        ("sn_si_incident", "3", "true", True),
        ("sc_task", "3", "true", False),
        ("sc_task", "3", "false", True),
    ],
)
def test_closed_ticket_is_recognized(instance, table, state, active, closed):
    record = instance.add(table)
    record.update(state=state, active=active)
    assert info(instance, table=table, number=record["number"]).values["closed"] is closed


def test_journal_is_returned_oldest_first(instance):
    record = instance.add()
    for column, text in (("work_notes", "First"), ("comments", "Second")):
        instance.post(record, column, text)
    assert info(instance, number=record["number"], journal=True).values["journal"] == [
        {"element": "work_notes", "value": "First", "created_on": "2026-11-21 05:00:00", "created_by": "d.duty"},
        {"element": "comments", "value": "Second", "created_on": "2026-11-21 05:01:00", "created_by": "d.duty"},
    ]


def test_unreadable_journal_is_reported(instance):
    record = instance.add()
    instance.post(record, "work_notes", "First")
    instance.unreadable = {"sys_journal_field"}
    result = info(instance, number=record["number"], journal=True)
    assert result.values["journal"] == []
    assert_messages(result.warnings, [record["number"], "journal"])


@pytest.mark.parametrize(
    "options, category, facts",
    [
        ({"number": "INC0000009"}, "not_found", ["INC0000009"]),
        ({"sys_id": "0" * 32}, "not_found", ["0" * 32]),
        ({"reference": "SEN-9"}, "not_found", ["SEN-9"]),
        ({"reference": REFERENCE.lower()}, "ambiguous_match", ["INC0000001", "spelling"]),
        ({"reference": "twice"}, "ambiguous_match", ["INC0000002", "INC0000003"]),
        ({"reference": "hidden"}, "permission", ["hidden"]),
        ({"number": ""}, "configuration", ["number"]),
        ({"number": "INC1", "limit": 1}, "configuration", ["limit", "number"]),
        ({"number": "INC1", "updated_since": "2026-11-21"}, "configuration", ["updated_since", "number"]),
        ({"number": "INC1", "sys_id": "0" * 32}, "configuration", ["number and sys_id"]),
    ],
)
def test_ticket_that_cannot_be_read_is_reported(instance, options, category, facts):
    for reference in (REFERENCE, "twice", "twice", "hidden"):
        last = instance.add(correlation_id=reference)
    instance.hidden_rows = {last["sys_id"]}
    error = failure(instance, **options)
    assert error.category == category
    assert_message(error.message, *facts)


def test_hidden_reference_is_not_reported_as_missing(instance):
    instance.add(correlation_id=REFERENCE)
    instance.hidden_columns = instance.empties_queries = {"correlation_id"}
    error = failure(instance, reference=REFERENCE)
    assert error.category == "permission"
    assert_message(error.message, "correlation_id", "reference", "incident")


# --- lists ----------------------------------------------------------------------------------------------------------


def numbers(result: OperationResult) -> list[str]:
    return [ticket["number"] for ticket in result.values["tickets"]]


@pytest.mark.parametrize("page_size", [1, 2, 100])
@pytest.mark.parametrize("limit, count, truncated", [(None, 5, False), (4, 4, True), (5, 5, False), (9, 5, False)])
def test_list_is_complete_up_to_its_limit(page_size, limit, count, truncated):
    instance = Instance(page_size=page_size)
    for _number in range(5):
        instance.add()
    result = info(instance, limit=limit, order="ascending")
    assert numbers(result) == [f"INC{number + 1:07d}" for number in range(count)]
    assert (result.values["truncated"], result.warnings) == (truncated, [])
    assert "ticket" not in result.values


def test_newest_tickets_are_listed_first_by_default(instance):
    for _number in range(3):
        instance.add()
    assert numbers(info(instance)) == ["INC0000003", "INC0000002", "INC0000001"]
    assert instance.queries == ["incident: ORDERBYDESCsys_created_on^ORDERBYsys_id"]


def test_query_selects_columns_and_rows(instance):
    instance.add(urgency="1")
    record = instance.add(urgency="2")
    result = info(instance, query="urgency=2", columns=["urgency", " State"], order_by="urgency")
    assert result.values["tickets"] == [{name: record[name] for name in ("sys_id", "number", "urgency", "state")}]


TIMES = [f"2026-11-21 {time}" for time in ("02:59:59", "03:00:00", "03:00:01", "18:00:00")]


@pytest.mark.parametrize("offset", [-720, -300, 0, 330, 840])
@pytest.mark.parametrize("dropped", [False, True])
def test_list_is_complete_from_a_time_in_any_time_zone_of_the_account(offset, dropped):
    instance = Instance(query_offset=offset, drops_conditions={"sys_updated_on"} if dropped else set())
    for time in TIMES:
        instance.add(category="security")["sys_updated_on"] = time
    options = {"query": "category=security", "order_by": "number", "order": "ascending"}
    for since in ("2026-11-21T03:00:00Z", "2026-11-21 04:00:00.5+01:00"):
        result = info(instance, updated_since=since, **options)
        expected = TIMES[1:] if since.endswith("Z") else TIMES[2:]
        assert [ticket["sys_updated_on"] for ticket in result.values["tickets"]] == expected


def test_limit_counts_only_the_tickets_since_the_time():
    instance = Instance()
    for time in TIMES:
        instance.add()["sys_updated_on"] = time
    values = info(instance, updated_since="2026-11-21T03:00:00Z", columns=["state"], limit=3).values
    assert (len(values["tickets"]), values["truncated"]) == (3, False)
    assert set(values["tickets"][0]) == {"sys_id", "number", "state", "sys_updated_on"}
    assert info(instance, updated_since="2026-11-21T03:00:00Z", limit=2).values["truncated"]


def test_ticket_that_hides_its_time_is_listed():
    instance = Instance(hidden_columns={"sys_updated_on"})
    instance.add()
    assert numbers(info(instance, updated_since="2026-11-21T03:00:00Z")) == ["INC0000001"]
    instance = Instance(drops_conditions={"sys_updated_on"})
    instance.add()["sys_updated_on"] = ""
    assert numbers(info(instance, updated_since="2026-11-21T03:00:00Z")) == ["INC0000001"]


def test_hidden_rows_are_a_warning(instance):
    hidden = [instance.add()["sys_id"] for _number in range(2)]
    instance.add()
    for count, number in ((1, "a matching record"), (2, "2 matching records")):
        instance.hidden_rows = set(hidden[:count])
        result = info(instance)
        assert len(numbers(result)) == 3 - count
        assert_messages(result.warnings, [number, "incident", "Access rules"])


@pytest.mark.parametrize(
    "options, fact",
    [
        ({"limit": 0}, "limit"),
        ({"query": "a>javascript:x"}, "query"),
        ({"columns": ["a b"]}, "columns"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"updated_since": "0001-01-01T05:00:00Z"}, "updated_since"),
        ({"order_by": "a^b"}, "order_by"),
        ({"table": "a/b"}, "table"),
        ({"journal": True}, "journal"),
        ({"table": "missing"}, "table"),
    ],
)
def test_invalid_options_of_a_list_are_refused(instance, options, fact):
    error = failure(instance, **options)
    assert error.category == "configuration"
    assert_message(error.message, fact)
