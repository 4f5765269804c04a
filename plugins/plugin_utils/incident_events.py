# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the incident of an event, and build the entry for a runbook.

An incident's texts are written by attackers, and Ansible templates the variables of a playbook. So an entry for a
runbook contains only values that were validated or created here. No content of an event raises an exception.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timezone
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    CLASSIFICATION_BY_INTEGER,
    LISTED_WORKSPACE_KEY,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    SEVERITIES,
    SOURCES,
    STATUSES,
    canonical,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import canonical_source
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_digest, title_of
from ansible_collections.secops.itsm.plugins.module_utils._option_values import is_uuid, spelled
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.event_sanitizer import sanitize

#: The type of the polling source's events; the service has no type of this name.
LISTED_EVENT = "incident.listed"

#: The type of the events of completed investigations.
INVESTIGATION_EVENT = "agent.investigation.completed.v1"

#: The keys that identify the incident, by event type.
_WEBHOOK_KEYS = {"incident_id": "incidentId", "incident_number": "incidentNumber", "created_at": "createdAt"}
_LIST_KEYS = {"incident_id": "id", "incident_number": "number", "created_at": "creationTime"}
KEYS_BY_TYPE: Mapping[str, Mapping[str, str]] = {
    "incident.created.v1": _WEBHOOK_KEYS,
    INVESTIGATION_EVENT: _WEBHOOK_KEYS,
    LISTED_EVENT: _LIST_KEYS,
}

#: Keys that the filter adds to an event; others of the same name are removed.
ADDED_KEYS = ("incident", "entry", "refused")

#: The maximum length of an incident's identifier; real ones are much shorter.
MAX_ID_LENGTH = 512

_NUMBER = re.compile(r"[0-9]{1,18}")
_TEMPLATE = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class AccountWorkspaces:
    """Map accounts to the workspaces of their incidents.

    :param by_account: workspace UUIDs by account id in lower case.
    """

    by_account: Mapping[str, str]

    @classmethod
    def from_option(cls, option: Any) -> AccountWorkspaces:
        """Validate the filter's ``workspaces`` option.

        :param option: None, or a mapping of an account's id to a UUID.
        :raises ValueError: if it is invalid.
        """
        if option is None:
            return cls({})
        if not isinstance(option, Mapping):
            raise ValueError(
                "workspaces must be a mapping of account ids to workspace UUIDs. Write it out in the rulebook, because "
                "ansible-rulebook does not evaluate variables in the options of a filter."
            )
        by_account: dict[str, str] = {}
        for account, workspace in option.items():
            name = _normalized_account(account)
            if not isinstance(workspace, str) or not is_uuid(workspace.strip()):
                raise ValueError(
                    f"workspaces must have a UUID such as 5f0c8f9e-1111-4222-8333-444455556666 for {account!r}, not "
                    f"{workspace!r}."
                )
            if by_account.setdefault(name, workspace.strip()).lower() != workspace.strip().lower():
                raise ValueError(f"workspaces maps {account!r} to two different workspaces.")
        return cls(by_account)

    def of(self, account_id: str | None) -> str | None:
        """Return the workspace of an account, or None if it is not known.

        Account names are not used, because a customer may choose the name of another customer.

        :param account_id: the account's id.
        """
        return self.by_account.get(_normalized_account(account_id)) if account_id else None


def add_incident(event: Any, workspaces: AccountWorkspaces) -> Any:
    """Return an event with its ``incident``, for conditions, and its ``entry`` for a runbook.

    If there is no entry, ``refused`` contains the reason.

    An event that is not about an incident is returned unchanged.

    :param event: any value.
    :param workspaces: the workspaces of the accounts.
    """
    kind = _text(_mapping(_mapping(event).get("payload")).get("type"))
    if kind is None or kind not in KEYS_BY_TYPE:
        return event
    # The collection's own sources sanitize their events; an event stream does not.
    event = sanitize(event)
    data = _mapping(event["payload"].get("data"))
    if kind == INVESTIGATION_EVENT:
        data = _investigation_data(event["payload"])
    incident = _parse_incident(data, KEYS_BY_TYPE[kind], workspaces)
    refusal = "The event is a test delivery." if _is_test(event) else _refusal_reason(incident)
    rest = {key: value for key, value in event.items() if key not in ADDED_KEYS}
    return {**rest, "incident": incident, **({"refused": refusal} if refusal else {"entry": _runbook_entry(incident)})}


