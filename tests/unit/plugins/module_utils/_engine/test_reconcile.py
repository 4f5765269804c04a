# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way through, with an operation of two writes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    DEFAULT_RECOVERY_TIMEOUT,
    SELF_EXPLANATORY,
    TRANSIENT,
    Operation,
    Plan,
    RunOptions,
    Write,
    check_verify_timeout,
    difference,
    poll,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock
from ansible_collections.secops.itsm.tests.unit.messages import assert_message, has_fact

BROKEN = ApiError("It broke off.", "unavailable", ambiguous=True)
REFUSED = ApiError("It was refused.", "permission", http_status=403)
UNAVAILABLE = ApiError("It is down.", "unavailable", http_status=503, retryable=True)


class TwoSwitches(Operation[Any]):
    """Two switches that have to be on; each is turned on by a write of its own."""

    noun, label = "cupboard", "cupboard 7"

    def __init__(self, faults: dict[int, tuple[ApiError, bool]], is_dark: bool = False) -> None:
        self.on: set[str] = set()
        self.heard: set[str] = set()
        self.is_dark = is_dark
        self.clock = FakeClock()
        self.sent: list[str] = []
        self.faults = faults

    def read(self) -> frozenset[str]:
        return frozenset(self.heard if self.is_dark else self.on)

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        writes = tuple(Write(name, {"on": name}) for name in ("left", "right") if name not in current)
        return Plan(frozenset({"left", "right"}), writes)

    def send(self, write: Write) -> None:
        self.sent.append(write.action)
        error, takes_effect = self.faults.pop(len(self.sent), (None, True))
        if takes_effect:
            self.on.add(write.action)
        if isinstance(error, ApiError):
            raise error
        self.heard.add(write.action)

    def can_observe(self, state: frozenset[str]) -> bool:
        return not self.is_dark

    def describe(self, state: Any) -> str:
        return ", ".join(sorted(state)) or "nothing on"


def go(faults: dict[int, tuple[ApiError, bool]], is_dark: bool = False) -> tuple[TwoSwitches, Any]:
    operation = TwoSwitches(faults, is_dark)
    try:
        return operation, reconcile(operation, RunOptions(clock=operation.clock))
    except ApiError as error:
        return operation, error


@pytest.mark.parametrize(
    "faults, sent",
    [
        ({}, ["left", "right"]),
        ({1: (BROKEN, True)}, ["left", "right"]),
        ({1: (BROKEN, False)}, ["left", "left", "right"]),
        ({2: (BROKEN, True)}, ["left", "right"]),
        ({2: (BROKEN, False)}, ["left", "right", "right"]),
    ],
)
def test_every_write_takes_effect_once(faults, sent):
    operation, outcome = go(faults)
    assert outcome.changed
    assert operation.sent == sent
    assert operation.on == {"left", "right"}


def test_rejected_second_write_reports_a_partial_change():
    _operation, error = go({2: (REFUSED, False)})
    assert_message(error.message, "Cupboard 7", "only in part", REFUSED.message)
    assert (error.category, error.may_have_changed) == ("permission", True)


def test_rejected_first_write_reports_no_change():
    operation, error = go({1: (REFUSED, False)})
    assert_message(error.message, "Cupboard 7", "not changed", REFUSED.message)
    assert (operation.sent, error.may_have_changed) == (["left"], False)


def test_rejection_after_an_interruption_reports_uncertainty():
    _operation, error = go({1: (BROKEN, False), 2: (REFUSED, False)})
    assert_message(error.message, "Cupboard 7", "may have", REFUSED.message)
    assert error.may_have_changed


@pytest.mark.parametrize(
    "faults, sent",
    [
        ({}, ["left", "right"]),
        ({1: (BROKEN, True)}, ["left", "left", "right"]),
        ({1: (BROKEN, False)}, ["left", "left", "right"]),
        ({1: (BROKEN, True), 3: (BROKEN, True)}, ["left", "left", "right", "right"]),
    ],
)
def test_unobservable_write_is_sent_again_once(faults, sent):
    operation, outcome = go(faults, is_dark=True)
    assert outcome.changed
    assert operation.sent == sent
    assert operation.on == {"left", "right"}
    assert operation.clock.slept == []


