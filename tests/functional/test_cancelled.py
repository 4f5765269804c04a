# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Once a run is over, no further entry of a list and no further item of a loop starts, in both execution modes.

Ansible ends neither the workers of an ansible-playbook that was killed, nor an ordinary module whose task timed out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

import ansible_runner
import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.conftest import PLAYBOOK_COMMAND, Player, bulk_incident_entries
from ansible_collections.secops.itsm.tests.functional.processes import LONGEST, eventually, kill, processes_of
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

WORKERS = 4
#: Incidents of each host; closing a list of them takes far longer than a test.
SHARE = 100
#: Each answer of the sandbox takes a moment, so that entries are in flight when the run ends.
SLOW = {"latency": 0.3, "times": -1}

STATUS = "secops.itsm.contraforce_incident_status"
CLOSED = {"status": "Closed", "classification": "FalsePositive", "classification_reason": "InaccurateData"}
LIST = {STATUS: {**CLOSED, "incidents": "{{ incidents }}", "concurrency": WORKERS}}
LOOP = {
    STATUS: {**CLOSED, **{name: f"{{{{ item.{name} }}}}" for name in ("workspace_id", "source", "incident_id")}},
    "loop": "{{ incidents }}",
}


@dataclass
class Run:
    """A playbook whose hosts close incidents of their own.

    :param player: for its environment and folder.
    :param sandbox: which has the incidents.
    :param hosts: the variables of each host.
    """

    player: Player
    sandbox: SandboxProcess
    hosts: Mapping[str, Mapping[str, Any]]
    shares: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.sandbox.reset(crowd=SHARE * len(self.hosts), faults=[SLOW])
        crowd = bulk_incident_entries(SHARE * len(self.hosts))
        known: dict[str, Any] = {}
        for number, (host, variables) in enumerate(self.hosts.items()):
            own = crowd[number * SHARE : (number + 1) * SHARE]
            local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
            known[host] = {**local, "incidents": own, **variables}
        self.shares = {host: [one["incident_id"] for one in known[host]["incidents"]] for host in known}
        self.write("inventory/hosts.json", json.dumps({"all": {"hosts": known}}))

    def write(self, name: str, text: str) -> None:
        """Write a file into the folder.

        :param name: relative to the folder.
        :param text: its content.
        """
        path = self.player.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def write_playbook(self, tasks: list[dict[str, Any]]) -> None:
        """Write the playbook.

        :param tasks: of every host.
        """
        play = {"name": "Close", "hosts": "all", "gather_facts": False, "strategy": "free", "tasks": tasks}
        self.write("project/playbook.yml", yaml.safe_dump([play], sort_keys=False))

    def started(self) -> dict[str, set[str]]:
        """Return the incidents of each host that any request was about."""
        paths = [entry["path"] for entry in self.sandbox.journal()["entries"]]
        asked = {path.split("/Sentinel/")[1].split("/")[0] for path in paths}
        return {host: asked & set(share) for host, share in self.shares.items()}

    def is_in_the_middle(self) -> bool:
        """Return whether every host has started, as none of them can end within a test."""
        return all(self.started().values())

    def processes(self) -> dict[int, str]:
        """Return the command lines of all its processes."""
        return processes_of(self.player.folder)

    def started_after(self, started: Mapping[str, set[str]]) -> dict[str, int]:
        """Return how many more incidents each host has started, if there are more than may have been in flight.

        :param started: the incidents of each host when the run was over.
        """
        later = {host: len(names - started[host]) for host, names in self.started().items()}
        # A worker may have decided to start an entry just before, and its first request may arrive just after.
        in_flight = {host: WORKERS if host.startswith("list") else 1 for host in self.hosts}
        return {host: number for host, number in later.items() if number > in_flight[host]}

    def assert_nothing_starts_after(self, started: Mapping[str, set[str]]) -> None:
        """Wait for the end of all processes, and check what they do until then.

        :param started: the incidents of each host when the run was over.
        """
        eventually(lambda: not self.processes() or self.started_after(started), "the end of all processes")
        assert self.started_after(started) == {}

    def assert_all_or_nothing(self) -> None:
        """Check that every incident that was started is closed, and no other."""
        state = {one["id"]: one["status"] for one in self.sandbox.state()["incidents"]}
        for host, names in self.started().items():
            assert {state[name] for name in names} <= {"Closed"}, host
            assert {state[name] for name in set(self.shares[host]) - names} == {"New"}, host


