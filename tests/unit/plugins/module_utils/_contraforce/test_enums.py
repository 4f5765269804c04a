# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When two names of an incident mean the same one, so that it is not handled twice at the same time."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
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
        (key(incident_id=GUID), key(incident_id=GUID.upper())),
    ],
    ids=["same", "workspace in capitals", "source in capitals", "UUID in capitals"],
)
def test_spellings_of_the_same_incident(one, other):
    assert one == other
    assert hash(one) == hash(other)
    # What is sent stays as it was given.
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
def test_what_may_be_another_incident_is_one(one, other):
    assert one != other


def test_white_space_around_identifiers_is_removed():
    spaced = key(" sentinel ", f"\t{GUID}\n", f" {WORKSPACE} ")
    assert (spaced.workspace_id, spaced.source, spaced.incident_id) == (WORKSPACE, "Sentinel", GUID)


@pytest.mark.parametrize("text", ["None", "null", " None "])
def test_incident_id_that_is_the_text_of_a_null_is_refused(text):
    with pytest.raises(ApiError) as caught:
        key(incident_id=text)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "incident_id", repr(text.strip()))


@pytest.mark.parametrize("text", ["2871", "None of them", GUID[:-1], f"{GUID}0", GUID.replace("-", "")])
def test_incident_of_sentinel_needs_a_uuid(text):
    with pytest.raises(ApiError) as caught:
        key("sentinel", text)
    assert caught.value.category == "configuration"
    assert_message(caught.value.message, "incident_id", "Sentinel", "UUID", f"not {text!r}", "incident_number")
    assert key("DefenderXDR", text).incident_id == text
