# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test ticketing systems outside the collection, which ``ticket_system`` names by a path."""

from __future__ import annotations

import copy
import os
import re
import shutil
import textwrap
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.secops.itsm.plugins.lookup.connection_options import LookupModule
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import read_input
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import build_ticket
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_system_folder import (
    CONNECTION_KEYS,
    CONNECTION_TYPES,
    KEYS,
    OPTIONAL_FILES,
    REQUIRED_FILES,
    SHARING,
    VARIABLE_KEYS,
    find_folder,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    TASK_FILES,
    all_systems,
    read_folder,
    read_table,
    system_of_run,
    with_ticket_system,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.unknown_variables import unknown_variables
from ansible_collections.secops.itsm.tests.unit.messages import assert_message

ROOT = Path(__file__).resolve().parents[4]
EXAMPLES = ROOT / "docs" / "tickets"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "own_ticket_system.rst"
EACH_EXAMPLE = pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
TABLE = read_table()
FILES = ["system.yml", *REQUIRED_FILES, *OPTIONAL_FILES.values()]
INCIDENT = {
    "workspace_id": "5d6e7f80-91a2-4b3c-8d4e-5f6071829304",
    "source": "Sentinel",
    "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72",
}


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path) -> Path:
    """Return a copy of the example for ConnectWise, which uses every key."""
    return Path(shutil.copytree(EXAMPLES / "connectwise", tmp_path / "own"))


def change(folder: Path, path: str, value: Any) -> None:
    """Set a key of ``system.yml``, or remove it with the value None.

    :param folder: the directory of the system.
    :param path: the keys, separated by slashes.
    :param value: the value.
    """
    file = folder / "system.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    *parents, last = path.split("/")
    holder = content
    for name in parents:
        holder = holder.setdefault(name, {})
    if value is None:
        del holder[last]
    else:
        holder[last] = copy.deepcopy(value)
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    # The modification time of a file may be the same for two writes.
    os.utime(file, ns=(0, zlib.crc32(str(content).encode()) * 1000))


def refusal(folder: Path) -> str:
    """Return the only problem of a run with a system."""
    result = read_input("open_ticket", INCIDENT, with_ticket_system(TABLE, str(folder)))
    (problem,) = result["problems"]
    return str(problem)


@EACH_EXAMPLE
def test_examples_are_valid(name):
    system = read_folder(EXAMPLES / name)
    assert system.by_path
    assert {path.name for path in system.folder.iterdir()} == set(FILES)
    values = dict.fromkeys(system.variables["tickets"], "x")
    built = build_ticket({**INCIDENT, "record": {"title": "T"}}, {**values, "fields": {}}, system.definition["ticket"])
    assert {"reference", "summary", "fields"} <= set(built)


@EACH_EXAMPLE
def test_examples_need_nothing_of_this_collection_but_its_filters(name):
    for file in FILES[1:]:
        text = (EXAMPLES / name / file).read_text(encoding="utf-8")
        tasks = yaml.safe_load(text)
        assert not any(key.startswith("secops.itsm.") for task in tasks for key in task), file
        assert "module_utils" not in text
        # Only reads are sent in check mode.
        for task in tasks:
            sends = [key for key in task if key in ("ansible.builtin.uri", "community.general.jira")]
            if sends:
                options = task[sends[0]]
                writes = options.get("method", "GET") != "GET" or options.get("operation") in ("create", "transition")
                # The account would be sent along to another host.
                assert sends[0] != "ansible.builtin.uri" or options["follow_redirects"] == "none", task["name"]
                in_check_mode = task.get("check_mode") is False
                assert in_check_mode is not writes, task["name"]
                assert ("not ansible_check_mode" in str(task.get("when"))) is writes, task["name"]


@pytest.mark.parametrize("key", [key for key in KEYS if key.purpose], ids=lambda key: key.name)
def test_missing_key_is_named_with_its_file(folder, key):
    change(folder, key.name.replace(".", "/"), None)
    assert_message(refusal(folder), f"{folder}/system.yml", f"'{key.name}' is missing", key.purpose)


def test_directories_contain_the_files_of_the_collection_s_systems():
    assert sorted(FILES[1:]) == sorted(TASK_FILES)


