# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way through every operation: read, plan, apply, verify.

It knows neither Ansible nor HTTP. An operation says how it reads, plans and writes; what is done with a write
that broke off, and when a run may call itself done, is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Generic, Mapping, Protocol, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.retries import Clock

State = TypeVar("State")

#: Seconds for which a write that broke off is looked for when nothing is to be read back.
LOOK_FOR = 30.0

#: Failures of a read that say themselves what they are about, unless the service's answer is one.
EXPLAINED = frozenset({"configuration", "ambiguous_match"})

#: Failures of a look after which the next one may succeed.
PASSING = frozenset({"unavailable", "rate_limited", "contract"})

#: Seconds between two looks at a thing that has not moved yet; the last one repeats.
POLL_WAITS = (0.5, 1.0, 2.0, 4.0, 5.0)


@dataclass(frozen=True)
class Write:
    """One request that changes something.

    :param action: what it does, in a word that the operation knows.
    :param body: what is sent.
    :param adds: whether it adds something that is there twice if it is sent twice, such as a comment.
    :param only_once: whether one that broke off is never sent again, though nothing came of it as far as can be seen.
    :param done: what the thing is once the write took effect, for messages.
    """

    action: str
    body: Mapping[str, Any]
    adds: bool = False
    only_once: bool = False
    done: str = "changed"


@dataclass(frozen=True)
class Plan(Generic[State]):
    """What has to be sent to get from a state to the wanted one, and the state after that.

    :param after: the state once the writes took effect; the current one when there are none.
    :param writes: in the order in which they are sent.
    :param conflict: why nothing may be written although the state is not the wanted one.
    """

    after: State
    writes: tuple[Write, ...] = ()
    conflict: ApiError | None = None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return not self.writes and self.conflict is None


@dataclass(frozen=True)
class Outcome(Generic[State]):
    """What a run found and did.

    :param before: the state that was read first.
    :param after: the state read back; the planned one in check mode, and where nothing is read back.
    :param plan: the first plan, which check mode and the run share.
    """

    before: State
    after: State
    plan: Plan[State]

    @property
    def changed(self) -> bool:
        """Whether anything had to be written."""
        return bool(self.plan.writes)


@dataclass(frozen=True)
class Result:
    """What an operation hands to its shell.

    :param values: the keys of the task's result.
    :param warnings: what the user should know although nothing failed.
    :param failure: why the task fails, with all that it found in its result.
    """

    changed: bool
    values: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    failure: ApiError | None = None


class Operation(Protocol[State]):
    """What an operation must say of itself."""

    @property
    def thing(self) -> str:
        """The thing, as messages call it: C(incident 42 (Sentinel, workspace ...))."""

    def read(self) -> State:
        """The current state; raises ApiError."""

    def plan(self, current: State) -> Plan[State]:
        """A pure function of the current state."""

    def send(self, write: Write) -> None:
        """Send one write; raises ApiError."""

    def shows(self, state: State) -> bool:
        """Whether a state that was read tells if a write came about.

        Where it does not, a write that broke off is sent once more at once: it must be one that may be repeated.
        """

    def without_what_arrived(self, write: Write) -> Write:
        """A write that broke off, less those of its parts that took effect; raises ApiError if it can't be told."""

    def describe(self, state: State) -> str:
        """A state in a few words, for messages."""


@dataclass(frozen=True)
class Run:
    """How a run is to go.

    :param check_mode: only read and plan.
    :param verify_timeout: seconds within which a written change must show; 0 for no read-back.
    :param clock: where time comes from.
    """

    check_mode: bool = False
    verify_timeout: float = 30.0
    clock: Clock = field(default_factory=Clock)

    @property
    def look_for(self) -> float:
        """Seconds for which a write that broke off is looked for."""
        return self.verify_timeout if self.verify_timeout > 0 else LOOK_FOR


