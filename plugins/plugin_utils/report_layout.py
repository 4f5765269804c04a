# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Arrange the report of a runbook for its readers: what needs attention first, and identical results in groups.

A value that all incidents of a group share is shown once for the group, and not again for each incident.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import NOT_SENT
from ansible_collections.secops.itsm.plugins.plugin_utils.report import (
    CHANGED,
    FAILED,
    NOT_REACHED,
    OK,
    TICKET_UNTOUCHED,
)
from ansible_collections.secops.itsm.plugins.plugin_utils.short_ids import first_unique, prefixes

#: The outcomes in the order of the report.
OUTCOME_ORDER = (FAILED, NOT_REACHED, CHANGED, OK)

#: Maximum number of incidents whose rows are visible before a reader opens a group, and whose details are.
MAX_OPEN_ROWS, MAX_OPEN_DETAILS = 100, 5

#: Maximum number of groups of failures that are visible before a reader opens the rest.
MAX_OPEN_FAILURES = 20

#: Maximum number of incidents that a group of failures names.
MAX_NAMES = 10

#: Minimum characters of an identifier that is ignored in the comparison of two messages.
MIN_IDENTIFIER = 3


@dataclass(frozen=True)
class Change:
    """A change of a value. A comment that all incidents share has no text of its own."""

    key: str
    before: str | None
    after: str | None
    is_shared_comment: bool = False


@dataclass(frozen=True)
class Note:
    """A note about a step."""

    text: str
    needs_attention: bool


@dataclass(frozen=True)
class Failure:
    """The failure of a step."""

    msg: str
    category: str | None
    request_id: str | None
    next_step: str


@dataclass(frozen=True)
class Step:
    """The result of a step, of one incident or of a group."""

    title: str
    text: str
    changes: Sequence[Change] = ()
    notes: Sequence[Note] = ()
    failure: Failure | None = None
    request_ids: Sequence[str] = ()

    @property
    def has_details(self) -> bool:
        """Return whether the step has more to show than its result."""
        return bool(self.changes or self.notes or self.failure)


@dataclass(frozen=True)
class Incident:
    """An incident as a row of the report.

    :param anchor: its place in the page.
    :param name: its source and its display number, or the beginning of its identifier.
    :param full_name: its source and its identifier.
    :param number: its display number, or an empty text.
    :param workspace: the beginning of its workspace's identifier.
    :param steps: its steps; in a group, without what the group shows.
    """

    anchor: str
    name: str
    full_name: str
    incident_id: str
    number: str
    title: str
    severity: str
    workspace: str
    workspace_id: str
    ticket: str
    outcome: str
    portal_url: str
    steps: Sequence[Step]


@dataclass(frozen=True)
class ResultGroup:
    """Incidents with the same result.

    :param result: the results of the steps in words.
    :param steps: what all incidents of the group share.
    :param is_open: whether its rows are visible at first.
    """

    anchor: str
    outcome: str
    result: str
    steps: Sequence[Step]
    incidents: Sequence[Incident]
    is_open: bool


@dataclass(frozen=True)
class FailureGroup:
    """Incidents that failed in the same step for the same reason.

    :param is_exact: whether the message of every incident is this one. Otherwise they differ in identifiers.
    """

    step: str
    failure: Failure
    incidents: Sequence[Incident]
    is_exact: bool

    @property
    def workspaces(self) -> Mapping[str, int]:
        """Return the number of incidents by workspace, because each may need its own correction, such as a role."""
        return Counter(incident.workspace for incident in self.incidents)


@dataclass(frozen=True)
class Share:
    """The share of an outcome in the bar of the summary, in per mille."""

    outcome: str
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class Layout:
    """The report as its readers see it.

    :param facts: the properties of the run, pairs of label and value.
    :param comment: the comment that all incidents share, or an empty text.
    :param unchecked: incidents that were closed already, so that their tickets were not checked.
    """

    shares: Sequence[Share]
    facts: Sequence[tuple[str, Any]]
    variables: Mapping[str, Any]
    comment: str
    problems: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    failures: Sequence[FailureGroup]
    not_reached: Sequence[Incident]
    unchecked: Sequence[Incident]
    groups: Sequence[ResultGroup]
    has_tickets: bool
    has_severities: bool
    has_workspaces: bool
    has_links: bool
    opens_details: bool

    @property
    def needs_attention(self) -> bool:
        """Return whether a reader has anything to do."""
        return bool(self.problems or self.notes or self.failures or self.not_reached or self.unchecked)

    @property
    def first_failures(self) -> Sequence[FailureGroup]:
        """Return the groups of failures that are visible at first."""
        return self.failures[:MAX_OPEN_FAILURES]

    @property
    def other_failures(self) -> Sequence[FailureGroup]:
        """Return the other groups of failures."""
        return self.failures[MAX_OPEN_FAILURES:]


