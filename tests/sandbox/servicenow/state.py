# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the ServiceNow instance, and its operations."""

from __future__ import annotations

import copy
import time
import uuid
from typing import Any, Callable, Iterable, Mapping, Sequence
from urllib.parse import urlencode

from ansible_collections.secops.itsm.tests.sandbox.profile import ServiceNowProfile
from ansible_collections.secops.itsm.tests.sandbox.records import Answer, Call
from ansible_collections.secops.itsm.tests.sandbox.servicenow import refusals
from ansible_collections.secops.itsm.tests.sandbox.servicenow.access import CREATE, READ, WRITE, Access, AccessRule
from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import Accounts, Caller
from ansible_collections.secops.itsm.tests.sandbox.servicenow.query import Parser, Query
from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Record, Values, now
from ansible_collections.secops.itsm.tests.sandbox.servicenow.rules import BusinessRule, Rules, complete
from ansible_collections.secops.itsm.tests.sandbox.servicenow.serializers import PREFIX, RecordSerializer
from ansible_collections.secops.itsm.tests.sandbox.servicenow.store import Store
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Table, Tables
from ansible_collections.secops.itsm.tests.sandbox.servicenow.writing import ValueParser

DEFAULT_LIMIT = 10_000
_JOURNAL = "sys_journal_field"
_ANOTHER_USER = {"user_name": "other.agent", "roles": ["admin", "itil", "sn_si.analyst"]}


