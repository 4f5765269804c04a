# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""The ContraForce API v2: one method for each request; requests and responses are checked against the contract."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.assumptions import (
    FURTHER_PAGE_PATTERN,
    PAGE_TOKENS_KEY,
    REQUEST_ID_HEADERS,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.page_tokens import (
    has_next_page,
    unrecognized_properties,
)
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.response_parsing import (
    incident_reference,
    other_incident,
    record_of,
)
from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError
from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client, Response
from ansible_collections.secops.itsm.plugins.module_utils._http.error_body import ErrorBody, text_or_none
from ansible_collections.secops.itsm.plugins.module_utils._http.error_profile import ErrorProfile
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import (
    validate_request,
    validate_response,
)


def problem_of(body: Any) -> ErrorBody:
    """Parse an error body: ProblemDetails (documented), or the older API generation's ``{"error": {...}}``.

    :param body: the parsed JSON, of any shape.
    """
    if not isinstance(body, Mapping):
        return ErrorBody()
    old = body.get("error")
    if isinstance(old, Mapping):
        details = old.get("details")
        fields: dict[str, list[str]] = {}
        for entry in details if isinstance(details, list) else []:
            if isinstance(entry, Mapping) and text_or_none(entry.get("message")):
                fields.setdefault(str(entry.get("target") or ""), []).append(entry["message"])
        return ErrorBody(
            text_or_none(old.get("code")), text_or_none(old.get("message")), _meta_request_id(body), fields
        )
    errors = body.get("errors")
    fields = {}
    for name, messages in errors.items() if isinstance(errors, Mapping) else ():
        fields[str(name)] = [str(text) for text in (messages if isinstance(messages, list) else [messages])]
    text = text_or_none(body.get("detail")) or text_or_none(body.get("title"))
    return ErrorBody(text_or_none(body.get("code")), text, text_or_none(body.get("requestId")), fields)


def request_id_of(body: Any, headers: Mapping[str, str]) -> str | None:
    """Return the request id in a response: ``meta.requestId`` or ``requestId`` (documented), or a header (CF-A8).

    :param body: the parsed JSON, of any shape.
    :param headers: the response's headers, with names in any case.
    """
    documented = _meta_request_id(body) or (text_or_none(body.get("requestId")) if isinstance(body, Mapping) else None)
    if documented:
        return documented
    return next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), None)


def _meta_request_id(body: Any) -> str | None:
    meta = body.get("meta") if isinstance(body, Mapping) else None
    return text_or_none(meta.get("requestId")) if isinstance(meta, Mapping) else None


Schema = Mapping[str, Any]

CONTRAFORCE = ErrorProfile("ContraForce", "CONTRAFORCE", problem_of, request_id_of)


def _segment(text: str) -> str:
    """Return a text, quoted as one path segment."""
    return quote(text, safe="")


def _incident_path(key: IncidentKey, resource: str = "") -> str:
    return f"/workspaces/{_segment(key.workspace_id)}/incidents/{key.source}/{_segment(key.incident_id)}{resource}"


@dataclass(frozen=True)
class IncidentPage:
    """A page of the list of incidents.

    :param incidents: the incidents.
    :param tokens: the page tokens as the service returned them (CF-A16); None if it returned none.
    :param malformed_entries: the number of entries left out because they are not incidents.
    """

    incidents: Sequence[Mapping[str, Any]]
    tokens: Sequence[Mapping[str, Any]] | None = None
    malformed_entries: int = 0


