# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print lines that a debug task would not show."""

from __future__ import annotations

DOCUMENTATION = r"""
name: visible_lines
short_description: "[INTERNAL] Print lines that a debug task would not show"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Returns lines for M(ansible.builtin.debug). If the callback plugin for the output hides the results of successful
    tasks, because its C(display_ok_hosts) is false, also prints them, so that the result of a run is visible with any
    setting.
options:
  _terms:
    description:
      - Not supported. Before ansible-core 2.19, terms are evaluated as templates, and a service contains texts of
        attackers.
    type: list
    elements: str
    default: []
  lines:
    description: The lines.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what was done
  ansible.builtin.debug:
    msg: "{{ query('secops.itsm.visible_lines', lines=['Done: 3 incidents, 0 failed; 3 closed.']) }}"
"""

RETURN = r"""
_raw:
  description: The lines.
  type: list
  elements: str
"""

from typing import Any

from ansible import constants
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display


def _hides_successful_tasks() -> bool:
    """Return whether the callback plugin for the output hides the results of successful tasks."""
    name = constants.DEFAULT_STDOUT_CALLBACK.removeprefix("ansible.builtin.")
    try:
        shown = constants.config.get_config_value("display_ok_hosts", plugin_type="callback", plugin_name=name)
    except (AnsibleError, KeyError):
        # The plugin has no such option, so it shows all results in its own way.
        return False
    return not shown


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Return the lines.

        :param terms: not supported.
        :param variables: the variables of the play.
        :param kwargs: the options.
        """
        self.set_options(var_options=variables, direct=kwargs)
        if terms:
            raise AnsibleLookupError("visible_lines does not support terms. Use the option lines.")
        lines = [str(line) for line in self.get_option("lines")]
        if _hides_successful_tasks():
            display = Display()
            for line in ["", *lines]:
                display.display(line)
        return lines
