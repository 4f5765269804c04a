# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo of events: the sandbox raises two incidents, and the rulebook closes the known false positive by webhook.

The exit code is 0 only if this incident was closed once, with one comment, the other one was left unchanged, and
repeated events changed nothing.
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable

import yaml

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS, SandboxProcess
from ansible_collections.secops.itsm.tests.tools.rulebook_process import RulebookProcess

RULEBOOK = "secops.itsm.close_known_false_positives"
VARIABLES = Path(__file__).resolve().parents[2] / "extensions" / "eda" / "variables" / "false_positives.yml"
#: The working directory, which keeps the log of ansible-rulebook.
FOLDER = COLLECTIONS / "demo-events"
#: A workspace of the seed.
PLACE = {"workspaceId": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "source": "Sentinel", "status": "New"}
KNOWN = {
    **PLACE,
    "id": "1f0e2d3c-0000-4000-8000-000000000001",
    "number": 4001,
    "title": "Excessive firewall denies from one host",
    "severity": "Low",
}
OTHER = {
    **PLACE,
    "id": "1f0e2d3c-0000-4000-8000-000000000002",
    "number": 4002,
    "title": "Ransomware behavior detected on a file server",
    "severity": "High",
}


def wait(what: str, done: Callable[[], Any], seconds: float = 60.0) -> None:
    """Wait until a condition is true, or print a message after the timeout.

    :param what: the condition, for the message.
    :param done: returns whether it is true.
    :param seconds: the timeout.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            print(f"Timeout: waited until {what}", flush=True)
            return
        time.sleep(0.1)


def stored(sandbox: SandboxProcess, incident: dict[str, Any]) -> dict[str, Any]:
    """Return the current state of an incident.

    :param sandbox: the sandbox.
    :param incident: the incident.
    """
    return next(dict(entry) for entry in sandbox.state()["incidents"] if entry["id"] == incident["id"])


def responses(sandbox: SandboxProcess) -> list[str]:
    """Return the status words of the responses to accepted deliveries.

    :param sandbox: the sandbox that delivered the events.
    """
    return [
        json.loads(entry["answer"])["status"] for entry in sandbox.deliveries()["entries"] if entry["status"] == 200
    ]


def runs(rulebook: RulebookProcess) -> list[str]:
    """Return the summaries of the playbooks that have ended.

    :param rulebook: the rulebook that ran them.
    """
    output = rulebook.output
    said = [line.strip().strip('",') for line in output.splitlines() if line.strip().startswith('"Done: ')]
    return said[: output.count("PLAY RECAP")]


def show(rulebook: RulebookProcess, before: int) -> None:
    """Print the summaries of playbooks.

    :param rulebook: the rulebook that ran them.
    :param before: how many have already been printed.
    """
    for line in runs(rulebook)[before:]:
        print(f"    secops.itsm.close_incident: {line}", flush=True)


def demonstrate(sandbox: SandboxProcess, secret: str) -> list[tuple[bool, str]]:
    """Run the demo, and return the expected facts and whether they hold.

    :param sandbox: the sandbox, which raises the incidents.
    :param secret: the secret of the webhook.
    """
    variables = {**yaml.safe_load(VARIABLES.read_text(encoding="utf-8")), "webhook_port": 0}
    (FOLDER / VARIABLES.name).write_text(yaml.safe_dump(variables), encoding="utf-8")
    environment = {**sandbox.environment(), "CONTRAFORCE_WEBHOOK_SECRET": secret}
    with RulebookProcess(FOLDER, RULEBOOK, FOLDER / VARIABLES.name, environment, "-v") as rulebook:
        print(f"\n=== The rulebook listens\n$ {' '.join(rulebook.command)}".replace(f"{FOLDER}/", ""), flush=True)
        sandbox.set_webhook(rulebook.address(), secret, pause=0.2)
        sandbox.test_webhook()
        wait("the test delivery is answered", lambda: len(responses(sandbox)) == 1)
        print(f"    It listens on {rulebook.address()} and has answered a test delivery.", flush=True)

        print("\n=== Two incidents are raised, and ContraForce sends a webhook for each", flush=True)
        sandbox.add_incidents(OTHER, KNOWN)
        wait("the incident is closed", lambda: stored(sandbox, KNOWN)["status"] == "Closed" and runs(rulebook))
        first = {name: stored(sandbox, incident) for name, incident in (("known", KNOWN), ("other", OTHER))}
        writes, said = sandbox.journal()["writes"], runs(rulebook)
        show(rulebook, 0)
        for entry in first.values():
            print(f"    {entry['title']} ({entry['severity']}): {entry['status']}", flush=True)

        print("\n=== The same event is delivered again, and then with another ID", flush=True)
        sandbox.deliver_again()
        wait("it is answered", lambda: len(responses(sandbox)) == 4)
        sandbox.deliver_again(new_id=True)
        wait("the playbook has run again", lambda: len(runs(rulebook)) == 2)
        show(rulebook, 1)
        last, taken, again = stored(sandbox, KNOWN), responses(sandbox), runs(rulebook)
        running = rulebook.is_running()
    return [
        (running and taken[:3] == ["test", "accepted", "accepted"], "every delivery was accepted"),
        (
            (first["known"]["status"], first["known"]["classification"]) == ("Closed", "FalsePositive")
            and [comment["message"] for comment in first["known"]["comments"]] == [variables["comment"]],
            "the known false positive was closed with its classification and one comment",
        ),
        (
            first["other"]["status"] == "New" and stored(sandbox, OTHER) == first["other"],
            "the other incident stays open",
        ),
        (writes == len(said) == 1, "one event led to one run of the playbook and one write request"),
        (
            taken[3:] == ["duplicate", "accepted"] and len(again) == 2,
            "the repeated event was recognized and started no playbook",
        ),
        (
            again[1:] == ["Done: 1 incident, 0 failed; 1 closed already."]
            and last == first["known"]
            and sandbox.journal()["writes"] == writes,
            "with another ID, it started the playbook again, which changed nothing",
        ),
        (secret not in rulebook.output, "the secret of the webhook was not printed"),
    ]


def main() -> int:
    """Run the demo, and return its exit code."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with SandboxProcess() as sandbox:
        print(f"The sandbox simulates ContraForce at {sandbox.url}", flush=True)
        right = demonstrate(sandbox, secrets.token_urlsafe(32))
    print()
    for held, claim in right:
        print(f"{'yes' if held else 'NO '}  {claim}")
    print(f"log: {(FOLDER / 'rulebook.log').relative_to(COLLECTIONS.parent)}")
    return 0 if all(held for held, _claim in right) else 1


if __name__ == "__main__":
    # Also stop the sandbox and the rulebook.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main())
