# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the story of one seed on a hostile server, then on a clean one, and check the invariants after each run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Sequence

from ansible_collections.secops.itsm.tests.campaign.behaviours import (
    BEHAVIOURS,
    HOPELESS,
    draw_behaviours,
    draw_forms,
    draw_story,
)
from ansible_collections.secops.itsm.tests.campaign.invariants import (
    Violation,
    violations_of,
    violations_of_prediction,
    violations_on_clean_server,
)
from ansible_collections.secops.itsm.tests.campaign.runs import Run, run_story
from ansible_collections.secops.itsm.tests.campaign.server import HostileServer
from ansible_collections.secops.itsm.tests.campaign.stories import BUILDERS
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, World

LONGEST_TEXT = 400


@dataclass
class Outcome:
    """The result of a seed.

    :param seed: the seed.
    :param story: the name of the story.
    :param world: the state of the server, with its journal.
    :param runs: the runs, in order.
    :param violations: the invariants that did not hold.
    """

    seed: int
    story: str
    world: World
    runs: Sequence[Run]
    violations: Sequence[Violation]

    @property
    def title(self) -> str:
        """Return the seed, its story and the behaviours."""
        return f"seed {self.seed}: {self.story} with {', '.join(sorted(self.world.behaviours)) or 'an honest server'}"

    def summary(self) -> str:
        """Return the seed and its violations."""
        return "\n".join([self.title, *(f"  {each.invariant}: {each.text}" for each in self.violations)])

    def text(self) -> str:
        """Return all requests and results."""
        lines = [self.title, *(f"  {name}: {BEHAVIOURS[name][0]}" for name in sorted(self.world.behaviours))]
        lines.append(f"  forms: {self.world.forms}")
        for run in self.runs:
            lines += ["", f"== {run.name}"]
            lines += [line for exchange in run.requests for line in _lines(exchange)]
            lines += [f"  -> {done.task.module}: {_short(done.result)}" for done in run.tasks]
            lines += [f"  !! {each.invariant}: {each.text}" for each in self.violations if each.run == run.name]
        return "\n".join(lines)


def _lines(exchange: Exchange) -> list[str]:
    notes = f" [{'; '.join(exchange.note)}]" if exchange.note else ""
    effect = " (changed)" if exchange.changed else " (no change)" if exchange.applied else ""
    return [
        f"  {exchange.time:7.2f} s  {exchange.method} {exchange.path}{notes}",
        *([f"             sent {_short(exchange.body)}"] if exchange.body is not None else []),
        f"             {exchange.status} {_short(exchange.response)}{effect}",
    ]


def _short(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        text = "(a deeply nested value)"
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."


def play(server: HostileServer, seed: int, behaviour: str | None = None, story_name: str | None = None) -> Outcome:
    """Run the story of a seed, and return the result.

    :param server: the hostile server.
    :param seed: the seed of all random numbers.
    :param behaviour: the only behaviour of the server, or "none"; by default, the seed draws the behaviours.
    :param story_name: the name of the story; by default, the seed draws the story.
    """
    random = Random(seed)
    name = draw_story(random, behaviour if behaviour in BEHAVIOURS else None)
    name = story_name or name
    behaviours = frozenset({behaviour} & set(BEHAVIOURS)) if behaviour else draw_behaviours(random, name)
    world = World(seed, draw_forms(random, name, behaviours), behaviours)
    story = BUILDERS[name](world, random)
    server.world = world
    runs: list[Run] = []
    violations: list[Violation] = []

    def run(label: str, hostile: bool, check_mode: bool = False) -> Run:
        done = run_story(world, story, server, label, hostile=hostile, check_mode=check_mode)
        runs.append(done)
        violations.extend(violations_of(world, story, done))
        return done

    if random.random() < 0.3:
        run("check mode on the hostile server", hostile=True, check_mode=True)
    for number in range(random.choice((0, 1, 2, 2, 3))):
        run(f"run {number + 1} on the hostile server", hostile=True)
    predicted = None
    # A prediction applies to the next run. A chain cannot predict the tasks that depend on its first task.
    if not story.stops and (HOPELESS & behaviours or random.random() < 0.5):
        predicted = run("check mode on the clean server", hostile=False, check_mode=True)
    second = run("first run on the clean server", hostile=False)
    if predicted:
        violations += violations_of_prediction(predicted, second)
    if not HOPELESS & behaviours:
        third = run("second run on the clean server", hostile=False)
        violations += violations_on_clean_server(world, story, second, third)
    return Outcome(seed, name, world, runs, violations)
