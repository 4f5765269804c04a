# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write a text into a file, inside the controller: a module would cost the tests half a second each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no type hints
    """Takes C(content) and C(dest)."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write it, in check mode too.

        :param tmp: not used.
        :param task_vars: not used.
        """
        super().run(tmp, task_vars)
        Path(self._task.args["dest"]).write_text(str(self._task.args["content"]), encoding="utf-8")
        return {"changed": False}
