# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the ticketing systems of the runbooks, the directories in playbooks/tickets."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any, Iterator, Mapping

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.lookup import connection_options
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import TICKETING_SYSTEMS
from ansible_collections.secops.itsm.plugins.plugin_utils import ticket_systems
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import is_blank, read_input
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import build_ticket, ticket_problems
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    GROUPS,
    LINKS,
    TASK_FILES,
    all_systems,
    choose_system,
    credential_type,
    default_system,
    find_system,
    read_table,
    survey_questions,
    system_names,
    with_ticket_system,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.unknown_variables import unknown_variables
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = {system.name: system for system in all_systems()}
EACH = pytest.mark.parametrize("name", SYSTEMS)
TABLE = read_table()
GROUP_MODULES = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
#: The runbooks that open tickets.
OPENING = [name for name, runbook in TABLE["itsm_runbooks"].items() if "tickets" in runbook["takes"]]
INCIDENT = {
    "workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304",
    "source": "Sentinel",
    "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72",
}

#: Names of variables of systems that are ordinary words.
ORDINARY = {"fields", "summary", "company"}


def words_of(system: ticket_systems.TicketSystem) -> set[str]:
    """Return the words that only the files of a system may contain."""
    common = {name for group in TABLE["itsm_variables"].values() for name in group}
    options = system.connection_options.values()
    connection = {word for option in options for word in (option.env, option.variable)}
    return {
        system.name,
        system.title,
        *GROUP_MODULES[system.group],
        *connection,
        *(system.variable_names - ORDINARY - common),
        *system.definition["settings"],
    }


def vendor_words(text: str, words: set[str]) -> list[str]:
    """Return the words that a text contains, each as a whole word."""
    return re.findall(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(words)))})(?!\w)", text, re.IGNORECASE)


def shared_files() -> Iterator[Path]:
    """Yield the files that must not depend on a system. Events do, because a callback has the keys of its system."""
    for folder in ("playbooks", "plugins/filter", "plugins/lookup", "plugins/plugin_utils"):
        for path in sorted((ROOT / folder).rglob("*")):
            of_system = ticket_systems.FOLDER in path.parents or path.name.startswith("webhook_")
            if path.suffix in (".yml", ".py", ".j2") and not of_system:
                yield path


@EACH
def test_only_the_files_of_a_system_name_its_words(name):
    words = words_of(SYSTEMS[name])
    assert len(words) > 20
    found = {}
    for path in shared_files():
        text = path.read_text(encoding="utf-8")
        if path == ticket_systems.RUNBOOKS:
            # The default system.
            text = text.replace(f"default: {default_system()}\n", "", 1)
        if vendor_words(text, words):
            found[str(path.relative_to(ROOT))] = vendor_words(text, words)
    assert found == {}


def test_vendor_words_are_found():
    assert vendor_words("a: secops.itsm.ticketing_ticket", {"secops.itsm.ticketing_ticket"}) != []
    assert vendor_words("Rezolve.ai's", {"rezolve"}) != []
    assert vendor_words("itsm_ticketing_url, team_ids", {"ticketing_url", "team_id"}) == []


@EACH
def test_system_has_its_files_and_keys(name):
    system = SYSTEMS[name]
    definition = system.definition
    assert {path.name for path in system.folder.iterdir()} == {"system.yml", *TASK_FILES}
    assert set(definition) - {"contraforce_type"} == {
        *("title", "group", "connection_options", "assumptions", "contraforce_links", "ticket", "variables", "entry"),
        *("closing", "settings", "survey", "credential_type"),
    }
    assert definition["contraforce_links"] in LINKS
    assert definition.get("contraforce_type", "Jira") in set(TICKETING_SYSTEMS) - {"None"}
    assert set(definition["variables"]) <= set(GROUPS)
    assert set(definition["survey"]) <= set(GROUPS)
    assert set(definition["entry"]) <= set(definition["variables"]["tickets"])
    assert definition["closing"]["default"] in TABLE["itsm_variables"]["ticket_closing"]["ticket_closing"]["choices"]
    assert set(definition["closing"]["required_if_checked"]) <= set(definition["variables"].get("ticket_closing", ()))
    assert all(setting.startswith("controller_") for setting in definition["settings"])


