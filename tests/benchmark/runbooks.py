# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a request of a runbook with many steps costs, against one of a runbook with two.

Alone: C(python -m ansible_collections.secops.itsm.tests.benchmark.runbooks 300 2), the incidents and the rounds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.benchmark.comparison import Comparison
from ansible_collections.secops.itsm.tests.benchmark.figures import Spread
from ansible_collections.secops.itsm.tests.benchmark.measure import ANSIBLE_PLAYBOOK, WrongRunError, timing_environment
from ansible_collections.secops.itsm.tests.sandbox.bulk_incidents import bulk_incidents
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

#: How many times as long a request may take.
MOST = 1.2
#: Of the sandbox's seed: a workspace whose tickets are those of the ticketing API.
WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"

CLOSE, ESCALATE = "close_incident", "escalate_incident"
VARIABLES: Mapping[str, Mapping[str, Any]] = {
    CLOSE: {
        "classification": "FalsePositive",
        "classification_reason": "IncorrectAlertLogic",
        "comment": "Closed by the benchmark.",
    },
    ESCALATE: {
        "team_id": "soc",
        "offer": "Report a security incident",
        "reference_field": "Incident Reference",
        "assignee_email": "d.duty@northwind.example",
        "comment": "Taken over by the benchmark.",
    },
}
#: What is sent for each incident; how the tickets are looked for depends on how many there are.
REQUESTS: Mapping[str, Mapping[str, int]] = {
    CLOSE: {"v2-get-incident": 3, "v2-update-incident-status": 1},
    ESCALATE: {
        "v2-get-incident": 7,
        "v2-list-incident-comments": 2,
        "v2-link-ticket": 1,
        "v2-update-incident-status": 1,
        "v2-assign-incident": 1,
        "v2-add-incident-comment": 1,
        "create-ticket": 1,
    },
}


def measured_runbooks(incidents: int, rounds: int) -> Comparison:
    """Run both runbooks over the same incidents, in turn.

    :param incidents: of each run.
    :param rounds: how often.
    :raises WrongRunError: if a run did not do exactly its work.
    """
    with tempfile.TemporaryDirectory() as name, SandboxProcess() as sandbox:
        times = [
            tuple(_a_request(sandbox, Path(name), runbook, incidents) for runbook in (CLOSE, ESCALATE))
            for _round in range(rounds)
        ]
    closing, escalating = (Spread.of(seconds) for seconds in zip(*times))
    return Comparison(
        f"a request of `{ESCALATE}` takes at most {MOST} times as long as one of `{CLOSE}`, {incidents} incidents, "
        "no latency, tasks alone",
        escalating.over(closing),
        MOST,
    )


def _a_request(sandbox: SandboxProcess, folder: Path, runbook: str, incidents: int) -> float:
    """Return the seconds of a runbook's tasks for each request that it sent."""
    raised = list(bulk_incidents(incidents, WORKSPACE))
    sandbox.reset()
    sandbox.add_incidents(*raised)
    listed = [
        {"workspace_id": each["workspaceId"], "source": each["source"], "incident_id": each["id"]} for each in raised
    ]
    given, times = folder / "variables.json", folder / "times.json"
    given.write_text(json.dumps({"incidents": listed, **VARIABLES[runbook]}), encoding="utf-8")
    done = subprocess.run(
        [ANSIBLE_PLAYBOOK, f"secops.itsm.{runbook}", "-e", f"@{given}"],
        cwd=folder,
        env=timing_environment(sandbox, folder, times),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise WrongRunError(f"{runbook} ended with exit code {done.returncode}:\n{done.stdout[-3000:]}")
    sent = Counter(entry["operation"] for entry in sandbox.journal()["entries"])
    wanted = {name: count * incidents for name, count in REQUESTS[runbook].items()}
    if {name: sent[name] for name in wanted} != wanted:
        raise WrongRunError(f"{runbook} sent {dict(sent)} where it should send {wanted}")
    names = {each["id"] for each in raised}
    stored = [each for each in sandbox.state()["incidents"] if each["id"] in names]
    if not all(_is_done(runbook, each) for each in stored):
        raise WrongRunError(f"{runbook} left incidents that are not as they should be")
    told = json.loads(times.read_text(encoding="utf-8"))
    return float(sum(task["seconds"] for task in told["tasks"])) / sum(sent.values())


def _is_done(runbook: str, incident: Mapping[str, Any]) -> bool:
    """Whether an incident is as a runbook leaves it, with its comment once."""
    comments = [comment["message"] for comment in incident["comments"]]
    if comments != [VARIABLES[runbook]["comment"]]:
        return False
    if runbook == CLOSE:
        return bool(incident["status"] == "Closed")
    is_assigned = (incident["user"] or {}).get("email") == VARIABLES[runbook]["assignee_email"]
    return is_assigned and incident["status"] == "Active" and bool(incident["ticketId"])


if __name__ == "__main__":
    found = measured_runbooks(*map(int, sys.argv[1:]))
    print(f"{found.aim}: {found.ratio.told(' times')}")
