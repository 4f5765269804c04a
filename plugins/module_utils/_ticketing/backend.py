# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The interface of a ticketing system: implement its classes to add one.

- :class:`WantedTicket`: the parsed options of a task, before the service is asked.
- :class:`TicketFormat`: read the record of a ticket as the service returns it.
- :class:`TargetTicket`: the wanted ticket with the service's own ids, and the rules to compare it with a record.
- :class:`TicketBackend`: the requests.

All methods except those of :class:`TicketBackend` are pure: they send no requests and keep no state, so that a plan
only depends on the ticket, the target and the history of the run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, Collection, Generic, Hashable, Mapping, Optional, Sequence, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import Write
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

#: A ticket as the service returned it.
Ticket = Mapping[str, Any]

#: A ticket, or None if it does not exist.
State = Optional[Ticket]


class Answer(Enum):
    """Whether a system has a capability."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Capabilities:
    """The capabilities of a ticketing system.

    :param is_linkable: whether ContraForce can link its tickets to incidents.
    :param create_returns_ticket: whether the response to a create request contains the ticket. Otherwise the new ticket
        is looked for by its identity.
    :param is_search_immediate: whether a search finds a new ticket at once. Otherwise the newest tickets are checked
        as well before a ticket is created.
    :param can_read_notes: whether notes can be read back; ``UNKNOWN`` if this depends on the account.
    """

    is_linkable: Answer
    create_returns_ticket: bool
    is_search_immediate: bool
    can_read_notes: Answer


@dataclass(frozen=True)
class TicketOptions:
    """The names of the module's options that messages mention.

    :param identifier: the option that takes a ticket's display id, such as ``number``.
    :param include_closed: the option that accepts closed tickets.
    :param unique_by: the option that selects what identifies a ticket.
    :param title: the option with the title of a new ticket, such as ``short_description``.
    :param ignore_fields: the option with the fields that are only set in a new ticket.
    """

    identifier: str
    include_closed: str
    unique_by: str
    title: str
    ignore_fields: str = "ignore_fields"


class WantedTicket(ABC):
    """The parsed options of a task. Implement it as a frozen dataclass, so that equal options are equal."""

    @property
    @abstractmethod
    def ticket_id(self) -> str | None:
        """Return the identifier that the task gives, in any form that the service accepts; None to search or create."""

    @property
    @abstractmethod
    def title(self) -> str | None:
        """Return the title of a new ticket, or None."""

    @property
    @abstractmethod
    def accepts_closed(self) -> bool:
        """Return whether a closed ticket with the identity is used."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the name of the ticket in messages, such as ``ticket INC0010023``."""

    def normalized(self) -> WantedTicket:
        """Return a copy whose identifier has one spelling, so that two items of a list for one ticket are equal."""
        return self


class TicketFormat(ABC):
    """Read the record of a ticket."""

    @abstractmethod
    def id_of(self, record: Ticket) -> str:
        """Return the id that requests use, such as ``sys_id``."""

    @abstractmethod
    def name_of(self, record: Ticket) -> str:
        """Return the id that people use, such as ``number``. The module's identifier option accepts it."""

    @abstractmethod
    def title_of(self, record: Ticket) -> str | None:
        """Return the title as stored; None if the record does not contain it."""

    @abstractmethod
    def data_of(self, record: State) -> Mapping[str, Any]:
        """Return the values by field, as stored; empty for None.

        Leave out values that change with each write, such as a modification count: if only these differ between two
        reads, no user has changed the ticket visibly.
        """

    @abstractmethod
    def marker_of(self, record: Ticket) -> str | None:
        """Return the change marker: an etag, or another text that changes with each write. None if it is not shown."""

    @abstractmethod
    def is_closed(self, record: Ticket) -> bool:
        """Return whether the ticket is closed."""

    @abstractmethod
    def created_at(self, record: Ticket) -> str:
        """Return the time of creation as a text that sorts by time; empty if it is not shown."""


@dataclass(frozen=True)
class TicketUpdate(Write):
    """The write that changes an existing ticket.

    :param body: the request, as :meth:`TargetTicket.update_request` returns it.
    :param marker: the change marker of the ticket from which the changes were computed.
    :param changes: the values to set, by field.
    :param notes: the notes to add, by field.
    """

    marker: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