def test_unobservable_write_interrupted_twice_is_ambiguous():
    operation, error = go({1: (BROKEN, True), 2: (BROKEN, True)}, is_dark=True)
    assert (error.category, error.may_have_changed) == ("ambiguous_write", True)
    assert_message(error.message, "not known", "cupboard 7", "twice", "does not show", BROKEN.message)
    assert operation.sent == ["left", "left"]


def test_each_write_may_be_interrupted_once():
    operation, outcome = go({1: (BROKEN, False), 3: (BROKEN, False)})
    assert outcome.changed
    assert operation.sent == ["left", "left", "right", "right"]


class Guarded(TwoSwitches):
    """Somebody else turns a third switch on, after which nothing may be written."""

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        if "third" in current:
            return Plan(current, conflict=ApiError("The third switch is on.", "conflict"))
        return super().plan(current)


def test_conflict_prevents_any_write():
    operation = Guarded({})
    operation.on = {"third"}
    for check_mode in (True, False):
        with pytest.raises(ApiError) as caught:
            reconcile(operation, RunOptions(check_mode, clock=FakeClock()))
        assert (caught.value.category, caught.value.may_have_changed) == ("conflict", False)
        assert_message(caught.value.message, "The third switch is on.", "Nothing was written")
    assert operation.sent == []


def test_conflict_after_an_interruption_ends_the_run():
    operation = Guarded({1: (BROKEN, False)})
    send = operation.send

    def interfere(write: Write) -> None:
        operation.on.add("third")
        send(write)

    operation.send = interfere  # type: ignore[method-assign]  # somebody else is quicker
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=FakeClock()))
    assert (caught.value.category, caught.value.may_have_changed) == ("conflict", True)
    assert_message(caught.value.message, "The third switch is on.", "broke off", BROKEN.message)
    assert operation.sent == ["left"]


def test_conflict_after_the_write_is_a_failure():
    operation = Guarded({})
    send = operation.send

    def interfere(write: Write) -> None:
        send(write)
        operation.on.add("third")

    operation.send = interfere  # type: ignore[method-assign]  # somebody else is quicker
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=FakeClock()))
    assert (caught.value.category, caught.value.may_have_changed) == ("not_converged", True)


def test_failure_that_reports_a_change_keeps_its_message():
    _operation, error = go({1: (ApiError("The wrong switch is on.", "not_converged", may_have_changed=True), False)})
    assert (error.message, error.may_have_changed) == ("The wrong switch is on.", True)


class Adding(TwoSwitches):
    """Its writes add something."""

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        found = super().plan(current)
        return Plan(found.after, tuple(Write(write.action, write.body, is_additive=True) for write in found.writes))


@pytest.mark.parametrize("kind, told", [(Adding, True), (TwoSwitches, False)])
def test_additive_write_warns_of_duplicates(kind, told):
    operation = kind({1: (None, False), 2: (None, False)})
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=FakeClock()))
    assert caught.value.category == "not_converged"
    assert_message(caught.value.message, "Cupboard 7", "30 s", "nothing on", "verify_timeout")
    assert has_fact(caught.value.message, "twice") == told


def test_interrupted_write_is_read_back_without_verify_timeout():
    operation = TwoSwitches({1: (BROKEN, True)})
    shown = [frozenset[str](), frozenset[str](), frozenset({"left"}), frozenset({"left", "right"})]
    operation.read = lambda: shown.pop(0) if len(shown) > 1 else shown[0]  # type: ignore[method-assign]  # it lags
    reconcile(operation, RunOptions(verify_timeout=0, clock=operation.clock))
    assert operation.sent == ["left", "right"]


# --- a write that is sent only once ---------------------------------------------------------------------------------


