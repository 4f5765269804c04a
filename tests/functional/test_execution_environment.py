# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definitions of both environments, as far as they can be built without a container engine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.conftest import tarball

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "docsite" / "rst" / "execution_environments.rst"
BIN = Path(sys.executable).parent
DECISION = (ROOT / "decision-environment.yml").read_text(encoding="utf-8")
NEEDED = ["requests>=2.25.0", "jsonschema>=4.0.0"]


def run(folder: Path, *command: str) -> str:
    """Run a program of the virtual environment, and return its output."""
    environment = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def shown_definitions() -> list[str]:
    """Return the definitions of the page."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


def built(folder: Path, definition: str) -> tuple[str, dict]:
    """Build a definition, and return the Containerfile and the collections to install."""
    (folder / "execution-environment.yml").write_text(definition, encoding="utf-8")
    run(folder, "ansible-builder", "create", "--output-filename", "Containerfile")
    context = folder / "context"
    requirements = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    return (context / "Containerfile").read_text(encoding="utf-8"), requirements


def test_the_definition_can_be_built(tmp_path):
    definition = (ROOT / "execution-environment.yml").read_text(encoding="utf-8")
    containerfile, requirements = built(tmp_path, definition)
    assert 'ARG EE_BASE_IMAGE="quay.io/centos/centos:stream9"' in containerfile, (
        "the base image can be replaced with --build-arg"
    )
    assert "FROM $EE_BASE_IMAGE AS base" in containerfile
    assert "ansible-core>=2.16.0 ansible-runner>=2.4.0" in containerfile
    assert requirements == {"collections": [{"name": "secops.itsm"}]}
    supported = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert yaml.safe_load(definition)["dependencies"]["ansible_core"]["package_pip"] == f"ansible-core{supported}"


def test_a_tarball_installs_with_all_requirements(tmp_path):
    """Follow the build up to the Python requirements of the collection."""
    (tmp_path / "built").mkdir()
    shutil.copy(tarball(tmp_path / "built"), tmp_path / "secops-itsm.tar.gz")
    containerfile, _requirements = built(tmp_path, shown_definitions()[0])
    build = tmp_path / "context" / "_build"
    assert "COPY _build /build\nWORKDIR /build\n" in containerfile
    (install,) = re.findall(r"ansible-galaxy collection install .*$", containerfile, re.MULTILINE)
    assert "-r requirements.yml" in install
    collections = tmp_path / "collections"
    run(build, "ansible-galaxy", "collection", "install", "-r", "requirements.yml", "-p", str(collections))
    found = yaml.safe_load(run(tmp_path, "ansible-builder", "introspect", str(collections)))
    assert [line.split("  #")[0] for line in found["python"]] == NEEDED
    assert found["system"] == []
    shown = PAGE.read_text(encoding="utf-8")
    assert all(f"- '{line}'" in shown for line in found["python"])
    # The modules report missing libraries, so these are all requirements.
    floor = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    assert [line for line in floor.splitlines() if line and not line.startswith("#")] == NEEDED


@pytest.mark.parametrize("number", [0, 1])
def test_definitions_of_the_page_match(number):
    definition = yaml.safe_load(shown_definitions()[number])
    assert definition["version"] == 3
    shipped = yaml.safe_load((ROOT / "execution-environment.yml").read_text(encoding="utf-8"))
    for part in ("images", "options"):
        assert definition.get(part, shipped[part]) == shipped[part]


def difference(path: str) -> tuple[Any, Any]:
    """Return a value of the decision environment and of the execution environment."""
    made, other = yaml.safe_load(DECISION), yaml.safe_load((ROOT / "execution-environment.yml").read_text("utf-8"))
    for key in path.split("."):
        made, other = made.get(key), other.get(key)
    return made, other


def test_the_decision_environment_adds_ansible_rulebook():
    same = ("python_interpreter", "galaxy", "ansible_core", "ansible_runner")
    for path in ("version", "images", "options", *(f"dependencies.{name}" for name in same)):
        made, other = difference(path)
        assert made == other
    assert difference("dependencies.python") == (["ansible-rulebook>=1.1.3"], None)


def test_the_decision_environment_contains_java(tmp_path):
    containerfile, requirements = built(tmp_path, DECISION)
    build = tmp_path / "context" / "_build"
    assert (build / "requirements.txt").read_text(encoding="utf-8").split() == ["ansible-rulebook>=1.1.3"]
    assert (build / "bindep.txt").read_text(encoding="utf-8") == "java-17-openjdk-headless [platform:rpm]"
    assert requirements == {"collections": [{"name": "secops.itsm"}]}
    last = containerfile[containerfile.rindex("\nFROM ") :]
    assert "\nENV JAVA_HOME=/usr/lib/jvm/jre-17\n" in last
    assert 'ARG EE_BASE_IMAGE="quay.io/centos/centos:stream9"' in containerfile


def test_the_tested_ansible_rulebook_is_supported():
    pinned = (ROOT / "tests" / "requirements" / "events.txt").read_text(encoding="utf-8")
    (release,) = [line.split("==")[1] for line in pinned.splitlines() if line.startswith("ansible-rulebook==")]
    assert tuple(map(int, release.split("."))) >= (1, 1, 3)
