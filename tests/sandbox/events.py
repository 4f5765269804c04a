# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of webhooks. They contain neither the status, nor the ticket, nor the workspace of an incident."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import timezone
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.parsing import instant, timestamp

CREATED, INVESTIGATED = "incident.created.v1", "agent.investigation.completed.v1"

#: The lowest severity, for an incident or an alert without one. An event always has a severity.
_LOWEST = "Informational"
_VENDORS = {"Sentinel": "Microsoft", "DefenderXDR": "Microsoft", "QRadar": "IBM"}
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)", re.ASCII)

#: The keys of an entity with its name, best first.
_NAMES = ("displayName", "name", "hostName", "address", "url", "fileName", "domainName", "mailboxPrimaryAddress", "id")


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
    created = _moment(record.get("createdAt")) or now
    data = {
        "accountId": account_id(workspace),
        "accountName": workspace.get("name") or workspace["id"],
        "incidentId": record["id"],
        "incidentNumber": int(record.get("number") or 0),
        # As in the list, where the name replaces a missing title.
        "title": record.get("title") or record.get("name") or record["id"],
        "description": record.get("description"),
        "severity": record.get("severity") or _LOWEST,
        "source": record["source"].lower(),
        "sourceDisplayName": record.get("sourceDisplayName") or record["source"],
        "owner": _owner(record.get("user")),
        "createdAt": created,
        "lastActivityAt": _moment(record.get("lastActivityTime") or record.get("updatedAt")) or created,
        "occurredAt": created,
        "alertProductNames": record.get("alertProductNames") or [],
        "alerts": [_alert(alert, record) for alert in record.get("alerts") or []],
        "entities": [_entity(entity) for entity in record.get("entities") or []],
    }
    body = {"type": CREATED, "timestamp": now, "isTest": is_test, "occurredAt": created, "data": data}
    return _event("IncidentCreatedEvent", body, record)


def investigation_completed(
    record: Mapping[str, Any], workspace: Mapping[str, Any], result: Mapping[str, Any]
) -> Event:
    """Return the event of a completed investigation. The vendor documents its headers, but not its body (CF-A25).

    :param record: the stored incident.
    :param workspace: its workspace in the seed.
    :param result: the classification and its reason.
    """
    created = incident_created(record, workspace).body
    shared = ("accountId", "accountName", "incidentId", "incidentNumber", "title", "severity", "source", "createdAt")
    data = {
        **{name: created["data"][name] for name in shared},
        **{name: result.get(name) for name in ("classification", "classificationReason")},
    }
    body = {**created, "type": INVESTIGATED, "occurredAt": created["timestamp"], "data": data}
    return _event("AgentInvestigationCompletedEvent", body, record)


def _event(schema: str, body: Mapping[str, Any], record: Mapping[str, Any]) -> Event:
    wrong = contraforce_contract().schema_faults(schema, body)
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


def _moment(text: str | None) -> str | None:
    """Return a date and time in the format that .NET and Python can read."""
    if not text or _RFC_3339.fullmatch(text):
        return text or None
    return instant(text).astimezone(timezone.utc).isoformat().replace("+00:00", "Z")


def _alert(alert: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, str]:
    """Return an alert with the properties that the receivers of the vendor's samples require."""
    products, source = record.get("alertProductNames") or [], record["source"]
    texts = {
        "title": alert.get("title") or record.get("title") or record["id"],
        "severity": alert.get("severity") or record.get("severity") or _LOWEST,
        "productName": alert.get("productName") or next(iter(products), source),
        "vendorName": alert.get("vendorName") or _VENDORS.get(source, source),
    }
    return {name: str(text) for name, text in texts.items()}


def _entity(entity: Mapping[str, Any]) -> dict[str, str]:
    """Return an entity with the properties that the receivers of the vendor's samples require."""
    name = next((str(entity[key]) for key in _NAMES if entity.get(key)), "")
    suffix = entity.get("upnSuffix")
    shown = f"{name}@{suffix}" if suffix and not entity.get("displayName") else name
    return {"type": str(entity.get("type") or entity.get("kind") or "Unknown"), "displayName": shown}


def _owner(user: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: user[name] for name in ("displayName", "email")} if user else None
