# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The threads that handle the items of a list, and the order in which they take them.

Here, an item is only its index in the list.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Callable, Iterable, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_result import Counts, Outcome
from ansible_collections.secops.itsm.plugins.module_utils._engine.deferred_signals import DeferredSignals
from ansible_collections.secops.itsm.plugins.module_utils._engine.run_limits import IsOver, never_over
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.throttle import SharedThrottle, WorkspaceThrottle

#: Seconds between two checks of the workers.
CHECK_INTERVAL = 0.5

#: Seconds after which an item is slow, so that an additional worker starts.
SLOW_ITEM = 5.0

#: The maximum number of workers for each one that the user configured, while others are parked or slow.
MAX_WORKERS_PER_SLOT = 8

#: Maximum time in seconds to wait for running items after an interruption.
INTERRUPT_TIMEOUT = 60.0

#: Raised in a worker that would send a request after the end of an interrupted list; it is in no result.
INTERRUPTED = ApiError("The run was interrupted.", "unavailable")


@dataclass
class WorkspaceQueue:
    """The pending items of one workspace or tenant.

    :param scope: its throttle.
    :param indexes: the indexes of the pending items, in order.
    :param workers: the number of workers that handle other items of this workspace.
    :param has_slow: whether one of those items is slow.
    """

    scope: WorkspaceThrottle
    indexes: deque[int] = field(default_factory=deque)
    workers: int = 0
    has_slow: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        """Return the sort key: queues come last if their workers are stuck or another worker would have to wait."""
        is_blocked = self.scope.is_failing or self.has_slow or self.workers >= self.scope.limit
        return (1 + self.workers, 0) if is_blocked else (0, self.indexes[0])


def workspace_queues(names: Iterable[tuple[int, str]], throttle: SharedThrottle) -> list[WorkspaceQueue]:
    """Return a queue for each workspace or tenant.

    :param names: the index of each pending item, with its workspace or tenant.
    :param throttle: shared by all workers.
    """
    queues: dict[str, WorkspaceQueue] = {}
    for index, name in names:
        queues.setdefault(name, WorkspaceQueue(throttle.workspace(name))).indexes.append(index)
    return list(queues.values())


