# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the ticketing API v2, one method each, every request and answer checked against the contract."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Mapping, Sequence
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils.client import Answer, Client
from ansible_collections.secops.itsm.plugins.module_utils.contract import check_answer, check_request
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError, configuration_error
from ansible_collections.secops.itsm.plugins.module_utils.failures import Problem, Vendor, retry_after_of
from ansible_collections.secops.itsm.plugins.module_utils.retries import LONGEST_WAIT_ASKED
from ansible_collections.secops.itsm.plugins.module_utils.ticketing import schemas
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.assumptions import (
    LONGEST_RESET,
    OFFERS_PATHS,
    REQUEST_ID_HEADERS,
    ROWS_PATHS,
    TICKET_PATHS,
    TICKET_TYPES_PATHS,
)
from ansible_collections.secops.itsm.plugins.module_utils.ticketing.records import (
    at,
    list_in,
    object_id_of,
    record_in,
)

#: Codes of the service. Source: seed 004.
PERMISSION_FAILURE = "USER_PERMISSION_FAILURE"
VALIDATION_FAILURE = "INPUT_VALIDATION_FAILURE"

#: How the service says that the tenant of the request is not that of the token. Source: seed 004, note 8.
TENANT_NOT_FOUND = "tenant not found"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def problem_of(body: Any) -> Problem:
    """Read an error body: C(error) is true (documented), or an object (the older generation).

    :param body: the parsed JSON, of any shape.
    """
    if not isinstance(body, Mapping):
        return Problem()
    old = body.get("error")
    if isinstance(old, Mapping):
        return Problem(_text(old.get("code")), _text(old.get("message")))
    reasons = at(body, ("validationResult", "reason"))
    fields: dict[str, list[str]] = {}
    for name, texts in reasons.items() if isinstance(reasons, Mapping) else ():
        fields[str(name)] = [str(text) for text in (texts if isinstance(texts, list) else [texts])]
    return Problem(_text(body.get("code")), _text(body.get("message")), None, fields)


def request_id_of(body: Any, headers: Mapping[str, str]) -> str | None:
    """The identifier of an exchange, from a header (TK-A18).

    :param body: not looked at.
    :param headers: the answer's headers, names in any case.
    """
    del body
    return next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), None)


def category_of(http_status: int, problem: Problem) -> str | None:
    """What an error is about where its status misleads: a missing role comes with 401, a wrong tenant with 404.

    :param http_status: of the answer.
    :param problem: what its body says.
    """
    if http_status == 401 and problem.code == PERMISSION_FAILURE:
        return "permission"
    if http_status == 404 and TENANT_NOT_FOUND in (problem.text or "").lower():
        return "configuration"
    return None


