# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of the incidents that a service listed a runbook takes: what the service itself does not filter by."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import SOURCES, spelled
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant

#: When a listed incident was raised; documented among the fields of the list.
CREATED = "creationTime"

#: The most hours that can be counted back; a hundred years or so.
LONGEST_AGE = 1_000_000
NO_AGE = f"older_than_hours must be a number of hours from 0 to {LONGEST_AGE}."

#: What people know an incident by, and where the service shows it.
SHOWN = {"title": "title", "severity": "severity", "status": "status", "created_at": CREATED}


def select(
    records: Iterable[Mapping[str, Any]],
    title_pattern: str,
    workspace_ids: Sequence[str] | None = None,
    older_than_hours: float | None = None,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """The incidents that match, as entries of a runbook's list, with what people know them by.

    An incident that does not show what is asked for is not taken.

    :param records: incidents as the service listed them.
    :param title_pattern: found in the title, whatever the case.
    :param workspace_ids: of these workspaces only.
    :param older_than_hours: raised so many hours ago or longer.
    :param now: the present.
    :raises ValueError: the pattern or the age is none.
    """
    try:
        pattern = re.compile(title_pattern, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"title_pattern is no regular expression: {error}.") from None
    workspaces = {identifier.strip().lower() for identifier in workspace_ids or ()}
    latest = None
    if older_than_hours is not None:
        if not 0 <= older_than_hours <= LONGEST_AGE:
            raise ValueError(NO_AGE)
        latest = (now or datetime.now(timezone.utc)) - timedelta(hours=older_than_hours)
    return [
        entry_of(record)
        for record in records
        if record.get("title")
        and pattern.search(str(record["title"]))
        and (not workspaces or str(record.get(LISTED_WORKSPACE_KEY) or "").lower() in workspaces)
        and (latest is None or _raised_by(record, latest))
    ]


def entry_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """A listed incident as an entry of a runbook's list, with what people know it by, and a C(line) of that.

    :param record: as the service listed it.
    """
    source = str(record.get("source") or "")
    entry = {
        "workspace_id": str(record.get(LISTED_WORKSPACE_KEY) or ""),
        "source": spelled(source, SOURCES) or source,
        "incident_id": str(record.get("id") or ""),
        **{key: record.get(name) for key, name in SHOWN.items()},
    }
    facts = ", ".join(str(entry[name]) for name in ("severity", "status", "created_at") if entry[name])
    called = f"{entry['source']} {entry['incident_id']} of {entry['workspace_id']}"
    return {**entry, "line": f"{called} ({facts}): {entry['title']}"}


def _raised_by(record: Mapping[str, Any], latest: datetime) -> bool:
    raised = instant(str(record.get(CREATED) or ""))
    return raised is not None and raised <= latest
