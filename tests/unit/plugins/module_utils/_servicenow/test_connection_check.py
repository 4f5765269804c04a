# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection check: its rows, and what it reports as missing."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import ASSUMPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection_check import (
    check_connection,
    refused_options,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    DANA,
    REFERENCE,
    ROBIN,
    Fault,
    Instance,
    MemoryServiceNow,
    answered,
    broken,
)

CHECKS = [
    "address",
    "credentials",
    "table",
    "hidden rows",
    "who am I",
    "role",
    "read of a ticket",
    "columns of a ticket",
    "dictionary",
    "choices",
    "journal",
    "search",
]


@pytest.fixture
def instance() -> Instance:
    found = Instance()
    found.post(found.add(correlation_id=REFERENCE), "work_notes", "A note.")
    return found


def check(instance: Instance, **options: Any) -> OperationResult:
    given = {"username": "d.duty", "password": "x", **options}
    result = check_connection(MemoryServiceNow(instance), given, RunOptions())
    assert (result.changed, instance.writes) == (False, 0)
    assert all(row["assumption"] in (None, *ASSUMPTIONS) for row in result.values["checks"])
    return result


def not_ok(result: OperationResult) -> dict[str, str]:
    return {row["check"]: row["result"] for row in result.values["checks"] if row["result"] != "ok"}


def finding(result: OperationResult, name: str) -> str:
    return next(row["finding"] for row in result.values["checks"] if row["check"] == name)


def test_all_checks_are_made_in_order(instance):
    result = check(instance)
    assert [row["check"] for row in result.values["checks"]] == CHECKS
    # The instance does not have the table of roles.
    assert not_ok(result) == {"role": "unknown"}
    assert finding(result, "search") == "finds INC0000001 by correlation_id"
    assert finding(result, "who am I") == "Dana Duty"
    assert result.values["user"] == {"user_name": "d.duty", "name": "Dana Duty", "roles": []}
    assert (result.values["number"], result.failure) == ("INC0000001", None)


def test_account_of_a_dropped_condition_is_not_shown(instance):
    instance.drops_conditions = {"user_name"}
    instance.records["sys_user_has_role"] = {
        "1": {"sys_id": f"{1:032d}", "user": DANA, "role": "1", "role.name": "itil", "user.user_name": "d.duty"},
        "2": {"sys_id": f"{2:032d}", "user": ROBIN, "role": "2", "role.name": "admin", "user.user_name": "r.ward"},
    }
    assert check(instance).values["user"]["roles"] == ["itil"]
    instance.drops_conditions = {"user_name", "user.user_name"}
    assert check(instance).values["user"]["roles"] == ["itil"]
    assert check(instance, username="unknown").values["user"] == {}


@pytest.mark.parametrize(
    "behavior, expected",
    [
        ({"unreadable": {"sys_dictionary"}}, {"dictionary": "no"}),
        ({"unreadable": {"sys_choice"}}, {"choices": "no"}),
        ({"unreadable": {"sys_journal_field"}}, {"journal": "no"}),
        ({"unreadable": {"sys_journal_field"}, "refuses": True}, {"journal": "no"}),
        ({"hidden_columns": {"active", "sys_mod_count"}}, {"columns of a ticket": "no"}),
        ({"counts": False}, {"hidden rows": "unknown"}),
    ],
)
def test_missing_access_is_reported(instance, behavior, expected):
    for name, value in behavior.items():
        setattr(instance, name, value)
    result = check(instance)
    assert not_ok(result) == {"role": "unknown", **expected}
    assert result.failure is None


def test_hidden_rows_are_reported(instance):
    instance.hidden_rows = {instance.add()["sys_id"]}
    result = check(instance)
    assert not_ok(result)["hidden rows"] == "no"
    assert "1 of the first 2" in finding(result, "hidden rows")


def test_search_that_misses_the_ticket_is_reported(instance):
    instance.faults["page"] = [None, Fault(answered(400, "Invalid query"))]
    result = check(instance)
    assert not_ok(result)["search"] == "failed"


def test_ticket_without_reference_is_searched_by_number():
    instance = Instance()
    instance.add()
    assert finding(check(instance), "search") == "finds INC0000001 by number"


def test_empty_table_is_not_a_failure():
    result = check(Instance())
    assert result.failure is None
    assert not_ok(result)["read of a ticket"] == "unknown"
    assert result.values["number"] is None


def test_named_ticket_is_read(instance):
    instance.add()
    assert check(instance, number="INC0000002").values["number"] == "INC0000002"
    missing = check(instance, number="INC0000009")
    assert missing.failure is not None
    assert missing.failure.category == "not_found"
    assert not_ok(missing) == {"role": "unknown", "read of a ticket": "failed"}


@pytest.mark.parametrize(
    "error, name",
    [
        (answered(401), "credentials"),
        (answered(403), "table"),
        (answered(400, "Invalid table x"), "table"),
        (broken(is_write=False), "address"),
    ],
)
def test_first_request_that_fails_ends_the_check(instance, error, name):
    instance.faults["page"] = [Fault(error)]
    result = check(instance)
    assert not_ok(result) == {name: "failed"}
    assert result.failure is not None
    assert len(instance.calls) == 1


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"api_key": "x"}, "API key"),
        ({"access_token": "x"}, "access token"),
        ({"client_id": "x"}, "token was fetched"),
    ],
)
def test_account_is_unknown_without_a_user_name(instance, options, expected):
    result = check(instance, username=None, password=None, **options)
    assert expected.lower() in finding(result, "credentials").lower()
    assert not_ok(result) == {"who am I": "unknown", "role": "unknown"}


def test_account_that_may_not_read_itself_is_named(instance):
    assert finding(check(instance, username="hidden"), "who am I").startswith("hidden;")


@pytest.mark.parametrize("options", [{"table": "a b"}, {"number": "a^b"}])
def test_invalid_options_are_refused(instance, options):
    with pytest.raises(ApiError) as caught:
        check(instance, **options)
    assert_message(caught.value.message, next(iter(options)))


def test_refused_connection_options_are_a_row():
    result = refused_options(configuration_error("url is missing.", check="address"))
    assert not_ok(result) == {"address": "failed"}
    assert (result.values["number"], result.values["sys_id"]) == (None, None)
