# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the playbooks and runbooks of the guides in check mode, for real, and again, and compare the shown summaries."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Sequence

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import INCIDENT_LISTS, read_input
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    all_systems,
    read_table,
    with_ticket_system,
)
from ansible_collections.secops.itsm.tests.benchmark.variants import VARIANTS

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "docsite"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((GUIDES / "rst").glob("*.rst"))}
TABLE = read_table()
RUNBOOKS = list(TABLE["itsm_runbooks"])
HELPERS = sorted((kind, path.stem) for kind in ("filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py"))

IDENTITY = {
    "workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304",
    "source": "Sentinel",
    "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72",
}
#: A valid value of each variable that a runbook may require.
MINIMAL_VALUES = {
    **IDENTITY,
    "classification": "TruePositive",
    "classification_reason": "Malware",
    "close_code": "Solution provided",
    "closed_status": "Resolved",
    "comment": "Contained.",
    "incident_hosts": "contraforce_incidents",
    "offer": "Report a security incident",
    "reference_field": "Incident Reference",
    "team_id": "soc",
    "ticket_id": "SOC-1",
    "title_pattern": "backup account",
}
FIRST_PAGE = (GUIDES / "sphinx" / "index.rst").read_text(encoding="utf-8")

#: Pages whose examples other tests run: test_awx.py, test_execution_environment.py, test_ci_examples.py,
#: test_existing_setup.py, test_new_user.py and test_add_ticket_system.py.
ELSEWHERE = {"contributing", "events", "inventory", "awx", "execution_environments", "existing_setup", "ci", "rehearse"}

