# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the requests and the schemas of the collection with the OpenAPI document of the Table API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ansible_collections.secops.itsm.plugins.module_utils._http.client import Client
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import TOKEN_RESPONSE
from ansible_collections.secops.itsm.plugins.module_utils._http.schema_validation import first_violation
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import api, assumptions, connection, schemas
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.api import SERVICENOW, ServiceNowApi
from ansible_collections.secops.itsm.plugins.module_utils._servicenow.connection import servicenow_connection
from ansible_collections.secops.itsm.tests.unit.loopback import LoopbackServer, Reply

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "contracts" / "servicenow.openapi.yaml").read_text(encoding="utf-8"))
COMPONENTS = DOCUMENT["components"]
SYS_ID = "3f7b2c4d5e6f708192a3b4c5d6e7f809"
CREDENTIALS = {"client_id": "5f0c", "client_secret": "s3cr3t"}

#: A record with every form of a value that the collection may be shown.
RECORD = {
    "sys_id": {"display_value": SYS_ID, "value": SYS_ID},
    "state": {"display_value": "Resolved", "value": "6"},
    "company": {"display_value": "Fabrikam", "link": "https://x.example/1", "value": "1"},
    "category": "",
}

#: The operation of each request, and how to send it.
CALLS: Mapping[str, tuple[str, Callable[[ServiceNowApi], Any]]] = {
    "page": ("list-records", lambda client: client.page("incident", "number=1^ORDERBYsys_id", 10, 0, ("state",))),
    "record": ("get-record", lambda client: client.record("incident", SYS_ID)),
    "create": ("create-record", lambda client: client.create("incident", {"state": "1"})),
    "update": ("update-record", lambda client: client.update("incident", SYS_ID, {"state": ""})),
    "journal": ("list-records", lambda client: client.journal("incident", SYS_ID, 10)),
    "choices": ("list-records", lambda client: client.choices(["incident"], ["state"], 10)),
    "dictionary": ("list-records", lambda client: client.dictionary(["incident"], ["state"], 10)),
    "display columns": ("list-records", lambda client: client.display_columns("sys_user", 10)),
}
LISTS = ("page", "journal", "choices", "dictionary", "display columns")


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return the method, the path and the definition of each operation by its id."""
    return {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    }


def resolved(value: Any) -> Any:
    """Return the target of a reference, or the value itself."""
    while isinstance(value, Mapping) and "$ref" in value:
        target, value = value["$ref"], DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            value = value[part]
    return value


def is_valid(name: str, value: Any) -> bool:
    """Return whether a value complies with a schema of the document."""
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    schema = {"$ref": f"urn:contract#/components/schemas/{name}"}
    return Draft202012Validator(schema, registry=registry).is_valid(value)


def sent(name: str, server: LoopbackServer) -> Any:
    """Send a request, and return what arrived."""
    server.script, server.seen = [Reply(body={"result": [RECORD] if name in LISTS else RECORD})], []
    built = servicenow_connection({"url": server.url, "access_token": "t0k3n"})
    CALLS[name][1](ServiceNowApi(Client(built.transport, built.auth, SERVICENOW, sessions=built.sessions)))
    (request,) = server.seen
    return request


@pytest.mark.parametrize("name", CALLS)
def test_request_is_in_the_contract(serve, name):
    request = sent(name, serve())
    method, path, operation = operations()[CALLS[name][0]]
    parts = urlsplit(request.target)
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
    assert (request.method, bool(re.fullmatch(pattern, parts.path))) == (method, True)
    known = {
        entry["name"]: entry["schema"] for entry in map(resolved, operation["parameters"]) if entry["in"] == "query"
    }
    for parameter, text in parse_qsl(parts.query):
        schema = known[parameter]
        value: Any = text if schema.get("type") in (None, "string") else json.loads(text)
        assert Draft202012Validator(schema).is_valid(value), parameter
    if request.body:
        assert is_valid("RecordChanges", json.loads(request.body))


@pytest.mark.parametrize("name", CALLS)
def test_response_of_the_contract_is_accepted(name):
    is_list = name in LISTS
    body = {"result": [RECORD] if is_list else RECORD}
    assert is_valid("ListResponse" if is_list else "RecordResponse", body)
    assert first_violation(schemas.MANY if is_list else schemas.ONE, body) is None


@pytest.mark.parametrize("body", [{}, {"result": None}, {"result": "x"}])
def test_response_that_violates_the_contract_is_refused(body):
    for name, schema in (("ListResponse", schemas.MANY), ("RecordResponse", schemas.ONE)):
        assert not is_valid(name, body)
        assert first_violation(schema, body)


def test_token_request_and_response_are_in_the_contract(serve):
    server = serve(
        Reply(body={"access_token": "t0k3n", "token_type": "Bearer", "expires_in": 1799}),
        Reply(body={"result": RECORD}),
    )
    built = servicenow_connection({"url": server.url, **CREDENTIALS})
    ServiceNowApi(Client(built.transport, built.auth, SERVICENOW, sessions=built.sessions)).record("incident", SYS_ID)
    method, path, _operation = operations()["fetch-oauth-token"]
    assert (server.seen[0].method, server.seen[0].target) == (method, path)
    assert is_valid("TokenRequest", dict(parse_qsl(server.seen[0].body.decode())))
    example = {"access_token": "t0k3n", "token_type": "Bearer", "expires_in": 1799, "scope": "useraccount"}
    assert is_valid("TokenResponse", example)
    assert first_violation(TOKEN_RESPONSE, example) is None


@pytest.mark.parametrize("name", ["X-Total-Count", "Link", "Retry-After", "X-RateLimit-Reset", api.MFA_HEADER])
def test_header_that_the_collection_reads_is_documented(name):
    assert COMPONENTS["headers"][name]["x-provenance"] == "documented"


def test_header_with_the_request_id_is_assumed():
    assert COMPONENTS["headers"][assumptions.REQUEST_ID_HEADER]["x-provenance"] == "assumed"


def test_authentication_methods_are_in_the_contract():
    known = COMPONENTS["securitySchemes"]
    assert list(known) == ["basic", "clientCredentials", "accessToken", "apiKey"]
    assert known["apiKey"]["name"] == connection.API_KEY_HEADER
    assert len(connection.SERVICENOW_CREDENTIALS) == len(known)
