# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incidents of the sandbox's seed, and runs of runbooks by their FQCN."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Mapping

import pytest

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

FABRIKAM = "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5"
DENIES = {"workspace_id": FABRIKAM, "source": "QRadar", "incident_id": "20931"}
MARKS = {"workspace_id": FABRIKAM, "source": "Splunk", "incident_id": "a/b c?d#%2F"}

CLOSURE = {"classification": "FalsePositive", "classification_reason": "InaccurateData", "comment": "Closed by a test."}
#: The tickets of the default system are linked, as in a tenant whose ContraForce knows it.
TICKETS = {
    "team_id": "soc",
    "offer": "Report a security incident",
    "reference_field": "Incident Reference",
    "ticket_reference": "link",
}

#: The field with the identity of an incident, of the default ticketing system.
REFERENCE_FIELD = "a1c0ffee-0001-4000-8000-000000000001"


@dataclass(frozen=True)
class Chain:
    """What differs between the ticketing systems in the chain from an incident to its closed ticket.

    :param system: the name of the system.
    :param variables: the variables to open a ticket.
    :param closing: the variables to close it, besides those of its incident.
    :param first: an incident without a ticket.
    :param second: another one.
    :param search: the requests that search a ticket, as in a fault of the sandbox.
    :param reopening: the values with which another agent reopens a ticket.
    """

    system: str
    variables: Mapping[str, Any]
    closing: Mapping[str, Any]
    first: Mapping[str, str]
    second: Mapping[str, str]
    search: Mapping[str, str]
    reopening: Mapping[str, Any]

    def tickets(self, sandbox: SandboxProcess) -> dict[str, list[dict[str, Any]]]:
        """Return the tickets of the two incidents by the ID of the incident, each with its ``id`` and ``closed``.

        :param sandbox: the sandbox.
        """
        state, found = sandbox.state(), {}
        for incident in (self.first, self.second):
            reference = " ".join(incident[name] for name in ("source", "incident_id", "workspace_id"))
            if self.system == "servicenow":
                made = [
                    {"id": row["sys_id"], "closed": row["state"] in ("6", "7"), "record": row}
                    for row in state["servicenow"]["incident"]
                    if row["correlation_id"] == reference
                ]
            else:
                made = [
                    {"id": str(row["id_serial"]), "closed": row["status_category"].startswith("Done"), "record": row}
                    for row in state["platform_tickets"]
                    if row["data"].get(REFERENCE_FIELD) == reference
                ]
            if made:
                found[incident["incident_id"]] = made
        return found


CHAINS = {
    "rezolve": Chain(
        "rezolve",
        {**TICKETS, "fields": {"Urgency": "High", "Description": "<p>{title}</p>"}},
        {},
        DUMPING,
        FORWARDING,
        {"operation": "list-tickets"},
        {"a1c0ffee-0001-4000-8000-000000000004": "Open"},
    ),
    "servicenow": Chain(
        "servicenow",
        {
            "ticket_system": "servicenow",
            "assignment_group": "Security Operations",
            "caller": "d.duty",
            "company": "Fabrikam Hospital",
            "fields": {"urgency": "1 - High", "impact": "2 - Medium", "description": "{title} ({severity})"},
        },
        {"close_code": "Solution provided"},
        DENIES,
        MARKS,
        {"operation": "list-records", "path": "*/table/incident"},
        {"state": "2"},
    ),
}
EACH_SYSTEM = pytest.mark.parametrize("chain", CHAINS.values(), ids=list(CHAINS))


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
    player: Player, sandbox: SandboxProcess, runbook: str, variables: Mapping[str, Any], writes: int = 0
) -> list[str]:
    """Run a runbook in check mode, without it, and again. Return the summaries.

    Check mode must not write, and must predict the changes. The repeated run must change nothing.

    :param player: the player.
    :param sandbox: the sandbox.
    :param runbook: the name of the runbook.
    :param variables: its variables.
    :param writes: the number of write requests of earlier runs.
    """
    predicted = play(player, runbook, variables, "--check", "--diff")
    assert (predicted.code, sandbox.journal()["writes"]) == (0, writes), predicted.output
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
