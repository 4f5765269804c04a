# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the variables of a ticketing system to the table of runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_table
short_description: "[INTERNAL] Add the variables of a ticketing system to the table of runbooks"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Adds the variables of a ticketing system, a directory in C(playbooks/tickets) or elsewhere, to the table of
    runbooks.
  - If there is no such system, the key C(itsm_ticket_system) of the result contains the C(problem).
options:
  _input:
    description: The table of the runbooks' variables in the format of C(playbooks/vars/runbooks.yml).
    type: dict
    required: true
  system:
    description: Name of the ticketing system, or path of its directory. A blank value stands for the default system.
    type: str
    default: ''
  playbook_dir:
    description:
      - The directory of the playbook. A relative path in O(system) is searched in it, and then in the working
        directory.
    type: str
    default: ''
    version_added: 0.7.0
"""

EXAMPLES = r"""
- name: Add the variables of the default system
  ansible.builtin.set_fact:
    complete_table: "{{ table | secops.itsm.runbook_table }}"
  vars:
    table: {itsm_variables: "{{ itsm_variables }}", itsm_runbooks: "{{ itsm_runbooks }}"}
"""

RETURN = r"""
_value:
  description: The table with the variables of the system, and C(itsm_ticket_system), the facts of the system.
  type: dict
"""

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import with_ticket_system


def runbook_table(table: Mapping[str, Any], system: Any = "", playbook_dir: str = "") -> dict[str, Any]:
    """Return the table of runbooks with the variables of a ticketing system.

    :param table: ``itsm_variables`` and ``itsm_runbooks``.
    :param system: the name of the system or the path of its directory; blank for the default.
    :param playbook_dir: the directory of the playbook.
    """
    return with_ticket_system(table, system, playbook_dir)


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_table": runbook_table}
