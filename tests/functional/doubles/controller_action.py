# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action plugin that stands in for a module of awx.awx: it checks the arguments as Ansible would, and keeps them.

A copy of it has the name of each module. It finds the options in the file that C(CONTROLLER_OPTIONS) names, and keeps
the arguments in the one that C(CONTROLLER_CALLS) names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Checks the arguments of a task, and keeps them."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Stand in for the module.

        :param tmp: not used.
        :param task_vars: the task's variables.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        kind = Path(__file__).stem
        options = json.loads(Path(os.environ["CONTROLLER_OPTIONS"]).read_text(encoding="utf-8"))
        # As a module gets them: without what Ansible marks texts with.
        given = json.loads(json.dumps(self._task.args, default=str))
        checked = ArgumentSpecValidator(options[kind]).validate(given)
        if checked.error_messages:
            return {**result, "failed": True, "msg": f"{kind} {given.get('name')}: {'; '.join(checked.error_messages)}"}
        arguments = {name: value for name, value in checked.validated_parameters.items() if value is not None}
        with Path(os.environ["CONTROLLER_CALLS"]).open("a", encoding="utf-8") as calls:
            calls.write(json.dumps({"kind": kind, "arguments": arguments}) + "\n")
        return {**result, "changed": True}
