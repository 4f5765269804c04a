# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs C(ansible-test integration), each target in a copy of the collection and against a sandbox of its own.

Most of their time goes into starting Python processes one after another, and some into waiting, so one more target than
there are cores runs side by side. ansible-test hands no environment on to its tests, so the sandbox's address goes into
integration_config.yml.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "integration" / "targets"
STREAMS = (os.cpu_count() or 1) + 1
ANSIBLE_TEST = Path(sys.executable).parent / "ansible-test"


class Runs:
    """The runs under way, so that all of them end when this one does.

    :param options: further words for ansible-test.
    """

    def __init__(self, options: list[str]) -> None:
        self._options = options
        self._processes: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, target: str, folder: Path) -> tuple[str, int, str]:
        """Run one target, and give its name with the time that it took, its exit code and what it printed.

        :param target: its name.
        :param folder: an empty one, for the copy.
        """
        began = time.monotonic()
        collections = folder / "ansible_collections"
        copy = collections / "secops" / "itsm"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("output", "__pycache__", "integration_config.yml"))
        with SandboxProcess() as sandbox:
            values = {
                "sandbox_url": sandbox.url,
                "sandbox_client_id": sandbox.credentials["client_id"],
                "sandbox_client_secret": sandbox.credentials["client_secret"],
                "sandbox_ticketing": sandbox.ticketing,
            }
            config = copy / "tests" / "integration" / "integration_config.yml"
            config.write_text(yaml.safe_dump(values), encoding="utf-8")
            process = self._start([str(ANSIBLE_TEST), "integration", *self._options, target], copy, collections)
            if process is None:
                return target, 1, ""
            output = process.communicate()[0]
        return f"{target} ({time.monotonic() - began:.0f} s)", process.returncode, output

    def _start(self, command: list[str], copy: Path, collections: Path) -> subprocess.Popen[str] | None:
        environment = {**os.environ, "PYTHONPATH": str(collections.parent)}
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(
                command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            self._processes.append(process)
            return process

    def stop(self) -> None:
        """End what is under way, and start nothing more."""
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.terminate()


def targets_of(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The names of targets among the arguments, or all of them, the longest first; and the other arguments.

    :param arguments: the words after the program's name.
    """
    sizes = {
        folder.name: sum(path.stat().st_size for path in folder.rglob("*.yml"))
        for folder in TARGETS.iterdir()
        if (folder / "tasks" / "main.yml").is_file() and not folder.name.startswith("setup_")
    }
    named = [word for word in arguments if word in sizes]
    chosen = sorted(named or sizes, key=lambda name: -sizes[name])
    return chosen, [word for word in arguments if word not in sizes]


def main(arguments: list[str]) -> int:
    """Run the integration targets.

    :param arguments: names of targets, all of them without one, and further words for ansible-test.
    """
    targets, options = targets_of(arguments)
    runs = Runs(options)
    failed = []
    with tempfile.TemporaryDirectory(prefix="integration-") as folder, ThreadPoolExecutor(STREAMS) as pool:
        try:
            for target, code, output in pool.map(lambda name: runs.run(name, Path(folder) / name), targets):
                print(f"{'ok    ' if code == 0 else 'FAILED'} {target}\n{output if code else ''}", flush=True)
                failed += [target] if code else []
        except BaseException:
            runs.stop()
            raise
    return 1 if failed else 0


if __name__ == "__main__":
    # So that the sandboxes are stopped, too, when the tests are.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
