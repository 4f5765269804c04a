# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the details that are read for the texts of tickets."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.secops.itsm.plugins.filter.runbook_details import runbook_details
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_details import add_details, used_details

WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
ENTRY = {"workspace_id": WORKSPACE, "source": "DefenderXDR", "incident_id": "61024"}
OTHER = {"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": "7C2A1E8F-63d4-4b9f-8a22-1d3e4f5a6b72"}
READ = {"title": "T", "severity": "High", "createdAt": "2026-11-20T10:00:00.5Z", "secret": "s"}
ROW = {
    "id": "61024",
    "source": "defenderxdr",
    "workspaceId": WORKSPACE.upper(),
    "description": "D",
    "number": 7,
    "displayId": "INC-7",
    "user": {"displayName": "A"},
    "sourceDisplayName": "Defender",
    "entities": [{"type": "Host", "name": "H"}],
    "title": "Other",
}
LISTED = ("description", "owner", "number", "source_name")
NOW = datetime(2026, 12, 1, tzinfo=timezone.utc)


def result(*outcomes):
    """Return the registered result of reading incidents."""
    return {"results": [{**entry, "incident": record, **rest} for entry, record, rest in outcomes]}


def details(template, read=None, listed=(), incidents=(ENTRY,), **options):
    """Return the details for a field with a template."""
    return add_details(incidents, {"fields": {"a": [template]}, **options}, read, listed, NOW)


@pytest.mark.parametrize(
    "options, entry, used",
    [
        ({"fields": {"a": "{title} {severity} {priority} {incident_id}"}}, {}, []),
        ({"fields": {"a": "{alerts_html}"}, "summary": "{owner}"}, {}, ["alerts", "owner"]),
        ({"priority_map": {"High": {"a": "{number}"}}}, {}, ["number"]),
        ({}, {"fields": {"a": "{description}"}, "summary": "{portal_url}"}, ["description", "portal_url"]),
        ({"fields": {"a": "{alerts}"}}, {"ticket_id": "1"}, []),
        ({"comment": "{alerts}"}, {"comment": "{alerts}"}, []),
    ],
)
def test_used_details_are_found(options, entry, used):
    assert used_details([{**ENTRY, **entry}], options) == used
    assert used_details([], options) == []


def test_nothing_is_read_without_details():
    found = details("{title}", result((ENTRY, READ, {})))
    assert (found["investigation"], found["window"], found["notes"]) == (False, {}, [])
    assert found["incidents"] == [ENTRY]


@pytest.mark.parametrize("name", ["alerts", "entities", "created_at", "portal_url"])
def test_list_is_not_needed_for_what_a_read_shows(name):
    found = details(f"{{{name}}}", result((ENTRY, READ, {})), portal_url="https://p.example/{incident_id}")
    assert found["window"] == {}
    assert found["investigation"] == (name in ("alerts", "entities"))


@pytest.mark.parametrize("name", LISTED)
def test_list_is_needed_for_other_details(name):
    later = {**READ, "createdAt": "2026-11-21T10:00:00+01:00"}
    read = result((ENTRY, READ, {}), (OTHER, later, {}))
    found = details(f"{{{name}}}", read, incidents=[ENTRY, OTHER])
    assert found["window"] == {
        "sources": ["DefenderXDR", "Sentinel"],
        "time_from": "2026-11-20T09:55:00Z",
        "time_to": "2026-11-21T09:05:00Z",
    }
    assert found["unlisted"] == 2


@pytest.mark.parametrize(
    "template, entry, record, portal_url, is_needed",
    [
        ("{number}", {"incident_number": 7}, {}, "", False),
        ("{number}", {}, {"displayId": "7"}, "", False),
        ("{owner}", {}, {"user": None}, "", False),
        ("{owner} {description}", {}, {"user": None}, "", True),
        ("{portal_url}", {}, {}, "https://p.example/{incident_number}", True),
        ("{portal_url}", {"incident_number": 7}, {}, "https://p.example/{incident_number}", False),
        ("{description}", {}, {"createdAt": None}, "", False),
        ("{description}", {}, {"createdAt": "yesterday"}, "", False),
    ],
)
def test_list_is_not_needed_for_known_values(template, entry, record, portal_url, is_needed):
    incident = {**ENTRY, **entry}
    read = result((ENTRY, {**READ, **record}, {}))
    assert bool(details(template, read, incidents=[incident], portal_url=portal_url)["window"]) is is_needed


