# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Handle a list in one task, with several workers and a separate result for each item."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import (
    MAX_CONCURRENCY,
    BulkDefinition,
    BulkItem,
    item_options,
    resolve_duplicates,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import (
    Counts,
    Outcome,
    Progress,
    item_result,
    summarize,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    OperationResult,
    RunOptions,
    after_writes,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import IsOver, never_over
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import Api
from ansible_collections.secops.itsm.plugins.module_utils._engine.worker_pool import (
    Schedule,
    WorkerPool,
    workspace_queues,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import (
    ItemThrottle,
    SharedThrottle,
    Throttle,
    WorkspaceThrottle,
)


def run_bulk(
    bulk: BulkDefinition[Api],
    options: Mapping[str, Any],
    run: RunOptions,
    new_api: Callable[[Throttle], Api],
    throttle: SharedThrottle,
    on_exception: Callable[[Exception, Mapping[str, Any]], ApiError],
    with_diff: bool = False,
    progress: Progress | None = None,
    is_over: IsOver = never_over,
) -> OperationResult:
    """Handle the items of a list and return the result of the task; an item that fails does not stop the others.

    :param bulk: how the module handles a list.
    :param options: the task's options.
    :param run: the run options.
    :param new_api: returns an API for one item; takes the throttle of that item.
    :param throttle: shared by all workers.
    :param on_exception: returns the failure for an unexpected exception; takes the exception and the item's options.
    :param with_diff: whether to add a list of all differences for Ansible to show.
    :param progress: reports the progress, if given.
    :param is_over: returns whether the run is over, which interrupts the list.
    :raises ApiError: for an error in the task itself, before anything is written.
    """
    concurrency = options["concurrency"]
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise configuration_error(f"concurrency must be a number from 1 to {MAX_CONCURRENCY}.")
    parsed = bulk.parse_items(new_api(throttle.workspace("")), item_options(bulk, options))
    items, first_indexes = resolve_duplicates(parsed)
    pending = [index for index, first in enumerate(first_indexes) if index == first]
    counts = Counts(len(pending), duplicates=len(items) - len(pending), predicted=run.check_mode)
    queues = workspace_queues(((index, bulk.scope_of(items[index])) for index in pending), throttle)
    schedule = Schedule(queues, counts, concurrency, is_over)

    def handle(index: int, scope: WorkspaceThrottle) -> Outcome:
        item = items[index]
        if item.failure:
            return item.failure
        item_throttle = ItemThrottle(scope)
        api = new_api(item_throttle)
        outcome: Outcome
        try:
            outcome = bulk.operation(api, item.wanted, run)
        except ApiError as failure:
            outcome = failure
        except Exception as error:  # a bug of the collection must not stop the other items
            outcome = on_exception(error, item.options)
        item_throttle.finish()
        return after_writes(outcome, api.may_have_changed)

    def report(seconds: float) -> None:
        if progress:
            progress.update(bulk.noun, counts, seconds)

    WorkerPool(schedule, handle).run(throttle, report)
    for index in pending:
        if index not in schedule.outcomes:
            schedule.outcomes[index] = _interrupted(items[index], was_started=index in schedule.started)
            counts.failed += 1
    outcomes = [schedule.outcomes[first] for first in first_indexes]
    results = [
        item_result(bulk, item, outcome, None if first == index else first)
        for index, (item, outcome, first) in enumerate(zip(items, outcomes, first_indexes))
    ]
    return summarize(counts, results, [outcomes[index] for index in pending], with_diff and not bulk.read_only)


def _interrupted(item: BulkItem, was_started: bool) -> ApiError:
    """Return the failure of an item that was not started or not finished."""
    if item.failure:
        return item.failure
    if not was_started:
        message = f"The run was interrupted before {item.label} was started. Run the task again."
        return ApiError(message, "unavailable", retryable=True)
    return ApiError(
        f"The run was interrupted while {item.label} was handled, so it is not known whether it was changed. Run the "
        "task again.",
        "ambiguous_write",
        may_have_changed=True,
        retryable=True,
    )
