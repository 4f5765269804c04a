# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the directory for the reports of runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_folder
short_description: "[INTERNAL] Create the directory for reports of runbooks"
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Creates a directory on the controller if it is missing, accessible to its owner only, checks that it is writable,
    and returns its path. This also happens in check mode, because a check has a report, too.
options:
  _terms:
    description: The path of the directory, absolute or relative to the directory in which the run was started.
    type: list
    elements: str
    required: true
  result:
    description:
      - V(paths) returns the paths of the directories, and fails if one cannot be used.
      - V(problems) returns a message for each directory that cannot be used.
    type: str
    choices: [paths, problems]
    default: paths
    version_added: 0.7.0
seealso:
  - plugin: secops.itsm.report_files
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Show the directory of the reports
  ansible.builtin.debug:
    msg: "{{ lookup('secops.itsm.report_folder', 'itsm-reports') }}"
"""

RETURN = r"""
_raw:
  description: The absolute path of each directory, or the messages.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.secops.itsm.plugins.plugin_utils.report_writer import ensure_folder, folder_problem


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Return the paths of the directories, or the problems.

        :param terms: their paths.
        :param variables: the variables of the play.
        :param kwargs: result.
        """
        self.set_options(var_options=variables, direct=kwargs)
        paths, problems = [], []
        for term in map(str, terms):
            try:
                paths.append(str(ensure_folder(term)))
            except (OSError, ValueError) as error:
                problems.append(folder_problem(term, error))
        if self.get_option("result") == "problems":
            return problems
        if problems:
            raise AnsibleLookupError(problems[0])
        return paths
