# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a text into a file, inside the controller: a module would cost the tests half a second each time.

The sandbox can begin anew after that, because a task of its own would cost a tenth.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes C(content) and C(dest), and with C(reset) the C(url) and the C(body) of a request to make then."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write it, in check mode too.

        :param tmp: not used.
        :param task_vars: not used.
        """
        super().run(tmp, task_vars)
        given = self._task.args
        Path(given["dest"]).write_text(str(given["content"]), encoding="utf-8")
        if given.get("reset"):
            # Not by control_sandbox: it could be imported only from the collection, which some tests replace.
            request = urllib.request.Request(given["reset"]["url"], json.dumps(given["reset"]["body"]).encode())
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10):
                pass
        return {"changed": False}
