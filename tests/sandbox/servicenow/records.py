# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stored records."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Mapping

from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Table

Values = dict[str, str]
_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass
class Record:
    """A record, and the old state that reads return after a change.

    :param unlisted: the number of lists that do not contain it yet.
    """

    table: Table
    values: Values
    unlisted: int = 0
    _old: Values = field(default_factory=dict)
    _lag: int = 0

    @property
    def sys_id(self) -> str:
        """Return its ID."""
        return self.values["sys_id"]

    def read(self) -> Record:
        """Return the record as a read returns it, and count the read."""
        if self._lag > 0:
            self._lag -= 1
            return Record(self.table, self._old)
        return self

    def change(self, values: Mapping[str, str], lag: int = 0) -> None:
        """Store values.

        :param lag: the number of reads that still return the old state.
        """
        if self._lag == 0:
            self._old = dict(self.values)
        self._lag = lag
        self.values.update(values)


def fixed_id(text: str) -> str:
    """Return the sys_id of something that has none in the seed, always the same one."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"servicenow:{text}").hex


def now() -> str:
    """Return the current time in UTC as the service stores it."""
    return datetime.now(timezone.utc).strftime(_FORMAT)


def is_date(text: str) -> bool:
    """Return whether a text is a date and time as the service stores it."""
    try:
        return datetime.strptime(text, _FORMAT).strftime(_FORMAT) == text
    except ValueError:
        return False


def shifted(text: str, minutes: int) -> str:
    """Return a stored date and time moved by an offset in minutes; other texts are returned unchanged."""
    if not is_date(text):
        return text
    return (datetime.strptime(text, _FORMAT) + timedelta(minutes=minutes)).strftime(_FORMAT)
