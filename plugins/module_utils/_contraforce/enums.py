# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The enums of the ContraForce API, in the spelling of its API reference."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._option_values import spelled

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
#: FourtyEightHours is the spelling of the API.
TIME_RANGES: tuple[str, ...] = ("ThreeHours", "SixHours", "TwelveHours", "TwentyFourHours", "FourtyEightHours")
#: Other spellings of time ranges that options accept.
OTHER_TIME_RANGES: Mapping[str, str] = {"FortyEightHours": "FourtyEightHours"}
#: The API returns the last one for a workspace without a ticketing system.
TICKETING_SYSTEMS: tuple[str, ...] = ("Autotask", "ServiceNow", "Jira", "Zendesk", "None")


def canonical(shown: Any, words: tuple[str, ...], by_integer: Mapping[int, str]) -> str | None:
    """Return the API's spelling of a value, the value itself if it is unknown, or None if it is not set (CF-A4).

    :param shown: a value in any case, or an integer of the older API generation.
    :param words: the known values in the API's spelling.
    :param by_integer: the values by their integers.
    """
    if shown is None or shown == "":
        return None
    text = str(shown).strip()
    # Python refuses to convert a text with thousands of digits.
    number = int(text) if text.isdecimal() and len(text) <= 9 else None
    return by_integer.get(number, text) if number is not None else spelled(text, words) or text
