# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service tickets, found as the service finds them and shown as its ``ServiceTicketDto``."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Mapping

from ansible_collections.secops.itsm.tests.sandbox.parsing import timestamp

NO_SYSTEM = "None"
_DUE = "2026-11-24T17:00:00Z"


def find_ticket(tickets: Iterable[dict[str, Any]], system: str, wanted: Any) -> dict[str, Any] | None:
    """The ticket with an id or, failing that, a number, compared as strings.

    :param tickets: all of them.
    :param system: the ticketing system to look in.
    :param wanted: an id or a number.
    """
    own = [ticket for ticket in tickets if ticket["system"] == system]
    for name in ("id", "number"):
        for ticket in own:
            if str(ticket[name]) == str(wanted):
                return ticket
    return None


def unset(system: str) -> dict[str, Any]:
    """The answer of a link that was not made.

    :param system: the workspace's ticketing system.
    """
    return {"ticketingSystemType": system, "isTicketSet": False}


def shown_ticket(ticket: Mapping[str, Any], shown_id: Any, comments: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """A ticket as a ``ServiceTicketDto``.

    :param ticket: as it is stored.
    :param shown_id: its id as it is to be shown.
    :param comments: the incident's comments that were mirrored to it.
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
        "description": ticket["title"],
        "shortDescription": ticket["title"],
        "number": ticket["number"],
        "state": ticket["state"],
        "urgency": "Medium",
        "comments": [
            {
                "sysId": comment.get("id"),
                "elementId": ticket["id"],
                "value": comment.get("message"),
                "createdOn": comment.get("createdTime") or timestamp(),
                "createdBy": comment.get("authorName"),
                "element": "comments",
            }
            for comment in comments
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


#: The member of the answer and what fills it, by ticketing system; Zendesk has none.
_MEMBERS: dict[str, tuple[str, Callable[[Mapping[str, Any], list[Mapping[str, Any]]], dict[str, Any]]]] = {
    "Autotask": ("autotaskTicket", _autotask),
    "ServiceNow": ("serviceNowTicket", _servicenow),
    "Jira": ("jiraTicket", _jira),
}
