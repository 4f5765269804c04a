# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""JSON Schemas of requests and responses. The schemas of responses only contain what the collection uses.

The complete contract is docs/contracts/ticketing.openapi.yaml, and a test compares both.
"""

from __future__ import annotations

from typing import Any, Mapping

_TEXT: Mapping[str, Any] = {"type": "string"}
_FILLED: Mapping[str, Any] = {"type": "string", "minLength": 1}

#: Values of the query parameter ``type`` of every request. Source: Rezolve.ai API documentation, Create Ticket.
CATALOG_TYPES = ("template", "agent", "user")

#: Operators of a filter. Source: pages of the older API generation.
FILTER_OPERATORS = ("EQ", "NE", "GT", "GE", "LT", "LE", "LIKE", "IN")

#: Maximum number of rows of a page of the list. Source: pages of the older API generation.
MAX_PAGE_SIZE = 100

#: Source: Rezolve.ai API documentation, Create Ticket. The service refuses a request without one of the keys with 400.
CREATE_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "required": ["source", "summary", "ticketBody", "attachments", "ticketRelation"],
    "additionalProperties": False,
    "properties": {
        "source": _TEXT,
        "summary": _FILLED,
        "ticketBody": {"type": "object", "required": ["offerId"], "properties": {"offerId": _FILLED}},
        "attachments": {"type": "object"},
        "ticketRelation": {"type": ["object", "null"]},
    },
}

#: Source: Rezolve.ai API documentation. An update without changes is not sent.
UPDATE_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "required": ["etag", "ticketUpdate"],
    "additionalProperties": False,
    "properties": {"etag": _FILLED, "ticketUpdate": {"type": "object", "minProperties": 1}},
}

#: Source: pages of the older API generation.
LIST_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "required": ["top", "offset"],
    "additionalProperties": False,
    "properties": {
        "search": _TEXT,
        "top": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
        "offset": {"type": "integer", "minimum": 0},
        "sort": _TEXT,
        "searchOrder": {"enum": ["ASC", "DESC"]},
        "sortOrder": {"type": "array"},
        "filter": {
            "type": "object",
            "required": ["op", "operand"],
            "additionalProperties": False,
            "properties": {
                "op": {"enum": ["AND", "OR"]},
                "operand": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["op", "column", "operand"],
                        "additionalProperties": False,
                        "properties": {
                            "id": _TEXT,
                            "op": {"enum": list(FILTER_OPERATORS)},
                            "column": _TEXT,
                            "operand": {},
                        },
                    },
                },
            },
        },
    },
}

#: A ticket in the response to a write, and a ticket to be updated.
#: Source: Rezolve.ai API documentation, Create Ticket.
TICKET_RECORD: Mapping[str, Any] = {
    "type": "object",
    "required": ["object_id", "etag", "summary", "data"],
    "properties": {
        "object_id": _FILLED,
        "etag": _FILLED,
        "summary": {"type": ["string", "null"]},
        "data": {"type": "object"},
        "lookup_props": {"type": ["object", "null"]},
        "status_category": {"type": ["string", "null"]},
    },
}

#: A ticket in the response to a read. Only the identity is required, because any ticket may be read.
READ_TICKET: Mapping[str, Any] = {"type": "object", "required": ["object_id"], "properties": {"object_id": _FILLED}}

#: A list of the catalog. An entry is validated when it is used.
CATALOG: Mapping[str, Any] = {"type": "array"}

#: A ticket type in use. Fields without an id are ignored. Source: Rezolve.ai API documentation for ``id``,
#: ``fields`` and ``fields[].id``, the older API generation for the rest.
TICKET_TYPE: Mapping[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": ["string", "integer"]},
        "name": {"type": ["string", "null"]},
        "fields": {
            "type": ["array", "null"],
            "items": {
                "type": ["object", "null"],
                "properties": {
                    "name": {"type": ["string", "null"]},
                    "label": {"type": ["string", "null"]},
                    "options": {"type": ["array", "null"]},
                },
            },
        },
    },
}

#: An offer in use. Source: Rezolve.ai API documentation for ``id`` and ``item_type``, the older API generation
#: for the rest.
OFFER: Mapping[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": ["string", "integer"]},
        "item_type": {"type": ["string", "integer", "null"]},
        "name": {"type": ["string", "null"]},
    },
}

#: The rows of the list of tickets.
ROWS: Mapping[str, Any] = {"type": "array", "items": {"type": "object"}}

#: The account that the credentials belong to.
USER_INFO: Mapping[str, Any] = {"type": "object"}
