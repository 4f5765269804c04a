# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After the end of a run, no further list entry or loop item starts, in both execution modes.

Ansible ends neither the workers of a killed ansible-playbook nor an ordinary module whose task timed out.
"""

from __future__ import annotations

import subprocess
from typing import Iterator, Mapping

import ansible_runner
import pytest

from ansible_collections.secops.itsm.tests.functional.bulk_job import LIST, LOOP, MODES, STATUS, WORKERS, BulkJob
from ansible_collections.secops.itsm.tests.functional.conftest import Player
from ansible_collections.secops.itsm.tests.functional.processes import LONGEST, eventually, kill
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

#: Number of incidents of each host; closing them takes much longer than a test.
SHARE = 100
TASKS = {"list": LIST, "loop": LOOP}


def is_in_the_middle(run: BulkJob) -> bool:
    """Return whether every host has started; none of them can end within a test."""
    return all(run.started().values())


def started_after(run: BulkJob, started: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how many more incidents each host has started, if they are more than can have been in flight.

    :param run: the run.
    :param started: the incidents of each host at the end of the run.
    """
    later = {host: len(names - started[host]) for host, names in run.started().items()}
    # Each worker can have decided to start an entry just before, so that its first request arrives just after.
    in_flight = {host: WORKERS if host.startswith("list") else 1 for host in run.hosts}
    return {host: number for host, number in later.items() if number > in_flight[host]}


def assert_nothing_starts_after(run: BulkJob, started: Mapping[str, set[str]]) -> None:
    """Wait for the end of all processes, and check what they start until then.

    :param run: the run.
    :param started: the incidents of each host at the end of the run.
    """
    eventually(lambda: not run.processes() or started_after(run, started), "the end of all processes")
    assert started_after(run, started) == {}


def assert_all_or_nothing(run: BulkJob) -> None:
    """Check that exactly the started incidents are closed."""
    states, started = run.states(), run.started()
    for host, of_host in states.items():
        assert {name for name, state in of_host.items() if state == ("Closed", 1)} == started[host], host
        assert set(of_host.values()) <= {("New", 0), ("Closed", 1)}, host


@pytest.fixture
def run(player: Player, sandbox: SandboxProcess) -> Iterator[BulkJob]:
    """Run a list and a loop, each in both execution modes, in parallel."""
    hosts = {f"{kind}_{mode}": variables for kind in ("list", "loop") for mode, variables in MODES.items()}
    run = BulkJob(player, sandbox, hosts, SHARE)
    tasks = [{**task, "when": f"inventory_hostname is match('{kind}')"} for kind, task in TASKS.items()]
    run.write_playbook(tasks, "free")
    yield run
    run.close()


def start(run: BulkJob) -> subprocess.Popen[bytes]:
    """Start ansible-playbook.

    :param run: the run.
    """
    with (run.player.folder / "output.txt").open("wb") as output:
        return subprocess.Popen(
            run.command,
            cwd=run.player.folder,
            env=run.player.variables(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def output(run: BulkJob) -> str:
    """Return what ansible-playbook printed.

    :param run: the run.
    """
    return (run.player.folder / "output.txt").read_text(encoding="utf-8")


def test_killed_playbook_starts_nothing_more(run):
    process = start(run)
    eventually(lambda: process.poll() is not None or is_in_the_middle(run), "the middle of all lists and loops")
    assert process.poll() is None, output(run)
    # Only the parent, because a SIGKILL to its group also ends the workers of ansible-core 2.16.
    kill(process.pid)
    process.wait(LONGEST)
    assert_nothing_starts_after(run, run.started())
    assert_all_or_nothing(run)


def test_timeout_of_ansible_runner_starts_nothing_more(run):
    variables = run.player.variables()
    thread, runner = ansible_runner.run_async(
        private_data_dir=str(run.player.folder),
        playbook="playbook.yml",
        envvars=variables,
        settings={"job_timeout": 10 * LONGEST, "pexpect_timeout": 1},
        quiet=True,
    )
    eventually(lambda: not thread.is_alive() or is_in_the_middle(run), "the middle of all lists and loops")
    assert thread.is_alive(), runner.stdout.read()
    # ansible-runner then sends SIGKILL to the process group, as it does when a job is cancelled.
    runner.config.job_timeout = 0.001
    thread.join(LONGEST)
    assert runner.status == "timeout"
    assert_nothing_starts_after(run, run.started())


def test_task_timeout_starts_nothing_more(player, sandbox):
    """ansible-playbook continues after the timeout, so only the deadline of the module can end the list."""
    run = BulkJob(player, sandbox, {f"list_{mode}": variables for mode, variables in MODES.items()}, SHARE)
    go_on = player.folder / "go_on"
    wait = {"path": str(go_on), "timeout": LONGEST, "sleep": 1}
    tasks = [
        {**LIST, "timeout": 3, "ignore_errors": True},
        {"name": "Continue", "ansible.builtin.wait_for": wait},
    ]
    run.write_playbook(tasks, "free")
    process = start(run)
    try:
        eventually(lambda: process.poll() is not None or output(run).count("...ignoring") == 2, "both timeouts")
        assert process.poll() is None, output(run)
        started = run.started()
        eventually(lambda: STATUS.rpartition(".")[2] not in " ".join(run.processes().values()), "the end of the module")
        assert started_after(run, started) == {}
        assert_all_or_nothing(run)
        go_on.touch()
        assert process.wait(LONGEST) == 0, output(run)
    finally:
        run.close()
        process.wait(LONGEST)
