# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the runbook close_with_ticket against the sandbox in check mode, for real, and again, and then the way back.

The exit code is 0 only if check mode wrote nothing, the first run opened, linked and closed with one write each, the
second run changed nothing, and only the incident of the resolved ticket was closed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

RUNBOOK, OPENING, WAY_BACK = (f"secops.itsm.{name}" for name in ("close_with_ticket", "open_ticket", "close_resolved"))
FOREIGN = ("ANSIBLE_", "CONTRAFORCE_", "SERVICENOW_", "TICKETING_")
VARIABLES = Path(__file__).resolve().parents[1] / "sandbox" / "demo" / "tickets.yml"
#: The variables for the way back, and the incident.
RESOLVED = VARIABLES.with_name("resolved.yml")
INCIDENT = {"workspace_id": "8c9d0e1f-2a3b-4c5d-8e6f-708192a3b4c5", "source": "QRadar", "incident_id": "20977"}
TITLE = "Repeated VPN sign-ins from two countries"
#: The working directory, where the reports and the log remain.
FOLDER = COLLECTIONS / "demo"
LOG = FOLDER / "demo.log"
#: The value of the state of a closed record.
CLOSED = "7"
#: The number of lines of a failed run's output that are printed.
TAIL = 40


@dataclass(frozen=True)
class Run:
    """A run of the runbook.

    :param code: the exit code.
    :param changed: the number of changed tasks.
    :param writes: the number of write requests up to the end of the run.
    """

    code: int
    changed: int
    writes: int


def play(sandbox: SandboxProcess, title: str, *arguments: str, runbook: str = "", variables: Path = VARIABLES) -> Run:
    """Run a runbook, print the lines that it ends with, and append its whole output to the log.

    If it fails, print the end of its output.

    :param sandbox: the sandbox to run against.
    :param title: the heading to print; without one, nothing is printed unless the run fails.
    :param arguments: additional arguments of the command.
    :param runbook: another runbook than that of the demo.
    :param variables: the file with its variables.
    """
    words = ["ansible-playbook", "-i", "localhost,", runbook or RUNBOOK, "-e", f"@{variables.name}", *arguments]
    heading = f"=== {title}\n$ {' '.join(words)}"
    if title:
        print(f"\n{heading}", flush=True)
    # The user's settings for Ansible and for the real services must not affect the demo.
    others = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environment = {
        **others,
        **sandbox.environment(),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(FOLDER / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "true",
    }
    command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    lines = done.stdout.splitlines()
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"{heading}\n{done.stdout}\n")
    shown = lines[-TAIL:] if done.returncode else story(lines) if title else []
    for line in shown:
        print(f"    {line}", flush=True)
    counts = re.findall(r"changed=(\d+)", done.stdout)
    return Run(done.returncode, int(counts[-1]) if counts else -1, sandbox.journal()["writes"])


def story(lines: list[str]) -> list[str]:
    """Return the lines that the runbook ends with, without the path of the report.

    :param lines: the output of the runbook.
    """
    ends = [number for number, line in enumerate(lines) if line.startswith("Report: ")]
    if not ends:
        return []
    starts = [number for number in range(ends[-1]) if not lines[number].strip()]
    return lines[starts[-1] + 1 : ends[-1]]


