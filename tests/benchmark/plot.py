# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the figure of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl  # type: ignore[import-not-found,unused-ignore]  # not installed where only the code is checked

mpl.use("Agg")

from matplotlib import pyplot as plt  # type: ignore[import-not-found,unused-ignore]  # as above

from ansible_collections.secops.itsm.tests.benchmark.figures import Spread, short
from ansible_collections.secops.itsm.tests.benchmark.report import MOST_GROWTH, MOST_MEMORY
from ansible_collections.secops.itsm.tests.benchmark.results import Results
from ansible_collections.secops.itsm.tests.benchmark.variants import LIST, SCRIPT, VARIANTS

_COLOURS = ("#1b6ca8", "#e08214", "#5e8c31")
_INK, _FAINT = "#222222", "#d9d9d9"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": _INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": _FAINT,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def draw(results: Results, path: Path) -> None:
    """Draw the variants compared with each other, and the list by its size.

    :param results: the measurements.
    :param path: the PNG file.
    """
    with plt.rc_context(_STYLE):
        figure = plt.figure(figsize=(10, 8), layout="constrained")
        grid = figure.add_gridspec(2, 2, height_ratios=(1.35, 1), hspace=0.08, wspace=0.06)
        _variants(figure.add_subplot(grid[0, :]), results)
        _time_by_size(figure.add_subplot(grid[1, 0]), results)
        _memory_by_size(figure.add_subplot(grid[1, 1]), results)
        figure.savefig(path, dpi=150, metadata={"Software": None})
        plt.close(figure)


def _variants(axes: Any, results: Results) -> None:
    """Draw bars with the duration of each variant relative to the script, for each latency."""
    latencies, others = results.plan.latencies, [each for each in VARIANTS if each is not SCRIPT]
    height = 0.8 / len(latencies)
    for index, latency in enumerate(latencies):
        ratios = [results.tasks(each, latency).over(results.tasks(SCRIPT, latency)) for each in others]
        places = [row + (index - (len(latencies) - 1) / 2) * height for row in range(len(others))]
        label = f"{latency * 1000:.0f} ms for each response" if latency else "no latency"
        # On a logarithmic axis, bars start at the reference.
        lengths = [each.middle - 1 for each in ratios]
        colour, whiskers = _COLOURS[index], _whiskers(ratios)
        axes.barh(places, lengths, height * 0.92, left=1, color=colour, label=label, xerr=whiskers, **_BARS)
        for place, ratio in zip(places, ratios):
            axes.text(max(ratio.most, 1) * 1.08, place, f"{short(ratio.middle)} times", va="center", fontsize=9)
    axes.set_xscale("log")
    least, most = axes.get_xlim()
    axes.set_xlim(min(least, 0.8), most * 2.2)
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axes.axvline(1, color=_INK, linewidth=1)
    axes.set_yticks(range(len(others)), [each.label for each in others])
    axes.set_ylim(len(others) - 0.45, -0.55)
    axes.grid(axis="x")
    axes.legend(loc="upper right", frameon=True, facecolor="white", edgecolor="none", framealpha=1)
    axes.set_xlabel(f"duration relative to {SCRIPT.label}, tasks only, logarithmic, with the range of the rounds")
    axes.set_title(f"Closing {results.plan.number} incidents, compared with a script that sends the same requests")


def _time_by_size(axes: Any, results: Results) -> None:
    """Draw lines with the time for one incident, relative to that of a smaller list."""
    sizes = list(results.plan.sizes)
    for index, variant in enumerate((LIST, SCRIPT)):
        reference = results.an_item(variant, sizes[-2])
        ratios = [results.an_item(variant, size).over(reference) for size in sizes]
        shifted = [size * (1 + 0.06 * index) for size in sizes]
        middles = [each.middle for each in ratios]
        axes.errorbar(
            shifted,
            middles,
            yerr=_whiskers(ratios),
            color=_COLOURS[2 * index],
            label=variant.label,
            marker="o",
            capsize=3,
        )
    _size_axis(axes, sizes)
    axes.axhline(MOST_GROWTH, color=_INK, linewidth=0.8, linestyle="--")
    axes.text(sizes[0] * 1.4, MOST_GROWTH + 0.02, f"goal: at most {MOST_GROWTH}", fontsize=9, va="bottom")
    axes.set_ylim(0, max(MOST_GROWTH, axes.get_ylim()[1]) * 1.1)
    axes.legend(loc="lower right", frameon=False)
    axes.set_ylabel(f"relative to {sizes[-2]:,} incidents")
    axes.set_title("Time for one incident by list size")


def _memory_by_size(axes: Any, results: Results) -> None:
    """Draw bars with the peak memory of the worker."""
    sizes = list(results.plan.sizes)
    spreads = [results.list_memory(size) for size in sizes]
    middles = [each.middle for each in spreads]
    axes.bar(range(len(sizes)), middles, 0.55, color=_COLOURS[0], yerr=_whiskers(spreads), **_BARS)
    for place, spread in enumerate(spreads):
        axes.text(place, spread.most + 6, f"{spread.middle:.0f}", ha="center", fontsize=9)
    axes.axhline(MOST_MEMORY, color=_INK, linewidth=0.8, linestyle="--")
    axes.text(-0.4, MOST_MEMORY + 4, f"goal: below {MOST_MEMORY} MB", fontsize=9, va="bottom")
    axes.set_xticks(range(len(sizes)), [f"{size:,}" for size in sizes])
    axes.set_ylim(0, max(MOST_MEMORY, *middles) * 1.18)
    axes.grid(axis="y")
    axes.set_xlabel("incidents in the list")
    axes.set_ylabel("MB")
    axes.set_title("Peak memory of the worker of (c)")


def _size_axis(axes: Any, sizes: list[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlim(sizes[0] * 0.7, sizes[-1] * 1.5)
    axes.grid(axis="y")
    axes.set_xlabel("incidents in the list")


_BARS = {"error_kw": {"ecolor": "#444444", "elinewidth": 1, "capsize": 2}}


def _whiskers(spreads: list[Spread]) -> list[list[float]]:
    """Return the lengths of error bars in both directions."""
    return [[each.middle - each.least for each in spreads], [each.most - each.middle for each in spreads]]
