# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Post a comment on an incident, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_operation import IncidentOperation
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import fold_whitespace
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    OperationResult,
    Plan,
    RunOptions,
    Write,
    check_verify_timeout,
    difference,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import check_not_null

POST = "post"

#: The comment as the service shows it, or None.
State = Optional[Mapping[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """The parsed options of a task.

    :param text: the text to post, with the marker.
    :param marker: identifies the comment instead of the text.
    """

    key: IncidentKey
    text: str
    marker: str | None = None


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one incident.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    key = incident_key(options["workspace_id"], options["source"], options["incident_id"])
    check_verify_timeout(options)
    if options.get("comment") is None:
        raise configuration_error(f"comment is missing: set it to the text to post on {key}.")
    text = options["comment"].strip()
    marker = options.get("marker")
    if not text:
        raise configuration_error(f"comment is empty: set it to the text to post on {key}.")
    if marker is None:
        return Wanted(key, text)
    check_not_null("marker", marker)
    marker = fold_whitespace(marker)
    if not marker:
        raise configuration_error(
            "marker is empty, so every comment would contain it: leave it out, or set it to an identifier."
        )
    return Wanted(key, text if has_marker(text, marker) else f"{text}\n\n[{marker}]", marker)


def has_marker(text: Any, marker: str) -> bool:
    """Return whether a text contains a marker as a separate word: neither CHG-12 nor CHG-1-b contains CHG-1.

    :param text: a comment's message, which may be null.
    :param marker: the marker, with its white space folded.
    """
    return bool(re.search(rf"(?<![\w-])(?<!\w\.){re.escape(marker)}(?![\w-])(?!\.\w)", fold_whitespace(text)))


def matching_comments(comments: Sequence[Mapping[str, Any]], wanted: Wanted) -> list[Mapping[str, Any]]:
    """Return the comments with the marker, or, without a marker, those with the same text except for white space.

    :param comments: the comments in the service's order.
    :param wanted: the parsed options.
    """
    if wanted.marker:
        return [entry for entry in comments if has_marker(entry.get("message"), wanted.marker)]
    return [entry for entry in comments if fold_whitespace(entry.get("message")) == fold_whitespace(wanted.text)]


def find_comment(comments: Sequence[Mapping[str, Any]], wanted: Wanted) -> State:
    """Return the first matching comment, or None.

    :param comments: the comments in the service's order.
    :param wanted: the parsed options.
    """
    return next(iter(matching_comments(comments, wanted)), None)


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """Plan the post. A pure function: return the write and the comment after it.

    :param current: the comment, or None if the incident does not have it.
    :param wanted: the parsed options.
    """
    if current is not None:
        return Plan(current)
    return Plan({"message": wanted.text}, (Write(POST, {"content": wanted.text}, is_additive=True),))


@dataclass(frozen=True)
class History:
    """Facts about the comment that a run has learned.

    :param posted: the comment that this run posted, as the service returned it.
    :param copies: the number of matching comments at the last read.
    """

    posted: Mapping[str, Any] | None = None
    copies: int = 0


class PostComment(IncidentOperation[State, History]):
    """Post a comment on one incident."""

    history: History = History()
    _wanted: Wanted

    def read(self) -> State:
        """Return the comment, or None; the id identifies a posted comment whose text the service changed."""
        comments = self._api.comments(self._wanted.key)
        copies = matching_comments(comments, self._wanted)
        self._learn(copies=len(copies))
        posted = str((self.history.posted or {}).get("id") or "")
        if not copies and posted:
            copies = [entry for entry in comments if str(entry.get("id")) == posted]
        return next(iter(copies), None)

    def plan(self, current: State) -> Plan[State]:
        """Return the plan for the remaining write."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Post the comment."""
        text = str(write.body["content"])
        posted = {"message": text, **self._api.add_comment(self._wanted.key, text)}
        self._learn(posted=posted)

    def describe(self, state: State) -> str:
        """Return a description of the state for messages."""
        return "no such comment" if state is None else "the comment"


def post_comment(api: ContraForceApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Post a comment on an incident unless it already has the comment.

    :param api: the ContraForce API.
    :param wanted: the parsed options.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = PostComment(api, wanted)
    outcome = reconcile(operation, run)
    # Without a read-back, the comment is known from the response to the request.
    comment = dict((operation.history.posted if run.verify_timeout <= 0 else None) or outcome.after or {})
    return OperationResult(
        changed=outcome.changed,
        values={
            "comment": comment,
            "before": _message(outcome.before),
            "after": _message(comment),
            "diff": difference(operation.label, _message(outcome.before), _message(outcome.plan.after)),
            "request_ids": api.request_ids,
        },
        warnings=[
            *warnings_on(comment, wanted),
            *(_warnings_on_copies(wanted, operation.history) if outcome.changed else ()),
        ],
    )


def _message(state: State) -> dict[str, Any]:
    return {"comment": state.get("message") if state else None}


def warnings_on(comment: Mapping[str, Any], wanted: Wanted) -> list[str]:
    """Return a warning if another run would not find the comment.

    :param comment: the comment as the service shows it at the end of the run.
    :param wanted: the parsed options.
    """
    if find_comment([comment], wanted):
        return []
    advice = "Choose another marker" if wanted.marker else "Set marker to identify the comment"
    warning = (
        f"The service changed the text of the comment on {wanted.key}, so another run would not find it and would post "
        f"it again. {advice} before the next run."
    )
    return [warning]


def _warnings_on_copies(wanted: Wanted, history: History) -> list[str]:
    """Return a warning if the incident has the posted comment more than once."""
    warning = (
        f"The {wanted.key} has the comment {history.copies} times: another run posted it at the same time, or an "
        "interrupted request was sent again. Let only one run at a time handle an incident."
    )
    return [warning] if history.copies > 1 else []
