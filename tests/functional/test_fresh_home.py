# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that ``make test`` works with a new HOME, where steps that run in parallel create what ansible-test needs."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS
from ansible_collections.secops.itsm.tests.tools import integration

ROOT = Path(__file__).resolve().parents[2]

#: Waits for another run, then creates a key as ansible-test does: it fails if the key exists.
ANSIBLE_TEST = """#!/bin/sh
cd "$(dirname "$0")"
touch "started-$$"
tries=0
until test "$(ls started-* | wc -l)" -eq 2; do
  tries=$((tries + 1))
  test $tries -lt 300 || exit 3
  sleep 0.1
done
mkdir -p "$HOME/.ansible/test" && set -C && : > "$HOME/.ansible/test/id_rsa"
"""

#: Takes the script from a file, and runs out of space while it writes it.
WRITE_HALF = """
import resource, sys
from ansible_collections.secops.itsm.tests.tools import bootstrap_pip

bootstrap_pip.URL = sys.argv[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
bootstrap_pip.provide("1.0")
"""


def executable(path: Path, text: str) -> Path:
    """Create a script and return its path."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a HOME that holds a file."""
    home = tmp_path / "machine"
    home.mkdir()
    (home / ".bashrc").write_text("bashrc", encoding="utf-8")
    return home


def test_parallel_integration_runs_create_separate_keys(tmp_path, monkeypatch, machine, sandbox_process):
    monkeypatch.setattr(integration, "SandboxProcess", lambda: nullcontext(sandbox_process))
    monkeypatch.setattr(integration, "ANSIBLE_TEST", executable(tmp_path / "ansible-test", ANSIBLE_TEST))
    monkeypatch.setenv("HOME", str(machine))
    assert integration.main([]) == 0
    assert [path.name for path in machine.iterdir()] == [".bashrc"]


@pytest.mark.parametrize("targets", [["pylint"], ["sanity", "pylint"]], ids=" ".join)
def test_pip_is_bootstrapped_once_before_ansible_test(targets):
    command = ["make", "--dry-run", "--always-make", *targets]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    steps = [line for line in done.stdout.splitlines() if "bootstrap_pip.py" in line or "ansible-test" in line]
    steps = ["bootstrap" if "bootstrap_pip.py" in line else "sanity" for line in steps if not line.startswith("echo")]
    assert steps == ["bootstrap", *["sanity"] * len(targets)]


def test_interrupted_write_leaves_no_bootstrap_script(tmp_path):
    source, cache = tmp_path / "get-pip-1.0.py", tmp_path / "home" / ".ansible" / "test" / "cache"
    source.write_text("#" * 20000, encoding="utf-8")
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": str(COLLECTIONS)}

    def provide(limit: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WRITE_HALF, source.as_uri(), str(limit)]
        return subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    failed = provide(10000)
    assert "File too large" in failed.stderr
    assert list(cache.iterdir()) == []
    assert provide(30000).returncode == 0
    assert [(path.name, path.stat().st_size) for path in cache.iterdir()] == [("get_pip_1_0.py", 20000)]
