# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenAPI document as a judge of requests and answers. It knows nothing of the collection's own schemas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs" / "contracts"
_METHODS = ("get", "put", "post", "patch", "delete")
_URI = "urn:contract"

#: The checks that jsonschema makes without further packages, and no more.
FORMATS = FormatChecker(formats=["uuid"])


@dataclass(frozen=True)
class Operation:
    """One operation of the document.

    :param name: its operationId.
    :param method: in upper case.
    :param template: its path with parameters in braces.
    :param definition: what the document says of it.
    :param pointer: where it stands in the document.
    """

    name: str
    method: str
    template: str
    definition: Mapping[str, Any]
    pointer: str


class Contract:
    """An OpenAPI 3.1 document.

    :param path: its file.
    """

    def __init__(self, path: Path) -> None:
        self.document = yaml.safe_load(path.read_text(encoding="utf-8"))
        self._registry: Registry[Any] = Registry().with_resource(
            _URI, Resource.from_contents(self.document, default_specification=DRAFT202012)
        )
        self.operations = [
            Operation(definition["operationId"], method.upper(), template, definition, _pointer(template, method))
            for template, item in self.document["paths"].items()
            for method, definition in item.items()
            if method in _METHODS
        ]

    def find(self, method: str, raw_path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation that a request is for, and the values in its path.

        :param method: in upper case.
        :param raw_path: still percent-encoded, so that an encoded slash stays inside its segment.
        """
        for operation in self.operations:
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(operation.template))
            match = re.fullmatch(pattern, raw_path)
            if match and method == operation.method:
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    def request_faults(self, operation: Operation, path: Mapping[str, str], body: Any) -> dict[str, list[str]]:
        """What is wrong with a request, by field, in the manner of the service.

        :param operation: which one.
        :param path: the values in its path.
        :param body: the parsed body, None without one.
        """
        faults: dict[str, list[str]] = {}
        for index, parameter in enumerate(operation.definition.get("parameters", [])):
            if parameter["in"] == "path":
                pointer = f"{operation.pointer}/parameters/{index}/schema"
                for error in self._errors(pointer, path[parameter["name"]]):
                    faults.setdefault(parameter["name"], []).append(error.message)
        if "requestBody" in operation.definition:
            for error in self._errors(f"{operation.pointer}/requestBody/{_JSON}/schema", body):
                faults.setdefault(".".join(str(part) for part in error.absolute_path), []).append(error.message)
        return faults

    def answer_faults(self, operation: Operation, status: int, body: Any) -> list[str]:
        """What is wrong with an answer that the sandbox is about to give.

        :param operation: which one.
        :param status: the HTTP status.
        :param body: the parsed body, None without one.
        """
        response = operation.definition["responses"].get(str(status))
        if response is None:
            return [f"{status} is not among the answers of {operation.name}"]
        kinds = response.get("content", {})
        if not kinds:
            return [] if body is None else [f"{status} of {operation.name} has no body"]
        kind = next(iter(kinds)).replace("~", "~0").replace("/", "~1")
        pointer = f"{operation.pointer}/responses/{status}/content/{kind}/schema"
        return [f"{error.json_path}: {error.message}" for error in self._errors(pointer, body)]

    def _errors(self, pointer: str, value: Any) -> list[Any]:
        schema = {"$ref": f"{_URI}#{pointer}"}
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FORMATS)
        return list(validator.iter_errors(value))


_JSON = "content/application~1json"


def _pointer(template: str, method: str) -> str:
    return f"/paths/{template.replace('~', '~0').replace('/', '~1').replace('{', '%7B').replace('}', '%7D')}/{method}"
