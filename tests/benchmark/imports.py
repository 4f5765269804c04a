# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure how long it takes to import the collection, each time in a new Python process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

from ansible_collections.secops.itsm.tests.benchmark.figures import Spread
from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

_PLUGINS = "ansible_collections.secops.itsm.plugins"
MODULE = f"{_PLUGINS}.modules.contraforce_incident_status"
ACTION = f"{_PLUGINS}.action.contraforce_incident_status"
#: Approximately what ansible-playbook has imported when it loads an action plugin.
_ANSIBLE = "import ansible.cli.playbook, ansible.executor.task_executor, ansible.plugins.action"
_LIBRARIES = ("requests", "jsonschema")

_PROGRAM = """
import importlib, json, sys, time
{first}
before, started = set(sys.modules), time.perf_counter()
importlib.import_module({name!r})
seconds, new = time.perf_counter() - started, set(sys.modules) - before
loaded = [each for each in {libraries!r} if each in new]
print(json.dumps({{"seconds": seconds, "modules": len(new), "loaded": loaded}}))
"""


@dataclass(frozen=True)
class Import:
    """The measurements of an import.

    :param name: its name in a table.
    :param seconds: its duration.
    :param modules: the number of Python modules that were imported.
    :param loaded: the libraries among them.
    """

    name: str
    seconds: Spread
    modules: int
    loaded: tuple[str, ...]


def measured_imports(rounds: int) -> list[Import]:
    """Measure the imports of the module, of the action plugin, and of ``requests`` as the reference.

    :param rounds: the number of rounds for each import.
    """
    imports = (
        ("`requests` alone, in a new Python process", "requests", ""),
        ("the module, in a new Python process", MODULE, ""),
        ("the action plugin, in a process that has imported Ansible", ACTION, _ANSIBLE),
    )
    return [_measured(title, name, first, rounds) for title, name, first in imports]


def _measured(title: str, name: str, first: str, rounds: int) -> Import:
    program = _PROGRAM.format(first=first, name=name, libraries=_LIBRARIES)
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    outputs = []
    # The first of several rounds may include the compilation.
    discarded = 1 if rounds > 1 else 0
    for _round in range(rounds + discarded):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        outputs.append(json.loads(done.stdout))
    kept = outputs[discarded:]
    return Import(title, Spread.of(each["seconds"] for each in kept), kept[0]["modules"], tuple(kept[0]["loaded"]))
