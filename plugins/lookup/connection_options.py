# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect the options of a connection from variables."""

from __future__ import annotations

DOCUMENTATION = r"""
name: connection_options
short_description: Collect connection options from variables
version_added: 0.7.0
author:
  - secops.itsm contributors (@secops-itsm)
description:
  - Returns the connection options of a service that are set as variables, for C(module_defaults). The runbooks of this
    collection do that.
  - The variable of an option is called as its environment variable, in lower case. The option C(client_id) of
    ContraForce is the variable C(contraforce_client_id), and the environment variable E(CONTRAFORCE_CLIENT_ID).
  - A variable that is not set, V(null) or blank is left out, so that the module uses the environment variable.
options:
  _terms:
    description: The service, V(contraforce) or V(ticketing).
    type: list
    elements: str
    required: true
notes:
  - The result holds secrets. Only use it in C(module_defaults). M(ansible.builtin.set_fact) and
    M(ansible.builtin.debug) would show it.
"""

EXAMPLES = r"""
- name: List incidents as the account that contraforce_client_id and contraforce_client_secret name
  secops.itsm.contraforce_incident_info:
    severities: [High]
  module_defaults:
    group/secops.itsm.contraforce: "{{ lookup('secops.itsm.connection_options', 'contraforce') }}"
"""

RETURN = r"""
_raw:
  description: For each term a dictionary of options, by name.
  type: list
  elements: dict
"""

from typing import Any, Mapping

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import TICKETING_OPTIONS
from ansible_collections.secops.itsm.plugins.plugin_utils.connection_variables import connection_options_from
from ansible_collections.secops.itsm.plugins.plugin_utils.plain_values import plain_value

TABLES: Mapping[str, Mapping[str, Option]] = {"contraforce": CONTRAFORCE_OPTIONS, "ticketing": TICKETING_OPTIONS}


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the options of each service.

        :param terms: names of services.
        :param variables: the variables of the play.
        :param kwargs: not used.
        """
        self.set_options(var_options=variables, direct=kwargs)
        unknown = [str(term) for term in terms if term not in TABLES]
        if unknown:
            raise AnsibleLookupError(f"There is no service {', '.join(unknown)}. Use contraforce or ticketing.")
        self._templar.available_variables = variables or {}

        def evaluated(name: str, value: Any) -> Any:
            try:
                return plain_value(self._templar.template(value))
            except (TypeError, ValueError):
                raise AnsibleLookupError(f"{name} holds a value that no option can have.") from None

        return [connection_options_from(self._templar.available_variables, TABLES[term], evaluated) for term in terms]
