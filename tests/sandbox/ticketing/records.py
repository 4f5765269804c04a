# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tickets of the platform as they are stored, and how they change."""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.ticketing.catalog import TicketType

#: Who edits when it is not the caller.
ANOTHER_AGENT = {"lastName": "Agent", "username": "other.agent@sandbox.example", "firstName": "Another"}

Record = dict[str, Any]


@dataclass
class Ticket:
    """A ticket, and what a read shows while an update has not come through.

    :param record: as the service shows it.
    :param type: its ticket type.
    :param unlisted: how many lists do not show it yet.
    """

    record: Record
    type: TicketType
    unlisted: int = 0
    _old: Record = field(default_factory=dict)
    _lag: int = 0

    def read(self) -> Record:
        """The record as a read sees it, which uses up the lag."""
        if self._lag > 0:
            self._lag -= 1
            return self._old
        return self.record

    def replace(self, record: Record, lag: int = 0) -> None:
        """Store another record.

        :param record: as :meth:`edited` makes it.
        :param lag: how many reads still see what they saw before.
        """
        if self._lag == 0:
            self._old = self.record
        self.record, self._lag = record, lag

    def edited(self, values: Mapping[str, Any], person: Mapping[str, str]) -> Record:
        """The record with changed fields and a new etag.

        :param values: by UUID.
        :param person: who changes it.
        """
        record = copy.deepcopy(self.record)
        record["data"].update(copy.deepcopy(dict(values)), lastUpdatedBy=dict(person))
        record.update(status_of(self.type, record["data"]))
        record.update(etag=str(uuid.uuid4()), version=record["version"] + 1, updated_at=timestamp())
        return record


def status_of(ticket_type: TicketType, data: Mapping[str, Any]) -> dict[str, str]:
    """What a record says of the status.

    :param ticket_type: the ticket's.
    :param data: its fields.
    """
    status = ticket_type.status(data)
    return {"status_type": status, "status_category": ticket_type.category(status)}


def new_record(
    ticket_type: TicketType, place: Mapping[str, Any], data: Mapping[str, Any], dates: Mapping[str, str]
) -> Record:
    """A record, in the order of the vendor's page.

    :param ticket_type: the ticket's.
    :param place: ``id``, ``tenant_id``, ``object_id``, ``etag``, ``summary``, ``team``, ``moved_to`` and ``id_serial``.
    :param data: fields by UUID, and what the system adds.
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
