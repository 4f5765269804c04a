# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The words of the ContraForce API, as its OpenAPI pages (the seeds) spell them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error

SOURCES: tuple[str, ...] = ("Sentinel", "DefenderXDR", "QRadar", "Splunk", "CrowdStrike", "SentinelOne")
STATUSES: tuple[str, ...] = ("Active", "New", "Closed")
CLASSIFICATIONS: tuple[str, ...] = (
    "BenignPositive",
    "FalsePositive",
    "TruePositive",
    "Undetermined",
    "InformationalExpectedActivity",
    "Unknown",
    "NonIssue",
    "PolicyViolation",
    "QradarFalsePositive",
    "Undefined",
    "Suspicious",
)
CLASSIFICATION_REASONS: tuple[str, ...] = (
    "InaccurateData",
    "IncorrectAlertLogic",
    "SuspiciousActivity",
    "SuspiciousButExpected",
    "Unknown",
    "Apt",
    "Malware",
    "SecurityPersonnel",
    "SecurityTesting",
    "UnwantedSoftware",
    "Other",
    "MultistagedAttack",
    "CompromisedUser",
    "Phishing",
    "MaliciousUserActivity",
    "NotMalicious",
    "NoEnoughDataToValidate",
    "ConfirmedUserActivity",
    "LineOfBusinessApplication",
)

SEVERITIES: tuple[str, ...] = ("Informational", "Low", "Medium", "High")
#: The spelling of FourtyEightHours is the vendor's.
TIME_RANGES: tuple[str, ...] = ("ThreeHours", "SixHours", "TwelveHours", "TwentyFourHours", "FourtyEightHours")
#: A workspace without a ticketing system answers with the last one.
TICKETING_SYSTEMS: tuple[str, ...] = ("Autotask", "ServiceNow", "Jira", "Zendesk", "None")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def spelled(word: str, words: tuple[str, ...]) -> str | None:
    """The API's spelling of a word given in any case, or None if it is not among the words.

    :param word: in any case.
    :param words: in the API's spelling.
    """
    return next((known for known in words if known.lower() == word.strip().lower()), None)


@dataclass(frozen=True, eq=False)
class IncidentKey:
    """What identifies an incident.

    :param workspace_id: the workspace's UUID.
    :param source: the product that raised it, in the API's spelling.
    :param incident_id: its identifier there, any text.
    """

    workspace_id: str
    source: str
    incident_id: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What two keys of the same incident have in common: UUIDs count in any case (CF-A19)."""
        is_uuid = self.source == "Sentinel" and _UUID.fullmatch(self.incident_id)
        incident_id = self.incident_id.lower() if is_uuid else self.incident_id
        return self.workspace_id.lower(), self.source, incident_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IncidentKey) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash(self.identity)

    def __str__(self) -> str:
        return f"incident {self.incident_id} ({self.source}, workspace {self.workspace_id})"

    def reference(self, number: str | None = None) -> dict[str, str]:
        """The incident as the ticket operations name it. Source: C(IncidentReference) of seeds 000 and 002.

        :param number: its number, if known.
        """
        named = {"id": self.incident_id, "source": self.source, "workspaceId": self.workspace_id}
        return {**named, "number": number} if number else named


def incident_key(workspace_id: str, source: str, incident_id: str) -> IncidentKey:
    """Check what a user gave to identify an incident.

    :param workspace_id: a UUID.
    :param source: a source in any case; webhooks carry it in lower case.
    :param incident_id: any text that can stand in a URL.
    :raises ApiError: category ``configuration``.
    """
    if not _UUID.fullmatch(workspace_id):
        raise configuration_error(
            f"workspace_id must be a UUID such as 5f0c8f9e-1111-4222-8333-444455556666, not {workspace_id!r}."
        )
    known = spelled(source, SOURCES)
    if known is None:
        raise configuration_error(f"source must be one of {', '.join(SOURCES)} (in any case), not {source!r}.")
    if not incident_id.strip():
        raise configuration_error("incident_id is empty.")
    if incident_id in (".", ".."):
        # Every HTTP stack folds such a segment away, so the request would go to another resource.
        raise configuration_error(f"incident_id {incident_id!r} cannot be addressed in a URL.")
    return IncidentKey(workspace_id, known, incident_id)
