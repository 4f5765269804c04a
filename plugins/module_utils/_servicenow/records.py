# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the record of a ticket."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import Row, display_of, value_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import CLOSED_STATES, JOURNAL_COLUMNS
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.journal import Journal
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.values import StoredValue
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import State, Ticket, TicketFormat

#: Columns that change with each write. Source: ServiceNow's documentation.
VOLATILE = ("sys_mod_count", "sys_updated_on", "sys_updated_by")


def ticket_of(table: str, row: Row, journal: Journal | None = None) -> Ticket:
    """Return the ticket of a row: its table, its values by column, and its journal.

    :param table: the table.
    :param row: the row.
    :param journal: the journal, if it was read.
    """
    values = {column: StoredValue.of(value_of(row, column) or "", display_of(row, column)) for column in row}
    return {"table": table, "values": values, "journal": journal}


def values_of(record: State) -> Mapping[str, str]:
    """Return the values of a ticket by column; empty if there is no ticket.

    :param record: from :func:`ticket_of`, or the values as the result of a task contains them.
    """
    values = (record or {}).get("values")
    return values if isinstance(values, Mapping) else record or {}


def plain_values(record: State) -> dict[str, str]:
    """Return the stored values of a ticket by column, for the result of a task.

    :param record: from :func:`ticket_of`.
    """
    return {column: str(value) for column, value in values_of(record).items()}


def display_values(record: State) -> dict[str, str]:
    """Return the display values of a ticket by column, without those that equal the stored value and the journal.

    :param record: from :func:`ticket_of`.
    """
    shown: dict[str, str] = {}
    for column, value in values_of(record).items():
        display = getattr(value, "display", None)
        if (
            display is not None
            and display != str(value)
            and column not in (*JOURNAL_COLUMNS, "comments_and_work_notes")
        ):
            shown[column] = display
    return shown


def is_closed(table: str, values: Mapping[str, str]) -> bool:
    """Return whether a ticket is closed (SN-A11). Without its state, it counts as open, so that it is found.

    :param table: the table.
    :param values: values by column.
    """
    return values.get("active") == "false" or values.get("state") in CLOSED_STATES.get(table, ())


class ServiceNowFormat(TicketFormat):
    """Read a ticket as :func:`ticket_of` returns it."""

    def id_of(self, record: Ticket) -> str:
        """Return the ``sys_id``."""
        return str(values_of(record).get("sys_id", "")).lower()

    def name_of(self, record: Ticket) -> str:
        """Return the number, or the ``sys_id`` of a record without one."""
        return str(values_of(record).get("number") or self.id_of(record))

    def title_of(self, record: Ticket) -> str | None:
        """Return the short description, or None if it is not shown."""
        title = values_of(record).get("short_description")
        return None if title is None else str(title)

    def data_of(self, record: State) -> Mapping[str, Any]:
        """Return the values by column, without those that change with each write."""
        return {column: value for column, value in values_of(record).items() if column not in VOLATILE}

    def marker_of(self, record: Ticket) -> str | None:
        """Return the modification count with the time (SN-A15); if they are hidden, a digest of the values."""
        values = values_of(record)
        if values.get("sys_mod_count"):
            return f"{values['sys_mod_count']} {values.get('sys_updated_on', '')}"
        if not values:
            return None
        text = json.dumps(plain_values(record), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def is_closed(self, record: Ticket) -> bool:
        """Return whether the ticket is closed."""
        return is_closed(str(record.get("table")), values_of(record))

    def created_at(self, record: Ticket) -> str:
        """Return the time of creation."""
        return str(values_of(record).get("sys_created_on", ""))


FORMAT = ServiceNowFormat()
