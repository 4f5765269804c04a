# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The error raised by the client, the APIs and the operations."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Sequence

#: The categories of errors, for conditions in a playbook's ``rescue``.
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

#: How the message of a request begins that was not sent because an earlier one failed for the same reason.
NOT_SENT = "The request was not sent: "


class ApiError(Exception):
    """An immutable error with a message for people and data for programs.

    :param message: one or two sentences: what happened, to what, and what to do.
    :param category: one of :data:`CATEGORIES`.
    :param code: the service's error code, such as ``VALIDATION_ERROR``.
    :param http_status: the status of the response, if there was one.
    :param method: the HTTP method of the request that failed.
    :param path: the path of that request, without host and query.
    :param request_id: the service's ID of the request.
    :param retryable: whether the same task may succeed if it is run again.
    :param fields: the service's messages by field.
    :param ambiguous: whether a failed write may have taken effect.
    :param may_have_changed: whether a write was sent before this error, so that something may have changed.
    :param cause: the part of the message that describes what happened; by default, the whole message.
    :param check: the connection check that fails because of this error, if the category does not determine it.
    :param of_proxy: whether a proxy refused the request, and would refuse every other one.
    """

    message: str
    category: str
    code: str | None
    http_status: int | None
    method: str | None
    path: str | None
    request_id: str | None
    retryable: bool
    fields: dict[str, list[str]]
    ambiguous: bool
    may_have_changed: bool
    cause: str
    check: str | None
    of_proxy: bool

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
        may_have_changed: bool = False,
        cause: str | None = None,
        check: str | None = None,
        of_proxy: bool = False,
    ) -> None:
        if category not in CATEGORIES:
            raise ValueError(f"unknown error category {category!r}")
        super().__init__(message)
        # Directly, because __setattr__ rejects all changes.
        self.__dict__.update(
            message=message,
            category=category,
            code=code,
            http_status=http_status,
            method=method,
            path=path,
            request_id=request_id,
            retryable=retryable,
            fields={key: list(messages) for key, messages in (fields or {}).items()},
            ambiguous=ambiguous,
            may_have_changed=may_have_changed,
            cause=cause or message,
            check=check,
            of_proxy=of_proxy,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Raise AttributeError, because threads share errors; Python itself may set ``__traceback__`` and the like."""
        if not name.startswith("__"):
            raise AttributeError(f"{name} of an ApiError cannot be changed. Use with_message.")
        super().__setattr__(name, value)

    def with_message(
        self,
        message: str,
        category: str | None = None,
        *,
        may_have_changed: bool | None = None,
        retryable: bool | None = None,
        check: str | None = None,
    ) -> ApiError:
        """Return a copy with another message; all other attributes are kept unless given.

        :param message: the message; ``cause`` is kept.
        :param category: the category.
        :param may_have_changed: whether something may have changed.
        :param retryable: whether the same task may succeed if it is run again.
        :param check: the connection check that fails because of this error.
        """
        facts = {name: value for name, value in vars(self).items() if not name.startswith("__")}
        given = {"category": category, "may_have_changed": may_have_changed, "retryable": retryable, "check": check}
        return ApiError(**{**facts, "message": message, **{k: v for k, v in given.items() if v is not None}})

    @property
    def is_of_one_record(self) -> bool:
        """Return whether a read may have failed because of its record, so that other records may be readable."""
        return self.category in ("not_found", "contract") or self.http_status == 500

    def as_dict(self) -> dict[str, Any]:
        """Return the ``error`` value of a failed task: an allow-list without headers, bodies and tokens."""
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


def configuration_error(message: str, check: str | None = None) -> ApiError:
    """Return the error for invalid options, found before any request is sent.

    :param message: as for :class:`ApiError`.
    :param check: the connection check that fails because of this error.
    """
    return ApiError(message, "configuration", check=check)


@contextmanager
def part_of(check: str) -> Iterator[None]:
    """Set the connection check of an ApiError raised in the block, unless it is already set.

    :param check: the check.
    """
    try:
        yield
    except ApiError as failure:
        raise failure.with_message(failure.message, check=failure.check or check) from None
