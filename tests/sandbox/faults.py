# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways in which the sandbox can be told to misbehave."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field, fields
from typing import Any, Mapping

BEFORE, AFTER = "before", "after"
CONTENTS = ("true", "problem", "old", "html", "empty", "text", "echo")


@dataclass
class Fault:
    """One kind of misbehaviour, for the next so many matching requests.

    :param operation: operationId, with wildcards.
    :param times: how many requests it hits; a negative number means all.
    :param when: whether it strikes before or after the request took effect.
    :param latency: seconds to wait first.
    :param drop: cut the connection instead of answering.
    :param status: answer with this status instead of the true one.
    :param headers: further headers of the answer.
    :param content: C(true) for the true answer, or C(problem), C(old), C(html), C(empty), C(text), or C(echo) for an
        error that repeats the request's headers, secrets and all.
    :param truncate: cut the answer's body in half, its length being that of the half.
    :param code: the error's C(code), for C(problem) and C(old).
    """

    operation: str = "*"
    times: int = 1
    when: str = BEFORE
    latency: float = 0.0
    drop: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    content: str = "problem"
    truncate: bool = False
    code: str | None = None
    struck: bool = field(default=False, init=False)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Fault:
        """A fault from what was posted.

        :raises ValueError: for a word that no fault knows.
        """
        unknown = set(value) - {entry.name for entry in fields(cls) if entry.init}
        if unknown:
            raise ValueError(f"no fault knows {', '.join(sorted(unknown))}")
        fault = cls(**value)
        if fault.when not in (BEFORE, AFTER) or fault.content not in CONTENTS:
            raise ValueError(f"when is before or after; content is one of {', '.join(CONTENTS)}")
        return fault


class Faults:
    """The faults that are still to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def replace(self, faults: list[Fault]) -> None:
        """Forget what was waiting and take these.

        :param faults: in the order in which they strike.
        """
        self._waiting = list(faults)

    @property
    def waiting(self) -> int:
        """How many are still to come; one for all requests counts until it struck once."""
        return sum(fault.times != 0 and not (fault.times < 0 and fault.struck) for fault in self._waiting)

    def take(self, operation: str) -> Fault | None:
        """The fault that hits a request, if one does.

        :param operation: the request's operationId.
        """
        for fault in self._waiting:
            if fault.times != 0 and fnmatch.fnmatchcase(operation, fault.operation):
                fault.times -= 1 if fault.times > 0 else 0
                fault.struck = True
                return fault
        return None