BLOCK = re.compile(r"^\.\. code-block:: (\w+)\n((?:   :.*\n)*)\n((?:(?:   .*)?\n)+)", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language.

    :param text: the text of the page.
    :param language: the language of the code blocks.
    """
    return [
        textwrap.dedent(code).strip("\n") for kind, _options, code in BLOCK.findall(f"{text}\n") if kind == language
    ]


def shown(page: str) -> list[Any]:
    """Return the parsed YAML blocks of a page."""
    return [yaml.safe_load(code) for code in blocks(PAGES[page], "yaml")]


def labels(page: str) -> list[str]:
    """Return the labels of a page without their common prefix."""
    return re.findall(r"^\.\. _ansible_collections\.secops\.itsm\.docsite\.(\w+):$", PAGES[page], re.MULTILINE)


PLAYBOOKS = [
    (page, playbook)
    for page in PAGES
    if page not in ELSEWHERE
    for playbook in shown(page)
    if isinstance(playbook, list)
]
#: verify_connection only reads. test_inventory.py runs close_each_incident, whose hosts are incidents.
WRITING = [name for name in RUNBOOKS if name not in ("verify_connection", "close_each_incident", "close_resolved")]


def given(runbook: str) -> dict[str, Any]:
    """Return the first variables file on the page of a runbook."""
    return dict(next(block for block in shown(f"runbook_{runbook}") if isinstance(block, dict)))


def given_for_other_systems(runbook: str) -> list[dict[str, Any]]:
    """Return the other variables files on the page of a runbook, which are for other ticketing systems.

    test_customers.py tests files of customers, whose keys are UUIDs.
    """
    files = [block for block in shown(f"runbook_{runbook}") if isinstance(block, dict)]
    _first, *others = [block for block in files if not any(map(is_uuid, block))]
    assert all("ticket_system" in variables for variables in others)
    return others


def endings(text: str) -> list[str]:
    """Return the summaries of runbooks in an output, without the numbers of new tickets, whose order is random."""
    known = re.sub(r"\bCTC-[0-9]+", "CTC-NUMBER", text)
    return re.findall(r"(?:Done|Nothing to do|Check mode|Failed(?: in check mode)?): [^\"\n]*", known)


def said(runbook: str) -> list[str]:
    """Return the summaries on the page of a runbook: of check mode, of the first run and of the second run."""
    return endings("\n".join(blocks(PAGES[f"runbook_{runbook}"], "text")))


@dataclass(frozen=True)
class Scene:
    """A playbook or a runbook of a page.

    :param name: the name of the runbook, or the page and the name of the playbook.
    :param plays: the plays of the playbook.
    :param said: the expected summaries of check mode, of the first run and of the second run.
    """

    name: str
    plays: list[dict[str, Any]]
    said: Sequence[str] = ()


def runbook_scene(name: str) -> Scene:
    """Return a runbook with the variables of its page."""
    play = {"name": name, "ansible.builtin.import_playbook": f"secops.itsm.{name}", "vars": given(name)}
    return Scene(name, [play], said(name))


def other_systems(name: str) -> Iterator[Scene]:
    """Yield a runbook with each variables file of its page for another ticketing system."""
    for variables in given_for_other_systems(name):
        title = f"{name} with {variables['ticket_system']}"
        play = {"name": title, "ansible.builtin.import_playbook": f"secops.itsm.{name}", "vars": variables}
        yield Scene(title, [play])


def first_page_scene() -> Scene:
    """Return the closure of the site's first page."""
    (variables,) = blocks(FIRST_PAGE, "yaml")
    name = "secops.itsm.close_incident"
    play = {"name": "First page", "ansible.builtin.import_playbook": name, "vars": yaml.safe_load(variables)}
    return Scene("first page", [play], endings("\n".join(blocks(FIRST_PAGE, "console"))))


SCENES = [
    *(Scene(f"{page}: {plays[0]['name']}", plays) for page, plays in PLAYBOOKS),
    *(scene for name in WRITING for scene in other_systems(name)),
    first_page_scene(),
    *map(runbook_scene, WRITING),
]
#: Starting Ansible takes the longest, so several scenes share a playbook.
SHARES = [SCENES[number::3] for number in range(3)]


def begin(name: str, sandbox: Any) -> dict[str, Any]:
    """Return a play that resets the sandbox."""
    reset = {"control_sandbox": {"url": sandbox.url, "reset": {}}}
    return {"name": f"Reset {name}", "hosts": "localhost", "gather_facts": False, "tasks": [reset]}


def again(name: str) -> dict[str, Any]:
    """Return a play without tasks that marks the beginning of the second run."""
    return {"name": f"Again {name}", "hosts": "localhost", "gather_facts": False, "tasks": []}


def part(output: str, first: str, last: str) -> str:
    """Return the output between two plays."""
    return output[output.index(f"PLAY [{first}]") :].split(f"PLAY [{last}]")[0]


def test_pages_are_listed_once():
    sections = yaml.safe_load((GUIDES / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    assert sorted(page for section in sections for page in section["toctree"]) == sorted(PAGES)


def test_first_label_of_page_is_its_name():
    assert {page: labels(page)[0] for page in PAGES} == {page: page for page in PAGES}


def test_runbooks_have_pages():
    assert {page for page in PAGES if page.startswith("runbook_")} == {f"runbook_{name}" for name in RUNBOOKS}
    for name in RUNBOOKS:
        assert f".. generated: variables {name}\n" in PAGES[f"runbook_{name}"]


def test_error_categories_have_sections():
    found = [label[len("error_") :] for label in labels("errors") if label.startswith("error_")]
    assert found == list(CATEGORIES)


def test_pages_contain_playbooks():
    assert {page for page in PAGES if any(isinstance(block, list) for block in shown(page))} - ELSEWHERE == {
        "connect",
        "errors",
        "many_incidents",
        "playbooks",
        "servicenow",
    }
    assert len(PLAYBOOKS) >= 4
    assert all(len(scene.said) == 3 for scene in SCENES if scene.name in WRITING)
    assert {name for name in WRITING if given_for_other_systems(name)} == {"open_ticket", "close_with_ticket"}


def test_check_mode_predicts_summaries_and_writes_nothing(player, sandbox):
    plays = [play for scene in SCENES for play in scene.plays]
    path = player.folder / "docs.yml"
    path.write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    played = player.play(path, "--check", "--diff")
    assert played.code == 0, played.output
    assert sandbox.journal()["writes"] == 0
    predicted = [line for line in endings(played.output) if line.startswith("Check mode")]
    expected = [scene.said[0] for scene in SCENES if scene.said]
    assert predicted[-len(expected) :] == expected


@pytest.mark.parametrize("number", range(len(SHARES)))
def test_second_run_changes_nothing(player, sandbox, number):
    plays, scenes = [], SHARES[number]
    for scene in scenes:
        plays += [begin(scene.name, sandbox), *scene.plays, again(scene.name), *scene.plays]
    path = player.folder / "docs.yml"
    path.write_text(yaml.safe_dump([*plays, again("nothing")], sort_keys=False), encoding="utf-8")
    played = player.play(path)
    following = [*(f"Reset {scene.name}" for scene in scenes[1:]), "Again nothing"]
    assert played.code == 0, played.output
    for scene, after in zip(scenes, following):
        first = part(played.output, f"Reset {scene.name}", f"Again {scene.name}")
        second = part(played.output, f"Again {scene.name}", after)
        assert "\nchanged: [" in first, first
        assert "\nchanged: [" not in second, second
        if scene.said:
            assert (endings(first), endings(second)) == ([scene.said[1]], [scene.said[2]])


def test_getting_started_shows_example_of_close_incident():
    assert given("close_incident") in shown("getting_started")
    text = " ".join(PAGES["getting_started"].split())
    assert f"``{said('close_incident')[1]}``" in text


def test_audit_of_pairs_file_fails_and_writes_nothing(player, sandbox):
    (text,) = [code for code in blocks(PAGES["runbook_reconcile_tickets"], "text") if code.startswith("workspace_id,")]
    (player.folder / "pairs.csv").write_text(text, encoding="utf-8")
    (command,) = [code for code in blocks(PAGES["runbook_reconcile_tickets"], "shell") if "pairs_file" in code]
    _ansible_playbook, name, *arguments = command.split()
    played = player.play(name, *arguments)
    assert (played.code, sandbox.journal()["writes"]) == (2, 0), played.output
    assert said("reconcile_tickets")[0] in played.words


def test_verify_connection_prints_shown_tables(player):
    path = player.folder / "look_at.yml"
    path.write_text(yaml.safe_dump(given("verify_connection")), encoding="utf-8")
    played = player.play("secops.itsm.verify_connection", "-e", f"@{path}")
    assert played.code == 0, played.output
    tables = blocks(PAGES["runbook_verify_connection"], "text")
    assert len(tables) == 2
    for line in "\n".join(tables).splitlines():
        assert f'"{line}"' in played.output


def test_documented_commands_name_an_inventory():
    """Otherwise, Ansible warns that there is none. test_readme.py and test_new_user.py run them."""
    texts = [text for page in PAGES.values() for text in blocks(page, "shell")]
    commands = [
        line for text in texts for line in text.splitlines() if "ansible-playbook" in line and "secops.itsm." in line
    ]
    assert len(commands) > 20
    assert [command for command in commands if " -i " not in command] == []


def test_examples_of_filters_and_lookups_run(player):
    tasks: list[dict[str, Any]] = []
    for kind, name in HELPERS:
        plugin = importlib.import_module(f"ansible_collections.secops.itsm.plugins.{kind}.{name}")
        tasks.append({"name": name, "block": yaml.safe_load(plugin.EXAMPLES)})
    text = yaml.safe_dump(tasks).replace("/tmp/", f"{player.folder}/")
    path = player.write(
        [
            {
                "name": "Load the table of runbooks",
                "ansible.builtin.include_vars": {"file": str(ROOT / "playbooks" / "vars" / "runbooks.yml")},
            },
            *yaml.safe_load(text),
        ]
    )
    played = player.play(path)
    assert played.code == 0, played.output


# --- generated tables -----------------------------------------------------------------------------------------------


@pytest.fixture(name="generated")
def fixture_generated():
    """Return the module that generates tables, which needs the requirements of the documentation."""
    pytest.importorskip("antsibull_docs_parser")
    return importlib.import_module("ansible_collections.secops.itsm.tests.tools.generated")


def rows(table: str) -> list[list[str]]:
    """Return the cells of a list table, each as one line."""
    body = table[table.index("   * - ") :].split("\n\n\n")[0]
    found = re.findall(r"^   \* - (.*?)(?=^   \* - |\Z)", body, re.MULTILINE | re.DOTALL)
    return [[" ".join(cell.split()) for cell in re.split(r"^     -(?: |$)", row, flags=re.MULTILINE)] for row in found]


@pytest.mark.parametrize("page", PAGES)
def test_markers_of_pages_are_replaced(generated, page):
    markers = re.findall(r"^\.\. generated: (\w+)", PAGES[page], re.MULTILINE)
    filled = generated.fill(PAGES[page], GUIDES)
    assert not re.search(r"^\.\. generated:", filled, re.MULTILINE)
    expected = len([name for name in markers if name not in ("does", "drawing", "internal_plugins")])
    assert len(re.findall(r"^\.\. list-table::", filled, re.MULTILINE)) >= expected
    assert filled.count('<div class="drawing">') == filled.count("<svg ") == markers.count("drawing")


@pytest.mark.parametrize("api", ["contraforce", *(system.group for system in all_systems())])
def test_tables_of_api_contain_all_facts(generated, api):
    options, assumptions = generated.APIS[api]
    assert rows(generated.assumptions(api))[1:] == [[name, *texts] for name, texts in assumptions.items()]
    table = rows(generated.connection(api))[1:]
    assert [row[0] for row in table] == [
        f"``{name}``" + (" *secret*" if option.secret else "") for name, option in options.items()
    ]
    for (_name, variable, description), option in zip(table, options.values()):
        assert variable == f"``{option.env}``"
        assert option.env not in description
        if option.default is None:
            assert "Default: " not in description
        else:
            value = option.default if isinstance(option.default, str) else json.dumps(option.default)
            assert description.endswith(f"Default: ``{value}``")
    paths = yaml.safe_load((ROOT / "docs" / "contracts" / f"{api}.openapi.yaml").read_text(encoding="utf-8"))["paths"]
    assert [row[1] for row in rows(generated.operations(api))[1:]] == [
        f"``{method.upper()} {path}``" for path, methods in paths.items() for method in methods
    ]


@pytest.mark.parametrize("name", RUNBOOKS)
def test_table_of_variables_matches_runbook(generated, name):
    runbook = TABLE["itsm_runbooks"][name]
    parts = generated.variables(name).split(".. list-table::")[1:]
    table, *of_systems = [{row[0].split("``")[1]: row for row in rows(part)[1:]} for part in parts]
    added = [{key for group in runbook["takes"] for key in system.variables.get(group, {})} for system in all_systems()]
    assert [set(part) for part in of_systems] == [names for names in added if names]
    excluded = set(runbook.get("without", ()))
    assert set(table) == {key for group in runbook["takes"] for key in TABLE["itsm_variables"][group]} - excluded
    for key, default in runbook.get("defaults", {}).items():
        if default not in (None, [], {}):
            assert table[key][2].endswith(f"Default: {generated.code(default)}")


@pytest.mark.parametrize("system", all_systems(), ids=lambda system: system.name)
@pytest.mark.parametrize("name", RUNBOOKS)
def test_required_column_matches_validation(generated, name, system):
    table = with_ticket_system(TABLE, system.name)
    parts = generated.variables(name).split("with ``ticket_system: ")
    own = [part for part in parts[1:] if part.startswith(f"{system.name}``")]
    required = {row[0].split("``")[1]: row[1] for part in [parts[0], *own] for row in rows(part)[1:]}
    of_list = {key for key, words in required.items() if words.startswith("**yes**, or") and key in INCIDENT_LISTS}
    needed = {key for key, words in required.items() if words != "no"} - of_list - {"pairs_file"}
    # A Sentinel incident as single variables has all needs; one value is missing at a time.
    values = {key: MINIMAL_VALUES[key] for key in needed if key != "offer_id" and not required[key].startswith("if ")}
    if "pairs" in required:
        values = {"pairs": [{**IDENTITY, "ticket_id": "SOC-1"}]}
    assert read_input(name, values, table)["problems"] == []
    # The playbook checks incident_hosts, and the inventory sets the variables of a host.
    of_inventory = {key for key, words in required.items() if words == "set by the inventory"}
    for key in set(values) - of_inventory:
        without = {other: value for other, value in values.items() if other != key}
        assert read_input(name, without, table)["problems"], key


def test_table_of_next_steps_has_all_categories(generated):
    assert [row[0].split()[0] for row in rows(generated.next_steps())[1:]] == [f":ref:`{name}" for name in CATEGORIES]


@pytest.mark.parametrize("name", [name for name in RUNBOOKS if TABLE["itsm_runbooks"][name].get("entry")])
def test_sentences_about_entries_match_runbook(generated, name):
    runbook = TABLE["itsm_runbooks"][name]
    text = generated.entry_variables(runbook)
    assert ("``pairs``" in text) == ("pairs" in runbook["takes"])
    assert ("A Sentinel incident also needs" in text) == bool(runbook.get("needs_of_sentinel"))
    for key in ("entry", "needs", "needs_of_sentinel"):
        assert all(f"``{variable}``" in text for variable in runbook.get(key, ()))


@pytest.mark.parametrize(
    "name", ["event_source/contraforce_webhook", "event_source/contraforce_incidents", "event_source/ticket_webhook"]
)
def test_table_of_event_plugin_matches_its_options(generated, name):
    plugin = runpy.run_path(str(ROOT / "extensions" / "eda" / "plugins" / f"{name}.py"))
    options = yaml.safe_load(plugin["DOCUMENTATION"])["options"]
    if name.endswith("incidents"):
        options = {key: option for key, option in options.items() if key not in generated.APIS["contraforce"][0]}
    table = {row[0].strip("`"): row for row in rows(generated.event_plugin(name))[1:]}
    assert list(table) == list(options)
    for key, option in options.items():
        default = generated.code(option["default"]) if "default" in option else ""
        assert table[key][1] == ("**required**" if option.get("required") else default)
        assert ("Choices: " in table[key][2]) == ("choices" in option)


def test_table_of_benchmark_has_rows_of_report(generated):
    table = rows(generated.benchmark("100_incidents,_no_latency"))
    assert [row[0] for row in table[1:]] == [f"\\{variant.label}" for variant in VARIANTS]
    assert all(len(row) == 5 and all(row) for row in table)
