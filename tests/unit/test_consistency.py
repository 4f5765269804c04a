# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One fact in one place: documentation, argument specs, metadata and README agree. New modules join by themselves."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.doc_fragments import attributes, contraforce, ticketing
from ansible_collections.secops.itsm.plugins.module_utils import _errors
from ansible_collections.secops.itsm.plugins.module_utils._contraforce import assumptions as contraforce_assumptions
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IDENTIFIERS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import FILTER_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._engine import ansible_module, module_definition
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import CONCURRENCY_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._http import connection_options
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import assumptions as ticketing_assumptions
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import InProcessAction

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Api:
    """What the collection says of an API in more than one place.

    :param prefix: of its environment variables.
    :param assumed: the first part of its assumptions' names.
    :param fragment: its documentation fragments.
    :param table: its connection options.
    :param assumptions: what is assumed about it.
    :param secrets: the connection options that must not be shown.
    :param harmless: those whose names look like a secret.
    """

    prefix: str
    assumed: str
    fragment: Any
    table: Mapping[str, connection_options.Option]
    assumptions: Mapping[str, str]
    secrets: frozenset[str]
    harmless: frozenset[str]


#: By the first part of its modules' names.
APIS = {
    "contraforce": Api(
        "CONTRAFORCE",
        "CF-A",
        contraforce.ModuleDocFragment,
        CONTRAFORCE_OPTIONS,
        contraforce_assumptions.ASSUMPTIONS,
        frozenset({"client_secret", "access_token", "proxy", "headers"}),
        frozenset({"client_key"}),
    ),
    "ticketing": Api(
        "TICKETING",
        "TK-A",
        ticketing.ModuleDocFragment,
        TICKETING_OPTIONS,
        ticketing_assumptions.ASSUMPTIONS,
        frozenset({"client_secret", "access_token", "api_key", "proxy", "headers"}),
        frozenset({"client_key", "token_url"}),
    ),
}

#: Fragments with options that modules share, each with the spec that it documents.
SHARED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "secops.itsm.contraforce.incident_or_list": (
        contraforce.ModuleDocFragment.INCIDENT_OR_LIST,
        {name: {"type": "str"} for name in IDENTIFIERS},
    ),
    "secops.itsm.contraforce.incident_filters": (contraforce.ModuleDocFragment.INCIDENT_FILTERS, FILTER_SPEC),
    "secops.itsm.ticketing.catalog": (ticketing.ModuleDocFragment.CATALOG, CATALOG_SPEC),
    "secops.itsm.attributes.list": (attributes.ModuleDocFragment.LIST, CONCURRENCY_SPEC),
}
ASSUMPTIONS = {name: text for api in APIS.values() for name, text in api.assumptions.items()}


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{name}")


def documented(text: str) -> Any:
    return yaml.safe_load(text)


def test_there_are_modules():
    assert MODULES


def group_of(name: str) -> str:
    return name.split("_", maxsplit=1)[0]


def test_every_module_belongs_to_a_known_api():
    assert {group_of(name) for name in MODULES} == set(APIS)


