# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runbook finds the workspace of an incident from an event, or stops before it writes anything."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest
from ansible_collections.secops.itsm.tests.functional.runbooks import CLOSURE, check_run_and_repeat, play, stored
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE

RUNBOOK = "close_incident"
SEEDED = next(
    entry for entry in yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))["incidents"] if entry["id"] == "48213"
)


def variables(*entries: dict[str, Any], verify_timeout: int = 0) -> dict[str, Any]:
    """Return the variables of the runbook."""
    return {**CLOSURE, "incidents": list(entries), "verify_timeout": verify_timeout}


def event_entry(**changes: Any) -> dict[str, Any]:
    """Return the entry that the event filter adds for the incident."""
    facts = {"created_at": SEEDED["createdAt"], "title_sha256": title_digest(SEEDED["title"])}
    return {"source": SEEDED["source"].lower(), "incident_id": "48213", **facts, **changes}


def listings(sandbox: Any) -> list[dict[str, Any]]:
    """Return the requests for the list of incidents."""
    return [entry for entry in sandbox.journal()["entries"] if "across" in entry["path"]]


def test_the_workspace_is_found_in_the_list(player, sandbox):
    assert check_run_and_repeat(player, sandbox, RUNBOOK, variables(event_entry())) == [
        "Check mode: 1 incident, 0 failed; 1 would be closed.",
        "Done: 1 incident, 0 failed; 1 closed.",
        "Done: 1 incident, 0 failed; 1 closed already.",
    ]
    assert {tuple(entry["body"]["sources"]) for entry in listings(sandbox)} == {("DefenderXDR",)}
    assert all(entry["body"]["timeFilterSelection"]["type"] == "Custom" for entry in listings(sandbox))


def test_an_incident_that_is_not_found_stops_the_run(player, sandbox):
    """The other incident is not closed either. The list is read again, because it may lag behind the event."""
    known = {"workspace_id": SEEDED["workspaceId"], "source": "DefenderXDR", "incident_id": "48213"}
    unknown = event_entry(incident_id="48214")
    played = play(player, RUNBOOK, variables(known, unknown, verify_timeout=5))
    assert played.code == 2, played.output
    assert "incident 48214 (DefenderXDR, raised at" in played.words
    assert sandbox.journal()["writes"] == 0
    assert len(listings(sandbox)) == 2
    assert '"incidents": [' not in played.output, "the list must not be printed"


def test_an_unreadable_list_stops_the_run_at_once(player, sandbox):
    sandbox.set_faults({"operation": "v2-list-incidents-across-workspaces", "times": -1, "status": 403})
    played = play(player, RUNBOOK, variables(event_entry(), verify_timeout=60))
    assert played.code == 2, played.output
    assert "The list of incidents could not be read." in played.words
    assert "raised at" not in played.words
    assert len(sandbox.journal()["entries"]) == 1


def test_the_workspace_is_found_with_any_tags(player, sandbox):
    played = play(player, RUNBOOK, variables(event_entry()), "--tags", "close")
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 closed."], played.output
    assert stored(sandbox, {"incident_id": "48213"})["status"] == "Closed"
