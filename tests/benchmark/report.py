# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the report: method, goals, results, conclusions and limits."""

from __future__ import annotations

import textwrap
from typing import Iterable, Sequence

from ansible_collections.secops.itsm.tests.benchmark.figures import Spread, short
from ansible_collections.secops.itsm.tests.benchmark.results import AGAIN, RIVALS, SIZES, Results
from ansible_collections.secops.itsm.tests.benchmark.variants import (
    CONCURRENCY,
    EMPTY,
    LIST,
    LOOP,
    MODULES,
    READ,
    SCRIPT,
    URI,
    VARIANTS,
    WRITE,
    Variant,
)

#: The goals of the list and the loop.
LEAST_OVER_URI, MOST_OVER_SCRIPT, MOST_GROWTH, MOST_MEMORY = 50, 1.3, 1.2, 400


def document(results: Results) -> str:
    """Return the text of ``benchmark.md``.

    :param results: the measurements.
    """
    parts = (_head, _method, _goals, _comparison, _traffic, _size, _imports, _meaning, _limits, _seconds, _machine)
    return "\n\n".join("\n".join(part(results)) for part in parts) + "\n"


def _head(results: Results) -> list[str]:
    machine = results.machine
    return [
        "# Cost of closing many incidents",
        "",
        _text(
            "`make benchmark` generates this page from its measurements; do not edit it.",
            "Speed is reported as a ratio to a reference that ran in the same hour on the same machine:",
            "the median of several rounds, with the minimum and the maximum in parentheses.",
            "Seconds depend on the machine; ratios depend on it less.",
        ),
        "",
        _text(
            f"Measured on {machine['date']} with {machine['processor']}, {machine['memory']} of memory,",
            f"{machine['system']}, Python {machine['Python']}, ansible-core {machine['ansible-core']}.",
        ),
        "",
        "![Five variants of closing incidents compared with a script, and a list by its size](benchmark.png)",
    ]


def _method(results: Results) -> list[str]:
    start = short(results.wall(EMPTY, 0.0).middle)
    return [
        "## Method",
        "",
        _text(
            f"Five variants close {results.plan.number} open incidents",
            "with a classification, a reason and a comment:",
        ),
        "",
        *_table(("", "variant", "description"), ((f"({each.key})", each.name, each.does) for each in VARIANTS)),
        "",
        _text(
            "The incidents are in the [sandbox](docsite/rst/rehearse.rst), which runs on the",
            f"same machine and delays each response by {_latencies(results)}.",
            "Its state is reset before each run.",
            "The variants alternate, so that other load of the machine affects all of them.",
            "After each run, the benchmark checks the state of the sandbox. It fails if other incidents are closed,",
            "if an incident does not have exactly one comment, or if a variant sent any other request.",
        ),
        "",
        _text(
            "*Tasks only* is the sum of the durations of the tasks, as measured by a callback plugin;",
            "for (e), it is the duration of the requests, without the start of Python and the imports.",
            "*Whole run* is the duration of the command.",
            f"Its start is the duration of an empty play in the same round, here {start} s, and for (e) everything",
            "except the requests. The imports of (a) and (c) are not subtracted.",
            "Ansible runs with its default settings.",
        ),
    ]


def _goals(results: Results) -> list[str]:
    number, sizes = results.plan.number, results.plan.sizes
    slowest = max(results.plan.latencies)
    far = f"{slowest * 1000:.0f} ms"
    over_uri = results.tasks(URI, 0.0).over(results.tasks(LOOP, 0.0))
    over_script = results.started(LIST, slowest).over(results.started(SCRIPT, slowest))
    growth = results.an_item(LIST, sizes[-1]).over(results.an_item(LIST, sizes[-2]))
    memory = results.list_memory(sizes[-1])
    closing = all(_is(results, each, RIVALS, {READ: 2, WRITE: 1}) for each in (LOOP, MODULES, LIST))
    finding = all(_is(results, each, AGAIN, {READ: 1}) for each in (LOOP, MODULES, LIST))
    connections = results.connections(LIST)
    rows = (
        (
            f"(a) at least {LEAST_OVER_URI} times as fast as (d), {number} incidents, no latency, tasks only",
            over_uri.formatted(" times"),
            _yes(over_uri.middle >= LEAST_OVER_URI),
        ),
        (
            f"(c) at most {MOST_OVER_SCRIPT} times as long as (e), {number} incidents, {far}, whole run without start",
            over_script.formatted(" times"),
            _yes(over_script.middle <= MOST_OVER_SCRIPT),
        ),
        (
            f"(c) at most {MOST_GROWTH} times as long for one of {sizes[-1]:,} incidents as for one of {sizes[-2]:,}",
            growth.formatted(" times"),
            _yes(growth.middle <= MOST_GROWTH),
        ),
        (
            f"(c) uses less than {MOST_MEMORY} MB in its worker for {sizes[-1]:,} incidents",
            memory.formatted(" MB"),
            _yes(memory.most < MOST_MEMORY),
        ),
        ("(a), (b), (c): closing an incident takes a read, a write and a read to verify", "counted", _yes(closing)),
        ("(a), (b), (c): an incident that is already closed takes one read", "counted", _yes(finding)),
        (
            f"(c) opens at most one TCP connection for each of its {CONCURRENCY} threads",
            _range(connections),
            _yes(connections.most <= CONCURRENCY),
        ),
        *((each.aim, each.ratio.formatted(" times"), _yes(each.is_reached)) for each in results.comparisons),
    )
    return ["## Goals", "", *_table(("goal", "measured", "reached"), rows)]


