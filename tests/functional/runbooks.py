# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incidents of the sandbox's seed, and runs of runbooks by their FQCN."""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.functional.conftest import Played, Player
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

NORTHWIND = "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60"
TAILSPIN = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
SIGN_IN = {"workspace_id": NORTHWIND, "source": "sentinel", "incident_id": "6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61"}
CLOSED = {"workspace_id": NORTHWIND, "source": "Sentinel", "incident_id": "c4a7e0b2-1d3f-4f6a-8b9c-2e4d6f8091a2"}
DUMPING = {"workspace_id": TAILSPIN, "source": "Sentinel", "incident_id": "7c2a1e8f-63d4-4b9f-8a22-1d3e4f5a6b72"}
FORWARDING = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "61024"}
#: Linked to SOC-312.
BUSY = {"workspace_id": TAILSPIN, "source": "DefenderXDR", "incident_id": "50377"}
#: Does not exist.
GONE = {**SIGN_IN, "incident_id": "9d0e1f2a-3b4c-4d5e-8f60-718293a4b5c6"}

CLOSURE = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "Closed by a test."}
TICKETS = {"team_id": "soc", "offer": "Report a security incident", "reference_field": "Incident Reference"}


def play(player: Player, runbook: str, variables: Mapping[str, Any], *arguments: str, **kwargs: Any) -> Played:
    """Run a runbook, without its report unless the variables ask for it.

    :param player: the player.
    :param runbook: the name of the runbook.
    :param variables: its variables.
    :param arguments: further arguments of the command.
    :param kwargs: as for :meth:`Player.play`.
    """
    report = {} if {"report", "report_dir"} & set(variables) else {"report": False}
    return player.play(f"secops.itsm.{runbook}", "-e", json.dumps({**report, **variables}), *arguments, **kwargs)


def changed_tasks(played: Played) -> int:
    """Return the number of changed tasks in the recap."""
    return int(re.findall(r"changed=(\d+)", played.output)[-1])


def check_run_and_repeat(
    player: Player, sandbox: SandboxProcess, runbook: str, variables: Mapping[str, Any]
) -> list[str]:
    """Run a runbook in check mode, without it, and again. Return the summaries.

    Check mode must not write, and must predict the changes. The repeated run must change nothing.

    :param player: the player.
    :param sandbox: the sandbox.
    :param runbook: the name of the runbook.
    :param variables: its variables.
    """
    predicted = play(player, runbook, variables, "--check", "--diff")
    assert (predicted.code, sandbox.journal()["writes"]) == (0, 0), predicted.output
    done = play(player, runbook, variables)
    assert done.code == 0, done.output
    assert changed_tasks(done) == changed_tasks(predicted) > 0
    writes = sandbox.journal()["writes"]
    again = play(player, runbook, variables)
    assert (again.code, changed_tasks(again), sandbox.journal()["writes"]) == (0, 0, writes), again.output
    return [played.summaries[0] for played in (predicted, done, again)]


def stored(sandbox: SandboxProcess, incident: Mapping[str, Any]) -> dict[str, Any]:
    """Return the current state of an incident."""
    return next(dict(entry) for entry in sandbox.state()["incidents"] if entry["id"] == incident["incident_id"])
