# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The README is short, its links work, and its examples run: in check mode, for real, and again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
(PLAYBOOK,) = [block for block in BLOCKS if isinstance(block, list)]
(VARIABLES,) = [block for block in BLOCKS if isinstance(block, dict)]
#: The settings of the quick start, and the output of its last command.
SETTINGS = dict(re.findall(r"\b(ANSIBLE_\w+)=(\w+)", README))
(OUTPUT,) = [text for text in re.findall(r"^```text\n(.*?)^```", README, re.MULTILINE | re.DOTALL) if "Done: 2" in text]
#: The shell commands of the quick start.
COMMANDS = re.findall(r"^ansible-playbook (.*)$", README, re.MULTILINE)


def changed(output: str) -> int:
    return int(re.findall(r"changed=(\d+)", output)[-1])


def test_readme_is_short():
    assert len(README.splitlines()) <= 200
    assert len(README.encode()) <= 12_000


def test_links_of_readme_exist():
    links = [link for link in re.findall(r"\]\((.*?)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_readme_lists_runbooks_inventory_and_event_plugins():
    names = [f"secops.itsm.{path.stem}" for path in (ROOT / "playbooks").glob("*.yml")]
    names += [path.stem for path in (ROOT / "plugins" / "inventory").glob("*.py")]
    names += [path.stem for path in (ROOT / "extensions" / "eda").glob("*/event_*/*.py")]
    names += [path.stem for path in (ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml")]
    assert [name for name in names if f"`{name}`" not in README] == []


def test_output_of_make_test_matches_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    steps = re.findall(r"^== .*$", README, re.MULTILINE)
    assert steps
    assert [step for step in steps if f'@echo "{step}"' not in makefile] == []


def test_playbook_runs_in_check_mode_for_real_and_again(player, sandbox):
    path = player.folder / "readme.yml"
    path.write_text(yaml.safe_dump(PLAYBOOK, sort_keys=False), encoding="utf-8")
    predicted = player.play(path, "--check")
    assert (predicted.code, sandbox.journal()["writes"]) == (0, 0), predicted.output
    first = player.play(path)
    assert first.code == 0, first.output
    assert changed(first.output) == changed(predicted.output) > 0
    second = player.play(path)
    assert (second.code, changed(second.output)) == (0, 0), second.output


def test_commands_of_quick_start_run_in_order(player, sandbox):
    (player.folder / "incidents.yml").write_text(yaml.safe_dump(VARIABLES), encoding="utf-8")
    runs: list[Any] = []
    # Nothing but the settings of the README.
    environment = dict.fromkeys(("ANSIBLE_LOCALHOST_WARNING", "ANSIBLE_INVENTORY_UNPARSED_WARNING"), "") | SETTINGS
    for command in COMMANDS:
        runs.append(player.play(*command.split(), environment=environment))
        assert runs[-1].code == 0, runs[-1].output
        assert "[WARNING]" not in runs[-1].output
        assert bool(sandbox.journal()["writes"]) == (command == COMMANDS[-1])
    assert runs[-1].summaries == ["Done: 2 incidents, 0 failed; 1 linked; 2 closed."]
    assert changed(runs[-1].output) == changed(runs[-2].output) > 0
    assert OUTPUT in runs[-1].output
    assert re.findall(r"^TASK \[(.*)\]", runs[-1].output, re.MULTILINE) == [
        "Link each ticket to its incident",
        "Close each incident",
    ]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_links_of_other_root_documents_exist(name):
    links = re.findall(r"\]\((.*?)\)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (ROOT / link).is_file()] == []
