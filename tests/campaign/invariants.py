# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check what must hold after each run, regardless of the behaviour of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._errors import CATEGORIES
from ansible_collections.secops.itsm.tests.campaign.behaviours import HOPELESS
from ansible_collections.secops.itsm.tests.campaign.catalog import STATUS
from ansible_collections.secops.itsm.tests.campaign.editor import TWIN_COMMENT
from ansible_collections.secops.itsm.tests.campaign.runs import Run, TaskRun
from ansible_collections.secops.itsm.tests.campaign.story import Story, Task
from ansible_collections.secops.itsm.tests.campaign.targets import CommentTarget, TicketTarget
from ansible_collections.secops.itsm.tests.campaign.world import Exchange, Record, World

#: Categories of errors that must not occur: the options and the credentials are valid, and bugs are not expected.
WRONG_CATEGORIES = frozenset({"internal", "configuration", "authentication", "tls"})

#: Statuses of refusals with a reason.
REASONED = frozenset({400, 422})


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold.

    :param invariant: the name of the invariant.
    :param run: the name of the run after which it did not hold.
    :param text: the observation.
    """

    invariant: str
    run: str
    text: str


def violations_of(world: World, story: Story, run: Run) -> list[Violation]:
    """Return the invariants that do not hold after a run.

    :param world: the state of the server.
    :param story: the story.
    :param run: the result of the run.
    """
    found: list[tuple[str, str]] = []
    for done in run.tasks:
        found += _wrong_errors(world, done.task, done.result)
        if run.check_mode:
            continue
        found += _false_results(done)
        if done.task.listed and not done.result["failed"]:
            missing = done.task.listed(done.result)
            found += [("incomplete_list", missing)] if missing else []
    if run.check_mode:
        writes = [f"{write.method} {write.path}" for write in run.requests if write.is_write]
        found += [("write_in_check_mode", ", ".join(writes))] if writes else []
    found += _unnecessary_writes(story, run)
    found += _lost_edits(world, story)
    return [Violation(name, run.name, text) for name, text in found]


def violations_on_clean_server(world: World, story: Story, second: Run, third: Run) -> list[Violation]:
    """Return the invariants that do not hold after two runs on the clean server.

    :param world: the state of the server.
    :param story: the story.
    :param second: the first run on the clean server.
    :param third: the second run on the clean server.
    """
    found: list[Violation] = []
    for run in (second, third):
        failures = [done.result for done in run.tasks if done.result["failed"]]
        allowed = story.may_end_in(world)
        found += [
            Violation("does_not_converge", run.name, str(result["msg"]))
            for result in failures
            if result["error"]["category"] not in allowed
        ]
    if not third.failed and all(target.is_shown for target in story.targets):
        if third.changed:
            found.append(Violation("not_idempotent", third.name, "another run reports changed"))
        writes = [f"{write.method} {write.path}" for write in third.requests if write.is_write]
        if writes:
            found.append(Violation("not_idempotent", third.name, f"another run sends {', '.join(writes)}"))
    return found


def violations_of_prediction(predicted: Run, done: Run) -> list[Violation]:
    """Return the wrong predictions of check mode on the clean server.

    :param predicted: the run in check mode.
    :param done: the next run.
    """
    found = []
    for predicted_task, done_task in zip(predicted.tasks, done.tasks):
        task, before, after = predicted_task.task, predicted_task.result, done_task.result
        if before["failed"]:
            continue
        if after["failed"]:
            named = [*before.get("warnings", []), *before.get("unverified", [])]
            if not any("team_id" in text or "email" in text for text in named):
                found.append(Violation("false_prediction", done.name, f"predicted success, but failed: {after['msg']}"))
        elif before["changed"] != after["changed"] and all(target.is_shown for target in task.targets):
            text = f"{task.module} predicted changed: {before['changed']}, but reports {after['changed']}"
            found.append(Violation("false_prediction", done.name, text))
    return found


# --- results


def _entries(task: Task, result: Mapping[str, Any]) -> list[tuple[Any, Mapping[str, Any]]]:
    """Return the targets of a task with their results. Without entries, each has the result of the task."""
    entries = result.get("results") if task.is_list else None
    if entries is not None:
        return list(zip(task.targets, entries))
    return [(target, result) for target in task.targets]


def _wrong_errors(world: World, task: Task, result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # Values that only the service can validate are errors of the user, and so is an address that redirects elsewhere.
    may_be_configuration = bool(world.behaviours & {*HOPELESS, "redirect_other"})
    wrong = WRONG_CATEGORIES - ({"configuration"} if may_be_configuration else set())
    for reported in [result, *(result.get("results") or [])]:
        if not reported["failed"]:
            continue
        category = (reported.get("error") or {}).get("category")
        if category not in CATEGORIES or category in wrong:
            yield "wrong_category", f"{task.module} ended in {category}: {reported.get('msg')}"
    summary = result.get("summary")
    if task.is_list and summary and summary["changed"] + summary["ok"] + summary["failed"] != summary["total"]:
        yield "wrong_summary", f"{task.module} counts {summary}"


def _false_results(done: TaskRun) -> Iterator[tuple[str, str]]:
    for target, reported in _entries(done.task, done.result):
        writes = [write for write in done.requests if write.is_write and target.owns(write)]
        changed = any(write.changed for write in writes)
        name = type(target).__name__
        if reported["failed"]:
            if changed and not reported["changed"]:
                yield "false_unchanged", f"{name}: failed with changed: false after a write took effect"
            if reported["changed"] and not writes:
                yield "false_changed", f"{name}: failed with changed: true, but nothing was sent"
            yield from _hidden_reason(name, writes, reported)
            continue
        # If reads do not show the property, the task can only rely on the response.
        was_misled = not target.is_shown and any("write_ignored" in write.note for write in writes)
        if was_misled:
            continue
        if not target.is_wanted():
            word = "changed" if reported["changed"] else "ok"
            yield f"false_{word}", f"{name}: {word}, but the server does not have the wanted state"
        elif text := target.contradiction(reported):
            yield "false_result", f"{name}: {text}"
        if target.is_shown and changed and not reported["changed"]:
            yield "false_ok", f"{name}: ok, but a write of this run changed it"
        # A task cannot distinguish a comment of another run from its own if its request was interrupted or ignored.
        had_twin = any(TWIN_COMMENT in write.note for write in writes)
        if target.is_shown and reported["changed"] and not changed and not had_twin:
            yield "false_changed", f"{name}: changed, but no write of this run changed it"
        yield from _hidden_duplicate(target, reported, done.result, writes)


def _hidden_reason(name: str, writes: list[Exchange], reported: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield a violation if all writes were refused, and the message does not quote the reason."""
    # A truncated response has no reason to quote.
    whole = [write for write in writes if "cut_answer" not in write.note]
    refused = [write for write in whole if write.status in REASONED and isinstance(write.response, dict)]
    reasons = {write.response.get("message") for write in refused} - {None, "The ticket has changed"}
    if writes and len(refused) == len(writes) and reasons and not any(text in reported["msg"] for text in reasons):
        yield "refusal_not_quoted", f"{name}: the service refused with {sorted(reasons)}, but: {reported['msg']}"


