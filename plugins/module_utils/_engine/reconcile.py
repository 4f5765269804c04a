# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The reconcile loop of every operation: read, plan, apply, verify.

An operation defines how to read, plan and write. The loop decides how to handle interrupted writes, and when a run has
succeeded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, Callable, ClassVar, Collection, Generic, Mapping, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.clock import Clock

State = TypeVar("State")

#: Seconds within which the effect of an interrupted write must show if reading back is disabled.
DEFAULT_RECOVERY_TIMEOUT = 30.0

#: Categories of failed reads whose messages already name the object, unless they come from the service.
SELF_EXPLANATORY = frozenset({"configuration", "ambiguous_match"})

#: Categories of failed reads that are worth repeating.
TRANSIENT = frozenset({"unavailable", "rate_limited", "contract"})

#: Seconds between two reads while waiting for the expected state; the last interval repeats.
POLL_INTERVALS = (0.5, 1.0, 2.0, 4.0, 5.0)


@dataclass(frozen=True)
class Write:
    """One request that changes something.

    :param action: the kind of write, defined by the operation.
    :param body: the body of the request.
    :param is_additive: whether sending it twice would add something twice, such as a comment.
    :param never_resend: whether it is never sent again after an interruption, even if it seems to have had no effect.
    :param done: the past participle for messages, such as ``created``.
    """

    action: str
    body: Mapping[str, Any]
    is_additive: bool = False
    never_resend: bool = False
    done: str = "changed"


@dataclass(frozen=True)
class Plan(Generic[State]):
    """The writes that turn the current state into the wanted state, and the state after them.

    :param after: the state after the writes; the current state if there are none.
    :param writes: the writes, in the order in which they are sent.
    :param conflict: the reason why nothing may be written although the current state is not the wanted one.
    """

    after: State
    writes: tuple[Write, ...] = ()
    conflict: ApiError | None = None

    @property
    def is_done(self) -> bool:
        """Return whether the current state is the wanted one."""
        return not self.writes and self.conflict is None


@dataclass(frozen=True)
class Reconciliation(Generic[State]):
    """The states before and after a run, and its plan.

    :param before: the state that was read first.
    :param after: the state that was read back; the planned state in check mode or if reading back is disabled.
    :param plan: the first plan, which is the same in check mode.
    """

    before: State
    after: State
    plan: Plan[State]

    @property
    def changed(self) -> bool:
        """Return whether anything had to be written."""
        return bool(self.plan.writes)


@dataclass(frozen=True)
class OperationResult:
    """The result of an operation.

    :param changed: whether something was changed, or would be changed in check mode.
    :param values: the values of the task's result, by key.
    :param warnings: warnings for the user.
    :param failure: the failure of a task that has a result nevertheless.
    """

    changed: bool
    values: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)
    failure: ApiError | None = None


def may_have_changed(outcome: OperationResult | ApiError) -> bool:
    """Return whether something was changed or may have been changed.

    :param outcome: the result of a task or of an item of a list.
    """
    return outcome.may_have_changed if isinstance(outcome, ApiError) else outcome.changed


def after_writes(outcome: OperationResult | ApiError, has_written: bool) -> OperationResult | ApiError:
    """Return a result whose failure, if it follows a write, reports that something may have changed.

    :param outcome: the result of a task or of an item of a list, as the operation returned it.
    :param has_written: whether a write was sent and may have taken effect.
    """
    if not has_written:
        return outcome
    if isinstance(outcome, ApiError):
        return outcome.with_message(outcome.message, may_have_changed=True)
    return replace(outcome, changed=True) if outcome.failure else outcome


class Operation(ABC, Generic[State]):
    """An operation on one object. Subclasses define how to read, plan and write."""

    #: The kind of object, such as ``incident``.
    noun: ClassVar[str]

    @property
    @abstractmethod
    def label(self) -> str:
        """Return the name of the object for messages, such as ``incident 42 (Sentinel, workspace ...)``."""

    @abstractmethod
    def read(self) -> State:
        """Return the current state; raise ApiError if it cannot be read."""

    @abstractmethod
    def plan(self, current: State) -> Plan[State]:
        """Return the plan for a state. It depends only on this state and the wanted one."""

    @abstractmethod
    def send(self, write: Write) -> None:
        """Send one write; raise ApiError if it fails."""

    def can_observe(self, state: State) -> bool:
        """Return whether a state shows if a write took effect.

        Otherwise an interrupted write is sent again immediately, so it must be safe to repeat.
        """
        del state
        return True

    def drop_delivered_parts(self, write: Write) -> Write:
        """Return an interrupted write without the parts that took effect; raise ApiError if that cannot be known."""
        return write

    @abstractmethod
    def describe(self, state: State) -> str:
        """Return a short description of a state for messages."""


