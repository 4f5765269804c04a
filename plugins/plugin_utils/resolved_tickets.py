# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Plan which incidents to close because their tickets were closed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    LISTED_WORKSPACE_KEY,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    SOURCES,
    STATUSES,
    canonical,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import (
    canonical_source,
    incident_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._option_values import NULL_TEXTS, spelled
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant, spelled_utc
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import quoted
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_tickets import has_reference, unknown_placeholders
from ansible_collections.secops.itsm.plugins.plugin_utils.summary_reference import parse_summary, summary_problem
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_names import TICKET_NAME

#: The keys of an entry of ``resolution_map``, with their values.
MAPPED: Mapping[str, Sequence[str]] = {
    "classification": CLASSIFICATIONS,
    "classification_reason": CLASSIFICATION_REASONS,
}

#: The largest numbers of hours and days that can be subtracted from the current time.
MAX_HOURS, MAX_DAYS = 87600, 3650

#: How long before its ticket an incident may have been closed that was closed together with it.
TOLERANCE = timedelta(minutes=5)

_DEFAULT_FORM = re.compile(r"(?P<source>[^\s|]+) (?P<incident_id>\S.*) (?P<workspace_id>[0-9a-fA-F-]{36})")
_CONTRAFORCE_FORM = re.compile(r"cf\|(?P<source>[^|]+)\|(?P<incident_id>.+)")


def parse_reference(text: Any) -> dict[str, str] | None:
    """Return the identity of the incident in a ticket's reference, or None if it is not one.

    A reference of the form ``cf|source|incident_id`` does not contain the workspace.

    :param text: the reference of the ticket.
    """
    for form in (_CONTRAFORCE_FORM, _DEFAULT_FORM):
        found = form.fullmatch(str(text or "").strip())
        source = spelled(found["source"], SOURCES) if found else None
        if found and source:
            return _valid_identity({**found.groupdict(), "source": source})
    return None


def _valid_identity(identity: Mapping[str, str]) -> dict[str, str] | None:
    """Return an identity with its workspace in lower case, or None if it is not valid."""
    if "workspace_id" not in identity:
        return dict(identity)
    try:
        incident_key(identity["workspace_id"], identity["source"], identity["incident_id"])
    except ApiError:
        return None
    return {**identity, "workspace_id": identity["workspace_id"].lower()}


def _identity(ticket: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the identity of a ticket's incident, or None if the ticket does not contain one."""
    if "summary" not in ticket:
        return parse_reference(ticket.get("reference"))
    found = parse_summary(ticket["summary"], str(options.get("summary") or ""))
    return _valid_identity(found) if found else None


def resolution_problems(options: Mapping[str, Any], ticket: Mapping[str, Any] | None = None) -> list[str]:
    """Return a message for each invalid variable of the runbook that closes the incidents of closed tickets.

    :param options: the options of the runbook.
    :param ticket: ``ticket`` of the ticketing system.
    """
    problems = [*unknown_placeholders([], options), *_reference_problems(options, ticket)]
    for name in options.get("closed_tickets") or ():
        if not TICKET_NAME.fullmatch(name.strip()) or name.strip() in NULL_TEXTS:
            problems.append(f"closed_tickets contains {quoted(name)}, which is not the number or ID of a ticket.")
    since = options.get("closed_since")
    if since and instant(since) is None:
        problems.append(f"closed_since must be a point in time such as 2026-11-21T06:00:00Z, not {quoted(since)}.")
    for name, limit in {"closed_within_hours": MAX_HOURS, "incidents_within_days": MAX_DAYS}.items():
        value = options.get(name)
        if isinstance(value, (int, float)) and not 0 < value <= limit:
            problems.append(f"{name} must be greater than 0 and at most {limit}.")
    for name in ("max_tickets", "max_incidents"):
        value = options.get(name)
        if isinstance(value, int) and value < 1:
            problems.append(f"{name} must be at least 1.")
    for word, entry in (options.get("resolution_map") or {}).items():
        problems += _entry_problems(f"resolution_map.{one_line(str(word))}", entry)
    folded = [_folded(word) for word in options.get("resolution_map") or {}]
    twice = sorted({word for word in folded if folded.count(word) > 1})
    if twice:
        problems.append(f"resolution_map contains the same resolution in several spellings: {', '.join(twice)}.")
    return problems


def _reference_problems(options: Mapping[str, Any], ticket: Mapping[str, Any] | None) -> list[str]:
    """Return a message if the tickets do not show which incidents they belong to."""
    if not ticket or has_reference(options, ticket):
        return []
    name, template = ticket["reference"]["field"], str(options.get("summary") or "")
    field = "to the field with the incident's identity"
    if not template:
        return [f"'{name}' is missing. Set it {field}, or set 'summary' as the runbook that opened the tickets did."]
    problem = summary_problem(template)
    return [f"{problem} Correct 'summary', or set '{name}' {field}."] if problem else []


def _entry_problems(place: str, entry: Any) -> list[str]:
    """Return a message for each problem of an entry of ``resolution_map``."""
    if not isinstance(entry, Mapping) or not entry.get("classification"):
        return [f"{place} must be a mapping with classification, and optionally classification_reason."]
    unknown = [str(key) for key in entry if key not in MAPPED]
    names = f"{', '.join(unknown)}. Supported keys: {', '.join(MAPPED)}."
    return [
        *([f"{place} contains unknown keys: {names}"] if unknown else []),
        *(
            f"{place}.{key} must be one of {', '.join(words)}, not {quoted(entry[key])}."
            for key, words in MAPPED.items()
            if entry.get(key) is not None and not spelled(str(entry[key]), words)
        ),
    ]


def time_spans(options: Mapping[str, Any], now: datetime | None = None) -> dict[str, str]:
    """Return ``since``, from when on tickets count as closed, and ``time_from`` for the incident list.

    :param options: the options of the runbook.
    :param now: the current time.
    """
    current = now or datetime.now(timezone.utc)
    since = instant(options.get("closed_since")) or current - timedelta(hours=options["closed_within_hours"])
    begin = current - timedelta(days=options["incidents_within_days"])
    return {"since": spelled_utc(since, "seconds"), "time_from": spelled_utc(begin, "seconds")}


def plan_closures(
    tickets: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    since: str,
    listed: Sequence[Mapping[str, Any]] = (),
    reads: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what to do for closed tickets, as far as it is known.

    The keys are ``incidents``, an entry for each incident with a workspace; ``sources``, those of incidents whose
    workspace must be looked up in the incident list; ``open``, the entries to close; ``notes``, a line for each ticket
    or incident that is left unchanged for a reason that an analyst should know; and ``unknown``, a line for each
    incident that may be open, because it shows no status.

    :param tickets: the closed tickets, each with ``ticket_id``, ``number``, ``reference``, ``closed_at`` and
        ``resolution``; ``summary`` instead of ``reference`` if the summary contains the identity,
        ``closed_at_exact`` is false if the ticket may have been closed earlier, and ``canceled`` is true if it was
        canceled, which does not mean that its incident is resolved. A ticket that is named twice counts once.
    :param options: the options of the runbook.
    :param since: ignore tickets that were closed before, unless ``closed_tickets`` names them.
    :param listed: incidents as the service listed them.
    :param reads: the results of reading ``incidents`` with their comments, in the same order.
    """
    incidents: dict[tuple[str, ...], dict[str, Any]] = {}
    sources, notes = set(), []
    by_id = {str(ticket["ticket_id"]): ticket for ticket in tickets}
    for ticket in sorted(by_id.values(), key=lambda one: _moment(one.get("closed_at")), reverse=True):
        if not options.get("closed_tickets") and _moment(ticket.get("closed_at")) < _moment(since):
            continue
        identity = _identity(ticket, options)
        if identity is None:
            continue
        if "workspace_id" not in identity:
            sources.add(identity["source"])
            found = _workspaces(identity, listed)
            if len(found) != 1:
                notes.append(_not_found(ticket, identity, found))
                continue
            identity["workspace_id"] = found[0]
        key = tuple(identity[name] for name in ("workspace_id", "source", "incident_id"))
        # Of several tickets of an incident, the one that was closed last counts.
        incidents.setdefault(key, _entry(identity, ticket, options))
    entries = list(incidents.values())
    remaining, unknown = [], []
    for entry, read, status in _open_incidents(entries, reads):
        record = read.get("incident") or {}
        called = f"{entry['source']} {entry['incident_id']}"
        if not status:
            unknown.append(f"{called}: the incident shows no status; left unchanged. Check it in ContraForce.")
        elif entry["canceled"]:
            notes.append(f"{called}: ticket {entry['ticket_number']} was canceled; left unchanged. Check the incident.")
        elif _was_reopened(entry, read.get("comments") or ()):
            notes.append(f"{called}: reopened after ticket {entry['ticket_number']} was closed; left unchanged.")
        else:
            remaining.append({**entry, "title": title_of(record), "severity": record.get("severity")})
    return {
        "incidents": entries,
        "sources": sorted(sources),
        "open": remaining,
        "notes": notes,
        "unknown": unknown,
    }


def _entry(identity: Mapping[str, str], ticket: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    number = one_line(str(ticket["number"]))
    by_word = {_folded(word): entry for word, entry in (options.get("resolution_map") or {}).items()}
    chosen = by_word.get(_folded(ticket.get("resolution"))) or options
    closure = {
        name: spelled(str(chosen[name]), words) for name, words in MAPPED.items() if chosen.get(name) is not None
    }
    text = options.get("comment") or "Closed with its ticket."
    return {
        **identity,
        **closure,
        "ticket_number": number,
        "closed_at": ticket.get("closed_at"),
        "closed_at_exact": ticket.get("closed_at_exact", True),
        "canceled": bool(ticket.get("canceled")),
        "comment": f"{text}\n\n{_marker(number)}",
    }


def _marker(number: str) -> str:
    """Return the text by which the comment of a closed ticket is found again."""
    return f"[ticket {number} closed]"


def _was_reopened(entry: Mapping[str, Any], comments: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether an open incident was closed for this closing of its ticket before."""
    marker = _marker(entry["ticket_number"])
    if not entry["closed_at_exact"] and any(marker in str(one.get("message") or "") for one in comments):
        return True
    # A moment may be the first one of the calendar.
    closed_at = _moment(entry["closed_at"])
    return any(
        _moment(one.get("createdTime")) + TOLERANCE >= closed_at for one in comments if one.get("isClosingComment")
    )


def _open_incidents(
    entries: Sequence[Mapping[str, Any]], reads: Sequence[Mapping[str, Any]]
) -> list[tuple[Mapping[str, Any], Mapping[str, Any], str]]:
    """Return the incidents that were read and are not closed, each with the result of reading it and its status."""
    found = []
    for entry, read in zip(entries, reads):
        status = str(canonical((read.get("incident") or {}).get("status"), STATUSES, STATUS_BY_INTEGER) or "")
        # Without its comments, an incident that was reopened could be closed again.
        if not read.get("failed") and status.casefold() != "closed":
            found.append((entry, read, status))
    return found


def _workspaces(identity: Mapping[str, str], listed: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(
        {
            str(record.get(LISTED_WORKSPACE_KEY) or "").lower()
            for record in listed
            if str(record.get("id") or "").casefold() == identity["incident_id"].casefold()
            and canonical_source(record.get("source")) == identity["source"]
        }
        - {""}
    )


def _not_found(ticket: Mapping[str, Any], identity: Mapping[str, str], found: Sequence[str]) -> str:
    reason = f"is ambiguous: {' or '.join(found)}" if found else "was not found in the incident list"
    called = f"{identity['source']} {identity['incident_id']}"
    return f"Ticket {one_line(str(ticket['number']))}: the workspace of incident {called} {reason}; left unchanged."


def _folded(word: Any) -> str:
    return " ".join(str(word or "").casefold().split())


def _moment(text: Any) -> datetime:
    return instant(text) or datetime.min.replace(tzinfo=timezone.utc)
