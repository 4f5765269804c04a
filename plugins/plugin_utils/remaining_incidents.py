# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Find the incidents that a runbook continues with after a step."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.plugin_utils.step_results import (
    has_failed,
    incident_key_of,
    step_outcomes,
    ticket_of,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import (
    checked_link,
    own_link,
    with_ticket_number,
)

#: The keys of an incident's record that later steps need.
RECORD_KEYS = ("title", "name", "severity")


def remaining_incidents(
    incidents: Sequence[Mapping[str, Any]],
    result: Mapping[str, Any],
    of: Sequence[Mapping[str, Any]] | None = None,
    ticket_keys: Mapping[str, str] | None = None,
    reference: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return the incidents that did not fail in a step, each with its ticket and record if the step returned them.

    :param incidents: the incidents before the step.
    :param result: the registered result of the step.
    :param of: the incidents of the step in the order of its outcomes; by default all.
    :param ticket_keys: the keys of a ticket's ``id`` and ``number`` in an outcome, if the step opens tickets.
    :param reference: the facts about the reference of an incident to its ticket, if the step depends on it.
    """
    known = reference or {}
    listed = [checked_link(own_link(outcome, known), known) for outcome in step_outcomes(result, of)]
    outcomes = {incident_key_of(outcome): outcome for outcome in listed}
    if not outcomes and has_failed(result):
        outcomes = {incident_key_of(incident): {"failed": True} for incident in (incidents if of is None else of)}
    kept = [incident for incident in incidents if not has_failed(outcomes.get(incident_key_of(incident), {}))]
    return [
        with_ticket_number(
            {**incident, **_step_facts(incident, outcomes.get(incident_key_of(incident), {}), ticket_keys or {})}, known
        )
        for incident in kept
    ]


def _step_facts(
    incident: Mapping[str, Any], outcome: Mapping[str, Any], ticket_keys: Mapping[str, str]
) -> dict[str, Any]:
    """Return the ticket and the record of an incident as a step returned them."""
    facts: dict[str, Any] = {}
    link = outcome.get("link") or {}
    if "incident" in outcome:
        # Only the keys that a ticket needs, because each further task would evaluate the whole record.
        facts["record"] = {key: value for key, value in outcome["incident"].items() if key in RECORD_KEYS}
    if "after" in link:
        # The API does not document display numbers for closing an incident, so only the identifier is kept.
        ticket = link.get("ticket_id")
    elif "ticket_id" in incident:
        # A ticket set by the user is kept, even if the incident is linked to another one.
        ticket = None
    elif link.get("link") == "linked":
        ticket = link.get("ticket_number") or link.get("ticket_id")
    else:
        ticket = ticket_of(outcome, ticket_keys.get("id"))
    number = link.get("ticket_number") or ticket_of(outcome, ticket_keys.get("number"))
    if "after" not in link and "ticket_id" in incident and not _names_ticket(link, incident["ticket_id"]):
        number = None
    shown = {"ticket_id": ticket, "ticket_number": number}
    return {**facts, **{name: str(value) for name, value in shown.items() if value}}


def _names_ticket(link: Mapping[str, Any], ticket: Any) -> bool:
    """Return whether a link is one to a ticket, which its ID or its number identifies."""
    return str(ticket).casefold() in {str(link.get(name)).casefold() for name in ("ticket_id", "ticket_number")}
