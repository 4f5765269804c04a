# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listed incidents as hosts of an inventory: their names, variables and groups.

All that a record holds may be written by attackers. So names are spelled in characters that mean nothing to Ansible, to
its patterns and to its templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import select

#: The group of all incidents.
ALL_INCIDENTS = "contraforce_incidents"

_NOT_OF_A_GROUP = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class IncidentHost:
    """An incident as a host.

    :param key: what identifies it.
    :param name: of the host; another one may be chosen.
    :param variables: of the host, none of which may be taken for a template.
    :param groups: that the host is in, besides that of all.
    """

    key: IncidentKey
    name: str
    variables: Mapping[str, Any]
    groups: Sequence[str]


def hosts_of(records: Iterable[Mapping[str, Any]]) -> tuple[list[IncidentHost], int]:
    """The incidents as hosts, each once, and how many records name no incident that could be worked on.

    :param records: incidents as the service listed them.
    """
    hosts: dict[IncidentKey, IncidentHost] = {}
    left_out = 0
    for record in records:
        key = _key_of(record)
        if key is None:
            left_out += 1
        elif key not in hosts:
            hosts[key] = IncidentHost(key, name_of(key), variables_of(key, record), groups_of(key, record))
    return list(hosts.values()), left_out


def selected(
    records: Iterable[Mapping[str, Any]],
    title_pattern: str | None = None,
    workspace_ids: Sequence[str] | None = None,
    older_than_hours: float | None = None,
) -> list[Mapping[str, Any]]:
    """The records that match.

    :param records: incidents as the service listed them.
    :param title_pattern: found in the title, whatever the case; all match without it.
    :param workspace_ids: of these workspaces only.
    :param older_than_hours: raised so many hours ago or longer.
    :raises ValueError: the pattern or the age is none.
    """

    def matches(record: Mapping[str, Any]) -> bool:
        # Who asks for no title takes incidents without one, too.
        shown = record if title_pattern else {**record, "title": "any"}
        return bool(select([shown], title_pattern or "", workspace_ids, older_than_hours))

    # Once more without any, so that a wrong pattern is found although nothing is listed.
    select([], title_pattern or "", workspace_ids, older_than_hours)
    return [record for record in records if matches(record)]


def _key_of(record: Mapping[str, Any]) -> IncidentKey | None:
    """What identifies a listed incident (CF-A17), or None if no module could be told of it."""
    named = (str(record.get(name) or "") for name in (LISTED_WORKSPACE_KEY, "source", "id"))
    try:
        return incident_key(*named)
    except ApiError:
        return None


def name_of(key: IncidentKey) -> str:
    """The name of an incident's host, which no other incident has, and which is the same in each run.

    :param key: what identifies it.
    """
    workspace, source, identifier = key.identity
    return f"{source.lower()}.{safe_name(identifier)}.{workspace}"


def safe_name(text: str) -> str:
    """A text as the name of a host, percent-encoded, so that neither a pattern nor a template is found in it.

    :param text: any text.
    """
    # A tilde at its beginning would make a regular expression of a pattern.
    return quote(as_plain(text), safe="", errors="surrogatepass").replace("~", "%7E")


def as_plain(text: str) -> str:
    """A text without the mark of Ansible before 2.19 for what is no template, which the text must be known not to need.

    :param text: any text.
    """
    # str(text) would keep it.
    return str.__str__(text)


def variables_of(key: IncidentKey, record: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of an incident's host.

    :param key: what identifies it.
    :param record: as the service listed it.
    """
    number = record.get("number")
    return {
        "workspace_id": key.workspace_id,
        "source": key.source,
        "incident_id": key.incident_id,
        **({} if number is None else {"incident_number": str(number)}),
        "incident": dict(record),
    }


def groups_of(key: IncidentKey, record: Mapping[str, Any]) -> list[str]:
    """The groups of an incident's host, besides that of all.

    :param key: what identifies it.
    :param record: as the service listed it.
    """
    parts = {
        "source": key.source,
        "severity": record.get("severity"),
        "status": record.get("status"),
        "workspace": key.workspace_id,
    }
    words = {name: _NOT_OF_A_GROUP.sub("_", str(value or "").lower()).strip("_") for name, value in parts.items()}
    return [f"{name}_{word}" for name, word in words.items() if word]
