# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of webhooks. They contain neither the status, nor the ticket, nor the workspace of an incident."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp

CREATED = "incident.created.v1"
_LISTS = ("alertProductNames", "alerts", "entities")


@dataclass(frozen=True)
class Event:
    """An event.

    :param id: the same in each delivery.
    """

    id: str
    body: Mapping[str, Any]

    @property
    def is_test(self) -> bool:
        """Return whether the event is a test."""
        return bool(self.body["isTest"])


def incident_created(record: Mapping[str, Any], workspace: Mapping[str, Any], is_test: bool = False) -> Event:
    """Return the event of a new incident.

    :param record: the stored incident.
    :param workspace: its workspace in the seed.
    :raises ValueError: if the event breaks the contract.
    """
    now = timestamp()
    occurred = record.get("createdAt") or now
    data = {
        "accountId": account_id(workspace),
        "accountName": workspace.get("name"),
        "incidentId": record["id"],
        "incidentNumber": None if record.get("number") is None else int(record["number"]),
        "title": record.get("title"),
        "description": record.get("description"),
        "severity": record.get("severity"),
        "source": record["source"].lower(),
        "sourceDisplayName": record.get("sourceDisplayName") or record["source"],
        "owner": _owner(record.get("user")),
        "createdAt": record.get("createdAt"),
        "lastActivityAt": record.get("lastActivityTime") or record.get("updatedAt"),
        "occurredAt": occurred,
        **{name: record.get(name) or [] for name in _LISTS},
    }
    body = {"type": CREATED, "timestamp": now, "isTest": is_test, "occurredAt": occurred, "data": data}
    wrong = contraforce_contract().schema_faults("IncidentCreatedEvent", body)
    if wrong:
        raise ValueError(f"incident {record['id']} cannot have an event: {wrong[0]}")
    return Event(str(uuid.uuid4()), body)


def trial(workspace: Mapping[str, Any]) -> Event:
    """Return the test event of an incident that does not exist."""
    record = {"id": str(uuid.UUID(int=0)), "source": "Sentinel", "number": 0, "title": "Test", "severity": "Low"}
    return incident_created({**record, "createdAt": timestamp()}, workspace, is_test=True)


def renewed(event: Event) -> Event:
    """Return an event with a new ID and the same content."""
    return Event(str(uuid.uuid4()), {**event.body, "timestamp": timestamp()})


def account_id(workspace: Mapping[str, Any]) -> str:
    """Return the account of a workspace: the one in the seed, or a generated one."""
    return str(workspace.get("account_id") or uuid.uuid5(uuid.NAMESPACE_OID, workspace["id"].lower()))


def _owner(user: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: user[name] for name in ("displayName", "email")} if user else None
