# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a runbook as data: what was asked, what became of each incident, and what to do about failures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import title_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils.job import VERSION
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY


@dataclass(frozen=True)
class Words:
    """How a step is told.

    :param title: of the step.
    :param done: of an incident that it changed.
    :param foretold: the same in a rehearsal.
    :param known: of one that it did not have to change.
    """

    title: str
    done: str
    foretold: str
    known: str


#: The steps of all runbooks, by the names that they have there.
STEPS: Mapping[str, Words] = {
    "find": Words("Find", "found", "found", "found"),
    "verify": Words("Rehearsal", "can be changed", "can be changed", "as wanted"),
    "read": Words("Read", "read", "read", "read"),
    "ticket": Words("Ticket", "ticket brought up to date", "ticket would be brought up to date", "ticket found"),
    "opened": Words("Ticket", "ticket opened", "ticket would be opened", "ticket opened"),
    "known": Words("Ticket", "ticket known already", "ticket known already", "ticket known already"),
    "link": Words("Link", "linked", "would be linked", "linked already"),
    "unlink": Words("Unlink", "unlinked", "would be unlinked", "without a ticket already"),
    "reconcile": Words("Link", "drifted and mended", "drifted", "as wanted"),
    "close": Words("Close", "closed", "would be closed", "closed already"),
    "activate": Words("Take up", "set to Active", "would be set to Active", "Active already"),
    "reopen": Words("Reopen", "reopened", "would be reopened", "open already"),
    "assign": Words("Assign", "assigned", "would be assigned", "assigned already"),
    "comment": Words("Comment", "commented", "would be commented", "commented already"),
}

#: What to do about a failure, by its category.
NEXT_STEPS: Mapping[str, str] = {
    "configuration": "Mend what the message names, and run it again.",
    "authentication": "Check the credentials of the job, then run it again.",
    "permission": "Have the role or the scope granted that the message names, then run it again.",
    "not_found": "Check the workspace, the source and the identifier.",
    "validation": "Mend the values that the message names, and run it again.",
    "conflict": "Look at what stands there, decide which is right, and say so (as with replace: true).",
    "ambiguous_match": "Name the ticket by its identifier, or ask for it by something that only one has.",
    "rate_limited": "Wait a few minutes and run it again; what is done already stays as it is.",
    "unavailable": "Run it again once the service can be reached; what is done already stays as it is.",
    "ambiguous_write": "Look at the incident or the ticket in its portal first, then run it again.",
    "contract": "Run secops.itsm.verify_connection, and report what it says: the service answers unlike its contract.",
    "not_converged": "Look at the incident first. Run it again only once it shows what it is to be left with.",
    "tls": "Check the certificate, the CA and the proxy.",
    "internal": "Please report it as a bug, with the message.",
}
NO_CATEGORY = "Read the message, mend it, and run it again."

#: What a ticket is called that a rehearsal would open.
NEW_TICKET = "(new)"

#: What is noted of the ticket of an incident that is closed.
TICKET_CLOSED = "The service was told to close the ticket; it does not show whether it did."
TICKET_WOULD_BE_CLOSED = "The service would be told to close the ticket; it does not show whether it does."
TICKET_LEFT = "The ticket was not touched, because the incident was closed already."

#: What can be seen at a glance of an incident.
FAILED, CHANGED, OK, NOT_REACHED = "failed", "changed", "ok", "not_reached"
OUTCOMES = (CHANGED, OK, FAILED, NOT_REACHED)


def build(
    steps: Sequence[Mapping[str, Any]], about: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The report of a run.

    :param steps: in their order, each with a C(name) of :data:`STEPS`, what Ansible registered as its C(result), and
        C(incidents) if the outcomes in it do not name theirs.
    :param about: the run: C(runbook), C(title), C(rehearsed), C(head), C(asked), and C(stopped), why it did not go on.
    :param incidents: that the run was about, in their order; each may have a C(title) and a C(severity).
    """
    rehearsed = bool(about.get("rehearsed"))
    rows = {_key(incident): _row(incident) for incident in incidents}
    problems: list[dict[str, Any]] = []
    for step in steps:
        name, result = step["name"], step.get("result") or {}
        outcomes = _outcomes(result, step.get("incidents"))
        for outcome in outcomes:
            _add(rows.setdefault(_key(outcome), _row(outcome)), name, outcome, rehearsed)
        if not outcomes and _has_failed(result):
            problems.append({"step": STEPS[name].title, **_failure(result)})
    if about.get("stopped"):
        problems.append({"step": "Refused", **_failure({"msg": about["stopped"]})})
    listed = [_judged(row) for row in rows.values()]
    counts = {outcome: sum(row["outcome"] == outcome for row in listed) for outcome in OUTCOMES}
    return {
        **about,
        "outcome": _overall(counts, problems),
        "counts": {"incidents": len(listed), **counts},
        "summary": _summary(listed, problems, rehearsed),
        "incidents": listed,
        "problems": problems,
        "failures": _failures(listed),
        "made_by": f"secops.itsm {VERSION}",
    }


def _failures(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What failed, for which incident, and what to do."""
    return [
        {
            **{name: row[name] for name in (*IDENTITY, "title")},
            "step": step["title"],
            **step["failure"],
            "line": f"{row['source']} {row['incident_id']}: {step['failure']['msg']}",
        }
        for row in rows
        for step in row["steps"]
        if "failure" in step
    ]


def _overall(counts: Mapping[str, int], problems: Sequence[Any]) -> str:
    if counts[FAILED] or counts[NOT_REACHED] or problems:
        return FAILED
    return CHANGED if counts[CHANGED] else OK


def _key(named: Mapping[str, Any]) -> IncidentKey:
    return IncidentKey(*(str(named.get(name) or "") for name in IDENTITY))


def _row(incident: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: str(incident.get(name) or "") for name in IDENTITY},
        "title": incident.get("title"),
        "severity": incident.get("severity"),
        "ticket": incident.get("ticket_id"),
        "steps": [],
    }


