# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listed incidents as hosts: their names, variables and groups."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from ansible_collections.secops.itsm.plugins.plugin_utils.incident_hosts import (
    build_hosts,
    custom_host_name,
    filter_records,
)

WORKSPACE, OTHER = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304", "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
UUID = "7C2A1E8F-63D4-4B9F-8A22-1D3E4F5A6B72"


def record(**values):
    """An incident as the service lists it."""
    shown = {"id": "48213", "source": "DefenderXDR", "workspaceId": WORKSPACE, "title": "Sign-in of the backup account"}
    return {**shown, "severity": "Low", "status": "New", "creationTime": "2026-11-21T10:00:00Z", **values}


def host(**values):
    """The host of an incident."""
    (only,), left_out = build_hosts([record(**values)])
    assert left_out == 0
    return only


def test_a_host():
    listed = record(number=7)
    (made,), _left_out = build_hosts([listed])
    assert made.name == f"defenderxdr.48213.{WORKSPACE}"
    assert made.variables == {
        "workspace_id": WORKSPACE,
        "source": "DefenderXDR",
        "incident_id": "48213",
        "incident_number": "7",
        "incident": listed,
    }
    assert made.groups == [
        "source_defenderxdr",
        "severity_low",
        "status_new",
        "workspace_5d6e7f80_91a2_4b3c_8d4e_5f6071829304",
    ]


def test_what_is_not_shown_gives_no_variable_and_no_group():
    made = host(severity=None, status="", number=None)
    assert "incident_number" not in made.variables
    assert [group.split("_")[0] for group in made.groups] == ["source", "workspace"]


@pytest.mark.parametrize(
    "identifier", ["inc:8a0c:f1", "a.b", "~x", "@file", "a,b", "!a&b", "x*[0:9]?", "ä\nb", "{{ 7 }}", "\ud800"]
)
def test_a_name_holds_nothing_that_a_pattern_or_a_template_gives_a_meaning_to(identifier):
    name = host(id=identifier).name
    assert re.fullmatch(r"[a-z0-9][A-Za-z0-9._%-]*", name)
    source, rest = name.split(".", 1)
    middle, workspace = rest.rsplit(".", 1)
    assert (source, unquote(middle, errors="surrogatepass"), workspace) == ("defenderxdr", identifier, WORKSPACE)


def test_the_name_is_the_same_in_whatever_case_the_service_spells_what_has_no_case():
    spellings = [
        record(id=UUID, source="Sentinel"),
        record(id=UUID.lower(), source="sentinel", workspaceId=WORKSPACE.upper()),
    ]
    assert len({build_hosts([one])[0][0].name for one in spellings}) == 1
    hosts, left_out = build_hosts(spellings)
    assert (len(hosts), left_out) == (1, 0)
    assert hosts[0].variables["source"] == "Sentinel"


def test_identifiers_of_different_incidents_give_different_names():
    incidents = [record(id="a"), record(id="A"), record(id="a", workspaceId=OTHER), record(id="a", source="QRadar")]
    hosts, _left_out = build_hosts(incidents)
    assert len({made.name for made in hosts}) == 4


@pytest.mark.parametrize(
    "values", [{"workspaceId": None}, {"workspaceId": "north"}, {"id": ""}, {"id": ".."}, {"source": "Unheard"}]
)
def test_what_no_module_could_be_told_of_is_left_out_and_counted(values):
    hosts, left_out = build_hosts([record(**values), record()])
    assert (len(hosts), left_out) == (1, 1)


@pytest.mark.parametrize("severity", ["{{ lookup('pipe', 'id') }}", "Hoch-Über", "9", "--", "a b"])
def test_groups_have_names_that_groups_can_have(severity):
    for group in host(severity=severity).groups:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", group)


def test_a_chosen_name_ends_in_a_part_of_the_incident():
    usual = host().name
    name = custom_host_name(usual, "web")
    assert re.fullmatch(r"web\.[0-9a-f]{12}", name)
    assert custom_host_name(usual, " web ") == name
    assert custom_host_name(host(id="48214").name, "web") != name
    assert custom_host_name(usual, "{{ a }}:b").startswith("%7B%7B%20a%20%7D%7D%3Ab.")


@pytest.mark.parametrize("chosen", ["", " \n"])
def test_a_host_keeps_its_usual_name_without_a_chosen_one(chosen):
    assert custom_host_name(host().name, chosen) == host().name


def test_long_titles_give_names_that_differ():
    """A controller stores names of 512 characters at most."""
    first, second = (custom_host_name(host(id=identifier).name, "\u00e4" * 5000) for identifier in "12")
    assert first != second
    assert max(len(first), len(second)) < 128


def test_the_selection():
    listed = [record(), record(id="2", title=None), record(id="3", title="Other", workspaceId=OTHER)]
    assert [one["id"] for one in filter_records(listed)] == ["48213", "2", "3"]
    assert [one["id"] for one in filter_records(listed, title_pattern="BACKUP")] == ["48213"]
    assert [one["id"] for one in filter_records(listed, workspace_ids=[OTHER])] == ["3"]
    assert filter_records(listed, older_than_hours=999_999) == []
    assert filter_records([listed[1]]) == [listed[1]], "as it was listed"


@pytest.mark.parametrize(
    "options, words", [({"title_pattern": "("}, "no regular expression"), ({"older_than_hours": -1}, "number of hours")]
)
def test_a_selection_that_is_none_is_found_although_nothing_is_listed(options, words):
    with pytest.raises(ValueError, match=words):
        filter_records([], **options)
