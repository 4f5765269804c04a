# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of incidents: validation, and which keys identify the same incident."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import SOURCE_BY_INTEGER
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import (
    IncidentKey,
    canonical_source,
    incident_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
GUID = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"


def key(source: str = "Sentinel", incident_id: str = GUID, workspace_id: str = WORKSPACE) -> IncidentKey:
    return incident_key(workspace_id, source, incident_id)


@pytest.mark.parametrize(
    "one, other",
    [
        (key(), key()),
        (key(), key(workspace_id=WORKSPACE.upper())),
        (key("sentinel"), key("SENTINEL")),
        (key(), key("1")),
        (key(incident_id=GUID), key(incident_id=GUID.upper())),
    ],
    ids=["same", "workspace in capitals", "source in capitals", "source as integer", "UUID in capitals"],
)
def test_spellings_of_a_key_are_equal(one, other):
    assert one == other
    assert hash(one) == hash(other)
    # Requests contain the given spelling.
    assert one.incident_id in (GUID, GUID.upper())


@pytest.mark.parametrize(
    "one, other",
    [
        (key("Splunk", "42"), key("Splunk", "43")),
        (key(), key("Splunk")),
        (key(), key(workspace_id=GUID)),
        (key("QRadar", "inc-a"), key("QRadar", "INC-A")),
        (key("Splunk", GUID), key("Splunk", GUID.upper())),
        (key(), GUID),
    ],
    ids=["id", "source", "workspace", "no UUID", "another source", "no key"],
)
def test_different_keys_are_not_equal(one, other):
    assert one != other


def test_integers_of_the_older_generation_are_sources():
    for number, source in SOURCE_BY_INTEGER.items():
        assert canonical_source(number) == canonical_source(str(number)) == canonical_source(source.upper()) == source
    assert [canonical_source(value) for value in (0, 7, "unheard", None, "", True, ["Sentinel"], 1.0)] == [
        "0",
        "7",
        "unheard",
        *[None] * 5,
    ]


def test_white_space_around_identifiers_is_removed():
    spaced = key(" sentinel ", f"\t{GUID}\n", f" {WORKSPACE} ")
    assert (spaced.workspace_id, spaced.source, spaced.incident_id) == (WORKSPACE, "Sentinel", GUID)


@pytest.mark.parametrize(
    "changes, facts",
    [
        ({"workspace_id": "northwind"}, ["workspace_id", "UUID", "'northwind'"]),
        ({"workspace_id": WORKSPACE + "0"}, ["workspace_id", "UUID", WORKSPACE + "0"]),
        ({"source": "Outlook"}, ["source", "Sentinel, DefenderXDR", "'Outlook'"]),
        ({"source": "7"}, ["source", "'7'"]),
        ({"source": "1" * 5000}, ["source"]),
        ({"source": ""}, ["source", "''"]),
        ({"incident_id": " "}, ["incident_id", "empty"]),
        ({"incident_id": " None "}, ["incident_id", "'None'"]),
        ({"source": "Splunk", "incident_id": "."}, ["incident_id", "'.'"]),
        ({"source": "Splunk", "incident_id": ".."}, ["incident_id", "'..'"]),
    ],
)
def test_invalid_key_is_rejected(changes, facts):
    with pytest.raises(ApiError) as caught:
        key(**changes)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, *facts)


@pytest.mark.parametrize("text", ["2871", "None of them", GUID[:-1], f"{GUID}0", GUID.replace("-", "")])
def test_sentinel_requires_a_uuid(text):
    with pytest.raises(ApiError) as caught:
        key("sentinel", text)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "incident_id", "Sentinel", "UUID", f"not {text!r}", "incident_number")
    assert key("DefenderXDR", text).incident_id == text
