# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One fact in one place: documentation, argument specs, metadata and README agree. New modules join by themselves."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.secops.itsm.plugins.doc_fragments.contraforce import ModuleDocFragment
from ansible_collections.secops.itsm.plugins.module_utils import connection, errors, runner
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import ASSUMPTIONS

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def read(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.secops.itsm.plugins.modules.{name}")


def documented(text: str) -> Any:
    return yaml.safe_load(text)


def test_there_are_modules():
    assert MODULES


def own_options(name: str) -> dict[str, Any]:
    """A module's documented options, with those of an incident where it takes them from the fragment."""
    documentation = documented(module(name).DOCUMENTATION)
    shared = "secops.itsm.contraforce.incident" in documentation["extends_documentation_fragment"]
    fragment = documented(ModuleDocFragment.INCIDENT)["options"] if shared else {}
    return {**fragment, **documentation["options"]}


@pytest.mark.parametrize("name", MODULES)
def test_argument_spec_and_documentation_agree(name):
    options = own_options(name)
    spec = module(name).ARGUMENT_SPEC
    assert list(options) == list(spec)
    for option, facts in spec.items():
        for key in ("type", "required", "default", "choices", "elements"):
            assert options[option].get(key) == facts.get(key), f"{option}: {key}"


@pytest.mark.parametrize("name", MODULES)
def test_attributes_are_stated(name):
    documentation = documented(module(name).DOCUMENTATION)
    assert {"check_mode", "diff_mode", "idempotent"} <= set(documentation["attributes"])
    assert "secops.itsm.attributes" in documentation["extends_documentation_fragment"]


@pytest.mark.parametrize("name", MODULES)
def test_module_is_in_its_action_group(name):
    group = name.split("_", maxsplit=1)[0]
    assert name in read("meta/runtime.yml")["action_groups"][group]
    fragments = documented(module(name).DOCUMENTATION)["extends_documentation_fragment"]
    assert {f"secops.itsm.{group}", f"secops.itsm.attributes.actiongroup_{group}"} <= set(fragments)


@pytest.mark.parametrize("name", MODULES)
def test_module_has_its_row_in_the_readme(name):
    assert re.search(rf"^\| `{name}` \|", README, re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_returned_error_names_every_category(name):
    text = str(documented(module(name).RETURN)["error"])
    named = set(re.findall(r"V\((\w+)\)", text))
    assert named <= set(errors.CATEGORIES)
    # These two need a search or a version to compare; any module can end with each of the others.
    assert set(errors.CATEGORIES) - named <= {"ambiguous_match", "conflict"}


@pytest.mark.parametrize("part", ["error", "request_ids"])
def test_what_every_module_returns_is_described_alike(part):
    assert len({str(documented(module(name).RETURN)[part]) for name in MODULES}) == 1


@pytest.mark.parametrize("name", MODULES)
def test_module_has_an_integration_target(name):
    assert (ROOT / "tests" / "integration" / "targets" / name / "tasks" / "main.yml").is_file()


def test_connection_fragment_and_table_agree():
    options = documented(ModuleDocFragment.DOCUMENTATION)["options"]
    assert list(options) == list(connection.CONTRAFORCE_OPTIONS)
    for name, option in connection.CONTRAFORCE_OPTIONS.items():
        assert (options[name]["type"], options[name].get("default")) == (option.type, option.default), name
        assert f"E({option.env})" in str(options[name]["description"]), name


def test_every_connection_option_has_an_environment_fallback(monkeypatch):
    spec = runner.connection_spec(connection.CONTRAFORCE_OPTIONS)
    for name, option in connection.CONTRAFORCE_OPTIONS.items():
        fallback, names = spec[name]["fallback"]
        monkeypatch.setenv(option.env, f"value of {name}")
        assert names == [option.env]
        assert fallback(*names) == f"value of {name}"


def test_secret_options_are_not_logged():
    spec = runner.connection_spec(connection.CONTRAFORCE_OPTIONS)
    assert {name for name, facts in spec.items() if facts.get("no_log")} == {
        "client_secret",
        "access_token",
        "proxy",
        "headers",
    }


def test_version_is_one():
    assert read("galaxy.yml")["version"] == runner.VERSION


def test_readme_lists_every_assumption_and_no_other():
    rows = dict(re.findall(r"^\| (CF-A\d+) \| (.+?) \|", README, re.MULTILINE))
    assert rows == dict(ASSUMPTIONS)


def test_assumptions_are_referred_to_by_known_names():
    for path in (ROOT / "plugins").rglob("*.py"):
        for name in re.findall(r"CF-A\d+", path.read_text(encoding="utf-8")):
            assert name in ASSUMPTIONS, f"{path}: {name}"


def test_requirements_are_the_same_everywhere():
    wanted = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    ranges = [line.replace(">=", " >= ") for line in wanted if line and not line.startswith("#")]
    assert documented(ModuleDocFragment.DOCUMENTATION)["requirements"] == ranges


def test_nothing_but_the_runner_knows_ansible():
    for path in (ROOT / "plugins" / "module_utils").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "runner.py":
            assert not re.search(r"^\s*(from|import) ansible\.", text, re.MULTILINE), path
        if path.name != "client.py":
            assert not re.search(r"^\s*(from requests|import requests)", text, re.MULTILINE), path


def test_modules_are_thin():
    """Documentation, spec, one call."""
    for name in MODULES:
        text = (ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
        code = re.sub(r'^\w+ = r""".*?^"""$', "", text, flags=re.MULTILINE | re.DOTALL)
        lines = [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
        assert len(lines) <= 60, name
