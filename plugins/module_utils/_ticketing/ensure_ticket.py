# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Create a ticket once, and update its fields without overwriting the changes of other users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Generic, Sequence

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
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    StaleMarkerError,
    State,
    Target,
    TargetTicket,
    Ticket,
    TicketBackend,
    TicketUpdate,
    Wanted,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.ticket_plan import (
    UPDATE,
    History,
    differing_fields,
    pending_changes,
    plan,
    refused_values,
    require,
)

#: Maximum number of times that an update is sent because another user changed the ticket first.
MAX_CONFLICTS = 5

#: Number of consecutive refusals, with only the change marker changed in between, after which it is not the cause.
MAX_UNEXPLAINED_REFUSALS = 2


class EnsureTicket(Operation[State], Generic[Wanted, Target]):
    """Create or update one ticket.

    :param backend: the requests of the ticketing system.
    :param wanted: the parsed options.
    :param target: the options with the service's own ids, if they were resolved before.
    """

    noun = "ticket"

    def __init__(self, backend: TicketBackend[Wanted, Target], wanted: Wanted, target: Target | None = None) -> None:
        self.wanted = wanted
        self.history = History(ticket_id=wanted.ticket_id, name=wanted.ticket_id)
        self._backend = backend
        self._target = target
        self._interrupted: TicketUpdate | None = None

    @property
    def target(self) -> Target:
        """Return the options with the service's own ids. They are known after the first read."""
        return require(self._target)

    @property
    def label(self) -> str:
        """Return the name of the ticket in messages."""
        if self.wanted.ticket_id or not self.history.name:
            return str(self.wanted)
        return (
            f"ticket {self.history.name} ({self.wanted.title})" if self.wanted.title else f"ticket {self.history.name}"
        )

    def _learn(self, **facts: Any) -> None:
        self.history = replace(self.history, **facts)

    def _learn_ids(self, record: Ticket) -> None:
        """Remember the ids of the ticket in the spelling of the service."""
        self._learn(ticket_id=self._backend.format.id_of(record), name=self._backend.format.name_of(record))

    def read(self) -> State:
        """Return the ticket, or None if a search does not find it."""
        record = self._search() if self.history.ticket_id is None else self._get(self.history.ticket_id)
        if self._target is None and record is not None:
            self._target = self._backend.resolve_existing(self.wanted, record)
        if self.history.first is None:
            self._learn(first=dict(self._backend.format.data_of(record)))
        if record is not None:
            self._learn_ids(record)
        self._learn(last_read=record)
        return record

    def _search(self) -> State:
        if self._target is None:
            self._target = self._backend.resolve_new(self.wanted)
        target, accepts_closed = self._target, self.wanted.accepts_closed
        budget = self._backend.read_budget(self.history.rejected)
        found = self._backend.find(target, accepts_closed, budget)
        closed, similar = found.closed, found.similar
        if not found.matches and not self._backend.capabilities.is_search_immediate:
            found = self._backend.find_among_newest(target, accepts_closed, budget)
            closed, similar = [*closed, *found.closed], [*similar, *found.similar]
        self._learn(closed=tuple(dict.fromkeys([*self.history.closed, *closed])))
        if not self.history.created:
            # Tickets rejected before the creation need not be read again.
            self._learn(rejected=frozenset(budget.rejected))
        if not found.matches:
            self._refuse_similar(similar)
        return single_match(self._relevant(target.prefer(found.matches)), str(self.wanted), self._backend)

    def _relevant(self, matches: Sequence[Ticket]) -> Sequence[Ticket]:
        """Return the matches to choose from if closed tickets match only because the task requests their status.

        Open tickets take precedence. If all are closed and none needs a change, only the newest one is returned.
        """
        if self.wanted.accepts_closed:
            return matches
        record_format = self._backend.format
        still_open = [record for record in matches if not record_format.is_closed(record)]
        if still_open or any(pending_changes(record, self.target) for record in matches):
            return still_open or matches
        return sorted(matches, key=record_format.created_at)[-1:]

    def _refuse_similar(self, similar: Sequence[Ticket]) -> None:
        """Raise ApiError if a ticket has the identity in another spelling: a new one may be a duplicate of it."""
        if not similar:
            return
        names = ", ".join(sorted({self._backend.format.name_of(record) for record in similar}))
        title, (stored, given) = next(iter(self.target.respelled(similar[0]).items()))
        raise ApiError(
            f"{_capitalize(str(self.wanted))} may be {names}, which has {title!r} in another spelling: {stored!r} "
            f"instead of {given!r}. If it is the same ticket, set {self._backend.options.identifier} or use its "
            "spelling; otherwise use a value that differs in more than its spelling.",
            "ambiguous_match",
        )

    def _get(self, ticket_id: str) -> State:
        try:
            return self._backend.get(ticket_id, self.wanted, is_new=self.history.created)
        except ApiError as failure:
            # A new ticket may not be readable immediately.
            if self.history.created and failure.category == "not_found":
                return None
            raise

    def plan(self, current: State) -> Plan[State]:
        """Return the plan for the remaining write."""
        return plan(current, self.target, self.history)

    def send(self, write: Write) -> None:
        """Create or update the ticket."""
        try:
            if isinstance(write, TicketUpdate):
                self._update(write)
            else:
                self._create()
        except ApiError as failure:
            raise self.target.explain(failure) from None

    def _create(self) -> None:
        target = self.target
        # No other user can have set fields of a ticket that did not exist.
        self._learn(created=True, first={}, accepted=frozenset(target.values), marker=None)
        self._learn(noted=frozenset(target.notes))
        try:
            record = self._backend.create(target)
        except ApiError as failure:
            self._learn(created=failure.ambiguous)
            raise
        if record is None:
            # Handled like an interrupted request: the ticket is looked for by its identity.
            raise ApiError(
                "The service accepted the request, but its response does not contain the ticket.",
                "contract",
                ambiguous=True,
            )
        self._learn_ids(record)
        self._learn(response=record)
        respelled = self.respelled_failure()
        if respelled:
            raise respelled

    def respelled_failure(self) -> ApiError | None:
        """Return a failure if the service stores the identity of a new ticket in another spelling, or else None.

        A further run would not recognize the ticket.
        """
        history = self.history
        if not history.created or self._target is None:
            return None
        changed = self._target.respelled(history.response) or self._target.respelled(history.last_read or {})
        shown = ", ".join(f"{title!r} as {stored!r} instead of {given!r}" for title, (stored, given) in changed.items())
        if not shown:
            return None
        return ApiError(
            f"Ticket {history.name} was created, but the service stores {shown}, so a further run would not "
            f"recognize it. Set {self._backend.options.identifier} to {history.name}, or use the value as the service "
            "stores it.",
            "not_converged",
            may_have_changed=True,
        )

    def _update(self, update: TicketUpdate) -> None:
        ticket_id = require(self.history.ticket_id)
        if not update.changes and not update.notes:
            return
        for _attempt in range(MAX_CONFLICTS):
            try:
                response = self._backend.update(ticket_id, update, self.target)
            except StaleMarkerError as stale:
                refusal = stale.refusal
                following = self._plan_after_refusal(stale, ticket_id, update)
            except ApiError:
                self._interrupted = update
                raise
            else:
                self._learn(
                    response=response.record,
                    accepted=self.history.accepted | set(update.changes),
                    marker=response.marker,
                    noted=self.history.noted | set(update.notes),
                    warnings=(*self.history.warnings, *response.warnings),
                )
                return
            if following is None:
                return
            update = following
        raise refusal.with_message(
            f"Another user changed {self.label} before each of {MAX_CONFLICTS} updates; run the task again. The last "
            f"refusal was: {refusal}",
            "conflict",
            retryable=True,
        )

    def _plan_after_refusal(self, stale: StaleMarkerError, ticket_id: str, sent: TicketUpdate) -> TicketUpdate | None:
        """Return the remaining update after one with a stale marker was refused, or None if nothing remains.

        :raises ApiError: the refusal if it had another cause, including a marker that changes with each read; a
            conflict if another user changed the same fields.
        """
        fresh = stale.fresh
        if fresh is None:
            fresh = self._read_after_refusal(stale, ticket_id, sent)
        self._learn(last_read=fresh)
        again = self.plan(fresh)
        if again.conflict:
            raise again.conflict
        return next((write for write in again.writes if isinstance(write, TicketUpdate)), None)

    def _read_after_refusal(self, stale: StaleMarkerError, ticket_id: str, sent: TicketUpdate) -> Ticket:
        """Return the ticket as read again. Raise the refusal if its marker does not explain the refusal."""
        try:
            fresh = self._backend.get(ticket_id, self.wanted, is_new=self.history.created)
        except ApiError:
            raise stale.refusal from None
        record_format = self._backend.format
        marker = record_format.marker_of(fresh)
        if not marker or marker == sent.marker:
            raise stale.refusal
        is_explained = record_format.data_of(self.history.last_read) != record_format.data_of(fresh)
        self._learn(unexplained=0 if is_explained else self.history.unexplained + 1)
        if self.history.unexplained == MAX_UNEXPLAINED_REFUSALS:
            raise stale.refusal
        return fresh

    def drop_delivered_parts(self, write: Write) -> Write:
        """Return an interrupted update without the notes that arrived."""
        if not isinstance(write, TicketUpdate) or not write.notes or self._interrupted is None:
            return write
        arrived = self._backend.delivered_notes(require(self.history.ticket_id), self._interrupted)
        self._learn(noted=self.history.noted | frozenset(arrived))
        notes = {name: text for name, text in write.notes.items() if name not in self.history.noted}
        body = self.target.update_request(write.marker, write.changes, notes)
        return TicketUpdate(
            UPDATE, body, is_additive=bool(notes), marker=write.marker, changes=write.changes, notes=notes
        )

    def describe(self, state: State) -> str:
        """Return the differences from the wanted ticket as text."""
        if state is None:
            return "no such ticket"
        data = self._backend.format.data_of(state)
        left = pending_changes(state, self.target, self.history)
        shown = self.target.by_title({name: data.get(name) for name in left})
        return ", ".join(f"{title} {value!r}" for title, value in shown.items()) or "another ticket"

    def wait_until_found(self, ticket: Ticket, run: RunOptions) -> str | None:
        """Wait until a search finds the new ticket. Return a warning if it does not find exactly that ticket, or None.

        :param ticket: the new ticket.
        :param run: the run options.
        """
        record_format, name = self._backend.format, self.history.name
        # If the service closed the new ticket although the task does not request it, search closed tickets, too.
        accepts_closed = self.wanted.accepts_closed or self.target.counts_as_closed(ticket)
        label = _capitalize(self.label)

        def search() -> dict[str, str]:
            budget = self._backend.read_budget(self.history.rejected)
            found = self._backend.find(self.target, accepts_closed, budget)
            # Before the creation, no ticket had the identity in another spelling either.
            every = (*found.matches, *found.similar)
            return {record_format.id_of(record): record_format.name_of(record) for record in every}

        try:
            seen = poll(search, lambda names: self.history.ticket_id in names, run.verify_timeout, run.clock)
        except ApiError as failure:
            return f"{label} was created, but the search that a further run relies on failed. {failure}"
        if self.history.ticket_id not in seen:
            return (
                f"{label} was created, but the search did not find it within {run.verify_timeout:g} s, so a further "
                f"run may create it again. Set {self._backend.options.identifier} to {name}; if the search is only "
                "slow, increase verify_timeout, and if the account cannot see the ticket, assign it a role that can."
            )
        others = sorted(other for ticket_id, other in seen.items() if ticket_id != self.history.ticket_id)
        if others:
            return (
                f"{label} was created, but it is a duplicate of {', '.join(others)}, which another user or an earlier "
                "attempt of this task created at the same time. Close one of them."
            )
        return None


