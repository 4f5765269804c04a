# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook whose hosts close incidents in parallel, such as one host for each execution mode."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import Any, Mapping

import yaml

from ansible_collections.secops.itsm.tests.functional.conftest import PLAYBOOK_COMMAND, Player, bulk_incident_entries
from ansible_collections.secops.itsm.tests.functional.processes import kill_all, processes_of
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

WORKERS = 4
STATUS = "secops.itsm.contraforce_incident_status"
CLOSED = {
    "status": "Closed",
    "classification": "FalsePositive",
    "classification_reason": "InaccurateData",
    "comment": "Closed in a list.",
}
LIST = {"name": "Close a list", STATUS: {**CLOSED, "incidents": "{{ incidents }}", "concurrency": WORKERS}}
LOOP = {
    "name": "Close in a loop",
    STATUS: {**CLOSED, **{name: f"{{{{ item.{name} }}}}" for name in ("workspace_id", "source", "incident_id")}},
    "loop": "{{ incidents }}",
}
#: The sandbox delays each response, so that entries are in flight when the run ends.
SLOW = {"latency": 0.3, "times": -1}
#: Variables of a host for each execution mode.
MODES = {"here": {"secops_itsm_in_process": True}, "module": {"secops_itsm_in_process": False}}


@dataclass
class BulkJob:
    """A playbook whose hosts close different incidents.

    :param player: its environment and folder.
    :param sandbox: the sandbox, which is reset.
    :param hosts: the variables of each host.
    :param share: the number of incidents of each host.
    """

    player: Player
    sandbox: SandboxProcess
    hosts: Mapping[str, Mapping[str, Any]]
    share: int
    shares: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.sandbox.reset(crowd=self.share * len(self.hosts), faults=[SLOW])
        crowd = bulk_incident_entries(self.share * len(self.hosts))
        known: dict[str, Any] = {}
        for number, (host, variables) in enumerate(self.hosts.items()):
            own = crowd[number * self.share : (number + 1) * self.share]
            local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            known[host] = {**local, "incidents": own, **variables}
        self.shares = {host: [one["incident_id"] for one in known[host]["incidents"]] for host in known}
        self._write("inventory/hosts.json", json.dumps({"all": {"hosts": known}}))

    def _write(self, name: str, text: str) -> None:
        path = self.player.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_playbook(self, tasks: list[dict[str, Any]], strategy: str) -> None:
        """Write the playbook.

        :param tasks: the tasks of every host.
        :param strategy: the strategy of the play; only ``linear`` notices a worker that was killed.
        """
        play = {"name": "Close", "hosts": "all", "gather_facts": False, "strategy": strategy, "tasks": tasks}
        self._write("project/playbook.yml", yaml.safe_dump([play], sort_keys=False))

    @property
    def command(self) -> list[str]:
        """Return the command that runs the playbook."""
        return [str(PLAYBOOK_COMMAND), "-i", "inventory", "project/playbook.yml"]

    def requests(self) -> dict[str, dict[str, str]]:
        """Return the requests about each incident by host: R for a read, W for a write, in their order."""
        found: dict[str, str] = {}
        for entry in self.sandbox.journal()["entries"]:
            name = entry["path"].split("/Sentinel/")[1].split("/")[0]
            found[name] = found.get(name, "") + ("W" if entry["write"] else "R")
        return {host: {name: found[name] for name in share if name in found} for host, share in self.shares.items()}

    def started(self) -> dict[str, set[str]]:
        """Return the incidents of each host with any request."""
        return {host: set(sent) for host, sent in self.requests().items()}

    def written(self) -> list[int]:
        """Return the number of incidents of each host with a write."""
        return [sum("W" in sent for sent in of_host.values()) for of_host in self.requests().values()]

    def states(self) -> dict[str, dict[str, tuple[str, int]]]:
        """Return the status and the number of comments of each incident by host."""
        known = {one["id"]: (one["status"], len(one["comments"])) for one in self.sandbox.state()["incidents"]}
        return {host: {name: known[name] for name in share} for host, share in self.shares.items()}

    def processes(self) -> dict[int, str]:
        """Return the command lines of all its processes."""
        return processes_of(self.player.folder)

    def close(self) -> None:
        """Kill all its processes."""
        kill_all(self.player.folder)