def own_options(name: str) -> dict[str, Any]:
    """A module's documented options, with those that it takes from fragments, but for the connection's."""
    documentation = documented(module(name).DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment in set(documentation["extends_documentation_fragment"]) & set(SHARED):
        taken = documented(SHARED[fragment][0])["options"]
        assert not set(taken) & set(options)
        options.update(taken)
    return options


def check_options(options: Mapping[str, Any], spec: Mapping[str, Any], place: str = "") -> None:
    """Documented options against a spec, options within options too."""
    for option, facts in spec.items():
        for key in ("type", "required", "default", "choices", "elements"):
            assert options[option].get(key) == facts.get(key), f"{place}{option}: {key}"
        inner = options[option].get("suboptions", {})
        assert list(inner) == list(facts.get("options", {})), f"{place}{option}"
        check_options(inner, facts.get("options", {}), f"{place}{option}.")


@pytest.mark.parametrize("name", MODULES)
def test_argument_spec_and_documentation_agree(name):
    spec = module(name).ARGUMENT_SPEC
    options = own_options(name)
    assert set(options) == set(spec)
    # In the same order, but that a fragment's options may stand before or after a module's own.
    own = documented(module(name).DOCUMENTATION)["options"]
    assert list(own) == [option for option in spec if option in own]
    check_options(options, spec)


@pytest.mark.parametrize("fragment", SHARED)
def test_shared_fragment_and_spec_agree(fragment):
    text, spec = SHARED[fragment]
    options = documented(text)["options"]
    assert list(options) == list(spec)
    check_options(options, spec)


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("ticketing_")])
def test_every_ticketing_module_takes_the_catalog_option(name):
    assert "type" in module(name).ARGUMENT_SPEC
    assert "type" not in documented(module(name).DOCUMENTATION)["options"]


@pytest.mark.parametrize("name", MODULES)
def test_attributes_are_stated(name):
    documentation = documented(module(name).DOCUMENTATION)
    assert {"check_mode", "diff_mode", "idempotent"} <= set(documentation["attributes"])
    assert "secops.itsm.attributes" in documentation["extends_documentation_fragment"]


@pytest.mark.parametrize("name", MODULES)
def test_module_has_an_action_plugin_of_its_definition(name):
    plugin = importlib.import_module(f"ansible_collections.secops.itsm.plugins.action.{name}")
    assert plugin.ActionModule.definition is module(name).DEFINITION
    assert issubclass(plugin.ActionModule, InProcessAction)
    assert module(name).DEFINITION.argument_spec is module(name).ARGUMENT_SPEC


def test_every_action_plugin_is_of_a_module():
    assert sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py")) == sorted(MODULES)


LISTS = [name for name in MODULES if module(name).DEFINITION.bulk]


@pytest.mark.parametrize("name", LISTS)
def test_entry_of_a_list_takes_what_the_task_takes(name):
    """Without defaults of its own, which would hide what the task gives."""
    definition, spec = module(name).DEFINITION, module(name).ARGUMENT_SPEC
    entry = spec[definition.bulk.option]["options"]
    for option, facts in entry.items():
        assert "default" not in facts, option
        assert {key: facts.get(key) for key in ("type", "choices", "elements")} == {
            key: spec[option].get(key) for key in ("type", "choices", "elements")
        }, option
    others = set(spec) - set(entry)
    unique = {"unique_by"} & set(spec)
    for_all = (
        {"details", "comments", "limit", *FILTER_SPEC} if definition.bulk.read_only else {"verify_timeout", *unique}
    )
    assert others == {definition.bulk.option, "concurrency", *for_all, *({"type"} & set(spec))}


def test_lists_are_there():
    assert LISTS == [
        "contraforce_incident_assignee",
        "contraforce_incident_comment",
        "contraforce_incident_info",
        "contraforce_incident_status",
        "contraforce_ticket_link",
        "ticketing_ticket",
    ]


@pytest.mark.parametrize("part", ["summary", "msg"])
def test_what_lists_return_is_described_alike(part):
    texts = {str(documented(module(name).RETURN)[part]).replace("every ticket", "every incident") for name in LISTS}
    assert len(texts) == 1


@pytest.mark.parametrize("name", MODULES)
def test_module_is_in_its_action_group(name):
    group = group_of(name)
    assert name in read("meta/runtime.yml")["action_groups"][group]
    fragments = documented(module(name).DOCUMENTATION)["extends_documentation_fragment"]
    assert {f"secops.itsm.{group}", f"secops.itsm.attributes.actiongroup_{group}"} <= set(fragments)


@pytest.mark.parametrize("group", APIS)
def test_action_group_has_the_modules_of_its_api_and_no_other(group):
    groups = read("meta/runtime.yml")["action_groups"]
    assert set(groups) == set(APIS)
    assert groups[group] == [name for name in MODULES if group_of(name) == group]