def linked_tickets(stored: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the ``sys_id`` of the ticket of each incident that has one, by the ID of the incident.

    :param stored: the state of the sandbox.
    :param entries: the incidents of the demo.
    """
    names = {entry["incident_id"] for entry in entries}
    return {
        entry["id"]: entry["ticketId"]
        for entry in stored["incidents"]
        if entry["id"] in names and entry.get("ticketId")
    }


def claims(stored: dict[str, Any], entries: list[dict[str, Any]], known: dict[str, str]) -> list[tuple[bool, str]]:
    """Return the claims about the final state of incidents and tickets, each with whether it is true.

    :param stored: the state of the sandbox.
    :param entries: the incidents of the demo.
    :param known: the tickets that incidents had before, as returned by :func:`linked_tickets`.
    """
    wanted = {entry["incident_id"]: f"cf|{entry['source'].lower()}|{entry['incident_id']}" for entry in entries}
    incidents = [entry for entry in stored["incidents"] if entry["id"] in wanted]
    records = stored["servicenow"]["incident"]
    opened = {
        name: [record["sys_id"] for record in records if record["correlation_id"] == reference]
        for name, reference in wanted.items()
        if name not in known
    }
    tickets = {name: [known[name]] if name in known else opened[name] for name in wanted}
    states = {record["sys_id"]: record["state"] for record in records}
    return [
        (
            len(incidents) == len(wanted)
            and all(entry["status"] == "Closed" and len(entry["comments"]) == 1 for entry in incidents),
            "every incident is closed and has one comment",
        ),
        (all(len(found) == 1 for found in opened.values()), "every ticket was opened once"),
        (
            all(tickets[entry["id"]] == [entry["ticketId"]] for entry in incidents),
            "every incident is linked to its own ticket",
        ),
        (
            all(states.get(ticket) == CLOSED for found in tickets.values() for ticket in found),
            "every ticket is closed with its incident",
        ),
    ]


def way_back(sandbox: SandboxProcess) -> tuple[bool, str]:
    """Open the ticket of another incident, resolve it as an agent in the ticketing system, and close its incident.

    Return the claim about it, and whether it is true.

    :param sandbox: the sandbox after the other runs.
    """
    named = dict(zip(("workspaceId", "source", "id"), INCIDENT.values()))
    sandbox.add_incidents({**named, "title": TITLE, "severity": "Medium", "status": "New"})
    opened = play(sandbox, "", "-e", json.dumps({"incidents": [INCIDENT], "report": False}), runbook=OPENING)
    numbers = [
        record["number"]
        for record in sandbox.state()["servicenow"]["incident"]
        if record["correlation_id"] == f"cf|qradar|{INCIDENT['incident_id']}"
    ]
    for number in numbers:
        sandbox.edit(number, {"state": "6", "close_code": "Solution provided", "close_notes": "The user travels."})
    title = f"The way back: an agent resolves ticket {', '.join(numbers)} of another incident in ServiceNow"
    closed = play(sandbox, title, runbook=WAY_BACK, variables=RESOLVED)
    (found,) = [entry for entry in sandbox.state()["incidents"] if entry["id"] == INCIDENT["incident_id"]]
    return (
        (opened.code, len(numbers)) == (0, 1)
        and closed == Run(0, 1, opened.writes + 1)
        and (found["status"], found["classification"]) == ("Closed", "BenignPositive"),
        "the incident of the resolved ticket was closed with one write request",
    )


def main() -> int:
    """Run the demo, print the claims, and return the exit code."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(VARIABLES.parent, FOLDER)
    entries = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))["incidents"]
    with SandboxProcess() as sandbox:
        print(f"The sandbox simulates ContraForce and ServiceNow at {sandbox.url}")
        known = linked_tickets(sandbox.state(), entries)
        check = play(sandbox, "Check mode: predict the changes", "--check", "--diff")
        first = play(sandbox, "First run: open the tickets, link them, and close them with their incidents")
        second = play(sandbox, "Second run: nothing to do")
        stored = sandbox.state()
        last = way_back(sandbox)
    print(f"\nWrite requests: {check.writes} in check mode, {first.writes} in the first run, ", end="")
    print(f"{second.writes - first.writes} in the second run.")
    writes = 2 * (len(entries) - len(known)) + len(entries)
    right = [
        (check == Run(0, 3, 0), "check mode predicted changes and wrote nothing"),
        (
            first == Run(0, 3, writes),
            f"the first run sent {writes} write requests, one for each ticket, link and closure",
        ),
        (second == Run(0, 0, writes), "the second run changed nothing and wrote nothing"),
        *claims(stored, entries, known),
        last,
    ]
    reports = sorted((FOLDER / "itsm-reports").glob("*.html"))
    right.append((len(reports) == 4, "every run wrote a report"))
    print()
    for held, claim in right:
        print(f"{'yes' if held else 'NO '}  {claim}")
    for report in reports:
        print(f"report: {report.relative_to(COLLECTIONS.parent)}")
    print(f"log: {LOG.relative_to(COLLECTIONS.parent)}")
    return 0 if all(held for held, _claim in right) else 1


if __name__ == "__main__":
    # Stop the sandbox together with the demo.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main())
