# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create the directory for the reports of runbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_folder
short_description: Have a folder for the reports of runbooks
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Makes a folder on the controller if it is not there, for its owner only, looks whether it can be written to, and
    gives its path. In check mode, too, because a rehearsal has a report.
options:
  _terms:
    description: The folder, from the one that the run is started in, or absolute.
    type: list
    elements: str
    required: true
seealso:
  - plugin: secops.itsm.report_files
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Say where the reports will be
  ansible.builtin.debug:
    msg: "{{ lookup('secops.itsm.report_folder', 'itsm-reports') }}"
"""

RETURN = r"""
_raw:
  description: The absolute path of each folder.
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
            message = f"report_dir must be a folder that can be made and written to; {terms[0]} cannot: {reason}."
            raise AnsibleLookupError(message) from None
