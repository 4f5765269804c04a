# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the statuses of incidents and their tickets, and plan what to close."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_statuses
short_description: "[INTERNAL] Compare the statuses of incidents and their tickets, and plan what to close"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Finds the open incidents whose tickets are closed, and the closed incidents whose tickets are open.
options:
  _input:
    description:
      - The pairs of incidents and tickets, with C(workspace_id), C(source), C(incident_id), C(ticket_id) and
        optionally C(state). Pairs that are not to be linked are ignored.
    type: list
    elements: dict
    required: true
  options:
    description: The options of the runbook.
    type: dict
    required: true
  reads:
    description: The results of reading the incidents of C(pairs), in the same order.
    type: list
    elements: dict
    default: []
  closed:
    description: The values of C(ticket_id) whose tickets are closed.
    type: list
    elements: str
    default: []
  unread:
    description: The values of C(ticket_id) whose tickets could not be read, with the reasons.
    type: dict
    default: {}
  details:
    description:
      - When and how tickets were closed. Each has C(ticket_id), C(number), C(closed_at) and C(resolution), and
        optionally C(closed_at_exact) and C(canceled).
      - Without it, every incident with a closing comment counts as reopened.
    type: list
    elements: dict
  system:
    description: The title of the ticketing system. The tickets of other systems are not compared.
    type: str
  every:
    description: The pairs of the run. The ticket of a pair that is not compared is not closed for another incident.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show how many statuses differ
  ansible.builtin.debug:
    msg: "{{ (pairs | secops.itsm.runbook_statuses(options, reads, closed=['SOC-312'])).drifted }}"
  vars:
    options: {direction: report, compare_status: auto}
    pairs:
      - workspace_id: 5d6e7f80-91a2-4b3c-8d4e-5f6071829304
        source: DefenderXDR
        incident_id: "50377"
        ticket_id: SOC-312
    reads:
      - incident: {status: Active}
"""

RETURN = r"""
_value:
  description: C(pairs), the pairs to compare; C(results), the outcome of each; C(drifted), the number of differences;
    C(closed_tickets), the closed tickets whose incidents are open; C(incidents), the entries of incidents to close;
    C(tickets), the pairs whose tickets to close; and C(notes), sentences about what is left unchanged.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.status_drift import compare, pairs_to_compare, plan_statuses
from ansible_collections.secops.itsm.plugins.plugin_utils.step_results import incident_key_of


def runbook_statuses(
    pairs: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    reads: Sequence[Mapping[str, Any]] = (),
    closed: Sequence[str] = (),
    unread: Mapping[str, str] | None = None,
    details: Sequence[Mapping[str, Any]] | None = None,
    system: str = "",
    every: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the differences between the statuses of incidents and tickets, and what to close.

    :param pairs: the pairs of incidents and tickets.
    :param options: the options of the runbook.
    :param reads: the results of reading the incidents.
    :param closed: the values of ``ticket_id`` whose tickets are closed.
    :param unread: the values of ``ticket_id`` whose tickets could not be read.
    :param details: when and how tickets were closed.
    :param system: the title of the ticketing system.
    :param every: the pairs of the run, with those that are not compared.
    """
    compared = pairs_to_compare(pairs)
    keys = {incident_key_of(pair) for pair in compared}
    others = [pair for pair in pairs_to_compare(every) if incident_key_of(pair) not in keys]
    found = compare(compared, reads, closed, unread or {}, system, others)
    return {"pairs": compared, **plan_statuses(found, options, details)}


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_statuses": runbook_statuses}