class ContraForceApi:
    """The requests of the API.

    :param client: a client with the error profile :data:`CONTRAFORCE`.
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

    @property
    def clock_lead(self) -> float | None:
        """Return how many seconds this machine's clock was ahead of the service's at the last response, if known."""
        return self._client.clock_lead

    def incident_data(self, key: IncidentKey, with_details: bool = False) -> dict[str, Any]:
        """Read an incident, and return ``data`` of the response, which contains the record (CF-A2).

        Source: ContraForce API reference.

        :param key: the incident.
        :param with_details: whether to request the details of the investigation.
        :raises ApiError: if the incident cannot be read, or the response shows no status or another incident.
        """
        path = _incident_path(key)
        response = self._client.read("GET", path, {"withDetails": "true" if with_details else "false"})
        _check(schemas.INCIDENT_RESPONSE, response, "GET", path)
        data = dict(response.body["data"])
        record = record_of(data)
        _check(schemas.INCIDENT_RECORD, response, "GET", path, record)
        self._check_identity(key, [record, {**data, "id": None}], response, "GET", path)
        return data

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        """Read an incident, and return its record.

        :param key: the incident.
        :raises ApiError: as :meth:`incident_data` does.
        """
        return record_of(self.incident_data(key))

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """Read the comments of an incident. Source: ContraForce API reference.

        :param key: the incident.
        :raises ApiError: if the comments cannot be read, or none of them shows its message.
        """
        path = _incident_path(key, "/comments")
        response = self._client.read("GET", path)
        self._check_identity(key, _references(response.body), response, "GET", path)
        _check(schemas.COMMENTS_RESPONSE, response, "GET", path)
        comments = [entry for entry in response.body["data"] if entry is not None]
        if comments and not any("message" in entry for entry in comments):
            _check(schemas.COMMENT, response, "GET", path, comments[0])
        return comments

    def update_incident_status(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Update the status of an incident. Source: ContraForce API reference, Update incident status.

        :param key: the incident.
        :param body: ``UpdateIncidentStatusRequest``.
        :raises ApiError: if the request is refused or interrupted.
        """
        validate_request(schemas.STATUS_REQUEST, body)
        self._client.write("PUT", _incident_path(key, "/status"), dict(body))

    def add_comment(self, key: IncidentKey, text: str) -> dict[str, Any]:
        """Post a comment, and return it as the service stored it. Source: ContraForce API reference.

        :param key: the incident.
        :param text: the comment.
        :raises ApiError: if the request is refused or interrupted.
        """
        body, path = {"content": text}, _incident_path(key, "/comments")
        return dict(self._write(schemas.COMMENT_REQUEST, schemas.COMMENT_RESPONSE, key, path, body))

    def assign_incident(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Assign an incident. Source: ContraForce API reference.

        :param key: the incident.
        :param body: ``userId`` or ``email``.
        :raises ApiError: if the request is refused or interrupted.
        """
        validate_request(schemas.ASSIGNEE_REQUEST, body)
        self._client.write("PUT", _incident_path(key, "/assignee"), dict(body))

    def link_ticket(self, key: IncidentKey, ticket_id: str, number: str | None = None) -> dict[str, Any]:
        """Link a service ticket to an incident, and return the ticket. Source: ContraForce API reference, Link ticket.

        :param key: the incident.
        :param ticket_id: the ticket's id or display number.
        :param number: the number of the incident, if known.
        :raises ApiError: if the request is refused or interrupted.
        """
        body = {"ticketId": ticket_id, "incident": key.reference(number)}
        path = _tickets_path(key, "link")
        return dict(self._write(schemas.LINK_REQUEST, schemas.LINK_RESPONSE, key, path, body, _linked_nothing))

    def unlink_ticket(self, key: IncidentKey, number: str | None = None) -> bool:
        """Unlink the ticket of an incident, and return whether it had one (CF-A13).

        Source: ContraForce API reference, Unlink ticket.

        :param key: the incident.
        :param number: the number of the incident, if known.
        :raises ApiError: if the request is refused or interrupted.
        """
        body = {"incident": key.reference(number)}
        path = _tickets_path(key, "unlink")
        return bool(self._write(schemas.UNLINK_REQUEST, schemas.UNLINK_RESPONSE, key, path, body, _unlinked_nothing))

    def incidents_page(self, body: Mapping[str, Any]) -> IncidentPage:
        """Read a page of the list of incidents across workspaces. Source: ContraForce API reference.

        :param body: ``ListIncidentsAcrossWorkspacesRequest``.
        :raises ApiError: if the page cannot be read.
        """
        validate_request(schemas.LIST_REQUEST, body)
        path = "/incidents/across-workspaces"
        response = self._client.read("POST", path, body=dict(body))
        _check(schemas.LIST_RESPONSE, response, "POST", path)
        unexpected = _unexpected_next_page(response.body)
        if unexpected:
            raise ApiError(
                f"The list of incidents seems to continue in {unexpected}, which the API contract does not define, so "
                "it cannot be read completely. Report this to the maintainers of this collection.",
                "contract",
                method="POST",
                path=path,
                http_status=response.http_status,
                request_id=response.request_id,
            )
        data = response.body["data"]
        incidents = [entry for entry in data["incidents"] if isinstance(entry, Mapping)]
        for entry in data["incidents"] if not incidents else ():
            _check(schemas.LISTED_INCIDENT, response, "POST", path, entry)
        tokens = data.get(PAGE_TOKENS_KEY)
        return IncidentPage(incidents, tokens, len(data["incidents"]) - len(incidents))

    def _write(
        self,
        request: Schema,
        response_schema: Schema,
        key: IncidentKey,
        path: str,
        body: Mapping[str, Any],
        is_refusal: Callable[[Any], bool] | None = None,
    ) -> Any:
        """Send a POST request that changes an incident, and return ``data``.

        After an invalid response, the effect of the request is uncertain.

        :param is_refusal: returns whether the body of a response shows that nothing was changed.
        """
        validate_request(request, body)
        response = self._client.write("POST", path, dict(body), is_refusal=is_refusal)
        _check(response_schema, response, "POST", path, ambiguous=True)
        self._check_identity(key, _references(response.body), response, "POST", path)
        return response.body["data"]

    def _check_identity(
        self, key: IncidentKey, shown: Sequence[Mapping[str, Any]], response: Response, method: str, path: str
    ) -> None:
        """Raise ApiError if a part of a response definitely belongs to another incident."""
        other = next(filter(None, (other_incident(part, key) for part in shown)), None)
        if other is None:
            return
        raise ApiError(
            f"The service returned {self._client.excerpt(str(other))} instead of {key}. Check that "
            f"{CONTRAFORCE.label('url')} is the API's address, and that no proxy returns cached responses.",
            "contract",
            method=method,
            path=path,
            http_status=response.http_status,
            request_id=response.request_id,
            may_have_changed=method == "POST",
        )


def _references(body: Any) -> list[Mapping[str, Any]]:
    """Return the references to incidents in the entries of a response."""
    data = body.get("data") if isinstance(body, Mapping) else None
    entries = data if isinstance(data, list) else [data]
    return [incident_reference(entry) for entry in entries if isinstance(entry, Mapping)]


def _linked_nothing(body: Any) -> bool:
    data = body.get("data") if isinstance(body, Mapping) else None
    return isinstance(data, Mapping) and data.get("isTicketSet") is False


def _unlinked_nothing(body: Any) -> bool:
    return isinstance(body, Mapping) and body.get("data") is False


def _unexpected_next_page(body: Mapping[str, Any]) -> str | None:
    """Return an unexpected property that seems to point to a next page, or None (CF-A16)."""
    tokens = body["data"].get(PAGE_TOKENS_KEY) or []
    places = {"": body, "data.": body["data"], "meta.": body.get("meta")}
    pattern = "token" if any(map(has_next_page, tokens)) else FURTHER_PAGE_PATTERN
    found = [
        prefix + name
        for prefix, place in places.items()
        if isinstance(place, Mapping)
        for name, value in place.items()
        if value and re.search(pattern, name, re.IGNORECASE) and prefix + name != f"data.{PAGE_TOKENS_KEY}"
    ]
    found += [
        f"data.{PAGE_TOKENS_KEY}.{number}.{name}"
        for number, token in enumerate(tokens)
        for name in unrecognized_properties(token)
    ]
    return next(iter(found), None)


def _tickets_path(key: IncidentKey, action: str) -> str:
    return f"/workspaces/{_segment(key.workspace_id)}/tickets/{action}"


def _check(
    schema: Schema, response: Response, method: str, path: str, part: Any = None, *, ambiguous: bool = False
) -> None:
    validate_response(
        schema,
        response.body if part is None else part,
        method=method,
        path=path,
        http_status=response.http_status,
        request_id=response.request_id,
        ambiguous=ambiguous,
        url=CONTRAFORCE.label("url"),
    )
