# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that the collection assumes about the ContraForce API, because its pages are silent.

Each assumption is one entry here; the README's table "Verified and assumed" repeats the texts, and a test keeps
the two the same. When a real tenant shows otherwise, this file is where it is mended.
"""

from __future__ import annotations

from typing import Mapping

ASSUMPTIONS: Mapping[str, str] = {
    "CF-A1": "An access token is accepted as a Bearer token; only HTTP Basic is described in full.",
    "CF-A2": "The read of one incident shows its record under data.incident, or else under data.",
    "CF-A3": "That record may also show classification and classificationReason, as the list of incidents does.",
    "CF-A4": "Statuses and classifications may be spelled in any case, or as the integers of the older generation.",
    "CF-A5": "Splunk and CrowdStrike incidents surface no classification; the other four sources do.",
    "CF-A6": "Sentinel and Defender XDR keep their own classifications; any other the service may replace or drop.",
    "CF-A7": "A comment, posted alone or with a status, appears among the incident's comments, word for word.",
    "CF-A8": "A request's identifier may also stand in a header, X-Request-Id or Request-Id.",
    "CF-A9": "A write answered by 429, or by 503 with Retry-After, was not processed.",
    "CF-A10": "A read of an incident may show its ticket: ticketId, ticketNumber, ticket, serviceTicket; null is none.",
    "CF-A11": "The newest comment with a ticketId names the ticket that the incident was last linked to.",
    "CF-A12": "Linking the ticket that is linked already, or unlinking once more, is accepted and changes nothing.",
    "CF-A13": "Unlink answers false, or 404 with the code NOT_FOUND, when no ticket was linked.",
    "CF-A14": "A ticket's id is all digits or 32 hexadecimal digits, and its display number is neither.",
    "CF-A15": "The read of one incident may show its assignee as the list does, in user and isAssigned.",
    "CF-A16": "The list's next tokens are in data.workspacePageTokens and go back as they came; with none it is over.",
    "CF-A17": "A listed incident names its workspace as workspaceId.",
    "CF-A18": "Linking a ticket to an incident that has another one replaces that, or is refused with 409.",
    "CF-A19": "UUIDs of workspaces and of Sentinel's incidents count in any case, all other identifiers as they are.",
    "CF-A20": "A webhook is signed with its secret as text in UTF-8, and hexadecimal digits are small letters.",
    "CF-A21": "An event's incidentId, title and createdAt are the id, title and creationTime of the list.",
    "CF-A22": "A list with a time filter has every incident that was created in that time.",
    "CF-A23": "Each try to deliver an event is signed anew, with a timestamp of its own.",
}

#: CF-A4. Source: the older generation's pages.
STATUS_BY_INTEGER: Mapping[int, str] = {1: "Active", 2: "New", 3: "Closed"}
CLASSIFICATION_BY_INTEGER: Mapping[int, str] = {
    1: "BenignPositive",
    2: "FalsePositive",
    3: "TruePositive",
    4: "Undetermined",
}

#: CF-A5.
SOURCES_WITHOUT_CLASSIFICATION = frozenset({"Splunk", "CrowdStrike"})

#: CF-A6: the reasons that each source itself knows, by classification. The names are Microsoft's.
#: Sentinel knows no reason for Undetermined; the vendor's samples close with InaccurateData all the same.
PAIRS_BY_SOURCE: Mapping[str, Mapping[str, frozenset[str]]] = {
    "Sentinel": {
        "TruePositive": frozenset({"SuspiciousActivity"}),
        "BenignPositive": frozenset({"SuspiciousButExpected"}),
        "FalsePositive": frozenset({"IncorrectAlertLogic", "InaccurateData"}),
        "Undetermined": frozenset({"InaccurateData"}),
    },
    "DefenderXDR": {
        "TruePositive": frozenset(
            {
                "MultistagedAttack",
                "MaliciousUserActivity",
                "CompromisedUser",
                "Malware",
                "Phishing",
                "UnwantedSoftware",
                "Other",
            }
        ),
        "InformationalExpectedActivity": frozenset(
            {"SecurityTesting", "LineOfBusinessApplication", "ConfirmedUserActivity", "Other"}
        ),
        "FalsePositive": frozenset({"NotMalicious", "NoEnoughDataToValidate", "Other"}),
    },
}

#: CF-A10: where the ticket's id, its number and the ticket itself may stand, in data or in the record.
TICKET_ID_KEYS = ("ticketId",)
TICKET_NUMBER_KEYS = ("ticketNumber",)
TICKET_KEYS = ("ticket", "serviceTicket")

#: CF-A13: the code with which a 404 speaks of the link, and not of the address.
NOT_LINKED_CODE = "NOT_FOUND"

#: CF-A14.
TICKET_ID_PATTERN = r"\d+|[0-9a-f]{32}"

#: CF-A15.
ASSIGNEE_KEY = "user"
IS_ASSIGNED_KEY = "isAssigned"

#: CF-A16.
PAGE_TOKENS_KEY = "workspacePageTokens"

#: CF-A17.
LISTED_WORKSPACE_KEY = "workspaceId"

#: CF-A8.
REQUEST_ID_HEADERS = ("X-Request-Id", "Request-Id")
