# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The assumptions about the ContraForce API where its API reference is silent.

The README's table "Verified and assumed" repeats the texts, and a test compares them. If a real tenant differs, this is
the file to correct.
"""

from __future__ import annotations

from typing import Mapping

ASSUMPTIONS: Mapping[str, str] = {
    "CF-A1": "An access token is accepted as a Bearer token; only HTTP Basic is described in full.",
    "CF-A2": "The read of one incident shows its record under data.incident, or else under data.",
    "CF-A3": "That record may also show classification and classificationReason, as the list of incidents does.",
    "CF-A4": "Statuses, classifications and sources may be in any case, or integers of the older generation.",
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
    "CF-A24": "An answer that names an incident, its workspace or its source names those that were asked for.",
}

#: CF-A4. Source: the pages of the older API generation.
STATUS_BY_INTEGER: Mapping[int, str] = {1: "Active", 2: "New", 3: "Closed"}
CLASSIFICATION_BY_INTEGER: Mapping[int, str] = {
    1: "BenignPositive",
    2: "FalsePositive",
    3: "TruePositive",
    4: "Undetermined",
}
SOURCE_BY_INTEGER: Mapping[int, str] = {
    1: "Sentinel",
    2: "DefenderXDR",
    3: "QRadar",
    4: "Splunk",
    5: "CrowdStrike",
    6: "SentinelOne",
}

#: CF-A24: values of an identifier that is not set.
UNSET_IDS = frozenset({"0", "00000000-0000-0000-0000-000000000000"})

#: CF-A5.
SOURCES_WITHOUT_CLASSIFICATION = frozenset({"Splunk", "CrowdStrike"})

#: CF-A6: the reasons of each source, by classification, with the names of Microsoft. Sentinel has no reason for
#: Undetermined, but the samples of ContraForce use InaccurateData.
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

#: CF-A10: keys of the ticket's id, its number and the ticket itself, in data or in the record.
TICKET_ID_KEYS = ("ticketId",)
TICKET_NUMBER_KEYS = ("ticketNumber",)
TICKET_KEYS = ("ticket", "serviceTicket")

#: CF-A13: the code of a 404 that is about the link, and not about the address.
NOT_LINKED_CODE = "NOT_FOUND"

#: CF-A14.
TICKET_ID_PATTERN = r"\d+|[0-9a-f]{32}"

#: CF-A15.
ASSIGNEE_KEY = "user"
IS_ASSIGNED_KEY = "isAssigned"

#: CF-A16.
PAGE_TOKENS_KEY = "workspacePageTokens"

#: CF-A16: names of properties that would point to a next page in any other place.
FURTHER_PAGE_PATTERN = r"token|cursor|continuation|^has_?(more|next)|^next"

#: CF-A17.
LISTED_WORKSPACE_KEY = "workspaceId"

#: CF-A8.
REQUEST_ID_HEADERS = ("X-Request-Id", "Request-Id")
