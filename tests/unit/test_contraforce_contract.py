# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the OpenAPI document with the vendor's pages, and the collection's schemas and enums with both."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ansible_collections.secops.itsm.plugins.module_utils._contraforce import assumptions, enums, link_evidence, schemas
from ansible_collections.secops.itsm.plugins.module_utils._contraforce.incident_key import incident_key

ROOT = Path(__file__).resolve().parents[2]
SEEDS = json.loads((Path(__file__).parent / "data" / "contraforce_seeds.json").read_text(encoding="utf-8"))
DOCUMENT = yaml.safe_load((ROOT / "docs" / "contracts" / "contraforce.openapi.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]


def bare(value: Any) -> Any:
    """Return a schema without descriptions and extensions."""
    if isinstance(value, dict):
        return {
            name: bare(entry)
            for name, entry in value.items()
            if not (name == "description" and isinstance(entry, str)) and not name.startswith("x-")
        }
    return [bare(entry) for entry in value] if isinstance(value, list) else value


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_there_are_three_seed_operations():
    assert {(path, method) for path, item in SEEDS["paths"].items() for method in item} == {
        ("/api/v2/workspaces/{workspaceId}/tickets/link", "post"),
        ("/api/v2/workspaces/{workspaceId}/tickets/unlink", "post"),
        ("/api/v2/workspaces/{workspaceId}/incidents/{source}/{incidentId}/status", "put"),
    }


def assumed_responses(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the responses of an operation that no page of the vendor documents."""
    return {
        status: response
        for status, response in operation["responses"].items()
        if response.get("x-provenance") == "assumed"
    }


@pytest.mark.parametrize("path", SEEDS["paths"])
def test_operation_equals_the_vendors_page(path):
    documented = copy.deepcopy(DOCUMENT["paths"][path])
    for operation in documented.values():
        for status in assumed_responses(operation):
            del operation["responses"][status]
    assert bare(documented) == bare(SEEDS["paths"][path])


def test_operations_have_a_provenance_and_few_assumed_responses():
    for path, method, operation in operations():
        assert operation["x-provenance"] in ("documented", "assumed"), f"{method} {path}"
        expected = {"415"} if "requestBody" in operation else set()
        expected |= {"409"} if path.endswith("/tickets/link") else set()
        assert set(assumed_responses(operation)) == expected, path


@pytest.mark.parametrize("name", SEEDS["schemas"])
def test_schema_equals_the_vendors_page(name):
    seed, ours = bare(SEEDS["schemas"][name]), bare(SCHEMAS[name])
    assert list(ours.get("properties", {})) == list(seed.get("properties", {}))
    assert ours == seed


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_has_a_provenance(name):
    schema = SCHEMAS[name]
    assert schema["x-provenance"] in ("documented", "assumed")
    assert (schema.get("x-source") == "seed") == (name in SEEDS["schemas"])
    for prop in schema.get("properties", {}).values():
        assert prop.get("x-provenance", "documented") in ("documented", "assumed")


def test_assumed_fields_are_marked():
    assert {SCHEMAS[name]["x-provenance"] for name in ("ShownSource", "ShownStatus", "ShownClassification")} == {
        "assumed"
    }
    record = SCHEMAS["IncidentRecord"]["properties"]
    for name in ("classification", "classificationReason", "ticketId", "ticket", "user", "isAssigned"):
        assert record[name]["x-provenance"] == "assumed"
    assert "x-provenance" not in record["status"]
    assert SCHEMAS["IncidentListItem"]["properties"]["workspaceId"]["x-provenance"] == "assumed"


@pytest.mark.parametrize(
    "words, schema",
    [
        (enums.SOURCES, "IncidentSource"),
        (enums.STATUSES, "Status"),
        (enums.CLASSIFICATIONS, "Classification"),
        (enums.CLASSIFICATION_REASONS, "ClassificationReason"),
        (enums.TICKETING_SYSTEMS, "ServiceTicketingSystemType"),
    ],
)
def test_enums_equal_those_of_the_vendor(words, schema):
    assert list(words) == [word for word in SEEDS["schemas"][schema]["enum"] if word is not None]


def test_enums_equal_those_of_the_document():
    assert list(enums.SEVERITIES) == SCHEMAS["IncidentSeverity"]["enum"]
    assert [*enums.TIME_RANGES, "Custom"] == SCHEMAS["TimeFilterSelection"]["properties"]["type"]["enum"]


def test_members_of_a_ticket_equal_those_of_the_vendor():
    members = [name for name in SEEDS["schemas"]["ServiceTicketDto"]["properties"] if name.endswith("Ticket")]
    assert sorted(link_evidence.TICKET_MEMBERS.values()) == sorted(members)
    assert set(link_evidence.TICKET_MEMBERS) == set(enums.TICKETING_SYSTEMS) - {"Zendesk", "None"}


def validator(name: str) -> Draft202012Validator:
    resource = Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:contract", resource)
    return Draft202012Validator({"$ref": f"urn:contract#/components/schemas/{name}"}, registry=registry)


def test_status_request_fits_the_contract():
    contract = SEEDS["schemas"]["UpdateIncidentStatusRequest"]
    assert schemas.STATUS_REQUEST["required"] == contract["required"]
    assert set(schemas.STATUS_REQUEST["properties"]) == set(contract["properties"])
    for name, schema in schemas.STATUS_REQUEST["properties"].items():
        for value in schema.get("enum", [{"string": "x", "boolean": True}.get(schema.get("type"))]):
            body = {"status": "New", name: value}
            assert Draft202012Validator(schemas.STATUS_REQUEST).is_valid(body)
            assert validator("UpdateIncidentStatusRequest").is_valid(body), body


REFERENCE = {"id": "1", "source": "Splunk", "workspaceId": "3f2b8c1e-7d4a-4e59-9b60-1a2c3d4e5f60", "number": "7"}
TIMES = {"type": "Custom", "customStartUtc": "2026-11-21T00:00:00Z", "customEndUtc": "2026-11-21T06:00:00Z"}
LIST = {
    "severities": ["High"],
    "statuses": ["New"],
    "sources": ["Splunk"],
    "timeFilterSelection": TIMES,
    "workspacePageTokens": [{"workspaceId": REFERENCE["workspaceId"], "sourceTokens": {"Splunk": "2"}}],
    "query": "x",
    "isFirstCall": False,
    "assigneeIds": ["a"],
    "assigneeEmails": ["a@b.example"],
    "includeUnassigned": True,
}


@pytest.mark.parametrize(
    "ours, name, bodies",
    [
        ("LINK_REQUEST", "LinkServiceTicketRequest", [{"ticketId": "1", "incident": REFERENCE}]),
        ("UNLINK_REQUEST", "UnlinkServiceTicketRequest", [{"incident": REFERENCE}]),
        ("COMMENT_REQUEST", "AddIncidentCommentRequest", [{"content": "x"}]),
        ("ASSIGNEE_REQUEST", "AssignIncidentRequest", [{"userId": "a"}, {"email": "a@b.example"}]),
        ("LIST_REQUEST", "ListIncidentsAcrossWorkspacesRequest", [LIST]),
    ],
)
def test_requests_fit_the_contract(ours, name, bodies):
    """Every property of a request is in the contract, and a request with all properties fits both schemas."""
    schema = getattr(schemas, ours)
    assert set(schema["properties"]) <= set(SCHEMAS[name]["properties"])
    assert set(schema["properties"]) == {key for body in bodies for key in body}
    for body in bodies:
        assert Draft202012Validator(schema).is_valid(body)
        assert validator(name).is_valid(body)
        for key in schema["required"]:
            assert not Draft202012Validator(schema).is_valid({one: body[one] for one in body if one != key})
        assert not Draft202012Validator(schema).is_valid({**body, "nonsense": 1})


@pytest.mark.parametrize(
    "fields, name",
    [
        (schemas.RECORD_FIELDS, "IncidentRecord"),
        (schemas.LISTED_FIELDS, "IncidentListItem"),
        (schemas.COMMENT_FIELDS, "IncidentComment"),
    ],
)
def test_documented_fields_equal_those_of_the_document(fields, name):
    properties = SCHEMAS[name]["properties"].items()
    assert list(fields) == [key for key, prop in properties if prop.get("x-provenance") != "assumed"]


def test_reference_to_an_incident_equals_that_of_the_vendor():
    key = incident_key(REFERENCE["workspaceId"], "splunk", "1")
    assert key.reference("7") == REFERENCE
    assert list(REFERENCE) == list(SEEDS["schemas"]["IncidentReference"]["properties"])
    assert "number" not in key.reference()


@pytest.mark.parametrize("system", enums.TICKETING_SYSTEMS)
def test_every_ticket_of_the_contract_is_accepted(system):
    data = {"ticketingSystemType": system, "isTicketSet": system != "None"}
    assert validator("ApiResponseOfServiceTicketDto").is_valid({"data": data})
    assert Draft202012Validator(schemas.LINK_RESPONSE).is_valid({"data": data})


def test_null_violates_the_status_request_of_the_vendor():
    """The oneOf of the vendor's page matches null twice. If this test fails, schemas.py may allow null."""
    assert not validator("UpdateIncidentStatusRequest").is_valid({"status": "New", "classification": None})


@pytest.mark.parametrize("status", ["New", "closed", 3, None])
@pytest.mark.parametrize("nested", [True, False])
def test_every_incident_of_the_contract_is_accepted(status, nested):
    record = {"id": "1", "status": status, "classification": 2, "classificationReason": None, "new": {}}
    data = {"source": "Splunk", "incident": record} if nested else record
    assert validator("ApiResponseOfIncidentDetails").is_valid({"data": data, "meta": {}})
    assert Draft202012Validator(schemas.INCIDENT_RESPONSE).is_valid({"data": data})
    assert Draft202012Validator(schemas.INCIDENT_RECORD).is_valid(record)


def test_assumed_integers_equal_those_of_the_document():
    for schema, words in (
        ("ShownStatus", assumptions.STATUS_BY_INTEGER),
        ("ShownClassification", assumptions.CLASSIFICATION_BY_INTEGER),
        ("ShownSource", assumptions.SOURCE_BY_INTEGER),
    ):
        for number, word in words.items():
            assert f"{word} {number}" in SCHEMAS[schema]["description"]


def test_classification_pairs_contain_known_values():
    for source, pairs in assumptions.PAIRS_BY_SOURCE.items():
        assert source in enums.SOURCES
        assert set(pairs) <= set(enums.CLASSIFICATIONS)
        for reasons in pairs.values():
            assert reasons <= set(enums.CLASSIFICATION_REASONS)
