# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
name: incident_selection
short_description: Filter listed incidents by criteria that the service does not support
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Returns the matching incidents of those that M(secops.itsm.contraforce_incident_info) lists, as entries for
    O(secops.itsm.contraforce_incident_status#module:incidents), with their title, severity and status.
  - An incident without a filtered property does not match.
options:
  _input:
    description: The listed incidents.
    type: list
    elements: dict
    required: true
  title_pattern:
    description: A regular expression that is searched in the title, ignoring case.
    type: str
    required: true
  workspace_ids:
    description: Only incidents of these workspaces.
    type: list
    elements: str
  older_than_hours:
    description: Only incidents that were created at least this number of hours ago.
    type: float
"""

EXAMPLES = r"""
- name: List open incidents
  secops.itsm.contraforce_incident_info:
    statuses: [New, Active]
  register: open_incidents

- name: Show incidents about the backup account that are at least a day old
  ansible.builtin.debug:
    msg: "{{ open_incidents.incidents | secops.itsm.incident_selection('backup account', older_than_hours=24) }}"
"""

RETURN = r"""
_value:
  description: The matching incidents, each with C(workspace_id), C(source), C(incident_id), C(title), C(severity),
    C(status), C(created_at), and C(line), a summary of these on one line.
  type: list
"""

from typing import Any, Mapping, Sequence

from ansible.errors import AnsibleFilterError

from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import INVALID_AGE, select_incidents
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import is_blank


def incident_selection(
    records: Sequence[Mapping[str, Any]],
    title_pattern: str,
    workspace_ids: Sequence[str] | None = None,
    older_than_hours: float | None = None,
) -> list[dict[str, Any]]:
    """Return the matching incidents.

    :param records: incidents as the service listed them.
    :param title_pattern: a regular expression for the title; its case is ignored.
    :param workspace_ids: match only these workspaces.
    :param older_than_hours: match only incidents of at least this age.
    """
    try:
        # Before ansible-core 2.19, a template that evaluates to None results in an empty text.
        hours = None if is_blank(older_than_hours) else float(older_than_hours or 0)
    except (TypeError, ValueError):
        raise AnsibleFilterError(INVALID_AGE) from None
    try:
        return select_incidents(records, title_pattern, workspace_ids, hours)
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from None


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"incident_selection": incident_selection}
