# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Link a service ticket to an incident, or unlink it.

Where the read of the incident shows its ticket, that decides. Where it does not, the write is sent, because only the
write makes the state true; what else is known decides only what C(changed) says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import NOT_LINKED_CODE
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.links import (
    LIKELY,
    LINKED,
    RESPONSE,
    UNLINKED,
    Link,
    Ticket,
    is_same,
    link_in_comments,
    link_shown,
    ticket_in_answer,
    ticket_named,
    ticket_shown,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import record_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key
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

LINK, UNLINK = "link", "unlink"
STATES: tuple[str, ...] = ("present", "absent")

#: The same text for every incident: Ansible shows the same warning once.
WEAK_EVIDENCE = (
    "The service does not show which ticket an incident is linked to, so this prediction rests on weak evidence (see "
    "link.evidence). The run sends the write in any case."
)

#: The same text for every incident, too.
UNSEEN = (
    "The service does not show which ticket an incident is linked to; if it was another one than the one that is "
    "linked now, that link has been replaced."
)


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def incident_data(self, key: IncidentKey) -> dict[str, Any]:
        """The read of an incident."""

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident."""

    def link_ticket(self, key: IncidentKey, ticket_id: str, number: str | None) -> dict[str, Any]:
        """Link a ticket."""

    def unlink_ticket(self, key: IncidentKey, number: str | None) -> bool:
        """Unlink the ticket."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for.

    :param also: further names of the wanted ticket, which the service gave in this run.
    """

    key: IncidentKey
    present: bool
    ticket_id: str | None = None
    replace: bool = False
    incident_number: str | None = None
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the wanted ticket goes by."""
        return (self.ticket_id, *self.also) if self.ticket_id else ()


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """Check a task's options.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    wanted = Wanted(
        key=incident_key(options["workspace_id"], options["source"], options["incident_id"]),
        present=options.get("state", "present") == "present",
        ticket_id=(options.get("ticket_id") or "").strip() or None,
        replace=bool(options.get("replace")),
        incident_number=(options.get("incident_number") or "").strip() or None,
    )
    check_verify_timeout(options)
    if wanted.present and not wanted.ticket_id:
        raise configuration_error(f"ticket_id is missing: name the ticket that {wanted.key} is to be linked to.")
    return wanted


def plan(current: Link, wanted: Wanted) -> Plan[Link]:
    """The writes that bring an incident to the wanted link, and the link after them. A pure function.

    :param current: the link as far as it is known.
    :param wanted: what the user asked for.
    """
    return _plan_link(current, wanted) if wanted.present else _plan_unlink(current, wanted)


def _plan_link(current: Link, wanted: Wanted) -> Plan[Link]:
    same = is_same(wanted.names, current.ticket)
    if current.status == LINKED and same:
        return Plan(current)
    named = ticket_named(wanted.ticket_id or "")
    after = Link(LINKED, current.evidence, replace(named, system=current.ticket.system))
    link = Write(LINK, {"ticketId": wanted.ticket_id})
    if current.status != LINKED or not current.ticket.names:
        return Plan(after, (link,))
    if wanted.replace and same is False:
        return Plan(after, (Write(UNLINK, {}), link))
    return Plan(current, conflict=_linked_to_another(current, wanted, same))


def _plan_unlink(current: Link, wanted: Wanted) -> Plan[Link]:
    if current.status == UNLINKED:
        return Plan(current)
    same = is_same(wanted.names, current.ticket)
    if wanted.names and current.ticket.names and not same:
        return Plan(current, conflict=_linked_to_another(current, wanted, same))
    return Plan(Link(UNLINKED, current.evidence), (Write(UNLINK, {}),))


def _linked_to_another(current: Link, wanted: Wanted, same: bool | None) -> ApiError:
    """Why the link is left as it is, with both tickets named."""
    how = "is linked" if current.status == LINKED else "is, by its comments, linked"
    if same is None:
        kind = "identifier" if current.ticket.id else "display number"
        return ApiError(
            f"The {wanted.key} {how} to ticket {current.ticket}, which cannot be compared with {wanted.ticket_id}: the "
            f"service shows only the {kind}. Give the ticket's {kind} as ticket_id.",
            "conflict",
        )
    way = "set replace to link it instead" if wanted.present else "leave ticket_id out to unlink whichever is linked"
    return ApiError(
        f"The {wanted.key} {how} to ticket {current.ticket}, not to {wanted.ticket_id}. Check which of the two is "
        f"right; {way}.",
        "conflict",
    )


class ChangeTicketLink:
    """The operation on one incident, as :func:`desired_state.reach` wants it."""

    def __init__(self, api: Api, wanted: Wanted) -> None:
        self.thing = str(wanted.key)
        self.wanted = wanted
        self.record: dict[str, Any] = {}
        self.ticket: dict[str, Any] | None = None
        self.answered: Link | None = None
        self.was_linked: bool | None = None
        self.former: Link | None = None
        self.unlinked_from: Ticket | None = None
        self.broke_off = False
        self._api = api

    def read(self) -> Link:
        """Read the incident, and its comments where it shows no ticket and no write has been answered."""
        state = self._read()
        self.former = self.former or state
        if self.broke_off and self.former.status == LINKED and state.status == UNLINKED:
            self.unlinked_from = self.former.ticket
        return state

    def _read(self) -> Link:
        data = self._api.incident_data(self.wanted.key)
        self.record = record_of(data)
        shown = link_shown(data)
        if shown and shown.is_firm:
            self.ticket = ticket_shown(data) or self.ticket
            return shown
        if self.answered:
            return self.answered
        return shown or link_in_comments(self._comments())

    def _comments(self) -> list[dict[str, Any]]:
        """The comments; an account without their scope goes without that evidence."""
        try:
            return self._api.comments(self.wanted.key)
        except ApiError as failure:
            if failure.category not in ("permission", "not_found"):
                raise
            return []

    def plan(self, current: Link) -> Plan[Link]:
        """What is to be written from here."""
        return plan(current, self.wanted)

    def send(self, write: Write) -> None:
        """Link or unlink, and keep what the answer says of it."""
        try:
            if write.action == UNLINK:
                self._unlink()
            else:
                self._link(str(write.body["ticketId"]))
        except ApiError as failure:
            self.broke_off = self.broke_off or failure.ambiguous
            raise

    def _link(self, ticket_id: str) -> None:
        """Link; where comments name another ticket, and the service does not replace it itself, unlink that first."""
        try:
            answer = self._request_link(ticket_id)
        except ApiError as failure:
            if failure.category != "conflict" or not self._may_unlink_unseen():
                raise
            self._unlink()
            answer = self._request_link(ticket_id)
        linked = ticket_in_answer(answer)
        _check_that_it_is_set(answer, linked, self.wanted)
        self.ticket = answer
        self.wanted = replace(self.wanted, also=linked.names)
        named = linked if linked.names else replace(ticket_named(ticket_id), system=linked.system)
        self.answered = Link(LINKED, RESPONSE, named)

    def _may_unlink_unseen(self) -> bool:
        """Whether a refused link may be taken for one to another ticket (CF-A18): a comment must name that."""
        former = self.former
        likely_another = former and former.status == LIKELY and is_same(self.wanted.names, former.ticket) is False
        return bool(self.wanted.replace and likely_another)

    def _request_link(self, ticket_id: str) -> dict[str, Any]:
        """The request itself; what it failed for names the ticket."""
        try:
            return self._api.link_ticket(self.wanted.key, ticket_id, self.wanted.incident_number)
        except ApiError as failure:
            if failure.ambiguous:
                raise
            message = f"Ticket {ticket_id} could not be linked. {failure}"
            if failure.category == "conflict" and not (self.former and self.former.is_firm):
                message += " If the incident has another ticket, unlink that first."
            raise failure.retold(message, retryable=failure.retryable and failure.category != "conflict") from None

    def _unlink(self) -> None:
        """Unlink; the incident itself was just read, so that 404 is about the link (CF-A13)."""
        try:
            was_linked = self._api.unlink_ticket(self.wanted.key, self.wanted.incident_number)
        except ApiError as failure:
            if failure.category != "not_found" or failure.code != NOT_LINKED_CODE:
                raise
            was_linked = False
        self.was_linked = was_linked or bool(self.was_linked)
        if was_linked:
            self.unlinked_from = self.former.ticket if self.former else Ticket()
        self.answered = Link(UNLINKED, RESPONSE)

    def shows(self, state: Link) -> bool:
        """Whether the read of the incident says which ticket it has; link and unlink may be repeated (CF-A12)."""
        return state.is_firm

    def without_what_arrived(self, write: Write) -> Write:
        """Neither write has parts."""
        return write

    def describe(self, state: Link) -> str:
        """The link in words."""
        return f"{state.status} {state.ticket}" if state.status in (LINKED, LIKELY) else state.status


def _check_that_it_is_set(answer: Mapping[str, Any], linked: Ticket, wanted: Wanted) -> None:
    """A 200 that linked nothing, or another ticket, is a failure. Source: seed 000, and the contract on its reading."""
    if linked.system == "None":
        raise ApiError(
            "The workspace has no ticketing system, so no ticket can be linked. Connect one to the workspace in "
            "ContraForce, or check workspace_id.",
            "not_converged",
        )
    system = linked.system or "the ticketing system"
    if not answer["isTicketSet"]:
        raise ApiError(
            f"ContraForce accepted the request, but says that no ticket is set. Check that {system} has the ticket "
            f"{wanted.ticket_id}, and that its connection in ContraForce works.",
            "not_converged",
        )
    if is_same(wanted.names, linked) is False:
        raise ApiError(
            f"ContraForce linked ticket {linked} of {system} to the {wanted.key} instead of {wanted.ticket_id}. Look "
            "at the incident, and run the task again with the ticket's id.",
            "not_converged",
            wrote=True,
        )


def change_ticket_link(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Bring the link between an incident and a ticket to the wanted state.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: how the run is to go.
    :raises ApiError: as :func:`wanted_from` and :func:`desired_state.reach` say.
    """
    return bring_to_link(api, wanted_from(options), run)


def bring_to_link(api: Api, wanted: Wanted, run: Run) -> Result:
    """Bring the link between an incident and a ticket to the wanted state.

    :param api: the ContraForce API.
    :param wanted: what the user asked for.
    :param run: how the run is to go.
    :raises ApiError: as :func:`desired_state.reach` says.
    """
    operation = ChangeTicketLink(api, wanted)
    outcome = _reach(operation, run)
    changed = has_changed(outcome, operation, run)
    after = final_link(outcome, operation, run)
    shown = _shown(outcome.before)
    of_interest = after.ticket if wanted.present else outcome.before.ticket
    return Result(
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
            "ticket": operation.ticket if after.status == LINKED and not (changed and run.check_mode) else None,
            "incident": operation.record,
            "before": outcome.before.as_dict(),
            "after": after.as_dict(),
            "diff": difference(operation.thing, shown, _shown(outcome.plan.after) if changed else shown),
            "request_ids": api.request_ids,
        },
        warnings=warnings_on(outcome, operation, run),
    )


