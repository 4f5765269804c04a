# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way through, with an operation of two writes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import (
    EXPLAINED,
    LOOK_FOR,
    PASSING,
    Plan,
    Run,
    Write,
    check_verify_timeout,
    difference,
    poll,
    reach,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import CATEGORIES, ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock

BROKEN = ApiError("It broke off.", "unavailable", ambiguous=True)
REFUSED = ApiError("It was refused.", "permission", http_status=403)
UNAVAILABLE = ApiError("It is down.", "unavailable", http_status=503, retryable=True)


class TwoSwitches:
    """Two switches that have to be on; each is turned on by a write of its own."""

    thing = "cupboard 7"

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

    def shows(self, state: frozenset[str]) -> bool:
        return not self.is_dark

    def without_what_arrived(self, write: Write) -> Write:
        return write

    def describe(self, state: Any) -> str:
        return ", ".join(sorted(state)) or "nothing on"


def go(faults: dict[int, tuple[ApiError, bool]], is_dark: bool = False) -> tuple[TwoSwitches, Any]:
    operation = TwoSwitches(faults, is_dark)
    try:
        return operation, reach(operation, Run(clock=operation.clock))
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


def test_second_write_refused_is_told_as_half_done():
    _operation, error = go({2: (REFUSED, False)})
    assert error.message.startswith("Cupboard 7 was changed only in part.")
    assert (error.category, error.wrote) == ("permission", True)


def test_first_write_refused_is_told_as_nothing_done():
    operation, error = go({1: (REFUSED, False)})
    assert error.message.startswith("Cupboard 7 was not changed.")
    assert (operation.sent, error.wrote) == (["left"], False)


def test_a_refusal_after_a_break_is_told_with_doubt():
    _operation, error = go({1: (BROKEN, False), 2: (REFUSED, False)})
    assert error.message.startswith("Cupboard 7 may have been changed.")
    assert error.wrote


@pytest.mark.parametrize(
    "faults, sent",
    [
        ({}, ["left", "right"]),
        ({1: (BROKEN, True)}, ["left", "left", "right"]),
        ({1: (BROKEN, False)}, ["left", "left", "right"]),
        ({1: (BROKEN, True), 3: (BROKEN, True)}, ["left", "left", "right", "right"]),
    ],
)
def test_what_is_not_shown_is_sent_again_at_once_and_only_once(faults, sent):
    operation, outcome = go(faults, is_dark=True)
    assert outcome.changed
    assert operation.sent == sent
    assert operation.on == {"left", "right"}
    assert operation.clock.slept == []


def test_what_is_not_shown_and_breaks_off_twice_is_not_known():
    operation, error = go({1: (BROKEN, True), 2: (BROKEN, True)}, is_dark=True)
    assert (error.category, error.wrote) == ("ambiguous_write", True)
    assert "does not show what it changes" in error.message
    assert operation.sent == ["left", "left"]


def test_each_write_may_break_off_once():
    operation, outcome = go({1: (BROKEN, False), 3: (BROKEN, False)})
    assert outcome.changed
    assert operation.sent == ["left", "left", "right", "right"]


class Guarded(TwoSwitches):
    """Somebody else turns a third switch on, after which nothing may be written."""

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        if "third" in current:
            return Plan(current, conflict=ApiError("The third switch is on.", "conflict"))
        return super().plan(current)


def test_a_conflict_stops_a_run_before_any_write():
    operation = Guarded({})
    operation.on = {"third"}
    for check_mode in (True, False):
        with pytest.raises(ApiError) as caught:
            reach(operation, Run(check_mode, clock=FakeClock()))
        assert (caught.value.category, caught.value.wrote) == ("conflict", False)
        assert caught.value.message == "The third switch is on. Nothing was written."
    assert operation.sent == []


def test_a_conflict_that_comes_up_after_a_break_stops_the_run():
    operation = Guarded({1: (BROKEN, False)})
    send = operation.send

    def interfere(write: Write) -> None:
        operation.on.add("third")
        send(write)

    operation.send = interfere  # type: ignore[method-assign]  # somebody else is quicker
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=FakeClock()))
    assert (caught.value.category, caught.value.wrote) == ("conflict", True)
    assert "A write of this run broke off before that." in caught.value.message
    assert operation.sent == ["left"]