def difference(thing: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The C(diff) of a result.

    :param thing: what both states are of.
    :param before: the state before the run.
    :param after: the state that is planned.
    """
    return {"before_header": thing, "after_header": thing, "before": dict(before), "after": dict(after)}


def check_verify_timeout(options: Mapping[str, Any]) -> None:
    """Check the option that every operation with a read-back has.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    if options.get("verify_timeout", 0) < 0:
        raise configuration_error("verify_timeout must be a number of seconds, or 0 for no read-back.")


def reach(operation: Operation[State], run: Run) -> Outcome[State]:
    """Bring a thing to its wanted state.

    :param operation: the operation on that thing.
    :param run: how the run is to go.
    :raises ApiError: the plan's conflict, C(not_converged) if the change does not show within the time given,
        C(ambiguous_write) if a write broke off and the state cannot be read, and whatever reading and writing raise.
    """
    try:
        before = operation.read()
    except ApiError as failure:
        if failure.category in EXPLAINED and failure.http_status is None:
            raise failure.retold(f"{failure} Nothing was written.") from None
        message = f"{_capital(operation.thing)} could not be read, so nothing was written. {failure}"
        raise failure.retold(message) from None
    plan = operation.plan(before)
    if plan.conflict:
        raise plan.conflict.retold(f"{plan.conflict} Nothing was written.")
    if run.check_mode or not plan.writes:
        return Outcome(before, plan.after, plan)
    _apply(operation, plan, run)
    if run.verify_timeout <= 0:
        return Outcome(before, plan.after, plan)
    return Outcome(before, _verify(operation, run), plan)


def _apply(operation: Operation[State], plan: Plan[State], run: Run) -> None:
    """Send the writes. One that broke off is sent a second time, and only if what it does has not come about."""
    pending = list(plan.writes)
    sent: set[str] = set()
    sent_again: set[str] = set()
    wrote = False
    extent = ""
    while pending:
        write = pending.pop(0)
        sent.add(write.action)
        try:
            operation.send(write)
        except ApiError as failure:
            if not failure.ambiguous:
                opening = "" if failure.wrote else f"{_capital(operation.thing)} {extent or f'was not {write.done}'}. "
                raise failure.retold(f"{opening}{failure}", wrote=wrote or failure.wrote) from None
            extent = "may have been changed"
            state = _state_after_break(operation, failure, write, sent, run)
            pending = list(operation.plan(state).writes)
            if _adds_again(pending, sent):
                raise _perhaps_added(operation, write, run, failure, None) from None
            if any(left.action == write.action for left in pending):
                if write.action in sent_again:
                    raise _broke_off_twice(operation, failure, state) from None
                sent_again.add(write.action)
                if pending[0].action == write.action:
                    pending[0] = _trimmed(operation, failure, pending[0])
        else:
            extent = "was changed only in part"
        wrote = True


def _adds_again(writes: Sequence[Write], sent: Collection[str]) -> bool:
    """Whether something that must not be there twice would be added a second time."""
    return any(write.only_once and write.action in sent for write in writes)


def _state_after_break(
    operation: Operation[State], failure: ApiError, write: Write, sent: Collection[str], run: Run
) -> State:
    """What a thing shows after a write broke off, within the time for a change to show."""

    def has_come_about(state: State) -> bool:
        left = operation.plan(state).writes
        return all(entry.action != write.action for entry in left) and not _adds_again(left, sent)

    try:
        state = poll(
            operation.read, lambda seen: has_come_about(seen) or not operation.shows(seen), run.look_for, run.clock
        )
    except ApiError as unreadable:
        if write.only_once:
            raise _perhaps_added(operation, write, run, failure, unreadable) from None
        raise _outcome_unknown(operation, failure, unreadable) from None
    conflict = operation.plan(state).conflict
    if conflict:
        raise conflict.retold(f"{conflict} A write of this run broke off before that. {failure}", wrote=True)
    return state


def _perhaps_added(
    operation: Operation[State], write: Write, run: Run, failure: ApiError, unreadable: ApiError | None
) -> ApiError:
    """What is said when something that must not be there twice may have been added, and is not to be seen."""
    found = "looking for it failed"
    if unreadable is None:
        found = f"no such {operation.thing.split()[0]} was found within {run.look_for:g} s"
    told = " ".join(error.what for error in (failure, unreadable) if error)
    doubt = f"whether {operation.thing} was created" if write.only_once else f"what became of {operation.thing}"
    return failure.retold(
        f"It is not known {doubt}: the request broke off, and {found}. {told} Look for "
        "it in the portal before anything else: a further run creates it if it finds none, and would create a second "
        "one if it is there, but cannot be found yet.",
        "ambiguous_write",
        wrote=True,
        retryable=False,
    )


def _trimmed(operation: Operation[State], failure: ApiError, write: Write) -> Write:
    try:
        return operation.without_what_arrived(write)
    except ApiError as unreadable:
        raise _outcome_unknown(operation, failure, unreadable) from None


def _outcome_unknown(operation: Operation[State], failure: ApiError, unreadable: ApiError) -> ApiError:
    return failure.retold(
        f"It is not known whether {operation.thing} was changed: the write broke off and reading it back failed. "
        f"The write: {failure} The read: {unreadable} Look at the {operation.thing.split()[0]} before anything else; "
        "a run of the same task starts from what it then shows.",
        "ambiguous_write",
        wrote=True,
    )


def _broke_off_twice(operation: Operation[State], failure: ApiError, state: State) -> ApiError:
    if operation.shows(state):
        message = f"{_capital(operation.thing)} does not show the change: the write broke off twice. {failure}"
        return failure.retold(message, wrote=True)
    return failure.retold(
        f"It is not known whether {operation.thing} was changed: the write broke off twice, and the service does not "
        f"show what it changes. {failure}",
        "ambiguous_write",
        wrote=True,
    )


def _verify(operation: Operation[State], run: Run) -> State:
    """Read back until a further run would have nothing to do."""
    try:
        state = poll(operation.read, lambda seen: operation.plan(seen).is_done, run.verify_timeout, run.clock)
    except ApiError as failure:
        raise failure.retold(
            f"{_capital(operation.thing)} was written, but could not be read back, so it is not known to have "
            f"changed. {failure}",
            wrote=True,
        ) from None
    left = operation.plan(state)
    if not left.is_done:
        again = ", and what it adds would be there twice" if any(write.adds for write in left.writes) else ""
        raise ApiError(
            f"{_capital(operation.thing)} did not change within {run.verify_timeout:g} s although the service accepted "
            f"the request: it still shows {operation.describe(state)}. Look at it in the portal before anything else: "
            f"if the service is only slow, a further run before the change shows would write it again{again}. Raise "
            "verify_timeout if it needs more time.",
            "not_converged",
            wrote=True,
        )
    return state


def poll(read: Callable[[], State], moved: Callable[[State], bool], seconds: float, clock: Clock) -> State:
    """Read until something is seen or the time is over, and give the last state read.

    A look that fails may be the service's trouble of a moment, so the next one is still made.

    :param read: reads the state; raises ApiError.
    :param moved: whether a state is what is waited for.
    :param seconds: how long to wait.
    :param clock: where time comes from.
    :raises ApiError: when the last look failed, or one that no further look could mend.
    """
    deadline = clock.now() + seconds
    looks = 0
    while True:
        try:
            state = read()
            failure = None
        except ApiError as error:
            if error.category not in PASSING:
                raise
            failure = error
        left = deadline - clock.now()
        if failure is None and (moved(state) or left <= 0):
            return state
        if failure is not None and left <= 0:
            raise failure
        clock.sleep(min(POLL_WAITS[min(looks, len(POLL_WAITS) - 1)], left))
        looks += 1


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
