# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs C(ansible-test integration), each target twice: as ordinary modules, and in the controller's own process.

Both must pass, and what the modules returned must be the same. Each run has a copy of the collection and a sandbox of
its own. Some of the time goes into waiting, so one more of them than there are cores go side by side. ansible-test
hands no environment on to its tests, so whatever they need to know goes into integration_config.yml.

ansible-test creates an SSH key in HOME unless there is one, and fails if another run creates it at the same time. Each
thread therefore has its own HOME, which its runs use one after the other.

Which way a module took is not believed but counted: the local connection starts its processes by a shell that notes
each start. There is one for each ordinary run of a module, and none at all in the controller's process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, Iterator, Mapping, Sequence

import yaml

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE
from ansible_collections.secops.itsm.tests.tools import golden

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "integration" / "targets"
STREAMS = (os.cpu_count() or 1) + 1
ANSIBLE_TEST = Path(sys.executable).parent / "ansible-test"

#: The ways, and the value of the variable secops_itsm_in_process that each is.
MODULES, IN_PROCESS = "as modules", "in process"
WAYS = {MODULES: False, IN_PROCESS: True}

#: How many cases of a kind are run in each way. What is below the shell is the same in both, and tested in full in the
#: quick one; what the shells do with it is compared for the first case of every kind.
MOST_CASES = {MODULES: 1, IN_PROCESS: 1000}

#: A shell that notes each of its starts.
NOTING_SHELL = """#!/bin/sh
echo >> '{starts}'
exec /bin/sh "$@"
"""

#: What two runs cannot have in common, and all else counts: the sandbox's address, and what it draws. Two of a kind
#: that are not the same stay so.
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DRAWN: Mapping[str, re.Pattern[str]] = {
    "address": re.compile(r"http://127\.0\.0\.1:\d+"),
    "request": re.compile(rf"0H[0-9A-F]{{11}}:00000001|req-{UUID}-1"),
    "id": re.compile(UUID),  # of a comment, of a ticket, of a ticket's state (etag)
    "time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
}
#: Keys that ansible-core 2.19 gives failures of modules, and those of action plugins not.
OF_THE_SHELL = frozenset({"failed_when_suppressed_exception"})

#: What the sandbox begins with is not drawn.
SEED = SEED_FILE.read_text(encoding="utf-8")

#: How many differences of a target are shown.
MOST_SHOWN = 20


@dataclass(frozen=True)
class Run:
    """A target's run in one of the ways, once it ended.

    :param code: the exit code.
    :param output: what was printed.
    :param seconds: how long it took.
    :param records: what the modules returned, in their order.
    :param began: when it did, as the sandbox writes times.
    """

    code: int
    output: str
    seconds: float
    records: Sequence[Mapping[str, Any]]
    began: str

    def outcomes(self) -> Iterator[Any]:
        """What the modules returned, with names for what another run cannot have in common."""
        for record in self.records:
            yield without_drawn(without(record["outcome"], {*record["chance"], *OF_THE_SHELL}), self.began, {})


class Runs:
    """The runs under way, so that all of them end when this one does.

    :param options: further words for ansible-test.
    """

    def __init__(self, options: list[str]) -> None:
        self._options = options
        self._processes: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, target: str, way: str, folder: Path) -> Run:
        """Run a target in one of the ways.

        :param target: its name.
        :param way: of C(WAYS).
        :param folder: a new one, for the copy. The HOME of the run is next to it.
        """
        began, clock = time.monotonic(), timestamp()
        copy = folder / "ansible_collections" / "secops" / "itsm"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("output", "__pycache__", "integration_config.yml"))
        records, starts, shell = folder / "records.jsonl", folder / "starts", folder / "shell"
        shell.write_text(NOTING_SHELL.format(starts=starts), encoding="utf-8")
        shell.chmod(0o755)
        with SandboxProcess() as sandbox:
            values = {
                "sandbox_url": sandbox.url,
                "sandbox_client_id": sandbox.credentials["client_id"],
                "sandbox_client_secret": sandbox.credentials["client_secret"],
                "sandbox_ticketing": sandbox.ticketing,
                "sandbox_records": str(records),
                "sandbox_starts": str(starts),
                "secops_itsm_in_process": WAYS[way],
                "sandbox_most_cases": MOST_CASES[way],
                "ansible_shell_executable": str(shell),
            }
            config = copy / "tests" / "integration" / "integration_config.yml"
            config.write_text(yaml.safe_dump(values), encoding="utf-8")
            home = folder.parent / f"home-{threading.get_ident()}"
            home.mkdir(exist_ok=True)
            environment = {**os.environ, "PYTHONPATH": str(folder), "HOME": str(home)}
            process = self._start([str(ANSIBLE_TEST), "integration", *self._options, target], copy, environment)
            if process is None:
                return Run(1, "", 0, [], clock)
            output = process.communicate()[0]
        lines = records.read_text(encoding="utf-8").splitlines() if records.exists() else []
        found = [json.loads(line) for line in lines]
        return Run(process.returncode, output, time.monotonic() - began, found, clock)

    def _start(self, command: list[str], copy: Path, environment: dict[str, str]) -> subprocess.Popen[str] | None:
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