def test_a_conflict_that_comes_up_after_the_write_is_no_success():
    operation = Guarded({})
    send = operation.send

    def interfere(write: Write) -> None:
        send(write)
        operation.on.add("third")

    operation.send = interfere  # type: ignore[method-assign]  # somebody else is quicker
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=FakeClock()))
    assert (caught.value.category, caught.value.wrote) == ("not_converged", True)


def test_a_failure_that_knows_what_it_wrote_is_told_in_its_own_words():
    _operation, error = go({1: (ApiError("The wrong switch is on.", "not_converged", wrote=True), False)})
    assert (error.message, error.wrote) == ("The wrong switch is on.", True)


class Adding(TwoSwitches):
    """Its writes add something."""

    def plan(self, current: frozenset[str]) -> Plan[frozenset[str]]:
        found = super().plan(current)
        return Plan(found.after, tuple(Write(write.action, write.body, adds=True) for write in found.writes))


@pytest.mark.parametrize("kind, told", [(Adding, True), (TwoSwitches, False)])
def test_what_would_be_there_twice_is_told_where_a_write_adds_something(kind, told):
    operation = kind({1: (None, False), 2: (None, False)})
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=FakeClock()))
    assert caught.value.category == "not_converged"
    assert ("what it adds would be there twice" in caught.value.message) == told


def test_a_write_that_broke_off_is_looked_for_even_without_a_read_back():
    operation = TwoSwitches({1: (BROKEN, True)})
    shown = [frozenset[str](), frozenset[str](), frozenset({"left"}), frozenset({"left", "right"})]
    operation.read = lambda: shown.pop(0) if len(shown) > 1 else shown[0]  # type: ignore[method-assign]  # it lags
    reach(operation, Run(verify_timeout=0, clock=operation.clock))
    assert operation.sent == ["left", "right"]


# --- a write that is sent only once ---------------------------------------------------------------------------------


class Order:
    """A ticket that is there once it was ordered, and that a search shows only after some time."""

    thing = "ticket 'Laptop' (team james)"

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
            Write(name, {}, only_once=name == "create", done=f"{name}d") for name in self.wanted if name not in current
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

    def shows(self, state: frozenset[str]) -> bool:
        return True

    def without_what_arrived(self, write: Write) -> Write:
        return write

    def describe(self, state: Any) -> str:
        return ", ".join(sorted(state)) or "none"


@pytest.mark.parametrize("verify_timeout, looked_for", [(30.0, 30.0), (7.0, 7.0), (0.0, LOOK_FOR)])
def test_a_write_that_is_sent_only_once_is_looked_for_and_then_given_up(verify_timeout, looked_for):
    broken = ApiError("It broke off.", "unavailable", ambiguous=True, retryable=True, http_status=502)
    operation = Order(broken, arrives=False)
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(verify_timeout=verify_timeout, clock=operation.clock))
    error = caught.value
    assert operation.sent == ["create"]
    assert operation.clock.time == looked_for
    assert (error.category, error.wrote, error.retryable, error.http_status) == ("ambiguous_write", True, False, 502)
    assert error.message.startswith("It is not known whether ticket 'Laptop' (team james) was created: ")
    assert f"no such ticket was found within {looked_for:g} s. It broke off. Look for it in the portal" in error.message
    assert error.message.endswith("would create a second one if it is there, but cannot be found yet.")


@pytest.mark.parametrize("lag", [0.0, 0.4, 12.0, 29.9, 30.0])
def test_a_write_that_came_about_is_found(lag):
    operation = Order(BROKEN, arrives=True, lag=lag)
    outcome = reach(operation, Run(clock=operation.clock))
    assert (outcome.changed, operation.sent) == (True, ["create"])
    assert outcome.after == {"create"}


def test_a_write_that_shows_too_late_is_not_sent_again_either():
    operation = Order(BROKEN, arrives=True, lag=30.1)
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=operation.clock))
    assert (caught.value.category, operation.sent) == ("ambiguous_write", ["create"])


def test_what_is_left_after_a_write_that_came_about_is_sent():
    operation = Order(BROKEN, arrives=True, lag=3.0, then=("update",))
    assert reach(operation, Run(clock=operation.clock)).after == {"create", "update"}
    assert operation.sent == ["create", "update"]


def test_a_refused_write_that_is_sent_only_once_is_told_as_any_other():
    operation = Order(REFUSED, arrives=False)
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=operation.clock))
    assert (caught.value.category, caught.value.wrote, operation.sent) == ("permission", False, ["create"])
    assert caught.value.message == "Ticket 'Laptop' (team james) was not created. It was refused."
    assert operation.reads == 1


