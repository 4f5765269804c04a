# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that the action plugin that judges the steps of the integration targets fails its task."""

from __future__ import annotations

import pytest

from .conftest import Player

STEP = {"name": "A step", "trace": "R W"}
SEEN = {"trace": "RW", "tokens": 0, "effects": 1, "faults_waiting": 0, "edits_waiting": 0}


@pytest.mark.parametrize("trace, code", [("RW", 0), ("RRW", 2)])
def test_check_step_fails_on_an_unexpected_trace(player: Player, trace: str, code: int) -> None:
    """The outcome comes from a loop with failed_when, as in the targets."""
    outcome = [{"changed": False, "failed": False, "failed_when_result": False}]
    task = {"step": STEP, "results": outcome, "warnings": [], "saw": {}, "seen": {**SEEN, "trace": trace}, "tokens": 0}
    played = player.play_tasks([{"name": "Check", "check_step": task}])
    assert played.code == code, played.output
