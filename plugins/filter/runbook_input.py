# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate the input of a runbook."""

from __future__ import annotations

DOCUMENTATION = r"""
name: runbook_input
short_description: "[INTERNAL] Validate the input of a runbook"
version_added: 0.5.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Reads the variables of a runbook as set by a user, a file or a survey, and reports invalid ones before any request
    is sent.
  - Lists and mappings may be texts in YAML or JSON. Blank values count as not set.
options:
  _input:
    description: The variables by name. A variable that is not set is an empty text.
    type: dict
    required: true
  runbook:
    description: Name of the runbook.
    type: str
    required: true
  table:
    description: The table of the runbooks' variables in the format of C(playbooks/vars/runbooks.yml).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Validate the variables
  ansible.builtin.set_fact:
    itsm: "{{ raw | secops.itsm.runbook_input('close_incident', table) }}"
  vars:
    raw: {classification: FalsePositive, incidents: "[]"}
    table: {itsm_variables: "{{ itsm_variables }}", itsm_runbooks: "{{ itsm_runbooks }}"}
"""

RETURN = r"""
_value:
  description: C(runbook), properties of the runbook for its report; C(given), the variables that are set; C(options),
    the variables with defaults and converted types; C(incidents); C(nothing_to_do), the reason if there are no
    incidents; C(window), options to list the incidents without a workspace; C(customers), the map of customers for
    these; and C(problems), a list of messages.
  type: dict
"""

from pathlib import Path
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import is_blank, read_input

#: The variables with the path of a file, in the order of the parameters of read_input.
FILES = ("pairs_file", "customers_file")


def runbook_input(raw: Mapping[str, Any], runbook: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input of a runbook, validated.

    :param raw: the variables by name; None or an empty text if they are not set.
    :param runbook: the name of the runbook.
    :param table: ``itsm_variables`` and ``itsm_runbooks``.
    """
    texts = {}
    for name in FILES:
        path = raw.get(name)
        try:
            texts[name] = None if is_blank(path) else Path(str(path)).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            problem = f"'{name}' cannot be read: {path}: {reason}."
            without = {**raw, **dict.fromkeys(FILES)}
            return {**read_input(runbook, without, table), "incidents": [], "window": {}, "problems": [problem]}
    return read_input(runbook, raw, table, *texts.values())


class FilterModule:
    """The filter plugin."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"runbook_input": runbook_input}
