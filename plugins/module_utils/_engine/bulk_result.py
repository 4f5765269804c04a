# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The result of a list: its counts, its progress, the result of each item, and the result of the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Sequence, Union

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition, BulkItem
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, may_have_changed
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

#: The maximum number of different warnings of items that the task repeats.
MAX_WARNINGS = 10

#: The result of one item.
Outcome = Union[OperationResult, ApiError]


@dataclass
class Counts:
    """The numbers of items by their result.

    :param total: the number of different items.
    :param predicted: whether ``changed`` counts the items that would change, because of check mode.
    """

    total: int
    changed: int = 0
    ok: int = 0
    failed: int = 0
    duplicates: int = 0
    predicted: bool = False

    @property
    def done(self) -> int:
        """Return the number of finished items."""
        return self.changed + self.ok + self.failed

    def add(self, outcome: Outcome) -> None:
        """Count the result of an item."""
        if isinstance(outcome, ApiError) or outcome.failure is not None:
            self.failed += 1
        elif outcome.changed:
            self.changed += 1
        else:
            self.ok += 1

    def __str__(self) -> str:
        changed = "would change" if self.predicted else "changed"
        return f"{self.changed} {changed}, {self.ok} ok, {self.failed} failed"

    def as_dict(self) -> dict[str, int]:
        """Return the counts as results show them."""
        return {
            "total": self.total,
            "changed": self.changed,
            "ok": self.ok,
            "failed": self.failed,
            "duplicates": self.duplicates,
        }


@dataclass
class Progress:
    """Report the progress of a list at regular intervals.

    :param interval: seconds between two reports; 0 disables reports.
    :param report: takes the noun of the items, the counts, and the seconds since the list started.
    """

    interval: float
    report: Callable[[str, Counts, float], None]
    _last_report: float = 0.0

    def is_due(self, seconds: float) -> bool:
        """Return whether a report is due; if so, start the next interval.

        :param seconds: since the list started.
        """
        if self.interval <= 0 or seconds - self._last_report < self.interval:
            return False
        self._last_report = seconds
        return True

    def update(self, noun: str, counts: Counts, seconds: float) -> None:
        """Report the progress if a report is due and the list is not complete.

        :param noun: the name of an item, such as ``incident``.
        :param counts: of the items so far.
        :param seconds: since the list started.
        """
        if self.is_due(seconds) and counts.done < counts.total:
            self.report(noun, counts, seconds)


def _failure_of(outcome: Outcome) -> ApiError | None:
    return outcome if isinstance(outcome, ApiError) else outcome.failure


def item_result(bulk: BulkDefinition[Any], item: BulkItem, outcome: Outcome, first_index: int | None) -> dict[str, Any]:
    """Return the entry of an item in ``results``.

    The records of the service are omitted unless the module only reads, because they would make the result of a long
    list too large for a job's log.

    :param bulk: how the module handles a list.
    :param item: the item.
    :param outcome: its result.
    :param first_index: for a duplicate, the index of the first item.
    """
    failure = _failure_of(outcome)
    values = {} if isinstance(outcome, ApiError) else outcome.values
    states = {} if bulk.read_only else dict.fromkeys(("before", "after", "diff"))
    result = {
        **item.identifiers,
        **states,
        **{name: value for name, value in values.items() if bulk.read_only or name not in bulk.records},
        "changed": may_have_changed(outcome),
        "failed": failure is not None,
        "error": failure.as_dict() if failure else None,
    }
    if failure:
        result["msg"] = failure.message
    if not isinstance(outcome, ApiError) and outcome.warnings:
        result["warnings"] = list(outcome.warnings)
    if first_index is not None:
        result.update(changed=False, duplicate_of=first_index)
        if not bulk.read_only:
            result.update(before=result["after"], diff=None)
    return result


def summarize(
    counts: Counts, results: list[dict[str, Any]], outcomes: Sequence[Outcome], with_diff: bool
) -> OperationResult:
    """Return the result of the task.

    :param counts: of all items.
    :param results: of each item.
    :param outcomes: of each different item.
    :param with_diff: whether to add one list of all differences.
    """
    plural = "" if counts.duplicates == 1 else "s"
    repeated = f" ({counts.duplicates} duplicate{plural})" if counts.duplicates else ""
    values: dict[str, Any] = {"results": results, "summary": counts.as_dict(), "msg": f"{counts}{repeated}"}
    if with_diff:
        values["diff"] = [result["diff"] for result in results if result["changed"] and result["diff"]]
    failures = [failure for failure in map(_failure_of, outcomes) if failure]
    return OperationResult(
        changed=any(map(may_have_changed, outcomes)),
        values=values,
        warnings=_task_warnings(outcomes),
        failure=_task_failure(failures, f"{counts}{repeated}") if failures else None,
    )


def _task_warnings(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the different warnings of the items, and a note about those that are omitted."""
    unique = dict.fromkeys(
        text for outcome in outcomes if not isinstance(outcome, ApiError) for text in outcome.warnings
    )
    warnings = list(unique)[:MAX_WARNINGS]
    if len(unique) > len(warnings):
        warnings.append(f"{len(unique) - len(warnings)} more warnings are in the results of the entries.")
    return warnings


def _task_failure(failures: Sequence[ApiError], counts: str) -> ApiError:
    """Return the failure of the task: the first failure of an item, and the number of the others."""
    first, others = failures[0], len(failures) - 1
    more = f" {others} more failed, each with its reason in results." if others else ""
    return first.with_message(f"{counts}: {first}{more}", retryable=all(failure.retryable for failure in failures))