def _reach(operation: ChangeTicketLink, run: Run) -> Outcome[Link]:
    """Reach the wanted link; whatever goes wrong after another ticket was unlinked names that one."""
    try:
        return reach(operation, run)
    except ApiError as failure:
        if operation.unlinked_from is None or not operation.wanted.present:
            raise
        message = (
            f"The {operation.thing} was unlinked from {operation.unlinked_from}, and is not known to be linked to "
            f"{operation.wanted.ticket_id}: correct ticket_id, or link the former one again. {failure}"
        )
        raise failure.retold(message, wrote=True) from None


def has_changed(outcome: Outcome[Link], operation: ChangeTicketLink, run: Run) -> bool:
    """Whether the link is another one than before, as far as the evidence goes.

    :param outcome: what the run found and did.
    :param operation: with what the service answered.
    :param run: whether it was only foretold.
    """
    if not outcome.changed:
        return False
    if operation.wanted.present:
        likely_the_same = outcome.before.status == LIKELY and is_same(operation.wanted.names, outcome.before.ticket)
        return not likely_the_same
    if run.check_mode or operation.broke_off:
        return True
    return operation.was_linked is not False


def final_link(outcome: Outcome[Link], operation: ChangeTicketLink, run: Run) -> Link:
    """The link in the end, completed by what the service answered.

    :param outcome: what the run found and did.
    :param operation: with what the service answered.
    :param run: whether it was only foretold.
    """
    answered = operation.answered
    if answered is None or run.check_mode:
        return outcome.after
    after = answered if run.verify_timeout <= 0 else outcome.after
    same = after.status == LINKED == answered.status and is_same(answered.ticket.names, after.ticket)
    return replace(after, ticket=after.ticket.completed_by(answered.ticket)) if same else after


