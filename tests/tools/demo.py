# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: the runbook close_incident against the sandbox, rehearsed, run, and run again.

Exit code 0 only if the rehearsal wrote nothing, the first run linked the ticket and closed every incident with one
write each, and the second run changed nothing.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess

VARIABLES = Path(__file__).resolve().parents[1] / "sandbox" / "demo" / "incidents.yml"


def play(sandbox: SandboxProcess, title: str, *arguments: str) -> tuple[int, int]:
    """Run the runbook, and give its exit code and the number of tasks that it counts as changed.

    :param sandbox: where it runs.
    :param title: what is being shown.
    :param arguments: further words of the command.
    """
    words = ["ansible-playbook", "secops.itsm.close_incident", "-e", f"@{VARIABLES.name}", *arguments]
    print(f"\n=== {title}\n$ {' '.join(words)}", flush=True)
    # What the user of this machine set for Ansible and for the real service must not reach the demo.
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "CONTRAFORCE_"))}
    environment = {
        **others,
        **sandbox.environment(),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(VARIABLES.parent / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "true",
    }
    command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
    done = subprocess.run(
        command, cwd=VARIABLES.parent, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    print("\n".join(line.rstrip() for line in done.stdout.splitlines() if line.strip()), flush=True)
    counts = re.findall(r"changed=(\d+)", done.stdout)
    return done.returncode, int(counts[-1]) if counts else -1


def main() -> int:
    """Show it, and judge it."""
    with SandboxProcess() as sandbox:
        print(f"The sandbox stands in for the ContraForce API at {sandbox.url}")
        runs = []
        for title, arguments in (
            ("Rehearsal: check mode with diff", ("--check", "--diff")),
            ("The first run links the ticket and closes it with the incidents", ()),
            ("The second run finds nothing to do", ()),
        ):
            code, changed = play(sandbox, title, *arguments)
            runs.append((code, changed, sandbox.journal()["writes"]))
        stored = sandbox.state()
    incidents = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))["incidents"]
    wanted = {entry["incident_id"] for entry in incidents}
    tickets = {entry["number"]: entry for entry in stored["tickets"]}
    linked = {entry["id"]: entry["ticketId"] for entry in stored["incidents"]}
    with_ticket = {entry["incident_id"]: tickets[entry["ticket_id"]] for entry in incidents if "ticket_id" in entry}
    writes = len(wanted) + len(with_ticket)
    closed = [
        entry["id"]
        for entry in stored["incidents"]
        if entry["id"] in wanted and entry["status"] == "Closed" and len(entry["comments"]) == 1
    ]
    rehearsal, first, second = runs
    print(f"\nWrites that the sandbox saw: {rehearsal[2]} in the rehearsal, {first[2]} in the first run, ", end="")
    print(f"{second[2] - first[2]} in the second.")
    right = [
        (rehearsal == (0, 2, 0), "the rehearsal foretold changes and wrote nothing"),
        (first == (0, 2, writes), f"the first run wrote {writes} times, once for each link and each closure"),
        (second == (0, 0, writes), "the second run changed nothing and wrote nothing"),
        (sorted(closed) == sorted(wanted), "every incident is closed and has its comment, once"),
        (
            all(linked[name] == ticket["id"] for name, ticket in with_ticket.items()),
            "the ticket is linked to its incident",
        ),
        (all(ticket["state"] == "Closed" for ticket in with_ticket.values()), "the ticket is closed with its incident"),
    ]
    for held, claim in right:
        print(f"{'yes' if held else 'NO '}  {claim}")
    return 0 if all(held for held, _claim in right) else 1


if __name__ == "__main__":
    # So that the sandbox is stopped, too, when the demo is.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main())
