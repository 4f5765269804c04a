# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo, which the README shows first, works, whatever the user of the machine has set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "tools" / "demo.py"


def test_demo():
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
    assert "0 in the rehearsal, 8 in the first run, 0 in the second" in done.stdout
