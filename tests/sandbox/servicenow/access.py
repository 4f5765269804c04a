# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access rules: what an account may read, create and change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Sequence

from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Record
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Table

READ, CREATE, WRITE = "read", "create", "write"


@dataclass(frozen=True)
class AccessRule:
    """A denial. control.schema.yml describes its fields.

    :param where: an encoded query; empty for all rows.
    """

    table: str
    operation: str = READ
    columns: tuple[str, ...] = ()
    where: str = ""


class Access:
    """The rights of accounts: roles by table, and denials.

    :param matches: returns whether a record matches an encoded query.
    """

    def __init__(self, rules: Sequence[AccessRule], matches: Callable[[Record, str], bool]) -> None:
        self._rules, self._matches = rules, matches

    def may(self, caller: Caller, operation: str, table: Table, record: Record | None = None) -> bool:
        """Return whether an account may perform an operation.

        :param record: the record, if there is one.
        """
        if not caller.has_role(table.setting("write" if operation != READ else "read", [])):
            return False
        return not any(
            not rule.where or (record is not None and self._matches(record, rule.where))
            for rule in self._rules
            if rule.operation == operation and not rule.columns and table.is_a(rule.table)
        )

    def denied_columns(self, operation: str, table: Table) -> set[str]:
        """Return the columns that no account may read or set."""
        return {
            column
            for rule in self._rules
            if rule.operation == operation and table.is_a(rule.table)
            for column in rule.columns
        }
