# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the directory for the reports of runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_folder
short_description: Create the directory for the reports of runbooks
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Creates a directory on the controller if it is missing, accessible to its owner only, checks that it is writable,
    and returns its path. This also happens in check mode, because a check has a report, too.
options:
  _terms:
    description: The path of the directory, absolute or relative to the directory in which the run was started.
    type: list
    elements: str
    required: true
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
  description: The absolute path of each directory.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.secops.itsm.plugins.plugin_utils.report_writer import ensure_folder


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[str]:
        """Return the paths of the directories.

        :param terms: their paths.
        :param variables: the variables of the play.
        :param kwargs: not used.
        """
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [str(ensure_folder(str(term))) for term in terms]
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            message = f"report_dir is not a writable directory: {terms[0]}: {reason}. Set another directory."
            raise AnsibleLookupError(message) from None
