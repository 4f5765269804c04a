# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses about another incident, or with unknown content, fail the task."""

from __future__ import annotations

from ansible_collections.secops.itsm.tests.functional.conftest import BULK_WORKSPACE, Case

INCIDENT = "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"
KEY = {"workspace_id": BULK_WORKSPACE, "source": "Sentinel", "incident_id": INCIDENT}
OTHER = "7c2a1e8f-93b4-4d05-a6c7-58e9f0123b4d"
PATH = f"/api/v2/workspaces/{BULK_WORKSPACE}/incidents/Sentinel/"


def test_responses_about_another_incident_fail_without_write(player, sandbox):
    read = {"operation": "v2-get-incident", "times": -1}
    comments = {"operation": "v2-list-incident-comments", "times": -1, "status": 307}
    status = {"name": "Activate", "secops.itsm.contraforce_incident_status": {**KEY, "status": "Active"}}
    comment = {"name": "Comment", "secops.itsm.contraforce_incident_comment": {**KEY, "comment": "Contained."}}
    listing = {"name": "List", "secops.itsm.contraforce_incident_info": {}}
    token = {"workspaceId": BULK_WORKSPACE, "nextToken": "t"}
    cases = [
        Case("identity", status, [{**read, "replace": {"data.incident.id": OTHER}}]),
        Case("redirect", comment, [{**comments, "headers": {"Location": f"{PATH}{OTHER}/comments?a=s3cr3t"}}]),
        Case(
            "tokens",
            listing,
            [{"operation": "v2-list-incidents-*", "replace": {"data.workspacePageTokens": [token]}}],
        ),
    ]
    played = player.play_cases(sandbox, cases)
    for name, words in {
        "identity": f"The service returned incident {OTHER} (Sentinel, workspace {BULK_WORKSPACE}) instead of",
        "redirect": f"The service redirected the request to another path, {PATH}{OTHER}/comments, which",
        "tokens": "seems to continue in data.workspacePageTokens.0.nextToken,",
    }.items():
        result = played.results[name]
        assert (result["failed"], result["changed"], result["error"]["category"]) == (True, False, "contract"), name
        assert words in result["msg"], name
    assert sandbox.journal()["writes"] == 0


def test_comment_that_exists_twice_is_reported(player, sandbox):
    """Another run posts the same comment between the read and the read-back."""
    sandbox.set_faults(
        {"operation": "v2-list-incident-comments", "skip": 1, "replace": {"data.0.message": "Contained."}}
    )
    comment = {"name": "Comment", "secops.itsm.contraforce_incident_comment": {**KEY, "comment": "Contained."}}
    played = player.play_cases(sandbox, [Case("comment", comment)], reset=False)
    result = played.results["comment"]
    assert result["changed"], played.output
    assert "has the comment 2 times" in result["warnings"][0]
