# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Filter listed incidents by criteria that the service does not support."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    LISTED_WORKSPACE_KEY,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import STATUSES, canonical
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import canonical_source
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

#: The documented field of a listed incident with the time of its creation.
CREATED_FIELD = "creationTime"

#: Maximum age in hours, about a hundred years.
MAX_AGE_HOURS = 1_000_000
INVALID_AGE = f"older_than_hours must be a number of hours from 0 to {MAX_AGE_HOURS}."

#: Keys that describe an incident to users, and the corresponding fields of the list.
LISTED_FIELDS = {"title": "title", "severity": "severity", "status": "status", "created_at": CREATED_FIELD}


def select_incidents(
    records: Iterable[Mapping[str, Any]],
    title_pattern: str,
    workspace_ids: Sequence[str] | None = None,
    older_than_hours: float | None = None,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the matching incidents as entries of a runbook's list, with a description.

    An incident without a filtered property does not match.

    :param records: incidents as the service listed them.
    :param title_pattern: a regular expression for the title; its case is ignored.
    :param workspace_ids: match only these workspaces.
    :param older_than_hours: match only incidents of at least this age.
    :param now: the current time.
    :raises ValueError: if the pattern or the age is invalid.
    """
    try:
        pattern = re.compile(title_pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"title_pattern is not a valid regular expression: {error}.") from None
    workspaces = {identifier.strip().lower() for identifier in workspace_ids or ()}
    latest = None
    if older_than_hours is not None:
        if not 0 <= older_than_hours <= MAX_AGE_HOURS:
            raise ValueError(INVALID_AGE)
        latest = (now or datetime.now(timezone.utc)) - timedelta(hours=older_than_hours)
    return [
        list_entry(record)
        for record in records
        if record.get("title")
        and pattern.search(str(record["title"]))
        and (not workspaces or str(record.get(LISTED_WORKSPACE_KEY) or "").lower() in workspaces)
        and (latest is None or _created_before(record, latest))
    ]


def list_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a listed incident as an entry of a runbook's list, with a description and a summary in ``line``.

    :param record: the incident as the service listed it.
    """
    entry = {
        "workspace_id": str(record.get(LISTED_WORKSPACE_KEY) or ""),
        "source": canonical_source(record.get("source")) or "",
        "incident_id": str(record.get("id") or ""),
        **{key: record.get(name) for key, name in LISTED_FIELDS.items()},
        "status": canonical(record.get("status"), STATUSES, STATUS_BY_INTEGER),
    }
    facts = ", ".join(str(entry[name]) for name in ("severity", "status", "created_at") if entry[name])
    called = f"{entry['source']} {entry['incident_id']} of {entry['workspace_id']}"
    return {**entry, "line": f"{called} ({facts}): {entry['title']}"}


def _created_before(record: Mapping[str, Any], latest: datetime) -> bool:
    raised = instant(str(record.get(CREATED_FIELD) or ""))
    return raised is not None and raised <= latest
