# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that can be injected into requests."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field
from typing import Any, Collection

BEFORE = "before"


@dataclass
class Fault:
    """A fault that affects some of the next requests. control.schema.yml describes its fields."""

    operation: str = "*"
    path: str = "*"
    times: int = 1
    skip: int = 0
    when: str = BEFORE
    latency: float = 0.0
    hold: bool = False
    drop: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content: str = "problem"
    truncate: bool = False
    code: str | None = None
    replace: dict[str, Any] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    struck: bool = field(default=False, init=False)

    def check(self, operations: Collection[str]) -> None:
        """Check what the schema of a fault cannot express.

        :param operations: every operationId.
        :raises ValueError: if it matches no operation, or has a header that cannot be sent.
        """
        if not fnmatch.filter(operations, self.operation):
            raise ValueError(f"faults.operation is {self.operation}, which matches none of {', '.join(operations)}")
        for name, text in self.headers.items():
            if name.lower() in ("content-length", "transfer-encoding") or not _HEADER.fullmatch(f"{name}: {text}"):
                raise ValueError(f"faults.headers has {name}, which cannot be sent with this value")


_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:[!-~\xa0-\xff](?:[ -~\xa0-\xff]*[!-~\xa0-\xff])?)?")


class Faults:
    """The faults that are still to occur, in their order."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def replace(self, faults: list[Fault]) -> None:
        """Replace the faults, in the order in which they occur."""
        self._waiting = list(faults)

    @property
    def waiting(self) -> int:
        """Return the number of faults still to occur; one for all requests counts until it occurred once."""
        return sum(fault.times != 0 and not (fault.times < 0 and fault.struck) for fault in self._waiting)

    def take(self, operation: str, path: str) -> Fault | None:
        """Return the fault that affects a request, if there is one, and count it.

        :param operation: the operationId.
        """
        for fault in self._waiting:
            hits = fnmatch.fnmatchcase(operation, fault.operation) and fnmatch.fnmatchcase(path, fault.path)
            if fault.times != 0 and hits:
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1 if fault.times > 0 else 0
                fault.struck = True
                return fault
        return None
