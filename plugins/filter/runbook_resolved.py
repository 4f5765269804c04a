# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan which incidents to close because their tickets were closed."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_resolved
short_description: "[INTERNAL] Plan which incidents to close because their tickets were closed"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Finds the incidents of closed tickets by their references, and those that are still open and were not reopened.
options:
  _input:
    description:
      - The closed tickets, each with C(ticket_id), C(number), C(reference), C(closed_at) and C(resolution), and with
        C(closed_at_exact=false) if the ticket may have been closed earlier.
    type: list
    elements: dict
    required: true
  options:
    description: The options of the runbook.
    type: dict
    required: true
  since:
    description: Ignore tickets that were closed before this time, unless the option C(closed_tickets) is set. By
      default, it depends on the options of the runbook.
    type: str
  listed:
    description: The listed incidents, to find those whose tickets do not name their workspaces.
    type: list
    elements: dict
    default: []
  reads:
    description: The results of reading the planned incidents with their comments, in the same order.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the incidents of closed tickets
  ansible.builtin.debug:
    msg: "{{ tickets | secops.itsm.runbook_resolved(options, '2026-11-20T00:00:00Z') }}"
  vars:
    options: {classification: TruePositive, closed_within_hours: 24, incidents_within_days: 30}
    tickets:
      - ticket_id: 5b9d4e6f708192a3b4c5d6e7f8091a2b
        number: INC0012349
        reference: Sentinel 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        closed_at: "2026-11-21 09:30:00"
        resolution: Solution provided
"""

RETURN = r"""
_value:
  description: C(since) and C(time_from), the beginnings of the time spans; C(incidents), the incidents of the tickets;
    C(sources), the sources of incidents without a workspace; C(open), the incidents to close; C(notes), a line for
    each ticket or incident that is left unchanged; and C(unknown), a line for each incident without a status.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.resolved_tickets import plan_closures, time_spans


def runbook_resolved(
    tickets: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    since: str = "",
    listed: Sequence[Mapping[str, Any]] = (),
    reads: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what to do for closed tickets.

    :param tickets: the closed tickets.
    :param options: the options of the runbook.
    :param since: ignore tickets that were closed before.
    :param listed: incidents as the service listed them.
    :param reads: the results of reading the incidents.
    """
    spans = time_spans(options)
    return {**spans, **plan_closures(tickets, options, since or spans["since"], listed, reads)}


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_resolved": runbook_resolved}
