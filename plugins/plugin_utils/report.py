# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Build the report of a runbook as data: the request, the result for each incident, and the next steps."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import LISTED_WORKSPACE_KEY
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import title_of
from ansible_collections.secops.itsm.plugins.module_utils._engine.module_definition import VERSION
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line
from ansible_collections.secops.itsm.plugins.plugin_utils.incident_texts import number_of
from ansible_collections.secops.itsm.plugins.plugin_utils.portal_links import portal_link
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import example_names, limit_texts
from ansible_collections.secops.itsm.plugins.plugin_utils.runbook_input import IDENTITY_KEYS
from ansible_collections.secops.itsm.plugins.plugin_utils.step_results import (
    has_failed,
    incident_key_of,
    step_outcomes,
    ticket_of,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.ticket_reference import checked_link, own_link


@dataclass(frozen=True)
class StepWording:
    """The words for the results of a step.

    :param title: the title of the step.
    :param done: for an incident that it changed.
    :param predicted: the same in check mode.
    :param unchanged: for an incident that it did not have to change.
    """

    title: str
    done: str
    predicted: str
    unchanged: str


#: The steps of all runbooks by name.
STEPS: Mapping[str, StepWording] = {
    "find": StepWording("Find", "found", "found", "found"),
    "verify": StepWording("Check", "can be changed", "can be changed", "unchanged"),
    "read": StepWording("Read", "read", "read", "read"),
    "ticket": StepWording("Ticket", "ticket updated", "ticket would be updated", "ticket found"),
    "opened": StepWording("Ticket", "ticket opened", "ticket would be opened", "ticket opened"),
    "known": StepWording("Ticket", "ticket known already", "ticket known already", "ticket known already"),
    "link": StepWording("Link", "linked", "would be linked", "linked already"),
    "reference": StepWording(
        "Reference",
        "ticket named in a comment",
        "ticket would be named in a comment",
        "ticket named in a comment already",
    ),
    "unlink": StepWording("Unlink", "unlinked", "would be unlinked", "without a ticket already"),
    "reconcile": StepWording("Link", "corrected", "would be corrected", "correct already"),
    "status": StepWording("Status", *["with the same status"] * 3),
    "open_incident": StepWording("Status", *["open with a closed ticket"] * 3),
    "open_ticket": StepWording("Status", *["closed with an open ticket"] * 3),
    "unknown_status": StepWording("Status", *["with an unknown status"] * 3),
    "close": StepWording("Close", "closed", "would be closed", "closed already"),
    "found_closed": StepWording("Close ticket", "ticket found closed", "ticket found closed", "ticket found closed"),
    "close_ticket": StepWording("Close ticket", "ticket closed", "ticket would be closed", "ticket closed already"),
    "activate": StepWording("Activate", "set to Active", "would be set to Active", "Active already"),
    "reopen": StepWording("Reopen", "reopened", "would be reopened", "open already"),
    "assign": StepWording("Assign", "assigned", "would be assigned", "assigned already"),
    "comment": StepWording("Comment", "commented", "would be commented", "commented already"),
}

#: The next step after a failure, by category.
NEXT_STEPS: Mapping[str, str] = {
    "configuration": "Correct the settings named in the message, then run the runbook again.",
    "authentication": "Check the credentials of the job, then run the runbook again.",
    "permission": "Ask for the role or scope named in the message, then run the runbook again.",
    "not_found": "Check the workspace, the source and the identifier.",
    "validation": "Correct the values named in the message, then run the runbook again.",
    "conflict": "Check the current value and decide which one is correct. To overwrite it, set replace to true.",
    "ambiguous_match": "Set the identifier of the ticket, or a value that only one ticket has.",
    "rate_limited": "Wait a few minutes, then run the runbook again; completed changes are kept.",
    "unavailable": "Run the runbook again once the service can be reached; completed changes are kept.",
    "ambiguous_write": "Check the incident or the ticket in its portal, then run the runbook again.",
    "contract": "Run secops.itsm.verify_connection and report its result, because the responses violate the contract.",
    "not_converged": "Check the incident, and run the runbook again only once it shows the expected state.",
    "tls": "Check the certificate, the CA and the proxy.",
    "internal": "Report this as a bug, with the message.",
}
DEFAULT_NEXT_STEP = "Correct the cause named in the message, then run the runbook again."

#: Notes about the ticket of a closed incident.
TICKET_CLOSED = "The service was asked to close the ticket; it does not show whether it did."
TICKET_WOULD_BE_CLOSED = "The service would be asked to close the ticket; it does not show whether it does."
TICKET_UNTOUCHED = "The ticket was not changed, because the incident was closed already."

UNCHECKED_TICKET = (TICKET_CLOSED, TICKET_WOULD_BE_CLOSED, TICKET_UNTOUCHED)

#: The steps that show that the ticket of an incident is closed.
CHECKED_TICKET = ("found_closed", "close_ticket")

#: The properties of a run that a report always shows, even if they are not set.
ALWAYS_SHOWN = ("Requested by", "Reference")

#: The outcome of an incident.
FAILED, CHANGED, OK, NOT_REACHED = "failed", "changed", "ok", "not_reached"
OUTCOMES = (CHANGED, OK, FAILED, NOT_REACHED)


def build_report(
    steps: Sequence[Mapping[str, Any]], about: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the report of a run.

    :param steps: the steps in order, each with a ``name`` of :data:`STEPS`, its registered ``result``,
        ``incidents`` if the outcomes in it do not name theirs, ``ticket_key`` if it opens tickets, the key of a
        ticket's number in an outcome, and ``reference``, the facts about the reference of an incident to its ticket.
    :param about: the run: ``runbook``, ``title``, ``check_mode``, ``head``, ``asked``, ``stopped``, why it stopped, and
        ``nothing_to_do``, why there was no incident, ``notes``, sentences about what was left unchanged, and
        ``portal_url``, the address of an incident in the portal with placeholders. ``rehearsed`` is the former name of
        ``check_mode``.
    :param incidents: the incidents of the run in order; each may have a ``title`` and a ``severity``.
    """
    check_mode = bool(about.get("check_mode", about.get("rehearsed")))
    rows = {incident_key_of(incident): _row(incident) for incident in incidents}
    problems: list[dict[str, Any]] = []
    for step in steps:
        name, result = step["name"], step.get("result") or {}
        _add_numbers(rows, result.get("incidents"))
        outcomes = [_referenced(outcome, step, check_mode) for outcome in step_outcomes(result, step.get("incidents"))]
        for outcome in outcomes:
            found = _linked_ticket(outcome) or ticket_of(outcome, step.get("ticket_key"))
            _add_outcome(rows.setdefault(incident_key_of(outcome), _row(outcome)), name, outcome, check_mode, found)
        if not outcomes and has_failed(result):
            problems.append({"step": STEPS[name].title, **_failure(result)})
    if about.get("stopped"):
        problems.append({"step": "Refused", **_failure({"msg": about["stopped"]})})
    if not problems and not about.get("nothing_to_do") and not any(step.get("result") for step in steps):
        problems += [{"step": "Refused", **_failure({"msg": text})} for text in _tag_problem(about)]
    portal_url = str(about.get("portal_url") or "")
    listed = [{**_with_outcome(row), "portal_url": portal_link(portal_url, row)} for row in rows.values()]
    counts = {outcome: sum(row["outcome"] == outcome for row in listed) for outcome in OUTCOMES}
    failures = _list_failures(listed)
    lines = limit_texts(
        [entry["line"] for entry in failures] + [problem["msg"] for problem in problems],
        "There are {} more failures. The report files and itsm_report list all of them.",
    )
    return {
        **about,
        "head": _complete_head(about["head"]),
        "check_mode": check_mode,
        # Deprecated, to be removed in 1.0.
        "rehearsed": check_mode,
        "outcome": _overall_outcome(counts, problems),
        "counts": {"incidents": len(listed), **counts},
        "summary": _summary(listed, counts, problems, check_mode, about.get("nothing_to_do") or ""),
        "incidents": listed,
        "problems": problems,
        "notes": [one_line(str(note)) for note in about.get("notes") or []],
        "failures": failures,
        "lines": lines or _not_reached_lines(counts[NOT_REACHED]),
        "made_by": f"secops.itsm {VERSION}",
    }


def _referenced(outcome: Mapping[str, Any], step: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return an outcome as the reference of incidents to their tickets makes it, if the step depends on it."""
    reference = step.get("reference") or {}
    if step["name"] == "link":
        return checked_link(outcome, reference, check_mode)
    return own_link(outcome, reference)


def _complete_head(head: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return the properties of a run with those that are always shown, with None if they are not set.

    They follow the name of the runbook.
    """
    given = {pair[0]: pair[1] for pair in head}
    first = ["Runbook"] if "Runbook" in given else []
    labels = dict.fromkeys([*first, *ALWAYS_SHOWN, *given])
    return [[label, given.get(label)] for label in labels]


def _tag_problem(about: Mapping[str, Any]) -> Iterator[str]:
    """Yield why no step was run, if tags are the reason."""
    tags = about.get("tags") or {}
    words = {"--tags": tags.get("run"), "--skip-tags": tags.get("skipped")}
    chosen = " and ".join(f"{option} {','.join(named)}" for option, named in words.items() if named)
    if chosen:
        yield (f"No step was run, because of {chosen}. The tags of {about['runbook']} are {', '.join(tags['known'])}.")


def _not_reached_lines(count: int) -> list[str]:
    """Return a line about the incidents for which no step was run."""
    return [f"No step was run for {_count(count, 'incident')}."] if count else []


def _list_failures(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each failure with its incident and the next step."""
    return [
        {
            **{name: row[name] for name in (*IDENTITY_KEYS, "title")},
            "step": step["title"],
            **step["failure"],
            "line": f"{row['source']} {row['incident_id']}: {step['failure']['msg']}",
        }
        for row in rows
        for step in row["steps"]
        if "failure" in step
    ]


def _overall_outcome(counts: Mapping[str, int], problems: Sequence[Any]) -> str:
    if counts[FAILED] or counts[NOT_REACHED] or problems:
        return FAILED
    return CHANGED if counts[CHANGED] else OK


def _row(incident: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: str(incident.get(name) or "") for name in IDENTITY_KEYS},
        "title": incident.get("title"),
        "severity": incident.get("severity"),
        "number": str(incident.get("incident_number") or "") or None,
        "ticket": incident.get("ticket_id") or incident.get("ticket_number"),
        "steps": [],
    }


def _add_numbers(rows: Mapping[Any, dict[str, Any]], records: Any) -> None:
    """Add the numbers of incidents that a step has listed."""
    for record in records if isinstance(records, list) else []:
        named = {"incident_id": record.get("id"), "workspace_id": record.get(LISTED_WORKSPACE_KEY)}
        row = rows.get(incident_key_of({**record, **named}))
        if row:
            row["number"] = row["number"] or number_of(record)


def _failure(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message of a failure and the next step."""
    error = outcome.get("error") or {}
    category = error.get("category")
    return {
        "msg": str(outcome.get("msg") or "The task failed."),
        "category": category,
        "request_id": error.get("request_id"),
        "next_step": NEXT_STEPS.get(str(category), DEFAULT_NEXT_STEP),
    }


def _add_outcome(
    row: dict[str, Any], name: str, outcome: Mapping[str, Any], check_mode: bool, ticket: str | None
) -> None:
    """Add the outcome of a step, and the ticket that it found, to the row of an incident."""
    failed = has_failed(outcome)
    record = outcome.get("incident") or {}
    row["title"] = row["title"] or outcome.get("title") or title_of(record)
    row["severity"] = row["severity"] or record.get("severity")
    row["number"] = row["number"] or number_of(record)
    was_named = row["ticket"] is not None
    if name != "read" or not was_named:
        row["ticket"] = ticket or row["ticket"]
    if name == "read" and not failed:
        if was_named or (outcome.get("link") or {}).get("link") != "linked":
            return
        name, outcome = "known", {**outcome, "changed": False}
    elif name == "ticket" and outcome.get("created"):
        name = "opened"
    elif name == "status":
        name = outcome.get("comparison", name)
    row["steps"].append(_step(name, outcome, check_mode))


def _step(name: str, outcome: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the outcome of a step for an incident."""
    wording = STEPS[name]
    common = {"name": name, "title": wording.title, "request_ids": list(outcome.get("request_ids") or [])}
    if has_failed(outcome):
        failure = _failure(outcome)
        return {**common, "outcome": FAILED, "outcome_text": FAILED, "changes": [], "notes": [], "failure": failure}
    changed = bool(outcome.get("changed"))
    of_change = wording.predicted if check_mode else wording.done
    return {
        **common,
        "outcome": CHANGED if changed else OK,
        "outcome_text": of_change if changed else wording.unchanged,
        "changes": changes(outcome.get("diff")) if changed else [],
        "notes": _notes(outcome, check_mode),
    }


def _linked_ticket(outcome: Mapping[str, Any]) -> str | None:
    """Return the ticket that an incident is linked to, by its display number if there is one."""
    link = outcome.get("link")
    if isinstance(link, Mapping) and link.get("after", link.get("link")) not in ("unlinked", "unknown"):
        shown = link.get("ticket_number") or link.get("ticket_id")
        return str(shown) if shown else None
    return None


def _notes(outcome: Mapping[str, Any], check_mode: bool) -> list[str]:
    """Return the module's warnings, and notes about changes that cannot be verified."""
    notes = [str(text) for text in outcome.get("warnings") or []]
    unverified = list(outcome.get("unverified") or [])
    if "update_ticket" in unverified:
        after = (outcome.get("diff") or {}).get("after")
        closes_ticket = isinstance(after, Mapping) and "closed_ticket" in after
        of_closure = TICKET_WOULD_BE_CLOSED if check_mode else TICKET_CLOSED
        notes.append(of_closure if closes_ticket else TICKET_UNTOUCHED)
    # Names of options, or sentences about what check mode cannot verify.
    notes += [text for text in unverified if " " in text]
    rest = [name for name in unverified if name != "update_ticket" and " " not in name]
    if rest:
        notes.append(f"The service does not show {', '.join(rest)}.")
    return notes


def changes(diff: Any) -> list[dict[str, Any]]:
    """Return the changes in a diff, key by key.

    :param diff: the diff of a module.
    """
    sides = [diff.get("before"), diff.get("after")] if isinstance(diff, Mapping) else []
    values = [dict(_flat_values(side)) for side in sides if isinstance(side, Mapping)]
    if len(values) != 2:
        return []
    before, after = values
    return [
        {"key": key, "before": _text(before.get(key)), "after": _text(after.get(key))}
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _flat_values(side: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of one side of a diff, nested ones by their own labels."""
    for key, value in side.items():
        if isinstance(value, Mapping):
            yield from ((str(inner), value[inner]) for inner in value)
        else:
            yield str(key), value


def _text(value: Any) -> str | None:
    """Return a value as a text, or None if it is empty."""
    if value is None or value in ("", {}, []):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _with_outcome(row: dict[str, Any]) -> dict[str, Any]:
    """Return an incident with its overall outcome. The preliminary check counts only if it failed."""
    shown = [step for step in row["steps"] if step["name"] != "verify" or step["outcome"] == FAILED]
    if any(step["name"] in CHECKED_TICKET and step["outcome"] != FAILED for step in shown):
        shown = [{**step, "notes": [note for note in step["notes"] if note not in UNCHECKED_TICKET]} for step in shown]
    outcomes = {step["outcome"] for step in shown}
    outcome = next((outcome for outcome in (FAILED, CHANGED, OK) if outcome in outcomes), NOT_REACHED)
    return {**row, "outcome": outcome, "steps": shown}


def _summary(
    rows: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
    problems: Sequence[Any],
    check_mode: bool,
    nothing_to_do: str,
) -> str:
    """Return a line such as ``Done: 3 incidents, 0 failed; 2 linked; 2 closed, 1 closed already.``

    The line of a failed run starts with, for example, ``Failed: 1 of 3 incidents failed, 2 not reached``.
    """
    if nothing_to_do and not rows and not problems:
        return f"Nothing to do: {nothing_to_do}."
    incidents = _count(len(rows), "incident")
    if _overall_outcome(counts, problems) == FAILED:
        label = "Failed in check mode" if check_mode else "Failed"
        failed, not_reached = counts[FAILED], counts[NOT_REACHED]
        head = incidents
        if failed:
            head = f"{failed} of {incidents} failed" + (f", {not_reached} not reached" if not_reached else "")
        elif not_reached:
            head = f"{not_reached} of {incidents} not reached"
    else:
        label = "Check mode" if check_mode else "Done"
        head = f"{incidents}, 0 failed"
    parts = [head, *_step_counts(rows)]
    untouched = [row["ticket"] for row in rows if row["ticket"] and any(map(_leaves_ticket, row["steps"]))]
    if untouched:
        parts.append(f"tickets not checked, because their incidents were closed already: {example_names(untouched)}")
    if problems:
        is_stopped = any(problem["step"] == "Refused" for problem in problems)
        parts.append("the run was stopped" if is_stopped else "a step failed")
    return f"{label}: {'; '.join(parts)}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _step_counts(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the number of incidents for each result, one part for each kind of step."""
    by_title: dict[str, dict[str, int]] = {}
    for name, wording in STEPS.items():
        for text in (wording.done, wording.predicted, wording.unchanged):
            by_title.setdefault(wording.title, {}).setdefault(text, 0)
        for row in rows:
            for step in row["steps"]:
                if step["name"] == name and step["outcome"] != FAILED:
                    by_title[wording.title][step["outcome_text"]] += 1
    for counts in by_title.values():
        part = ", ".join(_counted(count, text) for text, count in counts.items() if count)
        if part:
            yield part


def _counted(count: int, text: str) -> str:
    """Return a count with its wording; ``ticket opened`` becomes ``2 tickets opened``."""
    noun, _space, rest = text.partition(" ")
    return f"{_count(count, noun)} {rest}" if noun == "ticket" else f"{count} {text}"


def _leaves_ticket(step: Mapping[str, Any]) -> bool:
    return TICKET_UNTOUCHED in step["notes"]
