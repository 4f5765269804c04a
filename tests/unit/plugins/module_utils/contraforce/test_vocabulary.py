# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When two names of an incident mean the same one, so that it is not handled twice at the same time."""

from __future__ import annotations

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key

WORKSPACE = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
GUID = "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"


def key(source: str = "Sentinel", incident_id: str = "42", workspace_id: str = WORKSPACE) -> IncidentKey:
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
    assert one.incident_id in (GUID, "42")


@pytest.mark.parametrize(
    "one, other",
    [
        (key(), key(incident_id="43")),
        (key(), key("Splunk")),
        (key(), key(workspace_id=GUID)),
        (key(incident_id="inc-a"), key(incident_id="INC-A")),
        (key("Splunk", GUID), key("Splunk", GUID.upper())),
        (key(), "42"),
    ],
    ids=["id", "source", "workspace", "no UUID", "another source", "no key"],
)
def test_what_may_be_another_incident_is_one(one, other):
    assert one != other
