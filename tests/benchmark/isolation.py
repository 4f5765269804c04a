# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a throttled workspace costs the other workspaces of a list."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.secops.itsm.tests.benchmark.comparison import Comparison
from ansible_collections.secops.itsm.tests.benchmark.figures import Spread
from ansible_collections.secops.itsm.tests.benchmark.measure import (
    ANSIBLE_PLAYBOOK,
    HERE,
    WrongRunError,
    clean_environment,
)
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

WORKSPACES = 20
#: The upper limit of the ratio for the other workspaces.
MOST = 1.1
#: Seconds by which the sandbox delays each response, and the retry timeout in seconds.
LATENCY = 0.05

_CREDENTIALS = {"client_id": "benchmark", "client_secret": "secret-of-the-benchmark", "access_token": "t0ken.of.it"}


def measured_isolation(incidents: int, rounds: int, retry_timeout: int) -> Comparison:
    """Close the incidents of 20 workspaces, the first of which responds with 429 in every other run.

    :param incidents: the number of incidents in each workspace.
    :param rounds: the number of rounds, with and without throttling.
    :param retry_timeout: the option of the module, in seconds.
    :raises WrongRunError: if a run did not close exactly the incidents of the other workspaces.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed = folder / "seed.yml"
        seed.write_text(yaml.safe_dump(_seed(incidents)), encoding="utf-8")
        with SandboxProcess(seed) as sandbox:
            times = [
                [_others(sandbox, folder, retry_timeout, throttled) for throttled in (False, True)]
                for _round in range(rounds)
            ]
    alone, beside = (Spread.of(seconds) for seconds in zip(*times))
    return Comparison(
        f"(c) if one of {WORKSPACES} workspaces responds with 429, the others take at most {MOST} times as long as "
        f"without it, {incidents * WORKSPACES} incidents, {LATENCY * 1000:.0f} ms",
        beside.over(alone),
        MOST,
    )


def _workspace(number: int) -> str:
    return f"7a000000-0000-4000-8000-{number:012}"


def _seed(incidents: int) -> dict[str, Any]:
    """Return the state of the sandbox. The throttled workspace is the first in the list, so it affects all workers."""
    times = {"createdAt": "2026-11-21T03:00:00Z", "updatedAt": "2026-11-21T03:00:00Z"}
    listed = [
        {
            "workspaceId": _workspace(home),
            "source": "Sentinel",
            "id": f"00000000-0000-4000-8000-{home * 10_000 + each:012}",
            "number": home * 10_000 + each,
            "title": "Incident of the benchmark",
            "severity": "Low",
            "status": "New",
            **times,
        }
        for home in range(WORKSPACES)
        for each in range(incidents)
    ]
    workspaces = [
        {"id": _workspace(home), "name": f"Workspace {home}", "role": "responder", "ticketing_system": "None"}
        for home in range(WORKSPACES)
    ]
    return {"credentials": _CREDENTIALS, "workspaces": workspaces, "tickets": [], "incidents": listed}


def _others(sandbox: SandboxProcess, folder: Path, retry_timeout: int, throttled: bool) -> float:
    """Return the seconds from the first request to the last one of the other workspaces."""
    first = _workspace(0)
    refusal = {"path": f"*/workspaces/{first}/*", "status": 429, "headers": {"Retry-After": "1"}, "times": -1}
    latency = {"operation": "*", "times": -1, "latency": LATENCY}
    sandbox.reset(faults=[refusal, latency] if throttled else [latency])
    listed = [
        {"workspace_id": each["workspaceId"], "source": each["source"], "incident_id": each["id"]}
        for each in sandbox.state()["incidents"]
    ]
    given = folder / "variables.json"
    given.write_text(json.dumps({"incidents": listed}), encoding="utf-8")
    subprocess.run(
        [ANSIBLE_PLAYBOOK, HERE / "playbooks" / "list.yml", "-e", f"@{given}"],
        env={**clean_environment(sandbox, folder), "CONTRAFORCE_RETRY_TIMEOUT": str(retry_timeout)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # The incidents of the throttled workspace fail.
        check=not throttled,
    )
    left = {each["workspaceId"] for each in sandbox.state()["incidents"] if each["status"] != "Closed"}
    if left != ({first} if throttled else set()):
        raise WrongRunError(f"incidents of {sorted(left)} are still open")
    entries = sandbox.journal()["entries"]
    others = [entry["seconds"] for entry in entries if first not in entry["path"]]
    return float(max(others) - min(entry["seconds"] for entry in entries))
