# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document: what was measured, how, what came of it, what it means, and what it does not say."""

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

#: What the list and the loop were built to reach.
LEAST_OVER_URI, MOST_OVER_SCRIPT, MOST_GROWTH, MOST_MEMORY = 50, 1.3, 1.2, 400


def document(results: Results) -> str:
    """C(benchmark.md).

    :param results: what was measured.
    """
    parts = (_head, _what, _reached, _against, _traffic, _size, _imports, _meaning, _limits, _seconds, _machine)
    return "\n\n".join("\n".join(part(results)) for part in parts) + "\n"


def _head(results: Results) -> list[str]:
    machine = results.machine
    return [
        "# What closing many incidents costs",
        "",
        _text(
            "`make benchmark` writes this page from what it measures; nobody edits it.",
            "Speed is told as a ratio to a named rival that ran in the same hour on the same machine:",
            "the median of several rounds, and in parentheses the least and the most that the rounds allow.",
            "On another machine the seconds are others, and the ratios too, though less.",
        ),
        "",
        _text(
            f"Measured on {machine['date']}: {machine['processor']}, {machine['memory']} of memory,",
            f"{machine['system']}, Python {machine['Python']}, ansible-core {machine['ansible-core']}.",
        ),
        "",
        "![Closing incidents in five ways, against a plain script; a list by its size](benchmark.png)",
    ]


def _what(results: Results) -> list[str]:
    start = short(results.wall(EMPTY, 0.0).middle)
    return [
        "## What was measured",
        "",
        _text(
            f"One job: {results.plan.number} open incidents are to be closed,",
            "with a classification, a reason and a comment. Five ways:",
        ),
        "",
        *_table(("", "way", "what it does"), ((f"({each.key})", each.name, each.does) for each in VARIANTS)),
        "",
        _text(
            "The incidents are those of the [sandbox](../README.md#rehearse-on-the-sandbox), which runs on the",
            f"same machine, holds as many as are asked for, and delays each answer by {_latencies(results)}.",
            "It begins anew for each run.",
            "The ways take turns, so that whatever else the machine does hits all of them.",
            "After each run the benchmark looks at the sandbox, and fails if not exactly those incidents are closed,",
            "each with its comment, once, or if a way sent any other request than it should.",
        ),
        "",
        _text(
            "*Tasks alone* is the sum of the times of a way's tasks, each from its start to its end as a callback",
            "plugin hears them; for (e) it is the time of its calls, without the start of Python and the imports.",
            "*Whole run* is the command from start to end.",
            f"Its start is the time of an empty play in the same round, {start} s here, and for (e) all but its calls.",
            "What (a) and (c) import is not taken off.",
            "Ansible runs with its own defaults.",
        ),
    ]


def _reached(results: Results) -> list[str]:
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
            f"(a) at least {LEAST_OVER_URI} times as fast as (d), {number} incidents, no latency, tasks alone",
            over_uri.told(" times"),
            _yes(over_uri.middle >= LEAST_OVER_URI),
        ),
        (
            f"(c) at most {MOST_OVER_SCRIPT} times as long as (e), {number} incidents, {far}, whole run less the start",
            over_script.told(" times"),
            _yes(over_script.middle <= MOST_OVER_SCRIPT),
        ),
        (
            f"(c) at most {MOST_GROWTH} times as long for one of {sizes[-1]:,} incidents as for one of {sizes[-2]:,}",
            growth.told(" times"),
            _yes(growth.middle <= MOST_GROWTH),
        ),
        (
            f"(c) needs less than {MOST_MEMORY} MB in its worker for {sizes[-1]:,} incidents",
            memory.told(" MB"),
            _yes(memory.most < MOST_MEMORY),
        ),
        ("(a), (b), (c): a closure is one read, one write, one read-back", "counted", _yes(closing)),
        ("(a), (b), (c): an incident that is closed already is one read", "counted", _yes(finding)),
        (
            f"(c) opens one TCP connection for each of its {CONCURRENCY} threads, and no more",
            _range(connections),
            _yes(connections.most <= CONCURRENCY),
        ),
        *((each.aim, each.ratio.told(" times"), _yes(each.is_reached)) for each in results.comparisons),
    )
    return ["## What was to be reached", "", *_table(("aim", "measured", "reached"), rows)]


def _against(results: Results) -> list[str]:
    lines = ["## The ways against each other"]
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
            "way",
            "as long as (e): tasks alone",
            "whole run less the start",
            "faster than (d): tasks alone",
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
    head = ("way", "reads", "writes", "TCP connections", "requests for an incident that is closed already")
    return [
        "## Requests and connections",
        "",
        _text(
            f"For {results.plan.number} incidents, as the sandbox counted them.",
            "(d) reads once because it does not look whether its write had an effect.",
            "ContraForce is called with HTTP Basic here, so no way fetches a token.",
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
                results.an_item(LIST, size).over(base[0]).told(),
                results.an_item(SCRIPT, size).over(base[1]).told(),
                results.an_item(LIST, size).over(results.an_item(SCRIPT, size)).told(),
                results.list_memory(size).told(),
                run_memory.told(),
            )
        )
    head = (
        "incidents",
        f"(c): time for one, to that of {sizes[-2]:,}",
        f"(e): time for one, to that of {sizes[-2]:,}",
        "(c) to (e)",
        "(c): worker, MB",
        "(c): ansible-playbook, MB",
    )
    return [
        "## Cost against size",
        "",
        _text(
            "One list of more and more incidents, without latency, tasks alone.",
            "Memory is the most that the kernel counted for each process; what both share counts in both.",
            "Without latency the sandbox has its part in these times: where (e) slows down, too, it is not Ansible.",
        ),
        "",
        *_table(head, rows),
    ]


