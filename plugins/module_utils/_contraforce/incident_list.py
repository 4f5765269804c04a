# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""List incidents across workspaces, with filters and paging."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Iterator, Mapping, NamedTuple

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi, IncidentPage
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    LISTED_WORKSPACE_KEY,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    OTHER_TIME_RANGES,
    SEVERITIES,
    SOURCES,
    STATUSES,
    TIME_RANGES,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.page_tokens import has_next_page
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import spelled
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import spelled_utc, utc_option

#: The number of consecutive pages without a new incident after which the list is considered endless.
MAX_PAGES_WITHOUT_NEW_INCIDENTS = 100

#: The options that filter the list; the fragment ``contraforce.incident_filters`` documents them.
FILTER_SPEC: Mapping[str, Mapping[str, Any]] = {
    "severities": {"type": "list", "elements": "str", "choices": list(SEVERITIES)},
    "statuses": {"type": "list", "elements": "str", "choices": list(STATUSES)},
    "sources": {"type": "list", "elements": "str"},
    "query": {"type": "str"},
    "assignee_ids": {"type": "list", "elements": "str"},
    "assignee_emails": {"type": "list", "elements": "str"},
    "include_unassigned": {"type": "bool"},
    "time_range": {"type": "str", "choices": [*TIME_RANGES, *OTHER_TIME_RANGES]},
    "time_from": {"type": "str"},
    "time_to": {"type": "str"},
}

#: The properties of the request, by option.
FILTERS: Mapping[str, str] = {
    "severities": "severities",
    "statuses": "statuses",
    "sources": "sources",
    "query": "query",
    "assignee_ids": "assigneeIds",
    "assignee_emails": "assigneeEmails",
}


class IncidentListing(NamedTuple):
    """The result of reading the list.

    :param incidents: the incidents that match the filters.
    :param is_truncated: whether more than ``limit`` incidents match.
    :param malformed_entries: the number of entries left out because they are not incidents.
    """

    incidents: list[dict[str, Any]]
    is_truncated: bool
    malformed_entries: int


def list_incidents(api: ContraForceApi, options: Mapping[str, Any]) -> IncidentListing:
    """Read the incidents that match the filters.

    :param api: the ContraForce API.
    :param options: the options in :data:`FILTER_SPEC`, and ``limit``, by name.
    :raises ApiError: category ``configuration`` for invalid filters, and any error of reading.
    """
    limit = options.get("limit")
    if limit is not None and limit < 1:
        raise configuration_error("limit must be greater than 0: leave it out to list all incidents.")
    incidents: list[dict[str, Any]] = []
    malformed_entries = 0
    for page in _pages(api, build_request(options)):
        malformed_entries += page.malformed_entries
        for incident in page.incidents:
            if len(incidents) == limit:
                return IncidentListing(incidents, True, malformed_entries)
            incidents.append(dict(incident))
    return IncidentListing(incidents, False, malformed_entries)


def malformed_entries_message(number: int) -> str:
    """Return a sentence about malformed entries of the list.

    :param number: the number of entries that are not incidents.
    """
    return f"Malformed entries in the list of incidents: {number}."


def build_request(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the list request, with only the filters that are set.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    values = {name: _without_blanks(options.get(name)) for name in FILTERS}
    values["sources"] = [_source(word) for word in values["sources"] or []]
    request = {key: values[name] for name, key in FILTERS.items() if values[name]}
    if options.get("include_unassigned") is not None:
        request["includeUnassigned"] = options["include_unassigned"]
    times = _time_filter(options)
    return {**request, "timeFilterSelection": times} if times else request


def _without_blanks(value: Any) -> Any:
    """Return a filter's value without the blank strings that surveys send."""
    if isinstance(value, list):
        return [entry for entry in value if entry.strip()]
    return value if value is None or value.strip() else None


def _source(word: str) -> str:
    known = spelled(word, SOURCES)
    if known is None:
        raise configuration_error(f"sources must contain only {', '.join(SOURCES)} (in any case), not {word!r}.")
    return known


def _time_filter(options: Mapping[str, Any]) -> dict[str, str]:
    begin, end = (_utc(name, options.get(name)) for name in ("time_from", "time_to"))
    if options.get("time_range"):
        if begin or end:
            raise configuration_error("time_range and time_from or time_to are mutually exclusive: remove one of them.")
        return {"type": OTHER_TIME_RANGES.get(options["time_range"], options["time_range"])}
    if not begin and not end:
        return {}
    if not begin:
        raise configuration_error("time_from is missing: set it to the start of the time range that time_to ends.")
    present = datetime.now(timezone.utc)
    if not end and present <= begin:
        raise configuration_error("time_from is in the future: set it to a time in the past.")
    end = end or present
    if end <= begin:
        raise configuration_error("time_to must be at least one second later than time_from.")
    return {
        "type": "Custom",
        "customStartUtc": spelled_utc(begin, "seconds"),
        "customEndUtc": spelled_utc(end, "seconds"),
    }


def _utc(name: str, text: str | None) -> datetime | None:
    """Return a time in whole seconds, as requests contain it."""
    moment = utc_option(name, text)
    return moment.replace(microsecond=0) if moment else None


def _pages(api: ContraForceApi, request: Mapping[str, Any]) -> Iterator[IncidentPage]:
    """Yield the pages; leave out incidents of earlier pages, because pages may overlap."""
    tokens: list[Any] = []
    requested: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    without_new = 0
    while True:
        page = _read_page(api, {**request, "isFirstCall": not requested, "workspacePageTokens": tokens})
        new = [incident for incident in page.incidents if _is_new(incident, seen)]
        yield replace(page, incidents=new)
        requested.add(json.dumps(tokens, sort_keys=True))
        without_new = 0 if new else without_new + 1
        tokens = list(page.tokens or [])
        if not any(map(has_next_page, tokens)):
            return
        if json.dumps(tokens, sort_keys=True) in requested or without_new >= MAX_PAGES_WITHOUT_NEW_INCIDENTS:
            raise ApiError(
                "The list of incidents does not end: the service returned the same page tokens again, or too many "
                "pages without a new incident. Report this to the maintainers of this collection.",
                "contract",
            )


def _is_new(incident: Mapping[str, Any], seen: set[tuple[str, ...]]) -> bool:
    """Return whether an incident was not listed before, and add it to the listed ones.

    Incidents without a workspace or an id are the same only if all their values are.
    """
    name = tuple(str(incident.get(key) or "") for key in (LISTED_WORKSPACE_KEY, "source", "id"))
    if not name[0] or not name[2]:
        name = (*name, json.dumps(incident, sort_keys=True))
    if name in seen:
        return False
    seen.add(name)
    return True


def _read_page(api: ContraForceApi, body: Mapping[str, Any]) -> IncidentPage:
    try:
        return api.incidents_page(body)
    except ApiError as failure:
        raise failure.with_message(f"The list of incidents could not be read. {failure}") from None
