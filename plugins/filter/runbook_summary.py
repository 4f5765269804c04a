# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Summarize the report of a runbook for a terminal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_summary
short_description: "[INTERNAL] Summarize the report of a runbook for a terminal"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Returns the lines that a runbook ends with. The first ones are problems of the run and at most 20 incidents, those
    that failed first, and then those that need attention. The last ones are the summary and the path of the report.
options:
  _input:
    description: The report, as P(secops.itsm.runbook_report#filter) returns it.
    type: dict
    required: true
  files:
    description: The paths of the report's files, as P(secops.itsm.report_files#lookup) returns them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Show what a run did
  ansible.builtin.debug:
    msg: "{{ report | secops.itsm.runbook_summary }}"
  vars:
    report: "{{ [] | secops.itsm.runbook_report(about, []) }}"
    about: {runbook: mine, title: My closures, check_mode: false, head: [], asked: {}}
"""

RETURN = r"""
_value:
  description: The lines. Texts of services are on one line and shortened.
  type: list
  elements: str
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.run_summary import summary_lines


def runbook_summary(report: Mapping[str, Any], files: Sequence[str] = ()) -> list[str]:
    """Return the lines that a runbook ends with.

    :param report: the report.
    :param files: the paths of its files.
    """
    return summary_lines(report, files)


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_summary": runbook_summary}
