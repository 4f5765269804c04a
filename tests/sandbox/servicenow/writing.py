# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn the values of a request into stored values. Values that cannot be stored are ignored without a message."""

from __future__ import annotations

import re
from typing import Any, Collection, Mapping

from ansible_collections.secops.itsm.tests.sandbox.profile import ServiceNowProfile
from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Values, is_date, shifted
from ansible_collections.secops.itsm.tests.sandbox.servicenow.refusals import operation_failed
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import Store
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Column, Table

_BOOLEANS = {"true": "true", "1": "true", "false": "false", "0": "false", "": "false"}


class ValueParser:
    """Parse the values of a request.

    :param as_displayed: whether the values are display values in the time zone of the caller.
    """

    def __init__(self, store: Store, profile: ServiceNowProfile, caller: Caller, as_displayed: bool) -> None:
        self._store, self._profile, self._caller, self._as_displayed = store, profile, caller, as_displayed

    def values(self, table: Table, body: Mapping[str, Any], denied: Collection[str]) -> Values:
        """Return the values to store, by column.

        :param denied: columns that the caller may not set.
        :raises RefusedError: if the profile refuses unknown choices.
        """
        values = {}
        for name, given in body.items():
            column = table.columns.get(name)
            if column is None or column.read_only or name in table.system or name in denied:
                continue
            text = "" if given is None else given if isinstance(given, str) else str(given).lower()
            value = self._value(table, column, text)
            if value is not None:
                values[name] = value[: column.max_length]
        return values

    def _value(self, table: Table, column: Column, text: str) -> str | None:
        """Return the value to store, or None to keep the stored one."""
        if column.type == "boolean":
            return _BOOLEANS.get(text.lower())
        if not text:
            return ""
        if column.is_date:
            text = shifted(text, -self._caller.utc_offset) if self._as_displayed else text
            return text if is_date(text) else None
        if column.is_reference:
            return self._reference(table, column, text)
        choices = table.choices(column.name)
        if choices:
            return self._choice(column, choices, text)
        return text if column.type != "integer" or re.fullmatch(r"-?[0-9]+", text) else None

    def _choice(self, column: Column, choices: Mapping[str, str], text: str) -> str | None:
        if self._as_displayed:
            text = next((value for value, label in choices.items() if label == text), text)
        if text in choices or self._profile.invalid_choices == "stored":
            return text
        if self._profile.invalid_choices == "refused":
            raise operation_failed(f"Invalid choice for {column.label}: {text}")
        return None

    def _reference(self, table: Table, column: Column, text: str) -> str | None:
        if self._store.target(table, column.name, text):
            return text
        if self._as_displayed and column.reference in self._store.tables.by_name:
            rows = self._store.rows(self._store.tables.by_name[column.reference])
            found = next((record for record in rows if self._store.display(record) == text), None)
            return found.sys_id if found else None
        return text if self._profile.invalid_references == "stored" else None
