# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Post a comment on an incident, once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Mapping, Optional, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import fold_whitespace
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    Operation,
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

#: The comment as the incident shows it, or None.
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
        raise configuration_error(f"comment is missing: name what is to be posted to {key}.")
    text = options["comment"].strip()
    marker = options.get("marker")
    if not text:
        raise configuration_error(f"comment is empty: there is nothing to post to {key}.")
    if marker is None:
        return Wanted(key, text)
    check_not_null("marker", marker)
    marker = fold_whitespace(marker)
    if not marker:
        raise configuration_error("marker is empty, so every comment would hold it; leave it out, or name one.")
    return Wanted(key, text if has_marker(text, marker) else f"{text}\n\n[{marker}]", marker)


def has_marker(text: Any, marker: str) -> bool:
    """Return whether a text contains a marker as a separate word: CHG-1 is neither in CHG-12 nor in CHG-1-b.

    :param text: a comment's message, which may be null.
    :param marker: with single blanks.
    """
    return bool(re.search(rf"(?<![\w-])(?<!\w\.){re.escape(marker)}(?![\w-])(?!\.\w)", fold_whitespace(text)))


def matching_comments(comments: Sequence[Mapping[str, Any]], wanted: Wanted) -> list[Mapping[str, Any]]:
    """Return the comments that are the wanted one: by the marker, or else by the text with its white space folded.

    :param comments: as the service lists them.
    :param wanted: the parsed options.
    """
    if wanted.marker:
        return [entry for entry in comments if has_marker(entry.get("message"), wanted.marker)]
    return [entry for entry in comments if fold_whitespace(entry.get("message")) == fold_whitespace(wanted.text)]


def find_comment(comments: Sequence[Mapping[str, Any]], wanted: Wanted) -> State:
    """Return the wanted comment, or None if it is not there.

    :param comments: as the service lists them.
    :param wanted: the parsed options.
    """
    return next(iter(matching_comments(comments, wanted)), None)


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """Return the write that posts the comment, and the comment after it. A pure function.

    :param current: the comment, if it is there.
    :param wanted: the parsed options.
    """
    if current is not None:
        return Plan(current)
    return Plan({"message": wanted.text}, (Write(POST, {"content": wanted.text}, is_additive=True),))


@dataclass(frozen=True)
class History:
    """What a run has learned about the comment so far.

    :param posted: the comment that this run posted, as the service returned it.
    :param copies: how often the comment was there when the comments were last read.
    """

    posted: Mapping[str, Any] | None = None
    copies: int = 0


class PostComment(Operation[State]):
    """The operation on one incident."""

    noun = "incident"

    def __init__(self, api: ContraForceApi, wanted: Wanted) -> None:
        self.history = History()
        self._api = api
        self._wanted = wanted

    @property
    def label(self) -> str:
        """The incident in messages."""
        return str(self._wanted.key)

    def read(self) -> State:
        """Find the comment. If the service changed the text of the one that this run posted, its id identifies it."""
        comments = self._api.comments(self._wanted.key)
        copies = matching_comments(comments, self._wanted)
        self.history = replace(self.history, copies=len(copies))
        posted = str((self.history.posted or {}).get("id") or "")
        if not copies and posted:
            copies = [entry for entry in comments if str(entry.get("id")) == posted]
        return next(iter(copies), None)

    def plan(self, current: State) -> Plan[State]:
        """Return the write that is left."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Post the comment."""
        text = str(write.body["content"])
        posted = {"message": text, **self._api.add_comment(self._wanted.key, text)}
        self.history = replace(self.history, posted=posted)

    def describe(self, state: State) -> str:
        """Return the state in words."""
        return "no such comment" if state is None else "the comment"


def post_comment(api: ContraForceApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Post a comment on an incident unless it is there.

    :param api: the ContraForce API.
    :param wanted: the parsed options.
    :param run: how to run.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = PostComment(api, wanted)
    outcome = reconcile(operation, run)
    # Without a read-back, the response to the request shows the comment.
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
    """Return a warning if a further run would not find the comment.

    :param comment: as the service shows it at the end of the run.
    :param wanted: the parsed options.
    """
    if find_comment([comment], wanted):
        return []
    advice = "choose another marker" if wanted.marker else "set marker, which other words do not hide,"
    warning = (
        f"The service keeps the comment on {wanted.key} in other words than it was given, so a further run would not "
        f"know it and post it again: {advice} before that."
    )
    return [warning]


def _warnings_on_copies(wanted: Wanted, history: History) -> list[str]:
    """Return a warning if the comment that was posted is there more than once."""
    warning = (
        f"The {wanted.key} has the comment {history.copies} times: another run posted it at the same moment, or "
        "a request that broke off was sent again. Let only one run at a time handle an incident."
    )
    return [warning] if history.copies > 1 else []
