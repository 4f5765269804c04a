# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection sends to ContraForce, exactly, and what it must find in an answer, at the least.

The whole contract is docs/contracts/contraforce.openapi.yaml; a test keeps these in step with it.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    SEVERITIES,
    SOURCES,
    STATUSES,
    TIME_RANGES,
)


def _exactly(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """An object of these properties and no others."""
    return {
        "type": "object",
        "required": list(required),
        "additionalProperties": False,
        "properties": dict(properties),
    }


_TEXT: Mapping[str, Any] = {"type": "string"}
_TEXTS: Mapping[str, Any] = {"type": "array", "items": _TEXT}


def _some_of(words: tuple[str, ...]) -> Mapping[str, Any]:
    return {"type": "array", "items": {"enum": list(words)}}


#: Source: seed 003. Null is left out although the page allows it: not sending a key says the same, and the page's
#: C(oneOf) matches null twice, which a strict server refuses.
STATUS_REQUEST = _exactly(
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

_REFERENCE = _exactly(
    {"id": _TEXT, "source": {"enum": list(SOURCES)}, "workspaceId": _TEXT, "number": _TEXT},
    required=("id", "source", "workspaceId"),
)

#: Source: seed 000, which requires nothing; without these it would mean nothing.
LINK_REQUEST = _exactly({"ticketId": _TEXT, "incident": _REFERENCE}, required=("ticketId", "incident"))

#: Source: seed 002.
UNLINK_REQUEST = _exactly({"incident": _REFERENCE}, required=("incident",))

#: Source: documented.
COMMENT_REQUEST = _exactly({"content": _TEXT}, required=("content",))

#: Source: documented.
ASSIGNEE_REQUEST: Mapping[str, Any] = {
    **_exactly({"userId": _TEXT, "email": _TEXT}),
    "minProperties": 1,
    "maxProperties": 1,
}

#: Source: documented.
LIST_REQUEST = _exactly(
    {
        "severities": _some_of(SEVERITIES),
        "statuses": _some_of(STATUSES),
        "sources": _some_of(SOURCES),
        "timeFilterSelection": _exactly(
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


def _answer(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The envelope of every answer, with what must be in it."""
    return {"type": "object", "required": ["data"], "properties": {"data": dict(data)}}


#: Source: the documented read of one incident; the record may stand in data itself (CF-A2).
INCIDENT_ANSWER = _answer({"type": "object"})

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

_COMMENT: Mapping[str, Any] = {
    "type": "object",
    "required": ["message"],
    "properties": {"message": {"type": ["string", "null"]}},
}

#: Source: the documented list of an incident's comments.
COMMENTS_ANSWER = _answer({"type": "array", "items": _COMMENT})

#: Source: documented; what is posted is found again by the comment's C(id), or else by its text.
COMMENT_ANSWER = _answer({"type": "object"})

#: Source: seed 000. Without isTicketSet nobody knows whether anything was linked; an integer is an enum of the older
#: generation, whose meaning is not known for systems.
LINK_ANSWER = _answer(
    {
        "type": "object",
        "required": ["isTicketSet"],
        "properties": {
            "isTicketSet": {"type": "boolean"},
            "ticketingSystemType": {"type": ["string", "integer", "null"]},
        },
    }
)

#: Source: seed 002.
UNLINK_ANSWER = _answer({"type": "boolean"})

#: Source: documented; the place of the tokens is CF-A16.
LIST_ANSWER = _answer(
    {
        "type": "object",
        "required": ["incidents"],
        "properties": {
            "incidents": {"type": "array", "items": {"type": "object", "required": ["id"]}},
            "workspacePageTokens": {"type": ["array", "null"], "items": {"type": "object"}},
        },
    }
)

#: What the pages document of a record, a listed incident and a comment. None of it is needed, but a tenant that lacks
#: it departs from the contract.
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
