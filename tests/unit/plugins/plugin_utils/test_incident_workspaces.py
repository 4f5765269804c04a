# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that incidents from events are found in the list, with their own workspace only."""

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

WORKSPACE, OTHER = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
TITLE = "Sign-in from an unusual location"
RAISED = datetime(2026, 11, 21, 2, 41, 7, tzinfo=timezone.utc)


def spelled(moment: datetime) -> str:
    """Return a point in time as an event contains it."""
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
    "workspaceId": WORKSPACE,
}


def found(*records: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the result for an entry with changes and listed records."""
    return add_workspaces([{**ENTRY, **changes}], list(records))


def test_found_entry_has_the_workspace_instead_of_the_evidence():
    expected = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "48213", "comment": "kept"}
    assert found({**RECORD, "id": "1"}, RECORD) == {"incidents": [expected], "problems": []}
    assert found({**RECORD, "source": 2})["incidents"] == [expected]
    # Listed twice in the same workspace.
    assert found(RECORD, {**RECORD, "workspaceId": WORKSPACE.upper()})["incidents"] == [expected]


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
def test_incident_of_another_customer_does_not_match(change):
    """Another customer's incident may have the same number while the right one is not listed yet."""
    outcome = found({**RECORD, **change})
    assert outcome["incidents"] == []
    (problem,) = outcome["problems"]
    assert_message(problem, 48213, "DefenderXDR", "2026-11-21T02:41:07Z", "not found", "'workspace_id'", "event filter")


def test_ambiguous_workspace_is_reported():
    outcome = found(RECORD, {**RECORD, "workspaceId": OTHER})
    assert outcome["incidents"] == []
    assert_message(outcome["problems"][0], WORKSPACE, OTHER, "'workspace_id'")


def test_only_sentinel_identifiers_ignore_case():
    identifier = "7C2A1E8F-63D4-4B9F-8A22-1D3E4F5A6B72"
    for source, expected in (("Sentinel", 1), ("Splunk", 0)):
        changed = {**RECORD, "source": source, "id": identifier.lower()}
        assert len(found(changed, source=source, incident_id=identifier)["incidents"]) == expected


def test_entries_with_a_workspace_are_not_looked_up():
    outcome = found(RECORD, workspace_id=OTHER)
    assert [entry["workspace_id"] for entry in outcome["incidents"]] == [OTHER]


def test_missing_incident_does_not_affect_others():
    outcome = FilterModule().filters()["runbook_workspaces"]([{**ENTRY, "incident_id": "1"}, ENTRY], [RECORD])
    assert [entry["incident_id"] for entry in outcome["incidents"]] == ["48213"]
    assert len(outcome["problems"]) == 1


# --- search window --------------------------------------------------------------------------------------------------


def test_window_is_empty_if_all_workspaces_are_known():
    assert search_window([{**ENTRY, "workspace_id": WORKSPACE}]) == search_window([]) == {}


def test_window_has_no_end_in_the_future():
    options = search_window(
        [ENTRY, {**ENTRY, "workspace_id": WORKSPACE, "source": "QRadar"}], RAISED + timedelta(minutes=1)
    )
    assert options == {"sources": ["DefenderXDR"], "time_from": "2026-11-21T02:36:07Z"}


def test_window_covers_all_entries():
    later = {**ENTRY, "source": "Sentinel", "created_at": spelled(RAISED + timedelta(hours=1))}
    assert search_window([later, ENTRY], RAISED + timedelta(days=9)) == {
        "sources": ["DefenderXDR", "Sentinel"],
        "time_from": "2026-11-21T02:36:07Z",
        "time_to": "2026-11-21T03:46:07Z",
    }


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)), st.integers(-1000, 1000))
def test_every_matching_incident_is_in_the_window(raised, milliseconds):
    moment = raised.replace(tzinfo=timezone.utc, microsecond=0)
    entry = {**ENTRY, "created_at": spelled(moment)}
    listed = moment + timedelta(milliseconds=milliseconds)
    assert add_workspaces([entry], [{**RECORD, "creationTime": listed.isoformat()}])["problems"] == []
    options = search_window([entry], moment + timedelta(days=1))
    assert options["time_from"] < spelled(listed) < options["time_to"]


# --- validation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["yesterday", "", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59Z", "{{ now() }}"])
def test_invalid_creation_time_is_refused(text):
    assert_message(evidence_problem({**ENTRY, "created_at": text}), "created_at", "point in time")


@pytest.mark.parametrize("text", [TITLE, "", "A" * 64, "a" * 63, "a" * 64 + "\n", ["a"]])
def test_invalid_title_digest_is_refused(text):
    assert_message(evidence_problem({**ENTRY, "title_sha256": text}), "title_sha256", "SHA-256")


@pytest.mark.parametrize("title", ["", TITLE, "Überweisung \u200b", "\ud800 half of a pair"])
def test_digest_of_any_title_is_valid(title):
    digest = title_digest(title)
    assert evidence_problem({"title_sha256": digest}) == evidence_problem(ENTRY) == evidence_problem({}) == ""
    assert digest != title_digest(title + " ")