def test_new_incident_is_listed_up_to_the_current_time():
    """Later times are refused."""
    found = details("{owner}", result((ENTRY, {**READ, "createdAt": "2026-11-30T23:59:00Z"}, {})))
    assert found["window"] == {"sources": ["DefenderXDR"], "time_from": "2026-11-30T23:54:00Z"}


ALL = "{description} {alerts} {entities} {owner} {number} {created_at} {source_name}"


def test_details_are_added_to_the_record():
    investigation = {"alerts": [{"title": "A", "x": 1}], "entities": None}
    read = result((ENTRY, {**READ, "user": {"displayName": "B"}}, {"details": {"investigationDetails": investigation}}))
    incident = {**ENTRY, "record": {"title": "T"}}
    found = details(ALL, read, [{**ROW, "id": "9"}, ROW, {**ROW, "description": "later page"}], [incident])
    assert (found["unlisted"], found["notes"]) == (0, [])
    assert found["incidents"] == [
        {
            **ENTRY,
            "record": {
                "title": "T",
                "createdAt": READ["createdAt"],
                "description": "D",
                "number": 7,
                "displayId": "INC-7",
                # A read takes precedence over the list.
                "user": {"displayName": "B"},
                "sourceDisplayName": "Defender",
                "alerts": {"first": [{"title": "A"}], "more": 0},
                "entities": {"first": [{"type": "Host", "name": "H"}], "more": 0},
            },
        }
    ]


def test_null_of_a_read_takes_precedence():
    """The incident is not assigned any more, and the list may lag behind."""
    read = result((ENTRY, {**READ, "user": None}, {}))
    (incident,) = details("{owner} {description}", read, [ROW])["incidents"]
    assert incident["record"] == {"user": None, "description": "D"}


@pytest.mark.parametrize("change", [{"id": "61025"}, {"source": "Sentinel"}, {"workspaceId": OTHER["incident_id"]}])
def test_other_incidents_are_not_used(change):
    found = details("{description}", result((ENTRY, READ, {})), [{**ROW, **change}])
    assert found["unlisted"] == 1
    assert found["incidents"] == [{**ENTRY, "record": {}}]


def test_missing_details_are_noted_once():
    read = result((ENTRY, READ, {}), (OTHER, READ, {}))
    third = {**ENTRY, "incident_id": "3", "incident_number": "3"}
    found = details("{number} {owner} {created_at}", read, [ROW], [ENTRY, OTHER, third])
    assert found["notes"] == [
        f"The service does not show a value for {{owner}} and {{number}} of Sentinel {OTHER['incident_id']}.",
        "The service does not show a value for {owner} and {created_at} of DefenderXDR 3.",
    ]
    same = details("{owner}", read, [], [ENTRY, OTHER])["notes"]
    names = f"DefenderXDR 61024, Sentinel {OTHER['incident_id']}"
    assert same == [f"The service does not show a value for {{owner}} of {names}."]


@pytest.mark.parametrize("listed", [(), (ROW,)], ids=["unlisted", "listed"])
@pytest.mark.parametrize(
    "shown", [None, {}, {"investigationDetails": None}, {"investigationDetails": {"alerts": None}}], ids=repr
)
def test_odd_investigations_are_accepted(shown, listed):
    read = result((ENTRY, READ, {"details": shown}))
    (incident,) = runbook_details([ENTRY], {"fields": {"a": "{alerts} {entities}"}}, read, listed)["incidents"]
    assert incident["record"]["alerts"] == {"first": [], "more": 0}
