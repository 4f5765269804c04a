# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo of events: two incidents are raised in the sandbox, and the rulebook closes the one that is a known false
positive, on its webhook.

Exit code 0 only if that one was closed, once, with one comment, the other one was left alone, and an event that came
again changed nothing.
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
#: Where it runs, and what ansible-rulebook printed stays.
FOLDER = COLLECTIONS / "demo-events"
#: Of the seed.
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
    """Wait for something.

    :param what: as it is said if it does not come.
    :param done: whether it came.
    :param seconds: after which it is given up.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            print(f"gave up waiting until {what}", flush=True)
            return
        time.sleep(0.1)


def stored(sandbox: SandboxProcess, incident: dict[str, Any]) -> dict[str, Any]:
    """An incident, as the sandbox has it now.

    :param sandbox: where it is.
    :param incident: which one.
    """
    return next(dict(entry) for entry in sandbox.state()["incidents"] if entry["id"] == incident["id"])


def answers(sandbox: SandboxProcess) -> list[str]:
    """What the webhook said to each delivery that it took.

    :param sandbox: which delivered them.
    """
    return [
        json.loads(entry["answer"])["status"] for entry in sandbox.deliveries()["entries"] if entry["status"] == 200
    ]


def runs(rulebook: RulebookProcess) -> list[str]:
    """What each playbook said in the end, once it has ended.

    :param rulebook: which ran them.
    """
    output = rulebook.output
    said = [line.strip().strip('",') for line in output.splitlines() if line.strip().startswith('"Done: ')]
    return said[: output.count("PLAY RECAP")]


def show(rulebook: RulebookProcess, before: int) -> None:
    """Print what a playbook said.

    :param rulebook: which ran it.
    :param before: how many have been shown.
    """
    for line in runs(rulebook)[before:]:
        print(f"    secops.itsm.close_incident: {line}", flush=True)


def demonstrate(sandbox: SandboxProcess, secret: str) -> list[tuple[bool, str]]:
    """Show it; what must be true, and whether it is.

    :param sandbox: which raises the incidents.
    :param secret: of the webhook.
    """
    variables = {**yaml.safe_load(VARIABLES.read_text(encoding="utf-8")), "webhook_port": 0}
    (FOLDER / VARIABLES.name).write_text(yaml.safe_dump(variables), encoding="utf-8")
    environment = {**sandbox.environment(), "CONTRAFORCE_WEBHOOK_SECRET": secret}
    with RulebookProcess(FOLDER, RULEBOOK, FOLDER / VARIABLES.name, environment, "-v") as rulebook:
        print(f"\n=== The rulebook listens\n$ {' '.join(rulebook.command)}".replace(f"{FOLDER}/", ""), flush=True)
        sandbox.set_webhook(rulebook.address(), secret, pause=0.2)
        sandbox.test_webhook()
        wait("the test delivery is answered", lambda: len(answers(sandbox)) == 1)
        print(f"    it listens on {rulebook.address()}, and has answered a test delivery", flush=True)

        print("\n=== Two incidents are raised; ContraForce tells of each by its webhook", flush=True)
        sandbox.add_incidents(OTHER, KNOWN)
        wait("the incident is closed", lambda: stored(sandbox, KNOWN)["status"] == "Closed" and runs(rulebook))
        first = {name: stored(sandbox, incident) for name, incident in (("known", KNOWN), ("other", OTHER))}
        writes, said = sandbox.journal()["writes"], runs(rulebook)
        show(rulebook, 0)
        for entry in first.values():
            print(f"    {entry['title']} ({entry['severity']}): {entry['status']}", flush=True)

        print("\n=== The same event is delivered again, and then once more under another identifier", flush=True)
        sandbox.deliver_again()
        wait("it is answered", lambda: len(answers(sandbox)) == 4)
        sandbox.deliver_again(new_id=True)
        wait("the playbook has run again", lambda: len(runs(rulebook)) == 2)
        show(rulebook, 1)
        last, taken, again = stored(sandbox, KNOWN), answers(sandbox), runs(rulebook)
        running = rulebook.is_running()
    return [
        (running and taken[:3] == ["test", "accepted", "accepted"], "every delivery was taken"),
        (
            (first["known"]["status"], first["known"]["classification"]) == ("Closed", "FalsePositive")
            and [comment["message"] for comment in first["known"]["comments"]] == [variables["comment"]],
            "the known false positive was closed, with its classification and one comment",
        ),
        (first["other"]["status"] == "New" and stored(sandbox, OTHER) == first["other"], "the other one stays open"),
        (writes == len(said) == 1, "one event, one run of the playbook, one write"),
        (
            taken[3:] == ["duplicate", "accepted"] and len(again) == 2,
            "the event that came again was known again, and started no playbook",
        ),
        (
            again[1:] == ["Done: 1 incident, 0 failed; 1 closed already."]
            and last == first["known"]
            and sandbox.journal()["writes"] == writes,
            "under another identifier it started the playbook again, which changed nothing and wrote nothing",
        ),
        (secret not in rulebook.output, "the secret of the webhook was printed nowhere"),
    ]


def main() -> int:
    """Show it, and judge it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with SandboxProcess() as sandbox:
        print(f"The sandbox stands in for ContraForce at {sandbox.url}", flush=True)
        right = demonstrate(sandbox, secrets.token_urlsafe(32))
    print()
    for held, claim in right:
        print(f"{'yes' if held else 'NO '}  {claim}")
    print(f"log: {(FOLDER / 'rulebook.log').relative_to(COLLECTIONS.parent)}")
    return 0 if all(held for held, _claim in right) else 1


if __name__ == "__main__":
    # So that the sandbox and the rulebook are stopped, too, when the demo is.
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit(143))
    sys.exit(main())
