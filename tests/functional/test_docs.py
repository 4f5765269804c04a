# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guides show is run: playbooks and runbooks are rehearsed, run, and run again, and end as is said."""

from __future__ import annotations

import importlib
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "docsite"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((GUIDES / "rst").glob("*.rst"))}
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = yaml.safe_load((ROOT / "playbooks" / "vars" / "runbooks.yml").read_text(encoding="utf-8"))
RUNBOOKS = list(TABLE["itsm_runbooks"])
HELPERS = sorted((kind, path.stem) for kind in ("filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py"))

#: What these show is run by tests of their own: test_awx.py, test_execution_environment.py, test_ci_examples.py,
#: test_existing_setup.py and test_new_user.py.
ELSEWHERE = {"events", "inventory", "awx", "execution_environments", "existing_setup", "ci", "rehearse"}

BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n((?:   :.*\n)*)\n((?:(?:   .*)?\n)+)", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """What a page shows in a language.

    :param text: of the page.
    :param language: of the code blocks.
    """
    return [
        textwrap.dedent(code).strip("\n") for kind, _options, code in BLOCK.findall(f"{text}\n") if kind == language
    ]


def shown(page: str) -> list[Any]:
    """The YAML that a page shows."""
    return [yaml.safe_load(code) for code in blocks(PAGES[page], "yaml")]


def labels(page: str) -> list[str]:
    """The labels of a page, without what all have in common."""
    return re.findall(r"^\.\. _ansible_collections\.secops\.itsm\.docsite\.(\w+):$", PAGES[page], re.MULTILINE)


#: What the README shows, too, test_readme.py runs.
KNOWN = [yaml.safe_load(code) for code in re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
PLAYBOOKS = [
    (page, playbook)
    for page in PAGES
    if page not in ELSEWHERE
    for playbook in shown(page)
    if isinstance(playbook, list) and playbook not in KNOWN
]
#: One only reads, and the hosts of the other are incidents: test_inventory.py runs it.
WRITING = [name for name in RUNBOOKS if name not in ("verify_connection", "close_each_incident")]


def given(runbook: str) -> dict[str, Any]:
    """The file of variables that a runbook's page shows."""
    (variables,) = [block for block in shown(f"runbook_{runbook}") if isinstance(block, dict)]
    return dict(variables)


def endings(text: str) -> list[str]:
    """The lines that runbooks end with: what they did, or would do; which of two tickets was opened first is chance."""
    known = re.sub(r"\bCTC-[0-9]+", "CTC-NUMBER", text)
    return re.findall(r"(?:Done|Nothing to do|Check mode|Failed(?: in check mode)?): [^\"\n]*", known)


def said(runbook: str) -> list[str]:
    """What a runbook's page says that it ends with: rehearsed, run, and run again."""
    return endings("\n".join(blocks(PAGES[f"runbook_{runbook}"], "text")))


@dataclass(frozen=True)
class Scene:
    """Something that a page shows, and that is run.

    :param name: of the runbook or the playbook.
    :param plays: of the playbook.
    :param said: the lines that it must end with: rehearsed, run, and run again.
    """

    name: str
    plays: list[dict[str, Any]]
    said: Sequence[str] = ()


def runbook_scene(name: str) -> Scene:
    """A runbook with the variables of its page."""
    play = {"name": name, "ansible.builtin.import_playbook": f"secops.itsm.{name}", "vars": given(name)}
    return Scene(name, [play], said(name))


SCENES = [
    *(Scene(f"{page}: {playbook[0]['name']}", playbook) for page, playbook in PLAYBOOKS),
    *map(runbook_scene, WRITING),
]
#: Starting a playbook takes the longest, so several share one.
SHARES = [SCENES[number::3] for number in range(3)]


def begin(name: str, sandbox: Any) -> dict[str, Any]:
    """A play after which the sandbox is as new."""
    reset = {"url": f"{sandbox.url}/_sandbox/reset", "method": "POST", "body": {}}
    return {"name": f"Begin {name}", "hosts": "localhost", "gather_facts": False, "tasks": [{"control_sandbox": reset}]}


def again(name: str) -> dict[str, Any]:
    """A play that only says that what comes is the second run."""
    return {"name": f"Again {name}", "hosts": "localhost", "gather_facts": False, "tasks": []}


def part(output: str, first: str, last: str) -> str:
    """What was printed from one play to another."""
    return output[output.index(f"PLAY [{first}]") :].split(f"PLAY [{last}]")[0]


