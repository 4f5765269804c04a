# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OpenAPI document against the vendor's page "Create Ticket", and the collection's schemas against both."""

from __future__ import annotations

import copy
import json
import math
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
RESPONSES = DOCUMENT["components"]["responses"]
PREFIX = "/api/v2/ticketing"
CREATE_PATH = f"{PREFIX}/ticket/create/{{teamId}}/{{itemTypeId}}"
CREATE = DOCUMENT["paths"][CREATE_PATH]["post"]
TICKET = SEED["success"]["body"]["ticket"]
PROVENANCES = {"documented", "older", "assumed"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolved(value: Any) -> Any:
    """What a reference of the document leads to; anything else as it is."""
    while isinstance(value, Mapping) and "$ref" in value:
        target = value["$ref"]
        value = DOCUMENT
        for part in target.removeprefix("#/").split("/"):
            value = value[part]
    return value


def entries(value: Any) -> Iterator[dict[str, Any]]:
    """Every dict in the document, from the outside in."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from entries(inner)


def errors_in(schema: Mapping[str, Any], value: Any) -> list[str]:
    """How a value departs from a schema of the document, formats included."""
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:contract#/'))
    checker = Draft202012Validator.FORMAT_CHECKER
    found = Draft202012Validator(absolute, registry=registry, format_checker=checker).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in found]


def named(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def parameters(operation: Mapping[str, Any], place: str) -> dict[str, dict[str, Any]]:
    """An operation's parameters of one place, by name."""
    found = [resolved(parameter) for parameter in operation["parameters"]]
    return {parameter["name"]: parameter for parameter in found if parameter["in"] == place}


def content(response: Mapping[str, Any]) -> dict[str, Any]:
    return resolved(response)["content"]["application/json"]


# --- the document itself --------------------------------------------------------------------------------------------


def test_every_reference_leads_somewhere():
    for entry in entries(DOCUMENT):
        if "$ref" in entry:
            assert isinstance(resolved(entry), dict), entry


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_one(name):
    Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_operation_schema_response_and_way_to_authenticate_has_its_provenance():
    for path, method, operation in operations():
        assert operation["x-provenance"] in PROVENANCES, f"{method} {path}"
    for kind in ("schemas", "responses", "securitySchemes"):
        for name, entry in DOCUMENT["components"][kind].items():
            assert entry["x-provenance"] in PROVENANCES, f"{kind} {name}"
    for entry in entries(DOCUMENT):
        assert entry.get("x-provenance", "assumed") in PROVENANCES


@pytest.mark.parametrize(
    "operation, provenance",
    [
        ("create-ticket", "documented"),
        ("update-ticket", "documented"),
        ("get-ticket", "documented"),
        ("list-tickets", "older"),
        ("list-ticket-types", "documented"),
        ("list-offers", "documented"),
        ("get-user-info", "older"),
        ("fetch-token", "assumed"),
    ],
)
def test_provenance_of_an_operation(operation, provenance):
    assert [entry["x-provenance"] for _path, _method, entry in operations() if entry["operationId"] == operation] == [
        provenance
    ]


def test_there_is_no_other_operation():
    assert len(list(operations())) == 8


def test_answers_that_no_page_shows_are_assumed():
    """The answers to an update and to a read are documented by reference only, a stale etag by a sentence."""
    update = DOCUMENT["paths"][f"{PREFIX}/ticket/{{objectId}}/update"]["patch"]["responses"]
    read = DOCUMENT["paths"][f"{PREFIX}/ticket/{{objectId}}"]["get"]["responses"]
    for answer in (update["200"], update["409"], update["412"], read["200"], read["400"]):
        assert resolved(answer)["x-provenance"] == "assumed"
    assert {SCHEMAS[name]["x-provenance"] for name in ("UpdateTicketAnswer", "GetTicketAnswer", "ReadTicket")} == {
        "assumed"
    }


def test_what_is_from_the_seed_is_the_create_operation_and_its_schemas_only():
    marked = [entry for entry in entries(DOCUMENT) if "x-source" in entry]
    assert all((entry["x-source"], entry["x-provenance"]) == ("seed", "documented") for entry in marked)
    assert [operation["operationId"] for _path, _method, operation in operations() if "x-source" in operation] == [
        "create-ticket"
    ]
    schemas_marked = {name for name, schema in SCHEMAS.items() if "x-source" in schema}
    assert schemas_marked == {"CreateTicketRequest", "CreateTicketAnswer", "Ticket", "ErrorAnswer"}
    assert len(marked) == 1 + len(schemas_marked)


# --- the create operation equals the seed ---------------------------------------------------------------------------


def test_create_has_the_seeds_method_and_address():
    assert SEED["url"].removeprefix("{{base_url}}") == CREATE_PATH
    assert list(DOCUMENT["paths"][CREATE_PATH]) == [SEED["method"].lower()]


#: OpenAPI says of these headers that they are no parameters: other parts of the document carry them.
CARRIED_ELSEWHERE = ("Authorization", "accept", "content-type")


@pytest.mark.parametrize(
    "place, listed", [("header", "headers"), ("path", "path_parameters"), ("query", "query_parameters")]
)
def test_create_has_the_seeds_parameters(place, listed):
    ours = parameters(CREATE, place)
    theirs = {row["name"]: row for row in SEED[listed] if row["name"] not in CARRIED_ELSEWHERE}
    assert list(ours) == list(theirs)
    for name, row in theirs.items():
        assert ours[name]["required"] == row["required"]
        assert row["description"].startswith(ours[name]["description"])
        assert ours[name]["schema"].get("type", "string") == row.get("type", ours[name]["schema"].get("type"))
        if "example" in row:
            assert ours[name].get("example", ours[name]["schema"].get("const")) == row["example"]


def test_create_carries_the_other_headers_of_the_seed():
    assert {row["name"] for row in SEED["headers"] if row["required"]} >= set(CARRIED_ELSEWHERE)
    assert "accessToken" in {name for way in DOCUMENT["security"] for name in way}
    assert DOCUMENT["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"
    assert list(CREATE["requestBody"]["content"]) == ["application/json"]
    assert CREATE["requestBody"]["required"] is True


@pytest.mark.parametrize("row", SEED["request_fields"], ids=lambda row: row["field"])
def test_create_has_the_seeds_field(row):
    schema = SCHEMAS["CreateTicketRequest"]
    *outer, name = row["field"].split(".")
    for key in outer:
        schema = schema["properties"][key]
    types = row["type"].split(" | ")
    assert schema["properties"][name]["type"] == (types if len(types) > 1 else types[0])
    assert row["required"] == (name in schema["required"])
    words = row["description"].replace("→", "to")
    assert words.startswith(schema["properties"][name]["description"])


def test_create_has_no_field_but_the_seeds():
    schema = SCHEMAS["CreateTicketRequest"]
    fields = [row["field"] for row in SEED["request_fields"]]
    inner = [f"ticketBody.{name}" for name in schema["properties"]["ticketBody"]["properties"]]
    assert sorted([*schema["properties"], *inner]) == sorted(fields)
    assert schema["required"] == [name for name in fields if "." not in name]


def test_examples_are_the_seeds():
    assert CREATE["requestBody"]["content"]["application/json"]["example"] == SEED["example_request"]["body"]
    assert content(CREATE["responses"]["200"])["example"] == SEED["success"]["body"]


def test_examples_fit_the_schemas():
    assert errors_in(named("CreateTicketRequest"), SEED["example_request"]["body"]) == []
    assert errors_in(content(CREATE["responses"]["200"])["schema"], SEED["success"]["body"]) == []
    for example in SEED["error_examples"].values():
        assert errors_in(named("ErrorAnswer"), example) == []
        assert errors_in(content(CREATE["responses"][str(example["status"])])["schema"], example) == []


def test_the_ticket_has_no_property_but_the_examples():
    assert list(SCHEMAS["Ticket"]["properties"]) == list(TICKET)
    assert SCHEMAS["Ticket"]["required"] == list(TICKET)
    assert SCHEMAS["CreateTicketAnswer"]["required"] == list(SEED["success"]["body"])
    for name, schema in SCHEMAS["Ticket"]["properties"].items():
        # The page shows null only, so that it may hold anything else is a guess.
        assert schema.get("x-provenance") == ("assumed" if name == "moved_to" else None), name


@pytest.mark.parametrize("row", SEED["success"]["fields"], ids=lambda row: row["field"])
def test_the_answer_has_the_seeds_field(row):
    schema: Any = SCHEMAS["CreateTicketAnswer"]
    for key in row["field"].split("."):
        schema = resolved(schema)["properties"][key]
    kind, *uuid = row["type"].split(" ")
    assert (schema["type"], schema.get("format")) == (kind, "uuid" if uuid else None)
    assert row["description"].startswith(schema["description"])


@pytest.mark.parametrize("place", ["id", "etag", "tenant_id"])
def test_the_schema_of_the_ticket_does_not_take_everything(place):
    wrong = copy.deepcopy(SEED["success"]["body"])
    wrong["ticket"][place] = "no uuid"
    assert len(errors_in(named("CreateTicketAnswer"), wrong)) == 1


@pytest.mark.parametrize("field", [row["field"] for row in SEED["request_fields"] if "." not in row["field"]])
def test_leaving_out_a_key_is_no_request(field):
    body = {name: value for name, value in SEED["example_request"]["body"].items() if name != field}
    assert errors_in(named("CreateTicketRequest"), body) != []
    assert not Draft202012Validator(schemas.CREATE_REQUEST).is_valid(body)


def test_create_has_the_seeds_statuses():
    wanted = [SEED["success"]["status"], *(row["status"] for row in SEED["errors"])]
    assert list(CREATE["responses"]) == [str(status) for status in wanted]


@pytest.mark.parametrize("row", SEED["errors"], ids=lambda row: str(row["status"]))
def test_create_has_the_seeds_error(row):
    response = resolved(CREATE["responses"][str(row["status"])])
    assert response["x-provenance"] == "documented"
    assert ("text/html" in response["content"]) == (row["code"] == "(HTML)")
    if not row["code"].startswith("("):
        assert row["code"] in response["description"]
    else:
        assert row["description"] in response["description"] or row["description"].startswith(
            response["description"].split(" (", maxsplit=1)[0]
        )
        assert ("has no code" in response["description"]) == (row["code"] == "(none)")


def test_the_example_of_the_page_is_our_request():
    """What the collection would send for the page's example, headers and all."""
    transport = ticketing_connection(
        {"url": "https://x.example", "tenant_id": TICKET["tenant_id"], "realm": "northwind", "access_token": "t"}
    ).transport
    example = SEED["example_request"]
    identity = {"x-tenantid": TICKET["tenant_id"], "realmname": "northwind", "issupportrequest": "false"}
    assert transport.headers == identity
    assert set(identity) == set(parameters(CREATE, "header")) == set(example["headers"]) & set(identity)
    assert example["headers"]["issupportrequest"] == identity["issupportrequest"]
    recorder = Recorder(SEED["success"]["body"])
    body = example["body"]
    assert api.RezolveApi(recorder).create_ticket("james", "16910", body) == TICKET  # type: ignore[arg-type]  # a stand-in
    ((method, path, query, sent),) = recorder.sent
    there = urlsplit(example["url"].removeprefix("{{base_url}}"))
    assert (method, PREFIX + path, sent) == (SEED["method"], there.path, body)
    assert {name: [value] for name, value in query.items()} == parse_qs(there.query)


def test_our_codes_are_the_seeds():
    codes = {row["status"]: row["code"] for row in SEED["errors"]}
    assert (codes[400], codes[401]) == (api.VALIDATION_FAILURE, api.PERMISSION_FAILURE)
    examples = SEED["error_examples"]
    assert api.problem_of(examples["Permission Failure"]).code == api.PERMISSION_FAILURE
    refused = api.problem_of(examples["Input Validation Failure"])
    assert refused.fields == examples["Input Validation Failure"]["validationResult"]["reason"]
    mismatch = SEED["tenant_mismatch"]
    assert mismatch["text"].lower() == api.TENANT_NOT_FOUND
    older = {"success": False, "error": {"code": "INVALID_FILTER", "message": "No such column."}}
    assert errors_in(named("OlderErrorAnswer"), older) == []
    assert (api.problem_of(older).code, api.problem_of(older).text) == ("INVALID_FILTER", "No such column.")


def test_what_the_account_needs_is_the_seeds():
    for word in (SEED["scope"], *SEED["roles"]):
        assert word in api.REZOLVE.remedies["permission"]
    flows = DOCUMENT["components"]["securitySchemes"]["clientCredentials"]["flows"]["clientCredentials"]
    assert list(flows["scopes"]) == [SEED["scope"]]


# --- the collection's requests are the document's -------------------------------------------------------------------


class Recorder:
    """In place of a client: remembers requests, and gives one answer to all."""

    def __init__(self, body: Any) -> None:
        self.sent: list[tuple[str, str, Mapping[str, str], Any]] = []
        self.request_ids: list[str] = []
        self._body = body

    def read(self, method: str, path: str, query: Mapping[str, str], body: Any = None) -> Response:
        self.sent.append((method, path, query, body))
        return Response(200, self._body)

    def write(self, method: str, path: str, body: Any, query: Mapping[str, str]) -> Response:
        return self.read(method, path, query, body)


FILTER = {"op": "AND", "operand": [{"id": "1", "op": "GE", "column": "createdAt", "operand": "2026-11-21T00:00:00Z"}]}
LIST = {
    "search": "laptop",
    "top": 100,
    "offset": 0,
    "sort": "createdAt",
    "searchOrder": "DESC",
    "sortOrder": [],
    "filter": FILTER,
}
CALLS: dict[str, tuple[Callable[[api.RezolveApi], Any], Any]] = {
    "create-ticket": (
        lambda it: it.create_ticket("james", "16910", SEED["example_request"]["body"]),
        SEED["success"]["body"],
    ),
    "update-ticket": (
        lambda it: it.update_ticket("CTC-0054", TICKET["etag"], {"ab13e5d1-9b9d-4c3e-8fc4-e86912c8cb53": None}),
        SEED["success"]["body"],
    ),
    "get-ticket": (lambda it: it.ticket("CTC-0054"), {"ticket": TICKET}),
    "list-tickets": (lambda it: it.tickets_page(LIST), {"data": {"tickets": [{"objectId": "CTC-0054"}]}}),
    "list-ticket-types": (lambda it: it.ticket_types(50, 0), {"data": {"value": [{"id": "16910", "fields": []}]}}),
    "list-offers": (lambda it: it.offers(), {"data": {"offers": [{"id": "23629", "item_type": "16910"}]}}),
    "get-user-info": (lambda it: it.user_info(), {"data": {"teams": []}}),
}


@pytest.mark.parametrize("name", CALLS)
def test_our_request_is_the_documents(name):
    path, method, operation = next(entry for entry in operations() if entry[2]["operationId"] == name)
    call, answer = CALLS[name]
    recorder = Recorder(answer)
    call(api.RezolveApi(recorder))  # type: ignore[arg-type]  # a stand-in
    ((sent_method, sent_path, query, body),) = recorder.sent
    template = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
    assert re.fullmatch(template, PREFIX + sent_path)
    assert sent_method.lower() == method
    known = parameters(operation, "query")
    assert {key for key, parameter in known.items() if parameter["required"]} <= set(query) <= set(known)
    for key, text in query.items():
        value = int(text) if known[key]["schema"].get("type") == "integer" else text
        assert errors_in(known[key]["schema"], value) == []
    assert ("requestBody" in operation) == (body is not None)
    if body is not None:
        assert errors_in(operation["requestBody"]["content"]["application/json"]["schema"], body) == []
    assert errors_in(content(operation["responses"]["200"])["schema"], answer) == []


def test_every_operation_of_the_document_is_called():
    names = {operation["operationId"] for _path, _method, operation in operations()}
    assert names == {*CALLS, "fetch-token"}


# --- the collection's schemas against the document's ----------------------------------------------------------------


def widenings(narrow: Any, wide: Any, place: str = "") -> list[str]:
    """Where a schema allows more than another: types, words, keys and bounds, as far as ours use them."""
    wide, narrow = resolved(wide), resolved(narrow)
    found = [f"{place}: {rule}" for rule in rules_widened(narrow, wide)]
    ours, theirs = narrow.get("properties", {}), wide.get("properties", {})
    is_closed = narrow.get("additionalProperties") is False
    for name in ours:
        if name in theirs:
            found += widenings(ours[name], theirs[name], f"{place}.{name}")
        elif is_closed:
            found.append(f"{place}.{name}: unknown")
    if not is_closed:
        found += [f"{place}.{name}: not looked at" for name in theirs if name not in ours and resolved(theirs[name])]
    if "items" in wide:
        found += widenings(narrow.get("items", {}), wide["items"], f"{place}[]")
    return found


def rules_widened(narrow: Mapping[str, Any], wide: Mapping[str, Any]) -> Iterator[str]:
    """The rules of one schema alone that allow more than another's."""
    words = narrow.get("enum", [])
    allowed = wide.get("enum", [wide["const"]] if "const" in wide else None)
    if allowed is not None and not (words and all(word in allowed for word in words)):
        yield "words"
    if "type" in wide and not words and not listed(narrow.get("type", "anything")) <= listed(wide["type"]):
        yield "type"
    if not set(wide.get("required", [])) <= set(narrow.get("required", [])):
        yield "required"
    if narrow.get("maximum", math.inf) > wide.get("maximum", math.inf):
        yield "maximum"
    for bound in ("minimum", "minProperties"):
        if narrow.get(bound, -math.inf) < wide.get(bound, -math.inf):
            yield bound


def listed(types: str | list[str]) -> set[str]:
    return {types} if isinstance(types, str) else set(types)


REQUESTS = {
    "CREATE_REQUEST": "CreateTicketRequest",
    "UPDATE_REQUEST": "UpdateTicketRequest",
    "LIST_REQUEST": "ListTicketsRequest",
}


@pytest.mark.parametrize("ours", REQUESTS)
def test_our_requests_are_no_wider_than_the_documents(ours):
    assert widenings(getattr(schemas, ours), named(REQUESTS[ours])) == []


@pytest.mark.parametrize(
    "ours, place, value",
    [
        ("CREATE_REQUEST", ("properties", "ticketRelation", "type"), ["object", "null", "string"]),
        ("CREATE_REQUEST", ("properties", "summary"), {}),
        ("CREATE_REQUEST", ("required",), ["source", "summary", "ticketBody", "attachments"]),
        ("CREATE_REQUEST", ("properties", "ticketBody", "required"), []),
        ("CREATE_REQUEST", ("properties", "urgency"), {"type": "string"}),
        ("UPDATE_REQUEST", ("properties", "ticketUpdate", "minProperties"), 0),
        ("LIST_REQUEST", ("properties", "top", "maximum"), 101),
        ("LIST_REQUEST", ("properties", "offset", "minimum"), -1),
        ("LIST_REQUEST", ("properties", "searchOrder", "enum"), ["ASC", "asc"]),
        (
            "LIST_REQUEST",
            ("properties", "filter", "properties", "operand", "items", "properties", "op"),
            {"enum": ["NOT"]},
        ),
        ("LIST_REQUEST", ("additionalProperties",), True),
    ],
)
def test_a_wider_request_would_be_noticed(ours, place, value):
    schema: Any = json.loads(json.dumps(getattr(schemas, ours)))
    if place == ("additionalProperties",):
        del schema["properties"]["filter"]
    inner = schema
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert widenings(schema, named(REQUESTS[ours])) != []


@pytest.mark.parametrize(
    "ours, bodies",
    [
        ("CREATE_REQUEST", [SEED["example_request"]["body"]]),
        ("UPDATE_REQUEST", [{"etag": TICKET["etag"], "ticketUpdate": {"a": None}}]),
        ("LIST_REQUEST", [LIST, {"top": 1, "offset": 0}]),
    ],
)
def test_our_requests_are_taken_by_both(ours, bodies):
    schema = getattr(schemas, ours)
    assert set(schema["properties"]) == {key for body in bodies for key in body}
    for body in bodies:
        assert errors_in(named(REQUESTS[ours]), body) == []
        assert Draft202012Validator(schema).is_valid(body)
        assert not Draft202012Validator(schema).is_valid({**body, "nonsense": 1})
        for key in schema["required"]:
            assert not Draft202012Validator(schema).is_valid({one: body[one] for one in body if one != key})


def test_words_and_bounds_are_the_documents():
    filters = SCHEMAS["Filter"]["properties"]
    rules = filters["operand"]["items"]["properties"]
    types = parameters(CREATE, "query")["type"]["schema"]["enum"]
    assert list(schemas.CATALOG_TYPES) == types == SEED["query_parameters"][0]["accepted"]
    assert list(schemas.FILTER_OPERATORS) == rules["op"]["enum"]
    ours = schemas.LIST_REQUEST["properties"]
    assert ours["filter"]["properties"]["op"]["enum"] == filters["op"]["enum"]
    assert ours["searchOrder"]["enum"] == SCHEMAS["ListTicketsRequest"]["properties"]["searchOrder"]["enum"]
    assert SCHEMAS["ListTicketsRequest"]["properties"]["top"]["maximum"] == schemas.MAX_PAGE_SIZE


def test_the_seeds_ticket_is_taken():
    assert Draft202012Validator(schemas.TICKET_RECORD).is_valid(TICKET)
    assert errors_in(named("ReadTicket"), TICKET) == []
    for name in schemas.TICKET_RECORD["required"]:
        assert not Draft202012Validator(schemas.TICKET_RECORD).is_valid({**TICKET, name: 7})
    home = {"team_id": "james", "item_type_id": "16910", "offer_id": "23629"}
    assert response_parsing.location_of(TICKET) == home
    assert (response_parsing.is_done(TICKET), response_parsing.is_deleted(TICKET)) == (False, False)
    assert TICKET["deleted_seq"] == assumptions.NOT_DELETED


@pytest.mark.parametrize(
    "ours, theirs", [("TICKET_RECORD", "Ticket"), ("TICKET_TYPE", "TicketType"), ("OFFER", "Offer")]
)
def test_what_the_document_promises_is_taken(ours, theirs):
    """Ours may ask for less than the document promises, never for more; texts that are empty are another matter."""
    wide = json.loads(json.dumps(getattr(schemas, ours)))
    assert widenings(named(theirs), wide) == []


def test_what_a_read_is_counted_on_for_is_what_the_document_says():
    assert sorted(SCHEMAS["ReadTicket"]["required"]) == sorted(schemas.TICKET_RECORD["required"])


def at_place(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


DATA_TYPES: dict[str, tuple[tuple[tuple[str, ...], ...], Any]] = {
    "GetTicketAnswer": (assumptions.TICKET_PATHS, TICKET),
    "ListTicketsAnswer": (assumptions.ROWS_PATHS, [{"object_id": "CTC-0054"}, {"objectId": "CTC-0055"}]),
    "TicketTypesAnswer": (assumptions.TICKET_TYPES_PATHS, [{"id": "16910", "fields": []}]),
    "OffersAnswer": (assumptions.OFFERS_PATHS, [{"id": "23629", "item_type": "16910"}]),
}


@pytest.mark.parametrize(
    "answer, path",
    [(answer, path) for answer in DATA_TYPES for path in DATA_TYPES[answer][0]],
    ids=lambda value: value if isinstance(value, str) else ".".join(value) or "the body",
)
def test_every_place_that_is_looked_at_is_in_the_document(answer, path):
    assert errors_in(named(answer), at_place(path, DATA_TYPES[answer][1])) == []


@pytest.mark.parametrize("answer", DATA_TYPES)
def test_the_documents_envelopes_do_not_take_everything(answer):
    for body in ({}, {"other": {}}, {"data": {"other": []}}, "text", None):
        assert errors_in(named(answer), body) != []


def test_assumed_names_are_the_documents():
    key = DOCUMENT["components"]["securitySchemes"]["apiKey"]
    assert (key["in"], key["name"], key["x-provenance"]) == ("header", assumptions.API_KEY_HEADER, "assumed")
    members = SCHEMAS["ListedTicket"]["properties"]
    assert list(members) == list(assumptions.ROW_ID_KEYS)


# --- the token endpoint ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [None, SEED["scope"]])
def test_our_token_request_is_the_documents(scope):
    transport = ticketing_connection(
        {"url": "https://x.example", "tenant_id": TICKET["tenant_id"], "realm": "r", "access_token": "t"}
    ).transport
    form = ClientCredentials(transport, "/token", "id", "s3cr3t", scope).form
    assert errors_in(named("TokenRequest"), form) == []
    assert set(form) == set(SCHEMAS["TokenRequest"]["properties"]) - (set() if scope else {"scope"})


def test_the_documents_token_answers_are_taken():
    answer = {"access_token": "t0k3n", "token_type": "Bearer", "expires_in": 300}
    assert errors_in(named("TokenAnswer"), answer) == []
    assert Draft202012Validator(TOKEN_RESPONSE).is_valid(answer)
    refused = {"error": "invalid_client", "error_description": "No such client."}
    assert errors_in(named("TokenError"), refused) == []
    assert (parse_error(refused).code, parse_error(refused).text) == ("invalid_client", "No such client.")