@pytest.mark.parametrize("group", APIS)
def test_action_group_is_stated_by_its_fragment(group):
    fragment = getattr(attributes.ModuleDocFragment, f"ACTIONGROUP_{group.upper()}")
    stated = documented(fragment)["attributes"]["action_group"]
    assert (stated["membership"], stated["support"]) == ([f"secops.itsm.{group}"], "full")
    assert f"C(group/secops.itsm.{group})" in stated["description"]


@pytest.mark.parametrize("name", MODULES)
def test_module_has_its_row_in_the_readme(name):
    assert re.search(rf"^\| `{name}` \|", README, re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_returned_error_names_every_category(name):
    text = str(documented(module(name).RETURN)["error"])
    named = set(re.findall(r"V\((\w+)\)", text))
    assert named == set(_errors.CATEGORIES)


@pytest.mark.parametrize("part", ["error", "request_ids"])
def test_what_every_module_returns_is_described_alike(part):
    assert len({str(documented(module(name).RETURN)[part]) for name in MODULES}) == 1


@pytest.mark.parametrize("name", MODULES)
def test_module_has_an_integration_target(name):
    assert (ROOT / "tests" / "integration" / "targets" / name / "tasks" / "main.yml").is_file()


@pytest.mark.parametrize("group", APIS)
def test_connection_fragment_and_table_agree(group):
    api = APIS[group]
    options = documented(api.fragment.DOCUMENTATION)["options"]
    assert list(options) == list(api.table)
    for name, option in api.table.items():
        assert (options[name]["type"], options[name].get("default")) == (option.type, option.default), name
        assert f"E({option.env})" in str(options[name]["description"]), name


def test_the_fragment_for_plugins_names_the_environment_variable_of_each_connection_option():
    options = documented(contraforce.ModuleDocFragment.PLUGINS)["options"]
    assert options == {name: {"env": [{"name": option.env}]} for name, option in CONTRAFORCE_OPTIONS.items()}


def test_inventory_and_its_documentation_agree():
    """It takes the options of the connection and of the list, by the same names, and its own."""
    plugin = importlib.import_module("ansible_collections.secops.itsm.plugins.inventory.contraforce_incidents")
    documentation = documented(plugin.DOCUMENTATION)
    fragments = (
        "secops.itsm.contraforce",
        "secops.itsm.contraforce.plugins",
        "secops.itsm.contraforce.incident_filters",
    )
    assert set(fragments) <= set(documentation["extends_documentation_fragment"])
    own = documentation["options"]
    for name, facts in plugin.DEFINITION.argument_spec.items():
        if name in FILTER_SPEC:
            # The fragment says the rest of these.
            assert own.get(name, {}).get("default") == facts.get("default"), name
        else:
            check_options(own, {name: facts})
    assert set(own) - set(FILTER_SPEC) == {*plugin.SELECTION_SPEC, "plugin", "hostname"}
    assert own["plugin"]["choices"] == [plugin.InventoryModule.NAME]


@pytest.mark.parametrize("group", APIS)
def test_environment_variables_are_named_like_their_options(group):
    api = APIS[group]
    assert {name: option.env for name, option in api.table.items()} == {
        name: f"{api.prefix}_{name.upper()}" for name in api.table
    }


@pytest.mark.parametrize("group", APIS)
def test_every_connection_option_has_an_environment_fallback(group, monkeypatch):
    table = APIS[group].table
    spec = ansible_module.connection_spec(table)
    for name, option in table.items():
        fallback, names = spec[name]["fallback"]
        monkeypatch.setenv(option.env, f"value of {name}")
        assert names == [option.env]
        assert fallback(*names) == f"value of {name}"
        monkeypatch.setenv(option.env, " ")
        with pytest.raises(ansible_module.AnsibleFallbackNotFound):
            fallback(*names)


@pytest.mark.parametrize("group", APIS)
def test_secret_options_are_not_logged(group):
    spec = ansible_module.connection_spec(APIS[group].table)
    logged = {name: facts.get("no_log") for name, facts in spec.items()}
    assert {name for name, is_secret in logged.items() if is_secret} == APIS[group].secrets
    assert {name for name, is_secret in logged.items() if is_secret is False} == APIS[group].harmless


@pytest.mark.parametrize("group", APIS)
def test_addresses_are_options(group):
    options = APIS[group].table.items()
    assert all(option.is_address == (name == "url" or name.endswith("_url")) for name, option in options)


def test_version_is_one():
    assert read("galaxy.yml")["version"] == module_definition.VERSION


@pytest.mark.parametrize("group", APIS)
def test_readme_lists_every_assumption_and_no_other(group):
    rows = dict(re.findall(rf"^\| ({APIS[group].assumed}\d+) \| (.+?) \|", README, re.MULTILINE))
    assert rows == dict(APIS[group].assumptions)


@pytest.mark.parametrize("group", APIS)
def test_assumptions_are_numbered_without_a_gap(group):
    api = APIS[group]
    assert list(api.assumptions) == [f"{api.assumed}{number}" for number in range(1, len(api.assumptions) + 1)]


def test_assumptions_are_referred_to_by_known_names():
    for folder in ("plugins", "docs", "playbooks"):
        for path in [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".yml", ".yaml", ".md")]:
            for name in re.findall(r"(?:CF|TK)-A\d+", path.read_text(encoding="utf-8")):
                assert name in ASSUMPTIONS, f"{path}: {name}"


