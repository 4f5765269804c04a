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

    def __init__(self, faults: dict[int, tuple[ApiError, bool]]) -> None:
        self.on: set[str] = set()
        self.sent: list[str] = []
        self.faults = faults

    def read(self) -> frozenset[str]:
        return frozenset(self.on)

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

    def without_what_arrived(self, write: Write) -> Write:
        return write

    def describe(self, state: Any) -> str:
        return ", ".join(sorted(state)) or "nothing on"


def go(faults: dict[int, tuple[ApiError, bool]]) -> tuple[TwoSwitches, Any]:
    operation = TwoSwitches(faults)
    try:
        return operation, reach(operation, Run(clock=FakeClock()))
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
