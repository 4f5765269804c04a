# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Compare the statuses of incidents and their tickets, and plan what to close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import STATUS_BY_INTEGER
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    STATUSES,
    TICKETING_SYSTEMS,
    canonical,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import ticket_from_name
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import example_names
from ansible_collections.secops.itsm.plugins.plugin_utils.resolved_tickets import plan_closures, resolution_problems

#: The values of ``direction``.
REPORT, FROM_TICKET, FROM_INCIDENT = "report", "from_ticket", "from_incident"

#: The results of a comparison, which are names of steps of a report.
SAME, OPEN_INCIDENT, OPEN_TICKET, UNKNOWN = "status", "open_incident", "open_ticket", "unknown_status"
DRIFT = (OPEN_INCIDENT, OPEN_TICKET)

UNREAD = "The ticket could not be read."
NO_STATUS = "The incident does not show a known status."
NOT_READ_AGAIN = "The ticket is closed, but the time and the resolution could not be read."


@dataclass(frozen=True)
class Comparison:
    """A pair with its statuses, as far as they are known.

    :param pair: the incident and its ticket.
    :param read: the result of reading the incident.
    :param result: SAME, one of :data:`DRIFT`, or UNKNOWN.
    :param reason: why the result is unknown.
    """

    pair: Mapping[str, Any]
    read: Mapping[str, Any]
    result: str
    reason: str = ""

    @property
    def incident(self) -> str:
        """Return the name of the incident for readers."""
        return f"{self.pair['source']} {self.pair['incident_id']}"

    @property
    def note(self) -> str:
        """Return a sentence about the difference, without its full stop."""
        status = status_of(self.read)
        is_open = self.result == OPEN_TICKET
        return f"{self.incident}: {status}, but ticket {ticket_name(self.pair)} is {'open' if is_open else 'closed'}"


