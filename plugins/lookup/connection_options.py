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
  - Returns the connection options of a service that are set as variables, for use in C(module_defaults), as in the
    runbooks of this collection.
  - The variable of an option has the name of its environment variable, in lower case. For example, the option
    C(client_id) of ContraForce has the variable C(contraforce_client_id) and the environment variable
    E(CONTRAFORCE_CLIENT_ID).
  - Variables that are not set, V(null) or blank are omitted, so that the module uses the environment variable.
  - For a ticketing system outside the collection, whose modules do not know these variables, the result also contains
    the values of the environment variables and the defaults. A required option that is missing is an error.
options:
  _terms:
    description:
      - The service, V(contraforce) or the action group of a ticketing system, such as V(ticketing), or the absolute
        path of the directory of a ticketing system outside the collection.
    type: list
    elements: str
    required: true
notes:
  - The result contains secrets. Use it only in C(module_defaults), because M(ansible.builtin.set_fact) and
    M(ansible.builtin.debug) would display it.
"""

EXAMPLES = r"""
- name: List incidents with the account in contraforce_client_id and contraforce_client_secret
  secops.itsm.contraforce_incident_info:
    severities: [High]
  module_defaults:
    group/secops.itsm.contraforce: "{{ lookup('secops.itsm.connection_options', 'contraforce') }}"
"""

RETURN = r"""
_raw:
  description: A dictionary of options by name for each term.
  type: list
  elements: dict
"""

import os
from pathlib import Path
from typing import Any, Callable, Mapping

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_blank
from ansible_collections.secops.itsm.plugins.plugin_utils.connection_variables import connection_options_from
from ansible_collections.secops.itsm.plugins.plugin_utils.plain_values import plain_value
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import connection_tables, read_folder

TABLES: Mapping[str, Mapping[str, Option]] = {"contraforce": CONTRAFORCE_OPTIONS, **connection_tables()}


class LookupModule(LookupBase):  # type: ignore[misc]  # Ansible has no type hints
    """The lookup plugin."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return the options of each service.

        :param terms: names of services.
        :param variables: the variables of the play.
        :param kwargs: not used.
        """
        self.set_options(var_options=variables, direct=kwargs)
        unknown = [str(term) for term in terms if term not in TABLES and not os.path.isabs(term)]
        if unknown:
            raise AnsibleLookupError(f"Unknown service: {', '.join(unknown)}. Use {' or '.join(TABLES)}.")
        self._templar.available_variables = variables or {}

        def evaluated(name: str, value: Any) -> Any:
            try:
                return plain_value(self._templar.template(value))
            except (TypeError, ValueError):
                raise AnsibleLookupError(f"{name} has a value that JSON cannot represent. Correct it.") from None

        def options_of(table: Mapping[str, Option]) -> dict[str, Any]:
            return connection_options_from(self._templar.available_variables, table, evaluated)

        return [options_of(TABLES[term]) if term in TABLES else _of_folder(term, options_of) for term in terms]


def _of_folder(folder: str, options_of: Callable[[Mapping[str, Option]], dict[str, Any]]) -> dict[str, Any]:
    """Return the options of a ticketing system outside the collection."""
    try:
        system = read_folder(Path(folder))
    except ValueError as error:
        raise AnsibleLookupError(str(error)) from None
    table = system.connection_options
    known = {name: os.environ.get(option.env) or option.default for name, option in table.items()}
    options = {name: value for name, value in {**known, **options_of(table)}.items() if not is_blank(value)}
    missing = [table[name] for name in system.required_options if name not in options]
    if missing:
        named = " and ".join(f"{option.variable} (or the environment variable {option.env})" for option in missing)
        raise AnsibleLookupError(f"To connect to {system.title}, set {named}.")
    return options
