# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The workspaces of incidents that came by an event, which does not name them: they are looked up in the list.

An identifier alone is not enough, since the incidents of two customers may have the same one. What an event tells of an
incident besides must fit, too (CF-A21): when it was raised, and its title, of which only a digest is handed on, because
variables of a run are templates, and attackers write titles.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import title_digest, title_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import SOURCES, IncidentKey, spelled
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import CREATED

#: What an entry has instead of its workspace.
EVIDENCE: tuple[str, ...] = ("created_at", "title_sha256")

#: How far apart the times of an incident may be, as the event and as the list tell it. They are the same
#: (CF-A21), but one of them may be cut to seconds.
TOLERANCE = timedelta(seconds=1)

#: How far around that time is looked.
MARGIN = timedelta(minutes=5)

_DIGEST = re.compile(r"[0-9a-f]{64}")


def has_evidence(entry: Mapping[str, Any]) -> bool:
    """Whether the workspace of an entry can be looked up.

    :param entry: the incident, as the runbook was given it.
    """
    return all(name in entry for name in EVIDENCE)


def problem_of_evidence(entry: Mapping[str, Any]) -> str:
    """What is wrong with what an entry has instead of its workspace, as a sentence, or nothing.

    :param entry: the incident, as the runbook was given it.
    """
    if "created_at" in entry and _moment(entry) is None:
        return f"created_at must be a point in time such as 2026-11-21T06:00:00Z, not {entry['created_at']!r}."
    if "title_sha256" in entry and not _DIGEST.fullmatch(str(entry["title_sha256"])):
        return "title_sha256 must be the SHA-256 of the incident's title, 64 hexadecimal digits in small letters."
    return ""


def window(entries: Iterable[Mapping[str, Any]], now: datetime | None = None) -> dict[str, Any]:
    """The options of the list in which the incidents must be; none if every entry names its workspace.

    :param entries: the incidents, as the runbook was given them, without a problem.
    :param now: the present.
    """
    nameless = [entry for entry in entries if "workspace_id" not in entry]
    moments = [moment for moment in map(_moment, nameless) if moment]
    if not moments:
        return {}
    begin, end = min(moments) - MARGIN, max(moments) + MARGIN
    options = {"sources": sorted({str(entry["source"]) for entry in nameless}), "time_from": _spelled(begin)}
    # The list has no future, and ends at the present by itself.
    return {**options, "time_to": _spelled(end)} if end < (now or datetime.now(timezone.utc)) else options


def with_workspaces(entries: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The C(incidents) with their workspaces, and C(problems), sentences, for those that were not found.

    :param entries: the incidents, as the runbook was given them.
    :param records: incidents as the service listed them.
    """
    incidents: list[dict[str, Any]] = []
    problems: list[str] = []
    for entry in entries:
        plain = {key: value for key, value in entry.items() if key not in EVIDENCE}
        if "workspace_id" in entry:
            incidents.append(plain)
            continue
        found = {workspace for record in records if (workspace := _workspace_of(record, entry))}
        if len(found) == 1:
            incidents.append({**plain, "workspace_id": found.pop()})
        else:
            problems.append(_problem(entry, sorted(found)))
    return {"incidents": incidents, "problems": problems}


def _workspace_of(record: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """The workspace of a listed incident, if that is the one of the entry (CF-A17, CF-A21)."""
    source = spelled(str(record.get("source") or ""), SOURCES) or ""
    listed = IncidentKey("", source, str(record.get("id") or ""))
    raised, told = instant(record.get(CREATED)), _moment(entry)
    is_the_one = (
        listed == IncidentKey("", entry["source"], entry["incident_id"])
        and title_digest(title_of(record) or "") == entry["title_sha256"]
        and raised is not None
        and told is not None
        and abs(raised - told) <= TOLERANCE
    )
    return str(record.get(LISTED_WORKSPACE_KEY) or "").lower() if is_the_one else ""


def _problem(entry: Mapping[str, Any], found: Sequence[str]) -> str:
    called = f"incident {entry['incident_id']} ({entry['source']}), raised at {entry['created_at']}"
    if found:
        return f"The workspace of {called}, is not clear: it may be {' or '.join(found)}. Name it in 'workspace_id'."
    return (
        f"The workspace of {called}, was not found: the list of incidents has none with this identifier, title "
        "and time. Name it in 'workspace_id', or in the workspaces of the event filter."
    )


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    try:
        moment = instant(entry.get("created_at"))
        # Far enough from the ends of the calendar for what is counted from it.
        return moment.astimezone(timezone.utc) if moment and 1970 <= moment.year < 9999 else None
    except OverflowError:
        return None


def _spelled(moment: datetime) -> str:
    return spelled_utc(moment, "seconds")