def single_match(
    matches: Sequence[Ticket], label: str, backend: TicketBackend[Any, Any] | type[TicketBackend[Any, Any]]
) -> State:
    """Return the only match, or None without a match.

    :param matches: the matches of a search.
    :param label: the name of the wanted ticket in the message.
    :param backend: the ticketing system.
    :raises ApiError: category ``ambiguous_match`` for more than one.
    """
    if len(matches) > 1:
        ids = ", ".join(sorted(backend.format.name_of(record) for record in matches))
        raise ApiError(
            f"{_capitalize(label)}: {len(matches)} tickets match, {ids}. Set {backend.options.identifier} to one of "
            f"them, or choose {backend.options.unique_by} so that only one matches.",
            "ambiguous_match",
        )
    return matches[0] if matches else None


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def ensure_ticket(
    backend: TicketBackend[Wanted, Target], wanted: Wanted, run: RunOptions, target: Target | None = None
) -> OperationResult:
    """Create the wanted ticket if it does not exist, update its fields otherwise, and return the result.

    :param backend: the requests of the ticketing system.
    :param wanted: the parsed options.
    :param run: the run options.
    :param target: the options with the service's own ids, if they were resolved before.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = EnsureTicket(backend, wanted, target)
    try:
        outcome = reconcile(operation, run)
    except ApiError as failure:
        if not operation.history.created or operation.history.ticket_id is None:
            raise
        return _failed_after_creation(backend, operation.respelled_failure() or failure, operation, run)
    history = operation.history
    refused = operation.respelled_failure()
    if refused is None and outcome.changed and run.verify_timeout <= 0 and not run.check_mode:
        refused = refused_values(operation.target, history)
    if refused:
        refused = refused.with_message(refused.message, may_have_changed=True)
        if not history.created:
            raise refused
        return _failed_after_creation(backend, refused, operation, run)
    ticket = _final_ticket(outcome, history, backend, run)
    warnings = [*warnings_on(outcome, operation, backend, run, ticket), *history.warnings]
    if history.created and outcome.after is not None and run.verify_timeout > 0:
        warning = operation.wait_until_found(outcome.after, run)
        warnings += [warning] if warning else []
    created = outcome.before is None

    def shown(state: State) -> dict[str, Any]:
        return display_values(state, operation.target, created)

    return OperationResult(
        changed=outcome.changed,
        values={
            "ticket": ticket,
            **backend.result_values(ticket, history.ticket_id),
            "created": created,
            "before": shown(outcome.before),
            "after": shown(outcome.after if run.check_mode else ticket),
            "diff": difference(str(wanted), shown(outcome.before), shown(outcome.plan.after)),
            "unverified": backend.unverified(
                wanted, operation.target, created=created, check_mode=run.check_mode, noted=history.noted
            ),
            "request_ids": backend.request_ids,
        },
        warnings=warnings,
    )


def _failed_after_creation(
    backend: TicketBackend[Wanted, Target], failure: ApiError, operation: EnsureTicket[Wanted, Target], run: RunOptions
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
            **backend.result_values(ticket, operation.history.ticket_id),
            "created": True,
            "before": {},
            "after": display_values(ticket or None, operation.target, created=True),
            "request_ids": backend.request_ids,
        },
        warnings=[*operation.history.warnings, *([warning] if warning else [])],
        # Do not suggest a retry that may not find the ticket.
        failure=failure.with_message(message, may_have_changed=True, retryable=failure.retryable and warning is None),
    )


def _final_ticket(
    outcome: Reconciliation[State], history: History, backend: TicketBackend[Any, Any], run: RunOptions
) -> dict[str, Any]:
    """Return the latest state of the ticket that the service returned; empty for a new ticket in check mode."""
    if run.check_mode:
        return dict(outcome.before or {})
    if run.verify_timeout > 0 or not outcome.changed:
        return dict(outcome.after or {})
    if history.created and not history.response and history.last_read is not None:
        # The response to the creation was lost, and the ticket was found.
        return dict(history.last_read)
    # Without a read-back, the response to the write is the latest state.
    return {**(outcome.after or {}), **dict.fromkeys(backend.volatile_keys), **history.response}


def display_values(state: State, target: TargetTicket, created: bool) -> dict[str, Any]:
    """Return a ticket as ``before``, ``after`` and ``diff`` show it: the values that the task sets.

    :param state: the ticket, or None.
    :param target: the wanted ticket.
    :param created: True if this run creates the ticket, and so also sets the ignored fields.
    """
    if state is None:
        return {}
    return target.display(state, [name for name in target.values if created or name not in target.ignored])


def warnings_on(
    outcome: Reconciliation[State],
    operation: EnsureTicket[Wanted, Target],
    backend: TicketBackend[Wanted, Target],
    run: RunOptions,
    final: Ticket,
) -> list[str]:
    """Return warnings about the choice of the ticket, and about values that the service changed or dropped.

    :param outcome: the result of the reconciliation.
    :param operation: the operation after the run.
    :param backend: the requests of the ticketing system.
    :param run: the run options.
    :param final: the latest state of the ticket; without a read-back, as the response to the write shows it.
    """
    warnings = []
    target, history, wanted = operation.target, operation.history, operation.wanted
    options, record_format = backend.options, backend.format
    if outcome.before is None and history.closed:
        verb = "would open" if run.check_mode else "opened"
        ids = ", ".join(history.closed)
        warnings.append(
            f"This task {verb} a new {wanted} because only closed tickets match: {ids}. Set {options.include_closed} "
            "to use a closed ticket."
        )
    elif outcome.before is not None and wanted.ticket_id is None and wanted.title:
        title = record_format.title_of(outcome.before)
        if str(title or "").strip() != wanted.title.strip():
            warnings.append(
                f"Ticket {history.name} keeps its {options.title} {title!r}, because the {options.title} is only set "
                "in a new ticket."
            )
    if outcome.changed and not run.check_mode and final:
        data = record_format.data_of(final)
        changed = {name: data.get(name) for name in differing_fields(final, target)}
        marker = record_format.marker_of(final)
        warnings += [
            _changed_value_warning(title, operation, marker, options.ignore_fields)
            for title in target.by_title(changed)
        ]
        # Only a ticket that was read back contains its notes.
        dropped = [name for name in target.pending_notes(final, {}) if name in history.noted]
        if dropped and run.verify_timeout > 0:
            warnings.append(
                f"The service accepted {' and '.join(dropped)} of {operation.label}, but its journal does not show "
                "the text. Check whether the account may write there, or a rule drops or changes the text; a further "
                "run would send it again."
            )
    return warnings


def _changed_value_warning(
    title: str, operation: EnsureTicket[Any, Any], marker: str | None, ignore_fields: str
) -> str:
    if operation.history.marker not in (None, marker):
        return (
            f"{title!r} of {operation.label} does not have the value that this task set, because another user changed "
            "the ticket or the service stores the value differently. A further run would send it again."
        )
    return (
        f"The service stores {title!r} of {operation.label} differently from what this task sent, so a further run "
        f"would send it again. Add the field to {ignore_fields}, or set the value as the service stores it."
    )
