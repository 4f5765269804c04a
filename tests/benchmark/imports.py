# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the code of the collection takes to be imported, each time in a Python that has not imported it yet."""

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
#: What ansible-playbook has imported by the time that it loads an action plugin, by and large.
_BY_THEN = "import ansible.cli.playbook, ansible.executor.task_executor, ansible.plugins.action"
_LIBRARIES = ("requests", "jsonschema")

_PROGRAM = """
import importlib, json, sys, time
{first}
before, begun = set(sys.modules), time.perf_counter()
importlib.import_module({name!r})
seconds, new = time.perf_counter() - begun, set(sys.modules) - before
loaded = [each for each in {libraries!r} if each in new]
print(json.dumps({{"seconds": seconds, "modules": len(new), "loaded": loaded}}))
"""


@dataclass(frozen=True)
class Import:
    """What an import took.

    :param name: for a table.
    :param seconds: medians.
    :param modules: how many Python modules it brought.
    :param loaded: the libraries among them.
    """

    name: str
    seconds: Spread
    modules: int
    loaded: tuple[str, ...]


def measured_imports(rounds: int) -> list[Import]:
    """The module in a fresh Python, as a process for each item has it; the action plugin in one that has Ansible; and
    C(requests) alone, to compare.

    :param rounds: how often each.
    """
    wanted = (
        ("`requests` alone, in a fresh Python", "requests", ""),
        ("the module, in a fresh Python", MODULE, ""),
        ("the action plugin, in a Python that has imported Ansible", ACTION, _BY_THEN),
    )
    return [_measured(title, name, first, rounds) for title, name, first in wanted]


def _measured(title: str, name: str, first: str, rounds: int) -> Import:
    program = _PROGRAM.format(first=first, name=name, libraries=_LIBRARIES)
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    told = []
    for _round in range(rounds + 1):
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        told.append(json.loads(done.stdout))
    # The first one may have compiled, too.
    kept = told[1:]
    return Import(title, Spread.of(each["seconds"] for each in kept), kept[0]["modules"], tuple(kept[0]["loaded"]))
