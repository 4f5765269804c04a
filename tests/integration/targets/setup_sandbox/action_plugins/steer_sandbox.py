# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steer the sandbox from inside the controller: ansible.builtin.uri would cost half a second each time.

It also notes what the module under test returned, as a task more for each would cost time, too.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes C(url), C(method) and C(body), which is sent as JSON; a refusal fails the task.

    With C(record), C(outcome) is noted under that name, if integration_config.yml says where (C(sandbox_records)); and
    with C(chance) which of its keys may be others in another run.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send it, in check mode too.

        :param tmp: not used.
        :param task_vars: the outcome is looked up there.
        """
        result = super().run(tmp, task_vars)
        given = self._task.args
        data = json.dumps(given.get("body"), default=str).encode()
        request = urllib.request.Request(given["url"], data, method=given["method"])
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            result["json"] = json.load(answer)
        variables = task_vars or {}
        if given.get("record") and "sandbox_records" in variables:
            self._note(given["record"], given.get("chance") or [], variables)
        return {**result, "changed": False}

    def _note(self, name: str, chance: list[str], variables: dict[str, Any]) -> None:
        """Add the outcome, and how many processes the connection started since the one before."""
        starts = Path(variables["sandbox_starts"])
        record = {
            "name": name,
            "chance": chance,
            "starts": len(starts.read_bytes()) if starts.exists() else 0,
            "outcome": variables["outcome"],
        }
        starts.unlink(missing_ok=True)
        with Path(variables["sandbox_records"]).open("a", encoding="utf-8") as records:
            records.write(f"{json.dumps(record, default=str)}\n")
