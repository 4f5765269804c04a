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
    STATUSES,
)

#: Source: seed 003. Null is left out although the page allows it: not sending a key says the same, and the page's
#: C(oneOf) matches null twice, which a strict server refuses.
STATUS_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "required": ["status"],
    "additionalProperties": False,
    "properties": {
        "status": {"enum": list(STATUSES)},
        "comment": {"type": "string"},
        "classification": {"enum": list(CLASSIFICATIONS)},
        "classificationReason": {"enum": list(CLASSIFICATION_REASONS)},
        "updateTicket": {"type": "boolean"},
        "ticketId": {"type": "string"},
    },
}

_ENVELOPE: Mapping[str, Any] = {"type": "object", "required": ["data"]}

#: Source: the documented read of one incident; the record may stand in data itself (CF-A2).
INCIDENT_ANSWER: Mapping[str, Any] = {**_ENVELOPE, "properties": {"data": {"type": "object"}}}

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

#: Source: the documented list of an incident's comments.
COMMENTS_ANSWER: Mapping[str, Any] = {
    **_ENVELOPE,
    "properties": {
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message"],
                "properties": {"message": {"type": ["string", "null"]}},
            },
        }
    },
}
