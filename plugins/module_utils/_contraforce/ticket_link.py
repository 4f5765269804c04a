# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Link a service ticket to an incident, or unlink it.

If the incident shows its ticket, the run compares that. If it does not, the run always sends the write, and other
evidence only determines ``changed``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import NOT_LINKED_CODE
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_operation import IncidentOperation
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.link_evidence import (
    LIKELY,
    LINKED,
    RESPONSE,
    UNLINKED,
    Link,
    Ticket,
    is_same,
    link_in_comments,
    link_in_incident,
    ticket_from_name,
    ticket_in_incident,
    ticket_in_response,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of
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

LINK, UNLINK = "link", "unlink"
STATES: tuple[str, ...] = ("present", "absent")

#: The same text for all incidents, because Ansible shows identical warnings only once.
WEAK_EVIDENCE = (
    "The service does not show which ticket an incident is linked to, so this prediction is based on weak evidence "
    "(see link.evidence). A run always sends the request."
)

#: The same text for all incidents, as above.
UNSEEN = (
    "The service does not show which ticket an incident is linked to. If it was linked to another ticket before, that "
    "link has been replaced."
)


@dataclass(frozen=True)
class Wanted:
    """The parsed options of a task."""

    key: IncidentKey
    present: bool
    ticket_id: str | None = None
    replace: bool = False
    incident_number: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names that the options give the ticket."""
        return (self.ticket_id,) if self.ticket_id else ()


@dataclass(frozen=True)
class History:
    """Facts about the link that a run has learned.

    :param first: the link at the first read; None before that.
    :param confirmed: the link that the latest response to a write confirmed.
    :param other_names: further names of the wanted ticket, from the response to a link request.
    :param had_ticket: whether an unlink request removed a ticket; None if no unlink request succeeded.
    :param unlinked: the ticket that this run unlinked.
    :param interrupted: whether a write was interrupted.
    :param record: the incident as last read.
    :param ticket: the ticket as last returned by the service.
    """

    first: Link | None = None
    confirmed: Link | None = None
    other_names: tuple[str, ...] = ()
    had_ticket: bool | None = None
    unlinked: Ticket | None = None
    interrupted: bool = False
    record: Mapping[str, Any] = field(default_factory=dict)
    ticket: Mapping[str, Any] | None = None

    def matches(self, wanted: Wanted, ticket: Ticket) -> bool | None:
        """Return whether a ticket is the wanted one, or None if they cannot be compared.

        :param wanted: the parsed options.
        :param ticket: the ticket to compare.
        """
        return is_same((*wanted.names, *self.other_names), ticket)


NO_HISTORY = History()


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one incident.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    wanted = Wanted(
        key=incident_key(options["workspace_id"], options["source"], options["incident_id"]),
        present=options.get("state", "present") == "present",
        ticket_id=identifier("ticket_id", options.get("ticket_id")),
        replace=bool(options.get("replace")),
        incident_number=identifier("incident_number", options.get("incident_number")),
    )
    check_verify_timeout(options)
    if wanted.present and not wanted.ticket_id:
        raise configuration_error(f"ticket_id is missing: set it to the ticket to link to {wanted.key}.")
    return wanted


def plan(current: Link, wanted: Wanted, history: History = NO_HISTORY) -> Plan[Link]:
    """Plan the change of the link. A pure function: return the writes and the link after them.

    :param current: the link, as far as it is known.
    :param wanted: the parsed options.
    :param history: the facts that the run has learned.
    """
    same = history.matches(wanted, current.ticket)
    return _plan_link(current, wanted, same) if wanted.present else _plan_unlink(current, wanted, same)


def _plan_link(current: Link, wanted: Wanted, same: bool | None) -> Plan[Link]:
    if current.status == LINKED and same:
        return Plan(current)
    named = ticket_from_name(wanted.ticket_id or "")
    after = Link(LINKED, current.evidence, replace(named, system=current.ticket.system))
    link = Write(LINK, {"ticketId": wanted.ticket_id})
    if current.status != LINKED or not current.ticket.names:
        return Plan(after, (link,))
    if wanted.replace and same is False:
        return Plan(after, (Write(UNLINK, {}), link))
    return Plan(current, conflict=_linked_to_another(current, wanted, same))


def _plan_unlink(current: Link, wanted: Wanted, same: bool | None) -> Plan[Link]:
    if current.status == UNLINKED:
        return Plan(current)
    if wanted.names and current.ticket.names and not same:
        return Plan(current, conflict=_linked_to_another(current, wanted, same))
    return Plan(Link(UNLINKED, current.evidence), (Write(UNLINK, {}),))


def _linked_to_another(current: Link, wanted: Wanted, same: bool | None) -> ApiError:
    """Return the conflict between the linked ticket and the wanted one."""
    how = "is linked" if current.status == LINKED else "is, according to its comments, linked"
    if same is None:
        kind = "identifier" if current.ticket.id else "display number"
        return ApiError(
            f"The {wanted.key} {how} to ticket {current.ticket}, which cannot be compared with {wanted.ticket_id}: the "
            f"service shows only the {kind}. Give the ticket's {kind} as ticket_id.",
            "conflict",
        )
    way = "set replace to replace the link" if wanted.present else "leave ticket_id out to unlink any ticket"
    return ApiError(
        f"The {wanted.key} {how} to ticket {current.ticket}, not to {wanted.ticket_id}. Check which of the two is "
        f"correct, and {way}.",
        "conflict",
    )


class ChangeTicketLink(IncidentOperation[Link, History]):
    """Link a ticket to one incident, or unlink it."""

    history: History = NO_HISTORY
    _wanted: Wanted

    def read(self) -> Link:
        """Return the link that the incident shows, or the one that a response confirmed or comments indicate."""
        state = self._read()
        first = self.history.first or state
        self._learn(first=first)
        if self.history.interrupted and first.status == LINKED and state.status == UNLINKED:
            self._learn(unlinked=first.ticket)
        return state

    def _read(self) -> Link:
        data = self._api.incident_data(self._wanted.key)
        self._learn(record=record_of(data))
        shown = link_in_incident(data)
        if shown and shown.is_conclusive:
            self._learn(ticket=ticket_in_incident(data) or self.history.ticket)
            return shown
        return self.history.confirmed or shown or link_in_comments(self._comments())

    def _comments(self) -> list[dict[str, Any]]:
        """Return the comments, or an empty list if the account may not read them."""
        try:
            return self._api.comments(self._wanted.key)
        except ApiError as failure:
            if failure.category not in ("permission", "not_found"):
                raise
            return []

    def plan(self, current: Link) -> Plan[Link]:
        """Return the plan for the remaining writes."""
        return plan(current, self._wanted, self.history)

    def send(self, write: Write) -> None:
        """Link or unlink the ticket, and record the response."""
        try:
            if write.action == UNLINK:
                self._unlink()
            else:
                self._link(str(write.body["ticketId"]))
        except ApiError as failure:
            self._learn(interrupted=self.history.interrupted or failure.ambiguous)
            raise

    def _link(self, ticket_id: str) -> None:
        """Link the ticket; if the service refuses to replace the ticket that comments name, unlink that one first."""
        try:
            response = self._request_link(ticket_id)
        except ApiError as failure:
            if failure.category != "conflict" or not self._may_unlink_unseen():
                raise
            self._unlink()
            response = self._request_link(ticket_id)
        linked = ticket_in_response(response)
        _check_linked(response, linked, self._wanted, self.history)
        named = linked if linked.names else replace(ticket_from_name(ticket_id), system=linked.system)
        self._learn(ticket=response, other_names=linked.names, confirmed=Link(LINKED, RESPONSE, named))

    def _may_unlink_unseen(self) -> bool:
        """Return whether a link may be refused because of another ticket (CF-A18) that a comment names."""
        first = self.history.first
        if not self._wanted.replace or first is None or first.status != LIKELY:
            return False
        return self.history.matches(self._wanted, first.ticket) is False

    def _request_link(self, ticket_id: str) -> dict[str, Any]:
        """Send the link request, and name the ticket in its failure."""
        try:
            return self._api.link_ticket(self._wanted.key, ticket_id, self._wanted.incident_number)
        except ApiError as failure:
            if failure.ambiguous or failure.may_have_changed:
                raise
            message = f"Ticket {ticket_id} could not be linked. {failure}"
            first = self.history.first
            if failure.category == "conflict" and not (first and first.is_conclusive):
                message += " If the incident has another ticket, unlink that first."
            raise failure.with_message(
                message, retryable=failure.retryable and failure.category != "conflict"
            ) from None

    def _unlink(self) -> None:
        """Unlink the ticket. The incident has just been read, so a 404 refers to the link (CF-A13)."""
        try:
            was_linked = self._api.unlink_ticket(self._wanted.key, self._wanted.incident_number)
        except ApiError as failure:
            if failure.category != "not_found" or failure.code != NOT_LINKED_CODE:
                raise
            was_linked = False
        if was_linked:
            self._learn(unlinked=self.history.first.ticket if self.history.first else Ticket())
        self._learn(had_ticket=was_linked or bool(self.history.had_ticket), confirmed=Link(UNLINKED, RESPONSE))

    def can_observe(self, state: Link) -> bool:
        """Return whether the incident shows its ticket; link and unlink requests may be repeated (CF-A12)."""
        return state.is_conclusive

    def describe(self, state: Link) -> str:
        """Return a description of the link for messages."""
        return f"{state.status} {state.ticket}" if state.status in (LINKED, LIKELY) else state.status


def _check_linked(response: Mapping[str, Any], linked: Ticket, wanted: Wanted, history: History) -> None:
    """Raise ApiError if a successful response linked nothing, or another ticket.

    Source: ContraForce API reference, Link ticket.
    """
    if linked.system == "None":
        raise ApiError(
            "The workspace has no ticketing system, so no ticket can be linked. Connect one to the workspace in "
            "ContraForce, or check workspace_id.",
            "not_converged",
        )
    system = linked.system or "the ticketing system"
    if not response["isTicketSet"]:
        raise ApiError(
            f"ContraForce accepted the request, but reports that no ticket is set. Check that {system} has the ticket "
            f"{wanted.ticket_id}, and that its connection in ContraForce works.",
            "not_converged",
        )
    if history.matches(wanted, linked) is False:
        raise ApiError(
            f"ContraForce linked ticket {linked} of {system} to the {wanted.key} instead of {wanted.ticket_id}. Check "
            "the incident, and run the task again with the ticket's id.",
            "not_converged",
            may_have_changed=True,
        )


def change_ticket_link(api: ContraForceApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Link a ticket to an incident, or unlink it.

    :param api: the ContraForce API.
    :param wanted: the parsed options.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = ChangeTicketLink(api, wanted)
    outcome = _reconcile(operation, wanted, run)
    history = operation.history
    changed = has_changed(outcome, wanted, history, run)
    after = final_link(outcome, history, run)
    shown = _summary(outcome.before)
    of_interest = after.ticket if wanted.present else outcome.before.ticket
    return OperationResult(
        changed=changed,
        values={
            "link": {
                "before": outcome.before.status,
                "after": after.status,
                "evidence": after.evidence,
                "ticket_id": of_interest.id,
                "ticket_number": of_interest.number,
                "ticketing_system": of_interest.system,
            },
            "ticket": history.ticket if after.status == LINKED and not (changed and run.check_mode) else None,
            "incident": history.record,
            "before": outcome.before.as_dict(),
            "after": after.as_dict(),
            "diff": difference(operation.label, shown, _summary(outcome.plan.after) if changed else shown),
            "request_ids": api.request_ids,
        },
        warnings=warnings_on(outcome, wanted, history, run),
    )


def _reconcile(operation: ChangeTicketLink, wanted: Wanted, run: RunOptions) -> Reconciliation[Link]:
    """Reconcile the link; name the former ticket in a failure after it was unlinked."""
    try:
        return reconcile(operation, run)
    except ApiError as failure:
        unlinked = operation.history.unlinked
        if unlinked is None or not wanted.present:
            raise
        message = (
            f"The {operation.label} was unlinked from {unlinked}, and is not known to be linked to "
            f"{wanted.ticket_id}: correct ticket_id, or link the former ticket again. {failure}"
        )
        raise failure.with_message(message, may_have_changed=True) from None


def has_changed(outcome: Reconciliation[Link], wanted: Wanted, history: History, run: RunOptions) -> bool:
    """Return whether the link changed, as far as the evidence shows.

    :param outcome: the states and the plan of the run.
    :param wanted: the parsed options.
    :param history: the facts that the run has learned.
    :param run: the run options.
    """
    if not outcome.changed:
        return False
    if wanted.present:
        likely_the_same = outcome.before.status == LIKELY and history.matches(wanted, outcome.before.ticket)
        return not likely_the_same
    if run.check_mode or history.interrupted:
        return True
    return history.had_ticket is not False


def final_link(outcome: Reconciliation[Link], history: History, run: RunOptions) -> Link:
    """Return the link at the end of the run, with the details that the responses to its writes add.

    :param outcome: the states and the plan of the run.
    :param history: the facts that the run has learned.
    :param run: the run options.
    """
    confirmed = history.confirmed
    if confirmed is None or run.check_mode:
        return outcome.after
    after = confirmed if run.verify_timeout <= 0 else outcome.after
    same = after.status == LINKED == confirmed.status and is_same(confirmed.ticket.names, after.ticket)
    return replace(after, ticket=after.ticket.merged_with(confirmed.ticket)) if same else after


def _summary(link: Link) -> dict[str, Any]:
    return {"link": link.status, "ticket": str(link.ticket) if link.ticket.names else None}


def warnings_on(outcome: Reconciliation[Link], wanted: Wanted, history: History, run: RunOptions) -> list[str]:
    """Return warnings about a prediction or a write that is based on weak evidence.

    :param outcome: the states and the plan of the run.
    :param wanted: the parsed options.
    :param history: the facts that the run has learned.
    :param run: the run options.
    """
    before = outcome.before
    if not outcome.changed or before.is_conclusive:
        return []
    warnings = [WEAK_EVIDENCE] if run.check_mode else []
    same = history.matches(wanted, before.ticket)
    if wanted.present and before.status == LIKELY and same is False:
        replaced = "will be replaced" if run.check_mode else "has been replaced"
        warnings.append(
            f"The comments of {wanted.key} name ticket {before.ticket} instead of {wanted.ticket_id}. If it was still "
            f"linked to that ticket, the link {replaced}."
        )
    elif wanted.present and not same and not wanted.replace and not run.check_mode:
        warnings.append(UNSEEN)
    elif wanted.names and not wanted.present:
        known = "Only a comment shows" if same else "Nothing shows"
        unlinks = "the run will unlink" if run.check_mode else "the run has unlinked"
        warnings.append(
            f"{known} which ticket {wanted.key} is linked to, so ticket_id {wanted.ticket_id} cannot be verified: "
            f"{unlinks} the ticket even if it is another one."
        )
    return warnings
