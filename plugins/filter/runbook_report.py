# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the report of a runbook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_report
short_description: "[INTERNAL] Build the report of a runbook as data"
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Combines the results of a runbook's steps for each incident, with changes, failures and next steps.
  - P(secops.itsm.report_files#lookup) writes it as Markdown and HTML.
options:
  _input:
    description:
      - The steps in order. Each has a C(name), its registered C(result), and C(incidents) if the outcomes in the result
        do not identify their incidents.
      - The name is C(find), C(verify), C(read), C(ticket), C(link), C(reference), C(unlink), C(reconcile), C(status),
        C(close), C(activate), C(reopen), C(assign) or C(comment).
    type: list
    elements: dict
    required: true
  about:
    description:
      - Properties of the run. C(runbook), C(title), C(check_mode) (true if the run was in check mode), C(head) (a list
        of pairs of label and value), C(asked) (a mapping of the variables that are set), and optionally C(portal_url).
      - C(Requested by) and C(Reference) are added to C(head) if they are missing.
      - C(notes) is a list of sentences about what the run left unchanged.
      - C(portal_url) is the address of an incident in the portal, with the placeholders C({workspace_id}), C({source}),
        C({incident_id}) and C({incident_number}). If it is set, the incidents are linked.
      - C(rehearsed) is the former name of C(check_mode). It is deprecated and will be removed in 1.0.
    type: dict
    required: true
  incidents:
    description: The incidents of the run.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Close an incident
  secops.itsm.contraforce_incident_status:
    status: Closed
    classification: FalsePositive
    classification_reason: IncorrectAlertLogic
    comment: The rule matched the backup account.
    incidents: "{{ incidents }}"
  register: closures
  vars:
    incidents: &incidents
      - workspace_id: 3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60
        source: Sentinel
        incident_id: 6b1f0d7e-52c3-4a8e-9f11-0c2d3e4f5a61

- name: Show the summary
  ansible.builtin.debug:
    msg: "{{ (steps | secops.itsm.runbook_report(about, incidents)).summary }}"
  vars:
    incidents: *incidents
    steps: [{name: close, result: "{{ closures }}"}]
    about: {runbook: mine, title: My closures, check_mode: false, head: [], asked: {}}
"""

RETURN = r"""
_value:
  description: The keys of C(about), C(outcome) (C(changed), C(ok) or C(failed)), C(counts), C(summary) (one line),
    C(incidents) with the C(steps) of each, C(failures), and C(problems) of the run as a whole. C(rehearsed) has the
    value of C(check_mode); it is deprecated and will be removed in 1.0.
  type: dict
"""

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.report import build_report


def runbook_report(
    steps: Sequence[Mapping[str, Any]], about: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the report of a run.

    :param steps: the steps in order.
    :param about: the run.
    :param incidents: the incidents of the run.
    """
    return build_report(steps, about, incidents)


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_report": runbook_report}