def _hidden_duplicate(
    target: Any, reported: Mapping[str, Any], result: Mapping[str, Any], writes: list[Exchange]
) -> Iterator[tuple[str, str]]:
    """Yield a violation if another run created a duplicate, and no warning reports it."""
    warnings = [*(reported.get("warnings") or []), *(result.get("warnings") or [])]
    # A run cannot warn of a write that takes effect after its end.
    is_late = any("late_effect" in write.note for write in writes)
    if not reported["changed"] or warnings or is_late:
        return
    if isinstance(target, TicketTarget) and reported.get("created") and len(target.matches) > 1:
        yield "silent_twin", f"{target.tag} exists twice, without a warning"
    if isinstance(target, CommentTarget):
        wanted = target.text.split()
        count = sum(entry["text"].split() == wanted for entry in target.record.now["comments"])
        if count > 1:
            yield "silent_twin", "the comment exists twice, without a warning"


# --- the server


def _unnecessary_writes(story: Story, run: Run) -> Iterator[tuple[str, str]]:
    for write in run.requests:
        if write.changed and write.was_wanted and write.kind != "create":
            yield "written_twice", f"{write.method} {write.path} in spite of the wanted state"
        if write.kind == "create" and write.applied and write.subject is None:
            yield "foreign_ticket", f"a ticket without a task: {write.body}"
    for text in dict.fromkeys(text for target in story.targets if (text := target.surplus())):
        yield "there_twice", text


def _lost_edits(world: World, story: Story) -> Iterator[tuple[str, str]]:
    for key, record in world.incidents.items():
        yield from _changed_by_run("/".join(key), record, record.ours | {"comments", "updated"})
        theirs = [entry for entry in record.now["comments"] if entry["author"] not in ("us", "system")]
        if theirs != record.others["comments"]:
            yield "lost_edit", f"comments of others on incident {key[2]}: {theirs}"
        if not record.ours and any(entry["author"] == "us" for entry in record.now["comments"]):
            yield "lost_edit", f"a run commented on {'/'.join(key)} without a task"
    for name, record in world.tickets.items():
        yield from _changed_by_run(name, record, {"data", "etag", "journal", "updated"})
        targets = [target for target in story.targets if isinstance(target, TicketTarget)]
        ours = {STATUS}.union(*(target.fields for target in targets if target.tag == record.now["tag"]))
        now, others = record.now["data"], record.others["data"]
        changed = sorted(field for field in {*now, *others} - ours if now.get(field) != others.get(field))
        if changed:
            yield "lost_edit", f"fields {changed} of {name}"


def _changed_by_run(name: str, record: Record, allowed: set[str]) -> Iterator[tuple[str, str]]:
    wrong = [key for key, value in record.others.items() if key not in allowed and record.now[key] != value]
    if wrong:
        yield "lost_edit", f"{', '.join(wrong)} of {name}"
