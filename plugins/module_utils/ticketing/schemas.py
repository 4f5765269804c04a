# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection sends to the ticketing API, exactly, and what it must find in an answer, at the least.

The whole contract is docs/contracts/ticketing.openapi.yaml; a test keeps these in step with it.
"""

from __future__ import annotations

from typing import Any, Mapping

_TEXT: Mapping[str, Any] = {"type": "string"}
_FILLED: Mapping[str, Any] = {"type": "string", "minLength": 1}

#: What the query C(type) of every request may be. Source: seed 004.
CATALOG_TYPES = ("template", "agent", "user")

#: Operators of a filter. Source: the older generation's pages.
FILTER_OPERATORS = ("EQ", "NE", "GT", "GE", "LT", "LE", "LIKE", "IN")

#: Most rows that a page of the list may have. Source: the older generation's pages.
LARGEST_PAGE = 100

#: Source: seed 004; leaving out a key is refused with 400.
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

#: Source: documented. Nothing to change is not worth a request.
UPDATE_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "required": ["etag", "ticketUpdate"],
    "additionalProperties": False,
    "properties": {"etag": _FILLED, "ticketUpdate": {"type": "object", "minProperties": 1}},
}

#: Source: the older generation's pages.
LIST_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "required": ["top", "offset"],
    "additionalProperties": False,
    "properties": {
        "search": _TEXT,
        "top": {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
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

#: The record of a ticket: without these it cannot be told from another one, or compared. Source: seed 004.
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

#: Source: documented for C(id), C(fields) and C(fields[].id), the older generation for the rest.
TICKET_TYPES: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": ["string", "integer"]},
            "name": {"type": ["string", "null"]},
            "fields": {
                "type": ["array", "null"],
                "items": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": _FILLED,
                        "name": {"type": ["string", "null"]},
                        "label": {"type": ["string", "null"]},
                        "options": {"type": ["array", "null"]},
                    },
                },
            },
        },
    },
}

#: Source: documented for C(id) and C(item_type), the older generation for the rest.
OFFERS: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": ["string", "integer"]},
            "item_type": {"type": ["string", "integer", "null"]},
            "name": {"type": ["string", "null"]},
        },
    },
}

#: The rows of a list of tickets, and their display ids.
ROWS: Mapping[str, Any] = {"type": "array", "items": {"type": "object"}}
DISPLAY_IDS: Mapping[str, Any] = {"type": "array", "items": _TEXT}

USER_INFO: Mapping[str, Any] = {"type": "object"}
