# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rezolve.ai for the conformance rules: the in-memory API with fields for level and text."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._http.error_mapping import excerpt
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.api import Page
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.backend import RezolveBackend
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.desired_ticket import Wanted, parse_options
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._rezolve.memory_api import (
    REFERENCE,
    ROOT_CAUSE,
    SUMMARY,
    TASK,
    URGENCY,
    Fault,
    MemoryTicketing,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing import conformance

#: The request of each kind.
OPERATIONS: Mapping[str, str] = {
    conformance.SEARCH: "tickets_page",
    conformance.READ: "ticket",
    conformance.CREATE: "create_ticket",
    conformance.UPDATE: "update_ticket",
}


class RezolveUnderTest(conformance.SystemUnderTest):
    """The tickets of one tenant."""

    rewrites_texts: ClassVar[bool] = True

    def __init__(self, page_size: int = 100) -> None:
        self.service: Any = MemoryTicketing(page_size=page_size)
        self.clock = self.service.clock
        self.service.excerpt = lambda text, length: excerpt(
            text, lambda part: part.replace(conformance.SECRET, "***"), length
        )

    def options(self, reference: str | None, **more: Any) -> dict[str, Any]:
        fields = {"Urgency": more.get("level"), "Root Cause": more.get("text")}
        given = {name: value for name, value in fields.items() if value is not None}
        if more.get("closed"):
            given["Status"] = "Resolved"
        if reference is None:
            return {"object_id": more["name"], "fields": given}
        return {
            **TASK,
            "fields": {"Incident Reference": reference, **given},
            "include_done": more.get("include_closed", False),
        }

    def parse(self, options: Mapping[str, Any]) -> Wanted:
        return parse_options(options)

    def backend(self) -> RezolveBackend:
        return RezolveBackend(self.service)

    def bulk(self) -> tuple[BulkDefinition[Any], Any]:
        return TICKETS, self.service

    def add(self, reference: str, level: str = "low", *, closed: bool = False) -> str:
        done = {"status_type": "Closed", "status_category": "Done Category"} if closed else {}
        record = self.service.add(SUMMARY, {REFERENCE: reference, URGENCY: level}, **done)
        return str(record["object_id"])

    def edit(self, name: str, **values: Any) -> None:
        ids = {"level": URGENCY, "text": ROOT_CAUSE}
        self.service.edit(name, {ids[key]: value for key, value in values.items()})

    def tickets(self) -> dict[str, conformance.Stored]:
        return {
            name: conformance.Stored(
                record["data"][REFERENCE],
                record["data"][URGENCY],
                record["data"].get(ROOT_CAUSE),
                record["status_category"] == "Done Category",
            )
            for name, record in self.service.tickets.items()
        }

    def near(self, reference: str) -> Sequence[str]:
        return [f"{reference}0", reference[:-1], f"CTC {reference}", reference.swapcase(), f"{reference}."]

    @property
    def writes(self) -> list[str]:
        kinds = {operation: kind for kind, operation in OPERATIONS.items()}
        sent = [kinds.get(call) for call in self.service.calls]
        return [kind for kind in sent if kind in (conformance.CREATE, conformance.UPDATE)]

    def fail(self, request: str, error: BaseException, *, takes_effect: bool = False, times: int = 1) -> None:
        self.service.faults[OPERATIONS[request]] = [Fault(error, takes_effect)] * times

    def hide_rows(self) -> None:
        self.service.tickets_page = lambda _body: Page([], None, len(self.service.tickets))

    def ignore_updates(self) -> None:
        self.service.ignores_updates = True

    def replace_level(self, level: str) -> None:
        self.service.keeps[URGENCY] = lambda _value: level

    def rewrite_text(self, text: str) -> None:
        self.service.keeps[ROOT_CAUSE] = lambda _value: text

    def delay_search(self, seconds: float) -> None:
        self.service.search_lag = seconds


ADAPTER = RezolveUnderTest
