# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assign an incident to a person.

Where the read of the incident shows its assignee, that decides (CF-A15). Where it does not, the write is sent, because
only the write makes the state true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Protocol

from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import ASSIGNEE_KEY, IS_ASSIGNED_KEY
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import record_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey, incident_key
from ansible_collections.secops.itsm.plugins.module_utils.desired_state import (
    Plan,
    Result,
    Run,
    Write,
    check_verify_timeout,
    difference,
    reach,
)
from ansible_collections.secops.itsm.plugins.module_utils.errors import configuration_error

ASSIGN = "assign"

#: The same text for every incident: Ansible shows the same warning once.
WEAK_EVIDENCE = (
    "The service does not show whom an incident is assigned to, so this prediction rests on no evidence. The run sends "
    "the write in any case."
)

#: The assignee: ``user_id`` and ``email`` as far as the service shows them. A key that is absent is unknown; one that
#: is None is not set.
State = Mapping[str, Any]


class Api(Protocol):
    """What this operation needs of the API."""

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""

    def incident_data(self, key: IncidentKey) -> dict[str, Any]:
        """The read of an incident."""

    def assign_incident(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Assign an incident."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for.

    :param name: C(user_id) or C(email).
    :param value: whose.
    """

    key: IncidentKey
    name: str
    value: str


def wanted_from(options: Mapping[str, Any]) -> Wanted:
    """Check a task's options.

    :param options: values by option name.
    :raises ApiError: category C(configuration).
    """
    key = incident_key(options["workspace_id"], options["source"], options["incident_id"])
    check_verify_timeout(options)
    given = {name: (options.get(name) or "").strip() for name in ("user_id", "email")}
    named = [name for name, value in given.items() if value]
    if len(named) != 1:
        raise configuration_error(f"Give either email or user_id: exactly one says whom {key} is assigned to.")
    return Wanted(key, named[0], given[named[0]])


def state_of(data: Mapping[str, Any]) -> State:
    """The assignee that the read of an incident shows (CF-A15).

    :param data: C(data) of the answer.
    """
    record = record_of(data)
    user = record.get(ASSIGNEE_KEY)
    if isinstance(user, Mapping):
        shown = {"user_id": user.get("id"), "email": user.get("email")}
        # Of a person, null says only that the service does not tell it.
        return {name: value for name, value in shown.items() if value}
    if user is not None:
        return {}
    nobody = record.get(IS_ASSIGNED_KEY) is False or (ASSIGNEE_KEY in record and not record.get(IS_ASSIGNED_KEY))
    return {"user_id": None, "email": None} if nobody else {}


def plan(current: State, wanted: Wanted) -> Plan[State]:
    """The write that assigns the incident, and the assignee after it. A pure function.

    :param current: the assignee as read.
    :param wanted: what the user asked for.
    """
    if str(current.get(wanted.name) or "").lower() == wanted.value.lower():
        return Plan(current)
    body = {"userId" if wanted.name == "user_id" else "email": wanted.value}
    return Plan({wanted.name: wanted.value}, (Write(ASSIGN, body),))


class AssignIncident:
    """The operation on one incident, as :func:`desired_state.reach` wants it."""

    def __init__(self, api: Api, wanted: Wanted) -> None:
        self.thing = str(wanted.key)
        self.record: dict[str, Any] = {}
        self.accepted = False
        self._api = api
        self._wanted = wanted

    def read(self) -> State:
        """Read the incident; where it does not show the assignee, what the service accepted in this run holds."""
        data = self._api.incident_data(self._wanted.key)
        self.record = record_of(data)
        shown = state_of(data)
        if self.accepted and not self.shows(shown):
            return {self._wanted.name: self._wanted.value}
        return shown

    def plan(self, current: State) -> Plan[State]:
        """What is to be written from here."""
        return plan(current, self._wanted)

    def send(self, write: Write) -> None:
        """Assign it."""
        self._api.assign_incident(self._wanted.key, write.body)
        self.accepted = True

    def shows(self, state: State) -> bool:
        """Whether the incident shows what was asked for; the assignment carries nothing else, and may be repeated."""
        return self._wanted.name in state

    def without_what_arrived(self, write: Write) -> Write:
        """An assignment has no parts."""
        return write

    def describe(self, state: State) -> str:
        """The assignee in words."""
        return f"{self._wanted.name} {state.get(self._wanted.name) or 'not set'}"


def assign_incident(api: Api, options: Mapping[str, Any], run: Run) -> Result:
    """Bring an incident to an assignee.

    :param api: the ContraForce API.
    :param options: the task's options.
    :param run: how the run is to go.
    :raises ApiError: as :func:`wanted_from` and :func:`desired_state.reach` say.
    """
    wanted = wanted_from(options)
    operation = AssignIncident(api, wanted)
    outcome = reach(operation, run)
    # What else is shown of the former person says nothing of the next one.
    compared = {name: value for name, value in outcome.before.items() if name in outcome.plan.after}
    return Result(
        changed=outcome.changed,
        values={
            "incident": operation.record,
            "before": dict(outcome.before),
            "after": dict(outcome.after),
            "diff": difference(operation.thing, compared, outcome.plan.after),
            "request_ids": api.request_ids,
        },
        warnings=[WEAK_EVIDENCE] if run.check_mode and outcome.changed and wanted.name not in outcome.before else [],
    )
