# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find variables that a runbook does not support, because a misspelled filter or limit would widen the run."""

from __future__ import annotations

from typing import Any, Collection, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import CONTRAFORCE_OPTIONS
from ansible_collections.secops.itsm.plugins.plugin_utils.in_process import PROGRESS_VARIABLE, VARIABLE
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import TICKET_SYSTEM, is_blank, runbook_spec
from ansible_collections.secops.itsm.plugins.plugin_utils.spelling import did_you_mean, nearest
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_systems import (
    connection_tables,
    systems_of_variable,
    variables_of_systems,
)

#: Names of Ansible, ansible-rulebook, AWX, Automation Platform, and of the runbooks' own tasks.
PREFIXES = ("ansible_", "awx_", "tower_", "itsm_")

#: The variables of connections, which every runbook accepts.
CONNECTION_VARIABLES = [
    option.variable for table in (CONTRAFORCE_OPTIONS, *connection_tables().values()) for option in table.values()
]

#: Names that every runbook accepts: execution settings, connections, and values passed on with set_stats.
ALWAYS_ACCEPTED = frozenset({VARIABLE, PROGRESS_VARIABLE, "incidents", *CONNECTION_VARIABLES})

#: Variables that the inventory plugin sets for each host besides those of the runbook.
INCIDENT_HOST_VARIABLES = frozenset({"incident"})

#: Variables that AWX sets in each job of a workflow.
WORKFLOW_JOB = frozenset({"awx_workflow_job_id", "tower_workflow_job_id"})

#: Ansible's name for extra variables that are not pairs of name and value.
RAW_PARAMS = "_raw_params"


def unknown_variables(
    name: str,
    table: Mapping[str, Any],
    extra: Mapping[str, Any],
    others: Collection[str] = (),
    ignored: Collection[str] = (),
) -> list[str]:
    """Return a message for each variable that the runbook does not support.

    Extra variables are refused if no runbook supports them. Variables from any source are refused if they are similar
    to a variable of this runbook or of a connection. In a job of an AWX workflow, only similar names are refused,
    because AWX adds the values that earlier jobs passed to set_stats to the extra variables, without marking them
    (see ``awx/main/models/workflow.py`` in the source of AWX).

    :param name: the name of the runbook.
    :param table: ``itsm_variables`` and ``itsm_runbooks``.
    :param extra: the extra variables.
    :param others: names of variables from the inventory or the playbook.
    :param ignored: names to ignore.
    """
    taken = runbook_spec(name, table)
    of_systems = variables_of_systems()
    of_any_runbook = {variable for group in table["itsm_variables"].values() for variable in group} | of_systems
    chosen = table.get("itsm_ticket_system", {})
    # Another runbook of the same variables file may use a system outside the collection.
    of_any_runbook |= set(chosen.get("variables", ()))
    connections = [*CONNECTION_VARIABLES, *chosen.get("connection_variables", ())]
    accepted = {*taken, *ALWAYS_ACCEPTED, *connections, *ignored}
    system = chosen if TICKET_SYSTEM in taken else {}
    of_other_systems = of_systems - set(system["variables"]) if "name" in system else set()
    of_hosts = INCIDENT_HOST_VARIABLES if "hosts" in table["itsm_runbooks"][name]["takes"] else frozenset()
    in_workflow = not WORKFLOW_JOB.isdisjoint(extra)

    def messages() -> Iterator[str]:
        for variable in sorted(_candidates(extra, accepted)):
            near = nearest(variable, taken) or _nearest_connection(variable, connections)
            if variable == RAW_PARAMS:
                # Its text may be a part of a secret that contains a space.
                yield "An extra variable is not in the form name=value. To read variables from a file, use -e @FILE."
            elif variable in of_other_systems and not in_workflow:
                if not is_blank(extra[variable]) and "tickets" in table["itsm_runbooks"][name]["takes"]:
                    owners = " or ".join(systems_of_variable(variable))
                    yield (
                        f"{variable} is a variable of {owners}, but {TICKET_SYSTEM} is {system['name']}. Remove it, or "
                        f"set {TICKET_SYSTEM} to {owners}."
                    )
            elif near or not (in_workflow or variable in of_any_runbook):
                yield f"{variable} is not a variable of {name}. {did_you_mean(near) or _REMOVE}"
        for variable in sorted(_candidates(others, {*accepted, *extra, *of_hosts, *of_other_systems})):
            near = nearest(variable, taken) or _nearest_connection(variable, connections)
            if near:
                yield (
                    f"{variable}, set by the inventory or the playbook, is not a variable of {name}. Rename it to "
                    f"{near}, or add it to itsm_ignored_variables if it has another purpose."
                )

    return list(messages())


def _nearest_connection(variable: str, connections: Collection[str]) -> str | None:
    """Return the connection variable that is similar to a name, not counting the common prefix of the service."""
    service, _separator, rest = variable.lower().partition("_")
    near = nearest(rest, [name.partition("_")[2] for name in connections if name.startswith(f"{service}_")])
    return near and f"{service}_{near}"


_REMOVE = "Remove it, or add it to itsm_ignored_variables."


def _candidates(names: Collection[str], accepted: Collection[str]) -> Iterator[str]:
    """Yield the names that are neither accepted nor Ansible's."""
    return (name for name in map(str, names) if name not in accepted and not name.startswith(PREFIXES))