def _comparison(results: Results) -> list[str]:
    lines = ["## Comparison of the variants"]
    for latency in results.plan.latencies:
        rows = []
        for each in VARIANTS:
            tasks, wall = results.tasks(each, latency), results.wall(each, latency)
            rows.append(
                (
                    each.label,
                    _ratio(tasks, results.tasks(SCRIPT, latency), each, SCRIPT),
                    _ratio(results.started(each, latency), results.started(SCRIPT, latency), each, SCRIPT),
                    _ratio(results.tasks(URI, latency), tasks, each, URI),
                    _ratio(results.wall(URI, latency), wall, each, URI),
                )
            )
        head = (
            "variant",
            "relative to (e): tasks only",
            "whole run without start",
            "speed-up over (d): tasks only",
            "whole run",
        )
        title = f"### {results.plan.number} incidents, {_latency(latency)}"
        lines += ["", title, "", *_table(head, rows)]
    return lines


def _traffic(results: Results) -> list[str]:
    rows = []
    for each in VARIANTS:
        sent = results.runs(RIVALS, each)[0].requests
        again = results.runs(AGAIN, each)[0].requests
        connections = results.connections(each)
        rows.append(
            (
                each.label,
                f"{sent.get(READ, 0):,}",
                f"{sent.get(WRITE, 0):,}",
                _range(connections),
                f"{sum(again.values()) / results.plan.repeated:.0f}",
            )
        )
    head = ("variant", "reads", "writes", "TCP connections", "requests for an incident that is already closed")
    return [
        "## Requests and connections",
        "",
        _text(
            f"For {results.plan.number} incidents, as counted by the sandbox.",
            "(d) reads each incident once because it does not verify the result.",
            "All variants use HTTP Basic authentication, so none of them fetches a token.",
        ),
        "",
        *_table(head, rows),
    ]


def _size(results: Results) -> list[str]:
    sizes = results.plan.sizes
    base = results.an_item(LIST, sizes[-2]), results.an_item(SCRIPT, sizes[-2])
    rows = []
    for size in sizes:
        run_memory = Spread.of(run.main_mb for run in results.runs(SIZES, LIST, size))
        rows.append(
            (
                f"{size:,}",
                results.an_item(LIST, size).over(base[0]).formatted(),
                results.an_item(SCRIPT, size).over(base[1]).formatted(),
                results.an_item(LIST, size).over(results.an_item(SCRIPT, size)).formatted(),
                results.list_memory(size).formatted(),
                run_memory.formatted(),
            )
        )
    head = (
        "incidents",
        f"(c): time for one, relative to {sizes[-2]:,}",
        f"(e): time for one, relative to {sizes[-2]:,}",
        "(c) relative to (e)",
        "(c): worker, MB",
        "(c): ansible-playbook, MB",
    )
    return [
        "## Cost by list size",
        "",
        _text(
            "Lists of different sizes, without latency, tasks only.",
            "Memory is the peak memory of each process; shared memory counts for both.",
            "Without latency, the sandbox contributes to these durations: where (e) slows down, too, Ansible is not",
            "the cause.",
        ),
        "",
        *_table(head, rows),
    ]


def _imports(results: Results) -> list[str]:
    first = results.imports[0]
    rows = (
        (
            each.name,
            each.seconds.over(first.seconds).formatted() if each is not first else "1",
            short(each.seconds.by(0.001).middle),
            f"{each.modules:,}",
            ", ".join(each.loaded) or "none",
        )
        for each in results.imports
    )
    return [
        "## Imports",
        "",
        _text(
            "What Python imports before a task starts.",
            "(b) imports the module once for each incident; (a) and (c) import the action plugin once for each run.",
        ),
        "",
        *_table(("import", "relative to `requests`", "ms", "Python modules", "libraries among them"), rows),
    ]