def _investigation_data(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the event of an investigation shows about its incident, by the keys of other events (CF-A25).

    The body of this event is not documented. The incident may be described next to the result, or in ``incident``.

    :param payload: the body of the event.
    """
    data = _mapping(payload.get("data")) or payload
    incident = _mapping(data.get("incident"))
    named = {"incidentId": incident.get("id"), "incidentNumber": incident.get("number")}
    # The result's own classification is newer than that of the incident, and its other properties may be those of the
    # investigation. The tools of the agent spell the reason with an underscore.
    classified = {"classification": data.get("classification")}
    classified["classificationReason"] = data.get("classificationReason") or data.get("classification_reason")
    layers = (data, incident, named, classified)
    return {name: value for layer in layers for name, value in layer.items() if value is not None}


def _parse_incident(data: Mapping[str, Any], keys: Mapping[str, str], workspaces: AccountWorkspaces) -> dict[str, str]:
    """Return the known properties of an incident as texts."""
    account_id, account_name = parse_identifier(data.get("accountId")), _text(data.get("accountName"))
    severity = _text(data.get("severity"))
    workspace_id = _text(data.get(LISTED_WORKSPACE_KEY))
    if not workspace_id or not is_uuid(workspace_id):
        workspace_id = workspaces.of(account_id)
    number, title = parse_identifier(data.get(keys["incident_number"])), title_of(data)
    known = {
        "workspace_id": workspace_id,
        "source": canonical_source(data.get("source")),
        "incident_id": parse_identifier(data.get(keys["incident_id"])),
        "incident_number": number if number and _NUMBER.fullmatch(number) else None,
        # JSON may contain half of a surrogate pair, which the results of the modules show as a question mark.
        "title": title and title.encode("utf-8", "replace").decode("utf-8"),
        "severity": severity and (spelled(severity, SEVERITIES) or severity),
        "status": _enum_value(data.get("status"), STATUSES, STATUS_BY_INTEGER),
        "classification": _enum_value(data.get("classification"), CLASSIFICATIONS, CLASSIFICATION_BY_INTEGER),
        "classification_reason": _enum_value(data.get("classificationReason"), CLASSIFICATION_REASONS, {}),
        "created_at": _utc_timestamp(data.get(keys["created_at"])),
        "account_id": account_id,
        "account_name": account_name,
    }
    return {name: value for name, value in known.items() if value}


def _refusal_reason(incident: Mapping[str, str]) -> str:
    """Return why there is no entry, without text from the event, because the reason may be printed or templated."""
    incident_id = incident.get("incident_id")
    if incident.get("source") not in SOURCES:
        return f"The source of the incident is not one of {', '.join(SOURCES)}."
    if not incident_id:
        return "The event does not contain the identifier of its incident."
    if len(incident_id) > MAX_ID_LENGTH or incident_id in (".", "..") or incident_id != incident_id.strip():
        return "The identifier of the incident cannot be used in a URL."
    if not incident_id.isprintable():
        return "The identifier of the incident contains a control character or an invisible character."
    if _TEMPLATE.search(incident_id):
        return "The identifier of the incident contains the start of a template."
    if not {"workspace_id", "created_at"} & set(incident):
        return (
            "The workspace of the incident is unknown, and cannot be looked up without the time of creation. Add the "
            "account to the filter's workspaces option."
        )
    return ""


def _runbook_entry(incident: Mapping[str, str]) -> dict[str, str]:
    """Return an incident as an entry of a runbook's list, without free text."""
    if "workspace_id" in incident:
        place = {"workspace_id": incident["workspace_id"]}
    else:
        # With these, the runbook finds the workspace in the list of incidents (CF-A21, CF-A22).
        place = {"created_at": incident["created_at"], "title_sha256": title_digest(incident.get("title", ""))}
    names = ("source", "incident_id", "incident_number")
    account = incident.get("account_id", "").strip()
    return {
        **place,
        **{name: incident[name] for name in names if name in incident},
        # Not another text, because the variables of a playbook are templates.
        **({"account_id": account} if is_uuid(account) else {}),
    }


def _is_test(event: Mapping[str, Any]) -> bool:
    """Return whether the payload or a header, in any case, marks a delivery as a test."""
    headers = _mapping(_mapping(event.get("meta")).get("headers"))
    marks = [value for name, value in headers.items() if (_text(name) or "").lower() == "x-cf-test"]
    return any(
        mark is True or (_text(mark) or "").lower() == "true" for mark in (*marks, event["payload"].get("isTest"))
    )


def _enum_value(value: Any, words: tuple[str, ...], by_integer: Mapping[int, str]) -> str | None:
    """Return the API's spelling of a text, or the word that an integer represents (CF-A4)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return by_integer.get(value)
    return canonical(_text(value), words, by_integer)


def _utc_timestamp(value: Any) -> str | None:
    """Return a point in time in UTC, or None if it is not usable in calculations."""
    moment = instant(value)
    try:
        utc = moment.astimezone(timezone.utc) if moment else None
    except OverflowError:
        return None
    return spelled_utc(utc, "auto") if utc and 1970 <= utc.year < 9999 else None


def _normalized_account(name: Any) -> str:
    """Return an account id in the form used for comparisons."""
    return str(name).strip().lower()


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def parse_identifier(value: Any) -> str | None:
    """Return an identifier, which may be a number, as a text, or None if the value is not an identifier.

    :param value: a value of the service.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18
    return str(value) if is_number else _text(value)
