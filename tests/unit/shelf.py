# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A minimal operation for tests of the reconcile loop and of its messages."""

from __future__ import annotations

from typing import Any, Collection, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import Operation, Plan, Write
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock

INTRUDER = "intruder"


def raise_if_given(failure: ApiError | None) -> None:
    """Raise a failure, if there is one."""
    if failure is not None:
        raise failure


class Shelf(Operation[frozenset[str]]):
    """A shelf on which some things have to be put, each with one write.

    :param replies: for each write, its failure or None, and whether it takes effect; all further writes succeed.
    :param reads: the failure of each read, or None; the last one is repeated.
    :param wanted: the things, in the order of their writes.
    :param once: the things whose writes are never sent again.
    :param lag: seconds until a thing is shown.
    :param is_dark: whether the shelf shows only the things whose writes succeeded.
    :param conflict: the conflict of the plan once another user has changed the shelf.
    :param conflict_after: the number of writes before that user changes it.
    :param flags: the options of all writes.
    """

    noun, label = "shelf", "shelf 7"

    def __init__(
        self,
        *replies: Any,
        reads: Sequence[ApiError | None] = (None,),
        wanted: Sequence[str] = ("book", "vase"),
        once: Collection[str] = (),
        lag: float = 0.0,
        is_dark: bool = False,
        conflict: ApiError | None = None,
        conflict_after: int = 0,
        **flags: Any,
    ) -> None:
        self.clock = FakeClock()
        self.replies = list(replies)
        self.reads = list(reads)
        self.read_count = 0
        self.wanted = tuple(wanted)
        self.once = once
        self.lag = lag
        self.is_dark = is_dark
        self.conflict = conflict
        self.conflict_after = conflict_after
        self.flags = flags
        self.sent: list[str] = []
        self.held: dict[str, float] = {}
        self.confirmed: set[str] = set()

    def read(self) -> frozenset[str]:
        self.read_count += 1
        raise_if_given(self.reads.pop(0) if len(self.reads) > 1 else self.reads[0])
        shown = {thing for thing, since in self.held.items() if self.clock.now() >= since + self.lag}
        is_changed = self.conflict is not None and len(self.sent) >= self.conflict_after
        return frozenset((self.confirmed if self.is_dark else shown) | ({INTRUDER} if is_changed else set()))

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        if INTRUDER in current:
            return Plan(current, conflict=self.conflict)
        missing = [thing for thing in self.wanted if thing not in current]
        writes = tuple(Write(thing, {}, never_resend=thing in self.once, **self.flags) for thing in missing)
        return Plan(frozenset(self.wanted), writes)

    def send(self, write: Write) -> None:
        self.sent.append(write.action)
        failure, takes_effect = self.replies.pop(0) if self.replies else (None, True)
        if takes_effect:
            self.held[write.action] = self.clock.now()
        raise_if_given(failure)
        self.confirmed.add(write.action)

    def can_observe(self, state: frozenset[str]) -> bool:
        return not self.is_dark

    def describe(self, state: frozenset[str]) -> str:
        return ", ".join(sorted(state)) or "nothing"