def _meaning(results: Results) -> list[str]:
    slowest = max(results.plan.latencies)
    near = _times(results.tasks(URI, 0.0).over(results.tasks(LOOP, 0.0)))
    far = _times(results.tasks(URI, slowest).over(results.tasks(LOOP, slowest)))
    process = _times(results.tasks(MODULES, 0.0).over(results.tasks(LOOP, 0.0)))
    threads = _times(results.tasks(LOOP, slowest).over(results.tasks(LIST, slowest)))
    both = _times(results.tasks(URI, slowest).over(results.tasks(LIST, slowest)))
    return [
        "## Conclusions",
        "",
        _point(
            f"A loop over this collection's module is {near} as fast as a loop over `ansible.builtin.uri`,",
            f"and also verifies the result. If each response takes {slowest * 1000:.0f} ms, it is {far} as fast,",
            "because a loop waits for one response after the other.",
        ),
        _point(
            f"The loop does not start a process for each item, with which it takes {process} as long.",
            "Set `secops_itsm_in_process: false` where a process is needed.",
        ),
        _point(
            f"The list waits for {CONCURRENCY} responses at the same time. If each takes {slowest * 1000:.0f} ms,",
            f"it is {threads} as fast as the loop, and {both} as fast as the loop with `uri`.",
            "Use it for more than a few incidents.",
        ),
        _point("The list cannot become much faster, because (e) only sends these requests."),
    ]


def _limits(results: Results) -> list[str]:
    return [
        "## Limits",
        "",
        _point(
            "The speed of the real service is not known. It may limit the rate of requests,",
            "and it may respond more slowly to concurrent requests.",
        ),
        _point(
            "The network is simulated. All responses have the same delay, nothing is lost, and TLS is not used.",
            f"With TLS, new connections cost more; (b) and (d) open at least {results.plan.number} connections.",
        ),
        _point(
            "The sandbox uses the same cores as the variants;",
            "without latency, (c) and (e) may wait for it. Machines with more cores were not measured.",
        ),
        _point("Tuning options such as `pipelining` and `async` were not measured."),
        _point(
            "(d) does less than the others: it does not verify the result, does not retry,",
            "and is skipped in check mode.",
        ),
        _point("No test fails for slow runs, because a busy machine must not make a change fail."),
    ]


def _seconds(results: Results) -> list[str]:
    rows: list[Sequence[str]] = []
    for latency in results.plan.latencies:
        for each in VARIANTS:
            rounds = len(results.runs(RIVALS, each, latency=latency))
            tasks, wall = results.tasks(each, latency), results.wall(each, latency)
            rows.append((_latency(latency), each.label, tasks.formatted(), wall.formatted(), str(rounds)))
        empty = results.runs(RIVALS, EMPTY, latency=latency)
        rows.append((_latency(latency), EMPTY.label, "", results.wall(EMPTY, latency).formatted(), str(len(empty))))
    return [
        "## Seconds",
        "",
        "All rounds are in [benchmark.json](benchmark.json).",
        "",
        *_table(("latency", "variant", "tasks only, s", "whole run, s", "rounds"), rows),
    ]


def _machine(results: Results) -> list[str]:
    return ["## Machine", "", *_table(("", ""), results.machine.items())]


def _is(results: Results, variant: Variant, purpose: str, expected: dict[str, int]) -> bool:
    """Return whether each incident took these requests in every run of a variant."""
    return all(
        each.run.requests == {name: count * each.number for name, count in expected.items()}
        for each in results.rounds
        if (each.purpose, each.variant) == (purpose, variant.key)
    )


def _ratio(one: Spread, other: Spread, variant: Variant, rival: Variant) -> str:
    return "1" if variant.key == rival.key else one.over(other).formatted()


def _range(counted: Spread) -> str:
    few, many = f"{counted.least:.0f}", f"{counted.most:.0f}"
    return few if few == many else f"{few} to {many}"


def _times(ratio: Spread) -> str:
    return f"{short(ratio.middle)} times"


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"


def _latency(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds else "no latency"


def _latencies(results: Results) -> str:
    return " or ".join(f"{each * 1000:.0f}" for each in results.plan.latencies) + " ms"


def _text(*pieces: str) -> str:
    return textwrap.fill(" ".join(pieces), 120, break_long_words=False, break_on_hyphens=False)


def _point(*pieces: str) -> str:
    """Return an entry of a list."""
    return "* " + textwrap.indent(textwrap.fill(" ".join(pieces), 118, break_on_hyphens=False), "  ").lstrip()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