def wrong_ways(way: str, records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The records of modules that went another way than they were to go.

    :param way: of C(WAYS).
    :param records: of a run; each has how many processes the connection started since the one before.
    """
    for record in records:
        started, expected = record["starts"], 0 if WAYS[way] else len(record["outcome"]["results"])
        if started != expected:
            yield f"{way}, {record['name']}: {started} processes were started, and not {expected}"


def differences(ordinary: Any, here: Any, place: str = "") -> Iterator[str]:
    """What is not the same, each as one line.

    :param ordinary: what modules returned, or a part of it.
    :param here: the same, from the controller's process.
    :param place: where in the result that is.
    """
    if isinstance(ordinary, dict) and isinstance(here, dict):
        for key in sorted({*ordinary, *here}):
            if key in ordinary and key in here:
                yield from differences(ordinary[key], here[key], f"{place}.{key}")
            else:
                missing = MODULES if key in here else IN_PROCESS
                yield f"{place}.{key}: not there {missing}, otherwise {ordinary.get(key, here.get(key))!r}"
    elif isinstance(ordinary, list) and isinstance(here, list) and len(ordinary) == len(here):
        for number, (one, other) in enumerate(zip(ordinary, here)):
            yield from differences(one, other, f"{place}[{number}]")
    elif type(ordinary) is not type(here) or ordinary != here:
        yield f"{place}: {ordinary!r} {MODULES}, {here!r} {IN_PROCESS}"


def without(value: Any, keys: Collection[str]) -> Any:
    """A result without some keys, wherever they are.

    :param value: anything that JSON can carry.
    :param keys: those that may be others in each run, as the test says (C(chance)).
    """
    if isinstance(value, dict):
        return {key: without(entry, keys) for key, entry in value.items() if key not in keys}
    return [without(entry, keys) for entry in value] if isinstance(value, list) else value


def without_drawn(value: Any, began: str, names: dict[str, str]) -> Any:
    """A result with names for what two runs cannot have in common.

    :param value: anything that JSON can carry.
    :param began: the time at which the run began, as the sandbox writes it.
    :param names: by what was drawn; those that are given are added.
    """
    if isinstance(value, dict):
        return {key: without_drawn(entry, began, names) for key, entry in value.items()}
    if isinstance(value, list):
        return [without_drawn(entry, began, names) for entry in value]
    if not isinstance(value, str):
        return value

    def named(kind: str, drawn: str) -> str:
        if kind == "time":
            return "<now>" if drawn >= began else drawn
        known = sum(name.startswith(f"<{kind} ") for name in names.values())
        return drawn if drawn in SEED else names.setdefault(drawn, f"<{kind} {known + 1}>")

    for kind, pattern in DRAWN.items():
        for drawn in dict.fromkeys(pattern.findall(value)):
            value = value.replace(drawn, named(kind, drawn))
    return value


def compared(ordinary: Run, here: Run) -> Iterator[str]:
    """What is not as it should be with the records of a target, each as one line.

    :param ordinary: the run as modules.
    :param here: the run in the controller's process.
    """
    yield from wrong_ways(MODULES, ordinary.records)
    yield from wrong_ways(IN_PROCESS, here.records)
    if not ordinary.records:
        yield "nothing was recorded"
    # Those that were run as modules are some of the others, in the same order.
    others = zip([record["name"] for record in here.records], here.outcomes())
    for record, one in zip(ordinary.records, ordinary.outcomes()):
        found = [other for name, other in others_until(record["name"], others) if name == record["name"]]
        if not found:
            yield f"{record['name']}: not run {IN_PROCESS}"
            return
        yield from (f"{record['name']}: {line}" for line in differences(one, found[0]))


def others_until(name: str, others: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Those up to the next one of a name, which are taken from the others.

    :param name: of a run.
    :param others: names and outcomes.
    """
    for each in others:
        yield each
        if each[0] == name:
            return


def report(target: str, runs: Mapping[str, Run]) -> bool:
    """Print how a target went, and tell whether it went well.

    :param target: its name.
    :param runs: by way.
    """
    failed = [way for way, run in runs.items() if run.code]
    wrong = [] if failed else list(compared(runs[MODULES], runs[IN_PROCESS]))
    if not failed:
        results = [without(record["outcome"], record["chance"]) for record in runs[IN_PROCESS].records]
        wrong += golden.compare(f"integration_{target}", results)
    times = ", ".join(f"{way} {run.seconds:.0f} s" for way, run in runs.items())
    count = sum(len(record["outcome"]["results"]) for record in runs[MODULES].records)
    print(f"{'FAILED' if failed or wrong else 'ok    '} {target} ({times}, {count} results compared)", flush=True)
    for way in failed:
        print(f"{way}:\n{runs[way].output}", flush=True)
    for line in wrong[:MOST_SHOWN]:
        print(f"  {line}", flush=True)
    if len(wrong) > MOST_SHOWN:
        print(f"  and {len(wrong) - MOST_SHOWN} more differences", flush=True)
    return not failed and not wrong


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
    with tempfile.TemporaryDirectory(prefix="integration-") as folder, ThreadPoolExecutor(STREAMS) as pool:

        def begin(target: str, number: int) -> dict[str, Any]:
            places = {way: Path(folder) / f"{number}{'p' if WAYS[way] else 'm'}" for way in WAYS}
            return {way: pool.submit(runs.run, target, way, place) for way, place in places.items()}

        try:
            begun = {target: begin(target, number) for number, target in enumerate(targets)}
            went_well = [
                report(target, {way: future.result() for way, future in futures.items()})
                for target, futures in begun.items()
            ]
        except BaseException:
            runs.stop()
            raise
    return 0 if all(went_well) else 1


if __name__ == "__main__":
    # So that the sandboxes are stopped, too, when the tests are.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
