# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision environment, as far as it can be made without a container engine."""

from __future__ import annotations

from typing import Any

import yaml

from ansible_collections.secops.itsm.tests.functional.test_execution_environment import ROOT, built

DEFINITION = (ROOT / "decision-environment.yml").read_text(encoding="utf-8")


def difference(path: str) -> tuple[Any, Any]:
    """What the decision environment and the execution environment say of something."""
    made, other = yaml.safe_load(DEFINITION), yaml.safe_load((ROOT / "execution-environment.yml").read_text("utf-8"))
    for key in path.split("."):
        made, other = made.get(key), other.get(key)
    return made, other


def test_it_is_an_execution_environment_with_ansible_rulebook():
    for path in ("version", "images", "options", "dependencies.python_interpreter", "dependencies.galaxy"):
        made, other = difference(path)
        assert made == other
    for path in ("dependencies.ansible_core", "dependencies.ansible_runner"):
        made, other = difference(path)
        assert made == other
    assert difference("dependencies.python") == (["ansible-rulebook>=1.1.3"], None)


def test_the_build_file(tmp_path):
    """It takes Java in, and says where it is."""
    containerfile, requirements = built(tmp_path, DEFINITION)
    build = tmp_path / "context" / "_build"
    assert (build / "requirements.txt").read_text(encoding="utf-8").split() == ["ansible-rulebook>=1.1.3"]
    assert (build / "bindep.txt").read_text(encoding="utf-8") == "java-17-openjdk-headless [platform:rpm]"
    assert requirements == {"collections": [{"name": "secops.itsm"}]}
    last = containerfile[containerfile.rindex("\nFROM ") :]
    assert "\nENV JAVA_HOME=/usr/lib/jvm/jre-17\n" in last
    assert 'ARG EE_BASE_IMAGE="quay.io/centos/centos:stream9"' in containerfile


def test_the_tests_run_a_release_that_it_allows():
    pinned = (ROOT / "tests" / "requirements" / "events.txt").read_text(encoding="utf-8")
    (release,) = [line.split("==")[1] for line in pinned.splitlines() if line.startswith("ansible-rulebook==")]
    assert tuple(map(int, release.split("."))) >= (1, 1, 3)
