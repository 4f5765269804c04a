# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events as webhooks carry them. They say neither the status, nor the ticket, nor the workspace of an incident."""

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
    """Something that happened.

    :param id: stays the same, however often it is delivered.
    :param body: what is delivered.
    """

    id: str
    body: Mapping[str, Any]

    @property
    def is_test(self) -> bool:
        """Whether nothing happened, and it only tries whether it arrives."""
        return bool(self.body["isTest"])


def incident_created(record: Mapping[str, Any], workspace: Mapping[str, Any], is_test: bool = False) -> Event:
    """The event of a new incident.

    :param record: the incident, as it is stored.
    :param workspace: where it is, as a seed has it.
    :param is_test: whether it only tries whether it arrives.
    :raises ValueError: for one that the contract does not know, in a sentence.
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
        raise ValueError(f"no event can tell of incident {record['id']}: {wrong[0]}")
    return Event(str(uuid.uuid4()), body)


def trial(workspace: Mapping[str, Any]) -> Event:
    """The event of an incident that is not there.

    :param workspace: where it would be, as a seed has it.
    """
    record = {"id": str(uuid.UUID(int=0)), "source": "Sentinel", "number": 0, "title": "Test", "severity": "Low"}
    return incident_created({**record, "createdAt": timestamp()}, workspace, is_test=True)


def told_anew(event: Event) -> Event:
    """The same thing told by another event, which no receiver can know again.

    :param event: that told of it.
    """
    return Event(str(uuid.uuid4()), {**event.body, "timestamp": timestamp()})


def account_id(workspace: Mapping[str, Any]) -> str:
    """The account that a workspace belongs to, as events name it: its own, or one that is made up.

    :param workspace: as a seed has it.
    """
    return str(workspace.get("account_id") or uuid.uuid5(uuid.NAMESPACE_OID, workspace["id"].lower()))


def _owner(user: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: user[name] for name in ("displayName", "email")} if user else None