@EACH
def test_ticket_uses_variables_and_options_that_exist(name):
    system = SYSTEMS[name]
    ticket, variables = system.definition["ticket"], system.definition["variables"]["tickets"]
    (task,) = yaml.safe_load((system.folder / "open.yml").read_text(encoding="utf-8"))
    (module,) = [word.split(".")[-1] for word in task if word.startswith("secops.itsm.")]
    definition = importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{module}").DEFINITION
    entry = definition.argument_spec["tickets"]["options"]
    values = dict.fromkeys(variables, "x")
    built = build_ticket({**INCIDENT, "record": {}}, {**values, "fields": {}}, ticket)
    assert set(built) <= set(entry)
    ignore = ticket.get("fields", {}).get("ignore")
    assert ignore is None or (ignore in entry and variables[ignore]["type"] == "list")
    for group in ticket["values"]:
        assert set(group["names"]) <= set(variables)
    assert module in GROUP_MODULES[system.group]


@EACH
def test_closed_and_unread_tickets_are_set(name):
    tasks = yaml.safe_load((SYSTEMS[name].folder / "closed.yml").read_text(encoding="utf-8"))
    facts = {fact for task in tasks for fact in task.get("ansible.builtin.set_fact", ())}
    assert {"itsm_closed_tickets", "itsm_unread_tickets"} <= facts


@EACH
def test_connection_is_available_to_runbooks(name):
    system = SYSTEMS[name]
    assert connection_options.TABLES[system.group] == system.connection_options
    assert "url" in system.connection_options


@EACH
@pytest.mark.parametrize("runbook", OPENING)
def test_variables_of_other_systems_are_refused(name, runbook):
    table = with_ticket_system(TABLE, name)
    others = {variable for other in all_systems() for variable in other.variable_names} - SYSTEMS[name].variable_names
    for variable in sorted(others):
        (message,) = unknown_variables(runbook, table, {variable: "value"})
        assert_message(message, variable, name, "ticket_system")
        assert unknown_variables(runbook, table, {variable: " "}) == [], "a question without an answer"
        assert unknown_variables(runbook, table, {}, [variable]) == [], "an inventory may be used for several systems"
        assert unknown_variables(runbook, table, {variable: "value"}, ignored=[variable]) == []
    assert unknown_variables(runbook, table, dict.fromkeys(SYSTEMS[name].variable_names, "value")) == []


@pytest.mark.parametrize("choice", ["rezolv", ["rezolve"], 7], ids=repr)
def test_unknown_system_is_refused(choice):
    with pytest.raises(ValueError, match="'ticket_system' must be one of"):
        find_system(choice)
    for runbook, definition in TABLE["itsm_runbooks"].items():
        result = read_input(runbook, {**INCIDENT, "ticket_system": choice}, with_ticket_system(TABLE, choice))
        problem = (
            f"'ticket_system' must be one of {', '.join(system_names())}, not {choice!r}. "
            "For a system of your own, set it to a path with a slash."
        )
        assert (result["problems"] == [problem]) == ("ticket_system" in definition["takes"])


@pytest.mark.parametrize("blank", [None, "", "  "], ids=repr)
def test_blank_choice_is_the_default(blank):
    assert choose_system(blank).name == default_system()
    assert with_ticket_system(TABLE, blank) == with_ticket_system(TABLE, default_system())


def test_adding_a_system_leaves_the_table_unchanged():
    before = yaml.safe_dump(TABLE)
    for name in SYSTEMS:
        with_ticket_system(TABLE, name)
    assert yaml.safe_dump(TABLE) == before


@EACH
def test_values_for_closing_are_required_if_closures_are_checked(name):
    table = with_ticket_system(TABLE, name)
    for variable in SYSTEMS[name].definition["closing"]["required_if_checked"]:
        for way, is_missing in (("checked", True), ("contraforce", False)):
            result = read_input("close_with_ticket", {**INCIDENT, "ticket_closing": way}, table)
            found = [problem for problem in result["problems"] if problem.startswith(f"'{variable}' is missing")]
            assert bool(found) is is_missing


# --- tickets --------------------------------------------------------------------------------------------------------

#: A system whose tickets have a reference of their own and values that are stored in fields.
FORM: Mapping[str, Any] = {
    "summary": {"option": "title", "max_length": 40},
    "fields": {"option": "columns", "ignore": "ignored"},
    "markup": ["[b]"],
    "reference": {"option": "key", "form": "key_form", "max_length": 100},
    "values": [{"names": ["group_id", "group"], "field": "owner"}, {"names": ["table"], "option": "kind"}],
}


