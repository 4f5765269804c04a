# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A story: the tasks of a seed, and their targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Callable, Optional, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.tests.campaign.world import Values, World

Target = Any

#: Returns the arguments of a task from the results of the tasks before it, or None to skip the task.
Arguments = Callable[[Sequence[Values]], Optional[Values]]

#: Returns what is missing from a list, or None.
Check = Callable[[Values], Optional[str]]


@dataclass
class Task:
    """A task.

    :param module: the name of the Ansible module.
    :param definition: the definition of the Ansible module.
    :param arguments: returns the arguments, without the connection options.
    :param targets: the things that the task changes; one for each entry of a list.
    :param is_list: whether the result has an entry for each target.
    :param listed: checks the list that the task reads, if any.
    """

    module: str
    definition: ModuleDefinition[Any]
    arguments: Arguments
    targets: Sequence[Target] = ()
    is_list: bool = False
    listed: Check | None = None


@dataclass
class Story:
    """The tasks of a seed.

    :param tasks: the tasks, in order.
    :param stops: whether a failed task ends the run.
    :param may_end_in: returns the categories of failures that are correct even on a clean server.
    """

    tasks: Sequence[Task]
    stops: bool = False
    may_end_in: Callable[[World], set[str]] = field(default=lambda world: set())

    @property
    def targets(self) -> list[Target]:
        """Return the targets of all tasks."""
        return [target for task in self.tasks for target in task.targets]


def task_of(
    module: Any, arguments: Values | Arguments, targets: Sequence[Target] = (), *, is_list: bool = False
) -> Task:
    """Return a task.

    :param module: the Python module of the Ansible module.
    :param arguments: the arguments without the connection options, or a function that returns them.
    :param targets: the things that the task changes.
    :param is_list: whether the result has an entry for each target.
    """
    name = module.__name__.rsplit(".", maxsplit=1)[-1]
    given: Arguments = arguments if callable(arguments) else lambda _results: arguments
    return Task(name, module.DEFINITION, given, targets, is_list)


def waits(random: Random) -> Values:
    """Return random timeouts of a task. Each verify_timeout is longer than the longest lag of a read."""
    return {"verify_timeout": random.choice((10, 30)), "retry_timeout": random.choice((0, 5, 60))}


def list_waits(random: Random) -> Values:
    """Return random timeouts of a task, and the number of entries to process at the same time."""
    return {**waits(random), "concurrency": random.choice((1, 1, 1, 4))}
