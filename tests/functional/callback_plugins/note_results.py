# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the result of each task that runs a module of the collection into a file, a line each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: note_results
type: aggregate
short_description: Write the results of modules into a file
description: Used by tests, which name the file in SECOPS_ITSM_RESULTS_FILE.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no type hints
    """Note results, failures included."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "note_results"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note a task that succeeded."""
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note a task that failed."""
        self._note(result)

    def _note(self, result: Any) -> None:
        path, action = os.environ.get("SECOPS_ITSM_RESULTS_FILE"), result._task.action
        if path and action.startswith(("secops.itsm.contraforce_", "secops.itsm.ticketing_")):
            note = {"module": action, "task": result._task.get_name(), "result": result._result}
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(note, default=str)}\n")
