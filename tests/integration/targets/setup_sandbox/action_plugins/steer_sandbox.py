# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steer the sandbox from inside the controller: ansible.builtin.uri would cost half a second each time."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes C(url), C(method) and C(body), which is sent as JSON; a refusal fails the task."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send it, in check mode too.

        :param tmp: not used.
        :param task_vars: not used.
        """
        result = super().run(tmp, task_vars)
        given = self._task.args
        data = json.dumps(given["body"], default=str).encode()
        request = urllib.request.Request(given["url"], data, method=given["method"])
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            result["json"] = json.load(answer)
        return {**result, "changed": False}
