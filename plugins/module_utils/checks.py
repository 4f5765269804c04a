# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report that a check of a connection makes, whichever the service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError

OK, FAILED, NO, UNKNOWN = "ok", "failed", "no", "unknown"

#: Failures after which no other request can fare better, and the check that they are a finding of.
FINAL: Mapping[str, str] = {
    "configuration": "address",
    "tls": "address",
    "unavailable": "address",
    "rate_limited": "address",
    "authentication": "credentials",
}

Answer = TypeVar("Answer")


@dataclass
class Report:
    """What was found so far.

    :param checks: one row for each check: C(check), C(result), C(finding), C(assumption).
    :param failure: the first failure.
    :param has_read: whether an incident or a ticket was read.
    """

    checks: list[dict[str, Any]] = field(default_factory=list)
    failure: ApiError | None = None
    has_read: bool = False

    def add(self, check: str, result: str, finding: str, assumption: str | None = None) -> None:
        """Add a row."""
        self.checks.append({"check": check, "result": result, "finding": finding, "assumption": assumption})

    def attempt(self, check: str, request: Callable[[], Answer], if_forbidden: str | None = None) -> Answer | None:
        """Send a request; if it fails, that is a finding, and the answer is None.

        :param check: the check that the request is for.
        :param request: sends it.
        :param if_forbidden: the check that a lack of permission is a finding of.
        """
        try:
            return request()
        except ApiError as failure:
            self.failure = self.failure or failure
            blamed = if_forbidden if failure.category == "permission" else FINAL.get(failure.category)
            self.add(blamed or check, FAILED, failure.message)
            return None

    @property
    def is_final(self) -> bool:
        """Whether nothing else is worth trying."""
        return self.failure is not None and self.failure.category in FINAL