def test_ticket_has_the_options_and_fields_of_its_form():
    values = {"fields": {"a": "{title}", "owner": "own"}, "group": "soc", "table": "t"}
    entry = {**INCIDENT, "record": {"title": "T" * 99}, "fields": {"b": 1}}
    built = build_ticket(entry, values, FORM)
    identity = f"Sentinel {INCIDENT['incident_id']} {INCIDENT['workspace_id']}"
    # A field that is set by its own name takes precedence.
    assert built["columns"] == {"a": "T" * 99, "b": 1, "owner": "own"}
    assert (built["kind"], built["key"]) == ("t", identity)
    assert set(built) == {"kind", "key", "title", "columns"}
    without = build_ticket({**entry, "group_id": 7}, {"group": "soc"}, FORM)
    assert without["columns"] == {"b": 1, "owner": "7"}


def test_fields_with_details_are_only_set_in_a_new_ticket():
    """Otherwise, each further alert would change the ticket. The option of an entry replaces that of the task."""
    entry = {**INCIDENT, "record": {"title": "[b]"}}
    fields = {"a": "{title}", "b": ["x", {"c": "<b>{alerts}</b>"}], "d": "{number}", "e": "{severity} {priority}"}
    values: dict[str, Any] = {"fields": fields, "priority_map": {"default": "3"}}
    built = build_ticket(entry, {**values, "ignored": ["z", "b"]}, FORM)
    assert built["ignored"] == ["z", "b", "d"]
    assert built["columns"]["a"] == "(b)"
    assert "ignored" not in build_ticket(entry, {**values, "fields": {"a": "{title}"}, "ignored": ["z"]}, FORM)
    without = {**FORM, "fields": {"option": "columns"}}
    assert "ignored" not in build_ticket(entry, values, without)


def test_fields_of_the_priority_take_precedence_over_those_of_all_tickets():
    by_severity = {"low": {"a": "{title}", "b": "low"}, "default": {"a": "default"}}
    values = {"fields": {"a": "all", "c": "all"}, "priority_map": by_severity}
    entry = {**INCIDENT, "fields": {"b": "own"}, "record": {"severity": "Low", "title": "T"}}
    assert build_ticket(entry, values, FORM)["columns"] == {"a": "T", "b": "own", "c": "all"}
    assert build_ticket(INCIDENT, values, FORM)["columns"] == {"a": "default", "c": "all"}
    form = {name: value for name, value in FORM.items() if name != "fields"}
    (message,) = ticket_problems([INCIDENT], {**values, "summary": "{title}"}, form)
    assert_message(message, "'priority_map'", "fields", "1 of 1")


@pytest.mark.parametrize("of_entry", [True, False])
def test_form_of_the_reference_can_be_chosen(of_entry):
    chosen = {"key_form": "cf|{source}|{incident_id}"}
    entry, values = ({**INCIDENT, **chosen}, {}) if of_entry else (INCIDENT, chosen)
    # In ContraForce's samples, the source is in lower case.
    assert build_ticket(entry, values, FORM)["key"] == f"cf|sentinel|{INCIDENT['incident_id']}"


@pytest.mark.parametrize("length, is_valid", [(54, True), (55, False)])
def test_long_reference_is_refused_before_any_request(length, is_valid):
    entry = {**INCIDENT, "incident_id": "x" * length}
    found = ticket_problems([entry], {"summary": "{title}"}, FORM)
    assert bool(found) is not is_valid
    for message in found:
        assert_message(message, "101", "100", "'key_form'", "'ticket_id'")
    assert ticket_problems([{**entry, "ticket_id": "1"}], {"summary": "{title}"}, FORM) == []


# --- the controller -------------------------------------------------------------------------------------------------


@EACH
def test_credential_type_has_an_input_for_each_option(name):
    system = SYSTEMS[name]
    common: list[dict[str, Any]] = [{"id": "proxy"}]
    made = credential_type(system, common)
    assert set(made["injectors"]["env"]) == {option.env for option in system.connection_options.values()}
    assert made["inputs"]["fields"][-1] == common[0]
    own = {field["id"] for field in system.definition["credential_type"]["fields"]}
    assert own <= set(system.connection_options)
    for field in system.definition["credential_type"]["fields"]:
        assert bool(field.get("secret")) == bool(system.connection_options[field["id"]].secret), field["id"]


@EACH
def test_questions_have_defaults(name):
    system = SYSTEMS[name]
    answers: Mapping[str, Any] = {setting: f"answer of {setting}" for setting in system.definition["settings"]}
    asked = [question for group in survey_questions(system, answers).values() for question in group]
    assert all("default" in question and "default_setting" not in question for question in asked)
    assert {question["default"] for question in asked} >= set(answers.values())
    assert {question["variable"] for question in asked} <= system.variable_names
    assert not any(is_blank(question["question_name"]) for question in asked)
