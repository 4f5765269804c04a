# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A runbook finds the workspace of an incident that came by an event, or stops before it writes anything."""

from __future__ import annotations

import json
from typing import Any

import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE

RUNBOOK = "secops.itsm.close_incident"
SEEDED = {entry["id"]: entry for entry in yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))["incidents"]}
WHY = {"classification": "FalsePositive", "classification_reason": "NotMalicious", "comment": "Closed by an event."}


def entry_of(identifier: str, **changes: Any) -> dict[str, Any]:
    """What the event filter makes of an event about an incident of the seed."""
    incident = SEEDED[identifier]
    facts = {"created_at": incident["createdAt"], "title_sha256": title_digest(incident["title"])}
    return {"source": incident["source"].lower(), "incident_id": identifier, **facts, **changes}


def extra(*entries: dict[str, Any], **variables: Any) -> tuple[str, str]:
    """Variables of the runbook."""
    return "-e", json.dumps({**WHY, "incidents": list(entries), "report": False, "verify_timeout": 0, **variables})


def status_of(sandbox: Any, identifier: str) -> str:
    """The status of an incident."""
    return next(entry["status"] for entry in sandbox.state()["incidents"] if entry["id"] == identifier)


def test_check_run_run(player, sandbox):
    ends = []
    for arguments in (("--check", "--diff"), (), ()):
        played = player.play(RUNBOOK, *extra(entry_of("48213")), *arguments)
        assert played.code == 0, played.output
        ends.append((played.summaries, sandbox.journal()["writes"], status_of(sandbox, "48213")))
    assert ends == [
        (["Check mode: 1 incident, 0 failed; 1 would be closed."], 0, "Active"),
        (["Done: 1 incident, 0 failed; 1 closed."], 1, "Closed"),
        (["Done: 1 incident, 0 failed; 1 closed already."], 1, "Closed"),
    ]
    listings = [entry for entry in sandbox.journal()["entries"] if "across" in entry["path"]]
    assert {json.dumps(entry["body"]["sources"]) for entry in listings} == {'["DefenderXDR"]'}
    assert all(entry["body"]["timeFilterSelection"]["type"] == "Custom" for entry in listings)


def test_what_is_not_found_stops_the_run(player, sandbox):
    """The other incident is not closed either: whoever made the list is to look at it."""
    known = {"workspace_id": SEEDED["48213"]["workspaceId"], "source": "DefenderXDR", "incident_id": "48213"}
    stranger = entry_of("48213", incident_id="48214")
    played = player.play(RUNBOOK, *extra(known, stranger))
    assert played.code == 2, played.output
    assert "The workspace of incident 48214 (DefenderXDR), raised at" in played.words
    assert "was not found" in played.words
    assert sandbox.journal()["writes"] == 0


def test_a_list_that_lags_is_read_again(player, sandbox):
    """What an event tells first is in the list a moment later."""
    played = player.play(RUNBOOK, *extra(entry_of("48213", title_sha256="0" * 64), verify_timeout=5))
    assert played.code == 2, played.output
    listings = [entry for entry in sandbox.journal()["entries"] if "across" in entry["path"]]
    assert len(listings) == 2
    assert '"incidents": [' not in played.output, "the list that was read must not be printed"


def test_a_list_that_cannot_be_read(player, sandbox):
    """Said once, and at once: the service is not asked again for as long as the list may lag."""
    sandbox.set_faults({"operation": "v2-list-incidents-across-workspaces", "times": -1, "status": 403})
    played = player.play(RUNBOOK, *extra(entry_of("48213"), verify_timeout=60))
    assert played.code == 2, played.output
    assert "The list of incidents could not be read." in played.words
    assert "was not found" not in played.words
    assert len(sandbox.journal()["entries"]) == 1


def test_it_is_found_whatever_the_tags(player, sandbox):
    played = player.play(RUNBOOK, *extra(entry_of("48213")), "--tags", "close")
    assert "Done: 1 incident, 0 failed; 1 closed." in played.words, played.output
    assert status_of(sandbox, "48213") == "Closed"
