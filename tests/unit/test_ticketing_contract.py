# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the OpenAPI document with the vendor's page "Create Ticket", and the collection's schemas with both."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ansible_collections.secops.itsm.plugins.module_utils._http.client import Response
from ansible_collections.secops.itsm.plugins.module_utils._http.oauth import (
    TOKEN_RESPONSE,
    ClientCredentials,
    parse_error,
)
from ansible_collections.secops.itsm.plugins.module_utils._rezolve import api, assumptions, response_parsing, schemas
from ansible_collections.secops.itsm.plugins.module_utils._rezolve.connection import ticketing_connection

ROOT = Path(__file__).resolve().parents[2]
SEED = json.loads((Path(__file__).parent / "data" / "ticketing_seed.json").read_text(encoding="utf-8"))
DOCUMENT = yaml.safe_load((ROOT / "docs" / "contracts" / "ticketing.openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
PREFIX = "/api/v2/ticketing"
CREATE_PATH = f"{PREFIX}/ticket/create/{{teamId}}/{{itemTypeId}}"
CREATE = DOCUMENT["paths"][CREATE_PATH]["post"]
CREATED = SEED["success"]["body"]
TICKET = CREATED["ticket"]
CREATE_BODY = SEED["example_request"]["body"]


def operations() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return the path, the method and the definition of each operation, by its id."""
    return {
        operation["operationId"]: (path, method, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    }


def resolved(value: Any) -> Any:
    """Return the target of a reference, or the value itself."""
    while isinstance(value, Mapping) and "$ref" in value:
        target = value["$ref"]
        value = DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            value = value[part]
    return value


def entries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every dict in the document, outermost first."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from entries(inner)


def errors_in(schema: Mapping[str, Any] | str, value: Any) -> list[str]:
    """Return the violations of a schema of the document, or of the one with a name, including formats."""
    schema = SCHEMAS[schema] if isinstance(schema, str) else schema
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:contract#/'))
    checker = Draft202012Validator.FORMAT_CHECKER
    found = Draft202012Validator(absolute, registry=registry, format_checker=checker).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def parameters(operation: Mapping[str, Any], place: str) -> dict[str, dict[str, Any]]:
    """Return the parameters of an operation in the header, the path or the query, by name."""
    found = [resolved(parameter) for parameter in operation["parameters"]]
    return {parameter["name"]: parameter for parameter in found if parameter["in"] == place}


def content(response: Mapping[str, Any]) -> dict[str, Any]:
    return resolved(response)["content"]["application/json"]


# --- the document ---------------------------------------------------------------------------------------------------


def test_references_and_schemas_are_valid():
    for entry in entries(DOCUMENT):
        assert isinstance(resolved(entry), dict), entry
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_each_operation_and_component_has_its_provenance():
    provenances = {
        "create-ticket": "documented",
        "update-ticket": "documented",
        "get-ticket": "documented",
        "list-tickets": "older",
        "list-ticket-types": "documented",
        "list-offers": "documented",
        "get-user-info": "older",
        "fetch-token": "assumed",
    }
    assert {
        name: operation["x-provenance"] for name, (_path, _method, operation) in operations().items()
    } == provenances
    components = DOCUMENT["components"]
    named = [entry for kind in ("schemas", "responses", "securitySchemes") for entry in components[kind].values()]
    assert all("x-provenance" in entry for entry in named)
    assert {entry.get("x-provenance", "assumed") for entry in entries(DOCUMENT)} == {"documented", "older", "assumed"}


def test_responses_without_a_page_are_assumed():
    # The pages mention the responses of an update and of a read, and describe a stale etag in a sentence only.
    update, read = (operations()[name][2]["responses"] for name in ("update-ticket", "get-ticket"))
    responses = [update["200"], update["409"], update["412"], read["200"], read["400"]]
    assumed = [*map(resolved, responses), *(SCHEMAS[f"{name}Response"] for name in ("UpdateTicket", "GetTicket"))]
    assert {entry["x-provenance"] for entry in [*assumed, SCHEMAS["ReadTicket"]]} == {"assumed"}


def test_only_the_create_operation_is_from_the_page():
    marked = [entry for entry in entries(DOCUMENT) if "x-source" in entry]
    names = ("CreateTicketRequest", "CreateTicketResponse", "Ticket", "ErrorResponse")
    assert marked == [CREATE, *(SCHEMAS[name] for name in names)]
    assert all((entry["x-source"], entry["x-provenance"]) == ("seed", "documented") for entry in marked)


# --- the create operation and the page ------------------------------------------------------------------------------


#: OpenAPI describes these headers in other parts of the document, not as parameters.
OTHER_HEADERS = {"Authorization", "accept", "content-type"}


def test_create_has_the_parameters_of_the_page():
    assert SEED["url"].removeprefix("{{base_url}}") == CREATE_PATH
    assert list(DOCUMENT["paths"][CREATE_PATH]) == [SEED["method"].lower()]
    for place, listed in (("header", "headers"), ("path", "path_parameters"), ("query", "query_parameters")):
        rows = [row for row in SEED[listed] if row["name"] not in OTHER_HEADERS]
        ours = parameters(CREATE, place)
        assert list(ours) == [row["name"] for row in rows]
        for row in rows:
            parameter = ours[row["name"]]
            schema = parameter["schema"]
            assert parameter["required"] == row["required"]
            assert "type" not in row or row["type"] == schema.get("type", "string")
            assert row["description"].startswith(parameter["description"])
            assert row.get("example") in (None, parameter.get("example", schema.get("const")))
    assert {row["name"] for row in SEED["headers"] if row["required"]} >= OTHER_HEADERS
    assert "accessToken" in {name for way in DOCUMENT["security"] for name in way}
    assert DOCUMENT["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"
    assert (list(CREATE["requestBody"]["content"]), CREATE["requestBody"]["required"]) == (["application/json"], True)


def test_create_has_the_fields_of_the_page():
    request = SCHEMAS["CreateTicketRequest"]
    fields: dict[str, Any] = {}
    for row in SEED["request_fields"]:
        *outer, name = row["field"].split(".")
        schema = request["properties"][outer[0]] if outer else request
        fields[row["field"]] = schema["properties"][name]
        types = row["type"].split(" | ")
        assert schema["properties"][name]["type"] == (types if len(types) > 1 else types[0])
        assert row["required"] == (name in schema["required"])
        assert row["description"].replace("→", "to").startswith(schema["properties"][name]["description"])
    inner = [f"ticketBody.{name}" for name in request["properties"]["ticketBody"]["properties"]]
    assert sorted([*request["properties"], *inner]) == sorted(fields)
    for row in SEED["success"]["fields"]:
        schema = SCHEMAS["CreateTicketResponse"]
        for key in row["field"].split("."):
            schema = resolved(schema)["properties"][key]
        kind, *uuid = row["type"].split(" ")
        assert (schema["type"], schema.get("format")) == (kind, "uuid" if uuid else None)
        assert row["description"].startswith(schema["description"])


def test_create_has_the_examples_of_the_page():
    success = content(CREATE["responses"]["200"])
    assert CREATE["requestBody"]["content"]["application/json"]["example"] == CREATE_BODY
    assert success["example"] == CREATED
    assert errors_in("CreateTicketRequest", CREATE_BODY) == errors_in(success["schema"], CREATED) == []
    for example in SEED["error_examples"].values():
        assert errors_in("ErrorResponse", example) == []
        assert errors_in(content(CREATE["responses"][str(example["status"])])["schema"], example) == []
    for name in ("id", "etag", "tenant_id"):
        invalid = copy.deepcopy(CREATED)
        invalid["ticket"][name] = "not a UUID"
        assert len(errors_in("CreateTicketResponse", invalid)) == 1
    for name in CREATE_BODY:
        assert errors_in("CreateTicketRequest", {key: CREATE_BODY[key] for key in CREATE_BODY if key != name}) != []


def test_ticket_has_the_properties_of_the_example():
    assert list(SCHEMAS["Ticket"]["properties"]) == SCHEMAS["Ticket"]["required"] == list(TICKET)
    assert SCHEMAS["CreateTicketResponse"]["required"] == list(CREATED)
    for name, schema in SCHEMAS["Ticket"]["properties"].items():
        # The page only shows null.
        assert schema.get("x-provenance") == ("assumed" if name == "moved_to" else None), name


def test_create_has_the_errors_of_the_page():
    assert list(CREATE["responses"]) == [str(row["status"]) for row in (SEED["success"], *SEED["errors"])]
    for row in SEED["errors"]:
        response = resolved(CREATE["responses"][str(row["status"])])
        description = response["description"]
        assert response["x-provenance"] == "documented"
        assert ("text/html" in response["content"]) == (row["code"] == "(HTML)")
        assert ("has no code" in description) == (row["code"] == "(none)")
        if row["code"].startswith("("):
            assert row["description"] in description or row["description"].startswith(description.split(" (")[0])
        else:
            assert row["code"] in description


def test_error_codes_and_permissions_are_those_of_the_page():
    codes = {row["status"]: row["code"] for row in SEED["errors"]}
    assert (codes[400], codes[401]) == (api.VALIDATION_FAILURE, api.PERMISSION_FAILURE)
    examples = SEED["error_examples"]
    assert api.problem_of(examples["Permission Failure"]).code == api.PERMISSION_FAILURE
    refused = examples["Input Validation Failure"]
    assert api.problem_of(refused).fields == refused["validationResult"]["reason"]
    assert SEED["tenant_mismatch"]["text"].lower() == api.TENANT_NOT_FOUND
    older = {"success": False, "error": {"code": "INVALID_FILTER", "message": "No such column."}}
    assert errors_in("OlderErrorResponse", older) == []
    assert (api.problem_of(older).code, api.problem_of(older).text) == ("INVALID_FILTER", "No such column.")
    assert all(word in api.REZOLVE.remedies["permission"] for word in (SEED["scope"], *SEED["roles"]))
    flows = DOCUMENT["components"]["securitySchemes"]["clientCredentials"]["flows"]["clientCredentials"]
    assert list(flows["scopes"]) == [SEED["scope"]]


# --- the requests of the collection ---------------------------------------------------------------------------------


class Recorder:
    """A client that records requests, and returns the same response to all of them."""

    def __init__(self, body: Any) -> None:
        self.sent: list[tuple[str, str, Mapping[str, str], Any]] = []
        self._body = body

    def read(self, method: str, path: str, query: Mapping[str, str], body: Any = None) -> Response:
        self.sent.append((method, path, query, body))
        return Response(200, self._body)

    def write(self, method: str, path: str, body: Any, query: Mapping[str, str]) -> Response:
        return self.read(method, path, query, body)


def test_example_of_the_page_is_the_request_of_the_collection():
    transport = ticketing_connection(
        {"url": "https://x.example", "tenant_id": TICKET["tenant_id"], "realm": "northwind", "access_token": "t"}
    ).transport
    example = SEED["example_request"]
    identity = {"x-tenantid": TICKET["tenant_id"], "realmname": "northwind", "issupportrequest": "false"}
    assert transport.headers == identity
    assert set(identity) == set(parameters(CREATE, "header")) == set(example["headers"]) & set(identity)
    assert example["headers"]["issupportrequest"] == identity["issupportrequest"]
    recorder = Recorder(CREATED)
    assert api.RezolveApi(recorder).create_ticket("james", "16910", CREATE_BODY) == TICKET  # type: ignore[arg-type]
    ((method, path, query, sent),) = recorder.sent
    address = urlsplit(example["url"].removeprefix("{{base_url}}"))
    assert (method, PREFIX + path, sent) == (SEED["method"], address.path, CREATE_BODY)
    assert {name: [value] for name, value in query.items()} == parse_qs(address.query)


CONDITION = {"id": "1", "op": "GE", "column": "createdAt", "operand": "2026-11-21T00:00:00Z"}
LIST: dict[str, Any] = {
    "search": "laptop",
    "top": 100,
    "offset": 0,
    "sort": "createdAt",
    "searchOrder": "DESC",
    "sortOrder": [],
    "filter": {"op": "AND", "operand": [CONDITION]},
}
UPDATE = {"etag": TICKET["etag"], "ticketUpdate": {"ab13e5d1-9b9d-4c3e-8fc4-e86912c8cb53": None}}
#: Each operation with a response.
CALLS: dict[str, tuple[Callable[[api.RezolveApi], Any], Any]] = {
    "create-ticket": (lambda it: it.create_ticket("james", "16910", CREATE_BODY), CREATED),
    "update-ticket": (lambda it: it.update_ticket("CTC-0054", UPDATE["etag"], UPDATE["ticketUpdate"]), CREATED),
    "get-ticket": (lambda it: it.ticket("CTC-0054"), {"ticket": TICKET}),
    "list-tickets": (lambda it: it.tickets_page(LIST), {"data": {"tickets": [{"objectId": "CTC-0054"}]}}),
    "list-ticket-types": (lambda it: it.ticket_types(50, 0), {"data": {"value": [{"id": "16910", "fields": []}]}}),
    "list-offers": (lambda it: it.offers(), {"data": {"offers": [{"id": "23629", "item_type": "16910"}]}}),
    "get-user-info": (lambda it: it.user_info(), {"data": {"teams": []}}),
}


@pytest.mark.parametrize("name", sorted(set(operations()) - {"fetch-token"}))
def test_request_and_response_match_the_document(name):
    path, method, operation = operations()[name]
    call, body = CALLS[name]
    recorder = Recorder(body)
    call(api.RezolveApi(recorder))  # type: ignore[arg-type]
    ((sent_method, sent_path, query, sent),) = recorder.sent
    template = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
    assert re.fullmatch(template, PREFIX + sent_path)
    assert sent_method.lower() == method
    known = parameters(operation, "query")
    assert {key for key, parameter in known.items() if parameter["required"]} <= set(query) <= set(known)
    for key, text in query.items():
        value = int(text) if known[key]["schema"].get("type") == "integer" else text
        assert errors_in(known[key]["schema"], value) == []
    assert ("requestBody" in operation) == (sent is not None)
    if sent is not None:
        assert errors_in(operation["requestBody"]["content"]["application/json"]["schema"], sent) == []
    assert errors_in(content(operation["responses"]["200"])["schema"], body) == []


# --- the schemas of the collection ----------------------------------------------------------------------------------


#: Keywords that the collection's schemas omit, or add to be stricter.
IGNORED_KEYWORDS = {"description", "example", "format", "minLength", "additionalProperties", "x-provenance", "x-source"}


def normalized(schema: Any) -> Any:
    """Return a schema without its references and the ignored keywords."""
    if isinstance(schema, list):
        return [normalized(part) for part in schema]
    schema = resolved(schema)
    if not isinstance(schema, Mapping):
        return schema
    kept = {key: value for key, value in schema.items() if key not in IGNORED_KEYWORDS}
    return {
        key: {name: normalized(part) for name, part in value.items()} if key == "properties" else normalized(value)
        for key, value in kept.items()
    }


@pytest.mark.parametrize(
    "ours, theirs, bodies",
    [
        (schemas.CREATE_REQUEST, "CreateTicketRequest", [CREATE_BODY]),
        (schemas.UPDATE_REQUEST, "UpdateTicketRequest", [UPDATE]),
        (schemas.LIST_REQUEST, "ListTicketsRequest", [LIST, {"top": 1, "offset": 0}]),
    ],
    ids=["create", "update", "list"],
)
def test_schema_of_a_request_equals_the_document(ours, theirs, bodies):
    assert normalized(ours) == normalized(SCHEMAS[theirs])
    for body in bodies:
        assert errors_in(theirs, body) == []
        assert Draft202012Validator(ours).is_valid(body)
        assert not Draft202012Validator(ours).is_valid({**body, "nonsense": 1})


@pytest.mark.parametrize(
    "ours, body",
    [
        (schemas.CREATE_REQUEST, {**CREATE_BODY, "summary": ""}),
        (schemas.CREATE_REQUEST, {**CREATE_BODY, "ticketBody": {"offerId": ""}}),
        (schemas.UPDATE_REQUEST, {**UPDATE, "etag": ""}),
        (schemas.LIST_REQUEST, {**LIST, "filter": {**LIST["filter"], "nonsense": 1}}),
        (schemas.LIST_REQUEST, {**LIST, "filter": {"op": "AND", "operand": [{**CONDITION, "nonsense": 1}]}}),
    ],
)
def test_schema_of_a_request_is_stricter_than_the_document(ours, body):
    assert not Draft202012Validator(ours).is_valid(body)


def narrower(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """Return where a schema of the collection requires more than the document promises."""
    ours, theirs = resolved(ours), resolved(theirs)
    found = [f"{place}: type"] if not types_of(theirs) <= types_of(ours) else []
    found += [f"{place}.{name}: required" for name in ours.get("required", []) if name not in theirs["required"]]
    for name, schema in ours.get("properties", {}).items():
        found += narrower(schema, theirs["properties"][name], f"{place}.{name}")
    return found + (narrower(ours["items"], theirs["items"], f"{place}[]") if "items" in ours else [])


def types_of(schema: Mapping[str, Any]) -> set[str]:
    return {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])


@pytest.mark.parametrize(
    "ours, theirs",
    [(schemas.TICKET_RECORD, "Ticket"), (schemas.TICKET_TYPE, "TicketType"), (schemas.OFFER, "Offer")],
    ids=["ticket", "ticket type", "offer"],
)
def test_schema_of_a_response_requires_no_more_than_the_document(ours, theirs):
    assert narrower(ours, SCHEMAS[theirs]) == []


def test_assumed_names_are_those_of_the_document():
    types = parameters(CREATE, "query")["type"]["schema"]["enum"]
    assert list(schemas.CATALOG_TYPES) == types == SEED["query_parameters"][0]["accepted"]
    assert SCHEMAS["ListTicketsRequest"]["properties"]["top"]["maximum"] == schemas.MAX_PAGE_SIZE
    key = DOCUMENT["components"]["securitySchemes"]["apiKey"]
    assert (key["in"], key["name"], key["x-provenance"]) == ("header", assumptions.API_KEY_HEADER, "assumed")
    assert list(SCHEMAS["ListedTicket"]["properties"]) == list(assumptions.ROW_ID_KEYS)
    assert sorted(SCHEMAS["ReadTicket"]["required"]) == sorted(schemas.TICKET_RECORD["required"])


def test_ticket_of_the_page_is_valid_and_parsed():
    is_valid = Draft202012Validator(schemas.TICKET_RECORD).is_valid
    assert is_valid(TICKET)
    assert errors_in("ReadTicket", TICKET) == []
    assert not any(is_valid({**TICKET, name: 7}) for name in schemas.TICKET_RECORD["required"])
    location = {"team_id": "james", "item_type_id": "16910", "offer_id": "23629"}
    assert response_parsing.location_of(TICKET) == location
    assert (response_parsing.is_done(TICKET), response_parsing.is_deleted(TICKET)) == (False, False)
    assert TICKET["deleted_seq"] == assumptions.NOT_DELETED


@pytest.mark.parametrize(
    "name, paths, value",
    [
        ("GetTicketResponse", assumptions.TICKET_PATHS, TICKET),
        ("ListTicketsResponse", assumptions.ROWS_PATHS, [{"object_id": "CTC-0054"}, {"objectId": "CTC-0055"}]),
        ("TicketTypesResponse", assumptions.TICKET_TYPES_PATHS, [{"id": "16910", "fields": []}]),
        ("OffersResponse", assumptions.OFFERS_PATHS, [{"id": "23629", "item_type": "16910"}]),
    ],
)
def test_assumed_paths_are_in_the_document(name, paths, value):
    for path in paths:
        body = value
        for key in reversed(path):
            body = {key: body}
        assert errors_in(name, body) == []
    for body in ({}, {"other": {}}, {"data": {"other": []}}, "text", None):
        assert errors_in(name, body) != []


# --- the token endpoint ---------------------------------------------------------------------------------------------


def test_token_request_and_responses_match_the_document():
    transport = ticketing_connection(
        {"url": "https://x.example", "tenant_id": TICKET["tenant_id"], "realm": "r", "access_token": "t"}
    ).transport
    for scope in (None, SEED["scope"]):
        form = ClientCredentials(transport, "/token", "id", "s3cr3t", scope).form
        assert errors_in("TokenRequest", form) == []
        assert set(form) == set(SCHEMAS["TokenRequest"]["properties"]) - (set() if scope else {"scope"})
    issued = {"access_token": "t0k3n", "token_type": "Bearer", "expires_in": 300}
    assert errors_in("TokenResponse", issued) == []
    assert Draft202012Validator(TOKEN_RESPONSE).is_valid(issued)
    refused = {"error": "invalid_client", "error_description": "No such client."}
    assert errors_in("TokenError", refused) == []
    assert (parse_error(refused).code, parse_error(refused).text) == ("invalid_client", "No such client.")
