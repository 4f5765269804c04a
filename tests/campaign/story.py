# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A story: the tasks that a seed has the modules do, and what is wanted in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Callable, Optional, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.tests.campaign.world import Values, World

Target = Any

#: Makes a task's arguments of the results of the tasks before it; None skips the task.
Arguments = Callable[[Sequence[Values]], Optional[Values]]

#: Returns what a list lacks, if it does.
Check = Callable[[Values], Optional[str]]


@dataclass
class Task:
    """One task: a module with its arguments.

    :param module: the module's name.
    :param arguments: of the module, but for the connection's.
    :param targets: what it is about; the entries of its list, if it has one.
    :param is_list: whether its result has an entry for each target.
    :param listed: checks the list that it reads, if it reads one.
    """

    module: str
    definition: ModuleDefinition[Any]
    arguments: Arguments
    targets: Sequence[Target] = ()
    is_list: bool = False
    listed: Check | None = None


@dataclass
class Story:
    """What a seed has the modules do.

    :param tasks: in their order.
    :param stops: whether a task that fails ends the run.
    :param may_end_in: categories of failures that are right even on a clean server.
    """

    tasks: Sequence[Task]
    stops: bool = False
    may_end_in: Callable[[World], set[str]] = field(default=lambda world: set())

    @property
    def targets(self) -> list[Target]:
        """Return all that the story is about."""
        return [target for task in self.tasks for target in task.targets]


def task_of(
    module: Any, arguments: Values | Arguments, targets: Sequence[Target] = (), *, is_list: bool = False
) -> Task:
    """Return a task.

    :param module: the module's own Python module.
    :param arguments: of the module, but for the connection's, or what makes them.
    :param targets: what the task is about.
    :param is_list: whether its result has an entry for each target.
    """
    name = module.__name__.rsplit(".", maxsplit=1)[-1]
    given: Arguments = arguments if callable(arguments) else lambda _results: arguments
    return Task(name, module.DEFINITION, given, targets, is_list)


def waits(random: Random) -> Values:
    """Return options of how long a task waits; the longest lag is shorter than each of them for a change to show."""
    return {"verify_timeout": random.choice((10, 30)), "retry_timeout": random.choice((0, 5, 60))}


def list_waits(random: Random) -> Values:
    """Return options of how long a task waits, and of how many entries of its list are under way."""
    return {**waits(random), "concurrency": random.choice((1, 1, 1, 4))}
