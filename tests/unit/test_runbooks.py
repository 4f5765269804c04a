# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the runbooks agrees with the modules, the playbooks and the report."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import enums
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.plugins.plugin_utils.report import NEXT_STEPS, STEPS
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import (
    IDENTITY_KEYS,
    INCIDENT_LISTS,
    LINK_STATES,
    SPEC_KEYS,
    runbook_spec,
)

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
TABLE: Mapping[str, Any] = yaml.safe_load((PLAYBOOKS / "vars" / "runbooks.yml").read_text(encoding="utf-8"))
COMMON: Mapping[str, Any] = yaml.safe_load((PLAYBOOKS / "vars" / "common.yml").read_text(encoding="utf-8"))
RUNBOOKS: Mapping[str, Mapping[str, Any]] = TABLE["itsm_runbooks"]
GROUPS: Mapping[str, Mapping[str, Any]] = TABLE["itsm_variables"]
VARIABLES: Mapping[str, Mapping[str, Any]] = {
    name: definition for group in GROUPS.values() for name, definition in group.items()
}
PARTS = {
    "title",
    "does",
    "takes",
    "tags",
    "without",
    "required",
    "defaults",
    "entry",
    "needs",
    "needs_of_sentinel",
    "hint",
}
FILES = sorted([*PLAYBOOKS.glob("*.yml"), *(PLAYBOOKS / "tasks").glob("*.yml")])

#: Options of the modules that have another name in the runbooks, or another meaning there.
NAMED_OTHERWISE: Mapping[str, Mapping[str, str]] = {
    "contraforce_incident_info": {"query": "search_text"},
    "contraforce_incident_assignee": {"email": "assignee_email", "user_id": "assignee_id"},
}

#: Defaults that are others on purpose: a runbook that is run again keeps to the ticket of a closed incident.
OTHER_DEFAULTS = {"include_done", "status"}


def play_of(name: str) -> dict[str, Any]:
    """The one play of a runbook, but for what looks whether there is anything to do."""
    plays = yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))
    *_checks, play = [play for play in plays if "itsm_runbook" in play["vars"]]
    return dict(play)


def tasks_in(tasks: Any) -> Iterator[dict[str, Any]]:
    """All tasks, those of blocks too."""
    for task in tasks or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_in(task.get(part))


def tasks_of(path: Path) -> Iterator[dict[str, Any]]:
    """The tasks of a file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in content:
        yield from tasks_in(entry["tasks"] if "hosts" in entry else [entry])


def steps_of(name: str) -> list[dict[str, Any]]:
    """What a runbook reports on."""
    found = [
        task["vars"]["itsm_steps"] for task in tasks_in(play_of(name)["tasks"]) if "itsm_steps" in task.get("vars", {})
    ]
    return found[0] if found else []


def specs() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The options that the playbooks give to modules of this collection: of which, and as what."""
    for path in FILES:
        for task in tasks_of(path):
            for action, arguments in task.items():
                if action.startswith("secops.itsm."):
                    module = action.split(".")[-1]
                    spec = job_of(module).argument_spec
                    for option in arguments:
                        yield module, option, spec


def job_of(module: str) -> Any:
    """What a module does."""
    return importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{module}").DEFINITION


def of_table(module: str, option: str) -> Mapping[str, Any] | None:
    """The variable that is given as an option."""
    return VARIABLES.get(NAMED_OTHERWISE.get(module, {}).get(option, option))


# --- the table ------------------------------------------------------------------------------------------------------


def test_each_runbook_has_its_playbook_and_each_playbook_its_row():
    assert {path.stem for path in PLAYBOOKS.glob("*.yml")} == set(RUNBOOKS)
    assert all(play_of(name)["vars"]["itsm_runbook"] == name for name in RUNBOOKS)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_row(name):
    runbook = RUNBOOKS[name]
    assert {"title", "does", "takes"} <= set(runbook) <= PARTS
    assert runbook["title"] == play_of(name)["name"].rstrip(".")
    assert runbook["does"].strip().endswith(".")
    taken = {variable for group in runbook["takes"] for variable in GROUPS[group]}
    spec = runbook_spec(name, TABLE)
    assert set(spec) == taken - set(runbook.get("without", ()))
    assert set(runbook.get("required", ())) <= set(spec)
    assert set(runbook.get("defaults", {})) <= set(spec)
    assert set(runbook.get("without", ())) <= taken
    assert len(taken) == sum(len(GROUPS[group]) for group in runbook["takes"])
    for part in ("needs", "needs_of_sentinel"):
        assert set(runbook.get(part, ())) <= set(spec) & set(runbook.get("entry", ()))
    if "entry" in runbook:
        assert set(runbook["entry"]) <= {*spec, "state", "incident_number", "ticket_id"}
        assert not set(runbook["entry"]) & set(IDENTITY_KEYS)
        assert runbook["hint"].strip().endswith(".")
        assert set(INCIDENT_LISTS) & set(spec)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_tags_are_those_of_the_steps(name):
    tags = [tag for task in tasks_in(play_of(name)["tasks"]) for tag in task.get("tags", []) if tag != "always"]
    assert RUNBOOKS[name].get("tags", []) == tags