def arrange(report: Mapping[str, Any]) -> Layout:
    """Return a report as its readers see it.

    :param report: from :func:`report.build_report`, with visible characters only.
    """
    rows: Sequence[Mapping[str, Any]] = report["incidents"]
    comment = shared_comment(rows)
    workspaces = abbreviated(row["workspace_id"] for row in rows)
    identifiers = abbreviated(row["incident_id"] for row in rows)
    incidents = [
        _incident(number, row, comment, identifiers, workspaces) for number, row in enumerate(in_order(rows), 1)
    ]
    groups = result_groups(incidents)
    facts = [(str(label), value) for label, value in report["head"]]
    has_workspaces = len(set(workspaces.values())) > 1
    if rows and not has_workspaces and rows[0]["workspace_id"]:
        facts.append(("Workspace", rows[0]["workspace_id"]))
    return Layout(
        shares=shares({outcome: report["counts"][outcome] for outcome in OUTCOME_ORDER}),
        facts=facts,
        variables={
            name: value
            for name, value in report["asked"].items()
            if not (name == "comment" and comment and str(value).strip() == comment)
        },
        comment=comment,
        problems=report["problems"],
        notes=report["notes"],
        failures=failure_groups(incidents),
        not_reached=[incident for incident in incidents if incident.outcome == NOT_REACHED],
        unchecked=[incident for incident in incidents if any(map(_needs_attention, incident.steps))],
        groups=groups,
        has_tickets=any(incident.ticket for incident in incidents),
        has_severities=any(incident.severity for incident in incidents),
        has_workspaces=has_workspaces,
        has_links=any(incident.portal_url for incident in incidents),
        opens_details=len(incidents) <= MAX_OPEN_DETAILS,
    )


