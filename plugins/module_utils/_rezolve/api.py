# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Send the requests of the ticketing API v2, and check requests and responses against the contract."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Mapping, Sequence
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Response
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, text_or_none
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile, retry_after_of
from ansible_collections.secops.itsm.plugins.module_utils._http.retry_policy import MAX_RETRY_AFTER, http_date
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import (
    validate_request,
    validate_response,
)
from ansible_collections.secops.itsm.plugins.module_utils._plain_text import whole_number
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import schemas
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.assumptions import (
    LONGEST_RESET,
    OFFERS_PATHS,
    PAGING_PATHS,
    REQUEST_ID_HEADERS,
    ROWS_PATHS,
    TICKET_PATHS,
    TICKET_TYPES_PATHS,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.response_parsing import (
    find_list,
    find_record,
    value_at,
)

#: Error codes of the service. Source: Rezolve.ai API documentation, Create Ticket.
PERMISSION_FAILURE = "USER_PERMISSION_FAILURE"
VALIDATION_FAILURE = "INPUT_VALIDATION_FAILURE"

#: The error text for a request whose tenant is not that of the token.
#: Source: Rezolve.ai API documentation, Create Ticket.
TENANT_NOT_FOUND = "tenant not found"


def problem_of(body: Any) -> ErrorBody:
    """Parse an error body, in which ``error`` is true (documented) or an object (the older API generation).

    Return the code, the text and the refused fields.

    :param body: the parsed JSON, of any shape.
    """
    if not isinstance(body, Mapping):
        return ErrorBody()
    error = body.get("error")
    old = error if isinstance(error, Mapping) else {}
    code, text = (text_or_none(old.get(name)) or text_or_none(body.get(name)) for name in ("code", "message"))
    reasons = value_at(body, ("validationResult", "reason"))
    fields: dict[str, list[str]] = {}
    for name, texts in reasons.items() if isinstance(reasons, Mapping) else ():
        fields[str(name)] = [str(text) for text in (texts if isinstance(texts, list) else [texts])]
    return ErrorBody(code, text or text_or_none(error), None, fields)


def reports_failure(body: Any) -> bool:
    """Return whether the body of a successful response reports a failure.

    It does so with ``success: false``, or with ``error``: true (documented), an object (the older API generation) or a
    text.

    :param body: the parsed JSON, of any shape.
    """
    if not isinstance(body, Mapping):
        return False
    error, success = (_flag(body.get(name)) for name in ("error", "success"))
    return success is False or error is True or (isinstance(error, (str, Mapping)) and bool(error))


def _flag(value: Any) -> Any:
    """Return the boolean that a text spells, or the value unchanged."""
    return {"true": True, "false": False}.get(value.strip().lower(), value) if isinstance(value, str) else value


def request_id_of(body: Any, headers: Mapping[str, str]) -> str | None:
    """Return the request id from the headers of a response (TK-A18).

    :param body: not used.
    :param headers: the response headers, a case-insensitive mapping.
    """
    del body
    return next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), None)


def category_of(http_status: int, problem: ErrorBody) -> str | None:
    """Return the category of an error with a misleading status, or None for any other error.

    The service answers 401 for a missing role and 404 for the wrong tenant.

    :param http_status: the response status.
    :param problem: the parsed error.
    """
    if http_status == 401 and problem.code == PERMISSION_FAILURE:
        return "permission"
    if http_status == 404 and TENANT_NOT_FOUND in (problem.text or "").lower():
        return "configuration"
    return None


def wait_of(http_status: int, headers: Mapping[str, str]) -> float | None:
    """Return the delay in seconds that a response requests, or None.

    The delay is in ``Retry-After`` or, for a rate limit, in ``X-RateLimit-Reset`` (TK-A4).

    :param http_status: the response status.
    :param headers: the response headers, a case-insensitive mapping.
    """
    delay = retry_after_of(http_status, headers)
    reset = (headers.get("X-RateLimit-Reset") or "").strip()
    if delay is not None or http_status != 429 or not (reset.isascii() and reset.isdigit()):
        return delay
    seconds, now = float(reset), http_date(headers.get("Date"))
    left = seconds - (now.timestamp() if now else time.time())
    return seconds if seconds <= LONGEST_RESET else min(MAX_RETRY_AFTER, max(0.0, left))