class Forgetful(Order):
    """What was ordered is shown once, and then not any more."""

    def read(self) -> frozenset[str]:
        return super().read() - ({"create"} if self.sent[-1:] == ["update"] else set())


@pytest.mark.parametrize("breaks", [False, True])
def test_a_write_that_is_sent_only_once_is_not_sent_again_whatever_the_plan_says(breaks):
    operation = Forgetful(BROKEN if breaks else None, arrives=True, then=("update", "label"))
    send = operation.send

    def breaking(write: Write) -> None:
        send(write)
        if write.action == "update":
            raise BROKEN

    operation.send = breaking  # type: ignore[method-assign]  # the second write breaks off, too
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=operation.clock))
    assert (caught.value.category, caught.value.wrote, caught.value.retryable) == ("ambiguous_write", True, False)
    assert operation.sent == ["create", "update"]


@pytest.mark.parametrize("arrives", [False, True])
def test_a_write_that_is_sent_only_once_may_follow_one_that_broke_off(arrives):
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
    assert reach(operation, Run(clock=operation.clock)).after == {"prepare", "create"}
    assert operation.sent == (["prepare", "create"] if arrives else ["prepare", "prepare", "create"])


@pytest.mark.parametrize("verify_timeout", [0.0, 7.0])
@pytest.mark.parametrize("category", CATEGORIES)
def test_a_write_that_is_sent_only_once_and_cannot_be_looked_for(category, verify_timeout):
    operation = Order(BROKEN, arrives=True)
    read = operation.read

    def failing() -> frozenset[str]:
        if operation.sent:
            raise ApiError("It cannot be seen. Open the lid.", category, what="It cannot be seen.")
        return read()

    operation.read = failing  # type: ignore[method-assign]  # nothing can be read after the write
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(verify_timeout=verify_timeout, clock=operation.clock))
    error = caught.value
    assert (error.category, error.wrote, error.retryable) == ("ambiguous_write", True, False)
    assert error.message == (
        "It is not known whether ticket 'Laptop' (team james) was created: the request broke off, and looking for it "
        "failed. It broke off. It cannot be seen. Look for it in the portal before anything else: a further run "
        "creates it if it finds none, and would create a second one if it is there, but cannot be found yet."
    )
    assert operation.clock.time == ((verify_timeout or LOOK_FOR) if category in PASSING else 0)


def test_a_write_that_came_about_is_found_although_the_first_looks_fail():
    operation = Order(BROKEN, arrives=True)
    read = operation.read

    def failing() -> frozenset[str]:
        if operation.sent and operation.clock.now() < 3:
            raise UNAVAILABLE
        return read()

    operation.read = failing  # type: ignore[method-assign]  # nothing can be read for a while
    assert reach(operation, Run(clock=operation.clock)).after == {"create"}
    assert operation.sent == ["create"]


def test_check_mode_sends_nothing():
    operation = Order(None, arrives=True)
    outcome = reach(operation, Run(check_mode=True, clock=operation.clock))
    assert (outcome.changed, outcome.after, operation.sent, operation.reads) == (True, {"create"}, [], 1)


# --- a read that fails ----------------------------------------------------------------------------------------------


def unreadable(failure: ApiError) -> ApiError:
    operation = TwoSwitches({})

    def read() -> frozenset[str]:
        raise failure

    operation.read = read  # type: ignore[method-assign]  # nothing can be read
    with pytest.raises(ApiError) as caught:
        reach(operation, Run(clock=operation.clock))
    assert operation.sent == []
    assert (caught.value.category, caught.value.wrote) == (failure.category, False)
    return caught.value


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_read_that_explains_itself_is_told_in_its_own_words(category):
    found = unreadable(ApiError("There are two.", category))
    own = "There are two. Nothing was written."
    other = "Cupboard 7 could not be read, so nothing was written. There are two."
    assert found.message == (own if category in ("configuration", "ambiguous_match") else other)


@pytest.mark.parametrize("category", sorted(EXPLAINED))
def test_an_answer_of_the_service_does_not_explain_itself(category):
    found = unreadable(ApiError("The tenant was not found.", category, http_status=404))
    assert found.message == "Cupboard 7 could not be read, so nothing was written. The tenant was not found."
    assert found.http_status == 404


# --- poll -----------------------------------------------------------------------------------------------------------


