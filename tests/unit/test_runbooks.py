# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the table of the runbooks matches the modules, the playbooks and the report."""

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
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    TASK_FILES,
    all_systems,
    default_system,
    read_table,
    system_names,
    with_ticket_system,
)

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
#: The table with the variables of each ticketing system.
TABLES: Mapping[str, Mapping[str, Any]] = {name: with_ticket_system(read_table(), name) for name in system_names()}
TABLE = TABLES[default_system()]
COMMON: Mapping[str, Any] = yaml.safe_load((PLAYBOOKS / "vars" / "common.yml").read_text(encoding="utf-8"))
RUNBOOKS: Mapping[str, Mapping[str, Any]] = TABLE["itsm_runbooks"]
GROUPS: Mapping[str, Mapping[str, Any]] = TABLE["itsm_variables"]
VARIABLES: Mapping[str, Mapping[str, Any]] = {
    name: definition for group in GROUPS.values() for name, definition in group.items()
}
EACH_SYSTEM = pytest.mark.parametrize("system", TABLES)
#: The keys of a runbook in the table.
PARTS = {
    *("title", "does", "takes", "tags", "without", "required", "defaults"),
    *("entry", "needs", "needs_of_sentinel", "hint"),
}
#: The files that read tickets one by one.
READING = ("closed.yml", "resolved.yml")
#: The files of tasks of each ticketing system.
OF_SYSTEMS = {name: [PLAYBOOKS / "tickets" / name / file for file in TASK_FILES] for name in TABLES}
FILES = sorted(
    [
        *PLAYBOOKS.glob("*.yml"),
        *(PLAYBOOKS / "tasks").glob("*.yml"),
        *(path for each in OF_SYSTEMS.values() for path in each),
    ]
)

#: Options of the modules that have another name or meaning in the runbooks.
RENAMED_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "contraforce_incident_info": {"query": "search_text"},
    "contraforce_incident_assignee": {"email": "assignee_email", "user_id": "assignee_id"},
    "servicenow_ticket": {"table": "ticket_table"},
    "servicenow_ticket_info": {"table": "ticket_table", "number": "ticket_to_read"},
    "servicenow_connection_info": {"table": "ticket_table", "number": "ticket_to_read"},
}

#: Options with different defaults: a repeated run of a runbook uses the ticket of a closed incident.
OTHER_DEFAULTS = {"include_closed", "include_done", "status"}


def play_of(name: str) -> dict[str, Any]:
    """Return the main play of a runbook."""
    plays = yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))
    *_checks, play = [play for play in plays if "itsm_runbook" in play["vars"]]
    return dict(play)


def tasks_in(tasks: Any) -> Iterator[dict[str, Any]]:
    """Yield all tasks, including those of blocks."""
    for task in tasks or []:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_in(task.get(part))


def tasks_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the tasks of a file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in content:
        yield from tasks_in(entry["tasks"] if "hosts" in entry else [entry])


def files_of(name: str) -> list[Path]:
    """Return the files of tasks of a runbook, including those that they import and those of each ticketing system."""
    found = [
        PLAYBOOKS / file
        for file in re.findall(r"tasks/\w+\.yml", (PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))
    ]
    found += [
        PLAYBOOKS / "tasks" / file
        for path in found
        for file in re.findall(r"import_tasks: (\w+\.yml)", path.read_text(encoding="utf-8"))
    ]
    included = {
        file
        for path in found
        for file in re.findall(r"ticket_system\.folder }}/(\w+\.yml)", path.read_text(encoding="utf-8"))
    }
    return [*found, *(path for each in OF_SYSTEMS.values() for path in each if path.name in included)]


def steps_of(name: str) -> list[dict[str, Any]]:
    """Return the steps that a runbook reports."""
    found = [
        task["vars"]["itsm_steps"] for task in tasks_in(play_of(name)["tasks"]) if "itsm_steps" in task.get("vars", {})
    ]
    return found[0] if found else []


def specs() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield the module, the option and the module's spec of each option that the playbooks set."""
    for path in FILES:
        for task in tasks_of(path):
            for action, arguments in task.items():
                if action.startswith("secops.itsm."):
                    module = action.split(".")[-1]
                    spec = definition_of(module).argument_spec
                    for option in arguments or ():
                        yield module, option, spec


def definition_of(module: str) -> Any:
    """Return the definition of a module."""
    return importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{module}").DEFINITION


def variable_of(module: str, option: str) -> Mapping[str, Any] | None:
    """Return the variable that the runbooks pass as an option."""
    name = next((system.name for system in all_systems() if module.startswith(f"{system.group}_")), default_system())
    groups = TABLES[name]["itsm_variables"].values()
    variables = {variable: definition for group in groups for variable, definition in group.items()}
    return variables.get(RENAMED_OPTIONS.get(module, {}).get(option, option))


