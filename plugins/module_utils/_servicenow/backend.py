# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""ServiceNow as a ticketing system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Collection, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult, RunOptions
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import whole_number
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import (
    Row,
    ServiceNowApi,
    display_of,
    value_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    JOURNAL_COLUMNS,
    REFERENCE,
    REFERENCE_DISPLAY,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import TableColumns, read_columns
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.journal import (
    Journal,
    journal_of,
    journal_rows,
    shows_journals,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.query import checked_key, comparable
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.records import (
    FORMAT,
    VOLATILE,
    display_values,
    plain_values,
    ticket_of,
    values_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.references import find_reference
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.target_ticket import Target
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import TITLE, Wanted, check_title
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_search import (
    check_shown,
    find_by_number,
    hidden_match,
    numbers_of,
    search_key,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.values import (
    DATE_TIMES,
    DATES,
    Lookup,
    resolve_value,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing import ensure_ticket as operation
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    Answer,
    Capabilities,
    Found,
    ReadBudget,
    StaleMarkerError,
    State,
    Ticket,
    TicketBackend,
    TicketFormat,
    TicketOptions,
    TicketUpdate,
    Updated,
)
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.response_cache import ResponseCache


class ServiceNowBackend(TicketBackend[Wanted, Target]):
    """The requests for the tickets of one task or one item of a list.

    :param api: the API.
    :param cache: the responses that all items of a list share.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        # Documented by ContraForce.
        is_linkable=Answer.YES,
        create_returns_ticket=True,
        # SN-A7.
        is_search_immediate=True,
        can_read_notes=Answer.UNKNOWN,
    )
    format: ClassVar[TicketFormat] = FORMAT
    options: ClassVar[TicketOptions] = TicketOptions("number", "include_closed", "unique_by", TITLE)

    def __init__(self, api: ServiceNowApi, cache: ResponseCache | None = None) -> None:
        self._api = api
        self._cache = cache or ResponseCache()
        self._journal: Journal | None = None
        self._table = ""

    @property
    def request_ids(self) -> list[str]:
        """Return the ids of the requests sent so far, as the service returned them."""
        return self._api.request_ids

    # --- resolve ---

    def resolve_new(self, wanted: Wanted) -> Target:
        """Return the target of a ticket to find or create."""
        target = self._resolve(wanted)
        columns = target.columns
        title = wanted.short_description or ""
        if title:
            check_title(title, columns[TITLE].max_length)
        for name in wanted.unique_by:
            if columns[name].type in DATE_TIMES | DATES:
                raise configuration_error(
                    f"unique_by contains {name}, whose spelling depends on the time zone. Choose another column."
                )
            checked_key(f"fields: {name}", target.values[name])
        named = {REFERENCE: wanted.reference or "", REFERENCE_DISPLAY: wanted.reference_display}
        body = {**target.values, **named, **({TITLE: title} if title else {}), **wanted.notes}
        return replace(target, body=body, reference=wanted.reference, unique_by=wanted.unique_by)

    def resolve_existing(self, wanted: Wanted, record: Ticket) -> Target:
        """Return the target of a ticket that the task names."""
        del record
        return self._resolve(wanted)

    def normalize_items(self, items: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the options with the ``sys_id`` of each ticket that other items name by it instead of its number."""
        normalized = [item.normalized() for item in items]
        if not any(item.number for item in normalized):
            return normalized
        ids: dict[str, list[str]] = {}
        for item in normalized:
            if item.sys_id:
                ids.setdefault(item.table, []).append(item.sys_id)
        found: dict[str, str] = {}
        for table, named in ids.items():
            found.update(numbers_of(self._api, table, named))
        return [
            replace(item, number=None, sys_id=found[item.number]) if item.number in found else item
            for item in normalized
        ]

    def _resolve(self, wanted: Wanted) -> Target:
        # The length of the title is among the definitions.
        names = tuple(sorted({*wanted.fields, TITLE})) if wanted.fields or wanted.short_description else ()
        columns: TableColumns = self._cache.get(
            ("columns", wanted.table, names), lambda: read_columns(self._api, wanted.table, names)
        )
        lookup = Lookup(self._find_reference, self._api.excerpt)
        values = {name: resolve_value(columns[name], value, lookup) for name, value in wanted.fields.items()}
        given = {name: str(wanted.fields[name]).strip() for name, value in values.items() if value}
        return Target(wanted.table, columns, values, wanted.ignore_fields, texts=wanted.notes, names=given)

    def _find_reference(self, column: str, table: str, text: str) -> str:
        """Return the identifier of a record, which all items of a list need only once."""
        found = self._cache.get(
            ("reference", column, table, text), lambda: find_reference(self._api, column, table, text)
        )
        return str(found)

    # --- read ---

    def find(self, target: Target, accepts_closed: bool, budget: ReadBudget) -> Found:
        """Search for the ticket by its reference, and compare each row exactly."""
        del budget
        table, reference = target.table, target.reference or ""
        others = {name: target.values[name] for name in target.unique_by}
        rows = search_key(self._api, table, REFERENCE, reference, others, ())
        found = Found()
        for row in (*rows.exact, *rows.similar):
            record = self._ticket(table, self._api.record(table, value_of(row, "sys_id") or ""), target.texts)
            if not self._is_wanted(target, record):
                continue
            if not accepts_closed and target.counts_as_closed(record):
                found.closed.append(FORMAT.name_of(record))
            else:
                (found.similar if target.respelled(record) else found.matches).append(record)
        if rows.hidden and not found.matches:
            raise hidden_match(table, REFERENCE, reference, rows.hidden)
        if not rows.exact and not rows.similar:
            columns = {REFERENCE: "reference", **dict.fromkeys(target.unique_by, "unique_by")}
            self._cache.get(("shown", table, tuple(columns)), lambda: check_shown(self._api, table, columns))
        return found

    def _is_wanted(self, target: Target, record: Ticket) -> bool:
        """Return whether a ticket still has the reference, and the values of ``unique_by``, in any spelling.

        :raises ApiError: category ``permission`` if the ticket does not show them.
        """
        values = values_of(record)
        hidden = [name for name in (REFERENCE, *target.unique_by) if name not in values]
        if hidden:
            raise ApiError(
                f"Ticket {FORMAT.name_of(record)} may be the requested one, but the service does not return its "
                f"{', '.join(hidden)}. Grant the account read access, or set number to use the ticket.",
                "permission",
            )
        if comparable(values[REFERENCE]) != comparable(target.reference or ""):
            return False
        return all(
            target.is_same(name, values[name], target.values[name])
            or target.is_respelled(name, values[name], target.values[name])
            for name in target.unique_by
        )

    def get(self, ticket_id: str, wanted: Wanted, *, is_new: bool = False) -> Ticket:
        """Return a ticket by its number or identifier, with its journal if the task posts texts."""
        del is_new
        table = wanted.table
        sys_id = find_by_number(self._api, table, ticket_id)
        row = self._api.record(table, sys_id)
        if set(row) <= {"sys_id"}:
            raise ApiError(
                f"The service does not return any column of ticket {ticket_id} of {table}. Grant the account read "
                "access to the columns.",
                "permission",
            )
        return self._ticket(table, row, wanted.notes)

    def _ticket(self, table: str, row: Row, texts: Mapping[str, str]) -> Ticket:
        """Return the ticket of a row, with its journal if there are texts to look for."""
        self._table = table
        if not texts:
            return ticket_of(table, row)
        sys_id = value_of(row, "sys_id") or ""
        shown = {column: display_of(row, column) for column in JOURNAL_COLUMNS}
        rows = journal_rows(self._api, table, sys_id)
        is_shown_elsewhere = False
        if rows is not None and not rows and not any(shown.values()):
            # Without an entry, another ticket shows whether the account may read the journal.
            is_shown_elsewhere = self._cache.get(("journal", table), lambda: shows_journals(self._api, table))
        self._journal = journal_of(rows, shown, is_shown_elsewhere)
        return ticket_of(table, row, self._journal)

    # --- write ---

    def create(self, target: Target) -> State:
        """Create the ticket, and return it as stored."""
        return ticket_of(target.table, self._api.create(target.table, target.body))

    def update(self, ticket_id: str, update: TicketUpdate, target: Target) -> Updated:
        """Change a ticket if it has not changed since it was read, which is read again just before the request."""
        table = target.table
        row = self._api.record(table, ticket_id)
        fresh = ticket_of(table, row)
        if FORMAT.marker_of(fresh) != update.marker:
            refusal = ApiError(
                f"Another user changed ticket {FORMAT.name_of(fresh)} since it was read.", "conflict", retryable=True
            )
            raise StaleMarkerError(refusal, self._ticket(table, row, target.texts))
        changed = ticket_of(table, self._api.update(table, ticket_id, update.body))
        return Updated(changed, FORMAT.marker_of(changed), _warnings(fresh, changed))

    def delivered_notes(self, ticket_id: str, interrupted: TicketUpdate) -> Collection[str]:
        """Return the journal columns of an interrupted update whose texts arrived: none, if the ticket is unchanged.

        :raises ApiError: if the update only consisted of texts, or the ticket changed and its journal is not readable.
        """
        table = self._table
        row = self._api.record(table, ticket_id)
        if interrupted.changes and FORMAT.marker_of(ticket_of(table, row)) == interrupted.marker:
            return ()
        journal = self._ticket(table, row, interrupted.notes).get("journal")
        arrived = [name for name, text in interrupted.notes.items() if journal is not None and journal.has(name, text)]
        if interrupted.changes and journal is not None and journal.shows(interrupted.notes):
            return arrived
        raise ApiError(
            f"{' and '.join(interrupted.notes)} may have been posted, and it is not sent again by itself. Check the "
            "journal of the ticket.",
            "ambiguous_write",
        )

    # --- result ---

    def result_values(self, ticket: Ticket, ticket_id: str | None) -> dict[str, Any]:
        """Return the ticket with its stored and its display values, its number and its identifier."""
        number = values_of(ticket).get("number")
        return {
            "ticket": plain_values(ticket),
            "display_values": display_values(ticket),
            "number": str(number) if number else None,
            "sys_id": ticket_id,
        }

    def unverified(
        self, wanted: Wanted, target: Target, *, created: bool, check_mode: bool, noted: Collection[str]
    ) -> list[str]:
        """Return what check mode could not check, and the texts that were not posted because they may exist."""
        found = list(target.columns.unchecked) if check_mode else []
        if created:
            return found
        journal = self._journal
        unsent = [name for name in wanted.notes if name not in noted and not (journal and journal.shows([name]))]
        if unsent and not check_mode:
            found.append(
                f"{' and '.join(unsent)} of {wanted} was not posted, because the account cannot read the journal and "
                "it may contain the text already."
            )
        if unsent and check_mode:
            found.append(
                f"The account cannot read the journal of {wanted}, so {' and '.join(unsent)} is only posted together "
                "with a change of the ticket."
            )
        return found


def _warnings(before: Ticket, after: Ticket) -> tuple[str, ...]:
    """Return a warning if a ticket was changed more than once by an update (SN-A15)."""
    counts = [values_of(record).get(VOLATILE[0], "") for record in (before, after)]
    first, second = map(whole_number, counts)
    if first is None or second is None or second - first <= 1:
        return ()
    warning = (
        f"Ticket {FORMAT.name_of(after)} was changed more than once during the update (sys_mod_count rose from "
        f"{counts[0]} to {counts[1]}): by a business rule, or by another user whose change may have been overwritten. "
        "Check its history."
    )
    return (warning,)


def ensure_ticket(api: ServiceNowApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Create the wanted ticket if it does not exist, update its columns otherwise, and return the result.

    :param api: the API.
    :param wanted: the parsed options.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    return operation.ensure_ticket(ServiceNowBackend(api), wanted, run)
