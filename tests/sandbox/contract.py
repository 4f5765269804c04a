# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenAPI document as a judge of requests and answers. It knows nothing of the collection's own schemas."""

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

#: The checks that jsonschema makes without further packages, and no more.
FORMATS = FormatChecker(formats=["uuid"])


class Contract:
    """An OpenAPI 3.1 document.

    :param path: its file.
    """

    def __init__(self, path: Path) -> None:
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        documents = ((_URI, self.document), (_STRICT_URI, _strict(self.document)))
        self._registry: Registry[Any] = Registry().with_resources(
            (uri, Resource.from_contents(document, default_specification=DRAFT202012)) for uri, document in documents
        )
        self._by_reference: dict[str, Draft202012Validator] = {}
        self.operations = operations_of(self.document)

    def find(self, method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that a request is for, and the values in its path.

        :param method: in upper case.
        :param raw_path: still percent-encoded, so that an encoded slash stays inside its segment.
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
        """What is wrong with a request, by field, in the manner of the service.

        The sandbox is stricter than the vendor: a property or a query parameter that the document does not know is
        refused, so that a misspelt name is noticed instead of being passed over. Headers may be any.

        :param operation: which one.
        :param path: the values in its path.
        :param query: the names and values in its query.
        :param headers: by name, in any case.
        :param body: the parsed body, None without one.
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
                faults.setdefault(name, []).append("There is no such parameter, or it is there twice.")
        if operation.body_type is not None:
            pointer = f"{operation.pointer}/requestBody/content/{segment(operation.body_type)}/schema"
            for error in self._errors(f"{_STRICT_URI}#{pointer}", body):
                for name in _fields(error):
                    faults.setdefault(name, []).append(error.message)
        return faults

    def query(self, operation: Operation, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """The values in a query that has no faults.

        :param operation: which one.
        :param query: the names and values.
        """
        known = operation.placed("query")
        return {name: known[name].value(text) for name, text in query}

    def answer_faults(self, operation: Operation, status: int, body: Any, kind: str = JSON) -> list[str]:
        """What is wrong with an answer that the sandbox is about to give, be it a success or an error.

        :param operation: which one.
        :param status: the HTTP status.
        :param body: the parsed body, None without one.
        :param kind: the body's media type.
        """
        if str(status) not in operation.answers:
            return [f"{status} is not among the answers of {operation.name}"]
        pointer, answer = operation.answers[str(status)]
        kinds = answer.get("content", {})
        if not kinds:
            return [] if body is None else [f"{status} of {operation.name} has no body"]
        if kind not in kinds:
            return [f"{status} of {operation.name} is {' or '.join(kinds)}, not {kind}"]
        reference = f"{_URI}#{pointer}/content/{segment(kind)}/schema"
        return [f"{error.json_path}: {error.message}" for error in self._errors(reference, body)]

    def schema_faults(self, name: str, value: Any) -> list[str]:
        """What is wrong with a value.

        :param name: a schema of the document.
        :param value: to be judged.
        """
        errors = self._errors(f"{_URI}#/components/schemas/{name}", value)
        return [f"{error.json_path}: {error.message}" for error in errors]

    def errors(self, schema: Mapping[str, Any], value: Any) -> list[ValidationError]:
        """What is wrong with a value.

        :param schema: any; ``urn:contract`` in its references is the document.
        :param value: to be judged.
        """
        return list(self._validator(schema).iter_errors(value))

    def _errors(self, reference: str, value: Any) -> list[ValidationError]:
        # Every request needs the same few validators, several times.
        if reference not in self._by_reference:
            self._by_reference[reference] = self._validator({"$ref": reference})
        return list(self._by_reference[reference].iter_errors(value))

    def _validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        return Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)


@cache
def contraforce_contract() -> Contract:
    """The ContraForce API's document, read once."""
    return Contract(DOCUMENTS / "contraforce.openapi.yaml")


@cache
def ticketing_contract() -> Contract:
    """The ticketing API's document, read once."""
    return Contract(DOCUMENTS / "ticketing.openapi.yaml")


def _fields(error: ValidationError) -> list[str]:
    """The fields that an error is about: where it stands, or the properties that should not be there."""
    place = [str(part) for part in error.absolute_path]
    if error.validator != "additionalProperties" or error.validator_value is not False:
        return [".".join(place)]
    schema, instance = cast("Mapping[str, Any]", error.schema), cast("Mapping[str, Any]", error.instance)
    return [".".join([*place, name]) for name in instance if name not in schema["properties"]]


def _strict(value: Any) -> Any:
    """A copy of a document in which objects have no properties but those that it names."""
    if isinstance(value, list):
        return [_strict(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    made = {name: _strict(entry) for name, entry in value.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    return made