# --- the table ------------------------------------------------------------------------------------------------------


def test_each_playbook_is_in_the_table():
    assert {path.stem for path in PLAYBOOKS.glob("*.yml")} == set(RUNBOOKS)
    assert all(play_of(name)["vars"]["itsm_runbook"] == name for name in RUNBOOKS)


@EACH_SYSTEM
@pytest.mark.parametrize("name", RUNBOOKS)
def test_runbook_definition_is_consistent(name, system):
    table = TABLES[system]
    groups, runbook = table["itsm_variables"], table["itsm_runbooks"][name]
    assert {"title", "does", "takes"} <= set(runbook) <= PARTS
    assert runbook["title"] == play_of(name)["name"].rstrip(".")
    assert runbook["does"].strip().endswith(".")
    taken = {variable for group in runbook["takes"] for variable in groups[group]}
    spec = runbook_spec(name, table)
    assert set(spec) == taken - set(runbook.get("without", ()))
    assert set(runbook.get("required", ())) <= set(spec)
    assert set(runbook.get("defaults", {})) <= set(spec)
    assert set(runbook.get("without", ())) <= taken
    assert len(taken) == sum(len(groups[group]) for group in runbook["takes"])
    for part in ("needs", "needs_of_sentinel"):
        assert set(runbook.get(part, ())) <= set(spec) & set(runbook.get("entry", ()))
    if "entry" in runbook:
        assert set(runbook["entry"]) <= {*spec, "state", "incident_number", "ticket_id"}
        assert not set(runbook["entry"]) & set(IDENTITY_KEYS)
        assert runbook["hint"].strip().endswith(".")
        assert set(INCIDENT_LISTS) & set(spec)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_tags_match_the_playbook(name):
    tags = [tag for task in tasks_in(play_of(name)["tasks"]) for tag in task.get("tags", []) if tag != "always"]
    assert RUNBOOKS[name].get("tags", []) == tags


def test_failed_list_task_does_not_print_its_result():
    found = 0
    for path in FILES:
        for task in tasks_of(path):
            arguments = next((task[action] for action in task if action.startswith("secops.itsm.")), {})
            if {"incidents", "tickets"} & set(arguments or ()):
                found += 1
                assert task["failed_when"] is False, task["name"]
    assert found > 6


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_source_excerpt_of_an_error_contains_no_comment(path):
    """Since ansible-core 2.19, an error shows the line of the task or the template that failed, and the two before."""
    lines = path.read_text(encoding="utf-8").splitlines()
    failing = [number for number, line in enumerate(lines) if line.lstrip().startswith("- name:") or "{{" in line]
    excerpts = [line for number in failing for line in lines[max(0, number - 2) : number + 1]]
    assert [line for line in excerpts if line.lstrip().startswith("#")] == []


@EACH_SYSTEM
@pytest.mark.parametrize("name", RUNBOOKS)
def test_default_has_the_type_of_its_variable(name, system):
    kinds = {"str": str, "bool": bool, "int": int, "float": (int, float), "list": list, "dict": dict, "path": str}
    for variable, definition in runbook_spec(name, TABLES[system]).items():
        if "default" in definition:
            assert isinstance(definition["default"], kinds[definition["type"]]), variable
            assert not definition.get("required"), variable
            choices = definition.get("choices")
            values = definition["default"] if definition["type"] == "list" else [definition["default"]]
            assert not choices or set(values) <= set(choices), variable


@EACH_SYSTEM
def test_each_variable_has_a_type_and_a_description(system):
    variables = {name: facts for group in TABLES[system]["itsm_variables"].values() for name, facts in group.items()}
    for name, definition in variables.items():
        assert set(definition) <= {*SPEC_KEYS, "description", "identifier"}, name
        assert definition["type"] in ("str", "bool", "int", "float", "list", "dict", "path"), name
        assert definition["description"].strip().endswith("."), name
        assert ("elements" in definition) == (definition["type"] == "list"), name


@EACH_SYSTEM
def test_each_variable_is_in_one_group_that_is_used(system):
    groups = TABLES[system]["itsm_variables"]
    for runbook in RUNBOOKS.values():
        names = [name for group in runbook["takes"] for name in groups[group]]
        assert len(names) == len(set(names))
    # A system may require a variable of another group in some runbooks. It has the same meaning there.
    types = {(name, definition["type"]) for group in groups.values() for name, definition in group.items()}
    assert len(types) == len({name for name, _type in types})
    assert {group for runbook in RUNBOOKS.values() for group in runbook["takes"]} == set(GROUPS)


