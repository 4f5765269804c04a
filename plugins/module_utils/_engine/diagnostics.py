# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Collect the findings of a connection check, for any service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, TypeVar

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

OK, FAILED, NO, UNKNOWN = "ok", "failed", "no", "unknown"

#: Categories of failures that every other request would cause as well, and the check that each belongs to.
FINAL: Mapping[str, str] = {
    "configuration": "address",
    "tls": "address",
    "unavailable": "address",
    "rate_limited": "address",
    "authentication": "credentials",
}

#: The maximum number of listed records to try until one can be read.
MAX_ATTEMPTS = 5

Result = TypeVar("Result")


@dataclass
class Report:
    """The findings so far.

    :param checks: a row for each check, with ``check``, ``result``, ``finding`` and ``assumption``.
    :param failure: the first failure.
    :param has_read: whether an incident or a ticket was read.
    """

    checks: list[dict[str, Any]] = field(default_factory=list)
    failure: ApiError | None = None
    has_read: bool = False

    def add(self, check: str, result: str, finding: str, assumption: str | None = None) -> None:
        """Add a row, which replaces an earlier one of the same check: a later request may fail."""
        self.checks[:] = [row for row in self.checks if row["check"] != check]
        self.checks.append({"check": check, "result": result, "finding": finding, "assumption": assumption})

    def fail(self, check: str, failure: ApiError) -> None:
        """Add a row for a failure.

        :param check: the check, unless the failure names one.
        """
        self.failure = self.failure or failure
        self.add(failure.check or check, FAILED, failure.message)

    def attempt(self, check: str, request: Callable[[], Result], if_forbidden: str | None = None) -> Result | None:
        """Send a request and return its result; add a row and return None if it fails.

        :param check: the check that the request is for.
        :param request: sends the request.
        :param if_forbidden: the check that a missing permission belongs to.
        """
        try:
            return request()
        except ApiError as failure:
            self._fail(failure, check, if_forbidden)
            return None

    def attempt_any(
        self,
        check: str,
        requests: Mapping[str, Callable[[], Result]],
        is_skippable: Callable[[ApiError], bool],
        if_forbidden: str | None = None,
    ) -> tuple[Result | None, list[str]]:
        """Return the first record that can be read, or None, and the names of those that cannot be read.

        If none can be read, add a row for the failure that ended the attempts, or for the first one.

        :param check: the check that the reads are for.
        :param requests: the reads, by the names of their records.
        :param is_skippable: returns whether other records may be readable after a failure.
        :param if_forbidden: the check that a missing permission belongs to.
        """
        unread: list[str] = []
        reported: ApiError | None = None
        for name, request in list(requests.items())[:MAX_ATTEMPTS]:
            try:
                return request(), unread
            except ApiError as failure:
                unread.append(name)
                reported = reported if reported and is_skippable(failure) else failure
                if not is_skippable(failure):
                    break
        if reported:
            self._fail(reported, check, if_forbidden)
        return None, unread

    def _fail(self, failure: ApiError, check: str, if_forbidden: str | None) -> None:
        failed_check = if_forbidden if failure.category == "permission" else FINAL.get(failure.category)
        self.fail(failed_check or check, failure)

    @property
    def is_final(self) -> bool:
        """Return whether every other request would fail as well."""
        return self.failure is not None and self.failure.category in FINAL