def direction_problems(
    options: Mapping[str, Any], system: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Return a message for each variable that is missing or invalid to close what differs.

    :param options: the options of the runbook, which may not have a direction.
    :param system: the facts of the ticketing system.
    :param pairs: the pairs of incidents and tickets.
    """
    if "direction" not in options:
        return []
    direction, problems = options["direction"], resolution_problems(options)
    if direction != REPORT and options["compare_status"] == "never":
        problems.append(f"'compare_status' is never, but 'direction' is {direction}. Remove one of them.")
    missing = {
        FROM_TICKET: ["classification"],
        FROM_INCIDENT: system["closing"]["required_if_checked"],
    }.get(direction, [])
    closes = {FROM_TICKET: "incidents", FROM_INCIDENT: f"tickets of {system['title']}"}
    problems += [
        f"'{name}' is missing. Set it to close {closes[direction]} with 'direction: {direction}'."
        for name in missing
        if not str(options.get(name) or "").strip()
    ]
    of_sentinel = any(is_present(pair) and pair.get("source") == "Sentinel" for pair in pairs)
    if direction == FROM_TICKET and of_sentinel:
        problems += [
            f"'{name}' is missing. Sentinel closes no incident without it."
            for name, entry in _closures(options)
            if entry.get("classification") and not entry.get("classification_reason")
        ]
    return problems


def _closures(options: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name of each reason for a classification, and what contains it."""
    yield "classification_reason", options
    for word, entry in (options.get("resolution_map") or {}).items():
        if isinstance(entry, Mapping):
            yield f"resolution_map.{one_line(str(word))}.classification_reason", entry


def is_present(pair: Mapping[str, Any]) -> bool:
    """Return whether an incident and a ticket are to be linked.

    :param pair: the pair.
    """
    return bool(pair.get("state", "present") == "present")


def pairs_to_compare(pairs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the pairs whose statuses are to be compared.

    A ticket that only its display number names has that number as ``ticket_number``, too.

    :param pairs: the pairs, without those whose link could not be set.
    """
    return [{**_numbered(pair["ticket_id"]), **pair} for pair in pairs if is_present(pair) and pair.get("ticket_id")]


def _numbered(name: str) -> dict[str, str]:
    return {"ticket_number": name} if ticket_from_name(name).number else {}


def ticket_name(pair: Mapping[str, Any]) -> str:
    """Return the display number of the ticket of a pair, or its identifier.

    :param pair: the pair.
    """
    return one_line(str(pair.get("ticket_number") or pair["ticket_id"]))


def status_of(read: Mapping[str, Any]) -> str | None:
    """Return the status of an incident in the API's spelling, or None if it is not known.

    :param read: the result of reading the incident.
    """
    status = canonical((read.get("incident") or {}).get("status"), STATUSES, STATUS_BY_INTEGER)
    return status if status in STATUSES else None


def compare(
    pairs: Sequence[Mapping[str, Any]],
    reads: Sequence[Mapping[str, Any]],
    closed: Sequence[str],
    unread: Mapping[str, str],
    system: str = "",
    others: Sequence[Mapping[str, Any]] = (),
) -> list[Comparison]:
    """Return a comparison for each pair whose incident was read.

    A ticket may belong to several incidents. It is open as it should be until all of them are closed. A ticket of
    another ticketing system may have the same name.

    :param pairs: from :func:`pairs_to_compare`.
    :param reads: the results of reading their incidents, in the same order.
    :param closed: the values of ``ticket_id`` whose tickets are closed.
    :param unread: the values of ``ticket_id`` whose tickets could not be read, with the reasons.
    :param system: the title of the ticketing system.
    :param others: pairs that are not compared, because their links could not be set.
    """
    with_reads = list(zip(pairs, reads))
    in_use = {name for pair, read in with_reads if status_of(read) != "Closed" for name in _ticket_names(pair, read)}
    in_use |= {name for pair in others for name in _ticket_names(pair, {})}
    found = []
    for pair, read in with_reads:
        if read.get("failed"):
            continue
        ticket_id, status = pair["ticket_id"], status_of(read)
        result, reason = SAME, ""
        other = _other_system(read, system)
        if other:
            result, reason = UNKNOWN, f"The incident shows a ticket of {other}, which is not {system}."
        elif ticket_id in unread:
            result, reason = UNKNOWN, unread[ticket_id] or UNREAD
        elif status is None:
            result, reason = UNKNOWN, NO_STATUS
        elif ticket_id in closed and status != "Closed":
            result = OPEN_INCIDENT
        elif ticket_id not in closed and status == "Closed" and not in_use & _ticket_names(pair, read):
            result = OPEN_TICKET
        found.append(Comparison(pair, read, result, reason))
    return found


def _other_system(read: Mapping[str, Any], system: str) -> str:
    """Return the ticketing system that an incident shows if it is another one, or an empty text."""
    shown = str((read.get("link") or {}).get("ticketing_system") or "")
    known = [name for name in TICKETING_SYSTEMS if name != "None"]
    return shown if system in known and shown in known and shown != system else ""


def _ticket_names(pair: Mapping[str, Any], read: Mapping[str, Any]) -> set[str]:
    """Return the names of a ticket: those of the pair, and those of the link if it is one to this ticket."""
    link = read.get("link") or {}
    named, shown = (
        {str(where[name]).casefold() for name in ("ticket_id", "ticket_number") if where.get(name)}
        for where in (pair, link)
    )
    return named | shown if named & shown else named


def _ticket_key(pair: Mapping[str, Any]) -> str:
    return str(pair["ticket_id"]).casefold()


def plan_statuses(
    comparisons: Sequence[Comparison], options: Mapping[str, Any], details: Sequence[Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the results of the comparisons, and what to close.

    The keys are ``results``, an outcome for each pair; ``drifted``, the number of differences; ``closed_tickets``, the
    names of the closed tickets whose incidents are open; ``incidents``, the entries of incidents to close; ``tickets``,
    the pairs whose tickets to close; and ``notes``, sentences about what is left unchanged.

    :param comparisons: from :func:`compare`.
    :param options: the options of the runbook.
    :param details: when and how tickets were closed, see :func:`resolved_tickets.plan_closures`; None if the ticketing
        system does not show it.
    """
    direction = options["direction"]
    must_know = direction != REPORT or options["compare_status"] == "always"
    results: list[dict[str, Any]] = []
    incidents: list[dict[str, Any]] = []
    tickets: dict[str, Mapping[str, Any]] = {}
    notes = list(_unknown_note([] if must_know else comparisons))
    for one in comparisons:
        reason = one.reason
        if one.result == OPEN_INCIDENT and direction == FROM_TICKET:
            closing = _closing(one.pair, details)
            if closing:
                planned = plan_closures(
                    [closing], {**options, "closed_tickets": [closing["number"]]}, "", (), [one.read]
                )
                incidents += planned["open"]
                notes += planned["notes"]
            else:
                reason = NOT_READ_AGAIN
        elif one.result == OPEN_TICKET and direction == FROM_INCIDENT:
            tickets.setdefault(_ticket_key(one.pair), one.pair)
        elif one.result in DRIFT:
            notes.append(f"{one.note}{'' if direction == REPORT else '; left unchanged'}.")
        results.append(_outcome(one, reason, must_know))
    drifted = [one for one in comparisons if one.result in DRIFT]
    return {
        "results": results,
        "drifted": len(drifted),
        "closed_tickets": sorted({ticket_name(one.pair) for one in drifted if one.result == OPEN_INCIDENT}),
        "incidents": incidents,
        "tickets": list(tickets.values()),
        "notes": notes,
    }


def _outcome(one: Comparison, reason: str, must_know: bool) -> dict[str, Any]:
    """Return the outcome of a pair, which has failed if its statuses must be known and are not."""
    identity = {name: one.pair[name] for name in ("workspace_id", "source", "incident_id")}
    outcome: dict[str, Any] = {**identity, "comparison": one.result, "changed": False, "failed": False}
    if reason and must_know:
        return {**outcome, "failed": True, "msg": reason}
    return {**outcome, "warnings": [reason]} if reason else outcome


def _unknown_note(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield a sentence about the pairs whose statuses are unknown."""
    names = list(dict.fromkeys(ticket_name(one.pair) for one in comparisons if one.result == UNKNOWN))
    if names:
        yield (
            f"The statuses of incidents with these tickets are unknown: {example_names(names)}. See the reasons in the "
            "report."
        )


def _closing(pair: Mapping[str, Any], details: Sequence[Mapping[str, Any]] | None) -> dict[str, Any] | None:
    """Return when and how the ticket of a pair was closed, or None if that could not be read."""
    # The pair names the incident, so that the ticket needs no reference.
    reference = " ".join(str(pair[name]) for name in ("source", "incident_id", "workspace_id"))
    if details is None:
        return {
            "ticket_id": pair["ticket_id"],
            "number": ticket_name(pair),
            "reference": reference,
            "closed_at_exact": False,
        }
    names = {str(pair[name]).casefold() for name in ("ticket_id", "ticket_number") if pair.get(name)}
    shown = [one for one in details if names & {str(one.get(name)).casefold() for name in ("ticket_id", "number")}]
    of_ticket = {key: value for key, value in shown[0].items() if key != "summary"} if shown else {}
    return {**of_ticket, "reference": reference} if shown else None
