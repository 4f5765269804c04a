# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Summarize the report of a runbook for a terminal: a line for each incident, the summary, and the report's path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import NOT_SENT
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import one_line, shortened
from ansible_collections.secops.itsm.plugins.plugin_utils.problems import limit_texts
from ansible_collections.secops.itsm.plugins.plugin_utils.report import CHANGED, FAILED, NOT_REACHED, TICKET_UNTOUCHED
from ansible_collections.secops.itsm.plugins.plugin_utils.short_ids import short_names
from ansible_collections.secops.itsm.plugins.plugin_utils.step_results import NEW_TICKET, incident_key_of

#: Maximum number of incidents that are shown.
MAX_INCIDENTS = 20

#: Maximum characters of a title, of an incident's name, and of the message of a failure.
MAX_TITLE_LENGTH, MAX_NAME_LENGTH, MAX_MESSAGE_LENGTH = 80, 60, 500

#: The words for an incident by its most important step: changed, to be changed (in check mode), and unchanged.
WORDS: Mapping[str, tuple[str, str, str]] = {
    "close": ("closed", "would close", "closed already"),
    "close_ticket": ("ticket closed", "would close ticket", "ticket closed already"),
    "reopen": ("reopened", "would reopen", "open already"),
    "activate": ("escalated", "would escalate", "escalated already"),
    "open_incident": ("incident open", "incident open", "incident open"),
    "open_ticket": ("ticket open", "ticket open", "ticket open"),
    "unlink": ("unlinked", "would unlink", "not linked"),
    "reconcile": ("corrected", "would correct", "correct already"),
    "opened": ("ticket opened", "would open ticket", "ticket opened"),
    "link": ("linked", "would link", "linked already"),
    "reference": ("ticket named", "would name ticket", "ticket named already"),
    "ticket": ("ticket updated", "would update ticket", "ticket found"),
    "assign": ("assigned", "would assign", "assigned already"),
    "comment": ("commented", "would comment", "commented already"),
    "found_closed": ("ticket found closed", "ticket found closed", "ticket found closed"),
    "known": ("ticket known", "ticket known", "ticket known"),
    "unknown_status": ("status unknown", "status unknown", "status unknown"),
    "status": ("same status", "same status", "same status"),
    "find": ("found", "found", "found"),
    "read": ("read", "read", "read"),
    "verify": ("checked", "checked", "checked"),
}

_RANKS = {name: rank for rank, name in enumerate(WORDS)}


@dataclass(frozen=True)
class Line:
    """The line of an incident.

    :param word: its result.
    :param name: its short name.
    :param text: its title.
    :param detail: the message of its failure.
    """

    word: str
    name: str
    text: str
    detail: str = ""


def summary_lines(report: Mapping[str, Any], files: Sequence[str]) -> list[str]:
    """Return the lines that a runbook ends with: failed incidents first, then those that need attention.

    :param report: from :func:`report.build_report`.
    :param files: the paths of the report's files.
    """
    rows = sorted(report["incidents"], key=_order)
    names = short_names([incident_key_of(row) for row in rows])
    reasons: dict[str, str] = {}
    lines = [_line(row, names[incident_key_of(row)], report["check_mode"], reasons) for row in rows[:MAX_INCIDENTS]]
    more = len(rows) - len(lines)
    notes = [_bounded(note, MAX_MESSAGE_LENGTH) for note in report["notes"]]
    return [
        *_aligned([*map(_problem_line, report["problems"]), *lines]),
        *([f"... and {more:,} more"] if more else []),
        *limit_texts(notes, "The report has {} more notes."),
        report["summary"],
        *_report_line(files),
    ]


def _problem_line(problem: Mapping[str, Any]) -> Line:
    """Return the line of a problem of the whole run."""
    message = _bounded(problem["msg"], MAX_MESSAGE_LENGTH)
    if problem["step"] == "Refused":
        return Line("stopped", "", message)
    return Line(FAILED, "", f"{problem['step']}: {message}")


def _report_line(files: Sequence[str]) -> Iterator[str]:
    """Yield the path of the report, of the page if there is one."""
    pages = [path for path in files if path.endswith(".html")]
    if files:
        yield f"Report: {(pages or list(files))[-1]}"


def _order(row: Mapping[str, Any]) -> int:
    if row["outcome"] == FAILED:
        return 0
    return 1 if row["outcome"] == NOT_REACHED or _has_untouched_ticket(row) else 2


def _has_untouched_ticket(row: Mapping[str, Any]) -> bool:
    return any(TICKET_UNTOUCHED in step["notes"] for step in row["steps"])


def _bounded(text: Any, length: int) -> str:
    return shortened(one_line(str(text or "")), length)


def _line(row: Mapping[str, Any], name: str, check_mode: bool, reasons: dict[str, str]) -> Line:
    """Return the line of an incident, with the message of its failure unless an incident above has the same one."""
    name, title = _bounded(name, MAX_NAME_LENGTH), _bounded(row["title"], MAX_TITLE_LENGTH)
    failures = [step["failure"] for step in row["steps"] if "failure" in step]
    if not failures:
        return Line(_word(row, check_mode), name, " ".join(filter(None, [title, _ticket(row)])))
    message = str(failures[0]["msg"])
    reason = _reason(message, row)
    if reason in reasons:
        is_last = reason == next(reversed(reasons))
        cause = "(same cause)" if is_last else f"(same cause as {reasons[reason]})"
        return Line(FAILED, name, " ".join(filter(None, [title, cause])))
    reasons[reason] = name
    return Line(FAILED, name, title, _bounded(message, MAX_MESSAGE_LENGTH))


def _reason(message: str, row: Mapping[str, Any]) -> str:
    """Return the message of a failure without what differs between incidents that failed for the same reason."""
    for text in filter(None, (row["incident_id"], row["workspace_id"], row["ticket"], NOT_SENT)):
        message = message.replace(str(text), "")
    return message.casefold()


def _ticket(row: Mapping[str, Any]) -> str:
    """Return the ticket of an incident in parentheses, or an empty text."""
    if not row["ticket"] or row["ticket"] == NEW_TICKET:
        return ""
    number = _bounded(row["ticket"], MAX_NAME_LENGTH)
    return f"(ticket {number} not changed)" if _has_untouched_ticket(row) else f"(ticket {number})"


def _word(row: Mapping[str, Any], check_mode: bool) -> str:
    """Return the word for the most important change of an incident, or for its most important step."""
    if row["outcome"] == NOT_REACHED:
        return "not reached"
    steps = [step for step in row["steps"] if step["outcome"] == CHANGED] or row["steps"]
    step = min(steps, key=lambda one: _RANKS[one["name"]])
    changed, predicted, unchanged = WORDS[step["name"]]
    return unchanged if step["outcome"] != CHANGED else predicted if check_mode else changed


def _aligned(lines: Sequence[Line]) -> Iterator[str]:
    """Yield lines whose words and names have the same width."""
    words, names = (max((len(getattr(line, part)) for line in lines), default=0) for part in ("word", "name"))
    for line in lines:
        parts = [f"{line.word:<{words}}", f"{line.name:<{names}}" if line.name else "", line.text]
        yield "  ".join(filter(None, parts)).rstrip()
        if line.detail:
            yield f"{'':<{words}}  {line.detail}"