@dataclass
class Schedule:
    """The state of a list, shared by its workers.

    :param queues: the pending items.
    :param counts: the counts of the finished items.
    :param concurrency: the maximum number of workers, without those that are parked or slow.
    :param is_over: returns whether the run is over; no item starts after that.
    """

    queues: list[WorkspaceQueue]
    counts: Counts
    concurrency: int
    is_over: IsOver = never_over
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    stopped_at: float | None = None
    started: dict[int, tuple[float, WorkspaceQueue]] = field(default_factory=dict)
    workers: int = 0
    current: dict[int, int] = field(default_factory=dict)
    parked: set[int] = field(default_factory=set)
    slow: set[int] = field(default_factory=set)

    def next_item(self) -> tuple[int, WorkspaceQueue] | None:
        """Return the index of the next item and its queue, or None if this worker has to end."""
        with self.lock:
            if self.is_over():
                self.stop()
            pending = [queue for queue in self.queues if queue.indexes] if self.stopped_at is None else []
            if not pending or self.active_workers > self.concurrency:
                self.workers -= 1
                return None
            queue = min(pending, key=lambda queue: queue.rank)
            index = queue.indexes.popleft()
            queue.workers += 1
            self.started[index] = (time.monotonic(), queue)
            self.current[threading.get_ident()] = index
            return index, queue

    def stop(self) -> None:
        """Start no more items. This takes no lock, because a signal may interrupt the thread that holds it."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()

    def finish_item(self, index: int, queue: WorkspaceQueue, outcome: Outcome) -> None:
        """Store the result of an item."""
        with self.lock:
            queue.workers -= 1
            self.parked.discard(index)
            self.slow.discard(index)
            self.outcomes[index] = outcome
            self.counts.add(outcome)

    @property
    def active_workers(self) -> int:
        """Return the number of workers that are neither parked nor slow."""
        return self.workers - len(self.parked | self.slow)

    def update_slow(self) -> None:
        """Find the slow items, which wait for a response or for the effect of a write."""
        now = time.monotonic()
        with self.lock:
            for queue in self.queues:
                queue.has_slow = False
            self.slow = set()
            for index in self.current.values():
                started_at, queue = self.started[index]
                if index not in self.outcomes and now - started_at > SLOW_ITEM:
                    queue.has_slow = True
                    self.slow.add(index)

    def set_parked(self, is_parked: bool) -> None:
        """Record whether the item of the calling worker waits for its throttle."""
        with self.lock:
            item = {self.current[threading.get_ident()]}
            self.parked = self.parked | item if is_parked else self.parked - item

    def needs_worker(self) -> bool:
        """Return whether another worker could handle an item now."""
        with self.lock:
            return (
                self.stopped_at is None
                and self.active_workers < self.concurrency
                and self.workers < MAX_WORKERS_PER_SLOT * self.concurrency
                and any(queue.indexes and queue.rank[0] == 0 for queue in self.queues)
            )


class _Worker(threading.Thread):
    """A thread that sets an event when it ends.

    Up to Python 3.12, ``is_alive()`` is wrong after a signal, such as that of a task's timeout, raised an exception in
    ``join()`` (gh-90882).

    :param target: the function that it runs.
    """

    def __init__(self, target: Callable[[], None]) -> None:
        # A daemon thread ends with the process, even if a slow response would block it forever.
        super().__init__(target=target, daemon=True)
        self.ended = threading.Event()

    def run(self) -> None:
        """Run the target."""
        try:
            super().run()
        finally:
            self.ended.set()


class WorkerPool:
    """The workers of a list, with additional ones while some are parked or slow.

    :param schedule: the state that they share.
    :param handle: handles one item; takes its index and the throttle of its workspace or tenant.
    """

    def __init__(self, schedule: Schedule, handle: Callable[[int, WorkspaceThrottle], Outcome]) -> None:
        self.errors: list[BaseException] = []
        self.workers: list[_Worker] = []
        self._schedule = schedule
        self._handle = handle

    def run(self, throttle: SharedThrottle, report: Callable[[float], None]) -> None:
        """Handle all items. After an interruption, running items are still finished.

        :param throttle: shared by all workers.
        :param report: called at intervals with the seconds since the start.
        """
        schedule = self._schedule
        throttle.on_blocked = self.set_parked

        def finish() -> None:
            schedule.stop()
            throttle.stop_waiting()

        started_at = time.monotonic()
        with DeferredSignals(finish):
            try:
                while len(self.workers) < min(schedule.concurrency, schedule.counts.total) and self.add_worker():
                    pass
                if not self.workers:
                    schedule.workers += 1
                    self.worker_loop()
                while not self.errors and _wait_for_workers(self.workers, schedule):
                    schedule.update_slow()
                    self.add_needed_workers()
                    is_over = schedule.is_over()
                    # Repeated because the signal handler's call may have missed a waiting worker.
                    if is_over or schedule.stopped_at is not None:
                        finish()
                    if not is_over:
                        report(time.monotonic() - started_at)
                if self.errors:
                    raise self.errors[0]
            except BaseException:
                finish()
                while _wait_for_workers(self.workers, schedule):
                    finish()
                raise
            finally:
                # A worker that hangs must not write later, when another task runs.
                throttle.stop(INTERRUPTED)

    def worker_loop(self) -> None:
        """Handle items until none is left for this worker."""
        try:
            item = self._schedule.next_item()
            while item is not None:
                index, queue = item
                self._schedule.finish_item(index, queue, self._handle(index, queue.scope))
                item = self._schedule.next_item()
        except BaseException as error:  # raised again in the main thread
            self.errors.append(error)
            with self._schedule.lock:
                self._schedule.workers -= 1

    def add_worker(self) -> bool:
        """Start another worker; return False if the system does not allow another thread."""
        worker = _Worker(self.worker_loop)
        with self._schedule.lock:
            self._schedule.workers += 1
            self.workers.append(worker)
        try:
            worker.start()
        except RuntimeError:
            with self._schedule.lock:
                self._schedule.workers -= 1
                self.workers.remove(worker)
            return False
        return True

    def add_needed_workers(self) -> None:
        """Start a worker for each one that is parked or slow, if there are items for it."""
        while self._schedule.needs_worker() and self.add_worker():
            pass

    def set_parked(self, is_parked: bool) -> None:
        """Record whether the calling worker waits for its throttle; another worker replaces one that waits."""
        self._schedule.set_parked(is_parked)
        if is_parked:
            self.add_needed_workers()


def _wait_for_workers(workers: Sequence[_Worker], schedule: Schedule) -> bool:
    """Wait briefly, and return whether to continue waiting; the time limit applies once the list was stopped."""
    if schedule.stopped_at is not None and time.monotonic() > schedule.stopped_at + INTERRUPT_TIMEOUT:
        return False
    running = [worker for worker in workers if worker.ident is not None and not worker.ended.is_set()]
    if running:
        running[0].ended.wait(CHECK_INTERVAL)
    return bool(running)
