# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select incidents."""

from __future__ import annotations

DOCUMENTATION = r"""
name: incident_selection
short_description: Select incidents that were listed, by what the service does not filter by
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Takes incidents as M(secops.itsm.contraforce_incident_info) lists them, and gives those that match, as entries for
    O(secops.itsm.contraforce_incident_status#module:incidents), with their title, severity and status.
  - An incident that does not show what is asked for is not taken.
options:
  _input:
    description: The incidents.
    type: list
    elements: dict
    required: true
  title_pattern:
    description: A regular expression that is found in the title, whatever the case.
    type: str
    required: true
  workspace_ids:
    description: Only incidents of these workspaces.
    type: list
    elements: str
  older_than_hours:
    description: Only incidents that were raised at least so many hours ago.
    type: float
"""

EXAMPLES = r"""
- name: List what is open
  secops.itsm.contraforce_incident_info:
    statuses: [New, Active]
  register: open_incidents

- name: Name those of the backup account that are a day old
  ansible.builtin.debug:
    msg: "{{ open_incidents.incidents | secops.itsm.incident_selection('backup account', older_than_hours=24) }}"
"""

RETURN = r"""
_value:
  description: The incidents, each with C(workspace_id), C(source), C(incident_id), C(title), C(severity), C(status),
    C(created_at), and a C(line) that names it.
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
        # A template that gives nothing gives an empty text before ansible-core 2.19.
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
