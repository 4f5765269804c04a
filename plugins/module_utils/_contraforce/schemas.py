# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""JSON Schemas of the requests (complete) and the responses (as far as the collection needs them).

The complete contract is docs/contracts/contraforce.openapi.yaml; a test compares them.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    SEVERITIES,
    SOURCES,
    STATUSES,
    TIME_RANGES,
)


def _closed_object(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": dict(properties),
    }


_TEXT: Mapping[str, Any] = {"type": "string"}
_TEXTS: Mapping[str, Any] = {"type": "array", "items": _TEXT}


def _list_of(words: tuple[str, ...]) -> Mapping[str, Any]:
    return {"type": "array", "items": {"enum": list(words)}}


#: Source: ContraForce API reference, Update incident status. Null is left out although it is allowed: omitting a key
#: means the same, and the reference's ``oneOf`` matches null twice, which a strict server refuses.
STATUS_REQUEST = _closed_object(
    {
        "status": {"enum": list(STATUSES)},
        "comment": _TEXT,
        "classification": {"enum": list(CLASSIFICATIONS)},
        "classificationReason": {"enum": list(CLASSIFICATION_REASONS)},
        "updateTicket": {"type": "boolean"},
        "ticketId": _TEXT,
    },
    required=("status",),
)

_REFERENCE = _closed_object(
    {"id": _TEXT, "source": {"enum": list(SOURCES)}, "workspaceId": _TEXT, "number": _TEXT},
    required=("id", "source", "workspaceId"),
)

#: Source: ContraForce API reference, Link ticket. It requires no property, but a link without them is meaningless.
LINK_REQUEST = _closed_object({"ticketId": _TEXT, "incident": _REFERENCE}, required=("ticketId", "incident"))

#: Source: ContraForce API reference, Unlink ticket.
UNLINK_REQUEST = _closed_object({"incident": _REFERENCE}, required=("incident",))

#: Source: ContraForce API reference.
COMMENT_REQUEST = _closed_object({"content": _TEXT}, required=("content",))

#: Source: ContraForce API reference.
ASSIGNEE_REQUEST: Mapping[str, Any] = {
    **_closed_object({"userId": _TEXT, "email": _TEXT}),
    "minProperties": 1,
    "maxProperties": 1,
}

#: Source: ContraForce API reference.
LIST_REQUEST = _closed_object(
    {
        "severities": _list_of(SEVERITIES),
        "statuses": _list_of(STATUSES),
        "sources": _list_of(SOURCES),
        "timeFilterSelection": _closed_object(
            {"type": {"enum": [*TIME_RANGES, "Custom"]}, "customStartUtc": _TEXT, "customEndUtc": _TEXT},
            required=("type",),
        ),
        "workspacePageTokens": {"type": "array", "items": {"type": "object"}},
        "query": _TEXT,
        "isFirstCall": {"type": "boolean"},
        "assigneeIds": _TEXTS,
        "assigneeEmails": _TEXTS,
        "includeUnassigned": {"type": "boolean"},
    },
    required=("isFirstCall", "workspacePageTokens"),
)


def _envelope(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a response, with the required data."""
    return {"type": "object", "required": ["data"], "properties": {"data": dict(data)}}


#: Source: ContraForce API reference; data itself may be the record (CF-A2).
INCIDENT_RESPONSE = _envelope({"type": "object"})

#: The record of an incident; enums as integers are CF-A4, the classification is CF-A3.
INCIDENT_RECORD: Mapping[str, Any] = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": ["string", "integer", "null"]},
        "classification": {"type": ["string", "integer", "null"]},
        "classificationReason": {"type": ["string", "integer", "null"]},
    },
}

#: Source: ContraForce API reference. A single comment may be malformed, but not all of them.
COMMENTS_RESPONSE = _envelope({"type": "array", "items": {"type": ["object", "null"]}})
COMMENT: Mapping[str, Any] = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": ["string", "null"]}},
}

#: Source: ContraForce API reference. A posted comment is identified by its ``id``, or else by its text.
COMMENT_RESPONSE = _envelope({"type": "object"})

#: Source: ContraForce API reference, Link ticket. Only isTicketSet shows whether a ticket was linked. An integer is an
#: enum of the older API generation, whose meaning is unknown for ticketing systems.
LINK_RESPONSE = _envelope(
    {
        "type": "object",
        "required": ["isTicketSet"],
        "properties": {
            "isTicketSet": {"type": "boolean"},
            "ticketingSystemType": {"type": ["string", "integer", "null"]},
        },
    }
)

#: Source: ContraForce API reference, Unlink ticket.
UNLINK_RESPONSE = _envelope({"type": "boolean"})

#: Source: ContraForce API reference; the place of the tokens is CF-A16. A malformed entry does not hide the others.
LIST_RESPONSE = _envelope(
    {
        "type": "object",
        "required": ["incidents"],
        "properties": {
            "incidents": {"type": "array"},
            "workspacePageTokens": {"type": ["array", "null"], "items": {"type": "object"}},
        },
    }
)

#: An entry of the list. A single one may be malformed, but not all of them.
LISTED_INCIDENT: Mapping[str, Any] = {"type": ["object", "null"]}

#: The documented fields of a record, a listed incident and a comment. None is required, but a tenant without them
#: deviates from the contract.
RECORD_FIELDS: tuple[str, ...] = ("id", "title", "severity", "status", "workspaceId", "createdAt", "updatedAt")
LISTED_FIELDS: tuple[str, ...] = (
    "id",
    "name",
    "displayId",
    "title",
    "description",
    "number",
    "type",
    "source",
    "sourceDisplayName",
    "lastModificationTime",
    "creationTime",
    "lastActivityTime",
    "severity",
    "classification",
    "comment",
    "classificationReason",
    "classificationComment",
    "tactics",
    "ruleIds",
    "alertProductNames",
    "user",
    "isAssigned",
    "productId",
    "status",
    "alertsCount",
    "entities",
)
COMMENT_FIELDS: tuple[str, ...] = (
    "id",
    "message",
    "createdTime",
    "authorEmail",
    "authorName",
    "isActivityComment",
    "isAgentComment",
    "agentName",
    "isClosingComment",
    "ticketNoteId",
    "ticketId",
)
