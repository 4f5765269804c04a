# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task that is killed before or after any of its requests is completed by the next run, with nothing twice."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import pytest

from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    REFERENCE,
    RESOLVED,
    Fault,
    Instance,
    keep,
    task,
)

NOTE = "Closed by the runbook."
OPEN = task(work_notes=NOTE)
CLOSE = {"reference": REFERENCE, "fields": dict(RESOLVED), "work_notes": NOTE}


class Killed(BaseException):
    """A run is killed."""


def with_ticket(**behavior: Any) -> Instance:
    instance = Instance(**behavior)
    instance.add(correlation_id=REFERENCE)
    return instance


#: The options of a task, and an instance.
STORIES: Mapping[str, tuple[Mapping[str, Any], Callable[[], Instance]]] = {
    "a new ticket": (OPEN, Instance),
    "a new ticket with an unreadable journal": (OPEN, lambda: Instance(unreadable={"sys_journal_field"})),
    "a ticket that is closed": (CLOSE, with_ticket),
    "a ticket that is closed with an unreadable journal": (
        CLOSE,
        lambda: with_ticket(unreadable={"sys_journal_field"}),
    ),
}


def kill(instance: Instance, options: Mapping[str, Any], number: int, after: bool) -> bool:
    """Run a task, kill it at a request, and return whether it had that many requests."""

    def stop(request: int, operation: str) -> None:
        if request != number:
            return
        if not after or operation not in ("create", "update"):
            raise Killed
        instance.faults[operation] = [Fault(Killed(), takes_effect=True)]

    instance.editor = stop
    try:
        keep(instance, options)
    except Killed:
        return True
    finally:
        instance.editor = None
        instance.faults.clear()
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("story", STORIES)
def test_killed_task_is_completed_by_the_next_run(story, after):
    options, new_instance = STORIES[story]
    expected = new_instance()
    keep(expected, options)
    number = 0
    while True:
        number += 1
        instance = new_instance()
        if not kill(instance, options, number, after):
            break
        keep(instance, options)
        assert not keep(instance, options).changed
        (record,) = instance.records["incident"].values()
        (wanted,) = expected.records["incident"].values()
        assert record == wanted
        assert instance.notes(record["number"]) == [NOTE]
    assert number > len(expected.calls)