def _outcomes(result: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """What became of each incident in a step: of a list in one task, or of the items of a loop."""
    listed = result.get("results")
    outcomes = listed if isinstance(listed, list) else []
    named = [*(incidents or (outcome.get("item") for outcome in outcomes))]
    return [
        {**(name if isinstance(name, Mapping) else {}), **outcome}
        for name, outcome in zip(named, outcomes)
        if not outcome.get("skipped")
    ]


def _has_failed(outcome: Mapping[str, Any]) -> bool:
    return bool(outcome.get("failed"))


def _failure(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What went wrong, and what to do."""
    error = outcome.get("error") or {}
    category = error.get("category")
    return {
        "msg": str(outcome.get("msg") or "The task failed."),
        "category": category,
        "request_id": error.get("request_id"),
        "next_step": NEXT_STEPS.get(str(category), NO_CATEGORY),
    }


def _add(row: dict[str, Any], name: str, outcome: Mapping[str, Any], rehearsed: bool) -> None:
    """Take in what a step did to an incident."""
    failed = _has_failed(outcome)
    record = outcome.get("incident") or {}
    row["title"] = row["title"] or outcome.get("title") or title_of(record)
    row["severity"] = row["severity"] or record.get("severity")
    was_named = row["ticket"] is not None
    if name != "read" or not was_named:
        row["ticket"] = _ticket_of(outcome) or row["ticket"]
    if name == "read" and not failed:
        if was_named or (outcome.get("link") or {}).get("link") != "linked":
            return
        name, outcome = "known", {**outcome, "changed": False}
    elif name == "ticket" and outcome.get("created"):
        name = "opened"
    row["steps"].append(_step(name, outcome, rehearsed))


def _step(name: str, outcome: Mapping[str, Any], rehearsed: bool) -> dict[str, Any]:
    """What a step did to an incident."""
    words = STEPS[name]
    told = {"name": name, "title": words.title, "request_ids": list(outcome.get("request_ids") or [])}
    if _has_failed(outcome):
        failure = _failure(outcome)
        return {**told, "outcome": FAILED, "said": FAILED, "changes": [], "notes": [], "failure": failure}
    changed = bool(outcome.get("changed"))
    of_change = words.foretold if rehearsed else words.done
    return {
        **told,
        "outcome": CHANGED if changed else OK,
        "said": of_change if changed else words.known,
        "changes": changes(outcome.get("diff")) if changed else [],
        "notes": _notes(outcome, rehearsed),
    }


def _ticket_of(outcome: Mapping[str, Any]) -> str | None:
    """The ticket of an incident as a step learnt it, by the name that people know it by."""
    link = outcome.get("link")
    if isinstance(link, Mapping) and link.get("after", link.get("link")) not in ("unlinked", "unknown"):
        shown = link.get("ticket_number") or link.get("ticket_id")
        return str(shown) if shown else None
    ticket = outcome.get("object_id") or (NEW_TICKET if outcome.get("created") else None)
    return str(ticket) if ticket else None


def _notes(outcome: Mapping[str, Any], rehearsed: bool) -> list[str]:
    """What nobody can vouch for, and what the module warned of."""
    notes = [str(text) for text in outcome.get("warnings") or []]
    unverified = list(outcome.get("unverified") or [])
    if "update_ticket" in unverified:
        after = (outcome.get("diff") or {}).get("after")
        told = isinstance(after, Mapping) and "closed_ticket" in after
        of_closure = TICKET_WOULD_BE_CLOSED if rehearsed else TICKET_CLOSED
        notes.append(of_closure if told else TICKET_LEFT)
    rest = [name for name in unverified if name != "update_ticket"]
    if rest:
        notes.append(f"The service does not show {', '.join(rest)}.")
    return notes


def changes(diff: Any) -> list[dict[str, Any]]:
    """What a step changed, or would, key by key.

    :param diff: as a module gives it, or a list of such.
    """
    sides = [diff.get("before"), diff.get("after")] if isinstance(diff, Mapping) else []
    told = [dict(_leaves(side)) for side in sides if isinstance(side, Mapping)]
    if len(told) != 2:
        return []
    before, after = told
    return [
        {"key": key, "before": _text(before.get(key)), "after": _text(after.get(key))}
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _leaves(side: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of a side of a difference; those of its fields by their own labels."""
    for key, value in side.items():
        if isinstance(value, Mapping):
            yield from ((str(inner), value[inner]) for inner in value)
        else:
            yield str(key), value


def _text(value: Any) -> str | None:
    """A value as a person reads it; None for none."""
    if value is None or value in ("", {}, []):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _judged(row: dict[str, Any]) -> dict[str, Any]:
    """An incident with what can be seen of it at a glance. A rehearsal counts only if it failed."""
    shown = [step for step in row["steps"] if step["name"] != "verify" or step["outcome"] == FAILED]
    outcomes = {step["outcome"] for step in shown}
    glance = next((outcome for outcome in (FAILED, CHANGED, OK) if outcome in outcomes), NOT_REACHED)
    return {**row, "outcome": glance, "steps": shown}


def _summary(rows: Sequence[Mapping[str, Any]], problems: Sequence[Any], rehearsed: bool) -> str:
    """One line, such as C(Done: 3 incidents, 0 failed; 2 linked; 2 closed, 1 closed already.)"""
    failed, missed = (sum(row["outcome"] == outcome for row in rows) for outcome in (FAILED, NOT_REACHED))
    head = f"{_count(len(rows), 'incident')}, {failed} failed" + (f", {missed} not reached" if missed else "")
    parts = [head, *_said(rows)]
    left = [row["ticket"] for row in rows if row["ticket"] and any(map(_left_ticket, row["steps"]))]
    if left:
        parts.append(f"tickets not looked at, because their incidents were closed already: {', '.join(left)}")
    if problems:
        parts.append("it was stopped" if any(problem["step"] == "Refused" for problem in problems) else "a step failed")
    return f"{'Rehearsed' if rehearsed else 'Done'}: {'; '.join(parts)}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _said(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was done to how many, a part for each kind of step."""
    by_title: dict[str, dict[str, int]] = {}
    for name, words in STEPS.items():
        for said in (words.done, words.foretold, words.known):
            by_title.setdefault(words.title, {}).setdefault(said, 0)
        for row in rows:
            for step in row["steps"]:
                if step["name"] == name and step["outcome"] != FAILED:
                    by_title[words.title][step["said"]] += 1
    for counts in by_title.values():
        told = ", ".join(_counted(count, said) for said, count in counts.items() if count)
        if told:
            yield told


def _counted(count: int, said: str) -> str:
    """How many; C(ticket opened) becomes C(2 tickets opened)."""
    noun, _space, rest = said.partition(" ")
    return f"{_count(count, noun)} {rest}" if noun == "ticket" else f"{count} {said}"


def _left_ticket(step: Mapping[str, Any]) -> bool:
    return TICKET_LEFT in step["notes"]


def left(
    incidents: Sequence[Mapping[str, Any]], result: Mapping[str, Any], of: Sequence[Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The incidents that are still in play after a step, with what it learnt of them: their ticket, and their record.

    :param incidents: that were in play before it.
    :param result: what Ansible registered.
    :param of: those that the step was about, in the order of its outcomes; all of them without it.
    """
    outcomes = {_key(outcome): outcome for outcome in _outcomes(result, of)}
    if not outcomes and _has_failed(result):
        outcomes = {_key(incident): {"failed": True} for incident in (incidents if of is None else of)}
    kept = [incident for incident in incidents if not _has_failed(outcomes.get(_key(incident), {}))]
    return [{**incident, **_learnt(incident, outcomes.get(_key(incident), {}))} for incident in kept]


def _learnt(incident: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What a step tells of an incident."""
    learnt: dict[str, Any] = {}
    link = outcome.get("link") or {}
    if "incident" in outcome:
        learnt["record"] = outcome["incident"]
    if "after" in link:
        # The identifier where it is known: the documentation of the closure knows no display numbers.
        ticket = link.get("ticket_id")
    elif "ticket_id" in incident:
        # What the user named stays, whatever else the incident may be linked to.
        ticket = None
    elif link.get("link") == "linked":
        ticket = link.get("ticket_number") or link.get("ticket_id")
    else:
        ticket = (outcome.get("object_id") or NEW_TICKET) if "created" in outcome else None
    return {**learnt, **({"ticket_id": str(ticket)} if ticket else {})}