def test_every_page_is_listed_once():
    sections = yaml.safe_load((GUIDES / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    assert sorted(page for section in sections for page in section["toctree"]) == sorted(PAGES)


def test_every_page_has_the_label_of_its_name():
    assert {page: labels(page)[0] for page in PAGES} == {page: page for page in PAGES}


def test_every_runbook_has_its_page():
    assert {page for page in PAGES if page.startswith("runbook_")} == {f"runbook_{name}" for name in RUNBOOKS}
    for name in RUNBOOKS:
        assert f".. generated: variables {name}\n" in PAGES[f"runbook_{name}"]


def test_every_category_has_its_section():
    found = [label[len("error_") :] for label in labels("errors") if label.startswith("error_")]
    assert found == list(CATEGORIES)


def test_there_are_playbooks():
    assert {page for page in PAGES if any(isinstance(block, list) for block in shown(page))} - ELSEWHERE == {
        "connect",
        "errors",
        "many_incidents",
        "playbooks",
    }
    assert len(PLAYBOOKS) >= 4
    assert all(len(scene.said) == 3 for scene in SCENES if scene.name in WRITING)


def test_rehearsed(player, sandbox):
    """A rehearsal leaves nothing to the next one."""
    plays = [play for scene in SCENES for play in scene.plays]
    path = player.folder / "docs.yml"
    path.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    played = player.play(path, "--check", "--diff")
    assert played.code == 0, played.output
    assert sandbox.journal()["writes"] == 0
    rehearsed = [line for line in endings(played.output) if line.startswith("Check mode")]
    assert rehearsed[-len(WRITING) :] == [said(name)[0] for name in WRITING]


@pytest.mark.parametrize("number", range(len(SHARES)))
def test_run_twice(player, sandbox, number):
    """Each finds a sandbox that is as new, and its second run finds what the first one left."""
    plays, scenes = [], SHARES[number]
    for scene in scenes:
        plays += [begin(scene.name, sandbox), *scene.plays, again(scene.name), *scene.plays]
    path = player.folder / "docs.yml"
    path.write_text(yaml.safe_dump([*plays, again("nothing")], sort_keys=False), encoding="utf-8")
    played = player.play(path)
    following = [*(f"Begin {scene.name}" for scene in scenes[1:]), "Again nothing"]
    assert played.code == 0, played.output
    for scene, after in zip(scenes, following):
        first = part(played.output, f"Begin {scene.name}", f"Again {scene.name}")
        second = part(played.output, f"Again {scene.name}", after)
        assert "\nchanged: [" in first, first
        assert "\nchanged: [" not in second, second
        if scene.said:
            assert (endings(first), endings(second)) == ([scene.said[1]], [scene.said[2]])
    assert player.differences_from_golden(f"guides_{number}") == []


def test_getting_started_begins_with_the_runbook_of_its_own_page():
    assert given("close_incident") in shown("getting_started")
    text = " ".join(PAGES["getting_started"].split())
    assert f"``{said('close_incident')[1]}``" in text


def test_pairs_from_a_file(player, sandbox):
    """The audit of reconcile_tickets goes red for what its page shows, and writes nothing."""
    (text,) = [code for code in blocks(PAGES["runbook_reconcile_tickets"], "text") if code.startswith("workspace_id,")]
    (player.folder / "pairs.csv").write_text(text, encoding="utf-8")
    (command,) = [code for code in blocks(PAGES["runbook_reconcile_tickets"], "shell") if "pairs_file" in code]
    _ansible_playbook, name, *arguments = command.split()
    played = player.play(name, *arguments)
    assert (played.code, sandbox.journal()["writes"]) == (2, 0), played.output
    assert said("reconcile_tickets")[0] in played.words


def test_connections_are_verified_as_shown(player):
    path = player.folder / "look_at.yml"
    path.write_text(yaml.safe_dump(given("verify_connection")), encoding="utf-8")
    played = player.play("secops.itsm.verify_connection", "-e", f"@{path}")
    assert played.code == 0, played.output
    tables = blocks(PAGES["runbook_verify_connection"], "text")
    assert len(tables) == 2
    for line in "\n".join(tables).splitlines():
        assert f'"{line}"' in played.output


def test_examples_of_filters(player):
    """One play for all of them: none needs another's variables."""
    tasks: list[dict[str, Any]] = []
    for kind, name in HELPERS:
        plugin = importlib.import_module(f"ansible_collections.secops.itsm.plugins.{kind}.{name}")
        tasks.append({"name": name, "block": yaml.safe_load(plugin.EXAMPLES)})
    text = yaml.safe_dump(tasks).replace("/tmp/", f"{player.folder}/")
    path = player.write(
        [
            {
                "name": "Know the runbooks",
                "ansible.builtin.include_vars": {"file": str(ROOT / "playbooks" / "vars" / "runbooks.yml")},
            },
            *yaml.safe_load(text),
        ]
    )
    played = player.play(path)
    assert played.code == 0, played.output
