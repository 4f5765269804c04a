# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read one incident, or list incidents across workspaces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import (
    IDENTIFIERS,
    IncidentKey,
    incident_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_list import (
    FILTER_SPEC,
    list_incidents,
    malformed_entries_message,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import (
    NONE,
    UNKNOWN,
    Link,
    link_in_comments,
    link_in_incident,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_blank

DETAILS = ("investigationDetails", "evidence", "gamebookCatalog")


@dataclass(frozen=True)
class Wanted:
    """The parsed options of one incident."""

    key: IncidentKey
    details: bool = False
    comments: bool = False


def incident_info(api: ContraForceApi, options: Mapping[str, Any], run: RunOptions) -> OperationResult:
    """Read the incident that the options identify, or list incidents.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: not used, because the module only reads.
    :raises ApiError: category ``configuration`` for invalid combinations of options, and any error of reading.
    """
    del run
    given = [name for name in IDENTIFIERS if not is_blank(options.get(name))]
    empty = [name for name in IDENTIFIERS if options.get(name) is not None and name not in given]
    if empty and not given:
        # Variables that are empty by mistake must not list all incidents instead of reading one.
        raise configuration_error(
            f"{', '.join(empty)}: empty. Set them to identify one incident, or leave them out to list incidents."
        )
    if not given:
        return _list(api, options)
    missing = [name for name in IDENTIFIERS if name not in given]
    if missing:
        raise configuration_error(
            f"One incident is identified by workspace_id, source and incident_id: add {', '.join(missing)}."
        )
    check_filters(options)
    found = read_incident(api, parse_options(options), RunOptions())
    return replace(found, values={**found.values, "incidents": [found.values["incident"]], "truncated": False})


def check_filters(options: Mapping[str, Any]) -> None:
    """Raise ApiError if filters of the list are combined with identified incidents.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    misplaced = [name for name in (*FILTER_SPEC, "limit") if options.get(name) not in (None, [], "")]
    if misplaced:
        raise configuration_error(
            f"{', '.join(misplaced)}: only for a list of all incidents. Remove this, or the options that identify "
            "incidents."
        )


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one incident.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    key = incident_key(options["workspace_id"], options["source"], options["incident_id"])
    return Wanted(key, bool(options.get("details")), bool(options.get("comments")))


def read_incident(api: ContraForceApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Read one incident.

    :param api: the ContraForce API.
    :param wanted: the parsed options.
    :param run: not used, because the module only reads.
    :raises ApiError: if it cannot be read.
    """
    del run
    try:
        data = api.incident_data(wanted.key, wanted.details)
        comments = api.comments(wanted.key) if wanted.comments else None
    except ApiError as failure:
        raise failure.with_message(f"The {wanted.key} could not be read. {failure}") from None
    weak = link_in_comments(comments) if comments is not None else Link(UNKNOWN, NONE)
    values: dict[str, Any] = {"incident": record_of(data), "link": (link_in_incident(data) or weak).as_dict()}
    if wanted.details:
        values["details"] = {name: data.get(name) for name in DETAILS}
    if comments is not None:
        values["comments"] = comments
    return OperationResult(changed=False, values={**values, "request_ids": api.request_ids})


def _list(api: ContraForceApi, options: Mapping[str, Any]) -> OperationResult:
    misplaced = [name for name in ("details", "comments") if options.get(name)]
    if misplaced:
        raise configuration_error(
            f"{' and '.join(misplaced)}: only for incidents that are identified by {', '.join(IDENTIFIERS)}, or listed "
            "in incidents."
        )
    listing = list_incidents(api, options)
    malformed = listing.malformed_entries
    warnings = [f"{malformed_entries_message(malformed)} They were left out."] if malformed else []
    values = {"incidents": listing.incidents, "truncated": listing.is_truncated, "request_ids": api.request_ids}
    return OperationResult(changed=False, values=values, warnings=warnings)
