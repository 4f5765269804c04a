# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Describe how a service reports errors, and how messages name it and its options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import http_date, retry_after_seconds

RIGHT_ADDRESS = "that {address}, set in {url}, is the address of the API."

#: What happened and what the user can do, by category. ``{url}`` is replaced by the name of that connection option, and
#: ``{address}`` by the URL of the service.
MESSAGES: Mapping[str, tuple[str, str]] = {
    "authentication": (
        "the credentials were refused",
        "Check that {client_id} and {client_secret}, or {access_token}, are valid for {address}.",
    ),
    "permission": (
        "the account lacks a permission",
        "Grant the service account the role on the workspace and the scope that the request requires.",
    ),
    "not_found": ("the resource was not found", f"Check the identifiers, and {RIGHT_ADDRESS}"),
    "validation": ("the service rejected the request as invalid", "Correct the values in the task."),
    "conflict": (
        "the service rejected the request because of a conflict",
        "Check the current state, and run the task again.",
    ),
    "rate_limited": (
        "the service rejected the request because of its rate limit",
        "Run the task again later, or send fewer requests at the same time.",
    ),
    "unavailable": ("the service is unavailable", "Run the task again; it starts from the current state."),
    "contract": ("the API contract does not define this response", f"Check {RIGHT_ADDRESS}"),
    "configuration": (
        "the service responded with a redirect",
        "Set {url} to the current address of the service instead of {address}.",
    ),
}


class OptionNames:
    """Names of connection options with their environment variables, for :meth:`str.format_map`.

    :param prefix: the start of the environment variables' names.
    :param known: names that differ, and the address.
    """

    def __init__(self, prefix: str, **known: str) -> None:
        self._prefix = prefix
        self._known = known

    def __getitem__(self, name: str) -> str:
        return self._known.get(name) or f"{name} ({self._prefix}_{name.upper()})"


def no_category(http_status: int, details: ErrorBody) -> str | None:
    """Return None, for a service whose statuses are never misleading."""
    del http_status, details
    return None


def retry_after_of(http_status: int, headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a response's ``Retry-After`` header (RFC 9110), or None.

    :param http_status: the status.
    :param headers: the headers, with names in any case.
    """
    del http_status
    return retry_after_seconds(headers.get("Retry-After"), http_date(headers.get("Date")))


def no_remedy(http_status: int, headers: Mapping[str, str]) -> str | None:
    """Return None, for a service whose headers do not explain an error.

    :param http_status: the status.
    :param headers: the headers, with names in any case.
    """
    del http_status, headers
    return None


def no_failure(body: Any) -> bool:
    """Return False, for a service that never reports a failure with a 2xx status.

    :param body: the parsed JSON.
    """
    del body
    return False


@dataclass(frozen=True)
class ErrorProfile:
    """How a service reports errors, and how messages name it.

    :param name: its name in messages.
    :param prefix: the start of its environment variables' names.
    :param parse_error: parses the JSON of an error response.
    :param find_request_id: returns the request ID from the body and the headers of a response.
    :param category_of: returns the category of an error whose status alone would be misleading, or None.
    :param messages: what happened and what the user can do, for the categories that ``category_of`` returns.
    :param remedies: what the user can do, by category, where it differs for this service.
    :param retry_after: returns the seconds to wait that a response requests, from its status and headers.
    :param retry_after_means_unprocessed: whether the service promises that it did not process a write to which it
        responds with 503 and ``Retry-After``.
    :param reports_failure: returns whether the parsed JSON of a 2xx response reports that the request failed.
    :param remedy_of: returns what the user can do about an error that the headers of the response explain, or None.
    :param html_page: why the service may respond to a request with a page and a 2xx status, although it is unavailable,
        as the end of a sentence, and what the user can do; None if it never does.
    """

    name: str
    prefix: str
    parse_error: Callable[[Any], ErrorBody]
    find_request_id: Callable[[Any, Mapping[str, str]], str | None]
    category_of: Callable[[int, ErrorBody], str | None] = no_category
    messages: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    remedies: Mapping[str, str] = field(default_factory=dict)
    retry_after: Callable[[int, Mapping[str, str]], float | None] = retry_after_of
    retry_after_means_unprocessed: bool = True
    reports_failure: Callable[[Any], bool] = no_failure
    remedy_of: Callable[[int, Mapping[str, str]], str | None] = no_remedy
    html_page: tuple[str, str] | None = None

    def label(self, option: str) -> str:
        """Return the name of a connection option for a message.

        :param option: the option.
        """
        return OptionNames(self.prefix)[option]

    def remedy(self, category: str) -> str:
        """Return what the user can do about an error.

        :param category: the category of the error.
        """
        return self.remedies.get(category, MESSAGES[category][1])
