# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks and changes before a record is stored: the process of a table, business rules and data policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Mapping, Sequence

from ansible_collections.secops.itsm.tests.sandbox.profile import ServiceNowProfile
from ansible_collections.secops.itsm.tests.sandbox.servicenow.accounts import Caller
from ansible_collections.secops.itsm.tests.sandbox.servicenow.records import Record, Values, now
from ansible_collections.secops.itsm.tests.sandbox.servicenow.refusals import aborted, acl_exception, policy_exception
from ansible_collections.secops.itsm.tests.sandbox.servicenow.tables import Table

RESOLVED, CLOSED = "6", "7"
CLOSERS = ["itil_admin", "admin"]
_ON_HOLD = "3"
#: The default lookup of priorities by impact and urgency.
_PRIORITIES = {"11": "1", "12": "2", "21": "2", "13": "3", "22": "3", "31": "3", "23": "4", "32": "4", "33": "5"}


@dataclass(frozen=True)
class BusinessRule:
    """A business rule of the customer. control.schema.yml describes its fields.

    :param on: ``create``, ``update`` or ``write`` for both.
    :param when: an encoded query on the new values.
    """

    table: str
    name: str = "Sandbox rule"
    on: str = "write"
    when: str = ""
    refuse: bool = False
    set: Mapping[str, str] = field(default_factory=dict)


class Rules:
    """The rules of an instance.

    :param matches: returns whether a record matches an encoded query.
    """

    def __init__(
        self, rules: Sequence[BusinessRule], profile: ServiceNowProfile, matches: Callable[[Record, str], bool]
    ) -> None:
        self._rules, self._profile, self._matches = rules, profile, matches

    def apply(self, table: Table, before: Values | None, after: Values, caller: Caller) -> Values:
        """Return the values that are stored.

        :param before: the stored values, or None for a new record.
        :param after: the values with the changes of the request.
        :raises RefusedError: if a rule refuses them.
        """
        values = dict(after)
        if table.is_a("task"):
            _keep_states_in_step(table, before, values)
            self._check_process(table, before, values, caller)
        verb = "create" if before is None else "update"
        for rule in self._rules:
            applies = rule.on in (verb, "write") and table.is_a(rule.table)
            if applies and self._matches(Record(table, values), rule.when):
                if rule.refuse:
                    raise aborted(table.name, rule.name)
                values.update(rule.set)
        if table.is_a("task"):
            self._check_policy(table, values)
            if before is None:
                values.update(opened_at=values["opened_at"] or now(), opened_by=values["opened_by"] or caller.sys_id)
        return complete(table, values, caller)

    def _check_process(self, table: Table, before: Values | None, after: Values, caller: Caller) -> None:
        """Refuse a state that does not follow the stored one."""
        old, new = (before or {}).get("state", ""), after["state"]
        if before is None or old == new:
            return
        if old in table.setting("closed_states"):
            raise aborted(table.name, "Prevent reopening of closed records")
        closes = table.name == "incident" and new == CLOSED
        if closes and self._profile.closing == "itil_admin" and not caller.has_role(CLOSERS):
            raise acl_exception("Update")
        process = table.setting("process", [])
        known = old in process and (new in process or new == table.setting("canceled"))
        if not known or self._profile.process != "enforced" or new == table.setting("canceled"):
            return
        if process.index(new) != process.index(old) + 1:
            raise aborted(table.name, "Enforce the process")

    def _check_policy(self, table: Table, values: Values) -> None:
        """Refuse empty columns that a data policy requires."""
        policy = table.setting("mandatory")
        if self._profile.policies != "enforced" or policy is None or values["state"] not in policy["states"]:
            return
        empty = [table.columns[name].label for name in policy["columns"] if not values.get(name)]
        if empty:
            raise policy_exception(empty)


def complete(table: Table, after: Values, caller: Caller) -> Values:
    """Return the values of a record with those that the instance computes."""
    values = dict(after)
    if not table.is_a("task"):
        return values
    if table.name == "incident":
        values["priority"] = _PRIORITIES.get(values["impact"] + values["urgency"], "4")
        values["incident_state"] = values["state"]
        if values["state"] != _ON_HOLD:
            values["hold_reason"] = ""
        _stamp(values, "resolved", values["state"] in (RESOLVED, CLOSED), caller)
    is_closed = values["state"] in table.setting("closed_states")
    values["active"] = "false" if is_closed else "true"
    _stamp(values, "closed", is_closed, caller)
    return values


def _keep_states_in_step(table: Table, before: Values | None, after: Values) -> None:
    """Let a changed incident_state change the state, if that is not changed itself."""
    old = before or table.defaults
    if after["state"] == old["state"]:
        after["state"] = after.get("incident_state") or after["state"]


def _stamp(values: Values, verb: str, applies: bool, caller: Caller) -> None:
    """Set or empty the columns that say when and by whom a record was resolved or closed."""
    if not applies:
        values.update({f"{verb}_at": "", f"{verb}_by": ""})
    elif not values.get(f"{verb}_at"):
        values.update({f"{verb}_at": now(), f"{verb}_by": caller.sys_id})
