# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of an OpenAPI document, with resolved references."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Iterator, Mapping
from urllib.parse import unquote

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a request.

    :param place: ``path``, ``query`` or ``header``.
    :param pointer: the JSON pointer to the schema.
    """

    name: str
    place: str
    required: bool
    schema: Mapping[str, Any]
    pointer: str

    def value(self, text: str) -> Any:
        """Return a text as the type of the schema, or unchanged if it is not of that type."""
        kind = self.schema.get("type")
        if kind == "boolean":
            return {"true": True, "false": False}.get(text.lower(), text)
        if kind == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        return text


@dataclass(frozen=True)
class Operation:
    """An operation of the document.

    :param name: its operationId.
    :param template: its path with parameters in braces.
    :param pointer: its JSON pointer.
    :param answers: the pointer and the definition of each response, by status.
    """

    name: str
    method: str
    template: str
    definition: Mapping[str, Any]
    pointer: str
    parameters: tuple[Parameter, ...]
    answers: Mapping[str, tuple[str, Mapping[str, Any]]]

    @property
    def body_type(self) -> str | None:
        """Return the media type of the request body, or None."""
        return next(iter(self.definition["requestBody"]["content"])) if "requestBody" in self.definition else None

    @property
    def is_open(self) -> bool:
        """Return whether the operation needs no credentials."""
        return self.definition.get("security") == []

    def placed(self, place: str) -> dict[str, Parameter]:
        """Return the parameters in ``path``, ``query`` or ``header`` by name."""
        return {parameter.name: parameter for parameter in self.parameters if parameter.place == place}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.template)))

    def values_in(self, raw_path: str) -> dict[str, str] | None:
        """Return the values in a path, or None if the path is not one of this operation.

        :param raw_path: the path with its percent-encoding, so that an encoded slash stays inside its segment.
        """
        match = self._pattern.fullmatch(raw_path)
        return {name: unquote(value) for name, value in match.groupdict().items()} if match else None


def operations_of(document: Mapping[str, Any]) -> list[Operation]:
    """Return every operation of a document."""
    return [
        _operation(document, template, method, definition)
        for template, item in document["paths"].items()
        for method, definition in item.items()
        if method in _METHODS
    ]


def segment(text: str) -> str:
    """Return a key as a segment of a JSON pointer in the fragment of a URI."""
    return text.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _operation(document: Mapping[str, Any], template: str, method: str, definition: Mapping[str, Any]) -> Operation:
    pointer = f"/paths/{segment(template)}/{method}"
    answers = {
        status: _followed(document, f"{pointer}/responses/{status}", answer)
        for status, answer in definition["responses"].items()
    }
    parameters = tuple(_parameters(document, pointer, definition))
    return Operation(definition["operationId"], method.upper(), template, definition, pointer, parameters, answers)


def _parameters(document: Mapping[str, Any], pointer: str, definition: Mapping[str, Any]) -> Iterator[Parameter]:
    for index, entry in enumerate(definition.get("parameters", [])):
        place, found = _followed(document, f"{pointer}/parameters/{index}", entry)
        required = found.get("required", False)
        yield Parameter(found["name"], found["in"], required, found["schema"], f"{place}/schema")


def _followed(document: Mapping[str, Any], pointer: str, value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Resolve the references of a value, and return its pointer and the value."""
    while "$ref" in value:
        pointer = value["$ref"].lstrip("#")
        found: Any = document
        for part in pointer.strip("/").split("/"):
            found = found[part]
        value = found
    return pointer, value
