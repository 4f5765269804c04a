# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Assumptions about the ContraForce API where its public documentation is silent.

If a tenant behaves differently, this is the file to correct. The documentation site lists the assumptions.
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.secops.itsm.plugins.module_utils._assumption import Assumption

ASSUMPTIONS: Mapping[str, Assumption] = {
    "CF-A1": Assumption(
        "An access token is accepted as a Bearer token. Only HTTP Basic is fully documented.",
        "Requests with ``access_token`` fail with ``authentication``. Use ``client_id`` and ``client_secret``.",
    ),
    "CF-A2": Assumption(
        "The response to reading an incident contains the record in ``data.incident`` or in ``data``.",
        "Every read fails with ``contract``. Nothing is written.",
    ),
    "CF-A3": Assumption(
        "That record may also contain ``classification`` and ``classificationReason``, as in the list of incidents.",
        "Only the status is compared, and ``unverified`` says so.",
    ),
    "CF-A4": Assumption(
        "Statuses, classifications and sources may be in any case, or the integers of the older API generation.",
        "An unknown status fails with ``contract``. Nothing is written.",
    ),
    "CF-A5": Assumption(
        "Splunk and CrowdStrike incidents do not show a classification. The other four sources do.",
        "Check mode predicts a classification that the incident does not show afterwards, or misses one.",
    ),
    "CF-A6": Assumption(
        "Sentinel and Defender XDR keep their own classifications. The service may replace or drop any other.",
        "A new classification of an incident that is already closed is wrongly written or wrongly skipped, "
        "and a warning may be wrong.",
    ),
    "CF-A7": Assumption(
        "A comment appears verbatim among the incident's comments, whether posted alone or with a status.",
        "A comment can be posted twice after an interrupted write. ``contraforce_incident_comment`` warns, and without "
        "``marker`` it posts the comment in each run.",
    ),
    "CF-A8": Assumption(
        "The identifier of a request may also be in the header ``X-Request-Id`` or ``Request-Id``.",
        "``request_ids`` lacks the identifiers of writes.",
    ),
    "CF-A9": Assumption(
        "A write that is answered with 429, or with 503 and ``Retry-After``, was not processed.",
        "A comment can be posted twice.",
    ),
    "CF-A10": Assumption(
        "An incident's record may contain its ticket in ``ticketId``, ``ticketNumber``, ``ticket`` or "
        "``serviceTicket``; null means that there is no ticket.",
        "The evidence of a link is weak, and each run sends the request again.",
    ),
    "CF-A11": Assumption(
        "The newest comment with a ``ticketId`` names the ticket that the incident was last linked to.",
        "``changed`` may be wrong where nothing else shows the link. The link itself is correct.",
    ),
    "CF-A12": Assumption(
        "Linking a ticket that is already linked, or unlinking again, is accepted and changes nothing.",
        "Where the evidence is weak, a second run fails or leaves a second trace in the ticket.",
    ),
    "CF-A13": Assumption(
        "Unlink returns false, or 404 with the code ``NOT_FOUND``, if no ticket was linked.",
        "Unlinking an incident without a ticket fails, or is reported as changed.",
    ),
    "CF-A14": Assumption(
        "The ID of a ticket consists of digits or of 32 hexadecimal digits, and its display number of neither.",
        "The ID and the number of one ticket count as two tickets, and the task fails with ``conflict``.",
    ),
    "CF-A15": Assumption(
        "An incident's record may contain its assignee in ``user`` and ``isAssigned``, as in the list of incidents.",
        "Each run assigns the incident again.",
    ),
    "CF-A16": Assumption(
        "The tokens of the next page are in ``data.workspacePageTokens`` and are sent back unchanged. "
        "Without tokens, the list is complete.",
        "The list fails with ``contract``. If no other property hints at a next page, it ends after the first page.",
    ),
    "CF-A17": Assumption(
        "A listed incident names its workspace in ``workspaceId``.",
        "Listed incidents cannot be passed to the other modules.",
    ),
    "CF-A18": Assumption(
        "Linking a ticket to an incident with another ticket replaces that ticket, or is refused with 409.",
        "Where the evidence is weak, linking fails with the service's message, or both tickets stay linked.",
    ),
    "CF-A19": Assumption(
        "UUIDs of workspaces and of Sentinel incidents are case-insensitive. All other identifiers are case-sensitive.",
        "In a list, two incidents whose UUIDs differ only in case count as one, or one incident in two spellings is "
        "processed twice.",
    ),
    "CF-A20": Assumption(
        "A webhook is signed with its secret as UTF-8 text, and hexadecimal signatures are in lower case.",
        "Every delivery is refused with 401. No runbook runs.",
    ),
    "CF-A21": Assumption(
        "The ``incidentId``, ``title`` and ``createdAt`` of an event are the ``id``, ``title`` and ``creationTime`` of "
        "the list of incidents.",
        "The workspace of an event's incident is not found, and the runbook stops before it writes. Set ``workspaces`` "
        "of the event filter.",
    ),
    "CF-A22": Assumption(
        "A list with a time filter contains every incident that was created in that time.",
        "The polling event source misses incidents. The webhook event source does not.",
    ),
    "CF-A23": Assumption(
        "Each attempt to deliver an event has its own timestamp and signature.",
        "An event is lost if it cannot be accepted for 5 minutes. The polling event source still finds its incident.",
    ),
    "CF-A24": Assumption(
        "If a response names an incident, a workspace or a source, they are the ones in the request.",
        "Every read fails with ``contract``. Nothing is written.",
    ),
    "CF-A25": Assumption(
        "The body of ``agent.investigation.completed.v1`` has the properties of ``incident.created.v1``, possibly in "
        "``data.incident``, and the classification in ``classification`` and ``classificationReason``.",
        "``event.incident`` lacks the classification, or there is no ``event.entry`` and ``event.refused`` contains "
        "the reason.",
    ),
}

#: CF-A4. Source: ContraForce API reference, older generation.
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

#: CF-A6: the reasons of each source by classification. Source: Microsoft Sentinel and Microsoft Graph security API.
#: Sentinel has no reason for Undetermined, but ContraForce's samples use InaccurateData.
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

#: CF-A10: keys of the ticket's ID, of its number and of the ticket itself, in data or in the record.
TICKET_ID_KEYS = ("ticketId",)
TICKET_NUMBER_KEYS = ("ticketNumber",)
TICKET_KEYS = ("ticket", "serviceTicket")

#: CF-A13: the code of a 404 response that concerns the link instead of the address.
NOT_LINKED_CODE = "NOT_FOUND"

#: CF-A14.
TICKET_ID_PATTERN = r"\d+|[0-9a-f]{32}"

#: CF-A15.
ASSIGNEE_KEY = "user"
IS_ASSIGNED_KEY = "isAssigned"

#: CF-A16.
PAGE_TOKENS_KEY = "workspacePageTokens"

#: CF-A16: names of other properties that could point to a next page.
FURTHER_PAGE_PATTERN = r"token|cursor|continuation|^has_?(more|next)|^next"

#: CF-A17.
LISTED_WORKSPACE_KEY = "workspaceId"

#: CF-A8.
REQUEST_ID_HEADERS = ("X-Request-Id", "Request-Id")
