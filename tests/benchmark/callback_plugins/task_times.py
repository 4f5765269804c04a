# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the duration of each task and the peak memory of the run to a file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: task_times
type: notification
short_description: Write the duration of each task and the peak memory of the run to a file
version_added: 0.4.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - For the benchmark of this collection. No callback plugin in ansible-core reports the times of tasks.
options:
  path:
    description: The JSON file to write.
    type: path
    required: true
    env:
      - name: SECOPS_ITSM_TASK_TIMES
"""

import atexit
import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core is not typed
    """Record the tasks of a run on one host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._tasks: list[dict[str, Any]] = []
        self._started = 0.0
        # At the end of ansible-playbook, when the memory of its worker is known. Workers do not call it.
        atexit.register(self._write)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Record the start of a task."""
        self._tasks.append({"name": task.get_name(), "seconds": None})
        self._started = time.monotonic()

    def _end(self, *_arguments: Any, **_names: Any) -> None:
        self._tasks[-1]["seconds"] = time.monotonic() - self._started

    # A loop ends once, after its last item.
    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _end

    def _write(self) -> None:
        for worker in multiprocessing.active_children():
            worker.join(timeout=10)  # the memory of a process is known after its end
        memory = {
            "main_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "worker_kib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        }
        Path(self.get_option("path")).write_text(json.dumps({"tasks": self._tasks, **memory}), encoding="utf-8")
