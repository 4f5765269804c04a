# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the incidents and tickets that a runbook's variables name to a seed, so that they can be tried as they are.

Errors in the variables, such as an unknown source, are left for the runbook to report.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Iterator, Mapping

import yaml

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp
from ansible_collections.secops.itsm.tests.sandbox.records import incident_key, is_uuid
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import SYSTEM, seeded_tickets
from ansible_collections.secops.itsm.tests.sandbox.ticketing.store import Store
from ansible_collections.secops.itsm.tests.sandbox.tickets import find_ticket

_IDENTITY = ("workspace_id", "source", "incident_id")
_NEW = {"Autotask": "Open", "ServiceNow": "New", "Jira": "Open", "Zendesk": "open"}
_FIRST_NUMBER = 700_001


class VariablesError(Exception):
    """A file of variables cannot be used. The message is one sentence."""


def read_variables(path: Path) -> dict[str, Any]:
    """Return the variables in a file as ``-e @FILE`` reads it. Raise VariablesError if it cannot be used."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VariablesError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, yaml.YAMLError) as error:
        raise VariablesError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if content is not None and not isinstance(content, dict):
        raise VariablesError(f"{path} is not a mapping of variables")
    return content or {}


def add_from_variables(content: dict[str, Any], variables: Mapping[str, Any]) -> None:
    """Add the incidents, tickets, workspaces and assignees that variables name and a seed does not have.

    Incidents are open. Workspaces are like the first usable one of the seed.

    :param content: a valid seed.
    :param variables: the variables of a runbook.
    """
    store = Store(content.get("ticketing", {}).get("tenants", []))
    for entry in _entries(variables):
        workspace = _workspace(content, entry["workspace_id"])
        if workspace is None:
            continue
        _add_incident(content, entry)
        if str(entry.get("ticket_id") or "").strip() and workspace["ticketing_system"] in _NEW:
            _add_ticket(content, store, workspace, str(entry["ticket_id"]))
        _add_user(content, entry.get("assignee_email") or variables.get("assignee_email"))


def _entries(variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the incidents that are fully identified, with their source as the service spells it."""
    schemas = contraforce_contract().document["components"]["schemas"]
    sources = {name.lower(): name for name in schemas["IncidentSource"]["enum"]}
    lists = [variables[name] for name in ("incidents", "pairs") if isinstance(variables.get(name), list)]
    for entry in [variables, *(entry for entries in lists for entry in entries)]:
        if not isinstance(entry, Mapping) or not all(str(entry.get(name) or "").strip() for name in _IDENTITY):
            continue
        source = sources.get(str(entry["source"]).lower())
        if source is not None and is_uuid(entry["workspace_id"]):
            yield {**entry, "source": source}


def _workspace(content: dict[str, Any], workspace_id: str) -> dict[str, Any] | None:
    """Return the workspace from the seed, or add a copy of a usable one; None if there is none."""
    for workspace in content["workspaces"]:
        if workspace["id"].lower() == workspace_id.lower():
            return dict(workspace)
    usable = [workspace for workspace in content["workspaces"] if workspace["role"] != "none"]
    if not usable:
        return None
    made: dict[str, Any] = {**usable[0], "id": workspace_id, "name": f"Workspace {workspace_id}"}
    content["workspaces"].append(made)
    return made


def _add_incident(content: dict[str, Any], entry: dict[str, Any]) -> None:
    known = (
        incident_key(incident["workspaceId"], incident["source"], incident["id"]) for incident in content["incidents"]
    )
    if incident_key(entry["workspace_id"], entry["source"], str(entry["incident_id"])) in known:
        return
    instant = content.get("now") or timestamp()
    content["incidents"].append(
        {
            "workspaceId": entry["workspace_id"],
            "source": entry["source"],
            "id": str(entry["incident_id"]),
            "title": f"{entry['source']} incident {entry['incident_id']}",
            "severity": "Medium",
            "status": "New",
            "createdAt": instant,
            "updatedAt": instant,
        }
    )


def _add_ticket(content: dict[str, Any], store: Store, workspace: dict[str, Any], name: str) -> None:
    system, tenant = workspace["ticketing_system"], workspace.get("tickets_from")
    seeded = seeded_tickets(content.get("servicenow", {})) if system == SYSTEM else []
    known = [*content["tickets"], *seeded, *(store.known_elsewhere(tenant, system) if tenant else [])]
    if find_ticket(known, system, name) is not None:
        return
    number = _FIRST_NUMBER + len(content["tickets"])
    made: int | str = number
    if system == SYSTEM:
        made = name if len(name) == 32 and set(name) <= set("0123456789abcdef") else f"{number:032x}"
    elif name.isdecimal():
        made = int(name)
    content["tickets"].append(
        {
            "id": str(made) if system == "Jira" else made,
            "number": f"TICKET-{number}" if str(made) == name and system != "Zendesk" else name,
            "system": system,
            "state": _NEW[system],
            "title": f"Ticket {name}",
        }
    )


def _add_user(content: dict[str, Any], email: Any) -> None:
    if not isinstance(email, str) or not email.strip():
        return
    users = content.setdefault("users", [])
    if email.lower() not in (user["email"].lower() for user in users):
        users.append(
            {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}")), "displayName": email, "email": email}
        )
