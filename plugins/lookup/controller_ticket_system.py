# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect what a controller needs for a ticketing system."""

from __future__ import annotations

DOCUMENTATION = r"""
name: controller_ticket_system
short_description: "[INTERNAL] Collect what a controller needs for a ticketing system"
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - B(For the runbooks of this collection only.) It can change or be removed in any release, without notice.
  - Returns the credential type and the questions of the surveys for a ticketing system, a directory in
    C(playbooks/tickets).
options:
  _terms:
    description: Name of the ticketing system. A blank name stands for the default system of the runbooks.
    type: list
    elements: str
    required: true
  common_fields:
    description: Inputs that the credential types of all systems have.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show the credential type of the default system
  ansible.builtin.debug:
    msg: "{{ lookup('secops.itsm.controller_ticket_system', '').credential_type.name }}"
"""

RETURN = r"""
_raw:
  description: For each name a dictionary with the C(name) of the system, the C(credential_type), the C(questions) by
    group of variables, the C(settings) with their defaults, and C(problem), a sentence if there is no such system.
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.secops.itsm.plugins.plugin_utils.plain_values import plain_value
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    choose_system,
    credential_type,
    survey_questions,
)


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return what a controller needs for each system.

        :param terms: names of systems.
        :param variables: the variables of the play.
        :param kwargs: the options.
        """
        self.set_options(var_options=variables, direct=kwargs)
        self._templar.available_variables = variables or {}
        return [self._setup(term) for term in terms]

    def _setup(self, name: str) -> dict[str, Any]:
        try:
            system = choose_system(name)
        except ValueError as error:
            return {"name": name, "problem": str(error), "credential_type": {}, "questions": {}, "settings": {}}
        available = self._templar.available_variables
        settings = system.definition["settings"]
        answers = {
            setting: plain_value(self._templar.template(available.get(setting, default)))
            for setting, default in settings.items()
        }
        return {
            "name": system.name,
            "problem": "",
            "credential_type": credential_type(system, self.get_option("common_fields")),
            "questions": survey_questions(system, answers),
            "settings": dict(settings),
        }
