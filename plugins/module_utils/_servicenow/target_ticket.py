# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The wanted ticket with the values that the service stores, and the rules to compare it with a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Hashable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import values as column_values
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    LATER_VALUES,
    REFERENCE,
    RESOLUTION,
    RESOLVED_STATES,
)
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.columns import TableColumns
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.query import comparable
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.records import FORMAT, is_closed, values_of
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import TITLE
from ansible_collections.secops.itsm.plugins.module_utils._ticketing.backend import (
    State,
    TargetTicket,
    Ticket,
    TicketFormat,
)


@dataclass(frozen=True)
class Target(TargetTicket):
    """The wanted ticket with the values that the service stores.

    :param table: the table.
    :param columns: the definitions of the columns.
    :param values: values by column.
    :param ignored: the columns that are only set in a new ticket.
    :param body: the request that creates the ticket.
    :param reference: the reference that identifies the ticket; None if the task names it.
    :param unique_by: further columns that identify the ticket.
    :param texts: the texts to post once, by journal column.
    :param names: the texts by which the task names the records of references, by column.
    """

    format: ClassVar[TicketFormat] = FORMAT

    table: str
    columns: TableColumns = field(compare=False)
    values: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    body: Mapping[str, str] = field(default_factory=dict)
    reference: str | None = None
    unique_by: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict, compare=False)

    # --- values ---

    def is_same(self, name: str, one: Any, other: Any) -> bool:
        """Return whether two values of a column are equal for the service; a later state also counts."""
        if column_values.is_same(self.columns[name], one, other):
            return True
        later = LATER_VALUES.get((self.table, name, str(other)), frozenset())
        return other == self.values.get(name) and one is not None and str(one) in later

    def may_be_stored_as(self, name: str, given: Any, stored: Any) -> bool:
        """Return whether a service that accepted a value may keep it in other words."""
        return column_values.may_be_stored_as(self.columns[name], given, stored)

    def by_title(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as people read them, by column; columns that could not be checked say so."""
        unchecked = " (not checked, as sys_dictionary is not readable)"
        return {
            name + (unchecked if name in self.columns.untyped else ""): self._shown(name, value)
            for name, value in values.items()
        }

    def _shown(self, name: str, value: Any) -> Any:
        is_planned = getattr(value, "display", None) is None and value == self.values.get(name)
        if is_planned and self.columns[name].type in column_values.REFERENCES:
            return self.names.get(name, value)
        return column_values.shown_value(self.columns[name], value)

    def display(self, record: Ticket, names: Sequence[str]) -> dict[str, Any]:
        """Return a ticket as ``before``, ``after`` and ``diff`` show it, with the labels of choices."""
        values = values_of(record)
        named = {name: str(values[name]) for name in ("number", TITLE) if values.get(name)}
        fields = {name: self._shown(name, values.get(name)) for name in names if name != TITLE}
        return {**named, "fields": fields, **record.get("added", {})}

    # --- writes ---

    def expected(self) -> Ticket:
        """Return a new ticket as the service is expected to store it."""
        values = {name: value for name, value in self.body.items() if name not in self.texts}
        return {"table": self.table, "values": values, "journal": None, "added": dict(self.texts)}

    def update_request(
        self, marker: str | None, changes: Mapping[str, Any], notes: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Return the body of an update."""
        del marker
        return {**changes, **notes}

    def after_update(self, record: Ticket, changes: Mapping[str, Any], notes: Mapping[str, str]) -> Ticket:
        """Return a ticket as the service is expected to store it after an update."""
        return {**record, "values": {**values_of(record), **changes}, "added": dict(notes)}

    def refusal(self, record: State, changes: Mapping[str, Any]) -> ApiError | None:
        """Return the reason why a write must not be sent: no title, a hidden column, or a missing resolution."""
        if record is None:
            if not self.body.get(TITLE):
                return configuration_error(
                    f"Table {self.table} does not have a ticket with reference {self.reference!r}, and a new one needs "
                    f"{TITLE}. Set it."
                )
            return self._missing_resolution(self.body, None)
        values = values_of(record)
        hidden = [name for name in changes if name not in values]
        if hidden:
            return ApiError(
                f"The service does not return {', '.join(hidden)} of ticket {FORMAT.name_of(record)}, so a change "
                "could not be verified: the column does not exist, or an access rule hides it. Correct fields, or "
                "grant the account read access.",
                "permission",
            )
        return self._missing_resolution(values, changes) if "state" in changes else None

    def _missing_resolution(self, values: Mapping[str, Any], changes: Mapping[str, Any] | None) -> ApiError | None:
        """Return an error if the state needs a resolution (SN-A12) that neither the task nor the ticket contains."""
        after = {**values, **(changes or {})}
        state = after.get("state")
        if state not in RESOLVED_STATES.get(self.table, ()):
            return None
        known = RESOLUTION if changes is None else [name for name in RESOLUTION if name in after]
        missing = [name for name in known if not str(after.get(name) or "").strip()]
        if not missing:
            return None
        return configuration_error(
            f"The state {self._shown('state', state)!r} of {self.table} requires {' and '.join(RESOLUTION)}. Add "
            f"{' and '.join(missing)} to fields."
        )

    @property
    def notes(self) -> Mapping[str, str]:
        """Return the texts to post once, by journal column."""
        return self.texts

    def pending_notes(self, record: Ticket, changes: Mapping[str, Any]) -> Mapping[str, str]:
        """Return the texts that the journal lacks; if it is not readable, only those that go with a change."""
        journal = record.get("journal")
        missing = {name: text for name, text in self.texts.items() if journal is None or not journal.has(name, text)}
        if changes:
            return missing
        return {name: text for name, text in missing.items() if journal is not None and journal.shows([name])}

    # --- identity ---

    def counts_as_closed(self, record: Ticket) -> bool:
        """Return whether a ticket is closed, but not because the task requests that."""
        return FORMAT.is_closed(record) and not self.closes and not self._has_wanted_state(record)

    def _has_wanted_state(self, record: Ticket) -> bool:
        """Return whether the task sets the state that a ticket has.

        If the ticket is closed, this is a closed state, also in a table whose closed states are not known.
        """
        wanted = self.values.get("state")
        return bool(wanted) and self.is_same("state", values_of(record).get("state"), wanted)

    @property
    def closes(self) -> bool:
        """Return whether the task requests a closed state."""
        return is_closed(self.table, self.values)

    def respelled(self, record: Ticket) -> Mapping[str, tuple[str, str]]:
        """Return the parts of the identity that a ticket stores in another spelling."""
        values = values_of(record)
        stored = values.get(REFERENCE)
        changed = {}
        if self.reference is not None and stored is not None and str(stored) != self.reference:
            changed["reference"] = (str(stored), self.reference)
        for name in self.unique_by:
            if name in values and self.is_respelled(name, values[name], self.values[name]):
                changed[name] = (str(values[name]), self.values[name])
        return changed

    def is_respelled(self, name: str, one: str, other: str) -> bool:
        """Return whether two different values of a column are one text in two spellings, such as in another case.

        :param name: the column.
        :param one: a value, stored or wanted.
        :param other: a value.
        """
        return not self.is_same(name, one, other) and comparable(one) == comparable(other)

    def prefer(self, matches: Sequence[Ticket]) -> Sequence[Ticket]:
        """Return the newest ticket that an earlier run of a closing task may have closed, if no match is open."""
        closes = self.closes or all(map(self._has_wanted_state, matches))
        if not closes or not all(map(FORMAT.is_closed, matches)):
            return matches
        done = [record for record in matches if self._is_done(record)]
        return sorted(done, key=FORMAT.created_at)[-1:] or matches

    def _is_done(self, record: Ticket) -> bool:
        """Return whether a ticket has all values that the task sets in an existing ticket."""
        data = values_of(record)
        names = [name for name in self.values if name not in self.ignored]
        return all(self.is_same(name, data.get(name), self.values[name]) for name in names)

    # --- lists ---

    def filed_keys(self, signature: Hashable) -> Sequence[Hashable]:
        """Return the only key of this ticket."""
        del signature
        return [(self.table, comparable(self.reference or ""))]

    def would_find(self, created: Any) -> bool:
        """Return whether a search for this ticket finds another one, once that is created."""
        if self.filed_keys(None) != created.filed_keys(None):
            return False
        pairs = [(name, created.values.get(name), self.values[name]) for name in self.unique_by]
        return all(
            self.is_same(name, one, other) or (one is not None and self.is_respelled(name, one, other))
            for name, one, other in pairs
        )
