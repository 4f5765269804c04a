# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Validate seeds and control requests with JSON Schemas, and describe what is wrong in one sentence."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Iterable, Mapping, cast
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.validators import extend
from referencing import Resource
from referencing.jsonschema import DRAFT202012

from ansible_collections.secops.itsm.tests.sandbox.contract import contraforce_contract
from ansible_collections.secops.itsm.tests.sandbox.parsing import instant

CONTROL_SCHEMA = Path(__file__).resolve().parent / "control.schema.yml"
SEED_SCHEMA = Path(__file__).resolve().parent / "seed.schema.yml"

_FORMATS = FormatChecker(formats=["uuid"])
#: Without 1.0, which JSON Schema counts as an integer and Python does not. JSON that is received contains 1 instead.
_INTEGERS = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _checker, value: isinstance(value, int) and not isinstance(value, bool)
)
_VALIDATOR = extend(Draft202012Validator, type_checker=_INTEGERS)  # type: ignore[no-untyped-call]
_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
#: The validators that a sentence can describe without a title.
_COVERED = ("type", "enum", "minimum", "maximum", "minLength", "minProperties")
_SHOWN = 60


@_FORMATS.checks("instant", raises=ValueError)
def _is_instant(value: Any) -> bool:
    return not isinstance(value, str) or bool(instant(value))


@_FORMATS.checks("http-url", raises=ValueError)
def _is_http_url(value: Any) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc


def check(name: str, value: Any) -> None:
    """Validate a seed or a part of a control request.

    :param name: ``seed``, or a definition in control.schema.yml.
    :param value: any JSON value.
    :raises ValueError: with one sentence about the first error.
    """
    error = best_match(_validator(name).iter_errors(value))
    if error is not None:
        raise ValueError(f"{'.'.join([name, *map(str, error.absolute_path)])} {_reason(error)}")


@cache
def _validator(name: str) -> Any:
    registry = contraforce_contract().registry
    for uri, path in (("urn:control", CONTROL_SCHEMA), ("urn:seed", SEED_SCHEMA)):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        # jsonschema would choose its own validator for a schema that names its dialect.
        del content["$schema"]
        registry = registry.with_resource(uri, Resource.from_contents(content, DRAFT202012))
    reference = "urn:seed" if name == "seed" else f"urn:control#/$defs/{name}"
    return _VALIDATOR({"$ref": reference}, registry=registry, format_checker=_FORMATS)


def _reason(error: ValidationError) -> str:
    schema, value = cast("Mapping[str, Any]", error.schema), cast("Any", error.instance)
    if error.validator == "additionalProperties":
        unknown = [name for name in value if name not in schema["properties"]]
        return f"has unknown keys: {_words(unknown)} (known keys: {_words(schema['properties'])})"
    if error.validator == "required":
        return f"lacks required keys: {_words(name for name in schema['required'] if name not in value)}"
    if "title" not in schema and error.validator not in _COVERED:
        return f"is invalid: {error.message}"
    text = json.dumps(value, ensure_ascii=False)
    return f"is {text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'}, but must be {_expected(schema)}"


def _expected(schema: Mapping[str, Any]) -> str:
    if "title" in schema:
        return str(schema["title"])
    if "enum" in schema:
        return f"one of {_words(schema['enum'])}"
    kinds = schema.get("type", [])
    expected = " or ".join(_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    if "maximum" in schema:
        return f"{expected} from {schema['minimum']} to {schema['maximum']}"
    if "minimum" in schema:
        return f"{expected}, at least {schema['minimum']}"
    return f"{expected} that is not empty" if schema.keys() & {"minLength", "minProperties"} else expected


def _words(names: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys("null" if name is None else str(name) for name in names))
