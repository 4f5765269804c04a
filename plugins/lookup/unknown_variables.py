# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find variables that a runbook does not support."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unknown_variables
short_description: "[INTERNAL] Find variables that a runbook does not support"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Returns a message for each extra variable that the runbook does not support, and for each variable of the inventory
    or the playbook whose name is similar to a variable of the runbook or of a connection.
  - Variables of other runbooks are accepted unless their names are similar to a variable of this one. Names that start
    with C(ansible_), C(awx_), C(tower_) or C(itsm_), connection variables such as C(contraforce_url), and names in
    O(ignored) are always accepted.
  - In a job of an AWX workflow, only similar names are reported, because AWX adds the values that earlier jobs passed
    to M(ansible.builtin.set_stats) to the extra variables.
options:
  _terms:
    description: Name of the runbook.
    type: list
    elements: str
    required: true
  table:
    description: The table of the runbooks' variables in the format of C(playbooks/vars/runbooks.yml).
    type: dict
    required: true
  hosts:
    description: Hosts whose variables are also checked.
    type: list
    elements: str
    default: []
  ignored:
    description: Names of variables to accept.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Check the variables of a run
  ansible.builtin.assert:
    that: problems | length == 0
    fail_msg: "{{ problems }}"
  vars:
    problems: "{{ query('secops.itsm.unknown_variables', 'my_runbook', table=table) }}"
    table:
      itsm_variables: {mine: {comment: {type: str, description: A comment.}}}
      itsm_runbooks: {my_runbook: {takes: [mine]}}
"""

RETURN = r"""
_raw:
  description: The messages. The list is empty if every variable is supported.
  type: list
  elements: str
"""

from typing import Any, Mapping

from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.secops.itsm.plugins.plugin_utils.unknown_variables import unknown_variables


def _is_registered(value: Any) -> bool:
    """Return True for the registered result of a task, which is not meant for a runbook."""
    return isinstance(value, Mapping) and {"changed", "failed"} <= value.keys()


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Return the messages.

        :param terms: names of runbooks.
        :param variables: the variables of the play.
        :param kwargs: the options.
        """
        self.set_options(var_options=variables, direct=kwargs)
        hostvars = variables["hostvars"]
        # Not hostvars[host], which would evaluate the values.
        spaces = [variables, *(hostvars.raw_get(host) for host in self.get_option("hosts"))]
        others = {name for space in spaces for name in space if not _is_registered(space.get(name))}
        extra = load_extra_vars(self._loader)
        return [
            message
            for runbook in terms
            for message in unknown_variables(
                runbook, self.get_option("table"), extra, others, self.get_option("ignored")
            )
        ]