class Order(Operation[Any]):
    """A ticket that is there once it was ordered, and that a search shows only after some time."""

    noun, label = "ticket", "ticket 'Laptop' (team james)"

    def __init__(self, fault: ApiError | None, arrives: bool, lag: float = 0.0, then: tuple[str, ...] = ()) -> None:
        self.clock = FakeClock()
        self.sent: list[str] = []
        self.fault = fault
        self.arrives = arrives
        self.lag = lag
        self.ordered_at: float | None = None
        self.wanted = ("create", *then)
        self.done: set[str] = set()
        self.reads = 0

    def read(self) -> frozenset[str]:
        self.reads += 1
        is_shown = self.ordered_at is not None and self.clock.now() >= self.ordered_at + self.lag
        return frozenset(self.done | ({"create"} if is_shown else set()))

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        writes = [
            Write(name, {}, never_resend=name == "create", done=f"{name}d")
            for name in self.wanted
            if name not in current
        ]
        return Plan(frozenset(self.wanted), tuple(writes))

    def send(self, write: Write) -> None:
        self.sent.append(write.action)
        if write.action != "create":
            self.done.add(write.action)
            return
        if self.arrives:
            self.ordered_at = self.clock.now()
        if self.fault is not None:
            raise self.fault

    def describe(self, state: Any) -> str:
        return ", ".join(sorted(state)) or "none"


@pytest.mark.parametrize("verify_timeout, looked_for", [(30.0, 30.0), (7.0, 7.0), (0.0, DEFAULT_RECOVERY_TIMEOUT)])
def test_never_resent_write_that_is_not_found_is_ambiguous(verify_timeout, looked_for):
    broken = ApiError("It broke off.", "unavailable", ambiguous=True, retryable=True, http_status=502)
    operation = Order(broken, arrives=False)
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(verify_timeout=verify_timeout, clock=operation.clock))
    error = caught.value
    assert operation.sent == ["create"]
    assert operation.clock.time == looked_for
    assert (error.category, error.may_have_changed, error.retryable, error.http_status) == (
        "ambiguous_write",
        True,
        False,
        502,
    )
    facts = "not known", "ticket 'Laptop' (team james)", f"{looked_for:g} s", "It broke off.", "portal", "second one"
    assert_message(error.message, *facts)


@pytest.mark.parametrize("lag", [0.0, 0.4, 12.0, 29.9, 30.0])
def test_interrupted_write_that_took_effect_is_found(lag):
    operation = Order(BROKEN, arrives=True, lag=lag)
    outcome = reconcile(operation, RunOptions(clock=operation.clock))
    assert (outcome.changed, operation.sent) == (True, ["create"])
    assert outcome.after == {"create"}


def test_never_resent_write_that_shows_too_late_is_ambiguous():
    operation = Order(BROKEN, arrives=True, lag=30.1)
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=operation.clock))
    assert (caught.value.category, operation.sent) == ("ambiguous_write", ["create"])


def test_remaining_writes_follow_an_interrupted_one():
    operation = Order(BROKEN, arrives=True, lag=3.0, then=("update",))
    assert reconcile(operation, RunOptions(clock=operation.clock)).after == {"create", "update"}
    assert operation.sent == ["create", "update"]


def test_rejected_never_resent_write_reports_no_change():
    operation = Order(REFUSED, arrives=False)
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=operation.clock))
    assert (caught.value.category, caught.value.may_have_changed, operation.sent) == ("permission", False, ["create"])
    assert_message(caught.value.message, "Ticket 'Laptop' (team james)", "not created", REFUSED.message)
    assert operation.reads == 1


class Forgetful(Order):
    """What was ordered is shown once, and then not any more."""

    def read(self) -> frozenset[str]:
        return super().read() - ({"create"} if self.sent[-1:] == ["update"] else set())


@pytest.mark.parametrize("breaks", [False, True])
def test_never_resent_write_is_not_sent_again_by_a_new_plan(breaks):
    operation = Forgetful(BROKEN if breaks else None, arrives=True, then=("update", "label"))
    send = operation.send

    def breaking(write: Write) -> None:
        send(write)
        if write.action == "update":
            raise BROKEN

    operation.send = breaking  # type: ignore[method-assign]  # the second write breaks off, too
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=operation.clock))
    assert (caught.value.category, caught.value.may_have_changed, caught.value.retryable) == (
        "ambiguous_write",
        True,
        False,
    )
    assert operation.sent == ["create", "update"]