class TargetTicket(ABC):
    """The wanted ticket with the service's own ids, and the rules to compare it with a record.

    Implement it as a frozen dataclass, so that two items of a list that request the same changes are equal.

    :param values: the wanted values by field, as the service stores them.
    :param ignored: the fields that are only set in a new ticket.
    :param body: the request that creates the ticket, with its notes.
    """

    #: How the service represents a ticket.
    format: ClassVar[TicketFormat]

    values: Mapping[str, Any]
    ignored: frozenset[str]
    body: Mapping[str, Any]

    # --- values ---

    @abstractmethod
    def is_same(self, name: str, one: Any, other: Any) -> bool:
        """Return whether two values of a field are equal for the service, such as two notations of one date.

        :param name: the field.
        :param one: a value, stored or wanted; None if the ticket does not have the field.
        :param other: a value.
        """

    @abstractmethod
    def may_be_stored_as(self, name: str, given: Any, stored: Any) -> bool:
        """Return whether a service that accepted a value may keep it in other words, such as a sanitized text.

        Never return True for another option, number, date or boolean: these are always different values.

        :param name: the field.
        :param given: the wanted value.
        :param stored: the value that the ticket shows.
        """

    @abstractmethod
    def by_title(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by the displayed names of their fields, which are unique.

        :param values: values by field.
        """

    @abstractmethod
    def display(self, record: Ticket, names: Sequence[str]) -> dict[str, Any]:
        """Return a ticket as ``before``, ``after`` and ``diff`` show it.

        :param record: the ticket, or the one that :meth:`expected` or :meth:`after_update` returned.
        :param names: the fields to show.
        """

    # --- writes ---

    @abstractmethod
    def expected(self) -> Ticket:
        """Return a new ticket as the service is expected to store it, without the ids that only the service knows."""

    @abstractmethod
    def update_request(
        self, marker: str | None, changes: Mapping[str, Any], notes: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Return the body of an update.

        :param marker: the change marker of the ticket.
        :param changes: the values to set, by field.
        :param notes: the notes to add, by field.
        """

    @abstractmethod
    def after_update(self, record: Ticket, changes: Mapping[str, Any], notes: Mapping[str, str]) -> Ticket:
        """Return a ticket as the service is expected to store it after an update.

        :param record: the ticket.
        :param changes: the values to set, by field.
        :param notes: the notes to add, by field.
        """

    def refusal(self, record: State, changes: Mapping[str, Any]) -> ApiError | None:
        """Return the reason why a write must not be sent, such as a missing close code; None by default.

        :param record: the ticket, or None for a creation.
        :param changes: the values to set, by field; empty for a creation.
        """
        del record, changes
        return None

    @property
    def notes(self) -> Mapping[str, str]:
        """Return the texts that are added once and cannot be changed, by field. A creation delivers all of them."""
        return {}

    def pending_notes(self, record: Ticket, changes: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the notes to add to a ticket. Those that this run delivered are left out by the caller.

        If the record shows its notes, return those that are missing in it. If it does not show them, return them only
        together with a change that they explain, because they cannot be recognized later.

        :param record: the ticket, with its notes if :meth:`TicketBackend.get` could read them.
        :param changes: the values to set, by field.
        """
        del record, changes
        return {}

    def explain(self, failure: ApiError) -> ApiError:
        """Return the failure of a write with the displayed names of fields in its message.

        :param failure: the failure.
        """
        return failure

    # --- identity ---

    def counts_as_closed(self, record: Ticket) -> bool:
        """Return whether a ticket is closed, but not because the task requests that state.

        Such a ticket is not used unless the task accepts closed ones. A ticket that an earlier run of the same task
        closed must be found again.

        :param record: the ticket.
        """
        return self.format.is_closed(record)

    def respelled(self, record: Ticket) -> Mapping[str, tuple[str, str]]:
        """Return the parts of the identity that a ticket stores in another spelling, by title: stored, and wanted.

        Parts that the record does not contain are left out. Empty by default, for an exact identity.

        :param record: the ticket, which may be incomplete or empty.
        """
        del record
        return {}

    def prefer(self, matches: Sequence[Ticket]) -> Sequence[Ticket]:
        """Return the matches that take precedence, such as those with exactly the wanted title; all by default.

        :param matches: the matches of a search.
        """
        return matches

    # --- lists: items whose tickets a search would find for each other are never handled at the same time ---

    def signature(self) -> Hashable:
        """Return what a search compares, such as the names of the fields; None if that is the same for all tickets."""
        return None

    @abstractmethod
    def filed_keys(self, signature: Hashable) -> Sequence[Hashable]:
        """Return the keys under which this ticket may be found by a search with a signature, the most exact one first.

        Equal keys do not prove a match, but different keys exclude it.

        :param signature: the signature of the searching ticket.
        """

    def lookup_key(self, signature: Hashable) -> Hashable:
        """Return the key under which to look for tickets whose search, with a signature, may find this ticket.

        It is one of :meth:`filed_keys`; by default, the most exact one.

        :param signature: the signature of the searching ticket.
        """
        return self.filed_keys(signature)[0]

    @abstractmethod
    def would_find(self, created: Any) -> bool:
        """Return whether a search for this ticket finds another one, in any spelling, once that is created.

        :param created: the other target ticket, of the same class.
        """


@dataclass
class Found:
    """The tickets that a search found.

    :param matches: the tickets with the identity, as :meth:`TicketBackend.get` returns them.
    :param closed: display ids of closed tickets with the identity, if the task does not accept closed ones.
    :param similar: tickets with the identity in another spelling; a new ticket may be a duplicate of them.
    """

    matches: list[Ticket] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    similar: list[Ticket] = field(default_factory=list)


@dataclass
class ReadBudget:
    """The number of tickets that a search may still read in full.

    :param rejected: keys of the tickets that were read and are not the wanted one. They are not read again.
    :param remaining: number of reads left.
    """

    rejected: set[str]
    remaining: int


@dataclass(frozen=True)
class Updated:
    """The response to an update.

    :param record: what the response shows of the ticket; empty if it shows nothing.
    :param marker: the new change marker; None if the response does not contain it.
    :param warnings: warnings for the user, such as a change by another user at the same time.
    """

    record: Ticket = field(default_factory=dict)
    marker: str | None = None
    warnings: tuple[str, ...] = ()


class StaleMarkerError(Exception):
    """An update that changed nothing, because the ticket changed since it was read, or possibly because of that.

    The caller plans again. It raises ``refusal`` if the ticket cannot be read, has not changed, or if its marker
    changes with each read.

    :param refusal: the service's refusal, or the error of the backend if it noticed the change itself.
    :param fresh: the ticket as read again, if the backend has read it, which makes the change certain; None otherwise.
    """

    def __init__(self, refusal: ApiError, fresh: State = None) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.fresh = fresh


Wanted = TypeVar("Wanted", bound=WantedTicket)
Target = TypeVar("Target", bound=TargetTicket)


class TicketBackend(ABC, Generic[Wanted, Target]):
    """The requests of one ticketing system, for the tickets of one task or of one item of a list.

    All methods may raise the ApiError of a request.
    """

    capabilities: ClassVar[Capabilities]
    format: ClassVar[TicketFormat]
    options: ClassVar[TicketOptions]

    #: Keys of a record whose values any write changes, so that they are unknown after a write that is not read back.
    volatile_keys: ClassVar[frozenset[str]] = frozenset()

    @property
    @abstractmethod
    def request_ids(self) -> list[str]:
        """Return the ids of the requests sent so far, as the service returned them."""

    # --- resolve ---

    @abstractmethod
    def resolve_new(self, wanted: Wanted) -> Target:
        """Return the target of a ticket to find or create. It may read the catalog or the schema, but no ticket.

        :param wanted: the parsed options, without ``ticket_id``.
        :raises ApiError: category ``configuration`` for a name or a value that the service does not know, ``contract``
            if the catalog is malformed. Without ``http_status``, the error only affects this item of a list.
        """

    @abstractmethod
    def resolve_existing(self, wanted: Wanted, record: Ticket) -> Target:
        """Return the target of a ticket that the task names.

        :param wanted: the parsed options, with ``ticket_id``.
        :param record: the ticket.
        :raises ApiError: as :meth:`resolve_new` does.
        """

    def normalize_items(self, items: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the options of a list's items that name tickets, so that two items for one ticket have one identifier.

        Override it if a ticket has several identifiers. It may read tickets.

        :param items: the parsed options, with ``ticket_id``.
        :raises ApiError: if the service cannot be reached, which fails the task before anything is written.
        """
        return [item.normalized() for item in items]  # type: ignore[misc]  # of the same class

    # --- read ---

    def read_budget(self, rejected: Collection[str]) -> ReadBudget:
        """Return the budget of a search. By default, a search reads no tickets, because its query is exact.

        :param rejected: keys of the tickets that earlier searches of this run rejected.
        """
        return ReadBudget(set(rejected), 0)

    @abstractmethod
    def find(self, target: Target, accepts_closed: bool, budget: ReadBudget) -> Found:
        """Search for the ticket by its identity, as a further run would, and return all tickets that match.

        Compare the identity of each returned ticket exactly on the client. An empty result means that the ticket does
        not exist, and it is created. So raise an error if the result may be incomplete.

        :param target: the target.
        :param accepts_closed: whether closed tickets are matches.
        :param budget: limits the number of tickets that are read.
        :raises ApiError: ``ambiguous_match`` if there are too many results to check; ``contract`` if the pages of the
            result contradict each other, or a ticket does not show its identity; ``permission`` if an access rule may
            hide a match.
        """

    def find_among_newest(self, target: Target, accepts_closed: bool, budget: ReadBudget) -> Found:
        """Return the newest tickets that match, without the search index.

        Only called if :attr:`Capabilities.is_search_immediate` is False and :meth:`find` returned no match.

        :param target: the target.
        :param accepts_closed: whether closed tickets are matches.
        :param budget: limits the number of tickets that are read.
        :raises ApiError: as :meth:`find` does.
        """
        del target, accepts_closed, budget
        return Found()

    @abstractmethod
    def get(self, ticket_id: str, wanted: Wanted, *, is_new: bool = False) -> Ticket:
        """Return a ticket, with its notes if the task adds notes and they can be read.

        :param ticket_id: as the task gives it, or as :meth:`TicketFormat.id_of` returns it.
        :param wanted: the parsed options, which may define what to read.
        :param is_new: True if this run created the ticket, so that it may not be complete yet.
        :raises ApiError: ``not_found``, also for a deleted ticket; ``contract`` if the ticket does not show its fields,
            or the response contains another ticket.
        """

    # --- write ---

    @abstractmethod
    def create(self, target: Target) -> State:
        """Create the ticket by one request, which is never sent again, and return it as stored.

        :param target: the target; its ``body`` is the request.
        :returns: the ticket, with its id; None if the service does not return it.
        :raises ApiError: with ``ambiguous`` if the request may have taken effect, also for a response that cannot be
            understood; without it, nothing was created.
        """

    @abstractmethod
    def update(self, ticket_id: str, update: TicketUpdate, target: Target) -> Updated:
        """Change a ticket only if it still has the change marker, and return the response.

        If the service does not check a marker, read the ticket again just before the request and compare.

        :param ticket_id: as :meth:`TicketFormat.id_of` returns it.
        :param update: the changes, the notes and the marker; its ``body`` is the request.
        :param target: the target.
        :raises StaleMarkerError: if nothing was changed because the marker is, or may be, outdated.
        :raises ApiError: for any other refusal; with ``ambiguous`` if the request may have taken effect.
        """

    def delivered_notes(self, ticket_id: str, interrupted: TicketUpdate) -> Collection[str]:
        """Return the fields of the notes of an interrupted update that arrived; none by default.

        Only called if the ticket was read again and does not show all changes of that update.

        :param ticket_id: as :meth:`TicketFormat.id_of` returns it.
        :param interrupted: the update, with the marker that it was sent with.
        :raises ApiError: if that cannot be known; the notes are then not sent again, and the result is uncertain.
        """
        del ticket_id, interrupted
        return ()

    # --- result ---

    @abstractmethod
    def result_values(self, ticket: Ticket, ticket_id: str | None) -> dict[str, Any]:
        """Return the keys of the module's result that identify the ticket, such as ``number``.

        They may include ``ticket``, if the result shows the ticket in another form than requests return it.

        :param ticket: the ticket at the end of the run; empty if it is not known.
        :param ticket_id: as :meth:`TicketFormat.id_of` returns it; None for a new ticket in check mode.
        """

    def unverified(
        self, wanted: Wanted, target: Target, *, created: bool, check_mode: bool, noted: Collection[str]
    ) -> list[str]:
        """Return what could not be verified, for the key ``unverified`` of the result; nothing by default.

        :param wanted: the parsed options.
        :param target: the target.
        :param created: True if this run creates the ticket.
        :param check_mode: True if nothing was written.
        :param noted: the fields of the notes that this run delivered.
        """
        del wanted, target, created, check_mode, noted
        return []
