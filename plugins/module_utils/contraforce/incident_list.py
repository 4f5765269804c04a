# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of incidents across workspaces: what it is filtered by, and all its pages to the end."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any, Iterator, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import (
    LISTED_WORKSPACE_KEY,
    PAGE_TOKENS_KEY,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import (
    SEVERITIES,
    SOURCES,
    STATUSES,
    TIME_RANGES,
    spelled,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.instants import spelled_utc, utc_option

#: How many pages in a row may bring nothing new before the list is taken for endless.
MOST_PAGES_WITHOUT_NEWS = 100

#: The options that filter the list; the fragment C(contraforce.incident_filters) documents them.
FILTER_SPEC: Mapping[str, Mapping[str, Any]] = {
    "severities": {"type": "list", "elements": "str", "choices": list(SEVERITIES)},
    "statuses": {"type": "list", "elements": "str", "choices": list(STATUSES)},
    "sources": {"type": "list", "elements": "str"},
    "query": {"type": "str"},
    "assignee_ids": {"type": "list", "elements": "str"},
    "assignee_emails": {"type": "list", "elements": "str"},
    "include_unassigned": {"type": "bool"},
    "time_range": {"type": "str", "choices": list(TIME_RANGES)},
    "time_from": {"type": "str"},
    "time_to": {"type": "str"},
}

#: Options of the list, and what they are called in the request.
FILTERS: Mapping[str, str] = {
    "severities": "severities",
    "statuses": "statuses",
    "sources": "sources",
    "query": "query",
    "assignee_ids": "assigneeIds",
    "assignee_emails": "assigneeEmails",
}


class Api(Protocol):
    """What the list needs of the API."""

    def incidents_page(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the list."""


def list_incidents(api: Api, options: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """Every incident that passes the filters, and whether C(limit) cut the list off.

    :param api: the ContraForce API.
    :param options: those of :data:`FILTER_SPEC`, and C(limit), by name.
    :raises ApiError: C(configuration) for filters that are none, and whatever reading raises.
    """
    limit = options.get("limit")
    if limit is not None and limit < 1:
        raise configuration_error("limit must be a number of incidents above 0; leave it out for all of them.")
    incidents: list[dict[str, Any]] = []
    for incident in _all_incidents(api, request_from(options)):
        if len(incidents) == limit:
            return incidents, True
        incidents.append(incident)
    return incidents, False


def request_from(options: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of the list as the request holds them; what is not asked for is not sent.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    values = {name: _without_blanks(options.get(name)) for name in FILTERS}
    values["sources"] = [_source(word) for word in values["sources"] or []]
    request = {key: values[name] for name, key in FILTERS.items() if values[name]}
    if options.get("include_unassigned") is not None:
        request["includeUnassigned"] = options["include_unassigned"]
    times = _time_filter(options)
    return {**request, "timeFilterSelection": times} if times else request


def _without_blanks(value: Any) -> Any:
    """A filter's value without what a survey leaves empty: Ansible makes a list of one empty text of that."""
    if isinstance(value, list):
        return [entry for entry in value if entry.strip()]
    return value if value is None or value.strip() else None


def _source(word: str) -> str:
    known = spelled(word, SOURCES)
    if known is None:
        raise configuration_error(f"sources must be of {', '.join(SOURCES)} (in any case), not {word!r}.")
    return known


def _time_filter(options: Mapping[str, Any]) -> dict[str, str]:
    begin, end = (_utc(name, options.get(name)) for name in ("time_from", "time_to"))
    if options.get("time_range"):
        if begin or end:
            raise configuration_error("time_range excludes time_from and time_to: give one or the other.")
        return {"type": options["time_range"]}
    if not begin and not end:
        return {}
    if not begin:
        raise configuration_error("time_from is missing: time_to is the end of the time that begins there.")
    present = datetime.now(timezone.utc)
    if not end and present <= begin:
        raise configuration_error("time_from lies in the future, where there are no incidents yet.")
    end = end or present
    if end <= begin:
        raise configuration_error("time_to must be later than time_from, by a second at the least.")
    return {
        "type": "Custom",
        "customStartUtc": spelled_utc(begin, "seconds"),
        "customEndUtc": spelled_utc(end, "seconds"),
    }


def _utc(name: str, text: str | None) -> datetime | None:
    """A point in time in whole seconds, as the request holds them."""
    moment = utc_option(name, text)
    return moment.replace(microsecond=0) if moment else None


def _all_incidents(api: Api, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every incident, page after page, each once although pages may overlap while incidents come in."""
    tokens: list[Any] = []
    asked: set[str] = set()
    seen: set[tuple[str, ...]] = set()
    without_news = 0
    while True:
        page = _page(api, {**request, "isFirstCall": not asked, "workspacePageTokens": tokens})
        news = [incident for incident in page["incidents"] if _is_news(incident, seen)]
        yield from map(dict, news)
        asked.add(json.dumps(tokens, sort_keys=True))
        without_news = 0 if news else without_news + 1
        tokens = page.get(PAGE_TOKENS_KEY) or []
        if not any(_leads_on(token) for token in tokens):
            return
        if json.dumps(tokens, sort_keys=True) in asked or without_news >= MOST_PAGES_WITHOUT_NEWS:
            raise ApiError(
                "The list of incidents does not end: the service gives the same page tokens again, or page after page "
                "without a further incident. Report this to the maintainers of this collection.",
                "contract",
            )


def _is_news(incident: Mapping[str, Any], seen: set[tuple[str, ...]]) -> bool:
    """Whether an incident was not listed before, which is remembered.

    Where its workspace is not shown, one of another workspace may have the same id: then all of it must be the same.
    """
    name = tuple(str(incident.get(key) or "") for key in (LISTED_WORKSPACE_KEY, "source", "id"))
    if not name[0]:
        name = (*name, json.dumps(incident, sort_keys=True))
    if name in seen:
        return False
    seen.add(name)
    return True


def _page(api: Api, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return api.incidents_page(body)
    except ApiError as failure:
        raise failure.retold(f"The list of incidents could not be read. {failure}") from None


def _leads_on(token: Mapping[str, Any]) -> bool:
    """Whether a workspace has a further page: one of its sources has a token (CF-A16)."""
    sources = token.get("sourceTokens")
    return isinstance(sources, Mapping) and any(sources.values())
