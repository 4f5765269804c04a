# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ticket that a runbook opens for an incident: its summary and its fields, and what it is found again by."""

from __future__ import annotations

import html
import re
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import title_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey

#: Without a field that holds the incident's identity, the summary must.
SUMMARY_WITH_REFERENCE = "{source} incident {incident_id}: {title}"
SUMMARY_ALONE = "{source} incident {incident_id} in workspace {workspace_id}"

_PLACEHOLDER = re.compile(r"\{(source|incident_id|workspace_id|severity|title_html|title)\}")


def placeholders(entry: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, str]:
    """What stands in a summary or a field for the properties of an incident.

    :param entry: the incident, as the runbook was given it.
    :param record: of the incident, as the service gave it.
    """
    title = " ".join((title_of(record) or "").split())
    # The incident's identity, however it was typed: by this its ticket is found again.
    key = IncidentKey(entry["workspace_id"], entry["source"], entry["incident_id"])
    workspace_id, source, incident_id = key.identity
    return {
        "{source}": source,
        "{incident_id}": incident_id,
        "{workspace_id}": workspace_id,
        "{severity}": str(record.get("severity") or ""),
        # An attacker may have had a hand in a title; this is for a field of rich text.
        "{title_html}": html.escape(title),
        "{title}": title,
    }


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """A value with its placeholders replaced, each once: what a title brings along is not looked at again.

    :param value: a text, or lists and mappings of them.
    :param words: by placeholder.
    """
    if isinstance(value, Mapping):
        return {key: filled(inner, words) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(inner, words) for inner in value]
    if not isinstance(value, str):
        return value
    return _PLACEHOLDER.sub(lambda found: words[found.group()], value)


def template_of(entry: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The template of a ticket's summary.

    :param entry: the incident, as the runbook was given it.
    :param values: of the runbook's variables.
    """
    default = SUMMARY_WITH_REFERENCE if values.get("reference_field") else SUMMARY_ALONE
    return str(entry.get("summary") or values.get("summary") or default)


def own_of(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Team, ticket type and offer of a ticket: what an entry says goes before what was said for all.

    :param entry: the incident, as the runbook was given it.
    :param values: of the runbook's variables.
    """
    own = {"team_id": _first("team_id", entry, values)}
    for name in ("item_type", "offer"):
        by_id = f"{name}_id"
        giver = entry if entry.get(name) or entry.get(by_id) else values
        # An identifier goes before a name.
        chosen = by_id if giver.get(by_id) else name
        own[chosen] = _first(chosen, giver)
    return {name: value for name, value in own.items() if value}


def _first(name: str, *givers: Mapping[str, Any]) -> str:
    return next((str(giver[name]) for giver in givers if giver.get(name)), "")


def ticket_of(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of C(tickets) of the module ticketing_ticket.

    :param entry: the incident, as the runbook was given it, with its C(record) as the service gave it.
    :param values: of the runbook's variables.
    """
    words = placeholders(entry, entry.get("record") or {})
    fields = {**(values.get("fields") or {}), **entry.get("fields", {})}
    reference_field = values.get("reference_field")
    if reference_field:
        fields[reference_field] = "{source} {incident_id} {workspace_id}"
    return {
        **own_of(entry, values),
        "summary": filled(template_of(entry, values), words),
        "fields": filled(fields, words),
    }


def problems_of_tickets(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> list[str]:
    """What is missing to open the tickets of incidents, as sentences.

    :param entries: the incidents, as the runbook was given them; one with a ticket_id needs nothing.
    :param values: of the runbook's variables.
    """
    problems = []
    for number, entry in enumerate(entries, 1):
        if "ticket_id" in entry or "incident_id" not in entry:
            continue
        own = own_of(entry, values)
        if not own.get("team_id") or not (own.get("offer") or own.get("offer_id")):
            problems.append(
                f"To open the ticket of incident {number} of {len(entries)} ({entry['incident_id']}), set 'team_id' "
                "and 'offer' (or 'offer_id') for all of them or in its entry; or name a ticket that is there in "
                "'ticket_id'."
            )
        template = template_of(entry, values)
        says_which = ("{incident_id}" in template or entry["incident_id"] in template) and (
            "{workspace_id}" in template or entry.get("workspace_id", "{workspace_id}") in template
        )
        if not values.get("reference_field") and not says_which:
            problems.append(
                "Without 'reference_field', a ticket is found again by its summary, so that must hold {incident_id} "
                f"and {{workspace_id}}; the one for incident {entry['incident_id']} does not: {template}"
            )
    return problems
