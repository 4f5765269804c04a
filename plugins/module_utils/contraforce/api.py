# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the ContraForce API v2, one method each, every request and answer checked against the contract."""

from __future__ import annotations

from typing import Any, Mapping
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils.client import Answer, Client
from ansible_collections.secops.itsm.plugins.module_utils.contract import check_answer, check_request
from ansible_collections.secops.itsm.plugins.module_utils.contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import (
    PAGE_TOKENS_KEY,
    REQUEST_ID_HEADERS,
)
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.records import record_of, title_of
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils.errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils.failures import Problem, Vendor


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def problem_of(body: Any) -> Problem:
    """Read an error body: ProblemDetails (documented), or the older generation's C({"error": {...}}).

    :param body: the parsed JSON, of any shape.
    """
    if not isinstance(body, Mapping):
        return Problem()
    old = body.get("error")
    if isinstance(old, Mapping):
        details = old.get("details")
        fields: dict[str, list[str]] = {}
        for entry in details if isinstance(details, list) else []:
            if isinstance(entry, Mapping) and _text(entry.get("message")):
                fields.setdefault(str(entry.get("target") or ""), []).append(entry["message"])
        return Problem(_text(old.get("code")), _text(old.get("message")), _meta_request_id(body), fields)
    errors = body.get("errors")
    fields = {}
    for name, messages in errors.items() if isinstance(errors, Mapping) else ():
        fields[str(name)] = [str(text) for text in (messages if isinstance(messages, list) else [messages])]
    text = _text(body.get("detail")) or _text(body.get("title"))
    return Problem(_text(body.get("code")), text, _text(body.get("requestId")), fields)


def request_id_of(body: Any, headers: Mapping[str, str]) -> str | None:
    """The identifier of an exchange: C(meta.requestId) or C(requestId) (documented), else a header (CF-A8).

    :param body: the parsed JSON, of any shape.
    :param headers: the answer's headers, names in any case.
    """
    documented = _meta_request_id(body) or (_text(body.get("requestId")) if isinstance(body, Mapping) else None)
    if documented:
        return documented
    return next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), None)


def _meta_request_id(body: Any) -> str | None:
    meta = body.get("meta") if isinstance(body, Mapping) else None
    return _text(meta.get("requestId")) if isinstance(meta, Mapping) else None


Schema = Mapping[str, Any]

CONTRAFORCE = Vendor("ContraForce", problem_of, request_id_of)


def _segment(text: str) -> str:
    """A text as exactly one segment of a path."""
    return quote(text, safe="")


def _incident_path(key: IncidentKey, resource: str = "") -> str:
    return f"/workspaces/{_segment(key.workspace_id)}/incidents/{key.source}/{_segment(key.incident_id)}{resource}"


