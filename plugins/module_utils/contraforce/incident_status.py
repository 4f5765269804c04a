# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set an incident's status, with the classification, reason and comment that go with it.

When are two states the same? The rule that decides it: **a state that our own write may have left is the wanted
state.** The service may drop a classification, hide it, or replace a reason; if a run took that for a difference,
each run would write again and post its comment again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import (
    CLASSIFICATION_BY_INTEGER,
    PAIRS_BY_SOURCE,
    SOURCES_WITHOUT_CLASSIFICATION,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import folded
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    STATUSES,
    IncidentKey,
    incident_key,
    spelled,
)
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import (
    Outcome,
    Plan,
    Result,
    Run,
    Write,
    check_verify_timeout,
    difference,
    reach,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.instants import instant

SET_STATUS = "set status"

#: The state of an incident: ``status``, and ``classification`` and ``classification_reason`` where the service shows
#: them. A key that is absent is unknown; one that is None is not set.
State = Mapping[str, Any]


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        """The record of an incident."""

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident."""

    def update_incident_status(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Set an incident's status."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; None is "not asked for"."""

    key: IncidentKey
    status: str
    classification: str | None = None
    classification_reason: str | None = None
    comment: str | None = None
    update_ticket: bool = False
    ticket_id: str | None = None


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """Check a task's options.

    :param options: values by option name.
    :raises ApiError: category ``configuration``; only what a page says is refused is refused here.
    """
    wanted = Wanted(
        key=incident_key(options["workspace_id"], options["source"], options["incident_id"]),
        status=options["status"],
        classification=options.get("classification"),
        classification_reason=options.get("classification_reason"),
        comment=(options.get("comment") or "").strip() or None,
        update_ticket=bool(options.get("update_ticket")),
        ticket_id=(options.get("ticket_id") or "").strip() or None,
    )
    check_verify_timeout(options)
    if wanted.key.source == "Sentinel" and wanted.status == "Closed":
        missing = [name for name in ("classification", "classification_reason") if not getattr(wanted, name)]
        if missing:
            raise configuration_error(
                f"Sentinel does not close an incident without {' and '.join(missing)}: add "
                f"{'them' if len(missing) > 1 else 'it'} to the task for {wanted.key}."
            )
    if wanted.update_ticket and not wanted.ticket_id:
        raise configuration_error(f"update_ticket needs ticket_id: name the ticket of {wanted.key} that is to close.")
    return wanted


def state_of(record: Mapping[str, Any]) -> State:
    """The state that an incident's record shows, in the API's spelling.

    :param record: the record as the service gave it.
    :raises ApiError: category ``contract`` for a status that is none; on that nothing may be built.
    """
    shown = record["status"]
    status = _canonical(shown, STATUSES, STATUS_BY_INTEGER)
    if shown is not None and status not in STATUSES:
        raise ApiError(
            f"It shows the status {shown!r}, which the API contract does not know. Look at it in the portal, and "
            "report the status to the maintainers of this collection.",
            "contract",
        )
    state: dict[str, Any] = {"status": status}
    for name, key, words, by_integer in (
        ("classification", "classification", CLASSIFICATIONS, CLASSIFICATION_BY_INTEGER),
        ("classification_reason", "classificationReason", CLASSIFICATION_REASONS, {}),
    ):
        word = _canonical(record.get(key), words, by_integer)
        # An integer that is not known says nothing: as if it were not shown.
        if key in record and not (word and word.isdigit()):
            state[name] = word
    return state


def _canonical(shown: Any, words: tuple[str, ...], by_integer: Mapping[int, str]) -> str | None:
    """A word of the API for what was shown, the text itself when it is none, None when nothing is set (CF-A4)."""
    if shown is None or shown == "":
        return None
    text = str(shown).strip()
    if text.isdigit() and int(text) in by_integer:
        return by_integer[int(text)]
    return spelled(text, words) or text


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """The writes that bring an incident to the wanted state, and the state after them. A pure function.

    :param current: the state as read.
    :param wanted: what the user asked for.
    """
    moves = current["status"] != wanted.status
    if not moves and not _reclassifies(current, wanted):
        return Plan(current)
    after = dict(current, status=wanted.status)
    for name in ("classification", "classification_reason"):
        value = getattr(wanted, name)
        if value and name in current and not _stays_unset(current[name], wanted.key.source):
            after[name] = value
    return Plan(after, (Write(SET_STATUS, _request_body(wanted, moves), adds=wanted.comment is not None),))


def _reclassifies(current: State, wanted: Wanted) -> bool:
    """Whether the classification shown is one that our own write cannot have left.

    Null or absent may be the service's own doing, and so may another word, unless the source is known to keep the
    wanted one (CF-A6). A reason alone is never written again: the service may replace or drop it.
    """
    shown = current.get("classification")
    if not wanted.classification or shown is None or shown == wanted.classification:
        return False
    return wanted.classification in PAIRS_BY_SOURCE.get(wanted.key.source, {})


def _stays_unset(shown: Any, source: str) -> bool:
    """Whether the source will show no classification after the write either (CF-A5)."""
    return shown is None and source in SOURCES_WITHOUT_CLASSIFICATION


def _request_body(wanted: Wanted, moves: bool) -> dict[str, Any]:
    """The body of the request; the ticket is closed with a status change only, not with a new classification."""
    body: dict[str, Any] = {"status": wanted.status}
    optional = {
        "comment": wanted.comment,
        "classification": wanted.classification,
        "classificationReason": wanted.classification_reason,
    }
    body.update({name: value for name, value in optional.items() if value})
    if wanted.update_ticket and moves:
        body.update(updateTicket=True, ticketId=wanted.ticket_id)
    return body


class SetIncidentStatus:
    """The operation on one incident, as :func:`desired_state.reach` wants it."""

    def __init__(self, api: Api, wanted: Wanted) -> None:
        self.thing = str(wanted.key)
        self.record: dict[str, Any] = {}
        self.comment_in_doubt = False
        self._updated_before: datetime | None = None
        self._api = api
        self._wanted = wanted

    def read(self) -> State:
        """Read the incident, and keep its record for the result."""
        first = not self.record
        self.record = self._api.incident(self._wanted.key)
        if first:
            self._updated_before = instant(self.record.get("updatedAt"))
        return state_of(self.record)

    def plan(self, current: State) -> Plan[State]:
        """What is to be written from here."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Send the status change; if that breaks off, nobody knows whether the comment arrived."""
        self.comment_in_doubt = bool(write.body.get("comment")) or self.comment_in_doubt
        self._api.update_incident_status(self._wanted.key, write.body)
        self.comment_in_doubt = self.comment_in_doubt and not write.body.get("comment")

    def shows(self, state: State) -> bool:
        """The status is always shown."""
        del state
        return True

    def without_what_arrived(self, write: Write) -> Write:
        """The write without its comment, if that is among the incident's comments already (CF-A7)."""
        comment = write.body.get("comment")
        if not comment or not any(self._arrived(comment, entry) for entry in self._api.comments(self._wanted.key)):
            return write
        return Write(write.action, {name: value for name, value in write.body.items() if name != "comment"}, adds=False)

    def _arrived(self, comment: str, entry: Mapping[str, Any]) -> bool:
        """Whether an entry is this run's comment, and not one of the same words from an earlier change."""
        created = instant(entry.get("createdTime"))
        earlier = created and self._updated_before and created <= self._updated_before
        return not earlier and folded(entry.get("message")) == folded(comment)

    def describe(self, state: State) -> str:
        """The state in words."""
        named = [f"{name.replace('_', ' ')} {value or 'not set'}" for name, value in state.items()]
        return ", ".join(named)


def set_incident_status(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Bring an incident to a status.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: how the run is to go.
    :raises ApiError: as :func:`wanted_from` and :func:`desired_state.reach` say.
    """
    return bring_to_status(api, wanted_from(options), run)


def bring_to_status(api: Api, wanted: Wanted, run: Run) -> Result:
    """Bring an incident to a status.

    :param api: the ContraForce API.
    :param wanted: what the user asked for.
    :param run: how the run is to go.
    :raises ApiError: as :func:`desired_state.reach` says.
    """
    operation = SetIncidentStatus(api, wanted)
    outcome = reach(operation, run)
    return Result(
        changed=outcome.changed,
        values={
            "incident": operation.record,
            "before": dict(outcome.before),
            "after": dict(outcome.after),
            "diff": difference(operation.thing, outcome.before, planned(outcome)),
            "unverified": unverified(outcome, wanted, run, operation.comment_in_doubt),
            "request_ids": api.request_ids,
        },
        warnings=warnings_on(outcome, wanted),
    )


def planned(outcome: Outcome[State]) -> dict[str, Any]:
    """The planned state, with what travels along: the comment, and the ticket that closes.

    :param outcome: what the run found.
    """
    after = dict(outcome.plan.after)
    for write in outcome.plan.writes:
        sent = write.body
        after.setdefault("classification", sent.get("classification"))
        after.setdefault("classification_reason", sent.get("classificationReason"))
        after.update({"comment": sent.get("comment"), "closed_ticket": sent.get("ticketId")})
    return {name: value for name, value in after.items() if value is not None or name in outcome.before}


def unverified(outcome: Outcome[State], wanted: Wanted, run: Run, comment_in_doubt: bool = False) -> list[str]:
    """The options whose values the incident does not show in the end, so that nobody can vouch for them.

    :param outcome: what the run found and did.
    :param wanted: what the user asked for.
    :param run: how it went; after a write without a read-back, nothing is vouched for.
    :param comment_in_doubt: whether the write broke off that carried the comment.
    """
    shown = {} if outcome.changed and run.verify_timeout <= 0 else outcome.after
    names = [
        name
        for name in ("status", "classification", "classification_reason")
        if getattr(wanted, name) and shown.get(name) != getattr(wanted, name)
    ]
    names += ["comment"] if comment_in_doubt else []
    return [*names, "update_ticket"] if wanted.update_ticket else names


def warnings_on(outcome: Outcome[State], wanted: Wanted) -> list[str]:
    """What a user should know although nothing failed.

    :param outcome: what the run found and did.
    :param wanted: what the user asked for.
    """
    if not outcome.changed:
        return _warnings_unchanged(outcome.after, wanted)
    warnings = []
    pairs = PAIRS_BY_SOURCE.get(wanted.key.source)
    if pairs is not None and wanted.classification:
        known = pairs.get(wanted.classification)
        if known is None:
            warnings.append(
                f"{wanted.key.source} does not know the classification {wanted.classification}, which is asked for "
                f"{wanted.key}; the service may record another."
            )
        elif wanted.classification_reason and wanted.classification_reason not in known:
            warnings.append(
                f"{wanted.key.source} does not know the reason {wanted.classification_reason} for "
                f"{wanted.classification}, which is asked for {wanted.key}; the service may record another."
            )
    if wanted.update_ticket and wanted.status != "Closed":
        warnings.append(
            f"update_ticket closes ticket {wanted.ticket_id} although {wanted.key} becomes {wanted.status}."
        )
    for name in ("classification", "classification_reason"):
        recorded = outcome.after.get(name)
        if getattr(wanted, name) and recorded is not None and recorded != getattr(wanted, name):
            warnings.append(
                f"The service recorded the {name} {recorded} for {wanted.key} instead of {getattr(wanted, name)}."
            )
    return warnings


def _warnings_unchanged(state: State, wanted: Wanted) -> list[str]:
    """An ``ok`` that shows another word than the one asked for says so."""
    return [
        f"The {wanted.key} is {wanted.status} already and shows the {name} {state[name]} instead of "
        f"{getattr(wanted, name)}; that alone is not written again, because the service may replace it."
        for name in ("classification", "classification_reason")
        if getattr(wanted, name) and state.get(name) is not None and state[name] != getattr(wanted, name)
    ]
