# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ContraForce as modules reach it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.api import CONTRAFORCE, ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.many import CONCURRENCY_SPEC, Many, checked
from ansible_collections.secops.itsm.plugins.module_utils.service import Service

#: The options that name an incident; the documentation fragment C(contraforce.incident) says what they are.
INCIDENT_SPEC: Mapping[str, Any] = {
    "workspace_id": {"type": "str", "required": True},
    "source": {"type": "str", "required": True},
    "incident_id": {"type": "str", "required": True},
}

#: What names an incident in the results of a list.
IDENTIFIERS: tuple[str, ...] = tuple(INCIDENT_SPEC)

#: Options that are the same for all incidents of a list.
FOR_ALL = frozenset({"verify_timeout"})

#: One incident or a list of them, for Ansible's own check.
ONE_OR_MANY: Mapping[str, Any] = {
    "mutually_exclusive": [("incident_id", "incidents")],
    "required_one_of": [("incident_id", "incidents")],
    "required_by": {"incident_id": ("workspace_id", "source")},
}


def one_or_many_spec(own: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a module that takes one incident or a list of them.

    :param own: the module's own options, which an entry of the list may give, too, but for those in FOR_ALL.
    """
    kept = ("type", "choices", "elements")
    named: dict[str, Any] = {name: {"type": "str"} for name in IDENTIFIERS}
    entry: dict[str, Any] = {**named, "incident_id": INCIDENT_SPEC["incident_id"]}
    for name, option in own.items():
        if name not in FOR_ALL:
            entry[name] = {key: value for key, value in option.items() if key in kept}
    return {
        **named,
        "incidents": {"type": "list", "elements": "dict", "options": entry},
        **CONCURRENCY_SPEC,
        **own,
    }


def incidents(
    wanted_from: Callable[[Mapping[str, Any]], Any], operation: Callable[[ContraForceApi, Any, Run], Result]
) -> Many[ContraForceApi]:
    """How a module handles a list of incidents.

    :param wanted_from: checks the options of one; what it gives has the incident as C(key).
    :param operation: handles one.
    """
    return Many(
        "incidents",
        "incident",
        lambda _api, entries: checked(entries, IDENTIFIERS, wanted_from, lambda wanted: wanted.key),
        lambda api, wanted, run: _with_title(api, operation, wanted, run),
    )


def _with_title(
    api: ContraForceApi, operation: Callable[[ContraForceApi, Any, Run], Result], wanted: Any, run: Run
) -> Result:
    """What came of one incident of a list, good or bad, with the title that people know it by, if it was read."""
    try:
        outcome = operation(api, wanted, run)
    except ApiError as failure:
        outcome = Result(failure.wrote, {}, failure=failure)
    return replace(outcome, values={**outcome.values, "title": api.title}) if api.title else outcome


CONTRAFORCE_SERVICE: Service[ContraForceApi] = Service(
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
    CONTRAFORCE,
    lambda client, _options: ContraForceApi(client),
    ("incident", "incident_id"),
)
