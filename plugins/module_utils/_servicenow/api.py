# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Send the requests of the Table API v2, and check requests and responses against the contract."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Response
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, text_or_none
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile, retry_after_of
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import MAX_RETRY_AFTER, http_date
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import (
    validate_request,
    validate_response,
)
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import whole_number
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import query, schemas
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.assumptions import (
    HIBERNATING,
    REQUEST_ID_HEADER,
)

#: How values are shown. Source: ServiceNow's documentation of the Table API.
VALUES: Mapping[str, str] = {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"}

#: Values are sent as the service stores them, with dates in UTC. Source: ServiceNow's documentation of the Table API.
INPUT: Mapping[str, str] = {**VALUES, "sysparm_input_display_value": "false"}

#: Words in the text of an error with the status 403 that is not about a permission. Seen in reports of users.
REFUSED_VALUES = ("data policy exception", "mandatory", "business rule")

#: Words in the text of an error with the status 400 for a table that does not exist. Seen in maintained clients.
INVALID_TABLE = "invalid table"

#: The header that explains why a correct password is refused. Source: ServiceNow's documentation.
MFA_HEADER = "X-MFA_TOKEN"

#: The next page in a ``Link`` header (RFC 8288), whose URL contains the offset.
_NEXT_PAGE = re.compile(
    r"<[^>]*[?&]sysparm_offset=(\d{1,15})(?!\d)[^>]*>\s*;\s*rel=\"?next\b", re.IGNORECASE | re.ASCII
)


def problem_of(body: Any) -> ErrorBody:
    """Parse an error body, in which ``error`` has ``message`` and ``detail``; the detail may be null.

    :param body: the parsed JSON, of any shape.
    """
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return ErrorBody(None, text_or_none(error))
    message, detail = (text_or_none(error.get(name)) for name in ("message", "detail"))
    texts = [text.strip().rstrip(".") for text in (message, detail) if text]
    return ErrorBody(None, ": ".join(dict.fromkeys(texts)) or None)


def reports_failure(body: Any) -> bool:
    """Return whether the body of a successful response reports a failure, as a cancelled transaction does.

    :param body: the parsed JSON, of any shape.
    """
    return isinstance(body, Mapping) and (bool(body.get("error")) or body.get("status") == "failure")


def request_id_of(body: Any, headers: Mapping[str, str]) -> str | None:
    """Return the request ID from the headers of a response (SN-A4).

    :param body: not used.
    :param headers: the response headers, a case-insensitive mapping.
    """
    del body
    return headers.get(REQUEST_ID_HEADER) or None


def category_of(http_status: int, problem: ErrorBody) -> str | None:
    """Return the category of an error with a misleading status, or None for any other error.

    The service answers 403 also for values that a data policy or a business rule refuses.

    :param http_status: the response status.
    :param problem: the parsed error.
    """
    text = (problem.text or "").lower()
    if http_status == 403 and any(words in text for words in REFUSED_VALUES):
        return "validation"
    if http_status == 400 and INVALID_TABLE in text:
        return "configuration"
    return None


def wait_of(http_status: int, headers: Mapping[str, str]) -> float | None:
    """Return the delay in seconds that a response requests, or None.

    The delay is in ``Retry-After`` or, for a rate limit, in ``X-RateLimit-Reset`` (SN-A3).

    :param http_status: the response status.
    :param headers: the response headers, a case-insensitive mapping.
    """
    delay = retry_after_of(http_status, headers)
    reset = (headers.get("X-RateLimit-Reset") or "").strip()
    if delay is not None or http_status != 429 or not (reset.isascii() and reset.isdigit()):
        return delay
    now = http_date(headers.get("Date"))
    left = float(reset) - (now.timestamp() if now else time.time())
    return min(MAX_RETRY_AFTER, max(0.0, left))


def remedy_of(http_status: int, headers: Mapping[str, str]) -> str | None:
    """Return what the user can do about refused credentials that need a second factor, or None.

    :param http_status: the response status.
    :param headers: the response headers, a case-insensitive mapping.
    """
    if http_status != 401 or "invalid" not in (headers.get(MFA_HEADER) or "").lower():
        return None
    return (
        "The account uses multi-factor authentication, which a task cannot complete. Use an account for machines "
        "without it, or {client_id} and {client_secret}."
    )


SERVICENOW = ErrorProfile(
    "ServiceNow",
    "SERVICENOW",
    problem_of,
    request_id_of,
    category_of,
    messages={
        "validation": (
            "a data policy or a business rule refused the values",
            "Set the values that the message names in fields, or contact the administrator of the instance.",
        ),
        "configuration": (
            "the instance does not have the table",
            "Check the option table; sn_si_incident requires Security Incident Response.",
        ),
    },
    remedies={
        "authentication": "Check {username} and {password}, {client_id} and {client_secret}, {access_token} or "
        "{api_key}, and check that the instance accepts this kind of credentials for {address}.",
        "permission": "Grant the account a role that may read and write the table, such as itil, sn_incident_write or "
        "sn_si.analyst, and check the access rules.",
        "not_found": "Check the identifiers, and that {address} from {url} is the address of the instance; records "
        "that an access rule hides are also reported as not found.",
    },
    retry_after=wait_of,
    # A request that returns 503 may still have created the ticket.
    retry_after_means_unprocessed=False,
    reports_failure=reports_failure,
    remedy_of=remedy_of,
    html_page=HIBERNATING,
)

#: A record as the service returned it: by column, ``value`` and ``display_value``.
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of a list.

    :param rows: the records that the account may read; there may be fewer than the limit although more follow.
    :param total: the number of matching records, or None if the service does not report it (SN-A6).
    :param next_offset: the number of rows before the next page, or None if the service does not name a next page.
    """

    rows: Sequence[Row]
    total: int | None = None
    next_offset: int | None = None


class ServiceNowApi:
    """Methods for the requests of the API, one each.

    :param client: an HTTP client with the error profile :data:`SERVICENOW`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def request_ids(self) -> list[str]:
        """Return the ids of the requests sent so far, as the service returned them."""
        return list(self._client.request_ids)

    @property
    def may_have_changed(self) -> bool:
        """Return whether a write was sent that may have taken effect."""
        return self._client.may_have_changed

    def excerpt(self, text: str, max_length: int) -> str:
        """Return the start of a text on one line, with secrets redacted before it is cut.

        :param text: any text.
        :param max_length: the maximum number of characters.
        """
        return self._client.excerpt(text, max_length)

    def page(self, table: str, encoded_query: str, limit: int, offset: int = 0, columns: Iterable[str] = ()) -> Page:
        """Return a page of a list. Source: ServiceNow's documentation of the Table API.

        :param table: the table.
        :param encoded_query: the query, in a total order.
        :param limit: the maximum number of rows.
        :param offset: the number of rows to skip.
        :param columns: the columns to return, always with ``sys_id``; all by default.
        :raises ApiError: if the page cannot be read.
        """
        path = _path(table)
        names = dict.fromkeys(["sys_id", *columns]) if columns else ()
        parameters = {
            **VALUES,
            "sysparm_query": encoded_query,
            "sysparm_limit": str(limit),
            "sysparm_offset": str(offset),
            **({"sysparm_fields": ",".join(names)} if names else {}),
        }
        response = self._client.read("GET", path, parameters)
        _check(schemas.MANY, response, "GET", path)
        total = whole_number((response.headers.get("X-Total-Count") or "").strip())
        found = _NEXT_PAGE.search(response.headers.get("Link") or "")
        return Page(response.body["result"], total, int(found[1]) if found else None)

    def record(self, table: str, sys_id: str) -> Row:
        """Return a record. Source: ServiceNow's documentation of the Table API.

        :param table: the table.
        :param sys_id: the identifier of the record.
        :raises ApiError: if the record cannot be read, or the response contains another record.
        """
        path = _path(table, sys_id)
        response = self._client.read("GET", path, VALUES)
        return _record(response, "GET", path, sys_id)

    def create(self, table: str, values: Mapping[str, str]) -> Row:
        """Create a record, and return it as stored. Source: ServiceNow's documentation of the Table API.

        :param table: the table.
        :param values: values by column, as the service stores them.
        :raises ApiError: if the request is refused or interrupted.
        """
        validate_request(schemas.WRITE_REQUEST, values)
        path = _path(table)
        response = self._client.write("POST", path, dict(values), INPUT)
        return _record(response, "POST", path, is_write=True)

    def update(self, table: str, sys_id: str, changes: Mapping[str, str]) -> Row:
        """Update columns of a record, and return it as stored. Source: ServiceNow's documentation of the Table API.

        :param table: the table.
        :param sys_id: the identifier of the record.
        :param changes: new values by column, as the service stores them; an empty text clears a column.
        :raises ApiError: if the request is refused or interrupted.
        """
        validate_request(schemas.WRITE_REQUEST, changes)
        path = _path(table, sys_id)
        response = self._client.write("PATCH", path, dict(changes), INPUT)
        return _record(response, "PATCH", path, sys_id, is_write=True)

    def journal(self, table: str, sys_id: str | None, limit: int, offset: int = 0) -> Page:
        """Return a page of the journal entries of a record, or of all records of a table.

        Source: ServiceNow's documentation for the table ``sys_journal_field``.

        :param table: the table of the record.
        :param sys_id: the identifier of the record; None for all records.
        :param limit: the maximum number of entries.
        :param offset: the number of entries to skip.
        :raises ApiError: if the entries cannot be read.
        """
        # The identifier is unique, and an entry may name a parent of the table.
        wanted = query.equals("element_id", sys_id) if sys_id else query.equals("name", table)
        encoded = query.in_total_order(wanted, "sys_created_on")
        columns = ("name", "element_id", "element", "value", "sys_created_on", "sys_created_by")
        return self.page("sys_journal_field", encoded, limit, offset, columns)

    def choices(self, tables: Sequence[str], columns: Sequence[str], limit: int, offset: int = 0) -> Page:
        """Return a page of the choices of columns. Source: ServiceNow's documentation for the table ``sys_choice``.

        :param tables: the tables for which the columns may be defined.
        :param columns: the columns.
        :param limit: the maximum number of choices.
        :param offset: the number of choices to skip.
        :raises ApiError: if the choices cannot be read.
        """
        encoded = query.all_of(query.is_one_of("name", tables), query.is_one_of("element", columns))
        shown = ("name", "element", "value", "label", "inactive", "dependent_value", "language")
        return self.page("sys_choice", query.in_total_order(encoded), limit, offset, shown)

    def dictionary(self, tables: Sequence[str], columns: Sequence[str], limit: int, offset: int = 0) -> Page:
        """Return a page of the definitions of columns.

        Source: ServiceNow's documentation for the table ``sys_dictionary``.

        :param tables: the tables for which the columns may be defined.
        :param columns: the columns.
        :param limit: the maximum number of definitions.
        :param offset: the number of definitions to skip.
        :raises ApiError: if the definitions cannot be read.
        """
        return self._definitions(tables, query.is_one_of("element", columns), limit, offset)

    def all_columns(self, tables: Sequence[str], limit: int, offset: int = 0) -> Page:
        """Return a page of the definitions of all columns of tables, as :meth:`dictionary` does."""
        return self._definitions(tables, "", limit, offset)

    def display_columns(self, table: str, limit: int, offset: int = 0) -> Page:
        """Return a page of the definitions of the display columns of a table, as :meth:`dictionary` does."""
        return self._definitions((table,), query.equals("display", "true"), limit, offset)

    def _definitions(self, tables: Sequence[str], wanted: str, limit: int, offset: int) -> Page:
        encoded = query.all_of(query.is_one_of("name", tables), wanted)
        shown = ("name", "element", "column_label", "internal_type", "reference", "max_length", "choice")
        return self.page("sys_dictionary", query.in_total_order(encoded), limit, offset, shown)


def _path(table: str, sys_id: str | None = None) -> str:
    """Return the path of a table or a record; the names were checked when they were parsed."""
    return f"/table/{table}" + (f"/{sys_id}" if sys_id else "")


def value_of(row: Row, column: str) -> str | None:
    """Return the stored value of a column, or None if the row does not show the column.

    :param row: a record.
    :param column: the column.
    """
    cell = row.get(column)
    value = cell.get("value") if isinstance(cell, Mapping) else cell
    return (value or "") if column in row else None


def display_of(row: Row, column: str) -> str | None:
    """Return the display value of a column, or None if the row does not show it.

    :param row: a record.
    :param column: the column.
    """
    cell = row.get(column)
    return cell.get("display_value") if isinstance(cell, Mapping) else None


def _record(response: Response, method: str, path: str, sys_id: str | None = None, *, is_write: bool = False) -> Row:
    """Return the record in a response.

    :param sys_id: the identifier of the requested record, if it is known.
    :param is_write: if true, a response without the record leaves the result of the write uncertain.
    :raises ApiError: if the response does not contain the record.
    """
    _check(schemas.ONE, response, method, path, ambiguous=is_write)
    record: Row = response.body["result"]
    shown = value_of(record, "sys_id") or ""
    if sys_id is not None and shown.lower() != sys_id.lower():
        raise ApiError(
            f"The service returned record {shown} instead of {sys_id}. Check that {SERVICENOW.label('url')} is the "
            "address of the instance.",
            "contract",
            method=method,
            path=path,
            http_status=response.http_status,
            request_id=response.request_id,
            ambiguous=is_write,
        )
    return record


def _check(schema: Mapping[str, Any], response: Response, method: str, path: str, *, ambiguous: bool = False) -> None:
    validate_response(
        schema,
        response.body,
        method=method,
        path=path,
        http_status=response.http_status,
        request_id=response.request_id,
        ambiguous=ambiguous,
        url=SERVICENOW.label("url"),
    )
