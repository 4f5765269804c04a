# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read connection options from variables, for runbooks and inventories."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._http.connection_options import Option
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_blank


def connection_options_from(
    variables: Mapping[str, Any], table: Mapping[str, Option], evaluate: Callable[[str, Any], Any]
) -> dict[str, Any]:
    """Return the connection options that variables set, without those that are blank.

    :param variables: the variables by name; templates in them are not evaluated yet.
    :param table: the connection's options.
    :param evaluate: evaluates the value of a variable; takes its name and the value.
    """
    given = {
        name: evaluate(option.variable, variables[option.variable])
        for name, option in table.items()
        if option.variable in variables
    }
    return {name: value for name, value in given.items() if not is_blank(value)}
