# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variants to close many incidents, and the requests that each may send."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

READ, WRITE = "v2-get-incident", "v2-update-incident-status"
#: The default of the option ``concurrency``, and the number of threads of the script.
CONCURRENCY = 8
#: The options of the playbooks, which contain them literally.
CLOSURE = {
    "status": "Closed",
    "classification": "FalsePositive",
    "classification_reason": "IncorrectAlertLogic",
    "comment": "Closed by the benchmark.",
}


@dataclass(frozen=True)
class Variant:
    """A variant to close many incidents.

    :param key: its letter in the report; empty for the empty play.
    :param name: its name in the report, the figure and the progress.
    :param does: a sentence about what it does.
    :param playbook: its playbook; None for the script.
    :param variables: additional variables.
    :param reads: the number of reads for each incident that it closes.
    :param slow: whether it starts a process for each item, and is measured in fewer rounds.
    :param most_connections: the maximum number of connections for any number of incidents; None for no maximum.
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
        """Return the letter and the name."""
        return f"({self.key}) {self.name}" if self.key else self.name

    def requests_to_close(self, number: int) -> dict[str, int]:
        """Return the number of requests to close open incidents, by operation.

        :param number: the number of incidents.
        """
        return {READ: self.reads * number, WRITE: number}


EMPTY = Variant("", "empty play", "Starts ansible-playbook and does nothing.", "empty.yml")
LOOP = Variant(
    "a",
    "loop",
    "`loop:` over `secops.itsm.contraforce_incident_status` with its defaults: in the process of the worker.",
    "loop.yml",
    most_connections=1,
)
MODULES = Variant(
    "b",
    "loop with module processes",
    "The same with `secops_itsm_in_process: false`, which starts a process for each item.",
    "loop.yml",
    {"secops_itsm_in_process": False},
    slow=True,
)
LIST = Variant(
    "c",
    "list",
    f"One task with the option `incidents` and the default `concurrency: {CONCURRENCY}`.",
    "list.yml",
    most_connections=CONCURRENCY,
)
URI = Variant(
    "d",
    "loop with uri",
    "Two tasks with `loop:` over `ansible.builtin.uri`: read each incident, then close open ones, without verifying.",
    "uri.yml",
    reads=1,
    slow=True,
)
SCRIPT = Variant(
    "e",
    "script",
    f"A Python script with `requests` and {CONCURRENCY} threads, which sends the requests of (c) without Ansible.",
    None,
    most_connections=CONCURRENCY,
)

VARIANTS = (LOOP, MODULES, LIST, URI, SCRIPT)
