# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the benchmark: C(python -m ansible_collections.secops.itsm.tests.benchmark --output FOLDER).

It fails if a way to close incidents did not close exactly those that it should, or sent other requests than it should.
It never fails for being slow.
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
    runbook_incidents=2,
    runbook_rounds=1,
)
LICENSE = """SPDX-FileCopyrightText: 2026 secops.itsm contributors

SPDX-License-Identifier: GPL-3.0-or-later
"""

#: What a round is for, which variant runs, over how many incidents, at which latency, and how to run it.
Step = tuple[str, Variant, int, float, Callable[[], Run]]


def steps(plan: Plan, bench: Bench) -> Iterator[Step]:
    """Everything that is to be run, in an order that spreads whatever else the machine does over all variants.

    :param plan: what is measured.
    :param bench: runs it.
    """
    for latency in plan.latencies:
        for number in range(plan.quick_rounds):
            yield RIVALS, EMPTY, 0, latency, bench.start
            for variant in VARIANTS:
                if number < plan.rounds(variant):
                    yield RIVALS, variant, plan.number, latency, _closing(bench, variant, plan.number, latency)
    for variant in VARIANTS:
        yield AGAIN, variant, plan.repeated, 0.0, _closed_already(bench, variant, plan.repeated)
    for _round in range(plan.size_rounds):
        for size in plan.sizes:
            for variant in (LIST, SCRIPT):
                yield SIZES, variant, size, 0.0, _closing(bench, variant, size, 0.0)


def _closing(bench: Bench, variant: Variant, number: int, latency: float) -> Callable[[], Run]:
    return lambda: bench.close(variant, number, latency)


def _closed_already(bench: Bench, variant: Variant, number: int) -> Callable[[], Run]:
    def run() -> Run:
        # The quickest way to have them closed; what closed them is nothing to the way that looks at them now.
        bench.close(SCRIPT, number)
        return bench.again(variant, number)

    return run


def measured(plan: Plan) -> Results:
    """Run everything.

    :param plan: what is measured.
    :raises WrongRunError: if a variant did not do exactly its work.
    """
    rounds = []
    with SandboxProcess() as sandbox, tempfile.TemporaryDirectory() as folder:
        bench = Bench(sandbox, Path(folder))
        bench.start()  # for what Python compiles once
        everything = list(steps(plan, bench))
        begun = time.monotonic()
        for count, (purpose, variant, number, latency, run) in enumerate(everything, 1):
            what = f"{variant.label}, {number} incidents{', closed already' if purpose == AGAIN else ''}"
            print(
                f"{time.monotonic() - begun:5.0f} s  {count}/{len(everything)}  {what}, {latency * 1000:.0f} ms", end=""
            )
            sys.stdout.flush()
            done = run()
            print(f": {done.tasks:.2f} s, {done.wall:.2f} s in all", flush=True)
            rounds.append(Round(purpose, variant.key, number, latency, done))
        print("imports", flush=True)
        imports = measured_imports(plan.import_rounds)
        print("workspaces", flush=True)
        comparisons = [measured_isolation(plan.home_incidents, plan.home_rounds)]
        print("secrets", flush=True)
        comparisons.append(measured_redaction(plan.sizes[-1], plan.import_rounds))
        print("runbooks", flush=True)
        comparisons.append(measured_runbooks(plan.runbook_incidents, plan.runbook_rounds))
        return Results(plan, rounds, imports, described(), comparisons)


def write(results: Results, folder: Path, with_plot: bool) -> None:
    """Write the document, its picture and the measurements.

    :param results: what was measured.
    :param folder: where.
    :param with_plot: whether to draw the picture, which takes matplotlib.
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
    """Measure, and write.

    :param argv: the words after the program's name.
    """
    parser = argparse.ArgumentParser(prog="benchmark", description="What closing many incidents costs.")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for benchmark.md, its picture and the figures"
    )
    parser.add_argument("--quick", action="store_true", help="a few incidents, once, to see that everything works")
    parser.add_argument("--without-plot", action="store_true", help="draw no picture; the rest needs no matplotlib")
    parser.add_argument("--again", type=Path, help="measure nothing; write anew what this benchmark.json says")
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
    # So that the sandbox is stopped, too, when the benchmark is.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
