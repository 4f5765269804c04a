# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurements of the benchmark, which can be written to a file and read again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Sequence

from ansible_collections.secops.itsm.tests.benchmark.comparison import Comparison
from ansible_collections.secops.itsm.tests.benchmark.figures import Spread
from ansible_collections.secops.itsm.tests.benchmark.imports import Import
from ansible_collections.secops.itsm.tests.benchmark.measure import Run
from ansible_collections.secops.itsm.tests.benchmark.variants import EMPTY, LIST, SCRIPT, Variant

#: The purpose of a round: compare variants, run again for closed incidents, or measure lists of several sizes.
RIVALS, AGAIN, SIZES = "rivals", "again", "sizes"


@dataclass(frozen=True)
class Plan:
    """The numbers of incidents and rounds.

    :param number: the number of incidents for each variant.
    :param latencies: the seconds by which the sandbox delays each response.
    :param slow_rounds: the rounds of variants that start a process for each item.
    :param quick_rounds: the rounds of other variants.
    :param repeated: the number of incidents of a second run, in which all are already closed.
    :param sizes: the sizes of lists.
    :param size_rounds: the rounds for each size.
    :param import_rounds: the rounds for each import.
    :param home_incidents: the incidents of each workspace if one of many is throttled.
    :param home_rounds: the rounds with many workspaces.
    :param home_retry_timeout: the ``retry_timeout`` of these rounds, in seconds.
    :param runbook_incidents: the incidents of each run of a runbook.
    :param runbook_rounds: the rounds of runbooks.
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
    home_retry_timeout: int = 5
    runbook_incidents: int = 0
    runbook_rounds: int = 0

    def rounds(self, variant: Variant) -> int:
        """Return the number of rounds of a variant at each latency.

        :param variant: the variant.
        """
        return self.slow_rounds if variant.slow else self.quick_rounds


@dataclass(frozen=True)
class Round:
    """A run and its purpose.

    :param purpose: one of ``RIVALS``, ``AGAIN`` and ``SIZES``.
    :param variant: the key of the variant.
    :param number: the number of incidents.
    :param latency: the seconds by which the sandbox delayed each response.
    :param run: the measurements.
    """

    purpose: str
    variant: str
    number: int
    latency: float
    run: Run


@dataclass(frozen=True)
class Results:
    """All measurements.

    :param plan: the numbers of incidents and rounds.
    :param rounds: the runs in their order.
    :param imports: the measurements of imports.
    :param machine: the properties of the machine.
    :param comparisons: other ratios, each with its own reference.
    """

    plan: Plan
    rounds: Sequence[Round]
    imports: Sequence[Import]
    machine: dict[str, str]
    comparisons: Sequence[Comparison] = ()

    def as_json(self) -> str:
        """Return the measurements as JSON, which :meth:`from_json` reads."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """Return the measurements of an earlier run.

        :param text: the JSON of :meth:`as_json`.
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
        """Return the runs of a variant.

        :param purpose: their purpose.
        :param variant: the variant.
        :param number: the number of incidents; None for any number.
        :param latency: the latency in seconds.
        """
        return [
            each.run
            for each in self.rounds
            if (each.purpose, each.variant, each.latency) == (purpose, variant.key, latency)
            and number in (None, each.number)
        ]

    def tasks(self, variant: Variant, latency: float) -> Spread:
        """Return the seconds of the tasks.

        :param variant: the variant.
        :param latency: the latency in seconds.
        """
        return Spread.of(run.tasks for run in self.runs(RIVALS, variant, latency=latency))

    def wall(self, variant: Variant, latency: float) -> Spread:
        """Return the seconds of the whole run.

        :param variant: the variant.
        :param latency: the latency in seconds.
        """
        return Spread.of(run.wall for run in self.runs(RIVALS, variant, latency=latency))

    def started(self, variant: Variant, latency: float) -> Spread:
        """Return the seconds of the whole run without the start: an empty play, or the imports of the script.

        :param variant: the variant.
        :param latency: the latency in seconds.
        """
        if variant.key == SCRIPT.key:
            return self.tasks(variant, latency)
        # The empty play of the same round, as the load of the machine affects both. No run takes less than its tasks.
        pairs = zip(self.runs(RIVALS, variant, latency=latency), self.runs(RIVALS, EMPTY, latency=latency))
        return Spread.of(max(run.wall - empty.wall, run.tasks) for run, empty in pairs)

    def connections(self, variant: Variant) -> Spread:
        """Return the number of connections of a run.

        :param variant: the variant.
        """
        latencies = self.plan.latencies
        return Spread.of(run.connections for each in latencies for run in self.runs(RIVALS, variant, latency=each))

    def an_item(self, variant: Variant, size: int) -> Spread:
        """Return the seconds of the tasks for one of many incidents.

        :param variant: the variant.
        :param size: the number of incidents.
        """
        return Spread.of(run.tasks for run in self.runs(SIZES, variant, size)).by(size)

    def list_memory(self, size: int) -> Spread:
        """Return the peak memory of the worker of the list, in MB.

        :param size: the number of incidents.
        """
        return Spread.of(run.worker_mb or 0.0 for run in self.runs(SIZES, LIST, size))
