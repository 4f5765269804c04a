# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job that opens, links and closes tickets can be killed at any request: the next run completes it.

Jobs are killed before each request and after each write; those of other ticketing systems before and after each write,
because services only change with writes. A job about several incidents processes them in parallel, so
one kill can hit several incidents, each at a different request of the same step.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import pytest
import yaml

from ansible_collections.secops.itsm.tests.functional.conftest import AS_MODULES, PLAYBOOK_COMMAND, Player
from ansible_collections.secops.itsm.tests.functional.processes import LONGEST, eventually, kill, kill_all
from ansible_collections.secops.itsm.tests.functional.runbooks import CHAINS, Chain
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess
from ansible_collections.secops.itsm.tests.sandbox.seed import SEED_FILE

CHAIN = "secops.itsm.close_with_ticket"
#: An incident as in a seed file.
RAISED = {
    "source": "Sentinel",
    "title": "Credential dumping on SRV-DC02",
    "severity": "High",
    "status": "New",
    "createdAt": "2026-11-17T21:14:09.300Z",
    "updatedAt": "2026-11-17T21:14:09.300Z",
}
CLOSURE = {
    "report": False,
    "classification": "TruePositive",
    "classification_reason": "SuspiciousActivity",
    "comment": "Contained.",
}


@dataclass(frozen=True)
class Job:
    """A job for the tickets of one ticketing system.

    :param chain: the ticketing system.
    :param writes: the operations of its writes.
    :param done: the steps of the first run in its summary.
    :param unchanged: the steps of a run that changes nothing in its summary, with the number of incidents.
    :param variables: further variables.
    """

    chain: Chain
    writes: tuple[str, ...]
    done: str
    unchanged: str
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workspace(self) -> str:
        """Return the workspace of the incidents."""
        return self.chain.first["workspace_id"]

    def arguments(self, identifiers: Sequence[str]) -> list[str]:
        """Return the arguments of a job about incidents."""
        entries = [{"workspace_id": self.workspace, "source": "Sentinel", "incident_id": each} for each in identifiers]
        variables = {**CLOSURE, **self.chain.variables, **self.chain.closing, **self.variables}
        return ["-e", json.dumps({**variables, "incidents": entries})]


