# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A ContraForce that lives in memory, for tests of operations without HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

BROKEN = ApiError("The connection broke off.", "unavailable", ambiguous=True, retryable=True)
REFUSED = ApiError("The request was refused.", "validation", http_status=400)
UNREADABLE = ApiError("The service is not able to answer.", "unavailable", http_status=503, retryable=True)
#: More looks than any run makes.
ALWAYS_UNREADABLE = [UNREADABLE] * 50


def raise_next(faults: Sequence[BaseException | None]) -> None:
    """Raise the first of the faults, if it is one; a list loses it."""
    fault = faults[0] if faults else None
    if isinstance(faults, list) and faults:
        faults.pop(0)
    if isinstance(fault, BaseException):
        raise fault


@dataclass
class MemoryApi:
    """One incident.

    :param record: what a read shows.
    :param keeps: what becomes of a classification and reason: ``kept``, ``dropped``, ``hidden`` or ``replaced``.
    :param lag: how many reads after a write still show the state before it.
    :param write_faults: for the writes in turn: None, or (error, whether it takes effect all the same).
    :param read_faults: for the reads in turn: None or an error.
    :param ignores_writes: accept, and do nothing.
    """

    record: dict[str, Any]
    keeps: str = "kept"
    lag: int = 0
    write_faults: list[tuple[ApiError, bool] | None] = field(default_factory=list)
    read_faults: list[ApiError | None] = field(default_factory=list)
    comments_fault: ApiError | None = None
    ignores_writes: bool = False
    record_lags_in_status_only: bool = False
    writes: list[Mapping[str, Any]] = field(default_factory=list)
    stored_comments: list[str] = field(default_factory=list)
    comment_times: list[str] = field(default_factory=list)
    comment_time: str = "2026-11-21T03:00:00Z"
    update_time: str = "2026-11-21T03:00:01Z"
    reads: int = 0
    request_ids: list[str] = field(default_factory=list)
    _shown: dict[str, Any] | None = None
    _lag_left: int = 0

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        self.reads += 1
        raise_next(self.read_faults)
        if self._lag_left > 0 and self._shown is not None:
            self._lag_left -= 1
            newer = {"updatedAt": self.record["updatedAt"]} if self.record_lags_in_status_only else {}
            return {**self._shown, **newer}
        return dict(self.record)

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        raise_next([self.comments_fault])
        return [{"message": text, "createdTime": time} for text, time in self._timed_comments()]

    def _timed_comments(self) -> list[tuple[str, str | None]]:
        times: list[str | None] = [*self.comment_times, *([None] * len(self.stored_comments))]
        return list(zip(self.stored_comments, times))

    def update_incident_status(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        self.writes.append(body)
        fault = self.write_faults.pop(0) if self.write_faults else None
        takes_effect = fault is None or fault[1]
        if takes_effect and not self.ignores_writes:
            self._store(body)
        raise_next([fault and fault[0]])

    def _store(self, body: Mapping[str, Any]) -> None:
        if self._lag_left == 0:
            self._shown = dict(self.record)
        self._lag_left = self.lag
        self.record["status"] = body["status"]
        for name in ("classification", "classificationReason"):
            if self.keeps == "hidden":
                self.record.pop(name, None)
            elif body.get(name):
                replaced = "Other" if name == "classificationReason" else body[name]
                self.record[name] = {"kept": body[name], "dropped": None, "replaced": replaced}[self.keeps]
        if body.get("comment"):
            self.stored_comments.append(body["comment"])
            self.comment_times.append(self.comment_time)
        self.record["updatedAt"] = self.update_time
