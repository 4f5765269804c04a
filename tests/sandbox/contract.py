# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate requests and responses with an OpenAPI document, independently of the schemas of the collection."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Mapping, Sequence, cast

import yaml
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from ansible_collections.secops.itsm.tests.sandbox.operations import JSON, Operation, operations_of, segment

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "contracts"
_URI = "urn:contract"
_STRICT_URI = "urn:contract:strict"

#: The format that jsonschema can check without additional packages.
FORMATS = FormatChecker(formats=["uuid"])


class Contract:
    """An OpenAPI 3.1 document in a file."""

    def __init__(self, path: Path) -> None:
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        documents = ((_URI, self.document), (_STRICT_URI, _strict(self.document)))
        self.registry: Registry[Any] = Registry().with_resources(
            (uri, Resource.from_contents(document, default_specification=DRAFT202012)) for uri, document in documents
        )
        self._by_reference: dict[str, Draft202012Validator] = {}
        self.operations = operations_of(self.document)

    def find(self, method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a request and the values in its path, or None.

        :param raw_path: the path with its percent-encoding, so that an encoded slash stays inside its segment.
        """
        for operation in self.operations:
            values = operation.values_in(raw_path) if method == operation.method else None
            if values is not None:
                return operation, values
        return None

    def request_faults(
        self,
        operation: Operation,
        path: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: Any,
    ) -> dict[str, list[str]]:
        """Return the errors of a request by field, in the format of the service.

        The sandbox is stricter than the vendor and refuses properties and query parameters that the document does not
        define, so that misspelled names are noticed. Unknown headers are allowed.

        :param path: the values in the path.
        :param query: the names and values in the query.
        :param body: the parsed body, or None.
        """
        faults: dict[str, list[str]] = {}
        sent = {"path": path, "query": dict(query), "header": headers}
        for parameter in operation.parameters:
            text = sent[parameter.place].get(parameter.name)
            if text is None:
                found = [f"{parameter.name} is required."] if parameter.required else []
            else:
                errors = self._errors(f"{_URI}#{parameter.pointer}", parameter.value(text))
                found = [error.message for error in errors]
            if found:
                faults[parameter.name] = found
        known = operation.placed("query")
        for index, (name, _text) in enumerate(query):
            if name not in known or name in dict(query[:index]):
                faults.setdefault(name, []).append("The parameter is unknown or occurs twice.")
        if operation.body_type is not None:
            pointer = f"{operation.pointer}/requestBody/content/{segment(operation.body_type)}/schema"
            for error in self._errors(f"{_STRICT_URI}#{pointer}", body):
                for name in _fields(error):
                    faults.setdefault(name, []).append(error.message)
        return faults

    def query(self, operation: Operation, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the values in a valid query with their types."""
        known = operation.placed("query")
        return {name: known[name].value(text) for name, text in query}

    def answer_faults(self, operation: Operation, status: int, body: Any, kind: str = JSON) -> list[str]:
        """Return the errors of a response, which can be a success or an error.

        :param body: the parsed body, or None.
        :param kind: the media type of the body.
        """
        if str(status) not in operation.answers:
            return [f"{status} is not among the answers of {operation.name}"]
        pointer, response = operation.answers[str(status)]
        kinds = response.get("content", {})
        if not kinds:
            return [] if body is None else [f"{status} of {operation.name} has no body"]
        if kind not in kinds:
            return [f"{status} of {operation.name} is {' or '.join(kinds)}, not {kind}"]
        reference = f"{_URI}#{pointer}/content/{segment(kind)}/schema"
        return [f"{error.json_path}: {error.message}" for error in self._errors(reference, body)]

    def schema_faults(self, name: str, value: Any) -> list[str]:
        """Return the errors of a value by a named schema of the document."""
        errors = self._errors(f"{_URI}#/components/schemas/{name}", value)
        return [f"{error.json_path}: {error.message}" for error in errors]

    def _errors(self, reference: str, value: Any) -> list[ValidationError]:
        # Every request uses the same few validators several times.
        if reference not in self._by_reference:
            self._by_reference[reference] = self._validator({"$ref": reference})
        return list(self._by_reference[reference].iter_errors(value))

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator(schema, registry=self.registry, format_checker=FORMATS)


@cache
def contraforce_contract() -> Contract:
    """Return the document of the ContraForce API."""
    return Contract(DOCUMENTS / "contraforce.openapi.yaml")


@cache
def ticketing_contract() -> Contract:
    """Return the document of the ticketing API."""
    return Contract(DOCUMENTS / "ticketing.openapi.yaml")


@cache
def servicenow_contract() -> Contract:
    """Return the document of the ServiceNow Table API."""
    return Contract(DOCUMENTS / "servicenow.openapi.yaml")


def _fields(error: ValidationError) -> list[str]:
    """Return the fields of an error: its location, or the properties that are not allowed."""
    place = [str(part) for part in error.absolute_path]
    if error.validator != "additionalProperties" or error.validator_value is not False:
        return [".".join(place)]
    schema, instance = cast("Mapping[str, Any]", error.schema), cast("Mapping[str, Any]", error.instance)
    return [".".join([*place, name]) for name in instance if name not in schema["properties"]]


def _strict(value: Any) -> Any:
    """Return a copy of a document in which objects have no other properties than the defined ones."""
    if isinstance(value, list):
        return [_strict(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    made = {name: _strict(entry) for name, entry in value.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
