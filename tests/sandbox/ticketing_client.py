# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the sandbox's ticketing API, for tests."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import urlencode, urlsplit

from ansible_collections.secops.itsm.tests.sandbox.operations import FORM, JSON
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

PREFIX = "/api/v2/ticketing"


@dataclass(frozen=True)
class ClientResponse:
    """A response.

    :param body: the JSON value, or the text of any other media type.
    :param kind: the media type.
    """

    status: int
    body: Any
    kind: str


class TicketingClient:
    """A client of the ticketing API.

    :param headers: headers that replace those of the first client in the seed; None removes one.
    """

    def __init__(self, sandbox: SandboxProcess, headers: Mapping[str, str | None] | None = None) -> None:
        self.sandbox = sandbox
        known = sandbox.ticketing
        self.headers: dict[str, str | None] = {
            "Authorization": f"Bearer {known.get('access_token')}",
            "x-tenantid": known["tenant_id"],
            "realmname": known["realm"],
            "issupportrequest": "false",
            **(headers or {}),
        }

    def request(
        self, method: str, path: str, body: Any = None, query: str = "type=template&module=ticketing"
    ) -> ClientResponse:
        """Call an operation.

        :param body: a JSON value, bytes to send unchanged, or None.
        """
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = {} if content is None else {"Content-Type": JSON}
        return self.send(method, f"{PREFIX}{path}?{query}", content, {**kind, **self.headers})

    def fetch_token(self, realm: str | None = None, kind: str = FORM, **fields: str | None) -> ClientResponse:
        """Fetch a token with the credentials of the first client in the seed.

        :param kind: the media type of the form.
        :param fields: form fields that replace the right ones; None removes one.
        """
        known = self.sandbox.ticketing
        names = ("client_id", "client_secret", "scope")
        form = {"grant_type": "client_credentials", **{name: known[name] for name in names}, **fields}
        content = urlencode({name: value for name, value in form.items() if value is not None}).encode()
        path = f"/auth/realms/{realm or known['realm']}/protocol/openid-connect/token"
        return self.send("POST", path, content, {"Content-Type": kind})

    def send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str | None]) -> ClientResponse:
        """Send a request and return any response. Headers without a value are omitted."""
        connection = http.client.HTTPConnection(urlsplit(self.sandbox.url).netloc, timeout=10)
        try:
            sent = {name: value for name, value in headers.items() if value is not None}
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            text, kind = response.read().decode(), (response.getheader("Content-Type") or "").partition(";")[0]
            return ClientResponse(response.status, json.loads(text) if kind == JSON else text, kind)
        finally:
            connection.close()

    # --- common requests ---------------------------------------------------------------------------------------------

    def create(
        self, fields: Mapping[str, Any], team: str = "soc", item_type: str = "16920", offer: str = "23640", **keys: Any
    ) -> ClientResponse:
        """Create a ticket.

        :param fields: by UUID.
        :param keys: keys of the body that replace the usual ones.
        """
        body = {"source": "api", "summary": "A test", "ticketBody": {"offerId": offer, **fields}, "attachments": {}}
        return self.request("POST", f"/ticket/create/{team}/{item_type}", {**body, "ticketRelation": None, **keys})

    def update(self, object_id: str, changes: Mapping[str, Any], etag: str | None = None) -> ClientResponse:
        """Change a ticket.

        :param changes: by field UUID.
        :param etag: the default is the stored one.
        """
        body = {"etag": etag or self.stored(object_id)["etag"], "ticketUpdate": dict(changes)}
        return self.request("PATCH", f"/ticket/{object_id}/update", body)

    def list(self, search: str = "", top: int = 100, offset: int = 0, **keys: Any) -> ClientResponse:
        """List tickets. ``keys`` are other keys of the body."""
        return self.request("POST", "/ticket/list", {"search": search, "top": top, "offset": offset, **keys})

    def stored(self, object_id: str) -> dict[str, Any]:
        """Return a stored ticket by its display ID."""
        tickets = self.sandbox.state()["platform_tickets"]
        return dict(next(entry for entry in tickets if entry["object_id"] == object_id))
