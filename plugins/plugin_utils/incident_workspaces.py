# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the workspaces of incidents from events in the list of incidents, because events do not contain them.

An identifier alone is not enough, because incidents of two customers may share it. The time of creation and the title
must match, too (CF-A21). Only a digest of the title is passed on, because Ansible evaluates variables of a run as
templates, and attackers may control titles.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, canonical_source
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest, title_of
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_selection import CREATED_FIELD
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import limit_texts, quoted

#: The keys that an entry has instead of its workspace.
EVIDENCE_KEYS: tuple[str, ...] = ("created_at", "title_sha256")

#: The keys that an entry has if it was made from an event. The account chooses the customer of its ticket.
EVENT_KEYS: tuple[str, ...] = (*EVIDENCE_KEYS, "account_id")

#: Maximum difference between the times of creation in the event and in the list. They are the same
#: (CF-A21), but one of them may be truncated to seconds.
TOLERANCE = timedelta(seconds=1)

#: How far the searched time span extends before and after that time.
MARGIN = timedelta(minutes=5)

_DIGEST = re.compile(r"[0-9a-f]{64}")


def has_evidence(entry: Mapping[str, Any]) -> bool:
    """Return whether the workspace of an entry can be looked up.

    :param entry: the entry of the incident.
    """
    return all(name in entry for name in EVIDENCE_KEYS)


def evidence_problem(entry: Mapping[str, Any]) -> str:
    """Return a message if the keys of an event are invalid, or an empty text.

    :param entry: the entry of the incident.
    """
    if "created_at" in entry and _moment(entry) is None:
        return f"created_at must be a point in time such as 2026-11-21T06:00:00Z, not {entry['created_at']!r}."
    if "title_sha256" in entry and not _DIGEST.fullmatch(str(entry["title_sha256"])):
        return "title_sha256 must be the SHA-256 digest of the incident's title, in 64 lowercase hexadecimal digits."
    if "account_id" in entry and not is_uuid(str(entry["account_id"]).strip()):
        return f"account_id must be a UUID, as the event contains it, not {quoted(entry['account_id'])}."
    return ""


def search_window(entries: Iterable[Mapping[str, Any]], now: datetime | None = None) -> dict[str, Any]:
    """Return the options for listing the incidents without a workspace, or none if every entry has one.

    :param entries: the valid entries of the runbook.
    :param now: the current time.
    """
    without_workspace = [entry for entry in entries if "workspace_id" not in entry]
    moments = [moment for moment in map(_moment, without_workspace) if moment]
    if not moments:
        return {}
    begin, end = min(moments) - MARGIN, max(moments) + MARGIN
    options = {"sources": sorted({str(entry["source"]) for entry in without_workspace}), "time_from": _spelled(begin)}
    # The list ends at the current time by default, and refuses later times.
    return {**options, "time_to": _spelled(end)} if end < (now or datetime.now(timezone.utc)) else options


def add_workspaces(entries: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the ``incidents`` with their workspaces, and ``problems``, a message for each that was not found.

    :param entries: the entries of the incidents.
    :param records: incidents as the service listed them.
    """
    incidents: list[dict[str, Any]] = []
    problems: list[str] = []
    for entry in entries:
        known = {key: value for key, value in entry.items() if key not in EVIDENCE_KEYS}
        if "workspace_id" in entry:
            incidents.append(known)
            continue
        found = {workspace for record in records if (workspace := _matching_workspace(record, entry))}
        if len(found) == 1:
            incidents.append({**known, "workspace_id": found.pop()})
        else:
            problems.append(_not_found_message(entry, sorted(found)))
    return {"incidents": incidents, "problems": limit_texts(problems, "There are {} more problems like this one.")}


def _matching_workspace(record: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """Return the workspace of a listed incident if it is the entry's incident (CF-A17, CF-A21)."""
    listed = IncidentKey("", canonical_source(record.get("source")) or "", str(record.get("id") or ""))
    created, expected = instant(record.get(CREATED_FIELD)), _moment(entry)
    # An event does not contain the name that replaces a missing title.
    titles = (title_of(record) or "", title_of({"title": record.get("title")}) or "")
    matches = (
        listed == IncidentKey("", entry["source"], entry["incident_id"])
        and entry["title_sha256"] in map(title_digest, titles)
        and created is not None
        and expected is not None
        and abs(created - expected) <= TOLERANCE
    )
    return str(record.get(LISTED_WORKSPACE_KEY) or "").lower() if matches else ""


def _not_found_message(entry: Mapping[str, Any], found: Sequence[str]) -> str:
    called = f"incident {entry['incident_id']} ({entry['source']}, raised at {entry['created_at']})"
    if found:
        return f"The workspace of {called} is ambiguous: {' or '.join(found)}. Set 'workspace_id' of the incident."
    return (
        f"The workspace of {called} was not found, because no listed incident has this identifier, title and time of "
        "creation. Set 'workspace_id' of the incident, or add its account to 'workspaces' of the event filter."
    )


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    try:
        moment = instant(entry.get("created_at"))
        # Years at the ends of the calendar overflow in calculations.
        return moment.astimezone(timezone.utc) if moment and 1970 <= moment.year < 9999 else None
    except OverflowError:
        return None


def _spelled(moment: datetime) -> str:
    return spelled_utc(moment, "seconds")