class ServiceNow:
    """The instance, with a method for each operation.

    :param seed: ``accounts``, ``tables`` and ``records``.
    :param tickets: tickets of other products, which are incidents of the instance.
    """

    def __init__(self, seed: Mapping[str, Any], tickets: Iterable[Mapping[str, Any]] = ()) -> None:
        self._seed, self._tickets = seed, list(tickets)
        self.accounts = Accounts(seed.get("accounts", []))
        self.reset(ServiceNowProfile())

    def reset(
        self, profile: ServiceNowProfile, access: Sequence[AccessRule] = (), rules: Sequence[BusinessRule] = ()
    ) -> None:
        """Restore the initial state. Fetched tokens expire."""
        self.profile = profile
        tables = Tables(self._seed.get("tables", {}), profile.choices == "older")
        self.store = Store(tables, copy.deepcopy(dict(self._seed)), self._tickets)
        self.access = Access(access, self._matches)
        self.rules = Rules(rules, profile, self._matches)
        self.accounts.reset()
        self._window, self._requests = time.monotonic(), 0

    def handlers(self) -> dict[str, Callable[[Call], Answer]]:
        """Return the handlers by operationId."""
        return {
            "list-records": self.list_records,
            "get-record": self.get_record,
            "create-record": self.create_record,
            "update-record": self.update_record,
            "fetch-oauth-token": self.fetch_token,
        }

    def fetch_token(self, call: Call) -> Answer:
        """Return an access token."""
        return Answer(200, self.accounts.fetch(call.body, self.profile.client_credentials == "enabled"))

    def count_request(self) -> None:
        """Count a request. Raise RefusedError if it exceeds the rate limit."""
        limit, length = self.profile.rate_limit, self.profile.rate_seconds
        if not limit:
            return
        if time.monotonic() >= self._window + length:
            self._window, self._requests = time.monotonic(), 0
        self._requests += 1
        if self._requests > limit:
            rest = max(1, round(self._window + length - time.monotonic()))
            raise refusals.refused(
                429,
                "Rate limit exceeded",
                "The request was refused by a rate limit rule",
                {
                    "Retry-After": str(rest),
                    "X-RateLimit-Limit": str(limit),
                    "X-RateLimit-Reset": str(round(time.time()) + rest),
                    "X-RateLimit-Rule": "Sandbox rule",
                },
            )

    # --- finding -----------------------------------------------------------------------------------------------------

    def invalid_parts(self, table: Table, text: str) -> list[str]:
        """Return the parts of a query that are not valid."""
        return self._parsed(table, text).invalid

    def _parsed(self, table: Table, text: str) -> Query:
        """Return a query that compares texts exactly."""
        return Parser(table, self.store.tables, self.store.lookup, True).parse(text)

    def _matches(self, record: Record, text: str) -> bool:
        return self._parsed(record.table, text).matches(record)

    def _table(self, call: Call) -> Table:
        table = self.store.tables.by_name.get(call.path["tableName"])
        if table is None:
            raise refusals.invalid_table(call.path["tableName"])
        return table

    def _sees(self, caller: Caller, record: Record) -> bool:
        if record.table.name == _JOURNAL and self.profile.journal == "hidden":
            return False
        return self.access.may(caller, READ, record.table, record)

    def _in_path(self, call: Call) -> Record:
        table = self._table(call)
        for record in self.store.rows(table):
            if record.sys_id == call.path["sys_id"] and self._sees(call.caller, record):
                return record
        raise refusals.no_record()

    def _shown(self, call: Call, record: Record) -> dict[str, Any]:
        serializer = RecordSerializer(self.store, call.query, call.caller)
        return serializer.record(record, self.access.denied_columns(READ, record.table))

    # --- reads -------------------------------------------------------------------------------------------------------

    def get_record(self, call: Call) -> Answer:
        """Return a record."""
        return Answer(200, self._shown(call, self._in_path(call).read()))

    def list_records(self, call: Call) -> Answer:
        """Return a page of records. Hidden records are removed after the page was cut."""
        table, caller = self._table(call), call.caller
        found = self._found(table, call.query.get("sysparm_query", ""), caller)
        if self.profile.total == "visible":
            found = [record for record in found if self._sees(caller, record)]
        limit = min(call.query.get("sysparm_limit", DEFAULT_LIMIT), self.profile.page_size)
        offset = call.query.get("sysparm_offset", 0)
        page = [record for record in found[offset : offset + limit] if self._sees(caller, record)]
        counts = self.profile.total != "hidden" and not call.query.get("sysparm_no_count")
        headers = {"X-Total-Count": str(len(found))} if counts else {}
        if not call.query.get("sysparm_suppress_pagination_header"):
            headers.update(_links(call, table, len(found), limit, offset))
        return Answer(200, [self._shown(call, record) for record in page], headers=headers)

    def _found(self, table: Table, text: str, caller: Caller) -> list[Record]:
        denied = self.access.denied_columns(READ, table)
        drops_denied = self.profile.denied_query == "invalid"
        parsed = Parser(
            table,
            self.store.tables,
            self.store.lookup,
            self.profile.case == "sensitive",
            caller.utc_offset if self.profile.query_zone == "account" else 0,
            denied if drops_denied else (),
        ).parse(text)
        if any(path.partition(".")[0] in denied for path in parsed.columns):
            raise refusals.refused(403, "User Not Authorized", "Failed API level ACL Validation")
        if parsed.invalid and self.profile.invalid_query == "no_rows":
            return []
        rows = list(self.store.rows(table))
        found = [record for record in rows if not record.unlisted and parsed.matches(record)]
        for record in rows:
            record.unlisted -= 1 if record.unlisted else 0
        return parsed.sorted(found, self.store.lookup)

    # --- writes ------------------------------------------------------------------------------------------------------

    def create_record(self, call: Call) -> Answer:
        """Create a record."""
        table, caller = self._table(call), call.caller
        if not self.access.may(caller, CREATE, table):
            raise refusals.acl_exception("Insert")
        given = self._given(table, call, CREATE)
        sys_id = call.body.get("sys_id") or uuid.uuid4().hex
        if self.store.find(table.name, sys_id):
            raise refusals.operation_failed("Unique Key violation detected by database")
        when = now()
        values = {
            **table.defaults,
            **{name: text for name, text in given.items() if not table.columns[name].is_journal},
            "sys_id": sys_id,
            "sys_class_name": table.name,
            **_stamps(caller, when, "created"),
            **_stamps(caller, when, "updated"),
            "sys_mod_count": "0",
        }
        if table.setting("prefix"):
            values["number"] = self.store.next_number(table)
        record = Record(table, self.rules.apply(table, None, values, caller), self.profile.search_lag)
        if not self._applies:
            return Answer(201, self._shown(call, record), effect=False)
        self.store.add(record)
        self._write_journal(record, given, caller, when)
        location = f"{caller.origin}{PREFIX}/{table.name}/{sys_id}"
        return Answer(201, self._shown(call, record), headers={"Location": location})

    def update_record(self, call: Call) -> Answer:
        """Change the columns of a record."""
        record, caller = self._in_path(call), call.caller
        if not self.access.may(caller, WRITE, record.table, record):
            raise refusals.acl_exception("Update")
        given = self._given(record.table, call, WRITE)
        effect = self._store_changes(record, given, caller, self.profile.lag_reads) if self._applies else False
        return Answer(200, self._shown(call, record), effect)

    @property
    def _applies(self) -> bool:
        return self.profile.writes == "applied"

    def _given(self, table: Table, call: Call, operation: str) -> Values:
        as_displayed = call.query.get("sysparm_input_display_value", False)
        parser = ValueParser(self.store, self.profile, call.caller, as_displayed)
        return parser.values(table, call.body or {}, self.access.denied_columns(operation, table))

    def _store_changes(self, record: Record, given: Mapping[str, str], caller: Caller, lag: int = 0) -> bool:
        """Store values, and return whether anything changed.

        :param lag: the number of reads that still return the old state.
        """
        columns = record.table.columns
        texts = {name: text for name, text in given.items() if columns[name].is_journal and text}
        changed = {name: text for name, text in given.items() if not columns[name].is_journal}
        values = self.rules.apply(record.table, record.values, {**record.values, **changed}, caller)
        if values == record.values and not texts:
            return False
        when = now()
        count = str(int(record.values["sys_mod_count"]) + 1)
        record.change({**values, **_stamps(caller, when, "updated"), "sys_mod_count": count}, lag)
        self._write_journal(record, texts, caller, when)
        return True

    def _write_journal(self, record: Record, given: Mapping[str, str], caller: Caller, when: str) -> None:
        for name, text in given.items():
            if record.table.columns[name].is_journal and text:
                self.store.add_journal(record.table.name, record.sys_id, name, text, caller.user_name, when)

    # --- another product and another user ----------------------------------------------------------------------------

    def close(self, sys_id: str, state: str) -> None:
        """Let another product resolve or close an incident, unless it is closed.

        :param state: ``Resolved`` or ``Closed``.
        """
        record = self.store.find("incident", sys_id)
        target = {"Resolved": "6", "Closed": "7"}[state]
        if record is None or record.values["state"] in (*record.table.setting("closed_states"), target):
            return
        known = record.values
        code = known["close_code"] or next(iter(record.table.choices("close_code")))
        notes = known["close_notes"] or "Closed by ContraForce."
        self._edit(record, {"state": target, "close_code": code, "close_notes": notes})

    def edit(self, wanted: str, values: Mapping[str, Any]) -> bool:
        """Let another user change a task, and return whether it exists.

        :param wanted: its sys_id or number.
        :raises ValueError: if the record has no such column.
        """
        record = self.store.find("task", wanted)
        if record is None:
            return False
        unknown = [name for name in values if name not in record.table.columns]
        if unknown:
            raise ValueError(f"edit.fields cannot be set in {wanted}: {record.table.name} has no column {unknown[0]}")
        self._edit(record, {name: str(value) for name, value in values.items()})
        return True

    def _edit(self, record: Record, values: Values) -> None:
        """Store values without rules that refuse them."""
        caller, when = Caller(_ANOTHER_USER), now()
        plain = {name: text for name, text in values.items() if not record.table.columns[name].is_journal}
        stored = complete(record.table, {**record.values, **plain}, caller)
        count = str(int(record.values["sys_mod_count"]) + 1)
        record.change({**stored, **_stamps(caller, when, "updated"), "sys_mod_count": count})
        self._write_journal(record, values, caller, when)

    def contents(self) -> dict[str, list[Values]]:
        """Return the tasks and journal entries by table."""
        contents: dict[str, list[Values]] = {}
        for name, table in self.store.tables.by_name.items():
            if table.is_a("task") or name == _JOURNAL:
                rows = self.store.rows(table)
                contents[name] = [record.values for record in rows if record.table.name == name]
        return contents


def _stamps(caller: Caller, when: str, verb: str) -> Values:
    return {f"sys_{verb}_on": when, f"sys_{verb}_by": caller.user_name}


def _links(call: Call, table: Table, total: int, limit: int, offset: int) -> dict[str, str]:
    """Return the header with the addresses of other pages."""
    if not limit:
        return {}
    last = max(0, (total - 1) // limit * limit)
    places = {"first": 0, "prev": offset - limit, "next": offset + limit, "last": last}
    shown = {
        name: place
        for name, place in places.items()
        if (name != "prev" or offset > 0) and (name != "next" or place < total)
    }
    rest = {name: value for name, value in call.query.items() if name != "sysparm_offset"}
    address = f"{call.caller.origin}{PREFIX}/{table.name}"
    parts = [
        f'<{address}?{_encoded({**rest, "sysparm_offset": max(0, place)})}>;rel="{name}"'
        for name, place in shown.items()
    ]
    return {"Link": ",".join(parts)}


def _encoded(query_values: Mapping[str, Any]) -> str:
    """Return parameters as a query string."""
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query_values.items()}
    return urlencode(texts)
