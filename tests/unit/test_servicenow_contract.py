# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the OpenAPI document of the ServiceNow Table API, its provenance, and the requests of the collection."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ansible_collections.secops.itsm.plugins.module_utils._http.client import Response
from ansible_collections.secops.itsm.plugins.module_utils._servicenow import api, assumptions, connection

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "contracts" / "servicenow.openapi.yaml").read_text(encoding="utf-8"))
COMPONENTS = DOCUMENT["components"]
PROVENANCES = {"documented", "client", "reported", "assumed"}
RECORD = {
    "state": "6",
    "assignment_group": {"link": "https://x.example/1", "value": "1"},
    "company": {"display_value": "Fabrikam", "link": "https://x.example/2"},
    "caller_id": {"display_value": "", "value": ""},
}


def endpoints() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the path, the method and the definition of each operation."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def operations() -> dict[str, dict[str, Any]]:
    """Return the definition of each operation by its id."""
    return {operation["operationId"]: operation for _path, _method, operation in endpoints()}


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


def is_valid(name: str, value: Any) -> bool:
    """Return whether a value complies with a schema of the document."""
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    schema = {"$ref": f"urn:contract#/components/schemas/{name}"}
    return Draft202012Validator(schema, registry=registry).is_valid(value)


def test_references_and_schemas_are_valid():
    for entry in entries(DOCUMENT):
        assert isinstance(resolved(entry), dict), entry
    for schema in COMPONENTS["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_each_fact_has_its_provenance():
    own = [response for operation in operations().values() for response in operation["responses"].values()]
    named = [entry for kind in COMPONENTS.values() for entry in kind.values()]
    facts = DOCUMENT["x-facts"]
    for entry in [*operations().values(), *map(resolved, own), *named, *facts]:
        assert entry.get("x-provenance") in PROVENANCES, entry
    assert {entry["x-provenance"] for entry in facts} == PROVENANCES
    assert len({entry["fact"] for entry in facts}) == len(facts)


def test_each_operation_documents_its_errors():
    for name, operation in operations().items():
        wanted = {"200", "400", "401", "429", "500"}
        if "security" not in operation:
            wanted |= {"403", "404"} | ({"201"} if name == "create-record" else set())
        assert set(operation["responses"]) == wanted, name


def test_examples_are_valid():
    found = [(entry["schema"], entry["example"]) for entry in entries(DOCUMENT["paths"]) if "example" in entry]
    found += [(entry["schema"], entry["example"]) for entry in entries(COMPONENTS["responses"]) if "example" in entry]
    assert len(found) >= 6
    for schema, example in found:
        assert is_valid(schema["$ref"].rpartition("/")[2], example), json.dumps(example)


@pytest.mark.parametrize("wrong", [None, 6, True, [], {"value": "1"}, {"link": "1"}, {"value": "1", "other": "2"}])
def test_values_are_texts_or_objects_with_texts(wrong):
    assert is_valid("ListResponse", {"result": [RECORD]})
    assert not is_valid("ListResponse", {"result": [{**RECORD, "state": wrong}]})
    assert not is_valid("RecordResponse", {"result": {**RECORD, "state": wrong}})


@pytest.mark.parametrize(
    "wrong", [{}, {"error": "x", "status": "failure"}, {"error": {"message": "x"}, "status": "ok"}]
)
def test_errors_have_message_and_detail(wrong):
    for detail in (None, "x"):
        assert is_valid("ErrorResponse", {"error": {"message": "x", "detail": detail}, "status": "failure"})
    assert not is_valid("ErrorResponse", wrong)


# --- the requests of the collection ---------------------------------------------------------------------------------


SYS_ID = "3f7b2c4d5e6f708192a3b4c5d6e7f809"
ROW = {"sys_id": {"value": SYS_ID, "display_value": SYS_ID}}
#: Each operation on records with a response.
CALLS: dict[str, tuple[Callable[[api.ServiceNowApi], Any], Any]] = {
    "list-records": (lambda it: it.page("incident", "state=1^ORDERBYsys_id", 10, 20, ["number"]), [ROW]),
    "get-record": (lambda it: it.record("incident", SYS_ID), ROW),
    "create-record": (lambda it: it.create("incident", {"state": "1"}), ROW),
    "update-record": (lambda it: it.update("incident", SYS_ID, {"state": "6"}), ROW),
}


class Recorder:
    """A client that records requests, and returns the same response to all of them."""

    def __init__(self, body: Any) -> None:
        self.sent: list[tuple[str, str, Any, Mapping[str, str]]] = []
        self._body = body

    def read(self, method: str, path: str, query: Mapping[str, str]) -> Response:
        return self.write(method, path, None, query)

    def write(self, method: str, path: str, body: Any, query: Mapping[str, str]) -> Response:
        self.sent.append((method, path, body, query))
        return Response(200, self._body)


def test_calls_cover_the_operations():
    assert {name for name, operation in operations().items() if "security" not in operation} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_request_and_response_match_the_document(name):
    path, method, operation = next(entry for entry in endpoints() if entry[2]["operationId"] == name)
    call, result = CALLS[name]
    recorder = Recorder({"result": result})
    call(api.ServiceNowApi(recorder))  # type: ignore[arg-type]
    ((sent_method, sent_path, body, query),) = recorder.sent
    template = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))
    assert re.fullmatch(template, connection.PREFIX + sent_path)
    assert sent_method.lower() == method
    known = {entry["name"]: entry["schema"] for entry in map(resolved, operation["parameters"])}
    assert set(query) <= set(known)
    for key, text in query.items():
        kind = known[key].get("type")
        value = int(text) if kind == "integer" else {"true": True, "false": False}[text] if kind == "boolean" else text
        assert Draft202012Validator(known[key]).is_valid(value), key
    assert ("requestBody" in operation) == (body is not None)
    assert body is None or is_valid("RecordChanges", body)
    assert is_valid("ListResponse" if name == "list-records" else "RecordResponse", {"result": result})


def test_names_of_the_collection_are_those_of_the_document():
    schemes = COMPONENTS["securitySchemes"]
    assert schemes["apiKey"]["name"] == connection.API_KEY_HEADER
    assert connection.TOKEN_PATH in DOCUMENT["paths"]
    assert schemes["clientCredentials"]["flows"]["clientCredentials"]["tokenUrl"] == connection.TOKEN_PATH
    assert {assumptions.REQUEST_ID_HEADER, api.MFA_HEADER} <= set(COMPONENTS["headers"])


def test_errors_of_the_document_are_parsed():
    bodies = [response.get("content", {}).get("application/json", {}) for response in COMPONENTS["responses"].values()]
    examples = [body["example"] for body in bodies if "example" in body]
    texts = {example["error"]["message"]: api.problem_of(example) for example in examples}
    assert len(texts) == 3
    assert all((problem.text or "").startswith(message) for message, problem in texts.items())
    assert api.category_of(403, texts["Operation Failed"]) == "validation"
