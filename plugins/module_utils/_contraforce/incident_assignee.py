# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Assign an incident to a user.

If the incident shows its assignee, the run compares that (CF-A15). If it does not, the run always sends the write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.api import ContraForceApi
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import ASSIGNEE_KEY, IS_ASSIGNED_KEY
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_operation import IncidentOperation
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import record_of
from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import (
    OperationResult,
    Plan,
    RunOptions,
    Write,
    check_verify_timeout,
    difference,
    reconcile,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._option_values import identifier

ASSIGN = "assign"

#: The same text for all incidents, because Ansible shows identical warnings only once.
WEAK_EVIDENCE = (
    "The service does not show who an incident is assigned to, so check mode cannot tell whether it would change. A "
    "run always sends the assignment."
)

#: The assignee: ``user_id`` and ``email`` if the service shows them. An absent key is unknown; None means that the
#: value is not set.
State = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """The parsed options of a task.

    :param name: ``user_id`` or ``email``.
    :param value: the user's id or email address.
    """

    key: IncidentKey
    name: str
    value: str


def parse_options(options: Mapping[str, Any]) -> Wanted:
    """Parse the options of one incident.

    :param options: values by option name.
    :raises ApiError: category ``configuration``.
    """
    key = incident_key(options["workspace_id"], options["source"], options["incident_id"])
    check_verify_timeout(options)
    given = {name: identifier(name, options.get(name)) for name in ("user_id", "email")}
    named = [(name, value) for name, value in given.items() if value]
    if len(named) != 1:
        raise configuration_error(f"Give either email or user_id to assign {key}, and only one of them.")
    return Wanted(key, *named[0])


def state_of(data: Mapping[str, Any]) -> State:
    """Return the assignee of an incident, as far as it is shown (CF-A15).

    :param data: ``data`` of the response.
    """
    record = record_of(data)
    user = record.get(ASSIGNEE_KEY)
    if isinstance(user, Mapping):
        shown = {"user_id": user.get("id"), "email": user.get("email")}
        # In a user, null only means that the service does not show the value.
        return {name: value for name, value in shown.items() if value}
    if user is not None:
        return {}
    is_unassigned = record.get(IS_ASSIGNED_KEY) is False or (ASSIGNEE_KEY in record and not record.get(IS_ASSIGNED_KEY))
    return {"user_id": None, "email": None} if is_unassigned else {}


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """Plan the assignment. A pure function: return the write and the assignee after it.

    :param current: the assignee as read.
    :param wanted: the parsed options.
    """
    if str(current.get(wanted.name) or "").lower() == wanted.value.lower():
        return Plan(current)
    body = {"userId" if wanted.name == "user_id" else "email": wanted.value}
    return Plan({wanted.name: wanted.value}, (Write(ASSIGN, body),))


@dataclass(frozen=True)
class History:
    """Facts about an incident that a run has learned.

    :param record: the incident as last read.
    :param accepted: whether the service accepted the assignment.
    """

    record: Mapping[str, Any] = field(default_factory=dict)
    accepted: bool = False


class AssignIncident(IncidentOperation[State, History]):
    """Assign one incident."""

    history: History = History()
    _wanted: Wanted

    def read(self) -> State:
        """Read the incident, and return its assignee; if it is not shown, return the one that the service accepted."""
        data = self._api.incident_data(self._wanted.key)
        self._learn(record=record_of(data))
        shown = state_of(data)
        if self.history.accepted and not self.can_observe(shown):
            return {self._wanted.name: self._wanted.value}
        return shown

    def plan(self, current: State) -> Plan[State]:
        """Return the plan for the remaining write."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Assign the incident."""
        self._api.assign_incident(self._wanted.key, write.body)
        self._learn(accepted=True)

    def can_observe(self, state: State) -> bool:
        """Return whether the incident shows the value to compare; an assignment may be repeated."""
        return self._wanted.name in state

    def describe(self, state: State) -> str:
        """Return a description of the assignee for messages."""
        return f"{self._wanted.name} {state.get(self._wanted.name) or 'not set'}"


def assign_incident(api: ContraForceApi, wanted: Wanted, run: RunOptions) -> OperationResult:
    """Assign an incident to a user.

    :param api: the ContraForce API.
    :param wanted: the parsed options.
    :param run: the run options.
    :raises ApiError: as :func:`reconcile.reconcile` does.
    """
    operation = AssignIncident(api, wanted)
    outcome = reconcile(operation, run)
    # The former assignee's other values do not apply to the new one.
    compared = {name: value for name, value in outcome.before.items() if name in outcome.plan.after}
    return OperationResult(
        changed=outcome.changed,
        values={
            "incident": operation.history.record,
            "before": dict(outcome.before),
            "after": dict(outcome.after),
            "diff": difference(operation.label, compared, outcome.plan.after),
            "unverified": [
                f"{wanted.name} {wanted.value!r} cannot be checked: the service does not show who can be assigned."
            ]
            if run.check_mode and outcome.changed
            else [],
            "request_ids": api.request_ids,
        },
        warnings=[WEAK_EVIDENCE] if run.check_mode and outcome.changed and wanted.name not in outcome.before else [],
    )
