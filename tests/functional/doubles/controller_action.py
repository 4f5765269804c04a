# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A double of the modules of awx.awx, which validates the arguments as Ansible does and records them.

It is copied to the name of each module. The environment variable CONTROLLER_OPTIONS names the file with the options,
CONTROLLER_CALLS the file that receives the arguments.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Validate the arguments of a task and record them."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Record the arguments and return a changed result, or a failure if they are invalid.

        :param tmp: not used.
        :param task_vars: the task's variables.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        kind = Path(__file__).stem
        options = json.loads(Path(os.environ["CONTROLLER_OPTIONS"]).read_text(encoding="utf-8"))
        # As a module receives them: without the marks that Ansible adds to strings.
        given = json.loads(json.dumps(self._task.args, default=str))
        checked = ArgumentSpecValidator(options[kind]).validate(given)
        if checked.error_messages:
            return {**result, "failed": True, "msg": f"{kind} {given.get('name')}: {'; '.join(checked.error_messages)}"}
        arguments = {name: value for name, value in checked.validated_parameters.items() if value is not None}
        with Path(os.environ["CONTROLLER_CALLS"]).open("a", encoding="utf-8") as calls:
            calls.write(json.dumps({"kind": kind, "arguments": arguments}) + "\n")
        return {**result, "changed": True}
