# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs, faults, access rules and another user in any order: one ticket, each text once, and no lost change."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.secops.itsm.plugins.module_utils._engine.reconcile import OperationResult
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    REFERENCE,
    RESOLVED,
    Fault,
    Instance,
    answered,
    broken,
    keep,
    task,
)


class Killed(BaseException):
    """A run is killed."""


#: The options of tasks for the ticket of one incident.
TASKS: Mapping[str, Mapping[str, Any]] = {
    "open": task(work_notes="Opened by the runbook."),
    "assign": task(fields={"assigned_to": "d.duty"}, comments="Assigned."),
    "note": {"reference": REFERENCE, "work_notes": "Checked at shift change."},
    "resolve": {"reference": REFERENCE, "fields": dict(RESOLVED), "work_notes": "Resolved by the runbook."},
}
#: Columns that no task sets.
OTHERS = ("category", "description")

OPERATIONS = st.sampled_from(["page", "record", "create", "update", "sys_journal_field", "sys_dictionary"])


class Tickets(RuleBasedStateMachine):
    """The tickets of one incident."""

    @initialize(
        page_size=st.sampled_from([1, 2, 100]),
        counts=st.booleans(),
        links=st.booleans(),
        unreadable=st.sets(st.sampled_from(["sys_journal_field", "sys_dictionary", "sys_choice"])),
        refuses=st.booleans(),
    )
    def start(self, **behavior: Any) -> None:
        """Start an instance with the ticket of another incident."""
        self.instance = Instance(**behavior)
        self.instance.add(correlation_id="another")
        self.instance.post(self.instance.ticket("INC0000001"), "comments", "Another text.")
        self.edits: dict[tuple[str, str], str] = {}
        self.closures = 0
        self.number = 0

    def _own(self) -> list[dict[str, str]]:
        rows = self.instance.records["incident"].values()
        return [record for record in rows if record["correlation_id"] == REFERENCE]

    def _open(self) -> list[dict[str, str]]:
        return [record for record in self._own() if record["state"] not in ("6", "7", "8")]

    def _run(self, name: str, **run: Any) -> OperationResult | ApiError | None:
        with suppress(Killed):
            try:
                return keep(self.instance, TASKS[name], **run)
            except ApiError as failure:
                return failure
        return None

    @rule(name=st.sampled_from(sorted(TASKS)), verify_timeout=st.sampled_from([0, 5]))
    def run_task(self, name: str, verify_timeout: int) -> None:
        """Run a task."""
        writes = self.instance.writes
        outcome = self._run(name, verify_timeout=verify_timeout)
        if isinstance(outcome, OperationResult) and not outcome.changed:
            assert self.instance.writes == writes

    @rule(name=st.sampled_from(sorted(TASKS)))
    def predict(self, name: str) -> None:
        """Run a task in check mode."""
        writes = self.instance.writes
        self._run(name, check_mode=True)
        assert self.instance.writes == writes

    @rule(operation=OPERATIONS, kind=st.sampled_from(["break", "break after", "kill", "kill after", "refuse", "busy"]))
    def fail(self, operation: str, kind: str) -> None:
        """Let the next request of a kind fail."""
        is_write = operation in ("create", "update")
        error: BaseException = {
            "break": broken(is_write=is_write),
            "kill": Killed(),
            "refuse": answered(403, is_write=is_write),
            "busy": answered(500, is_write=is_write),
        }[kind.split()[0]]
        self.instance.faults.setdefault(operation, []).append(Fault(error, takes_effect=kind.endswith("after")))

    @rule(column=st.sampled_from(OTHERS), at_once=st.booleans(), requests=st.integers(1, 12))
    def edit(self, column: str, at_once: bool, requests: int) -> None:
        """Let another user change a column that no task sets, now or during the next run."""
        self.number += 1
        text = f"edited {self.number}"

        def change(_number: int, _operation: str) -> None:
            nonlocal requests
            requests -= 1
            if at_once or requests == 0:
                self.instance.editor = None
                for record in self._open()[:1]:
                    self.instance.edit(record["number"], **{column: text})
                    self.edits[record["number"], column] = text

        if at_once:
            change(0, "")
        else:
            self.instance.editor = change

    @rule()
    def close(self) -> None:
        """Let another user close the ticket."""
        for record in self._open()[:1]:
            self.closures += 1
            self.instance.edit(record["number"], state="7")

    @rule(name=st.sampled_from(sorted(TASKS)))
    def settle(self, name: str) -> None:
        """Without further failures, a second run of a task changes nothing."""
        self.instance.faults.clear()
        self.instance.editor = None
        first = self._run(name)
        if isinstance(first, OperationResult) and first.failure is None:
            second = self._run(name)
            assert isinstance(second, OperationResult)
            assert not second.changed

    @invariant()
    def one_ticket(self) -> None:
        """There is one open ticket; another one was created only because another user or a task closed the first."""
        assert len(self._open()) <= 1

    @invariant()
    def each_text_once(self) -> None:
        """No ticket has a text twice."""
        texts = Counter((entry["element_id"], entry["value"]) for entry in self.instance.entries)
        assert set(texts.values()) <= {1}

    @invariant()
    def no_lost_change(self) -> None:
        """The changes of another user are kept."""
        for (number, column), text in self.edits.items():
            assert self.instance.ticket(number)[column] == text

    @invariant()
    def other_tickets_are_unchanged(self) -> None:
        """The ticket of the other incident is as it was."""
        assert self.instance.ticket("INC0000001")["sys_mod_count"] == "0"


TestTickets = Tickets.TestCase
TestTickets.settings = settings(max_examples=60, stateful_step_count=30)
