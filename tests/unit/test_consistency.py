# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that documentation, argument specs, metadata and README agree. New modules are included automatically."""

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
from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption
from ansible_collections.secops.itsm.plugins.module_utils._contraforce import assumptions as contraforce_assumptions
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IDENTIFIERS
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import FILTER_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._engine import ansible_module, module_definition
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import CONCURRENCY_SPEC
from ansible_collections.secops.itsm.plugins.module_utils._http import connection_options
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.service import CATALOG_SPEC
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import InProcessAction
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import all_systems

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
HELPERS = sorted((kind, path.stem) for kind in ("filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Api:
    """Facts about an API that the collection states in several places.

    :param prefix: the prefix of its environment variables.
    :param assumed: the prefix of the IDs of its assumptions.
    :param fragment: its documentation fragments.
    :param table: its connection options.
    :param assumptions: its assumptions by ID.
    :param secrets: the connection options that are secret.
    :param harmless: the connection options that are not secret although their names suggest it.
    """

    prefix: str
    assumed: str
    fragment: Any
    table: Mapping[str, connection_options.Option]
    assumptions: Mapping[str, Assumption]
    secrets: frozenset[str]
    harmless: frozenset[str]


#: The names of connection options that are secret, and of those that are not although their names suggest it.
SECRETS = {"access_token", "api_key", "client_secret", "headers", "password", "proxy"}
HARMLESS = {"client_key", "token_url"}


def api(name: str, table: Mapping[str, connection_options.Option], assumptions: Mapping[str, Assumption]) -> Api:
    """Return the facts about an API.

    :param name: the prefix of the names of its modules.
    :param table: its connection options.
    :param assumptions: its assumptions.
    """
    fragments = importlib.import_module(f"ansible_collections.secops.itsm.plugins.doc_fragments.{name}")
    secrets, harmless = (frozenset(names & set(table)) for names in (SECRETS, HARMLESS))
    assumed = next(iter(assumptions)).rstrip("0123456789")
    return Api(name.upper(), assumed, fragments.ModuleDocFragment, table, assumptions, secrets, harmless)


#: The APIs by the prefix of the names of their modules.
APIS = {
    "contraforce": api("contraforce", CONTRAFORCE_OPTIONS, contraforce_assumptions.ASSUMPTIONS),
    **{
        system.group: api(system.group, system.connection_options, system.assumptions)
        for system in sorted(all_systems(), key=lambda system: system.group)
    },
}

#: Fragments with options that modules share, with the specs that they document.
SHARED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "secops.itsm.contraforce.incident_or_list": (
        contraforce.ModuleDocFragment.INCIDENT_OR_LIST,
        {name: {"type": "str"} for name in IDENTIFIERS},
    ),
    "secops.itsm.contraforce.incident_filters": (contraforce.ModuleDocFragment.INCIDENT_FILTERS, FILTER_SPEC),
    "secops.itsm.ticketing.catalog": (ticketing.ModuleDocFragment.CATALOG, CATALOG_SPEC),
    "secops.itsm.attributes.list": (attributes.ModuleDocFragment.LIST, CONCURRENCY_SPEC),
}
ASSUMPTIONS = {name: assumption for api in APIS.values() for name, assumption in api.assumptions.items()}
#: The maximum number of lines of RETURN.
MAX_RETURN_LINES = 70


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{name}")


def documented(text: str) -> Any:
    return yaml.safe_load(text)


def test_modules_exist():
    assert MODULES


def group_of(name: str) -> str:
    return name.split("_", maxsplit=1)[0]


def test_modules_have_prefix_of_known_api():
    assert {group_of(name) for name in MODULES} == set(APIS)


def own_options(name: str) -> dict[str, Any]:
    """Return the documented options of a module, including shared fragments, without connection options."""
    documentation = documented(module(name).DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment in set(documentation["extends_documentation_fragment"]) & set(SHARED):
        shared = documented(SHARED[fragment][0])["options"]
        assert not set(shared) & set(options)
        options.update(shared)
    return options


def check_options(options: Mapping[str, Any], spec: Mapping[str, Any], place: str = "") -> None:
    """Compare documented options with a spec, including suboptions."""
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
    # The order is the same, except that options of fragments may come before or after.
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
def test_ticketing_modules_have_catalog_option(name):
    assert "type" in module(name).ARGUMENT_SPEC
    assert "type" not in documented(module(name).DOCUMENTATION)["options"]


@pytest.mark.parametrize("name", MODULES)
def test_modules_document_attributes(name):
    documentation = documented(module(name).DOCUMENTATION)
    assert {"check_mode", "diff_mode", "idempotent"} <= set(documentation["attributes"])
    assert "secops.itsm.attributes" in documentation["extends_documentation_fragment"]


@pytest.mark.parametrize("name", MODULES)
def test_modules_have_action_plugin_with_same_definition(name):
    plugin = importlib.import_module(f"ansible_collections.secops.itsm.plugins.action.{name}")
    assert plugin.ActionModule.definition is module(name).DEFINITION
    assert issubclass(plugin.ActionModule, InProcessAction)
    assert module(name).DEFINITION.argument_spec is module(name).ARGUMENT_SPEC


def test_action_plugins_have_module():
    assert sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py")) == sorted(MODULES)


LISTS = [name for name in MODULES if module(name).DEFINITION.bulk]


@pytest.mark.parametrize("name", LISTS)
def test_entries_accept_task_options_without_defaults(name):
    """A default in an entry would override the option of the task."""
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


def test_modules_with_lists_are_known():
    known = [
        "contraforce_incident_assignee",
        "contraforce_incident_comment",
        "contraforce_incident_info",
        "contraforce_incident_status",
        "contraforce_ticket_link",
        *sorted(f"{system.group}_ticket" for system in all_systems()),
    ]
    assert known == LISTS


@pytest.mark.parametrize("part", ["summary", "msg"])
def test_lists_describe_common_results_identically(part):
    assert len({str(documented(module(name).RETURN)[part]) for name in LISTS}) == 1


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_in_action_group(name):
    group = group_of(name)
    assert name in read("meta/runtime.yml")["action_groups"][group]
    fragments = documented(module(name).DOCUMENTATION)["extends_documentation_fragment"]
    assert f"secops.itsm.{group}" in fragments
    # A ticketing system may keep the fragment with its own.
    assert {f"secops.itsm.attributes.actiongroup_{group}", f"secops.itsm.{group}.actiongroup"} & set(fragments)


@pytest.mark.parametrize("group", APIS)
def test_action_group_contains_exactly_modules_of_api(group):
    groups = read("meta/runtime.yml")["action_groups"]
    assert set(groups) == set(APIS)
    assert groups[group] == [name for name in MODULES if group_of(name) == group]


@pytest.mark.parametrize("group", APIS)
def test_action_group_is_documented_by_fragment(group):
    own = getattr(APIS[group].fragment, "ACTIONGROUP", None)
    fragment = own or getattr(attributes.ModuleDocFragment, f"ACTIONGROUP_{group.upper()}")
    stated = documented(fragment)["attributes"]["action_group"]
    assert (stated["membership"], stated["support"]) == ([f"secops.itsm.{group}"], "full")
    assert f"C(group/secops.itsm.{group})" in stated["description"]


@pytest.mark.parametrize("name", MODULES)
def test_readme_lists_module(name):
    assert re.search(rf"^\* `{name}`: ", README, re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_return_is_short(name):
    assert len(module(name).RETURN.strip().splitlines()) <= MAX_RETURN_LINES


@pytest.mark.parametrize("name", MODULES)
def test_sample_of_error_has_all_keys(name):
    error = documented(module(name).RETURN)["error"]
    assert list(error["sample"]) == list(_errors.ApiError("message", "internal").as_dict())
    assert error["sample"]["category"] in _errors.CATEGORIES
    assert "R(When something fails,ansible_collections.secops.itsm.docsite.errors)" in error["description"]


def test_documentation_refers_to_guides_instead_of_readme():
    for path in (ROOT / "plugins").rglob("*.py"):
        assert "README" not in path.read_text(encoding="utf-8"), path


def test_modules_describe_common_results_identically():
    returned = [documented(module(name).RETURN) for name in MODULES]
    assert len({str(result["request_ids"]) for result in returned}) == 1
    assert len({str({**result["error"], "sample": {}}) for result in returned}) == 1


@pytest.mark.parametrize("name", MODULES)
def test_sample_of_error_is_a_request_of_the_api(name):
    sample = documented(module(name).RETURN)["error"]["sample"]
    paths = read(f"docs/contracts/{group_of(name)}.openapi.yaml")["paths"]
    addresses = {path[: path.index(part)] for path in paths for part in path.split("/")[1:]}
    templates = {path: "/".join("[^/]+" if part[:1] == "{" else part for part in path.split("/")) for path in paths}
    found = [
        paths[path]
        for path in paths
        if any(re.fullmatch(templates[path], f"{address}{sample['path'][1:]}") for address in addresses)
    ]
    assert any(sample["method"].lower() in operations for operations in found)
    assert sample["method"] == "GET" or not name.endswith("_info")


# --- filters and lookups --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, name", HELPERS)
def test_filter_or_lookup_is_internal_unless_a_guide_names_it(kind, name):
    pages = [path for path in sorted((ROOT / "docs" / "docsite").rglob("*.rst")) if path.stem != "contributing"]
    guides = "".join(path.read_text(encoding="utf-8") for path in pages)
    plugin = importlib.import_module(f"ansible_collections.secops.itsm.plugins.{kind}.{name}")
    described = documented(plugin.DOCUMENTATION)
    is_internal = described["short_description"].startswith("[INTERNAL] ")
    assert is_internal == (f"secops.itsm.{name}" not in guides)
    assert is_internal == described["description"][0].startswith("B(For the runbooks of this collection only.)")


@pytest.mark.parametrize("name", MODULES)
def test_modules_have_integration_target(name):
    assert (ROOT / "tests" / "integration" / "targets" / name / "tasks" / "main.yml").is_file()


@pytest.mark.parametrize("group", APIS)
def test_connection_fragment_and_table_agree(group):
    api = APIS[group]
    options = documented(api.fragment.DOCUMENTATION)["options"]
    assert list(options) == list(api.table)
    for name, option in api.table.items():
        assert (options[name]["type"], options[name].get("default")) == (option.type, option.default), name
        assert f"E({option.env})" in str(options[name]["description"]), name


def test_fragment_for_plugins_names_environment_variables():
    options = documented(contraforce.ModuleDocFragment.PLUGINS)["options"]
    assert options == {name: {"env": [{"name": option.env}]} for name, option in CONTRAFORCE_OPTIONS.items()}


def test_inventory_spec_and_documentation_agree():
    """The plugin has connection options, the filters of the list and options of its own."""
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
            # The fragment documents the other properties.
            assert own.get(name, {}).get("default") == facts.get("default"), name
        else:
            check_options(own, {name: facts})
    assert set(own) - set(FILTER_SPEC) == {*plugin.SELECTION_SPEC, "plugin", "hostname"}
    assert own["plugin"]["choices"] == [plugin.InventoryModule.NAME]


@pytest.mark.parametrize("group", APIS)
def test_environment_variables_have_names_of_options(group):
    api = APIS[group]
    assert {name: option.env for name, option in api.table.items()} == {
        name: f"{api.prefix}_{name.upper()}" for name in api.table
    }


@pytest.mark.parametrize("group", APIS)
def test_connection_options_have_environment_fallback(group, monkeypatch):
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
def test_options_with_urls_are_addresses(group):
    options = APIS[group].table.items()
    assert all(option.is_address == (name == "url" or name.endswith("_url")) for name, option in options)


def test_versions_agree():
    assert read("galaxy.yml")["version"] == module_definition.VERSION


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_assumption_and_consequence_are_sentences(name):
    for text in ASSUMPTIONS[name]:
        assert text.endswith("."), text
        assert text[0].isupper() or text.startswith("``"), text


@pytest.mark.parametrize("group", APIS)
def test_assumptions_are_numbered_without_gaps(group):
    api = APIS[group]
    assert list(api.assumptions) == [f"{api.assumed}{number}" for number in range(1, len(api.assumptions) + 1)]


def test_references_to_assumptions_are_known():
    for folder in ("plugins", "docs", "playbooks"):
        for path in [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".yml", ".yaml", ".md")]:
            for name in re.findall(r"\b[A-Z]{2}-A\d+", path.read_text(encoding="utf-8")):
                assert name in ASSUMPTIONS, f"{path}: {name}"


PACKAGES = {
    "contraforce": "_contraforce",
    **{system.group: system.definition["connection_options"].split(".")[0] for system in all_systems()},
}


@pytest.mark.parametrize("group", APIS)
def test_code_of_one_api_refers_to_assumptions_of_that_api(group):
    plugins = ROOT / "plugins"
    own = [*(plugins / "module_utils" / PACKAGES[group]).rglob("*.py"), *plugins.glob(f"*/{group}*.py")]
    assert own
    for path in own:
        names = re.findall(r"[A-Z]+-A\d+", path.read_text(encoding="utf-8"))
        assert all(name.startswith(APIS[group].assumed) for name in names), path


@pytest.mark.parametrize("group", APIS)
def test_requirements_agree(group):
    wanted = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    ranges = [line.replace(">=", " >= ") for line in wanted if line and not line.startswith("#")]
    assert documented(APIS[group].fragment.DOCUMENTATION)["requirements"] == ranges


def test_only_runner_imports_ansible():
    for path in (ROOT / "plugins" / "module_utils").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "ansible_module.py":
            assert not re.search(r"^\s*(from|import) ansible\.", text, re.MULTILINE), path
        if path.name not in ("client.py", "response_limits.py"):
            assert not re.search(r"^\s*(from requests|import requests)", text, re.MULTILINE), path


def test_unit_tests_of_modules_do_not_import_controller_code():
    """ansible-test runs these tests without the controller code of ansible-core."""
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


def test_modules_are_short():
    """A module consists of documentation, spec and one call."""
    for name in MODULES:
        text = (ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
        code = re.sub(r'^\w+ = r""".*?^"""$', "", text, flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
        assert len(lines) <= 60, name
