# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the report of a runbook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_files
short_description: "[INTERNAL] Write the report of a runbook"
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Writes a report as Markdown and as an HTML page on the controller, also in check mode, and returns the paths of the
    files. Only their owner can read them.
  - No existing file is replaced, except those in O(replaces).
options:
  _terms:
    description: The reports, as P(secops.itsm.runbook_report#filter) returns them.
    type: list
    elements: dict
    required: true
  folder:
    description: The directory for the files, as P(secops.itsm.report_folder#lookup) returns it.
    type: str
    required: true
  name:
    description:
      - The name of the files, without C(.md) and C(.html).
      - If a file of this name exists, C(_2) or the next free number is appended to the names of both files.
    type: str
    required: true
  replaces:
    description: The paths of an earlier version of the same reports, as this plugin returned them. The files are
      replaced.
    type: list
    elements: str
    default: []
    version_added: 0.7.0
"""

EXAMPLES = r"""
- name: Write a report
  ansible.builtin.debug:
    msg: "{{ query('secops.itsm.report_files', report, folder=folder, name='mine') }}"
  vars:
    report: "{{ [] | secops.itsm.runbook_report(about, []) }}"
    folder: "{{ lookup('secops.itsm.report_folder', 'itsm-reports') }}"
    about: {runbook: mine, title: My closures, check_mode: false, head: [], asked: {}}
"""

RETURN = r"""
_raw:
  description: The absolute paths of the files.
  type: list
  elements: str
"""

from itertools import islice
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.secops.itsm.plugins.plugin_utils.report_renderer import as_html, as_markdown
from ansible_collections.secops.itsm.plugins.plugin_utils.report_writer import write_report


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[Any], variables: Any = None, **kwargs: Any) -> list[str]:
        """Return the paths of the files.

        :param terms: the reports.
        :param variables: the variables of the play.
        :param kwargs: folder, name and replaces.
        """
        self.set_options(var_options=variables, direct=kwargs)
        folder, name, earlier = self.get_option("folder"), self.get_option("name"), iter(self.get_option("replaces"))
        paths: list[str] = []
        for report in terms:
            texts = {".md": as_markdown(report), ".html": as_html(report)}
            try:
                paths += write_report(folder, name, texts, list(islice(earlier, len(texts))))
            except OSError as error:
                raise AnsibleLookupError(f"The report cannot be written to {folder}: {error.strerror}.") from None
        return paths
