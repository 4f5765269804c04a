# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Set an incident's status with a classification, a reason and a comment.

**A state that our own write may have left is the wanted state.** The service may drop or hide a classification, or
replace a reason. If a run treated that as a difference, each run would write again and post its comment again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    CLASSIFICATION_BY_INTEGER,
    PAIRS_BY_SOURCE,
    SOURCES_WITHOUT_CLASSIFICATION,
    STATUS_BY_INTEGER,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.enums import (
    CLASSIFICATION_REASONS,
    CLASSIFICATIONS,
    STATUSES,
    canonical,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_operation import IncidentOperation
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import fold_whitespace
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    OperationResult,
    Plan,
    Reconciliation,
    RunOptions,
    Write,
    check_verify_timeout,
    difference,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import identifier
from ansible_collections.secops.itsm.plugins.module_utils._timestamps import instant

SET_STATUS = "set status"

#: The state of an incident: ``status``, and ``classification`` and ``classification_reason`` if the service shows them.
#: An absent key is unknown; None means that the value is not set.
State = Mapping[str, Any]


@dataclass(frozen=True)
class History:
    """Facts about an incident that a run has learned.

    :param record: the incident as last read; None before the first read.
    :param updated_before: the time of the last update before this run.
    :param comment_in_doubt: whether a request with the comment was interrupted.
    """

    record: Mapping[str, Any] | None = None
    updated_before: datetime | None = None
    comment_in_doubt: bool = False


@dataclass(frozen=True)
class Wanted:
    """The parsed options of a task; None for options that are not set."""

    key: IncidentKey
    status: str
    classification: str | None = None
    classification_reason: str | None = None
    comment: str | None = None
    update_ticket: bool = False
    ticket_id: str | None = None


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one incident.

    :param options: values by option name.
    :raises ApiError: category ``configuration``, only for values that the API refuses according to its reference.
    """
    wanted = Wanted(
        key=incident_key(options["workspace_id"], options["source"], options["incident_id"]),
        status=options["status"],
        classification=options.get("classification"),
        classification_reason=options.get("classification_reason"),
        comment=(options.get("comment") or "").strip() or None,
        update_ticket=bool(options.get("update_ticket")),
        ticket_id=identifier("ticket_id", options.get("ticket_id")),
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
        raise configuration_error(
            f"update_ticket needs ticket_id: set it to the ticket of {wanted.key} that is to be closed."
        )
    return wanted


def state_of(record: Mapping[str, Any]) -> State:
    """Return the state of an incident, in the API's spelling.

    :param record: the incident's record as the service returned it.
    :raises ApiError: category ``contract`` for an unknown status.
    """
    shown = record["status"]
    status = canonical(shown, STATUSES, STATUS_BY_INTEGER)
    if shown is not None and status not in STATUSES:
        raise ApiError(
            f"It has the status {shown!r}, which the API contract does not define. Check the incident in the portal, "
            "and report the status to the maintainers of this collection.",
            "contract",
        )
    state: dict[str, Any] = {"status": status}
    for name, key, words, by_integer in (
        ("classification", "classification", CLASSIFICATIONS, CLASSIFICATION_BY_INTEGER),
        ("classification_reason", "classificationReason", CLASSIFICATION_REASONS, {}),
    ):
        word = canonical(record.get(key), words, by_integer)
        # The meaning of an unknown integer is unknown.
        if key in record and not (word and word.isdigit()):
            state[name] = word
    return state


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """Plan the change to the wanted state. A pure function: return the writes and the state after them.

    :param current: the state as read.
    :param wanted: the parsed options.
    """
    changes_status = current["status"] != wanted.status
    if not changes_status and not _reclassifies(current, wanted):
        return Plan(current)
    after = dict(current, status=wanted.status)
    for name in ("classification", "classification_reason"):
        value = getattr(wanted, name)
        if value and name in current and not _stays_unset(current[name], wanted.key.source):
            after[name] = value
    return Plan(
        after, (Write(SET_STATUS, _request_body(wanted, changes_status), is_additive=wanted.comment is not None),)
    )


def _reclassifies(current: State, wanted: Wanted) -> bool:
    """Return whether the incident shows a classification that our own write cannot have left.

    The service may clear, hide or replace a classification, unless the source is known to keep it (CF-A6). A reason
    alone is never written again, because the service may replace or drop it.
    """
    shown = current.get("classification")
    if not wanted.classification or shown is None or shown == wanted.classification:
        return False
    return wanted.classification in PAIRS_BY_SOURCE.get(wanted.key.source, {})


def _stays_unset(shown: Any, source: str) -> bool:
    """Return whether the source never shows a classification, not even after the write (CF-A5)."""
    return shown is None and source in SOURCES_WITHOUT_CLASSIFICATION


def _request_body(wanted: Wanted, changes_status: bool) -> dict[str, Any]:
    """Return the request's body; only a change of the status closes the ticket."""
    body: dict[str, Any] = {"status": wanted.status}
    optional = {
        "comment": wanted.comment,
        "classification": wanted.classification,
        "classificationReason": wanted.classification_reason,
    }
    body.update({name: value for name, value in optional.items() if value})
    if wanted.update_ticket and changes_status:
        body.update(updateTicket=True, ticketId=wanted.ticket_id)
    return body


class SetIncidentStatus(IncidentOperation[State, History]):
    """Set the status of one incident."""

    history: History = History()
    _wanted: Wanted

    def read(self) -> State:
        """Read the incident, and return its state."""
        record = self._api.incident(self._wanted.key)
        if self.history.record is None:
            self._learn(updated_before=instant(record.get("updatedAt")))
        self._learn(record=record)
        return state_of(record)

    def plan(self, current: State) -> Plan[State]:
        """Return the plan for the remaining writes."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Update the status; after an interruption, record that the comment may have arrived."""
        has_comment = bool(write.body.get("comment"))
        self._learn(comment_in_doubt=has_comment or self.history.comment_in_doubt)
        self._api.update_incident_status(self._wanted.key, write.body)
        if has_comment:
            self._learn(comment_in_doubt=False)

    def drop_delivered_parts(self, write: Write) -> Write:
        """Return the write without its comment if the incident already has that comment (CF-A7)."""
        comment = write.body.get("comment")
        if not comment or not any(self._arrived(comment, entry) for entry in self._api.comments(self._wanted.key)):
            return write
        return Write(write.action, {name: value for name, value in write.body.items() if name != "comment"})

    def _arrived(self, comment: str, entry: Mapping[str, Any]) -> bool:
        """Return whether an entry is the comment of this run, not an older comment with the same text."""
        created, updated = instant(entry.get("createdTime")), self.history.updated_before
        # If times are in whole seconds, this run's comment may have the same time as an earlier change. Such a comment
        # is not posted again, and is reported as unverified.
        is_in_second = created == updated and not (updated and updated.microsecond)
        if created and updated and created <= updated and not is_in_second:
            return False
        return fold_whitespace(entry.get("message")) == fold_whitespace(comment)

    def describe(self, state: State) -> str:
        """Return a description of the state for messages."""
        named = [f"{name.replace('_', ' ')} {value or 'not set'}" for name, value in state.items()]
        return ", ".join(named)


def set_incident_status(api: ContraForceApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Set the status of an incident.

    :param api: the ContraForce API.
    :param wanted: the parsed options.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = SetIncidentStatus(api, wanted)
    outcome = reconcile(operation, run)
    return OperationResult(
        changed=outcome.changed,
        values={
            "incident": operation.history.record or {},
            "before": dict(outcome.before),
            "after": dict(outcome.after),
            "diff": difference(operation.label, outcome.before, planned_state(outcome)),
            "unverified": unverified_options(outcome, wanted, run, operation.history),
            "request_ids": api.request_ids,
        },
        warnings=warnings_on(outcome, wanted),
    )


def planned_state(outcome: Reconciliation[State]) -> dict[str, Any]:
    """Return the planned state, with the comment and the ticket to close that the writes send.

    :param outcome: the states and the plan of the run.
    """
    after = dict(outcome.plan.after)
    for write in outcome.plan.writes:
        sent = write.body
        after.setdefault("classification", sent.get("classification"))
        after.setdefault("classification_reason", sent.get("classificationReason"))
        after.update({"comment": sent.get("comment"), "closed_ticket": sent.get("ticketId")})
    return {name: value for name, value in after.items() if value is not None or name in outcome.before}


def unverified_options(outcome: Reconciliation[State], wanted: Wanted, run: RunOptions, history: History) -> list[str]:
    """Return the options whose values the incident does not show at the end of the run.

    :param outcome: the states and the plan of the run.
    :param wanted: the parsed options.
    :param run: the run options; after a write without a read-back, no value is verified.
    :param history: the facts that the run learned.
    """
    shown = {} if outcome.changed and run.verify_timeout <= 0 else outcome.after
    names = [
        name
        for name in ("status", "classification", "classification_reason")
        if getattr(wanted, name) and shown.get(name) != getattr(wanted, name)
    ]
    names += ["comment"] if history.comment_in_doubt else []
    return [*names, "update_ticket"] if wanted.update_ticket else names


def warnings_on(outcome: Reconciliation[State], wanted: Wanted) -> list[str]:
    """Return warnings about values that the service may replace or has replaced.

    :param outcome: the states and the plan of the run.
    :param wanted: the parsed options.
    """
    if not outcome.changed:
        return _warnings_unchanged(outcome.after, wanted)
    warnings = []
    pairs = PAIRS_BY_SOURCE.get(wanted.key.source)
    if pairs is not None and wanted.classification:
        known = pairs.get(wanted.classification)
        if known is None:
            warnings.append(
                f"{wanted.key.source} does not support the classification {wanted.classification} requested for "
                f"{wanted.key}, so the service may record another one."
            )
        elif wanted.classification_reason and wanted.classification_reason not in known:
            warnings.append(
                f"{wanted.key.source} does not support the reason {wanted.classification_reason} for "
                f"{wanted.classification} requested for {wanted.key}, so the service may record another one."
            )
    if wanted.update_ticket and wanted.status != "Closed":
        warnings.append(
            f"update_ticket closes ticket {wanted.ticket_id} although {wanted.key} gets the status {wanted.status}."
        )
    for name in ("classification", "classification_reason"):
        recorded = outcome.after.get(name)
        if getattr(wanted, name) and recorded is not None and recorded != getattr(wanted, name):
            warnings.append(
                f"The service recorded the {name} {recorded} for {wanted.key} instead of {getattr(wanted, name)}."
            )
    return warnings


def _warnings_unchanged(state: State, wanted: Wanted) -> list[str]:
    """Return warnings about values that differ from the wanted ones but are not written."""
    return [
        f"The {wanted.key} is already {wanted.status}, but its {name} is {state[name]} instead of "
        f"{getattr(wanted, name)}. This difference alone is not written, because the service may have replaced "
        "the value."
        for name in ("classification", "classification_reason")
        if getattr(wanted, name) and state.get(name) is not None and state[name] != getattr(wanted, name)
    ]