def test_variables_do_not_hide_names_of_ansible():
    """For example, a variable named query hides the function query() in every template."""
    from ansible.vars.reserved import get_reserved_names

    words = {"query", "q", "lookup", "now", "undef", "range", "dict", "item", "omit", "environment", "vars", "hostvars"}
    assert not set(VARIABLES) & (words | set(get_reserved_names()) - {"register"} | set(COMMON))


# --- modules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variable, words",
    [
        ("classification", enums.CLASSIFICATIONS),
        ("classification_reason", enums.CLASSIFICATION_REASONS),
        ("severities", enums.SEVERITIES),
        ("time_range", (*enums.TIME_RANGES, *enums.OTHER_TIME_RANGES)),
    ],
)
def test_choices_match_those_of_the_service(variable, words):
    assert tuple(VARIABLES[variable]["choices"]) == words


def test_statuses_match_those_of_the_service_except_closed():
    for variable in ("status", "statuses"):
        assert set(VARIABLES[variable]["choices"]) == set(enums.STATUSES) - {"Closed"}


def test_link_states_match_those_of_the_module():
    assert tuple(definition_of("contraforce_ticket_link").argument_spec["state"]["choices"]) == LINK_STATES


def test_modules_are_not_run_in_loops():
    """A list is faster, and a 429 or refused credentials affect the whole list once."""
    looped = [
        task["name"]
        for path in FILES
        for task in tasks_of(path)
        if any(action.startswith("secops.itsm.") for action in task)
        and ("loop" in task or "with_items" in task)
        and path.name not in READING
    ]
    assert looped == []


def test_tasks_of_each_host_are_few_and_fast():
    """Each task of a host has a process, which loads the plugins of filters and tests, and compiles templates."""
    tasks = [task for task in tasks_of(PLAYBOOKS / "tasks" / "close_host.yml") if not task.get("run_once")]
    assert len(tasks) <= 4
    (facts,) = [task["ansible.builtin.set_fact"] for task in tasks if "ansible.builtin.set_fact" in task]
    assert all(isinstance(value, str) for value in facts.values())
    assert set(facts) == {"itsm", "itsm_host_incident"}
    (closing,) = [task for task in tasks if "secops.itsm.contraforce_incident_status" in task]
    conditions = [task["when"] for task in tasks if "when" in task]
    of_all = [str(value) for value in (*closing["secops.itsm.contraforce_incident_status"].values(), *conditions)]
    assert [text for text in of_all if re.search(r"[|]| is ", text)] == []
    # Task variables would be evaluated for each option.
    assert "vars" not in closing


def test_texts_of_services_are_not_terms_of_lookups():
    """Before ansible-core 2.19, the terms of a lookup are evaluated as templates, and attackers can write titles."""
    unpacked = {
        match
        for path in [*FILES, *(PLAYBOOKS / "vars").glob("*.yml")]
        for match in re.findall(r"(?:query|lookup)\('([\w.]+)', \*", path.read_text(encoding="utf-8"))
    }
    assert unpacked <= {"ansible.builtin.vars", "ansible.builtin.env"}, "only names of variables"


def test_playbooks_only_set_supported_options():
    seen = list(specs())
    assert len(seen) > 40
    assert [(module, option) for module, option, spec in seen if option not in spec] == []