class ContraForceApi:
    """The operations, over a client.

    :param client: a client made with :data:`CONTRAFORCE`.
    """

    def __init__(self, client: Client) -> None:
        #: The title of the incident that was read last, if it shows one.
        self.title: str | None = None
        self._client = client

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""
        return list(self._client.request_ids)

    @property
    def clock_lead(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the service's, as far as its last answer tells."""
        return self._client.clock_lead

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        """The read of an incident: its record, and what stands beside it.

        Source: documented; where the record stands in the answer is CF-A2.

        :param key: which incident.
        :param with_details: whether to ask for the details of the investigation.
        :raises ApiError: when it cannot be read, or the answer shows no status.
        """
        path = _incident_path(key)
        answer = self._client.read("GET", path, {"withDetails": "true" if with_details else "false"})
        _check(schemas.INCIDENT_ANSWER, answer, "GET", path)
        data = dict(answer.body["data"])
        record = record_of(data)
        _check(schemas.INCIDENT_RECORD, answer, "GET", path, record)
        self.title = title_of(record)
        return data

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        """The record of an incident.

        :param key: which incident.
        :raises ApiError: as for :meth:`incident_data`.
        """
        return record_of(self.incident_data(key))

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident. Source: documented.

        :param key: which incident.
        :raises ApiError: when they cannot be read.
        """
        path = _incident_path(key, "/comments")
        answer = self._client.read("GET", path)
        _check(schemas.COMMENTS_ANSWER, answer, "GET", path)
        return list(answer.body["data"])

    def update_incident_status(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Set an incident's status. Source: seed 003; the answer is 204 without a body.

        :param key: which incident.
        :param body: C(UpdateIncidentStatusRequest).
        :raises ApiError: when it was refused, or broke off.
        """
        check_request(schemas.STATUS_REQUEST, body)
        self._client.write("PUT", _incident_path(key, "/status"), dict(body))

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        """Post a comment, and give it as the service stored it. Source: documented; the answer is 201.

        :param key: which incident.
        :param text: the comment.
        :raises ApiError: when it was refused, or broke off.
        """
        body = {"content": text}
        return dict(
            self._write(schemas.COMMENT_REQUEST, schemas.COMMENT_ANSWER, "POST", _incident_path(key, "/comments"), body)
        )

    def assign_incident(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Assign an incident. Source: documented; the answer is 204 without a body.

        :param key: which incident.
        :param body: C(userId) or C(email).
        :raises ApiError: when it was refused, or broke off.
        """
        check_request(schemas.ASSIGNEE_REQUEST, body)
        self._client.write("PUT", _incident_path(key, "/assignee"), dict(body))

    def link_ticket(self, key: IncidentKey, ticket_id: str, number: str | None = None) -> dict[str, Any]:
        """Link a service ticket to an incident, and give it as the service sees it. Source: seed 000.

        :param key: which incident.
        :param ticket_id: the ticket's id or its display number.
        :param number: the incident's number, if known.
        :raises ApiError: when it was refused, or broke off.
        """
        body = {"ticketId": ticket_id, "incident": key.reference(number)}
        return dict(self._write(schemas.LINK_REQUEST, schemas.LINK_ANSWER, "POST", _tickets_path(key, "link"), body))

    def unlink_ticket(self, key: IncidentKey, number: str | None = None) -> bool:
        """Unlink whatever ticket an incident has, and tell whether it had one. Source: seed 002; false is CF-A13.

        :param key: which incident.
        :param number: the incident's number, if known.
        :raises ApiError: when it was refused, or broke off.
        """
        body = {"incident": key.reference(number)}
        return bool(
            self._write(schemas.UNLINK_REQUEST, schemas.UNLINK_ANSWER, "POST", _tickets_path(key, "unlink"), body)
        )

    def incidents_page(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A page of the list of incidents across workspaces. Source: documented; it reads although it is a POST.

        :param body: C(ListIncidentsAcrossWorkspacesRequest).
        :raises ApiError: when it cannot be read.
        """
        check_request(schemas.LIST_REQUEST, body)
        path = "/incidents/across-workspaces"
        answer = self._client.read("POST", path, body=dict(body))
        _check(schemas.LIST_ANSWER, answer, "POST", path)
        elsewhere = _tokens_elsewhere(answer.body)
        if elsewhere:
            raise ApiError(
                f"The list seems to go on in {elsewhere}, which the API contract does not know, so it cannot be read "
                "to its end. Report this to the maintainers of this collection.",
                "contract",
                method="POST",
                path=path,
                http_status=answer.http_status,
                request_id=answer.request_id,
            )
        return dict(answer.body["data"])

    def _write(self, request: Schema, answer: Schema, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Send a write whose answer says what it did; an answer that does not say it leaves that in doubt."""
        check_request(request, body)
        got = self._client.write(method, path, dict(body))
        _check(answer, got, method, path, ambiguous=True)
        return got.body["data"]


def _tokens_elsewhere(body: Mapping[str, Any]) -> str | None:
    """A place other than the assumed one that seems to hold a token for the next page (CF-A16)."""
    places = {"": body, "data.": body["data"], "meta.": body.get("meta")}
    return next(
        (
            prefix + name
            for prefix, place in places.items()
            if isinstance(place, Mapping)
            for name, value in place.items()
            if "token" in name.lower() and value and prefix + name != f"data.{PAGE_TOKENS_KEY}"
        ),
        None,
    )


def _tickets_path(key: IncidentKey, action: str) -> str:
    return f"/workspaces/{_segment(key.workspace_id)}/tickets/{action}"


def _check(
    schema: Schema, answer: Answer, method: str, path: str, part: Any = None, *, ambiguous: bool = False
) -> None:
    check_answer(
        schema,
        answer.body if part is None else part,
        method=method,
        path=path,
        http_status=answer.http_status,
        request_id=answer.request_id,
        ambiguous=ambiguous,
    )