@pytest.mark.parametrize("arrives", [False, True])
def test_never_resent_write_follows_an_interrupted_one(arrives):
    operation = Order(None, arrives=True)
    operation.wanted = ("prepare", "create")
    send = operation.send

    def breaking(write: Write) -> None:
        if operation.sent == []:
            if arrives:
                send(write)
            else:
                operation.sent.append(write.action)
            raise BROKEN
        send(write)

    operation.send = breaking  # type: ignore[method-assign]  # the first write breaks off
    assert reconcile(operation, RunOptions(clock=operation.clock)).after == {"prepare", "create"}
    assert operation.sent == (["prepare", "create"] if arrives else ["prepare", "prepare", "create"])


@pytest.mark.parametrize("verify_timeout", [0.0, 7.0])
@pytest.mark.parametrize("category", CATEGORIES)
def test_never_resent_write_with_failed_reads_is_ambiguous(category, verify_timeout):
    operation = Order(BROKEN, arrives=True)
    read = operation.read

    def failing() -> frozenset[str]:
        if operation.sent:
            raise ApiError("It cannot be seen. Open the lid.", category, cause="It cannot be seen.")
        return read()

    operation.read = failing  # type: ignore[method-assign]  # nothing can be read after the write
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(verify_timeout=verify_timeout, clock=operation.clock))
    error = caught.value
    assert (error.category, error.may_have_changed, error.retryable) == ("ambiguous_write", True, False)
    causes = "It broke off.", "It cannot be seen."
    assert_message(error.message, "not known", "ticket 'Laptop' (team james)", *causes, "portal", "second one")
    # What to do about the failed read does not help here.
    assert "Open the lid." not in error.message
    assert operation.clock.time == ((verify_timeout or DEFAULT_RECOVERY_TIMEOUT) if category in TRANSIENT else 0)


def test_interrupted_write_is_found_after_failed_reads():
    operation = Order(BROKEN, arrives=True)
    read = operation.read

    def failing() -> frozenset[str]:
        if operation.sent and operation.clock.now() < 3:
            raise UNAVAILABLE
        return read()

    operation.read = failing  # type: ignore[method-assign]  # nothing can be read for a while
    assert reconcile(operation, RunOptions(clock=operation.clock)).after == {"create"}
    assert operation.sent == ["create"]


def test_check_mode_sends_nothing():
    operation = Order(None, arrives=True)
    outcome = reconcile(operation, RunOptions(check_mode=True, clock=operation.clock))
    assert (outcome.changed, outcome.after, operation.sent, operation.reads) == (True, {"create"}, [], 1)


# --- a read that fails ----------------------------------------------------------------------------------------------


def unreadable(failure: ApiError) -> ApiError:
    operation = TwoSwitches({})

    def read() -> frozenset[str]:
        raise failure

    operation.read = read  # type: ignore[method-assign]  # nothing can be read
    with pytest.raises(ApiError) as caught:
        reconcile(operation, RunOptions(clock=operation.clock))
    assert operation.sent == []
    assert (caught.value.category, caught.value.may_have_changed) == (failure.category, False)
    return caught.value


@pytest.mark.parametrize("category", CATEGORIES)
def test_self_explanatory_read_failure_keeps_its_message(category):
    found = unreadable(ApiError("There are two.", category))
    assert_message(found.message, "There are two.", "written")
    assert has_fact(found.message, "Cupboard 7") == (category not in ("configuration", "ambiguous_match"))


@pytest.mark.parametrize("category", sorted(SELF_EXPLANATORY))
def test_read_failure_of_the_service_names_the_object(category):
    found = unreadable(ApiError("The tenant was not found.", category, http_status=404))
    assert_message(found.message, "Cupboard 7", "not be read", "nothing was written", "The tenant was not found.")
    assert found.http_status == 404


# --- poll -----------------------------------------------------------------------------------------------------------


def test_poll_backs_off_and_reads_at_the_deadline():
    clock = FakeClock()
    looks: list[float] = []
    assert poll(lambda: looks.append(clock.now()) or len(looks), lambda seen: False, 20.0, clock) == len(looks)
    assert looks == [0.0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 20.0]
    assert clock.slept == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 2.5]


