# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Create a ticket once, and update its fields without overwriting the changes of other users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    Operation,
    OperationResult,
    Plan,
    Reconciliation,
    RunOptions,
    Write,
    difference,
    poll,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Record, RezolveApi
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import (
    ResolvedTicket,
    Wanted,
    require,
    resolve_existing,
    resolve_new,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.fields import add_labels, by_title
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    data_of,
    is_deleted,
    is_done,
    location_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.teams import unverified_team
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_matching import respelled_values
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_plan import (
    CREATE,
    History,
    State,
    differing_fields,
    pending_changes,
    plan,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.ticket_search import (
    ReadBudget,
    find_among_newest,
    find_matches,
    prefer_exact,
    refuse_similar,
    single_match,
)

#: Maximum number of times that an update is sent because another user changed the ticket first.
MAX_CONFLICTS = 5

#: Number of consecutive refusals, with only the etag changed in between, after which the etag is not the cause.
MAX_UNEXPLAINED_REFUSALS = 2

#: HTTP status codes of refusals that are not caused by a stale etag.
NOT_STALE = frozenset({401, 403, 404, 408, 429})


class EnsureTicket(Operation[State]):
    """Create or update one ticket.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :param resolved: the options with the service's own ids, if the catalog was read before.
    """

    noun = "ticket"

    def __init__(self, api: RezolveApi, wanted: Wanted, resolved: ResolvedTicket | None = None) -> None:
        self.wanted = wanted
        self.resolved = resolved or ResolvedTicket()
        self.history = History(object_id=wanted.object_id)
        self._api = api

    @property
    def label(self) -> str:
        """Return the name of the ticket in messages."""
        if self.wanted.object_id or not self.history.object_id:
            return str(self.wanted)
        return f"ticket {self.history.object_id} ({self.wanted.summary})"

    def _learn(self, **facts: Any) -> None:
        self.history = replace(self.history, **facts)

    def read(self) -> State:
        """Return the ticket, or None if a search does not find it."""
        record = self._search() if self.history.object_id is None else self._read_by_id(self.history.object_id)
        if self.wanted.object_id and self.history.first is None and record is not None:
            self.resolved = resolve_existing(self._api, self.wanted, record)
        if self.history.first is None:
            self._learn(first=dict(data_of(record)))
        if record is not None:
            # Use the service's spelling of the display id.
            self._learn(object_id=str(record["object_id"]))
        self._learn(last_read=record)
        return record

    def _search(self) -> State:
        if self.resolved.identity is None:
            self.resolved = resolve_new(self._api, self.wanted)
        identity = require(self.resolved.identity)
        budget = ReadBudget(set(self.history.rejected))
        found = find_matches(self._api, identity, self.wanted.include_done, budget)
        done, similar = found.done, found.similar
        if not found.matches:
            found = find_among_newest(self._api, identity, self.wanted.include_done, budget)
            done, similar = [*done, *found.done], [*similar, *found.similar]
        self._learn(done=tuple(dict.fromkeys([*self.history.done, *done])))
        if not self.history.created:
            # Tickets rejected before the creation need not be read again.
            self._learn(rejected=frozenset(budget.rejected))
        if not found.matches:
            refuse_similar(similar, identity, str(self.wanted))
        return single_match(self._relevant(prefer_exact(found.matches, identity)), str(self.wanted))

    def _relevant(self, matches: Sequence[Record]) -> Sequence[Record]:
        """Return the matches to choose from if closed tickets match only because the task requests their status.

        Open tickets take precedence. If all are closed and none needs a change, only the newest one is returned.
        """
        if self.wanted.include_done:
            return matches
        still_open = [record for record in matches if not is_done(record)]
        if still_open or any(pending_changes(record, self.resolved) for record in matches):
            return still_open or matches
        return sorted(matches, key=lambda record: str(record.get("created_at")))[-1:]

    def _read_by_id(self, object_id: str) -> State:
        try:
            record = self._api.ticket(object_id)
        except ApiError as failure:
            # A new ticket may not be readable immediately.
            if self.history.created and failure.category == "not_found":
                return None
            raise
        if is_deleted(record) and not self.history.created:
            raise ApiError(f"Ticket {object_id} was deleted.", "not_found")
        if not isinstance(record.get("data"), Mapping):
            raise ApiError(
                f"The service does not return the fields of ticket {object_id}. Check the ticket in the portal.",
                "contract",
            )
        return record

    def plan(self, current: State) -> Plan[State]:
        """Return the plan for the remaining write."""
        return plan(current, self.resolved, self.history)

    def send(self, write: Write) -> None:
        """Create or update the ticket."""
        try:
            if write.action == CREATE:
                self._create(write)
            else:
                self._update(write)
        except ApiError as failure:
            raise _with_labels(failure, self.resolved) from None

    def _create(self, write: Write) -> None:
        identity = require(self.resolved.identity)
        # No other user can have set fields of a ticket that did not exist.
        self._learn(created=True, first={}, accepted=frozenset(self.resolved.values), etag=None)
        try:
            record = self._api.create_ticket(identity.team_id, identity.item_type_id, write.body)
        except ApiError as failure:
            self._learn(created=failure.ambiguous)
            raise
        self._learn(object_id=str(record["object_id"]), response=record)
        respelled = self.respelled_failure()
        if respelled:
            raise respelled

    def respelled_failure(self) -> ApiError | None:
        """Return a failure if the service stores the identity of a new ticket in another spelling, or else None.

        A further run would not recognize the ticket.
        """
        identity, history = self.resolved.identity, self.history
        if not history.created or identity is None:
            return None
        changed = respelled_values(history.response, identity) or respelled_values(history.last_read or {}, identity)
        shown = ", ".join(f"{title!r} as {stored!r} instead of {given!r}" for title, (stored, given) in changed.items())
        if not shown:
            return None
        return ApiError(
            f"Ticket {history.object_id} was created, but the service stores {shown}, so a further run would not "
            f"recognize it. Set object_id to {history.object_id}, or use the value as the service stores it.",
            "not_converged",
            may_have_changed=True,
        )

    def _update(self, write: Write) -> None:
        object_id = require(self.history.object_id)
        for _attempt in range(MAX_CONFLICTS):
            etag, changes = write.body["etag"], write.body["ticketUpdate"]
            try:
                new_etag = self._api.update_ticket(object_id, etag, changes)
            except ApiError as failure:
                following, refusal = self._plan_after_refusal(failure, object_id, etag), failure
            else:
                accepted = self.history.accepted | set(changes)
                self._learn(response={"etag": new_etag}, accepted=accepted, etag=new_etag)
                return
            if following is None:
                return
            write = following
        raise refusal.with_message(
            f"Another user changed {self.label} before each of {MAX_CONFLICTS} updates; run the task again. The last "
            f"refusal was: {refusal}",
            "conflict",
            retryable=True,
        )

    def _plan_after_refusal(self, failure: ApiError, object_id: str, etag: str) -> Write | None:
        """Return the remaining write after an update with a stale etag was refused, or None if nothing remains.

        :raises ApiError: the refusal if it had another cause, including an etag that changes with each read; a conflict
            if another user changed the same fields.
        """
        if not may_be_stale(failure):
            raise failure
        try:
            fresh = self._api.ticket(object_id)
        except ApiError:
            raise failure from None
        if not fresh.get("etag") or str(fresh["etag"]) == etag:
            raise failure
        is_explained = data_of(self.history.last_read) != data_of(fresh)
        self._learn(unexplained=0 if is_explained else self.history.unexplained + 1, last_read=fresh)
        if self.history.unexplained == MAX_UNEXPLAINED_REFUSALS:
            raise failure
        again = self.plan(fresh)
        if again.conflict:
            raise again.conflict
        return again.writes[0] if again.writes else None

    def describe(self, state: State) -> str:
        """Return the differences from the wanted ticket as text."""
        if state is None:
            return "no such ticket"
        left = pending_changes(state, self.resolved, self.history)
        shown = by_title(self.resolved.ticket_type, {name: data_of(state).get(name) for name in left})
        return ", ".join(f"{title} {value!r}" for title, value in shown.items()) or "another ticket"

    def wait_until_found(self, ticket: Record, run: RunOptions) -> str | None:
        """Wait until a search finds the new ticket. Return a warning if it does not find exactly that ticket, or None.

        :param ticket: the new ticket.
        :param run: the run options.
        """
        identity, object_id = require(self.resolved.identity), self.history.object_id
        # If the service closed the new ticket although the task does not request it, search closed tickets, too.
        include_done = self.wanted.include_done or identity.counts_as_done(ticket)
        label = self.label[:1].upper() + self.label[1:]

        def ids() -> list[str]:
            found = find_matches(self._api, identity, include_done, ReadBudget(set(self.history.rejected)))
            # Before the creation, no ticket had the identity in another spelling either.
            return sorted(str(record["object_id"]) for record in (*found.matches, *found.similar))

        try:
            matches = poll(ids, lambda seen: object_id in seen, run.verify_timeout, run.clock)
        except ApiError as failure:
            return f"{label} was created, but the search that a further run relies on failed. {failure}"
        if object_id not in matches:
            return (
                f"{label} was created, but the search did not find it within {run.verify_timeout:g} s, so a further "
                f"run may create it again. Set object_id to {object_id}; if the search is only slow, increase "
                "verify_timeout, and if the account cannot see the ticket, assign it a role that can."
            )
        others = [name for name in matches if name != object_id]
        if others:
            return (
                f"{label} was created, but it is a duplicate of {', '.join(others)}, which another user or an earlier "
                "attempt of this task created at the same time. Close one of them."
            )
        return None


def may_be_stale(failure: ApiError) -> bool:
    """Return True if an update may have been refused because of a stale etag (TK-A7).

    :param failure: the failure of the update.
    """
    status = failure.http_status or 0
    return 400 <= status < 500 and status not in NOT_STALE and not failure.fields


def _with_labels(failure: ApiError, resolved: ResolvedTicket) -> ApiError:
    """Return the failure with the labels of fields next to their UUIDs in its message."""
    if resolved.ticket_type is None:
        return failure
    return failure.with_message(add_labels(resolved.ticket_type, failure.message))


def ensure_ticket(
    api: RezolveApi, wanted: Wanted, run: RunOptions, resolved: ResolvedTicket | None = None
) -> OperationResult:
    """Create the wanted ticket if it does not exist, update its fields otherwise, and return the result.

    :param api: the ticketing API.
    :param wanted: the parsed options.
    :param run: the run options.
    :param resolved: the options with the service's own ids, if the catalog was read before.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = EnsureTicket(api, wanted, resolved)
    try:
        outcome = reconcile(operation, run)
    except ApiError as failure:
        if not operation.history.created or operation.history.object_id is None:
            raise
        return _failed_after_creation(api, operation.respelled_failure() or failure, operation, run)
    respelled = operation.respelled_failure()
    if respelled:
        return _failed_after_creation(api, respelled, operation, run)
    warnings = warnings_on(outcome, operation, run)
    if operation.history.created and outcome.after is not None and run.verify_timeout > 0:
        warning = operation.wait_until_found(outcome.after, run)
        warnings += [warning] if warning else []
    created = outcome.before is None
    ticket = _final_ticket(outcome, operation.history, run)

    def shown(state: State) -> dict[str, Any]:
        return display_values(state, operation.resolved, created)

    return OperationResult(
        changed=outcome.changed,
        values={
            "ticket": ticket,
            "object_id": operation.history.object_id,
            "etag": ticket.get("etag"),
            "created": created,
            "before": shown(outcome.before),
            "after": shown(outcome.after if run.check_mode else ticket),
            "diff": difference(str(wanted), shown(outcome.before), shown(outcome.plan.after)),
            "unverified": unverified_team(api, wanted.team_id or "") if run.check_mode and created else [],
            "request_ids": api.request_ids,
        },
        warnings=warnings,
    )


def _failed_after_creation(
    api: RezolveApi, failure: ApiError, operation: EnsureTicket, run: RunOptions
) -> OperationResult:
    """Return a failed result with the new ticket, so that a playbook does not have to create it again."""
    ticket = dict(operation.history.response)
    is_searched = run.verify_timeout > 0 and operation.respelled_failure() is None
    warning = operation.wait_until_found(ticket, run) if is_searched else None
    message = f"{failure} Do not run the task again as it is: {warning}" if warning else failure.message
    return OperationResult(
        changed=True,
        values={
            "ticket": ticket,
            "object_id": operation.history.object_id,
            "etag": ticket.get("etag"),
            "created": True,
            "before": {},
            "after": display_values(ticket or None, operation.resolved, created=True),
            "request_ids": api.request_ids,
        },
        warnings=[warning] if warning else [],
        # Do not suggest a retry that may not find the ticket.
        failure=failure.with_message(message, may_have_changed=True, retryable=failure.retryable and warning is None),
    )


def _final_ticket(outcome: Reconciliation[State], history: History, run: RunOptions) -> dict[str, Any]:
    """Return the latest state of the ticket that the service returned; empty for a new ticket in check mode."""
    if run.check_mode:
        return dict(outcome.before or {})
    if run.verify_timeout > 0 or not outcome.changed:
        return dict(outcome.after or {})
    # Without a read-back, the response to the write is the latest state.
    return {**(outcome.after or {}), "etag": None, **history.response}


def display_values(state: State, resolved: ResolvedTicket, created: bool) -> dict[str, Any]:
    """Return a ticket as ``before``, ``after`` and ``diff`` show it: the values that the task sets, by label.

    :param state: the ticket, or None.
    :param resolved: the wanted ticket.
    :param created: True if this run creates the ticket, and so also sets the ignored fields.
    """
    if state is None:
        return {}
    names = [name for name in resolved.values if created or name not in resolved.ignored]
    values = {name: data_of(state).get(name) for name in names}
    named = {"object_id": state.get("object_id"), "summary": state.get("summary"), **location_of(state)}
    return {
        **{name: value for name, value in named.items() if value is not None},
        "fields": by_title(resolved.ticket_type, values),
    }


def warnings_on(outcome: Reconciliation[State], operation: EnsureTicket, run: RunOptions) -> list[str]:
    """Return warnings about the choice of the ticket, and about values that the service changed.

    :param outcome: the result of the reconciliation.
    :param operation: the operation after the run.
    :param run: the run options.
    """
    warnings = []
    resolved, history, after = operation.resolved, operation.history, outcome.after
    if outcome.before is None and history.done:
        verb = "would open" if run.check_mode else "opened"
        ids = ", ".join(history.done)
        warnings.append(
            f"This task {verb} a new {operation.wanted} because only closed tickets match: {ids}. Set include_done to "
            "use a closed ticket."
        )
    elif outcome.before is not None and resolved.identity and not _same_text(outcome.before, operation.wanted.summary):
        warnings.append(
            f"Ticket {history.object_id} keeps its summary {outcome.before.get('summary')!r}, because the summary is "
            "only set in a new ticket."
        )
    if outcome.changed and not run.check_mode and after is not None:
        changed = {name: data_of(after).get(name) for name in differing_fields(after, resolved)}
        warnings += [
            _changed_value_warning(title, operation, after) for title in by_title(resolved.ticket_type, changed)
        ]
    return warnings


def _changed_value_warning(title: str, operation: EnsureTicket, after: Record) -> str:
    etag = operation.history.etag
    if etag is not None and etag != str(after.get("etag")):
        return (
            f"{title!r} of {operation.label} does not have the value that this task set, because another user changed "
            "the ticket or the service stores the value differently. A further run would send it again."
        )
    return (
        f"The service stores {title!r} of {operation.label} differently from what this task sent, so a further run "
        "would send it again. Add the field to ignore_fields, or set the value as the service stores it."
    )


def _same_text(record: Record, summary: str | None) -> bool:
    return str(record.get("summary") or "").strip() == (summary or "").strip()
