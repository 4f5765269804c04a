# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""JSON Schemas of the responses of the Table API. They only contain what the collection uses.

The complete contract is docs/contracts/servicenow.openapi.yaml. Source: ServiceNow's documentation of the Table API.
"""

from __future__ import annotations

from typing import Any, Mapping

#: A value as ``sysparm_display_value=all`` shows it. A gateway that drops the parameter leaves a text.
CELL: Mapping[str, Any] = {
    "type": ["object", "string", "null"],
    "required": ["value"],
    "properties": {"value": {"type": ["string", "null"]}, "display_value": {"type": ["string", "null"]}},
}

#: The identifier of a record, which may be written in upper case.
SYS_ID = "^[0-9a-fA-F]{32}$"

_ID_CELL: Mapping[str, Any] = {
    "type": ["object", "string"],
    "pattern": SYS_ID,
    "required": ["value"],
    "properties": {"value": {"type": "string", "pattern": SYS_ID}},
}

#: A record. Columns that an access rule hides are missing.
RECORD: Mapping[str, Any] = {
    "type": "object",
    "required": ["sys_id"],
    "properties": {"sys_id": _ID_CELL},
    "additionalProperties": CELL,
}

#: The response to a request for one record.
ONE: Mapping[str, Any] = {"type": "object", "required": ["result"], "properties": {"result": RECORD}}

#: The response to a request for a list; a row is validated when it is used.
MANY: Mapping[str, Any] = {
    "type": "object",
    "required": ["result"],
    "properties": {"result": {"type": "array", "items": RECORD}},
}

#: The body of a write: text values by column.
WRITE_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
    "additionalProperties": {"type": "string"},
}
