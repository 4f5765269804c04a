# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send requests to the sandbox between tasks."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: send_requests
type: aggregate
short_description: Send requests to the sandbox between tasks
description:
  - A task with the variable C(request_before_task), with the C(url) and the C(body) of a POST request, starts after
    that request. A separate task would take a tenth of a second.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no type hints
    """Send the request of each task that has one."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "send_requests"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Send the request that the task asks for."""
        wanted = task.vars.get("request_before_task")
        if wanted:
            request = urllib.request.Request(wanted["url"], json.dumps(wanted["body"]).encode())
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
                pass
