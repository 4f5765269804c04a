# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of the ContraForce API v2, one method each, every request and answer checked against the contract."""

from __future__ import annotations

from typing import Any, Mapping
from urllib.parse import quote

from ansible_collections.secops.itsm.plugins.module_utils.client import Answer, Client, Vendor
from ansible_collections.secops.itsm.plugins.module_utils.contract import check_answer, check_request
from ansible_collections.secops.itsm.plugins.module_utils.contraforce import schemas
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.assumptions import REQUEST_ID_HEADERS
from ansible_collections.secops.itsm.plugins.module_utils.contraforce.vocabulary import IncidentKey
from ansible_collections.secops.itsm.plugins.module_utils.failures import Problem


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
        self._client = client

    @property
    def request_ids(self) -> list[str]:
        """The service's identifiers of the requests sent so far."""
        return list(self._client.request_ids)

    def incident(self, key: IncidentKey) -> dict[str, Any]:
        """The record of an incident.

        Source: documented; where the record stands in the answer is CF-A2.

        :param key: which incident.
        :raises ApiError: when it cannot be read, or the answer shows no status.
        """
        path = _incident_path(key)
        answer = self._client.read("GET", path, {"withDetails": "false"})
        _check(schemas.INCIDENT_ANSWER, answer, answer.body, path)
        data = answer.body["data"]
        record = data["incident"] if isinstance(data.get("incident"), dict) else data
        _check(schemas.INCIDENT_RECORD, answer, record, path)
        return dict(record)

    def comments(self, key: IncidentKey) -> list[dict[str, Any]]:
        """The comments of an incident. Source: documented.

        :param key: which incident.
        :raises ApiError: when they cannot be read.
        """
        path = _incident_path(key, "/comments")
        answer = self._client.read("GET", path)
        _check(schemas.COMMENTS_ANSWER, answer, answer.body, path)
        return list(answer.body["data"])

    def update_incident_status(self, key: IncidentKey, body: Mapping[str, Any]) -> None:
        """Set an incident's status. Source: seed 003; the answer is 204 without a body.

        :param key: which incident.
        :param body: C(UpdateIncidentStatusRequest).
        :raises ApiError: when it was refused, or broke off.
        """
        check_request(schemas.STATUS_REQUEST, body)
        self._client.write("PUT", _incident_path(key, "/status"), dict(body))


def _check(schema: Mapping[str, Any], answer: Answer, part: Any, path: str) -> None:
    check_answer(schema, part, method="GET", path=path, http_status=answer.http_status, request_id=answer.request_id)
