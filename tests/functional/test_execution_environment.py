# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The execution environment, as far as it can be made without a container engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "docsite" / "rst" / "execution_environments.rst"
BIN = Path(sys.executable).parent
NEEDED = ["requests>=2.25.0", "jsonschema>=4.0.0"]


def run(folder: Path, *command: str) -> str:
    """Run a program of the tests' own, and give what it printed."""
    environment = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def shown_definitions() -> list[str]:
    """The definitions that the page shows."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^\.\. code-block:: yaml\n\n((?:   .*\n|\n)+)", text, re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


def built(folder: Path, definition: str) -> tuple[str, dict]:
    """The build file that ansible-builder makes of a definition, and the collections that it installs."""
    (folder / "execution-environment.yml").write_text(definition, encoding="utf-8")
    run(folder, "ansible-builder", "create", "--output-filename", "Containerfile")
    context = folder / "context"
    requirements = yaml.safe_load((context / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    return (context / "Containerfile").read_text(encoding="utf-8"), requirements


def test_the_definition(tmp_path):
    definition = (ROOT / "execution-environment.yml").read_text(encoding="utf-8")
    containerfile, requirements = built(tmp_path, definition)
    assert 'ARG EE_BASE_IMAGE="quay.io/centos/centos:stream9"' in containerfile, (
        "the build takes another with --build-arg"
    )
    assert "FROM $EE_BASE_IMAGE AS base" in containerfile
    assert "ansible-core>=2.16.0 ansible-runner>=2.4.0" in containerfile
    assert requirements == {"collections": [{"name": "secops.itsm"}]}
    supported = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    assert yaml.safe_load(definition)["dependencies"]["ansible_core"]["package_pip"] == f"ansible-core{supported}"


def test_from_a_tarball(tmp_path):
    """Goes on as the build would, up to what has to be installed for the collection."""
    run(ROOT, "ansible-galaxy", "collection", "build", "--output-path", str(tmp_path))
    (tarball,) = tmp_path.glob("secops-itsm-*.tar.gz")
    tarball.rename(tmp_path / "secops-itsm.tar.gz")
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
    # The modules say themselves what they miss if one of these is not there; so these are all that they need.
    floor = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8")
    assert [line for line in floor.splitlines() if line and not line.startswith("#")] == NEEDED


@pytest.mark.parametrize("number", [0, 1])
def test_definitions_of_the_page(number):
    """That they are of version 3; the first one is built above."""
    definition = yaml.safe_load(shown_definitions()[number])
    assert definition["version"] == 3
    shipped = yaml.safe_load((ROOT / "execution-environment.yml").read_text(encoding="utf-8"))
    for part in ("images", "options"):
        assert definition.get(part, shipped[part]) == shipped[part]
