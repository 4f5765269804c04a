# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Add the details to incidents that the texts of their tickets use.

Reading an incident shows its alerts and entities, but its description, number, owner and source name are only
documented for the list across workspaces. Values are passed on as the service returned them, because Ansible marks only
those as unsafe to evaluate.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, canonical_source
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_texts import (
    LISTS,
    NUMBER_KEYS,
    incident_texts,
    list_excerpt,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_workspaces import search_window
from ansible_collections.secops.itsm.plugins.plugin_utils.placeholders import DETAILS, used_names
from ansible_collections.secops.itsm.plugins.plugin_utils.priority_map import PRIORITY_MAP
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import example_names
from ansible_collections.secops.itsm.plugins.plugin_utils.step_results import incident_key_of, step_outcomes

#: The documented keys of a listed incident, by the detail that they show.
LISTED_KEYS: Mapping[str, Sequence[str]] = {
    "description": ("description",),
    "owner": ("user",),
    "number": NUMBER_KEYS,
    "source_name": ("sourceDisplayName",),
}

#: The documented keys of an incident that was read.
READ_KEYS: Mapping[str, Sequence[str]] = {"created_at": ("createdAt",)}

#: The placeholder in 'portal_url' for the number of an incident.
_NUMBER_IN_ADDRESS = "{incident_number}"


def used_details(incidents: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[str]:
    """Return the names of the details that the summaries and the fields of new tickets contain.

    :param incidents: the entries of the incidents; those with a ticket are skipped.
    :param options: the options of the runbook.
    """
    without_ticket = [incident for incident in incidents if "ticket_id" not in incident]
    if not without_ticket:
        return []
    values = [options.get("summary"), options.get("fields"), options.get(PRIORITY_MAP)]
    used = used_names([*values, *(incident.get(name) for incident in without_ticket for name in ("summary", "fields"))])
    return [name for name in DETAILS if name in used]


def add_details(
    incidents: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    read: Mapping[str, Any] | None = None,
    listed: Sequence[Mapping[str, Any]] = (),
    now: datetime | None = None,
) -> dict[str, Any]:
    """Return what is needed for the details of incidents, as far as it is known, and the incidents with them.

    The keys are ``used``, the names of the used details; ``investigation``, whether the incidents must be read with
    their investigation details; ``window``, the options for listing incidents, empty if that is not needed;
    ``incidents``, the entries with their ``record``; ``unlisted``, the number of incidents that the list should
    contain, but does not; and ``notes``, a sentence for each set of details that the service does not show.

    :param incidents: the entries of the incidents.
    :param options: the options of the runbook.
    :param read: the registered result of reading the incidents.
    :param listed: incidents as the service listed them.
    :param now: the current time.
    """
    used = used_details(incidents, options)
    facts: dict[str, Any] = {"used": used, "investigation": bool(set(used) & set(LISTS))}
    if not used:
        return {**facts, "window": {}, "incidents": list(incidents), "unlisted": 0, "notes": []}
    outcomes = {incident_key_of(outcome): outcome for outcome in step_outcomes(read or {})}
    rows = {_listed_key(row): row for row in reversed(listed)}
    wanted = _wanted(used, options)
    to_list = []
    unlisted = 0
    completed = []
    for incident in incidents:
        key = incident_key_of(incident)
        outcome, row = outcomes.get(key, {}), rows.get(key)
        found = outcome.get("incident") or {}
        missing = [name for name in _missing(wanted, found) if name != "number" or "incident_number" not in incident]
        if missing and found.get("createdAt"):
            to_list.append({"source": incident["source"], "created_at": found["createdAt"]})
            unlisted += row is None
        record = {
            **incident.get("record", {}),
            **_kept(wanted, row or {}),
            **_kept(wanted, found),
            **_excerpts(used, outcome, row or {}),
        }
        completed.append({**incident, "record": record})
    return {
        **facts,
        "window": search_window(to_list, now),
        "incidents": completed,
        "unlisted": unlisted,
        "notes": list(_notes(used, completed, options)),
    }


def _wanted(used: Sequence[str], options: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Return the keys of a record by the name of the detail."""
    names = {*used}
    if "portal_url" in used and _NUMBER_IN_ADDRESS in str(options.get("portal_url") or ""):
        names.add("number")
    return {name: keys for name, keys in {**LISTED_KEYS, **READ_KEYS}.items() if name in names}


def _missing(wanted: Mapping[str, Sequence[str]], record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the details that only the list is documented to show, and that a record does not show."""
    for name, keys in wanted.items():
        # Null means that the value is not set.
        if name in LISTED_KEYS and not any(key in record for key in keys):
            yield name


def _kept(wanted: Mapping[str, Sequence[str]], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a record that the details need. Null of a read takes precedence over a list."""
    keys = {key for names in wanted.values() for key in names}
    return {key: value for key, value in record.items() if key in keys}


def _excerpts(used: Sequence[str], outcome: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the beginnings of the lists of alerts and entities, of which a list of incidents only has the latter."""
    investigation = (outcome.get("details") or {}).get("investigationDetails")
    shown = investigation if isinstance(investigation, Mapping) else {}
    return {name: list_excerpt(name, shown.get(name) or row.get(name)) for name in LISTS if name in used}


def _listed_key(row: Mapping[str, Any]) -> IncidentKey:
    return IncidentKey(
        str(row.get(LISTED_WORKSPACE_KEY) or ""), canonical_source(row.get("source")) or "", str(row.get("id") or "")
    )


def _notes(used: Sequence[str], incidents: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each set of placeholders without a value, with the incidents."""
    without: dict[str, list[str]] = {}
    for incident in incidents:
        texts = incident_texts(incident, str(options.get("portal_url") or ""))
        own = used_details([incident], options)
        empty = " and ".join(f"{{{name}}}" for name in used if name in own and not texts[name])
        if empty:
            without.setdefault(empty, []).append(f"{incident['source']} {incident['incident_id']}")
    for empty, names in without.items():
        yield f"The service does not show a value for {empty} of {example_names(names)}."
