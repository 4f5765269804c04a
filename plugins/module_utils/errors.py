# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one error that operations, API and client raise, and its categories."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

#: What a playbook's ``rescue`` can branch on.
CATEGORIES: tuple[str, ...] = (
    "configuration",
    "authentication",
    "permission",
    "not_found",
    "validation",
    "conflict",
    "ambiguous_match",
    "rate_limited",
    "unavailable",
    "ambiguous_write",
    "contract",
    "not_converged",
    "tls",
    "internal",
)


class ApiError(Exception):
    """A failure with a sentence for people and facts for machines.

    :param message: one sentence or two: what happened, to what, and what to do.
    :param category: one of :data:`CATEGORIES`.
    :param code: the service's own stable word, such as ``VALIDATION_ERROR``.
    :param http_status: the status of the answer, when there was one.
    :param method: the HTTP method of the request that failed.
    :param path: the path of that request, never with a query or a host.
    :param request_id: the service's identifier of the request.
    :param retryable: whether the same task may succeed when it is simply run again.
    :param fields: messages by field, as the service gave them.
    :param ambiguous: whether a write may have taken effect although it failed.
    :param wrote: whether a write was sent before this failure, so that something may have changed.
    :param what: the part of the message that says what happened, without what to do; all of it if not given.
    """

    def __init__(
        self,
        message: str,
        category: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        method: str | None = None,
        path: str | None = None,
        request_id: str | None = None,
        retryable: bool = False,
        fields: Mapping[str, Sequence[str]] | None = None,
        ambiguous: bool = False,
        wrote: bool = False,
        what: str | None = None,
    ) -> None:
        if category not in CATEGORIES:
            raise ValueError(f"unknown error category {category!r}")
        super().__init__(message)
        self.message = message
        self.category = category
        self.code = code
        self.http_status = http_status
        self.method = method
        self.path = path
        self.request_id = request_id
        self.retryable = retryable
        self.fields = {key: list(messages) for key, messages in (fields or {}).items()}
        self.ambiguous = ambiguous
        self.wrote = wrote
        self.what = what or message

    def retold(
        self, message: str, category: str | None = None, *, wrote: bool | None = None, retryable: bool | None = None
    ) -> ApiError:
        """The same failure with a better sentence, or under another category, once more is known of it."""
        return ApiError(
            message,
            category or self.category,
            code=self.code,
            http_status=self.http_status,
            method=self.method,
            path=self.path,
            request_id=self.request_id,
            retryable=self.retryable if retryable is None else retryable,
            fields=self.fields,
            ambiguous=self.ambiguous,
            wrote=self.wrote if wrote is None else wrote,
        )

    def as_dict(self) -> dict[str, Any]:
        """The ``error`` value of a failed task: an allow-list, so no header, body or token can slip in."""
        return {
            "category": self.category,
            "code": self.code,
            "http_status": self.http_status,
            "method": self.method,
            "path": self.path,
            "request_id": self.request_id,
            "retryable": self.retryable,
            "fields": self.fields,
        }


def configuration_error(message: str) -> ApiError:
    """A mistake in the task's own options, found before anything was sent."""
    return ApiError(message, "configuration")
