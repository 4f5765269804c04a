# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way through, with an operation of two writes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Plan, Run, Write, reach
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.tests.unit.loopback import FakeClock

BROKEN = ApiError("It broke off.", "unavailable", ambiguous=True)
REFUSED = ApiError("It was refused.", "permission", http_status=403)


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