#: The keys of systems of the collection, which have modules, a credential type and a survey.
OF_COLLECTION = {
    "group",
    "connection_options",
    "assumptions",
    "settings",
    "survey",
    "credential_type",
    # A reference in a field that the user names.
    "ticket.reference.field",
}


@pytest.mark.parametrize("system", all_systems(), ids=lambda system: system.name)
def test_keys_of_the_collection_s_systems_are_known(system):
    ticket = system.definition["ticket"]
    used = {
        *system.definition,
        *(f"ticket.{key}" for key in ticket),
        *(f"ticket.{key}.{inner}" for key, value in ticket.items() if isinstance(value, dict) for inner in value),
        *(f"closing.{key}" for key in system.definition["closing"]),
    }
    assert used - {key.name for key in KEYS} <= OF_COLLECTION


def test_missing_optional_file_only_fails_runbooks_that_need_it(folder):
    (folder / "resolved.yml").unlink()
    table = with_ticket_system(TABLE, str(folder))
    given = {**INCIDENT, **CLOSING, "company": "c", "board": "b"}
    problems = {name: read_input(name, given, table)["problems"] for name in TABLE["itsm_runbooks"]}
    expected = f"{folder}/resolved.yml is missing. This runbook needs it"
    failed = [name for name, texts in problems.items() if any(expected in text for text in texts)]
    assert failed == [name for name, runbook in TABLE["itsm_runbooks"].items() if "resolution" in runbook["takes"]]
    assert failed
    assert "open_ticket" not in failed
    assert len(problems[failed[0]]) == 1


def test_groups_that_share_variables_are_not_used_together():
    assert not [name for name, runbook in TABLE["itsm_runbooks"].items() if set(runbook["takes"]) >= SHARING]


