# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that the README shows are run: rehearsed, for real, and again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
PLAYBOOKS = [block for block in BLOCKS if isinstance(block, list)]
#: Variables of runbooks, by a key that only one of them takes.
RUNBOOKS = {
    "title_pattern": ("close_false_positives", "Done: 2 incidents, 0 failed; 2 closed."),
    "pairs": ("reconcile_tickets", "Done: 2 incidents, 0 failed; 1 drifted and mended, 1 as wanted."),
    "offer": ("close_with_ticket", "Done: 2 incidents, 0 failed; 2 tickets opened; 2 linked; 2 closed."),
    "incidents": ("close_incident", "Done: 2 incidents, 0 failed; 1 linked; 2 closed."),
}
VARIABLES = [block for block in BLOCKS if isinstance(block, dict) and set(RUNBOOKS) & set(block)]


def changed(output: str) -> int:
    return int(re.findall(r"changed=(\d+)", output)[-1])


def test_there_are_some():
    assert len(PLAYBOOKS) >= 4
    assert len(VARIABLES) == len(RUNBOOKS)


@pytest.mark.parametrize("plays", PLAYBOOKS, ids=lambda plays: plays[0]["name"])
def test_playbook(player, sandbox, plays: list[dict[str, Any]]):
    path = player.folder / "readme.yml"
    path.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    foretold = player.play(path, "--check")
    assert (foretold.code, sandbox.journal()["writes"]) == (0, 0), foretold.output
    first = player.play(path)
    assert first.code == 0, first.output
    assert changed(first.output) == changed(foretold.output) > 0
    again = player.play(path)
    assert (again.code, changed(again.output)) == (0, 0), again.output


@pytest.mark.parametrize("variables", VARIABLES, ids=lambda variables: next(iter(variables)))
def test_variables_of_a_runbook(player, variables):
    runbook, summary = next(told for key, told in RUNBOOKS.items() if key in variables)
    path = player.folder / "variables.yml"
    path.write_text(yaml.safe_dump(variables), encoding="utf-8")
    foretold = player.play(f"secops.itsm.{runbook}", "-e", f"@{path}", "-e", "report=no", "--check")
    assert foretold.code == 0, foretold.output
    played = player.play(f"secops.itsm.{runbook}", "-e", f"@{path}")
    assert (played.code, played.summaries) == (0, [summary]), played.output
    assert changed(played.output) == changed(foretold.output) > 0


def test_the_incidents_of_the_inventory(player, sandbox):
    """Rehearsed, closed, and closed already: those of the pattern, and no others."""
    (inventory,) = [block for block in BLOCKS if isinstance(block, dict) and "plugin" in block]
    (variables,) = [block for block in BLOCKS if isinstance(block, dict) and "incident_hosts" in block]
    for name, content in (("open.contraforce_incidents.yml", inventory), ("storm.yml", variables)):
        (player.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")
    words = ("-i", "open.contraforce_incidents.yml", "-e", "@storm.yml", "-e", "report=no")
    sandbox.reset(crowd=2)
    before = {entry["id"]: entry["status"] for entry in sandbox.state()["incidents"]}
    foretold = player.play("secops.itsm.close_each_incident", *words, "--check")
    assert (foretold.code, sandbox.journal()["writes"]) == (0, 0), foretold.output
    played = player.play("secops.itsm.close_each_incident", *words)
    assert played.code == 0, played.output
    closed = [entry for entry in sandbox.state()["incidents"] if entry["status"] != before[entry["id"]]]
    assert len(closed) >= 2
    assert {(entry["source"], entry["severity"], entry["status"]) for entry in closed} == {
        ("Sentinel", "Low", "Closed")
    }
    again = player.play("secops.itsm.close_each_incident", *words)
    assert (again.code, sandbox.journal()["writes"]) == (0, len(closed)), again.output