def test_no_list_task_prints_its_whole_result_when_it_fails():
    found = 0
    for path in (PLAYBOOKS / "tasks").glob("*.yml"):
        for task in tasks_of(path):
            arguments = next((task[action] for action in task if action.startswith("secops.itsm.")), {})
            if {"incidents", "tickets"} & set(arguments):
                found += 1
                name = task["register"]
                assert task["failed_when"] == f"{name} is failed and {name}.results is undefined", task["name"]
    assert found > 6


@pytest.mark.parametrize("name", RUNBOOKS)
def test_defaults_are_of_their_type_and_a_required_variable_has_none(name):
    kinds = {"str": str, "bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict, "path": str}
    for variable, definition in runbook_spec(name, TABLE).items():
        if "default" in definition:
            assert isinstance(definition["default"], kinds[definition["type"]]), variable
            assert not definition.get("required"), variable
            choices = definition.get("choices")
            values = definition["default"] if definition["type"] == "list" else [definition["default"]]
            assert not choices or set(values) <= set(choices), variable


def test_each_variable_has_a_type_and_a_description():
    for name, definition in VARIABLES.items():
        assert set(definition) <= {*SPEC_KEYS, "description"}, name
        assert definition["type"] in ("str", "bool", "int", "float", "list", "dict", "path"), name
        assert definition["description"].strip().endswith("."), name
        assert ("elements" in definition) == (definition["type"] == "list"), name


def test_a_variable_is_in_one_group_and_each_group_is_taken():
    assert len(VARIABLES) == sum(map(len, GROUPS.values()))
    assert {group for runbook in RUNBOOKS.values() for group in runbook["takes"]} == set(GROUPS)


def test_no_variable_hides_a_word_of_ansible():
    """A variable named query, for one, hides the function query() in every template."""
    from ansible.vars.reserved import get_reserved_names

    words = {"query", "q", "lookup", "now", "undef", "range", "dict", "item", "omit", "environment", "vars", "hostvars"}
    assert not set(VARIABLES) & (words | set(get_reserved_names()) - {"register"} | set(COMMON))


# --- as the modules have it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable, words",
    [
        ("classification", enums.CLASSIFICATIONS),
        ("classification_reason", enums.CLASSIFICATION_REASONS),
        ("severities", enums.SEVERITIES),
        ("time_range", (*enums.TIME_RANGES, *enums.OTHER_TIME_RANGES)),
    ],
)
def test_words_are_those_of_the_service(variable, words):
    assert tuple(VARIABLES[variable]["choices"]) == words


def test_statuses_are_those_of_the_service_but_for_closed():
    for variable in ("status", "statuses"):
        assert set(VARIABLES[variable]["choices"]) == set(enums.STATUSES) - {"Closed"}


def test_states_of_a_link_are_those_of_the_module():
    assert tuple(job_of("contraforce_ticket_link").argument_spec["state"]["choices"]) == LINK_STATES


def test_no_module_is_run_once_for_each_incident():
    """A list takes a part of the time, and a 429 or refused credentials are taken in once."""
    looped = [
        task["name"]
        for path in FILES
        for task in tasks_of(path)
        if any(action.startswith("secops.itsm.") for action in task) and ("loop" in task or "with_items" in task)
    ]
    assert looped == []


def test_tasks_of_each_host_are_few_and_cheap():
    """A process for each of them loads each plugin anew that a filter or a test is from, and compiles each template."""
    tasks = [task for task in tasks_of(PLAYBOOKS / "tasks" / "close_host.yml") if not task.get("run_once")]
    assert len(tasks) <= 4
    (facts,) = [task["ansible.builtin.set_fact"] for task in tasks if "ansible.builtin.set_fact" in task]
    assert all(isinstance(value, str) for value in facts.values())
    assert set(facts) == {"itsm", "itsm_host_incident"}
    (closing,) = [task for task in tasks if "secops.itsm.contraforce_incident_status" in task]
    conditions = [task["when"] for task in tasks if "when" in task]
    of_all = [str(value) for value in (*closing["secops.itsm.contraforce_incident_status"].values(), *conditions)]
    assert [text for text in of_all if re.search(r"[|]| is ", text)] == []
    # What it refers to would be worked out anew for each option.
    assert "vars" not in closing


def test_playbooks_use_options_that_there_are():
    seen = list(specs())
    assert len(seen) > 40
    assert [(module, option) for module, option, spec in seen if option not in spec] == []


