# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of the sandbox's ServiceNow Table API, for tests."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any, Mapping
from urllib.parse import urlencode, urlsplit

from ansible_collections.secops.itsm.tests.sandbox.operations import FORM, JSON
from ansible_collections.secops.itsm.tests.sandbox.process import SandboxProcess

PREFIX = "/api/now/v2/table"


@dataclass(frozen=True)
class ClientResponse:
    """A response.

    :param body: the JSON value, or the text of any other content.
    """

    status: int
    body: Any
    headers: Message

    @property
    def result(self) -> Any:
        """Return the result of a success."""
        if self.status not in (200, 201):
            raise AssertionError(f"{self.status}: {self.body}")
        return self.body["result"]

    @property
    def refusal(self) -> tuple[int, str]:
        """Return the status and the detail of an error, or its message if it has none."""
        return self.status, self.body["error"]["detail"] or self.body["error"]["message"]


class ServiceNowClient:
    """A client of the Table API.

    :param headers: headers that replace the user name and password of the first account in the seed.
    """

    def __init__(self, sandbox: SandboxProcess, headers: Mapping[str, str] | None = None) -> None:
        self.sandbox = sandbox
        known = sandbox.servicenow
        self.headers = basic(known["username"], known["password"]) if headers is None else headers

    def list(self, table: str = "incident", query: str = "", **parameters: Any) -> ClientResponse:
        """List records. ``parameters`` are those of the request without ``sysparm_``."""
        return self._request("GET", f"/{table}", {"query": query, **parameters})

    def get(self, sys_id: str, table: str = "incident", **parameters: Any) -> ClientResponse:
        """Read a record."""
        return self._request("GET", f"/{table}/{sys_id}", parameters)

    def create(self, values: Mapping[str, Any], table: str = "incident", **parameters: Any) -> ClientResponse:
        """Create a record."""
        return self._request("POST", f"/{table}", parameters, values)

    def update(
        self, sys_id: str, values: Mapping[str, Any], table: str = "incident", **parameters: Any
    ) -> ClientResponse:
        """Change a record."""
        return self._request("PATCH", f"/{table}/{sys_id}", parameters, values)

    def fetch_token(self, **fields: str) -> ClientResponse:
        """Fetch a token with the credentials of the first account. ``fields`` replace those of the form."""
        known = self.sandbox.servicenow
        names = ("client_id", "client_secret")
        form = {"grant_type": "client_credentials", **{name: known[name] for name in names}, **fields}
        return self._send("POST", "/oauth_token.do", urlencode(form).encode(), {"Content-Type": FORM})

    def _request(self, method: str, path: str, parameters: Mapping[str, Any], body: Any = None) -> ClientResponse:
        sent = urlencode({f"sysparm_{name}": value for name, value in parameters.items() if value != ""})
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": JSON, **({} if body is None else {"Content-Type": JSON}), **self.headers}
        return self._send(method, f"{PREFIX}{path}{'?' if sent else ''}{sent}", content, headers)

    def _send(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> ClientResponse:
        connection = http.client.HTTPConnection(urlsplit(self.sandbox.url).netloc, timeout=10)
        try:
            connection.request(method, path, content, dict(headers))
            response = connection.getresponse()
            text = response.read().decode()
            try:
                body = json.loads(text)
            except ValueError:
                body = text
            return ClientResponse(response.status, body, response.headers)
        finally:
            connection.close()


def basic(user_name: str, password: str) -> dict[str, str]:
    """Return the header with a user name and password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{user_name}:{password}'.encode()).decode('ascii')}"}
