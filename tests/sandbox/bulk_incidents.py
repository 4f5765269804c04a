# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generate thousands of incidents, because a seed file of that size would be slow to read."""

from __future__ import annotations

from typing import Any, Iterator

SOURCE = "Sentinel"


def bulk_incident_id(number: int) -> str:
    """Return the ID of a generated incident, whose number starts at 1."""
    return f"00000000-0000-4000-8000-{number:012}"


def bulk_incidents(number: int, workspace: str) -> Iterator[dict[str, Any]]:
    """Yield new Sentinel incidents in the format of a seed."""
    for each in range(1, number + 1):
        yield {
            "workspaceId": workspace,
            "source": SOURCE,
            "id": bulk_incident_id(each),
            "number": 1_000_000 + each,
            "title": f"Incident {each} of a crowd",
            "severity": "Low",
            "status": "New",
            "createdAt": "2026-11-21T03:00:00Z",
            "updatedAt": "2026-11-21T03:00:00Z",
        }
