# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of incidents across workspaces: filters, pages and tokens."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.secops.itsm.tests.sandbox.parsing import instant
from ansible_collections.secops.itsm.tests.sandbox.profile import Profile
from ansible_collections.secops.itsm.tests.sandbox.records import invalid
from ansible_collections.secops.itsm.tests.sandbox.serializers import display_id

Record = Mapping[str, Any]
Test = Callable[[Record], bool]
#: A workspace and a source, to which a token belongs.
Group = tuple[str, str]

_HOURS = {"ThreeHours": 3, "SixHours": 6, "TwelveHours": 12, "TwentyFourHours": 24, "FourtyEightHours": 48}
_PAGING = ("workspacePageTokens", "isFirstCall")
_TOKENS = "workspacePageTokens"


@dataclass(frozen=True)
class Place:
    """The position at which a token continues.

    :param group: its workspace and source.
    :param after: the position of the last returned record.
    :param filters: the filters of its list.
    """

    group: Group
    after: int
    filters: str


class Listing:
    """Pages in a stable order: each continues after the last returned record, even if incidents change in between.

    :param now: the time that relative time filters refer to; None for the current time.
    """

    def __init__(self, now: str | None) -> None:
        self._now = None if now is None else instant(now)
        self._places: dict[str, Place] = {}

    def page(self, records: Sequence[Record], body: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
        """Return a page of records and the tokens of the next one.

        :param records: all visible records, always in the same order.
        :param body: ``ListIncidentsAcrossWorkspacesRequest``.
        :raises RefusedError: if a filter or a token is not valid.
        """
        wanted = matcher(body, self._now or datetime.now(timezone.utc))
        filters = _name_of_filters(body)
        scope = self._scope(records, body, filters)
        rest = [
            (position, record)
            for position, record in enumerate(records)
            if position > scope.get(_group(record), len(records)) and wanted(record)
        ]
        page, later = rest[: profile.page_size], rest[profile.page_size :]
        data: dict[str, Any] = {"incidents": [record for _position, record in page]}
        if later:
            groups = dict.fromkeys(_group(record) for _position, record in later)
            data[_TOKENS] = _grouped({group: self._token(group, page[-1][0], filters) for group in groups})
        elif profile.last_page != "absent":
            data[_TOKENS] = _grouped(dict.fromkeys(scope)) if profile.last_page == "nulls" else []
        return data

    def _scope(self, records: Sequence[Record], body: Mapping[str, Any], filters: str) -> dict[Group, int]:
        """Return the position after which each group is listed."""
        entries = body.get(_TOKENS) or []
        if body.get("isFirstCall", not entries):
            return {_group(record): -1 for record in records}
        scope: dict[Group, int] = {}
        for entry in entries:
            for source, token in (entry.get("sourceTokens") or {}).items():
                if token is not None:
                    group = (entry.get("workspaceId", "").lower(), source)
                    scope[group] = self._place(group, token, filters)
        if not scope:
            raise invalid({_TOKENS: "A call other than the first one needs the tokens of the previous page."})
        return scope

    def _place(self, group: Group, token: str, filters: str) -> int:
        place = self._places.get(token)
        if place is None or place.group != group:
            raise invalid({_TOKENS: "A token does not belong to its workspace and source."})
        if place.filters != filters:
            raise invalid({_TOKENS: "A token belongs to a list with other filters."})
        return place.after

    def _token(self, group: Group, after: int, filters: str) -> str:
        token = secrets.token_urlsafe(18)
        self._places[token] = Place(group, after, filters)
        return token


def matcher(body: Mapping[str, Any], now: datetime) -> Test:
    """Return a function that tests whether a record passes the filters of a request. Empty filters pass everything.

    :param body: ``ListIncidentsAcrossWorkspacesRequest``.
    :param now: the time that relative time filters refer to.
    :raises RefusedError: if a time filter is not valid.
    """
    tests: list[Test] = [_times(body["timeFilterSelection"], now)] if "timeFilterSelection" in body else []
    for name, field in (("severities", "severity"), ("statuses", "status"), ("sources", "source")):
        if body.get(name):
            tests.append(_among(field, body[name]))
    if body.get("query"):
        tests.append(_text(body["query"].casefold()))
    if body.get("assigneeIds") or body.get("assigneeEmails"):
        tests.append(_assignees(body))
    return lambda record: all(test(record) for test in tests)


def _among(field: str, words: Sequence[str]) -> Test:
    return lambda record: record.get(field) in words


def _text(query: str) -> Test:
    def test(record: Record) -> bool:
        texts = (record.get("title"), record.get("description"), record["id"], display_id(record))
        return any(query in text.casefold() for text in texts if text)

    return test


def _assignees(body: Mapping[str, Any]) -> Test:
    """Match by ID or email address; ``includeUnassigned`` adds unassigned incidents, and alone has no effect."""
    wanted = {
        name: {word.lower() for word in body.get(field) or []}
        for name, field in (("id", "assigneeIds"), ("email", "assigneeEmails"))
    }

    def test(record: Record) -> bool:
        user = record["user"]
        if user is None:
            return bool(body.get("includeUnassigned"))
        return any(user[name].lower() in words for name, words in wanted.items())

    return test


def _times(selection: Mapping[str, Any], now: datetime) -> Test:
    kind = selection.get("type")
    if kind is None:
        raise invalid({"timeFilterSelection.type": "A time filter needs a type."})
    if kind in _HOURS:
        length = timedelta(hours=_HOURS[kind])
        return _created(lambda created: now - created <= length)
    start, end = (_bound(selection, name) for name in ("customStartUtc", "customEndUtc"))
    if start is None and end is None:
        raise invalid({"timeFilterSelection.customStartUtc": "Custom needs customStartUtc, customEndUtc or both."})
    return _created(lambda created: (start is None or start <= created) and (end is None or created <= end))


def _created(test: Callable[[datetime], bool]) -> Test:
    return lambda record: record.get("createdAt") is not None and test(instant(record["createdAt"]))


def _bound(selection: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return None if selection.get(name) is None else instant(selection[name])
    except ValueError as error:
        raise invalid({f"timeFilterSelection.{name}": f"{error}."}) from None


def _group(record: Record) -> Group:
    return record["workspaceId"].lower(), record["source"]


def _grouped(tokens: Mapping[Group, str | None]) -> list[dict[str, Any]]:
    """Return tokens in the format of the service."""
    workspaces: dict[str, dict[str, str | None]] = {}
    for (workspace, source), token in tokens.items():
        workspaces.setdefault(workspace, {})[source] = token
    return [{"workspaceId": workspace, "sourceTokens": found} for workspace, found in workspaces.items()]


def _name_of_filters(body: Mapping[str, Any]) -> str:
    """Return the same text for all requests with the same filters."""
    return json.dumps({name: value for name, value in body.items() if value and name not in _PAGING}, sort_keys=True)
