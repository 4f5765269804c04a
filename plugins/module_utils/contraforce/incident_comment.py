# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Post a comment on an incident, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Protocol, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import folded
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import (
    Plan,
    Result,
    Run,
    Write,
    check_verify_timeout,
    difference,
    reach,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error

POST = "post"

#: The comment among the incident's comments, as the service gave it, or None.
State = Optional[Mapping[str, Any]]


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident."""

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        """Post a comment."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for.

    :param text: what is posted; the marker is in it.
    :param marker: what decides whether it is there, instead of the text.
    """

    key: IncidentKey
    text: str
    marker: str | None = None


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """Check a task's options.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    key = incident_key(options["workspace_id"], options["source"], options["incident_id"])
    check_verify_timeout(options)
    text = options["comment"].strip()
    marker = options.get("marker")
    if not text:
        raise configuration_error(f"comment is empty: there is nothing to post to {key}.")
    if marker is None:
        return Wanted(key, text)
    marker = folded(marker)
    if not marker:
        raise configuration_error("marker is empty, so every comment would hold it; leave it out, or name one.")
    return Wanted(key, text if has_marker(text, marker) else f"{text}\n\n[{marker}]", marker)


def has_marker(text: Any, marker: str) -> bool:
    """Whether a text holds a marker as a word of its own: C(CHG-1) is not in C(CHG-12), nor in C(CHG-1-b).

    :param text: a comment's message, which may be null.
    :param marker: white space folded.
    """
    return bool(re.search(rf"(?<![\w-])(?<!\w\.){re.escape(marker)}(?![\w-])(?!\.\w)", folded(text)))


def found_among(comments: Sequence[Mapping[str, Any]], wanted: Wanted) -> State:
    """The wanted comment, if it is there: by the marker, or else by the text with its white space folded.

    :param comments: as the service lists them.
    :param wanted: what the user asked for.
    """
    if wanted.marker:
        return next((entry for entry in comments if has_marker(entry.get("message"), wanted.marker or "")), None)
    return next((entry for entry in comments if folded(entry.get("message")) == folded(wanted.text)), None)


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """The write that brings the comment there, and the comment after it. A pure function.

    :param current: the comment, if it is there.
    :param wanted: what the user asked for.
    """
    if current is not None:
        return Plan(current)
    return Plan({"message": wanted.text}, (Write(POST, {"content": wanted.text}, adds=True),))


class PostComment:
    """The operation on one incident, as :func:`desired_state.reach` wants it."""

    def __init__(self, api: Api, wanted: Wanted) -> None:
        self.thing = str(wanted.key)
        self.posted: dict[str, Any] | None = None
        self._api = api
        self._wanted = wanted

    def read(self) -> State:
        """Find the comment; the one that this run posted is known by its id, too, should its words be others."""
        comments = self._api.comments(self._wanted.key)
        found = found_among(comments, self._wanted)
        if found is None and self.posted and self.posted.get("id"):
            posted = str(self.posted["id"])
            return next((entry for entry in comments if str(entry.get("id")) == posted), None)
        return found

    def plan(self, current: State) -> Plan[State]:
        """What is to be written from here."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Post it."""
        text = str(write.body["content"])
        self.posted = {"message": text, **self._api.add_comment(self._wanted.key, text)}

    def shows(self, state: State) -> bool:
        """A comment that was posted is listed."""
        del state
        return True

    def without_what_arrived(self, write: Write) -> Write:
        """A comment is there or not; if it were, it would not be posted again."""
        return write

    def describe(self, state: State) -> str:
        """The state in words."""
        return "no such comment" if state is None else "the comment"


def post_comment(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Bring a comment onto an incident, once.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: how the run is to go.
    :raises ApiError: as :func:`wanted_from` and :func:`desired_state.reach` say.
    """
    wanted = wanted_from(options)
    operation = PostComment(api, wanted)
    outcome = reach(operation, run)
    # Without a read-back, what the service answered is the comment.
    comment = dict((operation.posted if run.verify_timeout <= 0 else None) or outcome.after or {})
    return Result(
        changed=outcome.changed,
        values={
            "comment": comment,
            "before": _message(outcome.before),
            "after": _message(comment),
            "diff": difference(operation.thing, _message(outcome.before), _message(outcome.plan.after)),
            "request_ids": api.request_ids,
        },
        warnings=warnings_on(comment, wanted),
    )


def _message(state: State) -> dict[str, Any]:
    return {"comment": state.get("message") if state else None}


def warnings_on(comment: Mapping[str, Any], wanted: Wanted) -> list[str]:
    """What a user should know although nothing failed.

    :param comment: as the service has it in the end.
    :param wanted: what the user asked for.
    """
    if found_among([comment], wanted):
        return []
    advice = "choose another marker" if wanted.marker else "set marker, which other words do not hide,"
    warning = (
        f"The service keeps the comment on {wanted.key} in other words than it was given, so a further run would not "
        f"know it and post it again: {advice} before that."
    )
    return [warning]
