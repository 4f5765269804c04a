# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job that opens, links and closes, is killed at any of its requests, and is run again, ends as one that was not."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.secops.itsm.tests.functional.conftest import AS_MODULES, PLAYBOOK_COMMAND, Player
from ansible_collections.secops.itsm.tests.functional.processes import LONGEST, eventually, kill, processes_of
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

CHAIN = "secops.itsm.close_with_ticket"
WORKSPACE = "5d6e7f80-91a2-4b3c-8d4e-5f6071829304"
#: As a seed has it; each kill has one of its own.
RAISED = {
    "workspaceId": WORKSPACE,
    "source": "Sentinel",
    "title": "Credential dumping on SRV-DC02",
    "severity": "High",
    "status": "New",
    "createdAt": "2026-11-17T21:14:09.300Z",
    "updatedAt": "2026-11-17T21:14:09.300Z",
}
VARIABLES = {
    "report": False,
    "team_id": "soc",
    "offer": "Report a security incident",
    "reference_field": "Incident Reference",
    "fields": {"Urgency": "High", "Description": "<p>{title}</p>"},
    "classification": "TruePositive",
    "classification_reason": "SuspiciousActivity",
    "comment": "Contained.",
}
#: What two incidents, or two tickets, never share.
OWN = (
    (r"\b2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r'(?<="id": ")[0-9a-f]{8}-[0-9a-f-]{27}|(?<="etag": ")[0-9a-f]{8}-[0-9a-f-]{27}', "UUID"),
    (r"\b9\d{6}\b", "NUMBER"),
)
#: The moments are shared out, so that they can be tested side by side.
SHARES = 3


@dataclass(frozen=True)
class Moment:
    """A moment to kill a job at.

    :param number: of the request that is under way, from 1.
    :param operation: what it asks for.
    :param when: whether it has taken effect, though it is not answered, or nothing has come of it yet.
    :param way: how tasks are run.
    """

    number: int
    operation: str
    when: str
    way: str = "here"


class Incidents:
    """Incidents that a job is about.

    :param sandbox: where they are.
    """

    def __init__(self, sandbox: SandboxProcess) -> None:
        self._sandbox = sandbox
        self._count = 0

    def raised(self) -> str:
        """The identifier of a new one."""
        self._count += 1
        identifier = str(uuid.UUID(int=self._count))
        self._sandbox.add_incidents({**RAISED, "id": identifier, "number": 9_000_000 + self._count})
        return identifier


def words(*identifiers: str) -> list[str]:
    """What follows the name of a playbook that is about incidents."""
    named = [{"workspace_id": WORKSPACE, "source": "Sentinel", "incident_id": each} for each in identifiers]
    return ["-e", json.dumps({**VARIABLES, "incidents": named})]


def outcome(state: dict[str, Any], identifier: str) -> str:
    """All that is stored of an incident: itself, and the tickets that are about it, without what is its own."""
    of_incident = [entry for entry in state["incidents"] if entry["id"] == identifier]
    of_tickets = [entry for entry in state["platform_tickets"] if identifier in json.dumps(entry["data"])]
    text = json.dumps([of_incident, of_tickets], indent=1).replace(identifier, "INCIDENT")
    for name in ("object_id", "id_serial"):
        for ticket in of_tickets:
            text = re.sub(rf"\b{ticket[name]}\b", name.upper(), text)
    for pattern, word in OWN:
        text = re.sub(pattern, word, text)
    return text


def others(state: dict[str, Any]) -> str:
    """All that is stored, but that of the incidents of these tests."""
    rest = copy.deepcopy(state)
    ours = [entry["id"] for entry in rest["incidents"] if str(entry.get("number", "")).startswith("90000")]
    for name, entries in rest.items():
        rest[name] = [entry for entry in entries if not any(each in json.dumps(entry) for each in ours)]
    return json.dumps(rest, sort_keys=True)


def moments(journal: dict[str, Any]) -> Iterator[Moment]:
    """Every moment to kill a job at.

    :param journal: of a job that was not.
    """
    for entry in journal["entries"]:
        yield Moment(entry["number"], entry["operation"], "before")
        if entry["write"]:
            yield Moment(entry["number"], entry["operation"], "after")
            yield Moment(entry["number"], entry["operation"], "after", way="module")


@dataclass(frozen=True)
class Uninterrupted:
    """A job that was not killed.

    :param moments: those at which it could have been.
    :param writes: how many of its requests were writes, by operation.
    :param outcome: what it left.
    """

    moments: list[Moment]
    writes: Counter[str]
    outcome: str


@pytest.fixture(scope="session")
def uninterrupted(sandbox_process: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    """One for all tests."""
    sandbox_process.reset()
    player = Player(tmp_path_factory.mktemp("uninterrupted"), sandbox_process.environment())
    incident = Incidents(sandbox_process).raised()
    played = player.play(CHAIN, *words(incident))
    assert played.summaries == ["Done: 1 incident, 0 failed; 1 ticket opened; 1 linked; 1 closed."], played.output
    journal = sandbox_process.journal()
    writes = Counter(entry["operation"] for entry in journal["entries"] if entry["write"])
    return Uninterrupted(list(moments(journal)), writes, outcome(sandbox_process.state(), incident))


def play_until(player: Player, sandbox: SandboxProcess, moment: Moment, incident: str) -> None:
    """Begin a job, and kill all its processes at a moment."""
    begun = len(sandbox.journal()["entries"])
    sandbox.set_faults({"hold": True, "when": moment.when, "skip": moment.number - 1})
    shown = player.folder / "output.txt"
    with shown.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [str(PLAYBOOK_COMMAND), CHAIN, *words(incident)],
            cwd=player.folder,
            env=player.variables(AS_MODULES if moment.way == "module" else {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        entries = eventually(lambda: ended_or_held(process, sandbox, begun), f"request {moment.number}")
        assert process.poll() is None, shown.read_text(encoding="utf-8")
    finally:
        kill(process.pid)
        process.wait(LONGEST)
        eventually(lambda: not killed(player.folder), "the end of all processes")
    assert [entry["held"] for entry in entries] == [False] * (moment.number - 1) + [True]
    assert entries[-1]["operation"] == moment.operation
    assert entries[-1]["took_effect"] == (moment.when == "after")


def ended_or_held(process: subprocess.Popen[bytes], sandbox: SandboxProcess, begun: int) -> list[dict[str, Any]] | bool:
    """The requests of a job of which one is held, or whether it has ended."""
    entries = sandbox.journal()["entries"][begun:]
    return entries if any(entry["held"] for entry in entries) else process.poll() is not None


def killed(home: Path) -> dict[int, str]:
    """What was left of a job, and is no more."""
    found = processes_of(home)
    for number in found:
        kill(number)
    return found


@pytest.mark.parametrize("share", range(SHARES))
def test_chain_that_is_killed_at_any_request_ends_as_one_that_was_not(player, sandbox, uninterrupted, share):
    """Each job is killed at another moment, about an incident of its own; then one job is about all of them, twice."""
    incidents = Incidents(sandbox)
    killed_at = {incidents.raised(): moment for moment in uninterrupted.moments[share::SHARES]}
    seed = others(sandbox.state())
    for incident, moment in killed_at.items():
        play_until(player, sandbox, moment, incident)
    sandbox.set_faults()
    in_vain = sum(entry["write"] and not entry["took_effect"] for entry in sandbox.journal()["entries"])
    again = player.folder / "again.yml"
    again.write_text(json.dumps([{"import_playbook": CHAIN}] * 2), encoding="utf-8")
    played = player.play(again, *words(*killed_at))
    assert played.code == 0, played.output
    state, count = sandbox.state(), len(killed_at)
    other = [moment for incident, moment in killed_at.items() if outcome(state, incident) != uninterrupted.outcome]
    assert other == []
    assert others(state) == seed
    entries = [entry for entry in sandbox.journal()["entries"] if entry["write"]]
    writes = Counter(entry["operation"] for entry in entries if entry["took_effect"])
    assert writes == {name: count * number for name, number in uninterrupted.writes.items()}
    # Neither did the last run write anything.
    assert len(entries) == sum(writes.values()) + in_vain
    nothing = (
        f"Done: {count} incidents, 0 failed; {count} tickets known already; {count} linked already; {count} closed"
    )
    assert played.summaries[1].startswith(f"{nothing} already; "), played.output


def test_moments_are_those_of_the_whole_chain(uninterrupted):
    """Before each request, and after each write, both ways."""
    assert list(uninterrupted.writes) == ["create-ticket", "v2-link-ticket", "v2-update-incident-status"]
    assert set(uninterrupted.writes.values()) == {1}
    assert len(uninterrupted.moments) == len(set(uninterrupted.moments))
    reached = [moment.number for moment in uninterrupted.moments if moment.when == "before"]
    assert reached == list(range(1, len(reached) + 1))
    assert [uninterrupted.outcome.count(f'"{name}": ') for name in ("createdAt", "message", "etag")] == [1, 1, 1]
