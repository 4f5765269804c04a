# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an event says of an incident, and the incident as the runbooks take it.

An incident's texts are written by attackers, and Ansible templates the variables of a playbook. So an entry for a
runbook holds nothing but what was checked or spelled here; whatever an event holds, nothing is raised over it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timezone
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import (
    LISTED_WORKSPACE_KEY,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import title_digest, title_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import (
    SEVERITIES,
    SOURCES,
    STATUSES,
    spelled,
)
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.event_values import for_rules

#: The type of the events of the polling source; the service has none of that name.
LISTED = "incident.listed"

#: Where each type of event has what names its incident. What the event of an investigation holds is not documented.
_OF_WEBHOOK = {"incident_id": "incidentId", "incident_number": "incidentNumber", "created_at": "createdAt"}
_OF_LIST = {"incident_id": "id", "incident_number": "number", "created_at": "creationTime"}
KEYS_BY_TYPE: Mapping[str, Mapping[str, str]] = {
    "incident.created.v1": _OF_WEBHOOK,
    "agent.investigation.completed.v1": _OF_WEBHOOK,
    LISTED: _OF_LIST,
}

#: What the filter adds to an event; nobody else may have put it there.
ADDED = ("incident", "entry", "refused")

#: No product's identifiers come near that.
LONGEST_ID = 512

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")
_TEMPLATE = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class Workspaces:
    """Which workspace an account's incidents are in.

    :param by_account: UUIDs by the account's id, in lower case.
    """

    by_account: Mapping[str, str]

    @classmethod
    def from_option(cls, option: Any) -> Workspaces:
        """Check what a user gave.

        :param option: None, or a mapping of an account's id to a UUID.
        :raises ValueError: in a sentence.
        """
        if option is None:
            return cls({})
        if not isinstance(option, Mapping):
            raise ValueError(
                "workspaces must be a mapping of an account's id to its workspace's UUID, written out in the "
                "rulebook: ansible-rulebook puts no variables into the options of a filter."
            )
        by_account: dict[str, str] = {}
        for account, workspace in option.items():
            name = _account(account)
            if not isinstance(workspace, str) or not _UUID.fullmatch(workspace.strip()):
                raise ValueError(
                    f"workspaces must have a UUID such as 5f0c8f9e-1111-4222-8333-444455556666 for {account!r}, not "
                    f"{workspace!r}."
                )
            if by_account.setdefault(name, workspace.strip()).lower() != workspace.strip().lower():
                raise ValueError(f"workspaces names {account!r} twice, with different workspaces.")
        return cls(by_account)

    def of(self, account_id: str | None) -> str | None:
        """The workspace of an account, if it is known.

        Never by the account's name: a customer may call his own account like that of another one.

        :param account_id: which the service gave it.
        """
        return self.by_account.get(_account(account_id)) if account_id else None


def with_incident(event: Any, workspaces: Workspaces) -> Any:
    """An event with its C(incident), for conditions, and its C(entry) for a runbook, or why it has none in C(refused).

    An event that is about no incident is given back as it is.

    :param event: anything.
    :param workspaces: of the accounts.
    """
    kind = _text(_mapping(_mapping(event).get("payload")).get("type"))
    if kind is None or kind not in KEYS_BY_TYPE:
        return event
    # The collection's own sources did that already; an event stream does not.
    event = for_rules(event)
    incident = _incident_of(_mapping(event["payload"].get("data")), KEYS_BY_TYPE[kind], workspaces)
    refused = "It is a test delivery." if _is_test(event) else _refused(incident)
    rest = {key: value for key, value in event.items() if key not in ADDED}
    return {**rest, "incident": incident, **({"refused": refused} if refused else {"entry": _entry_of(incident)})}


def _incident_of(data: Mapping[str, Any], keys: Mapping[str, str], workspaces: Workspaces) -> dict[str, str]:
    """What is known of an incident, each a text; what is not known is left out."""
    account_id, account_name = _name(data.get("accountId")), _text(data.get("accountName"))
    source, severity, status = (_text(data.get(name)) for name in ("source", "severity", "status"))
    workspace_id = _text(data.get(LISTED_WORKSPACE_KEY))
    if not workspace_id or not _UUID.fullmatch(workspace_id):
        workspace_id = workspaces.of(account_id)
    number, title = _name(data.get(keys["incident_number"])), title_of(data)
    known = {
        "workspace_id": workspace_id,
        "source": source and (spelled(source, SOURCES) or source),
        "incident_id": _name(data.get(keys["incident_id"])),
        "incident_number": number if number and _NUMBER.fullmatch(number) else None,
        # Half of a surrogate pair, which JSON may hold, is shown as results of the list show it.
        "title": title and title.encode("utf-8", "replace").decode("utf-8"),
        "severity": severity and (spelled(severity, SEVERITIES) or severity),
        "status": (status and (spelled(status, STATUSES) or status)) or _status_of(data.get("status")),
        "created_at": _moment(data.get(keys["created_at"])),
        "account_id": account_id,
        "account_name": account_name,
    }
    return {name: value for name, value in known.items() if value}


def _refused(incident: Mapping[str, str]) -> str:
    """Why there is no entry; in no word of the event's, for this may be printed and templated anywhere."""
    incident_id = incident.get("incident_id")
    if incident.get("source") not in SOURCES:
        return f"Its source is none of {', '.join(SOURCES)}."
    if not incident_id:
        return "It does not name its incident."
    if len(incident_id) > LONGEST_ID or incident_id in (".", "..") or incident_id != incident_id.strip():
        return "The identifier of its incident cannot be addressed."
    if not incident_id.isprintable():
        return "The identifier of its incident holds a control character, or another one that cannot be seen."
    if _TEMPLATE.search(incident_id):
        return "The identifier of its incident holds the beginning of a template."
    if "workspace_id" not in incident and not {"created_at", "title"} <= set(incident):
        return (
            "Its workspace is not known, and without a title and a time of creation it cannot be found in the list of "
            "incidents: name the account in the filter's workspaces."
        )
    return ""


def _entry_of(incident: Mapping[str, str]) -> dict[str, str]:
    """An incident as an entry of a runbook's list; nothing that is free text goes in."""
    if "workspace_id" in incident:
        place = {"workspace_id": incident["workspace_id"]}
    else:
        # They stand for the workspace, which the runbook then finds in the list of incidents (CF-A21, CF-A22).
        place = {"created_at": incident["created_at"], "title_sha256": title_digest(incident["title"])}
    names = ("source", "incident_id", "incident_number")
    return {**place, **{name: incident[name] for name in names if name in incident}}


def _is_test(event: Mapping[str, Any]) -> bool:
    """Whether a delivery is a test: its payload says so, or its header, whose name may be in any case."""
    headers = _mapping(_mapping(event.get("meta")).get("headers"))
    marks = [value for name, value in headers.items() if (_text(name) or "").lower() == "x-cf-test"]
    return any(
        mark is True or (_text(mark) or "").lower() == "true" for mark in (*marks, event["payload"].get("isTest"))
    )


def _status_of(value: Any) -> str | None:
    """A status as an integer of the older generation (CF-A4)."""
    return STATUS_BY_INTEGER.get(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _moment(value: Any) -> str | None:
    """A point in time in our own spelling, in UTC; none where nothing could be counted from it."""
    moment = instant(value)
    try:
        utc = moment.astimezone(timezone.utc) if moment else None
    except OverflowError:
        return None
    return spelled_utc(utc, "auto") if utc and 1970 <= utc.year < 9999 else None


def _account(name: Any) -> str:
    """The name of an account as names are compared."""
    return str(name).strip().lower()


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _name(value: Any) -> str | None:
    """An identifier, which may have come as a number."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18
    return str(value) if is_number else _text(value)
