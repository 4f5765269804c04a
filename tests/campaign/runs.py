# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tasks of a story in this process, as the action plugins do."""

from __future__ import annotations

import random
import traceback
from dataclasses import dataclass
from typing import Sequence

from ansible_collections.secops.itsm.plugins.module_utils._http.connection_pool import ConnectionPool
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import run_in_process
from ansible_collections.secops.itsm.tests.campaign.server import HostileServer
from ansible_collections.secops.itsm.tests.campaign.story import Story, Task
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Values, World

TENANT = "820188ff-2036-4924-b80f-d11610735d86"


@dataclass
class TaskRun:
    """The result of a task.

    :param task: the task.
    :param result: the result that Ansible would show.
    :param requests: the requests of the task.
    """

    task: Task
    result: Values
    requests: Sequence[Exchange]


@dataclass
class Run:
    """The result of a run.

    :param name: the name of the run.
    :param check_mode: whether it ran in check mode.
    :param tasks: the results of the tasks.
    """

    name: str
    check_mode: bool
    tasks: Sequence[TaskRun]

    @property
    def requests(self) -> list[Exchange]:
        """Return all requests of the run."""
        return [exchange for done in self.tasks for exchange in done.requests]

    @property
    def failed(self) -> bool:
        """Return whether a task failed."""
        return any(done.result["failed"] for done in self.tasks)

    @property
    def changed(self) -> bool:
        """Return whether a task reports changed."""
        return any(done.result["changed"] for done in self.tasks)


def run_story(world: World, story: Story, server: HostileServer, name: str, *, hostile: bool, check_mode: bool) -> Run:
    """Run the tasks of a story, and return their results.

    :param world: the state of the server.
    :param story: the story.
    :param server: the hostile server.
    :param name: the name of the run.
    :param hostile: whether the server shows its behaviours.
    :param check_mode: whether to run in check mode.
    """
    world.begin(name, hostile)
    # The jitter of retries must be the same in each replay.
    random.seed(f"{world.seed}/{name}")
    done: list[TaskRun] = []
    connections = ConnectionPool()
    try:
        for task in story.tasks:
            own = task.arguments([before.result for before in done])
            if own is None:
                continue
            world.targets = task.targets
            first = len(world.journal)
            result = _result(world, task, {**_connection(task, server), **own}, connections, check_mode)
            done.append(TaskRun(task, result, world.journal[first:]))
            if result["failed"] and story.stops:
                break
    finally:
        connections.close()
    world.settle(everything=True)
    return Run(name, check_mode, done)


def _connection(task: Task, server: HostileServer) -> Values:
    if task.module.startswith("contraforce_"):
        return {"url": server.url, "client_id": "campaign", "client_secret": "s3cr3t-of-the-campaign"}
    if task.module.startswith("servicenow_"):
        return {"url": server.url, "username": "campaign", "password": "s3cr3t-of-the-campaign"}
    token = "t0ken-of-the-campaign"
    return {"url": server.url, "tenant_id": TENANT, "realm": "northwind", "access_token": token}


def _result(world: World, task: Task, arguments: Values, connections: ConnectionPool, check_mode: bool) -> Values:
    settings = {"check_mode": check_mode, "diff_mode": True, "connections": connections, "clock": world.clock}
    try:
        return run_in_process(task.definition, f"secops.itsm.{task.module}", arguments, settings)
    except Exception as error:  # an uncaught exception violates an invariant
        place = traceback.extract_tb(error.__traceback__)[-1]
        escaped = f"{type(error).__name__} at {place.filename.rsplit('/', maxsplit=1)[-1]}:{place.lineno}"
        return {"failed": True, "changed": False, "msg": f"{escaped} escaped", "error": {"category": "escaped"}}