def _imports(results: Results) -> list[str]:
    first = results.imports[0]
    rows = (
        (
            each.name,
            each.seconds.over(first.seconds).told() if each is not first else "1",
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
            "What a Python imports before it can do anything.",
            "(b) pays for the module once for each incident, (a) and (c) pay for the action plugin once for each run.",
        ),
        "",
        *_table(("what", "to `requests` alone", "ms", "Python modules", "libraries among them"), rows),
    ]


def _meaning(results: Results) -> list[str]:
    slowest = max(results.plan.latencies)
    near = _times(results.tasks(URI, 0.0).over(results.tasks(LOOP, 0.0)))
    far = _times(results.tasks(URI, slowest).over(results.tasks(LOOP, slowest)))
    process = _times(results.tasks(MODULES, 0.0).over(results.tasks(LOOP, 0.0)))
    threads = _times(results.tasks(LOOP, slowest).over(results.tasks(LIST, slowest)))
    both = _times(results.tasks(URI, slowest).over(results.tasks(LIST, slowest)))
    return [
        "## What it means",
        "",
        _point(
            f"A loop over this collection's module is {near} as fast as a loop over `ansible.builtin.uri`,",
            f"and reads back on top. Where each answer takes {slowest * 1000:.0f} ms it is {far}:",
            "a loop waits for one answer after the other, and no code makes that shorter.",
        ),
        _point(
            f"What the loop saves is a process for each item; with one, it takes {process} as long.",
            "`secops_itsm_in_process: false` brings it back where it is needed.",
        ),
        _point(
            f"The list waits for {CONCURRENCY} answers at a time. Where each takes {slowest * 1000:.0f} ms,",
            f"it is {threads} as fast as our loop, and {both} as fast as the loop over `uri`.",
            "It is the way for more than a few incidents.",
        ),
        _point("It cannot become much faster: (e) does nothing but these calls."),
    ]


def _limits(results: Results) -> list[str]:
    return [
        "## What it does not say",
        "",
        _point(
            "How fast the real service is. Its answers take as long as they take, it may limit the rate of requests,",
            "and it may be slower with several at a time.",
        ),
        _point(
            "What a network does. Each answer is delayed by the same time, nothing is lost, and there is no TLS,",
            f"with which a new connection costs more; (b) and (d) open at least {results.plan.number} of them.",
        ),
        _point(
            "What a machine with more cores does. The sandbox shares those of this one with what it is called by;",
            "without latency, (c) and (e) may wait for it.",
        ),
        _point("What tuning does: `pipelining`, `async` and the like were not tried."),
        _point(
            "That (d) is the same job. It does less: it does not read back, does not try again,",
            "and is skipped in check mode.",
        ),
        _point(
            "That it stays so. No test fails for being slow, because a busy machine must not make a change look wrong."
        ),
    ]


def _seconds(results: Results) -> list[str]:
    rows: list[Sequence[str]] = []
    for latency in results.plan.latencies:
        for each in VARIANTS:
            rounds = len(results.runs(RIVALS, each, latency=latency))
            tasks, wall = results.tasks(each, latency), results.wall(each, latency)
            rows.append((_latency(latency), each.label, tasks.told(), wall.told(), str(rounds)))
        empty = results.runs(RIVALS, EMPTY, latency=latency)
        rows.append((_latency(latency), EMPTY.label, "", results.wall(EMPTY, latency).told(), str(len(empty))))
    return [
        "## The seconds behind the ratios",
        "",
        "Every round is in [benchmark.json](benchmark.json).",
        "",
        *_table(("latency", "way", "tasks alone, s", "whole run, s", "rounds"), rows),
    ]


def _machine(results: Results) -> list[str]:
    return ["## The machine", "", *_table(("", ""), results.machine.items())]


def _is(results: Results, variant: Variant, purpose: str, wanted: dict[str, int]) -> bool:
    """Whether each incident took so many requests, in every run of a variant."""
    return all(
        each.run.requests == {name: count * each.number for name, count in wanted.items()}
        for each in results.rounds
        if (each.purpose, each.variant) == (purpose, variant.key)
    )


def _ratio(one: Spread, other: Spread, variant: Variant, rival: Variant) -> str:
    return "1" if variant.key == rival.key else one.over(other).told()


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
    """An entry of a list."""
    return "* " + textwrap.indent(textwrap.fill(" ".join(pieces), 118, break_on_hyphens=False), "  ").lstrip()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
