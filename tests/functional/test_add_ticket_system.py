# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ticketing system is added with new files, as the guide "Add a ticketing system" says, and three lines elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import all_systems
from ansible_collections.secops.itsm.tests.functional.conftest import Player
from ansible_collections.secops.itsm.tests.functional.runbooks import (
    CLOSURE,
    DUMPING,
    FORWARDING,
    SIGN_IN,
    changed_tasks,
    stored,
)
from ansible_collections.secops.itsm.tests.functional.test_docs import blocks

ROOT = Path(__file__).resolve().parents[2]
TOY = Path(__file__).resolve().parent / "toy_system"

#: The existing files that a new system changes: the last line before the new text, and the new text.
TOUCHED = {
    "meta/runtime.yml": ("    - ticketing_ticket_info\n", "  toy:\n    - toy_connection_info\n    - toy_ticket\n"),
    "README.md": (
        "* `ticketing_ticket_info`: ",
        "* `toy_connection_info`: check the connection\n* `toy_ticket`: create tickets\n",
    ),
    "docs/docsite/extra-docs.yml": ("      - contributing\n", "      - toy\n"),
}

#: The tests that check each ticketing system.
TESTS = ["test_ticket_systems.py", "test_consistency.py", "test_runbooks.py", "test_language.py"]


def touched(folder: Path) -> set[str]:
    """Return the existing files that the guide names."""
    guide = (folder / "docs" / "docsite" / "rst" / "contributing.rst").read_text(encoding="utf-8")
    part = guide.split("\nAdd a ticketing system\n")[1].split("\nChange a runbook\n")[0]
    listed = part.split("existing files")[1].split("\n\n")[1]
    return set(re.findall(r"``([\w./-]+)``", listed))


