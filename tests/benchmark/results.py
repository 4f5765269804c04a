# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the benchmark measured, in a form that can be kept in a file and told again in other words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Sequence

from ansible_collections.secops.itsm.tests.benchmark.comparison import Comparison
from ansible_collections.secops.itsm.tests.benchmark.figures import Spread
from ansible_collections.secops.itsm.tests.benchmark.imports import Import
from ansible_collections.secops.itsm.tests.benchmark.measure import Run
from ansible_collections.secops.itsm.tests.benchmark.variants import EMPTY, LIST, SCRIPT, Variant

#: What a round is for: the ways against each other, a second run over what is closed, or one way at several sizes.
RIVALS, AGAIN, SIZES = "rivals", "again", "sizes"


@dataclass(frozen=True)
class Plan:
    """What is measured, and how often.

    :param number: of incidents for each variant.
    :param latencies: seconds by which the sandbox delays each answer.
    :param slow_rounds: for variants that start a process for each item.
    :param quick_rounds: for the others.
    :param repeated: how many incidents a second run goes over, in which all are closed.
    :param sizes: numbers of incidents in one list.
    :param size_rounds: for each of them.
    :param import_rounds: for each import.
    :param home_incidents: of each of many workspaces, one of which is throttled.
    :param home_rounds: for these.
    :param runbook_incidents: of each run of a runbook.
    :param runbook_rounds: for these.
    """

    number: int
    latencies: Sequence[float]
    slow_rounds: int
    quick_rounds: int
    repeated: int
    sizes: Sequence[int]
    size_rounds: int
    import_rounds: int
    home_incidents: int = 0
    home_rounds: int = 0
    runbook_incidents: int = 0
    runbook_rounds: int = 0

    def rounds(self, variant: Variant) -> int:
        """How often a variant runs at each latency.

        :param variant: which one.
        """
        return self.slow_rounds if variant.slow else self.quick_rounds


@dataclass(frozen=True)
class Round:
    """One run, and what it was for.

    :param purpose: C(RIVALS), C(AGAIN) or C(SIZES).
    :param variant: the variant's key.
    :param number: of incidents.
    :param latency: seconds by which the sandbox delayed each answer.
    :param run: what it took.
    """

    purpose: str
    variant: str
    number: int
    latency: float
    run: Run


@dataclass(frozen=True)
class Results:
    """What was measured.

    :param plan: what was to be.
    :param rounds: in the order in which they ran.
    :param imports: times of imports.
    :param machine: where.
    :param comparisons: further ones, each with a rival of its own.
    """

    plan: Plan
    rounds: Sequence[Round]
    imports: Sequence[Import]
    machine: dict[str, str]
    comparisons: Sequence[Comparison] = ()

    def as_json(self) -> str:
        """The text of a file that C(from_json) takes."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """What an earlier run measured.

        :param text: as C(as_json) gave it.
        """
        content: dict[str, Any] = json.loads(text)
        return cls(
            Plan(**content["plan"]),
            [Round(**{**each, "run": Run(**each["run"])}) for each in content["rounds"]],
            [Import(**{**each, "seconds": Spread(**each["seconds"])}) for each in content["imports"]],
            content["machine"],
            [Comparison(**{**each, "ratio": Spread(**each["ratio"])}) for each in content.get("comparisons", ())],
        )

    def runs(self, purpose: str, variant: Variant, number: int | None = None, latency: float = 0.0) -> list[Run]:
        """The runs of a variant.

        :param purpose: what they were for.
        :param variant: which one.
        :param number: of incidents, None for any.
        :param latency: at which.
        """
        return [
            each.run
            for each in self.rounds
            if (each.purpose, each.variant, each.latency) == (purpose, variant.key, latency)
            and number in (None, each.number)
        ]

    def tasks(self, variant: Variant, latency: float) -> Spread:
        """Seconds of the tasks alone.

        :param variant: of which.
        :param latency: at which.
        """
        return Spread.of(run.tasks for run in self.runs(RIVALS, variant, latency=latency))

    def wall(self, variant: Variant, latency: float) -> Spread:
        """Seconds of the whole run.

        :param variant: of which.
        :param latency: at which.
        """
        return Spread.of(run.wall for run in self.runs(RIVALS, variant, latency=latency))

    def started(self, variant: Variant, latency: float) -> Spread:
        """Seconds of the whole run, without what it takes to start: an empty play, or the imports of the script.

        :param variant: of which.
        :param latency: at which.
        """
        if variant.key == SCRIPT.key:
            return self.tasks(variant, latency)
        # The empty play of the same round, so that what slows both down falls out; no run took less than its tasks.
        pairs = zip(self.runs(RIVALS, variant, latency=latency), self.runs(RIVALS, EMPTY, latency=latency))
        return Spread.of(max(run.wall - empty.wall, run.tasks) for run, empty in pairs)

    def connections(self, variant: Variant) -> Spread:
        """How many connections a run opened.

        :param variant: of which.
        """
        latencies = self.plan.latencies
        return Spread.of(run.connections for each in latencies for run in self.runs(RIVALS, variant, latency=each))

    def an_item(self, variant: Variant, size: int) -> Spread:
        """Seconds of the tasks for one of many incidents.

        :param variant: of which.
        :param size: the number of incidents.
        """
        return Spread.of(run.tasks for run in self.runs(SIZES, variant, size)).by(size)

    def list_memory(self, size: int) -> Spread:
        """The most memory of the worker of the list, in MB.

        :param size: the number of incidents.
        """
        return Spread.of(run.worker_mb or 0.0 for run in self.runs(SIZES, LIST, size))
