# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the listed incidents a runbook takes."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.secops.itsm.plugins.filter.incident_selection import incident_selection
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import list_entry, select_incidents

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone.utc)
WORKSPACE, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"


def record(number: int = 1, **values):
    """An incident as the service lists it."""
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


def taken(records, pattern="backup", **kwargs):
    """Identifiers of what is taken."""
    return [entry["incident_id"] for entry in select_incidents(records, pattern, now=NOW, **kwargs)]


def test_an_entry():
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


def test_an_entry_of_a_sparse_record():
    assert list_entry({"id": 7, "source": "Unheard"})["line"] == "Unheard 7 of  (): None"


@pytest.mark.parametrize(
    "pattern, is_found",
    [
        ("backup", True),
        ("BACKUP ACC", True),
        ("^sign-in", True),
        ("^backup", False),
        ("backup$", False),
        (r"\bback\b", False),
        ("(impossible|backup) account", True),
        ("(?-i:Backup)", False),
    ],
)
def test_the_pattern_is_found_anywhere_in_any_case(pattern, is_found):
    assert taken([record()], pattern) == (["1"] if is_found else [])


def test_the_order_is_kept():
    assert taken([record(3), record(1), record(2, title="other")]) == ["3", "1"]


@pytest.mark.parametrize("pattern", ["(", "[", "*", "(?P<"])
def test_a_pattern_that_is_none(pattern):
    with pytest.raises(AnsibleFilterError, match=r"^title_pattern is no regular expression: .*[.]$"):
        incident_selection([], pattern)


@pytest.mark.parametrize("title", [None, "", 0])
@pytest.mark.parametrize("pattern", ["backup", ".*", "^$", ""])
def test_without_a_title_it_is_not_taken(title, pattern):
    bare = {name: value for name, value in record().items() if name != "title"}
    assert taken([record(title=title), bare], pattern) == []


@pytest.mark.parametrize(
    "hours, is_old",
    [(None, True), (0, True), (1.5, True), (2, True), (2.001, False), (1000, False)],
)
def test_the_age(hours, is_old):
    assert taken([record()], older_than_hours=hours) == (["1"] if is_old else [])


def test_a_moment_in_another_zone_and_of_seven_digits():
    records = [
        record(1, creationTime="2026-11-21T12:30:00.1234567+02:00"),
        record(2, creationTime="2026-11-21T11:30:00"),
    ]
    assert taken(records, older_than_hours=1) == ["1"]


@pytest.mark.parametrize("moment", [None, "", "yesterday", 5])
def test_without_a_moment_nothing_is_old(moment):
    assert taken([record(creationTime=moment)], older_than_hours=1) == []
    assert taken([record(creationTime=moment)]) == ["1"]


def test_workspaces():
    records = [record(1), record(2, workspaceId=OTHER.upper()), record(3, workspaceId=None)]
    assert taken(records) == ["1", "2", "3"]
    assert taken(records, workspace_ids=[]) == ["1", "2", "3"]
    assert taken(records, workspace_ids=[f" {OTHER} "]) == ["2"]
    assert taken(records, workspace_ids=[WORKSPACE.upper(), OTHER]) == ["1", "2"]


@pytest.mark.parametrize("blank", [None, ""])
def test_what_older_versions_of_ansible_make_of_none(blank):
    """A template that gives None gives an empty text before ansible-core 2.19."""
    (entry,) = incident_selection([record()], "backup", workspace_ids=blank, older_than_hours=blank)
    assert entry["incident_id"] == "1"


def test_an_age_may_come_as_a_text():
    """A template that gives a number gives its text in some versions of Ansible."""
    (entry,) = incident_selection([record()], "backup", older_than_hours="2.5")
    assert entry["incident_id"] == "1"


@pytest.mark.parametrize("hours", ["two", float("inf"), float("nan"), 1e12])
def test_an_age_that_is_none(hours):
    with pytest.raises(AnsibleFilterError, match="older_than_hours"):
        incident_selection([record()], "backup", older_than_hours=hours)
