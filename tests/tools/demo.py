# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the runbook close_with_ticket against the sandbox in check mode, for real, and again.

The exit code is 0 only if check mode wrote nothing, the first run opened, linked and closed with one write each, and
the second run changed nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

FOREIGN = ("ANSIBLE_", "CONTRAFORCE_", "TICKETING_")
VARIABLES = Path(__file__).resolve().parents[1] / "sandbox" / "demo" / "tickets.yml"
#: The working directory, where the reports remain.
FOLDER = COLLECTIONS / "demo"


def play(sandbox: SandboxProcess, title: str, *arguments: str) -> tuple[int, int]:
    """Run the runbook, and return its exit code and the number of changed tasks.

    :param sandbox: the sandbox to run against.
    :param title: the heading to print.
    :param arguments: additional arguments of the command.
    """
    words = ["ansible-playbook", "secops.itsm.close_with_ticket", "-e", f"@{VARIABLES.name}", *arguments]
    print(f"\n=== {title}\n$ {' '.join(words)}", flush=True)
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
    done = subprocess.run(command, cwd=FOLDER, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print("\n".join(line.rstrip() for line in done.stdout.splitlines() if line.strip()), flush=True)
    counts = re.findall(r"changed=(\d+)", done.stdout)
    return done.returncode, int(counts[-1]) if counts else -1


def claims(stored: dict[str, Any], entries: list[dict[str, Any]]) -> list[tuple[bool, str]]:
    """Return the claims about the final state of incidents and tickets, each with whether it is true.

    :param stored: the state of the sandbox.
    :param entries: the incidents of the demo.
    """
    wanted = {entry["incident_id"]: entry.get("ticket_id") for entry in entries}
    incidents = [entry for entry in stored["incidents"] if entry["id"] in wanted]
    platform = {str(ticket["id_serial"]): ticket for ticket in stored["platform_tickets"]}
    given = {str(ticket["id"]): ticket for ticket in stored["tickets"] if ticket["number"] in wanted.values()}
    linked = {entry["id"]: str(entry["ticketId"]) for entry in incidents}
    opened = [platform.get(linked[name]) for name, ticket in wanted.items() if ticket is None]
    summaries = [
        ticket["summary"] for ticket in stored["platform_tickets"] for name in wanted if name in ticket["summary"]
    ]
    return [
        (
            len(incidents) == len(wanted)
            and all(entry["status"] == "Closed" and len(entry["comments"]) == 1 for entry in incidents),
            "every incident is closed and has one comment",
        ),
        (len(summaries) == len(opened), "every ticket was opened once"),
        (
            all(opened) and all(linked[name] in given for name, ticket in wanted.items() if ticket),
            "every incident is linked to its own ticket",
        ),
        (
            all(ticket and ticket["status_category"].startswith("Done") for ticket in opened)
            and all(ticket["state"] == "Closed" for ticket in given.values()),
            "every ticket is closed with its incident",
        ),
    ]


def main() -> int:
    """Run the demo, print the claims, and return the exit code."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    shutil.copytree(VARIABLES.parent, FOLDER)
    with SandboxProcess() as sandbox:
        print(f"The sandbox simulates the ContraForce API and the ticketing API at {sandbox.url}")
        runs = []
        for title, arguments in (
            ("Check mode with diff", ("--check", "--diff")),
            ("First run: open the tickets, link them, and close them with their incidents", ()),
            ("Second run: nothing to do", ()),
        ):
            code, changed = play(sandbox, title, *arguments)
            runs.append((code, changed, sandbox.journal()["writes"]))
        stored = sandbox.state()
    check, first, second = runs
    print(f"\nWrite requests: {check[2]} in check mode, {first[2]} in the first run, ", end="")
    print(f"{second[2] - first[2]} in the second run.")
    entries = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))["incidents"]
    opened = [entry for entry in entries if "ticket_id" not in entry]
    writes = len(opened) + 2 * len(entries)
    right = [
        (check == (0, 3, 0), "check mode predicted changes and wrote nothing"),
        (
            first == (0, 3, writes),
            f"the first run sent {writes} write requests, one for each ticket, link and closure",
        ),
        (second == (0, 0, writes), "the second run changed nothing and wrote nothing"),
        *claims(stored, entries),
    ]
    reports = sorted((FOLDER / "itsm-reports").glob("*.html"))
    right.append((len(reports) == len(runs), "every run wrote a report"))
    for held, claim in right:
        print(f"{'yes' if held else 'NO '}  {claim}")
    for report in reports:
        print(f"report: {report.relative_to(COLLECTIONS.parent)}")
    return 0 if all(held for held, _claim in right) else 1


if __name__ == "__main__":
    # Stop the sandbox together with the demo.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main())