def wait_of(http_status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait that an answer asks for: C(Retry-After), or else the reset of a rate limit (TK-A4).

    :param http_status: of the answer.
    :param headers: of the answer, names in any case.
    """
    asked = retry_after_of(http_status, headers)
    reset = (headers.get("X-RateLimit-Reset") or "").strip()
    if asked is not None or http_status != 429 or not (reset.isascii() and reset.isdigit()):
        return asked
    seconds = float(reset)
    return seconds if seconds <= LONGEST_RESET else min(LONGEST_WAIT_ASKED, max(0.0, seconds - time.time()))


TICKETING = Vendor(
    "the ticketing API",
    problem_of,
    request_id_of,
    category_of,
    sentences={
        "configuration": (
            "the tenant was not found",
            "Check that tenant_id and realm are those that the credentials were made for, and url.",
        ),
    },
    next_steps={
        "authentication": "Check the access token, client_id and client_secret, or the API key.",
        "permission": "Give the account the scope tickets:write, one of the roles ticket_agent, ticket_user and "
        "tenant_admin, and access to the team.",
        "not_found": "Check the identifiers in the task, and that url, tenant_id and realm are right: a ticket of "
        "another tenant looks as if it were not there.",
    },
    wait_of=wait_of,
    # Even then the ticket may be there, and a second one pages somebody.
    busy_is_unprocessed=False,
)

Schema = Mapping[str, Any]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """A page of the list of tickets.

    :param rows: tickets, which may lack anything but their display id.
    :param is_last: whether the service says that there are no more; None if it does not say.
    """

    rows: Sequence[Record]
    is_last: bool | None


def _segment(text: str) -> str:
    """A text as exactly one segment of a path; a dot or two would lead to another one, however they are written.

    :raises ApiError: category C(configuration).
    """
    try:
        segment = quote(text, safe="")
    except UnicodeEncodeError:
        segment = ""
    if segment in ("", ".", ".."):
        raise configuration_error(f"{text!r} is no identifier of a team, a ticket type or a ticket.")
    return segment


class TicketingApi:
    """The operations, over a client.

    :param client: a client made with :data:`TICKETING`.
    :param catalog_type: one of :data:`schemas.CATALOG_TYPES`.
    """

    def __init__(self, client: Client, catalog_type: str = "template") -> None:
        self._client = client
        self._query = {"type": catalog_type, "module": "ticketing"}

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""
        return list(self._client.request_ids)

    def create_ticket(self, team_id: str, item_type_id: str, body: Mapping[str, Any]) -> Record:
        """Create a ticket, and give it as the service stored it. Source: seed 004.

        :param team_id: the team's slug.
        :param item_type_id: the id of the ticket type.
        :param body: as :data:`schemas.CREATE_REQUEST` says.
        :raises ApiError: when it was refused, or broke off.
        """
        check_request(schemas.CREATE_REQUEST, body)
        path = f"/ticket/create/{_segment(team_id)}/{_segment(item_type_id)}"
        answer = self._client.write("POST", path, dict(body), self._query)
        self._check_success(answer, "POST", path)
        return _ticket(answer, "POST", path, is_write=True)

    def update_ticket(self, object_id: str, etag: str, changes: Mapping[str, Any]) -> str | None:
        """Change fields of a ticket, and give its new etag. Source: documented; where that stands is TK-A6.

        :param object_id: the ticket's display id.
        :param etag: of the ticket as it was read.
        :param changes: values by the field's UUID.
        :raises ApiError: when it was refused, also for a stale etag, or broke off.
        """
        body = {"etag": etag, "ticketUpdate": dict(changes)}
        check_request(schemas.UPDATE_REQUEST, body)
        path = f"/ticket/{_segment(object_id)}/update"
        answer = self._client.write("PATCH", path, body, self._query)
        self._check_success(answer, "PATCH", path)
        found = (at(answer.body, (*place, "etag")) for place in TICKET_PATHS)
        return next((text for text in found if isinstance(text, str) and text), None)

    def ticket(self, object_id: str) -> Record:
        """Read a ticket. Source: documented by reference; the answer's shape is TK-A5.

        :param object_id: its display id.
        :raises ApiError: when it cannot be read, or the answer holds another one.
        """
        path = f"/ticket/{_segment(object_id)}"
        answer = self._client.read("GET", path, self._query)
        record = _ticket(answer, "GET", path)
        if str(record["object_id"]).lower() != object_id.lower():
            raise ApiError(
                f"The service gave ticket {record['object_id']} instead of {object_id}. Check object_id, and that url "
                "is the API's address.",
                "contract",
                method="GET",
                path=path,
                http_status=answer.http_status,
                request_id=answer.request_id,
            )
        return record

    def tickets_page(self, body: Mapping[str, Any]) -> Page:
        """A page of the list of tickets. Source: the older generation's pages; it reads although it is a POST.

        :param body: as :data:`schemas.LIST_REQUEST` says.
        :raises ApiError: when it cannot be read, or a row has no display id.
        """
        check_request(schemas.LIST_REQUEST, body)
        path = "/ticket/list"
        answer = self._client.read("POST", path, self._query, dict(body))
        found = list_in(answer.body, ROWS_PATHS)
        _check(schemas.ROWS, answer, "POST", path, found)
        rows = found or []
        ids = [object_id_of(row) for row in rows]
        _check(schemas.DISPLAY_IDS, answer, "POST", path, ids)
        pagination = at(answer.body, ("data", "pagination"))
        return Page(rows, _is_last(pagination, int(body["offset"]) + len(rows)))

    def ticket_types(self, top: int, skip: int) -> list[Record]:
        """A page of the ticket types. Source: documented; where they stand in the answer is TK-A12.

        :param top: how many at the most.
        :param skip: how many to pass over.
        :raises ApiError: when they cannot be read.
        """
        query = {**self._query, "$top": str(top), "$skip": str(skip)}
        return self._listed("/ticket-type", query, TICKET_TYPES_PATHS, schemas.TICKET_TYPES)

    def offers(self) -> list[Record]:
        """The offers of the service catalog. Source: documented; where they stand in the answer is TK-A12.

        :raises ApiError: when they cannot be read.
        """
        return self._listed("/tenant/sc/offers", self._query, OFFERS_PATHS, schemas.OFFERS)

    def user_info(self) -> Record:
        """Who the credentials are for. Source: the older generation's pages; the answer's shape is TK-A17.

        :raises ApiError: when it cannot be read.
        """
        path = "/user/userinfo"
        answer = self._client.read("GET", path, self._query)
        _check(schemas.USER_INFO, answer, "GET", path)
        data = answer.body.get("data")
        return data if isinstance(data, Mapping) else dict(answer.body)

    def _check_success(self, answer: Answer, method: str, path: str) -> None:
        """Refuse a success whose body says that it is none: what came of the write is not known then.

        :raises ApiError: category C(contract).
        """
        body = answer.body if isinstance(answer.body, Mapping) else {}
        if body.get("error") is not True and body.get("success") is not False:
            return
        problem = problem_of(body)
        told = self._client.quoted(problem.text or "without a reason").rstrip(".")
        raise ApiError(
            f"The service answered with HTTP {answer.http_status}, and says that it failed: {told}.",
            "contract",
            code=self._client.quoted(problem.code, 100) if problem.code else None,
            http_status=answer.http_status,
            method=method,
            path=path,
            request_id=answer.request_id,
            fields=problem.fields,
            ambiguous=True,
        )

    def _listed(
        self, path: str, query: Mapping[str, str], places: Sequence[Sequence[str]], schema: Schema
    ) -> list[Record]:
        answer = self._client.read("GET", path, query)
        found = list_in(answer.body, places)
        _check(schema, answer, "GET", path, found)
        return list(found or [])


def _is_last(pagination: Any, seen: int) -> bool | None:
    """Whether the list is over, as far as its pagination tells."""
    if not isinstance(pagination, Mapping):
        return None
    total, more = pagination.get("total"), pagination.get("hasMore")
    if isinstance(more, bool):
        return not more
    return seen >= total if isinstance(total, int) else None


def _ticket(answer: Answer, method: str, path: str, *, is_write: bool = False) -> Record:
    """The ticket that an answer must hold; a write whose answer holds none may have made it all the same."""
    record = record_in(answer.body)
    _check(schemas.TICKET_RECORD, answer, method, path, record, ambiguous=is_write)
    return record or {}


#: In place of a part of an answer: all of it.
_WHOLE: Any = object()


def _check(
    schema: Schema, answer: Answer, method: str, path: str, part: Any = _WHOLE, *, ambiguous: bool = False
) -> None:
    check_answer(
        schema,
        answer.body if part is _WHOLE else part,
        method=method,
        path=path,
        http_status=answer.http_status,
        request_id=answer.request_id,
        ambiguous=ambiguous,
    )
