# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ServiceNow for the conformance rules: incidents with their urgency as level and their description as text."""

from __future__ import annotations

from typing import Any, ClassVar, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._engine.bulk_items import BulkDefinition
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import excerpt
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.backend import ServiceNowBackend
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.bulk_tickets import TICKETS
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.ticket_options import Wanted, parse_options
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._servicenow.memory_api import (
    RESOLVED,
    TITLE,
    Fault,
    Instance,
    MemoryServiceNow,
)
from ansible_collections.secops.itsm.tests.unit.plugins.module_utils._ticketing import conformance

#: The stored value and the label of each level.
LEVELS: Mapping[str, tuple[str, str]] = {
    "high": ("1", "1 - High"),
    "medium": ("2", "2 - Medium"),
    "low": ("3", "3 - Low"),
}

#: The request of each kind.
OPERATIONS: Mapping[str, str] = {
    conformance.SEARCH: "page",
    conformance.READ: "record",
    conformance.CREATE: "create",
    conformance.UPDATE: "update",
}


class RedactingServiceNow(MemoryServiceNow):
    """An instance in memory whose client knows a secret."""

    def excerpt(self, text: str, max_length: int) -> str:
        return excerpt(text, lambda part: part.replace(conformance.SECRET, "***"), max_length)


class ServiceNowUnderTest(conformance.SystemUnderTest):
    """The incidents of one instance."""

    has_notes: ClassVar[bool] = True
    rewrites_texts: ClassVar[bool] = True

    def __init__(self, page_size: int = 100) -> None:
        self.instance = Instance(page_size=page_size)
        self.clock = self.instance.clock
        self.api = RedactingServiceNow(self.instance)

    def options(self, reference: str | None, **more: Any) -> dict[str, Any]:
        fields: dict[str, Any] = dict(RESOLVED) if more.get("closed") else {}
        level = more.get("level")
        if level is not None:
            value, label = LEVELS.get(level.lower(), (level, level))
            # A value and a label are two notations of a choice.
            fields["urgency"] = value if level in LEVELS else label.upper()
        if more.get("text") is not None:
            fields["description"] = more["text"]
        identity = (
            {"number": more["name"]} if reference is None else {"reference": reference, "short_description": TITLE}
        )
        return {
            **identity,
            "fields": fields,
            "include_closed": more.get("include_closed", False),
            "work_notes": more.get("note"),
        }

    def parse(self, options: Mapping[str, Any]) -> Wanted:
        return parse_options(options)

    def backend(self) -> ServiceNowBackend:
        return ServiceNowBackend(self.api)

    def bulk(self) -> tuple[BulkDefinition[Any], Any]:
        return TICKETS, self.api

    def add(self, reference: str, level: str = "low", *, closed: bool = False) -> str:
        state = "7" if closed else "1"
        values = {"correlation_id": reference, "urgency": LEVELS[level][0], "state": state, "short_description": TITLE}
        return self.instance.add(**values)["number"]

    def edit(self, name: str, **values: Any) -> None:
        given = {"urgency": LEVELS[values["level"]][0]} if "level" in values else {"description": values["text"]}
        self.instance.edit(name, **given)

    def tickets(self) -> dict[str, conformance.Stored]:
        levels = {value: level for level, (value, _label) in LEVELS.items()}
        return {
            record["number"]: conformance.Stored(
                record["correlation_id"],
                levels[record["urgency"]],
                record["description"] or None,
                record["state"] in ("6", "7", "8"),
                tuple(self.instance.notes(record["number"])),
            )
            for record in self.instance.records["incident"].values()
        }

    def near(self, reference: str) -> Sequence[str]:
        return [f"{reference}0", reference[:-1], reference.swapcase()]

    @property
    def writes(self) -> list[str]:
        kinds = {operation: kind for kind, operation in OPERATIONS.items()}
        sent = [kinds.get(call) for call in self.instance.calls]
        return [kind for kind in sent if kind in (conformance.CREATE, conformance.UPDATE)]

    def fail(self, request: str, error: BaseException, *, takes_effect: bool = False, times: int = 1) -> None:
        self.instance.faults[OPERATIONS[request]] = [Fault(error, takes_effect)] * times

    def hide_rows(self) -> None:
        self.instance.hidden_rows = set(self.instance.records["incident"])

    def ignore_updates(self) -> None:
        self.instance.ignores_writes = True

    def replace_level(self, level: str) -> None:
        self.instance.keeps["urgency"] = lambda _value: LEVELS[level][0]

    def rewrite_text(self, text: str) -> None:
        self.instance.keeps["description"] = lambda _value: text


ADAPTER = ServiceNowUnderTest
