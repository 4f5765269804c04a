# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to close many incidents, and what each of them may send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

READ, WRITE = "v2-get-incident", "v2-update-incident-status"
#: The default of the option C(concurrency), and so the number of threads of the plain script, too.
CONCURRENCY = 8
#: What the playbooks say word for word, as people write it.
CLOSURE = {
    "status": "Closed",
    "classification": "FalsePositive",
    "classification_reason": "IncorrectAlertLogic",
    "comment": "Closed by the benchmark.",
}


@dataclass(frozen=True)
class Variant:
    """A way to close many incidents.

    :param key: the letter that the document calls it by; nothing for the empty play.
    :param name: for a table, a plot and the progress.
    :param does: what it does, in a sentence.
    :param playbook: its file in C(playbooks), None for the plain script.
    :param variables: what it is given besides the incidents.
    :param reads: how often it reads an incident that it closes.
    :param slow: starts a process for each item, and is measured in fewer rounds.
    :param most_connections: how many connections it may open, however many incidents there are; None for any number.
    """

    key: str
    name: str
    does: str
    playbook: str | None
    variables: Mapping[str, Any] = field(default_factory=dict)
    reads: int = 2
    slow: bool = False
    most_connections: int | None = None

    @property
    def label(self) -> str:
        """The letter and the name."""
        return f"({self.key}) {self.name}" if self.key else self.name

    def requests_to_close(self, number: int) -> dict[str, int]:
        """What it has to send to close open incidents, by operation.

        :param number: of incidents.
        """
        return {READ: self.reads * number, WRITE: number}


EMPTY = Variant("", "empty play", "Starts ansible-playbook, and ends.", "empty.yml")
LOOP = Variant(
    "a",
    "our loop",
    "`loop:` over `secops.itsm.contraforce_incident_status`, as it comes: in the process of the worker.",
    "loop.yml",
    most_connections=1,
)
MODULES = Variant(
    "b",
    "our loop, as modules",
    "The same with `secops_itsm_in_process: false`: a process for each item.",
    "loop.yml",
    {"secops_itsm_in_process": False},
    slow=True,
)
LIST = Variant(
    "c",
    "our list",
    f"One task with the option `incidents`, and its default `concurrency: {CONCURRENCY}`.",
    "list.yml",
    most_connections=CONCURRENCY,
)
URI = Variant(
    "d",
    "loop of uri",
    "Two tasks with `loop:` over `ansible.builtin.uri`: read each, then write those that are not closed. No read-back.",
    "uri.yml",
    reads=1,
    slow=True,
)
SCRIPT = Variant(
    "e",
    "requests script",
    f"A Python script with `requests` and {CONCURRENCY} threads, a session each: the calls of (c), without Ansible.",
    None,
    most_connections=CONCURRENCY,
)

VARIANTS = (LOOP, MODULES, LIST, URI, SCRIPT)
