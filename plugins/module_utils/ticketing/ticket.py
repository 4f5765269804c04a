# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create a ticket once, and bring its fields to what is wanted without losing anybody else's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Protocol, Sequence

from ansible_collections.secops.itsm.plugins.module_utils.desired_state import (
    Outcome,
    Plan,
    Result,
    Run,
    Write,
    difference,
    poll,
    reach,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.fields import by_title, told_with_labels
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.goal import (
    Goal,
    Wanted,
    goal_for_named,
    goal_for_new,
    needed,
    wanted_from,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import data_of, home_of, is_deleted, is_done
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.search import (
    Found,
    Page,
    among_newest,
    equivalents,
    the_only,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.ticket_plan import (
    CREATE,
    History,
    Record,
    State,
    departures,
    differing,
    plan,
)

#: How often an update is tried anew because somebody else was quicker.
MOST_CONFLICTS = 5

#: Refusals of an update that have nothing to do with its etag.
NOT_STALE = frozenset({401, 403, 404, 408, 429})


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def ticket(self, object_id: str) -> Record:
        """Read a ticket."""

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """A page of the list of tickets."""

    def ticket_types(self, top: int, skip: int) -> list[Record]:
        """A page of the ticket types."""

    def offers(self) -> list[Record]:
        """The offers of the service catalog."""

    def create_ticket(self, team_id: str, item_type_id: str, body: Mapping[str, Any]) -> Record:
        """Create a ticket."""

    def update_ticket(self, object_id: str, etag: str, changes: Mapping[str, Any]) -> str | None:
        """Change fields of a ticket, and give its new etag if the answer tells it."""


@dataclass
class KeepTicket:
    """The operation on one ticket, as :func:`desired_state.reach` wants it."""

    api: Api
    wanted: Wanted
    goal: Goal = field(default_factory=Goal)
    found: Found = field(default_factory=Found)
    history: History = field(default_factory=History)
    object_id: str | None = None
    created: bool = False
    answered: Record = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.object_id = self.wanted.object_id

    @property
    def thing(self) -> str:
        """The ticket, as messages call it."""
        if self.wanted.object_id or not self.object_id:
            return str(self.wanted)
        return f"ticket {self.object_id} ({self.wanted.summary})"

    def read(self) -> State:
        """Read the ticket, once it is known which; look for it before that."""
        record = self._looked_for() if self.object_id is None else self._by_id(self.object_id)
        if self.wanted.object_id and self.history.first is None and record is not None:
            self.goal = goal_for_named(self.api, self.wanted, record)
        if self.history.first is None:
            self.history = History(dict(data_of(record)))
        if record is not None:
            # As the service spells it.
            self.object_id = str(record["object_id"])
        return record

    def _looked_for(self) -> State:
        if self.goal.identity is None:
            self.goal = goal_for_new(self.api, self.wanted)
        identity = needed(self.goal.identity)
        self.found = equivalents(self.api, identity, self.wanted.include_done)
        if not self.found.matches:
            newest = among_newest(self.api, identity, self.wanted.include_done)
            self.found = Found(newest.matches, list(dict.fromkeys([*self.found.done, *newest.done])))
        return the_only(self._counting(self.found.matches), str(self.wanted))

    def _counting(self, matches: Sequence[Record]) -> Sequence[Record]:
        """The matches that count where closed tickets do only because their status is asked for.

        An open one goes before them. Of several closed ones that are all as wanted, nothing would be written to any,
        and the newest is the one that was meant.
        """
        if self.wanted.include_done:
            return matches
        still_open = [record for record in matches if not is_done(record)]
        if still_open or any(departures(record, self.goal) for record in matches):
            return still_open or matches
        return sorted(matches, key=lambda record: str(record.get("created_at")))[-1:]

    def _by_id(self, object_id: str) -> State:
        try:
            record = self.api.ticket(object_id)
        except ApiError as failure:
            # What was created a moment ago may take a moment to be there.
            if self.created and failure.category == "not_found":
                return None
            raise
        if is_deleted(record) and not self.created:
            raise ApiError(f"Ticket {object_id} was deleted.", "not_found")
        return record

    def plan(self, current: State) -> Plan[State]:
        """What is to be written from here."""
        return plan(current, self.goal, self.history)

    def send(self, write: Write) -> None:
        """Create or update the ticket."""
        try:
            if write.action == CREATE:
                self._create(write)
            else:
                self._update(write)
        except ApiError as failure:
            raise _labelled(failure, self.goal) from None

    def _create(self, write: Write) -> None:
        identity = needed(self.goal.identity)
        self.created = True
        # Nobody else can have filled the fields of a ticket that was not there.
        self.history = History({}, frozenset(self.goal.values))
        try:
            record = self.api.create_ticket(identity.team_id, identity.item_type_id, write.body)
        except ApiError as failure:
            self.created = failure.ambiguous
            raise
        self.object_id, self.answered = str(record["object_id"]), record

    def _update(self, write: Write) -> None:
        object_id = needed(self.object_id)
        for _attempt in range(MOST_CONFLICTS):
            etag, changes = write.body["etag"], write.body["ticketUpdate"]
            try:
                renewed = self.api.update_ticket(object_id, etag, changes)
            except ApiError as failure:
                following = self._after_refusal(failure, etag)
            else:
                self.answered = {"etag": renewed}
                self.history = History(self.history.first, self.history.accepted | set(changes), renewed)
                return
            if following is None:
                return
            write = following
        raise ApiError(
            f"Somebody else changed {self.thing} each time that this task was about to: it gave up after "
            f"{MOST_CONFLICTS} tries. Run the task again.",
            "conflict",
            retryable=True,
        )

    def _after_refusal(self, failure: ApiError, etag: str) -> Write | None:
        """What is left to write if an update was refused because its etag was stale; None if nothing is.

        :raises ApiError: the refusal itself if it had another cause, or a conflict over the same fields.
        """
        if not may_be_stale(failure) or self.object_id is None:
            raise failure
        try:
            fresh = self.api.ticket(self.object_id)
        except ApiError:
            raise failure from None
        if str(fresh["etag"]) == etag:
            raise failure
        again = self.plan(fresh)
        if again.conflict:
            raise again.conflict
        return again.writes[0] if again.writes else None

    def shows(self, state: State) -> bool:
        """A ticket shows its fields, and whether it is there."""
        del state
        return True

    def without_what_arrived(self, write: Write) -> Write:
        """Fields are changed together or not at all."""
        return write

    def describe(self, state: State) -> str:
        """What is not as it should be, in words."""
        if state is None:
            return "no such ticket"
        left = departures(state, self.goal, self.history)
        shown = by_title(self.goal.kind, {name: data_of(state).get(name) for name in left})
        return ", ".join(f"{title} {value!r}" for title, value in shown.items()) or "another ticket"


def may_be_stale(failure: ApiError) -> bool:
    """Whether the refusal of an update may be about its etag (TK-A7).

    :param failure: what the update raised.
    """
    status = failure.http_status or 0
    return 400 <= status < 500 and status not in NOT_STALE and not failure.fields


def _labelled(failure: ApiError, goal: Goal) -> ApiError:
    """A failure whose message has the labels of fields beside their UUIDs."""
    if goal.kind is None:
        return failure
    told = failure.retold(told_with_labels(goal.kind, failure.message))
    told.ambiguous, told.what = failure.ambiguous, failure.what
    return told


def keep_ticket(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Bring a ticket to what is wanted, creating it if it is not there.

    :param api: the ticketing API.
    :param options: the task's options.
    :param run: how the run is to go.
    :raises ApiError: as :func:`goal.wanted_from` and :func:`desired_state.reach` say.
    """
    return bring_ticket(api, wanted_from(options), run)


def bring_ticket(api: Api, wanted: Wanted, run: Run, goal: Goal | None = None) -> Result:
    """Bring a ticket to what is wanted, creating it if it is not there.

    :param api: the ticketing API.
    :param wanted: what the user asked for.
    :param run: how the run is to go.
    :param goal: the same in the service's own ids, where the catalog was looked at before.
    :raises ApiError: as :func:`desired_state.reach` says.
    """
    operation = KeepTicket(api, wanted, goal or Goal())
    try:
        outcome = reach(operation, run)
    except ApiError as failure:
        if not operation.created or operation.object_id is None:
            raise
        return _created_but(failure, operation, run)
    searched = None
    if operation.created and outcome.after is not None and run.verify_timeout > 0:
        searched = _await_search(operation, outcome.after, run)
    created = outcome.before is None
    ticket = _ticket(outcome, operation, run)
    return Result(
        changed=outcome.changed,
        values={
            "ticket": ticket,
            "object_id": operation.object_id,
            "etag": ticket.get("etag"),
            "created": created,
            "before": shown(outcome.before, operation.goal, created),
            "after": shown(outcome.after if run.check_mode else ticket, operation.goal, created),
            "diff": difference(
                str(wanted),
                shown(outcome.before, operation.goal, created),
                shown(outcome.plan.after, operation.goal, created),
            ),
            "request_ids": api.request_ids,
        },
        warnings=[*warnings_on(outcome, operation, run), *([searched] if searched else [])],
    )


def _created_but(failure: ApiError, operation: KeepTicket, run: Run) -> Result:
    """A failure after the ticket was created: what a playbook needs of it must not be lost, or it is created again."""
    searched = _await_search(operation, operation.answered, run) if run.verify_timeout > 0 else None
    ticket = dict(operation.answered)
    message = f"{failure} But do not run it again as it is: {searched}" if searched else failure.message
    return Result(
        changed=True,
        values={
            "ticket": ticket,
            "object_id": operation.object_id,
            "etag": ticket.get("etag"),
            "created": True,
            "before": {},
            "after": shown(ticket or None, operation.goal, created=True),
            "request_ids": operation.api.request_ids,
        },
        warnings=[searched] if searched else [],
        # A run that would not find the ticket must not be asked for.
        failure=failure.retold(message, wrote=True, retryable=failure.retryable and searched is None),
    )


def _ticket(outcome: Outcome[State], operation: KeepTicket, run: Run) -> dict[str, Any]:
    """The ticket as far as the service gave it: a new one is not there in check mode."""
    if run.check_mode:
        return dict(outcome.before or {})
    if run.verify_timeout > 0 or not outcome.changed:
        return dict(outcome.after or {})
    # Without a read-back, what the service answered to the write is the newest that is known.
    return {**(outcome.after or {}), "etag": None, **operation.answered}


def shown(state: State, goal: Goal, created: bool) -> dict[str, Any]:
    """A ticket as C(before), C(after) and C(diff) show it: what was asked for, by label.

    :param state: the ticket, or None.
    :param goal: what is wanted of it.
    :param created: whether this run creates it, so that it has ignored fields, too.
    """
    if state is None:
        return {}
    names = [name for name in goal.values if created or name not in goal.ignored]
    values = {name: data_of(state).get(name) for name in names}
    named = {"object_id": state.get("object_id"), "summary": state.get("summary"), **home_of(state)}
    return {
        **{name: value for name, value in named.items() if value is not None},
        "fields": by_title(goal.kind, values),
    }


def warnings_on(outcome: Outcome[State], operation: KeepTicket, run: Run) -> list[str]:
    """What a user should know although nothing failed.

    :param outcome: of the run.
    :param operation: what was run.
    :param run: how it was to go.
    """
    warnings = []
    goal, after = operation.goal, outcome.after
    if outcome.before is None and operation.found.done:
        verb = "would open" if run.check_mode else "opened"
        ids = ", ".join(operation.found.done)
        warnings.append(
            f"This task {verb} another {operation.wanted}, as {ids} looks the same but is done. Set include_done to "
            "keep to that."
        )
    elif outcome.before is not None and goal.identity and not _same_text(outcome.before, operation.wanted.summary):
        warnings.append(
            f"Ticket {operation.object_id} keeps its summary {outcome.before.get('summary')!r}: only a new ticket gets "
            "one."
        )
    if outcome.changed and not run.check_mode and after is not None:
        kept = by_title(goal.kind, {name: data_of(after).get(name) for name in differing(after, goal)})
        warnings += [_kept_warning(title, operation, after) for title in kept]
    return warnings


def _kept_warning(title: str, operation: KeepTicket, after: Record) -> str:
    history = operation.history
    if history.etag is not None and history.etag != str(after.get("etag")):
        return (
            f"{title!r} of {operation.thing} does not hold what this task gave it: somebody else changed the ticket "
            "since then, or the service keeps it in other words. A further run would send it again."
        )
    return (
        f"The service keeps {title!r} of {operation.thing} in other words than it was given, so a further run would "
        "send it again: add it to ignore_fields, or give it as the service keeps it."
    )


def _same_text(record: Record, summary: str | None) -> bool:
    return str(record.get("summary") or "").strip() == (summary or "").strip()


def _await_search(operation: KeepTicket, after: Record, run: Run) -> str | None:
    """Wait until a further run would find a new ticket, and give a warning if it would not."""
    identity, object_id = needed(operation.goal.identity), operation.object_id
    # A ticket that was made as a done one, without its status being asked for, is found only by a search for those.
    include_done = operation.wanted.include_done or identity.passes_over(after)

    thing = operation.thing[:1].upper() + operation.thing[1:]

    def ids() -> list[str]:
        found = equivalents(operation.api, identity, include_done)
        return sorted(str(record["object_id"]) for record in found.matches)

    try:
        matches = poll(ids, lambda seen: object_id in seen, run.verify_timeout, run.clock)
    except ApiError as failure:
        return f"{thing} was created, but it is not known whether a further run would find it. {failure}"
    if object_id not in matches:
        return (
            f"{thing} was created, but the search does not find it within {run.verify_timeout:g} s. Give "
            f"object_id {object_id} from now on: a task that has to search would create it again. If the search is "
            "only slow, raise verify_timeout; if the account does not see the ticket, give it the role that does."
        )
    others = [name for name in matches if name != object_id]
    if others:
        return (
            f"{thing} was created, and {', '.join(others)} is the same: somebody else opened it at the same "
            "moment, or an earlier try of this task did. Close one of them."
        )
    return None
