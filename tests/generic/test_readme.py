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
VARIABLES = [block for block in BLOCKS if isinstance(block, dict) and "incidents" in block]


def changed(output: str) -> int:
    return int(re.findall(r"changed=(\d+)", output)[-1])


def test_there_are_some():
    assert len(PLAYBOOKS) >= 4
    assert len(VARIABLES) == 2


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


@pytest.mark.parametrize(
    "number, runbook, report",
    [
        (0, "close_incident", "2 incidents, 0 failed, 1 linked to their tickets, 2 closed, 0 closed already."),
        (1, "close_with_ticket", "2 incidents, 0 failed, 2 tickets opened, 0 found, 0 known already."),
    ],
)
def test_variables_of_a_runbook(player, number, runbook, report):
    path = player.folder / "incidents.yml"
    path.write_text(yaml.safe_dump(VARIABLES[number]), encoding="utf-8")
    played = player.play(f"secops.itsm.{runbook}", "-e", f"@{path}")
    assert played.code == 0, played.output
    assert report in played.output