def test_poll_ends_with_the_expected_state():
    clock = FakeClock()
    shown = ["old", "old", "new", "newer"]
    assert poll(lambda: shown.pop(0), lambda seen: seen != "old", 20.0, clock) == "new"
    assert (shown, clock.slept) == (["newer"], [0.5, 1.0])


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_poll_without_time_reads_once(seconds):
    clock = FakeClock()
    assert poll(lambda: "old", lambda seen: False, seconds, clock) == "old"
    assert clock.slept == []


def test_poll_raises_failures():
    def read() -> str:
        raise REFUSED

    with pytest.raises(ApiError, match="It was refused"):
        poll(read, lambda seen: True, 20.0, FakeClock())


@pytest.mark.parametrize("category", CATEGORIES)
def test_poll_repeats_reads_after_transient_failures_only(category):
    clock, looks = FakeClock(), iter([ApiError("No.", category), "old", ApiError("No.", category), "new"])

    def read() -> str:
        found = next(looks)
        if isinstance(found, ApiError):
            raise found
        return found

    if category in TRANSIENT:
        assert poll(read, lambda seen: seen == "new", 20.0, clock) == "new"
        assert clock.slept == [0.5, 1.0, 2.0]
    else:
        with pytest.raises(ApiError, match="No"):
            poll(read, lambda seen: seen == "new", 20.0, clock)
        assert clock.slept == []


def test_transient_categories():
    assert sorted(TRANSIENT) == ["contract", "rate_limited", "unavailable"]


@pytest.mark.parametrize("seconds", [0.0, 20.0])
def test_poll_raises_the_last_failure_at_the_deadline(seconds):
    clock = FakeClock()
    looks: list[float] = []

    def read() -> str:
        looks.append(clock.now())
        raise ApiError(f"Look {len(looks)} failed.", "unavailable")

    with pytest.raises(ApiError, match=f"^Look {8 if seconds else 1} failed"):
        poll(read, lambda seen: True, seconds, clock)
    assert clock.time == seconds


def test_poll_with_a_failed_last_read_raises():
    clock = FakeClock()

    def read() -> str:
        if clock.now() >= 20:
            raise UNAVAILABLE
        return "old"

    with pytest.raises(ApiError, match="It is down"):
        poll(read, lambda seen: False, 20.0, clock)


def test_failed_read_back_is_repeated():
    operation = TwoSwitches({})
    looks: list[int] = []
    read = operation.read

    def failing() -> frozenset[str]:
        looks.append(len(operation.sent))
        if looks.count(2) == 1:
            raise UNAVAILABLE
        return read()

    operation.read = failing  # type: ignore[method-assign]  # one look fails
    assert reconcile(operation, RunOptions(clock=operation.clock)).changed
    assert (operation.sent, operation.clock.slept) == (["left", "right"], [0.5])


def test_poll_counts_the_time_of_reads():
    clock = FakeClock()

    def read() -> str:
        clock.time += 6.0
        return "old"

    poll(read, lambda seen: False, 10.0, clock)
    assert clock.slept == [0.5]


# --- small parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify_timeout, recovery_timeout", [(0, 30.0), (0.5, 0.5), (90, 90)])
def test_recovery_timeout_is_verify_timeout_unless_zero(verify_timeout, recovery_timeout):
    assert RunOptions(verify_timeout=verify_timeout).recovery_timeout == recovery_timeout


@pytest.mark.parametrize("options", [{}, {"verify_timeout": 0}, {"verify_timeout": 30}])
def test_valid_verify_timeout(options):
    check_verify_timeout(options)


def test_negative_verify_timeout_is_rejected():
    with pytest.raises(ApiError) as caught:
        check_verify_timeout({"verify_timeout": -1})
    assert_message(caught.value.message, "verify_timeout", 0)
    assert caught.value.category == "configuration"


def test_difference():
    before, after = {"a": 1}, {"a": 2}
    found = difference("ticket 7", before, after)
    assert found == {"before_header": "ticket 7", "after_header": "ticket 7", "before": {"a": 1}, "after": {"a": 2}}
    assert found["before"] is not before