def test_poll_looks_less_and_less_often_and_once_more_at_the_end():
    clock = FakeClock()
    looks: list[float] = []
    assert poll(lambda: looks.append(clock.now()) or len(looks), lambda seen: False, 20.0, clock) == len(looks)
    assert looks == [0.0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5, 20.0]
    assert clock.slept == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 2.5]


def test_poll_ends_with_what_it_waited_for():
    clock = FakeClock()
    shown = ["old", "old", "new", "newer"]
    assert poll(lambda: shown.pop(0), lambda seen: seen != "old", 20.0, clock) == "new"
    assert (shown, clock.slept) == (["newer"], [0.5, 1.0])


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_poll_without_time_looks_once(seconds):
    clock = FakeClock()
    assert poll(lambda: "old", lambda seen: False, seconds, clock) == "old"
    assert clock.slept == []


def test_poll_does_not_swallow_a_failure():
    def read() -> str:
        raise REFUSED

    with pytest.raises(ApiError, match="It was refused"):
        poll(read, lambda seen: True, 20.0, FakeClock())


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_look_that_fails_is_the_end_only_if_no_further_one_can_mend_it(category):
    clock, looks = FakeClock(), iter([ApiError("No.", category), "old", ApiError("No.", category), "new"])

    def read() -> str:
        found = next(looks)
        if isinstance(found, ApiError):
            raise found
        return found

    if category in PASSING:
        assert poll(read, lambda seen: seen == "new", 20.0, clock) == "new"
        assert clock.slept == [0.5, 1.0, 2.0]
    else:
        with pytest.raises(ApiError, match="No"):
            poll(read, lambda seen: seen == "new", 20.0, clock)
        assert clock.slept == []


def test_what_passes_is_known():
    assert sorted(PASSING) == ["contract", "rate_limited", "unavailable"]


@pytest.mark.parametrize("seconds", [0.0, 20.0])
def test_looks_that_all_fail_end_as_the_last_one_when_the_time_is_over(seconds):
    clock = FakeClock()
    looks: list[float] = []

    def read() -> str:
        looks.append(clock.now())
        raise ApiError(f"Look {len(looks)} failed.", "unavailable")

    with pytest.raises(ApiError, match=f"^Look {8 if seconds else 1} failed"):
        poll(read, lambda seen: True, seconds, clock)
    assert clock.time == seconds


def test_a_last_look_that_fails_is_no_state():
    clock = FakeClock()

    def read() -> str:
        if clock.now() >= 20:
            raise UNAVAILABLE
        return "old"

    with pytest.raises(ApiError, match="It is down"):
        poll(read, lambda seen: False, 20.0, clock)


def test_a_write_that_is_read_back_at_the_second_look():
    operation = TwoSwitches({})
    looks: list[int] = []
    read = operation.read

    def failing() -> frozenset[str]:
        looks.append(len(operation.sent))
        if looks.count(2) == 1:
            raise UNAVAILABLE
        return read()

    operation.read = failing  # type: ignore[method-assign]  # one look fails
    assert reach(operation, Run(clock=operation.clock)).changed
    assert (operation.sent, operation.clock.slept) == (["left", "right"], [0.5])


def test_time_that_reading_takes_counts():
    clock = FakeClock()

    def read() -> str:
        clock.time += 6.0
        return "old"

    poll(read, lambda seen: False, 10.0, clock)
    assert clock.slept == [0.5]


# --- small parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verify_timeout, look_for", [(0, 30.0), (0.5, 0.5), (90, 90)])
def test_what_broke_off_is_looked_for_as_long_as_a_change_may_take(verify_timeout, look_for):
    assert Run(verify_timeout=verify_timeout).look_for == look_for


@pytest.mark.parametrize("options", [{}, {"verify_timeout": 0}, {"verify_timeout": 30}])
def test_verify_timeout_that_is_one(options):
    check_verify_timeout(options)


def test_verify_timeout_that_is_none():
    with pytest.raises(ApiError, match="verify_timeout must be") as caught:
        check_verify_timeout({"verify_timeout": -1})
    assert caught.value.category == "configuration"


def test_difference():
    before, after = {"a": 1}, {"a": 2}
    found = difference("ticket 7", before, after)
    assert found == {"before_header": "ticket 7", "after_header": "ticket 7", "before": {"a": 1}, "after": {"a": 2}}
    assert found["before"] is not before
