# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the time for a request of a runbook with many steps and of a runbook with two steps.

Run only this measurement, with the numbers of incidents and rounds:
``python -m ansible_collections.secops.itsm.tests.benchmark.runbooks 300 2``
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

#: The upper limit of the ratio for a request.
MOST = 1.2
#: A workspace of the sandbox whose tickets are in the ticketing API.
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
        "ticket_reference": "link",
        "assignee_email": "d.duty@northwind.example",
        "comment": "Escalated by the benchmark.",
    },
}
#: The requests for each incident, without those for searching tickets, whose number depends on the number of tickets.
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
    """Run both runbooks for the same incidents, alternately.

    :param incidents: the number of incidents of each run.
    :param rounds: the number of rounds.
    :raises WrongRunError: if a run did not do exactly its work.
    """
    with tempfile.TemporaryDirectory() as name, SandboxProcess() as sandbox:
        times = [
            tuple(_seconds_per_request(sandbox, Path(name), runbook, incidents) for runbook in (CLOSE, ESCALATE))
            for _round in range(rounds)
        ]
    closing, escalating = (Spread.of(seconds) for seconds in zip(*times))
    return Comparison(
        f"a request of `{ESCALATE}` takes at most {MOST} times as long as one of `{CLOSE}`, {incidents} incidents, "
        "no latency, tasks only",
        escalating.over(closing),
        MOST,
    )


def _seconds_per_request(sandbox: SandboxProcess, folder: Path, runbook: str, incidents: int) -> float:
    """Return the seconds of a runbook's tasks per request."""
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
    expected = {name: count * incidents for name, count in REQUESTS[runbook].items()}
    if {name: sent[name] for name in expected} != expected:
        raise WrongRunError(f"{runbook} sent {dict(sent)} instead of {expected}")
    names = {each["id"] for each in raised}
    stored = [each for each in sandbox.state()["incidents"] if each["id"] in names]
    if not all(_is_done(runbook, each) for each in stored):
        raise WrongRunError(f"{runbook} left incidents in a wrong state")
    measured = json.loads(times.read_text(encoding="utf-8"))
    return float(sum(task["seconds"] for task in measured["tasks"])) / sum(sent.values())


def _is_done(runbook: str, incident: Mapping[str, Any]) -> bool:
    """Return whether an incident is in the final state of a runbook, with one comment."""
    comments = [comment["message"] for comment in incident["comments"]]
    if comments != [VARIABLES[runbook]["comment"]]:
        return False
    if runbook == CLOSE:
        return bool(incident["status"] == "Closed")
    is_assigned = (incident["user"] or {}).get("email") == VARIABLES[runbook]["assignee_email"]
    return is_assigned and incident["status"] == "Active" and bool(incident["ticketId"])


if __name__ == "__main__":
    comparison = measured_runbooks(*map(int, sys.argv[1:]))
    print(f"{comparison.aim}: {comparison.ratio.formatted(' times')}")
