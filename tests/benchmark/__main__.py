# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the benchmark: ``python -m ansible_collections.secops.itsm.tests.benchmark --output FOLDER``.

It fails if a variant did not close exactly the expected incidents, or sent other requests than expected.
It does not fail for slow runs.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Iterator

from ansible_collections.secops.itsm.tests.benchmark.imports import measured_imports
from ansible_collections.secops.itsm.tests.benchmark.isolation import measured_isolation
from ansible_collections.secops.itsm.tests.benchmark.machine import described
from ansible_collections.secops.itsm.tests.benchmark.measure import Bench, Run, WrongRunError
from ansible_collections.secops.itsm.tests.benchmark.redaction import measured_redaction
from ansible_collections.secops.itsm.tests.benchmark.report import document
from ansible_collections.secops.itsm.tests.benchmark.results import AGAIN, RIVALS, SIZES, Plan, Results, Round
from ansible_collections.secops.itsm.tests.benchmark.runbooks import measured_runbooks
from ansible_collections.secops.itsm.tests.benchmark.variants import EMPTY, LIST, SCRIPT, VARIANTS, Variant
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

WHOLE = Plan(
    number=100,
    latencies=(0.0, 0.05),
    slow_rounds=2,
    quick_rounds=5,
    repeated=10,
    sizes=(100, 1_000, 10_000),
    size_rounds=2,
    import_rounds=9,
    home_incidents=30,
    home_rounds=5,
    home_retry_timeout=5,
    runbook_incidents=300,
    runbook_rounds=2,
)
QUICK = Plan(
    number=1,
    latencies=(0.0,),
    slow_rounds=1,
    quick_rounds=1,
    repeated=1,
    sizes=(1, 2),
    size_rounds=1,
    import_rounds=1,
    home_incidents=1,
    home_rounds=1,
    home_retry_timeout=1,
    runbook_incidents=2,
    runbook_rounds=1,
)
LICENSE = """SPDX-FileCopyrightText: 2026 secops.itsm contributors

SPDX-License-Identifier: GPL-3.0-or-later
"""

#: The purpose, variant, number of incidents, latency in seconds, and function of a run.
Step = tuple[str, Variant, int, float, Callable[[], Run]]


def steps(plan: Plan, bench: Bench) -> Iterator[Step]:
    """Return all runs. The variants alternate, so that other load of the machine affects all of them.

    :param plan: the numbers of incidents and rounds.
    :param bench: runs the variants.
    """
    for latency in plan.latencies:
        for number in range(plan.quick_rounds):
            yield RIVALS, EMPTY, 0, latency, bench.start
            for variant in VARIANTS:
                if number < plan.rounds(variant):
                    yield RIVALS, variant, plan.number, latency, _closing(bench, variant, plan.number, latency)
    for variant in VARIANTS:
        yield AGAIN, variant, plan.repeated, 0.0, _closed_already(bench, variant, plan.repeated, variant is VARIANTS[0])
    for _round in range(plan.size_rounds):
        for size in plan.sizes:
            for variant in (LIST, SCRIPT):
                yield SIZES, variant, size, 0.0, _closing(bench, variant, size, 0.0)


def _closing(bench: Bench, variant: Variant, number: int, latency: float) -> Callable[[], Run]:
    return lambda: bench.close(variant, number, latency)


def _closed_already(bench: Bench, variant: Variant, number: int, is_first: bool) -> Callable[[], Run]:
    def run() -> Run:
        # The fastest variant closes them for all; the measured variants only read them.
        if is_first:
            bench.close(SCRIPT, number)
        return bench.again(variant, number)

    return run


def measured(plan: Plan) -> Results:
    """Run all measurements, and return their results.

    :param plan: the numbers of incidents and rounds.
    :raises WrongRunError: if a variant did not do exactly its work.
    """
    rounds = []
    with SandboxProcess() as sandbox, tempfile.TemporaryDirectory() as folder:
        bench = Bench(sandbox, Path(folder))
        if plan.quick_rounds > 1:
            bench.start()  # Python compiles its modules once
        runs = list(steps(plan, bench))
        started = time.monotonic()
        for count, (purpose, variant, number, latency, run) in enumerate(runs, 1):
            what = f"{variant.label}, {number} incidents{', already closed' if purpose == AGAIN else ''}"
            print(f"{time.monotonic() - started:5.0f} s  {count}/{len(runs)}  {what}, {latency * 1000:.0f} ms", end="")
            sys.stdout.flush()
            done = run()
            print(f": {done.tasks:.2f} s, {done.wall:.2f} s in total", flush=True)
            rounds.append(Round(purpose, variant.key, number, latency, done))
        print("imports", flush=True)
        imports = measured_imports(plan.import_rounds)
        print("workspaces", flush=True)
        comparisons = [measured_isolation(plan.home_incidents, plan.home_rounds, plan.home_retry_timeout)]
        print("secrets", flush=True)
        comparisons.append(measured_redaction(plan.sizes[-1], plan.import_rounds))
        print("runbooks", flush=True)
        comparisons.append(measured_runbooks(plan.runbook_incidents, plan.runbook_rounds))
        return Results(plan, rounds, imports, described(), comparisons)


def write(results: Results, folder: Path, with_plot: bool) -> None:
    """Write the report, its figure and the measurements.

    :param results: the measurements.
    :param folder: the directory.
    :param with_plot: whether to draw the figure, which needs matplotlib.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.md").write_text(document(results), encoding="utf-8")
    (folder / "benchmark.json").write_text(results.as_json(), encoding="utf-8")
    (folder / "benchmark.json.license").write_text(LICENSE, encoding="utf-8")
    if with_plot:
        from ansible_collections.secops.itsm.tests.benchmark.plot import draw

        draw(results, folder / "benchmark.png")
        (folder / "benchmark.png.license").write_text(LICENSE, encoding="utf-8")


def main(argv: list[str]) -> int:
    """Run the benchmark, write its report, and return the exit code.

    :param argv: the command-line arguments.
    """
    parser = argparse.ArgumentParser(prog="benchmark", description="Measure the cost of closing many incidents.")
    parser.add_argument(
        "--output", type=Path, required=True, help="directory for benchmark.md, its figure and the measurements"
    )
    parser.add_argument("--quick", action="store_true", help="run everything once with a few incidents")
    parser.add_argument("--without-plot", action="store_true", help="draw no figure, which needs matplotlib")
    parser.add_argument("--again", type=Path, help="write the report of this benchmark.json without measuring")
    options = parser.parse_args(argv)
    try:
        if options.again:
            results = Results.from_json(options.again.read_text(encoding="utf-8"))
        else:
            results = measured(QUICK if options.quick else WHOLE)
    except WrongRunError as error:
        print(f"\nbenchmark: {error}", file=sys.stderr)
        return 1
    write(results, options.output, not options.without_plot)
    print(f"written to {options.output}")
    return 0


if __name__ == "__main__":
    # Stop the sandbox, too.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
