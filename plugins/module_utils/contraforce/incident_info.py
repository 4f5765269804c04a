# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read one incident, or list incidents across workspaces."""

from __future__ import annotations

from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.incident_list import FILTER_SPEC, list_incidents
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.links import (
    NONE,
    UNKNOWN,
    Link,
    link_in_comments,
    link_shown,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import record_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import Result, Run
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error

IDENTIFIERS = ("workspace_id", "source", "incident_id")
DETAILS = ("investigationDetails", "evidence", "gamebookCatalog")


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        """The read of an incident."""

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident."""

    def incidents_page(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the list."""


def incident_info(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Read one incident, if it is named, or else the list.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: not used, as this only reads.
    :raises ApiError: C(configuration) for options that do not go together, and whatever reading raises.
    """
    del run
    given = [name for name in IDENTIFIERS if options.get(name)]
    empty = [name for name in IDENTIFIERS if options.get(name) is not None and name not in given]
    if empty and not given:
        # Variables that are empty by mistake must not turn one incident into all of them.
        raise configuration_error(
            f"{', '.join(empty)} given, but empty: name the incident, or leave them out for a list."
        )
    values = _one(api, options, given) if given else _list(api, options)
    return Result(changed=False, values={**values, "request_ids": api.request_ids})


def _one(api: Api, options: Mapping[str, Any], given: list[str]) -> dict[str, Any]:
    missing = [name for name in IDENTIFIERS if name not in given]
    if missing:
        raise configuration_error(
            f"One incident is named by workspace_id, source and incident_id: add {', '.join(missing)}."
        )
    misplaced = [name for name in (*FILTER_SPEC, "limit") if options.get(name) not in (None, [], "")]
    if misplaced:
        raise configuration_error(
            f"{', '.join(misplaced)}: only for a list. Leave it out, or the incident's identifiers."
        )
    key = incident_key(options["workspace_id"], options["source"], options["incident_id"])
    try:
        data = api.incident_data(key, bool(options.get("details")))
        comments = api.comments(key) if options.get("comments") else None
    except ApiError as failure:
        raise failure.retold(f"The {key} could not be read. {failure}") from None
    record = record_of(data)
    weak = link_in_comments(comments) if comments is not None else Link(UNKNOWN, NONE)
    values: dict[str, Any] = {
        "incident": record,
        "incidents": [record],
        "link": (link_shown(data) or weak).as_dict(),
        "truncated": False,
    }
    if options.get("details"):
        values["details"] = {name: data.get(name) for name in DETAILS}
    if comments is not None:
        values["comments"] = comments
    return values


def _list(api: Api, options: Mapping[str, Any]) -> dict[str, Any]:
    misplaced = [name for name in ("details", "comments") if options.get(name)]
    if misplaced:
        raise configuration_error(
            f"{' and '.join(misplaced)}: only for one incident, named by {', '.join(IDENTIFIERS)}."
        )
    incidents, truncated = list_incidents(api, options)
    return {"incidents": incidents, "truncated": truncated}
