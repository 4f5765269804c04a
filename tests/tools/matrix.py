# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix: sanity, unit, integration and functional tests on each supported ansible-core, with a Python of its own.

Run by C(make matrix), which stages the collection first; CORES names some of them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
#: The copy of the collection that stage.py made.
STAGE = CACHE / "ansible_collections" / "secops" / "itsm"

#: Each supported ansible-core: the release that is tested, and the Pythons that it runs on, the preferred one first.
CORES: dict[str, tuple[str, tuple[str, ...]]] = {
    "2.16": ("2.16.19", ("3.10", "3.11", "3.12")),
    "2.18": ("2.18.19", ("3.11", "3.12", "3.13")),
    "2.19": ("2.19.14", ("3.12", "3.11", "3.13")),
    "2.20": ("2.20.10", ("3.13", "3.12", "3.14")),
    "2.21": ("2.21.5", ("3.13", "3.14", "3.12")),
}
#: The core that the lowest versions of the libraries are tested with.
FLOOR = "2.16"
REQUIREMENTS = ROOT / "tests" / "requirements"
LOGS = CACHE / "matrix" / "logs"


@dataclass
class Step:
    """One step on one core, and how it ended."""

    core: str
    name: str
    passed: bool
    seconds: float


def pythons() -> dict[str, Path]:
    """The Pythons on this machine by version: on PATH, and those that pyenv keeps beside it."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if "shims" not in folder]
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    folders += sorted(root.glob("versions/*/bin"), reverse=True)
    found: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob("python3.*") if folder.is_dir() else ():
            version = re.fullmatch(r"python(3\.\d+)", path.name)
            if version and os.access(path, os.X_OK):
                found.setdefault(version.group(1), path)
    return found


def run(core: str, name: str, command: list[str], environment: dict[str, str], cwd: Path) -> Step:
    """Run one step, its output into a log file, which is shown if it fails.

    :param core: the ansible-core.
    :param name: what the step is called.
    :param command: what is run.
    :param environment: with which variables.
    :param cwd: and where.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{core}-{name}.log"
    print(f"{core}: {name} ... ", end="", flush=True)
    begin = time.monotonic()
    with log.open("w", encoding="utf-8") as handle:
        done = subprocess.run(command, cwd=cwd, env=environment, stdout=handle, stderr=subprocess.STDOUT, check=False)
    step = Step(core, name, done.returncode == 0, time.monotonic() - begin)
    print(f"{'passed' if step.passed else 'FAILED'} ({step.seconds:.0f} s){_count(log)}", flush=True)
    if not step.passed:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-80:]), flush=True)
    return step


def _count(log: Path) -> str:
    counts = re.findall(r"^=*\s*(\d+) passed", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return f", {sum(map(int, counts))} tests" if counts else ""


def make_venv(core: str, python: Path, venv: Path) -> Step:
    """A virtual environment, made anew unless a whole one is there.

    :param core: the ansible-core, for the report.
    :param python: the Python to make it with.
    :param venv: its folder.
    """
    command = [str(python), "-m", "venv", *([] if (venv / "bin" / "pip").exists() else ["--clear"]), str(venv)]
    return run(core, "venv", command, dict(os.environ), ROOT)


def test_core(core: str, python: Path, available: dict[str, Path]) -> list[Step]:
    """All steps on one core.

    :param core: the ansible-core.
    :param python: the Python to run it with.
    :param available: all Pythons, which the sanity tests import modules with.
    """
    release, _versions = CORES[core]
    venv = CACHE / "matrix" / f"{core}-{python.name}"
    bin_folder = venv / "bin"
    path = os.pathsep.join([str(bin_folder), *(str(entry.parent) for entry in available.values()), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(CACHE), "VIRTUAL_ENV": str(venv)}
    files = [word for name in ("events.txt", "tests.txt") for word in ("-r", str(REQUIREMENTS / name))]
    wanted = [f"ansible-core=={release}", *_runtime_requirements(), *files]
    inner = str(bin_folder / "python")
    made = make_venv(core, python, venv)
    if not made.passed:
        return [made]
    install = run(core, "install", [inner, "-m", "pip", "install", "-qq", *wanted], environment, ROOT)
    if not install.passed:
        return [install]
    ansible_test = [inner, str(bin_folder / "ansible-test")]
    pytest = [inner, "-m", "pytest", "-q"]
    steps = {
        "bootstrap": [inner, str(ROOT / "tests" / "tools" / "bootstrap_pip.py")],
        "sanity": [*ansible_test, "sanity", "--color", "no"],
        "units": [*ansible_test, "units", "--color", "no", "--requirements", "--python", _version(python)],
        "integration": [inner, "tests/tools/integration.py", "--color", "no"],
        # The tests of the sandbox alone start nothing of ansible-core.
        "functional": [*pytest, "-n", "3", "--dist", "worksteal", "--ignore-glob=*/test_sandbox_*", "tests/functional"],
    }
    return [install, *(run(core, name, command, environment, STAGE) for name, command in steps.items())]


def test_floor(python: Path) -> list[Step]:
    """The unit tests with the lowest versions of the libraries that the collection says it works with.

    :param python: the Python to run them with.
    """
    venv = CACHE / "matrix" / f"floor-{python.name}"
    inner = str(venv / "bin" / "python")
    environment = {**os.environ, "PYTHONPATH": str(CACHE)}
    ranges = _lines(ROOT / "meta" / "ee-requirements.txt")
    tests = [line for line in _lines(REQUIREMENTS / "runtime.txt") if line.startswith("PyYAML")]
    made = make_venv("floor", python, venv)
    if not made.passed:
        return [made]
    wanted = [line.replace(">=", "==") for line in ranges] + [f"ansible-core=={CORES[FLOOR][0]}", *tests]
    command = [inner, "-m", "pip", "install", "-qq", *wanted, "-r", str(REQUIREMENTS / "tests.txt")]
    install = run("floor", "install", command, environment, ROOT)
    if not install.passed:
        return [install]
    return [install, run("floor", "units", [inner, "-m", "pytest", "-q", "tests/unit/plugins"], environment, STAGE)]


def _version(python: Path) -> str:
    return python.name.removeprefix("python")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def _runtime_requirements() -> list[str]:
    return [line for line in _lines(REQUIREMENTS / "runtime.txt") if not line.startswith("ansible-core")]


def main(cores: list[str]) -> int:
    """Run the matrix.

    :param cores: which ansible-cores; all when empty.
    """
    unknown = set(cores) - set(CORES)
    if unknown:
        print(f"matrix: no such ansible-core here: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    available = pythons()
    print(f"Pythons found: {', '.join(sorted(available, key=lambda text: int(text[2:])))}")
    shutil.rmtree(LOGS, ignore_errors=True)
    steps: list[Step] = []
    left_out = []
    for core in cores or list(CORES):
        version = next((entry for entry in CORES[core][1] if entry in available), None)
        if version is None:
            left_out.append(f"ansible-core {core} was not tested: none of Python {', '.join(CORES[core][1])} was found")
            continue
        print(f"{core}: ansible-core {CORES[core][0]} on Python {version}", flush=True)
        steps += test_core(core, available[version], available)
        if core == FLOOR:
            steps += test_floor(available[version])
    failed = [f"{step.core} {step.name}" for step in steps if not step.passed]
    for line in left_out:
        print(line)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    print(f"Matrix: {len(steps) - len(failed)} passed, {len(failed)} failed, {len(left_out)} skipped")
    return 1 if failed or not steps else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
