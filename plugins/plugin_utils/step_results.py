# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Read the registered result of a runbook's step."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY_KEYS

#: The name of a ticket that check mode would open.
NEW_TICKET = "(new)"

#: The lists in the result of a bulk task, or of a task that lists incidents.
RESULT_LISTS = ("results", "incidents")


def incident_key_of(entry: Mapping[str, Any]) -> IncidentKey:
    """Return the key of the incident that an entry or an outcome identifies.

    :param entry: a mapping with the keys of an incident's identity.
    """
    return IncidentKey(*(str(entry.get(name) or "") for name in IDENTITY_KEYS))


def has_failed(outcome: Mapping[str, Any]) -> bool:
    """Return whether a result, or one outcome in it, has failed.

    The tasks of the runbooks do not fail, because Ansible would print their whole results. ``failed_when`` then
    replaces ``failed``, and the result of a task that failed before its first incident has no list.

    :param outcome: the result.
    """
    if "failed_when_result" in outcome and not outcome.get("skipped"):
        return bool(outcome.get("failed")) or not any(isinstance(outcome.get(name), list) for name in RESULT_LISTS)
    return bool(outcome.get("failed"))


def ticket_of(outcome: Mapping[str, Any], key: str | None) -> str | None:
    """Return the ticket of an incident in the outcome of a step that opens tickets, or None if it contains none.

    :param outcome: the outcome for an incident.
    :param key: the key of the ticket's identifier or number in the outcome; None if the step opens no tickets.
    """
    if key is None:
        return None
    ticket = outcome.get(key) or (NEW_TICKET if outcome.get("created") else None)
    return str(ticket) if ticket else None


def step_outcomes(
    result: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return the outcome of a step for each incident, from a bulk task or from the items of a loop.

    :param result: the registered result.
    :param incidents: the incidents in the order of the outcomes, if the outcomes do not contain their identities.
    """
    listed = result.get("results")
    outcomes = listed if isinstance(listed, list) else []
    named = [*(incidents or (outcome.get("item") for outcome in outcomes))]
    return [
        {**(name if isinstance(name, Mapping) else {}), **outcome}
        for name, outcome in zip(named, outcomes)
        if not outcome.get("skipped")
    ]
