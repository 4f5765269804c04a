# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The ContraForce service: the shared options and definitions of its modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, Collection, Mapping, Sequence, cast

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import CONTRAFORCE, ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.connection import (
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IDENTIFIERS, IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of, title_of
from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import (
    CONCURRENCY_SPEC,
    BulkDefinition,
    BulkItem,
    parse_items,
)
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import ModuleDefinition
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._engine.service_definition import ServiceDefinition
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

CONTRAFORCE_SERVICE: ServiceDefinition[ContraForceApi] = ServiceDefinition(
    CONTRAFORCE_OPTIONS,
    contraforce_connection,
    CONTRAFORCE,
    lambda client, _options: ContraForceApi(client),
    ("incident", "incident_id"),
)

#: In most modules, the options that are the same for all incidents of a list.
FOR_ALL = frozenset({"verify_timeout"})

#: One incident or a list of them, for Ansible's validation of options.
ONE_OR_MANY: Mapping[str, Any] = {
    "mutually_exclusive": [("incident_id", "incidents")],
    "required_one_of": [("incident_id", "incidents")],
    "required_by": {"incident_id": ("workspace_id", "source")},
}


def one_or_many_spec(own: Mapping[str, Any], for_all: Collection[str] = FOR_ALL) -> dict[str, Any]:
    """Return the options of a module that handles one incident or a list of them.

    :param own: the module's own options, which an item of the list may also set, except for those in ``for_all``.
    :param for_all: options that are the same for all incidents of a list.
    """
    kept = ("type", "choices", "elements")
    named: dict[str, Any] = {name: {"type": "str"} for name in IDENTIFIERS}
    item: dict[str, Any] = {**named, "incident_id": {"type": "str", "required": True}}
    for name, option in own.items():
        if name not in for_all:
            item[name] = {key: value for key, value in option.items() if key in kept}
    return {
        **named,
        "incidents": {"type": "list", "elements": "dict", "options": item},
        **CONCURRENCY_SPEC,
        **own,
    }


#: Handles one incident, given the API, the parsed options and the run options.
IncidentHandler = Callable[[ContraForceApi, Any, RunOptions], OperationResult]


def incidents(
    parse: Callable[[Mapping[str, Any]], Any],
    operation: IncidentHandler,
    *,
    displaces: Mapping[str, Collection[str]] | None = None,
    read_only: bool = False,
    check: Callable[[Mapping[str, Any]], None] | None = None,
) -> BulkDefinition[ContraForceApi]:
    """Return the definition of how a module handles a list of incidents.

    :param parse: parses the options of one incident; returns an object that names the incident as ``key``.
    :param operation: handles one incident.
    :param displaces: the options of the task that an option of an item replaces, by the latter.
    :param read_only: whether the module only reads.
    :param check: checks the options that no item may set; raises ApiError.
    """

    def items_of(_api: ContraForceApi, options: Sequence[Mapping[str, Any]]) -> list[BulkItem]:
        if check and options:
            check(options[0])
        return parse_items(options, IDENTIFIERS, parse, lambda wanted: wanted.key)

    return BulkDefinition(
        "incidents",
        "incident",
        items_of,
        lambda api, wanted, run: _with_title(api, operation, wanted, run),
        displaces=displaces or {},
        scope="workspace_id",
        read_only=read_only,
    )


def incident_definition(
    argument_spec: Mapping[str, Any],
    parse: Callable[[Mapping[str, Any]], Any],
    operation: IncidentHandler,
    *,
    displaces: Mapping[str, Collection[str]] | None = None,
) -> ModuleDefinition[ContraForceApi]:
    """Return the definition of a module that changes one incident or a list of them.

    :param argument_spec: the module's options.
    :param parse: parses the options of one incident; returns an object that names the incident as ``key``.
    :param operation: handles one incident.
    :param displaces: the options of the task that an option of an item replaces, by the latter.
    """
    bulk = incidents(parse, operation, displaces=displaces)
    return ModuleDefinition(CONTRAFORCE_SERVICE, argument_spec, operation, bulk, ONE_OR_MANY, parse=parse)


class _TitleRecorder:
    """An API that records the title of the incident that it reads."""

    def __init__(self, api: ContraForceApi) -> None:
        self.title: str | None = None
        self._api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        """Read an incident, and return ``data`` of the response."""
        data = self._api.incident_data(key, with_details)
        self.title = title_of(record_of(data))
        return data

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        """Read an incident, and return its record."""
        return record_of(self.incident_data(key))


def _with_title(api: ContraForceApi, operation: IncidentHandler, wanted: Any, run: RunOptions) -> OperationResult:
    """Handle one incident of a list, and return the result or failure with its title if that was read."""
    recorder = _TitleRecorder(api)
    try:
        outcome = operation(cast(ContraForceApi, recorder), wanted, run)
    except ApiError as failure:
        outcome = OperationResult(failure.may_have_changed, {}, failure=failure)
    return replace(outcome, values={**outcome.values, "title": recorder.title}) if recorder.title else outcome