@dataclass(frozen=True)
class RunOptions:
    """The options of a run.

    :param check_mode: whether to stop after planning.
    :param verify_timeout: seconds within which a written change must show; 0 disables reading back.
    :param clock: the source of time.
    """

    check_mode: bool = False
    verify_timeout: float = 30.0
    clock: Clock = field(default_factory=Clock)

    @property
    def recovery_timeout(self) -> float:
        """Return the seconds within which the effect of an interrupted write must show."""
        return self.verify_timeout if self.verify_timeout > 0 else DEFAULT_RECOVERY_TIMEOUT


def difference(label: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``diff`` of a result.

    :param label: the name of the object.
    :param before: the state before the run.
    :param after: the planned state.
    """
    return {"before_header": label, "after_header": label, "before": dict(before), "after": dict(after)}


def check_verify_timeout(options: Mapping[str, Any]) -> None:
    """Raise ApiError if ``verify_timeout`` is negative.

    :param options: values by option name.
    """
    if options.get("verify_timeout", 0) < 0:
        raise configuration_error("verify_timeout must be a number of seconds, or 0 to disable reading back.")


def reconcile(operation: Operation[State], run: RunOptions) -> Reconciliation[State]:
    """Bring an object into its wanted state, and return the states before and after.

    :param operation: the operation on the object.
    :param run: the run options.
    :raises ApiError: the plan's conflict, ``not_converged`` if the change does not show in time, ``ambiguous_write`` if
        a write was interrupted and the state cannot be read, or any error of reading and writing.
    """
    try:
        before = operation.read()
    except ApiError as failure:
        if failure.category in SELF_EXPLANATORY and failure.http_status is None:
            raise failure.with_message(f"{failure} Nothing was written.") from None
        message = f"{_capitalize(operation.label)} could not be read, so nothing was written. {failure}"
        raise failure.with_message(message) from None
    plan = operation.plan(before)
    if plan.conflict:
        raise plan.conflict.with_message(f"{plan.conflict} Nothing was written.")
    if run.check_mode or not plan.writes:
        return Reconciliation(before, plan.after, plan)
    _apply(operation, plan, run)
    if run.verify_timeout <= 0:
        return Reconciliation(before, plan.after, plan)
    return Reconciliation(before, _verify(operation, run), plan)


def _apply(operation: Operation[State], plan: Plan[State], run: RunOptions) -> None:
    """Send the writes. An interrupted write is sent again only once, and only if it had no effect."""
    pending = list(plan.writes)
    sent: set[str] = set()
    resent: set[str] = set()
    has_written = False
    extent = ""
    while pending:
        write = pending.pop(0)
        sent.add(write.action)
        try:
            operation.send(write)
        except ApiError as failure:
            if not failure.ambiguous:
                opening = f"{_capitalize(operation.label)} {extent or f'was not {write.done}'}. "
                raise failure.with_message(
                    f"{'' if failure.may_have_changed else opening}{failure}",
                    may_have_changed=has_written or failure.may_have_changed,
                ) from None
            extent = "may have been changed"
            state = _state_after_interruption(operation, failure, write, sent, run)
            pending = list(operation.plan(state).writes)
            if _would_duplicate(pending, sent):
                raise _unknown_creation(operation, write, run, failure, None) from None
            if any(left.action == write.action for left in pending):
                if write.action in resent:
                    raise _interrupted_twice(operation, failure, state) from None
                resent.add(write.action)
                if pending[0].action == write.action:
                    pending[0] = _undelivered_parts(operation, failure, pending[0])
        else:
            extent = "was only partly changed"
        has_written = True


def _would_duplicate(writes: Sequence[Write], sent: Collection[str]) -> bool:
    """Return whether a write that must never be sent again would be sent again."""
    return any(write.never_resend and write.action in sent for write in writes)


def _state_after_interruption(
    operation: Operation[State], failure: ApiError, write: Write, sent: Collection[str], run: RunOptions
) -> State:
    """Return the state once an interrupted write has taken effect or the recovery timeout has expired."""

    def has_taken_effect(state: State) -> bool:
        left = operation.plan(state).writes
        return all(entry.action != write.action for entry in left) and not _would_duplicate(left, sent)

    try:
        state = poll(
            operation.read,
            lambda current: has_taken_effect(current) or not operation.can_observe(current),
            run.recovery_timeout,
            run.clock,
        )
    except ApiError as unreadable:
        if write.never_resend:
            raise _unknown_creation(operation, write, run, failure, unreadable) from None
        raise _unknown_change(operation, failure, unreadable) from None
    conflict = operation.plan(state).conflict
    if conflict:
        raise conflict.with_message(
            f"{conflict} An earlier write of this run was interrupted. {failure}", may_have_changed=True
        )
    return state


def _unknown_creation(
    operation: Operation[State], write: Write, run: RunOptions, failure: ApiError, unreadable: ApiError | None
) -> ApiError:
    """Return the failure for an object that may have been created but cannot be found."""
    found = "searching for it failed"
    if unreadable is None:
        found = f"no such {operation.noun} was found within {run.recovery_timeout:g} s"
    causes = " ".join(error.cause for error in (failure, unreadable) if error)
    doubt = f"whether {operation.label} was created" if write.never_resend else f"what happened to {operation.label}"
    return failure.with_message(
        f"It is not known {doubt}: the request was interrupted, and {found}. {causes} Look for it in the portal first: "
        f"if it exists but cannot be found yet, a further run would create a second one.",
        "ambiguous_write",
        may_have_changed=True,
        retryable=False,
    )


def _undelivered_parts(operation: Operation[State], failure: ApiError, write: Write) -> Write:
    try:
        return operation.drop_delivered_parts(write)
    except ApiError as unreadable:
        raise _unknown_change(operation, failure, unreadable) from None


def _unknown_change(operation: Operation[State], failure: ApiError, unreadable: ApiError) -> ApiError:
    return failure.with_message(
        f"It is not known whether {operation.label} was changed: the write was interrupted, and reading the state "
        f"failed. The write: {failure} The read: {unreadable} Check the {operation.noun} in the portal, and run the "
        "task again, which starts from the current state.",
        "ambiguous_write",
        may_have_changed=True,
    )


def _interrupted_twice(operation: Operation[State], failure: ApiError, state: State) -> ApiError:
    if operation.can_observe(state):
        message = f"{_capitalize(operation.label)} does not show the change: the write was interrupted twice. {failure}"
        return failure.with_message(message, may_have_changed=True)
    return failure.with_message(
        f"It is not known whether {operation.label} was changed: the write was interrupted twice, and the service "
        f"does not show the values that it changes. {failure}",
        "ambiguous_write",
        may_have_changed=True,
    )


def _verify(operation: Operation[State], run: RunOptions) -> State:
    """Read back until another run would change nothing, and return the state; raise ApiError if that fails."""
    try:
        state = poll(operation.read, lambda current: operation.plan(current).is_done, run.verify_timeout, run.clock)
    except ApiError as failure:
        raise failure.with_message(
            f"{_capitalize(operation.label)} was written but could not be read back, so it is not known "
            f"whether it changed. {failure}",
            may_have_changed=True,
        ) from None
    left = operation.plan(state)
    if left.conflict and left.conflict.category == "not_converged":
        raise left.conflict.with_message(left.conflict.message, may_have_changed=True)
    if not left.is_done:
        twice = ", and add it twice" if any(write.is_additive for write in left.writes) else ""
        raise ApiError(
            f"{_capitalize(operation.label)} did not change within {run.verify_timeout:g} s although the service "
            f"accepted the request; it still shows {operation.describe(state)}. Check it in the portal before you run "
            f"the task again, because a further run before the change shows would send it again{twice}; increase "
            "verify_timeout if the service needs more time.",
            "not_converged",
            may_have_changed=True,
        )
    return state


def poll(read: Callable[[], State], is_expected: Callable[[State], bool], timeout: float, clock: Clock) -> State:
    """Read until the state is the expected one or the timeout expires, and return the last state.

    A read is repeated if it fails with a transient error.

    :param read: returns the state; raises ApiError.
    :param is_expected: returns whether a state is the expected one.
    :param timeout: in seconds.
    :param clock: the source of time.
    :raises ApiError: if the last read failed, or any read failed with an error that is not transient.
    """
    deadline = clock.now() + timeout
    reads = 0
    while True:
        try:
            state = read()
            failure = None
        except ApiError as error:
            if error.category not in TRANSIENT:
                raise
            failure = error
        left = deadline - clock.now()
        if failure is None and (is_expected(state) or left <= 0):
            return state
        if failure is not None and left <= 0:
            raise failure
        clock.sleep(min(POLL_INTERVALS[min(reads, len(POLL_INTERVALS) - 1)], left))
        reads += 1


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
