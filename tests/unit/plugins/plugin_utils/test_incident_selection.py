# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the selection of listed incidents."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.secops.itsm.plugins.filter.incident_selection import incident_selection
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import list_entry, select_incidents

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
WORKSPACE, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"


def record(number: int = 1, **values):
    """Return an incident as the service lists it."""
    return {
        "id": str(number),
        "source": "DefenderXDR",
        "workspaceId": WORKSPACE,
        "title": "Sign-in of the backup account",
        "severity": "Low",
        "status": "New",
        "creationTime": "2026-11-21T10:00:00Z",
        **values,
    }


def selected(records, pattern="backup", **kwargs):
    """Return the identifiers of the matching incidents."""
    return [entry["incident_id"] for entry in select_incidents(records, pattern, now=NOW, **kwargs)]


def test_entry_describes_the_incident():
    (entry,) = select_incidents([record(source="defenderxdr", more="of it")], "backup")
    assert entry == {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": "1",
        "title": "Sign-in of the backup account",
        "severity": "Low",
        "status": "New",
        "created_at": "2026-11-21T10:00:00Z",
        "line": f"DefenderXDR 1 of {WORKSPACE} (Low, New, 2026-11-21T10:00:00Z): Sign-in of the backup account",
    }
    integers = list_entry(record(source=2, status=2))
    assert (integers["source"], integers["status"]) == ("DefenderXDR", "New")
    assert list_entry({"id": 7, "source": "Unheard"})["line"] == "Unheard 7 of  (): None"


@pytest.mark.parametrize(
    "pattern, matches",
    [
        ("BACKUP ACC", True),
        ("^sign-in", True),
        ("^backup", False),
        (r"\bback\b", False),
        ("(impossible|backup) account", True),
        ("(?-i:Backup)", False),
    ],
)
def test_pattern_is_searched_ignoring_case(pattern, matches):
    assert selected([record()], pattern) == (["1"] if matches else [])


@pytest.mark.parametrize("title", [None, "", 0])
@pytest.mark.parametrize("pattern", ["backup", ".*", "^$", ""])
def test_incident_without_a_title_does_not_match(title, pattern):
    bare = {name: value for name, value in record().items() if name != "title"}
    assert selected([record(title=title), bare], pattern) == []


@pytest.mark.parametrize("hours, is_old", [(None, True), (0, True), (2, True), (2.001, False)])
def test_minimum_age_is_compared_with_the_creation_time(hours, is_old):
    assert selected([record()], older_than_hours=hours) == (["1"] if is_old else [])


@pytest.mark.parametrize(
    "moment, is_old",
    [
        ("2026-11-21T12:30:00.1234567+02:00", True),
        ("2026-11-21T11:30:00", False),
        (None, False),
        ("", False),
        ("yesterday", False),
        (5, False),
    ],
)
def test_incident_without_a_creation_time_is_not_old(moment, is_old):
    assert selected([record(creationTime=moment)], older_than_hours=1) == (["1"] if is_old else [])
    assert selected([record(creationTime=moment)]) == ["1"]


def test_workspaces_are_compared_ignoring_case():
    records = [record(3, workspaceId=None), record(1), record(2, workspaceId=OTHER.upper())]
    assert selected(records) == selected(records, workspace_ids=[]) == ["3", "1", "2"]
    assert selected(records, workspace_ids=[f" {OTHER} "]) == ["2"]
    assert selected(records, workspace_ids=[WORKSPACE.upper(), OTHER]) == ["1", "2"]


@pytest.mark.parametrize("options", [{"workspace_ids": None, "older_than_hours": None}, {"older_than_hours": "2.5"}])
def test_filter_accepts_results_of_templates(options):
    """Before ansible-core 2.19, templates result in texts."""
    as_text = {name: "" if value is None else value for name, value in options.items()}
    for given in (options, as_text):
        assert [entry["incident_id"] for entry in incident_selection([record()], "backup", **given)] == ["1"]


@pytest.mark.parametrize("pattern, hours", [("(", None), ("*", None), ("x", "two"), ("x", float("nan")), ("x", 1e12)])
def test_filter_refuses_invalid_options(pattern, hours):
    words = r"^older_than_hours must .*[.]$" if hours else r"^title_pattern is not a valid regular expression: .*[.]$"
    with pytest.raises(AnsibleFilterError, match=words):
        incident_selection([], pattern, older_than_hours=hours)