def test_defaults_and_types_match_the_modules():
    shared = 0
    for module, option, spec in specs():
        variable = variable_of(module, option)
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
def test_each_key_of_an_entry_is_used(name):
    """Each key of an entry is passed to a module."""
    texts = [(PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8")]
    # The report passes the entries on without using them.
    tasks = PLAYBOOKS / "tasks"
    files = {path for path in files_of(name) if path.parent == tasks} - {
        tasks / "prepare_run.yml",
        tasks / "report.yml",
    }
    texts += [path.read_text(encoding="utf-8") for path in sorted(files)]
    of_tickets = set(GROUPS["tickets"]) if tasks / "open_tickets.yml" in files else set()
    words = set(re.findall(r"\w+", " ".join(texts)))
    assert set(RUNBOOKS[name]["entry"]) <= words | of_tickets


# --- report ---------------------------------------------------------------------------------------------------------


def test_each_category_has_a_next_step():
    assert set(NEXT_STEPS) == set(CATEGORIES)
    assert all(text.endswith(".") for text in NEXT_STEPS.values())


@pytest.mark.parametrize("name", [name for name in RUNBOOKS if name != "verify_connection"])
def test_reported_results_are_registered_and_reset(name):
    """Registered results outlive their play, and must not be reported by a second runbook in the same playbook."""
    steps = steps_of(name)
    assert steps
    tasks = tasks_of(PLAYBOOKS / "tasks" / "prepare_run.yml")
    reset = next(task for task in tasks if task["name"] == "Prepare the steps and the report")[
        "ansible.builtin.set_fact"
    ]
    tasks = [task for path in files_of(name) for task in tasks_of(path)]
    kept = {task["register"] for task in tasks if "register" in task}
    kept |= {
        fact
        for task in tasks
        if task["name"] != "Prepare the steps and the report"
        for fact in task.get("ansible.builtin.set_fact", ())
    }
    for step in steps:
        assert step["name"] in STEPS
        registered = step["result"].strip("{} ")
        assert registered in reset
        assert registered in kept
        if "incidents" in step:
            assert step["incidents"].strip("{} ") in reset


def test_result_of_each_module_is_reported():
    """Otherwise, a failure of the task would not be noticed."""
    for name in RUNBOOKS:
        if name == "verify_connection":
            continue
        reported = {step["result"].strip("{} ") for step in steps_of(name)}
        for path in files_of(name):
            for task in tasks_of(path):
                # A ticket that cannot be read counts as open, so closing it fails, or it stops the run.
                if any(action.startswith("secops.itsm.") for action in task) and path.name not in (
                    "closed.yml",
                    "resolved.yml",
                ):
                    assert task["register"] in reported, (name, task["name"])


def test_each_file_of_tasks_is_used():
    named = r"(?:tasks/|file: |import_tasks: )(\w+\.yml)"
    used = {found for path in FILES for found in re.findall(named, path.read_text(encoding="utf-8"))}
    assert used == {path.name for path in (PLAYBOOKS / "tasks").glob("*.yml")}


def test_facts_do_not_have_the_names_of_stats():
    """Stats of a job are extra variables of the next job of a workflow, and would override the facts."""
    facts: set[str] = set()
    stats: set[str] = set()
    for path in FILES:
        for task in tasks_of(path):
            facts |= {*task.get("ansible.builtin.set_fact", {}), *([task["register"]] if "register" in task else [])}
            stats |= set(task.get("ansible.builtin.set_stats", {}).get("data", {}))
            if "ansible.builtin.set_stats" in task:
                # Otherwise, a second runbook in the same playbook would append its list to that of the first.
                assert task["ansible.builtin.set_stats"]["aggregate"] is False
    assert stats == {"itsm_report", "incidents"}
    assert not facts & (stats | set(VARIABLES) | set(COMMON) | set(TABLE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_module_uses_the_variables_of_its_connection(path):
    for task in tasks_of(path):
        for action in [word for word in task if word.startswith("secops.itsm.")]:
            service = action.split(".")[2].partition("_")[0]
            lookup = f"{{{{ lookup('secops.itsm.connection_options', '{service}') }}}}"
            assert task["module_defaults"] == {f"group/secops.itsm.{service}": lookup}, task["name"]


@pytest.mark.parametrize("path", [*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("awx/*.yml")], ids=lambda path: path.stem)
def test_each_play_overrides_connections_of_the_inventory(path):
    """Variables of a play override those of an inventory, which override keywords of a play."""
    for play in yaml.safe_load(path.read_text(encoding="utf-8").replace("!unsafe ", "")):
        variables = {**play["vars"], **(COMMON if "vars/common.yml" in play.get("vars_files", ()) else {})}
        own = {name: value for name, value in variables.items() if name.startswith("ansible_")}
        assert own == {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }


# --- facts ----------------------------------------------------------------------------------------------------------

#: Variables of tasks that run on the hosts of incidents, which have no facts of other runbooks.
ON_HOSTS = {"itsm", "itsm_folder", "itsm_started", "itsm_stopped"}


class _TagLoader(yaml.SafeLoader):
    """Read tags of Ansible as null."""


_TagLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def _names(node: Any, facts: set[str], variables: set[str]) -> None:
    """Collect the names of facts and registered results, and those of variables of tasks."""
    for entry in node if isinstance(node, list) else []:
        _names(entry, facts, variables)
    for key, value in node.items() if isinstance(node, dict) else []:
        if key == "ansible.builtin.set_fact":
            facts.update(value)
        elif key == "register":
            facts.add(value)
        elif key == "vars" and isinstance(value, dict):
            variables.update(value)
        _names(value, facts, variables)


def test_facts_do_not_override_variables_of_tasks():
    """A fact outlives its play, and takes precedence over a variable of a task in every later runbook."""
    facts: set[str] = set()
    variables: set[str] = set(COMMON)
    examples = sorted((PLAYBOOKS.parent / "docs" / "tickets").glob("*/*.yml"))
    for path in [*sorted(PLAYBOOKS.rglob("*.yml")), *examples]:
        _names(yaml.load(path.read_text(encoding="utf-8"), _TagLoader), facts, variables)  # a SafeLoader
    assert len(examples) > 8
    assert facts & variables - ON_HOSTS == set()
