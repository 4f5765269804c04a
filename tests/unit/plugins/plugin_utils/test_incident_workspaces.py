# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incidents that came by an event are found in the list, each in its own workspace, or not at all."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.secops.itsm.plugins.filter.runbook_workspaces import FilterModule
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_workspaces import (
    add_workspaces,
    evidence_problem,
    search_window,
)
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

HERE, THERE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
TITLE = "Sign-in from an unusual location"
RAISED = datetime(2026, 11, 21, 2, 41, 7, tzinfo=timezone.utc)


def spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


ENTRY = {
    "source": "DefenderXDR",
    "incident_id": "48213",
    "created_at": spelled(RAISED),
    "title_sha256": hashlib.sha256(TITLE.encode()).hexdigest(),
    "comment": "kept",
}
RECORD = {
    "id": "48213",
    "source": "defenderxdr",
    "title": TITLE,
    "creationTime": "2026-11-21T02:41:07.1234567Z",
    "workspaceId": HERE,
}


def found(*records: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return add_workspaces([{**ENTRY, **changes}], list(records))


def test_found_without_what_it_was_found_by():
    wanted = {"workspace_id": HERE, "source": "DefenderXDR", "incident_id": "48213", "comment": "kept"}
    assert found({**RECORD, "id": "1"}, RECORD) == {"incidents": [wanted], "problems": []}


def test_listed_twice_in_one_workspace_is_once():
    assert found(RECORD, {**RECORD, "workspaceId": HERE.upper()})["incidents"][0]["workspace_id"] == HERE


@pytest.mark.parametrize(
    "change",
    [
        {"id": "48214"},
        {"source": "QRadar"},
        {"source": None},
        {"title": TITLE + "."},
        {"title": None},
        {"creationTime": "2026-11-21T02:41:08.1Z"},
        {"creationTime": "2026-11-21T02:41:05.9Z"},
        {"creationTime": None},
        {"workspaceId": None},
    ],
    ids=str,
)
def test_the_incident_of_somebody_else_is_not_taken(change):
    """One of the same number in another customer's workspace, while the right one is not listed yet."""
    outcome = found({**RECORD, **change})
    assert outcome["incidents"] == []
    (problem,) = outcome["problems"]
    assert_message(problem, 48213, "DefenderXDR", "2026-11-21T02:41:07Z", "not found", "'workspace_id'", "event filter")


def test_two_that_fit_are_told():
    outcome = found(RECORD, {**RECORD, "workspaceId": THERE})
    assert outcome["incidents"] == []
    assert_message(outcome["problems"][0], HERE, THERE, "'workspace_id'")


def test_uuids_of_sentinel_count_in_any_case():
    identifier = "7C2A1E8F-63D4-4B9F-8A22-1D3E4F5A6B72"
    entry = {**ENTRY, "source": "Sentinel", "incident_id": identifier}
    record = {**RECORD, "source": "Sentinel", "id": identifier.lower()}
    assert add_workspaces([entry], [record])["incidents"][0]["workspace_id"] == HERE
    other = {"source": "Splunk"}
    assert not add_workspaces([{**entry, **other}], [{**record, **other}])["incidents"]


def test_who_names_the_workspace_is_not_looked_up():
    outcome = add_workspaces([{**ENTRY, "workspace_id": THERE}], [RECORD])
    assert [entry["workspace_id"] for entry in outcome["incidents"]] == [THERE]


def test_one_that_is_not_found_does_not_hide_the_other():
    outcome = FilterModule().filters()["runbook_workspaces"]([{**ENTRY, "incident_id": "1"}, ENTRY], [RECORD])
    assert [entry["incident_id"] for entry in outcome["incidents"]] == ["48213"]
    assert len(outcome["problems"]) == 1


# --- the window -----------------------------------------------------------------------------------------------------


def test_no_window_if_all_is_known():
    assert search_window([{**ENTRY, "workspace_id": HERE}]) == {}
    assert search_window([]) == {}


def test_window_of_what_was_raised_now():
    """The end of the list is the present, and a time that is not yet would be refused."""
    options = search_window([ENTRY, {**ENTRY, "workspace_id": HERE, "source": "QRadar"}], RAISED + timedelta(minutes=1))
    assert options == {"sources": ["DefenderXDR"], "time_from": "2026-11-21T02:36:07Z"}


def test_window_of_what_was_raised_long_ago():
    later = {**ENTRY, "source": "Sentinel", "created_at": spelled(RAISED + timedelta(hours=1))}
    assert search_window([later, ENTRY], RAISED + timedelta(days=9)) == {
        "sources": ["DefenderXDR", "Sentinel"],
        "time_from": "2026-11-21T02:36:07Z",
        "time_to": "2026-11-21T03:46:07Z",
    }


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(-1000, 1000))
def test_what_can_be_found_lies_in_the_window(raised, apart):
    moment = raised.replace(tzinfo=timezone.utc, microsecond=0)
    entry = {**ENTRY, "created_at": spelled(moment)}
    listed = moment + timedelta(milliseconds=apart)
    record = {**RECORD, "creationTime": listed.isoformat()}
    assert add_workspaces([entry], [record])["problems"] == []
    options = search_window([entry], moment + timedelta(days=1))
    assert options["time_from"] < spelled(listed) < options["time_to"]


# --- what is wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["yesterday", "", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59Z", "{{ now() }}"])
def test_no_time(text):
    assert_message(evidence_problem({**ENTRY, "created_at": text}), "created_at", "point in time")


@pytest.mark.parametrize("text", [TITLE, "", "A" * 64, "a" * 63, "a" * 64 + "\n", ["a"]])
def test_no_digest(text):
    assert_message(evidence_problem({**ENTRY, "title_sha256": text}), "title_sha256", "SHA-256")


def test_nothing_wrong():
    assert evidence_problem(ENTRY) == evidence_problem({}) == ""


@pytest.mark.parametrize("title", ["", TITLE, "Überweisung \u200b", "\ud800 half of a pair"])
def test_digest_of_any_title(title):
    digest = title_digest(title)
    assert evidence_problem({"title_sha256": digest}) == ""
    assert digest == title_digest(title) != title_digest(title + " ")
