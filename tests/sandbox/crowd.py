# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thousands of incidents on demand: a seed file of that many would take longer to read than to work on."""

from __future__ import annotations

from typing import Any, Iterator

SOURCE = "Sentinel"
LARGEST = 100_000


def crowd_id(number: int) -> str:
    """The identifier of an incident of the crowd, so that whoever asked for it can name each one.

    :param number: from 1.
    """
    return f"00000000-0000-4000-8000-{number:012}"


def crowd(number: int, workspace: str) -> Iterator[dict[str, Any]]:
    """New incidents of Sentinel, as a seed would hold them.

    :param number: how many.
    :param workspace: where they are.
    """
    for each in range(1, number + 1):
        yield {
            "workspaceId": workspace,
            "source": SOURCE,
            "id": crowd_id(each),
            "number": 1_000_000 + each,
            "title": f"Incident {each} of a crowd",
            "severity": "Low",
            "status": "New",
            "createdAt": "2026-11-21T03:00:00Z",
            "updatedAt": "2026-11-21T03:00:00Z",
        }


def crowd_size(value: Any) -> int:
    """A number of incidents from what was posted.

    :param value: anything that JSON can carry.
    :raises ValueError: for what is no such number, in a sentence.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise ValueError(f"a crowd is a number of incidents, up to {LARGEST}")
    return value