def in_order(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the incidents by outcome, failed ones first, and otherwise in their own order.

    :param rows: the incidents of a report.
    """
    return sorted(rows, key=lambda row: OUTCOME_ORDER.index(row["outcome"]))


def shares(counts: Mapping[str, int]) -> list[Share]:
    """Return the share of each outcome that occurs.

    :param counts: the number of incidents by outcome, in the order of the bar.
    """
    total, done, found = sum(counts.values()), 0, []
    for outcome, count in counts.items():
        if count:
            found.append(Share(outcome, count, round(1000 * done / total, 1), round(1000 * count / total, 1)))
        done += count
    return found


def shared_comment(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the comment that is posted on all incidents that get one, if there are several, or an empty text.

    :param rows: the incidents of a report.
    """
    comments = [
        change["after"]
        for row in rows
        for step in row["steps"]
        for change in step["changes"]
        if change["key"] == "comment" and change["before"] is None
    ]
    return comments[0] if len(comments) > 1 and comments[0] and len(set(comments)) == 1 else ""


def abbreviated(identifiers: Iterable[str]) -> dict[str, str]:
    """Return the shortest unique beginning of each identifier.

    :param identifiers: the identifiers; the same one may occur more than once, in upper or lower case.
    """
    known = list(identifiers)
    distinct = {identifier.casefold(): identifier for identifier in reversed(known)}
    short = dict(zip(distinct, first_unique([list(prefixes(identifier)) for identifier in distinct.values()])))
    return {identifier: short[identifier.casefold()] for identifier in known}


def _incident(
    number: int,
    row: Mapping[str, Any],
    comment: str,
    identifiers: Mapping[str, str],
    workspaces: Mapping[str, str],
) -> Incident:
    """Return an incident with all its steps."""
    source, incident_id, shown = row["source"], row["incident_id"], row["number"] or identifiers[row["incident_id"]]
    texts = {
        key: str(row[key] or "") for key in ("number", "title", "severity", "workspace_id", "ticket", "portal_url")
    }
    return Incident(
        anchor=f"incident-{number}",
        name=f"{source} {shown}".strip(),
        full_name=f"{source} {incident_id}".strip(),
        incident_id=incident_id,
        workspace=workspaces[row["workspace_id"]],
        outcome=row["outcome"],
        steps=[_step(step, comment) for step in row["steps"]],
        **texts,
    )


def _step(step: Mapping[str, Any], comment: str) -> Step:
    """Return a step of a report."""
    failure = step.get("failure")
    return Step(
        title=step["title"],
        text=f"{step['title']} failed" if failure else step["outcome_text"],
        changes=tuple(_change(change, comment) for change in step["changes"]),
        notes=tuple(Note(text, text == TICKET_UNTOUCHED) for text in step["notes"]),
        failure=Failure(**{name: failure[name] for name in ("msg", "category", "request_id", "next_step")})
        if failure
        else None,
        request_ids=tuple(step["request_ids"]),
    )


def _change(change: Mapping[str, Any], comment: str) -> Change:
    is_shared = bool(comment) and change["key"] == "comment" and change["after"] == comment
    return Change(change["key"].replace("_", " "), change["before"], change["after"], is_shared)


def _needs_attention(step: Step) -> bool:
    return any(note.needs_attention for note in step.notes)


def reason_of(incident: Incident, failure: Failure) -> tuple[str, str]:
    """Return the category and the message of a failure without the values that identify its incident.

    :param incident: the incident.
    :param failure: its failure.
    """
    own = {incident.incident_id, incident.number, incident.title, incident.ticket, incident.workspace_id}
    own |= {incident.full_name.partition(" ")[0], failure.request_id or ""}
    known = sorted((value for value in own if len(value) >= MIN_IDENTIFIER), key=len, reverse=True)
    pattern = "|".join(rf"(?<!\w){re.escape(value)}(?!\w)" for value in known) or r"(?!)"
    text = failure.msg.removeprefix(NOT_SENT)
    return failure.category or "", re.sub(pattern, "\N{HORIZONTAL ELLIPSIS}", text, flags=re.IGNORECASE).casefold()


def failure_groups(incidents: Iterable[Incident]) -> list[FailureGroup]:
    """Return the failures, those with the same step and reason in one group, the largest group first.

    :param incidents: the incidents.
    """
    found: dict[tuple[str, tuple[str, str]], list[tuple[Incident, Failure]]] = {}
    for incident in incidents:
        for step in incident.steps:
            if step.failure:
                key = (step.title, reason_of(incident, step.failure))
                found.setdefault(key, []).append((incident, step.failure))
    groups = [
        FailureGroup(
            step=title,
            failure=members[0][1],
            incidents=[incident for incident, _failure in members],
            is_exact=len({failure.msg for _incident, failure in members}) == 1,
        )
        for (title, _reason), members in found.items()
    ]
    return sorted(groups, key=lambda group: -len(group.incidents))


def result_groups(incidents: Iterable[Incident]) -> list[ResultGroup]:
    """Return the incidents in groups with the same result: by outcome, and the largest group of an outcome first.

    Failures of one category are one result, because :func:`failure_groups` lists their reasons.

    :param incidents: the incidents by outcome.
    """
    found: dict[tuple[str, Any], list[Incident]] = {}
    for incident in incidents:
        results = tuple((step.title, step.text, step.failure and step.failure.category) for step in incident.steps)
        found.setdefault((incident.outcome, results), []).append(incident)
    ordered = sorted(found.values(), key=lambda group: (OUTCOME_ORDER.index(group[0].outcome), -len(group)))
    groups, visible_rows = [], 0
    for number, members in enumerate(ordered, 1):
        is_open = visible_rows + len(members) <= MAX_OPEN_ROWS
        visible_rows += len(members) if is_open else 0
        groups.append(_group(f"group-{number}", members, is_open))
    return groups


def _group(anchor: str, members: Sequence[Incident], is_open: bool) -> ResultGroup:
    """Return incidents with the same result as a group, with what they share moved to the group."""
    steps = members[0].steps
    shared = [_shared_step([incident.steps[place] for incident in members]) for place in range(len(steps))]
    return ResultGroup(
        anchor=anchor,
        outcome=members[0].outcome,
        result=_result_text(steps),
        steps=[step for step in shared if step.has_details],
        incidents=[
            replace(incident, steps=[_without(step, common) for step, common in zip(incident.steps, shared)])
            for incident in members
        ],
        is_open=is_open,
    )


def _result_text(steps: Sequence[Step]) -> str:
    """Return the results of the steps in words, such as ``linked, Close failed (conflict)``."""
    texts = [
        f"{step.text} ({step.failure.category.replace('_', ' ')})"
        if step.failure and step.failure.category
        else step.text
        for step in steps
    ]
    return ", ".join(texts) or "no step was run"


def _shared_step(steps: Sequence[Step]) -> Step:
    """Return what the same step of several incidents has in common. One incident has nothing to share."""
    first, others = steps[0], steps[1:]
    if not others:
        return Step(first.title, first.text)
    failures = {(step.failure.msg, step.failure.next_step) for step in steps if step.failure}
    return Step(
        first.title,
        first.text,
        changes=tuple(change for change in first.changes if all(change in step.changes for step in others)),
        notes=tuple(note for note in first.notes if all(note in step.notes for step in others)),
        failure=replace(first.failure, request_id=None) if first.failure and len(failures) == 1 else None,
    )


def _without(step: Step, shared: Step) -> Step:
    """Return a step of an incident without what its group shows. The identifiers of its requests are its own."""
    failure, request_ids = step.failure, list(step.request_ids)
    if failure and failure.request_id and failure.request_id not in request_ids:
        request_ids.append(failure.request_id)
    return replace(
        step,
        changes=tuple(change for change in step.changes if change not in shared.changes),
        notes=tuple(note for note in step.notes if note not in shared.notes),
        failure=None if shared.failure else failure,
        request_ids=tuple(request_ids),
    )
