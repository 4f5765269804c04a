# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the hosts of incidents: names, variables and groups."""

from __future__ import annotations

import re

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils.incident_hosts import (
    build_hosts,
    custom_host_name,
    filter_records,
)

WORKSPACE, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
UUID = "7C2A1E8F-63D4-4B9F-8A22-1D3E4F5A6B72"


def record(**values):
    """Return an incident as the service lists it."""
    shown = {"id": "48213", "source": "DefenderXDR", "workspaceId": WORKSPACE, "title": "Sign-in of the backup account"}
    return {**shown, "severity": "Low", "status": "New", "creationTime": "2026-11-21T10:00:00Z", **values}


def host(**values):
    """Return the host of an incident."""
    (only,), skipped = build_hosts([record(**values)])
    assert skipped == 0
    return only


def test_host_has_the_name_variables_and_groups_of_its_incident():
    listed = record(number=7)
    (made,), _skipped = build_hosts([listed])
    assert (made.name, made.full_name) == ("defenderxdr-48213-5d6e7f80", f"defenderxdr.48213.{WORKSPACE}")
    assert made.variables == {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": "48213",
        "incident_number": "7",
        "incident": listed,
    }
    workspace_group = "workspace_5d6e7f80_91a2_4b3c_8d4e_5f6071829304"
    assert made.groups == ["source_defenderxdr", "severity_low", "status_new", workspace_group]


def test_integers_of_the_older_generation_are_understood():
    made, usual = host(source=2, status=2), host()
    assert (made.name, made.groups, made.key) == (usual.name, usual.groups, usual.key)
    assert made.variables["source"] == "DefenderXDR"


def test_missing_properties_add_no_variable_and_no_group():
    made = host(severity=None, status="", number=None)
    assert "incident_number" not in made.variables
    assert [group.split("_")[0] for group in made.groups] == ["source", "workspace"]


@pytest.mark.parametrize(
    "identifier", ["inc:8a0c:f1", "a.b", "~x", "@file", "a,b", "!a&b", "x*[0:9]?", "ä\nb", "{{ 7 }}", "\ud800"]
)
def test_host_name_contains_no_pattern_and_no_template(identifier):
    made = host(id=identifier)
    for name in (made.name, made.full_name):
        assert re.fullmatch(r"[a-z0-9][A-Za-z0-9._%-]*", name)
        assert len(name) < 128
    assert host(id=f"{identifier}x").name != made.name


@pytest.mark.parametrize(
    "values, name",
    [
        ({"id": UUID, "source": "Sentinel"}, "sentinel-7c2a1e8f"),
        ({"id": "20931", "source": "qradar"}, "qradar-20931-5d6e7f80"),
        ({"id": "inc:8a0c5f2e9d7b4c31:f1e2d3c4"}, r"defenderxdr-inc_8a0c5f2e9d7b4c31-[0-9a-f]{8}"),
        ({"id": "\u00e4\u00f6"}, r"defenderxdr-[0-9a-f]{8}"),
    ],
    ids=["uuid", "number", "long", "non-ascii"],
)
def test_host_name_is_short(values, name):
    assert re.fullmatch(name, host(**values).name)


def test_names_are_extended_only_for_incidents_with_the_same_name():
    same = [f"7c2a1e8f-63d4-4b9f-8a22-00000000000{number}" for number in (1, 2)]
    records = [record(id=name, source="Sentinel") for name in (*same, "00000000-63d4-4b9f-8a22-000000000003")]
    records += [record(id=same[0], source="Sentinel", workspaceId=OTHER)]
    names = [made.name for made in build_hosts(records)[0]]
    assert names == [
        f"sentinel-{same[0]}-{WORKSPACE[:8]}",
        f"sentinel-{same[1]}",
        "sentinel-00000000",
        f"sentinel-{same[0]}-{OTHER[:8]}",
    ]
    assert [made.name for made in build_hosts(records[::-1])[0]] == names[::-1]


def test_name_of_another_source_is_not_used_but_that_of_the_same_incident_is():
    made = host()
    for taken in (None, host(id="48214").key):
        (other,), _skipped = build_hosts([record()], {made.name: taken})
        assert other.name == made.full_name
    (same,), _skipped = build_hosts([record()], {made.name: made.key})
    assert same.name == made.name


def test_host_name_does_not_depend_on_case():
    spellings = [
        record(id=UUID, source="Sentinel"),
        record(id=UUID.lower(), source="sentinel", workspaceId=WORKSPACE.upper()),
    ]
    assert len({build_hosts([one])[0][0].name for one in spellings}) == 1
    hosts, skipped = build_hosts(spellings)
    assert (len(hosts), skipped, hosts[0].variables["source"]) == (1, 0, "Sentinel")


def test_different_incidents_have_different_host_names():
    incidents = [record(id="a"), record(id="A"), record(id="a", workspaceId=OTHER), record(id="a", source="QRadar")]
    assert len({made.name for made in build_hosts(incidents)[0]}) == 4


@pytest.mark.parametrize(
    "values", [{"workspaceId": None}, {"workspaceId": "north"}, {"id": ""}, {"id": ".."}, {"source": "Unheard"}]
)
def test_incidents_without_a_usable_identity_are_counted(values):
    hosts, skipped = build_hosts([record(**values), record()])
    assert (len(hosts), skipped) == (1, 1)


@pytest.mark.parametrize("severity", ["{{ lookup('pipe', 'id') }}", "Hoch-Über", "9", "--", "a b"])
def test_group_names_are_valid(severity):
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", group) for group in host(severity=severity).groups)


def test_custom_host_name_ends_with_a_suffix_of_the_incident():
    default = host().full_name
    name = custom_host_name(default, "web")
    assert re.fullmatch(r"web\.[0-9a-f]{12}", name)
    assert custom_host_name(default, " web ") == name
    assert custom_host_name(host(id="48214").full_name, "web") != name
    assert custom_host_name(default, "{{ a }}:b").startswith("%7B%7B%20a%20%7D%7D%3Ab.")
    for blank in ("", " \n"):
        assert custom_host_name(default, blank) == default
    # A controller stores at most 512 characters.
    first, second = (custom_host_name(host(id=identifier).full_name, "\u00e4" * 5000) for identifier in "12")
    assert first != second
    assert max(len(first), len(second)) < 128


def test_records_are_filtered():
    listed = [record(), record(id="2", title=None), record(id="3", title="Other", workspaceId=OTHER)]
    assert [one["id"] for one in filter_records(listed)] == ["48213", "2", "3"]
    assert [one["id"] for one in filter_records(listed, title_pattern="BACKUP")] == ["48213"]
    assert [one["id"] for one in filter_records(listed, workspace_ids=[OTHER])] == ["3"]
    assert filter_records(listed, older_than_hours=999_999) == []
    assert filter_records([listed[1]]) == [listed[1]], "unchanged"


@pytest.mark.parametrize(
    "options, words",
    [({"title_pattern": "("}, "valid regular expression"), ({"older_than_hours": -1}, "number of hours")],
)
def test_invalid_filter_is_refused_without_any_record(options, words):
    with pytest.raises(ValueError, match=words):
        filter_records([], **options)