PACKAGES = {"contraforce": "_contraforce", "ticketing": "_rezolve"}


@pytest.mark.parametrize("group", APIS)
def test_what_belongs_to_one_api_refers_to_its_own_assumptions(group):
    plugins = ROOT / "plugins"
    own = [*(plugins / "module_utils" / PACKAGES[group]).rglob("*.py"), *plugins.glob(f"*/{group}*.py")]
    assert own
    for path in own:
        names = re.findall(r"[A-Z]+-A\d+", path.read_text(encoding="utf-8"))
        assert all(name.startswith(APIS[group].assumed) for name in names), path


@pytest.mark.parametrize("group", APIS)
def test_requirements_are_the_same_everywhere(group):
    wanted = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    ranges = [line.replace(">=", " >= ") for line in wanted if line and not line.startswith("#")]
    assert documented(APIS[group].fragment.DOCUMENTATION)["requirements"] == ranges


def test_nothing_but_the_runner_knows_ansible():
    for path in (ROOT / "plugins" / "module_utils").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "ansible_module.py":
            assert not re.search(r"^\s*(from|import) ansible\.", text, re.MULTILINE), path
        if path.name not in ("client.py", "response_limits.py"):
            assert not re.search(r"^\s*(from requests|import requests)", text, re.MULTILINE), path


def test_unit_tests_of_modules_import_nothing_of_the_controller():
    """Check the tests that ansible-test runs without the controller's part of ansible-core."""
    for path in (ROOT / "tests" / "unit" / "plugins" / "module_utils").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"plugins\.(?!module_utils|modules)\w+", text), path


def test_architecture_names_existing_files():
    page = (ROOT / "docs" / "docsite" / "rst" / "architecture.rst").read_text(encoding="utf-8")
    for row in re.findall(r"^   \* - (``.*)$", page, re.MULTILINE):
        first, *others = re.findall(r"``([^`]*)``", row)
        folder = first.rstrip("/").rpartition("/")[0]
        for place in [first, *(other if other.count("/") > 1 else f"{folder}/{other}" for other in others)]:
            assert list(ROOT.glob(place.replace("NAME", "*").rstrip("/"))), place


def test_modules_are_thin():
    """Documentation, spec, one call."""
    for name in MODULES:
        text = (ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
        code = re.sub(r'^\w+ = r""".*?^"""$', "", text, flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
        assert len(lines) <= 60, name
