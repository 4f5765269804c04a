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

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "tests" / "tools" / "demo.py"
#: The first example output in the README.
SHOWN = re.findall(r"^```text\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[
    0
]


def test_demo_succeeds_and_prints_lines_of_readme():
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "ANSIBLE_STDOUT_CALLBACK": "nonsense",
        "CONTRAFORCE_TIMEOUT": "abc",
        "TICKETING_TIMEOUT": "abc",
    }
    done = subprocess.run(
        [sys.executable, str(DEMO)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    claims = [line[:4] for line in done.stdout.splitlines() if line.startswith(("yes", "NO"))]
    assert claims == ["yes "] * 8
    reports = [line for line in done.stdout.splitlines() if line.startswith("report: ")]
    assert len(reports) == 3
    assert set(SHOWN.splitlines()) <= {line.strip() for line in done.stdout.splitlines()}