@pytest.mark.parametrize("name", ["system.yml", *REQUIRED_FILES])
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert_message(refusal(folder), f"{folder}/{name}", "missing")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", ["a: [", "text"], ids=["not-yaml", "text"])
def test_invalid_file_is_named(folder, name, content):
    (folder / name).write_text(content, encoding="utf-8")
    assert_message(refusal(folder), f"{folder}/{name}")


INVALID: dict[str, tuple[str, Any, list[str]]] = {
    "unknown": ("titel", "x", ["'titel' is not a key", "Did you mean title?"]),
    "shipped": ("group", "x", ["'group' is not a key"]),
    "nested": ("ticket/result/nmber", "x", ["'ticket.result.nmber'", "Did you mean ticket.result.number?"]),
    "type": ("ticket/summary/max_length", "100", ["'ticket.summary.max_length' must be a number"]),
    "bool": ("ticket/summary/max_length", True, ["'ticket.summary.max_length' must be a number"]),
    "blank": ("title", " ", ["'title' is empty"]),
    "list": ("entry", "summary", ["'entry' must be a list"]),
    "contraforce_type": ("contraforce_type", "jira", ["'contraforce_type'", "Autotask, ServiceNow, Jira, Zendesk"]),
    "links": ("contraforce_links", "yes", ["'contraforce_links'", "documented, assumed, no"]),
    "closing": ("closing/default", "maybe", ["'closing.default'", "contraforce, checked"]),
    "find_closed": ("closing/find_closed", "board2", ["'closing.find_closed'", "variables.tickets"]),
    "required": ("closing/required_if_checked", ["board"], ["'closing.required_if_checked'", "'board'"]),
    "group": ("variables/ticket", {}, ["'variables.ticket'", "tickets"]),
    "common": ("variables/tickets/comment", {"type": "str"}, ["'variables.tickets.comment'", "another name"]),
    "own": ("variables/tickets/connectwise_url", {"type": "str"}, ["connectwise_url'", "connection"]),
    "of_others": ("variables/tickets/contraforce_url", {"type": "str"}, ["contraforce_url'", "connection"]),
    "reserved": ("variables/tickets/ansible_x", {"type": "str"}, ["'variables.tickets.ansible_x'", "ansible_"]),
    "name": ("variables/tickets/A b", {"type": "str"}, ["'variables.tickets.A b'", "lower-case"]),
    "untyped": ("variables/tickets/board", {}, ["'variables.tickets.board.type' is missing"]),
    "kind": ("variables/tickets/board/type", "text", ["'variables.tickets.board.type'", "str"]),
    "facts": ("variables/tickets/board/defualt", "x", ["'variables.tickets.board.defualt' is not supported"]),
    "default": ("variables/tickets/reference_format/default", "x", ["reference_format.default'", "choices"]),
    "twice": ("variables/services/board", {"type": "str"}, ["board", "also in the group"]),
    "environment": ("connection/url", {}, ["'connection.url.environment' is missing"]),
    "lower": ("connection/url/environment", "my_url", ["'connection.url.environment'", "upper case"]),
    "taken": ("connection/url/environment", "CONTRAFORCE_URL", ["'connection.url.environment'", "CONTRAFORCE_URL"]),
    "secret": ("connection/url/secret", "yes", ["'connection.url.secret' must be true or false"]),
    "form": ("ticket/reference/form", "form", ["'ticket.reference.form'", "variables.tickets"]),
    "no_form": ("ticket/reference/form", None, ["'ticket.reference.form' is missing", "max_length"]),
    "no_fields": ("variables/tickets/fields", None, ["'variables.tickets.fields' is missing"]),
    "no_option": ("ticket/fields", {}, ["'ticket.fields.option' is missing"]),
    "values": ("ticket/values", [{"names": ["queue"]}], ["'ticket.values[0].names'", "variables.tickets"]),
    "values_key": ("ticket/values", [{"names": ["board"], "requierd": True}], ["[0].requierd' is not supported"]),
    "values_field": ("ticket/values", [{"names": ["board"], "field": ["x"]}], ["[0].field' must be a text"]),
    "values_required": ("ticket/values", [{"names": ["board"], "required": "no"}], ["[0].required'", "true or false"]),
    "markup": ("ticket/markup", [1], ["'ticket.markup' must be a list of texts"]),
    "max_length": ("ticket/summary/max_length", 0, ["'ticket.summary.max_length' must be at least 1"]),
    "numbers": ("variables/tickets/board/choices", [1, 2], ["'variables.tickets.board.choices'", "Quote numbers"]),
    "fields_type": ("variables/tickets/fields", {"type": "str"}, ["'variables.tickets.fields.type' must be dict"]),
    "of_entries": ("variables/tickets/record", {"type": "str"}, ["'variables.tickets.record'", "another name"]),
    "entry_kind": ("entry", [{"board": 1}], ["'entry' contains {'board': 1}"]),
    "required_kind": ("closing/required_if_checked", [["board"]], ["'closing.required_if_checked' contains ['board']"]),
    "hint": ("ticket/required_hint", None, ["'ticket.required_hint' is missing", "company"]),
    "entry": ("entry", ["queue"], ["'entry' contains 'queue'"]),
}


@pytest.mark.parametrize("path, value, words", INVALID.values(), ids=list(INVALID))
def test_invalid_key_is_named_with_its_file(folder, path, value, words):
    change(folder, path, value)
    message = refusal(folder)
    assert message.startswith(f"{folder}/system.yml: ")
    assert all(word in message for word in words), message


def test_optional_keys_have_defaults(folder):
    # The example of the guide.
    shown = GUIDE.read_text(encoding="utf-8").split("The shortest one:\n\n.. code-block:: yaml\n")[1]
    minimal = textwrap.dedent(shown.split("\n\nJira\n")[0])
    (folder / "system.yml").write_text(f"contraforce_links: no\n{minimal}", encoding="utf-8")
    table = with_ticket_system(TABLE, str(folder))
    result = read_input("close_with_ticket", {**INCIDENT, **CLOSING}, table)
    assert result["problems"] == []
    assert result["options"]["ticket_closing"] == "checked"
    assert result["ticket_system"]["contraforce_links"] == "no"
    built = build_ticket({**INCIDENT, "record": {}}, result["options"], table["itsm_ticket_system"]["ticket"])
    assert set(built) == {"summary", "reference"}


def test_guide_names_all_files_and_keys():
    text = GUIDE.read_text(encoding="utf-8")
    for file in FILES:
        assert f"   * - ``{file}``\n" in text
    words = set(re.findall(r"``([\w.]+)``", text))
    for key in KEYS:
        assert words & {key.name, key.name.rpartition(".")[2]}, key.name
    assert {*CONNECTION_KEYS, *VARIABLE_KEYS, *CONNECTION_TYPES} <= words


CLOSING = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "c"}


