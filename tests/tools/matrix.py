# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run sanity, unit, integration and functional tests on each supported ansible-core in a virtual environment.

``make matrix`` stages the collection first; CORES selects versions of ansible-core.
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

import yaml

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
#: The copy of the collection by stage.py.
STAGE = CACHE / "ansible_collections" / "secops" / "itsm"

#: Supported versions of ansible-core, with the tested release and its Python versions, the preferred one first.
CORES: dict[str, tuple[str, tuple[str, ...]]] = {
    "2.16": ("2.16.19", ("3.10", "3.11", "3.12")),
    "2.18": ("2.18.19", ("3.11", "3.12", "3.13")),
    "2.19": ("2.19.14", ("3.12", "3.11", "3.13")),
    "2.20": ("2.20.10", ("3.13", "3.12", "3.14")),
    "2.21": ("2.21.5", ("3.13", "3.14", "3.12")),
}
#: The version for the tests with the lowest versions of the libraries.
FLOOR = "2.16"
#: Functional tests that do not depend on the version of ansible-core, so that "make test" is enough for them: those of
#: the sandbox, the event sources, the benchmark, the documentation's examples, the installation, interruptions, and
#: what is planned in Python before any task, such as the values of customers.
ONE_CORE = (
    "sandbox*",
    "webhook_source",
    "poll_source",
    "benchmark",
    "docs",
    "docs_site",
    "demo",
    "readme",
    "ci_examples",
    "new_user",
    "crash_recovery",
    "customers",
    "own_ticket_system",
)
REQUIREMENTS = ROOT / "tests" / "requirements"
LOGS = CACHE / "matrix" / "logs"


@dataclass
class Step:
    """The outcome of a step on one version of ansible-core."""

    core: str
    name: str
    passed: bool
    seconds: float


def pythons() -> dict[str, Path]:
    """Return the Python interpreters on PATH and of pyenv by version."""
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
    """Run a step with its output in a log file, print the log if it fails, and return the outcome.

    :param core: the version of ansible-core.
    :param name: the name of the step.
    :param command: the command with its arguments.
    :param environment: the environment variables.
    :param cwd: the working directory.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{core}-{name}.log"
    print(f"{core}: {name} ... ", end="", flush=True)
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as handle:
        done = subprocess.run(command, cwd=cwd, env=environment, stdout=handle, stderr=subprocess.STDOUT, check=False)
    step = Step(core, name, done.returncode == 0, time.monotonic() - started)
    print(f"{'passed' if step.passed else 'FAILED'} ({step.seconds:.0f} s){_count(log)}", flush=True)
    if not step.passed:
        print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-80:]), flush=True)
    return step


def _count(log: Path) -> str:
    counts = re.findall(r"^=*\s*(\d+) passed", log.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return f", {sum(map(int, counts))} tests" if counts else ""


def make_venv(core: str, python: Path, venv: Path) -> Step:
    """Create a virtual environment unless a complete one exists, and return the outcome.

    :param core: the version of ansible-core, for the report.
    :param python: the Python interpreter.
    :param venv: the directory.
    """
    command = [str(python), "-m", "venv", *([] if (venv / "bin" / "pip").exists() else ["--clear"]), str(venv)]
    return run(core, "venv", command, dict(os.environ), ROOT)


def test_core(core: str, python: Path, available: dict[str, Path]) -> list[Step]:
    """Run all steps on one version of ansible-core and return their outcomes.

    :param core: the version of ansible-core.
    :param python: the Python interpreter.
    :param available: all interpreters, which the sanity tests use to import modules.
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
    galaxy = [inner, str(bin_folder / "ansible-galaxy"), "collection"]
    # The functional tests run against the collection as installed from its tarball.
    build, installed = CACHE / "matrix" / "build", CACHE / "matrix" / f"installed-{core}"
    tarball = (
        build / f"secops-itsm-{yaml.safe_load((ROOT / 'galaxy.yml').read_text(encoding='utf-8'))['version']}.tar.gz"
    )
    pytest = [inner, "-m", "pytest", "-q"]
    steps = {
        "bootstrap": [inner, str(ROOT / "tests" / "tools" / "bootstrap_pip.py")],
        "sanity": [*ansible_test, "sanity", "--color", "no"],
        "units": [*ansible_test, "units", "--color", "no", "--requirements", "--python", _version(python)],
        "integration": [inner, "tests/tools/integration.py", "--color", "no"],
        "build": [*galaxy, "build", "--force", "--output-path", str(build)],
        "collection": [*galaxy, "install", "--force", "--no-deps", "-p", str(installed), str(tarball)],
        "functional": [*pytest, "-n", "3", "--dist", "worksteal", *map(ignored, ONE_CORE), "tests/functional"],
    }
    done = [install]
    for name, command in steps.items():
        root = installed if name == "functional" else CACHE
        place = root / "ansible_collections" / "secops" / "itsm"
        variables = {**environment, "PYTHONPATH": str(root), "SECOPS_ITSM_TARBALL": str(tarball)}
        done.append(run(core, name, command, variables, place))
    return done


def test_floor(python: Path) -> list[Step]:
    """Run the unit tests with the lowest supported versions of the libraries, and return the outcomes.

    :param python: the Python interpreter.
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


def ignored(name: str) -> str:
    """Return the argument with which pytest ignores a file.

    :param name: the name of the file without ``test_`` and ``.py``, with wildcards.
    """
    return f"--ignore-glob=*/test_{name}.py"


def _version(python: Path) -> str:
    return python.name.removeprefix("python")


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def _runtime_requirements() -> list[str]:
    return [line for line in _lines(REQUIREMENTS / "runtime.txt") if not line.startswith("ansible-core")]


def main(cores: list[str]) -> int:
    """Run the matrix and return the exit code.

    :param cores: versions of ansible-core; empty for all.
    """
    unknown = set(cores) - set(CORES)
    if unknown:
        print(f"matrix: unknown version of ansible-core: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    available = pythons()
    print(f"Pythons found: {', '.join(sorted(available, key=lambda text: int(text[2:])))}")
    shutil.rmtree(LOGS, ignore_errors=True)
    steps: list[Step] = []
    skipped = []
    for core in cores or list(CORES):
        version = next((entry for entry in CORES[core][1] if entry in available), None)
        if version is None:
            skipped.append(f"ansible-core {core} was not tested: none of Python {', '.join(CORES[core][1])} was found")
            continue
        print(f"{core}: ansible-core {CORES[core][0]} on Python {version}", flush=True)
        steps += test_core(core, available[version], available)
        if core == FLOOR:
            steps += test_floor(available[version])
    failed = [f"{step.core} {step.name}" for step in steps if not step.passed]
    for line in skipped:
        print(line)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    print(f"Matrix: {len(steps) - len(failed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not steps else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