REZOLVE = ErrorProfile(
    "the ticketing API",
    "TICKETING",
    problem_of,
    request_id_of,
    category_of,
    messages={
        "configuration": (
            "the tenant was not found",
            "Check {url}, and check that {tenant_id} and {realm} match the credentials.",
        ),
    },
    remedies={
        "authentication": "Check {access_token}, {client_id} and {client_secret}, or {api_key}, and check that they "
        "are valid for {address}.",
        "permission": "Grant the account the scope tickets:write, one of the roles ticket_agent, ticket_user and "
        "tenant_admin, and access to the team.",
        "not_found": "Check the identifiers, {tenant_id}, {realm}, and that {address} from {url} is the address of the "
        "API; tickets of other tenants are also reported as not found.",
    },
    retry_after=wait_of,
    # A request that returns 503 may still have created the ticket, and a duplicate may page the on-call engineer.
    retry_after_means_unprocessed=False,
    reports_failure=reports_failure,
)

Schema = Mapping[str, Any]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of the list of tickets.

    :param rows: the tickets; any key may be missing.
    :param has_more: whether there are more rows, or None if the service does not report it.
    :param total: the number of rows of the list or the page, or None if the service does not report it.
    """

    rows: Sequence[Record]
    has_more: bool | None = None
    total: int | None = None


def _segment(text: str) -> str:
    """Return a text encoded as one path segment.

    :raises ApiError: category ``configuration`` if the text cannot be a path segment, such as a dot.
    """
    try:
        segment = quote(text, safe="")
    except UnicodeEncodeError:
        segment = ""
    if segment in ("", ".", ".."):
        raise configuration_error(
            f"{text!r} is not a valid identifier of a team, a ticket type or a ticket. Check team_id, item_type_id or "
            "object_id."
        )
    return segment


class RezolveApi:
    """Methods for the requests of the API, one each.

    :param client: an HTTP client with the error profile :data:`REZOLVE`.
    :param catalog_type: one of :data:`schemas.CATALOG_TYPES`.
    """

    def __init__(self, client: Client, catalog_type: str = "template") -> None:
        self._client = client
        self._query = {"type": catalog_type, "module": "ticketing"}

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

    def create_ticket(self, team_id: str, item_type_id: str, body: Mapping[str, Any]) -> Record:
        """Create a ticket, and return it as stored. Source: Rezolve.ai API documentation, Create Ticket.

        :param team_id: the slug of the team.
        :param item_type_id: the id of the ticket type.
        :param body: see :data:`schemas.CREATE_REQUEST`.
        :raises ApiError: if the request is refused or interrupted.
        """
        validate_request(schemas.CREATE_REQUEST, body)
        path = f"/ticket/create/{_segment(team_id)}/{_segment(item_type_id)}"
        response = self._client.write("POST", path, dict(body), self._query)
        return _ticket(response, "POST", path, is_write=True)

    def update_ticket(self, object_id: str, etag: str, changes: Mapping[str, Any]) -> str | None:
        """Update fields of a ticket, and return its new etag, or None if the response does not contain it (TK-A6).

        Source: Rezolve.ai API documentation.

        :param object_id: the display id of the ticket.
        :param etag: the etag that the last read returned.
        :param changes: new values by field UUID.
        :raises ApiError: if the request is refused, also for a stale etag, or interrupted.
        """
        body = {"etag": etag, "ticketUpdate": dict(changes)}
        validate_request(schemas.UPDATE_REQUEST, body)
        path = f"/ticket/{_segment(object_id)}/update"
        response = self._client.write("PATCH", path, body, self._query)
        found = (value_at(response.body, (*place, "etag")) for place in TICKET_PATHS)
        return next((text for text in found if isinstance(text, str) and text), None)

    def ticket(self, object_id: str) -> Record:
        """Return a ticket; any key except the display id may be missing.

        Source: Rezolve.ai API documentation; the format of the response is TK-A5.

        :param object_id: the display id of the ticket.
        :raises ApiError: if the ticket cannot be read, or the response contains another ticket.
        """
        path = f"/ticket/{_segment(object_id)}"
        response = self._client.read("GET", path, self._query)
        record = _ticket(response, "GET", path)
        if str(record["object_id"]).lower() != object_id.lower():
            raise ApiError(
                f"The service returned ticket {record['object_id']} instead of {object_id}. Check object_id, and check "
                f"that {REZOLVE.label('url')} is the address of the API.",
                "contract",
                method="GET",
                path=path,
                http_status=response.http_status,
                request_id=response.request_id,
            )
        return record

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """Return a page of the list of tickets. Source: the pages of the older API generation.

        :param body: see :data:`schemas.LIST_REQUEST`.
        :raises ApiError: if the page cannot be read.
        """
        validate_request(schemas.LIST_REQUEST, body)
        path = "/ticket/list"
        response = self._client.read("POST", path, self._query, dict(body))
        found = find_list(response.body, ROWS_PATHS)
        _check(schemas.ROWS, response, "POST", path, found)
        return Page(found or [], *_paging(response.body))

    def ticket_types(self, top: int, skip: int) -> list[Any]:
        """Return a page of the ticket types; the entries are not validated.

        Source: Rezolve.ai API documentation; the format of the response is TK-A12.

        :param top: the maximum number of ticket types.
        :param skip: the number of ticket types to skip.
        :raises ApiError: if the ticket types cannot be read.
        """
        query = {**self._query, "$top": str(top), "$skip": str(skip)}
        return self._list("/ticket-type", query, TICKET_TYPES_PATHS)

    def offers(self) -> list[Any]:
        """Return the offers of the service catalog; the entries are not validated.

        Source: Rezolve.ai API documentation; the format of the response is TK-A12.

        :raises ApiError: if the offers cannot be read.
        """
        return self._list("/tenant/sc/offers", self._query, OFFERS_PATHS)

    def user_info(self) -> Record:
        """Return the account that the credentials belong to.

        Source: the pages of the older API generation; the format of the response is TK-A17.

        :raises ApiError: if the account cannot be read.
        """
        path = "/user/userinfo"
        response = self._client.read("GET", path, self._query)
        _check(schemas.USER_INFO, response, "GET", path)
        data = response.body.get("data")
        return data if isinstance(data, Mapping) else dict(response.body)

    def _list(self, path: str, query: Mapping[str, str], places: Sequence[Sequence[str]]) -> list[Any]:
        response = self._client.read("GET", path, query)
        found = find_list(response.body, places)
        _check(schemas.CATALOG, response, "GET", path, found)
        return list(found or [])


def _paging(body: Any) -> tuple[bool | None, int | None]:
    """Return whether there are more rows, and the number of rows; None if a response does not report it.

    If a response reports several values, return the larger one.
    """
    places = [entry for entry in (value_at(body, place) for place in PAGING_PATHS) if isinstance(entry, Mapping)]
    more = [flag for flag in (_flag(place.get("hasMore")) for place in places) if isinstance(flag, bool)]
    counts = [_count(place.get(name)) for place in places for name in ("total", "count")]
    return any(more) if more else None, max((count for count in counts if count is not None), default=None)


def _count(value: Any) -> int | None:
    """Return a number of rows, which may be a text of digits, or None."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return whole_number(text)


def _ticket(response: Response, method: str, path: str, *, is_write: bool = False) -> Record:
    """Return the ticket in a response.

    :param is_write: if true, a response without a ticket leaves the result of the write uncertain.
    :raises ApiError: if the response does not contain a valid ticket.
    """
    record = find_record(response.body)
    schema = schemas.TICKET_RECORD if is_write else schemas.READ_TICKET
    _check(schema, response, method, path, record, ambiguous=is_write)
    return record or {}


#: Sentinel: check the whole body.
_WHOLE: Any = object()


def _check(
    schema: Schema, response: Response, method: str, path: str, part: Any = _WHOLE, *, ambiguous: bool = False
) -> None:
    validate_response(
        schema,
        response.body if part is _WHOLE else part,
        method=method,
        path=path,
        http_status=response.http_status,
        request_id=response.request_id,
        ambiguous=ambiguous,
        url=REZOLVE.label("url"),
    )
