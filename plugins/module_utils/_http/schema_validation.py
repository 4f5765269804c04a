# Copyright (c) 2026, secops.itsm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change without notice.

"""Validate requests and responses with JSON Schema."""

from __future__ import annotations

from typing import Any, Callable, Mapping

try:
    import jsonschema
except ImportError:
    HAS_JSONSCHEMA = False
else:
    HAS_JSONSCHEMA = True

from ansible_collections.secops.itsm.plugins.module_utils._errors import ApiError

#: Validators by the id of their schema, which is kept so that its id is not reused.
_VALIDATORS: dict[int, tuple[Mapping[str, Any], Any]] = {}


def _validator(schema: Mapping[str, Any]) -> Any:
    """Return the validator of a schema, which is built once; there are few schemas, and every request uses some."""
    if id(schema) not in _VALIDATORS:
        _VALIDATORS[id(schema)] = (schema, jsonschema.Draft202012Validator(schema))
    return _VALIDATORS[id(schema)][1]


def first_violation(schema: Mapping[str, Any], value: Any) -> str | None:
    """Return where and how a value violates a schema, or None.

    The text contains only positions and rules, because the value may be confidential.

    :param schema: the JSON Schema.
    :param value: the parsed JSON.
    """
    validator = _validator(schema)
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path) or "the top level"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{', '.join(missing)} is missing at {place}"
    if error.validator == "additionalProperties":
        unknown = sorted(set(error.instance) - set(error.schema.get("properties", {})))
        return f"{', '.join(unknown)} is unknown at {place}"
    if error.validator in ("type", "enum", "const", "pattern"):
        return f"{place} does not match the {error.validator} {error.validator_value!r}"
    return f"{place} violates the rule {error.validator!r}"


def wrong_properties(
    schema: Mapping[str, Any], value: Mapping[str, Any], formats: Mapping[str, Callable[[str], bool]]
) -> set[str]:
    """Return the properties of an object that violate a schema.

    :param schema: the JSON Schema of the object.
    :param value: the object.
    :param formats: for each ``format`` of the schema, a function that returns whether a text has that format.
    """
    checker = jsonschema.FormatChecker(formats=())
    for name, has_format in formats.items():
        checker.checks(name)(lambda text, has_format=has_format: not isinstance(text, str) or has_format(text))
    errors = jsonschema.Draft202012Validator(schema, format_checker=checker).iter_errors(value)
    return {str(error.absolute_path[0]) for error in errors if error.absolute_path}


def validate_request(schema: Mapping[str, Any], body: Any) -> None:
    """Raise ApiError if a request violates the contract.

    :param schema: the JSON Schema of the request body.
    :param body: the request body.
    :raises ApiError: category ``contract``.
    """
    found = first_violation(schema, body)
    if found:
        raise ApiError(f"The request was not sent, because it violates the API contract: {found}.", "contract")


def validate_response(schema: Mapping[str, Any], body: Any, url: str, **facts: Any) -> None:
    """Raise ApiError if a response violates the contract; unknown properties are allowed.

    :param schema: the JSON Schema of the response.
    :param body: the parsed JSON.
    :param url: the name of the option with the API's URL, for the message.
    :param facts: ``method``, ``path``, ``http_status``, ``request_id`` and ``ambiguous`` of the request.
    :raises ApiError: category ``contract``.
    """
    found = first_violation(schema, body)
    if found:
        raise ApiError(
            f"The response does not match the API contract: {found}. Check that {url} is the address of the API; if it "
            "is, the API may have changed.",
            "contract",
            **facts,
        )
