# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tickets of the ticketing systems in ContraForce."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp

NO_SYSTEM = "None"
_DUE = "2026-11-24T17:00:00Z"


def find_ticket(tickets: Iterable[dict[str, Any]], system: str, wanted: Any) -> dict[str, Any] | None:
    """Return the ticket of a system with an ID or, if there is none, a number, compared as strings."""
    own = [ticket for ticket in tickets if ticket["system"] == system]
    for name in ("id", "number"):
        for ticket in own:
            if str(ticket[name]) == str(wanted):
                return ticket
    return None


def unset(system: str) -> dict[str, Any]:
    """Return the response of a link that was not made."""
    return {"ticketingSystemType": system, "isTicketSet": False}


def shown_ticket(ticket: Mapping[str, Any], shown_id: Any, comments: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a ticket as ``ServiceTicketDto``.

    :param shown_id: the ID in the format of the profile.
    :param comments: the comments that were mirrored to it.
    """
    shown: dict[str, Any] = {"ticketingSystemType": ticket["system"], "isTicketSet": True}
    if ticket["system"] in _MEMBERS:
        member, fill = _MEMBERS[ticket["system"]]
        shown[member] = fill({**ticket, "id": shown_id, "title": ticket.get("title")}, list(comments))
    return shown


def _autotask(ticket: Mapping[str, Any], comments: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "id": ticket["id"],
        "companyId": 174,
        "projectId": None,
        "assignedResourceId": None,
        "assignedResourceRoleId": None,
        "billingCodeId": None,
        "categoryId": 3,
        "number": ticket["number"],
        "type": 1,
        "title": ticket["title"],
        "description": ticket["title"],
        "priority": "Medium",
        "status": 5 if ticket["state"] == "Closed" else 1,
        "queueId": 29683354,
        "dueDateTime": _DUE,
        "notes": [
            {"id": number, "description": comment.get("message"), "ticketId": ticket["id"], "title": "Incident comment"}
            for number, comment in enumerate(comments, 1)
        ],
    }


def _servicenow(ticket: Mapping[str, Any], comments: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "id": ticket["id"],
        "description": ticket.get("description"),
        "shortDescription": ticket["title"],
        "number": ticket["number"],
        "state": ticket["state"],
        "urgency": ticket.get("urgency", "Medium"),
        "comments": [
            *(
                {
                    "sysId": entry["sys_id"],
                    "elementId": entry["element_id"],
                    "value": entry["value"],
                    "createdOn": f"{entry['sys_created_on'].replace(' ', 'T')}Z",
                    "createdBy": entry["sys_created_by"],
                    "element": entry["element"],
                }
                for entry in ticket.get("journal", [])
            ),
            *(
                {
                    "sysId": comment.get("id"),
                    "elementId": ticket["id"],
                    "value": comment.get("message"),
                    "createdOn": comment.get("createdTime") or timestamp(),
                    "createdBy": comment.get("authorName"),
                    "element": "comments",
                }
                for comment in comments
            ),
        ],
    }


def _jira(ticket: Mapping[str, Any], _comments: list[Mapping[str, Any]]) -> dict[str, Any]:
    project = {"id": "10000", "name": "Security operations", "key": ticket["number"].partition("-")[0]}
    statuses = [{"id": "1", "name": "Open"}, {"id": "6", "name": "Closed"}]
    other = {"id": "3", "name": ticket["state"]}
    priorities = [{"id": "2", "name": "High"}, {"id": "3", "name": "Medium"}, {"id": "4", "name": "Low"}]
    return {
        "id": ticket["id"],
        "description": ticket["title"],
        "summary": ticket["title"],
        "number": ticket["number"],
        "currentStatus": next((status for status in statuses if status["name"] == ticket["state"]), other),
        "priority": priorities[1],
        "assignee": {"accountId": "5b10ac8d82e05b22cc7d4ef5", "displayName": "D. Duty", "active": True},
        "project": project,
        "issueType": {"id": "10001", "name": "Incident", "projectId": project["id"], "subtask": False},
        "requestType": {"id": "25", "name": "Report a security incident"},
        "labels": ["security"],
        "availablePriorities": priorities,
        "availableStatuses": statuses,
    }


#: The member of the response and the function that returns it, by ticketing system; Zendesk has no member.
_MEMBERS: dict[str, tuple[str, Callable[[Mapping[str, Any], list[Mapping[str, Any]]], dict[str, Any]]]] = {
    "Autotask": ("autotaskTicket", _autotask),
    "ServiceNow": ("serviceNowTicket", _servicenow),
    "Jira": ("jiraTicket", _jira),
}