@pytest.fixture(name="tree", scope="module")
def fixture_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the collection with the toy system."""
    folder = tmp_path_factory.mktemp("toy") / "ansible_collections" / "secops" / "itsm"
    shutil.copytree(
        ROOT, folder, ignore=shutil.ignore_patterns(".git", ".cache", "output", "__pycache__", "toy_system")
    )
    for source in sorted(path for path in TOY.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        target = folder / source.relative_to(TOY)
        assert not target.exists(), "a new system only adds files"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    for name, (before, text) in TOUCHED.items():
        path = folder / name
        content = path.read_text(encoding="utf-8")
        head, found, tail = content.partition(before)
        assert found, name
        rest = tail if before.endswith("\n") else tail.partition("\n")[2]
        line = "" if before.endswith("\n") else tail.partition("\n")[0] + "\n"
        path.write_text(f"{head}{found}{line}{text}{rest}", encoding="utf-8")
    return folder


def toy_player(tree: Path, tmp_path: Path, sandbox) -> Player:
    """Return a player for the copy of the collection."""
    environment = {
        **sandbox.environment(),
        "ANSIBLE_COLLECTIONS_PATH": str(tree.parents[2]),
        "TOY_URL": f"file://{tmp_path}/toy.json",
    }
    return Player(tmp_path, environment)


def test_only_the_files_of_the_guide_are_touched(tree):
    assert set(TOUCHED) == touched(tree)
    changed = {
        str(path.relative_to(tree))
        for path in tree.rglob("*")
        if path.is_file()
        and (ROOT / path.relative_to(tree)).is_file()
        and path.read_bytes() != (ROOT / path.relative_to(tree)).read_bytes()
    }
    assert changed == set(TOUCHED)


def test_the_tests_of_all_systems_pass_for_a_new_one(tree):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # An installed collection has no galaxy.yml.
    tests = [*(f"tests/unit/{name}" for name in TESTS), "-k", "not versions_agree"]
    run = {"cwd": tree, "env": {**os.environ, "PYTHONPATH": str(tree.parents[2])}, "capture_output": True, "text": True}
    done = subprocess.run([*command, *tests], check=False, **run)
    assert done.returncode == 0, done.stdout[-4000:]
    listed = subprocess.run([*command, "--collect-only", f"tests/unit/{TESTS[0]}"], check=True, **run)
    assert "[toy]" in listed.stdout


def test_runbooks_open_tickets_of_a_new_system(tree, tmp_path, sandbox):
    """ContraForce cannot link its tickets, so that they are named in comments."""
    player = toy_player(tree, tmp_path, sandbox)
    variables = {"ticket_system": "toy", "report": False, "incidents": [DUMPING, FORWARDING]}
    variables["customers"] = {DUMPING["workspace_id"]: {"name": "Tailspin Toys"}}
    found = []
    for arguments in (["--check"], [], []):
        played = player.play("secops.itsm.open_ticket", "-e", json.dumps(variables), *arguments)
        assert played.code == 0, played.output
        found.append((played.summaries, changed_tasks(played)))
    assert found == [
        (["Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 tickets would be named in a comment."], 2),
        (["Done: 2 incidents, 0 failed; 2 tickets opened; 2 tickets named in a comment."], 2),
        (["Done: 2 incidents, 0 failed; 2 tickets found; 2 tickets named in a comment already."], 0),
    ]
    tickets = json.loads((tmp_path / "toy.json").read_text(encoding="utf-8"))
    assert {ticket["reference"] for ticket in tickets} == {
        " ".join(incident[name] for name in ("source", "incident_id", "workspace_id"))
        for incident in (DUMPING, FORWARDING)
    }


def test_incidents_are_closed_with_tickets_of_a_new_system(tree, tmp_path, sandbox):
    player = toy_player(tree, tmp_path, sandbox)
    variables = {"ticket_system": "toy", "report": False, "incidents": [DUMPING, FORWARDING], **CLOSURE}
    variables["classification_reason"] = "SuspiciousActivity"
    predicted = (
        "Check mode: 2 incidents, 0 failed; 2 tickets would be opened; 2 tickets would be named in a comment; "
        "2 would be closed; 2 tickets would be closed."
    )
    done = "Done: 2 incidents, 0 failed; 2 tickets opened; 2 tickets named in a comment; 2 closed; 2 tickets closed."
    again = (
        "Done: 2 incidents, 0 failed; 2 tickets found; 2 tickets named in a comment already; 2 closed already; "
        "2 tickets found closed."
    )
    for arguments, text, changed in zip((["--check"], [], []), (predicted, done, again), (4, 4, 0)):
        played = player.play("secops.itsm.close_with_ticket", "-e", json.dumps(variables), *arguments)
        assert (played.code, played.summaries, changed_tasks(played)) == (0, [text], changed), played.output
    tickets = json.loads((tmp_path / "toy.json").read_text(encoding="utf-8"))
    assert [ticket["closed"] for ticket in tickets] == [True, True]
    for incident in (DUMPING, FORWARDING):
        assert stored(sandbox, incident)["ticketId"] is None
        assert sum("[service ticket " in comment["message"] for comment in stored(sandbox, incident)["comments"]) == 1
    shown = player.play("secops.itsm.open_ticket", "-e", json.dumps({**variables, "ticket_reference": "link"}))
    assert shown.code == 2
    assert "cannot link tickets of Toy, set 'ticket_reference' to comment" in shown.words


def test_statuses_of_a_new_system_are_reconciled(tree, tmp_path, sandbox):
    """ContraForce cannot link its tickets, so only the statuses are compared."""
    player, path = toy_player(tree, tmp_path, sandbox), tmp_path / "toy.json"
    common = {"ticket_system": "toy", "report": False}
    opening = {**common, "ticket_reference": "none", "incidents": [DUMPING, FORWARDING]}
    assert player.play("secops.itsm.open_ticket", "-e", json.dumps(opening)).code == 0
    tickets = json.loads(path.read_text(encoding="utf-8"))
    first = next(ticket for ticket in tickets if FORWARDING["incident_id"] in ticket["reference"])
    pairs = [
        {**incident, "ticket_id": next(one["name"] for one in tickets if incident["incident_id"] in one["reference"])}
        for incident in (DUMPING, FORWARDING)
    ]
    pairs.append({**SIGN_IN, "ticket_id": "nowhere"})
    closing = {**common, "pairs": pairs, "classification": "FalsePositive", "classification_reason": "InaccurateData"}
    for is_closed, direction, result in (
        (True, "from_ticket", "1 open with a closed ticket; 1 closed"),
        (False, "from_incident", "1 closed with an open ticket; 1 ticket closed"),
    ):
        first["closed"] = is_closed
        path.write_text(json.dumps(tickets), encoding="utf-8")
        audit = player.play("secops.itsm.reconcile_tickets", "-e", json.dumps({**closing, "compare_status": "auto"}))
        kind = result.partition(";")[0]
        assert audit.summaries == [
            f"Done: 3 incidents, 0 failed; 1 with the same status, {kind}, 1 with an unknown status."
        ]
        variables = {**closing, "pairs": pairs[:2], "direction": direction}
        played = player.play("secops.itsm.reconcile_tickets", "-e", json.dumps(variables))
        assert played.summaries == [f"Done: 2 incidents, 0 failed; 1 with the same status, {result}."], played.output
    tickets = json.loads(path.read_text(encoding="utf-8"))
    assert [one["closed"] for one in tickets if one["name"] == first["name"]] == [True]


def test_other_parts_know_a_new_system(tree, tmp_path, sandbox):
    player = toy_player(tree, tmp_path, sandbox)
    played = player.play("secops.itsm.verify_connection", "-e", "ticket_system=toy")
    assert played.code == 0, played.output
    assert "0 tickets" in played.words
    refused = player.play("secops.itsm.open_ticket", "-e", "ticket_system=toyy", "-e", "report=false")
    assert refused.code == 2
    assert "'ticket_system' must be one of rezolve, servicenow, toy, not 'toyy'." in refused.words
    refused = player.play("secops.itsm.open_ticket", "-e", json.dumps({**DUMPING, "toy_closed_tickets": False}))
    assert "toy_closed_tickets is a variable of toy, but ticket_system is rezolve." in refused.words
    shown = {
        "name": "Show",
        "ansible.builtin.debug": {"msg": "{{ lookup('secops.itsm.controller_ticket_system', 'toy') }}"},
    }
    played = player.play_tasks([shown])
    assert "TOY_URL" in played.output


def test_documentation_shows_a_new_system(tree):
    pytest.importorskip("antsibull_docs_parser")
    script = (
        "from ansible_collections.secops.itsm.tests.tools import generated; from pathlib import Path;"
        "page = Path('docs/docsite/rst/toy.rst').read_text(encoding='utf-8');"
        "print(generated.fill(page, Path('docs/docsite')), generated.variables('open_ticket'));"
        "print(generated.ticket_systems())"
    )
    environment = {**os.environ, "PYTHONPATH": str(tree.parents[2])}
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=tree, env=environment, capture_output=True, text=True, check=True
    )
    for text in ("``TOY_URL``", "TY-A1", "``GET /tickets/{name}``", "``toy_closed_tickets``", "``ticket_system: toy``"):
        assert text in shown.stdout


def test_the_guide_lists_the_files_and_keys_of_a_system():
    guide = (ROOT / "docs" / "docsite" / "rst" / "contributing.rst").read_text(encoding="utf-8")
    part = guide.split("\nWrite the files of the runbooks\n")[1].split("\nChange a runbook\n")[0]
    files, keys = (
        {
            name
            for cell in re.findall(r"^   \* - (.*)$", table, re.MULTILINE)
            for name in re.findall(r"``([\w.]+)``", cell)
        }
        for table in part.split(".. list-table::")[1:]
    )
    (example,) = blocks(part, "yaml")
    shown = yaml.safe_load(example)
    for system in all_systems():
        assert files == {path.name for path in system.folder.iterdir()}
        assert keys == {*system.definition, "contraforce_type"}
        for name, facts in system.definition["ticket"].items():
            words = [name, *(facts if isinstance(facts, dict) else ())]
            assert all(f"``{word}``" in part for word in words)
    opened = yaml.safe_load((TOY / "playbooks" / "tickets" / "toy" / "open.yml").read_text(encoding="utf-8"))
    assert set(shown[0]) == set(opened[0])
