# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes Markdown of a report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_markdown
short_description: Make Markdown of a report
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - It treats nothing of what a service shows as markup.
options:
  _input:
    description: The report, as P(secops.itsm.runbook_report#filter) makes it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Keep the report
  ansible.builtin.copy:
    content: "{{ [] | secops.itsm.runbook_report(about, []) | secops.itsm.report_markdown }}"
    dest: /tmp/report.md
    mode: "0600"
  vars:
    about: {runbook: mine, title: My closures, rehearsed: false, head: [], asked: {}}
"""

RETURN = r"""
_value:
  description: The text.
  type: str
"""

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.plugin_utils.report_text import as_markdown


def report_markdown(report: Mapping[str, Any]) -> str:
    """The report as a text.

    :param report: as the filter runbook_report made it.
    """
    return as_markdown(report)


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Any]:
        """The filter by its name."""
        return {"report_markdown": report_markdown}