LINKED = "1 ticket opened; 1 linked; 1 closed"
NAMED = "1 ticket opened; 1 ticket named in a comment; 1 closed; 1 ticket closed"
STILL_LINKED = "{0} tickets known already; {0} linked already; {0} closed already; "
STILL_NAMED = "{0} tickets found; {0} tickets named in a comment already; {0} closed already; {0} tickets found closed"
JOBS = {
    "rezolve": Job(
        CHAINS["rezolve"],
        ("create-ticket", "v2-link-ticket", "v2-update-incident-status"),
        LINKED,
        f"{STILL_LINKED}tickets not checked, because their incidents were closed already",
    ),
    "servicenow": Job(
        CHAINS["servicenow"],
        ("create-record", "v2-link-ticket", "v2-update-incident-status"),
        LINKED,
        f"{STILL_LINKED}{{0}} tickets found closed",
    ),
    "servicenow, by comment": Job(
        CHAINS["servicenow"],
        ("create-record", "v2-add-incident-comment", "v2-update-incident-status", "update-record"),
        NAMED,
        STILL_NAMED,
        {"ticket_reference": "comment"},
    ),
}
#: Values that differ between any two incidents or tickets.
UNIQUE = (
    (r"\b2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r'(?<="id": ")[0-9a-f]{8}-[0-9a-f-]{27}|(?<="etag": ")[0-9a-f]{8}-[0-9a-f-]{27}', "UUID"),
    (r"\b9\d{6}\b", "NUMBER"),
    (r"\bINC\d{7}\b", "TICKET"),
    (r"\b2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d\b", "TIME"),
)


@dataclass(frozen=True)
class Moment:
    """A moment in which a job can be killed, while a request is held.

    :param number: the number of the request, from 1.
    :param operation: its operationId.
    :param path: its path, with ``{incident}``.
    :param nth: the number of earlier requests with the same operation and path.
    :param when: ``before`` or ``after`` the request has taken effect.
    """

    number: int
    operation: str
    path: str
    nth: int
    when: str


class Incidents:
    """Create incidents.

    :param sandbox: the sandbox.
    :param workspace: their workspace.
    """

    def __init__(self, sandbox: SandboxProcess, workspace: str) -> None:
        self._sandbox, self._workspace = sandbox, workspace
        self._count = 0

    def create(self, number: int) -> list[str]:
        """Create incidents and return their IDs.

        :param number: how many.
        """
        identifiers = []
        for _each in range(number):
            self._count += 1
            identifiers.append(str(uuid.UUID(int=self._count)))
            own = {"workspaceId": self._workspace, "id": identifiers[-1], "number": 9_000_000 + self._count}
            self._sandbox.add_incidents({**RAISED, **own})
        return identifiers


def outcome(state: dict[str, Any], identifier: str) -> str:
    """Return everything that is stored about an incident and its tickets, without unique values."""
    of_incident = [entry for entry in state["incidents"] if entry["id"] == identifier]
    of_tickets = [entry for entry in state["platform_tickets"] if identifier in json.dumps(entry["data"])]
    records = [entry for entry in state["servicenow"]["incident"] if identifier in entry["correlation_id"]]
    of_tickets += records
    text = json.dumps([of_incident, of_tickets], indent=1).replace(identifier, "INCIDENT")
    for name in ("object_id", "id_serial", "sys_id"):
        for ticket in of_tickets:
            if name in ticket:
                text = re.sub(rf"\b{ticket[name]}\b", name.upper(), text)
    for pattern, word in UNIQUE:
        text = re.sub(pattern, word, text)
    return text


def others(state: dict[str, Any]) -> str:
    """Return everything that is stored about other incidents than those of this test."""
    rest = copy.deepcopy(state)
    ours = [entry["id"] for entry in rest["incidents"] if str(entry.get("number", "")).startswith("90000")]
    rest.update({f"servicenow {table}": rows for table, rows in rest.pop("servicenow").items()})
    made = {row["sys_id"] for row in rest["servicenow incident"] if any(each in row["correlation_id"] for each in ours)}
    for name, entries in rest.items():
        rest[name] = [entry for entry in entries if not any(each in json.dumps(entry) for each in [*ours, *made])]
    return json.dumps(rest, sort_keys=True)


def moments(entries: list[dict[str, Any]], incident: str) -> Iterator[Moment]:
    """Yield all moments of a job about one incident.

    :param entries: the journal of a job that was not killed.
    :param incident: its incident.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        path = entry["path"].replace(incident, "{incident}")
        for when in ("before", "after") if entry["write"] else ("before",):
            yield Moment(entry["number"], entry["operation"], path, seen[entry["operation"], path], when)
        seen[entry["operation"], path] += 1


def around_writes(known: Sequence[Moment]) -> list[Moment]:
    """Return the moments before and after each write."""
    writes = {moment.number for moment in known if moment.when == "after"}
    return [moment for moment in known if moment.number in writes]


def parallel_moments(known: Sequence[Moment]) -> list[list[Moment]]:
    """Return those moments of each step in which one job can be killed, each with a different incident.

    The first request of a step is not among them: no other starts before it has succeeded.
    """
    create, link, close = (moment.number for moment in known if moment.when == "after")
    search = [moment for moment in known if moment.operation in ("list-tickets", "get-ticket", "create-ticket")]
    # The sandbox cannot tell apart the incidents' second searches, or the tickets that they create.
    tickets = [moment for moment in search if moment.nth == 0 and moment.number <= create]
    return [
        tickets,
        [moment for moment in known if moment.number in (link, link + 1)],
        [moment for moment in known if moment.number in (close, close + 1)],
    ]


@dataclass(frozen=True)
class Uninterrupted:
    """A job about one incident that was not killed.

    :param moments: the moments in which it could have been killed.
    :param writes: the number of its writes by operation.
    :param outcome: what it stored.
    """

    moments: list[Moment]
    writes: Counter[str]
    outcome: str


@pytest.fixture(scope="module")
def small_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """Start a sandbox with few tickets, as the search for an incident's ticket reads each of them."""
    content = yaml.safe_load(SEED_FILE.read_text(encoding="utf-8"))
    for tenant in content["ticketing"]["tenants"]:
        tenant["tickets"] = tenant["tickets"][:3]
    seed = tmp_path_factory.mktemp("seed") / "seed.yml"
    seed.write_text(yaml.safe_dump(content), encoding="utf-8")
    with SandboxProcess(seed) as process:
        yield process


@pytest.fixture(scope="module", params=JOBS)
def job(request: pytest.FixtureRequest) -> Job:
    """Return the job for a ticketing system."""
    return JOBS[request.param]


@pytest.fixture(scope="module")
def uninterrupted(small_sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, job: Job) -> Uninterrupted:
    """Run a job to its end."""
    small_sandbox.reset()
    player = Player(tmp_path_factory.mktemp("uninterrupted"), small_sandbox.environment())
    (incident,) = Incidents(small_sandbox, job.workspace).create(1)
    played = player.play(CHAIN, *job.arguments([incident]))
    assert played.summaries[0].startswith(f"Done: 1 incident, 0 failed; {job.done}"), played.output
    entries = small_sandbox.journal()["entries"]
    writes = Counter(entry["operation"] for entry in entries if entry["write"])
    return Uninterrupted(list(moments(entries, incident)), writes, outcome(small_sandbox.state(), incident))


class Killer:
    """Start jobs and kill them.

    :param player: for the jobs.
    :param sandbox: the sandbox.
    :param job: the job.
    """

    def __init__(self, player: Player, sandbox: SandboxProcess, job: Job) -> None:
        self._player, self._sandbox, self._job = player, sandbox, job

    def kill_in(self, moment: Moment, incident: str) -> None:
        """Kill a job about one incident.

        :param moment: the moment.
        :param incident: the incident.
        """
        faults = [{"hold": True, "when": moment.when, "skip": moment.number - 1}]
        entries = self._kill([incident], faults, 1, {})
        assert [entry["held"] for entry in entries] == [False] * (moment.number - 1) + [True]
        assert (entries[-1]["operation"], entries[-1]["took_effect"]) == (moment.operation, moment.when == "after")

    def kill_in_all(self, wanted: Sequence[Moment], incidents: Sequence[str], mode: dict[str, str]) -> None:
        """Kill a job about several incidents, each of which is in another moment of the same step.

        :param wanted: as many moments as there are incidents.
        :param incidents: the incidents.
        :param mode: the environment variables of the execution mode.
        """
        *earlier, last = wanted
        # Which incident arrives first where paths do not name it is unknown, so any of them can be the last one.
        pairs = [*zip(earlier, incidents), *((last, incident) for incident in incidents)]
        faults = [
            {
                "hold": True,
                "when": moment.when,
                "operation": moment.operation,
                "path": moment.path.format(incident=incident),
                "skip": moment.nth,
            }
            for moment, incident in pairs
        ]
        entries = self._kill(incidents, faults, len(wanted), mode)
        held = Counter((entry["operation"], entry["took_effect"]) for entry in entries if entry["held"])
        assert held == Counter((moment.operation, moment.when == "after") for moment in wanted)

    def _kill(
        self, incidents: Sequence[str], faults: list[dict[str, Any]], number: int, mode: dict[str, str]
    ) -> list[dict[str, Any]]:
        """Start a job, kill all its processes as soon as requests are held, and return the journal entries.

        :param incidents: what it is about.
        :param faults: those of the sandbox.
        :param number: the number of requests that are held.
        :param mode: the environment variables of the execution mode.
        """
        start = len(self._sandbox.journal()["entries"])
        self._sandbox.set_faults(*faults)
        shown = self._player.folder / "output.txt"
        with shown.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                [str(PLAYBOOK_COMMAND), CHAIN, *self._job.arguments(incidents)],
                cwd=self._player.folder,
                env=self._player.variables(mode),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def ended_or_held() -> Any:
            entries = self._sandbox.journal()["entries"][start:]
            is_held = sum(entry["held"] for entry in entries) == number
            return entries if is_held else process.poll() is not None

        try:
            entries = eventually(ended_or_held, f"{number} held requests of {faults}")
            assert process.poll() is None, shown.read_text(encoding="utf-8")
        finally:
            kill(process.pid)
            process.wait(LONGEST)
            kill_all(self._player.folder)
        return list(entries)


def test_job_killed_at_any_request_is_completed_by_next_run(tmp_path: Path, small_sandbox, job, uninterrupted):
    sandbox, player = small_sandbox, Player(tmp_path, small_sandbox.environment())
    sandbox.reset()
    seed = others(sandbox.state())
    killer, incidents = Killer(player, sandbox, job), Incidents(sandbox, job.workspace)
    killed_in: dict[str, Any] = {}
    # Once is enough: the parallel steps of all systems have the same code.
    parallel = parallel_moments(uninterrupted.moments) if job is JOBS["rezolve"] else []
    for step in parallel:
        for mode in ({}, AS_MODULES):
            of_job = incidents.create(len(step))
            killer.kill_in_all(step, of_job, mode)
            killed_in.update(dict.fromkeys(of_job, (step[-1].operation, mode)))
    for moment in uninterrupted.moments if job is JOBS["rezolve"] else around_writes(uninterrupted.moments):
        if not any(moment in step for step in parallel):
            (incident,) = incidents.create(1)
            killer.kill_in(moment, incident)
            killed_in[incident] = moment
    sandbox.set_faults()
    lost = sum(entry["write"] and not entry["took_effect"] for entry in sandbox.journal()["entries"])
    again = player.folder / "again.yml"
    again.write_text(json.dumps([{"import_playbook": CHAIN}] * 2), encoding="utf-8")
    played = player.play(again, *job.arguments(list(killed_in)))
    assert played.code == 0, played.output
    state, count = sandbox.state(), len(killed_in)
    assert [moment for each, moment in killed_in.items() if outcome(state, each) != uninterrupted.outcome] == []
    assert others(state) == seed
    entries = [entry for entry in sandbox.journal()["entries"] if entry["write"]]
    writes = Counter(entry["operation"] for entry in entries if entry["took_effect"])
    assert writes == {name: count * number for name, number in uninterrupted.writes.items()}
    # The second of the two runs wrote nothing.
    assert len(entries) == sum(writes.values()) + lost
    nothing = f"Done: {count} incidents, 0 failed; {job.unchanged.format(count)}"
    assert played.summaries[1].startswith(nothing), played.output


def test_moments_are_before_each_request_and_after_each_write(job, uninterrupted):
    assert tuple(uninterrupted.writes) == job.writes
    assert set(uninterrupted.writes.values()) == {1}
    reached = [moment.number for moment in uninterrupted.moments if moment.when == "before"]
    assert reached == list(range(1, len(reached) + 1))
    if job is not JOBS["rezolve"]:
        return
    assert [uninterrupted.outcome.count(f'"{name}": ') for name in ("createdAt", "message", "etag")] == [1, 1, 1]
    operations = [[moment.operation for moment in step] for step in parallel_moments(uninterrupted.moments)]
    assert operations == [
        ["list-tickets", "get-ticket", "get-ticket", "create-ticket", "create-ticket"],
        ["v2-link-ticket", "v2-link-ticket", "v2-get-incident"],
        ["v2-update-incident-status", "v2-update-incident-status", "v2-get-incident"],
    ]
