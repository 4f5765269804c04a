# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of tickets: shared definitions, groups and failures of single entries."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk import run_bulk
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    TASK,
    Fault,
    Instance,
    MemoryServiceNow,
    answered,
    broken,
)


def _raise(error: Exception, _item: Mapping[str, Any]) -> ApiError:
    raise AssertionError("a bug") from error


def run(
    instance: Instance, tickets: Sequence[Mapping[str, Any]], concurrency: int = 1, **options: Any
) -> OperationResult:
    return run_bulk(
        TICKETS,
        {"tickets": tickets, "concurrency": concurrency, "verify_timeout": 30, **options},
        RunOptions(False, 30, instance.clock),
        lambda _throttle: MemoryServiceNow(instance),
        SharedThrottle(concurrency, 60, Clock()),
        _raise,
    )


@pytest.mark.parametrize("concurrency", [1, 4])
def test_definitions_and_references_are_read_once(concurrency):
    instance = Instance()
    shared = {name: value for name, value in TASK.items() if name != "reference"}
    tickets = [{"reference": f"SEN-{number}"} for number in range(6)]
    result = run(instance, tickets, concurrency, **shared)
    assert result.failure is None
    assert result.values["summary"]["changed"] == 6
    metadata = ("sys_dictionary", "sys_choice", "sys_user_group")
    assert [instance.count(table) for table in metadata] == [1, 1, 1]
    assert run(instance, tickets, concurrency, **shared).values["summary"]["ok"] == 6


def test_result_of_an_entry_has_its_identifiers_but_no_record():
    instance = Instance()
    (entry,) = run(instance, [{"reference": "SEN-1", "short_description": "A ticket"}]).values["results"]
    assert (entry["number"], entry["reference"], entry["table"]) == ("INC0000001", "SEN-1", None)
    assert entry["sys_id"] in instance.records["incident"]
    assert not {"ticket", "display_values"} & set(entry)


def test_identifier_of_an_entry_replaces_that_of_the_task():
    instance = Instance()
    record = instance.add()
    entries = [{"number": record["number"]}, {"sys_id": record["sys_id"], "short_description": None}]
    result = run(instance, entries, reference="SEN-1", short_description="A ticket", fields={"urgency": "1"})
    assert result.failure is None
    assert [entry["number"] for entry in result.values["results"]] == ["INC0000001", "INC0000001"]
    assert instance.count("create") == 0


def test_invalid_entry_does_not_stop_the_others():
    instance = Instance()
    entries = [
        {"reference": "SEN-1", "fields": {"assignment_group": "Unknown"}},
        {"reference": "SEN-2", "fields": {"urgncy": "1"}},
        {"number": "INC0000009"},
        {"reference": "SEN-3"},
    ]
    result = run(instance, entries, short_description="A ticket", fields={"urgency": "1"})
    categories = [(entry["error"] or {}).get("category") for entry in result.values["results"]]
    assert categories == ["configuration", "configuration", "not_found", None]
    assert len(instance.records["incident"]) == 1


@pytest.mark.parametrize("error", [broken(is_write=False), answered(401)])
def test_unreadable_definitions_fail_the_task_before_anything_is_written(error):
    instance = Instance(faults={"sys_dictionary": [Fault(error)]})
    with pytest.raises(ApiError) as caught:
        run(instance, [{"reference": "SEN-1"}, {"reference": "SEN-2"}], short_description="A ticket")
    assert (caught.value.category, instance.writes) == (error.category, 0)


@pytest.mark.parametrize("other", ["sen-1", "SÉN-1"])
def test_entries_of_one_ticket_in_two_spellings_contradict(other):
    instance = Instance()
    entries = [{"reference": "SEN-1"}, {"reference": other}, {"reference": "SEN-1", "table": "task"}]
    result = run(instance, entries, short_description="A ticket")
    assert [entry["failed"] for entry in result.values["results"]] == [True, True, False]


def test_entries_with_an_identifying_column_in_two_spellings_contradict():
    instance = Instance()
    entries = [{"reference": "SEN-1", "fields": {"description": name}} for name in ("Fabrikam", "FABRIKAM")]
    result = run(instance, entries, 4, short_description="A ticket", unique_by=["description"])
    assert (result.values["summary"]["failed"], instance.count("create")) == (2, 0)


def test_entries_with_label_and_value_are_the_same():
    instance = Instance()
    entries = [{"reference": "SEN-1", "fields": {"urgency": value}} for value in ("1", "1 - high")]
    result = run(instance, entries, short_description="A ticket")
    assert (result.failure, result.values["results"][1]["duplicate_of"]) == (None, 0)


@pytest.mark.parametrize("other_urgency, failed, updates", [("1", 0, 1), ("2", 2, 0)])
@pytest.mark.parametrize("spelling", ["sys_id", "number"])
def test_number_and_sys_id_of_one_ticket_belong_together(spelling, other_urgency, failed, updates):
    instance = Instance(page_size=1)
    record = instance.add()
    instance.add()
    entries = [
        {"number": record["number"].lower(), "fields": {"urgency": "1"}},
        {"number": "INC0000002", "fields": {"urgency": "1"}},
        {"sys_id": instance.add()["sys_id"], "fields": {"urgency": "3"}},
        {spelling: record["sys_id"].upper(), "fields": {"urgency": other_urgency}},
    ]
    result = run(instance, entries, 4)
    assert result.values["summary"]["failed"] == failed
    assert instance.count("update") == 1 + updates
    assert result.values["results"][3].get("duplicate_of") == (None if failed else 0)


def test_ticket_that_hides_its_number_is_handled_by_its_sys_id():
    instance = Instance(hidden_columns={"number"})
    ids = [instance.add()["sys_id"] for _number in range(150)]
    entries = [{"sys_id": sys_id} for sys_id in ids] + [{"number": "INC0000009"}]
    result = run(instance, entries, fields={"urgency": "1"})
    assert [bool(entry["failed"]) for entry in result.values["results"]] == [False] * 150 + [True]


def test_unreadable_identifiers_fail_only_their_entries():
    instance = Instance(unreadable={"incident"}, refuses=True)
    entries = [{"sys_id": instance.add()["sys_id"]}, {"number": "INC0000009", "table": "task"}]
    result = run(instance, entries, fields={"urgency": "1"})
    assert [entry["error"]["category"] for entry in result.values["results"]] == ["not_found", "not_found"]
