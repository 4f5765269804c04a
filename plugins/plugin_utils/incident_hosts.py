# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Convert listed incidents to hosts of an inventory, with names, variables and groups.

Attackers may control any value of a record, so names are encoded in characters that have no special meaning in
Ansible's host patterns and templates.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    LISTED_WORKSPACE_KEY,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import STATUSES, canonical
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import select_incidents
from ansible_collections.secops.itsm.plugins.plugin_utils.short_ids import WORKSPACE_PREFIX, first_unique, prefixes

#: The group that contains all incidents.
ALL_INCIDENTS = "contraforce_incidents"

#: Maximum characters of a custom name; a controller stores names of at most 512.
MAX_CUSTOM_NAME = 100

#: Maximum characters of an identifier that is not a UUID in the name of its host.
MAX_READABLE = 20

_UNREADABLE_CHARACTERS = re.compile(r"[^A-Za-z0-9._-]+")
_INVALID_GROUP_CHARACTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class IncidentHost:
    """An incident as a host of the inventory.

    :param key: the incident's key.
    :param name: the default name of the host.
    :param full_name: the name with the whole identity of the incident, which never depends on other incidents.
    :param variables: the variables of the host; none may be evaluated as a template.
    :param groups: the groups of the host besides the group of all incidents.
    """

    key: IncidentKey
    name: str
    full_name: str
    variables: Mapping[str, Any]
    groups: Sequence[str]


def build_hosts(
    records: Iterable[Mapping[str, Any]], taken: Mapping[str, IncidentKey | None] | None = None
) -> tuple[list[IncidentHost], int]:
    """Return a host for each incident, and the number of records that do not identify one.

    :param records: incidents as the service listed them.
    :param taken: the names of hosts and groups of other inventory sources, with the key of the incident of the host.
    """
    shown: dict[IncidentKey, Mapping[str, Any]] = {}
    skipped = 0
    for record in records:
        key = _record_key(record)
        if key is None:
            skipped += 1
        else:
            shown.setdefault(key, record)
    others = taken or {}
    free = [[name for name in host_names(key) if others.get(name, key) == key] or [full_name(key)] for key in shown]
    return [
        IncidentHost(key, name, full_name(key), host_variables(key, record), host_groups(key, record))
        for name, (key, record) in zip(first_unique(free), shown.items())
    ], skipped


def filter_records(
    records: Iterable[Mapping[str, Any]],
    title_pattern: str | None = None,
    workspace_ids: Sequence[str] | None = None,
    older_than_hours: float | None = None,
) -> list[Mapping[str, Any]]:
    """Return the records that match.

    :param records: incidents as the service listed them.
    :param title_pattern: a regular expression for the title; its case is ignored.
    :param workspace_ids: match only these workspaces.
    :param older_than_hours: match only incidents of at least this age.
    :raises ValueError: if the pattern or the age is invalid.
    """

    def matches(record: Mapping[str, Any]) -> bool:
        # Without a pattern, incidents without a title match, too.
        shown = record if title_pattern else {**record, "title": "any"}
        return bool(select_incidents([shown], title_pattern or "", workspace_ids, older_than_hours))

    # With an empty list, so that an invalid pattern is reported even if no incident is listed.
    select_incidents([], title_pattern or "", workspace_ids, older_than_hours)
    return [record for record in records if matches(record)]


def _record_key(record: Mapping[str, Any]) -> IncidentKey | None:
    """Return the key of a listed incident (CF-A17), or None if it is not usable in a module."""
    named = (str(record.get(name) or "") for name in (LISTED_WORKSPACE_KEY, "source", "id"))
    try:
        return incident_key(*named)
    except ApiError:
        return None


def host_names(key: IncidentKey) -> list[str]:
    """Return the names of an incident's host from the shortest one, such as ``sentinel-6b1f0d7e``, to the full name.

    A UUID is shortened, because its first digits are random. Identifiers that two workspaces may use have a prefix of
    the workspace, and those that are long or contain other characters have a digest. A name therefore does not become
    that of another incident in a later run.

    :param key: the incident's key.
    """
    workspace, source, identifier = key.identity
    if is_uuid(identifier):
        texts = [*prefixes(identifier), f"{identifier}-{workspace[:WORKSPACE_PREFIX]}"]
    else:
        readable = _UNREADABLE_CHARACTERS.sub("_", without_unsafe_mark(identifier))[:MAX_READABLE].strip("._-")
        digest = hashlib.sha256(full_name(key).encode()).hexdigest()
        marks = [digest[:8], digest[:16]] if readable != identifier else [workspace[:WORKSPACE_PREFIX]]
        texts = ["-".join(filter(None, [readable, mark])) for mark in marks]
    return [*(f"{source.lower()}-{text}" for text in texts), full_name(key)]


def full_name(key: IncidentKey) -> str:
    """Return the name of an incident's host with its source, its whole identifier and its workspace.

    :param key: the incident's key.
    """
    workspace, source, identifier = key.identity
    return f"{source.lower()}.{safe_name(identifier)}.{workspace}"


def custom_host_name(usual: str, text: str) -> str:
    """Return the custom name of a host, or its full name if the custom one is blank.

    The text may be the title of the incident, and so equal the name of a host or group of another inventory source.
    The suffix is therefore unique to the incident.

    :param usual: the full name of the host.
    :param text: any text.
    """
    chosen = safe_name(text.strip())[:MAX_CUSTOM_NAME]
    return f"{chosen}.{hashlib.sha256(usual.encode()).hexdigest()[:12]}" if chosen else usual


def safe_name(text: str) -> str:
    """Return a text percent-encoded as a host name, so that it contains neither a pattern nor a template.

    :param text: any text.
    """
    # A leading tilde would turn a host pattern into a regular expression.
    return quote(without_unsafe_mark(text), safe="", errors="surrogatepass").replace("~", "%7E")


def without_unsafe_mark(text: str) -> str:
    """Return a text without the mark for unsafe values of ansible-core before 2.19. The text must not need it.

    :param text: any text.
    """
    # str(text) would keep the mark.
    return str.__str__(text)


def host_variables(key: IncidentKey, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of an incident's host.

    :param key: the incident's key.
    :param record: the incident as the service listed it.
    """
    number = record.get("number")
    return {
        "workspace_id": key.workspace_id,
        "source": key.source,
        "incident_id": key.incident_id,
        **({} if number is None else {"incident_number": str(number)}),
        "incident": dict(record),
    }


def host_groups(key: IncidentKey, record: Mapping[str, Any]) -> list[str]:
    """Return the groups of an incident's host besides the group of all incidents.

    :param key: the incident's key.
    :param record: the incident as the service listed it.
    """
    parts = {
        "source": key.source,
        "severity": record.get("severity"),
        "status": canonical(record.get("status"), STATUSES, STATUS_BY_INTEGER),
        "workspace": key.workspace_id,
    }
    words = {
        name: _INVALID_GROUP_CHARACTERS.sub("_", str(value or "").lower()).strip("_") for name, value in parts.items()
    }
    return [f"{name}_{word}" for name, word in words.items() if word]