def _shown(link: Link) -> dict[str, Any]:
    return {"link": link.status, "ticket": str(link.ticket) if link.ticket.names else None}


def warnings_on(outcome: Outcome[Link], operation: ChangeTicketLink, run: Run) -> list[str]:
    """What a user should know although nothing failed.

    :param outcome: what the run found and did.
    :param operation: with what the service answered.
    :param run: whether it was only foretold.
    """
    before, wanted = outcome.before, operation.wanted
    if not outcome.changed or before.is_firm:
        return []
    warnings = [WEAK_EVIDENCE] if run.check_mode else []
    same = is_same(wanted.names, before.ticket)
    if wanted.present and before.status == LIKELY and same is False:
        replaced = "will be replaced" if run.check_mode else "has been replaced"
        warnings.append(
            f"The comments of {wanted.key} speak of ticket {before.ticket}, not of {wanted.ticket_id}. If it was still "
            f"linked to that one, the link {replaced}."
        )
    elif wanted.present and not same and not wanted.replace and not run.check_mode:
        warnings.append(UNSEEN)
    elif wanted.names and not wanted.present:
        known = "Only a comment shows" if same else "Nothing shows"
        unlinks = "the run will unlink" if run.check_mode else "the run has unlinked"
        warnings.append(
            f"{known} which ticket {wanted.key} is linked to, so ticket_id {wanted.ticket_id} is no sure safeguard: "
            f"{unlinks} whichever it is."
        )
    return warnings