def test_tags_of_ansible_are_accepted_in_tasks(folder):
    (folder / "check.yml").write_text("- name: a\n  debug: {msg: !unsafe '{{ x }}'}\n", encoding="utf-8")
    assert read_folder(folder).title == "ConnectWise PSA"


def test_a_relative_path_is_searched_beside_the_playbook_first(tmp_path, monkeypatch):
    beside, working = tmp_path / "playbooks", tmp_path / "working"
    for place in (beside / "both", working / "both", working / "other"):
        place.mkdir(parents=True)
    monkeypatch.chdir(working)
    monkeypatch.setenv("HOME", str(working))
    assert find_folder("./both", str(beside)) == beside / "both"
    assert find_folder(" ./other/ ", str(beside)) == working / "other"
    assert find_folder("./both", "") == working / "both"
    assert find_folder("~/other", str(beside)) == working / "other"
    assert find_folder(str(working / "other"), str(beside)) == working / "other"
    with pytest.raises(ValueError, match="no such directory") as caught:
        find_folder("./neither", str(beside))
    assert_message(str(caught.value), "'./neither'", str(beside / "neither"), str(working / "neither"))


def test_broken_links_and_default_choices_of_a_list_are_accepted(folder):
    (folder / ".#open.yml").symlink_to("editor@host.1234")
    change(folder, "variables/tickets/tags_of_ticket", {"type": "list", "choices": ["a", "b"], "default": ["b"]})
    assert read_folder(folder).variable_names >= {"tags_of_ticket"}


def test_a_changed_directory_is_read_again(folder):
    assert system_of_run(str(folder)).title == "ConnectWise PSA"
    change(folder, "title", "Another")
    assert system_of_run(str(folder)).title == "Another"


@pytest.mark.parametrize("runbook", ["open_ticket", "close_incident"])
def test_variables_of_the_system_are_accepted(runbook):
    table = with_ticket_system(TABLE, str(EXAMPLES / "connectwise"))
    given = {"board": "b", "connectwise_password": "p"}
    assert unknown_variables(runbook, table, given) == []
    (message,) = unknown_variables(runbook, table, {"connectwise_pasword": "p"})
    assert "Did you mean connectwise_password?" in message
    if runbook == "open_ticket":
        (message,) = unknown_variables(runbook, table, {"close_code": "x", "assignment_group": "soc"})[:1]
        assert_message(message, "assignment_group", str(EXAMPLES / "connectwise"))


def connection_of(folder: Path, variables: dict[str, Any]) -> dict[str, Any]:
    """Return the result of the lookup for a system."""
    loader = DataLoader()
    lookup = LookupModule(loader, Templar(loader, variables=variables))
    # It has no options besides its terms.
    lookup.set_options = lambda **_given: None
    (options,) = lookup.run([str(folder)], variables)
    return dict(options)


def test_connection_has_variables_environment_and_defaults(monkeypatch):
    for name in ("JIRA_USERNAME", "JIRA_PASSWORD", "JIRA_VALIDATE_CERTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JIRA_URL", "https://jira.example")
    monkeypatch.setenv("JIRA_TOKEN", "of-environment")
    found = connection_of(EXAMPLES / "jira", {"jira_token": "of-variable", "jira_username": " "})
    assert found == {"url": "https://jira.example", "token": "of-variable", "validate_certs": True}
    monkeypatch.delenv("JIRA_URL")
    with pytest.raises(AnsibleLookupError, match="JIRA_URL") as caught:
        connection_of(EXAMPLES / "jira", {})
    assert_message(str(caught.value), "To connect to Jira, set jira_url (or the environment variable JIRA_URL).")


def test_connection_of_an_invalid_directory_fails(folder):
    change(folder, "title", None)
    with pytest.raises(AnsibleLookupError, match="'title' is missing"):
        connection_of(folder, {})
