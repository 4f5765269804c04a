# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ``ansible-test integration`` twice at the same time: with ordinary modules, and in the controller's process.

Each run has its own copy of the collection, its own sandbox and its own HOME, because ansible-test creates an SSH key
in HOME and fails if another run creates it at the same time. ansible-test passes no environment variables to the tests,
so integration_config.yml contains what they need.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE_TEST = Path(sys.executable).parent / "ansible-test"

#: The ways to run a module, with the value of the variable secops_itsm_in_process.
MODES = {"as modules": False, "in process": True}


def run_targets(mode: str, arguments: list[str], folder: Path) -> bool:
    """Run the integration targets in one mode, print the output if they fail, and return whether they passed.

    :param mode: a key of MODES.
    :param arguments: arguments for ``ansible-test integration``.
    :param folder: an empty directory for the copy and HOME.
    """
    started = time.monotonic()
    copy, home = folder / "ansible_collections" / "secops" / "itsm", folder / "home"
    home.mkdir(parents=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("output", "__pycache__", "integration_config.yml"))
    with SandboxProcess() as sandbox:
        values = {
            "sandbox_url": sandbox.url,
            "sandbox_client_id": sandbox.credentials["client_id"],
            "sandbox_client_secret": sandbox.credentials["client_secret"],
            "sandbox_ticketing": sandbox.ticketing,
            "sandbox_servicenow": sandbox.servicenow,
            "secops_itsm_in_process": MODES[mode],
        }
        config = copy / "tests" / "integration" / "integration_config.yml"
        config.write_text(yaml.safe_dump(values), encoding="utf-8")
        done = subprocess.run(
            [str(ANSIBLE_TEST), "integration", *arguments],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(folder), "HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    passed = done.returncode == 0
    seconds = time.monotonic() - started
    print(f"{mode}: {'passed' if passed else 'FAILED'} ({seconds:.0f} s)\n{'' if passed else done.stdout}", flush=True)
    return passed


def main(arguments: list[str]) -> int:
    """Run the integration targets in every mode and return the exit code.

    :param arguments: names of targets (default: all) and further arguments for ansible-test.
    """
    with tempfile.TemporaryDirectory(prefix="integration-") as folder, ThreadPoolExecutor(len(MODES)) as pool:
        runs = [
            pool.submit(run_targets, mode, arguments, Path(folder) / str(number)) for number, mode in enumerate(MODES)
        ]
        results = [run.result() for run in runs]
    return 0 if all(results) else 1


if __name__ == "__main__":
    # Raise SystemExit, so that the sandboxes stop when the tests are terminated.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