def test_defaults_and_types_are_those_of_the_modules():
    shared = 0
    for module, option, spec in specs():
        variable = of_table(module, option)
        if variable is None or option in INCIDENT_LISTS:
            continue
        shared += 1
        assert variable["type"] == spec[option].get("type", "str"), (module, option)
        assert variable.get("elements") == spec[option].get("elements"), (module, option)
        if "default" in variable and "default" in spec[option] and option not in OTHER_DEFAULTS:
            assert variable["default"] == spec[option]["default"], (module, option)
        if "choices" in variable:
            assert set(variable["choices"]) <= set(spec[option].get("choices", variable["choices"])), (module, option)
    assert shared > 20


@pytest.mark.parametrize("name", [name for name in RUNBOOKS if "entry" in RUNBOOKS[name]])
def test_what_an_entry_may_say_is_used(name):
    """Each key of an entry reaches a module, by the keys of a list."""
    texts = [(PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8")]
    # The report hands the entries on, which is no use of them.
    files = set(re.findall(r"tasks/\w+\.yml", texts[0])) - {"tasks/begin.yml", "tasks/report.yml"}
    texts += [(PLAYBOOKS / path).read_text(encoding="utf-8") for path in sorted(files)]
    of_tickets = set(GROUPS["tickets"]) if any("runbook_tickets" in text for text in texts) else set()
    words = set(re.findall(r"\w+", " ".join(texts)))
    assert set(RUNBOOKS[name]["entry"]) <= words | of_tickets


# --- as the report has it -------------------------------------------------------------------------------------------


def test_each_category_has_a_next_step():
    assert set(NEXT_STEPS) == set(CATEGORIES)
    assert all(text.endswith(".") for text in NEXT_STEPS.values())


@pytest.mark.parametrize("name", [name for name in RUNBOOKS if name != "verify_connection"])
def test_steps_that_are_reported_are_there_and_begun_anew(name):
    """What a task registers outlives its play; a second runbook in one playbook must not report it."""
    steps = steps_of(name)
    assert steps
    begin = next(task for task in tasks_of(PLAYBOOKS / "tasks" / "begin.yml") if task["name"] == "Begin anew")
    anew = begin["ansible.builtin.set_fact"]
    imported = re.findall(r"tasks/\w+\.yml", (PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))
    kept = {task["register"] for path in imported for task in tasks_of(PLAYBOOKS / path) if "register" in task}
    for step in steps:
        assert step["name"] in STEPS
        registered = step["result"].strip("{} ")
        assert registered in anew
        assert registered in kept
        if "incidents" in step:
            assert step["incidents"].strip("{} ") in anew


def test_every_module_step_is_reported():
    """A task of a module whose result no report looks at would fail unseen."""
    for name in RUNBOOKS:
        if name == "verify_connection":
            continue
        reported = {step["result"].strip("{} ") for step in steps_of(name)}
        imported = re.findall(r"tasks/\w+\.yml", (PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))
        for path in imported:
            for task in tasks_of(PLAYBOOKS / path):
                if any(action.startswith("secops.itsm.") for action in task):
                    assert task["register"] in reported, (name, task["name"])


def test_each_file_of_tasks_is_used():
    named = r"(?:tasks/|file: )(\w+\.yml)"
    used = {found for path in FILES for found in re.findall(named, path.read_text(encoding="utf-8"))}
    assert used == {path.name for path in (PLAYBOOKS / "tasks").glob("*.yml")}


def test_no_fact_has_the_name_of_what_is_handed_on():
    """A stat of one job comes as an extra variable into the next of a workflow, and would hide the fact there."""
    facts: set[str] = set()
    stats: set[str] = set()
    for path in FILES:
        for task in tasks_of(path):
            facts |= {*task.get("ansible.builtin.set_fact", {}), *([task["register"]] if "register" in task else [])}
            stats |= set(task.get("ansible.builtin.set_stats", {}).get("data", {}))
            if "ansible.builtin.set_stats" in task:
                # Or a second runbook in one playbook would add its list to that of the first.
                assert task["ansible.builtin.set_stats"]["aggregate"] is False
    assert stats == {"itsm_report", "incidents"}
    assert not facts & (stats | set(VARIABLES) | set(COMMON) | set(TABLE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_module_takes_the_variables_of_its_connection(path):
    for task in tasks_of(path):
        for action in [word for word in task if word.startswith("secops.itsm.")]:
            service = action.split(".")[2].partition("_")[0]
            lookup = f"{{{{ lookup('secops.itsm.connection_options', '{service}') }}}}"
            assert task["module_defaults"] == {f"group/secops.itsm.{service}": lookup}, task["name"]


@pytest.mark.parametrize("path", [*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("awx/*.yml")], ids=lambda path: path.stem)
def test_each_play_outranks_the_connections_of_an_inventory(path):
    """Variables of a play go before those of an inventory, which go before keywords of a play."""
    for play in yaml.safe_load(path.read_text(encoding="utf-8").replace("!unsafe ", "")):
        variables = {**play["vars"], **(COMMON if "vars/common.yml" in play.get("vars_files", ()) else {})}
        own = {name: value for name, value in variables.items() if name.startswith("ansible_")}
        assert own == {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
