# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stored tickets of the platform."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import TicketType

#: The person who makes edits.
ANOTHER_AGENT = {"lastName": "Agent", "username": "other.agent@sandbox.example", "firstName": "Another"}

Record = dict[str, Any]


@dataclass
class Ticket:
    """A ticket, and the old state that reads return after an update.

    :param unlisted: the number of lists that do not contain it yet.
    """

    record: Record
    type: TicketType
    unlisted: int = 0
    _old: Record = field(default_factory=dict)
    _lag: int = 0

    def read(self) -> Record:
        """Return the record as a read returns it, and count the read."""
        if self._lag > 0:
            self._lag -= 1
            return self._old
        return self.record

    def replace(self, record: Record, lag: int = 0) -> None:
        """Store a record.

        :param lag: the number of reads that still return the old one.
        """
        if self._lag == 0:
            self._old = self.record
        self.record, self._lag = record, lag

    def edited(self, values: Mapping[str, Any], person: Mapping[str, str]) -> Record:
        """Return the record with changed values and a new etag."""
        record = copy.deepcopy(self.record)
        record["data"].update(copy.deepcopy(dict(values)), lastUpdatedBy=dict(person))
        record.update(status_of(self.type, record["data"]))
        record.update(etag=str(uuid.uuid4()), version=record["version"] + 1, updated_at=timestamp())
        return record


def status_of(ticket_type: TicketType, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the status fields of a record."""
    status = ticket_type.status(data)
    return {"status_type": status, "status_category": ticket_type.category(status)}


def new_record(
    ticket_type: TicketType, place: Mapping[str, Any], data: Mapping[str, Any], dates: Mapping[str, str]
) -> Record:
    """Return a record, with its keys in the order of the vendor's page.

    :param place: ``id``, ``tenant_id``, ``object_id``, ``etag``, ``summary``, ``team``, ``moved_to`` and ``id_serial``.
    :param data: fields by UUID, and those of the system.
    :param dates: ``created_at`` and ``updated_at``.
    """
    return {
        **{name: place[name] for name in ("id", "tenant_id", "object_id", "etag", "summary")},
        "data": dict(data),
        "lookup_props": {"teamId": place["team"], "itemTypeId": ticket_type.shown["id"]},
        "moved_to": place["moved_to"],
        "deleted_seq": -1,
        "version": 2,
        **status_of(ticket_type, data),
        **dates,
        "id_serial": place["id_serial"],
        "metrics": [],
        "slas": [],
    }
