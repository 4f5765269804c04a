# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the references in the ServiceNow part of a seed; seed.schema.yml describes its format."""

from __future__ import annotations

import re
from typing import Any, Mapping

from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import is_date
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import Store
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Table, Tables
from ansible_collections.secops.itsm.tests.sandbox.ticketing.seed_checks import once


def check_servicenow(seed: Mapping[str, Any], tickets: list[dict[str, Any]]) -> None:
    """Check for duplicate IDs, unknown tables and columns, and references to something that does not exist.

    :param seed: ``accounts``, ``tables`` and ``records``, or an empty mapping.
    :param tickets: tickets of other products, which are incidents of the instance.
    :raises ValueError: for the first error.
    """
    accounts, records = seed.get("accounts", []), seed.get("records", {})
    for name in ("user_name", "client_id", "access_token", "api_key"):
        once(f"{name}s of ServiceNow", (entry[name] for entry in accounts if name in entry))
    tables = Tables(seed.get("tables", {}))
    for name, entries in records.items():
        if name not in tables.by_name:
            raise ValueError(f"servicenow.records names the unknown table {name}")
        for entry in entries:
            _check_columns(tables.by_name[name], entry)
    named = [{"sys_id": entry["id"], "number": entry["number"]} for entry in tickets]
    for entry in named:
        _check_columns(tables.by_name["incident"], entry)
    incidents = [*records.get("incident", []), *named]
    once("incidents of ServiceNow", (entry["sys_id"] for entry in incidents if "sys_id" in entry))
    once("incidents of ServiceNow", (entry["number"] for entry in incidents if "number" in entry))
    store = Store(tables, seed, tickets)
    for table in tables.by_name.values():
        for record in store.rows(table):
            for column in table.columns.values():
                value = record.values.get(column.name, "")
                if column.is_reference and value and not store.target(table, column.name, value):
                    raise ValueError(f"{column.name} of {store.display(record)} names the unknown record {value}")


def _check_columns(table: Table, entry: Mapping[str, str]) -> None:
    if not re.fullmatch("[0-9a-f]{32}", entry.get("sys_id", "0" * 32)):
        raise ValueError(f"sys_id of {table.name} is {entry['sys_id']}, but must be 32 hexadecimal digits")
    for name, value in entry.items():
        column = table.columns.get(name)
        if column is None:
            raise ValueError(f"servicenow.records.{table.name} has the unknown column {name}")
        if column.is_date and value and not is_date(value):
            raise ValueError(f"{name} of {table.name} is {value}, but must be a date such as 2026-11-21 04:00:00")