@pytest.fixture
def run(player: Player, sandbox: SandboxProcess) -> Iterator[Run]:
    """A list and a loop, each in both execution modes, side by side."""
    modes = {"here": True, "module": False}
    hosts = {
        f"{kind}_{mode}": {"secops_itsm_in_process": here} for kind in ("list", "loop") for mode, here in modes.items()
    }
    run = Run(player, sandbox, hosts)
    run.write_playbook(
        [
            {"name": "Close a list", **LIST, "when": "inventory_hostname is match('list')"},
            {"name": "Close in a loop", **LOOP, "when": "inventory_hostname is match('loop')"},
        ]
    )
    yield run
    for number in run.processes():
        kill(number)


def start(run: Run) -> subprocess.Popen[bytes]:
    """Start ansible-playbook.

    :param run: what it runs.
    """
    with (run.player.folder / "output.txt").open("wb") as output:
        return subprocess.Popen(
            [str(PLAYBOOK_COMMAND), "-i", "inventory", "project/playbook.yml"],
            cwd=run.player.folder,
            env=run.player.variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def output(run: Run) -> str:
    """Return what ansible-playbook printed.

    :param run: what it runs.
    """
    return (run.player.folder / "output.txt").read_text(encoding="utf-8")


def test_killed_playbook_starts_nothing_more(run):
    process = start(run)
    eventually(lambda: process.poll() is not None or run.is_in_the_middle(), "the middle of all lists and loops")
    assert process.poll() is None, output(run)
    # SIGKILL for the parent alone: with its group, ansible-core 2.16 loses the workers, too.
    kill(process.pid)
    process.wait(LONGEST)
    run.assert_nothing_starts_after(run.started())
    run.assert_all_or_nothing()


def test_timeout_of_ansible_runner_starts_nothing_more(run):
    variables = run.player.variables()
    thread, runner = ansible_runner.run_async(
        private_data_dir=str(run.player.folder),
        playbook="playbook.yml",
        envvars=variables,
        settings={"job_timeout": 10 * LONGEST, "pexpect_timeout": 1},
        quiet=True,
    )
    eventually(lambda: not thread.is_alive() or run.is_in_the_middle(), "the middle of all lists and loops")
    assert thread.is_alive(), runner.stdout.read()
    # Which ends a job by SIGKILL for its process group, as it does when a job is cancelled.
    runner.config.job_timeout = 0.001
    thread.join(LONGEST)
    assert runner.status == "timeout"
    run.assert_nothing_starts_after(run.started())


def test_task_timeout_starts_nothing_more(player, sandbox):
    """ansible-playbook goes on after it, so that only the deadline can end the list."""
    run = Run(player, sandbox, {"list_here": {}, "list_module": {"secops_itsm_in_process": False}})
    go_on = player.folder / "go_on"
    run.write_playbook(
        [
            {"name": "Close a list", **LIST, "timeout": 4, "ignore_errors": True},
            {"name": "Go on", "ansible.builtin.wait_for": {"path": str(go_on), "timeout": LONGEST, "sleep": 1}},
        ]
    )
    process = start(run)
    try:
        eventually(lambda: process.poll() is not None or output(run).count("...ignoring") == 2, "both timeouts")
        assert process.poll() is None, output(run)
        started = run.started()
        eventually(lambda: STATUS.rpartition(".")[2] not in " ".join(run.processes().values()), "the end of the module")
        assert run.started_after(started) == {}
        run.assert_all_or_nothing()
        go_on.touch()
        assert process.wait(LONGEST) == 0, output(run)
    finally:
        for number in run.processes():
            kill(number)
        process.wait(LONGEST)
