# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the demo works with any settings of the user and prints what the README shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "tests" / "tools" / "demo.py"
#: The first example output in the README.
SHOWN = re.findall(r"^```text\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[
    0
]


def run_demo(*command: str) -> subprocess.CompletedProcess[str]:
    """Run the demo with unusual settings of the user.

    :param command: the arguments of Python.
    """
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "ANSIBLE_STDOUT_CALLBACK": "nonsense",
        "CONTRAFORCE_TIMEOUT": "abc",
        "SERVICENOW_TIMEOUT": "abc",
        "TICKETING_TIMEOUT": "abc",
    }
    return subprocess.run(
        [sys.executable, *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_demo_succeeds_and_prints_lines_of_readme():
    done = run_demo(str(DEMO))
    assert done.returncode == 0, done.stdout
    claims = [line[:4] for line in done.stdout.splitlines() if line.startswith(("yes", "NO"))]
    assert claims == ["yes "] * 9
    reports = [line for line in done.stdout.splitlines() if line.startswith("report: ")]
    assert len(reports) == 4
    assert set(SHOWN.splitlines()) <= {line.strip() for line in done.stdout.splitlines()}
    assert len(done.stdout.splitlines()) <= 46
    assert not re.search(r"^ *(TASK|PLAY|ok:|\[WARNING\])", done.stdout, re.MULTILINE)
    (log,) = re.findall(r"^log: (.*)$", done.stdout, re.MULTILINE)
    text = (COLLECTIONS.parent / log).read_text(encoding="utf-8")
    assert text.count("PLAY RECAP") == 5
    assert "[WARNING]" not in text


def test_demo_fails_and_prints_the_error_if_a_run_fails():
    imports = "import sys; from ansible_collections.secops.itsm.tests.tools import demo"
    code = f"{imports}; demo.RUNBOOK += 's'; sys.exit(demo.main())"
    done = run_demo("-c", code)
    assert done.returncode == 1, done.stdout
    assert done.stdout.count("secops.itsm.close_with_tickets could not be found") == 3
    assert "NO   check mode predicted changes and wrote nothing" in done.stdout
